# SPDX-License-Identifier: BSD-2-Clause

# What the LLM gateway makes of the requests of clients: which server gets
# them, what of them arrives there, and what is refused.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use JSON::PP ();

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::LLM;

my $CLIENT_KEY = 'sk-of-the-client-0123456789';

my $TABLE = <<'EOT';
return {
    defaults = { region = "us-east-1" },
    models = {
        chat = { { route = "runtime-openai", url = "$TEST_LLM_US",
                   model = "openai.gpt-oss-20b-1:0" } },
        mantle = { { route = "mantle-openai", url = "$TEST_LLM_MANTLE",
                     model = "openai.gpt-oss-120b", region = "us-west-2",
                     credentials = "other" } },
        ["mantle-openai-v1"] = {
            { route = "mantle-openai", url = "$TEST_LLM_MANTLE",
              path = "/openai/v1/", model = "openai.gpt-5" } },
        claude = { { route = "runtime-anthropic", url = "$TEST_LLM_US",
                     model = "us.anthropic.claude-sonnet-4-6",
                     credentials = "temp" } },
        ["claude-mantle"] = {
            { route = "mantle-anthropic", url = "$TEST_LLM_MANTLE",
              model = "anthropic.claude-sonnet-4-6",
              beta = { "context-1m-2025-08-07" } } },
        ["claude-invoke"] = {
            { route = "invoke-anthropic", url = "$TEST_LLM_US",
              model = "us.anthropic.claude-sonnet-4-6:0",
              beta = { "context-1m-2025-08-07", "b-2" },
              guardrail = "gr-1", guardrail_version = "2",
              trace = "ENABLED" } },
        ["claude-plain"] = {
            { route = "invoke-anthropic", url = "$TEST_LLM_US",
              model = "anthropic.claude" } },
        ["local"] = { { route = "gateway", url = "$TEST_LLM_STUDIO",
                        model = "qwen3-8b" } },
        same = { { route = "gateway", url = "$TEST_LLM_STUDIO/",
                   model = "same" } },
        keyed = { { route = "gateway", url = "$TEST_LLM_KEYED", model = "k",
                    key_file = "$TEST_DIR/keyed.key" } },
        gpt = { { route = "openai", url = "$TEST_LLM_OPENAI",
                  model = "gpt-5-mini", key_file = "$TEST_DIR/openai.key" } },
        sonnet = { { route = "anthropic", url = "$TEST_LLM_ANTHROPIC",
                     model = "claude-sonnet-4-6",
                     key_file = "$TEST_DIR/anthropic.key" } },
        strict = {
            { route = "gateway", url = "$TEST_LLM_STUDIO", model = "mistral",
              drop = { "stream_options", "user", "store" },
              rename = { max_completion_tokens = "max_tokens" } } },
        ["org/model:1"] = { { route = "gateway", url = "$TEST_LLM_STUDIO",
                              model = "with \"quotes\" and /" } },
    },
}
EOT

my $llm = AwsSigV4::LLM->new(forbid => [$CLIENT_KEY, 'client-cookie']);
my $json = JSON::PP->new->canonical->allow_nonref;

my $gateway = $llm->gateway(
    table     => $TABLE,
    variables => [qw(llm_alias llm_error llm_authorization llm_x_api_key
                     llm_api_key llm_goog_api_key)],
);

routed();
bodies();
envelopes();
headers_that_pass();
listed();
refused();
broken_lines();

is(join("\n", $llm->refused), '', 'no server refused a request');
ended();

done_testing();


sub messages { return '"messages":[{"role":"user","content":"hi"}]' }

sub ask {
    my ($target, $body, @headers) = @_;

    $llm->mark;
    $gateway->mark;

    my $response = $llm->post($gateway, $target, $body, @headers);
    my ($request) = $llm->requests;

    return ($response, $request);
}


