// SPDX-License-Identifier: GPL-2.0
/*
 * The directories that an overlay is made of.
 *
 * One in a file system that is made anew is saved by its path in that; any
 * other by its path from the root directory of the caller. So an overlay can
 * be made before anything is mounted. It takes names only: each directory is
 * the working directory for the moment in which it is named.
 */

#include <linux/cred.h>
#include <linux/fs_context.h>
#include <linux/fs_struct.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/sched/task.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/string_choices.h>
#include <linux/user_namespace.h>
#include <linux/xattr.h>

#include "checkpoint.h"
#include "internal.h"
#include "overlayfs/overlayfs.h"
#include "pnode.h"

/* The options that name them */
static const char *const layer_option[CKPT_LAYER_MAX] = {
	[CKPT_LAYER_NAMES]	= "lowerdir",
	[CKPT_LAYER_UPPER]	= "upperdir",
	[CKPT_LAYER_WORK]	= "workdir",
	[CKPT_LAYER_LOWER]	= "lowerdir+",
	[CKPT_LAYER_DATA]	= "datadir+",
};

/* Those that are not shown where they are what this machine has by default */
static const char *const default_option[] = {
	"redirect_dir", "index", "nfs_export", "metacopy",
};

/* The overlay may be a module: its table of them is not at hand. */
static const char *const redirect_name[] = {
	[OVL_REDIRECT_OFF]	= "off",
	[OVL_REDIRECT_FOLLOW]	= "follow",
	[OVL_REDIRECT_NOFOLLOW]	= "nofollow",
	[OVL_REDIRECT_ON]	= "on",
};

static bool is_one_of(const char *option, const char *const *names, int nr)
{
	size_t len = strcspn(option, "=");
	int i;

	for (i = 0; i < nr; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], option, len))
			return true;
	return false;
}

/**
 * ckpt_layer_option - is an option of an overlay saved in another way?
 * @option: the option, with its value
 *
 * Return: true if it names a directory, or ckpt_layers_options() tells it.
 */
bool ckpt_layer_option(const char *option)
{
	return is_one_of(option, layer_option, CKPT_LAYER_MAX) ||
	       is_one_of(option, default_option, ARRAY_SIZE(default_option));
}

/* ---------------------------------------------------------- checkpoint */

static struct ovl_fs *overlay(struct super_block *sb)
{
	return sb->s_fs_info;
}

/**
 * ckpt_layers_options - tell what has other defaults on other machines
 * @m: where to put the options, each with a comma before it
 * @sb: the overlay
 *
 * Who may not use trusted extended attributes may not ask for what takes them,
 * and does not have it, whatever the default is.
 */
void ckpt_layers_options(struct seq_file *m, struct super_block *sb)
{
	const struct ovl_config *config = &overlay(sb)->config;
	bool trusted = sb->s_user_ns == &init_user_ns;

	/* without an upper directory it follows from nfs_export */
	if (config->upperdir)
		seq_printf(m, ",index=%s", str_on_off(config->index));
	seq_printf(m, ",nfs_export=%s", str_on_off(config->nfs_export));
	/* both follow from verity */
	if (config->verity_mode)
		return;
	if (trusted || config->redirect_mode == OVL_REDIRECT_NOFOLLOW)
		seq_printf(m, ",redirect_dir=%s",
			   redirect_name[config->redirect_mode]);
	if (trusted || !config->metacopy)
		seq_printf(m, ",metacopy=%s", str_on_off(config->metacopy));
}

/**
 * ckpt_layers_nr - number of records that describe the directories
 * @sb: the overlay
 *
 * Return: how many, always some.
 */
u32 ckpt_layers_nr(struct super_block *sb)
{
	const struct ovl_fs *ofs = overlay(sb);
	u32 nr = ofs->numlayer - 1;

	if (ofs->config.lowerdirs[0])
		nr++;
	if (ofs->config.upperdir)
		nr += 2;
	return nr;
}

