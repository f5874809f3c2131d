# SPDX-License-Identifier: BSD-2-Clause

# Region and service: written, from variables, inferred from the host, or
# those of the credentials.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider regional profile name=frankfurt
    credentials_file=$TEST_DIR/credentials config_file=$TEST_DIR/config;

upstream monitoring.us-east-1.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}

upstream bedrock-runtime.eu-west-1.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}

upstream iam.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}

upstream bucket.s3.dualstack.eu-central-1.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}

upstream abc.execute-api.ap-south-1.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}

map $arg_x $odd {
    slash    "a/b";
    break    "a\nb";
    return   "a\rb";
    space    "a b";
    default  $arg_x;
}
EOC

default_section(files => <<'EOC');
>>> credentials 0644
[frankfurt]
aws_access_key_id = $TEST_OTHER_AKID
aws_secret_access_key = $TEST_OTHER_SECRET
>>> config 0644
[profile frankfurt]
region = eu-central-1
EOC

default_section(config => <<'EOC');
aws_sigv4 on;

location /monitoring/ {
    proxy_pass http://monitoring.us-east-1.amazonaws.com;
}

location /bedrock/ {
    proxy_pass http://bedrock-runtime.eu-west-1.amazonaws.com;
}

location /iam/ {
    proxy_pass http://iam.amazonaws.com;
}

location /s3/ {
    proxy_pass http://bucket.s3.dualstack.eu-central-1.amazonaws.com;
}

location /api/ {
    proxy_pass http://abc.execute-api.ap-south-1.amazonaws.com;
}

