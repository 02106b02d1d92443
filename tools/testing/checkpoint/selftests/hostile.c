// SPDX-License-Identifier: GPL-2.0
/*
 * Images made to hurt. Their checksums are right: what is wrong is one field,
 * and the kernel refuses the image for it, with nothing left behind.
 */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#define KB		1024UL
#define SLACK_KB	(16 * KB)
#define KERNEL		0xffff888000000000ULL
#define NOT_CANONICAL	0x0000800000000000ULL

static struct ckpt_gate up, go;

static void *waits(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return NULL;
}

static int child(void *arg)
{
	waits(NULL);
	return 16;
}

/* System V and POSIX IPC, in the namespace of the container */
static void make_ipc(void)
{
	struct { long type; char text[64]; } message = { .type = 3 };
	struct sembuf op = { .sem_op = 2, .sem_flg = SEM_UNDO };
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3,
	};
	int id = shmget(11, 3 * 4096, IPC_CREAT | 0600);
	char *mem = shmat(id, NULL, 0);
	mqd_t mq;

	REQUIRE(mem != (void *)-1);
	ckpt_fill(mem, 4096, 3);
	id = msgget(12, IPC_CREAT | 0600);
	REQUIRE(!msgsnd(id, &message, sizeof(message.text), 0));
	id = semget(13, 3, IPC_CREAT | 0600);
	REQUIRE(!semop(id, &op, 1));
	mq = mq_open("/hostile", O_CREAT | O_RDWR, 0600, NULL);
	REQUIRE(mq >= 0 && !mq_notify(mq, &event));
	mq = mq_open("/hostile2", O_CREAT | O_RDWR, 0600, NULL);
	REQUIRE(mq >= 0 && !mq_send(mq, "text", 4, 5));
	REQUIRE(!mq_unlink("/hostile2"));
}

/* That is the name of a record, too. */
#undef SEM_UNDO

/* One that tells of handles and names, and one that opens files */
static void make_fanotify(void)
{
	int fd = fanotify_init(FAN_REPORT_DIR_FID | FAN_REPORT_NAME, O_RDONLY);

	REQUIRE(fd >= 0);
	REQUIRE(!fanotify_mark(fd, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "."));
	fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
	REQUIRE(fd >= 0);
	REQUIRE(!fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_EVENT_ON_CHILD,
			       AT_FDCWD, "."));
}

/* Descriptors of events */
static void make_events(void)
{
	struct itimerspec spec = { .it_value.tv_sec = 100000 };
	struct epoll_event event = { .events = EPOLLIN };
	int fd, count, ep = epoll_create1(0);
	sigset_t set;

	count = eventfd(3, EFD_SEMAPHORE);
	REQUIRE(!epoll_ctl(ep, EPOLL_CTL_ADD, count, &event));
	fd = epoll_create1(0);
	REQUIRE(!epoll_ctl(fd, EPOLL_CTL_ADD, ep, &event));
	fd = inotify_init();
	REQUIRE(fd >= 0 && inotify_add_watch(fd, ".", IN_CREATE) == 1);
	REQUIRE(inotify_add_watch(fd, "file", IN_MODIFY) == 2);
	make_fanotify();
	REQUIRE(open("an event", O_RDWR | O_CREAT, 0600) >= 0);
	REQUIRE(syscall(SYS_pidfd_open, getpid(), 0) >= 0);
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	REQUIRE(fd >= 0 && !timerfd_settime(fd, 0, &spec, NULL));
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	REQUIRE(signalfd(-1, &set, 0) >= 0);
}

/* @fd with one byte for @to */
static void send_fd(int from, struct sockaddr_un *to, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { .iov_base = "sent", .iov_len = 4 };
	struct msghdr msg = {
		.msg_name = to, .msg_namelen = sizeof(*to),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	REQUIRE(sendmsg(from, &msg, 0) == 4);
}

/*
 * A datagram that somebody who is closed has sent, a stream with bytes in it, a
 * connection that waits to be accepted, and a stream with an urgent byte
 */
static void make_sockets(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "sock" };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd, sender, pair[2], one = 1;

	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	REQUIRE(!bind(fd, (void *)&addr, sizeof(addr)));
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	sender = socket(AF_UNIX, SOCK_DGRAM, 0);
	send_fd(sender, &addr, fd);
	close(sender);
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	REQUIRE(write(pair[0], "text", 4) == 4);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(name.sun_path + 1, "ckpt hostile", 12);
	REQUIRE(!bind(fd, (void *)&name, 15) && !listen(fd, 4));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	REQUIRE(!connect(fd, (void *)&name, 15));
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	REQUIRE(send(pair[0], "ab", 2, MSG_OOB) == 2);
	REQUIRE(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

/*
 * A member of a group, with a datagram; one with an error; one with a datagram
 * that is not complete; a raw socket
 */
static void make_inet(void)
{
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT,
		.sin6_port = htons(1),
	};
	struct group_req group = {
		.gr_interface = 1, .gr_group.ss_family = AF_INET6,
	};
	int fd, one = 1;

	REQUIRE(!net_up("lo", true));
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	REQUIRE(!bind(fd, (void *)&to, sizeof(to)));
	inet_pton(AF_INET6, "ff15::1",
		  &((struct sockaddr_in6 *)&group.gr_group)->sin6_addr);
	REQUIRE(!setsockopt(fd, SOL_IPV6, MCAST_JOIN_GROUP, &group,
			    sizeof(group)));
	REQUIRE(!setsockopt(fd, SOL_IPV6, IPV6_DSTOPTS, "\0\0\1\4\0\0\0", 8));
	REQUIRE(sendto(fd, "text", 4, 0, (void *)&to, sizeof(to)) == 4);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	REQUIRE(!setsockopt(fd, SOL_IPV6, IPV6_RECVERR, &one, sizeof(one)));
	to.sin6_port = htons(2);
	REQUIRE(!connect(fd, (void *)&to, sizeof(to)));
	REQUIRE(send(fd, "text", 4, 0) == 4);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	REQUIRE(sendto(fd, "half", 4, MSG_MORE, (void *)&to, sizeof(to)) == 4);
	fd = socket(AF_INET6, SOCK_RAW, 253);
	REQUIRE(fd >= 0);
}

/* A terminal with something in it, and one that was hung up */
static void make_terminals(void)
{
	int unlock = 0, fd = open("/dev/ptmx", O_RDWR | O_NOCTTY), gone;
	unsigned int nr;
	char name[32];

	REQUIRE(fd >= 0 && !ioctl(fd, TIOCSPTLCK, &unlock));
	REQUIRE(!ioctl(fd, TIOCGPTN, &nr));
	snprintf(name, sizeof(name), "/dev/pts/%u", nr);
	REQUIRE(open(name, O_RDWR | O_NOCTTY) >= 0);
	REQUIRE(write(fd, "typed\n", 6) == 6);
	fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	REQUIRE(fd >= 0 && !ioctl(fd, TIOCSPTLCK, &unlock));
	REQUIRE(!ioctl(fd, TIOCGPTN, &nr));
	snprintf(name, sizeof(name), "/dev/pts/%u", nr);
	gone = open(name, O_RDWR | O_NOCTTY);
	REQUIRE(gone >= 0);
	close(fd);
}

/* Something of everything that an image can hold */
CKPT_VICTIM(everything)
{
	static char alt[65536];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };
	char *private = mmap(NULL, 64 * KB, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, 64 * KB, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd[2], file = open("file", O_RDWR | O_CREAT, 0600), i;
	union sigval value = { .sival_int = 5 };
	pthread_t thread;
	sigset_t set;
	pid_t pid[2];

	REQUIRE(private != MAP_FAILED && shared != MAP_FAILED && file >= 0);
	REQUIRE(!flock(file, LOCK_EX));
	file = open("removed", O_RDWR | O_CREAT, 0600);
	REQUIRE(file >= 0 && write(file, "text", 4) == 4 && !unlink("removed"));
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	REQUIRE(!sigqueue(getpid(), SIGRTMIN, value));
	REQUIRE(!sigaltstack(&ss, NULL));
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	for (i = 0; i < 2; i++)
		pid[i] = ckpt_fork(child, NULL);
	REQUIRE(!pthread_create(&thread, NULL, waits, NULL));
	REQUIRE(!pipe(fd) && write(fd[1], "in it", 5) == 5);
	ckpt_fill(private, 64 * KB, 1);
	ckpt_fill(shared, 64 * KB, 2);
	make_ipc();
	make_sockets();
	make_inet();
	make_events();
	make_terminals();
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 3);
	for (i = 0; i < 2; i++)
		ckpt_join(pid[i], 16);
	pthread_join(thread, NULL);
}

FIXTURE(hostile) {
	struct ckpt_victim v;
	struct image image;
	struct ckpt_world before;
};

FIXTURE_SETUP(hostile)
{
	if (!ckpt_supported())
		SKIP(return, "no checkpoint(2) in this kernel");
	ckpt_start(&self->v, "everything", CKPT_CONTAINER);
	ckpt_checkpoint_kill(&self->v);
	image_load(&self->image, self->v.image);
	ckpt_world_take(&self->before);
}

FIXTURE_TEARDOWN(hostile)
{
	ckpt_cleanup();
}

#define HOSTILE_TEST(name)	TEST_F_TIMEOUT(hostile, name, CKPT_TEST_S)

static void finish(struct __test_metadata *_metadata, struct ckpt_victim *v,
		   const struct ckpt_world *before)
{
	ckpt_world_expect(before, SLACK_KB);
	ckpt_restart_finish(v);
}

/**
 * struct change - one field that is made wrong
 * @what: which
 * @type: in which record
 * @nth: which one of that type
 * @off: where in it
 * @size: bytes of the field
 * @value: what is written there
 * @err: errno to expect, 0 for EINVAL
 * @or_ok: the kernel may also make it right, and go on
 */
struct change {
	const char *what;
	uint32_t type;
	unsigned int nth;
	size_t off;
	size_t size;
	uint64_t value;
	int err;
	bool or_ok;
};

#define SIZE_OF(s, field)	sizeof(((struct s *)NULL)->field)
#define CHANGE_NTH(type, n, s, field, value, ...)			\
	{ #type "." #field " = " #value, CKPT_HDR_##type, n,		\
	  offsetof(struct s, field), SIZE_OF(s, field), value, __VA_ARGS__ }
#define CHANGE(type, s, field, value, ...)				\
	CHANGE_NTH(type, 0, s, field, value, __VA_ARGS__)

