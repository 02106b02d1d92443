// SPDX-License-Identifier: GPL-2.0
/*
 * What /proc shows of a task tree, as text that can be compared before and
 * after. Ids that the kernel hands out, such as inode numbers of pipes, are
 * put between marks with the name of their kind: two texts are the same if
 * these map one to one and the rest is equal. Counters, times and the resident
 * size are left out.
 */
#define LIBCKPTTEST_INTERNAL
#include "libckpttest.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MARK		'\1'
#define FILE_MAX	(4 << 20)
#define SETTLE_NS	(CKPT_WAIT_S / 6 * 1000000000ULL)

static void put(struct ckpt_snap *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct ckpt_snap *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	for (;;) {
		va_start(ap, fmt);
		n = vsnprintf(s->text + s->len, s->room - s->len, fmt, ap);
		va_end(ap);
		if ((size_t)n < s->room - s->len)
			break;
		s->room = s->room * 2 + n + 4096;
		s->text = realloc(s->text, s->room);
		if (!s->text)
			ckpt_die("no memory");
	}
	s->len += n;
}

static void put_id(struct ckpt_snap *s, const char *kind, const char *id)
{
	put(s, "%c%s:%s%c", MARK, kind, id, MARK);
}

static void put_number(struct ckpt_snap *s, const char *kind, unsigned long n)
{
	char id[32];

	snprintf(id, sizeof(id), "%lu", n);
	put_id(s, kind, id);
}

/* An inode number says nothing without the device that it is of. */
static void put_inode(struct ckpt_snap *s, const char *dev, unsigned long ino)
{
	char id[64];

	snprintf(id, sizeof(id), "%s/%lu", dev, ino);
	put_id(s, "ino", id);
}

/* 0 is no pid, whichever way these are compared. */
static void put_pid(struct ckpt_snap *s, bool same, const char *kind, long pid)
{
	if (same || pid <= 0)
		put(s, "%ld", pid);
	else
		put_number(s, kind, pid);
}

static char *proc_file(char *buf, pid_t pid, pid_t tid, const char *name)
{
	char path[128];

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid,
			 name);
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	if (ckpt_read_file(path, buf, FILE_MAX) < 0)
		return NULL;
	return buf;
}

/* Call it in a loop: the next line of *@text, its newline cut off. */
static char *next_line(char **text)
{
	char *line = *text, *end;

	if (!line || !*line)
		return NULL;
	end = strchrnul(line, '\n');
	*text = *end ? end + 1 : end;
	*end = 0;
	return line;
}

/* "pipe:[123]" */
static void put_link_text(struct ckpt_snap *s, const char *text)
{
	const char *open = strstr(text, ":[");
	char kind[64], id[32];

	if (text[0] == '/' || !open || text[strlen(text) - 1] != ']' ||
	    open - text >= (int)sizeof(kind) || strlen(open) >= sizeof(id) ||
	    !isdigit(open[2])) {
		put(s, "%s", text);
		return;
	}
	snprintf(kind, sizeof(kind), "%.*s", (int)(open - text), text);
	snprintf(id, sizeof(id), "%.*s", (int)strlen(open) - 3, open + 2);
	put(s, "%s:[", kind);
	put_id(s, kind, id);
	put(s, "]");
}

/* "/dev/pts/3 (deleted)": what it was called is not kept. */
static bool is_hung_up(const char *text)
{
	int end = 0;

	if (!strncmp(text, "/dev/pts/", 9))
		text += 8;
	return sscanf(text, "/%*d (deleted)%n", &end) != EOF && end &&
	       !text[end];
}

static void put_link(struct ckpt_snap *s, pid_t pid, const char *name)
{
	char path[128], text[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	n = readlink(path, text, sizeof(text) - 1);
	if (n < 0)
		return;
	text[n] = 0;
	put(s, "%s -> ", name);
	put_link_text(s, is_hung_up(text) ? "a terminal that is gone" : text);
	put(s, "\n");
}

/*
 * A pid namespace for children whose init is dead: the kernel shows it as long
 * as it has kept the address of that.
 */
static bool is_dead_ns(const char *path)
{
	int fd, init = 0;

	if (!strstr(path, "/pid_for_children"))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		init = ioctl(fd, NS_GET_PID_FROM_PIDNS, 1);
		close(fd);
	}
	return init <= 0;
}

