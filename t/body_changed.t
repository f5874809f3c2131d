# SPDX-License-Identifier: BSD-2-Clause

# Bodies that change on their way: by ngx_lua after they have been read, by
# proxy_set_body, or not sent at all.  The hash is that of what is sent.

use strict;
use warnings;

use lib 't/lib';

use AwsSigV4;
use Digest::SHA qw(sha256_hex);

default_section(load_modules => 'ndk_http_module ngx_http_lua_module');

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;

aws_sigv4          on;
aws_sigv4_service  execute-api;
aws_sigv4_region   us-east-1;

client_max_body_size     10m;
client_body_buffer_size  16k;
EOC

default_section(config => <<'EOC');
location /before {
    rewrite_by_lua_block {
        ngx.req.read_body()
        ngx.req.set_body_data(ngx.var.arg_to)
    }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /access {
    access_by_lua_block {
        ngx.req.read_body()
        ngx.req.set_body_data(ngx.var.arg_to)
    }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /reversed {
    access_by_lua_block {
        ngx.req.read_body()
        local body = ngx.req.get_body_data()

        if not body then
            local f = io.open(ngx.req.get_body_file(), "rb")
            body = f:read("*a")
            f:close()
        end

        ngx.req.set_body_data(body:reverse())
    }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /read {
    access_by_lua_block { ngx.req.read_body() }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /discarded {
    access_by_lua_block { ngx.req.discard_body() }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /emptied {
    access_by_lua_block {
        ngx.req.read_body()
        ngx.req.set_body_data("")
    }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /file {
    access_by_lua_block {
        ngx.req.read_body()
        ngx.req.set_body_file("$TEST_DIR/" .. ngx.var.arg_name)
    }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /files {
    access_by_lua_block {
        ngx.req.read_body()
        ngx.req.set_body_file("$TEST_DIR/a.40000")
        ngx.req.set_body_file("$TEST_DIR/b.40000")
    }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /appended {
    access_by_lua_block {
        ngx.req.read_body()
        local size = tonumber(ngx.var.arg_size)

        ngx.req.init_body(tonumber(ngx.var.arg_buffer))

        for i = 1, size / 1000 do
            ngx.req.append_body(string.rep("+", 1000))
        end

        ngx.req.finish_body()
    }
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /exec {
    content_by_lua_block {
        ngx.req.read_body()
        ngx.req.set_body_data(string.rep("e", #ngx.req.get_body_data()))
        ngx.exec("/read")
    }
}

location /redirected {
    rewrite_by_lua_block { ngx.req.read_body() }
    proxy_pass  http://127.0.0.1:$CLOSED_PORT;
    error_page  502 = @second;
}

location @second {
    proxy_pass  http://127.0.0.1:$VERIFIER_PORT;
}

location /set {
    proxy_set_body  "<$arg_a>$request_body</>";
    proxy_pass      http://127.0.0.1:$VERIFIER_PORT;
}

location /constant {
    proxy_set_body  "constant";
    proxy_pass      http://127.0.0.1:$VERIFIER_PORT;
}

location /none {
    proxy_pass_request_body  off;
    proxy_set_header         Content-Length "";
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}

location /announced {
    proxy_pass_request_body  off;
    proxy_pass               http://127.0.0.1:$VERIFIER_PORT;
}

location /capture {
    content_by_lua_block {
        ngx.req.read_body()

        local first = ngx.location.capture("/read", {
            method = ngx.HTTP_POST, body = "of the capture" })
        local second = ngx.location.capture("/read", {
            method = ngx.HTTP_PUT, always_forward_body = true })

        ngx.say(first.status, " ", second.status)
    }
}
EOC

default_section(files => '>>> a.40000' . "\n" . 'a' x 40000 . "\n"
                         . '>>> b.40000' . "\n" . 'b' x 40000 . "\n"
                         . '>>> small' . "\n" . "small\n");

sub hash { return '$aws_sigv4_payload_hash=' . sha256_hex(@_) }

run_tests();

__DATA__

=== set_body_data before the access phase, of the same length and another
--- requests eval
[{ method => 'POST', target => '/before?to=changed', body => 'between' },
 { method => 'POST', target => '/before?to=changed', body => 'b' },
 { method => 'POST', target => '/before?to=changed', body => 'b' x 40000 }]
--- upstream_verdict: ok
--- upstream_body: changed
--- access eval
main::hash('changed') . "\n" . '$aws_sigv4_status=signed'



=== set_body_data in the access phase
--- requests eval
[{ method => 'POST', target => '/access?to=changed', body => 'between' },
 { method => 'POST', target => '/access?to=changed', body => 'b' },
 { method => 'POST', target => '/access?to=changed', body => 'b' x 40000 }]
--- upstream_verdict: ok
--- upstream_body: changed
--- access eval
main::hash('changed') . "\n" . '$aws_sigv4_status=signed'



=== another body of the same length, in memory and spooled
--- requests eval
[map { { method => 'POST', target => '/reversed', body => $_ } }
     'abc', 'a' x 8000 . 'b' x 8000, 'a' x 20000 . 'b' x 20000]
--- upstream_verdict: ok
--- upstream_body eval
['cba', 'b' x 8000 . 'a' x 8000, 'b' x 20000 . 'a' x 20000]
--- access: $aws_sigv4_status=signed



=== the same in many pieces
--- requests eval
[map { { method => 'POST', target => '/reversed', body => $_,
         split => [60, 100, 100, 5000] } }
     'a' x 500 . 'b' x 500, 'a' x 8000 . 'b' x 8000,
     'a' x 20000 . 'b' x 20000]
--- upstream_verdict: ok
--- upstream_body eval
['b' x 500 . 'a' x 500, 'b' x 8000 . 'a' x 8000, 'b' x 20000 . 'a' x 20000]
--- access: $aws_sigv4_status=signed



=== a body that was read before and not changed
--- requests eval
[map { { method => 'POST', target => '/read', body => $_,
         split => [60, 100] } } '', 'abc', 'd' x 10000, 'e' x 100000]
--- upstream_verdict: ok
--- upstream_body eval
['', 'abc', 'd' x 10000, 'e' x 100000]
--- access: $aws_sigv4_status=signed



=== a body that is discarded, and one that is made empty
--- requests eval
[{ method => 'POST', target => '/discarded', body => 'x' x 1000 },
 { method => 'POST', target => '/emptied', body => 'x' x 1000 },
 { method => 'POST', target => '/emptied', body => 'x' x 100000 }]
--- upstream_verdict: ok
--- upstream_body eval
''
--- access eval
main::hash('')



=== set_body_file, in place of memory and of a file of the same length
--- requests eval
[{ method => 'POST', target => '/file?name=a.40000', body => 'x' },
 { method => 'POST', target => '/file?name=a.40000', body => 'x' x 40001 },
 { method => 'POST', target => '/file?name=b.40000', body => 'x' x 40001 },
 { method => 'POST', target => '/files', body => 'x' x 40001 },
 { method => 'POST', target => '/file?name=small', body => 'x' x 40001 }]
--- upstream_verdict: ok
--- upstream_body eval
['a' x 40000 . "\n", 'a' x 40000 . "\n", 'b' x 40000 . "\n",
 'b' x 40000 . "\n", "small\n"]
--- access: $aws_sigv4_status=signed



=== append_body, in memory and spooled, of the same length and another
--- requests eval
[map { { method => 'POST', target => "/appended?$_", body => 'x' x 50000 } }
     'buffer=100000&size=50000', 'buffer=16000&size=50000',
     'buffer=16000&size=50000', 'buffer=16000&size=60000',
     'buffer=100000&size=2000']
--- upstream_verdict: ok
--- upstream_body eval
[map { '+' x $_ } 50000, 50000, 50000, 60000, 2000]
--- access: $aws_sigv4_status=signed



=== a body changed before an internal redirect
--- requests eval
[{ method => 'POST', target => '/exec', body => 'x' x 1000 },
 { method => 'POST', target => '/exec', body => 'x' x 1000,
   split => [60, 100, 100] }]
--- upstream_verdict: ok
--- upstream_body eval
'e' x 1000
--- access: $aws_sigv4_status=signed



=== a body that another location has signed already
--- requests eval
[map { { method => 'PUT', target => '/redirected', body => 'x' x $_ } }
     100, 100000]
--- upstream_verdict: ok
--- upstream_body eval
['x' x 100, 'x' x 100000]
--- error_log: connect() failed
--- access: $aws_sigv4_status=signed



=== proxy_set_body
--- requests eval
[{ method => 'POST', target => '/set?a=1', body => 'in' },
 { method => 'POST', target => '/set?a=2', body => '' },
 'GET /set?a=3',
 { method => 'POST', target => '/constant', body => 'in' },
 { method => 'POST', target => '/constant', body => 'x' x 100000 },
 'GET /constant']
--- upstream_verdict: ok
--- upstream_body eval
['<1>in</>', '<2></>', '<3></>', 'constant', 'constant', 'constant']
--- access: $aws_sigv4_status ~ ^(?:re)?signed$



=== proxy_pass_request_body off
--- requests eval
[{ method => 'POST', target => '/none', body => 'in' },
 { method => 'POST', target => '/none', body => 'x' x 100000 },
 { method => 'POST', target => '/none', body => 'x' x 100000,
   headers => 'Transfer-Encoding: chunked' },
 'GET /none']
--- upstream_verdict: ok
--- upstream_body eval
''
--- access eval
main::hash('')



=== proxy_pass_request_body off, and the length of the client's body
--- request
POST /announced
--- body: in
--- status: 500
--- upstream_count: 0
--- error_log: announces another body than the one of 0 bytes and is not sent
--- access: $aws_sigv4_status=not_sealed



=== the body of a subrequest is not that of its parent
--- requests eval
[map { { method => 'POST', target => '/capture', body => $_ } }
     'of the parent', 'p' x 100000]
--- response_body
200 200
--- upstream_verdict: ok
--- upstream_body eval
['of the capture', 'of the parent', 'of the capture', 'p' x 100000]
