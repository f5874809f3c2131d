#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# asan.sh [TEST...]: runs the tests, by default all, in an nginx that is
# built from Debian's source together with the module, with the address and
# the undefined behaviour sanitizer.  It fails if a test does, or if there
# is a report.  It starts with a planted overflow that must be reported.

set -euo pipefail

cd "$(dirname "$0")/.."

. build-aux/packages.sh

root=$PWD/build/asan
objs=$root/objs
nginx=$objs/nginx

secret=ngx_http_aws_sigv4_secret
wrap="-Wl,--wrap=${secret}_alloc,--wrap=${secret}_free"
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=undefined"


# prints the directory of nginx's source of the version that is installed

fetch_source() {
    local installed version

    installed=$(dpkg-query -W -f '${Version}' nginx)
    version=${installed%-*}

    if [ ! -d "$root/nginx-$version" ]; then
        download "$version" >&2
        tar -xzf "$root/nginx_$version.orig.tar.gz" -C "$root"
    fi

    echo "$root/nginx-$version"
}


source_version() {
    apt-cache showsrc nginx 2>/dev/null \
        | sed -n "s/^Version: \(${1//./\\.}-.*\)/\1/p" | sort -V | tail -n 1
}


download() {
    local attempt package

    package=$(source_version "$1")

    if [ -z "$package" ]; then
        add_source_lists
        apt_get update >/dev/null
        package=$(source_version "$1")
    fi

    if [ -z "$package" ]; then
        echo "$0: no source package of nginx $1" >&2
        return 1
    fi

    for attempt in 1 2 3; do
        if (cd "$root" && apt-get -q -o Acquire::Retries=3 source \
            --download-only --tar-only "nginx=$package") \
            >"$root/download.log" 2>&1
        then
            return 0
        fi

        tail -n 20 "$root/download.log" >&2
        echo "download failed (attempt $attempt of 3)" >&2
        sleep $((attempt * 5))
    done

    return 1
}


# the places that Debian's packages come from have the sources too

add_source_lists() {
    local lists=/etc/apt/sources.list.d debian

    # shellcheck disable=SC2016
    debian=$(apt-get indextargets --format '$(ORIGIN) $(SITE)' \
        'Created-By: Packages' | sed -n 's/^Debian //p' | sort -u)

    find /etc/apt/sources.list "$lists" -name '*.list' -exec cat {} + \
        2>/dev/null | grep '^deb ' | grep -F "$debian" \
        | sed 's/^deb /deb-src /' \
        | as_root tee "$lists/ngx-aws-sigv4.list" >/dev/null

    find "$lists" -name '*.sources' ! -name 'ngx-aws-sigv4*' \
        -exec awk -v RS= -v ORS='\n\n' -v debian="$debian" '
            BEGIN { n = split(debian, site) }
            {
                if ($0 !~ /Types:[^\n]*deb[ \n]/) {
                    next
                }

                for (i = 1; i <= n; i++) {
                    if (index($0, site[i])) {
                        sub(/Types:[^\n]*/, "Types: deb-src")
                        print
                        break
                    }
                }
            }' {} + \
        | as_root tee "$lists/ngx-aws-sigv4.sources" >/dev/null
}


