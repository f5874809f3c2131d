# SPDX-License-Identifier: BSD-2-Clause

# aws_sigv4_cloudwatch: answers that are none of CloudWatch, or refuse the
# credentials.  What was counted is kept until CloudWatch has taken it.

use strict;
use warnings;

use lib 't/lib';

use Test::More;

use AwsSigV4;
use AwsSigV4::CloudWatch;
use AwsSigV4::Credentials;
use AwsSigV4::Process qw(slurp);

my $failed = qr/CloudWatch could not be told what was counted: /;

answers();
refused_credentials();

done_testing();


sub answers {
    my $cloudwatch = AwsSigV4::CloudWatch->new;
    my $nginx      = $cloudwatch->gateway;

    my $other = qr/status 200, but not as CloudWatch does, look at "endpoint="/;

    my @answers = (
        ['a page', [200, {}, '<h1>Welcome</h1>'], $other],
        ['a redirect', [302, { Location => $cloudwatch->url }, ''],
         qr/status 302: and no code/],
        ['nothing', [200, {}, ''], $other],
        ['a code that is none',
         [400, {}, '<Error><Code>no&#10;&#x1b;[31m</Code></Error>'],
         qr/status 400: (?:no|and no code);/],
        ['another action', [200, {}, '<PutDashboardResponse/>'], $other],
        ['too much', [200, {}, 'x' x 200_000], qr/too (?:large|long|big)/],
    );

    for my $answer (@answers) {
        my ($name, $plain, $expected) = @$answer;
        my $before = length slurp($nginx->error_log);

        $cloudwatch->set(action => { plain => $plain });
        request($nginx->port, target => '/');

        ok(wait_for(sub { substr(slurp($nginx->error_log), $before)
                          =~ /$failed.*$expected/ }), $name)
            or diag(substr slurp($nginx->error_log), $before);
    }

    $cloudwatch->set(action => undef);
    is($cloudwatch->refused(scalar @answers), scalar @answers,
       'nothing is lost');
    is_deeply([grep { !/aws sigv4: CloudWatch/ } $nginx->stop_it], [],
              'nginx ends well');

    return;
}


# AWS may end a session before its time

sub refused_credentials {
    my $cloudwatch = AwsSigV4::CloudWatch->new;
    my $server     = AwsSigV4::Credentials->new;
    my $nginx      = $cloudwatch->gateway(
        provider => 'aws_sigv4_provider p container endpoint='
                    . $server->url . '/v1/credentials;',
        with     => 'credentials=p',
    );

    request($nginx->port, target => '/') for 1 .. 2;
    is($cloudwatch->refused(2), 2, 'credentials of a container');
    is(scalar(my @once = $server->requests), 1, 'fetched once');

    $cloudwatch->set(action => { error => [403, 'ExpiredToken', 'old'] });
    request($nginx->port, target => '/') for 1 .. 3;

    ok(wait_for(sub { 2 == (() = $server->requests) }),
       'they are fetched again when they are refused');

    $cloudwatch->set(action => undef);
    is($cloudwatch->refused(5), 5, 'and nothing is lost');
    is_deeply([grep { !/aws sigv4: (?:CloudWatch|AWS has refused)/ }
               $nginx->stop_it], [], 'nginx ends well');

    return;
}
