// SPDX-License-Identifier: GPL-2.0
/*
 * The victim's half of the selftests: what a process that is checkpointed
 * says to its driver, and small things that set up and check state.
 */
#define LIBCKPTTEST_INTERNAL
#include "libckpttest.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libckptproto.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static struct ckpt_entry *entries;

void ckpt_register(struct ckpt_entry *entry)
{
	entry->next = entries;
	entries = entry;
}

/* One write a line, so that lines of several processes do not mix. */
static void say(const char *line)
{
	size_t len = strlen(line);

	if (write(CKPT_REPORT_FD, line, len) != (ssize_t)len)
		_exit(CKPT_EXIT_MUTE);
}

static void say_text(char kind, const char *fmt, va_list ap)
{
	char text[512], line[600];
	char *c;

	vsnprintf(text, sizeof(text), fmt, ap);
	for (c = text; *c; c++)
		if (*c == '\n')
			*c = ' ';
	snprintf(line, sizeof(line), "%c%s\n", kind, text);
	say(line);
}

static void say_fmt(char kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_text(kind, fmt, ap);
	va_end(ap);
}

void ckpt_fail(const char *file, int line, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say_fmt(CKPT_SAY_FAIL, "%s:%d: pid %d: %s", file, line, getpid(), text);
}

void ckpt_give_up(const char *file, int line, const char *what)
{
	ckpt_fail(file, line, "%s: %s", what, strerror(errno));
	_exit(CKPT_EXIT_GAVE_UP);
}

void ckpt_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_text(CKPT_SAY_SKIP, fmt, ap);
	va_end(ap);
	_exit(0);
}

void ckpt_ready(void)
{
	char c;

	say_fmt(CKPT_SAY_READY, "%s", "");
	for (;;) {
		ssize_t n = read(CKPT_GO_FD, &c, 1);

		if (n == 1 && c == CKPT_GO)
			return;
		if (n == 1 && c == CKPT_PING) {
			say_fmt(CKPT_SAY_PONG, "%s", "");
			continue;
		}
		/* No signal is sent to whoever waits here: parking shows. */
		ckpt_fail(__FILE__, __LINE__, "waiting: read() returned %zd: %s",
			  n, n < 0 ? strerror(errno) : "no data");
		if (n < 0 && errno == EINTR)
			continue;
		_exit(CKPT_EXIT_GAVE_UP);
	}
}

/*
 * Before the constructors of the harness, which map memory that is shared
 * with whatever they fork.
 */
static void __attribute__((constructor(10000)))
run_victim(int argc, char **argv, char **envp)
{
	struct ckpt_entry *entry;

	(void)envp;
	if (argc != 3 || strcmp(argv[1], CKPT_VICTIM_OPTION))
		return;
	for (entry = entries; entry; entry = entry->next)
		if (!strcmp(entry->name, argv[2]))
			break;
	if (!entry)
		_exit(CKPT_EXIT_UNKNOWN);
	entry->fn();
	say_fmt(CKPT_SAY_DONE, "%s", "");
	/* Not exit(): what it would undo has not all been done yet. */
	_exit(0);
}

void ckpt_gate_init(struct ckpt_gate *gate)
{
	REQUIRE(!pipe(gate->fd));
}

void ckpt_gate_open(struct ckpt_gate *gate, int n)
{
	while (n-- > 0)
		CHECK_EQ(write(gate->fd[1], "", 1), 1);
}

void ckpt_gate_wait(struct ckpt_gate *gate)
{
	char c;

	CHECK_EQ(read(gate->fd[0], &c, 1), 1);
}

pid_t ckpt_fork(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (!pid)
		_exit(fn(arg));
	REQUIRE(pid > 0);
	return pid;
}

void ckpt_join(pid_t pid, int code)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK_EQ(status, code << 8);
}

void ckpt_ready_beside(int (*fn)(void *arg), void *arg, struct ckpt_gate *up,
		       struct ckpt_gate *go)
{
	pid_t pid = ckpt_fork(fn, arg);

