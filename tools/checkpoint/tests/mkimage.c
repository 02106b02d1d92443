// SPDX-License-Identifier: GPL-2.0
/*
 * Write an image that has a record of each type, as if of
 *
 *	1 sh --+-- 5 tar (two threads)
 *	       +-- 6 xz, stopped, whose parent shares its memory (vfork)
 *	       +-- 7 a zombie
 *	       `-- 8 names made to hurt, and a session whose leader is gone
 *
 * Options: --error ends it with the reason why the checkpoint failed; --chain N
 * adds a chain of N processes; --nest N nests N objects; --pages N adds N pages
 * of memory.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xxhash.h>

#include <linux/checkpoint.h>
#include <linux/checkpoint_hdr.h>

#include "array.h"

#define PAGE		4096
#define NONE		(~0u)
static uint64_t off, records;
static uint32_t crc = ~0;

static void put(const void *data, size_t len, bool summed)
{
	const unsigned char *p = data;
	size_t i;
	int bit;

	for (i = 0; summed && i < len; i++) {
		crc ^= p[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	if (fwrite(data, 1, len, stdout) != len)
		exit(1);
	off += len;
}

/* One record of @fixed and @tail, which is padded */
static void rec2(uint32_t type, void *fixed, size_t fixed_len,
		 const void *tail, size_t len)
{
	static const char zeros[8];
	struct ckpt_hdr *h = fixed;
	size_t pad = -len & 7;

	h->type = type;
	h->len = fixed_len + len + pad;
	put(fixed, fixed_len, true);
	put(tail, len, true);
	put(zeros, pad, true);
	records++;
}

#define REC(t, s, ...) do {						\
	struct ckpt_hdr_##s r_ = { __VA_ARGS__ };			\
									\
	rec2(CKPT_HDR_##t, &r_, sizeof(r_), NULL, 0);			\
} while (0)

static void string(const char *text)
{
	struct ckpt_hdr h;

	rec2(CKPT_HDR_STRING, &h, sizeof(h), text, strlen(text) + 1);
}

static void object(uint32_t ref, uint32_t type)
{
	REC(OBJECT, object, .objref = ref, .objtype = type);
}

static void ref(uint32_t type, uint32_t objref)
{
	struct ckpt_hdr_task_ref r = { .objref = objref };

	rec2(type, &r, sizeof(r), NULL, 0);
}

/* Pages at @addr, in two extents with a hole of a page between them */
static void pages(uint64_t addr, uint32_t nr)
{
	struct {
		struct ckpt_hdr_pages h;
		struct ckpt_extent e[2];
	} r = {};
	static char data[CKPT_PAGES_MAX_PAGES * PAGE];
	static const char zeros[PAGE];
	uint32_t i, first = nr > 1 ? nr / 2 : nr;
	size_t len;

	for (i = 0; i < nr; i++)
		memset(data + i * PAGE, 'a' + i % 26, PAGE);
	r.e[0] = (struct ckpt_extent){
		.addr = addr, .nr_pages = first,
		.xxh64 = XXH64(data, first * PAGE, 0),
	};
	r.h.nr_extents = 1;
	if (nr > first) {
		r.e[1] = (struct ckpt_extent){
			.addr = addr + (first + 1) * PAGE,
			.nr_pages = nr - first,
			.xxh64 = XXH64(data + first * PAGE,
				       (nr - first) * PAGE, 0),
		};
		r.h.nr_extents = 2;
	}
	len = sizeof(r.h) + r.h.nr_extents * sizeof(r.e[0]);
	r.h.pad = -(off + len) & (PAGE - 1);
	rec2(CKPT_HDR_PAGES, &r, len, NULL, 0);
	put(zeros, r.h.pad, false);
	put(data, nr * PAGE, false);
}

static void no_more_pages(void)
{
	REC(PAGES, pages, .nr_extents = 0);
}

static void locks(uint32_t kind, uint32_t fd)
{
	struct { struct ckpt_hdr_locks h; struct ckpt_lock l; } r = {
		.l = { .kind = kind, .type = F_WRLCK, .fd = fd, .pid = 1,
		       .start = 1ull << 30, .end = INT64_MAX },
	};

	rec2(CKPT_HDR_LOCKS, &r, sizeof(r), NULL, 0);
	rec2(CKPT_HDR_LOCKS, &r, sizeof(r.h), NULL, 0);
}

static void file(uint32_t objref, uint32_t kind, uint32_t flags, uint64_t pos,
		 uint32_t inner, const char *path)
{
	uint32_t removed = kind == CKPT_FILE_REMOVED ? inner : 0;

	object(objref, CKPT_OBJ_FILE);
	if (inner && kind == CKPT_FILE_PIPE && objref == 21) {
		static const char data[] = "bytes in a pipe, and more";
		struct ckpt_hdr_pipe_data d;
		struct {
			struct ckpt_hdr_pipe_bufs h;
			struct ckpt_pipe_buf b;
		} bufs = { .b = { .len = sizeof(data) } };
		int i;

		object(inner, CKPT_OBJ_PIPE);
		REC(PIPE, pipe, .ring_size = 16, .nr_bufs = 2,
		    .nr_accounted = 16);
		for (i = 0; i < 2; i++) {
			rec2(CKPT_HDR_PIPE_BUFS, &bufs, sizeof(bufs), NULL, 0);
			rec2(CKPT_HDR_PIPE_DATA, &d, sizeof(d), data,
			     sizeof(data));
		}
	}
	if (removed) {
		struct {
			struct ckpt_hdr_sb_xattr h;
			char value[8];
		} xattr = { .h.len = 3, .value = "abc" };

		object(removed, CKPT_OBJ_REMOVED);
		REC(REMOVED, removed, .mode = S_IFREG | 0600, .nr_xattrs = 1,
		    .size = 9 * PAGE, .mtime = 1700000000, .alloc_end = 10);
		string("/tmp");
		rec2(CKPT_HDR_SB_XATTR, &xattr, sizeof(xattr), NULL, 0);
		string("user.test");
		pages(PAGE, 3);
		no_more_pages();
		REC(SB_ALLOC, sb_alloc, .nr = 0);
	}
	REC(FILE, file, .kind = kind, .f_flags = flags,
	    .inner = removed ? 0 : inner, .removed = removed,
	    .flags = objref == 22 ? CKPT_FILEF_LOCKS : 0,
	    .f_pos = pos, .i_mode = S_IFREG | 0644, .dev = 0x801, .ino = 1234,
	    .size = 99999, .mtime_ns = -1);
	string(path);
	if (objref == 22)
		locks(CKPT_LOCK_OFD, 0);
}

