# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Who may call the LLM gateway: the file of callers, their keys, models and
# limits; and files that are loaded and watched.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP    ();

use AwsSigV4;
use AwsSigV4::Client;

my $json = JSON::PP->new;
my $nginx;

files();
keys_of_targets();
mistakes();
windows();
identified();
models();
requests_a_minute();
tokens_a_minute();
all_workers();
dict_without_room();
reloaded();
open_to_all();

done_testing();


# Lua code as content of /, and what else a configuration needs

sub start {
    my (%arg) = @_;

    my $http = 'lua_package_path "$TEST_LUA/?.lua;;";
        lua_shared_dict llm 1m;' . ($arg{init} // '');
    my $set = join ' ', map { "set \$llm_$_ -;" } qw(caller error);

    return $nginx = start_nginx(
        main_config    => $arg{main} // '',
        http_config    => $http,
        config         => $arg{config} // "$set location / {
            content_by_lua_block { $arg{lua} }
        }",
        modules_before => ['ndk_http_module', 'ngx_http_lua_module'],
        files          => $arg{files},
        variables      => ['llm_caller', 'llm_error'],
    );
}

# errors of other files than those that are expected are failures
sub ended {
    my ($name, @expected) = @_;

    my @problems = $nginx->stop_it;
    my @lines = slurp($nginx->error_log)
        =~ /^.*\[(?:error|crit|alert|emerg)\].*$/mg;

    for my $want (@expected) {
        is(scalar(grep { /$want/ } @lines), 1, "$name: one line: $want")
            or diag(join "\n", @lines);
    }

    @lines = grep { my $line = $_; !grep { $line =~ /$_/ } @expected }
        @lines, @problems;
    is(join("\n", @lines), '', "$name: nothing else went wrong");

    return;
}

sub body {
    my ($target) = @_;

    return request($nginx->port, target => $target // '/')->{body};
}

# [name, content] of files, and what file.load() says of each
sub says {
    my ($lua, @files) = @_;

    start(lua   => $lua,
          files => [map { [$_->[0], 0644, $_->[1]] } @files]);

    for my $file (@files) {
        my ($name, undef, $want, $what) = @$file;
        my $got = body("/?f=$name");

        $got =~ s{\Q${\$nginx->dir}\E/}{};
        is($got, "$want\n", $what);
    }

    return;
}


sub files {
    says(q{
        local file = require "resty.aws_sigv4.llm.file"
        local value, err = file.load("$TEST_DIR/" .. ngx.var.arg_f)

        ngx.say(value and value.a or err)
        assert(("x"):rep(3) == "xxx")
    },
        ['a', 'return { a = 1 + 1 }', '2', 'a table is loaded'],
        ['b', "return {\n    a = ,\n}", "b:2: unexpected symbol near ','",
         'a syntax error'],
        ['c', 'while true do end', 'c:1: runs too long', 'an endless loop'],
        ['d', 'return { a = os.time() }',
         "d:1: attempt to index global 'os' (a nil value)", 'no library'],
        ['e', 'return { a = ("x"):rep(1e9) }',
         'e:1: attempt to index a string value', 'no methods of strings'],
        ['f', "\eLJ\2", 'f: is no text', 'no bytecode'],
        ['g', '-- nothing', 'g: returns no table', 'nothing'],
        ['h', "return { [[a\nb]] c }",
         "h:2: '}' expected (to close '{' at line 1) near 'c'",
         'more than one line'],
        ['i', '-' x (4 * 1024 * 1024 + 1), 'i: larger than 4194304 bytes',
         'a file that is too large'],
        ['j', 'local function f() return f() end return f()',
         'j:1: runs too long', 'an endless recursion'],
    );

    like(body('/?f=none'), qr{/none: No such file or directory$},
         'a file that is not there');
    ended('files');

    return;
}


sub keys_of_targets {
    my $long = 'x' x 8192;

    says(q{
        local keys = require "resty.aws_sigv4.llm.keys"

        ngx.say((select(2, keys.read("$TEST_DIR/" .. ngx.var.arg_f)))
                or keys.read("$TEST_DIR/" .. ngx.var.arg_f))
    },
        ['a', "  sk-abc\r\n\n", 'sk-abc', 'a key is trimmed'],
        ['b', " \n", 'b: no key is in it', 'an empty file'],
        ['c', "one\ntwo\n", 'c: more than one line, or control characters',
         'two lines'],
        ['d', "a\0b", 'd: more than one line, or control characters',
         'a NUL'],
        ['e', $long, $long, 'a key of 8 KB'],
        ['f', "$long\n", 'f: larger than 8192 bytes', 'a longer one'],
    );

    # 5 seconds are a matter of ngx.now(), which no test may wait for
    ended('keys');

    start(files => [['key', 0666, 'old'], ['own', 0600, 'own']],
          init => 'init_by_lua_block {
              local keys = require "resty.aws_sigv4.llm.keys"
              assert(keys.read("$TEST_DIR/own") == "own")
          }',
          lua => q{
        local own = require "resty.aws_sigv4.llm.keys"

        local now = 1000
        local real = ngx.now

        ngx.now = function () return now end
        package.loaded["resty.aws_sigv4.llm.keys"] = nil

        local keys = require "resty.aws_sigv4.llm.keys"
        local path = "$TEST_DIR/key"

        local function write(text)
            local f = io.open(path, "w")
            f:write(text)
            f:close()
        end

        local function show(after)
            now = now + after
            ngx.print(keys.read(path), " ")
        end

        show(0) write("new") show(4) show(1)
        write("") show(5) show(5)
        write("last") show(5)
        write(("x"):rep(9000)) show(5) show(5)

        now = real() + 60
        ngx.print(own.read("$TEST_DIR/own"))
        ngx.now = real
    });
    is(body(), 'old old new new new last last last own',
       'a key is read again after five seconds, and a bad one is not used');
    ended('keys that change', 'llm: key \S+key: no key is in it, the old',
          'llm: key \S+key: larger than 8192 bytes, the old');

    return;
}


