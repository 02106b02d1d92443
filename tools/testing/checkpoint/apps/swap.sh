#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest: --mem 512
#
# A process has 1 GiB of memory, on a machine that has half as much: what is
# swapped out is read for the image, and stays swapped out. It is checkpointed
# once, killed and restarted; its memory is to be what it was.
#
# An emulated guest takes long for this: it is a test of check-long, or where
# CKPT_LONG is set.
set -eu

[ -n "${CKPT_LONG-}" ] || exit 4

# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$(dirname "$0")/../demo.d/lib.sh"

mib=1024
# /tmp is in memory.
disk=$(mktemp -d /var/tmp/swap.XXXXXX)
trap 'cleanup; swapoff "$disk/swap"; rm -rf "$disk"' EXIT
fallocate -l $((mib + 256))M "$disk/swap"
chmod 600 "$disk/swap"
mkswap "$disk/swap" > /dev/null
swapon "$disk/swap"

# No page is like another, and none can be packed.
cat > "$work/program.py" << 'END'
import mmap
import os
import sys
import time

MIB = 1 << 20
directory, size = sys.argv[1], int(sys.argv[2])
memory = mmap.mmap(-1, size * MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
random = os.urandom(MIB + 4 * size)
for n in range(size):
    memory[n * MIB:(n + 1) * MIB] = random[4 * n:4 * n + MIB]
print('filled', flush=True)
while not os.path.exists(directory + '/stop'):
    time.sleep(0.1)
for n in range(size):
    if memory[n * MIB:(n + 1) * MIB] != random[4 * n:4 * n + MIB]:
        sys.exit('MiB %d is not what it was' % n)
print('exit status 0')
END

# Sets "resident" and "swapped", in MiB: what of the memory is where
look() {
	local name value _
	child_of "$root" python3 || fail "it has ended"
	while read -r name value _; do
		case $name in
		VmRSS:) resident=$((value / 1024)) ;;
		VmSwap:) swapped=$((value / 1024)) ;;
		esac
	done < "/proc/$child/status"
	echo "  $1: $resident MiB in memory, $swapped MiB swapped out"
}

# shellcheck disable=SC2016
container "$work/output" 'python3 "$2" "$3" "$4"; true' \
	"$work/program.py" "$work" $mib
until grep -q filled "$output" 2>/dev/null; do
	[ -d "/proc/$root" ] || fail "it has ended"
	sleep 0.5
done
look before
[ "$swapped" -gt $((mib / 2)) ] || fail "it is not swapped out"
before=$swapped
checkpoint --stats -o "$disk/image" "$root" 2> "$work/messages" ||
	fail "checkpoint"
look "after the checkpoint"
# a page or another of what it runs may have come or gone
[ "$swapped" -ge $((before - 16)) ] ||
	fail "$((before - swapped)) MiB are not swapped out any more"
kill -9 "$root"
while [ -d "/proc/$root" ]; do sleep 0.01; done
root=$(restart --detach -i "$disk/image" 2> "$work/messages") || fail "restart"
look "after the restart"
touch "$work/stop"
finish
echo "  all of its memory is right"
