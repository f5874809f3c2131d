# SPDX-License-Identifier: BSD-2-Clause

# A request that is sent again, to the next server, is signed again.

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
aws_sigv4_service aps;
aws_sigv4_region us-east-1;

upstream three {
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
}

upstream alive {
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
    keepalive 4;
}

upstream closed {
    server 127.0.0.1:$CLOSED_PORT max_fails=0;
    server 127.0.0.1:$VERIFIER_PORT max_fails=0 backup;
}

server { listen 127.0.0.1:$TEST_PORT_PLAIN; access_log off; }

upstream wrong_protocol {
    server 127.0.0.1:$TEST_PORT_PLAIN max_fails=0;
    server 127.0.0.1:$VERIFIER_TLS_PORT max_fails=0 backup;
}
EOC

default_section(config => <<'EOC');
aws_sigv4 on;
proxy_next_upstream error timeout http_500 http_503 http_429 non_idempotent;

location / {
    proxy_pass http://three;
}

location /memory/ {
    client_body_buffer_size 128k;
    proxy_pass http://three;
}

location /uri/ {
    proxy_pass http://three/base/;
}

location /set-body/ {
    proxy_set_body "text of $request_method";
    proxy_pass http://three;
}

location /temporary/ {
    aws_sigv4_credentials temporary;
    proxy_pass http://three;
}

location /closed/ {
    proxy_pass http://closed;
}

location /alive/ {
    proxy_pass http://alive;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
}

location /tls/ {
    proxy_pass https://wrong_protocol;
    proxy_ssl_verify on;
    proxy_ssl_name localhost;
    proxy_ssl_server_name on;
    proxy_ssl_trusted_certificate $TEST_CERT;
}

location /unbuffered/ {
    proxy_request_buffering off;
    proxy_http_version 1.1;
    proxy_pass http://three;
}

location /host/ {
    aws_sigv4_host monitoring.us-east-1.amazonaws.com;
    aws_sigv4_service monitoring;
    proxy_pass http://three;
}
EOC

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

run_tests();

__DATA__

=== an error of the server
--- request
GET /a?b=1
--- upstream_script eval
[{ status => 503 }, { status => 429 }, { status => 200 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_request: GET /a?b=1
--- access
$upstream_status=503, 429, 200
$aws_sigv4_status=signed



=== a connection that is closed
--- request
GET /a?b=1
--- upstream_script eval
[{ close => 'body' }, { close => 'body' }]
--- upstream_verdict: ok
--- upstream_count: 3
--- error_log: upstream prematurely closed connection
--- access
$upstream_status=502, 502, 200
$aws_sigv4_status=signed



=== a body that was spooled
--- request
POST /a
--- body eval
$main::body
--- upstream_script eval
[{ status => 503 }, { status => 500 }, { status => 200 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_body eval
$main::body



=== a body in memory
--- request
POST /memory/a
--- body eval
$main::body
--- upstream_script eval
[{ status => 503 }, { status => 500 }, { status => 200 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_body eval
$main::body



=== a body of the configuration
--- request
POST /set-body/a
--- body: another
--- upstream_script eval
[{ status => 503 }, { status => 500 }, { status => 200 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_body: text of POST
--- access: $aws_sigv4_status=resigned



=== a body that is not buffered
--- request
POST /unbuffered/a
--- body: body
--- upstream_script eval
[{ status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body: body



=== a target that was repaired
--- request
GET /uri/a?b=c+d&X-Amz-Signature=1
--- upstream_script eval
[{ status => 503 }, { status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_request: GET /base/a?b=c%20d



=== headers are not added twice
--- request
GET /temporary/
--- more_headers
X-Amz-Meta-A: a
X-Amz-Security-Token: of the client
Authorization: Bearer client
--- upstream_script eval
[{ status => 503 }, { status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_header
x-amz-security-token: $TEST_TEMP_TOKEN
x-amz-meta-a: a
x-amz-date ~ ^\d{8}T\d{6}Z$
authorization ~ ^AWS4-HMAC-SHA256 [^,]*,[^,]*,[^,]*$
host: three



=== a host that is chosen is sent again
--- request
GET /host/
--- upstream_script eval
[{ status => 503 }, { status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_header: host: monitoring.us-east-1.amazonaws.com



=== a server that refuses the connection
--- request
POST /closed/
--- body: body
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_body: body
--- error_log: connect() failed (111
--- access
$upstream_status=502, 200
$aws_sigv4_status=signed



=== a handshake that fails
--- request
GET /tls/
--- upstream_verdict: ok
--- upstream_count: 1
--- error_log: SSL_do_handshake() failed
--- access
$upstream_status=502, 200
$aws_sigv4_status=signed



=== a kept connection that the server has closed
--- requests eval
[map { "GET /alive/$_" } 1 .. 4]
--- upstream_script eval
[{}, { match => '/alive/2', close => 'head' }, {}, { match => '/alive/3', close => 'head' }]
--- upstream_verdict eval
['ok', 'unread', 'ok', 'unread', 'ok', 'ok']
--- upstream_count: 6
--- error_log: upstream prematurely closed connection
--- access: $aws_sigv4_status=signed



=== no server is left
--- request
GET /a
--- upstream_script eval
[{ status => 503 }, { status => 503 }, { status => 503 }]
--- status: 503
--- upstream_verdict: ok
--- upstream_count: 3
--- access
$upstream_status=503, 503, 503
$aws_sigv4_status=signed
