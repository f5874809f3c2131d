# SPDX-License-Identifier: BSD-2-Clause

# $aws_sigv4_status has one word for each way that a request can go, and the
# other variables say what was signed.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(load_modules => 'ndk_http_module ngx_http_lua_module');

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider temporary static
    access_key_id=$TEST_TEMP_AKID secret_access_key=$TEST_TEMP_SECRET
    session_token=$TEST_TEMP_TOKEN;
aws_sigv4_provider missing env;

upstream monitoring.eu-west-1.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}
EOC

default_section(files => <<'EOC');
>>> body.txt 0666
body of a file
EOC

default_section(config => <<'EOC');
aws_sigv4 on;

location / {
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /off/ {
    aws_sigv4 off;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /off-by-hook/ {
    aws_sigv4_by_lua_block { sigv4.off() }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /resigned/ {
    proxy_set_body "another body";
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /denied/ {
    aws_sigv4_by_lua_block { sigv4.deny(429, "slower") }
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /hook-error/ {
    aws_sigv4_by_lua_block { error("broken") }
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /bad-request/ {
    rewrite ^/bad-request/(.*)$ $1 break;
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /bad-body/ {
    client_max_body_size 10;
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /host/ {
    aws_sigv4_allow_hosts *.example.com;
    proxy_set_header Host $arg_h;
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /no-service/ {
    aws_sigv4_service $arg_s;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /no-region/ {
    aws_sigv4_service aps;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /bad-scope/ {
    set $odd a/b;
    aws_sigv4_service $odd;
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /no-provider/ {
    aws_sigv4_credentials $arg_c;
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /no-credentials/ {
    aws_sigv4_credentials missing;
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /s3/ {
    aws_sigv4_service s3;
    aws_sigv4_payload signed;
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location ~ ^/not-sealed/([\s\S]*)$ {
    proxy_set_header X-Other $1;
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /error/ {
    access_by_lua_block {
        ngx.req.read_body()
        ngx.req.set_body_file("$TEST_DIR/body.txt", false)
        assert(io.open("$TEST_DIR/body.txt", "w")):close()
    }
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /temporary/ {
    aws_sigv4_credentials temporary;
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}

location /response/ {
    add_header X-Status $aws_sigv4_status;
    add_header X-Scope $aws_sigv4_credential_scope;
    add_header X-Id $aws_sigv4_access_key_id;
    aws_sigv4_credentials temporary;
    proxy_pass http://monitoring.eu-west-1.amazonaws.com;
}
EOC

run_tests();

__DATA__

=== off
--- request
GET /off/
--- status: 403
--- access
$aws_sigv4_status=off
! $aws_sigv4_host
! $aws_sigv4_region
! $aws_sigv4_service
! $aws_sigv4_access_key_id
! $aws_sigv4_date
! $aws_sigv4_credential_scope
! $aws_sigv4_signed_headers
! $aws_sigv4_payload_hash
! $aws_sigv4_canonical_request
! $aws_sigv4_string_to_sign



=== off by the hook
--- request
GET /off-by-hook/
--- status: 403
--- access: $aws_sigv4_status=off



=== off: refused by nginx itself
--- raw_request eval
"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
--- status: 400
--- access: $aws_sigv4_status=off



=== signed
--- request
GET /a?b=c
--- upstream_verdict: ok
--- access
$aws_sigv4_status=signed
$aws_sigv4_host=monitoring.eu-west-1.amazonaws.com
$aws_sigv4_region=eu-west-1
$aws_sigv4_service=monitoring
$aws_sigv4_access_key_id=AKIDEXAMPLE
$aws_sigv4_date ~ ^\d{8}T\d{6}Z$
$aws_sigv4_credential_scope ~ ^\d{8}/eu-west-1/monitoring/aws4_request$
$aws_sigv4_signed_headers=host;x-amz-content-sha256;x-amz-date
$aws_sigv4_payload_hash=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
$aws_sigv4_canonical_request ~ ^GET\n/a\nb=c\nhost:monitoring
$aws_sigv4_string_to_sign ~ ^AWS4-HMAC-SHA256\n



=== resigned
--- request
POST /resigned/
--- body: body
--- upstream_verdict: ok
--- access
$aws_sigv4_status=resigned
$aws_sigv4_payload_hash=867ad8c10a26b2e9273f73e17e4d0005c77b54c85fdebe168b354dee49477d7e



=== denied
--- request
GET /denied/
--- status: 429
--- response_body: slower
--- upstream_count: 0
--- access: $aws_sigv4_status=denied



=== hook_error
--- request
GET /hook-error/
--- status: 500
--- upstream_count: 0
--- error_log: broken
--- access: $aws_sigv4_status=hook_error



=== bad_request
--- request
GET /bad-request/a
--- status: 400
--- upstream_count: 0
--- error_log: the request target to sign does not start with "/"
--- access: $aws_sigv4_status=bad_request



=== bad_body
--- request
POST /bad-body/
--- more_headers
Transfer-Encoding: chunked
--- body: more than ten bytes
--- status: 413
--- upstream_count: 0
--- error_log: client intended to send too large chunked body
--- access: $aws_sigv4_status=bad_body



=== bad_host
--- request
GET /host/?h=a/b
--- status: 400
--- upstream_count: 0
--- error_log: "a/b" is no host to sign for
--- access: $aws_sigv4_status=bad_host



=== host_not_allowed
--- request
GET /host/?h=a.example.org
--- status: 403
--- upstream_count: 0
--- error_log: host "a.example.org" is not signed for
--- access: $aws_sigv4_status=host_not_allowed



=== no_service
--- request
GET /no-service/
--- status: 500
--- upstream_count: 0
--- error_log: no service can be inferred from host
--- access: $aws_sigv4_status=no_service



=== no_region
--- request
GET /no-region/
--- status: 500
--- upstream_count: 0
--- error_log: no region can be inferred from host
--- access: $aws_sigv4_status=no_region



=== bad_scope
--- request
GET /bad-scope/
--- status: 500
--- upstream_count: 0
--- error_log: cannot sign for host "monitoring.eu-west-1.amazonaws.com", service "a/b", region "eu-west-1"
--- access: $aws_sigv4_status=bad_scope



=== no_provider
--- request
GET /no-provider/?c=nobody
--- status: 500
--- upstream_count: 0
--- error_log: there is no provider "nobody", define it with "aws_sigv4_provider"
--- access: $aws_sigv4_status=no_provider



=== an empty name is the default provider
--- requests eval
['GET /no-provider/', 'GET /no-provider/?c=temporary']
--- upstream_verdict: ok
--- access eval
['$aws_sigv4_access_key_id=AKIDEXAMPLE',
 '$aws_sigv4_access_key_id=ASIAEXAMPLE']



=== no_credentials
--- request
GET /no-credentials/
--- status: 503
--- upstream_count: 0
--- response_headers: Retry-After: 5
--- error_log: no credentials available from provider "missing"
--- access: $aws_sigv4_status=no_credentials



=== bad_payload
--- request
PUT /s3/a
--- more_headers
X-Amz-Content-Sha256: UNSIGNED-PAYLOAD
--- body: body
--- status: 400
--- upstream_count: 0
--- error_log: the client declares "UNSIGNED-PAYLOAD" where "aws_sigv4_payload signed" is configured
--- access: $aws_sigv4_status=bad_payload



=== chunk_signed
--- request
PUT /s3/a
--- more_headers
X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD
--- body: body
--- status: 501
--- upstream_count: 0
--- error_log: the client signs the chunks of the body
--- access: $aws_sigv4_status=chunk_signed



=== not_sealed
--- request
GET /not-sealed/a%0d%0anothing
--- status: 500
--- upstream_count: 0
--- error_log: has lines that are no header fields
--- access: $aws_sigv4_status=not_sealed



=== error
--- request
POST /error/
--- body: body
--- status: 500
--- upstream_count: 0
--- error_log: the request is not signed for want of memory, or because its body cannot be read
--- access: $aws_sigv4_status=error



=== the session token is masked
--- request
GET /temporary/
--- upstream_script eval
[{ status => 200, body => 'x' }]
--- upstream_verdict: ok
--- secrets
$TEST_TEMP_TOKEN
--- access
$aws_sigv4_status=signed
$aws_sigv4_signed_headers=host;x-amz-content-sha256;x-amz-date;x-amz-security-token
$aws_sigv4_canonical_request ~ \nx-amz-security-token:<masked>\n



=== variables in a response
--- request
GET /response/
--- upstream_script eval
[{ status => 200, body => 'x' }]
--- upstream_verdict: ok
--- secrets
$TEST_TEMP_TOKEN
--- response_headers
X-Status: signed
X-Id: ASIAEXAMPLE
X-Scope ~ ^\d{8}/eu-west-1/monitoring/aws4_request$



=== a refused request has no signature to show
--- request
GET /host/?h=a.example.org
--- status: 403
--- error_log: host "a.example.org" is not signed for
--- access
$aws_sigv4_host=a.example.org
! $aws_sigv4_date
! $aws_sigv4_string_to_sign
! $aws_sigv4_canonical_request