# Each route: the server, the path, the model, and the scope of the signature
# or the key that arrived.
sub routed {
    my $anthropic = '"max_tokens":9,' . messages();

    my @routes = (
        [ 'chat', '/v1/chat/completions', 'us',
          '/openai/v1/chat/completions', 'openai.gpt-oss-20b-1:0',
          'us-east-1/bedrock', messages() ],
        [ 'chat', '/v1/responses', 'us', '/openai/v1/responses',
          'openai.gpt-oss-20b-1:0', 'us-east-1/bedrock', '"input":"hi"' ],
        [ 'mantle', '/v1/chat/completions', 'mantle',
          '/v1/chat/completions', 'openai.gpt-oss-120b',
          'us-west-2/bedrock-mantle', messages() ],
        [ 'mantle', '/v1/responses', 'mantle', '/v1/responses',
          'openai.gpt-oss-120b', 'us-west-2/bedrock-mantle', '"input":"hi"' ],
        [ 'mantle-openai-v1', '/v1/chat/completions', 'mantle',
          '/openai/v1/chat/completions', 'openai.gpt-5',
          'us-east-1/bedrock-mantle', messages() ],
        [ 'claude', '/v1/messages', 'us', '/anthropic/v1/messages',
          'us.anthropic.claude-sonnet-4-6', 'us-east-1/bedrock', $anthropic ],
        [ 'claude', '/v1/messages?beta=true', 'us',
          '/anthropic/v1/messages?beta=true',
          'us.anthropic.claude-sonnet-4-6', 'us-east-1/bedrock', $anthropic ],
        [ 'claude-mantle', '/v1/messages', 'mantle',
          '/anthropic/v1/messages', 'anthropic.claude-sonnet-4-6',
          'us-east-1/bedrock-mantle', $anthropic ],
        [ 'claude-invoke', '/v1/messages?beta=true', 'us',
          '/model/us.anthropic.claude-sonnet-4-6%3A0/invoke',
          'us.anthropic.claude-sonnet-4-6:0', 'us-east-1/bedrock',
          $anthropic ],
        [ 'claude-invoke', '/v1/messages', 'us',
          '/model/us.anthropic.claude-sonnet-4-6%3A0'
          . '/invoke-with-response-stream',
          'us.anthropic.claude-sonnet-4-6:0', 'us-east-1/bedrock',
          '"stream":true,' . $anthropic ],
        [ 'local', '/v1/chat/completions', 'studio', '/v1/chat/completions',
          'qwen3-8b', '', messages() ],
        [ 'local', '/v1/embeddings', 'studio', '/v1/embeddings', 'qwen3-8b',
          '', '"input":"hi"' ],
        [ 'local', '/v1/completions', 'studio', '/v1/completions',
          'qwen3-8b', '', '"prompt":"hi"' ],
        [ 'local', '/v1/messages', 'studio', '/v1/messages', 'qwen3-8b', '',
          $anthropic ],
        [ 'local', '/v1/messages/count_tokens', 'studio',
          '/v1/messages/count_tokens', 'qwen3-8b', '', messages() ],
        [ 'keyed', '/v1/chat/completions?key=of-the-client', 'keyed',
          '/v1/chat/completions', 'k', '', messages() ],
        [ 'gpt', '/v1/chat/completions', 'openai', '/v1/chat/completions',
          'gpt-5-mini', '', messages() ],
        [ 'sonnet', '/v1/messages', 'anthropic', '/v1/messages',
          'claude-sonnet-4-6', '', $anthropic ],
        [ 'org/model:1', '/v1/chat/completions', 'studio',
          '/v1/chat/completions', 'with "quotes" and /', '', messages() ],
    );

    for my $route (@routes) {
        my ($alias, $target, $listener, $path, $model, $scope, $rest)
            = @$route;

        my ($response, $request) = ask($target,
            "{\"model\":\"$alias\",$rest}",
            [ Authorization => "Bearer $CLIENT_KEY" ],
            [ 'Anthropic-Version' => '2023-06-01' ]);

        subtest "$alias, $target" => sub {
            is($response->{status}, $request->{status}, 'status');
            is($request->{verdict}, 'ok', 'accepted');
            is($request->{listener}, $listener, 'server');
            is($request->{target}, $path, 'path');
            is($request->{model}, $model, 'model');
            is($scope && "$request->{region}/$request->{service}", $scope,
               'scope of the signature');
        };
    }

    return;
}


