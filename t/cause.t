# SPDX-License-Identifier: BSD-2-Clause

# Why a service refuses a request: the word, the sentence and the line that
# differs, for the answers of AWS in XML and JSON.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Client;
use AwsSigV4::Verifier;

my %keys = %AwsSigV4::Verifier::KEYS;

my @cases = (
    ['S3: skew', 403, '<Error><Code>RequestTimeTooSkewed</Code></Error>',
     'clock_skew'],
    ['query: expired', 403, '<ErrorResponse><Error><Type>Sender</Type><Code>'
     . 'SignatureDoesNotMatch</Code><Message>Signature expired: 2015 is now '
     . 'earlier than 2026</Message></Error></ErrorResponse>', 'clock_skew'],
    ['EC2', 401, '<Response><Errors><Error><Code>AuthFailure</Code></Error>'
     . '</Errors></Response>', 'bad_credentials'],
    ['EC2: a session', 400, '<Response><Errors><Error><Code>RequestExpired'
     . '</Code><Message>Request has expired.</Message></Error></Errors>'
     . '</Response>', 'expired_token'],
    ['EC2: a date', 400, '<Response><Errors><Error><Code>RequestExpired'
     . '</Code><Message>Request has expired.</Message></Error></Errors>'
     . '</Response>', 'clock_skew', 'Fri, 14 Feb 2025 23:59:59 GMT'],
    ['coral', 403, '{"Output":{"__type":"com.amazon.coral.service#'
     . 'ExpiredTokenException","message":null},"Version":"1.0"}',
     'expired_token'],
    ['OpenSearch', 403, '{"Message":"User: anonymous is not authorized to '
     . 'perform: es:ESHttpGet with an explicit deny"}',
     'missing_authentication'],
    ['S3: region', 400, '<Error><Code>AuthorizationHeaderMalformed</Code>'
     . "<Message>The authorization header is malformed; the region 'a' is "
     . "wrong; expecting 'b'</Message><Region>b</Region></Error>",
     'wrong_region'],
    ['JSON: service', 403, '{"message":"Credential should be scoped to '
     . 'correct service: \'sts\'. "}', 'wrong_service'],
    ['JSON: key', 400, '{"__type":"com.amazon.coral.service#'
     . 'UnrecognizedClientException","message":"x"}', 'unknown_key'],
    ['S3: not signed', 403, '<Error><Code>AccessDenied</Code><Message>There '
     . 'were headers present in the request which were not signed</Message>'
     . '<HeadersNotSigned>x-amz-meta-a</HeadersNotSigned></Error>',
     'unsigned_header'],
    ['no signature', 403, '{"message":"Missing Authentication Token"}',
     'missing_authentication'],
    ['a policy', 403, '{"__type":"AccessDeniedException","Message":"no"}',
     'access_denied'],
    ['another body', 400, '<Error><Code>XAmzContentSHA256Mismatch</Code>'
     . '</Error>', 'altered_body'],
    ['an application', 400, '{"__type":"ValidationException"}', 'other'],
    ['no text', 403, '', 'unknown'],
    ['half a code', 403, '<Error><Code>AccessDen', 'unknown'],
    ['entities', 403, '<!DOCTYPE a [<!ENTITY b "c">]><Error><Code>&b;</Code>'
     . '</Error>', 'unknown'],
    ['depth', 403, '[' x 4000, 'unknown'],
    ['a long text', 403, 'x' x 100_000, 'unknown'],
);

