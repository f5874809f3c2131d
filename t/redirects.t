# SPDX-License-Identifier: BSD-2-Clause

# Internal redirects: the request is signed anew for where it goes, with
# nothing left of where it came from.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

our $body = join '', map { sprintf "%07d\n", $_ } 1 .. 8192;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider temporary static
    access_key_id=$TEST_TEMP_AKID secret_access_key=$TEST_TEMP_SECRET
    session_token=$TEST_TEMP_TOKEN;
aws_sigv4_provider missing env;
aws_sigv4_region us-east-1;
aws_sigv4_service aps;
EOC

default_section(config => <<'EOC');
aws_sigv4 on;
proxy_intercept_errors on;

location /target/ {
    aws_sigv4_service s3;
    aws_sigv4_credentials temporary;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location @target {
    aws_sigv4_service s3;
    aws_sigv4_credentials temporary;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location @unsigned {
    aws_sigv4 off;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /return-uri/ {
    error_page 404 = /target/x?y=1;
    return 404;
}

location /return-named/ {
    error_page 404 = @target;
    return 404;
}

location /upstream-uri/ {
    error_page 503 = /target/x;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /upstream-named/ {
    error_page 503 = @target;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /upstream-temporary/ {
    error_page 503 = @plain;
    aws_sigv4_credentials temporary;
    aws_sigv4_service s3;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location @plain {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /upstream-unsigned/ {
    error_page 503 = @unsigned;
    aws_sigv4_credentials temporary;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /refused/ {
    error_page 502 = @target;
    proxy_pass http://127.0.0.1:$CLOSED_PORT;
}

location /failed/ {
    error_page 500 = @target;
    set $odd a/b;
    aws_sigv4_service $odd;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /missing/ {
    error_page 503 = @target;
    aws_sigv4_credentials missing;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /denied/ {
    error_page 403 = @target;
    aws_sigv4_by_lua_block { sigv4.deny(403) }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /large/ {
    error_page 413 = @target;
    client_max_body_size 10;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /accel/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /rewrite-after/ {
    error_page 503 = /rewritten/;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /rewritten/ {
    rewrite ^ /target/rewritten last;
}

location /if/ {
    error_page 404 = @if;
    return 404;
}

location @if {
    if ($request_method = POST) {
        set $nothing 1;
    }

    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /index/ {
    alias html/;
    index nothing.html /target/index;
}
EOC

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

our $twice = <<'EOC';
x-amz-date ~ ^\d{8}T\d{6}Z$
x-amz-content-sha256 ~ ^[0-9a-f]{64}$
authorization ~ ^AWS4-HMAC-SHA256 [^,]*,[^,]*,[^,]*$
EOC

run_tests();

__DATA__

=== error_page with a URI
--- requests eval
['GET /return-uri/a', { method => 'POST', target => '/return-uri/a',
                        body => $main::body }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request: GET /target/x?y=1
--- upstream_record
service: s3
access_key_id: ASIAEXAMPLE



=== error_page with a named location
--- requests eval
['GET /return-named/a?b=c', { method => 'POST', target => '/return-named/a',
                              body => $main::body }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /return-named/a?b=c', 'POST /return-named/a']
--- upstream_body eval
['', $main::body]
--- upstream_record: service: s3



=== an error of the upstream goes to a URI
--- request
POST /upstream-uri/a?b=c
--- body eval
$main::body
--- upstream_script eval
[{ status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['POST /upstream-uri/a?b=c', 'GET /target/x']
--- upstream_record eval
['service: aps', 'service: s3']
--- upstream_header eval
["! x-amz-security-token\n$main::twice",
 "x-amz-security-token: \$TEST_TEMP_TOKEN\n$main::twice"]



=== an error of the upstream goes to a named location, with the body
--- request
POST /upstream-named/a?b=c
--- body eval
$main::body
--- upstream_script eval
[{ status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
$main::body
--- upstream_record eval
['service: aps', 'service: s3']
--- upstream_header eval
["! x-amz-security-token\n$main::twice",
 "x-amz-security-token: \$TEST_TEMP_TOKEN\n$main::twice"]
--- access
$aws_sigv4_status=signed
$aws_sigv4_service=s3
$aws_sigv4_access_key_id=ASIAEXAMPLE



=== a session token does not go along
--- request
POST /upstream-temporary/a?b=c
--- body: body
--- upstream_script eval
[{ status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_record eval
['access_key_id: ASIAEXAMPLE', 'access_key_id: AKIDEXAMPLE']
--- upstream_header eval
["x-amz-security-token: \$TEST_TEMP_TOKEN\n$main::twice",
 "! x-amz-security-token\n$main::twice"]



=== a signature does not go along to where none is made
--- request
GET /upstream-unsigned/a
--- status: 403
--- upstream_script eval
[{ status => 503 }]
--- upstream_verdict eval
['ok', 'refused: no_authentication']
--- upstream_header eval
["x-amz-security-token: \$TEST_TEMP_TOKEN",
"! x-amz-security-token
! x-amz-date
! x-amz-content-sha256
! authorization"]
--- access
$upstream_status=503 : 403
$aws_sigv4_status=off
! $aws_sigv4_access_key_id



=== a server that cannot be reached
--- request
POST /refused/a
--- body eval
$main::body
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_body eval
$main::body
--- upstream_record: service: s3
--- error_log: connect() failed



=== a request that cannot be signed may go elsewhere
--- request
POST /failed/a
--- body eval
$main::body
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_body eval
$main::body
--- error_log: service "a/b"



=== without credentials it may go elsewhere
--- request
POST /missing/a
--- body eval
$main::body
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_body eval
$main::body
--- error_log: no credentials available from provider "missing"



=== what the hook denies may go elsewhere
--- request
POST /denied/a
--- body: body
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_body: body



=== a body that is too large may go elsewhere, without it
--- request
POST /large/a
--- body: larger than ten bytes
--- upstream_verdict: ok
--- upstream_count: 1
--- error_log: client intended to send too large body



=== X-Accel-Redirect to a location that signs
--- request
GET /accel/a
--- upstream_script eval
[{ status => 200, headers => { 'X-Accel-Redirect' => '/target/z?q=1' } }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /accel/a', 'GET /target/z?q=1']
--- upstream_record eval
['service: aps', 'service: s3']
--- upstream_header eval
$main::twice



=== X-Accel-Redirect to a named location
--- request
POST /accel/a?b=c
--- body: body
--- upstream_script eval
[{ status => 200, headers => { 'X-Accel-Redirect' => '@target' } }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_record eval
['service: aps', 'service: s3']
--- upstream_body: body



=== X-Accel-Redirect to a file
--- files
>>> html/file.txt
a file
--- request
GET /accel/a
--- config
aws_sigv4 on;
location /accel/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /file {
    root html;
}
--- upstream_script eval
[{ status => 200, headers => { 'X-Accel-Redirect' => '/file.txt' } }]
--- upstream_verdict: ok
--- upstream_count: 1
--- response_body
a file



=== a rewrite after an error of the upstream
--- request
GET /rewrite-after/a
--- upstream_script eval
[{ status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /rewrite-after/a', 'GET /target/rewritten']



=== a named location with "if"
--- requests eval
['GET /if/a?b=c', { method => 'POST', target => '/if/a', body => 'body' }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /if/a?b=c', 'POST /if/a']



=== an index
--- request
GET /index/
--- upstream_verdict: ok
--- upstream_request: GET /target/index
