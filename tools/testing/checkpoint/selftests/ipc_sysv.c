// SPDX-License-Identifier: GPL-2.0
/*
 * System V shared memory, message queues and semaphores in an ipc namespace of
 * the tree's own: what /proc/sysvipc shows is the same afterwards, and what is
 * in them.
 */
#include "libckpttest.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096UL

static struct ckpt_gate up, go;

static void gates(void)
{
	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
}

/* All but how much of a segment is in memory */
static void proc_table(const char *name, char *buf, size_t size)
{
	char path[64], text[8192], *line, *rest = text;
	size_t len = 0;
	int i;

	snprintf(path, sizeof(path), "/proc/sysvipc/%s", name);
	REQUIRE(ckpt_read_file(path, text, sizeof(text)) >= 0);
	while ((line = strsep(&rest, "\n"))) {
		for (i = 0; i < 2 && !strcmp(name, "shm"); i++) {
			while (*line && line[strlen(line) - 1] == ' ')
				line[strlen(line) - 1] = '\0';
			if (strrchr(line, ' '))
				*strrchr(line, ' ') = '\0';
		}
		len += snprintf(buf + len, size - len, "%s\n", line);
	}
}

static const char *const table_name[] = { "shm", "msg", "sem" };
static char table[ARRAY_SIZE(table_name)][8192];

static void remember(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table_name); i++)
		proc_table(table_name[i], table[i], sizeof(table[i]));
}

static void expect_same(void)
{
	static char now[8192];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table_name); i++) {
		proc_table(table_name[i], now, sizeof(now));
		if (strcmp(now, table[i]))
			ckpt_fail(__FILE__, __LINE__, "%s was\n%sis\n%s",
				  table_name[i], table[i], now);
	}
}

static void ready(void)
{
	remember();
	ckpt_ready();
	expect_same();
}

/* ---------------------------------------------------- shared memory */

static int segment(key_t key, size_t size)
{
	int id = shmget(key, size, IPC_CREAT | IPC_EXCL | 0640);

	REQUIRE(id >= 0);
	return id;
}

static char *attach(int id, int flags)
{
	char *mem = shmat(id, NULL, flags);

	REQUIRE(mem != (void *)-1);
	return mem;
}

static unsigned long attached(int id)
{
	struct shmid_ds ds;

	CHECK(!shmctl(id, IPC_STAT, &ds));
	return ds.shm_nattch;
}

CKPT_TEST_ONLY(segment_attached, CKPT_CONTAINER)
{
	size_t size = 5 * PAGE + 123;
	int id = segment(0x1234, size);
	char *mem = attach(id, 0), *ro = attach(id, SHM_RDONLY);

	ckpt_fill(mem, PAGE + 10, 1);
	ckpt_fill(mem + 4 * PAGE, PAGE + 123, 2);
	ready();
	CHECK(ckpt_filled(mem, PAGE + 10, 1));
	CHECK(ckpt_filled(mem + 4 * PAGE, PAGE + 123, 2));
	CHECK_EQ(mem[3 * PAGE], 0);
	mem[PAGE] = 'w';
	CHECK_EQ(ro[PAGE], 'w');
	CHECK(ckpt_fault(ro, true));
	CHECK(mprotect(ro, PAGE, PROT_READ | PROT_WRITE));
	CHECK_EQ(attached(id), 2);
	CHECK(!shmdt(ro));
	CHECK_EQ(attached(id), 1);
	CHECK_EQ(shmget(0x1234, size, 0), id);
	CHECK(!shmdt(mem));
	CHECK(!shmctl(id, IPC_RMID, NULL));
}

CKPT_TEST_ONLY(segment_not_attached, CKPT_CONTAINER)
{
	int id = segment(77, 2 * PAGE), empty = segment(78, 1);
	char *mem = attach(id, 0);

	ckpt_fill(mem, 2 * PAGE, 3);
	REQUIRE(!shmdt(mem));
	ready();
	CHECK_EQ(attached(id), 0);
	mem = attach(id, 0);
	CHECK(ckpt_filled(mem, 2 * PAGE, 3));
	mem = attach(empty, SHM_RDONLY);
	CHECK_EQ(*mem, 0);
	CHECK_EQ(mem[PAGE - 1], 0);
}

