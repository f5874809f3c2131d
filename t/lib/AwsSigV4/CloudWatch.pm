# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::CloudWatch;

# Runs t/lib/cloudwatch-server, and reads by boto3 what was put there.

use strict;
use warnings;

use parent 'AwsSigV4::Sts';

use JSON::PP ();

use AwsSigV4 ();

sub script { return 'cloudwatch-server' }

sub defaults {
    my ($self, $keys) = @_;

    return (
        keys => [ [ @$keys{qw(AKID SECRET)}, '' ],
                  [ @$keys{qw(TEMP_AKID TEMP_SECRET TEMP_TOKEN)} ] ],
        region => 'us-east-1',
    );
}

# {"Name=Value,...": {metric: [SampleCount, Sum, Minimum, Maximum]}}
sub statistics {
    my ($self, $namespace) = @_;

    my $keys = \%AwsSigV4::Verifier::KEYS;
    my ($code, $output) = AwsSigV4::run(
        command => [$AwsSigV4::Verifier::PYTHON,
                    't/clients/metric_statistics.py', $self->url, $namespace],
        env     => {
            (map { $_ => undef } grep { /^AWS_|_proxy$/i } keys %ENV),
            AWS_EC2_METADATA_DISABLED => 'true',
            AWS_DEFAULT_REGION        => 'us-east-1',
            AWS_ACCESS_KEY_ID         => $keys->{AKID},
            AWS_SECRET_ACCESS_KEY     => $keys->{SECRET},
            HOME                      => $self->{dir},
        },
    );

    die "boto3: $output" if $code;

    return JSON::PP->new->decode($output);
}

# An nginx that tells it, in the namespace "Test", of requests that it refuses
# one and all: with workers => their number, provider => another one than that
# of static keys, with => more of the directive.
sub gateway {
    my ($self, %arg) = @_;

    my $workers  = $arg{workers}  // 2;
    my $with     = $arg{with}     // '';
    my $provider = $arg{provider} // 'aws_sigv4_provider default static
        access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;';

    return AwsSigV4::start_nginx(
        main_config => "worker_processes $workers;\n",
        http_config => <<"EOC",
$provider
aws_sigv4_cloudwatch namespace=Test region=us-east-1 interval=1s
    endpoint=@{[ $self->url ]} $with;
EOC
        config => <<'EOC',
location / {
    aws_sigv4 on;
    aws_sigv4_metrics_label a;
    aws_sigv4_by_lua_block { sigv4.deny(403, "no") }
    proxy_pass http://127.0.0.1:$CLOSED_PORT;
}
EOC
    );
}

# Of how many of those it was told, once they are so many.
sub refused {
    my ($self, $least) = @_;

    my $got = 0;

    AwsSigV4::wait_for(sub {
        my $statistics = $self->statistics('Test');
        my $labels     = 'Location=a,Provider=-,Region=-,Service=-';

        $got = ($statistics->{$labels}{RefusedRequests} // [0, 0])->[1];
        return $got >= $least;
    });

    return $got;
}

# What was put since the mark; a refused one has a fault.
sub puts {
    my ($self) = @_;

    return grep { ($_->{action} // '') eq 'PutMetricData' }
        $self->AwsSigV4::Credentials::requests;
}

1;
