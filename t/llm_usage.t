# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Tokens are counted in every kind of answer, however it is cut, and nothing
# that only looks like a count is taken for one.

use strict;
use warnings;

use MIME::Base64 qw( encode_base64 );
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Lua qw( lua_nginx lua_call );
use AwsSigV4::Raw;

my $nginx = lua_nginx(
    count => <<'EOC',
        local usage = require "resty.aws_sigv4.llm.usage"
        local bytes = ngx.decode_base64(arg.body)
        local results, seen = {}, {}

        local function count(cuts)
            local tap = usage.new(arg.kind, arg.inclusive)
            local from = 1

            if arg.headers then
                tap:headers(unpack(arg.headers))
            end

            cuts[#cuts + 1] = #bytes
            for _, to in ipairs(cuts) do
                tap:feed(bytes:sub(from, to))
                from = to + 1
            end

            local list = { tap:finish() }
            for i = 1, 3 do
                list[i] = list[i] and ("%.0f"):format(list[i]) or "-"
            end

            local result = table.concat(list, "/")
                           .. (tap.ended and " ended" or "")
                           .. (tap.failed and " failed" or "")

            if not seen[result] then
                seen[result] = true
                results[#results + 1] = result
            end
        end

        count({})
        for cut = 1, #bytes - 1 do
            count({ cut })
        end

        for step = 1, 3 do
            local cuts = {}
            for at = step, #bytes - 1, step do
                cuts[#cuts + 1] = at
            end
            count(cuts)
        end

        math.randomseed(1)
        for _ = 1, 20 do
            local cuts, at = {}, 0
            while true do
                at = at + math.random(0, 40)
                if at >= #bytes then
                    break
                end
                cuts[#cuts + 1] = at
            end
            count(cuts)
        end

        return unpack(results)
EOC

    text => <<'EOC',
        local estimate = require "resty.aws_sigv4.llm.estimate"
        local bytes = arg.bytes
        local seen, list = {}, {}

        local function measure(step, first)
            local meter = estimate.new()

            meter:add(bytes:sub(1, first))
            for from = first + 1, #bytes, step do
                meter:add(bytes:sub(from, from + step - 1))
            end

            if not seen[meter.bytes] then
                seen[meter.bytes] = true
                list[#list + 1] = meter.bytes
            end
        end

        for step = 1, #bytes do
            measure(step, 0)
            measure(#bytes, step)
        end

        return unpack(list)
EOC

    large => <<'EOC',
        local usage = require "resty.aws_sigv4.llm.usage"
        local tap = usage.new(arg.kind)
        local piece = arg.piece:rep(1000)

        collectgarbage()
        local before = collectgarbage("count")
        local most = 0

        tap:feed(arg.head)
        for i = 1, arg.count do
            tap:feed(piece)
            if i % 50 == 0 then
                collectgarbage()
                most = math.max(most, collectgarbage("count") - before)
            end
        end
        tap:feed(arg.tail)

        local prompt, completion = tap:finish()
        return prompt, completion or 0, most
EOC
);


# what is counted, in the one way that all ways to cut the bytes have

sub counted {
    my ($kind, $body, %more) = @_;

    my @results = lua_call($nginx, count => {
        kind => $kind, body => encode_base64($body, ''), %more });

    return join ' or ', @results;
}

sub events { return join '', map { "data: $_\n\n" } @_ }

sub named {
    return join '', map {
        my ($type) = /"type":\s*"([^"]+)"/;
        "event: $type\ndata: $_\n\n";
    } @_;
}

# 12 tokens of input, 100 read from a cache, 20 written to it, 34 of output
my $openai = '{"prompt_tokens":132,"completion_tokens":34,"total_tokens":166,'
           . '"prompt_tokens_details":{"cached_tokens":100},'
           . '"completion_tokens_details":{"reasoning_tokens":3}}';
my $responses = '{"input_tokens":132,"input_tokens_details":'
              . '{"cached_tokens":100},"output_tokens":34,'
              . '"output_tokens_details":{"reasoning_tokens":0},'
              . '"total_tokens":166}';
my $anthropic = '{"input_tokens":12,"cache_creation_input_tokens":20,'
              . '"cache_read_input_tokens":100,"cache_creation":'
              . '{"ephemeral_5m_input_tokens":20},"output_tokens":34}';
my $converse = '{"cacheReadInputTokens":100,"cacheWriteInputTokens":20,'
             . '"inputTokens":12,"outputTokens":34,"totalTokens":166}';

# what looks like a count and is none
my $decoy = '"usage":{"prompt_tokens":1,"input_tokens":1,"inputTokens":1,'
          . '"completion_tokens":1,"output_tokens":1,"outputTokens":1}';
my $quoted = $decoy =~ s/"/\\"/gr;
my $bait = "\"text\":\"}]} $quoted \\\\\",\"input\":{$decoy,\"x\":[{$decoy}]}";


subtest 'answers in one piece' => sub {
    my %answer = (
        'openai-json'    => $openai,
        'anthropic-json' => $anthropic,
        'converse-json'  => $converse,
    );

    for my $kind (sort keys %answer) {
        my $usage = $answer{$kind};

        is counted($kind, "{\"usage\":$usage}"), '132/34/100', $kind;
        is counted($kind, "{\"id\":\"x\",\"choices\":[{$bait}],$bait,"
                          . "\"usage\":$usage,\"z\":{$decoy}}"),
           '132/34/100', "$kind, among what looks like it";
        is counted($kind, "{ \"usage\" :\r\n"
                          . ($usage =~ s/([:,{])/ $1\n\t/gr) . " , $bait }\n"),
           '132/34/100', "$kind, with blanks, and before what looks like it";
        is counted($kind, "{$bait}"), '-/-/-', "$kind without usage";
        is counted($kind, '{"usage":null}'), '-/-/-', "$kind, null";
        is counted($kind, "{\"usage\":[$usage],\"choices\":[$usage]}"),
           '-/-/-', "$kind, in an array";
        is counted($kind, "[{\"usage\":$usage}]"), '-/-/-',
           "$kind, all in an array";
        is counted($kind, "\"usage\":$usage}"), '-/-/-', "$kind, no object";
        is counted($kind, "{\"usage\":$usage"), '132/34/100',
           "$kind, cut after it";
    }

    is counted('openai-json', "{\"usage\":$responses}"), '132/34/100',
       'responses';
    is counted('openai-json',
               '{"object":"list","data":[{"embedding":[0.1,-2e-3]}],'
               . '"usage":{"prompt_tokens":8,"total_tokens":8}}'),
       '8/-/-', 'embeddings';
    is counted('anthropic-json',
               '{"usage":{"input_tokens":5,"output_tokens":0,'
               . '"cache_read_input_tokens":null}}'),
       '5/0/-', 'null is no number, and 0 is one';
    is counted('openai-json', '{"usage":{"prompt_tokens":-1,'
               . '"completion_tokens":1.5,'
               . '"prompt_tokens_details":{"cached_tokens":"7"}}}'),
       '-/-/-', 'numbers that count nothing';
    is counted('converse-json', "{\"usage\":$converse}", inclusive => 1),
       '12/34/100', 'input with the cached tokens in it';
};


subtest 'answers of InvokeModel' => sub {
    is counted('invoke-json', "{\"usage\":$anthropic}"), '132/34/100',
       'Claude';
    is counted('invoke-json', "{\"usage\":$converse}"), '132/34/100', 'Nova';
    is counted('invoke-json', "{\"usage\":$openai}"), '132/34/100',
       'those that speak as OpenAI does';
    is counted('invoke-json', '{"embedding":[1],"inputTextTokenCount":7}'),
       '7/-/-', 'Titan';
    is counted('invoke-json', '{"generation":"x","prompt_token_count":7,'
               . '"generation_token_count":9}'), '7/9/-', 'Llama';
    is counted('invoke-json', '{}', headers => [ '7', '9' ]), '7/9/-',
       'headers';
    is counted('invoke-json', '{}', headers => [ '12', '34', '100', '20' ]),
       '132/34/100', 'headers with those of the cache';
    is counted('invoke-json', '{}', headers => [ 'x', '' ]), '-/-/-',
       'headers that are no numbers';
    is counted('invoke-json', "{\"usage\":$anthropic}",
               headers => [ '12', '34' ]),
       '132/34/100', 'the body tells more than the headers';
};


subtest 'events of chat completions' => sub {
    my $delta = "{\"choices\":[{\"delta\":{$bait}}],\"usage\":null}";
    my $last  = "{\"choices\":[],\"usage\":$openai}";

    is counted('openai-sse', events($delta, $last, '[DONE]')),
       '132/34/100 ended', 'in the last chunk';
    is counted('openai-sse', events($delta, $last, '[DONE]') =~ s/\n/\r\n/gr),
       '132/34/100 ended', 'with CR LF';
    is counted('openai-sse', events($delta, $last, '[DONE]') =~ s/\n/\r/gr),
       '132/34/100 ended', 'with CR';
    is counted('openai-sse',
               events($delta, $last, '[DONE]') =~ s/data: /data:/gr),
       '132/34/100 ended', 'without blanks';
    is counted('openai-sse', ": ping\n\n" . events($delta, '[DONE]')),
       '-/-/- ended', 'none, if none was asked for';
    is counted('openai-sse', events($delta, $last)), '132/34/100',
       'cut before its end';
    is counted('openai-sse',
               events("{\"usage\":{\"prompt_tokens\":132,"
                      . '"completion_tokens":1}}', $last, '[DONE]')),
       '132/34/100 ended', 'the last of several';
    is counted('openai-sse', events($delta, '{"error":{"message":"x"}}')),
       '-/-/- failed', 'an error';
    is counted('openai-sse', events('{"error":null}', '[DONE]')),
       '-/-/- ended', 'no error';
    is counted('openai-sse', events('"[DONE]"', ' [DONE]')), '-/-/-',
       'what is not the end';
    is counted('openai-sse', events('{"a":"[DONE]"}')), '-/-/-',
       'nor is this';
};


subtest 'events of responses' => sub {
    my @first = map { "{\"type\":\"response.$_\",\"delta\":\"x\",$bait,"
                      . '"response":{"usage":null}}' }
                qw( created output_text.delta output_item.done );
    my $last = '{"type":"response.completed","response":'
             . "{\"output\":[{$bait}],\"usage\":$responses,$bait}}";

    is counted('openai-sse', named(@first, $last)), '132/34/100 ended',
       'with names';
    is counted('openai-sse', events(@first, $last)), '132/34/100 ended',
       'without';
    is counted('openai-sse', named(@first)), '-/-/-', 'cut';

    for my $type (qw( incomplete failed )) {
        is counted('openai-sse', named($last =~ s/completed/$type/r)),
           '132/34/100 ended', $type;
    }

    is counted('openai-sse', named('{"type":"error","code":"x"}')),
       '-/-/- failed', 'an error';
};


subtest 'events of messages' => sub {
    my $start = '{"type":"message_start","message":{"content":[],"usage":'
        . '{"input_tokens":12,"cache_creation_input_tokens":20,'
        . '"cache_read_input_tokens":100,"output_tokens":1}}}';
    my $delta = "{\"type\":\"content_block_delta\",\"delta\":{$bait},$decoy}";
    my $end   = '{"type":"message_delta","delta":{"stop_reason":"end_turn"},'
        . '"usage":{"output_tokens":34}}';
    my $stop  = '{"type":"message_stop"}';

    is counted('anthropic-sse', named($start, $delta, $end, $stop)),
       '132/34/100 ended', 'at the begin and at the end';
    is counted('anthropic-sse', named($start, $delta, $end, $stop)
                                =~ s/\n/\r\n/gr),
       '132/34/100 ended', 'with CR LF';
    is counted('anthropic-sse', named($start, $delta)), '132/1/100',
       'cut: what is known';
    is counted('anthropic-sse',
               named('{"type":"message_start","message":{"usage":'
                     . '{"input_tokens":0,"output_tokens":0}}}',
                     "{\"type\":\"message_delta\",\"usage\":$anthropic}",
                     $stop)),
       '132/34/100 ended', 'all at the end';
    is counted('anthropic-sse', named('{"type":"error","error":{}}')),
       '-/-/- failed', 'an error';
};


subtest 'frames' => sub {
    my $frame = sub {
        return AwsSigV4::Raw::frame([ ':message-type' => 'event',
                                      ':event-type'   => $_[0] ], $_[1]);
    };
    my $text = $frame->('contentBlockDelta', "{\"delta\":{$bait},$decoy}");

    is counted('converse-stream',
               $text . $frame->('metadata', "{\"usage\":$converse}")),
       '132/34/100 ended', 'ConverseStream';
    is counted('converse-stream', $text), '-/-/-', 'cut';
    is counted('converse-stream',
               $text . AwsSigV4::Raw::exception('throttlingException', '{}')),
       '-/-/- failed', 'an exception';
    is counted('converse-stream', substr($text, 0, 40) . 'x' x 200), '-/-/-',
       'damaged';

    my $document = sub { return AwsSigV4::Raw::invoked($_[0]) };
    my $start = $document->('{"type":"message_start","message":{"usage":'
        . '{"input_tokens":12,"cache_creation_input_tokens":20,'
        . '"cache_read_input_tokens":100,"output_tokens":1}}}');
    my $delta = $document->("{\"type\":\"content_block_delta\",$bait}");

    is counted('invoke-stream', $start . $delta), '132/1/100', 'InvokeModel';
    is counted('invoke-stream', $start . $delta
               . $document->('{"type":"message_stop",'
                   . '"amazon-bedrock-invocationMetrics":{'
                   . '"inputTokenCount":12,"outputTokenCount":34,'
                   . '"invocationLatency":9,"firstByteLatency":1}}')),
       '132/34/100 ended', 'with the metrics of the last event';
    is counted('invoke-stream', $document->('{"outputText":"x",'
                   . '"amazon-bedrock-invocationMetrics":{'
                   . '"inputTokenCount":7,"outputTokenCount":9}}')),
       '7/9/- ended', 'of any model';
};


# Bytes of text, counted by hand: those that estimates are made of.
subtest 'text' => sub {
    my %text = (
        '{"model":"m","choices":[{"message":{"content" : "a\"b\\\\",'
            . '"other":"zzz"},"text":"1234"}],"x":["\"text\":\"no\""]}' => 10,
        "data: {\"delta\":\"ab\",\"x\":\"c\n\ndata: {\"text\":\"d\"}\n\n"
            => 3,
        '{"outputText":"Titan","index":0}'      => 5,
        '{"generation":"Llama","text":null}'    => 5,
        '{"completion":"Claude","content":[]}'  => 6,
        '{"arguments":"{\"content\":\"x\"}","text":""}' => 19,
        '{"usage":{"prompt_tokens":1},"id":"x"}' => 0,
    );

    for my $bytes (sort keys %text) {
        is_deeply [lua_call($nginx, text => { bytes => $bytes })],
                  [$text{$bytes}], $bytes =~ s/\n/ /gr;
    }
};


subtest 'memory' => sub {
    my ($prompt, undef, $kib) = lua_call($nginx, large => {
        kind => 'openai-json', count => 500,
        head => '{"data":[{"embedding":[', piece => '-0.0123456789,',
        tail => '0]}],"usage":{"prompt_tokens":8}}',
    });

    is $prompt, 8, 'behind seven megabytes';
    cmp_ok $kib, '<', 256, 'of which none is kept';

    ($prompt, undef, $kib) = lua_call($nginx, large => {
        kind => 'openai-sse', count => 500,
        head => 'data: {"text":"', piece => '0123456789\\"abcd',
        tail => '","usage":{"prompt_tokens":8}}',
    });

    is $prompt, 8, 'behind an event of seven megabytes';
    cmp_ok $kib, '<', 256, 'of which none is kept';
};


is_deeply [$nginx->stop_it], [], 'nginx ends well';

done_testing();
