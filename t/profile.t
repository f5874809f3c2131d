# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# The files of the AWS CLI are read as botocore reads them, which is shown
# on files made at random; and where the two differ on purpose, both are
# shown with the reason.

use warnings;
use strict;

use Cwd qw( abs_path );
use File::Basename qw( dirname );
use File::Temp ();
use Test::More;

use lib dirname(__FILE__) . '/lib';
use AwsSigV4::Process qw( spew );

my $root = abs_path(dirname(__FILE__) . '/..');
my $module = "$root/ngx_aws_sigv4_module";
my $python = $ENV{TEST_PYTHON} || '/usr/bin/python3';
my $botocore = "$python '$root/t/profile/botocore_says.py'";
my $dir = File::Temp->newdir;

my $seed = $ENV{TEST_SEED} || 20270131;
my $count = $ENV{TEST_COUNT} || 3000;

# kind of file, its text, what botocore reads, what we read; "!" is a file
# that is refused

my @differences = (
    ['a section and a key that come again are merged, as in other SDKs',
     'credentials',
     "[prod]\nregion=a\nregion=b\n[prod]\naws_access_key_id=c\n",
     '!', 'prod.aws_access_key_id=c prod.region=b'],

    ['a comment after a value, as the format is documented',
     'credentials', "[prod]\nregion = a # b\n",
     'prod.region=a # b', 'prod.region=a'],

    ['a value that is a comment', 'credentials', "[prod]\nregion = # b\n",
     'prod.region=# b', 'prod.region='],

    ['a colon ends no key, as in other SDKs',
     'credentials', "[prod]\nregion: a\n",
     'prod.region=a', '!'],

    ['a colon in a key', 'credentials', "[prod]\nregion:a = b\n",
     'prod.region=a = b', ''],

    ['text behind a section is an error', 'credentials',
     "[prod] x\nregion=a\n",
     'prod.region=a', '!'],

    ['a bracket in the name of a section', 'credentials',
     "[prod]]\nregion=a\n",
     '', '!'],

    ['a key that begins with a bracket is a section that is cut',
     'credentials', "[prod]\n[region=a\n",
     '', '!'],

    ['blanks around the name of a section', 'credentials',
     "[ prod ]\nregion=a\n",
     '', 'prod.region=a'],

    ['a byte order mark, which editors on Windows write', 'credentials',
     "\xef\xbb\xbf[prod]\nregion=a\n",
     '!', 'prod.region=a'],

    ['bytes that are no UTF-8 in a value that is not used', 'credentials',
     "[prod]\nx=\xff\nregion=a\n",
     '!', 'prod.region=a'],

    ['[default] and [profile default] are one profile', 'config',
     "[profile default]\nregion=a\n[default]\naws_access_key_id=b\n",
     'default.aws_access_key_id=b',
     'default.aws_access_key_id=b default.region=a'],

    ['a section is not a profile because it begins with that word',
     'config', "[profiles prod]\nregion=a\n",
     'prod.region=a', ''],

    ['quotes inside of a name', 'config', "[profile pr\"od\"]\nregion=a\n",
     'prod.region=a', ''],
);


system(($ENV{CC} || 'cc'), qw( -O1 -g -Wall -Wextra -Werror ), "-I$module",
       "-I$module/core", '-o', "$dir/parse", "$root/t/profile/parse.c",
       "$module/providers/sigv4_ini.c") == 0
    or BAIL_OUT('t/profile/parse.c is not built');


my @cases = lines("$botocore $seed $count");

is scalar @cases, $count, 'files are made';

my @ours = parse(@cases);
my @differ = grep { $cases[$_][2] ne $ours[$_] } 0 .. $#cases;

ok !@differ, "$count files are read as botocore reads them, seed $seed";

for my $i (@differ[0 .. ($#differ < 4 ? $#differ : 4)]) {
    diag "$cases[$i][0] file:\n", pack('H*', $cases[$i][1]),
         "\nbotocore: ", plain($cases[$i][2]), "\nours: ", plain($ours[$i]);
}

my $valid = grep { $_->[2] ne '!' } @cases;
my $full = grep { $_->[2] =~ / / } @cases;

cmp_ok $valid, '>', $count / 2, 'more than half of them are valid';
cmp_ok $full, '>', $count / 4, 'and many have several keys';


spew("$dir/differences", join '',
     map { "$_->[1]\t" . unpack('H*', $_->[2]) . "\n" } @differences);

@cases = lines("$botocore < $dir/differences");
@ours = parse(@cases);

for my $i (0 .. $#differences) {
    my ($why, undef, undef, $theirs, $expected) = @{ $differences[$i] };

    is plain($cases[$i][2]), $theirs, "botocore: $why";
    is plain($ours[$i]), $expected, "here: $why";
}

done_testing();


sub lines {
    my ($command) = @_;

    my @lines = `$command`;
    $? == 0 or BAIL_OUT("$command: exit code " . ($? >> 8));

    return map { chomp; [split /\t/, $_, -1] } @lines;
}


sub parse {
    my (@files) = @_;

    spew("$dir/files", join '', map { "$_->[0]\t$_->[1]\n" } @files);

    my @answers = map { $_->[0] // '' } lines("$dir/parse < $dir/files");

    @answers == @files or BAIL_OUT('parse.c has left out an answer');

    return @answers;
}


sub plain {
    my ($words) = @_;

    return $words =~ s/([0-9a-f]{2})/chr hex $1/ger;
}
