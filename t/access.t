# SPDX-License-Identifier: BSD-2-Clause

# A client that is refused has no body read and no request signed, whatever
# the order of the modules; a signature is no permission.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
EOC

default_section(files => <<'EOC');
>>> password 0644
user:{PLAIN}word
EOC

default_section(config => <<'EOC');
aws_sigv4 on;
auth_basic_user_file $TEST_DIR/password;

location /deny/ {
    deny all;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /allow/ {
    allow 127.0.0.1;
    deny all;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /basic/ {
    auth_basic realm;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /request/ {
    auth_request /auth;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location = /auth {
    internal;
    aws_sigv4 off;
    if ($http_x_pass = yes) {
        return 204;
    }
    return 401;
}

location /any-deny/ {
    satisfy any;
    deny all;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /any-allow/ {
    satisfy any;
    allow 127.0.0.1;
    deny all;
    auth_basic realm;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /any-basic/ {
    satisfy any;
    deny all;
    auth_basic realm;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /any-request/ {
    satisfy any;
    deny all;
    auth_request /auth;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /any-nothing/ {
    satisfy any;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /all/ {
    satisfy all;
    allow 127.0.0.1;
    deny all;
    auth_basic realm;
    auth_request /auth;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /any-failure/ {
    satisfy any;
    deny all;
    auth_basic realm;
    set $odd a/b;
    aws_sigv4_service $odd;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

default_section(access => <<'EOC');
$aws_sigv4_status=signed
EOC

our $lua = <<'EOC';
location /lua/ {
    access_by_lua_block {
        if ngx.var.arg_deny then
            return ngx.exit(403)
        end

        if ngx.var.arg_sleep then
            ngx.sleep(0.001)
        end

        local body = ngx.var.arg_body

        ngx.req.set_header("X-Amz-Meta-A", "of lua")
        ngx.req.clear_header("X-Amz-Meta-B")
        ngx.req.set_uri_args("a=lua&b=2")

        if body then
            ngx.req.read_body()
            ngx.req.set_body_data("body of lua")
        end
    }
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /lua-uri/ {
    access_by_lua_block { ngx.req.set_uri("/lua uri/%41", false) }
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /lua-any/ {
    satisfy any;
    deny all;
    access_by_lua_block {
        if ngx.var.arg_deny then
            return ngx.exit(401)
        end
    }
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /deny/ {
    deny all;
    access_by_lua_block { ngx.log(ngx.ERR, "not to be run") }
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
EOC

our $changes = [
    { method => 'GET', target => '/lua/',
      headers => "X-Amz-Meta-B: b\nX-Amz-Meta-A: a\n" },
    'GET /lua/?sleep=1',
    { method => 'POST', target => '/lua/', body => 'body' },
    { method => 'POST', target => '/lua/?body=1&sleep=1', body => 'body' },
];
our $changed = [map { "$_ /lua/?a=lua&b=2" } qw(GET GET POST POST)];
our $bodies = ['', '', 'body', 'body of lua'];

run_tests();

__DATA__

=== deny
--- request
POST /deny/
--- more_headers
Expect: 100-continue
--- body: body
--- status: 403
--- continued: no
--- upstream_count: 0
--- error_log: access forbidden by rule
--- access: $aws_sigv4_status=off



=== allow
--- request
POST /allow/
--- more_headers
Expect: 100-continue
--- body: body
--- continued: yes
--- upstream_verdict: ok
--- upstream_body: body



=== auth_basic refuses
--- request
POST /basic/
--- more_headers
Expect: 100-continue
--- body: body
--- status: 401
--- continued: no
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== auth_basic allows, and the password goes no further
--- request
POST /basic/
--- more_headers
Authorization: Basic dXNlcjp3b3Jk
--- body: body
--- upstream_verdict: ok
--- upstream_count: 1
--- upstream_header: authorization ~ ^AWS4-HMAC-SHA256
--- access
$aws_sigv4_status=signed
$remote_user=user



=== auth_request refuses
--- request
POST /request/
--- more_headers
Expect: 100-continue
--- body: body
--- status: 401
--- continued: no
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== auth_request allows
--- request
POST /request/
--- more_headers
X-Pass: yes
Expect: 100-continue
--- body: body
--- continued: yes
--- upstream_verdict: ok
--- upstream_body: body



=== a signature does not satisfy "any"
--- request
POST /any-deny/
--- more_headers
Expect: 100-continue
--- body: body
--- status: 403
--- continued: no
--- upstream_count: 0
--- error_log: access forbidden by rule
--- access: $aws_sigv4_status=off



=== "any" by an address
--- request
POST /any-allow/
--- more_headers
Expect: 100-continue
--- body: body
--- continued: yes
--- upstream_verdict: ok
--- upstream_body: body



=== "any" by a password
--- request
POST /any-basic/
--- more_headers
Authorization: Basic dXNlcjp3b3Jk
Expect: 100-continue
--- body: body
--- continued: yes
--- upstream_verdict: ok
--- upstream_body: body



=== neither address nor password
--- request
POST /any-basic/
--- more_headers
Authorization: Basic dXNlcjp3cm9uZw==
Expect: 100-continue
--- body: body
--- status: 401
--- continued: no
--- upstream_count: 0
--- error_log
user "user": password mismatch
--- access: $aws_sigv4_status=off



=== "any" by auth_request
--- request
POST /any-request/
--- more_headers
X-Pass: yes
--- body: body
--- upstream_verdict: ok
--- upstream_body: body



=== neither address nor auth_request
--- request
POST /any-request/
--- more_headers
Expect: 100-continue
--- body: body
--- status: 401
--- continued: no
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== "any" of nothing
--- request
GET /any-nothing/
--- upstream_verdict: ok



=== "all"
--- request
POST /all/
--- more_headers
Authorization: Basic dXNlcjp3b3Jk
X-Pass: yes
--- body: body
--- upstream_verdict: ok
--- upstream_body: body



=== "all" but one
--- request
POST /all/
--- more_headers
X-Pass: yes
Expect: 100-continue
--- body: body
--- status: 401
--- continued: no
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== a failure to sign is not overruled by a permission
--- request
GET /any-failure/
--- more_headers
Authorization: Basic dXNlcjp3b3Jk
--- status: 500
--- upstream_count: 0
--- error_log: service "a/b"
--- access: $aws_sigv4_status=bad_scope



=== access_by_lua refuses, ngx_lua loaded before
--- load_modules: ndk_http_module ngx_http_lua_module
--- config eval
$main::lua
--- request
POST /lua/?deny=1
--- more_headers
Expect: 100-continue
--- body: body
--- status: 403
--- continued: no
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== access_by_lua refuses, ngx_lua loaded after
--- load_modules_after: ndk_http_module ngx_http_lua_module
--- config eval
$main::lua
--- request
POST /lua/?deny=1
--- more_headers
Expect: 100-continue
--- body: body
--- status: 403
--- continued: no
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== what access_by_lua changes is signed, ngx_lua loaded before
--- load_modules: ndk_http_module ngx_http_lua_module
--- config eval
$main::lua
--- requests eval
$main::changes
--- upstream_verdict: ok
--- upstream_count: 4
--- upstream_header
x-amz-meta-a: of lua
! x-amz-meta-b
--- upstream_request eval
$main::changed
--- upstream_body eval
$main::bodies



=== what access_by_lua changes is signed, ngx_lua loaded after
--- load_modules_after: ndk_http_module ngx_http_lua_module
--- config eval
$main::lua
--- requests eval
$main::changes
--- upstream_verdict: ok
--- upstream_count: 4
--- upstream_header
x-amz-meta-a: of lua
! x-amz-meta-b
--- upstream_request eval
$main::changed
--- upstream_body eval
$main::bodies



=== a URI of access_by_lua, ngx_lua loaded before
--- load_modules: ndk_http_module ngx_http_lua_module
--- config eval
$main::lua
--- request
GET /lua-uri/
--- upstream_verdict: ok
--- upstream_request: GET /lua%20uri/%2541



=== a URI of access_by_lua, ngx_lua loaded after
--- load_modules_after: ndk_http_module ngx_http_lua_module
--- config eval
$main::lua
--- request
GET /lua-uri/
--- upstream_verdict: ok
--- upstream_request: GET /lua%20uri/%2541



=== "any" by access_by_lua, ngx_lua loaded before
--- load_modules: ndk_http_module ngx_http_lua_module
--- config eval
$main::lua
--- request
POST /lua-any/
--- body: body
--- upstream_verdict: ok
--- upstream_body: body



=== "any" by access_by_lua, ngx_lua loaded after
--- load_modules_after: ndk_http_module ngx_http_lua_module
--- config eval
$main::lua
--- request
POST /lua-any/
--- body: body
--- upstream_verdict: ok
--- upstream_body: body



=== neither address nor access_by_lua, ngx_lua loaded before
--- load_modules: ndk_http_module ngx_http_lua_module
--- config eval
$main::lua
--- request
POST /lua-any/?deny=1
--- more_headers
Expect: 100-continue
--- body: body
--- status: 401
--- continued: no
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== neither address nor access_by_lua, ngx_lua loaded after
--- load_modules_after: ndk_http_module ngx_http_lua_module
--- config eval
$main::lua
--- request
POST /lua-any/?deny=1
--- more_headers
Expect: 100-continue
--- body: body
--- status: 401
--- continued: no
--- upstream_count: 0
--- access: $aws_sigv4_status=off



=== deny comes before access_by_lua and the signature
--- load_modules_after: ndk_http_module ngx_http_lua_module
--- config eval
$main::lua
--- request
POST /deny/
--- more_headers
Expect: 100-continue
--- body: body
--- status: 403
--- continued: no
--- upstream_count: 0
--- error_log: access forbidden by rule
--- access: $aws_sigv4_status=off



=== a request that waits for auth_request while the handler moves
--- config
location /guarded/ {
    auth_request /auth;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location = /auth {
    proxy_pass http://127.0.0.1:$TEST_PORT/signed/;
}

location /signed/ {
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- request
GET /guarded/
--- upstream_script eval
[{ status => 403 }]
--- error_log: cause "unknown"
--- status: 403
--- upstream_count: 1
--- access: $status=403



=== a request that waits in access_by_lua while the handler moves
--- load_modules_after: ndk_http_module ngx_http_lua_module
--- config
location /guarded/ {
    access_by_lua_block {
        local sock = ngx.socket.tcp()
        sock:connect("127.0.0.1", $TEST_PORT)
        sock:send("GET /signed/ HTTP/1.0\r\n\r\n")
        sock:receive("*a")
        return ngx.exit(403)
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /signed/ {
    aws_sigv4 on;
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}
--- request
GET /guarded/
--- status: 403
--- upstream_count: 1
--- upstream_verdict: ok
--- access: $status ~ ^(403|200)$
