// SPDX-License-Identifier: GPL-2.0
/*
 * File systems that live inside of the container: they are made anew, with the
 * options that they had, and what was in them.
 *
 * A table says which types there are. All others live outside, and are given
 * again by whoever restarts.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs_context.h>
#include <linux/ipc_namespace.h>
#include <linux/kernfs.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/quotaops.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/shmem_fs.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include <net/net_namespace.h>

#include "checkpoint.h"
#include "checkpoint_mnt.h"
#include "internal.h"

/* Flags of a file system that mount(2) sets */
#define CKPT_SB_FLAGS	(SB_RDONLY | SB_SYNCHRONOUS | SB_DIRSYNC | SB_LAZYTIME)

/* struct sb_type.flags */
#define SBT_CONTENT	0x1	/* what is in it is saved */
#define SBT_OWNER	0x2	/* belongs to the user namespace it is made in */
#define SBT_SHARED	0x4	/* the same one for all: its flags are not ours */
#define SBT_MACHINE	0x8	/* the only one: that which is there is used */
#define SBT_OPTIONS	0x10	/* made with the options that it shows */
#define SBT_LAYERS	0x20	/* made of directories of other ones */

struct sb_make;

/**
 * struct sb_type - a type of file systems that are made anew
 * @name: of the type
 * @flags: SBT_*
 * @refused: why this one cannot be made anew, or NULL; may be NULL
 * @collect: count the objects inside; may be NULL
 * @checkpoint: write those before the record, and fill in its own fields of
 *	the record; may be NULL
 * @make: make it; NULL for what mount(2) does
 * @finish: before anybody else can reach it; may be NULL
 */
struct sb_type {
	const char *name;
	u32 flags;
	const char *(*refused)(struct ckpt_ctx *ctx, struct super_block *sb);
	int (*collect)(struct ckpt_ctx *ctx, struct super_block *sb);
	int (*checkpoint)(struct ckpt_ctx *ctx, struct super_block *sb,
			  struct ckpt_hdr_sb *h);
	struct super_block *(*make)(struct ckpt_ctx *ctx, struct sb_make *m);
	int (*finish)(struct ckpt_ctx *ctx, struct super_block *sb,
		      const struct ckpt_hdr_sb *h);
};

/**
 * struct sb_make - a file system that is being made
 * @h: its record
 * @type: its type
 * @name: name of the type, to be freed with kvfree()
 * @options: its options, to be freed with kvfree()
 * @layers: what it is made of, or NULL
 * @user_ns: owner of the namespace that it shows, borrowed, or NULL for what
 *	the credentials say
 */
struct sb_make {
	struct ckpt_hdr_sb h;
	const struct sb_type *type;
	char *name;
	char *options;
	struct ckpt_layers *layers;
	struct user_namespace *user_ns;
};

/* ------------------------------------------------------------- by type */

/* Is there a name in the root directory that @known does not have? */
static bool root_has_names(struct super_block *sb, const char *const *known,
			   int nr)
{
	struct dentry *d;
	bool found = false;

	spin_lock(&sb->s_root->d_lock);
	hlist_for_each_entry(d, &sb->s_root->d_children, d_sib) {
		spin_lock_nested(&d->d_lock, DENTRY_D_LOCK_NESTED);
		if (simple_positive(d) &&
		    match_string(known, nr, d->d_name.name) < 0)
			found = true;
		spin_unlock(&d->d_lock);
	}
	spin_unlock(&sb->s_root->d_lock);
	return found;
}

static const char *tmpfs_refused(struct ckpt_ctx *ctx, struct super_block *sb)
{
#ifdef CONFIG_TMPFS_QUOTA
	if (sb_any_quota_loaded(sb))
		return "quotas";
#endif
	return NULL;
}

static int tmpfs_checkpoint(struct ckpt_ctx *ctx, struct super_block *sb,
			    struct ckpt_hdr_sb *h)
{
	struct shmem_sb_info *sbinfo = ckpt_shmem_sb(sb);

	raw_spin_lock(&sbinfo->stat_lock);
	h->next_ino = sbinfo->next_ino;
	raw_spin_unlock(&sbinfo->stat_lock);
	memcpy(h->uuid, sb->s_uuid.b, sizeof(h->uuid));
	return 0;
}