/* A namespace of the driver's own stays that, others map. */
static void put_ns(struct ckpt_snap *s, pid_t pid, const char *name)
{
	char path[64], mine[128], text[128];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	n = readlink(path, mine, sizeof(mine) - 1);
	mine[n > 0 ? n : 0] = 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	n = readlink(path, text, sizeof(text) - 1);
	if (n < 0 || is_dead_ns(path))
		return;
	text[n] = 0;
	put(s, "ns/%s -> ", name);
	if (!strcmp(text, mine))
		put(s, "the driver's");
	else
		put_link_text(s, text);
	put(s, "\n");
}

static void put_bytes(struct ckpt_snap *s, pid_t pid, const char *name)
{
	char path[64], buf[8192];
	ssize_t n, i;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	n = ckpt_read_file(path, buf, sizeof(buf));
	put(s, "%s:", name);
	for (i = 0; i < n; i++) {
		unsigned char c = buf[i];

		if (isalnum(c) || ispunct(c))
			put(s, "%c", c);
		else
			put(s, "\\%02x", c);
	}
	put(s, "\n");
}

static void put_lines(struct ckpt_snap *s, char *buf, pid_t pid,
		      const char *name)
{
	char *text = proc_file(buf, pid, 0, name), *line;

	while ((line = next_line(&text)))
		put(s, "%s: %s\n", name, line);
}

/* "/autogroup-12 nice 0": what has the same one shares it. */
static void put_autogroup(struct ckpt_snap *s, char *buf, pid_t pid)
{
	char *text = proc_file(buf, pid, 0, "autogroup");
	unsigned long id;
	int nice;

	if (!text || sscanf(text, "/autogroup-%lu nice %d", &id, &nice) != 2)
		return;
	put(s, "autogroup: ");
	put_number(s, "autogroup", id);
	put(s, " nice %d\n", nice);
}

static void put_maps(struct ckpt_snap *s, char *buf, pid_t pid)
{
	char *text = proc_file(buf, pid, 0, "maps"), *line;

	while ((line = next_line(&text))) {
		unsigned long start, end, off, ino;
		char perms[8], dev[16];
		int n = 0;

		if (sscanf(line, "%lx-%lx %7s %lx %15s %lu %n", &start, &end,
			   perms, &off, dev, &ino, &n) < 6)
			ckpt_die("/proc/%d/maps: %s", pid, line);
		put(s, "map %lx-%lx %s %lx ", start, end, perms, off);
		if (ino) {
			put_id(s, "dev", dev);
			put(s, " ");
			put_inode(s, dev, ino);
		}
		/* its number is that inode's */
		put(s, " %s\n", strncmp(line + n, "socket:[", 8) ? line + n :
							     "socket");
	}
}

static void put_vm_flags(struct ckpt_snap *s, char *line)
{
	char *sd = getenv("CKPT_NO_SD") ? strstr(line, " sd") : NULL;

	if (sd)
		memmove(sd, sd + 3, strlen(sd + 3) + 1);
	put(s, " %s\n", line);
}

static void put_smaps(struct ckpt_snap *s, char *buf, pid_t pid)
{
	char *text = proc_file(buf, pid, 0, "smaps"), *line;

	while ((line = next_line(&text))) {
		unsigned long start, end;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			put(s, "smap %lx-%lx", start, end);
		else if (!strncmp(line, "VmFlags:", 8))
			put_vm_flags(s, line);
		else if (!strncmp(line, "ProtectionKey:", 14))
			put(s, " %s", line);
	}
}

/* Of the dead: who they were, and how they ended */
static bool is_dead(char *buf, pid_t pid, pid_t tid)
{
	char *text = proc_file(buf, pid, tid, "stat");

	text = text ? strrchr(text, ')') : NULL;
	return !text || text[2] == 'Z' || text[2] == 'X';
}

