#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A database that makes transactions all the time is checkpointed, killed and
# restarted, CKPT_ROUNDS times (3 unless told): none of them is to be lost or
# half done. While one is under way its record locks refuse the checkpoint: the
# database is to run on as if nothing had been, and it is tried again.
set -eu

# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$(dirname "$0")/../demo.d/lib.sh"

rounds=${CKPT_ROUNDS:-3}
rows=$((rounds * 6000))

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

# Between two transactions there is no lock: it takes some tries to be there.
refused=0
checkpoint() {
	local try
	for ((try = 0; try < 200; try++)); do
		if command checkpoint "$@"; then
			return
		fi
		grep -q 'lock: not supported' "$work/messages" || return
		refused=$((refused + 1))
		sleep "0.0$((RANDOM % 10))"
	done
	return 1
}

container "$work/output" "$script" "$work/db" "$work/sql"
interrupt "$rounds" $rows rows_done
finish
echo "  refused $refused times, in the middle of a transaction"
want="sums|$rows|$((rows * (rows + 1) / 2))"
want="$want|$((rows * (rows + 1) * (2 * rows + 1) / 6))"
grep -qxF "$want" "$output" || fail "the sums are to be $want"
grep -qx ok "$output" || fail "the database is damaged"
