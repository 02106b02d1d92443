// SPDX-License-Identifier: GPL-2.0
/*
 * The table of record types: one entry for each enum ckpt_hdr_type.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "libcheckpoint.h"
#include "records.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	      "an image is little-endian and is read in place");

/* --------------------------------------------------------- names of values */

static const char *const object_name[] = {
	[CKPT_OBJ_NONE]		= "none",
	[CKPT_OBJ_PID]		= "pid",
	[CKPT_OBJ_NSPROXY]	= "nsproxy",
	[CKPT_OBJ_UTS_NS]	= "uts_ns",
	[CKPT_OBJ_IPC_NS]	= "ipc_ns",
	[CKPT_OBJ_MNT_NS]	= "mnt_ns",
	[CKPT_OBJ_PID_NS]	= "pid_ns",
	[CKPT_OBJ_CRED]		= "cred",
	[CKPT_OBJ_SIGHAND]	= "sighand",
	[CKPT_OBJ_FS]		= "fs",
	[CKPT_OBJ_FILES]	= "files",
	[CKPT_OBJ_FILE]		= "file",
	[CKPT_OBJ_PIPE]		= "pipe",
	[CKPT_OBJ_MM]		= "mm",
	[CKPT_OBJ_SHMEM]	= "shmem",
	[CKPT_OBJ_SHM_FILE]	= "shm_file",
	[CKPT_OBJ_SEM_UNDO]	= "sem_undo",
	[CKPT_OBJ_MQUEUE]	= "mqueue",
	[CKPT_OBJ_SB]		= "sb",
	[CKPT_OBJ_MNT]		= "mnt",
	[CKPT_OBJ_TIME_NS]	= "time_ns",
	[CKPT_OBJ_CGROUP_NS]	= "cgroup_ns",
	[CKPT_OBJ_USER_NS]	= "user_ns",
	[CKPT_OBJ_DEAD_PID]	= "dead_pid",
	[CKPT_OBJ_REMOVED]	= "removed",
	[CKPT_OBJ_SOCK]		= "sock",
	[CKPT_OBJ_NET_NS]	= "net_ns",
	[CKPT_OBJ_ANON]		= "anon",
	[CKPT_OBJ_MEMFD]	= "memfd",
	[CKPT_OBJ_SECCOMP_FILTER] = "seccomp",
	[CKPT_OBJ_KEY]		= "key",
	[CKPT_OBJ_CORE_COOKIE]	= "core_cookie",
	[CKPT_OBJ_AUTOGROUP]	= "autogroup",
};

static_assert(ARRAY_SIZE(object_name) == CKPT_OBJ_MAX,
	      "object_name");
const struct names object_names = {
	.nr = ARRAY_SIZE(object_name), .name = object_name
};

static const char *const file_kind_name[] = {
	[CKPT_FILE_EXTERNAL]	= "external",
	[CKPT_FILE_TTY]		= "tty",
	[CKPT_FILE_REG]		= "file",
	[CKPT_FILE_DIR]		= "dir",
	[CKPT_FILE_MEM]		= "mem",
	[CKPT_FILE_PIPE]	= "pipe",
	[CKPT_FILE_FIFO]	= "fifo",
	[CKPT_FILE_MQUEUE]	= "mqueue",
	[CKPT_FILE_NS]		= "ns",
	[CKPT_FILE_EVENTFD]	= "eventfd",
	[CKPT_FILE_TIMERFD]	= "timerfd",
	[CKPT_FILE_SIGNALFD]	= "signalfd",
	[CKPT_FILE_EPOLL]	= "epoll",
	[CKPT_FILE_INOTIFY]	= "inotify",
	[CKPT_FILE_PIDFD]	= "pidfd",
	[CKPT_FILE_REMOVED]	= "removed",
	[CKPT_FILE_FANOTIFY]	= "fanotify",
	[CKPT_FILE_PSEUDO]	= "pseudo",
	[CKPT_FILE_PATH]	= "path",
	[CKPT_FILE_SOCKET]	= "socket",
	[CKPT_FILE_PTM]		= "ptm",
	[CKPT_FILE_PTS]		= "pts",
	[CKPT_FILE_HUNG_UP]	= "hung up",
	[CKPT_FILE_MEMFD]	= "memfd",
	[CKPT_FILE_TUN]		= "tun",
	[CKPT_FILE_SOCK_GROUP]	= "socket group",
};

static_assert(ARRAY_SIZE(file_kind_name) == CKPT_FILE_MAX,
	      "file_kind_name");
const struct names file_kind_names = {
	.nr = ARRAY_SIZE(file_kind_name), .name = file_kind_name
};

static const char *const lock_kind_name[] = {
	[CKPT_LOCK_POSIX]	= "posix",
	[CKPT_LOCK_OFD]		= "ofd",
	[CKPT_LOCK_FLOCK]	= "flock",
	[CKPT_LOCK_LEASE]	= "lease",
	[CKPT_LOCK_NOTIFY]	= "notify",
};

static_assert(ARRAY_SIZE(lock_kind_name) == CKPT_LOCK_MAX,
	      "lock_kind_name is complete");

static const struct names lock_kind_names = {
	.nr = ARRAY_SIZE(lock_kind_name), .name = lock_kind_name
};

static const char *const unix_state_name[] = {
	[CKPT_UNIX_CLOSE]	= "close",
	[CKPT_UNIX_ESTABLISHED]	= "established",
	[CKPT_UNIX_LISTEN]	= "listen",
};

static_assert(ARRAY_SIZE(unix_state_name) == CKPT_UNIX_STATE_MAX,
	      "unix_state_name is complete");

static const struct names unix_state_names = {
	.nr = ARRAY_SIZE(unix_state_name), .name = unix_state_name
};

static const char *const key_kind_name[] = {
	[CKPT_KEY_KEYRING]	= "keyring",
	[CKPT_KEY_USER]		= "user",
	[CKPT_KEY_LOGON]	= "logon",
	[CKPT_KEY_UID]		= "keyring of the user",
	[CKPT_KEY_UID_SESSION]	= "session keyring of the user",
};

static_assert(ARRAY_SIZE(key_kind_name) == CKPT_KEY_MAX,
	      "key_kind_name is complete");

static const struct names key_kind_names = {
	.nr = ARRAY_SIZE(key_kind_name), .name = key_kind_name
};

static const char *const inet_mode_name[] = {
	[CKPT_INET_EXCLUDE]	= "exclude",
	[CKPT_INET_INCLUDE]	= "include",
	[CKPT_INET_ANYCAST]	= "anycast",
};

static_assert(ARRAY_SIZE(inet_mode_name) == CKPT_INET_MODE_MAX,
	      "inet_mode_name is complete");

static const struct names inet_mode_names = {
	.nr = ARRAY_SIZE(inet_mode_name), .name = inet_mode_name
};

static const char *const vma_kind_name[] = {
	[CKPT_VMA_ANON]		= "anon",
	[CKPT_VMA_FILE]		= "file",
	[CKPT_VMA_SHARED]	= "shared",
	[CKPT_VMA_SHMEM]	= "shmem",
	[CKPT_VMA_VDSO]		= "vdso",
	[CKPT_VMA_VVAR]		= "vvar",
	[CKPT_VMA_SYSV]		= "sysv",
	[CKPT_VMA_HUGE]		= "huge",
};

static_assert(ARRAY_SIZE(vma_kind_name) == CKPT_VMA_MAX,
	      "vma_kind_name");
const struct names vma_kind_names = {
	.nr = ARRAY_SIZE(vma_kind_name), .name = vma_kind_name
};

static const char *const extent_kind_name[] = {
	[CKPT_EXTENT_DATA]	= "data",
	[CKPT_EXTENT_COW]	= "cow",
	[CKPT_EXTENT_SAME]	= "same",
};

static_assert(ARRAY_SIZE(extent_kind_name) == CKPT_EXTENT_MAX,
	      "extent_kind_name");
const struct names extent_kind_names = {
	.nr = ARRAY_SIZE(extent_kind_name), .name = extent_kind_name
};

static const char *const restart_fn_name[] = {
	[CKPT_RESTART_NONE]	= "none",
	[CKPT_RESTART_NANOSLEEP] = "nanosleep",
	[CKPT_RESTART_POLL]	= "poll",
	[CKPT_RESTART_FUTEX]	= "futex",
	[CKPT_RESTART_SYSCALL]	= "syscall",
};

static_assert(ARRAY_SIZE(restart_fn_name) == CKPT_RESTART_SYSCALL + 1,
	      "restart_fn_name");
const struct names restart_fn_names = {
	.nr = ARRAY_SIZE(restart_fn_name), .name = restart_fn_name
};

static const char *const ipc_kind_name[] = {
	[CKPT_IPC_SEM]		= "sem",
	[CKPT_IPC_MSG]		= "msg",
	[CKPT_IPC_SHM]		= "shm",
};

static const struct names ipc_kind_names = {
	.nr = ARRAY_SIZE(ipc_kind_name), .name = ipc_kind_name
};

static const char *const sb_what_name[] = {
	[CKPT_SB_ENTER]	= "enter",
	[CKPT_SB_LEAVE]	= "leave",
	[CKPT_SB_FILE]	= "file",
	[CKPT_SB_LINK]	= "link",
};

static_assert(ARRAY_SIZE(sb_what_name) == CKPT_SB_WHAT_MAX, "sb_what_name");
static const struct names sb_what_names = {
	.nr = ARRAY_SIZE(sb_what_name), .name = sb_what_name
};

static const char *const sb_layer_name[] = {
	[CKPT_LAYER_NAMES]	= "names",
	[CKPT_LAYER_UPPER]	= "upper",
	[CKPT_LAYER_WORK]	= "work",
	[CKPT_LAYER_LOWER]	= "lower",
	[CKPT_LAYER_DATA]	= "data",
};

static_assert(ARRAY_SIZE(sb_layer_name) == CKPT_LAYER_MAX, "sb_layer_name");
static const struct names sb_layer_names = {
	.nr = ARRAY_SIZE(sb_layer_name), .name = sb_layer_name
};

/* ------------------------------------------------------- fields of a struct */

