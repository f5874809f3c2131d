#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Roles that another provider assumes: what STS is asked, signed by whom, and
# what becomes of it.  The server verifies the signature.

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
my @cert  = make_cert();

my $base = "aws_sigv4_provider base static access_key_id=$keys{AKID}
                secret_access_key_file=\$TEST_DIR/secret;\n";


sub assume_role {
    my ($params, %arg) = @_;

    my $url = delete $arg{url} // $sts->url;

    return gateway("$base aws_sigv4_provider p assume_role role_arn=$role
                        source=base endpoint=$url $params;",
                   files => [['secret', 0600, $keys{SECRET}]], %arg);
}


# who has asked since the mark

sub askers {
    return map { $_->{access_key_id} } $sts->requests;
}


subtest 'no more than a role and a source' => sub {
    $sts->mark;

    my $nginx = assume_role('');

    comes($nginx, "200 $key", 'the role signs');

    my ($form, @more) = $sts->forms;

    like delete $form->{RoleSessionName}, qr/^nginx-[\w+=,.@-]{1,58}$/,
         'the session is called after nginx and the host';
    is_deeply $form, { Action => 'AssumeRole', Version => '2011-06-15',
                       RoleArn => $role }, 'nothing else is said';
    is_deeply \@more, [], 'STS is asked once';
    is_deeply [askers()], [$keys{AKID}], 'by the source';

    like log_of($nginx), qr/provider "p" uses access key \*MPLE/,
         'the log says what is used';
    unlike log_of($nginx), qr/\Q$_\E/, 'and no secret'
        for @keys{qw(SECRET TEMP_SECRET TEMP_TOKEN)};

    ends($nginx);
};


subtest 'all that can be said of a role' => sub {
    $sts->mark;

    my $nginx = assume_role('session_name=' . 'a,b=c.d@e+f_g-' . 'h' x 60
        . ' external_id=x:1/2+3=4 duration=43200 source_identity=me@home'
        . ' "tags=team=a b,cost-center=7/8,empty=,k=v=w"');

    comes($nginx, "200 $key", 'the role signs');

    is_deeply [$sts->forms], [{
        Action                => 'AssumeRole',
        Version               => '2011-06-15',
        RoleArn               => $role,
        RoleSessionName       => 'a,b=c.d@e+f_g-' . 'h' x 50,
        ExternalId            => 'x:1/2+3=4',
        DurationSeconds       => 43200,
        SourceIdentity        => 'me@home',
        'Tags.member.1.Key'   => 'team',
        'Tags.member.1.Value' => 'a b',
        'Tags.member.2.Key'   => 'cost-center',
        'Tags.member.2.Value' => '7/8',
        'Tags.member.3.Key'   => 'empty',
        'Tags.member.3.Value' => '',
        'Tags.member.4.Key'   => 'k',
        'Tags.member.4.Value' => 'v=w',
    }], 'is sent';

    ends($nginx);
};


subtest 'over TLS, with the session token of the source' => sub {
    my $own = AwsSigV4::Sts->new(
        keys => [[@keys{qw(TEMP_AKID TEMP_SECRET TEMP_TOKEN)}]]);
    my $nginx = gateway("aws_sigv4_provider p assume_role role_arn=$role
                            source=env ca_file=$cert[0] endpoint="
                        . $own->tls_url . ';',
        env => {
            AWS_ACCESS_KEY_ID     => $keys{TEMP_AKID},
            AWS_SECRET_ACCESS_KEY => $keys{TEMP_SECRET},
            AWS_SESSION_TOKEN     => $keys{TEMP_TOKEN},
        });

    comes($nginx, "200 $key", 'the role signs');
    ok +($own->requests)[0]{tls}, 'STS was asked over TLS';

    ends($nginx);
};


subtest 'the default chain as the source, which nobody has defined' => sub {
    $sts->mark;

    my $nginx = gateway("aws_sigv4_provider p assume_role role_arn=$role
                             source=default endpoint=" . $sts->url . ';',
        env => {
            AWS_ACCESS_KEY_ID     => $keys{OTHER_AKID},
            AWS_SECRET_ACCESS_KEY => $keys{OTHER_SECRET},
        });

    comes($nginx, "200 $key", 'the role signs');
    is_deeply [askers()], [$keys{OTHER_AKID}], 'for keys of the environment';

    ends($nginx);
};


