# SPDX-License-Identifier: GPL-2.0
"""What services that speak in lines over a stream have in common."""
import os
import socket
import subprocess
import time

# Where the servers are if their clients are outside of the container.
HOST = None


def expect(wanted, got):
    if wanted != got:
        raise AssertionError('%r instead of %r' % (got, wanted))


def place(directory, port):
    """Where a service listens: a path, or a port of HOST."""
    return (HOST, port) if HOST else socket_path(directory)


def run(server, where, log=None, **kwargs):
    """Start a server; returns when it accepts connections there."""
    name = log or where + '.log'
    log = open(name, 'ab')
    process = subprocess.Popen(server, stdin=subprocess.DEVNULL, stdout=log,
                               stderr=log, **kwargs)
    log.close()
    until = time.monotonic() + 60
    while True:
        try:
            connect(where).close()
            return process
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                with open(name, encoding='utf-8') as said:
                    raise SystemExit('%s: %s' % (server[0], said.read()))
            time.sleep(0.05)


def connect(where):
    if not isinstance(where, str):
        return socket.create_connection(where)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(where)
    except OSError:
        sock.close()
        raise
    return sock


class Lines:
    """A connection on which both sides speak in lines that end in CR LF."""

    def __init__(self, where):
        self.sock = connect(where)
        self.file = self.sock.makefile('rb')

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        line = self.file.readline()
        if not line.endswith(b'\r\n'):
            raise AssertionError('the connection ended after %r' % line)
        return line[:-2]

    def bytes(self, size):
        data = self.file.read(size + 2)
        expect(size + 2, len(data))
        return data[:-2]


def socket_path(directory):
    return os.path.join(directory, 'socket')
