# SPDX-License-Identifier: BSD-2-Clause

# What S3 clients declare in X-Amz-Content-Sha256: an unsigned payload is
# kept and signed anew, chunks that the client has signed are refused.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use Compress::Raw::Zlib ();
use Digest::SHA         qw(sha256_hex);
use MIME::Base64        qw(encode_base64);

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
location /s3/ {
    aws_sigv4_service        s3;
    proxy_request_buffering  off;
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}

location /buffered/ {
    aws_sigv4_service  s3;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}

location /signed/ {
    aws_sigv4_service  s3;
    aws_sigv4_payload  signed;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}

location /unsigned/ {
    aws_sigv4_service  s3;
    aws_sigv4_payload  unsigned;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}

location /api/ {
    aws_sigv4_service  execute-api;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}
EOC

# the framing of aws-chunked without signatures, with a checksum behind it
sub aws_chunked {
    my ($data) = @_;

    my $crc   = pack 'N', Compress::Raw::Zlib::crc32($data);
    my $bytes = '';

    for (my $at = 0; $at < length $data; $at += 65536) {
        my $piece = substr $data, $at, 65536;
        $bytes .= sprintf "%x\r\n%s\r\n", length $piece, $piece;
    }

    return $bytes . "0\r\nx-amz-checksum-crc32:"
        . encode_base64($crc, '') . "\r\n\r\n";
}

sub declared {
    my ($target, $literal, %more) = @_;

    my $headers = delete $more{headers} || '';

    return { method => 'PUT', target => $target, body => 'x' x 70000, %more,
             headers => "X-Amz-Content-Sha256: $literal\n$headers" };
}

# as botocore sends it
sub trailer {
    my ($target, $size, %more) = @_;

    my $headers = delete $more{headers} || '';

    return declared($target, 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        body    => aws_chunked('x' x $size),
        headers => "Content-Encoding: aws-chunked\n"
                   . "X-Amz-Trailer: x-amz-checksum-crc32\n"
                   . "X-Amz-Decoded-Content-Length: $size\n$headers",
        %more,
    );
}

run_tests();

__DATA__

=== UNSIGNED-PAYLOAD is kept, and signed anew
--- requests eval
[map { main::declared("/$_/key", 'UNSIGNED-PAYLOAD',
           headers => "Authorization: AWS4-HMAC-SHA256 mine\n"
                      . "X-Amz-Date: 20150830T123600Z") }
     qw(s3 buffered unsigned)]
--- upstream_verdict: ok
--- upstream_header
x-amz-content-sha256: UNSIGNED-PAYLOAD
content-length: 70000
--- upstream_body eval
'x' x 70000
--- access
$aws_sigv4_status=signed
$aws_sigv4_payload_hash=UNSIGNED-PAYLOAD



=== it is sent on before it is all there
--- requests eval
[main::declared('/s3/key', 'UNSIGNED-PAYLOAD', hold => [10, $main::seen])]
--- upstream_script eval
[{ touch => $main::seen }]
--- upstream_verdict: ok
--- upstream_body eval
'x' x 70000



=== without a body
--- requests eval
[{ method => 'GET', target => '/s3/key',
   headers => 'x-amz-content-sha256: UNSIGNED-PAYLOAD' },
 { method => 'DELETE', target => '/buffered/key',
   headers => 'x-amz-content-sha256: UNSIGNED-PAYLOAD' }]
--- upstream_verdict: ok
--- upstream_header: x-amz-content-sha256: UNSIGNED-PAYLOAD



=== a chunked body is spooled to gain a length
--- requests eval
[map { main::declared("/$_/key", 'UNSIGNED-PAYLOAD',
           headers => 'Transfer-Encoding: chunked') } qw(s3 buffered)]
--- upstream_verdict: ok
--- upstream_header
x-amz-content-sha256: UNSIGNED-PAYLOAD
content-length: 70000
! transfer-encoding
--- upstream_body eval
'x' x 70000
--- access: $aws_sigv4_status=signed



=== STREAMING-UNSIGNED-PAYLOAD-TRAILER: framing and trailer are untouched
--- requests eval
[map { my $way = $_;
       map { main::trailer("/$way/key", $_) } 0, 1, 70000, 1 << 20 }
     qw(s3 buffered unsigned)]
--- upstream_verdict: ok
--- upstream_body eval
[map { map { main::aws_chunked('x' x $_) } 0, 1, 70000, 1 << 20 } 1 .. 3]
--- upstream_header
x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER
x-amz-trailer: x-amz-checksum-crc32
content-encoding: aws-chunked
! transfer-encoding
--- upstream_record eval
[map { "decoded_length=$_\nsigned_headers ~ "
       . 'x-amz-decoded-content-length;x-amz-trailer' }
     (0, 1, 70000, 1 << 20) x 3]
