// SPDX-License-Identifier: GPL-2.0
/*
 * Who waits for a child of vfork(2), processes that share their memory, and
 * processes of which only some threads are in group stop.
 *
 * guest: --smp 2
 */

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libckpttest.h"
#include "libckptproto.h"

static struct ckpt_gate go;

/* What the child leaves in the memory of its parent */
static volatile pid_t seen;

/* What is executed: its arguments are those of a victim. */
CKPT_VICTIM(executed)
{
	_exit(21);
}

/**
 * struct how - what a child of vfork(2) does
 * @flags: of clone(2) with which it is made
 * @exec: it calls exec, and does not only exit
 */
struct how {
	unsigned long flags;
	bool exec;
};

/* Not a function: the child must not return from where vfork(2) was called. */
#define vfork_by(how)							\
	((how)->flags & CLONE_VM ? vfork() :				\
	 syscall(SYS_clone, (how)->flags | SIGCHLD, 0, NULL, NULL, 0))

/* Nothing that the parent would find changed */
static void __attribute__((noreturn)) in_child(const struct how *how)
{
	char c;

	seen = syscall(SYS_getpid);
	if (syscall(SYS_read, go.fd[0], &c, 1) != 1)
		_exit(1);
	if (how->exec)
		execl("/proc/self/exe", "x", CKPT_VICTIM_OPTION, "executed",
		      NULL);
	_exit(21);
}

static int vforks(void *arg)
{
	const struct how *how = arg;
	pid_t pid;

	seen = 0;
	pid = vfork_by(how);
	if (!pid)
		in_child(how);
	CHECK(pid > 0);
	if (how->flags & CLONE_VM)
		CHECK_EQ(seen, pid);
	ckpt_join(pid, 21);
	return 0;
}

/* The child of @parent, once it waits */
static pid_t waiting_child(pid_t parent, pid_t thread)
{
	char path[64], buf[64];
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent,
		 thread);
	CKPT_WAIT_FOR(ckpt_read_file(path, buf, sizeof(buf)) > 0);
	pid = atoi(buf);
	ckpt_wait_blocked(pid, pid, SYS_read);
	return pid;
}

static void wait_for_child(struct how *how)
{
	long nr = how->flags & CLONE_VM ? SYS_vfork : SYS_clone;
	pid_t pid;

	ckpt_gate_init(&go);
	pid = ckpt_fork(vforks, how);
	waiting_child(pid, pid);
	ckpt_wait_blocked(pid, pid, nr);
	ckpt_ready();
	/* Signals do not wake it. */
	CHECK(!kill(pid, SIGCHLD));
	ckpt_wait_blocked(pid, pid, nr);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

CKPT_TEST(until_it_exits)
{
	struct how how = { .flags = CLONE_VFORK | CLONE_VM };

	wait_for_child(&how);
}

CKPT_TEST(until_it_calls_exec)
{
	struct how how = { .flags = CLONE_VFORK | CLONE_VM, .exec = true };

	wait_for_child(&how);
}

/* With a memory of its own, as clone(2) can make it */
CKPT_TEST(child_with_own_memory)
{
	struct how how = { .flags = CLONE_VFORK };

	wait_for_child(&how);
}

/* It is killed while it waits; the child lives on. */
CKPT_TEST(killed_while_it_waits)
{
	struct how how = { .flags = CLONE_VFORK | CLONE_VM };
	pid_t pid, child;
	int status;

	REQUIRE(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	ckpt_gate_init(&go);
	pid = ckpt_fork(vforks, &how);
	child = waiting_child(pid, pid);
	ckpt_wait_blocked(pid, pid, SYS_vfork);
	ckpt_ready();
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, SIGKILL);
	CHECK(!kill(child, 0));
	ckpt_gate_open(&go, 1);
	ckpt_join(child, 21);
}

/* The child has a child that it waits for. */
static int vforks_twice(void *arg)
{
	struct how *how = arg;
	pid_t pid = vfork();

	if (!pid) {
		pid = vfork();
		if (!pid)
			in_child(how);
		/* ckpt_join(), with as little as possible */
		_exit(waitpid(pid, NULL, 0) == pid ? 22 : 1);
	}
	CHECK(pid > 0 && seen != pid);
	ckpt_join(pid, 22);
	return 0;
}

CKPT_TEST(one_in_the_other)
{
	struct how how = { .flags = CLONE_VFORK | CLONE_VM };
	char path[64], buf[64];
	pid_t pid, child;

	ckpt_gate_init(&go);
	pid = ckpt_fork(vforks_twice, &how);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	CKPT_WAIT_FOR(ckpt_read_file(path, buf, sizeof(buf)) > 0);
	child = atoi(buf);
	waiting_child(child, child);
	ckpt_wait_blocked(child, child, SYS_vfork);
	ckpt_ready();
	ckpt_wait_blocked(pid, pid, SYS_vfork);
	ckpt_wait_blocked(child, child, SYS_vfork);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

/* ---------------------------------------------------------- shared memory */

static int adds(void *arg)
{
	ckpt_gate_wait(&go);
	seen += (intptr_t)arg;
	return (intptr_t)arg;
}

CKPT_TEST(processes_share_memory)
{
	static char stack[3][65536] __attribute__((aligned(16)));
	char path[64], buf[16];
	pid_t pid[3];
	intptr_t i;

	ckpt_gate_init(&go);
	for (i = 0; i < 3; i++) {
		pid[i] = clone(adds, stack[i] + sizeof(stack[i]),
			       CLONE_VM | SIGCHLD, (void *)(i + 1));
		REQUIRE(pid[i] > 0);
		ckpt_wait_blocked(pid[i], pid[i], SYS_read);
	}
	ckpt_ready();
	/* What is set for one is set for all. */
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid[0]);
	CHECK(!ckpt_write_file(path, "321"));
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid[1]);
	CHECK(ckpt_read_file(path, buf, sizeof(buf)) > 0);
	CHECK_EQ(atoi(buf), 321);
	/* One after the other: nothing else orders what they add. */
	for (i = 0; i < 3; i++) {
		ckpt_gate_open(&go, 1);
		CHECK(waitpid(-1, NULL, 0) > 0);
	}
	CHECK_EQ(seen, 1 + 2 + 3);
}

