# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Lua;

# Runs pieces of Lua in nginx, each on the JSON that it is given.

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();

use AwsSigV4;

our @EXPORT_OK = qw(lua_nginx lua_call);

my $json = JSON::PP->new->utf8->canonical;

# lua_nginx(name => code, …): an nginx in which lua_call reaches the code.
# It finds its argument in `arg`, and returns what is to be encoded.
sub lua_nginx {
    my (%code) = @_;

    my $config = "client_max_body_size 100m;\n"
               . "client_body_buffer_size 100m;\n";

    for my $name (sort keys %code) {
        $config .= "location = /$name {\n    content_by_lua_block {\n"
                 . "local cjson = require \"cjson\"\n"
                 . "ngx.req.read_body()\n"
                 . "local arg = cjson.decode(ngx.req.get_body_data())\n"
                 . "local function run()\n$code{$name}\nend\n"
                 . "ngx.print(cjson.encode({ run() }))\n"
                 . "    }\n}\n";
    }

    return start_nginx(
        modules_before => [ qw(ndk_http_module ngx_http_lua_module) ],
        http           => 'lua_package_path "$TEST_LUA/?.lua;;";',
        server         => $config,
    );
}

# The list that the code returned.
sub lua_call {
    my ($nginx, $name, $arg) = @_;

    my $response = request($nginx->port, method => 'POST',
                           target => "/$name", body => $json->encode($arg));

    die "$name: status $response->{status}\n" . $nginx->log_text('error.log')
        if $response->{status} != 200;

    return @{ $json->decode($response->{body}) };
}

1;
