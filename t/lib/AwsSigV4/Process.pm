# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Process;

# Temporary directories, ports and child processes of the tests.  What is
# started here is stopped here: at the end, on die, and on a signal.

use strict;
use warnings;

use Errno      qw(EINTR);
use Exporter   qw(import);
use File::Path ();
use File::Spec ();
use File::Temp ();
use IO::Socket::INET;
use POSIX       qw(WNOHANG);
use Time::HiRes ();

our @EXPORT_OK = qw(
    temp_dir free_port closed_port spawn run stop is_running wait_for
    can_connect slurp spew
);

# Generous, since the machine may be slow; nothing waits this long in vain.
our $TIMEOUT = $ENV{TEST_NGINX_TIMEOUT} || 30;

my $owner = $$;
my (%running, @dirs, @held, $setpriv);

# temp_dir($where): in the usual place, or in another directory.
sub temp_dir {
    my ($where) = @_;

    my $dir = File::Temp::tempdir('sigv4-test-XXXXXXXX',
        defined $where ? (DIR => $where) : (TMPDIR => 1));

    # The workers of an nginx that root started are somebody else.
    chmod 0755, $dir or die "chmod $dir: $!";
    push @dirs, $dir;

    return $dir;
}

# A port below the ephemeral ones, so that no outgoing connection takes it
# between this test and the bind of the server.
sub free_port {
    my $top = _ephemeral_start();

    for (1 .. 200) {
        my $port = 10240 + int rand($top - 10240);
        my $sock = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1',
            LocalPort => $port,
            Proto     => 'tcp',
            Listen    => 1,
        ) or next;
        close $sock;

        return $port;
    }

    die "no free port below $top\n";
}

sub _ephemeral_start {
    open my $fh, '<', '/proc/sys/net/ipv4/ip_local_port_range' or return 32768;
    my ($start) = <$fh> =~ /^(\d+)/;

    return defined $start && $start > 11264 ? $start : 32768;
}

# A port that is bound and does not listen: connections are refused for as
# long as the test runs.
sub closed_port {
    require Socket;

    socket(my $sock, Socket::PF_INET(), Socket::SOCK_STREAM(), 0)
        or die "socket: $!";
    bind($sock, Socket::sockaddr_in(0, Socket::INADDR_LOOPBACK()))
        or die "bind: $!";
    push @held, $sock;

    return (Socket::sockaddr_in(getsockname $sock))[0];
}

# spawn(command => [...], env => {...}, output => file, cwd => dir)
sub spawn {
    my (%arg) = @_;

    $setpriv = (grep { -x } '/usr/bin/setpriv', '/bin/setpriv')[0] // ''
        unless defined $setpriv;

    my @command = @{ $arg{command} };
    unshift @command, $setpriv, '--pdeathsig', 'TERM', '--' if $setpriv;

    my $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        _child(\@command, %arg);
        POSIX::_exit(127);
    }

    $running{$pid} = $arg{command}[0];

    return $pid;
}

# run(command => [...], limit => seconds, …): a program that ends by itself;
# its exit code, undefined if a signal or the limit ended it, and its output.
sub run {
    my (%arg) = @_;

    my $output = temp_dir() . '/output';
    my $pid    = spawn(%arg, output => $output);
    my $ended  = wait_for(sub { !is_running($pid) }, $arg{limit} // 120);
    my $status = stop($pid);
    my $text   = slurp($output);

    return (undef, "$text(no end within its limit)\n") unless $ended;
    return ($status & 127 ? undef : $status >> 8, $text);
}

sub _child {
    my ($command, %arg) = @_;

    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
    delete $SIG{__DIE__};

    my $output = $arg{output} // File::Spec->devnull;
    open STDIN,  '<',  File::Spec->devnull or return;
    open STDOUT, '>>', $output             or return;
    open STDERR, '>&', \*STDOUT            or return;

    if (defined $arg{cwd}) {
        chdir $arg{cwd} or return;
    }

    my $env = $arg{env} || {};

    for my $name (keys %$env) {
        if (defined $env->{$name}) {
            $ENV{$name} = $env->{$name};
        } else {
            delete $ENV{$name};
        }
    }

    no warnings 'exec';
    exec {$command->[0]} @$command;
}

# True while the child runs; its wait status is kept for stop().
my %status;

sub is_running {
    my ($pid) = @_;

    return 0 unless exists $running{$pid};

    my $got = waitpid $pid, WNOHANG;

    if ($got == $pid || ($got == -1 && $! != EINTR)) {
        $status{$pid} = $got == $pid ? $? : -1;
        delete $running{$pid};
        return 0;
    }

    return 1;
}

# Ask, then insist.  Gives the wait status.
sub stop {
    my ($pid, @signals) = @_;

    @signals = qw(TERM) unless @signals;

    # nginx may linger for five seconds before it ends by QUIT

    for my $signal (@signals, 'KILL') {
        last unless is_running($pid);
        kill $signal, $pid;
        wait_for(sub { !is_running($pid) }, 10);
    }

    return delete $status{$pid};
}

# Poll until the condition is true; gives its value, or nothing.
sub wait_for {
    my ($condition, $limit) = @_;

    my $end   = Time::HiRes::time() + ($limit // $TIMEOUT);
    my $pause = 0.002;

    while (1) {
        my $value = $condition->();
        return $value if $value;
        return        if Time::HiRes::time() > $end;

        Time::HiRes::sleep($pause);
        $pause *= 1.5 if $pause < 0.05;
    }
}

sub can_connect {
    my ($port) = @_;

    my $sock = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $port,
        Proto    => 'tcp',
        Timeout  => 5,
    );

    return defined $sock;
}

# Bytes, from an offset on; an absent file is empty.
sub slurp {
    my ($file, $offset) = @_;

    open my $fh, '<:raw', $file or return '';
    seek $fh, $offset || 0, 0;
    local $/;

    return scalar(<$fh>) // '';
}

sub spew {
    my ($file, $bytes, $mode) = @_;

    my (undef, $dir) = File::Spec->splitpath($file);
    File::Path::make_path($dir) unless -d $dir;

    utf8::encode($bytes) if utf8::is_utf8($bytes);

    open my $fh, '>:raw', $file or die "$file: $!";
    print {$fh} $bytes;
    close $fh                   or die "$file: $!";
    chmod $mode, $file          or die "$file: $!" if defined $mode;

    return $file;
}

$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);
$SIG{PIPE} = 'IGNORE';

END {
    if ($$ == $owner) {
        # Stopping children must not change the exit code of the test.
        local ($?, $!, $@);
        stop($_) for keys %running;

        if ($ENV{TEST_NGINX_KEEP}) {
            print {*STDERR} "# kept: $_\n" for @dirs;
        } else {
            File::Path::remove_tree(@dirs, { safe => 0 });
        }
    }
}

1;
