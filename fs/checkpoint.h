/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of fs/ that checkpoint and restart share with each other.
 */
#ifndef _FS_CHECKPOINT_H
#define _FS_CHECKPOINT_H

#include <linux/checkpoint_types.h>
#include <linux/fs.h>

struct fs_context;
struct pts_fs_info;
struct tty_struct;
struct mnt_namespace;
struct shmem_sb_info;

/* Bits of ckpt_obj_mark() on an open file */
#define CKPT_FILE_MARK_FD	0x1	/* met in a descriptor table or an epoll */
#define CKPT_FILE_MARK_CHECKED	0x2	/* can be saved */
#define CKPT_FILE_MARK_MAPPED	0x4	/* met as a mapping, or as an exe link */
#define CKPT_FILE_MARK_EXTERNAL	0x8	/* in the image as an external one */
#define CKPT_FILE_MARK_LATE	0x10	/* in the image, but for what comes late */
#define CKPT_FILE_MARK_SLAVES	0x20	/* a master: its slaves are in the tree */

/**
 * struct ckpt_file_ops - one kind of open file
 * @name: for messages
 * @by_path: found again by its path
 * @late_fd: nobody may see the file before @late_restore has completed it: its
 *	descriptors are filled then
 * @match: is @file of this kind? NULL for kinds that the file alone does not
 *	tell
 * @collect: count the objects inside; may be NULL
 * @checkpoint: write what has to stand before the record of the file, and
 *	fill in the kind's own fields of the record; may be NULL
 * @write: write what follows the record of the file and its name; may be NULL
 * @restore: read what follows, and make the file, with the access mode and the
 *	flags of the record; its name is for ckpt_file_open() and messages;
 *	returns it with a reference, or an ERR_PTR
 * @fasync: the list of those who are told by signals, as the file has it; may be
 *	NULL, then O_ASYNC is refused where it has an effect
 * @late_write: write what can be restored only when all files are there; may
 *	be NULL, see late_kinds[]
 * @late_restore: read it, and complete the file
 * @commit: the tree is about to run: do what had to wait for that, and cannot
 *	fail; also called for a file of this kind that was given; may be NULL
 */
struct ckpt_file_ops {
	const char *name;
	bool by_path;
	bool late_fd;
	bool (*match)(struct file *file);
	int (*collect)(struct ckpt_ctx *ctx, struct file *file);
	int (*checkpoint)(struct ckpt_ctx *ctx, struct file *file,
			  struct ckpt_hdr_file *h);
	int (*write)(struct ckpt_ctx *ctx, struct file *file);
	struct file *(*restore)(struct ckpt_ctx *ctx,
				const struct ckpt_hdr_file *h,
				const char *name);
	struct fasync_struct **(*fasync)(struct file *file);
	int (*late_write)(struct ckpt_ctx *ctx, struct file *file);
	int (*late_restore)(struct ckpt_ctx *ctx, struct file *file);
	void (*commit)(struct file *file);
};

/* Is it given again by whoever restarts? */
static inline bool ckpt_kind_is_external(int kind)
{
	return kind == CKPT_FILE_EXTERNAL || kind == CKPT_FILE_TTY;
}

static inline bool ckpt_kind_is_pipe(int kind)
{
	return kind == CKPT_FILE_PIPE || kind == CKPT_FILE_FIFO;
}

/* Was it opened by reading an event of fanotify? */
static inline bool ckpt_file_nonotify(const struct file *file)
{
	return (file->f_flags & __FMODE_NONOTIFY) &&
	       !(file->f_mode & FMODE_BACKING);
}

/* checkpoint_file.c */
struct file *ckpt_file_open(struct ckpt_ctx *ctx,
			    const struct ckpt_hdr_file *h, const char *name,
			    int flags);
const struct ckpt_file_ops *ckpt_file_kind_ops(u32 kind);
bool ckpt_file_late_fd(struct file *file);
struct file *ckpt_anon_file(struct ckpt_ctx *ctx,
			    const struct ckpt_hdr_file *h, const char *class,
			    const struct file_operations *fops, void *priv,
			    unsigned int access);

