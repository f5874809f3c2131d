# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::S3Clients;

# Clients of S3 that know no valid key, and a gateway that signs for them in
# front of a real server.  Each method is one subtest.

use strict;
use warnings;

use Digest::SHA ();
use File::Find  ();
use Test::More;

use AwsSigV4;
use AwsSigV4::Nginx;
use AwsSigV4::Process qw(run);
use AwsSigV4::Verifier;

my $script = "$AwsSigV4::Nginx::ROOT/t/clients/s3.py";

# Names as users have them.
my %TREE = (
    'plain.txt'                                => "plain\n",
    'empty'                                    => '',
    'space and+plus.txt'                       => "space\n",
    'percent%2Fslash%20%25'                    => "percent\n",
    "at\@equals=colon:(round)!bang'star*~;&\$" => "marks\n",
    "caf\xc3\xa9 \xe3\x81\x82 \xf0\x9f\x98\x80"  => "UTF-8\n",
    'sub dir/deeper/.dots..txt'               => "dots\n",
    'large.bin' => substr(join('', map { pack 'N*', $_ * 4099 .. $_ * 4099
                                         + 4095 } 0 .. 1100),
                          0, 17 * 1024 * 1024),
);

# What may follow the name of a bucket in a request line: what is the same
# key stands in one row, the way it is stored first.
my @SPELLINGS = (
    ['plain',               'plain', '%70lain'],
    ['space and+plus',      'space%20and+plus', 'space%20and%2Bplus',
                            'space%20and%2bplus'],
    ['percent%2Fslash',     'percent%252Fslash', '%70ercent%252Fslash'],
    ['a/b',                 'a%2Fb', 'a%2fb', 'a/b'],
    ['at@equals=colon:',    'at@equals=colon:', 'at%40equals%3Dcolon%3A',
                            'at%40equals%3dcolon%3a'],
    ["(round)!bang'star*",  "(round)!bang'star*",
                            '%28round%29%21bang%27star%2A'],
    ['~;,&$',               '~;,&$', '%7E%3B%2C%26%24'],
    ["caf\xc3\xa9",         "caf\xc3\xa9", 'caf%C3%A9', 'caf%c3%a9'],
    ["\xe3\x81\x82",        "\xe3\x81\x82", '%E3%81%82'],
    ["\xf0\x9f\x98\x80",    "\xf0\x9f\x98\x80", '%F0%9F%98%80'],
    ['a//b///c',            'a//b///c', 'a/%2Fb//%2Fc'],
    ['dots/./x/../y/...',   'dots/./x/../y/...', 'dots/%2E/x/%2E%2E/y/...'],
    ['q?m#h',               'q%3Fm%23h', 'q%3fm%23h'],
    ['"<>[]{}|\\^`',        '"<>[]{}|\\^`',
                            '%22%3C%3E%5B%5D%7B%7D%7C%5C%5E%60'],
    ['ends/',               'ends/', 'ends%2F'],
);

my $LOCATION = <<'EOC';
location / {
    aws_sigv4           on;
    aws_sigv4_service   s3;
    aws_sigv4_region    us-east-1;
    proxy_pass          http://127.0.0.1:$TEST_BACKEND_PORT;
    proxy_http_version  1.1;
    proxy_set_header    Connection "";
}
EOC

# Servers of the gateway, by the name of their port: the right one over TLS,
# one for the bucket in its name, and one for each thing that can be wrong.
my %SERVERS = (
    TLS     => ['ssl', 'ssl_certificate $TEST_CERT;
                 ssl_certificate_key $TEST_CERT_KEY;' . $LOCATION],
    VHOST   => ['', $LOCATION =~ s/\}\n\z/
                 proxy_set_header Host raw.s3.localhost;\n}/r],
    SECRET  => ['', $LOCATION =~ s/on;/on; aws_sigv4_credentials wrong;/r],
    REGION  => ['', $LOCATION =~ s/us-east-1/eu-west-1/r],
    SERVICE => ['', $LOCATION =~ s/\bs3;/sts;/r],
);

