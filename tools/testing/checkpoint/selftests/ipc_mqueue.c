// SPDX-License-Identifier: GPL-2.0
/* POSIX message queues: what is in them, open or not, and who is notified. */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Without a limit: the queues of a namespace count until it is freed, which is
 * some time after its last task has ended.
 */
static mqd_t make(const char *name, int flags, long maxmsg, long msgsize)
{
	struct mq_attr attr = { .mq_maxmsg = maxmsg, .mq_msgsize = msgsize };
	struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	mqd_t mq;

	if (setrlimit(RLIMIT_MSGQUEUE, &none))
		ckpt_skip("setrlimit: %m");
	mq = mq_open(name, O_CREAT | O_EXCL | flags, 0640, &attr);
	if (mq < 0)
		ckpt_skip("mq_open: %m");
	return mq;
}

static void put(mqd_t mq, const char *text, unsigned int prio)
{
	REQUIRE(!mq_send(mq, text, strlen(text), prio));
}

static void expect(mqd_t mq, const char *text, unsigned int prio)
{
	unsigned int seen = ~0U;
	char buf[8192] = "";
	ssize_t len = mq_receive(mq, buf, sizeof(buf), &seen);

	CHECK_EQ(len, (ssize_t)strlen(text));
	CHECK(len < 0 || !memcmp(buf, text, len));
	CHECK_EQ(seen, prio);
}

static void expect_attr(mqd_t mq, long flags, long maxmsg, long msgsize,
			long curmsgs)
{
	struct mq_attr attr;

	CHECK(!mq_getattr(mq, &attr));
	CHECK_EQ(attr.mq_flags, flags);
	CHECK_EQ(attr.mq_maxmsg, maxmsg);
	CHECK_EQ(attr.mq_msgsize, msgsize);
	CHECK_EQ(attr.mq_curmsgs, curmsgs);
}

CKPT_TEST_ONLY(messages, CKPT_CONTAINER)
{
	mqd_t mq = make("/messages", O_RDWR, 7, 8000), nb;
	static char big[8000];
	struct stat st, st2;

	nb = mq_open("/messages", O_RDONLY | O_NONBLOCK);
	REQUIRE(nb >= 0);
	memset(big, 'b', sizeof(big) - 1);
	put(mq, "low", 0);
	put(mq, "high", 32767);
	put(mq, "first", 5);
	put(mq, big, 7);
	put(mq, "second", 5);
	put(mq, "", 1);
	REQUIRE(!fchmod(mq, 0604) && !fchown(mq, 1000, 1001));
	REQUIRE(!fstat(mq, &st));
	ckpt_ready();
	CHECK(!fstat(mq, &st2));
	CHECK_EQ(st2.st_mode, st.st_mode);
	CHECK_EQ(st2.st_uid, 1000);
	CHECK_EQ(st2.st_gid, 1001);
	CHECK(!memcmp(&st.st_mtim, &st2.st_mtim, sizeof(st.st_mtim)));
	CHECK(!memcmp(&st.st_ctim, &st2.st_ctim, sizeof(st.st_ctim)));
	expect_attr(mq, 0, 7, 8000, 6);
	expect_attr(nb, O_NONBLOCK, 7, 8000, 6);
	expect(nb, "high", 32767);
	expect(mq, big, 7);
	expect(mq, "first", 5);
	expect(nb, "second", 5);
	expect(mq, "", 1);
	expect(mq, "low", 0);
	CHECK_EQ(mq_receive(nb, big, sizeof(big), NULL), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(mq_send(nb, "x", 1, 0), -1);
	CHECK_EQ(errno, EBADF);
	CHECK(!mq_unlink("/messages"));
}

CKPT_TEST_ONLY(not_open, CKPT_CONTAINER)
{
	mqd_t mq = make("/closed", O_WRONLY, 4, 64);
	char big[65] = "";

	put(mq, "kept", 3);
	REQUIRE(!mq_close(mq));
	ckpt_ready();
	mq = mq_open("/closed", O_RDWR);
	CHECK(mq >= 0);
	expect_attr(mq, 0, 4, 64, 1);
	CHECK_EQ(mq_send(mq, big, sizeof(big), 0), -1);
	CHECK(!mq_unlink("/closed"));
}

/* More than RLIMIT_MSGQUEUE of the one who restarts it would allow */
CKPT_TEST_ONLY(above_the_limit, CKPT_CONTAINER)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
	struct rlimit limit;
	char name[16];
	int i;

	REQUIRE(!getrlimit(RLIMIT_MSGQUEUE, &limit));
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "/limit-%d", i);
		make(name, O_RDWR, attr.mq_maxmsg, attr.mq_msgsize);
	}
	/* its own limit allows no more */
	REQUIRE(!setrlimit(RLIMIT_MSGQUEUE, &limit));
	ckpt_ready();
	CHECK_EQ(mq_open("/one-more", O_RDWR | O_CREAT, 0600, &attr), -1);
	CHECK_EQ(errno, EMFILE);
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "/limit-%d", i);
		CHECK(!mq_unlink(name));
	}
}

