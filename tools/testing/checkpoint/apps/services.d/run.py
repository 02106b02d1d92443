# SPDX-License-Identifier: GPL-2.0
"""Run a service with clients that work until the file "stop" is there.

    run.py SERVICE DIRECTORY             all of it
    run.py SERVICE DIRECTORY serve HOST  the servers only, from when "network"
                                         is there until "end" is; "ready" says
                                         that they answer
    run.py SERVICE DIRECTORY load HOST   the clients only, of servers there

SERVICE_load.py beside this file has: start(directory), which returns the servers
as subprocess.Popen objects once they answer; CLIENTS, functions of (directory,
number, work), one process each; and check(directory, counts), which looks at
what they have done and returns a sentence on it. A client calls work() after
each thing done, until that returns False; it raises where an answer is wrong.
"""
import importlib
import multiprocessing
import os
import sys
import time

import lines


def client(function, directory, number, counts, progress):
    """Count what was done, and show it to the one outside."""
    stop = os.path.join(directory, 'stop')

    def work():
        counts[number] += 1
        os.pwrite(progress, b'%11d\n' % counts[number], number * 12)
        return not os.path.exists(stop)

    function(directory, number, work)


def appears(name):
    while not os.path.exists(name):
        time.sleep(0.05)


def load(service, directory):
    """Returns how much each client has done, and who failed."""
    counts = multiprocessing.Array('L', len(service.CLIENTS), lock=False)
    progress = os.open(os.path.join(directory, 'progress'),
                       os.O_CREAT | os.O_WRONLY, 0o644)
    clients = [multiprocessing.Process(
        target=client, args=(function, directory, i, counts, progress))
               for i, function in enumerate(service.CLIENTS)]
    for process in clients:
        process.start()
    for process in clients:
        process.join()
    failed = [i for i, process in enumerate(clients) if process.exitcode]
    if failed:
        sys.exit('clients that failed: %s' % failed)
    return list(counts)


def end(servers):
    ended = [server.args for server in servers if server.poll() is not None]
    if ended:
        sys.exit('servers that ended: %s' % ended)
    for server in servers:
        server.terminate()
        server.wait()


def main():
    service = importlib.import_module(sys.argv[1] + '_load')
    directory = sys.argv[2]
    part = sys.argv[3] if len(sys.argv) > 3 else None
    lines.HOST = sys.argv[4] if part else None
    os.makedirs(directory, exist_ok=True)
    servers = []
    if part == 'serve':
        appears(directory + '/network')
    if part != 'load':
        servers = service.start(directory)
    if part == 'serve':
        with open(directory + '/ready', 'w', encoding='ascii'):
            pass
        appears(directory + '/end')
    else:
        counts = load(service, directory)
        print(service.check(directory, counts))
    end(servers)


if __name__ == '__main__':
    main()