#define FIELD(s, m, n, fmt, values) {					\
	.name = #m,							\
	.offset = offsetof(struct ckpt_##s, m),				\
	.size = sizeof(((struct ckpt_##s *)0)->m) / (n),		\
	.nr = (n),							\
	.format = (fmt),						\
	.names = (values),						\
}

#define DEC(s, m)	FIELD(s, m, 1, FIELD_DEC, NULL)
#define DECS(s, m, n)	FIELD(s, m, n, FIELD_DEC, NULL)
#define SIGNED(s, m)	FIELD(s, m, 1, FIELD_SIGNED, NULL)
#define SIGNEDS(s, m, n) FIELD(s, m, n, FIELD_SIGNED, NULL)
#define HEX(s, m)	FIELD(s, m, 1, FIELD_HEX, NULL)
#define HEXS(s, m, n)	FIELD(s, m, n, FIELD_HEX, NULL)
#define ENUM(s, m, v)	FIELD(s, m, 1, FIELD_ENUM, &(v))
#define BOOL(s, m)	FIELD(s, m, 1, FIELD_BOOL, NULL)
#define TEXT(s, m)	FIELD(s, m, 1, FIELD_TEXT, NULL)
#define BYTES(s, m)	FIELD(s, m, 1, FIELD_BYTES, NULL)
#define ZERO(s, m)	FIELD(s, m, 1, FIELD_ZERO, NULL)
#define FIELDS(...)							\
	((const struct field[]){ __VA_ARGS__, { .name = NULL } })

#define FIXED(s, ...)							\
	.size = sizeof(struct ckpt_##s), .fields = FIELDS(__VA_ARGS__)
#define ARRAY(m, s, ...)						\
	.tail = TAIL_ARRAY, .tail_name = m,				\
	.elem_size = sizeof(struct ckpt_##s), .elem = FIELDS(__VA_ARGS__)
#define SIGINFOS(m)							\
	ARRAY(m, siginfo, BYTES(siginfo, info), DEC(siginfo, sig),	\
	      HEX(siginfo, flags), DEC(siginfo, pid), ZERO(siginfo, reserved))
#define VALUES(m, type, fmt)						\
	.tail = TAIL_ARRAY, .tail_name = m, .elem_size = sizeof(type),	\
	.elem = (const struct field[]){					\
		{ .name = "", .size = sizeof(type), .nr = 1,		\
		  .format = fmt }, { .name = NULL } }

static const struct field no_fields[] = { { .name = NULL } };

static const struct field task_ref_fields[] = {
	DEC(hdr_task_ref, objref), ZERO(hdr_task_ref, reserved),
	{ .name = NULL }
};

#define TASK_REF							\
	.size = sizeof(struct ckpt_hdr_task_ref), .fields = task_ref_fields

/* --------------------------------------------- what fields alone cannot say */

static const char *check_header(const void *rec)
{
	const struct ckpt_hdr_header *r = rec;

	return r->page_size < 4096 || r->page_size > 65536 ||
	       (r->page_size & (r->page_size - 1)) ?
		"page_size is not that of any machine" : NULL;
}

static const char *check_trailer(const void *rec)
{
	const struct ckpt_hdr_trailer *r = rec;

	return r->magic == CKPT_TRAILER_MAGIC ? NULL : "the magic is wrong";
}

static const char *check_object(const void *rec)
{
	const struct ckpt_hdr_object *r = rec;

	if (!r->objref || r->objref > INT32_MAX)
		return "objref is out of range";
	return r->objtype == CKPT_OBJ_NONE ? "objtype is none" : NULL;
}

static const char *check_string(const void *rec)
{
	const struct ckpt_hdr *h = rec;

	return h->len > sizeof(struct ckpt_hdr_string) + CKPT_STRING_MAX ?
		"the string is too long" : NULL;
}

static const char *check_task_entry(const void *rec)
{
	const struct ckpt_hdr_tasks *r = rec;
	size_t i, nr = (r->h.len - sizeof(*r)) / sizeof(r->tasks[0]);

	for (i = 0; i < nr; i++) {
		if (r->tasks[i].exit_signal > 64)
			return "exit_signal is not a signal";
		if (r->tasks[i].flags & ~(CKPT_TASK_ZOMBIE | CKPT_TASK_THREAD |
					  CKPT_TASK_SUBREAPER |
					  CKPT_TASK_OUTLIVED |
					  CKPT_TASK_VFORK))
			return "unknown flags of a task";
	}
	return NULL;
}

static uint64_t count_groups(const void *rec)
{
	return ((const struct ckpt_hdr_cred *)rec)->ngroups;
}

static uint64_t count_key(const void *rec)
{
	return ((const struct ckpt_hdr_key *)rec)->len;
}

static uint64_t count_cpus(const void *rec)
{
	const struct ckpt_hdr_task_sched *r = rec;

	return ((uint64_t)r->nr_cpus + 63) / 64;
}

static uint64_t count_inet_opts(const void *rec)
{
	return ((const struct ckpt_hdr_inet *)rec)->nr_opts;
}

static uint64_t count_packet_bytes(const void *rec)
{
	return ((const struct ckpt_hdr_packet_bytes *)rec)->size;
}

static uint64_t count_inet_data(const void *rec)
{
	return ((const struct ckpt_hdr_inet_data *)rec)->len;
}

static uint64_t count_inet_src(const void *rec)
{
	return ((const struct ckpt_hdr_inet_group *)rec)->nr_src * 16ull;
}

static uint64_t count_sent_files(const void *rec)
{
	return ((const struct ckpt_hdr_unix_msg *)rec)->nr_files;
}

static uint64_t count_groups_joined(const void *rec)
{
	return ((const struct ckpt_hdr_netlink_late *)rec)->nr_groups;
}

static uint64_t count_states(const void *rec)
{
	return ((const struct ckpt_hdr_fpu_x86 *)rec)->size;
}

static uint64_t count_extents(const void *rec)
{
	return ((const struct ckpt_hdr_pages *)rec)->nr_extents;
}

static uint64_t count_shm(const void *rec)
{
	return ((const struct ckpt_hdr_task_sysvipc *)rec)->nr_shm;
}

static uint64_t count_adj(const void *rec)
{
	return ((const struct ckpt_hdr_sem_adj *)rec)->nr;
}

static const char *check_message(const void *rec)
{
	const struct ckpt_hdr_ipc_message *r = rec;

	return r->size > CKPT_IPC_MESSAGE_MAX ? "the message is too long" : NULL;
}

static const char *check_sem(const void *rec)
{
	const struct ckpt_hdr_ipc_sem *r = rec;

	return r->nr > CKPT_IPC_SEMS_MAX ? "too many semaphores" : NULL;
}

static uint64_t count_tcp_opts(const void *rec)
{
	return ((const struct ckpt_hdr_tcp *)rec)->nr_opts;
}

static uint64_t count_xattr(const void *rec)
{
	return ((const struct ckpt_hdr_sb_xattr *)rec)->len;
}

static uint64_t count_alloc(const void *rec)
{
	return ((const struct ckpt_hdr_sb_alloc *)rec)->nr;
}

static const char *check_sighand(const void *rec)
{
	const struct ckpt_hdr *h = rec;

	return h->len != sizeof(struct ckpt_hdr_sighand) ?
		"it has not an action for each signal" : NULL;
}

static const char *check_user_ns(const void *rec)
{
	const struct ckpt_hdr_user_ns *r = rec;
	uint64_t i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(r->nr_extents); i++)
		nr += r->nr_extents[i];
	return sizeof(*r) + nr * sizeof(r->extents[0]) == r->h.len ? NULL :
		"these are not its maps";
}

static const char *check_vma(const void *rec)
{
	const struct ckpt_hdr_vma *r = rec;

	return r->start >= r->end ? "start is not below end" : NULL;
}

static const char *check_pages(const void *rec)
{
	const struct ckpt_hdr_pages *r = rec;
	uint64_t pages = 0;
	uint32_t i;

	if (r->nr_extents > CKPT_PAGES_MAX_EXTENTS)
		return "too many extents";
	for (i = 0; i < r->nr_extents; i++) {
		if (!r->extents[i].nr_pages)
			return "an extent without pages";
		if (r->extents[i].kind != CKPT_EXTENT_SAME)
			pages += r->extents[i].nr_pages;
	}
	return pages > CKPT_PAGES_MAX_PAGES ? "too many pages" : NULL;
}

/* -------------------------------------------------------------- the table */

static const struct record_type types[] = {
	/* the stream */
	[CKPT_HDR_HEADER] = {
		.name = "HEADER",
		FIXED(hdr_header,
		      HEX(hdr_header, magic),
		      DEC(hdr_header, version),
		      DEC(hdr_header, arch),
		      HEX(hdr_header, incompat),
		      HEX(hdr_header, compat),
		      HEX(hdr_header, uflags),
		      DEC(hdr_header, page_size),
		      DEC(hdr_header, id),
		      DEC(hdr_header, realtime_ns),
		      DEC(hdr_header, monotonic_ns),
		      DEC(hdr_header, boottime_ns),
		      DEC(hdr_header, user_hz),
		      DEC(hdr_header, nsig),
		      DEC(hdr_header, rlim_nlimits),
		      DEC(hdr_header, task_comm_len),
		      TEXT(hdr_header, release),
		      TEXT(hdr_header, kversion)),
		.check = check_header,
	},
	[CKPT_HDR_TRAILER] = {
		.name = "TRAILER",
		FIXED(hdr_trailer,
		      HEX(hdr_trailer, magic),
		      DEC(hdr_trailer, records),
		      HEX(hdr_trailer, crc32c),
		      ZERO(hdr_trailer, reserved)),
		.check = check_trailer,
	},
	[CKPT_HDR_ERROR] = {
		.name = "ERROR",
		FIXED(hdr_error,
		      DEC(hdr_error, err),
		      ZERO(hdr_error, reserved)),
		.tail = TAIL_TEXT, .tail_name = "text",
	},
	[CKPT_HDR_OBJECT] = {
		.name = "OBJECT",
		FIXED(hdr_object,
		      DEC(hdr_object, objref),
		      ENUM(hdr_object, objtype, object_names)),
		.check = check_object,
	},
	[CKPT_HDR_STRING] = {
		.name = "STRING",
		.size = sizeof(struct ckpt_hdr_string),
		.fields = no_fields,
		.tail = TAIL_TEXT, .tail_name = "text",
		.check = check_string,
	},

	/* the task tree */
	[CKPT_HDR_TREE] = {
		.name = "TREE",
		FIXED(hdr_tree,
		      HEX(hdr_tree, flags),
		      DEC(hdr_tree, nr_tasks),
		      DEC(hdr_tree, nr_pids),
		      DEC(hdr_tree, nr_pid_ns)),
	},
	[CKPT_HDR_TASKS] = {
		.name = "TASKS",
		.size = sizeof(struct ckpt_hdr_tasks),
		.fields = no_fields,
		ARRAY("tasks", task_entry,
		      HEX(task_entry, flags),
		      DEC(task_entry, tid),
		      DEC(task_entry, leader),
		      DEC(task_entry, parent),
		      DEC(task_entry, pgrp),
		      DEC(task_entry, session),
		      DEC(task_entry, exit_signal),
		      DEC(task_entry, exit_code),
		      DEC(task_entry, rpid),
		      DEC(task_entry, cred),
		      DEC(task_entry, tracer),
		      ZERO(task_entry, reserved),
		      TEXT(task_entry, comm)),
		.check = check_task_entry,
	},
	[CKPT_HDR_TASK] = {
		.name = "TASK",
		FIXED(hdr_task,
		      DEC(hdr_task, index),
		      ZERO(hdr_task, reserved)),
	},
	[CKPT_HDR_PIDS] = {
		.name = "PIDS",
		.size = sizeof(struct ckpt_hdr_pids),
		.fields = no_fields,
		ARRAY("pids", pid_entry,
		      DEC(pid_entry, ns),
		      DEC(pid_entry, depth)),
	},
	[CKPT_HDR_PID_NSS] = {
		.name = "PID_NSS",
		.size = sizeof(struct ckpt_hdr_pid_nss),
		.fields = no_fields,
		ARRAY("nss", pid_ns_entry,
		      DEC(pid_ns_entry, parent),
		      DEC(pid_ns_entry, level),
		      DEC(pid_ns_entry, last_pid),
		      DEC(pid_ns_entry, init),
		      DEC(pid_ns_entry, user_ns),
		      HEX(pid_ns_entry, flags)),
	},
	[CKPT_HDR_VPIDS] = {
		.name = "VPIDS",
		.size = sizeof(struct ckpt_hdr_vpids),
		.fields = no_fields,
		VALUES("nrs", __u32, FIELD_DEC),
	},

	/* state of a task */
	[CKPT_HDR_TASK_NS] = {
		.name = "TASK_NS",
		.flags = RECORD_TASK,
		TASK_REF,
	},
	[CKPT_HDR_TASK_FS] = {
		.name = "TASK_FS",
		.flags = RECORD_TASK,
		TASK_REF,
	},
	[CKPT_HDR_TASK_FILES] = {
		.name = "TASK_FILES",
		.flags = RECORD_TASK,
		TASK_REF,
	},
	[CKPT_HDR_TASK_MM] = {
		.name = "TASK_MM",
		.flags = RECORD_TASK | RECORD_PROCESS,
		TASK_REF,
	},
	[CKPT_HDR_TASK_SIGHAND] = {
		.name = "TASK_SIGHAND",
		.flags = RECORD_TASK | RECORD_PROCESS,
		TASK_REF,
	},
	[CKPT_HDR_TASK_SIGNAL] = {
		.name = "TASK_SIGNAL",
		.flags = RECORD_TASK,
		FIXED(hdr_task_signal,
		      HEX(hdr_task_signal, blocked),
		      HEX(hdr_task_signal, saved_mask),
		      HEX(hdr_task_signal, flags),
		      HEX(hdr_task_signal, ss_flags),
		      HEX(hdr_task_signal, ss_sp),
		      DEC(hdr_task_signal, ss_size)),
	},
	[CKPT_HDR_SIGPENDING] = {
		.name = "SIGPENDING",
		.flags = RECORD_TASK | RECORD_REPEATS,
		FIXED(hdr_sigpending,
		      HEX(hdr_sigpending, set),
		      BOOL(hdr_sigpending, more),
		      ZERO(hdr_sigpending, reserved)),
		SIGINFOS("queue"),
	},
	[CKPT_HDR_TASK_LIMITS] = {
		.name = "TASK_LIMITS",
		.flags = RECORD_TASK | RECORD_PROCESS,
		FIXED(hdr_task_limits,
		      /* Pairs of soft and hard limit */
		      DECS(hdr_task_limits, rlim, 32),
		      SIGNED(hdr_task_limits, oom_score_adj),
		      SIGNED(hdr_task_limits, oom_score_adj_min)),
	},
	[CKPT_HDR_TASK_ITIMERS] = {
		.name = "TASK_ITIMERS",
		.flags = RECORD_TASK | RECORD_PROCESS,
		FIXED(hdr_task_itimers,
		      DECS(hdr_task_itimers, value_ns, 3),
		      DECS(hdr_task_itimers, interval_ns, 3),
		      DEC(hdr_task_itimers, late_ns)),
	},
	[CKPT_HDR_TASK_ACCT] = {
		.name = "TASK_ACCT",
		.flags = RECORD_TASK,
		FIXED(hdr_task_acct,
		      DEC(hdr_task_acct, start_ns),
		      DEC(hdr_task_acct, start_real_ns),
		      DEC(hdr_task_acct, shown.utime_ns),
		      DEC(hdr_task_acct, shown.stime_ns),
		      DEC(hdr_task_acct, own.times.utime_ns),
		      DEC(hdr_task_acct, own.times.stime_ns),
		      DEC(hdr_task_acct, own.gtime_ns),
		      DEC(hdr_task_acct, own.runtime_ns),
		      DEC(hdr_task_acct, own.nvcsw),
		      DEC(hdr_task_acct, own.nivcsw),
		      DEC(hdr_task_acct, own.min_flt),
		      DEC(hdr_task_acct, own.maj_flt),
		      DEC(hdr_task_acct, own.inblock),
		      DEC(hdr_task_acct, own.oublock),
		      DEC(hdr_task_acct, own.maxrss),
		      DEC(hdr_task_acct, io.rchar),
		      DEC(hdr_task_acct, io.wchar),
		      DEC(hdr_task_acct, io.syscr),
		      DEC(hdr_task_acct, io.syscw),
		      DEC(hdr_task_acct, io.read_bytes),
		      DEC(hdr_task_acct, io.write_bytes),
		      DEC(hdr_task_acct, io.cancelled_write_bytes)),
	},
	[CKPT_HDR_PROCESS_ACCT] = {
		.name = "PROCESS_ACCT",
		.flags = RECORD_TASK | RECORD_PROCESS,
		FIXED(hdr_process_acct,
		      DEC(hdr_process_acct, shown.utime_ns),
		      DEC(hdr_process_acct, shown.stime_ns),
		      DEC(hdr_process_acct, dead.times.utime_ns),
		      DEC(hdr_process_acct, dead.times.stime_ns),
		      DEC(hdr_process_acct, dead.gtime_ns),
		      DEC(hdr_process_acct, dead.runtime_ns),
		      DEC(hdr_process_acct, dead.nvcsw),
		      DEC(hdr_process_acct, dead.nivcsw),
		      DEC(hdr_process_acct, dead.min_flt),
		      DEC(hdr_process_acct, dead.maj_flt),
		      DEC(hdr_process_acct, dead.inblock),
		      DEC(hdr_process_acct, dead.oublock),
		      DEC(hdr_process_acct, dead.maxrss),
		      DEC(hdr_process_acct, children.times.utime_ns),
		      DEC(hdr_process_acct, children.times.stime_ns),
		      DEC(hdr_process_acct, children.gtime_ns),
		      DEC(hdr_process_acct, children.runtime_ns),
		      DEC(hdr_process_acct, children.nvcsw),
		      DEC(hdr_process_acct, children.nivcsw),
		      DEC(hdr_process_acct, children.min_flt),
		      DEC(hdr_process_acct, children.maj_flt),
		      DEC(hdr_process_acct, children.inblock),
		      DEC(hdr_process_acct, children.oublock),
		      DEC(hdr_process_acct, children.maxrss),
		      DEC(hdr_process_acct, io.rchar),
		      DEC(hdr_process_acct, io.wchar),
		      DEC(hdr_process_acct, io.syscr),
		      DEC(hdr_process_acct, io.syscw),
		      DEC(hdr_process_acct, io.read_bytes),
		      DEC(hdr_process_acct, io.write_bytes),
		      DEC(hdr_process_acct, io.cancelled_write_bytes)),
	},
	[CKPT_HDR_TASK_SECCOMP] = {
		.name = "TASK_SECCOMP",
		.flags = RECORD_TASK,
		FIXED(hdr_task_seccomp,
		      DEC(hdr_task_seccomp, mode),
		      DEC(hdr_task_seccomp, filter)),
	},
	[CKPT_HDR_TASK_TIMERS] = {
		.name = "TASK_TIMERS",
		.flags = RECORD_TASK | RECORD_REPEATS,
		FIXED(hdr_task_timers,
		      BOOL(hdr_task_timers, more),
		      DEC(hdr_task_timers, next_id)),
		ARRAY("timers", posix_timer,
		      DEC(posix_timer, id),
		      SIGNED(posix_timer, clockid),
		      HEX(posix_timer, flags),
		      DEC(posix_timer, notify),
		      DEC(posix_timer, signo),
		      SIGNED(posix_timer, requeue),
		      SIGNED(posix_timer, sig_overrun),
		      SIGNED(posix_timer, sig_private),
		      HEX(posix_timer, sigval),
		      SIGNED(posix_timer, value_ns),
		      SIGNED(posix_timer, interval_ns),
		      SIGNED(posix_timer, overrun),
		      SIGNED(posix_timer, overrun_last),
		      DEC(posix_timer, pid),
		      DEC(posix_timer, dead_pid),
		      DEC(posix_timer, clock_pid),
		      DEC(posix_timer, dead_clock_pid)),
	},
	[CKPT_HDR_TASK_CRED] = {
		.name = "TASK_CRED",
		.flags = RECORD_TASK,
		FIXED(hdr_task_cred,
		      DEC(hdr_task_cred, cred),
		      BOOL(hdr_task_cred, no_new_privs)),
	},
	[CKPT_HDR_TASK_SCHED] = {
		.name = "TASK_SCHED",
		.flags = RECORD_TASK,
		FIXED(hdr_task_sched,
		      DEC(hdr_task_sched, policy),
		      HEX(hdr_task_sched, flags),
		      SIGNED(hdr_task_sched, nice),
		      DEC(hdr_task_sched, rt_priority),
		      DEC(hdr_task_sched, dl_runtime),
		      DEC(hdr_task_sched, dl_deadline),
		      DEC(hdr_task_sched, dl_period),
		      DEC(hdr_task_sched, slice_ns),
		      DEC(hdr_task_sched, timer_slack_ns),
		      DEC(hdr_task_sched, default_timer_slack_ns),
		      SIGNED(hdr_task_sched, util_min),
		      SIGNED(hdr_task_sched, util_max),
		      DEC(hdr_task_sched, ioprio),
		      DEC(hdr_task_sched, nr_cpus),
		      DEC(hdr_task_sched, cookie),
		      DEC(hdr_task_sched, autogroup)),
		VALUES("cpus", __u64, FIELD_HEX),
		.count = count_cpus,
	},
	[CKPT_HDR_TASK_MISC] = {
		.name = "TASK_MISC",
		.flags = RECORD_TASK,
		FIXED(hdr_task_misc,
		      HEX(hdr_task_misc, flags),
		      HEXS(hdr_task_misc, speculation, CKPT_SPEC_MAX),
		      ZERO(hdr_task_misc, reserved),
		      HEX(hdr_task_misc, personality),
		      DEC(hdr_task_misc, pdeath_signal),
		      HEX(hdr_task_misc, robust_list),
		      HEX(hdr_task_misc, set_child_tid),
		      HEX(hdr_task_misc, clear_child_tid),
		      HEX(hdr_task_misc, rseq),
		      DEC(hdr_task_misc, rseq_len),
		      HEX(hdr_task_misc, rseq_sig),
		      TEXT(hdr_task_misc, comm),
		      HEX(hdr_task_misc, dispatch_offset),
		      HEX(hdr_task_misc, dispatch_len),
		      HEX(hdr_task_misc, dispatch_selector)),
	},
	[CKPT_HDR_TASK_RESTART_BLOCK] = {
		.name = "TASK_RESTART_BLOCK",
		.flags = RECORD_TASK,
		FIXED(hdr_restart_block,
		      ENUM(hdr_restart_block, fn, restart_fn_names),
		      DEC(hdr_restart_block, clockid),
		      SIGNED(hdr_restart_block, left_ns),
		      BOOL(hdr_restart_block, has_timeout),
		      DEC(hdr_restart_block, type),
		      HEX(hdr_restart_block, rmtp),
		      HEX(hdr_restart_block, addr),
		      DEC(hdr_restart_block, nr),
		      DEC(hdr_restart_block, val),
		      HEX(hdr_restart_block, flags),
		      HEX(hdr_restart_block, bitset)),
	},
	[CKPT_HDR_TASK_CPU] = {
		.name = "TASK_CPU",
		.flags = RECORD_TASK,
		FIXED(hdr_cpu_x86,
		      HEX(hdr_cpu_x86, r15), HEX(hdr_cpu_x86, r14),
		      HEX(hdr_cpu_x86, r13), HEX(hdr_cpu_x86, r12),
		      HEX(hdr_cpu_x86, bp), HEX(hdr_cpu_x86, bx),
		      HEX(hdr_cpu_x86, r11), HEX(hdr_cpu_x86, r10),
		      HEX(hdr_cpu_x86, r9), HEX(hdr_cpu_x86, r8),
		      HEX(hdr_cpu_x86, ax), HEX(hdr_cpu_x86, cx),
		      HEX(hdr_cpu_x86, dx), HEX(hdr_cpu_x86, si),
		      HEX(hdr_cpu_x86, di), HEX(hdr_cpu_x86, orig_ax),
		      HEX(hdr_cpu_x86, ip), HEX(hdr_cpu_x86, cs),
		      HEX(hdr_cpu_x86, flags), HEX(hdr_cpu_x86, sp),
		      HEX(hdr_cpu_x86, ss), HEX(hdr_cpu_x86, fs_base),
		      HEX(hdr_cpu_x86, gs_base), HEX(hdr_cpu_x86, ds),
		      HEX(hdr_cpu_x86, es), HEX(hdr_cpu_x86, fs),
		      HEX(hdr_cpu_x86, gs), HEXS(hdr_cpu_x86, tls, 3),
		      HEX(hdr_cpu_x86, cr2), DEC(hdr_cpu_x86, trap_nr),
		      HEX(hdr_cpu_x86, error_code),
		      DEC(hdr_cpu_x86, iopl),
		      HEX(hdr_cpu_x86, step),
		      HEXS(hdr_cpu_x86, dr, 4), HEX(hdr_cpu_x86, dr6),
		      HEX(hdr_cpu_x86, dr7)),
		VALUES("io_denied", __u64, FIELD_HEX),
	},
	[CKPT_HDR_TASK_FPU] = {
		.name = "TASK_FPU",
		.flags = RECORD_TASK,
		FIXED(hdr_fpu_x86,
		      HEX(hdr_fpu_x86, xfeatures),
		      HEX(hdr_fpu_x86, mxcsr),
		      HEX(hdr_fpu_x86, pkru),
		      DEC(hdr_fpu_x86, size),
		      ZERO(hdr_fpu_x86, reserved)),
		.tail = TAIL_BYTES, .tail_name = "states",
		.count = count_states,
	},
	[CKPT_HDR_TASK_JOBCTL] = {
		.name = "TASK_JOBCTL",
		.flags = RECORD_TASK,
		FIXED(hdr_task_jobctl,
		      HEX(hdr_task_jobctl, flags),
		      DEC(hdr_task_jobctl, stop_signal),
		      DEC(hdr_task_jobctl, stop_code),
		      DEC(hdr_task_jobctl, old_pgrp),
		      DEC(hdr_task_jobctl, tty),
		      ZERO(hdr_task_jobctl, reserved)),
	},
	[CKPT_HDR_TASK_PTRACE] = {
		.name = "TASK_PTRACE",
		.flags = RECORD_TASK,
		FIXED(hdr_task_ptrace,
		      HEX(hdr_task_ptrace, flags),
		      DEC(hdr_task_ptrace, tracer),
		      HEX(hdr_task_ptrace, options),
		      DEC(hdr_task_ptrace, stop),
		      HEX(hdr_task_ptrace, code),
		      DEC(hdr_task_ptrace, child),
		      HEX(hdr_task_ptrace, group_code),
		      ZERO(hdr_task_ptrace, reserved),
		      DEC(hdr_task_ptrace, message)),
		SIGINFOS("info"),
	},
	[CKPT_HDR_TASK_SYSVIPC] = {
		.name = "TASK_SYSVIPC",
		.flags = RECORD_TASK,
		FIXED(hdr_task_sysvipc,
		      DEC(hdr_task_sysvipc, undo),
		      DEC(hdr_task_sysvipc, nr_shm)),
		VALUES("shm", __u32, FIELD_DEC),
		.count = count_shm,
	},
	[CKPT_HDR_TASK_CGROUP] = {
		.name = "TASK_CGROUP",
		.flags = RECORD_TASK,
		FIXED(hdr_task_cgroup,
		      DEC(hdr_task_cgroup, threaded),
		      ZERO(hdr_task_cgroup, reserved)),
		.tail = TAIL_TEXT, .tail_name = "path",
	},

	/* namespaces and credentials */
	[CKPT_HDR_NSPROXY] = {
		.name = "NSPROXY",
		FIXED(hdr_nsproxy,
		      DEC(hdr_nsproxy, uts), DEC(hdr_nsproxy, ipc),
		      DEC(hdr_nsproxy, mnt), DEC(hdr_nsproxy, pid),
		      DEC(hdr_nsproxy, net), DEC(hdr_nsproxy, cgroup),
		      DEC(hdr_nsproxy, time),
		      DEC(hdr_nsproxy, time_for_children)),
	},
	[CKPT_HDR_UTS_NS] = {
		.name = "UTS_NS",
		FIXED(hdr_uts_ns,
		      TEXT(hdr_uts_ns, sysname),
		      TEXT(hdr_uts_ns, nodename),
		      TEXT(hdr_uts_ns, release),
		      TEXT(hdr_uts_ns, version),
		      TEXT(hdr_uts_ns, machine),
		      TEXT(hdr_uts_ns, domainname),
		      DEC(hdr_uts_ns, user_ns),
		      ZERO(hdr_uts_ns, reserved)),
	},
	[CKPT_HDR_IPC_NS] = {
		.name = "IPC_NS",
		FIXED(hdr_ipc_ns,
		      DECS(hdr_ipc_ns, sem_ctls, 4),
		      DEC(hdr_ipc_ns, msg_ctlmax),
		      DEC(hdr_ipc_ns, msg_ctlmnb),
		      DEC(hdr_ipc_ns, msg_ctlmni),
		      DEC(hdr_ipc_ns, shm_rmid_forced),
		      DEC(hdr_ipc_ns, shm_ctlmax),
		      DEC(hdr_ipc_ns, shm_ctlall),
		      DEC(hdr_ipc_ns, shm_ctlmni),
		      DEC(hdr_ipc_ns, mq_queues_max),
		      DEC(hdr_ipc_ns, mq_msg_max),
		      DEC(hdr_ipc_ns, mq_msgsize_max),
		      DEC(hdr_ipc_ns, mq_msg_default),
		      DEC(hdr_ipc_ns, mq_msgsize_default),
		      DEC(hdr_ipc_ns, user_ns),
		      ZERO(hdr_ipc_ns, reserved)),
	},
	[CKPT_HDR_MNT_NS] = {
		.name = "MNT_NS",
		FIXED(hdr_mnt_ns,
		      DEC(hdr_mnt_ns, user_ns),
		      DEC(hdr_mnt_ns, nr_mounts),
		      DEC(hdr_mnt_ns, first),
		      DEC(hdr_mnt_ns, root)),
	},
	[CKPT_HDR_MNT] = {
		.name = "MNT",
		FIXED(hdr_mnt,
		      HEX(hdr_mnt, flags),
		      DEC(hdr_mnt, sb),
		      DEC(hdr_mnt, parent),
		      DEC(hdr_mnt, group),
		      DEC(hdr_mnt, master),
		      DEC(hdr_mnt, under),
		      HEX(hdr_mnt, ns_type),
		      ZERO(hdr_mnt, reserved)),
	},
	[CKPT_HDR_PID_NS] = {
		.name = "PID_NS",
		FIXED(hdr_pid_ns,
		      DEC(hdr_pid_ns, index),
		      ZERO(hdr_pid_ns, reserved)),
	},
	[CKPT_HDR_TIME_NS] = {
		.name = "TIME_NS",
		FIXED(hdr_time_ns,
		      SIGNED(hdr_time_ns, monotonic_ns),
		      SIGNED(hdr_time_ns, boottime_ns),
		      BOOL(hdr_time_ns, frozen),
		      DEC(hdr_time_ns, user_ns)),
	},
	[CKPT_HDR_CGROUP_NS] = {
		.name = "CGROUP_NS",
		FIXED(hdr_cgroup_ns,
		      DEC(hdr_cgroup_ns, user_ns),
		      DEC(hdr_cgroup_ns, threaded)),
	},
	[CKPT_HDR_USER_NS] = {
		.name = "USER_NS",
		FIXED(hdr_user_ns,
		      DEC(hdr_user_ns, parent),
		      DEC(hdr_user_ns, owner),
		      DEC(hdr_user_ns, group),
		      HEX(hdr_user_ns, flags),
		      DECS(hdr_user_ns, nr_extents, 3),
		      ZERO(hdr_user_ns, reserved),
		      SIGNEDS(hdr_user_ns, ucount_max, CKPT_UCOUNTS),
		      SIGNEDS(hdr_user_ns, rlimit_max, CKPT_UCOUNT_RLIMITS)),
		ARRAY("extent", id_extent,
		      DEC(id_extent, first),
		      DEC(id_extent, lower_first),
		      DEC(id_extent, count),
		      ZERO(id_extent, reserved)),
		.check = check_user_ns,
	},
	[CKPT_HDR_NET_NS] = {
		.name = "NET_NS",
		FIXED(hdr_net_ns,
		      DEC(hdr_net_ns, user_ns),
		      DEC(hdr_net_ns, index),
		      DEC(hdr_net_ns, nr),
		      ZERO(hdr_net_ns, reserved)),
	},
	[CKPT_HDR_NET_DATA] = {
		.name = "NET_DATA",
		FIXED(hdr_net_data,
		      DEC(hdr_net_data, net),
		      DEC(hdr_net_data, section),
		      DEC(hdr_net_data, size),
		      ZERO(hdr_net_data, reserved)),
		.tail = TAIL_BYTES, .tail_name = "data",
	},
	[CKPT_HDR_TUN] = {
		.name = "TUN",
		FIXED(hdr_tun,
		      DEC(hdr_tun, net),
		      DEC(hdr_tun, dev_net),
		      DEC(hdr_tun, dev),
		      DEC(hdr_tun, queue),
		      DEC(hdr_tun, ifindex),
		      DEC(hdr_tun, sndbuf),
		      DEC(hdr_tun, nr),
		      ZERO(hdr_tun, reserved)),
	},
	[CKPT_HDR_TUN_PACKET] = {
		.name = "TUN_PACKET",
		FIXED(hdr_tun_packet,
		      DEC(hdr_tun_packet, len),
		      DEC(hdr_tun_packet, head),
		      HEX(hdr_tun_packet, protocol),
		      DEC(hdr_tun_packet, csum),
		      DEC(hdr_tun_packet, csum_start),
		      DEC(hdr_tun_packet, csum_offset),
		      DEC(hdr_tun_packet, vlan),
		      DEC(hdr_tun_packet, vlan_tci),
		      HEX(hdr_tun_packet, vlan_proto),
		      DEC(hdr_tun_packet, gso),
		      DEC(hdr_tun_packet, gso_size),
		      DEC(hdr_tun_packet, gso_segs)),
	},
	[CKPT_HDR_CRED] = {
		.name = "CRED",
		FIXED(hdr_cred,
		      DEC(hdr_cred, uid), DEC(hdr_cred, suid),
		      DEC(hdr_cred, euid), DEC(hdr_cred, fsuid),
		      DEC(hdr_cred, gid), DEC(hdr_cred, sgid),
		      DEC(hdr_cred, egid), DEC(hdr_cred, fsgid),
		      HEX(hdr_cred, securebits),
		      DEC(hdr_cred, ngroups),
		      HEX(hdr_cred, cap_inheritable),
		      HEX(hdr_cred, cap_permitted),
		      HEX(hdr_cred, cap_effective),
		      HEX(hdr_cred, cap_bset),
		      HEX(hdr_cred, cap_ambient),
		      DEC(hdr_cred, user_ns),
		      HEX(hdr_cred, flags),
		      DEC(hdr_cred, session_keyring),
		      DEC(hdr_cred, process_keyring),
		      DEC(hdr_cred, thread_keyring),
		      DEC(hdr_cred, jit_keyring)),
		VALUES("groups", __u32, FIELD_DEC),
		.count = count_groups,
	},
	[CKPT_HDR_KEY] = {
		.name = "KEY",
		FIXED(hdr_key,
		      ENUM(hdr_key, kind, key_kind_names),
		      HEX(hdr_key, flags),
		      DEC(hdr_key, serial),
		      DEC(hdr_key, user_ns),
		      DEC(hdr_key, uid), SIGNED(hdr_key, gid),
		      HEX(hdr_key, perm),
		      DEC(hdr_key, len),
		      DEC(hdr_key, expiry)),
		.tail = TAIL_BYTES, .tail_name = "data",
		.count = count_key,
	},
	[CKPT_HDR_CORE_COOKIE] = {
		.name = "CORE_COOKIE",
		FIXED(hdr_core_cookie,
		      ZERO(hdr_core_cookie, reserved)),
	},
	[CKPT_HDR_AUTOGROUP] = {
		.name = "AUTOGROUP",
		FIXED(hdr_autogroup,
		      SIGNED(hdr_autogroup, nice),
		      ZERO(hdr_autogroup, reserved)),
	},
	[CKPT_HDR_SECCOMP_FILTER] = {
		.name = "SECCOMP_FILTER",
		FIXED(hdr_seccomp_filter,
		      DEC(hdr_seccomp_filter, prev),
		      HEX(hdr_seccomp_filter, flags)),
		ARRAY("insns", bpf_insn,
		      HEX(bpf_insn, code),
		      DEC(bpf_insn, jt),
		      DEC(bpf_insn, jf),
		      HEX(bpf_insn, k)),
	},
	[CKPT_HDR_SIGHAND] = {
		.name = "SIGHAND",
		.size = sizeof(struct ckpt_hdr),
		.fields = no_fields,
		ARRAY("action", sigaction,
		      HEX(sigaction, handler),
		      HEX(sigaction, flags),
		      HEX(sigaction, restorer),
		      HEX(sigaction, mask)),
		.check = check_sighand,
	},

	/* files */
	[CKPT_HDR_FS] = {
		.name = "FS",
		FIXED(hdr_fs,
		      HEX(hdr_fs, umask),
		      DEC(hdr_fs, root_mnt),
		      DEC(hdr_fs, pwd_mnt),
		      DEC(hdr_fs, pwd_removed)),
	},
	[CKPT_HDR_FILES] = {
		.name = "FILES",
		FIXED(hdr_files,
		      DEC(hdr_files, nr),
		      DEC(hdr_files, max_fds)),
	},
	[CKPT_HDR_FDS] = {
		.name = "FDS",
		.size = sizeof(struct ckpt_hdr_fds),
		.fields = no_fields,
		ARRAY("fds", fd,
		      DEC(fd, fd),
		      HEX(fd, flags),
		      DEC(fd, file),
		      ZERO(fd, reserved)),
	},
	[CKPT_HDR_FILE] = {
		.name = "FILE",
		FIXED(hdr_file,
		      ENUM(hdr_file, kind, file_kind_names),
		      HEX(hdr_file, f_flags),
		      HEX(hdr_file, flags),
		      DEC(hdr_file, inner),
		      DEC(hdr_file, f_pos),
		      DEC(hdr_file, owner),
		      DEC(hdr_file, owner_type),
		      DEC(hdr_file, owner_signal),
		      DEC(hdr_file, owner_uid),
		      DEC(hdr_file, owner_euid),
		      DEC(hdr_file, fasync_fd),
		      DEC(hdr_file, mnt),
		      HEX(hdr_file, i_mode),
		      HEX(hdr_file, dev),
		      DEC(hdr_file, ino),
		      DEC(hdr_file, size),
		      SIGNED(hdr_file, mtime_ns),
		      HEX(hdr_file, rdev),
		      DEC(hdr_file, cred),
		      DEC(hdr_file, removed),
		      DEC(hdr_file, parent),
		      ZERO(hdr_file, reserved),
		      BYTES(hdr_file, fs_uuid)),
	},
	[CKPT_HDR_PIPE] = {
		.name = "PIPE",
		FIXED(hdr_pipe,
		      DEC(hdr_pipe, ring_size),
		      DEC(hdr_pipe, nr_bufs),
		      DEC(hdr_pipe, nr_accounted),
		      HEX(hdr_pipe, flags),
		      DEC(hdr_pipe, uid),
		      DEC(hdr_pipe, gid),
		      HEX(hdr_pipe, mode),
		      ZERO(hdr_pipe, reserved)),
	},
	[CKPT_HDR_PIPE_BUFS] = {
		.name = "PIPE_BUFS",
		.size = sizeof(struct ckpt_hdr_pipe_bufs),
		.fields = no_fields,
		ARRAY("bufs", pipe_buf,
		      DEC(pipe_buf, offset),
		      DEC(pipe_buf, len),
		      HEX(pipe_buf, flags),
		      ZERO(pipe_buf, reserved)),
	},
	[CKPT_HDR_PIPE_DATA] = {
		.name = "PIPE_DATA",
		.size = sizeof(struct ckpt_hdr_pipe_data),
		.fields = no_fields,
		.tail = TAIL_BYTES, .tail_name = "data",
	},
	[CKPT_HDR_EVENTFD] = {
		.name = "EVENTFD",
		FIXED(hdr_eventfd,
		      DEC(hdr_eventfd, count),
		      BOOL(hdr_eventfd, semaphore),
		      ZERO(hdr_eventfd, reserved)),
	},
	[CKPT_HDR_TIMERFD] = {
		.name = "TIMERFD",
		FIXED(hdr_timerfd,
		      DEC(hdr_timerfd, clockid),
		      HEX(hdr_timerfd, flags),
		      SIGNED(hdr_timerfd, value_ns),
		      SIGNED(hdr_timerfd, interval_ns),
		      DEC(hdr_timerfd, ticks),
		      HEX(hdr_timerfd, settime_flags),
		      ZERO(hdr_timerfd, reserved)),
	},
	[CKPT_HDR_SIGNALFD] = {
		.name = "SIGNALFD",
		FIXED(hdr_signalfd,
		      HEX(hdr_signalfd, mask.sig)),
	},
	[CKPT_HDR_LATE_FILE] = {
		.name = "LATE_FILE",
		FIXED(hdr_late_file,
		      DEC(hdr_late_file, file),
		      ENUM(hdr_late_file, kind, file_kind_names)),
	},
	[CKPT_HDR_EPOLL] = {
		.name = "EPOLL",
		FIXED(hdr_epoll,
		      DEC(hdr_epoll, nr),
		      DEC(hdr_epoll, busy_poll_usecs),
		      DEC(hdr_epoll, busy_poll_budget),
		      DEC(hdr_epoll, prefer_busy_poll)),
	},
	[CKPT_HDR_EPOLL_ITEMS] = {
		.name = "EPOLL_ITEMS",
		.size = sizeof(struct ckpt_hdr_epoll_items),
		.fields = no_fields,
		ARRAY("items", epoll_item,
		      DEC(epoll_item, file),
		      DEC(epoll_item, fd),
		      HEX(epoll_item, events),
		      HEX(epoll_item, flags),
		      HEX(epoll_item, data),
		      DEC(epoll_item, task),
		      ZERO(epoll_item, reserved)),
	},
	[CKPT_HDR_INOTIFY] = {
		.name = "INOTIFY",
		FIXED(hdr_inotify,
		      DEC(hdr_inotify, max_events),
		      DEC(hdr_inotify, next_wd),
		      DEC(hdr_inotify, nr_events),
		      DEC(hdr_inotify, nr_watches)),
	},
	[CKPT_HDR_INOTIFY_EVENT] = {
		.name = "INOTIFY_EVENT",
		FIXED(hdr_inotify_event,
		      HEX(hdr_inotify_event, mask),
		      HEX(hdr_inotify_event, flags),
		      SIGNED(hdr_inotify_event, wd),
		      DEC(hdr_inotify_event, cookie),
		      DEC(hdr_inotify_event, name_len),
		      ZERO(hdr_inotify_event, reserved)),
		.tail = TAIL_BYTES, .tail_name = "name",
	},
	[CKPT_HDR_INOTIFY_WATCH] = {
		.name = "INOTIFY_WATCH",
		FIXED(hdr_inotify_watch,
		      SIGNED(hdr_inotify_watch, wd),
		      HEX(hdr_inotify_watch, mask),
		      DEC(hdr_inotify_watch, mnt),
		      HEX(hdr_inotify_watch, i_mode),
		      DEC(hdr_inotify_watch, handle.len),
		      HEX(hdr_inotify_watch, handle.type),
		      DEC(hdr_inotify_watch, handle.removed),
		      ZERO(hdr_inotify_watch, handle.reserved),
		      BYTES(hdr_inotify_watch, handle.data)),
	},
	[CKPT_HDR_FANOTIFY] = {
		.name = "FANOTIFY",
		FIXED(hdr_fanotify,
		      HEX(hdr_fanotify, flags),
		      HEX(hdr_fanotify, event_f_flags),
		      DEC(hdr_fanotify, max_events),
		      ZERO(hdr_fanotify, reserved)),
	},
	[CKPT_HDR_FANOTIFY_QUEUE] = {
		.name = "FANOTIFY_QUEUE",
		FIXED(hdr_fanotify_queue,
		      DEC(hdr_fanotify_queue, nr_events),
		      DEC(hdr_fanotify_queue, nr_marks)),
	},
	[CKPT_HDR_FANOTIFY_EVENT] = {
		.name = "FANOTIFY_EVENT",
		FIXED(hdr_fanotify_event,
		      DEC(hdr_fanotify_event, kind),
		      HEX(hdr_fanotify_event, mask),
		      DEC(hdr_fanotify_event, pid),
		      DEC(hdr_fanotify_event, mnt),
		      HEXS(hdr_fanotify_event, fsid, 2),
		      HEXS(hdr_fanotify_event, handle_type, 3),
		      DECS(hdr_fanotify_event, handle_len, 3),
		      DECS(hdr_fanotify_event, name_len, 2)),
		.tail = TAIL_BYTES, .tail_name = "data",
	},
	[CKPT_HDR_FANOTIFY_MARK] = {
		.name = "FANOTIFY_MARK",
		FIXED(hdr_fanotify_mark,
		      HEX(hdr_fanotify_mark, flags),
		      HEX(hdr_fanotify_mark, mask),
		      HEX(hdr_fanotify_mark, ignored_mask),
		      DEC(hdr_fanotify_mark, mnt),
		      HEX(hdr_fanotify_mark, i_mode),
		      ZERO(hdr_fanotify_mark, reserved),
		      HEXS(hdr_fanotify_mark, fsid, 2),
		      DEC(hdr_fanotify_mark, handle.len),
		      HEX(hdr_fanotify_mark, handle.type),
		      DEC(hdr_fanotify_mark, handle.removed),
		      ZERO(hdr_fanotify_mark, handle.reserved),
		      BYTES(hdr_fanotify_mark, handle.data)),
	},
	[CKPT_HDR_PIDFD] = {
		.name = "PIDFD",
		FIXED(hdr_pidfd,
		      DEC(hdr_pidfd, pid),
		      DEC(hdr_pidfd, dead)),
	},
	[CKPT_HDR_DEAD_PID] = {
		.name = "DEAD_PID",
		FIXED(hdr_dead_pid,
		      DEC(hdr_dead_pid, ino),
		      DEC(hdr_dead_pid, ns),
		      DECS(hdr_dead_pid, numbers, CKPT_PID_LEVELS)),
	},
	[CKPT_HDR_PTM] = {
		.name = "PTM",
		FIXED(hdr_ptm,
		      DEC(hdr_ptm, index),
		      HEX(hdr_ptm, mode),
		      DEC(hdr_ptm, uid),
		      DEC(hdr_ptm, gid),
		      SIGNED(hdr_ptm, atime_ns),
		      SIGNED(hdr_ptm, mtime_ns),
		      SIGNED(hdr_ptm, ctime_ns)),
	},
	[CKPT_HDR_TTY] = {
		.name = "TTY",
		FIXED(hdr_tty,
		      DEC(hdr_tty, session),
		      DEC(hdr_tty, pgrp),
		      DEC(hdr_tty, dead_pgrp),
		      HEX(hdr_tty, flags),
		      HEX(hdr_tty, termios.iflag),
		      HEX(hdr_tty, termios.oflag),
		      HEX(hdr_tty, termios.cflag),
		      HEX(hdr_tty, termios.lflag),
		      DEC(hdr_tty, termios.ispeed),
		      DEC(hdr_tty, termios.ospeed),
		      DEC(hdr_tty, termios.line),
		      BYTES(hdr_tty, termios.cc),
		      BYTES(hdr_tty, termios.reserved),
		      HEX(hdr_tty, locked.iflag),
		      HEX(hdr_tty, locked.oflag),
		      HEX(hdr_tty, locked.cflag),
		      HEX(hdr_tty, locked.lflag),
		      DEC(hdr_tty, locked.ispeed),
		      DEC(hdr_tty, locked.ospeed),
		      DEC(hdr_tty, locked.line),
		      BYTES(hdr_tty, locked.cc),
		      BYTES(hdr_tty, locked.reserved),
		      DEC(hdr_tty, row), DEC(hdr_tty, col),
		      DEC(hdr_tty, xpixel), DEC(hdr_tty, ypixel)),
	},
	[CKPT_HDR_TTY_END] = {
		.name = "TTY_END",
		FIXED(hdr_tty_end,
		      HEX(hdr_tty_end, flags),
		      HEX(hdr_tty_end, pktstatus),
		      DEC(hdr_tty_end, read),
		      DEC(hdr_tty_end, canon),
		      DEC(hdr_tty_end, commit),
		      DEC(hdr_tty_end, column),
		      DEC(hdr_tty_end, canon_column),
		      DEC(hdr_tty_end, echo),
		      DEC(hdr_tty_end, echo_commit),
		      DEC(hdr_tty_end, echo_mark),
		      DEC(hdr_tty_end, flip),
		      DEC(hdr_tty_end, lookahead)),
		.tail = TAIL_BYTES, .tail_name = "data",
	},

	[CKPT_HDR_LOCKS] = {
		.name = "LOCKS",
		.size = sizeof(struct ckpt_hdr_locks),
		.fields = no_fields,
		ARRAY("locks", lock,
		      ENUM(lock, kind, lock_kind_names),
		      HEX(lock, type),
		      DEC(lock, fd),
		      DEC(lock, pid),
		      DEC(lock, start),
		      DEC(lock, end),
		      HEX(lock, flags),
		      DEC(lock, unlock_ms),
		      DEC(lock, downgrade_ms),
		      ZERO(lock, reserved)),
	},

	[CKPT_HDR_REMOVED] = {
		.name = "REMOVED",
		FIXED(hdr_removed,
		      HEX(hdr_removed, mode),
		      DEC(hdr_removed, uid),
		      DEC(hdr_removed, gid),
		      HEX(hdr_removed, flags),
		      DEC(hdr_removed, nr_xattrs),
		      DEC(hdr_removed, mnt),
		      DEC(hdr_removed, parent),
		      DEC(hdr_removed, atime_nsec),
		      DEC(hdr_removed, mtime_nsec),
		      ZERO(hdr_removed, reserved),
		      DEC(hdr_removed, size),
		      SIGNED(hdr_removed, atime),
		      SIGNED(hdr_removed, mtime),
		      DEC(hdr_removed, alloc_end),
		      HEX(hdr_removed, rdev)),
	},

	/* memory */
	[CKPT_HDR_MM] = {
		.name = "MM",
		FIXED(hdr_mm,
		      DEC(hdr_mm, nr_vmas),
		      DEC(hdr_mm, exe_file),
		      HEX(hdr_mm, flags),
		      HEX(hdr_mm, def_flags),
		      HEX(hdr_mm, start_code), HEX(hdr_mm, end_code),
		      HEX(hdr_mm, start_data), HEX(hdr_mm, end_data),
		      HEX(hdr_mm, start_brk), HEX(hdr_mm, brk),
		      HEX(hdr_mm, start_stack),
		      HEX(hdr_mm, arg_start), HEX(hdr_mm, arg_end),
		      HEX(hdr_mm, env_start), HEX(hdr_mm, env_end),
		      HEX(hdr_mm, vdso),
		      HEX(hdr_mm, vvar),
		      HEX(hdr_mm, vdso_id),
		      HEX(hdr_mm, mmap_base),
		      HEX(hdr_mm, mmap_legacy_base),
		      HEX(hdr_mm, task_size),
		      HEX(hdr_mm, membarrier_state),
		      HEX(hdr_mm, pkeys),
		      SIGNED(hdr_mm, exec_pkey),
		      DEC(hdr_mm, user_ns),
		      HEXS(hdr_mm, saved_auxv, CKPT_AUXV_MAX)),
		VALUES("ldt", __u64, FIELD_HEX),
	},
	[CKPT_HDR_VMA] = {
		.name = "VMA",
		FIXED(hdr_vma,
		      ENUM(hdr_vma, kind, vma_kind_names),
		      DEC(hdr_vma, file),
		      HEX(hdr_vma, start),
		      HEX(hdr_vma, end),
		      HEX(hdr_vma, flags),
		      DEC(hdr_vma, pgoff),
		      BOOL(hdr_vma, name),
		      DEC(hdr_vma, anon),
		      BOOL(hdr_vma, policy),
		      ZERO(hdr_vma, reserved)),
		.check = check_vma,
	},
	[CKPT_HDR_SHMEM] = {
		.name = "SHMEM",
		FIXED(hdr_shmem,
		      DEC(hdr_shmem, size),
		      HEX(hdr_shmem, flags),
		      DEC(hdr_shmem, huge)),
	},
	[CKPT_HDR_MEMPOLICY] = {
		.name = "MEMPOLICY",
		.flags = RECORD_TASK,
		FIXED(hdr_mempolicy,
		      DEC(hdr_mempolicy, mode),
		      HEX(hdr_mempolicy, flags),
		      SIGNED(hdr_mempolicy, home_node),
		      ZERO(hdr_mempolicy, reserved)),
		VALUES("nodes", __u64, FIELD_HEX),
	},
	[CKPT_HDR_MEMFD] = {
		.name = "MEMFD",
		FIXED(hdr_memfd,
		      HEX(hdr_memfd, mode),
		      DEC(hdr_memfd, uid),
		      DEC(hdr_memfd, gid),
		      HEX(hdr_memfd, seals),
		      DEC(hdr_memfd, atime_nsec),
		      DEC(hdr_memfd, mtime_nsec),
		      DEC(hdr_memfd, huge),
		      ZERO(hdr_memfd, reserved),
		      DEC(hdr_memfd, size),
		      SIGNED(hdr_memfd, atime),
		      SIGNED(hdr_memfd, mtime),
		      DEC(hdr_memfd, alloc_end)),
	},
	[CKPT_HDR_ANON] = {
		.name = "ANON",
		FIXED(hdr_anon,
		      ZERO(hdr_anon, reserved)),
	},
	[CKPT_HDR_PAGES] = {
		.name = "PAGES",
		FIXED(hdr_pages,
		      DEC(hdr_pages, nr_extents),
		      DEC(hdr_pages, pad)),
		ARRAY("extents", extent,
		      HEX(extent, addr),
		      DEC(extent, nr_pages),
		      ENUM(extent, kind, extent_kind_names),
		      HEX(extent, xxh64)),
		.count = count_extents,
		.check = check_pages,
	},

	/* System V and POSIX IPC */
	[CKPT_HDR_IPC_IDS] = {
		.name = "IPC_IDS",
		FIXED(hdr_ipc_ids,
		      ENUM(hdr_ipc_ids, kind, ipc_kind_names),
		      DEC(hdr_ipc_ids, nr),
		      DEC(hdr_ipc_ids, seq),
		      SIGNED(hdr_ipc_ids, last_idx),
		      SIGNED(hdr_ipc_ids, next_id),
		      DEC(hdr_ipc_ids, cursor)),
	},
	[CKPT_HDR_IPC_SHM] = {
		.name = "IPC_SHM",
		FIXED(hdr_ipc_shm,
		      SIGNED(hdr_ipc_shm, perm.id),
		      SIGNED(hdr_ipc_shm, perm.key),
		      DEC(hdr_ipc_shm, perm.uid),
		      DEC(hdr_ipc_shm, perm.gid),
		      DEC(hdr_ipc_shm, perm.cuid),
		      DEC(hdr_ipc_shm, perm.cgid),
		      HEX(hdr_ipc_shm, perm.mode),
		      ZERO(hdr_ipc_shm, perm.reserved),
		      DEC(hdr_ipc_shm, size),
		      SIGNED(hdr_ipc_shm, atime),
		      SIGNED(hdr_ipc_shm, dtime),
		      SIGNED(hdr_ipc_shm, ctime),
		      DEC(hdr_ipc_shm, cpid.slot),
		      DEC(hdr_ipc_shm, cpid.nr),
		      DEC(hdr_ipc_shm, lpid.slot),
		      DEC(hdr_ipc_shm, lpid.nr),
		      HEX(hdr_ipc_shm, name),
		      HEX(hdr_ipc_shm, flags)),
	},
	[CKPT_HDR_IPC_MSG] = {
		.name = "IPC_MSG",
		FIXED(hdr_ipc_msg,
		      SIGNED(hdr_ipc_msg, perm.id),
		      SIGNED(hdr_ipc_msg, perm.key),
		      DEC(hdr_ipc_msg, perm.uid),
		      DEC(hdr_ipc_msg, perm.gid),
		      DEC(hdr_ipc_msg, perm.cuid),
		      DEC(hdr_ipc_msg, perm.cgid),
		      HEX(hdr_ipc_msg, perm.mode),
		      ZERO(hdr_ipc_msg, perm.reserved),
		      SIGNED(hdr_ipc_msg, stime),
		      SIGNED(hdr_ipc_msg, rtime),
		      SIGNED(hdr_ipc_msg, ctime),
		      DEC(hdr_ipc_msg, qbytes),
		      DEC(hdr_ipc_msg, lspid.slot),
		      DEC(hdr_ipc_msg, lspid.nr),
		      DEC(hdr_ipc_msg, lrpid.slot),
		      DEC(hdr_ipc_msg, lrpid.nr),
		      DEC(hdr_ipc_msg, nr),
		      ZERO(hdr_ipc_msg, reserved)),
	},
	[CKPT_HDR_IPC_SEM] = {
		.name = "IPC_SEM",
		FIXED(hdr_ipc_sem,
		      SIGNED(hdr_ipc_sem, perm.id),
		      SIGNED(hdr_ipc_sem, perm.key),
		      DEC(hdr_ipc_sem, perm.uid),
		      DEC(hdr_ipc_sem, perm.gid),
		      DEC(hdr_ipc_sem, perm.cuid),
		      DEC(hdr_ipc_sem, perm.cgid),
		      HEX(hdr_ipc_sem, perm.mode),
		      ZERO(hdr_ipc_sem, perm.reserved),
		      SIGNED(hdr_ipc_sem, otime),
		      SIGNED(hdr_ipc_sem, ctime),
		      DEC(hdr_ipc_sem, nr),
		      ZERO(hdr_ipc_sem, reserved)),
		.check = check_sem,
	},
	[CKPT_HDR_IPC_SEMVALS] = {
		.name = "IPC_SEMVALS",
		.size = sizeof(struct ckpt_hdr_ipc_semvals),
		.fields = no_fields,
		ARRAY("sems", ipc_semval,
		      DEC(ipc_semval, val),
		      ZERO(ipc_semval, reserved),
		      DEC(ipc_semval, pid.slot),
		      DEC(ipc_semval, pid.nr)),
	},
	[CKPT_HDR_IPC_MESSAGE] = {
		.name = "IPC_MESSAGE",
		FIXED(hdr_ipc_message,
		      SIGNED(hdr_ipc_message, type),
		      DEC(hdr_ipc_message, size),
		      ZERO(hdr_ipc_message, reserved)),
		.check = check_message,
	},
	[CKPT_HDR_IPC_TEXT] = {
		.name = "IPC_TEXT",
		.size = sizeof(struct ckpt_hdr_ipc_text),
		.fields = no_fields,
		.tail = TAIL_BYTES, .tail_name = "text",
	},
	[CKPT_HDR_SHM_FILE] = {
		.name = "SHM_FILE",
		FIXED(hdr_shm_file,
		      DEC(hdr_shm_file, ns),
		      SIGNED(hdr_shm_file, id),
		      HEX(hdr_shm_file, flags),
		      ZERO(hdr_shm_file, reserved)),
	},
	[CKPT_HDR_SEM_UNDO] = {
		.name = "SEM_UNDO",
		FIXED(hdr_sem_undo,
		      DEC(hdr_sem_undo, ns),
		      DEC(hdr_sem_undo, nr)),
	},
	[CKPT_HDR_SEM_ADJ] = {
		.name = "SEM_ADJ",
		FIXED(hdr_sem_adj,
		      SIGNED(hdr_sem_adj, id),
		      DEC(hdr_sem_adj, nr)),
		VALUES("adj", __s16, FIELD_SIGNED),
		.count = count_adj,
	},
	[CKPT_HDR_MQUEUES] = {
		.name = "MQUEUES",
		FIXED(hdr_mqueues,
		      DEC(hdr_mqueues, nr),
		      DEC(hdr_mqueues, uid),
		      DEC(hdr_mqueues, gid),
		      HEX(hdr_mqueues, mode)),
	},
	[CKPT_HDR_MQUEUE] = {
		.name = "MQUEUE",
		FIXED(hdr_mqueue,
		      DEC(hdr_mqueue, uid),
		      DEC(hdr_mqueue, gid),
		      HEX(hdr_mqueue, mode),
		      HEX(hdr_mqueue, flags),
		      DEC(hdr_mqueue, maxmsg),
		      DEC(hdr_mqueue, msgsize),
		      SIGNED(hdr_mqueue, atime_ns),
		      SIGNED(hdr_mqueue, mtime_ns),
		      SIGNED(hdr_mqueue, ctime_ns),
		      HEX(hdr_mqueue, value),
		      DEC(hdr_mqueue, signo),
		      DEC(hdr_mqueue, owner),
		      DEC(hdr_mqueue, user_ns),
		      DEC(hdr_mqueue, nr),
		      DEC(hdr_mqueue, payer),
		      DEC(hdr_mqueue, payer_ns)),
	},
	[CKPT_HDR_MQUEUE_REF] = {
		.name = "MQUEUE_REF",
		FIXED(hdr_mqueue_ref,
		      DEC(hdr_mqueue_ref, ns),
		      BOOL(hdr_mqueue_ref, unlinked)),
	},

	/* file systems */
	[CKPT_HDR_SB] = {
		.name = "SB",
		FIXED(hdr_sb,
		      HEX(hdr_sb, flags),
		      DEC(hdr_sb, user_ns),
		      DEC(hdr_sb, ns),
		      BOOL(hdr_sb, content),
		      HEX(hdr_sb, dev),
		      DEC(hdr_sb, next_ino),
		      BYTES(hdr_sb, uuid),
		      DEC(hdr_sb, nr_layers),
		      HEX(hdr_sb, ptmx_mode),
		      DEC(hdr_sb, ptmx_uid),
		      DEC(hdr_sb, ptmx_gid)),
	},
	[CKPT_HDR_SB_NODE] = {
		.name = "SB_NODE",
		FIXED(hdr_sb_node,
		      ENUM(hdr_sb_node, what, sb_what_names),
		      HEX(hdr_sb_node, mode),
		      DEC(hdr_sb_node, uid), DEC(hdr_sb_node, gid),
		      DEC(hdr_sb_node, nlink),
		      HEX(hdr_sb_node, fsflags),
		      DEC(hdr_sb_node, generation),
		      HEX(hdr_sb_node, flags),
		      DEC(hdr_sb_node, nr_xattrs),
		      DEC(hdr_sb_node, atime_nsec),
		      DEC(hdr_sb_node, mtime_nsec),
		      DEC(hdr_sb_node, ctime_nsec),
		      DEC(hdr_sb_node, btime_nsec),
		      ZERO(hdr_sb_node, reserved),
		      DEC(hdr_sb_node, ino),
		      DEC(hdr_sb_node, size),
		      HEX(hdr_sb_node, rdev),
		      SIGNED(hdr_sb_node, atime),
		      SIGNED(hdr_sb_node, mtime),
		      SIGNED(hdr_sb_node, ctime),
		      SIGNED(hdr_sb_node, btime),
		      DEC(hdr_sb_node, offset),
		      DEC(hdr_sb_node, alloc_end)),
	},
	[CKPT_HDR_SB_XATTR] = {
		.name = "SB_XATTR",
		FIXED(hdr_sb_xattr,
		      DEC(hdr_sb_xattr, len),
		      ZERO(hdr_sb_xattr, reserved)),
		.tail = TAIL_BYTES,
		.tail_name = "value",
		.count = count_xattr,
	},
	[CKPT_HDR_SB_ALLOC] = {
		.name = "SB_ALLOC",
		FIXED(hdr_sb_alloc,
		      DEC(hdr_sb_alloc, nr),
		      ZERO(hdr_sb_alloc, reserved)),
		ARRAY("runs", sb_run,
		      DEC(sb_run, index),
		      DEC(sb_run, nr)),
		.count = count_alloc,
	},
	[CKPT_HDR_SB_LAYER] = {
		.name = "SB_LAYER",
		FIXED(hdr_sb_layer,
		      ENUM(hdr_sb_layer, kind, sb_layer_names),
		      DEC(hdr_sb_layer, sb)),
	},

	/* sockets */
	[CKPT_HDR_SOCK] = {
		.name = "SOCK",
		FIXED(hdr_sock,
		      DEC(hdr_sock, family),
		      DEC(hdr_sock, type),
		      DEC(hdr_sock, protocol),
		      HEX(hdr_sock, flags),
		      DEC(hdr_sock, net),
		      DEC(hdr_sock, state),
		      DEC(hdr_sock, sndbuf),
		      DEC(hdr_sock, rcvbuf),
		      DEC(hdr_sock, rcvtimeo_us),
		      DEC(hdr_sock, sndtimeo_us),
		      DEC(hdr_sock, uid),
		      DEC(hdr_sock, gid),
		      HEX(hdr_sock, mode),
		      DEC(hdr_sock, peer_cred),
		      DEC(hdr_sock, peer_pid),
		      DEC(hdr_sock, peer_dead),
		      DEC(hdr_sock, nr_opts),
		      DEC(hdr_sock, nr_insns)),
	},
	[CKPT_HDR_SOCK_OPTS] = {
		.name = "SOCK_OPTS",
		.size = sizeof(struct ckpt_hdr_sock_opts),
		.fields = no_fields,
		ARRAY("opts", sock_opt,
		      DEC(sock_opt, name),
		      DEC(sock_opt, len),
		      BYTES(sock_opt, value)),
	},
	[CKPT_HDR_SOCK_FILTER] = {
		.name = "SOCK_FILTER",
		.size = sizeof(struct ckpt_hdr_sock_filter),
		.fields = no_fields,
		ARRAY("insns", sock_insn,
		      HEX(sock_insn, code),
		      DEC(sock_insn, jt),
		      DEC(sock_insn, jf),
		      HEX(sock_insn, k)),
	},
	[CKPT_HDR_SOCK_GROUP] = {
		.name = "SOCK_GROUP",
		FIXED(hdr_sock_group,
		      DEC(hdr_sock_group, nr),
		      HEX(hdr_sock_group, flags),
		      DEC(hdr_sock_group, nr_insns),
		      ZERO(hdr_sock_group, reserved)),
		VALUES("socks", __u32, FIELD_DEC),
	},
	[CKPT_HDR_SOCK_DATA] = {
		.name = "SOCK_DATA",
		.size = sizeof(struct ckpt_hdr_sock_data),
		.fields = no_fields,
		.tail = TAIL_BYTES, .tail_name = "data",
	},
	[CKPT_HDR_UNIX] = {
		.name = "UNIX",
		FIXED(hdr_unix,
		      DEC(hdr_unix, name_len),
		      ZERO(hdr_unix, reserved),
		      BYTES(hdr_unix, name)),
	},
	[CKPT_HDR_TCP] = {
		.name = "TCP",
		FIXED(hdr_tcp,
		      BYTES(hdr_tcp, ca),
		      DEC(hdr_tcp, user_mss),
		      DEC(hdr_tcp, nr_opts)),
		ARRAY("opts", sock_opt,
		      DEC(sock_opt, name),
		      DEC(sock_opt, len),
		      BYTES(sock_opt, value)),
		.count = count_tcp_opts,
	},
	[CKPT_HDR_TCP_LATE] = {
		.name = "TCP_LATE",
		FIXED(hdr_tcp_late,
		      DEC(hdr_tcp_late, state),
		      HEX(hdr_tcp_late, flags),
		      DEC(hdr_tcp_late, backlog),
		      DEC(hdr_tcp_late, nr_waiting),
		      DEC(hdr_tcp_late, rcv_bytes),
		      DEC(hdr_tcp_late, nr_segs),
		      DEC(hdr_tcp_late, snd_una),
		      DEC(hdr_tcp_late, snd_nxt),
		      DEC(hdr_tcp_late, write_seq),
		      DEC(hdr_tcp_late, rcv_nxt),
		      DEC(hdr_tcp_late, copied_seq),
		      DEC(hdr_tcp_late, rcv_wup),
		      DEC(hdr_tcp_late, rcv_wnd),
		      DEC(hdr_tcp_late, snd_wl1),
		      DEC(hdr_tcp_late, snd_wnd),
		      DEC(hdr_tcp_late, max_window),
		      DEC(hdr_tcp_late, window_clamp),
		      DEC(hdr_tcp_late, rcv_ssthresh),
		      DEC(hdr_tcp_late, snd_wscale),
		      DEC(hdr_tcp_late, rcv_wscale),
		      DEC(hdr_tcp_late, mss_clamp),
		      HEX(hdr_tcp_late, ecn),
		      HEX(hdr_tcp_late, nonagle),
		      DEC(hdr_tcp_late, urg_seq),
		      HEX(hdr_tcp_late, urg_data),
		      DEC(hdr_tcp_late, snd_up),
		      DEC(hdr_tcp_late, tsval),
		      DEC(hdr_tcp_late, ts_recent),
		      DEC(hdr_tcp_late, ts_recent_age_s),
		      DEC(hdr_tcp_late, srtt_us),
		      DEC(hdr_tcp_late, rttvar_us),
		      ZERO(hdr_tcp_late, reserved),
		      SIGNED(hdr_tcp_late, time_ns)),
	},
	[CKPT_HDR_TCP_SEG] = {
		.name = "TCP_SEG",
		FIXED(hdr_tcp_seg,
		      DEC(hdr_tcp_seg, len),
		      HEX(hdr_tcp_seg, flags)),
	},
	[CKPT_HDR_TCP_WAITING] = {
		.name = "TCP_WAITING",
		FIXED(hdr_tcp_waiting,
		      DEC(hdr_tcp_waiting, sock),
		      ZERO(hdr_tcp_waiting, reserved)),
	},
	[CKPT_HDR_UNIX_LATE] = {
		.name = "UNIX_LATE",
		FIXED(hdr_unix_late,
		      HEX(hdr_unix_late, flags),
		      ENUM(hdr_unix_late, state, unix_state_names),
		      DEC(hdr_unix_late, peer),
		      HEX(hdr_unix_late, shutdown),
		      DEC(hdr_unix_late, err),
		      DEC(hdr_unix_late, backlog),
		      DEC(hdr_unix_late, nr),
		      DEC(hdr_unix_late, mnt),
		      DEC(hdr_unix_late, server_mnt),
		      HEX(hdr_unix_late, mode),
		      DEC(hdr_unix_late, uid),
		      DEC(hdr_unix_late, gid)),
	},
	[CKPT_HDR_INET] = {
		.name = "INET",
		FIXED(hdr_inet,
		      DEC(hdr_inet, nr_opts),
		      DEC(hdr_inet, nr_data),
		      DEC(hdr_inet, nr_groups),
		      BOOL(hdr_inet, v6only),
		      HEX(hdr_inet, srcprefs),
		      HEX(hdr_inet, rcv_tos),
		      HEX(hdr_inet, rcv_flowinfo),
		      DEC(hdr_inet, uc_index),
		      DEC(hdr_inet, mc_index),
		      HEX(hdr_inet, mc_addr),
		      DEC(hdr_inet, ucast_oif),
		      DEC(hdr_inet, mcast_oif),
		      DEC(hdr_inet, tskey),
		      DEC(hdr_inet, drops),
		      BOOL(hdr_inet, stamped),
		      DEC(hdr_inet, zckey),
		      SIGNED(hdr_inet, stamp_ns),
		      TEXT(hdr_inet, bound_dev)),
		ARRAY("opts", inet_opt,
		      DEC(inet_opt, level),
		      DEC(inet_opt, name),
		      SIGNED(inet_opt, value)),
		.count = count_inet_opts,
	},
	[CKPT_HDR_INET_DATA] = {
		.name = "INET_DATA",
		FIXED(hdr_inet_data,
		      DEC(hdr_inet_data, level),
		      DEC(hdr_inet_data, name),
		      DEC(hdr_inet_data, len),
		      ZERO(hdr_inet_data, reserved)),
		.tail = TAIL_BYTES,
		.tail_name = "data",
		.count = count_inet_data,
	},
	[CKPT_HDR_INET_GROUP] = {
		.name = "INET_GROUP",
		FIXED(hdr_inet_group,
		      DEC(hdr_inet_group, level),
		      ENUM(hdr_inet_group, mode, inet_mode_names),
		      DEC(hdr_inet_group, ifindex),
		      DEC(hdr_inet_group, nr_src),
		      HEX(hdr_inet_group, iface),
		      ZERO(hdr_inet_group, reserved),
		      BYTES(hdr_inet_group, group)),
		.tail = TAIL_BYTES,
		.tail_name = "src",
		.count = count_inet_src,
	},
	[CKPT_HDR_INET_ADDR] = {
		.name = "INET_ADDR",
		FIXED(hdr_inet_addr,
		      HEX(hdr_inet_addr, flags),
		      DEC(hdr_inet_addr, sport),
		      DEC(hdr_inet_addr, dport),
		      HEX(hdr_inet_addr, shutdown),
		      DEC(hdr_inet_addr, err),
		      DEC(hdr_inet_addr, err_soft),
		      HEX(hdr_inet_addr, flow_label),
		      ZERO(hdr_inet_addr, reserved),
		      BYTES(hdr_inet_addr, bound),
		      BYTES(hdr_inet_addr, saddr),
		      BYTES(hdr_inet_addr, daddr)),
	},
	[CKPT_HDR_INET_DGRAM] = {
		.name = "INET_DGRAM",
		FIXED(hdr_inet_dgram,
		      DEC(hdr_inet_dgram, nr),
		      DEC(hdr_inet_dgram, nr_err),
		      BOOL(hdr_inet_dgram, corked),
		      ZERO(hdr_inet_dgram, reserved)),
	},
	[CKPT_HDR_UDP_CORK] = {
		.name = "UDP_CORK",
		FIXED(hdr_udp_cork,
		      DEC(hdr_udp_cork, family),
		      DEC(hdr_udp_cork, len),
		      DEC(hdr_udp_cork, dport),
		      DEC(hdr_udp_cork, oif),
		      SIGNED(hdr_udp_cork, ttl),
		      SIGNED(hdr_udp_cork, tos),
		      DEC(hdr_udp_cork, gso_size),
		      BOOL(hdr_udp_cork, dontfrag),
		      BYTES(hdr_udp_cork, saddr),
		      BYTES(hdr_udp_cork, daddr)),
	},
	[CKPT_HDR_INET_SKB] = {
		.name = "INET_SKB",
		FIXED(hdr_inet_skb,
		      HEX(hdr_inet_skb, flags),
		      DEC(hdr_inet_skb, len),
		      DEC(hdr_inet_skb, data),
		      DEC(hdr_inet_skb, network),
		      DEC(hdr_inet_skb, transport),
		      DEC(hdr_inet_skb, iif),
		      DEC(hdr_inet_skb, skb_iif),
		      HEX(hdr_inet_skb, spec_dst),
		      SIGNED(hdr_inet_skb, time_ns),
		      SIGNED(hdr_inet_skb, hwtime_ns),
		      HEX(hdr_inet_skb, mark),
		      HEX(hdr_inet_skb, csum),
		      DEC(hdr_inet_skb, cscov),
		      DEC(hdr_inet_skb, gso_size),
		      DEC(hdr_inet_skb, frag_max_size),
		      DEC(hdr_inet_skb, dst0),
		      DEC(hdr_inet_skb, srcrt),
		      DEC(hdr_inet_skb, dst1),
		      DEC(hdr_inet_skb, lastopt),
		      DEC(hdr_inet_skb, addr_offset),
		      DEC(hdr_inet_skb, dropcount),
		      DEC(hdr_inet_skb, ee_errno),
		      DEC(hdr_inet_skb, ee_origin),
		      DEC(hdr_inet_skb, ee_type),
		      DEC(hdr_inet_skb, ee_code),
		      ZERO(hdr_inet_skb, reserved),
		      DEC(hdr_inet_skb, ee_info),
		      DEC(hdr_inet_skb, ee_data),
		      HEX(hdr_inet_skb, port)),
	},
	[CKPT_HDR_UDP] = {
		.name = "UDP",
		FIXED(hdr_udp,
		      HEX(hdr_udp, flags),
		      DEC(hdr_udp, gso_size),
		      DEC(hdr_udp, send_cscov),
		      DEC(hdr_udp, recv_cscov)),
	},
	[CKPT_HDR_RAW] = {
		.name = "RAW",
		FIXED(hdr_raw,
		      BOOL(hdr_raw, checksum),
		      DEC(hdr_raw, offset),
		      HEXS(hdr_raw, filter, 8)),
	},
	[CKPT_HDR_UNIX_MSG] = {
		.name = "UNIX_MSG",
		FIXED(hdr_unix_msg,
		      DEC(hdr_unix_msg, sock),
		      HEX(hdr_unix_msg, flags),
		      DEC(hdr_unix_msg, pid),
		      DEC(hdr_unix_msg, dead),
		      DEC(hdr_unix_msg, uid),
		      DEC(hdr_unix_msg, gid),
		      DEC(hdr_unix_msg, len),
		      DEC(hdr_unix_msg, head),
		      DEC(hdr_unix_msg, consumed),
		      DEC(hdr_unix_msg, nr_files),
		      DEC(hdr_unix_msg, user),
		      ZERO(hdr_unix_msg, reserved),
		      SIGNED(hdr_unix_msg, time_ns)),
		VALUES("files", uint32_t, FIELD_DEC),
		.count = count_sent_files,
	},
	[CKPT_HDR_NETLINK] = {
		.name = "NETLINK",
		FIXED(hdr_netlink,
		      HEX(hdr_netlink, flags),
		      DEC(hdr_netlink, portid),
		      DEC(hdr_netlink, dst_portid),
		      DEC(hdr_netlink, dst_group)),
	},
	[CKPT_HDR_NETLINK_LATE] = {
		.name = "NETLINK_LATE",
		FIXED(hdr_netlink_late,
		      DEC(hdr_netlink_late, nr),
		      DEC(hdr_netlink_late, err),
		      DEC(hdr_netlink_late, nr_groups),
		      ZERO(hdr_netlink_late, reserved)),
		VALUES("groups", uint32_t, FIELD_DEC),
		.count = count_groups_joined,
	},
	[CKPT_HDR_NETLINK_MSG] = {
		.name = "NETLINK_MSG",
		FIXED(hdr_netlink_msg,
		      HEX(hdr_netlink_msg, flags),
		      DEC(hdr_netlink_msg, portid),
		      DEC(hdr_netlink_msg, dst_group),
		      DEC(hdr_netlink_msg, pid),
		      DEC(hdr_netlink_msg, uid),
		      DEC(hdr_netlink_msg, gid),
		      SIGNED(hdr_netlink_msg, nsid),
		      DEC(hdr_netlink_msg, len)),
	},
	[CKPT_HDR_PACKET] = {
		.name = "PACKET",
		FIXED(hdr_packet,
		      HEX(hdr_packet, flags),
		      DEC(hdr_packet, version),
		      DEC(hdr_packet, reserve),
		      HEX(hdr_packet, tstamp),
		      SIGNED(hdr_packet, copy_thresh),
		      DEC(hdr_packet, vnet_hdr_sz),
		      DEC(hdr_packet, nr_members),
		      ZERO(hdr_packet, reserved)),
		ARRAY("member", packet_member,
		      SIGNED(packet_member, ifindex),
		      DEC(packet_member, count),
		      DEC(packet_member, type),
		      DEC(packet_member, alen),
		      BYTES(packet_member, addr)),
	},
	[CKPT_HDR_PACKET_LATE] = {
		.name = "PACKET_LATE",
		FIXED(hdr_packet_late,
		      DEC(hdr_packet_late, nr),
		      DEC(hdr_packet_late, err),
		      SIGNED(hdr_packet_late, ifindex),
		      HEX(hdr_packet_late, protocol),
		      DEC(hdr_packet_late, packets),
		      DEC(hdr_packet_late, drops),
		      DEC(hdr_packet_late, fanout_id),
		      HEX(hdr_packet_late, fanout_type),
		      DEC(hdr_packet_late, fanout_max),
		      ZERO(hdr_packet_late, reserved)),
	},
	[CKPT_HDR_PACKET_RING] = {
		.name = "PACKET_RING",
		FIXED(hdr_packet_ring,
		      DEC(hdr_packet_ring, block_size),
		      DEC(hdr_packet_ring, block_nr),
		      DEC(hdr_packet_ring, frame_size),
		      DEC(hdr_packet_ring, frame_nr),
		      DEC(hdr_packet_ring, retire_ms),
		      DEC(hdr_packet_ring, priv),
		      HEX(hdr_packet_ring, features),
		      DEC(hdr_packet_ring, head),
		      DEC(hdr_packet_ring, frozen),
		      DEC(hdr_packet_ring, freezes),
		      DEC(hdr_packet_ring, seq)),
	},
	[CKPT_HDR_PACKET_BYTES] = {
		.name = "PACKET_BYTES",
		FIXED(hdr_packet_bytes,
		      HEX(hdr_packet_bytes, offset),
		      DEC(hdr_packet_bytes, size),
		      DEC(hdr_packet_bytes, after)),
		.tail = TAIL_BYTES,
		.tail_name = "data",
		.count = count_packet_bytes,
	},
	[CKPT_HDR_PACKET_MSG] = {
		.name = "PACKET_MSG",
		FIXED(hdr_packet_msg,
		      HEX(hdr_packet_msg, flags),
		      DEC(hdr_packet_msg, len),
		      DEC(hdr_packet_msg, head),
		      DEC(hdr_packet_msg, mac),
		      SIGNED(hdr_packet_msg, network),
		      DEC(hdr_packet_msg, orig_len),
		      SIGNED(hdr_packet_msg, ifindex),
		      DEC(hdr_packet_msg, hatype),
		      DEC(hdr_packet_msg, pkttype),
		      DEC(hdr_packet_msg, halen),
		      HEX(hdr_packet_msg, protocol),
		      DEC(hdr_packet_msg, csum),
		      DEC(hdr_packet_msg, csum_start),
		      DEC(hdr_packet_msg, csum_offset),
		      HEX(hdr_packet_msg, vlan_tci),
		      HEX(hdr_packet_msg, vlan_proto),
		      DEC(hdr_packet_msg, gso),
		      DEC(hdr_packet_msg, gso_size),
		      DEC(hdr_packet_msg, gso_segs),
		      DEC(hdr_packet_msg, mac_len),
		      SIGNED(hdr_packet_msg, time_ns),
		      BYTES(hdr_packet_msg, addr)),
	},
};

const struct record_type *record_type(uint32_t type)
{
	if (type >= ARRAY_SIZE(types) || !types[type].name)
		return NULL;
	return &types[type];
}

const char *ckpt_record_name(uint32_t type)
{
	const struct record_type *t = record_type(type);

	return t ? t->name : NULL;
}

const char *ckpt_object_name(uint32_t type)
{
	return type < object_names.nr ? object_names.name[type] : NULL;
}

/* --------------------------------------------------------------- checking */

uint64_t field_value(const struct field *field, const void *base,
		     unsigned int i)
{
	const void *p = (const char *)base + field->offset + i * field->size;
	bool is_signed = field->format == FIELD_SIGNED;

	switch (field->size) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return *(const uint16_t *)p;
	case 4:
		return is_signed ? (uint64_t)(int64_t)*(const int32_t *)p :
				   *(const uint32_t *)p;
	default:
		return *(const uint64_t *)p;
	}
}

static bool all_zero(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static bool text_ok(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	return len < size && all_zero(text + len, size - len);
}

static bool field_ok(const struct field *f, const void *base)
{
	const char *p = (const char *)base + f->offset;

	switch (f->format) {
	case FIELD_ENUM:
		return field_value(f, base, 0) < f->names->nr &&
		       f->names->name[field_value(f, base, 0)];
	case FIELD_BOOL:
		return field_value(f, base, 0) <= 1;
	case FIELD_ZERO:
		return all_zero(p, f->size * f->nr);
	case FIELD_TEXT:
		return text_ok(p, f->size);
	default:
		return true;
	}
}

static bool fields_ok(const struct field *f, const void *base, char *why,
		      size_t size)
{
	for (; f->name; f++) {
		if (field_ok(f, base))
			continue;
		snprintf(why, size, "%s is %s", f->name,
			 f->format == FIELD_TEXT ? "not a padded string" :
			 f->format == FIELD_ZERO ? "not 0" : "out of range");
		return false;
	}
	return true;
}

uint64_t record_tail_count(const struct record_type *type,
			   const struct ckpt_hdr *rec)
{
	size_t room = rec->len - type->size;

	if (type->count)
		return type->count(rec);
	return type->tail == TAIL_ARRAY ? room / type->elem_size : room;
}

static bool tail_ok(const struct record_type *type, const struct ckpt_hdr *rec,
		    char *why, size_t size)
{
	const char *tail = (const char *)rec + type->size;
	size_t room = rec->len - type->size;
	uint64_t i, nr = record_tail_count(type, rec);
	size_t elem = type->tail == TAIL_ARRAY ? type->elem_size : 1;

	if (type->tail == TAIL_TEXT) {
		if (text_ok(tail, room))
			return true;
		snprintf(why, size, "%s is not a padded string",
			 type->tail_name);
		return false;
	}
	if (nr > room / elem || room - nr * elem >= 8 ||
	    !all_zero(tail + nr * elem, room - nr * elem)) {
		snprintf(why, size, "its length is not that of its %s",
			 type->tail_name ? type->tail_name : "fields");
		return false;
	}
	if (type->tail == TAIL_ARRAY)
		for (i = 0; i < nr; i++)
			if (!fields_ok(type->elem, tail + i * elem, why, size))
				return false;
	return true;
}

bool record_check(const struct record_type *type, const struct ckpt_hdr *rec,
		  char *why, size_t size)
{
	const char *wrong = NULL;

	if (rec->len < type->size ||
	    (type->tail == TAIL_NONE && rec->len != type->size)) {
		snprintf(why, size, "%u bytes are not its length", rec->len);
		return false;
	}
	if (!fields_ok(type->fields, rec, why, size) ||
	    !tail_ok(type, rec, why, size))
		return false;
	if (type->check)
		wrong = type->check(rec);
	if (wrong)
		snprintf(why, size, "%s", wrong);
	return !wrong;
}