static int tmpfs_finish(struct ckpt_ctx *ctx, struct super_block *sb,
			const struct ckpt_hdr_sb *h)
{
	struct shmem_sb_info *sbinfo = ckpt_shmem_sb(sb);

	raw_spin_lock(&sbinfo->stat_lock);
	sbinfo->next_ino = h->next_ino;
	raw_spin_unlock(&sbinfo->stat_lock);
	super_set_uuid(sb, h->uuid, sizeof(h->uuid));
	return 0;
}

static int sb_err(struct ckpt_ctx *ctx, const struct super_block *sb, int err,
		  const char *why, const char *end);

/* The terminals in it come with the open files of their masters. */
static int devpts_checkpoint(struct ckpt_ctx *ctx, struct super_block *sb,
			     struct ckpt_hdr_sb *h)
{
	const struct inode *inode = d_inode(ckpt_devpts_ptmx(sb));
	const char *why = ckpt_pty_sb_refused(ctx, sb);

	h->ptmx_mode = inode->i_mode & S_IALLUGO;
	h->ptmx_uid = from_kuid(sb->s_user_ns, inode->i_uid);
	h->ptmx_gid = from_kgid(sb->s_user_ns, inode->i_gid);
	if (h->ptmx_uid == (u32)-1 || h->ptmx_gid == (u32)-1)
		why = "its ptmx belongs to nobody";
	return why ? sb_err(ctx, sb, -ENOSYS, why, ": not supported") : 0;
}

static int devpts_finish(struct ckpt_ctx *ctx, struct super_block *sb,
			 const struct ckpt_hdr_sb *h)
{
	struct inode *inode = d_inode(ckpt_devpts_ptmx(sb));
	kuid_t uid = make_kuid(sb->s_user_ns, h->ptmx_uid);
	kgid_t gid = make_kgid(sb->s_user_ns, h->ptmx_gid);

	if (!uid_valid(uid) || !gid_valid(gid))
		return ckpt_err(ctx, -EINVAL, "image: devpts: its ptmx belongs to %u:%u",
				h->ptmx_uid, h->ptmx_gid);
	inode->i_mode = S_IFCHR | h->ptmx_mode;
	inode->i_uid = uid;
	inode->i_gid = gid;
	return 0;
}

static const char *bpf_refused(struct ckpt_ctx *ctx, struct super_block *sb)
{
	static const char *const known[] = { "maps.debug", "progs.debug" };

	return root_has_names(sb, known, ARRAY_SIZE(known)) ?
	       "pinned objects in it" : NULL;
}

static const char *hugetlbfs_refused(struct ckpt_ctx *ctx,
				     struct super_block *sb)
{
	return root_has_names(sb, NULL, 0) ? "files in it" : NULL;
}

/* There is one for each user namespace: that of the caller is not the tree's */
static const char *binfmt_misc_refused(struct ckpt_ctx *ctx,
				       struct super_block *sb)
{
	static const char *const known[] = { "register", "status" };

	if (sb->s_user_ns == ctx->caller_cred->user_ns)
		return NULL;
	return root_has_names(sb, known, ARRAY_SIZE(known)) ?
	       "registered formats" : NULL;
}

/* proc: of a pid namespace */

static struct pid_namespace *proc_pid_ns_of(struct ckpt_ctx *ctx,
					    struct super_block *sb)
{
	struct pid_namespace *ns = proc_sb_info(sb)->pid_ns;

	return ns == task_active_pid_ns(ctx->caller) ? NULL : ns;
}

static int proc_collect(struct ckpt_ctx *ctx, struct super_block *sb)
{
	struct pid_namespace *ns = proc_pid_ns_of(ctx, sb);

	return ns ? ckpt_obj_collect(ctx, ns, CKPT_OBJ_PID_NS) : 0;
}

static int proc_checkpoint(struct ckpt_ctx *ctx, struct super_block *sb,
			   struct ckpt_hdr_sb *h)
{
	struct pid_namespace *ns = proc_pid_ns_of(ctx, sb);
	int ref = ns ? ckpt_obj_checkpoint(ctx, ns, CKPT_OBJ_PID_NS) : 0;

	if (ref < 0)
		return ref;
	h->ns = ref;
	return 0;
}

static struct super_block *make_sb(struct ckpt_ctx *ctx, struct sb_make *m);

/*
 * It is made for the pid namespace of current, which may be another one. What
 * differs is replaced before anybody has looked into it.
 */
