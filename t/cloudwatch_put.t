# SPDX-License-Identifier: BSD-2-Clause

# aws_sigv4_cloudwatch: boto3 reads back from CloudWatch what was driven
# through the gateway, over workers, reloads and calls that fail.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use Test::More;

use AwsSigV4;
use AwsSigV4::CloudWatch;
use AwsSigV4::Metrics;
use AwsSigV4::Process qw(slurp);

my $canonical = JSON::PP->new->canonical;

my $failed = qr/CloudWatch could not be told what was counted: ([^;]*)/;

driven();
many();
untrusted();
hanging();

done_testing();


# gateway($cloudwatch, %arg): with verifier => …, more of the directive,
# more of "http", and what is in the server

sub gateway {
    my ($cloudwatch, %arg) = @_;

    my $url = $arg{url} // $cloudwatch->url;

    return start_nginx(
        verifier    => $arg{verifier},
        main_config => "worker_processes 3;\n",
        http_config => <<"EOC" . ($arg{http} // ''),
aws_sigv4_provider default static
    access_key_id=\$TEST_AKID secret_access_key=\$TEST_SECRET;
aws_sigv4_provider temporary static access_key_id=\$TEST_TEMP_AKID
    secret_access_key=\$TEST_TEMP_SECRET session_token=\$TEST_TEMP_TOKEN;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
aws_sigv4_cloudwatch namespace=Test/Gateway region=us-east-1 interval=1s
    endpoint=$url @{[ $arg{with} // '' ]};
EOC
        config => <<'EOC' . $arg{config},
location = /metrics {
    aws_sigv4_metrics;
}
EOC
    );
}

sub labels {
    my ($location, %more) = @_;

    # CloudWatch takes ASCII alone

    $location =~ s/[^ -~]/?/g;

    my %labels = (Location => $location, Service => 'aps',
                  Region => 'us-east-1', Provider => 'default', %more);

    return join ',', map { "$_=$labels{$_}" } sort keys %labels;
}

# of counts: [samples, sum, least, greatest]
sub count {
    my ($n, $sum) = @_;

    return [$n, $sum, $n == $sum ? 1 : 0, $sum ? 1 : 0, 'Count'];
}

# All but the latency, which nobody knows, is as it should be; that is what
# the gateway says itself.
sub read_back {
    my ($cloudwatch, $nginx, $expected, $name) = @_;

    my ($got, %latency, %sums);

    for (grep { $_->[0] =~ /^aws_sigv4_request_latency_seconds_(?:sum|count)$/ }
         scrape($nginx)) {
        my ($metric, $labels, $value) = @$_;

        $sums{ labels($labels->{location}, Provider => $labels->{provider}) }{
            $metric =~ /sum$/ ? 'sum' : 'count'} = $value;
    }

    wait_for(sub {
        $got = $cloudwatch->statistics('Test/Gateway');
        %latency = map { $_ => delete $got->{$_}{RequestLatency} } keys %$got;
        return $canonical->encode($got) eq $canonical->encode($expected);
    });

    is_deeply($got, $expected, $name);

    for my $labels (sort grep { $latency{$_} } keys %latency) {
        my ($n, $sum, $least, $greatest, $unit) = @{ $latency{$labels} };

        is($unit, 'Milliseconds', "latency of $labels");
        is($n, $sums{$labels}{count}, 'as many samples');
        is($sum, sprintf('%.0f', 1000 * $sums{$labels}{sum}), 'their sum');
        ok($least >= 0 && $least <= $sum / $n && $greatest >= $sum / $n,
           'between the least and the greatest');
    }

    return;
}


sub driven {
    my $cloudwatch = AwsSigV4::CloudWatch->new;
    my ($ca) = make_cert();
    my $verifier = start_verifier(script => [
        { match => '^/b/gone', times => 4, status => 404 },
        { match => '^/b/slow', times => 2, status => 503 },
    ]);
    my $nginx = gateway($cloudwatch, verifier => $verifier,
        url    => $cloudwatch->tls_url,
        with   => "credentials=temporary ca_file=$ca",
        config => <<'EOC');
location /a {
    aws_sigv4 on;
    aws_sigv4_metrics_label "a &=é";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /b {
    aws_sigv4 on;
    aws_sigv4_metrics_label b;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /denied {
    aws_sigv4 on;
    aws_sigv4_metrics_label denied;
    aws_sigv4_by_lua_block { sigv4.deny(403, "no") }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC
    my $ask = sub { request($nginx->port, target => $_[0]) for 1 .. $_[1] };
    my $denied = labels('denied', Service => '-', Region => '-',
                        Provider => '-');

    $ask->('/a', 10);
    $ask->('/b/gone', 4);
    $ask->('/b/slow', 2);
    $ask->('/b/good', 3);
    $ask->('/denied', 2);

    my %expected = (
        labels('a &=é') => {
            SignedRequests => count(10, 10), '4xxErrorCount' => count(10, 0),
            '5xxErrorCount' => count(10, 0),
        },
        labels('b') => {
            SignedRequests => count(9, 9), '4xxErrorCount' => count(9, 4),
            '5xxErrorCount' => count(9, 2),
        },
    );

    $expected{$denied} = { RefusedRequests => count(2, 2) };

    subtest 'what was driven' => sub {
        read_back($cloudwatch, $nginx, \%expected, 'boto3 reads it back');
        ok(!(grep { !$_->{tls} || $_->{fault} } $cloudwatch->puts),
           'signed, and over TLS');
        is_deeply([grep { $_->{namespace} ne 'Test/Gateway' }
                   $cloudwatch->puts], [], 'in the namespace');
    };

    subtest 'calls that fail' => sub {
        $cloudwatch->set(action => { error => [503, 'ServiceUnavailable',
                                               'try again'] });
        $ask->('/a', 7);
        $cloudwatch->mark;

        ok(wait_for(sub { scalar $cloudwatch->puts >= 3 }),
           'it tries again and again');
        is_deeply([slurp($nginx->error_log) =~ /$failed/g],
                  [$cloudwatch->tls_url
                   . ' answered with status 503: ServiceUnavailable'],
                  'the log says so once');

        $cloudwatch->set(action => { error => [403, 'AccessDenied', 'no'] });
        ok(wait_for(sub { slurp($nginx->error_log)
                          =~ /status 403: AccessDenied/ }),
           'and another reason, too');
        $cloudwatch->set(action => undef);

        $expected{ labels('a &=é') } = {
            SignedRequests => count(17, 17), '4xxErrorCount' => count(17, 0),
            '5xxErrorCount' => count(17, 0),
        };
        read_back($cloudwatch, $nginx, \%expected, 'nothing is lost');
        ok(wait_for(sub { slurp($nginx->error_log)
                          =~ /CloudWatch is told again/ }),
           'the log says that it works');
        is(scalar(my @all = slurp($nginx->error_log) =~ /$failed/g), 2,
           'two lines in all');
    };

    subtest 'reloads, and workers that die' => sub {
        # else a worker may end after its call and before the answer

        $cloudwatch->set(action => { error => [500, 'InternalFailure',
                                               'no'] });
        $ask->('/b/good', 2);
        ok($nginx->reload, 'nginx is reloaded');
        $ask->('/b/good', 2);

        my @workers = $nginx->workers;

        kill 'KILL', $workers[0];
        ok(wait_for(sub {
            my %now = map { $_ => 1 } $nginx->workers;
            return keys %now == 3 && !$now{ $workers[0] };
        }), 'a worker is killed');
        $ask->('/b/good', 5);
        $cloudwatch->set(action => undef);

        $expected{ labels('b') } = {
            SignedRequests => count(18, 18), '4xxErrorCount' => count(18, 4),
            '5xxErrorCount' => count(18, 2),
        };
        read_back($cloudwatch, $nginx, \%expected, 'nothing is lost');
    };

    my @data = map { $_->{data} } grep { !$_->{fault} } $cloudwatch->puts;

    is(scalar(grep { !$_ } @data), 0, 'no call is made for nothing');
    is_deeply([grep { !/exited on signal 9|aws sigv4: / }
               $nginx->stop_it], [], 'nginx ends well');
    unlike(slurp($nginx->error_log), qr/\Q$_\E/, 'no secret in the log')
        for @AwsSigV4::Verifier::KEYS{qw(TEMP_SECRET TEMP_TOKEN)};
    $verifier->stop_it;

    return;
}


# more series than go into one call

sub many {
    my $cloudwatch = AwsSigV4::CloudWatch->new;
    my $verifier   = start_verifier();
    my $nginx      = gateway($cloudwatch, verifier => $verifier,
        http => 'aws_sigv4_zone z:4m; keepalive_requests 10000;',
        config => <<'EOC');
location / {
    aws_sigv4 on;
    aws_sigv4_region $http_x_region;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

    # none is sent before all of them are counted

    $cloudwatch->set(action => { error => [500, 'InternalFailure', 'no'] });
    request($nginx->port, target => '/', headers => "X-Region: region-$_")
        for 1 .. 400;

    $cloudwatch->mark;
    ok(wait_for(sub { scalar $cloudwatch->puts }), 'all are counted');
    $cloudwatch->set(action => undef);

    my (@puts, $sum);

    wait_for(sub {
        @puts = grep { !$_->{fault} } $cloudwatch->puts;
        $sum  = 0;
        $sum += $_->{data} for @puts;
        return $sum >= 4 * 400;
    });

    cmp_ok(scalar @puts, '>', 1, 'in more than one call');
    is($sum, 4 * 400, 'all of them, each once');
    is_deeply([grep { $_->{data} > 1000 || $_->{size} > 1_000_000 } @puts],
              [], 'none is too large');
    is_deeply([grep { !/aws sigv4: (?:the upstream|CloudWatch)/ }
               $nginx->stop_it], [], 'nginx ends well');
    $verifier->stop_it;

    return;
}


sub untrusted {
    my $cloudwatch = AwsSigV4::CloudWatch->new;
    my $nginx      = gateway($cloudwatch, config => idle(),
        url => $cloudwatch->tls_url =~ s/localhost/127.0.0.1/r);

    request($nginx->port, target => '/');
    ok(wait_for(sub { slurp($nginx->error_log) =~ $failed }),
       'a server that is not trusted');
    like(slurp($nginx->error_log), qr/$failed/, 'the log says so');
    like((slurp($nginx->error_log) =~ $failed)[0], qr/certificate/, 'and why');
    is(scalar(my @none = $cloudwatch->puts), 0, 'it is told nothing');
    is_deeply([grep { !/aws sigv4/ } $nginx->stop_it], [], 'nginx ends well');

    return;
}


# an exchange that has not ended holds up nobody who wants to end

sub hanging {
    my $cloudwatch = AwsSigV4::CloudWatch->new(action => { hang => 60 });
    my $nginx      = gateway($cloudwatch, config => idle());

    request($nginx->port, target => '/');
    ok(wait_for(sub { scalar $cloudwatch->puts }), 'a server that hangs');
    ok($nginx->reload, 'old workers end');
    is_deeply([$nginx->stop_it], [], 'nginx ends well');
    unlike(slurp($nginx->error_log), $failed, 'that is no failure');

    return;
}

sub idle {
    return <<'EOC';
location / {
    aws_sigv4 on;
    aws_sigv4_by_lua_block { sigv4.deny(403, "no") }
    proxy_pass http://127.0.0.1:$CLOSED_PORT;
}
EOC
}
