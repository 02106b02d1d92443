#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A python program of threads and of processes at the other ends of pipes is
# checkpointed in the middle, killed and restarted, CKPT_ROUNDS times (3 unless
# told); its result is to be right.
set -eu

# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$(dirname "$0")/../demo.d/lib.sh"

run_python "${CKPT_ROUNDS:-3}"
