# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Raw;

# An upstream that sends what a test says, byte by byte, and an nginx before
# it in which the answers pass the filters of the LLM front.

use strict;
use warnings;

use Compress::Zlib ();
use Cwd            ();
use File::Basename ();
use JSON::PP       ();
use MIME::Base64   ();

use AwsSigV4;
use AwsSigV4::Verifier;

my $lib  = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/..');
my $json = JSON::PP->new->ascii;

our @VARIABLES = map { "llm_$_" } qw( caller prompt_tokens completion_tokens
                                      cached_tokens first_token error );

# Locations are /KIND/NAME, where NAME is a script; see below.
my $SERVER = <<'EOC';
set $llm_caller "-";
set $llm_prompt_tokens "-";
set $llm_completion_tokens "-";
set $llm_cached_tokens "-";
set $llm_first_token "-";
set $llm_error "-";

proxy_http_version 1.1;
proxy_buffering $buffering;
proxy_set_header Connection "";
proxy_read_timeout $read_timeout;

location ~ ^/(?<kind>[\w-]+)/(?<name>\w+)$ {
    access_by_lua_block {
        ngx.ctx.state = require("kinds")[ngx.var.kind]()

        if $hold then
            require("resty.aws_sigv4.llm.hold").ask(ngx.ctx.state)
        end
    }
    proxy_pass http://127.0.0.1:$raw_port/$name;
}

location ^~ /own/ {
    content_by_lua_block {
        ngx.ctx.state = { dialect = ngx.var.arg_dialect }
        ngx.exit(tonumber(ngx.var.uri:match("%d+$")))
    }
}

location ^~ /closed/ {
    access_by_lua_block { ngx.ctx.state = require("kinds").openai() }
    proxy_pass http://127.0.0.1:$CLOSED_PORT;
}

location ^~ /signed/ {
    access_by_lua_block {
        ngx.ctx.state = {
            dialect = "anthropic", operation = "messages",
            target = { signed = true },
        }
    }

    aws_sigv4 on;
    aws_sigv4_region us-east-1;
    aws_sigv4_service bedrock;

    location ^~ /signed/credentials {
        aws_sigv4_credentials none;
        proxy_pass http://127.0.0.1:$raw_port;
    }

    location ^~ /signed/host {
        aws_sigv4_host $arg_host;
        aws_sigv4_allow_hosts b.example.com;
        proxy_pass http://127.0.0.1:$raw_port;
    }
}

lua_transform_underscores_in_response_headers off;

header_filter_by_lua_block {
    if ngx.ctx.state then
        require("resty.aws_sigv4.llm.answer").header(ngx.ctx.state)
    end
}
body_filter_by_lua_block {
    if ngx.ctx.state then
        return require("resty.aws_sigv4.llm.answer").body(ngx.ctx.state)
    end
}
log_by_lua_block {
    if ngx.ctx.state then
        require("resty.aws_sigv4.llm.answer").log(ngx.ctx.state)
    end
}
EOC

# states as the front makes them; what is charged becomes the caller's name
my $KINDS = <<'EOL';
require("resty.aws_sigv4.llm.callers").charge = function (_, tokens)
    ngx.var.llm_caller = tokens
end

local function kind(dialect, operation, target)
    return function ()
        return { dialect = dialect, operation = operation, target = target }
    end
end

return {
    ["openai"] = kind("openai", "chat", {}),
    ["unasked"] = function ()
        return { dialect = "openai", operation = "chat", target = {},
                 stream = true, metered = true, unasked = true }
    end,
    ["metered"] = function ()
        return { dialect = "openai", operation = "chat", target = {},
                 metered = true }
    end,
    ["anthropic"] = kind("anthropic", "messages", {}),
    ["invoke"] = kind("anthropic", "messages", { invoke = true }),
    ["bedrock"] = kind("bedrock", "converse", {}),
    ["converse-stream"] = kind("bedrock", "converse-stream", {}),
    ["native-invoke"] = kind("bedrock", "invoke", {}),
    ["native-stream"] = kind("bedrock", "invoke-with-response-stream", {}),
}
EOL

