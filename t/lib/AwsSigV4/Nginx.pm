# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Nginx;

# One nginx in a directory of its own: its configuration, its life, its
# logs, and what they must not hold when it has ended.

use strict;
use warnings;

use Cwd            ();
use File::Basename ();
use JSON::PP       ();

use AwsSigV4::Process qw(
    temp_dir free_port spawn stop is_running wait_for can_connect slurp spew
);

our $ROOT = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../..');

our $BINARY  = $ENV{TEST_NGINX_BINARY} || '/usr/sbin/nginx';
our $STATIC  = $ENV{TEST_NGINX_STATIC};
our $MODULES = $ENV{TEST_NGINX_MODULES_DIR} || '/usr/share/nginx/modules';
our $MODULE  = $ENV{TEST_NGINX_MODULE}
    || "$ROOT/build/ngx_http_aws_sigv4_module.so";

our $SANITIZER = qr/(?:Address|Leak|Memory|Thread|UndefinedBehavior)Sanitizer
                    | runtime\ error:/x;

# new(main, http, server, files, env, variables, values, …): see AwsSigV4.
# `values` maps a placeholder to its text; $TEST_PORT and its like are
# chosen here, anew when one of them turns out to be taken.
sub new {
    my ($class, %arg) = @_;

    my $self = bless {
        main      => '',
        http      => '',
        server    => '',
        variables => [],
        values    => {},
        log_level => 'info',
        %arg,
        dir     => temp_dir(),
        ports   => {},
        offsets => {},
    }, $class;

    mkdir "$self->{dir}/$_" for qw(conf logs tmp html);

    return $self;
}

sub dir       { return $_[0]{dir} }
sub port      { return $_[0]->value('TEST_PORT') }
sub error_log { return "$_[0]{dir}/logs/error.log" }

# The text of a placeholder; a port is picked at its first use.
sub value {
    my ($self, $name) = @_;

    return $self->{dir}           if $name eq 'TEST_DIR';
    return $ROOT                  if $name eq 'TEST_ROOT';
    return lua_dir()              if $name eq 'TEST_LUA';
    return $self->{values}{$name} if exists $self->{values}{$name};

    if ($name =~ /^TEST_PORT(?:_\w+)?$/) {
        return $self->{ports}{$name} //= free_port();
    }

    die "unknown placeholder \$$name\n";
}

sub expand {
    my ($self, $text) = @_;

    return $text if !defined $text || ref $text;

    $text =~ s/\$(\{)?((?:TEST|VERIFIER|CLOSED)_[A-Z0-9_]+)(?(1)\})/
               $self->value($2)/gex;

    return $text;
}

# The Lua modules where workers may read them: a checkout may lie in a
# directory of root alone.
sub lua_dir {
    our $lua;

    return $lua if $lua;

    my $dir = temp_dir();

    system('cp', '-R', "$ROOT/lua", "$dir/lua") == 0
        && system('chmod', '-R', 'a+rX', "$dir/lua") == 0
        or die "cannot copy $ROOT/lua\n";

    return $lua = "$dir/lua";
}

# Writes conf/nginx.conf and the parts it includes, so that a message of
# nginx names main.conf, http.conf or server.conf and a line of the test.
sub write_config {
    my ($self) = @_;

    my $conf = "$self->{dir}/conf";

    $self->_write_files;

    spew("$conf/$_.conf", $self->expand($self->{$_})) for qw(main http server);
    spew("$conf/nginx.conf", $self->expand($self->_nginx_conf));

    return;
}

sub _write_files {
    my ($self) = @_;

    for my $file (@{ $self->{files} || [] }) {
        my ($name, $mode, $content) = @$file;
        spew("$self->{dir}/$name", $self->expand($content), $mode);
    }

    return;
}

