# SPDX-License-Identifier: BSD-2-Clause

# The hook: what it sees of a request, and what it may choose.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider other static
    access_key_id=$TEST_OTHER_AKID secret_access_key=$TEST_OTHER_SECRET;
aws_sigv4_service execute-api;
aws_sigv4_region us-east-1;
aws_sigv4 on;
EOC

repeat_each(2);
run_tests();

__DATA__

=== a hook chooses region and service
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        sigv4.region = "eu-central-1"
        sigv4.service = "aps"
    }
}
--- request: GET /x
--- upstream_verdict: ok
--- upstream_record
region: eu-central-1
service: aps
--- access
$aws_sigv4_status=signed
$aws_sigv4_region=eu-central-1
$aws_sigv4_service=aps



=== a location has its own hook, or that of its server
--- config
aws_sigv4_by_lua_block { sigv4.region = "eu-west-1" }

location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /own {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { sigv4.region = "eu-west-2" }
}
location /none {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { }
}
location /if {
    if ($arg_north) {
        aws_sigv4_by_lua_block { sigv4.region = "eu-north-1" }
        proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- requests eval
['GET /', 'GET /own', 'GET /none', 'GET /if', 'GET /if?north=1']
--- status: 200 200 200 200 200
--- access eval
['$aws_sigv4_region=eu-west-1', '$aws_sigv4_region=eu-west-2',
 '$aws_sigv4_region=us-east-1', '$aws_sigv4_region=eu-west-1',
 '$aws_sigv4_region=eu-north-1']



=== a hook is a file, found from the prefix or from the root
--- files
>>> lua/hook.lua
sigv4.region = "ap-south-1"
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_file lua/hook.lua;
}
location /root {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_file $TEST_DIR/lua/hook.lua;
}
--- requests eval
['GET /', 'GET /root']
--- status: 200 200
--- access: $aws_sigv4_region=ap-south-1



=== braces in strings and comments do not end the block
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        -- } a comment
        --[==[ } a long
            ]] ]=] } one ]==]
        --[=  } not a long one
        local t = { "}", '}', "\"}", '\'}', [[}]], [=[}]]}]=], { [1] = "{" } }
        local n = 8 - - 1 - #t
        if t[n + 1] == '"}' then sigv4.region = "eu-west-3" end
    }
}
location /after {
    return 200 "after\n";
}
--- requests eval
['GET /', 'GET /after']
--- status: 200 200
--- access eval
['$aws_sigv4_region=eu-west-3', '$status=200']



=== a hook sees method, URI, arguments, headers and variables
--- config
set $mine "set";
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local headers, var = sigv4.headers, sigv4.var
        sigv4.deny(400, table.concat({
            sigv4.method, sigv4.uri, sigv4.args, headers["X-One"],
            headers["x-one"], headers["x-two"], tostring(headers["x-none"]),
            var.mine, var.arg_b, var.request_uri, tostring(var.no_such),
        }, "\n"))
    }
}
--- request: PUT /a%20b/../c%2Fd?a=1&b=%20
--- more_headers
X-One: first
X-Two: first
X-Two: second
--- status: 400
--- response_body
PUT
/c/d
a=1&b=%20
first
first
first, second
nil
set
%20
/a%20b/../c%2Fd?a=1&b=%20
nil
--- upstream_count: 0



=== there are no arguments, and "args" is empty
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { sigv4.deny(400, "[" .. sigv4.args .. "]") }
}
--- request: GET /
--- status: 400
--- response_body: []
--- upstream_count: 0



