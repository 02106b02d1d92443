// SPDX-License-Identifier: GPL-2.0
/*
 * What bench measures: the jobs, the floors, and the clock around a command.
 *
 *	work job sleep|memory|family|reserved|tree|threads|container READY
 *	work job threads-N|processes-N READY
 *		a job in a session of its own; its pid is in READY when it is
 *		set up, and it waits for ever
 *	work run COMMAND [ARG...]
 *		print how long the command took
 *	work write FILE BYTES
 *		print how long it takes to write so much, from memory that was
 *		touched before, into a new file
 *	work read FILE
 *		print how long it takes to read it into memory that was not
 *	work fork BYTES...
 *		print how long fork() takes with so much memory; of several, how
 *		long it takes all of them, one after the other
 *	work freeze CGROUP
 *		print how long it takes to freeze a cgroup, and thaw it again
 *
 * Times are in nanoseconds, one a line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB		(1024UL * 1024)
#define JOB_MEMORY	(256 * MIB)
#define FAMILY_MEMORY	(1024 * MIB)
#define FAMILY_PROCESSES 11
#define RESERVED	(1024 * 1024 * MIB)
#define RESERVED_PAGES	16
#define JOB_PROCESSES	50
#define JOB_THREADS	100
#define THREAD_STACK	(MIB / 4)
#define CONTAINER_TASKS	20
#define CONTAINER_MOUNTS 30
#define CONTAINER_CGROUP "/sys/fs/cgroup/bench"
#define CHUNK		MIB
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x80
#endif

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "work: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void print_since(uint64_t start)
{
	printf("%llu\n", (unsigned long long)(now() - start));
}

static void *map(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		fail("mmap");
	return mem;
}

/* Nothing that compresses, and no page like another: xorshift64* */
static void *map_random(size_t size)
{
	static uint64_t x = 88172645463325252ULL;
	uint64_t *mem = map(size);
	size_t i;

	x ^= (uint64_t)getpid() << 32;
	for (i = 0; i < size / sizeof(*mem); i++) {
		x ^= x >> 12;
		x ^= x << 25;
		x ^= x >> 27;
		mem[i] = x * 0x2545f4914f6cdd1dULL;
	}
	return mem;
}

/* -------------------------------------------------------------------- jobs */

static void __attribute__((noreturn)) wait_for_ever(void)
{
	for (;;)
		pause();
}

static void *thread(void *arg)
{
	pthread_barrier_wait(arg);
	wait_for_ever();
}

/* @n threads in all */
static void make_threads(int n)
{
	static pthread_barrier_t barrier;
	pthread_attr_t attr;
	pthread_t id;
	int i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_barrier_init(&barrier, NULL, n);
	for (i = 1; i < n; i++) {
		errno = pthread_create(&id, &attr, thread, &barrier);
		if (errno)
			fail("pthread_create");
	}
	pthread_barrier_wait(&barrier);
}

/* @n processes in all, each with @size bytes of its own */
static void make_tree(int n, size_t size)
{
	int fd[2], i;
	char c;

	if (pipe(fd))
		fail("pipe");
	for (i = 1; i < n; i++) {
		switch (fork()) {
		case -1:
			fail("fork");
		case 0:
			close(fd[0]);
			if (size)
				map_random(size);
			close(fd[1]);
			wait_for_ever();
		}
	}
	close(fd[1]);
	if (size)
		map_random(size);
	/* The end of file: all children have closed it. */
	if (read(fd[0], &c, 1))
		fail("pipe");
	close(fd[0]);
}

static void make_family(void)
{
	map_random(FAMILY_MEMORY);
	make_tree(FAMILY_PROCESSES, 0);
}

