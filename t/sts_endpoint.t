#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# What variables and profiles say of the endpoints of STS and of IMDS.  What
# is expected are the hosts that botocore 1.43 asks with the same settings;
# older versions know no "services" and no URLs to be ignored.

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
default_section(http_config => 'aws_sigv4_provider p profile name=work;');

our $role = 'role_arn = arn:aws:iam::123456789012:role/r';
our $url = 'endpoint_url = https://file.example.com';
our $services = "[services s]\ns3 =\n  endpoint_url = https://s3.example.com\n"
    . "# of STS\nsts =\n  x = y\n\n  endpoint_url = https://sts.example.com\n"
    . "ec2 =\n  endpoint_url = https://ec2.example.com\n";


# a config file with these lines in profile "work", and what else there is

sub work {
    my ($lines, $more) = @_;

    return join "\n", '>>> .aws/config 0600', '[profile work]', $role,
        'credential_source = Environment', @$lines, @{ $more || [] }, '';
}


# of a profile in a region

sub in {
    my ($region, @lines) = @_;

    return work(["region = $region", @lines]);
}


run_tests();

__DATA__

=== sts_regional_endpoints: legacy
--- files eval: main::in('eu-west-1', 'sts_regional_endpoints = legacy')
--- must_die: has to resolve "sts.amazonaws.com"



=== sts_regional_endpoints: the variable comes first
--- env
HOME=$TEST_DIR
AWS_STS_REGIONAL_ENDPOINTS=regional
--- files eval: main::in('eu-west-1', 'sts_regional_endpoints = legacy')
--- must_die: has to resolve "sts.eu-west-1.amazonaws.com"



=== sts_regional_endpoints: another word
--- files eval: main::in('eu-west-1', 'sts_regional_endpoints = x')
--- must_die: sts_regional_endpoints or AWS_STS_REGIONAL_ENDPOINTS is "x", it can be "regional" or "legacy" in http.conf:1



=== FIPS
--- files eval: main::in('eu-west-1', 'use_fips_endpoint = true')
--- must_die: has to resolve "sts-fips.eu-west-1.amazonaws.com"



=== FIPS: of the variable
--- env
HOME=$TEST_DIR
AWS_USE_FIPS_ENDPOINT=true
--- files eval: main::in('us-east-2')
--- must_die: has to resolve "sts-fips.us-east-2.amazonaws.com"



=== FIPS: the variable comes first
--- env
HOME=$TEST_DIR
AWS_USE_FIPS_ENDPOINT=false
--- files eval: main::in('eu-west-1', 'use_fips_endpoint = true')
--- must_die: has to resolve "sts.eu-west-1.amazonaws.com"



=== FIPS: nothing but "true" is true
--- env
HOME=$TEST_DIR
AWS_USE_FIPS_ENDPOINT=1
--- files eval: main::in('eu-west-1')
--- must_die: has to resolve "sts.eu-west-1.amazonaws.com"



=== FIPS: more than legacy
--- files eval: main::in('eu-west-1', 'use_fips_endpoint = true', 'sts_regional_endpoints = legacy')
--- must_die: has to resolve "sts-fips.eu-west-1.amazonaws.com"



=== FIPS: GovCloud has one name
--- files eval: main::in('us-gov-west-1', 'use_fips_endpoint = true')
--- must_die: has to resolve "sts.us-gov-west-1.amazonaws.com"



=== FIPS: China
--- files eval: main::in('cn-north-1', 'use_fips_endpoint = true')
--- must_die: has to resolve "sts-fips.cn-north-1.amazonaws.com.cn"



=== FIPS: no region
--- files eval: main::work(['use_fips_endpoint = true'])
--- must_die: STS has FIPS and dual-stack endpoints in regions alone; set "region=" or AWS_REGION in http.conf:1



=== FIPS: an URL is used as it is
--- files eval: main::in('eu-west-1', 'use_fips_endpoint = true', 'endpoint_url = https://file.example.com')
--- must_die: has to resolve "file.example.com"



=== dual-stack
--- files eval: main::in('eu-west-1', 'use_dualstack_endpoint = TRUE')
--- must_die: has to resolve "sts.eu-west-1.api.aws"



=== dual-stack: of the variable
--- env
HOME=$TEST_DIR
AWS_USE_DUALSTACK_ENDPOINT=true
--- files eval: main::in('ap-south-1')
--- must_die: has to resolve "sts.ap-south-1.api.aws"



=== dual-stack: more than legacy
--- files eval: main::in('eu-west-1', 'use_dualstack_endpoint = TRUE', 'sts_regional_endpoints = legacy')
--- must_die: has to resolve "sts.eu-west-1.api.aws"



=== dual-stack: China
--- files eval: main::in('cn-north-1', 'use_dualstack_endpoint = TRUE')
--- must_die: has to resolve "sts.cn-north-1.api.amazonwebservices.com.cn"



