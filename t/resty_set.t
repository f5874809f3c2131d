# SPDX-License-Identifier: BSD-2-Clause

# resty.aws_sigv4: what Lua code chooses for the request that is proxied.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(load_modules => 'ndk_http_module ngx_http_lua_module');

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider other static
    access_key_id=$TEST_OTHER_AKID secret_access_key=$TEST_OTHER_SECRET;
aws_sigv4_provider temp static access_key_id=$TEST_TEMP_AKID
    secret_access_key=$TEST_TEMP_SECRET session_token=$TEST_TEMP_TOKEN;
lua_package_path "$TEST_LUA/?.lua;;";
lua_shared_dict answers 1m;
init_by_lua_block {
    sigv4 = require "resty.aws_sigv4"

    -- the results of a call, in one line
    function show(...)
        local t = { ... }
        for i = 1, select("#", ...) do
            t[i] = tostring(t[i])
        end
        return table.concat(t, ", ")
    end
}
EOC

default_section(config => <<'EOC');
aws_sigv4 on;
aws_sigv4_allow_hosts *.amazonaws.com;

set $said "";

location /set-by-lua {
    set_by_lua_block $said { return show(sigv4.set("eu-west-1", "aps")) }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /rewrite {
    rewrite_by_lua_block {
        ngx.var.said = show(sigv4.set("eu-west-1", "aps", nil, "other"))
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /access {
    access_by_lua_block {
        ngx.var.said = show(sigv4.set("eu-west-1", "aps", nil, "temp"))
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /sleep {
    rewrite_by_lua_block {
        ngx.sleep(0.001)
        assert(sigv4.set("eu-west-9"))
        ngx.sleep(0.001)
    }
    access_by_lua_block {
        ngx.sleep(0.001)
        local region = "eu-" .. ngx.var.arg_r
        local service = ngx.var.arg_s
        ngx.var.said = show(sigv4.set{ region = region, service = service })
        region, service = nil, nil
        collectgarbage()
        ngx.sleep(0.001)
        collectgarbage()
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /table {
    access_by_lua_block {
        ngx.var.said = show(sigv4.set{
            region = "eu-west-1",
            service = "s3",
            host = "s3.eu-west-1.amazonaws.com",
            credentials = "temp",
            payload = "unsigned",
        })
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /host {
    access_by_lua_block {
        ngx.var.said = show(sigv4.set(nil, nil, ngx.var.arg_h))
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /twice {
    aws_sigv4_region us-east-2;
    aws_sigv4_service es;
    rewrite_by_lua_block {
        assert(sigv4.set("eu-west-1", "aps", nil, "other"))
    }
    access_by_lua_block {
        assert(sigv4.set(nil, "execute-api"))
        assert(sigv4.set{ credentials = "temp" })
        ngx.var.said = show(sigv4.get())
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /off {
    aws_sigv4_by_lua_block { sigv4.deny(418) }
    access_by_lua_block { ngx.var.said = show(sigv4.off()) }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /on-again {
    aws_sigv4_service aps;
    access_by_lua_block {
        assert(sigv4.off())
        assert(sigv4.set("eu-west-1"))
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /hook {
    aws_sigv4_by_lua_block {
        if sigv4.region ~= "eu-west-1" or sigv4.service ~= "aps"
           or sigv4.credentials ~= "temp" or sigv4.payload ~= "signed"
        then
            error("not seen")
        end

        sigv4.service = "es"
        sigv4.credentials = "other"
    }
    access_by_lua_block {
        assert(sigv4.set{
            region = "eu-west-1", service = "aps", credentials = "temp",
            payload = "signed",
        })
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /get {
    aws_sigv4_region us-east-2;
    aws_sigv4_service es;
    rewrite_by_lua_block { ngx.var.said = show(sigv4.get()) }
    access_by_lua_block {
        assert(sigv4.set{ region = "eu-west-1", payload = "signed" })
        ngx.var.said = ngx.var.said .. " / " .. show(sigv4.get())
    }
    header_filter_by_lua_block {
        ngx.var.said = ngx.var.said .. " / " .. show(sigv4.get())
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /late {
    aws_sigv4_region us-east-2;
    aws_sigv4_service es;
    header_filter_by_lua_block {
        ngx.var.said = show(sigv4.set("eu-west-1")) .. " / "
                       .. show(sigv4.set{ region = "eu-west-1" }) .. " / "
                       .. show(sigv4.off())
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /content {
    content_by_lua_block {
        ngx.var.said = show(sigv4.get())
        ngx.say(show(pcall(sigv4.set, "eu-west-1")))
        ngx.say(show(pcall(sigv4.off)))
    }
}

location /timer {
    content_by_lua_block {
        local answers = ngx.shared.answers

        assert(ngx.timer.at(0, function()
            answers:lpush("timer", show(pcall(sigv4.set, "eu-west-1")))
            answers:lpush("timer", show(sigv4.get()))
        end))

        repeat
            ngx.sleep(0.001)
        until answers:llen("timer") == 2

        ngx.say(answers:rpop("timer"))
        ngx.say(answers:rpop("timer"))
    }
}

location /not-on {
    aws_sigv4 off;
    access_by_lua_block {
        ngx.var.said = show(sigv4.set("eu-west-1")) .. " / "
                       .. show(sigv4.off()) .. " / " .. show(sigv4.get())
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /exec {
    rewrite_by_lua_block {
        assert(sigv4.set("eu-west-1", "aps", nil, "temp"))
        ngx.exec("/plain")
    }
}

location /jump {
    rewrite_by_lua_block {
        assert(sigv4.set("eu-west-1", "aps", nil, "temp"))
        ngx.req.set_uri("/plain", true)
    }
}

location /jump-to-off {
    rewrite_by_lua_block {
        assert(sigv4.set("eu-west-1", "aps", nil, "temp"))
        ngx.req.set_uri("/unsigned", true)
    }
}

location /unsigned {
    aws_sigv4 off;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /plain {
    aws_sigv4_region us-east-2;
    aws_sigv4_service es;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /error-page {
    access_by_lua_block { assert(sigv4.set("eu-west-1", "aps", nil, "temp")) }
    error_page 502 = @again;
    proxy_pass http://127.0.0.1:$CLOSED_PORT;
}

location @again {
    aws_sigv4_region us-east-2;
    access_by_lua_block {
        ngx.var.said = show(sigv4.get())
        assert(sigv4.set(nil, "es"))
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /capture {
    content_by_lua_block {
        local res = ngx.location.capture("/rewrite")
        ngx.print(res.status)
    }
}

location /bad {
    rewrite_by_lua_block {
        local long = string.rep("r", 256)

        local calls = {
            { "" }, { "a/b" }, { "a,b" }, { "a b" }, { "a\n" }, { "\0" },
            { "\195\169" }, { long },
            { nil, "" }, { nil, "a/b" }, { nil, long },
            { nil, nil, "" }, { nil, nil, "a/b" }, { nil, nil, "a b" },
            { nil, nil, "a\r\nb: c" }, { nil, nil, long },
            { nil, nil, nil, "" }, { nil, nil, nil, "third" },
            { { region = "a/b" } }, { { credentials = "third" } },
        }

        for _, call in ipairs(calls) do
            ngx.say(show(sigv4.set(unpack(call, 1, 4))))
        end

        ngx.print(show(sigv4.get()))
        ngx.exit(200)
    }
}

location /misuse {
    rewrite_by_lua_block {
        local calls = {
            function() sigv4.set(1) end,
            function() sigv4.set(nil, true) end,
            function() sigv4.set(nil, nil, print) end,
            function() sigv4.set(nil, nil, nil, 4) end,
            function() sigv4.set{ region = 1 } end,
            function() sigv4.set{ regoin = "eu-west-1" } end,
            function() sigv4.set{ "eu-west-1" } end,
            function() sigv4.set{ payload = "none" } end,
            function() sigv4.set{ payload = 1 } end,
            function() sigv4.credentials(1) end,
        }

        for _, call in ipairs(calls) do
            local ok, err = pcall(call)
            err = err:gsub("^rewrite_by_lua%b():%d+: ", "here: ")
            ngx.say(err)
        end

        ngx.exit(200)
    }
}
EOC

run_tests();

__DATA__

=== set_by_lua
--- request
GET /set-by-lua
--- upstream_verdict: ok
--- upstream_record
region: eu-west-1
service: aps
access_key_id: AKIDEXAMPLE
--- access
$said=true
$aws_sigv4_status=signed



=== rewrite_by_lua
--- request
GET /rewrite
--- upstream_verdict: ok
--- upstream_record
region: eu-west-1
service: aps
access_key_id: AKIDOTHER
--- access
$said=true
$aws_sigv4_status=signed



=== access_by_lua
--- request
POST /access
--- body: body
--- upstream_verdict: ok
--- upstream_record
region: eu-west-1
service: aps
--- upstream_header
x-amz-security-token ~ .
--- access
$said=true
$aws_sigv4_status=signed



=== after a yield, with strings that are garbage when it is signed
--- requests eval
['GET /sleep?r=west-1&s=aps', 'GET /sleep?r=north-1&s=s3']
--- upstream_verdict: ok
--- upstream_record eval
["region: eu-west-1\nservice: aps", "region: eu-north-1\nservice: s3"]
--- access
$said=true
$aws_sigv4_status=signed



=== all there is to choose
--- request
PUT /table
--- body: body
--- upstream_verdict: ok
--- upstream_header: host: s3.eu-west-1.amazonaws.com
--- upstream_record
region: eu-west-1
service: s3
payload_hash: UNSIGNED-PAYLOAD
--- access
$said=true
$aws_sigv4_status=signed



=== a host infers the rest
--- request
GET /host?h=monitoring.eu-west-1.amazonaws.com
--- upstream_verdict: ok
--- upstream_header: host: monitoring.eu-west-1.amazonaws.com
--- upstream_record
region: eu-west-1
service: monitoring



=== a host that is not allowed is refused when it is signed for
--- request
GET /host?h=monitoring.eu-west-1.amazonaws.com.evil.test
--- status: 403
--- upstream_count: 0
--- error_log
is not in "aws_sigv4_allow_hosts"
--- access
$said=true
$aws_sigv4_status=host_not_allowed



=== what is not chosen stays as it was chosen before
--- request
GET /twice
--- upstream_verdict: ok
--- upstream_record
region: eu-west-1
service: execute-api
access_key_id: ASIAEXAMPLE
--- access
$said=eu-west-1, execute-api, nil, temp, nil



=== off is off for the hook as well
--- request
GET /off
--- more_headers
Authorization: Bearer mine
X-Amz-Date: mine
--- status: 403
--- upstream_verdict: refused: foreign_authorization
--- upstream_header
authorization: Bearer mine
x-amz-date: mine
--- access
$said=true
$aws_sigv4_status=off



=== off is taken back by a choice
--- request
GET /on-again
--- upstream_verdict: ok
--- upstream_record
region: eu-west-1
service: aps



=== the hook sees what was chosen and chooses otherwise
--- request
GET /hook
--- upstream_verdict: ok
--- upstream_record
region: eu-west-1
service: es
access_key_id: AKIDOTHER



=== what is known, before and after
--- request
GET /get
--- upstream_verdict: ok
--- access eval
'$said=nil, nil, nil, nil, nil / eu-west-1, nil, nil, nil, signed / '
. 'eu-west-1, es, 127.0.0.1:$VERIFIER_PORT, default, signed'



=== what is signed is not chosen any more
--- request
GET /late
--- upstream_verdict: ok
--- upstream_record: region: us-east-2
--- access
$said=nil, already signed / nil, already signed / nil, already signed



=== where nothing is proxied
--- request
GET /content
--- response_body
false, API disabled in the context of content_by_lua*
false, API disabled in the context of content_by_lua*
--- access
$said=nil, nil, nil, nil, nil
$aws_sigv4_status=off



=== a timer has no request
--- request
GET /timer
--- response_body
false, API disabled in the context of timer_by_lua*
nil, nil, nil, nil, nil



=== a location that does not sign
--- request
GET /not-on
--- status: 403
--- upstream_verdict: refused: no_authentication
--- access eval
'$said=' . CORE::join(' / ', ('nil, aws_sigv4 is off in this location') x 2,
                'nil, nil, nil, nil, nil')



=== an internal redirect forgets
--- requests eval
['GET /exec', 'GET /error-page']
--- upstream_verdict: ok
--- upstream_record
region: us-east-2
service: es
access_key_id: AKIDEXAMPLE
--- error_log: connect() failed
--- access eval
['$aws_sigv4_status=signed',
 "\$said=nil, nil, nil, nil, nil\n\$aws_sigv4_status=signed"]



=== a rewrite does not
--- request
GET /jump
--- upstream_verdict: ok
--- upstream_record
region: eu-west-1
service: aps
access_key_id: ASIAEXAMPLE



=== a rewrite to where nothing is signed
--- request
GET /jump-to-off
--- status: 403
--- upstream_verdict: refused: no_authentication
--- access: $aws_sigv4_status=off



=== a subrequest
--- request
GET /capture
--- response_body: 200
--- upstream_verdict: ok
--- upstream_record
region: eu-west-1
service: aps
access_key_id: AKIDOTHER



=== values that cannot be signed
--- request
GET /bad
--- response_body eval
CORE::join "\n", ("nil, invalid region") x 8, ("nil, invalid service") x 3,
           ("nil, invalid host") x 5,
           'nil, no provider "" is defined',
           'nil, no provider "third" is defined',
           'nil, invalid region',
           'nil, no provider "third" is defined',
           'nil, nil, nil, nil, nil'



=== misuse is an error of the caller
--- request
GET /misuse
--- response_body
here: bad region (string expected, got number)
here: bad service (string expected, got boolean)
here: bad host (string expected, got function)
here: bad credentials (string expected, got number)
here: bad region (string expected, got number)
here: unknown field 'regoin'
here: unknown field '1'
here: bad payload ('signed' or 'unsigned' expected)
here: bad payload ('signed' or 'unsigned' expected)
here: bad argument #1 to 'credentials' (string expected, got number)
