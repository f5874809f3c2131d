#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Requests that come before the first credentials do.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Credentials;

my %key = %AwsSigV4::Verifier::KEYS;


subtest 'they wait, and are signed' => sub {
    my $verifier = start_verifier();
    my $server = AwsSigV4::Credentials->new(credentials => { hang => 1 });
    my $nginx = $server->gateway(
        type => 'container', verifier => $verifier, workers => 2,
        location => 'aws_sigv4_credentials_timeout 30s;',
    );

    my @clients = map { http_client(port => $nginx->port) } 1 .. 10;

    for my $i (0 .. $#clients) {
        my $body = 'x' x (1 + 5000 * $i);
        $clients[$i]->send("POST /$i HTTP/1.1\r\nHost: a\r\n"
            . "Content-Length: " . length($body) . "\r\n\r\n$body");
    }

    is_deeply [map { $_->response('POST')->{status} } @clients],
              [(200) x 10], 'all with their bodies';

    my @records = $verifier->records;

    is scalar(grep { $_->{session_token} } @records), 10,
       'none goes out unsigned';

    $_->send("GET /again HTTP/1.1\r\nHost: a\r\n\r\n") for @clients;

    is_deeply [map { $_->response('GET')->{status} } @clients],
              [(200) x 10], 'their connections can be used again';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'until the time is over' => sub {
    my $server = AwsSigV4::Credentials->new(credentials => { hang => 60 });
    my $nginx = $server->gateway(
        type => 'container',
        location => 'aws_sigv4_credentials_timeout 200ms;',
    );

    my $response = request($nginx->port, target => '/');

    is $response->{status}, 503, 'then they are refused';
    is AwsSigV4::Client::header($response, 'Retry-After'), 5,
       'with Retry-After';
    is AwsSigV4::Client::header($response, 'X-Status'), 'no_credentials',
       'and the status says why';
    like slurp($nginx->error_log),
         qr/\[error\] .*no credentials available from provider "p": .+, client/,
         'as does the log';
    is_deeply [grep { !/no credentials available/ } $nginx->stop_it], [],
              'nginx ends well';
};


subtest 'a client that goes away' => sub {
    my $server = AwsSigV4::Credentials->new(credentials => { hang => 60 });
    my $nginx = $server->gateway(
        type => 'container', log_level => 'debug',
        location => 'aws_sigv4_credentials_timeout 30s;',
    );

    my @clients = map { http_client(port => $nginx->port) } 1 .. 8;

    $_->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") for @clients;

    ok wait_for(sub {
           8 == (() = slurp($nginx->error_log) =~ /(waits for credentials)/g)
       }), 'while it waits';

    my $stays = pop @clients;
    undef @clients;

    ok wait_for(sub { 7 <= grep { $_->{status} == 499 } $nginx->access }),
       'is logged with 499';

    $server->set(credentials => undef);

    is $stays->response('GET')->{status}, 200, 'others are answered';
    is_deeply [grep { !/could not fetch/ } $nginx->stop_it], [], 'nginx ends well';
};


subtest 'subrequests' => sub {
    my $verifier = start_verifier();
    my $server = AwsSigV4::Credentials->new(credentials => { hang => 1 });
    my $nginx = $server->gateway(
        type => 'container', verifier => $verifier,
        location => 'aws_sigv4_credentials_timeout 30s;
                     auth_request /auth;',
        config => 'location = /auth {
            internal;
            aws_sigv4                      on;
            aws_sigv4_service              execute-api;
            aws_sigv4_region               us-east-1;
            aws_sigv4_credentials          p;
            aws_sigv4_credentials_timeout  30s;
            proxy_pass_request_body        off;
            proxy_set_header               Content-Length "";
            proxy_pass                     http://127.0.0.1:$VERIFIER_PORT;
        }',
    );

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'wait as well';
    is scalar(grep { $_->{session_token} } $verifier->records), 2,
       'and are signed';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'nothing to wait for' => sub {
    my $server = AwsSigV4::Credentials->new(credentials => { status => 500 });
    my $nginx = $server->gateway(
        type => 'container',
        location => 'aws_sigv4_credentials_timeout 300ms;',
    );

    ok wait_for(sub {
           () = slurp($nginx->error_log) =~ /(could not fetch)/g
       }), 'when a fetch has failed';

    # there is none before 750 ms have gone, so that nothing can come

    is AwsSigV4::Credentials::used($nginx), '503', 'requests are refused';
    ok wait_for(sub {
           slurp($nginx->error_log) =~
               /no credentials available from provider "p": \S+ answered with 500/
       }), 'the log says why';
    is_deeply [grep { !/no credentials available|could not fetch/ }
               $nginx->stop_it],
              [], 'nginx ends well';
};


subtest 'nginx that is reloaded while requests wait' => sub {
    my $server = AwsSigV4::Credentials->new(credentials => { hang => 60 });
    my $nginx = $server->gateway(
        type => 'container', log_level => 'debug',
        location => 'aws_sigv4_credentials_timeout 30s;',
    );

    my $client = http_client(port => $nginx->port);

    $client->send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

    ok wait_for(sub {
           slurp($nginx->error_log) =~ /waits for credentials/
       }), 'a request waits';

    # what hangs goes on to do so, and old workers end behind the request

    $server->set(credentials => undef);

    ok $nginx->reload, 'nginx is reloaded';
    is $client->response('GET')->{status}, 200, 'it is answered all the same';
    is_deeply [grep { !/could not fetch/ } $nginx->stop_it], [], 'nginx ends well';
};


done_testing();
