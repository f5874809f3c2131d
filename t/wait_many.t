#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Thousands of requests that come before the first credentials do, as streams
# of one connection: a stream that waits has no descriptor.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Credentials;
use AwsSigV4::Nginx;

my %frame = (data => 0, headers => 1, reset => 3);

my $many = 'keepalive_requests 100000; http2_max_concurrent_streams 20000;';

my %config = (
    type        => 'container',
    http2       => 1,
    http_config => "$many log_format status \$status;",
    location    => 'aws_sigv4_credentials_timeout 120s;
                    access_log logs/status.log status;',
);


subtest 'a thousand, and clients that go away' => sub {
    my $server = AwsSigV4::Credentials->new(credentials => { hang => 60 });
    my $nginx = $server->gateway(%config, log_level => 'debug');
    my $client = connection($nginx);

    ok wait_for(sub { scalar $server->requests }), 'a fetch hangs';

    open_streams($client, 1 .. 1000);

    ok wait_for(sub { waiting($nginx) == 1000 }), 'a thousand wait';

    # two of three; the rest has to be sent on

    my @gone = grep { $_ % 3 } 1 .. 1000;
    my @rest = grep { $_ % 3 == 0 } 1 .. 1000;

    $client->{http}->send(join '', map {
        frame('reset', 0, stream($_), pack 'N', 8) } @gone);

    ok wait_for(sub { (statuses($nginx)->{499} // 0) == @gone }),
       'two of three go away';

    $server->set(credentials => undef);

    my $answers = answers($client, scalar @rest);

    is_deeply [sort { $a <=> $b } keys %$answers], [map { stream($_) } @rest],
              'the others are answered, and nobody else';
    is join(' ', unique(map { @$_ } values %$answers)), '200',
       'all of them with 200';
    is scalar(grep { @$_ != 1 } values %$answers), 0, 'once';
    ok wait_for(sub { (statuses($nginx)->{200} // 0) == @rest }),
       'so the log says';
    is statuses($nginx)->{499}, scalar @gone, 'and of those that went';

    leave($client);
    is_deeply [grep { !/could not fetch/ } $nginx->stop_it], [],
              'nginx ends well';
};


subtest 'as many as may' => sub {
    my $server = AwsSigV4::Credentials->new(credentials => { hang => 60 });
    my $nginx = $server->gateway(%config);
    my $most = 10_000;

    ok wait_for(sub { scalar $server->requests }), 'a fetch hangs';

    my ($pid) = $nginx->workers;
    my $before = $nginx->proc($pid, 'status', 'VmRSS');
    my @grown;

    for my $round (1 .. 3) {
        my $client = connection($nginx);

        open_streams($client, 1 .. $most + 1);

        is_deeply answers($client, 1), { stream($most + 1) => [503] },
                  "round $round: one more than 10,000 is refused at once";

        push @grown, $nginx->proc($pid, 'status', 'VmHWM') - $before;

        leave($client);

        ok wait_for(sub {
               (statuses($nginx)->{499} // 0) == $round * $most
           }, 120), 'they all go away';
    }

    note "grown by @grown KB";

    SKIP: {
        skip 'a sanitizer keeps what is freed', 2
            if AwsSigV4::Nginx::sanitized();

        cmp_ok $grown[0], '<', $most * 32, 'each of them takes less than 32K';
        cmp_ok $grown[2], '<', $grown[0] * 1.25,
               'and no memory when it has gone';
    }

    $server->set(credentials => undef);

    my $client = connection($nginx);

    open_streams($client, 1);

    is_deeply answers($client, 1), { 1 => [200] },
              'a request that comes then is answered';

    leave($client);
    is_deeply [grep { !/could not fetch|no credentials available/ }
               $nginx->stop_it],
              [], 'nginx ends well';
};


done_testing();


sub connection {
    my ($nginx) = @_;

    my $http = http_client(port => $nginx->port);

    $http->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, ''));

    return { http => $http };
}


# nginx waits five seconds for a client to close the connection that it has
# said good bye to: as long as a test waits for nginx

sub leave {
    my ($client) = @_;

    close delete $client->{http}{sock};

    return;
}


sub frame {
    my ($type, $flags, $stream, $payload) = @_;

    return substr(pack('N', length $payload), 1)
           . pack('CCN', $frame{$type} // $type, $flags, $stream) . $payload;
}


# clients have the odd numbers

sub stream {
    my ($number) = @_;

    return 2 * $number - 1;
}


# GET http://a/, by the static table of RFC 7541

sub open_streams {
    my ($client, @numbers) = @_;

    $client->{http}->send(join '', map {
        frame('headers', 5, stream($_), "\x82\x86\x84\x01\x01a") } @numbers);

    return;
}


# by stream, the status codes of what comes until so many streams have ended

sub answers {
    my ($client, $count) = @_;

    my %answers;
    my $ended = 0;

    while ($ended < $count) {
        my ($type, $flags, $stream, $payload) = next_frame($client);

        if ($type == $frame{headers}) {
            push @{ $answers{$stream} }, status($payload);
        }

        $ended++ if $type <= $frame{headers} && $flags & 1;
    }

    return \%answers;
}


sub next_frame {
    my ($client) = @_;

    my $http = $client->{http};

    while (1) {
        my ($size, $type, $flags, $stream) = length $http->{buffer} >= 9
            ? unpack('NCCN', "\0" . substr $http->{buffer}, 0, 9) : ();

        if (defined $size && length $http->{buffer} >= 9 + $size) {
            my $bytes = substr $http->{buffer}, 0, 9 + $size, '';

            return ($type, $flags, $stream, substr $bytes, 9);
        }

        $http->read_some or die "the connection was closed\n";
    }
}


# indexed, or as nginx writes those that have no index

sub status {
    my ($payload) = @_;

    return 200 if $payload =~ /^\x20?\x88/;
    return $1 + 0 if $payload =~ /^\x20?\x48\x03(\d{3})/;

    return unpack 'H*', $payload;
}


sub waiting {
    my ($nginx) = @_;

    return scalar(() = slurp($nginx->error_log) =~ /waits for credentials/g);
}


sub statuses {
    my ($nginx) = @_;

    my %count;

    $count{$_}++ for slurp($nginx->dir . '/logs/status.log') =~ /^(\d+)$/mg;

    return \%count;
}


sub unique {
    my %seen = map { $_ => 1 } @_;

    return sort keys %seen;
}