static void shmem(uint32_t objref)
{
	object(objref, CKPT_OBJ_SHMEM);
	REC(SHMEM, shmem, .size = 16 * PAGE);
	string("/dev/zero (deleted)");
	pages(2 * PAGE, 4);
	no_more_pages();
}

/* Pages that the address space @from has, too, and nothing else */
static void same_pages(uint64_t addr, uint32_t nr, uint32_t from)
{
	struct {
		struct ckpt_hdr_pages h;
		struct ckpt_extent e;
	} r = {
		.h.nr_extents = 1,
		.e = { .addr = addr, .nr_pages = nr, .kind = CKPT_EXTENT_SAME,
		       .from = from },
	};

	rec2(CKPT_HDR_PAGES, &r, sizeof(r), NULL, 0);
}

static void mm(uint32_t objref, uint32_t exe, uint32_t shared, uint32_t extra)
{
	const uint64_t base = 0x555500000000, shm = 0x7f0000000000;
	const struct {
		uint32_t kind, file, flags, pages;
		uint64_t start, pgoff;
	} v[] = {
		{ CKPT_VMA_FILE, exe, 0x75, 8, base, 0 },
		{ CKPT_VMA_FILE, exe, 0x73, 2, base + 8 * PAGE, 8 },
		{ CKPT_VMA_ANON, 0, 0x73, 2000, base + 0x100000, 0 },
		{ CKPT_VMA_SHMEM, shared, 0xfb, 4, shm, 4 },
		{ CKPT_VMA_ANON, 0, 0x73, 16 + extra, shm + 0x100000, 0 },
		{ CKPT_VMA_ANON, 0, 0x173, 33, 0x7ffff0000000, 0 },
		{ CKPT_VMA_VVAR, 0, 0x71, 4, 0x7ffff7000000, 0 },
		{ CKPT_VMA_VDSO, 0, 0x75, 2, 0x7ffff7004000, 0 },
	};
	size_t i;

	object(objref, CKPT_OBJ_MM);
	if (exe == 30)
		file(exe, CKPT_FILE_REG, O_RDONLY, 0, 0, "/usr/bin/dash");
	REC(MM, mm, .nr_vmas = ARRAY_SIZE(v), .exe_file = exe,
	    .start_code = base, .start_brk = base + 0x100000,
	    .brk = base + 0x110000, .start_stack = 0x7ffff0010000,
	    .vdso = 0x7ffff7004000, .exec_pkey = -1);
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		if (v[i].kind == CKPT_VMA_SHMEM && exe == 30)
			shmem(31);
		if (i == 2 && exe == 30) {
			object(97, CKPT_OBJ_ANON);
			REC(ANON, anon, .reserved = 0);
		}
		REC(VMA, vma, .kind = v[i].kind, .file = v[i].file,
		    .anon = i == 2 ? 97 : 0,
		    .start = v[i].start,
		    .end = v[i].start + (uint64_t)v[i].pages * PAGE,
		    .flags = v[i].flags, .pgoff = v[i].pgoff, .name = i == 4,
		    .policy = i == 4);
		if (i == 4)
			string("arena \033[31mred\033[0m");
		if (i == 4) {
			struct ckpt_hdr_mempolicy policy = {
				.mode = 2, .home_node = -1,
			};
			const uint64_t nodes = 3;

			rec2(CKPT_HDR_MEMPOLICY, &policy, sizeof(policy),
			     &nodes, sizeof(nodes));
		}
	}
	pages(base + 8 * PAGE, 1);
	pages(base + 0x100000, 9);
	if (exe != 30)
		same_pages(base + 0x110000, 1984, 17);
	for (i = 0; i + 1000 <= extra; i += 1000)
		pages(shm + 0x100000 + i * PAGE, 999);
	pages(0x7ffff0010000, 3);
	no_more_pages();
}

static void sock(uint32_t objref, uint32_t flags)
{
	struct {
		struct ckpt_hdr_sock_opts h;
		struct ckpt_sock_opt opt[2];
	} opts = {
		.opt = {
			{ .name = 16, .len = 4, .value = { 1 } },
			{ .name = 13, .len = 8 },
		},
	};

	object(objref, CKPT_OBJ_SOCK);
	REC(SOCK, sock, .family = 1, .type = 2, .flags = flags, .state = !flags,
	    .sndbuf = 212992, .rcvbuf = 212992, .rcvtimeo_us = ~0ull,
	    .sndtimeo_us = 1000000, .mode = 0777, .nr_opts = flags ? 0 : 2);
	if (!flags)
		rec2(CKPT_HDR_SOCK_OPTS, &opts, sizeof(opts), NULL, 0);
	REC(UNIX, unix, .name_len = 14, .name = "\1\0/run/socket");
}

static void sock_record(uint32_t objref, uint32_t family)
{
	object(objref, CKPT_OBJ_SOCK);
	REC(SOCK, sock, .family = family, .type = 3, .state = 1,
	    .sndbuf = 212992, .rcvbuf = 212992, .rcvtimeo_us = ~0ull,
	    .sndtimeo_us = ~0ull, .mode = 0777);
}

/* A netlink socket, and one of packets */
static void net_socks(uint32_t first)
{
	struct {
		struct ckpt_hdr_packet h;
		struct ckpt_packet_member member;
	} packet = {
		.h = {
			.flags = CKPT_PACKET_AUXDATA | CKPT_PACKET_RX_RING,
			.nr_members = 1,
		},
		.member = { .ifindex = 1, .count = 1, .type = 1 },
	};

	struct ckpt_hdr_packet_bytes bytes = { .offset = 2048, .size = 4 };

	sock_record(first, 16);
	REC(NETLINK, netlink, .flags = CKPT_NETLINK_BOUND, .portid = 4711);
	file(first + 1, CKPT_FILE_SOCKET, O_RDWR, 0, first, "socket:[100]");
	sock_record(first + 2, 17);
	rec2(CKPT_HDR_PACKET, &packet, sizeof(packet), NULL, 0);
	REC(PACKET_RING, packet_ring, .block_size = 4096, .block_nr = 2,
	    .frame_size = 2048, .frame_nr = 4, .head = 1);
	rec2(CKPT_HDR_PACKET_BYTES, &bytes, sizeof(bytes), "ring", 4);
	REC(PACKET_BYTES, packet_bytes, .after = 1);
	file(first + 3, CKPT_FILE_SOCKET, O_RDWR, 0, first + 2, "socket:[101]");
}

