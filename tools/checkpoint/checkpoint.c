// SPDX-License-Identifier: GPL-2.0
/*
 * checkpoint: write the state of a running task tree to an image.
 *
 * The system call is made by a child. The parent shows progress, and when it
 * is told to end it kills the child, which makes the kernel let go of the tree,
 * and still publishes an image that was complete already: with --kill it may
 * be all that is left of the job.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "text.h"
#include "tool.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* PID_MAX_LIMIT */
#define PID_LIMIT	(4 * 1024 * 1024)

/* A day, in seconds */
#define SILENCE_MAX	(24 * 60 * 60)

/* Writing less than this takes no longer than duplicating it, or not much */
#define SNAPSHOT_MIN	(4 * 1024 * 1024)

const char *tool_name = "checkpoint";

static const char usage_text[] =
"usage: checkpoint [OPTION]... PID\n"
"Write the state of process PID and all of its descendants to an image, from\n"
"which restart(1) brings them back. The tree runs on afterwards.\n"
"\n"
"  -o FILE          write the image to FILE, not to standard output\n"
"  --kill           kill the tree once the image is complete\n"
"  --leave-stopped  leave the tree stopped, until it gets SIGCONT\n"
"  --container      PID is the init of a pid namespace, and nothing of the\n"
"                   tree may be shared with the outside\n"
"  --subtree        PID is any process; what is shared is outside\n"
"                   (default: as PID is one or the other)\n"
"  --nonetns        leave the network namespace out\n"
"  --conntrack      with the entries of connection tracking\n"
"  --snapshot       let the tree run on while its memory is written, from a\n"
"                   duplicate that shares it copy-on-write\n"
"  --no-snapshot    the tree stands still until its memory is written\n"
"                   (default: as it has more than 4 MiB or less; it stands\n"
"                   still with --kill and --leave-stopped)\n"
"  --silence SECONDS with --kill: how long connections of a network that is not\n"
"                   of the tree answer nothing, until they are restored\n"
"                   (default: 300)\n"
"  --log FILE       write the kernel's messages to FILE\n"
"  --stats          print times and numbers on standard error\n"
"  --help           this text\n"
"\n"
"exit status: 0; 1 it failed, and the tree is as it was; 2 usage\n";

struct options {
	pid_t pid;
	const char *file;
	const char *log;
	bool kill;
	bool stop;
	bool container;
	bool subtree;
	bool nonetns;
	bool conntrack;
	bool snapshot;
	bool no_snapshot;
	bool stats;
	long silence;
};

/* ---------------------------------------------------------------- options */

static int parse_pid(struct options *o, const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || end == text || *end || pid <= 0 || pid > PID_LIMIT)
		return -1;
	o->pid = pid;
	return 0;
}

static int parse_silence(struct options *o, const char *text)
{
	char *end;

	errno = 0;
	o->silence = strtol(text, &end, 10);
	return errno || end == text || *end || o->silence < 1 ||
	       o->silence > SILENCE_MAX ? -1 : 0;
}

/* Returns 0 to go on, or else ends the program with *@status. */
static int parse(struct options *o, int argc, char **argv, int *status)
{
	static const struct option options[] = {
		{ "kill", no_argument, NULL, 'k' },
		{ "leave-stopped", no_argument, NULL, 's' },
		{ "container", no_argument, NULL, 'c' },
		{ "subtree", no_argument, NULL, 't' },
		{ "nonetns", no_argument, NULL, 'n' },
		{ "conntrack", no_argument, NULL, 'C' },
		{ "snapshot", no_argument, NULL, 'w' },
		{ "no-snapshot", no_argument, NULL, 'W' },
		{ "silence", required_argument, NULL, 'q' },
		{ "log", required_argument, NULL, 'l' },
		{ "stats", no_argument, NULL, 'S' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	*status = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			o->file = optarg;
			break;
		case 'k':
			o->kill = true;
			break;
		case 's':
			o->stop = true;
			break;
		case 'c':
			o->container = true;
			break;
		case 't':
			o->subtree = true;
			break;
		case 'n':
			o->nonetns = true;
			break;
		case 'C':
			o->conntrack = true;
			break;
		case 'w':
			o->snapshot = true;
			break;
		case 'W':
			o->no_snapshot = true;
			break;
		case 'q':
			if (!parse_silence(o, optarg))
				break;
			return tool_usage("--silence: '%s' is not a number of seconds from 1 to %d.",
					  optarg, SILENCE_MAX);
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
			fprintf(stderr, "Try 'checkpoint --help'.\n");
			return -1;
		}
	}
	if (o->kill && o->stop)
		return tool_usage("--kill and --leave-stopped: give one of them.");
	if (o->container && o->subtree)
		return tool_usage("--container and --subtree: give one of them.");
	if (o->snapshot && o->no_snapshot)
		return tool_usage("--snapshot and --no-snapshot: give one of them.");
	if (o->snapshot && (o->kill || o->stop))
		return tool_usage("--snapshot: not with --kill or --leave-stopped.");
	if (o->silence && !o->kill)
		return tool_usage("--silence: only with --kill.");
	if (argc - optind != 1)
		return tool_usage("one PID is needed.");
	if (parse_pid(o, argv[optind]))
		return tool_usage("'%s' is not a pid: give a number from 1 to %d.",
				  argv[optind], PID_LIMIT);
	if (o->file && !*o->file)
		return tool_usage("-o needs the name of a file.");
	return 0;
}

