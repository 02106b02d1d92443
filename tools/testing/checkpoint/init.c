// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's process 1: sets the machine up, runs one command, tells the
 * host what it wrote and how it ended, and powers off.
 *
 * The command's arguments come through QEMU's fw_cfg as a list of
 * NUL-terminated strings, so that no byte of them passes a shell or the kernel
 * command line. Its output goes through pipes to here, and from here as frames
 * on one virtio port: on one port what the command wrote stays in order and
 * apart, and when the last frame has arrived, so has everything before it.
 *
 * A frame is a type byte, a little-endian 32 bit length, and that many bytes:
 *	S	the command was started
 *	O, E	bytes of its standard output, standard error
 *	L	bytes of the report of the leak detector
 *	F	the guest could not run the command, or could not look for leaks
 *		after it, with the reason
 *	X	a shell's exit status (4 bytes); 124 with a fifth byte if it
 *		ran out of time. Always the last frame.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FW_CFG	"/sys/firmware/qemu_fw_cfg/by_name/opt/checkpoint/"
#define LEAKS	"/sys/kernel/debug/kmemleak"
#define PORT	"checkpoint"

/* How long what the command left behind may take to die. */
#define REAP_MS	5000

/* The leak detector does not report what is younger (MSECS_MIN_AGE). */
#define LEAK_AGE_S	5

static int port = -1;

static void send_all(const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(port, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		p += n;
		len -= n;
	}
}

static void send_frame(char type, const void *buf, uint32_t len)
{
	unsigned char head[5] = { type, len, len >> 8, len >> 16, len >> 24 };

	if (port < 0)
		return;
	send_all(head, sizeof(head));
	send_all(buf, len);
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void fail(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

static void fail(const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	fprintf(stderr, "init: %s\n", buf);
	send_frame('F', buf, len);
	power_off();
	for (;;)
		pause();
}

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "init: %s: %m\n", path);
	close(fd);
}

/* Returns the whole file and a NUL after it, or NULL. */
static char *get_file(const char *path, size_t *len)
{
	size_t size = 0, room = 4096;
	char *buf = malloc(room + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (!buf || fd < 0)
		return NULL;
	while ((n = read(fd, buf + size, room - size)) > 0) {
		size += n;
		if (size == room) {
			room *= 2;
			buf = realloc(buf, room + 1);
			if (!buf)
				return NULL;
		}
	}
	close(fd);
	buf[size] = 0;
	if (len)
		*len = size;
	return buf;
}

static long get_number(const char *name, long otherwise)
{
	char path[128], *s;
	long n = otherwise;

	snprintf(path, sizeof(path), FW_CFG "%s/raw", name);
	s = get_file(path, NULL);
	if (s && *s)
		n = strtol(s, NULL, 10);
	free(s);
	return n;
}

static void mount_at(const char *type, const char *dir, unsigned long flags,
		     const char *data)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, flags, data) && errno != EBUSY)
		fprintf(stderr, "init: mount %s on %s: %m\n", type, dir);
}

/* What is needed before the arguments can be read. */
static void mount_first(void)
{
	umask(0);
	mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("devtmpfs", "/dev", MS_NOSUID, "mode=0755");
}

static void copy_file(const char *from, const char *to)
{
	struct stat st;
	char buf[65536];
	ssize_t n;
	int in, out;

	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0 || fstat(in, &st))
		return;
	unlink(to);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	if (out < 0)
		fail("%s: %m", to);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			fail("%s: %m", to);
	fchmod(out, st.st_mode & 07777);
	close(out);
	close(in);
}

/* Copies what /overlay names, a path a line, from the initramfs to the disk. */
static void copy_overlay(const char *root)
{
	char *list = get_file("/overlay", NULL);
	char *name, *save = NULL, *slash, to[4096];
	struct stat st;

	if (!list)
		return;
	for (name = strtok_r(list, "\n", &save); name;
	     name = strtok_r(NULL, "\n", &save)) {
		snprintf(to, sizeof(to), "%s%s", root, name);
		for (slash = strchr(to + 1, '/'); slash;
		     slash = strchr(slash + 1, '/')) {
			*slash = 0;
			mkdir(to, 0755);
			*slash = '/';
		}
		if (!lstat(name, &st) && S_ISREG(st.st_mode))
			copy_file(name, to);
	}
	free(list);
}

/*
 * Moves to the file system that the command is to see as /. The minimal root is
 * the initramfs, but through a bind mount of it that is moved over the root:
 * pivot_root(2) refuses to work on the root mount itself.
 */