=== dual-stack: GovCloud
--- files eval: main::in('us-gov-west-1', 'use_dualstack_endpoint = TRUE')
--- must_die: has to resolve "sts.us-gov-west-1.api.aws"



=== dual-stack: an isolated partition
--- files eval: main::in('us-iso-east-1', 'use_dualstack_endpoint = TRUE')
--- must_die: has to resolve "sts.us-iso-east-1.api.aws.ic.gov"



=== dual-stack: another one
--- files eval: main::in('us-isob-east-1', 'use_dualstack_endpoint = TRUE')
--- must_die: has to resolve "sts.us-isob-east-1.api.aws.scloud"



=== dual-stack: the European sovereign cloud
--- files eval: main::in('eusc-de-east-1', 'use_dualstack_endpoint = TRUE')
--- must_die: has to resolve "sts.eusc-de-east-1.api.amazonwebservices.eu"



=== dual-stack: a region that nobody knows yet
--- files eval: main::in('xx-north-9', 'use_dualstack_endpoint = TRUE')
--- must_die: has to resolve "sts.xx-north-9.api.aws"



=== FIPS and dual-stack
--- files eval: main::in('eu-west-1', 'use_fips_endpoint = true', 'use_dualstack_endpoint = TRUE')
--- must_die: has to resolve "sts-fips.eu-west-1.api.aws"



=== FIPS and dual-stack: GovCloud
--- files eval: main::in('us-gov-west-1', 'use_fips_endpoint = true', 'use_dualstack_endpoint = TRUE')
--- must_die: has to resolve "sts-fips.us-gov-west-1.api.aws"



=== services: before endpoint_url
--- files eval: main::work(['services = s', $main::url], [$main::services])
--- must_die: has to resolve "sts.example.com"



=== services: a section before the profile
--- files eval: main::work(['services = s']) =~ s/\n/\n$main::services/r
--- must_die: has to resolve "sts.example.com"



=== services: a name with a blank
--- files eval: main::work(['services = my s'], [$main::services =~ s/ s]/ "my s"]/r])
--- must_die: has to resolve "sts.example.com"



=== services: nothing of STS
--- files eval: main::work(['services = s', $main::url], ['[services s]', 's3 =', '  endpoint_url = https://s3.example.com'])
--- must_die: has to resolve "file.example.com"



=== services: another section
--- files eval: main::work(['services = s', $main::url], ['[services s]', '[services t]', 'sts =', '  endpoint_url = https://t.example.com'])
--- must_die: has to resolve "file.example.com"



=== services: a section that nobody names
--- files eval: main::work([$main::url], [$main::services])
--- must_die: has to resolve "file.example.com"



=== services: a section that there is not
--- files eval: main::work(['services = q', $main::url], [$main::services])
--- must_die: the profile names the section [services q], and there is none in http.conf:1



=== services: AWS_ENDPOINT_URL comes first
--- env
HOME=$TEST_DIR
AWS_ENDPOINT_URL=https://variable.example.com
--- files eval: main::work(['services = s'], [$main::services])
--- must_die: has to resolve "variable.example.com"



=== services: http, not on loopback
--- files eval: main::work(['services = s'], [$main::services =~ s/https/http/gr])
--- must_die: has to resolve "sts.example.com"



