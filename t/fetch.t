#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# The HTTP client of the providers, driven by a module of its own and asked
# to fetch from a server that does what it likes, t/fetch/server.

use warnings;
use strict;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Dns qw(dns_port);
use AwsSigV4::Memory qw(search_memory);


my $root = $AwsSigV4::Nginx::ROOT;
my $module = build_module();
my ($dir, $port) = start_server();
my ($cert, $cert_key) = make_cert();
my $verifier = start_verifier(cert => $cert, cert_key => $cert_key);
my $tls_port = $verifier->tls_port;
my $refused = closed_port();

# the one is sent, the other comes; in a request to the driver every byte of
# it is escaped, so that it is seen when the fetch logs it
my $secret = 'secret' . join '', map { chr 97 + rand 26 } 1 .. 24;
my $answer = 'answer' . join '', map { chr 97 + rand 26 } 1 .. 24;

spew("$dir/answer", $answer);

my $server = <<"EOC";
large_client_header_buffers  4 64k;

location / {
    fetch_test;
}

location /ca {
    resolver    127.0.0.1:${\dns_port()};
    fetch_test  $cert;
}
EOC

my $nginx = start_nginx(
    no_module      => 1,
    load_modules   => 1,
    modules_before => [$module],
    log_level      => 'debug',
    config         => $server,
);

test_answers();
test_requests();
test_failures();
test_limits();
test_addresses();
test_ipv6();
test_origins();
test_tls();
test_ends();
test_exit();

done_testing();


sub test_answers {
    for my $path (qw(/chunked /close /interim /slow)) {
        is fetch($path), "200 [] [] [hello]\n", "$path is an answer";
    }

    is fetch('/ok'), "200 [] [42] [hello]\n", 'a field of the head';
    is fetch('/nothing'), "204 [] [] []\n", 'no body';
    is fetch('/busy'), "503 [] [] [busy]\n", 'an error is an answer';
    is fetch('/redirect'), "302 [] [] []\n", 'a redirect is not followed';
    is fetch('/ok', again => 1), "200 [] [42] [hello]\n",
       'a fetch from the handler of another';

    return;
}