/* SHM_LOCK: it is not swapped out. */
CKPT_TEST_ONLY(segment_in_memory, CKPT_CONTAINER)
{
	int id = segment(79, 2 * PAGE);
	char *mem = attach(id, 0);
	struct shmid_ds ds;

	ckpt_fill(mem, 2 * PAGE, 4);
	if (shmctl(id, SHM_LOCK, NULL))
		ckpt_skip("SHM_LOCK: %m");
	ready();
	CHECK(ckpt_filled(mem, 2 * PAGE, 4));
	CHECK(!shmctl(id, IPC_STAT, &ds));
	CHECK_EQ(ds.shm_perm.mode & 02777, 02640);
	CHECK(!shmctl(id, SHM_UNLOCK, NULL));
	CHECK(!shmctl(id, IPC_STAT, &ds));
	CHECK_EQ(ds.shm_perm.mode & 02777, 0640);
	CHECK(!shmctl(id, IPC_RMID, NULL));
}

/* One shmat(2) that has become several mappings, and has a hole */
CKPT_TEST_ONLY(segment_in_parts, CKPT_CONTAINER)
{
	int id = segment(IPC_PRIVATE, 8 * PAGE);
	char *mem = attach(id, SHM_EXEC);

	ckpt_fill(mem, 8 * PAGE, 4);
	REQUIRE(!munmap(mem + 2 * PAGE, PAGE));
	REQUIRE(!mprotect(mem + 5 * PAGE, PAGE, PROT_READ));
	CHECK_EQ(attached(id), 4);
	ready();
	CHECK_EQ(attached(id), 4);
	CHECK(ckpt_filled(mem, 2 * PAGE, 4));
	CHECK(ckpt_fault(mem + 2 * PAGE, false));
	CHECK(ckpt_fault(mem + 5 * PAGE, true));
	mem[7 * PAGE] = 'x';
	/* of all of its mappings */
	CHECK(!shmdt(mem));
	CHECK_EQ(attached(id), 0);
	mem = attach(id, 0);
	CHECK_EQ(mem[7 * PAGE], 'x');
}

/* It stays until the last detach, and another has its key by now. */
CKPT_TEST_ONLY(segment_to_be_removed, CKPT_CONTAINER)
{
	int id = segment(55, PAGE), other;
	char *mem = attach(id, 0), *mem2;

	REQUIRE(!shmctl(id, IPC_RMID, NULL));
	other = segment(55, PAGE);
	mem2 = attach(other, 0);
	*mem = 'a';
	*mem2 = 'b';
	ready();
	CHECK_EQ(*mem, 'a');
	CHECK_EQ(*mem2, 'b');
	CHECK_EQ(shmget(55, PAGE, 0), other);
	CHECK(!shmdt(mem));
	CHECK_EQ(shmctl(id, IPC_RMID, NULL), -1);
	CHECK(!shmdt(mem2));
	CHECK_EQ(attached(other), 0);
}

static char *shared;

static int writes_shared(void *arg)
{
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	shared[1] = 'c';
	return 0;
}

CKPT_TEST_ONLY(segment_of_parent_and_child, CKPT_CONTAINER)
{
	int id = segment(IPC_PRIVATE, PAGE);
	pid_t pid;

	gates();
	shared = attach(id, 0);
	shared[0] = 'p';
	pid = ckpt_fork(writes_shared, NULL);
	ckpt_gate_wait(&up);
	ready();
	CHECK_EQ(attached(id), 2);
	CHECK_EQ(shared[0], 'p');
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK_EQ(shared[1], 'c');
	CHECK_EQ(attached(id), 1);
}

static int attaches_in_vain(void *arg)
{
	char *mem = attach(*(int *)arg, 0);

	*mem = 'd';
	return 0;
}

/* Who detached it last is gone, and its number is not taken. */
CKPT_TEST_ONLY(segment_of_the_dead, CKPT_CONTAINER)
{
	int id = segment(IPC_PRIVATE, PAGE);
	pid_t pid = ckpt_fork(attaches_in_vain, &id);
	struct shmid_ds ds;

	ckpt_join(pid, 0);
	ready();
	CHECK(!shmctl(id, IPC_STAT, &ds));
	CHECK_EQ(ds.shm_lpid, pid);
	CHECK_EQ(ds.shm_cpid, getpid());
	CHECK_EQ(kill(pid, 0), -1);
	CHECK_EQ(*attach(id, 0), 'd');
}

