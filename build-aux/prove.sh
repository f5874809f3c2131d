#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# prove.sh [TEST...]: runs the tests, all of them by default.  With CI=true
# a skipped test is a failure.

set -euo pipefail

cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- t/*.t

export AWS_EC2_METADATA_DISABLED=true
export LC_ALL=C.UTF-8

unset AWS_CA_BUNDLE AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
unset AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION

options=(-I t/lib -j "${PROVE_JOBS:-2}" --timer)

if [ "${CI:-}" = true ]; then
    options+=(--harness NoSkip)
    export PERL5LIB="$PWD/build-aux${PERL5LIB:+:$PERL5LIB}"
fi

exec prove "${options[@]}" "$@" </dev/null
