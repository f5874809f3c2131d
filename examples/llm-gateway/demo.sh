#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# Shows the gateway of this directory at work; see "demo.sh --help".

set -euo pipefail

cd "$(dirname "$0")/../.."

. build-aux/packages.sh
. build-aux/processes.sh

example=examples/llm-gateway
east='bedrock-runtime.us-east-1.amazonaws.com'
west='bedrock-runtime.us-west-2.amazonaws.com'

access_key=AKIDEXAMPLE
secret_key=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY

stay=no


usage() {
    cat <<'END'
usage: examples/llm-gateway/demo.sh [--stay]

Installs what is missing (Debian packages, as root or with sudo), builds the
module, and starts the gateway with the configuration of this directory and
stand-ins for Bedrock and LM Studio on loopback.  Three clients ask: one of
OpenAI whose answer is streamed, one of Anthropic, and one whose first region
refuses.  Then the access log is shown.  0 if all of them are answered.

    --stay    go on until Ctrl-C, for clients of yours
    --help    show this
END
}


# shellcheck disable=SC2086
build() {
    install_packages $BUILD_PACKAGES $RUN_PACKAGES $LUA_PACKAGES openssl

    echo "building the module"
    make --no-print-directory all
}


# a directory that ends with this script; workers may not be root

prepare() {
    run=$(mktemp -d "${TMPDIR:-/tmp}/aws-sigv4.XXXXXX")
    chmod 711 "$run"
    mkdir -p "$run/logs" "$run/temp"

    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
        -nodes -days 2 -subj /CN=stand-in -addext \
        "subjectAltName=DNS:$east,DNS:$west" \
        -keyout "$run/key.pem" -out "$run/cert.pem" 2>/dev/null
    chmod 644 "$run/cert.pem"

    caller_key=sk-$(openssl rand -hex 24)
}


# Bedrock refuses every request whose signature is wrong, and both of them
# every one in which the key of the caller is found

start_stand_ins() {
    cat >"$run/rules" <<'END'
[{"model": "openai.*", "gate": "words",
  "tokens": ["Each", " of", " these", " words", " has", " come", " through",
             " the", " gateway", " by", " itself", "."]}]
END

    /usr/bin/python3 t/lib/llm-server --listen bedrock=tls:runtime \
        --listen studio=gateway --key "$access_key:$secret_key" --no-awscrt \
        --cert "$run/cert.pem" --cert-key "$run/key.pem" \
        --forbid "$caller_key" --log "$run/logs/stand-ins" \
        --rules "$run/rules" --port-file "$run/ports" --with-parent \
        </dev/null &
    children+=($!)

    wait_for "the stand-ins" "$run/ports"
}


port_of() {
    grep -o "\"$1\": [0-9]*" "$run/ports" | grep -o '[0-9]*$'
}


# a word every tenth of a second

pace() {
    while sleep 0.1; do
        control gate '{"name": "words", "by": 1}' || break
    done
}


control() {
    curl -s -o /dev/null -d "$2" "http://127.0.0.1:$(port_of control)/$1"
}


# as the files stand, but for what belongs to a machine: ports, addresses,
# directories, the CA, and the digest of a key that there is now

