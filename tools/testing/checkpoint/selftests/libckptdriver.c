// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's half of the selftests: start a victim, checkpoint it, restart
 * it, collect its verdict.
 */
#define LIBCKPTTEST_INTERNAL
#include "libckpttest.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libckptproto.h"

#define DIR_MODE	0755
#define MAX_DIRS	16

#define MAX_PASSED	8

/* Descriptors for the next victim */
static struct {
	int fd;
	int as;
} passed[MAX_PASSED];
static int nr_passed;

/* Working directories to remove */
static char dirs[MAX_DIRS][64];

long sys_checkpoint(pid_t pid, int fd, unsigned long flags, int logfd,
		    struct checkpoint_args *args, size_t size)
{
	return syscall(__NR_ckpt_checkpoint, pid, fd, flags, logfd, args, size);
}

long sys_restart(pid_t pid, int fd, unsigned long flags, int logfd,
		 struct restart_args *args, size_t size)
{
	return syscall(__NR_ckpt_restart, pid, fd, flags, logfd, args, size);
}

long sys_eclone(unsigned int flags_low, struct eclone_args *args, size_t size,
		pid_t *pids)
{
	return syscall(__NR_ckpt_eclone, flags_low, args, size, pids);
}

bool ckpt_supported(void)
{
	return sys_checkpoint(-1, -1, 0, -1, NULL, 0) != -1 || errno != ENOSYS;
}

int ckpt_rounds(void)
{
	const char *s = getenv("CKPT_ROUNDS");

	return s && *s ? atoi(s) : 5;
}

unsigned int ckpt_step(void)
{
	const char *s = getenv("CKPT_STEP");

	return s && atoi(s) > 0 ? atoi(s) : 1;
}

/* --------------------------------------------------------------- cleaning */

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	remove(path);
	return 0;
}

static void remove_dirs(void)
{
	int i;

	for (i = 0; i < MAX_DIRS; i++) {
		if (!dirs[i][0])
			continue;
		nftw(dirs[i], remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		dirs[i][0] = 0;
	}
}

/* Children of the driver, and what fell to it when its parent died. */
static int kill_children(void)
{
	char path[64], buf[8192], *p, *end;
	int n = 0;
	long pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	if (ckpt_read_file(path, buf, sizeof(buf)) < 0)
		return 0;
	for (p = buf; (pid = strtol(p, &end, 10)) > 0; p = end) {
		kill(pid, SIGKILL);
		n++;
	}
	return n;
}

void ckpt_cleanup(void)
{
	while (kill_children())
		if (waitpid(-1, NULL, __WALL) < 0 && errno == ECHILD)
			break;
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	remove_dirs();
}

static void comment(const char *head, const char *text)
{
	const char *end;

	for (; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		fprintf(stderr, "# %s%.*s\n", head, (int)(end - text), text);
	}
}

void ckpt_die(const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	comment("", text);
	ckpt_cleanup();
	_exit(1);
}

static void __attribute__((noreturn, format(printf, 2, 3)))
die_with_log(struct ckpt_victim *v, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	comment("log: ", v->log);
	ckpt_die("%s: %s", v->name, text);
}

/* ------------------------------------------------------------------ files */

int ckpt_tmpfile(void)
{
	const char *dir = getenv("TMPDIR");
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/ckpt.XXXXXX", dir && *dir ? dir : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		ckpt_die("%s: %s", path, strerror(errno));
	unlink(path);
	return fd;
}

ssize_t ckpt_read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while (len < size - 1 &&
	       (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = 0;
	return len;
}

int ckpt_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

void ckpt_write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0)
			ckpt_die("write: %s", strerror(errno));
		p += n;
		len -= n;
	}
}

/* --------------------------------------------------------------- starting */

static void make_dir(struct ckpt_victim *v)
{
	int i;

	for (i = 0; i < MAX_DIRS && dirs[i][0]; i++)
		;
	if (i == MAX_DIRS)
		ckpt_die("too many victims");
	strcpy(dirs[i], "/tmp/ckpt.XXXXXX");
	if (!mkdtemp(dirs[i]) || chmod(dirs[i], DIR_MODE))
		ckpt_die("%s: %s", dirs[i], strerror(errno));
	strcpy(v->dir, dirs[i]);
}

