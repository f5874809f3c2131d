#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# More series than there is memory for, many workers that want the same ones
# at once, names that are hostile, and zones of all sizes.

use strict;
use warnings;

use POSIX qw(WNOHANG);
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Metrics;

my $provider = 'aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;';

# an upstream that is fast and takes everything

my $upstream = 'server { listen 127.0.0.1:$TEST_PORT_UPSTREAM;
                         access_log off; return 204; }';

my $config = 'location /metrics { aws_sigv4_metrics; }
    location / {
        aws_sigv4                on;
        aws_sigv4_service        $arg_service;
        aws_sigv4_region         $http_x_region;
        aws_sigv4_metrics_label  free;
        proxy_pass               http://127.0.0.1:$TEST_PORT_UPSTREAM;
    }';


subtest 'clients at once, for the same series' => sub {
    my $nginx = gateway(4);
    my @clients = map { client($nginx->port, 100) } 1 .. 4;

    is ended($_), 0, 'a client is content' for @clients;

    counted($nginx, 'free', { signed => 400, '2xx' => 400 });

    my @samples = scrape($nginx);

    is total('series', @samples), 100, 'each is there once';
    is total('series_overflow_total', @samples), 0, 'and none too many';
    is scalar(grep { $_->[0] =~ /_signed_total/ && $_->[2] == 4 } @samples),
       100, 'each has been counted four times';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'workers that die meanwhile' => sub {
    my $n = 300;
    my $nginx = gateway(4);
    my @clients = map { patient($nginx->port, $n) } 1 .. 3;
    my ($kills, $shown) = (0, 0);

    while (grep { waitpid($_, WNOHANG) == 0 } @clients) {
        my ($pid) = $nginx->workers or next;

        $kills += kill 'KILL', $pid;
        wait_for(sub { !grep { $_ == $pid } $nginx->workers });
    }

    cmp_ok $kills, '>', 0, 'some have died';
    is ended(client($nginx->port, $n)), 0, 'others go on';

    ok wait_for(sub {
        my @samples = grep { $_->[0] =~ /_signed_total/ } scrape($nginx);
        $shown = grep { $_->[1]{location} eq 'free' && $_->[2] } @samples;
        return $shown == $n;
    }), 'each series is shown, once' or diag $shown;

    cmp_ok total('series', scrape($nginx)), '<=', $n + $kills,
           'a worker takes one place with it at most';

    is_deeply [grep { !/exited on signal 9/ } $nginx->stop_it], [],
              'nginx ends well';
};


subtest 'thousands of them' => sub {
    my $nginx = gateway(2, 'aws_sigv4_zone small:100k;');
    my @clients = map { client($nginx->port, 1500, $_) } 1, 2;

    is ended($_), 0, 'a client is content' for @clients;

    my $sum = sub { total('upstream_responses_total', scrape($nginx)) };

    ok wait_for(sub { $sum->() == 3000 }), 'none is lost';

    my @samples = scrape($nginx);
    my $limit = total('series_limit', @samples);
    my ($signed, $n) = total('requests_signed_total', @samples);

    cmp_ok $limit, '>', 5, 'there is room for some';
    cmp_ok $limit, '<', 100, 'and not for all';
    is total('series', @samples), $limit, 'all have been taken';
    is $n, $limit + 1, 'and there is one more, for the others';
    is $signed, 3000, 'which has what the rest has not';
    is total('series_overflow_total', @samples),
       2 * counts($nginx, 'other')->{signed}, 'for two events each';
    is_deeply [map { $_->[1] } grep { $_->[0] =~ /_signed_/
                                      && $_->[1]{location} eq 'other' }
               @samples],
              [{ map { $_ => 'other' } qw(location service region provider) }],
              'under no name of its own';

    promtool_takes($nginx);
    metrics_json($nginx);

    my $length = length request($nginx->port, target => '/metrics')->{body};
    my $more = client($nginx->port, 500, 3);

    is ended($more), 0, 'more requests';
    cmp_ok length request($nginx->port, target => '/metrics')->{body}, '<',
           $length + 200, 'do not make it grow';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'hostile names' => sub {
    my $nginx = gateway(2);
    my @names = ('a"b', 'a\\b', 'a\\nb', '<script>alert(1)</script>',
                 "b\xff", "b\xfe", "\xc3\xa9", "'{};,", 'a}', '-', 'other',
                 'x' x 64, "t\tab");

    my $http = http_client(port => $nginx->port);

    for my $name (@names) {
        my $response = $http->request({
            target => '/x?service=aps', headers => [['X-Region' => $name]],
        });

        $http = http_client(port => $nginx->port)
            if $response->{status} >= 500;
    }

    undef $http;

    request($nginx->port, target => '/x?service=aps',
            headers => [['X-Region' => 'y' x 3000]]);

    my @samples = scrape($nginx);
    my %text = map { $_->[1]{region} => $_->[2] }
               grep { $_->[0] =~ /_signed_total|"bad_scope"/ } @samples;
    my %json = map { $_->{region} => $_->{requests_signed_total} }
               @{ metrics_json($nginx)->{series} };

    # bytes that are no UTF-8 look alike, and are one series then

    my @shown = sort 'a"b', 'a\\b', 'a\\nb', '<script>alert(1)</script>',
                     "b\xef\xbf\xbd", "\xc3\xa9", "'{};,", 'a}', '-',
                     'other', 'x' x 64, "t\tab";

    is_deeply [sort keys %text], \@shown, 'are shown as they are';

    utf8::encode($_) for my @decoded = keys %json;

    is_deeply [sort @decoded], \@shown, 'in JSON, too';
    is total('series_overflow_total', @samples) > 0, 1,
       'a name that is too long has no series';

    promtool_takes($nginx);

    my @problems = grep { !/aws sigv4: cannot sign/ } $nginx->stop_it;

    is_deeply \@problems, [], 'nginx ends well';
};


# the size that is advised is large enough, and a page less is not

subtest 'zones' => sub {
    for my $n (1, 3, 30) {
        my $providers = join '', map {
            "aws_sigv4_provider p$_ imds endpoint=http://127.0.0.$_:9;\n"
        } 1 .. $n;

        my ($status, $text) = tested("aws_sigv4_zone z:84k; $providers");
        my ($size) = $text =~ /write "aws_sigv4_zone z:(\d+)k;"/;

        if ($n == 1) {
            ($status, $text) = tested("aws_sigv4_zone z:8k; $providers");
            ($size) = $text =~ /write "aws_sigv4_zone z:(\d+)k;"/;
        }

        ok $size, "the size for $n is advised" or diag $text;

        ($status, $text) = tested("aws_sigv4_zone z:${size}k; $providers");
        is $status, 0, 'and is enough' or diag $text;

        $size -= 1;
        ($status, $text) = tested("aws_sigv4_zone z:${size}k; $providers");
        isnt $status, 0, 'less is not';
    }
};


subtest 'labels' => sub {
    for my $case (
        ['aws_sigv4_metrics_label ' . 'x' x 64 . ';', 0, 'is successful'],
        ['aws_sigv4_metrics_label ' . 'x' x 65 . ';', 1, 'invalid label'],
        ['aws_sigv4_metrics_label "";', 1, 'invalid label ""'],
        ['aws_sigv4_metrics_label $uri;', 1, 'invalid label "$uri"'],
        ['aws_sigv4_metrics_label a; aws_sigv4_metrics_label b;', 1,
         'is duplicate'],
    )
    {
        my ($status, $text) = tested($case->[0]);

        is $status ? 1 : 0, $case->[1], substr $case->[0], 0, 50;
        ok index($text, $case->[2]) >= 0, $case->[2] or diag $text;
    }
};


# nobody signs, and there are metrics all the same

subtest 'a gateway that signs nothing' => sub {
    my $nginx = start_nginx(
        config => 'location /metrics { aws_sigv4_metrics; }
                   location /ready { aws_sigv4_ready; }',
    );

    is total('series', scrape($nginx)), 0, 'there are no series';
    is request($nginx->port, target => '/ready')->{body}, "ready\n",
       'it is ready';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};

done_testing();


sub gateway {
    my ($workers, $http) = @_;

    return start_nginx(
        main_config => "worker_processes $workers;\n",
        http_config => ($http // '') . $provider . $upstream,
        config      => $config,
    );
}

# client($port, $n, …): asks for $n regions on one connection; the last
# argument makes them its own

sub client {
    my ($port, $n, $own) = @_;

    my $pid = fork // die "fork: $!";

    return $pid if $pid;

    # what ends with the test does not end with the child

    my $bad = eval {
        my $http = http_client(port => $port);
        my $bad = 0;

        for my $i (1 .. $n) {
            my $region = join '-', 'region', $own // (), $i;
            my $response = $http->request({
                target => '/x?service=aps',
                headers => [['X-Region' => $region]],
            });

            $bad++ if $response->{status} != 204;

            # nginx closes after so many
            $http = http_client(port => $port) if $i % 500 == 0;
        }

        $bad ? 1 : 0;
    } // 2;

    POSIX::_exit($bad);
}

# the same, asks again if it gets no answer

sub patient {
    my ($port, $n) = @_;

    my $pid = fork // die "fork: $!";

    return $pid if $pid;

    for my $i (1 .. $n) {
        my $answered = 0;

        for (1 .. 100) {
            last if $answered = eval {
                request($port, target => '/x?service=aps',
                        headers => [['X-Region' => "region-$i"]])
                    ->{status} == 204;
            };
        }

        POSIX::_exit(1) if !$answered;
    }

    POSIX::_exit(0);
}

sub ended {
    my ($pid) = @_;

    waitpid $pid, 0;

    return $?;
}

sub tested {
    my ($http) = @_;

    my $nginx = AwsSigV4::Nginx->new(
        http   => "$http aws_sigv4_provider default static
                   access_key_id=A secret_access_key=b;",
        server => 'location / { aws_sigv4 on; aws_sigv4_service s3;
                                aws_sigv4_region us-east-1;
                                proxy_pass http://127.0.0.1:9; }',
        env => { AWS_EC2_METADATA_DISABLED => 'false' },
    );

    return $nginx->test;
}
