// SPDX-License-Identifier: GPL-2.0
/*
 * restart: bring a task tree back from an image, and stand for it: its root is
 * a child of this program, gets the signals that are meant for it, and gives
 * it its exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "array.h"
#include "text.h"
#include "tool.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

enum { EXIT_OK = 0, EXIT_USAGE = 2, EXIT_FAILED = 125 };

const char *tool_name = "restart";

static const char usage_text[] =
"usage: restart [OPTION]...\n"
"Bring a task tree back from an image that checkpoint(1) wrote, wait for its\n"
"root, and exit with its status.\n"
"\n"
"  -i FILE               read the image from FILE, not from standard input\n"
"  --detach              do not wait: print the pid of the root\n"
"  --frozen              leave the tree stopped, until it gets SIGCONT\n"
"  --no-pids             let the kernel choose new pids\n"
"  --force               restart also where a file that is read or mapped was\n"
"                        changed or replaced since the checkpoint\n"
"  --tcp-close           TCP connections of the image are reset: to restart from\n"
"                        it many times\n"
"  --join KINDS          use this program's namespaces of these kinds, of uts,\n"
"                        ipc, mnt, net, pid, cgroup, time, user, and not those\n"
"                        of the image\n"
"  --cgroup DIR          put the tree into the cgroup DIR, and below it what\n"
"                        was below the cgroup of the tree\n"
"  --inherit-fd NAME=FD  what the image calls NAME is descriptor FD of this\n"
"                        program; may be given several times\n"
"  --mount NAME=PATH     the external mount that the image calls NAME, its mount\n"
"                        point in the container, becomes one of PATH\n"
"  --veth NAME=OUTSIDE[@BRIDGE]\n"
"                        the other end of the veth NAME, which was outside of the\n"
"                        tree, becomes OUTSIDE here, a port of BRIDGE\n"
"  --mntns               a copy of the mount namespace for what was in that of\n"
"                        whoever checkpointed\n"
"  --log FILE            write the kernel's messages to FILE\n"
"  --stats               print times and numbers on standard error\n"
"  --help                this text\n"
"\n"
"exit status: that of the root; 128+N if signal N ended it, or ended the\n"
"restart; 125 the restart failed; 2 usage. A restart that failed or was ended\n"
"left nothing behind.\n";

struct options {
	const char *file;
	const char *log;
	bool detach;
	bool frozen;
	bool no_pids;
	bool force;
	bool tcp_close;
	bool mntns;
	bool stats;
	uint32_t join;
	const char *cgroup;
	unsigned int closed;
	size_t nr_inherit;
	struct restart_inherit inherit[RESTART_INHERIT_MAX];
	size_t nr_mounts;
	struct restart_mount mounts[RESTART_MOUNTS_MAX];
	size_t nr_veths;
	struct restart_veth veths[RESTART_VETHS_MAX];
};

/* ---------------------------------------------------------------- options */

/* NAME=FD: a name may have a '=' in it, a number has not. */
static int parse_inherit(struct options *o, char *text)
{
	char *equals = strrchr(text, '='), *end;
	long fd;

	if (!equals || equals == text)
		return tool_usage("--inherit-fd %s: give it as NAME=FD.", text);
	errno = 0;
	fd = strtol(equals + 1, &end, 10);
	if (errno || end == equals + 1 || *end || fd < 0 || fd > INT32_MAX)
		return tool_usage("--inherit-fd %s: '%s' is not a descriptor.",
				  text, equals + 1);
	if (fcntl(fd, F_GETFD) < 0 ||
	    (fd <= STDERR_FILENO && o->closed & 1u << fd))
		return tool_usage("--inherit-fd %s: descriptor %ld is not open: redirect it.",
				  text, fd);
	if (o->nr_inherit == RESTART_INHERIT_MAX)
		return tool_usage("--inherit-fd: at most %d of them.",
				  RESTART_INHERIT_MAX);
	*equals = 0;
	o->inherit[o->nr_inherit++] = (struct restart_inherit){
		.name = (uintptr_t)text, .fd = fd
	};
	return 0;
}

