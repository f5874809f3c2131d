# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Files with keys change while nginx runs: whole, in halves, out of the
# reach of workers.  And where secrets lie in the memory of a worker.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Memory qw(search_memory);

my $verifier = start_verifier();
my %key = %AwsSigV4::Verifier::KEYS;
my $root = $> == 0;

my $location = <<'EOC';
location / {
    aws_sigv4              on;
    aws_sigv4_service      execute-api;
    aws_sigv4_region       us-east-1;
    aws_sigv4_credentials  p;
    proxy_pass             http://127.0.0.1:$VERIFIER_PORT;
    add_header             X-Key $aws_sigv4_access_key_id always;
}
EOC


subtest 'a csv file' => sub {
    my $nginx = start('aws_sigv4_provider p csv file=key.csv;',
                      ['conf/key.csv', 0644, csv($key{AKID}, $key{SECRET})]);

    is used($nginx), "200 $key{AKID}", 'its key is used';

    put($nginx, 'conf/key.csv', csv($key{OTHER_AKID}, $key{OTHER_SECRET}));
    comes($nginx, "200 $key{OTHER_AKID}", 'another key is noticed');

    my $last4 = substr $key{OTHER_AKID}, -4;

    like log_of($nginx),
         qr/\[notice\] .*provider "p" uses access key \*\Q$last4\E from \S*key\.csv, it does not expire$/m,
         'the log says so, with no more than the end of the id';
    unlike log_of($nginx), qr/\Q$key{OTHER_AKID}\E/, 'nor all of it';

    put($nginx, 'conf/key.csv', substr csv($key{AKID}, $key{SECRET}), 0, 40);
    keeps($nginx, "200 $key{OTHER_AKID}", 'there is no',
          'half a file is not used');

    put($nginx, 'conf/key.csv', csv("$key{AKID} x", $key{SECRET}));
    keeps($nginx, "200 $key{OTHER_AKID}", 'contains a space',
          'nor a key that cannot be one');

    unlink $nginx->dir . '/conf/key.csv';
    keeps($nginx, "200 $key{OTHER_AKID}", 'does not exist',
          'a file that is gone changes nothing');

    put($nginx, 'conf/key.csv', csv($key{AKID}, $key{SECRET}));
    comes($nginx, "200 $key{AKID}", 'until it is there again');

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a file in place, of the same size' => sub {
    my $nginx = start("aws_sigv4_provider p static access_key_id=AKID
                           secret_access_key_file=s;",
                      ['conf/s', 0644, 'x' x length $key{SECRET}]);

    is used($nginx), '403 AKID', 'a wrong secret is used';

    $nginx->mark;
    overwrite($nginx, 'conf/s', 'y' x length $key{SECRET});

    ok wait_for(sub { used($nginx); log_of($nginx) =~ /uses access key/ }),
       'and the next one';

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a secret and a session token' => sub {
    my $nginx = start("aws_sigv4_provider p static
                           access_key_id=$key{TEMP_AKID}
                           secret_access_key_file=s session_token_file=t;",
                      ['conf/s', 0644, "$key{TEMP_SECRET}\n"],
                      ['conf/t', 0644, "another token\n" =~ tr/ /-/r]);

    is used($nginx), "400 $key{TEMP_AKID}", 'a wrong token is used';

    put($nginx, 'conf/t', "$key{TEMP_TOKEN}\n");
    comes($nginx, "200 $key{TEMP_AKID}", 'and the right one noticed');

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a profile that turns up later' => sub {
    my $nginx = start('aws_sigv4_provider p chain;');

    is used($nginx), '503 ', 'there are no credentials';

    put($nginx, '.aws/credentials', "[default]\naws_access_key_id = A\n");

    ok wait_for(sub {
           used($nginx);
           log_of($nginx) =~ /provider "profile" has no credentials: in profile "default" of file "\S+" the secret/
       }), 'half a profile is looked at';

    is used($nginx), '503 ', 'and not used';

    put($nginx, '.aws/credentials',
        "[default]\naws_access_key_id = $key{AKID}\n"
        . "aws_secret_access_key = $key{SECRET}\n");
    comes($nginx, "200 $key{AKID}", 'a whole one is');

    put($nginx, '.aws/credentials', "[other]\n");
    keeps($nginx, "200 $key{AKID}", 'there is no profile "default"',
          'and stays in use when it is removed');

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'a file out of the reach of workers' => sub {
    my $nginx = start('aws_sigv4_provider p csv file=key.csv;',
                      ['conf/key.csv', 0644, csv($key{AKID}, $key{SECRET})]);

    is used($nginx), "200 $key{AKID}", 'its key is used';

    put($nginx, 'conf/key.csv', csv($key{OTHER_AKID}, $key{OTHER_SECRET}),
        0000);
    keeps($nginx, "200 $key{AKID}", 'may not be read by this process',
          'a change that cannot be read is not used');

    my $file = $nginx->dir . '/conf/key.csv';

    # a reload of the harness would write the first one again

    $nginx->{files} = [];

    if ($root) {
        ok $nginx->reload, 'root reads it on reload';
        is used($nginx), "200 $key{OTHER_AKID}", 'and it is used then';

    } else {
        ok !$nginx->reload, 'nginx does not reload what it cannot read';
        is used($nginx), "200 $key{AKID}", 'and goes on';
        chmod 0600, $file;
    }

    is_deeply [grep { !/may not be read/ } $nginx->stop_it], [],
              'nginx ends well';
};


subtest 'nginx -t says when changes are used' => sub {
    my $nginx = start('aws_sigv4_provider p csv file=key.csv;',
                      ['conf/key.csv', 0600, csv($key{AKID}, $key{SECRET})]);
    my $words = qr/"\S*key\.csv" may not be read by user "\S+": changes of it are used after a reload only/;
    my ($status, $output) = $nginx->test;

    is $status, 0, 'it succeeds';

    if ($root) {
        like $output, $words, 'after a reload if root alone may read it';
    } else {
        unlike $output, $words, 'at once if workers are the same user';
    }

    $nginx->{files}[0][1] = 0640;
    unlike +($nginx->test)[1], qr/every user/, 'a group may read it';

    $nginx->{files}[0][1] = 0644;
    ($status, $output) = $nginx->test;

    unlike $output, $words, 'at once if everybody may read it';
    like $output, qr/may be read by every user, use "chmod o-r"/,
         'which is a warning';

    chmod 0700, $nginx->dir . '/conf';
    ($status, $output) = $nginx->test;
    $root ? like $output, $words, 'a directory may keep workers out'
          : unlike $output, $words, 'a directory does not keep its owner out';

    chmod 0755, $nginx->dir . '/conf';
    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'secrets lie in no memory that core files contain' => sub {
    my $nginx = AwsSigV4::start_nginx(
        verifier    => $verifier,
        log_level   => 'debug',
        http_config => <<"EOC",
aws_sigv4_provider p chain providers=written,env,filed,shared;
aws_sigv4_provider q chain providers=env;
aws_sigv4_provider filed csv file=key.csv;
aws_sigv4_provider shared profile credentials_file=shared config_file=shared;
aws_sigv4_provider written static access_key_id=$key{AKID}
    secret_access_key=$key{SECRET};
EOC
        config      => $location,
        files       => [
            ['conf/key.csv', 0644, csv('AKIDFILE', 'secret-of-the-csv-file')],
            ['conf/shared', 0644, "[default]\naws_access_key_id = AKIDSHARE\n"
                                  . "aws_secret_access_key = "
                                  . "secret-of-the-profile\n"],
        ],
        env         => {
            HOME                  => '$TEST_DIR',
            AWS_ACCESS_KEY_ID     => 'AKIDENV',
            AWS_SECRET_ACCESS_KEY => 'secret-of-the-environment',
            AWS_SESSION_TOKEN     => 'token-of-the-environment',
        },
    );

    is used($nginx), "200 $key{AKID}", 'a request is signed';

    my ($worker) = $nginx->workers;
    my @secrets = ($key{SECRET}, qw( secret-of-the-csv-file
                                     secret-of-the-profile
                                     secret-of-the-environment
                                     token-of-the-environment ));

    my ($dumped, $kept) = search_memory($worker, @secrets);

    if (!defined $dumped) {
        ok(($ENV{CI} // '') ne 'true',
           'the memory of a worker may not be read here');

    } else {

        # sanitizers keep a copy of the environment for themselves

        @$dumped = grep { !/of-the-environment/ } @$dumped
            if AwsSigV4::slurp($AwsSigV4::Nginx::BINARY) =~ /__asan_init/;

        is join(' ', @$dumped), '', 'none in memory that may be dumped';
        is join(' ', sort @$kept), join(' ', sort @secrets),
           'each in memory that may not';
    }

    my @environ = split /\0/, AwsSigV4::slurp("/proc/$worker/environ");

    is join(' ', grep { /of-the-environment/ } @environ), '',
       'none in the environment of a worker';

    for my $secret (@secrets) {
        is index(log_of($nginx), $secret), -1, 'none in the debug log';
    }

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


done_testing();


sub start {
    my ($http, @files) = @_;

    return AwsSigV4::start_nginx(
        verifier    => $verifier,
        http_config => $http,
        config      => $location,
        files       => \@files,
        env         => { HOME => '$TEST_DIR' },
    );
}


sub csv {
    my ($id, $secret) = @_;

    return "Access key ID,Secret access key\r\n$id,$secret\r\n";
}


# the status of a request, and the key it was signed with

sub used {
    my ($nginx) = @_;

    my $response = request($nginx->port, target => '/');

    return "$response->{status} "
           . (AwsSigV4::Client::header($response, 'X-Key') // '');
}


sub log_of {
    my ($nginx) = @_;

    return $nginx->log_text('error.log');
}


# another file in its place; nginx does not see it before it is whole

sub put {
    my ($nginx, $name, $content, $mode) = @_;

    my $file = $nginx->dir . "/$name";

    $nginx->mark;

    AwsSigV4::spew("$file.new", $content, $mode // 0644);
    rename "$file.new", $file or die "rename $file: $!";
}


sub overwrite {
    my ($nginx, $name, $content) = @_;

    open my $fh, '+<', $nginx->dir . "/$name" or die "open $name: $!";
    print {$fh} $content;
    close $fh or die "close $name: $!";
}


sub comes {
    my ($nginx, $expected, $name) = @_;

    my $got;

    wait_for(sub { ($got = used($nginx)) eq $expected });

    is $got, $expected, $name;
}


# the log says, once, why what was there stays in use

sub keeps {
    my ($nginx, $expected, $why, $name) = @_;

    my $line = qr/provider "\w+" goes on with the credentials it has: .*\Q$why/;
    my $said = wait_for(sub { used($nginx); log_of($nginx) =~ $line });

    ok $said, "$name: the log says why" or diag log_of($nginx);

    is used($nginx), $expected, $name for 1 .. 3;

    my @lines = log_of($nginx) =~ /$line/g;

    is scalar @lines, 1, "$name: the log says so once";
}
