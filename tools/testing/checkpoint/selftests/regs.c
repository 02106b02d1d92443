// SPDX-License-Identifier: GPL-2.0
/*
 * Registers, of a thread that computes and of one that is in a system call.
 */
#include "libckpttest.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

/* Where a thread in assembly finds its flag, in the first word, and its area */
struct area {
	volatile uint64_t go;
	uint64_t gpr[16];
	uint64_t flags;
	uint8_t ymm[16][32] __attribute__((aligned(32)));
	uint8_t fxsave[512] __attribute__((aligned(16)));
	volatile uint64_t running;
};

#define GPR(n)	(0x1111111111111111ULL * ((n) + 1))

static struct area area;

/*
 * rdi points to the area all the time. The others hold patterns while the
 * loop waits for area.go, with the direction and the carry flag set.
 */
static void *spin_gpr(void *arg)
{
	register struct area *a asm("rdi") = arg;

	/* First, below whatever the compiler keeps in the red zone */
	asm volatile("sub $256, %%rsp\n\t"
		"push %%rbp\n\t"
		"push %%rbx\n\t"
		"movabs $0x1111111111111111, %%rax\n\t"
		"movabs $0x2222222222222222, %%rbx\n\t"
		"movabs $0x3333333333333333, %%rcx\n\t"
		"movabs $0x4444444444444444, %%rdx\n\t"
		"movabs $0x5555555555555555, %%rsi\n\t"
		"movabs $0x7777777777777777, %%rbp\n\t"
		"movabs $0x8888888888888888, %%r8\n\t"
		"movabs $0x9999999999999999, %%r9\n\t"
		"movabs $0xaaaaaaaaaaaaaaaa, %%r10\n\t"
		"movabs $0xbbbbbbbbbbbbbbbb, %%r11\n\t"
		"movabs $0xcccccccccccccccc, %%r12\n\t"
		"movabs $0xdddddddddddddddd, %%r13\n\t"
		"movabs $0xeeeeeeeeeeeeeeee, %%r14\n\t"
		"movabs $0xffffffffffffffff, %%r15\n\t"
		"std\n\t"
		"movq $1, %c[running](%%rdi)\n\t"
		"1: cmpq $0, %c[go](%%rdi)\n\t"
		"je 1b\n\t"
		"mov %%rax, %c[gpr]+0(%%rdi)\n\t"
		"pushfq\n\t"
		"pop %%rax\n\t"
		"cld\n\t"
		"mov %%rax, %c[flags](%%rdi)\n\t"
		"mov %%rbx, %c[gpr]+8(%%rdi)\n\t"
		"mov %%rcx, %c[gpr]+16(%%rdi)\n\t"
		"mov %%rdx, %c[gpr]+24(%%rdi)\n\t"
		"mov %%rsi, %c[gpr]+32(%%rdi)\n\t"
		"mov %%rbp, %c[gpr]+48(%%rdi)\n\t"
		"mov %%r8, %c[gpr]+56(%%rdi)\n\t"
		"mov %%r9, %c[gpr]+64(%%rdi)\n\t"
		"mov %%r10, %c[gpr]+72(%%rdi)\n\t"
		"mov %%r11, %c[gpr]+80(%%rdi)\n\t"
		"mov %%r12, %c[gpr]+88(%%rdi)\n\t"
		"mov %%r13, %c[gpr]+96(%%rdi)\n\t"
		"mov %%r14, %c[gpr]+104(%%rdi)\n\t"
		"mov %%r15, %c[gpr]+112(%%rdi)\n\t"
		"pop %%rbx\n\t"
		"pop %%rbp\n\t"
		"add $256, %%rsp\n\t"
		: : "r" (a), [go] "i" (offsetof(struct area, go)),
		    [running] "i" (offsetof(struct area, running)),
		    [gpr] "i" (offsetof(struct area, gpr)),
		    [flags] "i" (offsetof(struct area, flags))
		: "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12",
		  "r13", "r14", "r15", "memory", "cc");
	return NULL;
}

