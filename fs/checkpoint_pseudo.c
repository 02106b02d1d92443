// SPDX-License-Identifier: GPL-2.0
/*
 * Open files that show the state of the kernel: of proc, sysfs and cgroupfs.
 * They are opened again by their path, and show the state that there is then.
 *
 * A file of a process is found by the process, whichever number that has. Not
 * by every task can it be opened at restart: what a file holds that shows the
 * memory, or a namespace, of another process is there only when that process
 * is restored.
 */

#include <linux/file.h>
#include <linux/ipc_namespace.h>
#include <linux/magic.h>
#include <linux/mnt_namespace.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/sysctl.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "checkpoint.h"
#include "mount.h"
#include "proc/internal.h"

static const char *const pseudo_fs[] = {
	"cgroup", "cgroup2", "proc", "sysfs",
};

/* Files of a process that hold its address space from when they are opened */
static const char *const of_memory[] = {
	"auxv", "environ", "maps", "mem", "numa_maps", "pagemap", "smaps",
	"smaps_rollup",
};

/* The same for its namespaces */
static const char *const of_namespace[] = {
	"mountinfo", "mounts", "mountstats", "net",
};

/* The same for its user namespace */
static const char *const of_user_ns[] = {
	"gid_map", "projid_map", "setgroups", "uid_map",
};

/* Directories of it: what is in them goes by its open files, or its memory */
static const char *const of_contents[] = { "fd", "fdinfo", "map_files" };

/* Files of a cgroup: what was written to it is state of the open file. */
static const char *const of_peak[] = { "memory.peak", "memory.swap.peak" };

static bool is_proc(const struct super_block *sb)
{
	return sb->s_magic == PROC_SUPER_MAGIC;
}

/**
 * ckpt_pseudo_sb - can files of this file system be opened again?
 * @sb: the file system
 *
 * Return: true for proc, sysfs and cgroupfs.
 */
bool ckpt_pseudo_sb(const struct super_block *sb)
{
	return match_string(pseudo_fs, ARRAY_SIZE(pseudo_fs),
			    sb->s_type->name) >= 0;
}

/**
 * ckpt_pseudo_match - is this an open file or directory of such a file system?
 * @file: the file
 *
 * Return: true if it is.
 */
bool ckpt_pseudo_match(struct file *file)
{
	umode_t mode = file_inode(file)->i_mode;

	return ckpt_pseudo_sb(file_inode(file)->i_sb) &&
	       READ_ONCE(real_mount(file->f_path.mnt)->mnt_ns) !=
	       MNT_NS_INTERNAL &&
	       (S_ISREG(mode) || S_ISDIR(mode) || (file->f_mode & FMODE_PATH));
}

/* The process whose file it is, or in whose net it is, borrowed, or NULL */
static struct pid *pid_of(struct file *file)
{
	const struct dentry *d = file->f_path.dentry;
	struct pid *pid = NULL;

	if (!is_proc(d->d_sb))
		return NULL;
	/* what is in its net has none by itself */
	for (; !IS_ROOT(d) && !pid; d = d->d_parent)
		pid = proc_pid(d_inode(d));
	return pid;
}

/* The mount namespace that a list of mounts shows, held by it, or NULL */
static struct mnt_namespace *mounts_of(struct file *file)
{
	const struct proc_mounts *mounts;

	if (file->f_op != &proc_mounts_operations &&
	    file->f_op != &proc_mountinfo_operations &&
	    file->f_op != &proc_mountstats_operations)
		return NULL;
	mounts = ((struct seq_file *)file->private_data)->private;
	return mounts->ns;
}

/**
 * ckpt_pseudo_file_collect - count the namespace that a file holds
 * @ctx: the context
 * @file: a file of proc, sysfs or cgroupfs
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_pseudo_file_collect(struct ckpt_ctx *ctx, struct file *file)
{
	struct mnt_namespace *ns = mounts_of(file);

	/* that of another process is refused later */
	if (!ns || !ckpt_obj_collected(ctx, ns, CKPT_OBJ_MNT_NS))
		return 0;
	return ckpt_obj_collect(ctx, ns, CKPT_OBJ_MNT_NS);
}