static void late_net_socks(uint32_t first)
{
	struct ckpt_hdr_netlink_late late = { .nr = 1, .nr_groups = 2 };
	struct ckpt_hdr_sock_group group = { .nr = 1, .nr_insns = 1 };
	struct ckpt_sock_insn accept = { .code = 6 };
	struct ckpt_hdr h;

	REC(LATE_FILE, late_file, .file = first, .kind = CKPT_FILE_SOCKET);
	rec2(CKPT_HDR_NETLINK_LATE, &late, sizeof(late),
	     (uint32_t[]){ 1, 5 }, 8);
	REC(NETLINK_MSG, netlink_msg, .flags = CKPT_NETLINK_KERNEL,
	    .dst_group = 1, .len = 5);
	rec2(CKPT_HDR_SOCK_DATA, &h, sizeof(h), "hello", 5);
	REC(LATE_FILE, late_file, .file = first + 2, .kind = CKPT_FILE_SOCKET);
	REC(PACKET_LATE, packet_late, .nr = 1, .ifindex = 1, .protocol = 3);
	REC(PACKET_MSG, packet_msg, .len = 3, .head = 3, .mac = 2,
	    .orig_len = 3, .ifindex = 1, .protocol = 0x800);
	rec2(CKPT_HDR_SOCK_DATA, &h, sizeof(h), "hello", 5);
	REC(LATE_FILE, late_file, .file = first + 2,
	    .kind = CKPT_FILE_SOCK_GROUP);
	rec2(CKPT_HDR_SOCK_GROUP, &group, sizeof(group),
	     (uint32_t[]){ first + 2, 0 }, 8);
	rec2(CKPT_HDR_SOCK_FILTER, &h, sizeof(h), &accept, sizeof(accept));
}

/* Descriptors of events: @first and those after it */
static void event_files(uint32_t first)
{
	file(first, CKPT_FILE_EVENTFD, O_RDWR, 0, 0, "anon_inode:[eventfd]");
	REC(EVENTFD, eventfd, .count = 3, .semaphore = 1);
	file(first + 1, CKPT_FILE_TIMERFD, O_RDWR, 0, 0,
	     "anon_inode:[timerfd]");
	REC(TIMERFD, timerfd, .clockid = 1, .flags = CKPT_TIMERFD_ARMED,
	    .value_ns = 1000000, .ticks = 2);
	file(first + 2, CKPT_FILE_SIGNALFD, O_RDWR, 0, 0,
	     "anon_inode:[signalfd]");
	REC(SIGNALFD, signalfd, .mask.sig = 1 << 16);
	file(first + 3, CKPT_FILE_EPOLL, O_RDWR, 0, 0,
	     "anon_inode:[eventpoll]");
	file(first + 4, CKPT_FILE_INOTIFY, O_RDONLY, 0, 0,
	     "anon_inode:inotify");
	file(first + 5, CKPT_FILE_PIDFD, O_RDWR, 0, 0, "anon_inode:[pidfd]");
	file(first + 7, CKPT_FILE_FANOTIFY, O_RDWR, 0, 0,
	     "anon_inode:[fanotify]");
	REC(FANOTIFY, fanotify, .flags = 0xc00, .max_events = 16384);
	sock(first + 8, 0);
	file(first + 9, CKPT_FILE_SOCKET, O_RDWR, 0, first + 8, "socket:[99]");
}

/* What is in the queue of the socket @ref, from one that is closed */
static void late_sock(uint32_t ref)
{
	struct ckpt_hdr_unix_msg msg = {
		.sock = ref + 2, .flags = CKPT_UNIX_CREDS, .pid = 1, .len = 11,
		.head = 11, .consumed = 6, .nr_files = 1,
		.time_ns = 1700000000000000000,
	};
	struct ckpt_hdr h;

	REC(LATE_FILE, late_file, .file = ref, .kind = CKPT_FILE_SOCKET);
	REC(UNIX_LATE, unix_late, .state = CKPT_UNIX_CLOSE, .backlog = 10,
	    .flags = CKPT_UNIX_BOUND | CKPT_UNIX_PATH, .nr = 1, .mode = 0755);
	string("/run/socket");
	sock(ref + 2, CKPT_SOCK_DEAD);
	rec2(CKPT_HDR_UNIX_MSG, &msg, sizeof(msg), &(uint32_t){ 20 }, 4);
	rec2(CKPT_HDR_SOCK_DATA, &h, sizeof(h), "world", 5);
}

/* A UDP socket, a member of a group, and a raw IPv6 one */
static void inet_files(uint32_t first)
{
	struct {
		struct ckpt_hdr_inet h;
		struct ckpt_inet_opt opt[2];
	} inet = {
		.h = { .nr_opts = 2, .nr_data = 1, .nr_groups = 1,
		       .stamp_ns = -1000000000 },
		.opt = {
			{ .level = 0, .name = 2, .value = -1 },
			{ .level = 0, .name = 1, .value = 8 },
		},
	};
	struct ckpt_hdr_inet_data data = { .name = 4, .len = 3 };
	struct {
		struct ckpt_hdr_sock_filter h;
		struct ckpt_sock_insn insn[1];
	} filter = { .insn = { { .code = 6, .k = 0xffff } } };
	struct ckpt_hdr_inet_group group = {
		.ifindex = 1, .nr_src = 1,
		.group = { [10] = 0xff, 0xff, 224, 0, 0, 17 },
	};

	object(first, CKPT_OBJ_SOCK);
	REC(SOCK, sock, .family = 2, .type = 2, .protocol = 17, .state = 1,
	    .sndbuf = 212992, .rcvbuf = 212992, .rcvtimeo_us = ~0ull,
	    .sndtimeo_us = ~0ull, .mode = 0777, .nr_insns = 1);
	rec2(CKPT_HDR_SOCK_FILTER, &filter, sizeof(filter), NULL, 0);
	rec2(CKPT_HDR_INET, &inet, sizeof(inet), NULL, 0);
	rec2(CKPT_HDR_INET_DATA, &data, sizeof(data), "\1\1\1", 3);
	rec2(CKPT_HDR_INET_GROUP, &group, sizeof(group), group.group, 16);
	REC(UDP, udp, .flags = CKPT_UDP_GRO, .gso_size = 1200);
	file(first + 1, CKPT_FILE_SOCKET, O_RDWR, 0, first, "socket:[130]");
	object(first + 2, CKPT_OBJ_SOCK);
	REC(SOCK, sock, .family = 10, .type = 3, .protocol = 58, .state = 1,
	    .sndbuf = 212992, .rcvbuf = 212992, .rcvtimeo_us = ~0ull,
	    .sndtimeo_us = ~0ull, .mode = 0777);
	REC(INET, inet, .v6only = 1);
	REC(RAW, raw, .checksum = 1, .offset = 2, .filter = { 1 });
	file(first + 3, CKPT_FILE_SOCKET, O_RDWR, 0, first + 2, "socket:[132]");
}