/* NAME=PATH */
static int parse_mount(struct options *o, char *text)
{
	char *equals = strchr(text, '=');
	int fd;

	if (!equals || equals == text || !equals[1])
		return tool_usage("--mount %s: give it as NAME=PATH.", text);
	if (o->nr_mounts == RESTART_MOUNTS_MAX)
		return tool_usage("--mount: at most %d of them.",
				  RESTART_MOUNTS_MAX);
	fd = open(equals + 1, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return tool_usage("--mount %s: %s: %s.", text, equals + 1,
				  strerror(errno));
	*equals = 0;
	o->mounts[o->nr_mounts++] = (struct restart_mount){
		.name = (uintptr_t)text, .fd = fd
	};
	return 0;
}

static int copy_name(char *to, const char *from, size_t len, const char *text)
{
	if (!len || len >= sizeof(((struct restart_veth *)0)->name))
		return tool_usage("--veth %s: a name has 1 to 15 characters.",
				  text);
	memcpy(to, from, len);
	return 0;
}

/* NAME=OUTSIDE[@BRIDGE] */
static int parse_veth(struct options *o, const char *text)
{
	const char *equals = strchr(text, '='), *at;
	struct restart_veth *v = &o->veths[o->nr_veths];

	if (!equals)
		return tool_usage("--veth %s: give it as NAME=OUTSIDE or NAME=OUTSIDE@BRIDGE.",
				  text);
	if (o->nr_veths == RESTART_VETHS_MAX)
		return tool_usage("--veth: at most %d of them.",
				  RESTART_VETHS_MAX);
	at = strchr(equals, '@');
	if (copy_name(v->name, text, equals - text, text) ||
	    copy_name(v->outside, equals + 1,
		      at ? (size_t)(at - equals - 1) : strlen(equals + 1),
		      text) ||
	    (at && copy_name(v->bridge, at + 1, strlen(at + 1), text)))
		return -1;
	o->nr_veths++;
	return 0;
}

static int parse_join(struct options *o, char *text)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} kinds[] = {
		{ "uts", CLONE_NEWUTS }, { "ipc", CLONE_NEWIPC },
		{ "mnt", CLONE_NEWNS }, { "net", CLONE_NEWNET },
		{ "pid", CLONE_NEWPID }, { "cgroup", CLONE_NEWCGROUP },
		{ "time", CLONE_NEWTIME }, { "user", CLONE_NEWUSER },
	};
	char *name;
	size_t i;

	while ((name = strsep(&text, ","))) {
		for (i = 0; i < ARRAY_SIZE(kinds); i++)
			if (!strcmp(name, kinds[i].name))
				break;
		if (i == ARRAY_SIZE(kinds))
			return tool_usage("--join: '%s' is no kind of namespace: uts, ipc, mnt, net, pid, cgroup, time, user are.",
					  name);
		o->join |= kinds[i].flag;
	}
	return 0;
}