/*
 * A mount in the caller's namespace from which @dentry can be reached, with the
 * owners that the file system has
 */
static struct vfsmount *caller_mount(struct ckpt_ctx *ctx,
				     struct dentry *dentry)
{
	struct mnt_namespace *ns = ctx->caller_ns->mnt_ns;
	struct vfsmount *found = NULL;
	struct mount *m;

	read_seqlock_excl(&mount_lock);
	list_for_each_entry(m, &dentry->d_sb->s_mounts, mnt_instance) {
		if (m->mnt_ns == ns && !is_idmapped_mnt(&m->mnt) &&
		    is_subdir(dentry, m->mnt.mnt_root)) {
			found = mntget(&m->mnt);
			break;
		}
	}
	read_sequnlock_excl(&mount_lock);
	return found;
}

/* Where a directory outside of the container is, in @buf, or an ERR_PTR */
static char *outside_name(struct ckpt_ctx *ctx, struct dentry *dentry,
			  char *buf)
{
	struct path path = { .dentry = dentry };
	char *name;
	int err;

	path.mnt = caller_mount(ctx, dentry);
	if (!path.mnt)
		return ERR_PTR(-ENOENT);
	err = ckpt_path_verify(ctx, &path, buf, PATH_MAX);
	name = err ? ERR_PTR(err) : ckpt_path_name(ctx, &path, buf, PATH_MAX);
	mntput(path.mnt);
	return name;
}

/* The directory @dentry, which the overlay has on its own mount @mnt */
static int write_layer(struct ckpt_ctx *ctx, u32 kind,
		       const struct vfsmount *mnt, struct dentry *dentry,
		       const char *given, char *buf)
{
	struct ckpt_hdr_sb_layer h = { .kind = kind };
	struct super_block *sb = dentry->d_sb;
	char *name;
	int err;

	if (is_idmapped_mnt(mnt))
		return ckpt_err(ctx, -ENOSYS, "overlay: its %s '%s' is on an idmapped mount: not supported",
				layer_option[kind], given ?: "");
	if (d_unlinked(dentry)) {
		name = ERR_PTR(-ENOENT);
	} else if (ckpt_obj_collected(ctx, sb, CKPT_OBJ_SB)) {
		err = ckpt_obj_checkpoint(ctx, sb, CKPT_OBJ_SB);
		if (err < 0)
			return err;
		h.sb = err;
		name = dentry_path_raw(dentry, buf, PATH_MAX);
	} else {
		name = outside_name(ctx, dentry, buf);
	}
	if (IS_ERR(name))
		return ckpt_err(ctx, -ENOSYS, "overlay: its %s '%s' cannot be reached any more (error %ld): not supported",
				layer_option[kind], given ?: "", PTR_ERR(name));
	err = ckpt_write_rec(ctx, &h, CKPT_HDR_SB_LAYER, sizeof(h));
	if (!err)
		err = ckpt_write_string(ctx, name);
	return err ?: ckpt_write_string(ctx, given ?: "");
}

static int write_names(struct ckpt_ctx *ctx, const char *names)
{
	struct ckpt_hdr_sb_layer h = { .kind = CKPT_LAYER_NAMES };
	int err;

	err = ckpt_write_rec(ctx, &h, CKPT_HDR_SB_LAYER, sizeof(h));
	if (!err)
		err = ckpt_write_string(ctx, "");
	return err ?: ckpt_write_string(ctx, names);
}

/**
 * ckpt_layers_checkpoint - write the directories of an overlay
 * @ctx: the context
 * @sb: the overlay
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOSYS for one that cannot be found again, reported, -ENOMEM, or
 * the errno of the write.
 */
