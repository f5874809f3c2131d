# SPDX-License-Identifier: BSD-2-Clause

# examples/metrics: its log in the embedded metric format, its log of JSON,
# and its alarms, which the AWS CLI takes and which are of what is sent.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use Test::More;

use AwsSigV4;
use AwsSigV4::CloudWatch;
use AwsSigV4::Example;
use AwsSigV4::Process qw(slurp);

needs('aws');

my $json    = JSON::PP->new->utf8;
my $python  = $AwsSigV4::Verifier::PYTHON;
my $example = 'examples/metrics';
my $series  = 'Location=s3,Service=s3,Region=us-east-1,Provider=default';
my ($cert, $cert_key) = make_cert();

my $emf = traffic();

hostile();
alarms($emf);
direct();
latencies();

done_testing();


# what was driven is what CloudWatch would see

sub traffic {
    my $verifier = start_verifier(
        cert   => $cert, cert_key => $cert_key,
        script => [
            { match => '^/gone', times => 3, status => 404, headers => {
                'x-amz-request-id' => 'ID"1', 'x-amz-id-2' => 'a\\b=' } },
            { match => '^/slow', times => 2, status => 503, body => 'x' },
            { match => '^/denied', times => 1, status => 403, body =>
              '<Error><Code>AccessDenied</Code><Message>no</Message></Error>' },
            { match => '^/broken', times => 1, close => 'head' },
        ],
    );
    my $gateway = AwsSigV4::Example->new('metrics', $verifier)->start;
    my $logs   = $gateway->dir . '/logs';
    my %wanted = ('aws.json' => 0, 'aws.emf' => 0);

    # workers write when they have answered: one after the other

    my $ask = sub {
        my ($target, @more) = @_;
        my $response = request($gateway->port, target => $target, @more);

        $wanted{'aws.json'}++;
        $wanted{'aws.emf'}++ unless $target eq '/broken';

        wait_for(sub {
            !grep { slurp("$logs/$_") =~ tr/\n// != $wanted{$_} } keys %wanted;
        });

        return $response;
    };

    $ask->('/ok') for 1 .. 5;
    $ask->('/gone%22\\') for 1 .. 3;
    $ask->('/slow') for 1 .. 2;
    $ask->('/denied');
    is($ask->('/broken', method => 'POST', body => 'x')->{status}, 502,
       'an attempt without an answer');
    is($ask->('/put', method => 'PUT', body => 'x')->{status}, 200, 'a body');

    my $port = $gateway->value('TEST_PORT_METRICS');
    my $text = sub { return request($port, target => $_[0]) };

    is($text->('/ready')->{body}, "ready\n", 'the gateway is ready');
    like($text->('/metrics')->{body}, qr/^aws_sigv4_4xx_error_count_total
         \{location="s3",service="s3",region="us-east-1",
         provider="default"\}\ 4$/xm, 'its metrics have the same labels');

    is(join("\n", grep { !/upstream prematurely|aws sigv4: the upstream/ }
            $gateway->stop_it), '', 'nginx ended well');
    $verifier->stop_it;

    my @lines = map { $json->decode($_) } split /\n/, slurp("$logs/aws.json");
    my ($code, $output) = run(command => [$python, 't/clients/emf.py',
                                          "$logs/aws.emf"]);

    is($code, 0, 'each line follows the rules') or diag($output);
    is(scalar @lines, 13, 'a line of JSON for each request');
    is_deeply([map { $_->{seconds} =~ /^\d/ ? () : $_ } @lines], [],
              'with numbers');
    is_deeply([@{ $lines[5] }{qw(request_id extended_request_id)}],
              ['ID"1', 'a\\b='], 'the ids of AWS');
    is_deeply([map { $_->{cause} } grep { $_->{cause} } @lines],
              ['access_denied'], 'and the cause');
    like($lines[0]{scope}, qr{^\d{8}/us-east-1/s3/aws4_request$}, 'the scope');
    is($lines[0]{key}, $AwsSigV4::Verifier::KEYS{AKID}, 'the key');

    my $data = $json->decode($output);
    my $seen = $data->{AwsSigV4Gateway}{$series};

    is_deeply([[keys %$data], [keys %{ $data->{AwsSigV4Gateway} }]],
              [['AwsSigV4Gateway'], [$series]], 'one series');
    is_deeply($seen->{'4xxErrorCount'},
              ['Count', [(0) x 5, (1) x 3, (0) x 2, 1, 0]], '4xxErrorCount');
    is_deeply($seen->{'5xxErrorCount'},
              ['Count', [(0) x 8, (1) x 2, 0, 0]], '5xxErrorCount');
    is_deeply($seen->{RequestLatency},
              ['Milliseconds', [map { milliseconds($_->{upstream_seconds}) }
                                grep { $_->{status} != 502 } @lines]],
              'RequestLatency');

    return $data;
}

# whatever a client or an upstream sends, each line is one of JSON

sub hostile {
    my $verifier = start_verifier(
        cert   => $cert, cert_key => $cert_key,
        script => [
            { match => '^/id', times => 1, headers => {
                'x-amz-request-id' => "A\xff", 'x-amz-id-2' => 'B' x 3000 } },
        ],
    );
    my $gateway = AwsSigV4::Example->new('metrics', $verifier);
    my $end = "Host: a\r\nUser-Agent: \xff\"\r\nConnection: close\r\n\r\n";

    # what is sent, and what the line has of it
    my @tests = (
        ["GET /id HTTP/1.1\r\n$end"      => 'GET /id HTTP/1.1'],
        ["GET /a\xff\"b HTTP/1.1\r\n$end" => 'GET /a'],
        ["GET /caf\xc3\xa9 HTTP/1.1\r\n$end" => 'GET /caf'],
        ["GET /\"\\ HTTP/1.1\r\n$end"   => 'GET /"\\ HTTP/1.1'],
        ["GET /%22%0a%ff HTTP/1.1\r\n$end" => 'GET /%22%0a%ff HTTP/1.1'],
        ["\x16\x03\x01\x02\x00\xfc\x03\r\n" => "\x16\x03\x01\x02\0"],
        ["GET /\x01\x7f\r\n"           => "GET /\x01\x7f"],
        ["GET /old\r\n"                => 'GET /old'],
        ["GET /no-host HTTP/1.1\r\n\r\n" => 'GET /no-host HTTP/1.1'],
        ["GET / HTTP/9.9\r\n$end"      => 'GET / HTTP/9.9'],
    );

    # HTTP/2, for a stream that is given up amid its headers

    $gateway->{text} =~ s/^(?=\s+listen  127\.0\.0\.1:8080;)/
        listen 127.0.0.1:\$TEST_PORT_HTTP2 http2;/m;
    $gateway->start;

    my $http2 = http_client(port => $gateway->value('TEST_PORT_HTTP2'));

    $http2->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . pack('H*', join '',
        '000000040000000000', '000002010000000001', '8286'));
    $http2->read_some;
    undef $http2;

    for my $test (@tests) {
        my $client = http_client(port => $gateway->port);

        $client->send($test->[0]);
        1 while !$client->closed;
    }

    $gateway->stop_it;
    $verifier->stop_it;

    my $logs  = $gateway->dir . '/logs';
    my @lines = split /\n/, slurp("$logs/aws.json");
    my @read  = map { eval { $json->decode($_) } || $_ } @lines;

    is_deeply([grep { !ref } @read], [], 'each line is JSON');

    # several workers, each of which writes a line when it is done

    is_deeply([sort map { ref ? $_->{request} : $_ } @read],
              [sort '', map { $_->[1] } @tests],
              'requests, as far as they are ASCII');

    my ($id) = grep { ref && $_->{request} =~ m{^GET /id} } @read;

    is_deeply([@{ $id }{qw(request_id extended_request_id)}],
              ['', 'B' x 3000], 'ids that are ASCII');

    my ($code, $output) = run(command => [$python, 't/clients/emf.py',
                                          "$logs/aws.emf"]);

    is($code, 0, 'each line of the other log follows the rules')
        or diag($output);

    return;
}

