# SPDX-License-Identifier: BSD-2-Clause

# Odd requests in quantity through nginx: whatever a client sends is refused
# by nginx with 400, or arrives with a signature that the verifier accepts
# and that awscrt makes alike for the request that arrived.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use AwsSigV4;
use AwsSigV4::Oracle qw(oracle_check);

my $COUNT = $ENV{TEST_RANDOM_COUNT} || 1200;
my $SEED  = $ENV{TEST_RANDOM_SEED}  || 20250214;

my @services = qw(s3 execute-api bedrock aps);

my $verifier = start_verifier();
my $nginx    = start_nginx(
    verifier    => $verifier,
    http_config => <<'EOC', config => config());
aws_sigv4_provider  plain  static  access_key_id=$TEST_AKID
                                   secret_access_key=$TEST_SECRET;
aws_sigv4_provider  temp   static  access_key_id=$TEST_TEMP_AKID
                                   secret_access_key=$TEST_TEMP_SECRET
                                   session_token=$TEST_TEMP_TOKEN;

map $http_x_service $region {
    s3           us-east-1;
    execute-api  eu-west-1;
    bedrock      us-west-2;
    aps          cn-north-1;
}

upstream verifier {
    server     127.0.0.1:$VERIFIER_PORT;
    keepalive  8;
}
EOC

srand $SEED;

my $client = http_client(port => $nginx->port);
my %answers;
my @refused;

for (1 .. $COUNT) {
    my $request  = random_request();
    my $response = $client->request($request);

    $answers{ $response->{status} }++;

    # A 400 of nginx ends the connection.
    $client = http_client(port => $nginx->port)
        if $response->{status} != 200;

    push @refused, [ $request, $response ]
        if $response->{status} !~ /^(?:200|400)$/
           || ($response->{status} == 400
               && $response->{head} =~ /^X-Verifier/m);
}

is(scalar @refused, 0, "all of $COUNT requests are accepted, or not sent")
    or explain_refused();
cmp_ok($answers{200} // 0, '>', $COUNT / 2, 'most of them are sent');
diag_answers();

my @records = $verifier->records;
is(scalar @records, $answers{200} // 0, 'nothing else went upstream');

my ($counts, $text) = oracle_check($verifier->log_file);
is($counts->{checked}, scalar @records, 'awscrt looks at all of them');
is($counts->{different}, 0, 'and signs them alike') or diag($text);

is(join("\n", $nginx->stop_it), '', 'nginx ended well');

done_testing();


sub config {
    return <<'EOC';
merge_slashes              off;
large_client_header_buffers  8 16k;

location / {
    aws_sigv4              on;
    aws_sigv4_service      $http_x_service;
    aws_sigv4_region       $region;
    aws_sigv4_credentials  $http_x_credentials;
    proxy_pass             http://verifier;
    proxy_http_version     1.1;
    proxy_set_header       Connection "";
    proxy_set_header       X-Service "";
    proxy_set_header       X-Credentials "";
}
EOC
}

sub diag_answers {
    note("$_: $answers{$_}") for sort keys %answers;

    return;
}

sub explain_refused {
    for my $case (@refused[0 .. ($#refused < 4 ? $#refused : 4)]) {
        my ($request, $response) = @$case;
        diag("$request->{method} $request->{target}\n",
             map({ "$_->[0]: $_->[1]\n" } @{ $request->{headers} }),
             "$response->{head}\n$response->{body}");
    }

    return;
}

sub pick { return $_[rand @_] }

sub random_request {
    my @headers = (
        [ 'X-Service'     => pick(@services) ],
        [ 'X-Credentials' => pick(qw(plain temp)) ],
        [ 'Host'          => 'client.example.com' ],
    );

    push @headers, pick(odd_headers()) while rand() < 0.6;

    my $method = pick(qw(GET GET HEAD POST PUT PATCH DELETE OPTIONS));
    my $body;

    if ($method =~ /^P|^DELETE/ && rand() < 0.8) {
        $body = join '', map { chr int rand 256 } 1 .. int rand 2000;
        push @headers, [ 'Transfer-Encoding' => 'chunked' ] if rand() < 0.3;
        push @headers, [ 'Content-Type' => pick('text/plain', 'a/b; c="d  e"',
                                                'application/json') ];
    }

    return {
        method  => $method,
        target  => random_path() . random_query(),
        headers => \@headers,
        body    => $body,
    };
}

# Each at most once: of some a request may hold one only.
sub odd_headers {
    my $number = int rand 1000;

    return (
        [ 'Authorization'        => 'Bearer abc' ],
        [ "X-Amz-Meta-$number"   => "  two  blanks\t and a tab  " ],
        [ "X-Amz-Meta-e$number"  => '' ],
        [ 'X-Amz-Date'           => '20150830T123600Z' ],
        [ 'X-Amz-Security-Token' => 'of the client' ],
        [ 'X-Amz-Content-Sha256' => 'UNSIGNED-PAYLOAD' ],
        [ 'X-Forwarded-For'      => '10.0.0.1' ],
        [ 'User-Agent'           => 'a  b' ],
        [ 'X-Latin'              => "caf\xe9" ],
        [ "X-Amz-Meta-u$number"  => "caf\xc3\xa9" ],
        [ "X-Amz-Meta-q$number"  => 'a "b  c" d' ],
        [ 'Cookie'               => 'a=b' ],
        [ 'Connection'           => 'keep-alive' ],
        [ 'Proxy-Authorization'  => 'Basic abc' ],
    );
}

sub random_text {
    my ($raw) = @_;

    my @raw  = split //, $raw;
    my $text = '';

    for (1 .. 1 + int rand 6) {
        my $dice = rand;
        $text .= $dice < 0.6 ? pick(@raw)
            : $dice < 0.7 ? sprintf('%%%02x', 1 + int rand 255)
            : $dice < 0.8 ? sprintf('%%%02X', 1 + int rand 255)
            : $dice < 0.84 ? chr(0x80 + int rand 128)
            : 'a';
    }

    return $text;
}

sub random_path {
    my $path = '';

    for (1 .. int rand 6) {
        $path .= '/' . random_text(
            q{abcXYZ019-._~!$&'()*+,;=:@"<>\\^`{|}});
        $path .= pick(qw(/ /. /a/..)) if rand() < 0.1;
    }

    return length $path ? $path : '/';
}

sub random_query {
    my @pieces = map {
        rand() < 0.1 ? pick('X-Amz-Signature=abc', 'x-amz-expires=1',
                            'X-Amz-Credential=a%2Fb')
            : random_text(q{abcXYZ019-._~!$'()*+,;:@/?"<>\\^`{|}})
              . (rand() < 0.2 ? ''
                 : '=' . random_text(q{abcXYZ019-._~!$'()*+,;=:@/?"<>}));
    } 1 .. int rand 6;

    return @pieces ? '?' . join('&', @pieces) : '';
}
