// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that answers as the environment tells it to, so that what the tools
 * do around the system calls can be tested without one. FAKE says how the call
 * goes; FAKE_TRACE names a file that gets its arguments.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libcheckpoint.h"

static bool is(const char *how)
{
	const char *fake = getenv("FAKE");

	return fake && !strcmp(fake, how);
}

static FILE *trace(void)
{
	const char *file = getenv("FAKE_TRACE");

	return fopen(file ? file : "/dev/null", "w");
}

static void put(int fd, const void *data, size_t len)
{
	if (write(fd, data, len) != (ssize_t)len)
		abort();
}

static void put_image(int fd)
{
	struct ckpt_hdr_trailer t = {
		.h = { CKPT_HDR_TRAILER, sizeof(t) },
		.magic = CKPT_TRAILER_MAGIC,
	};

	put(fd, "an image", 8);
	put(fd, &t, sizeof(t));
}

static int fail(int logfd, const char *name)
{
	static const char line[] =
		"pid 17 (foo): fd 5: io_uring: not supported\nanother line\n";
	const char *err = getenv("FAKE_ERRNO");

	if (is("fail"))
		put(logfd, line, sizeof(line) - 1);
	if (is("say"))
		dprintf(logfd, "%s\n", getenv("FAKE_SAY"));
	if (is("silent"))
		dprintf(logfd, "%s failed: error -5\n", name);
	errno = err ? atoi(err) : ENOSYS;
	return -1;
}

static void fill(uint64_t stats)
{
	struct checkpoint_stats *s = (void *)(uintptr_t)stats;

	s->total_ns = 12345678;
	s->tasks = 5;
	s->bytes = 4096;
}

long checkpoint(pid_t pid, int fd, unsigned long flags, int logfd,
		struct checkpoint_args *args, size_t size)
{
	FILE *f = trace();

	fprintf(f, "pid %d flags %#lx size %zu\n", pid, flags, size);
	fclose(f);
	if (is("ok")) {
		put_image(fd);
		fill(args->stats);
		return 7;
	}
	put(fd, "a part", 6);
	if (is("hang") || is("hang-complete")) {
		if (is("hang-complete"))
			put_image(fd);
		for (;;)
			pause();
	}
	return fail(logfd, __func__);
}

static volatile sig_atomic_t caught;

static void catch(int sig)
{
	caught = sig;
}

/* A child, and its child, which has a session of its own */
static void make_tree(int ready)
{
	if (!fork()) {
		if (!fork()) {
			setsid();
			put(ready, "", 1);
		}
	}
	for (;;)
		pause();
}

/* What the restored root does */
static void root(int ready)
{
	if (is("tree"))
		make_tree(ready);
	if (is("exit"))
		_exit(7);
	if (is("die"))
		kill(getpid(), SIGKILL);
	/* Tell the signals one after the other; SIGTERM is the last. */
	signal(SIGUSR1, catch);
	signal(SIGTERM, catch);
	signal(SIGINT, catch);
	put(STDOUT_FILENO, "ready\n", 6);
	while (caught != SIGTERM) {
		sigset_t none;

		sigemptyset(&none);
		sigsuspend(&none);
		if (caught == SIGUSR1)
			put(STDOUT_FILENO, "usr1\n", 5);
		if (caught == SIGINT)
			put(STDOUT_FILENO, "int\n", 4);
	}
	_exit(42);
}

long restart(pid_t pid, int fd, unsigned long flags, int logfd,
	     struct restart_args *args, size_t size)
{
	struct restart_inherit *inherit = (void *)(uintptr_t)args->inherit;
	struct restart_mount *mounts = (void *)(uintptr_t)args->mounts;
	char path[64], place[64];
	FILE *f = trace();
	sigset_t set, old;
	int ready[2];
	uint32_t i;
	ssize_t n;
	char c;

	fprintf(f, "pid %d flags %#lx size %zu tty %d", pid, flags, size,
		args->tty_fd);
	for (i = 0; i < args->inherit_nr; i++)
		fprintf(f, " %s:%d", (char *)(uintptr_t)inherit[i].name,
			inherit[i].fd);
	for (i = 0; i < args->mounts_nr; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", mounts[i].fd);
		n = readlink(path, place, sizeof(place));
		fprintf(f, " %s=%.*s", (char *)(uintptr_t)mounts[i].name,
			n > 0 ? (int)n : 0, place);
	}
	fputc('\n', f);
	fclose(f);
	if (read(fd, &c, 1) < 0 || is("fail") || is("silent") ||
	    is("say"))
		return fail(logfd, __func__);
	fill(args->stats);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	if (pipe(ready))
		abort();
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		root(ready[1]);
	}
	/* The end of the pipe comes only when nobody has it to write to. */
	close(ready[1]);
	if (is("tree") && read(ready[0], &c, 1) != 1)
		abort();
	close(ready[0]);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}
