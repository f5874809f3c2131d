# SPDX-License-Identifier: BSD-2-Clause

# The servers that the tests of the LLM front put behind it: they accept
# what awscrt signs and nothing else, and botocore reads their frames.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use Test::More;

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::LLM;
use AwsSigV4::Oracle qw(sign);
use AwsSigV4::Verifier;

my $json = JSON::PP->new->utf8->canonical;
my $lib  = "$AwsSigV4::Nginx::ROOT/t/lib";
my $llm  = AwsSigV4::LLM->new(forbid => ['sk-client']);

my $runtime = 'bedrock-runtime.us-east-1.amazonaws.com';
my $mantle  = 'bedrock-mantle.us-east-1.api.aws';
my $hello   = { role => 'user', content => 'Hello' };

subtest 'frames are those of the protocol'     => \&frames;
subtest 'signatures'                           => \&signatures;
subtest 'keys of APIs'                         => \&api_keys;
subtest 'what may not come'                    => \&forbidden;
subtest 'streams of Bedrock, read by botocore' => \&streams;
subtest 'what a test asks for'                 => \&behaviour;
subtest 'gates'                                => \&gates;

is(join("\n", map { $_->{reason} } grep { $_->{reason} eq 'awscrt_differs' }
        $llm->requests), '', 'both verifiers always agree');

done_testing();


# the reader at the far end of a pipe: input on a file
sub python {
    my ($input, @arguments) = @_;

    my $dir = temp_dir();
    spew("$dir/in", $input);

    my ($code, $text) = run(command => [ 'sh', '-c',
        'exec "$0" "$@" <' . "$dir/in", $AwsSigV4::Verifier::PYTHON,
        "$lib/frames.py", @arguments ]);
    is($code, 0, 'frames.py ran') or diag $text;

    return split /\n/, $text;
}

# Vectors that were computed with zlib and read by botocore.
sub frames {
    my @type = ([':content-type', 'application/json'], [':message-type']);
    my $made = sub {
        my ($kind, $name, $payload) = @_;
        return $json->encode([[[":$kind-type", $name], $type[0],
                               [':message-type', $kind]], $payload]);
    };

    my @got = python(join("\n",
        $json->encode([[], '']),
        $made->('event', 'contentBlockDelta', '{"contentBlockIndex":0,'
            . '"delta":{"text":"Hello"},"p":"abcdefgh"}'),
        $made->('exception', 'throttlingException',
            '{"message":"slow down (test)"}'),
        $json->encode([[[':message-type', 'error'],
                        [':error-code', 'InternalError'],
                        [':error-message', 'boom']], '']),
    ) . "\n", 'make');

    my $start = '0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a'
        . '736f6e0d3a6d6573736167652d74797065';

    is_deeply(\@got, [
        '000000100000000005c248eb7d98c8ff',
        '000000a6000000576f4a71080b3a6576656e742d74797065070011636f6e74656e74'
            . '426c6f636b44656c7461' . $start . '0700056576656e747b22636f6e7465'
            . '6e74426c6f636b496e646578223a302c2264656c7461223a7b2274657874223a'
            . '2248656c6c6f227d2c2270223a226162636465666768227d3afb5d9c',
        '0000008f000000616c21a9e40f3a657863657074696f6e2d74797065070013746872'
            . '6f74746c696e67457863657074696f6e' . $start . '070009657863657074'
            . '696f6e7b226d657373616765223a22736c6f7720646f776e20287465737429'
            . '227d09c64475',
        '0000005800000048154692c10d3a6d6573736167652d747970650700056572726f72'
            . '0b3a6572726f722d636f646507000d496e7465726e616c4572726f720e3a6572'
            . '726f722d6d657373616765070004626f6f6d961cb456',
    ], 'they have the bytes of the vectors');

    return;
}

# A request that awscrt signs, sent without a gateway.
sub ask {
    my ($name, %arg) = @_;

    my $extra = delete $arg{extra} || [];
    my $body  = $json->encode(delete $arg{json} || {});
    my $spec  = sign(method => 'POST', body => $body, region => 'us-east-1',
        headers => [['Content-Type', 'application/json']], %arg);

    push @{ $spec->{headers} }, @$extra;

    return AwsSigV4::Client->new(port => $llm->port($name))->request($spec);
}

sub converse {
    my (%arg) = @_;

    return ask('us', host => $runtime, service => 'bedrock',
        target => '/model/amazon.nova-lite-v1%3A0/converse',
        json   => { messages => [{ role => 'user',
                                   content => [{ text => 'Hello' }] }] },
        %arg);
}

sub signatures {
    my $chat = { model => 'm', messages => [$hello] };

    is(converse()->{status}, 200, 'a call of Converse');
    is(converse(target => '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ax%2Fy'
                    . '/converse')->{status}, 200, 'with an ARN');
    is(ask('mantle', host => $mantle, service => 'bedrock-mantle',
           target => '/v1/chat/completions', json => $chat)->{status}, 200,
       'a call of Mantle');

    $llm->mark;

    my %wrong = (
        'the service of another host' => { service => 'bedrock-mantle' },
        'another region'              => { region => 'eu-west-1' },
        'a wrong secret'              => { secret_access_key => 'wrong' },
        'a host of another service'   => { host => $mantle,
                                           service => 'bedrock-mantle' },
        'an unknown host'             => { host => 'example.com' },
    );

    for my $name (sort keys %wrong) {
        my $response = converse(%{ $wrong{$name} });
        is($response->{status}, 403, "$name: 403");
        like(AwsSigV4::Client::header($response, 'x-amzn-errortype'),
             qr/Exception\z/, "$name: in the shape of AWS");
    }

    is_deeply([map { (split ' ', $_)[0] } $llm->refused],
              [qw(unknown_host signature unknown_host scope_region
                  scope_service)],
              'reasons') or diag explain [$llm->refused];

    return;
}

