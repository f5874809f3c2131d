#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# run.sh [--quick] [--only NAME]...: compares the module in build/ with plain
# proxy_pass and prints a table; see README.md beside this file.

set -euo pipefail

cd "$(dirname "$0")/.."

export PATH="$PATH:/usr/sbin"

for tool in cc nginx wrk; do
    command -v "$tool" > /dev/null || {
        echo "$tool is missing: apt-get install gcc nginx wrk" >&2
        exit 1
    }
done

cc -O2 -o build/micro bench/micro.c ngx_aws_sigv4_module/core/*.c -lcrypto

# the same module without counters, to see what they cost

make -s BUILD="$PWD/build/uncounted" \
    CFLAGS='-g -O2 -DNGX_HTTP_AWS_SIGV4_NO_COUNTERS=1' all

exec /usr/bin/python3 bench/measure.py --micro build/micro \
    --module "$PWD/build/ngx_http_aws_sigv4_module.so" \
    --uncounted "$PWD/build/uncounted/ngx_http_aws_sigv4_module.so" "$@"
