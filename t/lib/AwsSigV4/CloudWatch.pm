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

# What was put since the mark; a refused one has a fault.
sub puts {
    my ($self) = @_;

    return grep { ($_->{action} // '') eq 'PutMetricData' }
        $self->AwsSigV4::Credentials::requests;
}

1;
