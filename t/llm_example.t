# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# examples/llm-gateway: its demonstration as a newcomer runs it, and both of
# its configurations as they stand but for ports, addresses, directories, the
# CA, one digest and the number of connections.

package LLMExample;

use strict;
use warnings;

use lib 't/lib';

use parent -norequire, 'AwsSigV4::Nginx';

use Digest::SHA qw(sha256_hex);

use AwsSigV4::Block;
use AwsSigV4::LLM;
use AwsSigV4::Nginx;
use AwsSigV4::Process qw(slurp spew);
use AwsSigV4::Verifier;

my $DIR = "$AwsSigV4::Nginx::ROOT/examples/llm-gateway";

# new($conf, $table, $llm, $caller_key)
sub new {
    my ($class, $conf, $table, $llm, $caller_key) = @_;

    my ($cert) = AwsSigV4::Block::make_cert();
    my $digest = sha256_hex($caller_key);
    my $keys   = \%AwsSigV4::Verifier::KEYS;
    my $self   = $class->SUPER::new(
        text           => slurp("$DIR/$conf"),
        modules_before => ['ndk_http_module', 'ngx_http_lua_module'],
        values => {
            TEST_CA      => $cert,
            TEST_BEDROCK => $llm->port('us-tls'),
            TEST_STUDIO  => $llm->port('studio'),
            TEST_LITELLM => $llm->port('keyed'),
        },
        env => {
            AWS_ACCESS_KEY_ID     => $keys->{AKID},
            AWS_SECRET_ACCESS_KEY => $keys->{SECRET},
        },
    );

    my $models  = slurp("$DIR/$table");
    my $callers = slurp("$DIR/callers.lua");

    $models =~ s/127\.0\.0\.1:1234/127.0.0.1:\$TEST_STUDIO/g;
    $models =~ s{/etc/nginx/llm}{\$TEST_DIR}g;
    $callers =~ s/"\K[0-9a-f]{64}/$digest/
        or die "no digest in callers.lua\n";

    mkdir "$self->{dir}/keys";

    $self->{files} = [
        [$table, 0644, $models],
        ['callers.lua', 0644, $callers],
        ['keys/litellm', 0600, $AwsSigV4::LLM::API_KEYS{keyed}],
        map {; ["conf/$_", 0644, slurp("$DIR/$_")] }
            qw(llm-variables.conf llm-locations.conf),
    ];

    return $self;
}

