# SPDX-License-Identifier: BSD-2-Clause

# resty.aws_sigv4 is compiled where it is hot: no trace is given up in it, but
# for what LuaJIT gives up to start better elsewhere, nor stitched together
# around what cannot be compiled.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(load_modules => 'ndk_http_module ngx_http_lua_module');

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
lua_package_path "$TEST_LUA/?.lua;;";
init_by_lua_block {
    sigv4 = require "resty.aws_sigv4"

    -- runs a function hot: how many traces end well, and those in the
    -- library that do not

    function traces(call)
        local vmdef = require "jit.vmdef"
        local util = require "jit.util"
        local stops, aborts = 0, {}

        local retried = {
            ["leaving loop in root trace"] = true,
            ["inner loop in root trace"] = true,
            ["loop unroll limit reached"] = true,
        }

        local function watch(what, tr, func, pc, code, reason)
            if what == "stop" then
                stops = stops + 1

                if util.traceinfo(tr).linktype == "stitch" then
                    aborts[#aborts + 1] = "stitch"
                end

            elseif what == "abort" then
                local info = util.funcinfo(func, pc)

                if info.source and info.source:find("aws_sigv4", 1, true)
                   and info.source:find("%.lua$")
                then
                    local text = vmdef.traceerr[code]

                    if not retried[text] then
                        aborts[#aborts + 1] = info.loc .. " "
                            .. string.format(text, tostring(reason))
                    end
                end
            end
        end

        jit.flush()
        jit.attach(watch, "trace")

        for _ = 1, 1000 do
            call()
        end

        jit.attach(watch)

        return (stops > 0 and "compiled" or "interpreted") .. " "
               .. table.concat(aborts, "; ")
    end
}
EOC

default_section(config => <<'EOC');
aws_sigv4 on;

location /set {
    access_by_lua_block {
        ngx.say(traces(function()
            assert(sigv4.set("eu-west-1", "aps", nil, "default"))
        end))
        ngx.exit(200)
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /table {
    access_by_lua_block {
        local t = { region = "eu-west-1", service = "aps",
                    payload = "signed" }

        ngx.say(traces(function() assert(sigv4.set(t)) end))
        ngx.exit(200)
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /get {
    access_by_lua_block {
        assert(sigv4.set("eu-west-1", "aps", nil, "default"))
        ngx.say(traces(function() assert(sigv4.get()) end))
        ngx.exit(200)
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /sign {
    content_by_lua_block {
        local t = {
            url = "https://monitoring.eu-west-1.amazonaws.com/",
            method = "POST",
            headers = { ["Content-Type"] = "text/plain", Accept = "*/*" },
            body = "body",
        }

        ngx.say(traces(function() assert(sigv4.sign(t)) end))
    }
}

location /presign {
    content_by_lua_block {
        local t = {
            url = "https://s3.eu-west-1.amazonaws.com/bucket/key",
            expires = 60,
        }

        ngx.say(traces(function() assert(sigv4.presign(t)) end))
    }
}
EOC

run_tests();

__DATA__

=== set with positions
--- request
GET /set
--- response_body eval
"compiled \n"



=== set with a table
--- request
GET /table
--- response_body eval
"compiled \n"



=== get
--- request
GET /get
--- response_body eval
"compiled \n"



=== sign
--- request
GET /sign
--- response_body eval
"compiled \n"



=== presign
--- request
GET /presign
--- response_body eval
"compiled \n"