/* In the first lock, which is a flock */
#define LOCK(field, value)						\
	{ "lock: " #field " = " #value, CKPT_HDR_LOCKS, 0,		\
	  sizeof(struct ckpt_hdr_locks) +				\
	  offsetof(struct ckpt_lock, field), SIZE_OF(ckpt_lock, field),	\
	  value }

static long try_change(struct ckpt_victim *v, const struct image *good,
		       const struct change *c)
{
	struct image bad;
	long ret;

	image_copy(&bad, good);
	memcpy((char *)image_at(&bad, c->type, c->nth) + c->off, &c->value,
	       c->size);
	ret = image_restart(v, &bad);
	image_free(&bad);
	if (ret > 0)
		ckpt_kill(v);
	return ret;
}

/* All of a table, or each third of it where not all is to be tried */
static void try_all(struct __test_metadata *_metadata, struct ckpt_victim *v,
		    struct image *image, const struct change *changes,
		    size_t nr)
{
	const size_t step = nr > 1 ? ckpt_step() / 4 + 1 : 1;
	const struct change *c;
	long ret;

	for (c = changes; c < changes + nr; c += step) {
		if (!image_find(image, c->type, c->nth)) {
			TH_LOG("%s: the image has no such record", c->what);
			continue;
		}
		ret = try_change(v, image, c);
		if (ret > 0 && c->or_ok)
			continue;
		EXPECT_EQ(-(c->err ?: EINVAL), ret > 0 ? 0 : ret)
			TH_LOG("%s: %s", c->what, v->log);
		EXPECT_NE(0, v->log[0]) TH_LOG("%s: nothing in the log",
					       c->what);
	}
}

static void expect_invalid(struct __test_metadata *_metadata,
			   struct ckpt_victim *v, struct image *bad,
			   const char *what)
{
	long ret;

	ret = image_restart(v, bad);
	EXPECT_EQ(-EINVAL, ret) TH_LOG("%s: %s", what, v->log);
	if (ret > 0)
		ckpt_kill(v);
	image_free(bad);
}

#define TRY(changes)							\
	try_all(_metadata, &self->v, &self->image, changes, ARRAY_SIZE(changes))

HOSTILE_TEST(lengths)
{
	static const uint32_t types[] = {
		CKPT_HDR_HEADER, CKPT_HDR_TRAILER, CKPT_HDR_OBJECT,
		CKPT_HDR_STRING, CKPT_HDR_TREE, CKPT_HDR_TASKS, CKPT_HDR_TASK,
		CKPT_HDR_PIDS, CKPT_HDR_TASK_FPU, CKPT_HDR_SIGPENDING,
		CKPT_HDR_CRED, CKPT_HDR_FDS, CKPT_HDR_FILE, CKPT_HDR_PIPE_DATA,
		CKPT_HDR_MM, CKPT_HDR_VMA, CKPT_HDR_PAGES, CKPT_HDR_TASK_SCHED,
	};
	static const uint32_t lengths[] = {
		0xffffffff, 0xfffffff8, 0x80000000, CKPT_REC_MAX + 8, 0, 7, 8,
		4, 9,
	};
	const size_t nr = ARRAY_SIZE(types) * ARRAY_SIZE(lengths);
	size_t i;

	for (i = 0; i < nr; i += ckpt_step()) {
		uint32_t type = types[i / ARRAY_SIZE(lengths)];
		struct change c = {
			.what = image_rec_name(type),
			.type = type,
			.off = offsetof(struct ckpt_hdr, len),
			.size = 4,
			.value = lengths[i % ARRAY_SIZE(lengths)],
		};

		try_all(_metadata, &self->v, &self->image, &c, 1);
	}
	finish(_metadata, &self->v, &self->before);
}

