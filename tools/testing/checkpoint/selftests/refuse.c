// SPDX-License-Identifier: GPL-2.0
/*
 * What is not supported refuses the checkpoint by its name, and the tree runs
 * on as if nothing had been asked of it.
 */
#include "libckptnet.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/fuse.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <poll.h>
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/in6.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <time.h>

static struct ckpt_gate up, go;

/* Where the kernel, or its configuration, does not have it */
#define HAVE(fd)							\
	do {								\
		if ((fd) < 0)						\
			ckpt_skip("%s: %m", #fd);			\
	} while (0)

/* ------------------------------------------------------------------ files */

/* return 0xffff */
static int load_filter(void)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 0xffff },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2,
		.insns = (uintptr_t)insns, .license = (uintptr_t)"GPL",
	};
	int prog = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	HAVE(prog);
	return prog;
}

REFUSED(loaded_filter, "SO_ATTACH_BPF")
{
	int fd[2], prog = load_filter();
	char c;

	REQUIRE(!socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	HAVE(setsockopt(fd[0], SOL_SOCKET, SO_ATTACH_BPF, &prog,
			sizeof(prog)));
	close(prog);
	ckpt_ready();
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(read(fd[0], &c, 1), 1);
}

/* A map of sockets, which has the descriptor after it */
REFUSED(socket_in_a_map, "in a sockmap")
{
	union bpf_attr make = {
		.map_type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4,
		.value_size = 4, .max_entries = 1,
	};
	union bpf_attr put = {};
	__u32 key = 0;
	int fd[2], map;
	char c;

	REQUIRE(!socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	map = syscall(SYS_bpf, BPF_MAP_CREATE, &make, sizeof(make));
	HAVE(map);
	put.map_fd = map;
	put.key = (uintptr_t)&key;
	put.value = (uintptr_t)&fd[0];
	HAVE(syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &put, sizeof(put)));
	ckpt_ready();
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(read(fd[0], &c, 1), 1);
}

/* Half of a packet */
REFUSED(raw_more, "not complete (MSG_MORE)")
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_RAW, 253);

	HAVE(fd);
	HAVE(sendto(fd, "x", 1, MSG_MORE, (void *)&to, sizeof(to)));
	ckpt_ready();
	CHECK_EQ(sendto(fd, "y", 1, 0, (void *)&to, sizeof(to)), 1);
}

REFUSED(reuseport_program, "SO_ATTACH_REUSEPORT_EBPF")
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), prog = load_filter();

	HAVE(fd);
	HAVE(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 },
			sizeof(int)));
	HAVE(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &prog,
			sizeof(prog)));
	close(prog);
	ckpt_ready();
}

/* With a program or without one */
REFUSED(fanout_program, "PACKET_FANOUT_EBPF")
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = 1,
	};
	int group = 7 | PACKET_FANOUT_EBPF << 16;
	int fd, prog = load_filter();

	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	HAVE(fd);
	REQUIRE(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	HAVE(setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)));
	HAVE(setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &prog,
			sizeof(prog)));
	close(prog);
	ckpt_ready();
}

REFUSED(flow_label, "IPV6_FLOWLABEL_MGR")
{
	struct in6_flowlabel_req req = {
		.flr_dst = IN6ADDR_LOOPBACK_INIT, .flr_label = htonl(0x12345),
		.flr_action = IPV6_FL_A_GET, .flr_flags = IPV6_FL_F_CREATE,
		.flr_share = IPV6_FL_S_EXCL, .flr_expires = 60,
	};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	HAVE(fd);
	HAVE(setsockopt(fd, SOL_IPV6, IPV6_FLOWLABEL_MGR, &req, sizeof(req)));
	ckpt_ready();
}

REFUSED(tcp_fastopen, "socket: TCP_FASTOPEN: not supported")
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), queue = 5;

	HAVE(fd);
	HAVE(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)));
	REQUIRE(!listen(fd, 1));
	ckpt_ready();
	CHECK(!listen(fd, 1));
}

REFUSED(tcp_repair, "socket: TCP_REPAIR: not supported")
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	HAVE(fd);
	HAVE(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)));
	ckpt_ready();
	CHECK(!close(fd));
}

