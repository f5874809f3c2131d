# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Metrics;

# Asks a gateway for its metrics and reads them: the text with a reader of
# its own, JSON with another, and the two are compared.

use strict;
use warnings;

use Exporter   qw(import);
use JSON::PP   ();
use Test::More ();

use AwsSigV4;
use AwsSigV4::Process qw(run slurp spew temp_dir wait_for);

our @EXPORT = qw(scrape metrics_json counted counts total promtool_takes);

my $LABELS = qr/(?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*/;

# The text, as a list of [name, {labels}, value] in its order.
sub scrape {
    my ($nginx, $target) = @_;

    my $response = request($nginx->port, target => $target // '/metrics');
    my (@samples, %seen, %type);

    die "metrics: $response->{status}\n" unless $response->{status} == 200;

    for my $line (split /\n/, $response->{body}) {
        next if $line =~ /^# HELP aws_sigv4_\w+ \S.*\.$/;

        if ($line =~ /^# TYPE (aws_sigv4_\w+) (?:counter|gauge|histogram)$/) {
            die "type of $1 again\n" if $type{$1}++;
            next;
        }

        my ($name, $labels, $value) = $line
            =~ /^(aws_sigv4_\w+)(?:\{($LABELS)\})? (-?\d+(?:\.\d+)?)$/
            or die "not a sample: $line\n";

        die "twice: $line\n" if $seen{ $name . ($labels // '') }++;

        my %labels;

        while (($labels // '') =~ /(\w+)="((?:[^"\\]|\\.)*)"/g) {
            my ($label, $text) = ($1, $2);
            $labels{$label} = $text =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ger;
        }

        push @samples, [$name, \%labels, $value];
    }

    return @samples;
}

sub metrics_json {
    my ($nginx) = @_;

    return JSON::PP->new->utf8->decode(
        request($nginx->port, target => '/metrics?format=json')->{body});
}

# What is not zero in the series of a location, under short names, summed
# up over its other labels; without sums of latency, which nobody knows.
sub counts {
    my ($nginx, $location) = @_;

    my %counts;
    my $add = sub {
        my ($name, $value) = @_;
        $counts{$name} += $value if $value;
    };

    for my $sample (scrape($nginx)) {
        my ($name, $labels, $value) = @$sample;

        next unless defined $labels->{location}
            && $labels->{location} eq $location
            && $name !~ /_(?:bucket|sum)$/;

        $name =~ s/^aws_sigv4_//;
        $name =~ s/_total$|_seconds_count$//;
        $name =~ s/^requests_|^upstream_|^request_//;

        $add->($labels->{reason} // $labels->{class} // $name, $value);
    }

    return \%counts;
}

# The one test of traffic: all counters of a location that are not zero.
# What nginx counts when it has answered is awaited.
sub counted {
    my ($nginx, $location, $expected, $name) = @_;

    my $json = JSON::PP->new->canonical;
    my $got;

    # CloudWatch's names for two of the classes

    $expected->{'4xx_error_count'} = $expected->{'4xx'} if $expected->{'4xx'};
    $expected->{'5xx_error_count'} = $expected->{'5xx'} if $expected->{'5xx'};

    my $answers = 0;
    $answers += $expected->{$_} // 0 for qw(1xx 2xx 3xx 4xx 5xx);

    if ($answers) {
        $expected->{latency_first_byte} = $answers;
        $expected->{latency} = $answers;
    }

    my $text = $json->encode({ map { $_ => 0 + $expected->{$_} }
                               keys %$expected });

    wait_for(sub {
        $got = counts($nginx, $location);
        $_ += 0 for values %$got;
        return $json->encode($got) eq $text;
    });

    return Test::More::is($json->encode($got), $text, $name // $location);
}

# The sum of all samples of a name, and how many there are.
sub total {
    my ($name, @samples) = @_;

    my @values = map { $_->[2] } grep { $_->[0] eq "aws_sigv4_$name" } @samples;
    my $sum = 0;

    $sum += $_ for @values;

    return wantarray ? ($sum, scalar @values) : $sum;
}

sub promtool_takes {
    my ($nginx, $name) = @_;

    my $promtool = needs('promtool');
    my $dir = temp_dir();

    spew("$dir/metrics",
         request($nginx->port, target => '/metrics')->{body});

    my $rc = system "$promtool check metrics < $dir/metrics"
                    . " > $dir/output 2>&1";

    Test::More::is($rc, 0, $name // 'promtool has nothing to say');
    Test::More::diag(slurp("$dir/output")) if $rc;

    return;
}

1;