build() {
    local source=$1 flags options

    # what Debian's has, less what no test needs
    options=(
        --builddir="$objs"
        --prefix="$root/prefix"
        --with-cc=clang
        --with-debug
        --with-compat
        --with-threads
        --with-pcre-jit
        --with-http_auth_request_module
        --with-http_realip_module
        --with-http_slice_module
        --with-http_ssl_module
        --with-http_stub_status_module
        --with-http_sub_module
        --with-http_v2_module
        --add-module="$PWD"
    )

    clang -g -O1 -Wall -Wextra -Werror -fsanitize=address \
        -DREPORTS="\"$reports/report\"" \
        -c -o "$root/sanitizer.o" build-aux/sanitizer.c

    # nginx's make rules do not know of it
    rm -f "$nginx"

    if [ "$objs/Makefile" -nt config ] \
        && [ "$objs/Makefile" -nt build-aux/asan.sh ] \
        && [ "$objs/Makefile" -nt build-aux/sanitizer.ignore ]
    then
        make -s -C "$source" -f "$objs/Makefile" -j2 binary
        return
    fi

    rm -rf "$objs"
    mkdir -p "$objs"

    flags="-g -O1 -fno-omit-frame-pointer -DNGX_DEBUG_PALLOC=1 $sanitize"
    flags="$flags -fsanitize-ignorelist=$PWD/build-aux/sanitizer.ignore"

    (cd "$source" && ./configure "${options[@]}" --with-cc-opt="$flags" \
        --with-ld-opt="$sanitize $wrap $root/sanitizer.o" \
        >"$root/configure.log") || { tail "$root/configure.log"; return 1; }

    make -s -C "$source" -f "$objs/Makefile" -j2 binary
}


forget_reports() {
    rm -f "$reports"/report.*
}


# links nginx once more with planted.c, and lets it sign one request

plant() {
    local conf=$root/planted.conf pid

    # shellcheck disable=SC2086
    clang -g -O1 $sanitize -I ngx_aws_sigv4_module \
        -I ngx_aws_sigv4_module/core -c -o "$root/planted.o" \
        build-aux/planted.c

    mv "$nginx" "$nginx.clean"
    make -s -C "$1" -f "$objs/Makefile" binary \
        LINK="clang -Wl,--wrap=sigv4_authorization $root/planted.o"
    mv "$nginx" "$nginx.planted"
    mv "$nginx.clean" "$nginx"

    mkdir -p "$root/prefix/logs"

    cat >"$conf" <<END
daemon off;
pid $root/planted.pid;
error_log $root/planted.log;
events {}
http {
    access_log off;
    aws_sigv4_provider default static access_key_id=AKIDEXAMPLE
                       secret_access_key=secret;
    server {
        listen unix:$root/planted.sock;
        location / {
            aws_sigv4 on;
            proxy_set_header Host sts.us-east-1.amazonaws.com;
            proxy_pass http://127.0.0.1:9;
        }
    }
}
END

    rm -f "$root/planted.sock"
    "$nginx.planted" -c "$conf" >"$root/planted.out" 2>&1 &
    pid=$!

    while [ ! -S "$root/planted.sock" ] && kill -0 "$pid" 2>/dev/null; do
        sleep 0.1
    done

    curl -s -o /dev/null --unix-socket "$root/planted.sock" \
        http://localhost/ || true

    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" || true
}


found_reports() {
    compgen -G "$reports/report.*" >/dev/null
}


show_reports() {
    local file

    for file in "$reports"/report.*; do
        printf '\n--- %s\n' "${file##*/}"
        head -n 60 "$file"
    done
}


# shellcheck disable=SC2086
install_packages $BUILD_PACKAGES $RUN_PACKAGES $TEST_PACKAGES \
    $SANITIZER_PACKAGES

# not below this directory: the workers of root, who write reports and look
# for the names of functions in the binary, may not even get to it
place=$(mktemp -d "${TMPDIR:-/tmp}/aws-sigv4-asan.XXXXXX")
trap 'rm -rf "$place"' EXIT
chmod 755 "$place"

reports=$place/reports
mkdir "$reports"
chmod 1777 "$reports"

mkdir -p "$root"
source=$(fetch_source)

echo "building nginx with the sanitizers"
build "$source"

echo "a planted overflow"
forget_reports
plant "$source"

if ! found_reports; then
    cat "$root/planted.out" >&2
    echo "$0: the planted overflow was not reported" >&2
    exit 1
fi

echo "the tests"
forget_reports
rc=0

cp "$nginx" "$place/nginx"

TEST_NGINX_BINARY=$place/nginx TEST_NGINX_STATIC=1 \
    build-aux/prove.sh "$@" || rc=$?

if found_reports; then
    show_reports
    echo "$0: the sanitizers have reports" >&2
    rc=1
fi

exit "$rc"