static int creates(void *arg)
{
	int *id = arg;

	*id = segment(IPC_PRIVATE, PAGE);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 0;
}

/* kernel.shm_rmid_forced: what nobody has attached goes with its creator. */
CKPT_TEST_ONLY(segment_goes_with_its_creator, CKPT_CONTAINER)
{
	int *id = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int own = segment(IPC_PRIVATE, PAGE);
	pid_t pid;

	gates();
	REQUIRE(id != MAP_FAILED);
	REQUIRE(!ckpt_write_file("/proc/sys/kernel/shm_rmid_forced", "1"));
	pid = ckpt_fork(creates, id);
	ckpt_gate_wait(&up);
	ready();
	CHECK_EQ(attached(*id), 0);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK_EQ(shmctl(*id, IPC_RMID, NULL), -1);
	CHECK_EQ(attached(own), 0);
}

/* --------------------------------------------------- message queues */

struct message {
	long type;
	char text[5000];
};

static struct message message;

static void send_message(int id, long type, size_t len, int seed)
{
	message.type = type;
	ckpt_fill(message.text, len, seed);
	REQUIRE(!msgsnd(id, &message, len, IPC_NOWAIT));
}

static void expect_message(int id, long want, long type, size_t len, int seed)
{
	memset(&message, 0, sizeof(message));
	CHECK_EQ(msgrcv(id, &message, sizeof(message.text), want, IPC_NOWAIT),
		 len);
	CHECK_EQ(message.type, type);
	CHECK(ckpt_filled(message.text, len, seed));
}

static int sends(void *arg)
{
	send_message(*(int *)arg, 9, 3, 9);
	return 0;
}

CKPT_TEST_ONLY(messages, CKPT_CONTAINER)
{
	int id = msgget(0x77, IPC_CREAT | 0606);
	int other = msgget(IPC_PRIVATE, 0600);
	struct msqid_ds ds;

	REQUIRE(id >= 0 && other >= 0);
	send_message(id, 3, 5000, 1);
	send_message(id, 1, 0, 2);
	send_message(id, 3, 100, 3);
	send_message(id, 0x7fffffffffL, 4096, 4);
	send_message(id, 2, 8, 5);
	REQUIRE(!msgctl(id, IPC_STAT, &ds));
	ds.msg_qbytes = 15000;
	REQUIRE(!msgctl(id, IPC_SET, &ds));
	ckpt_join(ckpt_fork(sends, &id), 0);
	expect_message(id, 2, 2, 8, 5);
	ready();
	expect_message(id, 0, 3, 5000, 1);
	expect_message(id, 3, 3, 100, 3);
	expect_message(id, 0x7fffffffffL, 0x7fffffffffL, 4096, 4);
	expect_message(id, 0, 1, 0, 2);
	expect_message(id, 0, 9, 3, 9);
	CHECK_EQ(msgrcv(id, &message, 10, 0, IPC_NOWAIT), -1);
	CHECK_EQ(errno, ENOMSG);
	send_message(id, 3, 5000, 1);
	CHECK(!msgctl(id, IPC_RMID, NULL));
	CHECK(!msgctl(other, IPC_RMID, NULL));
}

static int queue;

static int sends_when_there_is_room(void *arg)
{
	message.type = 4;
	ckpt_fill(message.text, 4000, 4);
	CHECK(!msgsnd(queue, &message, 4000, 0));
	return 0;
}

static int waits_for_a_type(void *arg)
{
	CHECK_EQ(msgrcv(queue, &message, sizeof(message.text), 42, 0), 7);
	CHECK(ckpt_filled(message.text, 7, 42));
	return 0;
}

