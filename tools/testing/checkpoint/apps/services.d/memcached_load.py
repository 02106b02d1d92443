# SPDX-License-Identifier: GPL-2.0
"""memcached with four threads: counters, values, and compare and swap."""
from lines import Lines, expect, place, run

PORT = 11211


def start(directory):
    where = place(directory, PORT)
    listen = ['-s', where] if isinstance(where, str) else \
        ['-l', where[0], '-p', str(where[1])]
    return [run(['memcached', *listen, '-u', 'root', '-t', '4', '-m', '16'],
                where, directory + '/log')]


class Memcached(Lines):
    def ask(self, *words):
        self.send(' '.join(str(w) for w in words).encode() + b'\r\n')
        return self.line()

    def store(self, command, name, data, *words):
        self.send(' '.join([command, name, '0', '0', str(len(data)), *words])
                  .encode() + b'\r\n' + data + b'\r\n')
        return self.line()

    def fetch(self, name):
        """The data and its number."""
        head = self.ask('gets', name).split()
        expect(b'VALUE', head[0])
        data = self.bytes(int(head[3]))
        expect(b'END', self.line())
        return data, head[4].decode()


def client(directory, number, work):
    cache = Memcached(place(directory, PORT))
    name = 'count-%d' % number
    expect(b'STORED', cache.store('set', name, b'0'))
    count = 0
    while True:
        count += 1
        expect(b'%d' % count, cache.ask('incr', name, 1))
        value = b'%d.' % count * 100
        expect(b'STORED', cache.store('set', 'value-%d' % number, value))
        data, unique = cache.fetch('value-%d' % number)
        expect(value, data)
        expect(b'STORED', cache.store('cas', 'value-%d' % number, value[:-1],
                                      unique))
        expect(b'EXISTS', cache.store('cas', 'value-%d' % number, value,
                                      unique))
        if not work():
            return


CLIENTS = [client] * 4


def check(directory, counts):
    cache = Memcached(place(directory, PORT))
    for number, count in enumerate(counts):
        expect(b'%d' % count, cache.fetch('count-%d' % number)[0])
    return 'memcached: %d rounds by %d clients' % (sum(counts), len(counts))
