# SPDX-License-Identifier: GPL-2.0
"""Print the network without what changes by itself, or with who is outside."""
import json
import re
import subprocess

COMMANDS = ['ip -d -j addr', 'ip -j route show table all', 'ip -j -6 route',
            'ip -j rule', 'ip -j -6 rule', 'ip -j neigh', 'bridge -j fdb',
            'nft -j list ruleset']
LEFT_OUT = ['link_index', 'link_netnsid', 'valid_life_time',
            'preferred_life_time', 'expires', 'cache', 'age', 'used',
            'packets', 'bytes']
# Of a neighbour that was not said to be there for ever
STATES = ['REACHABLE', 'STALE', 'DELAY', 'PROBE']


def output(command):
    return subprocess.run(command.split(), check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def rest(value):
    if isinstance(value, dict):
        return {k: rest(v) for k, v in value.items() if k not in LEFT_OUT}
    if isinstance(value, list):
        return [rest(v) for v in value if v not in STATES]
    return value


def sockets():
    """Without what is queued, and without inode numbers."""
    lines = []
    for line in output('ss -tuwxnpH').splitlines():
        words = line.split()
        del words[2:4]
        if words[0].startswith('u_'):
            words = [re.sub(r'^\d+$', '-', word) for word in words]
        lines.append('    ' + ' '.join(words))
    return sorted(lines)


for command in COMMANDS:
    print(command)
    found = json.loads(output(command) or '[]')
    lines = ['    ' + json.dumps(rest(entry), sort_keys=True)
             for entry in (found if isinstance(found, list) else [found])]
    # these lie in tables without an order
    if command in ('ip -j neigh', 'bridge -j fdb'):
        lines.sort()
    print(*lines, sep='\n')
print('ss', *sockets(), sep='\n')
