#!/bin/bash
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

# test.sh [TEST...]: installs what the tests need, builds the module and
# runs the tests named, by default all of them.

set -euo pipefail

cd "$(dirname "$0")"

. build-aux/packages.sh

# shellcheck disable=SC2086
install_packages $BUILD_PACKAGES $RUN_PACKAGES $TEST_PACKAGES

make all

exec build-aux/prove.sh "$@"
