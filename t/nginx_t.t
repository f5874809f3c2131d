# SPDX-License-Identifier: BSD-2-Clause

# nginx -t: the bad values of the directives, each with its file and line.

use strict;
use warnings;

use POSIX qw(mkfifo);

use lib 't/lib';

use AwsSigV4;

our $fifo = temp_dir() . '/fifo';

mkfifo($fifo, 0600) or die "$fifo: $!";

default_section(http_config => <<'EOC');
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
EOC

run_tests();

__DATA__

=== aws_sigv4 maybe
--- config
location / {
    aws_sigv4 maybe;
}
--- must_die
invalid value "maybe" in "aws_sigv4" directive, it must be "on" or "off" in server.conf:2



=== aws_sigv4 twice
--- config
aws_sigv4 on;
aws_sigv4 off;
--- must_die
"aws_sigv4" directive is duplicate in server.conf:2



=== aws_sigv4 without a value
--- config
aws_sigv4;
--- must_die
invalid number of arguments in "aws_sigv4" directive in server.conf:1



=== a service with a slash
--- config
aws_sigv4_service a/b;
--- must_die
invalid value "a/b" in "aws_sigv4_service", write a name without "/", "," and blanks in server.conf:1



=== a service with a line break
--- config
location / {
    aws_sigv4_service "a
b";
}
--- must_die
b" in "aws_sigv4_service", write a name without "/", "," and blanks in server.conf:3



=== a service twice
--- config
aws_sigv4_service s3;
aws_sigv4_service s3;
--- must_die
"aws_sigv4_service" directive is duplicate in server.conf:2



=== two services
--- config
aws_sigv4_service s3 es;
--- must_die
invalid number of arguments in "aws_sigv4_service" directive in server.conf:1



=== a service from a variable that is not there
--- config
aws_sigv4_service $not_there;
--- must_die
unknown "not_there" variable



=== an empty service leaves it to the host
--- config
aws_sigv4_service s3;
location / {
    aws_sigv4 on;
    aws_sigv4_service "";
    proxy_pass http://127.0.0.1:8000;
}
--- must_die
no service can be inferred from host "127.0.0.1:8000", set "aws_sigv4_service" and "aws_sigv4_region", or "aws_sigv4_host", for the "proxy_pass" in server.conf:5



=== a region with a space
--- config
aws_sigv4_region "us east 1";
--- must_die
invalid value "us east 1" in "aws_sigv4_region", write a name without "/", "," and blanks in server.conf:1



=== a region with a comma
--- config
aws_sigv4_region us-east-1,us-west-2;
--- must_die
invalid value "us-east-1,us-west-2" in "aws_sigv4_region", write a name without "/", "," and blanks in server.conf:1



=== a region twice
--- config
aws_sigv4_region us-east-1;
aws_sigv4_region us-east-1;
--- must_die
"aws_sigv4_region" directive is duplicate in server.conf:2



=== a host twice
--- config
aws_sigv4_host a;
aws_sigv4_host b;
--- must_die
"aws_sigv4_host" directive is duplicate in server.conf:2



=== a host with a space
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_host "a b";
    proxy_pass http://127.0.0.1:8000;
}
--- must_die
"a b" is no host to sign for, look at "aws_sigv4_host" and "proxy_set_header Host" for the "proxy_pass" in server.conf:4



=== an empty host
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_host "";
    proxy_pass http://127.0.0.1:8000;
}
--- must_die
"" is no host to sign for, look at "aws_sigv4_host" and "proxy_set_header Host" for the "proxy_pass" in server.conf:4



=== credentials that are not there
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    aws_sigv4_credentials nobody;
    proxy_pass http://127.0.0.1:8000;
}
--- must_die
"aws_sigv4_credentials nobody" of the "aws_sigv4" in server.conf:2 names no provider, define it with "aws_sigv4_provider nobody <type>;"



=== credentials that are not there, where "aws_sigv4" is inherited
--- config
aws_sigv4 on;
aws_sigv4_service aps;
location /a/ {
    location /a/b/ {
        aws_sigv4_credentials nobody;
        proxy_pass http://127.0.0.1:8000;
    }
}
--- must_die
"aws_sigv4_credentials nobody" of the "aws_sigv4" in server.conf:1 names no provider



=== credentials without a name
--- config
location / {
    aws_sigv4 on;
    aws_sigv4_service aps;
    aws_sigv4_credentials "";
    proxy_pass http://127.0.0.1:8000;
}
--- must_die
"aws_sigv4_credentials" of the "aws_sigv4" in server.conf:2 is empty, write the name of a provider



=== credentials twice
--- config
aws_sigv4_credentials default;
aws_sigv4_credentials default;
--- must_die
"aws_sigv4_credentials" directive is duplicate in server.conf:2



=== a provider outside of "http"
--- config
aws_sigv4_provider a env;
--- must_die
"aws_sigv4_provider" directive is not allowed here in server.conf:1



=== aws_sigv4_payload
--- config
aws_sigv4_payload none;
--- must_die
invalid value "none" in "aws_sigv4_payload" directive, it must be "signed" or "unsigned" in server.conf:1



=== aws_sigv4_payload twice
--- config
aws_sigv4_payload signed;
aws_sigv4_payload unsigned;
--- must_die
"aws_sigv4_payload" directive is duplicate in server.conf:2



=== aws_sigv4_content_sha256
--- config
aws_sigv4_content_sha256 yes;
--- must_die
invalid value "yes" in "aws_sigv4_content_sha256" directive, it must be "on" or "off" in server.conf:1



=== aws_sigv4_normalize_path
--- config
aws_sigv4_normalize_path yes;
--- must_die
invalid value "yes" in "aws_sigv4_normalize_path" directive, it must be "on" or "off" in server.conf:1



