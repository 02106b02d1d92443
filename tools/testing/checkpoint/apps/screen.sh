#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# screen, with shells in its windows.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/multiplexer.d/lib.sh
. "$(dirname "$0")/multiplexer.d/lib.sh"

# shellcheck disable=SC2016
run_multiplexer '
	export SCREENDIR=$directory
	start() {
		screen -c /dev/null -d -m -S s bash -c "$1"
		until screen -S s -Q windows > /dev/null; do sleep 0.1; done
		screen -S s -X screen bash -c "$1"
		screen -S s -X screen bash -c "$1"
	}
	type() { screen -S s -p $1 -X stuff "$2^M"; }
	# it writes the file when it comes to it
	look() {
		screen -S s -p $1 -X hardcopy "$directory.$1"
		[ ! -e "$directory.$1" ] || cat "$directory.$1"
	}
	stop() { screen -S s -X quit; }'
