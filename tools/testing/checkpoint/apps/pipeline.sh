#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tar | xz -T2 | sha256sum in a container is checkpointed in the middle, killed
# and restarted, CKPT_ROUNDS times (3 unless told); the digest is to be that of
# an undisturbed run.
set -eu

# shellcheck source=tools/testing/checkpoint/demo.d/lib.sh
. "$(dirname "$0")/../demo.d/lib.sh"

rounds=${CKPT_ROUNDS:-3}
run_pipeline usr/share/perl "$rounds"
