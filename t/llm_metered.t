# SPDX-License-Identifier: BSD-2-Clause

# Callers with a limit of tokens: what they are charged does not depend on
# what they ask for, nor on whether they read an answer to its end.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use POSIX       qw(ceil);

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Credentials;
use AwsSigV4::LLM;

my $TABLE = <<'EOT';
local function target(route, url, model, more)
    local t = more or {}
    t.route, t.url, t.model = route, url, model
    return t
end

return {
    defaults = { region = "us-east-1", cooldown = 0 },
    models = {
        same = { target("gateway", "$TEST_LLM_STUDIO", "same") },
        signed = { target("runtime-openai", "$TEST_LLM_US", "m") },
        strict = { target("gateway", "$TEST_LLM_STUDIO", "strict",
                          { drop = { "stream_options" } }) },
        renamed = { target("gateway", "$TEST_LLM_STUDIO", "renamed",
                           { rename = { stream_options = "options" } }) },
        two = { target("gateway", "$TEST_LLM_STUDIO", "two"),
                target("gateway", "$TEST_LLM_KEYED", "two",
                       { drop = { "stream_options" },
                         key_file = "$TEST_DIR/keyed.key" }) },
        late = { target("runtime-openai", "$TEST_LLM_US", "m",
                        { credentials = "late" }) },
        claude = { target("runtime-anthropic", "$TEST_LLM_US", "m") },
        invoke = { target("invoke-anthropic", "$TEST_LLM_US", "m") },
        bedrock = { target("bedrock", "$TEST_LLM_US", "m") },
    },
}
EOT

my $CALLERS = 'return {' . join(',', map {
        my ($name, $more) = @$_;
        "$name = { sha256 = \"" . sha256_hex("key-$name")
            . "\", models = \"*\"$more }";
    } ['free', ''], ['slow', ', rpm = 1000'], ['low', ', tpm = 1'],
      map { ["c$_", ', tpm = 1000000'] } 1 .. 80) . '}';

my $SPENT = <<'EOC';
location = /spent {
    content_by_lua_block {
        local sum = 0

        for _, key in ipairs(ngx.shared.llm:get_keys(0)) do
            if key:find("caller:" .. ngx.var.arg_caller .. ":tpm:", 1, true)
            then
                sum = sum + ngx.shared.llm:get(key)
            end
        end

        ngx.print(sum)
    }
}
EOC

my $llm     = AwsSigV4::LLM->new;
my $keys    = AwsSigV4::Credentials->new(credentials => { hang => 60 });
my $gateway = $llm->gateway(
    table     => $TABLE,
    callers   => $CALLERS,
    config    => "aws_sigv4_credentials_timeout 60s;\n$SPENT",
    http_config => 'aws_sigv4_provider late container endpoint='
        . $keys->url . "/v1/credentials;\n",
    variables => [ @AwsSigV4::LLM::VARIABLES, 'request_length' ],
);

my $MESSAGES = '"messages":[{"role":"user","content":"hi"}]';
my $USAGE    = '{"include_usage":true}';

my $callers = 0;
my $gates   = 0;

asked();
not_asked();
other_targets();
no_usage();
hanging_up();
before_the_answer();
before_the_signature();
leaving_json();
refused_then();

is(join("\n", $llm->refused), '', 'no server refused a request');
is(join("\n", grep { !/could not fetch/ } $gateway->stop_it), '',
   'nginx ended well');

done_testing();


sub spent {
    my ($caller) = @_;

    return request($gateway->port, target => "/spent?caller=$caller")->{body};
}

sub headers_of {
    my ($caller) = @_;

    return ([ 'x-api-key' => "key-$caller" ],
            [ 'Anthropic-Version' => '2023-06-01' ]);
}

# the line of a request for a model, and not of those of this test
sub logged {
    my $line;

    wait_for(sub { ($line) = grep { $_->{request} =~ /^POST/ }
                   $gateway->access });

    return $line;
}

