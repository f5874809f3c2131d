#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Providers of type container: where they ask, with which token, and whom
# they must not ask.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Credentials;
use AwsSigV4::Oracle qw(oracle_check);

my %key = %AwsSigV4::Verifier::KEYS;
my $token = 'Bearer container-token-EXAMPLE';


subtest 'the mock is one for botocore' => sub {
    my $server = AwsSigV4::Credentials->new(authorization => $token);

    my ($status, $output) = run(
        command => [$AwsSigV4::Verifier::PYTHON, '-c', <<'EOP'],
from botocore.credentials import ContainerProvider
c = ContainerProvider().load().get_frozen_credentials()
print(c.access_key, c.secret_key, c.token)
EOP
        env => {
            AWS_CONTAINER_CREDENTIALS_RELATIVE_URI => undef,
            AWS_CONTAINER_CREDENTIALS_FULL_URI =>
                $server->url . '/v1/credentials?id=1',
            AWS_CONTAINER_AUTHORIZATION_TOKEN => $token,
            AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => undef,
        },
    );

    is $status, 0, 'botocore fetches';
    is $output, "$key{TEMP_AKID} $key{TEMP_SECRET} $key{TEMP_TOKEN}\n",
       'and gets what nginx gets';
};


subtest 'the full URI and a token' => sub {
    my $verifier = start_verifier();
    my $server = AwsSigV4::Credentials->new(authorization => $token);
    my $nginx = $server->gateway(
        verifier => $verifier,
        provider => 'aws_sigv4_provider p chain;',
        env => {
            HOME => '/nonexistent',
            AWS_CONTAINER_CREDENTIALS_FULL_URI =>
                $server->url . '/v1/credentials?id=1',
            AWS_CONTAINER_AUTHORIZATION_TOKEN => $token,
        },
        log_level => 'debug',
    );

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'the first request is signed';

    my ($counts, $text) = oracle_check($verifier->log_file);
    is_deeply [@$counts{qw(checked different)}], [1, 0],
              'as awscrt signs with them' or diag $text;

    is(($verifier->records)[0]{session_token}, JSON::PP::true(),
       'with the token of the credentials');

    my @requests = $server->requests;

    is_deeply [map { "$_->{method} $_->{path}" } @requests],
              ['GET /v1/credentials?id=1'], 'one request is made';
    is $requests[0]{headers}{accept}, 'application/json', 'for JSON';

    my $log = slurp($nginx->error_log);

    unlike $log, qr/\Q$_\E/, 'no secret is in the log'
        for $key{TEMP_SECRET}, $key{TEMP_TOKEN}, $token;

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a token file is read for each fetch' => sub {
    my $server = AwsSigV4::Credentials->new(
        count => 1, life => 6, authorization => 'first-token',
    );
    my $nginx = $server->gateway(
        type => 'container',
        provider => 'aws_sigv4_provider p container token_file=token endpoint='
                    . $server->url . '/v1/credentials;',
        files => [['conf/token', 0644, "first-token\n"]],
    );

    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER1',
       'a line feed at its end is no part of it';

    my $file = $nginx->dir . '/conf/token';

    spew("$file.new", 'second-token', 0644);
    $server->set(authorization => 'second-token');
    rename "$file.new", $file or die "rename: $!";

    ok wait_for(sub {
           AwsSigV4::Credentials::used($nginx) =~ /^200 ASIANUMBER([2-9]|\d\d)/
       }), 'another token is sent when it is there';

    for my $case (['', qr/token in \S+ is empty/],
                  ["a\nb", qr/token in \S+ has a character that cannot/])
    {
        my ($content, $line) = @$case;

        spew("$file.new", $content, 0644);
        rename "$file.new", $file or die "rename: $!";

        ok wait_for(sub { slurp($nginx->error_log) =~ $line }),
           'the log says what is wrong with it';
    }

    unlink $file or die "unlink: $!";

    ok wait_for(sub {
           slurp($nginx->error_log) =~ /the token file "\S+" does not exist/
       }), 'and that it has gone';

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a wrong token' => sub {
    my $server = AwsSigV4::Credentials->new(authorization => $token);
    my $nginx = $server->gateway(type => 'container',
        location => 'aws_sigv4_credentials_timeout 500ms;');

    is AwsSigV4::Credentials::used($nginx), '503', 'there are no credentials';
    ok wait_for(sub {
           slurp($nginx->error_log)
               =~ /could not fetch credentials: \S+ answered with 401, it does not accept the token; it has none, next try in/
       }), 'the log says why';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


# key id, secret and token together

subtest 'credentials of 16K' => sub {
    my $size = 16384 - length "$key{TEMP_AKID}$key{TEMP_SECRET}";
    my %keys = (AccessKeyId => $key{TEMP_AKID},
                SecretAccessKey => $key{TEMP_SECRET});

    my $server = AwsSigV4::Credentials->new(
        keys => { %keys, Token => 't' x $size });
    my %config = (
        type => 'container', http_config => 'large_client_header_buffers 4 32k;',
        upstream => 'return 200 $http_x_amz_security_token;',
        location => 'aws_sigv4_credentials_timeout 30s;',
    );
    my $nginx = $server->gateway(%config);

    is request($nginx->port, target => '/')->{body}, 't' x $size,
       'sign, and all of the token is sent';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';

    $server->set(keys => { %keys, Token => 't' x ($size + 1) });
    $nginx = $server->gateway(%config,
        location => 'aws_sigv4_credentials_timeout 300ms;');

    is AwsSigV4::Credentials::used($nginx), '503',
       'with a byte more there are none';
    ok wait_for(sub {
           slurp($nginx->error_log)
               =~ /could not fetch credentials: the credentials are longer than 16K; it has none, next try in/
       }), 'the log says why';
    is_deeply [grep { !/no credentials available|could not fetch/ }
               $nginx->stop_it],
              [], 'nginx ends well';
};


# nginx -t

my $configured = 'AWS_CONTAINER_CREDENTIALS_FULL_URI';
my $allowed = 'is not allowed, over http credentials come from loopback, '
              . '169.254.170.2, 169.254.170.23 and [fd00:ec2::23] alone';

for my $case (
    ['http://127.0.0.1:1234/x', 'is successful'],
    ['http://127.8.9.1/x', 'is successful'],
    ['http://[::1]:80/x', 'is successful'],
    ['http://localhost/x', 'is successful'],
    ['http://169.254.170.2/x', 'is successful'],
    ['http://169.254.170.23/v1/credentials', 'is successful'],
    ['http://[fd00:ec2::23]/v1/credentials', 'is successful'],
    ['https://192.0.2.1/x', 'is successful'],
    ['http://192.0.2.1/x', $allowed],
    ['http://169.254.169.254/x', $allowed],
    ['http://169.254.170.22/x', $allowed],
    ['http://credentials.example.com/x', $allowed],
    ['http://localhost.example.com/x', $allowed],
    ['http://127.0.0.1@192.0.2.1/x', 'URL "'],
    ['https://credentials.example.com/x', 'set "resolver" in "http"'],
    ['ftp://127.0.0.1/x', 'it does not begin with http:// or https://'],
)
{
    my ($url, $says) = @$case;
    my ($status, $text) = tested($configured => $url);

    ok index($text, $says) >= 0, "$url: $says" or diag $text;
    is $status == 0, $says eq 'is successful', "$url: exit code";
}

my ($status, $text) = tested(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI => 'x');

isnt $status, 0, 'a relative URI without a slash';
like $text, qr/RELATIVE_URI is "x", it has to begin with "\/"/, 'says so';

($status, $text) = tested(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI => '/x',
                          $configured => 'http://192.0.2.1/');

is $status, 0, 'a relative URI wins over a full one' or diag $text;

($status, $text) = tested();

is $status, 0, 'neither of them';
like $text, qr/provider "p" has no credentials: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set/,
     'a warning says so';


done_testing();


sub tested {
    my (%env) = @_;

    my $nginx = AwsSigV4::Nginx->new(
        http => 'aws_sigv4_provider p container;',
        server => 'location / { aws_sigv4 on; aws_sigv4_credentials p;
                                aws_sigv4_service s3;
                                aws_sigv4_region us-east-1;
                                proxy_pass http://127.0.0.1:9; }',
        env => \%env,
    );

    return $nginx->test;
}
