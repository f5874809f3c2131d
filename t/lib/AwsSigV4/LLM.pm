# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::LLM;

=encoding utf8

=head1 NAME

AwsSigV4::LLM - Bedrock, LM Studio and their like behind a gateway

=head1 SYNOPSIS

    use AwsSigV4;
    use AwsSigV4::LLM;

    my $llm   = AwsSigV4::LLM->new;
    my $nginx = $llm->gateway(table => <<'EOL');
    return { models = {
        a = { { route = "runtime-openai", model = "openai.a",
                region = "us-east-1", url = "$TEST_LLM_US" } },
    } }
    EOL

    $llm->rules({ model => 'openai.a', error => 'throttling', times => 1 });
    my $response = $llm->post($nginx, '/v1/chat/completions',
                              { model => 'a', messages => [] });
    my ($request) = $llm->wait_requests(1);

=head1 DESCRIPTION

Runs F<t/lib/llm-server>: servers on 127.0.0.1 that answer as each dialect
does, verify what reaches them, and write down all of it.  How they may be
made to fail stands in F<t/lib/llm_server/behaviour.py>.

=head1 CONSTRUCTOR

=over

=item new(%arg)

C<listeners>, a hash of names and kinds, adds to C<%LISTENERS>, and undef
removes; C<api_keys>, of names and keys; C<args>, further options of the
server; C<forbid>, a list of credentials that may not arrive in any header.

=back

The listeners that are always there:

    name         kind        port of
    us           runtime     bedrock-runtime, any region
    eu           runtime     the same, another port
    us-tls       runtime     with TLS
    mantle       mantle      bedrock-mantle, any region
    studio       gateway     LM Studio: both dialects, no key
    keyed        gateway     with the key $API_KEYS{keyed}
    openai       openai      Authorization: Bearer $API_KEYS{openai}
    anthropic    anthropic   x-api-key: $API_KEYS{anthropic}

=head1 METHODS

=over

=item port($name), url($name)

Of a listener; C<http://127.0.0.1:PORT>, or C<https>.

=item values

A hash for C<start_nginx>: C<$TEST_LLM_US>, C<$TEST_LLM_US_TLS>,
C<$TEST_LLM_MANTLE> … are the URLs, C<$TEST_LLM_CLOSED> is one that refuses
connections, C<$TEST_CERT> is the CA.

=item gateway(table => $lua, %arg)

An nginx with the locations of F<examples/llm-gateway>, with this table and
with C<callers>, if given, another file in Lua.  Its keys are
C<default>, C<other> and C<temp>.  C<init> adds to the arguments of
C<llm.init>; C<http_config> and C<config> are added to the configuration, and
what remains goes to C<start_nginx>.  The files are F<models.lua> and
F<callers.lua>, the key files F<keyed.key>, F<openai.key> and
F<anthropic.key> in C<$TEST_DIR>.

=item rules(@rules)

What goes wrong from now on; no rules: nothing does.

=item gate($name, level => N), gate($name, by => N), open_gate($name)

Let the streams of a gate send so many units.

=item streams

The answers that have begun and not ended: hashes of id, listener, model,
gate, sent.

=item requests, ends

What has been logged since C<mark>: one hash a request, one for each end of
an answer (id, how, sent; how: complete, closed, cut, close, garbage).

=item wait_requests($count), wait_ends($count)

The same, once there are so many.

=item refused

"reason detail" of the requests that were refused: none, in most tests.

=item header($request, $name)

The values of a header of a request.

=item post($nginx, $target, $body, @headers)

A request with a body in JSON (a hash, or text), and its response.

=item json($response)

Its body, decoded.

=item encode($value)

JSON.

=back

=cut

use strict;
use warnings;

use Cwd            ();
use File::Basename ();
use JSON::PP       ();

use AwsSigV4;
use AwsSigV4::Block;
use AwsSigV4::Client;
use AwsSigV4::Verifier;

my $lib = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/..');

my $json = JSON::PP->new->utf8->canonical;

