# SPDX-License-Identifier: BSD-2-Clause

# Swift accepts what the gateway signs for clients of S3 that know no valid
# key, and refuses a wrong secret, region or service.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use AwsSigV4;
use AwsSigV4::Swift;
use AwsSigV4::S3Clients;

needs($_) for qw(swift-proxy-server swift-object-server memcached aws rclone
                 s3cmd restic curl);

my $server  = AwsSigV4::Swift->start;
my $clients = AwsSigV4::S3Clients->new($server);

$clients->spellings;
$clients->boto3($_) for qw(dummy unsigned);
$clients->awscli;
$clients->rclone;
$clients->s3cmd;
$clients->restic;
$clients->curl;

$clients->refusals(SECRET  => [403, 'wrong_secret'],
                   REGION  => [400, 'wrong_region'],
                   SERVICE => [400, 'wrong_service']);

$clients->finish;
$server->stop_it;

done_testing();
