#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Every counter after traffic that is known, with several workers, after
# reloads, and after a worker was killed.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Metrics;

my $dir = temp_dir();

my @script = (
    { match => '^/retry', times => 2, status => 503 },
    { match => '^/failover', status => 503 },
    { match => '^/gone', times => 3, status => 404 },
    { match => '^/forbidden', times => 2, status => 403,
      body => '{"__type":"AccessDeniedException","Message":"no"}' },
    { match => '^/moved', status => 302, headers => { Location => '/' } },
    { match => '^/broken', close => 'head' },
    { match => '^/hang', after => "$dir/never", touch => "$dir/hangs" },
    { match => '^/late', after => "$dir/never" },
    { match => '^/redirect', status => 200, times => 2,
      headers => { 'X-Accel-Redirect' => '/inner/x' } },
    { match => '^/page', status => 200,
      headers => { 'Content-Type' => 'text/html' },
      body => '<!--#include virtual="/included/a" -->'
              . '<!--#include virtual="/included/gone" -->' },
    { match => '^/included/gone', status => 404 },
    { match => '^/unchanged', status => 304 },
    { match => '^/updated', times => 2, status => 200, body => 'x',
      headers => { 'X-Accel-Expires' => '@1' } },
    { match => '^/stale', status => 200, body => 'x',
      headers => { 'X-Accel-Expires' => '@1' } },
    { match => '^/cached', status => 200, body => 'x',
      headers => { 'Cache-Control' => 'max-age=3600' } },
);

my $verifier = start_verifier(script => \@script);

my $http = <<'EOC';
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider nothing env;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
aws_sigv4_allow_hosts *.example.com;
client_body_buffer_size 16k;
proxy_cache_path $TEST_DIR/cache keys_zone=cache:1m;

upstream three {
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
}

upstream half {
    server 127.0.0.1:$CLOSED_PORT max_fails=0;
    server 127.0.0.1:$VERIFIER_PORT max_fails=0 backup;
}
EOC

my $config = <<'EOC';
aws_sigv4 on;

location /metrics {
    aws_sigv4_metrics;
}

EOC

# name of the location and of the label => what is in it

my %locations = (
    '/get'      => '',
    '/post'     => '',
    '/gone'     => '',
    '/moved'    => '',
    '/unchanged' => '',
    '/forbidden' => '',
    '/broken'   => 'proxy_next_upstream off;',
    '/hang'     => '',
    '/upload'   => '',
    '/retry'    => 'proxy_next_upstream http_503;',
    '/half'     => '',
    '/failover' => 'proxy_next_upstream off; proxy_intercept_errors on;
                    error_page 503 = @second;',
    '@second'   => '',
    '/mirrored' => 'mirror /mirror;',
    '/mirror'   => 'internal;',
    '/cached'   => 'proxy_cache cache;',
    '/kept'     => 'proxy_cache cache; aws_sigv4_credentials nothing;',
    '/stale'    => 'proxy_cache cache; proxy_cache_use_stale error;
                    aws_sigv4_credentials $http_x_name;',
    '/resigned' => 'proxy_set_body "another";',
    '/denied'   => 'aws_sigv4_by_lua_block { sigv4.deny(403, "no") }',
    '/hook'     => 'aws_sigv4_by_lua_block { error("no") }',
    '/off'      => 'aws_sigv4_by_lua_block { sigv4.off() }',
    '/host'     => 'aws_sigv4_host $http_x_host;',
    '/region'   => 'aws_sigv4_region $http_x_region;',
    '/named'    => 'aws_sigv4_credentials $http_x_name;',
    '/nothing'  => 'aws_sigv4_credentials nothing;',
    '/length'   => 'proxy_set_header Content-Length 3;',
    '/unsigned' => 'aws_sigv4_service s3; aws_sigv4_payload unsigned;',
    '/hashed'   => 'aws_sigv4_service s3; aws_sigv4_payload signed;',
    '/service'  => 'aws_sigv4_service $http_x_service;',
    '/area'     => 'aws_sigv4_region $http_x_area;',
    '/break'    => 'proxy_set_header X-Amz-Meta-A $uri;',
    '/elsewhere' => 'aws_sigv4_host $http_x_host; error_page 403 = @third;',
    '@third'    => '',
    '/redirect' => '',
    '/inner'    => 'internal;',
    '/page'     => 'ssi on;',
    '/included' => '',
    '/granted'  => 'auth_request /grant;',
    '/grant'    => 'internal;',
    '/late'     => 'proxy_read_timeout 100ms;',
    '/updated'  => 'proxy_cache cache; proxy_cache_use_stale updating;
                    proxy_cache_background_update on;',
    '/reads'    => 'limit_except GET { deny all; }',
);

