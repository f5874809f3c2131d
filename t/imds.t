#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Providers of type imds: what they ask the metadata service, and what they
# make of what it answers.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Credentials;
use AwsSigV4::Oracle qw(oracle_check);

my %key = %AwsSigV4::Verifier::KEYS;
my $roles = '/latest/meta-data/iam/security-credentials/';


subtest 'the mock is one for botocore' => sub {
    my $imds = AwsSigV4::Credentials->new;

    my ($status, $output) = run(
        command => [$AwsSigV4::Verifier::PYTHON, '-c', <<'EOP', $imds->url],
import sys
from botocore.utils import InstanceMetadataFetcher
c = InstanceMetadataFetcher(base_url=sys.argv[1] + "/",
                            env={}).retrieve_iam_role_credentials()
print(c["role_name"], c["access_key"], c["secret_key"], c["token"])
EOP
        env => { AWS_EC2_METADATA_DISABLED => undef },
    );

    is $status, 0, 'botocore fetches';
    is $output, "a-role $key{TEMP_AKID} $key{TEMP_SECRET} $key{TEMP_TOKEN}\n",
       'and gets what nginx gets';
    is_deeply [map { "$_->{method} $_->{path}" } $imds->requests],
              ['PUT /latest/api/token', "GET $roles", "GET ${roles}a-role"],
              'by the same requests';
};


