// SPDX-License-Identifier: GPL-2.0
/*
 * Small state of a task: names, personality, what the kernel and libc agreed
 * on (robust list, rseq, thread ids), and what happens when somebody dies.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <asm/prctl.h>
#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

static struct ckpt_gate up, go;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

static void *named(void *arg)
{
	char name[16] = "";

	REQUIRE(!prctl(PR_SET_NAME, arg));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(!prctl(PR_GET_NAME, name));
	CHECK(!strcmp(name, arg));
	return NULL;
}

CKPT_TEST(comm)
{
	pthread_t thread;
	char name[16] = "";

	gates();
	REQUIRE(!pthread_create(&thread, NULL, named, "a) (thread\n"));
	ckpt_gate_wait(&up);
	REQUIRE(!prctl(PR_SET_NAME, "fifteen letters"));
	ckpt_ready();
	CHECK(!prctl(PR_GET_NAME, name));
	CHECK(!strcmp(name, "fifteen letters"));
	ckpt_gate_open(&go, 1);
	pthread_join(thread, NULL);
}

CKPT_TEST(personality)
{
	REQUIRE(personality(ADDR_NO_RANDOMIZE | STICKY_TIMEOUTS) >= 0);
	ckpt_ready();
	CHECK_EQ(personality(0xffffffff), ADDR_NO_RANDOMIZE | STICKY_TIMEOUTS);
}

CKPT_TEST(dumpable)
{
	REQUIRE(!prctl(PR_SET_DUMPABLE, 0));
	ckpt_ready();
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
}

static void *holds_and_dies(void *arg)
{
	CHECK_EQ(pthread_mutex_lock(arg), 0);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return NULL;
}

/* Who dies with a robust mutex leaves a mark for the next. */
static void robust(int protocol)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t mutex;
	pthread_t thread;
	size_t len = 0;
	void *before = NULL, *after = NULL;

	gates();
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	REQUIRE(!pthread_mutexattr_setprotocol(&attr, protocol));
	pthread_mutex_init(&mutex, &attr);
	REQUIRE(!syscall(SYS_get_robust_list, 0, &before, &len));
	REQUIRE(!pthread_create(&thread, NULL, holds_and_dies, &mutex));
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK(!syscall(SYS_get_robust_list, 0, &after, &len));
	CHECK(before == after);
	CHECK_EQ(pthread_mutex_trylock(&mutex), EBUSY);
	ckpt_gate_open(&go, 1);
	pthread_join(thread, NULL);
	CHECK_EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(&mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
}

CKPT_TEST(robust_list)
{
	robust(PTHREAD_PRIO_NONE);
}

CKPT_TEST(robust_and_inheriting)
{
	robust(PTHREAD_PRIO_INHERIT);
}

static struct rseq *my_rseq(void)
{
	return (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static void *uses_rseq(void *arg)
{
	volatile struct rseq *rseq = my_rseq();
	cpu_set_t all, one;
	int cpu;

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	/* The kernel keeps it up to date wherever the thread goes. */
	REQUIRE(!sched_getaffinity(0, sizeof(all), &all));
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		CHECK(!sched_setaffinity(0, sizeof(one), &one));
		CHECK_EQ(rseq->cpu_id, cpu);
	}
	/* It is registered still: not once more. */
	CHECK_EQ(syscall(SYS_rseq, rseq, 32, 0, RSEQ_SIG), -1);
	CHECK(errno == EBUSY || errno == EINVAL || errno == EPERM);
	return NULL;
}

CKPT_TEST(rseq)
{
	pthread_t thread;

	if (!__rseq_size)
		ckpt_skip("libc did not register rseq");
	gates();
	REQUIRE(!pthread_create(&thread, NULL, uses_rseq, NULL));
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 2);
	uses_rseq(NULL);
	pthread_join(thread, NULL);
}

/**
 * struct section - what a thread in a critical section of rseq(2) looks at
 * @go: it may leave
 * @running: it is there
 * @aborted: how often it was thrown out of it
 */
