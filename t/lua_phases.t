# SPDX-License-Identifier: BSD-2-Clause

# What ngx_lua changes before the request is signed.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

our $body = join '', map { sprintf "%07d\n", $_ } 1 .. 8192;

default_section(load_modules => 'ndk_http_module ngx_http_lua_module');

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider other static
    access_key_id=$TEST_OTHER_AKID secret_access_key=$TEST_OTHER_SECRET;
EOC

default_section(files => <<'EOC');
>>> body.txt 0644
body of a file
EOC

default_section(config => <<'EOC');
aws_sigv4 on;

set $region us-east-1;
set $service aps;
set $credentials "";
aws_sigv4_region $region;
aws_sigv4_service $service;
aws_sigv4_credentials $credentials;

location /set/ {
    set_by_lua_block $region { return "eu-" .. ngx.var.arg_r }
    set_by_lua_block $service { return ngx.var.arg_s }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /rewrite/ {
    rewrite_by_lua_block {
        ngx.var.region = "eu-" .. ngx.var.arg_r
        ngx.var.service = ngx.var.arg_s
        ngx.var.credentials = "other"
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /access/ {
    access_by_lua_block {
        ngx.sleep(0.001)
        ngx.var.region = "eu-" .. ngx.var.arg_r
        ngx.var.service = ngx.var.arg_s
        ngx.var.credentials = "other"
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /host/ {
    aws_sigv4_host $host_of_lua;
    aws_sigv4_service "";
    aws_sigv4_region "";
    aws_sigv4_allow_hosts *.amazonaws.com;
    set $host_of_lua "";
    access_by_lua_block {
        ngx.var.host_of_lua = "monitoring." .. ngx.var.arg_r .. ".amazonaws.com"
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /header/ {
    rewrite_by_lua_block {
        ngx.req.set_header("X-Amz-Meta-A", { "1", "2" })
        ngx.req.set_header("Content-Type", "text/lua")
        ngx.req.set_header("Authorization", "Bearer lua")
        ngx.req.clear_header("X-Amz-Meta-B")
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /uri/ {
    rewrite_by_lua_block {
        ngx.req.set_uri("/uri/" .. ngx.unescape_uri(ngx.var.arg_to))
        ngx.req.set_uri_args("d&a=b+c")
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /jump/ {
    rewrite_by_lua_block { ngx.req.set_uri("/method/" .. ngx.var.arg_to, true) }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /method/ {
    rewrite_by_lua_block { ngx.req.set_method(ngx.HTTP_PUT) }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /exec/ {
    access_by_lua_block { ngx.exec("/header/", "x=1") }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /exec-named/ {
    access_by_lua_block { ngx.req.read_body() ngx.exec("@named") }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location @named {
    aws_sigv4_service s3;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /body/ {
    client_body_buffer_size 1k;
    access_by_lua_block {
        ngx.req.read_body()
        ngx.req.set_body_data("body of lua")
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /body-long/ {
    client_body_buffer_size 1k;
    access_by_lua_block {
        ngx.req.read_body()
        ngx.req.set_body_data(string.rep("body of lua\n", 10000))
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /body-same-length/ {
    client_body_buffer_size 128k;
    access_by_lua_block {
        ngx.req.read_body()
        local data = ngx.req.get_body_data()
        ngx.req.set_body_data((data:gsub("%d", "x")))
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /body-file/ {
    access_by_lua_block {
        ngx.req.read_body()
        ngx.req.set_body_file("$TEST_DIR/body.txt", false)
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /body-rewritten/ {
    rewrite_by_lua_block {
        ngx.req.read_body()
        ngx.req.set_body_data("1")
        ngx.req.set_body_data("22")
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /body-parts/ {
    access_by_lua_block {
        ngx.req.read_body()
        ngx.req.init_body(16)
        for i = 1, 100 do
            ngx.req.append_body("part " .. i .. "\n")
        end
        ngx.req.finish_body()
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /body-read/ {
    rewrite_by_lua_block { ngx.req.read_body() }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /body-discarded/ {
    rewrite_by_lua_block { ngx.req.discard_body() }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /log/ {
    log_by_lua_block {
        ngx.log(ngx.WARN, "status ", ngx.var.aws_sigv4_status, " of ",
                ngx.var.aws_sigv4_credential_scope)
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /content/ {
    content_by_lua_block { ngx.print(ngx.var.aws_sigv4_status) }
}
EOC

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

run_tests();

__DATA__

=== variables of set_by_lua
--- requests eval
['GET /set/?r=west-1&s=aps', 'GET /set/?r=north-1&s=s3']
--- upstream_verdict: ok
--- upstream_record eval
["region: eu-west-1\nservice: aps", "region: eu-north-1\nservice: s3"]



=== variables of rewrite_by_lua
--- requests eval
['GET /rewrite/?r=west-1&s=aps', 'GET /rewrite/?r=north-1&s=s3']
--- upstream_verdict: ok
--- upstream_record eval
["region: eu-west-1\nservice: aps\naccess_key_id: AKIDOTHER",
 "region: eu-north-1\nservice: s3\naccess_key_id: AKIDOTHER"]



=== variables of access_by_lua
--- requests eval
['GET /access/?r=west-1&s=aps', 'GET /access/?r=north-1&s=s3',
 { method => 'POST', target => '/access/?r=west-2&s=aps', body => 'body' }]
--- upstream_verdict: ok
--- upstream_record eval
["region: eu-west-1\nservice: aps\naccess_key_id: AKIDOTHER",
 "region: eu-north-1\nservice: s3\naccess_key_id: AKIDOTHER",
 "region: eu-west-2\nservice: aps\naccess_key_id: AKIDOTHER"]



=== a host of access_by_lua
--- request
GET /host/?r=eu-west-1
--- upstream_verdict: ok
--- upstream_header: host: monitoring.eu-west-1.amazonaws.com
--- upstream_record
region: eu-west-1
service: monitoring



=== headers
--- request
GET /header/
--- more_headers
X-Amz-Meta-A: of the client
X-Amz-Meta-B: of the client
Content-Type: of/the-client
--- upstream_verdict: ok
--- upstream_header
x-amz-meta-a: 1, 2
content-type: text/lua
! x-amz-meta-b
authorization ~ ^AWS4-HMAC-SHA256



=== the URI and its arguments
--- requests eval
['GET /uri/?to=a', 'GET /uri/?to=a%20b%2Fc', 'GET /uri/?to=%25%3F%C3%A9']
--- upstream_verdict: ok
--- upstream_request eval
['GET /uri/a?d&a=b%20c', 'GET /uri/a%20b/c?d&a=b%20c',
 'GET /uri/%25%3F%C3%A9?d&a=b%20c']



=== a jump
--- request
GET /jump/?to=a
--- upstream_verdict: ok
--- upstream_request: PUT /method/a?to=a



=== the method
--- requests eval
['GET /method/', { method => 'POST', target => '/method/', body => 'body' }]
--- upstream_verdict: ok
--- upstream_request: PUT /method/
--- upstream_body eval
['', 'body']



=== ngx.exec
--- request
GET /exec/a
--- upstream_verdict: ok
--- upstream_request: GET /header/?x=1
--- upstream_header: x-amz-meta-a: 1, 2



=== ngx.exec with a body
--- request
POST /exec-named/a
--- body eval
$main::body
--- upstream_verdict: ok
--- upstream_request: POST /exec-named/a
--- upstream_record: service: s3
--- upstream_body eval
$main::body



=== a body for one that was spooled, was in memory, was not there
--- requests eval
[{ method => 'POST', target => '/body/', body => $main::body },
 { method => 'POST', target => '/body/', body => 'short' },
 { method => 'POST', target => '/body/', body => '' }, 'GET /body/']
--- upstream_verdict: ok
--- upstream_count: 4
--- upstream_body: body of lua



=== a long body
--- requests eval
[{ method => 'POST', target => '/body-long/', body => $main::body },
 { method => 'POST', target => '/body-long/', body => 'short' }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
"body of lua\n" x 10000



=== a body of the same length
--- requests eval
[{ method => 'POST', target => '/body-same-length/', body => $main::body },
 { method => 'POST', target => '/body-same-length/', body => '0123' }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
[$main::body =~ s/\d/x/gr, 'xxxx']



=== a body from a file
--- requests eval
[{ method => 'POST', target => '/body-file/', body => $main::body },
 { method => 'POST', target => '/body-file/', body => 'short' }]
--- upstream_verdict: ok
--- upstream_count: 2
--- upstream_body eval
"body of a file\n"



=== a body that is changed twice
--- request
POST /body-rewritten/
--- body: body
--- upstream_verdict: ok
--- upstream_body: 22



=== a body of parts
--- request
POST /body-parts/
--- body: body
--- upstream_verdict: ok
--- upstream_body eval
CORE::join('', map { "part $_\n" } 1 .. 100)



=== a body that was read before
--- requests eval
[{ method => 'POST', target => '/body-read/', body => $main::body },
 { method => 'POST', target => '/body-read/', body => 'short' },
 { method => 'POST', target => '/body-read/', body => 'chunks' x 5000,
   headers => "Transfer-Encoding: chunked\n" }]
--- upstream_verdict: ok
--- upstream_count: 3
--- upstream_body eval
[$main::body, 'short', 'chunks' x 5000]



=== a body that was thrown away
--- request
POST /body-discarded/
--- body: body
--- upstream_verdict: ok
--- upstream_body eval
''



=== variables in log_by_lua
--- request
GET /log/
--- upstream_verdict: ok
--- error_log eval
qr{status signed of \d{8}/us-east-1/aps/aws4_request}



=== variables where nothing is signed
--- request
GET /content/
--- response_body: off
--- upstream_count: 0
--- access: $aws_sigv4_status=off
