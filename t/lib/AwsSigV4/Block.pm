# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Block;

# One block of a test file: starts what it needs, sends its requests and
# hands the outcome to AwsSigV4::Check.

use strict;
use warnings;

use Test::More ();

use AwsSigV4::Check;
use AwsSigV4::Client;
use AwsSigV4::Nginx;
use AwsSigV4::Process qw(temp_dir closed_port spawn stop is_running wait_for
                         slurp spew);
use AwsSigV4::Verifier;

my %known = map { $_ => 1 } qw(
    config http_config main_config env files load_modules load_modules_after
    no_module log_level verifier upstream_script reload reload_config
    reload_files skip_if_not
    request more_headers body raw_request requests http2
    status response_body response_body_like response_headers continued
    upstream_verdict upstream_count upstream_request upstream_body
    upstream_header upstream_record upstream_head_like upstream_head_unlike
    access error_log no_error_log must_die warns no_warns secrets
    name description ONLY SKIP LAST
);

# The nginx and the verifiers that outlive a block.
my ($nginx, $nginx_key, $closed, @cert);
my %verifiers;

sub new {
    my ($class, $block, $default) = @_;

    my (%section, %evaluated);
    my $map = $block->{_section_map}[0];

    for my $name (keys %$map) {
        die "unknown section '$name' in '$block->{name}[0]'\n"
            unless $known{$name};

        my @value = @{ $block->{$name} };
        $section{$name}   = @value == 1 ? $value[0] : \@value;
        $evaluated{$name} = $map->{$name}{filters} =~ /\beval\b/;
    }

    return bless {
        name      => $block->{name}[0],
        section   => { %$default, %section },
        evaluated => \%evaluated,
    }, $class;
}

sub name { return $_[0]{name} }
sub has  { return exists $_[0]{section}{ $_[1] } }

# The value of a section, with its placeholders replaced.
sub get {
    my ($self, $name) = @_;

    my $value = $self->{section}{$name};

    if (ref $value eq 'ARRAY') {
        return [ map { ref ? $_ : $nginx->expand($_) } @$value ];
    }

    return $nginx ? $nginx->expand($value) : $value;
}

# Text whose last line end belongs to the block and not to the value.
sub text {
    my ($self, $name) = @_;

    my $value = $self->get($name);

    $value =~ s/\n\z// if defined $value && !ref $value
        && !$self->{evaluated}{$name};

    return $value;
}

sub fixed_values {
    return map { ("TEST_$_" => $AwsSigV4::Verifier::KEYS{$_}) }
        keys %AwsSigV4::Verifier::KEYS;
}

sub verifier_values {
    my ($verifier) = @_;

    return (
        VERIFIER_PORT     => $verifier->port,
        VERIFIER_TLS_PORT => $verifier->tls_port // 0,
        VERIFIER_SOCKET   => $verifier->socket,
    );
}

# A certificate that is its own CA, made once a test file.
sub make_cert {
    return @cert if @cert;

    my $dir    = temp_dir();
    my @names  = qw(DNS:localhost DNS:s3.localhost IP:127.0.0.1
                    DNS:*.amazonaws.com
                    DNS:*.us-east-1.amazonaws.com
                    DNS:*.s3.us-east-1.amazonaws.com
                    DNS:*.us-east-1.es.amazonaws.com
                    DNS:*.us-west-2.amazonaws.com
                    DNS:*.eu-central-1.amazonaws.com
                    DNS:*.us-east-1.api.aws);
    my $output = "$dir/output";
    my $pid    = spawn(output => $output, command => [
        'openssl', 'req', '-x509', '-newkey', 'ec',
        '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', 30,
        '-subj', '/CN=localhost', '-keyout', "$dir/key.pem",
        '-out', "$dir/cert.pem",
        '-addext', 'subjectAltName=' . join(',', @names),
    ]);
    wait_for(sub { !is_running($pid) });
    die "openssl: " . slurp($output) if stop($pid);

    return @cert = ("$dir/cert.pem", "$dir/key.pem");
}

