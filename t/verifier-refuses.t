# SPDX-License-Identifier: BSD-2-Clause

# The verifier refuses: every alteration of one byte of a request that it
# has accepted, and everything that may not stand on the wire, each for the
# reason that is named.

use strict;
use warnings;

use lib 't/lib';

use Digest::SHA qw(sha256_hex);
use Test::More;

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Oracle qw(sign);

my %keys     = %AwsSigV4::Verifier::KEYS;
my $verifier = start_verifier();

my %s3 = (
    method            => 'PUT',
    host              => 'bucket.s3.eu-west-1.amazonaws.com',
    target            => '/photos/a%20b.png?partNumber=2&uploadId=xyz',
    service           => 's3',
    region            => 'eu-west-1',
    access_key_id     => $keys{TEMP_AKID},
    secret_access_key => $keys{TEMP_SECRET},
    session_token     => $keys{TEMP_TOKEN},
    body              => 'a body of some bytes',
    headers           => [
        [ 'Content-Type'      => 'image/png' ],
        [ 'X-Amz-Meta-Colour' => 'blue' ],
        [ 'User-Agent'        => 'test' ],
    ],
);

my %api = (
    method  => 'POST',
    host    => 'abc.execute-api.us-east-1.amazonaws.com',
    target  => '/prod/x?a=1&b=2',
    service => 'execute-api',
    region  => 'us-east-1',
    body    => '{"key": "value"}',
    headers => [ [ 'Content-Type' => 'application/json' ] ],
);

# name, pattern with the byte to change in \K…(?=…), new byte, reason
my @common = (
    [ 'method',            qr/\AP/,                  'B', 'signature' ],
    [ 'name of a parameter', qr/\?\K./,              'z', 'signature' ],
    [ 'value of a parameter', qr/=\K[12](?=&)/,      '7', 'signature' ],
    [ 'Content-Type',      qr/Content-Type: \K./,    'x', 'signature' ],
    [ 'body',              qr/\r\n\r\n.\K./,         'X', undef ],
    [ 'last byte of the body', qr/.\z/,              'X', undef ],
    [ 'minute of the date', qr/X-Amz-Date: \d{8}T\d\d\d\K\d/i, undef,
      'signature' ],
    [ 'X-Amz-Date, year',  qr/X-Amz-Date: \d\d\K\d/i, '9', 'scope_date' ],
    [ 'X-Amz-Date, end',   qr/X-Amz-Date: \d{8}T\d{6}\KZ/i, 'z',
      'malformed_date' ],
    [ 'name of X-Amz-Date', qr/X-Amz-Dat\Ke(?=: )/i, 'a',
      'signed_header_absent' ],
    [ 'algorithm',         qr/AWS4-HMAC-SHA\K2/,     '5',
      'foreign_authorization' ],
    [ 'access key id',     qr/Credential=A\K./,      'X', 'unknown_key' ],
    [ 'date of the scope', qr/Credential=\w+\/2\K0/, '1', 'scope_date' ],
    [ 'letter in the date of the scope', qr/Credential=\w+\/2\K0/, 'O',
      'malformed_credential' ],
    [ 'terminator',        qr/aws4_reques\Kt/,       's',
      'malformed_credential' ],
    [ 'a digit of the signature', qr/Signature=\K./, undef, 'signature' ],
    [ 'the last digit of the signature', qr/Signature=\w{63}\K./, undef,
      'signature' ],
    [ 'signature in upper case', qr/Signature=\w{3}\K./, 'A',
      'malformed_signature' ],
    [ 'name of the field', qr/Signatur\Ke(?==)/,     'a',
      'malformed_authorization' ],
    [ 'name in the list of signed headers', qr/SignedHeaders=[^,]*hos\Kt/,
      'u', 'signed_header_absent' ],
    [ 'name of the list of signed headers', qr/SignedHeader\Ks/, 'z',
      'malformed_authorization' ],
    [ 'Host in upper case', qr/Host: \K./,           undef, 'signature' ],
);

