#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# The page of aws_sigv4_metrics: what is sent has the figures of the moment, a
# browser keeps them up to date, and what comes from outside stays text.

use strict;
use warnings;

use Digest::SHA qw(sha256_base64);
use JSON::PP ();
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Metrics;

# it ends an attribute, an element and a script, has no blanks, so that it
# goes into a query as it is, and would show in the title
my $MARKUP = '"></script><img/src=x/onerror=document.title=1>';
my $SAFE   = '&quot;&gt;&lt;/script&gt;&lt;img/src=x/onerror=document.title=1'
             . '&gt;';

# a provider's name has neither blanks nor "="
my $NAME      = '"></script><img/src>';
my $SAFE_NAME = '&quot;&gt;&lt;/script&gt;&lt;img/src&gt;';

# more than the page has rows for
my $MANY = 130;

my $dir = temp_dir();
my $program = "$dir/" . ($MARKUP =~ tr{/}{ }r);
my $safe_program = $SAFE =~ tr{/}{ }r;

spew($program, "#!/bin/sh\nexit 1\n", 0755);
chmod 0755, $dir;

my ($label, $name) = map { s/"/\\"/gr } $MARKUP, $NAME;
my $command = qq("$program") =~ s/(?<=.)"(?=.)/\\"/gr =~ s/(["\\])/\\$1/gr;

my @script = (
    { match => '^/gone', times => 4, status => 404 },
    { match => '^/broken', times => 1, status => 500 },
);

my $nginx = start_nginx(
    verifier    => start_verifier(script => \@script),
    http_config => <<"EOC",
aws_sigv4_provider default static
    access_key_id=\$TEST_AKID secret_access_key=\$TEST_SECRET;
aws_sigv4_provider "$name" process "command=$command";
aws_sigv4_provider idle process command=/bin/false;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
aws_sigv4_alarm window=1d;
EOC
    config => <<"EOC",
aws_sigv4 on;

location / {
    aws_sigv4_metrics_label front;
    proxy_pass http://127.0.0.1:\$VERIFIER_PORT;
}
location /hostile {
    aws_sigv4_metrics_label "$label";
    aws_sigv4_service \$arg_service;
    aws_sigv4_region \$arg_region;
    aws_sigv4_host \$arg_host;
    aws_sigv4_allow_hosts *;
    proxy_pass http://127.0.0.1:\$VERIFIER_PORT;
}
location /nothing {
    aws_sigv4_credentials "$name";
    proxy_pass http://127.0.0.1:\$VERIFIER_PORT;
}
location /many {
    aws_sigv4_region \$arg_region;
    proxy_pass http://127.0.0.1:\$VERIFIER_PORT;
}
location /metrics {
    aws_sigv4_metrics;
}

# each answer of the JSON makes one of the upstream
location /followed {
    mirror /mirrored;
    aws_sigv4_metrics;
}
location /mirrored {
    aws_sigv4_metrics_label mirrored;
    proxy_pass http://127.0.0.1:\$VERIFIER_PORT;
}
EOC
);

ask('/x') for 1 .. 7;
ask('/gone') for 1 .. 4;
ask('/broken');
ask("/hostile?host=a.example&region=$MARKUP&service=$MARKUP") for 1 .. 3;
ask("/hostile?host=$MARKUP&region=x&service=x");
ask('/nothing');

# a model, in the path as Bedrock has it, and in a body as OpenAI does
my $body = JSON::PP->new->encode({ model => $MARKUP });
request($nginx->port, target => "/model/$MARKUP/invoke", method => 'POST',
        body => $body);

# nginx counts when it has answered
counted($nginx, 'front', { signed => 13, '2xx' => 8, '4xx' => 4, '5xx' => 1,
                           payload_hashed_bytes => length $body });

# and the program has run, however busy the machine is
wait_for(sub { metrics_json($nginx)->{providers}[1]{last_error} });

my $page = request($nginx->port, target => '/metrics?format=html');


subtest 'what is sent' => sub {
    is header($page, 'Content-Type'), 'text/html; charset=utf-8', 'type';

    my ($policy) = $page->{body}
                   =~ /Content-Security-Policy'\ncontent="(.*?)"/;
    my ($style)  = $page->{body} =~ m{<style>(.*?)</style>}s;
    my ($script) = $page->{body} =~ m{<script>(.*?)</script>}s;

    like $policy, qr/^default-src 'none'; connect-src 'self'; /, 'a policy';
    like $policy, qr/style-src 'sha256-\Q${\hash($style)}\E'/,
         'with the hash of the style';
    like $policy, qr/script-src 'sha256-\Q${\hash($script)}\E'/,
         'and of the script';
    is header($page, 'Content-Security-Policy'),
       "$policy; frame-ancestors 'none'", 'in the header, too';
    unlike $page->{body}, qr{(?:src|href)='(?!data:|\?format=)|url\(|\@import},
         'nothing of another place';
    unlike $page->{body}, qr/innerHTML|document\.write|eval\(/,
         'nothing that makes markup of text';
};


subtest 'figures without a script' => sub {
    my $html = $page->{body};

    like cell($html, 'when'), qr/^at \w{3}, [\w ]+ [\d:]+ GMT$/, 'of when';

    figures($html);
};


subtest 'markup in what is sent' => sub {
    my $html = $page->{body};

    is scalar(() = $html =~ m{</script>}g), 1, 'one script ends';
    unlike $html, qr/<img|"></, 'there is none';

    # two series have the label, one of them the service and the region
    is scalar(() = $html =~ /\Q$SAFE\E/g), 4, 'but as text';
    is scalar(() = $html =~ /\Q$SAFE_NAME\E/g), 2, 'in names of providers';
    is scalar(() = $html =~ /\Q$safe_program\E/g), 1, 'in an error, too';

    is_deeply hostile($html), [$MARKUP, $MARKUP, 3], 'of a series';
};


subtest 'what a browser shows' => sub {
    needs('chromium');

    my $dom = dump_dom('/metrics?format=html');

    figures($dom);

    is scalar(() = $dom =~ /<rect /g), 15, 'a bar for each bucket';
    like $dom, qr/<polyline class="line3" points="50.0,128.0 .* 950.0,18.0"/,
         'a curve from none to all';

    is_deeply hostile($dom), [$MARKUP, $MARKUP, 3], 'markup is text';
    unlike $dom, qr/<img|<title>(?!AWS SigV4 gateway<)/, 'and nothing else';
};


subtest 'what a browser follows' => sub {
    needs('chromium');

    my ($dom, %lines);

    # half a minute that passes at once, with an answer every five seconds
    ok wait_for(sub {
        $dom = dump_dom('/followed?format=html', 30_000);

        for my $id (qw(rates curve)) {
            my ($svg) = $dom =~ m{<svg id="$id"(.*?)</svg>}s;

            # the last point stands there twice
            $lines{"$id $1"} = ($2 =~ tr/,//) - 1
                while $svg =~ /class="(line\d)" points="(.*?)"/g;
        }

        return 4 == grep { $_ > 1 } values %lines;
    }), 'signed and errors, median and the slow ones are lines';

    is_deeply [sort keys %lines],
              ['curve line1', 'curve line2', 'rates line1', 'rates line2'],
              'two in each of two';
    like cell($dom, 'keyrate'), qr/^signed \d+(?:\.\d)?$/, 'the rate of now';
    like cell($dom, 'keyp95'), qr/^95 % (?:[\d.]+ m?s|-)$/, 'and the latency';
};


subtest 'a screenshot' => sub {
    needs('chromium');

    my $file = temp_dir() . '/page.png';

    chromium('/metrics?format=html', "--screenshot=$file",
             '--window-size=1200,1600', '--virtual-time-budget=2000');

    ok -s $file > 10_000, 'has something on it';
};


subtest 'thousands of series' => sub {
    ask("/many?region=r$_") for 1 .. $MANY;

    my $used = 0;

    # nginx counts when it has answered
    wait_for(sub {
        $used = metrics_json($nginx)->{series_used};
        return $used >= 4 + $MANY;
    });

    my $html = request($nginx->port, target => '/metrics?format=html')->{body};

    is scalar(rows($html, 'series')), 100, 'so many rows are sent';
    like cell($html, 'room'),
         qr/^\Q${\($used - 100)}\E more are in the JSON; $used of \d+ series/,
         'and how many there are';

    needs('chromium');

    my $dom = dump_dom('/metrics?format=html');

    is scalar(rows($dom, 'series')), 100, 'and shown';
    like cell($dom, 'room'), qr/^\d+ more are in the JSON; /, 'as it says';
};

is_deeply [grep { !/aws sigv4: (?:cannot sign|provider|no credentials|host)/ }
           $nginx->stop_it], [], 'nginx ends well';

done_testing();


# service, region and failures in the series of markup

sub hostile {
    my ($html) = @_;

    my ($row) = grep { $_->[0] eq $MARKUP && $_->[1] eq $MARKUP }
                rows($html, 'series');

    return [@{ $row || [] }[1, 2, 8]];
}


# what both forms of the page have

sub figures {
    my ($html) = @_;

    is cell($html, 'signed'), 13, 'signed';
    is cell($html, 'refused'), 1, 'refused';
    is cell($html, 'failed'), 4, 'not signed';
    is cell($html, 'c4xx'), 4, '4xx';
    is cell($html, 'c5xx'), 1, '5xx';
    like cell($html, 'latency'), qr/^\d+(?:\.\d)? m?s$/, 'latency';
    like cell($html, 'room'), qr/^4 of \d+ series; 0 events/, 'room';

    my %series = map { $_->[0] => $_ } rows($html, 'series');

    is_deeply [@{ $series{front} }[1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]],
              [qw(aps us-east-1 default 13 0 0 0 8 4 1 0)], 'a series';

    is cell($html, 'raised'), 0, 'no alarm is on';
    is cell($html, 'down'), 1, 'a provider has nothing';
    is_deeply [map { $_->[0] } rows($html, 'alarms')],
              [qw(4xxErrorCount 5xxErrorCount RequestLatency)], 'alarms';
    is_deeply [map { "@$_[0, 1, 2, 4]" } rows($html, 'providers')],
              ['default static available never',
               "$NAME process not available -", 'idle process not used -'],
              'providers';
    is_deeply [map { $_->[3] =~ /^\d+ (?:s|min)$/ ? 'old' : $_->[3] }
               rows($html, 'providers')], ['old', '-', '-'], 'their age';
    like +(rows($html, 'providers'))[1][7], qr/^program "\Q$program\E": /,
         'an error';
    is_deeply [rows($html, 'reasons')],
              [['refused here', 'bad_host', 1], ['not signed', 'bad_scope', 3],
               ['not signed', 'no_credentials', 1]], 'reasons';
    is_deeply [rows($html, 'clocks')], [['none']], 'no clock differs';

    return;
}

sub ask {
    return request($nginx->port, target => $_[0]);
}

sub header {
    return (AwsSigV4::Client::header(@_))[0];
}

sub hash {
    my $hash = sha256_base64($_[0]);
    return $hash . '=' x (-length($hash) % 4);
}

# The page after the first answer has been shown.
sub dump_dom {
    my ($target, $time) = @_;

    my $dom = '';
    $time //= 2000;

    wait_for(sub {
        $dom = chromium($target, '--dump-dom', "--virtual-time-budget=$time");
        return cell($dom, 'when') =~ /^live, /;
    });

    return $dom;
}

sub chromium {
    my ($target, @options) = @_;

    my $dir = temp_dir();
    my $url = 'http://127.0.0.1:' . $nginx->port . $target;
    my @command = ('/usr/bin/chromium', '--headless', '--no-sandbox',
                   '--disable-gpu', '--disable-dev-shm-usage',
                   '--no-first-run', '--disable-background-networking',
                   "--user-data-dir=$dir/profile", @options, $url);

    local $ENV{HOME} = $dir;
    my $command = join ' ', map { "'" . s/'/'\\''/gr . "'" } @command;

    return scalar `$command 2>$dir/stderr`;
}

# The text of an element; what HTML escapes is as it was.
sub text {
    my ($html) = @_;

    $html =~ s/<[^>]*>//g;
    $html =~ s/&lt;/</g;
    $html =~ s/&gt;/>/g;
    $html =~ s/&quot;/"/g;
    $html =~ s/&#39;/'/g;
    $html =~ s/&amp;/&/g;

    return $html;
}

sub cell {
    my ($dom, $id) = @_;

    return text($dom =~ m{ id=["']$id["'][^>]*>(.*?)</}s ? $1 : '');
}

sub rows {
    my ($dom, $id) = @_;

    my ($body) = $dom =~ m{<tbody id=["']$id["']>(.*?)</tbody>}s;

    return map { [map { text($_) } m{<td[^>]*>(.*?)</td>}gs] }
           $body =~ m{<tr>(.*?)</tr>}gs;
}
