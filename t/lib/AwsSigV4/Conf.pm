# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Conf;

# Runs "nginx -t" on the configurations that users read: on whole files, and
# on blocks that belong into http, server or location.  No name is looked up
# and no file of the machine is read: hosts become upstreams on loopback,
# and files become placeholders.

use strict;
use warnings;

use File::Basename qw( dirname );

use AwsSigV4::Nginx;
use AwsSigV4::Process qw( temp_dir slurp spew spawn stop wait_for
                          is_running );

my $binary = $AwsSigV4::Nginx::BINARY;
my $static = $AwsSigV4::Nginx::STATIC;
my $module = $AwsSigV4::Nginx::MODULE;
my $load   = 'load_module modules/ngx_http_aws_sigv4_module.so;';

# in which block a text can stand, the outermost first
my @wrappers = (
    sub { $_[0] },
    sub { "http {\n$_[0]\n}\n" },
    sub { "http {\nserver {\nlisten 127.0.0.1:8000;\n$_[0]\n}\n}\n" },
    sub { "http {\nserver {\nlisten 127.0.0.1:8000;\n"
          . "location / {\n$_[0]\n}\n}\n}\n" },
);

# directives and parameters whose value is a file that nginx reads
my $file_directive = qr{ \b(?: ssl_certificate | ssl_certificate_key
    | ssl_client_certificate | ssl_trusted_certificate
    | proxy_ssl_trusted_certificate | auth_basic_user_file
    | aws_sigv4_by_lua_file )\s+ }x;

my $file_parameter = qr{ \b(?: secret_access_key_file | session_token_file
    | file | ca_file | credentials_file | config_file )= }x;


# check(TEXT, DIR): the exit code of "nginx -t", and what it printed; DIR
# has what the text includes

sub check {
    my ($text, $from) = @_;
    my ($rc, $output);

    if (defined $from) {
        $text =~ s/^\s*include\s+([\w.-]+);/
                   -e "$from\/$1" ? slurp("$from\/$1") : $&/gemx;
    }

    for my $wrapper (@wrappers) {
        ($rc, $output) = run($wrapper->($text), $from);

        last if $output !~ /directive is not allowed here/;
    }

    return ($rc, $output);
}


