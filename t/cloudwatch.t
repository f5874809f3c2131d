# SPDX-License-Identifier: BSD-2-Clause

# boto3, the AWS CLI and the program of examples/cloudwatch ask CloudWatch
# through the configuration of that example, without a valid key.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use Test::More;

use AwsSigV4;
use AwsSigV4::Example;

needs('aws');

my $python = $AwsSigV4::Verifier::PYTHON;
my $home   = temp_dir();
my ($cert, $cert_key) = make_cert();

my $ns = 'xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"';
my $id = '<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>';

my $data = answer(<<"EOC");
<GetMetricDataResponse $ns><GetMetricDataResult><MetricDataResults><member>
<Id>m1</Id><Label>i-0abc</Label><StatusCode>Complete</StatusCode>
<Timestamps><member>2024-01-01T00:05:00Z</member>
<member>2024-01-01T00:00:00Z</member></Timestamps>
<Values><member>12.5</member><member>25.0</member></Values>
</member></MetricDataResults></GetMetricDataResult>$id
</GetMetricDataResponse>
EOC
my $put  = answer("<PutMetricDataResponse $ns>$id</PutMetricDataResponse>");
my $list = answer(<<"EOC");
<ListMetricsResponse $ns><ListMetricsResult><Metrics><member>
<Namespace>AWS/EC2</Namespace><MetricName>CPUUtilization</MetricName>
<Dimensions/></member></Metrics></ListMetricsResult>$id
</ListMetricsResponse>
EOC

boto3($_) for qw(dummy unsigned);
awscli();
example();
refused();

done_testing();


# An answer of the verifier; it stays 403 where the signature is wrong.

sub answer {
    return { body => $_[0], headers => { 'Content-Type' => 'text/xml' } };
}


# through($answers, $env, $client): runs the client with the address of the
# gateway, which has this environment; the records of the verifier, and the
# client's exit code and output

sub through {
    my ($answers, $env, $client) = @_;

    my $verifier = start_verifier(cert => $cert, cert_key => $cert_key,
                                  script => $answers);
    my $gateway = AwsSigV4::Example->new('cloudwatch', $verifier,
                                         env => $env)->start;

    my ($code, $output) = run(
        command => [$client->('http://127.0.0.1:' . $gateway->port)],
        env     => {
            (map { $_ => undef } grep { /^AWS_|_proxy$/i } keys %ENV),
            AWS_EC2_METADATA_DISABLED => 'true',
            AWS_DEFAULT_REGION        => 'us-east-1',
            AWS_ACCESS_KEY_ID         => 'AKIDNOBODY',
            AWS_SECRET_ACCESS_KEY     => 'nothing',
            AWS_MAX_ATTEMPTS          => 1,
            AWS_PAGER                 => '',
            HOME                      => $home,
            LC_ALL                    => 'C.UTF-8',
        },
    );
    my @records = $verifier->records;

    is(join("\n", $gateway->stop_it), '', 'nginx ended well');
    $verifier->stop_it;

    return (\@records, $code, $output);
}


sub accepted {
    my ($records, $count) = @_;

    is_deeply([map { join ' ', @$_{qw(verdict method target service region)} }
                   @$records],
              [('ok POST / monitoring us-east-1') x $count],
              'the verifier accepted each request');

    return;
}


sub boto3 {
    my ($how) = @_;

    subtest "boto3, $how" => sub {
        my ($records, $code, $output) = through([$data, $put], {}, sub {
            return ($python, 't/clients/cloudwatch.py', @_, $how);
        });

        accepted($records, 2);
        is($code, 0, 'boto3 is content');
        is($output, qq(["i-0abc", [12.5, 25.0]]\n200\n), 'with the answers');
    };

    return;
}


sub awscli {
    subtest 'awscli' => sub {
        my @queries = ('--metric-data-queries', JSON::PP::encode_json([{
            Id => 'm1', Expression => 'SUM(METRICS())' }]));

        cli([$data], qr/"Label": "i-0abc"/, 'get-metric-data', @queries,
            '--start-time', '2024-01-01T00:00:00Z',
            '--end-time', '2024-01-02T00:00:00Z');
        cli([$put], qr/\A\z/, 'put-metric-data', '--namespace', 'App & more',
            '--metric-name', 'latency+jitter', '--value', '1.5');
        cli([$list], qr/"CPUUtilization"/, '--no-sign-request',
            'list-metrics', '--namespace', 'AWS/EC2');
    };

    return;
}


sub cli {
    my ($answers, $expected, @arguments) = @_;
    my ($records, $code, $output) = through($answers, {}, sub {
        return ('/usr/bin/aws', '--endpoint-url', @_, 'cloudwatch',
                @arguments);
    });

    accepted($records, 1);
    is($code, 0, "aws cloudwatch $arguments[0]") or diag($output);
    like($output, $expected, 'with the answer');

    return;
}


sub example {
    subtest 'examples/cloudwatch/metrics.py' => sub {
        my ($records, $code, $output) = through([$data], {}, sub {
            return ($python, 'examples/cloudwatch/metrics.py', @_);
        });

        accepted($records, 1);
        is($code, 0, 'it is content');
        is($output, "i-0abc\n    00:05  12.5 %\n    00:00  25.0 %\n",
           'with the answer');
    };

    return;
}


# what was accepted was right: a wrong secret is not

sub refused {
    subtest 'a wrong secret in the gateway' => sub {
        my ($records, $code, $output) = through(
            [], { AWS_SECRET_ACCESS_KEY => 'wrong' },
            sub { return ($python, 't/clients/cloudwatch.py', @_, 'dummy') });

        is_deeply([map { "$_->{verdict}: $_->{reason}" } @$records],
                  ['refused: signature'], 'the verifier refuses it');
        is($output, "SignatureDoesNotMatch 403\n", 'boto3 says why');
    };

    return;
}
