# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4;

=encoding utf8

=head1 NAME

AwsSigV4 - tests of the module, written as blocks

=head1 SYNOPSIS

    use AwsSigV4;

    default_section(http_config => <<'EOC');
        aws_sigv4_provider default static
            access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
    EOC

    repeat_each(2);
    run_tests();

    __DATA__

    === a client's own Authorization header is replaced
    --- config
        location / {
            aws_sigv4          on;
            aws_sigv4_service  execute-api;
            aws_sigv4_region   us-east-1;
            proxy_pass         http://127.0.0.1:$VERIFIER_PORT;
        }
    --- request
    GET /x?b=2&a=1
    --- more_headers
    Authorization: Bearer mine
    --- upstream_verdict: ok
    --- upstream_header
    Authorization ~ ^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/
    --- access: $aws_sigv4_status=signed

Every block is one subtest.  A block that ends well has status 200, an error
log without C<error>, C<crit>, C<alert> or C<emerg>, no secret in its logs
and responses, an nginx that did not crash, leak a connection or upset a
sanitizer.  nginx is kept from one block to the next while both have the same
configuration.

=head1 PLACEHOLDERS

Replaced in every section: C<$TEST_PORT> (of the default server),
C<$TEST_PORT_NAME> (one more free port for each name), C<$TEST_DIR> (nginx's
prefix), C<$TEST_ROOT> (of the repository), C<$TEST_LUA> (its Lua modules, for
C<lua_package_path "$TEST_LUA/?.lua;;">), C<$VERIFIER_PORT>,
C<$VERIFIER_TLS_PORT>, C<$VERIFIER_SOCKET>, C<$CLOSED_PORT> (refuses
connections), C<$TEST_CERT>, C<$TEST_CERT_KEY> (self-signed, for localhost,
127.0.0.1 and *.amazonaws.com; also the CA file), and the keys that the
verifier knows: C<$TEST_AKID> C<$TEST_SECRET>, C<$TEST_OTHER_AKID>
C<$TEST_OTHER_SECRET>, C<$TEST_TEMP_AKID> C<$TEST_TEMP_SECRET>
C<$TEST_TEMP_TOKEN>.

=head1 SECTIONS OF CONFIGURATION

=over

=item config, http_config, main_config

Text of the default server, of C<http> before it, and of the main level.
They become server.conf, http.conf and main.conf, so that C<must_die> can
name a line of them: C<server.conf:3>.

=item env

Lines C<NAME=value>: nginx's environment, without any C<AWS_*> of the caller.

=item files

C<< >>> path [mode] >> and then the content, any number of times; written
below C<$TEST_DIR>.

=item load_modules, load_modules_after

Names or paths of modules to load before, or after, the one under test:
C<ndk_http_module ngx_http_lua_module> for Lua.

=item no_module

Do not load the module under test.

=item log_level: debug

Level of the error log; C<info>.

=item verifier

Options of F<t/lib/sigv4-verifier>, for instance
C<--expect api.example.com=execute-api:eu-west-1>.

=item upstream_script eval

A list of actions, see F<t/lib/sigv4_verifier/script.py>.

=item reload, reload_config, reload_files

Reload nginx before the requests, with another C<config> or other C<files>
where given.

=item skip_if_not

Perl: the block is skipped where it is false; with C<CI=true> it fails.

=back

=head1 SECTIONS OF REQUESTS

=over

=item request

C<METHOD target [HTTP/1.x]>, by default C<GET /> when the block asserts
anything of a response.

=item more_headers, body

Added to the request.  C<Transfer-Encoding: chunked> frames the body;
C<Expect: 100-continue> waits for the 100.  The last line end of a body that
is not C<eval> is not part of it.

=item raw_request eval

The bytes to send, as they are.

=item requests eval

A list: several requests on one connection.  Each is a string C<GET /x> or a
hash of C<method target version headers body raw fresh split hold>;
C<< fresh => 1 >> begins another connection, which nginx makes necessary by a
500.  C<split> is a list of sizes of pieces, of which nginx has read one
before it gets the next; C<hold> is a size and a file, and what follows so
many bytes of the body is sent when the file exists.  Sections that assert
something of a response take a list then (C<eval>), or one value for all.

=item http2

Send the request with curl over HTTP/2.

=back

=head1 SECTIONS THAT ASSERT

=over

=item status, response_body, response_body_like, response_headers

Status codes, separated by blanks for several requests.  A body may differ by
the line end of the section's text.  Headers: see CHECKS.

=item continued

C<yes> or C<no>: whether a "100 Continue" came before the response.

=item upstream_verdict

C<ok>, or C<refused: reason>: what the verifier said of each request.

=item upstream_count

How many requests reached the verifier.

=item upstream_request, upstream_body

The request line, without the version if the section has none; the body.

=item upstream_header, upstream_record

