# SPDX-License-Identifier: BSD-2-Clause

# No secret is shown: secret keys, session tokens, signing keys and the
# signatures that were sent are looked for in debug logs, in all variables,
# in responses and in nginx -T.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Nginx;
use AwsSigV4::Verifier;
use Digest::SHA  qw(hmac_sha256);
use MIME::Base64 qw(encode_base64);
use POSIX        qw(strftime);
use Test::More;

my %keys = %AwsSigV4::Verifier::KEYS;

# The verifier does not answer with the headers that it has seen.
my ($cert, $cert_key) = make_cert();
my $verifier = start_verifier(
    cert     => $cert,
    cert_key => $cert_key,
    script   => [ { match => '^/retry', status => 503, body => 'no' },
                  { match => '^/retry', status => 503, body => 'no' },
                  { match => '^/closed', close => 'head' },
                  { times => 1000, body => 'yes' } ],
);

my @variables = (
    (map { "aws_sigv4_$_" }
        qw(host region service access_key_id date credential_scope
           signed_headers payload_hash status canonical_request
           string_to_sign)),
    qw(http_authorization http_x_amz_date http_x_amz_security_token
       http_x_amz_content_sha256 args request_body sent_http_authorization
       sent_http_x_amz_security_token upstream_http_authorization
       proxy_host),
);

my $shown = join ' ', map { "\$$_" } @variables;

