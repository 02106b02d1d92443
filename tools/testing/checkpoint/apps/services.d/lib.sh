# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A service and its clients run as a container, and are checkpointed with kill
# and restarted at random moments; what they have to say of it in the end counts.
# Sourced by bash, with "set -eu", in the guest.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$here/../../demo.d/lib.sh"

# Wait until the clients have done something more. Sets "done".
progress() {
	local before=$1 until
	clock
	until=$((now + 120000))
	while :; do
		[ -d "/proc/$root" ] || fail "ended by itself"
		done=$(awk '{ n += $1 } END { print n + 0 }' \
			"$work/data/progress" 2>/dev/null || echo 0)
		[ "$done" -le "$before" ] || return 0
		clock
		[ "$now" -lt $until ] || fail "the clients are stuck"
		sleep 0.02
	done
}

# service NAME: NAME_load.py beside this file says what it is
#
# CKPT_ROUNDS times (3 unless told), at moments that CKPT_SEED chooses.
service() {
	local rounds=${CKPT_ROUNDS:-3} round wait
	RANDOM=${CKPT_SEED:-1}
	chmod 755 "$work"
	container "$work/output" \
		'python3 -u "$2" "$3" "$4"; echo "exit status $?"' \
		"$here/run.py" "$1" "$work/data"
	progress 0
	for ((round = 1; round <= rounds; round++)); do
		wait=$(printf '%d.%03d' $((RANDOM % 2)) $((RANDOM % 1000)))
		sleep "$wait"
		save "$work/image"
		root=$(restart --detach -i "$work/image" \
			2> "$work/messages") || fail "restart"
		echo "  checkpoint $round, $wait s later: $(megabytes "$size")," \
			"stopped for $(seconds "$stopped")"
		progress "$done"
	done
	touch "$work/data/stop"
	finish
	tail -n 2 "$output" | head -n 1
}
