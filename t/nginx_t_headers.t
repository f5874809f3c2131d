# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# nginx -t: what proxy_set_header and its kind do to a signed request, where
# it can be told before one comes; and each that fails does so.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key_file=$TEST_DIR/secret;
aws_sigv4_region us-east-1;
EOC

default_section(files => <<'EOC');
>>> secret 0600
$TEST_SECRET
EOC

run_tests();

__DATA__

=== two hosts
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_set_header Host a.example.com;
    proxy_set_header Host b.example.com;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- warns
[warn]
"proxy_set_header host" in server.conf:5 is the second one, and a request with both is not sent, remove one of them for the "proxy_pass" in server.conf:6
--- request
GET /
--- status: 500
--- access: $aws_sigv4_status=not_sealed
--- error_log: and for a second "Host" or "Content-Length"



=== two hosts of which one is not sent
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_set_header Host "";
    proxy_set_header Host $proxy_host;
    aws_sigv4_host a.example.com;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- warns
test is successful
--- no_warns
[warn]
--- request
GET /
--- upstream_verdict: ok
--- upstream_header: host: a.example.com



=== a length that is taken away
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_set_header Content-Length "";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- warns
[warn]
"proxy_set_header content-length" in server.conf:4 takes the length away, and a request with a body is not sent, remove it for the "proxy_pass" in server.conf:5
--- request
POST /
--- body: hello
--- status: 500
--- access: $aws_sigv4_status=not_sealed
--- error_log: announces another body than the one of 5 bytes



=== a length that is taken away from proxy_set_body
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_set_body abc;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- warns
"proxy_set_header content-length" in server.conf:5 takes the length away
--- request
GET /
--- status: 500
--- access: $aws_sigv4_status=not_sealed
--- error_log: announces another body than the one of 3 bytes



=== a body that is left out, and its length is not
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_pass_request_body off;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- warns
[warn]
"proxy_pass_request_body off" leaves the length of the body, and a request with one is not sent, write 'proxy_set_header Content-Length "";' for the "proxy_pass" in server.conf:5
--- request
POST /
--- body: hello
--- status: 500
--- access: $aws_sigv4_status=not_sealed
--- error_log: announces another body than the one of 0 bytes



=== a body that is left out together with its length, or replaced
--- config
aws_sigv4 on;
aws_sigv4_service aps;
location /out/ {
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /replaced/ {
    proxy_pass_request_body off;
    proxy_set_body abc;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /on/ {
    proxy_pass_request_body on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- warns
test is successful
--- no_warns
[warn]
--- requests eval
[map { +{ method => 'POST', target => "/$_/", body => 'hello' } }
 qw(out replaced on)]
--- upstream_verdict: ok
--- upstream_header eval
['! content-length', 'content-length: 3', 'content-length: 5']



=== Expect
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_http_version 1.1;
    proxy_set_header Expect $http_expect;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- warns
[warn]
"proxy_set_header expect" in server.conf:5 makes the service send "100 Continue", which nginx takes for the answer, remove it for the "proxy_pass" in server.conf:6



=== credentials of others
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_set_header Authorization "";
    proxy_set_header Authorization "Bearer t";
    proxy_set_header Proxy-Authorization t;
    proxy_set_header X-Amz-S3session-Token t;
    proxy_set_header X-Amz-Region-Set *;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- warns
"proxy_set_header authorization" in server.conf:5 has no effect, the signature replaces it, remove it
"proxy_set_header proxy-authorization" in server.conf:6 has no effect
"proxy_set_header x-amz-s3session-token" in server.conf:7 has no effect
"proxy_set_header x-amz-region-set" in server.conf:8 has no effect
--- request
GET /
--- upstream_verdict: ok
--- upstream_header
authorization ~ ^AWS4-HMAC-SHA256 \S+, \S+, \S+$
! proxy-authorization
! x-amz-s3session-token
! x-amz-region-set



=== what works
--- config
aws_sigv4 on;
aws_sigv4_service aps;
aws_sigv4_signed_headers x-a x-b;
proxy_http_version 1.1;
location /connection/ {
    proxy_set_header Connection "";
    proxy_set_header TE trailers;
    proxy_set_header Keep-Alive timeout=5;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /signed/ {
    proxy_set_header X-A "";
    proxy_set_header X-B $msec$request_id;
    proxy_set_header Authorization "";
    proxy_set_header X-Amz-Date "";
    proxy_set_header Transfer-Encoding "";
    proxy_set_header Expect "";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /forwarded/ {
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header Accept-Encoding "";
    proxy_set_header Date "Sat, 28 Nov 2020 08:00:00 GMT";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /none/ {
    proxy_pass_request_headers off;
    proxy_hide_header Date;
    proxy_set_body abc;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- warns
test is successful
--- no_warns
[warn]
--- requests eval
[map { +{ method => 'POST', target => "/$_/", body => 'hello',
          headers => "X-A: a\nX-B: b\n" } }
 qw(connection signed forwarded none)]
--- upstream_verdict: ok
