#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An interactive shell on a terminal, whose user is a program, is checkpointed
# in the middle, killed and restarted, CKPT_ROUNDS times (3 unless told): once
# as it is, and once with its output recorded by script(1), on a second terminal
# in a devpts of the container.
set -eu

# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$(dirname "$0")/../demo.d/lib.sh"

rounds=${CKPT_ROUNDS:-3}
turns=$((rounds * 12))
program=$(cd "$(dirname "$0")/terminal.d" && pwd)/session.py

turns_done() {
	done=$(grep -c '^turn' "$output" 2>/dev/null) || [ "$done" = 0 ]
}

# shellcheck disable=SC2016
plain='
	trap "echo exit status \$?" EXIT
	"$2" "$3"'
# shellcheck disable=SC2016
recorded='
	set -e
	trap "echo exit status \$?" EXIT
	mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts /dev/pts
	mount --bind /dev/pts/ptmx /dev/ptmx
	script -qefc "$2 $3" "$4" < /dev/null'

container "$work/plain" "$plain" "$program" $turns
interrupt "$rounds" $turns turns_done
finish
container "$work/recorded" "$recorded" "$program" $turns "$work/record"
interrupt "$rounds" $turns turns_done
finish
grep -q "turn $turns" "$work/record" || fail "the record is not complete"
