# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Server;

# A server of somebody else's, made of several daemons in a directory of
# their own.  A subclass has boot(), which starts them.  Where one of them
# ends early, another port was taken meanwhile or a start-up race was lost,
# the whole is started again, with other ports.

use strict;
use warnings;

use AwsSigV4::Client;
use AwsSigV4::Process qw(temp_dir free_port spawn run stop is_running
                         wait_for can_connect slurp spew);
use AwsSigV4::Verifier;

our $TRIES = 3;
our $LIMIT = 120;

# start(%arg): what the subclass wants to know
sub start {
    my ($class, %arg) = @_;

    my @failures;

    for my $try (1 .. $TRIES) {
        my $self = bless { %arg, daemons => {}, order => [] }, $class;
        $self->{dir} = temp_dir($class->parent_dir);

        return $self if eval { $self->boot; 1 };

        push @failures, "try $try: $@" . $self->diagnosis;
        $self->stop_it;
    }

    die join "\n", "$class did not start", @failures, '';
}

# Where temporary directories usually are.
sub parent_dir { return }

sub dir  { return $_[0]{dir} }
sub port { return $_[0]{port} }

sub access_key_id     { return $AwsSigV4::Verifier::KEYS{AKID} }
sub secret_access_key { return $AwsSigV4::Verifier::KEYS{SECRET} }

# file($name, $text): written below the directory
sub file {
    my ($self, $name, $text) = @_;

    return spew("$self->{dir}/$name", $text);
}

# daemon($name, @command): in the foreground, as a child of the test
sub daemon {
    my ($self, $name, @command) = @_;

    $self->{daemons}{$name} = spawn(
        command => \@command,
        env     => $self->environment,
        cwd     => $self->{dir},
        output  => "$self->{dir}/$name.out",
    );
    push @{ $self->{order} }, $name
        unless grep { $_ eq $name } @{ $self->{order} };

    return;
}

sub environment {
    return { map { $_ => undef } grep { /_proxy$|^PYTHON/i } keys %ENV };
}

# A program that ends by itself, or the whole start fails.
sub tool {
    my ($self, @command) = @_;

    my ($code, $output) = run(command => \@command, limit => $LIMIT,
                              env => $self->environment,
                              cwd => $self->{dir});

    die "$command[0] failed: $output\n" unless defined $code && $code == 0;

    return $output;
}

sub has_ended {
    my ($self, $name) = @_;

    return !is_running($self->{daemons}{$name});
}

# Whether a daemon that has ended was started again.
sub revive { return 0 }

# Until the condition holds, while all daemons live.
sub until {
    my ($self, $what, $condition) = @_;

    my $ended;
    my $held = wait_for(sub {
        ($ended) = grep { $self->has_ended($_) && !$self->revive($_) }
            @{ $self->{order} };
        return $ended || $condition->();
    }, $LIMIT);

    die "$ended ended before $what\n"           if $ended;
    die "$what: not within $LIMIT seconds\n" unless $held;

    return;
}

sub until_listening {
    my ($self, $name, $port) = @_;

    return $self->until("$name listened on $port",
                        sub { can_connect($port) });
}

# Until it answers a request at all.
sub until_answering {
    my ($self) = @_;

    return $self->until("it answered on $self->{port}", sub {
        return can_connect($self->{port}) && eval {
            AwsSigV4::Client->new(port => $self->{port})
                ->request({ target => '/', last => 1 })->{status};
        };
    });
}

# The ends of what the daemons have printed.
sub diagnosis {
    my ($self) = @_;

    return join '', map {
        my @lines = split /^/, slurp("$self->{dir}/$_.out");
        my $state = $self->has_ended($_) ? 'ended' : 'runs';
        splice @lines, 0, @lines - 20 if @lines > 20;
        "--- $_ ($state)\n" . join '', @lines;
    } @{ $self->{order} };
}

# The last one first.
sub stop_it {
    my ($self) = @_;

    stop($self->{daemons}{$_}) for reverse @{ $self->{order} };
    $self->{order} = [];

    return;
}

1;