sub new {
    my ($class, %arg) = @_;

    my $dir  = temp_dir();
    my $self = bless { dir => $dir, count => 0 }, $class;

    $self->{pid} = spawn(
        command => [ $AwsSigV4::Verifier::PYTHON, "$lib/raw-server", $dir ],
        output  => "$dir/output",
    );

    wait_for(sub { -s "$dir/port" || !is_running($self->{pid}) });
    die "raw-server did not start:\n" . slurp("$dir/output")
        unless -s "$dir/port";

    my $port    = slurp("$dir/port");
    my $timeout = $arg{read_timeout} // '60s';
    my $hold    = $arg{hold} ? 'true' : 'false';
    my $buffers = $arg{buffering} // 'off';

    $self->{nginx} = start_nginx(
        modules_before => [ qw(ndk_http_module ngx_http_lua_module) ],
        variables      => \@VARIABLES,
        files          => [ [ 'lua/kinds.lua', 0644, $KINDS ] ],
        http => "lua_package_path '\$TEST_LUA/?.lua;\$TEST_DIR/lua/?.lua;;';"
            . 'aws_sigv4_provider default static access_key_id=$TEST_AKID'
            . ' secret_access_key=$TEST_SECRET;'
            . 'aws_sigv4_provider none env;',
        server => $SERVER =~ s/\$raw_port/$port/gr
                          =~ s/\$read_timeout/$timeout/gr
                          =~ s/\$hold\b/$hold/gr
                          =~ s/\$buffering/$buffers/gr,
    );

    return $self;
}

sub nginx { return $_[0]{nginx} }
sub file  { return "$_[0]{dir}/$_[1]" }

# script(actions): the name of a script; strings are bytes to send
sub script {
    my ($self, @actions) = @_;

    my $name = 's' . ++$self->{count};

    spew($self->file($name), $json->encode(
        [ map { ref $_ ? $_ : unpack 'H*', $_ } @actions ]));

    return $name;
}

# The head of an answer whose body follows in chunks.
sub head {
    my ($type, @more) = @_;

    return join "\r\n", 'HTTP/1.1 200 OK', "Content-Type: $type",
        'Transfer-Encoding: chunked', @more, '', '';
}

sub chunk { return sprintf "%x\r\n%s\r\n", length $_[0], $_[0] }
sub last_chunk { return "0\r\n\r\n" }

# A frame of an event stream; headers are a list of names and strings.
sub frame {
    my ($headers, $payload) = @_;

    my $section = '';

    for (my $i = 0; $i < @$headers; $i += 2) {
        $section .= pack 'C/a* C n/a*', $headers->[$i], 7, $headers->[$i + 1];
    }

    my $head = pack 'NN', 16 + length($section) + length($payload),
                    length $section;
    my $data = $head . pack('N', Compress::Zlib::crc32($head)) . $section
               . $payload;

    return $data . pack 'N', Compress::Zlib::crc32($data);
}

# A frame of InvokeModel, with an event of the model in it.
sub invoked {
    my ($document) = @_;

    return frame([ ':event-type' => 'chunk', ':message-type' => 'event' ],
        '{"bytes":"' . MIME::Base64::encode_base64($document, '')
        . '","p":"abc"}');
}

# An exception, or an error of the service.
sub exception {
    my ($type, $payload) = @_;

    return frame([ ':exception-type' => $type,
                   ':message-type'   => 'exception' ], $payload);
}

# An answer of a status, with a body.
sub plain {
    my ($status, $type, $body, @more) = @_;

    return join "\r\n", "HTTP/1.1 $status Text",
        (defined $type ? "Content-Type: $type" : ()),
        'Content-Length: ' . length $body, @more, '', $body;
}

# get(KIND, actions): the response, and what was logged
sub get {
    my ($self, $kind, @actions) = @_;

    return $self->fetch("/$kind/" . $self->script(@actions));
}

sub fetch {
    my ($self, $target, %more) = @_;

    my $nginx = $self->{nginx};
    my @log;

    $nginx->mark;
    my $response = request($nginx->port, target => $target, %more);
    wait_for(sub { @log = $self->log_of($target) });

    return ($response, $log[0]);
}

# What has been logged of a target since the mark; requests that a test did
# not wait for may be logged late.
sub log_of {
    my ($self, $target) = @_;

    return grep { $_->{request} =~ / \Q$target\E / } $self->{nginx}->access;
}

1;
