# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Memory;

# What lies in the memory of a process.

use strict;
use warnings;

use Exporter qw(import);

use AwsSigV4::Process qw(slurp);

our @EXPORT_OK = qw(search_memory);

# Which of the words are in memory that core files contain, and which in
# memory that they do not; nothing if the memory may not be read.
sub search_memory {
    my ($pid, @words) = @_;

    open my $mem, '<:raw', "/proc/$pid/mem" or return;

    no warnings 'portable';

    my (%found, $from, $to, $resident);

    for my $line (split /\n/, slurp("/proc/$pid/smaps")) {

        if ($line =~ /^([0-9a-f]+)-([0-9a-f]+) r/) {
            ($from, $to, $resident) = (hex $1, hex $2, 0);

        } elsif ($line =~ /^[0-9a-f]+-[0-9a-f]+ /) {
            $from = undef;

        } elsif ($line =~ /^Rss:\s+(\d+)/) {
            $resident = $1;

        } elsif ($line =~ /^VmFlags:(.*)/ && defined $from && $resident) {
            my $kind = $1 =~ /\bdd\b/ ? 'kept' : 'dumped';
            my $content = _content($mem, $from, $to);

            for my $word (@words) {
                $found{$kind}{$word} = 1 if index($content, $word) >= 0;
            }
        }
    }

    return map { [keys %{ $found{$_} || {} }] } qw( dumped kept );
}

# Shadow memory of sanitizers is larger than what can be read.
sub _content {
    my ($mem, $from, $to) = @_;

    return '' if $to - $from > 1 << 30;

    sysseek $mem, $from, 0 or return '';

    my $content = '';

    while ($from + length $content < $to) {
        sysread $mem, $content, $to - $from - length $content,
                length $content or last;
    }

    return $content;
}

1;
