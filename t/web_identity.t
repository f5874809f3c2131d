#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Roles that STS gives for a token of an identity provider, against a server
# that is as strict as the API reference; botocore asks the same server.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Roles;
use AwsSigV4::Sts;

my $sts  = AwsSigV4::Sts->new;
my $key  = $AwsSigV4::Verifier::KEYS{TEMP_AKID};
my $role = $AwsSigV4::Sts::ROLE;
my @cert = make_cert();


sub token {
    my ($content) = @_;

    return ['token', 0644, $content // "$AwsSigV4::Sts::TOKEN\n"];
}


sub web_identity {
    my ($params, %arg) = @_;

    return gateway("aws_sigv4_provider p web_identity role_arn=$role
                        token_file=\$TEST_DIR/token $params;",
                   files => [token()], %arg);
}


subtest 'the environment of IRSA' => sub {
    $sts->mark;

    my $nginx = gateway('aws_sigv4_provider p web_identity;',
        files => [token()],
        env   => {
            AWS_ROLE_ARN                => $role,
            AWS_WEB_IDENTITY_TOKEN_FILE => '$TEST_DIR/token',
            AWS_ROLE_SESSION_NAME       => 'pod-1',
            AWS_ENDPOINT_URL_STS        => $sts->url,
            AWS_STS_REGIONAL_ENDPOINTS  => 'regional',
        });

    comes($nginx, "200 $key", 'its role signs');

    is_deeply [$sts->forms], [{
        Action           => 'AssumeRoleWithWebIdentity',
        Version          => '2011-06-15',
        RoleArn          => $role,
        RoleSessionName  => 'pod-1',
        WebIdentityToken => $AwsSigV4::Sts::TOKEN,
    }], 'STS was asked once, for all of it';

    unlike log_of($nginx), qr/\Q$AwsSigV4::Sts::TOKEN\E/,
           'the log does not show the token';

    ends($nginx);
};


subtest 'the default chain finds it' => sub {
    my $nginx = gateway('aws_sigv4_provider p chain;',
        files => [token()],
        env   => {
            AWS_ROLE_ARN                => $role,
            AWS_WEB_IDENTITY_TOKEN_FILE => '$TEST_DIR/token',
            AWS_ENDPOINT_URL            => $sts->url,
        });

    comes($nginx, "200 $key", 'its role signs');
    ends($nginx);
};


subtest 'parameters, over TLS' => sub {
    $sts->mark;

    my $nginx = web_identity('session_name=' . 'n' x 70 . ' duration=900'
        . ' ca_file=' . $cert[0] . ' endpoint=' . $sts->tls_url,
        env => { AWS_ROLE_ARN => 'arn:aws:iam::1:role/other' });

    comes($nginx, "200 $key", 'the role signs');

    my ($form) = $sts->forms;

    is $form->{RoleArn}, $role, 'parameters come before the environment';
    is $form->{DurationSeconds}, 900, 'the duration is sent';
    is $form->{RoleSessionName}, 'n' x 64, 'a name is cut after 64 bytes';

    ends($nginx);
};


subtest 'a certificate that nobody knows' => sub {
    $sts->mark;

    my $url   = $sts->tls_url =~ s/localhost/127.0.0.1/r;
    my $nginx = web_identity("endpoint=$url", timeout => '1s');

    comes($nginx, '503 ', 'there are no credentials');
    ok wait_for(sub { log_of($nginx) =~ /\Q$url\E: .*certif/ }),
       'the log says why' or diag log_of($nginx);
    is_deeply [$sts->forms], [], 'and STS has not seen the token';

    ends($nginx, qr/aws sigv4/);
};


subtest 'AWS_CA_BUNDLE' => sub {
    my $nginx = web_identity('endpoint=' . $sts->tls_url,
                             env => { AWS_CA_BUNDLE => $cert[0] });

    comes($nginx, "200 $key", 'the certificate is verified against it');
    ends($nginx);
};


subtest 'the token is read for each request to STS' => sub {
    my $nginx = web_identity('endpoint=' . $sts->url, timeout => '1s',
                             files => [token('an old one')]);

    comes($nginx, '503 ', 'there are no credentials for an old token');
    ok wait_for(sub { log_of($nginx) =~ /InvalidIdentityToken/ }, 60),
       'the log says so';

    spew($nginx->dir . '/token.new', $AwsSigV4::Sts::TOKEN, 0644);
    rename $nginx->dir . '/token.new', $nginx->dir . '/token'
        or die "rename: $!";

    comes($nginx, "200 $key", 'but for the next one');
    ends($nginx, qr/InvalidIdentityToken|no credentials available/);
};


for my $case (['no file', undef, qr/file "\S+token" does not exist/],
              ['an empty file', '', qr/file "\S+token" is empty/],
              ['a line end', "\n", qr/file "\S+token" is empty/],
              ['a large file', 'x' x 65537, qr/is larger than 64K/])
{
    my ($name, $content, $error) = @$case;

    subtest "a token file that cannot be used: $name" => sub {
        $sts->mark;

        my $nginx = web_identity('endpoint=' . $sts->url, timeout => '1s',
            files => [defined $content ? token($content) : ()]);

        comes($nginx, '503 ', 'there are no credentials');
        ok wait_for(sub { log_of($nginx) =~ $error }), 'the log says why'
            or diag log_of($nginx);
        is_deeply [$sts->forms], [], 'STS is not asked';

        ends($nginx, qr/aws sigv4/);
    };
}


for my $code (qw(IDPCommunicationError InvalidIdentityToken)) {
    subtest "another try after $code" => sub {
        my $own = AwsSigV4::Sts->new(
            actions => [ ({ error => [400, $code, 'try again'] }) x 2 ]);
        my $nginx = web_identity('endpoint=' . $own->url);

        comes($nginx, "200 $key", 'the third request brings the keys');
        is scalar(() = $own->forms), 3, 'there were three';
        unlike log_of($nginx), qr/\Q$code\E/, 'the log does not know';

        ends($nginx);
    };
}


for my $case (
    ['refused', { error => [403, 'AccessDenied', "it is not f\x{fc}r you"] },
     qr/answered with status 403: .*AccessDenied.*not f\?+r you/],
    ['HTML', { status => 502, body => '<html><body>Bad</body></html>' },
     qr/answered with status 502/],
    ['half a document', { cut => 300 }, qr/http:\S+: /],
    ['no token', { set => { SessionToken => undef } }, qr/SessionToken/],
    ['an old time', { set => { Expiration => '2020-01-01T00:00:00Z' } },
     qr/expire/],
    ['no time', { set => { Expiration => 'tomorrow' } }, qr/Expiration/])
{
    my ($name, $action, $error) = @$case;

    subtest "an answer that is no good: $name" => sub {
        my $own   = AwsSigV4::Sts->new(action => $action);
        my $nginx = web_identity('endpoint=' . $own->url, timeout => '1s');

        comes($nginx, '503 ', 'there are no credentials');
        ok wait_for(sub { log_of($nginx) =~ $error }), 'the log says why'
            or diag log_of($nginx);

        $own->set(action => undef);
        comes($nginx, "200 $key", 'a good one is used then');

        ends($nginx, qr/aws sigv4/);
    };
}


subtest 'botocore gets the same from the same server' => sub {
    $sts->mark;

    my $dir = temp_dir();
    spew("$dir/token", $AwsSigV4::Sts::TOKEN, 0644);

    is botocore($sts->url,
                AWS_ROLE_ARN                => $role,
                AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token"),
       "assume-role-with-web-identity $key\n", 'the keys of the role';

    is scalar(() = $sts->forms), 1, 'from the same server';
};


done_testing();
