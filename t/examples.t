# SPDX-License-Identifier: BSD-2-Clause

# Each configuration of examples/ starts, signs what it is for, over TLS that
# it verifies, and refuses what it is not for.

use strict;
use warnings;

use lib 't/lib';

use MIME::Base64 ();
use Test::More;

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Credentials;
use AwsSigV4::Example;
use AwsSigV4::Sts;

my ($cert, $cert_key) = make_cert();
my $verifier = start_verifier(cert => $cert, cert_key => $cert_key);

my $workspace = '/workspaces/ws-12345678-abcd-4321-beef-0123456789ab';
my $model = '/model/anthropic.claude-3-haiku-20240307-v1';
my $profile = '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012'
    . '%3Aapplication-inference-profile%2Fabc123';
my $domain = 'search-logs-abcdefgh12345678.us-east-1.es.amazonaws.com';

example('amp-remote-write',
    signed => [
        [POST => "$workspace/api/v1/remote_write", body => 'x' x 600_000],
        [POST => "$workspace/api/v1/query", body => 'query=up',
         headers => 'Content-Type: application/x-www-form-urlencoded'],
        [GET  => "$workspace/api/v1/query_range?query=rate(up[5m])&step=1m"
                 . '&start=1&end=2',
         sent => "$workspace/api/v1/query_range?query=rate(up%5B5m%5D)"
                 . '&step=1m&start=1&end=2'],
        [GET  => "$workspace/api/v1/label/job/values"],
    ],
    scope   => 'aps:us-east-1',
    host    => 'aps-workspaces.us-east-1.amazonaws.com',
    refused => [
        [403, GET  => "$workspace/api/v1/remote_write"],
        [404, GET  => $workspace],
        [404, POST => "$workspace/alertmanager/api/v2/alerts"],
        [413, POST => "$workspace/api/v1/remote_write",
         body => 'x' x (8 * 1024 * 1024 + 1)],
    ],
);

example('cloudwatch',
    signed => [
        [POST => '/', body => 'Action=ListMetrics&Version=2010-08-01'],
        [GET  => '/?Version=2010-08-01&Action=ListMetrics'],
    ],
    scope   => 'monitoring:us-east-1',
    host    => 'monitoring.us-east-1.amazonaws.com',
    refused => [[404, GET => '/other']],
);

example('s3',
    signed => [
        [PUT => '/my-bucket/a%20b+c%2Fd', body => 'data',
         sent => '/my-bucket/a%20b%2Bc/d'],
        [GET => '/my-bucket?list-type=2&prefix=a+b',
         sent => '/my-bucket?list-type=2&prefix=a%20b'],
        [HEAD => '/my-bucket/a//b'],
    ],
    scope   => 's3:us-east-1',
    host    => 's3.us-east-1.amazonaws.com',
    refused => [
        [403, GET => '/assets/?list-type=2'],
        [403, PUT => '/assets/logo.svg', body => 'x'],
    ],
);

example('s3',
    signed => [
        [GET => '/assets/logo%20(1).svg?acl', sent => '/logo%20%281%29.svg'],
    ],
    scope => 's3:us-east-1',
    host  => 'my-assets.s3.us-east-1.amazonaws.com',
);

my $ana = 'Authorization: Basic ' . MIME::Base64::encode('ana:word', '');

example('opensearch',
    files  => [['opensearch.htpasswd', 0644, "ana:{PLAIN}word\n"]],
    signed => [
        [GET  => '/_cluster/health', headers => $ana],
        [POST => '/logs-2024.01/_search?q=*:*', body => '{"size":1}',
         headers => "$ana\nContent-Type: application/json"],
        [POST => '/_bulk', headers => $ana, body => "{}\n" x 100_000],
    ],
    scope   => 'es:us-east-1',
    host    => $domain,
    refused => [
        [401, GET => '/_cluster/health'],
        [302, GET => '/', headers => $ana],
    ],
);

example('bedrock',
    signed => [
        [POST => "$model%3A0/converse", body => '{}'],
        [POST => "$model:0/converse-stream", body => '{}'],
        [POST => "$profile/invoke", body => '{}'],
    ],
    scope   => 'bedrock:us-east-1',
    host    => 'bedrock-runtime.us-east-1.amazonaws.com',
    refused => [
        [403, GET => "$model%3A0/converse"],
        [404, POST => '/guardrail/x/version/1/apply', body => '{}'],
    ],
);

example('bedrock-by-model',
    signed  => [[chat('openai.gpt-oss-20b-1:0'),
                 sent => '/openai/v1/chat/completions']],
    scope   => 'bedrock:us-west-2',
    host    => 'bedrock-runtime.us-west-2.amazonaws.com',
    refused => [
        [404, chat('gpt-4')],
        [404, chat('openai.gpt-oss-20b-1:0","model":"gpt-4')],
        [404, POST => '/v1/chat/completions', body => 'model'],
        [404, POST => '/v1/embeddings', body => '{}'],
    ],
);

