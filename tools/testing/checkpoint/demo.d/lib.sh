# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the demonstration and the application tests have in common: a job is run
# as a container, and interrupted: checkpointed, killed and restarted. Sourced
# by bash, with "set -eu", in the guest.
#
# "root" is always the pid of the container's init, as seen from outside.

lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${CKPT_WORK:-$(mktemp -d)}
root=
output=
container_namespaces=()

cleanup() {
	[ -z "$root" ] || kill -9 "$root" 2>/dev/null || :
	rm -rf "$work"
}
trap cleanup EXIT

fail() {
	echo "FAILED: $*"
	for file in "$work/unshare" "$work/messages" "$output"; do
		[ ! -s "$file" ] || { echo "--- $file:"; tail -n 20 "$file"; }
	done
	exit 1
}

# Sets "now", in milliseconds.
clock() {
	now=$((${EPOCHREALTIME/[.,]/} / 1000))
}

# seconds MILLISECONDS [FORMAT]: the format is that of the whole seconds
seconds() {
	printf "${2:-%d}.%d s" $(($1 / 1000)) $(($1 % 1000 / 100))
}

# megabytes BYTES
megabytes() {
	printf '%d.%d MB' $(($1 / 1000000)) $(($1 % 1000000 / 100000))
}

# Sets "child" to a child of process PID: child_of PID [NAME]
child_of() {
	local stat rest
	child=
	for stat in /proc/[0-9]*/stat; do
		# "pid (name) state parent ...", and the name may hold anything.
		{ read -r rest < "$stat"; } 2>/dev/null || continue
		case $rest in *"(${2-}"*) ;; *) continue ;; esac
		rest=${rest##*) }
		rest=${rest#* }
		if [ "${rest%% *}" = "$1" ]; then
			child=${stat%/stat}
			child=${child#/proc/}
			return
		fi
	done
	return 1
}

# Run a job of bash as the init of new pid, ipc, uts and mount namespaces, and of
# those that "container_namespaces" has options of unshare for, with its output
# in a file and nothing else open: container FILE SCRIPT [ARG...]
#
# It opens the file itself: unshare stays outside, and what is shared with it
# would have to be given again at the restart.
container() {
	output=$1
	rm -f "$output"
	clock
	began=$now
	unshare --pid --ipc --uts --mount-proc --fork \
		"${container_namespaces[@]}" -- \
		bash -c 'exec > "$0" 2>&1; '"$2" "$@" \
		> "$work/unshare" 2>&1 < /dev/null &
	unshare=$!
	until child_of $unshare; do
		[ -d /proc/$unshare ] || fail "no container"
	done
	root=$child
}

# Wait for the job's end. Sets "took"; its last line says how it ended.
finish() {
	while [ -d "/proc/$root" ]; do sleep 0.1; done
	clock
	took=$((now - began))
	root=
	[ "$(tail -n 1 "$output")" = 'exit status 0' ] || fail "the job failed"
}

# Checkpoint and kill the container: save IMAGE. Sets "size", "stopped",
# "waiting" (bytes in pipes) and "retries".
#
# A task that waits for its vfork child cannot be saved before the child has
# executed its program, some milliseconds later.
save() {
	retries=0
	while ! checkpoint --kill --stats -o "$1" "$root" 2> "$work/messages"; do
		grep -q 'try again' "$work/messages" || fail "checkpoint"
		retries=$((retries + 1))
		[ $retries -lt 100 ] || fail "checkpoint: retried $retries times"
		sleep 0.1
	done
	stopped=$(sed -n 's/.*the tree was stopped *\([0-9]*\).* ms$/\1/p' \
		"$work/messages")
	size=$(stat -c %s "$1")
	while [ -d "/proc/$root" ]; do sleep 0.01; done
	root=
	ckptinfo --files "$1" > "$work/files" || fail "ckptinfo"
	# Both ends show what is in a pipe.
	waiting=$(sed -n 's/.*\(pipe:\[[0-9]*\]\) (\([0-9]*\) bytes.*/\1 \2/p' \
		"$work/files" | sort -u | awk '{ n += $2 } END { print n + 0 }')
}

# Interrupt the job ROUNDS times, at about equal distances from its begin to
# its end: interrupt ROUNDS TOTAL PROGRESS. The function PROGRESS sets "done" to
# how far the job is, of TOTAL, or fails.
interrupt() {
	local rounds=$1 total=$2 progress=$3
	local round again at
	for ((round = 1; round <= rounds; round++)); do
		while :; do
			[ -d "/proc/$root" ] ||
				fail "ended before checkpoint $round"
			# What passes while it is looked at leads behind the place.
			if $progress && [ "$done" -ge \
				$((total * round * 9 / (rounds + 1) / 10)) ]; then
				break
			fi
			sleep 0.05
		done
		clock
		at=$now
		save "$work/image.$round"
		again=
		[ $retries = 0 ] || again=", retried $retries times"
		echo "  at $(seconds $((at - began)) %3d)  " \
			"checkpoint $round: $(megabytes "$size")," \
			"$waiting bytes in pipes," \
			"stopped for $(seconds "$stopped")$again; killed"
		clock
		at=$now
		root=$(restart --detach -i "$work/image.$round" \
			2> "$work/messages") || fail "restart"
		clock
		echo "  at $(seconds $((now - began)) %3d)  " \
			"restarted, in $(seconds $((now - at)))"
	done
}

# The pipeline: tar DIR... | xz | sha256sum. A directory that is named again is
# to be archived again, not as links.
pipeline='
	set -o pipefail
	tar -C / --hard-dereference -cf - "${@:2}" | xz -T2 -0 | sha256sum
	echo "exit status $?"'

pipeline_progress() {
	local name value
	child_of "$root" tar || return
	while read -r name value; do
		[ "$name" != rchar: ] || done=$value
	done 2>/dev/null < "/proc/$child/io"
}

# The digest that an undisturbed run ends with: undisturbed BYTES DIR...
undisturbed() {
	echo "  undisturbed, for comparison ($(megabytes "$1"); an emulated" \
		"guest does 1 to 6 MB a second):"
	shift
	container "$work/undisturbed" "$pipeline" "$@"
	finish
	digest=$(head -n 1 "$work/undisturbed")
	echo "  at $(seconds $took %3d)   ${digest%% *}"
}

# run_pipeline DIR ROUNDS
#
# Each round needs a second or two: where all of DIR is done too soon, it is
# archived several times.
run_pipeline() {
	local bytes digest dirs=("$1") want=$((3000 * $2))
	bytes=$(du -s -B1 --apparent-size "/$1" | cut -f 1)
	undisturbed "$bytes" "$1"
	# The first run reads from the disk, and is slow for it.
	while [ $took -lt $want ]; do
		dirs+=("${dirs[@]}")
		bytes=$((bytes * 2))
		undisturbed "$bytes" "${dirs[@]}"
	done
	echo "  the same, interrupted $2 times:"
	container "$work/interrupted" "$pipeline" "${dirs[@]}"
	interrupt "$2" "$bytes" pipeline_progress
	finish
	echo "  at $(seconds $took %3d)   $(head -n 1 "$output" | cut -d ' ' -f 1)"
	[ "$(head -n 1 "$output")" = "$digest" ] || fail "the digests differ"
	echo "  The digests are equal."
}

# The python program: a line for each of its ranges, and then the result.
python_progress() {
	done=$(grep -c '^range' "$output" 2>/dev/null) || [ "$done" = 0 ]
}

# run_python ROUNDS
run_python() {
	local ranges=$(($1 * 8 < 24 ? 24 : $1 * 8))
	local want='25997 primes below 300000'
	container "$work/python" \
		'python3 "$2" 300000 "$3"; echo "exit status $?"' \
		"$lib/primes.py" $ranges
	interrupt "$1" $ranges python_progress
	finish
	echo "  at $(seconds $took %3d)   $(tail -n 2 "$output" | head -n 1)"
	[ "$(tail -n 2 "$output" | head -n 1)" = "$want" ] ||
		fail "wrong result: it is to be $want"
	echo "  The result is right."
}