/* checkpoint_lock.c */
bool ckpt_file_has_locks(struct file *file, fl_owner_t owner);
int ckpt_locks_write(struct ckpt_ctx *ctx, struct file *file, fl_owner_t owner,
		     u32 fd);
int ckpt_notify_write(struct ckpt_ctx *ctx, u32 arg, u32 fd);
int ckpt_locks_write_end(struct ckpt_ctx *ctx);
int ckpt_locks_read(struct ckpt_ctx *ctx, struct file *file);

/* checkpoint_removed.c */
bool ckpt_path_removed(const struct path *path);
bool ckpt_removed_match(struct file *file);
int ckpt_removed_collect(struct ckpt_ctx *ctx, const struct path *path);
int ckpt_removed_check(struct ckpt_ctx *ctx, const struct path *path,
		       const char *who, char *buf);
int ckpt_removed_checkpoint(struct ckpt_ctx *ctx, const struct path *path,
			    u32 *parent);
char *ckpt_removed_name(struct ckpt_ctx *ctx, const struct path *path,
			char *buf, int size);
bool ckpt_removed_find(struct ckpt_ctx *ctx, const struct inode *inode,
		       struct path *home, u32 *objref);
int ckpt_removed_step(struct ckpt_ctx *ctx, u32 objref, struct path *path);
int ckpt_removed_dir(struct ckpt_ctx *ctx, u32 objref, struct path *path);
int ckpt_removed_path(struct ckpt_ctx *ctx, const struct ckpt_hdr_file *h,
		      const char *name, struct path *path);
struct file *ckpt_removed_open(struct ckpt_ctx *ctx,
			       const struct ckpt_hdr_file *h,
			       const struct path *path, unsigned int flags);

/* checkpoint_pseudo.c */
bool ckpt_pseudo_sb(const struct super_block *sb);
bool ckpt_pseudo_match(struct file *file);
int ckpt_pseudo_file_collect(struct ckpt_ctx *ctx, struct file *file);
const char *ckpt_pseudo_refuse(struct ckpt_ctx *ctx, struct file *file);
int ckpt_pseudo_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
				struct ckpt_hdr_file *h);
struct file *ckpt_pseudo_file_restore(struct ckpt_ctx *ctx,
				      const struct ckpt_hdr_file *h,
				      const char *name);

/* checkpoint_file_check.c */
struct pid *ckpt_file_owner(struct file *file, enum pid_type *type);
int ckpt_path_check(struct ckpt_ctx *ctx, const struct path *path,
		    const char *who, char *buf);
int ckpt_file_refuse(struct ckpt_ctx *ctx, struct file *file, int kind,
		     const char *who, char *buf);

/* checkpoint_path.c */
bool ckpt_fs_refused(const struct super_block *sb);
const char *ckpt_mnt_name(struct ckpt_ctx *ctx, u32 number);
char *ckpt_path_name(struct ckpt_ctx *ctx, const struct path *path,
		     char *buf, int size);
int ckpt_sb_path(struct ckpt_ctx *ctx, struct super_block *sb,
		 struct path *path, char *buf);
int ckpt_inode_find(struct ckpt_ctx *ctx, struct inode *inode, const char *who,
		    struct path *path, char *buf, struct ckpt_handle *handle);
int ckpt_inode_step(struct ckpt_ctx *ctx, struct ckpt_handle *handle,
		    const char *who, struct path *path);

/* checkpoint_sb.c */

/* checkpoint_pipe.c */
bool ckpt_pipe_match(struct file *file);
bool ckpt_fifo_match(struct file *file);
bool ckpt_pipe_external(struct ckpt_ctx *ctx, struct file *file);
struct fasync_struct **ckpt_pipe_fasync(struct file *file);
int ckpt_pipe_file_collect(struct ckpt_ctx *ctx, struct file *file);
int ckpt_pipe_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			      struct ckpt_hdr_file *h);
struct file *ckpt_pipe_file_restore(struct ckpt_ctx *ctx,
				    const struct ckpt_hdr_file *h,
				    const char *name);
