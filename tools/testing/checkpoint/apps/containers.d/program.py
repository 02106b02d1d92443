#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Use System V and POSIX IPC, and check all the time that it is right.

    program.py LEVEL FILE WORK

Two processes: one numbers its turns and sends the numbers through a System V
and a POSIX message queue, at most WINDOW ahead of the other, which sees that
none is lost, twice or out of order. Beside them are objects that nobody
touches until the end. All containers use the same keys and names.
"""
import ctypes
import errno
import os
import socket
import sys
import time

WINDOW = 8
PRIORITIES = 4
KEY = 0x5eed
IPC_CREAT, IPC_EXCL, IPC_RMID, SETALL, SEM_UNDO = 0o1000, 0o2000, 0, 17, 0x1000
FREE, FULL, MUTEX = range(3)

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p


class Message(ctypes.Structure):
    _fields_ = [('type', ctypes.c_long), ('number', ctypes.c_long)]


class Operation(ctypes.Structure):
    _fields_ = [('semaphore', ctypes.c_ushort), ('change', ctypes.c_short),
                ('flags', ctypes.c_short)]


class QueueLimits(ctypes.Structure):
    _fields_ = [('flags', ctypes.c_long), ('messages', ctypes.c_long),
                ('bytes', ctypes.c_long), ('now', ctypes.c_long),
                ('reserved', ctypes.c_long * 4)]


class Shared(ctypes.Structure):
    _fields_ = [('sent', ctypes.c_long), ('minus_sent', ctypes.c_long),
                ('received', ctypes.c_long), ('wrong', ctypes.c_long)]


def call(name, *args):
    """Made again when a signal interrupts it, as a stop and SIGCONT may."""
    while True:
        result = getattr(libc, name)(*args)
        if result not in (-1, ctypes.c_void_p(-1).value):
            return result
        if ctypes.get_errno() != errno.EINTR:
            raise OSError(ctypes.get_errno(),
                          '%s: %s' % (name, os.strerror(ctypes.get_errno())))


def need(condition, *what):
    if not condition:
        raise AssertionError(' '.join(str(w) for w in what))


class Clocks:
    """They never go back, and a sleep takes as long as it should."""

    def __init__(self):
        self.last = self.read()

    @staticmethod
    def read():
        return [time.clock_gettime(c) for c in
                (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME,
                 time.CLOCK_MONOTONIC_RAW)]

    def check(self, at_least=0.0):
        new = self.read()
        for last, now in zip(self.last[:2], new):
            need(now - last >= at_least, 'clock: from', last, 'to', now)
        need(new[2] >= self.last[2], 'raw clock: from', self.last[2], 'to',
             new[2])
        self.last = new

    def sleep(self, seconds):
        self.check()
        time.sleep(seconds)
        self.check(seconds)


class Program:
    def __init__(self, level, path, work):
        self.level = level
        self.name = 'level%d' % level
        self.stop = os.path.join(work, 'stop')
        self.turns = os.path.join(work, 'turns.%d' % level)
        self.clocks = Clocks()
        # pylint: disable=consider-using-with
        self.file = open(path, 'w+b', buffering=0)
        self.turn = 0

        flags = IPC_CREAT | IPC_EXCL | 0o600
        # Ids that are not the first: a sequence number is in them.
        for get in 'shmget', 'msgget', 'semget':
            for _ in range(level):
                gone = call(get, 0, *([1, flags] if get != 'msgget' else
                                      [flags]))
                if get == 'semget':
                    call('semctl', gone, 0, IPC_RMID)
                else:
                    call(get[:3] + 'ctl', gone, IPC_RMID, None)
        self.segment = call('shmget', KEY, 8192, flags)
        self.shared = Shared.from_address(
            call('shmat', self.segment, None, 0))
        removed = call('shmget', 0, 4096, flags)
        self.removed = Shared.from_address(call('shmat', removed, None, 0))
        call('shmctl', removed, IPC_RMID, None)
        self.idle = call('shmget', KEY + 1, 100000, flags)
        self.touch_idle(write=True)

        self.queue = call('msgget', KEY, flags)
        self.kept = call('msgget', KEY + 1, flags)
        for number in range(10):
            call('msgsnd', self.kept,
                 ctypes.byref(Message(1 + number % 3, number)), 8, 0)

        self.semaphores = call('semget', KEY, 3, flags)
        call('semctl', self.semaphores, 0, SETALL,
             (ctypes.c_ushort * 3)(WINDOW, 0, 1))

        self.posix = self.open_queue(b'/queue', WINDOW)
        self.posix_kept = self.open_queue(b'/kept', 10)
        for number in range(10):
            self.put(self.posix_kept, number)

    @staticmethod
    def open_queue(name, messages):
        return call('mq_open', name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600,
                    ctypes.byref(QueueLimits(0, messages, 8)))

    @staticmethod
    def put(queue, number):
        call('mq_send', queue, ctypes.byref(ctypes.c_long(number)),
             ctypes.c_size_t(8), ctypes.c_uint(number % PRIORITIES))

    @staticmethod
    def take(queue):
        number, priority = ctypes.c_long(), ctypes.c_uint()
        size = call('mq_receive', queue, ctypes.byref(number),
                    ctypes.c_size_t(8), ctypes.byref(priority))
        need(size == 8 and priority.value == number.value % PRIORITIES,
             'POSIX queue:', size, 'bytes,', number, priority)
        return number.value

    def receive(self, queue, kind=0):
        message = Message()
        size = call('msgrcv', queue, ctypes.byref(message), ctypes.c_size_t(8),
                    ctypes.c_long(kind), 0)
        need(size == 8 and message.type == 1 + message.number % 3,
             'queue:', size, 'bytes,', message.type, message.number)
        return message.number

    def semaphore(self, *changes):
        operations = (Operation * len(changes))(*changes)
        call('semop', self.semaphores, operations, len(changes))

    def touch_idle(self, write=False):
        at = call('shmat', self.idle, None, 0)
        words = (ctypes.c_long * 12500).from_address(at)
        if write:
            words[:] = [7 * i for i in range(12500)]
        need(words[12499] == 7 * 12499 and words[512] == 7 * 512 and
             call('shmget', KEY + 1, 0, 0) == self.idle, 'idle segment')
        call('shmdt', ctypes.c_void_p(at))

    def producer(self, child):
        """Until there is to be an end."""
        while not os.path.exists(self.stop):
            self.turn += 1
            # A place in the window, and the lock, which is given back should
            # this process be killed: both or none.
            self.semaphore((FREE, -1, 0), (MUTEX, -1, SEM_UNDO))
            need(self.shared.sent == -self.shared.minus_sent == self.turn - 1,
                 'shared memory: sent', self.shared.sent)
            self.shared.sent = self.turn
            self.shared.minus_sent = self.removed.sent = -self.turn
            self.semaphore((MUTEX, 1, SEM_UNDO))
            call('msgsnd', self.queue,
                 ctypes.byref(Message(1 + self.turn % 3, self.turn)), 8, 0)
            self.put(self.posix, self.turn)
            self.semaphore((FULL, 1, 0))

            self.file.write(b'%8d' % self.turn)
            self.file.seek(8 * (self.turn // 2))
            need(self.file.read(8) == b'%8d' % (self.turn // 2 + 1), 'file')
            self.file.seek(0, os.SEEK_END)
            need(self.file.tell() == 8 * self.turn, 'size of the file')
            need(socket.gethostname() == self.name, 'host name')
            if self.turn % 16 == 0:
                self.touch_idle()
            need(not self.shared.wrong and not os.waitpid(
                child, os.WNOHANG)[0], 'the other process')
            self.clocks.sleep(0.01)
            with open(self.turns, 'w', encoding='ascii') as f:
                f.write('%d\n' % self.turn)

    def consumer(self):
        """Never comes back."""
        latest = [0] * PRIORITIES
        at = 0
        while True:
            self.semaphore((FULL, -1, 0))
            at += 1
            number = self.receive(self.queue)
            need(number == at, 'queue: not', at, 'but', number)
            number = self.take(self.posix)
            need(latest[number % PRIORITIES] < number <= at + WINDOW,
                 'POSIX queue:', number)
            latest[number % PRIORITIES] = number
            self.semaphore((MUTEX, -1, SEM_UNDO))
            need(at <= self.shared.sent <= at + WINDOW and
                 self.shared.sent == -self.removed.sent, 'sent',
                 self.shared.sent)
            self.shared.received += number
            self.semaphore((MUTEX, 1, SEM_UNDO), (FREE, 1, 0))
            self.clocks.sleep(0.02)

    def final(self):
        """The other is done when all places in the window are free."""
        self.semaphore((FREE, -WINDOW, 0), (MUTEX, -1, SEM_UNDO))
        need(self.shared.received == self.turn * (self.turn + 1) // 2,
             'received:', self.shared.received, 'in', self.turn, 'turns')
        need([self.receive(self.kept, 2) for _ in range(3)] == [1, 4, 7] and
             [self.receive(self.kept) for _ in range(7)] ==
             [0, 2, 3, 5, 6, 8, 9], 'the queue that was kept')
        need([self.take(self.posix_kept) for _ in range(10)] ==
             [3, 7, 2, 6, 1, 5, 9, 0, 4, 8], 'the POSIX queue that was kept')
        need(os.pread(self.file.fileno(), 1 << 30, 0) ==
             b''.join(b'%8d' % (i + 1) for i in range(self.turn)), 'file')


def main():
    program = Program(int(sys.argv[1]), sys.argv[2], sys.argv[3])
    child = os.fork()
    if not child:
        try:
            program.consumer()
        finally:
            program.shared.wrong = 1
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
            os._exit(1)
    # It is not waited for until the end.
    zombie = os.fork()
    if not zombie:
        os._exit(program.level)
    print('started', flush=True)
    program.producer(child)
    program.final()
    os.kill(child, 9)
    need(os.waitpid(child, 0)[1] == 9, 'the other process')
    need(os.waitpid(zombie, 0)[1] == program.level << 8, 'the zombie')
    print('%d turns' % program.turn)
    print('right')


if __name__ == '__main__':
    main()
