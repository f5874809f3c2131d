# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# An answer that is none from its begin has the status of an error: the head
# waits for the first frame of a stream, and for the end of JSON.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::LLM;
use AwsSigV4::Raw;

my $json   = JSON::PP->new->utf8;
my $raw    = AwsSigV4::Raw->new(hold => 1);
my $limit  = 1024 * 1024;
my $frames = 'application/vnd.amazon.eventstream';

my @documents = (
    '{"type":"message_start","message":{"usage":{"input_tokens":12,'
        . '"output_tokens":1}}}',
    '{"type":"ping"}',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},'
        . '"usage":{"output_tokens":34}}',
    '{"type":"message_stop"}',
);
my @events = map { event($_) } @documents;
my @sent   = map { AwsSigV4::Raw::invoked($_) } @documents;

my $throttled = exception('throttlingException', 'slow down');

sub event {
    my ($document) = @_;
    my ($type) = $document =~ /"type":"(\w+)"/;

    return "event: $type\ndata: $document\n\n";
}

sub exception {
    my ($type, $message) = @_;

    return AwsSigV4::Raw::exception($type, "{\"message\":\"$message\"}");
}

sub chunks { return map { AwsSigV4::Raw::chunk($_) } @_ }

sub stream {
    return (AwsSigV4::Raw::head($frames), chunks(@_),
            AwsSigV4::Raw::last_chunk());
}

# the response is an error of this kind of client, and is logged as one, once
sub is_error {
    my ($response, $kind, $status, $code, $message, $how, @log) = @_;
    my $value = eval { $json->decode($response->{body}) } // {};

    is $response->{status}, $status, "$how: status";
    like $response->{head}, qr{^Content-Type: application/json\b}mi, 'JSON';
    is $value->{type}, $kind eq 'openai' ? undef : 'error', 'dialect';
    is $value->{error}{code}, $code, 'code' if $kind eq 'openai';
    is $value->{error}{message}, $message, 'message';
    is scalar(@log), 1, 'one line of the log';
    is $log[0]{llm_error}, $code, 'which has the code';
    is $log[0]{status}, $status, 'and the status';

    return $value;
}

sub get_error {
    my ($from, $kind, $actions, @expected) = @_;
    my $target = "/$kind/" . $from->script(@$actions);
    my ($response) = $from->fetch($target);

    return ($response, is_error($response, $kind, @expected,
                                $from->log_of($target)));
}