/* What is left of them */
static void late_inet(uint32_t first)
{
	struct ckpt_hdr h;

	REC(LATE_FILE, late_file, .file = first, .kind = CKPT_FILE_SOCKET);
	REC(INET_ADDR, inet_addr, .flags = CKPT_INET_PORT_LOCK, .sport = 53);
	REC(INET_DGRAM, inet_dgram, .nr = 1, .nr_err = 1, .corked = 1);
	REC(INET_SKB, inet_skb, .len = 5, .time_ns = 1700000000000000000);
	rec2(CKPT_HDR_SOCK_DATA, &h, sizeof(h), "hello", 5);
	REC(INET_SKB, inet_skb, .ee_errno = 111, .ee_origin = 2);
	REC(UDP_CORK, udp_cork, .family = 2, .len = 4, .dport = 9, .tos = -1);
	rec2(CKPT_HDR_SOCK_DATA, &h, sizeof(h), "half", 4);
	REC(LATE_FILE, late_file, .file = first + 2, .kind = CKPT_FILE_SOCKET);
	REC(INET_ADDR, inet_addr, .sport = 58);
	REC(INET_DGRAM, inet_dgram, .nr = 0);
}

/* A socket that listens, and, as @first + 2, one that waits to be accepted */
static void tcp_socket(uint32_t objref, uint32_t flags)
{
	struct {
		struct ckpt_hdr_tcp h;
		struct ckpt_sock_opt opt;
	} tcp = {
		.h = { .ca = "cubic", .nr_opts = 1 },
		.opt = { .name = 1, .len = 4, .value = { 1 } },
	};

	object(objref, CKPT_OBJ_SOCK);
	REC(SOCK, sock, .family = 2, .type = 1, .protocol = 6, .flags = flags,
	    .state = !flags, .sndbuf = 16384, .rcvbuf = 131072,
	    .rcvtimeo_us = ~0ull, .sndtimeo_us = ~0ull, .mode = 0777);
	REC(INET, inet, .stamp_ns = -1000000000);
	rec2(CKPT_HDR_TCP, &tcp, sizeof(tcp), NULL, 0);
}

static void tcp_files(uint32_t first)
{
	tcp_socket(first, 0);
	file(first + 1, CKPT_FILE_SOCKET, O_RDWR, 0, first, "socket:[140]");
}

static void late_tcp(uint32_t first)
{
	struct ckpt_hdr h;

	REC(LATE_FILE, late_file, .file = first, .kind = CKPT_FILE_SOCKET);
	REC(INET_ADDR, inet_addr, .flags = CKPT_INET_PORT_LOCK, .sport = 80);
	REC(TCP_LATE, tcp_late, .state = 10, .backlog = 5, .nr_waiting = 1,
	    .ts_recent_age_s = ~0u);
	tcp_socket(first + 2, CKPT_SOCK_NO_FILE);
	REC(TCP_WAITING, tcp_waiting, .sock = first + 2);
	REC(LATE_FILE, late_file, .file = first + 2, .kind = CKPT_FILE_SOCKET);
	REC(INET_ADDR, inet_addr, .sport = 80, .dport = 1234);
	REC(TCP_LATE, tcp_late, .state = 1, .rcv_bytes = 5, .nr_segs = 2,
	    .write_seq = 5, .snd_nxt = 5, .rcv_nxt = 5, .mss_clamp = 1460,
	    .ts_recent_age_s = 1);
	rec2(CKPT_HDR_SOCK_DATA, &h, sizeof(h), "hello", 5);
	REC(TCP_SEG, tcp_seg, .len = 4, .flags = CKPT_TCP_SENT);
	rec2(CKPT_HDR_SOCK_DATA, &h, sizeof(h), "worl", 4);
	REC(TCP_SEG, tcp_seg, .len = 1, .flags = CKPT_TCP_SENT);
	rec2(CKPT_HDR_SOCK_DATA, &h, sizeof(h), "d", 1);
}

/* A terminal: @first is its master, the next one the other end */
static void terminal_files(uint32_t first)
{
	struct ckpt_hdr_sock_data h = {};

	file(first, CKPT_FILE_PTM, O_RDWR, 0, 0, "/dev/ptmx");
	REC(PTM, ptm, .index = 7, .mode = 0620, .gid = 5);
	file(first + 1, CKPT_FILE_PTS, O_RDWR, 0, first, "/dev/pts/7");
	file(first + 2, CKPT_FILE_HUNG_UP, O_RDWR, 0, 0,
	     "/dev/pts/8 (deleted)");
	object(first + 4, CKPT_OBJ_MEMFD);
	REC(MEMFD, memfd, .mode = 0777, .size = 6 * PAGE, .seals = 0xf);
	string("memfd:pool");
	pages(PAGE, 4);
	no_more_pages();
	file(first + 3, CKPT_FILE_MEMFD, O_RDWR, 0, first + 4,
	     "/memfd:pool (deleted)");
	file(first + 5, CKPT_FILE_TUN, O_RDWR, 0, 0, "/dev/net/tun");
	REC(TUN, tun, .sndbuf = 4096, .nr = 1);
	REC(TUN_PACKET, tun_packet, .len = 5, .head = 5, .protocol = 0x800);
	rec2(CKPT_HDR_SOCK_DATA, &h, sizeof(h), "hello", 5);
}

/* What is left of it */
static void late_terminal(uint32_t first)
{
	struct ckpt_hdr_tty_end end = {
		.read = 3, .canon = 3, .column = 1, .flip = 2,
	};

	REC(LATE_FILE, late_file, .file = first, .kind = CKPT_FILE_PTM);
	REC(TTY, tty, .session = 1, .pgrp = 1, .row = 24, .col = 80,
	    .termios.cc = { 3, 28, 127 });
	rec2(CKPT_HDR_TTY_END, &end, sizeof(end), "ls\n\4ab", 6);
	end = (struct ckpt_hdr_tty_end) { .flags = CKPT_TTY_IO_ERROR };
	rec2(CKPT_HDR_TTY_END, &end, sizeof(end), NULL, 0);
}

