// SPDX-License-Identifier: GPL-2.0
/*
 * Credentials: user and group ids, groups, capabilities, and the promises that
 * cannot be taken back. Those that /proc shows are compared there too.
 */
#include "libckpttest.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void get_caps(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	REQUIRE(!syscall(SYS_capget, &head, data));
}

static void set_caps(const struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	REQUIRE(!syscall(SYS_capset, &head, data));
}

CKPT_TEST(ids)
{
	uid_t r, e, s;

	REQUIRE(!setresgid(1001, 1002, 1003));
	REQUIRE(!setresuid(1011, 0, 1013));
	setfsgid(1004);
	setfsuid(1014);
	ckpt_ready();
	CHECK(!getresuid(&r, &e, &s));
	CHECK(r == 1011 && e == 0 && s == 1013);
	CHECK(!getresgid(&r, &e, &s));
	CHECK(r == 1001 && e == 1002 && s == 1003);
	CHECK_EQ(setfsuid(-1), 1014);
	CHECK_EQ(setfsgid(-1), 1004);
}

/* Root no more, without any capability */
CKPT_TEST(unprivileged)
{
	struct __user_cap_data_struct caps[2];

	REQUIRE(!setgroups(0, NULL) && !setgid(2001) && !setuid(2001));
	ckpt_ready();
	CHECK_EQ(getuid(), 2001);
	CHECK_EQ(setuid(0), -1);
	get_caps(caps);
	CHECK_EQ(caps[0].effective | caps[1].effective, 0);
	CHECK_EQ(caps[0].permitted | caps[1].permitted, 0);
	CHECK_EQ(getgroups(0, NULL), 0);
	CHECK_EQ(open("/etc/shadow", O_RDWR | O_CREAT, 0600), -1);
}

CKPT_TEST(groups)
{
	gid_t set[101], get[101];
	int i;

	for (i = 0; i < 101; i++)
		set[i] = 3000 + 7 * i;
	REQUIRE(!setgroups(101, set));
	ckpt_ready();
	CHECK_EQ(getgroups(101, get), 101);
	CHECK(!memcmp(get, set, sizeof(set)));
}

/* Different in each set, and an ambient one across the change of the uid */
CKPT_TEST(capabilities)
{
	struct __user_cap_data_struct before[2], after[2];

	REQUIRE(!prctl(PR_CAPBSET_DROP, CAP_SYS_TIME));
	REQUIRE(!prctl(PR_CAPBSET_DROP, CAP_MKNOD));
	get_caps(before);
	before[0].inheritable = before[0].permitted & (1 << CAP_NET_RAW |
						       1 << CAP_KILL);
	before[0].effective &= ~(1 << CAP_CHOWN);
	before[0].permitted &= ~(1 << CAP_FOWNER);
	before[0].effective &= before[0].permitted;
	set_caps(before);
	if (before[0].inheritable & 1 << CAP_KILL)
		REQUIRE(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL,
			       0, 0));
	get_caps(before);
	ckpt_ready();
	get_caps(after);
	CHECK(!memcmp(before, after, sizeof(before)));
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_TIME), 0);
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_MKNOD), 0);
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_KILL),
		 prctl(PR_CAPBSET_READ, CAP_CHOWN));
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0),
		 !!(before[0].inheritable & 1 << CAP_KILL));
}

/* Locked: the restore must not need what they forbid. */
CKPT_TEST(securebits)
{
	int bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
		   SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
		   SECBIT_KEEP_CAPS;

	if (prctl(PR_SET_SECUREBITS, bits))
		ckpt_skip("PR_SET_SECUREBITS: %m");
	REQUIRE(!setresuid(4001, 4001, 4001));
	ckpt_ready();
	CHECK_EQ(prctl(PR_GET_SECUREBITS), bits);
	CHECK_EQ(prctl(PR_GET_KEEPCAPS), 1);
	CHECK_EQ(getuid(), 4001);
}

CKPT_TEST(no_new_privs)
{
	REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ckpt_ready();
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}

static struct ckpt_gate up, go;

/* System calls, not libc's functions, which change all threads */
static void *own_ids(void *arg)
{
	uid_t uid = (uintptr_t)arg, r, e, s;

	REQUIRE(!syscall(SYS_setresuid, uid, uid, -1));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(!syscall(SYS_getresuid, &r, &e, &s));
	CHECK(r == uid && e == uid && s == 0);
	return NULL;
}

CKPT_TEST(threads_with_their_own)
{
	pthread_t thread[3];
	uintptr_t i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	for (i = 0; i < 3; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, own_ids,
					(void *)(5001 + i)));
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(getuid(), 0);
	ckpt_gate_open(&go, 3);
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
}

static int other_user(void *arg)
{
	REQUIRE(!setgid(6001) && !setuid(6001));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(getuid(), 6001);
	CHECK_EQ(getgid(), 6001);
	return 0;
}

CKPT_TEST(processes_with_their_own)
{
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(other_user, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(getuid(), 0);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
}

#define SIBLINGS	20

/**
 * struct family - processes of which one asks after all others
 * @stop: it is to stop
 * @asked: how often it has
 * @denied: how often it was not allowed to
 * @pid: the others
 */
struct family {
	volatile bool stop;
	volatile unsigned long asked;
	volatile unsigned long denied;
	pid_t pid[SIBLINGS];
};

static int asks(void *arg)
{
	struct family *f = arg;
	int i;

	for (; !f->stop; f->asked++)
		for (i = 0; i < SIBLINGS; i++)
			f->denied += !!kill(f->pid[i], 0);
	return 0;
}

static int is_asked(void *arg)
{
	for (;;)
		pause();
	return 0;
}

/* Whom it might send a signal before the restart it may in it. */
CKPT_TEST(signals_to_siblings)
{
	struct family *f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long asked;
	pid_t pid;
	int i;

	REQUIRE(f != MAP_FAILED);
	REQUIRE(!setresuid(2001, 2001, 2001));
	for (i = 0; i < SIBLINGS; i++)
		f->pid[i] = ckpt_fork(is_asked, NULL);
	pid = ckpt_fork(asks, f);
	CKPT_WAIT_FOR(f->asked);
	ckpt_ready();
	asked = f->asked;
	CKPT_WAIT_FOR(f->asked > asked + 1);
	f->stop = true;
	ckpt_join(pid, 0);
	CHECK_EQ(f->denied, 0);
	for (i = 0; i < SIBLINGS; i++)
		CHECK(!kill(f->pid[i], SIGKILL) &&
		      waitpid(f->pid[i], NULL, 0) == f->pid[i]);
}

TEST_HARNESS_MAIN
