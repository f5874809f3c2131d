#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Alarms: their thresholds, what they say when a window ends, in JSON, for
# Prometheus and in the log, by one worker for all.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Metrics;
use AwsSigV4::Process qw(spawn stop);

my $dir = temp_dir();

my @script = (
    { match => '^/gone', times => 1000, status => 404 },
    { match => '^/broken', times => 10_000, status => 500 },
    { match => '^/slow', after => "$dir/go", touch => "$dir/slow" },
);

my $http = <<'EOC';
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
EOC

my $config = <<'EOC';
aws_sigv4 on;

location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /metrics {
    aws_sigv4_metrics;
}
EOC

sub gateway {
    my ($alarms) = @_;

    return start_nginx(
        verifier    => start_verifier(script => \@script),
        main_config => "worker_processes 3;\n",
        http_config => "$http$alarms",
        config      => $config,
    );
}

# "on" and "over", in their order, and what they say
sub lines {
    my ($nginx, $metric) = @_;

    my @lines = $nginx->log_text('error.log')
        =~ /\[(?:warn|notice)\] .*: alarm "$metric" is (on: .*|over: .*)/g;

    return @lines;
}

# metric => state, of JSON; what Prometheus has must be the same
sub states {
    my ($nginx) = @_;

    return { map { $_->{metric} => $_->{state} }
             @{ metrics_json($nginx)->{alarms} } };
}

sub prometheus {
    my ($nginx) = @_;

    return { map { $_->[1]{metric} => $_->[2] }
             grep { $_->[0] eq 'aws_sigv4_alarm_state' } scrape($nginx) };
}

sub ask {
    my ($nginx, $target) = @_;

    return request($nginx->port, target => $target);
}

# a server that fails until this is true
sub failing {
    my ($nginx, $condition) = @_;

    return wait_for(sub {
        ask($nginx, '/broken');
        return $condition->();
    });
}

# the value that Prometheus has after an alarm has been on and is over
sub over {
    my ($nginx, $metric) = @_;

    wait_for(sub {
        my @lines = lines($nginx, $metric);
        return @lines && $lines[-1] =~ /^over/;
    });

    return prometheus($nginx)->{$metric};
}


subtest 'nobody wrote anything' => sub {
    my $nginx = gateway('');

    is_deeply [map { [@$_{qw(metric state threshold window_seconds value)}] }
               @{ metrics_json($nginx)->{alarms} }],
              [['4xxErrorCount', 'ok', 5, 60, 0],
               ['5xxErrorCount', 'ok', 2, 60, 0],
               ['RequestLatency', 'ok', 1500, 60, 0]], 'the usual thresholds';

    is_deeply prometheus($nginx),
              { '4xxErrorCount' => 0, '5xxErrorCount' => 0,
                RequestLatency => 0 }, 'for Prometheus, too';

    is_deeply [$nginx->stop_it], [], 'it ends well';
};


subtest 'errors' => sub {
    my $nginx = gateway(<<'EOC');
aws_sigv4_alarm window=1s;
aws_sigv4_alarm 4xxErrorCount 1000;
aws_sigv4_alarm 5xxErrorCount 0;
EOC

    ask($nginx, '/gone') for 1 .. 5;

    # errors go on until the alarm was seen, and then they end

    failing($nginx, sub { states($nginx)->{'5xxErrorCount'} eq 'alarm' });
    failing($nginx, sub { prometheus($nginx)->{'5xxErrorCount'} == 1 });
    is over($nginx, '5xxErrorCount'), 0, 'it is seen, and ends';

    my @said = lines($nginx, '5xxErrorCount');
    like $said[0], qr/^on: [1-9]\d* in 1 s, more than 0/, 'why it is on';
    like $said[1], qr/^over: 0 in 1 s/, 'and over';
    is_deeply [lines($nginx, '4xxErrorCount')], [], 'the other one is off';

    # the state goes on, and nothing is counted a second time

    failing($nginx, sub { states($nginx)->{'5xxErrorCount'} eq 'alarm' });
    $nginx->reload;
    is over($nginx, '5xxErrorCount'), 0, 'over a reload';

    like join(' ', map { /^(\w+)/ } lines($nginx, '5xxErrorCount')),
         qr/^on over(?: on over)+$/, 'each change is told once';

    is_deeply [$nginx->stop_it], [], 'it ends well';
};


