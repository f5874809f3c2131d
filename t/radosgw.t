# SPDX-License-Identifier: BSD-2-Clause

# Ceph's radosgw accepts what the gateway signs for clients of S3 that know
# no valid key, and refuses it with a wrong secret.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use AwsSigV4;
use AwsSigV4::Radosgw;
use AwsSigV4::S3Clients;

needs($_) for qw(radosgw ceph ceph-mon ceph-osd radosgw-admin aws rclone
                 s3cmd restic curl);

my $server  = AwsSigV4::Radosgw->start;
my $clients = AwsSigV4::S3Clients->new($server);

$clients->spellings;
$clients->boto3($_) for qw(dummy unsigned);
$clients->awscli;
$clients->rclone;
$clients->s3cmd;
$clients->restic;
$clients->curl;

# It looks at neither region nor service, and does not show what it signed.
$clients->refusals(SECRET => [403, 'signature_mismatch']);

$clients->finish;
$server->stop_it;

done_testing();