# What arrives differs by the name of the model, and by nothing else.
sub bodies {
    my $odd = ' { "a\u0000" : [ ] ,"b":{},"model" : "NAME" , "n":'
        . '9007199254740993, "f":1.0,"e":1E400 ,"s":"\/\ud800\u00e9'
        . "\xc3\xa9" . '",'
        . '"tools":[{"required":[],"properties":{}}],'
        . '"messages":[{"role":"user","content":"hi"}],"z":null } ' . "\n";

    my @bodies = (
        [ 'a body of odd spelling', 'chat', $odd =~ s/NAME/chat/r,
          $odd =~ s/NAME/openai.gpt-oss-20b-1:0/r ],
        [ 'a name that is escaped', 'local',
          '{"\u006dodel":"loc\u0061l",' . messages() . '}',
          '{"\u006dodel":"qwen3-8b",' . messages() . '}' ],
        [ 'a model of that name', 'same', $odd =~ s/NAME/same/r,
          $odd =~ s/NAME/same/r ],
        [ 'members to drop', 'strict',
          '{"user":"u","stream_options":{"a":[1,{"b":","}]},'
          . '"model":"strict", "store" : true ,' . messages()
          . ',"max_completion_tokens":7}',
          '{"model":"mistral" ,' . messages() . ',"max_tokens":7}' ],
        [ 'all but one to drop', 'strict',
          '{"model":"strict","user":1,"store":2}', '{"model":"mistral"}' ],
        [ 'a new name that is there', 'strict',
          '{"max_completion_tokens":7,"model":"strict","max_tokens":8}',
          '{"model":"mistral","max_tokens":8}' ],
        [ 'names that lie deeper', 'strict',
          '{"model":"strict","x":{"user":1,"model":2,"model":3}}',
          '{"model":"mistral","x":{"user":1,"model":2,"model":3}}' ],
    );

    for my $case (@bodies) {
        my ($name, undef, $sent, $expected) = @$case;
        my (undef, $request) = ask('/v1/chat/completions', $sent);

        utf8::encode(my $body = $request->{body});
        is($body, $expected, $name);
    }

    return;
}


# Of Anthropic's Messages for Invoke: model and stream go, what was in headers
# comes.
sub envelopes {
    my $version = '"anthropic_version":"bedrock-2023-05-31"';
    my $rest    = '"max_tokens":9,"x":[ ],' . messages();
    my $beta    = 'no-such,context-1m-2025-08-07 , b-2';

    my @bodies = (
        [ 'the model first', "{\"model\":\"A\",$rest}",
          "{$version,$rest}" ],
        [ 'the model last', "{$rest,\"model\":\"A\"}",
          "{$rest,$version}" ],
        [ 'a stream', "{\"stream\":true,\"model\":\"A\",$rest}",
          "{$version,$rest}" ],
        [ 'the stream behind', "{$rest, \"model\":\"A\" ,\"stream\": true}",
          "{$rest, $version }" ],
        [ 'no stream', "{\"model\":\"A\",\"stream\":false,$rest}",
          "{$version,$rest}" ],
        [ 'a version of its own',
          "{\"anthropic_version\":\"bedrock-2023-05-31\","
          . "\"model\":\"A\",$rest}",
          "{\"anthropic_version\":\"bedrock-2023-05-31\",$rest}" ],
        [ 'a version behind',
          "{\"stream\":true,\"model\":\"A\",$rest,"
          . "\"anthropic_version\":\"bedrock-2023-05-31\"}",
          "{$rest,\"anthropic_version\":\"bedrock-2023-05-31\"}" ],
        [ 'flags', "{\"model\":\"A\",$rest}",
          "{$version,\"anthropic_beta\":[\"context-1m-2025-08-07\",\"b-2\"],"
          . "$rest}", $beta ],
        [ 'flags of its own',
          "{\"model\":\"A\",\"anthropic_beta\":[\"x\"],$rest}",
          "{$version,\"anthropic_beta\":[\"x\"],$rest}", $beta ],
        [ 'flags that none may pass', "{\"model\":\"P\",$rest}",
          "{$version,$rest}", $beta ],
    );

    for my $case (@bodies) {
        my ($name, $sent, $expected, $betas) = @$case;

        $sent =~ s/"A"/"claude-invoke"/;
        $sent =~ s/"P"/"claude-plain"/;

        my ($response, $request) = ask('/v1/messages', $sent,
            [ 'Anthropic-Version' => '2023-06-01' ],
            $betas ? [ 'Anthropic-Beta' => $betas ] : ());

        is($request->{body}, $expected, "envelope: $name");
        is($response->{status}, 200, "envelope: $name: status");
    }

    return;
}


