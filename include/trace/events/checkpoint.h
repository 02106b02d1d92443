/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM checkpoint

#if !defined(_TRACE_CHECKPOINT_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_CHECKPOINT_H

#include <linux/sched.h>
#include <linux/tracepoint.h>

/* A phase of a checkpoint or restart is over, well (0) or not (an errno) */
TRACE_EVENT(checkpoint_phase,

	TP_PROTO(u64 id, const char *phase, int err),

	TP_ARGS(id, phase, err),

	TP_STRUCT__entry(
		__field(u64, id)
		__string(phase, phase)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->id = id;
		__assign_str(phase);
		__entry->err = err;
	),

	TP_printk("id=%llu phase=%s err=%d", __entry->id, __get_str(phase),
		  __entry->err)
);

DECLARE_EVENT_CLASS(checkpoint_task_class,

	TP_PROTO(u64 id, struct task_struct *task, int err),

	TP_ARGS(id, task, err),

	TP_STRUCT__entry(
		__field(u64, id)
		__array(char, comm, TASK_COMM_LEN)
		__field(pid_t, pid)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->id = id;
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->pid = task->pid;
		__entry->err = err;
	),

	TP_printk("id=%llu comm=%s pid=%d err=%d", __entry->id, __entry->comm,
		  __entry->pid, __entry->err)
);

DEFINE_EVENT(checkpoint_task_class, checkpoint_task,
	TP_PROTO(u64 id, struct task_struct *task, int err),
	TP_ARGS(id, task, err)
);

DEFINE_EVENT(checkpoint_task_class, restart_task,
	TP_PROTO(u64 id, struct task_struct *task, int err),
	TP_ARGS(id, task, err)
);

DECLARE_EVENT_CLASS(checkpoint_object_class,

	TP_PROTO(u64 id, const char *kind, u32 objref, int err),

	TP_ARGS(id, kind, objref, err),

	TP_STRUCT__entry(
		__field(u64, id)
		__string(kind, kind)
		__field(u32, objref)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->id = id;
		__assign_str(kind);
		__entry->objref = objref;
		__entry->err = err;
	),

	TP_printk("id=%llu kind=%s objref=%u err=%d", __entry->id,
		  __get_str(kind), __entry->objref, __entry->err)
);

DEFINE_EVENT(checkpoint_object_class, checkpoint_object,
	TP_PROTO(u64 id, const char *kind, u32 objref, int err),
	TP_ARGS(id, kind, objref, err)
);

DEFINE_EVENT(checkpoint_object_class, restart_object,
	TP_PROTO(u64 id, const char *kind, u32 objref, int err),
	TP_ARGS(id, kind, objref, err)
);

/* A task stands at the boundary of user mode, or goes on from there */
TRACE_EVENT(checkpoint_park,

	TP_PROTO(struct task_struct *task, bool parked),

	TP_ARGS(task, parked),

	TP_STRUCT__entry(
		__array(char, comm, TASK_COMM_LEN)
		__field(pid_t, pid)
		__field(bool, parked)
	),

	TP_fast_assign(
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->pid = task->pid;
		__entry->parked = parked;
	),

	TP_printk("comm=%s pid=%d %s", __entry->comm, __entry->pid,
		  __entry->parked ? "parked" : "released")
);

#endif /* _TRACE_CHECKPOINT_H */

#include <trace/define_trace.h>
