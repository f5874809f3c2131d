# SPDX-License-Identifier: BSD-2-Clause

# The date is that of the try: of a second one, and of a first one that has
# waited for its connection.

use strict;
use warnings;

use lib 't/lib';

use IO::Select;
use IO::Socket::INET;
use Test::More;

use AwsSigV4;
use AwsSigV4::Clock;

my $http = <<'EOC';
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
EOC

subtest 'a second try has a date of its own', \&second_try;
subtest 'a first try that waited for its connection', \&waited;
done_testing();

# The first server answers when two seconds have passed.
sub second_try {
    my $dir      = temp_dir();
    my $verifier = start_verifier(script => [
        { status => 503, touch => "$dir/arrived", after => "$dir/answer" } ]);
    my $nginx = start_nginx(
        verifier    => $verifier,
        variables   => ['aws_sigv4_status'],
        http_config => $http . <<'EOC',
upstream two {
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
}
EOC
        config => <<'EOC');
location / {
    aws_sigv4 on;
    proxy_pass http://two;
    proxy_next_upstream http_503 non_idempotent;
}
EOC

    my $client = http_client(port => $nginx->port);
    my ($head, $body) = AwsSigV4::Client::format_request(
        { method => 'POST', target => '/', body => 'body', last => 1 });
    $client->send($head . $body);

    ok(wait_for(sub { -e "$dir/arrived" }), 'the first try arrived');

    my $start = time;
    wait_for(sub { time >= $start + 2 });
    spew("$dir/answer", '');

    is($client->response('POST')->{status}, 200, 'the second try succeeded');

    my @records = $verifier->wait_records(2);
    is($_->{verdict}, 'ok', 'accepted') for @records;
    cmp_ok($records[1]{date}, 'gt', $records[0]{date}, 'a later date');
    isnt($records[1]{signature}, $records[0]{signature},
         'another signature');
    status_is($nginx, 'signed');
    is(join("\n", $nginx->stop_it), '', 'nginx ended well');
}

# The upstream completes its handshake when the clock has gone on.
sub waited {
    my $clock    = AwsSigV4::Clock->new;
    my ($cert, $key) = make_cert();
    my $verifier = start_verifier(cert => $cert, cert_key => $key);
    my $relay    = IO::Socket::INET->new(Listen => 8, Proto => 'tcp',
                                         LocalAddr => '127.0.0.1');

    my $nginx = start_nginx(
        $clock->nginx(1),
        verifier    => $verifier,
        variables   => ['aws_sigv4_status'],
        values      => { TEST_RELAY => $relay->sockport,
                         TEST_CERT  => $cert },
        http_config => $http,
        config      => <<'EOC');
location / {
    aws_sigv4 on;
    proxy_pass https://127.0.0.1:$TEST_RELAY;
    proxy_ssl_verify on;
    proxy_ssl_name localhost;
    proxy_ssl_server_name on;
    proxy_ssl_trusted_certificate $TEST_CERT;
    proxy_ssl_session_reuse off;
}
EOC

    for my $wait (0, 30, 61, 300) {
        my $start = time;
        $clock->set('+0');

        my $client = http_client(port => $nginx->port);
        my ($head, $body) = AwsSigV4::Client::format_request(
            { method => 'POST', target => "/$wait", body => 'x' x 70000,
              last => 1 });
        $client->send($head . $body);

        my $waiting = $relay->accept;
        my $signed  = time;

        $clock->set("+${wait}s");
        $verifier->mark;
        relay($waiting, $verifier->tls_port, sub { $verifier->records });

        is($client->response('POST')->{status}, 200, "after $wait s");

        my ($record) = $verifier->wait_records(1);
        my $end      = time;
        my $date     = timestamp($record->{date});

        is($record->{verdict}, 'ok', 'accepted');

        if ($wait >= 60) {
            cmp_ok($date, '>=', $start + $wait, 'the date is a later one');
            cmp_ok($date, '<=', $end + $wait, 'the date of the handshake');

        } elsif ($end - $start + $wait < 60) {
            cmp_ok($date, '>=', $start, 'the date of the request');
            cmp_ok($date, '<=', $signed, 'and no later one');
        }
    }

    status_is($nginx, 'signed');
    is(join("\n", $nginx->stop_it), '', 'nginx ended well');
}

# Bytes to and fro until both sides are done.
sub relay {
    my ($client, $port) = @_;

    my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                       PeerPort => $port) or die "$port: $!";
    my %peer   = ($client => $server, $server => $client);
    my $select = IO::Select->new($client, $server);

    while (my @ready = $select->can_read(60)) {
        for my $from (@ready) {
            my $got = sysread $from, my $bytes, 65536;

            return unless $got;

            $peer{$from}->print($bytes);
            $peer{$from}->flush;
        }
    }
}

sub timestamp {
    my ($date) = @_;

    require Time::Local;
    my @part = $date =~ /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/
        or die "no date: $date";

    return Time::Local::timegm(@part[5, 4, 3, 2], $part[1] - 1, $part[0]);
}

sub status_is {
    my ($nginx, $want) = @_;

    wait_for(sub { $nginx->access });
    is($_->{aws_sigv4_status}, $want, "status $want") for $nginx->access;
}