/* Running or waiting is the scheduler's affair. */
static char calm_state(char state)
{
	return strchr("RSDI", state) ? 'S' : state;
}

static void put_stat(struct ckpt_snap *s, char *buf, pid_t pid, pid_t tid,
		     enum ckpt_pids pids)
{
	/* Fields as numbered in proc(5), beginning with state, the third */
	static const struct {
		int nr;
		const char *name;
		bool pid;
		bool dead;
	} fields[] = {
		{ 4, "ppid", true, true }, { 5, "pgrp", true, true },
		{ 6, "session", true, true }, { 7, "tty_nr", false },
		{ 8, "tpgid", true }, { 18, "priority", false },
		{ 19, "nice", false }, { 20, "threads", false },
		{ 23, "vsize", false }, { 25, "rsslim", false },
		{ 26, "startcode", false }, { 27, "endcode", false },
		{ 28, "startstack", false }, { 31, "signal", false },
		{ 32, "blocked", false }, { 33, "sigignore", false },
		{ 34, "sigcatch", false }, { 38, "exit_signal", false, true },
		{ 40, "rt_priority", false }, { 41, "policy", false },
		{ 45, "start_data", false }, { 46, "end_data", false },
		{ 47, "start_brk", false }, { 48, "arg_start", false },
		{ 49, "arg_end", false }, { 50, "env_start", false },
		{ 51, "env_end", false }, { 52, "exit_code", false, true },
	};
	bool dead = is_dead(buf, pid, tid);
	char *text = proc_file(buf, pid, tid, "stat"), *word, *save;
	unsigned int i = 0;
	int nr = 4;

	text = text ? strrchr(text, ')') : NULL;
	if (!text)
		return;
	put(s, "stat: state %c", calm_state(text[2]));
	for (word = strtok_r(text + 3, "\n ", &save);
	     word && i < ARRAY_SIZE(fields);
	     word = strtok_r(NULL, "\n ", &save), nr++) {
		if (nr != fields[i].nr)
			continue;
		if (dead && !fields[i].dead) {
			i++;
			continue;
		}
		put(s, " %s ", fields[i].name);
		if (fields[i].pid)
			put_pid(s, pids == CKPT_PIDS_SAME, "pid", atol(word));
		else
			put(s, "%s", word);
		i++;
	}
	put(s, "\n");
}

/* "NSpid:	outer	inner": the last is that of the innermost namespace. */
static void put_ns_pids(struct ckpt_snap *s, const char *key, char *value,
			enum ckpt_pids pids)
{
	char *word, *save, kind[16];
	int level = 0;
	bool same;

	put(s, "status: %s", key);
	for (word = strtok_r(value, " \t", &save); word;
	     word = strtok_r(NULL, " \t", &save), level++) {
		same = pids == CKPT_PIDS_SAME ||
		       (pids == CKPT_PIDS_INNER && level > 0);
		snprintf(kind, sizeof(kind), level ? "pid%d" : "pid", level);
		put(s, " ");
		put_pid(s, same, kind, atol(word));
	}
	put(s, "\n");
}

static void put_status(struct ckpt_snap *s, char *buf, pid_t pid, pid_t tid,
		       enum ckpt_pids pids)
{
	static const char * const keys[] = {
		"Umask", "Gid", "Groups", "VmSize", "VmLck",
		"VmPin", "VmData", "VmStk", "VmExe", "VmLib", "CoreDumping",
		"THP_enabled", "untag_mask", "Threads", "SigPnd", "ShdPnd",
		"SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff",
		"CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters",
		"Speculation_Store_Bypass", "SpeculationIndirectBranch",
		"Cpus_allowed_list", "Mems_allowed_list",
		"x86_Thread_features", "x86_Thread_features_locked",
	};
	static const char * const dead_keys[] = { "Name", "Uid" };
	static const char * const pid_keys[] = {
		"Tgid", "Pid", "PPid", "TracerPid",
	};
	static const char * const ns_keys[] = {
		"NStgid", "NSpid", "NSpgid", "NSsid",
	};
	bool dead = is_dead(buf, pid, tid);
	char *text = proc_file(buf, pid, tid, "status"), *line, *value;
	unsigned int i;

