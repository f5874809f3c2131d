# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Each type of provider signs with the keys that it was given, and the
# region that goes with it.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(env => 'HOME=$TEST_DIR');

default_section(config => <<'EOC');
location / {
    aws_sigv4              on;
    aws_sigv4_service      execute-api;
    aws_sigv4_credentials  p;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
}
EOC

# the region is the provider's, so one must come from somewhere

our $env = "HOME=\$TEST_DIR\nAWS_REGION=ap-south-1\n";

run_tests();

__DATA__

=== static: keys as they stand in the configuration
--- env eval: $main::env
--- http_config
aws_sigv4_provider p static access_key_id=$TEST_AKID
    secret_access_key=$TEST_SECRET;
--- request: GET /
--- upstream_verdict: ok
--- upstream_record
access_key_id: AKIDEXAMPLE
region: ap-south-1



=== static: with a session token
--- env eval: $main::env
--- http_config
aws_sigv4_provider p static access_key_id=$TEST_TEMP_AKID
    secret_access_key=$TEST_TEMP_SECRET session_token=$TEST_TEMP_TOKEN;
--- request: GET /
--- upstream_verdict: ok
--- upstream_header: x-amz-security-token: $TEST_TEMP_TOKEN



=== static: from files, which may end with a newline or not
--- env eval: $main::env
--- http_config
aws_sigv4_provider p static access_key_id=$TEST_TEMP_AKID
    secret_access_key_file=$TEST_DIR/secret session_token_file=$TEST_DIR/token;
--- files eval
">>> secret 0600\n\$TEST_TEMP_SECRET\r\n>>> token 0600\n\$TEST_TEMP_TOKEN"
--- request: GET /
--- upstream_verdict: ok
--- upstream_header: x-amz-security-token: $TEST_TEMP_TOKEN



=== csv: the file of the AWS console
--- env eval: $main::env
--- http_config
aws_sigv4_provider p csv file=$TEST_DIR/accessKeys.csv;
--- files eval
">>> accessKeys.csv 0600\n\xef\xbb\xbfAccess key ID,Secret access key\r\n"
. "\$TEST_AKID,\$TEST_SECRET\r\n"
--- request: GET /
--- upstream_verdict: ok
--- upstream_record: access_key_id: AKIDEXAMPLE



=== a path is relative to the directory of the configuration
--- env eval: $main::env
--- http_config
aws_sigv4_provider p csv file=keys.csv;
--- files
>>> conf/keys.csv 0600
Access key ID,Secret access key
$TEST_AKID,$TEST_SECRET
--- request: GET /
--- upstream_verdict: ok



=== env: the environment that nginx was started in
--- env
HOME=$TEST_DIR
AWS_DEFAULT_REGION=eu-west-3
AWS_ACCESS_KEY_ID=$TEST_AKID
AWS_SECRET_ACCESS_KEY=$TEST_SECRET
--- http_config
aws_sigv4_provider p env;
--- request: GET /
--- upstream_verdict: ok
--- upstream_record
access_key_id: AKIDEXAMPLE
region: eu-west-3
--- upstream_header: ! x-amz-security-token



=== env: with a session token, and AWS_REGION before AWS_DEFAULT_REGION
--- env
HOME=$TEST_DIR
AWS_REGION=eu-west-1
AWS_DEFAULT_REGION=eu-west-3
AWS_ACCESS_KEY_ID=$TEST_TEMP_AKID
AWS_SECRET_ACCESS_KEY=$TEST_TEMP_SECRET
AWS_SESSION_TOKEN=$TEST_TEMP_TOKEN
AWS_SECURITY_TOKEN=old
AWS_CREDENTIAL_EXPIRATION=2199-01-31T12:00:00.5+01:00
--- http_config
aws_sigv4_provider p env;
--- request: GET /
--- upstream_verdict: ok
--- upstream_record: region: eu-west-1



=== env: the token under its old name
--- env
HOME=$TEST_DIR
AWS_REGION=eu-west-1
AWS_ACCESS_KEY_ID=$TEST_TEMP_AKID
AWS_SECRET_ACCESS_KEY=$TEST_TEMP_SECRET
AWS_SESSION_TOKEN=
AWS_SECURITY_TOKEN=$TEST_TEMP_TOKEN
--- http_config
aws_sigv4_provider p env;
--- request: GET /
--- upstream_verdict: ok