struct file *ckpt_fifo_file_restore(struct ckpt_ctx *ctx,
				    const struct ckpt_hdr_file *h,
				    const char *name);

/* checkpoint_memfd.c */
bool ckpt_memfd_match(struct file *file);
int ckpt_memfd_file_collect(struct ckpt_ctx *ctx, struct file *file);
const char *ckpt_memfd_refused(struct ckpt_ctx *ctx, struct file *file);
int ckpt_memfd_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			       struct ckpt_hdr_file *h);
struct file *ckpt_memfd_open(struct ckpt_ctx *ctx,
			     const struct ckpt_hdr_file *h);

/* checkpoint_eventfd.c */
bool ckpt_eventfd_match(struct file *file);
int ckpt_eventfd_write(struct ckpt_ctx *ctx, struct file *file);
struct file *ckpt_eventfd_restore(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h,
				  const char *name);

/* checkpoint_timerfd.c */
bool ckpt_timerfd_match(struct file *file);
int ckpt_timerfd_write(struct ckpt_ctx *ctx, struct file *file);
struct file *ckpt_timerfd_restore(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h,
				  const char *name);
void ckpt_timerfd_commit(struct file *file);

/* checkpoint_signalfd.c */
bool ckpt_signalfd_match(struct file *file);
int ckpt_signalfd_write(struct ckpt_ctx *ctx, struct file *file);
struct file *ckpt_signalfd_restore(struct ckpt_ctx *ctx,
				   const struct ckpt_hdr_file *h,
				   const char *name);

/* checkpoint_epoll.c */
bool ckpt_epoll_match(struct file *file);
int ckpt_epoll_collect(struct ckpt_ctx *ctx, struct file *file);
int ckpt_epoll_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			  struct ckpt_hdr_file *h);
int ckpt_epoll_late_write(struct ckpt_ctx *ctx, struct file *file);
struct file *ckpt_epoll_restore(struct ckpt_ctx *ctx,
				const struct ckpt_hdr_file *h,
				const char *name);
int ckpt_epoll_late_restore(struct ckpt_ctx *ctx, struct file *file);

/* notify/inotify/checkpoint_inotify.c */
bool ckpt_inotify_match(struct file *file);
struct fasync_struct **ckpt_inotify_fasync(struct file *file);
int ckpt_inotify_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			    struct ckpt_hdr_file *h);
int ckpt_inotify_late_write(struct ckpt_ctx *ctx, struct file *file);
struct file *ckpt_inotify_restore(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h,
				  const char *name);
int ckpt_inotify_late_restore(struct ckpt_ctx *ctx, struct file *file);

/* notify/fanotify/checkpoint_fanotify.c */
bool ckpt_fanotify_match(struct file *file);
int ckpt_fanotify_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			     struct ckpt_hdr_file *h);
int ckpt_fanotify_write(struct ckpt_ctx *ctx, struct file *file);
int ckpt_fanotify_late_write(struct ckpt_ctx *ctx, struct file *file);
struct file *ckpt_fanotify_restore(struct ckpt_ctx *ctx,
				   const struct ckpt_hdr_file *h,
				   const char *name);
int ckpt_fanotify_late_restore(struct ckpt_ctx *ctx, struct file *file);
void ckpt_fanotify_commit(struct file *file);

/* notify/fanotify/checkpoint_fanotify_event.c */
struct ckpt_fanotify_events;
struct fsnotify_group;

struct ckpt_fanotify_events *
ckpt_fanotify_events_get(struct fsnotify_group *group);
void ckpt_fanotify_events_free(struct ckpt_fanotify_events *s);
u32 ckpt_fanotify_events_nr(const struct ckpt_fanotify_events *s);
int ckpt_fanotify_events_check(struct ckpt_ctx *ctx,
			       const struct ckpt_fanotify_events *s, char *buf);