sub write_config {
    my ($self) = @_;

    my $text = $self->{text};
    my $main = join ' ', $self->_load_modules, 'daemon off;',
        'pid nginx.pid;', 'error_log logs/error.log info;';
    my $http = join ' ', 'lua_package_path "$TEST_LUA/?.lua;;";',
        map { "${_}_temp_path tmp/$_;" }
            qw(client_body proxy fastcgi uwsgi scgi);

    _change(\$text, qr/^load_module modules\/n(?:dk|gx_http_lua)\S+\n/m, '');
    _change(\$text, qr/^load_module .*aws_sigv4_module\.so;$/m, $main);
    _change(\$text, qr/^http \{$/m, "http { $http");
    _change(\$text, qr/\blisten\s+127\.0\.0\.1:\K8080(?=;)/, '$TEST_PORT');
    _change(\$text, qr/^\s+server\s+\Kbedrock[\w.-]+:443(?=;)/m,
            '127.0.0.1:$TEST_BEDROCK');
    _change(\$text, qr{/etc/ssl/certs/ca-certificates\.crt}, '$TEST_CA');
    _change(\$text, qr{/var/log/nginx/llm\.log},
            '$TEST_DIR/logs/access.log');
    _change(\$text, qr{/etc/nginx/llm}, '$TEST_DIR');
    # the files that an ordinary user may open
    _change(\$text, qr/worker_connections\s+\K4096/, 512);
    $text =~ s/^\s+server\s+127\.0\.0\.1:\K4000(?=;)/\$TEST_LITELLM/m;

    $self->_write_files;
    spew("$self->{dir}/conf/nginx.conf", $self->expand($text));

    return;
}

# all of them, and one at least
sub _change {
    my ($text, $what, $with) = @_;

    $$text =~ s/$what/$with/g or die "the example lacks $what\n";

    return;
}


package main;

use strict;
use warnings;

use Test::More;

use AwsSigV4;
use AwsSigV4::Process;

my $KEY = 'sk-a-caller-of-the-example';

demonstration();

my $llm = AwsSigV4::LLM->new(forbid => [$KEY]);

bedrock_and_lm_studio();
in_front_of_litellm();

done_testing();


sub demonstration {
    my $tmp  = temp_dir();
    my %env  = (TMPDIR => $tmp, map { $_ => undef } grep { /^AWS_/ } keys %ENV);
    my $pid  = spawn(command => ['/bin/bash', 'examples/llm-gateway/demo.sh'],
                     output => "$tmp/output", env => \%env,
                     cwd => $AwsSigV4::Nginx::ROOT);

    wait_for(sub { !is_running($pid) }, 120);

    my $rc     = stop($pid, 'TERM') >> 8;
    my $output = slurp("$tmp/output");

    is($rc, 0, 'the demonstration succeeds') or diag($output);

    my @words = $output =~ /^    data: .*"delta":\{"content":"([^"]*)"/mg;

    is(join('', @words), 'Each of these words has come through the gateway by '
       . 'itself.', 'a chat is streamed');
    like($output, qr/^    data: \[DONE\]$/m, 'to its end');
    like($output, qr/"type":"message","role":"assistant"/,
         'a client of Anthropic is answered');

    my @log = map { JSON::PP::decode_json($_) }
        $output =~ /^    (\{"time".*\})$/mg;

    is_deeply([map { "$_->{caller} $_->{alias} $_->{region} $_->{attempts} "
                     . "$_->{status}" } @log],
              ['team-a gpt-oss us-east-1 1 200',
               'team-a claude-sonnet us-east-1 1 200',
               'team-a gpt-oss us-west-2 2 200'],
              'the access log is shown');
    is_deeply([map { "$_->{prompt_tokens} $_->{completion_tokens}" } @log],
              ['11 12', '11 4', '11 4'], 'with usage');

    my @sent = $output =~ /^    (us-\S+).*signature: (.*)$/mg;

    is_deeply(\@sent, ['us-east-1' => 'right  answer: 200',
                       'us-east-1' => 'right  answer: 200',
                       'us-east-1' => 'right  answer: 429',
                       'us-west-2' => 'right  answer: 200'],
              'every signature was right');

    is_deeply([glob "$tmp/aws-sigv4*"], [], 'no file is left behind');

    my @left = grep { slurp($_) =~ /\Q$tmp\E\/aws-sigv4/ }
               glob '/proc/[0-9]*/cmdline';
    is_deeply(\@left, [], 'no process is left behind');

    return;
}


sub started {
    my ($conf, $table) = @_;

    my $nginx = LLMExample->new($conf, $table, $llm, $KEY);
    my ($status, $output) = $nginx->test;

    is($status, 0, "nginx -t accepts $conf") or diag($output);
    unlike($output, qr/\[(?:warn|error|emerg)\]/, 'and has nothing to say');

    $llm->mark;

    return $nginx->start;
}

sub ask {
    my ($nginx, $model, %more) = @_;

    my $key = delete $more{key} // $KEY;
    my $target = delete $more{target} // '/v1/chat/completions';

    return $llm->post($nginx, $target, {
        model => $model, messages => [{ role => 'user', content => 'Hi' }],
        %more,
    }, [Authorization => "Bearer $key"],
       ['Anthropic-Version' => '2023-06-01']);
}

# the first bytes of a handshake of TLS
sub no_http {
    my ($nginx) = @_;

    my $client = AwsSigV4::Client->new(port => $nginx->port);

    $client->send("\x16\x03\x01\xff\r\n");
    is($client->response('GET')->{status}, 400, 'what is no HTTP is refused');

    return;
}

