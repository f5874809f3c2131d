#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# A service that shows its canonical request and its string to sign: what was
# changed between the gateway and the service, in the forms of S3 and of the
# other services, also where nginx does not pass the answer on.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Process qw(spawn stop);
use AwsSigV4::Verifier;

my $SECRET = $AwsSigV4::Verifier::KEYS{SECRET};

my $dir    = temp_dir();
my $server = spawn(
    command => ['/usr/bin/python3', 't/lib/refusing-server',
                '--port-file', "$dir/port"],
);

wait_for(sub { -s "$dir/port" }) or die 'the server did not start';
my $port = slurp("$dir/port");

my $nginx = start_nginx(
    variables   => ['aws_sigv4_cause', 'request_uri'],
    http_config => <<"EOC",
aws_sigv4_provider default static
    access_key_id=\$TEST_AKID secret_access_key=\$TEST_SECRET;
aws_sigv4_provider session static
    access_key_id=\$TEST_TEMP_AKID secret_access_key=\$TEST_TEMP_SECRET
    session_token=\$TEST_TEMP_TOKEN;
aws_sigv4_region us-east-1;
aws_sigv4_service execute-api;
upstream two {
    server 127.0.0.1:$port max_fails=0;
    server 127.0.0.1:$port max_fails=0;
}
server {
    listen 127.0.0.1:\$TEST_PORT_ADDS;
    access_log off;
    location / {
        proxy_set_header Host \$http_host;
        proxy_set_header X-Amz-Meta-Added on-the-way;
        proxy_pass http://127.0.0.1:$port;
    }
}
EOC
    config => <<"EOC",
aws_sigv4 on;
location /json/ {
    proxy_pass http://127.0.0.1:$port;
}
location /xml/ {
    aws_sigv4_service s3;
    proxy_pass http://127.0.0.1:$port;
}
location /session/ {
    aws_sigv4_credentials session;
    proxy_pass http://127.0.0.1:$port/;
}
location /caught/ {
    proxy_intercept_errors on;
    error_page 403 = \@answer;
    proxy_pass http://127.0.0.1:$port/json/;
}
location \@answer {
    return 200 "caught\\n";
}
location /added/ {
    proxy_pass http://127.0.0.1:\$TEST_PORT_ADDS/;
}
location /added/xml/ {
    aws_sigv4_service s3;
    proxy_pass http://127.0.0.1:\$TEST_PORT_ADDS/xml/;
}
location /tried/ {
    proxy_next_upstream http_403;
    proxy_pass http://two/json/;
}
EOC
);


# what was changed => the word, and what the log says of the first difference

my %cases = (
    nothing => ['wrong_secret', qr/the service signed the same string/],
    method  => ['altered_method', qr/"POST" was signed, "PATCH" was received/],
    path    => ['altered_path', qr{in the path: "/\w+/path" was signed, }
                                . qr{"/\w+/path/more" was received}],
    query   => ['altered_query', qr/in query parameter more: it was received /
                                 . qr/and not signed/],
    header  => ['altered_header', qr/content-type/],
    body    => ['altered_body', qr/payload hash|body/],
    region  => ['wrong_region', qr/eu-west-1/],
    service => ['wrong_service', qr/other/],
);

for my $form (qw(json xml)) {
    for my $what (sort keys %cases) {
        my ($word, $text) = @{ $cases{$what} };

        subtest "$form: $what" => sub {
            $nginx->mark;

            my $response = request($nginx->port, method => 'POST',
                target => "/$form/$what?a=b%20c", body => '{"a":1}',
                headers => 'Content-Type: application/json');

            is $response->{status}, 403, 'the answer is given on';
            is cause("/$form/$what?a=b%20c"), $word, $word;
            like refusal(), qr/cause "$word": .*$text/, 'the log says why';
        };
    }
}


# Behind ", client:" is what nginx itself adds to each line.

subtest 'values of parameters stay out of the message' => sub {
    my %shown = (
        value  => 'in query parameter sig: 13 bytes were signed, 5 received; ',
        remove => 'in query parameter sig: it was signed and not received; ',
    );

    for my $form (qw(json xml)) {
        for my $what (sort keys %shown) {
            my $target = "/$form/$what?a=first-hidden&sig=second-hidden";

            $nginx->mark;
            request($nginx->port, target => $target);
            is cause($target), 'altered_query', "$form: $what: the word";

            my ($message) = split /, client: /, refusal();
            like $message, qr/\Q$shown{$what}\E/, 'the name and the lengths';
            unlike $message, qr/hidden|other/, 'and no value';
        }
    }
};


subtest 'what is secret is not repeated' => sub {
    my $piece = substr $AwsSigV4::Verifier::KEYS{TEMP_TOKEN}, 0, 16;

    for my $form (qw(json xml)) {
        for my $what (qw(token signature authorization)) {
            $nginx->mark;
            request($nginx->port, target => "/session/$form/$what");
            cause("/session/$form/$what");

            my ($message) = split /, client: /, refusal();
            unlike $message, qr/\Q$piece\E|[0-9a-f]{16}/, "$form: $what";
            unlike $message, qr/Credential=/, 'nor what is before it';
            like $message, qr/it says "it is \.{3}"/, 'what is said is cut';
        }
    }
};


subtest 'a header that something on the way adds' => sub {
    for my $form (qw(json xml)) {
        $nginx->mark;
        request($nginx->port, target => "/added/$form/unsigned");
        is cause("/added/$form/unsigned"), 'unsigned_header', "$form: added";
        like refusal(), qr/cause "unsigned_header": .*aws_sigv4_signed_headers/,
             'what to do';
        like refusal(), qr/not signed: "x-amz-meta-added"/, 'and which it is'
            if $form eq 'xml';

        $nginx->mark;
        request($nginx->port, target => "/$form/unsigned",
                headers => 'X-Amz-Meta-Added: mine');
        is cause("/$form/unsigned"), 'wrong_secret', "$form: signed";
    }
};


subtest 'answers that nginx does not give on' => sub {
    $nginx->mark;
    is request($nginx->port, target => '/caught/path')->{body}, "caught\n",
       'another answer';
    like refusal(), qr/cause "altered_path"/, 'intercepted';

    $nginx->mark;
    is request($nginx->port, target => '/tried/query')->{status}, 403,
       'both refuse';
    is scalar(() = refusals(2)), 2, 'each is told';
    like refusal(), qr/cause "altered_query"/, 'tried again';
};


subtest 'answers without a whole body' => sub {
    $nginx->mark;
    is request($nginx->port, method => 'HEAD', target => '/json/path')
       ->{status}, 403, 'HEAD';
    is cause('/json/path'), 'unknown', 'has no body to look at';

    $nginx->mark;
    request($nginx->port, target => '/xml/cut');
    is cause('/xml/cut'), 'wrong_secret', 'the string to sign has come, and is equal';
};

my $log = slurp($nginx->error_log);
unlike $log, qr/\Q$SECRET\E/, 'no secret in the log';
unlike $log, qr/Signature=[0-9a-f]/, 'and no signature';

$nginx->stop_it;
stop($server);

done_testing();


# by target, since a line may come after the request that followed

sub cause {
    my ($target) = @_;

    return $nginx->access_of($target)->{aws_sigv4_cause};
}

sub refusals {
    my ($n) = @_;

    my @lines;
    wait_for(sub {
        @lines = $nginx->log_text('error.log')
            =~ /(aws sigv4: the upstream refused the request .*)/g;
        return @lines >= $n;
    });

    return @lines;
}

sub refusal { return (refusals(1))[0] }