subtest 'a role that is assumed by a role' => sub {
    $sts->mark;

    my $url   = $sts->url;
    my $nginx = gateway("$base
        aws_sigv4_provider p assume_role role_arn=$role source=hop
            duration=3600 endpoint=$url;
        aws_sigv4_provider hop assume_role role_arn=$first source=base
            endpoint=$url;",
        files => [['secret', 0600, $keys{SECRET}]]);

    comes($nginx, "200 $key", 'the second role signs');
    is_deeply [askers()], [$keys{AKID}, $AwsSigV4::Sts::SECOND[0]],
              'which the first has assumed';

    ends($nginx);
};


subtest 'a role that is assumed by a web identity' => sub {
    $sts->mark;

    my $url   = $sts->url;
    my $nginx = gateway("
        aws_sigv4_provider p assume_role role_arn=$role source=web
            endpoint=$url;
        aws_sigv4_provider web web_identity role_arn=$first
            token_file=\$TEST_DIR/token endpoint=$url;",
        files => [['token', 0644, $AwsSigV4::Sts::TOKEN]]);

    comes($nginx, "200 $key", 'the second role signs');
    is_deeply [askers()], [undef, $AwsSigV4::Sts::SECOND[0]],
              'which the web identity has assumed';

    ends($nginx);
};


subtest 'the region of the endpoint is signed for' => sub {
    my $own = AwsSigV4::Sts->new(region => 'ap-south-1');
    my $nginx = assume_role('region=ap-south-1', url => $own->url);

    # the verifier of requests takes any region

    comes($nginx, "200 $key", 'that of the parameter');
    ends($nginx);
};


for my $case (
    ['a wrong secret', { keys => [[$keys{AKID}, 'another', '']] }, {},
     qr/status 403: .*SignatureDoesNotMatch/],
    ['not allowed', { sessions => {} }, {},
     qr/status 403: .*AccessDenied.*sts:AssumeRole/],
    ['another action', { action => { body =>
        '<AssumeRoleWithWebIdentityResponse/>' } }, {}, qr/answered/],
    ['500', { action => { status => 500, body => '' } }, {},
     qr/status 500/])
{
    my ($name, $state, undef, $error) = @$case;

    subtest "no credentials: $name" => sub {
        my $own   = AwsSigV4::Sts->new(%$state);
        my $nginx = assume_role('', url => $own->url, timeout => '1s');

        comes($nginx, '503 ', 'nothing is signed');
        ok wait_for(sub { log_of($nginx) =~ $error }), 'the log says why'
            or diag log_of($nginx);

        $own->set(action => undef, $sts->defaults(\%keys));
        comes($nginx, "200 $key", 'until it works');

        ends($nginx, qr/aws sigv4/);
    };
}


subtest 'a source whose credentials STS refuses' => sub {
    my $service = AwsSigV4::Credentials->new;
    my $own     = AwsSigV4::Sts->new(
        keys    => [[@keys{qw(TEMP_AKID TEMP_SECRET TEMP_TOKEN)}]],
        actions => [{ error => [403, 'ExpiredToken', 'it is over'] }]);
    my $nginx   = gateway("
        aws_sigv4_provider c container endpoint=" . $service->url . "/c;
        aws_sigv4_provider p assume_role role_arn=$role source=c
            endpoint=" . $own->url . ';');

    comes($nginx, "200 $key", 'the role signs after another try');
    ok wait_for(sub { 1 < (() = $service->requests) }),
       'the source was asked again';
    like log_of($nginx),
         qr/AWS has refused the credentials of provider "c", they are/,
         'the log says why';

    ends($nginx, qr/aws sigv4/);
};


subtest 'a source without credentials' => sub {
    $sts->mark;

    my $nginx = gateway("aws_sigv4_provider p assume_role role_arn=$role
                             source=profile endpoint=" . $sts->url . ';',
                        timeout => '1s');

    comes($nginx, '503 ', 'nothing is signed');
    ok wait_for(sub {
           log_of($nginx) =~ /"p" could not fetch credentials: its source, provider "profile", has no credentials: there is no profile "default"/
       }), 'the log says why' or diag log_of($nginx);
    is_deeply [$sts->forms], [], 'STS is not asked';

    mkdir $nginx->dir . '/.aws';
    spew($nginx->dir . '/.aws/credentials',
         "[default]\naws_access_key_id = $keys{OTHER_AKID}\n"
         . "aws_secret_access_key = $keys{OTHER_SECRET}\n", 0644);

    comes($nginx, "200 $key", 'until it has some');

    ends($nginx, qr/aws sigv4/);
};


done_testing();
