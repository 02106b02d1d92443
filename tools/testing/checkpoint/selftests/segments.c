// SPDX-License-Identifier: GPL-2.0
/*
 * What x86 has besides registers: the local descriptor table, I/O ports,
 * control of speculation; and what is refused of it.
 */
#include "libckpttest.h"

#include <asm/ldt.h>
#include <linux/capability.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static struct ckpt_gate up, go;

/* ----------------------------------------------- local descriptor table */

/* A table of more than a page */
#define LAST_ENTRY	600

#define LDT_SELECTOR(n)	((n) << 3 | 7)

static int ldt_set(struct user_desc *desc)
{
	return syscall(SYS_modify_ldt, 0x11, desc, sizeof(*desc));
}

static uint32_t gs_word(void)
{
	uint32_t word;

	asm volatile("movl %%gs:0, %0" : "=r" (word));
	return word;
}

static uint16_t get_gs(void)
{
	uint16_t sel;

	asm volatile("mov %%gs, %0" : "=r" (sel));
	return sel;
}

static void set_gs(uint16_t sel)
{
	asm volatile("mov %0, %%gs" : : "r" (sel));
}

/* Below 4 GiB, where descriptors can point to */
static uint32_t *low_page(int prot)
{
	void *mem = mmap(NULL, 4096, prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	REQUIRE(mem != MAP_FAILED);
	return mem;
}

static uint32_t *words;

static void *uses_last(void *arg)
{
	set_gs(LDT_SELECTOR(LAST_ENTRY));
	CHECK_EQ(gs_word(), 0xfeedbeef);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(get_gs(), LDT_SELECTOR(LAST_ENTRY));
	CHECK_EQ(gs_word(), 0xfeedbeef);
	set_gs(0);
	return NULL;
}

CKPT_TEST(local_descriptor_table)
{
	static uint64_t before[LAST_ENTRY + 2], after[LAST_ENTRY + 2];
	struct user_desc desc = {
		.limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1,
		.useable = 1,
	};
	pthread_t thread;
	uint16_t es, none = 0;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	words = low_page(PROT_READ | PROT_WRITE);
	words[0] = 0xfeedface;
	words[16] = 0xfeedbeef;
	desc.base_addr = (uintptr_t)words;
	if (ldt_set(&desc))
		ckpt_skip("modify_ldt: %m");
	desc.entry_number = LAST_ENTRY;
	desc.base_addr += 64;
	REQUIRE(!ldt_set(&desc));
	/* code, code that is not there, data that grows down, of 16 bits */
	desc.entry_number = 1;
	desc.contents = MODIFY_LDT_CONTENTS_CODE;
	REQUIRE(!ldt_set(&desc));
	desc.entry_number = 5;
	desc.contents = 3;
	desc.seg_not_present = 1;
	REQUIRE(!ldt_set(&desc));
	desc.entry_number = 7;
	desc.contents = MODIFY_LDT_CONTENTS_STACK;
	desc.seg_not_present = 0;
	desc.seg_32bit = 0;
	desc.read_exec_only = 1;
	/* where the kernel has segments of 16 bits */
	ldt_set(&desc);

	set_gs(LDT_SELECTOR(0));
	asm volatile("mov %0, %%es" : : "r" ((uint16_t)LDT_SELECTOR(0)));
	REQUIRE(!pthread_create(&thread, NULL, uses_last, NULL));
	ckpt_gate_wait(&up);
	REQUIRE(syscall(SYS_modify_ldt, 0, before, sizeof(before)) ==
		sizeof(before));
	ckpt_ready();
	CHECK_EQ(get_gs(), LDT_SELECTOR(0));
	CHECK_EQ(gs_word(), 0xfeedface);
	asm volatile("mov %%es, %0" : "=r" (es));
	CHECK_EQ(es, LDT_SELECTOR(0));
	CHECK_EQ(syscall(SYS_modify_ldt, 0, after, sizeof(after)),
		 sizeof(after));
	CHECK(!memcmp(before, after, sizeof(before)));
	ckpt_gate_open(&go, 1);
	pthread_join(thread, NULL);
	/* and it can be changed, and handed on */
	words[32] = 0xcafe;
	desc = (struct user_desc) {
		.entry_number = 2, .base_addr = (uintptr_t)&words[32],
		.limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1,
	};
	CHECK(!ldt_set(&desc));
	set_gs(LDT_SELECTOR(2));
	CHECK_EQ(gs_word(), 0xcafe);
	set_gs(none);
	asm volatile("mov %0, %%es" : : "r" (none));
}

/* -------------------------------------------------------------- I/O ports */

static sigjmp_buf fault;

static void on_fault(int sig)
{
	siglongjmp(fault, 1);
}

static bool may_use(unsigned short port)
{
	struct sigaction sa = { .sa_handler = on_fault }, old;
	bool may = false;

	sigaction(SIGSEGV, &sa, &old);
	if (!sigsetjmp(fault, 1)) {
		inb(port);
		may = true;
	}
	sigaction(SIGSEGV, &old, NULL);
	return may;
}

static void *uses_all(void *arg)
{
	REQUIRE(!iopl(3));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(may_use(0x80) && may_use(0x84) && may_use(0xffff));
	CHECK(!iopl(0));
	/* what ioperm(2) gave the thread that made it */
	CHECK(may_use(0x80) && !may_use(0x84));
	return NULL;
}

CKPT_TEST(io_ports)
{
	pthread_t thread;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	if (ioperm(0x80, 2, 1) || ioperm(0xed, 1, 1))
		ckpt_skip("ioperm: %m");
	REQUIRE(may_use(0x80) && !may_use(0x84));
	REQUIRE(!pthread_create(&thread, NULL, uses_all, NULL));
	ckpt_gate_wait(&up);
	REQUIRE(!ioperm(0x80, 1, 0) && !ioperm(0x1000, 64, 1));
	ckpt_ready();
	CHECK(!may_use(0x80) && may_use(0x81) && !may_use(0x82));
	CHECK(may_use(0xed) && !may_use(0xee));
	CHECK(!may_use(0xfff) && may_use(0x1000) && may_use(0x103f));
	CHECK(!may_use(0x1040) && !may_use(0xffff));
	ckpt_gate_open(&go, 1);
	pthread_join(thread, NULL);
}

CKPT_VICTIM(one_port)
{
	if (ioperm(0x80, 1, 1))
		ckpt_skip("ioperm: %m");
	ckpt_ready();
	CHECK(may_use(0x80) && !may_use(0x81));
}

/* Who could not get at the ports by hand does not by a restart either. */
DRIVER_TEST(io_ports_of_others)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "one_port", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	ckpt_caps_drop(1ULL << CAP_SYS_RAWIO);
	ret = ckpt_restart(v, 0);
	ckpt_caps_back();
	EXPECT_EQ(-EPERM, ret);
	EXPECT_TRUE(ckpt_logged(v, "I/O ports")) TH_LOG("%s", v->log);
	ckpt_restart_finish(v);
}

