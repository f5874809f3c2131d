# SPDX-License-Identifier: BSD-2-Clause

# The scanner of JSON bodies against Python's json, on thousands of generated
# documents, in pieces of every size.

use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;

use lib dirname(__FILE__) . '/lib';
use CoreProgram qw(core_program);

my $python  = $ENV{TEST_PYTHON} || '/usr/bin/python3';
my $llm     = dirname(__FILE__) . '/llm';
my $program = core_program("$llm/scan.c");

ok(defined $program, 'it compiles') or BAIL_OUT('scan.c does not compile');

for my $seed (1, 2, 3) {
    my $output = `$python '$llm/json_says.py' $program $seed 4000 2>&1`;

    is($?, 0, "seed $seed: both say the same") or diag($output);

    ok($output =~ /\('$_', \d{2}/, "seed $seed: documents of kind $_")
        for qw(0 -10 -11 -12);
}

done_testing();