CKPT_TEST_ONLY(sender_and_receiver_blocked, CKPT_CONTAINER)
{
	pid_t sender, receiver;

	queue = msgget(IPC_PRIVATE, 0600);
	REQUIRE(queue >= 0);
	send_message(queue, 1, 5000, 1);
	send_message(queue, 2, 5000, 2);
	send_message(queue, 3, 5000, 3);
	sender = ckpt_fork(sends_when_there_is_room, NULL);
	receiver = ckpt_fork(waits_for_a_type, NULL);
	ckpt_wait_blocked(sender, sender, SYS_msgsnd);
	ckpt_wait_blocked(receiver, receiver, SYS_msgrcv);
	ready();
	ckpt_wait_blocked(sender, sender, SYS_msgsnd);
	ckpt_wait_blocked(receiver, receiver, SYS_msgrcv);
	send_message(queue, 42, 7, 42);
	ckpt_join(receiver, 0);
	expect_message(queue, 1, 1, 5000, 1);
	ckpt_join(sender, 0);
	expect_message(queue, 4, 4, 4000, 4);
	expect_message(queue, 2, 2, 5000, 2);
	expect_message(queue, 3, 3, 5000, 3);
}

/* ------------------------------------------------------- semaphores */

static int set;

static int change(int num, int by, int flags)
{
	struct sembuf op = { .sem_num = num, .sem_op = by, .sem_flg = flags };

	return semop(set, &op, 1);
}

static int adds_one(void *arg)
{
	return change(2, 1, 0);
}

static int waits_for_both(void *arg)
{
	struct sembuf op[] = {
		{ .sem_num = 0, .sem_op = -5 }, { .sem_num = 1, .sem_op = -1 },
	};

	return semop(set, op, 2);
}

static int waits_for_zero(void *arg)
{
	return change(2, 0, 0);
}

CKPT_TEST_ONLY(semaphores, CKPT_CONTAINER)
{
	pid_t dead, both, zero;

	set = semget(99, 300, IPC_CREAT | 0660);
	REQUIRE(set >= 0);
	REQUIRE(!semctl(set, 0, SETVAL, 3));
	REQUIRE(!semctl(set, 299, SETVAL, 32767));
	dead = ckpt_fork(adds_one, NULL);
	ckpt_join(dead, 0);
	both = ckpt_fork(waits_for_both, NULL);
	zero = ckpt_fork(waits_for_zero, NULL);
	ckpt_wait_blocked(both, both, SYS_semtimedop);
	ckpt_wait_blocked(zero, zero, SYS_semtimedop);
	CHECK_EQ(semctl(set, 2, GETPID), dead);
	ready();
	CHECK_EQ(semget(99, 300, 0), set);
	CHECK_EQ(semctl(set, 0, GETVAL), 3);
	CHECK_EQ(semctl(set, 299, GETVAL), 32767);
	CHECK_EQ(semctl(set, 0, GETPID), getpid());
	CHECK_EQ(semctl(set, 1, GETPID), 0);
	CHECK_EQ(semctl(set, 2, GETPID), dead);
	ckpt_wait_blocked(both, both, SYS_semtimedop);
	ckpt_wait_blocked(zero, zero, SYS_semtimedop);
	CHECK_EQ(semctl(set, 2, GETZCNT), 1);
	CHECK(!change(1, 1, 0));
	CHECK(!change(0, 2, 0));
	ckpt_join(both, 0);
	CHECK(!change(2, -1, 0));
	ckpt_join(zero, 0);
	CHECK_EQ(semctl(set, 0, GETVAL), 0);
	CHECK(!semctl(set, 0, IPC_RMID));
}

static int undoes(void *arg)
{
	CHECK(!change(0, -2, SEM_UNDO));
	CHECK(!change(1, 7, SEM_UNDO));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK(!change(0, -1, SEM_UNDO));
	return 0;
}

CKPT_TEST_ONLY(semaphores_undone, CKPT_CONTAINER)
{
	pid_t pid;

	gates();
	set = semget(IPC_PRIVATE, 2, 0600);
	REQUIRE(set >= 0);
	REQUIRE(!semctl(set, 0, SETVAL, 10));
	pid = ckpt_fork(undoes, NULL);
	ckpt_gate_wait(&up);
	CHECK_EQ(semctl(set, 0, GETVAL), 8);
	ready();
	CHECK_EQ(semctl(set, 0, GETVAL), 8);
	CHECK_EQ(semctl(set, 1, GETVAL), 7);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK_EQ(semctl(set, 0, GETVAL), 10);
	CHECK_EQ(semctl(set, 1, GETVAL), 0);
}

