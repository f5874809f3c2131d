# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# nginx -t: configurations that are legal, and bound to fail or to let in
# strangers, and those like them that are not.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key_file=$TEST_DIR/secret;
aws_sigv4_region us-east-1;
proxy_ssl_verify on;
proxy_ssl_server_name on;
proxy_ssl_trusted_certificate $TEST_CERT;
EOC

default_section(files => <<'EOC');
>>> secret 0600
$TEST_SECRET
EOC

run_tests();

__DATA__

=== streams that are buffered
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_host bedrock-runtime.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
[warn]
streams of "bedrock-runtime.us-east-1.amazonaws.com" are held back until a buffer is full, write "proxy_buffering off;" for the "proxy_pass" in server.conf:4



=== streams of bedrock-mantle that are buffered
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_host bedrock-mantle.us-east-1.api.aws;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
streams of "bedrock-mantle.us-east-1.api.aws" are held back



=== streams that are not buffered, and no streams
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_host bedrock-runtime.us-east-1.amazonaws.com;
    proxy_buffering off;
    proxy_pass https://127.0.0.1:8000;
}
location /bedrock/ {
    aws_sigv4 on;
    aws_sigv4_host bedrock.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]



=== a server switches buffering off, and a location on
--- config
proxy_buffering off;
aws_sigv4 on;
aws_sigv4_host bedrock-runtime-fips.us-east-1.amazonaws.com;
location /a/ {
    proxy_pass https://127.0.0.1:8000;
}
location /b/ {
    proxy_buffering on;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
"proxy_buffering off;" for the "proxy_pass" in server.conf:9
--- no_warns
server.conf:5



=== a literal name beside variables, and no resolver
--- config
location / {
    aws_sigv4 on;
    proxy_pass https://s3.us-east-1.amazonaws.com$request_uri;
}
--- warns
[warn]
"proxy_pass https://s3.us-east-1.amazonaws.com$request_uri" contains variables, and its host cannot be resolved when a request comes, set "resolver", or define an "upstream" of that name, for the "proxy_pass" in server.conf:3



=== a name in a variable, and no resolver
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_allow_hosts *.amazonaws.com;
    set $region us-east-1;
    proxy_pass https://s3.$region.amazonaws.com;
}
--- warns
set "resolver"



=== a URL in a variable, and no resolver
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_allow_hosts *.amazonaws.com;
    set $url https://s3.us-east-1.amazonaws.com;
    proxy_pass $url;
}
--- warns
set "resolver"



=== a resolver
--- config
resolver 127.0.0.1;
location / {
    aws_sigv4 on;
    proxy_pass https://s3.us-east-1.amazonaws.com$request_uri;
}
location /a/ {
    aws_sigv4 on;
    aws_sigv4_allow_hosts *.amazonaws.com;
    set $region us-east-1;
    proxy_pass https://s3.$region.amazonaws.com;
}
--- warns
test is successful
--- no_warns
[warn]



=== names that need no resolver
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key_file=$TEST_DIR/secret;
aws_sigv4_region us-east-1;
proxy_ssl_verify on;
proxy_ssl_server_name on;
proxy_ssl_trusted_certificate $TEST_CERT;
upstream S3.us-east-1.amazonaws.com {
    server 127.0.0.1:9;
}
--- config
location / {
    aws_sigv4 on;
    proxy_pass https://s3.us-east-1.amazonaws.com$request_uri;
}
location /a/ {
    aws_sigv4 on;
    aws_sigv4_service s3;
    proxy_pass https://127.0.0.1:8000$request_uri;
}
location /b/ {
    aws_sigv4 on;
    aws_sigv4_service s3;
    proxy_pass https://[::1]:8000$request_uri;
}
location /c/ {
    aws_sigv4 on;
    aws_sigv4_service s3;
    aws_sigv4_allow_hosts 127.0.0.1;
    proxy_pass https://127.0.0.1:$server_port;
}
location /d/ {
    aws_sigv4 on;
    aws_sigv4_service s3;
    aws_sigv4_allow_hosts *;
    proxy_pass https://$arg_upstream;
}
--- warns
test is successful
--- no_warns
[warn]