/* Returns 0 to go on, or else ends the program with *@status. */
static int parse(struct options *o, int argc, char **argv, int *status)
{
	static const struct option options[] = {
		{ "detach", no_argument, NULL, 'd' },
		{ "frozen", no_argument, NULL, 'f' },
		{ "no-pids", no_argument, NULL, 'n' },
		{ "force", no_argument, NULL, 'o' },
		{ "tcp-close", no_argument, NULL, 't' },
		{ "join", required_argument, NULL, 'j' },
		{ "cgroup", required_argument, NULL, 'c' },
		{ "inherit-fd", required_argument, NULL, 'F' },
		{ "mount", required_argument, NULL, 'm' },
		{ "mntns", no_argument, NULL, 'M' },
		{ "veth", required_argument, NULL, 'v' },
		{ "log", required_argument, NULL, 'l' },
		{ "stats", no_argument, NULL, 'S' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	*status = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "i:h", options, NULL)) != -1) {
		switch (c) {
		case 'i':
			o->file = optarg;
			break;
		case 'd':
			o->detach = true;
			break;
		case 'f':
			o->frozen = true;
			break;
		case 'n':
			o->no_pids = true;
			break;
		case 'o':
			o->force = true;
			break;
		case 't':
			o->tcp_close = true;
			break;
		case 'j':
			if (parse_join(o, optarg))
				return -1;
			break;
		case 'c':
			o->cgroup = optarg;
			break;
		case 'F':
			if (parse_inherit(o, optarg))
				return -1;
			break;
		case 'm':
			if (parse_mount(o, optarg))
				return -1;
			break;
		case 'M':
			o->mntns = true;
			break;
		case 'v':
			if (parse_veth(o, optarg))
				return -1;
			break;
		case 'l':
			o->log = optarg;
			break;
		case 'S':
			o->stats = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			*status = EXIT_OK;
			return -1;
		default:
			fprintf(stderr, "Try 'restart --help'.\n");
			return -1;
		}
	}
	if (o->file && !*o->file)
		return tool_usage("-i needs the name of a file.");
	if (optind != argc)
		return tool_usage("'%s' is too much: say -i FILE for the image.",
				  argv[optind]);
	return 0;
}

/* ----------------------------------------------------------------- the call */

/* What takes the place of a terminal that the job inherited */
static int own_terminal(void)
{
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (isatty(fd))
			return fd;
	return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/*
 * A child that shows progress on a terminal, by @p, which both can write.
 * Returns its pid, or -1.
 */
static pid_t start_progress(struct tool_progress *p, int fd)
{
	const struct timespec tick = {
		.tv_nsec = TOOL_PROGRESS_MS * 1000000L
	};
	pid_t parent = getpid(), child;

	tool_progress_start(p, fd);
	child = fork();
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent) {
		nanosleep(&tick, NULL);
		tool_progress_update(p);
	}
	_exit(0);
}

static long call_with_progress(int fd, unsigned long flags, int logfd,
			       struct restart_args *args)
{
	struct tool_progress *p;
	pid_t child;
	long root;
	int err;

	p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	child = p == MAP_FAILED ? -1 : start_progress(p, fd);
	root = restart(0, fd, flags, logfd, args, sizeof(*args));
	err = errno;
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		tool_progress_end(p);
	}
	errno = err;
	return root;
}

static const char *hint(int err)
{
	switch (err) {
	case EPERM:
		return "CAP_CHECKPOINT_RESTORE and the rights of the tree are needed: run as root";
	case ENOSYS:
		return "this kernel has no restart(2): boot one with CONFIG_CHECKPOINT";
	case EINVAL:
		return "this is not a complete checkpoint image: try ckptinfo";
	case EEXIST:
		return "a pid of the tree is in use: say --no-pids";
	case EINTR:
		return "nothing was left behind";
	default:
		return NULL;
	}
}

/* Returns the pid of the root, or -1, reported. */
static pid_t call(struct options *o, int fd)
{
	struct checkpoint_stats stats = {};
	struct restart_args args = {
		.stats = (uintptr_t)&stats,
		.inherit = (uintptr_t)o->inherit,
		.inherit_nr = o->nr_inherit,
		.tty_fd = own_terminal(),
		.mounts = (uintptr_t)o->mounts,
		.mounts_nr = o->nr_mounts,
		.veths = (uintptr_t)o->veths,
		.veths_nr = o->nr_veths,
		.join = o->join,
	};
	unsigned long flags = 0;
	struct tool_log log;
	char line[1024];
	long root;
	int err;

	if (tool_log_open(&log, o->log))
		return -1;
	if (o->frozen)
		flags |= RESTART_FROZEN;
	if (o->no_pids)
		flags |= RESTART_NOPIDS;
	if (o->force)
		flags |= RESTART_FORCE;
	if (o->tcp_close)
		flags |= RESTART_CONN_RESET;
	if (o->mntns)
		flags |= RESTART_MNTNS;
	if (o->cgroup) {
		args.cgroup_fd = open(o->cgroup,
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (args.cgroup_fd < 0) {
			tool_error("%s: %s.", o->cgroup, strerror(errno));
			tool_log_close(&log, line, sizeof(line));
			return -1;
		}
		flags |= RESTART_CGROUP;
	}
	root = isatty(STDERR_FILENO) ?
		call_with_progress(fd, flags, log.fd, &args) :
		restart(0, fd, flags, log.fd, &args, sizeof(args));
	err = errno;
	tool_log_close(&log, line, sizeof(line));
	if (root > 0) {
		if (o->stats)
			tool_print_stats(&stats, true);
		return root;
	}
	tool_failed(line, "", err, hint(err));
	return -1;
}

/* --------------------------------------------------------------- signals */

/* The signal that came before there was a root to pass it on to, or 0 */
static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught = sig;
}