HOSTILE_TEST(header)
{
	static const struct change changes[] = {
		CHANGE(HEADER, ckpt_hdr_header, h.type, 0),
		CHANGE(HEADER, ckpt_hdr_header, h.type, 999),
		CHANGE(HEADER, ckpt_hdr_header, magic, 0),
		CHANGE(HEADER, ckpt_hdr_header, version, CKPT_VERSION + 1),
		CHANGE(HEADER, ckpt_hdr_header, version, 0),
		CHANGE(HEADER, ckpt_hdr_header, arch, 183),
		CHANGE(HEADER, ckpt_hdr_header, incompat, 1),
		CHANGE(HEADER, ckpt_hdr_header, incompat, 1ULL << 63),
		CHANGE(HEADER, ckpt_hdr_header, uflags, 0x80000000),
		CHANGE(HEADER, ckpt_hdr_header, page_size, 65536),
		CHANGE(HEADER, ckpt_hdr_header, page_size, 0),
		CHANGE(HEADER, ckpt_hdr_header, user_hz, 1000),
		CHANGE(HEADER, ckpt_hdr_header, nsig, 65),
		CHANGE(HEADER, ckpt_hdr_header, rlim_nlimits, 17),
		CHANGE(HEADER, ckpt_hdr_header, task_comm_len, 32),
		CHANGE(TRAILER, ckpt_hdr_trailer, magic, 0),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

#define TASKS_OFF(n, field)						\
	(sizeof(struct ckpt_hdr_tasks) +				\
	 (n) * sizeof(struct ckpt_task_entry) +				\
	 offsetof(struct ckpt_task_entry, field))
#define TASKS(n, field, value, ...)					\
	{ "task " #n ": " #field " = " #value, CKPT_HDR_TASKS, 0,	\
	  TASKS_OFF(n, field), SIZE_OF(ckpt_task_entry, field), value,	\
	  __VA_ARGS__ }
#define PIDS(n, field, value, ...)					\
	{ "pid slot " #n ": " #field " = " #value, CKPT_HDR_PIDS, 0,	\
	  sizeof(struct ckpt_hdr_pids) +				\
	  (n) * sizeof(struct ckpt_pid_entry) +				\
	  offsetof(struct ckpt_pid_entry, field),			\
	  SIZE_OF(ckpt_pid_entry, field), value, __VA_ARGS__ }
#define NR(n, value, ...)						\
	{ "pid " #n " = " #value, CKPT_HDR_VPIDS, 0,			\
	  sizeof(struct ckpt_hdr_vpids) + (n) * 4, 4, value, __VA_ARGS__ }
#define PID_NSS(field, value, ...)					\
	{ "pid namespace: " #field " = " #value, CKPT_HDR_PID_NSS, 0,	\
	  sizeof(struct ckpt_hdr_pid_nss) +				\
	  offsetof(struct ckpt_pid_ns_entry, field),			\
	  SIZE_OF(ckpt_pid_ns_entry, field), value, __VA_ARGS__ }

HOSTILE_TEST(tree)
{
	static const struct change changes[] = {
		CHANGE(TREE, ckpt_hdr_tree, flags, 0x80000000),
		CHANGE(TREE, ckpt_hdr_tree, nr_tasks, 0),
		CHANGE(TREE, ckpt_hdr_tree, nr_tasks, 1),
		CHANGE(TREE, ckpt_hdr_tree, nr_tasks, 3),
		CHANGE(TREE, ckpt_hdr_tree, nr_tasks, 5),
		CHANGE(TREE, ckpt_hdr_tree, nr_tasks, 0x7fffffff),
		CHANGE(TREE, ckpt_hdr_tree, nr_tasks, 0xffffffff),
		CHANGE(TREE, ckpt_hdr_tree, nr_pids, 0),
		CHANGE(TREE, ckpt_hdr_tree, nr_pids, 1),
		CHANGE(TREE, ckpt_hdr_tree, nr_pids, 0xffffffff),
		CHANGE(TREE, ckpt_hdr_tree, nr_pid_ns, 0),
		CHANGE(TREE, ckpt_hdr_tree, nr_pid_ns, 2),
		CHANGE(TREE, ckpt_hdr_tree, nr_pid_ns, 0xffffffff),
		/* A parent that comes later, which is a cycle, or nobody */
		TASKS(1, parent, 1),
		TASKS(1, parent, 2),
		TASKS(1, parent, 3),
		TASKS(1, parent, 4),
		TASKS(1, parent, 0x7fffffff),
		TASKS(1, parent, 0xffffffff),
		TASKS(0, parent, 0),
		TASKS(0, parent, 1),
		TASKS(2, leader, 3),
		TASKS(2, leader, 0xffffffff),
		TASKS(2, leader, 100),
		TASKS(0, leader, 1),
		TASKS(0, flags, CKPT_TASK_ZOMBIE),
		TASKS(0, flags, CKPT_TASK_THREAD),
		TASKS(1, flags, 0x80000000),
		TASKS(1, flags, CKPT_TASK_ZOMBIE | CKPT_TASK_THREAD),
		TASKS(0, flags, CKPT_TASK_VFORK),
		TASKS(1, flags, CKPT_TASK_VFORK | CKPT_TASK_ZOMBIE),
		TASKS(1, flags, CKPT_TASK_OUTLIVED | CKPT_TASK_THREAD),
		TASKS(1, flags, CKPT_TASK_OUTLIVED | CKPT_TASK_ZOMBIE),
		/* which leads nobody */
		TASKS(2, flags, CKPT_TASK_OUTLIVED),
		/* A number twice */
		TASKS(1, tid, 0),
		TASKS(2, tid, 0x7fffffff),
		TASKS(2, tid, 0xffffffff),
		TASKS(2, pgrp, 0x7fffffff),
		TASKS(2, session, 0x7fffffff),
		TASKS(2, exit_signal, 65),
		TASKS(2, exit_signal, 0xffffffff),
		TASKS(2, exit_code, 0xffffffff),
		/* One that lives has them in its state */
		TASKS(1, cred, 1),
		TASKS(2, cred, 0x7fffffff),
		NR(0, 0),
		NR(0, 2),
		NR(1, 1, EEXIST),
		NR(1, 0x7fffffff),
		NR(1, 0x80000000),
		NR(1, 0xffffffff),
		NR(1, 5000000),
		CHANGE(TASK, ckpt_hdr_task, index, 1),
		CHANGE(TASK, ckpt_hdr_task, index, 0xffffffff),
		PIDS(1, ns, 1),
		PIDS(1, ns, 0xffffffff),
		PIDS(1, depth, 1),
		PIDS(1, depth, 0xffffffff),
		PID_NSS(parent, 0),
		PID_NSS(level, 1),
		PID_NSS(level, 0xffffffff),
		PID_NSS(last_pid, 0x80000000),
		PID_NSS(init, 1),
		PID_NSS(init, 0xffffffff),
		PID_NSS(user_ns, 1),
		PID_NSS(flags, 1),
		PID_NSS(flags, 2),
		CHANGE(PID_NS, ckpt_hdr_pid_ns, index, 1),
		CHANGE(PID_NS, ckpt_hdr_pid_ns, index, 0xffffffff),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

/* Two tasks that are each other's parents, somewhere below the root */
HOSTILE_TEST(cycle_of_parents)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_tasks *tasks;
	struct image bad;
	unsigned int i, n, a = 0, b = 0;
	long ret;

	image_copy(&bad, &self->image);
	tasks = image_at(&bad, CKPT_HDR_TASKS, 0);
	n = (tasks->h.len - sizeof(*tasks)) / sizeof(tasks->tasks[0]);
	for (i = 1; i < n; i++) {
		if (tasks->tasks[i].flags & CKPT_TASK_THREAD)
			continue;
		if (!a)
			a = i;
		else
			b = i;
	}
	ASSERT_NE(0, a);
	ASSERT_NE(0, b);
	tasks->tasks[a].parent = b;
	tasks->tasks[b].parent = a;
	ret = image_restart(v, &bad);
	EXPECT_EQ(-EINVAL, ret);
	EXPECT_TRUE(ckpt_logged(v, "parent")) TH_LOG("%s", v->log);
	image_free(&bad);
	finish(_metadata, v, &self->before);
}

#define CPU(field, value, ...)						\
	CHANGE(TASK_CPU, ckpt_hdr_cpu_x86, field, value, __VA_ARGS__)

/* What ptrace would not set either */
HOSTILE_TEST(registers)
{
	static const struct change changes[] = {
		CPU(cs, 0x10),		/* the kernel's code segment */
		CPU(cs, 0),
		CPU(cs, 0x18),
		CPU(ss, 0x18),		/* the kernel's data segment */
		CPU(ss, 0),
		CPU(ds, 0x18),
		CPU(es, 0x10),
		CPU(fs, 0x18),
		CPU(gs, 0x18),
		CPU(ip, KERNEL),
		CPU(ip, NOT_CANONICAL),
		CPU(fs_base, KERNEL),
		CPU(fs_base, NOT_CANONICAL),
		CPU(gs_base, KERNEL),
		CPU(gs_base, NOT_CANONICAL),
		/* Interrupts off, I/O privilege, virtual 8086, nested task */
		CPU(flags, 0x2, 0, true),
		CPU(flags, 0x3202, 0, true),
		CPU(flags, 0x20202, 0, true),
		CPU(flags, 0x4202, 0, true),
		CPU(flags, ~0ULL, 0, true),
		/* A system call gate, and a code segment of ring 0 */
		CPU(tls[0], 0x00ec000000000000ULL),
		CPU(tls[1], 0x00cf9a000000ffffULL),
		CPU(tls[2], 0x00cffb000000ffffULL),
		/* By blocks, and not at all; a breakpoint of no known kind */
		CPU(step, CKPT_X86_BLOCKSTEP),
		CPU(step, 0xffffffff),
		CPU(dr7, 0x20001),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

HOSTILE_TEST(floating_point)
{
	static const struct change changes[] = {
		CHANGE(TASK_FPU, ckpt_hdr_fpu_x86, xfeatures, ~0ULL),
		CHANGE(TASK_FPU, ckpt_hdr_fpu_x86, xfeatures, 1ULL << 62),
		CHANGE(TASK_FPU, ckpt_hdr_fpu_x86, size, 0),
		CHANGE(TASK_FPU, ckpt_hdr_fpu_x86, size, 0xffffffff),
		CHANGE(TASK_FPU, ckpt_hdr_fpu_x86, size, 8),
		CHANGE(TASK_FPU, ckpt_hdr_fpu_x86, mxcsr, 0xffffffff),
		CHANGE(TASK_FPU, ckpt_hdr_fpu_x86, reserved, 1),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

/* Where an object of another kind, or none, is named */
HOSTILE_TEST(references)
{
	static const uint32_t refs[] = {
		CKPT_HDR_TASK_NS, CKPT_HDR_TASK_FS, CKPT_HDR_TASK_FILES,
		CKPT_HDR_TASK_MM, CKPT_HDR_TASK_SIGHAND,
	};
	static const struct change changes[] = {
		CHANGE(OBJECT, ckpt_hdr_object, objref, 0),
		CHANGE(OBJECT, ckpt_hdr_object, objref, 0xffffffff),
		CHANGE(OBJECT, ckpt_hdr_object, objtype, 0),
		CHANGE(OBJECT, ckpt_hdr_object, objtype, CKPT_OBJ_MAX),
		CHANGE(OBJECT, ckpt_hdr_object, objtype, 0xffffffff),
		CHANGE_NTH(OBJECT, 1, ckpt_hdr_object, objref, 1),
		CHANGE_NTH(OBJECT, 5, ckpt_hdr_object, objref, 1),
		CHANGE(TASK_CRED, ckpt_hdr_task_cred, cred, 0),
		CHANGE(TASK_CRED, ckpt_hdr_task_cred, cred, 0xffffffff),
		CHANGE(MM, ckpt_hdr_mm, exe_file, 0xffffffff),
		CHANGE(NSPROXY, ckpt_hdr_nsproxy, uts, 0xffffffff),
		CHANGE(NSPROXY, ckpt_hdr_nsproxy, net, 1),
		CHANGE(NSPROXY, ckpt_hdr_nsproxy, time, 1),
		CHANGE(NSPROXY, ckpt_hdr_nsproxy, time_for_children, 1),
		CHANGE(NSPROXY, ckpt_hdr_nsproxy, cgroup, 1),
		CHANGE(VMA, ckpt_hdr_vma, file, 0xffffffff),
	};
	unsigned int i, k;

	TRY(changes);
	for (i = 0; i < ARRAY_SIZE(refs); i++) {
		struct ckpt_hdr_task_ref *own = image_at(&self->image, refs[i],
							 0);

		for (k = 0; k < ARRAY_SIZE(refs) + 3; k++) {
			struct ckpt_hdr_task_ref *other;
			struct change c = {
				.what = image_rec_name(refs[i]),
				.type = refs[i],
				.off = offsetof(struct ckpt_hdr_task_ref,
						objref),
				.size = 4,
			};

			if (k < ARRAY_SIZE(refs)) {
				other = image_at(&self->image, refs[k], 0);
				c.value = other->objref;
			} else {
				c.value = k == ARRAY_SIZE(refs) ? 0xffffffff :
					  k == ARRAY_SIZE(refs) + 1 ? 0 : 9999;
			}
			if (c.value != own->objref)
				try_all(_metadata, &self->v, &self->image, &c,
					1);
		}
	}
	finish(_metadata, &self->v, &self->before);
}

HOSTILE_TEST(address_space)
{
	static const struct change changes[] = {
		CHANGE(MM, ckpt_hdr_mm, nr_vmas, 0),
		CHANGE(MM, ckpt_hdr_mm, nr_vmas, 0xffffffff),
		CHANGE(MM, ckpt_hdr_mm, flags, ~0ULL),
		CHANGE(MM, ckpt_hdr_mm, def_flags, ~0ULL),
		CHANGE(MM, ckpt_hdr_mm, start_brk, KERNEL),
		CHANGE(MM, ckpt_hdr_mm, brk, KERNEL),
		CHANGE(MM, ckpt_hdr_mm, start_stack, KERNEL),
		CHANGE(MM, ckpt_hdr_mm, arg_start, KERNEL),
		CHANGE(MM, ckpt_hdr_mm, env_end, KERNEL),
		CHANGE(MM, ckpt_hdr_mm, start_code, KERNEL),
		CHANGE(MM, ckpt_hdr_mm, vdso, KERNEL),
		CHANGE(MM, ckpt_hdr_mm, vdso, 4096),
		CHANGE(MM, ckpt_hdr_mm, vdso, 12345),
		CHANGE(MM, ckpt_hdr_mm, mmap_base, KERNEL),
		CHANGE(MM, ckpt_hdr_mm, task_size, ~0ULL),
		CHANGE(MM, ckpt_hdr_mm, task_size, 0),
		CHANGE(MM, ckpt_hdr_mm, vdso_id, 1),
		CHANGE(VMA, ckpt_hdr_vma, kind, CKPT_VMA_MAX),
		CHANGE(VMA, ckpt_hdr_vma, kind, 0xffffffff),
		CHANGE(VMA, ckpt_hdr_vma, start, 1),
		CHANGE(VMA, ckpt_hdr_vma, start, KERNEL),
		CHANGE(VMA, ckpt_hdr_vma, start, ~0ULL << 12),
		CHANGE(VMA, ckpt_hdr_vma, end, 0),
		CHANGE(VMA, ckpt_hdr_vma, end, KERNEL),
		CHANGE(VMA, ckpt_hdr_vma, end, ~0ULL << 12),
		CHANGE(VMA, ckpt_hdr_vma, end, NOT_CANONICAL),
		CHANGE(VMA, ckpt_hdr_vma, flags, ~0ULL),
		CHANGE(VMA, ckpt_hdr_vma, flags, 1ULL << 62),
		CHANGE(VMA, ckpt_hdr_vma, pgoff, ~0ULL, EOVERFLOW),
		CHANGE(VMA, ckpt_hdr_vma, name, 7),
		CHANGE(VMA, ckpt_hdr_vma, policy, 2),
		CHANGE(VMA, ckpt_hdr_vma, reserved, 1),
		CHANGE(MEMPOLICY, ckpt_hdr_mempolicy, mode, 99),
		CHANGE(MEMPOLICY, ckpt_hdr_mempolicy, mode, 2),
		CHANGE(MEMPOLICY, ckpt_hdr_mempolicy, flags, 1),
		CHANGE(MEMPOLICY, ckpt_hdr_mempolicy, flags, 0xffffffff),
		CHANGE(MEMPOLICY, ckpt_hdr_mempolicy, home_node, -2),
		CHANGE(MEMPOLICY, ckpt_hdr_mempolicy, reserved, 1),
		CHANGE(VMA, ckpt_hdr_vma, anon, 1),
		CHANGE(VMA, ckpt_hdr_vma, anon, ~0U),
		CHANGE(ANON, ckpt_hdr_anon, reserved, 1),
		CHANGE_NTH(VMA, 1, ckpt_hdr_vma, start, 0x1000),
		CHANGE_NTH(VMA, 1, ckpt_hdr_vma, end, 0x1000),
		CHANGE(SHMEM, ckpt_hdr_shmem, size, ~0ULL),
		CHANGE(SHMEM, ckpt_hdr_shmem, size, 1),
		CHANGE(SHMEM, ckpt_hdr_shmem, flags, ~0ULL),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

#define PAGES(field, value, ...)					\
	CHANGE(PAGES, ckpt_hdr_pages, field, value, __VA_ARGS__)
#define EXTENT(field, value, ...)					\
	{ "extent: " #field " = " #value, CKPT_HDR_PAGES, 0,		\
	  sizeof(struct ckpt_hdr_pages) +				\
	  offsetof(struct ckpt_extent, field),				\
	  SIZE_OF(ckpt_extent, field), value, __VA_ARGS__ }

HOSTILE_TEST(pages)
{
	static const struct change changes[] = {
		PAGES(nr_extents, 0xffffffff),
		PAGES(nr_extents, CKPT_PAGES_MAX_EXTENTS + 1),
		PAGES(nr_extents, 1000),
		PAGES(nr_extents, 0),
		PAGES(pad, 4096),
		PAGES(pad, 0xffffffff),
		PAGES(pad, 1),
		EXTENT(addr, 1),
		EXTENT(addr, KERNEL),
		EXTENT(addr, ~0ULL << 12),
		EXTENT(addr, NOT_CANONICAL - 4096),
		EXTENT(nr_pages, 0),
		EXTENT(nr_pages, 0xffffffff),
		EXTENT(nr_pages, CKPT_PAGES_MAX_PAGES + 1),
		EXTENT(nr_pages, 0x00100000),
		EXTENT(kind, CKPT_EXTENT_SAME),
		EXTENT(kind, CKPT_EXTENT_MAX),
		EXTENT(kind, 0xffffffff),
		EXTENT(xxh64, 0),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

HOSTILE_TEST(pipe_of_another_kind)
{
	struct ckpt_hdr_task_ref *other;
	struct ckpt_hdr_file *file;
	struct image bad;
	unsigned int i;

	/* The object that is in the open file of a pipe */
	for (i = 0;; i++) {
		ASSERT_NE(NULL, image_find(&self->image, CKPT_HDR_FILE, i));
		file = image_at(&self->image, CKPT_HDR_FILE, i);
		if (file->kind == CKPT_FILE_PIPE)
			break;
	}
	other = image_at(&self->image, CKPT_HDR_TASK_FS, 0);
	image_copy(&bad, &self->image);
	file = image_at(&bad, CKPT_HDR_FILE, i);
	file->inner = other->objref;
	expect_invalid(_metadata, &self->v, &bad, "of another kind");
	image_copy(&bad, &self->image);
	file = image_at(&bad, CKPT_HDR_FILE, i);
	file->inner = 0xffffffff;
	expect_invalid(_metadata, &self->v, &bad, "none");
	finish(_metadata, &self->v, &self->before);
}

HOSTILE_TEST(files)
{
	static const struct change changes[] = {
		CHANGE(FS, ckpt_hdr_fs, umask, 0xffffffff),
		CHANGE(FILES, ckpt_hdr_files, nr, 0xffffffff),
		CHANGE(FILES, ckpt_hdr_files, nr, 0),
		CHANGE(FILES, ckpt_hdr_files, nr, 1),
		{ "descriptor: fd = -1", CKPT_HDR_FDS, 0,
		  sizeof(struct ckpt_hdr_fds), 4, 0xffffffff, EMFILE },
		{ "descriptor: flags", CKPT_HDR_FDS, 0,
		  sizeof(struct ckpt_hdr_fds) + offsetof(struct ckpt_fd, flags),
		  4, 0xffffffff },
		{ "descriptor: file", CKPT_HDR_FDS, 0,
		  sizeof(struct ckpt_hdr_fds) + offsetof(struct ckpt_fd, file),
		  4, 0xffffffff },
		{ "descriptor: second not above the first", CKPT_HDR_FDS, 0,
		  sizeof(struct ckpt_hdr_fds) + sizeof(struct ckpt_fd), 4, 0 },
		CHANGE(FILE, ckpt_hdr_file, kind, CKPT_FILE_MAX),
		CHANGE(FILE, ckpt_hdr_file, kind, 0xffffffff),
		CHANGE(FILE, ckpt_hdr_file, f_flags, 0xffffffff),
		CHANGE(FILE, ckpt_hdr_file, owner, 0xffffffff),
		CHANGE(FILE, ckpt_hdr_file, owner_signal, 65),
		CHANGE(FILE, ckpt_hdr_file, removed, 1),
		CHANGE(FILE, ckpt_hdr_file, removed, 0xffffffff),
		CHANGE(REMOVED, ckpt_hdr_removed, mode, 0),
		CHANGE(REMOVED, ckpt_hdr_removed, rdev, 0x103),
		CHANGE(REMOVED, ckpt_hdr_removed, mode, 0xffffffff),
		CHANGE(REMOVED, ckpt_hdr_removed, flags, 0xffffffff),
		CHANGE(REMOVED, ckpt_hdr_removed, nr_xattrs, 0xffffffff),
		CHANGE(REMOVED, ckpt_hdr_removed, mnt, 0xffffffff),
		CHANGE(REMOVED, ckpt_hdr_removed, parent, 1),
		CHANGE(REMOVED, ckpt_hdr_removed, mtime_nsec, 1000000000),
		CHANGE(REMOVED, ckpt_hdr_removed, size, 1ULL << 63),
		CHANGE(REMOVED, ckpt_hdr_removed, alloc_end, ~0ULL),
		LOCK(kind, CKPT_LOCK_POSIX),
		LOCK(kind, CKPT_LOCK_MAX),
		LOCK(type, 3),
		LOCK(pid, 0xffffffff),
		LOCK(start, 1ULL << 63),
		LOCK(flags, 1),
		LOCK(unlock_ms, 1),
		CHANGE(PIPE, ckpt_hdr_pipe, ring_size, 0),
		CHANGE(PIPE, ckpt_hdr_pipe, ring_size, 3),
		CHANGE(PIPE, ckpt_hdr_pipe, ring_size, 0x80000000),
		CHANGE(PIPE, ckpt_hdr_pipe, ring_size, 0xffffffff),
		CHANGE(PIPE, ckpt_hdr_pipe, nr_bufs, 0xffffffff),
		CHANGE(PIPE, ckpt_hdr_pipe, flags, 0xffffffff),
		{ "pipe slot: len = 0", CKPT_HDR_PIPE_BUFS, 0,
		  sizeof(struct ckpt_hdr_pipe_bufs) +
		  offsetof(struct ckpt_pipe_buf, len), 4, 0 },
		{ "pipe slot: len = 5000", CKPT_HDR_PIPE_BUFS, 0,
		  sizeof(struct ckpt_hdr_pipe_bufs) +
		  offsetof(struct ckpt_pipe_buf, len), 4, 5000 },
		{ "pipe slot: flags", CKPT_HDR_PIPE_BUFS, 0,
		  sizeof(struct ckpt_hdr_pipe_bufs) +
		  offsetof(struct ckpt_pipe_buf, flags), 4, 0xffffffff },
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

#define END(n, field, value)						\
	CHANGE_NTH(TTY_END, n, ckpt_hdr_tty_end, field, value)

HOSTILE_TEST(terminals)
{
	static const struct change changes[] = {
		CHANGE(PTM, ckpt_hdr_ptm, index, 1 << 20),
		CHANGE(PTM, ckpt_hdr_ptm, index, 0xffffffff),
		CHANGE(PTM, ckpt_hdr_ptm, mode, 0xffffffff),
		CHANGE(PTM, ckpt_hdr_ptm, uid, 0xffffffff),
		CHANGE(PTM, ckpt_hdr_ptm, gid, 0xffffffff),
		CHANGE(TTY, ckpt_hdr_tty, session, 0xffffffff),
		CHANGE(TTY, ckpt_hdr_tty, pgrp, 0xffffffff),
		CHANGE(TTY, ckpt_hdr_tty, dead_pgrp, 1),
		CHANGE(TTY, ckpt_hdr_tty, flags, 0xffffffff),
		CHANGE(TTY, ckpt_hdr_tty, termios.line, 255),
		CHANGE(TTY, ckpt_hdr_tty, termios.reserved[3], 1),
		CHANGE(TTY, ckpt_hdr_tty, locked.reserved[0], 1),
		/* the master, then the other end: 6 bytes of input */
		END(0, flags, 0xffffffff),
		END(0, flags, CKPT_TTY_HUNG_UP),
		END(0, pktstatus, 1),
		END(1, flags, 0xffffffff),
		END(1, flags, CKPT_TTY_LOCKED),
		END(1, flags, CKPT_TTY_PACKET),
		END(1, flags, CKPT_TTY_HUNG_UP),
		END(1, pktstatus, 0x100),
		END(1, read, 0),
		END(1, read, 4097),
		END(1, read, 0xffffffff),
		END(1, canon, 7),
		END(1, commit, 7),
		END(1, echo, 8),
		END(1, echo, 0xffffffff),
		END(1, echo_commit, 1),
		END(1, echo_mark, 1),
		END(1, flip, 8),
		END(1, flip, 0xffffffff),
		END(1, lookahead, 1),
		CHANGE(TASK_JOBCTL, ckpt_hdr_task_jobctl, flags,
		       CKPT_JOBCTL_TTY),
		CHANGE(TASK_JOBCTL, ckpt_hdr_task_jobctl, tty, 1),
		CHANGE(TASK_JOBCTL, ckpt_hdr_task_jobctl, old_pgrp, 0xffffffff),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

#define REF(type)							\
	CHANGE(type, ckpt_hdr_task_ref, reserved, 1)

/* What has no meaning yet must be 0, or could never be given one. */
HOSTILE_TEST(reserved)
{
	static const struct change changes[] = {
		CHANGE(TRAILER, ckpt_hdr_trailer, reserved, 1),
		CHANGE(TASK, ckpt_hdr_task, reserved, 1),
		TASKS(1, tracer, 1),
		TASKS(1, reserved, 1),
		REF(TASK_NS),
		REF(TASK_FS),
		REF(TASK_FILES),
		REF(TASK_MM),
		REF(TASK_SIGHAND),
		CHANGE(SIGPENDING, ckpt_hdr_sigpending, reserved, 1),
		CHANGE(TASK_MISC, ckpt_hdr_task_misc, reserved, 1),
		CHANGE(TASK_JOBCTL, ckpt_hdr_task_jobctl, reserved, 1),
		CHANGE(FS, ckpt_hdr_fs, pwd_removed, 1),
		CHANGE(FILE, ckpt_hdr_file, parent, 1),
		CHANGE(FILE, ckpt_hdr_file, reserved, 1),
		CHANGE(REMOVED, ckpt_hdr_removed, reserved, 1),
		LOCK(reserved, 1),
		{ "descriptor: reserved", CKPT_HDR_FDS, 0,
		  sizeof(struct ckpt_hdr_fds) +
		  offsetof(struct ckpt_fd, reserved), 4, 1 },
		CHANGE(PIPE, ckpt_hdr_pipe, reserved, 1),
		{ "pipe slot: reserved", CKPT_HDR_PIPE_BUFS, 0,
		  sizeof(struct ckpt_hdr_pipe_bufs) +
		  offsetof(struct ckpt_pipe_buf, reserved), 4, 1 },
		CHANGE(MM, ckpt_hdr_mm, user_ns, 1),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

/* No string of an image ends within its record, nor a name in its field. */
HOSTILE_TEST(strings)
{
	struct image *image = &self->image, bad;
	struct ckpt_hdr_uts_ns *uts;
	unsigned int i;

	for (i = 0; image_find(image, CKPT_HDR_STRING, i); i++) {
		struct ckpt_hdr_string *string;

		image_copy(&bad, image);
		string = image_at(&bad, CKPT_HDR_STRING, i);
		memset(string->text, 'a', string->h.len - sizeof(*string));
		expect_invalid(_metadata, &self->v, &bad, "string");
	}
	EXPECT_LT(0, i);
	image_copy(&bad, image);
	uts = image_at(&bad, CKPT_HDR_UTS_NS, 0);
	memset(uts->nodename, 'a', sizeof(uts->nodename));
	expect_invalid(_metadata, &self->v, &bad, "host name");
	finish(_metadata, &self->v, &self->before);
}

HOSTILE_TEST(signals)
{
	const size_t queue = sizeof(struct ckpt_hdr_sigpending);
	const size_t info = sizeof(struct ckpt_siginfo);
	unsigned int nth = 0;
	struct change changes[] = {
		CHANGE(TASK_SIGNAL, ckpt_hdr_task_signal, flags, 0xffffffff),
		CHANGE(TASK_SIGNAL, ckpt_hdr_task_signal, ss_flags, 0xffffffff),
		CHANGE(TASK_SIGNAL, ckpt_hdr_task_signal, ss_sp, KERNEL, 0,
		       true),
		CHANGE(TASK_SIGNAL, ckpt_hdr_task_signal, ss_size, 1),
		CHANGE(SIGPENDING, ckpt_hdr_sigpending, more, 2),
		CHANGE(TASK_JOBCTL, ckpt_hdr_task_jobctl, flags, 0xffffffff),
		CHANGE(TASK_JOBCTL, ckpt_hdr_task_jobctl, flags,
		       CKPT_JOBCTL_JOINS),
		CHANGE(TASK_JOBCTL, ckpt_hdr_task_jobctl, flags,
		       CKPT_JOBCTL_INCOMPLETE),
		CHANGE(TASK_JOBCTL, ckpt_hdr_task_jobctl, stop_code, 65),
		CHANGE(TASK_PTRACE, ckpt_hdr_task_ptrace, flags,
		       CKPT_PTRACE_SYSCALL),
		CHANGE(TASK_PTRACE, ckpt_hdr_task_ptrace, tracer, 1),
		CHANGE(TASK_PTRACE, ckpt_hdr_task_ptrace, tracer, 0xffffffff),
		CHANGE(TASK_PTRACE, ckpt_hdr_task_ptrace, stop,
		       CKPT_STOP_SIGNAL),
		{ "queued: sig = 0", CKPT_HDR_SIGPENDING, 0,
		  queue + offsetof(struct ckpt_siginfo, sig), 4, 0 },
		{ "queued: sig = 65", CKPT_HDR_SIGPENDING, 0,
		  queue + offsetof(struct ckpt_siginfo, sig), 4, 65 },
		{ "queued: flags", CKPT_HDR_SIGPENDING, 0,
		  queue + offsetof(struct ckpt_siginfo, flags), 4, 0xffffffff },
		{ "queued: pid", CKPT_HDR_SIGPENDING, 0,
		  queue + offsetof(struct ckpt_siginfo, pid), 4, 0xffffffff },
	};
	struct ckpt_hdr_sigpending *pending;
	unsigned int i;

	/* The queue that is not empty */
	for (;; nth++) {
		ASSERT_NE(NULL, image_find(&self->image, CKPT_HDR_SIGPENDING,
					   nth));
		pending = image_at(&self->image, CKPT_HDR_SIGPENDING, nth);
		if (pending->h.len >= queue + info)
			break;
	}
	for (i = 0; i < ARRAY_SIZE(changes); i++)
		if (changes[i].type == CKPT_HDR_SIGPENDING)
			changes[i].nth = nth;
	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

HOSTILE_TEST(small_state)
{
	static const struct change changes[] = {
		CHANGE(TASK_LIMITS, ckpt_hdr_task_limits, rlim[3].max, 1),
		CHANGE(TASK_LIMITS, ckpt_hdr_task_limits, oom_score_adj, 1001),
		CHANGE(TASK_LIMITS, ckpt_hdr_task_limits, oom_score_adj,
		       (uint32_t)-1001),
		CHANGE(TASK_ITIMERS, ckpt_hdr_task_itimers, value_ns[0], ~0ULL),
		CHANGE(TASK_ITIMERS, ckpt_hdr_task_itimers, interval_ns[2],
		       ~0ULL),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, policy, 99),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, policy, 0xffffffff),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, flags, 0xffffffff),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, nice, 20),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, nice, (uint32_t)-21),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, rt_priority, 100),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, ioprio, 0xffffffff),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, nr_cpus, 0xffffffff),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, nr_cpus, 0),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, util_min, 1025),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, util_min, (uint32_t)-2),
		CHANGE(TASK_SCHED, ckpt_hdr_task_sched, util_max, 1025),
		CHANGE(TASK_MISC, ckpt_hdr_task_misc, pdeath_signal, 65),
		CHANGE(TASK_MISC, ckpt_hdr_task_misc, rseq, KERNEL),
		CHANGE(TASK_MISC, ckpt_hdr_task_misc, rseq_len, 1),
		CHANGE(TASK_MISC, ckpt_hdr_task_misc, dispatch_len, 1),
		/* what QEMU's CPUs cannot do, and what is unknown */
		CHANGE(TASK_MISC, ckpt_hdr_task_misc, flags, 0x80),
		CHANGE(TASK_MISC, ckpt_hdr_task_misc, flags, 0x100),
		CHANGE(TASK_MISC, ckpt_hdr_task_misc, robust_list, KERNEL, 0,
		       true),
		CHANGE(TASK_MISC, ckpt_hdr_task_misc, clear_child_tid, KERNEL,
		       0, true),
		CHANGE(TASK_RESTART_BLOCK, ckpt_hdr_restart_block, fn, 99),
		CHANGE(TASK_RESTART_BLOCK, ckpt_hdr_restart_block, fn,
		       0xffffffff),
		CHANGE(TASK_CRED, ckpt_hdr_task_cred, no_new_privs, 2),
		CHANGE(CRED, ckpt_hdr_cred, uid, 0xffffffff),
		CHANGE(CRED, ckpt_hdr_cred, fsgid, 0xffffffff),
		CHANGE(CRED, ckpt_hdr_cred, ngroups, 0xffffffff),
		CHANGE(CRED, ckpt_hdr_cred, ngroups, 65537),
		CHANGE(CRED, ckpt_hdr_cred, securebits, 0xffffffff),
		CHANGE(CRED, ckpt_hdr_cred, cap_effective, ~0ULL),
		CHANGE(CRED, ckpt_hdr_cred, cap_permitted, ~0ULL),
		CHANGE(CRED, ckpt_hdr_cred, cap_permitted, 0),
		CHANGE(MNT_NS, ckpt_hdr_mnt_ns, nr_mounts, 0xffffffff),
		CHANGE(MNT_NS, ckpt_hdr_mnt_ns, nr_mounts, 0),
		CHANGE(MNT_NS, ckpt_hdr_mnt_ns, first, 0),
		CHANGE(MNT_NS, ckpt_hdr_mnt_ns, first, 0xffffffff),
		CHANGE(MNT_NS, ckpt_hdr_mnt_ns, root, 0xffffffff),
		CHANGE(MNT, ckpt_hdr_mnt, flags, 0xffffffff),
		CHANGE(MNT, ckpt_hdr_mnt, parent, 1),
		CHANGE(MNT, ckpt_hdr_mnt, parent, 0xffffffff),
		CHANGE(MNT, ckpt_hdr_mnt, under, 0xffffffff, ENOENT),
		CHANGE(MNT, ckpt_hdr_mnt, sb, 0xffffffff),
		CHANGE(MNT, ckpt_hdr_mnt, ns_type, 1),
		CHANGE(MNT, ckpt_hdr_mnt, reserved, 1),
		{ "a name without an end", CKPT_HDR_TASK_MISC, 0,
		  offsetof(struct ckpt_hdr_task_misc, comm) + 8, 8,
		  0x4141414141414141ULL, 0, true },
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

/* IPC_IDS are those of semaphores, messages and shared memory, in this order. */
HOSTILE_TEST(ipc)
{
	const struct change changes[] = {
		CHANGE(TASK_SYSVIPC, ckpt_hdr_task_sysvipc, undo, 0xffffffff),
		CHANGE(TASK_SYSVIPC, ckpt_hdr_task_sysvipc, undo, 0),
		CHANGE(TASK_SYSVIPC, ckpt_hdr_task_sysvipc, nr_shm, 0xffffffff),
		CHANGE(TASK_SYSVIPC, ckpt_hdr_task_sysvipc, nr_shm, 3),
		CHANGE(TASK_SYSVIPC, ckpt_hdr_task_sysvipc, shm[0], 0xffffffff),
		CHANGE(TASK_SYSVIPC, ckpt_hdr_task_sysvipc, shm[0], 4711),
		CHANGE(IPC_IDS, ckpt_hdr_ipc_ids, kind, 1),
		CHANGE(IPC_IDS, ckpt_hdr_ipc_ids, nr, 0xffffffff),
		CHANGE(IPC_IDS, ckpt_hdr_ipc_ids, nr, 0),
		CHANGE_NTH(IPC_IDS, 1, ckpt_hdr_ipc_ids, nr, 2),
		CHANGE(IPC_IDS, ckpt_hdr_ipc_ids, seq, 0x80000000),
		CHANGE(IPC_IDS, ckpt_hdr_ipc_ids, last_idx, 0x7fffffff),
		CHANGE(IPC_IDS, ckpt_hdr_ipc_ids, last_idx, 0x80000000),
		CHANGE(IPC_IDS, ckpt_hdr_ipc_ids, next_id, 0x80000000),
		CHANGE(IPC_IDS, ckpt_hdr_ipc_ids, cursor, 0x80000000),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, perm.id, 0xffffffff),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, perm.id, 4711),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, perm.key, 1),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, perm.uid, 0xffffffff),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, perm.cgid, 0xffffffff),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, perm.mode, 02600),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, perm.mode, 01600),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, size, ~0ULL),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, size, 0),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, cpid.slot, 0xffffffff),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, lpid.slot, 99),
		CHANGE(IPC_SHM, ckpt_hdr_ipc_shm, flags, 0xffffffff),
		CHANGE(IPC_MSG, ckpt_hdr_ipc_msg, perm.mode, 01600),
		CHANGE(IPC_MSG, ckpt_hdr_ipc_msg, qbytes, ~0ULL),
		CHANGE(IPC_MSG, ckpt_hdr_ipc_msg, nr, 0),
		CHANGE(IPC_MSG, ckpt_hdr_ipc_msg, nr, 0xffffffff),
		CHANGE(IPC_MESSAGE, ckpt_hdr_ipc_message, type, 0),
		CHANGE(IPC_MESSAGE, ckpt_hdr_ipc_message, type, ~0ULL),
		CHANGE(IPC_MESSAGE, ckpt_hdr_ipc_message, size, 0xffffffff),
		CHANGE(IPC_MESSAGE, ckpt_hdr_ipc_message, size, 16 << 20),
		CHANGE(IPC_MESSAGE, ckpt_hdr_ipc_message, size, 0),
		/* of the POSIX queue */
		CHANGE_NTH(IPC_MESSAGE, 1, ckpt_hdr_ipc_message, type, 32768),
		CHANGE(IPC_SEM, ckpt_hdr_ipc_sem, nr, 0),
		CHANGE(IPC_SEM, ckpt_hdr_ipc_sem, nr, 4),
		CHANGE(IPC_SEM, ckpt_hdr_ipc_sem, nr, 0xffffffff),
		CHANGE(IPC_SEMVALS, ckpt_hdr_ipc_semvals, sems[1].val, 32768),
		CHANGE(IPC_SEMVALS, ckpt_hdr_ipc_semvals, sems[0].pid.slot, 99),
		CHANGE(SHM_FILE, ckpt_hdr_shm_file, ns, 0),
		CHANGE(SHM_FILE, ckpt_hdr_shm_file, ns, 1),
		CHANGE(SHM_FILE, ckpt_hdr_shm_file, id, 0xffffffff),
		CHANGE(SHM_FILE, ckpt_hdr_shm_file, id, 4711),
		CHANGE(SHM_FILE, ckpt_hdr_shm_file, flags, 0xffffffff),
		CHANGE(SEM_UNDO, ckpt_hdr_sem_undo, ns, 0),
		CHANGE(SEM_UNDO, ckpt_hdr_sem_undo, ns, 1),
		CHANGE(SEM_UNDO, ckpt_hdr_sem_undo, nr, 0),
		CHANGE(SEM_UNDO, ckpt_hdr_sem_undo, nr, 0xffffffff),
		CHANGE(SEM_ADJ, ckpt_hdr_sem_adj, id, 4711),
		CHANGE(SEM_ADJ, ckpt_hdr_sem_adj, nr, 2),
		CHANGE(SEM_ADJ, ckpt_hdr_sem_adj, nr, 0xffffffff),
		CHANGE(MQUEUES, ckpt_hdr_mqueues, nr, 0xffffffff),
		CHANGE(MQUEUES, ckpt_hdr_mqueues, uid, 0xffffffff),
		CHANGE(MQUEUES, ckpt_hdr_mqueues, mode, 0xffffffff),
		CHANGE(MQUEUE, ckpt_hdr_mqueue, gid, 0xffffffff),
		CHANGE(MQUEUE, ckpt_hdr_mqueue, mode, 0170600),
		CHANGE(MQUEUE, ckpt_hdr_mqueue, flags, 0xffffffff),
		CHANGE(MQUEUE, ckpt_hdr_mqueue, maxmsg, 0),
		CHANGE(MQUEUE, ckpt_hdr_mqueue, maxmsg, 0xffffffff),
		CHANGE(MQUEUE, ckpt_hdr_mqueue, msgsize, 0xffffffff),
		CHANGE(MQUEUE, ckpt_hdr_mqueue, signo, 65),
		CHANGE(MQUEUE, ckpt_hdr_mqueue, owner, 0),
		CHANGE(MQUEUE, ckpt_hdr_mqueue, owner, 0xffffffff),
		CHANGE(MQUEUE, ckpt_hdr_mqueue, nr, 0xffffffff),
		CHANGE(MQUEUE, ckpt_hdr_mqueue, payer_ns, 0xffffffff),
		CHANGE(MQUEUE_REF, ckpt_hdr_mqueue_ref, ns, 0xffffffff),
		CHANGE(MQUEUE_REF, ckpt_hdr_mqueue_ref, unlinked, 2),
		CHANGE(MQUEUE_REF, ckpt_hdr_mqueue_ref, unlinked, 1),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

