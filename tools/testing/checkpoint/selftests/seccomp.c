// SPDX-License-Identifier: GPL-2.0
/* seccomp: strict mode, filters and what they are added to, and who has them. */
#include "libckpttest.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ckpt_gate up, go, end;

/* Add a filter that lets @nr fail with @err. */
static void deny(int nr, int err, unsigned int flags)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(insns), insns };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog))
		ckpt_skip("seccomp: %m");
}

static int answer(int nr)
{
	return syscall(nr, 0, 0, 0, 0) == -1 ? errno : 0;
}

static long filters(void)
{
	char buf[4096], *text;

	if (ckpt_read_file("/proc/thread-self/status", buf, sizeof(buf)) < 0)
		return -1;
	text = strstr(buf, "Seccomp_filters:");
	return text ? atol(text + 16) : -1;
}

CKPT_TEST(filter)
{
	deny(SYS_getpriority, 77, 0);
	ckpt_ready();
	CHECK_EQ(answer(SYS_getpriority), 77);
	CHECK_EQ(answer(SYS_getppid), 0);
	CHECK_EQ(prctl(PR_GET_SECCOMP), 2);
	CHECK_EQ(filters(), 1);
	/* and there is no way out of it, but one more */
	deny(SYS_getpriority, 78, 0);
	CHECK_EQ(answer(SYS_getpriority), 78);
	CHECK_EQ(filters(), 2);
}

/* More than objects nest */
CKPT_TEST(chain)
{
	int i;

	for (i = 0; i < 40; i++)
		deny(SYS_getpriority, 10 + i, i % 2 ? SECCOMP_FILTER_FLAG_LOG : 0);
	deny(SYS_sync, 99, 0);
	ckpt_ready();
	CHECK_EQ(filters(), 41);
	/* the one that was added last comes first */
	CHECK_EQ(answer(SYS_getpriority), 49);
	CHECK_EQ(answer(SYS_sync), 99);
}

static int adds_own(void *arg)
{
	deny(SYS_sync, (int)(intptr_t)arg, 0);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(answer(SYS_getpriority), 50);
	CHECK_EQ(answer(SYS_sync), (int)(intptr_t)arg);
	CHECK_EQ(filters(), 2);
	return 3;
}

static int inherits(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(answer(SYS_getpriority), 50);
	CHECK_EQ(answer(SYS_sync), 0);
	CHECK_EQ(filters(), 1);
	return 3;
}

/* A tree of processes with a tree of filters */
static void has_tree(void)
{
	pid_t pid[4];
	int i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	deny(SYS_getpriority, 50, 0);
	pid[0] = ckpt_fork(adds_own, (void *)60);
	pid[1] = ckpt_fork(adds_own, (void *)61);
	pid[2] = ckpt_fork(inherits, NULL);
	deny(SYS_getpriority, 70, 0);
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(answer(SYS_getpriority), 70);
	CHECK_EQ(filters(), 2);
	ckpt_gate_open(&go, 3);
	for (i = 0; i < 3; i++)
		ckpt_join(pid[i], 3);
}

CKPT_TEST(tree)
{
	has_tree();
}

static void *thread_fn(void *arg)
{
	if (arg)
		deny(SYS_sync, 71, 0);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(answer(SYS_sync), arg ? 71 : 0);
	CHECK_EQ(answer(SYS_getpriority), arg ? 0 : 55);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&end);
	if (!arg)
		CHECK_EQ(answer(SYS_sync), 72);
	return NULL;
}

/* Threads that differ, and those that were brought in line with TSYNC */
CKPT_TEST(threads)
{
	pthread_t thread[3];
	int i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&end);
	ckpt_gate_init(&go);
	for (i = 0; i < 3; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, thread_fn, NULL));
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	deny(SYS_getpriority, 55, SECCOMP_FILTER_FLAG_TSYNC);
	ckpt_ready();
	CHECK_EQ(answer(SYS_getpriority), 55);
	ckpt_gate_open(&go, 3);
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	/* They still have the same: one can be added to all. */
	deny(SYS_sync, 72, SECCOMP_FILTER_FLAG_TSYNC);
	ckpt_gate_open(&end, 3);
	for (i = 0; i < 3; i++)
		CHECK(!pthread_join(thread[i], NULL));
}