my $nginx = start_nginx(
    verifier  => $verifier,
    values    => { TEST_CERT => $cert, TEST_SHOWN => $shown },
    variables => \@variables,
    log_level => 'debug',
    env       => {
        AWS_ACCESS_KEY_ID     => $keys{TEMP_AKID},
        AWS_SECRET_ACCESS_KEY => $keys{TEMP_SECRET},
        AWS_SESSION_TOKEN     => $keys{TEMP_TOKEN},
    },
    files => [
        [ 'secret', 0644, "$keys{TEMP_SECRET}\n" ],
        [ 'token', 0644, "$keys{TEMP_TOKEN}\n" ],
        [ 'profile', 0644, "[default]\naws_access_key_id = $keys{AKID}\n"
                           . "aws_secret_access_key = $keys{SECRET}\n" ],
        [ 'keys.csv', 0644, "Access key ID,Secret access key\n"
                            . "$keys{OTHER_AKID},$keys{OTHER_SECRET}\n" ],
    ],
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_TEMP_AKID
    secret_access_key_file=$TEST_DIR/secret
    session_token_file=$TEST_DIR/token;
aws_sigv4_provider environment env;
aws_sigv4_provider profile profile credentials_file=$TEST_DIR/profile;
aws_sigv4_provider console csv file=$TEST_DIR/keys.csv;

aws_sigv4          on;
aws_sigv4_service  execute-api;
aws_sigv4_region   us-east-1;

client_body_buffer_size  16k;
client_max_body_size     100k;

upstream two {
    server  127.0.0.1:$VERIFIER_PORT max_fails=0;
    server  unix:$VERIFIER_SOCKET max_fails=0;
}
EOC
    config => <<'EOC',
add_header  X-Shown "$TEST_SHOWN" always;

location / {
    aws_sigv4_credentials  $arg_from;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
}

location /default {
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /tls {
    proxy_ssl_verify               on;
    proxy_ssl_name                 localhost;
    proxy_ssl_trusted_certificate  $TEST_CERT;
    proxy_pass                     https://127.0.0.1:$VERIFIER_TLS_PORT;
}

location /retry {
    proxy_next_upstream  http_503;
    proxy_pass           http://two;
}

location /resigned {
    proxy_set_body  "another";
    proxy_pass      http://127.0.0.1:$VERIFIER_PORT;
}

location /refused {
    proxy_pass  http://127.0.0.1:$CLOSED_PORT;
}

location /shown {
    proxy_pass  http://127.0.0.1:$CLOSED_PORT;
    error_page  502 = @shown;
}

location @shown {
    return  200 "$TEST_SHOWN";
}

location /again {
    proxy_pass  http://127.0.0.1:$CLOSED_PORT;
    error_page  502 = @again;
}

location @again {
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /not-allowed {
    aws_sigv4_host         $arg_host;
    aws_sigv4_allow_hosts  *.example.com;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
}

location /split {
    proxy_set_header  X-Value "$arg_a\n\n$arg_b";
    proxy_pass        http://127.0.0.1:$VERIFIER_PORT;
}

location /scope {
    aws_sigv4_region  $arg_region;
    proxy_pass        http://127.0.0.1:$VERIFIER_PORT;
}

location /hook {
    aws_sigv4_by_lua_block {
        local seen = {}

        for name, value in pairs(sigv4) do
            seen[#seen + 1] = tostring(name) .. tostring(value)
        end

        error(table.concat(seen, ",") .. tostring(sigv4.credentials))
    }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /denied {
    aws_sigv4_by_lua_block {
        sigv4.deny(403, tostring(sigv4.headers["authorization"])
                        .. tostring(sigv4.var.aws_sigv4_access_key_id))
    }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}
EOC
);

my @cases = (
    [ 'GET',  '/?from=environment', 200 ],
    [ 'GET',  '/?from=profile',     200 ],
    [ 'GET',  '/?from=console',     200 ],
    [ 'GET',  '/default?a=b&c',     200 ],
    [ 'POST', '/default',           200, 'x' x 100 ],
    [ 'POST', '/default',           200, 'x' x 50000 ],
    [ 'POST', '/tls',               200, 'x' x 50000 ],
    [ 'PUT',  '/retry',             503, 'x' x 1000 ],
    [ 'POST', '/resigned',          200, 'x' ],
    [ 'GET',  '/refused',           502 ],
    [ 'GET',  '/shown',             200 ],
    [ 'POST', '/again',             200, 'x' ],
    [ 'GET',  '/closed',            502 ],
    [ 'GET',  '/closed?from=none',  500 ],
    [ 'GET',  '/not-allowed?host=x', 403 ],
    [ 'GET',  '/split',             500 ],
    [ 'GET',  '/scope?region=us/east', 500 ],
    [ 'GET',  '/hook',              500 ],
    [ 'GET',  '/denied',            403 ],
    [ 'POST', '/default',           413, 'x' x 200000 ],
);

my $seen = '';

for my $case (@cases) {
    my ($method, $target, $status, $body) = @$case;

    $target .= '?from=default' if $target eq '/closed';

    my $response = request($nginx->port, method => $method,
                           target => $target, body => $body);

    is($response->{status}, $status, "$method $target: $status")
        or diag($response->{head});
    $seen .= "response: $response->{head}\n$response->{body}\n";
}

wait_for(sub { $nginx->access >= @cases });

my @access = $nginx->access;

is(@access, @cases, 'all requests are in the access log');
like($access[3]{aws_sigv4_canonical_request}, qr/\nx-amz-security-token:/,
     'the variables are there');

# What nginx -T prints is the configuration, not what it names.
my $dump = temp_dir() . '/dump';
my $pid  = spawn(output => $dump, cwd => $nginx->dir, env => $nginx->{env},
                 command => [ $AwsSigV4::Nginx::BINARY, '-T', '-p',
                              $nginx->dir . '/', '-c', 'conf/nginx.conf',
                              '-e', 'stderr' ]);

wait_for(sub { !is_running($pid) });
is(stop($pid), 0, 'nginx -T succeeds');
like(slurp($dump), qr/aws_sigv4_provider console csv/,
     'nginx -T prints the configuration');

sub signing_key {
    my ($secret) = @_;

    my $key = "AWS4$secret";

    $key = hmac_sha256($_, $key) for strftime('%Y%m%d', gmtime),
        qw(us-east-1 execute-api aws4_request);

    return $key;
}

my %secret = (token => $keys{TEMP_TOKEN});

for my $name (qw(SECRET TEMP_SECRET OTHER_SECRET)) {
    my $key = signing_key($keys{$name});

    $secret{lc $name} = $keys{$name};
    $secret{lc "$name, base64"}      = encode_base64($keys{$name}, '');
    $secret{lc "$name, signing key"} = $key;
    $secret{lc "$name, signing key in hex"} = unpack 'H*', $key;
}

my @records = $verifier->records;
my @signed  = grep { ($_->{signature} // '') ne '' } @records;

cmp_ok(@signed, '>=', 10, 'signatures were sent');
is($_->{verdict}, 'ok', "$_->{target} arrived signed")
    for grep { $_->{target} !~ m{^/closed} } @records;

$secret{"signature $_"} = $signed[$_]{signature} for 0 .. $#signed;
$secret{'Authorization'} = 'AWS4-HMAC-SHA256 Credential=';

my %text = (
    'the debug log'  => $nginx->log_text('error.log'),
    'the access log' => $nginx->log_text('access.log'),
    'standard error' => $nginx->output,
    'the responses'  => $seen,
    'nginx -T'       => slurp($dump),
);

cmp_ok(length $text{'the debug log'}, '>', 100_000, 'the log is a debug log');

for my $where (sort keys %text) {
    for my $what (sort keys %secret) {
        cmp_ok(index($text{$where}, $secret{$what}), '<', 0,
               "$what is not in $where");
    }
}

my @problems = $nginx->stop_it;

is_deeply(\@problems, [], 'nginx ended well');
done_testing();