static struct super_block *proc_make(struct ckpt_ctx *ctx, struct sb_make *m)
{
	struct pid_namespace *ns = task_active_pid_ns(ctx->caller);
	struct proc_fs_info *info;
	struct super_block *sb;

	if (m->h.ns) {
		ns = ckpt_obj_fetch(ctx, m->h.ns, CKPT_OBJ_PID_NS);
		if (IS_ERR(ns))
			return ERR_CAST(ns);
	}
	m->user_ns = ns->user_ns;
	sb = make_sb(ctx, m);
	if (!IS_ERR(sb)) {
		info = proc_sb_info(sb);
		put_pid_ns(info->pid_ns);
		info->pid_ns = get_pid_ns(ns);
	}
	return sb;
}

/* mqueue: of an ipc namespace, and made with it */

#ifdef CONFIG_POSIX_MQUEUE
/* The namespace, referenced, or NULL if it is gone */
static struct ipc_namespace *mqueue_ns(struct super_block *sb)
{
	struct ipc_namespace *ns;

	spin_lock(&mq_lock);
	ns = sb->s_fs_info;
	if (ns)
		get_ipc_ns(ns);
	spin_unlock(&mq_lock);
	return ns;
}

static const char *mqueue_refused(struct ckpt_ctx *ctx, struct super_block *sb)
{
	struct ipc_namespace *ns = mqueue_ns(sb);

	if (!ns)
		return "its ipc namespace is gone";
	put_ipc_ns(ns);
	return NULL;
}

static int mqueue_collect(struct ckpt_ctx *ctx, struct super_block *sb)
{
	struct ipc_namespace *ns = mqueue_ns(sb);
	int err = 0;

	/* no use: the file system does not keep the namespace */
	if (ns && ns != ctx->caller_ns->ipc_ns)
		err = ckpt_obj_collect_n(ctx, ns, CKPT_OBJ_IPC_NS, 0);
	if (ns)
		put_ipc_ns(ns);
	return err;
}

static int mqueue_checkpoint(struct ckpt_ctx *ctx, struct super_block *sb,
			     struct ckpt_hdr_sb *h)
{
	struct ipc_namespace *ns = mqueue_ns(sb);
	int ref = 0;

	if (!ns)
		return -EBUSY;
	if (ns != ctx->caller_ns->ipc_ns &&
	    !ckpt_obj_outside(ctx, ns, CKPT_OBJ_IPC_NS))
		ref = ckpt_obj_checkpoint(ctx, ns, CKPT_OBJ_IPC_NS);
	put_ipc_ns(ns);
	if (ref < 0)
		return ref;
	h->ns = ref;
	return 0;
}

static struct super_block *mqueue_make(struct ckpt_ctx *ctx, struct sb_make *m)
{
	struct ipc_namespace *ns = ctx->caller_ns->ipc_ns;
	struct super_block *sb;

	if (m->h.ns) {
		ns = ckpt_obj_fetch(ctx, m->h.ns, CKPT_OBJ_IPC_NS);
		if (IS_ERR(ns))
			return ERR_CAST(ns);
	}
	if (!ns_capable(ns->user_ns, CAP_SYS_ADMIN))
		return ERR_PTR(-EPERM);
	sb = ns->mq_mnt->mnt_sb;
	atomic_inc(&sb->s_active);
	return sb;
}
#endif

#ifdef CONFIG_SYSFS
/* sysfs: of a network namespace, NULL where there are none */
static struct net *sysfs_net(struct ckpt_ctx *ctx, struct super_block *sb)
{
	const void *ns = IS_ENABLED(CONFIG_NET_NS) ? kernfs_super_ns(sb) : NULL;

	return ns && ns != ctx->caller_ns->net_ns ? (struct net *)ns : NULL;
}

static const char *sysfs_refused(struct ckpt_ctx *ctx, struct super_block *sb)
{
	struct net *net = sysfs_net(ctx, sb);

	/* a file system does not keep one in use */
	if (net && !(ctx->uflags & CHECKPOINT_NONETNS) && !check_net(net))
		return "its network namespace is gone";
	return NULL;
}

