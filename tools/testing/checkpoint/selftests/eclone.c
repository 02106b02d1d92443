// SPDX-License-Identifier: GPL-2.0
/* eclone(2): children with chosen pids, at every level of pid namespaces. */
#include "libckpttest.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* Far from what the system has in use */
#define CHOSEN	30000

/* The child ends when the parent does not read from its pipe any more. */
static int hold[2];

static void __attribute__((noreturn)) child_waits(void)
{
	char c;

	close(hold[1]);
	_exit(read(hold[0], &c, 1) == 0 ? 17 : 1);
}

static void release(struct __test_metadata *_metadata, pid_t pid)
{
	int status;

	close(hold[1]);
	close(hold[0]);
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	EXPECT_EQ(17 << 8, status);
}

static long clone_pids(unsigned int flags, pid_t *pids, unsigned int nr)
{
	struct eclone_args args = { .nr_pids = nr };
	long ret;

	if (pipe(hold))
		ckpt_die("pipe: %s", strerror(errno));
	ret = sys_eclone(flags | SIGCHLD, &args, sizeof(args), pids);
	if (!ret)
		child_waits();
	if (ret < 0) {
		ret = -errno;
		close(hold[0]);
		close(hold[1]);
	}
	return ret;
}

/* The numbers that "NSpid:" shows of a process, outermost first */
static int all_pids(pid_t pid, int *pids, int room)
{
	char path[64], buf[8192], *p, *end;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (ckpt_read_file(path, buf, sizeof(buf)) <= 0)
		return 0;
	p = strstr(buf, "NSpid:") + 6;
	while (n < room && *p != '\n') {
		pids[n++] = strtol(p, &end, 10);
		p = end;
	}
	return n;
}

DRIVER_TEST(one_level)
{
	pid_t pid = CHOSEN;

	ASSERT_EQ(CHOSEN, clone_pids(0, &pid, 1));
	release(_metadata, CHOSEN);
	/* And again, now that it is free */
	ASSERT_EQ(CHOSEN, clone_pids(0, &pid, 1));
	/* But not while it is not */
	EXPECT_EQ(-EEXIST, ({
		struct eclone_args args = { .nr_pids = 1 };
		long ret = sys_eclone(SIGCHLD, &args, sizeof(args), &pid);

		if (!ret)
			_exit(1);
		ret < 0 ? -errno : ret;
	}));
	release(_metadata, CHOSEN);
}

DRIVER_TEST(kernel_chooses)
{
	pid_t pid = 0;
	long ret;

	ret = clone_pids(0, NULL, 0);
	ASSERT_LT(0, ret);
	release(_metadata, ret);
	ret = clone_pids(0, &pid, 1);
	ASSERT_LT(0, ret);
	EXPECT_NE(CHOSEN, ret);
	release(_metadata, ret);
}

DRIVER_TEST(refused)
{
	pid_t pids[40] = { CHOSEN };
	pid_t bad;

	bad = -1;
	EXPECT_EQ(-EINVAL, clone_pids(0, &bad, 1));
	bad = 0x7fffffff;
	EXPECT_EQ(-EINVAL, clone_pids(0, &bad, 1));
	/* More levels than there are */
	EXPECT_EQ(-EINVAL, clone_pids(0, pids, 2));
	EXPECT_EQ(-EINVAL, clone_pids(0, pids, 40));
	EXPECT_EQ(-EFAULT, clone_pids(0, (pid_t *)8, 1));
	/* Process 1 of a new namespace has no other number. */
	pids[0] = 0;
	pids[1] = 5;
	EXPECT_EQ(-EINVAL, clone_pids(CLONE_NEWPID, pids, 2));
}