	while ((line = next_line(&text))) {
		value = strchr(line, ':');
		if (!value)
			continue;
		*value++ = 0;
		for (i = 0; i < ARRAY_SIZE(dead_keys); i++)
			if (!strcmp(line, dead_keys[i]))
				put(s, "status: %s %s\n", line, value);
		for (i = 0; i < ARRAY_SIZE(keys) && !dead; i++)
			if (!strcmp(line, keys[i]))
				put(s, "status: %s %s\n", line, value);
		for (i = 0; i < ARRAY_SIZE(pid_keys); i++) {
			if (strcmp(line, pid_keys[i]))
				continue;
			put(s, "status: %s ", line);
			put_pid(s, pids == CKPT_PIDS_SAME, "pid", atol(value));
			put(s, "\n");
		}
		for (i = 0; i < ARRAY_SIZE(ns_keys); i++)
			if (!strcmp(line, ns_keys[i]))
				put_ns_pids(s, line, value, pids);
	}
}

/* "lock:	1: POSIX  ADVISORY  WRITE 99 00:17:193 0 9" */
static void put_lock(struct ckpt_snap *s, char *line, bool same)
{
	char *word, *save;
	int nr = 0;

	for (word = strtok_r(line, " ", &save); word;
	     word = strtok_r(NULL, " ", &save), nr++) {
		put(s, " ");
		if (nr == 4)
			put_pid(s, same, "pid", atol(word));
		else
			put(s, "%s", word);
	}
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char * const *)a, *(char * const *)b);
}

/* "tfd:        5 events: ..." The kernel lists them by the address of a file. */
static void put_epoll(struct ckpt_snap *s, const char *name, char **items,
		      int nr)
{
	char dev[16], *pos;
	unsigned long ino;
	int i, off;

	qsort(items, nr, sizeof(*items), compare_lines);
	for (i = 0; i < nr; i++) {
		pos = strstr(items[i], " pos:");
		if (!pos || sscanf(pos, " pos:%*d ino:%n%lx sdev:%15s", &off,
				   &ino, dev) != 2)
			ckpt_die("%s: %s", name, items[i]);
		put(s, "%s: %.*s", name, (int)(pos + off - items[i]), items[i]);
		put_inode(s, dev, ino);
		put(s, "\n");
	}
	free(items);
}

/* "inotify wd:1 ino:2 sdev:1f mask:100 ...", then a handle with the inode */
static bool put_watch(struct ckpt_snap *s, const char *line)
{
	unsigned int wd, mask;
	unsigned long ino;
	char dev[16];

	if (sscanf(line, "inotify wd:%x ino:%lx sdev:%15s mask:%x", &wd, &ino,
		   dev, &mask) != 4)
		return false;
	put(s, "watch %u, mask %#x, ", wd, mask);
	put_inode(s, dev, ino);
	return true;
}

/*
 * "fanotify ino:2 sdev:1f mflags:0 ... fhandle...", "fanotify mnt_id:17 ...",
 * "fanotify sdev:1f ..."
 */
static bool put_mark(struct ckpt_snap *s, const char *line)
{
	const char *flags = strstr(line, "mflags:"), *end;
	unsigned long ino, mnt;
	char dev[16];

	if (strncmp(line, "fanotify ", 9) || !flags)
		return false;
	end = strstr(flags, " fhandle") ?: flags + strlen(flags);
	put(s, "mark, %.*s, ", (int)(end - flags), flags);
	if (sscanf(line, "fanotify ino:%lx sdev:%15s", &ino, dev) == 2)
		put_inode(s, dev, ino);
	else if (sscanf(line, "fanotify mnt_id:%lx", &mnt) == 1)
		put_number(s, "mnt", mnt);
	else if (sscanf(line, "fanotify sdev:%15s", dev) == 1)
		put_id(s, "sdev", dev);
	return true;
}

