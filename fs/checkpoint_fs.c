// SPDX-License-Identifier: GPL-2.0
/*
 * Root and working directories, and the umask.
 */

#include <linux/cred.h>
#include <linux/fs_struct.h>
#include <linux/namei.h>
#include <linux/sched/task.h>
#include <linux/security.h>
#include <linux/stat.h>

#include "checkpoint.h"

static void fs_grab(void *ptr)
{
	struct fs_struct *fs = ptr;

	spin_lock(&fs->lock);
	fs->users++;
	spin_unlock(&fs->lock);
}

static void fs_drop(void *ptr)
{
	struct fs_struct *fs = ptr;
	bool kill;

	spin_lock(&fs->lock);
	kill = !--fs->users;
	spin_unlock(&fs->lock);
	if (kill)
		free_fs_struct(fs);
}

static int fs_users(void *ptr)
{
	struct fs_struct *fs = ptr;
	int users;

	spin_lock(&fs->lock);
	users = fs->users;
	spin_unlock(&fs->lock);
	return users;
}

static int fs_collect(struct ckpt_ctx *ctx, void *ptr)
{
	struct fs_struct *fs = ptr;
	struct path root, pwd;
	int err;

	get_fs_root(fs, &root);
	get_fs_pwd(fs, &pwd);
	err = ckpt_path_collect(ctx, &root);
	if (!err)
		err = ckpt_path_collect(ctx, &pwd);
	if (!err && ckpt_path_removed(&pwd))
		err = ckpt_removed_collect(ctx, &pwd);
	path_put(&root);
	path_put(&pwd);
	return err;
}

static int check_dir(struct ckpt_ctx *ctx, const struct path *path,
		     const char *who, char *buf, u32 *mnt)
{
	const struct super_block *sb = path->dentry->d_sb;
	int ret;

	if (ckpt_fs_refused(sb))
		return ckpt_err(ctx, -ENOSYS, "%s: on %s: not supported", who,
				sb->s_type->name);
	ret = ckpt_path_check(ctx, path, who, buf);
	if (!ret)
		ret = ckpt_path_mnt(ctx, path);
	if (ret < 0)
		return ret;
	*mnt = ret;
	return 0;
}

/* As check_dir(), and that it can be made again if it was removed */
static int check_pwd(struct ckpt_ctx *ctx, const struct path *pwd, char *buf,
		     struct ckpt_hdr_fs *h)
{
	u32 parent;
	int ret;

	if (!ckpt_path_removed(pwd))
		return check_dir(ctx, pwd, "working directory", buf,
				 &h->pwd_mnt);
	ret = ckpt_removed_check(ctx, pwd, "working directory", buf);
	if (ret)
		return ret;
	ret = ckpt_path_mnt(ctx, pwd);
	if (ret < 0)
		return ret;
	h->pwd_mnt = ret;
	ret = ckpt_removed_checkpoint(ctx, pwd, &parent);
	if (ret < 0)
		return ret;
	h->pwd_removed = ret;
	return 0;
}

static int write_path(struct ckpt_ctx *ctx, const struct path *path, char *buf)
{
	char *name = ckpt_path_removed(path) ?
		     ckpt_removed_name(ctx, path, buf, PATH_MAX) :
		     ckpt_path_name(ctx, path, buf, PATH_MAX);

	return IS_ERR(name) ? PTR_ERR(name) : ckpt_write_string(ctx, name);
}

static int fs_checkpoint(struct ckpt_ctx *ctx, void *ptr)
{
	struct fs_struct *fs = ptr;
	struct ckpt_hdr_fs h = { .umask = fs->umask };
	struct path root, pwd;
	char *buf;
	int err;

	buf = __getname();
	if (!buf)
		return -ENOMEM;
	get_fs_root(fs, &root);
	get_fs_pwd(fs, &pwd);
	err = check_dir(ctx, &root, "root directory", buf, &h.root_mnt);
	if (!err)
		err = check_pwd(ctx, &pwd, buf, &h);
	if (!err)
		err = ckpt_write_rec(ctx, &h, CKPT_HDR_FS, sizeof(h));
	if (!err)
		err = write_path(ctx, &root, buf);
	if (!err)
		err = write_path(ctx, &pwd, buf);
	path_put(&root);
	path_put(&pwd);
	__putname(buf);
	return err;
}