# Nothing of the client arrives but what is named, and the key of the target
# in place of its own.
sub headers_that_pass {
    my @sent = (
        [ Authorization => "Bearer $CLIENT_KEY" ],
        [ 'X-Api-Key' => $CLIENT_KEY ], [ 'Api-Key' => $CLIENT_KEY ],
        [ 'X-Goog-Api-Key' => $CLIENT_KEY ],
        [ 'Proxy-Authorization' => "Bearer $CLIENT_KEY" ],
        [ Cookie => 'client-cookie=1' ],
        [ 'X-Amz-Date' => '20200101T000000Z' ],
        [ 'X-Amz-Security-Token' => 'client-cookie' ],
        [ 'X-Amz-Content-Sha256' => 'UNSIGNED-PAYLOAD' ],
        [ 'X-Amz-Target' => 'Other' ],
        [ 'X-Amzn-Bedrock-GuardrailIdentifier' => 'of-the-client' ],
        [ 'X-Amzn-Bedrock-Trace' => 'of-the-client' ],
        [ 'OpenAI-Organization' => 'of-the-client' ],
        [ 'X-Forwarded-For' => 'of-the-client' ],
        [ 'Accept-Encoding' => 'gzip' ], [ Accept => 'application/json' ],
        [ 'User-Agent' => 'OpenAI/Python 1' ],
        [ 'Anthropic-Version' => '2023-06-01' ],
        [ 'Anthropic-Beta' => 'context-1m-2025-08-07,other' ],
    );

    my @always  = qw(host content-type content-length);
    my @signed  = qw(authorization x-amz-content-sha256 x-amz-date);
    my @passing = qw(accept user-agent);
    my @all     = qw(anthropic-beta anthropic-version);

    my @cases = (
        [ chat => '/v1/chat/completions', @signed ],
        [ claude => '/v1/messages', @signed, @all, 'x-amz-security-token' ],
        [ 'claude-mantle' => '/v1/messages', @signed, @all ],
        [ 'claude-invoke' => '/v1/messages', @signed,
          'x-amzn-bedrock-guardrailidentifier',
          'x-amzn-bedrock-guardrailversion', 'x-amzn-bedrock-trace' ],
        [ local => '/v1/messages', @all ],
        [ local => '/v1/chat/completions' ],
        [ keyed => '/v1/chat/completions', 'authorization' ],
        [ gpt => '/v1/chat/completions', 'authorization' ],
        [ sonnet => '/v1/messages', @all, 'x-api-key' ],
    );

    for my $case (@cases) {
        my ($alias, $target, @expected) = @$case;

        my ($response, $request) = ask($target,
            "{\"model\":\"$alias\",\"max_tokens\":9," . messages() . '}',
            @sent);
        my %got = map { lc $_->[0] => $_->[1] } @{ $request->{headers} };

        subtest "headers for $alias, $target" => sub {
            is($request->{verdict}, 'ok', 'accepted');
            is(join("\n", sort keys %got),
               join("\n", sort @always, @passing, @expected), 'headers');
            unlike(join("\n", values %got), qr/of-the-client/,
                   'none of the client');
            is($got{accept}, 'application/json', 'accept');
        };

        is($got{'anthropic-beta'}, 'context-1m-2025-08-07',
           'flags of the list') if $alias eq 'claude-mantle';
        is($got{'anthropic-beta'}, 'context-1m-2025-08-07,other',
           'all flags') if $alias eq 'sonnet';

        my $line;
        wait_for(sub { ($line) = $gateway->access });
        is(join('', map { $line->{"llm_$_"} }
                    qw(authorization x_api_key api_key goog_api_key)), '',
           'no key in variables when the request is logged');
        is($line->{llm_alias}, $alias, '$llm_alias');
    }

    return;
}