sub mistakes {
    my $sha = sha256_hex('a');
    my $ok = qq{name = "a", sha256 = "$sha", models = "*"};
    my $rest = qq{sha256 = "$sha", models = "*"};
    my $digits = '64 hexadecimal digits are expected';
    my $number = 'a whole number of at least 1 is expected';
    my $letters = 'letters, digits and . _ - @ : are expected';
    my $name = 'a name is expected, with no "*" but at its end';
    my $list = 'must be "*" or a list of names';

    my @cases = (
        ["{ { $ok } }", 'ok'],
        ["{ a = { $rest } }", 'ok'],
        ["{ a = { $ok } }", 'ok'],
        ['{}', 'ok'],
        ["{ { $ok, rpm = 60, tpm = 1000000 } }", 'ok'],
        ["{ { $ok, rmp = 60 } }", '[1].rmp: unknown field'],
        ["{ { $ok, [3] = 60 } }", '[1][3]: unknown field'],
        ["{ { $rest } }", "[1].name: $letters"],
        ["{ ['a b'] = { $rest } }", "[\"a b\"].name: $letters"],
        ["{ b = { $ok } }", 'b.name: is not "b"'],
        ["{ a = true }", 'a: a table is expected'],
        ["{ [true] = 1 }", 'true: a table is expected'],
        ["{ { $ok }, { $ok } }", '[2].name: "a" stands twice'],
        ["{ { $ok }, b = { $rest } }", 'b.sha256: is that of "a" too'],
        ["{ { name = 'a', models = '*' } }", "[1].sha256: $digits"],
        ["{ { name = 'a', models = '*', sha256 = '12' } }",
         "[1].sha256: $digits"],
        ["{ { name = 'a', models = '*', sha256 = { '$sha', 3 } } }",
         "[1].sha256: $digits"],
        ["{ { name = 'a', models = '*', sha256 = '" . 'g' x 64 . "' } }",
         "[1].sha256: $digits"],
        ["{ { name = 'a', sha256 = '$sha' } }", "[1].models: $list"],
        ["{ { name = 'a', sha256 = '$sha', models = {} } }",
         "[1].models: $list"],
        ["{ { name = 'a', sha256 = '$sha', models = { 'a', x = 'b' } } }",
         "[1].models: $list"],
        ["{ { name = 'a', sha256 = '$sha', models = { 'a', 3 } } }",
         "[1].models: $name"],
        ["{ { name = 'a', sha256 = '$sha', models = { 'a*b' } } }",
         "[1].models: $name"],
        ["{ { $ok, rpm = 0 } }", "[1].rpm: $number"],
        ["{ { $ok, rpm = 1.5 } }", "[1].rpm: $number"],
        ["{ { $ok, tpm = '60' } }", "[1].tpm: $number"],
        ["{ { $ok, tpm = 0/0 } }", "[1].tpm: $number"],
    );

    my $n = 0;

    says(q{
        package.loaded["resty.aws_sigv4.llm.callers"] = nil

        local callers = require "resty.aws_sigv4.llm.callers"
        local ok, err = callers.init("$TEST_DIR/" .. ngx.var.arg_f,
                                     ngx.shared.llm)

        ngx.say(ok and "ok" or err)
    }, map {
        my ($text, $want) = @$_;
        my $file = 'f' . ++$n;
        [$file, "return $text",
         $want eq 'ok' ? $want : "$file: $want", "callers: $text"]
    } @cases);
    ended('mistakes');

    return;
}


