# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# What nginx -t says of providers that cannot work, or should not stand
# there like that.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(env => 'HOME=$TEST_DIR');

default_section(config => <<'EOC');
location / {
    aws_sigv4              on;
    aws_sigv4_service      execute-api;
    aws_sigv4_region       us-east-1;
    aws_sigv4_credentials  p;
    proxy_pass             http://127.0.0.1:$CLOSED_PORT;
}
EOC

our $static = "static access_key_id=AKIDEXAMPLE\n    ";
our $csv = "Access key ID,Secret access key\n";

# a default profile with these lines

sub profile {
    return ">>> .aws/credentials 0600\n[default]\n"
           . join('', map { "$_\n" } @_);
}

sub env {
    return join "\n", 'HOME=$TEST_DIR', @_;
}

run_tests();

__DATA__

=== a type that does not exist
--- http_config
aws_sigv4_provider p vault;
--- must_die
"aws_sigv4_provider": unknown type "vault", it can be static, env,
or chain in http.conf:1



=== no type
--- http_config
aws_sigv4_provider p;
--- must_die: invalid number of arguments in "aws_sigv4_provider" directive in http.conf:1



=== a name that could not stand in a list
--- http_config
aws_sigv4_provider p,q env;
--- must_die: the first argument is a name, without space, comma, "$" or "=" in http.conf:1



=== an empty name
--- http_config
aws_sigv4_provider "" env;
--- must_die: the first argument is a name



=== two providers of one name
--- http_config
aws_sigv4_provider p env;

aws_sigv4_provider p env;
--- must_die
provider "p" is duplicate, the first is in
http.conf:1 in http.conf:3



=== a parameter that does not exist
--- http_config
aws_sigv4_provider p static secret_key=hush;
--- must_die: a provider of type "static" has no parameter "secret_key", it has "access_key_id=",



=== a parameter of another type
--- http_config
aws_sigv4_provider p env file=x;
--- must_die: a provider of type "env" has no parameter "file", it has none in http.conf:1



=== a secret without the name of a parameter is not shown
--- http_config
aws_sigv4_provider p static AKIDEXAMPLE wJalrXUtnFEMI;
--- must_die: argument 3 of provider "p" is not of the form parameter=value in http.conf:1



=== nor one that ends with an equals sign
--- http_config
aws_sigv4_provider p static access_key_id=A IQoJb3JpZ2luX2VjEJr==;
--- must_die: argument 4 of provider "p" is not of the form parameter=value in http.conf:1



=== a parameter twice
--- http_config
aws_sigv4_provider p csv file=a file=b;
--- must_die: parameter "file" is duplicate in http.conf:1



=== a parameter without a value
--- http_config
aws_sigv4_provider p csv file=;
--- must_die: parameter "file" has no value in http.conf:1



=== static: no access key id
--- http_config
aws_sigv4_provider p static secret_access_key_file=x;
--- must_die: provider "p" of type "static" needs "access_key_id=" in http.conf:1



=== static: no secret
--- http_config
aws_sigv4_provider p static access_key_id=AKIDEXAMPLE;
--- must_die: provider "p" of type "static" needs "secret_access_key_file=" in http.conf:1



=== static: two secrets
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key=a secret_access_key_file=b;"
--- must_die: has "secret_access_key=" and "secret_access_key_file=", write the latter alone in http.conf:2



=== static: two tokens
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key=a session_token=b
    session_token_file=c;"
--- must_die: has "session_token=" and "session_token_file=", write the latter alone in http.conf:3



=== a secret in nginx.conf
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key=a session_token=b;"
--- warns
a secret stands in this file, put it into a file of its own and write "secret_access_key_file=PATH" instead of "secret_access_key=" in http.conf:2
write "session_token_file=PATH" instead of "session_token=" in http.conf:2



=== a secret in a file of its own
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key_file=s;"
--- files
>>> conf/s 0600
secret
--- no_warns
a secret stands in
may be read by every user