int ckpt_layers_checkpoint(struct ckpt_ctx *ctx, struct super_block *sb)
{
	const struct ovl_fs *ofs = overlay(sb);
	const struct ovl_config *config = &ofs->config;
	unsigned int i, data = ofs->numlayer - ofs->numdatalayer;
	const struct vfsmount *mnt = ofs->layers[0].mnt;
	char *buf = __getname();
	int err = 0;

	if (!buf)
		return -ENOMEM;
	if (config->lowerdirs[0])
		err = write_names(ctx, config->lowerdirs[0]);
	if (!err && config->upperdir)
		err = write_layer(ctx, CKPT_LAYER_UPPER, mnt, mnt->mnt_root,
				  config->upperdir, buf);
	if (!err && config->upperdir)
		err = write_layer(ctx, CKPT_LAYER_WORK, mnt, ofs->workbasedir,
				  config->workdir, buf);
	for (i = 1; !err && i < ofs->numlayer; i++) {
		mnt = ofs->layers[i].mnt;
		err = write_layer(ctx,
				  i < data ? CKPT_LAYER_LOWER : CKPT_LAYER_DATA,
				  mnt, mnt->mnt_root, config->lowerdirs[i],
				  buf);
	}
	__putname(buf);
	return err;
}

/* ------------------------------------------------------------- restart */

/**
 * struct layer - a directory that an overlay will be made of
 * @kind: enum ckpt_sb_layer
 * @given: what mount(8) was given for it
 * @from: what @path.mnt was made of: a superblock or a mount; for comparison
 * @path: the directory, on a mount that is in no namespace
 */
struct layer {
	u32 kind;
	char *given;
	const void *from;
	struct path path;
};

/**
 * struct ckpt_layers - what an overlay will be made of
 * @nr: number of directories
 * @layer: the directories
 */
struct ckpt_layers {
	u32 nr;
	struct layer layer[] __counted_by(nr);
};

/**
 * ckpt_layers_free - done with what an overlay was made of
 * @layers: the directories, or NULL
 *
 * Context: process context, may sleep.
 */
void ckpt_layers_free(struct ckpt_layers *layers)
{
	u32 i;

	if (!layers)
		return;
	for (i = 0; i < layers->nr; i++) {
		kfree(layers->layer[i].given);
		if (layers->layer[i].path.mnt)
			path_put(&layers->layer[i].path);
	}
	kvfree(layers);
}

/* An overlay wants its upper and its work directory on the same mount. */
static struct vfsmount *shared_mount(struct ckpt_layers *layers,
				     const void *from)
{
	u32 i;

	for (i = 0; i < layers->nr; i++)
		if (layers->layer[i].from == from)
			return mntget(layers->layer[i].path.mnt);
	return NULL;
}

static int find_inside(struct ckpt_layers *layers, struct layer *l,
		       struct super_block *sb, const char *name)
{
	struct vfsmount *mnt;
	int err;

	if (!ckpt_sb_may_layer(sb))
		return -EPERM;
	mnt = shared_mount(layers, sb);
	if (!mnt)
		mnt = ckpt_dentry_mount(sb->s_root, "none");
	if (IS_ERR(mnt))
		return PTR_ERR(mnt);
	err = vfs_path_lookup(mnt->mnt_root, mnt, name, LOOKUP_DIRECTORY,
			      &l->path);
	mntput(mnt);
	if (!err)
		l->from = sb;
	return err;
}

/* Would a private mount of @path show what the caller must not see? */
static bool reveals(const struct path *path)
{
	struct mount *m = real_mount(path->mnt), *child;
	bool locked = false;

	read_seqlock_excl(&mount_lock);
	list_for_each_entry(child, &m->mnt_mounts, mnt_child)
		if ((child->mnt.mnt_flags & MNT_LOCKED) &&
		    is_subdir(child->mnt_mountpoint, path->dentry))
			locked = true;
	read_sequnlock_excl(&mount_lock);
	return locked;
}

/* With the checks of clone_private_mount(), and the owners that all have */
static int find_outside(struct ckpt_ctx *ctx, struct ckpt_layers *layers,
			struct layer *l, const char *name)
{
	struct mnt_namespace *ns = ctx->caller_ns->mnt_ns;
	struct path path, top;
	struct vfsmount *mnt;
	int err;

