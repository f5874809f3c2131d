# SPDX-License-Identifier: BSD-2-Clause

# proxy_cache changes the request that is sent: the seal signs that one.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;

proxy_cache_path $TEST_DIR/cache keys_zone=cache:1m;
EOC

default_section(config => <<'EOC');
aws_sigv4 on;

proxy_cache cache;
proxy_cache_key $uri$is_args$args;
proxy_cache_valid 200 1h;
add_header X-Cache $upstream_cache_status;

location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /head/ {
    proxy_cache_convert_head off;
    proxy_cache_key $request_method$uri;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /signed/ {
    aws_sigv4_signed_headers range if-none-match if-modified-since;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /methods/ {
    proxy_cache_methods GET HEAD POST;
    proxy_cache_key $request_method$uri$request_body;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /bypass/ {
    proxy_cache_bypass $arg_bypass;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /revalidate/ {
    proxy_cache_revalidate on;
    aws_sigv4_signed_headers if-none-match if-modified-since;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /lock/ {
    proxy_cache_lock on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location ~ ^/split/([\s\S]*)$ {
    proxy_cache_key /updating/a;
    proxy_set_header X-Other $1;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /updating/ {
    proxy_cache_use_stale updating error http_503;
    proxy_cache_background_update on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

# what the verifier adds so that an answer is stale at once, or is fresh
our %stale = (status => 200, body => 'old', headers => {
    'X-Accel-Expires' => '@1', 'ETag' => '"1"',
    'Last-Modified' => 'Sat, 01 Jan 2022 00:00:00 GMT' });
our %fresh = (status => 200, body => 'new',
              headers => { 'X-Accel-Expires' => '3600' });

run_tests();

__DATA__

=== a miss is signed, a hit needs no request
--- requests eval
['GET /a?b=1', 'GET /a?b=1']
--- upstream_script eval
[{ status => 200 }]
--- upstream_verdict: ok
--- upstream_count: 1
--- response_headers eval
['X-Cache: MISS', 'X-Cache: HIT']
--- access: $aws_sigv4_status=signed



=== a HEAD that becomes a GET is signed as a GET
--- requests eval
['HEAD /a', 'GET /a']
--- upstream_script eval
[{ status => 200 }]
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_request: GET /a
--- response_headers eval
['X-Cache: MISS', 'X-Cache: HIT']



=== a HEAD that stays one
--- requests eval
['HEAD /head/a']
--- upstream_script eval
[{ status => 200 }]
--- upstream_verdict: ok
--- upstream_request: HEAD /head/a
--- access: $aws_sigv4_status=signed



=== conditions and ranges that the cache drops
--- request
GET /a
--- more_headers
Range: bytes=0-1
If-None-Match: "a"
If-Modified-Since: Sat, 01 Jan 2022 00:00:00 GMT
If-Range: "a"
X-Amz-Meta-A: a
--- upstream_script eval
[{ status => 200, body => 'abc', headers => { ETag => '"a"' } }]
--- upstream_verdict: ok
--- upstream_header
! range
! if-none-match
! if-modified-since
! if-range
--- access: $aws_sigv4_status=signed



=== conditions and ranges that the cache drops although they were signed
--- request
GET /signed/a
--- more_headers
Range: bytes=0-1
If-None-Match: "a"
--- upstream_script eval
[{ status => 200, body => 'abc' }]
--- upstream_verdict: ok
--- upstream_record: signed_headers: host;x-amz-content-sha256;x-amz-date
--- upstream_header
! range
! if-none-match



=== a POST that is not cached
--- request
POST /a
--- body: body
--- upstream_script eval
[{ status => 200 }]
--- upstream_verdict: ok
--- upstream_body: body
--- access: $aws_sigv4_status=signed



=== a POST that is cached
--- requests eval
[map { +{ method => 'POST', target => '/methods/a', body => $_ } } 1, 2, 1]
--- upstream_script eval
[{ status => 200 }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
[1, 2]
--- response_headers eval
['X-Cache: MISS', 'X-Cache: MISS', 'X-Cache: HIT']



=== a cache that is passed by
--- requests eval
['GET /bypass/?bypass=1', 'HEAD /bypass/?bypass=1']
--- upstream_script eval
[{ status => 200 }]
--- upstream_verdict: ok
--- upstream_count: 2
--- response_headers: X-Cache: BYPASS



=== a cached answer is revalidated
--- requests eval
['GET /revalidate/a', 'GET /revalidate/a']
--- upstream_script eval
[{ %main::stale }, { status => 304 }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_header eval
['! if-none-match', 'if-none-match: "1"
if-modified-since: Sat, 01 Jan 2022 00:00:00 GMT']
--- upstream_record eval
['signed_headers: host;x-amz-content-sha256;x-amz-date',
'signed_headers: host;if-modified-since;if-none-match;x-amz-content-sha256;x-amz-date']
--- response_headers eval
['X-Cache: MISS', 'X-Cache: REVALIDATED']



=== a lock of the cache
--- requests eval
['GET /lock/a', 'GET /lock/a']
--- upstream_script eval
[{ status => 200 }]
--- upstream_verdict: ok
--- upstream_count: 1



=== an answer is updated in the background
--- requests eval
[map { 'GET /updating/a?b=1' } 1 .. 3]
--- upstream_script eval
[{ %main::stale }, { %main::fresh }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request: GET /updating/a?b=1
--- response_body eval
['old', 'old', 'new']
--- response_headers eval
['X-Cache: MISS', 'X-Cache: STALE', 'X-Cache: HIT']



=== a HEAD is updated in the background
--- requests eval
[map { 'HEAD /updating/a' } 1 .. 3]
--- upstream_script eval
[{ %main::stale }, { %main::fresh }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_request: GET /updating/a
--- response_headers eval
['X-Cache: MISS', 'X-Cache: STALE', 'X-Cache: HIT']



=== a server that fails leaves the stale answer
--- requests eval
[map { 'GET /updating/a' } 1 .. 3]
--- upstream_script eval
[{ %main::stale }, { status => 503 }, { status => 503 }]
--- upstream_verdict: ok
--- upstream_count: 3
--- response_body: old
--- response_headers eval
['X-Cache: MISS', 'X-Cache: STALE', 'X-Cache: STALE']



=== a request that cannot be sealed leaves the cache entry free
--- requests eval
['GET /updating/a', 'GET /split/a%0d%0anothing']
--- status: 200 500
--- upstream_script eval
[{ %main::stale }]
--- upstream_verdict: ok
--- upstream_count: 1
--- error_log: has lines that are no header fields and is not sent
--- no_error_log: stalled cache updating
--- access eval
['$aws_sigv4_status=signed', '$aws_sigv4_status=not_sealed']
