// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for System V semaphores and messages, and for POSIX messages.
 */
#include "librestart.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const struct timespec span = {
	.tv_sec = RESTART_MS / 1000,
	.tv_nsec = RESTART_MS % 1000 * 1000000,
};

static int id;

static int make_semaphores(void)
{
	id = semget(IPC_PRIVATE, 2, 0600);
	if (id < 0 && errno == ENOSYS)
		ckpt_skip("no System V IPC in this kernel");
	REQUIRE(id >= 0);
	return id;
}

RESTART_TEST(semtimedop_timeout, SYS_semtimedop)
{
	struct sembuf op = { .sem_num = 1, .sem_op = -1 };
	uint64_t start;

	make_semaphores();
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_semtimedop, id, &op, 1, &span), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_WAITED(start);
	CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
}

static int raise_late(void *arg)
{
	struct sembuf op = { .sem_num = 1, .sem_op = 1 };

	CHECK_EQ(nanosleep(&span, NULL), 0);
	return semop(id, &op, 1) != 0;
}

RESTART_TEST(semop_event, SYS_semop)
{
	struct sembuf op = { .sem_num = 1, .sem_op = -1 };
	pid_t pid;

	make_semaphores();
	ckpt_ready();
	pid = ckpt_fork(raise_late, NULL);
	CHECK_EQ(syscall(SYS_semop, id, &op, 1), 0);
	CHECK_EQ(semctl(id, 1, GETVAL), 0);
	ckpt_join(pid, 0);
	CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
}

struct message {
	long type;
	char text[4];
};

static int send_late(void *arg)
{
	struct message msg = { .type = 7, .text = "abc" };

	CHECK_EQ(nanosleep(&span, NULL), 0);
	return msgsnd(id, &msg, sizeof(msg.text), 0) != 0;
}

RESTART_TEST(msgrcv_event, SYS_msgrcv)
{
	struct message msg = {};
	pid_t pid;

	id = msgget(IPC_PRIVATE, 0600);
	if (id < 0 && errno == ENOSYS)
		ckpt_skip("no System V IPC in this kernel");
	REQUIRE(id >= 0);
	ckpt_ready();
	pid = ckpt_fork(send_late, NULL);
	CHECK_EQ(syscall(SYS_msgrcv, id, &msg, sizeof(msg.text), 0, 0), 4);
	CHECK_EQ(msg.type, 7);
	CHECK(!strcmp(msg.text, "abc"));
	ckpt_join(pid, 0);
	CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
}

RESTART_TEST_REFUSED(mq_timedreceive_timeout, SYS_mq_timedreceive)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	struct timespec end;
	char name[32], buf[8];
	uint64_t start;
	int fd;

	snprintf(name, sizeof(name), "/ckpt.%d", getpid());
	fd = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (fd < 0)
		ckpt_skip("mq_open: %m");
	REQUIRE(!mq_unlink(name));
	ckpt_ready();
	start = ckpt_now();
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += span.tv_sec;
	end.tv_nsec += span.tv_nsec;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	CHECK_EQ(syscall(SYS_mq_timedreceive, fd, buf, 8, NULL, &end), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	CHECK_WAITED(start);
}

TEST_HARNESS_MAIN
