# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A program that works in turns, each with an answer that is known, runs as a
# container, and is checkpointed with kill and restarted at random moments.
# Sourced by bash, with "set -eu", in the guest.

programs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$programs/../../demo.d/lib.sh"

# Wait until there are more lines of output. Sets "done".
progress() {
	local before=$1 until
	clock
	until=$((now + ${CKPT_PATIENCE:-240000}))
	while :; do
		[ -d "/proc/$root" ] || fail "ended by itself"
		done=$({ wc -l < "$output"; } 2>/dev/null || echo 0)
		[ "$done" -le "$before" ] || return 0
		clock
		if [ "$now" -ge $until ]; then
			ps -N --ppid 2 \
				-o pid,ppid,pgid,sid,stat,wchan:30,args
			fail "no progress any more"
		fi
		sleep 0.02
	done
}

# Functions of bash in the container: "begin", and "turn" over and over
# shellcheck disable=SC2016
shell_program='
	set -eu -o pipefail
	cd "$2"
	trap "echo exit status \$?" EXIT
	eval "$3"
	begin
	for ((turns = 1; ; turns++)); do
		turn
		echo "turn $turns"
		[ ! -e stop ] || break
	done
	echo "$turns turns"'

# run_program COMMAND [ARG...]
# run_program TEXT	for bash, which defines "turn" and may define "begin"
#
# What is run prints a line for whatever is done, in a directory of its own,
# until there is a file "stop" in that; then it says how many turns it was. It
# fails where an answer is not right. It is stopped CKPT_ROUNDS times (3 unless
# told; 50 in check-long), at moments that CKPT_SEED chooses, and not before it
# has got on since the last time.
run_program() {
	local rounds=${CKPT_ROUNDS:-3} round wait
	[ -z "${CKPT_LONG-}" ] || rounds=50
	RANDOM=${CKPT_SEED:-1}
	mkdir "$work/data"
	if [ $# = 1 ]; then
		container "$work/output" "$shell_program" "$work/data" \
			"begin() { :; }; $1"
	else
		# shellcheck disable=SC2016
		container "$work/output" \
			'cd "$2"; "${@:3}"; echo "exit status $?"' \
			"$work/data" "$@"
	fi
	progress 0
	for ((round = 1; round <= rounds; round++)); do
		wait=$(printf '%d.%03d' $((RANDOM % 2)) $((RANDOM % 1000)))
		sleep "$wait"
		save "$work/image"
		root=$(restart --detach -i "$work/image" \
			2> "$work/messages") || fail "restart"
		echo "  checkpoint $round, $wait s later: $(megabytes "$size")," \
			"stopped for $(seconds "$stopped")"
		progress "$(wc -l < "$output")"
	done
	touch "$work/data/stop"
	finish
	echo "  $(tail -n 2 "$output" | head -n 1)"
}
