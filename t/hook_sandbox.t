# SPDX-License-Identifier: BSD-2-Clause

# What a hook cannot do: run for ever, take all memory, reach files or other
# programs, or leave something behind for the next request.

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

repeat_each(2);
run_tests();

__DATA__

=== a loop without an end ends
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        while true do end
    }
}
location /pcall {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        while true do
            pcall(function() while true do end end)
        end
    }
}
location /handler {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local function loop() while true do end end
        xpcall(loop, loop)
    }
}
location /sort {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        table.sort({ 1, 2, 3 }, function() while true do end end)
    }
}
location /load {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { load("while true do end")() }
}
location /next {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        for i = 1, 100000 do sigv4.region = "eu-west-1" end
    }
}
--- requests eval
[main::each_fresh(qw(/ /pcall /handler /sort /load /next))]
--- status: 500 500 500 500 500 200
--- upstream_count: 1
--- error_log eval
[qr/conf:4: more than 1000000 instructions were used/,
 qr/server\.conf:9 failed: .*instructions were used/,
 qr/server\.conf:17 failed: /,
 qr/server\.conf:25: more than 1000000 instructions were used/,
 qr/\(load\):1: more than 1000000 instructions were used|load\("while/]



=== memory has a ceiling, and the next request finds it empty
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local s = "x"
        while true do s = s .. s end
    }
}
location /table {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local t = {}
        for i = 1, 30 do t[i] = i .. ("x"):rep(2 * 1024 * 1024) end
    }
}
location /rep {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { return ("x"):rep(40 * 1024 * 1024) }
}
location /pcall {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        assert(not pcall(string.rep, "x", 40 * 1024 * 1024))
        return ("x"):rep(40 * 1024 * 1024)
    }
}
location /next {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        assert(#("x"):rep(6 * 1024 * 1024) == 6 * 1024 * 1024)
    }
}
--- requests eval
[main::each_fresh(qw(/ /table /rep /pcall), ('/next') x 20)]
--- status eval
[500, 500, 500, 500, (200) x 20]
--- upstream_count: 20
--- error_log eval
[qr/server\.conf:3 failed: not enough memory/,
 qr/server\.conf:10 failed: not enough memory/,
 qr/server\.conf:17 failed: not enough memory/,
 qr/server\.conf:21 failed: not enough memory/]



=== few instructions that take long end as well
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        for i = 1, 200000 do local s = ("x"):rep(4 * 1024 * 1024) end
    }
}
--- request: GET /
--- status: 500
--- error_log: conf:4: more than 1000 milliseconds were used



=== modules that hold too much are dropped, and the hooks still there
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service execute-api;
aws_sigv4_lua_package_path $TEST_DIR/lua/?.lua;
aws_sigv4 on;
--- files
>>> lua/hoard.lua
return {}
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local hoard = require "hoard"
        hoard[#hoard + 1] = #hoard .. ("x"):rep(4 * 1024 * 1024)
        sigv4.region = "eu-west-1"
    }
}
location /other {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { sigv4.region = "eu-west-1" }
}
--- requests eval
[('GET /') x 20, 'GET /other']
--- status eval
[(200) x 21]
--- access: $aws_sigv4_region=eu-west-1
--- error_log eval
qr/aws sigv4: Lua modules hold \d+ bytes, their state is dropped/



