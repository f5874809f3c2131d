#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# What C code in the process, here LuaJIT's FFI, is told of the providers.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Credentials;

my %key = %AwsSigV4::Verifier::KEYS;

my $lua = <<'EOC';
location /providers {
    content_by_lua_block {
        local ffi = require "ffi"

        ffi.cdef [[
            typedef struct {
                size_t               len;
                const unsigned char *data;
            } sigv4_ffi_str_t;

            typedef struct {
                sigv4_ffi_str_t      name;
                sigv4_ffi_str_t      source;
                sigv4_ffi_str_t      error;
                int64_t              expires;
                uint64_t             fetches;
                uint64_t             failures;
                int                  available;
            } sigv4_ffi_provider_t;

            int ngx_http_aws_sigv4_ffi_provider(unsigned int n,
                sigv4_ffi_provider_t *out);
        ]]

        local C = ffi.load("$TEST_MODULE")
        local p = ffi.new("sigv4_ffi_provider_t")
        local n = 0

        local function text(s)
            return s.len > 0 and ffi.string(s.data, s.len) or "-"
        end

        while C.ngx_http_aws_sigv4_ffi_provider(n, p) == 0 do
            ngx.say(text(p.name), " ", text(p.source), " ",
                    tonumber(p.available), " ", tonumber(p.fetches), " ",
                    tonumber(p.failures), " ",
                    p.expires > 0 and "expires" or "stays", " ",
                    text(p.error))
            n = n + 1
        end
    }
}
EOC

# a static module is in nginx itself

if ($AwsSigV4::Nginx::STATIC) {
    $lua =~ s/ffi\.load\("\$TEST_MODULE"\)/ffi.C/;
}

my $server = AwsSigV4::Credentials->new;
my $broken = AwsSigV4::Credentials->new(credentials => { status => 500 });
my $nginx = $server->gateway(
    type => 'container',
    modules_before => ['ndk_http_module', 'ngx_http_lua_module'],
    http_config => 'aws_sigv4_provider s static access_key_id=$TEST_AKID
                        secret_access_key=$TEST_SECRET;
                    aws_sigv4_provider q container endpoint='
                    . $broken->url . '/v1/credentials;
                    aws_sigv4_provider c chain providers=p;',
    config => $lua . 'location /q {
        aws_sigv4              on;
        aws_sigv4_service      s3;
        aws_sigv4_region       us-east-1;
        aws_sigv4_credentials  q;
        proxy_pass             http://127.0.0.1:$TEST_PORT_UPSTREAM;
    }',
    values => { TEST_MODULE => $AwsSigV4::Nginx::MODULE },
);

is AwsSigV4::Credentials::used($nginx), "200 $key{TEMP_AKID}",
   'credentials are fetched';
ok wait_for(sub { slurp($nginx->error_log) =~ /"q" could not fetch/ }),
   'others cannot be';

my $text = request($nginx->port, target => '/providers')->{body};

like $text, qr/^p container 1 1 0 expires -$/m, 'one that is fine';
like $text, qr/^s static 1 0 0 stays -$/m, 'one that is never fetched';
like $text, qr/^q container 0 \d+ [1-9]\d* stays \S+ answered with 500$/m,
     'one that fails, and why';
like $text, qr/^c container 1 1 0 expires -$/m, 'one that uses another';
is scalar(split /\n/, $text), 4, 'that is all';

unlike $text, qr/\Q$_\E/, 'no secret'
    for $key{TEMP_SECRET}, $key{TEMP_TOKEN}, $key{SECRET};

is_deeply [$nginx->stop_it], [], 'nginx ends well';


done_testing();
