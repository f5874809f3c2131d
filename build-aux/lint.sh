#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Looks at every source file without running it.  All checks run; the exit
# code is 1 if one of them found something.

set -uo pipefail

cd "$(dirname "$0")/.." || exit 1

. build-aux/packages.sh

nginx=${NGINX_DEV:-/usr/share/nginx/src}
module=ngx_aws_sigv4_module
failed=

warnings="-Wall -Wextra -Werror -Wdeclaration-after-statement -Wvla
          -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes"

includes="-I$module -I$module/core -Ibuild/objs -I/usr/include/luajit-2.1
          -I$nginx/src/core -I$nginx/src/event -I$nginx/src/event/modules
          -I$nginx/src/os/unix -I$nginx/src/http -I$nginx/src/http/modules
          -I$nginx/src/http/v2"


# files NAME...: every file of the project whose name matches

files() {
    local args=() name

    for name in "$@"; do
        args+=(-o -name "$name")
    done

    find . \( -name .git -o -name build -o -name node_modules \) -prune \
        -o -type f \( "${args[@]:1}" \) -print | sort
}


check() {
    local name=$1
    shift

    if "$@" </dev/null; then
        echo "ok - $name"
    else
        echo "not ok - $name"
        failed="$failed $name"
    fi
}


# the core is C99 and knows neither GNU's C nor nginx

core() {
    local file rc=0

    for file in "$module"/core/*.c; do
        [ -e "$file" ] || continue

        # shellcheck disable=SC2086
        "$1" -std=c99 -pedantic -D_POSIX_C_SOURCE=200809L -O2 $warnings \
            -Wshadow -I$module/core -c -o /dev/null "$file" || rc=1
    done

    return $rc
}


glue() {
    local file rc=0

    for file in "$module"/*.c "$module"/providers/*.c; do
        [ -e "$file" ] || continue

        # shellcheck disable=SC2086
        "$1" -O1 -g $warnings -Wno-unused-parameter $includes \
            -c -o /dev/null "$file" || rc=1
    done

    return $rc
}


lua() {
    local list

    mapfile -t list < <(files '*.lua')
    [ "${#list[@]}" -eq 0 ] || luacheck -q --no-color "${list[@]}"
}


# a warning counts as an error

perl_files() {
    local file output rc=0

    while read -r file; do
        output=$(perl -It/lib -Ibuild-aux -c "$file" 2>&1) || true

        if [ "$output" != "$file syntax OK" ]; then
            printf '%s\n' "$output"
            rc=1
        fi
    done < <(files '*.t' '*.pm' '*.pl')

    return $rc
}


python_files() {
    local list

    mapfile -t list < <(files '*.py')

    /usr/bin/python3 - "${list[@]}" <<'END'
import sys

failed = False

for name in sys.argv[1:]:
    try:
        with open(name, 'rb') as f:
            compile(f.read(), name, 'exec')
    except SyntaxError as e:
        print(f'{name}:{e.lineno}: {e.msg}')
        failed = True

sys.exit(failed)
END
}


shell_files() {
    local list

    mapfile -t list < <(files '*.sh' run | while read -r file; do
        head -n 2 "$file" | grep -qE '^#!.*sh|shellcheck shell' \
            && echo "$file"
    done)

    shellcheck -x "${list[@]}"
}


# shellcheck disable=SC2086
install_packages $BUILD_PACKAGES $TEST_PACKAGES $LINT_PACKAGES || exit 1

make -s all || exit 1

for compiler in gcc clang; do
    check "core, $compiler" core $compiler
    check "glue, $compiler" glue $compiler
done

check "Lua" lua
check "Perl" perl_files
check "Python" python_files
check "shell" shell_files

if [ -n "$failed" ]; then
    exit 1
fi