sub ended {
    my ($nginx, @errors) = @_;

    no_http($nginx);

    is_deeply([$llm->refused], [], 'nothing that was sent was refused');
    is_deeply([$nginx->stop_it], [], 'nginx ended well');

    my @lines = grep { my $line = $_; !grep { $line =~ /$_/ } @errors }
        slurp($nginx->error_log) =~ /^.*\[(?:error|crit|alert|emerg)\].*$/mg;
    is(join("\n", @lines), '', 'no error in the log');

    my $log = slurp($nginx->error_log) . slurp($nginx->dir
                                               . '/logs/access.log');
    unlike($log, qr/\Q$_\E/, 'no key in a log')
        for $KEY, $AwsSigV4::LLM::API_KEYS{keyed};
    unlike($log, qr/uninitialized/, 'every variable is set where it is used');

    my @access = split /\n/, slurp($nginx->dir . '/logs/access.log');
    my @wrong  = grep { !eval { JSON::PP::decode_json($_) } } @access;
    is_deeply(\@wrong, [], 'each line of the access log is JSON');
    ok(scalar(grep { /"status":"400"/ } @access), 'also of what is no HTTP');

    return;
}


sub bedrock_and_lm_studio {
    my $nginx = started('nginx.conf', 'models.lua');

    is(ask($nginx, 'gpt-oss')->{status}, 200, 'Bedrock answers');
    like(ask($nginx, 'gpt-oss', stream => JSON::PP::true())->{body},
         qr/^data: \[DONE\]$/m, 'and streams');
    is(ask($nginx, 'local')->{status}, 200, 'LM Studio answers');
    is(ask($nginx, 'claude-sonnet', target => '/v1/messages',
           max_tokens => 9)->{status}, 200, 'Claude answers');
    is(ask($nginx, 'local', key => 'another')->{status}, 401,
       'a stranger is not answered');
    is(ask($nginx, 'no-such')->{status}, 404, 'nor for another model');

    my @requests = $llm->requests;

    is_deeply([map { join ' ', grep { defined } @$_{qw(listener region model)} }
                   @requests],
              ['us-tls us-east-1 openai.gpt-oss-120b-1:0',
               'us-tls us-east-1 openai.gpt-oss-120b-1:0', 'studio qwen3-8b',
               'us-tls us-east-1 us.anthropic.claude-sonnet-4-6'],
              'each from its target');

    $llm->mark;
    $llm->rules({ listener => 'us-tls', status => 503 });
    is(ask($nginx, 'gpt-oss')->{status}, 200, 'LM Studio stands in');
    is_deeply([map { $_->{listener} } $llm->requests],
              ['us-tls', 'us-tls', 'studio'], 'after both regions');
    $llm->rules;

    ended($nginx);

    my ($first, $second) = $nginx->access;

    is($first->{caller}, 'team-a', 'the log has the caller');
    is($first->{prompt_tokens}, 11, 'and the usage');
    is($second->{stream}, 1, 'and whether it was a stream');

    return;
}


sub in_front_of_litellm {
    my $nginx = started('litellm.conf', 'litellm.lua');

    is(ask($nginx, 'gpt-oss')->{status}, 200, 'LiteLLM answers');
    is(ask($nginx, 'claude-sonnet', target => '/v1/messages',
           max_tokens => 9)->{status}, 200, 'in both dialects');

    $llm->rules({ listener => 'keyed', status => 503 });
    is(ask($nginx, 'gpt-oss')->{status}, 200, 'Bedrock stands in');
    $llm->rules;

    is_deeply([map { join ' ', grep { defined } @$_{qw(listener region)} }
                   $llm->requests],
              ['keyed', 'keyed', 'keyed', 'us-tls us-east-1'],
              'each from its target');
    ended($nginx);

    return;
}