/* As a heap that may grow: here and there a page is in use. */
static void reserve(void)
{
	char *mem = mmap(NULL, RESERVED, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int i;

	if (mem == MAP_FAILED)
		fail("mmap");
	for (i = 0; i < RESERVED_PAGES; i++)
		mem[i * (RESERVED / RESERVED_PAGES)] = 1;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail(path);
	close(fd);
}

static void mount_at(const char *what, const char *path, const char *type,
		     unsigned long flags)
{
	if (mount(what, path, type, flags, NULL))
		fail(path);
}

/*
 * Mount namespace of the machine's root file system, and nothing else but a
 * proc: without one that is seen in full, nobody mounts a new one in a user
 * namespace.
 */
static void change_root(void)
{
	if (unshare(CLONE_NEWNS))
		fail("unshare");
	mount_at(NULL, "/", NULL, MS_REC | MS_PRIVATE);
	mount_at("/", "/mnt", NULL, MS_BIND);
	mount_at("/proc", "/mnt/proc", NULL, MS_BIND);
	if (chdir("/mnt") || syscall(SYS_pivot_root, ".", ".") ||
	    umount2(".", MNT_DETACH) || chdir("/"))
		fail("pivot_root");
}

/* A third of them has a tmpfs, the others are directories of those. */
static void make_mounts(int mounts)
{
	char path[64], source[64];
	int i, fs;

	mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
	mount_at("bench", "/srv", "tmpfs", 0);
	for (i = 0; i < mounts - 2; i++) {
		fs = i / 3 * 3;
		snprintf(path, sizeof(path), "/srv/%d", i);
		if (mkdir(path, 0755))
			fail(path);
		if (i == fs) {
			mount_at("bench", path, "tmpfs", MS_NOSUID);
			snprintf(path, sizeof(path), "/srv/%d/file", i);
			put(path, "content\n");
			snprintf(path, sizeof(path), "/srv/%d/dir", i);
			if (mkdir(path, 0755))
				fail(path);
		} else {
			snprintf(source, sizeof(source), "/srv/%d/dir", fs);
			mount_at(source, path, NULL, MS_BIND);
			if (i % 2)
				mount_at(NULL, path, NULL, MS_REMOUNT |
					 MS_BIND | MS_RDONLY | MS_NOSUID);
		}
	}
}

/* Executed in the container, whose mounts the program is to come from. */
static int container_init(int up)
{
	int i;

	setsid();
	if (sethostname("bench", 5))
		fail("sethostname");
	/* the root directory and the proc below are mounts, too */
	make_mounts(CONTAINER_MOUNTS - 2);
	for (i = 1; i < CONTAINER_TASKS; i++) {
		switch (fork()) {
		case -1:
			fail("fork");
		case 0:
			closefrom(0);
			wait_for_ever();
		}
	}
	if (write(up, "u", 1) != 1)
		fail("pipe");
	closefrom(0);
	wait_for_ever();
}

/* In all namespaces but that of the network; writes the pid of its init. */
static void __attribute__((noreturn)) make_container(int report)
{
	char path[4096] = "", fd[16], c;
	int up[2];
	pid_t pid;

	/* criu restores no cgroup namespace whose root is that of all */
	put(CONTAINER_CGROUP "/cgroup.procs", "0");
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		fail("/proc/self/exe");
	change_root();
	if (pipe(up) || unshare(CLONE_NEWUSER))
		fail("unshare");
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", "0 0 1");
	put("/proc/self/gid_map", "0 0 1");
	if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
		    CLONE_NEWCGROUP | CLONE_NEWPID | CLONE_NEWTIME))
		fail("unshare");
	put("/proc/self/timens_offsets", "monotonic 1000 0\nboottime 1000 0\n");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		snprintf(fd, sizeof(fd), "%d", up[1]);
		execl(path, path, "init", fd, NULL);
		fail(path);
	}
	close(up[1]);
	if (read(up[0], &c, 1) != 1 ||
	    write(report, &pid, sizeof(pid)) != sizeof(pid))
		fail("container");
	_exit(0);
}

/* Whoever reaps orphans here reaps it. */
static pid_t start_container(void)
{
	int report[2];
	pid_t pid;

	if (pipe(report))
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid)
		make_container(report[1]);
	close(report[1]);
	if (read(report[0], &pid, sizeof(pid)) != sizeof(pid))
		fail("container");
	return pid;
}

static void say_ready(const char *path, pid_t pid)
{
	char temp[4096];
	FILE *f;

	snprintf(temp, sizeof(temp), "%s.new", path);
	f = fopen(temp, "w");
	if (!f || fprintf(f, "%d\n", pid) < 0 || fclose(f) ||
	    rename(temp, path))
		fail(path);
}

