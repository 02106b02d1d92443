/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The selftests of checkpoint and restart.
 *
 * A test is a program that is checkpointed: it sets some state up, says that
 * it is ready, and goes on, perhaps in another life, to check that the state
 * is still there:
 *
 *	CKPT_TEST(pipe_holds_data)
 *	{
 *		int fd[2];
 *		char c;
 *
 *		REQUIRE(!pipe(fd));
 *		REQUIRE(write(fd[1], "x", 1) == 1);
 *		ckpt_ready();
 *		CHECK_EQ(read(fd[0], &c, 1), 1);
 *		CHECK_EQ(c, 'x');
 *	}
 *
 * That body runs in a process of its own, the victim: the test program
 * executed again, so that nothing of the harness is in its memory. The driver
 * starts it, checkpoints and kills it, restarts it CKPT_ROUNDS times (5 unless
 * the environment says otherwise; 0 runs it without any checkpoint, which any
 * kernel can do), compares what /proc shows of it, and collects its verdict.
 * Each test runs as a part of the caller's pid namespace, as the init of a
 * container, and once more with the tree running on after the checkpoint.
 */
#ifndef LIBCKPTTEST_H
#define LIBCKPTTEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/checkpoint.h>
#include <linux/checkpoint_hdr.h>

#define __NR_ckpt_checkpoint	496
#define __NR_ckpt_restart	497
#define __NR_ckpt_eclone	498

/* Longest wait for anything that must happen, in seconds */
#define CKPT_WAIT_S		60
/* Time of one test, in seconds: emulated, with every debug option, 5 rounds */
#define CKPT_TEST_S		600

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(x)		(sizeof(x) / sizeof((x)[0]))
#endif

/* ------------------------------------------------------ inside the victim */

/**
 * struct ckpt_entry - one victim, by name
 * @name: its name
 * @fn: what it does
 * @next: the next one of this program
 */
struct ckpt_entry {
	const char *name;
	void (*fn)(void);
	struct ckpt_entry *next;
};

void ckpt_register(struct ckpt_entry *entry);

