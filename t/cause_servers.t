# SPDX-License-Identifier: BSD-2-Clause

# Swift and Ceph's radosgw behind something that changes requests, or seen
# from a machine whose clock is wrong: the word is what their answers allow.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use AwsSigV4;
use AwsSigV4::Clock;
use AwsSigV4::Radosgw;
use AwsSigV4::Swift;
use AwsSigV4::Verifier;

my $clock = AwsSigV4::Clock->new;

needs($_) for qw(swift-proxy-server swift-object-server memcached radosgw
                 ceph ceph-mon ceph-osd radosgw-admin);

# What stands between the gateway and the server does to a request.
my %ALTERED = (
    nothing => '',
    method  => 'proxy_method DELETE;',
    path    => 'rewrite ^ /other/object break;',
    query   => 'set $args "prefix=b";',
    header  => 'proxy_set_header X-Amz-Meta-A other;',
    body    => 'proxy_set_body other;',
);

# Of what is altered: the word, and what the line says of it.
my %SHOWN = (
    method => ['altered_method', qr/"PUT" was signed, "DELETE" was received/],
    path   => ['altered_path', qr{in the path: "/raw/path" was signed, }
                               . qr{"/other/object" was received}],
    query  => ['altered_query', qr/in query parameter prefix: 1 bytes were /
                                . qr/signed, 1 received/],
    header => ['altered_header', qr/in header x-amz-meta-a: 4 bytes were /
                                 . qr/signed, 5 received/],
);

# radosgw has no DELETE with a body, signed or not.
my %NOT_SHOWN = map { $_ => ['signature_mismatch', qr/does not show/] }
    grep { $_ ne 'method' } keys %SHOWN;

my @BODY = (body => ['altered_body', qr/received another body/]);

check('AwsSigV4::Swift',   %SHOWN,     @BODY);
check('AwsSigV4::Radosgw', %NOT_SHOWN, @BODY);

done_testing();


sub check {
    my ($class, %expected) = @_;

    my $server = $class->start;

    subtest "$class, altered requests" => sub {
        my $nginx = gateway($server);

        is request($nginx->port, method => 'PUT', target => '/raw')->{status},
           200, 'a bucket';
        is put($nginx, 'nothing')->{status}, 200, 'nothing altered: stored';

        for my $what (sort keys %expected) {
            refused($nginx, $what, @{ $expected{$what} });
        }

        finish($nginx);
    };

    subtest "$class, another clock" => sub {
        $clock->set('+7200s');
        my $nginx = gateway($server, $clock->nginx(2));

        refused($nginx, 'nothing', 'clock_skew', qr/look at NTP/);
        is put($nginx, 'nothing')->{status}, 403,
           'nothing is learned in clear text';
        finish($nginx);
    };

    subtest "$class, another clock is learned" => sub {
        learned($server);
    };

    $server->stop_it;

    return;
}

