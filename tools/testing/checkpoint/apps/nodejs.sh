#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# See programs.d/work.mjs.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/programs.d/lib.sh
. "$(dirname "$0")/programs.d/lib.sh"
run_program node "$programs/work.mjs"
