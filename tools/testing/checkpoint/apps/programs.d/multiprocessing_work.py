#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Processes with a pool, shared memory, locks, queues, a manager and a barrier.

Each turn does the same with all of them, and looks at what has come of it.
"""
import multiprocessing
import os
import struct
from multiprocessing import shared_memory

WORKERS = 4
ITEMS = 40


def collatz(n):
    steps = 0
    while n != 1:
        n = 3 * n + 1 if n % 2 else n // 2
        steps += 1
    return steps


def from_queue(todo, results, counter, name, lock, barrier):
    """Add what there is to do to shared memory, one byte at a time."""
    memory = shared_memory.SharedMemory(name=name)
    while True:
        barrier.wait()
        for n in iter(todo.get, None):
            with counter.get_lock():
                counter.value += 1
            with lock:
                at = n % ITEMS * 8
                total, = struct.unpack_from('Q', memory.buf, at)
                struct.pack_into('Q', memory.buf, at, total + n)
            results.put((n, os.getpid()))
        barrier.wait()
        if todo.get() == 'end':
            break
    memory.close()


def main():
    # They are to be started by all ways there are.
    fork = multiprocessing.get_context('fork')
    spawn = multiprocessing.get_context('spawn')
    expected = [collatz(n) for n in range(1, 2000)]
    todo, results = fork.Queue(), fork.SimpleQueue()
    counter, lock = fork.Value('L', 0), fork.Lock()
    barrier = fork.Barrier(WORKERS + 1)
    memory = shared_memory.SharedMemory(create=True, size=ITEMS * 8)
    workers = [fork.Process(target=from_queue, args=(
        todo, results, counter, memory.name, lock, barrier))
               for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    pids = {worker.pid for worker in workers}
    turn = 0
    with fork.Pool(3) as pool, spawn.Pool(1) as other, fork.Manager() as man:
        shared = man.dict()
        while True:
            turn += 1
            assert pool.map(collatz, range(1, 2000), 37) == expected
            print('pool', flush=True)
            assert other.apply(collatz, (27,)) == 111
            shared[turn] = [turn]
            assert shared.copy() == {turn: [turn]}
            del shared[turn]
            print('other processes', flush=True)

            barrier.wait()
            for n in range(ITEMS):
                todo.put(n + turn * ITEMS)
            done = [results.get() for _ in range(ITEMS)]
            for _ in workers:
                todo.put(None)
            barrier.wait()
            assert sorted(n for n, _ in done) == [
                n + turn * ITEMS for n in range(ITEMS)], done
            assert {pid for _, pid in done} <= pids
            end = os.path.exists('stop')
            for _ in workers:
                todo.put('end' if end else 'go on')
            print('queue', flush=True)
            if end:
                break
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    for n in range(ITEMS):
        total, = struct.unpack_from('Q', memory.buf, n * 8)
        assert total == sum(n + t * ITEMS for t in range(1, turn + 1)), n
    assert counter.value == turn * ITEMS
    memory.close()
    memory.unlink()
    print('%d turns' % turn)


if __name__ == '__main__':
    main()