sub get {
    my ($target, @headers) = @_;

    $llm->mark;

    my $response = request($gateway->port, target => $target,
                           headers => \@headers);

    is(scalar(() = $llm->requests), 0, "$target: no server is asked");

    return $response;
}


sub listed {
    my @openai = sort qw(chat mantle mantle-openai-v1 local same keyed gpt
                         strict), 'org/model:1';
    my @anthropic = sort qw(claude claude-mantle claude-invoke claude-plain
                            local same keyed sonnet strict), 'org/model:1';
    my $version = [ 'Anthropic-Version' => '2023-06-01' ];

    my $list = $json->decode(get('/v1/models')->{body});

    is($list->{object}, 'list', 'a list');
    is(join(' ', map { $_->{id} } @{ $list->{data} }), "@openai",
       'models for clients of OpenAI');
    is_deeply([ sort keys %{ $list->{data}[0] } ],
              [qw(created id object owned_by)], 'shape of a model');

    $list = $json->decode(get('/v1/models?limit=1000', $version)->{body});

    is(join(' ', map { $_->{id} } @{ $list->{data} }), "@anthropic",
       'models for clients of Anthropic');
    is_deeply([ map { "$_" } @$list{qw(first_id last_id has_more)} ],
              [ $anthropic[0], $anthropic[-1], '0' ], 'one page');
    like($list->{data}[0]{created_at}, qr/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/,
         'a date');

    for my $id (qw(chat org/model:1 org%2Fmodel%3A1 or%67%2fmodel:1)) {
        my $model = $json->decode(get("/v1/models/$id")->{body});

        is($model->{object}, 'model', "$id is there");
    }

    my $model = $json->decode(get('/v1/models/claude', $version)->{body});
    is($model->{type}, 'model', 'a model for clients of Anthropic');

    for my $id (qw(none claude chat/ CHAT)) {
        my $response = get("/v1/models/$id");

        is($response->{status}, 404, "no model $id");
        is($json->decode($response->{body})->{error}{code},
           'model_not_found', "no model $id: code");
    }

    for my $id (qw(org%2 % chat%00)) {
        my $response = get("/v1/models/$id");

        is($response->{status}, 400, "nginx refuses $id");
        is($json->decode($response->{body})->{error}{type},
           'invalid_request_error', "nginx refuses $id: shape");
    }

    is(get('/v1/models/chat', $version)->{status}, 404,
       'no model that speaks another dialect');

    my $response = request($gateway->port, method => 'HEAD',
                           target => '/v1/models');
    is($response->{status}, 200, 'HEAD');

    return;
}