example('bedrock-by-model',
    signed => [[chat('openai.gpt-oss-120b-1:0', 'x' x 2_000_000),
                sent => '/openai/v1/chat/completions']],
    scope  => 'bedrock:eu-central-1',
    host   => 'bedrock-runtime.eu-central-1.amazonaws.com',
);

example('bedrock-by-model',
    signed => [[chat('openai.gpt-oss-120b')]],
    scope  => 'bedrock-mantle:us-east-1',
    host   => 'bedrock-mantle.us-east-1.api.aws',
);

# those that find a role: the environment is that of where they belong

my %no_keys = (AWS_ACCESS_KEY_ID => '', AWS_SECRET_ACCESS_KEY => '');
my $service = AwsSigV4::Credentials->new;
my $sts = AwsSigV4::Sts->new(region => 'us-east-1');
my %own = %AwsSigV4::Verifier::KEYS;
my $temporary = $own{TEMP_AKID};

example('ec2',
    env    => { AWS_EC2_METADATA_SERVICE_ENDPOINT => $service->url,
                AWS_EC2_METADATA_DISABLED => 'false' },
    signed => [[GET => '/my-bucket/key']],
    scope  => 's3:us-east-1',
    host   => 's3.us-east-1.amazonaws.com',
    key    => $temporary,
);

example('ecs',
    env     => { AWS_CONTAINER_CREDENTIALS_FULL_URI => $service->url . '/v2' },
    signed  => [[POST => "$model%3A0/converse", body => '{}']],
    scope   => 'bedrock:us-east-1',
    host    => 'bedrock-runtime.us-east-1.amazonaws.com',
    key     => $temporary,
    refused => [[404, POST => '/guardrail/x/version/1/apply', body => '{}']],
);

example('eks-pod-identity',
    files  => [['token', 0644, 'a.pod.identity']],
    env    => { AWS_CONTAINER_CREDENTIALS_FULL_URI => $service->url . '/v1',
                AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => '$TEST_DIR/token' },
    signed => [[POST => '/', body => 'Action=ListQueues']],
    scope  => 'sqs:us-east-1',
    host   => 'sqs.us-east-1.amazonaws.com',
    key    => $temporary,
);

example('eks-irsa',
    files   => [['token', 0644, $AwsSigV4::Sts::TOKEN]],
    env     => { AWS_ROLE_ARN => $AwsSigV4::Sts::ROLE,
                 AWS_WEB_IDENTITY_TOKEN_FILE => '$TEST_DIR/token',
                 AWS_REGION => 'us-east-1',
                 AWS_ENDPOINT_URL_STS => $sts->url, %no_keys },
    signed  => [[POST => "$workspace/api/v1/remote_write", body => 'x']],
    scope   => 'aps:us-east-1',
    host    => 'aps-workspaces.us-east-1.amazonaws.com',
    key     => $temporary,
    refused => [[404, GET => '/']],
);

example('laptop',
    files  => [['.aws/config', 0600, "[profile work]\nrole_arn = "
                . "$AwsSigV4::Sts::ROLE\nsource_profile = work\n"
                . "region = us-east-1\naws_access_key_id = $own{AKID}\n"
                . "aws_secret_access_key = $own{SECRET}\n"]],
    env    => { HOME => '$TEST_DIR', AWS_PROFILE => 'work',
                AWS_ENDPOINT_URL_STS => $sts->url, %no_keys },
    signed => [[GET => '/?Action=ListMetrics&Version=2010-08-01']],
    scope  => 'monitoring:us-east-1',
    host   => 'monitoring.us-east-1.amazonaws.com',
    key    => $temporary,
);

my @roles = ('arn:aws:iam::222222222222:role/reports-reader',
             'arn:aws:iam::333333333333:role/logs-writer');

$sts->set(sessions => {
    map { $_ => $sts->{state}{sessions}{$AwsSigV4::Sts::ROLE} } @roles });
$sts->mark;

example('cross-account',
    env     => { AWS_ENDPOINT_URL_STS => $sts->url },
    signed  => [[GET => '/billing-reports/2024.csv'],
                [PUT => '/audit-logs/app.log', body => 'line']],
    scope   => 's3:us-east-1',
    host    => 's3.us-east-1.amazonaws.com',
    key     => $temporary,
    refused => [[403, PUT => '/billing-reports/2024.csv', body => 'x'],
                [403, GET => '/audit-logs/app.log'],
                [404, GET => '/another-bucket/key']],
);

is_deeply([sort map { $_->{RoleArn} } $sts->forms], \@roles,
          'each location has its own role');

