# SPDX-License-Identifier: BSD-2-Clause

# Prometheus with the configuration of examples/metrics scrapes the gateway of
# that example, and answers with what was driven through it; its rules and
# the dashboard ask for metrics that there are.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();
use Test::More;

use AwsSigV4;
use AwsSigV4::Example;
use AwsSigV4::Process qw(can_connect slurp spew);

my $prometheus = needs('prometheus');
my $promtool   = needs('promtool');

my $json    = JSON::PP->new->utf8;
my $example = 'examples/metrics';
my $limit   = 120;

my ($cert, $cert_key) = make_cert();
my $verifier = start_verifier(
    cert   => $cert, cert_key => $cert_key,
    script => [{ match => '^/gone', times => 7, status => 404 },
               { match => '^/slow', times => 3, status => 503 }]);
my $gateway = AwsSigV4::Example->new('metrics', $verifier)->start;

request($gateway->port, target => '/ok')   for 1 .. 12;
request($gateway->port, target => '/gone') for 1 .. 7;
request($gateway->port, target => '/slow') for 1 .. 3;

my ($pid, $port) = start();

scraped();
names();
rules();

stop($pid, 'TERM', 'KILL');
is(join("\n", grep { !/aws sigv4: the upstream/ } $gateway->stop_it), '',
   'nginx ended well');
$verifier->stop_it;

done_testing();


# the configuration of the example, in more of a hurry; on another port if
# somebody took this one

sub start {
    my $why = '';

    for (1 .. 3) {
        my $dir    = temp_dir();
        my $listen = free_port();
        my $text   = slurp("$example/prometheus.yml");
        my $target = $gateway->value('TEST_PORT_METRICS');

        $text =~ s/127\.0\.0\.1:9145/127.0.0.1:$target/ or die;
        $text =~ s/(_interval:) 15s/$1 1s/g             or die;
        spew("$dir/prometheus.yml", $text);
        spew("$dir/rules.yml", slurp("$example/rules.yml"));

        my $child = spawn(output => "$dir/output", cwd => $dir, command => [
            $prometheus, '--config.file=prometheus.yml',
            "--web.listen-address=127.0.0.1:$listen",
            "--storage.tsdb.path=$dir/data",
        ]);

        wait_for(sub { !is_running($child) || ready($listen) }, $limit);
        return ($child, $listen) if is_running($child) && ready($listen);

        stop($child, 'KILL');
        $why = slurp("$dir/output");
    }

    die "Prometheus did not start:\n$why";
}

sub ready {
    my ($listen) = @_;

    return can_connect($listen) && eval {
        request($listen, target => '/-/ready')->{status} == 200
    };
}

sub ask {
    my ($text) = @_;

    $text =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ge;

    return request($port, method => 'POST', target => '/api/v1/query',
        headers => 'Content-Type: application/x-www-form-urlencoded',
        body    => "query=$text");
}

# the values of a query, by their labels but for those of the scrape

sub query {
    my ($text) = @_;

    my $answer = eval { $json->decode(ask($text)->{body}) } || {};
    my %values;

    for my $result (@{ $answer->{data}{result} || [] }) {
        my %labels = %{ $result->{metric} };

        delete @labels{qw(__name__ instance job)};
        $values{ join ',', map { "$_=$labels{$_}" } sort keys %labels }
            = $result->{value}[1];
    }

    return \%values;
}

sub scraped {
    my $series = 'location=s3,provider=default,region=us-east-1,service=s3';
    my %tests = (
        aws_sigv4_requests_signed_total => { $series => 22 },
        aws_sigv4_4xx_error_count_total => { $series => 7 },
        aws_sigv4_5xx_error_count_total => { $series => 3 },
        aws_sigv4_request_latency_seconds_count => { $series => 22 },
        'sum(aws_sigv4_request_latency_first_byte_seconds_bucket{le="+Inf"})'
            => { '' => 22 },
        'sum by (class) (aws_sigv4_upstream_responses_total) > 0'
            => { 'class=2xx' => 12, 'class=4xx' => 7, 'class=5xx' => 3 },
        'aws_sigv4_key_cache_hits_total + aws_sigv4_key_cache_misses_total'
            => { '' => 22 },
        aws_sigv4_series => { '' => 1 },
        'up{job="aws_sigv4"}' => { '' => 1 },
        aws_sigv4_provider_available =>
            { 'provider=default,source=env' => 1 },
    );

    # nginx counts when it has answered: what it says last is awaited

    for my $text (sort keys %tests) {
        my $got;

        wait_for(sub {
            $got = query($text);
            return $json->canonical->encode({ map { $_ => 0 + $got->{$_} }
                                              keys %$got })
                eq $json->canonical->encode($tests{$text});
        }, $limit);

        is_deeply($got, $tests{$text}, $text);
    }

    return;
}

# what is exported, whatever it is that a scrape has seen

