# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Client;

# A small HTTP/1.1 client that sends exactly the bytes it is given.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes ();

use AwsSigV4::Process ();

my $RESPONSE_HEAD = qr{\A(HTTP/1\.\d[ ](\d+)[^\r\n]*(?:\r\n.*?)??)\r\n\r\n}s;

# new(port => …) or new(path => …)
sub new {
    my ($class, %arg) = @_;

    my $sock = defined $arg{path}
        ? IO::Socket::UNIX->new(Peer => $arg{path})
        : IO::Socket::INET->new(
            PeerAddr => '127.0.0.1',
            PeerPort => $arg{port},
            Proto    => 'tcp',
        );
    die "cannot connect to " . ($arg{path} // $arg{port}) . ": $!\n"
        unless $sock;
    $sock->autoflush(1);

    return bless {
        sock    => $sock,
        buffer  => '',
        timeout => $arg{timeout} // 2 * $AwsSigV4::Process::TIMEOUT,
    }, $class;
}

# The bytes of a request: method, target, version, headers (text or a list
# of pairs), body, last.  Host, Content-Length and Connection are added
# where they are missing; a chunked body is framed.
sub format_request {
    my ($spec) = @_;

    my @headers = headers_of($spec->{headers});
    my $body    = $spec->{body};
    my $method  = $spec->{method} // 'GET';
    my %given   = map { lc $_->[0] => $_->[1] } @headers;

    unshift @headers, [ Host => 'localhost' ] unless exists $given{host};

    push @headers, [ Connection => 'close' ]
        if $spec->{last} && !exists $given{connection};

    if (($given{'transfer-encoding'} // '') =~ /chunked/i) {
        $body = chunk_encode($body // '');

    } elsif (!exists $given{'content-length'}
             && (defined $body || $method =~ /^(?:POST|PUT|PATCH)$/))
    {
        push @headers, [ 'Content-Length' => length($body // '') ];
    }

    my $head = sprintf "%s %s HTTP/%s\r\n", $method, $spec->{target},
        $spec->{version} // '1.1';
    $head .= "$_->[0]: $_->[1]\r\n" for @headers;
    $head .= "\r\n";

    return ($head, $body // '', exists $given{expect});
}

sub headers_of {
    my ($headers) = @_;

    return ()        unless defined $headers;
    return @$headers if ref $headers;

    return map { [ /^([^:]+):[ \t]*(.*?)\r?$/s ] }
        grep { /:/ } split /\n/, $headers;
}

sub chunk_encode {
    my ($body, $size) = @_;

    $size ||= 4096;

    my $out = '';

    for (my $at = 0; $at < length $body; $at += $size) {
        my $piece = substr $body, $at, $size;
        $out .= sprintf "%x\r\n%s\r\n", length $piece, $piece;
    }

    return $out . "0\r\n\r\n";
}

# Send a request and read its response; a body announced with Expect waits
# for the 100.  `split` is a list of sizes: of so many bytes each, the
# server has read one piece before it gets the next.  `hold` is a size and a
# file: what follows so many bytes of the body is sent when the file exists.
sub request {
    my ($self, $spec) = @_;

    my $method = $spec->{method} // 'GET';

    if (defined $spec->{raw}) {
        $self->send($spec->{raw});
        ($method) = $spec->{raw} =~ /^(\S+)/;
        return $self->response($method // 'GET');
    }

    my ($head, $body, $expect) = format_request($spec);

    if (my ($size, $file) = @{ $spec->{hold} || [] }) {
        $self->send($head . substr $body, 0, $size);
        AwsSigV4::Process::wait_for(sub { -e $file })
            or die "nothing came of the first $size bytes of the body\n";
        $self->send(substr $body, $size);
        return $self->response($method);
    }

    if (!$expect) {
        $self->send_split($head . $body, @{ $spec->{split} || [] });
        return $self->response($method);
    }

    $self->send($head);
    my $first = $self->response($method, 1);

    return $first unless $first->{status} == 100;

    $self->send($body);
    my $response = $self->response($method);
    $response->{continued} = 1;

    return $response;
}

sub send {
    my ($self, $bytes) = @_;

    my $offset = 0;
    my $select = IO::Select->new($self->{sock});

    while ($offset < length $bytes) {
        $select->can_write($self->{timeout}) or die "timeout on sending\n";
        my $sent = syswrite $self->{sock}, $bytes, 65536, $offset;

        # A server may answer and close before it has read everything.
        last unless defined $sent;
        $offset += $sent;
    }

    return;
}

sub send_split {
    my ($self, $bytes, @sizes) = @_;

    my $offset = 0;

    for my $size (@sizes) {
        last if $offset >= length $bytes;
        $self->send(substr $bytes, $offset, $size);
        $self->drained;
        $offset += $size;
    }

    $self->send(substr $bytes, $offset) if $offset < length $bytes;

    return;
}

# Wait until the server has read all that was sent.
sub drained {
    my ($self) = @_;

    my ($client, $server) = map { sprintf '%04X', $_ }
        $self->{sock}->sockport, $self->{sock}->peerport;

    my $unread = qr{ ^\s*\d+:[ ](?:
        [0-9A-F]+:$client[ ][0-9A-F]+:$server[ ]..[ ](?!0{8}:)
        | [0-9A-F]+:$server[ ][0-9A-F]+:$client[ ]..[ ][0-9A-F]{8}:(?!0{8}[ ])
    ) }mx;

    return AwsSigV4::Process::wait_for(sub {
        AwsSigV4::Process::slurp('/proc/net/tcp') !~ $unread;
    });
}

# No more comes from here; the response can still be read.
sub shut {
    my ($self) = @_;

    shutdown $self->{sock}, 1;

    return;
}

sub read_some {
    my ($self) = @_;

    IO::Select->new($self->{sock})->can_read($self->{timeout})
        or die "timeout on reading a response\n";

    return sysread $self->{sock}, $self->{buffer}, 65536,
        length $self->{buffer};
}

# The next response: status, headers (pairs), body, raw head.
sub response {
    my ($self, $method, $want_interim) = @_;

    while ($self->{buffer} !~ /\r\n\r\n/) {
        $self->read_some or last;
    }

    if ($self->{buffer} !~ s/$RESPONSE_HEAD//) {
        my $got = $self->{buffer};
        $self->{buffer} = '';
        return { status => 0, headers => [], body => $got, head => '' };
    }

    my $response = { status => $2, head => $1 };
    $response->{headers} = [ headers_of($1) ];

    if ($response->{status} < 200) {
        return $response if $want_interim || $response->{status} == 101;
        return $self->response($method);
    }

    $response->{body} = $self->_body($response, $method);

    return $response;
}

sub header {
    my ($response, $name) = @_;

    my @values = map { $_->[1] }
        grep { lc $_->[0] eq lc $name } @{ $response->{headers} };

    return wantarray ? @values : $values[0];
}

sub _body {
    my ($self, $response, $method) = @_;

    return '' if $method eq 'HEAD' || $response->{status} =~ /^(?:204|304)$/;

    if ((header($response, 'Transfer-Encoding') // '') =~ /chunked/i) {
        return $self->_chunked;
    }

    my $length = header($response, 'Content-Length');

    if (defined $length) {
        return $self->_take($length, $response);
    }

    1 while $self->read_some;
    my $body = $self->{buffer};
    $self->{buffer} = '';

    return $body;
}

sub _take {
    my ($self, $length, $response) = @_;

    while (length $self->{buffer} < $length) {
        next if $self->read_some;
        $response->{truncated} = 1 if $response;
        last;
    }

    return substr $self->{buffer}, 0, $length, '';
}

sub _chunked {
    my ($self) = @_;

    my $body = '';

    while (1) {
        while ($self->{buffer} !~ /\r\n/) {
            $self->read_some or return $body;
        }

        $self->{buffer} =~ s/\A([0-9a-fA-F]+)[^\r\n]*\r\n// or return $body;
        my $size = hex $1;
        $body .= $self->_take($size);
        $self->_take(2);

        return $body if $size == 0;
    }
}

sub closed {
    my ($self) = @_;

    return !$self->read_some;
}

1;
