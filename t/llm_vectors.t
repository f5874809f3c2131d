# SPDX-License-Identifier: BSD-2-Clause

# Signatures for Bedrock that were computed by two other signers, reproduced
# through the gateway: ids with ":" and ARNs with "/", as they are and
# encoded, and both services.

use strict;
use warnings;

use lib 't/lib';

use Test::More;
use Time::Local qw(timegm);

use AwsSigV4;
use AwsSigV4::Clock;
use AwsSigV4::LLM;
use AwsSigV4::Oracle qw(sign);

my $date    = '20250102T030405Z';
my $runtime = 'bedrock-runtime.us-east-1.amazonaws.com';
my $mantle  = 'bedrock-mantle.us-east-1.api.aws';
my $scope   = '20250102/us-east-1';

my $converse = '{"messages":[{"role":"user","content":[{"text":"hi"}]}]}';
my $profile  = 'arn:aws:bedrock:us-east-1:123456789012:'
    . 'application-inference-profile/abc123xyz';
my $encoded  = $profile =~ s/([:\/])/sprintf '%%%02X', ord $1/ger;
my $raw      = $profile =~ s{/}{%2F}r;

# path and body of the client; those on the wire; the signature
my @vectors = (
    ['SG-01', '/model/amazon.nova-lite-v1%3A0/converse', $converse,
     '/model/amazon.nova-lite-v1%3A0/converse', $converse,
     '9ebf2aa9f3926c1cfcbaf4324b8aa8247770b52225800e2d8d55df725f951110'],
    ['SG-02', '/model/amazon.nova-lite-v1:0/converse', $converse,
     '/model/amazon.nova-lite-v1:0/converse', $converse,
     '5e0417c20728077ae968e6e4e85a9261430ae29ba06250cc52da2ffc0b28ca90'],
    ['SG-03', "/model/$encoded/converse-stream", $converse,
     "/model/$encoded/converse-stream", $converse,
     '3011495e6ac7f2eda7cfff7df1e0dd66c3f8d52541445a1283e409d878c6c869'],
    ['SG-04', "/model/$raw/converse-stream", $converse,
     "/model/$raw/converse-stream", $converse,
     '7449d1fb99fab0e8dfffb18f331835364ec9706a1a8c34af623dd2362684e4b4'],
    ['SG-05', '/v1/chat/completions', '{"model":"small","messages":[]}',
     '/openai/v1/chat/completions',
     '{"model":"openai.gpt-oss-20b-1:0","messages":[]}',
     '4c63e9f7090f341b837d7860b3ddbc49a5b69973e7e968dafce8a59923f3822f'],
    ['SG-06', '/v1/chat/completions', '{"model":"large","messages":[]}',
     '/v1/chat/completions',
     '{"model":"openai.gpt-oss-120b","messages":[]}',
     '25d26c1934038068b0b5ce612124c3e4b63fd97a385e0738664e8287c9afe19c',
     $mantle, 'bedrock-mantle'],
);

# The same by aliases, whose ids the gateway writes into the path.
for my $alias (['SG-01', 'nova', 0], ['SG-02', 'nova-raw', 1],
               ['SG-03', 'profile', 2], ['SG-04', 'profile-raw', 3])
{
    my ($name, $id, $index) = @$alias;
    my @vector = @{ $vectors[$index] };

    $vector[0] = "$name, by an alias";
    $vector[1] =~ s{^/model/[^/]+}{/model/$id};
    push @vectors, \@vector;
}

my $time  = timegm(5, 4, 3, 2, 0, 2025);
my $clock = AwsSigV4::Clock->new;

$clock->stop_at($time);

my $llm = AwsSigV4::LLM->new(args => ['--clock-offset' => $time - time]);

my $nginx = $llm->gateway(
    $clock->nginx(1),
    http_config => "aws_sigv4_content_sha256 off;\n",    # as the vectors
    table       => <<"EOL");
local function bedrock(model, way)
    return { { route = "bedrock", model = model, url = "\$TEST_LLM_US",
               model_path = way } }
end

return {
    defaults = { region = "us-east-1" },
    native = { url = "\$TEST_LLM_US" },
    models = {
        small = { { route = "runtime-openai", url = "\$TEST_LLM_US",
                    model = "openai.gpt-oss-20b-1:0" } },
        large = { { route = "mantle-openai", url = "\$TEST_LLM_MANTLE",
                    path = "/v1", model = "openai.gpt-oss-120b" } },
        nova = bedrock("amazon.nova-lite-v1:0"),
        ["nova-raw"] = bedrock("amazon.nova-lite-v1:0", "raw"),
        profile = bedrock("$profile", "encoded"),
        ["profile-raw"] = bedrock("$profile", "raw"),
    },
}
EOL

for my $vector (@vectors) {
    my ($name, $path, $body, $wire, $sent, $signature, $host, $service)
        = @$vector;

    $host    //= $runtime;
    $service //= 'bedrock';
    $llm->mark;

    my $response = $llm->post($nginx, $path, $body,
                              ['Authorization', 'Bearer sk-client']);
    my ($request) = $llm->requests;

    subtest $name => sub {
        is($response->{status}, 200, 'accepted') or diag $response->{body};
        is($request->{target}, $wire, 'the path');
        is($request->{body}, $sent, 'the body');
        is($request->{host}, $host, 'the host');
        is($request->{signed_headers}, 'content-type;host;x-amz-date',
           'what is signed');
        is($request->{scope}, "$scope/$service/aws4_request", 'the scope');
        is($request->{signature}, $signature, 'the signature');

        my $other = sign(
            signer => 'botocore', method => 'POST', host => $host,
            target => $wire, body => $sent, service => $service,
            region => 'us-east-1', date => $date,
            headers => [['Content-Type', 'application/json']]);
        is($llm->header($request, 'Authorization'),
           $llm->header($other, 'Authorization'), 'botocore makes the same');
    };
}

is_deeply([$llm->refused], [], 'nothing was refused');
is(join("\n", $nginx->stop_it), '', 'nginx ended well');

done_testing();