sub milliseconds {
    my ($seconds) = @_;

    return sprintf('%.0f', 1000 * $seconds) + 0;
}


# Each definition is taken, and is of a metric that the log has.

sub alarms {
    my ($data) = @_;

    my $alarms = $json->decode(slurp("$example/alarms.json"));
    my $verifier = start_verifier(script => [{ times => 3, body => <<'EOC' }]);
<PutMetricAlarmResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/">
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</PutMetricAlarmResponse>
EOC
    my $keys = \%AwsSigV4::Verifier::KEYS;
    my $home = temp_dir();

    for my $alarm (@$alarms) {
        my $name = $alarm->{MetricName};
        my $labels = join ',', map { "$_->{Name}=$_->{Value}" }
            @{ $alarm->{Dimensions} };

        is($data->{ $alarm->{Namespace} }{$labels}{$name}[0],
           $alarm->{Unit}, "$name is in the log, with its unit");

        my ($code, $output) = run(
            command => ['/usr/bin/aws', '--endpoint-url',
                        'http://127.0.0.1:' . $verifier->port, 'cloudwatch',
                        'put-metric-alarm', '--cli-input-json',
                        $json->encode($alarm)],
            env => {
                (map { $_ => undef } grep { /^AWS_|_proxy$/i } keys %ENV),
                AWS_EC2_METADATA_DISABLED => 'true',
                AWS_DEFAULT_REGION        => 'us-east-1',
                AWS_ACCESS_KEY_ID         => $keys->{AKID},
                AWS_SECRET_ACCESS_KEY     => $keys->{SECRET},
                AWS_MAX_ATTEMPTS          => 1,
                HOME                      => $home,
                LC_ALL                    => 'C.UTF-8',
            },
        );

        is($code, 0, 'and its alarm is taken') or diag($output);
    }

    is_deeply([map { "$_->{verdict} $_->{service}" } $verifier->records],
              [('ok monitoring') x 3], 'all of them were sent');
    is_deeply({ map { $_->{MetricName} =>
                      [@$_{qw(ComparisonOperator Threshold Period)}] }
                @$alarms },
              { '4xxErrorCount' => ['GreaterThanThreshold', 5, 60],
                '5xxErrorCount' => ['GreaterThanThreshold', 2, 60],
                'RequestLatency' => ['GreaterThanThreshold', 1500, 60] },
              'with the usual thresholds');
    $verifier->stop_it;

    return;
}


