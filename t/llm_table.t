# SPDX-License-Identifier: BSD-2-Clause

# The table of models: what is wrong with one is said in a line, and the old
# one stays.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::LLM;

my $llm = AwsSigV4::LLM->new;

sub table {
    my ($model) = @_;

    return 'return { models = { a = { { route = "gateway", url = "'
        . $llm->url('studio') . "\", model = \"$model\" } } } }\n";
}

my $gateway = $llm->gateway(table => table('m-1'), config => <<'EOC');
location /check {
    content_by_lua_block {
        local file = require "resty.aws_sigv4.llm.file"
        local tables = require "resty.aws_sigv4.llm.table"
        local value, err = file.load("$TEST_DIR/check.lua")

        if value then
            value, err = tables.parse(value)
        end

        ngx.print(value and "good" or err)
    }
}
EOC
my $file    = $gateway->dir . '/models.lua';
my $old     = 1;

mistakes();
reloads();
at_the_start();

is(join("\n", grep { !/llm: table/ } $gateway->stop_it), '',
   'nginx ended well');

without_init();

done_testing();


# The first request says what is missing, to the operator alone.
sub without_init {
    $gateway = start_nginx(
        modules_before => [qw(ndk_http_module ngx_http_lua_module)],
        http_config    => 'lua_package_path "$TEST_LUA/?.lua;;";'
            . "\naws_sigv4_allow_hosts 127.0.0.1;\n"
            . 'proxy_ssl_trusted_certificate $TEST_CERT;',
        values         => $llm->values,
        config         => <<'EOC',
include $TEST_ROOT/examples/llm-gateway/llm-variables.conf;
include $TEST_ROOT/examples/llm-gateway/llm-locations.conf;
EOC
    );

    my $response = $llm->post($gateway, '/v1/chat/completions',
                              '{"model":"a"}');

    is($response->{status}, 500, 'without init: status');
    like($response->{body}, qr/^\{"error":.*"gateway_error"/,
         'without init: the shape of the caller');
    like(join("\n", $gateway->stop_it), qr/llm\.init\{\} was not called/,
         'without init: what to do');

    return;
}


sub model {
    $llm->mark;
    $llm->post($gateway, '/v1/chat/completions',
        '{"model":"a","messages":[{"role":"user","content":"hi"}]}');

    my ($request) = $llm->requests;

    return $request ? $request->{model} : 'none';
}


# The complaint about a table, which comes with a request and leaves the old
# one in use.
sub complaint {
    my ($text) = @_;

    $gateway->mark;
    spew($file, $text, 0644);

    my @lines;

    wait_for(sub {
        $old = 0 if model() ne 'm-1';
        return @lines = $gateway->log_text('error.log')
            =~ /llm: table (.*?), the old one stays/g;
    });

    return @lines;
}


sub mistakes {
    my $t = 'route = "gateway", url = "http://h", model = "m"';
    my $b = 'route = "bedrock", region = "us-east-1", model = "m"';
    my $in = sub { "return { models = { a = { { $_[0] } } } }" };

    my @mistakes = (
        [ 'return {', qr/^\S+\.lua:1: unexpected symbol near '<eof>'/ ],
        [ "return {\n  models = = 1 }\n", qr/\.lua:2: / ],
        [ 'return 1', qr/: returns no table$/ ],
        [ 'error("no")', qr/global 'error'/ ],
        [ 'while true do end', qr/: runs too long$/ ],
        [ 'return { model = {} }', qr/model: unknown field$/ ],
        [ 'return { models = 1 }', qr/models: a table is expected$/ ],
        [ 'return { models = { a = {} } }',
          qr/models\.a: a list of targets is expected$/ ],
        [ "return { models = { a = { { $t }, { regoin = 1, $t } } } }",
          qr/models\.a\[2\]\.regoin: unknown field$/ ],
        [ 'return { models = { ["a b"] = { 1 } } }',
          qr/models\["a b"\]\[1\]: a table is expected$/ ],
        [ $in->('model = "m"'), qr/models\.a\[1\]\.route: is missing$/ ],
        [ $in->('route = "gateway", url = "http://h"'),
          qr/models\.a\[1\]\.model: is missing$/ ],
        [ $in->('route = "gateway", model = "m"'),
          qr/models\.a\[1\]\.url: is missing$/ ],
        [ $in->('route = "x", model = "m"'),
          qr/\.route: no route has this name$/ ],
        [ $in->('route = "bedrock", model = "m"'),
          qr/\.region: is missing$/ ],
        [ $in->($b =~ s/us-east-1/evil.example\//r),
          qr/\.region: a region such as "us-east-1" is expected$/ ],
        [ $in->($t =~ s/http:/ftp:/r), qr/\.url: http:.* is expected$/ ],
        [ $in->($t =~ s/h"/h?x"/r), qr/\.url: http:.* is expected$/ ],
        [ $in->($t =~ s/h"/u\@h"/r), qr/\.url: http:.* is expected$/ ],
        [ $in->("$t, cooldown = -1"), qr/\.cooldown: seconds from 0 to/ ],
        [ $in->("$t, cooldown = 0/0"), qr/\.cooldown: seconds from 0 to/ ],
        [ $in->("$t, region = \"us-east-1\""),
          qr/\.region: has no use with route "gateway"$/ ],
        [ $in->("$b, key_file = \"/x\""),
          qr/\.key_file: has no use with route "bedrock"$/ ],
        [ $in->("$t, key_file = \"/no/such\""),
          qr/\.key_file: \/no\/such: No such file/ ],
        [ $in->("$t, key_header = \"host\""),
          qr/\.key_header: "authorization", / ],
        [ $in->("$t, drop = { \"model\" }"),
          qr/\.drop: "model" is needed$/ ],
        [ $in->("$t, rename = { a = 1 }"),
          qr/\.rename: names and their new names are expected$/ ],
        [ 'return { models = { a = { ' . "{ $t }, " x 9 . '} } }',
          qr/models\.a: more than 8 targets$/ ],
        [ 'return { native = { modle = 1 } }',
          qr/native\.modle: unknown field$/ ],
        [ 'return { defaults = { region = 1 } }',
          qr/defaults\.region: a region such as/ ],
    );

    for my $mistake (@mistakes) {
        my ($text, $expected) = @$mistake;

        spew($gateway->dir . '/check.lua', $text, 0644);
        like(request($gateway->port, target => '/check')->{body}, $expected,
             'a mistake') or diag($text);
    }

    for my $mistake (@mistakes[0, 5, 8]) {
        my ($text, $expected) = @$mistake;
        my @lines = complaint($text);

        is(scalar @lines, 1, 'one line in the log') or diag($text);
        like($lines[0], $expected, 'what is wrong');
    }

    ok($old, 'the old table stays');

    return;
}


sub reloads {
    spew($file, table('m-2'), 0644);
    ok(wait_for(sub { model() eq 'm-2' }), 'another table is taken');

    unlink $file;
    $gateway->mark;
    wait_for(sub {
        model();
        $gateway->log_text('error.log') =~ /No such file/;
    });
    is(model(), 'm-2', 'the table stays where the file is gone');

    spew($file, table('m-3'), 0644);
    ok(wait_for(sub { model() eq 'm-3' }), 'and is taken when it is there');

    return;
}


sub at_the_start {
    my $nginx = eval { $llm->gateway(table => 'return { a = 1 }') };

    ok(!$nginx, 'nginx does not start with a broken table');
    like($@, qr/llm: table \S+models\.lua: a: unknown field/, 'and says why');

    return;
}
