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
    { match => '^/gone', times => 100, status => 404 },
    { match => '^/broken', times => 100, status => 500 },
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

    # whichever windows they fall into, the alarm goes on once

    ask($nginx, '/broken') for 1 .. 9;

    wait_for(sub { states($nginx)->{'5xxErrorCount'} eq 'alarm' });

    my ($on) = lines($nginx, '5xxErrorCount');
    like $on, qr/^on: [1-9] in 1 s, more than 0/, 'it says why';

    wait_for(sub { states($nginx)->{'5xxErrorCount'} eq 'ok' });
    wait_for(sub { lines($nginx, '5xxErrorCount') == 2 });

    is((lines($nginx, '5xxErrorCount'))[1] =~ s/,.*//r, 'over: 0 in 1 s',
       'and when it is over');
    is_deeply [lines($nginx, '4xxErrorCount')], [], 'the other one is off';
    is prometheus($nginx)->{'5xxErrorCount'}, 0, 'for Prometheus, too';

    # the state goes on, and nothing is counted a second time

    ask($nginx, '/broken');
    wait_for(sub { prometheus($nginx)->{'5xxErrorCount'} == 1 });
    $nginx->reload;
    wait_for(sub { lines($nginx, '5xxErrorCount') == 4 });
    is_deeply [map { /^(\w+)/ } lines($nginx, '5xxErrorCount')],
              [qw(on over on over)], 'over a reload';

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

    wait_for(sub { lines($nginx, '5xxErrorCount') == 2 });

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

    wait_for(sub { lines($nginx, 'RequestLatency') == 2 });

    my ($on) = lines($nginx, 'RequestLatency');
    like $on, qr/^on: \d{2,} ms on average in 1 s, more than 20/,
         'an average';
    ok $on =~ /^on: (\d+)/ && $1 > 20, 'that is above';

    stop($client);
    is_deeply [$nginx->stop_it], [], 'it ends well';
};


subtest 'none' => sub {
    my $nginx = gateway("aws_sigv4_alarm off;\n");

    is_deeply metrics_json($nginx)->{alarms}, [], 'there are none';
    is_deeply prometheus($nginx), {}, 'for Prometheus, too';

    is_deeply [$nginx->stop_it], [], 'it ends well';
};

done_testing();