# by hand: a minute of 6 requests, of which the last weighs by what is left
# of it within sixty seconds

sub windows {
    start(lua => q{
        local limits = require "resty.aws_sigv4.llm.limits"
        local dict = ngx.shared.llm

        local function take(at, times)
            for _ = 1, times or 1 do
                local ok, left, wait = limits.take(dict, "r", 6, 6000 + at)
                ngx.say("r ", at, " ", ok and "ok" or "no", " ", left, " ",
                        wait)
            end
        end

        local function look(at, add)
            local ok, left, wait = limits.look(dict, "t", 100, 6000 + at)
            ngx.say("t ", at, " ", ok and "ok" or "no", " ", left, " ", wait)

            if add then
                limits.add(dict, "t", add, 6000 + at)
            end
        end

        take(0, 2) take(30, 5)
        take(60) take(70, 2) take(79) take(80)
        take(200)

        look(0, 50) look(0, 100) look(0) look(60) look(90) look(110)
        look(111, 1) look(200)
    });

    is(body(), <<'EOT', 'the minute slides');
r 0 ok 5 120
r 0 ok 4 120
r 30 ok 3 90
r 30 ok 2 90
r 30 ok 1 90
r 30 ok 0 90
r 30 no 0 40
r 60 no 0 10
r 70 ok 0 110
r 70 no 0 10
r 79 no 0 1
r 80 ok 0 100
r 200 ok 5 100
t 0 ok 100 0
t 0 ok 50 120
t 0 no 0 81
t 60 no 0 21
t 90 ok 25 30
t 110 ok 75 10
t 111 ok 77 9
t 200 ok 100 0
EOT
    ended('windows');

    return;
}


# a gateway that does nothing but ask who calls

