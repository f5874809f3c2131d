#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Profiles that name a role or a process, with the same files for nginx and
# for botocore.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Credentials;
use AwsSigV4::Roles;
use AwsSigV4::Sts;

my %keys  = %AwsSigV4::Verifier::KEYS;
my $sts   = AwsSigV4::Sts->new;
my $key   = $keys{TEMP_AKID};
my $role  = $AwsSigV4::Sts::ROLE;
my $first = $AwsSigV4::Sts::FIRST;

my $static = "aws_access_key_id = $keys{AKID}\n"
    . "aws_secret_access_key = $keys{SECRET}\n";


sub askers {
    return map { $_->{access_key_id} } $sts->requests;
}


# check(name, config, who asks, what is sent, env): with "work" as profile

sub check {
    my ($name, $config, $askers, $sent, %env) = @_;

    subtest $name => sub {
        my $dir = temp_dir();
        my %all = (AWS_CONFIG_FILE => "$dir/config",
                   AWS_SHARED_CREDENTIALS_FILE => "$dir/credentials",
                   AWS_PROFILE => 'work', %env);

        chmod 0755, $dir;
        spew("$dir/config", $config =~ s/DIR/$dir/gr, 0644);
        spew("$dir/credentials", "[keys]\n$static", 0644);
        spew("$dir/token", $AwsSigV4::Sts::TOKEN, 0644);

        $sts->mark;

        my $nginx = gateway('aws_sigv4_provider p profile;',
            env => { AWS_ENDPOINT_URL_STS => $sts->url, %all });

        comes($nginx, "200 $key", 'nginx signs with the keys of the role');
        is_deeply [askers()], $askers, 'who has asked STS';

        my @forms = $sts->forms;

        for my $name (sort keys %$sent) {
            is $forms[-1]{$name}, $sent->{$name}, $name;
        }

        ends($nginx);

        $sts->mark;
        like botocore($sts->url, %all), qr/ \Q$key\E$/, 'so does botocore';
        is_deeply [askers()], $askers, 'and asks as often';
    };

    return;
}


check('source_profile', <<"EOC", [$keys{AKID}], {
[profile work]
role_arn = $role
source_profile = keys
role_session_name = me
external_id = xyz:1
duration_seconds = 1800
region = eu-west-1
EOC
    RoleSessionName => 'me', ExternalId => 'xyz:1', DurationSeconds => 1800 });

check('a profile that is its own source', <<"EOC", [$keys{AKID}], {});
[profile work]
role_arn = $role
source_profile = work
$static
EOC

check('a source that is a role',
      <<"EOC", [$keys{AKID}, $AwsSigV4::Sts::SECOND[0]], { RoleArn => $role });
[profile work]
role_arn = $role
source_profile = middle
[profile middle]
role_arn = $first
source_profile = keys
EOC

check('a source with a role and with keys', <<"EOC", [$keys{AKID}], {});
[profile work]
role_arn = $role
source_profile = middle
[profile middle]
role_arn = $first
source_profile = work
$static
EOC

check('a source that is a web identity',
      <<"EOC", [undef, $AwsSigV4::Sts::SECOND[0]], {});
[profile work]
role_arn = $role
source_profile = web
[profile web]
role_arn = $first
web_identity_token_file = DIR/token
EOC

check('web_identity_token_file', <<"EOC", [undef], {
[profile work]
role_arn = $role
web_identity_token_file = DIR/token
role_session_name = from-a-profile
source_profile = keys
EOC
    RoleSessionName  => 'from-a-profile',
    WebIdentityToken => $AwsSigV4::Sts::TOKEN });

check('credential_source = Environment', <<"EOC", [$keys{OTHER_AKID}], {},
[profile work]
role_arn = $role
credential_source = Environment
EOC
    AWS_ACCESS_KEY_ID     => $keys{OTHER_AKID},
    AWS_SECRET_ACCESS_KEY => $keys{OTHER_SECRET});