# Over TLS, which neither server has itself, with a certificate that is
# verified: the Date is that of the server, as a front of nginx would else
# replace it by its own.
sub learned {
    my ($server) = @_;

    my ($cert, $key) = make_cert();
    my $front = start_nginx(
        no_module   => 1,
        values      => {
            TEST_BACKEND_PORT => $server->port,
            TEST_CERT         => $cert,
            TEST_CERT_KEY     => $key,
        },
        http_config => 'server {
            listen 127.0.0.1:$TEST_PORT_TLS ssl;
            ssl_certificate $TEST_CERT;
            ssl_certificate_key $TEST_CERT_KEY;
            location / {
                proxy_set_header Host $http_host;
                proxy_pass_header Date;
                proxy_pass http://127.0.0.1:$TEST_BACKEND_PORT;
            }
        }');

    $clock->set('+7200s');

    my $nginx = start_nginx(
        $clock->nginx(2),
        variables   => ['aws_sigv4_cause'],
        http_config => 'aws_sigv4_provider default static
            access_key_id=$TEST_BACKEND_AKID
            secret_access_key=$TEST_BACKEND_SECRET;
            aws_sigv4_service s3; aws_sigv4_region us-east-1;',
        config => 'aws_sigv4 on;
            location / {
                proxy_set_header Host s3.localhost;
                proxy_ssl_name s3.localhost;
                proxy_ssl_server_name on;
                proxy_ssl_verify on;
                proxy_ssl_trusted_certificate $TEST_CERT;
                proxy_pass https://127.0.0.1:$TEST_FRONT_PORT;
            }',
        values => {
            TEST_CERT           => $cert,
            TEST_FRONT_PORT     => $front->value('TEST_PORT_TLS'),
            TEST_BACKEND_AKID   => $server->access_key_id,
            TEST_BACKEND_SECRET => $server->secret_access_key,
        },
    );

    refused($nginx, 'learned', 'clock_skew', qr/look at NTP/);
    like slurp($nginx->error_log),
         qr/clock of "s3\.localhost" differs by -(?:7199|720[01]) s/,
         'the clock of the server is learned';

    is put($nginx, "learned-$_")->{status}, 200, "upload $_ is accepted"
        for 1 .. 4;

    my $response = request($nginx->port, target => '/raw/learned-4');
    is $response->{status}, 200, 'a download as well';
    is $response->{body}, 'mine', 'which is what was stored';

    $clock->set('+0');
    is put($nginx, 'right')->{status}, 403, 'a clock that is right again';
    is put($nginx, 'right')->{status}, 200, 'is used at once';
    like slurp($nginx->error_log), qr/"s3\.localhost" are no longer corrected/,
         'and the log says so';

    finish($nginx);
    $front->stop_it;

    return;
}

# One location for each way to alter, and one server for each that does it.
sub gateway {
    my ($server, %more) = @_;

    my $servers   = '';
    my $locations = 'location = /raw {
        proxy_pass http://127.0.0.1:$TEST_BACKEND_PORT;
    }';

    for my $what (sort keys %ALTERED) {
        my $port = '$TEST_PORT_' . uc $what;

        $locations .= "location /raw/$what {
            proxy_pass http://127.0.0.1:$port;
        }\n";
        $servers .= "server {
            listen 127.0.0.1:$port;
            access_log off;
            location / {
                proxy_set_header Host \$http_host;
                $ALTERED{$what}
                proxy_pass http://127.0.0.1:\$TEST_BACKEND_PORT;
            }
        }\n";
    }

    return start_nginx(
        %more,
        variables   => ['aws_sigv4_cause'],
        http_config => 'aws_sigv4_provider default static
            access_key_id=$TEST_BACKEND_AKID
            secret_access_key=$TEST_BACKEND_SECRET;' . $servers,
        config => 'aws_sigv4 on; aws_sigv4_service s3;
            aws_sigv4_region us-east-1;' . $locations,
        values => {
            TEST_BACKEND_PORT   => $server->port,
            TEST_BACKEND_AKID   => $server->access_key_id,
            TEST_BACKEND_SECRET => $server->secret_access_key,
        },
    );
}

sub put {
    my ($nginx, $what) = @_;

    return request($nginx->port, method => 'PUT', body => 'mine',
                   target  => "/raw/$what?prefix=a",
                   headers => 'X-Amz-Meta-A: mine');
}

# A line may come late: that of an earlier request is told by its target.
sub refused {
    my ($nginx, $what, $word, $text) = @_;

    my $request = qr{"PUT /raw/$what\?};
    my ($line, @lines);

    like put($nginx, $what)->{status}, qr/^40[03]$/, "$what: refused";

    ok wait_for(sub {
           ($line) = grep { qq("$_->{request}) =~ $request } $nginx->access
       }), "$what: logged";
    is $line->{aws_sigv4_cause}, $word, "$what: $word";

    @lines = grep { /the upstream refused the request/ && $_ =~ $request }
        split /\n/, slurp($nginx->error_log);
    is scalar(@lines), 1, "$what: the error log has one line";
    like $lines[0], qr/cause "$word": .*$text/, "$what: that says why";

    return;
}

sub finish {
    my ($nginx) = @_;

    is join("\n", grep { !/the upstream refused/ } $nginx->stop_it), '',
       'nginx ends well';
    unlike slurp($nginx->error_log),
           qr/\Q$AwsSigV4::Verifier::KEYS{SECRET}\E|Signature=[0-9a-f]/,
           'neither secret nor signature in the log';

    return;
}