static void put_fdinfo(struct ckpt_snap *s, char *buf, pid_t pid, int fd,
		       enum ckpt_pids pids)
{
	char name[64], path[64], dev[32] = "", *text, *line, **items = NULL;
	char link[64];
	ssize_t n;
	unsigned long id;
	int nr = 0;
	struct stat st;

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	/* As /proc/PID/maps writes it */
	if (!stat(path, &st))
		snprintf(dev, sizeof(dev), "%02x:%02x", major(st.st_dev),
			 minor(st.st_dev));
	n = readlink(path, link, sizeof(link) - 1);
	link[n < 0 ? 0 : n] = 0;
	text = proc_file(buf, pid, 0, name);
	while ((line = next_line(&text))) {
		/* nor is where it was */
		if (is_hung_up(link) && (!strncmp(line, "mnt_id:", 7) ||
					 !strncmp(line, "ino:", 4) ||
					 !strncmp(line, "tty-index:", 10)))
			continue;
		if (!strncmp(line, "tfd:", 4)) {
			/* room is made whenever it is a power of two */
			if (!(nr & (nr - 1)))
				items = realloc(items, 2 * (nr ?: 1) *
						       sizeof(*items));
			if (!items)
				ckpt_die("no memory");
			items[nr++] = line;
			continue;
		}
		put(s, "%s: ", name);
		if (sscanf(line, "mnt_id: %lu", &id) == 1)
			put_number(s, "mnt", id);
		else if (sscanf(line, "ino: %lu", &id) == 1)
			put_inode(s, dev, id);
		else if (!strncmp(line, "Pid:", 4))
			put_pid(s, pids == CKPT_PIDS_SAME, "pid",
				atol(line + 4));
		else if (!strncmp(line, "NSpid:", 6))
			put_ns_pids(s, "NSpid", line + 6, pids);
		else if (sscanf(line, "eventfd-id: %lu", &id) == 1)
			put_number(s, "eventfd", id);
		else if (!strncmp(line, "lock:", 5))
			put_lock(s, line, pids == CKPT_PIDS_SAME);
		/* of a timerfd whose timer runs */
		else if (!put_watch(s, line) && !put_mark(s, line) &&
			 strncmp(line, "it_value:", 9) &&
			 strncmp(line, "ticks:", 6))
			put(s, "%s", line);
		put(s, "\n");
	}
	put_epoll(s, name, items, nr);
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Numbers that name the entries of a directory of /proc, ascending */
static int list_numbers(const char *path, int **numbers)
{
	int nr = 0, room = 0;
	struct dirent *de;
	DIR *dir = opendir(path);

	*numbers = NULL;
	if (!dir)
		return 0;
	while ((de = readdir(dir))) {
		if (!isdigit(de->d_name[0]))
			continue;
		if (nr == room) {
			room = room * 2 + 64;
			*numbers = realloc(*numbers, room * sizeof(int));
			if (!*numbers)
				ckpt_die("no memory");
		}
		(*numbers)[nr++] = atoi(de->d_name);
	}
	closedir(dir);
	if (nr)
		qsort(*numbers, nr, sizeof(int), compare_ints);
	return nr;
}

static void put_fds(struct ckpt_snap *s, char *buf, pid_t pid,
		    enum ckpt_pids pids)
{
	char path[64];
	int *fds, nr, i;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	nr = list_numbers(path, &fds);
	for (i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "fd/%d", fds[i]);
		put_link(s, pid, path);
		put_fdinfo(s, buf, pid, fds[i], pids);
	}
	free(fds);
}

/* "36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw" */
static void put_mounts(struct ckpt_snap *s, char *buf, pid_t pid)
{
	char *text = proc_file(buf, pid, 0, "mountinfo"), *line, *word, *save;

	while ((line = next_line(&text))) {
		bool optional = true;
		int nr = 0;

		put(s, "mount:");
		for (word = strtok_r(line, " ", &save); word;
		     word = strtok_r(NULL, " ", &save), nr++) {
			char *colon = strchr(word, ':');

			put(s, " ");
			if (!strcmp(word, "-"))
				optional = false;
			if (nr < 2) {
				put_id(s, "mnt", word);
			} else if (nr == 2) {
				put_id(s, "dev", word);
			} else if (nr == 3 && *word != '/') {
				/* of nsfs: "uts:[4026531838]" */
				put_link_text(s, word);
			} else if (nr > 5 && optional && colon) {
				put(s, "%.*s:", (int)(colon - word), word);
				put_id(s, "peer", colon + 1);
			} else {
				put(s, "%s", word);
			}
		}
		put(s, "\n");
	}
}

