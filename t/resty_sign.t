#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# resty.aws_sigv4: sign() and presign(), judged by the verifier, which the
# signed requests are sent to, and by awscrt through its log.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Oracle qw(oracle_check sign);

my %key = %AwsSigV4::Verifier::KEYS;
my $verifier = start_verifier(args => ['--presigned']);

my $nginx = start_nginx(
    modules_before => ['ndk_http_module', 'ngx_http_lua_module'],
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider temp static access_key_id=$TEST_TEMP_AKID
    secret_access_key=$TEST_TEMP_SECRET session_token=$TEST_TEMP_TOKEN;
lua_package_path "$TEST_LUA/?.lua;;";
lua_shared_dict answers 1m;
EOC
    config => <<'EOC',
location = /sign {
    client_body_buffer_size 1m;
    content_by_lua_block {
        local json = require "cjson.safe"
        local sigv4 = require "resty.aws_sigv4"

        ngx.req.read_body()

        local t = json.decode(ngx.req.get_body_data())
        local call = t.call
        t.call = nil

        local in_timer = t.timer
        t.timer = nil

        local answer

        local function work()
            local ok, a, b = pcall(sigv4[call], t)
            answer = json.encode{ ok and a or false, ok and b or a }
        end

        if in_timer then
            assert(ngx.timer.at(0, work))
            repeat ngx.sleep(0.001) until answer
        else
            work()
        end

        ngx.print(answer)
    }
}
EOC
);

sub call {
    my ($call, %t) = @_;

    my $r = request($nginx->port, method => 'POST', target => '/sign',
                    body => encode_json({ call => $call, %t }));

    return @{ decode_json($r->{body}) };
}

