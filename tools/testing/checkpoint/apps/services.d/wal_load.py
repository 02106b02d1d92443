# SPDX-License-Identifier: GPL-2.0
"""sqlite3 with a write-ahead log: several writers, and one who reads it all."""
import os
import sqlite3

from lines import expect


def connect(directory):
    """Writers wait for each other."""
    return sqlite3.connect(os.path.join(directory, 'db'), timeout=600,
                           isolation_level=None)


def start(directory):
    db = connect(directory)
    expect([('wal',)], db.execute('pragma journal_mode = wal').fetchall())
    db.execute('create table done (writer integer, count integer)')
    db.execute('create table total (sum integer)')
    db.execute('insert into total values (0)')
    db.close()
    return []


def writer(directory, number, work):
    """The sum is right as long as no transaction is half done, or doubled."""
    db = connect(directory)
    count = 0
    while True:
        count += 1
        db.execute('begin immediate')
        db.execute('insert into done values (?, ?)', (number, count))
        db.execute('update total set sum = sum + ?', (count,))
        db.execute('commit')
        if not work():
            break
    db.close()


def reader(directory, _number, work):
    db = connect(directory)
    while True:
        db.execute('begin')
        sums = db.execute('select coalesce(sum(count), 0) from done').fetchall()
        expect(sums, db.execute('select sum from total').fetchall())
        db.execute('commit')
        if not work():
            break
    db.close()


CLIENTS = [writer, writer, writer, reader]


def check(directory, counts):
    db = connect(directory)
    for number in range(3):
        rows = db.execute('select count from done where writer = ? '
                          'order by count', (number,)).fetchall()
        expect([(n + 1,) for n in range(counts[number])], rows)
    expect([('ok',)], db.execute('pragma integrity_check').fetchall())
    db.close()
    return 'sqlite3: %d transactions by 3 writers, %d times read' % (
        sum(counts[:3]), counts[3])
