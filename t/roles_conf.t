#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# What nginx -t says of roles and processes that cannot work, and what it
# takes for the endpoint of STS.

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
    proxy_pass             http://127.0.0.1:1;
}
EOC

our $role = 'role_arn=arn:aws:iam::123456789012:role/r';
our $base = "aws_sigv4_provider b static access_key_id=A
    secret_access_key_file=\$TEST_DIR/s;\n";
our $local = 'endpoint=http://127.0.0.1:1';


# a config file with these lines in profile "work", and what else there is

sub profile {
    my ($lines, $more) = @_;

    return join "\n", '>>> .aws/config 0600', '[profile work]', @$lines,
        @{ $more || [] }, '';
}


sub provider {
    my ($params) = @_;

    return "${base}aws_sigv4_provider p $params;\n";
}


run_tests();

__DATA__

=== assume_role: no role
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider('assume_role source=b')
--- must_die: provider "p" of type assume_role needs "role_arn=", and "source=" with the provider that may assume the role in http.conf:3



=== assume_role: no source
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role")
--- must_die: needs "role_arn=", and "source="



=== assume_role: a source that nobody knows
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=q $main::local")
--- must_die: "source=q" is neither a provider that is defined nor a type that needs no parameters in http.conf:3



=== assume_role: its own source
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=p $main::local")
--- must_die: provider "p" takes its credentials from itself in http.conf:3



=== assume_role: a source that cannot be used
--- http_config eval: main::provider("assume_role $main::role source=b $main::local")
--- must_die: provider "b" cannot be used



=== assume_role: a source that has nothing yet
--- http_config eval: "aws_sigv4_provider p assume_role $main::role source=env $main::local;"
--- warns: the source of provider "p" has no credentials: AWS_ACCESS_KEY_ID is not set in http.conf:1



=== assume_role: what is no role
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role role_arn=arn:aws:iam::1:user/u source=b $main::local")
--- must_die: "role_arn=arn:aws:iam::1:user/u" is not of the form arn:aws:iam::123456789012:role/NAME in http.conf:3



=== assume_role: a session name with a space
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b $main::local \"session_name=a b\"")
--- must_die: "session_name=a b" has in it what is neither a letter, a digit nor one of _=,.@+- in http.conf:3



=== assume_role: a session name of one character
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b $main::local session_name=a")
--- must_die: "session_name=a" is shorter than two characters



=== assume_role: an external id with a quote
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b $main::local external_id=a'b")
--- must_die: "external_id=a'b" has in it what is neither



=== assume_role: a duration that is too short
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b $main::local duration=899")
--- must_die: "duration=899" is not a number of seconds from 900 to 43200 in http.conf:3



=== assume_role: a duration that is too long
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b $main::local duration=43201")
--- must_die: "duration=43201" is not



=== assume_role: a duration with a unit
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b $main::local duration=1h")
--- must_die: "duration=1h" is not



=== assume_role: more than an hour for a role that is assumed by a role
--- files eval: ">>> s 0600\nx"
--- http_config eval
main::provider("assume_role $main::role source=q $main::local duration=3601")
. "aws_sigv4_provider q assume_role $main::role source=b $main::local;"
--- must_die: "duration=3601" is more than 3600, the most that STS gives to a role that assumes another one in http.conf:3



=== assume_role: more than an hour for keys
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b $main::local duration=3601")
--- warns: test is successful



=== assume_role: tags without a value
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b $main::local tags=a=b,c")
--- must_die: "tags=a=b,c" is not of the form KEY=VALUE,KEY=VALUE in http.conf:3



=== assume_role: a tag without a key
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b $main::local tags==b")
--- must_die: "tags==b" has a tag whose key is empty



=== assume_role: 51 tags
--- files eval: ">>> s 0600\nx"
--- http_config eval
main::provider("assume_role $main::role source=b $main::local tags="
               . CORE::join(",", map { "k$_=v" } 1 .. 51))
--- must_die: has more than 50 tags



=== assume_role: a source identity that is too long
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b $main::local source_identity=" . 'i' x 65)
--- must_die: is longer than 64 characters



=== assume_role: a parameter that there is not
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b policy=x")
--- must_die: a provider of type "assume_role" has no parameter "policy", it has



=== endpoint: a name needs a resolver
--- env
HOME=$TEST_DIR
AWS_REGION=eu-west-1
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b")
--- must_die: provider "p" has to resolve "sts.eu-west-1.amazonaws.com", set "resolver" in "http" in http.conf:3



=== endpoint: with a resolver it is no error
--- env
HOME=$TEST_DIR
AWS_REGION=eu-west-1
--- files eval: ">>> s 0600\nx"
--- http_config eval: "resolver 127.0.0.1:1;\n" . main::provider("assume_role $main::role source=b")
--- warns: test is successful



=== endpoint: the parameter "region" comes first
--- env
HOME=$TEST_DIR
AWS_REGION=eu-west-1
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b region=ap-south-1")
--- must_die: has to resolve "sts.ap-south-1.amazonaws.com"



