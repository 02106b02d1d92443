# SPDX-License-Identifier: GPL-2.0
"""Keep connections busy until the file "stop" is there.

    clients.py DIRECTORY CONNECTIONS

A third of them each: a stream of numbers that comes back, redis commands, and
pages of nginx on one connection. "progress" has how much the slowest has done.
"""
import asyncio
import os
import sys

HOST = '10.9.0.2'


def expect(wanted, got):
    if wanted != got:
        raise AssertionError('%r instead of %r' % (got[:80], wanted[:80]))


async def numbers(number):
    """Bytes under way in both directions: the answer is not waited for."""
    reader, writer = await asyncio.open_connection(HOST, 7777)
    sent = received = 0
    while True:
        while sent < received + 2000:
            writer.write(b'%08x' % (sent + number * 0x10000000 & 0xffffffff))
            sent += 1
        await writer.drain()
        for _ in range(200):
            expect(b'%08x' % (received + number * 0x10000000 & 0xffffffff),
                   await reader.readexactly(8))
            received += 1
        yield


async def redis(number):
    reader, writer = await asyncio.open_connection(HOST, 6379)
    count = 0
    while True:
        count += 1
        value = b'%d.' % count * 100
        writer.write(b'incr count-%d\r\nset value-%d %s\r\nget value-%d\r\n' % (
            number, number, value, number))
        for answer in (b':%d' % count, b'+OK', b'$%d' % len(value), value):
            expect(answer + b'\r\n', await reader.readline())
        yield


async def pages(_number):
    reader, writer = await asyncio.open_connection(HOST, 80)
    page = b''.join(b'line %d\n' % i for i in range(2000))
    while True:
        writer.write(b'GET /page HTTP/1.1\r\nHost: %s\r\n\r\n' % HOST.encode())
        head = await reader.readuntil(b'\r\n\r\n')
        expect(b'HTTP/1.1 200 OK', head.splitlines()[0])
        expect(page, await reader.readexactly(len(page)))
        yield


KINDS = [numbers, redis, pages]


async def work(kind, number, counts, stop):
    async for _ in kind(number):
        counts[number] += 1
        if os.path.exists(stop):
            return


async def show(directory, counts):
    name = os.path.join(directory, 'progress')
    while True:
        with open(name + '.new', 'w', encoding='ascii') as f:
            f.write('%d\n' % min(counts))
        os.rename(name + '.new', name)
        await asyncio.sleep(0.05)


async def main():
    directory, number = sys.argv[1], int(sys.argv[2])
    counts = [0] * number
    stop = os.path.join(directory, 'stop')
    shown = asyncio.create_task(show(directory, counts))
    await asyncio.gather(*[work(KINDS[i % 3], i, counts, stop)
                           for i in range(number)])
    shown.cancel()
    print('%d connections: %s' % (number, ', '.join(
        '%d %s' % (sum(counts[i::3]), kind)
        for i, kind in enumerate(('times 200 numbers', 'times three commands',
                                  'pages')))))


asyncio.run(main())
