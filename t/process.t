#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Credentials that a program prints, and programs that do not: what they are
# started with, what is left of them, and what requests notice.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Clock;
use AwsSigV4::Roles;

my %keys = %AwsSigV4::Verifier::KEYS;
my $key  = $keys{TEMP_AKID};

my $json = qq({"Version": 1, "AccessKeyId": "$keys{TEMP_AKID}",
    "SecretAccessKey": "$keys{TEMP_SECRET}",
    "SessionToken": "$keys{TEMP_TOKEN}",
    "Expiration": "2099-01-31T12:00:00Z"});

my $print = "cat <<'EOT'\n$json\nEOT\n";

# workers of root are another user: it must reach the program and what it
# writes

my $dir = temp_dir();
chmod 0777, $dir;


sub script {
    my ($name, $text) = @_;

    spew("$dir/$name", "#!/bin/sh\n$text", 0755);

    return "$dir/$name";
}


sub process {
    my ($command, %arg) = @_;

    $command =~ s/(["\\])/\\$1/g;

    return gateway(qq(aws_sigv4_provider p process "command=$command";),
                   %arg);
}


subtest 'another environment' => sub {
    my @two = ([one => @keys{qw( AKID SECRET )}],
               [two => @keys{qw( OTHER_AKID OTHER_SECRET )}]);

    spew("$dir/keys.$_->[0]", qq({"Version": 1, "AccessKeyId": "$_->[1]",
                                  "SecretAccessKey": "$_->[2]"}), 0644)
        for @two;

    my $nginx = process(script('profile', "cat $dir/keys.\$AWS_PROFILE\n"),
                        main => "env AWS_PROFILE=one;\n");

    comes($nginx, "200 $keys{AKID}", 'has its keys');

    ok $nginx->reload(main => $nginx->{main} =~ s/=one/=two/r),
       'nginx is reloaded with another one';
    is used($nginx), "200 $keys{OTHER_AKID}", 'and does not go on with those';

    ends($nginx);
};


subtest 'what it prints signs' => sub {
    my $nginx = process(script('good', "echo noise >&2\n$print"));

    comes($nginx, "200 $key", 'with the session token');
    unlike log_of($nginx), qr/noise|\Q$keys{TEMP_SECRET}\E/,
           'the log shows neither stderr nor secrets';

    ends($nginx);
};


subtest 'keys that do not expire' => sub {
    my $nginx = process(script('static', "printf '%s' "
        . qq('{"Version":1,"AccessKeyId":"$keys{AKID}",)
        . qq("SecretAccessKey":"$keys{SECRET}"}'\n)));

    comes($nginx, "200 $keys{AKID}", 'sign without a token');
    ends($nginx);
};


# a program that prints $dir/keys as soon as $dir/go is there

my $held = <<"EOC";
echo run >> $dir/runs
while [ ! -e $dir/go ]; do sleep 0.05; done
[ -e $dir/keys ] && cat $dir/keys
EOC


subtest 'keys that do not expire, and a reload' => sub {
    unlink "$dir/runs";
    spew("$dir/go", '');
    prints(@keys{qw( AKID SECRET )});

    my $nginx = process(script('held', $held), timeout => '1s');

    comes($nginx, "200 $keys{AKID}", 'the program is run');

    unlink "$dir/go", "$dir/keys";

    ok $nginx->reload, 'nginx is reloaded';
    ok wait_for(sub { runs() == 2 }), 'the program is run again';
    is used($nginx), "200 $keys{AKID}", 'no request waits for it' for 1 .. 5;

    spew("$dir/go", '');

    ok wait_for(sub { log_of($nginx) =~
           /exited with code 1; those it has are used on, next try in/ }),
       'if it fails';
    is used($nginx), "200 $keys{AKID}", 'its keys are used on';

    # without the reload it would take longer with each failure

    prints(@keys{qw( OTHER_AKID OTHER_SECRET )});

    ok $nginx->reload, 'another reload';
    comes($nginx, "200 $keys{OTHER_AKID}", 'others are used when it has them');

    my $runs = runs();

    is used($nginx), "200 $keys{OTHER_AKID}", 'from then on' for 1 .. 5;
    is runs(), $runs, 'and it is not run again';

    ends($nginx);
};


subtest 'a reload while the program runs' => sub {
    unlink "$dir/runs", "$dir/go";
    prints(@keys{qw( AKID SECRET )});

    my $nginx = process(script('held', $held));

    ok wait_for(sub { runs() == 1 }), 'the program is run';
    ok $nginx->reload, 'nginx is reloaded';
    ok wait_for(sub { runs() == 2 }), 'it is run again';

    spew("$dir/go", '');

    comes($nginx, "200 $keys{AKID}", 'and its keys are used');
    ends($nginx);
};


sub prints {
    my ($id, $secret) = @_;

    spew("$dir/keys.new", qq({"Version": 1, "AccessKeyId": "$id",
                              "SecretAccessKey": "$secret"}), 0644);
    rename "$dir/keys.new", "$dir/keys" or die "rename: $!";
}


sub runs {
    return scalar(() = slurp("$dir/runs") =~ /run/g);
}


subtest 'words, environment and descriptors' => sub {
    unlink "$dir/seen";

    my $file = script('show it', <<"EOC" . $print);
{
    for word; do echo "word=\$word"; done
    env | sort
    ls /proc/self/fd | sed 's/^/fd=/'
    read line || echo "stdin=end"
} > $dir/seen.new
mv $dir/seen.new $dir/seen
EOC
    my $nginx = process(
        qq('$file' a "b c" 'd "e"' f\\ g "" \$HOME '*' x"y"'z'),
        env => { AWS_REGION => 'eu-west-1', AWS_SECRET => 'variable',
                 AWS_PROFILE => 'a b', OTHER => 'one' });

    comes($nginx, "200 $key", 'the program is found');

    my $seen  = slurp("$dir/seen");
    my @words = $seen =~ /^word=(.*)$/mg;

    is_deeply \@words, ['a', 'b c', 'd "e"', 'f g', '', '$HOME', '*', 'xyz'],
              'words are those of a shell, and no shell expands them';

    like $seen, qr/^\Q$_\E$/m, "it has $_"
        for 'AWS_REGION=eu-west-1', 'AWS_SECRET=variable',
            'AWS_PROFILE=a b', 'OTHER=one', 'HOME=' . $nginx->dir;
    like $seen, qr/^PATH=/m, 'and a PATH';
    unlike $seen, qr/^(?:NGINX|NGX_)/m, 'and nothing of nginx';

    # 3 is the directory that ls reads

    is_deeply [$seen =~ /^fd=(\d+)$/mg], [0 .. 3],
              'no descriptor of nginx is open'
        or diag $seen;
    like $seen, qr/^stdin=end$/m, 'there is no input';

    ends($nginx);
};


# a shell would set them itself

subtest 'signals' => sub {
    spew("$dir/perl", <<"EOC", 0755);
#!/usr/bin/perl
open my \$in, '<', '/proc/self/status';
open my \$out, '>', '$dir/signals';
print {\$out} grep { /^Sig(?:Blk|Ign)/ } <\$in>;
close \$out;
print q($json);
EOC

    my $nginx = process("$dir/perl");

    comes($nginx, "200 $key", 'the program has done well');

    my $seen = slurp("$dir/signals");

    like $seen, qr/^SigBlk:\s*0+$/m, 'no signal is blocked';

    # Perl ignores SIGFPE, 8, itself; from 32 on they are the C library's

    my ($ignored) = $seen =~ /^SigIgn:\s*[0-9a-f]*([0-9a-f]{8})$/m;

    is hex($ignored) & ~0x80 & 0x7fffffff, 0, 'nor ignored';

    ends($nginx);
};


for my $case (
    ['exits with a code', "echo first line >&2; echo second >&2; exit 3",
     qr/it exited with code 3: first line[;,]/],
    ['says what cannot be printed', "printf '\\033[31mred\\n' >&2; exit 1",
     qr/it exited with code 1: \?\[31mred[;,]/],
    ['says nothing', 'exit 1', qr/it exited with code 1[;,]/],
    ['is killed', 'kill -9 $$', qr/it was killed by signal 9/],
    ['prints nothing', '', qr/printed no credentials/],
    ['prints no JSON', 'echo hello', qr/printed no credentials/],
    ['prints another version', $print =~ s/"Version": 1/"Version": 2/r,
     qr/printed no credentials: .*Version/],
    ['prints no secret', $print =~ s/"SecretAccessKey"/"Secret"/r,
     qr/printed no credentials: .*SecretAccessKey/],
    ['prints what has expired', $print =~ s/2099/2019/r,
     qr/printed no credentials: .*expire/],
    ['prints 10 MB', 'head -c 10000000 /dev/zero; sleep 300',
     qr/it printed more than 64K/],
    ['complains for 10 MB', 'head -c 10000000 /dev/zero >&2; exit 4',
     qr/it exited with code 4/])
{
    my ($name, $text, $error) = @$case;

    subtest "a program that $name" => sub {
        my $file  = script('bad', "$text\n");
        my $nginx = process($file, timeout => '1s');

        comes($nginx, '503 ', 'nothing is signed');
        ok wait_for(sub { log_of($nginx) =~ $error }, 60),
           'the log says why' or diag log_of($nginx);

        script('better', $print);
        rename "$dir/better", $file or die "rename: $!";

        comes($nginx, "200 $key", 'until it does what it should');
        ends($nginx, qr/aws sigv4/);
    };
}


subtest 'a program that is not there, or not to be run' => sub {
    spew("$dir/text", "no program\n", 0644);

    for my $case (['gone', qr/there is no such program/],
                  ['text', qr/it may not be executed/])
    {
        my $nginx = process("$dir/$case->[0]", timeout => '1s');

        comes($nginx, '503 ', "$case->[0]: nothing is signed");
        ok wait_for(sub { log_of($nginx) =~ $case->[1] }), 'the log says why'
            or diag log_of($nginx);

        ends($nginx, qr/aws sigv4/);
    }
};


subtest 'a program that never ends' => sub {
    unlink glob "$dir/*.pid";

    my $file = script('endless', <<"EOC");
echo \$\$ > $dir/shell.pid.new
sleep 600 &
echo \$! > $dir/sleep.pid.new
mv $dir/shell.pid.new $dir/shell.pid
mv $dir/sleep.pid.new $dir/sleep.pid
wait
EOC
    my $nginx = process($file, timeout => '1s');

    is used($nginx), '503 ', 'a request gets its answer in time';
    ok wait_for(sub { -s "$dir/sleep.pid" }, 60), 'the program runs';

    my @pids = map { slurp("$dir/$_.pid") =~ /(\d+)/ } qw(shell sleep);

    ok kill(0, $_), "process $_ is there" for @pids;

    # nginx ends it with itself

    ends($nginx, qr/aws sigv4/);

    ok wait_for(sub { !grep { is_alive($_) } @pids }, 60),
       'it ends with nginx, with what it has started';
};


# the monotonic clock is put forward; all the rest is as it is

subtest 'a program that takes longer than 30 seconds' => sub {
    unlink glob "$dir/*.pid";

    my $clock = AwsSigV4::Clock->new;
    delete $clock->{env}{DONT_FAKE_MONOTONIC};

    my %config = $clock->nginx(1);
    my $nginx  = process("$dir/endless", timeout => '1s', env => $config{env},
                         main => $config{main_config});

    ok wait_for(sub { -s "$dir/sleep.pid" }, 60), 'it runs';

    my @pids = map { slurp("$dir/$_.pid") =~ /(\d+)/ } qw(shell sleep);

    $clock->set('+25s');
    is used($nginx), '503 ', 'after 25 seconds requests are refused';
    is scalar(grep { is_alive($_) } @pids), 2, 'and it may go on';

    $clock->set('+32s');

    ok wait_for(sub { log_of($nginx) =~
           /could not fetch credentials: it took longer than 30 s; it has none/
       }), 'after 30 seconds that is a failure';
    ok wait_for(sub { !grep { is_alive($_) } @pids }, 60),
       'and it is ended, with what it has started';

    script('better', $print);
    rename "$dir/better", "$dir/endless" or die "rename: $!";

    comes($nginx, "200 $key", 'the next try does well');
    ends($nginx, qr/aws sigv4/);
};


subtest 'a worker that is killed while the program runs' => sub {
    unlink "$dir/runs", "$dir/go", glob "$dir/*.pid";
    prints(@keys{qw( AKID SECRET )});

    my $nginx = process(script('held', "echo \$\$ > $dir/first.pid\n$held"),
                        main => "worker_processes 2;\n",
                        log_level => 'debug');

    ok wait_for(sub { runs() == 1 }), 'the program runs';

    my ($program) = slurp("$dir/first.pid") =~ /(\d+)/;
    my ($worker)  = log_of($nginx)
        =~ /\[debug\] (\d+)#\d+: aws sigv4 fetch for provider "p"/;

    kill 'KILL', $worker;

    ok wait_for(sub { runs() == 2 }), 'another worker runs it at once';
    ok wait_for(sub { !is_alive($program) }, 60), 'the first one has ended';

    spew("$dir/go", '');

    comes($nginx, "200 $keys{AKID}", 'and its keys are used');
    is runs(), 2, 'that was all';
    ends($nginx, qr/exited on signal 9/);
};


subtest 'what it leaves running is not waited for' => sub {
    my $nginx = process(script('daemon', "sleep 60 &\n$print"));

    comes($nginx, "200 $key", 'the keys are there at once');
    ends($nginx);
};


subtest 'credential_process of a profile, and botocore' => sub {
    my $file = script('from a profile', $print);
    my %env  = (AWS_CONFIG_FILE => "$dir/config");

    spew("$dir/config", qq([default]\nregion = eu-west-1\n)
         . qq(credential_process = "$file" --flag 'a b'\n), 0644);

    my $nginx = gateway('aws_sigv4_provider p profile;', env => \%env);

    comes($nginx, "200 $key", 'nginx signs with what it prints');
    ends($nginx);

    is botocore('http://127.0.0.1:9/', %env), "custom-process $key\n",
       'so does botocore';
};


done_testing();


# a zombie that nobody has waited for yet has ended

sub is_alive {
    my ($pid) = @_;

    return slurp("/proc/$pid/stat") =~ /\) [^ZX] /;
}