static void put_task(struct ckpt_snap *s, char *buf, pid_t pid,
		     enum ckpt_pids pids)
{
	static const char * const links[] = { "exe", "cwd", "root" };
	static const char * const files[] = {
		"limits", "oom_score_adj", "timerslack_ns", "personality",
		"coredump_filter",
	};
	static const char * const bytes[] = { "cmdline", "environ", "auxv" };
	static const char * const namespaces[] = {
		"uts", "ipc", "mnt", "pid", "pid_for_children", "net",
		"cgroup", "user", "time", "time_for_children",
	};
	int *tids, nr, t;
	char path[64];
	unsigned int i;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	nr = list_numbers(path, &tids);
	for (t = 0; t < nr; t++) {
		put(s, "thread\n");
		put_status(s, buf, pid, tids[t], pids);
		put_stat(s, buf, pid, tids[t], pids);
	}
	free(tids);
	if (is_dead(buf, pid, 0))
		return;
	for (i = 0; i < ARRAY_SIZE(links); i++)
		put_link(s, pid, links[i]);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		put_lines(s, buf, pid, files[i]);
	for (i = 0; i < ARRAY_SIZE(bytes); i++)
		put_bytes(s, pid, bytes[i]);
	for (i = 0; i < ARRAY_SIZE(namespaces); i++)
		put_ns(s, pid, namespaces[i]);
	put_autogroup(s, buf, pid);
	put_maps(s, buf, pid);
	put_smaps(s, buf, pid);
	put_fds(s, buf, pid, pids);
}

/* The pid that a process has in its innermost pid namespace */
static int inner_pid(char *buf, pid_t pid)
{
	char *text = proc_file(buf, pid, 0, "status"), *line;

	while ((line = next_line(&text)))
		if (!strncmp(line, "NSpid:", 6))
			return atoi(strrchr(line, '\t') + 1);
	return 0;
}

struct child {
	int inner;
	int pid;
};

static int compare_children(const void *a, const void *b)
{
	return ((const struct child *)a)->inner -
	       ((const struct child *)b)->inner;
}

/* A process, then its children by their pids where these stay the same. */
static void put_tree(struct ckpt_snap *s, char *buf, pid_t pid,
		     enum ckpt_pids pids)
{
	struct child child[512];
	int *tids, nr, t, nr_children = 0, i;
	char path[64], *text, *end;

	put(s, "process\n");
	put_task(s, buf, pid, pids);
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	nr = list_numbers(path, &tids);
	for (t = 0; t < nr; t++) {
		text = proc_file(buf, pid, tids[t], "children");
		while (text && nr_children < (int)ARRAY_SIZE(child)) {
			i = strtol(text, &end, 10);
			if (i <= 0)
				break;
			child[nr_children++].pid = i;
			text = end;
		}
	}
	free(tids);
	for (i = 0; i < nr_children; i++)
		child[i].inner = inner_pid(buf, child[i].pid);
	if (pids != CKPT_PIDS_NEW)
		qsort(child, nr_children, sizeof(child[0]), compare_children);
	for (i = 0; i < nr_children; i++)
		put_tree(s, buf, child[i].pid, pids);
}

static void look(struct ckpt_snap *s, pid_t root, enum ckpt_pids pids)
{
	static char *buf;

	if (!buf)
		buf = malloc(FILE_MAX);
	if (!buf)
		ckpt_die("no memory");
	s->len = 0;
	put(s, "%s", "");
	put_tree(s, buf, root, pids);
	put_mounts(s, buf, root);
}

/* ------------------------------------------------------------- comparing */