/*
 * A signal that would end this program ends the restart: the tree must not
 * come to life with nobody there to wait for it. One that is ignored is not
 * caught, as it is not passed on.
 */
static void catch_signals(void)
{
	static const int fatal[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction sa, act = { .sa_handler = on_signal };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fatal); i++)
		if (!sigaction(fatal[i], NULL, &sa) && sa.sa_handler != SIG_IGN)
			sigaction(fatal[i], &act, NULL);
}

/* -------------------------------------------------------------- the waiting */

/*
 * Pass a signal on. One from the keyboard goes to the root's process group, as
 * the terminal would have it, unless that is our own, which has it already.
 */
static void forward(pid_t root, int sig, bool keyboard)
{
	pid_t group = getpgid(root);

	if (!keyboard || group <= 1)
		kill(root, sig);
	else if (group != getpgrp())
		kill(-group, sig);
}

/*
 * The job was stopped from the keyboard, while it was in the foreground and
 * this program was not: stop, too, so that the shell takes the terminal. When
 * the shell has given it back, it is the job's again.
 */
static void stopped(pid_t root, int tty)
{
	pid_t group = getpgid(root);
	siginfo_t info = { 0 };

	if (waitid(P_PID, root, &info, WSTOPPED | WNOHANG | __WALL) ||
	    !info.si_pid)
		return;
	if (tty < 0 || group <= 1 || group == getpgrp() ||
	    tcgetpgrp(tty) != group)
		return;
	raise(SIGSTOP);
	if (tcgetpgrp(tty) == getpgrp())
		tcsetpgrp(tty, group);
	kill(-group, SIGCONT);
}

static void handle(pid_t root, int tty, const struct signalfd_siginfo *si)
{
	bool keyboard = si->ssi_code == SI_KERNEL;

	if (si->ssi_signo == SIGCHLD) {
		stopped(root, tty);
		return;
	}

	forward(root, si->ssi_signo, keyboard);
	if (si->ssi_signo != SIGTSTP)
		return;
	/* Stop with the job, and go on with it. */
	raise(SIGSTOP);
	forward(root, SIGCONT, keyboard);
}

/*
 * The kernel has put the job into the foreground if it was there, and this
 * program is: have that again.
 */
static void take_terminal(pid_t root, int tty)
{
	if (tty < 0 || tcgetpgrp(tty) != getpgid(root))
		return;
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(tty, getpgrp());
}

static int exit_status(pid_t root)
{
	int status;

	/* The root may have been made by a clone without SIGCHLD. */
	if (waitpid(root, &status, __WALL) != root) {
		tool_error("pid %d: its exit status was taken by somebody else.",
			   root);
		return EXIT_FAILED;
	}
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

/*
 * Wait for the root, by its pidfd: its end may come with another signal than
 * SIGCHLD, or with none.
 */
static int wait_for(pid_t root)
{
	static const int wanted[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
		SIGWINCH, SIGTSTP, SIGCONT, SIGCHLD, 0
	};
	struct signalfd_siginfo si;
	int tty = own_terminal();
	struct pollfd fds[2];
	sigset_t signals;

	tool_block_signals(&signals, wanted);
	fds[0].fd = syscall(SYS_pidfd_open, root, 0);
	fds[1].fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	fds[0].events = POLLIN;
	fds[1].events = POLLIN;
	/* one that came too late to end the restart */
	if (caught)
		kill(root, caught);
	while (fds[0].fd >= 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents & POLLIN)
			while (read(fds[1].fd, &si, sizeof(si)) == sizeof(si))
				handle(root, tty, &si);
		if (fds[0].revents)
			break;
	}
	take_terminal(root, tty);
	return exit_status(root);
}

