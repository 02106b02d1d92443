# SPDX-License-Identifier: GPL-2.0
"""Print the network without what changes by itself, or with who is outside."""
import json
import subprocess

COMMANDS = ['ip -d -j addr', 'ip -j route show table all', 'ip -j -6 route',
            'ip -j rule', 'ip -j -6 rule', 'bridge -j fdb']
LEFT_OUT = ['link_index', 'link_netnsid', 'valid_life_time',
            'preferred_life_time', 'expires', 'cache', 'age', 'used']


def rest(value):
    if isinstance(value, dict):
        return {k: rest(v) for k, v in value.items() if k not in LEFT_OUT}
    return [rest(v) for v in value] if isinstance(value, list) else value


for command in COMMANDS:
    said = subprocess.run(command.split(), check=True, stdout=subprocess.PIPE)
    print(command)
    for entry in json.loads(said.stdout or b'[]'):
        print('   ', json.dumps(rest(entry), sort_keys=True))
