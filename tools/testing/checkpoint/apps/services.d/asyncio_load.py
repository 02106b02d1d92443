# SPDX-License-Identifier: GPL-2.0
"""asyncio: a server with streams, timers and children, and clients of it."""
import asyncio
import os
import subprocess
import sys

from lines import expect, run, socket_path


async def serve(reader, writer):
    """Each line is sent through a child of the connection's own."""
    child = await asyncio.create_subprocess_exec(
        'cat', stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    while True:
        line = await reader.readline()
        if not line:
            break
        child.stdin.write(line)
        await asyncio.gather(child.stdin.drain(), asyncio.sleep(0.001))
        writer.write(await child.stdout.readline())
        await writer.drain()
    child.stdin.close()
    expect(0, await child.wait())
    writer.close()


async def server(path):
    async with await asyncio.start_unix_server(serve, path) as listening:
        await listening.serve_forever()


def start(directory):
    path = socket_path(directory)
    return [run([sys.executable, os.path.abspath(__file__), path], path)]


async def talk(directory, name, counts, going):
    reader, writer = await asyncio.open_unix_connection(
        socket_path(directory))
    while going():
        counts[name] += 1
        line = b'%s %d\n' % (name, counts[name])
        writer.write(line)
        expect(line, await asyncio.wait_for(reader.readline(), 600))
    writer.close()
    await writer.wait_closed()


async def talks(directory, work):
    counts = {b'one': 0, b'two': 0, b'three': 0}
    state = [True]

    def going():
        state[0] = state[0] and work()
        return state[0]

    await asyncio.gather(*(talk(directory, name, counts, going)
                           for name in counts))


def client(directory, _number, work):
    asyncio.run(talks(directory, work))


CLIENTS = [client, client]


def check(_directory, counts):
    return 'asyncio: %d lines through %d clients' % (sum(counts), len(counts))


if __name__ == '__main__':
    asyncio.run(server(sys.argv[1]))