# Status and code of what is refused, in the shape of the client's dialect; no
# server hears of it.
sub refused {
    my $type = [ 'Content-Type' => 'application/json' ];
    my $good = '{"model":"local",' . messages() . '}';
    my $long = 'x' x (10 << 20);
    my $deep = 600;

    my @bad = (
        [ 'not JSON', '{"model":"local"', 400, 'invalid_json' ],
        [ 'text', 'hello', 400, 'invalid_json' ],
        [ 'nothing', '', 400, 'invalid_json' ],
        [ 'bytes that are no UTF-8', "{\"model\":\"local\",\"a\":\"\xff\"}",
          400, 'invalid_json' ],
        [ 'two documents', "$good$good", 400, 'invalid_json' ],
        [ 'nesting', '{"model":"local","a":' . '[' x $deep . ']' x $deep
          . '}', 400, 'invalid_json' ],
        [ 'an array', "[$good]", 400, undef ],
        [ 'null', 'null', 400, undef ],
        [ 'no model', '{' . messages() . '}', 400, 'missing_model' ],
        [ 'an empty object', '{}', 400, 'missing_model' ],
        [ 'model null', '{"model":null}', 400, 'invalid_model' ],
        [ 'a number', '{"model":1}', 400, 'invalid_model' ],
        [ 'a list of models', '{"model":["local"]}', 400, 'invalid_model' ],
        [ 'an empty name', '{"model":""}', 400, 'invalid_model' ],
        [ 'a name with a line break', '{"model":"a\nb"}', 400,
          'invalid_model' ],
        [ 'a name with a lone surrogate', '{"model":"\ud800"}', 400,
          'invalid_model' ],
        [ 'a name of 10 MB', "{\"model\":\"$long\"}", 400, 'invalid_model' ],
        [ 'two models', '{"model":"local","model":"chat"}', 400, undef ],
        [ 'two models, one escaped', '{"model":"local","\u006dodel":"chat"}',
          400, undef ],
        [ 'a stream that is text', '{"model":"local","stream":"true"}', 400,
          undef ],
        [ 'an unknown model', '{"model":"none"}', 404, 'model_not_found' ],
        [ 'a model in other letters', '{"model":"LOCAL"}', 404,
          'model_not_found' ],
        [ 'a model of the other dialect', '{"model":"OTHER"}', 404,
          'model_not_found' ],
        [ 'a form', $good, 415, 'unsupported_media_type',
          [ 'Content-Type' => 'application/x-www-form-urlencoded' ] ],
        [ 'a similar type', $good, 415, 'unsupported_media_type',
          [ 'Content-Type' => 'application/jsonx' ] ],
        [ 'no type', $good, 415, 'unsupported_media_type', 'none' ],
        [ 'a compressed body', $good, 415, 'unsupported_media_type',
          $type, [ 'Content-Encoding' => 'gzip' ] ],
    );

    my %other = (openai => 'claude', anthropic => 'chat');

    for my $dialect (qw(openai anthropic)) {
        my $target = $dialect eq 'openai' ? '/v1/chat/completions'
                                          : '/v1/messages';

        for my $case (@bad) {
            my ($name, $body, $status, $code, @headers) = @$case;

            $body =~ s/OTHER/$other{$dialect}/;
            @headers = $type unless @headers;
            @headers = () if $headers[0] eq 'none';

            is_refused("$dialect: $name", $dialect, $status, $code,
                       method => 'POST', target => $target, body => $body,
                       headers => \@headers);
        }
    }

    my @wrong = (
        [ openai => GET => '/v1/chat/completions', 405 ],
        [ openai => PUT => '/v1/embeddings', 405 ],
        [ openai => OPTIONS => '/v1/responses', 405 ],
        [ anthropic => GET => '/v1/messages', 405 ],
        [ bedrock => GET => '/model/m/converse', 405 ],
        [ openai => POST => '/v1/models', 405 ],
        [ openai => DELETE => '/v1/models/local', 405 ],
        [ openai => POST => '/v1/chat/completions/', 404 ],
        [ openai => POST => '/v1/chat%2Fcompletions', 404 ],
        [ openai => POST => '/v1//chat/completions', 404 ],
        [ openai => POST => '/v1/files', 404 ],
        [ openai => GET => '/v1/', 404 ],
        [ openai => GET => '/v1/models/', 404 ],
        [ anthropic => POST => '/v1/messages/batches', 404 ],
        [ bedrock => POST => '/model/m/other', 404 ],
        [ bedrock => POST => '/model/m', 404 ],
        [ bedrock => POST => '/model//converse', 404 ],
        [ bedrock => POST => '/model/../v1/converse', 404 ],
    );

    for my $case (@wrong) {
        my ($dialect, $method, $target, $status) = @$case;
        my $code = $status == 405 ? 'method_not_allowed'
                                  : 'unsupported_route';

        my $response = is_refused("$method $target", $dialect, $status,
            $code, method => $method, target => $target,
            $method eq 'GET' ? () : (body => $good), headers => [ $type ]);

        my ($allow) = AwsSigV4::Client::header($response, 'Allow');
        is($allow, $status == 404 ? undef
                   : $target =~ /models/ ? 'GET, HEAD' : 'POST',
           "$method $target: Allow");
    }

    is_refused('count_tokens of Invoke', 'anthropic', 404,
               'unsupported_route', method => 'POST',
               target => '/v1/messages/count_tokens', headers => [ $type ],
               body => '{"model":"claude-invoke",' . messages() . '}');

    return;
}