/* The last of the path, or what the file is in, is one of these. */
static bool is_one_of(const struct dentry *dentry, const char *const *names,
		      size_t nr)
{
	const struct dentry *d = dentry;

	for (; !IS_ROOT(d); d = d->d_parent)
		if (match_string(names, nr, d->d_name.name) >= 0)
			return true;
	return false;
}

/* Does @file, of the process @pid, show a user namespace but the caller's? */
static bool shows_user_ns(struct ckpt_ctx *ctx, struct file *file,
			  struct pid *pid)
{
	const struct user_namespace *user_ns = ctx->caller_cred->user_ns;
	const struct dentry *d = file->f_path.dentry;
	const struct task_struct *t;
	const struct seq_file *seq;
	bool other;

	if (!IS_ROOT(d->d_parent->d_parent) ||
	    match_string(of_user_ns, ARRAY_SIZE(of_user_ns), d->d_name.name) < 0)
		return false;
	/* that of the task, when it was opened */
	seq = file->private_data;
	rcu_read_lock();
	t = pid_task(pid, PIDTYPE_TGID);
	other = seq->private != user_ns || !t ||
		__task_cred(t)->user_ns != user_ns;
	rcu_read_unlock();
	return other;
}

/*
 * Is @file a sysctl of a namespace other than the one that whoever opens it
 * again is in then: the first task that has it, with the caller's credentials?
 */
static bool shows_other_set(struct ckpt_ctx *ctx, struct file *file)
{
#ifdef CONFIG_SYSCTL
	const struct ctl_table_header *head = NULL;
	const struct nsproxy *ns;

	if (is_proc(file_inode(file)->i_sb))
		head = PROC_I(file_inode(file))->sysctl;
	/* compared only: the namespace may be gone */
	if (!head || !head->root->lookup)
		return false;
	if (head->set == &ctx->caller_cred->user_ns->set)
		return false;
	ns = ctx->task ? ctx->task->nsproxy : NULL;
	if (!ns)
		return true;
	return head->set != &ns->net_ns->sysctls &&
	       head->set != &ns->ipc_ns->ipc_set &&
	       head->set != &ns->ipc_ns->mq_set;
#else
	return false;
#endif
}

/**
 * ckpt_pseudo_refuse - why can such a file not be saved?
 * @ctx: the context of a checkpoint
 * @file: a file of proc, sysfs or cgroupfs
 *
 * Context: process context; ctx->task is the first task that has it.
 * Return: the reason, or NULL.
 */
const char *ckpt_pseudo_refuse(struct ckpt_ctx *ctx, struct file *file)
{
	const struct dentry *d = file->f_path.dentry;
	struct pid *pid = pid_of(file);
	bool sees = !(file->f_mode & FMODE_PATH);
	struct mnt_namespace *ns;

	if (file->f_path.mnt->mnt_root != d->d_sb->s_root && pid)
		return "through a bind mount of a part of proc";
	/* what was written to it is state of the open file */
	if (strstr(d->d_name.name, "pressure") && (file->f_mode & FMODE_WRITE))
		return "a trigger";
	if (is_proc(d->d_sb) && !IS_ROOT(d) &&
	    !strcmp(d->d_parent->d_name.name, "pressure") &&
	    (file->f_mode & FMODE_WRITE))
		return "a trigger";
	if (d->d_sb->s_magic == CGROUP2_SUPER_MAGIC &&
	    match_string(of_peak, ARRAY_SIZE(of_peak), d->d_name.name) >= 0 &&
	    (file->f_mode & FMODE_WRITE))
		return "it may count a peak of its own";
	if (shows_other_set(ctx, file))
		return "it shows a namespace that its process is not in";
	if (!pid)
		return NULL;
	if (ckpt_pid_slot(ctx, pid) < 0)
		return "of a process outside of the tree";
	if (!pid_has_task(pid, PIDTYPE_TGID) ||
	    (!IS_ROOT(d) && is_one_of(d, (const char *[]){ "task" }, 1)))
		return "of a thread";
	if (sees && is_one_of(d, of_memory, ARRAY_SIZE(of_memory)))
		return "it shows memory";
	if (sees && is_one_of(d->d_parent, (const char *[]){ "attr" }, 1))
		return "it belongs to memory";
	/* whoever looks one up takes its name from it */
	if (is_one_of(d->d_parent, (const char *[]){ "net" }, 1))
		return "it shows a network namespace";
	if (is_one_of(d->d_parent, of_contents, ARRAY_SIZE(of_contents)))
		return "of an open file or a mapping of a process";
	if (sees && shows_user_ns(ctx, file, pid))
		return "it shows a user namespace of the tree";
	ns = mounts_of(file);
	if (sees && is_one_of(d, of_namespace, ARRAY_SIZE(of_namespace)) &&
	    (!ctx->task || pid != task_tgid(ctx->task) ||
	     (ns && ns != ctx->task->nsproxy->mnt_ns)))
		return "it shows a namespace of another process";
	return NULL;
}

