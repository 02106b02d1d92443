// SPDX-License-Identifier: GPL-2.0
/*
 * What checkpoint and restart share.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "text.h"
#include "tool.h"

/* Work that takes less is not worth a line, in seconds */
#define PROGRESS_AFTER	1.0

__attribute__((format(printf, 1, 0)))
static void error_line(const char *fmt, va_list ap)
{
	char *line;

	if (vasprintf(&line, fmt, ap) < 0)
		return;
	fprintf(stderr, "%s: ", tool_name);
	tool_say(line);
	free(line);
}

void tool_say(const char *line)
{
	text_put(stderr, line, text_utf8());
	fputc('\n', stderr);
}

void tool_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_line(fmt, ap);
	va_end(ap);
}

int tool_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_line(fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try '%s --help'.\n", tool_name);
	return 2;
}

/* ------------------------------------------------------------ descriptors */

unsigned int tool_start(void)
{
	unsigned int closed = 0;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) == fd)
			closed |= 1u << fd;
	return closed;
}

/* ---------------------------------------------------------------- signals */

void tool_block_signals(sigset_t *set, const int *sigs)
{
	struct sigaction sa;

	sigemptyset(set);
	for (; *sigs; sigs++)
		if (!sigaction(*sigs, NULL, &sa) && sa.sa_handler != SIG_IGN)
			sigaddset(set, *sigs);
	sigprocmask(SIG_BLOCK, set, NULL);
}

void tool_die_by(int sig)
{
	sigset_t set;

	signal(sig, SIG_DFL);
	raise(sig);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* -------------------------------------------------------------------- log */

int tool_log_open(struct tool_log *log, const char *file)
{
	struct stat st;

	log->fd = -1;
	log->copy = -1;
	if (file) {
		log->copy = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
				 0666);
		/* A terminal or a pipe may be open for writing only. */
		if (log->copy < 0)
			log->copy = open(file, O_WRONLY | O_CLOEXEC);
		if (log->copy < 0) {
			tool_error("%s: %s", file, strerror(errno));
			return -1;
		}
		/* What can be read back goes there at once. */
		if (!fstat(log->copy, &st) && S_ISREG(st.st_mode)) {
			log->fd = log->copy;
			log->copy = -1;
			return 0;
		}
	}
	log->fd = memfd_create("log", MFD_CLOEXEC);
	return 0;
}

static void copy_log(const struct tool_log *log)
{
	char buf[4096], *p;
	off_t off = 0;
	ssize_t n, m;

	while ((n = pread(log->fd, buf, sizeof(buf), off)) > 0) {
		off += n;
		for (p = buf; n; p += m, n -= m) {
			m = write(log->copy, p, n);
			if (m < 0) {
				tool_error("log: %s", strerror(errno));
				return;
			}
		}
	}
}

void tool_log_close(struct tool_log *log, char *line, size_t size)
{
	ssize_t n = -1;

	if (log->fd >= 0) {
		n = pread(log->fd, line, size - 1, 0);
		if (log->copy >= 0)
			copy_log(log);
		close(log->fd);
	}
	if (log->copy >= 0)
		close(log->copy);
	line[n > 0 ? n : 0] = 0;
	line[strcspn(line, "\n")] = 0;
}

static const char as_root[] = "run as root, with every capability";

/* "...: error -N": where the words stand that strerror() is to replace */
static const char *error_number(const char *line, int *err)
{
	static const char before[] = ": error -";
	const char *number = NULL, *p = line;
	char *end;

	while ((p = strstr(p, before))) {
		number = p + strlen(": ");
		p += strlen(before);
	}
	if (!number)
		return NULL;
	*err = strtol(number + strlen("error -"), &end, 10);
	return *end || *err <= 0 ? NULL : number;
}

static bool ends_with(const char *line, const char *words)
{
	size_t n = strlen(line), len = strlen(words);

	return n >= len && !strcmp(line + n - len, words);
}

/*
 * What to do about @line, where the kernel has not said it: NULL if it has, as
 * after "not supported", or if there is nothing to say.
 */
static const char *line_advice(const char *line, int err)
{
	switch (err) {
	case ENOSYS:
		if (ends_with(line, "in the caller's user namespace: not supported"))
			return "do it as root outside of that user namespace";
		if (ends_with(line, ": not supported"))
			return "end, close or remove that first, see support.rst";
		return NULL;
	case EPERM:
		if (strstr(line, "CAP_") || strstr(line, "you may not "))
			return as_root;
		return NULL;
	default:
		return NULL;
	}
}

