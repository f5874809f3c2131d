# SPDX-License-Identifier: BSD-2-Clause

# Tokens go through the gateway one by one, in each framing; a client that
# goes away ends the upstream.  The servers behind it send a token when this
# test says so, and no clock is asked whether it came in time.

use strict;
use warnings;

use lib 't/lib';

use Test::More;
use Time::HiRes qw(time);

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::LLM;

my $streams = 50;
my @words   = qw(Good day to you);

my $llm   = AwsSigV4::LLM->new;
my $nginx = $llm->gateway(table => <<'EOL');
local function target(route, url, model)
    return { route = route, url = url, model = model or "mock-gate" }
end

return {
    defaults = { region = "us-east-1", cooldown = 0 },
    native = { url = "$TEST_LLM_US" },
    models = {
        runtime = { target("runtime-openai", "$TEST_LLM_US"),
                    target("runtime-anthropic", "$TEST_LLM_US") },
        tls = { target("runtime-openai", "$TEST_LLM_US_TLS"),
                target("runtime-anthropic", "$TEST_LLM_US_TLS") },
        mantle = { target("mantle-openai", "$TEST_LLM_MANTLE"),
                   target("mantle-anthropic", "$TEST_LLM_MANTLE") },
        invoke = { target("invoke-anthropic", "$TEST_LLM_US") },
        ["local"] = { target("gateway", "$TEST_LLM_STUDIO") },
        second = { target("runtime-openai", "$TEST_LLM_CLOSED"),
                   target("runtime-openai", "$TEST_LLM_US") },
        bedrock = { target("bedrock", "$TEST_LLM_US") },
    },
}
EOL

my %path = (chat => '/v1/chat/completions', responses => '/v1/responses',
            messages => '/v1/messages',
            map { $_ => "/model/bedrock/$_" }
                qw(converse-stream invoke-with-response-stream));

my @cases = (
    (map { [chat => $_] } qw(runtime tls mantle local second)),
    [responses => 'runtime'], [responses => 'local'],
    (map { [messages => $_] } qw(runtime tls mantle local invoke)),
    ['converse-stream' => 'bedrock'],
    ['invoke-with-response-stream' => 'bedrock'],
);

my $gates = 0;

for my $case (@cases) {
    my ($operation, $alias) = @$case;

    subtest "$operation to $alias" => sub { one_by_one(@$case) };
}

subtest "$streams streams at once"        => \&at_once;
subtest 'a client that goes away'         => sub { goes_away('chat',
                                                             'runtime') };
subtest 'one that has TLS behind it'      => sub { goes_away('chat', 'tls') };
subtest 'one whose events are translated' => sub { goes_away('messages',
                                                             'invoke') };
subtest 'one that reads an event stream'  =>
    sub { goes_away('converse-stream', 'bedrock') };
subtest 'one that goes before the first token' =>
    sub { goes_away('chat', 'runtime', 0) };

is_deeply([$llm->refused], [], 'nothing was refused');
done_testing_nginx();


# The body of a request of this operation, for a gate of its own.
sub body_of {
    my ($operation, $alias, $gate) = @_;

    my $text  = "gate:$gate";
    my $given = { messages => [{ role => 'user', content => $text }] };

    return { messages => [{ role => 'user',
                            content => [{ text => $text }] }] }
        if $operation eq 'converse-stream';
    return { %$given, anthropic_version => 'bedrock-2023-05-31',
             max_tokens => 9 }
        if $operation eq 'invoke-with-response-stream';

    $given = { input => $text } if $operation eq 'responses';
    $given->{max_tokens} = 9    if $operation eq 'messages';

    return { %$given, model => $alias, stream => \1 };
}

# A connection on which the request has been sent, and its gate.
sub begin {
    my ($operation, $alias) = @_;

    my $gate   = 'g' . ++$gates;
    my $client = AwsSigV4::Client->new(port => $nginx->port);
    my ($head, $body) = AwsSigV4::Client::format_request({
        method  => 'POST',
        target  => $path{$operation},
        body    => $llm->encode(body_of($operation, $alias, $gate)),
        headers => [['Content-Type', 'application/json'],
                    ['anthropic-version', '2023-06-01']],
    });

    $client->send($head . $body);

    return ($client, $gate);
}

# All text that has come on it so far, as the dialect has it: a chunk of
# Invoke holds its event in base64.
sub text_of {
    my ($operation, $bytes) = @_;

    if ($operation eq 'invoke-with-response-stream') {
        require MIME::Base64;
        $bytes = join '', map { MIME::Base64::decode($_) }
            $bytes =~ /"bytes":"([^"]*)"/g;
    }

    return join '', $bytes =~
        /"(?:content|text|delta)":"( ?(?:Good|day|to|you))"/g;
}

sub one_by_one {
    my ($operation, $alias) = @_;

    my ($client, $gate) = begin($operation, $alias);
    my $so_far = '';

    for my $word (@words) {
        $so_far .= length $so_far ? " $word" : $word;
        $llm->gate($gate, by => 1);
        read_until($client, sub {
            length text_of($operation, $_[0]) >= length $so_far }) or last;
        is(text_of($operation, $client->{buffer}), $so_far,
           "$so_far, while the next has not left");
    }

    $llm->gate($gate, by => 1);
    my $response = $client->response('POST');
    is($response->{status}, 200, 'the status');
    is(text_of($operation, $response->{body}), 'Good day to you',
       'all of it has come');

    return;
}

sub read_until {
    my ($client, $condition) = @_;

    until ($condition->($client->{buffer})) {
        next if eval { $client->read_some };
        fail('the connection goes on') or diag "$@ $client->{buffer}";
        return 0;
    }

    return 1;
}

# All of them are open together, and get each token before the next is sent.
sub at_once {
    my @begun = map { [begin(chat => 'runtime')] } 1 .. $streams;

    ok(wait_for(sub { $llm->streams == $streams }), 'all of them have begun');

    for my $level (1 .. @words) {
        $llm->gate($_->[1], level => $level) for @begun;
        my $text = join ' ', @words[0 .. $level - 1];
        my $there = grep {
            read_until($_->[0], sub { text_of(chat => $_[0]) eq $text })
        } @begun;
        is($there, $streams, "all have: $text");
    }

    $llm->open_gate($_->[1]) for @begun;
    my $ended = grep { $_->[0]->response('POST')->{body} =~ /\[DONE\]/ }
        @begun;
    is($ended, $streams, 'all end');

    return;
}

sub goes_away {
    my ($operation, $alias, $tokens) = @_;

    $tokens //= 1;
    $llm->mark;

    my ($client, $gate) = begin($operation, $alias);
    wait_for(sub { $llm->streams == 1 });

    if ($tokens) {
        $llm->gate($gate, level => $tokens);
        read_until($client, sub { length text_of($operation, $_[0]) });
    }

    my $start = time;
    close $client->{sock};

    my ($end) = wait_for(sub { $llm->ends }, 10) ? $llm->ends : ();
    note sprintf 'the upstream knew after %.3f s', time - $start;
    is($end && "$end->{how} $end->{sent}", "closed $tokens",
       'the upstream is closed');

    return;
}

sub done_testing_nginx {
    my @problems = grep { !/\[error\].*(?:Connection\ refused
                            |\(111:\ Connection)/x } $nginx->stop_it;

    is(join("\n", @problems), '', 'nginx ended well');
    done_testing();

    return;
}
