/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The checkpoint image: a stream of records, written and read strictly
 * forward. See Documentation/checkpoint/image-format.rst.
 *
 * Every record starts with struct ckpt_hdr, is a multiple of 8 bytes long,
 * and has fixed-width little-endian fields with no implicit padding. An
 * objref names a shared object by a positive number; 0 means none, or for a
 * namespace: that of whoever restarts.
 */
#ifndef _UAPI_LINUX_CHECKPOINT_HDR_H
#define _UAPI_LINUX_CHECKPOINT_HDR_H

#include <linux/types.h>

#define CKPT_MAGIC		0x0a1a0d524b504354ULL	/* "TCPKR\r\x1a\n" */
#define CKPT_TRAILER_MAGIC	0x0a1a0d444e454354ULL	/* "TCEND\r\x1a\n" */
#define CKPT_VERSION		2

/* Longest record that is not page payload, in bytes */
#define CKPT_REC_MAX		(256 * 1024)
/* Longest path, name or other string, in bytes, with its NUL */
#define CKPT_STRING_MAX		(64 * 1024)

/**
 * struct ckpt_hdr - what every record starts with
 * @type: one of enum ckpt_hdr_type
 * @len: length of the record, this header included, in bytes
 */
struct ckpt_hdr {
	__u32 type;
	__u32 len;
};

enum ckpt_hdr_type {
	/* the stream */
	CKPT_HDR_HEADER = 1,
	CKPT_HDR_TRAILER,
	CKPT_HDR_ERROR,
	CKPT_HDR_OBJECT,
	CKPT_HDR_STRING,

	/* the task tree */
	CKPT_HDR_TREE = 101,
	CKPT_HDR_TASKS,
	CKPT_HDR_TASK,
	CKPT_HDR_PIDS,
	CKPT_HDR_PID_NSS,
	CKPT_HDR_VPIDS,

	/* state of a task, in no shared object */
	CKPT_HDR_TASK_NS = 201,
	CKPT_HDR_TASK_FS,
	CKPT_HDR_TASK_FILES,
	CKPT_HDR_TASK_MM,
	CKPT_HDR_TASK_SIGHAND,
	CKPT_HDR_TASK_SIGNAL,
	CKPT_HDR_SIGPENDING,
	CKPT_HDR_TASK_LIMITS,
	CKPT_HDR_TASK_ITIMERS,
	CKPT_HDR_TASK_CRED,
	CKPT_HDR_TASK_SCHED,
	CKPT_HDR_TASK_MISC,
	CKPT_HDR_TASK_RESTART_BLOCK,
	CKPT_HDR_TASK_CPU,
	CKPT_HDR_TASK_FPU,
	CKPT_HDR_TASK_JOBCTL,
	CKPT_HDR_TASK_SYSVIPC,
	CKPT_HDR_TASK_CGROUP,
	CKPT_HDR_TASK_TIMERS,
	CKPT_HDR_TASK_SECCOMP,
	CKPT_HDR_TASK_ACCT,
	CKPT_HDR_PROCESS_ACCT,
	CKPT_HDR_TASK_PTRACE = 231,

	/* namespaces and credentials */
	CKPT_HDR_NSPROXY = 301,
	CKPT_HDR_UTS_NS,
	CKPT_HDR_IPC_NS,
	CKPT_HDR_MNT_NS,
	CKPT_HDR_PID_NS,
	CKPT_HDR_CRED,
	CKPT_HDR_SIGHAND,
	CKPT_HDR_MNT,
	CKPT_HDR_TIME_NS,
	CKPT_HDR_CGROUP_NS,
	CKPT_HDR_USER_NS,
	CKPT_HDR_NET_NS,
	CKPT_HDR_NET_DATA,
	CKPT_HDR_SECCOMP_FILTER,
	CKPT_HDR_KEY,
	CKPT_HDR_CORE_COOKIE,
	CKPT_HDR_AUTOGROUP,

	/* files */
	CKPT_HDR_FS = 401,
	CKPT_HDR_FILES,
	CKPT_HDR_FDS,
	CKPT_HDR_FILE,
	CKPT_HDR_PIPE,
	CKPT_HDR_PIPE_BUFS,
	CKPT_HDR_PIPE_DATA,
	CKPT_HDR_EVENTFD,
	CKPT_HDR_TIMERFD,
	CKPT_HDR_SIGNALFD,
	CKPT_HDR_LOCKS,
	CKPT_HDR_LATE_FILE,
	CKPT_HDR_EPOLL,
	CKPT_HDR_EPOLL_ITEMS,
	CKPT_HDR_INOTIFY,
	CKPT_HDR_INOTIFY_EVENT,
	CKPT_HDR_INOTIFY_WATCH,
	CKPT_HDR_PIDFD,
	CKPT_HDR_DEAD_PID,
	CKPT_HDR_REMOVED,
	CKPT_HDR_FANOTIFY,
	CKPT_HDR_FANOTIFY_QUEUE,
	CKPT_HDR_FANOTIFY_EVENT,
	CKPT_HDR_FANOTIFY_MARK,
	CKPT_HDR_PTM,
	CKPT_HDR_TTY,
	CKPT_HDR_TTY_END,
	CKPT_HDR_TUN,
	CKPT_HDR_TUN_PACKET,

	/* memory */
	CKPT_HDR_MM = 501,
	CKPT_HDR_VMA,
	CKPT_HDR_SHMEM,
	CKPT_HDR_PAGES,
	CKPT_HDR_ANON,
	CKPT_HDR_MEMFD,
	CKPT_HDR_MEMPOLICY,

	/* System V and POSIX IPC */
	CKPT_HDR_IPC_IDS = 601,
	CKPT_HDR_IPC_SHM,
	CKPT_HDR_IPC_MSG,
	CKPT_HDR_IPC_SEM,
	CKPT_HDR_IPC_SEMVALS,
	CKPT_HDR_IPC_MESSAGE,
	CKPT_HDR_IPC_TEXT,
	CKPT_HDR_SHM_FILE,
	CKPT_HDR_SEM_UNDO,
	CKPT_HDR_SEM_ADJ,
	CKPT_HDR_MQUEUES,
	CKPT_HDR_MQUEUE,
	CKPT_HDR_MQUEUE_REF,
	/* file systems */
	CKPT_HDR_SB = 701,
	CKPT_HDR_SB_NODE,
	CKPT_HDR_SB_XATTR,
	CKPT_HDR_SB_ALLOC,
	CKPT_HDR_SB_LAYER,

	/* sockets */
	CKPT_HDR_SOCK = 801,
	CKPT_HDR_SOCK_OPTS,
	CKPT_HDR_SOCK_DATA,
	CKPT_HDR_UNIX,
	CKPT_HDR_UNIX_LATE,
	CKPT_HDR_UNIX_MSG,
	CKPT_HDR_SOCK_FILTER,
	CKPT_HDR_SOCK_GROUP,
	/* of the internet families */
	CKPT_HDR_INET = 811,
	CKPT_HDR_INET_DATA,
	CKPT_HDR_INET_GROUP,
	CKPT_HDR_INET_ADDR,
	CKPT_HDR_INET_DGRAM,
	CKPT_HDR_INET_SKB,
	CKPT_HDR_UDP,
	CKPT_HDR_RAW,
	CKPT_HDR_UDP_CORK,
	/* of netlink and packet sockets */
	CKPT_HDR_NETLINK = 821,
	CKPT_HDR_NETLINK_LATE,
	CKPT_HDR_NETLINK_MSG,
	CKPT_HDR_PACKET,
	CKPT_HDR_PACKET_LATE,
	CKPT_HDR_PACKET_MSG,
	CKPT_HDR_PACKET_RING,
	CKPT_HDR_PACKET_BYTES,
	/* TCP */
	CKPT_HDR_TCP = 841,
	CKPT_HDR_TCP_LATE,
	CKPT_HDR_TCP_SEG,
	CKPT_HDR_TCP_WAITING,
};

/* Kinds of shared objects */
enum ckpt_obj_type {
	CKPT_OBJ_NONE,
	CKPT_OBJ_PID,
	CKPT_OBJ_NSPROXY,
	CKPT_OBJ_UTS_NS,
	CKPT_OBJ_IPC_NS,
	CKPT_OBJ_MNT_NS,
	CKPT_OBJ_PID_NS,
	CKPT_OBJ_CRED,
	CKPT_OBJ_SIGHAND,
	CKPT_OBJ_FS,
	CKPT_OBJ_FILES,
	CKPT_OBJ_FILE,
	CKPT_OBJ_PIPE,
	CKPT_OBJ_MM,
	CKPT_OBJ_SHMEM,
	CKPT_OBJ_SHM_FILE,
	CKPT_OBJ_SEM_UNDO,
	CKPT_OBJ_MQUEUE,
	CKPT_OBJ_SB,
	CKPT_OBJ_MNT,
	CKPT_OBJ_TIME_NS,
	CKPT_OBJ_CGROUP_NS,
	CKPT_OBJ_USER_NS,
	CKPT_OBJ_DEAD_PID,
	CKPT_OBJ_REMOVED,
	CKPT_OBJ_SOCK,
	CKPT_OBJ_NET_NS,
	CKPT_OBJ_ANON,
	CKPT_OBJ_MEMFD,
	CKPT_OBJ_SECCOMP_FILTER,
	CKPT_OBJ_KEY,
	CKPT_OBJ_CORE_COOKIE,
	CKPT_OBJ_AUTOGROUP,
	CKPT_OBJ_MAX
};

/* ------------------------------------------------------------ the stream */

#define CKPT_ARCH_X86_64	62	/* EM_X86_64 */

/**
 * struct ckpt_hdr_header - the first record
 * @h: type CKPT_HDR_HEADER
 * @magic: CKPT_MAGIC
 * @version: CKPT_VERSION; another one is refused
 * @arch: ELF machine number
 * @incompat: features without which the image cannot be read: none yet
 * @compat: features that a reader may ignore: none yet
 * @uflags: the flags given to checkpoint(2)
 * @page_size: in bytes
 * @id: the checkpoint id that checkpoint(2) returned
 * @realtime_ns: CLOCK_REALTIME when the tree stood still, in nanoseconds
 * @monotonic_ns: CLOCK_MONOTONIC then, as the caller saw it
 * @boottime_ns: CLOCK_BOOTTIME then, as the caller saw it
 * @user_hz: USER_HZ
 * @nsig: number of signals, _NSIG
 * @rlim_nlimits: number of resource limits, RLIM_NLIMITS
 * @task_comm_len: TASK_COMM_LEN
 * @release: kernel release, NUL-padded
 * @kversion: kernel build, NUL-padded
 */
struct ckpt_hdr_header {
	struct ckpt_hdr h;
	__aligned_u64 magic;
	__u32 version;
	__u32 arch;
	__aligned_u64 incompat;
	__aligned_u64 compat;
	__u32 uflags;
	__u32 page_size;
	__aligned_u64 id;
	__aligned_u64 realtime_ns;
	__aligned_u64 monotonic_ns;
	__aligned_u64 boottime_ns;
	__u32 user_hz;
	__u32 nsig;
	__u32 rlim_nlimits;
	__u32 task_comm_len;
	char release[72];
	char kversion[72];
};

/**
 * struct ckpt_hdr_trailer - the last record
 * @h: type CKPT_HDR_TRAILER
 * @magic: CKPT_TRAILER_MAGIC
 * @records: number of records before it
 * @crc32c: CRC32C of all bytes before it that are not page payload
 *	(initial value ~0, not inverted at the end)
 * @reserved: 0
 */
