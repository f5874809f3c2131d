# SPDX-License-Identifier: BSD-2-Clause

# Every form of proxy_pass, and all that changes a request after the access
# phase: what is signed is what is sent.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Dns qw(dns_port);

# larger than the buffer for bodies: the body is spooled
our $body = join '', map { sprintf "%07d\n", $_ } 1 .. 8192;

sub both {
    my ($target, $headers) = @_;

    return [
        { method => 'GET', target => $target, headers => $headers },
        { method => 'POST', target => $target, body => $body,
          headers => ($headers // '') . "Content-Type: text/plain\n" },
    ];
}

sub resolver {
    my ($text) = @_;
    my $port = dns_port();

    $text =~ s/RESOLVER/resolver 127.0.0.1:$port ipv6=off;/;

    return $text;
}

default_section(http_config => resolver(<<'EOC'));
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service execute-api;
aws_sigv4_region us-east-1;

RESOLVER

upstream backend {
    server 127.0.0.1:$VERIFIER_PORT;
}

upstream alive {
    server 127.0.0.1:$VERIFIER_PORT;
    keepalive 4;
}

upstream zoned {
    zone zoned 64k;
    least_conn;
    server 127.0.0.1:$VERIFIER_PORT;
    server unix:$VERIFIER_SOCKET;
}

upstream hashed {
    hash $request_uri consistent;
    server 127.0.0.1:$VERIFIER_PORT;
    server unix:$VERIFIER_SOCKET;
}

upstream monitoring.us-east-1.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}
EOC

default_section(config => <<'EOC');
aws_sigv4 on;

location /static/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /uri/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/base/;
}

location /question/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/base?x=;
}

location = /exact {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/other;
}

location /upstream/ {
    proxy_pass http://backend;
}

location /upstream-uri/ {
    proxy_pass http://backend/base/;
}

location /keepalive/ {
    proxy_pass http://alive;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
}

location /zone/ {
    proxy_pass http://zoned;
}

location /hash/ {
    proxy_pass http://hashed;
}

location /unix/ {
    proxy_pass http://unix:$VERIFIER_SOCKET;
}

location /unix-uri/ {
    proxy_pass http://unix:$VERIFIER_SOCKET:/base/;
}

location ~ ^/regex/(.*)$ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/base/$1$is_args$args;
}

location /address/ {
    set $ip 127.0.0.1;
    set $port $VERIFIER_PORT;
    aws_sigv4_allow_hosts 127.0.0.1;
    proxy_pass http://$ip:$port$uri;
}

location /request-uri/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT$request_uri;
}

location /name/ {
    set $name monitoring.us-east-1.amazonaws.com;
    aws_sigv4_service monitoring;
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_pass http://$name:$VERIFIER_PORT;
}

location /name-uri/ {
    set $name monitoring.us-east-1.amazonaws.com;
    aws_sigv4_service monitoring;
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_pass http://$name:$VERIFIER_PORT/base$uri$is_args$args;
}

location /name-question/ {
    set $name monitoring.us-east-1.amazonaws.com;
    aws_sigv4_service monitoring;
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_pass http://$name:$VERIFIER_PORT?$args;
}

location /variable-scheme/ {
    set $url http://monitoring.us-east-1.amazonaws.com;
    aws_sigv4_service monitoring;
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate $TEST_CERT;
    proxy_ssl_server_name on;
    proxy_pass $url;
}

location /variable-upstream/ {
    set $name backend;
    aws_sigv4_allow_hosts backend;
    proxy_pass http://$name;
}

location /variable-unix/ {
    set $path unix:$VERIFIER_SOCKET;
    aws_sigv4_allow_hosts *;
    proxy_pass http://$path;
}

location /variable-unix-uri/ {
    set $path unix:$VERIFIER_SOCKET;
    aws_sigv4_allow_hosts *;
    proxy_pass http://$path:/base$uri;
}

