# SPDX-License-Identifier: BSD-2-Clause

package AwsSigV4::Radosgw;

# Ceph's S3 server, with one monitor and one OSD that keeps its objects in
# memory.  start(sts => 1): with its STS, and a wrong signature is called
# AccessDenied then.

use strict;
use warnings;

use parent 'AwsSigV4::Server';

use AwsSigV4::Process qw(free_port);

# The OSD may lose a race against the monitor ("wrong fsid") and end.
my $OSD_STARTS = 5;

sub boot {
    my ($self) = @_;

    $self->{port} = free_port();
    $self->{$_}   = _uuid() for qw(fsid osd_uuid);
    mkdir "$self->{dir}/$_" for qw(mon osd rgw);

    $self->_configure(my $mon_port = free_port());
    $self->_boot_monitor($mon_port);
    $self->_boot_osd;
    $self->_boot_gateway;

    $self->tool($self->_ceph('radosgw-admin'), qw(user create --uid=test),
                '--display-name=test',
                '--access-key=' . $self->access_key_id,
                '--secret=' . $self->secret_access_key);

    return;
}

sub _uuid {
    open my $file, '<', '/proc/sys/kernel/random/uuid' or die "uuid: $!";
    chomp(my $uuid = <$file>);

    return $uuid;
}

sub _ceph {
    my ($self, $program) = @_;

    return ($program, '-c', "$self->{dir}/ceph.conf");
}

sub environment {
    my ($self) = @_;

    return { %{ $self->SUPER::environment },
             CEPH_CONF => "$self->{dir}/ceph.conf", CEPH_ARGS => undef };
}

sub _configure {
    my ($self, $mon_port) = @_;

    my $dir = $self->{dir};
    my $sts = $self->{sts} ? 'true' : 'false';

    $self->file('ceph.conf', <<"EOC");
[global]
fsid = $self->{fsid}
mon_host = v1:127.0.0.1:$mon_port
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
public_network = 127.0.0.0/8
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
auth_supported = none
run_dir = $dir
admin_socket =
log_file =
log_to_stderr = true
err_to_stderr = true
crash_dir = $dir
keyring = $dir/keyring
ms_bind_msgr2 = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_pg_warn_min_per_osd = 0
osd_crush_chooseleaf_type = 0

[mon]
mon_data = $dir/mon
mon_initial_members = a
mon_data_avail_crit = 1

[osd]
osd_data = $dir/osd
osd_objectstore = memstore
memstore_device_bytes = 2147483648
osd_class_load_list = *
osd_class_default_list = *
osd_heartbeat_grace = 300

[client]
rgw_frontends = beast endpoint=127.0.0.1:$self->{port}
rgw_thread_pool_size = 16
rgw_s3_auth_use_sts = $sts
rgw_sts_key = abcdefghijklmnop
rgw_dns_name = s3.localhost
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_data = $dir/rgw
EOC

    return;
}

sub _boot_monitor {
    my ($self, $port) = @_;

    my $dir     = $self->{dir};
    my @keyring = ('ceph-authtool', "$dir/keyring", '--gen-key', '-n');
    my @mon     = ($self->_ceph('ceph-mon'), '-i', 'a');

    $self->tool(@keyring, qw(mon. --create-keyring --cap mon), 'allow *');
    $self->tool(@keyring, 'client.admin',
                map { ('--cap', $_, 'allow *') } qw(mon osd mgr));
    $self->tool('monmaptool', '--create', '--clobber',
                '--fsid', $self->{fsid},
                '--addv', 'a', "[v1:127.0.0.1:$port]", "$dir/monmap");
    $self->tool(@mon, '--mkfs', '--monmap', "$dir/monmap",
                '--keyring', "$dir/keyring");

    $self->daemon('mon', @mon, '-f');
    $self->until_listening('mon', $port);

    return;
}

sub _boot_osd {
    my ($self) = @_;

    $self->tool($self->_ceph('ceph'), qw(--connect-timeout 60 osd new),
                $self->{osd_uuid});
    $self->tool($self->_ceph('ceph-osd'), qw(-i 0 --mkfs --osd-uuid),
                $self->{osd_uuid});
    $self->_start_osd;

    return;
}

sub _start_osd {
    my ($self) = @_;

    $self->daemon('osd', $self->_ceph('ceph-osd'), qw(-i 0 -f));

    return ++$self->{osd_starts};
}

# The gateway waits by itself until the OSD is up.
sub _boot_gateway {
    my ($self) = @_;

    $self->daemon('radosgw', $self->_ceph('radosgw'),
                  qw(-n client.admin -f --no-mon-config));
    $self->until_answering;

    return;
}

# A role that the user may assume, and that may do everything; its ARN.
sub role {
    my ($self, $name) = @_;

    my $allow = sub {
        my ($action, $more) = @_;

        return '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
            . qq("Action":["$action"],$more}]});
    };

    $self->tool($self->_ceph('radosgw-admin'), qw(role create --path=/),
                "--role-name=$name", '--assume-role-policy-doc='
                . $allow->('sts:AssumeRole', '"Principal":{"AWS":'
                           . '["arn:aws:iam:::user/test"]}'));
    $self->tool($self->_ceph('radosgw-admin'), qw(role-policy put),
                "--role-name=$name", '--policy-name=all', '--policy-doc='
                . $allow->('s3:*', '"Resource":"arn:aws:s3:::*"'));

    return "arn:aws:iam:::role/$name";
}

sub revive {
    my ($self, $name) = @_;

    return 0 if $name ne 'osd' || $self->{osd_starts} >= $OSD_STARTS;

    return $self->_start_osd;
}

1;