void ckpt_inherit(struct ckpt_victim *v, const char *name, int fd)
{
	struct restart_inherit *in = &v->inherit[v->nr_inherit];
	char *copy = v->inherit_name[v->nr_inherit];

	if (v->nr_inherit == CKPT_INHERIT_MAX)
		ckpt_die("too many inherited files");
	snprintf(copy, sizeof(v->inherit_name[0]), "%s", name);
	in->name = (uintptr_t)copy;
	in->fd = fd;
	v->nr_inherit++;
}

void ckpt_give_mount(struct ckpt_victim *v, const char *name, const char *path)
{
	struct restart_mount *in = &v->mounts[v->nr_mounts];
	char *copy = v->mount_name[v->nr_mounts];

	if (v->nr_mounts == CKPT_INHERIT_MAX)
		ckpt_die("too many mounts to give");
	snprintf(copy, sizeof(v->mount_name[0]), "%s", name);
	in->name = (uintptr_t)copy;
	in->fd = open(path, O_PATH | O_CLOEXEC);
	if (in->fd < 0)
		ckpt_die("%s: %s", path, strerror(errno));
	v->nr_mounts++;
}

void ckpt_inherit_link(struct ckpt_victim *v, int fd)
{
	char path[64], name[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	if (n < 0)
		ckpt_die("%s: %s", path, strerror(errno));
	name[n] = 0;
	ckpt_inherit(v, name, fd);
}

void ckpt_pass(int fd, int as)
{
	if (nr_passed == MAX_PASSED)
		ckpt_die("too many descriptors to pass");
	passed[nr_passed].fd = fd;
	passed[nr_passed++].as = as;
}

static void __attribute__((noreturn)) become_victim(struct ckpt_victim *v)
{
	static const char mute[] = "the victim could not be started\n";
	unsigned long type = v->flags & CKPT_SLAVE ? MS_SLAVE :
			     v->flags & CKPT_PEER ? 0 : MS_PRIVATE;
	char test[64], exe[256], *envp[2] = { test };
	sigset_t none;
	ssize_t n;
	int sig, null, i, from = 3;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!(v->flags & CKPT_SAME_SESSION))
		setsid();
	umask(022);
	/* Out of the way of what the victim opens. */
	if (dup2(v->report[1], CKPT_REPORT_FD) < 0 ||
	    dup2(v->go[0], CKPT_GO_FD) < 0)
		goto fail;
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(null, 2) < 0)
		goto fail;
	for (i = 0; i < nr_passed; i++)
		if (dup2(passed[i].fd, passed[i].as) < 0)
			goto fail;
	for (i = 0; i < nr_passed; i++) {
		syscall(SYS_close_range, from, passed[i].as - 1, 0);
		from = passed[i].as + 1;
	}
	if (syscall(SYS_close_range, from, CKPT_REPORT_FD - 1, 0) ||
	    syscall(SYS_close_range, CKPT_GO_FD + 1, ~0U, 0))
		goto fail;
	if ((v->flags & (CKPT_CONTAINER | CKPT_USER)) &&
	    ((type && mount(NULL, "/", NULL, MS_REC | type, NULL)) ||
	     mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		   NULL)))
		goto fail;
	if (chdir(v->dir))
		goto fail;
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		goto fail;
	exe[n] = 0;
	snprintf(test, sizeof(test), "CKPT_TEST=%s", v->name);
	execle(exe, exe, CKPT_VICTIM_OPTION, v->name, NULL, envp);
fail:
	n = write(v->report[1], mute, sizeof(mute) - 1);
	_exit(CKPT_EXIT_MUTE);
}

static void watch(struct ckpt_victim *v, pid_t pid)
{
	if (v->pidfd >= 0)
		close(v->pidfd);
	v->pid = pid;
	v->pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (v->pidfd < 0)
		ckpt_die("%s: pidfd_open(%d): %s", v->name, pid,
			 strerror(errno));
}

