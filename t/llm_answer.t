# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Streams through the LLM front: untouched where they are whole, ended by one
# error where they are not, and translated where they are frames.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Raw;

my $json = JSON::PP->new->utf8;
my $raw  = AwsSigV4::Raw->new;
my $cut  = 'The upstream broke off the stream.';

sub chunks {
    return map { AwsSigV4::Raw::chunk($_) } @_;
}

sub head    { return AwsSigV4::Raw::head('text/event-stream', @_) }
sub last_chunk { return AwsSigV4::Raw::last_chunk() }

sub stream { return (head(), chunks(@_), last_chunk()) }

sub frames {
    return (AwsSigV4::Raw::head('application/vnd.amazon.eventstream'),
            chunks(@_));
}

sub invoked { return AwsSigV4::Raw::invoked(@_) }

sub errors_event {
    return 'data: {"error":{"message":"' . $cut . '","type":"api_error",'
        . "\"param\":null,\"code\":\"upstream_error\"}}\n\n";
}

sub event {
    my ($document) = @_;
    my ($type) = $document =~ /"type":"([\w.]+)"/;

    return "event: $type\ndata: $document\n\n";
}

# the last event, decoded; it must be the only one of its kind
sub error_of {
    my ($text) = @_;
    my @events = split /\n\n/, $text;

    is scalar(grep { /^data: .*"error":\{|^event: error$/m } @events), 1,
       'one error';
    is substr($text, -2), "\n\n", 'which is complete';

    my ($data) = $events[-1] =~ /^data: (.*)$/m;

    return $json->decode($data // '{}');
}

my @chat = map { "data: $_\n\n" } (
    '{"choices":[{"delta":{"content":"a"},"finish_reason":null}]}',
    '{"choices":[{"delta":{},"finish_reason":"stop"}]}',
    '{"choices":[],"usage":{"prompt_tokens":132,"completion_tokens":34,'
        . '"prompt_tokens_details":{"cached_tokens":100}}}',
    '[DONE]',
);

my @responses = map { event($_) } (
    '{"type":"response.created","response":{"usage":null}}',
    '{"type":"response.completed","response":{"usage":{"input_tokens":132,'
        . '"input_tokens_details":{"cached_tokens":100},'
        . '"output_tokens":34}}}',
);

my @documents = (
    '{"type":"message_start","message":{"usage":{"input_tokens":12,'
        . '"cache_creation_input_tokens":20,"cache_read_input_tokens":100,'
        . '"output_tokens":1}}}',
    '{"type":"ping"}',
    '{"type":"content_block_delta","index":0,'
        . '"delta":{"type":"text_delta","text":"é\u00e9\/"}}',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},'
        . '"usage":{"output_tokens":34}}',
    '{"type":"message_stop","amazon-bedrock-invocationMetrics":'
        . '{"inputTokenCount":12,"outputTokenCount":34}}',
);

my @messages = map { event($_) } @documents;


subtest 'what is whole is untouched' => sub {
    my %case = (
        'chat'      => [ 'openai',    @chat ],
        'responses' => [ 'openai',    @responses ],
        'messages'  => [ 'anthropic', @messages ],
    );

    for my $name (sort keys %case) {
        my ($kind, @events) = @{ $case{$name} };
        my $text = join '', @events;
        my %answer = (
            'events'   => [ stream(@events) ],
            'bytes'    => [ stream(split //, $text) ],
            'one'      => [ join '', stream($text) ],
            'CR LF'    => [ stream($text =~ s/\n/\r\n/gr) ],
            'comments' => [ stream(": x\n\n", @events, ": y\n\n") ],
            'a length' => [ AwsSigV4::Raw::plain(200, 'text/event-stream',
                                                 $text) ],
            'no length' => [ "HTTP/1.1 200 OK\r\nContent-Type: "
                . "text/event-stream\r\n\r\n", $text ],
        );

        for my $how (sort keys %answer) {
            my $sent = $how eq 'CR LF'    ? $text =~ s/\n/\r\n/gr
                     : $how eq 'comments' ? ": x\n\n$text: y\n\n" : $text;
            my ($response, $log) = $raw->get($kind => @{ $answer{$how} });

            is $response->{body}, $sent, "$name in $how";
            is join('/', @$log{map { "llm_${_}_tokens" }
                               qw( prompt completion cached )}),
               '132/34/100', 'usage';
            is $log->{llm_error}, '-', 'no error';
            is $log->{llm_caller}, 166, 'charged';
            like $log->{llm_first_token}, qr/^\d+\.\d{3}$/, 'first token';
        }
    }

    # the error of an upstream is the end of its stream
    for my $case ([ openai => qq(data: {"error":{"message":"x"}}\n\n) ],
                  [ anthropic => qq(event: error\ndata: {"type":"error"}\n\n) ])
    {
        my ($response) = $raw->get($case->[0] => stream($case->[1]));

        is $response->{body}, $case->[1], "$case->[0]: its own error";
    }
};


# The usage that the gateway has asked for and the client has not.
subtest 'what is not asked for is taken out' => sub {
    my $usage = $chat[2];
    my $first = 'data: {"choices":[],"prompt_filter_results":[]}' . "\n\n";
    my $null  = 'data: {"choices":[],"usage":null}' . "\n\n";
    my @null  = map { "data: $_\n\n" }
        '{"choices":[{"delta":{"content":"a"}}] , "usage" : null , "x":[ ]}',
        '{"usage":null,"choices":[{"delta":{"content":"\"usage\":null"}}]}',
        '{"choices":[{"delta":{"content":"usage"}}],"usage":null}',
        '{"choices":[{"usage":null}]}', '{"choices":[{"usage":null}],'
        . '"usage":null}', '{"usage":null}', '{"usage":null,';
    my @clean = map { "data: $_\n\n" }
        '{"choices":[{"delta":{"content":"a"}}]  , "x":[ ]}',
        '{"choices":[{"delta":{"content":"\"usage\":null"}}]}',
        '{"choices":[{"delta":{"content":"usage"}}]}',
        '{"choices":[{"usage":null}]}', '{"choices":[{"usage":null}],'
        . '"usage":null}', '{"usage":null}', '{"usage":null,';
    my %clean;
    @clean{ $null, @null } = ('data: {"choices":[]}' . "\n\n", @clean);
    my $text  = "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"choices"
        . "\\\":[],\\\"usage\\\":{}\"}}]}\n\n";
    my $large = 'data: {"choices":[{"delta":{"content":"' . 'x' x 150_000
        . "\"}}]}\n\n";

    my %case = (
        'at the end'     => [ @chat ],
        'without an end' => [ @chat[0, 1, 2] ],
        'in the middle'  => [ $first, $null, $text, $usage, ": x\n\n",
                              $chat[3] ],
        'a comment'      => [ ": \"usage\" \"choices\":[]\n\n", $usage,
                              $chat[3] ],
        'large events'   => [ $large, $usage, $large, $chat[3] ],
        'spaces'         => [ $usage =~ s/:\[\]/ : [ ]/r, $chat[3] ],
        'null'           => [ @null, $usage, $chat[3] ],
        'lines'          => [ $chat[0], $usage =~ s/,"usage"/\ndata: ,"usage"/r,
                              $chat[3] ],
        'none'           => [ $text, $chat[3] ],
    );

    for my $name (sort keys %case) {
        my @events = @{ $case{$name} };
        my $sent = join '', @events;
        my $left = join '', map { $clean{$_} // $_ }
            grep { !/"usage" ?:\{/ } @events;

        $left .= errors_event() if $name eq 'without an end';

        my %how = (
            'events' => [ stream(@events) ],
            'one'    => [ join '', stream($sent) ],
            'CR LF'  => [ stream($sent =~ s/\n/\r\n/gr) ],
            'CR'     => [ stream($sent =~ s/\n/\r/gr) ],
            $name eq 'large events' ? ()
                : ('bytes' => [ stream(split //, $sent) ],
                   'CR LF in bytes' =>
                       [ stream(split //, $sent =~ s/\n/\r\n/gr) ]),
        );

        for my $how (sort keys %how) {
            my ($response, $log) = $raw->get(unasked => @{ $how{$how} });
            my $body = $response->{body};

            $body =~ s/\r\n?/\n/g if $how =~ /CR/;
            is $body, $left, "$name: $how";
            is $log->{llm_prompt_tokens}, $name eq 'none' ? '-' : 132,
               'usage' if $how !~ /CR$/;
        }
    }
};


subtest 'not a byte is delayed' => sub {
    my %case = (
        openai    => [ [ $chat[0] . 'data: {"cho' ],
                       [ head(), chunks($chat[0] . 'data: {"cho') ] ],
        anthropic => [ [ $messages[0] . 'event: p' ],
                       [ head(), chunks($messages[0] . 'event: p') ] ],
        invoke    => [ [ $messages[0], $messages[1] ],
                       [ frames(invoked($documents[0]) . invoked($documents[1])
                                . 'abc') ] ],
    );

    for my $kind (sort keys %case) {
        my ($expected, $sent) = @{ $case{$kind} };
        my $go = $raw->file("go-$kind");
        my $script = $raw->script(@$sent, { wait => $go });
        my $client = http_client(port => $raw->nginx->port);
        my $text   = join '', @$expected;
        my $got    = '';

        $client->send("GET /$kind/$script HTTP/1.1\r\nHost: a\r\n\r\n");

        wait_for(sub {
            sysread $client->{sock}, $got, 65536, length $got;
            return $got =~ s/\r\n[0-9a-f]+\r\n(.*?)(?=\r\n)/$1/sr
                   =~ /\Q$text\E/;
        });

        like $got, qr/\Q$text\E/, "$kind: all that was sent is there";
        spew($go, '');
    }
};


subtest 'what breaks off ends with an error' => sub {
    my %begin = (
        openai    => [ head(), $chat[0] ],
        anthropic => [ head(), $messages[0] ],
        invoke    => [ (frames())[0], invoked($documents[0]) ],
    );
    my %text = ( openai => $chat[0], map { $_ => $messages[0] }
                                     qw( anthropic invoke ) );
    my %part = ( openai => 'data: {"a', anthropic => "event: x\ndata: {",
                 invoke => substr(invoked($documents[1]), 0, 30) );

    for my $kind (sort keys %begin) {
        my ($head, $first) = @{ $begin{$kind} };
        my %end = (
            'closed'         => [ $head, chunks($first) ],
            'reset'          => [ $head, chunks($first), { reset => 1 } ],
            'all at once'    => [ join '', $head, chunks($first) ],
            'ended too soon' => [ $head, chunks($first), last_chunk() ],
            'in an event'    => [ $head, chunks($first, $part{$kind}) ],
            'ended in an event' => [ $head, chunks($first, $part{$kind}),
                                     last_chunk() ],
            'in a chunk'     => [ $head, chunks($first), "ff\r\n" ],
            'in its length'  => [
                ($head =~ s/Transfer-Encoding: chunked/Content-Length: 9999/r)
                . $first ],
            'without length' => [
                ($head =~ s/Transfer-Encoding: chunked\r\n//r) . $first ],
            'empty'          => [ $head, last_chunk() ],
            'cut when empty' => [ $head ],
        );

        for my $how (sort keys %end) {
            my ($response, $log) = $raw->get($kind => @{ $end{$how} });
            my $body = $response->{body};
            my $text = $how =~ /empty/ ? '' : $text{$kind};

            subtest "$kind: $how" => sub {
                is substr($body, 0, length $text), $text, 'what has come';

                my $error = error_of($body);

                is $error->{error}{message}, $cut, 'text';
                is $error->{error}{type}, 'api_error', 'type';
                is $error->{type}, $kind eq 'openai' ? undef : 'error',
                   'dialect';
                unlike $body, qr/DONE|message_stop|finish_reason":"/,
                       'no end is invented';
                is $log->{llm_error}, 'upstream_error', 'log';
                is $log->{llm_prompt_tokens},
                   $kind eq 'openai' || $how =~ /empty/ ? '-' : 132,
                   'what is known of its cost';
            };
        }
    }

    my ($response) = $raw->get(openai => stream('no events at all'));
    is error_of($response->{body})->{error}{message}, $cut, 'garbage';

    my $slow = AwsSigV4::Raw->new(read_timeout => '500ms');

    for my $kind (sort keys %begin) {
        my ($head, $first) = @{ $begin{$kind} };

        ($response) = $slow->get($kind => $head, chunks($first),
                                 { wait => '/nonexistent' });
        is error_of($response->{body})->{error}{message}, $cut,
           "$kind: silence";
    }
};


subtest 'frames become events' => sub {
    my $sent = join '', map { invoked($_) } @documents;
    my %answer = (
        'frames' => [ frames(map { invoked($_) } @documents) ],
        'bytes'  => [ frames(split //, $sent) ],
        'one'    => [ frames($sent) ],
        'threes' => [ frames($sent =~ /.{1,3}/gs) ],
    );

    for my $how (sort keys %answer) {
        my ($response, $log)
            = $raw->get(invoke => @{ $answer{$how} }, last_chunk());

        is $response->{body}, join('', @messages), $how;
        like $response->{head}, qr{^Content-Type: text/event-stream}mi, 'type';
        is join('/', @$log{map { "llm_${_}_tokens" }
                           qw( prompt completion cached )}),
           '132/34/100', 'usage';
        is $log->{llm_error}, '-', 'no error';
    }

    # ES-17 of the vectors
    my ($response) = $raw->get(invoke => frames(pack 'H*',
        '000000850000004bfd2a78930b3a6576656e742d747970650700056368756e6b0d3a'
        . '636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a'
        . '6d6573736167652d747970650700056576656e747b226279746573223a2265794a'
        . '306558426c496a6f6963476c755a794a39222c2270223a22616263227d730336a1'));

    like $response->{body}, qr/\Aevent: ping\ndata: \{"type":"ping"\}\n\n/,
         'a vector';

    ($response) = $raw->get(invoke => frames(
        invoked("{\n \"type\":\r\n\"ping\"}"), invoked($documents[4]),
        AwsSigV4::Raw::frame([ ':message-type' => 'event',
                               ':event-type' => 'new' ], '{}')),
        last_chunk());

    is $response->{body}, "event: ping\ndata: {\ndata:  \"type\":\ndata: "
       . "\"ping\"}\n\n$messages[4]", 'line breaks, and events not known';
};


subtest 'frames that are none' => sub {
    my $first  = invoked($documents[0]);
    my $broken = invoked($documents[1]);
    substr($broken, -20, 1) ^= "\x01";

    my $exception = sub {
        return AwsSigV4::Raw::exception($_[0], '{"message":"of it"}');
    };
    my $error = AwsSigV4::Raw::frame(
        [ ':message-type' => 'error', ':error-code' => 'InternalError',
          ':error-message' => 'of it' ], '');

    # what the stream has, Anthropic's type, ours, the text
    my @cases = (
        [ $exception->('throttlingException'), 'rate_limit_error',
          'rate_limit_exceeded', 'of it' ],
        [ $exception->('validationException'), 'invalid_request_error',
          'invalid_request', 'of it' ],
        [ $exception->('modelStreamErrorException'), 'api_error',
          'model_stream_error', 'of it' ],
        [ $exception->('modelTimeoutException'), 'timeout_error',
          'model_timeout', 'of it' ],
        [ $exception->('internalServerException'), 'api_error',
          'internal_error', 'of it' ],
        [ $exception->('serviceUnavailableException'), 'overloaded_error',
          'service_unavailable', 'of it' ],
        [ $exception->('newException'), 'api_error', 'upstream_error',
          'of it' ],
        [ $error, 'api_error', 'internal_error', 'of it' ],
        [ $broken, 'api_error', 'upstream_error', 'The stream is damaged.' ],
        [ 'x' x 50, 'api_error', 'upstream_error',
          'The stream is damaged.' ],
        [ invoked('no JSON'), 'api_error', 'upstream_error',
          'The upstream gave no valid answer.' ],
        [ invoked('{"type":"a\nb"}'), 'api_error', 'upstream_error',
          'The upstream gave no valid answer.' ],
        [ AwsSigV4::Raw::frame([ ':message-type' => 'event',
                                 ':event-type' => 'chunk' ], '{"bytes":1}'),
          'api_error', 'upstream_error',
          'The upstream gave no valid answer.' ],
    );

    for my $case (@cases) {
        my ($bytes, $type, $code, $text) = @$case;

        # the answer ends, though the upstream does not
        my $go = $raw->file('go-never' . ++$raw->{count});

        for my $before ('', $first) {
            my ($response, $log) = $raw->get(invoke =>
                frames($before . $bytes . invoked($documents[1])),
                { wait => $go });

            is index($response->{body}, $before ? $messages[0] : 'event: e'),
               0, 'what was before';

            my $error = error_of($response->{body});

            is $error->{error}{type}, $type, "$code: type";
            is $error->{error}{message}, $text, 'text';
            is $log->{llm_error}, $code, 'log';
            unlike $response->{body}, qr/ping/, 'nothing follows';

            spew($go, '');
        }
    }
};


# The head is made when that is known: the client must see a broken answer, or
# none, and not JSON that ends too soon.
subtest 'JSON that is cut is no whole answer' => sub {
    my $good = '{"choices":[{"message":{"content":"}\\"]"}}],"usage":'
        . '{"prompt_tokens":7,"completion_tokens":9}}';
    my $part = substr $good, 0, -1;

    my $length = sub {
        my ($body, $more) = @_;

        return AwsSigV4::Raw::plain(200, 'application/json', $body)
            =~ s/(Content-Length: )(\d+)/$1 . ($2 + $more)/er;
    };
    my $json = AwsSigV4::Raw::head('application/json');
    my $open = $json =~ s/Transfer-Encoding: chunked\r\n//r;

    my %whole = (
        'a length'    => [ $length->($good, 0) ],
        'two pieces'  => [ $length->($good, 0) =~ /\A(.*choi)(.*)\z/s ],
        'chunks'      => [ $json, chunks(split //, $good), last_chunk() ],
        'spaces'      => [ $length->(" $good\r\n", 0) ],
        'no length'   => [ $open, $good ],
    );
    my %cut = (
        'less than its length'   => [ $length->($part, 1) ],
        'nothing of its length'  => [ $length->('', 9) ],
        'less than its chunks'   => [ $json, chunks($part) ],
        'a chunk that is cut'    => [ $json, "ff\r\n$part" ],
        'a length too short'     => [ $length->($part, 0) ],
        'the same in two pieces' => [ $length->($part, 0)
                                          =~ /\A(.*choi)(.*)\z/s ],
        'chunks that end'        => [ $json, chunks($part), last_chunk() ],
        'no length'              => [ $open, $part ],
        'nothing'                => [ $open ],
        'in a string'            => [ $open, substr $good, 0, 35 ],
        'text'                   => [ $length->('Bad Gateway', 0) ],
        'null'                   => [ $length->('null', 0) ],
    );

    for my $kind (qw( openai anthropic invoke )) {
        for my $how (sort keys %whole) {
            my ($bytes, $log) = bytes_of($kind, @{ $whole{$how} });

            ok is_whole($bytes), "$kind: $how: it is whole";
            is $log->{llm_error}, '-', 'no error';
        }

        for my $how (sort keys %cut) {
            my ($bytes, $log) = bytes_of($kind, @{ $cut{$how} });

            ok !is_whole($bytes), "$kind: $how: the client sees it"
                or diag $bytes;
            is $log->{llm_error}, 'upstream_error', 'log';
        }
    }

    # bodies of models of any kind are their own matter
    my ($bytes) = bytes_of('native-invoke' => $length->('text', 0));
    ok is_whole($bytes), 'Bedrock\'s own API';
};


# all that a client gets until its connection is closed, and what is logged

sub bytes_of {
    my ($kind, @actions) = @_;

    my $target = "/$kind/" . $raw->script(@actions);
    my $client = http_client(port => $raw->nginx->port);
    my @log;

    $raw->nginx->mark;
    $client->send("GET $target HTTP/1.1\r\nHost: a\r\n"
                  . "Connection: close\r\n\r\n");
    1 while $client->read_some;
    wait_for(sub { @log = $raw->log_of($target) });

    return ($client->{buffer}, $log[0]);
}

# A response of which nothing is missing, by its own framing.
sub is_whole {
    my ($head, $body) = $_[0] =~ /\A(.*?)\r\n\r\n(.*)\z/s or return 0;

    return $body =~ /(?:\A|\r\n)0\r\n\r\n\z/
        if $head =~ /^Transfer-Encoding: chunked/mi;

    return $head =~ /^Content-Length: (\d+)/mi && length $body == $1;
}


subtest 'what tells of the account of the gateway stays here' => sub {
    my @account = map { "$_: of the gateway" } qw(
        x-ratelimit-limit-requests X-RateLimit-Remaining-Tokens
        x-ratelimitbysize-remaining-minute RateLimit-Policy
        anthropic-ratelimit-requests-reset Anthropic-Organization-Id
        anthropic-ratelimit-unified-status
        OpenAI-Organization openai-project x-litellm-key-spend
        x-litellm-response-cost llm_provider-openai-organization );
    my @kept = map { "$_: kept" } qw(
        x-request-id request-id x-amzn-RequestId openai-version
        openai-processing-ms x-litellm-call-id cf-ray );

    my %answer = (
        'JSON'     => AwsSigV4::Raw::plain(200, 'application/json', '{}',
                                           @account, @kept),
        'an error' => AwsSigV4::Raw::plain(429, 'application/json',
            '{"error":{"message":"x"}}', @account, @kept, 'Retry-After: 7'),
        'one of ours' => AwsSigV4::Raw::plain(401, 'text/html', 'x',
                                              @account, @kept),
        'a stream' => join('', head(@account, @kept), chunks(@chat),
                           last_chunk()),
    );

    for my $kind (qw( openai anthropic bedrock )) {
        for my $what (sort keys %answer) {
            my ($response) = $raw->get($kind => $answer{$what});
            my $head = $response->{head};

            unlike $head, qr/of the gateway/, "$kind: $what: nothing of it";
            is scalar(() = $head =~ /: kept/g), scalar(@kept),
               'ids of requests are there';
            like $head, qr/^Retry-After: 7\r?$/m, 'and when to try again'
                if $what eq 'an error';
        }
    }
};


subtest 'native streams pass as they are' => sub {
    my $frame = AwsSigV4::Raw::frame(
        [ ':message-type' => 'event', ':event-type' => 'metadata' ],
        '{"usage":{"inputTokens":12,"outputTokens":34,'
        . '"cacheReadInputTokens":100,"cacheWriteInputTokens":20}}');
    my ($response, $log)
        = $raw->get('converse-stream' => frames($frame), last_chunk());

    is $response->{body}, $frame, 'ConverseStream';
    is $log->{llm_prompt_tokens}, 132, 'usage';

    $frame = join '', map { invoked($_) } @documents;
    ($response, $log) = $raw->get('native-stream' => frames(split //, $frame));

    is $response->{body}, $frame, 'InvokeModelWithResponseStream, cut';
    is $log->{llm_completion_tokens}, 34, 'usage';

    ($response, $log) = $raw->get('native-invoke' => AwsSigV4::Raw::plain(
        200, 'application/json', '{}', 'X-Amzn-Bedrock-Input-Token-Count: 7',
        'X-Amzn-Bedrock-Output-Token-Count: 9'));

    is $response->{body}, '{}', 'InvokeModel';
    is "$log->{llm_prompt_tokens}/$log->{llm_completion_tokens}", '7/9',
       'usage by headers';
};


subtest 'a reader that is slow' => sub {
    my $text  = 'x' x 60_000;
    my $delta = '{"type":"content_block_delta","delta":{"text":"' . $text
              . '"}}';
    my %sent  = (
        anthropic => [ head(), chunks((event($delta)) x 60) ],
        invoke    => [ frames((invoked($delta)) x 60) ],
    );

    for my $kind (sort keys %sent) {
        my $script = $raw->script(@{ $sent{$kind} });
        my $client = http_client(port => $raw->nginx->port);

        $client->send("GET /$kind/$script HTTP/1.1\r\nHost: a\r\n\r\n");

        # others are served while the buffers of this one are full
        $raw->get(openai => stream(@chat)) for 1 .. 5;

        my $body = $client->response('GET')->{body};

        is length($body) - 60 * length event($delta),
           length 'event: error' . "\ndata: " . "\n\n"
           . '{"type":"error","error":{"type":"api_error","message":"'
           . "$cut\"},\"request_id\":null}", "$kind: all, and the error";
        is error_of(substr $body, -150)->{type}, 'error', 'which is the last';
    }
};


subtest 'a client that goes' => sub {
    my $go     = $raw->file('go-client');
    my $script = $raw->script(head(), chunks($messages[0]), { wait => $go });
    my $client = http_client(port => $raw->nginx->port);
    my ($got, @log) = ('');

    $raw->nginx->mark;
    $client->send("GET /anthropic/$script HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_for(sub {
        sysread $client->{sock}, $got, 65536, length $got;
        return $got =~ /message_start.*\n\n/s;
    });
    close $client->{sock};

    wait_for(sub { @log = $raw->log_of("/anthropic/$script") });
    spew($go, '');

    is $log[0]{llm_prompt_tokens}, 132, 'what is known is logged';
    is $log[0]{llm_caller}, 133, 'and charged';
};


subtest 'the signer refuses' => sub {
    my ($response, $log) = $raw->fetch('/signed/credentials');

    is $response->{status}, 503, 'no credentials';
    is $log->{llm_error}, 'gateway_no_credentials', 'log';
    like $response->{head}, qr/^x-should-retry: false/mi, 'no retry';

    ($response, $log) = $raw->fetch('/signed/host?host=a.example.com');

    is $response->{status}, 500, 'a host that is not allowed';
    is $log->{llm_error}, 'gateway_error', 'log';
    is $json->decode($response->{body})->{error}{type}, 'api_error', 'type';
};


my @problems = grep { !/upstream (?:prematurely|timed)|reset by peer
                        |aws sigv4: /x }
               $raw->nginx->stop_it;

is_deeply \@problems, [], 'nginx ends well';

done_testing();
