# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Dns;

# The name server of t/lib/dns-server, for "resolver".

use strict;
use warnings;

use Cwd            ();
use Exporter       qw(import);
use File::Basename ();

use AwsSigV4::Process qw(temp_dir spawn is_running wait_for slurp);
use AwsSigV4::Verifier;

our @EXPORT_OK = qw(dns_port);

my $script = Cwd::abs_path(File::Basename::dirname(__FILE__))
    . '/../dns-server';
my $port;

# Started at the first call; it ends with the test.
sub dns_port {
    return $port if $port;

    my $dir = temp_dir();
    my $pid = spawn(
        command => [ $AwsSigV4::Verifier::PYTHON, $script, "$dir/port" ],
        output  => "$dir/output",
    );

    wait_for(sub { -s "$dir/port" || !is_running($pid) });
    die "the name server did not start:\n" . slurp("$dir/output")
        unless -s "$dir/port";

    ($port) = slurp("$dir/port") =~ /(\d+)/;

    return $port;
}

1;
