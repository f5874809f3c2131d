# SPDX-License-Identifier: BSD-2-Clause

# The harness itself, with plain nginx in front of the verifier: requests
# are signed by awscrt and botocore before they enter.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Oracle qw(sign);

default_section(no_module => '');

our %api = (
    host    => 'abc123.execute-api.us-east-1.amazonaws.com',
    service => 'execute-api',
    region  => 'us-east-1',
);

default_section(config => <<'EOC');
location / {
    proxy_pass          http://127.0.0.1:$VERIFIER_PORT;
    proxy_set_header    Host $http_host;
    proxy_http_version  1.1;
    proxy_set_header    Connection "";
}
EOC

repeat_each(2);
run_tests();

__DATA__

=== a signed request passes nginx and the verifier
--- requests eval
[main::sign(%main::api, target => '/prod/x?b=2&a=1')]
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_request: GET /prod/x?b=2&a=1 HTTP/1.1
--- upstream_record
service: execute-api
region: us-east-1
access_key_id: AKIDEXAMPLE
signed_headers ~ ^host;x-amz-date$
--- upstream_header
host: abc123.execute-api.us-east-1.amazonaws.com
authorization ~ ^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/
! x-amz-security-token
--- upstream_head_like
^GET /prod
^X-Amz-Date: \d{8}T
--- upstream_head_unlike
^Cookie:
--- response_headers
X-Verifier-Verdict: ok
! X-Nothing
--- response_body_like: "verdict": "ok"
--- access
$request_uri=/prod/x?b=2&a=1
$upstream_status ~ 200



=== several requests use one connection
--- requests eval
[main::sign(%main::api, target => '/1'),
 main::sign(%main::api, target => '/2', signer => 'botocore'),
 'GET /3']
--- status: 200 200 403
--- upstream_verdict eval
['ok', 'ok', 'refused: no_authentication']
--- upstream_count: 3
--- access eval
['$request_uri=/1', '$request_uri=/2', '$request_uri=/3']



=== a body arrives as it was sent
--- requests eval
[main::sign(%main::api, method => 'POST', body => "a\0\xff" x 40000)]
--- upstream_verdict: ok
--- upstream_body eval
"a\0\xff" x 40000



=== an unsigned request is refused, with a name for the reason
--- request
GET /a?b
--- more_headers
Cookie: c=1
--- status: 403
--- upstream_verdict: refused: no_authentication
--- upstream_header: Cookie: c=1
--- response_headers
X-Verifier-Reason: no_authentication
x-amzn-ErrorType: MissingAuthenticationTokenException



=== a chunked body is framed by the client
--- request
POST /chunks
--- more_headers
Transfer-Encoding: chunked
--- body
twelve bytes
--- status: 403
--- upstream_body: twelve bytes



=== Expect waits for the 100
--- request
PUT /expect
--- more_headers
Expect: 100-continue
--- body: 12345
--- status: 403
--- upstream_body: 12345
--- upstream_header: ! expect



=== raw bytes are sent as they are
--- raw_request eval
"GET /raw HTTP/1.0\r\nHost: a\r\nX-Odd:   b \r\n\r\n"
--- status: 403
--- upstream_header: x-odd: b



=== HTTP/2
--- http2
--- request
GET /two?x=1
--- status: 403
--- upstream_request: GET /two?x=1
--- access: $server_protocol=HTTP/2.0



=== a script answers for the verifier, and a retry is seen
--- http_config
upstream two {
    server  127.0.0.1:$VERIFIER_PORT max_fails=0;
    server  unix:$VERIFIER_SOCKET max_fails=0;
}
--- config
location / {
    proxy_pass           http://two;
    proxy_next_upstream  error http_503;
}
--- request
GET /retry
--- upstream_script eval
[{status => 503}, {status => 200, headers => {'X-Try' => 2}, body => 'second'}]
--- upstream_count: 2
--- response_headers: X-Try: 2
--- response_body: second
--- access: $upstream_status=503, 200



=== a connection closed before the answer is an expected error
--- request
GET /closed
--- upstream_script eval
[{close => 'head'}]
--- status: 502
--- upstream_verdict: unread
--- error_log: upstream prematurely closed connection



=== a refused connection
--- config
location / {
    proxy_pass  http://127.0.0.1:$CLOSED_PORT;
}
--- request
GET /refused
--- status: 502
--- error_log eval
qr/connect\(\) failed \(111: .*\) while connecting to upstream/



=== TLS to the verifier, verified
--- config
location / {
    proxy_pass                     https://127.0.0.1:$VERIFIER_TLS_PORT;
    proxy_set_header               Host $http_host;
    proxy_ssl_verify               on;
    proxy_ssl_name                 localhost;
    proxy_ssl_server_name          on;
    proxy_ssl_trusted_certificate  $TEST_CERT;
}
--- requests eval
[main::sign(%main::api)]
--- upstream_verdict: ok



=== a wrong name in the certificate is refused
--- config
location / {
    proxy_pass                     https://127.0.0.1:$VERIFIER_TLS_PORT;
    proxy_ssl_verify               on;
    proxy_ssl_name                 example.org;
    proxy_ssl_trusted_certificate  $TEST_CERT;
}
--- request
GET /
--- status: 502
--- upstream_count: 0
--- error_log: upstream SSL certificate does not match "example.org"



=== options of the verifier, and a scope that is not expected
--- verifier: --expect abc123.*.amazonaws.com=execute-api:eu-west-1
--- requests eval
[main::sign(%main::api)]
--- status: 403
--- upstream_verdict: refused: scope_region



=== files, environment and main configuration
--- main_config
env GREETING;
worker_rlimit_nofile 1024;
--- env
GREETING=hello
--- files
>>> html/one.txt
first
>>> secret/key 0600
second $TEST_AKID
--- config
location / { }
--- request
GET /one.txt
--- response_body
first
--- response_headers: Content-Type: text/plain



=== nginx -t names the line of the section
--- config
location / {
    return 204;
    no_such_directive on;
}
--- must_die
unknown directive "no_such_directive" in server.conf:3



=== nginx -t warns
--- http_config
server {
    listen 127.0.0.1:$TEST_PORT;
    server_name localhost;
}
--- config
location / {
    return 204;
}
--- warns
conflicting server name "localhost" on 127.0.0.1:
--- no_warns
deprecated



=== a reload brings another configuration
--- config
location / {
    return 200 "old";
}
--- reload_config
location / {
    return 200 "new";
}
--- request
GET /
--- response_body: new



=== HEAD, and a status without a body
--- request
HEAD /x
--- more_headers
X-Test-Status: 204
--- status: 204
--- response_body:



=== more modules before and after
--- load_modules: ndk_http_module
--- load_modules_after: ngx_http_lua_module
--- skip_if_not: -e "$AwsSigV4::Nginx::MODULES/ngx_http_lua_module.so"
--- config
location / {
    content_by_lua_block {
        ngx.say("from ", ngx.var.server_port)
    }
}
--- request
GET /
--- response_body
from $TEST_PORT



=== a script answers in chunks
--- config
location / {
    proxy_pass       http://127.0.0.1:$VERIFIER_PORT;
    proxy_buffering  off;
}
--- request
GET /stream
--- upstream_script eval
[{status => 200, chunks => ['one ', 'two ', {data_base64 => 'dGhyZWU='}]}]
--- response_body: one two three
