# SPDX-License-Identifier: BSD-2-Clause

# Bodies of all sizes, framings and ways through nginx: what is signed is
# the hash of the bytes that are sent, and it is known before the seal.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use Digest::SHA qw(sha256_hex);

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;

aws_sigv4          on;
aws_sigv4_service  execute-api;
aws_sigv4_region   us-east-1;

client_max_body_size     200m;
client_body_buffer_size  16k;

upstream two {
    server  127.0.0.1:$VERIFIER_PORT max_fails=0;
    server  unix:$VERIFIER_SOCKET max_fails=0;
}
EOC

default_section(config => <<'EOC');
location /spool {
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /memory {
    client_body_buffer_size  2m;
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}

location /single {
    client_body_in_single_buffer  on;
    proxy_pass                    http://127.0.0.1:$VERIFIER_PORT;
}

location /file {
    client_body_in_file_only  clean;
    proxy_pass                http://127.0.0.1:$VERIFIER_PORT;
}

location /unbuffered {
    proxy_request_buffering  off;
    proxy_http_version       1.1;
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}

location /retry {
    proxy_next_upstream  http_503;
    proxy_pass           http://two;
}
EOC

our @sizes = (0, 1, 1000, 16383, 16384, 16385, 65536, 1 << 20);
our @ways  = qw(/spool /memory /single /file /unbuffered);

# bytes whose order matters
sub bytes {
    my ($size) = @_;

    my $pattern = join '', map { pack 'N', $_ * 2654435761 % (1 << 32) }
                           1 .. 1021;

    return substr $pattern x (1 + $size / length $pattern), 0, $size;
}

# every size along every way
sub all {
    my (%spec) = @_;

    my @these = @{ delete $spec{sizes} || \@sizes };

    return map {
        my $way = $_;
        map { { method => 'POST', target => "$way/$_", body => bytes($_),
                %spec } } @these;
    } @ways;
}

sub all_bytes {
    my @these = @_ ? @_ : @sizes;

    return map { bytes($_) } map { @these } @ways;
}

sub all_hashes {
    return map { '$aws_sigv4_status=signed' . "\n"
                 . '$aws_sigv4_payload_hash=' . sha256_hex($_) }
           all_bytes(@_);
}

run_tests();

__DATA__

=== a body with a length
--- requests eval
[main::all()]
--- upstream_verdict: ok
--- upstream_body eval
[main::all_bytes()]
--- access eval
[main::all_hashes()]



=== a chunked body is sent with its length, without its framing
--- requests eval
[main::all(headers => 'Transfer-Encoding: chunked')]
--- upstream_verdict: ok
--- upstream_body eval
[main::all_bytes()]
--- upstream_header
! transfer-encoding
--- access eval
[main::all_hashes()]



=== a body with a length over HTTP/2
--- http2
--- requests eval
[main::all(sizes => [0, 1000, 16385, 1 << 20])]
--- upstream_verdict: ok
--- upstream_body eval
[main::all_bytes(0, 1000, 16385, 1 << 20)]
--- access eval
[main::all_hashes(0, 1000, 16385, 1 << 20)]



=== a body without a length over HTTP/2
--- http2
--- requests eval
[main::all(sizes => [0, 1000, 16385, 1 << 20],
           headers => 'Transfer-Encoding: chunked')]
--- upstream_verdict: ok
--- upstream_body eval
[main::all_bytes(0, 1000, 16385, 1 << 20)]
--- upstream_header
! transfer-encoding
--- access eval
[map { "$_\n! \$http_content_length" }
     main::all_hashes(0, 1000, 16385, 1 << 20)]



=== a body in many pieces, split in the head and after it
--- requests eval
[main::all(sizes => [1000, 65536],
           split => [20, 100, 5000, 11000])]
--- upstream_verdict: ok
--- upstream_body eval
[main::all_bytes(1000, 65536)]
--- access eval
[main::all_hashes(1000, 65536)]



=== a chunked body in many pieces, split in the size of a chunk
--- requests eval
[main::all(sizes => [1000, 65536],
           headers => 'Transfer-Encoding: chunked',
           split => [120, 1, 1, 4096, 3, 40000])]
--- upstream_verdict: ok
--- upstream_body eval
[main::all_bytes(1000, 65536)]
--- access eval
[main::all_hashes(1000, 65536)]



=== 100 MB with a length, chunked and unbuffered
--- requests eval
[{ method => 'PUT', target => '/spool/', body => main::bytes(100 << 20) },
 { method => 'PUT', target => '/spool/', body => main::bytes(100 << 20),
   headers => 'Transfer-Encoding: chunked' },
 { method => 'PUT', target => '/unbuffered/', body => main::bytes(100 << 20) }]
--- upstream_verdict: ok
--- upstream_body eval
main::bytes(100 << 20)
--- access: $aws_sigv4_status=signed



=== GET and DELETE may have a body
--- requests eval
[map { my $method = $_;
       map { { method => $method, target => '/spool', body => $_ } }
           'short', main::bytes(40000) } qw(GET DELETE PROPFIND)]
--- upstream_verdict: ok
--- upstream_body eval
['short', main::bytes(40000), 'short', main::bytes(40000),
 'short', main::bytes(40000)]
--- access: $aws_sigv4_status=signed



=== no body, an empty one, and a chunked one that is empty
--- requests eval
['GET /spool', 'HEAD /spool',
 { method => 'POST', target => '/spool', headers => 'Content-Length: 0' },
 { method => 'GET', target => '/spool', headers => 'Content-Length: 0' },
 { method => 'DELETE', target => '/spool' },
 { raw => "POST /spool HTTP/1.1\r\nHost: a\r\n\r\n" },
 { raw => "POST /file HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked"
          . "\r\nConnection: close\r\n\r\n0\r\n\r\n" }]
--- upstream_verdict: ok
--- upstream_body eval
''
--- access eval
'$aws_sigv4_status=signed' . "\n"
. '$aws_sigv4_payload_hash=' . Digest::SHA::sha256_hex('')



=== trailers and extensions of chunks are no part of the body
--- raw_request eval
"POST /spool HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
. "Connection: close\r\n\r\n5;a=b\r\nfirst\r\n0006\r\nsecond\r\n"
. "0\r\nX-Trailer: x\r\n\r\n"
--- upstream_verdict: ok
--- upstream_body: firstsecond
--- access: $aws_sigv4_status=signed



=== a compressed body is signed as it is sent
--- requests eval
[{ method => 'POST', target => '/memory', body => "\x1f\x8b\x08\0\0no gzip",
   headers => 'Content-Encoding: gzip' }]
--- upstream_verdict: ok
--- upstream_header: content-encoding: gzip
--- upstream_body eval
"\x1f\x8b\x08\0\0no gzip"
--- access: $aws_sigv4_status=signed



=== a retry sends the same body with the same hash
--- requests eval
[map { { method => 'PUT', target => '/retry', body => main::bytes($_) } }
     100, 100000]
--- upstream_script eval
[{ status => 503 }, {}, { status => 503 }]
--- upstream_count: 4
--- upstream_verdict: ok
--- upstream_body eval
[main::bytes(100), main::bytes(100), main::bytes(100000),
 main::bytes(100000)]
--- access: $aws_sigv4_status=signed



=== bodies of one connection do not mix
--- requests eval
[map { { method => 'POST', target => '/spool', body => $_ } }
     'a' x 20000, 'b', 'c' x 20000, 'd' x 300, 'e' x 70000]
--- upstream_verdict: ok
--- upstream_body eval
['a' x 20000, 'b', 'c' x 20000, 'd' x 300, 'e' x 70000]
--- access: $aws_sigv4_status=signed