=== a file that everybody may read
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key_file=s;"
--- files
>>> conf/s 0644
secret
--- warns: "s" holds a secret and may be read by every user, use "chmod o-r"



=== a file that does not exist
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key_file=s;"
--- must_die: provider "p" cannot be used: file "s" does not exist in http.conf:2



=== a file that is a directory
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key_file=.;"
--- must_die: is not a regular file in http.conf:2



=== a file that is endless
--- http_config
aws_sigv4_provider p csv file=/dev/zero;
--- must_die: file "/dev/zero" is not a regular file in http.conf:1



=== a file that is too large
--- http_config
aws_sigv4_provider p csv file=large;
--- files eval
">>> conf/large 0600\n" . 'x' x 1_048_577
--- must_die: file "large" is larger than 1M in http.conf:1



=== an empty file
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key_file=s;"
--- files eval
">>> conf/s 0600\n\n"
--- must_die: file "s" is empty in http.conf:2



=== a secret of two lines
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key_file=s;"
--- files
>>> conf/s 0600
secret
secret
--- must_die: the secret access key contains a space or a character that is not printable ASCII in http.conf:2



=== a secret with a blank behind it
--- http_config eval
"aws_sigv4_provider p $main::static 'secret_access_key=secret ';"
--- must_die: the secret access key contains a space



=== a token with a byte that is no ASCII
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key=s session_token=t\xc2\xa0;"
--- must_die: the session token contains a space or a character that is not printable ASCII



=== an access key id that would be another scope
--- http_config
aws_sigv4_provider p static access_key_id=AKID/x secret_access_key=s;
--- must_die: the access key id contains a space, "/", ","



=== an access key id that would be another parameter
--- http_config
aws_sigv4_provider p static access_key_id=AKID,x secret_access_key=s;
--- must_die: the access key id contains a space, "/", ","



=== an access key id that is too long
--- http_config eval
'aws_sigv4_provider p static access_key_id=' . 'A' x 257
. ' secret_access_key=s;'
--- must_die: the access key id is longer than 256 bytes in http.conf:1



=== a secret that is too long
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key=" . 's' x 1025 . ';'
--- must_die: the secret access key is longer than 1024 bytes



=== a token that is too long
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key_file=s
    session_token_file=t;"
--- files eval
">>> conf/s 0600\ns\n>>> conf/t 0600\n" . 't' x 65_537
--- must_die: the session token is longer than 64K in http.conf:3



=== csv: no file
--- http_config
aws_sigv4_provider p csv;
--- must_die: provider "p" of type "csv" needs "file=" in http.conf:1



=== csv: another file
--- http_config
aws_sigv4_provider p csv file=k;
--- files
>>> conf/k 0600
[default]
--- must_die: file "k" is not one of the AWS console: its header has no columns "Access key ID" and "Secret access key" in http.conf:1



=== csv: half a file
--- http_config
aws_sigv4_provider p csv file=k;
--- files eval
">>> conf/k 0600\n${main::csv}AKIDEXAMPLE"
--- must_die: file "k" is not one of the AWS console: there is no secret access key in it in http.conf:1



=== csv: a key with a blank
--- http_config
aws_sigv4_provider p csv file=k;
--- files eval
">>> conf/k 0600\n${main::csv}AKID EXAMPLE,s\n"
--- must_die: in file "k" the access key id contains a space



=== env: half a key
--- env eval: main::env('AWS_ACCESS_KEY_ID=AKIDEXAMPLE')
--- http_config
aws_sigv4_provider p env;
--- must_die: provider "p" cannot be used: AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY in http.conf:1



=== env: the other half
--- env eval: main::env('AWS_SECRET_ACCESS_KEY=s')
--- http_config
aws_sigv4_provider p env;
--- must_die: AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID in http.conf:1



=== env: an expiration that is no time
--- env eval
main::env('AWS_ACCESS_KEY_ID=A', 'AWS_SECRET_ACCESS_KEY=s',
          'AWS_CREDENTIAL_EXPIRATION=tomorrow')
