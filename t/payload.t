# SPDX-License-Identifier: BSD-2-Clause

# How a body is covered: hashed, or by a literal where the service takes it.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use Digest::SHA qw(sha256_hex);

our $seen = temp_dir() . '/seen';

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;

aws_sigv4         on;
aws_sigv4_region  us-east-1;

client_max_body_size     200m;
client_body_buffer_size  16k;
proxy_http_version       1.1;
EOC

default_section(config => <<'EOC');
location /unsigned/ {
    aws_sigv4_service        s3;
    aws_sigv4_payload        unsigned;
    proxy_request_buffering  off;
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}

location /buffered/ {
    aws_sigv4_service  s3;
    aws_sigv4_payload  unsigned;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}

location /outposts/ {
    aws_sigv4_service  s3-outposts;
    aws_sigv4_payload  unsigned;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}

location /api/ {
    aws_sigv4_service        execute-api;
    aws_sigv4_payload        unsigned;
    proxy_request_buffering  off;
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}

location /lattice/ {
    aws_sigv4_service  vpc-lattice-svcs;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}

location /lattice-signed/ {
    aws_sigv4_service  vpc-lattice-svcs;
    aws_sigv4_payload  signed;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}

location /no-header/ {
    aws_sigv4_service         execute-api;
    aws_sigv4_content_sha256  off;
    proxy_pass                http://127.0.0.1:$VERIFIER_PORT;
}

location /s3-header/ {
    aws_sigv4_service         s3;
    aws_sigv4_content_sha256  off;
    proxy_pass                http://127.0.0.1:$VERIFIER_PORT;
}

location /lattice-header/ {
    aws_sigv4_service         vpc-lattice-svcs;
    aws_sigv4_content_sha256  off;
    proxy_pass                http://127.0.0.1:$VERIFIER_PORT;
}

