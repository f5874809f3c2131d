# SPDX-License-Identifier: BSD-2-Clause

# $aws_sigv4_canonical_request and $aws_sigv4_string_to_sign are what the
# server has computed from the bytes that it received.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use AwsSigV4;

my $verifier = start_verifier(script => [
    { match => '/retried', status => 503 } ]);
my $nginx = start_nginx(
    verifier    => $verifier,
    variables   => [qw(aws_sigv4_canonical_request aws_sigv4_string_to_sign
                       aws_sigv4_signed_headers aws_sigv4_payload_hash
                       aws_sigv4_date aws_sigv4_credential_scope)],
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider temporary static
    access_key_id=$TEST_TEMP_AKID secret_access_key=$TEST_TEMP_SECRET
    session_token=$TEST_TEMP_TOKEN;
aws_sigv4_region us-east-1;
aws_sigv4_service aps;

upstream two {
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
    server 127.0.0.1:$VERIFIER_PORT max_fails=0;
}
EOC
    config => <<'EOC');
aws_sigv4 on;

location / {
    proxy_pass http://two;
}

location /s3/ {
    aws_sigv4_service s3;
    proxy_pass http://two;
}

location /uri/ {
    proxy_pass http://two/base/;
}

location /unsigned/ {
    aws_sigv4_service s3;
    aws_sigv4_payload unsigned;
    proxy_pass http://two;
}

location /without/ {
    aws_sigv4_content_sha256 off;
    proxy_pass http://two;
}

location /temporary/ {
    aws_sigv4_credentials temporary;
    proxy_pass http://two;
}

location /changed/ {
    proxy_set_body "another body";
    proxy_set_header X-Amz-Meta-B "b   c";
    proxy_pass http://two;
}

location /retried/ {
    aws_sigv4_credentials temporary;
    proxy_next_upstream http_503 non_idempotent;
    proxy_pass http://two;
}
EOC

my $headers = [ ['X-Amz-Meta-A', ' 1   2 '], ['Content-Type', 'text/plain'],
                ['X-Amz-Meta-A', '3'] ];

compare($_) for
    { target => '/' },
    { target => '/a//b/../c%2F?z=1&a=b+c&a=%7e' },
    { target => '/s3/a//b/../c+d%2F?z=1&a=b+c&a=%7e' },
    { target => '/uri/a%20b?b' },
    { method => 'POST', target => '/', body => 'body', headers => $headers },
    { method => 'POST', target => '/', body => 'x' x 100000 },
    { method => 'PUT', target => '/unsigned/a', body => 'body' },
    { method => 'POST', target => '/without/', body => 'body' },
    { method => 'DELETE', target => '/temporary/', headers => $headers },
    { method => 'POST', target => '/changed/', body => 'body',
      headers => $headers },
    { method => 'POST', target => '/retried/', body => 'body' };

is(join("\n", $nginx->stop_it), '', 'nginx ended well');
done_testing();

sub compare {
    my ($request) = @_;

    $verifier->mark;
    $nginx->mark;

    my $response = request($nginx->port, %$request);
    my $name     = ($request->{method} // 'GET') . " $request->{target}";

    is($response->{status}, 200, $name);

    my $record = ($verifier->wait_records(1))[-1];
    my ($line) = @{ wait_for(sub { my @a = $nginx->access; @a && \@a }) };
    my $token  = $AwsSigV4::Verifier::KEYS{TEMP_TOKEN};

    $record->{canonical_request} =~ s/\Q$token\E/<masked>/;

    is($line->{aws_sigv4_canonical_request}, $record->{canonical_request},
       'canonical request');
    is($line->{aws_sigv4_string_to_sign}, $record->{string_to_sign},
       'string to sign');
    is($line->{aws_sigv4_signed_headers}, $record->{signed_headers},
       'signed headers');
    is($line->{aws_sigv4_payload_hash}, $record->{payload_hash},
       'payload hash');
    is($line->{aws_sigv4_date}, $record->{date}, 'date');
    is($line->{aws_sigv4_credential_scope}, $record->{scope}, 'scope');
}
