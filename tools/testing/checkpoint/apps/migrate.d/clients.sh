#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# clients.sh MOVES: a switch between the two machines, with clients at it
set -eu

# shellcheck source=tools/testing/checkpoint/apps/services.d/lib.sh
. "$(dirname "$0")/../services.d/lib.sh"
trap - EXIT

moves=$1
root=$$
bridged
ip link set eth0 master br0 up
ip link set eth1 master br0 up
until [ -e "$work/data/ready" ]; do sleep 0.1; done
# Somebody who is silent: nothing but the container tells where it is now.
exec 3<> /dev/tcp/$inside/7777
loaded network
progress 0
for ((move = 1; move <= moves; move++)); do
	clock
	begin=$now
	touch "$work/move.$move"
	until [ -e "$work/moved.$move" ]; do sleep 0.1; done
	clock
	at=$now
	# Who was sending tries again after as long a time at most.
	progress -1
	progress "$done"
	clock
	echo "  moved in $(seconds $((at - begin)))," \
		"all have gone on $(seconds $((now - at))) later"
done
echo silent >&3
read -r -t 60 answer <&3
[ "$answer" = silent ] || fail "the silent connection broke"
touch "$work/data/stop"
wait "$clients" || fail "clients: $(cat "$work/clients")"
tail -n 1 "$work/clients"
touch "$work/data/end"
until [ -e "$work/gone" ]; do sleep 0.1; done
