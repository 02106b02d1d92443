#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# xz with four threads: what it packs is what it packed before it was disturbed.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/programs.d/lib.sh
. "$(dirname "$0")/programs.d/lib.sh"

export input=$work/input expected=$work/expected
xz='xz -T4 -1 --block-size=1MiB -c'
tar -C / -cf "$input" usr/share/perl
$xz "$input" > "$expected"
export xz
# shellcheck disable=SC2016
run_program '
	turn() {
		$xz "$input" | cmp - "$expected"
		xz -T4 -dc "$expected" | cmp - "$input"
	}'