=== endpoint: China
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b region=cn-north-1")
--- must_die: has to resolve "sts.cn-north-1.amazonaws.com.cn"



=== endpoint: GovCloud
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b region=us-gov-west-1")
--- must_die: has to resolve "sts.us-gov-west-1.amazonaws.com"



=== endpoint: an isolated partition
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b region=us-iso-east-1")
--- must_die: has to resolve "sts.us-iso-east-1.c2s.ic.gov"



=== endpoint: the European sovereign cloud
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b region=eusc-de-east-1")
--- must_die: has to resolve "sts.eusc-de-east-1.amazonaws.eu"



=== endpoint: a region that nobody knows yet
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b region=xx-north-9")
--- must_die: has to resolve "sts.xx-north-9.amazonaws.com"



=== endpoint: no region at all
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b")
--- must_die: has to resolve "sts.amazonaws.com"



=== endpoint: what is no region
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b region=evil.example/")
--- must_die: "evil.example/" is not the name of a region in http.conf:3



=== endpoint: AWS_STS_REGIONAL_ENDPOINTS=legacy
--- env
HOME=$TEST_DIR
AWS_REGION=eu-west-1
AWS_STS_REGIONAL_ENDPOINTS=legacy
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b")
--- must_die: has to resolve "sts.amazonaws.com"



=== endpoint: legacy, for a region that came later
--- env
HOME=$TEST_DIR
AWS_REGION=eu-south-2
AWS_STS_REGIONAL_ENDPOINTS=legacy
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b")
--- must_die: has to resolve "sts.eu-south-2.amazonaws.com"



=== endpoint: another word for it
--- env
HOME=$TEST_DIR
AWS_STS_REGIONAL_ENDPOINTS=global
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b")
--- must_die: AWS_STS_REGIONAL_ENDPOINTS is "global", it can be "regional" or "legacy" in http.conf:3



=== endpoint: AWS_ENDPOINT_URL_STS before AWS_ENDPOINT_URL
--- env
HOME=$TEST_DIR
AWS_ENDPOINT_URL_STS=https://sts.example.com
AWS_ENDPOINT_URL=https://all.example.com
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b")
--- must_die: has to resolve "sts.example.com"



=== endpoint: neither, if they are to be ignored
--- env
HOME=$TEST_DIR
AWS_ENDPOINT_URL_STS=https://sts.example.com
AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b")
--- must_die: has to resolve "sts.amazonaws.com"



=== endpoint: http, not on loopback
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b endpoint=http://192.0.2.1/")
--- must_die: URL "http://192.0.2.1/" in "endpoint=" is not on the loopback interface, where alone STS may be asked without TLS; write https:// in http.conf:3



=== endpoint: http, of a variable
--- env
HOME=$TEST_DIR
AWS_ENDPOINT_URL_STS=http://[2001:db8::1]:80
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b")
--- must_die: URL "http://[2001:db8::1]:80" in AWS_ENDPOINT_URL_STS is not on the loopback interface



=== endpoint: http to a name
--- files eval: ">>> s 0600\nx"
--- http_config eval: "resolver 127.0.0.1:1;\n" . main::provider("assume_role $main::role source=b endpoint=http://sts.example.com")
--- must_die: URL "http://sts.example.com" in "endpoint=" is not on the loopback interface



=== endpoint: what is no URL
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b endpoint=sts.example.com")
--- must_die: URL "sts.example.com" in "endpoint=" of provider "p"



=== endpoint: CAs that are not there
--- files eval: ">>> s 0600\nx"
--- http_config eval: main::provider("assume_role $main::role source=b endpoint=https://127.0.0.1:1 ca_file=\$TEST_DIR/none.pem")
--- must_die: none.pem



=== web_identity: a token file alone
--- http_config: aws_sigv4_provider p web_identity token_file=/t;
--- must_die: provider "p" of type web_identity needs "role_arn=" or AWS_ROLE_ARN in http.conf:1



=== web_identity: a role alone
--- http_config eval: "aws_sigv4_provider p web_identity $main::role;"
--- must_die: provider "p" of type web_identity needs "token_file=" or AWS_WEB_IDENTITY_TOKEN_FILE in http.conf:1



=== web_identity: a token in the environment, and no role
--- env
HOME=$TEST_DIR
AWS_WEB_IDENTITY_TOKEN_FILE=/t
--- http_config: aws_sigv4_provider p web_identity;
--- must_die: provider "p" of type web_identity needs "role_arn=" or AWS_ROLE_ARN in http.conf:1



=== process: no command
--- http_config: aws_sigv4_provider p process;
--- must_die: provider "p" of type process needs "command=" in http.conf:1



=== process: a quote that is not closed
--- http_config: aws_sigv4_provider p process "command=/bin/echo 'a";
--- must_die: command "/bin/echo 'a" is empty, or a quote in it is not closed in http.conf:1



