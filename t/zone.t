#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# What workers share outlives them and configurations, and never a
# definition.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Credentials;
use AwsSigV4::Memory qw(search_memory);

my %key = %AwsSigV4::Verifier::KEYS;


subtest 'a reload' => sub {
    my $server = AwsSigV4::Credentials->new(count => 1);
    my $nginx = $server->gateway(type => 'container', workers => 2);

    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER1',
       'credentials are fetched';

    for (1 .. 3) {
        ok $nginx->reload, 'nginx is reloaded';
        is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER1',
           'they are kept';
    }

    is scalar($server->requests), 1, 'and not fetched again';

    ok $nginx->reload(http => $nginx->{http}
                      =~ s{/v1/credentials}{/v1/credentials?other}r),
       'another definition';
    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER2',
       'does not get them';

    ok $nginx->reload(http => $nginx->{http} =~ s{\?other}{}r),
       'nor does the first one';
    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER3',
       'after that: they have been wiped';

    ok $nginx->reload(http => "aws_sigv4_zone other:2m; $nginx->{http}"),
       'another zone';
    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER4',
       'has none at first';

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a reload that fails' => sub {
    my $server = AwsSigV4::Credentials->new(count => 1);
    my $nginx = $server->gateway(type => 'container');

    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER1',
       'credentials are fetched';

    my $http = $nginx->{http};

    ok !$nginx->reload(http => ($http =~ s{/v1/credentials}{/v2/other}r)
                              . 'server { listen 192.0.2.1:1; }'),
       'nginx cannot be reloaded';

    $nginx->{http} = $http;
    $nginx->write_config;

    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER1',
       'they are used on';
    is_deeply [grep { !/bind|emerg/ } $nginx->stop_it], [], 'nginx ends well';
};


# a zone in which there is room for one provider

subtest 'a zone that is full' => sub {
    my $server = AwsSigV4::Credentials->new(count => 1, life => 10);
    my $nginx = $server->gateway(type => 'container', workers => 2,
                                 http_config => 'aws_sigv4_zone keys:'
                                                . smallest_zone() . ';');

    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER1',
       'credentials are fetched';

    my $http = $nginx->{http};
    my $other = $http =~ s{/v1/credentials}{/v2/other}r;

    ok !$nginx->reload(http => $other . 'server { listen 192.0.2.1:1; }'),
       'a reload fails when the zone has been looked at';

    $nginx->{http} = $http;
    $nginx->write_config;

    my $used;

    wait_for(sub {
        $used = AwsSigV4::Credentials::used($nginx);
        return $used ne '200 ASIANUMBER1';
    }, 60);

    like $used, qr/^200 ASIANUMBER\d+$/,
         'credentials are fetched in time as before';
    is scalar($server->requests(qr/other/)), 0,
       'and not those of the other configuration';

    ok $nginx->reload(http => $other), 'another definition';
    like AwsSigV4::Credentials::used($nginx), qr/^200 ASIANUMBER\d+$/,
         'takes the place of the first';
    cmp_ok scalar($server->requests(qr/other/)), '>', 0, 'and is asked';

    is_deeply [grep { !/bind|emerg/ } $nginx->stop_it], [], 'nginx ends well';
};


subtest 'a source that has failed' => sub {
    my $server = AwsSigV4::Credentials->new(credentials => { status => 500 });
    my $nginx = $server->gateway(type => 'container',
        location => 'aws_sigv4_credentials_timeout 100ms;');

    # each failure makes the next try later: eight seconds, less a quarter;
    # no request of five would wait for it

    ok wait_for(sub {
           slurp($nginx->error_log) =~ /next try in (?:[6-9]|1\d)\d{3} ms/
       }, 60), 'is left alone for a while';

    $server->set(credentials => undef);

    ok $nginx->reload(server => $nginx->{server} =~ s/100ms/5s/r),
       'nginx is reloaded';
    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'and it is asked';
    is_deeply [grep { !/could not fetch|no credentials available/ }
               $nginx->stop_it],
              [], 'nginx ends well';
};


# the one who fetches is the one who has said so

