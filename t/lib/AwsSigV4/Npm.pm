# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Npm;

# Clients that come from npm: where that cannot be reached, a test of them is
# one that may be skipped.

use strict;
use warnings;

use Exporter   qw(import);
use Fcntl      qw(LOCK_EX);
use Test::More ();

use AwsSigV4::Nginx;
use AwsSigV4::Process qw(temp_dir run slurp spew);

our @EXPORT_OK = qw(run_clients);

my $source = "$AwsSigV4::Nginx::ROOT/t/npm";

my $unreachable = qr/ \bE(?:NOTFOUND|AI_AGAIN|CONN\w+|TIMEDOUT|NETUNREACH
        |HOSTUNREACH|[45]\d\d|TARGET)\b
    | ERR_SOCKET_TIMEOUT | no\ end\ within\ its\ limit /x;

# run_clients($program, @arguments): a program of t/npm, which prints
# "ok - NAME" or "not ok - NAME: why", and "done".
sub run_clients {
    my ($program, @arguments) = @_;

    my ($dir) = install($program);
    my ($code, $output) = run(
        cwd     => $dir,
        command => ['node', $program, @arguments],
        env     => { map { $_ => undef }
            grep { /^(?:AWS|OPENAI|ANTHROPIC)_|_proxy$/i } keys %ENV },
    );

    while ($output =~ /^(not )?ok - (.*)$/mg) {
        Test::More::ok(!$1, $2);
    }

    Test::More::is($code, 0, 'the clients ran');
    Test::More::like($output, qr/^done$/m, 'to their end')
        or Test::More::diag($output);

    return;
}

# What is not installed for this lock file is, from the registry that npm
# knows.  Packages stay from one run to the next; tests wait for each other.
sub install {
    my ($program) = @_;

    my $dir  = _directory();
    my $lock = slurp("$source/package-lock.json");

    open my $held, '>', "$dir/lock" or die "$dir/lock: $!";
    flock $held, LOCK_EX            or die "$dir/lock: $!";

    spew("$dir/$program", slurp("$source/$program"));
    _npm_ci($dir) unless slurp("$dir/installed") eq $lock;
    spew("$dir/installed", $lock);

    return $dir;
}

sub _directory {
    my $build = "$AwsSigV4::Nginx::ROOT/build";
    my ($found) = grep { -e } "$build/npm", $build;

    return temp_dir() unless defined $found && -w $found;

    mkdir "$build/npm";

    return "$build/npm";
}

sub _npm_ci {
    my ($dir) = @_;

    for my $program (qw(node npm)) {
        _skip("$program is missing")
            unless grep { -x "$_/$program" } split /:/, $ENV{PATH};
    }

    spew("$dir/$_", slurp("$source/$_"))
        for qw(package.json package-lock.json);

    my ($rc, $text) = run(
        cwd     => $dir,
        limit   => 300,
        command => [qw(npm ci --ignore-scripts --no-audit --no-fund
                       --fetch-retries=2 --fetch-timeout=60000)],
        env     => { npm_config_cache           => "$dir/cache",
                     npm_config_update_notifier => 'false' },
    );

    _skip('the registry cannot be reached')
        if !defined $rc || $rc && $text =~ $unreachable;

    die "npm ci: $text" if $rc;

    return;
}

sub _skip {
    my ($why) = @_;

    Test::More::plan(skip_all => "no npm: $why");

    return;
}

1;
