# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# The rules of style that a machine can check, on every file; and each rule
# on a text that breaks it, so that no rule is one that never fires.

use warnings;
use strict;

use Cwd qw( abs_path );
use File::Basename qw( dirname );
use File::Find ();
use Test::More;

use lib dirname(__FILE__) . '/lib';

use AwsSigV4::Conf;

my $root = abs_path(dirname(__FILE__) . '/..');
chdir $root or die "chdir $root: $!";

# a token that may not stand in the files, put together here
my $left_over = join '|', map { "\\b$_\\b" } 'TO' . 'DO', 'FIX' . 'ME',
                                             'X' . 'XX';

my $machine_path = join '|', map { "/$_/" } 'wo' . 'rk', 'fa' . 'rm';


# the rules: (name, files, check), where check is given the path and the
# text and returns what is wrong, with line numbers

my @rules = (
    ['no line has more than 80 columns', 'c lua sh make',
     lines(sub { length > 80 })],

    ['no tabs', 'c lua sh perl python',
     lines(sub { /\t/ })],

    ['no blanks at the end of a line', 'c lua sh make perl python conf',
     lines(sub { /[ \t]$/ })],

    ['each file ends with one newline', 'c lua sh make python conf',
     sub { $_[1] =~ /[^\n]\n\z/ ? () : ('the end') }],

    ['each file names its licence', 'c lua sh make perl python',
     sub {
         my $top = join "\n", grep { defined } (split /\n/, $_[1])[0 .. 11];
         return $top =~ /SPDX-License-Identifier: BSD-2-Clause/ ? () : ('top');
     }],

    ['nothing is left for later', 'c lua sh make perl python conf doc',
     lines(sub { /$left_over|^\s*#\s*if\s+0\b/ })],

    ['no path of one machine', 'c lua sh make perl python conf doc',
     lines(sub { m{(?<![\w./])(?:$machine_path)} })],

    ['comments in C are /* */', 'c',
     lines(sub { s/"(?:[^"\\]|\\.)*"//gr =~ m{(?<!:)//} })],

    ['functions in C stand two blank lines apart', 'c', \&blank_lines],

    ['a function in C starts on its own line', 'c',
     lines(sub { /^\w.*\)\s*\{\s*$/ && !/^(?:typedef|struct|enum|union)/ })],

    ['no function in C is longer than 100 lines', 'c', \&long_functions],

    ['no file is longer than 800 lines', 'c lua sh python',
     sub {
         my $n = $_[1] =~ tr/\n//;
         return $n > 800 ? ("$n lines") : ();
     }],

    ['headers have a guard of their name', 'c', \&guard],

    ['the core knows nothing of nginx', 'core',
     lines(sub { /\b(?:ngx|NGX)_(?!aws_sigv4_module authors)/ })],

    ['the core includes its own and standard headers', 'core', \&includes],

    ['nginx decides first what the headers of the system define', 'module',
     \&config_first],

    ['OpenSSL is included in one file', 'module',
     sub {
         my ($path, $text) = @_;
         return if $path =~ m{core/sigv4_crypto_openssl\.c$};
         return lines(sub { /^\s*#\s*include\s*<openssl/ })->($path, $text);
     }],

    ['shell scripts make temporary files by template', 'sh',
     lines(sub { /\bmktemp\b(?!.*X{6})/ && !/^\s*#/ })],

    ['links lead to what is there', 'doc', \&dead_links],

    ['what can be executed says by what, and nothing else does',
     'c lua sh make perl python conf doc',
     sub { (-x $_[0] xor $_[1] =~ /^#!/) ? ('its mode') : () }],
);


# for each rule a text that breaks it; the path decides what it is taken for

my %planted = (
    'no line has more than 80 columns' =>
        ['a.c', 'x' x 81 . "\n"],
    'no tabs' =>
        ['a.lua', "if x then\n\treturn\nend\n"],
    'no blanks at the end of a line' =>
        ['a.sh', "echo \n"],
    'each file ends with one newline' =>
        ['a.c', "int  a;\n\n"],
    'each file names its licence' =>
        ['a.c', "int  a;\n"],
    'nothing is left for later' =>
        ['a.c', "#if 0\n#endif\n"],
    'no path of one machine' =>
        ['a.sh', 'cd /wo' . "rk/main\n"],
    'comments in C are /* */' =>
        ['a.c', "int  a;  // one\n"],
    'functions in C stand two blank lines apart' =>
        ['a.c', "int\na(void)\n{\n}\n\nint\nb(void)\n{\n}\n"],
    'a function in C starts on its own line' =>
        ['a.c', "int a(void) {\n}\n"],
    'no function in C is longer than 100 lines' =>
        ['a.c', "int\na(void)\n{\n" . "    a();\n" x 101 . "}\n"],
    'no file is longer than 800 lines' =>
        ['a.c', "\n" x 801],
    'headers have a guard of their name' =>
        ['a.h', "#ifndef _B_H_INCLUDED_\n#define _B_H_INCLUDED_\n"],
    'the core knows nothing of nginx' =>
        ['ngx_aws_sigv4_module/core/a.c', "ngx_int_t  a;\n"],
    'the core includes its own and standard headers' =>
        ['ngx_aws_sigv4_module/core/a.c', "#include <ngx_config.h>\n"],
    'nginx decides first what the headers of the system define' =>
        ['ngx_aws_sigv4_module/ngx_http_a.c',
         "#include <lua.h>\n#include \"ngx_http_b.h\"\n"],
    'OpenSSL is included in one file' =>
        ['ngx_aws_sigv4_module/a.c', "#include <openssl/evp.h>\n"],
    'shell scripts make temporary files by template' =>
        ['a.sh', "dir=\$(mktemp -d)\n"],
    'links lead to what is there' =>
        ['a.md', "# A\n\n[a](#a) [b](#b) [c](c.md)\n"],
    'what can be executed says by what, and nothing else does' =>
        ['a.sh', "#!/bin/bash\n"],
);


my %files = files();

for my $rule (@rules) {
    my ($name, $kinds, $check) = @$rule;
    my @wrong;

    for my $path (map { @{ $files{$_} || [] } } split ' ', $kinds) {
        push @wrong, map { "$path: $_" } $check->($path, text($path));
    }

    ok(!@wrong, $name) or diag(join "\n", @wrong);

    my ($path, $text) = @{ $planted{$name} };
    ok(scalar($check->($path, $text)), "$name: a planted breach is found");
}

ok(@{ $files{core} } > 3, 'the core is among the files looked at');

exported();
configurations();
planted_configurations();
version();
documented();
sources();

done_testing();


# lines(CHECK): a check of each line, which is in $_

sub lines {
    my ($check) = @_;

    return sub {
        my ($path, $text) = @_;
        my ($number, @wrong) = (0);

        for (split /\n/, $text) {
            $number++;
            push @wrong, "line $number: $_" if $check->();
        }

        return @wrong;
    };
}


# _GNU_SOURCE comes with ngx_config.h, or with a header that includes it

sub config_first {
    my ($path, $text) = @_;

    return if $path =~ m{core/|/sigv4_[^/]*$};

    my ($first) = $text =~ /^#include\s+(\S+)/m;

    return if !defined $first || $first =~ /^(?:<ngx_config\.h>|".*ngx_)/;

    return ("$first comes first");
}


# a function ends with "}" in the first column

sub blank_lines {
    my ($path, $text) = @_;
    my @lines = split /\n/, $text;
    my @wrong;

    for my $i (0 .. $#lines) {
        if ($i > 2 && !grep { $_ ne '' } @lines[$i - 2 .. $i]) {
            push @wrong, 'line ' . ($i + 1) . ': a third blank line';
        }

        next if $lines[$i] ne '}' || $i == $#lines;

        my $next = $i + 1;
        $next++ while $next < $#lines && $lines[$next] eq '';

        next if $lines[$next] =~ /^#\s*(?:endif|else|elif)/;
        next if $next - $i == 3;

        push @wrong, 'line ' . ($i + 1) . ': not two blank lines follow';
    }

    return @wrong;
}


sub long_functions {
    my ($path, $text) = @_;
    my ($start, @wrong);
    my $number = 0;

    for (split /\n/, $text) {
        $number++;
        $start = $number if $_ eq '{';

        if ($_ eq '}' && defined $start) {
            my $length = $number - $start - 1;
            push @wrong, "line $start: $length lines" if $length > 100;
            undef $start;
        }
    }

    return @wrong;
}


sub guard {
    my ($path, $text) = @_;

    return unless $path =~ m{([^/]+)\.h$};

    my $name = '_' . uc($1) . '_H_INCLUDED_';

    return $text =~ /^#ifndef $name\n#define $name\n/m ? () : ($name);
}


sub includes {
    my ($path, $text) = @_;
    my @wrong;

    while ($text =~ /^\s*#\s*include\s*([<"])([^>"]+)/mg) {
        my ($mark, $name) = ($1, $2);

        next if $mark eq '"' && $name =~ m{^sigv4[\w]*\.h$};
        next if $mark eq '<' && $name =~ m{^(?:std\w+|string|time|limits)\.h$};
        next if $name =~ m{^openssl/};

        push @wrong, $name;
    }

    return @wrong;
}


# in the text itself, to a heading, or in the tree, to a file

sub dead_links {
    my ($path, $text) = @_;

    my %anchors = map { lc(s/[^\w -]//gr) =~ s/ /-/gr => 1 }
                      $text =~ /^#+ (.*)$/mg;

    return grep { /^#(.*)/ ? !$anchors{$1} : !-e dirname($path) . "/$_" }
           $text =~ /\]\(([^):]+)\)/g;
}


sub text {
    my ($path) = @_;

    open my $file, '<', $path or die "$path: $!";
    local $/;

    return scalar <$file> // '';
}


sub kind {
    my ($path, $text) = @_;

    return 'c' if $path =~ /\.[ch]$/;
    return 'lua' if $path =~ /\.lua$|\.luacheckrc$/;
    return 'perl' if $path =~ /\.(?:t|pm|pl)$/;
    return 'python' if $path =~ /\.py$/;
    return 'conf' if $path =~ m{^examples/.*\.(?:conf|ya?ml)$};
    return 'doc' if $path =~ /\.md$|^CHANGES$/;
    return 'make' if $path =~ m{^(?:Makefile|config)$|\.map$};
    return 'sh' if $path =~ /\.sh$/ || $text =~ m{^#!/bin/(?:ba)?sh\n};
    return 'python' if $text =~ m{^#!/usr/bin/(?:env )?python3\n};
    return;
}


sub files {
    my %files;

    File::Find::find({ no_chdir => 1, wanted => sub {
        my $path = $File::Find::name =~ s{^\./}{}r;

        if (-d && m{/(?:build|\.git|node_modules|__pycache__)$}) {
            $File::Find::prune = 1;
            return;
        }

        return unless -f && -T _;

        my $kind = kind($path, text($path)) or return;

        push @{ $files{$kind} }, $path;
        push @{ $files{module} }, $path
            if $path =~ m{^ngx_aws_sigv4_module/};
        push @{ $files{core} }, $path
            if $path =~ m{^ngx_aws_sigv4_module/core/};
    } }, '.');

    @$_ = sort @$_ for values %files;

    return %files;
}


sub symbols {
    my @command = @_;

    open my $pipe, '-|', @command or die "$command[0]: $!";
    my @symbols = map { /\s[A-TV-Z]\s+(\w+)$/ ? $1 : () } <$pipe>;
    close $pipe;

    return @symbols;
}


sub exported {
    my @names = symbols('nm', '-D', '--defined-only',
                        'build/ngx_http_aws_sigv4_module.so');

    ok(scalar(grep({ $_ eq 'ngx_http_aws_sigv4_module' } @names)),
       'the shared object shows the module');

    my @loader = qw( ngx_modules ngx_module_names ngx_module_order );
    my $allowed = join '|', @loader, 'ngx_http_aws_sigv4_module',
                            'ngx_http_aws_sigv4_ffi_\w+';

    is_deeply([grep { !/^(?:$allowed)$/ } @names], [],
              'the shared object shows nothing that it need not');

    my @objects = grep { !/_modules\.o$/ } glob 'build/objs/addon/*/*.o';
    @names = symbols('nm', '--defined-only', '-g', @objects);

    ok(@objects > 3 && @names > 10, 'there are symbols to look at');
    is_deeply([grep { !/^(?:ngx_http_aws_)?sigv4_/ } @names], [],
              'each global symbol has the prefix of its layer');

    return;
}


# every configuration of the examples, and every fenced one of the documents

sub configurations {
    # parts are looked at in the files that include them
    my @confs = grep { /\.conf$/ && !/-(?:variables|locations)\.conf$/ }
                @{ $files{conf} };

    ok(scalar @confs, 'there are examples');

    for my $path (@confs) {
        my ($rc, $output) = AwsSigV4::Conf::check(text($path),
                                                  dirname($path));

        is($rc, 0, "nginx takes $path") or diag($output);
        unlike($output, qr/\[warn\]/, "nginx does not warn of $path");
    }

    for my $path ('README.md', glob('docs/*.md')) {
        my $doc = text($path);
        my $blocks = 0;

        while ($doc =~ /^```nginx\n(.*?)^```$/msg) {
            my $block = $1;
            my $line = 1 + (substr($doc, 0, $-[0]) =~ tr/\n//);
            # what the blocks include is of an example
            my ($rc, $output) = AwsSigV4::Conf::check(
                $block, 'examples/llm-gateway');

            is($rc, 0, "nginx takes the block in line $line of $path")
                or diag($output);
            unlike($output, qr/\[warn\]/, 'and does not warn of it');
            $blocks++;
        }

        ok($blocks, "there are configurations in $path");
    }

    return;
}


sub planted_configurations {
    my %blocks = (
        'a location'  => "aws_sigv4  on;\naws_sigv4_service  aps;\n"
                         . "aws_sigv4_region  eu-west-1;\n"
                         . "proxy_pass  http://127.0.0.1;\n",
        'a server'    => "location /a {\n    aws_sigv4  on;\n}\n",
        'http'        => "server {\n    listen  127.0.0.1:8000;\n}\n",
        'the whole'   => "events {}\nhttp {\n}\n",
        'a host'      => "location / {\n    aws_sigv4  on;\n"
                         . "    proxy_pass  http://sts.amazonaws.com;\n}\n",
    );

    for my $name (sort keys %blocks) {
        my ($rc, $output) = AwsSigV4::Conf::check($blocks{$name});

        is($rc, 0, "a block is taken: $name") or diag($output);

        ($rc, $output) = AwsSigV4::Conf::check("aws_sigv4_  on;\n$blocks{$name}");

        like($output, qr/unknown directive "aws_sigv4_"/,
             "a planted error in it is found: $name");
    }

    return;
}


sub version {
    my ($changes) = text('CHANGES') =~ /^Changes with \S+ (\S+)/m;
    my ($module) = text('ngx_aws_sigv4_module/ngx_http_aws_sigv4_conf.h')
                   =~ /_VERSION\s+"([^"]+)"/;

    is($module, $changes, 'the version is that of CHANGES');

    return;
}


# what a user can write and read stands in the README

sub documented {
    my $dir = 'ngx_aws_sigv4_module/ngx_http_aws_sigv4';
    my $readme = text('README.md');
    my $changes = text('CHANGES');

    my @directives = text("${dir}_module.c")
                     =~ /^    \{ ngx_string\("(aws_sigv4\w*)"\)/mg;

    ok(@directives > 3, 'there are directives');
    is_deeply([grep { $readme !~ /^\*\*Syntax:\*\* \*\*`$_`/m } @directives], [],
              'the README has the syntax of each directive');
    is_deeply([grep { $changes !~ /"$_"/ } @directives], [],
              'CHANGES names each directive');

    my @variables = text("${dir}_variables.c")
                    =~ /^    \{ ngx_string\("(aws_sigv4\w*)"\)/mg;

    ok(@variables > 3, 'there are variables');
    is_deeply([grep { $readme !~ /^\|.*`\$$_`/m } @variables], [],
              'the README has each variable');

    my ($words) = text("${dir}_variables.c")
                  =~ /_statuses\[\] = \{(.*?)^\};/ms;
    my ($table) = $readme
                  =~ /^\| `\$aws_sigv4_status` \| meaning (.*?)\n\n/ms;

    is_deeply([sort map { /`(\w+)`/g } $table =~ /^\|(.*?)\|/mg],
              [sort(($words // '') =~ /"(\w+)"/g)],
              'the README has each status, and no other');

    return;
}


# a file that is missing there would be missing from the module

sub sources {
    my %list = ('.c' => 'aws_sigv4_srcs', '.h' => 'aws_sigv4_deps');

    for my $suffix (sort keys %list) {
        my ($files) = text('config') =~ /^$list{$suffix}="(.*?)"/ms;
        my @there = map { s{^ngx_aws_sigv4_module/}{}r }
                    grep { m{^ngx_aws_sigv4_module/.*\Q$suffix\E$} }
                    @{ $files{c} };

        is_deeply([sort split ' ', $files // ''], \@there,
                  "config lists every $suffix file");
    }

    return;
}
