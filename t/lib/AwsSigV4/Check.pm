# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Check;

# The assertions of a block: responses, what the verifier received, logs.

use strict;
use warnings;

use Digest::SHA ();
use Test::More  ();

use AwsSigV4::Client;
use AwsSigV4::Process qw(wait_for);
use AwsSigV4::Verifier;

my $LEVELS = qr/\[(?:error|crit|alert|emerg)\]/;

sub outcome {
    my ($block, $nginx, $verifier, @responses) = @_;

    _responses($block, @responses) if @responses;
    _settle($block, $nginx, scalar @responses);
    _upstream($block, $verifier);
    _access($block, $nginx);
    _error_log($block, $nginx);
    _secrets($block, $nginx, @responses);

    return;
}

# The value for one of several requests: of a list its element, else all.
sub _nth {
    my ($value, $index) = @_;

    return ref $value eq 'ARRAY' ? $value->[$index] : $value;
}

sub _responses {
    my ($block, @responses) = @_;

    my $status = $block->get('status') // 200;
    $status = [ split ' ', $status ] unless ref $status;

    for my $i (0 .. $#responses) {
        my $response = $responses[$i];
        my $label    = @responses > 1 ? ' of response ' . ($i + 1) : '';

        Test::More::is($response->{status}, $status->[$i] // $status->[-1],
                       "status$label")
            or Test::More::diag($response->{head}, "\n", $response->{body});

        _response_body($block, $response, $i, $label);

        if ($block->has('continued')) {
            Test::More::is($response->{continued} ? 'yes' : 'no',
                           _nth($block->text('continued'), $i),
                           "whether the 100 came before$label");
        }

        if ($block->has('response_headers')) {
            checks(_nth($block->get('response_headers'), $i),
                   sub { AwsSigV4::Client::header($response, $_[0]) },
                   "header$label");
        }
    }

    return;
}

sub _response_body {
    my ($block, $response, $index, $label) = @_;

    if ($block->has('response_body')) {
        my $want = _nth($block->get('response_body'), $index);
        my $got  = $response->{body};

        if ($want eq "$got\n") {
            $want = $got;
        } elsif ($got eq "$want\n") {
            $got = $want;
        }

        Test::More::is($got, $want, "body$label");
    }

    if ($block->has('response_body_like')) {
        my $want = _nth($block->text('response_body_like'), $index);
        $want = qr/$want/s unless ref $want;
        Test::More::like($response->{body}, $want, "body$label");
    }

    return;
}