sub api_keys {
    my $status = sub {
        my ($name, $target, @headers) = @_;
        my $body = { model => 'm', max_tokens => 1, messages => [$hello] };
        return AwsSigV4::Client->new(port => $llm->port($name))->request({
            method => 'POST', target => $target, last => 1,
            body => $json->encode($body), headers => [
                ['Content-Type', 'application/json'],
                ['anthropic-version', '2023-06-01'], @headers ],
        })->{status};
    };
    my %key = map { $_ => ['Authorization', "Bearer $_"] }
        values %AwsSigV4::LLM::API_KEYS;
    my ($openai, $anthropic) = @AwsSigV4::LLM::API_KEYS{qw(openai anthropic)};

    is($status->('openai', '/v1/chat/completions', $key{$openai}), 200,
       'OpenAI with its key');
    is($status->('openai', '/v1/chat/completions', $key{$anthropic}), 401,
       'with another');
    is($status->('openai', '/v1/chat/completions'), 401, 'without one');
    is($status->('anthropic', '/v1/messages', ['x-api-key', $anthropic]), 200,
       'Anthropic with its key');
    is($status->('anthropic', '/v1/messages', ['x-api-key', $anthropic],
                 $key{$anthropic}), 401, 'twice');
    is($status->('studio', '/v1/messages'), 200, 'LM Studio without one');
    is($status->('studio', '/v1/messages', ['x-api-key', 'k']), 401,
       'and with one');

    return;
}

sub forbidden {
    $llm->mark;

    for my $header (['x-api-key', 'k'], ['Cookie', 'a=b'],
                    ['X-Note', 'sk-client'],
                    ['X-Amzn-Bedrock-GuardrailTag', '1'])
    {
        is(converse(extra => [$header])->{status}, 403, $header->[0]);
    }

    is(converse(extra => [['X-Amzn-Bedrock-Trace', 'ENABLED']])->{status},
       200, 'a gateway may say how to trace');

    return;
}

sub streams {
    my $response = converse(
        target => '/model/amazon.nova-lite-v1%3A0/converse-stream');
    my @frames = map { $json->decode($_) } python($response->{body});

    is_deeply(pop @frames, { rest => 0 }, 'all bytes are frames');
    is_deeply([map { $_->{headers}{':event-type'} } @frames],
              ['messageStart', ('contentBlockDelta') x 4, 'contentBlockStop',
               'messageStop', 'metadata'], 'events of Converse');

    $response = converse(
        target => '/model/mock-exception-first/converse-stream');
    @frames = map { $json->decode($_) } python($response->{body});
    is($frames[0]{headers}{':exception-type'}, 'throttlingException',
       'an exception in the first frame');

    $response = converse(
        target => '/model/anthropic.x/invoke-with-response-stream',
        json   => { anthropic_version => 'bedrock-2023-05-31',
                    max_tokens => 1, messages => [$hello] });
    @frames = map { $json->decode($_) } python($response->{body});
    pop @frames;
    is_deeply([map { $_->{headers}{':event-type'} } @frames],
              [('chunk') x @frames], 'events of Invoke');

    return;
}

sub behaviour {
    $llm->rules({ listener => 'us', error => 'throttling', times => 1,
                  headers => { 'Retry-After' => 3 } },
                { listener => 'us', region => 'us-*', status => 503,
                  times => 1 },
                { listener => 'us', close => 'start', times => 1 });

    my $response = converse();
    is($response->{status}, 429, 'a class of AWS');
    like(AwsSigV4::Client::header($response, 'x-amzn-errortype'),
         qr/^ThrottlingException:/, 'its header');
    is(AwsSigV4::Client::header($response, 'Retry-After'), 3,
       'another header');
    is(converse()->{status}, 503, 'a status');
    is(converse()->{status}, 0, 'no answer');
    is(converse()->{status}, 200, 'and no more than that');

    $llm->rules;
    is(converse(target => '/model/us.acme.mock-status-529-v1%3A0/converse')
       ->{status}, 529, 'by the id of the model');
    is(converse(target => '/model/mock-error-modelnotready/converse')
       ->{status}, 429, 'a class by the id of the model');
    is(converse(target => '/model/mock-close/converse')->{status}, 0,
       'no answer by it');

    return;
}

sub gates {
    $llm->mark;

    my $client = AwsSigV4::Client->new(port => $llm->port('studio'));
    my ($head, $body) = AwsSigV4::Client::format_request({
        method => 'POST', target => '/v1/chat/completions',
        headers => [['Content-Type', 'application/json']],
        body => $json->encode({ model => 'mock-gate', stream => \1,
                                messages => [{ role => 'user',
                                               content => 'gate:g1' }] }),
    });

    $client->send($head . $body);

    for my $token (qw(Good day to you)) {
        $llm->gate('g1', by => 1);
        until ($client->{buffer} =~ /$token/) {
            $client->read_some or die "the answer ended\n";
        }
        unlike($client->{buffer}, qr/DONE/, "$token comes alone");
    }

    is_deeply([map { "$_->{gate} $_->{sent}" } $llm->streams], ['g1 4'],
              'the server tells how far it is');
    close $client->{sock};
    is_deeply([map { "$_->{how} $_->{sent}" } $llm->wait_ends(1)],
              ['closed 4'], 'and knows that its peer has gone');

    return;
}
