# SPDX-License-Identifier: BSD-2-Clause

# The verifier agrees with the worked vectors, stage by stage, and accepts
# what awscrt and botocore sign.  Without this its verdicts prove nothing.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use JSON::PP    ();
use Test::More;
use Time::Local qw(timegm);

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Oracle qw(sign oracle_check);

my $vectors = JSON::PP->new->decode(slurp('t/vectors.json'));
my %keys    = %AwsSigV4::Verifier::KEYS;

subtest 'worked vectors' => \&worked_vectors;
subtest 'chunked vectors' => \&chunked_vectors;
subtest 'signed by awscrt and botocore' => \&signers;
subtest 'generated requests' => \&generated;

done_testing();


# A verifier whose clock stands at the time of the vectors.
sub verifier_then {
    my (@args) = @_;

    my ($y, $m, $d, $h, $min, $s) = $vectors->{date}
        =~ /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
    my $offset = timegm($s, $min, $h, $d, $m - 1, $y) - time;

    return start_verifier(args => ["--clock-offset=$offset", @args]);
}

# Sends it and gives what the verifier wrote into its log.
sub record_of {
    my ($verifier, $raw) = @_;

    $verifier->mark;

    my $client = http_client(port => $verifier->port);
    $client->request({ raw => $raw });

    return ($verifier->wait_records(1))[0];
}

sub raw_request {
    my ($method, $target, $headers, $body) = @_;

    my $raw = "$method $target HTTP/1.1\r\n";
    $raw .= "$_->[0]: $_->[1]\r\n" for @$headers;
    $raw .= 'Content-Length: ' . length($body) . "\r\n" if length $body;

    return "$raw\r\n$body";
}

sub authorization {
    my ($service, $region, $names, $signature) = @_;

    my $date = substr $vectors->{date}, 0, 8;

    return "AWS4-HMAC-SHA256 Credential=$vectors->{access_key_id}/$date/"
        . "$region/$service/aws4_request, SignedHeaders=$names, "
        . "Signature=$signature";
}

sub signed_names {
    my ($canonical) = @_;

    return (split /\n/, $canonical)[-2];
}