static struct section {
	volatile uint64_t go;
	volatile uint64_t running;
	volatile uint64_t aborted;
} section;

/* Spins in a section, and goes there again when it is thrown out. */
static void *spins_in_section(void *arg)
{
	volatile struct rseq *rseq = my_rseq();
	struct section *s = arg;

	asm volatile(".pushsection .data\n\t"
		     ".balign 32\n\t"
		     "3: .long 0, 0\n\t"
		     ".quad 1f, 2f - 1f, 4f\n\t"
		     ".popsection\n\t"
		     "jmp 5f\n\t"
		     ".long %c[sig]\n\t"
		     "4: incq %c[aborted](%%rdx)\n\t"
		     "5: lea 3b(%%rip), %%rax\n\t"
		     "mov %%rax, %c[cs](%%rdi)\n\t"
		     "1: movq $1, %c[running](%%rdx)\n\t"
		     "6: cmpq $0, %c[go](%%rdx)\n\t"
		     "je 6b\n\t"
		     "2: movq $0, %c[cs](%%rdi)\n\t"
		     : : "D" (rseq), "d" (s), [sig] "i" (RSEQ_SIG),
			 [cs] "i" (offsetof(struct rseq, rseq_cs)),
			 [go] "i" (offsetof(struct section, go)),
			 [running] "i" (offsetof(struct section, running)),
			 [aborted] "i" (offsetof(struct section, aborted))
		     : "rax", "memory", "cc");
	return NULL;
}

CKPT_TEST(rseq_critical_section)
{
	pthread_t thread;
	uint64_t before;

	if (!__rseq_size)
		ckpt_skip("libc did not register rseq");
	REQUIRE(!pthread_create(&thread, NULL, spins_in_section, &section));
	CKPT_WAIT_FOR(section.running);
	before = section.aborted;
	ckpt_ready();
	if (ckpt_rounds())
		CKPT_WAIT_FOR(section.aborted > before);
	section.go = 1;
	pthread_join(thread, NULL);
}

CKPT_TEST(membarrier_registrations)
{
	static const int cmds[] = {
		MEMBARRIER_CMD_PRIVATE_EXPEDITED,
		MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
		MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ,
	};
	long all = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
	unsigned int i;
	long before;

	if (all < 0 || !(all & MEMBARRIER_CMD_GET_REGISTRATIONS))
		ckpt_skip("no registrations");
	/* that of each command is the next bit */
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		if (i != 1 && (all & cmds[i]))
			REQUIRE(!syscall(SYS_membarrier, cmds[i] << 1, 0, 0));
	REQUIRE(!syscall(SYS_membarrier,
			 MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0));
	before = syscall(SYS_membarrier, MEMBARRIER_CMD_GET_REGISTRATIONS, 0,
			 0);
	ckpt_ready();
	CHECK_EQ(syscall(SYS_membarrier, MEMBARRIER_CMD_GET_REGISTRATIONS, 0,
			 0), before);
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		if (all & cmds[i])
			CHECK_EQ(syscall(SYS_membarrier, cmds[i], 0, 0),
				 i == 1 ? -1 : 0);
}

static volatile char selector = SYSCALL_DISPATCH_FILTER_ALLOW;
static volatile int dispatched;

static void on_dispatch(int sig, siginfo_t *info, void *uc)
{
	/* or the return from here would be dispatched, too */
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	dispatched = info->si_syscall;
}

static void *not_dispatched(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	CHECK_EQ(syscall(SYS_getpid), getpid());
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	return NULL;
}