subtest 'a threshold that is not passed' => sub {
    my $nginx = gateway(<<'EOC');
aws_sigv4_alarm window=1s;
aws_sigv4_alarm 4xxErrorCount 5;
aws_sigv4_alarm 5xxErrorCount 0;
aws_sigv4_alarm RequestLatency off;
EOC

    is_deeply [sort keys %{ states($nginx) }],
              ['4xxErrorCount', '5xxErrorCount'], 'one is off';

    ask($nginx, '/gone') for 1 .. 5;
    ask($nginx, '/broken');

    is over($nginx, '5xxErrorCount'), 0, 'windows have ended';

    is_deeply [lines($nginx, '4xxErrorCount')], [], 'as many are allowed';

    is_deeply [$nginx->stop_it], [], 'it ends well';
};


subtest 'latency' => sub {
    my $nginx = gateway(<<'EOC');
aws_sigv4_alarm window=1s;
aws_sigv4_alarm RequestLatency 20ms;
EOC

    my $client = spawn(
        command => ['curl', '-s', '-o', '/dev/null',
                    'http://127.0.0.1:' . $nginx->port . '/slow'],
    );

    wait_for(sub { -e "$dir/slow" });

    # this is the latency that is asked for
    select undef, undef, undef, 0.1;
    open my $go, '>', "$dir/go" or die "$dir/go: $!";

    is over($nginx, 'RequestLatency'), 0, 'it was seen, and has ended';

    my ($on) = lines($nginx, 'RequestLatency');
    like $on, qr/^on: \d{2,} ms on average in 1 s, more than 20/,
         'an average';
    ok $on =~ /^on: (\d+)/ && $1 > 20, 'that is above';

    stop($client);
    is_deeply [$nginx->stop_it], [], 'it ends well';
};


subtest 'a time without alarms' => sub {
    my $alarms = "aws_sigv4_alarm window=1s;\n"
        . "aws_sigv4_alarm 5xxErrorCount 4;\n";
    my $nginx  = gateway("aws_sigv4_alarm off;\n");

    ask($nginx, '/broken') for 1 .. 9;
    $nginx->reload(http => "$http$alarms");

    # a window has ended when the other alarm has been on
    ask($nginx, '/gone') for 1 .. 60;
    is over($nginx, '4xxErrorCount'), 0, 'alarms again';
    is_deeply [lines($nginx, '5xxErrorCount')], [],
              'not for what was counted before';

    is_deeply [$nginx->stop_it], [], 'it ends well';
};


subtest 'an alarm of long ago' => sub {
    my $threshold = "aws_sigv4_alarm 5xxErrorCount 0;\n";
    my $nginx = gateway("aws_sigv4_alarm window=1s;\n$threshold");

    failing($nginx, sub { states($nginx)->{'5xxErrorCount'} eq 'alarm' });

    # longer than a window
    $nginx->reload(http => "${http}aws_sigv4_alarm off;\n");
    ask($nginx, '/broken') for 1 .. 3;
    wait_for(sub { metrics_json($nginx)->{providers}[0]{age_seconds} >= 3 });

    $nginx->reload(http => "${http}aws_sigv4_alarm window=1h;\n$threshold");
    is over($nginx, '5xxErrorCount'), 0, 'is over';

    my ($alarm) = grep { $_->{metric} eq '5xxErrorCount' }
                  @{ metrics_json($nginx)->{alarms} };

    is_deeply [@{$alarm}{qw(state value window_seconds)}], ['ok', 0, 3600],
              'the new window has just begun';

    is_deeply [$nginx->stop_it], [], 'it ends well';
};


subtest 'none' => sub {
    my $nginx = gateway("aws_sigv4_alarm off;\n");

    is_deeply metrics_json($nginx)->{alarms}, [], 'there are none';
    is_deeply prometheus($nginx), {}, 'for Prometheus, too';

    is_deeply [$nginx->stop_it], [], 'it ends well';
};

done_testing();