static int sysfs_collect(struct ckpt_ctx *ctx, struct super_block *sb)
{
	struct net *net = sysfs_net(ctx, sb);
	int err = 0;

	net = net ? maybe_get_net(net) : NULL;
	if (!net)
		return 0;
	/* no use: see above */
	if (ckpt_obj_collected(ctx, net, CKPT_OBJ_NET_NS) ||
	    (ctx->uflags & CHECKPOINT_NONETNS))
		goto out;
	err = IS_ENABLED(CONFIG_CHECKPOINT_NETNS) ?
	      ckpt_obj_collect_n(ctx, net, CKPT_OBJ_NET_NS, 0) :
	      ckpt_net_ns_collect(ctx, net);
out:
	put_net(net);
	return err;
}

static int sysfs_checkpoint(struct ckpt_ctx *ctx, struct super_block *sb,
			    struct ckpt_hdr_sb *h)
{
	struct net *net = sysfs_net(ctx, sb);
	int ref = net ? ckpt_net_ns_checkpoint(ctx, net) : 0;

	if (ref < 0)
		return ref;
	h->ns = ref;
	return 0;
}

/* It shows the network namespace of who makes it. */
static struct super_block *sysfs_make(struct ckpt_ctx *ctx, struct sb_make *m)
{
	struct net *net = ckpt_net_ns_fetch(ctx, m->h.ns);
	struct nsproxy *old = current->nsproxy, *new;
	struct super_block *sb;

	if (IS_ERR(net))
		return ERR_CAST(net);
	if (net == old->net_ns)
		return make_sb(ctx, m);
	new = ckpt_copy_nsproxy();
	if (IS_ERR(new))
		return ERR_CAST(new);
	ckpt_nsproxy_set_net(new, net);
	get_nsproxy(old);
	switch_task_namespaces(current, new);
	sb = make_sb(ctx, m);
	switch_task_namespaces(current, old);
	return sb;
}
#endif

/* The table of types: adding one is an entry here. */
static const struct sb_type sb_types[] = {
	{
		.name		= "tmpfs",
		.flags		= SBT_CONTENT | SBT_OWNER | SBT_OPTIONS,
		.refused	= tmpfs_refused,
		.checkpoint	= tmpfs_checkpoint,
		.finish		= tmpfs_finish,
	},
	{
		.name		= "ramfs",
		.flags		= SBT_CONTENT | SBT_OWNER | SBT_OPTIONS,
	},
	{
		.name		= "proc",
		.flags		= SBT_OPTIONS,
		.collect	= proc_collect,
		.checkpoint	= proc_checkpoint,
		.make		= proc_make,
	},
#ifdef CONFIG_SYSFS
	{
		.name		= "sysfs",
		.flags		= SBT_SHARED,
		.refused	= sysfs_refused,
		.collect	= sysfs_collect,
		.checkpoint	= sysfs_checkpoint,
		.make		= sysfs_make,
	},
#endif
	{
		.name		= "devpts",
		.flags		= SBT_OWNER | SBT_OPTIONS,
		.checkpoint	= devpts_checkpoint,
		.finish		= devpts_finish,
	},
#ifdef CONFIG_POSIX_MQUEUE
	{
		.name		= "mqueue",
		.flags		= SBT_SHARED,
		.refused	= mqueue_refused,
		.collect	= mqueue_collect,
		.checkpoint	= mqueue_checkpoint,
		.make		= mqueue_make,
	},
#endif
#if IS_ENABLED(CONFIG_OVERLAY_FS)
	{
		.name		= "overlay",
		.flags		= SBT_OWNER | SBT_OPTIONS | SBT_LAYERS,
	},
#endif
	{
		.name		= "binfmt_misc",
		.flags		= SBT_OWNER | SBT_SHARED,
		.refused	= binfmt_misc_refused,
	},
	{
		.name		= "hugetlbfs",
		.flags		= SBT_OWNER | SBT_OPTIONS,
		.refused	= hugetlbfs_refused,
	},
	{
		.name		= "bpf",
		.flags		= SBT_OWNER | SBT_OPTIONS,
		.refused	= bpf_refused,
	},
	{
		.name		= "cgroup2",
		.flags		= SBT_SHARED | SBT_MACHINE,
	},
	{
		.name		= "debugfs",
		.flags		= SBT_SHARED | SBT_MACHINE,
	},
	{
		.name		= "tracefs",
		.flags		= SBT_SHARED | SBT_MACHINE,
	},
	{
		.name		= "securityfs",
		.flags		= SBT_SHARED | SBT_MACHINE,
	},
};