sub run {
    my ($text, $from) = @_;

    my $dir = temp_dir();
    mkdir "$dir/logs";
    symlink dirname($module), "$dir/modules" or die "symlink: $!";

    my @preface;

    $text =~ s/^\s*load_module\s+\S*aws_sigv4\S*;//m if $static;

    $text = lua($dir, $text, $from, \@preface) if $text =~ /_by_lua|\blua_/;
    push @preface, $load unless $static || $text =~ /aws_sigv4_module\.so/;
    push @preface, 'events {}' unless $text =~ /^\s*events\s*\{/m;

    $text = writable(hosts(files($dir, $text)));
    spew("$dir/nginx.conf", join(' ', @preface) . "\n$text");

    my @command = ($binary, '-t', '-p', $dir, '-c', 'nginx.conf',
                   '-e', 'stderr');

    push @command, '-g', "pid $dir/nginx.pid;" unless $text =~ /^\s*pid\s/m;

    my $pid = spawn(command => \@command, output => "$dir/output",
                    env => environment($dir));
    wait_for(sub { !is_running($pid) });

    return (stop($pid, 'TERM'), slurp("$dir/output"));
}


# the keys that the chain of providers finds, and what each type finds where
# it belongs

sub environment {
    my ($dir) = @_;

    return {
        (map { $_ => undef } grep { /^AWS_/ } keys %ENV),
        AWS_ACCESS_KEY_ID           => 'AKIDEXAMPLE',
        AWS_SECRET_ACCESS_KEY       => 'secret',
        AWS_SHARED_CREDENTIALS_FILE =>
            placeholder($dir, 'credentials_file='),
        AWS_ROLE_ARN                => 'arn:aws:iam::123456789012:role/r',
        AWS_WEB_IDENTITY_TOKEN_FILE => '/var/run/secrets/token',
        AWS_CONTAINER_CREDENTIALS_FULL_URI =>
            'http://169.254.170.23/v1/credentials',
    };
}


# what nginx reads becomes a placeholder of the kind that is needed

sub files {
    my ($dir, $text) = @_;
    my $placeholder = sub {
        my ($prefix) = @_;

        return $prefix . placeholder($dir, $prefix);
    };

    $text =~ s/($file_directive)([^\s;]+)/$placeholder->($1)/ge;
    $text =~ s/($file_parameter)([^\s;]+)/$placeholder->($1)/ge;

    return $text;
}


sub placeholder {
    my ($dir, $prefix) = @_;
    my $kind = $prefix =~ /ssl_|ca_file/      ? 'pem'
             : $prefix =~ /lua/               ? 'lua'
             : $prefix =~ /credentials_file/  ? 'credentials'
             : $prefix =~ /config_file/       ? 'config'
             : $prefix =~ /^file=/            ? 'csv'
             :                                  'secret';

    my %content = (
        lua         => "sigv4.region = 'us-east-1'\n",
        credentials => "[default]\naws_access_key_id = AKIDEXAMPLE\n"
                       . "aws_secret_access_key = secret\n",
        config      => "[default]\nregion = us-east-1\n",
        csv         => "Access key ID,Secret access key\n"
                       . "AKIDEXAMPLE,secret\n",
        secret      => "secret\n",
    );

    my $file = "$dir/placeholder.$kind";

    if ($kind eq 'pem') {
        certificate($file) unless -e $file;
    } else {
        spew($file, $content{$kind}, 0600);
    }

    return $file;
}


sub certificate {
    my ($file) = @_;

    system('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 '
           . '-nodes -subj /CN=localhost -days 2 '
           . "-keyout '$file.key' -out '$file.crt' 2>/dev/null "
           . "&& cat '$file.key' '$file.crt' >'$file'") == 0
        or die "openssl failed";

    return;
}


# ngx_lua finds the modules of the project, and the files of the example that
# are to be below /etc/nginx; keys that these name become placeholders

sub lua {
    my ($dir, $text, $from, $preface) = @_;

    $text =~ s/^load_module\s+\S*\/(?:ndk_http|ngx_http_lua)_module\.so;//gm;
    push @$preface, map { "load_module $AwsSigV4::Nginx::MODULES/$_.so;" }
        qw( ndk_http_module ngx_http_lua_module );

    $text =~ s{^(\s*http\s*\{)}
              {$1 lua_package_path "$AwsSigV4::Nginx::ROOT/lua/?.lua;;";}m;

    $text =~ s{"/etc/nginx/(?:[\w-]+/)*([\w-]+\.lua)"}
              { '"' . lua_file($dir, $1, $from) . '"' }ge;

    return $text;
}


sub lua_file {
    my ($dir, $name, $from) = @_;

    my $content = slurp(($from // '.') . "/$name");

    $content =~ s/\b(key_file\s*=\s*)"[^"]*"/
                  $1 . '"' . placeholder($dir, 'secret') . '"'/gex;

    return spew("$dir/$name", $content);
}


# what nginx writes by default only root may write

sub writable {
    my ($text) = @_;

    my @lines = map { "${_}_temp_path tmp_$_;" }
                grep { $text !~ /^\s*${_}_temp_path\s/m }
                qw( client_body proxy fastcgi uwsgi scgi );

    unshift @lines, 'access_log off;' unless $text =~ /^\s*access_log\s/m;

    return $text =~ s/^(\s*http\s*\{)/$1 @lines/mr;
}


# a host of proxy_pass that nginx would look up at its start becomes an
# upstream of that name

sub hosts {
    my ($text) = @_;
    my %seen;

    $text =~ s/^(\s*server\s+)[a-z][\w.-]*\.[a-z]+(?=[:;\s])/${1}127.0.0.1/mg;

    while ($text =~ m{\bproxy_pass\s+https?://([\w.-]+)(?=[:/;])}g) {
        my $host = $1;

        next if $host =~ /^[\d.]+$/ || $host =~ /^(?:unix|localhost)$/;
        next if $text =~ /\bupstream\s+\Q$host\E\s*\{/;

        $seen{$host} = 1;
    }

    my $upstreams = join '', map { "upstream $_ { server 127.0.0.1:9; }\n" }
                             sort keys %seen;

    $text =~ s/^(\s*http\s*\{)/$1\n$upstreams/m if $upstreams ne '';

    return $text;
}


1;