CKPT_TEST(general_registers_spinning)
{
	pthread_t thread;
	int i;

	REQUIRE(!pthread_create(&thread, NULL, spin_gpr, &area));
	CKPT_WAIT_FOR(area.running);
	ckpt_ready();
	area.go = 1;
	pthread_join(thread, NULL);
	for (i = 0; i < 15; i++)
		if (i != 5)
			CHECK_EQ(area.gpr[i], GPR(i));
	CHECK(area.flags & 0x400);
}

/*
 * In read(2): all but those that a system call may change. The red zone below
 * the stack pointer is not the kernel's either.
 */
static void *read_gpr(void *arg)
{
	long fd = *(int *)arg, one = 1, nr = SYS_read;
	struct area *a = &area;
	char c, *buf = &c;

	a->running = syscall(SYS_gettid);
	asm volatile("sub $256, %%rsp\n\t"
		"push %%rbp\n\t"
		"push %%rbx\n\t"
		"push %%rcx\n\t"
		"movabs $0x2222222222222222, %%rbx\n\t"
		"movabs $0x7777777777777777, %%rbp\n\t"
		"movabs $0x8888888888888888, %%r8\n\t"
		"movabs $0x9999999999999999, %%r9\n\t"
		"movabs $0xaaaaaaaaaaaaaaaa, %%r10\n\t"
		"movabs $0xcccccccccccccccc, %%r12\n\t"
		"movabs $0xdddddddddddddddd, %%r13\n\t"
		"movabs $0xeeeeeeeeeeeeeeee, %%r14\n\t"
		"movabs $0xffffffffffffffff, %%r15\n\t"
		"movq %%r13, -64(%%rsp)\n\t"
		"syscall\n\t"
		"mov (%%rsp), %%rcx\n\t"
		"mov %%rax, %c[gpr]+0(%%rcx)\n\t"
		"mov %%rbx, %c[gpr]+8(%%rcx)\n\t"
		"mov %%rdx, %c[gpr]+24(%%rcx)\n\t"
		"mov %%rbp, %c[gpr]+48(%%rcx)\n\t"
		"mov %%r8, %c[gpr]+56(%%rcx)\n\t"
		"mov %%r9, %c[gpr]+64(%%rcx)\n\t"
		"mov %%r10, %c[gpr]+72(%%rcx)\n\t"
		"mov -64(%%rsp), %%rax\n\t"
		"mov %%rax, %c[gpr]+80(%%rcx)\n\t"
		"mov %%r12, %c[gpr]+88(%%rcx)\n\t"
		"mov %%r13, %c[gpr]+96(%%rcx)\n\t"
		"mov %%r14, %c[gpr]+104(%%rcx)\n\t"
		"mov %%r15, %c[gpr]+112(%%rcx)\n\t"
		"pop %%rcx\n\t"
		"pop %%rbx\n\t"
		"pop %%rbp\n\t"
		"add $256, %%rsp\n\t"
		: "+a" (nr), "+c" (a), "+D" (fd), "+S" (buf), "+d" (one)
		: [gpr] "i" (offsetof(struct area, gpr))
		: "r8", "r9", "r10", "r11", "r12",
		  "r13", "r14", "r15", "memory", "cc");
	return NULL;
}

CKPT_TEST(general_registers_blocked)
{
	static const int kept[] = { 1, 6, 7, 8, 9, 11, 12, 13, 14 };
	pthread_t thread;
	unsigned int i;
	int fd[2];

	REQUIRE(!pipe(fd));
	REQUIRE(!pthread_create(&thread, NULL, read_gpr, fd));
	CKPT_WAIT_FOR(area.running);
	ckpt_wait_blocked(getpid(), area.running, SYS_read);
	ckpt_ready();
	CHECK_EQ(write(fd[1], "x", 1), 1);
	pthread_join(thread, NULL);
	CHECK_EQ(area.gpr[0], 1);
	CHECK_EQ(area.gpr[3], 1);
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		CHECK_EQ(area.gpr[kept[i]], GPR(kept[i]));
	CHECK_EQ(area.gpr[10], GPR(12));
}

static bool has_avx(void)
{
	unsigned int a, b, c, d;

	/* AVX, and enabled by the kernel */
	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) &&
	       (c & bit_AVX);
}

