#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A database that makes transactions all the time is checkpointed, killed and
# restarted, CKPT_ROUNDS times (3 unless told), mostly in the middle of one, with
# its record locks held: none of them is to be lost or half done.
set -eu

# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$(dirname "$0")/../demo.d/lib.sh"

rounds=${CKPT_ROUNDS:-3}
rows=$((rounds * 3000))

# shellcheck disable=SC2016
script='sqlite3 "$2" ".read $3"; echo "exit status $?"'

{
	echo 'create table t (n integer primary key, square integer);'
	for ((n = 1; n <= rows; n++)); do
		echo "insert into t values ($n, $n * $n);"
		[ $((n % 100)) != 0 ] || echo "select 'rows', $n;"
	done
	echo 'pragma integrity_check;'
	echo "select 'sums', count(*), sum(n), sum(square) from t;"
} > "$work/sql"

rows_done() {
	done=$(sed -n 's/^rows|//p' "$output" 2>/dev/null | tail -n 1)
	[ -n "$done" ]
}

container "$work/output" "$script" "$work/db" "$work/sql"
interrupt "$rounds" $rows rows_done
finish
want="sums|$rows|$((rows * (rows + 1) / 2))"
want="$want|$((rows * (rows + 1) * (2 * rows + 1) / 6))"
grep -qxF "$want" "$output" || fail "the sums are to be $want"
grep -qx ok "$output" || fail "the database is damaged"
