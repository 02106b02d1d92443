#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A script with job control: process groups of their own, which it stops and
# continues, traps of many kinds, coprocesses, and here documents.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/programs.d/lib.sh
. "$(dirname "$0")/programs.d/lib.sh"

# shellcheck disable=SC2016
run_program '
	begin() {
		set -m
		usr1=0
		trap "usr1=\$((usr1 + 1))" USR1
		trap "echo failed: \$BASH_COMMAND" ERR
		coproc adder { while read -r a b; do echo $((a + b)); done; }
	}
	state() {
		local stat
		stat=$(< /proc/$1/stat)
		stat=${stat##*) }
		echo "${stat%% *}"
	}
	is() {
		until [ "$(state $1)" = "$2" ]; do sleep 0.01; done
	}
	# until it does, bash, which has forked it, may lose a signal
	runs() {
		until [ "$(< /proc/$1/comm)" = "$2" ]; do sleep 0.01; done
	}
	turn() {
		local i pid pids status sum
		# one of its own that is stopped and continued
		(while [ ! -e go ]; do sleep 0.02; done; exit 3) &
		pid=$!
		kill -STOP %%
		is $pid T
		[[ $(jobs -s) == *Stopped* ]]
		kill -CONT %%
		touch go
		status=0
		wait $pid || status=$?
		[ $status = 3 ]
		rm go
		echo stopped

		# in the foreground, with a signal for the one who waits
		sh -c "kill -USR1 $$; sleep 0.1; exit 0"
		[ $usr1 = $turns ]
		# a pipeline that is a job, and one that is killed
		sum=$(seq 200 | tee >(md5sum > digest) | (
			n=0
			while read -r i; do n=$((n + i)); done
			echo $n))
		[ $sum = 20100 ]
		sleep 1000 | cat &
		runs $(jobs -p %%) sleep
		runs $! cat
		kill -TERM %%
		status=0
		wait $! || status=$?
		[ $status = 143 ] || [ $status = 0 ]
		echo pipelines

		for i in 1 2 3 4 5; do
			echo $i $turns >&${adder[1]}
			read -r sum <&${adder[0]}
			[ $sum = $((i + turns)) ]
		done
		pids=()
		for i in 1 2 3 4; do
			(exit $i) &
			pids+=($!)
		done
		sum=0
		for pid in ${pids[@]}; do
			status=0
			wait $pid || status=$?
			sum=$((sum + status))
		done
		[ $sum = 10 ]
		echo children
	}'
