// SPDX-License-Identifier: GPL-2.0
/*
 * Runs in the guests of selftest-cpu: has something that not every CPU has, in
 * its registers or of its scheduling, waits for SIGUSR1, and looks whether it is
 * still there.
 *
 *	vectors sse|avx|pkeys|cpus|cookie
 *
 * Exit status 0 if it is, 1 if not, 77 if there is no such thing here.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SKIP	77

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE		62
#define PR_SCHED_CORE_GET	0
#define PR_SCHED_CORE_CREATE	1
#endif

/* All sixteen of them, from or to where rsi points */
#define ALL(instruction)						\
	".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"		\
	instruction "\n\t"						\
	".endr\n\t"

/* Nothing but the call may stand between the two. */
#define HOLD(load, store)						\
	do {								\
		long nr = SYS_pause;					\
									\
		asm volatile(ALL(load) "syscall\n\t" ALL(store)		\
			     : "+a" (nr) : "S" (regs)			\
			     : "rcx", "r11", "memory");			\
	} while (0)

static uint8_t regs[16][32] __attribute__((aligned(32)));

static void on_signal(int sig)
{
	(void)sig;
}

static int vectors(int avx)
{
	uint8_t before[16][32];
	int i, j;

	if (avx && !__builtin_cpu_supports("avx"))
		return SKIP;
	for (i = 0; i < 16; i++)
		for (j = 0; j < 32; j++)
			regs[i][j] = 16 * i + j + 1;
	memcpy(before, regs, sizeof(before));
	if (avx)
		HOLD("vmovdqu 32*\\i(%%rsi), %%ymm\\i",
		     "vmovdqu %%ymm\\i, 32*\\i(%%rsi)");
	else
		HOLD("movdqu 32*\\i(%%rsi), %%xmm\\i",
		     "movdqu %%xmm\\i, 32*\\i(%%rsi)");
	return !!memcmp(before, regs, sizeof(before));
}

static int pkeys(void)
{
	int key = pkey_alloc(0, PKEY_DISABLE_WRITE), now;
	void *mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (key < 0)
		return SKIP;
	if (mem == MAP_FAILED ||
	    pkey_mprotect(mem, 4096, PROT_READ | PROT_WRITE, key))
		return 1;
	pause();
	now = pkey_get(key);
	return now != PKEY_DISABLE_WRITE || pkey_free(key);
}

/* The second and the third CPU, of which the second is there later */
static int cpus(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	CPU_SET(2, &set);
	if (sched_setaffinity(0, sizeof(set), &set) ||
	    sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) != 2)
		return SKIP;
	pause();
	return sched_getaffinity(0, sizeof(set), &set) ||
	       CPU_COUNT(&set) != 1 || !CPU_ISSET(1, &set);
}

/* Of core scheduling */
static int cookie(void)
{
	uint64_t id = 0;

	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, 0, 0))
		return SKIP;
	pause();
	return prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, &id) || !id;
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	signal(SIGUSR1, on_signal);
	if (!strcmp(what, "sse") || !strcmp(what, "avx"))
		return vectors(what[0] == 'a');
	if (!strcmp(what, "pkeys"))
		return pkeys();
	if (!strcmp(what, "cpus"))
		return cpus();
	if (!strcmp(what, "cookie"))
		return cookie();
	fprintf(stderr, "usage: vectors sse|avx|pkeys|cpus|cookie\n");
	return 2;
}
