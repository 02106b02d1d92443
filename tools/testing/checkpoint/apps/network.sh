#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A container with a network of its own, on a veth and a bridge, runs nginx,
# redis and a python3 server. Clients outside keep connections to them busy; it
# is checkpointed with kill and restarted CKPT_ROUNDS times (3 unless told). No
# connection is to break, and no byte is to be lost, doubled or out of order.
set -eu

# All outside of the container is in a network of its own, too.
[ -n "${CKPT_OUTER-}" ] || CKPT_OUTER=1 exec unshare --net "$0"

# shellcheck source=tools/testing/checkpoint/apps/services.d/lib.sh
. "$(dirname "$0")/services.d/lib.sh"

rounds=${CKPT_ROUNDS:-3}
RANDOM=${CKPT_SEED:-1}
here=$(cd "$(dirname "$0")/network.d" && pwd)
mkdir "$work/data"
chmod 755 "$work"
clients=

end_clients() {
	[ -z "$clients" ] || kill "$clients" 2>/dev/null || :
	cleanup
}
trap end_clients EXIT

# What the network of the container is, without what changes by itself
network() {
	nsenter -t "$root" -n python3 "$here/show.py" > "$1" ||
		fail "the network cannot be shown"
}

ip link set lo up
ip link add br0 type bridge
ip addr add 10.9.0.1/24 dev br0
ip link set br0 up

container_namespaces=(--net)
# shellcheck disable=SC2016
container "$work/output" '"$2/serve.sh" "$3"; echo "exit status $?"' \
	"$here" "$work/data"
ip link add out0 type veth peer name eth0 netns "$root"
ip link set out0 master br0 up
nsenter -t "$root" -n ip addr add 10.9.0.2/24 dev eth0
nsenter -t "$root" -n ip link set lo up
nsenter -t "$root" -n ip link set eth0 up
touch "$work/data/network"
until [ -e "$work/data/ready" ]; do
	[ -d "/proc/$root" ] || fail "the servers have not started"
	sleep 0.1
done

python3 "$here/clients.py" "$work/data" "${CKPT_CONNECTIONS:-60}" \
	> "$work/clients" 2>&1 &
clients=$!
progress 0
for ((round = 1; round <= rounds; round++)); do
	wait=$(printf '%d.%03d' $((RANDOM % 2)) $((RANDOM % 1000)))
	sleep "$wait"
	network "$work/before"
	save "$work/image"
	root=$(restart --detach --veth eth0=out0@br0 -i "$work/image" \
		2> "$work/messages") || fail "restart"
	network "$work/after"
	cmp -s "$work/before" "$work/after" || {
		diff "$work/before" "$work/after" || :
		fail "the network is another one"
	}
	echo "  checkpoint $round, $wait s later: $(megabytes "$size")," \
		"stopped for $(seconds "$stopped")"
	kill -0 "$clients" || { cat "$work/clients"; fail "a connection broke"; }
	progress "$done"
done
touch "$work/data/stop"
wait "$clients" || { cat "$work/clients"; fail "a connection broke"; }
clients=
cat "$work/clients"
touch "$work/data/end"
finish
