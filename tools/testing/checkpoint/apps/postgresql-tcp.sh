#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# See services.d/postgresql_load.py; its clients are outside, and come over TCP.
set -eu

# shellcheck source=tools/testing/checkpoint/apps/services.d/lib.sh
. "$(dirname "$0")/services.d/lib.sh"
service postgresql tcp
