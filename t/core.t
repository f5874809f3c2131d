#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Builds the unit tests of the core, t/core/*_test.c, with sanitizers where
# the compiler has them, and runs each as a subtest.

use warnings;
use strict;

use File::Basename qw(basename dirname);
use File::Spec;
use File::Temp qw(tempdir);
use TAP::Parser;
use Test::More;


my $root = File::Spec->rel2abs(dirname(__FILE__) . '/..');
my $core = "$root/ngx_aws_sigv4_module/core";
my $cc = $ENV{CC} // 'cc';
my $dir = tempdir(CLEANUP => 1);

my @flags = (qw(),
             "-I$core");
my @sanitizers = sanitizers();

my @programs = sort glob("$root/t/core/*_test.c");

plan tests => 1 + @programs;


my @objects = map { object($_) } sort glob("$core/*.c");

ok(@objects && !grep({ !defined } @objects), 'the core compiles')
    or BAIL_OUT('the core does not compile');

for my $program (@programs) {
    my $name = basename($program, '.c');

    subtest $name => sub { run_program($program, "$dir/$name") };
}


# the flags with which a program can be built here and can end cleanly

sub sanitizers {
    my @try = ('-fsanitize=address,undefined',
               '-fno-sanitize-recover=all');
    my $probe = "$dir/probe";

    open my $file, '>', "$probe.c" or die "$probe.c: $!";
    print {$file} "int main(void) { return 0; }\n";
    close $file or die "$probe.c: $!";

    return command("$cc @try -o $probe $probe.c >/dev/null 2>&1 && $probe")
        ? @try : ();
}


sub object {
    my ($source) = @_;

    my $object = "$dir/" . basename($source, '.c') . '.o';

    return command($cc, @flags, @sanitizers, '-c', '-o', $object, $source)
        ? $object : undef;
}


sub run_program {
    my ($source, $program) = @_;

    if (!command($cc, @flags, @sanitizers, '-o', $program, $source, @objects,
                 '-lcrypto'))
    {
        fail('compiles');
        return;
    }

    my $parser = TAP::Parser->new({ exec => [$program], merge => 1 });
    my $failed = 0;

    while (my $result = $parser->next) {
        if ($result->is_test) {
            $failed = !ok($result->is_ok, $result->description);

        } elsif ($failed || !$result->is_plan) {
            diag($result->as_string);
        }
    }

    ok(!$parser->has_problems, 'the program has done all it planned')
        or diag('exit code ' . ($parser->exit // '?'),
                map { "\n$_" } $parser->parse_errors);

    return;
}


sub command {
    my (@command) = @_;

    return system(@command) == 0;
}