# With aws_sigv4_cloudwatch in it, as its README says: the alarms hold for what
# that sends, too.

sub direct {
    my $alarms     = $json->decode(slurp("$example/alarms.json"));
    my $cloudwatch = AwsSigV4::CloudWatch->new;
    my $verifier   = start_verifier(cert => $cert, cert_key => $cert_key);
    my $gateway    = AwsSigV4::Example->new('metrics', $verifier);
    my $endpoint   = $cloudwatch->url;

    my ($directive) = slurp("$example/README.md")
        =~ /`(aws_sigv4_cloudwatch [^;`]+);`/;

    $gateway->{text} =~ s/^http \{$/$&\n$directive interval=1s
        endpoint=$endpoint;/m;
    $gateway->start;

    request($gateway->port, target => '/');

    my $sent;

    wait_for(sub {
        $sent = $cloudwatch->statistics('AwsSigV4Gateway');
        return keys %$sent;
    });

    for my $alarm (@$alarms) {
        my $labels = join ',', sort map { "$_->{Name}=$_->{Value}" }
            @{ $alarm->{Dimensions} };

        is(($sent->{$labels}{ $alarm->{MetricName} } // [])->[4],
           $alarm->{Unit}, "$alarm->{MetricName} is sent, with its unit");
    }

    is(join("\n", $gateway->stop_it), '', 'nginx ended well');
    $verifier->stop_it;

    return;
}


# The maps of the example alone, with times that no test would wait for.

sub latencies {
    my $maps = join "\n",
        slurp("$example/nginx.conf") =~ /^ {4}(map\ .*?^ {4}\})$/msg;

    $maps =~ s/\$(?:upstream_(\w+)|aws_(sigv4_\w+)|(msec))
              /'$http_x_' . ($1 \/\/ $2 \/\/ $3)/gex;

    my $nginx = start_nginx(http_config => $maps, no_module => 1,
                            config => <<'EOC');
location / {
    return 200 "$emf_answered $emf_4xx $emf_5xx $emf_latency $emf_timestamp";
}
EOC

    # headers, status, time and now, all of which nginx writes like this
    my @tests = (
        ['0.000', '200', '0.000', '1700000000.001' => '1 0 0 0 1700000000001'],
        ['0.001', '404', '0.001', '1700000000.000' => '1 1 0 1 1700000000000'],
        ['0.010', '500', '0.010', '1700000000.010' => '1 0 1 10 1700000000010'],
        ['0.100', '599', '0.120', '1.100'          => '1 0 1 120 1100'],
        ['1.000', '200', '1.000', '1.100'          => '1 0 0 1000 1100'],
        ['10.007', '200', '10.007', '1.100'        => '1 0 0 10007 1100'],
        ['3600.000', '200', '3600.020', '1.100'    => '1 0 0 3600020 1100'],
        ['-', '502', '0.003', '1.100'              => '0 0 1 3 1100'],
        ['0.001, 0.002', '503, 200', '4.001, 0.002', '1.100'
                                                   => '1 0 0 2 1100'],
        ['-, 0.002', '502, 404', '1.001, 2.003', '1.100'
                                                   => '1 1 0 2003 1100'],
        ['0.001 : 0.002', '200 : 503', '1.001 : 0.040', '1.100'
                                                   => '1 0 1 40 1100'],
        ['-', '-', '-', '1.100'                    => '0 0 0 0 1100'],
        ['', '', '', '1.100'                       => '0 0 0 0 1100'],
    );

    for my $test (@tests) {
        my ($header, $status, $time, $msec, $expected) = @$test;

        my $emf = sub {
            my $headers = join "\n", "X-Header-Time: $header",
                "X-Status: $status", "X-Response-Time: $time",
                "X-Msec: $msec", "X-Sigv4-Status: $_[0]";

            return request($nginx->port, target => '/',
                           headers => $headers)->{body};
        };

        is($emf->('signed'), $expected, "'$header', '$status', '$time'");
        is($emf->('resigned'), $expected, 'signed anew');
        like($emf->('off'), qr/^0 /, 'not signed');
    }

    is(join("\n", $nginx->stop_it), '', 'nginx ended well');

    return;
}