/* As an ordinary user can do it: its own ids are those of root. */
static void map_ids(pid_t pid)
{
	static const struct {
		const char *name;
		const char *text;
	} files[] = {
		{ "setgroups", "deny" }, { "uid_map", "0 %d 1" },
		{ "gid_map", "0 %d 1" },
	};
	char path[64], text[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i].name);
		snprintf(text, sizeof(text), files[i].text,
			 i == 2 ? getegid() : geteuid());
		if (ckpt_write_file(path, text))
			ckpt_die("%s: %s: %s", path, text, strerror(errno));
	}
}

void ckpt_start(struct ckpt_victim *v, const char *name, unsigned int flags)
{
	unsigned long clone_flags = SIGCHLD;
	char c = CKPT_GO;
	pid_t pid;

	memset(v, 0, sizeof(*v));
	v->name = name;
	v->flags = flags;
	v->pidfd = -1;
	v->image = -1;
	v->tty_fd = -1;
	make_dir(v);
	if (pipe2(v->report, O_CLOEXEC) || pipe2(v->go, O_CLOEXEC))
		ckpt_die("pipe: %s", strerror(errno));
	ckpt_inherit_link(v, v->report[1]);
	ckpt_inherit_link(v, v->go[0]);
	/* What a killed tree leaves is reaped here. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGPIPE, SIG_IGN);

	if (flags & CKPT_CONTAINER)
		clone_flags |= CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
			       CLONE_NEWNS;
	if (flags & CKPT_USER)
		clone_flags |= CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS |
			       CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWCGROUP;
	pid = syscall(SYS_clone, clone_flags, 0, NULL, NULL, 0);
	if (pid < 0)
		ckpt_die("clone: %s", strerror(errno));
	if (!pid) {
		/* until its ids are mapped */
		if (flags & CKPT_USER && read(v->go[0], &c, 1) != 1)
			_exit(CKPT_EXIT_MUTE);
		become_victim(v);
	}
	nr_passed = 0;
	watch(v, pid);
	if (flags & CKPT_USER) {
		map_ids(pid);
		ckpt_write_all(v->go[1], &c, 1);
	}
	if (!(flags & CKPT_NO_WAIT))
		ckpt_wait_ready(v);
}

void ckpt_adopt(struct ckpt_victim *v, pid_t pid)
{
	watch(v, pid);
}

/* -------------------------------------------------------------- listening */

/*
 * The next line of the victim, without its newline, in v->line. Returns its
 * first letter, or 0 if the victim is dead and has said all that it had to.
 */
static char listen_to(struct ckpt_victim *v)
{
	struct pollfd pfd[2] = {
		{ .fd = v->report[0], .events = POLLIN },
		{ .fd = v->pidfd, .events = POLLIN },
	};
	bool dead = false;
	char c;

	v->line_len = 0;
	for (;;) {
		int n = poll(pfd, 2, dead ? 0 : CKPT_WAIT_S * 1000);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 && !dead)
			ckpt_die("%s: silent for %d s", v->name, CKPT_WAIT_S);
		if (!(pfd[0].revents & POLLIN)) {
			if (dead)
				return 0;
			dead = pfd[1].revents;
			continue;
		}
		if (read(v->report[0], &c, 1) != 1)
			ckpt_die("%s: read: %s", v->name, strerror(errno));
		if (c == '\n')
			break;
		if (v->line_len < sizeof(v->line) - 1)
			v->line[v->line_len++] = c;
	}
	v->line[v->line_len] = 0;
	return v->line[0];
}

/* Listen until the victim says @want; failed checks are noted. */
static bool expect(struct ckpt_victim *v, char want)
{
	for (;;) {
		char c = listen_to(v);

		if (c == want)
			return true;
		switch (c) {
		case CKPT_SAY_FAIL:
			comment("", v->line + 1);
			v->failed = true;
			break;
		case CKPT_SAY_SKIP:
			snprintf(v->skip, sizeof(v->skip), "%.255s",
				 v->line + 1);
			return false;
		case 0:
			return false;
		default:
			ckpt_die("%s: said '%s', not '%c'", v->name, v->line,
				 want);
		}
	}
}

