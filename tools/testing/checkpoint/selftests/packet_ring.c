// SPDX-License-Identifier: GPL-2.0
/*
 * Rings of packet sockets: what is in them, where the kernel and the program
 * are in them, and that both go on there.
 */
#include "libckptnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK		8192
#define BLOCKS		4
#define FRAME		2048
#define FRAMES		(BLOCK / FRAME * BLOCKS)

/* A protocol of nobody's */
#define PROTOCOL	0x88b5

/**
 * struct ring - a ring for receiving, as its program sees it
 * @fd: the socket
 * @version: TPACKET_V*
 * @map: where it is mapped
 * @at: the frame or the block that is looked at next
 * @left: version 3: packets of that block that were not looked at
 * @next: and the first of them
 */
struct ring {
	int fd;
	int version;
	char *map;
	unsigned int at;
	unsigned int left;
	struct tpacket3_hdr *next;
};

static void own_net(void)
{
	REQUIRE(!unshare(CLONE_NEWNET));
	REQUIRE(!net_up("lo", true));
}

static void listen_to(int fd)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(PROTOCOL),
		.sll_ifindex = if_nametoindex("lo"),
	};

	REQUIRE(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
}

static int try_ring(int fd, int version, int option, unsigned int blocks)
{
	struct tpacket_req3 req = {
		.tp_block_size = BLOCK, .tp_block_nr = blocks,
		.tp_frame_size = FRAME, .tp_frame_nr = BLOCK / FRAME * blocks,
		.tp_retire_blk_tov =
			version == TPACKET_V3 && option == PACKET_RX_RING ?
			20 : 0,
	};

	return setsockopt(fd, SOL_PACKET, option, &req,
			  version == TPACKET_V3 ? sizeof(req) :
						  sizeof(struct tpacket_req));
}

static int make(int version)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	REQUIRE(fd >= 0);
	REQUIRE(!setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version,
			    sizeof(version)));
	return fd;
}

static char *map(int fd, size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

static void make_ring(struct ring *r, int version)
{
	memset(r, 0, sizeof(*r));
	r->version = version;
	r->fd = make(version);
	REQUIRE(!try_ring(r->fd, version, PACKET_RX_RING, BLOCKS));
	r->map = map(r->fd, BLOCK * BLOCKS);
	listen_to(r->fd);
}

/* Packets that say "packet N", N from @first on, @size bytes each */
static void send_from(int first, int nr, size_t size)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(PROTOCOL),
		.sll_ifindex = if_nametoindex("lo"), .sll_halen = 6,
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0), i;
	char data[FRAME] = "packet ";

	REQUIRE(fd >= 0);
	for (i = first; i < first + nr; i++) {
		memcpy(data + 7, &i, sizeof(i));
		REQUIRE(sendto(fd, data, size, 0, (struct sockaddr *)&to,
			       sizeof(to)) == (ssize_t)size);
	}
	close(fd);
}

/* The N of a packet */
static int number(const char *frame, unsigned int mac, unsigned int len)
{
	const char *text = memmem(frame + mac, len, "packet ", 7);
	int nr = -1;

	CHECK(text);
	if (text)
		memcpy(&nr, text + 7, sizeof(nr));
	return nr;
}

static unsigned int get(const void *status)
{
	return __atomic_load_n((const unsigned int *)status, __ATOMIC_ACQUIRE);
}

static void release(void *status)
{
	__atomic_store_n((unsigned int *)status, TP_STATUS_KERNEL,
			 __ATOMIC_RELEASE);
}

/* The next packet, or -1 if there is none now */
static int take_frame(struct ring *r)
{
	char *frame = r->map + r->at * FRAME;
	struct tpacket2_hdr *h2 = (void *)frame;
	struct tpacket_hdr *h1 = (void *)frame;
	int nr;

	if (!(get(frame) & TP_STATUS_USER))
		return -1;
	if (r->version == TPACKET_V1)
		nr = number(frame, h1->tp_mac, h1->tp_snaplen);
	else
		nr = number(frame, h2->tp_mac, h2->tp_snaplen);
	release(frame);
	r->at = (r->at + 1) % FRAMES;
	return nr;
}

static int take_from_block(struct ring *r)
{
	struct tpacket_block_desc *b = (void *)(r->map + r->at * BLOCK);
	int nr;

	if (!r->left) {
		if (!(get(&b->hdr.bh1.block_status) & TP_STATUS_USER))
			return -1;
		r->left = b->hdr.bh1.num_pkts;
		r->next = (void *)b + b->hdr.bh1.offset_to_first_pkt;
	}
	REQUIRE(r->left);
	nr = number((char *)r->next, r->next->tp_mac, r->next->tp_snaplen);
	r->next = (void *)r->next + r->next->tp_next_offset;
	if (!--r->left) {
		release(&b->hdr.bh1.block_status);
		r->at = (r->at + 1) % BLOCKS;
	}
	return nr;
}