my $PROVIDERS = <<'EOC';
aws_sigv4_provider default static access_key_id=$TEST_BACKEND_AKID
                   secret_access_key=$TEST_BACKEND_SECRET;
aws_sigv4_provider wrong static access_key_id=$TEST_BACKEND_AKID
                   secret_access_key=$TEST_OTHER_SECRET;
client_max_body_size 64m;
EOC

sub new {
    my ($class, $server) = @_;

    my ($cert, $cert_key) = make_cert();
    my $servers = join '', map {
        my ($options, $text) = @{ $SERVERS{$_} };
        "server {\n listen 127.0.0.1:\$TEST_PORT_$_ $options;\n$text\n}\n";
    } sort keys %SERVERS;

    my $nginx = start_nginx(
        http_config => $PROVIDERS . $servers,
        config      => $LOCATION,
        variables   => [qw(aws_sigv4_status aws_sigv4_cause)],
        values      => {
            TEST_CERT           => $cert,
            TEST_CERT_KEY       => $cert_key,
            TEST_BACKEND_PORT   => $server->port,
            TEST_BACKEND_AKID   => $server->access_key_id,
            TEST_BACKEND_SECRET => $server->secret_access_key,
        },
    );

    my $self = bless {
        server => $server, nginx => $nginx, dir => temp_dir(), cert => $cert,
    }, $class;
    $self->_files;

    return $self;
}

sub _files {
    my ($self) = @_;

    my $dir = $self->{dir};

    spew("$dir/tree/$_", $TREE{$_}) for keys %TREE;
    spew("$dir/aws", "[default]\ns3 =\n  addressing_style = path\n");
    mkdir "$dir/home";

    return;
}

sub port_of {
    my ($self, $which) = @_;

    return $self->{nginx}->value(
        defined $which ? "TEST_PORT_$which" : 'TEST_PORT');
}

sub _url { return 'http://127.0.0.1:' . port_of(@_) }

# A client, with keys that nobody knows, and as if at home.
sub _run {
    my ($self, %arg) = @_;

    my %env = map { $_ => undef } grep { /^AWS_|^S3|_proxy$/i } keys %ENV;

    return run(
        command => $arg{command},
        limit   => 300,
        cwd     => $self->{dir},
        env     => {
            %env,
            HOME                      => "$self->{dir}/home",
            LC_ALL                    => 'C.UTF-8',
            AWS_ACCESS_KEY_ID         => 'AKIDNOBODY',
            AWS_SECRET_ACCESS_KEY     => 'nothing',
            AWS_DEFAULT_REGION        => 'us-east-1',
            AWS_EC2_METADATA_DISABLED => 'true',
            AWS_MAX_ATTEMPTS          => 1,
            AWS_PAGER                 => '',
            AWS_CONFIG_FILE           => "$self->{dir}/aws",
            %{ $arg{env} || {} },
        },
    );
}

# The command succeeds; gives what it printed.
sub _works {
    my ($self, $name, @command) = @_;

    my ($code, $output) = $self->_run(command => \@command);
    is($code, 0, $name) or diag($output);

    return $output;
}

sub _fails {
    my ($self, $name, @command) = @_;

    my ($code, $output) = $self->_run(command => \@command);
    ok($code, $name) or diag($output);

    return $output;
}

# The SHA-256 of every file below a directory.
sub _tree {
    my ($self, $name) = @_;

    my $top = "$self->{dir}/$name";
    my %sum;

    File::Find::find({ no_chdir => 1, wanted => sub {
        return unless -f;
        $sum{ substr $_, 1 + length $top }
            = Digest::SHA->new(256)->addfile($_)->hexdigest;
    } }, $top) if -d $top;

    return \%sum;
}

sub _same_tree {
    my ($self, $name) = @_;

    is_deeply($self->_tree($name), $self->_tree('tree'),
              'every file came back as it was');

    return;
}

