# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Swift;

# OpenStack's Swift with its S3 API: a proxy, one server each for accounts,
# containers and objects, and memcached.  Keeps its objects in files with
# extended attributes.

use strict;
use warnings;

use parent 'AwsSigV4::Server';

use File::Spec ();

use AwsSigV4::Nginx;
use AwsSigV4::Process qw(free_port run temp_dir spew);
use AwsSigV4::Verifier;

# The recipes of its command line tools, in one go.
my $RINGS = <<'EOC';
import sys
from swift.common.ring import RingBuilder

for name, port in zip(sys.argv[1::2], sys.argv[2::2]):
    builder = RingBuilder(2, 1, 0)
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1",
                     "port": int(port), "device": "d1", "weight": 1,
                     "replication_ip": "127.0.0.1",
                     "replication_port": int(port)})
    builder.rebalance()
    builder.get_ring().save(name + ".ring.gz")
EOC

my @BACKENDS = qw(account container object);

# Where files may have extended attributes; tmpfs has none in older kernels.
sub parent_dir {
    my $probe = 'import os, sys; os.setxattr(sys.argv[1], "user.t", b"1")';

    for my $where (File::Spec->tmpdir, '/var/tmp', $AwsSigV4::Nginx::ROOT) {
        next unless -w $where;
        my $file = spew(temp_dir($where) . '/probe', '');
        my ($code) = run(command => [$AwsSigV4::Verifier::PYTHON, '-c',
                                     $probe, $file]);
        return $where if defined $code && $code == 0;
    }

    die "no directory has files with extended attributes\n";
}

# Accounts of tempauth have the form account:user.
sub access_key_id { return $AwsSigV4::Verifier::KEYS{AKID} . ':user' }

sub boot {
    my ($self) = @_;

    my %ports = map { $_ => free_port() } @BACKENDS, 'memcached';

    $self->{port} = free_port();
    mkdir "$self->{dir}/$_" for qw(devices devices/d1 cache);

    $self->_configure(%ports);
    $self->tool($AwsSigV4::Verifier::PYTHON, '-c', $RINGS,
                map { ($_, $ports{$_}) } @BACKENDS);

    $self->daemon('memcached', qw(memcached -l 127.0.0.1 -U 0 -m 16 -p),
                  $ports{memcached}, '-u', _user());
    $self->_swift($_) for @BACKENDS, 'proxy';

    $self->until_listening($_, $ports{$_}) for 'memcached', @BACKENDS;
    $self->until_answering;

    return;
}

sub _user { return scalar getpwuid($>) // $> }

sub _swift {
    my ($self, $name) = @_;

    $self->daemon($name, $AwsSigV4::Verifier::PYTHON,
                  "/usr/bin/swift-$name-server", "$name.conf", '-v');

    return;
}

# Timeouts are long: the machine may be slow, and nothing here is lost.  An
# object is in the list of its container before its PUT is answered.
sub _configure {
    my ($self, %ports) = @_;

    $self->file('swift.conf', <<'EOC');
[swift-hash]
swift_hash_path_suffix = x
swift_hash_path_prefix = y

[storage-policy:0]
name = p0
default = yes
EOC

    $self->file("$_.conf", $self->_default($ports{$_}) . <<"EOC")
devices = $self->{dir}/devices
mount_check = false
recon_cache_path = $self->{dir}/cache
fallocate_reserve = 0
conn_timeout = 30
node_timeout = 60
client_timeout = 120
container_update_timeout = 60

[pipeline:main]
pipeline = $_-server

[app:$_-server]
use = egg:swift#$_
EOC
        for @BACKENDS;

    $self->file('proxy.conf', $self->_default($self->{port})
                . $self->_proxy($ports{memcached}));

    return;
}

sub _default {
    my ($self, $port) = @_;

    my $user = _user();

    return <<"EOC";
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
bind_timeout = 1
workers = 0
user = $user
swift_dir = $self->{dir}
log_statsd_host =
EOC
}

sub _proxy {
    my ($self, $memcached) = @_;

    my ($account, $name) = split /:/, $self->access_key_id;
    my $secret = $self->secret_access_key;

    return <<"EOC";
client_timeout = 120

[pipeline:main]
pipeline = catch_errors cache listing_formats bulk s3api tempauth slo dlo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
conn_timeout = 30
node_timeout = 60
recoverable_node_timeout = 60
error_suppression_limit = 1000

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$memcached
connect_timeout = 30
io_timeout = 30
pool_timeout = 30

[filter:listing_formats]
use = egg:swift#listing_formats

[filter:bulk]
use = egg:swift#bulk

[filter:slo]
use = egg:swift#slo

[filter:dlo]
use = egg:swift#dlo

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
storage_domain = s3.localhost
s3_acl = false
auth_pipeline_check = false

[filter:tempauth]
use = egg:swift#tempauth
user_${account}_$name = $secret .admin
EOC
}

1;