static int take(struct ring *r)
{
	return r->version == TPACKET_V3 ? take_from_block(r) : take_frame(r);
}

/* Take @nr packets from @first on, which may take a moment to come. */
static void take_from(struct ring *r, int first, int nr)
{
	int i, seen;

	for (i = first; i < first + nr; i++) {
		seen = -1;
		CKPT_WAIT_FOR((seen = take(r)) >= 0);
		CHECK_EQ(seen, i);
		if (seen < 0)
			return;
	}
}

static void receives(int version)
{
	struct ring r;
	int i;

	own_net();
	make_ring(&r, version);
	send_from(0, 5, 100);
	take_from(&r, 0, 2);
	ckpt_ready();
	take_from(&r, 2, 3);
	CHECK_EQ(take(&r), -1);
	/* around it, several times */
	for (i = 0; i < 10; i++) {
		send_from(5 + i * 7, 7, 1000);
		take_from(&r, 5 + i * 7, 7);
	}
}

CKPT_TEST(receive_v1)
{
	receives(TPACKET_V1);
}

CKPT_TEST(receive_v2)
{
	receives(TPACKET_V2);
}

CKPT_TEST(receive_v3)
{
	receives(TPACKET_V3);
}

/* What does not fit any more is lost, and it begins again where it was. */
static void full(int version)
{
	struct tpacket_stats_v3 st = {};
	socklen_t len = version == TPACKET_V3 ? sizeof(st) :
						sizeof(struct tpacket_stats);
	struct ring r;
	int nr;

	own_net();
	make_ring(&r, version);
	send_from(0, 5, 100);
	take_from(&r, 0, 5);
	send_from(100, 100, 1000);
	ckpt_ready();
	CHECK(!getsockopt(r.fd, SOL_PACKET, PACKET_STATISTICS, &st, &len));
	CHECK_EQ(st.tp_packets, 105);
	CHECK(st.tp_drops > 50);
	nr = st.tp_packets - st.tp_drops - 5;
	if (version == TPACKET_V3)
		CHECK(st.tp_freeze_q_cnt > 0);
	else
		CHECK_EQ(nr, FRAMES);
	take_from(&r, 100, nr);
	CHECK_EQ(take(&r), -1);
	send_from(300, 3, 100);
	take_from(&r, 300, 3);
}

CKPT_TEST_ONLY(full_v1, CKPT_CONTAINER)
{
	full(TPACKET_V1);
}

CKPT_TEST_ONLY(full_v2, CKPT_CONTAINER)
{
	full(TPACKET_V2);
}

CKPT_TEST_ONLY(full_v3, CKPT_CONTAINER)
{
	full(TPACKET_V3);
}

/* Begins to come while nobody has taken what there is */
CKPT_TEST_ONLY(twice_v3, CKPT_CONTAINER)
{
	struct ring r;

	own_net();
	make_ring(&r, TPACKET_V3);
	send_from(0, 1, 100);
	ckpt_ready();
	send_from(1, 1, 100);
	take_from(&r, 0, 2);
}

static struct ring shared;

static int takes_two(void *arg)
{
	take_from(&shared, 0, 2);
	return 0;
}

/* Parent and child have the same ring, and nobody has the descriptor. */
CKPT_TEST(shared)
{
	struct ckpt_gate go;
	pid_t pid;

	own_net();
	ckpt_gate_init(&go);
	make_ring(&shared, TPACKET_V2);
	send_from(0, 4, 100);
	pid = fork();
	REQUIRE(pid >= 0);
	close(shared.fd);
	if (!pid) {
		ckpt_gate_wait(&go);
		_exit(takes_two(NULL));
	}
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	shared.at = 2;
	take_from(&shared, 2, 2);
	send_from(4, 20, 100);
	take_from(&shared, 4, FRAMES);
}

static unsigned int *frame_status(char *frame, int version)
{
	if (version == TPACKET_V3)
		return &((struct tpacket3_hdr *)frame)->tp_status;
	return (unsigned int *)frame;
}