int ckpt_fanotify_events_write(struct ckpt_ctx *ctx,
			       struct ckpt_fanotify_events *s, char *buf);
int ckpt_fanotify_event_restore(struct ckpt_ctx *ctx,
				struct fsnotify_group *group);

/* checkpoint_pidfd.c */
bool ckpt_pidfd_match(struct file *file);
int ckpt_pidfd_collect(struct ckpt_ctx *ctx, struct file *file);
int ckpt_pidfd_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			  struct ckpt_hdr_file *h);
int ckpt_pidfd_late_write(struct ckpt_ctx *ctx, struct file *file);
struct file *ckpt_pidfd_restore(struct ckpt_ctx *ctx,
				const struct ckpt_hdr_file *h,
				const char *name);
int ckpt_pidfd_late_restore(struct ckpt_ctx *ctx, struct file *file);

/* drivers/tty/checkpoint_tty.c, checkpoint_pty.c: terminals */
int ckpt_tty_kind(struct ckpt_ctx *ctx, struct file *file);
const char *ckpt_pty_refused(struct ckpt_ctx *ctx, struct file *file);
bool ckpt_pty_node(struct dentry *dentry);
const char *ckpt_pty_sb_refused(struct ckpt_ctx *ctx, struct super_block *sb);
int ckpt_tty_write(struct ckpt_ctx *ctx, struct file *file);
int ckpt_tty_restore(struct ckpt_ctx *ctx, struct file *file);
bool ckpt_ptm_match(struct file *file);
int ckpt_ptm_collect(struct ckpt_ctx *ctx, struct file *file);
int ckpt_ptm_write(struct ckpt_ctx *ctx, struct file *file);
int ckpt_ptm_late_write(struct ckpt_ctx *ctx, struct file *file);
struct file *ckpt_ptm_restore(struct ckpt_ctx *ctx,
			      const struct ckpt_hdr_file *h, const char *name);
int ckpt_ptm_late_restore(struct ckpt_ctx *ctx, struct file *file);
void ckpt_ptm_commit(struct file *file);
int ckpt_pts_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			struct ckpt_hdr_file *h);
struct file *ckpt_pts_restore(struct ckpt_ctx *ctx,
			      const struct ckpt_hdr_file *h, const char *name);
struct file *ckpt_hung_up_restore(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h,
				  const char *name);

/* devpts/checkpoint_devpts.c */
int ckpt_devpts_take_index(struct pts_fs_info *fsi, int index);
struct dentry *ckpt_devpts_ptmx(struct super_block *sb);
void ckpt_devpts_no_reserve(struct super_block *sb);

/* checkpoint_attr.c: owner, mode and times of what is made anew */
int ckpt_set_attr(struct vfsmount *mnt, struct dentry *dentry,
		  struct iattr *attr);
int ckpt_owner_attr(struct ckpt_ctx *ctx, struct vfsmount *mnt,
		    struct dentry *dentry, u32 uid, u32 gid,
		    struct iattr *attr);
int ckpt_set_owner(struct ckpt_ctx *ctx, struct vfsmount *mnt,
		   struct dentry *dentry, u32 uid, u32 gid);
int ckpt_set_mode(struct vfsmount *mnt, struct dentry *dentry, umode_t mode);
int ckpt_set_times(struct vfsmount *mnt, struct dentry *dentry,
		   struct timespec64 atime, struct timespec64 mtime);

/* checkpoint_xattr.c: extended attributes */
char *ckpt_xattr_list(struct dentry *dentry, ssize_t *len, u32 *nr);
void *ckpt_xattr_get(struct ckpt_ctx *ctx, const struct vfsmount *mnt,
		     struct dentry *dentry, const char *name, ssize_t *len);
int ckpt_xattr_write(struct ckpt_ctx *ctx, const char *name, const void *value,
		     size_t len);
