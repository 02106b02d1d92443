// SPDX-License-Identifier: GPL-2.0
/* Pid namespaces inside of that of the tree. */
#include "libckpttest.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As deep as the kernel lets them be, MAX_PID_NS_LEVEL */
#define LEVELS		32

static struct ckpt_gate up, go, end, ready;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_gate_init(&end);
	ckpt_gate_init(&ready);
}

/* What the processes tell each other of pids */
static volatile pid_t *shared(void)
{
	void *mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	REQUIRE(mem != MAP_FAILED);
	return mem;
}

static int exits(void *arg)
{
	return (long)arg;
}

/* Fork a process that becomes the init of a new pid namespace. */
static pid_t fork_init(int (*fn)(void *), void *arg)
{
	pid_t pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, NULL, NULL, 0);

	REQUIRE(pid >= 0);
	if (!pid)
		_exit(fn(arg));
	return pid;
}

/* Children are to be made in the pid namespace of @pid. */
static void enter(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	REQUIRE(fd >= 0 && !setns(fd, CLONE_NEWPID));
	close(fd);
}

static int waits(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return getpid();
}

static int waits_for_end(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&end);
	return getpid();
}

static int nested(void *arg)
{
	volatile pid_t *depth = arg;
	pid_t pid = 0;

	if (!unshare(CLONE_NEWPID)) {
		(*depth)++;
		pid = ckpt_fork(nested, arg);
	} else {
		ckpt_gate_open(&up, 1);
	}
	ckpt_gate_wait(&go);
	CHECK_EQ(getpid(), 1);
	if (pid)
		ckpt_join(pid, 7);
	return 7;
}

CKPT_TEST(as_deep_as_can_be)
{
	volatile pid_t *depth = shared();
	int levels;
	pid_t pid;

	gates();
	pid = fork_init(nested, (void *)depth);
	ckpt_gate_wait(&up);
	levels = *depth + 1;
	REQUIRE(levels >= LEVELS - 2);
	ckpt_ready();
	ckpt_gate_open(&go, levels);
	ckpt_join(pid, 7);
}

static int init_with_child(void *arg)
{
	pid_t pid = ckpt_fork(waits, NULL);

	CHECK_EQ(getpid(), 1);
	CHECK_EQ(pid, 2);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(getpid(), 1);
	ckpt_join(pid, 2);
	/* The last pid that was handed out is kept, too. */
	pid = ckpt_fork(exits, NULL);
	CHECK_EQ(pid, 3);
	ckpt_join(pid, 0);
	return (long)arg;
}

CKPT_TEST(siblings)
{
	pid_t a, b;

	gates();
	a = fork_init(init_with_child, (void *)3);
	b = fork_init(init_with_child, (void *)4);
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 4);
	ckpt_join(a, 3);
	ckpt_join(b, 4);
}

/* The parent is outside; and so are its process group and its session. */
CKPT_TEST(entered)
{
	pid_t init, pid;

	gates();
	init = fork_init(waits_for_end, NULL);
	ckpt_gate_wait(&up);
	enter(init);
	pid = ckpt_fork(waits, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	/* Whoever follows lives there, too. */
	ckpt_join(ckpt_fork(exits, (void *)5), 5);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 2);
	ckpt_gate_open(&end, 1);
	ckpt_join(init, 1);
}

static int is_first(void *arg)
{
	return getpid();
}

/* Made, and nobody is in it. */
CKPT_TEST(for_children)
{
	pid_t self = getpid(), pid;

	REQUIRE(!unshare(CLONE_NEWPID));
	ckpt_ready();
	CHECK_EQ(getpid(), self);
	pid = ckpt_fork(is_first, NULL);
	ckpt_join(pid, 1);
	/* That was its init. */
	CHECK(fork() < 0);
	CHECK_EQ(errno, ENOMEM);
}

