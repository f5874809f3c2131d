#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Credentials are fetched again in time, by one worker for all; and what
# becomes of requests while that fails.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Credentials;

my %key = %AwsSigV4::Verifier::KEYS;


subtest 'four workers and credentials of a few seconds' => sub {
    my $server = AwsSigV4::Credentials->new(count => 1, life => 6);
    my $nginx = $server->gateway(type => 'container', workers => 4);

    my (%seen, $last);

    wait_for(sub {
        $last = AwsSigV4::Credentials::used($nginx);
        $seen{$last}++;
        return $last !~ /^200/ || keys %seen >= 5;
    }, 120);

    like $last, qr/^200 ASIANUMBER\d+$/, 'no request fails';
    cmp_ok scalar(keys %seen), '>=', 5, 'keys follow each other';

    # nothing is fetched that is not used, but for the one at the end

    my $fetched = () = $server->requests;
    my ($number) = $last =~ /(\d+)$/;

    cmp_ok $fetched - $number, '<=', 1, 'one worker fetches for all'
        or diag "$fetched fetches, the last key is $last";

    my @lines = slurp($nginx->error_log) =~ /(uses access key \*BER1 )/g;

    is scalar @lines, 1, 'the log tells each change once';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'one fetch while it takes long' => sub {
    my $server = AwsSigV4::Credentials->new(credentials => { hang => 1 });
    my $nginx = $server->gateway(type => 'container', workers => 4,
        location => 'aws_sigv4_credentials_timeout 30s;');

    my @clients = map { http_client(port => $nginx->port) } 1 .. 20;

    $_->send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        for @clients;

    is_deeply [map { $_->response('GET')->{status} } @clients],
              [(200) x 20], 'all requests wait for it';
    is scalar($server->requests), 1, 'and there is one';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a source that fails' => sub {
    my $server = AwsSigV4::Credentials->new(count => 1, life => 12);
    my $nginx = $server->gateway(type => 'container', workers => 2,
        location => 'aws_sigv4_credentials_timeout 300ms;');

    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER1',
       'credentials are fetched';

    $server->set(credentials => { status => 500 });

    my $failed = qr/answered with 500; those it has are used on, next try in \d+ ms/;

    ok wait_for(sub { slurp($nginx->error_log) =~ $failed }),
       'that it fails is in the log';

    my ($before) = slurp($nginx->error_log) =~ /\A(.*?$failed)/s;
    unlike $before, qr/\[error\]/, 'and no error, while there are credentials';

    my $used;

    wait_for(sub {
        $used = AwsSigV4::Credentials::used($nginx);
        return $used ne '200 ASIANUMBER1';
    });

    is $used, '503', 'they are used until they expire, and not longer';
    ok wait_for(sub {
           slurp($nginx->error_log) =~ /answered with 500; it has none/
       }), 'then it is an error';

    $server->set(credentials => undef);

    ok wait_for(sub {
           AwsSigV4::Credentials::used($nginx) =~ /^200 ASIANUMBER\d/
       }), 'others are used when there are some';

    is_deeply [grep { !/could not fetch|no credentials available/ }
               $nginx->stop_it],
              [], 'nginx ends well';
};


subtest 'a source that hangs' => sub {
    my $server = AwsSigV4::Credentials->new(count => 1, life => 30);
    my $nginx = $server->gateway(type => 'container');

    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER1',
       'credentials are fetched';

    $server->set(credentials => { hang => 3 });
    $server->mark;

    ok wait_for(sub { scalar $server->requests }), 'it is asked again';

    my $client = http_client(port => $nginx->port);
    my @statuses = map { $client->request({ target => '/' })->{status} }
                   1 .. 20;

    is_deeply \@statuses, [(200) x 20], 'requests do not wait for it';
    is_deeply [$nginx->stop_it], [], 'nginx ends well in the middle of it';
};


subtest 'expired credentials of IMDS' => sub {
    my $imds = AwsSigV4::Credentials->new(life => -60);
    my $verifier = start_verifier();
    my $nginx = $imds->gateway(verifier => $verifier);

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'are used, as SDKs do';

    my ($seconds) = slurp($nginx->error_log)
        =~ /\[warn\] .*provider "p" has got credentials that have expired, they are used for (\d+) s more/;

    ok $seconds && $seconds >= 720 && $seconds <= 1200,
       'for some more minutes, with a warning';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'IMDS that cannot be reached any more' => sub {
    my $imds = AwsSigV4::Credentials->new(life => 8);
    my $nginx = $imds->gateway;
    my $expiry = time + 8;

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'credentials are fetched';

    $imds->set(token => { status => 500 }, revoked => 1000);

    my $used;

    wait_for(sub {
        $used = AwsSigV4::Credentials::used($nginx);
        return $used !~ /^200/ || time > $expiry + 2;
    });

    is $used, "200 $key{TEMP_AKID}", 'what it gave is used on';
    like slurp($nginx->error_log),
         qr/\[warn\] .*the credentials of provider "p" expire and there are no others, they are used for \d+ s more/,
         'with a warning';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'expired credentials of others' => sub {
    my $server = AwsSigV4::Credentials->new(life => -60);
    my $nginx = $server->gateway(type => 'container',
        location => 'aws_sigv4_credentials_timeout 300ms;');

    is AwsSigV4::Credentials::used($nginx), '503', 'are not used';
    ok wait_for(sub {
           slurp($nginx->error_log) =~ /could not fetch credentials: .*expired/
       }), 'the log says so';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a provider that no location uses' => sub {
    my $server = AwsSigV4::Credentials->new;
    my $other = AwsSigV4::Credentials->new;
    my $nginx = $server->gateway(http_config => 'aws_sigv4_provider q '
                                 . 'imds endpoint=' . $other->url . ';');

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'beside one that is used';
    is scalar($other->requests), 0, 'is not asked';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a provider that the request chooses' => sub {
    my $server = AwsSigV4::Credentials->new;
    my $other = AwsSigV4::Credentials->new(count => 1);
    my $nginx = $server->gateway(
        http_config => 'aws_sigv4_provider default static '
            . 'access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET; '
            . 'aws_sigv4_provider q imds endpoint=' . $other->url . ';',
        config => 'location /any {
            aws_sigv4              on;
            aws_sigv4_service      execute-api;
            aws_sigv4_region       us-east-1;
            aws_sigv4_credentials  $arg_provider;
            proxy_pass             http://127.0.0.1:$TEST_PORT_UPSTREAM;
            add_header             X-Key $aws_sigv4_access_key_id always;
        }',
    );

    is scalar($other->requests), 0, 'is not asked before';
    is AwsSigV4::Credentials::used($nginx, target => '/any?provider=q'),
       '200 ASIANUMBER1', 'it is waited for';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


done_testing();