my @of_s3 = (
    [ 'path',              qr/\/pho\Kt/,             'x', 'signature' ],
    [ 'escape in the path', qr/a%2\K0/,              '1', 'signature' ],
    [ 'order of parameters is free', qr/uploadId=x\Ky/, 'x', 'signature' ],
    [ 'bucket',            qr/Host: bucke\Kt/,       'p', 'signature' ],
    [ 'region of the host', qr/Host: \S+eu-west-\K1/, '2', 'scope_region' ],
    [ 'region of the scope', qr/\/eu-west-\K1/,      '2', 'scope_region' ],
    [ 'service of the scope', qr/\/s\K3(?=\/aws4)/,  '4', 'scope_service' ],
    [ 'x-amz-meta header', qr/X-Amz-Meta-Colour: blu\Ke/, 'f',
      'signature' ],
    [ 'token',             qr/Token: .\K./i,         'X', 'wrong_token' ],
    [ 'name of the token', qr/Security-Toke\Kn/i,    'm',
      'signed_header_absent' ],
    [ 'payload hash',      qr/Content-Sha256: \K./i, undef, 'signature' ],
    [ 'length of the payload hash', qr/Content-Sha256: \w{10}\K./i, ' ',
      'payload_kind' ],
    [ 'name of the payload hash', qr/Content-Sha25\K6/i, '7',
      'signed_header_absent' ],
);

subtest 'one byte of an S3 request' => sub {
    altered({%s3}, 'payload_hash', @common, @of_s3);
};

subtest 'one byte of a request to another service' => sub {
    altered({%api}, 'signature', @common,
        [ 'path',        qr/\/pro\Kd/, 'b', 'signature' ],
        [ 'API in the host', qr/Host: ab\Kc/, 'd', 'signature' ],
        [ 'region of the host', qr/Host: \S+us-east-\K1/, '2',
          'scope_region' ],
    );
};

subtest 'what may not stand on the wire' => \&wire_rules;
subtest 'credentials'                   => \&credentials;
subtest 'payloads'                      => \&payloads;
subtest 'clock'                         => \&clock;
subtest 'shapes of errors'              => \&shapes;

done_testing();


sub raw_of {
    my ($signed) = @_;

    my ($head, $body) = AwsSigV4::Client::format_request($signed);

    return $head . $body;
}

# The log record of what comes of the bytes.
sub record_of {
    my ($raw, $server) = @_;

    $server //= $verifier;
    $server->mark;

    my $response = http_client(port => $server->port)
        ->request({ raw => $raw });
    my ($record) = $server->wait_records(1);
    $record->{response} = $response;

    return $record;
}

sub refused {
    my ($raw, $reason, $name, $server) = @_;

    my $record = record_of($raw, $server);

    is("$record->{verdict} $record->{reason}", "refused $reason", $name)
        or diag($record->{detail}, "\n", $record->{head});

    return $record;
}

sub accepted {
    my ($raw, $name, $server) = @_;

    my $record = record_of($raw, $server);

    is("$record->{verdict} $record->{reason}", 'ok ', $name)
        or diag($record->{detail}, "\n", $record->{head});

    return $record;
}

# Another byte of the same kind.
sub other {
    my ($byte) = @_;

    return $byte =~ /[0-9]/ ? ($byte eq '3' ? '4' : '3')
        : $byte =~ /[a-f]/  ? ($byte eq 'b' ? 'c' : 'b')
        : uc $byte;
}

