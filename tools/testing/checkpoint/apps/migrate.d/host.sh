#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# host.sh ADDRESS PEER MOVES [first]: one of the two machines between which a
# container moves, as often as said. The first one has it in the beginning.
#
# They share CKPT_WORK, where the files of the container are: see selftest-migrate.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/services.d/lib.sh
. "$(dirname "$0")/../services.d/lib.sh"
trap - EXIT

outside=$1
peer=$2
moves=$3
port=4711
output=$work/output
clock
began=$now

appears() {
	until [ -e "$work/$1" ]; do sleep 0.1; done
}

# Say it when somebody listens there
announce() {
	until ss -Hltn "sport = $port" | grep -q .; do sleep 0.1; done
	touch "$work/listening.$1"
}

if [ "${4-}" = first ]; then
	# its clocks are to go on
	container_namespaces=(--time)
	served network
else
	bridged
fi
ip link set eth0 master br0 up
for ((move = 1; move <= moves; move++)); do
	if [ -n "$root" ]; then
		appears "move.$move"
		appears "listening.$move"
		checkpoint --kill --stats "$root" 2> "$work/stats.$move" |
			nc -N "$peer" $port || fail "checkpoint $move"
		root=
	else
		announce $move &
		root=$(nc -l $port | restart --detach --veth eth0=out0@br0 \
			2> "$work/messages") || fail "restart $move"
		wait
		touch "$work/moved.$move"
	fi
done
if [ -n "$root" ]; then
	finish
	touch "$work/gone"
else
	appears gone
fi
