#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Builds the module and starts a signing gateway; see "run.sh --help".

set -euo pipefail

cd "$(dirname "$0")"

. build-aux/packages.sh
. build-aux/processes.sh

port=8080
demo=no
stand_in=auto

key=AKIDEXAMPLE
secret=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY


usage() {
    cat <<'END'
usage: ./run.sh [--port PORT] [--stand-in]
       ./run.sh --demo

Installs what is missing (Debian packages, as root or with sudo), builds the
module and starts a gateway on 127.0.0.1:8080 that signs requests for AWS.
Ctrl-C ends it.

With AWS credentials, from the environment or from ~/.aws, it signs for the
AWS host that a client names in its Host header.  Without any it talks to a
stand-in on this machine that checks every signature as AWS would.

    --port PORT   listen on 127.0.0.1:PORT
    --stand-in    use the stand-in even if there are AWS credentials
    --demo        send five requests through the gateway to the stand-in, show
                  what it thinks of them, and end; 0 if it accepts the first
                  four and refuses the last, which has a wrong secret
    --help        show this
END
}


options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --port)     [ $# -gt 1 ] || fail "--port needs a number"
                        port=$2; shift ;;
            --port=*)   port=${1#*=} ;;
            --stand-in) stand_in=yes ;;
            --demo)     demo=yes; stand_in=yes ;;
            -h|--help)  usage; exit 0 ;;
            *)          usage >&2; exit 2 ;;
        esac
        shift
    done

    if ! [[ $port =~ ^[0-9]{1,5}$ ]] || [ "$port" -gt 65535 ] \
        || [ "$port" -eq 0 ]
    then
        fail "--port needs a number from 1 to 65535, not \"$port\""
    fi
}


# what the chain of providers would find, without looking at the values

have_credentials() {
    local file files

    if [ -n "${AWS_ACCESS_KEY_ID:-}" ] && [ -n "${AWS_SECRET_ACCESS_KEY:-}" ]
    then
        return 0
    fi

    files=("${AWS_SHARED_CREDENTIALS_FILE:-${HOME:-}/.aws/credentials}"
           "${AWS_CONFIG_FILE:-${HOME:-}/.aws/config}")

    for file in "${files[@]}"; do
        grep -qs '^[[:space:]]*aws_access_key_id' "$file" && return 0
    done

    return 1
}


build() {
    # shellcheck disable=SC2086
    install_packages $BUILD_PACKAGES $RUN_PACKAGES

    echo "building the module"
    make --no-print-directory all
}


# a directory that ends with this script; workers may not be root

prepare() {
    run=$(mktemp -d "${TMPDIR:-/tmp}/aws-sigv4.XXXXXX")
    chmod 711 "$run"
    mkdir -p "$run/logs" "$run/modules" "$run/keys"
    cp build/ngx_http_aws_sigv4_module.so "$run/modules/"

    (umask 077
     printf '%s\n' "$secret" >"$run/keys/secret"
     printf '%s\n' "${secret/K7MD/K8MD}" >"$run/keys/wrong-secret")
}


start_stand_in() {
    /usr/bin/python3 t/lib/sigv4-verifier --listen 127.0.0.1:0 \
        --key "$key:$secret" --log "$run/logs/stand-in.log" \
        --port-file "$run/stand-in.port" --with-parent </dev/null &
    children+=($!)

    wait_for "the stand-in" "$run/stand-in.port"
}


name_servers() {
    local list

    list=$(awk '$1 == "nameserver" {
        sub(/%.*/, "", $2)
        printf "%s ", $2 ~ /:/ ? "[" $2 "]" : $2
    }' /etc/resolv.conf 2>/dev/null || true)

    echo "${list:-127.0.0.53 }"
}


# the configuration is one of examples/quickstart with the ports and the
# name servers of this machine

configure() {
    local upstream

    if [ "$stand_in" = yes ]; then
        upstream=$(<"$run/stand-in.port")
        sed "s/127.0.0.1:8081/127.0.0.1:$upstream/" \
            examples/quickstart/stand-in.conf
    else
        sed "s/resolver  127.0.0.53 /resolver  $(name_servers)/" \
            examples/quickstart/nginx.conf
    fi | sed "s/127.0.0.1:8080/127.0.0.1:$port/" >"$run/nginx.conf"
}


