#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A shell script with loops, subshells, background jobs, a trap and pipelines
# that come and go is checkpointed, killed and restarted, CKPT_ROUNDS times (3
# unless told); it is to say what it says undisturbed.
set -eu

# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$(dirname "$0")/../demo.d/lib.sh"

rounds=${CKPT_ROUNDS:-3}
turns=$((rounds * 12))

# shellcheck disable=SC2016
script='
	set -e -o pipefail
	trap "echo trapped" USR1
	trap "echo exit status \$?" EXIT
	sum=0
	for turn in $(seq "$2"); do
		n=$(seq $((turn * 50)) | awk "{ n += \$1 % 7 } END { print n }")
		sum=$((sum + n))
		(
			for i in $(seq 20); do
				echo $((turn * i % 17))
			done
		) | sort -n | uniq -c | md5sum > "$3/$turn" &
		wait $!
		echo "turn $turn $sum"
	done
	kill -USR1 $$
	cat "$3"/* | md5sum'

turns_done() {
	done=$(grep -c '^turn' "$output" 2>/dev/null) || [ "$done" = 0 ]
}

mkdir "$work/parts"
container "$work/undisturbed" "$script" $turns "$work/parts"
finish
container "$work/disturbed" "$script" $turns "$work/parts"
interrupt "$rounds" $turns turns_done
finish
cmp "$work/undisturbed" "$work/disturbed" || fail "it said something else"
grep -q '^trapped$' "$output" || fail "the trap was lost"