/* A socket that listens, or, with @peer, both ends of a connection to it */
static void make_stream(int type, int protocol, bool peer, int fd[2])
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(in);
	int l = socket(AF_INET, type, protocol);

	HAVE(l);
	REQUIRE(!bind(l, (void *)&in, sizeof(in)) && !listen(l, 1));
	if (!peer)
		return;
	REQUIRE(!getsockname(l, (void *)&in, &len));
	fd[0] = socket(AF_INET, type, protocol);
	REQUIRE(!connect(fd[0], (void *)&in, sizeof(in)));
	fd[1] = accept(l, NULL, NULL);
	REQUIRE(fd[1] >= 0 && !close(l));
}

static void stream(int type, int protocol, bool peer)
{
	int fd[2];
	char c;

	make_stream(type, protocol, peer, fd);
	ckpt_ready();
	if (peer) {
		CHECK_EQ(send(fd[0], "x", 1, MSG_NOSIGNAL), 1);
		CHECK_EQ(recv(fd[1], &c, 1, 0), 1);
	}
}

REFUSED(tcp_completion, "not received (MSG_ERRQUEUE)")
{
	struct pollfd p = {};
	int fd[2], on = 1;
	char c;

	make_stream(SOCK_STREAM, IPPROTO_TCP, true, fd);
	HAVE(setsockopt(fd[0], SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)));
	REQUIRE(send(fd[0], "x", 1, MSG_ZEROCOPY) == 1);
	REQUIRE(recv(fd[1], &c, 1, 0) == 1);
	p.fd = fd[0];
	REQUIRE(poll(&p, 1, CKPT_WAIT_S * 1000) == 1);
	ckpt_ready();
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLERR);
}

REFUSED(sctp, "socket: SCTP: not supported")
{
	stream(SOCK_STREAM, IPPROTO_SCTP, true);
}

REFUSED(sctp_listens, "socket: SCTP: not supported")
{
	stream(SOCK_SEQPACKET, IPPROTO_SCTP, false);
}

REFUSED(mptcp, "socket: MPTCP: not supported")
{
	stream(SOCK_STREAM, IPPROTO_MPTCP, true);
}

REFUSED(mptcp_listens, "socket: MPTCP: not supported")
{
	stream(SOCK_STREAM, IPPROTO_MPTCP, false);
}

/* In a network of its own, which its subflows use, too */
REFUSED_AS(mptcp_own, CKPT_CONTAINER, "socket: MPTCP: not supported")
{
	REQUIRE(!unshare(CLONE_NEWNET) && !net_up("lo", true));
	stream(SOCK_STREAM, IPPROTO_MPTCP, true);
}

REFUSED(netlink_list, "not received to its end")
{
	struct {
		struct nlmsghdr nlh;
		struct ifaddrmsg ifa;
	} get = {
		.nlh = {
			sizeof(get), RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP,
		},
	};
	char addr[32];
	int fd, i;

	HAVE(unshare(CLONE_NEWNET));
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	for (i = 0; i < 200; i++) {
		snprintf(addr, sizeof(addr), "10.0.%d.1", i);
		REQUIRE(!net_addr("lo", addr, 24, 0));
	}
	REQUIRE(send(fd, &get, sizeof(get), 0) == sizeof(get));
	ckpt_ready();
	CHECK(recv(fd, addr, sizeof(addr), 0) > 0);
}

REFUSED(netlink_audit, "in use for auditing")
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);

	HAVE(fd);
	REQUIRE(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	ckpt_ready();
}

REFUSED(packet_ring, "part of a packet ring")
{
	struct tpacket_req req = {
		.tp_block_size = 4096, .tp_frame_size = 2048,
		.tp_block_nr = 2, .tp_frame_nr = 4,
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	char *ring;

	HAVE(fd);
	REQUIRE(!setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)));
	ring = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(ring != MAP_FAILED);
	REQUIRE(!munmap(ring, 4096));
	ckpt_ready();
	CHECK(!close(fd));
}

