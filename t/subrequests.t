# SPDX-License-Identifier: BSD-2-Clause

# Subrequests skip the access phase: they are signed all the same.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

our $body = join '', map { sprintf "%07d\n", $_ } 1 .. 8192;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider missing env;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
EOC

default_section(load_modules => 'ndk_http_module ngx_http_lua_module');

default_section(files => <<'EOC');
>>> html/page.html
<!--#include virtual="/signed/1?a=b+c" -->
<!--#include virtual="/signed/2" wait="yes" -->
<!--#include virtual="/signed/3%20d" -->
>>> html/part.html
<!--#include virtual="/missing/" -->
EOC

default_section(config => <<'EOC');
location /signed/ {
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /missing/ {
    aws_sigv4 on;
    aws_sigv4_credentials missing;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /hook/ {
    aws_sigv4 on;
    aws_sigv4_by_lua_block {
        if sigv4.var.arg_deny then
            sigv4.deny(403, "no")
        end
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /auth/ {
    auth_request /signed/auth;
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /auth-without-body/ {
    auth_request /check;
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location = /check {
    internal;
    aws_sigv4 on;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/check;
}

location /auth-missing/ {
    auth_request /missing/;
    root html;
    try_files /page.html =404;
}

location /mirror/ {
    mirror /mirrored;
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location = /mirrored {
    internal;
    aws_sigv4 on;
    aws_sigv4_service s3;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/copy$request_uri;
}

location /mirror-only/ {
    mirror /mirrored;
    content_by_lua_block { ngx.print("of nginx") }
}

location /ssi/ {
    alias html/;
    ssi on;
    ssi_types *;
}

location /capture/ {
    client_body_buffer_size 128k;
    content_by_lua_block {
        ngx.req.read_body()

        local options = {
            method = ngx["HTTP_" .. (ngx.var.arg_m or "GET")],
            args = ngx.var.arg_args and "x=1 2&y=a",
        }

        if ngx.var.arg_body then
            options.body = "body of lua"
        elseif ngx.var.arg_pass then
            options.always_forward_body = true
        end

        local response = ngx.location.capture(
            ngx.unescape_uri(ngx.var.arg_to), options)

        ngx.status = response.status
        ngx.print(response.header["X-Verifier-Verdict"])
    }
}

location /capture-multi/ {
    content_by_lua_block {
        local list = {}

        for i = 1, 10 do
            list[i] = { "/signed/" .. i, {
                method = i % 2 == 0 and ngx.HTTP_POST or ngx.HTTP_GET,
                body = i % 2 == 0 and ("body " .. i) or nil } }
        end

        local verdicts = {}

        for i, response in ipairs({ ngx.location.capture_multi(list) }) do
            verdicts[i] = response.header["X-Verifier-Verdict"]
        end

        ngx.print(table.concat(verdicts, " "))
    }
}

location /capture-access/ {
    access_by_lua_block {
        local response = ngx.location.capture("/signed/before")

        if response.status ~= 200 then
            return ngx.exit(403)
        end
    }
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

run_tests();

__DATA__

=== auth_request
--- request
GET /auth/a?b=c
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /signed/auth', 'GET /auth/a?b=c']
--- access: $aws_sigv4_status=signed



=== auth_request before a body
--- request
POST /auth-without-body/a
--- more_headers
Content-Type: text/plain
--- body eval
$main::body
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /check', 'POST /auth-without-body/a']
--- upstream_body eval
['', $main::body]
--- access: $aws_sigv4_status=signed



=== auth_request without credentials
--- main_config: # an nginx that has not logged it yet
--- request
GET /auth-missing/
--- status: 500
--- upstream_count: 0
--- error_log
no credentials available from provider "missing"
auth request unexpected status: 503
--- access: $aws_sigv4_status=off



=== a mirror has the body too
--- request
POST /mirror/a?b=c
--- body eval
$main::body
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
$main::body
--- access: $aws_sigv4_status=signed



=== a mirror beside an answer of nginx
--- request
POST /mirror-only/a?b=c
--- body eval
$main::body
--- response_body: of nginx
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_request: POST /copy/mirror-only/a?b=c
--- upstream_record: service: s3
--- upstream_body eval
$main::body
--- access: $aws_sigv4_status=off



=== server side includes
--- request
GET /ssi/page.html
--- upstream_verdict: ok
--- upstream_count: 3
--- response_body_like: "verdict": "ok".*"verdict": "ok".*"verdict": "ok"



=== a server side include without credentials
--- main_config: # another nginx that has not logged it yet
--- request
GET /ssi/part.html
--- response_body_like: 503 Service Temporarily Unavailable
--- upstream_count: 0
--- error_log: no credentials available from provider "missing"



=== ngx.location.capture
--- requests eval
['GET /capture/?to=/signed/a', 'GET /capture/?to=/signed/a%3Fb%3Dc&args=1',
 'GET /capture/?to=/signed/a&m=DELETE', 'GET /capture/?to=/signed/a&m=HEAD']
--- upstream_verdict: ok
--- upstream_count: 4
--- response_body: ok
--- upstream_request eval
['GET /signed/a', 'GET /signed/a?b=c&x=1%202&y=a', 'DELETE /signed/a',
 'HEAD /signed/a']



=== ngx.location.capture with a body
--- requests eval
['GET /capture/?to=/signed/a&m=POST&body=1',
 { method => 'POST', target => '/capture/?to=/signed/a&m=PUT&pass=1',
   body => 'body of the client' },
 { method => 'POST', target => '/capture/?to=/signed/a&m=PUT&pass=1',
   body => $main::body },
 { method => 'POST', target => '/capture/?to=/signed/a&m=POST&body=1',
   body => $main::body }]
--- upstream_verdict: ok
--- upstream_count: 4
--- response_body: ok
--- upstream_body eval
['body of lua', 'body of the client', $main::body, 'body of lua']



=== ngx.location.capture of what the hook denies
--- request
GET /capture/?to=/hook/%3Fdeny=1
--- status: 403
--- upstream_count: 0



=== ngx.location.capture without credentials
--- main_config: # one more nginx that has not logged it yet
--- request
GET /capture/?to=/missing/
--- status: 503
--- upstream_count: 0
--- error_log: no credentials available from provider "missing"



=== ngx.location.capture_multi
--- request
GET /capture-multi/
--- upstream_verdict: ok
--- upstream_count: 10
--- response_body: ok ok ok ok ok ok ok ok ok ok



=== ngx.location.capture before the request itself
--- request
POST /capture-access/a
--- body: body
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
['', 'body']
--- access: $aws_sigv4_status=signed
