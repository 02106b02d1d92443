/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reader of an image, as the library's own files see it.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include "libcheckpoint.h"

/*
 * Say of the last record read that it is damaged: what only its place in the
 * whole tells. Returns -1.
 */
__attribute__((format(printf, 2, 3)))
int image_damaged(struct ckpt_image *img, const char *fmt, ...);

#endif /* IMAGE_H */
