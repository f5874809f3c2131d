#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# streams.sh [--streams N] [--requests N]: streams through the LLM gateway on
# one worker, and requests whose first targets fail; prints a table, and ends
# with 1 if a stream or a request was lost.  See README.md beside this file.

set -euo pipefail

cd "$(dirname "$0")/.."

export PATH="$PATH:/usr/sbin"

. build-aux/packages.sh

# shellcheck disable=SC2086
install_packages ca-certificates nginx python3 $LUA_PACKAGES

exec /usr/bin/python3 bench/streams.py \
    --module "$PWD/build/ngx_http_aws_sigv4_module.so" "$@"