	err = vfs_path_lookup(ctx->root.dentry, ctx->root.mnt, name,
			      LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);
	if (err)
		return err;
	if (READ_ONCE(real_mount(path.mnt)->mnt_ns) != ns ||
	    IS_MNT_UNBINDABLE(real_mount(path.mnt)) || reveals(&path) ||
	    is_idmapped_mnt(path.mnt))
		err = -EINVAL;
	else if (!ns_capable(ns->user_ns, CAP_SYS_ADMIN))
		err = -EPERM;
	if (err)
		goto out;
	mnt = shared_mount(layers, path.mnt);
	if (!mnt) {
		top.mnt = path.mnt;
		top.dentry = path.mnt->mnt_root;
		mnt = mnt_clone_internal(&top);
	}
	if (IS_ERR(mnt)) {
		err = PTR_ERR(mnt);
		goto out;
	}
	l->from = path.mnt;
	l->path.mnt = mnt;
	l->path.dentry = dget(path.dentry);
out:
	path_put(&path);
	return err;
}

static int find_layer(struct ckpt_ctx *ctx, struct ckpt_layers *layers,
		      struct layer *l, u32 ref, const char *name)
{
	struct super_block *sb;

	if (!ref)
		return find_outside(ctx, layers, l, name);
	sb = ckpt_obj_fetch(ctx, ref, CKPT_OBJ_SB);
	return IS_ERR(sb) ? PTR_ERR(sb) : find_inside(layers, l, sb, name);
}

static int read_layer(struct ckpt_ctx *ctx, struct ckpt_layers *layers,
		      struct layer *l)
{
	struct ckpt_hdr_sb_layer h;
	char *name, *given = NULL;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_SB_LAYER, sizeof(h));
	if (err)
		return err;
	if (h.kind >= CKPT_LAYER_MAX)
		return ckpt_err(ctx, -EINVAL, "image: overlay: directory of kind %u",
				h.kind);
	name = ckpt_read_string(ctx, PATH_MAX);
	if (IS_ERR(name))
		return PTR_ERR(name);
	given = ckpt_read_string(ctx, CKPT_STRING_MAX);
	if (IS_ERR(given)) {
		err = PTR_ERR(given);
		given = NULL;
		goto out;
	}
	l->kind = h.kind;
	/* the overlay keeps it, and frees it with kfree() */
	l->given = kstrdup(given, GFP_KERNEL);
	if (!l->given)
		err = -ENOMEM;
	else if (h.kind != CKPT_LAYER_NAMES)
		err = find_layer(ctx, layers, l, h.sb, name);
	if (err)
		ckpt_err(ctx, err, "overlay: its %s '%s' cannot be used: error %d",
			 layer_option[h.kind], name, err);
out:
	kvfree(given);
	kvfree(name);
	return err;
}

/**
 * ckpt_layers_read - read and find the directories of an overlay
 * @ctx: the context
 * @nr: number of records, not checked yet
 *
 * Context: the restoring task, may sleep.
 * Return: the directories, to be freed with ckpt_layers_free(), or an ERR_PTR:
 * -EINVAL for a malformed record, -EPERM, -ENOMEM, or the errno of the lookup.
 */
struct ckpt_layers *ckpt_layers_read(struct ckpt_ctx *ctx, u32 nr)
{
	struct ckpt_layers *layers;
	int err = 0;
	u32 i;

	if (nr > CKPT_SB_LAYERS_MAX)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: overlay: %u directories",
					nr));
	layers = kvzalloc(struct_size(layers, layer, nr), GFP_KERNEL_ACCOUNT);
	if (!layers)
		return ERR_PTR(-ENOMEM);
	layers->nr = nr;
	for (i = 0; !err && i < nr; i++)
		err = read_layer(ctx, layers, &layers->layer[i]);
	if (err) {
		ckpt_layers_free(layers);
		layers = ERR_PTR(err);
	}
	return layers;
}

