#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# How the metrics are asked for, what is said of providers, and readiness.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

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
    my $html = 'text/html; charset=utf-8';

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
        ['text/html', $html],
        ['text/html, */*', $html],
        ['text/html,application/xhtml+xml,application/xml;q=0.9,'
         . 'image/avif,image/webp,*/*;q=0.8', $html],
        ['text/*', $prometheus],
        ['text/plain;q=0, text/*', $html],
        ['text/html;q=0.2, application/json;q=0.3', $json],
       [['image/png', 'application/json'], $json],
       [['text/html;q=0.2', 'application/json;q=0.3', ''], $json],
    )
    {
        my ($accept, $type) = @$case;
        my @lines = ref $accept ? @$accept : grep { defined } $accept;
        my $response = request($nginx->port, target => '/metrics',
            headers => [map { [Accept => $_] } @lines]);

        is header($response, 'Content-Type'), $type,
           'Accept: ' . (join(' and ', @lines) || 'none');
    }

    for my $case (['?format=json', 200, $json],
                  ['?format=prometheus', 200, $prometheus],
                  ['?a=b&format=json', 200, $json],
                  ['?format=html', 200, $html],
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

    my $policy = qr/^default-src 'none'; .*; frame-ancestors 'none'$/;

    for my $target ('/metrics', '/metrics?format=json', '/metrics?format=html',
                    '/metrics?format=other', '/ready')
    {
        my $get = request($nginx->port, target => $target);
        my $head = request($nginx->port, target => $target,
                           method => 'HEAD');

        is header($get, 'Cache-Control'), 'no-store', "$target is not kept";
        is header($get, 'X-Content-Type-Options'), 'nosniff',
           'and is what its type says';

        if ($target =~ /html/) {
            like header($get, 'Content-Security-Policy'), $policy, 'a policy';

        } else {
            is header($get, 'Content-Security-Policy'), undef, 'no policy';
        }

        is $head->{status}, $get->{status}, "HEAD $target";
        is $head->{body}, '', 'has no body';
        is header($head, $_), header($get, $_), "the same $_"
            for qw( Content-Type Cache-Control X-Content-Type-Options
                    Content-Security-Policy );

        # what is not made has no length

        is header($head, 'Content-Length'),
           ($get->{status} != 200 || $target eq '/ready')
           ? length $get->{body} : undef, 'and the length of what is made';

        for my $method (qw( POST PUT DELETE OPTIONS PATCH )) {
            my $response = request($nginx->port, target => $target,
                                   method => $method, body => 'x');

            is $response->{status}, 405, "$method $target";
            is header($response, 'Allow'), 'GET, HEAD', 'Allow';
        }
    }

    my $client = http_client(port => $nginx->port);
    my @two = map { $client->request({ target => '/metrics',
                                       method => $_ }) } qw( HEAD GET );

    is_deeply [map { $_->{status} } @two], [200, 200],
              'a connection goes on behind HEAD';
    is header($two[0], 'Transfer-Encoding'), undef, 'which has no chunks';

    is request($nginx->port, target => '/closed/metrics')->{status}, 403,
       'who may ask is for nginx to say';

    is_deeply [grep { !/access forbidden/ } $nginx->stop_it], [],
              'nginx ends well';
};