/* A distinct byte for each register and each half, and an odd one at the end */
static void fill_ymm(uint8_t ymm[16][32])
{
	int i, j;

	for (i = 0; i < 16; i++)
		for (j = 0; j < 32; j++)
			ymm[i][j] = 16 * i + j % 16 + (j >= 16 ? 0x80 : 0);
}

/* All sixteen of them, from or to where rsi points */
#define ALL(instruction)						\
	".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"		\
	instruction "\n\t"						\
	".endr\n\t"
#define LOAD_YMM	ALL("vmovdqu 32*\\i(%%rsi), %%ymm\\i")
#define STORE_YMM	ALL("vmovdqu %%ymm\\i, 32*\\i(%%rsi)")
#define LOAD_XMM	ALL("movdqu 32*\\i(%%rsi), %%xmm\\i")
#define STORE_XMM	ALL("movdqu %%xmm\\i, 32*\\i(%%rsi)")
#define SPIN								\
	"movq $1, %c[running](%%rdi)\n\t"				\
	"1: cmpq $0, %c[go](%%rdi)\n\t"					\
	"je 1b\n\t"
#define SPIN_OPERANDS							\
	: : "D" (a), "S" (a->ymm),					\
	    [go] "i" (offsetof(struct area, go)),			\
	    [running] "i" (offsetof(struct area, running))		\
	: "memory", "cc"

static void *spin_vectors(void *arg)
{
	struct area *a = arg;

	if (has_avx())
		asm volatile(LOAD_YMM SPIN STORE_YMM
			     "vzeroupper\n\t" SPIN_OPERANDS);
	else
		asm volatile(LOAD_XMM SPIN STORE_XMM
			     SPIN_OPERANDS);
	return NULL;
}

CKPT_TEST(vector_registers_spinning)
{
	uint8_t expected[16][32];
	pthread_t thread;

	fill_ymm(expected);
	fill_ymm(area.ymm);
	REQUIRE(!pthread_create(&thread, NULL, spin_vectors, &area));
	CKPT_WAIT_FOR(area.running);
	memset(area.ymm, 0, sizeof(area.ymm));
	ckpt_ready();
	area.go = 1;
	pthread_join(thread, NULL);
	if (!has_avx()) {
		int i;

		for (i = 0; i < 16; i++)
			memset(expected[i] + 16, 0, 16);
	}
	CHECK(!memcmp(area.ymm, expected, sizeof(expected)));
}

/* rsi points to the registers, and for the call to the buffer. */
#define READ								\
	"xchg %%rsi, %%r8\n\t"						\
	"syscall\n\t"							\
	"xchg %%rsi, %%r8\n\t"
#define READ_OPERANDS							\
	: "+a" (nr), "+r" (buf)						\
	: "D" (fd), "S" (area.ymm), "d" (1L)				\
	: "rcx", "r11", "memory", "cc"

static void *read_vectors(void *arg)
{
	register char *buf asm("r8");
	long fd = *(int *)arg, nr = SYS_read;
	char c;

	area.running = syscall(SYS_gettid);
	buf = &c;
	if (has_avx())
		asm volatile(LOAD_YMM READ STORE_YMM
			     "vzeroupper\n\t" READ_OPERANDS);
	else
		asm volatile(LOAD_XMM READ STORE_XMM
			     READ_OPERANDS);
	return NULL;
}

CKPT_TEST(vector_registers_blocked)
{
	uint8_t expected[16][32];
	pthread_t thread;
	int fd[2];

	REQUIRE(!pipe(fd));
	fill_ymm(expected);
	fill_ymm(area.ymm);
	REQUIRE(!pthread_create(&thread, NULL, read_vectors, fd));
	CKPT_WAIT_FOR(area.running);
	ckpt_wait_blocked(getpid(), area.running, SYS_read);
	ckpt_ready();
	CHECK_EQ(write(fd[1], "x", 1), 1);
	pthread_join(thread, NULL);
	CHECK(!memcmp(area.ymm, expected, sizeof(expected)));
}

/* State number @nr of the CPU, or NULL */
static struct ckpt_xstate *state_at(struct ckpt_hdr_fpu_x86 *fpu, uint32_t nr)
{
	struct ckpt_xstate *s;
	uint32_t at;