/* Its parent is gone, so that it belongs to whoever started the tree. */
static pid_t adds_and_leaves(int ep, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int status, end[2];
	pid_t pid;
	char c;

	REQUIRE(!pipe(end));
	pid = fork();
	if (!pid) {
		if (fork())
			_exit(0);
		pid = getpid();
		REQUIRE(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
		REQUIRE(write(end[1], &pid, sizeof(pid)) == sizeof(pid));
		close(ep);
		close(fd);
		close(end[0]);
		close(end[1]);
		for (;;)
			pause();
	}
	REQUIRE(waitpid(pid, &status, 0) == pid && !status);
	close(end[1]);
	REQUIRE(read(end[0], &pid, sizeof(pid)) == sizeof(pid));
	REQUIRE(read(end[0], &c, 1) == 0);
	close(end[0]);
	return pid;
}

REFUSED(signals_of_others, "tells the signals of a process outside")
{
	int ep = epoll_create1(0), fd;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	fd = signalfd(-1, &set, 0);
	REQUIRE(ep >= 0 && fd >= 0);
	pid = adds_and_leaves(ep, fd);
	ckpt_ready();
	kill(pid, SIGKILL);
}

REFUSED(io_ring, "io_uring")
{
	struct io_uring_params params = { 0 };

	HAVE(syscall(SYS_io_uring_setup, 4, &params));
	ckpt_ready();
}

/* The peak since it was written to is known to the open file alone. */
REFUSED(memory_peak, "it may count a peak of its own")
{
	char dir[64], path[96];
	int fd;

	snprintf(dir, sizeof(dir), "/sys/fs/cgroup/refuse.%d", getpid());
	HAVE(mkdir(dir, 0755));
	snprintf(path, sizeof(path), "%s/memory.peak", dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	REQUIRE(fd >= 0 && write(fd, "reset", 5) == 5);
	ckpt_ready();
	CHECK(!close(fd) && !rmdir(dir));
}

REFUSED(page_faults, "userfaultfd")
{
	HAVE(syscall(SYS_userfaultfd, O_CLOEXEC));
	ckpt_ready();
}

REFUSED(removed_and_told_of, "which cannot be reached any more")
{
	int fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY), file;

	HAVE(fd);
	REQUIRE(!fanotify_mark(fd, FAN_MARK_ADD, FAN_CLOSE | FAN_EVENT_ON_CHILD,
			       AT_FDCWD, "."));
	file = open("file", O_RDWR | O_CREAT, 0600);
	REQUIRE(file >= 0 && !close(file) && !unlink("file"));
	ckpt_ready();
}

REFUSED(process_descriptor, "pidfd of process")
{
	HAVE(syscall(SYS_pidfd_open, getppid(), 0));
	ckpt_ready();
}

REFUSED(memory_file_with_attributes, "extended attributes of a memfd")
{
	int fd = memfd_create("a memfd", 0);

	HAVE(fd);
	if (fsetxattr(fd, "trusted.test", "x", 1, 0))
		ckpt_skip("trusted.test: %m");
	ckpt_ready();
}

REFUSED(memory_file_with_acl, "access control list of a memfd")
{
	/* version 2: user::rw- user:7:r-- group::--- mask::rw- other::--- */
	static const unsigned char acl[44] = {
		2, 0, 0, 0,
		0x01, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,
		0x02, 0, 4, 0, 7, 0, 0, 0,
		0x04, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
		0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,
		0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
	};
	int fd = memfd_create("a memfd", 0);

	HAVE(fd);
	if (fsetxattr(fd, "system.posix_acl_access", acl, sizeof(acl), 0))
		ckpt_skip("system.posix_acl_access: %m");
	ckpt_ready();
}

REFUSED(secret_memory_file, "secretmem")
{
	int fd = syscall(SYS_memfd_secret, 0);

	HAVE(fd);
	ckpt_ready();
}

REFUSED(proc_file_of_another, "of a process outside of the tree")
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", getppid());
	HAVE(open(path, O_RDONLY));
	ckpt_ready();
}

REFUSED(proc_file_of_memory, "it shows memory")
{
	int fd = open("/proc/self/maps", O_RDONLY);
	char c;

	REQUIRE(fd >= 0);
	ckpt_ready();
	CHECK_EQ(read(fd, &c, 1), 1);
}

REFUSED(device, "/dev/")
{
	/* a terminal of the kind that there was before devpts */
	HAVE(open("/dev/ptyp0", O_RDWR | O_NOCTTY));
	ckpt_ready();
}