# boto3('dummy') signs with a key that nobody knows, boto3('unsigned') not.
sub boto3 {
    my ($self, $how) = @_;

    subtest "boto3, $how" => sub {
        my ($code, $output) = $self->_boto3(undef, $how);

        while ($output =~ /^(not )?ok - (.*)$/mg) {
            ok(!$1, $2);
        }
        like($output, qr/^done$/m, 'ran to its end') or diag($output);
        is($code, 0, 'exit code');

        (undef, $output) = $self->_boto3('SECRET', $how);
        unlike($output, qr/^ok/m, 'a wrong secret');
        like($output, qr/^not ok - create: .*SignatureDoesNotMatch/m,
             'boto3 says why');
    };

    return;
}

sub _boto3 {
    my ($self, $which, $how) = @_;

    return $self->_run(command => [
        $AwsSigV4::Verifier::PYTHON, $script, $self->_url($which), $how,
        "boto3-$how",
    ]);
}

sub _aws { return ('/usr/bin/aws', '--endpoint-url', $_[0]->_url($_[1])) }

sub awscli {
    my ($self) = @_;

    subtest 'awscli' => sub {
        my @s3 = ($self->_aws, 's3');

        $self->_works('mb', @s3, 'mb', 's3://awscli');
        $self->_works('sync to it', @s3, 'sync', 'tree', 's3://awscli/a b+c');
        my $list = $self->_works('ls', @s3, 'ls', '--recursive',
                                 's3://awscli');
        like($list, qr{17825792 a b\+c/large\.bin$}m, 'the list has sizes');
        $self->_works('sync from it, unsigned', @s3, '--no-sign-request',
                      'sync', 's3://awscli/a b+c', 'from-awscli');
        $self->_same_tree('from-awscli');
        $self->_works('rb', @s3, 'rb', '--force', 's3://awscli');

        $self->_fails('a wrong secret', $self->_aws('SECRET'), 's3', 'ls');
    };

    return;
}