	for (at = 0; at < fpu->size; at += sizeof(*s) + s->size) {
		s = (struct ckpt_xstate *)(fpu->states + at);
		if (s->nr == nr)
			return s;
	}
	return NULL;
}

DRIVER_TEST(states_of_an_image)
{
	static const uint32_t wrong_nr[] = { 0, 1, 3, 9, 31, 32, 0x80000002 };
	static const uint32_t wrong_size[] = { 0, 8, 248, 264, 0xffffffff };
	static const uint32_t wrong_len[] = { 0, 8, 256 + 8, 256 + 16 };
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_fpu_x86 *fpu;
	struct ckpt_xstate *state;
	struct image image;
	unsigned int i;

	if (!has_avx())
		SKIP(return, "this CPU has no AVX");
	ckpt_start(v, "vector_registers_blocked", 0);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	/* the one that waits has closed its upper halves */
	fpu = image_at(&image, CKPT_HDR_TASK_FPU, 0);
	ASSERT_NE(NULL, fpu);
	EXPECT_EQ(NULL, state_at(fpu, 2));
	fpu = image_at(&image, CKPT_HDR_TASK_FPU, 1);
	ASSERT_NE(NULL, fpu);
	/* nor has anything used x87 */
	EXPECT_EQ(NULL, state_at(fpu, 0));
	state = state_at(fpu, 2);
	ASSERT_NE(NULL, state);
	ASSERT_EQ(2 * (sizeof(*state) + 16 * 16), fpu->size);
	EXPECT_EQ(16 * 16, state->size);
	for (i = 0; i < ARRAY_SIZE(wrong_nr); i++)
		image_refused(v, &image, &state->nr, &wrong_nr[i],
			      sizeof(state->nr));
	for (i = 0; i < ARRAY_SIZE(wrong_size); i++)
		image_refused(v, &image, &state->size, &wrong_size[i],
			      sizeof(state->size));
	for (i = 0; i < ARRAY_SIZE(wrong_len); i++)
		image_refused(v, &image, &fpu->size, &wrong_len[i],
			      sizeof(fpu->size));
	image_restart_finish(v, &image);
}

/* Eight values on the x87 stack, rounding down and up, and a masked error */
static void *spin_fpu(void *arg)
{
	static const uint16_t fcw = 0x0f7f;	/* round to zero */
	static const uint32_t mxcsr = 0x5f80;	/* round up */
	struct area *a = arg;

	asm volatile("fninit\n\t"
		     "fldpi\n\t"
		     "fldl2e\n\t"
		     "fldlg2\n\t"
		     "fldln2\n\t"
		     "fld1\n\t"
		     "fldz\n\t"
		     "fldl2t\n\t"
		     "fldpi\n\t"
		     "fldcw %[fcw]\n\t"
		     "ldmxcsr %[mxcsr]\n\t"
		     "movq $1, %c[running](%%rdi)\n\t"
		     "1: cmpq $0, %c[go](%%rdi)\n\t"
		     "je 1b\n\t"
		     "fxsaveq (%%rsi)\n\t"
		     "fninit\n\t"
		     : : "D" (a), "S" (a->fxsave),
			 [fcw] "m" (fcw), [mxcsr] "m" (mxcsr),
			 [go] "i" (offsetof(struct area, go)),
			 [running] "i" (offsetof(struct area, running))
		     : "memory", "cc");
	return NULL;
}

CKPT_TEST(x87_and_control_words)
{
	long double st[8];
	pthread_t thread;
	uint32_t mxcsr;
	uint16_t fcw;
	int i;

	REQUIRE(!pthread_create(&thread, NULL, spin_fpu, &area));
	CKPT_WAIT_FOR(area.running);
	ckpt_ready();
	area.go = 1;
	pthread_join(thread, NULL);
	memcpy(&fcw, area.fxsave, sizeof(fcw));
	memcpy(&mxcsr, area.fxsave + 24, sizeof(mxcsr));
	CHECK_EQ(fcw, 0x0f7f);
	CHECK_EQ(mxcsr, 0x5f80);
	memset(st, 0, sizeof(st));
	for (i = 0; i < 8; i++)
		memcpy(&st[i], area.fxsave + 32 + 16 * i, 10);
	CHECK(st[0] > 3.14L && st[0] < 3.15L);
	CHECK(st[0] == st[7]);
	CHECK(st[2] == 0.0L);
	CHECK(st[3] == 1.0L);
	CHECK(st[6] > 1.44L && st[6] < 1.45L);
}

