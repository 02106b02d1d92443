// SPDX-License-Identifier: GPL-2.0
/*
 * Keyrings of threads, processes and sessions, and the keys in them.
 */
#include "libckpttest.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int32_t key_id;

/*
 * All but to read it; all to its possessor, and its owner may look at it; all
 * but to search it
 */
#define PERM_READ_NOT	0x3d1d0000
#define PERM_OF_OTHER	0x3f010000
#define PERM_SEARCH_NOT	0x37370000

static key_id add_key(const char *type, const char *desc, const void *data,
		      size_t len, key_id ring)
{
	return syscall(SYS_add_key, type, desc, data, len, (long)ring);
}

static long keyctl(int op, long a, long b, long c, long d)
{
	return syscall(SYS_keyctl, op, a, b, c, d);
}

static key_id keyring_id(key_id spec, bool make)
{
	return keyctl(KEYCTL_GET_KEYRING_ID, spec, make, 0, 0);
}

static key_id add_text(const char *desc, const char *text, key_id ring)
{
	return add_key("user", desc, text, strlen(text), ring);
}

static void check_text(key_id key, const char *text)
{
	char buf[64] = "";

	CHECK_EQ(keyctl(KEYCTL_READ, key, (long)buf, sizeof(buf), 0),
		 (long)strlen(text));
	CHECK(!strcmp(buf, text));
}

/* type;uid;gid;perm;description */
static void describe(key_id key, char *buf, size_t size)
{
	if (keyctl(KEYCTL_DESCRIBE, key, (long)buf, size, 0) < 0)
		snprintf(buf, size, "error %d", errno);
}

static bool has_link(key_id ring, key_id key)
{
	key_id ids[64];
	long i, len = keyctl(KEYCTL_READ, ring, (long)ids, sizeof(ids), 0);

	for (i = 0; i < len / (long)sizeof(ids[0]); i++)
		if (ids[i] == key)
			return true;
	return false;
}

/* "perm", or what is left, of the line in /proc/keys */
static void expiry(key_id key, char *buf)
{
	char line[512];
	FILE *f = fopen("/proc/keys", "r");
	unsigned int id;

	strcpy(buf, "?");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%x", &id) == 1 && id == (unsigned int)key)
			sscanf(line, "%*s %*s %*s %15s", buf);
	if (f)
		fclose(f);
}

static key_id join(const char *name)
{
	key_id id = keyctl(KEYCTL_JOIN_SESSION_KEYRING, (long)name, 0, 0, 0);

	if (id < 0)
		ckpt_skip("KEYCTL_JOIN_SESSION_KEYRING: %m");
	return id;
}