sub names {
    my $text = request($gateway->value('TEST_PORT_METRICS'),
                       target => '/metrics')->{body};
    my %type = $text =~ /^# TYPE (\w+) (\w+)$/mg;
    my %there;

    for my $name (keys %type) {
        $there{$_} = 1 for $type{$name} ne 'histogram' ? $name
            : map { "${name}_$_" } qw(bucket sum count);
    }

    my $dashboard = $json->decode(slurp("$example/grafana-dashboard.json"));
    my @panels = @{ $dashboard->{panels} };
    my $rules  = slurp("$example/rules.yml");
    my %ids    = map { $_->{id} => 1 } @panels;
    my @exprs  = map { $_->{expr} } map { @{ $_->{targets} } } @panels;

    is(scalar keys %ids, scalar @panels, 'each panel has its own id');

    my %taken;

    for my $at (map { $_->{gridPos} } @panels) {
        for my $x ($at->{x} .. $at->{x} + $at->{w} - 1) {
            $taken{"$x $_"}++ for $at->{y} .. $at->{y} + $at->{h} - 1;
        }
    }

    is(scalar(grep { $_ > 1 } values %taken), 0, 'and its own place');

    for my $name (qw(requests_signed_total upstream_responses_total
                     request_latency_seconds_bucket cause_total alarm_state
                     clock_skew_seconds provider_available
                     provider_age_seconds provider_expiry_seconds
                     provider_last_error_info))
    {
        ok(scalar(grep { /\baws_sigv4_$name\b/ } @exprs),
           "aws_sigv4_$name is on the dashboard");
    }

    for my $expr (@exprs, map { $_->{query} }
                          @{ $dashboard->{templating}{list} }) {
        ok($there{$_}, "$_ of the dashboard is there")
            for $expr =~ /\b(aws_sigv4_\w+)/g;
    }

    for my $expr (@exprs) {
        my $promql = $expr =~ s/\$__rate_interval/1m/gr
            =~ s/\$(?:location|service)/.*/gr;

        is(ask($promql)->{status}, 200, "Prometheus takes $expr");
    }

    $rules =~ s/^\s*#.*$//mg;
    $rules =~ s/^\s*annotations:.*?(?=^\s*- |\z)//msg;

    ok($there{$_}, "$_ of the rules is there")
        for $rules =~ /\b(aws_sigv4_\w+)/g;

    return;
}

sub rules {
    my ($code, $output) = run(command => [
        $promtool, 'check', 'config', "$example/prometheus.yml" ]);

    is($code, 0, 'promtool takes prometheus.yml and rules.yml')
        or diag($output);

    # what was driven is an alarm, seven answers of 4xx and three of 5xx

    my $dir = temp_dir();

    spew("$dir/rules.yml", slurp("$example/rules.yml"));
    spew("$dir/test.yml", <<'EOC');
rule_files: [rules.yml]
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series:
      - series: 'aws_sigv4_4xx_error_count_total{location="a"}'
        values: '0 0 0 8 8 8 8 8 8 8 8 8'
      - series: 'aws_sigv4_5xx_error_count_total{location="a"}'
        values: '0 0 0 1 1 1 1 1 1 1 1 1'
      - series: 'aws_sigv4_request_latency_seconds_sum{location="a"}'
        values: '0 0 0 20 20 20 20 20 20 20 20 20'
      - series: 'aws_sigv4_request_latency_seconds_count{location="a"}'
        values: '0 0 0 10 10 10 10 10 10 10 10 10'
      - series: 'aws_sigv4_provider_expiry_seconds{provider="p"}'
        values: '600 500 400 299 200 3600 3600 3600 3600 3600 3600 3600'
      - series: 'aws_sigv4_provider_last_error_info{provider="p",error="e"}'
        values: '_ 1 1 1 1 stale'
      - series: 'aws_sigv4_provider_expiry_seconds{provider="young"}'
        values: '290 275 260 245 230 900 885 870 855 840 825 810'
      - series: 'aws_sigv4_provider_expiry_seconds{provider="q"}'
        values: '119 104 89 74 59 44 29 14 0 -15 -30 -45'
      - series: 'aws_sigv4_provider_available{provider="r"}'
        values: '1 1 0 0 0 0 0 0 0 0 0 0'
      - series: 'aws_sigv4_provider_last_error_info{provider="r",error="e"}'
        values: '_ 1 1 1 1 1 1 1 1 1 1 1'
    alert_rule_test:
      - alertname: AwsSigV4ClientErrors
        eval_time: 30s
      - alertname: AwsSigV4ClientErrors
        eval_time: 45s
        exp_alerts:
          - exp_labels: {severity: warning, location: a}
            exp_annotations:
              summary: "AWS refuses requests of a"
              description: "8 answers of 4xx in a minute. The error log of nginx says why, as does aws_sigv4_cause_total."
      - alertname: AwsSigV4ServerErrors
        eval_time: 45s
      - alertname: AwsSigV4Latency
        eval_time: 45s
        exp_alerts:
          - exp_labels: {severity: warning, location: a}
            exp_annotations:
              summary: "AWS is slow for a"
              description: "Answers take 2s."
      - alertname: AwsSigV4ClientErrors
        eval_time: 2m30s
      - alertname: AwsSigV4CredentialsExpire
        eval_time: 30s
      - alertname: AwsSigV4CredentialsExpire
        eval_time: 60s
        exp_alerts:
          - exp_labels: {severity: critical, provider: p}
            exp_annotations:
              summary: "Credentials of p expire in 3m 20s, and no others have come"
          - exp_labels: {severity: critical, provider: q}
            exp_annotations:
              summary: "Credentials of q expire in 59s, and no others have come"
      - alertname: AwsSigV4NoCredentials
        eval_time: 15s
      - alertname: AwsSigV4NoCredentials
        eval_time: 30s
        exp_alerts:
          - exp_labels: {severity: critical, provider: r, error: e}
            exp_annotations:
              summary: "r has no credentials"
              description: "e"
EOC

    ($code, $output) = run(command => [$promtool, 'test', 'rules',
                                       "$dir/test.yml"]);
    is($code, 0, 'the alarms go off when they should') or diag($output);

    return;
}