#define ITEM(field, value)						\
	{ "epoll item: " #field " = " #value, CKPT_HDR_EPOLL_ITEMS, 0,	\
	  sizeof(struct ckpt_hdr_epoll_items) +				\
	  offsetof(struct ckpt_epoll_item, field), 4, value }

#define QUEUE(field, value)						\
	CHANGE(FANOTIFY_QUEUE, ckpt_hdr_fanotify_queue, field, value)
#define NEWS(n, field, value)						\
	CHANGE_NTH(FANOTIFY_EVENT, n, ckpt_hdr_fanotify_event, field, value)
#define MARK(field, value, ...)						\
	CHANGE(FANOTIFY_MARK, ckpt_hdr_fanotify_mark, field, value,	\
	       __VA_ARGS__)

HOSTILE_TEST(events)
{
	const struct change changes[] = {
		CHANGE(EVENTFD, ckpt_hdr_eventfd, semaphore, 2),
		CHANGE(EVENTFD, ckpt_hdr_eventfd, reserved, 1),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, clockid, 2),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, clockid, 0xffffffff),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, flags, 0xffffffff),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, flags, 0),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, flags,
		       CKPT_TIMERFD_ARMED | CKPT_TIMERFD_EXPIRED),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, flags, CKPT_TIMERFD_EXPIRED),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, flags,
		       CKPT_TIMERFD_ARMED | CKPT_TIMERFD_CLOCK),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, flags,
		       CKPT_TIMERFD_ARMED | CKPT_TIMERFD_ON_SET),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, value_ns, ~0ULL),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, interval_ns, ~0ULL),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, settime_flags, 0xffffffff),
		CHANGE(TIMERFD, ckpt_hdr_timerfd, reserved, 1),
		CHANGE(SIGNALFD, ckpt_hdr_signalfd, mask.sig, ~0ULL),
		CHANGE(LATE_FILE, ckpt_hdr_late_file, file, 0),
		CHANGE(LATE_FILE, ckpt_hdr_late_file, file, 1),
		CHANGE(LATE_FILE, ckpt_hdr_late_file, file, 0xffffffff),
		CHANGE(LATE_FILE, ckpt_hdr_late_file, kind, CKPT_FILE_REG),
		CHANGE(LATE_FILE, ckpt_hdr_late_file, kind, CKPT_FILE_MAX),
		CHANGE(LATE_FILE, ckpt_hdr_late_file, kind, 0xffffffff),
		CHANGE(EPOLL, ckpt_hdr_epoll, nr, 0),
		CHANGE(EPOLL, ckpt_hdr_epoll, nr, 2),
		CHANGE(EPOLL, ckpt_hdr_epoll, nr, 0xffffffff),
		CHANGE(EPOLL, ckpt_hdr_epoll, busy_poll_usecs, 0xffffffff),
		CHANGE(EPOLL, ckpt_hdr_epoll, busy_poll_budget, 0xffffffff),
		CHANGE(EPOLL, ckpt_hdr_epoll, prefer_busy_poll, 2),
		ITEM(file, 0),
		ITEM(file, 1),
		ITEM(file, 0xffffffff),
		ITEM(fd, 0x80000000),
		ITEM(events, EPOLLEXCLUSIVE | EPOLLONESHOT),
		ITEM(flags, 0xffffffff),
		ITEM(task, 1),
		ITEM(reserved, 1),
		CHANGE(INOTIFY, ckpt_hdr_inotify, max_events, 0),
		CHANGE(INOTIFY, ckpt_hdr_inotify, max_events, 0xffffffff),
		CHANGE(INOTIFY, ckpt_hdr_inotify, next_wd, 0xffffffff),
		CHANGE(INOTIFY, ckpt_hdr_inotify, nr_events, 0),
		CHANGE(INOTIFY, ckpt_hdr_inotify, nr_events, 2),
		CHANGE(INOTIFY, ckpt_hdr_inotify, nr_events, 0xffffffff),
		CHANGE(INOTIFY, ckpt_hdr_inotify, nr_watches, 1),
		CHANGE(INOTIFY, ckpt_hdr_inotify, nr_watches, 0xffffffff),
		CHANGE(INOTIFY_EVENT, ckpt_hdr_inotify_event, mask, 0xffffffff),
		CHANGE(INOTIFY_EVENT, ckpt_hdr_inotify_event, flags, 0xffffffff),
		CHANGE(INOTIFY_EVENT, ckpt_hdr_inotify_event, wd, 0xfffffffe),
		CHANGE(INOTIFY_EVENT, ckpt_hdr_inotify_event, name_len, 0),
		CHANGE(INOTIFY_EVENT, ckpt_hdr_inotify_event, name_len, 9),
		CHANGE(INOTIFY_EVENT, ckpt_hdr_inotify_event, name_len,
		       0xffffffff),
		CHANGE(INOTIFY_EVENT, ckpt_hdr_inotify_event, reserved, 1),
		CHANGE(INOTIFY_WATCH, ckpt_hdr_inotify_watch, wd, 0),
		CHANGE(INOTIFY_WATCH, ckpt_hdr_inotify_watch, wd, 2),
		CHANGE(INOTIFY_WATCH, ckpt_hdr_inotify_watch, wd, 0xffffffff),
		CHANGE(INOTIFY_WATCH, ckpt_hdr_inotify_watch, mask, 0xffffffff),
		CHANGE(INOTIFY_WATCH, ckpt_hdr_inotify_watch, mnt, 0xffffffff),
		CHANGE(INOTIFY_WATCH, ckpt_hdr_inotify_watch, i_mode, 0100600,
		       ESTALE),
		CHANGE(INOTIFY_WATCH, ckpt_hdr_inotify_watch, handle.len, 8),
		CHANGE(INOTIFY_WATCH, ckpt_hdr_inotify_watch, handle.len,
		       0xffffffff),
		CHANGE(INOTIFY_WATCH, ckpt_hdr_inotify_watch, handle.type, 1),
		CHANGE(INOTIFY_WATCH, ckpt_hdr_inotify_watch, handle.removed,
		       1),
		CHANGE(INOTIFY_WATCH, ckpt_hdr_inotify_watch, handle.reserved,
		       1),
		CHANGE(FANOTIFY, ckpt_hdr_fanotify, flags, 0xffffffff),
		CHANGE(FANOTIFY, ckpt_hdr_fanotify, flags, FAN_REPORT_NAME),
		CHANGE(FANOTIFY, ckpt_hdr_fanotify, event_f_flags, 0xffffffff),
		CHANGE(FANOTIFY, ckpt_hdr_fanotify, event_f_flags, 3),
		CHANGE(FANOTIFY, ckpt_hdr_fanotify, max_events, 0xffffffff),
		CHANGE(FANOTIFY, ckpt_hdr_fanotify, reserved, 1),
		QUEUE(nr_events, 0),
		QUEUE(nr_events, 2),
		QUEUE(nr_events, 0xffffffff),
		QUEUE(nr_marks, 0),
		QUEUE(nr_marks, 0xffffffff),
		NEWS(0, kind, CKPT_FANOTIFY_OVERFLOW),
		NEWS(0, kind, CKPT_FANOTIFY_PATH),
		NEWS(0, kind, CKPT_FANOTIFY_FID),
		NEWS(0, kind, CKPT_FANOTIFY_KIND_MAX),
		NEWS(0, mask, 0xffffffff),
		NEWS(0, mask, FAN_OPEN_PERM),
		NEWS(0, pid, 0xffffffff),
		NEWS(0, handle_type[1], 0x100),
		NEWS(0, handle_len[0], 4),
		NEWS(0, handle_len[1], 0),
		NEWS(0, handle_len[1], 0xfffffffc),
		NEWS(0, handle_len[2], 0xfffffffc),
		NEWS(0, name_len[0], 0),
		NEWS(0, name_len[0], 0xffffffff),
		NEWS(0, name_len[1], 1),
		NEWS(1, kind, CKPT_FANOTIFY_NAME),
		NEWS(1, mnt, 0xffffffff),
		MARK(flags, 0xffffffff),
		MARK(flags, FAN_MARK_MOUNT),
		MARK(flags, FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM),
		MARK(mask, FAN_OPEN_PERM),
		MARK(mask, 0xffffffff),
		MARK(ignored_mask, 0xffffffff),
		MARK(mnt, 0xffffffff),
		MARK(i_mode, 0100600, ESTALE),
		MARK(reserved, 1),
		MARK(fsid[0], 1, ESTALE),
		MARK(handle.len, 8),
		MARK(handle.type, 1),
		CHANGE(PIDFD, ckpt_hdr_pidfd, pid, 0),
		CHANGE(PIDFD, ckpt_hdr_pidfd, pid, 0xffffffff),
		CHANGE(PIDFD, ckpt_hdr_pidfd, dead, 1),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

