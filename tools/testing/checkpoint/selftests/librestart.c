// SPDX-License-Identifier: GPL-2.0
/*
 * Drive victims that are checkpointed in the middle of a system call.
 */
#define LIBCKPTTEST_INTERNAL
#include "librestart.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static bool ended(struct ckpt_victim *v)
{
	struct pollfd pfd = { .fd = v->pidfd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

static bool blocked_in(struct ckpt_victim *v, long nr)
{
	char path[64], buf[256];
	long seen;

	snprintf(path, sizeof(path), "/proc/%d/syscall", v->pid);
	return ckpt_read_file(path, buf, sizeof(buf)) > 0 &&
	       sscanf(buf, "%ld", &seen) == 1 && seen == nr;
}

/* Wait until the victim is in its call. Returns false if it ended. */
static bool wait_in_call(struct ckpt_victim *v, long nr)
{
	uint64_t end = ckpt_now() + CKPT_WAIT_S * 1000000000ULL;

	while (!ended(v)) {
		/* some go on by another call, restart_syscall(2) */
		if (nr == RESTART_RUNS || blocked_in(v, nr) ||
		    blocked_in(v, 219))
			return true;
		if (ckpt_now() > end)
			ckpt_die("%s: did not make the call %ld", v->name, nr);
		ckpt_pause();
	}
	return false;
}

/* A call failed: that is all right if it is because the victim has ended. */
static void must_end(struct ckpt_victim *v, long err)
{
	struct pollfd pfd = { .fd = v->pidfd, .events = POLLIN };

	if (poll(&pfd, 1, 10000) != 1)
		ckpt_die("%s: checkpoint: %s\n%s", v->name, strerror(-err),
			 v->log);
}

static const char *harass(struct ckpt_victim *v, const char *name, long nr,
			  long refused)
{
	uint64_t end;
	long ret;

	ckpt_start(v, name, 0);
	if (v->skip[0])
		return v->skip;
	ckpt_go(v);
	wait_in_call(v, nr);
	end = ckpt_now() + CKPT_WAIT_S * 1000000000ULL;
	while (!ended(v)) {
		ret = ckpt_checkpoint(v, 0);
		/* what may pass if tried again is tried again */
		if (ret < 0 && ret != refused && ret != -EBUSY) {
			must_end(v, ret);
			break;
		}
		if (ckpt_now() > end)
			ckpt_die("%s: the call does not end while it is checkpointed",
				 name);
		ckpt_pause();
	}
	ckpt_verdict(v);
	ckpt_end(v);
	return NULL;
}

const char *restart_alive(struct ckpt_victim *v, const char *name, long nr)
{
	return harass(v, name, nr, 0);
}

const char *restart_refused(struct ckpt_victim *v, const char *name, long nr)
{
	return harass(v, name, nr, -ENOSYS);
}

const char *restart_killed(struct ckpt_victim *v, const char *name, long nr)
{
	int i = 0, rounds = ckpt_rounds();
	long ret;

	ckpt_start(v, name, 0);
	if (v->skip[0])
		return v->skip;
	ckpt_go(v);
	while (i < rounds && wait_in_call(v, nr)) {
		ret = ckpt_checkpoint(v, CHECKPOINT_KILL);
		if (ret == -EBUSY)
			continue;
		if (ret < 0) {
			must_end(v, ret);
			break;
		}
		ckpt_reaped(v);
		i++;
		ret = ckpt_restart(v, 0);
		if (ret <= 0)
			ckpt_die("%s: restart: %s\n%s", name, strerror(-ret),
				 v->log);
	}
	ckpt_verdict(v);
	ckpt_end(v);
	return NULL;
}

int restart_inet_socket(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		ckpt_skip("no IPv4 in this kernel");
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		ckpt_skip("lo cannot be brought up: %m");
	return fd;
}
