#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Answers that refuse a request and are not what a service sends: whatever
# they are, they are given on as they came, and their cause is a word.

use strict;
use warnings;

use Compress::Zlib ();
use JSON::PP       ();
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Process qw(spawn stop);
use AwsSigV4::Verifier;

my %keys = %AwsSigV4::Verifier::KEYS;

my $XML  = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';
my $JSON = '{"__type":"a#AccessDeniedException","message":"no"}';

my $dir    = temp_dir();
my $server = spawn(
    command => [$AwsSigV4::Verifier::PYTHON, 't/lib/raw-server', $dir],
);

wait_for(sub { -s "$dir/port" }) or die 'the server did not start';
my $port = slurp("$dir/port");

my $nginx = start_nginx(
    variables   => ['aws_sigv4_cause', 'request_uri'],
    log_level   => 'info',
    http_config => <<"EOC",
aws_sigv4_provider default static
    access_key_id=\$TEST_TEMP_AKID secret_access_key=\$TEST_TEMP_SECRET
    session_token=\$TEST_TEMP_TOKEN;
aws_sigv4_region us-east-1;
aws_sigv4_service execute-api;
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_cache_path \$TEST_DIR/cache keys_zone=cache:1m;
upstream two {
    server 127.0.0.1:$port max_fails=0;
    server 127.0.0.1:$port max_fails=0;
}
EOC
    config => <<"EOC",
aws_sigv4 on;
log_subrequest on;
location /on/ {
    proxy_pass http://127.0.0.1:$port/;
}
location /off/ {
    proxy_buffering off;
    proxy_pass http://127.0.0.1:$port/;
}
location /caught/ {
    proxy_intercept_errors on;
    error_page 403 = \@caught;
    proxy_pass http://127.0.0.1:$port/;
}
location \@caught {
    return 200 "caught\\n";
}
location /next/ {
    proxy_next_upstream http_403;
    proxy_pass http://two/;
}
location /cache/ {
    proxy_cache cache;
    proxy_cache_key \$uri;
    proxy_cache_valid any 1h;
    proxy_pass http://127.0.0.1:$port/;
}
location = /refused {
    rewrite ^ /\$name break;
    proxy_pass http://127.0.0.1:$port;
}
location /stale/ {
    proxy_cache cache;
    proxy_cache_use_stale http_403;
    proxy_pass http://127.0.0.1:$port/;
}
location /background/ {
    proxy_cache cache;
    proxy_cache_use_stale http_403 updating;
    proxy_cache_background_update on;
    proxy_pass http://127.0.0.1:$port/;
}
location ~ ^/auth/(?<name>.+) {
    auth_request /refused;
    rewrite ^ /fine break;
    proxy_pass http://127.0.0.1:$port;
}
location ~ ^/mirror/(?<name>.+) {
    mirror /refused;
    aws_sigv4 off;
    rewrite ^ /fine break;
    proxy_pass http://127.0.0.1:$port;
}
location ~ ^/ssi/(?<name>.+) {
    ssi on;
    default_type text/html;
    return 200 '(<!--# include virtual="/on/\$name" -->)';
}
EOC
);

script('fine', head(200, 'Content-Length: 2') . 'ok');


