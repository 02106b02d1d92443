# SPDX-License-Identifier: GPL-2.0
"""PostgreSQL under pgbench, whose tables must add up."""
import glob
import os
import re
import shutil
import subprocess

import lines
from lines import expect, run

BIN = glob.glob('/usr/lib/postgresql/*/bin')[-1]
TRANSACTIONS = 25
USER = {'user': 'postgres', 'group': 'postgres', 'extra_groups': []}


def run_as(directory, name, *args):
    return subprocess.run(
        [os.path.join(BIN, name), '-h', lines.HOST or directory, *args], check=False,
        cwd='/', stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        **USER)


def command(directory, name, *args):
    done = run_as(directory, name, *args)
    if done.returncode:
        raise AssertionError(done.stdout)
    return done.stdout


def start(directory):
    shutil.chown(directory, 'postgres', 'postgres')
    data = os.path.join(directory, 'data')
    subprocess.run([os.path.join(BIN, 'initdb'), '-D', data, '-A', 'peer',
                    '--no-sync', '--locale=C'], check=True, cwd='/',
                   stdout=subprocess.DEVNULL, **USER)
    with open(os.path.join(data, 'pg_hba.conf'), 'a', encoding='ascii') as f:
        f.write('host all all samenet trust\n')
    server = run([os.path.join(BIN, 'postgres'), '-D', data,
                  '-c', 'listen_addresses=' + (lines.HOST or ''),
                  '-c', 'shared_buffers=32MB',
                  '-c', 'unix_socket_directories=' + directory],
                 os.path.join(directory, '.s.PGSQL.5432'), cwd='/', **USER)
    while run_as(directory, 'pg_isready').returncode == 1:
        pass
    command(directory, 'pgbench', '-i', '-q', 'postgres')
    return [server]


def bench(directory, _number, work):
    while True:
        said = command(directory, 'pgbench', '-n', '-c', '2', '-t',
                       str(TRANSACTIONS), 'postgres')
        found = re.search(r'processed: (\d+)/(\d+)', said)
        if not found or found[1] != found[2] or 'aborted' in said:
            raise AssertionError(said)
        if not work():
            return


CLIENTS = [bench, bench]


def check(directory, counts):
    def ask(query):
        return command(directory, 'psql', '-A', '-t', '-c', query,
                       'postgres').strip()

    done = sum(counts) * 2 * TRANSACTIONS
    expect(str(done), ask('select count(*) from pgbench_history'))
    total = ask('select sum(delta) from pgbench_history')
    for table in 'account', 'teller', 'branch':
        plural = table + ('es' if table == 'branch' else 's')
        expect(total, ask('select sum(%sbalance) from pgbench_%s' % (
            table[0], plural)))
    return 'PostgreSQL: %d transactions' % done