/* What is left of open files comes kind by kind: an epoll looks at others. */
HOSTILE_TEST(order_of_open_files)
{
	const struct ckpt_hdr_late_file *h, *next = NULL;
	struct image_rec *rec, *behind = NULL, *end;
	struct image bad;
	unsigned int i;

	image_copy(&bad, &self->image);
	for (i = 0; !behind; i++) {
		rec = image_find(&bad, CKPT_HDR_LATE_FILE, i);
		behind = image_find(&bad, CKPT_HDR_LATE_FILE, i + 1);
		ASSERT_NE(NULL, behind);
		h = (void *)(bad.data + rec->off);
		next = (void *)(bad.data + behind->off);
		if (h->kind == next->kind)
			behind = NULL;
	}
	ASSERT_NE(0, next->file);
	end = image_find(&bad, CKPT_HDR_LATE_FILE, i + 1);
	ASSERT_NE(NULL, end);
	/* one from behind comes first */
	memcpy(bad.data + rec->off, self->image.data + behind->off,
	       end->off - behind->off);
	memcpy(bad.data + rec->off + (end->off - behind->off),
	       self->image.data + rec->off, behind->off - rec->off);
	expect_invalid(_metadata, &self->v, &bad, "comes too late");
	EXPECT_TRUE(ckpt_logged(&self->v, "comes too late"));
	finish(_metadata, &self->v, &self->before);
}

