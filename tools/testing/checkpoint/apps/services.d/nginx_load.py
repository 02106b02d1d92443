# SPDX-License-Identifier: GPL-2.0
"""nginx with two workers: pages over connections that are kept."""
import http.client
import os
import time

import lines
from lines import expect, place, run

PAGE = b''.join(b'line %d\n' % i for i in range(2000))
CONF = '''
daemon off;
worker_processes 2;
pid %(dir)s/pid;
error_log %(dir)s/error;
events { worker_connections 512; }
http {
	access_log %(dir)s/access;
	keepalive_requests 1000000;
	keepalive_timeout 1d;
	client_body_temp_path %(dir)s/body;
	server { listen %(host)s:80; root %(dir)s/www; }
}
'''


def start(directory):
    home = os.path.join(directory, 'nginx')
    os.makedirs(home + '/www')
    with open(home + '/www/page', 'wb') as f:
        f.write(PAGE)
    with open(home + '/conf', 'w', encoding='ascii') as f:
        f.write(CONF % {'dir': home, 'host': lines.HOST})
    return [run(['nginx', '-c', home + '/conf'], place(directory, 80),
                home + '/log')]


def client(_directory, _number, work):
    connection = http.client.HTTPConnection(lines.HOST)
    connection.connect()
    # if it breaks there is to be no other
    connection.auto_open = 0
    while True:
        connection.request('GET', '/page')
        answer = connection.getresponse()
        expect(200, answer.status)
        expect(PAGE, answer.read())
        if not work():
            return


CLIENTS = [client] * 6


def check(directory, counts):
    """Each page was asked for once; the log is written after the page."""
    until = time.monotonic() + 10
    while True:
        with open(directory + '/nginx/access', encoding='ascii') as f:
            pages = len(f.readlines())
        if pages == sum(counts) or time.monotonic() > until:
            break
        time.sleep(0.1)
    expect(sum(counts), pages)
    return 'nginx: %d pages over %d connections' % (pages, len(counts))