# What two blocks must share to use the same nginx.
sub key {
    my ($self) = @_;

    my $section = $self->{section};

    return if grep { exists $section->{$_} }
        qw(must_die upstream_script reload reload_config reload_files);

    return join "\0", map { $_, $section->{$_} // "\1" }
        qw(config http_config main_config env files load_modules
           load_modules_after no_module log_level verifier http2),
        'access_variables', join(',', $self->variables);
}

# run($next): the block that follows, or nothing.
sub run {
    my ($self, $next) = @_;

    if ($self->has('skip_if_not')) {
        my $there = eval $self->{section}{skip_if_not};
        die $@ if $@;

        if (!$there && ($ENV{CI} // '') ne 'true') {
            Test::More::plan(skip_all => $self->{section}{skip_if_not});
        }
        Test::More::ok($there, "CI has what this block needs");
    }

    my $ok = eval { $self->_run; 1 };
    Test::More::fail("the block ran to its end: $@") unless $ok;

    my $key = $self->key;
    my $keep = $ok && $next && defined $key && defined $next->key
        && $next->key eq $key;

    unless ($keep) {
        my @problems = _stop_nginx();
        Test::More::is(join("\n", @problems), '', 'nginx ended well');
    }

    Test::More::done_testing();

    return;
}

sub _stop_nginx {
    my @problems = $nginx ? $nginx->stop_it : ();

    ($nginx, $nginx_key) = ();

    return @problems;
}

sub _run {
    my ($self) = @_;

    if ($self->has('must_die') || $self->has('warns')
        || $self->has('no_warns'))
    {
        $self->_test_config;
        return if $self->has('must_die');
        return unless $self->_asks;
    }

    my $verifier = $self->_verifier;

    $self->_nginx($verifier);
    $nginx->mark;
    $verifier->mark if $verifier;

    my @responses = $self->_asks ? $self->_send : ();

    AwsSigV4::Check::outcome($self, $nginx, $verifier, @responses);
    $verifier->stop_it if $verifier && $self->has('upstream_script');

    return;
}

# Whether the block asks for more than nginx -t.
sub _asks {
    my ($self) = @_;

    return scalar grep { $self->has($_) }
        qw(request raw_request requests status response_body
           upstream_verdict access);
}

sub _test_config {
    my ($self) = @_;

    _stop_nginx();
    $nginx = $self->_new_nginx($self->_verifier);

    my ($status, $output) = $nginx->test;

    if ($self->has('must_die')) {
        Test::More::isnt($status, 0, 'nginx -t fails');
    } else {
        Test::More::is($status, 0, 'nginx -t succeeds')
            or Test::More::diag($output);
    }

    AwsSigV4::Check::contains($output, $self->text($_), "nginx -t")
        for grep { $self->has($_) } qw(must_die warns);
    AwsSigV4::Check::contains_not($output, $self->text('no_warns'),
                                  "nginx -t") if $self->has('no_warns');

    Test::More::unlike($output, $AwsSigV4::Nginx::SANITIZER,
                       'no sanitizer report');
    $nginx = undef;

    return;
}

# The verifier for this block, if it names one: shared, unless scripted.
sub _verifier {
    my ($self) = @_;

    my $section = $self->{section};
    my $all     = join "\n", map { ref $_ ? () : $_ } values %$section;

    return unless $all =~ /\$\{?VERIFIER_/;

    my @args = split ' ', $section->{verifier} // '';
    my $tls  = $all =~ /\$\{?VERIFIER_TLS_PORT/;
    my %arg  = (args => \@args);

    @arg{qw(cert cert_key)} = make_cert() if $tls;

    if ($self->has('upstream_script')) {
        my $script = $section->{upstream_script};
        $script = [ $script ] unless ref $script eq 'ARRAY';
        return AwsSigV4::Verifier->new(%arg, script => $script);
    }

    my $key = join "\0", $tls ? 1 : 0, @args;

    return $verifiers{$key} ||= AwsSigV4::Verifier->new(%arg);
}

sub _nginx {
    my ($self, $verifier) = @_;

    my $key = $self->key;

    return if $nginx && defined $key && defined $nginx_key
        && $nginx_key eq $key && $nginx->is_up;

    _stop_nginx();
    $nginx     = $self->_new_nginx($verifier)->start;
    $nginx_key = $key;

    if (grep { $self->has($_) } qw(reload reload_config reload_files)) {
        my %change;
        $change{server} = $self->{section}{reload_config}
            if $self->has('reload_config');
        $change{files} = _files($self->{section}{reload_files})
            if $self->has('reload_files');

        Test::More::ok($nginx->reload(%change), 'nginx reloads');
    }

    return;
}

sub _new_nginx {
    my ($self, $verifier) = @_;

    my $section = $self->{section};
    my %values  = (fixed_values(),
                   CLOSED_PORT => ($closed //= closed_port()));

    %values = (%values, verifier_values($verifier)) if $verifier;

    if (grep { !ref && /\$\{?TEST_CERT/ } values %$section) {
        @values{qw(TEST_CERT TEST_CERT_KEY)} = make_cert();
    }

    my %env = map { /^\s*([^=]+)=(.*)$/ } grep { /=/ }
        split /\n/, $section->{env} // '';

    return AwsSigV4::Nginx->new(
        main           => $section->{main_config} // '',
        http           => $section->{http_config} // '',
        server         => $section->{config}      // '',
        files          => _files($section->{files}),
        env            => \%env,
        modules_before => [ split ' ', $section->{load_modules} // '' ],
        modules_after  => [ split ' ', $section->{load_modules_after} // '' ],
        no_module      => $self->has('no_module'),
        http2          => $self->has('http2'),
        log_level      => $section->{log_level} // 'info',
        variables      => [ $self->variables ],
        values         => \%values,
    );
}

# ">>> name [mode]" and content, repeated.
sub _files {
    my ($text) = @_;

    return [] unless defined $text;

    my @parts = split /^>>>[ \t]*(\S+)(?:[ \t]+(0?[0-7]{3}))?[ \t]*\n/m,
        $text;
    shift @parts;

    my @files;
    while (my ($name, $mode, $content) = splice @parts, 0, 3) {
        push @files, [ $name, defined $mode ? oct $mode : undef,
                       $content // '' ];
    }

    return \@files;
}

# The variables that `access` speaks of.
sub variables {
    my ($self) = @_;

    my $access = $self->{section}{access};
    my %seen;

    return sort grep { !$seen{$_}++ }
        map { /^\s*!?\s*\$(\w+)/mg }
        grep { defined } ref $access ? @$access : $access;
}

# The requests of the block, as hashes for AwsSigV4::Client.
sub requests {
    my ($self) = @_;

    if ($self->has('requests')) {
        my @list = map { ref ? { %$_ } : _parse_request($_) }
            @{ $self->get('requests') };
        $_->{last} = 0 for @list;
        $list[-1]{last} = 1;
        return @list;
    }

    return { raw => $self->get('raw_request') } if $self->has('raw_request');

    return {
        %{ _parse_request($self->get('request') // 'GET /') },
        headers => $self->get('more_headers'),
        body    => $self->text('body'),
        last    => 1,
    };
}

sub _parse_request {
    my ($text) = @_;

    my ($method, $target, $version) =
        $text =~ m{\A\s*(\S+)[ ](\S*?)(?:[ ]HTTP/(\d\.\d))?\s*\z}
        or die "not a request: $text\n";

    return { method => $method, target => $target,
             version => $version // '1.1' };
}

sub _send {
    my ($self) = @_;

    my @requests = $self->requests;

    return map { $self->_curl($_) } @requests if $self->has('http2');

    my $client;

    return map {
        undef $client if $_->{fresh};
        $client //= AwsSigV4::Client->new(port => $nginx->port);
        $client->request($_);
    } @requests;
}

# One request over HTTP/2 with prior knowledge.
sub _curl {
    my ($self, $spec) = @_;

    my $dir     = temp_dir();
    my @headers = AwsSigV4::Client::headers_of($spec->{headers});
    my @command = (
        qw(curl -q -s -S --http2-prior-knowledge --path-as-is -g),
        '--max-time', $AwsSigV4::Process::TIMEOUT,
        '-D', "$dir/head", '-o', "$dir/body",
        $spec->{method} eq 'HEAD' ? '-I' : ('-X', $spec->{method}),
        (map { ('-H', "$_->[0]: $_->[1]") } @headers),
        (defined $spec->{body}
            ? ('-H', 'Expect:', '--data-binary', '@'
               . spew("$dir/upload", $spec->{body})) : ()),
        'http://127.0.0.1:' . $nginx->port . $spec->{target},
    );

    my $pid = spawn(command => \@command, output => "$dir/output",
                    env => { http_proxy => undef, all_proxy => undef });
    wait_for(sub { !is_running($pid) });
    stop($pid);

    my $head = slurp("$dir/head");
    die 'curl: ' . slurp("$dir/output") . "\n" unless length $head;

    $head =~ s/\A.*?\r\n\r\n(?=HTTP)//s while $head =~ /\r\n\r\nHTTP/;
    my ($status) = $head =~ m{\AHTTP/2 (\d+)};

    return {
        status  => $status // 0,
        head    => $head,
        headers => [ AwsSigV4::Client::headers_of($head) ],
        body    => slurp("$dir/body"),
    };
}

1;
