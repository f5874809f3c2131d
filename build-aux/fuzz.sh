#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# fuzz.sh [SECONDS]: runs all targets, each with t/fuzz/run.sh, and shares the
# time, by default a minute, among them.

set -euo pipefail
shopt -s nullglob

cd "$(dirname "$0")/.."

. build-aux/packages.sh

seconds=${1:-60}

# shellcheck disable=SC2086
install_packages $BUILD_PACKAGES $SANITIZER_PACKAGES

targets=(t/fuzz/fuzz_*.c)

if [ "${#targets[@]}" -eq 0 ]; then
    echo "$0: there is no target in t/fuzz" >&2
    exit 1
fi

share=$((seconds / ${#targets[@]}))
rc=0

for target in "${targets[@]}"; do
    name=$(basename "$target" .c)

    t/fuzz/run.sh "${name#fuzz_}" $((share > 0 ? share : 1)) || rc=1
done

exit "$rc"
