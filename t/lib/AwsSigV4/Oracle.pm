# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Oracle;

# awscrt and botocore, through t/lib/oracle.py.

use strict;
use warnings;

use Cwd            ();
use Exporter       qw(import);
use File::Basename ();
use IPC::Open2     ();
use JSON::PP       ();

use AwsSigV4::Process qw(spawn stop is_running wait_for slurp temp_dir);
use AwsSigV4::Verifier;

our @EXPORT_OK = qw(sign oracle_check);

my $script = Cwd::abs_path(File::Basename::dirname(__FILE__))
    . '/../oracle.py';
my ($pid, $in, $out);

# sign(method => …, host => …, …), the members as oracle.py has them: the
# request as a hash for AwsSigV4::Client, with the signer's headers.
sub sign {
    my (%request) = @_;

    my $json = JSON::PP->new->latin1->canonical;
    my $keys = \%AwsSigV4::Verifier::KEYS;

    %request = (
        method            => 'GET',
        target            => '/',
        access_key_id     => $keys->{AKID},
        secret_access_key => $keys->{SECRET},
        %request,
    );

    $pid //= IPC::Open2::open2($out, $in, $AwsSigV4::Verifier::PYTHON,
                               $script, 'sign');

    print {$in} JSON::PP->new->ascii->encode(\%request), "\n";
    $in->flush;
    my $line = <$out> // die "oracle.py ended\n";
    my $answer = JSON::PP->new->decode($line);

    return {
        method    => $request{method},
        target    => $request{target},
        headers   => $answer->{headers},
        body      => $request{body},
        last      => 1,
        canonical => $answer->{canonical_request},
    };
}

# Sign all accepted requests of a verifier's log anew with awscrt: the
# counts, and the differences as text.
sub oracle_check {
    my ($log) = @_;

    my $keys   = \%AwsSigV4::Verifier::KEYS;
    my $output = temp_dir() . '/output';
    my $child  = spawn(output => $output, command => [
        $AwsSigV4::Verifier::PYTHON, $script, 'check', $log,
        "$keys->{AKID}:$keys->{SECRET}",
        "$keys->{OTHER_AKID}:$keys->{OTHER_SECRET}",
        "$keys->{TEMP_AKID}:$keys->{TEMP_SECRET}:$keys->{TEMP_TOKEN}",
    ]);

    wait_for(sub { !is_running($child) }, 600);
    stop($child);

    my $text = slurp($output);
    my ($counts) = $text =~ /^(\{.*\})$/m or die "oracle.py: $text";

    return (JSON::PP->new->decode($counts), $text);
}

END {
    if ($in) {
        local $?;
        close $in;
        waitpid $pid, 0;
    }
}

1;
