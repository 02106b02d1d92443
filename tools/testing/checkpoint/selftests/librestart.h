/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests that a system call does not notice that its task was parked.
 *
 * The victim says that it is ready, is told to go on, and makes the call. It
 * is checkpointed in the middle of it, as often as there is time for, and
 * checks the result, which must never be EINTR, and the time that it took.
 *
 * A call that waited for its whole timeout again after each checkpoint would
 * never end, since they come faster than that.
 */
#ifndef LIBRESTART_H
#define LIBRESTART_H

#include "libckpttest.h"

/* How long a call with a timeout waits, in milliseconds */
#define RESTART_MS	800

/*
 * How much earlier it may end: jiffies, which most of them are measured in, lag
 * behind the clock while a busy host does not let the guest run.
 */
#define RESTART_SLACK_MS	200

/* A victim that does not wait in its call: it need not be found in there */
#define RESTART_RUNS	(-1)

/* A call that @start was taken before has waited for as long as it should. */
#define CHECK_WAITED(start)						\
	CHECK((ckpt_now() - (start)) / 1000000 + RESTART_SLACK_MS >= RESTART_MS)

/*
 * Checkpoint the victim, in the call @nr, while it lives, until it ends.
 * Return why it was skipped, or NULL.
 */
const char *restart_alive(struct ckpt_victim *v, const char *name, long nr);
/* The same, where a checkpoint is refused, after the task was parked. */
const char *restart_refused(struct ckpt_victim *v, const char *name, long nr);
/* Checkpoint it, kill it and restart it, a few times, until it ends. */
const char *restart_killed(struct ckpt_victim *v, const char *name, long nr);

/* In a victim: a TCP socket, where the loopback device is up */
int restart_inet_socket(void);

#ifndef LIBCKPTTEST_INTERNAL

#define RESTART_WAY(victim, way, nr)					\
	DRIVER_TEST(victim##_##way)					\
	{								\
		const char *why = restart_##way(&self->v, #victim, nr);	\
									\
		if (why)						\
			SKIP(return, "%s", why);			\
	}

/* A victim in the call @nr, with state that is supported */
#define RESTART_TEST(victim, nr)					\
	RESTART_WAY(victim, alive, nr)					\
	RESTART_WAY(victim, killed, nr)					\
	CKPT_VICTIM(victim)

/* One that refuses the checkpoint */
#define RESTART_TEST_REFUSED(victim, nr)				\
	RESTART_WAY(victim, refused, nr)				\
	CKPT_VICTIM(victim)

#endif /* LIBCKPTTEST_INTERNAL */

#endif /* LIBRESTART_H */
