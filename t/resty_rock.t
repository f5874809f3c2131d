# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# The rockspec has every module of lua/, each loads where nginx has the
# modules it needs, and opm's dist.ini is of the same version.

use strict;
use warnings;

use Test::More;

use lib 't/lib';

use File::Find ();

use AwsSigV4;
use AwsSigV4::Lua qw( lua_nginx lua_call );

my $root = $AwsSigV4::Nginx::ROOT;
my ($file) = glob "$root/*.rockspec";

my $nginx = lua_nginx(
    rock => 'local rock = {}
             setfenv(assert(loadstring(arg)), rock)()
             return rock',
    load => 'local ok, module = pcall(require, arg)
             return ok and (module.version or "none") or module',
);

my ($rock) = lua_call($nginx, rock => slurp($file));
my %there;

File::Find::find({ no_chdir => 1, wanted => sub {
    my ($path) = m{^\Q$root\E/(lua/.*)\.lua\z} or return;

    $there{ $path =~ s{^lua/}{}r =~ tr{/}{.}r } = "$path.lua";
} }, "$root/lua");

cmp_ok(scalar(keys %there), '>', 20, 'there are modules');
is_deeply($rock->{build}{modules}, \%there, 'the rockspec has all of them');

is($file, "$root/$rock->{package}-$rock->{version}.rockspec", 'its name');

my $version = $rock->{version} =~ s/-\d+\z//r;

for my $name (sort keys %there) {
    is((lua_call($nginx, load => $name))[0], $version, "$name: version");
}

my ($name) = slurp("$root/dist.ini") =~ /^name = (.+)$/m;
is($name, $rock->{package}, 'the same name for opm');

is(join("\n", $nginx->stop_it), '', 'nginx ended well');

done_testing();