location /host-literal/ {
    aws_sigv4_service monitoring;
    proxy_set_header Host monitoring.us-east-1.amazonaws.com;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /host-variable/ {
    aws_sigv4_service monitoring;
    aws_sigv4_allow_hosts monitoring.us-east-1.amazonaws.com;
    proxy_set_header Host $http_host;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /host-proxy/ {
    proxy_set_header Host $proxy_host;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /rewrite-break/ {
    rewrite ^/rewrite-break/(.*)$ /broken/$1 break;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /rewrite-break-uri/ {
    rewrite ^/rewrite-break-uri/(.*)$ /broken/$1 break;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/base/;
}

location /rewrite-last/ {
    rewrite ^/rewrite-last/(.*)$ /static/$1 last;
}

location /rewrite-args/ {
    rewrite ^/rewrite-args/(.*)$ /static/$1?new=1 last;
}

location /if-pass/ {
    proxy_pass http://127.0.0.1:$CLOSED_PORT;

    if ($request_uri ~ if) {
        proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    }
}

location /if-inherit/ {
    if ($request_method) {
        set $nothing 1;
    }

    if ($request_uri ~ if) {
        set $nothing 2;
    }

    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /if-scope/ {
    if ($request_uri ~ if) {
        aws_sigv4_service aps;
    }

    proxy_pass http://127.0.0.1:$VERIFIER_PORT/base/;
}

location /limit-except/ {
    limit_except GET {
        proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    }

    proxy_pass http://unix:$VERIFIER_SOCKET:;
}

location /limit-except-inherit/ {
    limit_except GET {
        allow all;
    }

    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /try-files/ {
    try_files /nothing @named;
}

location @named {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /method/ {
    proxy_method PUT;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /method-variable/ {
    set $method DELETE;
    proxy_method $method;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /set-body/ {
    proxy_set_body "text of $request_method";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /set-body-again/ {
    proxy_set_body $request_body;
    client_body_buffer_size 128k;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /no-body/ {
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /no-headers/ {
    proxy_pass_request_headers off;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /single-buffer/ {
    client_body_buffer_size 128k;
    client_body_in_single_buffer on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /file-only/ {
    client_body_in_file_only clean;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /memory/ {
    client_body_buffer_size 128k;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /bind/ {
    proxy_bind 127.0.0.1;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /unbuffered/ {
    proxy_request_buffering off;
    proxy_http_version 1.1;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /https/ {
    proxy_pass https://127.0.0.1:$VERIFIER_TLS_PORT;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate $TEST_CERT;
    proxy_ssl_name localhost;
    proxy_ssl_server_name on;
}

location /https-variable/ {
    set $name monitoring.us-east-1.amazonaws.com;
    aws_sigv4_service monitoring;
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_pass https://$name:$VERIFIER_TLS_PORT;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate $TEST_CERT;
    proxy_ssl_server_name on;
}

location /https-wrong/ {
    proxy_pass https://127.0.0.1:$VERIFIER_TLS_PORT;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate $TEST_CERT;
    proxy_ssl_name wrong.example.org;
    proxy_ssl_server_name on;
}
EOC

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

run_tests();

__DATA__

=== an address
--- requests eval
main::both('/static/a%2Fb/c?z=1&a=2')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /static/a%2Fb/c?z=1&a=2', 'POST /static/a%2Fb/c?z=1&a=2']
--- upstream_body eval
['', $main::body]



=== an address with a URI replaces that of the location
--- requests eval
main::both('/uri/a%20b/c?z=1&a=2')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /base/a%20b/c?z=1&a=2', 'POST /base/a%20b/c?z=1&a=2']
--- upstream_body eval
['', $main::body]



=== a URI with a question mark
--- requests eval
main::both('/question/b')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /base?x=b', 'POST /base?x=b']



=== the URI of an exact location
--- requests eval
main::both('/exact?a=%2f')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /other?a=%2f', 'POST /other?a=%2f']



=== an upstream block
--- requests eval
main::both('/upstream/a?b')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header: host: backend
--- upstream_request eval
['GET /upstream/a?b', 'POST /upstream/a?b']



=== an upstream block with a URI
--- requests eval
main::both('/upstream-uri/a?b')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /base/a?b', 'POST /base/a?b']



=== connections that are kept alive
--- requests eval
[map { @{ main::both('/keepalive/a') } } 1 .. 3]
--- upstream_verdict: ok
--- upstream_count: 6
--- upstream_record eval
[map { "request: $_" } 1 .. 6]
--- upstream_header: ! connection



=== a zone with least_conn
--- requests eval
[map { @{ main::both('/zone/a') } } 1 .. 2]
--- upstream_verdict: ok
--- upstream_count: 4



=== a hash
--- requests eval
[map { @{ main::both("/hash/$_") } } 1 .. 3]
--- upstream_verdict: ok
--- upstream_count: 6



=== a socket in the file system
--- requests eval
main::both('/unix/a?b')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header: host: localhost
--- upstream_request eval
['GET /unix/a?b', 'POST /unix/a?b']



=== a socket in the file system, with a URI
--- requests eval
main::both('/unix-uri/a?b')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /base/a?b', 'POST /base/a?b']



=== a regular expression and its capture
--- requests eval
main::both('/regex/a/b?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /base/a/b?c=1', 'POST /base/a/b?c=1']



=== a decoded capture is encoded again
--- requests eval
main::both('/regex/a%20b/%C3%A9?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /base/a%20b/%C3%A9?c=1', 'POST /base/a%20b/%C3%A9?c=1']



=== an address and a port from variables
--- requests eval
main::both('/address/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /address/a', 'POST /address/a']



=== an address and $request_uri
--- requests eval
main::both('/request-uri/a%2Fb//c?d')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /request-uri/a%2Fb//c?d', 'POST /request-uri/a%2Fb//c?d']



=== a name for the resolver
--- requests eval
main::both('/name/a%2Fb?c')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header
host: monitoring.us-east-1.amazonaws.com:$VERIFIER_PORT
--- upstream_request eval
['GET /name/a%2Fb?c', 'POST /name/a%2Fb?c']



=== a name for the resolver, with a URI
--- requests eval
main::both('/name-uri/a?c')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /base/name-uri/a?c', 'POST /base/name-uri/a?c']



=== a name for the resolver, with a query alone
--- requests eval
main::both('/name-question/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /?c=1', 'POST /?c=1']



=== a whole URL in a variable
--- requests eval
main::both('/variable-scheme/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header: host: monitoring.us-east-1.amazonaws.com
--- upstream_request eval
['GET /variable-scheme/a?c=1', 'POST /variable-scheme/a?c=1']



=== a variable that names an upstream
--- requests eval
main::both('/variable-upstream/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header: host: backend



=== a socket in a variable
--- requests eval
main::both('/variable-unix/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header: host: localhost
--- upstream_request eval
['GET /variable-unix/a?c=1', 'POST /variable-unix/a?c=1']



=== a socket in a variable, with a URI
--- requests eval
main::both('/variable-unix-uri/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /base/variable-unix-uri/a', 'POST /base/variable-unix-uri/a']



=== a Host of the configuration
--- requests eval
main::both('/host-literal/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header: host: monitoring.us-east-1.amazonaws.com



=== the Host of the client
--- requests eval
main::both('/host-variable/a', "Host: monitoring.us-east-1.amazonaws.com\n")
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header: host: monitoring.us-east-1.amazonaws.com



=== the Host that is the default
--- requests eval
main::both('/host-proxy/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header: host: 127.0.0.1:$VERIFIER_PORT



=== rewrite with break
--- requests eval
main::both('/rewrite-break/a%20b?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /broken/a%20b?c=1', 'POST /broken/a%20b?c=1']



=== rewrite with break, and a URI of proxy_pass
--- requests eval
main::both('/rewrite-break-uri/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /broken/a?c=1', 'POST /broken/a?c=1']



=== rewrite with last
--- requests eval
main::both('/rewrite-last/a%20b?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /static/a%20b?c=1', 'POST /static/a%20b?c=1']



=== rewrite adds to the query
--- requests eval
main::both('/rewrite-args/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /static/a?new=1&c=1', 'POST /static/a?new=1&c=1']



=== a proxy_pass of "if"
--- requests eval
main::both('/if-pass/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /if-pass/a?c=1', 'POST /if-pass/a?c=1']



=== a proxy_pass that "if" inherits
--- requests eval
main::both('/if-inherit/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /if-inherit/a?c=1', 'POST /if-inherit/a?c=1']



=== a service in "if", and the URI of the location
--- requests eval
main::both('/if-scope/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_record: service: aps
--- upstream_request eval
['GET /base/a?c=1', 'POST /base/a?c=1']



=== a proxy_pass of limit_except
--- requests eval
main::both('/limit-except/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header eval
['host: localhost', 'host ~ ^127.0.0.1:\d+$']



=== a proxy_pass that limit_except inherits
--- requests eval
main::both('/limit-except-inherit/a?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
["GET /limit-except-inherit/a?c=1", "POST /limit-except-inherit/a?c=1"]



=== try_files and a named location
--- requests eval
main::both('/try-files/a%2Fb?c=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /try-files/a%2Fb?c=1', 'POST /try-files/a%2Fb?c=1']



=== another method
--- requests eval
main::both('/method/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request: PUT /method/a



=== a method from a variable
--- requests eval
main::both('/method-variable/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request: DELETE /method-variable/a



=== another body
--- requests eval
main::both('/set-body/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
['text of GET', 'text of POST']
--- access: $aws_sigv4_status=resigned



=== the same body again
--- requests eval
main::both('/set-body-again/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
['', $main::body]
--- access: $aws_sigv4_status=signed



=== no body
--- requests eval
main::both('/no-body/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
['', '']
--- access eval
['$aws_sigv4_status=signed', '$aws_sigv4_status=resigned']



=== no headers of the client
--- requests eval
main::both('/no-headers/a', "X-Amz-Target: a\n")
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header
! content-type
! x-amz-target
--- access: $aws_sigv4_status=resigned



=== a body in a single buffer
--- requests eval
main::both('/single-buffer/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
['', $main::body]



=== a body in a file only
--- requests eval
main::both('/file-only/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
['', $main::body]



=== a body in memory
--- requests eval
main::both('/memory/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
['', $main::body]



=== proxy_bind
--- requests eval
main::both('/bind/a')
--- upstream_verdict: ok
--- upstream_count: 2



=== proxy_request_buffering off
--- requests eval
main::both('/unbuffered/a')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
['', $main::body]



=== proxy_request_buffering off, and a body in chunks
--- request
POST /unbuffered/a
--- more_headers
Transfer-Encoding: chunked
--- body eval
$main::body
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_body eval
$main::body



=== TLS, with a certificate that is verified
--- requests eval
main::both('/https/a?b=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_record eval
"tls: 1\n"



=== TLS to a name for the resolver
--- requests eval
main::both('/https-variable/a?b=1')
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_record eval
"tls: 1\n"



=== a wrong certificate is refused
--- requests eval
main::both('/https-wrong/a?b=1')
--- status: 502
--- upstream_count: 0
--- error_log: upstream SSL certificate does not match "wrong.example.org"



=== HTTP/2 from the client: a GET
--- http2
--- request
GET /uri/a?b=1
--- upstream_verdict: ok
--- upstream_count: 1
--- access
$server_protocol=HTTP/2.0
$aws_sigv4_status=signed



=== HTTP/2 from the client: a body
--- http2
--- request
POST /static/a?b=1
--- body eval
$main::body
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_body eval
$main::body
--- access
$server_protocol=HTTP/2.0
$aws_sigv4_status=signed



=== HTTP/2 from the client: a name for the resolver
--- http2
--- request
POST /https-variable/a?b=1
--- body eval
$main::body
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_body eval
$main::body
--- access
$server_protocol=HTTP/2.0
$aws_sigv4_status=signed



=== slashes are sent as they came, where nginx merges them for itself
--- config
merge_slashes on;
aws_sigv4 on;
location /a/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /uri/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/base/;
}
--- requests eval
['GET /a//b///c//?x', 'GET /a/./b/../c', 'GET /uri//b///c//?x']
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_request eval
['GET /a//b///c//?x', 'GET /a/./b/../c', 'GET /base/b/c/?x']



=== slashes are sent as they came, where nginx keeps them
--- config
merge_slashes off;
aws_sigv4 on;
location /a/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /uri/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/base/;
}
--- requests eval
['GET /a//b///c//?x', 'GET /uri//b///c//?x']
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request eval
['GET /a//b///c//?x', 'GET /base//b///c//?x']



=== slashes and dots are a part of keys of S3
--- config
merge_slashes on;
aws_sigv4 on;
location / {
    aws_sigv4_service s3;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- requests eval
['GET /a//b///c//?x', 'GET /a/./b/../c']
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_record: service: s3
--- upstream_request eval
['GET /a//b///c//?x', 'GET /a/./b/../c']



=== two if blocks, the second without proxy_pass
--- config
location /stacked/ {
    aws_sigv4 on;
    if ($arg_a) {
        proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    }
    if ($arg_b) {
        set $x 1;
    }
}
--- request
GET /stacked/?a=1&b=1
--- status: 500
--- upstream_count: 0
--- access: $aws_sigv4_status=not_sealed
--- error_log: matches an "if" block with "proxy_pass" and a later one