=== process: blanks
--- http_config: aws_sigv4_provider p process "command=  ";
--- must_die: command "  " is empty, or a quote in it is not closed



=== process: a program without a name
--- http_config
aws_sigv4_provider p process command=\"\";
--- must_die: command """" is empty, or a quote in it is not closed



=== process: a name that is not in PATH
--- http_config: aws_sigv4_provider p process command=no-such-program;
--- must_die: there is no program "no-such-program" in PATH, write the path to it in http.conf:1



=== process: a path where there is nothing
--- http_config: aws_sigv4_provider p process "command=/nonexistent/program a";
--- warns: program "/nonexistent/program" cannot be run (2: No such file or directory) in http.conf:1



=== process: a path to a program
--- http_config: aws_sigv4_provider p process "command=/bin/echo a";
--- no_warns: cannot be run



=== STS without CA certificates
--- http_config: aws_sigv4_provider p web_identity role_arn=arn:aws:iam::1:role/r token_file=token endpoint=https://127.0.0.1;
--- env
HOME=$TEST_DIR
SSL_CERT_FILE=/nonexistent/file
SSL_CERT_DIR=/nonexistent
--- files
>>> conf/token 0644
token
--- warns: the system has no CA certificates, without which no server is trusted: install ca-certificates or write "ca_file=" in http.conf:1



=== profile: a code that somebody has to type
--- http_config: aws_sigv4_provider p profile name=work;
--- files eval: main::profile(['role_arn = arn:aws:iam::1:role/r', 'source_profile = x', 'mfa_serial = arn:aws:iam::1:mfa/me'])
--- must_die: profile "work" has mfa_serial, and there is nobody who could type a code in http.conf:1



=== profile: two sources
--- http_config: aws_sigv4_provider p profile name=work;
--- files eval: main::profile(['role_arn = arn:aws:iam::1:role/r', 'source_profile = x', 'credential_source = Environment'])
--- must_die: profile "work" has both source_profile and credential_source, of which one is needed in http.conf:1



=== profile: no source
--- http_config: aws_sigv4_provider p profile name=work;
--- files eval: main::profile(['role_arn = arn:aws:iam::1:role/r'])
--- must_die: profile "work" has role_arn and none of source_profile, credential_source and web_identity_token_file



=== profile: a source that nobody knows
--- http_config: aws_sigv4_provider p profile name=work;
--- files eval: main::profile(['role_arn = arn:aws:iam::1:role/r', 'credential_source = environment'])
--- must_die: credential_source "environment" is none of Environment, Ec2InstanceMetadata and EcsContainer



=== profile: itself, and no keys
--- http_config: aws_sigv4_provider p profile name=work;
--- files eval: main::profile(['role_arn = arn:aws:iam::1:role/r', 'source_profile = work'])
--- must_die: profile "work" has itself as its source_profile, and no keys in http.conf:1



=== profile: a circle of two
--- http_config: aws_sigv4_provider p profile name=work;
--- files eval
main::profile(['role_arn = arn:aws:iam::1:role/r', 'source_profile = two'],
              ['[profile two]', 'role_arn = arn:aws:iam::1:role/q',
               'source_profile = work'])
--- must_die: profile "work" has itself as its source_profile, and no keys



=== profile: a token and no role
--- http_config: aws_sigv4_provider p profile name=work;
--- files eval: main::profile(['web_identity_token_file = /t'])
--- must_die: profile "work" has web_identity_token_file and no role_arn



=== profile: a source with an SSO login
--- http_config: aws_sigv4_provider p profile name=work;
--- files eval
main::profile(['role_arn = arn:aws:iam::1:role/r', 'source_profile = two',
               'endpoint_url = http://127.0.0.1:1'],
              ['[profile two]', 'sso_account_id = 1'])
--- must_die: profile "two" has sso_account_id, which needs an SSO login, and that is not supported



=== profile: the region of the profile
--- http_config: aws_sigv4_provider p profile name=work;
--- files eval
main::profile(['role_arn = arn:aws:iam::1:role/r', 'region = eu-north-1',
               'credential_source = Environment'])
--- must_die: has to resolve "sts.eu-north-1.amazonaws.com"



=== profile: AWS_ENDPOINT_URL_STS before endpoint_url
--- env
HOME=$TEST_DIR
AWS_ENDPOINT_URL_STS=https://variable.example.com
--- http_config: aws_sigv4_provider p profile name=work;
--- files eval
main::profile(['role_arn = arn:aws:iam::1:role/r',
               'endpoint_url = https://file.example.com',
               'credential_source = Environment'])
--- must_die: has to resolve "variable.example.com"



=== profile: endpoint_url
--- http_config: aws_sigv4_provider p profile name=work;
--- files eval
main::profile(['role_arn = arn:aws:iam::1:role/r',
               'endpoint_url = https://file.example.com',
               'credential_source = Environment'])
--- must_die: has to resolve "file.example.com"