sub worked_vectors {
    my $token = "$vectors->{access_key_id}:$vectors->{secret_access_key}"
        . ":$vectors->{session_token}";
    my %verifier = (
        plain => verifier_then('--presigned'),
        token => verifier_then('--presigned', '--key', $token, '--expect',
            '*.iot.us-east-1.amazonaws.com=iotdevicegateway:us-east-1'),
        verbatim => verifier_then('--path-rule', 's3=verbatim'),
    );

    for my $vector (@{ $vectors->{requests} }) {
        my ($number) = $vector->{name} =~ /^(\d+)/;

        # Vector 3 pins a signer that copies %2F; S3 itself decodes it.
        my $which = $number == 3 ? 'verbatim'
            : $number =~ /^(?:7|10|11)$/ ? 'token' : 'plain';

        # In vector 5 the plus is to be repaired before it is sent.
        (my $target = $vector->{target}) =~ s/\+/%20/;

        subtest "vector $vector->{name}" => sub {
            check_vector($vector, $verifier{$which}, $target);
        };
    }

    my ($third) = grep { $_->{name} =~ /^3:/ } @{ $vectors->{requests} };
    my $record = record_of($verifier{plain}, vector_request($third,
        $third->{target}));
    is($record->{reason}, 'signature', 'S3 signed with %2F as it is');
    like($record->{canonical_request}, qr{^DELETE\n/a//b/\./c/\.\./d/e\n},
         '%2F is a slash to S3');

    my ($fifth) = grep { $_->{name} =~ /^5:/ } @{ $vectors->{requests} };
    $record = record_of($verifier{plain}, vector_request($fifth,
        $fifth->{target}));
    is($record->{reason}, 'raw_plus_in_query', 'a plus on the wire');

    return;
}

sub vector_request {
    my ($vector, $target) = @_;

    if ($vector->{presigned}) {
        return raw_request($vector->{method}, $vector->{presigned},
                           $vector->{headers}, $vector->{body});
    }

    my @headers = (@{ $vector->{headers} }, [ Authorization => authorization(
        @{$vector}{qw(service region)},
        signed_names($vector->{canonical_request}), $vector->{signature}) ]);

    return raw_request($vector->{method}, $target, \@headers,
                       $vector->{body});
}

sub check_vector {
    my ($vector, $verifier, $target) = @_;

    my $record = record_of($verifier, vector_request($vector, $target));

    is($record->{canonical_request}, $vector->{canonical_request},
       'canonical request');
    is($record->{string_to_sign}, $vector->{string_to_sign},
       'string to sign');
    is("$record->{verdict} $record->{reason}", 'ok ', 'verdict');

    return;
}

sub chunked_body {
    my ($vector) = @_;

    my $data = join '', map { chr($_ % 251) } 0 .. 19999;
    my @signatures = @{ $vector->{chunks} || [] };
    my $body = '';

    for my $piece ((map { substr $data, $_ * 8192, 8192 } 0 .. 2), '') {
        my $signature = shift @signatures;
        $body .= sprintf '%x', length $piece;
        $body .= ";chunk-signature=$signature" if $signature;
        $body .= "\r\n$piece" . (length $piece ? "\r\n" : '');
    }

    if ($vector->{kind} =~ /TRAILER/) {
        $body .= "x-amz-checksum-crc32c:ehRF4Q==\r\n";
        $body .= "x-amz-trailer-signature:$vector->{trailer}\r\n"
            if $vector->{trailer};
    }

    return "$body\r\n";
}

sub chunked_request {
    my ($vector, $body) = @_;

    my @headers = (
        [ 'Content-Encoding' => 'aws-chunked' ],
        [ 'Content-Type' => 'application/octet-stream' ],
        [ 'Host' => 'example-bucket.s3.us-west-2.amazonaws.com' ],
        [ 'X-Amz-Content-Sha256' => $vector->{kind} ],
        [ 'X-Amz-Date' => $vectors->{date} ],
        [ 'X-Amz-Decoded-Content-Length' => 20000 ],
    );
    push @headers, [ 'X-Amz-Trailer' => 'x-amz-checksum-crc32c' ]
        if $vector->{kind} =~ /TRAILER/;

    my $names = join ';', sort map { lc $_->[0] } @headers;
    push @headers, [ Authorization => authorization('s3', 'us-west-2',
        $names, $vector->{seed}) ];

    return raw_request('PUT', '/stream.bin', \@headers, $body);
}

sub chunked_vectors {
    my $verifier = verifier_then();

    for my $vector (@{ $vectors->{chunked} }) {
        my $body = chunked_body($vector);
        my $kind = $vector->{kind};

        is(length $body, $vector->{length}, "$kind: encoded length");
        is(sha256_hex($body), $vector->{sha256}, "$kind: encoded body");

        my $record = record_of($verifier, chunked_request($vector, $body));
        is("$record->{verdict} $record->{reason}", 'ok ', "$kind: verdict");
        is($record->{decoded_length}, 20000, "$kind: decoded length");

        my @tampered = (
            [ 'data of the second chunk', 9000, 'chunk_signature' ],
            [ 'a digit of the first chunk signature', 30,
              'chunk_signature' ],
            [ 'the size of the first chunk', 0, 'chunk_signature' ],
        );
        push @tampered, [ 'a digit of the trailer signature', -10,
                          'trailer_signature' ] if $vector->{trailer};
        @tampered = ([ 'data', 9000, 'checksum' ],
                     [ 'the checksum', -8, 'checksum' ])
            if !$vector->{chunks};

        for my $case (@tampered) {
            my ($what, $offset, $reason) = @$case;
            my $changed = $body;

            substr $changed, $offset, 1,
                substr($changed, $offset, 1) eq '1' ? '2' : '1';
            $record = record_of($verifier,
                                chunked_request($vector, $changed));
            is($record->{reason}, $reason, "$kind: $what changed");
        }
    }

    my $record = record_of($verifier, chunked_request(
        $vectors->{chunked}[1], substr(chunked_body($vectors->{chunked}[1]),
                                       0, -2)));
    is($record->{reason}, 'incomplete_body', 'the last line end is missing');

    return;
}

# What the signers make is accepted: services, bodies, tokens, queries.
sub signers {
    my @temp = (access_key_id     => $keys{TEMP_AKID},
                secret_access_key => $keys{TEMP_SECRET},
                session_token     => $keys{TEMP_TOKEN});
    my %s3 = (host => 'bucket.s3.eu-west-1.amazonaws.com', service => 's3',
              region => 'eu-west-1');
    my %bedrock = (host => 'bedrock-runtime.us-west-2.amazonaws.com',
                   service => 'bedrock', region => 'us-west-2');
    my %aps = (host => 'aps-workspaces.us-east-1.amazonaws.com',
               service => 'aps', region => 'us-east-1');
    my %unknown = (host => 'gateway.example.com:8443',
                   service => 'execute-api', region => 'eu-north-1');
    my @json = (headers => [ [ 'Content-Type' => 'application/json' ] ]);

    my @requests = (
        { %s3 },
        { %s3, target => '/a%20b/%2B%C3%A9~%28%29%27%2A//x/./../y' },
        { %s3, target => '/k?acl=&prefix=a%20b%2Fc&x=' },
        { %s3, @temp, target => '/k' },
        { %s3, method => 'PUT', target => '/k', body => 'x' x 100_000 },
        { %s3, method => 'PUT', target => '/k', body => 'not covered',
          payload => 'UNSIGNED-PAYLOAD' },
        { %s3, method => 'PUT', target => '/k', body => 'abc', headers => [
            [ 'Content-Type' => 'text/plain' ],
            [ 'Content-MD5' => 'kAFQmDzST7DWlj99KOF/cg==' ],
            [ 'X-Amz-Meta-Name' => 'two  blanks' ],
            [ 'X-Amz-Acl' => 'private' ] ] },
        { %s3, method => 'DELETE', target => '/k%25?versionId=null' },
        { %s3, method => 'HEAD', target => '/k' },
        { %bedrock, @json, method => 'POST', body => '{"a":1}',
          target => '/model/anthropic.claude-v1%3A0/invoke' },
        { %bedrock, @json, @temp, method => 'POST', body => '{"a":1}',
          target => '/model/arn%3Aaws%3Abedrock%2Fx/converse' },
        { %bedrock, target => '/a:b/(c)//d/../e/' },
        { %aps, method => 'POST', target => '/workspaces/ws-1/api/v1/write',
          body => "\0\xff" x 1000,
          headers => [ [ 'Content-Encoding' => 'snappy' ],
                       [ 'Content-Type' => 'application/x-protobuf' ] ] },
        { %aps, target => '/api/v1/query?query=up%7Ba%3D%22b%22%7D&a=&b=1' },
        { %unknown, target => '/?b=2&a=1&a=0' },
        { %unknown, headers => [ [ 'X-Amz-Target' => 'A.B' ],
                                 [ 'X-Empty' => '' ] ] },
        { host => 'sts.amazonaws.com', service => 'sts',
          region => 'us-east-1', method => 'POST',
          headers => [ [ 'Content-Type' =>
              'application/x-www-form-urlencoded; charset=utf-8' ] ],
          body => 'Action=GetCallerIdentity&Version=2011-06-15' },
        { host => 'x.eu-west-1.aoss.amazonaws.com', service => 'aoss',
          region => 'eu-west-1', content_sha256 => JSON::PP::true,
          payload => sha256_hex('') },
    );

    my $verifier = start_verifier();

    for my $signer (qw(awscrt botocore)) {
        for my $request (@requests) {
            my $label = join ' ', $signer, $request->{service},
                $request->{method} // 'GET', $request->{target} // '/',
                $request->{session_token} ? 'with token' : ();

            $verifier->mark;
            my $response = request($verifier->port,
                %{ sign(%$request, signer => $signer) });
            my ($record) = $verifier->wait_records(1);

            is("$record->{verdict} $record->{reason}", 'ok ', $label)
                or diag("$record->{head}\n$record->{canonical_request}");
            is($response->{status}, 200, "$label: status");
        }
    }

    return;
}

# Odd paths and queries in quantity, accepted, and signed anew from the log.
sub generated {
    my $verifier = start_verifier();
    my $count    = 500;
    my $client   = http_client(port => $verifier->port);
    my $refused  = 0;

    srand 20250214;

    for (1 .. $count) {
        my $s3 = rand() < 0.5;
        my $service = $s3 ? 's3' : (qw(monitoring es aps bedrock))[rand 4];
        my $signed = sign(
            host    => 'host-' . int(rand 9) . '.example.com',
            service => $service,
            region  => (qw(us-east-1 eu-west-1 cn-north-1))[rand 3],
            method  => (qw(GET POST PUT DELETE))[rand 4],
            target  => random_path($s3) . random_query(),
            body    => 'b' x int rand 50,
        );

        my $response = $client->request({ %$signed, last => 0 });
        next if $response->{status} == 200;

        $refused++;
        diag("$signed->{method} $signed->{target}: $response->{body}");
    }

    is($refused, 0, "$count requests signed by awscrt are accepted");

    my ($counts, $text) = oracle_check($verifier->log_file);
    is($counts->{different}, 0, 'awscrt signs the logged requests alike')
        or diag($text);
    is($counts->{checked}, $count, 'all of them');

    return;
}

sub random_text {
    my ($raw) = @_;

    my @raw = split //, $raw;
    my $text = '';

    for (1 .. 1 + int rand 6) {
        my $dice = rand;
        $text .= $dice < 0.5 ? $raw[rand @raw]
            : $dice < 0.75 ? sprintf('%%%02X', int rand 256) : 'a';
    }

    return $text;
}

# What S3 would decode and encode to something else is left out: awscrt
# signs the path as it is there.
sub random_path {
    my ($s3) = @_;

    my $path = '';

    for (1 .. int rand 5) {
        my $part = random_text($s3 ? 'abcXYZ019-._~'
                                   : q{abcXYZ019-._~!$&'()*+,;=@});
        if ($s3) {
            $part =~ s/%(..)/chr(hex $1) =~ m{[A-Za-z0-9\-._~\/]}
                             ? 'z' : "%$1"/ge;
        }
        $path .= "/$part";
        $path .= (qw(/ /. /..))[rand 3] if rand() < 0.1;
    }

    return length $path ? $path : '/';
}

sub random_query {
    my @pieces = map {
        my $name = random_text(q{abcXYZ019-._~!$'()*,;@?});
        rand() < 0.2 ? $name
            : $name . '=' . random_text(q{abcXYZ019-._~!$'()*,;=@?:});
    } 1 .. int rand 5;

    return @pieces ? '?' . join('&', @pieces) : '';
}