=== what was chosen can be read, what was not is nil
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local fields = { "region", "service", "host", "credentials",
                         "payload" }
        local before, after = {}, {}

        for i, name in ipairs(fields) do
            before[i] = tostring(sigv4[name])
        end

        sigv4.region = "r-1"
        sigv4.service = "s"
        sigv4.host = "h.example.com"
        sigv4.credentials = "other"
        sigv4.payload = "unsigned"

        for i, name in ipairs(fields) do
            after[i] = tostring(sigv4[name])
        end

        sigv4.deny(400, table.concat(before, " ") .. "\n"
                        .. table.concat(after, " "))
    }
}
--- request: GET /
--- status: 400
--- response_body
nil nil nil nil nil
r-1 s h.example.com other unsigned
--- upstream_count: 0



=== a hook chooses the credentials
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        if sigv4.headers["x-team"] == "b" then
            sigv4.credentials = "other"
        end
    }
}
--- requests eval
[{ target => '/', headers => [['X-Team', 'a']] },
 { target => '/', headers => [['X-Team', 'b']] }]
--- status: 200 200
--- upstream_verdict: ok
--- upstream_record eval
['access_key_id: AKIDEXAMPLE', 'access_key_id: AKIDOTHER']



=== a hook chooses how the payload is covered
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_service s3;
    aws_sigv4_by_lua_block {
        sigv4.payload = sigv4.var.arg_as
    }
}
--- requests eval
[map { +{ method => 'PUT', target => "/b/k?as=$_", body => 'some' } }
     'unsigned', 'signed']
--- status: 200 200
--- upstream_verdict: ok
--- upstream_header eval
['x-amz-content-sha256: UNSIGNED-PAYLOAD',
 'x-amz-content-sha256: '
 . 'a6b46dd0d1ae5e86cbc8f37e75ceeb6760230c1ca4ffbcb0c97b96dd7d9c464b']



=== a hook chooses the host, among those allowed
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_allow_hosts *.example.com 127.0.0.1;
    aws_sigv4_by_lua_block {
        sigv4.host = sigv4.var.arg_host
    }
}
--- requests eval
['GET /?host=a.example.com', 'GET /?host=a.example.net']
--- status: 200 403
--- upstream_count: 1
--- upstream_verdict: ok
--- upstream_header: host: a.example.com
--- access eval
['$aws_sigv4_host=a.example.com', '$aws_sigv4_status=host_not_allowed']
--- error_log: a.example.net



=== a host chosen by a hook needs a list of those allowed
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { sigv4.host = "a.example.com" }
}
--- request: GET /
--- status: 403
--- upstream_count: 0
--- access: $aws_sigv4_status=host_not_allowed
--- error_log: aws_sigv4_allow_hosts



=== a variable that a hook sets goes into a header and is signed with it
--- config
set $team "none";
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    proxy_set_header X-Amz-Meta-Team $team;
    aws_sigv4_by_lua_block {
        sigv4.var.team = sigv4.headers["x-team"] .. "-1"
        sigv4.var.Team = sigv4.var.team .. "-2"
    }
}
--- request: GET /
--- more_headers
X-Team: a
--- upstream_verdict: ok
--- upstream_header: x-amz-meta-team: a-1-2
--- upstream_record: signed_headers ~ x-amz-meta-team
--- access: $aws_sigv4_status=signed



=== deny() answers with a status and a text
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        sigv4.deny(tonumber(sigv4.var.arg_status), "not you\n")
        sigv4.region = nil
    }
}
--- requests eval
['GET /?status=403', 'GET /?status=429', 'GET /?status=503',
 { method => 'POST', target => '/?status=400', body => 'x' x 100_000 }]
--- status: 403 429 503 400
--- response_body eval
["not you\n", "not you\n", "not you\n", "not you\n"]
--- response_headers
Content-Type: text/plain
--- upstream_count: 0
--- access: $aws_sigv4_status=denied



=== deny() without a text answers with the page of the status
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    error_page 404 /404;
    aws_sigv4_by_lua_block {
        sigv4.deny(tonumber(sigv4.var.arg_status))
    }
}
location = /404 {
    internal;
    aws_sigv4 off;
    return 404 "the page\n";
}
--- requests eval
['GET /?status=403', 'GET /?status=404']
--- status: 403 404
--- response_body_like eval
[qr/403 Forbidden/, qr/^the page$/]
--- upstream_count: 0



