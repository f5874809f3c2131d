# SPDX-License-Identifier: BSD-2-Clause

# Headers: which of the client's are replaced, dropped, signed or passed,
# and those of proxy_set_header.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider temporary static
    access_key_id=$TEST_TEMP_AKID secret_access_key=$TEST_TEMP_SECRET
    session_token=$TEST_TEMP_TOKEN;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
large_client_header_buffers 64 32k;
EOC

default_section(config => <<'EOC');
aws_sigv4 on;

location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /api/ {
    aws_sigv4_service execute-api;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /own-keys/ {
    proxy_set_header X-Api-Key mine;
    proxy_set_header Api-Key also-mine;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /connection/ {
    proxy_http_version 1.1;
    proxy_set_header Connection $http_connection;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /set/ {
    proxy_set_header X-Amz-Meta-A "of the gateway";
    proxy_set_header X-Amz-Meta-B "b $arg_b";
    proxy_set_header X-Amz-Meta-Empty "";
    proxy_set_header X-Amz-Meta-Nothing $arg_nothing;
    proxy_set_header X-Amz-Meta-Twice one;
    proxy_set_header x-amz-meta-twice two;
    proxy_set_header Content-Type text/plain;
    proxy_set_header X-Other o;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /authority/ {
    proxy_set_header Authorization "Bearer gateway";
    proxy_set_header X-Amz-Date 20200101T000000Z;
    proxy_set_header X-Amz-Security-Token gateway;
    proxy_set_header X-Amz-Content-Sha256 UNSIGNED-PAYLOAD;
    proxy_set_header Proxy-Authorization "Basic gateway";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /named/ {
    aws_sigv4_signed_headers X-Tenant accept range;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /named-set/ {
    aws_sigv4_signed_headers X-Tenant;
    proxy_set_header X-Tenant "tenant $arg_a";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location ~ ^/split-signed/([\s\S]*)$ {
    proxy_set_header X-Amz-Meta-A $1;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location ~ ^/split/([\s\S]*)$ {
    proxy_set_header X-Other $1;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /temporary/ {
    aws_sigv4_credentials temporary;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

run_tests();

__DATA__

=== authority of the client is replaced
--- request
GET /
--- more_headers
Authorization: AWS4-HMAC-SHA256 Credential=AKIDCLIENT/20200101/us-east-1/aps/aws4_request, SignedHeaders=host;x-amz-date, Signature=00
X-Amz-Date: 20200101T000000Z
X-Amz-Content-Sha256: 0000
X-Amz-Security-Token: of-the-client
X-Amz-Region-Set: *
X-Amz-S3session-Token: of-the-client
Proxy-Authorization: Basic Y2xpZW50
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_record: signed_headers: host;x-amz-content-sha256;x-amz-date
--- upstream_header
authorization ~ ^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/[^,]*, SignedHeaders=[^,]*, Signature=[0-9a-f]{64}$
x-amz-date ~ ^20(2[1-9]|[3-9]\d)\d{4}T\d{6}Z$
x-amz-content-sha256 ~ ^e3b0c442
! x-amz-security-token
! x-amz-region-set
! x-amz-s3session-token
! proxy-authorization



=== a Bearer token is replaced, in any letter case of the name
--- requests eval
[map { +{ method => 'GET', target => '/', headers => "$_: Bearer mine\n" } }
 qw(Authorization authorization AUTHORIZATION aUTHORIZATION)]
--- upstream_verdict: ok
--- upstream_count: 4
--- upstream_header: authorization ~ ^AWS4-HMAC-SHA256 [^,]*,[^,]*,[^,]*$



=== authority that is sent twice
--- requests eval
[{ method => 'GET', target => '/', headers => [
    ['X-Amz-Date', '20200101T000000Z'], ['x-amz-date', '20200101T000001Z'],
    ['X-Amz-Security-Token', 'a'], ['X-Amz-Security-Token', 'b'],
    ['Proxy-Authorization', 'a'], ['Proxy-Authorization', 'b'],
    ['X-AMZ-CONTENT-SHA256', 'a'], ['X-AMZ-CONTENT-SHA256', 'b']] }]
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_header
x-amz-date ~ ^\d{8}T\d{6}Z$
x-amz-content-sha256 ~ ^[0-9a-f]{64}$
! x-amz-security-token
! proxy-authorization



=== a session token of the client does not stand beside ours
--- request
GET /temporary/
--- more_headers
X-Amz-Security-Token: of-the-client
--- upstream_verdict: ok
--- upstream_header: x-amz-security-token: $TEST_TEMP_TOKEN



=== keys of other APIs are dropped
--- request
GET /
--- more_headers
X-Api-Key: client-key
Api-Key: client-key
--- upstream_verdict: ok
--- upstream_header
! x-api-key
! api-key
--- secrets
client-key



=== an API of API Gateway keeps its own key
--- request
GET /api/
--- more_headers
X-Api-Key: client-key
Api-Key: client-key
--- upstream_verdict: ok
--- upstream_record: signed_headers: host;x-amz-content-sha256;x-amz-date
--- upstream_header
x-api-key: client-key
! api-key



=== keys that proxy_set_header sends
--- request
GET /own-keys/
--- more_headers
X-Api-Key: client-key
Api-Key: client-key
--- upstream_verdict: ok
--- upstream_record: signed_headers: host;x-amz-content-sha256;x-amz-date
--- upstream_header
x-api-key: mine
api-key: also-mine



=== x-amz-* of the client are signed
--- request
POST /
--- more_headers
X-Amz-Target: GraniteServiceVersion20100801.GetMetricData
X-Amz-User-Agent: aws-sdk-js/3
Amz-Sdk-Request: attempt=1
Amz-Sdk-Invocation-Id: 1
Content-Type: application/x-amz-json-1.0
Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==
--- body: {}
--- upstream_verdict: ok
--- upstream_record
signed_headers: content-md5;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target;x-amz-user-agent



=== repeated headers keep their order
--- requests eval
[{ method => 'PUT', target => '/', body => 'x', headers => [
    ['X-Amz-Meta-B', '2'], ['X-Amz-Meta-A', 'z'], ['x-amz-meta-b', '1'],
    ['X-Amz-Meta-A', 'a'], ['X-AMZ-META-A', 'z']] }]
--- upstream_verdict: ok
--- upstream_header
x-amz-meta-a: z, a, z
x-amz-meta-b: 2, 1



=== blanks in values
--- raw_request eval
"GET / HTTP/1.0\r\nX-Amz-Meta-A:    a   b    \r\nX-Amz-Meta-B:\r\n"
. "X-Amz-Meta-C: \"a   b\"\r\nX-Amz-Meta-D:x\r\nx-amz-meta-e: a\tb\r\n\r\n"
--- upstream_verdict: ok
--- upstream_record
signed_headers: host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-meta-b;x-amz-meta-c;x-amz-meta-d;x-amz-meta-e



=== bytes beyond ASCII in values
--- raw_request eval
"GET / HTTP/1.0\r\nX-Amz-Meta-A: \xc3\xa9\xff\x80 \xe2\x82\xac\r\n\r\n"
--- upstream_verdict: ok



=== empty values
--- raw_request eval
"GET / HTTP/1.0\r\nContent-Type:\r\nX-Amz-Meta-A:\r\nX-Agent-Id:\r\n"
. "X-Amz-Meta-A: \r\nX-Amz-Meta-A: c\r\n\r\n"
--- upstream_verdict: ok



=== a name as long as names can be
--- requests eval
[{ method => 'GET', target => '/', headers =>
   [[ 'X-Amz-Meta-' . 'n' x 1000, 'v' ], [ 'X-' . 'o' x 1000, 'v' ]] }]
--- upstream_verdict: ok



=== nine hundred headers
--- requests eval
[{ method => 'GET', target => '/', headers => [map {
    [ "X-Amz-Meta-" . $_ % 450, "value $_" ] } 1 .. 900] }]
--- upstream_verdict: ok
--- upstream_count: 1



=== nine hundred headers that are not signed
--- requests eval
[{ method => 'GET', target => '/', headers => [map {
    [ "X-Other-$_", "value $_" ] } 1 .. 900] }]
--- upstream_verdict: ok
--- upstream_record: signed_headers: host;x-amz-content-sha256;x-amz-date



=== a Connection that names a signed header is dropped
--- requests eval
[map { +{ method => 'GET', target => '/connection/',
          headers => "Connection: $_\n" } }
 'x-amz-date', 'keep-alive, X-Amz-Date', 'authorization,keep-alive', 'Host',
 'keep-alive ,  x-amz-content-sha256 ']
--- upstream_verdict: ok
--- upstream_count: 5
--- upstream_header: ! connection



=== a Connection that says no more than usual passes
--- requests eval
[map { +{ method => 'GET', target => '/connection/',
          headers => "Connection: $_\n" } }
 'keep-alive', 'Keep-Alive', 'keep-alive, Upgrade']
--- upstream_verdict: ok
--- upstream_header eval
['connection: keep-alive', 'connection: Keep-Alive',
 'connection: keep-alive, Upgrade']



=== Connection of the client is not passed as a rule
--- request
GET /
--- more_headers
Connection: x-amz-date, close
--- upstream_verdict: ok
--- upstream_header: connection: close



=== headers of hops are never signed
--- request
GET /
--- more_headers
TE: trailers
Upgrade: h2c
Keep-Alive: timeout=5
Via: 1.1 a
Forwarded: for=192.0.2.1
X-Forwarded-For: 192.0.2.1
User-Agent: a
--- upstream_verdict: ok
--- upstream_record: signed_headers: host;x-amz-content-sha256;x-amz-date



=== proxy_set_header of signed names
--- request
POST /set/?b=c
--- more_headers
X-Amz-Meta-A: of the client
X-Amz-Meta-Empty: of the client
X-Amz-Meta-Nothing: of the client
X-Amz-Meta-Twice: of the client
X-Amz-Meta-Z: of the client
Content-Type: application/json
--- body: x
--- upstream_verdict: ok
--- upstream_record
signed_headers: content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-meta-b;x-amz-meta-twice;x-amz-meta-z
--- upstream_header
x-amz-meta-a: of the gateway
x-amz-meta-b: b c
x-amz-meta-twice: one, two
x-amz-meta-z: of the client
content-type: text/plain
x-other: o
! x-amz-meta-empty
! x-amz-meta-nothing



=== proxy_set_header cannot replace the signature
--- warns
"proxy_set_header authorization" in server.conf:
"proxy_set_header x-amz-date" in server.conf:
"proxy_set_header x-amz-content-sha256" in server.conf:
"proxy_set_header x-amz-security-token" in server.conf:
--- request
GET /authority/
--- upstream_verdict: ok
--- upstream_header
authorization ~ ^AWS4-HMAC-SHA256 [^,]*,[^,]*,[^,]*$
x-amz-date ~ ^20(2[1-9]|[3-9]\d)\d{4}T\d{6}Z$
x-amz-content-sha256 ~ ^[0-9a-f]{64}$
! x-amz-security-token
! proxy-authorization



=== further headers that are signed
--- request
GET /named/
--- more_headers
X-Tenant: a
Accept: text/plain
X-Other: b
--- upstream_verdict: ok
--- upstream_record
signed_headers: accept;host;x-amz-content-sha256;x-amz-date;x-tenant



=== a further signed header that is not there
--- request
GET /named/
--- upstream_verdict: ok
--- upstream_record: signed_headers: host;x-amz-content-sha256;x-amz-date



=== a further signed header of proxy_set_header
--- request
GET /named-set/?a=b
--- more_headers
X-Tenant: of the client
--- upstream_verdict: ok
--- upstream_header: x-tenant: tenant b
--- upstream_record
signed_headers: host;x-amz-content-sha256;x-amz-date;x-tenant



=== a line break in a value cannot add a signed header
--- request
GET /split-signed/a%0d%0aX-Amz-Meta-B:%20b
--- status: 400
--- upstream_count: 0
--- error_log: the value of "proxy_set_header x-amz-meta-a" has a line break and is not signed
--- access: $aws_sigv4_status=bad_request



=== a line break in a value cannot add authority
--- request
GET /split/a%0d%0aAuthorization:%20Bearer%20b%0d%0aX-Amz-Security-Token:%20c
--- upstream_verdict: ok
--- upstream_header
authorization ~ ^AWS4-HMAC-SHA256 [^,]*,[^,]*,[^,]*$
! x-amz-security-token



=== a line break in a value cannot add a second Host
--- request
GET /split/a%0d%0aHost:%20example.org
--- status: 500
--- upstream_count: 0
--- error_log: has lines that are no header fields and is not sent
--- access: $aws_sigv4_status=not_sealed



=== a line break in a value cannot end the head
--- request
GET /split/a%0d%0a%0d%0aGET%20/%20HTTP/1.1%0d%0a
--- status: 500
--- upstream_count: 0
--- error_log: has lines that are no header fields and is not sent
--- access: $aws_sigv4_status=not_sealed



=== half a line break is none
--- request
GET /split/a%0aHost:%20example.org
--- status: 500
--- upstream_count: 0
--- error_log: has lines that are no header fields and is not sent
--- access: $aws_sigv4_status=not_sealed



=== a line that is no header
--- request
GET /split/a%0d%0anothing
--- status: 500
--- upstream_count: 0
--- error_log: has lines that are no header fields and is not sent
--- access: $aws_sigv4_status=not_sealed



=== names that nginx takes for invalid
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
underscores_in_headers on;
ignore_invalid_headers off;
--- config
location / {
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- request
GET /
--- more_headers
X_Amz_Date: 20200101T000000Z
X-Amz_Meta-A: a
X.Amz.Meta: b
X-Amz-: c
--- upstream_verdict: ok



=== the spelling of a name that signature checks would miss
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
ignore_invalid_headers off;
--- config
location / {
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- raw_request eval
"GET / HTTP/1.0\r\nAuthorization : Bearer a\r\nX-Amz-Date : 1\r\n"
. "X-Amz-Meta-A : a\r\n\r\n"
--- status: 400
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== names that would be two in the list of signed headers
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
ignore_invalid_headers off;
--- config
location / {
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- raw_request eval
"GET / HTTP/1.0\r\nX-Amz-A;B: c\r\n\r\n"
--- status: 400
--- upstream_count: 0
--- error_log: the request has a method, a path or a header that cannot be signed
--- access: $aws_sigv4_status=bad_request