=== aws_sigv4_double_encode
--- config
aws_sigv4_double_encode yes;
--- must_die
invalid value "yes" in "aws_sigv4_double_encode" directive, it must be "on" or "off" in server.conf:1



=== aws_sigv4_credentials_timeout
--- config
aws_sigv4_credentials_timeout soon;
--- must_die
"aws_sigv4_credentials_timeout" directive invalid value in server.conf:1



=== aws_sigv4_lua_need_body
--- config
aws_sigv4_lua_need_body yes;
--- must_die
invalid value "yes" in "aws_sigv4_lua_need_body" directive, it must be "on" or "off" in server.conf:1



=== aws_sigv4_lua_body_size
--- config
aws_sigv4_lua_body_size large;
--- must_die
"aws_sigv4_lua_body_size" directive invalid value in server.conf:1



=== aws_sigv4_lua_package_path outside of "http"
--- config
aws_sigv4_lua_package_path "/tmp/?.lua";
--- must_die
"aws_sigv4_lua_package_path" directive is not allowed here in server.conf:1



=== a header name that is none
--- config
location / {
    aws_sigv4_signed_headers x-tenant "x tenant";
}
--- must_die
"aws_sigv4_signed_headers": invalid header name "x tenant", write letters, digits, "-" and "_" in server.conf:2



=== an empty header name
--- config
aws_sigv4_signed_headers x-tenant "";
--- must_die
"aws_sigv4_signed_headers": invalid header name "", write letters, digits, "-" and "_" in server.conf:1



=== X-Forwarded-Proto cannot be signed
--- config
aws_sigv4_signed_headers X-Forwarded-Proto;
--- must_die
header "x-forwarded-proto" cannot be signed: it may change on the way



=== a hook in a file that is not there
--- config
aws_sigv4_by_lua_file not-there.lua;
--- must_die
"aws_sigv4_by_lua_file": open() "not-there.lua" failed (2: No such file or directory) in server.conf:1



=== a hook in a directory
--- config
aws_sigv4_by_lua_file $TEST_DIR;
--- must_die
"aws_sigv4_by_lua_file": "$TEST_DIR" is not a file in server.conf:1



=== a hook in a FIFO that nobody writes into
--- config eval
"aws_sigv4_by_lua_file $::fifo;"
--- must_die eval
"\"aws_sigv4_by_lua_file\": \"$::fifo\" is not a file in server.conf:1"



=== signed headers twice
--- config
aws_sigv4_signed_headers a;
aws_sigv4_signed_headers b;
--- must_die
"aws_sigv4_signed_headers" directive is duplicate in server.conf:2



=== no signed header
--- config
aws_sigv4_signed_headers;
--- must_die
invalid number of arguments in "aws_sigv4_signed_headers" directive in server.conf:1



=== Connection cannot be signed
--- config
aws_sigv4_signed_headers x-a Connection;
--- must_die
header "connection" cannot be signed: it may change on the way, remove it from "aws_sigv4_signed_headers" in server.conf:1



=== Authorization cannot be signed
--- config
aws_sigv4_signed_headers Authorization;
--- must_die
header "authorization" cannot be signed: it may change on the way, remove it from "aws_sigv4_signed_headers" in server.conf:1



=== X-Forwarded-For cannot be signed
--- config
aws_sigv4_signed_headers X-Forwarded-For;
--- must_die
header "x-forwarded-for" cannot be signed: it may change on the way, remove it from "aws_sigv4_signed_headers" in server.conf:1



=== User-Agent cannot be signed
--- config
aws_sigv4_signed_headers User-Agent;
--- must_die
header "user-agent" cannot be signed: it may change on the way, remove it from "aws_sigv4_signed_headers" in server.conf:1



=== Transfer-Encoding cannot be signed
--- config
aws_sigv4_signed_headers Transfer-Encoding;
--- must_die
header "transfer-encoding" cannot be signed: it may change on the way, remove it from "aws_sigv4_signed_headers" in server.conf:1



=== grpc_pass cannot be signed
--- config
location / {
    aws_sigv4 on;
    grpc_pass grpc://127.0.0.1:8000;
}
--- must_die
"grpc_pass" cannot be signed, write "aws_sigv4 off;" in its location, or use "proxy_pass"; "aws_sigv4" is on in server.conf:2



=== grpc_pass where "aws_sigv4" is inherited
--- config
aws_sigv4 on;
location / {
    grpc_pass grpc://127.0.0.1:8000;
}
--- must_die
"grpc_pass" cannot be signed, write "aws_sigv4 off;" in its location, or use "proxy_pass"; "aws_sigv4" is on in server.conf:1



=== grpc_pass beside
--- config
aws_sigv4 on;
location / {
    aws_sigv4 off;
    grpc_pass grpc://127.0.0.1:8000;
}
--- warns
test is successful



=== "aws_sigv4" may stand where nothing is proxied
--- http_config
aws_sigv4 on;
--- config
location / {
    root html;
    location /a/ {
        return 204;
    }
    if ($arg_a) {
        return 403;
    }
}
--- warns
test is successful
--- no_warns
aws_sigv4



=== directives that switch back what a server says
--- config
aws_sigv4 on;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
aws_sigv4_signed_headers a;
aws_sigv4_payload signed;
aws_sigv4_allow_hosts a.example.com;
location / {
    aws_sigv4 off;
    aws_sigv4_service es;
    aws_sigv4_region eu-west-1;
    aws_sigv4_signed_headers b;
    aws_sigv4_payload unsigned;
    aws_sigv4_allow_hosts b.example.com;
    proxy_pass http://127.0.0.1:8000;
    if ($arg_a) {
        aws_sigv4 on;
        aws_sigv4_service s3;
    }
}
--- warns
test is successful