subtest 'an exception in the place of a stream' => sub {
    my $error = AwsSigV4::Raw::frame(
        [ ':message-type' => 'error', ':error-code' => 'InternalError',
          ':error-message' => 'of it' ], '');

    # the frame, its status, code, message, and Anthropic's type
    my @cases = (
        [ $throttled, 429, 'rate_limit_exceeded', 'slow down',
          'rate_limit_error' ],
        [ exception('accessDeniedException', 'no'), 403,
          'model_access_denied', 'no', 'permission_error' ],
        [ exception('validationException', 'bad'), 400, 'invalid_request',
          'bad', 'invalid_request_error' ],
        [ exception('validationException', 'input is too long'), 400,
          'context_length_exceeded', 'input is too long',
          'invalid_request_error' ],
        [ exception('expiredTokenException', 'expired'), 502,
          'upstream_auth_failed',
          'The upstream refused the credentials of the gateway.',
          'api_error' ],
        [ exception('modelErrorException', 'it failed'), 502, 'model_error',
          'it failed', 'api_error' ],
        [ exception('modelStreamErrorException', 'it failed'), 502,
          'model_stream_error', 'it failed', 'api_error' ],
        [ exception('modelTimeoutException', 'late'), 504, 'model_timeout',
          'late', 'timeout_error' ],
        [ exception('serviceUnavailableException', 'away'), 503,
          'service_unavailable', 'away', 'overloaded_error' ],
        [ exception('newException', 'new'), 502, 'upstream_error', 'new',
          'api_error' ],
        [ $error, 500, 'internal_error', 'of it', 'api_error' ],
    );

    for my $case (@cases) {
        my ($frame, $status, $code, $message, $type) = @$case;

        for my $kind (qw( invoke openai )) {
            next if $code eq 'invalid_request' && $kind eq 'openai';

            my ($response, $value) = get_error($raw, $kind,
                [ stream($frame) ], $status, $code, $message,
                "$kind: $code");

            is $value->{error}{type}, $type, 'type' if $kind eq 'invoke';
            is scalar($response->{head} =~ /^Retry-After: 2\r?$/mi),
               $code eq 'rate_limit_exceeded' ? 1 : '', 'Retry-After'
                if $status =~ /429|400|403/;
        }
    }

    # it need not come at once, nor alone
    for my $at (1 .. length($throttled) - 1) {
        my $first = substr $throttled, 0, $at;
        my ($response) = $raw->get(invoke =>
            stream($first, substr $throttled, $at));

        $response->{status} == 429 && $response->{body} =~ /slow down/
            or fail("split at $at") || diag $response->{body};
    }

    get_error($raw, invoke => [ stream(split //, $throttled) ], 429,
              'rate_limit_exceeded', 'slow down', 'byte by byte');
    get_error($raw, invoke => [ stream($throttled . $sent[0]) ], 429,
              'rate_limit_exceeded', 'slow down', 'something follows');
    get_error($raw, invoke => [ (stream($throttled))[0, 1] ], 429,
              'rate_limit_exceeded', 'slow down', 'and no end');
};


subtest 'a stream that is none' => sub {
    my $damaged = $sent[0];
    substr($damaged, -20, 1) ^= "\x01";

    my %none = (
        'nothing'          => [ stream() ],
        'nothing, no end'  => [ (stream())[0] ],
        'two bytes'        => [ stream("\0\0") ],
        'half a frame'     => [ stream(substr $sent[0], 0, 50) ],
        'half, and no end' => [ (stream(substr $sent[0], 0, 50))[0, 1] ],
        'half, no chunks'  => [ AwsSigV4::Raw::head($frames)
            =~ s/Transfer-Encoding: chunked\r\n//r, substr $sent[0], 0, 50 ],
        'a reset'          => [ (stream(substr $sent[0], 0, 50))[0, 1],
                                { reset => \1 } ],
        'a damaged frame'  => [ stream($damaged, @sent) ],
        'text'             => [ stream('Bad Gateway') ],
        'no length'        => [ stream("\0" x 20) ],
        'a bad prelude'    => [ stream("\0\0\x0f\0" . "\0" x 20) ],
        'no end of it'     => [ (stream("\0\0\x0f\0" . "\0" x 20))[0, 1],
                                { wait => '/nonexistent' } ],
    );

    for my $how (sort keys %none) {
        get_error($raw, invoke => $none{$how}, 502, 'upstream_error',
                  'The upstream gave no valid answer.', $how);
    }

    get_error($raw, openai => [ stream(@sent) ], 502, 'upstream_error',
              'The upstream gave no valid answer.', 'of another API');
};


subtest 'what is a stream begins as it did' => sub {
    my $large = '{"type":"ping","x":"' . 'x' x 20_000 . '"}';
    my $whole = join '', @sent;

    my %sent = (
        'frames'        => [ @sent ],
        'one piece'     => [ $whole ],
        'bytes'         => [ split //, $whole ],
        'threes'        => [ $whole =~ /.{1,3}/gs ],
        'a large frame' => [ AwsSigV4::Raw::invoked($large), @sent ],
        'and in pieces' => [ (AwsSigV4::Raw::invoked($large) . $whole)
                                 =~ /.{1,999}/gs ],
    );

    for my $how (sort keys %sent) {
        my ($response, $log) = $raw->get(invoke => stream(@{ $sent{$how} }));
        my $text = join '', $how =~ /large|and/ ? event($large) : (), @events;

        is $response->{status}, 200, "$how: status";
        is $response->{body}, $text, 'every byte';
        like $response->{head}, qr{^Content-Type: text/event-stream}mi, 'type';
        is $log->{llm_error}, '-', 'no error';
        is $log->{llm_completion_tokens}, 34, 'usage';
    }

    for my $at (1 .. length($sent[0]) - 1) {
        my ($response) = $raw->get(invoke => stream(
            substr($sent[0], 0, $at), substr($sent[0], $at), @sent[1 .. 3]));

        $response->{body} eq join('', @events)
            or fail("split at $at") || diag $response->{body};
    }

    # an exception that comes later, or is too long to be waited for
    my $long = exception('throttlingException', 'x' x 20_000);

    for my $first ([ @sent[0, 1], $throttled ], [ $sent[0] . $throttled ],
                   [ $long ])
    {
        my ($response, $log) = $raw->get(invoke => stream(@$first));

        is $response->{status}, 200, 'the status is made';
        like $response->{body}, qr/event: error\ndata: .*rate_limit_error/,
             'there is an event';
        is scalar(() = $response->{body} =~ /^event: error$/mg), 1, 'only one';
        is $log->{llm_error}, 'rate_limit_exceeded', 'log';
    }
};


# The next frame leaves when the client has shown this one.
subtest 'no token waits for another' => sub {
    my @go = map { $raw->file("go-token$_") } 0 .. 3;
    my $script = $raw->script(AwsSigV4::Raw::head($frames),
        chunks(substr $sent[0], 0, 9), chunks(substr $sent[0], 9),
        { wait => $go[0] }, chunks($sent[1]), { wait => $go[1] },
        chunks($sent[2]), { wait => $go[2] }, chunks($sent[3]),
        AwsSigV4::Raw::last_chunk());
    my $client = http_client(port => $raw->nginx->port);

    $client->send("GET /invoke/$script HTTP/1.1\r\nHost: a\r\n\r\n");

    for my $i (0 .. 2) {
        while ($client->{buffer} !~ /\Q$events[$i]\E/) {
            last if !eval { $client->read_some };
        }

        like $client->{buffer}, qr/\Q$events[$i]\E/, "event $i is there";
        unlike $client->{buffer}, qr/\Q$events[$i + 1]\E/, 'the next is not';
        spew($go[$i], '');
    }

    is $client->response('GET')->{body}, join('', @events), 'all of it';
};


my $good = '{"choices":[{"message":{"content":"}\\"]"}}],"usage":'
    . '{"prompt_tokens":7,"completion_tokens":9,"input_tokens":7,'
    . '"output_tokens":9}}';
my $part = substr $good, 0, -1;
my $head = AwsSigV4::Raw::head('application/json; charset=utf-8');
my $open = $head =~ s/Transfer-Encoding: chunked\r\n//r;
my $bare = $head =~ s/Content-Type: .*?\r\n//r;

sub long {
    my ($body, $more) = @_;

    return AwsSigV4::Raw::plain(200, 'application/json', $body)
        =~ s/(Content-Length: )(\d+)/$1 . ($2 + $more)/er;
}

my %cut = (
    'less than its length'  => [ long($part, 1) ],
    'whole, but its length' => [ long($good, 1) ],
    'nothing of its length' => [ long('', 9) ],
    'less than its chunks'  => [ $head, chunks($part) ],
    'a chunk that is cut'   => [ $head, "ff\r\n$part" ],
    'a length too short'    => [ long($part, 0) ],
    'in two pieces'         => [ long($part, 0) =~ /\A(.*choi)(.*)\z/s ],
    'chunks that end'       => [ $head, chunks(split //, $part),
                                 AwsSigV4::Raw::last_chunk() ],
    'no length'             => [ $open, $part ],
    'nothing'               => [ $open ],
    'no type, nothing'      => [ $bare, AwsSigV4::Raw::last_chunk() ],
    'a reset'               => [ $head, chunks($part), { reset => \1 } ],
    'text'                  => [ long('Bad Gateway', 0) ],
    'a page'                => [ AwsSigV4::Raw::plain(200, 'text/html',
                                                      '<p>Hello</p>') ],
    'null'                  => [ long('null', 0) ],
    'nearly the limit'      => [ $head, chunks($part, (' ' x 9_999) x 100) ],
);

my %whole = (
    'a length'         => [ long($good, 0), $good ],
    'two pieces'       => [ long($good, 0) =~ /\A(.*choi)(.*)\z/s, $good ],
    'chunks'           => [ $head, chunks(split //, $good),
                            AwsSigV4::Raw::last_chunk(), $good ],
    'spaces'           => [ long(" $good\r\n", 0), " $good\r\n" ],
    'no length'        => [ $open, $good, $good ],
    'no type'          => [ $bare, chunks($good),
                            AwsSigV4::Raw::last_chunk(), $good ],
    'beyond the limit' => [ long($good . ' ' x $limit, 0),
                            $good . ' ' x $limit ],
    'large pieces'     => [ $head, chunks((' ' x 9_999) x 50, $good),
                            AwsSigV4::Raw::last_chunk(),
                            ' ' x 499_950 . $good ],
);


subtest 'JSON that is cut' => sub {
    for my $kind (qw( openai anthropic invoke )) {
        for my $how (sort keys %cut) {
            get_error($raw, $kind, $cut{$how}, 502, 'upstream_error',
                      'The upstream gave no valid answer.', "$kind: $how");
        }
    }

    # the clock decides what comes first here: the head or its time is over
    my $slow = AwsSigV4::Raw->new(hold => 1, read_timeout => '1s');
    my ($response, $log) = $slow->get(openai => $head, chunks($part),
                                     { wait => '/nonexistent' });

    like $response->{status}, qr/^50[24]$/, 'silence';
    ok $json->decode($response->{body})->{error}, 'error';
    like $log->{llm_error}, qr/^upstream_(?:error|timeout)$/, 'log';
};


subtest 'JSON that is whole' => sub {
    for my $kind (qw( openai anthropic )) {
        for my $how (sort keys %whole) {
            my @actions = @{ $whole{$how} };
            my $text = pop @actions;
            my ($response, $log) = $raw->get($kind => @actions);

            is $response->{status}, 200, "$kind: $how";
            ok $response->{body} eq $text, 'every byte';
            is $log->{llm_error}, '-', 'no error';
            is "$log->{llm_prompt_tokens}/$log->{llm_completion_tokens}",
               '7/9', 'usage, counted once';
        }
    }
};


subtest 'conditions of a client' => sub {
    my $answer = AwsSigV4::Raw::plain(200, 'application/json', $good,
                                      'ETag: "a"');

    for my $header ([ 'If-None-Match', '"a"' ], [ 'If-Match', '"b"' ]) {
        my ($response) = $raw->fetch('/openai/' . $raw->script($answer),
                                     headers => [ $header ]);

        is $response->{status}, 200, "$header->[0]: status";
        is $response->{body}, $good, 'every byte';
    }
};


# What is longer is sent as it comes, and then it is too late.
subtest 'JSON that is beyond the limit' => sub {
    my ($response, $log) = $raw->get(openai =>
        $head, chunks(' ' x 4000, $part, (' ' x 9_999) x 110));

    is $response->{status}, 200, 'status';
    unlike $response->{body}, qr/error/, 'no error in it';
    is $log->{llm_error}, 'upstream_error', 'log';
};


subtest 'Bedrock\'s own API is left alone' => sub {
    my ($response, $log) = $raw->get('converse-stream' => stream($throttled));

    is $response->{status}, 200, 'an exception';
    is $response->{body}, $throttled, 'as it came';

    ($response) = $raw->get('native-invoke' => long('text', 0));
    is $response->{body}, 'text', 'text';
};


subtest 'a client that goes while it waits' => sub {
    for my $case ([ metered => $head, chunks($part) ],
                  [ invoke => AwsSigV4::Raw::head($frames),
                    chunks(substr $sent[0], 0, 9) ])
    {
        my ($kind, @actions) = @$case;
        my $there  = $raw->file("there-$kind");
        my $script = $raw->script(@actions, { wait => $there });
        my $client = http_client(port => $raw->nginx->port);
        my @log;

        $raw->nginx->mark;
        $client->send("GET /$kind/$script HTTP/1.1\r\nHost: a\r\n\r\n");
        $client->drained;
        close $client->{sock};

        wait_for(sub { @log = $raw->log_of("/$kind/$script") });
        spew($there, '');
        is $log[0]{status}, 499, "$kind: status";
        is $log[0]{llm_error}, '-', 'no error';
        like $log[0]{llm_caller}, qr/^\d+$/, 'what was asked is charged'
            if $kind eq 'metered';
    }
};


subtest 'a connection that goes on' => sub {
    my $client = http_client(port => $raw->nginx->port);

    for my $case ([ 429, invoke => stream($throttled) ],
                  [ 200, openai => long($good, 0) ],
                  [ 502, openai => long($part, 0) ],
                  [ 200, invoke => stream(@sent) ])
    {
        my ($status, $kind, @actions) = @$case;
        my $script = $raw->script(@actions);

        $client->send("GET /$kind/$script HTTP/1.1\r\nHost: a\r\n\r\n");
        is $client->response('GET')->{status}, $status, "$kind: $status";
    }
};


subtest 'an nginx that buffers' => sub {
    my $buffering = AwsSigV4::Raw->new(hold => 1, buffering => 'on');

    get_error($buffering, invoke => [ stream($throttled) ], 429,
              'rate_limit_exceeded', 'slow down', 'an exception');

    for my $how (sort keys %cut) {
        get_error($buffering, openai => $cut{$how}, 502, 'upstream_error',
                  'The upstream gave no valid answer.', $how);
    }

    for my $how (sort keys %whole) {
        my @actions = @{ $whole{$how} };
        my $text = pop @actions;
        my ($response) = $buffering->get(openai => @actions);

        ok $response->{body} eq $text, "$how: every byte";
    }

    is_deeply [ problems($buffering->nginx) ], [], 'nginx ends well';
};


sub problems {
    my ($nginx) = @_;

    return grep { !/upstream (?:prematurely|timed)|reset by peer
                    |invalid response|aws sigv4: /x } $nginx->stop_it;
}


my $TABLE = <<'EOL';
return {
    defaults = { region = "us-east-1", cooldown = 0 },
    models = {
        claude = { { route = "invoke-anthropic", url = "$TEST_LLM_US",
                     model = "mock-exception-first" } },
        gpt = { { route = "runtime-openai", url = "$TEST_LLM_US",
                  model = "m" } },
        keyed = { { route = "gateway", url = "$TEST_LLM_CLOSED",
                    model = "n" },
                  { route = "gateway", url = "$TEST_LLM_STUDIO",
                    model = "n" } },
    },
}
EOL

subtest 'through the gateway' => sub {
    my $llm   = AwsSigV4::LLM->new;
    my $nginx = $llm->gateway(table => $TABLE);
    my $ask   = { max_tokens => 9,
                  messages   => [ { role => 'user', content => 'hi' } ] };

    $nginx->mark;
    my $response = $llm->post($nginx, '/v1/messages',
        { %$ask, model => 'claude', stream => \1 });

    my $value = is_error($response, 'anthropic', 429, 'rate_limit_exceeded',
        $llm->json($response)->{error}{message}, 'invoke-anthropic',
        $nginx->access);

    is $value->{error}{type}, 'rate_limit_error', 'type';
    like $response->{head}, qr/^Retry-After: 2\r?$/mi, 'Retry-After';
    like $response->{head}, qr/^request-id: /mi, 'id';

    for my $alias (qw( gpt keyed )) {
        $llm->rules({ cut => 9 });
        $nginx->mark;
        $response = $llm->post($nginx, '/v1/chat/completions',
                               { %$ask, model => $alias });
        is_error($response, 'openai', 502, 'upstream_error',
                 'The upstream gave no valid answer.', $alias,
                 $nginx->access);
        $llm->rules;
    }

    is $llm->post($nginx, '/v1/chat/completions',
                  { %$ask, model => 'keyed' })->{status}, 200, 'and whole';

    is join("\n", grep { !/Connection refused|prematurely/ }
                  $nginx->stop_it), '', 'nginx ends well';

    # whichever module is loaded first
    $nginx = $llm->gateway(
        table          => $TABLE,
        modules_before => [],
        modules_after  => [ qw(ndk_http_module ngx_http_lua_module) ],
    );
    $response = $llm->post($nginx, '/v1/messages',
        { %$ask, model => 'claude', stream => \1 });

    is $response->{status}, 429, 'ngx_lua is loaded later';
    is_deeply [ $nginx->stop_it ], [], 'nginx ends well';
};


is_deeply [ problems($raw->nginx) ], [], 'nginx ends well';

done_testing();
