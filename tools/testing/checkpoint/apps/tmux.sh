#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tmux, with shells in its panes.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/multiplexer.d/lib.sh
. "$(dirname "$0")/multiplexer.d/lib.sh"

# shellcheck disable=SC2016
run_multiplexer '
	export TMUX_TMPDIR=$directory
	panes=(s:0.0 s:0.1 s:1.0)
	start() {
		tmux -f /dev/null new-session -d -x 80 -y 24 -s s "$1"
		tmux split-window -t s "$1"
		tmux new-window -t s "$1"
	}
	type() { tmux send-keys -t ${panes[$1]} "$2" Enter; }
	look() { tmux capture-pane -p -t ${panes[$1]}; }
	stop() { tmux kill-server; }'
