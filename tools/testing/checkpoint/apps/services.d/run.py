# SPDX-License-Identifier: GPL-2.0
"""Run a service with clients that work until the file "stop" is there.

    run.py SERVICE DIRECTORY

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


def client(function, directory, number, counts, progress):
    """Count what was done, and show it to the one outside."""
    stop = os.path.join(directory, 'stop')

    def work():
        counts[number] += 1
        os.pwrite(progress, b'%11d\n' % counts[number], number * 12)
        return not os.path.exists(stop)

    function(directory, number, work)


def main():
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    service = importlib.import_module(sys.argv[1] + '_load')
    directory = sys.argv[2]
    os.mkdir(directory)
    servers = service.start(directory)
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
    ended = [server.args for server in servers if server.poll() is not None]
    if failed or ended:
        sys.exit('clients that failed: %s; servers that ended: %s' % (
            failed, ended))
    print(service.check(directory, list(counts)))
    for server in servers:
        server.terminate()
        server.wait()


if __name__ == '__main__':
    main()