configure() {
    local modules=/usr/share/nginx/modules studio bedrock digest

    studio=$(port_of studio)
    bedrock=$(port_of bedrock)
    digest=$(printf %s "$caller_key" | sha256sum | cut -c 1-64)

    sed -e "s|modules/ngx_http_aws_sigv4|$PWD/build/ngx_http_aws_sigv4|" \
        -e "s|load_module modules/|load_module $modules/|" \
        -e "s|^http {|&\n    lua_package_path \"$run/lua/?.lua;;\";|" \
        -e "s|^http {|&\n$(temporary_paths)|" \
        -e "s|\(server *\)bedrock.*:443;|\1127.0.0.1:$bedrock;|" \
        -e "s|127.0.0.1:8080|127.0.0.1:$port|" \
        -e "s|/etc/nginx/llm|$run|" \
        -e "s|/var/log/nginx/llm.log|$run/logs/llm.log|" \
        -e "s|/etc/ssl/certs/ca-certificates.crt|$run/cert.pem|" \
        $example/nginx.conf >"$run/nginx.conf"

    sed "s|127.0.0.1:1234|127.0.0.1:$studio|" $example/models.lua \
        >"$run/models.lua"

    sed "0,/\"[0-9a-f]\{64\}\"/s//\"$digest\"/" \
        $example/callers.lua >"$run/callers.lua"

    cp $example/llm-*.conf "$run/"
    chmod 644 "$run"/*.lua

    # where workers may read them, wherever the checkout lies
    cp -R lua "$run/lua"
    chmod -R a+rX "$run/lua"
}


temporary_paths() {
    local name

    for name in client_body proxy fastcgi uwsgi scgi; do
        printf '    %s_temp_path %s/temp/%s;\\n' $name "$run" $name
    done
}


start_gateway() {
    local nginx

    nginx=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v nginx)

    AWS_ACCESS_KEY_ID=$access_key AWS_SECRET_ACCESS_KEY=$secret_key \
        AWS_SESSION_TOKEN='' "$nginx" -p "$run" -c nginx.conf -e stderr \
        -g "daemon off; pid nginx.pid; error_log $run/logs/start warn;" \
        </dev/null 2>"$run/logs/nginx" &
    children+=($!)

    # written when the port is open
    wait_for "nginx" "$run/nginx.pid"
}


# ask TEXT TARGET BODY [OPTION...]

ask() {
    local text=$1 target=$2 body=$3
    shift 3

    printf '\n%s\n\n    POST %s\n    %s\n\n' "$text" "$target" "$body"

    curl -sS -N --fail-with-body "$@" -d "$body" \
        -H "Authorization: Bearer $caller_key" \
        -H 'Content-Type: application/json' "http://127.0.0.1:$port$target" \
        | sed -u -e '/^$/d' -e 's/^/    /' || return 1

    echo
}


demonstrate() {
    local rc=0 hello='"messages":[{"role":"user","content":"Hello"}]'

    pace &
    children+=($!)

    ask "A client of OpenAI, whose answer Bedrock streams:" \
        /v1/chat/completions "{\"model\":\"gpt-oss\",\"stream\":true,\
\"stream_options\":{\"include_usage\":true},$hello}" || rc=1

    ask "A client of Anthropic:" /v1/messages \
        "{\"model\":\"claude-sonnet\",\"max_tokens\":100,$hello}" \
        -H 'anthropic-version: 2023-06-01' || rc=1

    control rules '[{"region": "us-east-1", "error": "Throttling"}]'

    ask "us-east-1 has enough to do, us-west-2 answers:" \
        /v1/chat/completions "{\"model\":\"gpt-oss\",$hello}" || rc=1

    control rules '[]'

    # a worker writes a line when it has answered
    for _ in {1..100}; do
        [ "$(wc -l <"$run/logs/llm.log")" -lt 3 ] || break
        sleep 0.1
    done

    printf '\nThe access log:\n\n'
    sed 's/^/    /' "$run/logs/llm.log"

    printf '\nWhat Bedrock was sent:\n\n'
    sent

    return $rc
}


# of each request: region, service, path, and whether its signature was right

sent() {
    /usr/bin/python3 - "$run/logs/stand-ins" <<'END'
import json
import sys

with open(sys.argv[1], encoding='utf-8') as f:
    for line in f:
        record = json.loads(line)

        if record['type'] == 'request' and record['kind'] == 'runtime':
            verdict = {'ok': 'right'}.get(record['verdict'], record['reason'])

            print(f"    {record['region']}  {record['service']}  "
                  f"{record['target']}  signature: {verdict}  "
                  f"answer: {record['status']}")
END
}


announce() {
    cat <<END

The gateway goes on until Ctrl-C:

    export OPENAI_BASE_URL=http://127.0.0.1:$port/v1
    export ANTHROPIC_BASE_URL=http://127.0.0.1:$port
    export OPENAI_API_KEY=$caller_key
    export ANTHROPIC_API_KEY=$caller_key

with the models gpt-oss, claude-sonnet and local.  Its access log:

END
}


case ${1:-} in
    '')         ;;
    --stay)     stay=yes ;;
    -h|--help)  usage; exit 0 ;;
    *)          usage >&2; exit 2 ;;
esac

build

end_with_script

port=$(free_port)

prepare
start_stand_ins
configure
start_gateway

rc=0
demonstrate || rc=$?

if [ "$stay" = no ] || [ $rc -ne 0 ]; then
    exit $rc
fi

announce

tail -n 0 -F "$run/logs/llm.log" &
children+=($!)

wait -n "${children[@]}"
fail "the gateway has ended"
