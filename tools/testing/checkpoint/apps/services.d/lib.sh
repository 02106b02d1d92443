# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A service runs as a container, with its clients or with these outside, and is
# checkpointed with kill and restarted at random moments; what the clients have
# to say of it in the end counts. Sourced by bash, with "set -eu", in the guest.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$here/../../demo.d/lib.sh"

# The container's address, and that of the clients
inside=10.9.0.2
outside=10.9.0.1
clients=
restart_options=()
# What is called before each checkpoint and after each restart
look=:

end_clients() {
	[ -z "$clients" ] || kill "$clients" 2>/dev/null || :
	cleanup
}
trap end_clients EXIT

# Wait until the clients have done something more. Sets "done".
progress() {
	local before=$1 until
	clock
	until=$((now + 300000))
	while :; do
		[ -d "/proc/$root" ] || fail "ended by itself"
		[ -z "$clients" ] || kill -0 "$clients" 2>/dev/null ||
			fail "a connection broke: $(cat "$work/clients")"
		done=$(awk '{ n += $1 } END { print n + 0 }' \
			"$work/data/progress" 2>/dev/null || echo 0)
		[ "$done" -le "$before" ] || return 0
		clock
		[ "$now" -lt $until ] || fail "the clients are stuck"
		sleep 0.02
	done
}

# A bridge, in a network of its own: see networked
bridged() {
	local address
	printf -v address '02:00:0a:09:00:%02x' "${outside##*.}"
	ip link set lo up
	# Not that of one of its ports, which may move elsewhere.
	ip link add br0 address "$address" type bridge
	ip addr add "$outside/24" dev br0
	ip link set br0 up
	# Who connects while nobody is there is to wait longer than 3 seconds.
	echo 100 > /proc/sys/net/ipv4/neigh/br0/mcast_solicit
}

# A bridge, and on it the container with the servers: served NAME
served() {
	bridged
	container_namespaces+=(--net)
	restart_options=(--veth eth0=out0@br0)
	# shellcheck disable=SC2016
	container "$work/output" \
		'python3 -u "$2" "$3" "$4" serve "$5"; echo "exit status $?"' \
		"$here/run.py" "$1" "$work/data" $inside
	ip link add out0 type veth peer name eth0 netns "$root"
	ip link set out0 master br0 up
	nsenter -t "$root" -n ip addr add $inside/24 dev eth0
	nsenter -t "$root" -n ip link set lo up
	nsenter -t "$root" -n ip link set eth0 up
	touch "$work/data/network"
	until [ -e "$work/data/ready" ]; do
		[ -d "/proc/$root" ] || fail "the servers have not started"
		sleep 0.1
	done
}

# loaded NAME: its clients are here
loaded() {
	python3 -u "$here/run.py" "$1" "$work/data" load $inside \
		> "$work/clients" 2>&1 &
	clients=$!
}

# Go on in a network of its own, as all that is outside of the container
networked() {
	[ -z "${CKPT_OUTER-}" ] || return 0
	rm -rf "$work"
	CKPT_OUTER=1 exec unshare --net "$0"
}

# CKPT_ROUNDS times (3 unless told), at moments that CKPT_SEED chooses
disturb() {
	local rounds=${CKPT_ROUNDS:-3} round wait
	RANDOM=${CKPT_SEED:-1}
	progress 0
	for ((round = 1; round <= rounds; round++)); do
		wait=$(printf '%d.%03d' $((RANDOM % 2)) $((RANDOM % 1000)))
		sleep "$wait"
		$look before
		save "$work/image"
		root=$(restart --detach "${restart_options[@]}" \
			-i "$work/image" 2> "$work/messages") || fail "restart"
		$look after
		echo "  checkpoint $round, $wait s later: $(megabytes "$size")," \
			"stopped for $(seconds "$stopped")"
		progress "$done"
	done
	touch "$work/data/stop"
}

# service NAME [tcp]: NAME_load.py beside this file says what it is
#
# With its clients in one container, on unix sockets; or with the clients
# outside, on TCP.
service() {
	[ "${2-}" != tcp ] || networked
	mkdir "$work/data"
	chmod 755 "$work" "$work/data"
	if [ "${2-}" = tcp ]; then
		served "$1"
		loaded "$1"
	else
		# shellcheck disable=SC2016
		container "$work/output" \
			'python3 -u "$2" "$3" "$4"; echo "exit status $?"' \
			"$here/run.py" "$1" "$work/data"
	fi
	disturb
	if [ -n "$clients" ]; then
		wait "$clients" || fail "clients: $(cat "$work/clients")"
		clients=
		touch "$work/data/end"
		finish
		tail -n 1 "$work/clients"
	else
		finish
		tail -n 2 "$output" | head -n 1
	fi
}