--- http_config
aws_sigv4_provider p env;
--- must_die: AWS_CREDENTIAL_EXPIRATION is not a time as 2027-01-31T12:00:00Z in http.conf:1



=== env: an expiration in the past does not keep nginx from a reload
--- env eval
main::env('AWS_ACCESS_KEY_ID=A', 'AWS_SECRET_ACCESS_KEY=s',
          'AWS_CREDENTIAL_EXPIRATION=2019-01-31T12:00:00Z')
--- http_config
aws_sigv4_provider p env;
--- warns: the credentials in the environment have expired, start nginx with others



=== env: no key, which may be otherwise where nginx runs
--- http_config
aws_sigv4_provider p env;
--- warns: provider "p" has no credentials: AWS_ACCESS_KEY_ID is not set; requests will be refused



=== default: nothing at all
--- config
location / {
    aws_sigv4          on;
    aws_sigv4_service  execute-api;
    aws_sigv4_region   us-east-1;
    proxy_pass         http://127.0.0.1:$CLOSED_PORT;
}
--- warns: provider "default" has no credentials: env: AWS_ACCESS_KEY_ID is not set; web_identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; profile: there is no profile "default" in



=== default: half a key in the environment does not fall through
--- env eval: main::env('AWS_ACCESS_KEY_ID=AKIDEXAMPLE')
--- config
location / {
    aws_sigv4          on;
    aws_sigv4_service  execute-api;
    aws_sigv4_region   us-east-1;
    proxy_pass         http://127.0.0.1:$CLOSED_PORT;
}
--- files eval
main::profile('aws_access_key_id = A', 'aws_secret_access_key = s')
--- must_die: provider "env" cannot be used: AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY



=== profile: none of this name
--- http_config
aws_sigv4_provider p profile name=prod;
--- files eval: main::profile()
--- must_die: provider "p" cannot be used: there is no profile "prod" in ".aws/credentials" or ".aws/config" in http.conf:1



=== profile: none of the name in AWS_PROFILE
--- env eval: main::env('AWS_PROFILE=prod')
--- http_config
aws_sigv4_provider p profile;
--- files eval: main::profile()
--- must_die: there is no profile "prod"



=== profile: a file that was asked for
--- http_config
aws_sigv4_provider p profile credentials_file=c;
--- must_die: file "c" does not exist in http.conf:1



=== profile: a region and no keys
--- http_config
aws_sigv4_provider p profile;
--- files eval: main::profile('region = us-east-1')
--- warns: provider "p" has no credentials: profile "default" has no keys in ".aws/credentials" or ".aws/config"



=== profile: a region and no keys, where it was asked for
--- http_config
aws_sigv4_provider p profile name=default;
--- files eval: main::profile('region = us-east-1')
--- must_die: profile "default" has no keys in ".aws/credentials" or ".aws/config" in http.conf:1



=== profile: half a key
--- http_config
aws_sigv4_provider p profile;
--- files eval: main::profile('aws_access_key_id = A')
--- must_die: in profile "default" of file ".aws/credentials" the secret access key is empty in http.conf:1



=== profile: a line that is cut
--- http_config
aws_sigv4_provider p profile;
--- files eval
main::profile('aws_access_key_id = A', 'aws_secret_acc')
--- must_die: line 3 of file ".aws/credentials" is neither [section] nor key = value in http.conf:1



=== profile: a secret of two lines
--- http_config
aws_sigv4_provider p profile;
--- files eval
main::profile('aws_access_key_id = A', 'aws_secret_access_key = s', '  t')
--- must_die: aws_secret_access_key in line 3 of file ".aws/credentials" goes on in the next line in http.conf:1



=== profile: a role whose source is not there
--- http_config
aws_sigv4_provider p profile;
--- files eval
main::profile('role_arn = arn:aws:iam::1:role/r', 'source_profile = x')
--- must_die: there is no profile "x" in ".aws/credentials" or ".aws/config" in http.conf:1