/* ---------------------------------------------------------------- the task */

/**
 * struct status - what /proc says of the process
 * @tgid: its Tgid, 0 if there was none
 * @levels: the number of pids in NSpid, from the namespace of /proc inwards
 * @innermost: the last of them
 */
struct status {
	long tgid;
	unsigned int levels;
	long innermost;
};

/* The list of groups before NSpid may be of any length. Returns 0 or -1. */
static int read_status(const char *path, struct status *s)
{
	char *line = NULL, *p, *end;
	FILE *f = fopen(path, "re");
	size_t size = 0;

	if (!f)
		return -1;
	while (getline(&line, &size, f) > 0) {
		if (!strncmp(line, "Tgid:", strlen("Tgid:")))
			s->tgid = strtol(line + strlen("Tgid:"), NULL, 10);
		if (strncmp(line, "NSpid:", strlen("NSpid:")))
			continue;
		for (p = line + strlen("NSpid:"); *p == '\t'; p = end) {
			s->innermost = strtol(p, &end, 10);
			s->levels++;
		}
	}
	free(line);
	fclose(f);
	return s->tgid ? 0 : -1;
}

/*
 * Look at the process: it must exist, and if not told, find out whether it is
 * the init of a pid namespace.
 */
static int look_at(struct options *o)
{
	struct status s = {};
	char path[32];
	bool found;

	snprintf(path, sizeof(path), "/proc/%d/status", o->pid);
	found = !read_status(path, &s);
	if (found && s.tgid != o->pid) {
		tool_error("pid %d is a thread: checkpoint its process, %ld.",
			   o->pid, s.tgid);
		return -1;
	}
	if (found && s.levels) {
		if (!o->container && !o->subtree)
			o->container = s.levels > 1 && s.innermost == 1;
		return 0;
	}
	/* It may have gone while its file was read. */
	if (kill(o->pid, 0) && errno == ESRCH) {
		tool_error("pid %d: there is no such process.", o->pid);
		return -1;
	}
	if (o->container || o->subtree)
		return 0;
	if (found)
		tool_error("pid %d: %s has no NSpid: say --container or --subtree.",
			   o->pid, path);
	else
		tool_error("pid %d: %s: mount /proc, or say --container or --subtree.",
			   o->pid, path);
	return -1;
}

/* ---------------------------------------------------------------- the image */

/**
 * struct output - where the image goes
 * @fd: the file
 * @path: what it will be called; NULL if it is there already
 * @dir: directory of @path
 * @temp: its name so far; "" if it has none
 */
struct output {
	int fd;
	char *path;
	char *dir;
	char temp[PATH_MAX];
};

/* A name that nobody has, in the directory of the image */
static void temp_name(struct output *out)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(out->temp, sizeof(out->temp), "%s/.ckpt-%d-%lx", out->dir,
		 getpid(), (unsigned long)ts.tv_nsec);
}

/*
 * A file without a name leaves nothing behind however this ends. Not where the
 * tree is killed: should this program be killed after that, the image is there
 * under its temporary name.
 */