subtest 'providers' => sub {
    my $start = clock_gettime(CLOCK_MONOTONIC);
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
        cmp_ok $value->('p', 'age_seconds') // -1, '>=', 0, 'they have an age';
        cmp_ok $value->('p', 'age_seconds') // -1, '<=', passed($start),
               'since they came';
        is $value->('p', 'available'), 1, 'they are there';
        is $value->('p', 'refreshes_total'), 1, 'after one fetch';
        is $value->('p', 'failures_total'), 0, 'which did not fail';
        is $value->('p', 'last_error_info'), undef, 'no error';

        is $of{c}{available}[1]{source}, 'container', 'of a chain';
        is $value->('c', 'available'), 1, 'has what the member has';

        is $value->('s"<s>', 'available'), 1, 'some are always there';
        is $value->('s"<s>', 'expiry_seconds'), undef, 'and do not expire';
        cmp_ok $value->('s"<s>', 'age_seconds') // -1, '>=', 0,
               'since they were read';

        is $value->('q', 'available'), 0, 'a source is broken';
        is $value->('q', 'age_seconds'), undef, 'what is not there has no age';
        cmp_ok $value->('q', 'failures_total'), '>=', 1, 'has failed';
        like $of{q}{last_error_info}[1]{error}, qr/answered with 500$/,
             'and why';

        is $value->('v', 'available'), 1, 'all know of them';

        is $value->('idle', 'available'), 0, 'nobody uses it';
        is $value->('idle', 'refreshes_total'), 0, 'so it is not asked';
    }

    my $p = provider($nginx, 'p');

    ok $p->{available} && $p->{expiry_seconds} > 2000
       && $p->{age_seconds} <= passed($start)
       && !defined $p->{last_error}, 'JSON has it, too';

    ok wait_for(sub { provider($nginx, 'p')->{age_seconds} >= 2 }),
       'they grow older';
    is provider($nginx, 'q')->{age_seconds}, undef, 'and others are not there';

    is_deeply [map { provider($nginx, $_)->{ready} ? 1 : 0 } qw(p q idle)],
              [1, 0, 1], 'one that is used has none';

    promtool_takes($nginx);

    my $ready = request($nginx->port, target => '/ready');

    is $ready->{status}, 503, 'not ready';
    like $ready->{body},
         qr/\Aprovider "q" has no credentials: .*answered with 500\n\z/,
         'for one reason';

    for my $target ('/metrics', '/metrics?format=json',
                    '/metrics?format=html', '/ready')
    {
        my $body = request($nginx->port, target => $target)->{body};

        unlike $body, qr/\Q$_\E/, "no secret in $target"
            for @key{qw( SECRET TEMP_SECRET TEMP_TOKEN AKID TEMP_AKID )};
    }

    # workers that have had no use for it

    ok $nginx->reload, 'nginx is reloaded';

    my $v = provider($nginx, 'v');

    ok $v->{available} && $v->{expiry_seconds} > 2000,
       'what others have fetched is there';
    cmp_ok provider($nginx, 'p')->{age_seconds}, '>=', 2, 'and no younger';

    is_deeply [grep { !/could not fetch/ } $nginx->stop_it], [],
              'nginx ends well';
};


subtest 'readiness' => sub {
    my $server = AwsSigV4::Credentials->new(life => 3600);
    my $nginx = $server->gateway(type => 'container', config => $status);

    my $ready = sub { request($nginx->port, target => '/ready') };

    AwsSigV4::Credentials::used($nginx);
    is $ready->()->{status}, 200, 'ready';
    ok wait_for(sub { provider($nginx, 'p')->{age_seconds} >= 1 }), 'and old';
    is $ready->()->{body}, "ready\n", 'in a word';

    # others, which do not live for long

    $server->set(life => 50);
    my $reloaded = clock_gettime(CLOCK_MONOTONIC);

    ok $nginx->reload(http => $nginx->{http}
                      =~ s{/v1/credentials}{/v1/other}r), 'another source';

    AwsSigV4::Credentials::used($nginx);
    is $ready->()->{status}, 503, 'they are about to expire';
    like $ready->()->{body},
         qr/\Aprovider "p" has credentials that expire in \d+ s\n\z/,
         'and the answer says so';
    ok !provider($nginx, 'p')->{ready}, 'as JSON does';
    like request($nginx->port, target => '/metrics?format=html')->{body},
         qr{<td class='bad'>about to expire</td>}, 'and the page';
    cmp_ok provider($nginx, 'p')->{age_seconds}, '<=', passed($reloaded),
           'though they are young';

    # they are nobody's any more, and expire for want of a successor

    ok $nginx->reload(
        http   => "$nginx->{http}
                   aws_sigv4_provider other static
                       access_key_id=\$TEST_AKID
                       secret_access_key=\$TEST_SECRET;",
        server => $nginx->{server}
                  =~ s/aws_sigv4_credentials  p;/aws_sigv4_credentials other;/r,
    ), 'another provider';

    is AwsSigV4::Credentials::used($nginx), "200 $key{AKID}", 'is used';
    is $ready->()->{body}, "ready\n", 'one that was before does not matter';
    ok provider($nginx, 'p')->{ready}, 'as JSON says';
    is provider($nginx, 'p')->{refreshes_total}, 1, 'what it did is kept';

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};

done_testing();


# a list would leave nothing of a header that is not there
sub header { return scalar AwsSigV4::Client::header(@_) }

# seconds, as nginx sees them at most: its clock is one of ticks
sub passed { return clock_gettime(CLOCK_MONOTONIC) - $_[0] + 1 }

sub provider {
    my ($nginx, $name) = @_;

    return (grep { $_->{provider} eq $name }
            @{ metrics_json($nginx)->{providers} })[0];
}
