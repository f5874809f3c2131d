#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# How the metrics are asked for, what is said of providers, and readiness.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Credentials;
use AwsSigV4::Metrics;

my %key = %AwsSigV4::Verifier::KEYS;

my $status = 'location /metrics { aws_sigv4_metrics; }
              location /ready { aws_sigv4_ready; }
              location /closed/ { deny all;
                                  location /closed/metrics {
                                      aws_sigv4_metrics; } }';


subtest 'formats' => sub {
    my $nginx = start_nginx(
        http_config => 'aws_sigv4_provider default static
                            access_key_id=$TEST_AKID
                            secret_access_key=$TEST_SECRET;',
        config => "aws_sigv4 on; $status",
    );

    my $prometheus = 'text/plain; version=0.0.4; charset=utf-8';
    my $json = 'application/json';

    for my $case (
        [undef, $prometheus],
        ['*/*', $prometheus],
        ['', $prometheus],
        ['image/png', $prometheus],
        ['application/json', $json],
        ['Application/JSON ; q=0.5', $json],
        ['application/json, */*', $json],
        ['application/json, text/plain, */*', $json],
        ['text/plain, application/json', $prometheus],
        ['application/*', $json],
        ['text/plain;q=0.2, application/json;q=0.3', $json],
        ['text/plain;q=0.4,application/json;q=0.3', $prometheus],
        ['application/json;q=0, text/*', $prometheus],
        ['application/json;q=0, */*', $prometheus],
        ['text/plain;q=0, */*', $json],
        ['application/json;q=x, text/plain;q=0.9', $json],
        [',;,;q=,,/,*/', $prometheus],
        ['application/openmetrics-text;version=1.0.0;q=0.75,'
         . 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1', $prometheus],
        ['text/plain;version=0.0.4;q=0.5, application/json', $json],
    )
    {
        my ($accept, $type) = @$case;
        my $response = request($nginx->port, target => '/metrics',
            headers => defined $accept ? [[Accept => $accept]] : []);

        is header($response, 'Content-Type'), $type,
           'Accept: ' . ($accept // 'none');
    }

    for my $case (['?format=json', 200, $json],
                  ['?format=prometheus', 200, $prometheus],
                  ['?a=b&format=json', 200, $json],
                  ['?format=', 400], ['?format=openmetrics', 400],
                  ['?format=JSON', 400], ['?format=json%00', 400],
                  ['?format=' . '%22%3Cb%3E' x 100, 400])
    {
        my ($args, $code, $type) = @$case;
        my $response = request($nginx->port, target => "/metrics$args",
                               headers => [[Accept => 'application/json']]);

        is $response->{status}, $code, substr $args, 0, 40;
        is header($response, 'Content-Type'), $type, $type if $type;
        like $response->{body}, qr/\Aunknown format, there are [a-z ]+\n\z/,
             'one line' if $code == 400;
    }

    for my $target ('/metrics', '/ready') {
        my $get = request($nginx->port, target => $target);
        my $head = request($nginx->port, target => $target,
                           method => 'HEAD');

        is header($get, 'Cache-Control'), 'no-store', "$target is not kept";
        is $head->{status}, 200, "HEAD $target";
        is $head->{body}, '', 'has no body';
        is header($head, $_), header($get, $_), "the same $_"
            for qw( Content-Type Content-Length );

        for my $method (qw( POST PUT DELETE OPTIONS PATCH )) {
            my $response = request($nginx->port, target => $target,
                                   method => $method, body => 'x');

            is $response->{status}, 405, "$method $target";
            is header($response, 'Allow'), 'GET, HEAD', 'Allow';
        }
    }

    is request($nginx->port, target => '/closed/metrics')->{status}, 403,
       'who may ask is for nginx to say';

    is_deeply [grep { !/access forbidden/ } $nginx->stop_it], [],
              'nginx ends well';
};


subtest 'providers' => sub {
    my $server = AwsSigV4::Credentials->new(life => 3000);
    my $broken = AwsSigV4::Credentials->new(credentials => { status => 500 });
    my $nginx = $server->gateway(
        type => 'container', workers => 2,
        http_config => 'aws_sigv4_provider "s\"<s>" static
                            access_key_id=$TEST_AKID
                            secret_access_key=$TEST_SECRET;
                        aws_sigv4_provider q container endpoint='
                        . $broken->url . '/v1/credentials;
                        aws_sigv4_provider c chain providers=p;
                        aws_sigv4_provider default static
                            access_key_id=$TEST_AKID
                            secret_access_key=$TEST_SECRET;
                        aws_sigv4_provider v container endpoint='
                        . $server->url . '/v1/credentials?v;
                        aws_sigv4_provider idle imds;',
        config => $status . 'location /v {
            aws_sigv4              on;
            aws_sigv4_service      s3;
            aws_sigv4_region       us-east-1;
            aws_sigv4_credentials  $arg_name;
            aws_sigv4_credentials_timeout 30s;
            proxy_pass             http://127.0.0.1:$TEST_PORT_UPSTREAM;
        }
        location /q {
            aws_sigv4              on;
            aws_sigv4_service      s3;
            aws_sigv4_region       us-east-1;
            aws_sigv4_credentials  q;
            proxy_pass             http://127.0.0.1:$TEST_PORT_UPSTREAM;
        }',
    );

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'credentials are fetched';
    ok wait_for(sub { slurp($nginx->error_log) =~ /"q" could not fetch/ }),
       'others cannot be';

    is request($nginx->port, target => '/v?name=v')->{status}, 200,
       'one worker alone has use for some';

    # each worker says the same

    for (1 .. 6) {
        my %of;

        $of{ $_->[1]{provider} }{ $_->[0] =~ s/^aws_sigv4_provider_//r }
            = $_ for grep { $_->[0] =~ /_provider_/ } scrape($nginx);

        my $value = sub { ($of{$_[0]}{$_[1]} || [])->[2] };

        my $expiry = $value->('p', 'expiry_seconds') // 'none';

        cmp_ok $expiry, '<=', 3000, 'they live for so long';
        cmp_ok $expiry, '>', 2000, 'and not much less';
        is $value->('p', 'available'), 1, 'they are there';
        is $value->('p', 'refreshes_total'), 1, 'after one fetch';
        is $value->('p', 'failures_total'), 0, 'which did not fail';
        is $value->('p', 'last_error_info'), undef, 'no error';

        is $of{c}{available}[1]{source}, 'container', 'of a chain';
        is $value->('c', 'available'), 1, 'has what the member has';

        is $value->('s"<s>', 'available'), 1, 'some are always there';
        is $value->('s"<s>', 'expiry_seconds'), undef, 'and do not expire';

        is $value->('q', 'available'), 0, 'a source is broken';
        cmp_ok $value->('q', 'failures_total'), '>=', 1, 'has failed';
        like $of{q}{last_error_info}[1]{error}, qr/answered with 500$/,
             'and why';

        is $value->('v', 'available'), 1, 'all know of them';

        is $value->('idle', 'available'), 0, 'nobody uses it';
        is $value->('idle', 'refreshes_total'), 0, 'so it is not asked';
    }

    my ($p) = grep { $_->{provider} eq 'p' }
              @{ metrics_json($nginx)->{providers} };

    ok $p->{available} && $p->{expiry_seconds} > 2000
       && !defined $p->{last_error}, 'JSON has it, too';

    promtool_takes($nginx);

    my $ready = request($nginx->port, target => '/ready');

    is $ready->{status}, 503, 'not ready';
    like $ready->{body},
         qr/\Aprovider "q" has no credentials: .*answered with 500\n\z/,
         'for one reason';

    for my $target ('/metrics', '/metrics?format=json', '/ready') {
        my $body = request($nginx->port, target => $target)->{body};

        unlike $body, qr/\Q$_\E/, "no secret in $target"
            for @key{qw( SECRET TEMP_SECRET TEMP_TOKEN AKID TEMP_AKID )};
    }

    # workers that have had no use for it

    ok $nginx->reload, 'nginx is reloaded';

    my ($v) = grep { $_->{provider} eq 'v' }
              @{ metrics_json($nginx)->{providers} };

    ok $v->{available} && $v->{expiry_seconds} > 2000,
       'what others have fetched is there';

    is_deeply [grep { !/could not fetch/ } $nginx->stop_it], [],
              'nginx ends well';
};


subtest 'readiness' => sub {
    my $server = AwsSigV4::Credentials->new(life => 3600);
    my $nginx = $server->gateway(type => 'container', config => $status);

    my $ready = sub { request($nginx->port, target => '/ready') };

    AwsSigV4::Credentials::used($nginx);
    is $ready->()->{status}, 200, 'ready';
    is $ready->()->{body}, "ready\n", 'in a word';

    # others, which do not live for long

    $server->set(life => 50);
    ok $nginx->reload(http => $nginx->{http}
                      =~ s{/v1/credentials}{/v1/other}r), 'another source';

    AwsSigV4::Credentials::used($nginx);
    is $ready->()->{status}, 503, 'they are about to expire';
    like $ready->()->{body},
         qr/\Aprovider "p" has credentials that expire in \d+ s\n\z/,
         'and the answer says so';

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};

done_testing();


sub header { return AwsSigV4::Client::header(@_) }