CKPT_TEST(session_keyring)
{
	key_id ses = join("of the test"), user, logon, ring, inner, timed;
	char before[6][128], after[128], big[32767];
	key_id all[6];
	unsigned int i;

	user = add_text("a key", "its text", KEY_SPEC_SESSION_KEYRING);
	logon = add_key("logon", "test:logon", "secret", 6, ses);
	ring = add_key("keyring", "inside", NULL, 0, ses);
	memset(big, 'x', sizeof(big));
	inner = add_key("user", "large", big, sizeof(big), ring);
	timed = add_text("timed", "soon gone", ring);
	REQUIRE(user > 0 && logon > 0 && ring > 0 && inner > 0 && timed > 0);
	/* in two keyrings, and not readable any more */
	REQUIRE(!keyctl(KEYCTL_LINK, user, ring, 0, 0));
	REQUIRE(!keyctl(KEYCTL_SETPERM, logon, PERM_READ_NOT, 0, 0));
	REQUIRE(!keyctl(KEYCTL_SET_TIMEOUT, timed, 80000, 0, 0));
	REQUIRE(!keyctl(KEYCTL_SETPERM, timed, PERM_OF_OTHER, 0, 0));
	REQUIRE(!keyctl(KEYCTL_CHOWN, timed, 1234, 5678, 0));
	memcpy(all, (key_id[]){ ses, user, logon, ring, inner, timed },
	       sizeof(all));
	for (i = 0; i < ARRAY_SIZE(all); i++)
		describe(all[i], before[i], sizeof(before[i]));

	ckpt_ready();
	CHECK_EQ(keyring_id(KEY_SPEC_SESSION_KEYRING, false), ses);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		describe(all[i], after, sizeof(after));
		if (strcmp(before[i], after))
			ckpt_fail(__FILE__, __LINE__, "'%s' is '%s'",
				  before[i], after);
	}
	check_text(user, "its text");
	memset(big, 0, sizeof(big));
	CHECK_EQ(keyctl(KEYCTL_READ, inner, (long)big, sizeof(big), 0),
		 sizeof(big));
	CHECK(big[0] == 'x' && big[sizeof(big) - 1] == 'x');
	CHECK(has_link(ses, user) && has_link(ses, logon));
	CHECK(has_link(ses, ring) && !has_link(ses, inner));
	CHECK(has_link(ring, user) && has_link(ring, inner));
	CHECK_EQ(keyctl(KEYCTL_SEARCH, ses, (long)"user", (long)"timed", 0),
		 timed);
	expiry(timed, after);
	CHECK(!strcmp(after, "22h"));
	expiry(user, after);
	CHECK(!strcmp(after, "perm"));
	/* it may be changed */
	CHECK(!keyctl(KEYCTL_UPDATE, user, (long)"new", 3, 0));
	check_text(user, "new");
	CHECK(!keyctl(KEYCTL_UNLINK, user, ring, 0, 0));
	CHECK(!has_link(ring, user) && has_link(ses, user));
}

static struct ckpt_gate up, go;
static key_id shared;

static int shares_session(void *arg)
{
	key_id ses = keyring_id(KEY_SPEC_SESSION_KEYRING, false), own;

	own = add_text("of the process", "child", KEY_SPEC_PROCESS_KEYRING);
	REQUIRE(ses == shared && own > 0);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(keyring_id(KEY_SPEC_SESSION_KEYRING, false), ses);
	CHECK_EQ(keyctl(KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, (long)"user",
			(long)"of the process", 0), own);
	check_text(own, "child");
	CHECK(add_text("new one", "of the child", ses) > 0);
	return 0;
}

static void *has_own(void *arg)
{
	key_id key = add_text("of the thread", arg, KEY_SPEC_THREAD_KEYRING);
	key_id ring = keyring_id(KEY_SPEC_THREAD_KEYRING, false);

	REQUIRE(key > 0 && ring > 0);
	ckpt_gate_open(&up, 1);
	ckpt_gate_wait(&go);
	CHECK_EQ(keyring_id(KEY_SPEC_THREAD_KEYRING, false), ring);
	CHECK_EQ(keyctl(KEYCTL_SEARCH, KEY_SPEC_THREAD_KEYRING, (long)"user",
			(long)"of the thread", 0), key);
	check_text(key, arg);
	return NULL;
}

/* One of the session for two processes; own ones of threads */
CKPT_TEST(shared_and_own)
{
	key_id own, key;
	pthread_t thread[2];
	pid_t pid;

	ckpt_gate_init(&up);
	ckpt_gate_init(&go);
	shared = join(NULL);
	pid = ckpt_fork(shares_session, NULL);
	ckpt_gate_wait(&up);
	own = add_text("of the process", "parent", KEY_SPEC_PROCESS_KEYRING);
	REQUIRE(own > 0);
	REQUIRE(!keyctl(KEYCTL_SET_REQKEY_KEYRING,
			KEY_REQKEY_DEFL_SESSION_KEYRING, 0, 0, 0));
	REQUIRE(!pthread_create(&thread[0], NULL, has_own, "first"));
	REQUIRE(!pthread_create(&thread[1], NULL, has_own, "second"));
	ckpt_gate_wait(&up);
	ckpt_gate_wait(&up);
	ckpt_ready();
	CHECK_EQ(keyctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_NO_CHANGE,
			0, 0, 0), KEY_REQKEY_DEFL_SESSION_KEYRING);
	CHECK_EQ(keyring_id(KEY_SPEC_THREAD_KEYRING, false), -1);
	CHECK_EQ(keyctl(KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, (long)"user",
			(long)"of the process", 0), own);
	check_text(own, "parent");
	ckpt_gate_open(&go, 3);
	ckpt_join(pid, 0);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	CHECK_EQ(keyring_id(KEY_SPEC_SESSION_KEYRING, false), shared);
	key = keyctl(KEYCTL_SEARCH, shared, (long)"user", (long)"new one", 0);
	CHECK(key > 0);
	check_text(key, "of the child");
}