=== env: a value of the "env" directive is the environment as well
--- env
HOME=$TEST_DIR
AWS_REGION=eu-west-1
AWS_ACCESS_KEY_ID=$TEST_AKID
AWS_SECRET_ACCESS_KEY=$TEST_SECRET
--- main_config
env AWS_REGION=eu-north-1;
--- http_config
aws_sigv4_provider p env;
--- request: GET /
--- upstream_verdict: ok
--- upstream_record: region: eu-north-1



=== profile: keys and region of two files
--- http_config
aws_sigv4_provider p profile name=prod;
--- files
>>> .aws/credentials 0600
[default]
aws_access_key_id = AKIDNOT
aws_secret_access_key = not
region = not

[prod]
aws_access_key_id = $TEST_AKID
aws_secret_access_key = $TEST_SECRET
>>> .aws/config 0600
[default]
region = not

[prod]
region = not

[profile prod]
s3 =
    addressing_style = path
region = eu-central-1   # Frankfurt
--- request: GET /
--- upstream_verdict: ok
--- upstream_record
access_key_id: AKIDEXAMPLE
region: eu-central-1



=== profile: of the configuration, its region comes before the environment
--- env eval: $main::env
--- http_config
aws_sigv4_provider p profile name=prod credentials_file=$TEST_DIR/c
    config_file=~/d;
--- files
>>> c 0600
[prod]
aws_access_key_id = $TEST_TEMP_AKID
aws_secret_access_key = $TEST_TEMP_SECRET
aws_session_token = $TEST_TEMP_TOKEN
>>> d 0600
[profile prod]
region = eu-central-1
--- request: GET /
--- upstream_verdict: ok
--- upstream_record: region: eu-central-1



=== profile: of the environment, its region comes after it
--- env
HOME=/nonexistent
AWS_PROFILE=prod
AWS_DEFAULT_PROFILE=not
AWS_SHARED_CREDENTIALS_FILE=$TEST_DIR/c
AWS_CONFIG_FILE=$TEST_DIR/d
AWS_REGION=ap-south-1
--- http_config
aws_sigv4_provider p profile;
--- files
>>> c 0600
[prod]
aws_access_key_id = $TEST_AKID
aws_secret_access_key = $TEST_SECRET
>>> d 0600
[profile prod]
region = eu-central-1
--- request: GET /
--- upstream_verdict: ok
--- upstream_record: region: ap-south-1



=== profile: keys in the config file, and the old name of the token
--- env
HOME=$TEST_DIR
AWS_DEFAULT_PROFILE=my prod
--- http_config
aws_sigv4_provider p profile;
--- files
>>> .aws/config 0600
[profile "my prod"]
region = eu-central-1
AWS_ACCESS_KEY_ID = $TEST_TEMP_AKID
aws_secret_access_key = $TEST_TEMP_SECRET
aws_security_token = $TEST_TEMP_TOKEN
--- request: GET /
--- upstream_verdict: ok
--- upstream_record: region: eu-central-1



=== profile: the credentials file wins over the config file
--- http_config
aws_sigv4_provider p profile;
--- files
>>> .aws/credentials 0600
[default]
aws_access_key_id = $TEST_AKID
aws_secret_access_key = $TEST_SECRET
>>> .aws/config 0600
[default]
region = eu-central-1
aws_access_key_id = AKIDNOT
aws_secret_access_key = not
aws_session_token = not
credential_process = /bin/false
--- request: GET /
--- upstream_verdict: ok
--- upstream_header: ! x-amz-security-token



=== default: the environment comes before a profile
--- env
HOME=$TEST_DIR
AWS_ACCESS_KEY_ID=$TEST_AKID
AWS_SECRET_ACCESS_KEY=$TEST_SECRET
AWS_REGION=eu-west-1
--- config
location / {
    aws_sigv4          on;
    aws_sigv4_service  execute-api;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}
--- files
>>> .aws/credentials 0600
[default]
role_arn = this is not looked at
--- request: GET /
--- upstream_verdict: ok
--- upstream_record: access_key_id: AKIDEXAMPLE



=== default: a profile where the environment has no keys
--- env
HOME=$TEST_DIR
AWS_ACCESS_KEY_ID=
--- config
location / {
    aws_sigv4          on;
    aws_sigv4_service  execute-api;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}
--- files
>>> .aws/credentials 0600
[default]
aws_access_key_id = $TEST_AKID
aws_secret_access_key = $TEST_SECRET
>>> .aws/config 0600
[default]
region = eu-central-1
--- request: GET /
--- upstream_verdict: ok
--- upstream_record: region: eu-central-1



