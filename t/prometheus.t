# SPDX-License-Identifier: BSD-2-Clause

# Prometheus writes with the configuration of examples/amp-remote-write, and
# what it wrote is read through the same gateway:
#
#     Prometheus -> gateway -> verifier, over TLS -> Prometheus that receives

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use Test::More;

use AwsSigV4;
use AwsSigV4::Example;
use AwsSigV4::Process qw(can_connect);

my $prometheus = needs('prometheus');
my $promtool   = needs('promtool');

my $example   = 'examples/amp-remote-write';
my $workspace = '/workspaces/ws-12345678-abcd-4321-beef-0123456789ab';
my $written   = "$workspace/api/v1/remote_write";
my $limit     = 120;

my ($cert, $cert_key) = make_cert();
my $receiver = receiver();
my $verifier = start_verifier(cert => $cert, cert_key => $cert_key,
                              args => ['--forward', "127.0.0.1:$receiver"]);
my $gateway  = AwsSigV4::Example->new('amp-remote-write', $verifier)->start;
my ($sender, $sender_port) = sender();

sent();
read_back();
ended();
configurations();

done_testing();


# start($name, @options): Prometheus with prometheus.yml in a directory of
# its own, and the port it listens on; another one if that was taken

sub start {
    my ($name, $config, @options) = @_;
    my $why = '';

    for (1 .. 3) {
        my $dir  = temp_dir();
        my $port = free_port();

        spew("$dir/prometheus.yml", $config->($port));

        my $pid = spawn(output => "$dir/output", cwd => $dir, command => [
            $prometheus, '--config.file=prometheus.yml',
            "--web.listen-address=127.0.0.1:$port",
            "--storage.tsdb.path=$dir/data", @options,
        ]);

        wait_for(sub { !is_running($pid) || ready($port) }, $limit);
        return ($pid, $port) if is_running($pid) && ready($port);

        stop($pid, 'KILL');
        $why = slurp("$dir/output");
    }

    die "$name did not start:\n$why";
}


sub ready {
    my ($port) = @_;

    return can_connect($port) && eval {
        request($port, target => "$workspace/-/ready")->{status} == 200
            || request($port, target => '/-/ready')->{status} == 200
    };
}


# the Prometheus in place of AMP, which has another name for its endpoint:
# nginx renames it

sub receiver {
    my (undef, $port) = start('the receiver', sub { "global: {}\n" },
                              '--web.enable-remote-write-receiver',
                              "--web.route-prefix=$workspace");

    my $nginx = start_nginx(no_module => 1, config => <<"EOC");
client_max_body_size     8m;
client_body_buffer_size  8m;

location / {
    proxy_pass  http://127.0.0.1:$port;
}

location = $written {
    proxy_pass  http://127.0.0.1:$port$workspace/api/v1/write;
}
EOC

    return $nginx->port;
}


# the configuration of the example, in more of a hurry

sub sender {
    my $gateway_port = $gateway->port;

    return start('the sender', sub {
        my ($port) = @_;
        my $text = slurp("$example/prometheus.yml");

        $text =~ s/127\.0\.0\.1:8080/127.0.0.1:$gateway_port/ or die;
        $text =~ s/127\.0\.0\.1:9090/127.0.0.1:$port/         or die;
        $text =~ s/(scrape_interval:) 15s/$1 1s/              or die;
        $text =~ s/^(\s+)(queue_config:)/$1$2\n$1  batch_send_deadline: 1s/m
            or die;

        return $text;
    });
}


sub sent {
    my $first = wait_for(sub { ($verifier->records)[0] }, $limit);

    ok($first, 'Prometheus has written') or return;

    is($first->{verdict}, 'ok', 'the signature is right');
    is("$first->{method} $first->{target}", "POST $written", 'where to');
    is("$first->{service}:$first->{region}", 'aps:us-east-1', 'the scope');

    my %header = map { lc $_->[0] => $_->[1] } @{ $first->{headers} };

    is($header{host}, 'aps-workspaces.us-east-1.amazonaws.com', 'the host');
    is($header{'content-encoding'}, 'snappy', 'compressed as it was');
    like($header{'user-agent'}, qr/^Prometheus/, 'from whom');
    ok(exists $header{'x-prometheus-remote-write-version'}, 'and how');

    return;
}


# the value of "up" of the sender, asked of the gateway by GET and by POST

sub read_back {
    my $json = JSON::PP->new;
    my $selector = "up%7Binstance%3D%22127.0.0.1%3A$sender_port%22%7D";
    my $up = sub {
        my $response = request($gateway->port, @_);
        my $answer = eval { $json->decode($response->{body}) } || {};
        my $result = $answer->{data}{result} || [];

        return @$result ? $result->[0]{value}[1] : '';
    };

    my @get = (target => "$workspace/api/v1/query?query=$selector");
    my @post = (method => 'POST', target => "$workspace/api/v1/query",
                headers => 'Content-Type: application/x-www-form-urlencoded',
                body => "query=$selector");

    ok(wait_for(sub { $up->(@get) eq '1' }, $limit), 'up is 1, by GET');
    is($up->(@post), '1', 'up is 1, by POST');

    return;
}


# the sender is killed: it would try for a minute to send the rest

sub ended {
    my @refused = grep { $_->{verdict} ne 'ok' } $verifier->records;
    my %status = map { $_->{aws_sigv4_status} => 1 } $gateway->access;

    stop($sender, 'KILL');

    is_deeply(\@refused, [], 'nothing was refused');
    is_deeply(\%status, { signed => 1 }, 'no signature was made twice');
    unlike(slurp($gateway->error_log), qr/\[(?:error|crit|alert|emerg)\]/,
           'no error in the log');
    is(join("\n", $gateway->stop_it), '', 'nginx ended well');

    return;
}


# Grafana Agent is not to be had everywhere.  Its configuration has the form
# of that of Prometheus in another order: let Prometheus check it.

sub configurations {
    my $dir = temp_dir();
    my $turn = <<'EOC';
import sys
import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    metrics = yaml.safe_load(file)["metrics"]

config = {"remote_write": metrics["global"].pop("remote_write"),
          "global": metrics["global"],
          "scrape_configs": metrics["configs"][0]["scrape_configs"]}

print(yaml.safe_dump(config))
EOC

    my ($code, $text) = run(command => [
        $AwsSigV4::Verifier::PYTHON, '-c', $turn, "$example/agent.yaml",
    ]);
    is($code, 0, 'agent.yaml is understood') or diag($text);
    spew("$dir/agent.yml", $text);

    my %files = ('agent.yaml'     => "$dir/agent.yml",
                 'prometheus.yml' => "$example/prometheus.yml");

    for my $name (sort keys %files) {
        my ($rc, $output) = run(command => [$promtool, 'check', 'config',
                                            $files{$name}]);
        is($rc, 0, "promtool takes $name") or diag($output);
        like(slurp($files{$name}), qr{url: http://127\.0\.0\.1:8080$written$}m,
             "$name writes to the gateway");
    }

    return;
}
