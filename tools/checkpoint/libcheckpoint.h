/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libcheckpoint: the checkpoint(2), restart(2) and eclone(2) system calls, and
 * a reader of checkpoint images that checks everything and trusts nothing.
 */
#ifndef LIBCHECKPOINT_H
#define LIBCHECKPOINT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/checkpoint.h>
#include <linux/checkpoint_hdr.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ----------------------------------------------------------- system calls */

/**
 * checkpoint - write the state of a task tree to a file descriptor
 * @pid: root of the tree; 0 for the calling process itself
 * @fd: where to
 * @flags: CHECKPOINT_*
 * @logfd: where messages go, or -1
 * @args: more arguments, or NULL
 * @size: size of @args that the caller knows; 0 if it is NULL
 *
 * Return: a positive checkpoint id; 0 in a process that checkpointed itself
 * and comes back by restart; -1 with errno set on failure. See checkpoint(2).
 */
long checkpoint(pid_t pid, int fd, unsigned long flags, int logfd,
		struct checkpoint_args *args, size_t size);

/**
 * restart - rebuild a task tree from a file descriptor
 * @pid: 0
 * @fd: where from
 * @flags: RESTART_*
 * @logfd: where messages go, or -1
 * @args: more arguments, or NULL
 * @size: size of @args that the caller knows; 0 if it is NULL
 *
 * Return: the pid of the restored root, now a child of the caller; -1 with
 * errno set on failure. See restart(2).
 */
long restart(pid_t pid, int fd, unsigned long flags, int logfd,
	     struct restart_args *args, size_t size);

/**
 * eclone - create a child with chosen pids
 * @fn: what the child runs; it exits with what @fn returns. NULL: the child
 *	returns from eclone() with 0, as from fork(), which needs
 *	@args->child_stack to be 0
 * @arg: argument of @fn
 * @flags: CLONE_* and the signal sent to the parent
 * @args: stack, tid pointers, number of pids
 * @size: size of @args that the caller knows
 * @pids: the pids, outermost namespace first; 0 lets the kernel choose
 *
 * The end of the stack must be a multiple of 16.
 *
 * Return: the pid of the child; -1 with errno set on failure. See eclone(2).
 */
pid_t eclone(int (*fn)(void *), void *arg, uint32_t flags,
	     struct eclone_args *args, size_t size, pid_t *pids);

/* ----------------------------------------------------- reader of an image */

struct ckpt_image;

/**
 * struct ckpt_record - one record of an image
 * @number: its number, from 1
 * @offset: where it starts, in bytes from the start of the image
 * @h: its content, in the memory of the reader, until the next record is read
 */
struct ckpt_record {
	uint64_t number;
	uint64_t offset;
	const struct ckpt_hdr *h;
};

/**
 * ckpt_image_open - start to read an image
 * @fd: where from; may be a pipe. It stays open, and the caller's
 *
 * Return: the reader, or NULL with errno set.
 */
struct ckpt_image *ckpt_image_open(int fd);

/**
 * ckpt_image_next - read and check one record
 * @img: the reader
 * @rec: filled in
 *
 * Length, type, and the values of all fields are checked; with a
 * CKPT_HDR_PAGES its payload is read, and compared with its sums; with the
 * trailer the count and the sum of all records. Nothing may follow it.
 *
 * Return: 1 for a record; 0 after the trailer; -1 if the image is damaged or
 * cannot be read, see ckpt_image_error().
 */
int ckpt_image_next(struct ckpt_image *img, struct ckpt_record *rec);

/**
 * ckpt_image_error - what is wrong with an image
 * @img: the reader
 *
 * Return: one line with the offset and the record, or NULL if nothing is.
 */
const char *ckpt_image_error(const struct ckpt_image *img);

/**
 * ckpt_image_bytes - how much of an image has been read
 * @img: the reader
 * @payload: set to the bytes of page payload in it, if not NULL
 *
 * Return: the number of bytes.
 */
uint64_t ckpt_image_bytes(const struct ckpt_image *img, uint64_t *payload);

/**
 * ckpt_image_close - free a reader
 * @img: the reader, or NULL
 */
void ckpt_image_close(struct ckpt_image *img);

/**
 * ckpt_record_name - name of a type of record
 * @type: enum ckpt_hdr_type
 *
 * Return: its name without CKPT_HDR_, or NULL for an unknown one.
 */
const char *ckpt_record_name(uint32_t type);

/**
 * ckpt_object_name - name of a kind of shared object
 * @type: enum ckpt_obj_type
 *
 * Return: its name in lower case without CKPT_OBJ_, or NULL for an unknown one.
 */
const char *ckpt_object_name(uint32_t type);

#ifdef __cplusplus
}
#endif

#endif /* LIBCHECKPOINT_H */