/* No rights but those that the caller has: it may become nobody else. */
HOSTILE_TEST(rights_of_the_caller)
{
	struct ckpt_victim *v = &self->v;
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (setgid(1234) || setuid(1234))
			_exit(101);
		/* Not even this: CAP_CHECKPOINT_RESTORE is gone. */
		_exit(sys_restart(0, image_file(&self->image,
						self->image.size), 0, -1,
				  NULL, 0) != -1 || errno != EPERM);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	finish(_metadata, v, &self->before);
}

#define OPT(field, value)						\
	{ "option: " #field " = " #value, CKPT_HDR_SOCK_OPTS, 0,	\
	  sizeof(struct ckpt_hdr_sock_opts) +				\
	  offsetof(struct ckpt_sock_opt, field), 4, value }
#define FILES(value)							\
	{ "file in a message = " #value, CKPT_HDR_UNIX_MSG, 0,		\
	  sizeof(struct ckpt_hdr_unix_msg), 4, value }
#define LATE(n, field, value)						\
	CHANGE_NTH(UNIX_LATE, n, ckpt_hdr_unix_late, field, value)
#define MSG(n, field, value)						\
	CHANGE_NTH(UNIX_MSG, n, ckpt_hdr_unix_msg, field, value)

/* The first is a datagram socket, two and three a stream, the fourth listens */
HOSTILE_TEST(sockets)
{
	const struct change changes[] = {
		CHANGE(SOCK, ckpt_hdr_sock, family, 2),
		CHANGE(SOCK, ckpt_hdr_sock, family, 0xffffffff),
		CHANGE(SOCK, ckpt_hdr_sock, type, 0xffffffff),
		CHANGE(SOCK, ckpt_hdr_sock, type, SOCK_RAW),
		CHANGE(SOCK, ckpt_hdr_sock, type, SOCK_STREAM),
		CHANGE(SOCK, ckpt_hdr_sock, protocol, 7, EPROTONOSUPPORT),
		CHANGE(SOCK, ckpt_hdr_sock, flags, 0xffffffff),
		CHANGE(SOCK, ckpt_hdr_sock, flags, CKPT_SOCK_NO_FILE),
		CHANGE(SOCK, ckpt_hdr_sock, flags, CKPT_SOCK_DEAD),
		CHANGE(SOCK, ckpt_hdr_sock, net, 1),
		CHANGE(SOCK, ckpt_hdr_sock, net, 0xffffffff),
		CHANGE(SOCK, ckpt_hdr_sock, state, 7),
		CHANGE(SOCK, ckpt_hdr_sock, sndbuf, 0),
		CHANGE(SOCK, ckpt_hdr_sock, sndbuf, 0xffffffff),
		CHANGE(SOCK, ckpt_hdr_sock, rcvbuf, 0x80000000),
		CHANGE(SOCK, ckpt_hdr_sock, uid, 0xffffffff),
		CHANGE(SOCK, ckpt_hdr_sock, gid, 0xffffffff),
		CHANGE(SOCK, ckpt_hdr_sock, mode, 0xffffffff),
		CHANGE(SOCK, ckpt_hdr_sock, peer_cred, 1),
		CHANGE(SOCK, ckpt_hdr_sock, peer_cred, 0xffffffff),
		CHANGE(SOCK, ckpt_hdr_sock, peer_pid, 0xffffffff),
		CHANGE(SOCK, ckpt_hdr_sock, peer_dead, 1),
		CHANGE(SOCK, ckpt_hdr_sock, nr_opts, 0),
		CHANGE(SOCK, ckpt_hdr_sock, nr_opts, 1),
		CHANGE(SOCK, ckpt_hdr_sock, nr_opts, 0xffffffff),
		CHANGE(SOCK, ckpt_hdr_sock, nr_insns, 1),
		CHANGE(SOCK, ckpt_hdr_sock, nr_insns, 0xffffffff),
		OPT(name, 0xffffffff),
		OPT(name, SO_PEERCRED),
		OPT(len, 0xffffffff),
		OPT(len, 0),
		CHANGE(UNIX, ckpt_hdr_unix, name_len, 1),
		CHANGE(UNIX, ckpt_hdr_unix, name_len, 2),
		CHANGE(UNIX, ckpt_hdr_unix, name_len, 6),
		CHANGE(UNIX, ckpt_hdr_unix, name_len, 112),
		CHANGE(UNIX, ckpt_hdr_unix, name_len, 0xffffffff),
		CHANGE(UNIX, ckpt_hdr_unix, name[0], 2),
		CHANGE(UNIX, ckpt_hdr_unix, name[2], 0),
		CHANGE(UNIX, ckpt_hdr_unix, reserved, 1),
		LATE(0, flags, 0xffffffff),
		LATE(0, flags, CKPT_UNIX_BOUND),
		LATE(0, state, CKPT_UNIX_LISTEN),
		LATE(0, state, 0xffffffff),
		LATE(0, peer, 1),
		LATE(0, shutdown, 4),
		LATE(0, err, 0xffffffff),
		LATE(0, nr, 0),
		LATE(0, nr, 2),
		LATE(0, nr, 0xffffffff),
		LATE(0, mnt, 0xffffffff),
		LATE(1, state, CKPT_UNIX_CLOSE),
		LATE(1, state, CKPT_UNIX_LISTEN),
		LATE(1, peer, 0),
		LATE(1, peer, 0xffffffff),
		LATE(1, flags, CKPT_UNIX_BOUND),
		LATE(2, state, CKPT_UNIX_CLOSE),
		LATE(3, state, CKPT_UNIX_CLOSE),
		LATE(3, state, CKPT_UNIX_ESTABLISHED),
		LATE(3, nr, 0),
		MSG(0, sock, 0),
		MSG(0, sock, 1),
		MSG(0, sock, 0xffffffff),
		MSG(0, flags, 0xffffffff),
		MSG(0, flags, CKPT_UNIX_OOB),
		MSG(0, pid, 0xffffffff),
		MSG(0, dead, 1),
		MSG(0, uid, 0xffffffff),
		MSG(0, gid, 0xffffffff),
		MSG(0, len, 0),
		MSG(0, len, 9),
		MSG(0, len, 0xffffffff),
		MSG(0, head, 0xffffffff),
		MSG(0, consumed, 1),
		MSG(0, nr_files, 0),
		MSG(0, nr_files, 254),
		MSG(0, nr_files, 0xffffffff),
		MSG(0, user, 0xffffffff),
		MSG(0, reserved, 1),
		MSG(0, time_ns, ~0ULL),
		FILES(0),
		FILES(1),
		FILES(0xffffffff),
		MSG(1, flags, CKPT_UNIX_OOB),
		MSG(1, consumed, 4),
		MSG(1, consumed, 0xffffffff),
		MSG(2, sock, 1),
		MSG(2, len, 1),
		MSG(2, pid, 1),
		MSG(3, flags, CKPT_UNIX_OOB),
		MSG(4, consumed, 1),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

#define INET(field, value) CHANGE(INET, ckpt_hdr_inet, field, value)
#define INET_OPT(field, value)						\
	{ "internet option: " #field " = " #value, CKPT_HDR_INET, 0,	\
	  sizeof(struct ckpt_hdr_inet) +				\
	  offsetof(struct ckpt_inet_opt, field), 4, value }
#define GROUP(field, value)						\
	CHANGE(INET_GROUP, ckpt_hdr_inet_group, field, value)
#define DATA(field, value)						\
	CHANGE(INET_DATA, ckpt_hdr_inet_data, field, value)
#define ADDR(n, field, value)						\
	CHANGE_NTH(INET_ADDR, n, ckpt_hdr_inet_addr, field, value)
#define SKB(n, field, value)						\
	CHANGE_NTH(INET_SKB, n, ckpt_hdr_inet_skb, field, value)

#define CORK(field, value)						\
	CHANGE(UDP_CORK, ckpt_hdr_udp_cork, field, value)

/* The first has a datagram, the second an error, the third half a datagram */
HOSTILE_TEST(internet_sockets)
{
	const struct change changes[] = {
		INET(nr_opts, 0),
		INET(nr_opts, 0xffffffff),
		INET(nr_data, 0),
		INET(nr_data, 0xffffffff),
		INET(nr_groups, 0),
		INET(nr_groups, 0xffffffff),
		INET(v6only, 2),
		INET(srcprefs, 3),
		INET(srcprefs, 0xffffffff),
		INET(rcv_tos, 0x100),
		INET(uc_index, 0x7fffffff),
		INET(uc_index, 0xffffffff),
		INET(mc_index, 0x7fffffff),
		INET(ucast_oif, 0xffffffff),
		INET(mcast_oif, 0x7fffffff),
		INET(stamped, 2),
		INET(bound_dev[0], 'x'),
		INET(stamp_ns, 1ULL << 63),
		INET_OPT(level, 0),
		INET_OPT(level, 0xffffffff),
		DATA(level, 0),
		DATA(name, 0xffffffff),
		DATA(len, 0),
		DATA(len, 9),
		DATA(len, 0xffffffff),
		DATA(reserved, 1),
		GROUP(level, 0),
		GROUP(mode, CKPT_INET_MODE_MAX),
		GROUP(ifindex, 0),
		GROUP(ifindex, 0xffffffff),
		GROUP(nr_src, 1),
		GROUP(nr_src, 0xffffffff),
		GROUP(reserved, 1),
		GROUP(group[0], 0),
		CHANGE(UDP, ckpt_hdr_udp, flags, 0xffffffff),
		CHANGE(UDP, ckpt_hdr_udp, flags, CKPT_UDP_SEND_CSCOV),
		CHANGE(UDP, ckpt_hdr_udp, gso_size, 0x10000),
		CHANGE(UDP, ckpt_hdr_udp, send_cscov, 8),
		CHANGE(UDP, ckpt_hdr_udp, recv_cscov, 0xffffffff),
		CHANGE(RAW, ckpt_hdr_raw, checksum, 2),
		CHANGE(RAW, ckpt_hdr_raw, offset, 3),
		CHANGE(RAW, ckpt_hdr_raw, offset, 0xffffffff),
		ADDR(0, flags, 0xffffffff),
		ADDR(0, sport, 0x10000),
		ADDR(0, dport, 0xffffffff),
		ADDR(0, shutdown, 4),
		ADDR(0, err, 0xffffffff),
		ADDR(0, err_soft, 0xffffffff),
		ADDR(0, flow_label, 0xffffffff),
		ADDR(0, reserved, 1),
		CHANGE(INET_DGRAM, ckpt_hdr_inet_dgram, nr, 0),
		CHANGE(INET_DGRAM, ckpt_hdr_inet_dgram, nr, 0xffffffff),
		CHANGE(INET_DGRAM, ckpt_hdr_inet_dgram, nr_err, 1),
		SKB(0, flags, 0xffffffff),
		SKB(0, len, 0),
		SKB(0, len, 44),
		SKB(0, len, 0xffffffff),
		SKB(0, data, 0),
		SKB(0, data, 57),
		SKB(0, data, 0xffffffff),
		SKB(0, network, 57),
		SKB(0, network, 0xffffffff),
		SKB(0, transport, 0),
		SKB(0, transport, 0xfffffff8),
		SKB(0, iif, 0xffffffff),
		SKB(0, skb_iif, 0xffffffff),
		SKB(0, time_ns, ~0ULL),
		SKB(0, hwtime_ns, ~0ULL),
		SKB(0, addr_offset, 1),
		SKB(0, ee_errno, 1),
		SKB(0, port, 1),
		SKB(1, data, 0xffffffff),
		SKB(1, network, 0xffffffff),
		SKB(1, network, 4000),
		SKB(1, transport, 0xffffffff),
		SKB(1, addr_offset, 0),
		SKB(1, addr_offset, 0xffff),
		SKB(1, ee_errno, 0xffffffff),
		SKB(1, port, 0x10000),
		SKB(1, reserved, 1),
		CHANGE(INET_DGRAM, ckpt_hdr_inet_dgram, corked, 1),
		CHANGE(INET_DGRAM, ckpt_hdr_inet_dgram, reserved, 1),
		CORK(family, 0),
		CORK(family, AF_INET),
		CORK(len, 0),
		CORK(len, 0xffffffff),
		CORK(dport, 0),
		CORK(dport, 0x10000),
		CORK(oif, 0xffffffff),
		CORK(ttl, 0x100),
		CORK(tos, 0x100),
		CORK(gso_size, 0x10000),
		CORK(dontfrag, 2),
	};

	TRY(changes);
	finish(_metadata, &self->v, &self->before);
}

/* An end of a stream takes the place of others: who is whose is checked */
HOSTILE_TEST(peers)
{
	struct ckpt_hdr_unix_late *a, *b;
	struct ckpt_hdr_unix_msg *msg;
	struct ckpt_hdr_sock *sock;
	struct image bad;
	__u32 cred = 0;
	int i;

	image_copy(&bad, &self->image);
	a = image_at(&bad, CKPT_HDR_UNIX_LATE, 1);
	b = image_at(&bad, CKPT_HDR_UNIX_LATE, 2);
	/* both are their own */
	a->peer ^= b->peer;
	b->peer ^= a->peer;
	a->peer ^= b->peer;
	expect_invalid(_metadata, &self->v, &bad, "its own peer");

	/* the listener as a peer */
	image_copy(&bad, &self->image);
	a = image_at(&bad, CKPT_HDR_UNIX_LATE, 1);
	a->peer = ((struct ckpt_hdr_late_file *)
		   image_at(&bad, CKPT_HDR_LATE_FILE, 3))->file;
	expect_invalid(_metadata, &self->v, &bad, "connected to a listener");

	/* two that are connected to the same one */
	image_copy(&bad, &self->image);
	a = image_at(&bad, CKPT_HDR_UNIX_LATE, 1);
	b = image_at(&bad, CKPT_HDR_UNIX_LATE, 4);
	b->peer = a->peer;
	expect_invalid(_metadata, &self->v, &bad, "a peer of two");

	/* two bytes in a row that were received, the urgent one among them */
	image_copy(&bad, &self->image);
	for (i = 3; i < 5; i++) {
		msg = image_at(&bad, CKPT_HDR_UNIX_MSG, i);
		msg->consumed = 1;
		msg->flags &= ~CKPT_UNIX_OOB;
	}
	expect_invalid(_metadata, &self->v, &bad, "received twice");

	/* connect(2) would not let go of who was there before */
	image_copy(&bad, &self->image);
	for (i = 0; image_find(&bad, CKPT_HDR_SOCK, i); i++) {
		sock = image_at(&bad, CKPT_HDR_SOCK, i);
		if (sock->family != AF_UNIX || sock->type != SOCK_STREAM ||
		    sock->flags)
			continue;
		if (sock->peer_cred)
			cred = sock->peer_cred;
		else
			sock->peer_cred = cred;
	}
	expect_invalid(_metadata, &self->v, &bad, "a peer, not connected");

	/* a socket as what waits to be accepted, that has a file */
	image_copy(&bad, &self->image);
	a = image_at(&bad, CKPT_HDR_UNIX_LATE, 1);
	((struct ckpt_hdr_unix_msg *)
	 image_at(&bad, CKPT_HDR_UNIX_MSG, 2))->sock = a->peer;
	expect_invalid(_metadata, &self->v, &bad, "accepted before");

	finish(_metadata, &self->v, &self->before);
}

TEST_HARNESS_MAIN
