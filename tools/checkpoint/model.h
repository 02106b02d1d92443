/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An image as a whole: its tasks, its shared objects, and who uses which.
 * Page payload is checked, and not kept.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>

#include "libcheckpoint.h"

#define MODEL_NONE	(~0u)	/* no task, no pid slot */

/* Strings of each mount of a CKPT_OBJ_MNT_NS, and which of them is its name */
#define MODEL_MNT_STRINGS	5
#define MODEL_MNT_NAME		3

/**
 * struct model_vma - a mapping
 * @v: its record
 * @name: name of an anonymous mapping, or NULL
 * @pages: pages of it in the image
 */
struct model_vma {
	struct ckpt_hdr_vma v;
	char *name;
	uint64_t pages;
};

/**
 * struct model_extent - a run of pages
 * @addr: address or offset of the first
 * @nr_pages: how many
 * @before: pages in the runs before it
 */
struct model_extent {
	uint64_t addr;
	uint64_t nr_pages;
	uint64_t before;
};

/**
 * struct model_object - a shared object
 * @ref: its objref
 * @type: enum ckpt_obj_type
 * @done: all of it was read: it may be named
 * @task: index of the first task that uses it, or MODEL_NONE
 * @bytes: of its records, objects inside it left out
 * @pages: of its payload
 * @rec: its first record, of the type that belongs to @type
 * @nr_strings: number of strings
 * @strings: paths and names, in the order of the image
 * @nr_fds: number of descriptors
 * @fds: of CKPT_OBJ_FILES
 * @nr_vmas: number of mappings
 * @vmas: of CKPT_OBJ_MM, in ascending order
 * @nr_extents: number of runs of pages
 * @extents: of CKPT_OBJ_SHMEM, in ascending order
 * @data_bytes: of CKPT_OBJ_PIPE: bytes in it
 * @number: of a master of a terminal: number of that
 */
struct model_object {
	uint32_t ref;
	uint32_t type;
	bool done;
	uint32_t task;
	uint64_t bytes;
	uint64_t pages;
	struct ckpt_hdr *rec;
	size_t nr_strings;
	char **strings;
	size_t nr_fds;
	struct ckpt_fd *fds;
	size_t nr_vmas;
	struct model_vma *vmas;
	size_t nr_extents;
	struct model_extent *extents;
	uint64_t data_bytes;
	uint32_t number;
};

/* What a task refers to */
enum model_ref {
	MODEL_NSPROXY,
	MODEL_FS,
	MODEL_FILES,
	MODEL_MM,
	MODEL_SIGHAND,
	MODEL_CRED,
	MODEL_REF_MAX
};

/**
 * struct model_task - a task
 * @e: its entry in the task table
 * @live: its state is in the image
 * @ref: objects that it uses, by enum model_ref; 0 if the image has none
 * @jobctl: CKPT_JOBCTL_*
 */
struct model_task {
	struct ckpt_task_entry e;
	bool live;
	uint32_t ref[MODEL_REF_MAX];
	uint32_t jobctl;
};

/**
 * struct model_pid - a pid
 * @ns: index of the innermost pid namespace that it is in
 * @first: index of its first number, of the outermost pid namespace
 */
struct model_pid {
	uint32_t ns;
	size_t first;
};

/**
 * struct model - an image
 * @header: its header
 * @tree: its tree record
 * @nr_tasks: number of tasks
 * @tasks: the task table
 * @nr_pids: number of pids
 * @pids: the pid table
 * @nr_pid_ns: number of pid namespaces
 * @pid_ns: the table of pid namespaces
 * @nr_vpids: number of numbers of pids
 * @vpids: the numbers of the pids
 * @nr_objects: number of objects
 * @objects: in the order of the image
 * @hash: of the objrefs, for model_object()
 * @hash_size: its size, a power of 2
 * @nr_mounts: number of objects that have mounts
 * @mounts: they, by the number of the first of their mounts
 * @records: number of records
 * @record_bytes: size of them
 * @bytes: size of the image
 * @payload: bytes of page payload in it
 * @failure: text of the error record that ends the image, or NULL
 */
struct model {
	struct ckpt_hdr_header header;
	struct ckpt_hdr_tree tree;
	size_t nr_tasks;
	struct model_task *tasks;
	size_t nr_pids;
	struct model_pid *pids;
	size_t nr_pid_ns;
	struct ckpt_pid_ns_entry *pid_ns;
	size_t nr_vpids;
	uint32_t *vpids;
	size_t nr_objects;
	struct model_object **objects;
	struct model_object **hash;
	size_t hash_size;
	size_t nr_mounts;
	struct model_object **mounts;
	uint64_t records;
	uint64_t record_bytes;
	uint64_t bytes;
	uint64_t payload;
	char *failure;
};

/**
 * struct model_place - where in the image a record stands
 * @task: index of the task whose state it is part of, or MODEL_NONE
 * @object: objref of the object that it is part of, or 0
 */
struct model_place {
	uint32_t task;
	uint32_t object;
};

typedef void model_record_fn(void *arg, const struct ckpt_record *rec,
			     const struct model_place *place);

/**
 * model_read - read a whole image
 * @m: filled in as far as the image goes; free it with model_free()
 * @img: the reader
 * @fn: called with each record as it is read, or NULL
 * @arg: its first argument
 *
 * Return: 0; 1 if the image ends with the reason why its checkpoint failed,
 * see @m->failure; -1 if it is damaged, see ckpt_image_error().
 */
int model_read(struct model *m, struct ckpt_image *img, model_record_fn *fn,
	       void *arg);
void model_free(struct model *m);

/* The object named @ref, or NULL. */
struct model_object *model_object(const struct model *m, uint32_t ref);

/* The object that task @i uses, or NULL. */
struct model_object *model_task_object(const struct model *m, uint32_t i,
				       enum model_ref ref);

/* Mount point of mount number @mnt in its namespace; "" for / or an unknown one */
const char *model_mount(const struct model *m, uint32_t mnt);

/* Pid number in @slot; 0 for MODEL_NONE. */
uint32_t model_pid(const struct model *m, uint32_t slot);
/* The number that a pid has in its own pid namespace */
uint32_t model_inner_pid(const struct model *m, uint32_t slot);

/* Pages of @vma in the image: in the mm, or in the shared memory it maps. */
uint64_t model_vma_pages(const struct model *m, const struct model_vma *vma);

#endif /* MODEL_H */
