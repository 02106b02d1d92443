#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make -j4 compiles sources with gcc: the object is to be the one that it is
# undisturbed, bit for bit.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/programs.d/lib.sh
. "$(dirname "$0")/programs.d/lib.sh"

export source=$work/source
mkdir "$source"
python3 "$programs/sources.py" "$source" 8 "${CKPT_FUNCTIONS:-10}"
make -s -j4 -C "$source" > /dev/null
mv "$source/all.o" "$source/expected"
# shellcheck disable=SC2016
run_program '
	turn() {
		rm -f "$source"/*.o
		make -s -j4 -C "$source"
		cmp "$source/all.o" "$source/expected"
	}'
