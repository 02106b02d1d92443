// SPDX-License-Identifier: GPL-2.0
/*
 * eclone() of the library: arguments that it refuses itself, and, on a kernel
 * that has the call, a child on a stack of its own. Exit status 4 to skip.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcheckpoint.h"

static int shared;

static int child(void *arg)
{
	/* An aligned stack, or this instruction faults */
	float v[4] __attribute__((aligned(16))) = { 1, 2, 3, 4 };

	asm volatile("movaps %0, %%xmm0" : : "m" (v) : "xmm0");
	shared = *(int *)arg;
	return 42;
}

int main(void)
{
	static char stack[64 * 1024] __attribute__((aligned(16)));
	struct eclone_args args = {
		.child_stack = (uintptr_t)stack,
		.child_stack_size = sizeof(stack) - 8,
	};
	int status, arg = 99;
	pid_t pid;

	if (eclone(child, &arg, SIGCHLD, &args, sizeof(args), NULL) != -1 ||
	    errno != EINVAL)
		return 1;
	if (eclone(NULL, NULL, SIGCHLD, &args, sizeof(args), NULL) != -1 ||
	    errno != EINVAL)
		return 2;
	args.child_stack_size = sizeof(stack);
	pid = eclone(child, &arg, CLONE_VM | SIGCHLD, &args, sizeof(args),
		     NULL);
	if (pid < 0 && errno == ENOSYS)
		return 4;
	if (pid <= 0 || waitpid(pid, &status, 0) != pid)
		return 3;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 42 || shared != 99)
		return 5;

	args = (struct eclone_args){ 0 };
	pid = eclone(NULL, NULL, SIGCHLD, &args, sizeof(args), NULL);
	if (!pid)
		_exit(7);
	if (pid < 0 || waitpid(pid, &status, 0) != pid ||
	    !WIFEXITED(status) || WEXITSTATUS(status) != 7)
		return 6;
	return 0;
}
