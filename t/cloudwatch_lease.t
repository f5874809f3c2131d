# SPDX-License-Identifier: BSD-2-Clause

# aws_sigv4_cloudwatch, who sends: a configuration that is given up takes
# nothing from the one that stays, and a worker that comes back after another
# has sent in its place changes nothing.

use strict;
use warnings;

use lib 't/lib';

use IO::Socket::INET ();
use Test::More;

use AwsSigV4;
use AwsSigV4::CloudWatch;
use AwsSigV4::Process qw(slurp);

given_up();
stopped();

done_testing();


# so many requests, which are all refused

sub ask {
    my ($nginx, $n) = @_;

    request($nginx->port, target => '/') for 1 .. $n;

    return;
}

sub given_up {
    my $cloudwatch = AwsSigV4::CloudWatch->new;
    my $nginx      = $cloudwatch->gateway;

    ask($nginx, 3);
    is($cloudwatch->refused(3), 3, 'what is counted is sent');

    # other counters, and then an address that is not to be had

    my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
        or die "listen: $!";
    my $http = $nginx->{http};

    ok(!$nginx->reload(http => $http . 'aws_sigv4_zone z:2m;
        server { listen 127.0.0.1:' . $taken->sockport . '; }'),
       'a configuration is given up');
    ask($nginx, 4);
    is($cloudwatch->refused(7), 7, 'the one before goes on');

    close $taken;
    ok($nginx->reload(http => $http . 'aws_sigv4_zone z:2m;'),
       'one with other counters is taken');
    ask($nginx, 5);
    is($cloudwatch->refused(12), 12, 'and goes on, too');

    is_deeply([grep { !/bind\(\)|still could not bind/ } $nginx->stop_it],
              [], 'nginx ends well');

    return;
}


# A call is given 30 s, and its worker 5 s more.

sub stopped {
    my ($cloudwatch, $nginx, $sender);

    # a busy machine may find the worker after its call has timed out

    for (1 .. 5) {
        $cloudwatch = AwsSigV4::CloudWatch->new(actions => [ { hang => 38 } ]);
        $nginx      = $cloudwatch->gateway;

        ask($nginx, 1);
        $sender = stop_sender($nginx, $cloudwatch);
        last if $sender;
        $nginx->stop_it;
    }

    ok($sender, 'a worker that sends is stopped') or return;
    ask($nginx, 2);

    # the other one sends all that nobody is known to have been told of

    ok(wait_for(sub { 2 == (() = $cloudwatch->puts) }, 90),
       'another sends in its place');
    ok(wait_for(sub { grep { $_->{hung} } $cloudwatch->requests }, 90),
       'the first one is answered');

    kill 'CONT', $sender;
    ask($nginx, 4);
    is($cloudwatch->refused(8), 8, 'which changes nothing');

    # it has not heard the answer in time, but that is no longer its concern

    unlike(slurp($nginx->error_log), qr/could not be told/, 'nor says so');
    is_deeply([$nginx->stop_it], [], 'nginx ends well');

    return;
}

# the one whose call is under way, unless that has ended by then

sub stop_sender {
    my ($nginx, $cloudwatch) = @_;

    my $port = $cloudwatch->port;
    my $sender;

    wait_for(sub {
        ($sender) = grep { talks_to($_, $port) } $nginx->workers;
        return $sender;
    }) or return;

    kill 'STOP', $sender;

    my $calls = sub { return scalar(() = $cloudwatch->puts) };

    return $sender
        if wait_for(sub { slurp("/proc/$sender/stat") =~ /\) T / })
            && wait_for($calls) && $calls->() == 1
            && talks_to($sender, $port);

    kill 'CONT', $sender;

    return;
}

# whether a process has a connection to a port

sub talks_to {
    my ($pid, $port) = @_;

    my $hex = sprintf '%04X', $port;
    my %sockets = map { ("socket:[$_]" => 1) }
        slurp("/proc/$pid/net/tcp")
        =~ /^ *\d+: \S+ \w+:$hex 01(?: +\S+){5} +(\d+)/mg;

    return grep { $sockets{ readlink($_) // '' } } glob "/proc/$pid/fd/*";
}