CHECKS of the headers that the verifier received; of the members of its log
record: C<service region access_key_id signed_headers payload_hash …>.

=item upstream_head_like, upstream_head_unlike

Regular expressions, one a line, for the raw request head.

=item access

CHECKS of nginx's access log: C<$variable=value>.

=item error_log, no_error_log

Lines that must, or must not, be in the error log; regular expressions with
C<eval> and C<qr//>.  A line of error level that C<error_log> matches is no
failure.

=item must_die

nginx -t fails, and its output has these lines.

=item warns, no_warns

nginx -t succeeds, and its output has, or has not, these lines.

=item secrets

Further strings that no log and no response may contain.

=back

=head1 CHECKS

One a line: C<name: value> or C<name=value>, C<name ~ regex>, C<! name> for
what must be absent.  One text holds for every request; a list (C<eval>) has
one text for each.

=head1 FUNCTIONS

For tests that are not made of blocks: C<start_nginx(%config)>,
C<start_verifier(%options)>, C<request($port, %request)>,
C<http_client(%where)>, C<make_cert()>, C<wait_for { … }>, C<slurp>, C<spew>,
C<temp_dir>, C<free_port>, C<closed_port>, C<spawn>, C<run>, C<stop>,
C<needs($program)>.  What they start ends with the test.  For blocks:
C<default_section>, C<repeat_each>, C<run_tests>.

=head1 ENVIRONMENT

C<TEST_NGINX_BINARY>, C<TEST_NGINX_MODULE>, C<TEST_NGINX_MODULES_DIR>,
C<TEST_NGINX_STATIC=1> (the module is part of the binary),
C<TEST_NGINX_KEEP=1> (keep the temporary directories),
C<TEST_NGINX_TIMEOUT> (seconds), C<TEST_PYTHON>.

=cut

use strict;
use warnings;

use Exporter   qw(import);
use Test::More ();

use AwsSigV4::Block;
use AwsSigV4::Client;
use AwsSigV4::Nginx;
use AwsSigV4::Process qw(
    temp_dir free_port closed_port spawn run stop is_running wait_for slurp
    spew
);
use AwsSigV4::Verifier;

our @EXPORT = qw(
    default_section repeat_each run_tests
    start_nginx start_verifier request http_client make_cert needs
    temp_dir free_port closed_port spawn run stop is_running wait_for slurp
    spew
);

my %default;
my $repeat = 1;

sub default_section {
    my ($name, $text) = @_;

    $default{$name} = $text;

    return;
}

sub repeat_each {
    ($repeat) = @_;

    return;
}

sub run_tests {
    require Test::Base;

    my @blocks = @{ Test::Base->new->block_list };

    $_->run_filters for @blocks;
    @blocks = map { AwsSigV4::Block->new($_, \%default) } @blocks;

    Test::More::plan(tests => $repeat * @blocks);

    for my $index (0 .. $#blocks) {
        my $block = $blocks[$index];
        my $next  = $index < $#blocks ? $blocks[$index + 1] : undef;

        for my $round (1 .. $repeat) {
            my $last = $round == $repeat;
            Test::More::subtest($block->name, sub {
                $block->run($last ? $next : $block);
            });
        }
    }

    return;
}

# Sections of configuration as named arguments: config, http_config, files
# (a list of [name, mode, content]) …
sub start_nginx {
    my (%arg) = @_;

    my %values = (
        AwsSigV4::Block::fixed_values(),
        CLOSED_PORT => closed_port(),
        %{ delete $arg{values} || {} },
    );

    if (my $verifier = delete $arg{verifier}) {
        %values = (%values, AwsSigV4::Block::verifier_values($verifier));
    }

    my %name = (main_config => 'main', http_config => 'http',
                config => 'server');
    my $nginx = AwsSigV4::Nginx->new(
        values => \%values,
        map { ($name{$_} // $_) => $arg{$_} } keys %arg,
    );

    return $nginx->start;
}

sub start_verifier { return AwsSigV4::Verifier->new(@_) }
sub http_client    { return AwsSigV4::Client->new(@_) }
sub make_cert      { return AwsSigV4::Block::make_cert() }

# request($port, target => '/x', method => …, headers => …, body => …)
sub request {
    my ($port, %spec) = @_;

    my $client = AwsSigV4::Client->new(port => $port);

    return $client->request({ last => 1, %spec });
}

# Skip all of a test that lacks something, unless CI insists on it.
sub needs {
    my ($program) = @_;

    for my $dir (split /:/, $ENV{PATH} . ':/usr/sbin:/sbin') {
        return "$dir/$program" if -x "$dir/$program";
    }

    Test::More::BAIL_OUT("$program is missing")
        if ($ENV{CI} // '') eq 'true';
    Test::More::plan(skip_all => "$program is missing");

    return;
}

1;