# Requests are logged when they end, which may be after the response.
sub _settle {
    my ($block, $nginx, $count) = @_;

    my $config = join '', map { $block->{section}{$_} // '' }
        qw(config http_config);

    return if $config =~ /^\s*access_log\s/m;

    wait_for(sub { $nginx->access >= $count },
             $AwsSigV4::Process::TIMEOUT / 2);

    return;
}

sub _upstream {
    my ($block, $verifier) = @_;

    return unless $verifier;

    my $count = $block->get('upstream_count');
    my @records = defined $count ? $verifier->wait_records($count)
                                 : $verifier->records;

    Test::More::is(scalar @records, $count, 'requests upstream')
        if defined $count;

    if ($block->has('upstream_verdict')) {
        Test::More::ok(scalar @records, 'a request reached the verifier');
    }

    _record($block, $records[$_], $_) for 0 .. $#records;

    if (!@records) {
        Test::More::fail("$_ without a request upstream")
            for grep { $block->has($_) }
            qw(upstream_request upstream_body upstream_header
               upstream_record upstream_head_like);
    }

    return;
}

sub _record {
    my ($block, $record, $index) = @_;

    my $get = sub { _nth($block->text($_[0]), $index) };

    if (defined(my $want = $get->('upstream_verdict'))) {
        my $got = $record->{verdict} eq 'refused'
            ? "refused: $record->{reason}" : $record->{verdict};
        Test::More::is($got, $want, 'verdict of the verifier')
            or Test::More::diag(_explain($record));
    }

    if (defined(my $want = $get->('upstream_request'))) {
        my $got = "$record->{method} $record->{target}";
        $got .= " HTTP/$record->{version}" if $want =~ m{ HTTP/1\.\d\z};
        Test::More::is($got, $want, 'request line upstream');
    }

    if (defined(my $want = $get->('upstream_body'))) {
        Test::More::is("$record->{body_length} $record->{body_sha256}",
                       length($want) . ' ' . Digest::SHA::sha256_hex($want),
                       'length and digest of the body upstream');
    }

    checks($get->('upstream_header'), sub {
        map { $_->[1] } grep { lc $_->[0] eq lc $_[0] }
            @{ $record->{headers} };
    }, 'upstream header') if defined $get->('upstream_header');

    checks($get->('upstream_record'), sub { $record->{ $_[0] } },
           'upstream') if defined $get->('upstream_record');

    Test::More::like($record->{head}, qr/$_/m, "request head has $_")
        for split /\n/, $get->('upstream_head_like') // '';
    Test::More::unlike($record->{head}, qr/$_/m, "request head lacks $_")
        for split /\n/, $get->('upstream_head_unlike') // '';

    return;
}

sub _explain {
    my ($record) = @_;

    return join "\n", "$record->{reason}: $record->{detail}",
        'received:', $record->{head},
        'canonical request of the verifier:',
        $record->{canonical_request} // '(none)';
}

sub _access {
    my ($block, $nginx) = @_;

    return unless $block->has('access');

    my @lines = $nginx->access;
    Test::More::ok(scalar @lines, 'the access log has the request');

    checks(_nth($block->get('access'), $_), do {
        my $line = $lines[$_];
        sub { $line->{ $_[0] } };
    }, 'access log') for 0 .. $#lines;

    return;
}

# Lines "name: value", "name=value", "name ~ regex", "! name".
sub checks {
    my ($text, $lookup, $label) = @_;

    return unless defined $text;

    for my $line (grep { /\S/ } split /\n/, $text) {
        if ($line =~ /^\s*!\s*\$?(\S+?):?\s*$/) {
            my @got = grep { defined && length } $lookup->($1);
            Test::More::is("@got", '', "$label $1 is absent");

        } elsif ($line =~ /^\s*\$?([\w.-]+)\s*~\s*(.*?)\s*$/) {
            my ($name, $want) = ($1, $2);
            my @got = $lookup->($name);
            Test::More::like(join(', ', map { $_ // '' } @got), qr/$want/,
                             "$label $name");

        } elsif ($line =~ /^\s*\$?([\w.-]+)\s*[:=]\s*(.*?)\s*$/) {
            my ($name, $want) = ($1, $2);
            my @got = $lookup->($name);
            Test::More::is(join(', ', map { $_ // '' } @got), $want,
                           "$label $name");

        } else {
            Test::More::fail("not a check: $line");
        }
    }

    return;
}

# Lines, or qr//, or a list of either.
sub _patterns {
    my ($value) = @_;

    return () unless defined $value;

    return map { ref $_ eq 'Regexp' ? $_ : map { qr/\Q$_\E/ }
                 grep { /\S/ } split /\n/ }
        ref $value eq 'ARRAY' ? @$value : $value;
}

sub contains {
    my ($text, $value, $label) = @_;

    Test::More::like($text, $_, "$label: there") for _patterns($value);

    return;
}

sub contains_not {
    my ($text, $value, $label) = @_;

    Test::More::unlike($text, $_, "$label: absent") for _patterns($value);

    return;
}

sub _error_log {
    my ($block, $nginx) = @_;

    my @expected = _patterns($block->get('error_log'));
    my $log;

    wait_for(sub {
        $log = $nginx->log_text('error.log');
        return !grep { $log !~ $_ } @expected;
    }, $AwsSigV4::Process::TIMEOUT / 2);

    Test::More::like($log, $_, 'error log: there') for @expected;
    contains_not($log, $block->get('no_error_log'), 'error log');

    my @bad;

    for my $line (grep { $_ =~ $LEVELS } split /\n/, $log) {
        push @bad, $line unless grep { $line =~ $_ } @expected;
    }

    Test::More::is(join("\n", @bad), '', 'error log has no other errors');

    return;
}

sub _secrets {
    my ($block, $nginx, @responses) = @_;

    my %keys    = %AwsSigV4::Verifier::KEYS;
    my @secrets = (@keys{qw(SECRET OTHER_SECRET TEMP_SECRET)},
                   grep { /\S/ } split /\n/, $block->get('secrets') // '');
    my $seen = join "\n", $nginx->log_text('error.log'),
        $nginx->log_text('access.log'),
        map { $_->{head}, $_->{body} } @responses;

    my @leaked = grep { index($seen, $_) >= 0 } @secrets;
    Test::More::is("@leaked", '', 'no secret in logs and responses');

    return;
}

1;
