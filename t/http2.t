# SPDX-License-Identifier: BSD-2-Clause

# Clients that speak HTTP/2 over TLS, with bodies of known and of unknown
# length, on one connection.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use AwsSigV4;
use AwsSigV4::Dns qw(dns_port);

my $curl         = needs('curl');
my ($cert, $key) = make_cert();
my $verifier     = start_verifier(cert => $cert, cert_key => $key);
my $dir          = temp_dir();
my $body         = join '', map { sprintf "%07d\n", $_ } 1 .. 8192;

my $nginx = start_nginx(
    verifier    => $verifier,
    variables   => [qw(server_protocol scheme aws_sigv4_status)],
    values      => { TEST_CERT => $cert, TEST_CERT_KEY => $key,
                     TEST_DNS => dns_port() },
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service execute-api;
aws_sigv4_region us-east-1;
resolver 127.0.0.1:$TEST_DNS ipv6=off;

upstream alive {
    server 127.0.0.1:$VERIFIER_PORT;
    keepalive 4;
}
EOC
    config => <<'EOC');
listen 127.0.0.1:$TEST_PORT_TLS ssl http2;
ssl_certificate $TEST_CERT;
ssl_certificate_key $TEST_CERT_KEY;
aws_sigv4 on;

location /static/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /uri/ {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT/base/;
}

location /unix/ {
    proxy_pass http://unix:$VERIFIER_SOCKET;
}

location /alive/ {
    proxy_pass http://alive;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
}

location /name/ {
    set $name monitoring.us-east-1.amazonaws.com;
    aws_sigv4_service monitoring;
    aws_sigv4_allow_hosts *.amazonaws.com;
    proxy_pass https://$name:$VERIFIER_TLS_PORT;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate $TEST_CERT;
    proxy_ssl_server_name on;
}

location /host/ {
    aws_sigv4_service monitoring;
    aws_sigv4_allow_hosts localhost;
    proxy_set_header Host $host;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /memory/ {
    client_body_buffer_size 128k;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /unbuffered/ {
    proxy_request_buffering off;
    proxy_http_version 1.1;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /denied/ {
    deny all;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

spew("$dir/body", $body);

for my $location (qw(static uri unix alive name host memory unbuffered)) {
    subtest $location => sub { location_works($location) };
}

subtest 'a client that is refused' => sub {
    $verifier->mark;
    my @status = curl([ '/denied/a', '--data-binary', "\@$dir/body" ]);

    is("@status", '403', 'refused');
    is(scalar $verifier->records, 0, 'nothing is sent');
};

is(join("\n", $nginx->stop_it), '', 'nginx ended well');
done_testing();

sub location_works {
    my ($location) = @_;

    $verifier->mark;
    $nginx->mark;

    my @status = curl(
        [ "/$location/a%2Fb?b=2&a=1" ],
        [ "/$location/known", '--data-binary', "\@$dir/body" ],
        [ "/$location/unknown", '-X', 'PUT', '-T', '-' ],
        [ "/$location/empty", '-X', 'POST', '-H', 'Content-Length: 0' ],
    );

    is("@status", '200 200 200 200', 'accepted');

    my %record = map { $_->{target} =~ m{([^/]+)$} ? ($1 => $_) : () }
        $verifier->wait_records(4);

    is($_->{verdict}, 'ok', $_->{target}) for values %record;
    is($record{$_}{body_length}, length $body, "$_ length")
        for qw(known unknown);

    my @lines = @{ wait_for(sub { my @a = $nginx->access;
                                  @a >= 4 && \@a }) || [] };
    is(scalar(grep { $_->{aws_sigv4_status} eq 'signed'
                     && $_->{server_protocol} eq 'HTTP/2.0'
                     && $_->{scheme} eq 'https' } @lines), 4, 'signed');
}

# curl([path, options …], …): the status of each, all on one connection
sub curl {
    my (@requests) = @_;

    my $port    = $nginx->value('TEST_PORT_TLS');
    my @command = ($curl, '-q');

    for my $request (@requests) {
        my ($path, @options) = @$request;

        push @command, '--next' if @command > 2;
        push @command, qw(-s -S --http2 --path-as-is -g -o /dev/null),
            '--cacert', $cert, '--resolve', "localhost:$port:127.0.0.1",
            '-w', '%{http_code}\n', '-H', 'Expect:', @options,
            "https://localhost:$port$path";
    }

    # "-T -" reads the body of unknown length from here
    my $shell = 'exec "$@" <"$0"';
    my $pid   = spawn(output => "$dir/output",
                      env     => { map { $_ => undef }
                                   qw(https_proxy all_proxy) },
                      command => [ '/bin/sh', '-c', $shell, "$dir/body",
                                   @command ]);
    wait_for(sub { !is_running($pid) });
    stop($pid);

    my $output = slurp("$dir/output");
    unlink "$dir/output";

    diag($output) if $output =~ /curl:/;

    return $output =~ /^(\d{3})$/mg;
}