sub altered {
    my ($spec, $body_reason, @cases) = @_;

    my $raw = raw_of(sign(%$spec));
    accepted($raw, 'as it was signed');

    for my $case (@cases) {
        my ($name, $pattern, $byte, $reason) = @$case;
        my $changed = $raw;

        my $pos = $changed =~ /$pattern/s ? $+[0] - 1 : undef;
        unless (defined $pos) {
            fail("$name: no such byte");
            next;
        }

        my $old = substr $changed, $pos, 1;
        substr $changed, $pos, 1, $byte // other($old);
        isnt($changed, $raw, "$name is another one");
        refused($changed, $reason // $body_reason, $name);
    }

    return;
}

# Puts a header line into raw bytes.
sub with {
    my ($raw, $line) = @_;

    $raw =~ s/\r\n\r\n/\r\n$line\r\n\r\n/;

    return $raw;
}

sub wire_rules {
    my $api = raw_of(sign(%api));
    my ($date) = $api =~ /^(X-Amz-Date: .*)\r$/mi;
    my ($authorization) = $api =~ /^(Authorization: .*)\r$/m;
    my $changed;

    accepted(with($api, 'X-Forwarded-For: 10.0.0.1'), 'an unsigned header');
    accepted(with($api, 'X-Amzn-Trace-Id: Root=1'), 'a trace header');

    for my $line ($date, $authorization, 'Content-Type: text/plain',
                  'Host: other.example.com', 'Content-Length: 16')
    {
        my ($name) = $line =~ /^([^:]+)/;
        refused(with($api, $line), 'duplicate_header', "a second $name");
    }

    refused(with($api, 'X-Amz-Acl: public-read'), 'unsigned_header',
            'an x-amz header that is not signed');
    refused(with($api, 'Content-MD5: x'), 'unsigned_header',
            'Content-MD5 that is not signed');
    refused(with($api, 'Proxy-Authorization: Basic x'), 'client_leftover',
            'Proxy-Authorization');
    refused(with($api, ' folded'), 'bad_header_line', 'a folded header');
    refused(with($api, "X: a\nY: b"), 'bad_header_line', 'a bare LF');
    refused(with($api, "X: a\0"), 'bad_header_line', 'a NUL');
    refused(with($api, 'X Y: a'), 'bad_header_line', 'a blank in a name');
    refused(with($api, 'Transfer-Encoding: chunked'), 'two_lengths',
            'Content-Length beside Transfer-Encoding');

    ($changed = $api) =~ s/\r\nHost: [^\r]*//;
    refused($changed, 'missing_host', 'no Host');

    ($changed = $api) =~ s/\r\nAuthorization: [^\r]*//;
    refused($changed, 'no_authentication', 'no Authorization');

    ($changed = $api) =~ s/(Authorization:) [^\r]*/$1 Bearer abc/;
    refused($changed, 'foreign_authorization', 'a Bearer token');

    ($changed = $api) =~ s/(Authorization:) [^\r]*/$1 AWS akid:sig/;
    refused($changed, 'foreign_authorization', 'a signature of version 2');

    for my $parameter (qw(X-Amz-Signature=x x-amz-date=1 X-AMZ-EXPIRES=5)) {
        ($changed = $api) =~ s/\?/?$parameter&/;
        refused($changed, 'two_mechanisms', "$parameter in the query");
    }

    ($changed = $api) =~ s/\?/?AWSAccessKeyId=A&Signature=B&Expires=1&/;
    refused($changed, 'legacy_query', 'a presigned query of version 2');

    for my $case ([ '"', 'raw_byte_in_path' ], [ "\xe9", 'raw_byte_in_path' ],
                  [ '%zz', 'raw_byte_in_path' ], [ '%', 'raw_byte_in_path' ],
                  [ '[', 'raw_byte_in_path' ], [ '#', 'raw_byte_in_path' ],
                  [ ' ', 'bad_request_line' ])
    {
        ($changed = $api) =~ s/prod/pr$case->[0]d/;
        refused($changed, $case->[1], sprintf 'in the path: %vd', $case->[0]);
    }

    for my $case ([ '+', 'raw_plus_in_query' ], [ '"', 'raw_byte_in_query' ],
                  [ "\xe9", 'raw_byte_in_query' ],
                  [ '%4', 'raw_byte_in_query' ])
    {
        ($changed = $api) =~ s/a=1/a=1$case->[0]/;
        refused($changed, $case->[1], sprintf 'in the query: %vd',
                $case->[0]);
    }

    for my $name (qw(connection expect x-forwarded-for)) {
        ($changed = with($api, "$name: close"))
            =~ s/SignedHeaders=([^,]*)/"SignedHeaders="
                 . join ';', sort $name, split m{;}, $1/e;
        refused($changed, 'signed_mutable_header', "$name is signed");
    }

    ($changed = $api) =~ s/SignedHeaders=content-type;/SignedHeaders=/;
    refused($changed, 'unsigned_header', 'Content-Type is not signed');

    ($changed = $api) =~ s/SignedHeaders=(content-type);(host)/
                            SignedHeaders=$2;$1/x;
    $changed =~ s/\s+(SignedHeaders)/ $1/;
    refused($changed, 'malformed_signed_headers', 'names out of order');

    ($changed = $api) =~ s/(Credential=)[^\/]+/$1/;
    refused($changed, 'malformed_credential', 'no access key id');

    ($changed = $api) =~ s/, Signature=\w+//;
    refused($changed, 'malformed_authorization', 'no signature');

    return;
}

sub credentials {
    my %temp = map { $_ => $s3{$_} }
        qw(access_key_id secret_access_key session_token);
    my $signed = raw_of(sign(%api, %temp));
    my $changed;

    accepted($signed, 'temporary credentials');

    refused(raw_of(sign(%api, %temp, session_token => undef)),
            'missing_token', 'a temporary key without its token');
    refused(raw_of(sign(%api, session_token => $keys{TEMP_TOKEN})),
            'unexpected_token', 'a token with a key that has none');
    refused(raw_of(sign(%api, secret_access_key => $keys{OTHER_SECRET})),
            'signature', 'another secret');
    refused(raw_of(sign(%api, access_key_id => 'AKIDUNKNOWN')),
            'unknown_key', 'an unknown key');

    my $dir = temp_dir();
    my $with_file = start_verifier(args => [ '--keys',
        spew("$dir/keys", '[]') ]);
    my %new = (access_key_id => 'AKIDROTATED', secret_access_key => 'new');

    refused(raw_of(sign(%api, %new)), 'unknown_key', 'a key not there yet',
            $with_file);
    spew("$dir/keys", '[{"access_key_id": "AKIDROTATED", '
                      . '"secret_access_key": "new"}]');
    accepted(raw_of(sign(%api, %new)), 'a key that came into the file',
             $with_file);
    spew("$dir/keys", '[{"access_key_id": "AKIDROTATED", '
                      . '"secret_access_key": "new", "expires": 1}]');
    refused(raw_of(sign(%api, %new)), 'expired_token', 'a key that expired',
            $with_file);

    return;
}

sub payloads {
    refused(raw_of(sign(%api, payload => 'UNSIGNED-PAYLOAD',
                        content_sha256 => JSON::PP::true)),
            'payload_kind', 'an unsigned payload where none is taken');
    refused(raw_of(sign(%s3, content_sha256 => JSON::PP::false)),
            'missing_content_sha256', 'S3 without X-Amz-Content-Sha256');
    refused(raw_of(sign(%s3, payload => sha256_hex('something else'))),
            'payload_hash', 'the hash of another body');
    refused(raw_of(sign(%api, payload => sha256_hex('something else'))),
            'signature', 'the same without the header');
    refused(raw_of(sign(%s3, payload => 'STREAMING-NOTHING')),
            'payload_kind', 'an unknown word');
    accepted(raw_of(sign(%s3, payload => 'UNSIGNED-PAYLOAD')),
             'an unsigned payload to S3');

    my $strict = start_verifier(args => ['--unsigned-needs-tls']);
    refused(raw_of(sign(%s3, payload => 'UNSIGNED-PAYLOAD')),
            'payload_kind', 'the same where TLS is asked for', $strict);

    my $chunked = sign(%s3);
    push @{ $chunked->{headers} }, [ 'Transfer-Encoding' => 'chunked' ];
    refused(raw_of($chunked), 'transfer_encoding', 'S3 without a length');

    $chunked = sign(%api);
    push @{ $chunked->{headers} }, [ 'Transfer-Encoding' => 'chunked' ];
    accepted(raw_of($chunked), 'another service without a length');

    return;
}

sub clock {
    for my $offset (-1500, 1500) {
        my $off = start_verifier(args => ["--clock-offset=$offset"]);
        refused(raw_of(sign(%api)), 'date_skew', "a clock $offset s off",
                $off);
    }

    for my $offset (-600, 600) {
        my $off = start_verifier(args => ["--clock-offset=$offset"]);
        accepted(raw_of(sign(%api)), "a clock $offset s off", $off);
    }

    return;
}

sub shapes {
    my $api = raw_of(sign(%api));
    my $s3  = raw_of(sign(%s3));

    s/Signature=\K./z/ for $api, $s3;

    my $response = refused($s3, 'malformed_signature', 'S3')->{response};
    is($response->{status}, 400, 'status of S3');
    like($response->{body}, qr{<Code>AuthorizationHeaderMalformed</Code>},
         'XML of S3');

    $response = refused($api, 'malformed_signature', 'API')->{response};
    is($response->{status}, 400, 'status of another service');
    is(AwsSigV4::Client::header($response, 'x-amzn-ErrorType'),
       'IncompleteSignatureException', 'error type');
    like($response->{body}, qr/"message": "malformed_signature"/, 'JSON');

    $response = refused(raw_of(sign(%api, secret_access_key => 'x',
        headers => [ [ 'X-Amz-Target' => 'A.B' ] ])), 'signature', 'JSON 1.1')
        ->{response};
    is($response->{status}, 400, 'status of JSON 1.1');
    like($response->{body}, qr/#InvalidSignatureException"/, 'its type');

    return;
}