static int open_temp(struct output *out, bool named)
{
	if (!named) {
		out->fd = open(out->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (out->fd >= 0)
			return 0;
	}
	temp_name(out);
	out->fd = open(out->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out->fd < 0)
		out->temp[0] = 0;
	return out->fd < 0 ? -1 : 0;
}

/* Everything of @path before its last component; NULL if there is no memory. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : slash - path);
}

static int open_output(struct output *out, const char *file, bool named)
{
	struct stat st;
	int ret;

	if (!file) {
		out->fd = STDOUT_FILENO;
		return 0;
	}
	if (!stat(file, &st) && !S_ISREG(st.st_mode)) {
		out->fd = open(file, O_WRONLY | O_CLOEXEC);
		ret = out->fd < 0 ? -1 : 0;
	} else {
		/* A link to the image is to stay one. */
		out->path = realpath(file, NULL);
		if (!out->path)
			out->path = strdup(file);
		out->dir = out->path ? directory_of(out->path) : NULL;
		ret = out->dir ? open_temp(out, named) : -1;
	}
	if (ret)
		tool_error("%s: cannot be created: %s.", file, strerror(errno));
	return ret;
}

/* Give the image its name; an older one goes only now. */
static int publish(struct output *out)
{
	char proc[32];

	if (!out->path)
		return 0;
	if (!out->temp[0]) {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", out->fd);
		temp_name(out);
		if (linkat(out->fd, "", AT_FDCWD, out->temp, AT_EMPTY_PATH) &&
		    linkat(AT_FDCWD, proc, AT_FDCWD, out->temp,
			   AT_SYMLINK_FOLLOW)) {
			out->temp[0] = 0;
			return -1;
		}
	}
	if (close(out->fd) || rename(out->temp, out->path))
		return -1;
	out->temp[0] = 0;
	return 0;
}

static void discard(struct output *out)
{
	if (out->temp[0])
		unlink(out->temp);
	out->temp[0] = 0;
}

/* Does the image end with its trailer? */
static bool is_complete(const struct output *out)
{
	struct ckpt_hdr_trailer t;
	off_t end = lseek(out->fd, 0, SEEK_END);

	if (!out->path || end < (off_t)sizeof(t))
		return false;
	return pread(out->fd, &t, sizeof(t), end - sizeof(t)) == sizeof(t) &&
	       t.h.type == CKPT_HDR_TRAILER && t.h.len == sizeof(t) &&
	       t.magic == CKPT_TRAILER_MAGIC;
}

/* ----------------------------------------------------------------- the call */

/**
 * struct result - what the child leaves for the parent
 * @done: the call returned
 * @ret: what it returned
 * @err: errno
 * @stats: as the kernel filled it in
 */
struct result {
	bool done;
	long ret;
	int err;
	struct checkpoint_stats stats;
};

static void call(const struct options *o, const struct output *out,
		 const struct tool_log *log, struct result *r)
{
	struct checkpoint_args args = {
		.stats = (uintptr_t)&r->stats,
		.stats_size = sizeof(r->stats),
		.silence_ms = o->silence * 1000,
	};
	unsigned long flags = 0;

	if (!o->container)
		flags |= CHECKPOINT_SUBTREE;
	if (o->nonetns)
		flags |= CHECKPOINT_NONETNS;
	if (o->conntrack)
		flags |= CHECKPOINT_CONNTRACK;
	if (o->kill)
		flags |= CHECKPOINT_KILL;
	if (o->stop)
		flags |= CHECKPOINT_STOP;
	if (!o->kill && !o->stop && !o->no_snapshot) {
		flags |= CHECKPOINT_SNAPSHOT;
		args.snapshot_min = o->snapshot ? 0 : SNAPSHOT_MIN;
	}
	r->ret = checkpoint(o->pid, out->fd, flags, log->fd, &args,
			    sizeof(args));
	r->err = errno;
	r->done = true;
}

/*
 * Wait for the child. Returns the signal that ended it before its time, or 0.
 */
static int wait_for(pid_t child, const sigset_t *signals, int fd)
{
	bool terminal = isatty(STDERR_FILENO);
	const struct timespec tick = {
		.tv_nsec = TOOL_PROGRESS_MS * 1000000L
	};
	struct tool_progress progress;
	int sig, ended_by = 0;

	if (terminal) {
		tool_progress_start(&progress, fd);
		progress.total = 0;
	}
	for (;;) {
		sig = sigtimedwait(signals, NULL, terminal ? &tick : NULL);
		if (sig == SIGCHLD && waitpid(child, NULL, WNOHANG) == child)
			break;
		if (sig > 0 && sig != SIGCHLD) {
			ended_by = sig;
			kill(child, SIGKILL);
		}
		if (terminal)
			tool_progress_update(&progress);
	}
	if (terminal)
		tool_progress_end(&progress);
	return ended_by;
}