/* What is left of event_files() */
static void late_files(uint32_t first)
{
	struct ckpt_hdr_inotify_event event = {
		.mask = 0x100, .wd = 2, .name_len = 1,
	};
	struct ckpt_hdr_fanotify_event named = {
		.kind = CKPT_FANOTIFY_NAME, .mask = 0x100, .pid = 1,
		.handle_type[1] = 1, .handle_len[1] = 8, .name_len[0] = 3,
	};
	struct {
		struct ckpt_hdr_epoll_items h;
		struct ckpt_epoll_item item[2];
	} items = {
		.item = {
			{ .file = first, .fd = 256, .events = 1,
			  .flags = CKPT_EPOLL_READY, .data = 0x1234 },
			{ .file = first + 2, .fd = 258, .events = 1,
			  .task = 1 },
		},
	};

	late_sock(first + 8);
	late_inet(first + 30);
	late_tcp(first + 40);
	late_net_socks(first + 50);
	late_terminal(first + 20);
	REC(LATE_FILE, late_file, .file = first + 5, .kind = CKPT_FILE_PIDFD);
	object(first + 6, CKPT_OBJ_DEAD_PID);
	REC(DEAD_PID, dead_pid, .ino = 4711, .numbers = { 17 });
	REC(PIDFD, pidfd, .dead = first + 6);
	REC(LATE_FILE, late_file, .file = first + 4, .kind = CKPT_FILE_INOTIFY);
	REC(INOTIFY, inotify, .max_events = 16384, .next_wd = 3, .nr_events = 1,
	    .nr_watches = 1);
	rec2(CKPT_HDR_INOTIFY_EVENT, &event, sizeof(event), "a", 1);
	REC(INOTIFY_WATCH, inotify_watch, .wd = 2, .mask = 0x100,
	    .i_mode = S_IFDIR | 0755);
	string("/tmp");
	REC(LATE_FILE, late_file, .file = first + 7, .kind = CKPT_FILE_FANOTIFY);
	REC(FANOTIFY_QUEUE, fanotify_queue, .nr_events = 2, .nr_marks = 1);
	rec2(CKPT_HDR_FANOTIFY_EVENT, &named, sizeof(named), "12345678abc", 11);
	REC(FANOTIFY_EVENT, fanotify_event, .kind = CKPT_FANOTIFY_PATH,
	    .mask = 0x20);
	string("/tmp/opened");
	REC(FANOTIFY_MARK, fanotify_mark, .mask = 0x120,
	    .i_mode = S_IFDIR | 0755);
	string("/tmp");
	REC(LATE_FILE, late_file, .file = first + 3, .kind = CKPT_FILE_EPOLL);
	REC(EPOLL, epoll, .nr = 2);
	rec2(CKPT_HDR_EPOLL_ITEMS, &items, sizeof(items), NULL, 0);
	REC(LATE_FILE, late_file, .file = 0);
}

static void files(uint32_t objref, uint32_t first)
{
	struct { struct ckpt_hdr_fds h; struct ckpt_fd fd[21]; } fds = {
		.fd = {
			{ .fd = 0, .file = 20 },
			{ .fd = 1, .file = 21 },
			{ .fd = 255, .flags = CKPT_FD_CLOEXEC, .file = 22 },
			{ .fd = 256, .file = 100 },
			{ .fd = 257, .file = 101 },
			{ .fd = 258, .file = 102 },
			{ .fd = 259, .file = 103 },
			{ .fd = 260, .file = 104 },
			{ .fd = 261, .file = 105 },
			{ .fd = 262, .file = 107 },
			{ .fd = 263, .file = 109 },
			{ .fd = 264, .file = 120 },
			{ .fd = 265, .file = 121 },
			{ .fd = 266, .file = 122 },
			{ .fd = 267, .file = 131 },
			{ .fd = 268, .file = 133 },
			{ .fd = 269, .file = 141 },
			{ .fd = 270, .file = 151 },
			{ .fd = 271, .file = 153 },
			{ .fd = 272, .file = 125 },
			{ .fd = 300, .file = 26 },
		},
	};

	object(objref, CKPT_OBJ_FILES);
	REC(FILES, files, .nr = ARRAY_SIZE(fds.fd), .max_fds = 512);
	if (first) {
		file(20, CKPT_FILE_TTY, O_RDWR, 0, 0, "/dev/pts/0");
		REC(TTY, tty, .row = 24, .col = 80);
		file(21, CKPT_FILE_PIPE, O_WRONLY | O_NONBLOCK, 0, 25,
		     "pipe:[4242]");
		file(22, CKPT_FILE_REG, O_RDWR | O_APPEND, 123456789, 0,
		     "/tmp/caf\303\251 \377 with \033[2J\177\302\233 and \"quotes\"");
		event_files(100);
		inet_files(130);
		tcp_files(140);
		terminal_files(120);
		net_socks(150);
		file(26, CKPT_FILE_REMOVED, O_RDWR, 5, 27, "/tmp/gone");
	}
	rec2(CKPT_HDR_FDS, &fds, sizeof(fds), NULL, 0);
	locks(CKPT_LOCK_POSIX, 255);
}

static void fs(uint32_t objref, const char *cwd)
{
	object(objref, CKPT_OBJ_FS);
	REC(FS, fs, .umask = 022);
	string("/");
	string(cwd);
}

static void cred(uint32_t objref)
{
	struct ckpt_hdr_cred r = {
		.ngroups = 3, .cap_bset = ~0ull, .session_keyring = 95,
		.thread_keyring = 95,
	};
	struct ckpt_hdr_key key = {
		.kind = CKPT_KEY_USER, .serial = 1000, .len = 6,
		.perm = 0x3f010000, .expiry = CKPT_KEY_FOREVER,
	};
	uint32_t groups[3] = { 0, 4, 24 };

	object(94, CKPT_OBJ_KEY);
	rec2(CKPT_HDR_KEY, &key, sizeof(key), "secret", 6);
	string("a key");
	object(95, CKPT_OBJ_KEY);
	key.kind = CKPT_KEY_KEYRING;
	key.len = 4;
	key.gid = -1;
	rec2(CKPT_HDR_KEY, &key, sizeof(key), &(uint32_t){ 94 }, 4);
	string("_ses");

	object(objref, CKPT_OBJ_CRED);
	rec2(CKPT_HDR_CRED, &r, sizeof(r), groups, sizeof(groups));
}

static void message(int64_t type, const char *text)
{
	struct ckpt_hdr h;

	REC(IPC_MESSAGE, ipc_message, .type = type, .size = strlen(text));
	if (*text)
		rec2(CKPT_HDR_IPC_TEXT, &h, sizeof(h), text, strlen(text));
}

static void queue(const char *name)
{
	REC(MQUEUE, mqueue, .mode = 0600, .maxmsg = 10, .msgsize = 8192,
	    .nr = 1);
	string(name);
	message(5, "a POSIX message");
}