int ckpt_xattr_read(struct ckpt_ctx *ctx, struct vfsmount *mnt,
		    struct dentry *dentry);

/* checkpoint_sb.c: file systems that are made anew, CKPT_OBJ_SB */
bool ckpt_sb_supported(const struct super_block *sb);
bool ckpt_sb_may_layer(const struct super_block *sb);
struct vfsmount *ckpt_dentry_mount(struct dentry *root, const char *source);

/* Of a tmpfs, as mm/shmem.c has it */
static inline struct shmem_sb_info *ckpt_shmem_sb(const struct super_block *sb)
{
	return sb->s_fs_info;
}

/* checkpoint_overlay.c: the directories of an overlay */
struct ckpt_layers;

#if IS_ENABLED(CONFIG_OVERLAY_FS)
bool ckpt_layer_option(const char *option);
void ckpt_layers_options(struct seq_file *m, struct super_block *sb);
u32 ckpt_layers_nr(struct super_block *sb);
int ckpt_layers_checkpoint(struct ckpt_ctx *ctx, struct super_block *sb);
struct ckpt_layers *ckpt_layers_read(struct ckpt_ctx *ctx, u32 nr);
struct super_block *ckpt_layers_make(struct ckpt_layers *layers,
				     struct fs_context *fc);
void ckpt_layers_free(struct ckpt_layers *layers);
#else
static inline bool ckpt_layer_option(const char *option)
{
	return false;
}

static inline void ckpt_layers_options(struct seq_file *m,
				       struct super_block *sb)
{
}

static inline u32 ckpt_layers_nr(struct super_block *sb)
{
	return 0;
}

static inline int ckpt_layers_checkpoint(struct ckpt_ctx *ctx,
					 struct super_block *sb)
{
	return 0;
}

static inline struct ckpt_layers *ckpt_layers_read(struct ckpt_ctx *ctx, u32 nr)
{
	return ERR_PTR(-EINVAL);
}

static inline struct super_block *ckpt_layers_make(struct ckpt_layers *layers,
						   struct fs_context *fc)
{
	return ERR_PTR(-EINVAL);
}

static inline void ckpt_layers_free(struct ckpt_layers *layers)
{
}
#endif

/* checkpoint_tmpfs.c: what is in them */
int ckpt_content_checkpoint(struct ckpt_ctx *ctx, struct super_block *sb);
int ckpt_content_restore(struct ckpt_ctx *ctx, struct super_block *sb);

/* checkpoint_nsfs.c */
int ckpt_ns_collect(struct ckpt_ctx *ctx, const struct inode *inode);
int ckpt_ns_checkpoint(struct ckpt_ctx *ctx, const struct inode *inode,
		       u32 *type);
int ckpt_ns_path(struct ckpt_ctx *ctx, u32 type, u32 objref, struct path *path);
bool ckpt_ns_file_match(struct file *file);
int ckpt_ns_file_collect(struct ckpt_ctx *ctx, struct file *file);
int ckpt_ns_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			    struct ckpt_hdr_file *h);
struct file *ckpt_ns_file_restore(struct ckpt_ctx *ctx,
				  const struct ckpt_hdr_file *h,
				  const char *name);

/* ../drivers/net/checkpoint_tun.c */
bool ckpt_tun_match(struct file *file);
struct fasync_struct **ckpt_tun_fasync(struct file *file);
int ckpt_tun_file_collect(struct ckpt_ctx *ctx, struct file *file);
int ckpt_tun_file_checkpoint(struct ckpt_ctx *ctx, struct file *file,
			     struct ckpt_hdr_file *h);
int ckpt_tun_file_write(struct ckpt_ctx *ctx, struct file *file);
struct file *ckpt_tun_file_restore(struct ckpt_ctx *ctx,
				   const struct ckpt_hdr_file *h,
				   const char *name);

#endif /* _FS_CHECKPOINT_H */
