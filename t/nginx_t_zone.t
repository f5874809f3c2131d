# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# nginx -t: a zone that is too small for the providers, or for the series of
# the locations.  The size that a message names is enough, and no more than
# that.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Nginx;

my $SMALLEST = qr/write "aws_sigv4_zone z:(\d+)k;"/;

sub tested {
    my (%arg) = @_;

    my $zone = $arg{size} ? "aws_sigv4_zone z:$arg{size};" : '';

    my $nginx = AwsSigV4::Nginx->new(
        values => { AwsSigV4::Block::fixed_values() },
        http   => "aws_sigv4 on; aws_sigv4_region us-east-1;"
                  . "aws_sigv4_service aps; $zone" . ($arg{http} // ''),
        server => $arg{server} . ($arg{metrics} // 1
                  ? 'location = /m { aws_sigv4_metrics; }' : ''),
    );

    return $nginx->test;
}

# as many locations, each with a label of its own
sub locations {
    my ($n) = @_;

    return join '', map {
        "location /$_/ { aws_sigv4_metrics_label l$_;"
        . ' proxy_pass http://127.0.0.1:8000; }'
    } 1 .. $n;
}

# as many providers, each with a path of its own
sub providers {
    my ($n) = @_;

    return join '', map {
        my $name = $_ > 1 ? "p$_" : 'default';
        "aws_sigv4_provider $name container endpoint=http://127.0.0.1/$_;"
    } 1 .. $n;
}

# the size that the message names is enough, and 1k less is not
sub smallest {
    my ($size, %arg) = @_;

    unlike +(tested(%arg, size => "${size}k"))[1], qr/aws_sigv4_zone/,
           "${size}k are enough";
    like +(tested(%arg, size => ($size - 1) . 'k'))[1], $SMALLEST,
         '1k less are not';

    return;
}


subtest 'series' => sub {
    for my $case ([100, '64k'], [400, '1m'], [1024, '1m']) {
        my ($n, $size) = @{$case};

        my %arg = (http => providers(1), server => locations($n));
        my ($status, $output) = tested(%arg, size => $size);

        is $status, 0, "nginx -t succeeds with $size";
        like $output, qr/\[warn\].*series, and locations need $n, the rest is/,
             "but they are no memory for $n series";

        smallest($output =~ $SMALLEST, %arg);
    }
};


subtest 'more series than there can be' => sub {
    my (undef, $output) = tested(http => providers(1), size => '9m',
                                 server => locations(1025));

    like $output,
         qr/\[warn\].*locations need 1025 series, and there are 1024 at most/,
         'no size is named';
};


subtest 'series that nobody reads' => sub {
    my ($status, $output) = tested(http => providers(1), size => '64k',
                                   server => locations(100), metrics => 0);

    is $status, 0, 'nginx -t succeeds';
    unlike $output, qr/series/, 'nothing is said';
};


subtest 'locations of one series' => sub {
    my $locations = locations(100) =~ s/aws_sigv4_metrics_label l\d+;//gr;
    my ($status, $output) = tested(http => providers(1), size => '64k',
                                   server => $locations);

    is $status, 0, 'nginx -t succeeds';
    unlike $output, qr/series/, 'nothing is said';
};


subtest 'providers' => sub {
    for my $case ([1, '32k'], [2, '64k'], [30, '1m']) {
        my ($n, $size) = @{$case};

        my %arg = (http => providers($n), server => locations(1));
        my ($status, $output) = tested(%arg, size => $size);

        isnt $status, 0, "nginx -t fails with $size";
        like $output, qr/\[emerg\].*too small/, "they are not for $n";

        smallest($output =~ $SMALLEST, %arg);
    }
};


# what nginx -t says is true of nginx that runs

subtest 'the size that is named' => sub {
    my %arg = (http => providers(1), server => locations(100));
    my ($size) = (tested(%arg, size => '64k'))[1] =~ $SMALLEST;

    my $nginx = start_nginx(
        http   => "aws_sigv4_zone z:${size}k; aws_sigv4_region us-east-1;",
        server => 'location = /m { aws_sigv4_metrics; }',
    );

    my $text = request($nginx->port, target => '/m?format=prometheus')->{body};

    cmp_ok +($text =~ /^aws_sigv4_series_limit (\d+)$/m)[0], '>=', 100,
           'has memory for the series';

    $nginx->stop_it;
};

done_testing;
