# SPDX-License-Identifier: BSD-2-Clause

# JSON bodies that are edited on their way: what reaches the upstream is what
# Python says that it should be, and is signed.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use Test::More;

use AwsSigV4;
use AwsSigV4::Process qw(temp_dir slurp spew);

my $curl         = needs('curl');
my $python       = $ENV{TEST_PYTHON} || '/usr/bin/python3';
my ($cert, $key) = make_cert();
my $dir          = temp_dir();

# the second try gets through
my $verifier = start_verifier(cert => $cert, cert_key => $key, script => [
    { match => '^/first', status => 503, times => 1000 },
    map({ { match => "^/retry/$_", status => 503 } }
        qw(memory spooled sendfile)),
]);

my $locations = join '', map { location($_) } (
    [ memory   => '/', 'client_body_buffer_size 1m;' ],
    [ spooled  => '/', 'client_body_buffer_size 1k;' ],
    [ only     => '/', 'client_body_in_file_only clean;' ],
    [ sendfile => '/', 'client_body_buffer_size 1k; sendfile on;' ],
    [ tls      => '/', 'client_body_buffer_size 1k;', 'tls' ],
    [ tls_memory => '/', 'client_body_buffer_size 1m;', 'tls' ],
);

my $nginx = start_nginx(
    verifier     => $verifier,
    values       => { TEST_CERT => $cert, TEST_CERT_KEY => $key },
    variables    => [qw(aws_sigv4_status)],
    modules_before => [qw(ndk_http_module ngx_http_lua_module)],
    http_config  => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_service bedrock;
aws_sigv4_region us-east-1;
client_max_body_size 32m;
lua_package_path "$TEST_LUA/?.lua;;";

proxy_ssl_verify on;
proxy_ssl_trusted_certificate $TEST_CERT;
proxy_ssl_name localhost;

upstream retried {
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
    server unix:$VERIFIER_SOCKET max_fails=0;
}

init_by_lua_block {
    local body = require "resty.aws_sigv4.llm.body"
    local cjson = require "cjson.safe"

    -- what is to be done comes as JSON in the argument "do"
    function edit_body(plan)
        plan = cjson.decode(ngx.unescape_uri(plan))

        local members, err = body.members(plan.names)
        if not members then
            ngx.log(ngx.NOTICE, "members: ", err)
            ngx.header["X-Error"] = err
            return ngx.exit(400)
        end

        local edits = {}
        local function add(edit)
            edits[#edits + 1] = edit
        end

        for _, step in ipairs(plan.steps) do
            local m = members[step[2]]

            if step[1] == "set" then
                add { m.from, m.to, step[3] }

            elseif step[1] == "rename" then
                add { m.key_from, m.key_to, step[3] }

            elseif step[1] == "remove" then
                add(body.remove(members, step[2]))

            elseif step[1] == "insert" then
                add(body.insert(members, step[2], step[3]))

            elseif step[1] == "plain" then
                add { step[2], step[3], step[4] }
            end
        end

        local ok
        ok, err = body.edit(edits)
        if not ok then
            ngx.header["X-Error"] = err
            return ngx.exit(400)
        end
    end

    function show_members()
        ngx.req.read_body()

        local names = cjson.decode(ngx.unescape_uri(ngx.var.arg_names))
        local members, err, code = body.members(names)
        if not members then
            ngx.say(err, " ", code)
            return
        end

        local out = {}
        for name, m in pairs(members) do
            if name ~= 0 then
                local text, text_err = body.slice(m.from, m.to)
                local decoded, string_err = body.string(m)
                out[name] = { m.type, ngx.encode_base64(text or text_err),
                              ngx.encode_base64(decoded or string_err) }
            end
        end

        ngx.print(cjson.encode(out))
    end
}
EOC
    config => <<'EOC' . $locations);
listen 127.0.0.1:$TEST_PORT_TLS ssl http2;
ssl_certificate $TEST_CERT;
ssl_certificate_key $TEST_CERT_KEY;

location = /members {
    client_body_buffer_size 1k;
    content_by_lua_block { show_members() }
}

location = /unread {
    content_by_lua_block {
        local body = require "resty.aws_sigv4.llm.body"
        local _, err = body.members { "model" }
        ngx.say(err)
    }
}

location = /replaced {
    client_body_buffer_size 1k;
    aws_sigv4 on;
    access_by_lua_block {
        ngx.req.read_body()
        edit_body(ngx.var.arg_do)
        ngx.req.set_body_data('{"model": "set", "x": 1}')
        edit_body(ngx.var.arg_do)
    }
    proxy_pass http://127.0.0.1:$VERIFIER_PORT;
}

location /retry/memory {
    client_body_buffer_size 1m;
    aws_sigv4 on;
    access_by_lua_block { ngx.req.read_body() edit_body(ngx.var.arg_do) }
    proxy_next_upstream http_503 non_idempotent;
    proxy_pass http://retried;
}

location /retry/spooled {
    client_body_buffer_size 1k;
    aws_sigv4 on;
    access_by_lua_block { ngx.req.read_body() edit_body(ngx.var.arg_do) }
    proxy_next_upstream http_503 non_idempotent;
    proxy_pass http://retried;
}

location /retry/sendfile {
    client_body_buffer_size 1k;
    sendfile on;
    aws_sigv4 on;
    access_by_lua_block { ngx.req.read_body() edit_body(ngx.var.arg_do) }
    proxy_next_upstream http_503 non_idempotent;
    proxy_pass http://retried;
}
EOC

my %worked;

subtest 'members of a body' => \&members;
subtest 'one attempt'       => \&one_attempt;
subtest 'a second attempt with another edit' => \&two_attempts;
subtest 'next upstream'     => \&next_upstream;
subtest 'HTTP/2'            => \&http2;
subtest '25 MB'             => \&large;
subtest 'another body'      => \&another;
subtest 'bad edits'         => \&bad_edits;

is(join("\n", $nginx->stop_it), '', 'nginx ended well');
done_testing();


# a location that edits by "do", and after a failure, by name, as "then" says

sub location {
    my ($name, $uri, $more, $tls) = @_ == 1 ? @{ $_[0] } : @_;

    my $to = $tls ? 'https://127.0.0.1:$VERIFIER_TLS_PORT'
                  : 'http://127.0.0.1:$VERIFIER_PORT';

    return <<"EOC";
location /$name {
    $more
    aws_sigv4 on;
    access_by_lua_block { ngx.req.read_body() edit_body(ngx.var.arg_do) }
    proxy_pass $to/$name;
}

location /first/$name {
    $more
    aws_sigv4 on;
    access_by_lua_block { ngx.req.read_body() edit_body(ngx.var.arg_do) }
    proxy_intercept_errors on;
    error_page 503 = \@second_$name;
    proxy_pass $to;
}

location \@second_$name {
    aws_sigv4 on;
    aws_sigv4_region eu-west-1;
    access_by_lua_block { edit_body(ngx.var.arg_then) }
    rewrite ^ /second break;
    proxy_pass $to;
}
EOC
}


# cases of t/llm/edit_cases.py: an array of hashes

sub cases {
    my ($size, @limit) = @_;

    my $json = JSON::PP->new->utf8;

    open my $pipe, '-|', $python, 't/llm/edit_cases.py', $dir, $size, @limit
        or die "$python: $!";
    my @cases = map { $json->decode($_) } <$pipe>;
    close $pipe or die "edit_cases.py failed\n";

    my %body = map { $_->{file} => 1 } @cases;
    $body{$_} = slurp($_) for keys %body;
    $_->{body} = $body{ $_->{file} } for @cases;

    return @cases;
}


# a plan as an argument of a request

sub argument {
    my ($plan) = @_;

    return JSON::PP->new->ascii->canonical->encode($plan)
        =~ s/([^A-Za-z0-9_.-])/sprintf '%%%02X', ord $1/ger;
}


sub post {
    my ($target, $body, %more) = @_;

    return request($nginx->port, method => 'POST', target => $target,
                   body => $body, %more);
}


# the record of the one request that has reached the verifier

sub reached {
    my ($case, $what) = @_;

    my ($record) = $verifier->wait_records(1);

    return same($record, $case, $what);
}


# says something only of what is wrong: there are very many

sub same {
    my ($record, $case, $what) = @_;

    my $ok = $record
        && $record->{verdict} eq 'ok'
        && ($record->{body_length} // -1) == $case->{length}
        && $record->{body_sha256} eq $case->{sha256};

    return 1 if $ok;

    fail("$what: $case->{name}");
    diag("verdict " . ($record->{verdict} // 'none') . ", "
         . ($record->{body_length} // 'no') . " bytes, not $case->{length}");

    return 0;
}


sub members {
    my $names = '%5B%22model%22,%22s%22,%22b%22%5D';
    my $pad   = 'x' x 3000;

    my %text = (
        '{"model":"a\\u0000b\\/c","s":"\\ud83d\\ude00","b":9007199254740993}'
            => '{"b":["number","OTAwNzE5OTI1NDc0MDk5Mw==",'
               . '"bm90X3N0cmluZw=="],"model":["string",'
               . '"ImFcdTAwMDBiXC9jIg==","YQBiL2M="],"s":["string",'
               . '"Ilx1ZDgzZFx1ZGUwMCI=","8J+YgA=="]}',
        '{"s":{"model":1},"mod\\u0065l":"\\ud800","x":"' . $pad . '"}'
            => '{"model":["string","Ilx1ZDgwMCI=","aW52YWxpZA=="],'
               . '"s":["object","eyJtb2RlbCI6MX0=","bm90X3N0cmluZw=="]}',
        '{"model":"' . 'm' x 70000 . '"}'
            => '{"model":["string","dG9vX2xvbmc=","dG9vX2xvbmc="]}',
        '{}'                            => '{}',
        '{"x":"' . $pad . '"}'          => '{}',
        '[1]'                           => 'not_object invalid_json',
        '"' . $pad . '"'                => 'not_object invalid_json',
        '{"x":"' . $pad . '"'           => 'not_json invalid_json',
        ''                              => 'not_json invalid_json',
        '{"model":1} x'                 => 'not_json invalid_json',
        '{"model":1,"mode\\u006c":2}'   => 'duplicate invalid_json',
        '{"model":1,"MODEL":2}'         => 'duplicate invalid_json',
        '{"Mod\\u0065L":1,"model":2}'   => 'duplicate invalid_json',
        '{"MODEL":1}'                   => '{}',
        '{"x":1,"x":2}'                 => '{}',
        '[' x 600 . ']' x 600           => 'too_deep invalid_json',
    );

    for my $text (sort keys %text) {
        my $got = post("/members?names=$names", $text)->{body};
        my $want = $text{$text};

        if ($want =~ /^\{/) {
            my $json = JSON::PP->new;
            is_deeply($json->decode($got), $json->decode($want),
                      substr $text, 0, 60);
        } else {
            is($got, "$want\n", substr $text, 0, 60);
        }
    }

    is(post('/unread', '{"model":1}')->{body}, "not_read\n",
       'a body that was not read');
}


sub one_attempt {
    for my $size (100, 100_000) {
        my @cases = cases($size);

        for my $location (qw(memory spooled only sendfile tls tls_memory)) {
            my $good = 0;

            for my $case (@cases) {
                my $chunked = @cases && ++$worked{$location} % 2;

                $verifier->mark;
                post("/$location?do=" . argument($case->{plan}),
                     $case->{body},
                     $chunked ? (headers => [[ 'Transfer-Encoding' =>
                                               'chunked' ]])
                              : (split => [900, 10, 500]));
                $good += reached($case, "$location $size");
            }

            is($good, @cases, "$location: bodies of $size bytes");
        }
    }
}


sub two_attempts {
    for my $location (qw(memory spooled sendfile tls)) {
        my @cases = cases(60_000);
        my $good  = 0;

        for my $index (0 .. $#cases) {
            my $case = $cases[$index];

            # another plan for the same body, if only to restore it
            my ($other) = grep { $_->{body} eq $case->{body} }
                          @cases[reverse(0 .. $index - 1),
                                 reverse($index .. $#cases)];

            $verifier->mark;
            post("/first/$location?do=" . argument($case->{plan})
                 . '&then=' . argument($other->{plan}), $case->{body});

            my @records = $verifier->wait_records(2);
            $good += same($records[0], $case, "$location, first")
                  && same($records[1], $other, "$location, second");
        }

        is($good, @cases, "$location: both are as they should be");
    }
}


# nginx itself tries again, with the same body

sub next_upstream {
    for my $location (qw(memory spooled sendfile)) {
        my ($case) = grep { $_->{name} eq 'compact 8' } cases(200_000);

        $verifier->mark;

        my $response = post("/retry/$location?do="
                            . argument($case->{plan}), $case->{body});
        my @records = $verifier->wait_records(2);

        is($response->{status}, 200, "$location: answered");
        is(scalar @records, 2, "$location: in two tries");
        ok(same($_, $case, $location), "$location: as it should be")
            for @records;
    }
}


sub http2 {
    my @cases = cases(50_000, 12);
    my $good  = 0;
    my $port  = $nginx->value('TEST_PORT_TLS');

    for my $case (@cases) {
        $verifier->mark;
        AwsSigV4::Process::run(command => [
            $curl, '-q', qw(-s -S --http2 -g -k -o /dev/null),
            '-H', 'Expect:', '--data-binary', "\@$case->{file}",
            "https://127.0.0.1:$port/spooled?do=" . argument($case->{plan}),
        ]);
        $good += reached($case, 'HTTP/2');
    }

    is($good, @cases, 'bodies of clients that speak HTTP/2');
}


sub large {
    my @cases = cases(25 << 20, 9);

    for my $location (qw(spooled sendfile tls)) {
        my ($case, $other) = @cases[8, 2];

        $verifier->mark;
        post("/first/$location?do=" . argument($case->{plan}) . '&then='
             . argument($other->{plan}), $case->{body});

        my @records = $verifier->wait_records(2);
        ok(same($records[0], $case, $location), "$location: first");
        ok(same($records[1], $other, $location), "$location: second");
    }
}


sub another {
    my $plan = { names => ['model'], steps => [['set', 'model', '"edited"']] };
    my $sent = '{"model": "edited", "x": 1}';

    $verifier->mark;
    post('/replaced?do=' . argument($plan),
         '{"model":"' . 'm' x 5000 . '"}');
    ok(reached({ name => 'replaced', length => length $sent,
                 sha256 => sha256_hex($sent) }, 'another'),
       'a body that Lua put there is edited, not the one before');
}


sub bad_edits {
    my %steps = (
        'beyond the end'   => [['plain', 0, 12, '']],
        'before the start' => [['plain', -1, 2, '']],
        'from behind to'   => [['plain', 3, 2, '']],
        'overlapping'      => [['plain', 0, 3, ''], ['plain', 2, 4, '']],
        'what is removed'  => [['remove', 'model'], ['set', 'model', '2']],
        'removed twice'    => [['remove', 'model'], ['remove', 'model']],
    );

    for my $name (sort keys %steps) {
        my $plan     = { names => ['model'], steps => $steps{$name} };
        my $response = post('/memory?do=' . argument($plan), '{"model":1}');

        is($response->{status}, 400, $name);
        is(header($response), 'range', "$name: says so");
    }
}


sub header {
    my ($response) = @_;

    my ($value) = map { lc $_->[0] eq 'x-error' ? $_->[1] : () }
                  @{ $response->{headers} };

    return $value;
}
