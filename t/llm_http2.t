# SPDX-License-Identifier: BSD-2-Clause

# Clients of the LLM gateway that speak HTTP/2, over TLS and in the clear:
# answers, streams token by token, errors, and going away.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use Test::More;

use AwsSigV4;
use AwsSigV4::LLM;

my $curl         = needs('curl');
my ($cert, $key) = make_cert();
my $dir          = temp_dir();
my $json         = JSON::PP->new->utf8;
my @words        = ('Good', ' day', ' to', ' you');

my $llm     = AwsSigV4::LLM->new;
my $gateway = $llm->gateway(
    http2     => 1,
    variables => [ @AwsSigV4::LLM::VARIABLES, 'server_protocol' ],
    values    => { TEST_CERT_KEY => $key },
    config    => <<'EOC',
listen 127.0.0.1:$TEST_PORT_TLS ssl http2;
ssl_certificate $TEST_CERT;
ssl_certificate_key $TEST_CERT_KEY;
EOC
    table => <<'EOT');
return {
    defaults = { region = "us-east-1", cooldown = 0 },
    models = {
        chat = { { route = "runtime-openai", url = "$TEST_LLM_US",
                   model = "m" } },
        two = { { route = "gateway", url = "$TEST_LLM_STUDIO", model = "s" },
                { route = "runtime-openai", url = "$TEST_LLM_EU",
                  model = "m" } },
        claude = { { route = "invoke-anthropic", url = "$TEST_LLM_US",
                     model = "m" } },
        bedrock = { { route = "bedrock", url = "$TEST_LLM_US",
                      model = "m" } },
    },
}
EOT

my %ends = (
    tls   => [ 'https', $gateway->value('TEST_PORT_TLS'), '--http2' ],
    clear => [ 'http', $gateway->port, '--http2-prior-knowledge' ],
);

my $MESSAGES = '"messages":[{"role":"user","content":"hi"}]';
my $count    = 0;

for my $end (sort keys %ends) {
    answers($end);
    streams($end);
    errors($end);
    broken($end);
    goes_away($end);
}

is(join("\n", $llm->refused), '', 'no server refused a request');

my @lines = $gateway->access;
is(scalar(grep { $_->{server_protocol} ne 'HTTP/2.0' } @lines), 0,
   'all requests came by HTTP/2');
is(join("\n", grep { !/prematurely closed|no valid HTTP/ }
             $gateway->stop_it), '', 'nginx ended well');

done_testing();


# Starts curl: its process, and a function for what it has got.
sub start {
    my ($end, $target, $body, @options) = @_;

    my ($scheme, $port, $http2) = @{ $ends{$end} };
    my $base = "$dir/" . ++$count;

    spew("$base.body", $body);

    #  the head goes to a file, and what comes of the body is not held back;
    #  "-T -" reads a body of unknown length from where it is
    my $pid = spawn(
        output  => "$base.output",
        env     => { map { $_ => undef }
                     qw(http_proxy https_proxy all_proxy) },
        command => [ '/bin/sh', '-c', 'exec "$@" <"$0"', "$base.body",
            $curl, qw(-q -s -S -N -g --path-as-is), $http2, '--cacert', $cert,
            '--resolve', "localhost:$port:127.0.0.1", '-D', "$base.head",
            '-X', 'POST', '-H', 'Content-Type: application/json',
            ($target =~ /messages/
                ? ('-H', 'Anthropic-Version: 2023-06-01') : ()),
            '-H', 'Expect:',
            @options ? @options : ('--data-binary', '@-'),
            "$scheme://localhost:$port$target" ],
    );

    return ($pid, sub { -e "$base.output" ? slurp("$base.output") : '' },
            "$base.head");
}