location /hook/ {
    aws_sigv4_by_lua_block {
        sigv4.service = sigv4.var.arg_service
        sigv4.payload = sigv4.var.arg_payload
    }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /hook-signed/ {
    aws_sigv4_service  s3;
    aws_sigv4_payload  unsigned;
    aws_sigv4_by_lua_block {
        sigv4.payload = "signed"
    }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /hook-body/ {
    aws_sigv4_service        s3;
    aws_sigv4_payload        unsigned;
    aws_sigv4_lua_need_body  on;
    aws_sigv4_by_lua_block   { sigv4.region = sigv4.json("region") }
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}
EOC

sub put {
    my ($target, $size, %more) = @_;

    return { method => 'PUT', target => $target, body => 'x' x $size, %more };
}

sub hash { return sha256_hex('x' x $_[0]) }

run_tests();

__DATA__

=== unsigned and unbuffered: the head is sent before the body is there
--- requests eval
[main::put('/unsigned/key', 1 << 20, hold => [1000, $main::seen])]
--- upstream_script eval
[{ touch => $main::seen }]
--- upstream_verdict: ok
--- upstream_body eval
'x' x (1 << 20)
--- upstream_header
x-amz-content-sha256: UNSIGNED-PAYLOAD
content-length: 1048576
--- access
$aws_sigv4_status=signed
$aws_sigv4_payload_hash=UNSIGNED-PAYLOAD



=== unsigned and unbuffered: small and large, in pieces, and no body at all
--- requests eval
[main::put('/unsigned/key', 0), main::put('/unsigned/key', 1),
 main::put('/unsigned/key', 20000),
 main::put('/unsigned/key', 20000, split => [70, 100, 200, 1, 7000]),
 main::put('/unsigned/key', 1 << 20), 'GET /unsigned/key',
 main::put('/unsigned/key', 3)]
--- upstream_verdict: ok
--- upstream_body eval
[map { 'x' x $_ } 0, 1, 20000, 20000, 1 << 20, 0, 3]
--- upstream_header: x-amz-content-sha256: UNSIGNED-PAYLOAD
--- access: $aws_sigv4_status=signed



=== unsigned and unbuffered over HTTP/2, with a length and without
--- http2
--- requests eval
[main::put('/unsigned/key', 0), main::put('/unsigned/key', 20000),
 main::put('/unsigned/key', 1 << 20),
 main::put('/unsigned/key', 20000, headers => 'Transfer-Encoding: chunked'),
 main::put('/unsigned/key', 1 << 20, headers => 'Transfer-Encoding: chunked')]
--- upstream_verdict: ok
--- upstream_body eval
[map { 'x' x $_ } 0, 20000, 1 << 20, 20000, 1 << 20]
--- upstream_header
x-amz-content-sha256: UNSIGNED-PAYLOAD
! transfer-encoding
--- access: $aws_sigv4_status=signed



=== an unsigned chunked body is spooled: S3 needs its length
--- requests eval
[map { main::put('/unsigned/key', $_,
                 headers => 'Transfer-Encoding: chunked') }
     0, 1, 20000, 1 << 20]
--- upstream_verdict: ok
--- upstream_body eval
[map { 'x' x $_ } 0, 1, 20000, 1 << 20]
--- upstream_header
x-amz-content-sha256: UNSIGNED-PAYLOAD
! transfer-encoding
--- access: $aws_sigv4_status=signed



=== unsigned where nginx buffers
--- requests eval
[main::put('/buffered/key', 0), main::put('/buffered/key', 20000),
 main::put('/buffered/key', 20000, split => [70, 100, 200, 1, 7000]),
 main::put('/outposts/key', 300)]
--- upstream_verdict: ok
--- upstream_body eval
[map { 'x' x $_ } 0, 20000, 20000, 300]
--- upstream_header: x-amz-content-sha256: UNSIGNED-PAYLOAD
--- access: $aws_sigv4_status=signed



=== a service that takes no unsigned payload gets a hash
--- requests eval
[main::put('/api/x', 0), main::put('/api/x', 10),
 main::put('/api/x', 100000)]
--- upstream_verdict: ok
--- upstream_header eval
[map { 'x-amz-content-sha256: ' . main::hash($_) } 0, 10, 100000]
--- access: $aws_sigv4_status=signed



=== nginx -t warns of it
--- config
location / {
    aws_sigv4_service  execute-api;
    aws_sigv4_payload  unsigned;
    proxy_pass         http://127.0.0.1:$CLOSED_PORT;
}
--- warns
"aws_sigv4_payload unsigned"
server.conf:



=== VPC Lattice does not verify bodies, and wants the literal
--- requests eval
[main::put('/lattice/', 0), main::put('/lattice/', 70000)]
--- upstream_verdict: ok
--- upstream_header: x-amz-content-sha256: UNSIGNED-PAYLOAD
--- access: $aws_sigv4_status=signed



=== a hash that is asked for is sent to VPC Lattice too, which refuses it
--- requests eval
[main::put('/lattice-signed/', 70000)]
--- status: 403
--- error_log: cause "signature_mismatch"
--- upstream_verdict: refused: payload_kind
--- upstream_header eval
'x-amz-content-sha256: ' . main::hash(70000)



=== aws_sigv4_content_sha256 off: signed all the same, but not sent
--- requests eval
[main::put('/no-header/', 0), main::put('/no-header/', 70000),
 main::put('/no-header/', 5, headers => 'X-Amz-Content-Sha256: mine')]
--- upstream_verdict: ok
--- upstream_header: ! x-amz-content-sha256
--- upstream_record: signed_headers ~ ^host;x-amz-date$
--- access: $aws_sigv4_status=signed



=== where a service needs it, it is sent nevertheless
--- requests eval
[main::put('/s3-header/key', 70000), main::put('/lattice-header/', 70000)]
--- upstream_verdict: ok
--- upstream_header eval
['x-amz-content-sha256: ' . main::hash(70000),
 'x-amz-content-sha256: UNSIGNED-PAYLOAD']



=== the hook chooses
--- requests eval
[main::put('/hook/?service=s3&payload=unsigned', 70000),
 main::put('/hook/?service=s3&payload=signed', 70000),
 main::put('/hook/?service=execute-api&payload=unsigned', 70000),
 main::put('/hook-signed/', 70000)]
--- upstream_verdict: ok
--- upstream_header eval
['x-amz-content-sha256: UNSIGNED-PAYLOAD',
 map { 'x-amz-content-sha256: ' . main::hash(70000) } 1 .. 3]
--- access: $aws_sigv4_status=signed



=== the hook has had the body, and it is sent unsigned
--- requests eval
[{ method => 'PUT', target => '/hook-body/key',
   body => '{"region": "eu-west-1"' . ' ' x 70000 . '}' },
 { method => 'PUT', target => '/hook-body/key', split => [70, 100],
   body => '{"region": "eu-west-1"' . ' ' x 70000 . '}' }]
--- upstream_verdict: ok
--- upstream_record: region: eu-west-1
--- upstream_header: x-amz-content-sha256: UNSIGNED-PAYLOAD
--- upstream_body eval
'{"region": "eu-west-1"' . ' ' x 70000 . '}'
