// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for asynchronous input and output. It is not supported: the
 * checkpoint is refused, but the task was parked.
 */
#include "librestart.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const struct timespec span = {
	.tv_sec = RESTART_MS / 1000,
	.tv_nsec = RESTART_MS % 1000 * 1000000,
};

static aio_context_t aio(void)
{
	aio_context_t ctx = 0;

	if (syscall(SYS_io_setup, 1, &ctx))
		ckpt_skip("io_setup: %m");
	return ctx;
}

RESTART_TEST_REFUSED(io_getevents_timeout, SYS_io_getevents)
{
	aio_context_t ctx = aio();
	struct io_event event;
	uint64_t start;

	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_io_getevents, ctx, 1, 1, &event, &span), 0);
	CHECK_WAITED(start);
}

RESTART_TEST_REFUSED(io_pgetevents_timeout, SYS_io_pgetevents)
{
	aio_context_t ctx = aio();
	struct io_event event;
	sigset_t mask, now;
	struct {
		sigset_t *mask;
		size_t size;
	} arg = { &mask, 8 };
	uint64_t start;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	ckpt_ready();
	start = ckpt_now();
	CHECK_EQ(syscall(SYS_io_pgetevents, ctx, 1, 1, &event, &span, &arg),
		 0);
	CHECK_WAITED(start);
	CHECK(!sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK(!sigismember(&now, SIGUSR1));
}

static int fds[2];

static int write_late(void *arg)
{
	CHECK_EQ(nanosleep(&span, NULL), 0);
	return write(fds[1], "x", 1) != 1;
}

RESTART_TEST_REFUSED(io_getevents_event, SYS_io_getevents)
{
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_POLL, .aio_data = 99 };
	struct iocb *list = &cb;
	aio_context_t ctx = aio();
	struct io_event event = {};
	pid_t pid;

	REQUIRE(!pipe(fds));
	cb.aio_fildes = fds[0];
	cb.aio_buf = POLLIN;
	if (syscall(SYS_io_submit, ctx, 1, &list) != 1)
		ckpt_skip("io_submit: %m");
	ckpt_ready();
	pid = ckpt_fork(write_late, NULL);
	CHECK_EQ(syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL), 1);
	CHECK_EQ(event.data, 99);
	ckpt_join(pid, 0);
}

TEST_HARNESS_MAIN