our %LISTENERS = (
    us        => 'runtime',
    eu        => 'runtime',
    'us-tls'  => 'tls:runtime',
    mantle    => 'mantle',
    studio    => 'gateway',
    keyed     => 'gateway',
    openai    => 'openai',
    anthropic => 'anthropic',
);

our %API_KEYS = (
    keyed     => 'sk-mock-gateway-0123456789',
    openai    => 'sk-mock-openai-0123456789',
    anthropic => 'sk-ant-mock-0123456789',
);

#  What a gateway can tell of a request in its log.
our @VARIABLES = (qw(aws_sigv4_status), map { "llm_$_" } qw(
    caller dialect alias model target region attempts stream prompt_tokens
    completion_tokens cached_tokens first_token error));

my $HTTP = <<'EOC';
lua_package_path "$TEST_LUA/?.lua;;";
lua_shared_dict llm 1m;
init_by_lua_block {
    require("resty.aws_sigv4.llm").init {
        table = "$TEST_DIR/models.lua",
        dict = "llm",
        INIT
    }
}
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider other static
    access_key_id=$TEST_OTHER_AKID secret_access_key=$TEST_OTHER_SECRET;
aws_sigv4_provider temp static
    access_key_id=$TEST_TEMP_AKID secret_access_key=$TEST_TEMP_SECRET
    session_token=$TEST_TEMP_TOKEN;
aws_sigv4_allow_hosts *.amazonaws.com *.api.aws 127.0.0.1;
proxy_ssl_trusted_certificate $TEST_CERT;
EOC

my $SERVER = <<'EOC';
include $TEST_ROOT/examples/llm-gateway/llm-variables.conf;
include $TEST_ROOT/examples/llm-gateway/llm-locations.conf;
EOC

