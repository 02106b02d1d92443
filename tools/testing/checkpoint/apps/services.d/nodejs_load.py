# SPDX-License-Identifier: GPL-2.0
"""nodejs: a server that packs what it is sent in threads of its own."""
import http.client
import os
import zlib

import lines
from lines import expect, place, run

PORT = 8080


def start(directory):
    where = place(directory, PORT)
    return [run(['node', os.path.dirname(__file__) + '/nodejs_server.js',
                 where[0], str(where[1])], where, directory + '/log')]


class Client:
    """One connection; if it breaks there is to be no other."""

    def __init__(self):
        self.connection = http.client.HTTPConnection(lines.HOST, PORT)
        self.connection.connect()
        self.connection.auto_open = 0

    def ask(self, name, body):
        """Returns how often this name was asked, and how many are connected."""
        self.connection.request('POST', '/' + name, body)
        answer = self.connection.getresponse()
        expect(200, answer.status)
        expect(body, zlib.decompress(answer.read()))
        return int(answer.headers['x-count']), \
            int(answer.headers['x-connections'])


def client(_directory, number, work):
    node = Client()
    count = 0
    while True:
        count += 1
        body = b''.join(b'%d.%d ' % (count, i) for i in range(2000))
        expect(count, node.ask('client-%d' % number, body)[0])
        if not work():
            return


CLIENTS = [client] * 6


def check(_directory, counts):
    """Nobody came twice: each client, who looked whether it is up, and this."""
    node = Client()
    for number, count in enumerate(counts):
        expect((count + 1, len(counts) + 2),
               node.ask('client-%d' % number, b'all'))
    return 'nodejs: %d answers over %d connections' % (sum(counts), len(counts))
