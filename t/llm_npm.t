# SPDX-License-Identifier: BSD-2-Clause

# The clients of OpenAI, Anthropic and AWS for node, unmodified, through the
# gateway to models: t/npm/llm.mjs has what they do.  They come from npm:
# where that cannot be reached, this is a test that may be skipped.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use Test::More;

use AwsSigV4;
use AwsSigV4::LLM;
use AwsSigV4::Npm qw(run_clients);

my $key     = 'sk-client-0123456789';
my $caller  = sha256_hex($key);
my $profile = 'arn:aws:bedrock:us-east-1:123456789012:'
    . 'application-inference-profile/abc123';

my $llm   = AwsSigV4::LLM->new(forbid => ['sk-client']);
my $nginx = $llm->gateway(callers => <<"EOL", table => <<'EOL');
return {
    { name = "npm", sha256 = "$caller", models = {
        "gpt", "mantle", "local", "keyed", "claude*", "org/model:1", "nova",
        "e-*", "a-*", "s-*", "as-*", "once", "two", "amazon.*",
        "anthropic.*", "arn:*", "mock-*", "no*" } },
}
EOL
local function runtime(model, region)
    return { route = "runtime-openai", model = model, region = region,
             url = "$TEST_LLM_US" }
end

local function claude(route, model)
    return { route = route, url = "$TEST_LLM_US",
             model = model or "us.anthropic." .. route,
             beta = { "allowed-2025-01-01" } }
end

return {
    defaults = { region = "us-east-1", cooldown = 0 },
    native = { url = "$TEST_LLM_US" },
    models = {
        gpt = { runtime("openai.gpt-oss-20b-1:0") },
        mantle = { { route = "mantle-openai", url = "$TEST_LLM_MANTLE",
                     model = "openai.gpt-oss-120b" } },
        ["local"] = { { route = "gateway", url = "$TEST_LLM_STUDIO",
                        model = "qwen3-8b" } },
        keyed = { { route = "openai", url = "$TEST_LLM_OPENAI",
                    model = "gpt-x", key_file = "$TEST_DIR/openai.key" } },
        claude = { claude("invoke-anthropic") },
        ["claude-native"] = { claude("runtime-anthropic") },
        ["claude-mantle"] = { { route = "mantle-anthropic",
                                url = "$TEST_LLM_MANTLE",
                                model = "anthropic.claude-m" } },
        ["org/model:1"] = { runtime("openai.slash") },
        nova = { { route = "bedrock", url = "$TEST_LLM_US",
                   model = "us.amazon.nova-pro-v1:0" } },
        secret = { runtime("openai.secret"), claude("invoke-anthropic") },

        once = { runtime("openai.once") },
        two = { runtime("openai.two"), runtime("openai.two", "eu-west-1") },
        ["e-validation"] = { runtime("mock-error-validation") },
        ["e-gone"] = { runtime("mock-missing") },
        ["e-denied"] = { runtime("mock-error-accessdenied") },
        ["e-throttled"] = { runtime("mock-error-throttling") },
        ["e-quota"] = { runtime("mock-error-servicequotaexceeded") },
        ["e-auth"] = { runtime("mock-error-unrecognizedclient") },
        ["e-notready"] = { runtime("mock-error-modelnotready") },
        ["e-model"] = { runtime("mock-error-modelerror") },
        ["e-refused"] = { { route = "runtime-openai", model = "openai.none",
                            url = "$TEST_LLM_CLOSED" } },
        ["s-exception"] = { runtime("mock-exception") },
        ["s-cut"] = { runtime("mock-cut") },
        ["a-validation"] = { claude("invoke-anthropic",
                                    "us.mock-error-validation") },
        ["a-throttled"] = { claude("invoke-anthropic",
                                   "us.mock-error-throttling") },
        ["a-auth"] = { claude("invoke-anthropic",
                              "us.mock-error-expiredtoken") },
        ["as-exception"] = { claude("invoke-anthropic",
                                    "us.mock-exception") },
        ["as-cut"] = { claude("invoke-anthropic", "us.mock-cut") },
    },
}
EOL

$llm->rules(
    { model => 'openai.once', error => 'throttling', times => 1,
      headers => { 'Retry-After' => 1 } },
    { model => 'openai.two', region => 'us-east-1', status => 503 },
    { model => 'mock-error-modelnotready', error => 'modelnotready',
      headers => { 'Retry-After' => 1 } },
);

run_clients('llm.mjs', 'http://127.0.0.1:' . $nginx->port, $key);

my (%count, %region);

for my $request ($llm->requests) {
    my $model = $request->{model} // 'none';
    $count{$model}++;
    push @{ $region{$model} }, $request->{region};
}

is_deeply([$llm->refused], [],
          'signatures are right, and no key of a client has arrived');

#  how often the clients try: what is worth it, and nothing else
my %tries = (
    'mock-error-validation'           => 2,    # the clients of AWS too
    'mock-missing'                    => 1,
    'mock-error-accessdenied'         => 2,
    'mock-error-resourcenotfound'     => 1,
    'mock-error-throttling'           => 6,
    'mock-error-servicequotaexceeded' => 1,
    'mock-error-unrecognizedclient'   => 1,
    'mock-error-modelnotready'        => 3,
    'mock-error-modelerror'           => 3,
    'us.mock-error-validation'        => 1,
    'us.mock-error-throttling'        => 3,
    'us.mock-error-expiredtoken'      => 1,
    'openai.once'                     => 2,
    'openai.secret'                   => undef,
);

is($count{$_}, $tries{$_}, "requests to $_") for sort keys %tries;

is_deeply($region{'openai.two'}, ['us-east-1', 'eu-west-1'],
          'the gateway goes on to the next region by itself');

#  the clients ask in no order
my %arn = map { $_->{target} => 1 }
    grep { ($_->{model} // '') eq $profile } $llm->requests;
my $path = '/model/' . ($profile =~ s/([:\/])/sprintf '%%%02X', ord $1/ger);
is_deeply([sort keys %arn], [map { "$path/$_" } qw(converse converse-stream
    invoke invoke-with-response-stream)], 'the ARN of a profile in the path');

my ($betas) = grep { ($_->{body} // '') =~ /anthropic_beta/ } $llm->requests;
like($betas->{body}, qr/"anthropic_beta":\s*\["allowed-2025-01-01"\]/,
     'of the betas, those that are allowed');

my ($invoked) = grep { $_->{target} =~ m{^/model/us\.anthropic\.} }
    $llm->requests;
like($invoked->{body}, qr/"anthropic_version":\s*"bedrock-2023-05-31"/,
     'a message that is invoked has the version of Bedrock');

is(scalar(grep { $_->{image_bytes} == 3_000_000 } $llm->requests), 1,
   'an image arrives whole');

my $logs = slurp($nginx->error_log) . $nginx->log_text('access.log');
is(scalar($logs =~ /\Q$key\E|sk-mock|sk-ant-mock|Signature=/), '',
   'no key in a log');
#  what the servers were told to do, and nothing else
my @errors = grep { !/connect\(\)\ failed\ \(111|prematurely\ closed
                       |aws\ sigv4:\ the\ upstream\ refused\ the\ request/x }
    slurp($nginx->error_log) =~ /^(.*\[(?:error|crit|alert|emerg)\].*)$/mg;
is(join("\n", @errors), '', 'no failure in the error log');
is(join("\n", $nginx->stop_it), '', 'nginx ended well');

done_testing();
