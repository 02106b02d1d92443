#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A container with a network of its own runs nginx, redis and a python3 server:
# see services.d/network_load.py. No connection of its clients is to break, no
# byte is to be lost, doubled or out of order, and its network is to be the same
# in all that the usual programs show of it.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/services.d/lib.sh
. "$(dirname "$0")/services.d/lib.sh"

[ -z "${CKPT_LONG-}" ] || export CKPT_CONNECTIONS="${CKPT_CONNECTIONS:-200}"

# What counts, and what is looked up, for each packet to the servers
ruleset='
table inet t {
	counter seen { }
	set ports { type inet_service; flags interval; elements = { 0-1023 } }
	map verdicts { type inet_service : verdict
		elements = { 6379 : accept, 7777 : accept } }
	chain in {
		type filter hook input priority 0; policy accept;
		counter name "seen"
		tcp dport @ports counter accept
		tcp dport vmap @verdicts
	}
}'

# The network as it is seen in the container
look_at_network() {
	[ -e "$work/ruleset" ] || {
		echo "$ruleset" > "$work/ruleset"
		nsenter -t "$root" -n nft -f "$work/ruleset" || fail "nft"
		nsenter -t "$root" -n ip neigh add 10.9.0.77 \
			lladdr 02:00:00:00:00:77 dev eth0
	}
	nsenter -t "$root" -n -p -m python3 "$here/show.py" > "$work/$1" ||
		fail "the network cannot be shown"
	[ "$1" = before ] || cmp -s "$work/before" "$work/after" || {
		diff "$work/before" "$work/after" || :
		fail "the network is another one"
	}
}

# shellcheck disable=SC2034
look=look_at_network
service network tcp
