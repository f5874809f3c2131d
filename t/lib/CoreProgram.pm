package CoreProgram;

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Builds programs of t/core with the core and the parsers that need no nginx
# either, and with sanitizers where the compiler has them and what it builds
# can run here.

use warnings;
use strict;

use Exporter qw(import);
use File::Basename qw(basename dirname);
use File::Spec;
use File::Temp qw(tempdir);

our @EXPORT_OK = qw(core_objects core_program);


my $root = File::Spec->rel2abs(dirname(__FILE__) . '/../..');
my $module = "$root/ngx_aws_sigv4_module";
my $core = "$module/core";
my $cc = $ENV{CC} // 'cc';
my @flags = (qw(-g -O1 -std=c99 -D_GNU_SOURCE -Wall -Wextra -Werror),
             "-I$core", "-I$module");
my (@sanitizers, @objects, $dir);


# where the programs are; made when one is wanted, not by "perl -c"

sub dir {
    $dir //= tempdir('sigv4-core-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);

    return $dir;
}


# the compiled core; nothing if it does not compile

sub core_objects {
    return @objects if @objects;

    @sanitizers = sanitizers();

    for my $source (sort glob("$core/*.c $module/llm/*.c "
                            . "$module/providers/sigv4_*.c")) {
        my $object = dir() . "/" . basename($source, '.c') . '.o';

        run($cc, @flags, @sanitizers, '-c', '-o', $object, $source)
            or return;

        push @objects, $object;
    }

    return @objects;
}


# the path of the program, or undef if it does not compile

sub core_program {
    my ($source) = @_;

    my $program = dir() . "/" . basename($source, '.c');
    my @core = core_objects() or return undef;

    return run($cc, @flags, @sanitizers, '-o', $program, $source, @core,
               qw(-lcrypto -ljansson -lexpat))
        ? $program : undef;
}


sub sanitizers {
    my @try = ('-fsanitize=address,undefined', '-fno-sanitize-recover=all');
    my $probe = dir() . "/probe";

    open my $file, '>', "$probe.c" or die "$probe.c: $!";
    print {$file} "int main(void) { return 0; }\n";
    close $file or die "$probe.c: $!";

    return run("$cc @try -o $probe $probe.c >/dev/null 2>&1 && $probe")
        ? @try : ();
}


sub run {
    my (@command) = @_;

    return system(@command) == 0;
}


1;