my $verifier = start_verifier(script => [
    (map { { match => "^/case$_\$", status => $cases[$_][1],
             headers => { $cases[$_][4] ? (Date => $cases[$_][4]) : () },
             body => $cases[$_][2] } } 0 .. $#cases),
    { match => '^/gzip', status => 403, body => '<Error><Code>AccessDenied'
      . '</Code></Error>', headers => { 'Content-Encoding' => 'gzip' } },
    { match => '^/mismatch', status => 403,
      headers => { 'x-amzn-RequestId' => 'id-1', 'x-amz-id-2' => 'id-2' },
      body => '{"__type":"InvalidSignatureException","message":"The request '
      . 'signature we calculated does not match.\n\nThe Canonical String for '
      . 'this request should have been\n\'GET\n/other\n\nhost:x\n\nhost\n'
      . 'e3b0\'\n\nThe String-to-Sign should have been\n\'AWS4\''
      . "$keys{TEMP_TOKEN}\"}" },
]);

my $nginx = start_nginx(
    verifier    => $verifier,
    variables   => [qw(aws_sigv4_cause aws_sigv4_request_id
                       aws_sigv4_extended_request_id request_uri)],
    http_config => 'aws_sigv4_provider default static
        access_key_id=$TEST_TEMP_AKID secret_access_key=$TEST_TEMP_SECRET
        session_token=$TEST_TEMP_TOKEN;',
    config => 'location / {
        aws_sigv4 on; aws_sigv4_service execute-api;
        aws_sigv4_region us-east-1;
        proxy_pass http://127.0.0.1:$VERIFIER_PORT;
    }');

for my $i (0 .. $#cases) {
    my ($name, $status, $body, $cause) = @{ $cases[$i] };

    subtest $name => sub {
        my $response = request($nginx->port, target => "/case$i");

        is $response->{status}, $status, 'the answer is given on';
        is $response->{body}, $body, 'as it was';
        is cause("/case$i")->{aws_sigv4_cause}, $cause, $cause;
    };
}

request($nginx->port, target => '/gzip');
is cause('/gzip')->{aws_sigv4_cause}, 'unknown', 'compressed';

request($nginx->port, target => '/mismatch');
my $line = cause('/mismatch');
is $line->{aws_sigv4_cause}, 'altered_path', 'altered path';
is $line->{aws_sigv4_request_id}, 'id-1', 'the request id';
is $line->{aws_sigv4_extended_request_id}, 'id-2', 'the extended one';

$nginx->stop_it;

my $log = slurp($nginx->error_log);
like $log, qr{cause "altered_path": .*first difference is in the path: "/mismatch" was signed, "/other" was received},
     'the log says where it differs';
like $log, qr/cause "unsigned_header": .*not signed: "x-amz-meta-a"/,
     'and which header is not signed';
unlike $log, qr/\Q$keys{$_}\E/, "no $_ in it" for qw(TEMP_SECRET TEMP_TOKEN);

subtest 'a missing token' => \&without_token;

done_testing();


# A key of a session whose provider has no token: the answers are those to a
# key that is not known, and the key ID alone tells why.
sub without_token {
    my @forms = (
        ['query', 403, '<ErrorResponse><Error><Type>Sender</Type><Code>'
         . 'InvalidClientTokenId</Code><Message>The security token included '
         . 'in the request is invalid.</Message></Error></ErrorResponse>'],
        ['json', 400, '{"__type":"UnrecognizedClientException","message":'
         . '"The security token included in the request is invalid."}'],
        ['s3', 403, '<Error><Code>InvalidAccessKeyId</Code><Message>The AWS '
         . 'Access Key Id you provided does not exist in our records.'
         . '</Message></Error>'],
        ['rest', 403, '{"message":"The security token included in the '
         . 'request is invalid."}'],
    );

    my $upstream = start_verifier(script => [map {
        { match => "^/\\w+/$_->[0]\$", times => 2, status => $_->[1],
          body  => $_->[2] }
    } @forms]);

    $nginx = start_nginx(
        verifier    => $upstream,
        variables   => [qw(aws_sigv4_cause request_uri)],
        http_config => 'aws_sigv4_provider session static
            access_key_id=$TEST_TEMP_AKID secret_access_key=$TEST_TEMP_SECRET;
            aws_sigv4_provider user static
            access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
            aws_sigv4_service execute-api; aws_sigv4_region us-east-1;',
        config => 'aws_sigv4 on;
            location /session/ {
                aws_sigv4_credentials session;
                proxy_pass http://127.0.0.1:$VERIFIER_PORT;
            }
            location /user/ {
                aws_sigv4_credentials user;
                proxy_pass http://127.0.0.1:$VERIFIER_PORT;
            }');

    for my $form (map { $_->[0] } @forms) {
        request($nginx->port, target => "/$_/$form") for qw(session user);

        is cause("/session/$form")->{aws_sigv4_cause}, 'missing_token',
           "$form: a token is missing";
        is cause("/user/$form")->{aws_sigv4_cause}, 'unknown_key',
           "$form: a key of a user has none";
    }

    $nginx->stop_it;
    like slurp($nginx->error_log),
         qr/cause "missing_token": .*give the provider the token/,
         'the log says what to do';

    return;
}

sub cause {
    return $nginx->access_of($_[0]);
}