--- access
$aws_sigv4_status=signed
$aws_sigv4_payload_hash=STREAMING-UNSIGNED-PAYLOAD-TRAILER



=== with a length, it is sent on before it is all there
--- requests eval
[main::trailer('/s3/key', 70000, hold => [10, $main::seen . '2'])]
--- upstream_script eval
[{ touch => $main::seen . '2' }]
--- upstream_verdict: ok
--- upstream_record: decoded_length=70000



=== under chunked transfer coding, it is spooled to gain a length
--- requests eval
[map { main::trailer($_, 70000, headers => 'Transfer-Encoding: chunked') }
     qw(/s3/key /buffered/key)]
--- upstream_verdict: ok
--- upstream_header
x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER
! transfer-encoding
--- upstream_body eval
main::aws_chunked('x' x 70000)
--- access: $aws_sigv4_status=signed



=== and over HTTP/2
--- http2
--- requests eval
[main::trailer('/s3/key', 70000),
 main::trailer('/s3/key', 70000, headers => 'Transfer-Encoding: chunked')]
--- upstream_verdict: ok
--- upstream_record: decoded_length=70000
--- access: $aws_sigv4_status=signed



=== a service that is not of the S3 family gets a hash
--- requests eval
[main::declared('/api/', 'UNSIGNED-PAYLOAD'),
 main::declared('/api/', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER')]
--- upstream_verdict: ok
--- upstream_header eval
'x-amz-content-sha256: ' . Digest::SHA::sha256_hex('x' x 70000)
--- access: $aws_sigv4_status=signed



=== a hash that the client declares is not believed
--- requests eval
[map { main::declared('/s3/key', $_) }
     '0' x 64, 'unsigned-payload', 'UNSIGNED-PAYLOAD-', 'STREAMING', '',
     'required']
--- upstream_verdict: ok
--- upstream_header eval
'x-amz-content-sha256: ' . Digest::SHA::sha256_hex('x' x 70000)
--- access: $aws_sigv4_status=signed



=== aws_sigv4_payload signed: no client lowers it
--- requests eval
[main::declared('/signed/key', 'UNSIGNED-PAYLOAD')]
--- status: 400
--- upstream_count: 0
--- error_log
the client declares "UNSIGNED-PAYLOAD" where "aws_sigv4_payload signed"
--- access: $aws_sigv4_status=bad_payload



=== nor with a trailer
--- requests eval
[main::trailer('/signed/key', 70000)]
--- status: 400
--- upstream_count: 0
--- error_log
the client declares "STREAMING-UNSIGNED-PAYLOAD-TRAILER" where
--- access: $aws_sigv4_status=bad_payload



=== chunks that the client has signed are refused before they are read
--- raw_request eval
"PUT /s3/key HTTP/1.1\r\nHost: a\r\n"
. "X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n"
. "X-Amz-Decoded-Content-Length: 1\r\nContent-Length: 173\r\n\r\n"
--- status: 501
--- response_headers: Content-Type: application/xml
--- response_body_like
^<\?xml .*<Error><Code>NotImplemented</Code><Message>.*</Message></Error>\s*$
--- upstream_count: 0
--- error_log
the client signs the chunks of the body
--- access: $aws_sigv4_status=chunk_signed



=== with a trailer
--- requests eval
[main::declared('/buffered/key', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER')]
--- status: 501
--- upstream_count: 0
--- error_log
("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
--- access: $aws_sigv4_status=chunk_signed



=== with SigV4A
--- requests eval
[main::declared('/unsigned/key', 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD')]
--- status: 501
--- upstream_count: 0
--- error_log
("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")
--- access: $aws_sigv4_status=chunk_signed



=== the messages of an event stream
--- requests eval
[main::declared('/api/', 'STREAMING-AWS4-HMAC-SHA256-EVENTS')]
--- status: 501
--- upstream_count: 0
--- error_log
("STREAMING-AWS4-HMAC-SHA256-EVENTS")
--- access: $aws_sigv4_status=chunk_signed



=== over HTTP/2
--- http2
--- requests eval
[main::declared('/s3/key', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
                body => undef)]
--- status: 501
--- response_body_like: <Code>NotImplemented</Code>
--- upstream_count: 0
--- error_log
the client signs the chunks of the body



=== of two declarations the first counts, and neither is sent on
--- requests eval
[main::declared('/s3/key', 'UNSIGNED-PAYLOAD', headers =>
     'X-Amz-Content-Sha256: ' . '0' x 64),
 main::declared('/s3/key', '0' x 64, headers =>
     'X-Amz-Content-Sha256: UNSIGNED-PAYLOAD')]
--- upstream_verdict: ok
--- upstream_header eval
['x-amz-content-sha256: UNSIGNED-PAYLOAD',
 'x-amz-content-sha256: ' . Digest::SHA::sha256_hex('x' x 70000)]