/* --------------------------------------------------------- a broken image */

CKPT_VICTIM(one_segment)
{
	struct user_desc desc = {
		.limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1,
	};

	if (ldt_set(&desc))
		ckpt_skip("modify_ldt: %m");
	ckpt_ready();
}

#define CPU(field, value)						\
	{ CKPT_HDR_TASK_CPU, offsetof(struct ckpt_hdr_cpu_x86, field), value }
#define LDT(value)							\
	{ CKPT_HDR_MM, offsetof(struct ckpt_hdr_mm, ldt), value }

DRIVER_TEST(hostile)
{
	static const struct {
		uint32_t type;
		size_t offset;
		uint64_t to;
	} changes[] = {
		CPU(iopl, 4), CPU(iopl, 8ULL << 32), CPU(cs, 7), CPU(ss, 7),
		/* a gate, a segment of the kernel's, a long one, no type */
		LDT(0x0000ec0000080000), LDT(0x00cf9b000000ffff),
		LDT(0x00affb000000ffff), LDT(0x00cfe3000000ffff),
		LDT(0x00cff2000000ffff), LDT(1),
		{ CKPT_HDR_TASK_MISC,
		  offsetof(struct ckpt_hdr_task_misc, speculation), 3 },
		{ CKPT_HDR_TASK_MISC,
		  offsetof(struct ckpt_hdr_task_misc, speculation), 0x80 },
	};
	struct ckpt_victim *v = &self->v;
	struct image image;
	unsigned int i;
	char *rec;

	ckpt_start(v, "one_segment", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		size_t size = changes[i].type == CKPT_HDR_TASK_MISC ? 1 : 8;

		rec = image_at(&image, changes[i].type, 0);
		ASSERT_TRUE(rec);
		image_refused(v, &image, rec + changes[i].offset,
			      &changes[i].to, size);
	}
	image_restart_finish(v, &image);
}

/* ------------------------------------------------- control of speculation */

#ifndef PR_SPEC_L1D_FLUSH
#define PR_SPEC_L1D_FLUSH	2
#endif

static int spec(int which)
{
	return prctl(PR_GET_SPECULATION_CTRL, which, 0, 0, 0);
}

static void *spec_for_good(void *arg)
{
	REQUIRE(!prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS,
		       PR_SPEC_FORCE_DISABLE, 0, 0));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(spec(PR_SPEC_STORE_BYPASS),
		 PR_SPEC_PRCTL | PR_SPEC_FORCE_DISABLE);
	CHECK_EQ(prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS,
		       PR_SPEC_ENABLE, 0, 0), -1);
	return NULL;
}

