/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What checkpoint and restart share: the kernel's log, statistics, progress.
 */
#ifndef TOOL_H
#define TOOL_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libcheckpoint.h"

/* Name of the program, for messages */
extern const char *tool_name;

/* Print "NAME: text" and a newline on standard error. */
__attribute__((format(printf, 1, 2)))
void tool_error(const char *fmt, ...);

/* As tool_error(), and where to find out more. Returns 2, the exit status. */
__attribute__((format(printf, 1, 2)))
int tool_usage(const char *fmt, ...);

/* Print a line that others wrote, with what a terminal must not get escaped. */
void tool_say(const char *line);

/*
 * Open what is closed of the standard descriptors, so that no file that is
 * opened later is taken for one of them. Returns a bit for each. From then on
 * whoever reads what is printed may go without ending the program, which has a
 * tree to care for.
 */
unsigned int tool_start(void);

/*
 * Block the signals in @sigs, a list that ends with 0, for sigtimedwait(2) or
 * signalfd(2), and put them in @set. Those that are ignored stay ignored.
 */
void tool_block_signals(sigset_t *set, const int *sigs);

/* Die as whoever sent the signal expects. */
void tool_die_by(int sig);

/**
 * struct tool_log - what the kernel has to say
 * @fd: given to the kernel, readable; -1 if there is none
 * @copy: another file that gets a copy, or -1
 */
struct tool_log {
	int fd;
	int copy;
};

/*
 * Open a log, which also goes to @file if that is not NULL. Returns 0 or -1,
 * reported.
 */
int tool_log_open(struct tool_log *log, const char *file);

/*
 * The call is over: finish the log. If it failed, what it reported first is
 * left in @line, without its newline; "" if it said nothing.
 */
void tool_log_close(struct tool_log *log, char *line, size_t size);

/*
 * Say why a call failed: @line of the log, or, if the kernel had nothing to say
 * but a number, what @err means for @what, with @advice if that is not NULL.
 * The number of an error at the end of @line is told in words, with the advice
 * if that is about the image. A line that does not say what to do gets a few
 * words about that where they are known.
 */
void tool_failed(const char *line, const char *what, int err,
		 const char *advice);

/* The table of --stats, on standard error. */
void tool_print_stats(const struct checkpoint_stats *stats, bool restart);

/**
 * struct tool_progress - a line on a terminal about work that lasts
 * @fd: the image
 * @start: file position at the start
 * @began: CLOCK_MONOTONIC then, in seconds
 * @total: bytes to come, 0 if not known
 * @shown: the line was printed
 */
struct tool_progress {
	int fd;
	off_t start;
	double began;
	off_t total;
	bool shown;
};

/* How often the line is brought up to date, in milliseconds */
#define TOOL_PROGRESS_MS	250

void tool_progress_start(struct tool_progress *p, int fd);
void tool_progress_update(struct tool_progress *p);
void tool_progress_end(struct tool_progress *p);

#endif /* TOOL_H */
