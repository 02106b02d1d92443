// SPDX-License-Identifier: GPL-2.0
/*
 * The tree itself: pids, parents, threads, process groups, sessions, and
 * those who are dead but not yet reaped.
 *
 * guest: --smp 2
 */
#include "libckpttest.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

static struct ckpt_gate up, go;

struct kin {
	pid_t parent;
	int depth;
	int code;
};

static pid_t gettid_raw(void)
{
	return syscall(SYS_gettid);
}

/* Two children at each level, three levels */
static int tree_node(void *arg)
{
	struct kin *kin = arg;
	pid_t pid = getpid(), child[2];
	struct kin sub[2];
	int i;

	for (i = 0; kin->depth && i < 2; i++) {
		sub[i] = (struct kin){ pid, kin->depth - 1, 10 * kin->depth + i };
		child[i] = ckpt_fork(tree_node, &sub[i]);
	}
	CHECK_EQ(getppid(), kin->parent);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(getpid(), pid);
	CHECK_EQ(gettid_raw(), pid);
	CHECK_EQ(getppid(), kin->parent);
	for (i = 0; kin->depth && i < 2; i++)
		ckpt_join(child[i], sub[i].code);
	return kin->code;
}

CKPT_TEST(tree)
{
	struct kin root = { getpid(), 3, 42 };
	pid_t pid;
	int i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(tree_node, &root);
	for (i = 0; i < 15; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 15);
	ckpt_join(pid, 42);
}

static void *thread_fn(void *arg)
{
	pid_t tid = gettid_raw();
	pthread_t self = pthread_self();

	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(gettid_raw(), tid);
	CHECK(pthread_equal(self, pthread_self()));
	return (char *)arg + 1;
}

CKPT_TEST(threads)
{
	pthread_t thread[16];
	void *value;
	long i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	for (i = 0; i < 16; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, thread_fn, (void *)i));
	for (i = 0; i < 16; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 16);
	for (i = 0; i < 16; i++) {
		CHECK(!pthread_join(thread[i], &value));
		CHECK_EQ((long)value, i + 1);
	}
	/* And new ones can be made. */
	REQUIRE(!pthread_create(&thread[0], NULL, thread_fn, (void *)7));
	ckpt_gate_open(&go, 1);
	CHECK(!pthread_join(thread[0], &value));
	CHECK_EQ((long)value, 8);
}

static volatile unsigned long spinning, spins;

static void *spin_fn(void *arg)
{
	while (spinning)
		spins++;
	return NULL;
}

/* A thread that never enters the kernel by itself. */
CKPT_TEST(spinning_thread)
{
	unsigned long seen;
	pthread_t thread;

	spinning = 1;
	REQUIRE(!pthread_create(&thread, NULL, spin_fn, NULL));
	ckpt_ready();
	seen = spins;
	CKPT_WAIT_FOR(spins != seen);
	spinning = 0;
	CHECK(!pthread_join(thread, NULL));
}

static int wait_for_go(void *arg)
{
	ckpt_gate_wait(&go);
	return (int)(intptr_t)arg;
}

static void *parent_fn(void *arg)
{
	pid_t pid = ckpt_fork(wait_for_go, (void *)5);
	int status;

	ckpt_gate_open(&up, 1);
	CHECK_EQ(waitpid(pid, &status, __WNOTHREAD), pid);
	CHECK_EQ(status, 5 << 8);
	return NULL;
}

/* The child of a thread is that thread's, not the process's. */
CKPT_TEST(parent_is_a_thread)
{
	pthread_t thread;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	REQUIRE(!pthread_create(&thread, NULL, parent_fn, NULL));
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(waitpid(-1, NULL, WNOHANG | __WNOTHREAD), -1);
	ckpt_gate_open(&go, 1);
	pthread_join(thread, NULL);
}

static int orphan_fn(void *arg)
{
	pid_t reaper = *(pid_t *)arg;

	CKPT_WAIT_FOR(getppid() == reaper);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(getppid(), reaper);
	return 9;
}

static int short_lived_parent(void *arg)
{
	ckpt_fork(orphan_fn, arg);
	return 0;
}

static void adopt_orphan(void)
{
	pid_t me = getpid(), pid;
	int status;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	ckpt_join(ckpt_fork(short_lived_parent, &me), 0);
	ckpt_gate_wait(&up);
	ckpt_ready();
	ckpt_gate_open(&go, 1);
	pid = waitpid(-1, &status, 0);
	CHECK(pid > 0);
	CHECK_EQ(status, 9 << 8);
}