struct ckpt_hdr_trailer {
	struct ckpt_hdr h;
	__aligned_u64 magic;
	__aligned_u64 records;
	__u32 crc32c;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_error - the checkpoint failed: nothing of use follows
 * @h: type CKPT_HDR_ERROR
 * @err: the errno, positive
 * @reserved: 0
 * @text: what failed and why, NUL-terminated and NUL-padded
 */
struct ckpt_hdr_error {
	struct ckpt_hdr h;
	__u32 err;
	__u32 reserved;
	char text[];
};

/**
 * struct ckpt_hdr_object - a shared object follows
 * @h: type CKPT_HDR_OBJECT
 * @objref: its number, from here on
 * @objtype: its kind, enum ckpt_obj_type
 *
 * The records of the object follow. An object may stand between any two
 * records, before its first user, and inside other objects.
 */
struct ckpt_hdr_object {
	struct ckpt_hdr h;
	__u32 objref;
	__u32 objtype;
};

/**
 * struct ckpt_hdr_string - a path, a name
 * @h: type CKPT_HDR_STRING
 * @text: NUL-terminated and NUL-padded
 */
struct ckpt_hdr_string {
	struct ckpt_hdr h;
	char text[];
};

/* -------------------------------------------------------------- the tree */

/* struct ckpt_hdr_tree.flags */
#define CKPT_TREE_CONTAINER	0x1	/* the root is the init of a pid namespace */
#define CKPT_TREE_SELF		0x2	/* the root checkpointed itself */

/**
 * struct ckpt_hdr_tree - the task tree
 * @h: type CKPT_HDR_TREE
 * @flags: CKPT_TREE_*
 * @nr_tasks: number of entries in the CKPT_HDR_TASKS records that follow
 * @nr_pids: number of entries in the CKPT_HDR_PIDS records that follow those
 *	of the pid namespaces
 * @nr_pid_ns: number of entries in the CKPT_HDR_PID_NSS records that follow the
 *	tasks
 */
struct ckpt_hdr_tree {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 nr_tasks;
	__u32 nr_pids;
	__u32 nr_pid_ns;
};

/* struct ckpt_task_entry.flags */
#define CKPT_TASK_ZOMBIE	0x1	/* EXIT_ZOMBIE: exits again with exit_code */
#define CKPT_TASK_THREAD	0x2	/* not a group leader */
#define CKPT_TASK_SUBREAPER	0x4	/* is_child_subreaper */
#define CKPT_TASK_OUTLIVED	0x8	/* leader: has exited, threads of it live */
#define CKPT_TASK_VFORK		0x10	/* its parent is in vfork(2), waiting for it */

/**
 * struct ckpt_task_entry - one task
 * @flags: CKPT_TASK_*
 * @tid: pid slot of the task, an index into the pids
 * @leader: index of the entry of its thread group leader; its own if it is one
 * @parent: index of the entry of its real parent, a thread; ~0 for the root
 * @pgrp: pid slot of its process group, ~0 if that is outside the tree
 * @session: pid slot of its session, ~0 if that is outside the tree
 * @exit_signal: signal sent to the parent when it exits; 0 for none
 * @exit_code: as the kernel keeps it, of a zombie
 * @rpid: its pid as the caller of checkpoint saw it, 0 if it saw none
 * @cred: objref of the credentials of a zombie; 0 if they cannot be saved, and
 *	of all others, whose state has them
 * @tracer: of a zombie: index + 1 of the entry of a tracer that has yet to wait
 *	for it, before its parent does; or 0
 * @reserved: 0
 * @comm: its name, NUL-padded
 *
 * A group leader stands before its threads, a parent before its children,
 * the root first.
 */
struct ckpt_task_entry {
	__u32 flags;
	__u32 tid;
	__u32 leader;
	__u32 parent;
	__u32 pgrp;
	__u32 session;
	__u32 exit_signal;
	__u32 exit_code;
	__u32 rpid;
	__u32 cred;
	__u32 tracer;
	__u32 reserved;
	char comm[16];
};

/**
 * struct ckpt_hdr_tasks - a part of the task table
 * @h: type CKPT_HDR_TASKS
 * @tasks: as many entries as @h.len has room for
 */
struct ckpt_hdr_tasks {
	struct ckpt_hdr h;
	struct ckpt_task_entry tasks[];
};

/* In struct ckpt_pid_ns_entry.flags */
#define CKPT_PID_NS_DEAD	0x1	/* its init has gone: no task comes into it */

/**
 * struct ckpt_pid_ns_entry - one pid namespace
 * @parent: index of the entry of the one that it is inside of; ~0 for the first
 * @level: depth below the first, which is that of the root of the tree
 * @last_pid: last pid handed out in it
 * @init: index of the task entry of its init; ~0 if that is outside, which only
 *	that of the first may be, or if there is no task in it
 * @user_ns: objref of its owner, as in struct ckpt_hdr_uts_ns
 * @flags: CKPT_PID_NS_*
 *
 * Each stands after the one that it is inside of. One without an init has had
 * no pid so far, or will have no other one.
 */
struct ckpt_pid_ns_entry {
	__u32 parent;
	__u32 level;
	__u32 last_pid;
	__u32 init;
	__u32 user_ns;
	__u32 flags;
};

/**
 * struct ckpt_hdr_pid_nss - a part of the table of pid namespaces
 * @h: type CKPT_HDR_PID_NSS
 * @nss: as many entries as @h.len has room for
 */
struct ckpt_hdr_pid_nss {
	struct ckpt_hdr h;
	struct ckpt_pid_ns_entry nss[];
};

/**
 * struct ckpt_pid_entry - one struct pid that the tree uses
 * @ns: index of the innermost pid namespace that it is in
 * @depth: level of that: it has a number in each namespace from the first one
 *	to this, @depth + 1 of them
 */
struct ckpt_pid_entry {
	__u32 ns;
	__u32 depth;
};

/**
 * struct ckpt_hdr_pids - a part of the pid table
 * @h: type CKPT_HDR_PIDS
 * @pids: as many entries as @h.len has room for
 *
 * A task, a process group or a session is named by its index here, its pid
 * slot: the number may be another one after the restart. A slot with no task
 * is a process group or session whose leader is gone.
 */
struct ckpt_hdr_pids {
	struct ckpt_hdr h;
	struct ckpt_pid_entry pids[];
};

/**
 * struct ckpt_hdr_vpids - a part of the numbers of the pids
 * @h: type CKPT_HDR_VPIDS
 * @nrs: as many numbers as @h.len has room for, the last record padded with 0
 *
 * For each entry of the pid table, in that order, its numbers: that in the
 * namespace of the root of the tree first, its innermost one last.
 */
struct ckpt_hdr_vpids {
	struct ckpt_hdr h;
	__u32 nrs[];
};

/**
 * struct ckpt_hdr_task - the state of one task follows
 * @h: type CKPT_HDR_TASK
 * @index: of its entry in the task table
 * @reserved: 0
 *
 * The tasks follow in the order of the table, zombies left out.
 */
struct ckpt_hdr_task {
	struct ckpt_hdr h;
	__u32 index;
	__u32 reserved;
};

/* ------------------------------------------------------ state of one task */

/**
 * struct ckpt_hdr_task_ref - a task uses a shared object
 * @h: type CKPT_HDR_TASK_NS, _FS, _FILES, _MM or _SIGHAND
 * @objref: the object: nsproxy, fs, files, mm or sighand
 * @reserved: 0
 *
 * _SIGHAND is of the group leader alone: no process shares it with another.
 */
struct ckpt_hdr_task_ref {
	struct ckpt_hdr h;
	__u32 objref;
	__u32 reserved;
};

/**
 * struct ckpt_sigset - a set of 64 signals
 * @sig: bit N-1 is signal N
 */
struct ckpt_sigset {
	__aligned_u64 sig;
};

/* struct ckpt_hdr_task_signal.flags */
#define CKPT_SIG_RESTORE_MASK	0x1	/* saved_mask is to be put back on the way out */

/**
 * struct ckpt_hdr_task_signal - signal state of a thread
 * @h: type CKPT_HDR_TASK_SIGNAL
 * @blocked: blocked signals
 * @saved_mask: the mask that sigsuspend, ppoll and their like set aside
 * @flags: CKPT_SIG_*
 * @ss_flags: flags of the alternate signal stack
 * @ss_sp: its address
 * @ss_size: its size in bytes
 *
 * CKPT_HDR_SIGPENDING follows: the thread's own, then, of a group leader,
 * the process's.
 */
struct ckpt_hdr_task_signal {
	struct ckpt_hdr h;
	struct ckpt_sigset blocked;
	struct ckpt_sigset saved_mask;
	__u32 flags;
	__u32 ss_flags;
	__aligned_u64 ss_sp;
	__aligned_u64 ss_size;
};

/* struct ckpt_siginfo.flags */
#define CKPT_SIGINFO_PID	0x1	/* pid is an index into the pid table */
#define CKPT_SIGINFO_TIMER	0x2	/* it is the one of a POSIX timer */

/**
 * struct ckpt_siginfo - one queued signal
 * @info: siginfo_t as user space sees it, 128 bytes
 * @sig: its number
 * @flags: CKPT_SIGINFO_*
 * @pid: pid slot of the sender if CKPT_SIGINFO_PID
 * @reserved: 0
 */
struct ckpt_siginfo {
	__u8 info[128];
	__u32 sig;
	__u32 flags;
	__u32 pid;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_sigpending - pending signals, of a thread or of a process
 * @h: type CKPT_HDR_SIGPENDING
 * @set: all pending signals, those without a queue entry too
 * @more: another CKPT_HDR_SIGPENDING continues this queue
 * @reserved: 0
 * @queue: as many as @h.len has room for, in order
 */
struct ckpt_hdr_sigpending {
	struct ckpt_hdr h;
	struct ckpt_sigset set;
	__u32 more;
	__u32 reserved;
	struct ckpt_siginfo queue[];
};

/**
 * struct ckpt_sigaction - what a process does about one signal
 * @handler: address, or 0 SIG_DFL, 1 SIG_IGN
 * @flags: SA_*
 * @restorer: address
 * @mask: blocked while the handler runs
 */
struct ckpt_sigaction {
	__aligned_u64 handler;
	__aligned_u64 flags;
	__aligned_u64 restorer;
	struct ckpt_sigset mask;
};

/**
 * struct ckpt_hdr_sighand - object: signal handlers
 * @h: type CKPT_HDR_SIGHAND
 * @action: that of signal N at index N-1
 */
struct ckpt_hdr_sighand {
	struct ckpt_hdr h;
	struct ckpt_sigaction action[64];
};

/**
 * struct ckpt_rlimit - one resource limit
 * @cur: soft limit
 * @max: hard limit; ~0 is RLIM_INFINITY
 */
struct ckpt_rlimit {
	__aligned_u64 cur;
	__aligned_u64 max;
};

/**
 * struct ckpt_hdr_task_limits - resource limits and the like of a process
 * @h: type CKPT_HDR_TASK_LIMITS
 * @rlim: by RLIMIT_*
 * @oom_score_adj: -1000 to 1000
 * @oom_score_adj_min: lowest that it may be set to without privilege
 */
struct ckpt_hdr_task_limits {
	struct ckpt_hdr h;
	struct ckpt_rlimit rlim[16];
	__s32 oom_score_adj;
	__s32 oom_score_adj_min;
};

/**
 * struct ckpt_hdr_task_itimers - interval timers of a process
 * @h: type CKPT_HDR_TASK_ITIMERS
 * @value_ns: time until ITIMER_REAL, _VIRTUAL, _PROF expires, of real time
 *	or of CPU time, in nanoseconds; 0: not armed
 * @interval_ns: their intervals
 * @late_ns: how long ago an ITIMER_REAL with an interval expired that is
 *	armed again when its SIGALRM is taken; else 0
 */
struct ckpt_hdr_task_itimers {
	struct ckpt_hdr h;
	__aligned_u64 value_ns[3];
	__aligned_u64 interval_ns[3];
	__aligned_u64 late_ns;
};

/**
 * struct ckpt_cpu_times - CPU time
 * @utime_ns: in user mode, in nanoseconds
 * @stime_ns: in the kernel
 */
struct ckpt_cpu_times {
	__aligned_u64 utime_ns;
	__aligned_u64 stime_ns;
};

/**
 * struct ckpt_acct - what has been used, as getrusage(2) tells it
 * @times: CPU time, as sampled
 * @gtime_ns: part of it that went to guests of KVM
 * @runtime_ns: CPU time, as measured
 * @nvcsw: voluntary context switches
 * @nivcsw: others
 * @min_flt: page faults without I/O
 * @maj_flt: page faults with I/O
 * @inblock: blocks read; 0 of a thread, which has struct ckpt_io_acct
 * @oublock: blocks written; 0 of a thread
 * @maxrss: most memory, in pages; 0 of a thread
 */
struct ckpt_acct {
	struct ckpt_cpu_times times;
	__aligned_u64 gtime_ns;
	__aligned_u64 runtime_ns;
	__aligned_u64 nvcsw;
	__aligned_u64 nivcsw;
	__aligned_u64 min_flt;
	__aligned_u64 maj_flt;
	__aligned_u64 inblock;
	__aligned_u64 oublock;
	__aligned_u64 maxrss;
};

/**
 * struct ckpt_io_acct - I/O, as in /proc/PID/io
 * @rchar: bytes read
 * @wchar: bytes written
 * @syscr: calls that read
 * @syscw: calls that wrote
 * @read_bytes: bytes read from storage
 * @write_bytes: bytes written to storage
 * @cancelled_write_bytes: bytes that were to be, and were removed before
 */
struct ckpt_io_acct {
	__aligned_u64 rchar;
	__aligned_u64 wchar;
	__aligned_u64 syscr;
	__aligned_u64 syscw;
	__aligned_u64 read_bytes;
	__aligned_u64 write_bytes;
	__aligned_u64 cancelled_write_bytes;
};

/**
 * struct ckpt_hdr_task_acct - accounting of a thread
 * @h: type CKPT_HDR_TASK_ACCT
 * @start_ns: when it was made, by CLOCK_BOOTTIME of its time namespace
 * @start_real_ns: the same by CLOCK_REALTIME
 * @shown: CPU time that was shown last: no less may be shown
 * @own: what it has used
 * @io: its I/O
 */
struct ckpt_hdr_task_acct {
	struct ckpt_hdr h;
	__aligned_u64 start_ns;
	__aligned_u64 start_real_ns;
	struct ckpt_cpu_times shown;
	struct ckpt_acct own;
	struct ckpt_io_acct io;
};

/**
 * struct ckpt_hdr_process_acct - accounting of a process, without its threads
 * @h: type CKPT_HDR_PROCESS_ACCT
 * @shown: CPU time of it that was shown last
 * @dead: threads that are gone
 * @children: children that it has waited for
 * @io: I/O of both
 */
struct ckpt_hdr_process_acct {
	struct ckpt_hdr h;
	struct ckpt_cpu_times shown;
	struct ckpt_acct dead;
	struct ckpt_acct children;
	struct ckpt_io_acct io;
};

/**
 * struct ckpt_hdr_task_seccomp - seccomp of a thread
 * @h: type CKPT_HDR_TASK_SECCOMP
 * @mode: SECCOMP_MODE_*
 * @filter: objref of the filter that was added last, of SECCOMP_MODE_FILTER
 */
struct ckpt_hdr_task_seccomp {
	struct ckpt_hdr h;
	__u32 mode;
	__u32 filter;
};

/* struct ckpt_hdr_seccomp_filter.flags */
#define CKPT_SECCOMP_LOG	0x1	/* SECCOMP_FILTER_FLAG_LOG */

/**
 * struct ckpt_bpf_insn - one instruction of a classic BPF program
 * @code: BPF_*
 * @jt: how many to skip if true
 * @jf: how many to skip if false
 * @k: constant
 */
struct ckpt_bpf_insn {
	__u16 code;
	__u8 jt;
	__u8 jf;
	__u32 k;
};

/**
 * struct ckpt_hdr_seccomp_filter - object: one seccomp filter
 * @h: type CKPT_HDR_SECCOMP_FILTER
 * @prev: objref of the filter that it was added to, or 0
 * @flags: CKPT_SECCOMP_*
 * @insns: its program, as it was given to seccomp(2), to the end of the record
 */
struct ckpt_hdr_seccomp_filter {
	struct ckpt_hdr h;
	__u32 prev;
	__u32 flags;
	struct ckpt_bpf_insn insns[];
};

/* struct ckpt_posix_timer.flags */
#define CKPT_TIMER_SET		0x1	/* value_ns is its expiry */
#define CKPT_TIMER_ARMED	0x2	/* it expires then */
#define CKPT_TIMER_CLOCK	0x4	/* value_ns is a time of its clock */
#define CKPT_TIMER_PENDING	0x8	/* its signal is in the queue */
#define CKPT_TIMER_OWN_CLOCK	0x10	/* clockid was that of its creator */

/**
 * struct ckpt_posix_timer - one timer of timer_create(2)
 * @id: its id
 * @clockid: CLOCK_*; of CPU time: what the kernel has for process or thread 0
 * @flags: CKPT_TIMER_*
 * @notify: SIGEV_*
 * @signo: signal to send
 * @requeue: odd as long as it waits for its signal to be taken
 * @sig_overrun: of the signal in the queue: expiries since it was sent
 * @sig_private: of the signal in the queue: @requeue when it was sent
 * @sigval: value that the signal has
 * @value_ns: time that is left, negative if it expired before; with
 *	CKPT_TIMER_CLOCK a time; in nanoseconds
 * @interval_ns: its interval, 0 for none
 * @overrun: expiries that the next signal has to tell of, less 1
 * @overrun_last: those that the last signal has told of
 * @pid: thread to notify, SIGEV_THREAD_ID: its pid slot + 1, or 0
 * @dead_pid: or objref of its pid, if it is gone
 * @clock_pid: whose CPU time: pid slot + 1, or 0
 * @dead_clock_pid: or objref of its pid
 */
struct ckpt_posix_timer {
	__u32 id;
	__s32 clockid;
	__u32 flags;
	__u32 notify;
	__u32 signo;
	__s32 requeue;
	__s32 sig_overrun;
	__s32 sig_private;
	__aligned_u64 sigval;
	__s64 value_ns;
	__s64 interval_ns;
	__s64 overrun;
	__s64 overrun_last;
	__u32 pid;
	__u32 dead_pid;
	__u32 clock_pid;
	__u32 dead_clock_pid;
};

/**
 * struct ckpt_hdr_task_timers - POSIX timers
 * @h: type CKPT_HDR_TASK_TIMERS
 * @more: another CKPT_HDR_TASK_TIMERS continues this one
 * @next_id: of a group leader: where to look for the next free id; else 0
 * @timers: as many as @h.len has room for, the oldest first: of the thread, if
 *	it is the last one that they need, else those of the process
 */
struct ckpt_hdr_task_timers {
	struct ckpt_hdr h;
	__u32 more;
	__u32 next_id;
	struct ckpt_posix_timer timers[];
};

/**
 * struct ckpt_hdr_task_cred - credentials of a thread
 * @h: type CKPT_HDR_TASK_CRED
 * @cred: objref of both its objective and subjective credentials
 * @no_new_privs: 1 if set
 */
struct ckpt_hdr_task_cred {
	struct ckpt_hdr h;
	__u32 cred;
	__u32 no_new_privs;
};

/* struct ckpt_hdr_key.kind */
enum ckpt_key_kind {
	CKPT_KEY_KEYRING = 1,
	CKPT_KEY_USER,		/* type "user" */
	CKPT_KEY_LOGON,		/* type "logon" */
	/* keyrings of a user, which are not in the image: those of the machine */
	CKPT_KEY_UID,		/* KEY_SPEC_USER_KEYRING */
	CKPT_KEY_UID_SESSION,	/* KEY_SPEC_USER_SESSION_KEYRING */
	CKPT_KEY_MAX
};

/* struct ckpt_hdr_key.flags */
#define CKPT_KEY_REVOKED	0x1	/* it has no content any more */

/* In struct ckpt_hdr_key.expiry: it does not expire */
#define CKPT_KEY_FOREVER	0x7fffffffffffffffLL

/**
 * struct ckpt_hdr_key - object: a key or keyring
 * @h: type CKPT_HDR_KEY
 * @kind: one of enum ckpt_key_kind
 * @flags: CKPT_KEY_*
 * @serial: its number
 * @user_ns: objref of the user namespace that it is known in by its name, or
 *	0: that of whoever restarts
 * @uid: whose it is, as seen in the user namespace of whoever restarts
 * @gid: and which group's, or -1
 * @perm: KEY_*_VIEW, KEY_*_READ, ...
 * @len: length of @data in bytes
 * @expiry: when it expires, seconds of CLOCK_REALTIME, or CKPT_KEY_FOREVER
 * @data: the payload; of a keyring objrefs of the keys in it, __u32 each
 *
 * Its description follows as CKPT_HDR_STRING.
 */
struct ckpt_hdr_key {
	struct ckpt_hdr h;
	__u32 kind;
	__u32 flags;
	__s32 serial;
	__u32 user_ns;
	__u32 uid;
	__u32 gid;
	__u32 perm;
	__u32 len;
	__s64 expiry;
	__u8 data[];
};

/* struct ckpt_hdr_cred.flags */
#define CKPT_CRED_NO_SESSION	0x1	/* has no session keyring */

/**
 * struct ckpt_hdr_cred - object: credentials
 * @h: type CKPT_HDR_CRED
 * @uid: real, @suid saved, @euid effective, @fsuid file system user id, as
 *	seen in the user namespace of whoever restarts
 * @suid: see @uid
 * @euid: see @uid
 * @fsuid: see @uid
 * @gid: the same of groups
 * @sgid: see @gid
 * @egid: see @gid
 * @fsgid: see @gid
 * @securebits: SECBIT_*
 * @ngroups: number of entries in @groups
 * @cap_inheritable: capability sets, good for @user_ns and what it owns
 * @cap_permitted: see @cap_inheritable
 * @cap_effective: see @cap_inheritable
 * @cap_bset: see @cap_inheritable
 * @cap_ambient: see @cap_inheritable
 * @user_ns: objref of the user namespace, or 0: that of whoever restarts
 * @flags: CKPT_CRED_*
 * @session_keyring: objref of the keyring, or 0: that of whoever restarts, or
 *	none with CKPT_CRED_NO_SESSION
 * @process_keyring: objref, or 0
 * @thread_keyring: objref, or 0
 * @jit_keyring: KEY_REQKEY_DEFL_*
 * @groups: supplementary groups, and one 0 if their number is odd
 */
struct ckpt_hdr_cred {
	struct ckpt_hdr h;
	__u32 uid, suid, euid, fsuid;
	__u32 gid, sgid, egid, fsgid;
	__u32 securebits;
	__u32 ngroups;
	__aligned_u64 cap_inheritable;
	__aligned_u64 cap_permitted;
	__aligned_u64 cap_effective;
	__aligned_u64 cap_bset;
	__aligned_u64 cap_ambient;
	__u32 user_ns;
	__u32 flags;
	__u32 session_keyring;
	__u32 process_keyring;
	__u32 thread_keyring;
	__u32 jit_keyring;
	__u32 groups[];
};

/* struct ckpt_hdr_task_sched.flags */
#define CKPT_SCHED_RESET_ON_FORK 0x1	/* SCHED_FLAG_RESET_ON_FORK */
#define CKPT_SCHED_RECLAIM	0x2	/* SCHED_FLAG_RECLAIM */
#define CKPT_SCHED_DL_OVERRUN	0x4	/* SCHED_FLAG_DL_OVERRUN */

/**
 * struct ckpt_hdr_task_sched - scheduling of a thread
 * @h: type CKPT_HDR_TASK_SCHED
 * @policy: SCHED_*
 * @flags: CKPT_SCHED_*
 * @nice: -20 to 19
 * @rt_priority: 0 to 99
 * @dl_runtime: of SCHED_DEADLINE, in nanoseconds
 * @dl_deadline: see @dl_runtime
 * @dl_period: see @dl_runtime
 * @slice_ns: time slice asked for with sched_setattr(2), or 0
 * @timer_slack_ns: current timer slack
 * @default_timer_slack_ns: what PR_SET_TIMERSLACK 0 goes back to
 * @util_min: utilization clamp, 0 to 1024, or -1: none was set
 * @util_max: see @util_min
 * @ioprio: I/O priority, 0 for none
 * @nr_cpus: number of bits in @cpus that count
 * @cookie: objref of the core scheduling cookie, or 0
 * @autogroup: of a process, that is its first thread: objref of its autogroup,
 *	or 0 for one that others outside of the tree are in
 * @cpus: allowed CPUs, a bitmap; @nr_cpus ones if any CPU may be used
 */
struct ckpt_hdr_task_sched {
	struct ckpt_hdr h;
	__u32 policy;
	__u32 flags;
	__s32 nice;
	__u32 rt_priority;
	__aligned_u64 dl_runtime;
	__aligned_u64 dl_deadline;
	__aligned_u64 dl_period;
	__aligned_u64 slice_ns;
	__aligned_u64 timer_slack_ns;
	__aligned_u64 default_timer_slack_ns;
	__s32 util_min;
	__s32 util_max;
	__u32 ioprio;
	__u32 nr_cpus;
	__u32 cookie;
	__u32 autogroup;
	__aligned_u64 cpus[];
};

/**
 * struct ckpt_hdr_core_cookie - object: a core scheduling cookie
 * @h: type CKPT_HDR_CORE_COOKIE
 * @reserved: 0
 *
 * Threads that have the same one may run on the threads of one core.
 */
struct ckpt_hdr_core_cookie {
	struct ckpt_hdr h;
	__aligned_u64 reserved;
};

/**
 * struct ckpt_hdr_autogroup - object: an autogroup
 * @h: type CKPT_HDR_AUTOGROUP
 * @nice: its nice value, -20 to 19, as /proc/PID/autogroup has it
 * @reserved: 0
 *
 * Processes that have the same one share what the scheduler gives to it.
 */
struct ckpt_hdr_autogroup {
	struct ckpt_hdr h;
	__s32 nice;
	__u32 reserved;
};

/* struct ckpt_hdr_task_misc.flags */
#define CKPT_MISC_MCE_PROCESS	0x1	/* PR_MCE_KILL_SET */
#define CKPT_MISC_MCE_EARLY	0x2	/* with PR_MCE_KILL_EARLY */
#define CKPT_MISC_IO_FLUSHER	0x4	/* PR_SET_IO_FLUSHER */
#define CKPT_MISC_EXECED	0x8	/* has called exec since it was forked */
#define CKPT_MISC_NPROC_EXCEEDED 0x10	/* RLIMIT_NPROC exceeded by setuid(2) */
#define CKPT_MISC_NO_TSC	0x20	/* PR_SET_TSC, PR_TSC_SIGSEGV */
#define CKPT_MISC_DISPATCH	0x40	/* PR_SET_SYSCALL_USER_DISPATCH */
#define CKPT_MISC_NO_CPUID	0x80	/* ARCH_SET_CPUID, 0 */

/* Number of PR_SPEC_STORE_BYPASS and so on */
#define CKPT_SPEC_MAX	3

/**
 * struct ckpt_hdr_task_misc - small state of a thread
 * @h: type CKPT_HDR_TASK_MISC
 * @flags: CKPT_MISC_*
 * @speculation: what PR_SET_SPECULATION_CTRL was given for each kind, by
 *	PR_SPEC_STORE_BYPASS and so on; 0 where that is the default
 * @reserved: 0
 * @personality: PER_*
 * @pdeath_signal: PR_SET_PDEATHSIG
 * @robust_list: address of the robust futex list head, or 0
 * @set_child_tid: address given with CLONE_CHILD_SETTID
 * @clear_child_tid: address cleared and woken at exit
 * @rseq: address of struct rseq, or 0
 * @rseq_len: its length in bytes
 * @rseq_sig: its signature
 * @comm: name, NUL-padded
 * @dispatch_offset: of CKPT_MISC_DISPATCH: where calls are not dispatched
 * @dispatch_len: and how many bytes of code that is
 * @dispatch_selector: address of the byte that tells whether others are, or 0
 */
struct ckpt_hdr_task_misc {
	struct ckpt_hdr h;
	__u32 flags;
	__u8 speculation[CKPT_SPEC_MAX];
	__u8 reserved;
	__u32 personality;
	__u32 pdeath_signal;
	__aligned_u64 robust_list;
	__aligned_u64 set_child_tid;
	__aligned_u64 clear_child_tid;
	__aligned_u64 rseq;
	__u32 rseq_len;
	__u32 rseq_sig;
	char comm[16];
	__aligned_u64 dispatch_offset;
	__aligned_u64 dispatch_len;
	__aligned_u64 dispatch_selector;
};

/* struct ckpt_hdr_task_ptrace.flags */
#define CKPT_PTRACE_SEIZED	0x1	/* by PTRACE_SEIZE, not PTRACE_ATTACH */
#define CKPT_PTRACE_SYSCALL	0x2	/* PTRACE_SYSCALL: its calls are reported */
#define CKPT_PTRACE_INFO	0x4	/* the stop has a siginfo */
#define CKPT_PTRACE_LISTENING	0x8	/* PTRACE_LISTEN */
#define CKPT_PTRACE_TRAP_STOP	0x10	/* it is about to trap, once it runs */
#define CKPT_PTRACE_TRAP_NOTIFY	0x20	/* the same, for a change of a group stop */
#define CKPT_PTRACE_DEQUEUED	0x40	/* of a stop signal: no SIGCONT came since */
#define CKPT_PTRACE_EXIT_DUE	0x80	/* the end of its call is to be reported */
#define CKPT_PTRACE_GROUP_EXIT	0x100	/* its whole process exits */
#define CKPT_PTRACE_KILLED	0x200	/* and SIGKILL is pending for that */

/* What stop of ptrace(2) a task is in */
enum ckpt_ptrace_stop {
	CKPT_STOP_NONE,		/* none: it runs */
	CKPT_STOP_SIGNAL,	/* a signal is about to be delivered */
	CKPT_STOP_TRAP,		/* group stop, or PTRACE_EVENT_STOP */
	CKPT_STOP_SYSCALL_ENTRY,
	CKPT_STOP_SYSCALL_EXIT,
	CKPT_STOP_FORK,		/* PTRACE_EVENT_FORK, _VFORK, _CLONE */
	CKPT_STOP_VFORK_DONE,
	CKPT_STOP_EXEC,
	CKPT_STOP_SECCOMP,	/* PTRACE_EVENT_SECCOMP */
	CKPT_STOP_EXIT,		/* PTRACE_EVENT_EXIT */
	CKPT_STOP_HANDLER,	/* single-stepped into the handler of a signal */
};

/**
 * struct ckpt_hdr_task_ptrace - how a thread is traced
 * @h: type CKPT_HDR_TASK_PTRACE
 * @flags: CKPT_PTRACE_*
 * @tracer: index of its tracer in the task table + 1; 0 if nobody traces it: all
 *	else is 0 then
 * @options: PTRACE_O_*
 * @stop: enum ckpt_ptrace_stop
 * @code: what wait(2) tells the tracer of the stop; 0 if it was told
 * @child: pid slot + 1 of what has the pid @message, or 0
 * @group_code: the exit code of the process, with CKPT_PTRACE_GROUP_EXIT
 * @reserved: 0
 * @message: what PTRACE_GETEVENTMSG returns
 * @info: that of the stop, one with CKPT_PTRACE_INFO, or else none
 */
struct ckpt_hdr_task_ptrace {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 tracer;
	__u32 options;
	__u32 stop;
	__u32 code;
	__u32 child;
	__u32 group_code;
	__u32 reserved;
	__aligned_u64 message;
	struct ckpt_siginfo info[];
};

/* struct ckpt_hdr_task_jobctl.flags */
#define CKPT_JOBCTL_STOPPED	0x1	/* the thread is in group stop */
#define CKPT_JOBCTL_CONTINUED	0x2	/* WCONTINUED has not been waited for */
#define CKPT_JOBCTL_TELL_CONTINUED 0x4	/* SIGCHLD, CLD_CONTINUED is to be sent */
#define CKPT_JOBCTL_TELL_STOPPED 0x8	/* SIGCHLD, CLD_STOPPED is to be sent */
#define CKPT_JOBCTL_TTY		0x10	/* the process has a controlling terminal */
#define CKPT_JOBCTL_JOINS	0x20	/* is about to join a group stop */
#define CKPT_JOBCTL_INCOMPLETE	0x40	/* not all threads are in group stop so far */
#define CKPT_JOBCTL_TRACED	0x80	/* its tracer decides when it stops */

/**
 * struct ckpt_hdr_task_jobctl - job control of a thread
 * @h: type CKPT_HDR_TASK_JOBCTL
 * @flags: CKPT_JOBCTL_*; CKPT_JOBCTL_STOPPED of every thread of a stopped
 *	process; of every thread of one that is being stopped
 *	CKPT_JOBCTL_INCOMPLETE, and one of CKPT_JOBCTL_STOPPED and
 *	CKPT_JOBCTL_JOINS; with these CKPT_JOBCTL_TRACED of one that is traced,
 *	and that does not stop by itself; the others of the group leader only
 * @stop_signal: signal that stopped it, 0 if it is not stopped
 * @stop_code: what a parent that waits for the stop is given, 0 if it was
 *	given that before, or will be: signal of a stop that is incomplete; of the
 *	group leader
 * @old_pgrp: of a leader whose terminal was hung up: pid slot + 1 of the process
 *	group that was in the foreground, or 0
 * @tty: with CKPT_JOBCTL_TTY: objref of an open file of the controlling
 *	terminal, or of its master; 0: that of whoever restarts
 * @reserved: 0
 */
struct ckpt_hdr_task_jobctl {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 stop_signal;
	__u32 stop_code;
	__u32 old_pgrp;
	__u32 tty;
	__u32 reserved;
};

/* What restart_syscall(2) is to go on with */
enum ckpt_restart_fn {
	CKPT_RESTART_NONE,	/* nothing: it answers -EINTR */
	CKPT_RESTART_NANOSLEEP,
	CKPT_RESTART_POLL,
	CKPT_RESTART_FUTEX,
	CKPT_RESTART_SYSCALL,	/* the call again, or on, with what is left of its time */
};

/* struct ckpt_hdr_restart_block.flags */
#define CKPT_FUTEX_SHARED	0x1	/* not private to the process */

/**
 * struct ckpt_hdr_restart_block - restart block of a thread
 * @h: type CKPT_HDR_TASK_RESTART_BLOCK
 * @fn: enum ckpt_restart_fn
 * @clockid: CLOCK_* of a sleep or of a futex
 * @left_ns: time left when the tree stood still, in nanoseconds, may be
 *	negative; if @has_timeout. Of a futex on CLOCK_REALTIME the time of
 *	day itself, in nanoseconds since the epoch
 * @has_timeout: 1 if the call is bounded in time
 * @type: enum timespec_type of a sleep: what kind of pointer @rmtp is
 * @rmtp: user address for the time left
 * @addr: poll: struct pollfd array; futex: the word
 * @nr: poll: number of descriptors; syscall: the number of the call
 * @val: futex: expected value
 * @flags: futex: CKPT_FUTEX_*
 * @bitset: futex: bitset
 */
struct ckpt_hdr_restart_block {
	struct ckpt_hdr h;
	__u32 fn;
	__u32 clockid;
	__s64 left_ns;
	__u32 has_timeout;
	__u32 type;
	__aligned_u64 rmtp;
	__aligned_u64 addr;
	__u32 nr;
	__u32 val;
	__u32 flags;
	__u32 bitset;
};

/* struct ckpt_hdr_cpu_x86.step */
#define CKPT_X86_SINGLESTEP	0x1	/* PTRACE_SINGLESTEP, or by blocks */
#define CKPT_X86_FORCED_TF	0x2	/* the trap flag is the tracer's */
#define CKPT_X86_BLOCKSTEP	0x4	/* PTRACE_SINGLEBLOCK */

/**
 * struct ckpt_hdr_cpu_x86 - registers of a thread
 * @h: type CKPT_HDR_TASK_CPU
 * @r15: and so on: struct pt_regs at the boundary of user mode
 * @r14: see @r15
 * @r13: see @r15
 * @r12: see @r15
 * @bp: see @r15
 * @bx: see @r15
 * @r11: see @r15
 * @r10: see @r15
 * @r9: see @r15
 * @r8: see @r15
 * @ax: see @r15
 * @cx: see @r15
 * @dx: see @r15
 * @si: see @r15
 * @di: see @r15
 * @orig_ax: see @r15
 * @ip: see @r15
 * @cs: see @r15
 * @flags: see @r15
 * @sp: see @r15
 * @ss: see @r15
 * @fs_base: address
 * @gs_base: address
 * @ds: selector
 * @es: selector
 * @fs: selector
 * @gs: selector
 * @tls: GDT TLS entries, as descriptors
 * @cr2: address of the last page fault, for the frame of a signal
 * @trap_nr: number of the last exception, likewise
 * @error_code: and its error code
 * @iopl: what iopl(2) was given: 3 for all I/O ports, or less
 * @step: CKPT_X86_*: single-stepped by its tracer
 * @dr: addresses of hardware breakpoints that ptrace(2) has set
 * @dr6: bits that they have set in what ptrace(2) shows as DR6
 * @dr7: what ptrace(2) shows as DR7
 * @io_denied: I/O ports that ioperm(2) has not permitted, a bitmap up to the
 *	last one that it has; empty if there is none
 */
struct ckpt_hdr_cpu_x86 {
	struct ckpt_hdr h;
	__aligned_u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	__aligned_u64 ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
	__aligned_u64 fs_base, gs_base;
	__u16 ds, es, fs, gs;
	__aligned_u64 tls[3];
	__aligned_u64 cr2, trap_nr, error_code;
	__u32 iopl;
	__u32 step;
	__aligned_u64 dr[4], dr6, dr7;
	__aligned_u64 io_denied[];
};

/* No state that XSAVE has today has such a number. */
#define CKPT_XSTATE_MAX		32

/* Of struct ckpt_xstate, for x87 and SSE, in bytes */
#define CKPT_XSTATE_FP_SIZE	(24 + 128)
#define CKPT_XSTATE_SSE_SIZE	256

/**
 * struct ckpt_xstate - one state of a CPU that is not as it is initially
 * @nr: its number, XFEATURE_*; not that of PKRU
 * @size: of @data, in bytes, a multiple of 8
 * @data: as XSAVE stores it; of x87 what FXSAVE has before MXCSR, and the
 *	registers; of SSE the XMM registers
 */
struct ckpt_xstate {
	__u32 nr;
	__u32 size;
	__u8 data[];
};

/**
 * struct ckpt_hdr_fpu_x86 - FPU, SSE, AVX ... state of a thread
 * @h: type CKPT_HDR_TASK_FPU
 * @xfeatures: user states of the CPU, a set of XFEATURE_*
 * @mxcsr: control and status register of SSE
 * @pkru: protection keys register, if @xfeatures has its state
 * @size: of @states, in bytes
 * @reserved: 0
 * @states: struct ckpt_xstate, each of another state, wherever that is in the
 *	XSAVE area of one CPU or another
 */
struct ckpt_hdr_fpu_x86 {
	struct ckpt_hdr h;
	__aligned_u64 xfeatures;
	__u32 mxcsr;
	__u32 pkru;
	__u32 size;
	__u32 reserved;
	__u8 states[];
};

/* ------------------------------------------------------------- namespaces */

/**
 * struct ckpt_hdr_nsproxy - object: the set of namespaces of a task
 * @h: type CKPT_HDR_NSPROXY
 * @uts: objref, or 0: that of whoever restarts
 * @ipc: see @uts
 * @mnt: see @uts
 * @pid: that of future children; see @uts
 * @net: see @uts
 * @cgroup: see @uts
 * @time: see @uts
 * @time_for_children: time namespace of future children; see @uts
 */
struct ckpt_hdr_nsproxy {
	struct ckpt_hdr h;
	__u32 uts;
	__u32 ipc;
	__u32 mnt;
	__u32 pid;
	__u32 net;
	__u32 cgroup;
	__u32 time;
	__u32 time_for_children;
};

/**
 * struct ckpt_hdr_uts_ns - object: uts namespace
 * @h: type CKPT_HDR_UTS_NS
 * @sysname: as uname(2) gives it, for information
 * @nodename: host name, NUL-padded
 * @release: for information
 * @version: for information
 * @machine: for information
 * @domainname: NIS domain name, NUL-padded
 * @user_ns: objref of the user namespace that owns it, or 0: that of whoever
 *	restarts
 * @reserved: 0
 */
struct ckpt_hdr_uts_ns {
	struct ckpt_hdr h;
	char sysname[72];
	char nodename[72];
	char release[72];
	char version[72];
	char machine[72];
	char domainname[72];
	__u32 user_ns;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_ipc_ns - object: ipc namespace
 * @h: type CKPT_HDR_IPC_NS
 * @sem_ctls: kernel.sem
 * @msg_ctlmax: kernel.msgmax
 * @msg_ctlmnb: kernel.msgmnb
 * @msg_ctlmni: kernel.msgmni
 * @shm_rmid_forced: kernel.shm_rmid_forced
 * @shm_ctlmax: kernel.shmmax
 * @shm_ctlall: kernel.shmall
 * @shm_ctlmni: kernel.shmmni
 * @mq_queues_max: fs.mqueue.queues_max
 * @mq_msg_max: fs.mqueue.msg_max
 * @mq_msgsize_max: fs.mqueue.msgsize_max
 * @mq_msg_default: fs.mqueue.msg_default
 * @mq_msgsize_default: fs.mqueue.msgsize_default
 * @user_ns: objref of its owner, as in struct ckpt_hdr_uts_ns
 * @reserved: 0
 *
 * Three CKPT_HDR_IPC_IDS follow, in the order of CKPT_IPC_*, each with its
 * objects, then CKPT_HDR_MQUEUES with its queues. The limits may be lower than
 * what is there.
 */
struct ckpt_hdr_ipc_ns {
	struct ckpt_hdr h;
	__u32 sem_ctls[4];
	__u32 msg_ctlmax;
	__u32 msg_ctlmnb;
	__u32 msg_ctlmni;
	__u32 shm_rmid_forced;
	__aligned_u64 shm_ctlmax;
	__aligned_u64 shm_ctlall;
	__u32 shm_ctlmni;
	__u32 mq_queues_max;
	__u32 mq_msg_max;
	__u32 mq_msgsize_max;
	__u32 mq_msg_default;
	__u32 mq_msgsize_default;
	__u32 user_ns;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_mnt_ns - object: mount namespace
 * @h: type CKPT_HDR_MNT_NS
 * @user_ns: objref of its owner, as in struct ckpt_hdr_uts_ns
 * @nr_mounts: number of mounts, CKPT_HDR_MNT, that follow
 * @first: number of the first of them; the others have the numbers after it
 * @root: number of the one that all others are on
 *
 * The mounts of an image have numbers of their own, from 1 to CKPT_MNT_MAX:
 * with a path within it, that is how a place is named. The number 0 stands
 * for the mount namespace of whoever restarts, and the path is then one from
 * their root directory.
 *
 * An object of type CKPT_OBJ_MNT, a mount that was detached while something was
 * open in it, has the same records: of a single mount, that is in no namespace,
 * with a @user_ns of 0.
 */
struct ckpt_hdr_mnt_ns {
	struct ckpt_hdr h;
	__u32 user_ns;
	__u32 nr_mounts;
	__u32 first;
	__u32 root;
};

#define CKPT_MNT_MAX		0x7fffffff

/* struct ckpt_hdr_mnt.flags */
#define CKPT_MNT_READONLY	0x1
#define CKPT_MNT_NOSUID		0x2
#define CKPT_MNT_NODEV		0x4
#define CKPT_MNT_NOEXEC		0x8
#define CKPT_MNT_NOATIME	0x10
#define CKPT_MNT_NODIRATIME	0x20
#define CKPT_MNT_RELATIME	0x40
#define CKPT_MNT_NOSYMFOLLOW	0x80
#define CKPT_MNT_SHRINKABLE	0x100	/* made by an automount */
#define CKPT_MNT_UNBINDABLE	0x200
#define CKPT_MNT_LOCK_READONLY	0x400	/* these cannot be changed */
#define CKPT_MNT_LOCK_NOSUID	0x800
#define CKPT_MNT_LOCK_NODEV	0x1000
#define CKPT_MNT_LOCK_NOEXEC	0x2000
#define CKPT_MNT_LOCK_ATIME	0x4000
#define CKPT_MNT_LOCKED		0x8000	/* cannot be unmounted by itself */
#define CKPT_MNT_IDMAPPED	0x10000	/* as the mount that is taken for it */
#define CKPT_MNT_PEERS_OUTSIDE	0x20000	/* so is one that may be taken for it */
#define CKPT_MNT_MASTER_OUTSIDE	0x40000	/* none of the image is in @master */

/**
 * struct ckpt_hdr_mnt - a mount
 * @h: type CKPT_HDR_MNT
 * @flags: CKPT_MNT_*
 * @sb: objref of its file system, 0 if it is external; of a namespace, objref
 *	of that, or 0: that of whoever restarts
 * @parent: number of the mount that it is on, 0 of the root
 * @group: id of its peer group, 0 if it is not shared
 * @master: id of the peer group that it is a slave of, or 0
 * @under: of an external mount: how many mounts cover it at its origin
 * @ns_type: CLONE_NEW* of a namespace that is mounted, as a bind mount of
 *	/proc/PID/ns/uts is; else 0
 * @reserved: 0
 *
 * Five structs ckpt_hdr_string follow:
 * - its mount point, as a path within the parent;
 * - its root, as a path within the file system;
 * - its source, what mountinfo shows as that;
 * - its name: its mount point from the root of the namespace; with "#" and
 *   its number appended if something covers it;
 * - of an external mount, its origin: a path from the root directory of the
 *   caller of checkpoint that led to the same place. Empty if there was none,
 *   and for other mounts.
 *
 * The mounts of a namespace follow in the order in which they were made, not
 * in the order of the tree. Ids of peer groups mean nothing but that they are
 * the same, in all namespaces of an image.
 */
struct ckpt_hdr_mnt {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 sb;
	__u32 parent;
	__u32 group;
	__u32 master;
	__u32 under;
	__u32 ns_type;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_pid_ns - object: pid namespace
 * @h: type CKPT_HDR_PID_NS
 * @index: of its entry in the table of pid namespaces
 * @reserved: 0
 */
struct ckpt_hdr_pid_ns {
	struct ckpt_hdr h;
	__u32 index;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_time_ns - object: time namespace
 * @h: type CKPT_HDR_TIME_NS
 * @monotonic_ns: CLOCK_MONOTONIC in it when the tree stood still, from where
 *	it goes on
 * @boottime_ns: CLOCK_BOOTTIME in it then, likewise
 * @frozen: 1 if a task has been in it, so that its offsets stay
 * @user_ns: objref of its owner, as in struct ckpt_hdr_uts_ns
 */
struct ckpt_hdr_time_ns {
	struct ckpt_hdr h;
	__s64 monotonic_ns;
	__s64 boottime_ns;
	__u32 frozen;
	__u32 user_ns;
};

/* struct ckpt_hdr_user_ns.flags */
#define CKPT_USER_NS_SETGROUPS	0x1	/* setgroups(2) is allowed */
#define CKPT_USER_NS_SETFCAP	0x2	/* made with CAP_SETFCAP in the parent */

/* Namespaces of the eight kinds, inotify 2, fanotify 2 */
#define CKPT_UCOUNTS		12
/* Processes, message queues, pending signals, locked memory */
#define CKPT_UCOUNT_RLIMITS	4
/* Most extents in one map */
#define CKPT_ID_EXTENTS_MAX	340

/**
 * struct ckpt_id_extent - a range of a map of a user namespace
 * @first: first id inside
 * @lower_first: what that is in the parent
 * @count: how many
 * @reserved: 0
 */
struct ckpt_id_extent {
	__u32 first;
	__u32 lower_first;
	__u32 count;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_user_ns - object: user namespace
 * @h: type CKPT_HDR_USER_NS
 * @parent: objref of its parent, or 0: that of whoever restarts
 * @owner: user who made it
 * @group: and the group of that user
 * @flags: CKPT_USER_NS_*
 * @nr_extents: entries in @extents of the uid, gid and projid map
 * @reserved: 0
 * @ucount_max: /proc/sys/user/max_*: user, pid, uts, ipc, net, mnt, cgroup and
 *	time namespaces, inotify instances and watches, fanotify groups and
 *	marks
 * @rlimit_max: what all of its users together may have: processes, bytes in
 *	message queues, pending signals, bytes locked
 * @extents: those of the three maps, one after the other
 *
 * @owner and @group are ids of the user namespace of whoever restarts.
 */
struct ckpt_hdr_user_ns {
	struct ckpt_hdr h;
	__u32 parent;
	__u32 owner;
	__u32 group;
	__u32 flags;
	__u32 nr_extents[3];
	__u32 reserved;
	__s64 ucount_max[CKPT_UCOUNTS];
	__s64 rlimit_max[CKPT_UCOUNT_RLIMITS];
	struct ckpt_id_extent extents[];
};

/**
 * struct ckpt_hdr_net_ns - object: network namespace
 * @h: type CKPT_HDR_NET_NS
 * @user_ns: objref of its owner, as in struct ckpt_hdr_uts_ns
 * @index: its number among the network namespaces of the image, from 0
 * @nr: of the first one: how many there are; else 0
 * @reserved: 0
 *
 * Behind the record of the first one stand all the others, as objects, and then
 * what is in each of them, struct ckpt_hdr_net_data: a device may have its peer
 * in any of them.
 */
struct ckpt_hdr_net_ns {
	struct ckpt_hdr h;
	__u32 user_ns;
	__u32 index;
	__u32 nr;
	__u32 reserved;
};

/* What is in a network namespace, struct ckpt_hdr_net_data.section */
enum ckpt_net_section {
	CKPT_NET_END,		/* no more of this namespace */
	CKPT_NET_DEV,		/* struct ckpt_netdev and RTM_NEWLINK */
	CKPT_NET_SYSCTL,	/* names below /proc/sys and values, as strings */
	CKPT_NET_ADDR4,		/* RTM_NEWADDR */
	CKPT_NET_ADDR6,
	CKPT_NET_ADDRLABEL6,	/* RTM_NEWADDRLABEL */
	CKPT_NET_RULE4,		/* RTM_NEWRULE */
	CKPT_NET_RULE6,
	CKPT_NET_NEXTHOP,	/* RTM_NEWNEXTHOP */
	CKPT_NET_ROUTE4,	/* RTM_NEWROUTE */
	CKPT_NET_ROUTE6,
	CKPT_NET_NEIGH4,	/* RTM_NEWNEIGH */
	CKPT_NET_NEIGH6,
	CKPT_NET_PROXY4,	/* RTM_NEWNEIGH with NTF_PROXY */
	CKPT_NET_PROXY6,
	CKPT_NET_FDB,		/* RTM_NEWNEIGH of AF_BRIDGE */
	CKPT_NET_NSID,		/* struct ckpt_netnsid */
	CKPT_NET_NFT,		/* NFT_MSG_NEW* */
	CKPT_NET_SCHED,		/* RTM_NEWQDISC, _NEWTCLASS, _NEWCHAIN, _NEWTFILTER */
	CKPT_NET_TUN,		/* struct ckpt_net_tun */
	CKPT_NET_BRVLAN,	/* RTM_NEWVLAN */
	CKPT_NET_MDB,		/* RTM_NEWMDB, as it is sent */
	CKPT_NET_CT,		/* IPCTNL_MSG_CT_NEW, _EXP_NEW */
	CKPT_NET_BRGLOBAL,	/* RTM_NEWVLAN, global options */
	CKPT_NET_MAX
};

/**
 * struct ckpt_ct_window - what a TCP connection may send in one direction
 * @end: sequence number behind the last byte that was sent
 * @maxend: and behind the last one that may be sent
 * @maxwin: the largest window that was offered
 * @maxack: highest number that was acknowledged
 */
struct ckpt_ct_window {
	__u32 end;
	__u32 maxend;
	__u32 maxwin;
	__u32 maxack;
};

/* The attribute of an entry of connection tracking that is none of netlink's */
#define CKPT_CTA_MORE	63

/**
 * struct ckpt_ct_more - what netlink does not tell of an entry
 * @masquerade: index of the device whose address it has by masquerading, or 0
 * @ctmask: IPCT_* of which listeners are told
 * @expmask: IPEXP_* of which listeners are told
 * @window: of TCP, in the original direction and in that of replies; else 0
 */
struct ckpt_ct_more {
	__u32 masquerade;
	__u16 ctmask;
	__u16 expmask;
	struct ckpt_ct_window window[2];
};

/**
 * struct ckpt_hdr_net_data - a part of what is in a network namespace
 * @h: type CKPT_HDR_NET_DATA
 * @net: number of the namespace
 * @section: CKPT_NET_*, ascending for each namespace
 * @size: of @data, in bytes
 * @reserved: 0
 * @data: netlink messages, each aligned to 4 bytes, as the kernel would answer
 *	a request to list them, less what only describes; padded with 0
 */
struct ckpt_hdr_net_data {
	struct ckpt_hdr h;
	__u32 net;
	__u32 section;
	__u32 size;
	__u32 reserved;
	__u8 data[];
};

/**
 * struct ckpt_netnsid - what a network namespace calls another one, in the
 *	section CKPT_NET_NSID
 * @id: its id, as "ip netns list-id" shows it
 * @net: number of the other one + 1, or 0: that of whoever restarts
 */
struct ckpt_netnsid {
	__u32 id;
	__u32 net;
};

/* struct ckpt_netdev.flags */
#define CKPT_NETDEV_PEER	0x1	/* one of a pair: @peer_net, @peer */
#define CKPT_NETDEV_LINK	0x2	/* what it is made on is in @peer_net */

/**
 * struct ckpt_netdev - a network device, in the section CKPT_NET_DEV
 * @flags: CKPT_NETDEV_*
 * @peer_net: number of the namespace of its peer + 1, or 0: outside of the tree;
 *	or of the other one that what it is made on is in
 * @peer: interface index of the peer there; 0 if it is outside
 * @peer_flags: of a peer outside: 1 if it is up
 * @peer_mtu: and its MTU, in bytes
 * @peer_txqlen: length of its queue, in packets
 * @peer_tx: number of its queues for sending
 * @peer_rx: and for receiving
 * @peer_addr: its address, 6 bytes and two 0; this and what follows is 0 where it
 *	is in no namespace of the caller of checkpoint either
 * @peer_name: its name, NUL-padded
 * @peer_bridge: the bridge that it is a port of, NUL-padded
 *
 * RTM_NEWLINK follows.
 */
struct ckpt_netdev {
	__u32 flags;
	__u32 peer_net;
	__u32 peer;
	__u32 peer_flags;
	__u32 peer_mtu;
	__u32 peer_txqlen;
	__u32 peer_tx;
	__u32 peer_rx;
	__u8 peer_addr[8];
	char peer_name[16];
	char peer_bridge[16];
};

/* struct ckpt_net_tun.state */
#define CKPT_TUN_CARRIER	0x1	/* it has a carrier */
#define CKPT_TUN_OFFLOAD	0x2	/* TUNSETOFFLOAD said what @offload has */

/* Most addresses that TUNSETTXFILTER compares one by one */
#define CKPT_TUN_FILTER_MAX	8
/* Most queues of a device */
#define CKPT_TUN_QUEUES_MAX	256

/**
 * struct ckpt_net_tun - what a tun or tap device is, in the section CKPT_NET_TUN
 * @ifindex: its index, as in CKPT_NET_DEV
 * @flags: IFF_TUN or IFF_TAP with IFF_*, as TUNGETIFF shows them; 0x80000000 and
 *	0x40000000: TUNSETVNETLE, TUNSETVNETBE
 * @state: CKPT_TUN_*
 * @owner: TUNSETOWNER: user id, or ~0
 * @group: TUNSETGROUP: group id, or ~0
 * @link: TUNSETLINK: ARPHRD_*
 * @offload: TUN_F_*
 * @vnet_hdr_sz: TUNSETVNETHDRSZ, in bytes
 * @sndbuf: TUNSETSNDBUF, in bytes
 * @msg_enable: TUNSETDEBUG
 * @rx_batched: how many packets it takes together, see ethtool -C
 * @speed: of the link, as ethtool shows it
 * @duplex: of the link, as ethtool shows it
 * @filter_nr: TUNSETTXFILTER: number of addresses, or 0: none is left out
 * @filter_mask: hash of others
 * @filter_addr: addresses
 * @nr_queues: number of open files that send and receive through it
 * @nr_detached: number of those that were detached by TUNSETQUEUE
 * @queue: IFF_NAPI and IFF_NAPI_FRAGS of each file, the detached ones last
 */
struct ckpt_net_tun {
	__u32 ifindex;
	__u32 flags;
	__u32 state;
	__u32 owner;
	__u32 group;
	__u32 link;
	__u32 offload;
	__u32 vnet_hdr_sz;
	__u32 sndbuf;
	__u32 msg_enable;
	__u32 rx_batched;
	__u32 speed;
	__u32 duplex;
	__u32 filter_nr;
	__u32 filter_mask[2];
	__u8 filter_addr[CKPT_TUN_FILTER_MAX][6];
	__u32 nr_queues;
	__u32 nr_detached;
	__u32 queue[];
};

/**
 * struct ckpt_hdr_cgroup_ns - object: cgroup namespace
 * @h: type CKPT_HDR_CGROUP_NS
 * @user_ns: objref of its owner, as in struct ckpt_hdr_uts_ns
 * @threaded: see struct ckpt_hdr_task_cgroup
 *
 * A struct ckpt_hdr_string follows: its root, as @path in struct
 * ckpt_hdr_task_cgroup.
 */
struct ckpt_hdr_cgroup_ns {
	struct ckpt_hdr h;
	__u32 user_ns;
	__u32 threaded;
};

/**
 * struct ckpt_hdr_task_cgroup - the cgroup of a thread
 * @h: type CKPT_HDR_TASK_CGROUP
 * @threaded: the last so many cgroups of @path are threaded
 * @reserved: 0
 * @path: in the cgroup v2 hierarchy, below the lowest cgroup that all threads
 *	of the tree, and the roots of its cgroup namespaces, are in:
 *	without a '/' at its ends, and empty for that cgroup itself;
 *	NUL-terminated and NUL-padded
 */
struct ckpt_hdr_task_cgroup {
	struct ckpt_hdr h;
	__u32 threaded;
	__u32 reserved;
	char path[];
};

/* ------------------------------------------------------------------ files */

/**
 * struct ckpt_hdr_fs - object: root and working directory
 * @h: type CKPT_HDR_FS
 * @umask: file mode creation mask
 * @root_mnt: number of the mount that the root directory is in, or 0: it is in
 *	the mount namespace of whoever restarts
 * @pwd_mnt: the same of the working directory
 * @pwd_removed: objref of the working directory, if that was removed, else 0
 *
 * Two structs ckpt_hdr_string follow: root, then working directory, as paths
 * within their mounts.
 */
struct ckpt_hdr_fs {
	struct ckpt_hdr h;
	__u32 umask;
	__u32 root_mnt;
	__u32 pwd_mnt;
	__u32 pwd_removed;
};

/**
 * struct ckpt_hdr_files - object: descriptor table
 * @h: type CKPT_HDR_FILES
 * @nr: number of open descriptors, in CKPT_HDR_FDS records that follow
 * @max_fds: size that the table has, a hint
 *
 * After the descriptors CKPT_HDR_LOCKS follow until one without entries: record
 * locks and F_NOTIFY, which belong to the table.
 */
struct ckpt_hdr_files {
	struct ckpt_hdr h;
	__u32 nr;
	__u32 max_fds;
};

/* struct ckpt_fd.flags */
#define CKPT_FD_CLOEXEC		0x1

/* Most descriptors in one CKPT_HDR_FDS */
#define CKPT_FDS_MAX		4096

/**
 * struct ckpt_fd - one open descriptor
 * @fd: its number
 * @flags: CKPT_FD_*
 * @file: objref of the open file
 * @reserved: 0
 */
struct ckpt_fd {
	__u32 fd;
	__u32 flags;
	__u32 file;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_fds - a part of a descriptor table
 * @h: type CKPT_HDR_FDS
 * @fds: as many as @h.len has room for, in ascending order
 */
struct ckpt_hdr_fds {
	struct ckpt_hdr h;
	struct ckpt_fd fds[];
};

enum ckpt_file_kind {
	CKPT_FILE_EXTERNAL,	/* given again at restart, under its name */
	CKPT_FILE_TTY,		/* external, and a terminal */
	CKPT_FILE_REG,		/* regular file, by path */
	CKPT_FILE_DIR,		/* directory, by path */
	CKPT_FILE_MEM,		/* /dev/null, zero, full, random, urandom */
	CKPT_FILE_PIPE,		/* pipe(2) */
	CKPT_FILE_FIFO,		/* named pipe, by path */
	CKPT_FILE_MQUEUE,	/* POSIX message queue */
	CKPT_FILE_NS,		/* of nsfs: a namespace */
	CKPT_FILE_EVENTFD,	/* eventfd(2) */
	CKPT_FILE_TIMERFD,	/* timerfd_create(2) */
	CKPT_FILE_SIGNALFD,	/* signalfd(2) */
	CKPT_FILE_EPOLL,	/* epoll_create(2) */
	CKPT_FILE_INOTIFY,	/* inotify_init(2) */
	CKPT_FILE_PIDFD,	/* pidfd_open(2) */
	CKPT_FILE_REMOVED,	/* file or directory that was removed, or O_PATH */
	CKPT_FILE_PSEUDO,	/* of proc, sysfs or cgroupfs, by path */
	CKPT_FILE_PATH,		/* anything else that was opened with O_PATH */
	CKPT_FILE_FANOTIFY,	/* fanotify_init(2) */
	CKPT_FILE_SOCKET,	/* socket(2) */
	CKPT_FILE_PTM,		/* master of a terminal of devpts */
	CKPT_FILE_PTS,		/* such a terminal, whose master is in the tree */
	CKPT_FILE_HUNG_UP,	/* any terminal, after a hangup */
	CKPT_FILE_MEMFD,	/* memfd_create(2) */
	CKPT_FILE_TUN,		/* /dev/net/tun, by path */
	CKPT_FILE_SOCK_GROUP,	/* no file: sockets of which one is chosen */
	CKPT_FILE_MAX
};

/* struct ckpt_hdr_file.flags */
#define CKPT_FILEF_UNCHANGED	0x1	/* mapped or read: must be as it was saved */
#define CKPT_FILEF_NOWAIT	0x2	/* a pipe that can be read with RWF_NOWAIT */
#define CKPT_FILEF_NO_HUP	0x4	/* reader of a fifo that has seen no writer yet */
#define CKPT_FILEF_RANDOM	0x8	/* POSIX_FADV_RANDOM */
#define CKPT_FILEF_NOREUSE	0x10	/* POSIX_FADV_NOREUSE */
#define CKPT_FILEF_OUTSIDE	0x20	/* a device also open outside: may be given */
#define CKPT_FILEF_LOCKS	0x40	/* there are locks on it */
#define CKPT_FILEF_THREAD	0x80	/* a pidfd with PIDFD_THREAD */
#define CKPT_FILEF_SEQUENTIAL	0x100	/* POSIX_FADV_SEQUENTIAL */
#define CKPT_FILEF_NONOTIFY	0x200	/* opened by an event of fanotify */
#define CKPT_FILEF_HUNG_UP	0x400	/* was open at a hangup of its terminal */
#define CKPT_FILEF_CREATED	0x800	/* a memfd as it was made, not opened again */

#define CKPT_FASYNC_NONE	(~0U)

/**
 * struct ckpt_hdr_file - object: open file
 * @h: type CKPT_HDR_FILE
 * @kind: enum ckpt_file_kind
 * @f_flags: O_*, with the access mode
 * @flags: CKPT_FILEF_*
 * @inner: objref of the pipe, mqueue, socket or memfd object; of the namespace, or 0:
 *	that of whoever restarts; of the open file that is the master of a
 *	terminal; else 0
 * @f_pos: file position
 * @owner: F_SETOWN: pid slot + 1, 0 for none
 * @owner_type: F_OWNER_* of @owner
 * @owner_signal: F_SETSIG
 * @owner_uid: real and effective user id who set it
 * @owner_euid: see @owner_uid
 * @fasync_fd: O_ASYNC: the descriptor that the signal tells, or
 *	CKPT_FASYNC_NONE if there is none although the flag is set
 * @mnt: number of the mount that the path is in, or 0: it is in the mount
 *	namespace of whoever restarts
 * @i_mode: mode of the inode, with its type
 * @dev: device number of the file system
 * @ino: inode number
 * @size: i_size; of a file of a process in proc, where in the path the number
 *	of the process begins
 * @mtime_ns: modification time, nanoseconds since the epoch
 * @rdev: device number of a device; CLONE_NEW* of a namespace; of a file of a
 *	process in proc, the pid slot of that + 1
 * @cred: objref of the credentials that it was opened with, or 0: those of
 *	whoever restarts
 * @removed: objref of what was removed: CKPT_FILE_REMOVED, and CKPT_FILE_MEM and
 *	CKPT_FILE_FIFO without a name; else 0
 * @parent: with @removed, objref of the directory that it was in, if that was
 *	removed, too; else 0
 * @reserved: 0
 * @fs_uuid: UUID of the file system, if it has one: inode numbers of the same
 *	one can be compared; else zeros
 *
 * With CKPT_FILEF_UNCHANGED, the file must have @size, @mtime_ns and, on the
 * same file system, @ino at restart.
 *
 * A struct ckpt_hdr_string follows: the path within its mount; of a file that
 * has none, and of one that is external, what /proc/PID/fd/N shows; of one that
 * was removed the directory that it was in, or the nearest one above that was
 * not removed, and then the name that it had. The record of an eventfd, a
 * timerfd, a signalfd, a fanotify group, the master of a terminal, an external
 * terminal, or /dev/net/tun comes after that. With CKPT_FILEF_LOCKS,
 * CKPT_HDR_LOCKS come next until one without entries: OFD locks, a flock, a
 * lease.
 */
struct ckpt_hdr_file {
	struct ckpt_hdr h;
	__u32 kind;
	__u32 f_flags;
	__u32 flags;
	__u32 inner;
	__aligned_u64 f_pos;
	__u32 owner;
	__u32 owner_type;
	__u32 owner_signal;
	__u32 owner_uid;
	__u32 owner_euid;
	__u32 fasync_fd;
	__u32 mnt;
	__u32 i_mode;
	__aligned_u64 dev;
	__aligned_u64 ino;
	__aligned_u64 size;
	__s64 mtime_ns;
	__aligned_u64 rdev;
	__u32 cred;
	__u32 removed;
	__u32 parent;
	__u32 reserved;
	__u8 fs_uuid[16];
};

/* struct ckpt_hdr_removed.flags */
#define CKPT_REMOVED_LINKED	0x1	/* it has another name */
#define CKPT_REMOVED_LINKABLE	0x2	/* it never had one, and may get one */

/**
 * struct ckpt_hdr_removed - object: file of any type that was removed
 * @h: type CKPT_HDR_REMOVED
 * @mode: type and permissions; CKPT_REMOVED_LINKED: type only
 * @uid: owner
 * @gid: group
 * @flags: CKPT_REMOVED_*
 * @nr_xattrs: number of CKPT_HDR_SB_XATTR that follow
 * @mnt: number of the mount that the path is in, or 0: it is in the mount
 *	namespace of whoever restarts
 * @parent: of a directory, objref of the one that it was in, if that was
 *	removed, too; else 0
 * @atime_nsec: nanoseconds of @atime
 * @mtime_nsec: nanoseconds of @mtime
 * @reserved: 0
 * @size: of a regular file, in bytes
 * @atime: in seconds since 1970, as the other
 * @mtime: of the last change of the content
 * @alloc_end: page up to which fallocate(2) was asked for memory of a tmpfs; if
 *	it is not 0, CKPT_HDR_SB_ALLOC follow the pages
 * @rdev: device number of a device, also with CKPT_REMOVED_LINKED
 *
 * A struct ckpt_hdr_string follows: the nearest directory above that was not
 * removed, or with CKPT_REMOVED_LINKED the other name. Of a directory, another
 * one: the name that it had; of a symbolic link without CKPT_REMOVED_LINKED:
 * where it leads. Then the extended attributes, and of a regular
 * file without CKPT_REMOVED_LINKED CKPT_HDR_PAGES until one without extents.
 */
struct ckpt_hdr_removed {
	struct ckpt_hdr h;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 flags;
	__u32 nr_xattrs;
	__u32 mnt;
	__u32 parent;
	__u32 atime_nsec;
	__u32 mtime_nsec;
	__u32 reserved;
	__aligned_u64 size;
	__s64 atime;
	__s64 mtime;
	__aligned_u64 alloc_end;
	__aligned_u64 rdev;
};

/**
 * struct ckpt_hdr_eventfd - what an eventfd has counted
 * @h: type CKPT_HDR_EVENTFD
 * @count: the counter
 * @semaphore: 1 if each read takes 1 from it, 0 if it takes all
 * @reserved: 0
 */
struct ckpt_hdr_eventfd {
	struct ckpt_hdr h;
	__aligned_u64 count;
	__u32 semaphore;
	__u32 reserved;
};

/* struct ckpt_hdr_timerfd.flags */
#define CKPT_TIMERFD_ARMED	0x1	/* it is to expire */
#define CKPT_TIMERFD_EXPIRED	0x2	/* it has, and a read has yet to see it */
#define CKPT_TIMERFD_CLOCK	0x4	/* at a time of CLOCK_REALTIME */
#define CKPT_TIMERFD_ON_SET	0x8	/* canceled when somebody sets the clock */
#define CKPT_TIMERFD_CANCELED	0x10	/* it was, and a read has yet to see it */

/**
 * struct ckpt_hdr_timerfd - timer of a timerfd
 * @h: type CKPT_HDR_TIMERFD
 * @clockid: CLOCK_*
 * @flags: CKPT_TIMERFD_*
 * @value_ns: when it expires, or has expired: with CKPT_TIMERFD_CLOCK the time
 *	of the clock, else from the moment when the tree stood still, in
 *	nanoseconds; not negative of one that is armed, not positive of one
 *	that has expired; 0 of one that is neither
 * @interval_ns: from one expiration to the next, in nanoseconds, or 0
 * @ticks: expirations that a read has yet to see; where it has expired, without
 *	those of the interval after @value_ns
 * @settime_flags: TFD_TIMER_*, given when it was last set
 * @reserved: 0
 */
struct ckpt_hdr_timerfd {
	struct ckpt_hdr h;
	__u32 clockid;
	__u32 flags;
	__s64 value_ns;
	__s64 interval_ns;
	__aligned_u64 ticks;
	__u32 settime_flags;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_signalfd - what a signalfd reads
 * @h: type CKPT_HDR_SIGNALFD
 * @mask: these signals
 */
struct ckpt_hdr_signalfd {
	struct ckpt_hdr h;
	struct ckpt_sigset mask;
};

enum ckpt_lock_kind {
	CKPT_LOCK_POSIX,	/* of a descriptor table: F_SETLK */
	CKPT_LOCK_OFD,		/* of an open file: F_OFD_SETLK */
	CKPT_LOCK_FLOCK,	/* of an open file: flock(2) */
	CKPT_LOCK_LEASE,	/* of an open file: F_SETLEASE */
	CKPT_LOCK_NOTIFY,	/* no lock, but of a table, too: F_NOTIFY */
	CKPT_LOCK_MAX
};

/* struct ckpt_lock.flags */
#define CKPT_LOCK_UNLOCK	0x1	/* lease: to be given up */
#define CKPT_LOCK_DOWNGRADE	0x2	/* lease: to become one for reading */

/* Most locks in one CKPT_HDR_LOCKS */
#define CKPT_LOCKS_MAX		256

/**
 * struct ckpt_lock - a lock on a file
 * @kind: enum ckpt_lock_kind
 * @type: F_RDLCK or F_WRLCK; DN_* of F_NOTIFY
 * @fd: of a record lock, a descriptor of the file that it was set through; of a
 *	lease and F_NOTIFY, the one that the signal tells; of a lease it may be
 *	CKPT_FASYNC_NONE
 * @pid: pid slot + 1 of the process that set it, 0 if it is not in the tree
 * @start: first byte; 0 of a flock and a lease
 * @end: last byte, LLONG_MAX for all there may ever be; 0 of a flock and a lease
 * @flags: CKPT_LOCK_*
 * @unlock_ms: milliseconds until the lease is taken away, 0 for never
 * @downgrade_ms: milliseconds until it is made one for reading, 0 for never
 * @reserved: 0
 */
struct ckpt_lock {
	__u32 kind;
	__u32 type;
	__u32 fd;
	__u32 pid;
	__aligned_u64 start;
	__aligned_u64 end;
	__u32 flags;
	__u32 unlock_ms;
	__u32 downgrade_ms;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_locks - locks on files
 * @h: type CKPT_HDR_LOCKS
 * @locks: as many as @h.len has room for, at most CKPT_LOCKS_MAX
 */
struct ckpt_hdr_locks {
	struct ckpt_hdr h;
	struct ckpt_lock locks[];
};

/**
 * struct ckpt_hdr_late_file - behind the tasks: what is left of an open file
 * @h: type CKPT_HDR_LATE_FILE
 * @file: objref of the file; of a socket, that of the socket, which need not
 *	have a file, and of a group of sockets that of the first; 0 in the last
 *	one
 * @kind: its kind, enum ckpt_file_kind; 0 in the last one
 *
 * The records of that kind follow.
 */
struct ckpt_hdr_late_file {
	struct ckpt_hdr h;
	__u32 file;
	__u32 kind;
};

/**
 * struct ckpt_hdr_epoll - what an epoll waits for
 * @h: type CKPT_HDR_EPOLL
 * @nr: number of items, in CKPT_HDR_EPOLL_ITEMS that follow
 * @busy_poll_usecs: struct epoll_params, as EPIOCSPARAMS takes it
 * @busy_poll_budget: likewise
 * @prefer_busy_poll: likewise
 */
struct ckpt_hdr_epoll {
	struct ckpt_hdr h;
	__u32 nr;
	__u32 busy_poll_usecs;
	__u32 busy_poll_budget;
	__u32 prefer_busy_poll;
};

/* struct ckpt_epoll_item.flags */
#define CKPT_EPOLL_READY	0x1	/* to be looked at by the next epoll_wait(2) */

/**
 * struct ckpt_epoll_item - what an epoll waits for
 * @file: objref of the open file
 * @fd: number of the descriptor that it was added as
 * @events: EPOLL*, as /proc/PID/fdinfo/N shows them
 * @flags: CKPT_EPOLL_*
 * @data: of struct epoll_event
 * @task: of a signalfd: pid slot + 1 of the process whose signals it tells of,
 *	that which added it, or 0 if that is gone; else 0
 * @reserved: 0
 */
struct ckpt_epoll_item {
	__u32 file;
	__u32 fd;
	__u32 events;
	__u32 flags;
	__aligned_u64 data;
	__u32 task;
	__u32 reserved;
};

/* Items in each CKPT_HDR_EPOLL_ITEMS of an epoll but the last one */
#define CKPT_EPOLL_ITEMS_MAX	1024

/**
 * struct ckpt_hdr_epoll_items - items of an epoll
 * @h: type CKPT_HDR_EPOLL_ITEMS
 * @items: those that are ready first, in their order
 */
struct ckpt_hdr_epoll_items {
	struct ckpt_hdr h;
	struct ckpt_epoll_item items[];
};

/**
 * struct ckpt_hdr_inotify - an instance of inotify
 * @h: type CKPT_HDR_INOTIFY
 * @max_events: events that its queue takes
 * @next_wd: where the search for a free watch descriptor begins
 * @nr_events: number of CKPT_HDR_INOTIFY_EVENT that follow
 * @nr_watches: number of CKPT_HDR_INOTIFY_WATCH that follow these
 */
struct ckpt_hdr_inotify {
	struct ckpt_hdr h;
	__u32 max_events;
	__u32 next_wd;
	__u32 nr_events;
	__u32 nr_watches;
};

/* struct ckpt_hdr_inotify_event.flags */
#define CKPT_INOTIFY_ON_CHILD	0x1	/* it came by way of the parent directory */

/**
 * struct ckpt_hdr_inotify_event - an event that was not read yet, oldest first
 * @h: type CKPT_HDR_INOTIFY_EVENT
 * @mask: IN_*
 * @flags: CKPT_INOTIFY_*
 * @wd: its watch, which may be gone, or -1
 * @cookie: of struct inotify_event
 * @name_len: bytes of @name, at most 255
 * @reserved: 0
 * @name: without a NUL, padded with zeros to a multiple of 8 bytes
 */
struct ckpt_hdr_inotify_event {
	struct ckpt_hdr h;
	__u32 mask;
	__u32 flags;
	__s32 wd;
	__u32 cookie;
	__u32 name_len;
	__u32 reserved;
	char name[];
};

/* Longest handle of a file, MAX_HANDLE_SZ */
#define CKPT_HANDLE_MAX		128

/**
 * struct ckpt_handle - how a file system finds one of its files
 * @len: bytes of @data, or 0 if there is none: a path leads to it
 * @type: what the file system says of @data, or 0
 * @removed: objref of the CKPT_HDR_REMOVED that it is, with @len 0; or 0
 * @reserved: 0
 * @data: the handle
 */
struct ckpt_handle {
	__u32 len;
	__u32 type;
	__u32 removed;
	__u32 reserved;
	__u8 data[CKPT_HANDLE_MAX];
};

/**
 * struct ckpt_hdr_inotify_watch - a watch
 * @h: type CKPT_HDR_INOTIFY_WATCH
 * @wd: its descriptor
 * @mask: IN_*
 * @mnt: number of the mount that the path is in, or 0: it is in the mount
 *	namespace of whoever restarts
 * @i_mode: mode of the inode, of which the type counts
 * @handle: of what is watched, in the file system that the path leads to
 *
 * A struct ckpt_hdr_string follows: the path.
 */
struct ckpt_hdr_inotify_watch {
	struct ckpt_hdr h;
	__s32 wd;
	__u32 mask;
	__u32 mnt;
	__u32 i_mode;
	struct ckpt_handle handle;
};

/**
 * struct ckpt_hdr_fanotify - a fanotify group
 * @h: type CKPT_HDR_FANOTIFY
 * @flags: what fanotify_init(2) was called with: FAN_*; 0x80000000 for a group
 *	of who did not have CAP_SYS_ADMIN
 * @event_f_flags: O_* of the files that its events open
 * @max_events: longest that its queue may be
 * @reserved: 0
 */
struct ckpt_hdr_fanotify {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 event_f_flags;
	__u32 max_events;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_fanotify_queue - what is left of a fanotify group
 * @h: type CKPT_HDR_FANOTIFY_QUEUE
 * @nr_events: number of CKPT_HDR_FANOTIFY_EVENT that follow
 * @nr_marks: number of CKPT_HDR_FANOTIFY_MARK that follow these
 */
struct ckpt_hdr_fanotify_queue {
	struct ckpt_hdr h;
	__u32 nr_events;
	__u32 nr_marks;
};

enum ckpt_fanotify_kind {
	CKPT_FANOTIFY_OVERFLOW,	/* others were lost */
	CKPT_FANOTIFY_PATH,	/* tells of a file by opening it */
	CKPT_FANOTIFY_FID,	/* tells of one by its handle */
	CKPT_FANOTIFY_NAME,	/* with a directory, perhaps two, and names */
	CKPT_FANOTIFY_KIND_MAX
};

/**
 * struct ckpt_hdr_fanotify_event - an event that was not read yet
 * @h: type CKPT_HDR_FANOTIFY_EVENT
 * @kind: enum ckpt_fanotify_kind
 * @mask: FAN_*
 * @pid: pid slot + 1 of who did it; 0 if that is outside, or gone
 * @mnt: CKPT_FANOTIFY_PATH: number of the mount that the path is in, or 0: it
 *	is in the mount namespace of whoever restarts
 * @fsid: id of the file system that handles are of
 * @handle_type: types of the handles of the file, of its directory, and of the
 *	one that it was moved to
 * @handle_len: and their bytes, 0 for one that there is not
 * @name_len: length of the names in these two directories, or 0
 * @data: the handles, and the names without NULs; padded with zeros
 *
 * With CKPT_FANOTIFY_PATH a struct ckpt_hdr_string follows: the path.
 */
struct ckpt_hdr_fanotify_event {
	struct ckpt_hdr h;
	__u32 kind;
	__u32 mask;
	__u32 pid;
	__u32 mnt;
	__u32 fsid[2];
	__u32 handle_type[3];
	__u32 handle_len[3];
	__u32 name_len[2];
	__u8 data[];
};

/**
 * struct ckpt_hdr_fanotify_mark - a mark
 * @h: type CKPT_HDR_FANOTIFY_MARK
 * @flags: FAN_MARK_*: what is marked, and how
 * @mask: FAN_*: events that it tells of
 * @ignored_mask: events that it keeps from being told
 * @mnt: number of the mount that the path is in, or 0: it is in the mount
 *	namespace of whoever restarts
 * @i_mode: mode of the inode that the path leads to, of which the type counts
 * @reserved: 0
 * @fsid: id of the file system, if events have handles
 * @handle: of what is marked, in the file system that the path leads to
 *
 * A struct ckpt_hdr_string follows: a path to the inode, to the root of the
 * mount, or to a mount of the file system.
 */
struct ckpt_hdr_fanotify_mark {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 mask;
	__u32 ignored_mask;
	__u32 mnt;
	__u32 i_mode;
	__u32 reserved;
	__u32 fsid[2];
	struct ckpt_handle handle;
};

/**
 * struct ckpt_hdr_pidfd - whom a pidfd refers to
 * @h: type CKPT_HDR_PIDFD
 * @pid: pid slot + 1, or 0
 * @dead: objref of the pid of a process that is gone, or 0
 */
struct ckpt_hdr_pidfd {
	struct ckpt_hdr h;
	__u32 pid;
	__u32 dead;
};

/* Pid namespaces inside of each other, at most */
#define CKPT_PID_LEVELS		33

/**
 * struct ckpt_hdr_dead_pid - object: a pid that no process of the tree has
 * @h: type CKPT_HDR_DEAD_PID
 * @ino: inode number that pidfds of it had, for information
 * @ns: index of the pid namespace that it was in, or 0: outside of that of the
 *	root, too
 * @numbers: its numbers, in the pid namespace of the root first, then in those
 *	inside of that up to @ns; 0 where it had none
 */
struct ckpt_hdr_dead_pid {
	struct ckpt_hdr h;
	__aligned_u64 ino;
	__u32 ns;
	__u32 numbers[CKPT_PID_LEVELS];
};

/**
 * struct ckpt_hdr_ptm - master of a terminal of devpts
 * @h: type CKPT_HDR_PTM
 * @index: number of the terminal
 * @mode: permissions of its node
 * @uid: owner of its node
 * @gid: group of its node
 * @atime_ns: times of its node, nanoseconds since the epoch
 * @mtime_ns: see @atime_ns
 * @ctime_ns: see @atime_ns
 *
 * Behind the tasks, a CKPT_HDR_TTY and two CKPT_HDR_TTY_END follow the
 * CKPT_HDR_LATE_FILE of this file: that of the master, then the other end's.
 */
struct ckpt_hdr_ptm {
	struct ckpt_hdr h;
	__u32 index;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__s64 atime_ns;
	__s64 mtime_ns;
	__s64 ctime_ns;
};

/**
 * struct ckpt_termios - settings of a terminal, or which of them are locked
 * @iflag: input modes
 * @oflag: output modes
 * @cflag: control modes
 * @lflag: local modes
 * @ispeed: input speed, in baud
 * @ospeed: output speed, in baud
 * @line: line discipline
 * @cc: control characters
 * @reserved: 0
 */
struct ckpt_termios {
	__u32 iflag;
	__u32 oflag;
	__u32 cflag;
	__u32 lflag;
	__u32 ispeed;
	__u32 ospeed;
	__u8 line;
	__u8 cc[19];
	__u8 reserved[4];
};

/* struct ckpt_hdr_tty.flags */
#define CKPT_TTY_IN_FRONT	0x1	/* it is the tree that uses it */

/**
 * struct ckpt_hdr_tty - a terminal
 * @h: type CKPT_HDR_TTY
 * @session: pid slot + 1 of the session that it controls, or 0 if that is none
 *	of the tree
 * @pgrp: pid slot + 1 of its foreground process group, or 0
 * @dead_pgrp: objref of the pid of the foreground process group, if nobody is
 *	in that any more, or 0
 * @flags: CKPT_TTY_IN_FRONT, of an external one: without it, its settings are
 *	those of somebody else
 * @termios: its settings
 * @locked: which of them are locked
 * @row: window size: rows, in characters
 * @col: columns, in characters
 * @xpixel: width, in pixels
 * @ypixel: height, in pixels
 */
struct ckpt_hdr_tty {
	struct ckpt_hdr h;
	__u32 session;
	__u32 pgrp;
	__u32 dead_pgrp;
	__u32 flags;
	struct ckpt_termios termios;
	struct ckpt_termios locked;
	__u16 row;
	__u16 col;
	__u16 xpixel;
	__u16 ypixel;
};

/* struct ckpt_hdr_tty_end.flags */
#define CKPT_TTY_LOCKED		0x1	/* master: the other end cannot be opened */
#define CKPT_TTY_PACKET		0x2	/* master: packet mode */
#define CKPT_TTY_EXCLUSIVE	0x4	/* cannot be opened again */
#define CKPT_TTY_STOPPED	0x8	/* output is stopped */
#define CKPT_TTY_TCO_STOPPED	0x10	/* it was stopped by TCOOFF */
#define CKPT_TTY_IO_ERROR	0x20	/* no file is open on this end any more */
#define CKPT_TTY_OTHER_CLOSED	0x40	/* nor on the other end */
#define CKPT_TTY_HUNG_UP	0x80	/* not opened again since a hangup */
#define CKPT_TTY_LNEXT		0x100	/* the next character is taken literally */
#define CKPT_TTY_ERASING	0x200	/* echoes what is erased, after a backslash */
#define CKPT_TTY_PUSH		0x400	/* input was taken as a line by a change of mode */

/* Most bytes of @echo, @read, and of @flip in a struct ckpt_hdr_tty_end */
#define CKPT_TTY_READ_MAX	4096
#define CKPT_TTY_FLIP_MAX	32768

/**
 * struct ckpt_hdr_tty_end - one end of a terminal
 * @h: type CKPT_HDR_TTY_END
 * @flags: CKPT_TTY_*
 * @pktstatus: TIOCPKT_*: what the master is to be told in packet mode; of the
 *	other end
 * @read: bytes of input
 * @canon: of these, bytes in complete lines
 * @commit: of these, bytes that may be read where not lines are read
 * @column: where the cursor is, from 0
 * @canon_column: where the line that is being typed begins
 * @echo: bytes that are still to be echoed, with codes for what is to be done
 * @echo_commit: of these, bytes that may be written
 * @echo_mark: of these, bytes that end where a character does
 * @flip: bytes that were written by the other end, and for which there was no
 *	room in the input
 * @lookahead: of these, bytes in which characters of flow control were found
 *	already
 * @data: the input, a bit for each of its bytes, 1 where a line ends, in whole
 *	bytes from the lowest bit on, then echoes, then what there was no room
 *	for
 */
struct ckpt_hdr_tty_end {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 pktstatus;
	__u32 read;
	__u32 canon;
	__u32 commit;
	__u32 column;
	__u32 canon_column;
	__u32 echo;
	__u32 echo_commit;
	__u32 echo_mark;
	__u32 flip;
	__u32 lookahead;
	__u8 data[];
};

/* struct ckpt_hdr_pipe.flags */
#define CKPT_PIPEF_POLLED	0x1	/* every write wakes who polls */
#define CKPT_PIPEF_FIFO		0x2	/* a fifo: uid, gid and mode are 0 */

/**
 * struct ckpt_hdr_pipe - object: what a pipe or a fifo holds
 * @h: type CKPT_HDR_PIPE
 * @ring_size: number of slots, a power of two
 * @nr_bufs: number of used slots, in CKPT_HDR_PIPE_BUFS that follow
 * @nr_accounted: slots charged to the user, for information
 * @flags: CKPT_PIPEF_*
 * @uid: owner of the inode, as seen in the user namespace
 * @gid: group of the inode, likewise
 * @mode: permissions of the inode
 * @reserved: 0
 */
struct ckpt_hdr_pipe {
	struct ckpt_hdr h;
	__u32 ring_size;
	__u32 nr_bufs;
	__u32 nr_accounted;
	__u32 flags;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 reserved;
};

/* struct ckpt_pipe_buf.flags */
#define CKPT_PIPE_PACKET	0x1	/* ends at a packet boundary */
#define CKPT_PIPE_CAN_MERGE	0x2	/* a small write may be appended */
#define CKPT_PIPE_WHOLE		0x4	/* PIPE_BUF_FLAG_WHOLE */

/**
 * struct ckpt_pipe_buf - one slot of a pipe
 * @offset: where its bytes start in the page: how much was read already
 * @len: bytes in it, at least 1; @offset + @len is at most the page size
 * @flags: CKPT_PIPE_*
 * @reserved: 0
 */
struct ckpt_pipe_buf {
	__u32 offset;
	__u32 len;
	__u32 flags;
	__u32 reserved;
};

/* Most slots in one CKPT_HDR_PIPE_BUFS */
#define CKPT_PIPE_BUFS_MAX	256

/**
 * struct ckpt_hdr_pipe_bufs - slots of a pipe
 * @h: type CKPT_HDR_PIPE_BUFS
 * @bufs: oldest first, as many as @h.len has room for
 *
 * For each of these slots a CKPT_HDR_PIPE_DATA follows, then the next
 * CKPT_HDR_PIPE_BUFS.
 */
struct ckpt_hdr_pipe_bufs {
	struct ckpt_hdr h;
	struct ckpt_pipe_buf bufs[];
};

/**
 * struct ckpt_hdr_pipe_data - bytes in one slot
 * @h: type CKPT_HDR_PIPE_DATA
 * @data: the bytes, padded with zeros to 8
 */
struct ckpt_hdr_pipe_data {
	struct ckpt_hdr h;
	__u8 data[];
};

/* ----------------------------------------------------------------- memory */

#define CKPT_AUXV_MAX		64

/**
 * struct ckpt_hdr_mm - object: address space
 * @h: type CKPT_HDR_MM
 * @nr_vmas: number of CKPT_HDR_VMA that follow
 * @exe_file: objref of the file that /proc/PID/exe shows, or 0
 * @flags: MMF_* that are inherited by fork: dumpable, coredump filter, ...
 * @def_flags: VM_* of future mappings
 * @start_code: bounds that prctl(PR_SET_MM_*) sets: of the code
 * @end_code: see @start_code
 * @start_data: of the data of the executable
 * @end_data: see @start_data
 * @start_brk: of the heap
 * @brk: see @start_brk
 * @start_stack: where the stack began
 * @arg_start: of the arguments
 * @arg_end: see @arg_start
 * @env_start: of the environment
 * @env_end: see @env_start
 * @vdso: address of the vdso code, or 0 if it is not mapped
 * @vvar: address of the data of the vdso, or 0 if it is not mapped
 * @vdso_id: identifies the build of the vdso: the start of its build id
 * @mmap_base: where top-down mappings start
 * @mmap_legacy_base: where bottom-up mappings start
 * @task_size: end of the address space
 * @membarrier_state: what membarrier(2) was asked to register
 * @pkeys: protection keys in use, a bitmap; 0 on a CPU without them
 * @exec_pkey: key of execute-only mappings, or -1; 0 on a CPU without them
 * @user_ns: objref of the user namespace that it was made in, or 0: that of
 *	whoever restarts
 * @saved_auxv: auxiliary vector
 * @ldt: local descriptor table, as descriptors: as many as there are
 *
 * The executable stands before this record. All VMAs in ascending order
 * follow, each with its file before it, then CKPT_HDR_PAGES until one
 * without extents.
 */
struct ckpt_hdr_mm {
	struct ckpt_hdr h;
	__u32 nr_vmas;
	__u32 exe_file;
	__aligned_u64 flags;
	__aligned_u64 def_flags;
	__aligned_u64 start_code, end_code, start_data, end_data;
	__aligned_u64 start_brk, brk, start_stack;
	__aligned_u64 arg_start, arg_end, env_start, env_end;
	__aligned_u64 vdso;
	__aligned_u64 vvar;
	__aligned_u64 vdso_id;
	__aligned_u64 mmap_base;
	__aligned_u64 mmap_legacy_base;
	__aligned_u64 task_size;
	__u32 membarrier_state;
	__u32 pkeys;
	__s32 exec_pkey;
	__u32 user_ns;
	__aligned_u64 saved_auxv[CKPT_AUXV_MAX];
	__aligned_u64 ldt[];
};

/* Longest name of an anonymous mapping, in bytes with its NUL */
#define CKPT_VMA_NAME_MAX	80

enum ckpt_vma_kind {
	CKPT_VMA_ANON,		/* private anonymous */
	CKPT_VMA_FILE,		/* private file mapping */
	CKPT_VMA_SHARED,	/* shared file mapping */
	CKPT_VMA_SHMEM,		/* shared anonymous memory */
	CKPT_VMA_VDSO,		/* vdso code */
	CKPT_VMA_VVAR,		/* vvar data */
	CKPT_VMA_SYSV,		/* System V shared memory */
	CKPT_VMA_HUGE,		/* anonymous memory of huge pages of hugetlbfs */
	CKPT_VMA_MAX
};

/**
 * struct ckpt_hdr_vma - one mapping
 * @h: type CKPT_HDR_VMA
 * @kind: enum ckpt_vma_kind
 * @file: objref of the file mapped; of the shmem object if CKPT_VMA_SHMEM or
 *	CKPT_VMA_HUGE, of the attached segment if CKPT_VMA_SYSV; else 0
 * @start: first address
 * @end: address after the last
 * @flags: VM_* as in include/linux/mm.h
 * @pgoff: offset in the file, or in the object, in pages; else 0
 * @name: 1 if a struct ckpt_hdr_string, the name of an anonymous VMA, follows
 * @anon: objref of the family with which it may share private pages, or 0;
 *	CKPT_VMA_ANON and CKPT_VMA_FILE only
 * @policy: 1 if a struct ckpt_hdr_mempolicy follows, behind the name
 * @reserved: 0
 */
struct ckpt_hdr_vma {
	struct ckpt_hdr h;
	__u32 kind;
	__u32 file;
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 flags;
	__aligned_u64 pgoff;
	__u32 name;
	__u32 anon;
	__u32 policy;
	__u32 reserved;
};

/* Nodes that there may be, in words of 64 bits */
#define CKPT_NODES_WORDS	16

/**
 * struct ckpt_hdr_mempolicy - NUMA memory policy of a thread or of a mapping
 * @h: type CKPT_HDR_MEMPOLICY
 * @mode: MPOL_*; MPOL_DEFAULT if there is none
 * @flags: MPOL_F_*_NODES, MPOL_F_NUMA_BALANCING
 * @home_node: of set_mempolicy_home_node(2), or -1
 * @reserved: 0
 * @nodes: a bitmap, CKPT_NODES_WORDS at most, up to the last word that is not 0:
 *	as they were asked for, where @flags says what that means when there are
 *	others
 */
struct ckpt_hdr_mempolicy {
	struct ckpt_hdr h;
	__u32 mode;
	__u32 flags;
	__s32 home_node;
	__u32 reserved;
	__aligned_u64 nodes[];
};

/**
 * struct ckpt_hdr_memfd - object: memory of memfd_create(2)
 * @h: type CKPT_HDR_MEMFD
 * @mode: permissions
 * @uid: owner
 * @gid: group
 * @seals: F_SEAL_*
 * @atime_nsec: nanoseconds of @atime
 * @mtime_nsec: nanoseconds of @mtime
 * @huge: of huge pages of hugetlbfs: logarithm of their size; else 0
 * @reserved: 0
 * @size: in bytes
 * @atime: in seconds since 1970, as the other
 * @mtime: of the last change of the content
 * @alloc_end: page up to which fallocate(2) was asked for memory; if it is not
 *	0, CKPT_HDR_SB_ALLOC follow the pages
 *
 * A struct ckpt_hdr_string, its name with "memfd:" before it, follows, then
 * CKPT_HDR_PAGES until one without extents; their addresses are offsets.
 */
struct ckpt_hdr_memfd {
	struct ckpt_hdr h;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 seals;
	__u32 atime_nsec;
	__u32 mtime_nsec;
	__u32 huge;
	__u32 reserved;
	__aligned_u64 size;
	__s64 atime;
	__s64 mtime;
	__aligned_u64 alloc_end;
};

/**
 * struct ckpt_hdr_anon - object: mappings that share private pages
 * @h: type CKPT_HDR_ANON
 * @reserved: 0
 *
 * Mappings of the same memory in parent and children, as fork left them. A
 * page that several of them have is stored once, and shared again.
 */
struct ckpt_hdr_anon {
	struct ckpt_hdr h;
	__aligned_u64 reserved;
};

/**
 * struct ckpt_hdr_shmem - object: shared anonymous memory
 * @h: type CKPT_HDR_SHMEM
 * @size: in bytes
 * @flags: VM_NORESERVE or 0
 * @huge: of huge pages of hugetlbfs: logarithm of their size; else 0
 *
 * A struct ckpt_hdr_string, its name, follows, then CKPT_HDR_PAGES until
 * one without extents; their addresses are offsets.
 */
struct ckpt_hdr_shmem {
	struct ckpt_hdr h;
	__aligned_u64 size;
	__u32 flags;
	__u32 huge;
};

enum ckpt_extent_kind {
	CKPT_EXTENT_DATA,	/* the pages are in the payload */
	CKPT_EXTENT_COW,	/* so are these, and others may share them */
	CKPT_EXTENT_SAME,	/* those of an address space that came before */
	CKPT_EXTENT_MAX
};

/**
 * struct ckpt_extent - a run of pages
 * @addr: address or offset of the first, in bytes, page aligned
 * @nr_pages: how many
 * @kind: enum ckpt_extent_kind
 * @xxh64: XXH64, seed 0, of the pages
 * @from: CKPT_EXTENT_SAME: objref of the address space that has them, at the
 *	same addresses. What is not there is not here either.
 *
 * Private pages of address spaces may be of any kind, others are all
 * CKPT_EXTENT_DATA.
 */
struct ckpt_extent {
	__aligned_u64 addr;
	__u32 nr_pages;
	__u32 kind;
	union {
		__aligned_u64 xxh64;
		__aligned_u64 from;
	};
};

/* Bounds of one CKPT_HDR_PAGES */
#define CKPT_PAGES_MAX_EXTENTS	256
#define CKPT_PAGES_MAX_PAGES	1024

/**
 * struct ckpt_hdr_pages - page payload follows
 * @h: type CKPT_HDR_PAGES
 * @nr_extents: entries in @extents; 0 ends the pages of this object
 * @pad: zero bytes between this record and the payload, so that the payload
 *	starts at a multiple of the page size from the start of the image
 * @extents: in ascending order
 *
 * The payload, and the zero bytes before it, are not records and not in the
 * CRC of the trailer. Where no extent has one, @pad is 0.
 */
struct ckpt_hdr_pages {
	struct ckpt_hdr h;
	__u32 nr_extents;
	__u32 pad;
	struct ckpt_extent extents[];
};

/* --------------------------------------------------- System V and POSIX IPC */

/* struct ckpt_hdr_ipc_ids.kind */
#define CKPT_IPC_SEM		0
#define CKPT_IPC_MSG		1
#define CKPT_IPC_SHM		2

/* Most semaphores in one set, bytes in one message, and in one piece of it */
#define CKPT_IPC_SEMS_MAX	65536
#define CKPT_IPC_MESSAGE_MAX	(16 * 1024 * 1024)
#define CKPT_IPC_TEXT_MAX	(64 * 1024)
/* Most values in one CKPT_HDR_IPC_SEMVALS */
#define CKPT_IPC_SEMVALS_MAX	4096

/**
 * struct ckpt_hdr_task_sysvipc - what a task has of System V IPC
 * @h: type CKPT_HDR_TASK_SYSVIPC
 * @undo: objref of its list of semaphores to undo, or 0
 * @nr_shm: number of entries in @shm
 * @shm: ids of the segments that it created, in its ipc namespace: with
 *	kernel.shm_rmid_forced they go when it exits
 */
struct ckpt_hdr_task_sysvipc {
	struct ckpt_hdr h;
	__u32 undo;
	__u32 nr_shm;
	__u32 shm[];
};

/**
 * struct ckpt_hdr_ipc_ids - the identifiers of one kind in an ipc namespace
 * @h: type CKPT_HDR_IPC_IDS
 * @kind: CKPT_IPC_*
 * @nr: number of CKPT_HDR_IPC_SEM, _MSG or _SHM that follow
 * @seq: sequence number of the next identifier
 * @last_idx: index of the last one, or -1
 * @next_id: the identifier asked for, or -1
 * @cursor: where the search for a free index goes on
 */
struct ckpt_hdr_ipc_ids {
	struct ckpt_hdr h;
	__u32 kind;
	__u32 nr;
	__u32 seq;
	__s32 last_idx;
	__s32 next_id;
	__u32 cursor;
};

/**
 * struct ckpt_ipc_pid - who did something last
 * @slot: pid slot + 1, or 0 for a process that is not in the tree any more
 * @nr: its number then, in the pid namespace of the root, or 0
 */
struct ckpt_ipc_pid {
	__u32 slot;
	__u32 nr;
};

/* struct ckpt_ipc_perm.mode: SHM_DEST, a segment to be removed when detached */
#define CKPT_IPC_DEST		01000

/**
 * struct ckpt_ipc_perm - identity and owner of a System V object
 * @id: identifier
 * @key: IPC_PRIVATE, 0, if it has none
 * @uid: owner
 * @gid: its group
 * @cuid: creator
 * @cgid: its group
 * @mode: permissions, and CKPT_IPC_DEST
 * @reserved: 0
 */
struct ckpt_ipc_perm {
	__s32 id;
	__s32 key;
	__u32 uid;
	__u32 gid;
	__u32 cuid;
	__u32 cgid;
	__u32 mode;
	__u32 reserved;
};

/* struct ckpt_hdr_ipc_shm.flags */
#define CKPT_SHM_NORESERVE	0x1	/* SHM_NORESERVE */
#define CKPT_SHM_LOCKED		0x2	/* SHM_LOCK */
#define CKPT_SHM_HUGE_SHIFT	26	/* SHM_HUGETLB: logarithm of the page size */

/**
 * struct ckpt_hdr_ipc_shm - System V shared memory segment
 * @h: type CKPT_HDR_IPC_SHM
 * @perm: identity and owner
 * @size: in bytes
 * @atime: last attach, seconds since the epoch, or 0
 * @dtime: last detach
 * @ctime: last change
 * @cpid: who created it
 * @lpid: who attached or detached it last
 * @name: the key that it had when it was created
 * @flags: CKPT_SHM_*
 *
 * CKPT_HDR_PAGES follow until one without extents; their addresses are
 * offsets. Segments with CKPT_IPC_DEST, whose @name may be another's key by
 * now, stand before all others.
 */
struct ckpt_hdr_ipc_shm {
	struct ckpt_hdr h;
	struct ckpt_ipc_perm perm;
	__aligned_u64 size;
	__s64 atime;
	__s64 dtime;
	__s64 ctime;
	struct ckpt_ipc_pid cpid;
	struct ckpt_ipc_pid lpid;
	__u32 name;
	__u32 flags;
};

/**
 * struct ckpt_hdr_ipc_msg - System V message queue
 * @h: type CKPT_HDR_IPC_MSG
 * @perm: identity and owner
 * @stime: last msgsnd(2), seconds since the epoch, or 0
 * @rtime: last msgrcv(2)
 * @ctime: last change
 * @qbytes: most bytes in it
 * @lspid: who sent last
 * @lrpid: who received last
 * @nr: number of CKPT_HDR_IPC_MESSAGE that follow, oldest first
 * @reserved: 0
 */
struct ckpt_hdr_ipc_msg {
	struct ckpt_hdr h;
	struct ckpt_ipc_perm perm;
	__s64 stime;
	__s64 rtime;
	__s64 ctime;
	__aligned_u64 qbytes;
	struct ckpt_ipc_pid lspid;
	struct ckpt_ipc_pid lrpid;
	__u32 nr;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_ipc_message - a message in a queue
 * @h: type CKPT_HDR_IPC_MESSAGE
 * @type: of a System V queue, at least 1; of a POSIX queue its priority
 * @size: in bytes, at most CKPT_IPC_MESSAGE_MAX
 * @reserved: 0
 *
 * CKPT_HDR_IPC_TEXT follow until there are @size bytes, all but the last with
 * CKPT_IPC_TEXT_MAX.
 */
struct ckpt_hdr_ipc_message {
	struct ckpt_hdr h;
	__s64 type;
	__u32 size;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_ipc_text - bytes of a message
 * @h: type CKPT_HDR_IPC_TEXT
 * @text: the bytes, padded with zeros to 8
 */
struct ckpt_hdr_ipc_text {
	struct ckpt_hdr h;
	__u8 text[];
};

/**
 * struct ckpt_hdr_ipc_sem - System V semaphore set
 * @h: type CKPT_HDR_IPC_SEM
 * @perm: identity and owner
 * @otime: last semop(2), seconds since the epoch, or 0
 * @ctime: last change
 * @nr: number of semaphores, at most CKPT_IPC_SEMS_MAX
 * @reserved: 0
 *
 * CKPT_HDR_IPC_SEMVALS follow until there are @nr values.
 */
struct ckpt_hdr_ipc_sem {
	struct ckpt_hdr h;
	struct ckpt_ipc_perm perm;
	__s64 otime;
	__s64 ctime;
	__u32 nr;
	__u32 reserved;
};

/**
 * struct ckpt_ipc_semval - one semaphore
 * @val: its value
 * @reserved: 0
 * @pid: who changed it last
 */
struct ckpt_ipc_semval {
	__u32 val;
	__u32 reserved;
	struct ckpt_ipc_pid pid;
};

/**
 * struct ckpt_hdr_ipc_semvals - a part of a semaphore set
 * @h: type CKPT_HDR_IPC_SEMVALS
 * @sems: CKPT_IPC_SEMVALS_MAX of them, or what is left
 */
struct ckpt_hdr_ipc_semvals {
	struct ckpt_hdr h;
	struct ckpt_ipc_semval sems[];
};

/* struct ckpt_hdr_shm_file.flags */
#define CKPT_SHMF_RDONLY	0x1	/* SHM_RDONLY */

/**
 * struct ckpt_hdr_shm_file - object: a segment as shmat(2) attached it
 * @h: type CKPT_HDR_SHM_FILE
 * @ns: objref of the ipc namespace that it is in
 * @id: identifier of the segment
 * @flags: CKPT_SHMF_*
 * @reserved: 0
 *
 * Mappings that fork, mprotect(2) or munmap(2) made of one shmat(2) share it.
 */
struct ckpt_hdr_shm_file {
	struct ckpt_hdr h;
	__u32 ns;
	__s32 id;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_sem_undo - object: semaphores to undo at the exit of a task
 * @h: type CKPT_HDR_SEM_UNDO
 * @ns: objref of the ipc namespace that the semaphores are in, or 0
 * @nr: number of CKPT_HDR_SEM_ADJ that follow; 0 if @ns is
 *
 * Also one with nothing to undo yet: which tasks share it matters.
 */
struct ckpt_hdr_sem_undo {
	struct ckpt_hdr h;
	__u32 ns;
	__u32 nr;
};

/**
 * struct ckpt_hdr_sem_adj - what to add to the semaphores of a set
 * @h: type CKPT_HDR_SEM_ADJ
 * @id: identifier of the set
 * @nr: number of entries in @adj, as many as the set has semaphores
 * @adj: what to add to each, padded with zeros to 8
 */
struct ckpt_hdr_sem_adj {
	struct ckpt_hdr h;
	__s32 id;
	__u32 nr;
	__s16 adj[];
};

/**
 * struct ckpt_hdr_mqueues - the POSIX message queues of an ipc namespace
 * @h: type CKPT_HDR_MQUEUES
 * @nr: number of CKPT_HDR_MQUEUE that follow, oldest first
 * @uid: owner of the directory that they are in
 * @gid: its group
 * @mode: its permissions
 */
struct ckpt_hdr_mqueues {
	struct ckpt_hdr h;
	__u32 nr;
	__u32 uid;
	__u32 gid;
	__u32 mode;
};

/* struct ckpt_hdr_mqueue.flags */
#define CKPT_MQ_NOTIFY		0x1	/* mq_notify(3): the rest says how */
#define CKPT_MQ_SIGNAL		0x2	/* SIGEV_SIGNAL, else SIGEV_NONE */
#define CKPT_MQ_STALE		0x4	/* who asked for it has called exec since */

/**
 * struct ckpt_hdr_mqueue - POSIX message queue
 * @h: type CKPT_HDR_MQUEUE
 * @uid: owner
 * @gid: its group
 * @mode: permissions
 * @flags: CKPT_MQ_*
 * @maxmsg: most messages in it
 * @msgsize: most bytes in a message
 * @atime_ns: last access, nanoseconds since the epoch
 * @mtime_ns: last modification
 * @ctime_ns: last change
 * @value: sigev_value
 * @signo: sigev_signo
 * @owner: pid slot + 1 of the process to notify
 * @user_ns: objref of its user namespace, 0 for that of whoever restarts
 * @nr: number of messages
 * @payer: whose RLIMIT_MSGQUEUE it counts for, as @uid, or -1 for whoever
 *	restarts
 * @payer_ns: objref of the user namespace where that is, or 0 as in @user_ns
 *
 * A struct ckpt_hdr_string, its name, follows, then @nr
 * CKPT_HDR_IPC_MESSAGE, lowest priority first, oldest first.
 */
struct ckpt_hdr_mqueue {
	struct ckpt_hdr h;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 flags;
	__u32 maxmsg;
	__u32 msgsize;
	__s64 atime_ns;
	__s64 mtime_ns;
	__s64 ctime_ns;
	__aligned_u64 value;
	__u32 signo;
	__u32 owner;
	__u32 user_ns;
	__u32 nr;
	__u32 payer;
	__u32 payer_ns;
};

/**
 * struct ckpt_hdr_mqueue_ref - object: a POSIX message queue that is open
 * @h: type CKPT_HDR_MQUEUE_REF
 * @ns: objref of the ipc namespace that it is in, or 0: that of whoever
 *	restarts
 * @unlinked: 1 if it has no name any more; 0 if @ns is 0
 *
 * If @unlinked, a CKPT_HDR_MQUEUE with its parts follows, else a struct
 * ckpt_hdr_string: its name.
 */
struct ckpt_hdr_mqueue_ref {
	struct ckpt_hdr h;
	__u32 ns;
	__u32 unlinked;
};

/* ----------------------------------------------------------- file systems */

/* Longest text of options, in bytes, with its NUL */
#define CKPT_SB_OPTIONS_MAX	16384

/**
 * struct ckpt_hdr_sb - object: a file system that is made anew
 * @h: type CKPT_HDR_SB
 * @flags: SB_RDONLY 0x1, SB_SYNCHRONOUS 0x10, SB_DIRSYNC 0x80, SB_LAZYTIME
 *	0x2000000
 * @user_ns: objref of the user namespace that it is made in, or 0: that of
 *	whoever restarts
 * @ns: objref of the pid namespace that a proc shows, or of the ipc namespace
 *	that a mqueue does; 0: that of whoever restarts, or of no such type
 * @content: 1 if what is in it follows, 0 if there is nothing to be saved
 * @dev: its device number, for information
 * @next_ino: of a tmpfs: number that its next inode gets
 * @uuid: of a tmpfs
 * @nr_layers: number of CKPT_HDR_SB_LAYER that follow
 * @ptmx_mode: of a devpts: permissions of its ptmx
 * @ptmx_uid: of a devpts: owner of its ptmx, as in @user_ns
 * @ptmx_gid: of a devpts: group of its ptmx, as in @user_ns
 *
 * Two structs ckpt_hdr_string follow: its type, then its options as in
 * /proc/mounts, ids as in @user_ns, without the directories of an overlay:
 * these are the layers. With @content, CKPT_HDR_SB_NODE follow
 * until the CKPT_SB_LEAVE of its root.
 */
struct ckpt_hdr_sb {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 user_ns;
	__u32 ns;
	__u32 content;
	__aligned_u64 dev;
	__aligned_u64 next_ino;
	__u8 uuid[16];
	__u32 nr_layers;
	__u32 ptmx_mode;
	__u32 ptmx_uid;
	__u32 ptmx_gid;
};

/* Directories of an overlay, in this order */
enum ckpt_sb_layer {
	CKPT_LAYER_NAMES,	/* none: the text of lowerdir= */
	CKPT_LAYER_UPPER,
	CKPT_LAYER_WORK,
	CKPT_LAYER_LOWER,
	CKPT_LAYER_DATA,
	CKPT_LAYER_MAX
};

/* Most layers of one overlay */
#define CKPT_SB_LAYERS_MAX	512

/**
 * struct ckpt_hdr_sb_layer - a directory of an overlay
 * @h: type CKPT_HDR_SB_LAYER
 * @kind: enum ckpt_sb_layer
 * @sb: objref of the file system that it is in, or 0
 *
 * Two structs ckpt_hdr_string follow: where the directory is, from the root of
 * @sb, or without one from the root directory of whoever restarts; then what
 * mount(8) was given for it.
 */
struct ckpt_hdr_sb_layer {
	struct ckpt_hdr h;
	__u32 kind;
	__u32 sb;
};

/* What a struct ckpt_hdr_sb_node does, from the root of the file system on */
enum ckpt_sb_what {
	CKPT_SB_ENTER,	/* go into a new directory */
	CKPT_SB_LEAVE,	/* the directory is complete: back to its parent */
	CKPT_SB_FILE,	/* anything else */
	CKPT_SB_LINK,	/* another name of a file that was there before */
	CKPT_SB_WHAT_MAX
};

/* struct ckpt_hdr_sb_node.flags */
#define CKPT_SB_HANDLE	0x1	/* file handles of it were given out */

/**
 * struct ckpt_hdr_sb_node - a step of the walk through a file system
 * @h: type CKPT_HDR_SB_NODE
 * @what: enum ckpt_sb_what
 * @mode: type and permissions
 * @uid: owner
 * @gid: group
 * @nlink: number of names of a file
 * @fsflags: FS_IMMUTABLE_FL and others, as chattr(1) sets them
 * @generation: of the inode, for file handles
 * @flags: CKPT_SB_*
 * @nr_xattrs: number of CKPT_HDR_SB_XATTR that follow
 * @atime_nsec: nanoseconds of @atime
 * @mtime_nsec: nanoseconds of @mtime
 * @ctime_nsec: nanoseconds of @ctime
 * @btime_nsec: nanoseconds of @btime
 * @reserved: 0
 * @ino: inode number
 * @size: of a regular file, in bytes
 * @rdev: of a device
 * @atime: in seconds since 1970, as the others
 * @mtime: of the last change of the content
 * @ctime: of the last change of the inode
 * @btime: of its birth
 * @offset: where a directory of a tmpfs has the name; CKPT_SB_LEAVE: the last
 *	place that it gave out, and one more
 * @alloc_end: page up to which fallocate(2) was asked for memory; if it is
 *	not 0, CKPT_HDR_SB_ALLOC follow the pages
 *
 * CKPT_SB_ENTER uses @ino and @offset only, CKPT_SB_LINK those and @mode. A
 * struct ckpt_hdr_string follows with the name, but not with CKPT_SB_LEAVE;
 * another one with the target of a symbolic link; the extended attributes;
 * then of a regular file CKPT_HDR_PAGES until one without extents, whose
 * addresses are offsets.
 */
struct ckpt_hdr_sb_node {
	struct ckpt_hdr h;
	__u32 what;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 nlink;
	__u32 fsflags;
	__u32 generation;
	__u32 flags;
	__u32 nr_xattrs;
	__u32 atime_nsec;
	__u32 mtime_nsec;
	__u32 ctime_nsec;
	__u32 btime_nsec;
	__u32 reserved;
	__aligned_u64 ino;
	__aligned_u64 size;
	__aligned_u64 rdev;
	__aligned_u64 atime;
	__aligned_u64 mtime;
	__aligned_u64 ctime;
	__aligned_u64 btime;
	__aligned_u64 offset;
	__aligned_u64 alloc_end;
};

/* Most extended attributes of one inode */
#define CKPT_SB_XATTRS_MAX	32768

/**
 * struct ckpt_hdr_sb_xattr - an extended attribute
 * @h: type CKPT_HDR_SB_XATTR
 * @len: length of the value, in bytes
 * @reserved: 0
 * @value: padded with zeros
 *
 * A struct ckpt_hdr_string with its name follows.
 */
struct ckpt_hdr_sb_xattr {
	struct ckpt_hdr h;
	__u32 len;
	__u32 reserved;
	__u8 value[];
};

/**
 * struct ckpt_sb_run - pages that are allocated and were never written to
 * @index: number of the first
 * @nr: how many
 */
struct ckpt_sb_run {
	__aligned_u64 index;
	__aligned_u64 nr;
};

#define CKPT_SB_ALLOC_MAX	256

/**
 * struct ckpt_hdr_sb_alloc - what fallocate(2) got
 * @h: type CKPT_HDR_SB_ALLOC
 * @nr: number of entries, at most CKPT_SB_ALLOC_MAX; 0 ends this
 * @reserved: 0
 * @runs: in ascending order
 */
struct ckpt_hdr_sb_alloc {
	struct ckpt_hdr h;
	__u32 nr;
	__u32 reserved;
	struct ckpt_sb_run runs[];
};

/* --------------------------------------------------------------- sockets */

/* struct ckpt_hdr_sock.flags */
#define CKPT_SOCK_NO_FILE	0x1	/* it was not accepted yet */
#define CKPT_SOCK_DEAD		0x2	/* closed, or of others: a name only */

/**
 * struct ckpt_hdr_sock - object: a socket
 * @h: type CKPT_HDR_SOCK
 * @family: AF_*
 * @type: SOCK_*
 * @protocol: as socket(2) was told
 * @flags: CKPT_SOCK_*
 * @net: objref of its network namespace, or 0: that of whoever restarts
 * @state: enum socket_state of the file
 * @sndbuf: SO_SNDBUF, in bytes
 * @rcvbuf: SO_RCVBUF, in bytes
 * @rcvtimeo_us: SO_RCVTIMEO, in microseconds, ~0 for none
 * @sndtimeo_us: SO_SNDTIMEO, likewise
 * @uid: owner of its inode
 * @gid: group of its inode
 * @mode: mode of its inode
 * @peer_cred: SO_PEERCRED: objref of the credentials, or 0
 * @peer_pid: SO_PEERCRED: pid slot + 1, or 0
 * @peer_dead: the same of a process that is not in the tree: objref of the
 *	pid, or 0
 * @nr_opts: number of entries in the CKPT_HDR_SOCK_OPTS that follows
 * @nr_insns: number of entries in the CKPT_HDR_SOCK_FILTER after that
 *
 * The record of the family follows.
 */
struct ckpt_hdr_sock {
	struct ckpt_hdr h;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 flags;
	__u32 net;
	__u32 state;
	__u32 sndbuf;
	__u32 rcvbuf;
	__aligned_u64 rcvtimeo_us;
	__aligned_u64 sndtimeo_us;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 peer_cred;
	__u32 peer_pid;
	__u32 peer_dead;
	__u32 nr_opts;
	__u32 nr_insns;
};

#define CKPT_SOCK_OPTS_MAX	64

/**
 * struct ckpt_sock_opt - an option of a socket
 * @name: SO_*
 * @len: bytes of @value in use
 * @value: as getsockopt(2) shows it
 */
struct ckpt_sock_opt {
	__u32 name;
	__u32 len;
	__u8 value[16];
};

/**
 * struct ckpt_hdr_sock_opts - options of a socket
 * @h: type CKPT_HDR_SOCK_OPTS
 * @opts: in the order in which they are set
 */
struct ckpt_hdr_sock_opts {
	struct ckpt_hdr h;
	struct ckpt_sock_opt opts[];
};

/**
 * struct ckpt_sock_insn - an instruction of a filter: struct sock_filter
 * @code: what to do
 * @jt: where to go on if it is true
 * @jf: where to go on if it is false
 * @k: for what it is
 */
struct ckpt_sock_insn {
	__u16 code;
	__u8 jt;
	__u8 jf;
	__u32 k;
};

#define CKPT_SOCK_INSNS_MAX	4096

/**
 * struct ckpt_hdr_sock_filter - a program of a socket, or of a group of them
 * @h: type CKPT_HDR_SOCK_FILTER
 * @insns: the program
 */
struct ckpt_hdr_sock_filter {
	struct ckpt_hdr h;
	struct ckpt_sock_insn insns[];
};

/* struct ckpt_hdr_sock_group.flags */
#define CKPT_SOCK_GROUP_CONNS	0x1	/* SO_REUSEPORT: one is, or was, connected */
#define CKPT_SOCK_GROUP_NONE	0x2	/* SO_REUSEPORT: this one is in none */

/* Most sockets in a group of an image */
#define CKPT_SOCK_GROUP_MAX	32768

/**
 * struct ckpt_hdr_sock_group - sockets of which one is chosen for what comes
 * @h: type CKPT_HDR_SOCK_GROUP
 * @nr: how many there are
 * @flags: CKPT_SOCK_GROUP_*
 * @nr_insns: number of instructions of the program that chooses, in a
 *	CKPT_HDR_SOCK_FILTER that follows; 0 if there is none
 * @reserved: 0
 * @socks: objrefs of the sockets, in the order in which they are numbered;
 *	padded with 0
 *
 * They share a port by SO_REUSEPORT, or are in a group of PACKET_FANOUT. It
 * stands behind a CKPT_HDR_LATE_FILE of kind CKPT_FILE_SOCK_GROUP that names the
 * first of them, and behind those that complete them. Those with
 * CKPT_SOCK_GROUP_NONE come before the others: such a socket would join a group
 * when it is bound, as the one that it left when it was connected.
 */
struct ckpt_hdr_sock_group {
	struct ckpt_hdr h;
	__u32 nr;
	__u32 flags;
	__u32 nr_insns;
	__u32 reserved;
	__u32 socks[];
};

/* Bytes in one CKPT_HDR_SOCK_DATA */
#define CKPT_SOCK_DATA_MAX	(64 * 1024)

/**
 * struct ckpt_hdr_sock_data - bytes that were sent and not received
 * @h: type CKPT_HDR_SOCK_DATA
 * @data: CKPT_SOCK_DATA_MAX of them, or what is left; padded with zeros
 */
struct ckpt_hdr_sock_data {
	struct ckpt_hdr h;
	__u8 data[];
};

/**
 * struct ckpt_inet_opt - an option of an internet socket
 * @level: SOL_IP or SOL_IPV6
 * @name: IP_* or IPV6_*
 * @value: as getsockopt(2) shows it; of IP_TTL, IPV6_UNICAST_HOPS -1 for the
 *	default
 */
struct ckpt_inet_opt {
	__u16 level;
	__u16 name;
	__s32 value;
};

#define CKPT_INET_OPTS_MAX	96

/**
 * struct ckpt_hdr_inet - options of a socket of AF_INET or AF_INET6
 * @h: type CKPT_HDR_INET
 * @nr_opts: number of entries in @opts
 * @nr_data: number of CKPT_HDR_INET_DATA that follow
 * @nr_groups: number of CKPT_HDR_INET_GROUP that follow those
 * @v6only: IPV6_V6ONLY
 * @srcprefs: IPV6_ADDR_PREFERENCES, as the kernel has it: 0 for the default
 * @rcv_tos: type of service of what an IPv4 connection received
 * @rcv_flowinfo: traffic class and flow label of what an IPv6 connection
 *	received, big-endian
 * @uc_index: IP_UNICAST_IF
 * @mc_index: IP_MULTICAST_IF: index of the device; of a connection, that it
 *	came through
 * @mc_addr: and the address that was given for it, big-endian
 * @ucast_oif: IPV6_UNICAST_IF
 * @mcast_oif: IPV6_MULTICAST_IF
 * @tskey: SO_TIMESTAMPING: number of the next packet
 * @drops: SO_RXQ_OVFL: messages dropped so far
 * @stamped: SIOCGSTAMP: somebody has asked for it
 * @zckey: MSG_ZEROCOPY: number of the next completion
 * @stamp_ns: SIOCGSTAMP: when the last message came, in nanoseconds of
 *	CLOCK_REALTIME; -1 s for none
 * @bound_dev: SO_BINDTODEVICE: name of the device whose index is in the
 *	options, or zeros
 * @opts: in the order in which they are set
 */
struct ckpt_hdr_inet {
	struct ckpt_hdr h;
	__u32 nr_opts;
	__u32 nr_data;
	__u32 nr_groups;
	__u32 v6only;
	__u32 srcprefs;
	__u32 rcv_tos;
	__u32 rcv_flowinfo;
	__u32 uc_index;
	__u32 mc_index;
	__u32 mc_addr;
	__u32 ucast_oif;
	__u32 mcast_oif;
	__u32 tskey;
	__u32 drops;
	__u32 stamped;
	__u32 zckey;
	__s64 stamp_ns;
	__u8 bound_dev[16];
	struct ckpt_inet_opt opts[];
};

/* Longest value of an option: an IPv6 extension header */
#define CKPT_INET_DATA_MAX	2048

/**
 * struct ckpt_hdr_inet_data - an option that is no number
 * @h: type CKPT_HDR_INET_DATA
 * @level: SOL_IP or SOL_IPV6
 * @name: IP_OPTIONS, IPV6_PKTINFO, or a header that each packet sent has
 * @len: bytes in @data that are in use; padded with zeros
 * @reserved: 0
 * @data: as setsockopt(2) takes it
 */
struct ckpt_hdr_inet_data {
	struct ckpt_hdr h;
	__u32 level;
	__u32 name;
	__u32 len;
	__u32 reserved;
	__u8 data[];
};

/* struct ckpt_hdr_inet_group.mode */
enum ckpt_inet_mode {
	CKPT_INET_EXCLUDE,	/* all sources but these */
	CKPT_INET_INCLUDE,	/* these sources */
	CKPT_INET_ANYCAST,	/* IPV6_JOIN_ANYCAST */
	CKPT_INET_MODE_MAX
};

/* Most sources of one group */
#define CKPT_INET_SRC_MAX	8192

/**
 * struct ckpt_hdr_inet_group - membership of a multicast group
 * @h: type CKPT_HDR_INET_GROUP
 * @level: SOL_IP or SOL_IPV6
 * @mode: enum ckpt_inet_mode
 * @ifindex: of the device
 * @nr_src: number of addresses in @src
 * @iface: SOL_IP: the address that was given for the device, big-endian
 * @reserved: 0
 * @group: address of the group, IPv6; an IPv4 one is mapped
 * @src: addresses of sources, likewise
 */
struct ckpt_hdr_inet_group {
	struct ckpt_hdr h;
	__u32 level;
	__u32 mode;
	__u32 ifindex;
	__u32 nr_src;
	__u32 iface;
	__u32 reserved;
	__u8 group[16];
	__u8 src[][16];
};

/* struct ckpt_hdr_inet_addr.flags */
#define CKPT_INET_ADDR_LOCK	0x1	/* bound to an address by bind(2) */
#define CKPT_INET_PORT_LOCK	0x2	/* bound to a port by bind(2) */
#define CKPT_INET_CONNECTED	0x4	/* a datagram socket with a peer */

/**
 * struct ckpt_hdr_inet_addr - where an internet socket is, and its peer
 * @h: type CKPT_HDR_INET_ADDR
 * @flags: CKPT_INET_*
 * @sport: local port, or what takes its place, in host order; 0 for none
 * @dport: port of the peer, likewise
 * @shutdown: 1 no more is received, 2 no more is sent
 * @err: SO_ERROR, positive
 * @err_soft: an error that does not end a connection, positive
 * @flow_label: of what is sent to the peer, big-endian
 * @reserved: 0
 * @bound: the address that it is bound to, IPv6; of an AF_INET socket it
 *	is mapped; zeros for any
 * @saddr: the address that it sends from, likewise
 * @daddr: address of the peer, likewise
 */
struct ckpt_hdr_inet_addr {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 sport;
	__u32 dport;
	__u32 shutdown;
	__u32 err;
	__u32 err_soft;
	__u32 flow_label;
	__u32 reserved;
	__u8 bound[16];
	__u8 saddr[16];
	__u8 daddr[16];
};

/**
 * struct ckpt_hdr_inet_dgram - what a datagram socket of the internet holds
 * @h: type CKPT_HDR_INET_DGRAM
 * @nr: number of CKPT_HDR_INET_SKB that follow: messages not received yet
 * @nr_err: and of those that follow these: messages about errors
 * @corked: 1 if a CKPT_HDR_UDP_CORK follows
 * @reserved: 0
 */
struct ckpt_hdr_inet_dgram {
	struct ckpt_hdr h;
	__u32 nr;
	__u32 nr_err;
	__u32 corked;
	__u32 reserved;
};

/* Longest message, with its headers */
#define CKPT_INET_SKB_MAX	(128 * 1024)
/* Of them, at the beginning, with all that is looked at as a header */
#define CKPT_INET_HEAD_MAX	4096

/* struct ckpt_hdr_inet_skb.flags */
#define CKPT_INET_SKB_IPV6	0x1	/* it has an IPv6 header */
#define CKPT_INET_SKB_PEEKED	0x2	/* somebody has looked at it */
#define CKPT_INET_SKB_L3SLAVE	0x4	/* it came through a VRF */
#define CKPT_INET_SKB_HOPOPTS	0x8	/* it has hop-by-hop options */
#define CKPT_INET_SKB_CHECKED	0x10	/* its checksum need not be computed */
#define CKPT_INET_SKB_COMPLETE	0x20	/* @csum is that of all of it */
#define CKPT_INET_SKB_PARTIAL	0x40	/* UDP-Lite: a part of it is covered */

/**
 * struct ckpt_hdr_inet_skb - a message in a queue
 * @h: type CKPT_HDR_INET_SKB
 * @flags: CKPT_INET_SKB_*
 * @len: bytes, headers too, that follow in CKPT_HDR_SOCK_DATA
 * @data: where in them the data begin that are received
 * @network: where the IP header is
 * @transport: where the header of the protocol is
 * @iif: index of the device that it came through
 * @skb_iif: the same, without regard to a VRF
 * @spec_dst: IPv4: address of this machine that it was sent to, big-endian
 * @time_ns: when it came, in nanoseconds of CLOCK_REALTIME, or 0
 * @hwtime_ns: the same by the device's clock
 * @mark: SO_MARK of the packet
 * @csum: sum so far, if it is to be checked, or with COMPLETE that of all
 * @cscov: UDP-Lite: bytes that the checksum covers
 * @gso_size: UDP_GRO: size of the datagrams that it was put together from
 * @frag_max_size: size of the largest fragment that it came in, or 0
 * @dropcount: SO_RXQ_OVFL: messages dropped before it
 * @dst0: IPv6: where the headers are that were before the routing header,
 *	from @network on; likewise @srcrt, @dst1 and @lastopt
 * @srcrt: routing header
 * @dst1: destination options
 * @lastopt: the last of the headers
 * @ee_errno: message about an error: see struct sock_extended_err; what is
 *	in the receive queue has zeros from here on
 * @ee_origin: likewise
 * @ee_type: likewise
 * @ee_code: likewise
 * @reserved: 0
 * @ee_info: likewise
 * @ee_data: likewise
 * @addr_offset: where the address is that it is about, from @network on
 * @port: and the port, big-endian
 */
struct ckpt_hdr_inet_skb {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 len;
	__u32 data;
	__u32 network;
	__u32 transport;
	__u32 iif;
	__u32 skb_iif;
	__u32 spec_dst;
	__s64 time_ns;
	__s64 hwtime_ns;
	__u32 mark;
	__u32 csum;
	__u16 cscov;
	__u16 gso_size;
	__u16 frag_max_size;
	__u16 dst0;
	__u16 srcrt;
	__u16 dst1;
	__u16 lastopt;
	__u16 addr_offset;
	__u32 dropcount;
	__u32 ee_errno;
	__u8 ee_origin;
	__u8 ee_type;
	__u8 ee_code;
	__u8 reserved;
	__u32 ee_info;
	__u32 ee_data;
	__u32 port;
};

/* struct ckpt_hdr_udp.flags */
#define CKPT_UDP_CORK		0x1	/* UDP_CORK */
#define CKPT_UDP_NO_CHECK6_TX	0x2	/* UDP_NO_CHECK6_TX */
#define CKPT_UDP_NO_CHECK6_RX	0x4	/* UDP_NO_CHECK6_RX */
#define CKPT_UDP_GRO		0x8	/* UDP_GRO */
#define CKPT_UDP_SEND_CSCOV	0x10	/* UDPLITE_SEND_CSCOV is set */
#define CKPT_UDP_RECV_CSCOV	0x20	/* UDPLITE_RECV_CSCOV is set */

/**
 * struct ckpt_hdr_udp - options of a UDP or UDP-Lite socket
 * @h: type CKPT_HDR_UDP
 * @flags: CKPT_UDP_*
 * @gso_size: UDP_SEGMENT
 * @send_cscov: UDPLITE_SEND_CSCOV
 * @recv_cscov: UDPLITE_RECV_CSCOV
 */
struct ckpt_hdr_udp {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 gso_size;
	__u32 send_cscov;
	__u32 recv_cscov;
};

/**
 * struct ckpt_hdr_udp_cork - a datagram that is not complete
 * @h: type CKPT_HDR_UDP_CORK
 * @family: AF_INET or AF_INET6: of the packets that it is to be sent in
 * @len: its bytes so far, which follow in CKPT_HDR_SOCK_DATA
 * @dport: port that it is for, in host order
 * @oif: index of the device that it goes through, or 0
 * @ttl: TTL, 0 for that of the socket; hop limit
 * @tos: type of service, -1 for that of the socket; traffic class
 * @gso_size: UDP_SEGMENT
 * @dontfrag: IPV6_DONTFRAG
 * @saddr: address that it is sent from, IPv6 or mapped
 * @daddr: address that it is for, likewise
 */
struct ckpt_hdr_udp_cork {
	struct ckpt_hdr h;
	__u32 family;
	__u32 len;
	__u32 dport;
	__u32 oif;
	__s32 ttl;
	__s32 tos;
	__u32 gso_size;
	__u32 dontfrag;
	__u8 saddr[16];
	__u8 daddr[16];
};

/**
 * struct ckpt_hdr_raw - options of a raw socket
 * @h: type CKPT_HDR_RAW
 * @checksum: IPV6_CHECKSUM: packets have one
 * @offset: and where, in bytes
 * @filter: ICMP_FILTER, in the first word, or ICMP6_FILTER
 */
struct ckpt_hdr_raw {
	struct ckpt_hdr h;
	__u32 checksum;
	__u32 offset;
	__u32 filter[8];
};

/**
 * struct ckpt_hdr_unix - the name of a unix socket
 * @h: type CKPT_HDR_UNIX
 * @name_len: length of @name, in bytes, as getsockname(2) has it; 0 for none
 * @reserved: 0
 * @name: struct sockaddr_un, with the terminating 0 of a path
 */
struct ckpt_hdr_unix {
	struct ckpt_hdr h;
	__u32 name_len;
	__u32 reserved;
	__u8 name[112];
};

/* struct ckpt_hdr_unix_late.state */
enum ckpt_unix_state {
	CKPT_UNIX_CLOSE,
	CKPT_UNIX_ESTABLISHED,
	CKPT_UNIX_LISTEN,
	CKPT_UNIX_STATE_MAX
};

/* struct ckpt_hdr_unix_late.flags */
#define CKPT_UNIX_BOUND		0x1	/* its name is its own: it is found by it */
#define CKPT_UNIX_PATH		0x2	/* the path of its inode follows */
#define CKPT_UNIX_SERVER	0x4	/* its peer is found by name, outside */
#define CKPT_UNIX_SERVER_PATH	0x8	/* the path of its peer follows */

/**
 * struct ckpt_hdr_unix_late - what a unix socket is connected to and holds
 * @h: type CKPT_HDR_UNIX_LATE
 * @flags: CKPT_UNIX_*
 * @state: enum ckpt_unix_state
 * @peer: objref of the socket that it is connected to, or 0
 * @shutdown: RCV_SHUTDOWN, SEND_SHUTDOWN
 * @err: pending error, an errno
 * @backlog: of listen(2); of a datagram socket, the length of its queue
 * @nr: number of CKPT_HDR_UNIX_MSG that follow: messages in the queue, or
 *	connections that wait to be accepted
 * @mnt: number of the mount that the path is in, or 0
 * @server_mnt: the same of the path of the peer
 * @mode: of the inode of the path, without its type, with CKPT_UNIX_BOUND
 * @uid: its owner, in the user namespace of the caller of checkpoint, or -1
 * @gid: its group, likewise
 *
 * With CKPT_UNIX_PATH a struct ckpt_hdr_string comes first: the path of the
 * socket's inode within that mount. So does, after that, with
 * CKPT_UNIX_SERVER_PATH the path of the inode of the peer.
 */
struct ckpt_hdr_unix_late {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 state;
	__u32 peer;
	__u32 shutdown;
	__u32 err;
	__u32 backlog;
	__u32 nr;
	__u32 mnt;
	__u32 server_mnt;
	__u32 mode;
	__u32 uid;
	__u32 gid;
};

/* struct ckpt_hdr_unix_msg.flags */
#define CKPT_UNIX_OOB		0x1	/* MSG_OOB, not received yet */
#define CKPT_UNIX_CREDS		0x2	/* uid and gid of the sender are known */

/* Open files in one message */
#define CKPT_UNIX_FILES_MAX	253

/**
 * struct ckpt_hdr_unix_msg - a message, or a connection to be accepted
 * @h: type CKPT_HDR_UNIX_MSG
 * @sock: objref of the socket that sent it; of a connection, that of its own
 *	end, and all else is 0
 * @flags: CKPT_UNIX_*
 * @pid: SCM_CREDENTIALS: pid slot + 1, or 0
 * @dead: the same of a process that is not in the tree: objref of the pid, or 0
 * @uid: SCM_CREDENTIALS
 * @gid: SCM_CREDENTIALS
 * @len: length in bytes
 * @head: how many of them are in one piece
 * @consumed: how many of them have been received
 * @nr_files: number of open files in it
 * @user: who is charged for them
 * @reserved: 0
 * @time_ns: when it was sent, CLOCK_REALTIME in nanoseconds; 0 if not known
 * @files: their objrefs
 *
 * What was not received of it follows, in CKPT_HDR_SOCK_DATA.
 */
struct ckpt_hdr_unix_msg {
	struct ckpt_hdr h;
	__u32 sock;
	__u32 flags;
	__u32 pid;
	__u32 dead;
	__u32 uid;
	__u32 gid;
	__u32 len;
	__u32 head;
	__u32 consumed;
	__u32 nr_files;
	__u32 user;
	__u32 reserved;
	__s64 time_ns;
	__u32 files[];
};

/* ------------------------------------------------------------------- TCP */

#define CKPT_TCP_OPTS_MAX	32

/**
 * struct ckpt_hdr_tcp - options of a TCP socket
 * @h: type CKPT_HDR_TCP
 * @ca: TCP_CONGESTION, NUL-padded
 * @user_mss: TCP_MAXSEG, in bytes, or 0
 * @nr_opts: number of entries in @opts
 * @opts: options of SOL_TCP, in the order in which they are set
 */
struct ckpt_hdr_tcp {
	struct ckpt_hdr h;
	__u8 ca[16];
	__u32 user_mss;
	__u32 nr_opts;
	struct ckpt_sock_opt opts[];
};

/* struct ckpt_hdr_tcp_late.flags */
#define CKPT_TCP_TSTAMP		0x1	/* both ends send timestamps */
#define CKPT_TCP_USEC		0x2	/* those of this one are in microseconds */
#define CKPT_TCP_SACK		0x4	/* both ends understand SACK */
#define CKPT_TCP_WSCALE		0x8	/* windows are scaled */
#define CKPT_TCP_DONE		0x10	/* the peer has sent all that it will */
#define CKPT_TCP_PINGPONG	0x20	/* acknowledgments are delayed */

/**
 * struct ckpt_hdr_tcp_late - what a TCP socket is connected to and holds
 * @h: type CKPT_HDR_TCP_LATE
 * @state: TCP_*, as /proc/net/tcp shows it
 * @flags: CKPT_TCP_*
 * @backlog: of listen(2)
 * @nr_waiting: listening: number of CKPT_HDR_TCP_WAITING that follow
 * @rcv_bytes: bytes that were not read yet
 * @nr_segs: number of CKPT_HDR_TCP_SEG that follow: what was not acknowledged
 * @snd_una: first sequence number that was not acknowledged
 * @snd_nxt: the next one to be sent
 * @write_seq: that of the next byte to be written
 * @rcv_nxt: the next one to be received
 * @copied_seq: the next one to be read
 * @rcv_wup: @rcv_nxt when a window was last announced
 * @rcv_wnd: that window, in bytes
 * @snd_wl1: sequence number of what announced @snd_wnd
 * @snd_wnd: window of the peer, in bytes
 * @max_window: largest window of the peer so far, in bytes
 * @window_clamp: most that is ever announced, in bytes
 * @rcv_ssthresh: most that is announced now, in bytes
 * @snd_wscale: shift of the windows of the peer
 * @rcv_wscale: shift of those that are announced
 * @mss_clamp: largest segment that the peer takes, in bytes
 * @ecn: TCP_ECN_*
 * @nonagle: TCP_NAGLE_*
 * @urg_seq: where the urgent byte of the peer is
 * @urg_data: that byte, and TCP_URG_*
 * @snd_up: where the urgent data that is sent ends
 * @tsval: timestamp that a segment sent at @time_ns would have had
 * @ts_recent: the last one of the peer
 * @ts_recent_age_s: how old that was, in seconds; ~0 if there is none
 * @srtt_us: smoothed round-trip time, in eighths of a microsecond
 * @rttvar_us: its deviation, likewise as the kernel keeps it
 * @reserved: 0
 * @time_ns: CLOCK_REALTIME when this was read, in nanoseconds
 *
 * The CKPT_HDR_TCP_WAITING, or the unread bytes in CKPT_HDR_SOCK_DATA, and
 * each CKPT_HDR_TCP_SEG with its bytes follow.
 */
struct ckpt_hdr_tcp_late {
	struct ckpt_hdr h;
	__u32 state;
	__u32 flags;
	__u32 backlog;
	__u32 nr_waiting;
	__u32 rcv_bytes;
	__u32 nr_segs;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 write_seq;
	__u32 rcv_nxt;
	__u32 copied_seq;
	__u32 rcv_wup;
	__u32 rcv_wnd;
	__u32 snd_wl1;
	__u32 snd_wnd;
	__u32 max_window;
	__u32 window_clamp;
	__u32 rcv_ssthresh;
	__u32 snd_wscale;
	__u32 rcv_wscale;
	__u32 mss_clamp;
	__u32 ecn;
	__u32 nonagle;
	__u32 urg_seq;
	__u32 urg_data;
	__u32 snd_up;
	__u32 tsval;
	__u32 ts_recent;
	__u32 ts_recent_age_s;
	__u32 srtt_us;
	__u32 rttvar_us;
	__u32 reserved;
	__s64 time_ns;
};

/* struct ckpt_hdr_tcp_seg.flags */
#define CKPT_TCP_SENT		0x1	/* it was sent before */
#define CKPT_TCP_PUSH		0x2	/* PSH */
#define CKPT_TCP_EOR		0x4	/* MSG_EOR: nothing is added to it */
#define CKPT_TCP_FIN		0x8	/* it ends the stream */

/* Bytes in one CKPT_HDR_TCP_SEG */
#define CKPT_TCP_SEG_MAX	(32 * 1024)

/**
 * struct ckpt_hdr_tcp_seg - a part of what was not acknowledged
 * @h: type CKPT_HDR_TCP_SEG
 * @len: bytes, which follow in CKPT_HDR_SOCK_DATA; 0 with CKPT_TCP_FIN only
 * @flags: CKPT_TCP_*; those that were sent come first
 */
struct ckpt_hdr_tcp_seg {
	struct ckpt_hdr h;
	__u32 len;
	__u32 flags;
};

/**
 * struct ckpt_hdr_tcp_waiting - a connection that waits to be accepted
 * @h: type CKPT_HDR_TCP_WAITING
 * @sock: objref of its socket
 * @reserved: 0
 */
struct ckpt_hdr_tcp_waiting {
	struct ckpt_hdr h;
	__u32 sock;
	__u32 reserved;
};

/* struct ckpt_hdr_netlink.flags */
#define CKPT_NETLINK_PKTINFO		0x1	/* NETLINK_PKTINFO */
#define CKPT_NETLINK_BROADCAST_ERROR	0x2	/* NETLINK_BROADCAST_ERROR */
#define CKPT_NETLINK_NO_ENOBUFS		0x4	/* NETLINK_NO_ENOBUFS */
#define CKPT_NETLINK_ALL_NSID		0x8	/* NETLINK_LISTEN_ALL_NSID */
#define CKPT_NETLINK_CAP_ACK		0x10	/* NETLINK_CAP_ACK */
#define CKPT_NETLINK_EXT_ACK		0x20	/* NETLINK_EXT_ACK */
#define CKPT_NETLINK_STRICT		0x40	/* NETLINK_GET_STRICT_CHK */
#define CKPT_NETLINK_BOUND		0x80	/* it has a port id */
#define CKPT_NETLINK_CONNECTED		0x100	/* connect(2) */
#define CKPT_NETLINK_CONGESTED		0x200	/* it has lost messages */

/**
 * struct ckpt_hdr_netlink - a netlink socket
 * @h: type CKPT_HDR_NETLINK
 * @flags: CKPT_NETLINK_*
 * @portid: its port id
 * @dst_portid: where connect(2) has said that messages go to
 * @dst_group: the group that they go to, or 0
 */
struct ckpt_hdr_netlink {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 portid;
	__u32 dst_portid;
	__u32 dst_group;
};

/**
 * struct ckpt_hdr_netlink_late - what a netlink socket holds
 * @h: type CKPT_HDR_NETLINK_LATE
 * @nr: number of CKPT_HDR_NETLINK_MSG that follow
 * @err: pending error, an errno
 * @nr_groups: number of entries in @groups
 * @reserved: 0
 * @groups: the groups that it has joined, from 1, in ascending order
 */
struct ckpt_hdr_netlink_late {
	struct ckpt_hdr h;
	__u32 nr;
	__u32 err;
	__u32 nr_groups;
	__u32 reserved;
	__u32 groups[];
};

/* struct ckpt_hdr_netlink_msg.flags */
#define CKPT_NETLINK_KERNEL	0x1	/* the kernel has sent it: no @uid, @gid */
#define CKPT_NETLINK_NSID	0x2	/* it is known where: @nsid */

/**
 * struct ckpt_hdr_netlink_msg - a message that was not received
 * @h: type CKPT_HDR_NETLINK_MSG
 * @flags: CKPT_NETLINK_*
 * @portid: who sent it
 * @dst_group: the group that it was sent to, or 0
 * @pid: SCM_CREDENTIALS: as the sender knew it
 * @uid: SCM_CREDENTIALS
 * @gid: SCM_CREDENTIALS
 * @nsid: the network namespace that it is from, as the receiver calls it
 * @len: its length, in bytes
 *
 * CKPT_HDR_SOCK_DATA follow.
 */
struct ckpt_hdr_netlink_msg {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 portid;
	__u32 dst_group;
	__u32 pid;
	__u32 uid;
	__u32 gid;
	__s32 nsid;
	__u32 len;
};

/* struct ckpt_hdr_packet.flags */
#define CKPT_PACKET_ORIGDEV		0x1	/* PACKET_ORIGDEV */
#define CKPT_PACKET_AUXDATA		0x2	/* PACKET_AUXDATA */
#define CKPT_PACKET_TX_HAS_OFF		0x4	/* PACKET_TX_HAS_OFF */
#define CKPT_PACKET_LOSS		0x8	/* PACKET_LOSS */
#define CKPT_PACKET_QDISC_BYPASS	0x10	/* PACKET_QDISC_BYPASS */
#define CKPT_PACKET_IGNORE_OUTGOING	0x20	/* PACKET_IGNORE_OUTGOING */
#define CKPT_PACKET_RX_RING		0x40	/* PACKET_RX_RING */
#define CKPT_PACKET_TX_RING		0x80	/* PACKET_TX_RING */

/**
 * struct ckpt_packet_member - PACKET_ADD_MEMBERSHIP
 * @ifindex: interface index of the device
 * @count: how often it was added
 * @type: PACKET_MR_*
 * @alen: length of @addr, in bytes
 * @addr: the address
 */
struct ckpt_packet_member {
	__s32 ifindex;
	__u32 count;
	__u32 type;
	__u32 alen;
	__u8 addr[32];
};

/**
 * struct ckpt_hdr_packet - a packet socket
 * @h: type CKPT_HDR_PACKET
 * @flags: CKPT_PACKET_*
 * @version: PACKET_VERSION
 * @reserve: PACKET_RESERVE, in bytes
 * @tstamp: PACKET_TIMESTAMP
 * @copy_thresh: PACKET_COPY_THRESH
 * @vnet_hdr_sz: PACKET_VNET_HDR_SZ, in bytes
 * @nr_members: number of entries in @member
 * @reserved: 0
 * @member: what it has joined, the last one first
 *
 * Followed by a CKPT_HDR_PACKET_RING for each ring, that for receiving first.
 */
struct ckpt_hdr_packet {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 version;
	__u32 reserve;
	__u32 tstamp;
	__s32 copy_thresh;
	__u32 vnet_hdr_sz;
	__u32 nr_members;
	__u32 reserved;
	struct ckpt_packet_member member[];
};

/**
 * struct ckpt_hdr_packet_ring - a ring that a packet socket shares with programs
 * @h: type CKPT_HDR_PACKET_RING
 * @block_size: bytes of a block
 * @block_nr: number of blocks
 * @frame_size: bytes of a frame
 * @frame_nr: number of frames
 * @retire_ms: version 3, for receiving: when a block is given to the program at
 *	the latest, in milliseconds
 * @priv: and bytes of each block that are the program's own
 * @features: and TP_FT_REQ_*
 * @head: number of the frame that is next, or of the block
 * @frozen: version 3, for receiving: 1 if it waits for that block
 * @freezes: PACKET_STATISTICS: how often it did
 * @seq: version 3, for receiving: number that the next block to be opened gets
 *
 * Followed by CKPT_HDR_PACKET_BYTES.
 */
struct ckpt_hdr_packet_ring {
	struct ckpt_hdr h;
	__u32 block_size;
	__u32 block_nr;
	__u32 frame_size;
	__u32 frame_nr;
	__u32 retire_ms;
	__u32 priv;
	__u32 features;
	__u32 head;
	__u32 frozen;
	__u32 freezes;
	__u64 seq;
};

/* Most bytes of a ring in one record */
#define CKPT_PACKET_BYTES_MAX	65536

/**
 * struct ckpt_hdr_packet_bytes - what is in a ring
 * @h: type CKPT_HDR_PACKET_BYTES
 * @offset: where these bytes are in the ring; what is in no record is zero
 * @size: how many, in one block; 0 in the last record
 * @after: in the last record: how many frames, or blocks, from ``head`` on were
 *	filled after ``head`` was read: they are empty
 * @data: the bytes, and zeroes up to a multiple of 8
 */
struct ckpt_hdr_packet_bytes {
	struct ckpt_hdr h;
	__u64 offset;
	__u32 size;
	__u32 after;
	__u8 data[];
};

/**
 * struct ckpt_hdr_packet_late - what a packet socket is bound to, and holds
 * @h: type CKPT_HDR_PACKET_LATE
 * @nr: number of CKPT_HDR_PACKET_MSG that follow
 * @err: pending error, an errno
 * @ifindex: interface index of the device that it is bound to; 0 for all, -1 if
 *	that has gone
 * @protocol: which packets it gets, ETH_P_*; 0 for none
 * @packets: PACKET_STATISTICS: packets received
 * @drops: and lost
 * @fanout_id: PACKET_FANOUT: number of the group
 * @fanout_type: PACKET_FANOUT_* of the group
 * @fanout_max: most sockets that it may have, or 0: it is in none
 * @reserved: 0
 */
struct ckpt_hdr_packet_late {
	struct ckpt_hdr h;
	__u32 nr;
	__u32 err;
	__s32 ifindex;
	__u32 protocol;
	__u32 packets;
	__u32 drops;
	__u32 fanout_id;
	__u32 fanout_type;
	__u32 fanout_max;
	__u32 reserved;
};

/* struct ckpt_hdr_packet_msg.flags */
#define CKPT_PACKET_VLAN	0x1	/* with @vlan_tci, @vlan_proto */
#define CKPT_PACKET_CSUM_VALID	0x2	/* its checksum was found to be right */

/* Longest header before what is received of a packet, in bytes */
#define CKPT_PACKET_MAC_MAX	128

/* struct ckpt_hdr_packet_msg.gso */
enum ckpt_packet_gso {
	CKPT_PACKET_GSO_NONE,	/* one packet */
	CKPT_PACKET_GSO_TCP4,	/* several, that will be made of this one */
	CKPT_PACKET_GSO_TCP4_ECN,
	CKPT_PACKET_GSO_TCP6,
	CKPT_PACKET_GSO_TCP6_ECN,
	CKPT_PACKET_GSO_UDP,
};

/**
 * struct ckpt_hdr_packet_msg - a packet that was not received
 * @h: type CKPT_HDR_PACKET_MSG
 * @flags: CKPT_PACKET_*
 * @len: its length, in bytes
 * @head: how many of them are in one piece
 * @mac: bytes of the link layer's header that stand before these
 * @network: where its network header is, from the beginning of the @len bytes
 * @orig_len: its length before a filter has cut it
 * @ifindex: sll_ifindex
 * @hatype: sll_hatype
 * @pkttype: sll_pkttype
 * @halen: sll_halen
 * @protocol: sll_protocol
 * @csum: 0 for none, 1 if it need not be checked, 2 if it was made by the
 *	device, 3 if it has yet to be made
 * @csum_start: of the last: where it begins
 * @csum_offset: and where it is to be, from there
 * @vlan_tci: VLAN tag that the device has taken off
 * @vlan_proto: and its protocol
 * @gso: enum ckpt_packet_gso
 * @gso_size: of each of several packets, in bytes
 * @gso_segs: how many they are
 * @mac_len: length of the link layer's header with its VLAN tags, in bytes, or 0
 * @time_ns: when it came, CLOCK_REALTIME in nanoseconds; 0 if not known
 * @addr: sll_addr
 *
 * CKPT_HDR_SOCK_DATA follow, of @mac + @len bytes.
 */
struct ckpt_hdr_packet_msg {
	struct ckpt_hdr h;
	__u32 flags;
	__u32 len;
	__u32 head;
	__u32 mac;
	__s32 network;
	__u32 orig_len;
	__s32 ifindex;
	__u32 hatype;
	__u32 pkttype;
	__u32 halen;
	__u32 protocol;
	__u32 csum;
	__u32 csum_start;
	__u32 csum_offset;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 gso;
	__u32 gso_size;
	__u32 gso_segs;
	__u32 mac_len;
	__s64 time_ns;
	__u8 addr[32];
};

/**
 * struct ckpt_hdr_tun - an open file of /dev/net/tun
 * @h: type CKPT_HDR_TUN
 * @net: objref of the network namespace in which it was opened, or 0: that of
 *	whoever restarts
 * @dev_net: objref of the network namespace of its device, or 0: there is none
 * @dev: index of its device, or 0
 * @queue: which queue of that it is, as in struct ckpt_net_tun
 * @ifindex: TUNSETIFINDEX, of one without a device; else 0
 * @sndbuf: TUNGETSNDBUF, in bytes
 * @nr: number of CKPT_HDR_TUN_PACKET that follow: packets not read yet
 * @reserved: 0
 */
struct ckpt_hdr_tun {
	struct ckpt_hdr h;
	__u32 net;
	__u32 dev_net;
	__u32 dev;
	__u32 queue;
	__u32 ifindex;
	__u32 sndbuf;
	__u32 nr;
	__u32 reserved;
};

/**
 * struct ckpt_hdr_tun_packet - a packet in the queue of a tun or tap device
 * @h: type CKPT_HDR_TUN_PACKET
 * @len: its length, in bytes
 * @head: how many of them are in one piece
 * @protocol: ETH_P_*
 * @csum: as in struct ckpt_hdr_packet_msg; likewise those up to @gso_segs
 * @csum_start: see @csum
 * @csum_offset: see @csum
 * @vlan: it has @vlan_tci and @vlan_proto
 * @vlan_tci: VLAN tag
 * @vlan_proto: and its protocol
 * @gso: enum ckpt_packet_gso
 * @gso_size: see @csum
 * @gso_segs: see @csum
 *
 * CKPT_HDR_SOCK_DATA follow, of @len bytes.
 */
struct ckpt_hdr_tun_packet {
	struct ckpt_hdr h;
	__u32 len;
	__u32 head;
	__u32 protocol;
	__u32 csum;
	__u32 csum_start;
	__u32 csum_offset;
	__u32 vlan;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 gso;
	__u32 gso_size;
	__u32 gso_segs;
};

#endif /* _UAPI_LINUX_CHECKPOINT_HDR_H */
