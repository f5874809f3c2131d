# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# docs/troubleshooting.md says what the code prints, all of it, and nothing
# that it does not print.

use strict;
use warnings;

use File::Basename qw( dirname );
use Test::More;

use lib dirname(__FILE__) . '/lib';

use AwsSigV4::Process qw(slurp);

chdir dirname(__FILE__) . '/..' or die "chdir: $!";

my $dir = 'ngx_aws_sigv4_module';
my $docs = slurp('docs/troubleshooting.md');

my $string = qr/"(?:[^"\\]|\\.)*"/;

# the text of C strings that stand one after another
sub c_text {
    my ($strings) = @_;

    return join '', map { s/\\(.)/$1/gr } $strings =~ /"((?:[^"\\]|\\.)*)"/g;
}

# the rows of the table with this heading: [first column, second column] ...
sub rows {
    my ($first) = @_;

    my ($table) = $docs =~ /^\| \Q$first\E \|.*\n\| --- .*\n((?:\|.*\n)+)/m
        or return;

    return map { [ /^\| (.*?) \| (.*) \|$/ ] } split /\n/, $table;
}


subtest 'causes' => sub {
    my ($table) = slurp("$dir/core/sigv4_cause.c")
        =~ /\} sigv4_causes\[\] = \{(.*?)^\};/ms;

    my @causes = map { [ "`$_->[0]`", $_->[1] =~ tr/"/`/r ] }
        grep { $_->[0] ne 'none' }
        map { [ /"(\w+)",(.*)/s ? ($1, c_text($2)) : () ] }
        $table =~ /\{([^{}]*)\}/g;

    cmp_ok scalar @causes, '>', 20, 'the code has causes';
    is_deeply [rows('word')], \@causes, 'the document has the same';
};


subtest 'the line of a refusal' => sub {
    my ($format) = slurp("$dir/ngx_http_aws_sigv4_cause_log.c")
        =~ /ngx_log_error\(level, log, 0,\s*((?:$string\s*)+)/;

    # its values are left out

    my ($start, $end) = c_text($format) =~ /^(.*?)%.*(; host .*)%V$/
        or return fail('the format has another form');

    my $text = $docs =~ s/\s+/ /gr;

    ok index($text, $_) >= 0, "documented: $_"
        for $start, $end =~ s/%V/…/gr;
};


subtest 'warnings' => sub {
    my $call = qr/ngx_http_aws_sigv4_warn\(cf,\ conf,
                  | ngx_log_error\(NGX_LOG_WARN,\ cf->log,\ 0,/x;
    my @printed;

    for my $file (glob("$dir/*_advise*.c"), "$dir/" . 'ngx_http_aws_sigv4_'
                  . 'zone_conf.c')
    {
        push @printed, map { c_text($_) }
            slurp($file) =~ /$call\s*((?:$string\s*)+)/g;
    }

    @printed = grep { $_ ne '%V' } @printed;

    cmp_ok scalar @printed, '>', 10, 'the code has warnings';

    my @documented = map { $_->[0] =~ s/^`|`$//gr } rows('warning');
    my %pattern = map {
        $_ => join '%(?:V|d|ui|s:%ui)', map { quotemeta } split /…/, $_, -1
    } @documented;

    for my $text (@printed) {
        my @rows = grep { $text =~ /^$pattern{$_}/ } @documented;

        is scalar @rows, 1, "documented: $text";
    }

    for my $row (@documented) {
        ok scalar(grep { /^$pattern{$row}/ } @printed), "printed: $row";
    }
};

done_testing;
