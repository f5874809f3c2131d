# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# nginx is replaced by another binary while it runs, twice, with a reload in
# between: the environment that it was started in is still the one that
# credentials come from, and nothing of it is in a log.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Process qw( is_running spawn stop );

my %key = %AwsSigV4::Verifier::KEYS;
my $verifier = start_verifier();
my $test = $$;

my $profile = <<"EOF";
[prod]
aws_access_key_id = $key{AKID}
aws_secret_access_key = $key{SECRET}
EOF

my $server = <<'EOF';
aws_sigv4          on;
aws_sigv4_service  execute-api;
add_header         X-Key $aws_sigv4_access_key_id always;

location / {
    proxy_pass     http://127.0.0.1:$VERIFIER_PORT;
}

location /home {
    aws_sigv4_credentials  home;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
}
EOF

my $nginx = AwsSigV4::Nginx->new(
    main      => 'worker_processes 1;',
    log_level => 'debug',
    values    => { VERIFIER_PORT => $verifier->port },
    http      => 'aws_sigv4_provider home profile;',
    server    => $server,
    files     => [['home/.aws/credentials', 0644, $profile]],
    env       => {
        HOME                  => '$TEST_DIR/home',
        AWS_PROFILE           => 'prod',
        AWS_REGION            => 'eu-west-1',
        AWS_ACCESS_KEY_ID     => $key{TEMP_AKID},
        AWS_SECRET_ACCESS_KEY => $key{TEMP_SECRET},
        AWS_SESSION_TOKEN     => $key{TEMP_TOKEN},
    },
);

my $pid_file = $nginx->dir . '/nginx.pid';
my $first = start() or BAIL_OUT('nginx does not start');

signs('at first');

ok reload($first), 'it reloads';
signs('after a reload');

my $second = upgrade($first);
signs('after an upgrade');

my $environ = AwsSigV4::slurp("/proc/$second/environ");

unlike $environ, qr/AWS_ACCESS|AWS_SECRET|AWS_SESSION|HOME=/,
       'what it is started with is not in the environment any more';

my ($worker) = children($second);
my $files = join "\n", map { readlink // '' } glob "/proc/$worker/fd/*";

like $files, qr/socket:/, 'the open files of a worker are seen';
unlike $files, qr/memfd/, 'a memory file is not among them';

ok reload($second), 'it reloads';
signs('after an upgrade and a reload');

upgrade($second);
signs('after another upgrade');

my $log = AwsSigV4::slurp($nginx->error_log)
          . AwsSigV4::slurp($nginx->dir . '/logs/stderr.log');

for my $secret (@key{qw( SECRET TEMP_SECRET TEMP_TOKEN )}) {
    is index($log, $secret), -1, 'a secret is not in the debug log';
}

unlike $log, qr/\[(?:error|crit|alert|emerg)\]/, 'nor is an error';

done_testing();


END {
    if ($$ == $test && defined $pid_file) {
        my $status = $?;

        kill 'TERM', grep { $_ }
                     map { AwsSigV4::slurp($_) =~ /^(\d+)\n/ ? $1 : 0 }
                     $pid_file, "$pid_file.oldbin";
        wait_for(sub { !-e $pid_file }, 10);

        $? = $status;
    }
}


# only a daemon can be upgraded: while the parent is the one that it was
# started by, nginx takes the signal for one that is meant for another

sub start {
    $nginx->write_config;

    my $file = $nginx->dir . '/conf/nginx.conf';
    my $conf = AwsSigV4::slurp($file);

    AwsSigV4::spew($file, $conf =~ s/daemon off;/daemon on;/r);

    my $pid = spawn(
        command => $nginx->_command,
        env     => $nginx->_environment,
        output  => $nginx->dir . '/logs/stderr.log',
        cwd     => $nginx->dir,
    );

    wait_for(sub { !is_running($pid) });

    if (stop($pid) != 0) {
        diag AwsSigV4::slurp($nginx->dir . '/logs/stderr.log');
        return;
    }

    return master();
}


sub master {
    my $pid;

    wait_for(sub { ($pid) = AwsSigV4::slurp($pid_file) =~ /^(\d+)\n/ });

    return $pid;
}


# workers that have come up; until then they bear the name of their master

sub children {
    my ($pid) = @_;

    return grep { AwsSigV4::slurp("/proc/$_/cmdline") =~ /worker process/ }
           split ' ', AwsSigV4::slurp("/proc/$pid/task/$pid/children");
}


sub reload {
    my ($pid) = @_;
    my ($old, @now);

    wait_for(sub { ($old) = children($pid) });
    kill 'HUP', $pid;

    return wait_for(sub {
        @now = children($pid);
        return @now && !grep { $_ == $old } @now;
    });
}


# the old master goes when its workers have gone

sub upgrade {
    my ($old) = @_;
    my $new;

    kill 'USR2', $old;

    ok wait_for(sub {
           $new = master();
           return $new && $new != $old && -e "$pid_file.oldbin"
                  && children($new);
       }), 'a new binary runs';

    kill 'QUIT', $old;

    ok wait_for(sub { !-e "$pid_file.oldbin" }), 'and the old one goes';

    return $new;
}


sub signs {
    my ($when) = @_;

    for my $case (['/', $key{TEMP_AKID}], ['/home', $key{AKID}]) {
        my ($target, $id) = @$case;
        my $response = request($nginx->port, target => $target);
        my $used = AwsSigV4::Client::header($response, 'X-Key') // '';

        is "$response->{status} $used", "200 $id", "$target is signed $when"
            or diag $response->{body};
    }
}