CKPT_TEST_ONLY(orphan_of_init, CKPT_CONTAINER)
{
	adopt_orphan();
}

CKPT_TEST(orphan_of_subreaper)
{
	pid_t me = getpid();
	int is = 0, status;

	REQUIRE(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	adopt_orphan();
	CHECK(!prctl(PR_GET_CHILD_SUBREAPER, &is));
	CHECK_EQ(is, 1);
	/* One that becomes an orphan only now */
	ckpt_join(ckpt_fork(short_lived_parent, &me), 0);
	ckpt_gate_open(&go, 1);
	CHECK(waitpid(-1, &status, 0) > 0);
	CHECK_EQ(status, 9 << 8);
}

struct jobs {
	pid_t sid;
	pid_t pgid;	/* 0: a new one, of the process itself */
};

static int member_fn(void *arg)
{
	struct jobs jobs = *(struct jobs *)arg;

	if (!jobs.pgid) {
		jobs.pgid = getpid();
		REQUIRE(!setpgid(0, 0));
	}
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(getsid(0), jobs.sid);
	CHECK_EQ(getpgrp(), jobs.pgid);
	return 3;
}

static int new_session(void *arg)
{
	struct jobs jobs[2];
	pid_t pid[2];

	REQUIRE(setsid() == getpid());
	jobs[0] = (struct jobs){ .sid = getpid() };
	jobs[1] = (struct jobs){ .sid = getpid(), .pgid = getpid() };
	pid[0] = ckpt_fork(member_fn, &jobs[0]);
	pid[1] = ckpt_fork(member_fn, &jobs[1]);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(getsid(0), getpid());
	CHECK_EQ(getpgrp(), getpid());
	ckpt_join(pid[0], 3);
	ckpt_join(pid[1], 3);
	return 4;
}

CKPT_TEST(sessions_and_groups)
{
	pid_t sid = getsid(0), pgid = getpgrp(), pid;
	int i;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(new_session, NULL);
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(getsid(0), sid);
	CHECK_EQ(getpgrp(), pgid);
	CHECK_EQ(getsid(pid), pid);
	ckpt_gate_open(&go, 3);
	ckpt_join(pid, 4);
}

static int leave_session(void *arg)
{
	struct jobs jobs;

	jobs.sid = setsid();
	REQUIRE(jobs.sid == getpid());
	jobs.pgid = jobs.sid;
	ckpt_fork(member_fn, &jobs);
	ckpt_gate_wait(&up);
	return 0;
}

/* The ids of a session and of a group whose leader is dead live on. */
CKPT_TEST(leader_is_dead)
{
	pid_t leader, member;
	int status;

	REQUIRE(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	leader = ckpt_fork(leave_session, NULL);
	ckpt_join(leader, 0);
	ckpt_ready();
	CHECK_EQ(kill(leader, 0), -1);
	CHECK_EQ(kill(-leader, 0), 0);
	ckpt_gate_open(&go, 1);
	member = waitpid(-1, &status, 0);
	CHECK(member > 0);
	CHECK_EQ(status, 3 << 8);
	CHECK_EQ(kill(-leader, 0), -1);
}

static int exit_fn(void *arg)
{
	return (int)(intptr_t)arg;
}

static int pause_fn(void *arg)
{
	while (pause())
		;
	return 0;
}

static int exit_as_user(void *arg)
{
	REQUIRE(!setresuid(1234, 1234, 1234));
	return 78;
}

CKPT_TEST(zombies)
{
	pid_t user = ckpt_fork(exit_as_user, NULL);
	pid_t exited = ckpt_fork(exit_fn, (void *)77);
	pid_t killed = ckpt_fork(pause_fn, NULL);
	pid_t later = ckpt_fork(pause_fn, NULL);
	siginfo_t info = { 0 };
	int status;

	kill(killed, SIGTERM);
	ckpt_wait_state(user, 'Z');
	ckpt_wait_state(exited, 'Z');
	ckpt_wait_state(killed, 'Z');
	ckpt_ready();
	CHECK(!waitid(P_PID, user, &info, WEXITED | WNOWAIT));
	CHECK_EQ(info.si_uid, 1234);
	ckpt_join(user, 78);
	CHECK(!waitid(P_PID, exited, &info, WEXITED | WNOWAIT));
	CHECK_EQ(info.si_pid, exited);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_status, 77);
	ckpt_join(exited, 77);
	CHECK_EQ(waitpid(killed, &status, 0), killed);
	CHECK_EQ(status, SIGTERM);
	CHECK_EQ(waitpid(-1, &status, WNOHANG), 0);
	kill(later, SIGKILL);
	CHECK_EQ(waitpid(later, &status, 0), later);
	CHECK_EQ(status, SIGKILL);
}

static pid_t outliving_tid;

static int orphan_of_outlived(void *arg)
{
	ckpt_gate_wait(&go);
	return 21;
}

static void *outlives(void *arg)
{
	pid_t pid;
	int status;

	if (arg) {
		/* what the leader leaves behind, too */
		outliving_tid = gettid_raw();
		pid = ckpt_fork(orphan_of_outlived, NULL);
		ckpt_gate_open(&up, 1);
		ckpt_gate_wait(&go);
		CHECK_EQ(gettid_raw(), outliving_tid);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 21 << 8);
		_exit(11);
	}
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return NULL;
}

