# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Clock;

# A clock that is set, by libfaketime, for what is started with its
# environment; timers go on by the monotonic clock.

use strict;
use warnings;

use POSIX      qw(strftime);
use Test::More ();

use AwsSigV4::Process qw(temp_dir spew);

# Skips the test without libfaketime, but not in CI.
sub new {
    my ($class) = @_;

    my ($library) = grep { -e } glob '/usr/lib/*/faketime/libfaketime.so.1';

    if (!$library && ($ENV{CI} // '') ne 'true') {
        Test::More::plan(skip_all => 'libfaketime is missing');
    }

    my $self = bless { file => temp_dir() . '/clock' }, $class;

    $self->{env} = {
        LD_PRELOAD              => $library,
        FAKETIME_TIMESTAMP_FILE => $self->{file},
        FAKETIME_NO_CACHE       => 1,
        DONT_FAKE_MONOTONIC     => 1,
        ASAN_OPTIONS            => 'verify_asan_link_order=0:detect_leaks=0',
    };

    $self->set('+0');

    return $self;
}

# Arguments of start_nginx(): workers, if so many are asked for, see the
# clock as well.
sub nginx {
    my ($self, $workers) = @_;

    my $env = $self->{env};

    return (
        env         => $env,
        main_config => join '',
            ($workers ? "worker_processes $workers;\n" : ()),
            map { "env $_;\n" } sort keys %{$env},
    );
}

# By an offset as libfaketime has it, "+7200s", from the true time.
sub set {
    my ($self, $text) = @_;

    spew("$self->{file}.new", "$text\n", 0644);
    rename "$self->{file}.new", $self->{file} or die "rename: $!";

    return;
}

# It stands still at this time.
sub stop_at {
    my ($self, $time) = @_;

    return $self->set(strftime('%Y-%m-%d %H:%M:%S', localtime $time));
}

1;