=== an upstream of another name
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key_file=$TEST_DIR/secret;
aws_sigv4_region us-east-1;
proxy_ssl_verify on;
proxy_ssl_server_name on;
proxy_ssl_trusted_certificate $TEST_CERT;
upstream another {
    server 127.0.0.1:9;
}
--- config
location / {
    aws_sigv4 on;
    proxy_pass https://s3.us-east-1.amazonaws.com$request_uri;
}
--- warns
set "resolver"



=== satisfy any
--- config
location / {
    satisfy any;
    allow 127.0.0.1;
    deny all;
    auth_basic x;
    auth_basic_user_file $TEST_DIR/secret;
    aws_sigv4 on;
    aws_sigv4_service s3;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
[warn]
"satisfy any" lets everyone use the credentials whom one of "allow", "auth_basic", "auth_request" and "access_by_lua" lets in, write "satisfy all;" for the "proxy_pass" in server.conf:9



=== satisfy any, and two checks of which one is inherited, or lets all in
--- config
aws_sigv4 on;
aws_sigv4_service s3;
satisfy any;
auth_basic x;
auth_basic_user_file $TEST_DIR/secret;
location /allow/ {
    allow all;
    proxy_pass https://127.0.0.1:8000;
}
location /request/ {
    auth_request /auth;
    proxy_pass https://127.0.0.1:8000;
}
location /none/ {
    auth_basic off;
    deny all;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
for the "proxy_pass" in server.conf:8
for the "proxy_pass" in server.conf:12
--- no_warns
server.conf:17



=== satisfy any changes nothing where there is one check, or none
--- config
aws_sigv4 on;
aws_sigv4_service s3;
satisfy any;
location /none/ {
    proxy_pass https://127.0.0.1:8000;
}
location /address/ {
    allow 127.0.0.1;
    deny all;
    proxy_pass https://127.0.0.1:8000;
}
location /basic/ {
    auth_basic x;
    auth_basic_user_file $TEST_DIR/secret;
    auth_request off;
    proxy_pass https://127.0.0.1:8000;
}
location /request/ {
    auth_request /auth;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]



=== satisfy any, and Lua code that checks
--- load_modules: ndk_http_module ngx_http_lua_module
--- config
listen 0.0.0.0:$TEST_PORT_OPEN;
aws_sigv4 on;
aws_sigv4_service s3;
satisfy any;
access_by_lua_block { ngx.exit(403) }
location /both/ {
    auth_request /auth;
    proxy_pass https://127.0.0.1:8000;
}
location /alone/ {
    proxy_pass https://127.0.0.1:8000;
}
--- warns
"satisfy any" lets everyone use the credentials whom one of "allow", "auth_basic", "auth_request" and "access_by_lua" lets in, write "satisfy all;" for the "proxy_pass" in server.conf:8
--- no_warns
server.conf:11
everyone who reaches



=== satisfy all
--- config
location / {
    satisfy all;
    deny all;
    aws_sigv4 on;
    aws_sigv4_service s3;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]



=== a length and a coding of the body that are set by hand
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service s3;
    proxy_set_header Content-Length $content_length;
    proxy_pass https://127.0.0.1:8000;
}
location /a/ {
    aws_sigv4 on;
    aws_sigv4_service s3;
    proxy_set_header Transfer-Encoding chunked;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
"proxy_set_header content-length" in server.conf:4 may contradict the body that is signed, and such a request is not sent, remove it for the "proxy_pass" in server.conf:5
"proxy_set_header transfer-encoding" in server.conf:10 may contradict the body that is signed, and such a request is not sent, remove it for the "proxy_pass" in server.conf:11



=== a length that is left out
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service s3;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_pass https://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]
