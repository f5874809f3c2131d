# SPDX-License-Identifier: BSD-2-Clause

# The clocks that are learned are bounded: in how far they are from that of
# this machine, and in number, where the one that is not used goes first.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Clock;
use AwsSigV4::Metrics;

my $HOSTS = 64;

my $clock = AwsSigV4::Clock->new;

my ($cert, $key) = make_cert();

my $verifier = start_verifier(cert => $cert, cert_key => $key, script => [
    { match => '^/future', status => 403,
      headers => { Date => 'Fri, 01 Jan 2038 00:00:00 GMT' },
      body => '<Error><Code>RequestTimeTooSkewed</Code></Error>' },
    { match => '^/past', status => 403,
      headers => { Date => 'Thu, 01 Jan 1970 00:00:01 GMT' },
      body => '<Error><Code>RequestTimeTooSkewed</Code></Error>' },
    { match => '^/last', status => 403,
      headers => { Date => 'Fri, 31 Dec 9999 23:59:59 GMT' },
      body => '<Error><Code>RequestTimeTooSkewed</Code></Error>' },
    { match => '^/first', status => 403,
      headers => { Date => 'Sat, 01 Jan 0000 00:00:00 GMT' },
      body => '<Error><Code>RequestTimeTooSkewed</Code></Error>' },
    { match => '^/no-date', status => 403,
      headers => { Date => 'the day after tomorrow' },
      body => '<Error><Code>RequestTimeTooSkewed</Code></Error>' },
    { match => '^/plain', status => 403,
      body => '<Error><Code>RequestTimeTooSkewed</Code></Error>' },
    { match => '^/kept', status => 403, headers => { Age => 7200 },
      body => '<Error><Code>RequestTimeTooSkewed</Code></Error>' },
]);

my $nginx = start_nginx(
    $clock->nginx(1),
    verifier    => $verifier,
    values      => { TEST_CERT => $cert },
    http_config => 'aws_sigv4_provider default static
        access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
        aws_sigv4_service s3; aws_sigv4_region us-east-1;
        aws_sigv4_allow_hosts *.amazonaws.com;
        proxy_ssl_trusted_certificate $TEST_CERT;
        proxy_ssl_verify on; proxy_ssl_session_reuse off;
        proxy_ssl_name localhost;',
    config => 'aws_sigv4 on;
        location /metrics { aws_sigv4_metrics; }
        location / {
            proxy_set_header Host $arg_host.amazonaws.com;
            proxy_pass https://127.0.0.1:$VERIFIER_TLS_PORT;
        }');


subtest 'at most a day' => sub {
    $clock->set('+90000s');
    is ask('far'), 403, '25 hours are refused' for 1 .. 3;
    is_deeply clocks(), {}, 'and not learned';
    like slurp($nginx->error_log),
         qr/"far\.amazonaws\.com" differs by -(?:89999|9000[01]) s .*too much/,
         'the log says so';

    $clock->set('+86000s');
    is ask('near'), 403, 'a little less than a day is refused';
    is ask('near'), 200, 'and learned';

    my $clocks = clocks();
    is_deeply [keys %{$clocks}], ['near.amazonaws.com'], 'that alone';
    ok abs($clocks->{'near.amazonaws.com'} + 86_000) <= 1, 'as it is';

    $clock->set('+0');
    is ask('near'), 403, 'a clock that is right again';
    is ask('near'), 200, 'is used at once';
    is_deeply clocks(), {}, 'and the other one forgotten';
};


subtest 'dates that are not believed' => sub {
    $clock->set('+7200s');

    for my $path (qw(/future /past /last /first /no-date /kept)) {
        request($nginx->port, target => "$path?host=a");
        is_deeply clocks(), {}, "$path: nothing is learned";
    }

    like slurp($nginx->error_log),
         qr/"a\.amazonaws\.com" differs by $_\d+ s .*too much/,
         "the log has one that differs by $_..." for '[1-9]', '-[1-9]';

    request($nginx->port, target => '/plain?host=a');
    is_deeply [keys %{ clocks() }], ['a.amazonaws.com'],
              'the same answer without all that is';
    $clock->set('+0');
    ask('a');
    is_deeply clocks(), {}, 'until the clock is right again';
};


# Those of which the page, the metrics and the log have a clock.
subtest 'hosts that are none' => sub {
    $clock->set('+7200s');

    for my $host ('<b>', '%3Cb%3E', "a'b", 'a"b', 'a\\b', "\xe9", 'a/b') {
        is ask($host), 400, "$host is not signed for";
    }

    is_deeply clocks(), {}, 'and none has a clock';
};


subtest 'at most 64 hosts' => sub {
    $clock->set('+7200s');

    for my $n (1 .. $HOSTS) {
        ask("h$n");
        is ask("h$n"), 200, "host $n";
    }

    is scalar(keys %{ clocks() }), $HOSTS, 'all of them are known';
    is ask('h1'), 200, 'the first is used again';

    is ask('one-more'), 403, 'a host more is refused';
    is ask('one-more'), 200, 'and learned';

    my $clocks = clocks();
    is scalar(keys %{$clocks}), $HOSTS, 'there are no more of them';
    ok !exists $clocks->{'h2.amazonaws.com'},
       'without the one that was not used for the longest time';
    ok exists $clocks->{"$_.amazonaws.com"}, "with $_"
        for qw(h1 h3 h64 one-more);

    is ask('h1'), 200, 'one that is known';
    is ask('h2'), 403, 'the one that went is refused';
    is ask('h2'), 200, 'and learned anew';
    ok !exists clocks()->{'h3.amazonaws.com'}, 'in place of the next';
};

is join("\n", grep { !/cause "clock_skew"|which is too much/ }
              $nginx->stop_it), '', 'nginx ends well';

done_testing();


sub ask {
    my ($host) = @_;

    return request($nginx->port, target => "/?host=$host")->{status};
}

sub clocks {
    return { map { $_->[1]{host} => $_->[2] }
             grep { $_->[0] eq 'aws_sigv4_clock_skew_seconds' }
             scrape($nginx) };
}