sub test_requests {
    my $host = "127.0.0.1:$port";

    is fetch('/echo?a=b%20c'),
       "200 [] [] [GET /echo?a=b%20c HTTP/1.1\r\nHost: $host\r\n"
       . "Connection: close\r\n\r\n]\n", 'a GET';

    is fetch('/', uri => '/echo', method => 'PUT', header => $secret),
       "200 [] [] [PUT /echo HTTP/1.1\r\nHost: $host\r\n"
       . "Connection: close\r\nX-Test: $secret\r\nX-Other: $secret\r\n"
       . "Content-Length: 0\r\n\r\n]\n", 'a PUT, with another path';

    is fetch('/echo', method => 'POST', body => "a=$secret"),
       "200 [] [] [POST /echo HTTP/1.1\r\nHost: $host\r\n"
       . "Connection: close\r\nContent-Length: 32\r\n\r\na=$secret]\n",
       'a POST with a body';

    my $large = 'x' x 6000;

    is fetch('/echo', body => $large, method => 'POST') =~ tr/x//, 6000,
       'a body that is larger';

    is status('/ok', header => "a\r\nb"), 400, 'no newline in a header';
    like fetch('/', uri => "/ok\r\nX: y"),
         qr/^0 \[the path to ask for has a space or/, 'nor in a path';

    return;
}


sub test_failures {
    my %error = (
        '/html'       => 'the response is not HTTP',
        '/short'      => 'the connection was closed before the response was '
                         . 'complete',
        '/long'       => 'the response is longer than it says',
        '/large'      => 'the response is too large',
        '/endless'    => 'the response is too large',
        '/extension'  => 'the response is too large',
        '/heads'      => 'the response is too large',
        '/empty'      => 'the connection was closed without a response',
        '/reset'      => "recv() from 127.0.0.1:$port failed (104: Connection "
                         . 'reset by peer)',
        '/reset-late' => "recv() from 127.0.0.1:$port failed (104: Connection "
                         . 'reset by peer)',
    );

    for my $path (sort keys %error) {
        is fetch($path), "0 [$error{$path}] [] []\n", "$path is none";
    }

    is fetch('/ok', size => 5), "200 [] [42] [hello]\n",
       'as much as is allowed';
    is fetch('/ok', size => 4), "0 [the response is too large] [] []\n",
       'and one byte more';

    return;
}


sub test_limits {
    for my $path (qw(/silent /half)) {
        is fetch($path, read => 100),
           "0 [127.0.0.1:$port timed out while the response was read] [] []\n",
           "$path ends with the time limit of a read";
    }

    like fetch('/trickle', all => 300), qr/^0 \[it took more than 300 ms, /,
         '/trickle ends with the time limit of all';

    for my $path (qw(/silent /half /trickle)) {
        ok wait_for(sub { slurp("$dir/events") =~ m{^$path$}m }),
           "$path was asked for";
    }

    ok wait_for(sub { open_connections() == 0 }),
       'and no connection is left';

    return;
}


sub test_addresses {
    is fetch_url("http://127.0.0.1:$refused/"),
       "0 [connect() to 127.0.0.1:$refused failed (111: Connection refused)] "
       . "[] []\n", 'an address that refuses';
    is fetch_url("http://localhost:$port/ok"), "200 [] [42] [hello]\n",
       'localhost without a resolver';
    is fetch_url("http://name.example:$port/ok"),
       "0 [there is no resolver for name.example] [] []\n",
       'another name without one';
    is fetch_url("http://name.example:$port/ok", location => '/ca'),
       "200 [] [42] [hello]\n", 'a name';
    is fetch_url("http://missing.example:$port/ok", location => '/ca'),
       '0 [missing.example could not be resolved (3: Host not found)] [] []'
       . "\n", 'a name that does not exist';

    # which address is the first is a matter of chance

    my @got = map { fetch_url("http://two.example:$port/ok",
                              location => '/ca') } 1 .. 8;

    is join('', @got), "200 [] [42] [hello]\n" x 8,
       'two addresses, one of which refuses';
    like fetch_url("http://two.example:$refused/ok", location => '/ca'),
         qr/^0 \[connect\(\) to 127\.0\.0\.[12]:$refused failed \(111/,
         'two that refuse';

    return;
}


sub test_ipv6 {
    if (slurp('/proc/net/if_inet6') !~ /^0{31}1 /m) {
        like fetch_url("http://[::1]:$port/ok"), qr/^0 \[/,
             'an address of IPv6, where there is none';
        return;
    }

    is fetch_url("http://[::1]:$port/echo"),
       "200 [] [] [GET /echo HTTP/1.1\r\nHost: [::1]:$port\r\n"
       . "Connection: close\r\n\r\n]\n", 'an address of IPv6';
    is fetch_url("http://[0:0:0:0:0:0:0:1]:$port/ok"),
       "200 [] [42] [hello]\n", 'in another spelling';
    is fetch_url("http://[::1]:$refused/"),
       "0 [connect() to [::1]:$refused failed (111: Connection refused)] "
       . "[] []\n", 'one that refuses';
    is fetch_url("http://six.example:$port/echo", location => '/ca'),
       "200 [] [] [GET /echo HTTP/1.1\r\nHost: six.example:$port\r\n"
       . "Connection: close\r\n\r\n]\n", 'a name that has no other';

    my @got = map { fetch_url("http://both.example:$port/ok",
                              location => '/ca') } 1 .. 8;

    is join('', @got), "200 [] [42] [hello]\n" x 8,
       'a name that has both, of which IPv4 refuses';
    like fetch_url("https://[::1]:$port/ok", location => '/ca'),
         qr/^0 \[the TLS handshake with \[::1\]:$port failed\]/,
         'TLS, with a server that speaks none';

    return;
}


sub test_origins {
    my %error = (
        "ftp://127.0.0.1/"          => 'it does not begin with http:// or '
                                       . 'https://',
        "http:127.0.0.1/"           => 'it does not begin with http:// or '
                                       . 'https://',
        'https://'                  => 'no host',
        "http:///ok"                => 'no host',
        "http://a:b\@127.0.0.1/"    => 'invalid port',
        "http://a\@127.0.0.1/"      => 'invalid host',
        "http://127.0.0.1:0/"       => 'invalid port',
        "http://127.0.0.1:65536/"   => 'invalid port',
        "http://127.0.0.1:/"        => 'invalid port',
        "http://127.0.0.1/#x"       => 'it has a fragment',
        "http://127.0.0.1/a b"      => 'it has a space or a byte that is not '
                                       . 'ASCII',
        "http://127.0.0.1/\xc3\xa9" => 'it has a space or a byte that is not '
                                       . 'ASCII',
        "http://unix:/tmp/x"        => 'invalid host',
        "http://[::1/"              => 'invalid host',
        "http://[fe80::1%25lo]/"    => 'invalid IPv6 address',
    );

    for my $url (sort keys %error) {
        is fetch_url($url), $error{$url}, "\"$url\" is refused";
    }

    like fetch_url("HTTP://127.0.0.1:$port?x", uri => '/echo'),
         qr{^200 \[\] \[\] \[GET /echo HTTP}, 'a scheme in upper case';

    return;
}


sub test_tls {
    my $answers = qr/^\d{3} \[\] /;

    like fetch_url("https://localhost:$tls_port/", location => '/ca'),
         $answers, 'TLS, to a name of the certificate';
    like fetch_url("https://127.0.0.1:$tls_port/", location => '/ca'),
         $answers, 'to an address of it';
    like fetch_url("https://sts.amazonaws.com:$tls_port/", location => '/ca'),
         $answers, 'to a name that is resolved';
    is fetch_url("https://other.example:$tls_port/", location => '/ca'),
       "0 [the certificate is not one of other.example] [] []\n",
       'another name is refused';
    like fetch_url("https://127.0.0.1:$tls_port/"),
         qr/^0 \[the certificate of 127\.0\.0\.1:$tls_port is not trusted \(\d+: /,
         'and so is a certificate that no CA of the system has signed';
    is fetch_url("https://127.0.0.1:$port/ok", location => '/ca'),
       "0 [the TLS handshake with 127.0.0.1:$port failed] [] []\n",
       'a server that speaks no TLS';
    is fetch_url("https://127.0.0.1:" . silent_port(), location => '/ca',
                 connect => 100) =~ s/:\d+/:/r,
       "0 [the TLS handshake with 127.0.0.1: timed out] [] []\n",
       'a server that says nothing';

    return;
}


# what is not waited for any more, and what is left in memory and logs

sub test_ends {
    my $client = http_client(port => $nginx->port);
    my $before = () = slurp("$dir/events") =~ m{^/silent$}mg;

    $client->send('GET ' . target("http://127.0.0.1:$port/silent",
                                  read => 60000, all => 60000)
                  . " HTTP/1.1\r\nHost: x\r\n\r\n");

    wait_for(sub {
        my $now = () = slurp("$dir/events") =~ m{^/silent$}mg;
        return $now > $before;
    });

    close delete $client->{sock};

    ok wait_for(sub { slurp($nginx->error_log) =~ /fetch test: aborted/ }),
       'a fetch is aborted when its client goes away';
    ok wait_for(sub { open_connections() == 0 }), 'with its connection';

    is status('/file', detach => 1), 200, 'a secret is fetched';
    ok wait_for(sub { slurp($nginx->error_log) =~ /fetch test: 200 \[\] 30/ }),
       'and has come';

    my $log = slurp($nginx->error_log);

    is index($log, $answer), -1, 'it is not in the debug log';
    is index($log, $secret), -1, 'nor is one that was sent';
    like $log, qr/aws sigv4: fetch done/, 'which there is';

    my ($worker) = $nginx->workers;
    my ($dumped, $kept) = search_memory($worker, $answer, 'detach');

    if (!defined $dumped) {
        ok(($ENV{CI} // '') ne 'true',
           'the memory of a worker may not be read here');

    } else {
        is join(' ', @$dumped, @$kept), 'detach',
           'nor is it in the memory of the worker';
    }

    return;
}


# a worker that exits ends what runs, and leaves no connection open

sub test_exit {
    my $events = -s "$dir/events";

    is status('/silent', detach => 1, read => 60000, all => 60000), 200,
       'a fetch has begun';
    ok wait_for(sub { slurp("$dir/events", $events) =~ m{^/silent$}m }),
       'and asked';

    my @problems = $nginx->stop_it;

    is "@problems", '', 'nginx ends as it should';
    like slurp($nginx->error_log),
         qr/fetch test: 0 \[the worker process is exiting\]/,
         'with a word to the owner of the fetch';
    ok wait_for(sub { slurp("$dir/events", $events) =~ m{^gone$}m }),
       'and to the server';

    return;
}


sub fetch {
    my ($path, %arg) = @_;

    return fetch_url("http://127.0.0.1:$port$path", %arg);
}


sub fetch_url {
    my ($url, %arg) = @_;

    return request($nginx->port, target => target($url, %arg))->{body};
}


sub status {
    my ($path, %arg) = @_;

    return request($nginx->port,
                   target => target("http://127.0.0.1:$port$path", %arg))
           ->{status};
}


# every byte of a value is escaped

sub target {
    my ($url, %arg) = @_;

    my $location = delete $arg{location} // '/';

    $arg{url} = $url;

    return "$location?" . join '&', map {
        "$_=" . $arg{$_} =~ s/(.)/sprintf '%%%02x', ord $1/gesr
    } sort keys %arg;
}


# of the worker to the server, as far as Linux tells

sub open_connections {
    my $hex = sprintf ':%04X', $port;

    return scalar grep { (split)[2] =~ /$hex\z/ && (split)[3] eq '01' }
                  split /\n/, slurp('/proc/net/tcp');
}


# a port that accepts and says nothing

sub silent_port {
    require IO::Socket::INET;

    our $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5)
        or die "listen: $!";

    return $silent->sockport;
}


sub start_server {
    my $where = temp_dir();
    my $pid = spawn(command => [$^X, "$root/t/fetch/server", $where],
                    output => "$where/output");

    wait_for(sub { -s "$where/port" || !is_running($pid) });

    my $got = slurp("$where/port")
        or BAIL_OUT('the server does not start: ' . slurp("$where/output"));

    return ($where, $got);
}


# as nginx's configure would, with the sources of the fetch in it, for what
# is not exported cannot be called from another module

sub build_module {
    my $where = temp_dir();
    my $source = '/usr/share/nginx/src/src';
    my $sources = "$root/ngx_aws_sigv4_module";
    my $objs = "$root/build/"
        . ($AwsSigV4::Nginx::STATIC ? 'asan/objs' : 'objs');

    my @command = (
        $ENV{CC} // 'cc', qw(-shared -fPIC -g -O1 -Wall),
        "-I$sources", "-I$sources/core", "-I$objs",
        (map { "-I$source/$_" } qw(core event event/modules os/unix http
                                   http/modules http/v2)),
        '-o', "$where/module.so",
        "$root/t/fetch/ngx_http_fetch_test_module.c",
        glob("$sources/ngx_http_aws_sigv4_fetch*.c"),
        "$sources/ngx_http_aws_sigv4_secret.c",
        glob("$sources/providers/sigv4_http*.c"),
        "$sources/core/sigv4_encode.c",
    );

    my ($code, $output) = run(command => \@command);

    BAIL_OUT("the driver is not built: $output") if $code // 1;

    return "$where/module.so";
}
