#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# An alarm that one worker has raised, and another one looks at later, by a
# clock that is behind: workers read it when events come, and take their time
# for those that come before the timers.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Metrics;
use AwsSigV4::Process qw(spew);

# the first worker reads its clock late, and that of the second is behind

my $source = <<'EOC';
#define _GNU_SOURCE

#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

#pragma weak ngx_process
#pragma weak ngx_worker

/* of nginx, and of no other program that it is started by */
extern unsigned long  ngx_process, ngx_worker;

int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int  rc, in_worker;

    static int  (*next)(clockid_t, struct timespec *);

    if (next == NULL) {
        next = (int (*)(clockid_t, struct timespec *))
                                          dlsym(RTLD_NEXT, "clock_gettime");
    }

    in_worker = (id == CLOCK_MONOTONIC && &ngx_process && ngx_process == 3);

    if (in_worker && ngx_worker == 0) {
        usleep(12000);
    }

    rc = next(id, ts);

    if (in_worker && ngx_worker == 1) {
        ts->tv_nsec -= 500000000;

        if (ts->tv_nsec < 0) {
            ts->tv_nsec += 1000000000;
            ts->tv_sec--;
        }
    }

    return rc;
}
EOC

my $dir = temp_dir();
my $cc  = $ENV{CC} // 'cc';

chmod 0755, $dir;
spew("$dir/clock.c", $source, 0644);
system($cc, qw(-shared -fPIC -O1 -o), "$dir/clock.so", "$dir/clock.c", '-ldl')
    == 0 or die "$cc failed";

my %env = (
    LD_PRELOAD   => "$dir/clock.so",
    ASAN_OPTIONS => 'verify_asan_link_order=0:detect_leaks=0',
);

my $nginx = start_nginx(
    verifier => start_verifier(
        script => [{ match => '^/broken', times => 10_000, status => 500 }],
    ),
    env         => \%env,
    main_config => join('', "worker_processes 2;\n",
                        map { "env $_;\n" } sort keys %env),
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
aws_sigv4_alarm window=3s;
aws_sigv4_alarm 5xxErrorCount 0;
EOC
    config => <<'EOC',
aws_sigv4 on;

location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC
);

# [seconds of the day, "on" or "over"] for each line
sub told {
    return map { [$_->[0] * 3600 + $_->[1] * 60 + $_->[2], $_->[3]] }
        map { /^\S+ (\d\d):(\d\d):(\d\d) .* alarm "5xxErrorCount" is (on|over):/
              ? [$1, $2, $3, $4] : () }
        split /^/, $nginx->log_text('error.log');
}

ok wait_for(sub {
    request($nginx->port, target => '/broken');
    return told() > 0;
}), 'an alarm is on';

ok wait_for(sub { told() > 1 }), 'and is over, when nothing more fails';

my ($on, $over) = told();

is_deeply [$on->[1], $over->[1]], ['on', 'over'], 'in that order';
cmp_ok +($over->[0] - $on->[0]) % 86_400, '>=', 2, 'a window later';
is_deeply [$nginx->stop_it], [], 'it ends well';

done_testing();