/* Name each directory to the overlay: it is "." for the moment. */
static int name_layers(struct ckpt_layers *layers, struct fs_context *fc)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < layers->nr; i++) {
		const struct layer *l = &layers->layer[i];

		if (l->kind == CKPT_LAYER_NAMES)
			continue;
		set_fs_pwd(current->fs, &l->path);
		err = vfs_parse_fs_string(fc, layer_option[l->kind], ".", 1);
	}
	return err;
}

/*
 * An overlay accepts mounts of the namespace of current only. Those that are
 * lent to it stand in none of its lists; nobody else gets at them.
 */
static void lend(struct ckpt_layers *layers, struct mnt_namespace *ns)
{
	u32 i;

	for (i = 0; i < layers->nr; i++)
		if (layers->layer[i].path.mnt)
			WRITE_ONCE(real_mount(layers->layer[i].path.mnt)->mnt_ns,
				   ns);
}

/* What is shown is what was given, and not ".". */
static void give_names(struct ckpt_layers *layers, struct ovl_fs *ofs)
{
	struct ovl_config *config = &ofs->config;
	u32 i, lower = 1;

	for (i = 0; i < layers->nr; i++) {
		struct layer *l = &layers->layer[i];

		switch (l->kind) {
		case CKPT_LAYER_NAMES:
			swap(config->lowerdirs[0], l->given);
			break;
		case CKPT_LAYER_UPPER:
			swap(config->upperdir, l->given);
			break;
		case CKPT_LAYER_WORK:
			swap(config->workdir, l->given);
			break;
		default:
			if (lower < ofs->numlayer)
				swap(config->lowerdirs[lower], l->given);
			lower++;
		}
	}
}

static struct super_block *make_overlay(struct ckpt_layers *layers,
					struct fs_context *fc)
{
	struct mnt_namespace *ns = current->nsproxy->mnt_ns;
	struct super_block *sb;
	int err;

	err = name_layers(layers, fc);
	if (err)
		return ERR_PTR(err);
	lend(layers, ns);
	err = vfs_get_tree(fc);
	lend(layers, NULL);
	if (err)
		return ERR_PTR(err);
	sb = fc->root->d_sb;
	give_names(layers, overlay(sb));
	up_write(&sb->s_umount);
	err = security_sb_kern_mount(sb);
	if (err)
		return ERR_PTR(err);
	atomic_inc(&sb->s_active);
	return sb;
}

/**
 * ckpt_layers_make - make an overlay of its directories
 * @layers: the directories
 * @fc: for the overlay, with all other options
 *
 * This takes a mount namespace that current may change, with the credentials
 * that it has at the moment: one is made, and goes again.
 *
 * Context: the restoring task, may sleep.
 * Return: the superblock with an active reference, or an ERR_PTR with the
 * errno that mount(2) would give.
 */
struct super_block *ckpt_layers_make(struct ckpt_layers *layers,
				     struct fs_context *fc)
{
	struct nsproxy *new, *old_ns = current->nsproxy;
	struct fs_struct *fs, *old_fs = current->fs;
	struct super_block *sb;
	int err;

	fs = copy_fs_struct(old_fs);
	if (!fs)
		return ERR_PTR(-ENOMEM);
	err = unshare_nsproxy_namespaces(CLONE_NEWNS, &new, NULL, fs);
	if (err) {
		free_fs_struct(fs);
		return ERR_PTR(err);
	}

	get_nsproxy(old_ns);
	switch_task_namespaces(current, new);
	task_lock(current);
	current->fs = fs;
	task_unlock(current);
	sb = make_overlay(layers, fc);
	task_lock(current);
	current->fs = old_fs;
	task_unlock(current);
	switch_task_namespaces(current, old_ns);
	free_fs_struct(fs);
	return sb;
}
