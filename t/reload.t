# SPDX-License-Identifier: BSD-2-Clause

# Reloads: under load no request fails, and a configuration that is broken
# leaves the old one at work.

use strict;
use warnings;

use lib 't/lib';

use POSIX ();
use Test::More;

use AwsSigV4;

my $http = <<'EOC';
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider other static
    access_key_id=$TEST_OTHER_AKID secret_access_key=$TEST_OTHER_SECRET;
aws_sigv4_region us-east-1;
aws_sigv4_service aps;
client_body_buffer_size 16k;
EOC

my $config = <<'EOC';
location / {
    aws_sigv4 on;
    aws_sigv4_credentials default;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

(my $other_config = $config) =~ s/credentials default/credentials other/;

subtest 'reloads under load',              \&under_load;
subtest 'reloads of broken configurations', \&broken;
done_testing();

sub under_load {
    my $verifier = start_verifier();
    my $nginx    = start_nginx(
        verifier    => $verifier,
        main_config => "worker_processes 2;\n",
        http_config => $http,
        config      => $config,
    );

    my $dir     = temp_dir();
    my @clients = map { client($nginx->port, "$dir/stop", "$dir/client$_") }
        1 .. 3;

    for my $count (1 .. 6) {
        my $sent = sub { scalar grep { !/^$/ } map { slurp("$dir/client$_") }
                         1 .. 3 };
        wait_for(sub { $sent->() == 3 });

        ok($nginx->reload(server => $count % 2 ? $other_config : $config),
           "reload $count");
    }

    spew("$dir/stop", '');
    waitpid $_, 0 for @clients;

    my @lines = map { split /\n/, slurp("$dir/client$_") } 1 .. 3;
    my @bad   = grep { $_ ne '200 ok' } @lines;

    note scalar(@lines), ' requests';
    cmp_ok(scalar @lines, '>', 50, 'there was load');
    is("@bad[0 .. ($#bad > 4 ? 4 : $#bad)]", '', 'no request failed');

    my @records = $verifier->wait_records(scalar @lines);
    my %keys    = map { $_->{access_key_id} => 1 } @records;

    is(scalar(grep { $_->{verdict} ne 'ok' } @records), 0,
       'the verifier refused none');
    is(join(' ', sort keys %keys), 'AKIDEXAMPLE AKIDOTHER',
       'both configurations signed');
    ended_well($nginx);
}

# A process that sends requests until the file $stop exists, and writes a
# line for each.
sub client {
    my ($port, $stop, $output) = @_;

    my $pid = fork;
    die "fork: $!" unless defined $pid;
    return $pid if $pid;

    open my $out, '>', $output or POSIX::_exit(1);
    $out->autoflush(1);
    my $count = 0;

    until (-e $stop) {
        my %request = (target => '/a?b=' . ++$count);
        @request{qw(method body)} = ('POST', 'body' x 10_000)
            if $count % 3 == 0;

        my $response = eval { request($port, %request) };
        my $verdict  = $response && AwsSigV4::Client::header(
            $response, 'X-Verifier-Verdict');

        print {$out} $response ? $response->{status} : "error $@", ' ',
            $verdict // '', "\n";
    }

    close $out;
    POSIX::_exit(0);
}

sub broken {
    my $verifier = start_verifier();
    my $nginx    = start_nginx(
        verifier    => $verifier,
        http_config => $http,
        config      => $config,
    );

    signed($nginx, $verifier, 'AKIDEXAMPLE', 'at the start');

    my %broken = (
        'an unknown directive'    => $other_config . "no_such_directive on;\n",
        'a block that never ends' => $other_config . "location /a {\n",
        'no service' => $other_config
            =~ s/(aws_sigv4 on;)/$1 aws_sigv4_service "";/r,
        'a bad proxy_pass' => "location \/ { aws_sigv4 on;\n"
            . "proxy_pass ftp://127.0.0.1; }\n",
        'a second proxy_pass' => $other_config
            =~ s/(proxy_pass[^;]*;)/$1 $1/r,
        'no provider' => $other_config =~ s/other/nobody/r,
        'an http block that fails' => { http => "$http no_such_directive;\n" },
    );

    for my $name (sort keys %broken) {
        my $change = $broken{$name};
        my %change = (http => $http,
                      ref $change ? (server => $other_config, %$change)
                                  : (server => $change));

        ok(!$nginx->reload(%change), "$name is refused");
        signed($nginx, $verifier, 'AKIDEXAMPLE', "after $name");
    }

    unload($nginx) unless $AwsSigV4::Nginx::STATIC;

    ok($nginx->reload(http => $http, server => $other_config),
       'a good configuration');
    signed($nginx, $verifier, 'AKIDOTHER', 'after it');

    ok($nginx->reload(server => $config =~ s/sigv4 on/sigv4 off/r),
       'a configuration that signs nothing');
    is(request($nginx->port, target => '/')->{status}, 403, 'unsigned');

    ok($nginx->reload(http => '', server =>
           "location / { proxy_pass http://127.0.0.1:\$VERIFIER_PORT; }\n"),
       'a configuration without the module');
    is(request($nginx->port, target => '/')->{status}, 403, 'unsigned');

    ok($nginx->reload(http => $http, server => $config), 'the first again');
    signed($nginx, $verifier, 'AKIDEXAMPLE', 'at the end');
    ended_well($nginx);
}

# The commands of the proxy module are its own again after a failure: the
# module may be gone when they are used next.
sub unload {
    my ($nginx) = @_;

    my %plain = (http => '', server => "location / {\n"
                 . "proxy_pass http://127.0.0.1:\$VERIFIER_PORT;\n}\n");

    ok($nginx->reload(%plain, no_module => 1), 'the module is unloaded');
    is(request($nginx->port, target => '/')->{status}, 403, 'unsigned');

    $nginx->{no_module} = 0;
}

sub signed {
    my ($nginx, $verifier, $key, $when) = @_;

    $verifier->mark;

    is(request($nginx->port, method => 'POST', target => '/a', body => 'b')
       ->{status}, 200, "accepted $when");
    is(($verifier->wait_records(1))[0]{access_key_id}, $key, "signed $when");
}

sub ended_well {
    my ($nginx) = @_;

    my $log = $nginx->log_text('error.log');
    unlike($log, qr/\[(?:error|crit|alert)\]/, 'no error in the log');
    is(join("\n", $nginx->stop_it), '', 'nginx ended well');
}