/* ------------------------------------------------------------ group stops */

static void *vforks_in_thread(void *arg)
{
	vforks(arg);
	return NULL;
}

static int thread_vforks(void *arg)
{
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, vforks_in_thread, arg));
	pthread_join(thread, NULL);
	/* what it did before could not be seen any more */
	ckpt_gate_wait(&go);
	return 5;
}

static pid_t other_thread(pid_t pid)
{
	char path[64];
	pid_t tid;

	for (tid = pid + 1; tid < pid + 100; tid++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
		if (!access(path, F_OK))
			return tid;
	}
	return 0;
}

/* A thread that waits for its vfork child does not stop before that is gone. */
CKPT_TEST(some_threads_stopped)
{
	struct how how = { .flags = CLONE_VFORK | CLONE_VM };
	pid_t pid, tid;
	int status;

	ckpt_gate_init(&go);
	pid = ckpt_fork(thread_vforks, &how);
	CKPT_WAIT_FOR((tid = other_thread(pid)));
	waiting_child(pid, tid);
	REQUIRE(!kill(pid, SIGSTOP));
	ckpt_wait_state(pid, 'T');
	REQUIRE(!waitpid(pid, &status, WUNTRACED | WNOHANG));
	ckpt_ready();
	ckpt_wait_state(pid, 'T');
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	ckpt_gate_open(&go, 1);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(!kill(pid, SIGCONT));
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 5);
}

/* Continued before all of them had stopped: the parent is told of a stop. */
CKPT_TEST(some_threads_stopped_and_continued)
{
	struct how how = { .flags = CLONE_VFORK | CLONE_VM };
	pid_t pid, tid;
	int status;

	ckpt_gate_init(&go);
	pid = ckpt_fork(thread_vforks, &how);
	CKPT_WAIT_FOR((tid = other_thread(pid)));
	waiting_child(pid, tid);
	REQUIRE(!kill(pid, SIGSTOP));
	ckpt_wait_state(pid, 'T');
	ckpt_ready();
	CHECK(!kill(pid, SIGCONT));
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	ckpt_gate_open(&go, 2);
	ckpt_join(pid, 5);
}

static int waits_for_go(void *arg)
{
	ckpt_gate_wait(&go);
	return 3;
}

/* WNOWAIT leaves it to be told once more, and SIGCONT has something to tell. */
CKPT_TEST(told_and_not_taken)
{
	siginfo_t info = { 0 };
	int status;
	pid_t pid;

	ckpt_gate_init(&go);
	pid = ckpt_fork(waits_for_go, NULL);
	REQUIRE(!kill(pid, SIGSTOP));
	REQUIRE(!waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT));
	ckpt_ready();
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), info.si_status);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	CHECK(!kill(pid, SIGCONT));
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 3);
}

CKPT_TEST(continued_and_not_told)
{
	int status;
	pid_t pid;

	ckpt_gate_init(&go);
	pid = ckpt_fork(waits_for_go, NULL);
	REQUIRE(!kill(pid, SIGSTOP));
	REQUIRE(waitpid(pid, &status, WUNTRACED) == pid);
	REQUIRE(!kill(pid, SIGCONT));
	ckpt_wait_state(pid, 'S');
	ckpt_ready();
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED | WNOHANG), pid);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(waitpid(pid, &status, WCONTINUED | WNOHANG), 0);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 3);
}

static volatile bool done;

static void *spins(void *arg)
{
	while (!done)
		;
	return NULL;
}

CKPT_VICTIM(spinning_threads)
{
	pthread_t thread[4];
	int i;

	for (i = 0; i < 4; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, spins, NULL));
	ckpt_ready();
	done = true;
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
}

/* Somewhere between the first and the last thread, each time. */
DRIVER_TEST(on_the_way_into_a_stop)
{
	struct ckpt_victim *v = &self->v;
	int i, status;
	long ret;

	ckpt_start(v, "spinning_threads", 0);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, kill(v->pid, SIGSTOP));
		ret = ckpt_checkpoint(v, 0);
		ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret),
					 v->log);
		ASSERT_EQ(0, kill(v->pid, SIGCONT));
	}
	ckpt_ping(v);
	ASSERT_EQ(0, kill(v->pid, SIGSTOP));
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, 0);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ASSERT_EQ(v->pid, waitpid(v->pid, &status, WUNTRACED));
	EXPECT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, kill(v->pid, SIGCONT));
	ckpt_finish(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
