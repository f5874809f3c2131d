# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Ceph's radosgw accepts what resty.aws_sigv4 signs and presigns, and not what
# was changed after.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Radosgw;

needs($_) for qw(radosgw ceph ceph-mon ceph-osd radosgw-admin);

my $server = AwsSigV4::Radosgw->start;

my $nginx = start_nginx(
    modules_before => ['ndk_http_module', 'ngx_http_lua_module'],
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
lua_package_path "$TEST_LUA/?.lua;;";
EOC
    config => <<'EOC',
location / {
    content_by_lua_block {
        local json = require "cjson.safe"

        ngx.req.read_body()

        local t = json.decode(ngx.req.get_body_data())
        t.region, t.service = "us-east-1", "s3"

        local a, b = require("resty.aws_sigv4")[ngx.var.uri:sub(2)](t)
        ngx.print(json.encode{ a or false, b })
    }
}
EOC
);

my $base = 'http://127.0.0.1:' . $server->port;

sub signed {
    my ($how, %t) = @_;

    my $r = request($nginx->port, method => 'POST', target => "/$how",
                    body => encode_json(\%t));

    return @{ decode_json($r->{body}) };
}

sub sent {
    my ($method, $url, $body, $headers) = @_;

    my %headers = (Host => '127.0.0.1:' . $server->port, %{ $headers || {} });

    return request($server->port, method => $method, body => $body,
                   target => $url =~ s{^\w+://[^/]+}{}r,
                   headers => CORE::join '', map { "$_: $headers{$_}\n" }
                                             sort keys %headers);
}

my ($headers, $url) = signed('sign', method => 'PUT', url => "$base/bucket");

is sent('PUT', $url, '', $headers)->{status}, 200, 'a bucket is made';

($headers, $url) = signed('sign', method => 'PUT', body => 'signed',
                          url => "$base/bucket/a b+c(1)");

is sent('PUT', $url, 'signed', $headers)->{status}, 200, 'an object is put';

($url) = signed('presign', url => "$base/bucket/a%20b%2Bc(1)");

my $answer = sent('GET', $url);

is $answer->{status}, 200, 'a presigned URL is accepted';
is $answer->{body}, 'signed', 'and what it gives is the object';

is sent('GET', $url =~ s/(Expires=9)00/${1}01/r)->{status}, 403,
   'a longer life is refused';
is sent('DELETE', $url)->{status}, 403, 'and another method';

($url) = signed('presign', method => 'PUT', url => "$base/bucket/p",
                headers => { 'Content-Type' => 'text/plain' });

is sent('PUT', $url, 'presigned', { 'Content-Type' => 'text/plain' })->{status},
   200, 'an object is put by a presigned URL';
is sent('PUT', $url, 'presigned', { 'Content-Type' => 'text/html' })->{status},
   403, 'and not with another header than the signed one';

is_deeply [$nginx->stop_it], [], 'nginx ends well';

$server->stop_it;


done_testing();