CKPT_TEST(threads_differ)
{
	pthread_t thread;

	ckpt_gate_init(&up);
	ckpt_gate_init(&end);
	ckpt_gate_init(&go);
	REQUIRE(!pthread_create(&thread, NULL, thread_fn, (void *)1));
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(prctl(PR_GET_SECCOMP), 0);
	CHECK_EQ(answer(SYS_sync), 0);
	ckpt_gate_open(&go, 1);
	ckpt_gate_open(&end, 1);
	CHECK(!pthread_join(thread, NULL));
}

/* All that it may do is read, write and leave. */
static int is_strict(void *arg)
{
	char c = 0;

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		syscall(SYS_exit, 1);
	syscall(SYS_write, up.fd[1], "x", 1);
	syscall(SYS_read, go.fd[0], &c, 1);
	if (c == 'k')
		syscall(SYS_getpid);
	syscall(SYS_exit, 4);
	return 0;
}

CKPT_TEST(strict)
{
	pid_t pid[2];
	int i, status;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	for (i = 0; i < 2; i++) {
		pid[i] = ckpt_fork(is_strict, NULL);
		ckpt_gate_wait(&up);
	}
	ckpt_ready();
	CHECK_EQ(write(go.fd[1], "g", 1), 1);
	i = waitpid(-1, &status, 0) == pid[0];
	CHECK_EQ(status, 4 << 8);
	CHECK_EQ(write(go.fd[1], "k", 1), 1);
	CHECK_EQ(waitpid(pid[i], &status, 0), pid[i]);
	CHECK_EQ(status, SIGKILL);
}

static volatile sig_atomic_t trapped;

static void on_trap(int sig)
{
	trapped++;
	signal(sig, SIG_DFL);
	prctl(PR_SET_TSC, PR_TSC_ENABLE);
}

CKPT_TEST(no_time_stamps)
{
	unsigned int lo, hi;
	int mode = 0;

	signal(SIGSEGV, on_trap);
	REQUIRE(!prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	ckpt_ready();
	CHECK(!prctl(PR_GET_TSC, &mode));
	CHECK_EQ(mode, PR_TSC_SIGSEGV);
	__asm__ volatile("rdtsc" : "=a" (lo), "=d" (hi));
	CHECK_EQ(trapped, 1);
}

/* Without privileges, which no_new_privs makes up for */
CKPT_TEST(no_new_privs)
{
	REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ckpt_caps_drop(~0ULL);
	deny(SYS_getpriority, 33, 0);
	ckpt_ready();
	CHECK_EQ(answer(SYS_getpriority), 33);
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}

CKPT_VICTIM(has_filters)
{
	has_tree();
}

#define TASK(name, to)							\
	{ CKPT_HDR_TASK_SECCOMP,					\
	  offsetof(struct ckpt_hdr_task_seccomp, name), to }
#define FILTER(name, to)						\
	{ CKPT_HDR_SECCOMP_FILTER,					\
	  offsetof(struct ckpt_hdr_seccomp_filter, name), to }

DRIVER_TEST(hostile)
{
	static const struct {
		uint32_t type;
		size_t offset;
		uint32_t to;
	} changes[] = {
		TASK(mode, 3), TASK(mode, 0), TASK(mode, 1), TASK(filter, 0),
		TASK(filter, 0x7fffffff), TASK(filter, 1),
		FILTER(flags, 2), FILTER(prev, 0x7fffffff), FILTER(prev, 1),
		/* loads from nowhere, or unaligned; no instructions; no end */
		FILTER(insns[0].k, 4096), FILTER(insns[0].k, 2),
		FILTER(insns[0].code, 0xffff), FILTER(insns[3].code, 0x20),
		FILTER(insns[1].code, 0xff000015),
	};
	struct ckpt_victim *v = &self->v;
	struct image image;
	unsigned int i;
	char *rec;

	ckpt_start(v, "has_filters", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	/* one that the tasks share is there once: 2 of the parent, 2 others */
	EXPECT_TRUE(image_find(&image, CKPT_HDR_SECCOMP_FILTER, 3));
	EXPECT_FALSE(image_find(&image, CKPT_HDR_SECCOMP_FILTER, 4));
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		rec = image_at(&image, changes[i].type, 0);
		ASSERT_TRUE(rec);
		image_refused(v, &image, rec + changes[i].offset,
			      &changes[i].to, 4);
	}
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
