# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# run.sh as a newcomer runs it: the demonstration, and the gateway that is
# ended by a signal.

use warnings;
use strict;

use Cwd qw( abs_path );
use File::Basename qw( dirname );
use Test::More;

use lib dirname(__FILE__) . '/lib';

use AwsSigV4::Process qw(
    temp_dir free_port spawn stop is_running wait_for can_connect slurp spew
);

my $root = abs_path(dirname(__FILE__) . '/..');
my $tmp = temp_dir();
my %env = (TMPDIR => $tmp, map { $_ => undef } grep { /^AWS_/ } keys %ENV);

demonstration();
refusals_are_failures();
gateway();
with_credentials();
options();

done_testing();


sub run_sh {
    my ($dir, @options) = @_;
    my $output = "$tmp/output";

    unlink $output;

    my $pid = spawn(command => ['/bin/bash', "$dir/run.sh", @options],
                    output => $output, env => \%env);
    wait_for(sub { !is_running($pid) }, 120);

    return (stop($pid, 'TERM') >> 8, slurp($output));
}


# what a run leaves behind in TMPDIR, and among the processes

sub nothing_left {
    my ($name) = @_;

    is_deeply([glob "$tmp/aws-sigv4*"], [], "$name leaves no file behind");

    my @left = grep { slurp($_) =~ /\Q$tmp\E\/aws-sigv4/ }
               glob '/proc/[0-9]*/cmdline';

    is_deeply(\@left, [], "$name leaves no process behind");

    return;
}


sub demonstration {
    my ($rc, $output) = run_sh($root, '--demo');

    is($rc, 0, 'the demonstration succeeds') or diag($output);

    my $row = qr/^(\S.*\S)\s+(\S+\.amazonaws\.com)\s+(\S+)\s+(\S+)\s+/m;
    my @accepted = $output =~ /${row}accepted$/gm;

    is_deeply(\@accepted, [
        'GET with a query',
            'monitoring.us-east-1.amazonaws.com', 'us-east-1', 'monitoring',
        'POST .../converse',
            'bedrock-runtime.us-west-2.amazonaws.com', 'us-west-2', 'bedrock',
        'PUT of an odd key',
            's3.eu-central-1.amazonaws.com', 'eu-central-1', 's3',
        'PUT of 100 MB',
            's3.eu-central-1.amazonaws.com', 'eu-central-1', 's3',
    ], 'four requests are accepted, each with its scope');

    like($output, qr/^GET with a wrong secret .* refused \(signature\)$/m,
         'the request with a wrong secret is refused');

    nothing_left('the demonstration');

    return;
}


# the same with a stand-in that knows another secret

sub refusals_are_failures {
    my $dir = temp_dir();

    for my $entry (glob "$root/*") {
        my ($name) = $entry =~ m{([^/]+)$};
        symlink $entry, "$dir/$name" if $name ne 'run.sh';
    }

    my $script = slurp("$root/run.sh");
    my $changed = $script =~ s/--key "\$key:\$secret"/--key "\$key:other"/;

    ok($changed, 'the stand-in is given another secret');
    spew("$dir/run.sh", $script);

    my ($rc, $output) = run_sh($dir, '--demo');

    is($rc, 1, 'the demonstration fails if requests are refused')
        or diag($output);

    my @refused = $output =~ /refused \(signature\)$/gm;

    is(scalar @refused, 5, 'all five requests are refused');

    return;
}


sub gateway {
    my $port = free_port();
    my $output = "$tmp/gateway";

    my $pid = spawn(command => ['/bin/bash', "$root/run.sh", '--port', $port],
                    output => $output, env => { %env, HOME => $tmp });

    ok(wait_for(sub { slurp($output) =~ /What it signs:/ }, 120),
       'the gateway starts') or diag(slurp($output));

    my @examples = slurp($output) =~ /^  (curl (?:.*\\\n)*.*)$/gm;

    is(scalar @examples, 3, 'three requests to try are shown');

    for my $example (@examples) {
        my $answer = qx{$example -s -D - 2>&1};
        my ($host) = $example =~ /Host: ([\w.-]+)/;

        like($answer, qr/^X-Verifier-Verdict: ok\r$/m,
             "the stand-in accepts the one for $host");
        ok(wait_for(sub { slurp($output) =~ /^\w+ \Q$host\E .* signed\)$/m }),
           'the gateway shows it');
    }

    my ($rc, $text) = run_sh($root, '--port', $port);

    is($rc, 1, 'a port in use is refused');
    like($text, qr/127\.0\.0\.1:$port is in use/, 'with a message');

    stop($pid, 'TERM');
    ok(!can_connect($port), 'the gateway ends on SIGTERM');
    nothing_left('the gateway');

    return;
}


# what can be seen of it without AWS

sub with_credentials {
    my $port = free_port();
    my $output = "$tmp/signer";

    my $pid = spawn(command => ['/bin/bash', "$root/run.sh", "--port=$port"],
                    output => $output,
                    env => { %env, AWS_ACCESS_KEY_ID => 'AKIDEXAMPLE',
                             AWS_SECRET_ACCESS_KEY => 'secret',
                             AWS_REGION => 'eu-west-1' });

    ok(wait_for(sub { slurp($output) =~ /What it signs:/ }, 120),
       'the gateway starts with credentials') or diag(slurp($output));

    like(slurp($output), qr/signs for AWS hosts/, 'and signs for AWS');
    like(slurp($output), qr/Host: sts\.eu-west-1\.amazonaws\.com/,
         'the region is that of the environment');

    my $answer = qx{curl -s -i -H 'Host: example.com' 127.0.0.1:$port};

    like($answer, qr/^HTTP\S+ 403 /, 'a host that is not of AWS is refused');

    stop($pid, 'TERM');
    nothing_left('the gateway for AWS');

    return;
}


sub options {
    my %wrong = (
        '--port 0'       => qr/--port needs a number from 1 to 65535/,
        '--port 65536'   => qr/--port needs a number from 1 to 65535/,
        '--port http'    => qr/--port needs a number from 1 to 65535/,
        '--port'         => qr/--port needs a number/,
        '--unknown'      => qr/^usage:/,
    );

    for my $option (sort keys %wrong) {
        my ($rc, $output) = run_sh($root, split ' ', $option);

        isnt($rc, 0, "run.sh $option fails");
        like($output, $wrong{$option}, 'with a message');
    }

    my ($rc, $output) = run_sh($root, '--help');

    is($rc, 0, 'run.sh --help succeeds');
    like($output, qr/--demo/, 'and names the options');

    return;
}