static int job(const char *name, const char *ready)
{
	int null, n;

	if (!strcmp(name, "container")) {
		say_ready(ready, start_container());
		return 0;
	}
	null = open("/dev/null", O_RDWR);
	setsid();
	if (null < 0 || chdir("/"))
		fail("/dev/null");
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	closefrom(3);
	if (!strcmp(name, "memory"))
		map_random(JOB_MEMORY);
	else if (!strcmp(name, "family"))
		make_family();
	else if (!strcmp(name, "tree"))
		make_tree(JOB_PROCESSES, MIB);
	else if (!strcmp(name, "reserved"))
		reserve();
	else if (!strcmp(name, "threads"))
		make_threads(JOB_THREADS);
	else if (sscanf(name, "threads-%d", &n) == 1)
		make_threads(n);
	else if (sscanf(name, "processes-%d", &n) == 1)
		make_tree(n, 0);
	else if (strcmp(name, "sleep"))
		return 2;
	say_ready(ready, getpid());
	wait_for_ever();
}

/* ------------------------------------------------------------------ floors */

static int write_floor(const char *path, size_t size)
{
	char *mem = map_random(size);
	uint64_t start;
	size_t done;
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		fail(path);
	start = now();
	for (done = 0; done < size;) {
		size_t left = size - done;
		ssize_t n = write(fd, mem + done, left < CHUNK ? left : CHUNK);

		if (n <= 0)
			fail(path);
		done += n;
	}
	print_since(start);
	return 0;
}

static int read_floor(const char *path)
{
	uint64_t start;
	struct stat st;
	off_t done;
	char *mem;
	int fd;

	fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		fail(path);
	mem = map(st.st_size);
	start = now();
	for (done = 0; done < st.st_size;) {
		off_t left = st.st_size - done;
		ssize_t n = read(fd, mem + done,
				 left < (off_t)CHUNK ? (size_t)left : CHUNK);

		if (n <= 0)
			fail(path);
		done += n;
	}
	print_since(start);
	return 0;
}

static uint64_t time_fork(void)
{
	uint64_t start = now(), took;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0)
		fail("fork");
	took = now() - start;
	waitpid(pid, NULL, 0);
	return took;
}

/* In a process for each size, which has no other memory of that kind. */
static int fork_floor(char **sizes)
{
	uint64_t took, all = 0;
	int fd[2], status;

	if (pipe(fd))
		fail("pipe");
	for (; *sizes; sizes++) {
		pid_t pid = fork();

		if (!pid) {
			map_random(strtoull(*sizes, NULL, 0));
			took = time_fork();
			_exit(write(fd[1], &took, sizeof(took)) !=
			      sizeof(took));
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status ||
		    read(fd[0], &took, sizeof(took)) != sizeof(took))
			fail("fork");
		all += took;
	}
	printf("%llu\n", (unsigned long long)all);
	return 0;
}

static int is_frozen(int fd)
{
	char buf[256];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	if (n < 0)
		fail("cgroup.events");
	buf[n] = 0;
	return !!strstr(buf, "frozen 1");
}

static int time_freeze(const char *cgroup)
{
	char path[4096];
	struct pollfd p = { .events = POLLPRI };
	uint64_t start;

	snprintf(path, sizeof(path), "%s/cgroup.events", cgroup);
	p.fd = open(path, O_RDONLY);
	if (p.fd < 0)
		fail(path);
	is_frozen(p.fd);
	snprintf(path, sizeof(path), "%s/cgroup.freeze", cgroup);
	start = now();
	put(path, "1");
	while (!is_frozen(p.fd))
		if (poll(&p, 1, 10000) <= 0)
			fail("cgroup.events");
	print_since(start);
	put(path, "0");
	return 0;
}

static int run(char **argv)
{
	uint64_t start = now();
	int status;
	pid_t pid;

	errno = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (errno)
		fail(argv[0]);
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	print_since(start);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "job"))
		return job(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "init"))
		return container_init(atoi(argv[2]));
	if (argc >= 3 && !strcmp(argv[1], "run"))
		return run(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "write"))
		return write_floor(argv[2], strtoull(argv[3], NULL, 0));
	if (argc == 3 && !strcmp(argv[1], "read"))
		return read_floor(argv[2]);
	if (argc >= 3 && !strcmp(argv[1], "fork"))
		return fork_floor(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "freeze"))
		return time_freeze(argv[2]);
	fprintf(stderr, "usage: see work.c\n");
	return 2;
}