static const char *status_text(int status, char *buf, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buf, size, "ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) == CKPT_EXIT_UNKNOWN)
		snprintf(buf, size, "no such victim");
	else if (WEXITSTATUS(status) == CKPT_EXIT_GAVE_UP)
		snprintf(buf, size, "gave up");
	else
		snprintf(buf, size, "exited with %d", WEXITSTATUS(status));
	return buf;
}

static int wait_root(struct ckpt_victim *v)
{
	int status;

	if (waitpid(v->pid, &status, __WALL) != v->pid)
		ckpt_die("%s: waitpid(%d): %s", v->name, v->pid,
			 strerror(errno));
	v->pid = 0;
	return status;
}

void ckpt_wait_ready(struct ckpt_victim *v)
{
	char buf[64];

	if (expect(v, CKPT_SAY_READY) || v->skip[0])
		return;
	ckpt_die("%s: %s before it was ready", v->name,
		 status_text(wait_root(v), buf, sizeof(buf)));
}

void ckpt_ping(struct ckpt_victim *v)
{
	char c = CKPT_PING, buf[64];

	ckpt_write_all(v->go[1], &c, 1);
	if (!expect(v, CKPT_SAY_PONG))
		ckpt_die("%s: %s", v->name,
			 status_text(wait_root(v), buf, sizeof(buf)));
}

void ckpt_go(struct ckpt_victim *v)
{
	char c = CKPT_GO;

	ckpt_write_all(v->go[1], &c, 1);
}

void ckpt_verdict(struct ckpt_victim *v)
{
	bool done = expect(v, CKPT_SAY_DONE);
	char buf[64];
	int status;

	/* Its children may still have something to say. */
	if (done)
		expect(v, CKPT_SAY_DONE);
	status = wait_root(v);
	ckpt_kill(v);
	if (!done || status)
		ckpt_die("%s: %s%s", v->name,
			 status_text(status, buf, sizeof(buf)),
			 done ? "" : " before it was done");
	if (v->failed)
		ckpt_die("%s: checks failed", v->name);
}

void ckpt_finish(struct ckpt_victim *v)
{
	ckpt_go(v);
	ckpt_verdict(v);
}

/* ------------------------------------------------- checkpoint and restart */

void ckpt_log_open(int *fd)
{
	*fd = ckpt_tmpfile();
}

void ckpt_log_read(struct ckpt_victim *v, int fd)
{
	ssize_t n = pread(fd, v->log, sizeof(v->log) - 1, 0);

	v->log[n > 0 ? n : 0] = 0;
	close(fd);
}

pid_t ckpt_start_writer(struct ckpt_victim *v, int *fd, unsigned long flags)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		ckpt_die("pipe: %s", strerror(errno));
	fcntl(p[1], F_SETPIPE_SZ, 4096);
	pid = fork();
	if (pid < 0)
		ckpt_die("fork: %s", strerror(errno));
	if (!pid) {
		close(p[0]);
		_exit(sys_checkpoint(v->pid, p[1], CHECKPOINT_SUBTREE | flags,
				     -1, NULL, 0) < 0 ? errno : 0);
	}
	close(p[1]);
	*fd = p[0];
	return pid;
}

pid_t ckpt_start_parked(struct ckpt_victim *v, int *fd)
{
	pid_t pid = ckpt_start_writer(v, fd, 0);
	struct pollfd pfd = { .fd = *fd, .events = POLLIN };

	/* The first byte is written when the tree is parked. */
	if (poll(&pfd, 1, CKPT_WAIT_S * 1000) != 1)
		ckpt_die("%s: the checkpoint does not begin", v->name);
	return pid;
}

int ckpt_end_writer(pid_t pid, int fd)
{
	char buf[65536];
	int status;

	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
	if (waitpid(pid, &status, 0) != pid)
		ckpt_die("waitpid: %s", strerror(errno));
	return status;
}

void ckpt_skip_bytes(int fd, size_t bytes)
{
	char buf[65536];

	while (bytes) {
		ssize_t n = read(fd, buf, bytes < sizeof(buf) ? bytes :
								sizeof(buf));

		if (n <= 0)
			break;
		bytes -= n;
	}
}