static const struct sb_type *find_type(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(sb_types); i++)
		if (!strcmp(sb_types[i].name, name))
			return &sb_types[i];
	return NULL;
}

/* ---------------------------------------------------------- checkpoint */

/**
 * ckpt_sb_supported - can a file system be made anew?
 * @sb: the file system
 *
 * One that is may still be refused when it is collected or saved.
 *
 * Context: any.
 * Return: true if it is of a type that can.
 */
bool ckpt_sb_supported(const struct super_block *sb)
{
	const struct sb_type *type = find_type(sb->s_type->name);

	/* a tmpfs of the kernel's own has no names in it; that of mqueue does */
	return type && !((type->flags & SBT_CONTENT) &&
			 (sb->s_flags & SB_KERNMOUNT));
}

/**
 * ckpt_sb_may_layer - may the current task make an overlay of a file system?
 * @sb: the file system, made anew
 *
 * An overlay shows all of it. proc and sysfs may be mounted only by who sees
 * all of one; what is the machine's, in part or by its owner.
 *
 * Context: process context.
 * Return: true if it may.
 */
bool ckpt_sb_may_layer(const struct super_block *sb)
{
	const struct sb_type *type = find_type(sb->s_type->name);

	return (type && !(type->flags & SBT_MACHINE) &&
		!(sb->s_iflags & SB_I_USERNS_VISIBLE)) ||
	       capable(CAP_SYS_ADMIN);
}

/**
 * ckpt_dentry_mount - a mount of a directory or file that is in no namespace
 * @root: what is its root; its file system has an active reference
 * @source: what /proc/mounts shows as its source
 *
 * Context: process context, may sleep.
 * Return: the mount or an ERR_PTR.
 */
struct vfsmount *ckpt_dentry_mount(struct dentry *root, const char *source)
{
	struct fs_context *fc = fs_context_for_reconfigure(root, 0, 0);
	struct vfsmount *mnt = ERR_PTR(-ENOMEM);

	if (IS_ERR(fc))
		return ERR_CAST(fc);
	fc->source = kstrdup(source, GFP_KERNEL_ACCOUNT);
	if (fc->source)
		mnt = vfs_create_mount(fc);
	put_fs_context(fc);
	return mnt;
}

static void sb_grab(void *ptr)
{
	struct super_block *sb = ptr;

	atomic_inc(&sb->s_active);
}

static void sb_drop(void *ptr)
{
	deactivate_super(ptr);
}

static const char not_supported[] = ": not supported";

/* Its type, and its device as /proc/PID/mountinfo has it, say which it is. */
static int sb_err(struct ckpt_ctx *ctx, const struct super_block *sb, int err,
		  const char *why, const char *end)
{
	return ckpt_err(ctx, err, "%s (device %u:%u): %s%s", sb->s_type->name,
			MAJOR(sb->s_dev), MINOR(sb->s_dev), why, end);
}

static int sb_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct super_block *sb = ptr;
	const struct sb_type *type = find_type(sb->s_type->name);
	const char *why;
	int err = 0;

	if (!type)
		return sb_err(ctx, sb, -ENOSYS, "file system", not_supported);
	why = type->refused ? type->refused(ctx, sb) : NULL;
	if (why)
		return sb_err(ctx, sb, -ENOSYS, why, not_supported);
	if (type->flags & SBT_OWNER)
		err = ckpt_user_ns_collect(ctx, sb->s_user_ns, type->name);
	if (!err && type->collect)
		err = type->collect(ctx, sb);
	return err;
}

/*
 * An id among the options, shown as the initial user namespace has it, as the
 * one has it in which it will be read.
 */
static int print_id(struct seq_file *m, struct user_namespace *user_ns,
		    const char *name, const char *value)
{
	u32 id;

	if (kstrtou32(value, 10, &id))
		return -EINVAL;
	if (*name == 'u')
		id = from_kuid(user_ns, make_kuid(&init_user_ns, id));
	else
		id = from_kgid(user_ns, make_kgid(&init_user_ns, id));
	if (id == (u32)-1)
		return -EOVERFLOW;
	seq_printf(m, ",%s=%u", name, id);
	return 0;
}