/* Of each thread its own, where CPU and kernel can do it */
CKPT_TEST(speculation)
{
	pthread_t thread;
	int ib, l1d;

	if (!(spec(PR_SPEC_STORE_BYPASS) & PR_SPEC_PRCTL) ||
	    spec(PR_SPEC_STORE_BYPASS) < 0)
		ckpt_skip("no control of PR_SPEC_STORE_BYPASS");
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	REQUIRE(!pthread_create(&thread, NULL, spec_for_good, NULL));
	ckpt_gate_wait(&up);
	REQUIRE(!prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS,
		       PR_SPEC_DISABLE_NOEXEC, 0, 0));
	prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH,
	      PR_SPEC_DISABLE, 0, 0);
	prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, PR_SPEC_ENABLE, 0, 0);
	ib = spec(PR_SPEC_INDIRECT_BRANCH);
	l1d = spec(PR_SPEC_L1D_FLUSH);
	ckpt_ready();
	CHECK_EQ(spec(PR_SPEC_STORE_BYPASS),
		 PR_SPEC_PRCTL | PR_SPEC_DISABLE_NOEXEC);
	CHECK_EQ(spec(PR_SPEC_INDIRECT_BRANCH), ib);
	CHECK_EQ(spec(PR_SPEC_L1D_FLUSH), l1d);
	CHECK(!prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS,
		     PR_SPEC_ENABLE, 0, 0));
	ckpt_gate_open(&go, 1);
	pthread_join(thread, NULL);
}

/* --------------------------------------------------------------- refused */

/* By perf_event_open(2) on oneself, without a descriptor left of it */
REFUSED(watched_address, "perf")
{
	static volatile long watched;
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W, .bp_addr = (uintptr_t)&watched,
		.bp_len = HW_BREAKPOINT_LEN_8, .exclude_kernel = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);

	if (fd < 0)
		ckpt_skip("perf_event_open: %m");
	ckpt_ready();
	watched = 1;
}

/* read(2) through the gate of 32-bit programs */
static void *calls_32(void *arg)
{
	char *buf = arg;
	long ret, fd = go.fd[0];

	words[0] = syscall(SYS_gettid);
	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (3), "b" (fd), "c" (buf), "d" (1L)
		     : "r8", "r9", "r10", "r11", "memory");
	CHECK(ret == 1 || ret == -38);
	return NULL;
}

REFUSED(call_of_32_bits, "a 32-bit system call")
{
	pthread_t thread;

	ckpt_gate_init(&go);
	words = low_page(PROT_READ | PROT_WRITE);
	REQUIRE(!pthread_create(&thread, NULL, calls_32, &words[16]));
	CKPT_WAIT_FOR(words[0]);
	/* as it numbers them */
	ckpt_wait_blocked(getpid(), words[0], 3);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	pthread_join(thread, NULL);
}

/*
 * In a page below 4 GiB: spin in 32-bit code until the word at edi is set, then
 * go back to 64-bit code through the far pointer behind it. No stack is used.
 */
static const unsigned char spin_32[] = {
	0xc7, 0x47, 0x04, 1, 0, 0, 0,	/* movl $1, 4(%edi) */
	0x83, 0x3f, 0x00,		/* 1: cmpl $0, (%edi) */
	0x74, 0xfb,			/* je 1b */
	0xff, 0x6f, 0x08,		/* ljmp *8(%edi) */
};

static const unsigned char back_64[] = {
	0x48, 0x8b, 0x23,		/* mov (%rbx), %rsp */
	0xff, 0x63, 0x08,		/* jmp *8(%rbx) */
};

static void *code_32(void *arg)
{
	asm volatile("mov %%rsp, (%%rbx)\n\t"
		     "lea 1f(%%rip), %%rax\n\t"
		     "mov %%rax, 8(%%rbx)\n\t"
		     "ljmp *16(%%rdi)\n\t"
		     "1:\n\t"
		     : : "b" (words + 8), "D" (words)
		     : "memory", "cc", "rax", "rcx", "rdx", "rsi", "r8", "r9",
		       "r10", "r11", "r12", "r13", "r14", "r15");
	return NULL;
}

REFUSED(code_of_32_bits, "32-bit code")
{
	unsigned char *code;
	pthread_t thread;

	words = low_page(PROT_READ | PROT_WRITE | PROT_EXEC);
	code = (unsigned char *)(words + 512);
	memcpy(code, spin_32, sizeof(spin_32));
	memcpy(code + sizeof(spin_32), back_64, sizeof(back_64));
	/* far pointers: to the code of 64 bits, and to that of 32 */
	words[2] = (uintptr_t)code + sizeof(spin_32);
	words[3] = 0x33;
	words[4] = (uintptr_t)code;
	words[5] = 0x23;
	REQUIRE(!pthread_create(&thread, NULL, code_32, NULL));
	CKPT_WAIT_FOR(((volatile uint32_t *)words)[1]);
	ckpt_ready();
	((volatile uint32_t *)words)[0] = 1;
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
