# SPDX-License-Identifier: BSD-2-Clause

# A body of a gigabyte: the memory of the worker does not grow with it, and
# the file that it is spooled to is read once, for the upstream.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Nginx;
use Test::More;

my $MB = 1 << 20;

# A sanitizer has memory of its own, and is slow.
my $sanitized = AwsSigV4::Nginx::sanitized();
my $size      = $sanitized ? 64 * $MB : 1024 * $MB;
my $growth    = $sanitized ? 64 * $MB : 8 * $MB;

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

client_max_body_size     2g;
client_body_buffer_size  16k;

proxy_read_timeout  300s;
proxy_send_timeout  300s;
EOC
    config => <<'EOC',
location /spooled/ {
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /sendfile/ {
    sendfile    on;
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /unbuffered/ {
    aws_sigv4_payload        unsigned;
    proxy_request_buffering  off;
    proxy_http_version       1.1;
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}
EOC
);

wait_for(sub { $nginx->workers });

my ($worker) = $nginx->workers;
my $block = join '', map { pack 'N', $_ * 2654435761 % (1 << 32) }
                     1 .. $MB / 4;

# the client holds no more than a block of the body
sub put {
    my ($target, $length, $chunked) = @_;

    my $client = http_client(port => $nginx->port, timeout => 300);

    $client->send("PUT $target HTTP/1.1\r\nHost: localhost\r\n"
                  . ($chunked ? 'Transfer-Encoding: chunked'
                              : "Content-Length: $length")
                  . "\r\nConnection: close\r\n\r\n");

    for (1 .. $length / $MB) {
        $client->send(sprintf "%x\r\n", $MB) if $chunked;
        $client->send($block);
        $client->send("\r\n") if $chunked;
    }

    $client->send("0\r\n\r\n") if $chunked;

    return $client->response('PUT');
}

sub peak { return 1024 * $nginx->proc($worker, 'status', 'VmHWM') }
sub read_bytes { return $nginx->proc($worker, 'io', 'rchar') }

# what one request needs is there before it counts
put($_, $MB) for qw(/spooled/warm /sendfile/warm /unbuffered/warm);
$verifier->mark;

my @cases = (
    [ 'spooled',             '/spooled/a',    $size,      0, 1 ],
    [ 'chunked and spooled', '/sendfile/a',   $size / 8,  1, 1 ],
    [ 'unbuffered',          '/unbuffered/a', $size / 8,  0, 0 ],
);

for my $case (@cases) {
    my ($name, $target, $length, $chunked, $times) = @$case;
    my ($peak, $read) = (peak(), read_bytes());

    is(put($target, $length, $chunked)->{status}, 200, "$name: 200");

    my $record = ($verifier->records)[-1];

    is($record->{verdict}, 'ok', "$name: accepted");
    is($record->{body_length}, $length, "$name: all of it");

    cmp_ok(peak() - $peak, '<', $growth, "$name: memory does not grow");
    cmp_ok(read_bytes() - $read, '<', ($times + 0.5) * $length,
           "$name: read $times times");
}

is($_->{aws_sigv4_status}, 'signed', 'signed once') for $nginx->access;

my @problems = $nginx->stop_it;

is_deeply(\@problems, [], 'nginx ended well');
done_testing();
