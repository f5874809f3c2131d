# SPDX-License-Identifier: BSD-2-Clause

# The clients of AWS and Anthropic for node, through examples/s3 and
# examples/bedrock.  They come from npm: where that cannot be reached, this
# is a test that may be skipped.

use strict;
use warnings;

use lib 't/lib';

use Compress::Zlib ();
use JSON::PP       ();
use MIME::Base64   ();
use Test::More;

use AwsSigV4;
use AwsSigV4::Example;
use AwsSigV4::Npm qw(run_clients);

my $json = JSON::PP->new;

my ($cert, $cert_key) = make_cert();
my @tls     = (cert => $cert, cert_key => $cert_key);
my $storage = start_verifier(@tls);
my $models  = start_verifier(@tls, script => [answers()]);
my $s3      = AwsSigV4::Example->new('s3', $storage)->start;
my $bedrock = AwsSigV4::Example->new('bedrock', $models)->start;

run_clients('clients.mjs',
            map { 'http://127.0.0.1:' . $_->port } $s3, $bedrock);

stored();
invoked();

for my $nginx ($s3, $bedrock) {
    is(join("\n", $nginx->stop_it), '', 'nginx ended well');
    unlike(slurp($nginx->error_log), qr/\[(?:error|crit|alert|emerg)\]/,
           'no error in the log');
}

done_testing();


# What AWS answers: a JSON document, or frames of an event stream.
sub answers {
    my $converse = { body => $json->encode({
        output => { message => { role => 'assistant',
                                 content => [{ text => 'Good day' }] } },
        stopReason => 'end_turn', metrics => { latencyMs => 1 },
        usage => { inputTokens => 1, outputTokens => 2, totalTokens => 3 },
    }), headers => { 'Content-Type' => 'application/json' } };

    my $message = { %$converse, body => $json->encode({
        id => 'm', type => 'message', role => 'assistant', model => 'claude',
        content => [{ type => 'text', text => 'Good day' }],
        stop_reason => 'end_turn', stop_sequence => undef,
        usage => { input_tokens => 1, output_tokens => 2 },
    }) };

    return (
        { %$converse, match => '/converse$', times => 2 },
        { %$message, match => '/invoke$' },
        { events(converse_events()), match => '/converse-stream$' },
        { events(message_events()),
          match => '/invoke-with-response-stream$' },
    );
}

sub converse_events {
    return (
        [messageStart => { role => 'assistant' }],
        (map { [contentBlockDelta => { contentBlockIndex => 0,
                                       delta => { text => $_ } }] }
            'Good', ' day'),
        [messageStop => { stopReason => 'end_turn' }],
    );
}

sub message_events {
    return map {
        [chunk => { bytes => MIME::Base64::encode($json->encode($_), '') }]
    } (
        (map { { type => 'content_block_delta', index => 0,
                 delta => { type => 'text_delta', text => $_ } } }
            'Good', ' day'),
        { type => 'message_stop' },
    );
}

sub events {
    return (
        headers => { 'Content-Type' => 'application/vnd.amazon.eventstream' },
        chunks  => [ map { { data_base64 => MIME::Base64::encode(frame(@$_)) } }
                     @_ ],
    );
}

# A message of application/vnd.amazon.eventstream: lengths and their CRC,
# headers of the type string (7), payload, CRC of all.
sub frame {
    my ($type, $payload) = @_;

    my %header = (':message-type' => 'event', ':event-type' => $type,
                  ':content-type' => 'application/json');
    my $headers = join '', map { pack 'C/a C n/a', $_, 7, $header{$_} }
        sort keys %header;
    my $body = $json->encode($payload);

    my $start = pack 'N N', 16 + length($headers) + length $body,
        length $headers;
    my $frame = $start . pack('N', Compress::Zlib::crc32($start))
        . $headers . $body;

    return $frame . pack 'N', Compress::Zlib::crc32($frame);
}


sub header {
    my ($record, $name) = @_;

    my ($value) = map { $_->[1] }
        grep { lc $_->[0] eq $name } @{ $record->{headers} };

    return $value // '';
}

sub verdicts {
    return [ map { join ' ', @$_{qw(verdict reason method)} } @_ ];
}


sub stored {
    my @records = $storage->records;
    my $path = '/bucket/odd%20key%2B%252F%40%3D%3A%281%29%21%27%2A~%3B%C3%A9/'
        . '%E3%81%82//%F0%9F%98%80';

    is_deeply(verdicts(@records),
              ['ok  PUT', 'ok  PUT', 'ok  HEAD', 'ok  GET'],
              'S3: every signature is right');
    is_deeply([map { $_->{target} =~ s/\?.*//r } @records[0, 2, 3]],
              [($path) x 3], 'S3: keys arrive as S3 writes them');

    is(header($records[1], 'x-amz-content-sha256'),
       'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
       'S3: a stream keeps its checksum behind it');
    is($records[1]{decoded_length}, 300_000, 'S3: and its length');
    is(header($records[1], 'transfer-encoding'), '',
       'S3: it has a Content-Length');

    return;
}


sub invoked {
    my @records = $models->records;

    is_deeply(verdicts(@records), [('ok  POST') x 5],
              'Bedrock: every signature is right');

    my $model = 'anthropic.claude-3-haiku-20240307-v1';
    is_deeply([map { $_->{target} } @records], [
        "/model/$model%3A0/converse",
        '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012'
            . '%3Aapplication-inference-profile%2Fabc123/converse',
        "/model/$model%3A0/converse-stream",
        "/model/$model:0/invoke",
        "/model/$model:0/invoke-with-response-stream",
    ], 'Bedrock: ids of models arrive as their clients write them');

    return;
}