CKPT_TEST(dispatched_calls)
{
	struct sigaction sa = {
		.sa_sigaction = on_dispatch, .sa_flags = SA_SIGINFO,
	};
	pthread_t thread;

	gates();
	REQUIRE(!sigaction(SIGSYS, &sa, NULL));
	REQUIRE(!pthread_create(&thread, NULL, not_dispatched, NULL));
	ckpt_gate_wait(&up);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0,
		  &selector))
		ckpt_skip("PR_SET_SYSCALL_USER_DISPATCH: %m");
	ckpt_ready();
	CHECK_EQ(dispatched, 0);
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	syscall(SYS_getppid);
	CHECK_EQ(dispatched, SYS_getppid);
	CHECK_EQ(selector, SYSCALL_DISPATCH_FILTER_ALLOW);
	CHECK(!prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0,
		     0));
	ckpt_gate_open(&go, 1);
	pthread_join(thread, NULL);
	CHECK_EQ(dispatched, SYS_getppid);
}

static void *leaves(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return arg;
}

static void *joins(void *arg)
{
	void *value;

	ckpt_gate_open(&up, 1);
	CHECK(!pthread_join(*(pthread_t *)arg, &value));
	return value;
}

/* The kernel clears the thread id, and wakes who waits for that. */
CKPT_TEST(join_waits_for_the_thread_id)
{
	pthread_t thread, joiner;
	void *value;

	gates();
	REQUIRE(!pthread_create(&thread, NULL, leaves, (void *)31));
	REQUIRE(!pthread_create(&joiner, NULL, joins, &thread));
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	CHECK(!pthread_join(joiner, &value));
	CHECK_EQ((long)value, 31);
}

static int dies_with_parent(void *arg)
{
	REQUIRE(!prctl(PR_SET_PDEATHSIG, SIGUSR1));
	ckpt_gate_open(&up, 1);
	for (;;)
		ckpt_pause();
	return 0;
}

static int parent(void *arg)
{
	int sig = 0;

	REQUIRE(!prctl(PR_SET_PDEATHSIG, SIGUSR2));
	ckpt_fork(dies_with_parent, NULL);
	ckpt_gate_wait(&go);
	CHECK(!prctl(PR_GET_PDEATHSIG, &sig));
	CHECK_EQ(sig, SIGUSR2);
	return 0;
}

CKPT_TEST(parent_death_signal)
{
	int status;

	gates();
	REQUIRE(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	ckpt_ready_beside(parent, NULL, &up, &go);
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, SIGUSR1);
}

CKPT_TEST(machine_checks)
{
	REQUIRE(!prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
	ckpt_ready();
	CHECK_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_EARLY);
	CHECK(!prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0));
}

CKPT_TEST(machine_checks_late)
{
	REQUIRE(!prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0));
	ckpt_ready();
	CHECK_EQ(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0), PR_MCE_KILL_LATE);
}

CKPT_TEST(io_flusher)
{
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		ckpt_skip("PR_SET_IO_FLUSHER: %m");
	ckpt_ready();
	CHECK_EQ(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0), 1);
	CHECK(!prctl(PR_SET_IO_FLUSHER, 0, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0), 0);
}

/* A child that finds another reaper than its parent's parent */
static int reaps(void *arg)
{
	int is = 0;

	REQUIRE(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(!prctl(PR_GET_CHILD_SUBREAPER, &is));
	CHECK_EQ(is, 1);
	return 0;
}

CKPT_TEST(subreaper)
{
	int is = 1;

	gates();
	ckpt_ready_beside(reaps, NULL, &up, &go);
	CHECK(!prctl(PR_GET_CHILD_SUBREAPER, &is));
	CHECK_EQ(is, 0);
}

/* Where CPUs have it, CPUID is a fault. */
CKPT_TEST(no_cpuid)
{
	if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0))
		ckpt_skip("ARCH_SET_CPUID: %m");
	ckpt_ready();
	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0), 0);
	CHECK(!syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1));
	CHECK_EQ(syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0), 1);
}

/* Only the flag: who sets it is not this test's affair. */
CKPT_TEST(keep_capabilities)
{
	REQUIRE(!prctl(PR_SET_KEEPCAPS, 1));
	ckpt_ready();
	CHECK_EQ(prctl(PR_GET_KEEPCAPS), 1);
}

TEST_HARNESS_MAIN
