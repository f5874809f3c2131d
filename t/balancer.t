# SPDX-License-Identifier: BSD-2-Clause

# balancer_by_lua: servers, retries and requests that are built again.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

our $body = join '', map { sprintf "%07d\n", $_ } 1 .. 8192;

default_section(load_modules => 'ndk_http_module ngx_http_lua_module');

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider temporary static
    access_key_id=$TEST_TEMP_AKID secret_access_key=$TEST_TEMP_SECRET
    session_token=$TEST_TEMP_TOKEN;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;

upstream simple {
    server 0.0.0.1;
    balancer_by_lua_block {
        local balancer = require "ngx.balancer"
        assert(balancer.set_current_peer("127.0.0.1", $VERIFIER_PORT))
    }
}

upstream alive {
    server 0.0.0.1;
    balancer_by_lua_block {
        local balancer = require "ngx.balancer"
        assert(balancer.set_current_peer("127.0.0.1", $VERIFIER_PORT))
    }
    keepalive 4;
}

upstream retried {
    server 0.0.0.1;
    balancer_by_lua_block {
        local balancer = require "ngx.balancer"

        if not ngx.ctx.tries then
            ngx.ctx.tries = 0
            assert(balancer.set_more_tries(2))
        end

        ngx.ctx.tries = ngx.ctx.tries + 1
        local port = $VERIFIER_PORT

        if ngx.ctx.tries == 1 and ngx.var.arg_closed then
            port = $CLOSED_PORT
        end

        assert(balancer.set_current_peer("127.0.0.1", port))
    }
}

upstream recreated {
    server 0.0.0.1;
    balancer_by_lua_block {
        local balancer = require "ngx.balancer"

        if not ngx.ctx.tries then
            ngx.ctx.tries = 0
            assert(balancer.set_more_tries(2))
        end

        ngx.ctx.tries = ngx.ctx.tries + 1
        ngx.var.try = tostring(ngx.ctx.tries)
        ngx.var.host_of_try = "monitoring.us-east-1.amazonaws.com"

        if ngx.ctx.tries == 3 and ngx.var.arg_evil then
            ngx.var.host_of_try = ngx.var.arg_evil
        end

        assert(balancer.recreate_request())
        assert(balancer.set_current_peer("127.0.0.1", $VERIFIER_PORT))
    }
}

upstream careless {
    server 0.0.0.1;
    balancer_by_lua_block {
        local balancer = require "ngx.balancer"

        ngx.var.try = "a\r\nHost: b"
        balancer.recreate_request()
        balancer.set_current_peer("127.0.0.1", $VERIFIER_PORT)
    }
}

upstream careless_host {
    server 0.0.0.1;
    balancer_by_lua_block {
        local balancer = require "ngx.balancer"

        ngx.var.host_of_try = "evil.example.org"
        pcall(balancer.recreate_request)
        balancer.set_current_peer("127.0.0.1", $VERIFIER_PORT)
    }
}

upstream broken {
    server 0.0.0.1;
    balancer_by_lua_block { error("broken script") }
}
EOC

default_section(config => <<'EOC');
aws_sigv4 on;
proxy_next_upstream error http_503 non_idempotent;
set $try "";
set $host_of_try "monitoring.us-east-1.amazonaws.com";

location /simple/ {
    proxy_pass http://simple;
}

location /alive/ {
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_pass http://alive;
}

location /retried/ {
    proxy_pass http://retried;
}

location /temporary/ {
    aws_sigv4_credentials temporary;
    proxy_set_header X-Amz-Meta-Try $try;
    proxy_pass http://recreated;
}

location /recreated/ {
    aws_sigv4_allow_hosts *.amazonaws.com;
    aws_sigv4_service monitoring;
    proxy_set_header Host $host_of_try;
    proxy_set_header X-Amz-Meta-Try $try;
    proxy_set_header X-Try $try;
    proxy_pass http://recreated;
}

location /recreated-body/ {
    proxy_set_body "try $try";
    proxy_pass http://recreated;
}

location /careless/ {
    proxy_set_header X-Try $try;
    proxy_pass http://careless;
}

location /careless-host/ {
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_set_header Host $host_of_try;
    proxy_pass http://careless_host;
}

location /broken/ {
    proxy_pass http://broken;
}
EOC

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

run_tests();

__DATA__

=== a server of Lua
--- requests eval
['GET /simple/a', { method => 'POST', target => '/simple/a',
                    body => $main::body }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
['', $main::body]



=== kept connections
--- requests eval
[map { "GET /alive/$_" } 1 .. 3]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_record eval
[map { "request: $_" } 1 .. 3]



=== retries
--- request
POST /retried/a
--- body eval
$main::body
--- upstream_script eval
[{ status => 503 }, { status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_body eval
$main::body



=== a retry after a refused connection
--- request
POST /retried/a?closed=1
--- body: body
--- upstream_script eval
[{ status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body: body
--- error_log: connect() failed



=== requests that are built again
--- request
POST /recreated/a?b=c+d
--- body eval
$main::body
--- upstream_script eval
[{ status => 503 }, { status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_header eval
[map { "x-amz-meta-try: $_\nx-try: $_" } 1 .. 3]
--- upstream_request: POST /recreated/a?b=c%20d
--- upstream_body eval
$main::body
--- access: $aws_sigv4_status=resigned



=== a body that is built again
--- request
POST /recreated-body/a
--- body: body
--- upstream_script eval
[{ status => 503 }, { status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_body eval
[map { "try $_" } 1 .. 3]
--- access: $aws_sigv4_status=resigned



=== a session token is not doubled
--- request
POST /temporary/a
--- body: body
--- upstream_script eval
[{ status => 503 }, { status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_header
x-amz-security-token: $TEST_TEMP_TOKEN
x-amz-date ~ ^\d{8}T\d{6}Z$
--- access: $aws_sigv4_status=resigned



=== a host that is not allowed when the request is built again
--- request
GET /recreated/a?evil=evil.example.org
--- status: 500
--- upstream_script eval
[{ status => 503 }, { status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 2
--- error_log
host "evil.example.org" is not signed for
failed to run balancer_by_lua*
--- access: $aws_sigv4_status=host_not_allowed



=== a script that ignores the error sends nothing
--- request
POST /careless/a
--- body: body
--- status: 500
--- upstream_count: 0
--- error_log
has lines that are no header fields and is not sent
a request without signature is not sent
--- access: $aws_sigv4_status=not_sealed



=== a script that catches the error sends nothing
--- request
POST /careless-host/a
--- body: body
--- status: 403
--- upstream_count: 0
--- error_log
host "evil.example.org" is not signed for
a request without signature is not sent
--- access: $aws_sigv4_status=host_not_allowed



=== a script that fails sends nothing
--- request
POST /broken/a
--- body: body
--- status: 500
--- upstream_count: 0
--- error_log: broken script
