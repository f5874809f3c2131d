#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# resty.sh: one signature by resty.aws_sigv4 against one by plain Lua, in the
# same process; both must come to the same signature.

set -euo pipefail

cd "$(dirname "$0")/.."

export PATH="$PATH:/usr/sbin"

if [ ! -e /usr/share/nginx/modules/ngx_http_lua_module.so ]; then
    echo "resty.aws_sigv4 is not measured: libnginx-mod-http-lua is missing"
    exit 0
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/aws-sigv4-bench.XXXXXX")
chmod 755 "$dir"

sed -e "s|@DIR@|$dir|g" -e "s|@ROOT@|$PWD|g" \
    -e "s|@MODULE@|$PWD/build/ngx_http_aws_sigv4_module.so|" \
    bench/resty.conf > "$dir/nginx.conf"

nginx -p "$dir" -c "$dir/nginx.conf" -e stderr 2> "$dir/log" &
pid=$!
trap 'kill $pid 2> /dev/null || true; wait $pid || true; rm -rf "$dir"' EXIT

for _ in $(seq 100); do
    [ -S "$dir/socket" ] && break
    sleep 0.05
done

for body in 0 1024; do
    curl -sSf --unix-socket "$dir/socket" "http://localhost/?body=$body" || {
        cat "$dir/log" >&2
        exit 1
    }
done