/* ----------------------------------------------------------------- memory */

REFUSED(system_v_memory, "System V")
{
	int id = shmget(IPC_PRIVATE, 4096, 0600);
	char *mem;

	HAVE(id);
	mem = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	REQUIRE(mem != (void *)-1);
	ckpt_ready();
	*mem = 1;
}

REFUSED(secret_memory, "memfd_secret")
{
	int fd = syscall(SYS_memfd_secret, 0);
	char *mem;

	HAVE(fd);
	REQUIRE(!ftruncate(fd, 4096));
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(mem != MAP_FAILED);
	close(fd);
	ckpt_ready();
	*mem = 1;
}

REFUSED(asynchronous_io, "io_setup")
{
	unsigned long ctx = 0;

	HAVE(syscall(SYS_io_setup, 8, &ctx));
	ckpt_ready();
	CHECK(!syscall(SYS_io_destroy, ctx));
}

/* ------------------------------------------------------------------ tasks */

REFUSED(seccomp_listener, "with a listener")
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { .len = 1, .filter = &allow };
	int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			 SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);

	HAVE(fd);
	/* not for the descriptor */
	REQUIRE(!fcntl(fd, F_SETFD, FD_CLOEXEC));
	ckpt_ready();
}

REFUSED(landlock, "landlock")
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SOCK,
	};
	int fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	HAVE(fd);
	REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	REQUIRE(!syscall(SYS_landlock_restrict_self, fd, 0));
	close(fd);
	ckpt_ready();
}

/* ------------------------------------------------------------- namespaces */

REFUSED(multicast_address, "dm0: multicast address added by hand")
{
	struct ifreq ifr = { .ifr_name = "dm0" };
	int fd;

	HAVE(unshare(CLONE_NEWNET));
	HAVE(net_make("dm0", "dummy", 0));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	memcpy(ifr.ifr_hwaddr.sa_data, "\1\0\136\1\2\3", 6);
	REQUIRE(!ioctl(fd, SIOCADDMULTI, &ifr) && !close(fd));
	ckpt_ready();
	CHECK(if_nametoindex("dm0"));
}

static int waits(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(arg);
	return 0;
}

/* Its parent is gone, so that it belongs to whoever started the tree. */
static pid_t init_outside(void *arg)
{
	int fd[2], status;
	pid_t pid, init;

	REQUIRE(!pipe(fd));
	pid = fork();
	if (!pid) {
		init = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, NULL, NULL,
			       0);
		if (!init) {
			close(fd[0]);
			close(fd[1]);
			_exit(waits(arg));
		}
		REQUIRE(write(fd[1], &init, sizeof(init)) == sizeof(init));
		_exit(0);
	}
	REQUIRE(read(fd[0], &init, sizeof(init)) == sizeof(init));
	REQUIRE(waitpid(pid, &status, 0) == pid && !status);
	close(fd[0]);
	close(fd[1]);
	return init;
}

/* Children are made in a pid namespace whose init waits for @end. */
static void enter_outside(struct ckpt_gate *end)
{
	int fd;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_gate_init(end);
	fd = syscall(SYS_pidfd_open, init_outside(end), 0);
	HAVE(fd);
	ckpt_gate_wait(&up);
	REQUIRE(!setns(fd, CLONE_NEWPID));
	close(fd);
}

REFUSED(children_of_others, "children are to live in a pid namespace whose init is")
{
	struct ckpt_gate end;

	enter_outside(&end);
	ckpt_ready();
	ckpt_gate_open(&end, 1);
}

REFUSED(pid_namespace_of_others, "whose init is outside of the tree")
{
	struct ckpt_gate end;
	pid_t pid;

	enter_outside(&end);
	pid = ckpt_fork(waits, &go);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	ckpt_gate_open(&end, 1);
}

REFUSED(created_segment, "System V shared memory that it created")
{
	int id = shmget(IPC_PRIVATE, 4096, 0600);

	HAVE(id);
	ckpt_ready();
	CHECK(!shmctl(id, IPC_RMID, NULL));
}