#define SETS	40

/* Some of what it has to undo in each of many sets, and nothing in others */
static int undoes_many(void *arg)
{
	const int *sets = arg;
	int i;

	for (i = 0; i < SETS; i++) {
		set = sets[i];
		CHECK(!change(i % 3, i + 1, SEM_UNDO));
		if (i % 4 == 3)
			CHECK(!change(i % 3, -i - 1, SEM_UNDO));
	}
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	return 0;
}

CKPT_TEST_ONLY(many_sets_undone, CKPT_CONTAINER)
{
	int sets[SETS], i;
	pid_t pid;

	gates();
	for (i = 0; i < SETS; i++) {
		sets[i] = semget(IPC_PRIVATE, 3, 0600);
		REQUIRE(sets[i] >= 0);
	}
	pid = ckpt_fork(undoes_many, sets);
	ckpt_gate_wait(&up);
	REQUIRE(!semctl(sets[0], 0, IPC_RMID));
	ready();
	for (i = 1; i < SETS; i++)
		CHECK_EQ(semctl(sets[i], i % 3, GETVAL),
			 i % 4 == 3 ? 0 : i + 1);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	for (i = 1; i < SETS; i++)
		CHECK_EQ(semctl(sets[i], i % 3, GETVAL), 0);
}

static pthread_barrier_t barrier;

static void *undoes_in_thread(void *arg)
{
	CHECK(!change(0, 1, SEM_UNDO));
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	CHECK(!change(0, 1, SEM_UNDO));
	return NULL;
}

static int undoes_as_threads(void *arg)
{
	pthread_t thread;

	REQUIRE(!pthread_barrier_init(&barrier, NULL, 2));
	REQUIRE(!pthread_create(&thread, NULL, undoes_in_thread, NULL));
	pthread_barrier_wait(&barrier);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	pthread_barrier_wait(&barrier);
	REQUIRE(!pthread_join(thread, NULL));
	/* threads share what is to be undone: nothing is yet */
	CHECK_EQ(semctl(set, 0, GETVAL), 2);
	return 0;
}

CKPT_TEST_ONLY(semaphores_undone_by_threads, CKPT_CONTAINER)
{
	pid_t pid;

	gates();
	set = semget(IPC_PRIVATE, 1, 0600);
	REQUIRE(set >= 0);
	pid = ckpt_fork(undoes_as_threads, NULL);
	ckpt_gate_wait(&up);
	ready();
	CHECK_EQ(semctl(set, 0, GETVAL), 1);
	ckpt_gate_open(&go, 1);
	ckpt_join(pid, 0);
	CHECK_EQ(semctl(set, 0, GETVAL), 0);
}

/* ------------------------------------------------------ identifiers */

CKPT_TEST_ONLY(identifiers_go_on, CKPT_CONTAINER)
{
	int i, id = -1, keep, sem, shm;

	for (i = 0; i < 3; i++) {
		id = msgget(IPC_PRIVATE, 0600);
		REQUIRE(id >= 0 && !msgctl(id, IPC_RMID, NULL));
	}
	keep = msgget(IPC_PRIVATE, 0600);
	REQUIRE(keep == id + 1);
	sem = semget(IPC_PRIVATE, 1, 0600);
	REQUIRE(sem >= 0 && !semctl(sem, 0, IPC_RMID));
	REQUIRE(!ckpt_write_file("/proc/sys/kernel/shm_next_id", "123456"));
	ready();
	CHECK_EQ(msgget(IPC_PRIVATE, 0600), keep + 1);
	CHECK_EQ(semget(IPC_PRIVATE, 1, 0600), sem + 1);
	shm = shmget(IPC_PRIVATE, PAGE, 0600);
	CHECK_EQ(shm, 123456);
	CHECK(!msgctl(keep, IPC_RMID, NULL));
}

static int creates_as_another(void *arg)
{
	REQUIRE(!setgid(1003) && !setuid(1002));
	return msgget(0x88, IPC_CREAT | 0644) < 0;
}