=== services: an address without TLS
--- files eval: main::work(['services = s'], [$main::services =~ s,https://sts.example.com,http://192.0.2.1,r])
--- must_die: URL "http://192.0.2.1" in endpoint_url of the profile's services is not on the loopback interface



=== ignored: URLs of variables and of the profile
--- env
HOME=$TEST_DIR
AWS_ENDPOINT_URL_STS=https://variable.example.com
AWS_ENDPOINT_URL=https://all.example.com
--- files eval: main::in('eu-west-1', 'ignore_configured_endpoint_urls = true', $main::url)
--- must_die: has to resolve "sts.eu-west-1.amazonaws.com"



=== ignored: because of the variable
--- env
HOME=$TEST_DIR
AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=True
--- files eval: main::in('eu-west-1', $main::url, 'services = q')
--- must_die: has to resolve "sts.eu-west-1.amazonaws.com"



=== ignored: the variable comes first
--- env
HOME=$TEST_DIR
AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false
--- files eval: main::in('eu-west-1', 'ignore_configured_endpoint_urls = true', $main::url)
--- must_die: has to resolve "file.example.com"



=== ignored: not the parameter
--- env
HOME=$TEST_DIR
AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true
--- http_config: aws_sigv4_provider p web_identity role_arn=arn:aws:iam::1:role/r token_file=$TEST_DIR/t endpoint=https://param.example.com;
--- files eval: ">>> t 0600\nx"
--- must_die: has to resolve "param.example.com"



=== no profile: that of the environment
--- env
HOME=$TEST_DIR
AWS_PROFILE=work
--- http_config: aws_sigv4_provider p web_identity role_arn=arn:aws:iam::123456789012:role/r token_file=$TEST_DIR/t;
--- files eval: main::work(['services = s'], [$main::services])
--- must_die: has to resolve "sts.example.com"



=== no profile: its endpoint_url
--- env
HOME=$TEST_DIR
AWS_PROFILE=work
--- http_config: aws_sigv4_provider p web_identity role_arn=arn:aws:iam::123456789012:role/r token_file=$TEST_DIR/t;
--- files eval: main::work([$main::url])
--- must_die: has to resolve "file.example.com"



=== no profile: its region
--- env
HOME=$TEST_DIR
AWS_PROFILE=work
--- http_config: aws_sigv4_provider p web_identity role_arn=arn:aws:iam::123456789012:role/r token_file=$TEST_DIR/t;
--- files eval: main::in('sa-east-1')
--- must_die: has to resolve "sts.sa-east-1.amazonaws.com"



=== no profile: FIPS
--- env
HOME=$TEST_DIR
AWS_PROFILE=work
AWS_REGION=us-west-2
--- http_config: aws_sigv4_provider p web_identity role_arn=arn:aws:iam::123456789012:role/r token_file=$TEST_DIR/t;
--- files eval: main::work(['use_fips_endpoint = true'])
--- must_die: has to resolve "sts-fips.us-west-2.amazonaws.com"



=== a profile that is named: not that of the environment
--- env
HOME=$TEST_DIR
AWS_PROFILE=other
--- files eval: main::in('eu-west-1') . "[profile other]\nendpoint_url = https://other.example.com\n"
--- must_die: has to resolve "sts.eu-west-1.amazonaws.com"



=== a source that is a role: the settings of the first profile
--- http_config: aws_sigv4_provider p profile name=first;
--- files eval
main::work([$main::url], ['[profile first]', $main::role, 'source_profile = work',
                  'endpoint_url = https://first.example.com'])
--- must_die: has to resolve "first.example.com"



=== IMDS: of the profile that names it
--- env
HOME=$TEST_DIR
AWS_EC2_METADATA_DISABLED=false
--- files eval: main::work(['ec2_metadata_service_endpoint = http://imds.example.com', 'endpoint_url = http://127.0.0.1:1'], ['[default]', 'ec2_metadata_service_endpoint = http://other.example.com']) =~ s/Environment/Ec2InstanceMetadata/r
--- must_die: has to resolve "imds.example.com"



=== IMDS: the variable comes first
--- env
HOME=$TEST_DIR
AWS_EC2_METADATA_DISABLED=false
AWS_EC2_METADATA_SERVICE_ENDPOINT=http://variable.example.com
--- files eval: main::work(['ec2_metadata_service_endpoint = http://imds.example.com', 'endpoint_url = http://127.0.0.1:1'], []) =~ s/Environment/Ec2InstanceMetadata/r
--- must_die: has to resolve "variable.example.com"



=== IMDS: the mode
--- env
HOME=$TEST_DIR
AWS_EC2_METADATA_DISABLED=false
--- files eval: main::work(['ec2_metadata_service_endpoint_mode = IPv5', 'endpoint_url = http://127.0.0.1:1'], []) =~ s/Environment/Ec2InstanceMetadata/r
--- must_die: AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is "IPv5", it can be IPv4 or IPv6



=== IMDS: the time limit
--- env
HOME=$TEST_DIR
AWS_EC2_METADATA_DISABLED=false
--- files eval: main::work(['metadata_service_timeout = x', 'endpoint_url = http://127.0.0.1:1'], []) =~ s/Environment/Ec2InstanceMetadata/r
--- must_die: "x" in AWS_METADATA_SERVICE_TIMEOUT or AWS_METADATA_SERVICE_NUM_ATTEMPTS has to be a number



=== IMDS: the attempts
--- env
HOME=$TEST_DIR
AWS_EC2_METADATA_DISABLED=false
--- files eval: main::work(['metadata_service_num_attempts = y', 'endpoint_url = http://127.0.0.1:1'], []) =~ s/Environment/Ec2InstanceMetadata/r
--- must_die: "y" in AWS_METADATA_SERVICE_TIMEOUT or AWS_METADATA_SERVICE_NUM_ATTEMPTS has to be a number



=== IMDS: no profile, that of the environment
--- env
HOME=$TEST_DIR
AWS_EC2_METADATA_DISABLED=false
AWS_PROFILE=work
--- http_config: aws_sigv4_provider p imds;
--- files eval: main::work(['ec2_metadata_service_endpoint = http://imds.example.com', 'endpoint_url = http://127.0.0.1:1'], []) =~ s/Environment/Ec2InstanceMetadata/r
--- must_die: has to resolve "imds.example.com"
