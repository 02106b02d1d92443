#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A tmux server with shells in its panes, and clients that type and look, is
# checkpointed in the middle, killed and restarted, CKPT_ROUNDS times (3 unless
# told). Each pane is to have the same shell from begin to end.
set -eu

# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$(dirname "$0")/../demo.d/lib.sh"

rounds=${CKPT_ROUNDS:-3}
turns=$((rounds * 12))

turns_done() {
	done=$(grep -c '^turn' "$output" 2>/dev/null) || [ "$done" = 0 ]
}

# shellcheck disable=SC2016
script='
	set -e
	trap "echo exit status \$?" EXIT
	export TMUX_TMPDIR=$3 TERM=screen PS1="@ " SHELL=/bin/bash
	mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts /dev/pts
	mount --bind /dev/pts/ptmx /dev/ptmx
	shell="exec bash --norc --noprofile -i"
	tmux -f /dev/null new-session -d -x 80 -y 24 -s s "$shell"
	tmux split-window -t s "$shell"
	tmux new-window -t s "$shell"
	# seen PANE TEXT
	seen() {
		for ((try = 0; try < 600; try++)); do
			if tmux capture-pane -p -t "$1" | grep -qF -- "$2"; then
				return
			fi
			sleep 0.1
		done
		echo "pane $1 has no $2:"
		tmux capture-pane -p -t "$1"
		return 1
	}
	for ((turn = 1; turn <= $2; turn++)); do
		n=0
		for pane in s:0.0 s:0.1 s:1.0; do
			n=$((n + 1))
			# not as several: one that ends in ; ends the command
			tmux send-keys -t $pane "clear; : \${first:=\$\$}; \
sleep 0.0$n; echo \"<\$(($turn * $n)) \$((first == \$\$)) \$(tty)>\"" Enter
		done
		n=0
		for pane in s:0.0 s:0.1 s:1.0; do
			n=$((n + 1))
			seen $pane "<$((turn * n)) 1 /dev/pts/$((n - 1))>"
		done
		echo "turn $turn"
	done
	tmux kill-server'

mkdir "$work/tmux"
container "$work/out" "$script" $turns "$work/tmux"
interrupt "$rounds" $turns turns_done
finish
