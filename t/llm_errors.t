# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Errors: each of Bedrock, of nginx and of other servers, as each SDK knows
# them; whose text, and whose credentials.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Lua qw( lua_nginx lua_call );
use AwsSigV4::Raw;

my $json = JSON::PP->new->utf8;
my $raw  = AwsSigV4::Raw->new;

sub plain { return AwsSigV4::Raw::plain(@_) }

sub header {
    my ($response, $name) = @_;

    return join ', ', $response->{head} =~ /^\Q$name\E: *([^\r\n]*)/mig;
}

sub decoded { return $json->decode($_[0]{body}) }


# name: status of Bedrock; ours, type, code, x-should-retry, Retry-After
my %bedrock = (
    ValidationException        => [ 400, 400, 'invalid_request_error', undef ],
    ResourceNotFoundException  =>
        [ 404, 404, 'invalid_request_error', 'model_not_found' ],
    FTUFormNotFilled           =>
        [ 404, 404, 'invalid_request_error', 'model_not_found' ],
    AccessDeniedException      =>
        [ 403, 403, 'permission_error', 'model_access_denied' ],
    (map { $_ => [ 403, 502, 'api_error', 'upstream_auth_failed', 'false' ] }
        qw( UnrecognizedClientException InvalidClientTokenId
            SignatureDoesNotMatch InvalidSignatureException
            ExpiredTokenException MissingAuthenticationTokenException
            RequestExpired )),
    IncompleteSignatureException  =>
        [ 400, 502, 'api_error', 'upstream_auth_failed', 'false' ],
    ThrottlingException        =>
        [ 429, 429, 'rate_limit_error', 'rate_limit_exceeded', '', 1 ],
    ServiceQuotaExceededException =>
        [ 400, 429, 'insufficient_quota', 'insufficient_quota', 'false' ],
    ModelNotReadyException     =>
        [ 429, 503, 'api_error', 'model_not_ready', '', 1 ],
    ModelTimeoutException      => [ 408, 504, 'api_error', 'model_timeout' ],
    ModelErrorException        => [ 424, 502, 'api_error', 'model_error' ],
    ModelStreamErrorException  =>
        [ 424, 502, 'api_error', 'model_stream_error' ],
    InternalServerException    => [ 500, 500, 'api_error', 'internal_error' ],
    InternalFailure            => [ 500, 500, 'api_error', 'internal_error' ],
    ServiceUnavailableException =>
        [ 503, 503, 'api_error', 'service_unavailable' ],
    ConflictException          =>
        [ 400, 409, 'invalid_request_error', 'conflict', 'false' ],
);

# types of Anthropic, by our status
my %anthropic = (
    400 => 'invalid_request_error', 401 => 'authentication_error',
    403 => 'permission_error',      404 => 'not_found_error',
    413 => 'request_too_large',     429 => 'rate_limit_error',
    503 => 'overloaded_error',      504 => 'timeout_error',
    409 => 'invalid_request_error',
);


for my $name (sort keys %bedrock) {
    my ($theirs, $status, $type, $code, $retry, $after) = @{ $bedrock{$name} };
    my $text = $code && $code eq 'upstream_auth_failed'
             ? 'The upstream refused the credentials of the gateway.'
             : "of $name";

    subtest $name => sub {
        my $error = plain($theirs, 'application/json',
            "{\"message\":\"of $name\"}",
            "x-amzn-ErrorType: $name:http://internal.amazon.com/x/",
            'x-amzn-RequestId: 0-1-2');

        my ($response, $log) = $raw->get(openai => $error);

        is $response->{status}, $status, 'status';
        is_deeply decoded($response), { error => {
            message => $text, type => $type, param => undef, code => $code,
        } }, 'OpenAI';
        is header($response, 'Content-Type'), 'application/json', 'type';
        is header($response, 'x-should-retry'), $retry // '', 'retry';
        like header($response, 'Retry-After'), $after ? qr/^[1-9]\d*$/ : qr/^$/,
             'Retry-After';
        is header($response, 'x-amzn-requestid'), '0-1-2', 'id of the request';
        is $log->{llm_error}, $code // 'invalid_request', 'log';

        ($response) = $raw->get(anthropic => $error);

        is $response->{status}, $status, 'the same status';
        is_deeply decoded($response), {
            type       => 'error',
            error      => {
                type    => $anthropic{$status} // 'api_error',
                message => $text,
            },
            request_id => '0-1-2',
        }, 'Anthropic';
        is header($response, 'request-id'), '0-1-2', 'its id of the request';

        ($response) = $raw->get(bedrock => $error);

        if ($retry && $code eq 'upstream_auth_failed') {
            is $response->{status}, 502, 'status for a client of AWS';
            is_deeply decoded($response), { message => $text }, 'its text';
            is header($response, 'x-amzn-errortype'),
               'InternalServerException', 'its name';

        } else {
            is $response->{status}, $theirs, 'status for a client of AWS';
            is $response->{body}, "{\"message\":\"of $name\"}", 'untouched';
        }

        # the name in the body: the status is that of the answer
        ($response) = $raw->get(openai => plain($theirs, 'application/json',
            "{\"__type\":\"com.amazon.coral#$name\","
            . "\"Message\":\"of $name\"}"));

        is_deeply decoded($response)->{error}, {
            message => $text, type => $type, param => undef, code => $code,
        }, 'the name in the body';
    };
}