DRIVER_TEST(argument_struct)
{
	struct {
		struct eclone_args args;
		uint64_t more;
	} big = { .more = 1 };
	struct eclone_args args;
	char stack[64];

#define EXPECT_ECLONE(expected, flags, args, size)			\
	do {								\
		EXPECT_EQ(-1, sys_eclone(flags, args, size, NULL));	\
		EXPECT_EQ(expected, errno);				\
	} while (0)
	EXPECT_ECLONE(E2BIG, SIGCHLD, &big.args, sizeof(big));
	EXPECT_ECLONE(E2BIG, SIGCHLD, &big.args, 1 << 20);
	EXPECT_ECLONE(EINVAL, SIGCHLD, &big.args, ECLONE_ARGS_SIZE_VER0 - 8);
	EXPECT_ECLONE(EINVAL, SIGCHLD, &big.args, 0);
	EXPECT_ECLONE(EFAULT, SIGCHLD, (void *)8, sizeof(args));
	args = (struct eclone_args){ .clone_flags_high = 1 };
	EXPECT_ECLONE(EINVAL, SIGCHLD, &args, sizeof(args));
	args = (struct eclone_args){ .reserved0 = 1 };
	EXPECT_ECLONE(EINVAL, SIGCHLD, &args, sizeof(args));
	args = (struct eclone_args){ .child_stack = (uintptr_t)stack };
	EXPECT_ECLONE(EINVAL, SIGCHLD, &args, sizeof(args));
	args = (struct eclone_args){ .child_stack_size = 4096 };
	EXPECT_ECLONE(EINVAL, SIGCHLD, &args, sizeof(args));
	/* What clone(2) would not take either */
	args = (struct eclone_args){ 0 };
	EXPECT_ECLONE(EINVAL, CLONE_SIGHAND | SIGCHLD, &args, sizeof(args));
	EXPECT_ECLONE(EINVAL, CLONE_NEWNS | CLONE_FS | SIGCHLD, &args,
		      sizeof(args));
	EXPECT_ECLONE(EINVAL, 0x7f, &args, sizeof(args));
#undef EXPECT_ECLONE
}

/* A process of a namespace below, by the numbers of both levels */
static void two_levels(struct __test_metadata *_metadata, pid_t *pids,
		       unsigned int nr, int outer)
{
	int seen[4] = { 0 };
	long ret;

	ret = clone_pids(CLONE_NEWPID, pids, nr);
	ASSERT_LT(0, ret) TH_LOG("eclone: %s", strerror(-ret));
	ASSERT_EQ(2, all_pids(ret, seen, 4));
	EXPECT_EQ(ret, seen[0]);
	EXPECT_EQ(1, seen[1]);
	if (outer)
		EXPECT_EQ(outer, ret);
	release(_metadata, ret);
}

DRIVER_TEST(init_of_a_namespace)
{
	pid_t pids[2];

	/* The outermost is first, and process 1 is the last. */
	pids[0] = CHOSEN;
	pids[1] = 1;
	two_levels(_metadata, pids, 2, CHOSEN);
	/* A short array is for the innermost levels. */
	pids[0] = 1;
	two_levels(_metadata, pids, 1, 0);
	/* 0: whichever is free, at this level alone */
	pids[0] = CHOSEN;
	pids[1] = 0;
	two_levels(_metadata, pids, 2, CHOSEN);
	pids[0] = 0;
	pids[1] = 1;
	two_levels(_metadata, pids, 2, 0);
}

