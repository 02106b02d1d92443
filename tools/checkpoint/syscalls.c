// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls. The numbers are defined here too, so that the tools build
 * with the headers of a kernel that does not have them.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libcheckpoint.h"

#ifndef __NR_checkpoint
#define __NR_checkpoint	496
#endif
#ifndef __NR_restart
#define __NR_restart	497
#endif
#ifndef __NR_eclone
#define __NR_eclone	498
#endif

long checkpoint(pid_t pid, int fd, unsigned long flags, int logfd,
		struct checkpoint_args *args, size_t size)
{
	return syscall(__NR_checkpoint, pid, fd, flags, logfd, args, size);
}

long restart(pid_t pid, int fd, unsigned long flags, int logfd,
	     struct restart_args *args, size_t size)
{
	return syscall(__NR_restart, pid, fd, flags, logfd, args, size);
}

/*
 * The child may come back on another stack, where there is nothing to return
 * to: no C function can make this call. It runs fn(arg) and leaves by exit(2),
 * which ends one thread alone, as clone(2) has it. The kernel keeps r8 and r9.
 */
long eclone_run(uint32_t flags, struct eclone_args *args, size_t size,
		pid_t *pids, int (*fn)(void *), void *arg);

#ifdef __x86_64__
#define STRING(x)	#x
#define VALUE(x)	STRING(x)
asm(".pushsection .text\n"
	"	.globl eclone_run\n"
	"	.hidden eclone_run\n"
	"	.type eclone_run, @function\n"
	"eclone_run:\n"
	"	mov %rcx, %r10\n"
	"	mov $" VALUE(__NR_eclone) ", %eax\n"
	"	syscall\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	ret\n"
	"1:	xor %ebp, %ebp\n"
	"	and $-16, %rsp\n"
	"	mov %r9, %rdi\n"
	"	call *%r8\n"
	"	mov %eax, %edi\n"
	"	mov $" VALUE(__NR_exit) ", %eax\n"
	"	syscall\n"
	"	hlt\n"
	"	.size eclone_run, . - eclone_run\n"
	".popsection\n");
#else
#error eclone_run() is needed for this architecture
#endif

pid_t eclone(int (*fn)(void *), void *arg, uint32_t flags,
	     struct eclone_args *args, size_t size, pid_t *pids)
{
	long ret;

	if (!fn) {
		if (args && args->child_stack) {
			errno = EINVAL;
			return -1;
		}
		return syscall(__NR_eclone, flags, args, size, pids);
	}
	if (args && (args->child_stack + args->child_stack_size) % 16) {
		errno = EINVAL;
		return -1;
	}
	ret = eclone_run(flags, args, size, pids, fn, arg);
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return ret;
}