=== what deny() says holds, whatever the code does then
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        pcall(sigv4.deny, 403, "first")
        sigv4.off()
    }
}
location /error {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        pcall(sigv4.deny, 403, "first")
        error("second")
    }
}
location /handler {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        xpcall(function() sigv4.deny(403, "first") end,
               function() sigv4.deny(404, "second") end)
        while true do pcall(sigv4.deny, 404, "third") end
    }
}
location /gsub {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        string.gsub("x", ".", function() sigv4.deny(403, "first") end)
    }
}
--- requests eval
['GET /', 'GET /error', 'GET /handler', 'GET /gsub']
--- status: 403 403 403 403
--- response_body eval
['first', 'first', 'first', 'first']
--- upstream_count: 0



=== off() sends the request as the client sent it
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        sigv4.region = "eu-west-1"
        sigv4.off()
        sigv4.deny(403)
    }
}
--- request: GET /
--- more_headers
Authorization: Basic bWU6bWU=
--- status: 403
--- upstream_verdict eval
'refused: foreign_authorization'
--- upstream_header
authorization: Basic bWU6bWU=
! x-amz-date
--- access: $aws_sigv4_status=off



=== a hook does not run where nothing is signed
--- config
aws_sigv4_by_lua_block { error("it runs") }
location / {
    aws_sigv4 off;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
location /return {
    return 200 "ok\n";
}
--- requests eval
['GET /', 'GET /return']
--- status: 403 200



=== a hook uses modules of the configured path
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service execute-api;
aws_sigv4_by_lua_block {
    sigv4.region = require("teams.regions")[sigv4.headers["x-team"]]
}
aws_sigv4_lua_package_path "$TEST_DIR/lua/?.lua";
--- files
>>> lua/teams/regions.lua
local format = string.format
local function region(where, n) return format("%s-%d", where, n) end

return { a = region("eu-west", 1), b = region("us-east", 2) }
--- config
aws_sigv4 on;
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- requests eval
[map { +{ target => '/', headers => [['X-Team', $_]] } } 'a', 'b', 'a']
--- status: 200 200 200
--- access eval
['$aws_sigv4_region=eu-west-1', '$aws_sigv4_region=us-east-2',
 '$aws_sigv4_region=eu-west-1']



=== print() writes to the error log
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        print("one\ntwo", nil, 3, setmetatable({}, {
            __tostring = function() return "four" end
        }))
        print()
    }
}
--- request: GET /
--- error_log eval
qr/\[notice\] .*aws sigv4: one two nil 3 four, client/



=== the hook of the old configuration goes with it
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { sigv4.region = "eu-west-1" }
}
--- reload
--- reload_config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { sigv4.region = "eu-west-2" }
}
--- request: GET /
--- access: $aws_sigv4_region=eu-west-2



=== it works beside ngx_lua, loaded before it
--- load_modules
ndk_http_module
ngx_http_lua_module
--- config
location / {
    set_by_lua_block $team { return jit.status() and "jit" or "no jit" }
    access_by_lua_block {
        ngx.req.set_header("X-Team", ngx.var.team .. " " .. #string.dump(
            function() end))
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        assert(sigv4.headers["x-team"]:find("^jit %d+$"))
        assert(ngx == nil and string.dump == nil)
        sigv4.region = "eu-west-1"
    }
}
--- request: GET /
--- access: $aws_sigv4_region=eu-west-1



=== it works beside ngx_lua, loaded after it
--- load_modules_after
ndk_http_module
ngx_http_lua_module
--- config
location / {
    access_by_lua_block {
        ngx.req.set_header("X-Team", "a")
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        assert(sigv4.headers["x-team"] == "a" and ngx == nil)
        sigv4.region = "eu-west-1"
    }
}
--- request: GET /
--- access: $aws_sigv4_region=eu-west-1
