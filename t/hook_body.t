# SPDX-License-Identifier: BSD-2-Clause

# The body as the hook sees it.

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

aws_sigv4_lua_need_body on;
aws_sigv4_lua_body_size 64k;

client_body_buffer_size 8k;
client_max_body_size    1m;
EOC

# Answers with what "model" is.
our $model = <<'EOC';
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local model = sigv4.json("model")
        sigv4.deny(400, type(model) .. " " .. tostring(model):gsub("%z", "0"))
    }
}
EOC

sub post {
    my ($body, @more) = @_;

    return { method => 'POST', target => '/', body => $body, @more };
}

default_section(config => $model);

repeat_each(2);
run_tests();

__DATA__

=== the model in a JSON body chooses host, service and region
--- http_config
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;

upstream bedrock-runtime.us-west-2.amazonaws.com {
    server 127.0.0.1:$VERIFIER_PORT;
}
upstream bedrock-mantle.us-east-1.api.aws {
    server 127.0.0.1:$VERIFIER_PORT;
}
--- config
set $bedrock "";
location /v1/chat/completions {
    aws_sigv4               on;
    aws_sigv4_lua_need_body on;
    aws_sigv4_allow_hosts   bedrock-runtime.us-west-2.amazonaws.com
                            bedrock-mantle.us-east-1.api.aws;
    proxy_pass              http://$bedrock;

    aws_sigv4_by_lua_block {
        local models = {
            ["openai.gpt-oss-20b-1:0"] = {
                host = "bedrock-runtime.us-west-2.amazonaws.com",
                service = "bedrock", region = "us-west-2",
                path = "/openai/v1/chat/completions",
            },
            ["openai.gpt-oss-120b"] = {
                host = "bedrock-mantle.us-east-1.api.aws",
                service = "bedrock-mantle", region = "us-east-1",
                path = "/v1/chat/completions",
            },
        }
        local model = models[sigv4.json("model")]

        if not model then
            sigv4.deny(404, "no such model\n")
        end

        sigv4.service = model.service
        sigv4.region = model.region
        sigv4.var.bedrock = model.host .. model.path
    }
}
--- requests eval
[map { +{ method => 'POST', target => '/v1/chat/completions',
          headers => [['Content-Type', 'application/json']],
          body => qq({"messages": [], "model": "$_"}) } }
     'openai.gpt-oss-20b-1:0', 'openai.gpt-oss-120b', 'gpt-4']
--- status: 200 200 404
--- upstream_count: 2
--- upstream_verdict: ok
--- upstream_request eval
['POST /openai/v1/chat/completions', 'POST /v1/chat/completions']
--- upstream_record eval
["service: bedrock\nregion: us-west-2",
 "service: bedrock-mantle\nregion: us-east-1"]
--- upstream_header eval
['host: bedrock-runtime.us-west-2.amazonaws.com',
 'host: bedrock-mantle.us-east-1.api.aws']
--- access eval
['$aws_sigv4_status=signed', '$aws_sigv4_status=signed',
 '$aws_sigv4_status=denied']



=== a top-level string of an object is found, nothing else
--- requests eval
[map { main::post($_) }
     '{"model":"m"}',
     ' { "a" : [1, {"model": "x"}], "model" : "m" } ',
     '{"mod\u0065l":"\u006d\n"}',
     '{"model":"\u00e4\ud83d\ude00"}',
     '{"n":123456789012345678901234567890,"model":"m"}',
     '{"a":{"model":"m"}}',
     '{"model":5}',
     '{"model":null}',
     '{"model":{"name":"m"}}',
     '{"model":["m"]}',
     '{"Model":"m"}',
     '["model","m"]',
     '"model"',
     '{}',
     '']
--- status eval
[(400) x 15]
--- response_body eval
['string m', 'string m', "string m\n", "string \xc3\xa4\xf0\x9f\x98\x80",
 'string m', ('nil nil') x 10]
--- upstream_count: 0