for my $name (sort keys %locations) {
    my $upstream = $name =~ m{^/(?:retry|stale)} ? 'three' : $name eq '/half' ? 'half'
                 : '127.0.0.1:$VERIFIER_PORT';

    $config .= "location $name {
        aws_sigv4_metrics_label $name;
        $locations{$name}
        proxy_pass http://$upstream;
    }\n";
}

my $nginx = start_nginx(
    verifier    => $verifier,
    main_config => "worker_processes 3;\n",
    http_config => $http,
    config      => $config,
);


subtest 'requests that are signed' => sub {
    ask('/get') for 1 .. 20;
    counted($nginx, '/get', { signed => 20, '2xx' => 20 });

    ask('/post', method => 'POST', body => 'hello') for 1 .. 3;
    ask('/post', method => 'POST', body => 'x' x 100_000);
    ask('/post', method => 'PUT', body => 'x' x 50_000,
        headers => 'Transfer-Encoding: chunked');
    counted($nginx, '/post', { signed => 5, '2xx' => 5,
                               payload_hashed_bytes => 150_015 });

    ask('/unsigned', method => 'PUT', body => 'hello');
    counted($nginx, '/unsigned', { signed => 1, '2xx' => 1 });

    ask('/gone') for 1 .. 3;
    counted($nginx, '/gone', { signed => 3, '4xx' => 3 });

    ask('/forbidden') for 1 .. 2;
    counted($nginx, '/forbidden', { signed => 2, '4xx' => 2 });

    my %causes = map { $_->[1]{cause} => $_->[2] }
        grep { $_->[0] eq 'aws_sigv4_cause_total' && $_->[2] }
        scrape($nginx);

    is_deeply \%causes, { access_denied => 2 }, 'AWS has said why';
    is metrics_json($nginx)->{cause_total}{access_denied}, 2,
       'in JSON, too';

    ask('/moved');
    counted($nginx, '/moved', { signed => 1, '3xx' => 1 });

    ask('/unchanged', headers => 'If-None-Match: "a"');
    counted($nginx, '/unchanged', { signed => 1, '3xx' => 1 });

    my $client = http_client(port => $nginx->port);

    $client->send("GET /reads HTTP/1.1\r\nHost: a\r\n\r\n" x 4
                  . "HEAD /reads HTTP/1.0\r\n\r\n"
                  . "GET /reads HTTP/1.0\r\n\r\n");
    counted($nginx, '/reads', { signed => 5, '2xx' => 5 },
            'one behind another, until the connection is closed');

    is ask('/reads', method => 'DELETE')->{status}, 403, 'nginx refuses one';
    counted($nginx, '/reads', { signed => 5, '2xx' => 5 });

    ask('/off');
    counted($nginx, '/off', {});
};


