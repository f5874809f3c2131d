#!/usr/bin/perl

# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# The page of aws_sigv4_metrics, in a browser: it shows what was counted, and
# what comes from outside stays text.

use strict;
use warnings;

use Digest::SHA qw(sha256_base64);
use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Metrics;

needs('chromium');

my $MARKUP = '<img src=x onerror=document.title=`stolen`>';

my @script = (
    { match => '^/gone', times => 4, status => 404 },
    { match => '^/broken', times => 1, status => 500 },
);

my $nginx = start_nginx(
    verifier    => start_verifier(script => \@script),
    http_config => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
aws_sigv4_provider '<i>nothing</i>' env;
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
    aws_sigv4_metrics_label '$MARKUP';
    aws_sigv4_region '<b>\$arg_region';
    proxy_pass http://127.0.0.1:\$VERIFIER_PORT;
}
location /nothing {
    aws_sigv4_credentials '<i>nothing</i>';
    proxy_pass http://127.0.0.1:\$VERIFIER_PORT;
}
location /metrics {
    aws_sigv4_metrics;
}
EOC
);

my $url  = 'http://127.0.0.1:' . $nginx->port . '/metrics?format=html';
my $page = request($nginx->port, target => '/metrics?format=html');

ask('/x') for 1 .. 7;
ask('/gone') for 1 .. 4;
ask('/broken');
ask('/hostile?region=x') for 1 .. 3;
ask('/nothing');

# nginx counts when it has answered
counted($nginx, 'front', { signed => 12, '2xx' => 7, '4xx' => 4, '5xx' => 1 });


subtest 'what is sent' => sub {
    is header($page, 'Content-Type'), 'text/html; charset=utf-8', 'type';
    is request($nginx->port, target => '/metrics',
               headers => 'Accept: text/html,*/*;q=0.8')->{body},
       $page->{body}, 'for browsers';

    my ($policy) = $page->{body} =~ /Content-Security-Policy' content="(.*?)"/;
    my ($style)  = $page->{body} =~ m{<style>(.*?)</style>}s;
    my ($script) = $page->{body} =~ m{<script>(.*?)</script>}s;

    like $policy, qr/^default-src 'none'; connect-src 'self'; /, 'a policy';
    like $policy, qr/style-src 'sha256-\Q${\hash($style)}\E'/,
         'with the hash of the style';
    like $policy, qr/script-src 'sha256-\Q${\hash($script)}\E'/,
         'and of the script';
    unlike $page->{body}, qr{(?:src|href)='(?!data:|\?format=)|url\(|\@import},
         'nothing of another place';
    unlike $page->{body}, qr/innerHTML|document\.write|eval\(/,
         'nothing that makes markup of text';
};


subtest 'what a browser shows' => sub {
    my $dom = dump_dom();

    is cell($dom, 'signed'), 15, 'signed';
    is cell($dom, 'failed'), 1, 'not signed';
    is cell($dom, 'c4xx'), 4, '4xx';
    is cell($dom, 'c5xx'), 1, '5xx';
    like cell($dom, 'latency'), qr/^\d+ ms$/, 'latency';
    like cell($dom, 'when'), qr/^as of /, 'up to date';
    like cell($dom, 'room'), qr/^\d+ of \d+ series; 0 events/, 'room';

    my %series = map { $_->[0] => $_ } rows($dom, 'series');

    is_deeply [@{ $series{front} }[1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]],
              [qw(aps us-east-1 default 12 0 0 0 7 4 1 0)], 'a series';

    is_deeply [map { $_->[0] } rows($dom, 'alarms')],
              [qw(4xxErrorCount 5xxErrorCount RequestLatency)], 'alarms';
    is_deeply [map { "@$_[0, 2]" } rows($dom, 'providers')],
              ['default available', '<i>nothing</i> not available'], 'providers';
    is_deeply [rows($dom, 'reasons')],
              [['not signed', 'no_credentials', 1]], 'reasons';
    is scalar(() = $dom =~ /<rect /g), 15, 'a bar for each bucket';

    is $series{$MARKUP}[2], '<b>x', 'markup is text';
    unlike $dom, qr/<img|<b>x|<i>|<title>(?!AWS SigV4 gateway<)/,
           'and nothing else';
};


subtest 'a screenshot' => sub {
    my $file = temp_dir() . '/page.png';

    chromium("--screenshot=$file", '--window-size=1200,1400');

    ok -s $file > 10_000, 'has something on it';
};

is_deeply [$nginx->stop_it], [], 'nginx ends well';

done_testing();


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
    my $dom = '';

    wait_for(sub {
        $dom = chromium('--dump-dom', '--virtual-time-budget=2000');
        return $dom =~ /as of /;
    });

    return $dom;
}

sub chromium {
    my @options = @_;

    my $dir = temp_dir();
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
    $html =~ s/&amp;/&/g;

    return $html;
}

sub cell {
    my ($dom, $id) = @_;

    return text($dom =~ m{ id="$id"[^>]*>(.*?)</}s ? $1 : '');
}

sub rows {
    my ($dom, $id) = @_;

    my ($body) = $dom =~ m{<tbody id="$id">(.*?)</tbody>}s;

    return map { [map { text($_) } m{<td[^>]*>(.*?)</td>}gs] }
           $body =~ m{<tr>(.*?)</tr>}gs;
}
