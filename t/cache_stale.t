# SPDX-License-Identifier: BSD-2-Clause

# Without credentials cached answers are served, fresh ones and stale ones,
# and nothing is sent.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider missing env;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;

proxy_cache_path $TEST_DIR/cache keys_zone=cache:1m;

upstream two {
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
}
EOC

# "fill" puts into the cache what the others find there
default_section(config => <<'EOC');
aws_sigv4 on;

proxy_cache cache;
proxy_cache_key $arg_key;
proxy_cache_valid 200 1h;
add_header X-Cache $upstream_cache_status always;

location /fill/ {
    proxy_pass http://two;
}

location /missing/ {
    aws_sigv4_credentials missing;
    proxy_pass http://two;
}

location /missing-stale/ {
    aws_sigv4_credentials missing;
    proxy_cache_use_stale error;
    proxy_pass http://two;
}

location /missing-updating/ {
    aws_sigv4_credentials missing;
    proxy_cache_use_stale updating error;
    proxy_cache_background_update on;
    proxy_pass http://two;
}

location /missing-uncached/ {
    aws_sigv4_credentials missing;
    proxy_cache off;
    proxy_pass http://two;
}

location /missing-variable/ {
    set $provider missing;
    aws_sigv4_credentials $provider;
    proxy_pass http://two;
}
EOC

our %stale = (status => 200, body => 'old',
              headers => { 'X-Accel-Expires' => '@1' });
our %fresh = (status => 200, body => 'new',
              headers => { 'X-Accel-Expires' => '3600' });

run_tests();

__DATA__

=== a fresh answer
--- requests eval
['GET /fill/?key=1', 'GET /missing/?key=1', 'HEAD /missing/?key=1']
--- upstream_script eval
[{ %main::fresh }]
--- upstream_verdict: ok
--- upstream_count: 1
--- response_headers eval
['X-Cache: MISS', 'X-Cache: HIT', 'X-Cache: HIT']
--- access eval
['$aws_sigv4_status=signed', ('$aws_sigv4_status=no_credentials') x 2]
--- error_log: no credentials available from provider "missing"



=== a stale answer, where that may be served
--- requests eval
['GET /fill/?key=1', 'GET /missing-stale/?key=1', 'HEAD /missing-stale/?key=1',
 'GET /missing-stale/?key=1']
--- upstream_script eval
[{ %main::stale }]
--- upstream_verdict: ok
--- upstream_count: 1
--- response_body eval
['old', 'old', '', 'old']
--- response_headers eval
['X-Cache: MISS', ('X-Cache: STALE') x 3]
--- access eval
['$aws_sigv4_status=signed', ('$aws_sigv4_status=no_credentials') x 3]
--- error_log: no credentials available from provider "missing"



=== a stale answer that would be updated in the background
--- requests eval
['GET /fill/?key=1', 'GET /missing-updating/?key=1',
 'GET /missing-updating/?key=1']
--- upstream_script eval
[{ %main::stale }]
--- upstream_verdict: ok
--- upstream_count: 1
--- response_body: old
--- response_headers eval
['X-Cache: MISS', ('X-Cache: STALE') x 2]
--- error_log: no credentials available from provider "missing"



=== a stale answer, where that may not be served
--- requests eval
['GET /fill/?key=1', 'GET /missing/?key=1']
--- status: 200 503
--- upstream_script eval
[{ %main::stale }]
--- upstream_verdict: ok
--- upstream_count: 1
--- response_headers eval
['X-Cache: MISS', 'Retry-After: 5']
--- error_log: no credentials available from provider "missing"



=== nothing in the cache
--- requests eval
['GET /missing/?key=1']
--- status: 503
--- upstream_script eval
[{ %main::stale }]
--- upstream_count: 0
--- response_headers: Retry-After: 5
--- access: $aws_sigv4_status=no_credentials
--- error_log: no credentials available from provider "missing"



=== nothing in the cache, where a stale answer may be served
--- requests eval
['HEAD /missing-stale/?key=1']
--- status: 503
--- upstream_script eval
[{ %main::stale }]
--- upstream_count: 0
--- response_headers: Retry-After: 5
--- access: $aws_sigv4_status=no_credentials
--- error_log: no credentials available from provider "missing"



=== a POST, which is not cached
--- request
POST /missing/?key=1
--- body: body
--- status: 503
--- upstream_script eval
[{ %main::stale }]
--- upstream_count: 0
--- response_headers: Retry-After: 5
--- access: $aws_sigv4_status=no_credentials
--- error_log: no credentials available from provider "missing"



=== no cache
--- request
POST /missing-uncached/?key=1
--- more_headers
Expect: 100-continue
--- body: body
--- status: 503
--- continued: no
--- upstream_script eval
[{ %main::stale }]
--- upstream_count: 0
--- response_headers: Retry-After: 5
--- access: $aws_sigv4_status=no_credentials
--- error_log: no credentials available from provider "missing"



=== a large body without an answer in the cache
--- request
POST /missing/
--- body eval
'x' x 200000
--- status: 503
--- upstream_count: 0
--- response_headers
Retry-After: 5
--- access: $aws_sigv4_status=no_credentials
--- error_log: no credentials available from provider "missing"