sub _rclone {
    my ($self, $which) = @_;

    my $config = "$self->{dir}/rclone" . ($which // '');
    my $url = $self->_url($which);

    spew($config, <<"EOC");
[x]
type = s3
provider = Ceph
env_auth = true
endpoint = $url
region = us-east-1
force_path_style = true
upload_cutoff = 5M
EOC

    return ('rclone', '--config', $config, '--retries', 1,
            '--low-level-retries', 1);
}

sub rclone {
    my ($self) = @_;

    subtest 'rclone' => sub {
        my @rclone = $self->_rclone;

        $self->_works('copy to it', @rclone, 'copy', 'tree', 'x:rclone/a b');
        $self->_works('check', @rclone, 'check', '--download', 'tree',
                      'x:rclone/a b');
        $self->_works('copy from it', @rclone, 'copy', 'x:rclone/a b',
                      'from-rclone');
        $self->_same_tree('from-rclone');
        my $list = $self->_works('lsf', @rclone, 'lsf', '-R', '--files-only',
                                 'x:rclone/a b');
        is_deeply([sort split /\n/, $list], [sort keys %TREE],
                  'the list has every name');
        $self->_works('purge', @rclone, 'purge', 'x:rclone');

        $self->_fails('a wrong secret', $self->_rclone('SECRET'), 'lsd', 'x:');
    };

    return;
}

sub _s3cmd {
    my ($self, $which) = @_;

    my $host = '127.0.0.1:' . $self->port_of($which);

    return ('s3cmd', '-c', '/dev/null', '--access_key=AKIDNOBODY',
            '--secret_key=nothing', "--host=$host", "--host-bucket=$host",
            '--no-ssl', '--region=us-east-1', '--no-progress');
}

sub s3cmd {
    my ($self) = @_;

    subtest 's3cmd' => sub {
        my @s3cmd = $self->_s3cmd;

        $self->_works('mb', @s3cmd, 'mb', 's3://s3cmd');
        $self->_works('put', @s3cmd, '--multipart-chunk-size-mb=6',
                      '--recursive', 'put', 'tree/', 's3://s3cmd/a b/');
        my $list = $self->_works('ls', @s3cmd, 'ls', '--recursive',
                                 's3://s3cmd');
        like($list, qr{17825792 .* s3://s3cmd/a\ b/large\.bin$}mx,
             'the list has sizes');
        mkdir "$self->{dir}/from-s3cmd";
        $self->_works('get', @s3cmd, '--recursive', 'get', 's3://s3cmd/a b/',
                      'from-s3cmd/');
        $self->_same_tree('from-s3cmd');
        $self->_works('info', @s3cmd, 'info', 's3://s3cmd/a b/plain.txt');
        $self->_works('rb', @s3cmd, '--recursive', '--force', 'rb',
                      's3://s3cmd');

        $self->_fails('a wrong secret', $self->_s3cmd('SECRET'), 'ls');
    };

    return;
}

# Over TLS restic leaves its bodies unsigned.  Over http it signs every chunk,
# which would be void once the request is signed anew: refused.
sub restic {
    my ($self) = @_;

    subtest 'restic' => sub {
        spew("$self->{dir}/restic-password", "word\n");

        my @restic = ('restic', '--password-file', 'restic-password',
                      '--cacert', $self->{cert}, '--no-cache', '-r',
                      's3:https://127.0.0.1:' . $self->port_of('TLS')
                      . '/restic');

        $self->_works('init', @restic, 'init');
        $self->_works('backup', @restic, 'backup', 'tree');
        $self->_works('check', @restic, 'check', '--read-data');
        $self->_works('restore', @restic, 'restore', 'latest', '--target',
                      'from-restic');
        $self->_same_tree('from-restic/tree');

        $self->_streaming;
    };

    return;
}

# restic would try for a long time: it is not waited for.
sub _streaming {
    my ($self) = @_;

    my $nginx = $self->{nginx};
    $nginx->mark;

    my $pid = spawn(cwd => $self->{dir}, env => {
        AWS_ACCESS_KEY_ID => 'AKIDNOBODY', AWS_SECRET_ACCESS_KEY => 'nothing',
        HOME => "$self->{dir}/home",
    }, command => [
        qw(restic --password-file restic-password --no-cache -r),
        's3:' . $self->_url . '/restic-2', 'init',
    ]);

    my $refused = wait_for(sub {
        (grep { $_->{status} == 501 } $nginx->access)[0]
    }, 120);
    stop($pid, 'KILL');

    ok($refused, 'bodies signed by the chunk are answered 501');
    is($refused->{upstream_status}, '', 'and not sent on');

    return;
}

sub curl {
    my ($self) = @_;

    subtest 'curl' => sub {
        my @curl = ('curl', '-sS', '-f', '-g', '--path-as-is');
        my $url = $self->_url . '/curl';

        $self->_works('a bucket', @curl, '-X', 'PUT', $url);
        $self->_works('PUT', @curl, '-T', 'tree/large.bin', "$url/(1)+%C3%A9");
        mkdir "$self->{dir}/from-curl";
        $self->_works('GET', @curl, '-o', 'from-curl/large.bin',
                      "$url/%281%29%2b\xc3\xa9");
        is($self->_tree('from-curl')->{'large.bin'},
           $self->_tree('tree')->{'large.bin'}, 'the same came back');
        $self->_works('PUT of a chunked body', @curl, '-H',
                      'Transfer-Encoding: chunked', '-T', 'tree/plain.txt',
                      "$url/chunked");
        is($self->_works('GET', @curl, "$url/chunked"), $TREE{'plain.txt'},
           'the same came back');
        like($self->_works('a list', @curl, "$url?prefix=(1)+\xc3\xa9"
                           . '&list-type=2&delimiter=/&max-keys=1'),
             qr/<ListBucketResult/, 'an unsorted, raw query');
        $self->_works('DELETE', @curl, '-X', 'DELETE', "$url/$_")
            for 'chunked', '(1)%2B%C3%A9';
        $self->_works('no bucket', @curl, '-X', 'DELETE', $url);
    };

    return;
}

sub _send {
    my ($self, $method, $target, %more) = @_;

    return request($self->port_of($more{port}), method => $method,
                   target => $target, body => $more{body});
}

# Raw request lines, in every spelling of a key.
sub spellings {
    my ($self) = @_;

    subtest 'keys as they may be written' => sub {
        is($self->_send('PUT', '/raw')->{status}, 200, 'a bucket');

        for my $row (@SPELLINGS) {
            my ($key, @spelled) = @$row;

            for my $spelled (@spelled) {
                my $body = "$spelled\n";
                my $put = $self->_send('PUT', "/raw/$spelled", body => $body);
                my @got = map { $self->_send('GET', "/raw/$_")->{body} }
                    @spelled;

                is($put->{status}, 200, "$key: PUT as $spelled");
                is_deeply(\@got, [ map { $body } @spelled ],
                          "$key: GET in every spelling");
            }

            is($self->_send('HEAD', "/$spelled[-1]", port => 'VHOST')->{status},
               200, "$key: HEAD, the bucket in the host");
        }

        $self->_listed(map { $_->[0] } @SPELLINGS);

        for my $row (@SPELLINGS) {
            is($self->_send('DELETE', "/raw/$row->[1]")->{status}, 204,
               "$row->[0]: DELETE");
        }
        $self->_listed();
    };

    return;
}

# The keys that the server has.
sub _listed {
    my ($self, @keys) = @_;

    my $list = $self->_send('GET', '/raw?list-type=2&encoding-type=url');
    my @got = map { s/\+/ /gr } $list->{body} =~ m{<Key>(.*?)</Key>}g;
    s/&apos;/'/g, s/%([0-9A-Fa-f]{2})/chr hex $1/ge for @got;

    is_deeply([sort @got], [sort @keys], 'the server has these keys')
        or diag($list->{body});

    return;
}

# The server refuses what is wrong: so what it accepted was right.
# refusals(REGION => 400, …): the status for each of these ports.
sub refusals {
    my ($self, %expected) = @_;

    subtest 'what the server refuses' => sub {
        my ($code, $output) = $self->_run(command => [
            '/usr/bin/aws', '--endpoint-url',
            'http://127.0.0.1:' . $self->{server}->port, 's3api',
            'create-bucket', '--bucket', 'nobody',
        ]);
        ok($code, 'a client without the gateway') or diag($output);

        for my $which (sort keys %expected) {
            my ($status, $cause) = @{ $expected{$which} };

            is($self->_send(@$_, port => $which)->{status}, $status,
               "$which is wrong: @$_[0, 1]")
                for ['GET', '/'], ['GET', '/raw?list-type=2'],
                    ['HEAD', '/raw/plain'], ['DELETE', '/raw/plain'],
                    ['PUT', '/raw/plain', body => 'x'];

            is($self->_cause('GET', "/raw/$which", port => $which), $cause,
               "$which: the cause");
        }
    };

    return;
}

# What the gateway makes of the answer.
sub _cause {
    my ($self, @request) = @_;

    my $nginx = $self->{nginx};
    my ($method, $target) = @request;
    my $line;

    $self->_send(@request);

    wait_for(sub {
        local $nginx->{offsets} = {};
        ($line) = grep { $_->{request} =~ /^$method \Q$target\E / }
            $nginx->access;
    });

    return $line->{aws_sigv4_cause};
}

# What nginx has to say at the end.
sub finish {
    my ($self) = @_;

    my $nginx = $self->{nginx};

    # its logs are complete once it has ended
    is(join("\n", $nginx->stop_it), '', 'nginx ended well');

    my %seen = map { $_ => 1 } _statuses($nginx);
    my $log  = slurp($nginx->error_log);

    is_deeply([sort keys %seen], ['signed'],
              'every request that was sent on kept its first signature');
    unlike($log, qr/\Q$AwsSigV4::Verifier::KEYS{SECRET}\E/,
           'no secret in the log');

    my @errors = grep { !/STREAMING-AWS4|the upstream refused/ }
        $log =~ /^.*\[(?:error|crit|alert|emerg)\].*$/mg;
    is(join("\n", @errors), '', 'no error in the log');

    return;
}

sub _statuses {
    my ($nginx) = @_;

    local $nginx->{offsets} = {};

    return map { $_->{aws_sigv4_status} }
        grep { $_->{upstream_status} ne '' } $nginx->access;
}

1;
