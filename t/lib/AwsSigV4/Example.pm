# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Example;

# Starts examples/NAME/nginx.conf as it stands, except for what belongs to a
# machine: the port, the addresses of AWS hosts, the CA, files below
# /etc/nginx, and where nginx itself writes.  examples/README.md tells users
# the same.

use strict;
use warnings;

use parent -norequire, 'AwsSigV4::Nginx';

use AwsSigV4::Block;
use AwsSigV4::Nginx;
use AwsSigV4::Process qw(slurp spew);
use AwsSigV4::Verifier;

my $KEYS = \%AwsSigV4::Verifier::KEYS;

# new($name, $verifier, %arg): the verifier must listen on TLS; ca => another
# CA file, files and env => as of AwsSigV4::Nginx.  Signs with keys of the
# environment.
sub new {
    my ($class, $name, $verifier, %arg) = @_;

    my ($cert) = AwsSigV4::Block::make_cert();

    return $class->SUPER::new(
        text      => slurp("$AwsSigV4::Nginx::ROOT/examples/$name/nginx.conf"),
        variables => ['aws_sigv4_status'],
        values    => {
            TEST_CA => $arg{ca} // $cert,
            AwsSigV4::Block::verifier_values($verifier),
        },
        files => $arg{files},
        env   => {
            AWS_ACCESS_KEY_ID     => $KEYS->{AKID},
            AWS_SECRET_ACCESS_KEY => $KEYS->{SECRET},
            %{ $arg{env} || {} },
        },
    );
}

sub write_config {
    my ($self) = @_;

    my $text = $self->{text};
    my $main = join ' ', $self->_load_modules, 'daemon off;',
        'pid nginx.pid;', 'error_log logs/error.log info;';
    my $http = join ' ', $self->_log_format,
        'access_log logs/access.log sigv4_test;',
        map { "${_}_temp_path tmp/$_;" }
            qw(client_body proxy fastcgi uwsgi scgi);

    _change(\$text, qr/^load_module .*ngx_http_aws_sigv4_module.so;$/m,
            sub { $main });
    _change(\$text, qr/^http \{$/m, sub { "http { $http" });
    _change(\$text, qr/\blisten\s+127\.0\.0\.1:\K8080(?=;)/,
            sub { '$TEST_PORT' });
    _change(\$text,
            qr/^\s+server\s+\K[\w.-]+\.(?:amazonaws\.com|api\.aws):443(?=;)/m,
            sub { '127.0.0.1:$VERIFIER_TLS_PORT' });
    _change(\$text, qr{/etc/ssl/certs/ca-certificates\.crt},
            sub { '$TEST_CA' });
    $text =~ s/\blisten\s+127\.0\.0\.1:\K9145(?=;)/\$TEST_PORT_METRICS/g;
    $text =~ s{/etc/nginx/}{\$TEST_DIR/}g;
    $text =~ s{/var/log/nginx/}{\$TEST_DIR/logs/}g;

    $self->_write_files;
    spew("$self->{dir}/conf/nginx.conf", $self->expand($text));

    return;
}

# All of them, and one at least.
sub _change {
    my ($text, $what, $with) = @_;

    $$text =~ s/$what/$with->()/ge or die "the example lacks $what\n";

    return;
}

1;