sub new {
    my ($class, %arg) = @_;

    my $dir  = temp_dir();
    my $self = bless { dir => $dir, log => "$dir/log", offset => 0 }, $class;
    my %listeners = (%LISTENERS, %{ $arg{listeners} || {} });
    my %keys      = (%API_KEYS, %{ $arg{api_keys} || {} });
    my ($cert, $cert_key) = AwsSigV4::Block::make_cert();
    my $known = \%AwsSigV4::Verifier::KEYS;

    $self->{secure} = { map { $_ => scalar(($listeners{$_} // '') =~ /^tls:/) }
                        keys %listeners };

    my @command = (
        $AwsSigV4::Verifier::PYTHON, "$lib/llm-server", '--with-parent',
        '--log' => $self->{log}, '--port-file' => "$dir/ports",
        '--cert' => $cert, '--cert-key' => $cert_key,
        '--key' => "$known->{AKID}:$known->{SECRET}",
        '--key' => "$known->{OTHER_AKID}:$known->{OTHER_SECRET}",
        '--key' => join(':', @$known{qw(TEMP_AKID TEMP_SECRET TEMP_TOKEN)}),
        (map { ('--listen' => "$_=$listeners{$_}") }
            grep { defined $listeners{$_} } sort keys %listeners),
        (map { ('--api-key' => "$_=$keys{$_}") }
            grep { defined $keys{$_} } sort keys %keys),
        (map { ('--forbid' => $_) } @{ $arg{forbid} || [] }),
        @{ $arg{args} || [] },
    );

    $self->{pid} = spawn(command => \@command, output => "$dir/output");

    wait_for(sub { -s "$dir/ports" || !is_running($self->{pid}) });
    die "llm-server did not start:\n" . slurp("$dir/output")
        unless -s "$dir/ports";

    $self->{ports} = $json->decode(slurp("$dir/ports"));

    return $self;
}

sub port { return $_[0]{ports}{ $_[1] } // die "no listener $_[1]\n" }

sub url {
    my ($self, $name) = @_;

    return ($self->{secure}{$name} ? 'https' : 'http') . '://127.0.0.1:'
        . $self->port($name);
}

sub values {
    my ($self) = @_;

    $self->{closed} //= closed_port();

    return {
        TEST_CERT       => (AwsSigV4::Block::make_cert())[0],
        TEST_LLM_CLOSED => "http://127.0.0.1:$self->{closed}",
        map {; 'TEST_LLM_' . uc(tr/-/_/r) => $self->url($_) }
            grep { $_ ne 'control' } keys %{ $self->{ports} },
    };
}

sub gateway {
    my ($self, %arg) = @_;

    my $init  = delete $arg{init} // '';
    my @files = (
        ['models.lua', 0644, delete $arg{table} // 'return {}'],
        map { ["$_.key", 0644, "$API_KEYS{$_}\n"] } sort keys %API_KEYS);

    if (defined(my $callers = delete $arg{callers})) {
        push @files, ['callers.lua', 0644, $callers];
        $init .= 'callers = "$TEST_DIR/callers.lua",';
    }

    return start_nginx(
        modules_before => [qw(ndk_http_module ngx_http_lua_module)],
        variables      => \@VARIABLES,
        values         => { %{ $self->values },
                            %{ delete $arg{values} || {} } },
        files          => [ @files, @{ delete $arg{files} || [] } ],
        http_config    => ($HTTP =~ s/\bINIT\b/$init/r)
            . (delete $arg{http_config} // ''),
        config => $SERVER . (delete $arg{config} // ''),
        %arg,
    );
}

sub _control {
    my ($self, $method, $path, $value) = @_;

    my $client = AwsSigV4::Client->new(port => $self->port('control'));
    my $response = $client->request({
        method => $method, target => $path, last => 1,
        body   => defined $value ? $json->encode($value) : undef,
    });

    die "llm-server: $method $path: $response->{body}\n"
        unless $response->{status} == 200;

    return $json->decode($response->{body});
}

sub rules {
    my ($self, @rules) = @_;

    return $self->_control(POST => '/rules', \@rules);
}

sub gate {
    my ($self, $name, %how) = @_;

    return $self->_control(POST => '/gate',
        { name => $name, map { $_ => 0 + $how{$_} } keys %how })->{level};
}

sub open_gate { return $_[0]->gate($_[1]) }

sub streams { return @{ $_[0]->_control(GET => '/streams') } }

# From here on the readers give what is logged later.
sub mark {
    my ($self) = @_;

    $self->{offset} = -s $self->{log} || 0;

    return;
}

sub _records {
    my ($self, $type) = @_;

    my $error = slurp("$self->{dir}/output");
    die "llm-server failed:\n$error" if length $error;

    return grep { $_->{type} eq $type } map { $json->decode($_) }
        slurp($self->{log}, $self->{offset}) =~ /^(.+)\n/mg;
}

sub requests { return $_[0]->_records('request') }
sub ends     { return $_[0]->_records('end') }

sub wait_requests { return $_[0]->_wait(request => $_[1]) }
sub wait_ends     { return $_[0]->_wait(end => $_[1]) }

sub _wait {
    my ($self, $type, $count) = @_;

    my @records;
    wait_for(sub { (@records = $self->_records($type)) >= $count });

    return @records;
}

sub refused {
    my ($self) = @_;

    return map { "$_->{reason} $_->{detail}" }
        grep { $_->{verdict} ne 'ok' } $self->requests;
}

sub header {
    my ($self, $request, $name) = @_;

    return AwsSigV4::Client::header($request, $name);
}

sub post {
    my ($self, $nginx, $target, $body, @headers) = @_;

    my $log    = $nginx->dir . '/logs/access.log';
    my $length = -s $log;

    my $response = AwsSigV4::Client->new(port => $nginx->port)->request({
        method  => 'POST',
        target  => $target,
        body    => ref $body ? $json->encode($body) : $body,
        headers => [ [ 'Content-Type' => 'application/json' ], @headers ],
        last    => 1,
    });

    # nginx logs it afterwards: the line must not be taken for that of the
    # next request
    wait_for(sub { -s $log > $length }) if defined $length;

    return $response;
}

sub encode { return $json->encode($_[1]) }

sub json { return $json->decode($_[1]{body}) }

sub stop_it {
    my ($self) = @_;

    stop(delete $self->{pid}) if $self->{pid};

    return;
}

1;