for my $case (
    ['container', 'credentials', qr{^/v1/credentials$}],
    ['imds', 'token', qr{^/latest/api/token$}],
    ['imds', 'list', qr{/security-credentials/$}],
    ['imds', 'credentials', qr{/security-credentials/a-role$}],
)
{
    my ($type, $step, $path) = @$case;

    subtest "a worker that is killed while it fetches: $type, $step" => sub {
        my $server = AwsSigV4::Credentials->new(count => 1,
                                                $step => { hang => 60 });
        my $nginx = $server->gateway(
            type => $type, workers => 3, log_level => 'debug',
            location => 'aws_sigv4_credentials_timeout 30s;',
        );

        ok wait_for(sub { scalar $server->requests($path) }), 'a fetch hangs';

        # on a busy machine it may not be the first that hangs

        my $pid = (slurp($nginx->error_log)
            =~ /\[debug\] (\d+)#\d+: aws sigv4 fetch for provider "p"/g)[-1];

        $server->set($step => undef);
        kill 'KILL', $pid;

        # the attempt of one that lives would be waited for longer than this

        my $used = AwsSigV4::Credentials::used($nginx);
        my $given = $server->requests(qr{/(?:v1/credentials|a-role)$});

        is $used, "200 ASIANUMBER$given",
           'another worker takes over, and fetches for all';
        cmp_ok scalar($server->requests($path)), '>', 1, 'from the start';

        # it was the master who started it, and who says so

        is_deeply [grep { !/exited on signal 9|could not fetch/ }
                   $nginx->stop_it],
                  [], 'nginx ends well';
    };
}


subtest 'a worker that is killed afterwards' => sub {
    my $server = AwsSigV4::Credentials->new(count => 1);
    my $nginx = $server->gateway(type => 'container', workers => 1);

    is AwsSigV4::Credentials::used($nginx), '200 ASIANUMBER1',
       'credentials are fetched';

    my ($pid) = $nginx->workers;
    kill 'KILL', $pid;

    ok wait_for(sub { grep { $_ != $pid } $nginx->workers }),
       'there is another worker';
    ok wait_for(sub {
           AwsSigV4::Credentials::used($nginx) eq '200 ASIANUMBER1'
       }), 'which uses them';
    is scalar($server->requests), 1, 'and does not fetch';
    is_deeply [grep { !/exited on signal 9/ } $nginx->stop_it], [],
              'nginx ends well';
};


subtest 'memory' => sub {
    my $server = AwsSigV4::Credentials->new;

    # the verifier would answer with the headers that it has seen

    my $verifier = start_verifier(script => [{ times => 1000, body => 'yes' }]);
    my $nginx = $server->gateway(type => 'container', verifier => $verifier);

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'credentials are fetched';

    SKIP: {
        my ($pid) = $nginx->workers;

        open my $mem, '<', "/proc/$pid/mem"
            or skip 'the memory of a worker is not for everybody', 3;

        my ($dumped, $kept) = search_memory($pid,
            @key{qw( TEMP_SECRET TEMP_TOKEN )});

        is_deeply $dumped, [], 'core files have none of their secrets';
        is_deeply [sort @$kept], [sort @key{qw( TEMP_SECRET TEMP_TOKEN )}],
                  'which lie in memory that is left out';

        $server->set(keys => { AccessKeyId => 'ASIAOTHER',
                               SecretAccessKey => 'other', Token => 'T' });

        ok $nginx->reload(http => $nginx->{http}
                          =~ s{/v1/credentials}{/v1/other}r),
           'another definition';
        like AwsSigV4::Credentials::used($nginx), qr/ASIAOTHER$/, 'is used';

        ($pid) = $nginx->workers;
        ($dumped, $kept) = search_memory($pid,
            @key{qw( TEMP_SECRET TEMP_TOKEN )});

        is_deeply [@$dumped, @$kept], [], 'nothing is left of the first';
    }

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a configuration that signs nothing' => sub {
    my $server = AwsSigV4::Credentials->new;
    my $nginx = $server->gateway(
        type => 'container', config => 'location = /metrics {
                                            aws_sigv4_metrics;
                                        }',
        upstream => 'return 200 ok;',
    );

    is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
       'credentials are fetched';

    ok $nginx->reload(http => '', server => 'location = /metrics {
                                                 aws_sigv4_metrics;
                                             }'),
       'only metrics are left';
    is request($nginx->port, target => '/metrics')->{status}, 200,
       'they are there';

    my ($pid) = $nginx->workers;
    my ($dumped, $kept) = search_memory($pid,
        @key{qw( TEMP_SECRET TEMP_TOKEN )});

    SKIP: {
        skip 'the memory of a worker is not for everybody', 1 if !$dumped;

        is_deeply [@$dumped, @$kept], [], 'and no key';
    }

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


# nginx -t

for my $case (
    ['aws_sigv4_zone keys:1m;', 'is successful'],
    ['aws_sigv4_zone keys;', 'invalid zone "keys", write it as name:size'],
    ['aws_sigv4_zone :1m;', 'invalid zone ":1m"'],
    ['aws_sigv4_zone keys:much;', 'invalid size "much" of zone "keys"'],
    ['aws_sigv4_zone keys:8k;', 'zone "keys" is too small: one provider needs'],
    ['aws_sigv4_zone a:1m; aws_sigv4_zone b:1m;', 'is duplicate'],
    ['aws_sigv4_zone keys:100k; ' . providers(3),
     'zone "keys" is too small: 3 providers need 1'],
    [providers(60), '"aws_sigv4_zone": zone "aws_sigv4" is too small: '
                    . '60 providers need 2'],
    ['aws_sigv4_zone keys:3m; ' . providers(60), 'is successful'],
)
{
    my ($http, $says) = @$case;

    my $nginx = AwsSigV4::Nginx->new(
        http => $http . 'aws_sigv4_provider default static
                         access_key_id=A secret_access_key=b;',
        server => 'location / { aws_sigv4 on; aws_sigv4_service s3;
                                aws_sigv4_region us-east-1;
                                proxy_pass http://127.0.0.1:9; }',
        env => { AWS_EC2_METADATA_DISABLED => 'false' },
    );
    my ($status, $text) = $nginx->test;

    ok index($text, $says) >= 0, substr($http, 0, 60) or diag $text;
}


done_testing();


# as nginx says it

sub smallest_zone {
    my $nginx = AwsSigV4::Nginx->new(http => 'aws_sigv4_zone keys:8k;');
    my ($status, $text) = $nginx->test;

    return ($text =~ /write "aws_sigv4_zone keys:(\d+k);"/)[0] // die $text;
}


sub providers {
    my ($n) = @_;

    return join '', map { "aws_sigv4_provider p$_ imds "
                          . "endpoint=http://127.0.0.$_:9;\n" } 1 .. $n;
}
