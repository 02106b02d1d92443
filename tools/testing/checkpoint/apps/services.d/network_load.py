# SPDX-License-Identifier: GPL-2.0
"""nginx, redis and a python3 server, with many connections that are kept.

A third of them each: a stream of numbers that comes back, redis commands, and
pages of nginx. CKPT_CONNECTIONS is how many.
"""
import asyncio
import os
import sys

import lines
import nginx_load
import redis_load
from lines import expect, place, run

ECHO = 7777
NUMBER = int(os.environ.get('CKPT_CONNECTIONS') or 60)


def start(directory):
    redis = os.path.join(directory, 'redis')
    os.mkdir(redis)
    echo = place(directory, ECHO)
    return [*nginx_load.start(directory), *redis_load.start(redis),
            run([sys.executable, os.path.dirname(__file__) + '/echo.py',
                 echo[0], str(echo[1])], echo, directory + '/log')]


async def numbers(number):
    """Bytes under way in both directions: the answer is not waited for."""
    reader, writer = await asyncio.open_connection(lines.HOST, ECHO)
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
    reader, writer = await asyncio.open_connection(lines.HOST, redis_load.PORT)
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
    reader, writer = await asyncio.open_connection(lines.HOST, 80)
    while True:
        writer.write(b'GET /page HTTP/1.1\r\nHost: h\r\n\r\n')
        head = await reader.readuntil(b'\r\n\r\n')
        expect(b'HTTP/1.1 200 OK', head.splitlines()[0])
        expect(nginx_load.PAGE, await reader.readexactly(len(nginx_load.PAGE)))
        yield


KINDS = [numbers, redis, pages]


async def connections(work):
    """Counted is what the slowest of them has done."""
    counts = [0] * NUMBER
    shown = 0
    going = True

    async def one(kind, number):
        nonlocal shown, going
        async for _ in kind(number):
            counts[number] += 1
            while going and shown < min(counts):
                shown += 1
                going = work()
            if not going:
                return

    await asyncio.gather(*(one(KINDS[i % 3], i) for i in range(NUMBER)))


def client(_directory, _number, work):
    asyncio.run(connections(work))


CLIENTS = [client]


def check(_directory, counts):
    return 'network: %d connections, of which the slowest did %d things' % (
        NUMBER, counts[0])
