package NoSkip;

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# A harness for prove, "prove --harness NoSkip", for which a test that was
# skipped is one that failed.  Only what npm alone has may be missing.

use warnings;
use strict;

use parent 'TAP::Harness';


sub new {
    my ($class, $args) = @_;

    my $self = $class->SUPER::new($args);

    $self->callback(made_parser => sub {
        my ($parser) = @_;

        $parser->callback(EOF => \&refuse_skips);
    });

    return $self;
}


sub refuse_skips {
    my ($parser) = @_;

    if (defined $parser->skip_all && $parser->skip_all !~ /^no npm: /) {
        $parser->_add_error('skipped: ' . $parser->skip_all);
    }

    if (my @tests = $parser->skipped) {
        $parser->_add_error("skipped tests: @tests");
    }

    return;
}


1;