long ckpt_checkpoint_to(struct ckpt_victim *v, unsigned long flags, int fd)
{
	struct checkpoint_args args = {
		.stats = (uintptr_t)&v->stats,
		.stats_size = sizeof(v->stats),
	};
	int log;
	long ret;

	if (!(v->flags & (CKPT_CONTAINER | CKPT_USER)))
		flags |= CHECKPOINT_SUBTREE;
	memset(&v->stats, 0, sizeof(v->stats));
	ckpt_log_open(&log);
	ret = sys_checkpoint(v->pid, fd, flags, log, &args, sizeof(args));
	if (ret < 0)
		ret = -errno;
	ckpt_log_read(v, log);
	return ret;
}

long ckpt_checkpoint(struct ckpt_victim *v, unsigned long flags)
{
	if (v->image >= 0)
		close(v->image);
	v->image = ckpt_tmpfile();
	return ckpt_checkpoint_to(v, flags, v->image);
}

void ckpt_reaped(struct ckpt_victim *v)
{
	uint64_t end = ckpt_now() + CKPT_WAIT_S * 1000000000ULL;
	pid_t pid;

	/* All of the driver's children were the victim's. */
	while ((pid = waitpid(-1, NULL, __WALL | WNOHANG)) >= 0) {
		if (pid)
			continue;
		if (ckpt_now() > end)
			ckpt_die("%s: still alive, though killed", v->name);
		ckpt_pause();
	}
	if (errno != ECHILD)
		ckpt_die("%s: waitpid: %s", v->name, strerror(errno));
	v->pid = 0;
}

void ckpt_kill(struct ckpt_victim *v)
{
	while (kill_children())
		if (waitpid(-1, NULL, __WALL) < 0)
			break;
	v->pid = 0;
}

void ckpt_checkpoint_kill(struct ckpt_victim *v)
{
	long ret = ckpt_checkpoint(v, CHECKPOINT_KILL);
	int status;

	if (ret <= 0)
		die_with_log(v, "checkpoint: %s", strerror(-ret));
	status = wait_root(v);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		ckpt_die("%s: not killed: status %#x", v->name, status);
	ckpt_reaped(v);
}

long ckpt_restart_from(struct ckpt_victim *v, unsigned long flags, int fd)
{
	struct restart_args args = {
		.stats = (uintptr_t)&v->stats,
		.inherit = (uintptr_t)v->inherit,
		.inherit_nr = v->nr_inherit,
		.tty_fd = v->tty_fd,
		.mounts = (uintptr_t)v->mounts,
		.mounts_nr = v->nr_mounts,
		.veths = (uintptr_t)&v->veth,
		.veths_nr = v->nr_veths,
	};
	int log;
	long ret;

	memset(&v->stats, 0, sizeof(v->stats));
	ckpt_log_open(&log);
	ret = sys_restart(0, fd, flags, log, &args, sizeof(args));
	if (ret < 0)
		ret = -errno;
	ckpt_log_read(v, log);
	if (ret > 0)
		watch(v, ret);
	return ret;
}

long ckpt_restart(struct ckpt_victim *v, unsigned long flags)
{
	if (lseek(v->image, 0, SEEK_SET))
		ckpt_die("lseek: %s", strerror(errno));
	return ckpt_restart_from(v, flags, v->image);
}

static void finish_restarted(struct ckpt_victim *v, long ret)
{
	if (ret <= 0)
		die_with_log(v, "restart: %s", strerror(-ret));
	ckpt_finish(v);
	ckpt_end(v);
}

void ckpt_restart_finish(struct ckpt_victim *v)
{
	finish_restarted(v, ckpt_restart(v, 0));
}

long image_restart(struct ckpt_victim *v, struct image *image)
{
	long ret;
	int fd;

	image_seal(image);
	fd = image_file(image, image->size);
	ret = ckpt_restart_from(v, 0, fd);
	close(fd);
	return ret;
}

