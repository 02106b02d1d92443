// SPDX-License-Identifier: GPL-2.0
/*
 * The system as a whole: what a restart that failed must leave as it was.
 */
#define LIBCKPTTEST_INTERNAL
#include "libckpttest.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PF_KTHREAD	0x00200000
/* Each CPU counts some by itself before the number changes. */
#define FILES_SLACK	256
/* How long what was freed may take to be gone */
#define SETTLE_NS	(20 * 1000000000ULL)

static const struct {
	const char *limit;
	int flag;
} kinds[] = {
	{ "/proc/sys/user/max_uts_namespaces", CLONE_NEWUTS },
	{ "/proc/sys/user/max_ipc_namespaces", CLONE_NEWIPC },
	{ "/proc/sys/user/max_mnt_namespaces", CLONE_NEWNS },
	{ "/proc/sys/user/max_pid_namespaces", CLONE_NEWPID },
};

static bool can_unshare(int flag)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(flag) ? 1 : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		ckpt_die("fork: %s", strerror(errno));
	return !status;
}

static void set_limit(const char *path, long n)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", n);
	if (ckpt_write_file(path, text))
		ckpt_die("%s: cannot be set to %ld", path, n);
}

/*
 * How many namespaces of a kind there are, those without a process too: one
 * less than the lowest limit, from @low + 1 to @high + 1, under which another
 * one can be made. That one stays for a while, so it is made only once; -1 if
 * there are more than @high.
 */
static long count_namespaces(unsigned int kind, long low, long high)
{
	long n, saved;
	char buf[32];

	if (ckpt_read_file(kinds[kind].limit, buf, sizeof(buf)) <= 0)
		return 0;
	saved = atol(buf);
	for (n = low; n <= high && n < saved; n++) {
		set_limit(kinds[kind].limit, n + 1);
		if (can_unshare(kinds[kind].flag))
			break;
	}
	set_limit(kinds[kind].limit, saved);
	return n <= high ? n : -1;
}

static bool is_user_task(const char *dir, const char *tid)
{
	char path[600], buf[512], *paren;
	unsigned long flags = 0;

	snprintf(path, sizeof(path), "%s/%s/stat", dir, tid);
	if (ckpt_read_file(path, buf, sizeof(buf)) <= 0)
		return false;
	paren = strrchr(buf, ')');
	if (!paren || sscanf(paren + 2, "%*c %*d %*d %*d %*d %*d %lu", &flags) != 1)
		return false;
	return !(flags & PF_KTHREAD);
}

static long count_threads(const char *pid)
{
	struct dirent *de;
	char path[300];
	long n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	while (dir && (de = readdir(dir)))
		if (isdigit(de->d_name[0]) && is_user_task(path, de->d_name))
			n++;
	if (dir)
		closedir(dir);
	return n;
}

static long count_tasks(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *de;
	long n = 0;

	if (!dir)
		ckpt_die("/proc: %s", strerror(errno));
	while ((de = readdir(dir)))
		if (isdigit(de->d_name[0]))
			n += count_threads(de->d_name);
	closedir(dir);
	return n;
}

static long read_number(const char *path, const char *key)
{
	char buf[4096], *p;

	if (ckpt_read_file(path, buf, sizeof(buf)) <= 0)
		return 0;
	p = strstr(buf, key);
	return p ? strtol(p + strlen(key), NULL, 10) : 0;
}

static void look(struct ckpt_world *world)
{
	world->tasks = count_tasks();
	world->files = read_number("/proc/sys/fs/file-nr", "");
	world->mem_kb = read_number("/proc/meminfo", "MemAvailable:");
}

static void look_at_namespaces(struct ckpt_world *world)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		world->ns[i] = count_namespaces(i, 0, LONG_MAX - 1);
}

/* What was just freed is gone after a moment: until two looks are the same. */
void ckpt_world_take(struct ckpt_world *world)
{
	uint64_t end = ckpt_now() + SETTLE_NS;
	struct ckpt_world last;

	look(world);
	do {
		last = *world;
		ckpt_pause();
		look(world);
	} while ((world->tasks != last.tasks || world->files != last.files) &&
		 ckpt_now() < end);
	look_at_namespaces(world);
}

/* No more than there was: somebody else may have gone meanwhile. */
static bool no_more(const struct ckpt_world *now,
		    const struct ckpt_world *before, long slack_kb)
{
	return now->tasks <= before->tasks &&
	       now->files <= before->files + FILES_SLACK &&
	       now->mem_kb >= before->mem_kb - slack_kb;
}

static bool no_more_namespaces(const struct ckpt_world *before)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (count_namespaces(i, before->ns[i], before->ns[i]) < 0)
			return false;
	return true;
}

void ckpt_world_expect(const struct ckpt_world *before, long slack_kb)
{
	uint64_t end = ckpt_now() + SETTLE_NS;
	const char *held = getenv("CKPT_HELD_KB");
	struct ckpt_world now = { 0 };

	/* What is freed may be kept from use for a while, as KASAN does it. */
	if (held)
		slack_kb += atol(held);
	do {
		look(&now);
		if (no_more(&now, before, slack_kb) &&
		    no_more_namespaces(before))
			return;
		usleep(50000);
	} while (ckpt_now() < end);
	look_at_namespaces(&now);
	ckpt_die("left behind: tasks %ld, were %ld; open files %ld, were %ld;\n"
		 "namespaces uts %ld, ipc %ld, mnt %ld, pid %ld, were %ld, %ld, %ld, %ld;\n"
		 "memory available %ld kB, was %ld kB",
		 now.tasks, before->tasks, now.files, before->files,
		 now.ns[0], now.ns[1], now.ns[2], now.ns[3],
		 before->ns[0], before->ns[1], before->ns[2], before->ns[3],
		 now.mem_kb, before->mem_kb);
}
