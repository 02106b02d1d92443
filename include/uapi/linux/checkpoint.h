/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Checkpoint and restart of a task tree: flags and arguments of the
 * checkpoint(2), restart(2) and eclone(2) system calls.
 */
#ifndef _UAPI_LINUX_CHECKPOINT_H
#define _UAPI_LINUX_CHECKPOINT_H

#include <linux/types.h>

/* checkpoint(2) flags */
#define CHECKPOINT_SUBTREE	0x1	/* any task may be the root; what is shared is outside */
#define CHECKPOINT_NONETNS	0x2	/* leave the network namespace out */
#define CHECKPOINT_KILL		0x4	/* kill the tree once the image is complete */
#define CHECKPOINT_STOP		0x8	/* leave the tree in group stop */
#define CHECKPOINT_SNAPSHOT	0x10	/* write from copies while the tree runs */
#define CHECKPOINT_CONNTRACK	0x20	/* with the entries of connection tracking */

/* restart(2) flags */
#define RESTART_TASKSELF	0x1	/* replace the caller by the one task of the image */
#define RESTART_FROZEN		0x2	/* leave the restored tree in group stop */
#define RESTART_GHOST		0x4	/* reserved: linux-cr's, not needed here */
#define RESTART_KEEP_LSM	0x8	/* reserved: an image has no LSM labels */
#define RESTART_CONN_RESET	0x10	/* restored TCP connections are reset */
#define RESTART_NOPIDS		0x20	/* let the kernel choose new pids */
#define RESTART_MNTNS		0x40	/* a copy of the caller's mount namespace */
#define RESTART_CGROUP		0x80	/* the arguments have a cgroup */
#define RESTART_FORCE		0x100	/* also with files that were changed since */

/**
 * struct checkpoint_stats - what a checkpoint or a restart did
 * @total_ns: time of the whole call, in nanoseconds
 * @park_ns: checkpoint: time to bring every task to a stop; restart: 0
 * @stopped_ns: time from when the tree was told to stop until it was told to run
 *	on, or was killed; restart: 0
 * @collect_ns: time to count the shared objects
 * @tasks_ns: time to write or to rebuild the tasks and their objects
 * @memory_ns: part of @tasks_ns spent on the content of memory
 * @tasks: number of tasks, threads and zombies included
 * @objects: number of shared objects
 * @pages: pages of memory stored in, or read from, the image
 * @bytes: size of the image, in bytes
 * @snapshot: checkpoint: 1 if the image was written from copies while the tree
 *	ran, else 0
 * @duplicate_ns: checkpoint: part of @tasks_ns spent on duplicates of address
 *	spaces
 * @copied: checkpoint: pages that were copied before the tree ran, since no
 *	duplicate has them: of shared memory and files
 * @write_ns: checkpoint: time to write what was left of the image when the tree
 *	ran on
 *
 * Those from @snapshot on are stored where the caller says that there is room
 * for them, by @stats_size of struct checkpoint_args.
 */
struct checkpoint_stats {
	__aligned_u64 total_ns;
	__aligned_u64 park_ns;
	__aligned_u64 stopped_ns;
	__aligned_u64 collect_ns;
	__aligned_u64 tasks_ns;
	__aligned_u64 memory_ns;
	__aligned_u64 tasks;
	__aligned_u64 objects;
	__aligned_u64 pages;
	__aligned_u64 bytes;
	__aligned_u64 snapshot;
	__aligned_u64 duplicate_ns;
	__aligned_u64 copied;
	__aligned_u64 write_ns;
};

#define CHECKPOINT_STATS_SIZE_VER0	80
#define CHECKPOINT_STATS_SIZE_VER1	112

/**
 * struct checkpoint_args - optional arguments of checkpoint(2)
 * @stats: user pointer to a struct checkpoint_stats to fill in, or 0
 * @park_timeout_ms: how long to wait for a task to come to the boundary
 *	of user mode before giving up with -EBUSY, in milliseconds;
 *	0 for the default of 10 seconds
 * @write_timeout_ms: how long a pipe or socket that the image is written to
 *	may take nothing, while the tree stands still, before giving up with
 *	-ETIMEDOUT, in milliseconds; 0 for the default of 60 seconds
 * @stats_size: bytes that there are at @stats; 0 for
 *	CHECKPOINT_STATS_SIZE_VER0
 * @snapshot_min: with CHECKPOINT_SNAPSHOT, bytes of memory that the tree must
 *	have at least: if it has less, the image is written while it stands
 *	still. Else must be 0
 * @silence_ms: with CHECKPOINT_KILL, how long the connections of the tree in a
 *	network namespace that is not of the tree answer nothing unless they
 *	are restored there, in milliseconds, at most a day; 0 for the default
 *	of 5 minutes. Else must be 0
 *
 * Extensible: the size that the caller knows is passed beside it.
 */