/* One that was removed is the object @removed, if that is not 0. */
static int read_dir(struct ckpt_ctx *ctx, u32 mnt, u32 removed,
		    const char *what, bool root, struct path *path)
{
	char *name;
	int err;

	name = ckpt_read_string(ctx, PATH_MAX);
	if (IS_ERR(name))
		return PTR_ERR(name);
	err = removed ? ckpt_removed_dir(ctx, removed, path) :
	      ckpt_path_lookup(ctx, mnt, name,
			       LOOKUP_FOLLOW | LOOKUP_DIRECTORY, path);
	if (err)
		goto out;
	/*
	 * What chroot(2) and chdir(2) ask for. The capability is asked for with
	 * the credentials of the task.
	 */
	err = path_permission(path, MAY_EXEC | MAY_CHDIR);
	if (!err && root && (mnt || strcmp(name, "/")))
		err = security_path_chroot(path);
	if (err)
		path_put(path);
out:
	if (err)
		ckpt_err(ctx, err, "%s '%s%s': cannot be entered: error %d",
			 what, ckpt_mnt_name(ctx, mnt), name, err);
	kvfree(name);
	return err;
}

static void *fs_restore(struct ckpt_ctx *ctx)
{
	struct path root, pwd;
	struct ckpt_hdr_fs h;
	struct fs_struct *fs;
	int err;

	err = ckpt_read_rec_into(ctx, &h, CKPT_HDR_FS, sizeof(h));
	if (err)
		return ERR_PTR(err);
	if (h.umask & ~0777)
		return ERR_PTR(ckpt_err(ctx, -EINVAL, "image: umask %#o",
					h.umask));
	err = read_dir(ctx, h.root_mnt, 0, "root directory", true, &root);
	if (err)
		return ERR_PTR(err);
	err = read_dir(ctx, h.pwd_mnt, h.pwd_removed, "working directory", false,
		       &pwd);
	if (err) {
		fs = ERR_PTR(err);
		goto out;
	}
	fs = copy_fs_struct(current->fs);
	if (fs) {
		set_fs_root(fs, &root);
		set_fs_pwd(fs, &pwd);
		fs->umask = h.umask;
	} else {
		fs = ERR_PTR(-ENOMEM);
	}
	path_put(&pwd);
out:
	path_put(&root);
	return fs;
}

const struct ckpt_obj_ops ckpt_fs_obj_ops = {
	.name		= "root and working directory",
	.grab		= fs_grab,
	.drop		= fs_drop,
	.users		= fs_users,
	.collect	= fs_collect,
	.checkpoint	= fs_checkpoint,
	.restore	= fs_restore,
};

static int fs_task_collect(struct ckpt_ctx *ctx, struct task_struct *t)
{
	return ckpt_obj_collect(ctx, t->fs, CKPT_OBJ_FS);
}

static int fs_task_checkpoint(struct ckpt_ctx *ctx, struct task_struct *t)
{
	struct ckpt_hdr_task_ref ref = {};
	int objref = ckpt_obj_checkpoint(ctx, t->fs, CKPT_OBJ_FS);

	if (objref < 0)
		return objref;
	ref.objref = objref;
	return ckpt_write_rec(ctx, &ref, CKPT_HDR_TASK_FS, sizeof(ref));
}

static int fs_task_restore(struct ckpt_ctx *ctx)
{
	struct ckpt_hdr_task_ref ref;
	struct fs_struct *fs, *old;
	int err;

	err = ckpt_read_rec_into(ctx, &ref, CKPT_HDR_TASK_FS, sizeof(ref));
	if (err)
		return err;
	if (ref.reserved)
		return ckpt_err(ctx, -EINVAL, "image: root and working directory of a task: reserved field is %u",
				ref.reserved);
	fs = ckpt_obj_fetch(ctx, ref.objref, CKPT_OBJ_FS);
	if (IS_ERR(fs))
		return PTR_ERR(fs);
	old = current->fs;
	if (fs == old)
		return 0;
	fs_grab(fs);
	task_lock(current);
	current->fs = fs;
	task_unlock(current);
	fs_drop(old);
	return 0;
}

const struct ckpt_task_ops ckpt_fs_task_ops = {
	.name		= "root and working directory",
	.collect	= fs_task_collect,
	.checkpoint	= fs_task_checkpoint,
	.restore	= fs_task_restore,
};