/* What is in an ipc namespace */
static void ipc_content(void)
{
	const struct ckpt_ipc_semval vals[3] = { { .val = 7 }, { .val = 1 } };
	struct ckpt_hdr h;

	REC(IPC_IDS, ipc_ids, .kind = CKPT_IPC_SEM, .nr = 1, .next_id = -1);
	REC(IPC_SEM, ipc_sem, .perm.id = 3, .perm.mode = 0600, .nr = 3);
	rec2(CKPT_HDR_IPC_SEMVALS, &h, sizeof(h), vals, sizeof(vals));
	REC(IPC_IDS, ipc_ids, .kind = CKPT_IPC_MSG, .nr = 1, .next_id = -1);
	REC(IPC_MSG, ipc_msg, .perm.key = 12, .qbytes = 16384, .nr = 2);
	message(1, "a System V message");
	message(2, "");
	REC(IPC_IDS, ipc_ids, .kind = CKPT_IPC_SHM, .nr = 1, .next_id = -1);
	REC(IPC_SHM, ipc_shm, .perm.id = 2, .size = 4 * PAGE - 1);
	pages(0, 3);
	no_more_pages();
	REC(MQUEUES, mqueues, .nr = 1, .mode = 01777);
	queue("queue");
}

/* What tasks have of it: @first and the next two */
static void ipc_objects(uint32_t first)
{
	const int16_t adj[3] = { -7 };
	struct ckpt_hdr_sem_adj h = { .id = 3, .nr = 3 };

	object(first, CKPT_OBJ_SEM_UNDO);
	REC(SEM_UNDO, sem_undo, .ns = 12, .nr = 1);
	rec2(CKPT_HDR_SEM_ADJ, &h, sizeof(h), adj, sizeof(adj));
	object(first + 1, CKPT_OBJ_SHM_FILE);
	REC(SHM_FILE, shm_file, .ns = 12, .id = 2);
	object(first + 2, CKPT_OBJ_MQUEUE);
	REC(MQUEUE_REF, mqueue_ref, .ns = 12, .unlinked = 1);
	queue("gone");
}

/* A directory, and in it a file of two names with a hole, and a link to it */
static void tmpfs(uint32_t objref)
{
	struct ckpt_hdr_sb_xattr x = { .len = 5 };
	struct {
		struct ckpt_hdr_sb_alloc h;
		struct ckpt_sb_run run;
	} alloc = { .h.nr = 1, .run = { .index = 5, .nr = 3 } };

	object(objref, CKPT_OBJ_SB);
	REC(SB, sb, .content = 1, .dev = 45, .next_ino = 5);
	string("tmpfs");
	string("size=1024k,inode64");
	REC(SB_NODE, sb_node, .what = CKPT_SB_ENTER, .mode = S_IFDIR | 0755,
	    .ino = 2, .offset = 3);
	string("lib");
	REC(SB_NODE, sb_node, .what = CKPT_SB_FILE, .mode = S_IFREG | 0644,
	    .nlink = 2, .nr_xattrs = 1, .ino = 3, .size = 4 * PAGE - 7,
	    .mtime = -1, .offset = 3, .alloc_end = 8);
	string("data");
	rec2(CKPT_HDR_SB_XATTR, &x, sizeof(x), "value", 5);
	string("user.name");
	pages(0, 3);
	no_more_pages();
	rec2(CKPT_HDR_SB_ALLOC, &alloc, sizeof(alloc), NULL, 0);
	REC(SB_ALLOC, sb_alloc, .nr = 0);
	REC(SB_NODE, sb_node, .what = CKPT_SB_LINK, .mode = S_IFREG | 0644,
	    .ino = 3, .offset = 4);
	string("again");
	REC(SB_NODE, sb_node, .what = CKPT_SB_FILE, .mode = S_IFLNK | 0777,
	    .nlink = 1, .ino = 4, .offset = 5);
	string("link");
	string("data");
	REC(SB_NODE, sb_node, .what = CKPT_SB_LEAVE, .mode = S_IFDIR | 0755,
	    .nlink = 2, .ino = 2, .offset = 6);
	REC(SB_NODE, sb_node, .what = CKPT_SB_LEAVE, .mode = S_IFDIR | 01777,
	    .nlink = 3, .ino = 1, .offset = 4);
}

static void nsproxy(uint32_t objref)
{
	struct {
		struct ckpt_hdr_user_ns h;
		struct ckpt_id_extent uid;
	} user_ns = { .uid = { .lower_first = 100000, .count = 10 } };
	struct {
		struct ckpt_hdr_net_data h;
		char text[24];
	} sysctl = {
		.h = { .section = CKPT_NET_SYSCTL, .size = 22 },
		.text = "net/core/somaxconn\000128",
	};

	object(objref, CKPT_OBJ_NSPROXY);
	object(11, CKPT_OBJ_UTS_NS);
	REC(UTS_NS, uts_ns, .sysname = "Linux", .nodename = "box");
	object(12, CKPT_OBJ_IPC_NS);
	REC(IPC_NS, ipc_ns, .shm_ctlmax = ~0ull);
	ipc_content();
	object(13, CKPT_OBJ_MNT_NS);
	REC(MNT_NS, mnt_ns, .nr_mounts = 4, .first = 1, .root = 1);
	REC(MNT, mnt, .flags = CKPT_MNT_RELATIME);
	string("/");
	string("/");
	string("/dev/root");
	string("/");
	string("/");
	object(9, CKPT_OBJ_SB);
	object(14, CKPT_OBJ_PID_NS);
	REC(PID_NS, pid_ns, .index = 0);
	REC(SB, sb, .ns = 14);
	string("proc");
	string("hidepid=invisible");
	REC(MNT, mnt, .flags = CKPT_MNT_NOEXEC, .sb = 9, .parent = 1);
	string("/proc");
	string("/");
	string("proc");
	string("/proc");
	string("");
	tmpfs(82);
	REC(MNT, mnt, .sb = 82, .parent = 1);
	string("/run");
	string("/");
	string("tmpfs");
	string("/run");
	string("");
	object(83, CKPT_OBJ_SB);
	REC(SB, sb, .nr_layers = 2);
	string("overlay");
	string("");
	REC(SB_LAYER, sb_layer, .kind = CKPT_LAYER_NAMES);
	string("");
	string("/run/lib");
	REC(SB_LAYER, sb_layer, .kind = CKPT_LAYER_LOWER, .sb = 82);
	string("/lib");
	string("/run/lib");
	REC(MNT, mnt, .sb = 83, .parent = 1);
	string("/lib");
	string("/");
	string("overlay");
	string("/lib");
	string("");
	object(60, CKPT_OBJ_USER_NS);
	user_ns.h.nr_extents[0] = 1;
	rec2(CKPT_HDR_USER_NS, &user_ns, sizeof(user_ns), NULL, 0);
	object(61, CKPT_OBJ_TIME_NS);
	REC(TIME_NS, time_ns, .monotonic_ns = 7000000000, .frozen = 1,
	    .user_ns = 60);
	object(62, CKPT_OBJ_CGROUP_NS);
	REC(CGROUP_NS, cgroup_ns, .user_ns = 60);
	string("in");
	object(63, CKPT_OBJ_NET_NS);
	REC(NET_NS, net_ns, .user_ns = 60, .nr = 2);
	object(64, CKPT_OBJ_NET_NS);
	REC(NET_NS, net_ns, .index = 1);
	rec2(CKPT_HDR_NET_DATA, &sysctl, sizeof(sysctl), NULL, 0);
	REC(NET_DATA, net_data, .section = CKPT_NET_END);
	REC(NET_DATA, net_data, .net = 1, .section = CKPT_NET_END);
	REC(NSPROXY, nsproxy, .uts = 11, .ipc = 12, .mnt = 13, .pid = 14,
	    .net = 63, .cgroup = 62, .time = 61, .time_for_children = 61);
}

