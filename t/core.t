# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# The unit tests of the core, t/core/*_test.c, each as a subtest.

use warnings;
use strict;

use File::Basename qw(basename dirname);
use TAP::Parser;
use Test::More;

use lib dirname(__FILE__) . '/lib';
use CoreProgram qw(core_objects core_program);


my @sources = sort glob(dirname(__FILE__) . '/core/*_test.c');

plan tests => 1 + @sources;

ok(scalar core_objects(), 'the core compiles')
    or BAIL_OUT('the core does not compile');

for my $source (@sources) {
    subtest basename($source, '.c') => sub { run_program($source) };
}


sub run_program {
    my ($source) = @_;

    my $program = core_program($source);

    if (!defined $program) {
        fail('compiles');
        return;
    }

    my $parser = TAP::Parser->new({ exec => [$program], merge => 1 });

    # the program's words about a failure are what is not a test

    while (my $result = $parser->next) {
        if ($result->is_test) {
            ok($result->is_ok, $result->description);

        } elsif (!$result->is_plan) {
            diag($result->as_string);
        }
    }

    ok(!$parser->has_problems, 'the program has done all it planned')
        or diag('exit code ' . ($parser->exit // '?'),
                map { "\n$_" } $parser->parse_errors);

    return;
}
