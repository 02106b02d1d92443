#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# See services.d/wal_load.py.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/services.d/lib.sh
. "$(dirname "$0")/services.d/lib.sh"
service wal