/* ------------------------------------------------------------- the detached */

static int wait_exited(pid_t pid, int options)
{
	siginfo_t info;
	int ret;

	do {
		ret = waitid(P_PID, pid, &info, WEXITED | __WALL | options);
	} while (ret && errno == EINTR);
	return ret;
}

/*
 * A child that came to this program after the root did: 0 if there is none, or
 * -1 if that cannot be told. Each of them was left to it by the root or by one
 * of the others. The children that are before the root in the kernel's list
 * were there already when this program was started.
 */
static pid_t child_after(pid_t root)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	pid_t pid, found = -1;

	if (!f)
		return -1;
	while (fscanf(f, "%d", &pid) == 1) {
		if (found == 0) {
			found = pid;
			break;
		}
		if (pid == root)
			found = 0;
	}
	fclose(f);
	return found;
}

/*
 * Kill the tree, of which all that is known is the root. What that leaves
 * behind becomes a child of this program, which kills it, too. Returns whether
 * all of it is gone.
 */
static bool kill_tree(pid_t root)
{
	pid_t child;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (kill(root, SIGKILL))
		return false;
	/* As a zombie it stays in the list, where child_after() finds it. */
	wait_exited(root, WNOWAIT);
	while ((child = child_after(root)) > 0) {
		/* A /proc of another pid namespace has other numbers. */
		if (wait_exited(child, WNOWAIT | WNOHANG) ||
		    kill(child, SIGKILL) || wait_exited(child, 0))
			break;
	}
	wait_exited(root, 0);
	return !child;
}

/*
 * Print the pid of the root. If nobody gets to know it nobody could care for
 * the tree, which goes with it then.
 */
static int print_root(pid_t root)
{
	int err;

	if (printf("%d\n", root) > 0 && !fflush(stdout))
		return EXIT_OK;
	err = errno;
	if (kill_tree(root))
		tool_error("standard output: %s: the pid of the root cannot be told, and the tree was killed: redirect it.",
			   strerror(err));
	else
		tool_error("standard output: %s: the root is pid %d: not all of the tree could be killed, see what is left of it.",
			   strerror(err), root);
	if (caught)
		tool_die_by(caught);
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	static struct options o;
	int fd = STDIN_FILENO, status;
	struct stat st;
	pid_t root;

	o.closed = tool_start();
	if (parse(&o, argc, argv, &status))
		return status;
	if (o.file && strcmp(o.file, "-")) {
		fd = open(o.file, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			tool_error("%s: %s.", o.file, strerror(errno));
			return EXIT_FAILED;
		}
		if (!fstat(fd, &st) && S_ISDIR(st.st_mode)) {
			tool_error("%s is a directory: give an image.", o.file);
			return EXIT_FAILED;
		}
	} else if (o.closed & 1u << STDIN_FILENO) {
		return tool_usage("standard input is closed: say -i FILE, or redirect it.");
	} else if (isatty(fd)) {
		return tool_usage("standard input is a terminal: say -i FILE, or redirect it.");
	}
	if (o.detach && o.closed & 1u << STDOUT_FILENO)
		return tool_usage("standard output is closed: redirect it, --detach prints the pid of the root.");
	/* Were it ignored, the root would be reaped with nobody told. */
	signal(SIGCHLD, SIG_DFL);
	catch_signals();
	root = call(&o, fd);
	if (root < 0) {
		if (caught)
			tool_die_by(caught);
		return EXIT_FAILED;
	}
	if (!o.detach)
		return wait_for(root);
	take_terminal(root, own_terminal());
	return print_root(root);
}