/* Without a name, and another has the name by now */
CKPT_TEST_ONLY(unlinked, CKPT_CONTAINER)
{
	mqd_t mq = make("/name", O_RDWR, 4, 8192), other, dup;

	put(mq, "old", 1);
	REQUIRE(!mq_unlink("/name"));
	other = make("/name", O_RDWR, 5, 8192);
	put(other, "new", 2);
	dup = fcntl(mq, F_DUPFD, 0);
	REQUIRE(dup >= 0);
	ckpt_ready();
	expect_attr(mq, 0, 4, 8192, 1);
	expect(dup, "old", 1);
	expect(other, "new", 2);
	CHECK(!mq_unlink("/name"));
	CHECK_EQ(mq_unlink("/name"), -1);
	put(mq, "again", 0);
	expect(mq, "again", 0);
}

static mqd_t queue;

static int receives(void *arg)
{
	expect(queue, "for you", 4);
	return 0;
}

static int sends(void *arg)
{
	put(*(mqd_t *)arg, "late", 0);
	return 0;
}

CKPT_TEST_ONLY(blocked, CKPT_CONTAINER)
{
	mqd_t full = make("/full", O_RDWR, 1, 8192);
	pid_t receiver, sender;

	queue = make("/empty", O_RDWR, 1, 8192);
	put(full, "full", 0);
	receiver = ckpt_fork(receives, NULL);
	sender = ckpt_fork(sends, &full);
	ckpt_wait_blocked(receiver, receiver, SYS_mq_timedreceive);
	ckpt_wait_blocked(sender, sender, SYS_mq_timedsend);
	ckpt_ready();
	ckpt_wait_blocked(receiver, receiver, SYS_mq_timedreceive);
	ckpt_wait_blocked(sender, sender, SYS_mq_timedsend);
	put(queue, "for you", 4);
	ckpt_join(receiver, 0);
	expect(full, "full", 0);
	ckpt_join(sender, 0);
	expect(full, "late", 0);
}

CKPT_TEST_ONLY(notified_by_signal, CKPT_CONTAINER)
{
	mqd_t mq = make("/notify", O_RDWR, 4, 8192);
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1,
		.sigev_value.sival_int = 4711,
	};
	const struct timespec wait = { .tv_sec = CKPT_WAIT_S };
	siginfo_t info;
	char buf[128] = "", buf2[128] = "";
	sigset_t sigs;
	pid_t pid;

	sigemptyset(&sigs);
	sigaddset(&sigs, SIGRTMIN + 1);
	REQUIRE(!sigprocmask(SIG_BLOCK, &sigs, NULL));
	REQUIRE(!mq_notify(mq, &event));
	REQUIRE(read(mq, buf, sizeof(buf)) > 0);
	ckpt_ready();
	CHECK(pread(mq, buf2, sizeof(buf2), 0) > 0);
	CHECK(!strcmp(buf, buf2));
	CHECK_EQ(mq_notify(mq, &event), -1);
	CHECK_EQ(errno, EBUSY);
	pid = ckpt_fork(sends, &mq);
	CHECK_EQ(sigtimedwait(&sigs, &info, &wait), SIGRTMIN + 1);
	CHECK_EQ(info.si_code, SI_MESGQ);
	CHECK_EQ(info.si_value.sival_int, 4711);
	CHECK_EQ(info.si_pid, pid);
	ckpt_join(pid, 0);
	/* once */
	CHECK(!mq_notify(mq, &event));
}

static int asks(void *arg)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	struct ckpt_gate *gate = arg;

	REQUIRE(!mq_notify(queue, &event));
	ckpt_gate_open(&gate[0], 1);
	ckpt_gate_wait(&gate[1]);
	CHECK(!mq_close(queue));
	return 0;
}