/* A line of the kernel's, with the number at its end told in words */
static void line_failed(const char *line, int err, const char *advice)
{
	bool image = !strncmp(line, "image: ", strlen("image: "));
	const char *number;
	int why;

	number = error_number(line, &why);
	if (!number) {
		advice = line_advice(line, err);
		if (advice)
			tool_error("%s: %s.", line, advice);
		else
			tool_error("%s", line);
		return;
	}
	/* Elsewhere the hints would not be about what the number is of. */
	if (!image)
		advice = err == EPERM ? as_root : NULL;
	if (why == err && advice)
		tool_error("%.*s%s: %s.", (int)(number - line), line,
			   strerror(why), advice);
	else
		tool_error("%.*s%s.", (int)(number - line), line,
			   strerror(why));
}

void tool_failed(const char *line, const char *what, int err,
		 const char *advice)
{
	char no_reason[64];

	snprintf(no_reason, sizeof(no_reason), "%s failed: error", tool_name);
	if (*line && strncmp(line, no_reason, strlen(no_reason)))
		line_failed(line, err, advice);
	else if (advice)
		tool_error("%s%s: %s.", what, strerror(err), advice);
	else
		tool_error("%s%s.", what, strerror(err));
}

/* ------------------------------------------------------------- statistics */

static void print_time(const char *what, uint64_t ns)
{
	fprintf(stderr, "%-26s %12.3f ms\n", what, ns / 1e6);
}

void tool_print_stats(const struct checkpoint_stats *s, bool restart)
{
	char size[TEXT_SIZE_LEN];

	if (restart) {
		print_time("tasks and objects", s->tasks_ns);
		print_time("  of it memory", s->memory_ns);
		print_time("all", s->total_ns);
	} else {
		print_time("bring to a stop", s->park_ns);
		print_time("count shared objects", s->collect_ns);
		print_time("tasks and objects", s->tasks_ns);
		print_time("  of it memory", s->memory_ns);
		if (s->snapshot)
			print_time("    of it duplicates", s->duplicate_ns);
		if (s->write_ns)
			print_time("write, the tree runs on", s->write_ns);
		print_time("all", s->total_ns);
		print_time("of it the tree was stopped", s->stopped_ns);
	}
	fprintf(stderr, "%-26s %12llu\n", "tasks",
		(unsigned long long)s->tasks);
	fprintf(stderr, "%-26s %12llu\n", "shared objects",
		(unsigned long long)s->objects);
	fprintf(stderr, "%-26s %12llu\n", "pages in the image",
		(unsigned long long)s->pages);
	if (s->snapshot)
		fprintf(stderr, "%-26s %12llu\n", "  copied while stopped",
			(unsigned long long)s->copied);
	fprintf(stderr, "%-26s %12llu (%s)\n", "bytes of the image",
		(unsigned long long)s->bytes, text_size(size, s->bytes));
}

/* --------------------------------------------------------------- progress */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void tool_progress_start(struct tool_progress *p, int fd)
{
	struct stat st;

	p->fd = fd;
	p->start = lseek(fd, 0, SEEK_CUR);
	p->began = now();
	p->shown = false;
	p->total = 0;
	if (p->start >= 0 && !fstat(fd, &st) && st.st_size > p->start)
		p->total = st.st_size - p->start;
}

void tool_progress_update(struct tool_progress *p)
{
	double seconds = now() - p->began;
	char size[TEXT_SIZE_LEN], rate[TEXT_SIZE_LEN];
	off_t bytes = -1;

	if (seconds < PROGRESS_AFTER)
		return;
	/* A pipe does not tell how much went through it. */
	if (p->start >= 0)
		bytes = lseek(p->fd, 0, SEEK_CUR) - p->start;
	p->shown = true;
	if (bytes < 0) {
		fprintf(stderr, "\r%s: %.0f s\033[K", tool_name, seconds);
		return;
	}
	fprintf(stderr, "\r%s: %s, %s/s", tool_name, text_size(size, bytes),
		text_size(rate, bytes / seconds));
	if (p->total)
		fprintf(stderr, ", %d %%", (int)(bytes * 100.0 / p->total));
	fputs("\033[K", stderr);
}

void tool_progress_end(struct tool_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
}
