# SPDX-License-Identifier: BSD-2-Clause

# Mistakes in a hook: nginx -t or the error log say where they are.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service execute-api;
aws_sigv4_region us-east-1;
aws_sigv4 on;
EOC

# nginx closes a connection after a 500

sub each_fresh { return map { +{ target => $_, fresh => 1 } } @_ }

# One location for each piece of code: /1, /2, …

our @mistakes = (
    ['local x = sigv4.regoin', 'no field "regoin" in "sigv4"'],
    ['sigv4.regoin = "x"', 'no field "regoin" in "sigv4"'],
    ['sigv4.deny = nil', 'no field "deny" in "sigv4"'],
    ['sigv4.method = "x"', '"method" cannot be set'],
    ['sigv4.headers["x-a"] = "x"', '"headers" cannot be set'],
    ['sigv4.region = 5', '"region" takes a string, and this is a number'],
    ['sigv4.region = nil', '"region" takes a string, and this is a nil'],
    ['sigv4.payload = true', '"payload" takes a string'],
    ['sigv4.region = ""', 'the value of "region" is empty'],
    ['sigv4.region = ("x"):rep(256)', 'the value of "region" is longer than'],
    ['sigv4.region = "a\nb"', 'control character in the value of "region"'],
    ['sigv4.host = "a\0b"', 'control character in the value of "host"'],
    ['sigv4.service = "a\127"', 'control character in the value of "service"'],
    ['sigv4.payload = "none"', '"payload" is "signed" or "unsigned"'],
    ['sigv4.credentials = "nobody"', 'no provider "nobody" is defined'],
    ['sigv4.var.mine = "a\r\nb: c"', 'control character in the value of'],
    ['sigv4.var.mine = 1', '"mine" takes a string'],
    ['sigv4.var.no_such = "x"', 'none is declared by "set $no_such'],
    ['sigv4.var.args = "x"', 'variable "args" cannot be set'],
    ['sigv4.var.host = "x"', 'variable "host" cannot be set'],
    ['local x = sigv4.var[("x"):rep(129)]', 'longer than 128 bytes'],
    ['sigv4.deny(200)', 'a status from 400 to 599 is expected'],
    ['sigv4.deny(600)', 'a status from 400 to 599 is expected'],
    ['sigv4.deny(403.5)', 'a status from 400 to 599 is expected'],
    ['sigv4.deny("403")', 'number expected, got string'],
    ['sigv4.deny()', 'number expected, got no value'],
    ['sigv4.deny(403, {})', 'string expected, got table'],
    ['return sigv4.body', 'no field "body" without "aws_sigv4_lua_need_body'],
    ['sigv4.json("model")', 'no field "json" without "aws_sigv4_lua_need_bo'],
    ['local t = nil; t.x = 1', "attempt to index local 't' (a nil value)"],
    ['error("mine")', 'mine'],
    ['error("two\nlines", 0)', ': two lines'],
    ['error({})', ': table'],
    ['error()', ': nil'],
    ['local function f() return 1 + f() end f()', 'stack overflow'],
    ['require("none")', "module 'none' not found"],
    ['typo = 1', 'global "typo" cannot be set, write "local typo"'],
    ['typo()', "attempt to call global 'typo' (a nil value)"],
);

default_section(config => join '', "set \$mine x\$args;\n", map {
    "location = /$_ {\n"
    . "    proxy_pass http://127.0.0.1:\$VERIFIER_PORT;\n"
    . "    aws_sigv4_by_lua_block {\n$mistakes[$_ - 1][0]\n}\n"
    . "}\n"
} 1 .. @mistakes);

repeat_each(2);
run_tests();

__DATA__

