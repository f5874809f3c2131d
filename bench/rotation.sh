#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# rotation.sh [--seconds N] [--rate N] [--life N] [--seed N]: requests
# without a pause while credentials are replaced and their source fails and
# hangs; prints a table, and ends with 1 if a promise was broken.  See
# README.md beside this file.

set -euo pipefail

cd "$(dirname "$0")/.."

export PATH="$PATH:/usr/sbin"

command -v nginx > /dev/null || {
    echo "nginx is missing: apt-get install nginx" >&2
    exit 1
}

exec /usr/bin/python3 bench/rotation.py \
    --module "$PWD/build/ngx_http_aws_sigv4_module.so" "$@"
