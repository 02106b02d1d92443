// SPDX-License-Identifier: GPL-2.0
/*
 * Signals: actions, masks, the alternate stack, handlers that run, and what is
 * pending, in its order and with all that came with it.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

/* As the kernel has it, with no libc in between */
struct action {
	unsigned long handler;
	unsigned long flags;
	unsigned long restorer;
	unsigned long mask;
};

static long raw_action(int sig, const struct action *set, struct action *get)
{
	return syscall(SYS_rt_sigaction, sig, set, get, 8);
}

CKPT_TEST(actions)
{
	static const unsigned long flags[] = {
		SA_SIGINFO, SA_RESTART, SA_NODEFER, SA_RESETHAND, SA_ONSTACK,
		SA_NOCLDSTOP, SA_NOCLDWAIT, SA_SIGINFO | SA_RESTART | SA_ONSTACK,
	};
	struct action set[65], get;
	int sig;

	for (sig = 1; sig <= 64; sig++) {
		if (sig == SIGKILL || sig == SIGSTOP)
			continue;
		set[sig] = (struct action){
			.handler = sig % 3 == 2 ? 0x400000 + sig : sig % 3,
			.flags = flags[sig % ARRAY_SIZE(flags)] | 0x04000000,
			.restorer = 0x500000 + sig,
			.mask = 0x1234567812345678UL << (sig % 5) & ~0x40100UL,
		};
		REQUIRE(!raw_action(sig, &set[sig], NULL));
		REQUIRE(!raw_action(sig, NULL, &set[sig]));
	}
	ckpt_ready();
	for (sig = 1; sig <= 64; sig++) {
		if (sig == SIGKILL || sig == SIGSTOP)
			continue;
		CHECK(!raw_action(sig, NULL, &get));
		CHECK(!memcmp(&get, &set[sig], sizeof(get)));
	}
}

static struct ckpt_gate up, go;

static void *own_mask(void *arg)
{
	sigset_t set, now;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMAX);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1) && sigismember(&now, SIGRTMAX));
	CHECK(!sigismember(&now, SIGUSR2));
	return NULL;
}

CKPT_TEST(masks)
{
	pthread_t thread;
	sigset_t set, now;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	REQUIRE(!pthread_create(&thread, NULL, own_mask, NULL));
	ckpt_gate_wait(&up);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	ckpt_ready();
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR2) && sigismember(&now, SIGALRM));
	CHECK(!sigismember(&now, SIGUSR1));
	ckpt_gate_open(&go, 1);
	pthread_join(thread, NULL);
}

static char alt[65536];
static volatile int handled, handled_on_alt, in_handler;
static siginfo_t handled_info;

static bool on_alt(void)
{
	char here;

	return &here >= alt && &here < alt + sizeof(alt);
}

static void note(int sig, siginfo_t *info, void *context)
{
	handled_info = *info;
	handled_on_alt = on_alt();
	handled = sig;
}

static void set_alt(void)
{
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };

	REQUIRE(!sigaltstack(&ss, NULL));
}

static void set_handler(int sig, void (*fn)(int, siginfo_t *, void *),
			int flags)
{
	struct sigaction act = { .sa_sigaction = fn,
				 .sa_flags = SA_SIGINFO | flags };

	REQUIRE(!sigaction(sig, &act, NULL));
}

CKPT_TEST(alternate_stack)
{
	stack_t ss;

	set_alt();
	set_handler(SIGUSR1, note, SA_ONSTACK);
	ckpt_ready();
	CHECK(!sigaltstack(NULL, &ss));
	CHECK(ss.ss_sp == alt);
	CHECK_EQ(ss.ss_size, sizeof(alt));
	CHECK_EQ(ss.ss_flags, 0);
	raise(SIGUSR1);
	CHECK_EQ(handled, SIGUSR1);
	CHECK(handled_on_alt);
}

