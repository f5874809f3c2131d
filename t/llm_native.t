# SPDX-License-Identifier: BSD-2-Clause

# Calls of Bedrock's own API through the LLM gateway: by alias and by id, with
# the path as the client wrote it.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::LLM;

my $TABLE = <<'EOT';
return {
    defaults = { region = "us-east-1" },
    native = { region = "us-west-2", url = "$TEST_LLM_EU",
               credentials = "other" },
    models = {
        nova = { { route = "bedrock", url = "$TEST_LLM_US",
                   model = "amazon.nova-lite-v1:0" } },
        raw = { { route = "bedrock", url = "$TEST_LLM_US",
                  model = "amazon.nova-lite-v1:0", model_path = "raw" } },
        profile = {
            { route = "bedrock", url = "$TEST_LLM_US",
              model = "arn:aws:bedrock:eu-west-3:123456789012:"
                      .. "application-inference-profile/abc" },
            { route = "bedrock", url = "$TEST_LLM_EU",
              model = "eu.nova" } },
        chat = { { route = "runtime-openai", url = "$TEST_LLM_US",
                   model = "openai.gpt-oss" } },
    },
}
EOT

my $llm     = AwsSigV4::LLM->new;
my $gateway = $llm->gateway(table => $TABLE);

my $ARN = 'arn:aws:bedrock:ap-south-1:123456789012:'
    . 'application-inference-profile/abc';
my $CONVERSE = '{ "messages":[{"role":"user","content":[{"text":"hi"}]}] }';

paths();
parameters();
failover();
refused();

is(join("\n", $llm->refused), '', 'every signature was accepted');
is(join("\n", $gateway->stop_it), '', 'nginx ended well');

without_native();

done_testing();


sub ask {
    my ($target, $body, @headers) = @_;

    $llm->mark;
    $gateway->mark;

    my $response = $llm->post($gateway, $target, $body // $CONVERSE,
        [ Authorization => 'AWS4-HMAC-SHA256 of the client' ], @headers);

    return ($response, $llm->requests);
}


sub encoded { return $_[0] =~ s/([^\w.~-])/sprintf '%%%02X', ord $1/ger }


sub paths {
    my $arn  = encoded($ARN);
    my $nova = 'amazon.nova-lite-v1';
    my $own  = encoded('arn:aws:bedrock:eu-west-3:123456789012:'
                       . 'application-inference-profile/abc');

    #  of the client, on the wire, region
    my @paths = (
        [ '/model/nova/converse', "/model/$nova%3A0/converse", 'us-east-1' ],
        [ '/model/n%6Fva/converse', "/model/$nova%3A0/converse",
          'us-east-1' ],
        [ '/model/raw/converse', "/model/$nova:0/converse", 'us-east-1' ],
        [ '/model/profile/converse-stream',
          "/model/$own/converse-stream", 'eu-west-3' ],
        [ "/model/$nova%3A0/converse", "/model/$nova%3A0/converse",
          'us-west-2' ],
        [ "/model/$nova%3a0/converse", "/model/$nova%3a0/converse",
          'us-west-2' ],
        [ "/model/$nova:0/converse-stream",
          "/model/$nova:0/converse-stream", 'us-west-2' ],
        [ "/model/$arn/converse", "/model/$arn/converse", 'ap-south-1' ],
        [ "/model/$arn/converse?a=b", "/model/$arn/converse", 'ap-south-1' ],
    );

    for my $case (@paths) {
        my ($target, $path, $region) = @$case;
        my ($response, $request) = ask($target);

        subtest $target => sub {
            is($response->{status}, 200, 'status');
            is($request->{target}, $path, 'path');
            is("$request->{verdict} $request->{region}/$request->{service}",
               "ok $region/bedrock", 'signature');
            is($request->{body}, $CONVERSE, 'body');
        };
    }

    my $invoke = '{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,'
        . '"messages":[{"role":"user","content":"hi"}]}';

    for my $action (qw(invoke invoke-with-response-stream)) {
        my ($response, $request)
            = ask("/model/us.anthropic.claude/$action", $invoke);

        is($response->{status}, 200, $action);
        is($request->{body}, $invoke, "$action: body");

        my $line;
        wait_for(sub { ($line) = $gateway->access });
        is($line->{llm_stream}, $action =~ /stream/ ? 1 : 0,
           "$action: \$llm_stream");
        is("@$line{qw(llm_alias llm_model llm_dialect)}",
           'us.anthropic.claude us.anthropic.claude bedrock',
           "$action: variables");
    }

    return;
}