void image_try_flipped(struct ckpt_victim *v, struct image *image, void *at,
		       uint32_t bits)
{
	uint32_t was, now;

	memcpy(&was, at, sizeof(was));
	now = was ^ bits;
	memcpy(at, &now, sizeof(now));
	if (image_restart(v, image) > 0)
		ckpt_kill(v);
	memcpy(at, &was, sizeof(was));
}

void image_refused(struct ckpt_victim *v, struct image *image, void *at,
		   const void *to, size_t len)
{
	size_t off = (unsigned char *)at - image->data;
	struct image_rec *rec = image->rec;
	unsigned char was[64];
	long ret;

	if (len > sizeof(was))
		ckpt_die("a change of %zu bytes", len);
	memcpy(was, at, len);
	memcpy(at, to, len);
	ret = image_restart(v, image);
	memcpy(at, was, len);
	if (ret == -EINVAL)
		return;
	while (rec->off + rec->len <= off)
		rec++;
	die_with_log(v, "%s changed at byte %zu: restart: %ld",
		     image_rec_name(rec->type), off - rec->off, ret);
}

void image_restart_finish(struct ckpt_victim *v, struct image *image)
{
	long ret = image_restart(v, image);

	image_free(image);
	finish_restarted(v, ret);
}

bool ckpt_logged(struct ckpt_victim *v, const char *text)
{
	return strcasestr(v->log, text);
}

void ckpt_end(struct ckpt_victim *v)
{
	while (v->nr_mounts)
		close(v->mounts[--v->nr_mounts].fd);
	close(v->report[0]);
	close(v->report[1]);
	close(v->go[0]);
	close(v->go[1]);
	if (v->pidfd >= 0)
		close(v->pidfd);
	if (v->image >= 0)
		close(v->image);
}

const char *ckpt_run(const char *name, unsigned int flags, bool alive)
{
	enum ckpt_pids pids = flags & (CKPT_CONTAINER | CKPT_USER) ?
			      CKPT_PIDS_INNER : CKPT_PIDS_SAME;
	static struct ckpt_victim v;
	struct ckpt_snap before;
	int i, rounds = ckpt_rounds();
	long ret;

	ckpt_start(&v, name, flags);
	if (v.skip[0]) {
		ckpt_cleanup();
		return v.skip;
	}
	if (v.failed)
		ckpt_die("%s: could not be set up", name);
	ckpt_snap_take(&before, v.pid, pids);
	for (i = 0; i < rounds; i++) {
		if (alive) {
			ret = ckpt_checkpoint(&v, i % 2 ? 0 :
					      CHECKPOINT_SNAPSHOT);
			if (ret <= 0)
				die_with_log(&v, "checkpoint: %s",
					     strerror(-ret));
		} else {
			ckpt_checkpoint_kill(&v);
			ret = ckpt_restart(&v, 0);
			if (ret <= 0)
				die_with_log(&v, "restart: %s",
					     strerror(-ret));
		}
		ckpt_snap_expect(&before, v.pid, pids);
	}
	ckpt_snap_free(&before);
	ckpt_finish(&v);
	ckpt_end(&v);
	return NULL;
}

const char *ckpt_refused(struct ckpt_victim *v, const char *name,
			 unsigned int flags, const char *text)
{
	struct ckpt_snap before;
	long ret;

	ckpt_start(v, name, flags);
	if (v->skip[0])
		return v->skip;
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_SAME);
	ret = ckpt_checkpoint(v, CHECKPOINT_KILL);
	if (ret != -ENOSYS)
		die_with_log(v, "checkpoint: %ld, not -ENOSYS", ret);
	if (!ckpt_logged(v, text))
		die_with_log(v, "the log has no \"%s\"", text);
	/* and which task it is; or a network, or a message, which is of none */
	if (!ckpt_logged(v, "pid ") && !ckpt_logged(v, "network ") &&
	    !ckpt_logged(v, "in a message"))
		die_with_log(v, "the log has no task");
	ckpt_ping(v);
	ckpt_snap_expect(&before, v->pid, CKPT_PIDS_SAME);
	ckpt_snap_free(&before);
	ckpt_finish(v);
	ckpt_end(v);
	return NULL;
}
