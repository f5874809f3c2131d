#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# fuzz.sh [SECONDS]: builds the targets t/fuzz/fuzz_*.c with libFuzzer and the
# sanitizers and shares the time, by default a minute, among them.  What is
# found is left in build/fuzz.

set -euo pipefail
shopt -s nullglob

cd "$(dirname "$0")/.."

. build-aux/packages.sh

seconds=${1:-60}
out=build/fuzz
module=ngx_aws_sigv4_module
core=$module/core

# shellcheck disable=SC2086
install_packages $BUILD_PACKAGES $SANITIZER_PACKAGES

targets=(t/fuzz/fuzz_*.c)
sources=("$core"/*.c "$module"/providers/sigv4_*.c)

if [ "${#targets[@]}" -eq 0 ]; then
    echo "$0: there is no target in t/fuzz" >&2
    exit 1
fi

share=$((seconds / ${#targets[@]}))
rc=0

mkdir -p "$out"

for target in "${targets[@]}"; do
    name=$(basename "$target" .c)
    name=${name#fuzz_}
    corpus=$out/corpus/$name
    seeds=t/fuzz/corpus/$name

    mkdir -p "$corpus"

    clang -g -O1 -Wall -Wextra -Werror -fno-sanitize-recover=undefined \
        -fsanitize=fuzzer,address,undefined -I $module \
        -I $core -o "$out/$name" "$target" "${sources[@]}" -lcrypto

    echo "$name: $((share > 0 ? share : 1)) s"

    if ! "$out/$name" -max_total_time=$((share > 0 ? share : 1)) \
        -timeout=20 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="$out/$name-" "$corpus" "$seeds" \
        >"$out/$name.log" 2>&1
    then
        tail -n 60 "$out/$name.log"
        echo "$0: $name found something" >&2
        rc=1
    else
        grep -E 'number_of_executed_units' "$out/$name.log" || true
    fi
done

exit "$rc"
