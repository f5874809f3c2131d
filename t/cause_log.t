# SPDX-License-Identifier: BSD-2-Clause

# The line of a refusal in the error log: answers that would forge lines or
# reach the terminal of a reader, and how many lines there are in a second.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Clock;

my $clock = AwsSigV4::Clock->new;

my $evil = qq(a\n2026/01/01 00:00:00 [alert] 1#1: forged\r\e[31m\x00\x7f"\\)
         . "<script>alert(1)</script>\x{e9}";

# As it is to be in the log; the last character has two bytes in UTF-8.
my $inert = 'a\x0A2026/01/01 00:00:00 [alert] 1#1: forged\x0D\x1B[31m\x00'
          . '\x7F\x22\x5C\x3Cscript\x3Ealert(1)\x3C/script\x3E\xC3\xA9';

my $verifier = start_verifier(script => [
    { match => '^/json', status => 403,
      body  => json_text(__type  => 'AccessDeniedException',
                         message => $evil) },
    { match => '^/code', status => 403,
      body  => json_text(__type => $evil, message => 'plain') },
    { match => '^/xml', status => 403,
      headers => { 'x-amz-request-id' => qq(id"\e[31m<b>) },
      body  => '<Error><Code>AccessDenied</Code><Message>There were headers '
             . 'present in the request which were not signed</Message>'
             . "<HeadersNotSigned><![CDATA[$evil]]></HeadersNotSigned>"
             . '</Error>' },
    { match => '^/long', status => 403,
      body  => json_text(__type  => 'AccessDeniedException',
                         message => "\e<" x 3000) },
    { match => '^/n', status => 403, times => 1000,
      body  => json_text(__type => 'AccessDeniedException') },
    { match => '^/info', status => 400, times => 1000,
      body  => json_text(__type => 'ValidationException') },
]);

# It stands still, so that a second lasts as long as is needed.
my $now = time;
$clock->stop_at($now);

my $nginx = start_nginx(
    $clock->nginx(1),
    verifier    => $verifier,
    variables   => ['aws_sigv4_cause', 'request_uri'],
    http_config => 'aws_sigv4_provider default static
        access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;',
    config => 'location / {
        aws_sigv4 on; aws_sigv4_service execute-api;
        aws_sigv4_region us-east-1;
        proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    }');


subtest 'an answer that would forge lines' => sub {
    ask('/json');
    like line('/json'), qr/, it says "\Q$inert\E"/, 'a message in JSON';

    # XML cannot have NUL, but a service may send it
    ask('/xml');
    like line('/xml'), qr/, not signed: "\Q$inert\E"/, 'a header in XML';
    like line('/xml'), qr/request id "id\\x22\\x1B\[31m\\x3Cb\\x3E"/,
         'a request id';

    is ask('/code'), 'other', 'a code that is none';
    like line('/code'), qr/refused the request with 403, .*it says "plain"/,
         'is not shown';

    ask('/long');
    like line('/long'), qr/, it says "(?:\\x1B\\x3C){1,128}\.{3}"/,
         'a long one is cut';

    my $log = slurp($nginx->error_log);
    unlike $log, qr{^2026/01/01}m, 'no line is forged';
    unlike $log, qr/[\x00-\x09\x0b-\x1f\x7f-\xff]/, 'no byte that acts';
    unlike $log, qr/<script/, 'no markup';
};


subtest 'ten lines a second' => sub {
    $clock->stop_at($now + 10);
    ask("/n$_") for 1 .. 25;

    my @levels = map { level("/n$_") } 1 .. 25;
    is "@levels[0 .. 9]", join(' ', ('error') x 10), 'are of level error';
    is "@levels[10 .. 24]", join(' ', ('info') x 15), 'the rest are not';
    unlike slurp($nginx->error_log), qr/more requests/, 'and not counted yet';

    # what is of level "info" anyway is neither counted nor tells the count
    $clock->stop_at($now + 20);
    ask('/info');
    is level('/info'), 'info', 'an error of an application';
    unlike slurp($nginx->error_log), qr/more requests/, 'tells nothing';

    ask('/n26');
    is level('/n26'), 'error', 'a line in another second';
    like slurp($nginx->error_log),
         qr/\[error\].*refused 15 more requests in one second/,
         'before which the others are counted';

    $clock->stop_at($now + 30);
    ask('/n27');
    is scalar(() = slurp($nginx->error_log) =~ /more requests in one/g), 1,
       'once';
};

$nginx->stop_it;

done_testing();


# The word of the request, once it is in the access log.
sub ask {
    my ($target) = @_;

    request($nginx->port, target => $target);

    return $nginx->access_of($target)->{aws_sigv4_cause};
}

# The one line of the refusal; nginx adds the request to each.
sub line {
    my ($target) = @_;

    my @lines = grep { m{the upstream refused the request} }
        grep { m{request: "GET \Q$target\E HTTP} }
        split /\n/, slurp($nginx->error_log);

    is scalar(@lines), 1, "$target: one line";

    return $lines[0];
}

sub level {
    my ($level) = line($_[0]) =~ /^\S+ \S+ \[(\w+)\]/;

    return $level;
}

sub json_text {
    my (%members) = @_;

    return JSON::PP->new->canonical->encode(\%members);
}
