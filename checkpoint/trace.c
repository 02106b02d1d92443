// SPDX-License-Identifier: GPL-2.0
/* The tracepoints of checkpoint and restart. */

#define CREATE_TRACE_POINTS
#include <trace/events/checkpoint.h>
