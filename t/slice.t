# SPDX-License-Identifier: BSD-2-Clause

# Slices are subrequests that skip the access phase: each is signed.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider missing env;
aws_sigv4_service s3;
aws_sigv4_region us-east-1;

proxy_cache_path $TEST_DIR/cache keys_zone=cache:1m;
EOC

default_section(config => <<'EOC');
aws_sigv4 on;

slice 1k;
proxy_set_header Range $slice_range;
proxy_http_version 1.1;

location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /cached/ {
    proxy_cache cache;
    proxy_cache_key $uri$slice_range;
    proxy_cache_valid 206 1h;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /signed/ {
    aws_sigv4_signed_headers range;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /missing/ {
    aws_sigv4_credentials missing;
    proxy_cache cache;
    proxy_cache_key $arg_key$slice_range;
    proxy_cache_valid 206 1h;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /fill/ {
    proxy_cache cache;
    proxy_cache_key $arg_key$slice_range;
    proxy_cache_valid 206 1h;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

# three and a half slices
our $object = join '', map { sprintf "%07d\n", $_ } 1 .. 448;

our @slices = map {
    my $end = $_ + 1023 < length $object ? $_ + 1023 : length($object) - 1;
    {
        match   => '.',
        status  => 206,
        body    => substr($object, $_, $end - $_ + 1),
        headers => { 'Content-Range' => "bytes $_-$end/" . length $object,
                     ETag => '"1"' },
    }
} map { 1024 * $_ } 0 .. 3;

our @ranges = map { sprintf 'range: bytes=%d-%d', 1024 * $_, 1024 * $_ + 1023 }
    0 .. 3;

run_tests();

__DATA__

=== every slice is signed
--- request
GET /a%20key?versionId=1
--- upstream_script eval
[@main::slices]
--- upstream_verdict: ok
--- upstream_count: 4
--- upstream_request: GET /a%20key?versionId=1
--- upstream_header eval
[@main::ranges]
--- response_body eval
$main::object
--- access: $aws_sigv4_status=signed



=== slices of a cache
--- requests eval
['GET /cached/a', 'GET /cached/a']
--- upstream_script eval
[@main::slices]
--- upstream_verdict: ok
--- upstream_count: 4
--- upstream_header eval
[@main::ranges]
--- response_body eval
$main::object



=== a range of the client within slices of a cache
--- request
GET /cached/a
--- more_headers
Range: bytes=1500-2500
--- status: 206
--- upstream_script eval
[@main::slices[1, 2]]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header eval
[@main::ranges[1, 2]]
--- response_body eval
substr($main::object, 1500, 1001)



=== the range of a slice is signed
--- request
GET /signed/a
--- upstream_script eval
[@main::slices]
--- upstream_verdict: ok
--- upstream_count: 4
--- upstream_record
signed_headers: host;range;x-amz-content-sha256;x-amz-date
--- response_body eval
$main::object



=== a HEAD asks for a slice alone
--- request
HEAD /cached/b
--- upstream_script eval
[@main::slices]
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_request: GET /cached/b



=== slices that are cached need no credentials, others are not sent
--- requests eval
[{ method => 'GET', target => '/fill/?key=a',
   headers => "Range: bytes=0-1500\n" },
 { method => 'GET', target => '/missing/?key=a',
   headers => "Range: bytes=0-1500\n" },
 { method => 'GET', target => '/missing/?key=a',
   headers => "Range: bytes=2048-2050\n" }]
--- status: 206 206 503
--- upstream_script eval
[@main::slices]
--- upstream_verdict: ok
--- upstream_count: 2
--- error_log: no credentials available from provider "missing"
