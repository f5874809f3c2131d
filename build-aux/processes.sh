# shellcheck shell=bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# The processes of a script that shows something, and the directory in which
# they run: both end with the script.  Sourced by run.sh and the
# demonstrations of examples/.


run=
children=()


fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}


# shellcheck disable=SC2317
finish() {
    local pid

    trap - EXIT INT TERM HUP

    for pid in "${children[@]}"; do
        kill -TERM "$pid" 2>/dev/null || true
    done

    for pid in "${children[@]}"; do
        wait "$pid" 2>/dev/null || true
    done

    [ -z "$run" ] || rm -rf "$run"
}


# wait_for WHAT FILE: until the child started last has written it

wait_for() {
    local pid=${children[-1]} try

    for ((try = 0; try < 300; try++)); do
        [ -s "$2" ] && return 0
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done

    cat "$run/logs/start" >&2 2>/dev/null || true
    fail "$1 did not start"
}


free_port() {
    /usr/bin/python3 -c '
import random
import socket

while True:
    port = random.randint(10000, 30000)
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break'
}


port_is_free() {
    /usr/bin/python3 -c '
import socket
import sys

with socket.socket() as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", int(sys.argv[1])))' "$1" 2>/dev/null
}


end_with_script() {
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}