/* Ask for packet @nr to be sent from a frame. */
static void put(char *frame, int version, int nr)
{
	struct tpacket3_hdr *h3 = (void *)frame;
	struct tpacket2_hdr *h2 = (void *)frame;
	struct tpacket_hdr *h1 = (void *)frame;
	struct ether_header *eth;
	size_t off, len = sizeof(*eth) + 100;

	if (version == TPACKET_V1) {
		off = TPACKET_HDRLEN;
		h1->tp_len = len;
	} else if (version == TPACKET_V2) {
		off = TPACKET2_HDRLEN;
		h2->tp_len = len;
	} else {
		off = TPACKET3_HDRLEN;
		h3->tp_next_offset = 0;
		h3->tp_len = len;
	}
	eth = (void *)(frame + off - sizeof(struct sockaddr_ll));
	memset(eth, 0, len);
	eth->ether_type = htons(PROTOCOL);
	memcpy(eth + 1, "packet ", 7);
	memcpy((char *)(eth + 1) + 7, &nr, sizeof(nr));
	__atomic_store_n(frame_status(frame, version), TP_STATUS_SEND_REQUEST,
			 __ATOMIC_RELEASE);
}

static void sends(int version)
{
	int fd, i, blocks = 2, frames = BLOCK / FRAME * blocks;
	struct ring r;
	char *frame;

	own_net();
	make_ring(&r, TPACKET_V2);
	fd = make(version);
	/* both in one mapping, that for receiving first */
	REQUIRE(!try_ring(fd, version, PACKET_RX_RING, 1));
	REQUIRE(!try_ring(fd, version, PACKET_TX_RING, blocks));
	frame = map(fd, BLOCK * (1 + blocks)) + BLOCK;
	listen_to(fd);
	put(frame, version, 0);
	REQUIRE(send(fd, NULL, 0, 0) > 0);
	take_from(&r, 0, 1);
	put(frame + FRAME, version, 1);
	put(frame + 2 * FRAME, version, 2);
	ckpt_ready();
	CHECK_EQ(take(&r), -1);
	CHECK(send(fd, NULL, 0, 0) > 0);
	take_from(&r, 1, 2);
	for (i = 3; i < 20; i++) {
		CKPT_WAIT_FOR(*frame_status(frame + i % frames * FRAME,
					    version) == TP_STATUS_AVAILABLE);
		put(frame + i % frames * FRAME, version, i);
		CHECK(send(fd, NULL, 0, 0) > 0);
		take_from(&r, i, 1);
	}
}

CKPT_TEST(send_v1)
{
	sends(TPACKET_V1);
}

CKPT_TEST_ONLY(send_v2, CKPT_CONTAINER)
{
	sends(TPACKET_V2);
}

CKPT_TEST_ONLY(send_v3, CKPT_CONTAINER)
{
	sends(TPACKET_V3);
}

CKPT_VICTIM(came_late)
{
	struct ring r;

	own_net();
	make_ring(&r, TPACKET_V2);
	send_from(0, 5, 100);
	take_from(&r, 0, 2);
	ckpt_ready();
	CHECK_EQ(take(&r), -1);
	send_from(10, FRAMES, 100);
	take_from(&r, 10, FRAMES);
}

/* As if three had come while the ring was written: they are not of the image. */
DRIVER_TEST(filled_meanwhile)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_packet_bytes *b = NULL;
	struct ckpt_hdr_packet_ring *h;
	struct image image;
	unsigned int nth;

	ckpt_start(v, "came_late", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	h = image_at(&image, CKPT_HDR_PACKET_RING, 0);
	ASSERT_EQ(5, h->head);
	h->head = 2;
	for (nth = 0; image_find(&image, CKPT_HDR_PACKET_BYTES, nth); nth++)
		b = image_at(&image, CKPT_HDR_PACKET_BYTES, nth);
	ASSERT_LT(1, nth);
	ASSERT_EQ(0, b->size);
	b->after = 3;
	image_restart_finish(v, &image);
}

CKPT_VICTIM(has_rings)
{
	struct ring two, three;

	own_net();
	make_ring(&two, TPACKET_V2);
	make_ring(&three, TPACKET_V3);
	send_from(0, 3, 100);
	ckpt_ready();
	take(&two);
	take(&three);
}

/* Whatever is wrong is refused, or else it is what the program could write. */
DRIVER_TEST(broken_data)
{
	static const uint32_t types[] = {
		CKPT_HDR_PACKET_RING, CKPT_HDR_PACKET_BYTES,
	};
	struct ckpt_victim *v = &self->v;
	unsigned int i, nth;
	struct image image;
	struct ckpt_hdr *h;
	size_t at, end;

	ckpt_start(v, "has_rings", CKPT_CONTAINER);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		for (nth = 0; image_find(&image, types[i], nth); nth++) {
			h = image_at(&image, types[i], nth);
			end = h->len < 128 ? h->len : 128;
			for (at = sizeof(*h); at < end; at += 8 * ckpt_step())
				image_try_flipped(v, &image, (void *)h + at,
						  0x81000041);
		}
		EXPECT_LT(1, nth);
	}
	ASSERT_LT(0, image_restart(v, &image)) TH_LOG("%s", v->log);
	image_free(&image);
	ckpt_kill(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