untrusted();
complete();

$verifier->stop_it;
done_testing();


# a request to an OpenAI endpoint

sub chat {
    my ($name, $text) = @_;

    $text //= 'Hello';

    return (POST => '/v1/chat/completions',
            headers => 'Content-Type: application/json',
            body => '{"messages":[{"role":"user","content":"' . $text
                    . '"}],"model":"' . $name . '"}');
}

# signed: [METHOD => target, more of a request, sent => the target that the
# verifier sees]; refused: [status, the same]

sub example {
    my ($name, %expect) = @_;

    subtest "examples/$name for $expect{host}" => sub {
        my $nginx = AwsSigV4::Example->new($name, $verifier,
                                           files => $expect{files},
                                           env => $expect{env})->start;

        is(join("\n", grep { !/"user" directive/ }
                $nginx->output =~ /^.*\[warn\].*$/mg), '',
           'nginx has nothing to warn of');

        signed($nginx, \%expect, @$_) for @{ $expect{signed} };
        refused($nginx, @$_) for @{ $expect{refused} || [] };

        quiet($nginx);

        # complete once nginx has ended
        my %status = map { $_->{aws_sigv4_status} => 1 }
            grep { $_->{upstream_status} ne '' } $nginx->access;
        is_deeply(\%status, { signed => 1 }, 'no signature was made twice');
    };

    return;
}

sub signed {
    my ($nginx, $expect, $method, $target, %request) = @_;

    my $sent = delete $request{sent} // $target;

    $verifier->mark;
    my $response = request($nginx->port, method => $method,
                           target => $target, %request);
    my ($record) = $verifier->records;

    is($response->{status}, 200, "$method $target")
        or diag($response->{body}), return;

    is($record->{verdict}, 'ok', 'its signature is right');
    is($record->{target}, $sent, 'what was sent');
    is("$record->{service}:$record->{region}", $expect->{scope}, 'its scope');
    is($record->{access_key_id}, $expect->{key}, 'its key')
        if $expect->{key};
    ok($record->{tls}, 'over TLS');

    my %header = map { lc $_->[0] => $_->[1] } @{ $record->{headers} };
    is($header{host}, $expect->{host}, 'its host');
    unlike($header{authorization}, qr/Basic/, 'no password');

    return;
}

sub refused {
    my ($nginx, $status, $method, $target, %request) = @_;

    $verifier->mark;
    my $response = request($nginx->port, method => $method,
                           target => $target, %request);

    is($response->{status}, $status, "$method $target is refused");
    is(scalar(my @none = $verifier->records), 0, 'and not sent');

    return;
}

# A refusal of nginx's own is an error in its log.
sub quiet {
    my ($nginx) = @_;

    is(join("\n", $nginx->stop_it), '', 'nginx ended well');

    my @errors = grep { !/forbidden by rule|too large body|no user\/password/ }
        slurp($nginx->error_log) =~ /^.*\[(?:error|crit|alert|emerg)\].*$/mg;

    is(join("\n", @errors), '', 'no error in the log');

    return;
}

# A server whose certificate is another's gets nothing.
sub untrusted {
    my ($ca) = other_cert();

    for my $name ('s3', 'amp-remote-write') {
        my $nginx = AwsSigV4::Example->new($name, $verifier, ca => $ca)->start;
        my $target = $name eq 's3' ? '/my-bucket/key'
            : "$workspace/api/v1/query";

        refused($nginx, 502, GET => $target);
        like(slurp($nginx->error_log), qr/certificate verify error/,
             'nginx says why');
        is(join("\n", $nginx->stop_it), '', 'nginx ended well');
    }

    return;
}

sub other_cert {
    my $dir = temp_dir();
    my ($code, $output) = run(command => [
        'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:prime256v1', '-nodes', '-days', 30, '-subj',
        '/CN=another', '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem",
    ]);
    die "openssl: $output" if $code;

    return "$dir/cert.pem";
}

# What the README of the examples says of all of them.
sub complete {
    my $readme = slurp('examples/README.md');

    for my $path (sort glob 'examples/*/nginx.conf') {
        my $text   = slurp($path);
        my ($name) = $path =~ m{examples/([^/]+)/};

        # what it includes counts too
        $text .= slurp("examples/$name/$_")
            for $text =~ /^\s*include\s+([\w.-]+);/mg;

        like($readme, qr{\[$name\]\($name/}, "the index has $name");

        like($text, qr/^\s*$_/m, "$path has $_")
            for 'proxy_ssl_verify\s+on;', 'proxy_ssl_server_name\s+on;',
                'proxy_ssl_trusted_certificate', 'client_max_body_size',
                'listen\s+127\.0\.0\.1:8080;';
    }

    return;
}