/* What PAM makes: the user's own keyring is the machine's. */
CKPT_TEST(user_keyring)
{
	key_id ses = join("_ses"), user, key;
	char desc[64];

	user = keyring_id(KEY_SPEC_USER_KEYRING, true);
	REQUIRE(user > 0);
	REQUIRE(!keyctl(KEYCTL_LINK, user, ses, 0, 0));
	snprintf(desc, sizeof(desc), "test %d", getpid());
	key = add_text(desc, "of the user", user);
	REQUIRE(key > 0);
	ckpt_ready();
	CHECK_EQ(keyring_id(KEY_SPEC_USER_KEYRING, false), user);
	CHECK(has_link(ses, user));
	CHECK_EQ(keyctl(KEYCTL_SEARCH, ses, (long)"user", (long)desc, 0), key);
	check_text(key, "of the user");
	CHECK(!keyctl(KEYCTL_UNLINK, key, user, 0, 0));
}

CKPT_TEST(revoked)
{
	key_id ses = join(NULL), key, ring;
	char buf[8];

	key = add_text("revoked", "text", ses);
	ring = add_key("keyring", "revoked", NULL, 0, ses);
	REQUIRE(key > 0 && ring > 0 && add_text("inside", "text", ring) > 0);
	REQUIRE(!keyctl(KEYCTL_REVOKE, key, 0, 0, 0));
	REQUIRE(!keyctl(KEYCTL_REVOKE, ring, 0, 0, 0));
	ckpt_ready();
	CHECK_EQ(keyring_id(KEY_SPEC_SESSION_KEYRING, false), ses);
	CHECK(has_link(ses, key) && has_link(ses, ring));
	CHECK_EQ(keyctl(KEYCTL_READ, key, (long)buf, sizeof(buf), 0), -1);
	CHECK_EQ(errno, EKEYREVOKED);
	CHECK_EQ(keyctl(KEYCTL_READ, ring, (long)buf, sizeof(buf), 0), -1);
	CHECK_EQ(errno, EKEYREVOKED);
}

/* As deep as the kernel lets them be */
CKPT_TEST(nested)
{
	key_id ring[8] = { join(NULL) }, key;
	unsigned int i, nr;

	for (nr = 1; nr < ARRAY_SIZE(ring); nr++) {
		ring[nr] = add_key("keyring", "nested", NULL, 0, ring[nr - 1]);
		if (ring[nr] < 0)
			break;
	}
	REQUIRE(nr > 4);
	/* searches do not go deeper than six */
	nr = nr > 6 ? 6 : nr;
	key = add_text("innermost", "text", ring[nr - 1]);
	REQUIRE(key > 0);
	ckpt_ready();
	for (i = 1; i < nr; i++)
		CHECK(has_link(ring[i - 1], ring[i]));
	CHECK_EQ(keyctl(KEYCTL_SEARCH, ring[0], (long)"user",
			(long)"innermost", 0), key);
}

#define LEVELS	6
#define WIDTH	24

/* Each keyring is in all of those above: from below nobody could link them. */
CKPT_VICTIM(many_ways)
{
	key_id above[WIDTH] = { join(NULL) }, ring[WIDTH];
	int level, i, k, nr = 1;

	for (level = 0; level < LEVELS; level++) {
		for (i = 0; i < WIDTH; i++) {
			char name[16];

			snprintf(name, sizeof(name), "%d.%d", level, i);
			ring[i] = add_key("keyring", name, NULL, 0, above[0]);
			REQUIRE(ring[i] > 0);
			for (k = 1; k < nr; k++)
				REQUIRE(!keyctl(KEYCTL_LINK, ring[i], above[k],
						0, 0));
		}
		memcpy(above, ring, sizeof(above));
		nr = WIDTH;
	}
	ckpt_ready();
}

