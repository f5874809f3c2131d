# SPDX-License-Identifier: BSD-2-Clause

# Bodies that end early, late or never, and requests that are sent in one.
# Nothing incomplete goes upstream signed as if it were all.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use Digest::SHA qw(sha256_hex);
use Test::More;

my $verifier = start_verifier();

my $nginx = start_nginx(
    verifier    => $verifier,
    variables   => [ 'aws_sigv4_status' ],
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;

aws_sigv4          on;
aws_sigv4_service  s3;
aws_sigv4_region   us-east-1;

client_max_body_size     200k;
client_body_buffer_size  16k;
proxy_http_version       1.1;
EOC
    config => <<'EOC',
location / {
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /unbuffered/ {
    aws_sigv4_payload        unsigned;
    proxy_request_buffering  off;
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}

location /impatient/ {
    client_body_timeout  100ms;
    proxy_pass           http://127.0.0.1:$VERIFIER_PORT;
}

location /hook/ {
    aws_sigv4_lua_need_body  on;
    aws_sigv4_by_lua_block   { sigv4.region = sigv4.json("region") }
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}
EOC
);

sub post {
    my ($target, $header, $body) = @_;

    return "POST $target HTTP/1.1\r\nHost: localhost\r\n$header\r\n"
        . "Connection: close\r\n\r\n" . ($body // '');
}

my $chunked = 'Transfer-Encoding: chunked';
my $large   = 'x' x 150_000;

# name, bytes, the status in the access log, requests upstream
my @ends = (
    [ 'no body where one is announced', post('/', 'Content-Length: 10'),
      400, 0 ],
    [ 'half a body',             post('/', 'Content-Length: 10', 'half'),
      400, 0 ],
    [ 'half a spooled body',
      post('/', 'Content-Length: 199999', $large), 400, 0 ],
    [ 'half a body for the hook',
      post('/hook/', 'Content-Length: 99', '{"region": "x"'), 400, 0 ],
    [ 'a chunk that ends early', post('/', $chunked, "a\r\nhalf"), 400, 0 ],
    [ 'chunks without an end',   post('/', $chunked, "4\r\nhalf\r\n"),
      400, 0 ],
    [ 'the end without its line end', post('/', $chunked,
                                           "4\r\nhalf\r\n0\r\n"), 400, 0 ],
    [ 'many chunks without an end',
      post('/', $chunked, sprintf("%x\r\n%s\r\n", length $large, $large)),
      400, 0 ],
);

my @framings = (
    [ 'over the limit',          post('/', 'Content-Length: 300000'),
      413, 0 ],
    [ 'over the limit, unbuffered',
      post('/unbuffered/', 'Content-Length: 300000'), 413, 0 ],
    [ 'far over the limit',
      post('/', 'Content-Length: 9223372036854775807'), 413, 0 ],
    [ 'chunks over the limit',
      post('/', $chunked, "20000\r\n" . 'x' x 0x20000
           . "\r\n20000\r\n" . 'x' x 0x10000), 413, 0 ],
    [ 'a length beyond all numbers',
      post('/', 'Content-Length: 99999999999999999999'), 400, 0 ],
    [ 'a length below nothing',  post('/', 'Content-Length: -1'), 400, 0 ],
    [ 'a length that is none',   post('/', 'Content-Length: ten'), 400, 0 ],
    [ 'a length with a sign',    post('/', 'Content-Length: +4', 'half'),
      400, 0 ],
    [ 'an empty length',         post('/', 'Content-Length:'), 400, 0 ],
    [ 'two lengths',             post('/', "Content-Length: 4\r\n"
                                      . 'Content-Length: 4', 'half'), 400, 0 ],
    [ 'a length and chunks',     post('/', "Content-Length: 4\r\n$chunked",
                                      "0\r\n\r\n"), 400, 0 ],
    [ 'chunks and a length',     post('/', "$chunked\r\nContent-Length: 4",
                                      "0\r\n\r\n"), 400, 0 ],
    [ 'an unknown coding',       post('/', 'Transfer-Encoding: gzip'),
      501, 0 ],
    [ 'two codings',             post('/', 'Transfer-Encoding: gzip, chunked'),
      501, 0 ],
    [ 'a coding in capitals',    post('/', 'Transfer-Encoding: CHUNKED',
                                      "0\r\n\r\n"), 200, 1 ],
    [ 'the coding twice',        post('/', "$chunked\r\n$chunked",
                                      "0\r\n\r\n"), 400, 0 ],
    [ 'chunks of HTTP/1.0',
      "POST / HTTP/1.0\r\n$chunked\r\n\r\n0\r\n\r\n", 400, 0 ],
    [ 'a chunk size that is none', post('/', $chunked, "xyz\r\nhalf\r\n"),
      400, 0 ],
    [ 'a chunk size below nothing', post('/', $chunked, "-1\r\nhalf\r\n"),
      400, 0 ],
    [ 'a chunk size beyond all numbers',
      post('/', $chunked, "fffffffffffffffff\r\nhalf\r\n"), 400, 0 ],
    [ 'a chunk size near the end of numbers',
      post('/', $chunked, "7fffffffffffffff\r\nhalf\r\n"), 400, 0 ],
    [ 'a chunk longer than it says', post('/', $chunked, "2\r\nhalf\r\n"),
      400, 0 ],
    [ 'no line end after a chunk', post('/', $chunked, "4\r\nhalf0\r\n\r\n"),
      400, 0 ],
    [ 'the same for an unsigned payload',
      post('/unbuffered/', $chunked, "4\r\nhalf0\r\n\r\n"), 400, 0 ],
    [ 'zeros before a chunk size', post('/', $chunked, '0' x 100
                                        . "4\r\nhalf\r\n0\r\n\r\n"), 200, 1 ],
    [ 'a long extension of a chunk', post('/', $chunked, '4;' . 'a' x 4000
                                          . "\r\nhalf\r\n0\r\n\r\n"), 200, 1 ],
    [ 'a long trailer',          post('/', $chunked, "4\r\nhalf\r\n0\r\nX: "
                                      . 'a' x 4000 . "\r\n\r\n"), 200, 1 ],
    [ 'single bytes in chunks',  post('/', $chunked, "1\r\nx\r\n" x 9000
                                      . "0\r\n\r\n"), 200, 1 ],
    [ 'a body that never comes', post('/impatient/', 'Content-Length: 10'),
      408, 0 ],
    [ 'a body that stops',
      post('/impatient/', 'Content-Length: 199999', $large), 408, 0 ],
    [ 'chunks that stop',        post('/impatient/', $chunked, "4\r\nha"),
      408, 0 ],
);

# What is true of each: the status and what went upstream.
sub check {
    my ($name, $status, $count, $verdict) = @_;

    wait_for(sub { $nginx->access });

    my @access  = $nginx->access;
    my @records = $count ? $verifier->wait_records($count)
                         : $verifier->records;

    is(@access, 1, "$name: one line in the access log");
    is($access[0]{status}, $status, "$name: status");
    is(@records, $count, "$name: requests upstream");
    is($_->{reason}, $verdict // '', "$name: verdict") for @records;

    my @errors = grep { /\[(?:error|crit|alert|emerg)\]/ }
                 split /\n/, $nginx->log_text('error.log');

    cmp_ok(@errors, '<=', 1, "$name: one line in the error log at most")
        or diag(@errors);

    return;
}

sub begin {
    $nginx->mark;
    $verifier->mark;

    return http_client(port => $nginx->port);
}

for my $case (@ends) {
    my ($name, $bytes, $status, $count) = @$case;

    for my $way ('shut', 'closed') {
        my $client = begin();

        $client->send($bytes);
        $client->drained;

        if ($way eq 'shut') {
            $client->shut;
            $client->response('POST');
        }

        undef $client;
        check("$name, $way", $status, $count);
        is(($nginx->access)[0]{aws_sigv4_status}, 'bad_body',
           "$name, $way: in the access log");
    }
}

for my $case (@framings) {
    my ($name, $bytes, $status, $count) = @$case;
    my $client = begin();

    $client->send($bytes);

    my $response = $client->response('POST');

    # nginx tells no one that it has waited too long
    is($response->{status}, $status == 408 ? 0 : $status,
       "$name: answer");

    undef $client;
    check($name, $status, $count);

    is(($nginx->access)[0]{aws_sigv4_status}, 'bad_body',
       "$name: in the access log") if $status == 408;
}

# An unsigned payload is on its way when its client goes: it stays half.
{
    my $client = begin();

    $client->send(post('/unbuffered/', 'Content-Length: 199999', $large));
    $client->drained;
    undef $client;
    check('half an unbuffered body', 400, 1, 'incomplete_body');
}

# A byte at a time.
{
    my $client = begin();
    my $bytes  = post('/', $chunked, "a;b=c\r\n0123456789\r\n0\r\nX: y\r\n\r\n");

    $client->send_split($bytes, (1) x length $bytes);
    is($client->response('POST')->{status}, 200, 'byte by byte: answer');
    undef $client;
    check('byte by byte', 200, 1);
    is(($verifier->records)[0]{body_sha256}, sha256_hex('0123456789'),
       'byte by byte: the body');
}

# Several requests in one piece, and bytes behind the last.
{
    my $client = begin();

    $client->send(join '',
        "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none",
        "GET /2 HTTP/1.1\r\nHost: a\r\nX-Amz-Meta-A: 2\r\n\r\n",
        "POST /3 HTTP/1.1\r\nHost: a\r\n$chunked\r\n\r\n5\r\nthree\r\n",
        "0\r\n\r\n",
        "PUT /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n",
        'x' x 20000,
        "GET /5 HTTP/1.1\r\nHost: a\r\n\r\n",
        "remains\r\n\r\n");

    my @status = map { $client->response('GET')->{status} } 1 .. 6;

    is_deeply(\@status, [ (200) x 5, 400 ], 'pipelined: answers');

    my @records = $verifier->wait_records(5);

    is_deeply([ map { "$_->{target} $_->{verdict}" } @records ],
              [ map { "/$_ ok" } 1 .. 5 ], 'pipelined: all signed');
    is_deeply([ map { $_->{body_length} } @records ], [ 3, 0, 5, 20000, 0 ],
              'pipelined: their bodies');

    undef $client;
    wait_for(sub { $nginx->access == 6 });
    is(scalar(my @lines = $nginx->access), 6, 'pipelined: all are logged');
}

# It still serves.
{
    my $client = begin();

    $client->send(post('/', 'Content-Length: 4', 'last'));
    is($client->response('POST')->{status}, 200, 'after all that: answer');
    undef $client;
    check('after all that', 200, 1);
}

my @problems = $nginx->stop_it;

is_deeply(\@problems, [], 'nginx ended well');
done_testing();
