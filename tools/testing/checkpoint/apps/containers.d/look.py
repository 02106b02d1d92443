#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Look at a container from inside, and compare what was seen.

    look.py show
        print what the usual programs say of the container that this is run
        in, and what /proc says of each process
    look.py same BEFORE AFTER
        print where they differ, with the ids that the kernel hands out mapped
        one to one, and say so by the exit status
"""
import difflib
import os
import re
import subprocess
import sys

# What counts; what is in memory, or was made room for; and in fdinfo the inode
# number, which is a new one where there is no disk: the link has a name for it.
PASSING = re.compile(r'(Vm(Peak|HWM|RSS|PTE|Swap)|Rss\w+|FDSize|'
                     r'\w+_ctxt_switches|ino):')
# A zombie does nothing any more; see support.rst.
OF_A_ZOMBIE = re.compile(PASSING.pattern + r'|Sig\w+:')
FILES = ('uid_map', 'gid_map', 'projid_map', 'setgroups', 'cgroup', 'mountinfo',
         'cmdline', 'environ', 'limits', 'oom_score_adj', 'personality',
         'coredump_filter', 'timerslack_ns', 'maps')
COMMANDS = (
    ('hostname',), ('ipcs', '-a'), ('ipcs', '-a', '-t'), ('ipcs', '-a', '-p'),
    ('ipcs', '-a', '-c'), ('ipcs', '-l'), ('ipcs', '-u'),
    ('findmnt', '-l', '-o', 'TARGET,SOURCE,FSTYPE,OPTIONS,PROPAGATION'))


def heading(text):
    print('=== ' + text)


def print_file(pid, name, leave_out=PASSING):
    heading('/proc/%s/%s' % (pid, name))
    try:
        with open('/proc/%s/%s' % (pid, name), encoding='utf-8',
                  errors='replace') as f:
            for line in f:
                if not leave_out.match(line):
                    print(line.rstrip('\n').replace('\0', ' '))
    except OSError as error:
        print(error.strerror)


def print_link(path):
    """A zombie has most of its links no more."""
    try:
        print(path, os.readlink(path))
    except OSError as error:
        print(path, error.strerror)


def print_links(pid, name):
    path = '/proc/%s/%s' % (pid, name)
    heading(path)
    for entry in sorted(os.listdir(path)):
        print_link(os.path.join(path, entry))
        if name == 'fd':
            print_file(pid, 'fdinfo/' + entry)


def show():
    for command in COMMANDS:
        heading(' '.join(command))
        sys.stdout.flush()
        subprocess.run(command, check=True)
    # It sorts them by their ids, which are new, and draws a tree of that.
    heading('lsns')
    lines = subprocess.run(
        ['lsns', '-r', '-n', '-o', 'TYPE,NPROCS,PID,PPID,UID,NS,PNS,ONS,COMMAND'],
        stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    print('\n'.join(sorted(re.sub(r' (\\x20|\\xe2\\x9\w\\x\w\w)+', ' ', line)
                           for line in lines)))
    me = os.getpid()
    for pid in sorted(int(name) for name in os.listdir('/proc')
                      if name.isdigit()):
        if pid == me:
            continue
        with open('/proc/%s/status' % pid, encoding='utf-8') as f:
            status = f.read()
        if '\nState:\tZ' in status:
            print_file(pid, 'status', OF_A_ZOMBIE)
            print_link('/proc/%s/ns/user' % pid)
            continue
        print_file(pid, 'status')
        # Those of the containers inside are looked at from there.
        if not re.search(r'^NSpid:\t\d+$', status, re.MULTILINE):
            continue
        for name in FILES:
            print_file(pid, name)
        for name in ('cwd', 'root', 'exe'):
            print_link('/proc/%s/%s' % (pid, name))
        print_links(pid, 'ns')
        print_links(pid, 'fd')


MOUNT = re.compile(r'^(\d+) (\d+) (\d+:\d+) (\S+ \S+ \S+)(.*?) - (.*)$')


def mapped(path):
    """The lines; ids become the number of their first appearance."""
    seen = {}

    def number(kind, text):
        known = seen.setdefault(kind, {})
        return '<%s %d>' % (kind, known.setdefault(text, len(known) + 1))

    lines = []
    with open(path, encoding='utf-8', errors='replace') as f:
        for line in f:
            line = line.rstrip('\n')
            mount = MOUNT.match(line)
            if mount:
                ident, parent, device, what, peers, rest = mount.groups()
                peers = re.sub(r'\d+', lambda m: number('peers', m.group()),
                               peers)
                # A device that has a driver keeps its number.
                if device.startswith('0:'):
                    device = number('device', device)
                line = '%s %s %s %s%s - %s' % (
                    number('mount', ident), number('mount', parent), device,
                    what, peers, rest)
            line = re.sub(r'(?<=^mnt_id:\t)\d+',
                          lambda m: number('mount', m.group()), line)
            line = re.sub(r'(?<=:\[)\d+(?=\])|\b402653\d{4}\b',
                          lambda m: number('inode', m.group()), line)
            lines.append(line)
    return lines


def same(before, after):
    old, new = mapped(before), mapped(after)
    section = {}
    for lines in old, new:
        heading_now = ''
        for at, line in enumerate(lines):
            if line.startswith('=== '):
                heading_now = line
            section[id(lines), at] = heading_now
    different = False
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == 'equal':
            continue
        different = True
        print(section.get((id(old), i1), 'at the end'))
        for line in old[i1:i2]:
            print('  before: ' + line)
        for line in new[j1:j2]:
            print('  after:  ' + line)
    return different


def main():
    if sys.argv[1:] == ['show']:
        show()
        return 0
    if len(sys.argv) == 4 and sys.argv[1] == 'same':
        return 1 if same(*sys.argv[2:]) else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == '__main__':
    sys.exit(main())
