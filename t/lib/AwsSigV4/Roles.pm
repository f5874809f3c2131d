# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Roles;

# What the tests of roles have in common: a gateway whose provider "p" asks
# a server for its keys, and what comes of it.

use strict;
use warnings;

use Exporter qw(import);
use Test::More ();

use AwsSigV4;
use AwsSigV4::Client;

our @EXPORT = qw(gateway used comes log_of ends botocore);

# The first keys may be long in coming on a machine that is busy.
my $location = <<'EOC';
location / {
    aws_sigv4                      on;
    aws_sigv4_service              execute-api;
    aws_sigv4_credentials          p;
    aws_sigv4_credentials_timeout  60s;
    proxy_pass                     http://127.0.0.1:$VERIFIER_PORT;
    add_header                     X-Key $aws_sigv4_access_key_id always;
}
EOC

my $verifier;

# gateway($http, env => {…}, files => […], main => '…', timeout => '1s',
#         log_level => 'debug')
sub gateway {
    my ($http, %arg) = @_;

    $verifier ||= start_verifier();

    my $config = $location;
    $config =~ s/60s/$arg{timeout}/ if $arg{timeout};

    return AwsSigV4::start_nginx(
        verifier    => $verifier,
        main_config => $arg{main} // '',
        http_config => $http,
        config      => $config,
        files       => $arg{files} || [],
        log_level   => $arg{log_level} // 'info',
        env         => { HOME => '$TEST_DIR', AWS_REGION => 'eu-west-1',
                         %{ $arg{env} || {} } },
    );
}

# "200 ASIA…": the status and the key that has signed.
sub used {
    my ($nginx) = @_;

    my $response = request($nginx->port, target => '/');

    return join ' ', $response->{status}, AwsSigV4::Client::header($response, "X-Key") // ""
}

sub comes {
    my ($nginx, $expected, $name) = @_;

    my $got = '';

    wait_for(sub { ($got = used($nginx)) eq $expected }, 60);

    return Test::More::is($got, $expected, $name)
        || Test::More::diag(log_of($nginx));
}

sub log_of {
    my ($nginx) = @_;

    return $nginx->log_text('error.log');
}

# What botocore finds with STS at the URL and this environment.
sub botocore {
    my ($url, %env) = @_;

    my ($code, $output) = run(
        command => [ $AwsSigV4::Verifier::PYTHON, 't/lib/botocore-roles',
                     $url ],
        env => {
            (map { $_ => undef } grep { /^AWS_|_proxy$/i } keys %ENV),
            AWS_EC2_METADATA_DISABLED => 'true',
            HOME                      => temp_dir(),
            %env,
        },
    );

    return $output;
}

# Stops it; lines of error level that match are expected.
sub ends {
    my ($nginx, $expected) = @_;

    my @problems = grep { !defined $expected || $_ !~ $expected }
        $nginx->stop_it;

    return Test::More::is(join("\n", @problems), '', 'nginx ends well');
}

1;