=== default: keys of the environment, with the region of the config file
--- env
HOME=$TEST_DIR
AWS_ACCESS_KEY_ID=$TEST_AKID
AWS_SECRET_ACCESS_KEY=$TEST_SECRET
--- config
location / {
    aws_sigv4          on;
    aws_sigv4_service  execute-api;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}
--- files
>>> .aws/credentials 0600
[default]
aws_access_key_id = not
>>> .aws/config 0600
[default]
region = eu-central-1
--- request: GET /
--- upstream_verdict: ok
--- upstream_record
access_key_id: AKIDEXAMPLE
region: eu-central-1



=== default: may be defined as anything
--- env eval: $main::env
--- http_config
aws_sigv4_provider default static access_key_id=$TEST_OTHER_AKID
    secret_access_key=$TEST_OTHER_SECRET;
--- config
location / {
    aws_sigv4          on;
    aws_sigv4_service  execute-api;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}
--- request: GET /
--- upstream_verdict: ok
--- upstream_record: access_key_id: $TEST_OTHER_AKID



=== chain: the first that is there, by name or by type, in chains too
--- env eval: $main::env
--- http_config
aws_sigv4_provider p chain providers=env,q,profile;
aws_sigv4_provider q chain providers=r,s;
aws_sigv4_provider r env;
aws_sigv4_provider s static access_key_id=$TEST_AKID
    secret_access_key=$TEST_SECRET;
--- request: GET /
--- upstream_verdict: ok
--- upstream_record: access_key_id: AKIDEXAMPLE



=== a provider is chosen by a variable
--- env eval: $main::env
--- http_config
aws_sigv4_provider a static access_key_id=$TEST_AKID
    secret_access_key=$TEST_SECRET;
aws_sigv4_provider b static access_key_id=$TEST_OTHER_AKID
    secret_access_key=$TEST_OTHER_SECRET;
--- config
location / {
    aws_sigv4              on;
    aws_sigv4_service      execute-api;
    aws_sigv4_credentials  $arg_p;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
}
--- requests eval: ['GET /?p=b', 'GET /?p=a', 'GET /?p=b']
--- upstream_verdict: ok
--- upstream_record eval
['access_key_id: $TEST_OTHER_AKID', 'access_key_id: $TEST_AKID',
 'access_key_id: $TEST_OTHER_AKID']



=== a chain's members that were not defined are no providers
--- env eval: $main::env
--- http_config
aws_sigv4_provider default chain providers=env,a;
aws_sigv4_provider a static access_key_id=$TEST_AKID
    secret_access_key=$TEST_SECRET;
--- config
location / {
    aws_sigv4              on;
    aws_sigv4_service      execute-api;
    aws_sigv4_credentials  $arg_p;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
}
--- request: GET /?p=env
--- status: 500
--- upstream_count: 0
--- error_log: there is no provider "env"



=== no credentials: nothing is sent, and the log says why, once
--- config
location / {
    aws_sigv4          on;
    aws_sigv4_service  execute-api;
    aws_sigv4_region   us-east-1;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}
--- requests eval: ['GET /', 'GET /', 'GET /']
--- status: 503
--- response_headers: Retry-After ~ ^\d+$
--- upstream_count: 0
--- error_log eval
[qr/no credentials available from provider "default": env: AWS_ACCESS_KEY_ID is not set; web_identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; profile: there is no profile "default" in "\S+credentials" or "\S+config"/]
--- no_error_log eval
[qr/no credentials available.*no credentials available/s]



=== credentials that have expired are not used
--- env
HOME=$TEST_DIR
AWS_REGION=eu-west-1
AWS_ACCESS_KEY_ID=$TEST_AKID
AWS_SECRET_ACCESS_KEY=$TEST_SECRET
AWS_CREDENTIAL_EXPIRATION=2019-01-31T12:00:00Z
--- http_config
aws_sigv4_provider p env;
--- request: GET /
--- status: 503
--- upstream_count: 0
--- error_log: no credentials available from provider "p": it has credentials that have expired



=== a session token of 60,000 bytes
--- env eval
$main::env . "AWS_ACCESS_KEY_ID=AKIDLONG\nAWS_SECRET_ACCESS_KEY=s\n"
. 'AWS_SESSION_TOKEN=' . 't' x 60_000
--- http_config
aws_sigv4_provider p env;
--- request: GET /
--- status: 403
--- upstream_verdict: refused: unknown_key
--- error_log: cause "unknown_key"
--- upstream_header: x-amz-security-token ~ ^(?:t{30000}){2}$
--- access: $aws_sigv4_status=signed