/* Those of one thread that never used any stay at their initial values. */
CKPT_TEST(initial_fpu_state)
{
	uint32_t before, after;

	asm volatile("stmxcsr %0" : "=m" (before));
	ckpt_ready();
	asm volatile("stmxcsr %0" : "=m" (after));
	CHECK_EQ(after, before);
}

static __thread uint64_t tls;
static struct ckpt_gate up, go;

static void *tls_fn(void *arg)
{
	static uint64_t words[2];
	uint64_t base, word;
	unsigned long fs;

	tls = (uintptr_t)arg;
	words[(uintptr_t)arg] = 0xabcd0000 + (uintptr_t)arg;
	CHECK(!syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
	CHECK(!syscall(SYS_arch_prctl, ARCH_SET_GS, &words[(uintptr_t)arg]));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(tls, (uintptr_t)arg);
	CHECK(!syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
	CHECK_EQ(base, fs);
	CHECK(!syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
	CHECK_EQ(base, (uintptr_t)&words[(uintptr_t)arg]);
	asm volatile("mov %%gs:0, %0" : "=r" (word));
	CHECK_EQ(word, 0xabcd0000 + (uintptr_t)arg);
	return NULL;
}

CKPT_TEST(fs_and_gs_base)
{
	pthread_t thread[2];
	long i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	for (i = 0; i < 2; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, tls_fn, (void *)i));
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	tls = 99;
	ckpt_ready();
	CHECK_EQ(tls, 99);
	ckpt_gate_open(&go, 2);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

/* struct user_desc */
struct segment {
	uint32_t entry;
	uint32_t base;
	uint32_t limit;
	uint32_t flags;
};

/* Only 32 bit code has these, but 64 bit code can make its calls too. */
static long call32(unsigned long nr, void *arg)
{
	long ret;

	asm volatile("int $0x80" : "=a" (ret) : "a" (nr), "b" (arg) :
		     "r8", "r9", "r10", "r11", "memory");
	return ret;
}

#define SET_THREAD_AREA	243
#define GET_THREAD_AREA	244

#define SEG_32BIT	0x01
#define SEG_IN_PAGES	0x10
#define SEG_AVAILABLE	0x40

/* A segment of the thread's own, in the GDT, as 32 bit programs have them */
CKPT_TEST(segment_in_gdt)
{
	struct segment desc = {
		.entry = -1, .limit = 0xfffff,
		.flags = SEG_32BIT | SEG_IN_PAGES | SEG_AVAILABLE,
	}, *low;
	uint16_t sel, es, gs, ds = 0;
	uint32_t *mem, word;
	long err;

	/* Below 4 GiB, where 32 bits can point to */
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	REQUIRE(mem != MAP_FAILED);
	*mem = 0xfeedface;
	low = (void *)(mem + 100);
	desc.base = (uintptr_t)mem;
	*low = desc;
	err = call32(SET_THREAD_AREA, low);
	if (err)
		ckpt_skip("set_thread_area: error %ld", err);
	sel = low->entry << 3 | 3;
	asm volatile("mov %0, %%gs" : : "r" (sel));
	asm volatile("mov %0, %%es" : : "r" (sel));
	ckpt_ready();
	asm volatile("mov %%gs, %0" : "=r" (gs));
	asm volatile("mov %%es, %0" : "=r" (es));
	CHECK_EQ(gs, sel);
	CHECK_EQ(es, sel);
	asm volatile("movl %%gs:0, %0" : "=r" (word));
	CHECK_EQ(word, 0xfeedface);
	low->base = 0;
	CHECK(!call32(GET_THREAD_AREA, low));
	CHECK_EQ(low->base, desc.base);
	CHECK_EQ(low->limit, desc.limit);
	asm volatile("mov %0, %%es; mov %0, %%gs" : : "r" (ds));
}

TEST_HARNESS_MAIN