/* Returns the signal that ended it before its time, 0, or -1, reported. */
static int call_in_child(const struct options *o, const struct output *out,
			 const struct tool_log *log, struct result *r)
{
	static const int wanted[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, 0
	};
	pid_t parent = getpid(), child;
	sigset_t signals;

	signal(SIGCHLD, SIG_DFL);
	tool_block_signals(&signals, wanted);

	child = fork();
	if (child < 0) {
		tool_error("fork: %s.", strerror(errno));
		return -1;
	}
	if (!child) {
		/* The keyboard's signals are the parent's to handle. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			call(o, out, log, r);
		_exit(0);
	}
	return wait_for(child, &signals, out->fd);
}

/* ------------------------------------------------------------------ results */

static const char *hint(int err)
{
	switch (err) {
	case EPERM:
		return "CAP_CHECKPOINT_RESTORE and the right to trace are needed: run as root";
	case ENOSYS:
		return "this kernel has no checkpoint(2): boot one with CONFIG_CHECKPOINT";
	case EINVAL:
		return "with --container it must be the init of a pid namespace";
	case EBUSY:
		return "a task did not stop, or shares something with the outside: try again";
	case ENOSPC:
		return "the file system of the image is full: make room";
	case EPIPE:
		return "the reader of the image has gone";
	default:
		return NULL;
	}
}

static int report_unpublished(const struct options *o, const struct output *out,
			      int err)
{
	tool_error("%s: cannot be given its name: %s%s%s.", out->path,
		   strerror(err), out->temp[0] ? ": the image is complete, as " :
		   "", out->temp);
	if (o->stop)
		tool_error("pid %d is stopped: SIGCONT continues it.", o->pid);
	return EXIT_FAILED;
}

static int finish(const struct options *o, struct output *out,
		  const struct result *r, int sig, const char *line)
{
	/* one that came to the child alone cannot have been caught */
	int ended_by = sig ? sig : SIGKILL;
	bool ok = r->done && r->ret >= 0;
	char what[24];

	/* The call came to its end, or was killed on its last yards. */
	if (ok || (!r->done && is_complete(out))) {
		if (publish(out))
			return report_unpublished(o, out, errno);
		if (ok)
			return EXIT_OK;
		tool_error("pid %d: ended by signal %d: the image is complete%s.",
			   o->pid, ended_by, o->kill || o->stop ?
			   ", see whether the tree still runs" : "");
		if (sig)
			tool_die_by(sig);
		return EXIT_FAILED;
	}
	discard(out);
	if (r->done) {
		snprintf(what, sizeof(what), "pid %d: ", o->pid);
		tool_failed(line, what, r->err, hint(r->err));
	} else {
		tool_error("pid %d: ended by signal %d: there is no image, and the tree runs on.",
			   o->pid, ended_by);
		if (sig)
			tool_die_by(sig);
	}
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct output out = { .fd = -1 };
	struct options o = {};
	struct tool_log log;
	struct result *r;
	unsigned int closed;
	char line[1024];
	int sig, status;

	closed = tool_start();
	if (parse(&o, argc, argv, &status))
		return status;
	if (!o.file && closed & 1u << STDOUT_FILENO)
		return tool_usage("standard output is closed: say -o FILE, or redirect it.");
	if (!o.file && isatty(STDOUT_FILENO))
		return tool_usage("standard output is a terminal: say -o FILE, or redirect it.");
	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED) {
		tool_error("mmap: %s.", strerror(errno));
		return EXIT_FAILED;
	}
	if (look_at(&o) || tool_log_open(&log, o.log) ||
	    open_output(&out, o.file, o.kill))
		return EXIT_FAILED;

	sig = call_in_child(&o, &out, &log, r);
	tool_log_close(&log, line, sizeof(line));
	if (sig < 0) {
		discard(&out);
		return EXIT_FAILED;
	}
	status = finish(&o, &out, r, sig, line);
	if (o.stats && r->done && r->ret >= 0) {
		tool_print_stats(&r->stats, false);
		/* why there was no snapshot */
		if (*line)
			tool_say(line);
	}
	return status;
}