REFUSED_AS(segment_left_behind, CKPT_CONTAINER, "that it has left")
{
	int old = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC), new;

	HAVE(unshare(CLONE_NEWIPC));
	HAVE(shmget(IPC_PRIVATE, 4096, 0600));
	new = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
	REQUIRE(new >= 0 && !setns(old, CLONE_NEWIPC));
	ckpt_ready();
	close(new);
	close(old);
}

REFUSED(unlinked_queue, "POSIX message queue")
{
	char name[32];
	mqd_t mq;

	snprintf(name, sizeof(name), "/refuse.%d", getpid());
	mq = mq_open(name, O_CREAT | O_RDWR, 0600, NULL);
	HAVE(mq);
	REQUIRE(!mq_unlink(name));
	ckpt_ready();
	CHECK(!mq_close(mq));
}

REFUSED(notified_from_outside, "and notifies process")
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	char name[32];
	mqd_t mq;

	snprintf(name, sizeof(name), "/refuse.%d", getpid());
	mq = mq_open(name, O_CREAT | O_RDWR, 0600, NULL);
	HAVE(mq);
	REQUIRE(!mq_notify(mq, &event));
	ckpt_ready();
	CHECK_EQ(mq_notify(mq, &event), -1);
	CHECK_EQ(errno, EBUSY);
	CHECK(!mq_unlink(name) && !mq_close(mq));
}

/* ------------------------------------------- a file system of the tree */

static int fuse;

static void answer(const struct fuse_in_header *in, int error, void *data,
		   size_t len)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + len,
		.error = -error,
		.unique = in->unique,
	};
	struct iovec iov[2] = {
		{ .iov_base = &out, .iov_len = sizeof(out) },
		{ .iov_base = data, .iov_len = len },
	};

	/* who asked may have been interrupted */
	CHECK(writev(fuse, iov, 2) > 0 || errno == ENOENT);
}

static struct fuse_attr attr_of(uint64_t node)
{
	struct fuse_attr attr = {
		.ino = node,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
		.nlink = 1,
	};

	return attr;
}

/* It has one file, which is asked for each time that it is looked up. */
static int serves(void *arg)
{
	static uint64_t buf[8 * 1024];
	struct fuse_in_header *in = (void *)buf;
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = 4096,
	};
	struct fuse_entry_out entry = { .nodeid = 2, .attr = attr_of(2) };
	struct fuse_open_out opened = {};
	struct fuse_attr_out attr = {};

	while (read(fuse, buf, sizeof(buf)) > 0) {
		switch (in->opcode) {
		case FUSE_INIT:
			answer(in, 0, &init, sizeof(init));
			break;
		case FUSE_LOOKUP:
			answer(in, 0, &entry, sizeof(entry));
			break;
		case FUSE_GETATTR:
			attr.attr = attr_of(in->nodeid);
			answer(in, 0, &attr, sizeof(attr));
			break;
		case FUSE_OPEN:
			answer(in, 0, &opened, sizeof(opened));
			break;
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
		case FUSE_INTERRUPT:
			break;
		default:
			answer(in, ENOSYS, NULL, 0);
		}
	}
	CHECK_EQ(errno, ENODEV);
	return 0;
}

/* The file of it that the first task has open cannot be looked up. */
REFUSED_AS(serves_itself, CKPT_CONTAINER, "'/dev/fuse' (device 10:229) is open")
{
	char options[64];
	pid_t pid;
	int fd;

	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	HAVE(fuse);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	REQUIRE(!mkdir("mnt", 0755) || errno == EEXIST);
	REQUIRE(!mount("none", "mnt", "fuse", 0, options));
	pid = ckpt_fork(serves, NULL);
	close(fuse);
	fd = open("mnt/file", O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	ckpt_ready();
	CHECK(!close(fd) && !access("mnt/file", F_OK));
	CHECK(!umount("mnt"));
	ckpt_join(pid, 0);
}

/* Left out where the caller says so: it is the caller's then. */
CKPT_VICTIM(has_net_namespace)
{
	HAVE(unshare(CLONE_NEWNET));
	ckpt_ready();
}

DRIVER_TEST(net_namespace_left_out)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "has_net_namespace", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ret = ckpt_checkpoint(v, CHECKPOINT_KILL | CHECKPOINT_NONETNS);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	ckpt_reaped(v);
	ckpt_restart_finish(v);
}

TEST_HARNESS_MAIN
