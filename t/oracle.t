# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Thousands of requests, made at random from a fixed seed, are signed by the
# core and by AWS's own signers; t/core/oracle.py compares.

use warnings;
use strict;

use File::Basename qw(dirname);
use Test::More;

use lib dirname(__FILE__) . '/lib';
use CoreProgram qw(core_program);


my $dir = dirname(__FILE__) . '/core';
my $program = core_program("$dir/sign_cli.c");

BAIL_OUT('sign_cli does not compile') unless defined $program;

# the script is the one that prints the tests

my $status = system('/usr/bin/python3', "$dir/oracle.py", $program);

exit($status == 0 ? 0 : 1);