sub _nginx_conf {
    my ($self) = @_;

    my $main = $self->{main};
    my $http = $self->{http};

    my @main = (
        $self->_load_modules,
        'daemon off;',
        'pid nginx.pid;',
        $main =~ /^\s*worker_processes\s/m ? () : 'worker_processes 1;',
        $main =~ /^\s*error_log\s/m
            ? () : "error_log logs/error.log $self->{log_level};",
        'include main.conf;',
        $main =~ /^\s*events\s/m
            ? () : 'events { worker_connections 1024; }',
    );

    my @http = (
        $self->_log_format,
        'access_log logs/access.log sigv4_test;',
        (map { "${_}_temp_path tmp/$_;" }
            grep { $http !~ /^\s*${_}_temp_path/m }
            qw(client_body proxy fastcgi uwsgi scgi)),
        $http =~ /^\s*default_type\s/m ? () : 'default_type text/plain;',
        'include http.conf;',
    );

    my @server = (
        'listen 127.0.0.1:$TEST_PORT' . ($self->{http2} ? ' http2;' : ';'),
        'server_name localhost;',
        'root html;',
        'include server.conf;',
    );

    return join "\n", @main, 'http {', (map { "    $_" } @http),
        '    server {', (map { "        $_" } @server), '    }', '}', '';
}

sub _load_modules {
    my ($self) = @_;

    my $path = sub { $_[0] =~ m{/} ? $_[0] : "$MODULES/$_[0].so" };
    my @list = map { $path->($_) } @{ $self->{modules_before} || [] };

    unless ($STATIC || $self->{no_module}) {
        die "$MODULE is missing: run make\n" unless -e $MODULE;
        push @list, $MODULE;
    }

    push @list, map { $path->($_) } @{ $self->{modules_after} || [] };

    return map { "load_module $_;" } @list;
}

sub _log_format {
    my ($self) = @_;

    my @fields = (
        qw(request status upstream_status upstream_addr request_length
           bytes_sent body_bytes_sent request_time),
        @{ $self->{variables} },
    );
    my %seen;
    my $format = join ',', map { qq("$_":"\$$_") }
        grep { !$seen{$_}++ } @fields;

    return "log_format sigv4_test escape=json '{$format}';";
}

sub _command {
    my ($self, @options) = @_;

    return [ $BINARY, '-p', "$self->{dir}/", '-c', 'conf/nginx.conf',
             '-e', 'stderr', @options ];
}

sub _environment {
    my ($self) = @_;

    my %env = map { $_ => undef } grep { /^AWS_|_proxy$/i } keys %ENV;
    $env{AWS_EC2_METADATA_DISABLED} = 'true';

    return { %env, map { $_ => $self->expand($self->{env}{$_}) }
                   keys %{ $self->{env} || {} } };
}

# nginx -t: its exit code and its output, with paths cut to the file name.
sub test {
    my ($self) = @_;

    my $output = "$self->{dir}/logs/test.log";

    $self->write_config;
    unlink $output;

    my $pid = spawn(
        command => $self->_command('-t'),
        env     => $self->_environment,
        output  => $output,
        cwd     => $self->{dir},
    );
    wait_for(sub { !is_running($pid) });

    my $status = stop($pid, 'TERM');
    my $text   = slurp($output);
    $text =~ s{\Q$self->{dir}\E/(?:conf/)?}{}g;

    return ($status, $text);
}

# Start it and wait until it accepts; a port that somebody took meanwhile
# is replaced.
sub start {
    my ($self) = @_;

    for my $try (1 .. 10) {
        $self->write_config;
        return $self if $self->_start_once;

        my $text = $self->output;
        die "nginx did not start:\n$text" . slurp($self->error_log)
            unless $text =~ /Address already in use/;

        $self->{ports} = {};
        unlink $self->_output, $self->error_log;
    }

    die "nginx found no free port\n";
}

sub _output { return "$_[0]{dir}/logs/stderr.log" }
sub output  { return slurp($_[0]->_output) }

sub _start_once {
    my ($self) = @_;

    my $pid_file = "$self->{dir}/nginx.pid";
    unlink $pid_file;

    my $pid = $self->{pid} = spawn(
        command => $self->_command,
        env     => $self->_environment,
        output  => $self->_output,
        cwd     => $self->{dir},
    );

    my $up = wait_for(sub {
        !is_running($pid) || (-s $pid_file && can_connect($self->port));
    });

    return 1 if $up && is_running($pid);

    stop($pid);
    delete $self->{pid};

    return 0;
}