start_gateway() {
    local messages=/dev/stderr nginx

    # of the demonstration only the table is shown
    [ "$demo" = no ] || messages=$run/logs/start

    nginx=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v nginx)

    "$nginx" -p "$run" -c nginx.conf -e stderr -g 'daemon off;' </dev/null \
        2>"$messages" &
    children+=($!)

    # written when the port is open
    wait_for "nginx" "$run/nginx.pid"
}


announce() {
    local region=${AWS_REGION:-${AWS_DEFAULT_REGION:-us-east-1}}
    local url=http://127.0.0.1:$port
    local model=anthropic.claude-3-haiku-20240307-v1%3A0

    if [ "$stand_in" = yes ]; then
        echo "The gateway listens on $url.  It talks to a stand-in on this"
        echo "machine that checks each signature, not to AWS."
    else
        echo "The gateway listens on $url and signs for AWS hosts."
    fi

    cat <<END

Three requests to try:

  curl -H 'Host: sts.$region.amazonaws.com' \\
      '$url/?Action=GetCallerIdentity&Version=2011-06-15'

  curl -H 'Host: s3.$region.amazonaws.com' $url/

  curl -H 'Host: bedrock-runtime.$region.amazonaws.com' \\
      -H 'Content-Type: application/json' \\
      -d '{"messages":[{"role":"user","content":[{"text":"Hello"}]}]}' \\
      $url/model/$model/converse

Ctrl-C ends it.  What it signs:

END
}


# send NAME VERDICT HOST TARGET [OPTION...]: one request of the demo, a row
# of the table, and whether the verdict is the one that it should be

send() {
    local name=$1 expected=$2 host=$3 target=$4
    shift 4

    : >"$run/logs/stand-in.log"

    curl -sS -g --path-as-is -o /dev/null -D "$run/head" -H "Host: $host" \
        "$@" "http://127.0.0.1:$port$target" || true

    /usr/bin/python3 - "$name" "$expected" "$host" \
        "$run/logs/stand-in.log" <<'END'
import json
import sys

name, expected, host, log = sys.argv[1:]

with open(log, encoding='ascii') as f:
    records = [json.loads(line) for line in f]

last = records[-1] if records else {'verdict': 'not sent'}
verdict = {'ok': 'accepted'}.get(last['verdict'], last['verdict'])
shown = verdict

if last.get('reason'):
    shown += f" ({last['reason']})"

print(f"{name:<24} {host:<40} {last.get('region') or '-':<13} "
      f"{last.get('service') or '-':<11} {shown}", flush=True)

sys.exit(verdict != expected)
END
}


demonstrate() {
    local rc=0 model=anthropic.claude-3-haiku-20240307-v1%3A0
    local bedrock=bedrock-runtime.us-west-2.amazonaws.com
    local s3=s3.eu-central-1.amazonaws.com
    local monitoring=monitoring.us-east-1.amazonaws.com
    local question='{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}'
    local odd="/bucket/a%20key+of%20odd%2Fcharacters/(1)!*'~@:\$&,;=%C3%BC//x"

    truncate -s 100M "$run/upload"

    printf '\n%-24s %-40s %-13s %-11s %s\n' \
        REQUEST HOST REGION SERVICE VERDICT

    send "GET with a query" accepted "$monitoring" \
        '/?Version=2010-08-01&Action=ListMetrics&Namespace=AWS/EC2' || rc=1

    send "POST .../converse" accepted "$bedrock" "/model/$model/converse" \
        -H 'Content-Type: application/json' -d "$question" || rc=1

    send "PUT of an odd key" accepted "$s3" "$odd" \
        -X PUT --data-binary 'hello' -H 'Content-Type: text/plain' || rc=1

    send "PUT of 100 MB" accepted "$s3" /bucket/upload \
        -T "$run/upload" || rc=1

    send "GET with a wrong secret" refused "$monitoring" \
        '/?Version=2010-08-01&Action=ListMetrics' \
        -H 'X-Demo: wrong-secret' || rc=1

    return $rc
}


options "$@"
build

end_with_script

if [ "$stand_in" = auto ]; then
    stand_in=yes
    have_credentials && stand_in=no
fi

if [ "$demo" = yes ]; then
    port=$(free_port)

elif ! port_is_free "$port"; then
    fail "127.0.0.1:$port is in use; try --port"
fi

prepare

if [ "$stand_in" = yes ]; then
    start_stand_in
fi

configure
start_gateway

if [ "$demo" = yes ]; then
    demonstrate
    exit
fi

announce

: >>"$run/logs/access.log"
tail -n 0 -F "$run/logs/access.log" &
children+=($!)

wait -n "${children[@]}"
fail "the gateway has ended"
