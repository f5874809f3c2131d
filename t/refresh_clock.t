#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Credentials are fetched in time although the clock is set.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Clock;
use AwsSigV4::Credentials;

my $clock = AwsSigV4::Clock->new;

my %config = (type => 'container', $clock->nginx);


subtest 'back' => sub {
    my $server = AwsSigV4::Credentials->new(count => 1, life => 12);

    $clock->set('+0');

    my $nginx = $server->gateway(%config);

    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER1',
       'credentials of twelve seconds are fetched';

    # by this clock they live for an hour

    $clock->set('-3600s');

    ok wait_for(sub {
           AwsSigV4::Credentials::used($nginx) eq '200 ASIANUMBER2'
       }), 'they are replaced all the same';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'forward' => sub {
    my $server = AwsSigV4::Credentials->new(count => 1, life => 3600);

    $clock->set('+0');

    my $nginx = $server->gateway(%config,
        location => 'aws_sigv4_credentials_timeout 30s;');

    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER1',
       'credentials of an hour are fetched';

    $server->set(life => 3 * 3600);
    $clock->set('+7200s');

    ok wait_for(sub {
           AwsSigV4::Credentials::used($nginx) eq '200 ASIANUMBER2'
       }), 'when they expire by the clock, a request waits for others';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


done_testing();
