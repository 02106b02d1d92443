// SPDX-License-Identifier: GPL-2.0
/*
 * The sysctls of a network namespace, net.*, as text: what a read of the file
 * in /proc/sys gives is what is written to it again. Included at the end of
 * proc_sysctl.c.
 */

#include <linux/checkpoint_types.h>
#include <linux/rtnetlink.h>
#include <linux/sched/signal.h>
#include <net/net_namespace.h>

#include "../../net/core/checkpoint_netns.h"

/* Longest value and longest name, in bytes, with a NUL */
#define VALUE_MAX	65536
#define NAME_MAX_LEN	256

/* Directories inside of each other: net/ipv4/conf/DEVICE, and some to spare */
#define DEPTH_MAX	8

/**
 * struct sysctl_walk - all sysctls of a namespace
 * @ctx: the context
 * @names: of those that were met
 * @name: of the one at hand, from "net/" on
 * @want: only those that are for all devices, or for new ones, or neither
 */
struct sysctl_walk {
	struct ckpt_ctx *ctx;
	struct ckpt_msgs names;
	char name[NAME_MAX_LEN];
	enum { FOR_ALL, FOR_NEW, FOR_ONE, FOR_MAX } want;
};

/* What is written for all devices changes that of each. */
static int whose(const char *name)
{
	if (strstr(name, "/all/"))
		return FOR_ALL;
	return strstr(name, "/default/") ? FOR_NEW : FOR_ONE;
}

/*
 * Some handlers give up when another one changes the network, and want the
 * system call to be made again, as after a signal. No table may be in use while
 * this waits: the other one, with the lock, may wait for that.
 */
static int wait_for_rtnl(void)
{
	spin_lock_irq(&current->sighand->siglock);
	recalc_sigpending();
	spin_unlock_irq(&current->sighand->siglock);
	if (fatal_signal_pending(current))
		return -EINTR;
	rtnl_lock();
	rtnl_unlock();
	return 0;
}

/*
 * The value as text without the newline at its end. Returns its length, or
 * -ENODATA for one that was never set.
 */
static int read_value(const struct ctl_table *table, char *value)
{
	size_t len = VALUE_MAX - 1;
	loff_t pos = 0;
	int err;

	err = table->proc_handler(table, 0, value, &len, &pos);
	if (err)
		return err == -EIO ? -ENODATA : err;
	if (len >= VALUE_MAX - 1)
		return -E2BIG;
	value[len] = 0;
	len = strlen(value);
	while (len && value[len - 1] == '\n')
		value[--len] = 0;
	return len;
}

static bool is_state(const struct ctl_table *table)
{
	return !S_ISDIR(table->mode) && (table->mode & 0200) &&
	       (table->mode & 0400) && table->proc_handler;
}

/* It is read later: nothing may wait while the directories are in use. */
static int save_entry(struct sysctl_walk *w, const struct ctl_table *table)
{
	if (!is_state(table) || whose(w->name) != w->want)
		return 0;
	return ckpt_msgs_add(&w->names, w->name, strlen(w->name) + 1);
}

static int walk_dir(struct sysctl_walk *w, struct ctl_dir *dir, int depth)
{
	struct ctl_table_header *head;
	struct ctl_table *entry;
	size_t len = strlen(w->name);
	int err = 0;

	first_entry(dir, &head, &entry);
	for (; head; next_entry(&head, &entry)) {
		if (err)
			continue;
		if (S_ISLNK(entry->mode))
			continue;
		if (depth == DEPTH_MAX ||
		    len + strlen(entry->procname) + 2 > sizeof(w->name)) {
			err = ckpt_err(w->ctx, -E2BIG, "network namespace: sysctl %s/%s: its name is too long",
				       w->name, entry->procname);
			continue;
		}
		if (len)
			w->name[len] = '/';
		strscpy(w->name + len + !!len, entry->procname,
			sizeof(w->name) - len - !!len);
		if (S_ISDIR(entry->mode))
			err = walk_dir(w, container_of(head, struct ctl_dir,
						       header), depth + 1);
		else
			err = save_entry(w, entry);
		w->name[len] = 0;
	}
	return err;
}

/* The entry of this name, in use, or NULL */
static struct ctl_table *find_sysctl(struct ctl_table_set *set,
				     const char *name,
				     struct ctl_table_header **phead)
{
	struct ctl_table_header *head = NULL, *next;
	struct ctl_dir *dir = &set->dir;
	struct ctl_table *entry;
	const char *end;

	for (;;) {
		end = strchrnul(name, '/');
		entry = lookup_entry(&next, dir, name, end - name);
		sysctl_head_finish(head);
		head = entry ? next : NULL;
		if (!entry || !*end)
			break;
		if (!S_ISDIR(entry->mode)) {
			sysctl_head_finish(head);
			return NULL;
		}
		dir = container_of(head, struct ctl_dir, header);
		name = end + 1;
	}
	if (entry && !is_state(entry)) {
		sysctl_head_finish(head);
		return NULL;
	}
	*phead = head;
	return entry;
}