subtest 'attempts' => sub {
    is ask('/retry')->{status}, 200, 'the third one succeeds';
    counted($nginx, '/retry', { signed => 1, '5xx' => 2, '2xx' => 1 });

    is ask('/half')->{status}, 200, 'the second one succeeds';
    counted($nginx, '/half', { signed => 1, none => 1, '2xx' => 1 });

    is ask('/broken')->{status}, 502, 'there is none';
    counted($nginx, '/broken', { signed => 1, none => 1 });

    is ask('/failover')->{status}, 200, 'another location succeeds';
    counted($nginx, '/failover', { signed => 1, '5xx' => 1 });
    counted($nginx, '@second', { signed => 1, '2xx' => 1 });

    ask('/mirrored');
    counted($nginx, '/mirrored', { signed => 1, '2xx' => 1 });
    counted($nginx, '/mirror', { signed => 1, '2xx' => 1 }, 'a subrequest');

    # what is counted is in the cache

    ask('/cached');
    counted($nginx, '/cached', { signed => 1, '2xx' => 1 });
    ask('/cached') for 1 .. 3;
    counted($nginx, '/cached', { signed => 4, '2xx' => 1 });

    is ask('/kept')->{status}, 503, 'there is nothing in the cache';
    counted($nginx, '/kept', { no_credentials => 1 },
            'what the seal stops is no attempt');

    ask('/stale');
    counted($nginx, '/stale', { signed => 1, '2xx' => 1 });

    is ask('/stale', headers => 'X-Name: nothing')->{status}, 200,
       'an answer that is old';
    counted($nginx, '/stale', { signed => 1, '2xx' => 1,
                                no_credentials => 1 },
            'that is one request, however often it is tried');

    is ask('/late')->{status}, 504, 'no answer in time';
    counted($nginx, '/late', { signed => 1, none => 1 });

    ask('/updated');
    counted($nginx, '/updated', { signed => 1, '2xx' => 1 });
    ask('/updated');
    counted($nginx, '/updated', { signed => 3, '2xx' => 2 },
            'the second time in the background, too');

    ask('/resigned', method => 'POST', body => 'hello');
    counted($nginx, '/resigned',
            { resigned => 1, signed => 1, '2xx' => 1,
              payload_hashed_bytes => length('hello') + length('another') });
};


subtest 'locations that lead to others' => sub {
    is ask('/redirect')->{status}, 200, 'X-Accel-Redirect' for 1 .. 2;
    counted($nginx, '/redirect', { signed => 2, '2xx' => 2 });
    counted($nginx, '/inner', { signed => 2, '2xx' => 2 });

    ask('/page');
    counted($nginx, '/page', { signed => 1, '2xx' => 1 }, 'SSI');
    counted($nginx, '/included', { signed => 2, '2xx' => 1, '4xx' => 1 });

    is ask('/granted')->{status}, 200, 'auth_request' for 1 .. 2;
    counted($nginx, '/granted', { signed => 2, '2xx' => 2 });
    counted($nginx, '/grant', { signed => 2, '2xx' => 2 });

    is ask('/elsewhere', headers => 'X-Host: evil.example.org')->{status},
       200, 'error_page';
    counted($nginx, '/elsewhere', { host_not_allowed => 1 });
    counted($nginx, '@third', { signed => 1, '2xx' => 1 });
};


subtest 'what is refused, or fails' => sub {
    ask('/denied') for 1 .. 2;
    counted($nginx, '/denied', { denied => 2 });

    ask('/hook');
    counted($nginx, '/hook', { hook_error => 1 });

    ask('/host', headers => 'X-Host: evil.example.org');
    counted($nginx, '/host', { host_not_allowed => 1 });

    is ask('/host', headers => 'X-Host: a/b')->{status}, 400, 'no host';
    counted($nginx, '/host', { host_not_allowed => 1, bad_host => 1 });

    is ask('/service')->{status}, 500, 'no service';
    counted($nginx, '/service', { no_service => 1 });

    is ask('/area')->{status}, 500, 'no region';
    counted($nginx, '/area', { no_region => 1 });

    is ask('/break/a%0d%0ab')->{status}, 400, 'a line break';
    counted($nginx, '/break', { bad_request => 1 });

    ask('/hashed', method => 'PUT', body => 'x',
        headers => "X-Amz-Content-Sha256: $_")
        for 'UNSIGNED-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
    counted($nginx, '/hashed', { bad_payload => 1, chunk_signed => 1 });

    ask('/region', headers => 'X-Region: a/b');
    counted($nginx, '/region', { bad_scope => 1 });

    ask('/named', headers => 'X-Name: unknown');
    counted($nginx, '/named', { no_provider => 1 });

    is ask('/nothing')->{status}, 503, 'no credentials' for 1 .. 2;
    counted($nginx, '/nothing', { no_credentials => 2 });

    is ask('/length', method => 'POST', body => 'hello')->{status}, 500,
       'a length that is not that of the body';
    counted($nginx, '/length', { signed => 1, not_sealed => 1,
                                 payload_hashed_bytes => 5 });
};


