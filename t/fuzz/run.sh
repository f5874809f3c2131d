#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# run.sh TARGET [SECONDS]: builds t/fuzz/fuzz_TARGET.c with libFuzzer and the
# sanitizers and runs it, by default for a minute, beginning with the seeds
# of t/fuzz/corpus/TARGET.  What it learns and finds is left in build/fuzz.

set -euo pipefail
shopt -s nullglob

cd "$(dirname "$0")/../.."

name=${1:?which target?}
seconds=${2:-60}
out=build/fuzz
module=ngx_aws_sigv4_module
core=$module/core

# what is plain C and takes bytes from outside
sources=("$core"/*.c "$module"/llm/*.c "$module"/providers/sigv4_*.c)

mkdir -p "$out/corpus/$name"

clang -g -O1 -Wall -Wextra -Werror -fno-sanitize-recover=undefined \
    -fsanitize=fuzzer,address,undefined -I "$module" -I "$core" \
    -o "$out/$name" "t/fuzz/fuzz_$name.c" "${sources[@]}" \
    -lcrypto -ljansson -lexpat

echo "$name: $seconds s"

if ! "$out/$name" -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix="$out/$name-" \
    "$out/corpus/$name" "t/fuzz/corpus/$name" >"$out/$name.log" 2>&1
then
    tail -n 60 "$out/$name.log"
    echo "$0: $name found something" >&2
    exit 1
fi

grep number_of_executed_units "$out/$name.log" || true
