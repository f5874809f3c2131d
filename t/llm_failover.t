# SPDX-License-Identifier: BSD-2-Clause

# Which failures leave a request to the next target of the LLM gateway, and
# what that target gets.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::LLM;

my $TABLE = <<'EOT';
local us = { route = "runtime-openai", url = "$TEST_LLM_US",
             model = "of-us", region = "us-east-1", cooldown = 0 }
local eu = { route = "runtime-openai", url = "$TEST_LLM_EU", name = "eu",
             model = "of-eu", region = "eu-central-1", credentials = "other",
             cooldown = 0 }
local tls = { route = "runtime-openai", url = "$TEST_LLM_US_TLS",
              model = "of-tls", region = "us-west-2", cooldown = 0 }
local mantle = { route = "mantle-openai", url = "$TEST_LLM_MANTLE",
                 model = "of-mantle", region = "us-east-1", cooldown = 0 }
local studio = { route = "gateway", url = "$TEST_LLM_STUDIO",
                 model = "of-studio", cooldown = 0 }
local keyed = { route = "gateway", url = "$TEST_LLM_KEYED",
                model = "of-keyed", key_file = "$TEST_DIR/keyed.key",
                cooldown = 0 }
local closed = { route = "runtime-openai", url = "$TEST_LLM_CLOSED",
                 model = "none", region = "us-east-1", cooldown = 0 }
local invoke = { route = "invoke-anthropic", url = "$TEST_LLM_US",
                 model = "claude-i", region = "us-east-1", cooldown = 0 }
local claude = { route = "runtime-anthropic", url = "$TEST_LLM_EU",
                 model = "claude-r", region = "eu-west-1", cooldown = 0 }

return { models = {
    two = { us, eu },
    tls = { us, tls, eu },
    back = { tls, us },
    mixed = { closed, keyed, mantle, studio, closed, tls, keyed, eu },
    closed = { closed, eu },
    nowhere = { closed, closed },
    cool = { { route = "runtime-openai", url = "$TEST_LLM_US",
               model = "of-cool", region = "us-east-1", cooldown = 600 },
             eu },
    ["all-cool"] = {
        { route = "runtime-openai", url = "$TEST_LLM_US", cooldown = 600,
          model = "of-1", region = "us-east-1" },
        { route = "runtime-openai", url = "$TEST_LLM_EU", cooldown = 600,
          model = "of-2", region = "eu-west-1" } },
    forbidden = { { route = "runtime-openai", url = "$TEST_LLM_US",
                    host = "not.allowed.example", model = "no",
                    region = "us-east-1", cooldown = 0 } },
    ["last-forbidden"] = {
        us, { route = "runtime-openai", url = "$TEST_LLM_US",
              host = "not.allowed.example", model = "no",
              region = "us-east-1", cooldown = 0 } },
    ["first-forbidden"] = {
        { route = "runtime-openai", url = "$TEST_LLM_US", name = "not-signed",
          host = "not.allowed.example", model = "no", region = "us-east-1",
          cooldown = 600 }, eu },
    ["first-elsewhere"] = {
        { route = "runtime-openai", url = "http://not.allowed.example:1",
          model = "no", region = "us-east-1", cooldown = 0 }, eu },
    ["native-forbidden"] = {
        { route = "bedrock", url = "$TEST_LLM_US",
          host = "not.allowed.example", model = "no",
          region = "us-east-1", cooldown = 0 } },
    ["claude-forbidden"] = {
        { route = "runtime-anthropic", url = "$TEST_LLM_US",
          host = "not.allowed.example", model = "no",
          region = "us-east-1", cooldown = 0 } },
    nokeys = { { route = "runtime-openai", url = "$TEST_LLM_US",
                 model = "no", region = "us-east-1", credentials = "none",
                 cooldown = 0 }, eu },
    claude = { invoke, claude, invoke },
    same = { us, { route = "gateway", url = "$TEST_LLM_STUDIO",
                   model = "same", cooldown = 0 } },
    twice = { { route = "runtime-openai", url = "$TEST_LLM_US",
                model = "of-us", region = "us-east-1", cooldown = 0,
                retry_timeout = true }, eu },
} }
EOT

my $llm = AwsSigV4::LLM->new;

