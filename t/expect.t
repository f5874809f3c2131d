# SPDX-License-Identifier: BSD-2-Clause

# Expect: 100-continue.  A client that is let in gets its 100 from nginx; one
# that is refused gets the refusal alone, and its body is never asked for.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Client;
use Test::More;

my $verifier = start_verifier();

my $nginx = start_nginx(
    verifier    => $verifier,
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider none chain providers=env;

aws_sigv4_service  execute-api;
aws_sigv4_region   us-east-1;

client_max_body_size     1m;
client_body_buffer_size  16k;
EOC
    config => <<'EOC',
aws_sigv4  on;

location / {
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /s3/ {
    aws_sigv4_service  s3;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}

location /unbuffered/ {
    aws_sigv4_service        s3;
    aws_sigv4_payload        unsigned;
    proxy_request_buffering  off;
    proxy_http_version       1.1;
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}

location /need_body/ {
    aws_sigv4_lua_need_body  on;
    aws_sigv4_by_lua_block   { sigv4.region = sigv4.body }
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}

location /read_only/ {
    aws_sigv4_service  s3;
    aws_sigv4_payload  signed;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}

location /host/ {
    aws_sigv4_host         $arg_host;
    aws_sigv4_allow_hosts  *.example.com;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
}

location /deny/ {
    deny        all;
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /hook/ {
    aws_sigv4_by_lua_block  { sigv4.deny(429) }
    proxy_pass              http://127.0.0.1:$VERIFIER_PORT;
}

location /message/ {
    aws_sigv4_by_lua_block  { sigv4.deny(429, "slow down") }
    proxy_pass              http://127.0.0.1:$VERIFIER_PORT;
}

location /error/ {
    aws_sigv4_by_lua_block  { error("no") }
    proxy_pass              http://127.0.0.1:$VERIFIER_PORT;
}

location /keyless/ {
    aws_sigv4_credentials  none;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
}

location /unknown/ {
    aws_sigv4_region   "";
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}
EOC
);

my $chunks = 'X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD';

my @accepted = (
    [ 'a body in memory',       '/',           'small'     ],
    [ 'a spooled body',         '/',           'x' x 60000 ],
    [ 'an S3 object',           '/s3/key',     'x' x 60000 ],
    [ 'an unbuffered body',     '/unbuffered/', 'x' x 60000 ],
    [ 'a body that the hook needs', '/need_body/', 'eu-west-1' ],
);

my @refused = (
    [ 'access rules',           '/deny/',             403 ],
    [ 'a host not allowed',     '/host/?host=a.example.org', 403 ],
    [ 'the hook',               '/hook/',             429 ],
    [ 'the hook, with a message', '/message/',        429 ],
    [ 'an error in the hook',   '/error/',            500 ],
    [ 'want of credentials',    '/keyless/',          503 ],
    [ 'want of a region',       '/unknown/',          500 ],
    [ 'chunks of a client',     '/s3/key',            501, $chunks ],
    [ 'an unsigned payload',    '/read_only/key',     400,
      'X-Amz-Content-Sha256: UNSIGNED-PAYLOAD' ],
    [ 'the size of the body',   '/',                  413, '', 2 << 20 ],
);

for my $case (@accepted) {
    my ($name, $target, $body) = @$case;

    for my $framing ('', "Transfer-Encoding: chunked\n") {
        $verifier->mark;

        my $response = request($nginx->port,
            method  => 'PUT',
            target  => $target,
            headers => "Expect: 100-continue\n$framing",
            body    => $body,
        );

        my ($record, @more) = $verifier->wait_records(1);
        my $label = $name . ($framing && ', chunked');

        is($response->{continued}, 1, "$label: 100 before the body");
        is($response->{status}, 200, "$label: 200 after it")
            or diag($response->{body});
        is($record->{verdict}, 'ok', "$label: accepted");
        is($record->{body_length}, length $body, "$label: all of it");
        unlike($record->{head}, qr/^expect:/mi, "$label: no Expect upstream");
        is(@more, 0, "$label: once");
    }
}

$verifier->mark;

for my $case (@refused) {
    my ($name, $target, $status, $header, $length) = @$case;
    my $client = http_client(port => $nginx->port);

    $client->send(join "\r\n", "PUT $target HTTP/1.1", 'Host: localhost',
                  'Expect: 100-continue', 'Content-Length: '
                  . ($length || 60000), $header || 'X-None: 1', '', '');

    my $response = $client->response('PUT', 1);

    is($response->{status}, $status, "$name: the refusal comes first");

    my $connection = AwsSigV4::Client::header($response, 'Connection') // '';
    is($connection, 'close', "$name: the connection ends")
        if $status == 501 || $status == 413;
}

is($verifier->records, 0, 'nothing that was refused went upstream');

my @problems = $nginx->stop_it;

is_deeply(\@problems, [], 'nginx ended well');
done_testing();