=== an error answers 500, and its message names the file and the line
--- requests eval
[main::each_fresh(map { "/$_" } 1 .. @main::mistakes)]
--- status eval
[(500) x @main::mistakes]
--- upstream_count: 0
--- access: $aws_sigv4_status=hook_error
--- error_log eval
[map {
     my $line = 6 * $_ + 4;
     my $text = quotemeta $main::mistakes[$_][1];
     qr/"aws_sigv4_by_lua_block" in \S+server\.conf:$line failed.*$text/;
 } 0 .. $#main::mistakes]



=== a run time error names its own line of the file
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local region

        local function choose()
            return region .. "-1"
        end

        sigv4.region = choose()
    }
}
--- request: GET /
--- status: 500
--- error_log eval
qr/server\.conf:3 failed: \S+conf:7: attempt to concatenate upvalue 'region'/



=== an error in a file or a module names that
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_lua_package_path $TEST_DIR/lua/?.lua;
--- files
>>> lua/hook.lua

require("broken")
>>> lua/mine.lua
local x = 1


error("of mine")
>>> lua/broken.lua
local x = = 1
--- config
aws_sigv4 on;
aws_sigv4_service execute-api;
aws_sigv4_region us-east-1;
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_file lua/hook.lua;
}
location /mine {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { require "mine" }
}
--- requests eval
[main::each_fresh(qw(/ /mine /mine))]
--- status: 500 500 500
--- error_log eval
[qr/"aws_sigv4_by_lua_file" in \S+:6 failed: error loading module 'broken'/,
 qr/broken\.lua:1: unexpected symbol near '='/,
 qr/server\.conf:10 failed: \S+mine\.lua:4: of mine/]
--- no_error_log: loop or previous error



=== a module that could not be loaded is tried again
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_lua_package_path $TEST_DIR/lua/?.lua;
--- files
>>> lua/moody.lua
if sigv4.args == "now" then error("not now") end
return "eu-west-1"
--- config
aws_sigv4 on;
aws_sigv4_service execute-api;
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { sigv4.region = require("moody") }
}
--- reload
--- requests eval
[main::each_fresh(qw(/?now / /?now))]
--- status: 500 200 200
--- error_log: moody.lua:1: not now



=== code that is not Lua is refused by nginx -t, with its line
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local x = 1
        local y = = x
    }
}
--- must_die eval
qr/"aws_sigv4_by_lua_block" in server\.conf:3 is not valid Lua: server\.conf:5: /



=== so is a file
--- files
>>> hook.lua
local x = 1
local y = "open
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_file hook.lua;
}
--- must_die eval
qr/"aws_sigv4_by_lua_file" in server\.conf:3 is not valid Lua: hook\.lua:2: /



=== so is bytecode
--- files eval
">>> hook.lua\n\33LJ\2\n"
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_file hook.lua;
}
--- must_die: wrong mode



=== a file that is not there is refused
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_file none.lua;
}
--- must_die eval
qr/open\(\) "none\.lua" failed \(2: .*server\.conf:3/



=== a block without an end names its beginning
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local s = [[ }
    }
}
--- must_die eval
qr/unexpected end of file, expecting "}" for the Lua code .*server\.conf:3/



=== a block may be longer than nginx's buffer
--- config eval
"location / {\n proxy_pass http://127.0.0.1:\$VERIFIER_PORT;\n"
. "aws_sigv4_by_lua_block {\n" . "-- a line\n" x 2000
. "error('here')\n}\n}\nlocation /next { return 200 next; }\n"
--- requests eval
[main::each_fresh(qw(/ /next))]
--- status: 500 200
--- error_log: server.conf:2004: here



=== but not without bounds
--- config eval
"location / {\n proxy_pass http://127.0.0.1:\$VERIFIER_PORT;\n"
. "aws_sigv4_by_lua_block {\n" . ' ' x 1048577 . "}\n}\n"
--- must_die: the code is longer than 1048576 bytes



=== two hooks in one place are refused
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { }
    aws_sigv4_by_lua_file  hook.lua;
}
--- must_die eval
qr/"aws_sigv4_by_lua_file" directive is duplicate in server\.conf:4/