/* As a write(2) of it, which a program of the cgroup may refuse or change */
static int write_value(struct ctl_table_header *head, struct ctl_table *table,
		       const char *value)
{
	size_t len = strlen(value);
	loff_t pos = 0;
	char *buf;
	int ret;

	/* the program replaces it, and the handler may write to it */
	buf = kvmalloc(len + 1, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	memcpy(buf, value, len + 1);
	ret = BPF_CGROUP_RUN_PROG_SYSCTL(head, table, 1, &buf, &len, &pos);
	if (!ret)
		ret = table->proc_handler(table, 1, buf, &len, &pos);
	kvfree(buf);
	return ret;
}

static int set_value(struct ctl_table_header *head, struct ctl_table *table,
		     const char *value, char *now)
{
	int ret;

	ret = read_value(table, now);
	if (ret >= 0 && !strcmp(now, value))
		return 0;
	if (ret < 0 && ret != -ENODATA)
		return ret;
	ret = sysctl_perm(head, table, MAY_WRITE);
	if (ret)
		return -EPERM;
	if (strlen(value) >= VALUE_MAX)
		return -E2BIG;
	return write_value(head, table, value);
}

/* Read a sysctl, its length, or make it @value if that is not NULL. */
static int use_sysctl(struct net *net, const char *name, const char *value,
		      char *buf)
{
	struct ctl_table_header *head;
	struct ctl_table *table;
	int ret;

	do {
		table = find_sysctl(&net->sysctls, name, &head);
		if (!table)
			return -ENXIO;
		ret = value ? set_value(head, table, value, buf) :
			      read_value(table, buf);
		sysctl_head_finish(head);
		if (ret != -ERESTARTNOINTR)
			return ret;
		ret = wait_for_rtnl();
	} while (!ret);
	return ret;
}

static int save_value(struct ckpt_ctx *ctx, struct net *net, const char *name,
		      char *value, struct ckpt_msgs *m)
{
	size_t size = strlen(name) + 1;
	int len = use_sysctl(net, name, NULL, value);

	if (len == -ENODATA)
		return 0;
	if (len == -ENXIO)
		return ckpt_err(ctx, -EBUSY, "network namespace: its devices changed meanwhile, try again");
	if (len < 0)
		return ckpt_err(ctx, len, "network namespace: sysctl %s cannot be read: error %d",
				name, len);
	/* one piece, so that they stay together */
	memmove(value + size, value, len + 1);
	memcpy(value, name, size);
	return ckpt_msgs_add(m, value, size + len + 1);
}

/**
 * ckpt_net_sysctl_save - what the sysctls of a network namespace are
 * @ctx: the context
 * @net: the namespace
 * @m: gets names and values, each pair aligned, those for all devices first
 *
 * Context: process context, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_net_sysctl_save(struct ckpt_ctx *ctx, struct net *net,
			 struct ckpt_msgs *m)
{
	struct sysctl_walk *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	const char *name;
	size_t at = 0;
	char *value;
	int err = 0;

	value = kvzalloc(VALUE_MAX + NAME_MAX_LEN, GFP_KERNEL_ACCOUNT);
	if (!w || !value) {
		kvfree(value);
		kfree(w);
		return -ENOMEM;
	}
	w->ctx = ctx;
	for (w->want = 0; w->want < FOR_MAX && !err; w->want++)
		err = walk_dir(w, &net->sysctls.dir, 0);
	while (at < w->names.len && !err) {
		name = w->names.data + at;
		at += NLMSG_ALIGN(strlen(name) + 1);
		err = save_value(ctx, net, name, value, m);
		cond_resched();
	}
	ckpt_msgs_free(&w->names);
	kvfree(value);
	kfree(w);
	return err;
}

/*
 * How a device gets its IPv6 address by itself is for when it has those that it
 * had: netlink sets it then.
 */
static bool is_later(const char *name)
{
	const char *end = strrchr(name, '/');

	return whose(name) == FOR_ONE && end && !strcmp(end, "/addr_gen_mode");
}

/**
 * ckpt_net_sysctl_set - make the sysctls of a network namespace as they were
 * @ctx: the context
 * @net: the namespace
 * @m: names and values, which ckpt_net_sysctl_save() may have written
 * @first: not yet those that must wait until devices are up
 *
 * Only those that are not as they were are written, by the rules of /proc/sys.
 *
 * Context: the restoring task, may sleep.
 * Return: 0, or a negative errno, reported.
 */
int ckpt_net_sysctl_set(struct ckpt_ctx *ctx, struct net *net,
			const struct ckpt_msgs *m, bool first)
{
	const char *name, *value;
	char *now;
	size_t at = 0;
	int err = 0;

	now = kvzalloc(VALUE_MAX, GFP_KERNEL_ACCOUNT);
	if (!now)
		return -ENOMEM;
	while (at < m->len && !err) {
		name = m->data + at;
		value = name + strlen(name) + 1;
		at = ALIGN(value + strlen(value) + 1 - (char *)m->data, 4);
		if (first && is_later(name))
			continue;
		err = use_sysctl(net, name, value, now);
		if (err == -ENXIO) {
			err = ckpt_err(ctx, -EINVAL, "network namespace: there is no sysctl %s here",
				       name);
			break;
		}
		/* the MTU of IPv6 is for a device that is up */
		if (err == -EINVAL && first)
			err = 0;
		if (err)
			ckpt_err(ctx, err, "network namespace: sysctl %s cannot be %s: error %d",
				 name, value, err);
	}
	kvfree(now);
	return err;
}
