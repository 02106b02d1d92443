// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors of pidfd_open(2): of processes that live, are dead, are gone; of
 * threads.
 */
#include "libckpttest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD		3
#endif
#ifndef PIDFD_THREAD
#define PIDFD_THREAD	O_EXCL
#endif

static struct ckpt_gate up, go;

static int open_pid(pid_t pid, unsigned int flags)
{
	int fd = syscall(SYS_pidfd_open, pid, flags);

	if (fd < 0)
		ckpt_skip("pidfd_open(%d, %#x): %m", pid, flags);
	return fd;
}

static int send_to(int fd, int sig)
{
	return syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) ? -errno : 0;
}

static short ready(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	CHECK(poll(&pfd, 1, 0) >= 0);
	return pfd.revents;
}

static ino_t inode(int fd)
{
	struct stat st;

	REQUIRE(!fstat(fd, &st));
	return st.st_ino;
}

static int sleeps(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 7;
}

static int leaves(void *arg)
{
	return 5;
}

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

CKPT_TEST(running)
{
	int fd, self = open_pid(getpid(), 0), same;
	siginfo_t si = {};
	pid_t pid;

	gates();
	pid = ckpt_fork(sleeps, NULL);
	fd = open_pid(pid, O_NONBLOCK);
	same = open_pid(pid, 0);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(ready(fd), 0);
	CHECK_EQ(ready(self), 0);
	CHECK_EQ(send_to(self, 0), 0);
	CHECK_EQ(send_to(fd, 0), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_EQ(inode(fd), inode(same));
	CHECK(inode(fd) != inode(self));
	CHECK_EQ(waitid(P_PIDFD, fd, &si, WEXITED), -1);
	CHECK_EQ(errno, EAGAIN);
	ckpt_gate_open(&go, 1);
	CHECK(!waitid(P_PIDFD, same, &si, WEXITED));
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(si.si_status, 7);
	CHECK_EQ(ready(fd), POLLIN | POLLHUP);
	CHECK_EQ(send_to(fd, 0), -ESRCH);
}

CKPT_TEST(zombie)
{
	siginfo_t si = {};
	pid_t pid = ckpt_fork(leaves, NULL);
	int fd = open_pid(pid, 0);

	ckpt_wait_state(pid, 'Z');
	ckpt_ready();
	CHECK_EQ(ready(fd), POLLIN);
	CHECK(!waitid(P_PIDFD, fd, &si, WEXITED));
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(si.si_status, 5);
	CHECK_EQ(ready(fd), POLLIN | POLLHUP);
}

CKPT_TEST(gone)
{
	pid_t pid = ckpt_fork(leaves, NULL), other = ckpt_fork(leaves, NULL);
	int fd = open_pid(pid, 0), same = open_pid(pid, 0);
	int another = open_pid(other, 0);
	siginfo_t si = {};

	ckpt_join(pid, 5);
	ckpt_join(other, 5);
	ckpt_ready();
	CHECK_EQ(ready(fd), POLLIN | POLLHUP);
	CHECK_EQ(send_to(fd, 0), -ESRCH);
	CHECK_EQ(waitid(P_PIDFD, fd, &si, WEXITED), -1);
	CHECK_EQ(errno, ECHILD);
	CHECK_EQ(inode(fd), inode(same));
	CHECK(inode(fd) != inode(another));
}

/* A child of it has been its process group's only member since. */
static int makes_a_group(void *arg)
{
	setpgid(0, 0);
	if (!fork()) {
		sleeps(NULL);
		_exit(0);
	}
	return 5;
}

CKPT_TEST_ONLY(group_without_its_leader, CKPT_CONTAINER)
{
	pid_t pid;
	int fd;

	gates();
	pid = ckpt_fork(makes_a_group, NULL);
	fd = open_pid(pid, 0);
	ckpt_gate_wait(&up);
	ckpt_join(pid, 5);
	ckpt_ready();
	CHECK_EQ(ready(fd), POLLIN | POLLHUP);
	CHECK(!kill(-pid, 0));
	ckpt_gate_open(&go, 1);
}

static pid_t thread_id;

static void *thread(void *arg)
{
	thread_id = gettid();
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return NULL;
}

CKPT_TEST(threads)
{
	int fd, same, leader = open_pid(getpid(), PIDFD_THREAD);
	pthread_t t;

	gates();
	REQUIRE(!pthread_create(&t, NULL, thread, NULL));
	ckpt_gate_wait(&up);
	fd = open_pid(thread_id, PIDFD_THREAD);
	same = open_pid(thread_id, PIDFD_THREAD);
	ckpt_ready();
	CHECK_EQ(ready(fd), 0);
	CHECK_EQ(send_to(fd, 0), 0);
	CHECK_EQ(inode(fd), inode(same));
	CHECK_EQ(inode(leader), inode(open_pid(getpid(), 0)));
	CHECK_EQ(fcntl(fd, F_GETFL) & PIDFD_THREAD, PIDFD_THREAD);
	ckpt_gate_open(&go, 1);
	pthread_join(t, NULL);
	CKPT_WAIT_FOR(ready(fd) == (POLLIN | POLLHUP));
	CHECK_EQ(ready(leader), 0);
}

/* Each has one of the other. */
static int has_its_parent(void *arg)
{
	int fd = open_pid(getppid(), 0);

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return send_to(fd, 0) ? 1 : 0;
}

CKPT_TEST(each_other)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(0), fd;
	pid_t pid;

	gates();
	pid = ckpt_fork(has_its_parent, NULL);
	fd = open_pid(pid, 0);
	ev.data.u64 = 3;
	REQUIRE(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	ckpt_gate_open(&go, 1);
	CHECK_EQ(epoll_wait(ep, &ev, 1, CKPT_WAIT_S * 1000), 1);
	CHECK_EQ(ev.data.u64, 3);
	ckpt_join(pid, 0);
}

/* ------------------------------------------------------------- outside */

CKPT_VICTIM(has_one_of_the_driver)
{
	int fd = open_pid(getpid(), 0);

	ckpt_ready();
	CHECK_EQ(send_to(fd, 0), 0);
	CHECK_EQ(send_to(100, 0), 0);
	CHECK(inode(fd) != inode(100));
}

/* The objref of the open file that is external, and called like this */
static uint32_t external(struct image *image, const char *name)
{
	struct ckpt_hdr_string *string;
	struct ckpt_hdr_object *object;
	struct ckpt_hdr_file *file;
	unsigned int i;

	for (i = 1; i + 1 < image->nr; i++) {
		if (image->rec[i].type != CKPT_HDR_FILE ||
		    image->rec[i - 1].type != CKPT_HDR_OBJECT)
			continue;
		object = (void *)(image->data + image->rec[i - 1].off);
		file = (void *)(image->data + image->rec[i].off);
		string = (void *)(image->data + image->rec[i + 1].off);
		if (file->kind == CKPT_FILE_EXTERNAL &&
		    strstr(string->text, name))
			return object->objref;
	}
	return 0;
}

/* An image does not change a descriptor that its reader has given. */
DRIVER_TEST(given)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_late_file *late;
	struct image image;
	ino_t ino;
	int fd;

	fd = syscall(SYS_pidfd_open, getpid(), 0);
	ASSERT_LE(0, fd);
	ino = inode(fd);
	ckpt_pass(fd, 100);
	ckpt_start(v, "has_one_of_the_driver", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	ckpt_inherit_link(v, fd);
	image_load(&image, v->image);
	late = image_at(&image, CKPT_HDR_LATE_FILE, 0);
	late->file = external(&image, "pidfd");
	ASSERT_NE(0, late->file);
	EXPECT_EQ(-EINVAL, image_restart(v, &image));
	EXPECT_EQ(ino, inode(fd));
	image_free(&image);
	ASSERT_LT(0, ckpt_restart(v, 0)) TH_LOG("%s", v->log);
	ckpt_finish(v);
	EXPECT_EQ(ino, inode(fd));
	ckpt_end(v);
}

TEST_HARNESS_MAIN
