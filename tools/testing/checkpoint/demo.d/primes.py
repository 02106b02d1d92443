#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Count the primes below LIMIT, in ranges that threads hand to processes.

    primes.py LIMIT RANGES

Each of four threads starts a process, gives it some ranges through one pipe,
reads the counts from another, and then starts the next process.
"""
import math
import queue
import subprocess
import sys
import threading

THREADS = 4
RANGES_OF_A_PROCESS = 3


def count(first, end):
    return sum(all(n % d for d in range(2, math.isqrt(n) + 1))
               for n in range(max(first, 2), end))


def worker():
    for line in sys.stdin:
        print(count(*map(int, line.split())), flush=True)


def feed(ranges, results):
    while not ranges.empty():
        with subprocess.Popen(
                [sys.executable, '-I', '-S', __file__, 'worker'], bufsize=1,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True) as process:
            for _ in range(RANGES_OF_A_PROCESS):
                try:
                    first, end = ranges.get_nowait()
                except queue.Empty:
                    break
                print(first, end, file=process.stdin)
                results.put((first, end, int(process.stdout.readline())))


def main():
    limit, number = map(int, sys.argv[1:])
    ranges, results = queue.Queue(), queue.Queue()
    for i in range(number):
        ranges.put((limit * i // number, limit * (i + 1) // number))
    threads = [threading.Thread(target=feed, args=(ranges, results))
               for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    total = 0
    for _ in range(number):
        first, end, found = results.get()
        print('range %d-%d: %d' % (first, end - 1, found), flush=True)
        total += found
    for thread in threads:
        thread.join()
    print('%d primes below %d' % (total, limit))


if __name__ == '__main__':
    if sys.argv[1:] == ['worker']:
        worker()
    else:
        main()
