#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Keys that are replaced, and a day that ends, while requests come in on
# several connections: none fails, and none is signed with what is over.
# bench/rotation.sh is the long form.

use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Time::Local ();

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Clock;
use AwsSigV4::Credentials;

# where connections are spread over the workers by their ports
my $spread = 'listen 127.0.0.1:$TEST_PORT_SPREAD reuseport;
              keepalive_requests 1000000;';


subtest 'keys of some seconds, and a source that fails now and then' => sub {
    my $dir = temp_dir();
    my $keys = spew("$dir/keys", '[]');

    # what the verifier lets live on is looked at here, by the date that is
    # signed: it does not depend on when a request arrives

    my $server = AwsSigV4::Credentials->new(
        count => 1, life => 4, issued => $keys, grace => 3600,
        script => [{}, { status => 500 }, {}, { reset => 1 }, {}, {}],
    );

    my $verifier = start_verifier(args => ['--keys', $keys]);
    my $nginx = $server->gateway(
        type => 'container', workers => 2, verifier => $verifier,
        location => 'aws_sigv4_credentials_timeout 60s;
                     add_header X-Worker $pid always;',
        config => $spread,
    );

    my $seen = load([clients($nginx)],
                    sub { keys %{ $_[0]{keys} } >= 4 });

    cmp_ok scalar(keys %{ $seen->{keys} }), '>=', 4, 'keys follow each other';

    my %expires = map { $_->{access_key_id} => $_->{expires} - 3600 }
        @{ JSON::PP::decode_json(slurp($keys)) };

    my @late = grep { timestamp($seen->{keys}{$_}) >= $expires{$_} }
        keys %{ $seen->{keys} };

    is_deeply \@late, [], 'none signs when it has expired';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'midnight' => sub {
    my $clock = AwsSigV4::Clock->new;

    # how far it is to five seconds before the end of this day

    my $target = time - time % 86400 + 86395;
    my $offset = sub { return sprintf '%+d', $target - time };

    # its clock may differ by the seconds that nginx takes to start

    my $verifier = start_verifier(
        args => ['--clock-offset=' . $offset->()]);

    my $nginx = start_nginx(
        $clock->nginx(2),
        verifier    => $verifier,
        http_config => 'aws_sigv4_provider default static
            access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;',
        config => $spread . '
            location / {
                aws_sigv4          on;
                aws_sigv4_service  execute-api;
                aws_sigv4_region   us-east-1;
                proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
                add_header         X-Worker $pid always;
            }',
    );

    # on a busy machine connections take longer than there is left of the day

    my @clients = clients($nginx);

    $clock->set($offset->() . 's');

    # a second behind it is long enough for all connections

    my $seen = load(\@clients, sub {
        grep { /T0000(?!00)/ } keys %{ $_[0]{dates} };
    });

    my %days = map { substr($_, 0, 8) => 1 } keys %{ $seen->{dates} };

    is scalar(keys %days), 2, 'requests of both days'
        or diag join ' ', sort keys %{ $seen->{dates} };
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


done_testing();


# Some requests on each connection, again and again until enough was seen:
# the last date of each key, and all dates.
sub load {
    my ($clients, $enough) = @_;

    my @clients = @$clients;
    my $seen = { keys => {}, dates => {} };
    my (%problems, $count);

    my $end = wait_for(sub {
        for my $client ((@clients) x 5) {
            $client->send("GET /item HTTP/1.1\r\nHost: a\r\n\r\n");
        }

        for my $client ((@clients) x 5) {
            my $response = $client->response('GET');
            my ($key) = $response->{body} =~ /"access_key_id": "(\w+)"/;
            my ($date) = $response->{body} =~ /"date": "(\w+)"/;

            $count++;

            if ($response->{status} == 200 && $key && $date) {
                $seen->{dates}{$date} = 1;
                $seen->{keys}{$key} = $date
                    if $date gt ($seen->{keys}{$key} // '');

            } else {
                $problems{"$response->{head}\n$response->{body}"}++;
            }
        }

        return %problems || $enough->($seen);
    }, 120);

    ok $end, 'it went on until enough was seen';
    is join("\n", keys %problems), '', "all of $count requests are accepted";

    return $seen;
}

# two connections to each worker
sub clients {
    my ($nginx) = @_;

    my %clients;

    wait_for(sub {
        my $client = http_client(port => $nginx->value('TEST_PORT_SPREAD'));
        my $response = $client->request({ target => '/' });
        my $worker = AwsSigV4::Client::header($response, 'X-Worker');

        push @{ $clients{$worker} }, $client
            unless @{ $clients{$worker} || [] } == 2;

        return 2 == grep { @$_ == 2 } values %clients;
    }) or die "a worker got no connections\n";

    return map { @$_ } values %clients;
}

sub timestamp {
    my ($date) = @_;

    my @part = $date =~ /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/
        or die "no date: $date";

    return Time::Local::timegm(@part[5, 4, 3, 2], $part[1] - 1, $part[0]);
}