/* SIGEV_NONE keeps others away, until it is closed. */
CKPT_TEST_ONLY(notified_by_nothing, CKPT_CONTAINER)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	struct ckpt_gate gate[2];
	pid_t pid;

	ckpt_gate_init(&gate[0]);
	ckpt_gate_init(&gate[1]);
	queue = make("/none", O_RDWR, 4, 8192);
	pid = ckpt_fork(asks, gate);
	ckpt_gate_wait(&gate[0]);
	ckpt_ready();
	CHECK_EQ(mq_notify(queue, &event), -1);
	CHECK_EQ(errno, EBUSY);
	ckpt_gate_open(&gate[1], 1);
	ckpt_join(pid, 0);
	CHECK(!mq_notify(queue, &event));
}

static int has_its_own(void *arg)
{
	struct ckpt_gate *gate = arg;
	mqd_t mq;

	REQUIRE(!unshare(CLONE_NEWIPC));
	mq = make("/same", O_RDWR, 4, 8192);
	put(mq, "child", 1);
	ckpt_gate_open(&gate[0], 1);
	ckpt_gate_wait(&gate[1]);
	expect(mq, "child", 1);
	/* that of the parent, inherited */
	expect(queue, "parent", 2);
	return 0;
}

CKPT_TEST_ONLY(namespaces, CKPT_CONTAINER)
{
	struct ckpt_gate gate[2];

	ckpt_gate_init(&gate[0]);
	ckpt_gate_init(&gate[1]);
	queue = make("/same", O_RDWR, 4, 8192);
	put(queue, "parent", 2);
	ckpt_ready_beside(has_its_own, gate, &gate[0], &gate[1]);
	expect_attr(queue, 0, 4, 8192, 0);
}

/* One that may have one queue, and not two */
static int owns_one(void *arg)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
	struct rlimit limit = { 120000, 120000 };
	struct ckpt_gate *gate = arg;
	struct timespec now;
	uid_t uid;

	/* whose queues of another life have not gone yet, perhaps */
	clock_gettime(CLOCK_REALTIME, &now);
	uid = 10000 + now.tv_nsec / 1000 % 50000;
	REQUIRE(!setrlimit(RLIMIT_MSGQUEUE, &limit));
	REQUIRE(!setresgid(uid, uid, uid) && !setresuid(uid, uid, uid));
	REQUIRE(mq_open("/mine", O_CREAT | O_RDWR, 0600, &attr) >= 0);
	ckpt_gate_open(&gate[0], 1);
	ckpt_gate_wait(&gate[1]);
	CHECK_EQ(mq_open("/mine too", O_CREAT | O_RDWR, 0600, &attr), -1);
	CHECK_EQ(errno, EMFILE);
	return 0;
}

CKPT_TEST_ONLY(counts_for_its_maker, CKPT_CONTAINER)
{
	struct ckpt_gate gate[2];
	pid_t pid;

	ckpt_gate_init(&gate[0]);
	ckpt_gate_init(&gate[1]);
	pid = ckpt_fork(owns_one, gate);
	ckpt_gate_wait(&gate[0]);
	ckpt_ready();
	ckpt_gate_open(&gate[1], 1);
	ckpt_join(pid, 0);
}

/* A queue of the caller's namespace is outside: opened again by its name. */
CKPT_TEST(of_the_caller)
{
	char name[32];
	mqd_t mq;

	snprintf(name, sizeof(name), "/ckpt.%d", getpid());
	mq = make(name, O_RDWR | O_NONBLOCK, 4, 8192);
	put(mq, "outside", 1);
	ckpt_ready();
	expect_attr(mq, O_NONBLOCK, 4, 8192, 1);
	CHECK(!mq_unlink(name));
}

#define NOTIFIED	"/ckpt.notified"

CKPT_VICTIM(is_notified)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	mqd_t mq = make(NOTIFIED, O_RDWR, 4, 8192);

	REQUIRE(!mq_notify(mq, &event));
	ckpt_ready();
}

/* Who is killed under the hands of a checkpoint is notified no more. */
DRIVER_TEST(notified_and_killed)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	struct ckpt_victim *v = &self->v;
	pid_t pid;
	mqd_t mq;
	int fd;

	ckpt_start(v, "is_notified", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	mq = mq_open(NOTIFIED, O_RDWR);
	ASSERT_LE(0, mq);
	EXPECT_EQ(0, mq_unlink(NOTIFIED));
	pid = ckpt_start_parked(v, &fd);
	EXPECT_EQ(-1, mq_notify(mq, &event));
	EXPECT_EQ(EBUSY, errno);
	kill(v->pid, SIGKILL);
	ASSERT_EQ(v->pid, waitpid(v->pid, NULL, 0));
	ckpt_end_writer(pid, fd);
	EXPECT_EQ(0, mq_notify(mq, &event));
	mq_close(mq);
	ckpt_kill(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