my $gateway = $llm->gateway(
    table       => $TABLE,
    main_config => "worker_processes 2;\n",
    http_config => "aws_sigv4_provider none env;\n",
    variables   => [ @AwsSigV4::LLM::VARIABLES, 'llm_authorization' ],
);

triggers();
no_triggers();
order();
forbidden();
edits();
bodies();
cooling();
after_output();
under_load();

is(join("\n", $llm->refused), '', 'every signature and key was accepted');
ended();

resigned();

done_testing();


sub ask {
    my ($alias, %arg) = @_;

    $llm->mark;
    $gateway->mark;

    my $response = $llm->post($gateway,
        $arg{target} // '/v1/chat/completions',
        $arg{body} // "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}"
            . "],\"model\":\"$alias\",\"n\":[ ]}",
        [ 'Anthropic-Version' => '2023-06-01' ]);

    return ($response, $llm->requests);
}


# What is signed again on the wire is sent, and its status counts.
sub resigned {
    $gateway = $llm->gateway(
        table       => $TABLE,
        http_config => "aws_sigv4_provider none env;\n",
        config      => "proxy_set_body '{\"model\":\"of-us\"}';\n",
    );

    $llm->rules({ model => 'of-us', status => 504 });

    my ($response, @requests) = ask('two');

    is(models_of(@requests), 'of-us', 'signed again: no other after a 504');
    is($response->{status}, 504, 'signed again: status');

    $llm->rules;
    ask('two');
    is(log_line()->{aws_sigv4_status}, 'resigned', 'signed again: indeed');
    is(join("\n", $gateway->stop_it), '', 'nginx ended well');

    return;
}


sub models_of { return join ' ', map { $_->{model} } @_ }


sub log_line {
    my $line;

    wait_for(sub { ($line) = $gateway->access });

    return $line;
}


# Each is tried by the first target's server; the second gets the same body
# and a signature for its own host, region and account.
sub triggers {
    my %how = (
        (map { ("status $_" => { status => 0 + $_ }) }
            qw(429 500 502 503 529)),
        'no answer'     => { close => 'head' },
        'a lost body'   => { close => 'start' },
    );

    for my $name (sort keys %how) {
        $llm->rules({ listener => 'us', %{ $how{$name} } });

        my ($response, @requests) = ask('two');
        my $last = $requests[-1];

        subtest "the next target after $name" => sub {
            is($response->{status}, 200, 'status');
            is(models_of(grep { $_->{model} } @requests),
               $name =~ /lost/ ? 'of-eu' : 'of-us of-eu', 'models');
            is($last->{body}, $requests[0]{body} =~ s/of-us/of-eu/r,
               'the same body') unless $name =~ /lost/;
            is($last->{host}, 'bedrock-runtime.eu-central-1.amazonaws.com',
               'host');
            is("$last->{verdict} $last->{region}", 'ok eu-central-1',
               'signature');

            my $line = log_line();
            is("@$line{qw(llm_target llm_attempts llm_model llm_region)}",
               'eu 2 of-eu eu-central-1', 'variables');
        };
    }

    $llm->rules;

    my ($response, @requests) = ask('closed');
    is($response->{status}, 200, 'the next target after a refused connection');
    is(models_of(@requests), 'of-eu', 'one request');

    ($response, @requests) = ask('nokeys');
    is($response->{status}, 200, 'the next target without credentials');
    is(models_of(@requests), 'of-eu', 'nothing is sent unsigned');

    return;
}


sub no_triggers {
    for my $status (400, 401, 403, 404, 408, 413, 422, 424) {
        $llm->rules({ model => 'of-us', status => $status });

        my ($response, @requests) = ask('two');

        is(models_of(@requests), 'of-us', "no other target after $status");
        cmp_ok($response->{status}, '>=', 400, "no success after $status");
    }

    $llm->rules({ model => 'of-us', status => 504 });
    my ($response, @requests) = ask('two');
    is(models_of(@requests), 'of-us', 'no other after an answered 504');
    is($response->{status}, 504, 'which the client gets');

    ($response, @requests) = ask('twice');
    is(models_of(@requests), 'of-us of-eu', 'unless the table says so');

    # the last one's own error passes
    $llm->rules({ status => 503, message => 'of the last',
                  model => 'of-eu' }, { status => 429, model => 'of-us' });
    ($response, @requests) = ask('two');
    is(models_of(@requests), 'of-us of-eu', 'both have failed');
    is($response->{status}, 503, 'the status of the last');
    like($response->{body}, qr/of the last/, 'the error of the last');

    $llm->rules;
    ($response, @requests) = ask('nowhere');
    is($response->{status}, 502, 'no target can be reached');
    like($response->{body}, qr/upstream_unreachable/, 'code');
    is(scalar(@requests), 0, 'nothing was sent');

    return;
}