# the response, the requests that came, what was logged
sub ask {
    my ($caller, $body, $target) = @_;

    $llm->mark;
    $gateway->mark;

    my $response = $llm->post($gateway, $target // '/v1/chat/completions',
                              $body, headers_of($caller));

    return ($response, [ $llm->requests ], logged());
}

sub tokens_of {
    my ($line) = @_;

    return join '/', map { $line->{"llm_${_}_tokens"} }
        qw(prompt completion cached);
}


# What arrives of "stream_options", and that the client gets what it asked
# for and nothing else.
sub asked {
    my $rest = "\"model\":\"same\",\"stream\":true,$MESSAGES";

    my @cases = (
        [ 'no options', "{$rest}", "{\"stream_options\":$USAGE,$rest}" ],
        [ 'null', "{\"stream_options\":null,$rest}",
          "{\"stream_options\":$USAGE,$rest}" ],
        [ 'none of them', "{$rest,\"stream_options\":{ }}",
          "{$rest,\"stream_options\":{\"include_usage\":true }}" ],
        [ 'others', "{$rest,\"stream_options\":{\"x\" : [ ] }}",
          "{$rest,\"stream_options\":{\"include_usage\":true,"
          . '"x" : [ ] }}' ],
        [ 'no', "{$rest,\"stream_options\":{\"x\":1,\"include_usage\": false"
          . ' }}',
          "{$rest,\"stream_options\":{\"x\":1,\"include_usage\":true }}" ],
        [ 'neither yes nor no',
          "{$rest,\"stream_options\":{\"include_usage\":null}}",
          "{$rest,\"stream_options\":$USAGE}" ],
        [ 'no, in other letters',
          "{$rest,\"stream_options\":{\"include\\u005fusage\":false}}",
          "{$rest,\"stream_options\":$USAGE}" ],
        [ 'yes and no', "{$rest,\"stream_options\":{\"include_usage\":true,"
          . '"include_usage":false}}', "{$rest,\"stream_options\":$USAGE}" ],
        [ 'no, and a lot', "{$rest,\"stream_options\":{\"x\":\""
          . 'x' x 70_000 . '","include_usage":false}}',
          "{$rest,\"stream_options\":$USAGE}" ],
        [ 'options in other letters',
          "{$rest,\"stream\\u005foptions\":{\"include_usage\":false}}",
          "{$rest,\"stream\\u005foptions\":$USAGE}" ],
        [ 'a stream in other letters',
          "{\"model\":\"same\",\"str\\u0065am\":true,$MESSAGES}",
          "{\"stream_options\":$USAGE,\"model\":\"same\","
          . "\"str\\u0065am\":true,$MESSAGES}" ],
        [ 'yes', "{$rest,\"stream_options\":{ \"include_usage\" : true }}",
          "{$rest,\"stream_options\":{ \"include_usage\" : true }}", 1 ],
    );

    for my $case (@cases) {
        my ($name, $sent, $expected, $wanted) = @$case;
        my $caller = 'c' . ++$callers;
        my ($response, $requests, $line) = ask($caller, $sent);
        my $body = $response->{body};

        subtest "the client says: $name" => sub {
            is($requests->[0]{body}, $expected, 'what arrives');
            is(() = $body =~ /"choices":\[\],"usage":\{/g, $wanted ? 1 : 0,
               'the event with the usage');
            unlike($body, qr/"usage"/, 'nor a member of this name')
                unless $wanted;
            is(() = $body =~ /"content":"(?:Good| day| to| you)"/g, 4,
               'all of the text');
            like($body, qr/\n\ndata: \[DONE\]\n\n\z/, 'the end');
            is(tokens_of($line), '11/4/3', 'log');
            is(spent($caller), 15, 'charged');
        };
    }

    my $caller = 'c' . ++$callers;
    my ($response, $requests, $line)
        = ask($caller, "{\"model\":\"signed\",\"stream\":true,$MESSAGES}");

    is($requests->[0]{body}, "{\"stream_options\":$USAGE,\"model\":\"m\","
       . "\"stream\":true,$MESSAGES}", 'what is signed, with another model');
    is(spent($caller), 15, 'charged');

    ($response, $requests) = ask($caller, '{"model":"same","stream":true,'
        . '"prompt":"hi"}', '/v1/completions');
    is($requests->[0]{body}, "{\"stream_options\":$USAGE,"
       . '"model":"same","stream":true,"prompt":"hi"}', 'completions');

    return;
}


# Nothing is changed where usage comes by itself, or for those without a
# limit, whose log has none then.
sub not_asked {
    my $chat = "{\"model\":\"same\",\"stream\":true,$MESSAGES}";
    my @cases = (
        [ 'no stream', "{\"model\":\"same\",$MESSAGES}" ],
        [ 'stream false', "{\"model\":\"same\",\"stream\":false,$MESSAGES}" ],
        [ 'options that are none',
          "{\"model\":\"same\",\"stream\":true,\"stream_options\":[],"
          . "$MESSAGES}" ],
        [ 'responses', '{"model":"same","stream":true,"input":"hi"}',
          '/v1/responses' ],
        [ 'messages', "{\"model\":\"same\",\"stream\":true,\"max_tokens\":9,"
          . "$MESSAGES}", '/v1/messages' ],
        [ 'embeddings', '{"model":"same","input":"hi"}', '/v1/embeddings' ],
    );

    for my $case (@cases) {
        my ($name, $body, $target) = @$case;
        my (undef, $requests) = ask('c' . ++$callers, $body, $target);

        is($requests->[0]{body}, $body, "$name: the body is untouched");
        cmp_ok(spent("c$callers"), '>', 10, "$name: charged");
    }

    for my $caller (qw(free slow)) {
        my (undef, $requests, $line) = ask($caller, $chat);

        is($requests->[0]{body}, $chat, "$caller: the body is untouched");
        is(tokens_of($line), '-/-/-', "$caller: and no usage is known");
        is(spent($caller), 0, "$caller: nothing is charged");
    }

    return;
}


# A target that does not know the option is not sent it, whichever comes
# first.
sub other_targets {
    for my $alias (qw(strict renamed)) {
        my $body = "{\"model\":\"$alias\",\"stream\":true,$MESSAGES}";
        my ($response, $requests) = ask('c' . ++$callers, $body);

        is($requests->[0]{body}, $body, "$alias: it is not asked");
    }

    my $body = "{\"model\":\"two\",\"stream\":true,$MESSAGES}";

    $llm->rules({ listener => 'studio', status => 500, times => 1 });
    my ($response, $requests) = ask('c' . ++$callers, $body);
    $llm->rules;

    is($response->{status}, 200, 'the second target answers');
    is_deeply([ map { $_->{body} } @$requests ],
              [ $body =~ s/\{/{"stream_options":$USAGE,/r, $body ],
              'and is not asked as the first was');
    like($response->{body}, qr/\[DONE\]\n\n\z/, 'its stream is whole');

    return;
}


# by hand: four bytes a token; "Good day to you" has 15
sub estimated {
    my ($line, $bytes) = @_;

    return ceil($line->{request_length} / 4) + ceil($bytes / 4);
}

sub no_usage {
    $llm->rules({ usage => \0 });

    for my $case (
        [ 'a stream' => '"model":"same","stream":true' ],
        [ 'a stream not asked' => '"model":"strict","stream":true' ],
    ) {
        my ($name, $members) = @$case;
        my $caller = 'c' . ++$callers;
        my (undef, undef, $line) = ask($caller, "{$members,$MESSAGES}");

        is(tokens_of($line), '-/-/-', "$name: no usage is told");
        is(spent($caller), estimated($line, 15), "$name: it is estimated");
    }

    my $json = '{"choices":[{"message":{"content":"Good day to you"}}]}';

    for my $case (
        [ 'JSON', 15, $json ],
        [ 'what is compressed', 0, 'x', [ 'Content-Encoding' => 'gzip' ] ],
    ) {
        my ($name, $bytes, $text, @headers) = @$case;
        my $answer = 'c' . ++$callers;

        $llm->rules({ status => 200, body => $text, headers => \@headers,
                      content_type => 'application/json' });

        my (undef, undef, $line) = ask($answer,
                                       "{\"model\":\"same\",$MESSAGES}");

        is(tokens_of($line), '-/-/-', "$name: no usage is told");
        is(spent($answer), estimated($line, $bytes), "$name: it is estimated");
    }

    $llm->rules({ usage => \0 });

    # images are no text: 64 KB of a request count
    my $caller = 'c' . ++$callers;
    ask($caller, '{"model":"same","stream":true,"messages":[{"role":"user",'
        . '"content":"' . 'x' x 200_000 . '"}]}');
    is(spent($caller), 16384 + 4, 'a large request');

    $llm->rules({ usage => \0, tokens => [ '"a\\', "\n\"b" ] });
    $caller = 'c' . ++$callers;
    my (undef, undef, $line) = ask($caller,
        "{\"model\":\"same\",\"stream\":true,$MESSAGES}");
    is(spent($caller), estimated($line, 10), 'text with escapes');

    $llm->rules;

    return;
}


# A request whose answer, or whose stream, is held by a gate, or as a rule
# says.
sub begin {
    my ($how, $caller, $target, $body) = @_;

    my $gate   = 'm' . ++$gates;
    my $client = AwsSigV4::Client->new(port => $gateway->port);

    $llm->rules({ ref $how ? @$how : ($how => $gate) });
    $llm->mark;
    $gateway->mark;

    my ($head, $text) = AwsSigV4::Client::format_request({
        method  => 'POST',
        target  => $target,
        body    => $body,
        headers => [ [ 'Content-Type' => 'application/json' ],
                     headers_of($caller) ],
    });

    $client->send($head . $text);
    wait_for(sub { $llm->requests > 0 });

    return ($client, $gate);
}

sub read_until {
    my ($client, $condition) = @_;

    until ($condition->()) {
        $client->read_some or die "the answer ended: ",
            substr($client->{buffer}, 0, 500), "\n";
    }

    return;
}

sub went_away {
    my ($client) = @_;

    close $client->{sock};

    return logged();
}


# "Good day" has 8 bytes; where the prompt's tokens are announced, they are 11
sub hanging_up {
    my $body = '"stream":true,"max_tokens":9,' . $MESSAGES;
    my $native = '{"messages":[{"role":"user","content":[{"text":"hi"}]}]}';
    my $invoke = "{\"anthropic_version\":\"bedrock-2023-05-31\","
        . "\"max_tokens\":9,$MESSAGES}";

    my @cases = (
        [ 0, '/v1/chat/completions', "{\"model\":\"same\",$body}" ],
        [ 0, '/v1/chat/completions', "{\"model\":\"signed\",$body}" ],
        [ 0, '/v1/responses',
          '{"model":"same","stream":true,"input":"hi"}' ],
        [ 1, '/v1/messages', "{\"model\":\"claude\",$body}" ],
        [ 1, '/v1/messages', "{\"model\":\"invoke\",$body}" ],
        [ 0, '/model/bedrock/converse-stream', $native ],
        [ 1, '/model/bedrock/invoke-with-response-stream', $invoke ],
    );

    for my $case (@cases) {
        my ($announced, $target, $text) = @$case;
        my $caller = 'c' . ++$callers;
        my ($client, $gate) = begin(gate => $caller, $target, $text);

        # each event has come before the next leaves
        for my $level (1, 2) {
            $llm->gate($gate, level => $level);
            read_until($client, sub {
                ends_with($client->{buffer}, $target, $level) });
        }

        my $line = went_away($client);

        is(spent($caller), $announced ? 11 + 2 : estimated($line, 8),
           "$target: a client that hung up is charged");
        is($line->{llm_prompt_tokens}, $announced ? 11 : '-',
           "$target: what is estimated is not logged");
    }

    $llm->rules;

    return;
}

# whether the word of a level is there; a chunk of Invoke is base64
sub ends_with {
    my ($bytes, $target, $level) = @_;

    if ($target =~ /invoke/) {
        require MIME::Base64;
        $bytes = join '', map { MIME::Base64::decode($_) }
            $bytes =~ /"bytes":"([^"]*)"/g;
    }

    return $level == 1 ? $bytes =~ /"Good"/ : $bytes =~ /" day"/;
}


# The model has begun to read, and the gateway pays for that.
sub before_the_answer {
    my $body = "{\"model\":\"same\",$MESSAGES}";

    for my $case ([ '/v1/chat/completions', 1 ],
                  [ '/v1/messages/count_tokens', 0 ])
    {
        my ($target, $charged) = @$case;
        my $caller = 'c' . ++$callers;
        my ($client, $gate) = begin(hold => $caller, $target, $body);
        my $line = went_away($client);

        is($line->{status}, 499, "$target: nothing has come");
        is(spent($caller), $charged ? estimated($line, 0) : 0,
           "$target: " . ($charged ? 'the prompt is charged'
                                   : 'which is free'));
        $llm->open_gate($gate);
    }

    $llm->rules;

    return;
}


# No model has read what still waits for the gateway's credentials.
sub before_the_signature {
    my $caller = 'c' . ++$callers;
    my $client = AwsSigV4::Client->new(port => $gateway->port);

    $gateway->mark;

    my ($head, $text) = AwsSigV4::Client::format_request({
        method  => 'POST',
        target  => '/v1/chat/completions',
        body    => "{\"model\":\"late\",$MESSAGES}",
        headers => [ [ 'Content-Type' => 'application/json' ],
                     headers_of($caller) ],
    });

    $client->send($head . $text);
    $client->drained;

    my $line = went_away($client);

    is($line->{status}, 499, 'nothing was sent');
    is($line->{llm_attempts}, 1, 'to the target that there is');
    is(spent($caller), 0, 'nor charged');

    return;
}


# The usage is at the end of JSON, which a client may do without.
sub leaving_json {
    my $size = 32 << 20;

    for my $case (
        [ '/v1/chat/completions', "{\"model\":\"same\",$MESSAGES}" ],
        [ '/v1/messages',
          "{\"model\":\"claude\",\"max_tokens\":9,$MESSAGES}" ],
        [ '/model/bedrock/converse',
          '{"messages":[{"role":"user","content":[{"text":"hi"}]}]}' ],
    ) {
        my ($target, $body) = @$case;
        my $caller = 'c' . ++$callers;

        my ($client) = begin([ size => $size ], $caller, $target, $body);

        read_until($client, sub { length $client->{buffer} >= 1 << 20 });

        my $line = went_away($client);
        my $spent = spent($caller);

        # what waits in the sockets was delivered too
        cmp_ok($spent, '>=', estimated($line, (1 << 20) - 4096),
               "$target: what came of JSON is charged");
        cmp_ok($spent, '<', estimated($line, $size),
               "$target: and not what was not read");
        is($line->{llm_completion_tokens}, '-',
           "$target: what is estimated is not logged");
    }

    $llm->rules;

    return;
}


sub refused_then {
    my ($client, $gate) = begin(gate => 'low', '/v1/chat/completions',
        "{\"model\":\"same\",\"stream\":true,$MESSAGES}");

    $llm->gate($gate, level => 1);
    read_until($client, sub { $client->{buffer} =~ /Good/ });
    went_away($client);
    $llm->rules;

    my ($response) = ask('low', "{\"model\":\"same\",$MESSAGES}");

    is($response->{status}, 429, 'who hangs up reaches the limit');

    return;
}