static void wait_inside(int sig, siginfo_t *info, void *context)
{
	stack_t ss;
	sigset_t now;

	CHECK(on_alt());
	in_handler++;
	ckpt_ready();
	in_handler--;
	CHECK(on_alt());
	CHECK_EQ(info->si_signo, sig);
	CHECK_EQ(info->si_pid, getpid());
	CHECK(!sigaltstack(NULL, &ss));
	CHECK_EQ(ss.ss_flags, SS_ONSTACK);
	sigprocmask(SIG_SETMASK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1));
	handled = sig;
}

/* Checkpointed in a handler, which then returns to what it interrupted */
CKPT_TEST(inside_a_handler)
{
	register unsigned long kept asm("r12") = 0x1122334455667788UL;
	double d = 1.5;
	sigset_t now;

	set_alt();
	set_handler(SIGUSR1, wait_inside, SA_ONSTACK);
	asm volatile("" : "+r" (kept), "+x" (d));
	raise(SIGUSR1);
	asm volatile("" : "+r" (kept), "+x" (d));
	CHECK_EQ(kept, 0x1122334455667788UL);
	CHECK(d == 1.5);
	CHECK_EQ(handled, SIGUSR1);
	CHECK_EQ(in_handler, 0);
	sigprocmask(SIG_SETMASK, NULL, &now);
	CHECK(!sigismember(&now, SIGUSR1));
}

static void raise_another(int sig, siginfo_t *info, void *context)
{
	set_handler(SIGUSR1, wait_inside, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK_EQ(handled, SIGUSR1);
	handled = sig;
}

CKPT_TEST(inside_nested_handlers)
{
	set_alt();
	set_handler(SIGUSR2, raise_another, SA_ONSTACK);
	raise(SIGUSR2);
	CHECK_EQ(handled, SIGUSR2);
}

static void block_all(sigset_t *set)
{
	sigfillset(set);
	sigprocmask(SIG_BLOCK, set, NULL);
}

/* Not through libc, which changes si_code. */
static int take(siginfo_t *info)
{
	struct timespec none = { 0 };
	uint64_t set = ~0ULL;

	return syscall(SYS_rt_sigtimedwait, &set, info, &none, sizeof(set));
}

/* Real-time signals queue: each instance, in order, with its value. */
CKPT_TEST(pending_queue)
{
	union sigval value;
	siginfo_t info;
	sigset_t set;
	int i;

	block_all(&set);
	for (i = 0; i < 200; i++) {
		value.sival_int = 1000 + i;
		REQUIRE(!sigqueue(getpid(), SIGRTMIN + i % 2, value));
	}
	value.sival_ptr = &value;
	REQUIRE(!sigqueue(getpid(), SIGRTMAX, value));
	ckpt_ready();
	for (i = 0; i < 200; i++) {
		int n = i < 100 ? 2 * i : 2 * (i - 100) + 1;

		CHECK_EQ(take(&info), SIGRTMIN + n % 2);
		CHECK_EQ(info.si_code, SI_QUEUE);
		CHECK_EQ(info.si_value.sival_int, 1000 + n);
		CHECK_EQ(info.si_pid, getpid());
		CHECK_EQ(info.si_uid, getuid());
	}
	CHECK_EQ(take(&info), SIGRTMAX);
	CHECK(info.si_value.sival_ptr == &value);
	CHECK_EQ(take(&info), -1);
}

static void *has_private(void *arg)
{
	siginfo_t info;
	sigset_t set;

	block_all(&set);
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGRTMIN + 3);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	/* Its own first, then those of the process */
	CHECK_EQ(take(&info), SIGUSR1);
	CHECK_EQ(info.si_code, SI_TKILL);
	CHECK_EQ(info.si_pid, getpid());
	CHECK_EQ(take(&info), SIGRTMIN + 3);
	return NULL;
}

