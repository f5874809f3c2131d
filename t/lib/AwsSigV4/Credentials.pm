# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Credentials;

# Runs t/lib/credentials-server, tells it what to give, and reads its log;
# and an nginx that signs with what it gives.

use strict;
use warnings;

use Cwd            ();
use File::Basename ();
use JSON::PP       ();

use AwsSigV4;
use AwsSigV4::Process qw(temp_dir spawn stop is_running wait_for slurp spew);
use AwsSigV4::Verifier;

my $lib = Cwd::abs_path(File::Basename::dirname(__FILE__)) . '/..';

my $json = JSON::PP->new->ascii->canonical;

# new(%state): see the server; the keys are those that the verifier knows
sub new {
    my ($class, %state) = @_;

    my $dir  = temp_dir();
    my $self = bless { dir => $dir, offset => 0, state => {} }, $class;

    $self->set($self->defaults(\%AwsSigV4::Verifier::KEYS), %state);

    $self->{pid} = spawn(
        command => [ $AwsSigV4::Verifier::PYTHON, "$lib/" . $self->script,
                     $dir, $self->arguments ],
        output  => "$dir/output",
    );

    wait_for(sub { -s "$dir/port" || !is_running($self->{pid}) });
    die "the credentials server did not start:\n" . slurp("$dir/output")
        unless -s "$dir/port";

    ($self->{port}) = slurp("$dir/port") =~ /(\d+)/;

    return $self;
}

sub script    { return 'credentials-server' }
sub arguments { return }

sub defaults {
    my ($self, $keys) = @_;

    return (keys => {
        AccessKeyId     => $keys->{TEMP_AKID},
        SecretAccessKey => $keys->{TEMP_SECRET},
        Token           => $keys->{TEMP_TOKEN},
    });
}

sub port { return $_[0]{port} }
sub url  { return "http://127.0.0.1:$_[0]{port}" }

# Another state from now on; undef removes.
sub set {
    my ($self, %change) = @_;

    for my $name (keys %change) {
        if (defined $change{$name}) {
            $self->{state}{$name} = $change{$name};
        } else {
            delete $self->{state}{$name};
        }
    }

    my $file = "$self->{dir}/state";

    spew("$file.new", $json->encode($self->{state}));
    rename "$file.new", $file or die "rename $file: $!";

    return;
}

# From here on requests() gives what arrives later.
sub mark {
    my ($self) = @_;

    $self->{offset} = -s "$self->{dir}/log" || 0;

    return;
}

# What arrived since the mark, of paths that match: method, path, headers.
sub requests {
    my ($self, $path) = @_;

    return grep { !defined $path || $_->{path} =~ $path }
        map { $json->decode($_) }
        slurp("$self->{dir}/log", $self->{offset}) =~ /^(.+)\n/mg;
}

# An nginx whose provider "p" asks the server: gateway(type => 'imds', …).
# `provider` replaces the directive, `workers` is their number, `location`
# is added to the location; the rest goes to start_nginx.  Without a
# verifier, an upstream answers 200 to whatever comes.
sub gateway {
    my ($self, %arg) = @_;

    return start_nginx($self->gateway_config(%arg));
}

sub gateway_config {
    my ($self, %arg) = @_;

    my $type     = delete $arg{type}     // 'imds';
    my $path     = $type eq 'container' ? '/v1/credentials' : '';
    my $provider = delete $arg{provider}
        // "aws_sigv4_provider p $type endpoint=" . $self->url . "$path;";
    my $workers  = delete $arg{workers}  // 1;
    my $location = delete $arg{location}
        // 'aws_sigv4_credentials_timeout 30s;';
    my $upstream = delete $arg{upstream} // 'return 200 ok;';
    my $port     = $arg{verifier} ? '$VERIFIER_PORT' : '$TEST_PORT_UPSTREAM';

    return (
        main_config => "worker_processes $workers;\n"
            . (delete $arg{main_config} // ''),
        http_config => "$provider\nserver { "
            . "listen 127.0.0.1:\$TEST_PORT_UPSTREAM; access_log off; "
            . "$upstream }\n"
            . (delete $arg{http_config} // ''),
        config => "location / {
            aws_sigv4              on;
            aws_sigv4_service      execute-api;
            aws_sigv4_region       us-east-1;
            aws_sigv4_credentials  p;
            proxy_pass             http://127.0.0.1:$port;
            add_header             X-Key \$aws_sigv4_access_key_id always;
            add_header             X-Status \$aws_sigv4_status always;
            $location
        }\n" . (delete $arg{config} // ''),
        env => {
            AWS_EC2_METADATA_DISABLED => 'false',
            # nothing but the mock may ever be asked
            AWS_EC2_METADATA_SERVICE_ENDPOINT => $self->url,
            # on a busy machine a second is not much
            AWS_METADATA_SERVICE_TIMEOUT => 5,
            %{ delete $arg{env} || {} },
        },
        %arg,
    );
}

# What a request gets: status and key id, as "200 ASIAEXAMPLE".
sub used {
    my ($nginx, %request) = @_;

    my $response = request($nginx->port, target => '/', %request);

    return join ' ', $response->{status},
        AwsSigV4::Client::header($response, 'X-Key') // ();
}

1;