=== what is not JSON, or not to be relied on, has no members
--- requests eval
[map { main::post($_) }
     '{"model":"m"',
     '{"model":"m"} x',
     '{"model":"m"}{"model":"n"}',
     "{'model':'m'}",
     '{"model":"m",}',
     '{"model":"a","model":"b"}',
     '{"model":"a","mod\u0065l":"a"}',
     '{"a":{"b":1,"b":2},"model":"m"}',
     qq({"model":"\xff"}),
     qq({"model":"a\0b"}),
     qq(\xef\xbb\xbf{"model":"m"}),
     '{"a":' . '[' x 3000 . ']' x 3000 . ',"model":"m"}',
     'model=m']
--- status eval
[(400) x 13]
--- response_body eval
[('nil nil') x 13]
--- upstream_count: 0



=== a NUL that JSON has escaped arrives, and gets no further
--- config eval
$main::model . <<'EOC'
location /use {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block { sigv4.region = sigv4.json("model") }
}
EOC
--- requests eval
[main::post('{"model":"a\u0000b"}'),
 main::post('{"model":"a\u0000b"}', target => '/use')]
--- status: 400 500
--- response_body_like eval
[qr/^string a0b$/, qr/500 Internal/]
--- upstream_count: 0
--- error_log: control character in the value of "region"



=== a name is looked for as a whole
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        sigv4.deny(400, tostring(sigv4.json("a\0b")) .. sigv4.json("")
                        .. tostring(pcall(sigv4.json, 1))
                        .. tostring(pcall(sigv4.json)))
    }
}
--- requests eval
[main::post('{"a":"x","1":"x","":"empty"}')]
--- status: 400
--- response_body: nilemptyfalsefalse



=== the body is seen whole, from memory and from a file
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        local body = sigv4.body
        assert(body == sigv4.body)
        sigv4.var.seen = #body .. body:sub(1, 4) .. body:sub(-4)
        sigv4.region = sigv4.json("model")
    }
}
location /file {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    client_body_in_file_only clean;
    aws_sigv4_by_lua_block {
        sigv4.var.seen = #sigv4.body .. sigv4.body:sub(1, 4)
                         .. sigv4.body:sub(-4)
        sigv4.region = sigv4.json("model")
    }
}
set $seen "";
add_header X-Seen $seen;
--- requests eval
[map {
     my $body = '{"pad":"' . 'x' x $_ . '","model":"eu-west-1"}';
     (main::post($body), main::post($body, target => '/file'),
      main::post($body, headers => [['Transfer-Encoding', 'chunked']]));
 } 1, 7_000, 8_000, 9_000, 60_000]
--- status eval
[(200) x 15]
--- upstream_verdict: ok
--- upstream_record: region: eu-west-1
--- response_headers eval
[map { ("X-Seen: " . ($_ + 30) . '{"pa-1"}') x 3 }
     1, 7_000, 8_000, 9_000, 60_000]



=== what is longer than the hook may see is nil, and sent all the same
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_lua_body_size 10k;
    aws_sigv4_by_lua_block {
        sigv4.region = sigv4.json("model") or "us-east-2"
        assert((sigv4.body == nil) == (sigv4.region == "us-east-2"))
    }
}
--- requests eval
[map {
     main::post('{"pad":"' . 'x' x ($_ - 30) . '","model":"eu-west-1"}')
 } 10240, 10241, 500_000]
--- status: 200 200 200
--- upstream_verdict: ok
--- upstream_record eval
['region: eu-west-1', 'region: us-east-2', 'region: us-east-2']



=== without a body it is empty
--- config
location / {
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    aws_sigv4_by_lua_block {
        sigv4.deny(400, "[" .. sigv4.body .. "]"
                        .. tostring(sigv4.json("model")))
    }
}
--- requests eval
['GET /', main::post('')]
--- status: 400 400
--- response_body eval
['[]nil', '[]nil']



=== a body too large for nginx never reaches the hook
--- requests eval
[main::post('x' x 1_100_000)]
--- status: 413
--- error_log: client intended to send too large body
--- upstream_count: 0