/**
 * ckpt_pseudo_file_checkpoint - say which process a file of proc is of
 * @ctx: the context of a checkpoint
 * @file: a file of proc, sysfs or cgroupfs
 * @h: the record of the file, to be completed
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int ckpt_pseudo_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
				struct ckpt_hdr_file *h)
{
	struct pid *pid = pid_of(file);
	char *buf, *rel, *name;
	int slot, err = 0;

	h->size = 0;
	h->mtime_ns = 0;
	if (!pid)
		return 0;
	slot = ckpt_pid_slot(ctx, pid);
	if (slot < 0)
		return slot;
	buf = __getname();
	if (!buf)
		return -ENOMEM;
	rel = dentry_path_raw(file->f_path.dentry, buf, PATH_MAX);
	err = PTR_ERR_OR_ZERO(rel);
	if (!err) {
		/* where in the path the number begins */
		h->size = strlen(rel) - 1;
		name = ckpt_path_name(ctx, &file->f_path, buf, PATH_MAX);
		err = PTR_ERR_OR_ZERO(name);
	}
	if (!err) {
		h->size = strlen(name) - h->size;
		h->rdev = slot + 1;
	}
	__putname(buf);
	return err;
}

/* The path with the number that the process has now, to be freed with kfree() */
static char *with_number(struct ckpt_ctx *ctx, const struct ckpt_hdr_file *h,
			 const char *name)
{
	size_t before = strlen(ckpt_mnt_name(ctx, h->mnt));
	size_t at = before + h->size;
	const char *rest;
	struct path root;
	struct pid *pid;
	char *dir, *full;
	pid_t nr;
	int err;

	if (!h->size || h->size >= PATH_MAX || at >= strlen(name) ||
	    name[at - 1] != '/' || h->rdev > INT_MAX)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: file '%s' of a process",
					name));
	pid = ckpt_slot_pid(ctx, h->rdev - 1);
	if (IS_ERR(pid))
		return ERR_CAST(pid);
	dir = kstrndup(name + before, h->size, GFP_KERNEL_ACCOUNT);
	if (!dir)
		return ERR_PTR(-ENOMEM);
	err = ckpt_path_lookup(ctx, h->mnt, dir, LOOKUP_FOLLOW | LOOKUP_DIRECTORY,
			       &root);
	kfree(dir);
	if (err)
		return ERR_PTR(ckpt_err(ctx, err, "'%s': its proc cannot be found: error %d",
					name, err));
	nr = is_proc(root.dentry->d_sb) ?
	     pid_nr_ns(pid, proc_pid_ns(root.dentry->d_sb)) : 0;
	path_put(&root);
	if (!nr)
		return ERR_PTR(ckpt_err(ctx, -ESTALE, "'%s': the process has no number there",
					name));
	rest = name + at + strcspn(name + at, "/");
	full = kasprintf(GFP_KERNEL_ACCOUNT, "%.*s%d%s", (int)at, name, nr,
			 rest);
	return full ?: ERR_PTR(-ENOMEM);
}

/**
 * ckpt_pseudo_file_restore - open a file of proc, sysfs or cgroupfs again
 * @ctx: the context
 * @h: the record of the file
 * @name: its path
 *
 * Context: the restoring task, may sleep.
 * Return: the file, or ERR_PTR, reported.
 */
struct file *ckpt_pseudo_file_restore(struct ckpt_ctx *ctx,
				      const struct ckpt_hdr_file *h,
				      const char *name)
{
	struct file *file;
	char *now;

	if (!h->rdev)
		return ckpt_file_open(ctx, h, name, h->f_flags);
	now = with_number(ctx, h, name);
	if (IS_ERR(now))
		return ERR_CAST(now);
	file = ckpt_file_open(ctx, h, now, h->f_flags);
	kfree(now);
	return file;
}
