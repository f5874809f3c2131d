# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# nginx -t tells each thing once for each "proxy_pass", however many blocks
# inherit it or include it.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Nginx;

my $nginx = AwsSigV4::Nginx->new(
    values => { AwsSigV4::Block::fixed_values() },
    http => <<'EOC',
aws_sigv4_provider default static
    access_key_id=$TEST_AKID secret_access_key_file=$TEST_DIR/secret;
proxy_set_header Host $proxy_host;
proxy_set_header Authorization a;
EOC
    server => <<'EOC',
listen 0.0.0.0:$TEST_PORT_OPEN;
aws_sigv4 on;
aws_sigv4_service aps;
aws_sigv4_region us-east-1;
location /a/ {
    proxy_pass https://127.0.0.1:8000;
    if ($arg_a) { set $a a; }
    if ($arg_b) { set $a b; }
    limit_except GET { allow 127.0.0.1; }
}
location /b/ {
    proxy_pass https://127.0.0.1:8000;
}
location /c/ { include $TEST_DIR/pass.conf; }
location /d/ { include $TEST_DIR/pass.conf; }
EOC
    files => [['secret', 0600, '$TEST_SECRET'],
              ['pass.conf', 0644, 'proxy_pass https://127.0.0.1:8000;']],
);

my ($status, $output) = $nginx->test;

is $status, 0, 'nginx -t succeeds' or diag $output;

my $header = '"proxy_set_header authorization" in http.conf:4';

for my $place ('server.conf:6', 'server.conf:12', 'pass.conf:1') {
    my @warnings = grep { /\[warn\].*\Q$place\E$/ } split /\n/, $output;

    for my $told ('the certificate of the upstream', $header,
                  'is not told the name of the host', 'everyone who reaches')
    {
        is scalar(grep { /\Q$told\E/ } @warnings), 1, "$told, of $place";
    }

    is scalar @warnings, 4, "and no more of $place";
}

is scalar(() = $output =~ /\[warn\]/g), 12, 'there is nothing else'
    or diag $output;

done_testing;
