# SPDX-License-Identifier: BSD-2-Clause

# Twenty thousand requests of all kinds, and the worker is no larger.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Nginx;
use Test::More;

# A sanitizer keeps what is freed.
my $bound = (AwsSigV4::Nginx::sanitized() ? 512 : 1) << 20;

my $nginx = start_nginx(
    log_level   => 'crit',
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_TEMP_AKID secret_access_key=$TEST_TEMP_SECRET
    session_token=$TEST_TEMP_TOKEN;
aws_sigv4_provider none chain providers=env;

aws_sigv4_service  s3;
aws_sigv4_region   us-east-1;

client_body_buffer_size    16k;
keepalive_requests         1000000;
access_log                 off;

upstream two {
    server  127.0.0.1:$TEST_PORT_UPSTREAM max_fails=0;
    server  127.0.0.1:$TEST_PORT_UPSTREAM max_fails=0;
}

upstream kept {
    server              127.0.0.1:$TEST_PORT_UPSTREAM;
    keepalive           8;
    keepalive_requests  1000000;
}

server {
    listen              127.0.0.1:$TEST_PORT_UPSTREAM;
    client_max_body_size  0;

    location /     { return 200 "yes"; }
    location /503  { return 503 "no"; }
}
EOC
    config => <<'EOC',
aws_sigv4           on;
proxy_http_version  1.1;
proxy_set_header    Connection "";

location / {
    proxy_pass  http://kept;
}

location /set {
    proxy_set_body  "another";
    proxy_pass      http://kept;
}

location /503 {
    proxy_next_upstream  http_503;
    proxy_pass           http://two;
}

location /hook {
    aws_sigv4_lua_need_body  on;
    aws_sigv4_by_lua_block {
        sigv4.region = sigv4.json("region")
        sigv4.service = "bedrock" .. #sigv4.uri
    }
    proxy_pass  http://kept;
}

location /error {
    aws_sigv4_by_lua_block { error("no " .. sigv4.uri) }
    proxy_pass  http://kept;
}

location /deny {
    aws_sigv4_by_lua_block { sigv4.deny(403, "no " .. sigv4.uri) }
    proxy_pass  http://kept;
}

location /host {
    aws_sigv4_host         $arg_host;
    aws_sigv4_allow_hosts  *.example.com;
    proxy_pass             http://kept;
}

location /region {
    aws_sigv4_region  $arg_region;
    proxy_pass        http://kept;
}

location /none {
    aws_sigv4_credentials  none;
    proxy_pass             http://kept;
}

location /unsigned {
    aws_sigv4_payload        unsigned;
    proxy_request_buffering  off;
    proxy_pass               http://kept;
}
EOC
);

sub message {
    my ($method, $target, $body, @headers) = @_;

    return join "\r\n", "$method $target HTTP/1.1", 'Host: localhost',
        defined $body ? 'Content-Length: ' . length $body : (), @headers,
        '', $body // '';
}

# the messages of a round, and the status of each
my @kinds = (
    (map { [ message('GET', "/object/$_?list-type=2&prefix=$_"), 200 ] }
        1 .. 20),
    [ message('PUT', '/a%20b+(c)%c3%a9', 'small'), 200 ],
    [ message('PUT', '/spooled', 'x' x 20000), 200 ],
    [ message('GET', '/?' . join '&', map { "p$_=$_" } reverse 1 .. 300),
      200 ],
    [ message('GET', '/', undef, map { "X-Amz-Meta-$_: a  b" } 1 .. 50),
      200 ],
    [ message('PUT', '/', 'x', 'X-Amz-Content-Sha256: UNSIGNED-PAYLOAD'),
      200 ],
    [ message('PUT', '/', undef, 'Transfer-Encoding: chunked')
      . "5\r\nfirst\r\n0\r\n\r\n", 200 ],
    [ message('PUT', '/unsigned', 'x' x 9000), 200 ],
    [ message('PUT', '/set', 'x'), 200 ],
    [ message('PUT', '/503', 'x' x 100), 503 ],
    [ message('POST', '/hook', '{"region": "eu-west-1"}'), 200 ],
    [ message('POST', '/deny', 'x' x 100), 403 ],
    [ message('GET', '/host?host=a.example.com'), 200 ],
    [ message('GET', '/host?host=a.example.org'), 403 ],
    [ message('GET', '/region?region=eu-north-1'), 200 ],
    [ message('GET', '/none'), 503 ],
);

# These end their connection.
my @last = (
    [ message('GET', '/error'), 500 ],
    [ message('GET', '/region?region=a/b'), 500 ],
    [ message('PUT', '/', 'x', 'X-Amz-Content-Sha256: '
              . 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'), 501 ],
);

# All of a round in one piece; gives what was not answered as it should be.
sub round {
    my ($number) = @_;

    my $client = http_client(port => $nginx->port);
    my @round  = (@kinds, $last[$number % @last]);

    $client->send(join '', map { $_->[0] } @round);

    return grep { $client->response('GET')->{status} != $_->[1] } @round;
}

sub rounds {
    my ($requests) = @_;

    my $rounds = int $requests / (1 + @kinds);

    return map { round($_) } 1 .. $rounds;
}

wait_for(sub { $nginx->workers });

my ($worker) = $nginx->workers;
my $resident = sub { 1024 * $nginx->proc($worker, 'status', 'VmRSS') };

is(join("\n", map { $_->[0] } rounds(2000)), '', 'the answers at first');

my $before = $resident->();

is(join("\n", map { $_->[0] } rounds(20_000)), '', 'the answers after that');

cmp_ok($resident->() - $before, '<', $bound, 'the worker does not grow');
diag(sprintf 'it grew by %d bytes', $resident->() - $before)
    if $ENV{TEST_VERBOSE};

my @problems = $nginx->stop_it;

is_deeply(\@problems, [], 'nginx ended well');
done_testing();