	ckpt_gate_wait(up);
	ckpt_ready();
	ckpt_gate_open(go, 1);
	ckpt_join(pid, 0);
}

void ckpt_new_time(const char *offsets)
{
	if (unshare(CLONE_NEWTIME))
		ckpt_skip("unshare(CLONE_NEWTIME): %m");
	REQUIRE(!ckpt_write_file("/proc/self/timens_offsets", offsets));
}

int ckpt_ordinary_user(void)
{
	if (setgroups(0, NULL) || setresgid(1234, 1234, 1234) ||
	    setresuid(1234, 1234, 1234))
		return -1;
	/* or else its files in /proc are root's */
	return prctl(PR_SET_DUMPABLE, 1);
}

static void set_effective(uint64_t drop, bool back)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	unsigned int i;

	if (syscall(SYS_capget, &head, data))
		ckpt_die("capget: %m");
	for (i = 0; i < 2; i++, drop >>= 32)
		data[i].effective = back ? data[i].permitted :
				    data[i].effective & ~(uint32_t)drop;
	if (syscall(SYS_capset, &head, data))
		ckpt_die("capset: %m");
}

void ckpt_caps_drop(uint64_t caps)
{
	set_effective(caps, false);
}

void ckpt_enter_user_ns(int flags)
{
	if (unshare(CLONE_NEWUSER | flags) ||
	    ckpt_write_file("/proc/self/setgroups", "deny") ||
	    ckpt_write_file("/proc/self/uid_map", "0 0 1") ||
	    ckpt_write_file("/proc/self/gid_map", "0 0 1"))
		ckpt_die("user namespace: %m");
}

void ckpt_caps_back(void)
{
	set_effective(0, true);
}

uint64_t ckpt_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void ckpt_pause(void)
{
	struct timespec ts = { .tv_nsec = 2000000 };

	nanosleep(&ts, NULL);
}

void ckpt_wait_blocked(pid_t pid, pid_t tid, long nr)
{
	char path[64], buf[256];
	long seen = -2;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	CKPT_WAIT_FOR(ckpt_read_file(path, buf, sizeof(buf)) > 0 &&
		      sscanf(buf, "%ld", &seen) == 1 &&
		      (seen == nr || (nr == -1 && seen >= 0)));
}

static char state_of(pid_t pid)
{
	char path[64], buf[512], *paren;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (ckpt_read_file(path, buf, sizeof(buf)) <= 0)
		return 0;
	paren = strrchr(buf, ')');
	return paren ? paren[2] : 0;
}

void ckpt_wait_state(pid_t pid, char state)
{
	CKPT_WAIT_FOR(state_of(pid) == state);
}

/* splitmix64 */
static uint64_t pattern(uint64_t seed, uint64_t i)
{
	uint64_t z = seed * 0x2545f4914f6cdd1dULL + (i + 1) *
		     0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void ckpt_fill(void *mem, size_t len, uint64_t seed)
{
	uint64_t word;
	size_t i;

	for (i = 0; i < len; i += sizeof(word)) {
		word = pattern(seed, i);
		memcpy((char *)mem + i, &word,
		       len - i < sizeof(word) ? len - i : sizeof(word));
	}
}

bool ckpt_filled(const void *mem, size_t len, uint64_t seed)
{
	uint64_t word;
	size_t i;

	for (i = 0; i < len; i += sizeof(word)) {
		word = pattern(seed, i);
		if (memcmp((const char *)mem + i, &word,
			   len - i < sizeof(word) ? len - i : sizeof(word)))
			return false;
	}
	return true;
}

static __thread sigjmp_buf fault_env;

static void on_fault(int sig)
{
	siglongjmp(fault_env, sig);
}

int ckpt_fault(volatile char *mem, bool write)
{
	struct sigaction segv, bus, act = { .sa_handler = on_fault };
	int sig;

	sigaction(SIGSEGV, &act, &segv);
	sigaction(SIGBUS, &act, &bus);
	sig = sigsetjmp(fault_env, 1);
	if (!sig) {
		char c = *mem;

		if (write)
			*mem = c;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return sig;
}