static void switch_root(void)
{
	char *disk = get_file(FW_CFG "root/raw", NULL);
	static const char * const dir[] = { "/proc", "/sys", "/dev" };
	char to[64];
	unsigned int i;
	int tries;

	mkdir("/newroot", 0755);
	if (disk && *disk) {
		for (tries = 0; access(disk, F_OK) && tries < 100; tries++)
			usleep(50000);
		if (mount(disk, "/newroot", "ext4", MS_NOATIME, NULL))
			fail("cannot mount %s: %m", disk);
		copy_overlay("/newroot");
	} else if (mount("/", "/newroot", NULL, MS_BIND, NULL)) {
		fail("cannot bind /: %m");
	}
	for (i = 0; i < sizeof(dir) / sizeof(*dir); i++) {
		snprintf(to, sizeof(to), "/newroot%s", dir[i]);
		mkdir(to, 0755);
		if (mount(dir[i], to, NULL, MS_MOVE, NULL))
			fail("cannot move %s: %m", dir[i]);
	}
	if (chdir("/newroot") || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir("/"))
		fail("cannot switch root: %m");
	if (!disk) {
		rmdir("/newroot");
		unlink("/overlay");
	}
	free(disk);
}

static void enable_controllers(void)
{
	char *list = get_file("/sys/fs/cgroup/cgroup.controllers", NULL);
	char *name, *save = NULL, one[64];

	if (!list)
		return;
	for (name = strtok_r(list, "\n ", &save); name;
	     name = strtok_r(NULL, "\n ", &save)) {
		snprintf(one, sizeof(one), "+%s", name);
		put_file("/sys/fs/cgroup/cgroup.subtree_control", one);
	}
	free(list);
}

static void mount_rest(void)
{
	mount_at("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC,
		 "gid=5,mode=620,ptmxmode=666");
	mount_at("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_at("mqueue", "/dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("hugetlbfs", "/dev/hugepages", MS_NOSUID | MS_NODEV, NULL);
	mount_at("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_at("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755");
	mount_at("cgroup2", "/sys/fs/cgroup",
		 MS_NOSUID | MS_NODEV | MS_NOEXEC, "nsdelegate");
	mount_at("debugfs", "/sys/kernel/debug", 0, NULL);
	mount_at("tracefs", "/sys/kernel/tracing", 0, NULL);
	mount_at("securityfs", "/sys/kernel/security", 0, NULL);
	mkdir("/run/lock", 01777);
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
	enable_controllers();
	if (get_number("share", 0)) {
		mkdir("/mnt", 0755);
		mkdir("/mnt/host", 0755);
		if (mount("host", "/mnt/host", "9p", 0,
			  "trans=virtio,version=9p2000.L,msize=512000,cache=none"))
			fail("cannot mount the shared directory: %m");
	}
}

static void raise_loopback(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		fprintf(stderr, "init: lo: %m\n");
	close(fd);
}

static void open_port(void)
{
	char path[64], name[64], *s;
	int i;

	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name),
			 "/sys/class/virtio-ports/vport%dp1/name", i);
		s = get_file(name, NULL);
		if (!s)
			continue;
		snprintf(path, sizeof(path), "/dev/vport%dp1", i);
		if (!strncmp(s, PORT, strlen(PORT)))
			port = open(path, O_RDWR | O_CLOEXEC);
		free(s);
		if (port >= 0)
			return;
	}
	fail("the port to the host was not found");
}