sub order {
    $llm->rules({ model => 'of-us', status => 500 },
                { model => 'of-tls', status => 503, times => 1 });

    my ($response, @requests) = ask('tls');
    is(models_of(@requests), 'of-us of-tls of-eu', 'http, https, http');
    is($response->{status}, 200, 'status');

    $llm->rules({ model => 'of-tls', status => 503 });
    ($response, @requests) = ask('back');
    is(models_of(@requests), 'of-tls of-us', 'https, http');
    is_deeply([ map { $_->{tls} ? 1 : 0 } @requests ], [ 1, 0 ], 'TLS');

    $llm->rules({ model => 'of-[kmst]*', status => 529 });
    ($response, @requests) = ask('mixed');
    is(models_of(@requests),
       'of-keyed of-mantle of-studio of-tls of-keyed of-eu',
       'eight targets, signed and with keys');
    is($response->{status}, 200, 'status');
    is(log_line()->{llm_attempts}, 8, 'attempts');
    is(log_line()->{llm_authorization}, '', 'no key is left for logs');

    my @keys = map { ($llm->header($_, 'authorization'))[0] // '' }
        @requests;
    unlike(join("\n", @keys[1, 2, 3, 5]), qr/sk-mock/,
           'a key goes to no other target') if @keys == 6;

    return;
}


# That the signer refuses is trouble of the gateway, not 403 of the client.
sub forbidden {
    my %targets = (
        'forbidden'        => '/v1/chat/completions',
        'last-forbidden'   => '/v1/chat/completions',
        'claude-forbidden' => '/v1/messages',
        'native-forbidden' => '/model/native-forbidden/converse',
    );

    $llm->rules({ model => 'of-us', status => 500 });

    for my $alias (sort keys %targets) {
        my ($response, @requests) = ask($alias, target => $targets{$alias});
        my $line = log_line();

        is($response->{status}, 500, "$alias: status");
        unlike($response->{body}, qr/<html|signature|forbidden/i,
               "$alias: the shape of the caller");
        like($response->{body}, qr/^\{.*"message":/, "$alias: a message");
        is($line->{llm_error}, 'gateway_error', "$alias: code");
        is($line->{aws_sigv4_status}, 'host_not_allowed', "$alias: reason");
        is(models_of(@requests), $alias =~ /^last/ ? 'of-us' : '',
           "$alias: nothing is sent");
    }

    $llm->rules;

    # one that is not the last has failed, and is said to
    for my $alias (qw(first-forbidden first-elsewhere)) {
        my ($response, @requests) = ask($alias);

        is($response->{status}, 200, "$alias: status");
        is(models_of(@requests), 'of-eu', "$alias: the next target");
        is(log_line()->{llm_attempts}, 2, "$alias: attempts");
    }

    like(slurp($gateway->error_log), qr/\[error\].*llm:\ target
         \ "not-signed":\ host\ "not\.allowed\.example"\ is\ not\ in
         \ "aws_sigv4_allow_hosts"/x, 'with a line in the log');

    # the upstream's own 403 is the answer, of such a target too
    $llm->rules({ model => 'of-eu', status => 403 });

    my ($response, @requests) = ask('first-forbidden');
    is("$response->{status} " . models_of(@requests), '403 of-eu',
       'cooled down: the other target first, whose 403 passes');

    $llm->rules;

    return;
}


# Each attempt edits the body that was received.
sub edits {
    $llm->rules({ path => '/invoke$', status => 500, times => 1 },
                { model => 'claude-r', status => 503 });

    my ($response, @requests) = ask('', target => '/v1/messages',
        body => '{"model":"claude","stream":false,"max_tokens":9,'
            . '"messages":[{"role":"user","content":"hi"}]}');

    is($response->{status}, 200, 'Invoke, Messages, Invoke');
    is($requests[0]{body}, $requests[2]{body}, 'the first body again');
    is($requests[0]{body}, '{"anthropic_version":"bedrock-2023-05-31",'
       . '"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}',
       'for Invoke');
    is($requests[1]{body}, '{"model":"claude-r","stream":false,'
       . '"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}',
       'for Messages');

    $llm->rules({ model => 'of-us', status => 500 });
    ($response, @requests) = ask('same');
    is($requests[1]{body}, '{"messages":[{"role":"user","content":"hi"}],'
       . '"model":"same","n":[ ]}', 'the body as it was received');

    return;
}


# A body in memory, and one of 25 MB that was spooled.
sub bodies {
    for my $size (20_000, 25 << 20) {
        my $text = 'image ' x ($size / 6 - 20);
        my $head = '{"messages":[{"role":"user","content":"';
        my $sent = "$head$text\"}],\"model\":\"two\"}";

        $llm->rules({ model => 'of-us', status => 429 });

        my ($response, @requests) = ask('', body => $sent);

        is($response->{status}, 200, "$size bytes");
        is_deeply([ map { $_->{body_sha256} } @requests ],
                  [ map { sha256_hex($sent =~ s/"two"\}\z/"of-$_"}/r) }
                    qw(us eu) ], "$size bytes arrive twice");
        is(join(' ', map { $_->{verdict} } @requests), 'ok ok',
           "$size bytes are signed twice");
    }

    $llm->rules;

    return;
}