CKPT_TEST_ONLY(owners, CKPT_CONTAINER)
{
	struct shmid_ds ds;
	int id = segment(IPC_PRIVATE, PAGE);

	ckpt_join(ckpt_fork(creates_as_another, NULL), 0);
	REQUIRE(!shmctl(id, IPC_STAT, &ds));
	ds.shm_perm.uid = 1000;
	ds.shm_perm.gid = 1001;
	ds.shm_perm.mode = 0604;
	REQUIRE(!shmctl(id, IPC_SET, &ds));
	ready();
	CHECK(!shmctl(id, IPC_STAT, &ds));
	CHECK_EQ(ds.shm_perm.uid, 1000);
	CHECK_EQ(ds.shm_perm.cuid, 0);
}

/* Limits that were lowered when there was more already */
CKPT_TEST_ONLY(more_than_the_limits, CKPT_CONTAINER)
{
	int i, id = -1;

	for (i = 0; i < 3; i++)
		segment(IPC_PRIVATE, 3 * PAGE);
	queue = msgget(IPC_PRIVATE, 0600);
	send_message(queue, 1, 5000, 1);
	REQUIRE(!ckpt_write_file("/proc/sys/kernel/shmmni", "1"));
	REQUIRE(!ckpt_write_file("/proc/sys/kernel/shmmax", "100"));
	REQUIRE(!ckpt_write_file("/proc/sys/kernel/shmall", "2"));
	REQUIRE(!ckpt_write_file("/proc/sys/kernel/msgmax", "10"));
	ready();
	id = shmget(IPC_PRIVATE, 10, 0600);
	CHECK_EQ(id, -1);
	CHECK_EQ(errno, ENOSPC);
	expect_message(queue, 0, 1, 5000, 1);
}

/* ------------------------------------------------ several namespaces */

static int has_its_own(void *arg)
{
	char *mem;
	int id;

	REQUIRE(!unshare(CLONE_NEWIPC));
	id = segment(7, PAGE);
	mem = attach(id, 0);
	*mem = 'c';
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(*mem, 'c');
	CHECK_EQ(shmget(7, PAGE, 0), id);
	CHECK_EQ(attached(id), 1);
	return 0;
}

/* Attached to a segment of a namespace in which nobody is any more */
static int left_it(void *arg)
{
	char *mem;

	REQUIRE(!unshare(CLONE_NEWIPC));
	mem = attach(segment(7, PAGE), 0);
	*mem = 'l';
	REQUIRE(!unshare(CLONE_NEWIPC));
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(*mem, 'l');
	CHECK_EQ(shmget(7, PAGE, 0), -1);
	CHECK(!shmdt(mem));
	return 0;
}

CKPT_TEST_ONLY(namespaces, CKPT_CONTAINER)
{
	int id = segment(7, PAGE);
	char *mem = attach(id, 0);
	pid_t pid[2];

	gates();
	*mem = 'p';
	pid[0] = ckpt_fork(has_its_own, NULL);
	pid[1] = ckpt_fork(left_it, NULL);
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ready();
	CHECK_EQ(*mem, 'p');
	CHECK_EQ(attached(id), 3);
	ckpt_gate_open(&go, 2);
	ckpt_join(pid[0], 0);
	ckpt_join(pid[1], 0);
	CHECK_EQ(attached(id), 1);
}

/* A private namespace in a tree that is not a container */
CKPT_TEST_ONLY(namespace_of_a_subtree, 0)
{
	char *mem;
	int id;

	REQUIRE(!unshare(CLONE_NEWIPC));
	id = segment(8, PAGE);
	mem = attach(id, 0);
	*mem = 's';
	set = semget(IPC_PRIVATE, 1, 0600);
	REQUIRE(set >= 0 && !change(0, 3, SEM_UNDO));
	queue = msgget(IPC_PRIVATE, 0600);
	send_message(queue, 1, 10, 1);
	ckpt_ready();
	CHECK_EQ(*mem, 's');
	CHECK_EQ(shmget(8, PAGE, 0), id);
	CHECK_EQ(semctl(set, 0, GETVAL), 3);
	expect_message(queue, 0, 1, 10, 1);
}

TEST_HARNESS_MAIN