static int leads_and_leaves(void *arg)
{
	struct itimerval spec = { .it_value.tv_sec = 10000 };
	pthread_t thread;
	long i;

	REQUIRE(!setitimer(ITIMER_REAL, &spec, NULL));
	for (i = 0; i < 3; i++)
		REQUIRE(!pthread_create(&thread, NULL, outlives,
					(void *)(long)(i == 2)));
	for (i = 0; i < 3; i++)
		ckpt_gate_wait(&up);
	syscall(SYS_exit, 33);
	return 1;
}

/* The first thread has exited, and the process lives on. */
CKPT_TEST(outlived_leader)
{
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(leads_and_leaves, NULL);
	ckpt_wait_state(pid, 'Z');
	ckpt_ready();
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK(!kill(pid, 0));
	ckpt_gate_open(&go, 4);
	ckpt_join(pid, 11);
}

/* Stopped like any other; its end, by a signal, is that of the process. */
CKPT_TEST(outlived_and_stopped)
{
	siginfo_t info = { 0 };
	pid_t pid;
	int status;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	pid = ckpt_fork(leads_and_leaves, NULL);
	ckpt_wait_state(pid, 'Z');
	REQUIRE(!kill(pid, SIGSTOP));
	CKPT_WAIT_FOR(!waitid(P_PID, pid, &info, WSTOPPED | WNOHANG | WNOWAIT) &&
		      info.si_pid == pid);
	ckpt_ready();
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(!kill(pid, SIGCONT));
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	CHECK(!kill(pid, SIGTERM));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, SIGTERM);
}

/* A zombie that led a session and a group which still have members */
static int lead_and_die(void *arg)
{
	struct jobs jobs;

	jobs.sid = setsid();
	jobs.pgid = jobs.sid;
	ckpt_fork(member_fn, &jobs);
	ckpt_gate_wait(&up);
	return 6;
}

