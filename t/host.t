# SPDX-License-Identifier: BSD-2-Clause

# The Host that is sent is the one that is signed, wherever it comes from.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;

upstream localhost {
    server 127.0.0.1:$VERIFIER_TLS_PORT;
}

upstream backend {
    server 127.0.0.1:$VERIFIER_PORT;
}

map $arg_h $chosen {
    default  $arg_h;
    aps      aps-workspaces.eu-west-1.amazonaws.com;
    spaces   "a b";
    header   "a\r\nX-Amz-Meta-A: b";
    slash    a/b;
    user     me@monitoring.us-east-1.amazonaws.com;
}
EOC

default_section(config => <<'EOC');
aws_sigv4 on;

location /chosen/ {
    aws_sigv4_host monitoring.us-east-1.amazonaws.com;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /chosen-port/ {
    aws_sigv4_host monitoring.us-east-1.amazonaws.com:8443;
    proxy_pass http://backend;
}

location /chosen-case/ {
    aws_sigv4_host Monitoring.US-East-1.AmazonAWS.com;
    proxy_pass http://backend;
}

location /chosen-dot/ {
    aws_sigv4_host monitoring.us-east-1.amazonaws.com.;
    proxy_pass http://backend;
}

location /chosen-variable/ {
    aws_sigv4_host $chosen;
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_pass http://backend;
}

location /chosen-over-header/ {
    aws_sigv4_host monitoring.us-east-1.amazonaws.com;
    proxy_set_header Host other.example.org;
    proxy_pass http://backend;
}

location /chosen-tls/ {
    aws_sigv4_host vpce-1.monitoring.eu-west-1.vpce.amazonaws.com;
    proxy_pass https://localhost;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate $TEST_CERT;
    proxy_ssl_server_name on;
}

location /header/ {
    proxy_set_header Host monitoring.us-east-1.amazonaws.com;
    proxy_pass http://backend;
}

location /header-port/ {
    proxy_set_header Host monitoring.us-east-1.amazonaws.com:8443;
    proxy_pass http://backend;
}

location /header-client/ {
    proxy_set_header Host $http_host;
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_pass http://backend;
}

location /header-client-host/ {
    proxy_set_header Host $host;
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_pass http://backend;
}

location /header-chosen/ {
    proxy_set_header Host $chosen;
    aws_sigv4_allow_hosts *;
    proxy_pass http://backend;
}

location /default/ {
    aws_sigv4_service aps;
    aws_sigv4_region us-east-1;
    proxy_pass http://backend;
}

location /default-port/ {
    aws_sigv4_service aps;
    aws_sigv4_region us-east-1;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location ~ ^/split/([\s\S]*)$ {
    aws_sigv4_service aps;
    aws_sigv4_region us-east-1;
    proxy_set_header X-Other $1;
    proxy_set_body body;
    proxy_pass http://backend;
}
EOC

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

run_tests();

__DATA__

=== a host that is chosen is sent, signed and tells the scope
--- requests eval
['GET /chosen/', { method => 'POST', target => '/chosen/', body => 'x' }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header: host: monitoring.us-east-1.amazonaws.com
--- upstream_record
service: monitoring
region: us-east-1
--- access
$aws_sigv4_status=signed
$aws_sigv4_host=monitoring.us-east-1.amazonaws.com



=== a host with a port
--- request
GET /chosen-port/
--- upstream_verdict: ok
--- upstream_header: host: monitoring.us-east-1.amazonaws.com:8443
--- upstream_record: service: monitoring



=== a host in upper case
--- request
GET /chosen-case/
--- upstream_verdict: ok
--- upstream_header: host: Monitoring.US-East-1.AmazonAWS.com
--- upstream_record
service: monitoring
region: us-east-1



=== a host with a trailing dot
--- request
GET /chosen-dot/
--- upstream_verdict: ok
--- upstream_header: host: monitoring.us-east-1.amazonaws.com.
--- upstream_record: service: monitoring



=== a host from a variable
--- requests eval
['GET /chosen-variable/?h=monitoring.us-east-1.amazonaws.com',
 'GET /chosen-variable/?h=aps']
--- upstream_verdict: ok
--- upstream_header eval
['host: monitoring.us-east-1.amazonaws.com',
 'host: aps-workspaces.eu-west-1.amazonaws.com']
--- upstream_record eval
["service: monitoring\nregion: us-east-1", "service: aps\nregion: eu-west-1"]



=== an empty host from a variable
--- request
GET /chosen-variable/
--- status: 400
--- upstream_count: 0
--- error_log: "" is no host to sign for, look at aws_sigv4_host, proxy_set_header Host and proxy_pass
--- access: $aws_sigv4_status=bad_host



=== a host that is chosen wins over proxy_set_header
--- request
GET /chosen-over-header/
--- upstream_verdict: ok
--- upstream_header: host: monitoring.us-east-1.amazonaws.com



=== a host that is chosen changes neither the certificate nor the address
--- request
GET /chosen-tls/
--- upstream_verdict: ok
--- upstream_header: host: vpce-1.monitoring.eu-west-1.vpce.amazonaws.com
--- upstream_record
tls: 1
region: eu-west-1



=== the Host of proxy_set_header
--- requests eval
['GET /header/', 'GET /header-port/']
--- upstream_verdict: ok
--- upstream_record: service: monitoring
--- upstream_header eval
['host: monitoring.us-east-1.amazonaws.com',
 'host: monitoring.us-east-1.amazonaws.com:8443']



=== the Host of the client, as it was sent
--- request
GET /header-client/
--- more_headers
Host: Monitoring.us-east-1.amazonaws.com:8080
--- upstream_verdict: ok
--- upstream_header: host: Monitoring.us-east-1.amazonaws.com:8080



=== the Host of the client, as nginx understands it
--- request
GET /header-client-host/
--- more_headers
Host: Monitoring.us-east-1.amazonaws.com:8080
--- upstream_verdict: ok
--- upstream_header: host: monitoring.us-east-1.amazonaws.com



=== the authority of an absolute target
--- raw_request eval
"GET http://monitoring.us-east-1.amazonaws.com/header-client-host/ HTTP/1.1\r\n"
. "Host: other.example.org\r\nConnection: close\r\n\r\n"
--- upstream_verdict: ok
--- upstream_header: host: monitoring.us-east-1.amazonaws.com



=== the Host of a client that sends none
--- raw_request eval
"GET /header-client/ HTTP/1.0\r\n\r\n"
--- status: 400
--- upstream_count: 0
--- error_log: "" is no host to sign for
--- access: $aws_sigv4_status=bad_host



=== two Hosts of a client
--- raw_request eval
"GET /header-client/ HTTP/1.1\r\nHost: monitoring.us-east-1.amazonaws.com\r\n"
. "Host: monitoring.us-east-1.amazonaws.com\r\nConnection: close\r\n\r\n"
--- status: 400
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== an empty Host in the configuration
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    aws_sigv4_region us-east-1;
    proxy_set_header Host "";
    proxy_pass http://127.0.0.1:8000;
}
--- must_die
"" is no host to sign for, look at "aws_sigv4_host" and "proxy_set_header Host" for the "proxy_pass" in server.conf:6



=== a space in a host
--- request
GET /header-chosen/?h=spaces
--- status: 400
--- upstream_count: 0
--- error_log: "a b" is no host to sign for
--- access: $aws_sigv4_status=bad_host



=== a slash in a host
--- request
GET /header-chosen/?h=slash
--- status: 400
--- upstream_count: 0
--- error_log: "a/b" is no host to sign for
--- access: $aws_sigv4_status=bad_host



=== a user in a host
--- request
GET /header-chosen/?h=user
--- status: 400
--- upstream_count: 0
--- error_log: is no host to sign for
--- access: $aws_sigv4_status=bad_host



=== an escape in a host
--- request
GET /header-chosen/?h=monitoring%2eus-east-1.amazonaws.com
--- status: 400
--- upstream_count: 0
--- error_log: is no host to sign for
--- access: $aws_sigv4_status=bad_host



=== a line break in a host
--- request
GET /header-chosen/?h=header
--- status: 400
--- upstream_count: 0
--- error_log eval
qr/aws sigv4: "a\?\?[^\n]*" is no host to sign for/
--- access: $aws_sigv4_status=bad_host



=== the default is what nginx sends
--- requests eval
['GET /default/', 'GET /default-port/']
--- upstream_verdict: ok
--- upstream_header eval
['host: backend', 'host: 127.0.0.1:' . '$VERIFIER_PORT']



=== a Host that comes from nowhere is not signed for
--- request
GET /split/a%0d%0aHost:%20s3.us-east-1.amazonaws.com%0d%0a%0d%0a
--- status: 500
--- upstream_count: 0
--- error_log: host "s3.us-east-1.amazonaws.com" was chosen by the request and is not signed for
--- access: $aws_sigv4_status=host_not_allowed