static void clear_signals(void)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static pid_t start(char **argv, int *out, int *err)
{
	int o[2], e[2];
	pid_t pid;

	if (pipe2(o, O_CLOEXEC) || pipe2(e, O_CLOEXEC))
		fail("pipe: %m");
	pid = fork();
	if (pid < 0)
		fail("fork: %m");
	if (!pid) {
		int null = open("/dev/null", O_RDONLY);

		setsid();
		clear_signals();
		umask(022);
		if (chdir("/root"))
			chdir("/");
		dup2(null, 0);
		dup2(o[1], 1);
		dup2(e[1], 2);
		closefrom(3);
		execvp(argv[0], argv);
		dprintf(2, "%s: %s\n", argv[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	close(o[1]);
	close(e[1]);
	*out = o[0];
	*err = e[0];
	return pid;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Passes on what is there; closes at the end of file. */
static void relay(int *fd, char type)
{
	static char buf[65536];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n > 0) {
		send_frame(type, buf, n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(*fd);
		*fd = -1;
	}
}

/* Reaps everybody who is dead; returns false when no child is left. */
static bool reap(pid_t pid, int *status, bool *ended)
{
	pid_t got;
	int st;

	while ((got = waitpid(-1, &st, WNOHANG)) > 0) {
		if (got != pid)
			continue;
		*status = st;
		*ended = true;
	}
	return got == 0;
}

/*
 * Runs until the command has ended or its time is over; then ends everything
 * that it left behind, and passes on what is still in the pipes.
 */
static int run(char **argv, long timeout_s, bool *timed_out)
{
	long long end = now_ms() + timeout_s * 1000LL;
	bool ended = false, left = true;
	int out, err, sigs, status = 0;
	struct signalfd_siginfo si;
	struct pollfd pfd[3];
	sigset_t chld;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	sigs = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);

	send_frame('S', NULL, 0);
	pid = start(argv, &out, &err);

	while (!ended) {
		long long wait = end - now_ms();

		if (wait <= 0) {
			*timed_out = true;
			break;
		}
		if (wait > 1000)
			wait = 1000;
		pfd[0] = (struct pollfd){ .fd = out, .events = POLLIN };
		pfd[1] = (struct pollfd){ .fd = err, .events = POLLIN };
		pfd[2] = (struct pollfd){ .fd = sigs, .events = POLLIN };
		if (poll(pfd, 3, wait) < 0 && errno != EINTR)
			fail("poll: %m");
		if (pfd[0].revents)
			relay(&out, 'O');
		if (pfd[1].revents)
			relay(&err, 'E');
		while (read(sigs, &si, sizeof(si)) == sizeof(si))
			;
		reap(pid, &status, &ended);
	}

	/* Where it hangs belongs into the kernel log, before it is killed. */
	if (*timed_out)
		put_file("/proc/sysrq-trigger", "w");

	end = now_ms() + REAP_MS;
	while (left && now_ms() < end) {
		kill(-1, SIGKILL);
		put_file("/sys/fs/cgroup/cgroup.freeze", "0");
		left = reap(pid, &status, &ended);
		/* Whoever writes to a full pipe dies of the signal first. */
		if (left)
			usleep(2000);
	}
	if (left)
		fprintf(stderr, "init: what the command left cannot be killed\n");

	if (out >= 0)
		fcntl(out, F_SETFL, O_NONBLOCK);
	if (err >= 0)
		fcntl(err, F_SETFL, O_NONBLOCK);
	while (out >= 0 || err >= 0) {
		pfd[0] = (struct pollfd){ .fd = out, .events = POLLIN };
		pfd[1] = (struct pollfd){ .fd = err, .events = POLLIN };
		/* Not the end of file: somebody unkillable may hold it open. */
		if (poll(pfd, 2, 0) <= 0)
			break;
		if (pfd[0].revents)
			relay(&out, 'O');
		if (pfd[1].revents)
			relay(&err, 'E');
	}

	if (*timed_out)
		return 124;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/*
 * One look at all memory at the end. The detector calls a leak what two scans
 * found unreferenced and unchanged, and what is older than some seconds: wait
 * for the youngest to be old enough, scan twice, read once.
 */
static void scan_leaks(void)
{
	static char buf[65536];
	ssize_t n;
	int fd;

	if (access(LEAKS, W_OK))
		return;
	sleep(LEAK_AGE_S);
	fd = open(LEAKS, O_RDWR | O_CLOEXEC);
	/* It refuses to scan once it has disabled itself. */
	if (fd < 0 || write(fd, "scan", 4) < 0 || write(fd, "scan", 4) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		fail("cannot scan for leaks: %m");
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		send_frame('L', buf, n);
	if (n < 0)
		fail("cannot read the leaks: %m");
	close(fd);
}

static char **get_arguments(void)
{
	size_t len, count = 0, i;
	char *buf = get_file(FW_CFG "argv/raw", &len);
	char **argv, *p;

	if (!buf || !len)
		fail("no command was given");
	for (i = 0; i < len; i++)
		count += !buf[i];
	argv = calloc(count + 1, sizeof(*argv));
	if (!argv)
		fail("no memory");
	for (p = buf, i = 0; i < count; i++, p += strlen(p) + 1)
		argv[i] = p;
	return argv;
}

int main(void)
{
	unsigned char code[5];
	bool timed_out = false;
	size_t code_len = 4;
	long timeout;
	char **argv;
	int status;

	if (getpid() != 1) {
		fprintf(stderr, "init: this is for a guest's process 1\n");
		return 1;
	}
	/* Ctrl-alt-del and the like are not for a machine that nobody sits at. */
	reboot(RB_DISABLE_CAD);
	setsid();
	signal(SIGPIPE, SIG_IGN);
	mount_first();
	open_port();
	argv = get_arguments();
	timeout = get_number("timeout", 600);
	sethostname("guest", 5);
	switch_root();
	mount_rest();
	raise_loopback();

	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);
	setenv("LOGNAME", "root", 1);
	setenv("SHELL", "/bin/sh", 1);
	setenv("TERM", "dumb", 1);
	setenv("LANG", "C.UTF-8", 1);

	status = run(argv, timeout, &timed_out);
	scan_leaks();

	code[0] = status;
	code[1] = status >> 8;
	code[2] = 0;
	code[3] = 0;
	if (timed_out)
		code[code_len++] = 1;
	sync();
	send_frame('X', code, code_len);
	power_off();
}