/* Copy the options in @shown, which is cut in pieces, to @m. */
static int convert_options(struct seq_file *m, struct user_namespace *user_ns,
			   const struct sb_type *type, char *shown)
{
	char *option;
	int err = 0;

	while (!err && (option = strsep(&shown, ",")) != NULL) {
		if (!*option ||
		    ((type->flags & SBT_LAYERS) && ckpt_layer_option(option)))
			continue;
		if (!strncmp(option, "uid=", 4))
			err = print_id(m, user_ns, "uid", option + 4);
		else if (!strncmp(option, "gid=", 4))
			err = print_id(m, user_ns, "gid", option + 4);
		else
			seq_printf(m, ",%s", option);
	}
	return err;
}

/* What is not shown since it is the initial root's is said, too. */
static int add_owner(struct seq_file *m, struct user_namespace *user_ns,
		     struct super_block *sb)
{
	int err = 0;
#ifdef CONFIG_TMPFS
	struct shmem_sb_info *sbinfo;

	if (sb->s_magic != TMPFS_MAGIC)
		return 0;
	sbinfo = ckpt_shmem_sb(sb);
	if (uid_eq(sbinfo->uid, GLOBAL_ROOT_UID))
		err = print_id(m, user_ns, "uid", "0");
	if (!err && gid_eq(sbinfo->gid, GLOBAL_ROOT_GID))
		err = print_id(m, user_ns, "gid", "0");
#endif
	return err;
}

/* A security module shows its options, and that it has labels there. */
static int security_options(struct super_block *sb, char *shown)
{
	struct seq_file m = { .buf = shown, .size = CKPT_SB_OPTIONS_MAX - 1 };
	int err = security_sb_show_options(&m, sb);

	if (err)
		return err;
	if (seq_has_overflowed(&m))
		return -E2BIG;
	shown[m.count] = '\0';
	return *shown && strcmp(shown, ",seclabel") ? -EOPNOTSUPP : 0;
}

/* Options as text; @buf and @shown have CKPT_SB_OPTIONS_MAX bytes each */
static int sb_options(struct ckpt_ctx *ctx, struct super_block *sb,
		      const struct sb_type *type, char *buf, char *shown)
{
	struct seq_file from = { .buf = shown, .size = CKPT_SB_OPTIONS_MAX - 1 };
	struct seq_file to = { .buf = buf, .size = CKPT_SB_OPTIONS_MAX - 1 };
	struct user_namespace *user_ns = ctx->caller_cred->user_ns;
	int err;

	buf[0] = '\0';
	err = type->flags & SBT_MACHINE ? 0 : security_options(sb, shown);
	if (err)
		return err;
	if (!(type->flags & SBT_OPTIONS) || !sb->s_op->show_options)
		return 0;
	if (type->flags & SBT_OWNER)
		user_ns = sb->s_user_ns;
	down_read(&sb->s_umount);
	err = sb->s_root ? sb->s_op->show_options(&from, sb->s_root) : -ENOENT;
	up_read(&sb->s_umount);
	if (err)
		return err;
	if (seq_has_overflowed(&from))
		return -E2BIG;
	shown[from.count] = '\0';
	err = convert_options(&to, user_ns, type, shown);
	if (!err)
		err = add_owner(&to, user_ns, sb);
	if (err)
		return err;
	if (type->flags & SBT_LAYERS)
		ckpt_layers_options(&to, sb);
	if (seq_has_overflowed(&to))
		return -E2BIG;
	buf[to.count] = '\0';
	return 0;
}

