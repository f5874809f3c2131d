# SPDX-License-Identifier: BSD-2-Clause

# In ordinary configurations the signature that the access phase made is
# the one that goes out: $aws_sigv4_status is "signed".

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

upstream monitoring.us-east-1.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}

upstream bedrock-runtime.eu-west-1.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}

upstream s3.eu-central-1.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}

upstream aps-workspaces.us-west-2.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}
EOC

default_section(config => <<'EOC');
aws_sigv4 on;

location / {
    proxy_pass http://monitoring.us-east-1.amazonaws.com;
}

location /model/ {
    proxy_pass http://bedrock-runtime.eu-west-1.amazonaws.com;
}

location /bucket/ {
    proxy_pass http://s3.eu-central-1.amazonaws.com;
}

location /prometheus/ {
    proxy_pass http://aps-workspaces.us-west-2.amazonaws.com/workspaces/ws-1/;
}

location /temporary/ {
    aws_sigv4_credentials temporary;
    proxy_pass http://monitoring.us-east-1.amazonaws.com;
}

location /without-sha256/ {
    aws_sigv4_content_sha256 off;
    proxy_pass http://monitoring.us-east-1.amazonaws.com;
}

location /http11/ {
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_pass http://monitoring.us-east-1.amazonaws.com;
}

location /off/ {
    aws_sigv4 off;
    proxy_pass http://monitoring.us-east-1.amazonaws.com;
}

location /file {
    root html;
}

location /return/ {
    return 200 "returned";
}
EOC

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

run_tests();

__DATA__

=== methods without a body
--- requests eval
[map { "$_ /a?b=1" } qw(GET HEAD DELETE OPTIONS PROPFIND REPORT)]
--- upstream_verdict: ok
--- upstream_count: 6
--- upstream_record
service: monitoring
region: us-east-1
access_key_id: AKIDEXAMPLE
signed_headers: host;x-amz-content-sha256;x-amz-date
--- upstream_request eval
[map { "$_ /a?b=1" } qw(GET HEAD DELETE OPTIONS PROPFIND REPORT)]



=== methods with a body
--- requests eval
[map { +{ method => $_, target => '/a', body => "body of $_",
          headers => "Content-Type: text/plain\n" } }
 qw(POST PUT PATCH DELETE GET REPORT)]
--- upstream_verdict: ok
--- upstream_count: 6
--- upstream_record
signed_headers: content-type;host;x-amz-content-sha256;x-amz-date
--- upstream_body eval
[map { "body of $_" } qw(POST PUT PATCH DELETE GET REPORT)]



=== an empty body
--- requests eval
[map { +{ method => $_, target => '/a', body => '' } } qw(POST PUT PATCH)]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_header: content-length: 0



=== every header of the signature is there once
--- request
GET /
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_header
host: monitoring.us-east-1.amazonaws.com
x-amz-date ~ ^\d{8}T\d{6}Z$
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
authorization ~ ^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/us-east-1/monitoring/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=[0-9a-f]{64}$
! x-amz-security-token



=== a POST to Bedrock
--- request
POST /model/anthropic.claude-3%3A0/converse
--- more_headers
Content-Type: application/json
Accept: application/json
--- body: {"messages":[]}
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_record
service: bedrock
region: eu-west-1
--- upstream_request: POST /model/anthropic.claude-3%3A0/converse



=== an object of S3
--- request
PUT /bucket/a%20key/%C3%A9?x-id=PutObject
--- body: content
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_record
service: s3
region: eu-central-1
--- upstream_request: PUT /bucket/a%20key/%C3%A9?x-id=PutObject



=== remote_write to Amazon Managed Prometheus
--- request
POST /prometheus/api/v1/remote_write
--- more_headers
Content-Type: application/x-protobuf
Content-Encoding: snappy
X-Prometheus-Remote-Write-Version: 0.1.0
User-Agent: Prometheus/2.42.0
--- body: 123
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_record
service: aps
region: us-west-2
--- upstream_request: POST /workspaces/ws-1/api/v1/remote_write
--- upstream_header
user-agent: Prometheus/2.42.0
content-encoding: snappy



=== a session token
--- request
GET /temporary/
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_record
access_key_id: ASIAEXAMPLE
signed_headers: host;x-amz-content-sha256;x-amz-date;x-amz-security-token
--- upstream_header: x-amz-security-token: $TEST_TEMP_TOKEN



=== without the header of the payload
--- requests eval
['GET /without-sha256/',
 { method => 'POST', target => '/without-sha256/', body => 'x' }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_record: signed_headers: host;x-amz-date
--- upstream_header: ! x-amz-content-sha256



=== HTTP/1.1 and the usual headers of proxies
--- request
GET /http11/
--- more_headers
X-Forwarded-For: 192.0.2.1
Via: 1.1 somewhere
Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
Accept-Encoding: gzip
X-Amzn-Trace-Id: Root=1-2-3
Cookie: a=b
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_record: signed_headers: host;x-amz-content-sha256;x-amz-date
--- upstream_header
x-forwarded-for: 192.0.2.1, 127.0.0.1
x-amzn-trace-id: Root=1-2-3



=== HTTP/1.0 without a Host
--- raw_request eval
"GET /a?b HTTP/1.0\r\n\r\n"
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_header: host: monitoring.us-east-1.amazonaws.com



=== requests of one connection
--- requests eval
['GET /1', 'GET /bucket/2', { method => 'POST', target => '/3', body => 'x' },
 'GET /temporary/4', 'GET /5']
--- upstream_verdict: ok
--- upstream_count: 5
--- upstream_record eval
["service: monitoring\naccess_key_id: AKIDEXAMPLE",
 "service: s3\naccess_key_id: AKIDEXAMPLE",
 "service: monitoring\naccess_key_id: AKIDEXAMPLE",
 "service: monitoring\naccess_key_id: ASIAEXAMPLE",
 "service: monitoring\naccess_key_id: AKIDEXAMPLE"]



=== HTTP/2
--- http2
--- request
GET /a?b=1
--- upstream_verdict: ok
--- upstream_count: 1
--- access
$server_protocol=HTTP/2.0
$aws_sigv4_status=signed



=== switched off, the request passes as it is
--- request
GET /off/a
--- more_headers
Authorization: Bearer mine
X-Amz-Target: a
--- status: 400
--- upstream_verdict: refused: foreign_authorization
--- upstream_count: 1
--- upstream_header
authorization: Bearer mine
x-amz-target: a
! x-amz-date
--- access: $aws_sigv4_status=off



=== a file is served where nothing is proxied
--- files
>>> html/file
a file
--- request
GET /file
--- response_body
a file
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== an answer of nginx where nothing is proxied
--- request
POST /return/
--- body: abc
--- response_body: returned
--- upstream_count: 0
--- access: $aws_sigv4_status=off