sub sent {
    my ($method, $url, $headers, $body) = @_;

    my ($target) = $url =~ m{^\w+://[^/?]*(.*)}s;
    my $lines = '';

    for my $name (sort keys %{ $headers || {} }) {
        my $value = $headers->{$name};
        $lines .= "$name: $_\n" for ref $value ? @$value : $value;
    }

    return request($verifier->port, method => $method, target => $target,
                   headers => $lines, body => $body);
}

my $base = 'https://s3.us-east-1.amazonaws.com';
my @requests = (
    { url => "$base/a/b.txt" },
    { url => "$base/a b/c+d(1)?x=1+2&y=~", method => 'PUT',
      body => 'body', credentials => 'temp' },
    { url => "$base?list-type=2&prefix=a%2fb" },
    { url => "$base/k", method => 'PUT', payload => 'unsigned',
      body => 'body' },
    { url => 'https://monitoring.eu-west-1.amazonaws.com/',
      method => 'POST', body => 'Action=List',
      headers => { 'content-type' => 'application/x-www-form-urlencoded',
                   'X-Amz-Meta-A' => ['1', ' 2  3 '], Accept => '*/*',
                   authorization => 'Bearer mine', 'x-amz-date' => 'mine',
                   'X-Amz-Meta-N' => 7 } },
    { url => 'https://bedrock-runtime.us-west-2.amazonaws.com/model/'
             . 'anthropic.claude-v1%3A0/invoke', method => 'POST',
      body => '{}', timer => JSON::PP::true },
    { url => 'http://h.example:8000//a/../b/./c', region => 'us-east-1',
      service => 'execute-api', signed_headers => ['Range'],
      headers => { Range => 'bytes=0-1' } },
    { url => 'http://h.example:80/', region => 'us-east-1', service => 'aps',
      headers => { Host => 'aps-workspaces.us-east-1.amazonaws.com' } },
);

for my $r (@requests) {
    my ($headers, $url) = call('sign', %$r);
    my $name = ($r->{method} || 'GET') . " $r->{url}";

    ok $headers, "$name is signed" or diag $url;

    my $answer = sent($r->{method} || 'GET', $url, $headers, $r->{body});
    is $answer->{status}, 200, "$name is accepted"
        or diag $answer->{body}, encode_json($headers);
}

for my $r (grep { !$_->{payload} && !($_->{headers} || {})->{Host} } @requests)
{
    my %r = (%$r, expires => 60);

    if ($r{headers}) {
        $r{headers} = { 'X-Amz-Meta-A' => '1' };
    }
    delete $r{signed_headers};

    my ($url, $err) = call('presign', %r);
    my $name = ($r{method} || 'GET') . " $r{url}";

    ok $url, "$name is presigned" or diag $err;

    my ($host) = $url =~ m{://([^/?]+)};
    my $answer = sent($r{method} || 'GET', $url,
                      { %{ $r{headers} || {} }, Host => $host }, $r{body});
    is $answer->{status}, 200, "$name is accepted as a URL"
        or diag $answer->{body}, $url;
}

my @refused = (
    [sign => { url => 'ftp://a/' }, 'invalid url'],
    [sign => { url => 'https://u@a/' }, 'invalid url'],
    [sign => { url => "$base/#a" }, 'invalid url'],
    [sign => { url => "$base/", credentials => 'third' },
     'no provider "third" is defined'],
    [sign => { url => 'https://h.example/' },
     'no service for host "h.example"'],
    [sign => { url => 'https://h.example/', service => 'a' },
     'no region for host "h.example"'],
    [sign => { url => "$base/", region => 'a/b' },
     'invalid region for host "s3.us-east-1.amazonaws.com"'],
    [sign => { url => "$base/", headers => { A => "b\r\nc: d" } },
     'invalid value of header "a"'],
    [sign => { url => "$base/", method => 'A B' },
     'the request cannot be signed'],
    [presign => { url => "$base/", headers => { Host => 'a' } },
     'invalid host'],
    [sign => { url => 1 }, qr/bad url \(string expected, got number\)/],
    [sign => {}, qr/bad url \(string expected, got nil\)/],
    [sign => { url => "$base/", region => 1 },
     qr/bad region \(string expected, got number\)/],
    [sign => { url => "$base/", content_sha256 => 1 },
     qr/bad content_sha256 \(boolean expected, got number\)/],
    [presign => { url => "$base/", expires => 'x' },
     qr/bad expires \(number expected, got string\)/],
    [sign => { url => "$base/", uri => '/' }, qr/unknown field 'uri'/],
    [sign => { url => "$base/", payload => 'x' }, qr/bad payload/],
    [sign => { url => "$base/", headers => { a => JSON::PP::true } },
     qr/bad header \(string or number expected, got boolean\)/],
    map { [presign => { url => "$base/", expires => $_ }, qr/bad expires/] }
        0, -1, 604801, 1.5
);

for my $case (@refused) {
    my ($call, $t, $expected) = @$case;
    my ($result, $err) = call($call, %$t);

    ok !$result, "$call of " . encode_json($t) . ' fails';
    ref $expected ? like $err, $expected, 'and says why'
                  : is $err, $expected, 'and says why';
    unlike $err, qr/sign\.lua/, 'and where, not in the library';
}

# many more, from a fixed seed, as awscrt and botocore sign them

srand 20250214;

my @pieces = ('a', 'Z9', '-._~', '%20', '%C3%A9', '%3A', '(', '*', 'b');
my @different;

sub pick { return $_[rand @_] }
sub text { return CORE::join '', map { pick(@pieces) } 0 .. rand 4 }

for my $n (1 .. 200) {
    my $s3     = rand() < 0.5;
    my $host   = $s3 ? 'bucket.s3.eu-west-1.amazonaws.com'
                     : 'monitoring.eu-west-1.amazonaws.com';
    my $target = CORE::join('', map { '/' . text() } 0 .. rand 4);

    $target =~ tr/(*//d if $s3;    # what S3 wants to have encoded
    $target =~ s/%3A// if $s3;
    my $query = CORE::join '&', map { text() . '=' . text() } 0 .. rand 4;

    $query =~ tr/(*//d;            # botocore copies it as it is
    $target .= "?$query" if rand() < 0.7;

    my %t = (
        method => pick(qw(GET PUT POST DELETE)),
        body => 'x' x rand 100,
        headers => { 'content-type' => 'text/' . pick(qw(a b)),
                     'x-amz-meta-a' => ' ' x rand(3) . 'v  w ' },
    );

    my ($got) = call('sign', %t, url => "https://$host$target",
                     credentials => pick('default', 'temp'));

    if (!$got) {
        push @different, "not signed: $target";
        next;
    }

    my $temp = exists $got->{'X-Amz-Security-Token'};

    for my $signer ('awscrt', 'botocore') {
        my $want = sign(
            %t, host => $host, target => $target, signer => $signer,
            service => $s3 ? 's3' : 'monitoring', region => 'eu-west-1',
            date => $got->{'X-Amz-Date'}, content_sha256 => 1,
            headers => [map { [$_, $t{headers}{$_}] } sort keys %{ $t{headers} }],
            $temp ? (access_key_id => $key{TEMP_AKID},
                     secret_access_key => $key{TEMP_SECRET},
                     session_token => $key{TEMP_TOKEN}) : (),
        );
        my $text = ref $want->{headers}
            ? encode_json($want->{headers}) : $want->{headers};

        my ($signature) = $got->{Authorization} =~ /Signature=(\w+)/;

        push @different, "$signer $t{method} $target $text"
            if index($text, $signature) < 0;
    }
}

is scalar @different, 0, '200 requests are signed as awscrt and botocore do'
    or diag "$different[0]\nof " . @different;

my ($counts, $text) = oracle_check($verifier->log_file);

is $counts->{different}, 0, 'awscrt signs alike' or diag $text;
is $counts->{checked}, scalar @requests, 'all that have a header';

my $log = slurp($nginx->error_log);

unlike $log, qr/\Q$_\E/, 'no secret in the log'
    for $key{SECRET}, $key{TEMP_SECRET}, $key{TEMP_TOKEN};

is_deeply [$nginx->stop_it], [], 'nginx ends well';


done_testing();