struct id_pair {
	char *a;
	char *b;
};

struct id_map {
	struct id_pair *pair;
	int nr;
	int room;
};

static bool map_id(struct id_map *map, const char *a, size_t a_len,
		   const char *b, size_t b_len)
{
	int i;

	for (i = 0; i < map->nr; i++) {
		struct id_pair *p = &map->pair[i];
		bool same_a = strlen(p->a) == a_len && !memcmp(p->a, a, a_len);
		bool same_b = strlen(p->b) == b_len && !memcmp(p->b, b, b_len);

		if (same_a || same_b)
			return same_a && same_b;
	}
	if (map->nr == map->room) {
		map->room = map->room * 2 + 64;
		map->pair = realloc(map->pair, map->room * sizeof(*map->pair));
		if (!map->pair)
			ckpt_die("no memory");
	}
	map->pair[map->nr].a = strndup(a, a_len);
	map->pair[map->nr].b = strndup(b, b_len);
	map->nr++;
	return true;
}

static bool same_line(struct id_map *map, const char *a, const char *b)
{
	while (*a && *a != '\n') {
		const char *a_end, *b_end, *a_colon;

		if (*a != *b)
			return false;
		if (*a != MARK) {
			a++;
			b++;
			continue;
		}
		a_end = strchr(a + 1, MARK);
		b_end = strchr(b + 1, MARK);
		a_colon = strchr(a, ':');
		/* Of the same kind? */
		if (strncmp(a, b, a_colon - a + 1) ||
		    !map_id(map, a + 1, a_end - a - 1, b + 1, b_end - b - 1))
			return false;
		a = a_end + 1;
		b = b_end + 1;
	}
	return *a == *b;
}

/* Returns the line of @b that is not as in @a, and that of @a, or NULL. */
static const char *difference(const struct ckpt_snap *before,
			      const struct ckpt_snap *after,
			      const char **was)
{
	const char *a = before->text, *b = after->text;
	struct id_map map = { 0 };

	while (*a && *b && same_line(&map, a, b)) {
		a = strchrnul(a, '\n');
		b = strchrnul(b, '\n');
		a += !!*a;
		b += !!*b;
	}
	while (map.nr--) {
		free(map.pair[map.nr].a);
		free(map.pair[map.nr].b);
	}
	free(map.pair);
	*was = a;
	return *a || *b ? b : NULL;
}

static void show(const char *head, const char *line)
{
	fprintf(stderr, "# %s ", head);
	for (; *line && *line != '\n'; line++)
		fputc(*line == MARK ? '|' : *line, stderr);
	fputc('\n', stderr);
}

void ckpt_snap_take(struct ckpt_snap *snap, pid_t root, enum ckpt_pids pids)
{
	uint64_t end = ckpt_now() + SETTLE_NS;
	struct ckpt_snap next = { 0 };
	const char *was;

	memset(snap, 0, sizeof(*snap));
	look(snap, root, pids);
	for (;;) {
		struct ckpt_snap swap = *snap;
		const char *is;

		ckpt_pause();
		look(&next, root, pids);
		*snap = next;
		next = swap;
		is = difference(&next, snap, &was);
		if (!is)
			break;
		if (ckpt_now() > end) {
			show("was", was);
			show("is ", is);
			ckpt_die("the tree does not come to rest");
		}
	}
	ckpt_snap_free(&next);
}

void ckpt_snap_expect(const struct ckpt_snap *before, pid_t root,
		      enum ckpt_pids pids)
{
	uint64_t end = ckpt_now() + SETTLE_NS;
	struct ckpt_snap now = { 0 };
	const char *was, *is;

	for (;;) {
		look(&now, root, pids);
		is = difference(before, &now, &was);
		if (!is)
			break;
		if (ckpt_now() > end) {
			show("was", was);
			show("is ", is);
			ckpt_die("/proc does not show the same as before");
		}
		ckpt_pause();
	}
	ckpt_snap_free(&now);
}

void ckpt_snap_free(struct ckpt_snap *snap)
{
	free(snap->text);
	memset(snap, 0, sizeof(*snap));
}
