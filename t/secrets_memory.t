# SPDX-License-Identifier: BSD-2-Clause

# What a worker keeps when a request has ended: neither the session token nor
# a signing key outside of the mappings that a core file leaves out.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Nginx;
use AwsSigV4::Verifier;
use Digest::SHA qw(hmac_sha256);
use POSIX       qw(strftime);
use Test::More;

my %keys = %AwsSigV4::Verifier::KEYS;

# The verifier does not answer with the headers that it has seen.
my ($cert, $cert_key) = make_cert();
my $verifier = start_verifier(
    cert     => $cert,
    cert_key => $cert_key,
    script   => [ { match => '^/retry', status => 503, body => 'no' },
                  { times => 1000, body => 'yes' } ],
);

my $nginx = start_nginx(
    verifier => $verifier,
    values   => { TEST_CERT => $cert },

    # The linker saves registers, and what memcpy() left in them, where it
    # binds a function at its first call.  Debian's nginx is bound before.
    env      => { LD_BIND_NOW => 1 },
    files    => [ [ 'secret', undef, "$keys{TEMP_SECRET}\n" ],
                  [ 'token',  undef, "$keys{TEMP_TOKEN}\n" ] ],
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_TEMP_AKID
    secret_access_key_file=$TEST_DIR/secret
    session_token_file=$TEST_DIR/token;

aws_sigv4          on;
aws_sigv4_service  execute-api;
aws_sigv4_region   us-east-1;

client_body_buffer_size  16k;

upstream two {
    server  127.0.0.1:$VERIFIER_PORT max_fails=0;
    server  unix:$VERIFIER_SOCKET max_fails=0;
}

upstream tls {
    server     127.0.0.1:$VERIFIER_TLS_PORT;
    keepalive  4;
}

proxy_ssl_verify               on;
proxy_ssl_name                 localhost;
proxy_ssl_server_name          on;
proxy_ssl_trusted_certificate  $TEST_CERT;
EOC
    config => <<'EOC',
location /plain {
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /retry {
    proxy_next_upstream  http_503;
    proxy_pass           http://two;
}

location /resigned {
    proxy_set_body  "another";
    proxy_pass      http://127.0.0.1:$VERIFIER_PORT;
}

location /tls {
    proxy_pass  https://127.0.0.1:$VERIFIER_TLS_PORT;
}

location /keepalive {
    proxy_http_version  1.1;
    proxy_set_header    Connection "";
    proxy_set_header    Host localhost;
    proxy_pass          https://tls;
}

location /refused {
    proxy_pass  http://127.0.0.1:$CLOSED_PORT;
}
EOC
);

wait_for(sub { $nginx->workers });

my ($worker) = $nginx->workers;

# a worker of another user is read by root alone
my $readable = open my $mem, '<:raw', "/proc/$worker/mem";

unless ($readable) {
    BAIL_OUT("the memory of a worker cannot be read: $!")
        if ($ENV{CI} // '') eq 'true';
    $nginx->stop_it;
    plan(skip_all => "the memory of a worker cannot be read: $!");
}

# Derived here, from the rules of AWS, not by the module.
sub signing_key {
    my $key = 'AWS4' . $keys{TEMP_SECRET};

    $key = hmac_sha256($_, $key) for strftime('%Y%m%d', gmtime),
        qw(us-east-1 execute-api aws4_request);

    return $key;
}

# Readable mappings: address, end, path, and whether core files lack it.
sub mappings {
    my ($map, @maps);

    no warnings 'portable';     # addresses have 64 bits

    for my $line (split /\n/, slurp("/proc/$worker/smaps")) {
        if ($line =~ /^([0-9a-f]+)-([0-9a-f]+) (r...) \S+ \S+ \S+ *(.*)/) {
            $map = { start => hex $1, end => hex $2, path => $4 };
            push @maps, $map unless $4 =~ /^\[v(?:var|syscall|dso)/;

        } elsif ($line =~ /^[0-9a-f]+-[0-9a-f]+ /) {
            $map = {};

        } elsif ($line =~ /^VmFlags:.* dd\b/) {
            $map->{dontdump} = 1;
        }
    }

    return @maps;
}

# Where the worker holds the bytes: in mappings that are dumped, or not.
sub search {
    my ($bytes) = @_;

    my (@dumped, @hidden);

    for my $map (mappings()) {
        my $size = $map->{end} - $map->{start};

        # shadow memory of a sanitizer
        next if $size > 1 << 32;

        sysseek $mem, $map->{start}, 0 or next;
        my $got = sysread $mem, my ($data), $size;
        next unless $got;

        my $at = -1;

        while (($at = index $data, $bytes, $at + 1) >= 0) {
            my $place = sprintf '%x %s', $map->{start} + $at, $map->{path};
            push @{ $map->{dontdump} ? \@hidden : \@dumped }, $place;
        }
    }

    return (\@dumped, \@hidden);
}

sub is_clean {
    my ($name) = @_;

    my %secret = (
        token         => $keys{TEMP_TOKEN},
        secret        => $keys{TEMP_SECRET},
        'signing key' => signing_key(),
    );

    for my $what (sort keys %secret) {
        my ($dumped, $hidden) = search($secret{$what});

        is("@$dumped", '', "$name: no $what in what a core file has");
        cmp_ok(@$hidden, '>=', 1, "$name: $what is where it is kept")
            if $name eq 'plain';
    }

    return;
}

# The search finds what is there.
my ($dumped) = search('proxy_ssl_trusted_certificate');

cmp_ok(@$dumped, '>=', 1, 'the memory is read');

my @cases = (
    [ 'plain',     'GET',  '/plain',     200 ],
    [ 'a body',    'POST', '/plain',     200, 'x' x 100 ],
    [ 'spooled',   'POST', '/plain',     200, 'x' x 100000 ],
    [ 'large',     'GET',  '/plain?' . 'a' x 4000, 200 ],
    [ 'resigned',  'POST', '/resigned',  200, 'x' ],
    [ 'retried',   'PUT',  '/retry',     200, 'x' x 1000 ],
    [ 'refused',   'GET',  '/refused',   502 ],
    [ 'TLS',       'GET',  '/tls',       200 ],
    [ 'TLS and a body', 'POST', '/tls',  200, 'x' x 1000 ],
    [ 'TLS and a large body', 'POST', '/tls', 200, 'x' x 100000 ],
    [ 'TLS, kept alive', 'GET', '/keepalive', 200 ],
    [ 'TLS, used again', 'POST', '/keepalive', 200, 'x' x 100000 ],
);

for my $case (@cases) {
    my ($name, $method, $target, $status, $body) = @$case;

    $nginx->mark;

    my $response = request($nginx->port, method => $method,
                           target => $target, body => $body);

    is($response->{status}, $status, "$name: $status");

    # a request is logged right before it is freed
    wait_for(sub { $nginx->access });
    wait_for(sub { !@{ (search($keys{TEMP_TOKEN}))[0] } }, 5);
    is_clean($name);
}

is(scalar(grep { $_->{verdict} ne 'ok' } $verifier->records), 0,
   'all that arrived was signed');

my @problems = $nginx->stop_it;

is_deeply(\@problems, [], 'nginx ended well');
done_testing();
