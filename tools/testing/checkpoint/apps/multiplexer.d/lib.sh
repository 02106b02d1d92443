# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A terminal multiplexer with a shell in each of three windows, and clients that
# type and look, is checkpointed in the middle, killed and restarted,
# CKPT_ROUNDS times (3 unless told). Each window is to have the same shell from
# begin to end. Sourced by bash, with "set -eu", in the guest.

# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$(dirname "$0")/../demo.d/lib.sh"

rounds=${CKPT_ROUNDS:-3}
turns=$((rounds * 12))

turns_done() {
	done=$(grep -c '^turn' "$output" 2>/dev/null) || [ "$done" = 0 ]
}

# run_multiplexer FUNCTIONS: text for bash, which in the container defines
#   start SHELL      with windows 0 to 2, each with this command in it
#   type N TEXT      into window N, and a newline
#   look N           print what window N shows, or nothing so far
#   stop
# Where they keep their sockets is "$directory".
run_multiplexer() {
	# shellcheck disable=SC2016
	local script='
		set -e
		trap "echo exit status \$?" EXIT
		export TERM=screen PS1="@ " SHELL=/bin/bash
		directory=$3
		eval "$4"
		mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 \
			devpts /dev/pts
		mount --bind /dev/pts/ptmx /dev/ptmx
		start "exec bash --norc --noprofile -i"
		# seen WINDOW TEXT
		seen() {
			for ((try = 0; try < 600; try++)); do
				if look "$1" | grep -qF -- "$2"; then
					return
				fi
				sleep 0.1
			done
			echo "window $1 has no $2:"
			look "$1"
			return 1
		}
		for ((turn = 1; turn <= $2; turn++)); do
			for n in 0 1 2; do
				# screen has a use for "$" of its own, and tmux
				# for a ";" at the end
				echo "clear; : \${first:=\$\$}; sleep 0.0$n
echo \"<\$(($turn * ($n + 1))) \$((first == \$\$)) \$(tty)>\"" \
					> "$directory.turn.$n"
				type $n ". $directory.turn.$n"
			done
			for n in 0 1 2; do
				seen $n "<$((turn * (n + 1))) 1 /dev/pts/$n>"
			done
			echo "turn $turn"
		done
		stop'

	mkdir -m 700 "$work/sockets"
	container "$work/out" "$script" $turns "$work/sockets" "$1"
	interrupt "$rounds" $turns turns_done
	finish
}