subtest 'the credentials of a role' => sub {
    my $verifier = start_verifier();
    my $imds = AwsSigV4::Credentials->new;
    my $nginx = $imds->gateway(verifier => $verifier, log_level => 'debug',
                                env => { AWS_REGION => 'us-east-1' });

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'sign the first request';

    my ($counts, $text) = oracle_check($verifier->log_file);
    is_deeply [@$counts{qw(checked different)}], [1, 0],
              'as awscrt signs with them' or diag $text;

    is(($verifier->records)[0]{session_token}, JSON::PP::true(),
       'with their token');

    my @requests = $imds->requests;

    is_deeply [map { "$_->{method} $_->{path}" } @requests],
              ['PUT /latest/api/token', "GET $roles", "GET ${roles}a-role"],
              'they come from IMDSv2, and from nothing else';
    is $requests[0]{headers}{'x-aws-ec2-metadata-token-ttl-seconds'}, 21600,
       'with a token for six hours';
    is $requests[$_]{headers}{'x-aws-ec2-metadata-token'}, 'TOKEN-1==',
       "that request $_ carries" for 1, 2;
    ok !(grep { $_->{headers}{'x-forwarded-for'} } @requests),
       'nothing looks as if it were forwarded';

    my $last4 = substr $key{TEMP_AKID}, -4;
    my $log = slurp($nginx->error_log);

    like $log, qr/\[notice\] .*provider "p" uses access key \*$last4 from imds, it expires at 20\d\d-/,
         'the log says which';
    unlike $log, qr/\Q$_\E/, 'and no secret'
        for $key{TEMP_SECRET}, $key{TEMP_TOKEN}, 'TOKEN-1';

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'the token is kept, and renewed when it is refused' => sub {
    my $imds = AwsSigV4::Credentials->new(count => 1, life => 6);
    my $nginx = $imds->gateway;

    ok reaches($nginx, 3), 'credentials follow each other';
    is scalar(tokens($imds)), 1, 'with one token';

    $imds->set(revoked => 1);

    ok reaches($nginx, 6), 'they do so when it is refused';
    is scalar(tokens($imds)), 2, 'with one more token';

    $imds->set(revoked => 100);
    ok wait_for(sub {
           slurp($nginx->error_log)
               =~ /could not fetch credentials: .* answered with 401; /
       }), 'a service that refuses all of them is not asked on and on';

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'the region of the instance' => sub {
    my $imds = AwsSigV4::Credentials->new(region => 'eu-west-3');
    my %config = $imds->gateway_config(workers => 2);

    $config{config} =~ s/aws_sigv4_region .*\n//;

    my $nginx = start_nginx(%config, variables => ['aws_sigv4_region']);

    AwsSigV4::Credentials::used($nginx) for 1 .. 8;

    is_deeply [regions($nginx, 8)], [('eu-west-3') x 8], 'is used where nothing else tells one';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';

    $imds->mark;
    $config{env}{AWS_REGION} = 'ap-south-1';
    $nginx = start_nginx(%config, variables => ['aws_sigv4_region']);

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'with a region in the environment';
    is scalar(regions($nginx, 1)), 'ap-south-1', 'that is used';
    is scalar($imds->requests(qr/region/)), 0, 'and the instance not asked';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a region that cannot be told' => sub {
    my $imds = AwsSigV4::Credentials->new(region => 'eu-west-3',
                                          place => { status => 500 });
    my %config = $imds->gateway_config(variables => ['aws_sigv4_region']);

    # one that knows its region, and one that does not

    $config{config} .= $config{config} =~ s{location /}{location /any}r
                                       =~ s{aws_sigv4_region .*\n}{}r;

    my $nginx = start_nginx(%config);

    ok wait_for(sub {
           slurp($nginx->error_log) =~ /the region was answered with 500; it/
       }), 'is asked for again';

    $imds->set(place => undef);

    is AwsSigV4::Credentials::used($nginx, target => '/any'),
       "200 $key{TEMP_AKID}", 'and waited for';
    is scalar(regions($nginx, 1)), 'eu-west-3', 'and used';
    is_deeply [grep { !/could not fetch/ } $nginx->stop_it], [],
              'nginx ends well';

    $imds->set(place => { status => 500 });
    $nginx = start_nginx(%config);

    ok wait_for(sub {
           AwsSigV4::Credentials::used($nginx) eq "200 $key{TEMP_AKID}"
       }, 100), 'but not for ever';
    is_deeply [grep { !/could not fetch|no credentials/ } $nginx->stop_it],
              [], 'nginx ends well';
};


subtest 'a chain comes to it last' => sub {
    my $imds = AwsSigV4::Credentials->new;
    my $nginx = $imds->gateway(
        provider => 'aws_sigv4_provider p chain;',
        env => {
            HOME => '/nonexistent',
            AWS_EC2_METADATA_SERVICE_ENDPOINT => $imds->url . '/',
        },
    );

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'if there is nothing before it';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'the keys of a profile' => sub {
    my $imds = AwsSigV4::Credentials->new;
    my %config = $imds->gateway_config(
        provider => 'aws_sigv4_provider p chain;',
        variables => ['aws_sigv4_region'],
        env => {
            HOME => '$TEST_DIR',
            AWS_EC2_METADATA_SERVICE_ENDPOINT => '',
        },
        files => [['.aws/config', 0644, "[default]\nregion = eu-north-1\n"
                   . "ec2_metadata_service_endpoint = " . $imds->url . "\n"
                   . "metadata_service_num_attempts = 2\n"]],
    );

    $config{config} =~ s/aws_sigv4_region .*\n//;

    # what is there for a moment only

    $imds->set(list => { status => 500 });

    my $nginx = start_nginx(%config);

    ok wait_for(sub { 2 <= scalar $imds->requests(qr{/security-credentials/$}) }),
       'say how often it is tried';

    $imds->set(list => undef);

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'and who is asked';
    is scalar(regions($nginx, 1)), 'eu-north-1',
       'its region is used before that of the instance';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


my @bad = (
    [{ token => { status => 403 } },
     qr/token of IMDSv2 was answered with 403, \S+ is not the metadata service or it is switched off/],
    [{ token => { status => 404 } }, qr/was answered with 404/],
    [{ token => { status => 400 } }, qr/was answered with 400/],
    [{ token => { hang => 30 } },
     qr/no token of IMDSv2: .*HttpPutResponseHopLimit 2/],
    [{ token => { body => '' } }, qr/token of IMDSv2 is empty/],
    [{ token => { body => "a b" } }, qr/token of IMDSv2 is empty, too long or/],
    [{ role => undef }, qr/the instance has no role/],
    [{ list => { body => '' } }, qr/the name of the role is empty/],
    [{ list => { status => 500 } }, qr/name of the role was answered with 500/],
    [{ credentials => { status => 500 } }, qr/role was answered with 500/],
    [{ credentials => { status => 429 } }, qr/role was answered with 429/],
    [{ credentials => { status => 503, body => '<html>' } },
     qr/role was answered with 503/],
    [{ credentials => { body => '<html>no</html>' } }, qr/JSON/],
    [{ credentials => { body => '' } }, qr/provider "p" could not/],
    [{ credentials => { cut => 60, length => 60 } }, qr/JSON/],
    [{ credentials => { cut => 60 } }, qr/the credentials of the role: /],
    [{ credentials => { length => 100000 } },
     qr/the credentials of the role: /],
    [{ credentials => { body => '[' x 100000 } },
     qr/the credentials of the role: /],
    [{ credentials => { trickle => 0.2 } },
     qr/the credentials of the role: /],
    [{ credentials => { reset => JSON::PP::true() } },
     qr/the credentials of the role: /],
    [{ credentials => { hang => 30 } }, qr/the credentials of the role: /],
    [{ credentials => { set => { Code => 'AssumeRoleUnauthorizedAccess',
                                 Message => 'no trust' } } },
     qr/AssumeRoleUnauthorizedAccess/],
    (map { my $name = $_;
           map { [{ credentials => { set => { $name => $_ } } },
                  qr/\Q$name\E/] } undef, '' }
     qw( AccessKeyId SecretAccessKey Token Expiration )),
    [{ expiration => 'tomorrow' }, qr/Expiration/],
    [{ credentials => { set => { Token => "a\r\nX: y" } } },
     qr/provider "p" could not fetch/],
);

# one server and one provider each, in one nginx

subtest 'what is no credentials' => sub {
    my $upstream = start_verifier();
    my (@servers, $http, $config);

    $http = $config = '';

    for my $i (0 .. $#bad) {
        my $state = { %{ $bad[$i][0] } };
        my $none = exists $state->{role};

        delete $state->{role};
        $servers[$i] = AwsSigV4::Credentials->new(%$state);
        $servers[$i]->set(role => '') if $none;

        $http .= "aws_sigv4_provider p$i imds endpoint="
                 . $servers[$i]->url . ";\n";
        $config .= "location /$i {
            aws_sigv4                      on;
            aws_sigv4_service              execute-api;
            aws_sigv4_region               us-east-1;
            aws_sigv4_credentials          p$i;
            aws_sigv4_credentials_timeout  500ms;
            proxy_pass                     http://127.0.0.1:\$VERIFIER_PORT;
        }\n";
    }

    my $nginx = start_nginx(
        verifier => $upstream,
        http_config => "aws_sigv4_zone keys:4m;\n$http",
        config => $config,
        env => { AWS_EC2_METADATA_DISABLED => 'false' },
    );

    for my $i (0 .. $#bad) {
        my $name = JSON::PP->new->canonical->encode($bad[$i][0]);
        my $line = $bad[$i][1];
        my $name_i = substr($name, 0, 100);

        ok wait_for(sub {
            slurp($nginx->error_log)
                =~ /provider "p$i" could not fetch credentials: .*; it has none, next try in \d+ ms$/m
        }), "$name_i: the log tells";

        # on a busy machine an attempt may have failed otherwise before

        $line = qr/provider "p\d+" could not/ if "$line" =~ /provider "p"/;

        my @said;

        ok wait_for(sub {
            @said = slurp($nginx->error_log)
                =~ /(provider "p$i" could not fetch .*)/g;
            return scalar grep { $_ =~ $line } @said;
        }), 'why' or diag "@said";

        my $response = request($nginx->port, target => "/$i");

        is $response->{status}, 503, 'a request is refused';
        ok AwsSigV4::Client::header($response, 'Retry-After'),
           'with Retry-After';
    }

    is scalar($upstream->records), 0, 'none is sent';

    $_->set(credentials => {}, token => {}, list => {}, role => 'a-role',
            expiration => '') for @servers;

    for my $i (0 .. $#bad) {
        ok wait_for(sub {
            request($nginx->port, target => "/$i")->{status} == 200
        }, 100), "$i: what is right later is used";
    }

    my $log = slurp($nginx->error_log);

    unlike $log, qr/\Q$_\E/, 'no secret is in the log'
        for $key{TEMP_SECRET}, $key{TEMP_TOKEN};

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


done_testing();


# requests, until one is signed with the key of that number or a later one

sub reaches {
    my ($nginx, $number) = @_;

    return wait_for(sub {
        my ($n) = AwsSigV4::Credentials::used($nginx)
            =~ /^200 ASIANUMBER(\d+)$/ or return 0;
        return $n >= $number;
    });
}


# those in the access log, which is written behind the response

sub regions {
    my ($nginx, $count) = @_;

    wait_for(sub { $count <= (() = $nginx->access) });

    my @regions = map { $_->{aws_sigv4_region} } $nginx->access;

    return wantarray ? @regions : $regions[0];
}


sub tokens {
    my ($imds) = @_;

    return $imds->requests(qr{/api/token$});
}
