/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two halves of the selftests, victim and driver, agree on.
 *
 * The victim has two pipes to its driver, which are external to what is
 * checkpointed. It writes lines to the one, each with a letter first, and
 * reads single bytes from the other.
 */
#ifndef LIBCKPTPROTO_H
#define LIBCKPTPROTO_H

#define CKPT_VICTIM_OPTION	"--victim"

#define CKPT_REPORT_FD		200
#define CKPT_GO_FD		201

#define CKPT_SAY_READY		'R'
#define CKPT_SAY_PONG		'P'
#define CKPT_SAY_FAIL		'F'
#define CKPT_SAY_SKIP		'S'
#define CKPT_SAY_DONE		'D'

#define CKPT_GO			'g'
#define CKPT_PING		'p'

/* Exit codes of a victim that did not come to its end */
#define CKPT_EXIT_UNKNOWN	101
#define CKPT_EXIT_GAVE_UP	102
#define CKPT_EXIT_MUTE		103

#endif /* LIBCKPTPROTO_H */
