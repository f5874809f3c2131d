#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# A real STS, that of Ceph: it gives the gateway a role, and Ceph's S3 takes
# what the role signs.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use AwsSigV4;
use AwsSigV4::Radosgw;

needs($_) for qw(radosgw ceph ceph-mon ceph-osd radosgw-admin);

my $server = AwsSigV4::Radosgw->start(sts => 1);
my $role   = $server->role('gateway');
my $url    = 'http://127.0.0.1:' . $server->port;


sub gateway {
    my ($arn, $secret, $wait) = @_;

    return start_nginx(
        env         => { HOME => '$TEST_DIR', AWS_REGION => 'us-east-1' },
        files       => [['secret', 0600, $secret]],
        http_config => 'aws_sigv4_provider base static access_key_id='
            . $server->access_key_id . ' secret_access_key_file='
            . "\$TEST_DIR/secret;
               aws_sigv4_provider p assume_role role_arn=$arn source=base
                   duration=900 session_name=nginx.test endpoint=$url;",
        config      => "location / {
            aws_sigv4                      on;
            aws_sigv4_service              s3;
            aws_sigv4_credentials          p;
            aws_sigv4_credentials_timeout  $wait;
            proxy_pass                     $url;
        }");
}


subtest 'a role' => sub {
    my $nginx = gateway($role, $server->secret_access_key, '60s');
    my $ask   = sub { request($nginx->port, @_) };

    is $ask->(method => 'PUT', target => '/bucket')->{status}, 200,
       'makes a bucket';
    is $ask->(method => 'PUT', target => '/bucket/a%20key',
              body => "text\n")->{status}, 200, 'puts an object';

    my $response = $ask->(target => '/bucket/a%20key');

    is $response->{status}, 200, 'gets it back';
    is $response->{body}, "text\n", 'as it was';

    is join("\n", $nginx->stop_it), '', 'nginx ends well';
};


for my $case (['a wrong secret', $role, 'wrong'],
              ['a role that is not there', 'arn:aws:iam:::role/no-such-role',
               $server->secret_access_key])
{
    my ($name, $arn, $secret) = @$case;

    subtest $name => sub {
        my $nginx = gateway($arn, $secret, '1s');

        is request($nginx->port, target => '/bucket/a%20key')->{status}, 503,
           'signs nothing';
        ok wait_for(sub {
               $nginx->log_text('error.log') =~ /"p" could not fetch credentials: \Q$url\E answered with status 40\d: \w/
           }), 'the log says what Ceph has answered'
            or diag $nginx->log_text('error.log');

        $nginx->stop_it;
    };
}


$server->stop_it;

done_testing();