/* There is no time to go all of them. */
DRIVER_TEST(many_ways)
{
	struct ckpt_victim *v = &self->v;
	long ret;

	ckpt_start(v, "many_ways", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ret = ckpt_checkpoint(v, 0);
	EXPECT_LT(0, ret) TH_LOG("checkpoint: %s\n%s", strerror(-ret), v->log);
	ckpt_ping(v);
	ckpt_finish(v);
	ckpt_end(v);
}

/* Known by its name there, and nowhere else */
CKPT_TEST_ONLY(in_a_user_namespace, CKPT_USER)
{
	key_id ses = join("in a namespace"), key;
	char before[128], after[128];

	key = add_text("a key", "its text", ses);
	REQUIRE(key > 0);
	REQUIRE(!keyctl(KEYCTL_SETPERM, ses, 0x3f1f0000, 0, 0));
	describe(ses, before, sizeof(before));
	ckpt_ready();
	CHECK_EQ(keyring_id(KEY_SPEC_SESSION_KEYRING, false), ses);
	describe(ses, after, sizeof(after));
	CHECK(!strcmp(before, after));
	check_text(key, "its text");
	/* found by its name, when it is not the session keyring any more */
	REQUIRE(keyring_id(KEY_SPEC_PROCESS_KEYRING, true) > 0);
	CHECK(!keyctl(KEYCTL_LINK, ses, KEY_SPEC_PROCESS_KEYRING, 0, 0));
	CHECK(join(NULL) != ses);
	CHECK_EQ(join("in a namespace"), ses);
}

/* ------------------------------------------------------- what is refused */

REFUSED(negative_key, "negative key: not supported")
{
	key_id ses = join(NULL);

	/* nobody makes it: that it is not there is remembered */
	CHECK_EQ(syscall(SYS_request_key, "user", "nowhere", "info",
			 (long)ses), -1);
	/* or that there is no program which would make it */
	CHECK(errno == ENOKEY || errno == ENOENT);
	ckpt_ready();
}

REFUSED(invalidated_keyring, "key that is invalidated: not supported")
{
	key_id ses = join(NULL);

	REQUIRE(!keyctl(KEYCTL_INVALIDATE, ses, 0, 0, 0));
	ckpt_ready();
}

REFUSED(restricted_keyring, "keyring that is restricted: not supported")
{
	key_id ring = add_key("keyring", "restricted", NULL, 0, join(NULL));

	REQUIRE(ring > 0);
	if (keyctl(KEYCTL_RESTRICT_KEYRING, ring, 0, 0, 0))
		ckpt_skip("KEYCTL_RESTRICT_KEYRING: %m");
	ckpt_ready();
}

/* They are the machine's, but this machine is to be made anew. */
REFUSED_AS(user_in_a_namespace, CKPT_USER, "key of a user in a user namespace")
{
	if (add_text("a key", "text", KEY_SPEC_USER_KEYRING) < 0)
		ckpt_skip("KEY_SPEC_USER_KEYRING: %m");
	ckpt_ready();
}

CKPT_VICTIM(has_logon)
{
	key_id ses = join(NULL);

	REQUIRE(add_key("logon", "test:logon", "secret", 6, ses) > 0);
	ckpt_ready();
	CHECK(keyctl(KEYCTL_SEARCH, ses, (long)"logon", (long)"test:logon",
		     0) > 0);
}

/* What is in a keyring that the task may list, but not search, is not its own. */
CKPT_VICTIM(has_unsearchable)
{
	key_id ses = join(NULL), ring, key;

	ring = add_key("keyring", "closed", NULL, 0, ses);
	REQUIRE(ring > 0);
	key = add_text("a key", "secret", ring);
	REQUIRE(key > 0);
	REQUIRE(!keyctl(KEYCTL_SETPERM, ring, PERM_SEARCH_NOT, 0, 0));
	ckpt_ready();
	CHECK_EQ(keyctl(KEYCTL_READ, key, 0, 0, 0), -1);
	CHECK_EQ(errno, EACCES);
}

static void refused_unreadable(struct __test_metadata *_metadata,
			       struct ckpt_victim *v, const char *name)
{
	long ret;

	ckpt_start(v, name, 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_caps_drop(1ULL << CAP_SYS_ADMIN);
	ret = ckpt_checkpoint(v, 0);
	ckpt_caps_back();
	EXPECT_EQ(-ENOSYS, ret);
	EXPECT_TRUE(ckpt_logged(v, "key that you may not read"))
		TH_LOG("%s", v->log);
	ckpt_ping(v);
	ckpt_finish(v);
	ckpt_end(v);
}

/* No way to what nobody can read */
DRIVER_TEST(unreadable)
{
	refused_unreadable(_metadata, &self->v, "has_logon");
}

DRIVER_TEST(unsearchable)
{
	refused_unreadable(_metadata, &self->v, "has_unsearchable");
}

CKPT_VICTIM(has_keys)
{
	key_id ses = join(NULL);

	REQUIRE(add_text("a key", "text", ses) > 0);
	ckpt_ready();
	CHECK_EQ(keyring_id(KEY_SPEC_SESSION_KEYRING, false), ses);
}

#define KEY(field, value)						\
	{ CKPT_HDR_KEY, offsetof(struct ckpt_hdr_key, field), value }
#define CRED(field, value)						\
	{ CKPT_HDR_CRED, offsetof(struct ckpt_hdr_cred, field), value }

DRIVER_TEST(hostile)
{
	/* The first is the key, the keyring follows. */
	static const struct {
		uint32_t type;
		size_t offset;
		uint32_t to;
	} changes[] = {
		KEY(kind, 0), KEY(kind, CKPT_KEY_MAX), KEY(kind, ~0u),
		KEY(kind, CKPT_KEY_LOGON), KEY(kind, CKPT_KEY_KEYRING),
		KEY(kind, CKPT_KEY_UID), KEY(flags, 1), KEY(flags, 2),
		KEY(serial, 0), KEY(serial, ~0u), KEY(uid, ~0u),
		KEY(perm, ~0u), KEY(len, 0), KEY(len, ~0u), KEY(len, 12),
		KEY(user_ns, 0x7fffffff), KEY(expiry, 0),
		{ CKPT_HDR_KEY, offsetof(struct ckpt_hdr_key, expiry) + 4,
		  1 << 30 },
		CRED(flags, 2), CRED(jit_keyring, 6),
		CRED(jit_keyring, 256), CRED(session_keyring, 0x7fffffff),
		CRED(process_keyring, 0x7fffffff), CRED(thread_keyring, 1),
	};
	struct ckpt_victim *v = &self->v;
	struct image image;
	unsigned int i;
	char *rec;

	ckpt_start(v, "has_keys", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		rec = image_at(&image, changes[i].type, 0);
		ASSERT_TRUE(rec);
		image_refused(v, &image, rec + changes[i].offset,
			      &changes[i].to, 4);
	}
	image_restart_finish(v, &image);
}

/* A key in the name of somebody else takes the right to become that user. */
DRIVER_TEST(owner)
{
	struct ckpt_victim *v = &self->v;
	struct ckpt_hdr_key *key;
	struct image image;
	long ret;

	ckpt_start(v, "has_keys", 0);
	if (v->skip[0])
		SKIP(return, "%s", v->skip);
	ckpt_checkpoint_kill(v);
	image_load(&image, v->image);
	key = image_at(&image, CKPT_HDR_KEY, 0);
	ASSERT_TRUE(key);
	key->uid = 1234;
	ckpt_caps_drop(1ULL << CAP_SETUID);
	ret = image_restart(v, &image);
	ckpt_caps_back();
	EXPECT_EQ(-EPERM, ret);
	EXPECT_TRUE(ckpt_logged(v, "a key")) TH_LOG("%s", v->log);
	image_restart_finish(v, &image);
}

TEST_HARNESS_MAIN