struct checkpoint_args {
	__aligned_u64 stats;
	__aligned_u64 park_timeout_ms;
	__aligned_u64 write_timeout_ms;
	__aligned_u64 stats_size;
	__aligned_u64 snapshot_min;
	__aligned_u64 silence_ms;
};

#define CHECKPOINT_ARGS_SIZE_VER0	24
#define CHECKPOINT_ARGS_SIZE_VER1	40
#define CHECKPOINT_ARGS_SIZE_VER2	48

/**
 * struct restart_inherit - a file that the image names as external
 * @name: user pointer to the name in the image, a NUL-terminated string:
 *	the text of the /proc/PID/fd/N link at the time of the checkpoint
 * @fd: descriptor of the caller that takes its place
 * @reserved: must be 0
 */
struct restart_inherit {
	__aligned_u64 name;
	__s32 fd;
	__u32 reserved;
};

/**
 * struct restart_mount - what takes the place of an external mount
 * @name: user pointer to its name in the image, a NUL-terminated string: its
 *	mount point in the container
 * @fd: descriptor of the caller, for which O_PATH is enough, of a file or
 *	directory in its mount namespace that becomes the root of the mount
 * @reserved: must be 0
 */
struct restart_mount {
	__aligned_u64 name;
	__s32 fd;
	__u32 reserved;
};

/**
 * struct restart_veth - the end of a pair of veths that is outside of the tree
 * @name: of the end that is in the tree, NUL-padded
 * @outside: what the other end is to be called in the network namespace of the
 *	caller, NUL-padded
 * @bridge: the bridge there that it is to be a port of, NUL-padded; or empty
 */
struct restart_veth {
	char name[16];
	char outside[16];
	char bridge[16];
};

/**
 * struct restart_args - optional arguments of restart(2)
 * @stats: user pointer to a struct checkpoint_stats to fill in, or 0
 * @inherit: user pointer to an array of struct restart_inherit
 * @inherit_nr: number of its entries, at most RESTART_INHERIT_MAX
 * @tty_fd: descriptor of the caller that takes the place of an external
 *	terminal that is not in @inherit, or -1
 * @mounts: user pointer to an array of struct restart_mount
 * @mounts_nr: number of its entries, at most RESTART_MOUNTS_MAX
 * @join: CLONE_NEW*: kinds of namespaces that are not rebuilt: that of the
 *	caller takes the place of each of them
 * @cgroup_fd: with RESTART_CGROUP, a directory of the cgroup v2 hierarchy that
 *	takes the place of the cgroup that the tree was in; else 0
 * @reserved: must be 0
 * @veths: user pointer to an array of struct restart_veth
 * @veths_nr: number of its entries, at most RESTART_VETHS_MAX
 * @reserved2: must be 0
 *
 * Extensible: the size that the caller knows is passed beside it. Without
 * this argument nothing is inherited.
 */
struct restart_args {
	__aligned_u64 stats;
	__aligned_u64 inherit;
	__u32 inherit_nr;
	__s32 tty_fd;
	__aligned_u64 mounts;
	__u32 mounts_nr;
	__u32 join;
	__s32 cgroup_fd;
	__u32 reserved;
	__aligned_u64 veths;
	__u32 veths_nr;
	__u32 reserved2;
};

#define RESTART_ARGS_SIZE_VER0		24
#define RESTART_ARGS_SIZE_VER1		48
#define RESTART_ARGS_SIZE_VER2		64
#define RESTART_INHERIT_MAX		1024
#define RESTART_MOUNTS_MAX		1024
#define RESTART_VETHS_MAX		1024

/**
 * struct eclone_args - arguments of eclone(2)
 * @clone_flags_high: must be 0: no high clone flags are defined
 * @child_stack: lowest address of the child's stack, or 0 to share it
 * @child_stack_size: its size in bytes; 0 if @child_stack is 0
 * @parent_tid_ptr: user pointer for CLONE_PARENT_SETTID
 * @child_tid_ptr: user pointer for CLONE_CHILD_SETTID and _CLEARTID
 * @nr_pids: number of entries in the pids argument
 * @reserved0: must be 0
 */
struct eclone_args {
	__aligned_u64 clone_flags_high;
	__aligned_u64 child_stack;
	__aligned_u64 child_stack_size;
	__aligned_u64 parent_tid_ptr;
	__aligned_u64 child_tid_ptr;
	__u32 nr_pids;
	__u32 reserved0;
};

#define ECLONE_ARGS_SIZE_VER0		48

#endif /* _UAPI_LINUX_CHECKPOINT_H */