/* What every task has */
static void thread_state(const char *name, bool stopped)
{
	struct {
		struct ckpt_hdr_sigpending h;
		struct ckpt_siginfo q;
	} queue = {
		.h.set.sig = 1 << 9,
		.q = { .sig = 10, .flags = CKPT_SIGINFO_PID, .pid = 1 },
	};
	struct {
		struct ckpt_hdr_task_sched h;
		__u64 cpus;
	} sched = {
		.h = { .util_min = 512, .util_max = -1, .nr_cpus = 4,
		       .cookie = 93, .autogroup = 99 },
		.cpus = 15
	};
	struct {
		struct ckpt_hdr_fpu_x86 h;
		__u8 states[96];
	} fpu = { .h = { .xfeatures = 7, .size = 96 } };
	struct ckpt_hdr_task_misc misc = { .rseq_len = 32 };
	struct {
		struct ckpt_hdr_task_timers h;
		struct ckpt_posix_timer t;
	} timers = {
		.t = { .clockid = -6, .signo = 14, .clock_pid = 1,
		       .flags = CKPT_TIMER_SET, .value_ns = 9, .overrun = -1 },
	};

	REC(MEMPOLICY, mempolicy, .home_node = -1);
	REC(TASK_SIGNAL, task_signal, .blocked.sig = ~0ull >> 1);
	rec2(CKPT_HDR_SIGPENDING, &queue, sizeof(queue), NULL, 0);
	REC(SIGPENDING, sigpending, .more = 0);
	REC(TASK_ACCT, task_acct, .own.nvcsw = 7, .start_ns = 1000000000);
	rec2(CKPT_HDR_TASK_TIMERS, &timers, sizeof(timers), NULL, 0);
	rec2(CKPT_HDR_TASK_SCHED, &sched, sizeof(sched), NULL, 0);
	snprintf(misc.comm, sizeof(misc.comm), "%s", name);
	rec2(CKPT_HDR_TASK_MISC, &misc, sizeof(misc), NULL, 0);
	REC(TASK_RESTART_BLOCK, restart_block, .fn = CKPT_RESTART_NANOSLEEP,
	    .left_ns = -5, .has_timeout = 1);
	REC(TASK_PTRACE, task_ptrace, .tracer = 0);
	REC(TASK_CPU, cpu_x86, .ip = 0x401000, .ax = -516ull, .cs = 0x33,
	    .orig_ax = 230, .ss = 0x2b);
	rec2(CKPT_HDR_TASK_FPU, &fpu, sizeof(fpu), NULL, 0);
	REC(TASK_JOBCTL, task_jobctl,
	    .flags = stopped ? CKPT_JOBCTL_STOPPED : 0);
}

/* What the task shares: namespaces, directories, files, credentials */
static void thread_refs(uint32_t ns, uint32_t fs_ref, uint32_t files_ref)
{
	const uint32_t shm[1] = { 2 };
	struct ckpt_hdr_task_sysvipc h = { .undo = 70, .nr_shm = 1 };
	struct ckpt_hdr_task_cgroup cgroup = { .threaded = 1 };

	rec2(CKPT_HDR_TASK_CGROUP, &cgroup, sizeof(cgroup), "in/side", 8);
	ref(CKPT_HDR_TASK_NS, ns);
	rec2(CKPT_HDR_TASK_SYSVIPC, &h, sizeof(h), shm, sizeof(shm));
	ref(CKPT_HDR_TASK_FS, fs_ref);
	ref(CKPT_HDR_TASK_FILES, files_ref);
	REC(TASK_CRED, task_cred, .cred = 19);
	REC(TASK_SECCOMP, task_seccomp, .mode = 2, .filter = 91);
}

/* What a process has */
static void process_state(uint32_t mm_ref)
{
	ref(CKPT_HDR_TASK_MM, mm_ref);
	ref(CKPT_HDR_TASK_SIGHAND, 18);
	REC(TASK_LIMITS, task_limits, .oom_score_adj = -1000,
	    .rlim[0] = { ~0ull, ~0ull });
	REC(TASK_ITIMERS, task_itimers, .value_ns[0] = 5);
	REC(PROCESS_ACCT, process_acct, .children.maxrss = 3);
}

static void task(uint32_t index)
{
	REC(TASK, task, .index = index);
}

static void header(void)
{
	REC(HEADER, header, .magic = CKPT_MAGIC, .version = CKPT_VERSION,
	    .arch = CKPT_ARCH_X86_64, .uflags = CHECKPOINT_KILL,
	    .page_size = PAGE, .id = 3, .realtime_ns = 1763776394000000000,
	    .monotonic_ns = 5000000000, .boottime_ns = 6000000000,
	    .user_hz = 100, .nsig = 64, .rlim_nlimits = 16,
	    .task_comm_len = 16, .release = "6.12.117",
	    .kversion = "#1 SMP PREEMPT");
}

/* In the first session, unless it says otherwise */
#define ENTRY(name, nr, up, ...) {					\
	.comm = name, .tid = nr, .parent = up, .exit_signal = 17,	\
	__VA_ARGS__ }
#define THREAD(name, nr, of) {						\
	.comm = name, .tid = nr, .parent = 0, .leader = of,		\
	.pgrp = NONE, .session = NONE, .flags = CKPT_TASK_THREAD }