subtest 'errors in the shape that the client knows' => sub {
    my %same = (
        openai    => '{ "error": {"message":"a\/b","code":"429"}, "x":[] }',
        anthropic => '{"type":"error","error":{"type":"x","message":"y"} }',
        bedrock   => '{"message":"x","originalStatusCode":500}',
    );

    for my $kind (sort keys %same) {
        for my $status (400, 403, 404, 409, 413, 422, 429, 500, 503, 529) {
            next if $kind eq 'openai' && $status == 529;

            my ($response) = $raw->get($kind => plain(
                $status, 'application/json; charset=utf-8', $same{$kind}));

            is $response->{status}, $status, "$kind: $status";
            is $response->{body}, $same{$kind}, 'untouched';
            is header($response, 'x-should-retry'), '', 'no header';
        }

        # a body that comes in pieces
        my ($response) = $raw->get($kind =>
            AwsSigV4::Raw::head('application/json') =~ s/200 OK/429 X/r,
            (map { AwsSigV4::Raw::chunk($_) } split //, $same{$kind}),
            AwsSigV4::Raw::last_chunk());

        is $response->{body}, $same{$kind}, 'untouched';
    }

    my ($response) = $raw->get(openai =>
        plain(529, 'application/json', $same{openai}));

    is $response->{status}, 503, 'OpenAI has no 529';
};


subtest 'errors in other shapes' => sub {
    my %text = (
        '[{"error":{"code":400,"message":"of Gemini","status":"X"}}]'
                                            => 'of Gemini',
        '{"error":"of a small server"}'     => 'of a small server',
        '{"message":"of Kong"}'             => 'of Kong',
        '{"Message":"of AWS"}'              => 'of AWS',
        '{"detail":"of FastAPI"}'           => 'of FastAPI',
        '{"detail":{"error":"nested"}}'     => 'nested',
        '{"detail":[{"loc":["body"],"msg":"of a check"}]}' => 'of a check',
        '{"object":"error","message":"of Mistral","code":"1"}'
                                            => 'of Mistral',
        'plain text'                        => 'plain text',
        "two\nlines \"quoted\" \\ \t\n"     => "two\nlines \"quoted\" \\",
        "bad \xff\xc3 UTF-8 \xc3\xa9"       =>
            "bad \x{fffd}\x{fffd} UTF-8 \x{e9}",
        ''                                  => undef,
        '<html><h1>502</h1></html>'         => undef,
        "  <?xml version=\"1.0\"?><Error/>" => undef,
        "\x1f\x8b\x08\0binary"              => undef,
        '{"broken":'                        => undef,
        '{"error":{"message":5}}'           => undef,
        '{}'                                => undef,
        'null'                              => 'null',
        '{"message":"' . 'x' x 5000 . '"}'  => 'x' x 2048,
        '{"message":"' . 'x' x 70000 . '"}' => undef,
    );

    for my $body (sort keys %text) {
        my ($response) = $raw->get(openai => plain(500, 'text/html', $body));
        my $error = decoded($response)->{error};
        my $name  = substr $body, 0, 40;

        $name =~ s/[^ -~]/?/g;

        is $response->{status}, 500, "status of $name";
        is $error->{message},
           $text{$body} // 'The upstream had an internal error.', 'text';
        is $error->{code}, 'internal_error', 'code';
        is header($response, 'Content-Type'), 'application/json', 'type';

        ($response) = $raw->get(anthropic => plain(500, undef, $body));
        is decoded($response)->{error}{message},
           $text{$body} // 'The upstream had an internal error.', 'Anthropic';
    }

    my ($response) = $raw->get(openai => plain(500, 'application/json',
        '{"error":{"message":"packed"}}', 'Content-Encoding: gzip'));

    is decoded($response)->{error}{message},
       'The upstream had an internal error.', 'what is compressed';
    is header($response, 'Content-Encoding'), '', 'is replaced';

    ($response) = $raw->get(openai =>
        plain(400, 'application/json', '{"type":"error","error":'
              . '{"type":"invalid_request_error","message":"x"}}'));
    is decoded($response)->{error}{param}, undef, 'one of Anthropic';
    ok !exists decoded($response)->{type}, 'is translated';

    ($response) = $raw->get(bedrock => plain(503, 'text/html', '<html>'));
    is_deeply decoded($response),
              { message => 'The service is not available.' }, 'for AWS';
    is header($response, 'x-amzn-errortype'), 'ServiceUnavailableException',
       'with a name';
};


# A worker serves nobody else meanwhile.  It is its own time that counts, not
# that of the machine: seconds where each byte is looked at again and again.
subtest 'long texts of hostile servers cost no time' => sub {
    my $nginx = lua_nginx(read => <<'EOC');
        local foreign = require "resty.aws_sigv4.llm.foreign"
        local long = arg.first .. arg.fill:rep(60000) .. arg.last
        local body = arg.before .. long .. arg.after
        local before = os.clock()
        local _, code, message = foreign.read("openai", body, "x", 400)

        return (os.clock() - before < 1 and "soon" or "late"), code,
               message == body and "whole" or "none"
EOC

    for my $case (
        [ 'blanks in a text', 'x', ' ', 'y' ],
        [ 'lines in a text', 'x', "\n", 'y' ],
        [ 'blanks in a name', 'x', ' ', 'y', '{"__type":"', '"}' ],
        [ 'a name before a mark', '', 'a', '#', '{"__type":"', '"}' ],
        [ 'a name in marks', '', '#', 'a', '{"__type":"', '"}' ],
        [ 'a name with colons', '', ':', 'a', '{"__type":"', '"}' ],
    ) {
        my ($name, $first, $fill, $last, $before, $after) = @$case;

        my @got = lua_call($nginx, read => {
            first  => $first, fill => $fill, last => $last,
            before => $before // '', after => $after // '',
        });

        is "@got", $before ? 'soon invalid_request none' : 'soon x whole',
           $name;
    }

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


subtest 'too long an input has a code of its own' => sub {
    for my $text ('Input is too long for requested model.',
                  "This model's maximum context length is 8192 tokens",
                  'prompt is too long: 210000 tokens > 200000 maximum') {
        my ($response, $log) = $raw->get(openai => plain(
            400, 'application/json', "{\"message\":\"$text\"}",
            'x-amzn-errortype: ValidationException'));

        is decoded($response)->{error}{code}, 'context_length_exceeded',
           $text;
        is $log->{llm_error}, 'context_length_exceeded', 'log';
    }
};


subtest 'credentials of the gateway' => sub {
    for my $kind (qw( openai anthropic bedrock )) {
        for my $status (401, 407) {
            my ($response, $log) = $raw->get($kind => plain($status,
                'application/json', '{"type":"error","error":{"type":"a",'
                . '"message":"Incorrect API key sk-12345678"},"message":"b"}',
                'WWW-Authenticate: Basic'));

            is $response->{status}, 502, "$kind: $status is none of the client";
            is header($response, 'x-should-retry'), 'false', 'no retry';
            is header($response, 'WWW-Authenticate'), '', 'no challenge';
            unlike $response->{body}, qr/sk-|Incorrect/, 'no word of it';
            is $log->{llm_error}, 'upstream_auth_failed', 'log';
        }
    }

    my ($response) = $raw->get(openai => plain(500, 'application/json',
        '{"message":"arn:aws:bedrock:us-east-1:123456789012:x/y '
        . 'Bearer abc.def sk-proj-1234 ASIAABCDEFGHIJKLMNOP"}'));

    is decoded($response)->{error}{message},
       'arn:aws:bedrock:us-east-1:***:x/y Bearer *** sk-*** ASIA***',
       'accounts and keys are taken out of texts';

    my $text = 'User: arn:aws:sts::123456789012:assumed-role/r/s is not '
        . 'authorized';
    my %known = (
        openai    => "{\"error\":{\"message\":\"$text\",\"code\":null}}",
        anthropic => '{"type":"error","error":{"type":"permission_error",'
            . "\"message\":\"$text\"}}",
        bedrock   => "{\"message\":\"$text\"}",
    );

    for my $kind (sort keys %known) {
        ($response) = $raw->get($kind =>
            plain(403, 'application/json', $known{$kind}));

        is $response->{status}, 403, "$kind: status";
        like $response->{body}, qr/:sts::\*\*\*:assumed-role/,
             'also where the shape is that of the client';
        unlike $response->{body}, qr/123456789012/, 'nowhere the account';
    }
};


# A status of 403 alone is that of IAM, as are those of other providers which
# say no more; of keys that are not good it is said in the body, and that is
# no matter of the client's.
subtest '403 without the name of an exception' => sub {
    my %openai = (
        '{"error":{"message":"no","type":"permission_error","code":null}}'
            => undef,
        '{"error":{"message":"no","type":"invalid_request_error",'
            . '"code":"unsupported_country"}}' => undef,
        '{"message":"no"}' => 'model_access_denied',
        'no'               => 'model_access_denied',
        '{"error":{"message":"no","type":"authentication_error",'
            . '"code":"invalid_api_key"}}' => 'upstream_auth_failed',
        '{"error":{"message":"no","type":"authentication_error",'
            . '"code":403}}' => 'upstream_auth_failed',
        '{"error":{"message":"no","type":"invalid_request_error",'
            . '"code":"invalid_api_key"}}' => 'upstream_auth_failed',
        '{"error":{"message":"no","code":"InvalidSignatureException"}}'
            => 'upstream_auth_failed',
    );

    for my $body (sort keys %openai) {
        my $code = $openai{$body};
        my ($response, $log) = $raw->get(openai =>
            plain(403, 'application/json', $body));

        is $response->{status}, 403, "status of $body";
        is $log->{llm_error}, $code // 'model_access_denied', 'log';

        if (!defined $code) {
            is $response->{body}, $body, 'untouched';
            next;
        }

        my $denied = $code eq 'model_access_denied';

        is_deeply decoded($response)->{error}, {
            message => $denied ? 'no'
                : 'The upstream refused the credentials of the gateway.',
            type => $denied ? 'permission_error' : 'api_error',
            param => undef, code => $code,
        }, 'ours';
    }

    my ($response, $log) = $raw->get(anthropic => plain(403,
        'application/json', '{"type":"error","error":{"type":'
        . '"authentication_error","message":"invalid x-api-key"}}'));

    is $log->{llm_error}, 'upstream_auth_failed', 'Anthropic: log';
    unlike $response->{body}, qr/authentication_error|x-api-key/,
           'Anthropic: the key of the client is fine';
};


subtest 'answers that are none' => sub {
    my %answer = (
        'a page'          => plain(200, 'text/html', '<html>'),
        'an empty answer' => plain(200, 'application/json', ''),
        'a redirect'      => plain(302, 'text/html', 'x', 'Location: http://a/'),
        'no HTTP'         => "garbage\r\n\r\n",
        'no head'         => "HTTP/1.1 200 OK\r\nContent-Ty",
        'nothing'         => '',
        'frames of others' =>
            plain(200, 'application/vnd.amazon.eventstream', 'x'),
    );

    for my $what (sort keys %answer) {
        for my $kind (qw( openai anthropic )) {
            my ($response, $log) = $raw->get($kind => $answer{$what});

            is $response->{status}, 502, "$what: $kind";
            is decoded($response)->{error}{type}, 'api_error', 'type';
            is $log->{llm_error}, 'upstream_error', 'log';
            is header($response, 'Location'), '', 'it leads nowhere';
        }
    }

    my ($response, $log) = $raw->fetch('/closed/');

    is $response->{status}, 502, 'an upstream that is not there';
    is decoded($response)->{error}{code}, 'upstream_unreachable', 'code';

    my $slow = AwsSigV4::Raw->new(read_timeout => '50ms');

    ($response, $log) = $slow->get(anthropic => { wait => '/nonexistent' });
    is $response->{status}, 504, 'an upstream that is silent';
    is decoded($response)->{error}{type}, 'timeout_error', 'type';
    is $log->{llm_error}, 'upstream_timeout', 'log';
};


subtest 'errors of nginx' => sub {
    my %own = (
        400 => [ 400, 'invalid_request' ],
        401 => [ 401, 'invalid_api_key' ],
        403 => [ 403, 'model_not_allowed' ],
        404 => [ 404, 'unsupported_route' ],
        405 => [ 405, 'method_not_allowed' ],
        413 => [ 413, 'request_too_large' ],
        414 => [ 400, 'invalid_request' ],
        415 => [ 415, 'unsupported_media_type' ],
        429 => [ 429, 'rate_limit_exceeded' ],
        500 => [ 500, 'gateway_error' ],
        503 => [ 503, 'service_unavailable' ],
    );

    for my $status (sort keys %own) {
        my ($expected, $code) = @{ $own{$status} };

        for my $dialect (qw( openai anthropic bedrock )) {
            my ($response, $log)
                = $raw->fetch("/own/$status?dialect=$dialect");
            my $value = decoded($response);

            is $response->{status}, $expected, "$status: $dialect";
            is $log->{llm_error}, $code, 'log';

            if ($dialect eq 'openai') {
                is $value->{error}{code},
                   $code eq 'invalid_request' ? undef : $code, 'code';

            } elsif ($dialect eq 'anthropic') {
                like $value->{request_id}, qr/^req_\w+$/, 'id';
                is header($response, 'request-id'), $value->{request_id},
                   'in the head too';

            } else {
                ok length $value->{message}, 'text';
                like header($response, 'x-amzn-errortype'), qr/Exception$/,
                     'name';
            }
        }
    }
};


subtest 'errors of the front itself' => sub {
    my $nginx = lua_nginx(none => 'return 1');
    $nginx->stop_it;

    my %sent = (
        invalid_api_key     => [ openai => 401, qr/authentication_error/ ],
        model_not_found     => [ anthropic => 404, qr/not_found_error/ ],
        rate_limit_exceeded => [ openai => 429, qr/rate_limit_error/ ],
        insufficient_quota  => [ bedrock => 429, qr/"message"/ ],
        request_too_large   => [ anthropic => 413, qr/request_too_large/ ],
        gateway_no_credentials =>
            [ openai => 503, qr/"code":"gateway_no_credentials"/ ],
    );

    my $config = 'set $llm_error "-";' . "\n";

    for my $code (sort keys %sent) {
        $config .= "location = /$code { access_by_lua_block {"
            . 'local errors = require "resty.aws_sigv4.llm.errors"'
            . "\n errors.send(\"$sent{$code}[0]\", \"$code\", \"my \\\"text\\\"\","
            . ($code eq 'rate_limit_exceeded' ? '17' : 'nil')
            . ") } root html; }\n";
    }

    $nginx = start_nginx(
        modules_before => [ qw(ndk_http_module ngx_http_lua_module) ],
        variables      => [ 'llm_error' ],
        http           => 'lua_package_path "$TEST_LUA/?.lua;;";',
        server         => $config,
    );

    for my $code (sort keys %sent) {
        my (undef, $status, $like) = @{ $sent{$code} };
        my $client = http_client(port => $nginx->port);

        $nginx->mark;

        # the body that was not read is no request
        for my $round (1, 2) {
            my $response = $client->request({
                method => 'POST', target => "/$code",
                body   => "GET /$code HTTP/1.1\r\n\r\n",
            });

            is $response->{status}, $status, "$code, round $round";
            like $response->{body}, $like, 'shape';
            like $response->{body}, qr/my \\"text\\"|no credentials/, 'text';
            is header($response, 'Retry-After'), 17, 'Retry-After'
                if $code eq 'rate_limit_exceeded';
            is header($response, 'x-should-retry'), 'false', 'no retry'
                if $code =~ /quota|credentials/;
        }

        my @log;
        wait_for(sub { (@log = $nginx->access) >= 2 });
        is_deeply [ map { $_->{llm_error} } @log ], [ $code, $code ], 'log';
    }

    is_deeply [$nginx->stop_it], [], 'nginx ends well';
};


my @problems = grep { !/upstream (?:prematurely|timed)|no valid HTTP|connect/ }
               $raw->nginx->stop_it;

is_deeply \@problems, [], 'nginx ends well';

done_testing();
