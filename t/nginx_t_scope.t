# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# nginx -t: hosts of AWS, and a scope or a certificate that is not theirs.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key_file=$TEST_DIR/secret;
proxy_ssl_verify on;
proxy_ssl_server_name on;
proxy_ssl_trusted_certificate $TEST_CERT;
upstream bedrock {
    server 127.0.0.1:9;
}
upstream sqs.us-east-1.amazonaws.com {
    server 127.0.0.1:9;
}
EOC

default_section(files => <<'EOC');
>>> secret 0600
$TEST_SECRET
EOC

run_tests();

__DATA__

=== a region that is not that of the host
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_region eu-west-1;
    proxy_set_header Host sqs.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
[warn]
"aws_sigv4_region eu-west-1" is not the region of "sqs.us-east-1.amazonaws.com", remove it, or write "aws_sigv4_region us-east-1;" for the "proxy_pass" in server.conf:5



=== a region that the host of an "if" has not
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_host sqs.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
    if ($arg_r) {
        aws_sigv4_region eu-west-1;
    }
}
--- warns
"aws_sigv4_region eu-west-1" is not the region of "sqs.us-east-1.amazonaws.com"



=== regions that the host does not tell, or that are not known
--- config
aws_sigv4 on;
location /same/ {
    aws_sigv4_region us-east-1;
    aws_sigv4_host sqs.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
location /bucket/ {
    aws_sigv4_region eu-west-1;
    aws_sigv4_host my-bucket.s3.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
location /accelerate/ {
    aws_sigv4_region eu-west-1;
    aws_sigv4_host my-bucket.s3-accelerate.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
location /variable/ {
    aws_sigv4_region $arg_r;
    aws_sigv4_host sqs.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
location /empty/ {
    aws_sigv4_region "";
    aws_sigv4_host sqs.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
location /hook/ {
    aws_sigv4_region eu-west-1;
    aws_sigv4_host sqs.us-east-1.amazonaws.com;
    aws_sigv4_by_lua_block { sigv4.region = "us-east-1" }
    proxy_pass https://127.0.0.1:8000;
}
location /balancer/ {
    aws_sigv4_region eu-west-1;
    aws_sigv4_host my-1234.elb.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]



=== the name of an endpoint instead of that of the service
--- config
aws_sigv4 on;
proxy_buffering off;
location /bedrock/ {
    aws_sigv4_service bedrock-runtime;
    aws_sigv4_host bedrock-runtime.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
location /aps/ {
    aws_sigv4_service aps-workspaces;
    aws_sigv4_host aps-workspaces.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
"aws_sigv4_service bedrock-runtime" is not what "bedrock-runtime.us-east-1.amazonaws.com" is signed for, remove it, or write "aws_sigv4_service bedrock;" for the "proxy_pass" in server.conf:6
"aws_sigv4_service aps-workspaces" is not what "aps-workspaces.us-east-1.amazonaws.com" is signed for, remove it, or write "aws_sigv4_service aps;" for the "proxy_pass" in server.conf:11



=== names of services that may be known better
--- config
aws_sigv4 on;
proxy_buffering off;
location /same/ {
    aws_sigv4_service bedrock;
    aws_sigv4_host bedrock-runtime.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
location /new/ {
    aws_sigv4_service new;
    aws_sigv4_host new-runtime.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
location /bucket/ {
    aws_sigv4_service s3-object-lambda;
    aws_sigv4_host my-bucket.s3.us-east-1.amazonaws.com;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]



=== a service and a region that are swapped, and other mistakes
--- config
aws_sigv4 on;
location /swapped/ {
    aws_sigv4_service us-gov-west-1;
    aws_sigv4_region s3;
    proxy_pass https://127.0.0.1:8000;
}
location /host/ {
    aws_sigv4_service s3.us-east-1.amazonaws.com;
    aws_sigv4_region us-east-1;
    proxy_pass https://127.0.0.1:8000;
}
location /zone/ {
    aws_sigv4_service s3;
    aws_sigv4_region eu-central-1b;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
"aws_sigv4_service us-gov-west-1" is not the name of a service, write one as "s3" or "es" for the "proxy_pass" in server.conf:5
"aws_sigv4_service s3.us-east-1.amazonaws.com" is not the name of a service, write one as "s3" or "es" for the "proxy_pass" in server.conf:10
"aws_sigv4_region eu-central-1b" is an availability zone, write "aws_sigv4_region eu-central-1;" for the "proxy_pass" in server.conf:15



=== names that look a little like others
--- config
aws_sigv4 on;
location /a/ {
    aws_sigv4_service resource-explorer-2;
    aws_sigv4_region default;
    proxy_pass https://127.0.0.1:8000;
}
location /b/ {
    aws_sigv4_service s3;
    aws_sigv4_region us-east-1-store;
    proxy_pass https://127.0.0.1:8000;
}
location /c/ {
    aws_sigv4_service us-east-;
    aws_sigv4_region eusc-de-east-1;
    proxy_pass https://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]



=== no region
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service s3;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- warns
[warn]
there is no region to sign for: the host does not tell one, nor does provider "default", and AWS_REGION is not set, write "aws_sigv4_region" for the "proxy_pass" in server.conf:4
--- request
GET /
--- status: 500
--- access: $aws_sigv4_status=no_region
--- error_log: no region can be inferred



=== regions that come from elsewhere
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key_file=$TEST_DIR/secret;
aws_sigv4_provider asked container endpoint=http://127.0.0.1:9/;
--- config
aws_sigv4 on;
aws_sigv4_service s3;
location /asked/ {
    aws_sigv4_credentials asked;
    proxy_pass http://127.0.0.1:8000;
}
location /chosen/ {
    aws_sigv4_credentials $arg_c;
    proxy_pass http://127.0.0.1:8000;
}
location /hook/ {
    aws_sigv4_by_lua_block { sigv4.region = "us-east-1" }
    proxy_pass http://127.0.0.1:8000;
}
location /host/ {
    aws_sigv4_host s3.us-east-1.amazonaws.com;
    proxy_pass http://127.0.0.1:8000;
}
location /variable/ {
    aws_sigv4_host $host;
    aws_sigv4_allow_hosts *;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]



=== a region of the environment
--- env
AWS_REGION=us-east-1
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service s3;
    proxy_pass http://127.0.0.1:8000;
}
--- warns
test is successful
--- no_warns
[warn]



=== a certificate that cannot be one of the upstream
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_host sqs.us-east-1.amazonaws.com;
    proxy_pass https://bedrock;
}
--- warns
[warn]
the certificate would have to be one of "bedrock", which is the name of an "upstream", write "proxy_ssl_name sqs.us-east-1.amazonaws.com;" for the "proxy_pass" in server.conf:4



=== certificates that can
--- config
aws_sigv4 on;
aws_sigv4_host sqs.us-east-1.amazonaws.com;
location /name/ {
    proxy_ssl_name sqs.us-east-1.amazonaws.com;
    proxy_pass https://bedrock;
}
location /upstream/ {
    proxy_pass https://sqs.us-east-1.amazonaws.com;
}
location /local/ {
    proxy_pass https://localhost;
}
location /other/ {
    aws_sigv4_host s3.example.com;
    aws_sigv4_service s3;
    aws_sigv4_region us-east-1;
    proxy_pass https://bedrock;
}
--- warns
test is successful
--- no_warns
[warn]