CKPT_TEST(pending_for_thread_and_process)
{
	pthread_t thread;
	siginfo_t info;
	sigset_t set;

	block_all(&set);
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	REQUIRE(!pthread_create(&thread, NULL, has_private, NULL));
	ckpt_gate_wait(&up);
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGUSR2);
	ckpt_ready();
	CHECK_EQ(take(&info), SIGUSR2);
	CHECK_EQ(info.si_code, SI_USER);
	CHECK_EQ(info.si_pid, getpid());
	/* Not twice, and not the thread's */
	CHECK_EQ(take(&info), -1);
	ckpt_gate_open(&go, 1);
	pthread_join(thread, NULL);
}

static int exit_fn(void *arg)
{
	return 66;
}

CKPT_TEST(pending_child)
{
	siginfo_t info;
	sigset_t set;
	pid_t pid;

	block_all(&set);
	pid = ckpt_fork(exit_fn, NULL);
	ckpt_wait_state(pid, 'Z');
	ckpt_ready();
	CHECK_EQ(take(&info), SIGCHLD);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 66);
	ckpt_join(pid, 66);
}

/* A signal that is pending and not blocked kills only after the restart. */
static int dies(void *arg)
{
	sigset_t set;

	block_all(&set);
	kill(getpid(), SIGTERM);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return 1;
}

CKPT_TEST(pending_and_fatal)
{
	pid_t pid;
	int status;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(dies, NULL);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	ckpt_gate_open(&go, 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, SIGTERM);
}

static int suspends(void *arg)
{
	sigset_t usr1, none, now;

	set_handler(SIGUSR1, note, 0);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigaddset(&usr1, SIGUSR2);
	sigprocmask(SIG_SETMASK, &usr1, NULL);
	none = usr1;
	sigdelset(&none, SIGUSR1);
	CHECK_EQ(sigsuspend(&none), -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(handled, SIGUSR1);
	sigprocmask(SIG_SETMASK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2));
	return 0;
}

static int polls(void *arg)
{
	sigset_t usr1, none, now;

	set_handler(SIGUSR1, note, 0);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_SETMASK, &usr1, NULL);
	sigemptyset(&none);
	CHECK_EQ(ppoll(NULL, 0, NULL, &none), -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(handled, SIGUSR1);
	sigprocmask(SIG_SETMASK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1));
	return 0;
}

static void wait_with_mask(int (*fn)(void *), long nr)
{
	pid_t pid = ckpt_fork(fn, NULL);

	ckpt_wait_blocked(pid, pid, nr);
	ckpt_ready();
	kill(pid, SIGUSR1);
	ckpt_join(pid, 0);
}

/* The mask of the wait, and the one to come back to */
CKPT_TEST(in_sigsuspend)
{
	wait_with_mask(suspends, SYS_rt_sigsuspend);
}

CKPT_TEST(in_ppoll)
{
	wait_with_mask(polls, SYS_ppoll);
}

static int counts(void *arg)
{
	volatile unsigned long *n = arg;

	while (!handled)
		++*n;
	return 0;
}

/* Stopped: it stays so until it is told to go on. */
CKPT_TEST(stopped)
{
	static unsigned long n;
	int status;
	pid_t pid;

	set_handler(SIGUSR1, note, 0);
	pid = ckpt_fork(counts, &n);
	kill(pid, SIGSTOP);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	ckpt_ready();
	/* The parent was told of it already. */
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	ckpt_wait_state(pid, 'T');
	kill(pid, SIGUSR1);
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGCONT);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void *spins(void *arg)
{
	while (!handled)
		;
	return NULL;
}

static int spins_in_threads(void *arg)
{
	pthread_t thread[3];
	int i;

	for (i = 0; i < 3; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, spins, NULL));
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

CKPT_TEST(stopped_and_not_told)
{
	int status;
	pid_t pid;

	set_handler(SIGUSR1, note, 0);
	pid = ckpt_fork(spins_in_threads, NULL);
	kill(pid, SIGSTOP);
	ckpt_wait_state(pid, 'T');
	ckpt_ready();
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	kill(pid, SIGCONT);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	kill(pid, SIGUSR1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST_HARNESS_MAIN
