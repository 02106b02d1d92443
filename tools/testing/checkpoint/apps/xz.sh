#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One process that reads a file and writes another, with much memory: xz is
# checkpointed, killed and restarted, CKPT_ROUNDS times (3 unless told); the
# file is to be the one that it is undisturbed, and unpack to what it was.
set -eu

# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$(dirname "$0")/../demo.d/lib.sh"

# shellcheck disable=SC2016
script='xz -k -4 "$2"; echo "exit status $?"'

bytes_read() {
	local name value
	child_of "$root" xz || return
	while read -r name value; do
		[ "$name" != rchar: ] || done=$value
	done 2>/dev/null < "/proc/$child/io"
}

tar -C / -cf "$work/input" usr/share/perl
container "$work/undisturbed" "$script" "$work/input"
finish
mv "$work/input.xz" "$work/expected.xz"
container "$work/disturbed" "$script" "$work/input"
interrupt "${CKPT_ROUNDS:-3}" "$(stat -c %s "$work/input")" bytes_read
finish
cmp "$work/expected.xz" "$work/input.xz" || fail "the files differ"
xz -dc "$work/input.xz" | cmp - "$work/input" || fail "it is damaged"