=== nothing but the base, string, table, math and bit libraries is there
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local found = {}

        local function look(name, value)
            if value ~= nil then found[#found + 1] = name end
        end

        look("io", io)                  look("os", os)
        look("debug", debug)            look("ffi", ffi)
        look("jit", jit)                look("package", package)
        look("coroutine", coroutine)    look("_G", _G)
        look("ngx", ngx)                look("ndk", ndk)
        look("dofile", dofile)          look("loadfile", loadfile)
        look("getfenv", getfenv)        look("setfenv", setfenv)
        look("module", module)          look("newproxy", newproxy)
        look("gcinfo", gcinfo)          look("dump", string.dump)
        look("collectgarbage", collectgarbage)
        look("method dump", ("").dump)

        for _, name in ipairs({
            "io", "os", "debug", "ffi", "jit", "jit.util", "package", "_G",
            "coroutine", "string.buffer", "table.new", "table.clear",
        }) do
            look("require " .. name, pcall(require, name) or nil)
        end

        sigv4.deny(400, #found .. " " .. table.concat(found, ", "))
    }
}
--- request: GET /
--- status: 400
--- response_body eval
'0 '
--- upstream_count: 0



=== those that are there work
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local t = { 3, 1, 2 }
        table.sort(t)

        local copy = setmetatable({}, { __index = t })
        local chunk = load("return ...", "=chunk")

        sigv4.deny(400, table.concat({
            table.concat(t), copy[2], math.floor(2.5), bit.band(7, 12),
            ("%s"):format("x"), ("a-b"):match("-(.)"), type(next(t)),
            tostring(tonumber("ff", 16)), select("#", unpack(t)),
            rawget(t, 1), tostring(rawequal(t, copy)), chunk("loaded"),
            tostring(select(2, load("return +", "=chunk"))),
            tostring(require("string") == string),
            tostring(pcall(error)), _VERSION,
        }, "\n"))
    }
}
--- request: GET /
--- status: 400
--- response_body eval
<<'EOT' =~ s/\n\z//r
123
2
2
4
x
b
number
255
3
1
false
loaded
chunk:1: unexpected symbol near '+'
true
false
Lua 5.1
EOT
--- upstream_count: 0



=== bytecode is not loaded
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local a, b = load("\27LJ\2")
        local c, d = loadstring("\27Lua")
        local e = pcall(load, function() return "x" end)
        sigv4.deny(400, tostring(a or c or e) .. ": " .. b .. ", " .. d)
    }
}
--- request: GET /
--- status: 400
--- response_body_like: ^false: attempt to load chunk with wrong mode, attempt



=== no request leaves anything behind for the next
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local tries = {
            function() left = 1 end,
            function() string.format = nil end,
            function() string.left = 1 end,
            function() table = nil end,
            function() sigv4 = nil end,
            function() sigv4.headers = nil end,
            function() load("left = 1")() end,
            function() rawset(string, "left", 1) end,
            function() rawset(sigv4, "left", 1) end,
            function() table.insert(math, 1) end,
            function() table.sort(math) end,
            function() setmetatable(string, {}) end,
            function() setmetatable("", {}) end,
            function() getmetatable("").__index = {} end,
            function() getmetatable(string).__index = {} end,
            function() getmetatable(sigv4).__index = {} end,
            function() getmetatable(sigv4.var).__index = {} end,
            function() ("").left = 1 end,
            function() require("string").left = 1 end,
            function() next(string) end,
        }

        local made_it = {}

        for i, try in ipairs(tries) do
            if pcall(try) then made_it[#made_it + 1] = i end
        end

        sigv4.deny(400, table.concat(made_it, " ") .. "|"
                        .. tostring(left or string.left))
    }
}
--- requests eval
['GET /', 'GET /']
--- status: 400 400
--- response_body eval
['|nil', '|nil']



=== what a hook chose is forgotten with its request
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        if sigv4.args == "set" then
            sigv4.region = "eu-west-1"
            sigv4.credentials = "default"
            error("now")
        end
        sigv4.deny(400, tostring(sigv4.region or sigv4.credentials))
    }
}
--- requests eval
[main::each_fresh(qw(/?set /))]
--- status: 500 400
--- response_body_like eval
[qr/500 Internal/, qr/^nil$/]
--- error_log: now



=== a hook cannot wait
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { coroutine.yield() }
}
--- request: GET /
--- status: 500
--- error_log: attempt to index global 'coroutine' (a nil value)
