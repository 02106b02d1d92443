#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A Java virtual machine, whose program is in JavaScript: see programs.d/work.js.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/programs.d/lib.sh
. "$(dirname "$0")/programs.d/lib.sh"
run_program java -cp '/usr/share/java/*' org.mozilla.javascript.tools.shell.Main \
	"$programs/work.js"
