# SPDX-License-Identifier: BSD-2-Clause

# The clock of a host is learned after a skew error, over verified TLS only,
# and forgotten when it agrees with that of this machine.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use AwsSigV4;
use AwsSigV4::Clock;
use AwsSigV4::Metrics;

my $clock = AwsSigV4::Clock->new;

my ($cert, $key) = make_cert();
my $verifier = start_verifier(cert => $cert, cert_key => $key);

$clock->set('+7200s');

my $nginx = start_nginx(
    $clock->nginx(2),
    verifier    => $verifier,
    values      => { TEST_CERT => $cert },
    http_config => 'aws_sigv4_provider default static
        access_key_id=$TEST_AKID secret_access_key=$TEST_SECRET;
        aws_sigv4_service s3; aws_sigv4_region us-east-1;
        proxy_ssl_trusted_certificate $TEST_CERT;
        proxy_ssl_name localhost; proxy_ssl_session_reuse off;',
    config => 'aws_sigv4 on;
        location /metrics { aws_sigv4_metrics; }
        location /plain {
            proxy_set_header Host localhost;
            proxy_pass http://127.0.0.1:$VERIFIER_PORT;
        }
        location /unverified {
            proxy_set_header Host localhost;
            proxy_pass https://127.0.0.1:$VERIFIER_TLS_PORT;
        }
        location /another {
            proxy_ssl_verify on;
            proxy_set_header Host another.example;
            proxy_pass https://127.0.0.1:$VERIFIER_TLS_PORT;
        }
        location / {
            proxy_ssl_verify on;
            proxy_set_header Host localhost;
            proxy_pass https://127.0.0.1:$VERIFIER_TLS_PORT;
        }');

for my $where (qw(/plain /unverified /another)) {
    is ask($where), 403, "$where is refused" for 1 .. 3;
}

unlike slurp($nginx->error_log), qr/dates are corrected/,
       'nothing is learned from them';

is ask('/'), 403, 'over verified TLS a first one is refused';
is ask('/'), 200, 'and others are signed with the date of the host'
    for 1 .. 6;
is ask('/unverified'), 403, 'but not where nothing is verified';

like slurp($nginx->error_log),
     qr/clock of "localhost" differs by -(?:7199|7200|7201) s/,
     'the log says by how much';

my @clocks = clocks();

is scalar(@clocks), 1, 'the metrics have one clock';
is_deeply $clocks[0][1], { host => 'localhost' }, 'of the host';
ok abs($clocks[0][2] + 7200) <= 1, 'and by how much it differs';
is_deeply metrics_json($nginx)->{clock_skew_seconds},
          { localhost => $clocks[0][2] }, 'in JSON, too';

$clock->set('+0');

ok wait_for(sub { ask('/');
                  slurp($nginx->error_log) =~ /no longer corrected/ }),
   'a clock that is right again is seen';
is ask('/'), 200, 'and used' for 1 .. 6;
is scalar(clocks()), 0, 'it is in the metrics no longer';

is join("\n", grep { !/cause "clock_skew"/ } $nginx->stop_it), '',
   'nginx ends well';

done_testing();


sub ask { return request($nginx->port, target => $_[0])->{status} }

sub clocks {
    return grep { $_->[0] eq 'aws_sigv4_clock_skew_seconds' } scrape($nginx);
}