location /explicit/ {
    aws_sigv4_service aps;
    aws_sigv4_region sa-east-1;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /explicit-region/ {
    aws_sigv4_region eu-west-3;
    aws_sigv4_host monitoring.eu-west-3.amazonaws.com;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /explicit-service/ {
    aws_sigv4_service monitoring;
    proxy_pass http://monitoring.us-east-1.amazonaws.com;
}

location /provider-region/ {
    aws_sigv4_credentials regional;
    aws_sigv4_service aps;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /host-before-provider/ {
    aws_sigv4_credentials regional;
    proxy_pass http://monitoring.us-east-1.amazonaws.com;
}

location /no-region/ {
    aws_sigv4_service aps;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /variables/ {
    aws_sigv4_service $arg_service;
    aws_sigv4_region $arg_region;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /variables-known/ {
    aws_sigv4_service $arg_service;
    aws_sigv4_region $arg_region;
    proxy_pass http://monitoring.us-east-1.amazonaws.com;
}

location /odd-service/ {
    aws_sigv4_service $odd;
    aws_sigv4_region us-east-1;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /odd-region/ {
    aws_sigv4_service aps;
    aws_sigv4_region $odd;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /client-host/ {
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_set_header Host $http_host;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /client-host-explicit/ {
    aws_sigv4_allow_hosts *.amazonaws.com;
    aws_sigv4_service es;
    aws_sigv4_region us-east-1;
    proxy_set_header Host $http_host;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /hook/ {
    aws_sigv4_by_lua_block {
        sigv4.region = "eu-north-1"
        sigv4.service = "aps"
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /hook-nothing/ {
    aws_sigv4_by_lua_block { local nothing }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

run_tests();

__DATA__

=== inferred from the host
--- requests eval
[map { "GET /$_/" } qw(monitoring bedrock iam s3 api)]
--- upstream_verdict: ok
--- upstream_count: 5
--- upstream_record eval
["service: monitoring\nregion: us-east-1", "service: bedrock\nregion: eu-west-1",
 "service: iam\nregion: us-east-1", "service: s3\nregion: eu-central-1",
 "service: execute-api\nregion: ap-south-1"]
--- access eval
['$aws_sigv4_service=monitoring
$aws_sigv4_region=us-east-1', '$aws_sigv4_service=bedrock', '$aws_sigv4_service=iam',
'$aws_sigv4_service=s3', '$aws_sigv4_service=execute-api']



=== written
--- requests eval
[map { "GET /explicit$_/" } '', '-region', '-service']
--- upstream_verdict: ok
--- upstream_record eval
["service: aps\nregion: sa-east-1", "service: monitoring\nregion: eu-west-3",
 "service: monitoring\nregion: us-east-1"]



=== the region of a profile
--- request
GET /provider-region/
--- upstream_verdict: ok
--- upstream_record
region: eu-central-1
access_key_id: $TEST_OTHER_AKID



=== the region of the host comes before that of a profile
--- request
GET /host-before-provider/
--- upstream_verdict: ok
--- upstream_record
region: us-east-1
access_key_id: $TEST_OTHER_AKID



=== the region of the environment
--- env
AWS_REGION=ca-central-1
--- request
GET /no-region/
--- upstream_verdict: ok
--- upstream_record: region: ca-central-1



=== no region at all
--- request
GET /no-region/
--- status: 500
--- upstream_count: 0
--- error_log eval
qr/no region can be inferred from host "127.0.0.1:\d+" and the credentials have none, set "aws_sigv4_region"/
--- access: $aws_sigv4_status=no_region



=== from variables
--- requests eval
['GET /variables/?service=aps&region=eu-west-1',
 'GET /variables/?service=es&region=us-west-2',
 'GET /variables/?service=s3&region=us-east-2']
--- upstream_verdict: ok
--- upstream_record eval
["service: aps\nregion: eu-west-1", "service: es\nregion: us-west-2",
 "service: s3\nregion: us-east-2"]



=== empty variables leave it to the host
--- requests eval
['GET /variables-known/', 'GET /variables-known/?service=monitoring',
 'GET /variables-known/?region=us-east-1']
--- upstream_verdict: ok
--- upstream_record
service: monitoring
region: us-east-1



=== empty variables, and a host that tells nothing
--- request
GET /variables/
--- status: 500
--- upstream_count: 0
--- error_log eval
qr/no service can be inferred from host "127.0.0.1:\d+", set "aws_sigv4_service"/
--- access: $aws_sigv4_status=no_service



=== a slash in a service
--- request
GET /odd-service/?x=slash
--- status: 500
--- upstream_count: 0
--- error_log: service "a/b", region "us-east-1"
--- access: $aws_sigv4_status=bad_scope



=== a space in a service
--- request
GET /odd-service/?x=space
--- status: 500
--- upstream_count: 0
--- error_log: service "a b", region "us-east-1"
--- access: $aws_sigv4_status=bad_scope



=== a line break in a service
--- request
GET /odd-service/?x=break
--- status: 500
--- upstream_count: 0
--- error_log eval
[qr/cannot sign for host/, qr/b", region "us-east-1"/]
--- access: $aws_sigv4_status=bad_scope



=== a slash in a region
--- request
GET /odd-region/?x=slash
--- status: 500
--- upstream_count: 0
--- error_log: service "aps", region "a/b"
--- access: $aws_sigv4_status=bad_scope



=== a carriage return in a region
--- request
GET /odd-region/?x=return
--- status: 500
--- upstream_count: 0
--- error_log: cannot sign for host
--- access: $aws_sigv4_status=bad_scope



=== full patterns of hosts that a client chooses
--- requests eval
[map { +{ method => 'GET', target => '/client-host/',
          headers => "Host: $_\n" } }
 'monitoring.us-east-1.amazonaws.com', 's3.eu-west-1.amazonaws.com',
 'bedrock-runtime.us-gov-west-1.amazonaws.com',
 'bucket.s3.us-west-2.amazonaws.com']
--- upstream_verdict: ok
--- upstream_record eval
["service: monitoring\nregion: us-east-1", "service: s3\nregion: eu-west-1",
 "service: bedrock\nregion: us-gov-west-1", "service: s3\nregion: us-west-2"]



=== a host that a client chooses and that is anyone's
--- request
GET /client-host/
--- more_headers
Host: x.elb.us-east-1.amazonaws.com
--- status: 500
--- upstream_count: 0
--- error_log: no service can be inferred from host "x.elb.us-east-1.amazonaws.com" that the request has chosen, set "aws_sigv4_service"
--- access: $aws_sigv4_status=no_service



=== a host that a client chooses and that takes Signature Version 4A
--- request
GET /client-host/
--- more_headers
Host: m.accesspoint.s3-global.amazonaws.com
--- status: 500
--- upstream_count: 0
--- error_log: no service can be inferred from host "m.accesspoint.s3-global.amazonaws.com" that the request has chosen
--- access: $aws_sigv4_status=no_service



=== the scope is written, the host the client's
--- request
GET /client-host-explicit/
--- more_headers
Host: search-x.us-east-1.es.amazonaws.com
--- upstream_verdict: ok
--- upstream_record: service: es



=== the hook chooses
--- request
GET /hook/
--- upstream_verdict: ok
--- upstream_record
service: aps
region: eu-north-1



=== the hook chooses nothing
--- request
GET /hook-nothing/
--- status: 500
--- upstream_count: 0
--- error_log: no service can be inferred from host
--- access: $aws_sigv4_status=no_service



=== an unknown host in the configuration
--- config
location / {
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:8000;
}
--- must_die
no service can be inferred from host "127.0.0.1:8000", set "aws_sigv4_service" and "aws_sigv4_region", or "aws_sigv4_host", for the "proxy_pass" in server.conf:3



=== an unknown host in the configuration, with a region
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_region us-east-1;
    proxy_pass http://127.0.0.1:8000;
}
--- must_die
no service can be inferred from host "127.0.0.1:8000", set "aws_sigv4_service" and "aws_sigv4_region", or "aws_sigv4_host", for the "proxy_pass" in server.conf:4



=== a host that takes Signature Version 4A in the configuration
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_host m.accesspoint.s3-global.amazonaws.com;
    proxy_pass http://127.0.0.1:8000;
}
--- must_die
host "m.accesspoint.s3-global.amazonaws.com" takes Signature Version 4A only, which is not supported, name another host in the "proxy_pass" in server.conf:4
