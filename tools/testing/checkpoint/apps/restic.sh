#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A program in Go: restic saves, checks and restores a directory, with its
# goroutines on several threads. What comes back is to be what was there.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/programs.d/lib.sh
. "$(dirname "$0")/programs.d/lib.sh"

# shellcheck disable=SC2016
run_program '
	source=/usr/share/perl
	begin() {
		export RESTIC_REPOSITORY=$PWD/repository RESTIC_PASSWORD=secret
		export RESTIC_CACHE_DIR=$PWD/cache
		restic --quiet init
		echo "repository"
	}
	turn() {
		restic --quiet backup --force $source
		echo "saved"
		restic --quiet check --read-data
		echo "checked"
		rm -rf restored
		restic --quiet restore latest --target restored
		diff -r $source restored$source
		restic --quiet forget --prune --keep-last 1
	}'
