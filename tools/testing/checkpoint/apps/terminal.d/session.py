#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""An interactive shell on a terminal, and somebody who types.

    session.py TURNS

Each turn starts jobs, stops and continues them from the keyboard, and sees to
it that the shell says what it has to, is the same one, on the same terminal.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios

SECONDS = 120


class Terminal:
    def __init__(self, *command):
        self.seen = b''
        self.pid, self.fd = pty.fork()
        if not self.pid:
            # A shell does not take back what was ignored before it.
            for sig in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP,
                        signal.SIGTTIN, signal.SIGTTOU):
                signal.signal(sig, signal.SIG_DFL)
            os.environ.update(PS1='@ ', TERM='dumb')
            os.execvp(command[0], command)

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, pattern):
        """Read until there is what matches; returns the match."""
        while True:
            match = re.search(pattern.encode(), self.seen)
            if match:
                self.seen = self.seen[match.end():]
                return match
            if not select.select([self.fd], [], [], SECONDS)[0]:
                sys.exit('no %r in %r' % (pattern, self.seen))
            self.seen += os.read(self.fd, 1000)

    def size(self, rows, cols):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack('HHHH', rows, cols, 0, 0))


def turn(shell, n, first):
    # What is typed is shown, so that no answer may stand in it.
    shell.type('echo "<$((%d * 7))>" "[$$] $(tty)"\n' % n)
    shell.until('<%d>' % (n * 7))
    here = shell.until(r'\[\d+\] \S+').group()
    shell.until('@ ')
    if first and here != first:
        sys.exit('%r was %r' % (here, first))

    # A line at a time, changed before it ends, then the end of file
    shell.type('cat\n')
    shell.until('cat\r\n')
    shell.type('one\n')
    shell.until('one\r\none\r\n')
    shell.type('twa\x7fo\n')
    shell.until('two\r\n')
    shell.type('\x04')
    shell.until('@ ')

    # A job says that it is in the foreground before a key is for it. It has no
    # children: a vfork that is stopped halfway would hold it up.
    shell.type("sh -c 'echo up; while read x; do echo \"<$x>\"; done'\n")
    shell.until(r'\nup\r\n')
    shell.type('\x1a')
    shell.until('Stopped')
    shell.until('@ ')
    shell.type('jobs\n')
    shell.until('Stopped')
    shell.until('@ ')
    shell.type('fg\n')
    shell.type('again\n')
    shell.until('<again>')
    shell.type('\x03')
    shell.until('@ ')
    shell.type('echo status=$?\n')
    shell.until('status=130')
    shell.until('@ ')

    # A window that is resized
    shell.size(20 + n % 10, 70 + n % 10)
    shell.type('stty size\n')
    shell.until('%d %d' % (20 + n % 10, 70 + n % 10))
    shell.until('@ ')
    return here


def main():
    shell = Terminal('bash', '--norc', '--noprofile', '--noediting', '-i')
    shell.until('@ ')
    first = None
    for n in range(1, int(sys.argv[1]) + 1):
        first = turn(shell, n, first)
        print('turn %d' % n, flush=True)
    shell.type('exit 9\n')
    if os.waitstatus_to_exitcode(os.waitpid(shell.pid, 0)[1]) != 9:
        sys.exit('the shell failed')


main()
