# SPDX-License-Identifier: BSD-2-Clause

# Requests that no client should send.  Each ends with a status that is
# known, with one line in the access log, with one line of the error log at
# most; what reaches the upstream is signed and right, or nothing does.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use Test::More;

my $verifier = start_verifier();

my $nginx = start_nginx(
    verifier    => $verifier,
    variables   => [ 'aws_sigv4_status' ],
    modules_before => [ 'ndk_http_module', 'ngx_http_lua_module' ],
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;

aws_sigv4          on;
aws_sigv4_service  execute-api;
aws_sigv4_region   us-east-1;

client_max_body_size       1m;
proxy_read_timeout         10s;
client_header_buffer_size  1k;
large_client_header_buffers  4 32k;
EOC
    config => <<'EOC',
ignore_invalid_headers  off;
merge_slashes           off;

location / {
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /s3/ {
    aws_sigv4_service  s3;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}

location /replaced/ {
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT/with/;
}

location /decoded/ {
    aws_sigv4_allow_hosts  127.0.0.1;
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT$uri$is_args$args;
}

location /s3-decoded/ {
    aws_sigv4_service  s3;
    aws_sigv4_allow_hosts  127.0.0.1;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT$uri$is_args$args;
}

location ~ "(?s)^/regex/(.*)" {
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT/$1?$args;
}

location /rewritten/ {
    rewrite     "(?s)^/rewritten/(.*)$" /to/$1?c=$1 break;
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /host/ {
    proxy_set_header       Host $http_host;
    aws_sigv4_allow_hosts  *.example.com;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
}

location /any-host/ {
    proxy_set_header       Host $http_host;
    aws_sigv4_allow_hosts  *;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
}

location ~ "(?s)^/header/(?<value>.*)$" {
    proxy_set_header  X-Value $value;
    proxy_pass        http://127.0.0.1:$VERIFIER_PORT;
}

location ~ "(?s)^/amz-header/(?<value>.*)$" {
    proxy_set_header  X-Amz-Meta-Value $value;
    proxy_pass        http://127.0.0.1:$VERIFIER_PORT;
}

location ~ "(?s)^/host-header/(?<value>.*)$" {
    proxy_set_header       Host $value;
    aws_sigv4_allow_hosts  *;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
}

location ~ "(?s)^/method/(?<value>.*)$" {
    proxy_method  $value;
    proxy_pass    http://127.0.0.1:$VERIFIER_PORT;
}

location ~ "(?s)^/region/(?<value>.*)$" {
    aws_sigv4_region  $value;
    proxy_pass        http://127.0.0.1:$VERIFIER_PORT;
}

location ~ "(?s)^/service/(?<value>.*)$" {
    aws_sigv4_service  $value;
    proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
}

location ~ "(?s)^/body/(?<value>.*)$" {
    proxy_set_header  X-Value $value;
    proxy_set_body    "body";
    proxy_pass        http://127.0.0.1:$VERIFIER_PORT;
}

location /lua/ {
    set $value "";
    access_by_lua_block {
        ngx.var.value = ngx.unescape_uri(ngx.var.arg_x or "")
    }
    proxy_set_header  X-Value $value;
    proxy_pass        http://127.0.0.1:$VERIFIER_PORT;
}
EOC
);

# name, bytes, status, requests upstream, and why the upstream refuses what
# nginx lets through and no signature covers
sub get {
    my ($target, @headers) = @_;

    return join "\r\n", "GET $target HTTP/1.1",
        (grep { /^host:/i } @headers) ? () : 'Host: localhost', @headers,
        'Connection: close', '', '';
}

my @cases = (
    # targets
    [ 'a stray percent sign',    get('/%'),         400, 0 ],
    [ 'half an escape',          get('/a%2'),       400, 0 ],
    [ 'an escape that is none',  get('/a%zz'),      400, 0 ],
    [ 'the same for S3',         get('/s3/a%zz'),   400, 0 ],
    [ 'an escaped NUL',          get('/a%00'),      400, 0 ],
    [ 'a raw NUL',               get("/a\0b"),      400, 0 ],
    [ 'a stray percent sign in a query', get('/?a=%'), 200, 1 ],
    [ 'half an escape in a query',   get('/?a=%2'), 200, 1 ],
    [ 'an escape in a query that is none', get('/?a=%zz&b'), 200, 1 ],
    [ 'NUL in a query',          get("/?a=\0"),     400, 0 ],
    [ 'an escaped NUL in a query', get('/?a=%00'),  200, 1 ],
    [ 'more ups than directories', get('/../../etc/passwd'), 400, 0 ],
    [ 'escaped ups',             get('/a/%2e%2e/%2e%2e/%2e%2e/x'), 400, 0 ],
    [ 'non-ASCII bytes',         get("/caf\xe9/\xe3\x81\x82?q=\xe9"), 200, 1 ],
    [ 'the same for S3',         get("/s3/caf\xe9/\xe3\x81\x82"), 200, 1 ],
    [ 'every printable byte',    get('/' . join '', grep { !/[%#?\/ ]/ }
                                     map { chr } 33 .. 126), 200, 1 ],
    [ 'the same for S3',         get('/s3/' . join '', grep { !/[%#?\/ ]/ }
                                     map { chr } 33 .. 126), 200, 1 ],
    [ 'the same in a query',     get('/?' . join '', grep { !/[%# ]/ }
                                     map { chr } 33 .. 126), 200, 1 ],
    [ 'every escaped byte',      get('/' . join '',
                                     map { sprintf '%%%02x', $_ }
                                     1 .. 255), 200, 1 ],
    [ 'the same for S3',         get('/s3/' . join '',
                                     map { sprintf '%%%02X', $_ }
                                     1 .. 255), 200, 1 ],
    [ 'the same in a query',     get('/?a=' . join '',
                                     map { sprintf '%%%02x', $_ }
                                     0 .. 255), 200, 1 ],
    [ 'the same decoded',        get('/decoded/' . join '',
                                     map { sprintf '%%%02x', $_ }
                                     1 .. 255), 400, 0 ],
    [ 'the same decoded for S3', get('/s3-decoded/' . join '',
                                     map { sprintf '%%%02x', $_ }
                                     1 .. 255), 400, 0 ],
    [ 'a raw tab',               get("/a\tb"),      400, 0 ],
    [ 'control bytes',           get("/a\x01\x7f"), 400, 0 ],
    [ 'control bytes in a query', get("/?a=\x01\x7f"), 400, 0 ],
    [ 'a fragment',              get('/a#b?c'),     200, 1 ],
    [ 'a fragment in a query',   get('/a?b#c'),     200, 1 ],
    [ 'an escaped fragment, decoded', get('/decoded/a%23b'), 200, 1 ],
    [ 'an escaped question mark, decoded', get('/decoded/a%3Fb'), 200, 1 ],
    [ 'an escaped percent sign, decoded', get('/decoded/a%25b'), 200, 1 ],
    [ 'an escape of escapes, decoded', get('/decoded/a%252525'), 200, 1 ],
    [ 'a capture with a space',  get('/regex/a%20b%0d%0aHost:%20x?q=1'),
      400, 0 ],
    [ 'a rewrite with a line break', get('/rewritten/a%0d%0aX:%20y'),
      200, 1 ],
    [ 'an absolute target',      get('http://localhost/x?y'),    200, 1 ],
    [ 'an absolute target of another host',
      get('http://evil.example.org/x?y'), 200, 1 ],
    [ 'an absolute target with credentials',
      get('http://user:pass@localhost/x'), 400, 0 ],
    [ 'an absolute target without a path', get('http://localhost'), 200, 1 ],
    [ 'an absolute target with a query only', get('http://localhost?a=b'),
      200, 1 ],
    [ 'no slash at the start',   get('x'),          400, 0 ],
    [ 'an empty target',         "GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0 ],
    [ 'a question mark alone',   get('/?'),         200, 1 ],
    [ 'question marks',          get('/???a=?'),    200, 1 ],
    [ 'ampersands',              get('/?&&&=&=='),  200, 1 ],
    [ 'thousands of parameters', get('/?' . join '&', map { "a$_=$_" }
                                     reverse 1 .. 2000), 200, 1 ],
    [ 'thousands of equal parameters', get('/?' . 'a=b&' x 5000), 200, 1 ],
    [ 'thousands of slashes',    get('/' x 5000),   200, 1 ],
    [ 'thousands of dots',       get('/a/' . './' x 5000), 200, 1 ],
    [ 'thousands of ups',        get('/a' x 4000 . '/..' x 4000), 200, 1 ],
    [ 'thousands of bytes to escape', get('/s3/' . '(' x 20000), 200, 1 ],
    [ 'a target that is too long', get('/' . 'a' x 40000), 414, 0 ],
    [ 'presigned parameters',
      get('/?X-Amz-Signature=0&a=1&X-Amz-Algorithm=b&x-amz-credential'),
      200, 1 ],
    [ 'presigned parameters in disguise',
      get('/?%58-Amz-Signature=0&X%2dAmz%2DExpires=1&b'), 200, 1 ],

    # request lines
    [ 'HTTP/0.9',                "GET /\r\n",       200, 1 ],
    [ 'HTTP/1.0 without Host',   "GET /a HTTP/1.0\r\n\r\n", 200, 1 ],
    [ 'HTTP/2.0 in words',       "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, 0 ],
    [ 'HTTP/1.2',                "GET / HTTP/1.2\r\nHost: a\r\n"
                                 . "Connection: close\r\n\r\n", 200, 1 ],
    [ 'no HTTP at all',          "\x16\x03\x01\x02\0\x01\0\r\n\r\n", 400, 0 ],
    [ 'a small method',          "get / HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0 ],
    [ 'a method with a digit',   "G3T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, 0 ],
    [ 'an unknown method',       "FROB-NICATE / HTTP/1.1\r\nHost: a\r\n"
                                 . "Connection: close\r\n\r\n", 200, 1 ],
    [ 'a long method',           'G' x 3000 . " / HTTP/1.1\r\nHost: a\r\n"
                                 . "Connection: close\r\n\r\n", 200, 1 ],
    [ 'CONNECT',                 "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
      400, 0 ],
    [ 'CONNECT of a path',       "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
      405, 0 ],
    [ 'TRACE',                   "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
      405, 0 ],
    [ 'OPTIONS *',               "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
      400, 0 ],
    [ 'OPTIONS of a path',       "OPTIONS /a HTTP/1.1\r\nHost: a\r\n"
                                 . "Connection: close\r\n\r\n", 200, 1 ],

    # hosts
    [ 'no Host',                 "GET / HTTP/1.1\r\n\r\n", 400, 0 ],
    [ 'two hosts',               get('/', 'Host: a', 'Host: b'), 400, 0 ],
    [ 'an empty Host',           get('/', 'Host:'), 400, 0 ],
    [ 'an empty Host that is passed on', get('/any-host/', 'Host: '), 400, 0 ],
    [ 'a Host with a slash',     get('/', 'Host: a/b'), 400, 0 ],
    [ 'a Host with a space',     get('/any-host/', 'Host: a b'), 400, 0 ],
    [ 'a Host of dots',          get('/any-host/', 'Host: ..'), 400, 0 ],
    [ 'a Host with a port',
      get('/host/', 'Host: a.example.com:8443'), 200, 1 ],
    [ 'a Host with a strange port',
      get('/host/', 'Host: a.example.com:x@y'), 400, 0 ],
    [ 'a Host that is not allowed',
      get('/host/', 'Host: example.com.evil.org'), 403, 0 ],
    [ 'a Host that ends as an allowed one',
      get('/host/', 'Host: evil.org:80.example.com'), 403, 0 ],
    [ 'a Host in capitals',      get('/host/', 'Host: A.EXAMPLE.COM'),
      200, 1 ],
    [ 'a Host with a dot behind', get('/host/', 'Host: a.example.com.'),
      200, 1 ],
    [ 'a long Host', get('/any-host/', 'Host: ' . 'a' x 8000), 200, 1 ],

    # headers
    [ 'no name',                 get('/', ': value'), 400, 0 ],
    [ 'a name with a space',     get('/', 'X Y: value'), 400, 0 ],
    [ 'a space before the colon', get('/', 'X-Y : value'), 400, 0 ],
    [ 'no colon',                get('/', 'X-Y'), 200, 1 ],
    [ 'a folded line',           get('/', 'X-Amz-Meta-A: a', ' b: c'),
      400, 0 ],
    [ 'a value of spaces',       get('/', 'X-Amz-Meta-A:    '), 200, 1 ],
    [ 'no value',                get('/', 'X-Amz-Meta-A:'), 200, 1 ],
    [ 'spaces and tabs inside',
      get('/', "X-Amz-Meta-A: \t a \t  b \t "), 200, 1 ],
    [ 'quotes',                  get('/', 'X-Amz-Meta-A: " a   b "'), 200, 1 ],
    [ 'non-ASCII bytes in a value', get('/', "X-Amz-Meta-A: \xe9\xff\x80"),
      200, 1 ],
    [ 'control bytes in a value', get('/', "X-Amz-Meta-A: a\x01b\x7f"),
      400, 1, 'bad_header_line' ],
    [ 'control bytes in a value that is not signed',
      get('/', "X-A: a\x01b\x7f"), 400, 1,
      'bad_header_line' ],
    [ 'NUL in a value',          get('/', "X-Amz-Meta-A: a\0b"), 400, 0 ],
    [ 'CR in a value',           get('/', "X-Amz-Meta-A: a\rb"), 400, 0 ],
    [ 'CR in a value that is not signed', get('/', "X-A: a\rb"), 400, 0 ],
    [ 'LF alone as a line end',  "GET / HTTP/1.1\nHost: a\nX-Amz-A: b\n"
                                 . "Connection: close\n\n", 200, 1 ],
    [ 'a name of non-ASCII bytes', get('/', "X-\xe9: a"), 400, 1,
      'bad_header_line' ],
    [ 'a name of signs',         get('/', "X-Amz-!#\$&'*+.^_`|~: a"), 200, 1 ],
    [ 'a name that breaks Authorization', get('/', 'X-Amz-A;b,c=: a'),
      400, 0 ],
    [ 'an underscore',           get('/', 'x_amz_date: a', 'X-Amz_Date: b'),
      200, 1 ],
    [ 'a long name',             get('/', 'X-Amz-' . 'a' x 3000 . ': a'),
      200, 1 ],
    [ 'a large value',           get('/', 'X-Amz-Meta-A: ' . 'a' x 30000),
      200, 1 ],
    [ 'a value that is too large', get('/', 'X-Amz-Meta-A: ' . 'a' x 40000),
      400, 0 ],
    [ 'many headers',            get('/', map { "X-Amz-Meta-$_: $_" }
                                     reverse 1 .. 900), 200, 1 ],
    [ 'many equal headers',      get('/', ('X-Amz-Meta-A: b') x 900),
      200, 1 ],
    [ 'too many headers',        get('/', ('X-Amz-Meta-A: ' . 'b' x 1000)
                                          x 200), 400, 0 ],
    [ 'authority of the client, many times',
      get('/', map { ($_) x 3 } 'X-Amz-Date: b', 'X-Amz-Security-Token: c',
          'x-amz-content-sha256: d', 'Proxy-Authorization: e',
          'X-Amz-S3session-Token: f', 'x-api-key: g', 'api-key: h',
          'x-amz-region-set: *'), 200, 1 ],
    [ 'Authorization twice',     get('/', ('Authorization: a') x 2), 400, 0 ],
    [ 'Connection names our headers',
      get('/', 'Connection: x-amz-date, authorization, host', 'TE: x'),
      200, 1 ],
    [ 'two of Content-Type',     get('/', ('Content-Type: a') x 2), 400, 1,
      'duplicate_header' ],
    [ 'two of Content-MD5',      get('/', ('Content-MD5: a') x 2), 400, 1,
      'duplicate_header' ],

    # line breaks that come through variables
    [ 'CRLF in a header',        get('/header/a%0d%0aX-Injected:%20b'),
      200, 1 ],
    [ 'LF in a header',          get('/header/a%0aX-Injected:%20b'), 500, 0 ],
    [ 'CR in a header',          get('/header/a%0dX-Injected:%20b'), 500, 0 ],
    [ 'an empty line in a header',
      get('/header/a%0d%0a%0d%0aGET%20/x%20HTTP/1.1%0d%0aHost:%20x'),
      500, 0 ],
    [ 'a Host in a header',      get('/header/a%0d%0aHost:%20b'), 500, 0 ],
    [ 'a length in a header',    get('/header/a%0d%0aContent-Length:%205'),
      500, 0 ],
    [ 'an encoding in a header',
      get('/header/a%0d%0aTransfer-Encoding:%20chunked'), 500, 0 ],
    [ 'an Authorization in a header',
      get('/header/a%0d%0aAuthorization:%20b'), 200, 1 ],
    [ 'a line without a colon in a header', get('/header/a%0d%0ab'), 500, 0 ],
    [ 'CRLF in a signed header',
      get('/amz-header/a%0d%0aX-Amz-Acl:%20public-read'), 400, 0 ],
    [ 'CRLF in a Host',          get('/host-header/a%0d%0aX-Amz-Acl:%20b'),
      400, 0 ],
    [ 'CRLF in a method',        get('/method/GET%20/%20HTTP/1.1%0d%0aX:'),
      400, 0 ],
    [ 'a space in a method',     get('/method/GET%20/x'), 400, 0 ],
    [ 'an empty line before proxy_set_body',
      get('/body/a%0d%0a%0d%0aGET%20/x%20HTTP/1.1'), 500, 0 ],
    [ 'CRLF by Lua',             get('/lua/?x=a%0d%0aX-Injected:%20b'),
      200, 1 ],
    [ 'an empty line by Lua',    get('/lua/?x=a%0d%0a%0d%0aGET%20/%20HTTP'),
      500, 0 ],
    [ 'NUL by Lua',              get('/lua/?x=a%00b'), 400, 1,
      'bad_header_line' ],
    [ 'a slash in a region',     get('/region/us%2feast'), 500, 0 ],
    [ 'a line break in a region', get('/region/us%0aeast'), 500, 0 ],
    [ 'a line break in a service', get('/service/s3%0d%0aX:%20y'), 500, 0 ],
    [ 'a long region',           get('/region/' . 'a' x 5000), 200, 1 ],
);

my %seen;

for my $case (@cases) {
    my ($name, $bytes, $status, $count, $reason) = @$case;

    my $verdict = $reason ? "refused: $reason" : 'ok';

    $name .= ' (again)' while $seen{$name}++;

    $nginx->mark;
    $verifier->mark;

    my $client = http_client(port => $nginx->port);

    $client->send($bytes);

    my $response = $client->response($bytes =~ /^(\S+)/ ? $1 : 'GET');

    # HTTP/0.9 has no head
    my $got = $response->{status} || ($response->{body} =~ /"ok"/ ? 200 : 0);

    # nginx waits for the client to close, and logs then
    undef $client;
    wait_for(sub { $nginx->access });

    my @access  = $nginx->access;
    my @records = $verifier->records;
    my @errors  = grep { /\[(?:error|crit|alert|emerg)\]/ }
                  split /\n/, $nginx->log_text('error.log');

    is($got, $status, "$name: status");
    is(@access, 1, "$name: one line in the access log");
    is(@records, $count, "$name: requests upstream");

    for my $record (@records) {
        my $got = join ': ', grep { length } @{$record}{qw(verdict reason)};

        is($got, $verdict, "$name: signed and right")
            or diag("$record->{detail}\n$record->{head}");
    }

    cmp_ok(@errors, '<=', 1, "$name: one line in the error log at most")
        or diag(@errors);
}

my @problems = $nginx->stop_it;

is_deeply(\@problems, [], 'nginx ended well');
done_testing();