sub gateway {
    my ($callers, %arg) = @_;

    my $set = join ' ', map { "set \$llm_$_ -;" } qw(caller error);

    return start(
        init => 'init_by_lua_block {
            local callers = require "resty.aws_sigv4.llm.callers"
            ' . ($callers ? 'assert(callers.init("$TEST_DIR/callers.lua",
                                                 ngx.shared.llm))' : '') . '
        }',
        files => [['callers.lua', 0644, $callers // '']],
        config => $set . q{
            location / {
                access_by_lua_block {
                    local callers = require "resty.aws_sigv4.llm.callers"
                    local state = {}
                    local dialect = ngx.var.arg_dialect or "openai"

                    ngx.ctx.state = state

                    if ngx.var.arg_identify then
                        callers.identify(state, dialect)
                    end

                    callers.check(state, ngx.var.arg_m or "m", dialect)
                }
                content_by_lua_block {
                    local callers = require "resty.aws_sigv4.llm.callers"
                    local state = ngx.ctx.state

                    ngx.header["x-ratelimit-limit-requests"] = "upstream's"
                    callers.header(state)
                    ngx.say(state.caller, " ", ngx.var.llm_caller, " ",
                            callers.allows(state, "claude"), " ",
                            callers.enabled())
                }
                log_by_lua_block {
                    local callers = require "resty.aws_sigv4.llm.callers"

                    callers.charge(ngx.ctx.state or {},
                                   tonumber(ngx.var.arg_tokens))
                }
            }
        },
        %arg,
    );
}

sub caller_line {
    my ($key, %field) = @_;

    $field{sha256} = '"' . sha256_hex($key) . '"';
    $field{models} //= '"*"';

    return '{ ' . join(', ', map { "$_ = $field{$_}" } sort keys %field)
        . " },\n";
}

sub call {
    my ($headers, $query) = @_;

    return request($nginx->port, target => '/?' . ($query // ''),
                   headers => $headers);
}

sub error {
    my ($response) = @_;

    my $error = eval { $json->decode($response->{body})->{error} } || {};

    return join ' ', $response->{status}, $error->{type} // '',
        $error->{code} // ();
}


sub identified {
    gateway('return {' . caller_line('key-a', name => '"team-a"')
            . caller_line('key-b', name => '"team-b"') . '}');

    my $a = "team-a team-a true true\n";

    is(call("Authorization: Bearer key-a")->{body}, $a, 'a bearer');
    is(call("authorization: bEARER key-a")->{body}, $a, 'in any case');
    is(call("x-api-key: key-a")->{body}, $a, 'the key of Anthropic');
    is(call("api-key: key-a")->{body}, $a, 'the key of Azure');
    is(call("x-api-key: key-a\nAuthorization: Bearer key-a\nx-api-key: key-a")
       ->{body}, $a, 'the same key in more than one place');
    is(call("Authorization: AWS4-HMAC-SHA256 x\nx-api-key: key-a")->{body},
       $a, 'beside a signature');
    is(call("x-api-key: key-b", 'identify=1')->{body},
       "team-b team-b true true\n", 'identified before');

    my $no = '401 authentication_error invalid_api_key';

    is(error(call('')), $no, 'no key');
    is(error(call('', 'identify=1')), $no, 'no key, before the body');
    is(error(call('x-api-key: key-c')), $no, 'an unknown key');
    is(error(call('x-api-key: ' . sha256_hex('key-a'))), $no, 'its digest');
    is(error(call('x-api-key: key-a ' . 'x' x 5000)), $no, 'a long key');
    is(error(call('Authorization: Basic key-a')), $no, 'another scheme');
    is(error(call('Authorization: Bearer key-a x')), $no, 'more than a key');
    is(error(call("x-api-key: key-a\nAuthorization: Bearer key-b")), $no,
       'two different keys');
    is(error(call("x-api-key: key-a\nx-api-key: key-b")), $no,
       'two different keys in two headers of a name');
    is(error(call("x-api-key: key-a\n" . "x: y\n" x 120
                  . 'api-key: key-b')), $no, 'two keys far apart');
    is(error(call('', 'dialect=anthropic')), '401 authentication_error',
       'in the shape of Anthropic');
    is(error(call('x-api-key: key-b')), '200 ', 'and a good one again');

    my @access = $nginx->access;
    is($access[0]{llm_caller}, 'team-a', 'the caller is logged');
    is((grep { $_->{status} == 401 } @access)[0]{llm_caller}, '-',
       'nobody is, if it is not known who');

    ended('identified');

    my $log = slurp($nginx->error_log);
    unlike($log, qr/key-[abc]/, 'no key is logged');

    return;
}


sub models {
    my $sha = sha256_hex('new');
    my $both = '"' . sha256_hex('old') . qq{", "\U$sha\E"};

    gateway('return {' . caller_line('a', name => '"a"',
                                     models => '{ "claude-sonnet", "local*" }')
            . "b = { sha256 = { $both }, models = 'us.*' } }");

    my $no = '403 permission_error model_not_allowed';

    is(call('x-api-key: a', 'm=claude-sonnet')->{status}, 200, 'its model');
    is(call('x-api-key: a', 'm=local')->{status}, 200, 'a prefix');
    is(call('x-api-key: a', 'm=local-2')->{status}, 200, 'more than it');
    is(call('x-api-key: a', 'm=local')->{body}, "a a false true\n",
       'it has not all models');
    is(error(call('x-api-key: a', 'm=claude-sonnet-2')), $no, 'no prefix');
    is(error(call('x-api-key: a', 'm=claude')), $no, 'another model');
    is(error(call('x-api-key: a', 'm=LOCAL')), $no, 'another case');
    is(call('x-api-key: old', 'm=us.anthropic.claude')->{status}, 200,
       'one of two keys');
    is(call('x-api-key: new', 'm=us.anthropic.claude')->{status}, 200,
       'the other one, in upper case');
    is(error(call('x-api-key: new', 'm=eu.anthropic.claude')), $no,
       'not its model');
    ended('models');

    return;
}


sub requests_a_minute {
    gateway('return {' . caller_line('a', name => '"a"', rpm => 3)
            . caller_line('b', name => '"b"', rpm => 1) . '}');

    for my $left (2, 1, 0) {
        my $response = call('x-api-key: a');
        my $header = sub { AwsSigV4::Client::header($response, $_[0]) };

        is($response->{status}, 200, "a request, then $left");
        is($header->('x-ratelimit-limit-requests'), 3,
           'the limit in place of that of the upstream');
        is($header->('x-ratelimit-remaining-requests'), $left, 'what is left');
        like($header->('x-ratelimit-reset-requests'), qr/^\d+s$/, 'for long');
    }

    my $response = call('x-api-key: a');
    my $retry = AwsSigV4::Client::header($response, 'Retry-After');

    is(error($response), '429 rate_limit_error rate_limit_exceeded',
       'then no more');
    like($retry, qr/^(?:[1-9]|[1-9]\d|1[01]\d|120)$/, 'when to try again');
    is(AwsSigV4::Client::header($response, 'x-ratelimit-remaining-requests'),
       0, 'nothing is left');
    is(error(call('x-api-key: a', 'dialect=anthropic')),
       '429 rate_limit_error', 'in the shape of Anthropic');
    is(call('x-api-key: b')->{status}, 200, 'another has a limit of its own');
    is(call('x-api-key: b')->{status}, 429, 'and reaches it');
    ended('requests');

    return;
}


sub tokens_a_minute {
    gateway('return {' . caller_line('a', name => '"a"', tpm => 1000)
            . caller_line('b', name => '"b"', tpm => 10, rpm => 2) . '}');

    my $response = call('x-api-key: a', 'tokens=400');

    is($response->{status}, 200, 'tokens are not known before');
    is(AwsSigV4::Client::header($response, 'x-ratelimit-remaining-tokens'),
       1000, 'nor counted');

    $response = call('x-api-key: a', 'tokens=5000');
    is($response->{status}, 200, 'some are left: the answer may be long');
    is(AwsSigV4::Client::header($response, 'x-ratelimit-remaining-tokens'),
       600, 'what is left');
    is(AwsSigV4::Client::header($response, 'x-ratelimit-limit-tokens'),
       1000, 'of how many');

    $response = call('x-api-key: a', 'tokens=1');
    is(error($response), '429 rate_limit_error rate_limit_exceeded',
       'then no more');
    like(AwsSigV4::Client::header($response, 'Retry-After'), qr/^\d+$/,
         'when to try again');

    is(call('x-api-key: b', 'tokens=10')->{status}, 200, 'one request');
    is(call('x-api-key: b')->{status}, 429, 'its tokens are used up');
    is(AwsSigV4::Client::header(call('x-api-key: b'),
                                'x-ratelimit-limit-tokens'), 10,
       'and it is these that it is told of');
    ended('tokens');

    return;
}


sub all_workers {
    gateway('return {' . caller_line('a', name => '"a"', rpm => 20) . '}',
            main => 'worker_processes 3;');

    my ($head) = AwsSigV4::Client::format_request(
        { target => '/', headers => 'x-api-key: a', last => 1 });
    my @clients = map { http_client(port => $nginx->port) } 1 .. 60;

    $_->send($head) for @clients;

    my %count;
    $count{ $_->response('GET')->{status} }++ for @clients;

    is_deeply(\%count, { 200 => 20, 429 => 40 }, 'all workers count together');
    ended('workers');

    return;
}


# what a dict says that has no room, even for a number

sub dict_without_room {
    start(lua => q{
        local limits = require "resty.aws_sigv4.llm.limits"
        local full = {
            incr = function () return nil, "no memory" end,
            get = function () return nil end,
        }

        for i = 1, 3 do
            ngx.print(limits.take(full, "a", 1, 60 + i), " ")
            limits.add(full, "a", 1, 60 + i)
        end

        ngx.print(limits.look(full, "a", 1, 64))
    });

    is(body(), 'true true true true10', 'without room everything passes');
    ended('dict', 'llm: limits are not kept: no memory');

    return;
}


sub reloaded {
    my $first = 'return {' . caller_line('a', name => '"a"') . '}';
    my $second = 'return {' . caller_line('b', name => '"b"') . '}';

    gateway($first);

    my $path = $nginx->dir . '/callers.lua';
    my $status = sub { call("x-api-key: $_[0]")->{status} };

    is($status->('a'), 200, 'the first file');
    is($status->('b'), 401, 'and nobody else');

    my $replace = sub {
        spew("$path.new", $_[0], 0644);
        rename "$path.new", $path or die "$path: $!\n";
    };

    $replace->($second);
    ok(wait_for(sub { $status->('b') == 200 }), 'the second is loaded');
    is($status->('a'), 401, 'and the first has gone');

    $replace->('return { { nam = "x" } }');
    ok(wait_for(sub {
        call('x-api-key: b');
        return slurp($nginx->error_log) =~ /the old one stays/;
    }), 'a third one is wrong');
    is($status->('b'), 200, 'the second one stays');

    $replace->($first);
    ok(wait_for(sub { $status->('a') == 200 }), 'the first one again');

    ended('reloaded', 'llm: callers \S+/callers.lua: \[1\].nam: unknown field'
                      . ', the old one stays');

    return;
}


sub open_to_all {
    gateway(undef);

    is(call('x-api-key: anything')->{body}, "nil - true false\n",
       'without a file everyone may call');
    is(call('')->{body}, "nil - true false\n", 'without a key too');
    ended('open');

    return;
}
