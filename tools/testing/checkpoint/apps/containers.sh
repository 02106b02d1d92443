#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Three containers inside of each other, of all namespaces but the network, each
# with a shell, a sleeper in the manner of cron and a python program that uses
# System V and POSIX IPC, are checkpointed, killed and restarted, CKPT_ROUNDS
# times (3 unless told). The programs see to it that their state is right; every
# other time they are stopped at the checkpoint, and all that the usual programs
# tell of the containers is to be the same before and after.
set -eu

# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$(dirname "$0")/../demo.d/lib.sh"

rounds=${CKPT_ROUNDS:-3}
levels=3
programs=$(cd "$(dirname "$0")/containers.d" && pwd)
cgroup=/sys/fs/cgroup/containers

# Lines of DEPTH PID for each process in a pid namespace below this one, PID as
# seen from here; with "1", only those that are init there.
inside() {
	awk -v only="${1-}" '/^NSpid:/ && NF > 2 && (!only || $NF == only) {
			print NF - 2, $2
		}' /proc/[0-9]*/status 2>/dev/null | sort -n
}

# What each container looks like from inside: look NAME
look() {
	local level pid
	[ "$(inside 1 | wc -l)" = $levels ] || fail "not $levels containers"
	while read -r level pid; do
		nsenter -t "$pid" --all -- "$programs/look.py" show \
			> "$work/$1.$level" 2> "$work/messages" < /dev/null ||
			fail "look $1.$level"
		# Not to be read from inside, where it depends on the reader.
		cp "/proc/$pid/timens_offsets" "$work/$1.offsets.$level"
	done < <(inside 1)
}

# Sets "up" to this machine's CLOCK_MONOTONIC in milliseconds: it has not slept.
uptime() {
	read -r up _ < /proc/uptime
	up=$((10#${up/./} * 10))
}

# The clocks went on from somewhere between BEGIN and KILLED, at some time
# between STARTED and END: clocks BEGIN KILLED STARTED END
clocks() {
	local level clock
	for ((level = 1; level <= levels; level++)); do
		for clock in monotonic boottime; do
			cat "$work"/{before,after}.offsets.$level |
			awk -v c=$clock -v least=$(($3 - $2 - 20)) \
				-v most=$(($4 - $1 + 20)) '
				$1 == c {
					sign = n++ ? -1 : 1
					away += sign * ($2 * 1000 + $3 / 1e6)
				}
				END {
					exit !(n == 2 && away >= least &&
					       away <= most)
				}' || fail "$clock of container $level:" \
				"$(cat "$work"/{before,after}.offsets.$level)"
		done
	done
}

# All programs have got on since the last time.
progress() {
	local level turns last try
	for ((level = 1; level <= levels; level++)); do
		for ((try = 0; ; try++)); do
			[ -d "/proc/$root" ] || fail "ended early"
			[ $try -lt 1000 ] || fail "container $level hangs"
			read -r turns 2>/dev/null < "$work/turns.$level" &&
				last=${reached[level]:-0} &&
				[ "$turns" -gt $((last + 20)) ] && break
			sleep 0.1
		done
		reached[level]=$turns
	done
}

# The sleepers read the clock from /proc: no open file of it can be saved.
checkpoint() {
	local try
	for ((try = 0; try < 50; try++)); do
		if command checkpoint "$@"; then
			return
		fi
		grep -q "'/proc/uptime' (proc): not supported" \
			"$work/messages" || return
		refused=$((refused + 1))
		sleep "0.0$((RANDOM % 10))"
	done
	return 1
}

# Killed in the middle of what they do.
moving() {
	save "$work/image"
	find "$cgroup" -mindepth 1 -depth -type d -exec rmdir {} +
	root=$(restart --detach --cgroup "$cgroup" -i "$work/image" \
		2> "$work/messages") || fail "restart"
}

# Stopped there, to be looked at before and after.
stopped() {
	local begin killed started level
	uptime
	begin=$up
	checkpoint --leave-stopped -o "$work/image" "$root" \
		2> "$work/messages" || fail "checkpoint"
	uptime
	killed=$up
	look before
	kill -9 "$root"
	while [ -d "/proc/$root" ]; do sleep 0.01; done
	find "$cgroup" -mindepth 1 -depth -type d -exec rmdir {} +
	uptime
	started=$up
	root=$(restart --detach --frozen --cgroup "$cgroup" -i "$work/image" \
		2> "$work/messages") || fail "restart"
	uptime
	look after
	clocks "$begin" "$killed" "$started" "$up"
	for ((level = 1; level <= levels; level++)); do
		"$programs/look.py" same "$work/before.$level" \
			"$work/after.$level" > "$work/messages" ||
			fail "container $level is not the same"
	done
	# shellcheck disable=SC2046
	kill -CONT $(inside | cut -d ' ' -f 2)
}

mkdir "$cgroup"
output=$work/shell.1
clock
began=$now
# Only this process moves; it becomes unshare.
(
	echo $BASHPID > "$cgroup/cgroup.procs"
	exec unshare --fork --pid --mount --uts --ipc --user --map-root-user \
		--cgroup --time --mount-proc --monotonic 1000 --boottime 2000 \
		"$programs/level" 1 $levels "$work" "$cgroup"
) > "$work/unshare" 2>&1 < /dev/null &
unshare=$!
until child_of $unshare level; do
	[ -d /proc/$unshare ] || fail "no container"
done
root=$child
reached=()
refused=0
progress

for ((round = 1; round <= rounds; round++)); do
	clock
	at=$now
	how=stopped
	[ $((round % 2)) = 1 ] || how=moving
	$how
	echo "  at $(seconds $((at - began)) %3d)   checkpoint $round, $how:" \
		"$(megabytes "$(stat -c %s "$work/image")")"
	progress
done

touch "$work/stop"
while [ -d "/proc/$root" ]; do sleep 0.1; done
root=
for ((level = 1; level <= levels; level++)); do
	for program in shell cron program; do
		output=$work/$program.$level
		[ "$(tail -n 1 "$output")" = right ] ||
			fail "$program of container $level"
	done
	echo "  container $level: $(tail -n 2 "$output" | head -n 1), all right"
done
[ $refused = 0 ] ||
	echo "  refused $refused times, while a sleeper looked at the clock"
rmdir "$cgroup"/2/3 "$cgroup"/2 "$cgroup"