/* Define a victim that a test of its own drives. */
#define CKPT_VICTIM(victim)						\
	static void ckpt_victim_##victim(void);				\
	static struct ckpt_entry ckpt_entry_##victim = {		\
		.name = #victim, .fn = ckpt_victim_##victim,		\
	};								\
	static void __attribute__((constructor(9000)))			\
	ckpt_register_##victim(void)					\
	{								\
		ckpt_register(&ckpt_entry_##victim);			\
	}								\
	static void ckpt_victim_##victim(void)

/*
 * Say that the state is set up, and wait to be told to go on. The victim is
 * checkpointed while it waits here.
 */
void ckpt_ready(void);

/* A check failed: tell the driver, and go on. */
void ckpt_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The state could not be set up: tell the driver, and end. */
void ckpt_give_up(const char *file, int line, const char *what)
	__attribute__((noreturn));
/* The state cannot be set up on this system. */
void ckpt_skip(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#define REQUIRE(cond)							\
	do {								\
		if (!(cond))						\
			ckpt_give_up(__FILE__, __LINE__, #cond);	\
	} while (0)

#define CHECK(cond)							\
	do {								\
		if (!(cond))						\
			ckpt_fail(__FILE__, __LINE__, "%s", #cond);	\
	} while (0)

#define CHECK_EQ(seen, expected)					\
	do {								\
		long long __seen = (long long)(seen);			\
		long long __expected = (long long)(expected);		\
									\
		if (__seen != __expected)				\
			ckpt_fail(__FILE__, __LINE__,			\
				  "%s is %lld (%#llx), not %lld (%#llx)", \
				  #seen, __seen, __seen,		\
				  __expected, __expected);		\
	} while (0)

/**
 * struct ckpt_gate - a pipe that processes of a victim wait at for each other
 * @fd: its ends
 */
struct ckpt_gate {
	int fd[2];
};

void ckpt_gate_init(struct ckpt_gate *gate);
/* Let @n processes or threads pass, now or when they come. */
void ckpt_gate_open(struct ckpt_gate *gate, int n);
void ckpt_gate_wait(struct ckpt_gate *gate);

/* Fork a process that runs @fn and exits with what it returns. */
pid_t ckpt_fork(int (*fn)(void *arg), void *arg);
/* Wait for a child: CHECK that it exited with @code. */
void ckpt_join(pid_t pid, int code);
/* ckpt_ready() with a child that runs @fn, opens @up, and waits at @go. */
void ckpt_ready_beside(int (*fn)(void *arg), void *arg, struct ckpt_gate *up,
		       struct ckpt_gate *go);
/* What is forked from now on lives with the clocks that are so far ahead. */
void ckpt_new_time(const char *offsets);
/*
 * Wait, with a bound, until thread @tid of process @pid is blocked in the
 * system call @nr; -1 for any.
 */
void ckpt_wait_blocked(pid_t pid, pid_t tid, long nr);
/* Wait, with a bound, until process @pid is in @state, as in /proc/PID/stat. */
void ckpt_wait_state(pid_t pid, char state);
/* Become user 1234, without groups, for good. Returns 0, or -1 with errno. */
int ckpt_ordinary_user(void);
/*
 * Take capabilities, by 1 << CAP_*, from what is in effect, and have all that
 * are permitted again. In a child: those of a driver are needed to clean up.
 */
void ckpt_caps_drop(uint64_t caps);
/* Go to a user namespace that has root alone, and to those of @flags in it. */
void ckpt_enter_user_ns(int flags);
void ckpt_caps_back(void);
/* CLOCK_MONOTONIC, in nanoseconds */
uint64_t ckpt_now(void);
/* Fill and check memory with a pattern that @seed determines. */
void ckpt_fill(void *mem, size_t len, uint64_t seed);
bool ckpt_filled(const void *mem, size_t len, uint64_t seed);
/* Does reading (or, with @write, writing) *@mem raise a signal? Which? */
int ckpt_fault(volatile char *mem, bool write);
/* The symbol @name of the ELF image mapped at @base, or NULL */
void *ckpt_elf_symbol(const char *base, const char *name);
/* Wait, with a bound, until @cond holds. */
#define CKPT_WAIT_FOR(cond)						\
	do {								\
		uint64_t __end = ckpt_now() +				\
				 CKPT_WAIT_S * 1000000000ULL;		\
									\
		while (!(cond)) {					\
			if (ckpt_now() > __end) {			\
				ckpt_fail(__FILE__, __LINE__,		\
					  "never happened: %s", #cond);	\
				break;					\
			}						\
			ckpt_pause();					\
		}							\
	} while (0)
/* Give the CPU to somebody else for a moment between two looks. */
void ckpt_pause(void);

/* ----------------------------------------------------- inside the driver */

#define CKPT_INHERIT_MAX	16

/* What ckpt_start() makes of the victim */
#define CKPT_CONTAINER		0x1	/* the init of new pid, uts, ipc, mnt ns */
#define CKPT_NO_WAIT		0x2	/* do not wait until it is ready */
#define CKPT_SAME_SESSION	0x4	/* it is in the session of the driver */
#define CKPT_SLAVE		0x8	/* its mounts are slaves of the driver's */
#define CKPT_PEER		0x10	/* they are what a new namespace gets */
#define CKPT_USER		0x20	/* the init of all new ns but time and net */

/**
 * struct ckpt_victim - a running victim, as its driver sees it
 * @name: its name
 * @flags: CKPT_*
 * @pid: its process id, 0 if it has none at the moment
 * @pidfd: and a descriptor of it
 * @dir: its working directory, made for it
 * @report: pipe from the victim: the driver holds both ends
 * @go: pipe to the victim: the driver holds both ends
 * @inherit: files to give at restart: the two pipes, and what a test adds
 * @inherit_name: the names that @inherit points to
 * @nr_inherit: how many
 * @mounts: places to give at restart for external mounts
 * @mount_name: the names that @mounts points to
 * @nr_mounts: how many
 * @veth: what to say of a veth whose other end is outside
 * @nr_veths: whether to say it: 0 or 1
 * @tty_fd: terminal to give at restart, or -1
 * @image: descriptor of the last image
 * @log: what the last checkpoint or restart wrote to its log
 * @stats: and its statistics
 * @line: bytes that came through @report, up to a newline
 * @line_len: how many
 * @failed: the victim reported a failed check
 * @skip: why the victim could not be set up, or an empty string
 */
struct ckpt_victim {
	const char *name;
	unsigned int flags;
	pid_t pid;
	int pidfd;
	char dir[64];
	int report[2];
	int go[2];
	struct restart_inherit inherit[CKPT_INHERIT_MAX];
	char inherit_name[CKPT_INHERIT_MAX][256];
	unsigned int nr_inherit;
	struct restart_mount mounts[CKPT_INHERIT_MAX];
	char mount_name[CKPT_INHERIT_MAX][256];
	unsigned int nr_mounts;
	struct restart_veth veth;
	unsigned int nr_veths;
	int tty_fd;
	int image;
	char log[16384];
	struct checkpoint_stats stats;
	char line[1024];
	size_t line_len;
	bool failed;
	char skip[256];
};

/* The system calls, as they are: -1 and errno if they fail. */
long sys_checkpoint(pid_t pid, int fd, unsigned long flags, int logfd,
		    struct checkpoint_args *args, size_t size);
long sys_restart(pid_t pid, int fd, unsigned long flags, int logfd,
		 struct restart_args *args, size_t size);
long sys_eclone(unsigned int flags_low, struct eclone_args *args, size_t size,
		pid_t *pids);

/* Does the kernel have them? */
bool ckpt_supported(void);
/* Rounds to run: CKPT_ROUNDS, or 5 */
int ckpt_rounds(void);
/* Of the records that a test breaks one by one, each so-manieth: CKPT_STEP, 1 */
unsigned int ckpt_step(void);

/* Run a whole test. Returns why it was skipped, or NULL. */
const char *ckpt_run(const char *name, unsigned int flags, bool alive);
/*
 * The checkpoint of a victim must be refused with -ENOSYS and this text, and
 * it must run on as it was. Returns why that was skipped, or NULL.
 */
const char *ckpt_refused(struct ckpt_victim *v, const char *name,
			 unsigned int flags, const char *text);

/*
 * The next victim to be started has @fd of the driver as its descriptor @as,
 * which is from 100 to 199, and higher than that of the call before.
 */
void ckpt_pass(int fd, int as);
/* Start a victim, and wait until it is ready. */
void ckpt_start(struct ckpt_victim *v, const char *name, unsigned int flags);
/* Wait until the victim is ready, or skips. */
void ckpt_wait_ready(struct ckpt_victim *v);
/* Give a file of the driver at restart, by this name. */
void ckpt_inherit(struct ckpt_victim *v, const char *name, int fd);
/* Give a place for the external mount of this name at restart. */
void ckpt_give_mount(struct ckpt_victim *v, const char *name, const char *path);
/* The same as ckpt_inherit(), by the name that its link in /proc/self/fd has. */
void ckpt_inherit_link(struct ckpt_victim *v, int fd);
/*
 * Checkpoint into a new temporary file. CHECKPOINT_SUBTREE is added where the
 * victim is no container. Returns the id, or a negative errno.
 */
long ckpt_checkpoint(struct ckpt_victim *v, unsigned long flags);
/* The same, into @fd. */
long ckpt_checkpoint_to(struct ckpt_victim *v, unsigned long flags, int fd);
/*
 * Somebody who does so into a pipe that takes little at a time, of which @fd is
 * the other end. Exits with 0 or the errno.
 */
pid_t ckpt_start_writer(struct ckpt_victim *v, int *fd, unsigned long flags);
/* The same; the tree is parked, until ckpt_end_writer(). */
pid_t ckpt_start_parked(struct ckpt_victim *v, int *fd);
/* Read the rest, and close @fd. Returns what waitpid(2) says of @pid. */
int ckpt_end_writer(pid_t pid, int fd);
/* Read that many bytes of it, or all that come. */
void ckpt_skip_bytes(int fd, size_t bytes);
/* As ckpt_checkpoint(), which must work, with the tree killed and reaped. */
void ckpt_checkpoint_kill(struct ckpt_victim *v);
/* Restart from the last image. Returns the pid, or a negative errno. */
long ckpt_restart(struct ckpt_victim *v, unsigned long flags);
/* The same, from @fd. */
long ckpt_restart_from(struct ckpt_victim *v, unsigned long flags, int fd);
/* Restart from the last image, which must work, go on to the end, and end. */
void ckpt_restart_finish(struct ckpt_victim *v);
/* A restart, in whichever way, made @pid: it is the victim from now on. */
void ckpt_adopt(struct ckpt_victim *v, pid_t pid);
/* A file for the log of a system call that a test makes itself, and back. */
void ckpt_log_open(int *fd);
void ckpt_log_read(struct ckpt_victim *v, int fd);
/* Wait until the whole tree of the victim, which was killed, is reaped. */
void ckpt_reaped(struct ckpt_victim *v);
/* Kill the tree, and wait. */
void ckpt_kill(struct ckpt_victim *v);
/* The victim must answer, from its wait in ckpt_ready(). */
void ckpt_ping(struct ckpt_victim *v);
/* Tell the victim to go on. */
void ckpt_go(struct ckpt_victim *v);
/* Wait for its end: it must have passed. */
void ckpt_verdict(struct ckpt_victim *v);
/* ckpt_go(), ckpt_verdict() */
void ckpt_finish(struct ckpt_victim *v);
/* Does the log say this, in whichever case? */
bool ckpt_logged(struct ckpt_victim *v, const char *text);
/* Free what the driver holds of a victim. */
void ckpt_end(struct ckpt_victim *v);

/* The test cannot go on: show the text, kill every child, exit. */
void ckpt_die(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
/* Kill and reap all children of the driver, remove temporary files. */
void ckpt_cleanup(void);
/* An unnamed temporary file */
int ckpt_tmpfile(void);
/* Read a small file into @buf, NUL-terminated. Returns its length or -1. */
ssize_t ckpt_read_file(const char *path, char *buf, size_t size);
int ckpt_write_file(const char *path, const char *text);
/* Write all of it, or die. */
void ckpt_write_all(int fd, const void *buf, size_t len);

/* ------------------------------------------- what /proc shows of a tree */

/* Which pids must be the same after a restart */
enum ckpt_pids {
	CKPT_PIDS_SAME,		/* all */
	CKPT_PIDS_INNER,	/* those in the container's own pid namespace */
	CKPT_PIDS_NEW,		/* none: one to one */
};

/**
 * struct ckpt_snap - what /proc shows of a tree
 * @text: a line for each thing, ids that the kernel hands out marked
 * @len: its length
 * @room: bytes allocated
 */
struct ckpt_snap {
	char *text;
	size_t len;
	size_t room;
};

/* Look until nothing changes any more between two looks. */
void ckpt_snap_take(struct ckpt_snap *snap, pid_t root, enum ckpt_pids pids);
/*
 * Look until it is the same as @before, ids mapped one to one; die with the
 * difference if that does not happen.
 */
void ckpt_snap_expect(const struct ckpt_snap *before, pid_t root,
		      enum ckpt_pids pids);
void ckpt_snap_free(struct ckpt_snap *snap);

/* ------------------------------------------------- the system as a whole */

/**
 * struct ckpt_world - what a failed restart must leave as it was
 * @tasks: user tasks, threads and zombies too
 * @files: open files
 * @ns: namespaces of each kind, see libckptworld.c
 * @mem_kb: memory available
 */
struct ckpt_world {
	long tasks;
	long files;
	long ns[4];
	long mem_kb;
};

void ckpt_world_take(struct ckpt_world *world);
/*
 * Look until everything is as it was, memory within @slack_kb; die with the
 * difference if that does not happen.
 */
void ckpt_world_expect(const struct ckpt_world *before, long slack_kb);

/* -------------------------------------------------------------- an image */

/**
 * struct image_rec - one record of an image
 * @off: offset of its struct ckpt_hdr
 * @type: enum ckpt_hdr_type
 * @len: its length
 * @pad: zero bytes that follow it
 * @payload: bytes of page payload that follow these
 */
struct image_rec {
	size_t off;
	uint32_t type;
	uint32_t len;
	size_t pad;
	size_t payload;
};

/**
 * struct image - an image in memory
 * @data: its bytes
 * @size: how many
 * @rec: its records
 * @nr: how many
 */
struct image {
	unsigned char *data;
	size_t size;
	struct image_rec *rec;
	unsigned int nr;
};

/* Read an image, or die if it is none. */
void image_load(struct image *image, int fd);
void image_copy(struct image *to, const struct image *from);
void image_free(struct image *image);
/* The @nth record, from 0, of @type, or NULL */
struct image_rec *image_find(struct image *image, uint32_t type,
			     unsigned int nth);
/* The same, to be changed */
void *image_at(struct image *image, uint32_t type, unsigned int nth);
/* The text of the first string at or behind @from that is @text, or NULL */
char *image_string(struct image *image, const void *from, const char *text);
/* The first file system of a type; the string behind it is the type. */
struct ckpt_hdr_sb *image_sb(struct image *image, const char *type);
/* The objref of the last object of @objtype that begins before @at */
uint32_t image_objref(struct image *image, uint32_t objtype, const void *at);
/* Make the number of records and the checksum in the trailer right again. */
void image_seal(struct image *image);
/* Write the first @len bytes into a new temporary file, and open it. */
int image_file(const struct image *image, size_t len);
/* As ckpt_restart(), from this image, which is sealed first. */
long image_restart(struct ckpt_victim *v, struct image *image);
/*
 * Restart with the word at @at in the image xored by @bits, kill what came of
 * it, and undo the change.
 */
void image_try_flipped(struct ckpt_victim *v, struct image *image, void *at,
		       uint32_t bits);
/*
 * Restart with the @len bytes at @at in the image as they are at @to, which must
 * fail with -EINVAL, and undo the change.
 */
void image_refused(struct ckpt_victim *v, struct image *image, void *at,
		   const void *to, size_t len);
/* As ckpt_restart_finish(), from this image, which is freed. */
void image_restart_finish(struct ckpt_victim *v, struct image *image);
/* Name of a type of record, for messages */
const char *image_rec_name(uint32_t type);

/* ------------------------------------------------------------ the harness */

#ifndef LIBCKPTTEST_INTERNAL

#include "kselftest_harness.h"

/* Tests of a state, run by ckpt_run() */
FIXTURE(state) {
	bool unused;
};

FIXTURE_VARIANT(state) {
	unsigned int flags;
	bool alive;
};

FIXTURE_VARIANT_ADD(state, subtree) {
	.flags = 0,
};

FIXTURE_VARIANT_ADD(state, container) {
	.flags = CKPT_CONTAINER,
};

FIXTURE_VARIANT_ADD(state, alive) {
	.alive = true,
};

FIXTURE_SETUP(state)
{
	if (ckpt_rounds() && !ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
}

FIXTURE_TEARDOWN(state)
{
	ckpt_cleanup();
}

/* Tests of a state that make sense in one way only */
FIXTURE(only) {
	bool unused;
};

FIXTURE_SETUP(only)
{
	if (ckpt_rounds() && !ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
}

FIXTURE_TEARDOWN(only)
{
	ckpt_cleanup();
}

/* Tests that drive their victims themselves */
FIXTURE(driver) {
	struct ckpt_victim v;
};

FIXTURE_SETUP(driver)
{
	if (!ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
}

FIXTURE_TEARDOWN(driver)
{
	ckpt_cleanup();
}

/* A victim, and the test that it stays what it is */
#define CKPT_TEST(victim)						\
	static void ckpt_victim_##victim(void);				\
	TEST_F_TIMEOUT(state, victim, CKPT_TEST_S)			\
	{								\
		const char *why = ckpt_run(#victim, variant->flags,	\
					   variant->alive);		\
									\
		if (why)						\
			SKIP(return, "%s", why);			\
	}								\
	CKPT_VICTIM(victim)

/* The same, where being a container's init, or not being one, is the point */
#define CKPT_TEST_ONLY(victim, flags)					\
	static void ckpt_victim_##victim(void);				\
	TEST_F_TIMEOUT(only, victim, CKPT_TEST_S)			\
	{								\
		const char *why = ckpt_run(#victim, flags, false);	\
									\
		if (why)						\
			SKIP(return, "%s", why);			\
	}								\
	CKPT_VICTIM(victim)

#define DRIVER_TEST(name)	TEST_F_TIMEOUT(driver, name, CKPT_TEST_S)

/* A victim whose checkpoint is refused, and what the log says then */
#define REFUSED_AS(victim, flags, text)					\
	static void ckpt_victim_##victim(void);				\
	DRIVER_TEST(victim)						\
	{								\
		const char *why = ckpt_refused(&self->v, #victim,	\
					       flags, text);		\
									\
		if (why)						\
			SKIP(return, "%s", why);			\
	}								\
	CKPT_VICTIM(victim)
#define REFUSED(victim, text)	REFUSED_AS(victim, 0, text)

#endif /* LIBCKPTTEST_INTERNAL */

#endif /* LIBCKPTTEST_H */