/* No pid comes into a pid namespace whose init has gone. */
CKPT_TEST(dead_for_children)
{
	pid_t init, pid;
	int fds[2], i;

	gates();
	init = fork_init(waits_for_end, NULL);
	ckpt_gate_wait(&up);
	enter(init);
	pid = ckpt_fork(exits, NULL);
	fds[0] = syscall(SYS_pidfd_open, pid, 0);
	fds[1] = syscall(SYS_pidfd_open, init, 0);
	REQUIRE(fds[0] >= 0 && fds[1] >= 0);
	ckpt_join(pid, 0);
	ckpt_gate_open(&end, 1);
	ckpt_join(init, 1);
	ckpt_ready();
	CHECK(fork() < 0);
	CHECK_EQ(errno, ENOMEM);
	for (i = 0; i < 2; i++) {
		CHECK(syscall(SYS_pidfd_send_signal, fds[i], 0, NULL, 0) < 0);
		CHECK_EQ(errno, ESRCH);
	}
}

CKPT_TEST(zombie_init)
{
	pid_t pid;

	pid = fork_init(exits, (void *)9);
	ckpt_wait_state(pid, 'Z');
	ckpt_ready();
	ckpt_join(pid, 9);
}

static int init_with_zombie(void *arg)
{
	volatile pid_t *pids = arg;

	pids[0] = ckpt_fork(exits, (void *)8);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&end);
	ckpt_join(pids[0], 8);
	return 0;
}

static int zombie_inside(void *arg)
{
	volatile pid_t *pids = arg;
	siginfo_t info;
	pid_t init;

	init = fork_init(init_with_zombie, (void *)(pids + 1));
	ckpt_gate_wait(&up);
	enter(init);
	pids[0] = ckpt_fork(exits, (void *)6);
	REQUIRE(!waitid(P_PID, pids[0], &info, WEXITED | WNOWAIT));
	ckpt_gate_open(&ready, 1);
	ckpt_gate_wait(&go);
	ckpt_join(pids[0], 6);
	ckpt_gate_open(&end, 1);
	ckpt_join(init, 0);
	return 0;
}

/* One has an init for its parent, the other a process outside. */
CKPT_TEST(zombies_at_every_depth)
{
	volatile pid_t *pids = shared();
	pid_t pid;

	gates();
	pid = fork_init(zombie_inside, (void *)pids);
	ckpt_gate_wait(&ready);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

static int in_a_group(void *arg)
{
	volatile pid_t *pids = arg;

	REQUIRE(!setpgid(0, pids[0]));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(getpgid(0), pids[0]);
	CHECK_EQ(getpid(), pids[1]);
	return 0;
}

static int leads_a_group(void *arg)
{
	REQUIRE(!setpgid(0, 0));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 0;
}

static int init_of_group(void *arg)
{
	volatile pid_t *pids = arg;

	pids[0] = ckpt_fork(leads_a_group, NULL);
	ckpt_gate_wait(&up);
	pids[1] = ckpt_fork(in_a_group, (void *)pids);
	ckpt_gate_wait(&up);
	kill(pids[0], SIGKILL);
	REQUIRE(waitpid(pids[0], NULL, 0) == pids[0]);
	ckpt_gate_open(&ready, 1);
	ckpt_gate_wait(&go);
	ckpt_join(pids[1], 0);
	return 0;
}

/* The leader of the process group is gone, its number lives on inside. */
CKPT_TEST(group_without_leader)
{
	volatile pid_t *pids = shared();
	pid_t pid;

	gates();
	pid = fork_init(init_of_group, (void *)pids);
	ckpt_gate_wait(&ready);
	ckpt_ready();
	ckpt_gate_open(&go, 2);
	ckpt_join(pid, 0);
}

static int asks_for_parent(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	/* It cannot be seen from here. */
	CHECK_EQ(getppid(), 0);
	CHECK_EQ(getpgid(0), 0);
	return 0;
}

CKPT_TEST(what_is_outside)
{
	pid_t pid;

	gates();
	pid = fork_init(asks_for_parent, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

TEST_HARNESS_MAIN
