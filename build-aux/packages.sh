# shellcheck shell=bash
# shellcheck disable=SC2034
# (the lists are used where this file is sourced)
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# The Debian packages that the project needs, and how they are installed.
# Sourced by run.sh, test.sh and the scripts beside this file.  "a|b" means
# that b will do where it is installed already.


BUILD_PACKAGES="
    gcc
    libc6-dev
    libexpat1-dev
    libjansson-dev
    libluajit2-5.1-dev|libluajit-5.1-dev
    libssl-dev
    make
    nginx
    nginx-dev
"

RUN_PACKAGES="
    ca-certificates
    curl
    python3
"

# ngx_lua and what the Lua modules of lua/ use
LUA_PACKAGES="
    libnginx-mod-http-lua
    lua-cjson
"

# ceph-* and radosgw, python3-swift and swift-*: servers that verify
# awscrt, botocore: signers to compare with; the others are clients
TEST_PACKAGES="
    awscli
    binutils
    ceph-base
    ceph-common
    ceph-mon
    ceph-osd
    chromium
    faketime
    libnginx-mod-http-lua
    libtest-base-perl
    lua-cjson
    memcached
    openssl
    perl
    procps
    prometheus
    python3-awscrt
    python3-boto3
    python3-botocore
    python3-swift
    python3-yaml
    radosgw
    rclone
    restic
    s3cmd
    swift-account
    swift-container
    swift-object
    swift-proxy
"

LINT_PACKAGES="
    clang
    lua-check
    shellcheck
"

# libclang-rt-14-dev: the run-time libraries of the sanitizers
SANITIZER_PACKAGES="
    clang
    dpkg-dev
    libclang-rt-14-dev
    libpcre2-dev
    llvm
    zlib1g-dev
"


is_installed() {
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null \
        | grep -qx installed
}


# missing_packages PACKAGE...: prints the names of those to install

missing_packages() {
    local entry name

    # one look tells for all of them in the usual case, that none is missing
    for entry in "$@"; do
        for name in ${entry//|/ }; do
            is_installed "$name" && continue 2
        done

        echo "${entry%%|*}"
    done
}


can_be_root() {
    [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo true; }
}


as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"

    elif command -v sudo >/dev/null; then
        sudo "$@"

    else
        echo "$0: root is needed for: $*" >&2
        echo "run it as root, or install sudo" >&2
        return 1
    fi
}


apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
        -o Dpkg::Use-Pty=0 "$@" </dev/null
}


# Debian starts the services it installs unless this file says no

forbid_services() {
    local policy=/usr/sbin/policy-rc.d

    [ -e "$policy" ] && return 1

    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}


allow_services() {
    as_root rm -f /usr/sbin/policy-rc.d
}


# install_packages PACKAGE...: installs those that are missing

install_packages() {
    local forbidden=no rc=0 packages

    mapfile -t packages < <(missing_packages "$@")
    [ "${#packages[@]}" -eq 0 ] && return 0

    if ! can_be_root; then
        {
            echo "$0: packages are missing.  Run this as root or with sudo,"
            echo "or let someone who is root install them:"
            echo
            echo "    apt-get install ${packages[*]}"
        } >&2
        return 1
    fi

    echo "installing: ${packages[*]}"

    if forbid_services; then
        forbidden=yes
        trap allow_services EXIT
    fi

    apt_install "${packages[@]}" || rc=$?

    if [ "$forbidden" = yes ]; then
        allow_services
        trap - EXIT
    fi

    if [ "$rc" -ne 0 ]; then
        echo "$0: could not install: ${packages[*]}" >&2
    fi

    return "$rc"
}


apt_install() {
    local attempt log

    log=$(mktemp "${TMPDIR:-/tmp}/aws-sigv4-apt.XXXXXX")

    for attempt in 1 2 3; do
        if { apt_get update && apt_get install -y --no-install-recommends \
            "$@"; } >"$log" 2>&1
        then
            rm -f "$log"
            return 0
        fi

        tail -n 20 "$log" >&2
        echo "apt-get failed (attempt $attempt of 3)" >&2
        sleep $((attempt * 5))
    done

    rm -f "$log"
    return 1
}