static int write_sb(struct ckpt_ctx *ctx, struct super_block *sb,
		    const struct sb_type *type, struct ckpt_hdr_sb *h)
{
	char *buf, *options;
	int err;

	buf = kvzalloc(2 * CKPT_SB_OPTIONS_MAX, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	err = sb_options(ctx, sb, type, buf, buf + CKPT_SB_OPTIONS_MAX);
	if (err) {
		err = sb_err(ctx, sb, -ENOSYS, err == -EOPNOTSUPP ?
			     "options of a security module" :
			     "its options cannot be told", not_supported);
	} else {
		options = *buf == ',' ? buf + 1 : buf;
		err = ckpt_write_rec(ctx, h, CKPT_HDR_SB, sizeof(*h));
		if (!err)
			err = ckpt_write_string(ctx, type->name);
		if (!err)
			err = ckpt_write_string(ctx, options);
	}
	kvfree(buf);
	return err;
}

static int sb_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct super_block *sb = ptr;
	const struct sb_type *type = find_type(sb->s_type->name);
	struct ckpt_hdr_sb h = { .dev = huge_encode_dev(sb->s_dev) };
	int err = 0;

	if ((type->flags & SBT_CONTENT) && ckpt_sb_outside(ctx, sb))
		return sb_err(ctx, sb, -EBUSY,
			      "also mounted outside of the tree", "");
	h.content = !!(type->flags & SBT_CONTENT);
	if (!(type->flags & SBT_SHARED))
		h.flags = sb->s_flags & CKPT_SB_FLAGS;
	if (type->flags & SBT_OWNER) {
		err = ckpt_user_ns_checkpoint(ctx, sb->s_user_ns);
		if (err < 0)
			return err;
		h.user_ns = err;
		err = 0;
	}
	if (type->checkpoint)
		err = type->checkpoint(ctx, sb, &h);
	if (type->flags & SBT_LAYERS)
		h.nr_layers = ckpt_layers_nr(sb);
	if (!err)
		err = write_sb(ctx, sb, type, &h);
	if (!err && h.nr_layers)
		err = ckpt_layers_checkpoint(ctx, sb);
	if (!err && h.content)
		err = ckpt_content_checkpoint(ctx, sb);
	return err;
}

/* ------------------------------------------------------------- restart */

static void take_first(struct super_block *sb, void *arg)
{
	struct super_block **found = arg;

	if (!*found && atomic_inc_not_zero(&sb->s_active))
		*found = sb;
}

/*
 * The superblock that mount(2) would mount, with its checks, and an active
 * reference.
 */
static struct super_block *get_sb(struct ckpt_ctx *ctx, struct sb_make *m,
				  struct fs_context *fc)
{
	struct super_block *sb = NULL;
	int err;

	if (m->user_ns) {
		put_user_ns(fc->user_ns);
		fc->user_ns = get_user_ns(m->user_ns);
	}
	err = parse_monolithic_mount_data(fc, *m->options ? m->options : NULL);
	if (!err && !mount_capable(fc))
		err = -EPERM;
	if (err)
		return ERR_PTR(err);

	/* to get it would set its options for all */
	if (m->type->flags & SBT_MACHINE)
		iterate_supers_type(fc->fs_type, take_first, &sb);
	if (sb)
		return sb;

	if (m->layers)
		return ckpt_layers_make(m->layers, fc);
	err = vfs_get_tree(fc);
	if (err)
		return ERR_PTR(err);
	sb = fc->root->d_sb;
	up_write(&sb->s_umount);
	err = security_sb_kern_mount(sb);
	if (err)
		return ERR_PTR(err);
	atomic_inc(&sb->s_active);
	return sb;
}

static struct super_block *make_sb(struct ckpt_ctx *ctx, struct sb_make *m)
{
	unsigned int flags = m->h.flags;
	struct file_system_type *fstype;
	struct super_block *sb;
	struct fs_context *fc;

	fstype = get_fs_type(m->name);
	if (!fstype)
		return ERR_PTR(-ENODEV);
	/* it cannot be filled otherwise */
	if (m->h.content)
		flags = 0;
	fc = fs_context_for_mount(fstype, flags);
	put_filesystem(fstype);
	if (IS_ERR(fc))
		return ERR_CAST(fc);
	sb = get_sb(ctx, m, fc);
	put_fs_context(fc);
	return sb;
}

static int fill_sb(struct ckpt_ctx *ctx, struct sb_make *m,
		   struct super_block *sb)
{
	int err = 0;

	if (m->h.content) {
		err = ckpt_content_restore(ctx, sb);
		if (err)
			return err;
		down_write(&sb->s_umount);
		sb->s_flags |= m->h.flags;
		up_write(&sb->s_umount);
	}
	return m->type->finish ? m->type->finish(ctx, sb, &m->h) : 0;
}

/*
 * Credentials in the user namespace that owns the file system. Whoever enters
 * one keeps ids that have no number in it: what is made belongs to its root.
 */
