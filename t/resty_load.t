# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# resty.aws_sigv4: beside another version of the module, without it, and with
# credentials that are still being fetched.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Credentials;

my $source = slurp("$AwsSigV4::Nginx::ROOT/lua/resty/aws_sigv4/abi.lua");

$source =~ s/version = "0\.1\.0"/version = "9.9.9"/ or die 'no version';

my $lua = <<'EOC';
location /load {
    content_by_lua_block {
        local ok, err = pcall(require, "resty.aws_sigv4")
        ngx.print(tostring(ok), " ", ok and "" or err)
    }
}
location /sign {
    content_by_lua_block {
        local sigv4 = require "resty.aws_sigv4"
        local headers, err = sigv4.sign{
            url = "https://s3.us-east-1.amazonaws.com/", credentials = "p",
            timeout = tonumber(ngx.var.arg_timeout),
        }
        local state = sigv4.credentials("p")
        ngx.print(headers and headers.Authorization:match("=([^/]+)/") or err,
                  " ", tostring(state.available), " ", state.source)
    }
}
EOC

my $other = temp_dir();

chmod 0755, $other;
mkdir "$other/$_" for qw(resty resty/aws_sigv4);
spew("$other/resty/aws_sigv4/abi.lua", $source);

my @modules = (modules_before => ['ndk_http_module', 'ngx_http_lua_module']);

my $nginx = start_nginx(
    @modules, config => $lua,
    http_config => "lua_package_path \"$other/?.lua;\$TEST_LUA/?.lua;;\";\n",
);

like request($nginx->port, target => '/load')->{body},
     qr/^false .*resty\.aws_sigv4 9\.9\.9 needs \S+ 9\.9\.9, and version 0\.1\.0 /,
     'another version of the module';

is_deeply [$nginx->stop_it], [], 'nginx ends well';

# a static module is in nginx itself

unless ($AwsSigV4::Nginx::STATIC) {
    $nginx = start_nginx(
        @modules, no_module => 1, config => $lua,
        http_config => 'lua_package_path "$TEST_LUA/?.lua;;";',
    );

    like request($nginx->port, target => '/load')->{body},
         qr/^false .*needs ngx_http_aws_sigv4_module in nginx: load_module /,
         'no module';

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
}

my $server = AwsSigV4::Credentials->new;

$nginx = $server->gateway(
    type => 'container', @modules,
    http_config => <<'EOC',
lua_package_path "$TEST_LUA/?.lua;;";
init_worker_by_lua_block {
    local headers, err = require("resty.aws_sigv4").sign{
        url = "https://s3.us-east-1.amazonaws.com/", credentials = "p",
    }
    ngx.log(ngx.WARN, "in init_worker: ", headers and "signed" or err)
}
EOC
    config => $lua,
);

my %key = %AwsSigV4::Verifier::KEYS;

is request($nginx->port, target => '/sign?timeout=30000')->{body},
   "$key{TEMP_AKID} true container", 'it waits for credentials';

like slurp($nginx->error_log),
     qr/in init_worker: (?:signed|no credentials available)/,
     'where it cannot wait it says so';

unlike slurp($nginx->error_log), qr/\Q$_\E/, 'no secret in the log'
    for $key{TEMP_SECRET}, $key{TEMP_TOKEN};

is_deeply [$nginx->stop_it], [], 'nginx ends well';

my $broken = AwsSigV4::Credentials->new(credentials => { status => 500 });

$nginx = $broken->gateway(
    type => 'container', @modules,
    http_config => 'lua_package_path "$TEST_LUA/?.lua;;";',
    config => $lua,
);

like request($nginx->port, target => '/sign?timeout=100')->{body},
     qr/^no credentials available from provider "p".* false container$/,
     'and not for ever';

$nginx->stop_it;


done_testing();
