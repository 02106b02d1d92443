# SPDX-License-Identifier: GPL-2.0
"""sshd: a session that streams, a shell on a terminal, and new sessions."""
import os
import shutil
import subprocess

import lines
from lines import expect, place, run

CONF = '''
ListenAddress %(host)s
HostKey %(dir)s/host
AuthorizedKeysFile %(dir)s/authorized
PidFile %(dir)s/pid
PermitRootLogin yes
StrictModes no
UsePAM no
'''


def start(directory):
    os.makedirs('/run/sshd', mode=0o755, exist_ok=True)
    for name in 'host', 'user':
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '',
                        '-f', os.path.join(directory, name)], check=True)
    shutil.copy(directory + '/user.pub', directory + '/authorized')
    with open(directory + '/conf', 'w', encoding='ascii') as f:
        f.write(CONF % {'dir': directory, 'host': lines.HOST})
    return [run(['/usr/sbin/sshd', '-D', '-e', '-f', directory + '/conf'],
                place(directory, 22), directory + '/log')]


def session(directory, *words):
    return subprocess.Popen(
        ['ssh', '-q', '-F', 'none', '-i', directory + '/user',
         '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null',
         *words[:-1], 'root@' + lines.HOST, words[-1]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def stream(directory, _number, work):
    """What is sent comes back, with some under way in both directions."""
    ssh = session(directory, 'cat')
    sent = received = 0
    going = True
    while going:
        while sent < received + 2000:
            ssh.stdin.write(b'%08x' % sent)
            sent += 1
        ssh.stdin.flush()
        for _ in range(500):
            expect(b'%08x' % received, ssh.stdout.read(8))
            received += 1
        going = work()
    ssh.stdin.close()
    expect(b''.join(b'%08x' % i for i in range(received, sent)),
           ssh.stdout.read())
    expect(0, ssh.wait())


def shell(directory, _number, work):
    """Each line is typed, and says what the shell remembers."""
    ssh = session(directory, '-tt', 'exec bash --norc --noediting -i')

    def say(text):
        ssh.stdin.write(text)
        ssh.stdin.flush()

    say(b'PS1=; stty -echo; n=0; echo n=$n\n')
    # before it is told not to, it shows what is typed, and prompts
    while not (line := ssh.stdout.readline()).endswith(b'n=0\r\n'):
        if not line:
            raise AssertionError('the session ended')
    count = 0
    going = True
    while going:
        count += 1
        say(b'n=$((n + 1)); echo n=$n | cat\n')
        expect(b'n=%d\r\n' % count, ssh.stdout.readline())
        going = work()
    say(b'exit 7\n')
    expect(7, ssh.wait())


def visitor(directory, _number, work):
    count = 0
    going = True
    while going:
        count += 1
        ssh = session(directory, 'echo $((%d * 2))' % count)
        expect(b'%d\n' % (count * 2), ssh.communicate()[0])
        expect(0, ssh.returncode)
        going = work()


CLIENTS = [stream, shell, visitor]


def check(_directory, counts):
    return 'sshd: %d times 500 numbers, %d lines typed, %d new sessions' % (
        tuple(counts))