sub is_refused {
    my ($name, $dialect, $status, $code, %request) = @_;

    $llm->mark;
    $gateway->mark;

    my $response = request($gateway->port, %request);
    my $shape    = eval { $json->decode($response->{body}) } // {};
    my $error    = ref $shape->{error} eq 'HASH' ? $shape->{error} : $shape;

    subtest $name => sub {
        is($response->{status}, $status, 'status');
        is((AwsSigV4::Client::header($response, 'Content-Type'))[0],
           'application/json', 'type');
        like($error->{message}, qr/\w/, 'a message');

        if ($dialect eq 'openai') {
            is($error->{code}, $code, 'code');
            is($error->{type}, 'invalid_request_error', 'type of the error');
        }

        if ($dialect eq 'anthropic') {
            is($shape->{type}, 'error', 'an error');
            is($error->{type}, $status == 404 ? 'not_found_error'
                                              : 'invalid_request_error',
               'type of the error');
        }

        if ($dialect eq 'bedrock') {
            like((AwsSigV4::Client::header($response,
                                           'x-amzn-errortype'))[0],
                 qr/^\w+Exception$/, 'class of the error');
        }

        is(scalar(() = $llm->requests), 0, 'no server is asked');
        my $line;
        wait_for(sub { ($line) = $gateway->access });
        is($line->{llm_error}, $code, '$llm_error') if defined $code;
    };

    return $response;
}


# A body that nginx itself refuses.
sub broken_lines {
    $llm->mark;

    for my $target ('/v1/chat/completions', '/v1/messages',
                    '/model/m/converse')
    {
        my $response = request($gateway->port, method => 'POST',
            target => $target, body => '',
            headers => "Content-Type: application/json\n"
                . "Content-Length: 30000000\n");
        my $shape = eval { $json->decode($response->{body}) } // {};

        is($response->{status}, 413, "$target: too large");
        ok($target =~ /chat/ ? $shape->{error}{code} eq 'request_too_large'
           : $target =~ /messages/
           ? $shape->{error}{type} eq 'request_too_large'
           : $shape->{message}, "$target: shape");
    }

    is(scalar(() = $llm->requests), 0, 'no server is asked');

    return;
}


sub ended {
    my @problems = grep { !/client intended to send too large body/ }
        $gateway->log_text('error.log')
            =~ /^(.*\[(?:error|crit|alert|emerg)\].*)$/gm;

    is(join("\n", @problems), '', 'no errors in the log');
    is(join("\n", $gateway->stop_it), '', 'nginx ended well');

    return;
}