subtest 'credential_source = EcsContainer and Ec2InstanceMetadata' => sub {
    my $service = AwsSigV4::Credentials->new;
    my %env     = (
        EcsContainer        => {
            AWS_CONTAINER_CREDENTIALS_FULL_URI => $service->url . '/task' },
        Ec2InstanceMetadata => {
            AWS_EC2_METADATA_SERVICE_ENDPOINT => $service->url,
            AWS_EC2_METADATA_DISABLED         => 'false' },
    );
    my $other = AwsSigV4::Sts->new(
        keys => [[@keys{qw(TEMP_AKID TEMP_SECRET TEMP_TOKEN)}]]);

    for my $source (sort keys %env) {
        my $nginx = gateway('aws_sigv4_provider p profile name=work
                                 config_file=$TEST_DIR/config;',
            files => [['config', 0644, "[profile work]\nrole_arn = $role\n"
                       . "credential_source = $source\n"
                       . "region = eu-west-1\n"]],
            env   => { AWS_ENDPOINT_URL => $other->url, %{ $env{$source} } });

        comes($nginx, "200 $key", $source);
        ends($nginx);
    }
};


subtest 'IMDS where the profile says, which is not in the environment' => sub {
    my $service = AwsSigV4::Credentials->new;
    my $other   = AwsSigV4::Sts->new(
        keys => [[@keys{qw(TEMP_AKID TEMP_SECRET TEMP_TOKEN)}]]);
    my $config  = "[profile work]\nrole_arn = $role\n"
        . "credential_source = Ec2InstanceMetadata\nregion = eu-west-1\n"
        . 'ec2_metadata_service_endpoint = ' . $service->url . "\n";
    my $dir     = temp_dir();
    my %env     = (AWS_EC2_METADATA_DISABLED => 'false');

    my $nginx = gateway('aws_sigv4_provider p profile name=work
                             config_file=$TEST_DIR/config;',
        files => [['config', 0644, $config]],
        env   => { AWS_ENDPOINT_URL => $other->url, %env });

    comes($nginx, "200 $key", 'nginx asks there');
    ends($nginx);

    spew("$dir/config", $config, 0644);

    like botocore($other->url, %env, AWS_PROFILE => 'work',
                  AWS_CONFIG_FILE => "$dir/config"), qr/ \Q$key\E$/,
         'so does botocore';
};


subtest 'endpoint_url and region of a profile' => sub {
    my $own   = AwsSigV4::Sts->new(region => 'sa-east-1');
    my $nginx = gateway('aws_sigv4_provider p profile name=work
                             config_file=$TEST_DIR/config;',
        files => [['config', 0644, "[profile work]\nrole_arn = $role\n"
                   . "source_profile = keys\nregion = sa-east-1\n"
                   . 'endpoint_url = ' . $own->url
                   . "\n[profile keys]\n$static"]]);

    comes($nginx, "200 $key", 'are used');
    ends($nginx);
};


subtest 'ca_bundle of a profile' => sub {
    my ($cert) = make_cert();
    my $other  = temp_dir() . '/other.pem';
    my $config = "[profile work]\nrole_arn = $role\nregion = eu-west-1\n"
        . "source_profile = work\nca_bundle = $cert\nendpoint_url = "
        . $sts->tls_url . "\n$static";
    my $http   = 'aws_sigv4_provider p profile name=work
                      config_file=$TEST_DIR/config;';
    my @files  = (['config', 0644, $config]);

    my $nginx = gateway($http, files => \@files);

    comes($nginx, "200 $key", 'is what certificates are verified against');
    ends($nginx);

    # the role is kept nowhere: another one is asked

    $config =~ s/\Q$cert\E/$other/;
    @files = (['config', 0644, $config]);
    $nginx = gateway($http, files => \@files,
                     env => { AWS_CA_BUNDLE => $cert });

    comes($nginx, "200 $key", 'AWS_CA_BUNDLE comes before it');
    ends($nginx);
};


done_testing();
