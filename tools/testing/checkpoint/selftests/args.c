// SPDX-License-Identifier: GPL-2.0
/* The arguments of checkpoint(2) and restart(2), and who may call them. */
#include "libckpttest.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE	40
#endif

static struct ckpt_gate go;

static void *second(void *arg)
{
	ckpt_gate_wait(&go);
	return NULL;
}

CKPT_VICTIM(two_threads)
{
	pthread_t thread;

	ckpt_gate_init(&go);
	REQUIRE(!pthread_create(&thread, NULL, second, NULL));
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	pthread_join(thread, NULL);
}

FIXTURE(args) {
	struct ckpt_victim v;
	int out;
};

FIXTURE_SETUP(args)
{
	if (!ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
	ckpt_start(&self->v, "two_threads", 0);
	self->out = ckpt_tmpfile();
}

FIXTURE_TEARDOWN(args)
{
	ckpt_cleanup();
}

#define ARGS_TEST(name)		TEST_F_TIMEOUT(args, name, CKPT_TEST_S)

#define EXPECT_ERRNO(expected, call)					\
	do {								\
		errno = 0;						\
		EXPECT_EQ(-1, call);					\
		EXPECT_EQ(expected, errno);				\
	} while (0)

#define SAVE(pid, fd, flags)						\
	sys_checkpoint(pid, fd, flags, -1, NULL, 0)
#define LOAD(pid, fd, flags)						\
	sys_restart(pid, fd, flags, -1, NULL, 0)

ARGS_TEST(checkpoint_flags)
{
	static const unsigned long bad[] = {
		0x40, 0x80, 0x80000000UL, 1UL << 32, 1UL << 63,
		CHECKPOINT_KILL | CHECKPOINT_STOP,
		CHECKPOINT_SNAPSHOT | CHECKPOINT_KILL,
		CHECKPOINT_SNAPSHOT | CHECKPOINT_STOP,
	};
	pid_t pid = self->v.pid;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_ERRNO(EINVAL, SAVE(pid, self->out,
					  CHECKPOINT_SUBTREE | bad[i]));
	/* Nobody is left to return the id to. */
	EXPECT_ERRNO(EINVAL, SAVE(0, self->out,
				  CHECKPOINT_SUBTREE | CHECKPOINT_KILL));
	EXPECT_ERRNO(EINVAL, SAVE(0, self->out,
				  CHECKPOINT_SUBTREE | CHECKPOINT_STOP));
	EXPECT_LT(0, SAVE(pid, self->out,
			  CHECKPOINT_SUBTREE | CHECKPOINT_NONETNS));
	ckpt_finish(&self->v);
}

static pid_t other_thread(pid_t pid)
{
	char path[64];
	pid_t tid;

	/* Nothing else is created between the two. */
	for (tid = pid + 1; tid < pid + 1000; tid++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
		if (!access(path, F_OK))
			return tid;
	}
	ckpt_die("the victim has one thread");
}

ARGS_TEST(checkpoint_pid)
{
	pid_t pid = self->v.pid, dead, zombie;

	EXPECT_ERRNO(EINVAL, SAVE(-1, self->out, CHECKPOINT_SUBTREE));
	/* Not the init of a pid namespace */
	EXPECT_ERRNO(EINVAL, SAVE(pid, self->out, 0));
	EXPECT_ERRNO(EINVAL, SAVE(other_thread(pid), self->out,
				  CHECKPOINT_SUBTREE));
	/* The caller, by its number, and one that the caller descends from */
	EXPECT_ERRNO(EINVAL, SAVE(getpid(), self->out, CHECKPOINT_SUBTREE));
	EXPECT_ERRNO(EINVAL, SAVE(getppid(), self->out, CHECKPOINT_SUBTREE));
	/* Those of the system */
	EXPECT_ERRNO(EINVAL, SAVE(1, self->out, CHECKPOINT_SUBTREE));
	EXPECT_ERRNO(EINVAL, SAVE(1, self->out, 0));
	EXPECT_ERRNO(EINVAL, SAVE(2, self->out, CHECKPOINT_SUBTREE));

	dead = fork();
	if (!dead)
		_exit(0);
	waitpid(dead, NULL, 0);
	EXPECT_ERRNO(ESRCH, SAVE(dead, self->out, CHECKPOINT_SUBTREE));
	EXPECT_ERRNO(ESRCH, SAVE(0x7fffffff, self->out, CHECKPOINT_SUBTREE));
	zombie = fork();
	if (!zombie)
		_exit(0);
	waitid(P_PID, zombie, &(siginfo_t){}, WEXITED | WNOWAIT);
	EXPECT_ERRNO(EINVAL, SAVE(zombie, self->out, CHECKPOINT_SUBTREE));
	waitpid(zombie, NULL, 0);
	ckpt_finish(&self->v);
}

ARGS_TEST(checkpoint_descriptors)
{
	int closed = ckpt_tmpfile(), input = open("/dev/null", O_RDONLY);
	pid_t pid = self->v.pid;

	close(closed);
	EXPECT_ERRNO(EBADF, SAVE(pid, -1, CHECKPOINT_SUBTREE));
	EXPECT_ERRNO(EBADF, SAVE(pid, closed, CHECKPOINT_SUBTREE));
	EXPECT_ERRNO(EBADF, SAVE(pid, input, CHECKPOINT_SUBTREE));
	EXPECT_ERRNO(EBADF, sys_checkpoint(pid, self->out, CHECKPOINT_SUBTREE,
					   closed, NULL, 0));
	EXPECT_ERRNO(EBADF, sys_checkpoint(pid, self->out, CHECKPOINT_SUBTREE,
					   input, NULL, 0));
	/* Nothing of it came into the file. */
	EXPECT_EQ(0, lseek(self->out, 0, SEEK_END));
	ckpt_finish(&self->v);
}

struct big {
	struct checkpoint_args args;
	uint64_t more;
};

ARGS_TEST(checkpoint_size)
{
	struct checkpoint_stats stats = { 0 };
	struct big big = { .args = { .stats = (uintptr_t)&stats } };
	pid_t pid = self->v.pid;

#define SIZED(args, size)						\
	sys_checkpoint(pid, self->out, CHECKPOINT_SUBTREE, -1,		\
		       (struct checkpoint_args *)(args), size)
	EXPECT_ERRNO(EINVAL, SIZED(&big, CHECKPOINT_ARGS_SIZE_VER0 - 8));
	EXPECT_ERRNO(EINVAL, SIZED(&big, 0));
	EXPECT_ERRNO(EFAULT, SIZED(NULL, sizeof(big.args)));
	EXPECT_ERRNO(EFAULT, SIZED(8, sizeof(big.args)));
	EXPECT_ERRNO(E2BIG, SIZED(&big, 1 << 20));
	/* What is not known may be there, if it is not used. */
	big.more = 1;
	EXPECT_ERRNO(E2BIG, SIZED(&big, sizeof(big)));
	big.more = 0;
	/* Nothing is silent where nothing is killed. */
	big.args.silence_ms = 1;
	EXPECT_ERRNO(EINVAL, SIZED(&big, sizeof(big)));
	EXPECT_LT(0, SIZED(&big, CHECKPOINT_ARGS_SIZE_VER1));
	big.args.silence_ms = 0;
	EXPECT_LT(0, SIZED(&big, sizeof(big)));
	EXPECT_EQ(2, stats.tasks);
#undef SIZED
	ckpt_finish(&self->v);
}

ARGS_TEST(restart_flags)
{
	static const unsigned long bad[] = {
		RESTART_GHOST, 0x80, 0x80000000UL, 1UL << 32, 1UL << 63,
		RESTART_TASKSELF | RESTART_NOPIDS,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_ERRNO(EINVAL, LOAD(0, self->out, bad[i]));
	EXPECT_ERRNO(EINVAL, LOAD(1, self->out, 0));
	EXPECT_ERRNO(EINVAL, LOAD(-1, self->out, 0));
	ckpt_finish(&self->v);
}

ARGS_TEST(restart_descriptors)
{
	int closed = ckpt_tmpfile(), output = open("/dev/null", O_WRONLY);
	struct restart_args args = { .tty_fd = -1 };

	close(closed);
	EXPECT_ERRNO(EBADF, LOAD(0, -1, 0));
	EXPECT_ERRNO(EBADF, LOAD(0, closed, 0));
	EXPECT_ERRNO(EBADF, LOAD(0, output, 0));
	/* Empty */
	EXPECT_ERRNO(EINVAL, LOAD(0, self->out, 0));
	EXPECT_ERRNO(EBADF, sys_restart(0, self->out, 0, closed, NULL, 0));
	args.tty_fd = closed;
	EXPECT_ERRNO(EBADF, sys_restart(0, self->out, 0, -1, &args,
					sizeof(args)));
	ckpt_finish(&self->v);
}

ARGS_TEST(restart_size)
{
	struct {
		struct restart_args args;
		uint64_t more;
	} big = { .args = { .tty_fd = -1 }, .more = 1 };

#define SIZED(args, size)						\
	sys_restart(0, self->out, 0, -1, (struct restart_args *)(args), size)
	EXPECT_ERRNO(EINVAL, SIZED(&big, RESTART_ARGS_SIZE_VER0 - 8));
	EXPECT_ERRNO(EINVAL, SIZED(&big, 0));
	EXPECT_ERRNO(EFAULT, SIZED(NULL, sizeof(big.args)));
	EXPECT_ERRNO(E2BIG, SIZED(&big, 1 << 20));
	EXPECT_ERRNO(E2BIG, SIZED(&big, sizeof(big)));
#undef SIZED
	ckpt_finish(&self->v);
}

/* Members that a program does not know of are as if they were 0. */
ARGS_TEST(restart_older_size)
{
	struct restart_args args = { .tty_fd = -1, .mounts = 8, .mounts_nr = 1 };

	/* Empty, which is found out later than the arguments are */
	EXPECT_ERRNO(EINVAL, sys_restart(0, self->out, 0, -1, &args,
					 RESTART_ARGS_SIZE_VER0));
	EXPECT_ERRNO(EFAULT, sys_restart(0, self->out, 0, -1, &args,
					 RESTART_ARGS_SIZE_VER1));
	ckpt_finish(&self->v);
}

ARGS_TEST(restart_mounts)
{
	int place = open("/tmp", O_PATH | O_CLOEXEC), fd[2];
	struct restart_mount in = { .name = (uintptr_t)"name", .fd = place };
	struct restart_args args = {
		.mounts = (uintptr_t)&in, .mounts_nr = 1, .tty_fd = -1,
	};

#define GIVEN()	sys_restart(0, self->out, 0, -1, &args, sizeof(args))
	in.fd = -1;
	EXPECT_ERRNO(EBADF, GIVEN());
	/* Not mounted where the caller is */
	ASSERT_EQ(0, pipe2(fd, O_CLOEXEC));
	in.fd = fd[0];
	EXPECT_ERRNO(EINVAL, GIVEN());
	in.fd = place;
	in.reserved = 1;
	EXPECT_ERRNO(EINVAL, GIVEN());
	in.reserved = 0;
	in.name = 8;
	EXPECT_ERRNO(EFAULT, GIVEN());
	args.mounts = 8;
	EXPECT_ERRNO(EFAULT, GIVEN());
	args.mounts_nr = RESTART_MOUNTS_MAX + 1;
	EXPECT_ERRNO(E2BIG, GIVEN());
	args.mounts_nr = 0;
	args.reserved = 1;
	EXPECT_ERRNO(EINVAL, GIVEN());
#undef GIVEN
	ckpt_finish(&self->v);
}

ARGS_TEST(restart_inherit)
{
	struct restart_inherit in = { .name = (uintptr_t)"name", .fd = 0 };
	struct restart_args args = {
		.inherit = (uintptr_t)&in, .inherit_nr = 1, .tty_fd = -1,
	};

#define GIVEN()	sys_restart(0, self->out, 0, -1, &args, sizeof(args))
	in.fd = -1;
	EXPECT_ERRNO(EBADF, GIVEN());
	in.fd = 0;
	in.reserved = 1;
	EXPECT_ERRNO(EINVAL, GIVEN());
	in.reserved = 0;
	in.name = 8;
	EXPECT_ERRNO(EFAULT, GIVEN());
	in.name = 0;
	EXPECT_ERRNO(EFAULT, GIVEN());
	args.inherit = 8;
	EXPECT_ERRNO(EFAULT, GIVEN());
	args.inherit_nr = RESTART_INHERIT_MAX + 1;
	EXPECT_ERRNO(E2BIG, GIVEN());
	args.inherit_nr = ~0U;
	EXPECT_ERRNO(E2BIG, GIVEN());
#undef GIVEN
	ckpt_finish(&self->v);
}

static uint64_t cap(int nr)
{
	return 1ULL << nr;
}

ARGS_TEST(capability_to_checkpoint)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		ckpt_caps_drop(cap(CAP_SYS_ADMIN) |
			       cap(CAP_CHECKPOINT_RESTORE));
		if (SAVE(self->v.pid, self->out, CHECKPOINT_SUBTREE) != -1 ||
		    errno != EPERM)
			_exit(1);
		ckpt_caps_back();
		/* The one or the other is enough. */
		ckpt_caps_drop(cap(CAP_SYS_ADMIN));
		if (SAVE(self->v.pid, self->out, CHECKPOINT_SUBTREE) <= 0)
			_exit(3);
		ckpt_caps_back();
		ckpt_caps_drop(cap(CAP_CHECKPOINT_RESTORE));
		if (SAVE(self->v.pid, self->out, CHECKPOINT_SUBTREE) <= 0)
			_exit(4);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ckpt_finish(&self->v);
}

/* Who may not trace a task may not read it this way either. */
ARGS_TEST(access_to_the_task)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (prctl(PR_SET_KEEPCAPS, 1) || setgid(1234) || setuid(1234))
			_exit(101);
		ckpt_caps_back();
		ckpt_caps_drop(cap(CAP_SYS_PTRACE));
		if (SAVE(self->v.pid, self->out, CHECKPOINT_SUBTREE) != -1 ||
		    errno != EPERM)
			_exit(1);
		ckpt_caps_back();
		if (SAVE(self->v.pid, self->out, CHECKPOINT_SUBTREE) <= 0)
			_exit(2);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ckpt_finish(&self->v);
}

/* A user namespace gives the capability only over what is in it. */
ARGS_TEST(from_a_user_namespace)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			_exit(0);
		_exit(SAVE(self->v.pid, self->out, CHECKPOINT_SUBTREE) != -1 ||
		      errno != EPERM);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ckpt_finish(&self->v);
}

TEST_HARNESS_MAIN