# status, body, head
sub ask {
    my ($pid, $output, $head) = start(@_);

    wait_for(sub { !is_running($pid) });
    stop($pid);

    my $text = -e $head ? slurp($head) : '';
    my ($status) = $text =~ m{\AHTTP/2 (\d{3})};

    return ($status // 0, $output->(), $text);
}


sub answers {
    my ($end) = @_;
    my $body = "{\"model\":\"chat\",$MESSAGES}";

    for my $options ([], [qw(-T -)]) {
        my $how = "$end: " . (@$options ? 'no length' : 'a length');

        $llm->mark;
        my ($status, $answer, $head)
            = ask($end, '/v1/chat/completions', $body, @$options);
        my ($request) = $llm->requests;

        is($status, 200, "$how: status");
        is($json->decode($answer)->{choices}[0]{message}{content},
           'Good day to you', "$how: the answer");
        is($request->{body}, "{\"model\":\"m\",$MESSAGES}", "$how: the body");
        is($request->{verdict}, 'ok', "$how: the signature");
        unlike($head, qr/^(?:connection|transfer-encoding):/mi,
               "$how: no header of HTTP/1");
    }

    # a body that was spooled, and one more target
    my $large = '{"messages":[{"role":"user","content":"' . 'x' x 300_000
        . '"}],"model":"two"}';

    $llm->mark;
    $llm->rules({ listener => 'studio', status => 503 });
    my ($status) = ask($end, '/v1/chat/completions', $large);
    $llm->rules;

    is($status, 200, "$end: the next target");
    is(join(' ', map { $_->{body_length} } $llm->requests),
       join(' ', (length($large) - 2) x 2), "$end: the same body");

    return;
}


# Each token has come before the next one leaves.
sub streams {
    my ($end) = @_;
    my $stream = '"stream":true,"max_tokens":9,' . $MESSAGES;
    my @cases = (
        [ '/v1/chat/completions', "{\"model\":\"chat\",$stream}",
          'text/event-stream', qr/"content":"([^"]+)"/, qr/\[DONE\]\n\n\z/ ],
        [ '/v1/messages', "{\"model\":\"claude\",$stream}",
          'text/event-stream', qr/"text":"([^"]+)"/,
          qr/^event: message_stop\n/m ],
        [ '/model/bedrock/converse-stream',
          '{"messages":[{"role":"user","content":[{"text":"hi"}]}]}',
          'application/vnd.amazon.eventstream', qr/"text":"([^"]+)"/,
          qr/metadata/ ],
    );

    for my $case (@cases) {
        my ($target, $body, $type, $text, $last) = @$case;
        my $gate = "$end-" . ++$count;

        $llm->rules({ gate => $gate });

        my ($pid, $output, $head) = start($end, $target, $body);

        for my $level (1 .. @words) {
            my $words = join '', @words[0 .. $level - 1];

            $llm->gate($gate, level => $level);
            ok(wait_for(sub { join('', $output->() =~ /$text/g) eq $words }),
               "$end: $target: $words, while the next has not left");
        }

        $llm->open_gate($gate);
        wait_for(sub { !is_running($pid) });

        like($output->(), $last, "$end: $target: the end");
        like(slurp($head), qr{\AHTTP/2\ 200\b.*^content-type:\ \Q$type\E[;\r]
                             }msx, "$end: $target: the head");
        stop($pid);
    }

    $llm->rules;

    return;
}


sub errors {
    my ($end) = @_;
    my $good = "{\"model\":\"chat\",$MESSAGES}";

    #  What is answered before its body has come is reset by nginx, which this
    #  curl may take for an error: these have no body.
    my @none  = ('-H', 'Accept: */*');
    my @cases = (
        [ 404, 'model_not_found', '/v1/chat/completions',
          '{"model":"none"}' ],
        [ 400, 'invalid_json', '/v1/chat/completions', '{"model":' ],
        [ 404, 'unsupported_route', '/v1/files', '', @none ],
        [ 415, 'unsupported_media_type', '/v1/chat/completions', '', @none,
          '-H', 'Content-Encoding: gzip' ],
    );

    for my $case (@cases) {
        my ($status, $code, @request) = @$case;
        my ($got, $answer) = ask($end, @request);

        is($got, $status, "$end: status of $code");
        is(eval { $json->decode($answer)->{error}{code} }, $code,
           "$end: $code");
    }

    $llm->rules({ model => 'm', garbage => \1 });
    my ($status, $answer) = ask($end, '/v1/chat/completions', $good);
    $llm->rules;

    is($status, 502, "$end: status after bytes that are no HTTP");
    is(eval { $json->decode($answer)->{error}{code} }, 'upstream_error',
       "$end: and its error");

    return;
}


# A stream ends with an error event; JSON is one.
sub broken {
    my ($end) = @_;

    $llm->rules({ model => 'm', cut => 2 });

    my (undef, $answer) = ask($end, '/v1/chat/completions',
        "{\"model\":\"chat\",\"stream\":true,$MESSAGES}");

    like($answer, qr/"code":"upstream_error"\}\}\n\n\z/,
         "$end: a stream that was cut ends with an event");

    $llm->rules({ model => 'm', cut => 9 });
    (my $status, $answer) = ask($end, '/v1/chat/completions',
                                "{\"model\":\"chat\",$MESSAGES}");
    $llm->rules;

    is($status, 502, "$end: JSON that was cut has the status of an error");
    is(eval { $json->decode($answer)->{error}{code} }, 'upstream_error',
       "$end: and is one");

    return;
}


sub goes_away {
    my ($end) = @_;
    my $gate = "$end-away";

    $llm->mark;
    $llm->rules({ gate => $gate });

    my ($pid, $output) = start($end, '/v1/chat/completions',
        "{\"model\":\"chat\",\"stream\":true,$MESSAGES}");

    $llm->gate($gate, level => 1);
    wait_for(sub { $output->() =~ /Good/ });
    stop($pid);

    my ($ended) = $llm->wait_ends(1);
    is("$ended->{how} $ended->{sent}", 'closed 1',
       "$end: the upstream is closed when the client goes");

    $llm->rules;

    return;
}