subtest 'bodies of all kinds' => sub {
    my $deep = 'x' . '{"a":[' x 200_000;

    my %bodies = (
        binary     => ['unknown', join '', map { chr } (0 .. 255) x 300],
        nul        => ['unknown', "\0" x 70_000],
        nul_inside => ['access_denied', "$XML\0\0<Error>\0"],
        large      => ['access_denied', $JSON . 'x' x 3_000_000],
        text       => ['unknown', 'y' x 3_000_000],
        xml_deep   => ['unknown', '<a>' x 300_000],
        json_deep  => ['unknown', '{"a":' x 300_000],
        list_deep  => ['access_denied', '{"a":' . ('[' x 4000) . (']' x 4000)
                       . ",$JSON" =~ s/,\{/,/r],
        laughs     => ['unknown', '<!DOCTYPE l [<!ENTITY a "lol">'
                       . join('', map { "<!ENTITY a$_ \"&a;&a;&a;\">" } 0 .. 9)
                       . ']><Error><Code>&a9;</Code></Error>'],
        external   => ['unknown', '<!DOCTYPE a [<!ENTITY x SYSTEM '
                       . '"file:///etc/passwd">]><Error><Code>&x;</Code>'
                       . '</Error>'],
        entity     => ['access_denied', '<Error><Code>AccessDenied</Code>'
                       . '<Message>&x;&#xffffffff;&#x;&;&#0;</Message></Error>'],
        utf8       => ['access_denied', '<Error><Code>AccessDenied</Code>'
                       . "<Message>\xff\xc0\x80\xed\xa0\x80</Message></Error>"],
        cdata      => ['access_denied', '<Error><Code><![CDATA[AccessDenied]]>'
                       . '</Code></Error>'],
        twice      => ['access_denied', '<Error><Code>AccessDenied</Code>'
                       . '<Code>ExpiredToken</Code></Error>'],
        lines      => ['altered_method', '<Error><Code>SignatureDoesNotMatch'
                       . '</Code><CanonicalRequest>' . ("a:b\n" x 40_000)
                       . '</CanonicalRequest></Error>'],
        breaks     => ['altered_method', '<Error><Code>SignatureDoesNotMatch'
                       . '</Code><CanonicalRequest>' . ("\n" x 40_000)
                       . '</CanonicalRequest></Error>'],
        comment    => ['unknown', '<!--' x 10_000],
        empty      => ['unknown', ''],
    );

    for my $name (sort keys %bodies) {
        my ($word, $body) = @{ $bodies{$name} };

        script("length_$name", head(403, 'Content-Length: ' . length $body),
               $body);
        script("chunks_$name", head(403, 'Transfer-Encoding: chunked'),
               (map { chunk($_) } $body =~ /(.{1,30000})/gs), "0\r\n\r\n");
        script("close_$name", head(403, 'Connection: close'), $body);

        for my $form (qw(length chunks close)) {
            for my $where (qw(on off)) {
                my $target   = "/$where/${form}_$name";

                $nginx->mark;
                my $response = request($nginx->port, target => $target);

                is $response->{status}, 403, "$target is given on";
                ok $response->{body} eq $body, 'as it was';
                is cause($target), $word, $word;
            }
        }
    }
};


subtest 'what is encoded is not looked into' => sub {
    my $bomb = Compress::Zlib::memGzip("\0" x 20_000_000);

    my %bodies = (
        gzip    => Compress::Zlib::memGzip($XML),
        deflate => Compress::Zlib::compress($XML),
        br      => "\x0b\x02\x80$XML\x03",
        bomb    => $bomb,
        wrong   => $XML,
    );

    for my $name (sort keys %bodies) {
        my $encoding = $name eq 'br' || $name eq 'deflate' ? $name : 'gzip';

        script($name, head(403, "Content-Encoding: $encoding",
                           'Content-Length: ' . length $bodies{$name}),
               $bodies{$name});

        for my $where (qw(on off)) {
            my $response = request($nginx->port, target => "/$where/$name");

            ok $response->{body} eq $bodies{$name}, "$name: as it was";
            is cause("/$where/$name"), 'unknown', 'unknown';
        }
    }
};


subtest 'one byte at a time' => sub {
    script('bytes', head(403, 'Content-Length: ' . length $XML),
           split //, $XML);
    script('chunks', head(403, 'Transfer-Encoding: chunked'),
           (map { chunk($_) } split //, $XML), "0\r\n\r\n");

    for my $target (map { ("/on/$_", "/off/$_") } qw(bytes chunks)) {
        is request($nginx->port, target => $target)->{body}, $XML, $target;
        is cause($target), 'access_denied', 'the cause';
    }
};


subtest 'cut at each byte' => sub {
    my %known;

    for my $form ($XML, $JSON) {
        for my $length (0 .. length $form) {
            my $name = 'cut_' . ($form eq $XML ? 'xml' : 'json') . "_$length";
            my $body = substr $form, 0, $length;

            $nginx->mark;

            script($name, head(403, 'Connection: close') . $body);
            is request($nginx->port, target => "/on/$name")->{body}, $body,
               "$length bytes are given on";
            $known{cause("/on/$name")}++;
        }
    }

    is_deeply [sort keys %known], [qw(access_denied unknown)],
              'a code is there, or is not';
};


subtest 'a length that is not that of the body' => sub {
    script('longer', head(403, 'Content-Length: ' . length $XML), "$XML$XML");
    script('early', head(403, 'Content-Length: 5000') . $XML);
    script('reset', head(403, 'Content-Length: 5000') . $XML,
           { wait => "$dir/sent" }, { reset => JSON::PP::true });
    script('bad_chunk', head(403, 'Transfer-Encoding: chunked')
           . chunk($XML) . "zz\r\n");

    for my $where (qw(on off)) {
        for my $name (qw(longer early)) {
            request($nginx->port, target => "/$where/$name");
            is cause("/$where/$name"), 'access_denied', "$where: $name";
        }

        # nginx may see the end before it has passed on what was before it
        request($nginx->port, target => "/$where/bad_chunk");
        like cause("/$where/bad_chunk"), qr/^(?:access_denied|unknown)$/,
             "$where: a bad chunk";
    }

    my $client = begin('/off/reset');
    spew("$dir/sent", 1);
    1 while $client->read_some;
    is cause('/off/reset'), 'access_denied', 'a connection that is reset';
};


subtest 'the answer is not held back' => sub {
    script('held', head(403, 'Content-Length: ' . length $XML),
           substr($XML, 0, 20), { wait => "$dir/go" }, substr $XML, 20);

    $nginx->mark;
    my $client = begin('/off/held');
    like $client->{buffer}, qr/^HTTP\S+ 403 .*<Error>/s, 'the first bytes';
    is_deeply words(0), [], 'there is no cause yet';

    spew("$dir/go", 1);
    is $client->response('GET')->{body}, $XML, 'the rest';
    is_deeply words(1), ['access_denied'], 'the cause';
};


subtest 'a client that hangs up' => sub {
    script('left', head(403, 'Content-Length: 5000') . $XML,
           { wait => "$dir/never" });

    $nginx->mark;
    my $client = begin('/off/left');
    close $client->{sock};
    is_deeply words(1), ['access_denied'], 'the cause is that of what came';
    spew("$dir/never", 1);
};


subtest 'a status that another module changes' => sub {
    script('changed', head(403, 'Connection: close'), $XML . ' ' x 300_000);

    for my $order (qw(modules_before modules_after)) {
        my $other = start_nginx(
            $order      => [qw(ndk_http_module ngx_http_lua_module)],
            http_config => 'aws_sigv4_provider default static
                access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;',
            config => "aws_sigv4 on;
                aws_sigv4_service s3;
                aws_sigv4_region us-east-1;
                location / {
                    header_filter_by_lua_block { ngx.status = 404 }
                    proxy_pass http://127.0.0.1:$port;
                }");

        is request($other->port, target => '/changed')->{status}, 404, $order;
        $other->stop_it;
        like slurp($other->error_log),
             qr/with 403 AccessDenied, cause "access_denied"/, 'the cause';
    }
};


subtest 'where nginx does not pass the answer on' => sub {
    script('json', head(403, 'Content-Length: ' . length $JSON) . $JSON);
    script('framed', head(403, 'Transfer-Encoding: chunked')
           . join('', map { chunk($_) } $JSON =~ /(.{1,7})/gs) . "0\r\n\r\n");
    script('large', head(403, 'Transfer-Encoding: chunked')
           . chunk($JSON . ' ' x 100_000) . "0\r\n\r\n");

    for my $name (qw(json framed large)) {
        $nginx->mark;
        is request($nginx->port, target => "/caught/$name")->{body},
           "caught\n", "caught: $name";
        is_deeply words(1), ['access_denied'], 'the cause';

        $nginx->mark;
        is request($nginx->port, target => "/next/$name")->{status}, 403,
           "tried twice: $name";
        is_deeply words(2), [('access_denied') x 2], 'both causes';

        $nginx->mark;
        is request($nginx->port, target => "/auth/$name")->{status}, 403,
           "auth_request: $name";
        is_deeply words(1), ['access_denied'], 'the cause';

        $nginx->mark;
        is request($nginx->port, target => "/mirror/$name")->{body}, 'ok',
           "mirror: $name";
        is_deeply words(1), ['access_denied'], 'the cause';

        $nginx->mark;
        like request($nginx->port, target => "/ssi/$name")->{body},
           qr/\(\Q$JSON\E\s*\)/, "ssi: $name";
        is_deeply words(1), ['access_denied'], 'the cause';

        $nginx->mark;
        for (1 .. 2) {
            like request($nginx->port, target => "/cache/$name")->{body},
                 qr/^\Q$JSON\E/, "cache: $name";
        }
        is_deeply words(1), ['access_denied'], 'the cause, once';
    }
};


subtest 'where a cache asks' => sub {
    my $answer = head(403, 'Content-Length: ' . length $JSON) . $JSON;

    # nginx asks with GET
    script('headed', $answer);
    $nginx->mark;
    is request($nginx->port, method => 'HEAD', target => '/cache/headed')
       ->{status}, 403, 'HEAD';
    is_deeply words(1), ['access_denied'], 'the cause is that of the body';

    for my $where (qw(stale background)) {
        script($where, head(200, 'Cache-Control: max-age=1',
                            'Content-Length: 2') . 'ok');
        is request($nginx->port, target => "/$where/$where")->{status}, 200,
           "$where: kept";

        script($where, $answer);
        $nginx->mark;
        ok wait_for(sub {
            request($nginx->port, target => "/$where/$where")->{body} eq 'ok'
                or die "$where: another answer";
            return $nginx->log_text('error.log') =~ /refused the request/;
        }), 'and given when it is refused';
        is words(1)->[0], 'access_denied', 'the cause';
    }
};


my $log = join "\n", map { (split /, client: /)[0] }
          split /\n/, slurp($nginx->error_log);

for my $name (qw(TEMP_SECRET TEMP_TOKEN)) {
    unlike $log, qr/\Q$keys{$name}\E/, "no $name in the log";
}

$nginx->stop_it;
stop($server);

done_testing();


sub script {
    my ($name, @pieces) = @_;

    spew("$dir/$name", JSON::PP->new->encode(
        [map { ref $_ ? $_ : unpack 'H*', $_ } @pieces]));

    return;
}

sub head {
    my ($status, @lines) = @_;

    return join "\r\n", "HTTP/1.1 $status Text", @lines, '', '';
}

sub chunk { return sprintf "%x\r\n%s\r\n", length $_[0], $_[0] }

# A client that has got the begin of the body.
sub begin {
    my ($target) = @_;

    my $client = http_client(port => $nginx->port);

    $client->send("GET $target HTTP/1.1\r\nHost: a\r\n\r\n");
    1 while $client->{buffer} !~ /<Error>/ && $client->read_some;

    return $client;
}

# The word of the request, once it is in the access log.
sub cause {
    my ($target) = @_;

    return $nginx->access_of($target)->{aws_sigv4_cause};
}

# The words in the error log since the mark.
sub words {
    my ($count) = @_;

    my @words;
    wait_for(sub {
        @words = $nginx->log_text('error.log') =~ /refused the request .* cause "(\w+)"/g;
        @words >= $count;
    });

    return \@words;
}