# Parameters of the API that are headers: a guardrail that was asked for and
# is not applied would be worse than an error.
sub parameters {
    my %sent = (
        'x-amzn-bedrock-guardrailidentifier'        => 'gr-client',
        'x-amzn-bedrock-guardrailversion'           => '7',
        'x-amzn-bedrock-trace'                      => 'ENABLED',
        'x-amzn-bedrock-accept'                     => 'application/json',
        'x-amzn-bedrock-performanceconfig-latency'  => 'optimized',
        'x-amzn-bedrock-service-tier'               => 'flex',
    );
    my @headers = ((map { [ $_ => $sent{$_} ] } sort keys %sent),
        [ 'X-Amzn-Bedrock-Other' => 'no' ]);

    for my $path ('/model/nova/invoke', '/model/us.anthropic.claude/invoke') {
        my ($response, $request) = ask($path, $CONVERSE, @headers);
        my %got = map { lc $_->[0] => $_->[1] }
            grep { $_->[0] =~ /^x-amzn-bedrock/i } @{ $request->{headers} };

        is($request->{verdict}, 'ok', "$path: accepted");
        is_deeply(\%got, \%sent, "$path: parameters of the client");
    }

    return;
}


sub failover {
    $llm->rules({ model => 'arn:*', status => 503 });

    my ($response, @requests) = ask('/model/profile/converse');

    is($response->{status}, 200, 'the next target');
    is(join(' ', map { $_->{region} } @requests), 'eu-west-3 us-east-1',
       'each with a signature of its region');
    is($requests[1]{target}, '/model/eu.nova/converse', 'and its id');

    $llm->rules;

    return;
}


sub is_refused {
    my ($name, $status, $class, $response) = @_;

    is($response->{status}, $status, "$name: status");
    is((AwsSigV4::Client::header($response, 'x-amzn-errortype'))[0], $class,
       "$name: class");
    like($response->{body}, qr/^\{"message":"[^"]+"\}$/, "$name: body");

    return;
}


sub refused {
    my $json = [ 'Content-Type' => 'application/json' ];

    is_refused('another dialect', 404, 'ResourceNotFoundException',
               (ask('/model/chat/converse'))[0]);

    for my $id (qw(.. . a/../b a//b %2e%2E %2E a%2F..%2Fb a/%2e%2e/b a%2f%2Fb
                   .%2e%2Fguardrail))
    {
        my ($response, @requests) = ask("/model/$id/converse");

        is($response->{status}, 404, "no id: $id");
        is(scalar @requests, 0, "no id: $id: nothing is sent");
    }

    $llm->mark;
    is_refused('a form', 415, 'ValidationException',
               request($gateway->port, method => 'POST', body => 'a=b',
                       target => '/model/nova/converse',
                       headers => "Content-Type: text/plain\n"));
    is(scalar(() = $llm->requests), 0, 'nothing is sent');

    return;
}


sub without_native {
    $gateway = $llm->gateway(table => 'return {}');

    is_refused('an id that is no alias', 404, 'ResourceNotFoundException',
               (ask('/model/amazon.nova-lite-v1%3A0/converse'))[0]);
    is(join("\n", $gateway->stop_it), '', 'nginx ended well');

    return;
}
