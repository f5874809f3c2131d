#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# An answer in which AWS refuses the credentials has others fetched, once.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Credentials;


for my $case (
    ['a header', 'default_type application/x-amz-json-1.1;
      add_header x-amzn-errortype ExpiredTokenException:http://x/ always;
      return 400 "{}";'],
    ['JSON', 'return 400 \'{"__type":"ExpiredTokenException","message":""}\';'],
    ['XML', 'return 403 "<Error><Code>InvalidClientTokenId</Code></Error>";'],
    ['XML of S3', 'return 400 "<Error><Code>ExpiredToken</Code></Error>";'],
    ['XML of S3, of keys that are gone',
     'return 403 "<Error><Code>InvalidAccessKeyId</Code></Error>";'],
    ['another code', 'return 403 \'{"__type":"UnrecognizedClientException"}\';'],
)
{
    my ($name, $upstream) = @$case;

    subtest $name => sub {
        my $server = AwsSigV4::Credentials->new(count => 1);
        my $nginx = $server->gateway(type => 'container', workers => 2,
                                     upstream => $upstream);

        like AwsSigV4::Credentials::used($nginx), qr/^40[03] ASIANUMBER1$/,
             'the answer is given on';
        ok wait_for(sub {
               AwsSigV4::Credentials::used($nginx) =~ /ASIANUMBER2$/
           }), 'the next credentials are used';
        like slurp($nginx->error_log),
             qr/\[warn\] .*AWS has refused the credentials of provider "p", they are fetched anew/,
             'the log says why';

        AwsSigV4::Credentials::used($nginx) for 1 .. 30;

        is scalar($server->requests), 2, 'they are not fetched in a storm';
        is_deeply [$nginx->stop_it], [], 'nginx ends well';
    };
}


subtest 'answers that say nothing of the kind' => sub {
    my $server = AwsSigV4::Credentials->new(count => 1);
    my $nginx = $server->gateway(type => 'container', upstream => '
        location /validation {
            return 400 \'{"__type":"ValidationException"}\';
        }
        location /denied { return 403 "<Code>AccessDenied</Code>"; }
        location /ok { return 200 "ExpiredToken"; }
        location /missing { return 404 "ExpiredToken"; }
        set $k "' . 'x' x 1024 . '";
        location /late { return 400 "$k$k$k${k}ExpiredToken"; }
    ');

    is AwsSigV4::Credentials::used($nginx, target => "/$_->[0]"),
       "$_->[1] ASIANUMBER1", $_->[0]
        for ['validation', 400], ['denied', 403], ['ok', 200],
            ['missing', 404], ['late', 400], ['ok', 200];

    is scalar($server->requests), 1, 'change nothing';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a provider that never has others' => sub {
    my $server = AwsSigV4::Credentials->new;
    my $nginx = $server->gateway(
        provider => 'aws_sigv4_provider p static access_key_id=$TEST_AKID
                     secret_access_key=$TEST_SECRET;',
        upstream => 'return 403 "<Code>InvalidClientTokenId</Code>";',
    );

    is AwsSigV4::Credentials::used($nginx), '403 AKIDEXAMPLE', 'goes on'
        for 1 .. 3;
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


done_testing();