=== profile: a role for a web identity that is no role
--- http_config
aws_sigv4_provider p profile;
--- files eval
main::profile('role_arn = r', 'web_identity_token_file = /t')
--- must_die: "role_arn=r" is not of the form arn:aws:iam::123456789012:role/NAME in http.conf:1



=== profile: an SSO login, with keys beside it
--- http_config
aws_sigv4_provider p profile;
--- files eval
main::profile('sso_session = s', 'sso_account_id = 1',
              'aws_access_key_id = A', 'aws_secret_access_key = s')
--- must_die: profile "default" has sso_account_id, which needs an SSO login



=== profile: a process that is not there
--- http_config
aws_sigv4_provider p profile;
--- files eval: main::profile('credential_process = no-such-program -x')
--- must_die: there is no program "no-such-program" in PATH, write the path to it in http.conf:1



=== profile: a region that is no region
--- http_config
aws_sigv4_provider p profile;
--- files eval: main::profile('region = ' . 'r' x 65)
--- must_die: the region of profile "default" is too long



=== chain: a member that does not exist
--- http_config
aws_sigv4_provider p chain providers=env,q;
--- must_die: "q" in "providers=" is neither a provider that is defined nor a type in http.conf:1



=== chain: an empty member
--- http_config
aws_sigv4_provider p chain providers=env,;
--- must_die: "" in "providers=" is neither



=== chain: a type that needs parameters
--- http_config
aws_sigv4_provider p chain providers=csv;
--- must_die: provider "csv" of type "csv" needs "file=" in http.conf:1



=== chain: itself
--- http_config
aws_sigv4_provider p chain providers=env,p;
--- must_die: provider "p" takes its credentials from itself in http.conf:1



=== chain: itself by another
--- http_config
aws_sigv4_provider p chain providers=env,q;
aws_sigv4_provider q chain providers=env,p;
--- must_die: provider "p" takes its credentials from itself in http.conf:1



=== a provider that cannot be used is an error even if no location names it
--- http_config eval
"aws_sigv4_provider p $main::static secret_access_key=s;
aws_sigv4_provider q csv file=nothing;"
--- must_die: provider "q" cannot be used: file "nothing" does not exist in http.conf:3



=== a location that names no provider
--- config
location / {
    aws_sigv4              on;
    aws_sigv4_service      execute-api;
    aws_sigv4_region       us-east-1;
    aws_sigv4_credentials  nobody;
    proxy_pass             http://127.0.0.1:$CLOSED_PORT;
}
--- must_die: define it with "aws_sigv4_provider nobody <type>;"



=== not in a server
--- config
aws_sigv4_provider p env;
--- must_die: "aws_sigv4_provider" directive is not allowed here in server.conf:1



=== imds: a mode that does not exist
--- http_config
aws_sigv4_provider p imds;
--- env
AWS_EC2_METADATA_DISABLED=false
AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv5
--- must_die: AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is "IPv5", it can be IPv4 or IPv6 in http.conf:1



=== imds: an endpoint that is no URL
--- http_config
aws_sigv4_provider p imds endpoint=169.254.169.254;
--- env: AWS_EC2_METADATA_DISABLED=false
--- must_die: URL "169.254.169.254" in "endpoint=" of provider "p": it does not begin with http:// or https:// in http.conf:1



=== imds: a name without a resolver
--- http_config
aws_sigv4_provider p imds endpoint=http://imds.example.com/;
--- env: AWS_EC2_METADATA_DISABLED=false
--- must_die: provider "p" has to resolve "imds.example.com", set "resolver" in "http" in http.conf:1



=== imds: a time limit that is no number
--- http_config
aws_sigv4_provider p imds;
--- env
AWS_EC2_METADATA_DISABLED=false
AWS_METADATA_SERVICE_TIMEOUT=1s
--- must_die: "1s" in AWS_METADATA_SERVICE_TIMEOUT or AWS_METADATA_SERVICE_NUM_ATTEMPTS has to be a number above 0 in http.conf:1



=== imds: a parameter that does not exist
--- http_config
aws_sigv4_provider p imds role=x;
--- must_die: a provider of type "imds" has no parameter "role", it has