/* In a namespace two below, three numbers can be chosen. */
static void __attribute__((noreturn)) innermost(int out)
{
	static const struct {
		pid_t pids[3];
		unsigned int nr;
	} calls[] = {
		{ { CHOSEN, 500, 50 }, 3 },
		{ { 501, 51 }, 2 },
		{ { 52 }, 1 },
		{ { 0, 503, 0 }, 3 },
		{ { CHOSEN + 4, 0, 54 }, 3 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		struct eclone_args args = { .nr_pids = calls[i].nr };
		pid_t pids[3], pid;

		memcpy(pids, calls[i].pids, sizeof(pids));
		pid = sys_eclone(SIGCHLD, &args, sizeof(args), pids);
		if (!pid)
			_exit(pause());
		if (pid < 0)
			pid = -errno;
		if (write(out, &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
	}
	_exit(pause());
}

static pid_t only_child(pid_t pid)
{
	char path[64], buf[256] = "";
	int i;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	for (i = 0; i < 1000; i++) {
		if (ckpt_read_file(path, buf, sizeof(buf)) > 0)
			return atoi(buf);
		ckpt_pause();
	}
	ckpt_die("%s: none", path);
}

DRIVER_TEST(three_levels)
{
	static const int expected[][3] = {
		{ CHOSEN, 500, 50 }, { 0, 501, 51 }, { 0, 0, 52 },
		{ 0, 503, 0 }, { CHOSEN + 4, 0, 54 },
	};
	unsigned int i, level;
	pid_t middle, inner;
	char path[64], buf[512], *p, *end;
	int out[2], seen[4];
	pid_t pid;

	ASSERT_EQ(0, pipe(out));
	middle = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (!middle) {
		inner = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
		if (!inner)
			innermost(out[1]);
		_exit(pause());
	}
	ASSERT_LT(0, middle);
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		ASSERT_EQ(sizeof(pid), read(out[0], &pid, sizeof(pid)));
		EXPECT_LT(0, pid) TH_LOG("call %u: %s", i, strerror(-pid));
		if (expected[i][2])
			EXPECT_EQ(expected[i][2], pid);
	}
	inner = only_child(middle);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", inner, inner);
	ASSERT_LT(0, ckpt_read_file(path, buf, sizeof(buf)));
	for (i = 0, p = buf; i < ARRAY_SIZE(expected); i++, p = end) {
		pid = strtol(p, &end, 10);
		ASSERT_EQ(3, all_pids(pid, seen, 4));
		for (level = 0; level < 3; level++)
			if (expected[i][level])
				EXPECT_EQ(expected[i][level], seen[level]);
	}
	kill(middle, SIGKILL);
	EXPECT_EQ(middle, waitpid(middle, NULL, 0));
}

DRIVER_TEST(capability)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct full[2], less[2];
	pid_t pid = CHOSEN;
	long ret;

	ASSERT_EQ(0, syscall(SYS_capget, &head, full));
	memcpy(less, full, sizeof(less));
	less[0].effective &= ~(1U << CAP_SYS_ADMIN);
	less[1].effective &= ~(1U << (40 - 32));	/* CAP_CHECKPOINT_RESTORE */
	ASSERT_EQ(0, syscall(SYS_capset, &head, less));
	EXPECT_EQ(-EPERM, clone_pids(0, &pid, 1));
	/* To choose nothing needs nothing. */
	ret = clone_pids(0, NULL, 0);
	ASSERT_LT(0, ret);
	release(_metadata, ret);
	ASSERT_EQ(0, syscall(SYS_capset, &head, full));
	ASSERT_EQ(CHOSEN, clone_pids(0, &pid, 1));
	release(_metadata, CHOSEN);
}

/* The rest is that of clone(2): where ids are stored, and a stack */
DRIVER_TEST(tid_pointers)
{
	struct eclone_args args = { .nr_pids = 1 };
	pid_t *tids = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t chosen = CHOSEN, pid;

	ASSERT_NE(MAP_FAILED, tids);
	args.parent_tid_ptr = (uintptr_t)&tids[0];
	args.child_tid_ptr = (uintptr_t)&tids[1];
	ASSERT_EQ(0, pipe(hold));
	pid = sys_eclone(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD,
			 &args, sizeof(args), &chosen);
	if (!pid)
		child_waits();
	ASSERT_EQ(CHOSEN, pid);
	EXPECT_EQ(CHOSEN, tids[0]);
	release(_metadata, pid);
	EXPECT_EQ(CHOSEN, tids[1]);
}

/* Another stack, entered as clone(2) does it: by returning from the call */
static long __attribute__((noinline))
call_on_stack(unsigned int flags, struct eclone_args *args, size_t size,
	      pid_t *pids, uint64_t *where)
{
	register long r10 asm("r10") = (long)pids;
	long ret;

	asm volatile("syscall\n\t"
		     "test %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     /* In the child: say where it stands, and leave. */
		     "mov %%rsp, (%[where])\n\t"
		     "mov $18, %%edi\n\t"
		     "mov $60, %%eax\n\t"
		     "syscall\n\t"
		     "1:\n\t"
		     : "=a" (ret)
		     : "a" ((long)__NR_ckpt_eclone), "D" ((long)flags),
		       "S" (args), "d" (size), "r" (r10), [where] "r" (where)
		     : "rcx", "r11", "memory");
	return ret;
}

DRIVER_TEST(stack)
{
	char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct eclone_args args = {
		.child_stack = (uintptr_t)stack, .child_stack_size = 65536,
		.nr_pids = 1,
	};
	pid_t chosen = CHOSEN;
	uint64_t *where = (void *)stack;
	int status;

	ASSERT_NE(MAP_FAILED, stack);
	ASSERT_EQ(CHOSEN, call_on_stack(SIGCHLD, &args, sizeof(args), &chosen,
					where));
	ASSERT_EQ(CHOSEN, waitpid(CHOSEN, &status, 0));
	EXPECT_EQ(18 << 8, status);
	EXPECT_EQ((uintptr_t)stack + 65536, *where);
}

TEST_HARNESS_MAIN
