# SPDX-License-Identifier: BSD-2-Clause

# nginx -t: what it warns of, and that it does not warn of the rest.

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

=== nothing to warn of
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_pass https://127.0.0.1:8000;
    proxy_ssl_verify on;
    proxy_ssl_server_name on;
    proxy_ssl_trusted_certificate $TEST_CERT;
}
--- warns
test is successful
--- no_warns
[warn]



=== a certificate that is not verified
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_ssl_server_name on;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
[warn]
the certificate of the upstream is not verified, write "proxy_ssl_verify on;" and "proxy_ssl_trusted_certificate" for the "proxy_pass" in server.conf:5
--- no_warns
proxy_ssl_server_name



=== AWS in clear text
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key_file=$TEST_DIR/secret;
upstream monitoring.us-east-1.amazonaws.com {
    server 127.0.0.1:9;
}
--- config
location / {
    aws_sigv4 on;
    proxy_pass http://monitoring.us-east-1.amazonaws.com;
}
--- warns
[warn]
requests to "monitoring.us-east-1.amazonaws.com" are sent in clear text, the session token among them, write "https://" for the "proxy_pass" in server.conf:3



=== a server that is not told the name
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate $TEST_CERT;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
[warn]
the upstream is not told the name of the host, write "proxy_ssl_server_name on;" for the "proxy_pass" in server.conf:6
--- no_warns
proxy_ssl_verify



=== TLS that a server switches on and a location off
--- config
proxy_ssl_verify on;
proxy_ssl_server_name on;
proxy_ssl_trusted_certificate $TEST_CERT;
aws_sigv4 on;
aws_sigv4_service aps;
location /a/ {
    proxy_pass https://127.0.0.1:8000;
}
location /b/ {
    proxy_ssl_verify off;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
the certificate of the upstream is not verified, write "proxy_ssl_verify on;" and "proxy_ssl_trusted_certificate" for the "proxy_pass" in server.conf:11
--- no_warns
server.conf:7



=== TLS of a URL in a variable
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    aws_sigv4_allow_hosts *.example.com;
    proxy_pass $scheme://$arg_h;
}
--- warns
the certificate of the upstream is not verified, write "proxy_ssl_verify on;" and "proxy_ssl_trusted_certificate" for the "proxy_pass" in server.conf:5



=== TLS where nothing is signed
--- config
location / {
    proxy_pass https://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]



=== headers that the signature replaces
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_set_header Authorization $http_authorization;
    proxy_set_header x-amz-date a;
    proxy_set_header X-Amz-Content-Sha256 a;
    proxy_set_header X-Amz-Security-Token a;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
"proxy_set_header authorization" in server.conf:4 has no effect, the signature replaces it, remove it for the "proxy_pass" in server.conf:8
"proxy_set_header x-amz-date" in server.conf:5 has no effect, the signature replaces it, remove it for the "proxy_pass" in server.conf:8
"proxy_set_header x-amz-content-sha256" in server.conf:6 has no effect, the signature replaces it, remove it for the "proxy_pass" in server.conf:8
"proxy_set_header x-amz-security-token" in server.conf:7 has no effect, the signature replaces it, remove it for the "proxy_pass" in server.conf:8



=== headers that are removed anyway
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_set_header Authorization "";
    proxy_pass http://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]



=== an unsigned payload that the service does not take
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    aws_sigv4_payload unsigned;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
service "aps" does not take unsigned payloads, bodies are hashed in spite of "aws_sigv4_payload unsigned", remove it for the "proxy_pass" in server.conf:5



=== an unsigned payload, and a service that the host tells
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_payload unsigned;
    aws_sigv4_host monitoring.us-east-1.amazonaws.com;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
service "monitoring" does not take unsigned payloads, bodies are hashed in spite of "aws_sigv4_payload unsigned", remove it for the "proxy_pass" in server.conf:5



=== an unsigned payload that the service takes
--- config
location /s3/ {
    aws_sigv4 on;
    aws_sigv4_service s3;
    aws_sigv4_payload unsigned;
    proxy_pass http://127.0.0.1:8000;
}
location /variable/ {
    aws_sigv4 on;
    aws_sigv4_service $arg_s;
    aws_sigv4_payload unsigned;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]



=== a signer that is open to everyone
--- config
listen 0.0.0.0:$TEST_PORT_OPEN;
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
everyone who reaches 0.0.0.0:$TEST_PORT_OPEN can use the credentials, listen on 127.0.0.1, or add "allow" and "deny", "auth_basic" or "auth_request" for the "proxy_pass" in server.conf:5



=== a signer that is guarded
--- config
listen 0.0.0.0:$TEST_PORT_OPEN;
aws_sigv4 on;
aws_sigv4_service aps;
location /deny/ {
    allow 127.0.0.1;
    deny all;
    proxy_pass http://127.0.0.1:8000;
}
location /basic/ {
    auth_basic realm;
    proxy_pass http://127.0.0.1:8000;
}
location /request/ {
    auth_request /auth;
    proxy_pass http://127.0.0.1:8000;
}
location /internal/ {
    internal;
    proxy_pass http://127.0.0.1:8000;
}
location /hook/ {
    aws_sigv4_by_lua_block { sigv4.deny(403) }
    proxy_pass http://127.0.0.1:8000;
}
location /off/ {
    aws_sigv4 off;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
everyone



=== a guard that a location takes away
--- config
listen 0.0.0.0:$TEST_PORT_OPEN;
auth_basic realm;
aws_sigv4 on;
aws_sigv4_service aps;
location /a/ {
    auth_basic off;
    proxy_pass http://127.0.0.1:8000;
}
location /b/ {
    proxy_pass http://127.0.0.1:8000;
}
--- warns
can use the credentials, listen on 127.0.0.1, or add "allow" and "deny", "auth_basic" or "auth_request" for the "proxy_pass" in server.conf:7
--- no_warns
server.conf:10



=== one guard of several that a location takes away
--- config
listen 0.0.0.0:$TEST_PORT_OPEN;
allow 127.0.0.1;
deny all;
aws_sigv4 on;
aws_sigv4_service aps;
location /a/ {
    auth_basic off;
    auth_request off;
    proxy_pass http://127.0.0.1:8000;
}
location /b/ {
    auth_basic realm;
    auth_request off;
    allow all;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
everyone



=== "allow" in a location, which replaces all "deny" of the server
--- config
listen 0.0.0.0:$TEST_PORT_OPEN;
deny all;
aws_sigv4 on;
aws_sigv4_service aps;
location / {
    allow 127.0.0.1;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
everyone who reaches 0.0.0.0:$TEST_PORT_OPEN can use the credentials



=== a server of its own on loopback
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key_file=$TEST_DIR/secret;
aws_sigv4_region us-east-1;
server {
    listen 0.0.0.0:$TEST_PORT_OPEN;
    return 204;
}
server {
    listen unix:$TEST_DIR/socket;
    listen 127.0.0.2:$TEST_PORT_OTHER;
    location / {
        aws_sigv4 on;
        aws_sigv4_service aps;
        proxy_pass http://127.0.0.1:8000;
    }
}
--- config
location / {
    return 204;
}
--- warns
test is successful
--- no_warns
everyone



=== a handler that replaces proxy_pass
--- config
location / {
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:8000;
    stub_status;
}
--- warns
test is successful
