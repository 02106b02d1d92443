#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Ciphers and digests, in code that uses the vector registers: what they say is
# what they said before they were disturbed, and what one of them has encrypted
# is decrypted by the next.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/programs.d/lib.sh
. "$(dirname "$0")/programs.d/lib.sh"

head -c 4000000 /dev/urandom > "$work/plain"
ciphers='aes-256-ctr aes-128-cbc chacha20 camellia-256-ctr'
digests='sha1 sha256 sha512 sha3-256 blake2b512 md5'
for digest in $digests; do
	openssl dgst "-$digest" -r "$work/plain"
done > "$work/expected"

# shellcheck disable=SC2016
export plain=$work/plain expected=$work/expected ciphers digests
# shellcheck disable=SC2016
run_program '
	turn() {
		local cipher digest
		for cipher in $ciphers; do
			openssl enc "-$cipher" -K 0123456789abcdef -iv 42 \
				-in "$plain" 2> /dev/null |
			openssl enc -d "-$cipher" -K 0123456789abcdef -iv 42 \
				2> /dev/null | cmp - "$plain"
			echo "$cipher"
		done
		for digest in $digests; do
			openssl dgst "-$digest" -r "$plain"
		done | cmp - "$expected"
		echo digests
	}'