static const struct cred *sb_cred(struct ckpt_ctx *ctx, u32 objref)
{
	const struct cred *cred = ckpt_user_ns_cred(ctx, objref), *old;
	struct user_namespace *user_ns;
	struct cred *new;

	if (IS_ERR(cred))
		return cred;
	user_ns = cred->user_ns;
	if (kuid_has_mapping(user_ns, cred->fsuid) &&
	    kgid_has_mapping(user_ns, cred->fsgid))
		return cred;

	old = override_creds(cred);
	new = prepare_creds();
	if (!new) {
		new = ERR_PTR(-ENOMEM);
	} else if (!ns_capable(user_ns, CAP_SETUID) ||
		   !ns_capable(user_ns, CAP_SETGID)) {
		put_cred(new);
		new = ERR_PTR(-EPERM);
	} else {
		new->fsuid = make_kuid(user_ns, 0);
		new->fsgid = make_kgid(user_ns, 0);
	}
	revert_creds(old);
	put_cred(cred);
	return new;
}

static struct super_block *sb_make(struct ckpt_ctx *ctx, struct sb_make *m)
{
	const struct cred *cred, *old;
	struct super_block *sb;
	int err;

	cred = sb_cred(ctx, m->h.user_ns);
	if (IS_ERR(cred))
		return ERR_CAST(cred);
	old = override_creds(cred);
	sb = m->type->make ? m->type->make(ctx, m) : make_sb(ctx, m);
	if (IS_ERR(sb)) {
		ckpt_err(ctx, PTR_ERR(sb), "%s cannot be made, with the options '%s': error %ld",
			 m->name, m->options, PTR_ERR(sb));
	} else {
		err = fill_sb(ctx, m, sb);
		if (err) {
			deactivate_super(sb);
			sb = ERR_PTR(err);
		}
	}
	revert_creds(old);
	put_cred(cred);
	return sb;
}

static int read_sb(struct ckpt_ctx *ctx, struct sb_make *m)
{
	const struct ckpt_hdr_sb *h = &m->h;
	char *s;
	int err;

	err = ckpt_read_rec_into(ctx, &m->h, CKPT_HDR_SB, sizeof(m->h));
	if (err)
		return err;
	s = ckpt_read_string(ctx, NAME_MAX);
	if (IS_ERR(s))
		return PTR_ERR(s);
	m->name = s;
	s = ckpt_read_string(ctx, CKPT_SB_OPTIONS_MAX);
	if (IS_ERR(s))
		return PTR_ERR(s);
	m->options = s;

	m->type = find_type(m->name);
	if (!m->type)
		return ckpt_err(ctx, -EINVAL, "image: file system of type '%s': not known",
				m->name);
	if ((h->flags & ~CKPT_SB_FLAGS) ||
	    (h->flags && (m->type->flags & SBT_SHARED)) ||
	    h->content != !!(m->type->flags & SBT_CONTENT) ||
	    (*m->options && !(m->type->flags & SBT_OPTIONS)) ||
	    (h->user_ns && !(m->type->flags & SBT_OWNER)) ||
	    !h->nr_layers != !(m->type->flags & SBT_LAYERS) ||
	    (h->ns && !m->type->collect) || h->next_ino > ULONG_MAX ||
	    (h->ptmx_mode & ~S_IALLUGO) ||
	    ((h->ptmx_mode || h->ptmx_uid || h->ptmx_gid) &&
	     m->type->finish != devpts_finish))
		return ckpt_err(ctx, -EINVAL, "image: %s: malformed record",
				m->name);
	if (h->nr_layers) {
		m->layers = ckpt_layers_read(ctx, h->nr_layers);
		if (IS_ERR(m->layers)) {
			err = PTR_ERR(m->layers);
			m->layers = NULL;
		}
	}
	return err;
}

/* The record is not on the stack: objects may stand inside of each other. */
static void *sb_restore(struct ckpt_ctx *ctx)
{
	struct super_block *sb;
	struct sb_make *m;
	int err;

	m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return ERR_PTR(-ENOMEM);
	err = read_sb(ctx, m);
	sb = err ? ERR_PTR(err) : sb_make(ctx, m);
	ckpt_layers_free(m->layers);
	kvfree(m->options);
	kvfree(m->name);
	kfree(m);
	return sb;
}

const struct ckpt_obj_ops ckpt_sb_obj_ops = {
	.name		= "file system",
	.grab		= sb_grab,
	.drop		= sb_drop,
	.collect	= sb_collect,
	.checkpoint	= sb_checkpoint,
	.restore	= sb_restore,
};