/* More processes, each the child of the one before */
static void chain_entries(uint32_t first, uint32_t slot, uint32_t nr)
{
	struct ckpt_hdr h;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		struct ckpt_task_entry e = {
			.tid = slot + i, .leader = first + i,
			.parent = i ? first + i - 1 : 0, .comm = "link",
		};

		rec2(CKPT_HDR_TASKS, &h, sizeof(h), &e, sizeof(e));
	}
}

static void tree(uint32_t chain)
{
	/* pid slots: 0-6 are 1, 5, 51, 52, 6, 7, 8; 7 has no task; chain */
	static const uint32_t nrs[] = { 1, 5, 51, 52, 6, 7, 8, 40 };
	static struct ckpt_task_entry tasks[] = {
		ENTRY("sh", 0, NONE, .pgrp = 0, .rpid = 1001),
		ENTRY("tar", 1, 0, .pgrp = 1, .rpid = 1005),
		THREAD("tar-read", 2, 1),
		THREAD("tar-write", 3, 1),
		ENTRY("xz", 4, 1, .pgrp = 1, .rpid = 1006),
		ENTRY("z", 5, 0, .pgrp = 5, .flags = CKPT_TASK_ZOMBIE,
		      .exit_code = 3 << 8),
		ENTRY("\033]0;x\007\377", 6, 0, .pgrp = NONE, .session = 7),
	};
	const struct ckpt_pid_ns_entry ns = {
		.parent = NONE, .last_pid = 60,
	};
	const struct ckpt_pid_entry pid = {};
	struct ckpt_hdr h;
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(tasks); i++)
		if (!(tasks[i].flags & CKPT_TASK_THREAD))
			tasks[i].leader = i;
	REC(TREE, tree, .flags = CKPT_TREE_CONTAINER,
	    .nr_tasks = ARRAY_SIZE(tasks) + chain,
	    .nr_pids = ARRAY_SIZE(nrs) + chain, .nr_pid_ns = 1);
	rec2(CKPT_HDR_TASKS, &h, sizeof(h), tasks, sizeof(tasks));
	chain_entries(ARRAY_SIZE(tasks), ARRAY_SIZE(nrs), chain);
	rec2(CKPT_HDR_PID_NSS, &h, sizeof(h), &ns, sizeof(ns));
	for (i = 0; i < ARRAY_SIZE(nrs) + chain; i++)
		rec2(CKPT_HDR_PIDS, &h, sizeof(h), &pid, sizeof(pid));
	for (i = 0; i < ARRAY_SIZE(nrs) + chain; i += 2) {
		uint32_t two[] = {
			i < ARRAY_SIZE(nrs) ? nrs[i] : 1000 + i,
			i + 1 < ARRAY_SIZE(nrs) ? nrs[i + 1] : 1001 + i,
		};

		rec2(CKPT_HDR_VPIDS, &h, sizeof(h), two, sizeof(two));
	}
}

static void seccomp(uint32_t first)
{
	struct {
		struct ckpt_hdr_seccomp_filter h;
		struct ckpt_bpf_insn insn;
	} filter = { .insn = { .code = 6, .k = 0x7fff0000 } };

	object(first, CKPT_OBJ_SECCOMP_FILTER);
	rec2(CKPT_HDR_SECCOMP_FILTER, &filter, sizeof(filter), NULL, 0);
	object(first + 1, CKPT_OBJ_SECCOMP_FILTER);
	filter.h.prev = first;
	filter.h.flags = CKPT_SECCOMP_LOG;
	rec2(CKPT_HDR_SECCOMP_FILTER, &filter, sizeof(filter), NULL, 0);
}

static void all_tasks(uint32_t extra, uint32_t chain, uint32_t nest)
{
	uint32_t i;

	task(0);
	for (i = 0; i < nest; i++)
		object(1000 + i, CKPT_OBJ_FS);
	nsproxy(10);
	ipc_objects(70);
	fs(15, "/root");
	files(16, true);
	cred(19);
	seccomp(90);
	object(93, CKPT_OBJ_CORE_COOKIE);
	REC(CORE_COOKIE, core_cookie, .reserved = 0);
	object(99, CKPT_OBJ_AUTOGROUP);
	REC(AUTOGROUP, autogroup, .nice = -5);
	thread_refs(10, 15, 16);
	mm(17, 30, 31, extra);
	object(18, CKPT_OBJ_SIGHAND);
	REC(SIGHAND, sighand, .action[0].handler = 1);
	process_state(17);
	thread_state("sh", false);

	task(1);
	fs(40, "/usr");
	files(41, false);
	thread_refs(10, 40, 41);
	mm(42, 22, 31, 0);
	process_state(42);
	thread_state("tar", false);
	task(2);
	thread_refs(10, 40, 41);
	thread_state("tar-read", false);
	task(3);
	thread_refs(10, 40, 41);
	thread_state("tar-write", false);

	task(4);
	thread_refs(10, 40, 16);
	process_state(42);
	thread_state("xz", true);

	task(6);
	object(50, CKPT_OBJ_NSPROXY);
	REC(NSPROXY, nsproxy, .uts = 11, .pid = 14);
	thread_refs(50, 15, 16);
	process_state(17);
	thread_state("x", false);

	for (i = 0; i < chain; i++) {
		task(7 + i);
		thread_refs(10, 40, 16);
		process_state(42);
		thread_state("link", false);
	}
	late_files(100);
}

static void trailer(void)
{
	struct ckpt_hdr_trailer t = {
		.magic = CKPT_TRAILER_MAGIC, .records = records, .crc32c = crc
	};

	rec2(CKPT_HDR_TRAILER, &t, sizeof(t), NULL, 0);
}

int main(int argc, char **argv)
{
	static const char why[] = "pid 17 (foo): fd 5: io_uring: not supported";
	struct ckpt_hdr_error e = { .err = 38 };
	uint32_t n = argc > 2 ? atoi(argv[2]) : 0;
	const char *what = argc > 1 ? argv[1] : "";

	header();
	tree(!strcmp(what, "--chain") ? n : 0);
	if (!strcmp(what, "--error")) {
		task(0);
		nsproxy(10);
		rec2(CKPT_HDR_ERROR, &e, sizeof(e), why, sizeof(why));
		return 0;
	}
	all_tasks(!strcmp(what, "--pages") ? n : 0,
		  !strcmp(what, "--chain") ? n : 0,
		  !strcmp(what, "--nest") ? n : 0);
	trailer();
	return fflush(stdout) ? 1 : 0;
}