sub cooling {
    $llm->rules({ model => 'of-cool', status => 500, times => 1 });

    my ($response, @requests) = ask('cool');
    is(models_of(@requests), 'of-cool of-eu', 'a target fails');

    for (1 .. 4) {
        ($response, @requests) = ask('cool');
        is(models_of(@requests), 'of-eu', 'and is not asked for a while');
    }

    $llm->rules({ model => 'of-eu', status => 500 });
    ($response, @requests) = ask('cool');
    is(models_of(@requests), 'of-eu of-cool', 'unless the others fail');
    is($response->{status}, 200, 'status');

    $llm->rules({ model => 'of-[12]', status => 429,
                  headers => { 'Retry-After' => '50' }, times => 2 });
    ($response, @requests) = ask('all-cool');
    is(models_of(@requests), 'of-1 of-2', 'both fail');
    is($response->{status}, 429, 'the last 429 passes');

    # the last target cools down once its request has ended
    log_line();

    ($response, @requests) = ask('all-cool');
    is(models_of(@requests), 'of-1', 'where all cool down, in order');
    is($response->{status}, 200, 'status');

    $llm->rules;

    return;
}


# A stream that has begun is not begun again.
sub after_output {
    $llm->rules({ model => 'of-us', cut => 2 });

    my ($response, @requests) = ask('', body => '{"model":"two",'
        . '"stream":true,"messages":[{"role":"user","content":"hi"}]}');

    is(models_of(@requests), 'of-us', 'no other target after output');
    unlike($response->{body}, qr/of-eu/, 'and nothing of it');

    $llm->rules;

    return;
}


# Every second request to the first target fails, each in another way.
sub under_load {
    my $total = 200;
    my $clients = 8;

    $llm->mark;
    $llm->rules(map { ({ model => 'of-us', times => 15, %$_ }) }
                { status => 429 }, { status => 500 }, { close => 'head' },
                { status => 503 });

    my @pids;

    for my $n (1 .. $clients) {
        my $pid = fork() // die "fork: $!";

        if ($pid == 0) {
            my $bad = 0;

            for (1 .. $total / $clients) {
                my $response = eval { $llm->post($gateway,
                    '/v1/chat/completions', '{"model":"two","messages":'
                    . '[{"role":"user","content":"hi"}]}') };
                $bad++ if !$response || $response->{status} != 200;
            }

            require POSIX;
            POSIX::_exit($bad > 255 ? 255 : $bad);
        }

        push @pids, $pid;
    }

    my $lost = 0;

    for my $pid (@pids) {
        waitpid($pid, 0);
        $lost += $? >> 8;
    }

    is($lost, 0, 'under load no request is lost');
    is(scalar(grep { $_->{status} == 200 && !$_->{action}{close} }
              $llm->requests), $total,
       'each is answered once');

    $llm->rules;

    return;
}


sub ended {
    my $log = slurp($gateway->error_log);

    unlike($log, qr/\[(?:crit|alert|emerg)\]|lua entry thread|runtime error/,
           'no mistakes in the log');
    is(join("\n", $gateway->stop_it), '', 'nginx ended well');

    return;
}
