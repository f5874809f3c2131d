# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Every host that botocore's endpoint data yields, in all partitions, with
# its variants for FIPS and dual-stack, is signed for the service and the
# region that botocore signs for, and may be chosen by a client.

use warnings;
use strict;

use Cwd qw( abs_path );
use File::Basename qw( dirname );
use File::Temp ();
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/..');
my $core = "$root/ngx_aws_sigv4_module/core";
my $dir = File::Temp->newdir;

# where the two differ: the name in botocore's data, what botocore signs
# for, what we do, "?" for a host that may not be chosen, and why

my @differences = (
    ['iot', 'execute-api', 'iot',
     'newer versions of botocore sign for iot themselves'],

    ['oidc', 'awsssooidc', 'sso-oauth',
     'the one call that is signed, CreateTokenWithIAM, is newer'],

    ['transcribestreaming', 'transcribestreaming', 'transcribe',
     'no client has this name; the streaming API signs for transcribe'],

    ['neptune', 'neptune', 'rds',
     'shares the hosts of rds, and its model signs for rds'],

    ['docdb', 'docdb', 'rds',
     'shares the hosts of rds, and its model signs for rds'],

    ['iotsecuredtunneling', 'iotsecuredtunneling', 'IoTSecuredTunneling',
     'the data spells in lower case what the model does not'],

    # the data has another host for each of these; with its pattern for
    # variants botocore makes hosts of the name that do not exist

    map({ [$_, $_, "$_ ?", 'there is no such host'] }
        qw( neptune docdb iotsecuredtunneling ioteventsdata iotwireless )),
);

my %differing_hosts = (
    'localhost:8000' => 'for DynamoDB on the developer\'s machine',

    'ramus-gov-east-1.api.aws' => 'a dot is missing in the data',
    'ramus-gov-west-1.api.aws' => 'a dot is missing in the data',

    'health.us-east-1.amazonaws.com'
        => 'the name in the certificate of the endpoint in us-east-2',

    'codecatalyst.global.api.aws' => 'the data names no region',

    'mturk-requester-sandbox.us-east-1.amazonaws.com'
        => 'the data calls the sandbox a region',
);

my %known = map { ("$_->[0] $_->[1] $_->[2]" => $_->[3]) } @differences;


system('cc', '-O1', '-g', '-Wall', '-Wextra', '-Werror', "-I$core", '-o',
       "$dir/lookup", "$root/t/endpoint/lookup.c",
       glob("$core/sigv4_endpoint*.c")) == 0
    or BAIL_OUT('t/endpoint/lookup.c is not built');

my @expected = map { chomp; [split /\t/] }
               lines("/usr/bin/python3 '$root/t/endpoint/hosts.py'");

cmp_ok scalar @expected, '>', 15_000, 'botocore yields its hosts';

open my $fh, '>', "$dir/hosts" or die "open $dir/hosts: $!";
print $fh "$_->[0]\n" for @expected;
close $fh or die "close $dir/hosts: $!";

my @got = map { chomp; [split /\t/] } lines("'$dir/lookup' < '$dir/hosts'");

is scalar @got, scalar @expected, 'each host is answered';

my (%agree, %differ);

for my $i (0 .. $#expected) {
    my ($host, $service, $region, $name) = @{$expected[$i]};
    my ($same, $our_service, $our_region, $exact) = @{$got[$i]};

    die "answers are out of step: $host, $same" if $host ne $same;

    my $partition = partition($host);

    $agree{$partition} //= 0;
    $differ{$partition} //= [];

    if ("$service $region exact" eq "$our_service $our_region $exact") {
        $agree{$partition}++;
        next;
    }

    next if $differing_hosts{$host};

    my $ours = $our_service . ($exact eq 'exact' ? '' : ' ?');

    next if $region eq $our_region && $known{"$name $service $ours"};

    push @{$differ{$partition}},
         "$host is $service $region, got $our_service $our_region $exact";
}

for my $partition (sort keys %agree) {
    my @differ = @{$differ{$partition}};

    ok !@differ, "$agree{$partition} hosts of $partition agree"
        or diag join "\n", @differ[0 .. ($#differ < 19 ? $#differ : 19)];
}

is_deeply [sort keys %agree],
          [qw( aws aws-cn aws-iso aws-iso-b aws-us-gov other )],
          'the partitions that Debian\'s botocore has';

done_testing();


sub lines {
    my ($command) = @_;

    my @lines = `$command`;
    $? == 0 or BAIL_OUT("$command: exit code " . ($? >> 8));

    return @lines;
}


sub partition {
    my ($host) = @_;

    return $host =~ /us-gov/ ? 'aws-us-gov'
         : $host =~ /\.(?:amazonaws\.com|api\.aws)\z/ ? 'aws'
         : $host =~ /\.cn\z/ ? 'aws-cn'
         : $host =~ /\.c2s\.ic\.gov\z/ ? 'aws-iso'
         : $host =~ /\.sc2s\.sgov\.gov\z/ ? 'aws-iso-b'
         : 'other';
}
