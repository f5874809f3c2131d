# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Verifier;

# Runs the strict server of t/lib/sigv4_verifier and reads its log.

use strict;
use warnings;

use Cwd            ();
use File::Basename ();
use JSON::PP       ();

use AwsSigV4::Process qw(temp_dir spawn stop is_running wait_for slurp spew);

our $PYTHON = $ENV{TEST_PYTHON} || '/usr/bin/python3';

my $lib = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/..');

our %KEYS = (
    AKID        => 'AKIDEXAMPLE',
    SECRET      => 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    OTHER_AKID  => 'AKIDOTHER',
    OTHER_SECRET => 'otherSecret/0123456789+abcdefghijEXAMPLE',
    TEMP_AKID   => 'ASIAEXAMPLE',
    TEMP_SECRET => 'temporarySecret/0123456789+abcdefEXAMPLE',
    TEMP_TOKEN  => 'FwoGZXIvYXdzEXAMPLE//TOKEN+with/slashes==',
);

# new(args => [options], script => [actions], cert => file, cert_key => file)
sub new {
    my ($class, %arg) = @_;

    my $dir  = temp_dir();
    my $self = bless { dir => $dir, log => "$dir/log", offset => 0 }, $class;

    my @command = (
        $PYTHON, "$lib/sigv4-verifier",
        '--with-parent',
        '--log'       => $self->{log},
        '--port-file' => "$dir/ports",
        '--listen'    => '127.0.0.1:0',
        '--listen'    => "unix:$dir/socket",
        '--key'       => "$KEYS{AKID}:$KEYS{SECRET}",
        '--key'       => "$KEYS{OTHER_AKID}:$KEYS{OTHER_SECRET}",
        '--key' => "$KEYS{TEMP_AKID}:$KEYS{TEMP_SECRET}:$KEYS{TEMP_TOKEN}",
        @{ $arg{args} || [] },
    );

    push @command, '--listen' => 'tls:127.0.0.1:0', '--cert' => $arg{cert},
        '--cert-key' => $arg{cert_key}
        if $arg{cert};

    if ($arg{script}) {
        spew("$dir/script", JSON::PP->new->ascii->encode($arg{script}));
        push @command, '--script' => "$dir/script";
    }

    $self->{pid} = spawn(command => \@command, output => "$dir/output");

    wait_for(sub { -s "$dir/ports" || !is_running($self->{pid}) });
    die "the verifier did not start:\n" . slurp("$dir/output")
        unless -s "$dir/ports";

    @{$self}{qw(port socket tls_port)} = split /\n/, slurp("$dir/ports");

    return $self;
}

sub port     { return $_[0]{port} }
sub tls_port { return $_[0]{tls_port} }
sub socket   { return $_[0]{socket} }
sub log_file { return $_[0]{log} }

sub stop_it {
    my ($self) = @_;

    stop(delete $self->{pid}) if $self->{pid};

    return;
}

# From here on records() gives what arrives later.
sub mark {
    my ($self) = @_;

    $self->{offset} = -s $self->{log} || 0;

    return;
}

# What arrived since the mark: one hash a request.
sub records {
    my ($self) = @_;

    my $json  = JSON::PP->new->ascii;
    my $error = slurp("$self->{dir}/output");

    die "the verifier failed:\n$error" if length $error;

    return map { $json->decode($_) }
        slurp($self->{log}, $self->{offset}) =~ /^(.+)\n/mg;
}

# The same, once there are so many.
sub wait_records {
    my ($self, $count) = @_;

    my @records;
    wait_for(sub { (@records = $self->records) >= $count });

    return @records;
}

1;