subtest 'clients that go away' => sub {
    my $client = http_client(port => $nginx->port);

    $client->send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    ok wait_for(sub { -e "$dir/hangs" }), 'the upstream hangs';
    undef $client;

    counted($nginx, '/hang', { signed => 1, none => 1 });

    $client = http_client(port => $nginx->port);
    $client->send("POST /upload HTTP/1.1\r\nHost: a\r\n"
                  . "Content-Length: 100000\r\n\r\n" . 'x' x 1000);
    undef $client;

    counted($nginx, '/upload', { bad_body => 1 });
};


my @before = settled();

subtest 'sums' => sub {
    my ($signed, $n) = total('requests_signed_total', @before);
    my $keys = total('key_cache_hits_total', @before)
               + total('key_cache_misses_total', @before);

    cmp_ok $n, '==', total('series', @before), 'all series are shown';
    cmp_ok $keys, '>=', $signed, 'a key for each signature';
    cmp_ok total('key_cache_misses_total', @before), '>=', 2,
           'a worker derives a key for each scope';
    cmp_ok total('key_cache_misses_total', @before), '<=', 2 * 3,
           'once';

    my $json = metrics_json($nginx);
    my $sum = 0;

    $sum += $_->{requests_signed_total} for @{ $json->{series} };

    is $sum, $signed, 'JSON has the same';
    is_deeply flat($json), flat_text(@before), 'all of them';

    promtool_takes($nginx);
};


subtest 'they are kept' => sub {
    ok $nginx->reload, 'nginx is reloaded';
    same('over a reload');

    ok $nginx->reload(http => "$nginx->{http}
                      aws_sigv4_provider more imds
                          endpoint=http://127.0.0.1:\$CLOSED_PORT;"),
       'with another provider';
    same('over that, too');

    ok $nginx->reload(http => $http), 'and without it';
    same('again');

    my ($pid) = $nginx->workers;

    kill 'KILL', $pid;
    ok wait_for(sub { (grep { $_ != $pid } $nginx->workers) == 3 }),
       'a worker is killed';
    same('over that');

    ask('/get') for 1 .. 5;
    counted($nginx, '/get', { signed => 25, '2xx' => 25 });

    ok $nginx->reload(http => "aws_sigv4_zone other:1m; $http"),
       'another zone';
    is_deeply counts($nginx, '/get'), {}, 'begins anew';
};

my @problems = grep { !/exited\ on\ signal\ 9|could\ not\ fetch|aws\ sigv4:\ |
                        upstream\ prematurely|connect\(\)\ failed/x }
               $nginx->stop_it;

is_deeply \@problems, [], 'nginx ends well';

done_testing();


sub ask {
    my ($target, %request) = @_;

    return request($nginx->port, target => $target, %request);
}

# of a provider, what may change by itself is left out
sub settled {
    return grep { $_->[0] !~ /_provider_/ } scrape($nginx);
}

sub same {
    my ($name) = @_;

    return is_deeply [settled()], \@before, $name;
}

# name of the metric, with its labels => value

sub flat {
    my ($json) = @_;
    my %flat;

    for my $series (@{ $json->{series} }) {
        my $key = join ' ', @{$series}{qw(location service region provider)};

        for my $name (grep { ref $series->{$_} } keys %$series) {
            my $values = $series->{$name};

            for my $part (keys %{ $values->{buckets} || $values }) {
                $flat{"$name $key $part"} = ($values->{buckets} || $values)
                                            ->{$part};
            }
        }

        $flat{"$_ $key"} = $series->{$_}
            for grep { !ref $series->{$_} && /total/ } keys %$series;
    }

    return \%flat;
}

sub flat_text {
    my %flat;

    for my $sample (@_) {
        my ($name, $labels, $value) = @$sample;

        next if !exists $labels->{location} || $name =~ /_(?:sum|count)$/;

        $name =~ s/^aws_sigv4_//;
        $name =~ s/_bucket$//;

        my $key = join ' ', $name,
            @{$labels}{qw(location service region provider)},
            map { $labels->{$_} // () } qw(reason class le);

        $flat{$key} = 0 + $value;
    }

    return \%flat;
}
