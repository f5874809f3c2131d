# SPDX-License-Identifier: BSD-2-Clause

# Targets: what is repaired on the wire, what is kept, what is removed.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_region us-east-1;
large_client_header_buffers 8 256k;
EOC

default_section(config => <<'EOC');
aws_sigv4 on;
merge_slashes off;

location / {
    aws_sigv4_service aps;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /uri/ {
    aws_sigv4_service aps;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/base/;
}

location /s3/ {
    aws_sigv4_service s3;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location ~ ^/decoded/([\s\S]*)$ {
    aws_sigv4_service aps;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/$1$is_args$args;
}

location ~ ^/decoded-s3/([\s\S]*)$ {
    aws_sigv4_service s3;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/$1$is_args$args;
}

location /no-slash/ {
    aws_sigv4_service aps;
    rewrite ^/no-slash/(.*)$ $1 break;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

run_tests();

__DATA__

=== the order of parameters is kept on the wire
--- requests eval
['GET /?b=2&a=1&b=1&a=', 'GET /?z&y&x', 'GET /?A=1&a=1&B=1&b=1',
 'GET /?a=b=c&a=b%3Dc', 'GET /?a-b=1&a=1&a.b=1', 'GET /?a%2Fb=1&aB=2&a=3']
--- upstream_verdict: ok
--- upstream_count: 6
--- upstream_request eval
['GET /?b=2&a=1&b=1&a=', 'GET /?z&y&x', 'GET /?A=1&a=1&B=1&b=1',
 'GET /?a=b=c&a=b%3Dc', 'GET /?a-b=1&a=1&a.b=1', 'GET /?a%2Fb=1&aB=2&a=3']



=== parameters without a name, a value or both
--- requests eval
['GET /?acl', 'GET /?acl=', 'GET /?=v', 'GET /?=', 'GET /?&', 'GET /?&&a=1&',
 'GET /?a&a=&a']
--- upstream_verdict: ok
--- upstream_count: 7



=== a question mark that ends the path
--- request
GET /a?
--- upstream_verdict: ok



=== a question mark in the query
--- request
GET /a?b=c?d&e?=f
--- upstream_verdict: ok
--- upstream_request: GET /a?b=c?d&e?=f



=== a plus becomes a space that every server understands
--- requests eval
['GET /a+b?q=a+b&c+d=e', 'GET /uri/a+b?q=a+b']
--- upstream_verdict: ok
--- upstream_request eval
['GET /a+b?q=a%20b&c%20d=e', 'GET /base/a+b?q=a%20b']



=== a plus in a key of S3 is escaped
--- request
GET /s3/a+b%2Bc%20d?prefix=a+b%2Bc
--- upstream_verdict: ok
--- upstream_request: GET /s3/a%2Bb%2Bc%20d?prefix=a%20b%2Bc



=== escapes in lower case stay as they are
--- request
GET /a%c3%a9?b=%c3%a9&%c3=%3d
--- upstream_verdict: ok
--- upstream_request: GET /a%c3%a9?b=%c3%a9&%c3=%3d



=== escapes in lower case of a key of S3
--- request
GET /s3/a%c3%a9%7e?b=%c3%a9
--- upstream_verdict: ok
--- upstream_request: GET /s3/a%C3%A9~?b=%c3%a9



=== sub-delimiters
--- requests eval
["GET /a!\$&'()*+,;=:\@/b?a!\$'()*,;=:\@/",
 "GET /s3/a!\$&'()*,;=:\@/b?a!\$'()*,;=:\@/"]
--- upstream_verdict: ok



=== brackets
--- requests eval
['GET /a[1]?match[]=up&b[c]=[]', 'GET /s3/a[1]?match[]=up']
--- upstream_verdict: ok
--- upstream_request eval
['GET /a%5B1%5D?match%5B%5D=up&b%5Bc%5D=%5B%5D',
 'GET /s3/a%5B1%5D?match%5B%5D=up']



=== raw bytes that may not stand in a target
--- raw_request eval
"GET /a\"<>\\^`{|}\xc3\xa9?b\"<>\\^`{|}=\xc3\xa9 HTTP/1.0\r\n\r\n"
--- upstream_verdict: ok
--- upstream_head_like
^GET /a%22%3C%3E%5C%5E%60%7B%7C%7D%C3%A9\?b%22%3C%3E%5C%5E%60%7B%7C%7D=%C3%A9 HTTP/1.0



=== raw spaces in a request line
--- raw_request eval
"GET /a b?c=d e HTTP/1.0\r\n\r\n"
--- status: 400
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== a decoded space is escaped again
--- requests eval
['GET /decoded/a%20b/%22%C3%A9?c=%20', 'GET /decoded-s3/a%20b/%22%C3%A9?c=%20']
--- upstream_verdict: ok
--- upstream_request eval
['GET /a%20b/%22%C3%A9?c=%20', 'GET /a%20b/%22%C3%A9?c=%20']



=== a decoded version of HTTP does not end the target
--- request
GET /decoded/a%20HTTP/1.0?b%20HTTP/1.1
--- upstream_verdict: ok
--- upstream_request: GET /a%20HTTP/1.0?b%20HTTP/1.1



=== a decoded line break does not end the request line
--- request
GET /decoded/a%0d%0aX-Amz-Meta-A:%20b
--- status: 400
--- upstream_count: 0
--- error_log: the request target has a line break and is not signed, look at the variables of "proxy_pass"
--- access: $aws_sigv4_status=bad_request



=== a decoded line break in a key of S3
--- request
GET /decoded-s3/a%0ab
--- status: 400
--- upstream_count: 0
--- error_log: the request target has a line break and is not signed, look at the variables of "proxy_pass"
--- access: $aws_sigv4_status=bad_request



=== an escaped line break is no line break
--- requests eval
['GET /a%0d%0ab?c=%0d%0a', 'GET /s3/a%0d%0ab?c=%0d%0a']
--- upstream_verdict: ok
--- upstream_request eval
['GET /a%0d%0ab?c=%0d%0a', 'GET /s3/a%0D%0Ab?c=%0d%0a']



=== a percent sign that is no escape
--- requests eval
['GET /a?b=%', 'GET /a?b=%zz', 'GET /a?%=1', 'GET /a?b=100%&c=1']
--- upstream_verdict: ok



=== a percent sign that is no escape, in a path
--- requests eval
['GET /decoded/a%25zz', 'GET /decoded/100%25', 'GET /decoded-s3/100%25']
--- upstream_verdict: ok



=== NUL
--- request
GET /a%00b
--- status: 400
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== a fragment is not sent
--- raw_request eval
"GET /a?b=c#d HTTP/1.0\r\n\r\n"
--- upstream_verdict: ok
--- upstream_request: GET /a?b=c



=== a fragment behind a decoded number sign
--- requests eval
['GET /decoded/a%23b?c', 'GET /a%23b?c%23d']
--- upstream_verdict: ok



=== dots and slashes
--- requests eval
['GET //', 'GET /a//b/', 'GET /a/./b', 'GET /a/../b', 'GET /a/..',
 'GET /a/.', 'GET /%2E/a', 'GET /a/%2e%2e/b', 'GET /a%2F..%2Fb']
--- upstream_verdict: ok
--- upstream_request eval
['GET //', 'GET /a//b/', 'GET /a/./b', 'GET /a/../b', 'GET /a/..',
 'GET /a/.', 'GET /%2E/a', 'GET /a/%2e%2e/b', 'GET /a%2F..%2Fb']



=== dots and slashes in keys of S3
--- requests eval
['GET /s3//a//b/', 'GET /s3/a/./b', 'GET /s3/a/../b', 'GET /s3/a/.',
 'GET /s3/a/%2e%2e/b', 'GET /s3/a%2Fb']
--- upstream_verdict: ok



=== an absolute target
--- raw_request eval
"GET http://example.org/a?b=c HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"
--- upstream_verdict: ok
--- upstream_request: GET /a?b=c



=== an asterisk
--- raw_request eval
"OPTIONS * HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"
--- status: 400
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== a target without a slash
--- request
GET /no-slash/a
--- status: 400
--- upstream_count: 0
--- error_log: the request target to sign does not start with "/", look at proxy_pass and rewrite
--- access: $aws_sigv4_status=bad_request



=== Bedrock
--- requests eval
['POST /model/us.anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse',
 'POST /model/us.anthropic.claude-3-5-sonnet-20241022-v2:0/converse',
 'POST /model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ap%2Fabc/invoke',
 'POST /uri/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ap/invoke']
--- upstream_verdict: ok



=== thousands of parameters
--- requests eval
['GET /?' . CORE::join('&', map { 'p' . $_ * 7919 % 5003 . "=$_" } 1 .. 5000)]
--- upstream_verdict: ok
--- upstream_count: 1



=== thousands of parameters with one name
--- requests eval
['GET /?' . CORE::join('&', map { 'p=' . $_ * 7919 % 5003 } 1 .. 5000)]
--- upstream_verdict: ok
--- upstream_count: 1



=== thousands of parameters that need repair
--- requests eval
['GET /s3/' . '+' x 5000 . '?' . CORE::join('&', map { "+$_=+" } 1 .. 5000)]
--- upstream_verdict: ok
--- upstream_count: 1



=== what presigned the request is removed
--- requests eval
my $sig = CORE::join '&', 'X-Amz-Algorithm=AWS4-HMAC-SHA256', 'X-Amz-Credential=a',
    'X-Amz-Date=20200101T000000Z', 'X-Amz-Expires=60',
    'X-Amz-SignedHeaders=host', 'X-Amz-Signature=00',
    'X-Amz-Security-Token=t', 'X-Amz-Region-Set=*';
["GET /?a=1&$sig&b=2", "GET /?$sig", "GET /?b&$sig", "GET /s3/?$sig&acl",
 'GET /?' . lc $sig, 'GET /?a=1&' . uc $sig]
--- upstream_verdict: ok
--- upstream_count: 6
--- upstream_request eval
['GET /?a=1&b=2', 'GET /', 'GET /?b', 'GET /s3/?acl', 'GET /', 'GET /?a=1']



=== what presigned the request is removed, however it is encoded
--- requests eval
['GET /?X%2DAmz%2DSignature=00&a=1', 'GET /?%58-Amz-%53ignature=00',
 'GET /?%78%2d%61%6d%7a%2d%73%69%67%6e%61%74%75%72%65=1&b',
 'GET /?X-Amz-Signature&a', 'GET /?a&X-Amz-Signature']
--- upstream_verdict: ok
--- upstream_request eval
['GET /?a=1', 'GET /', 'GET /?b', 'GET /?a', 'GET /?a']



=== a query of Signature Version 2 is removed
--- requests eval
['GET /s3/?AWSAccessKeyId=a&Signature=b&Expires=1&versionId=2',
 'GET /s3/?Signature=b&acl&Expires=1&AWSAccessKeyId=a']
--- upstream_verdict: ok
--- upstream_request eval
['GET /s3/?versionId=2', 'GET /s3/?acl']



=== parameters that only look like it stay
--- requests eval
['GET /?Expires=1&Signature=2', 'GET /?X-Amz-Signature2=1&x-id=GetObject',
 'GET /?x-amz-meta=1', 'GET /?AWSAccessKeyId=1']
--- upstream_verdict: ok
--- upstream_request eval
['GET /?Expires=1&Signature=2', 'GET /?X-Amz-Signature2=1&x-id=GetObject',
 'GET /?x-amz-meta=1', 'GET /?AWSAccessKeyId=1']