# New configuration in place of the old one; back when the old workers
# have gone, so that what follows is served by the new ones.
sub reload {
    my ($self, %change) = @_;

    my ($count) = $self->{main} =~ /^\s*worker_processes\s+(\d+)/m;
    my %old;

    wait_for(sub {
        %old = map { $_ => 1 } $self->workers;
        return keys %old >= ($count // 1);
    });

    @{$self}{ keys %change } = values %change;
    $self->write_config;

    my $log   = $self->error_log;
    my $start = -s $log || 0;
    kill 'HUP', $self->{pid};

    my $failed;
    my $done = wait_for(sub {
        return 1 if $failed = slurp($log, $start) =~ /\[emerg\]/;
        return !grep { $old{$_} } $self->_children;
    });

    return $done && !$failed;
}

# Process ids of the workers that have come up.
sub workers {
    my ($self) = @_;

    return grep { slurp("/proc/$_/cmdline") =~ /worker process/ }
        $self->_children;
}

# A number of /proc/PID/NAME by its label: VmHWM, rchar.  Root may have
# started workers of another user: only root reads of those.
sub proc {
    my ($self, $pid, $name, $label) = @_;

    my ($value) = slurp("/proc/$pid/$name") =~ /^$label:\s*(\d+)/m;

    return $value // die "no $label in /proc/$pid/$name\n";
}

# Whether the memory of nginx is that of a sanitizer.
sub sanitized {
    my $output = temp_dir() . '/version';
    my $pid    = spawn(command => [ $BINARY, '-V' ], output => $output);

    wait_for(sub { !is_running($pid) });
    stop($pid);

    return slurp($output) =~ /-fsanitize/;
}

# A worker carries its master's name until it has set its own.
sub _children {
    my ($self) = @_;

    my $parent = $self->{pid};

    return map { m{^/proc/(\d+)/} }
        grep { slurp($_) =~ /\A\d+ \(.*\) [^Z] $parent /s }
        glob '/proc/[0-9]*/stat';
}

sub is_up {
    my ($self) = @_;

    return $self->{pid} && is_running($self->{pid});
}

# Stop it gracefully.  Gives a list of what must not have happened: crashes,
# sanitizer reports, connections left open.
sub stop_it {
    my ($self) = @_;

    return () unless $self->{pid};

    my $crashed = !is_running($self->{pid});
    my $end     = -s $self->error_log || 0;
    my $status  = stop(delete $self->{pid}, 'QUIT', 'TERM');
    my @problems;

    push @problems, 'nginx ended by itself' if $crashed;
    push @problems, 'nginx ended with status ' . ($status // 'unknown')
        if $status;

    my @texts = map { _without_watcher($_) }
        slurp($self->error_log, $end), slurp($self->error_log),
        $self->output;

    push @problems, shift(@texts)
        =~ /^(.*\[(?:error|crit|alert|emerg)\].*)$/gm;

    for my $text (@texts) {
        push @problems, $text =~ /^(.*exited\ on\ signal.*
                                    | .*open\ socket\ .*left\ in.*)$/gmx;
        push @problems, $1 if $text =~ /^(.*$SANITIZER.*(?:\n.*){0,30})/m;
    }

    return @problems;
}

# ngx_lua of Debian in an nginx that was built otherwise: the connection by
# which it watches for the end of a worker that had timers is left open.
sub _without_watcher {
    my ($text) = @_;

    $text =~ s/^.*\ open\ socket\ \#-2\ left\ in\ connection\ .*\n
               (?:.*\[alert\].*:\ aborting\n)?//gmx if $STATIC;

    return $text;
}

# From here on the readers below give what is written later.
sub mark {
    my ($self) = @_;

    $self->{offsets}{$_} = -s "$self->{dir}/logs/$_" || 0
        for qw(error.log access.log);

    return;
}

sub log_text {
    my ($self, $name) = @_;

    return slurp("$self->{dir}/logs/$name", $self->{offsets}{$name});
}

# The access log since the mark: one hash a request, with the variables
# that were asked for.
sub access {
    my ($self) = @_;

    my $json = JSON::PP->new;

    return map { $json->decode($_) }
        $self->log_text('access.log') =~ /^(\{.*\})\n/mg;
}

# The one of a target, once it is there; needs the variable request_uri.
sub access_of {
    my ($self, $target) = @_;

    my $line;
    wait_for(sub {
        ($line) = grep { $_->{request_uri} eq $target } $self->access;
    }) or die "$target is not in the access log";

    return $line;
}

1;
