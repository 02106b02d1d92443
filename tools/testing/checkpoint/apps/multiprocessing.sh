#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# See programs.d/multiprocessing_work.py.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/programs.d/lib.sh
. "$(dirname "$0")/programs.d/lib.sh"
run_program python3 "$programs/multiprocessing_work.py"