CKPT_TEST(zombie_leads_a_session)
{
	pid_t leader, member;
	int status;

	REQUIRE(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	leader = ckpt_fork(lead_and_die, NULL);
	ckpt_wait_state(leader, 'Z');
	ckpt_ready();
	ckpt_join(leader, 6);
	ckpt_gate_open(&go, 1);
	member = waitpid(-1, &status, 0);
	CHECK(member > 0);
	CHECK_EQ(status, 3 << 8);
}

static int on_clone(void *arg)
{
	ckpt_gate_wait(&go);
	return 8;
}

/* A child that announces its end with another signal than SIGCHLD, or none */
CKPT_TEST(exit_signal)
{
	static char stack[2][65536] __attribute__((aligned(16)));
	sigset_t set;
	siginfo_t info;
	pid_t usr1, none;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ckpt_gate_init(&go);
	usr1 = clone(on_clone, stack[0] + sizeof(stack[0]), SIGUSR1, NULL);
	none = clone(on_clone, stack[1] + sizeof(stack[1]), 0, NULL);
	REQUIRE(usr1 > 0 && none > 0);
	ckpt_ready();
	CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
	ckpt_gate_open(&go, 2);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
	CHECK_EQ(info.si_pid, usr1);
	CHECK_EQ(waitpid(usr1, NULL, __WCLONE), usr1);
	CHECK_EQ(waitpid(none, NULL, __WCLONE), none);
	sigpending(&set);
	CHECK(!sigismember(&set, SIGCHLD));
}

CKPT_TEST(many_processes)
{
	pid_t pid[64];
	int i;

	ckpt_gate_init(&go);
	for (i = 0; i < 64; i++)
		pid[i] = ckpt_fork(wait_for_go, (void *)(intptr_t)i);
	ckpt_ready();
	ckpt_gate_open(&go, 64);
	for (i = 0; i < 64; i++)
		ckpt_join(pid[i], i);
}

static int vforks(void *arg)
{
	struct timespec ts = { .tv_nsec = 5000000 };
	pid_t pid;

	for (;;) {
		pid = vfork();
		if (!pid) {
			syscall(SYS_nanosleep, &ts, NULL);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			return 1;
	}
}

CKPT_VICTIM(vfork_again_and_again)
{
	pid_t pid = ckpt_fork(vforks, NULL);

	ckpt_ready();
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* Somebody waits for a vfork child at nearly any moment. */
DRIVER_TEST(vfork_children)
{
	struct ckpt_victim *v = &self->v;
	long ret;
	int i;

	ckpt_start(v, "vfork_again_and_again", 0);
	for (i = 0; i < 5; i++) {
		ret = ckpt_checkpoint(v, 0);
		ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret),
					 v->log);
	}
	ckpt_checkpoint_kill(v);
	ckpt_restart_finish(v);
}

/* Knows its relatives not by pids that it remembers, but by asking. */
static int child_of_whoever(void *arg)
{
	struct ckpt_gate *ask = arg;
	pid_t parent;

	CHECK_EQ(read(ask->fd[0], &parent, sizeof(parent)), sizeof(parent));
	CHECK_EQ(getppid(), parent);
	CHECK_EQ(getsid(0), parent);
	CHECK_EQ(getpgrp(), parent);
	return 12;
}

CKPT_VICTIM(new_pids)
{
	struct ckpt_gate ask;
	pid_t me, pid;
	int status;

	ckpt_gate_init(&ask);
	ckpt_fork(child_of_whoever, &ask);
	ckpt_ready();
	me = getpid();
	CHECK_EQ(gettid_raw(), me);
	CHECK_EQ(write(ask.fd[1], &me, sizeof(me)), sizeof(me));
	pid = wait(&status);
	CHECK(pid > 0);
	CHECK_EQ(status, 12 << 8);
}

/* A second copy of a running tree, under pids that the kernel chooses */
DRIVER_TEST(no_pids)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	pid_t first;
	long ret;

	ckpt_start(v, "new_pids", 0);
	first = v->pid;
	ckpt_snap_take(&before, first, CKPT_PIDS_NEW);
	ret = ckpt_checkpoint(v, 0);
	ASSERT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);

	/* Its pids are taken. */
	ret = ckpt_restart(v, 0);
	ASSERT_EQ(-EEXIST, ret) TH_LOG("%s", v->log);

	ret = ckpt_restart(v, RESTART_NOPIDS);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ASSERT_NE(first, ret);
	ckpt_snap_expect(&before, v->pid, CKPT_PIDS_NEW);
	ckpt_snap_free(&before);

	/* Both are there, and wait at the same pipe: let each have its turn. */
	kill(first, SIGSTOP);
	waitpid(first, NULL, WUNTRACED);
	ckpt_ping(v);
	kill(first, SIGKILL);
	waitpid(first, NULL, 0);
	ckpt_finish(v);
	ckpt_end(v);
}

/* The same into a container, whose pids are new to it too. */
DRIVER_TEST(no_pids_container)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_snap before;
	long ret;

	ckpt_start(v, "new_pids", CKPT_CONTAINER);
	ckpt_snap_take(&before, v->pid, CKPT_PIDS_NEW);
	ckpt_checkpoint_kill(v);
	ret = ckpt_restart(v, RESTART_NOPIDS);
	ASSERT_LT(0, ret) TH_LOG("restart: %s\n%s", strerror(-ret), v->log);
	ckpt_snap_expect(&before, v->pid, CKPT_PIDS_NEW);
	ckpt_snap_free(&before);
	ckpt_finish(v);
	ckpt_end(v);
}

TEST_HARNESS_MAIN
