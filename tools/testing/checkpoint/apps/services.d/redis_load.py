# SPDX-License-Identifier: GPL-2.0
"""redis with an append-only file: counters, queues, and a rewrite now and then."""
import os
import shutil

from lines import Lines, expect, place, run, socket_path

PORT = 6379
SERVER = ['redis-server', '--save', '', '--appendonly', 'yes',
          '--appendfsync', 'everysec', '--daemonize', 'no',
          '--protected-mode', 'no', '--enable-debug-command', 'local']


def serve(directory, where):
    listen = ['--port', '0', '--unixsocket', where] \
        if isinstance(where, str) else \
        ['--bind', where[0], '--port', str(where[1])]
    return run([*SERVER, *listen, '--dir', directory], where,
               os.path.join(directory, 'log'))


def start(directory):
    return [serve(directory, place(directory, PORT))]


class Redis(Lines):
    def ask(self, *words):
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.send(b'*%d\r\n' % len(words) + b''.join(
            b'$%d\r\n%s\r\n' % (len(w), w) for w in words))
        return self.answer()

    def answer(self):
        line = self.line()
        kind, rest = line[:1], line[1:]
        if kind == b'-':
            raise AssertionError(rest.decode())
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return None if rest == b'-1' else self.bytes(int(rest))
        if kind == b'*':
            return None if rest == b'-1' else \
                [self.answer() for _ in range(int(rest))]
        return rest


def counter(directory, number, work):
    redis = Redis(place(directory, PORT))
    count = 0
    while True:
        count += 1
        expect(count, redis.ask('incr', 'count-%d' % number))
        expect(b'OK', redis.ask('set', 'value-%d-%d' % (number, count % 1000),
                                b'%d.' % count * 50))
        if count % 7 == 0:
            expect(b'%d.' % count * 50, redis.ask(
                'get', 'value-%d-%d' % (number, count % 1000)))
        if count % 2000 == 0:
            redis.ask('bgrewriteaof')
        if not work():
            return


def producer(directory, _number, work):
    redis = Redis(place(directory, PORT))
    count = 0
    going = True
    while going:
        count += 1
        redis.ask('rpush', 'queue', count)
        going = work()
    redis.ask('rpush', 'queue', 'end')


def consumer(directory, _number, work):
    redis = Redis(place(directory, PORT))
    count = 0
    while True:
        count += 1
        value = redis.ask('blpop', 'queue', 0)[1]
        if value == b'end':
            return
        expect(b'%d' % count, value)
        work()


CLIENTS = [counter, counter, counter, producer, consumer]


def same(redis, counts):
    for number in range(3):
        expect(b'%d' % counts[number], redis.ask('get', 'count-%d' % number))
    expect(0, redis.ask('llen', 'queue'))


def loaded(path):
    """A connection to a server that has read its file."""
    while True:
        redis = Redis(path)
        try:
            redis.ask('ping')
            return redis
        except AssertionError as error:
            if not str(error).startswith('LOADING'):
                raise


def check(directory, counts):
    """What the server has, and what another has from its files."""
    same(Redis(place(directory, PORT)), counts)
    other = os.path.join(directory, 'other')
    shutil.copytree(directory + '/appendonlydir', other + '/appendonlydir')
    path = socket_path(other)
    server = serve(other, path)
    redis = loaded(path)
    same(redis, counts)
    redis.send(b'shutdown\r\n')
    expect(0, server.wait())
    return 'redis: %d counted, %d through the queue' % (
        sum(counts[:3]), counts[3])
