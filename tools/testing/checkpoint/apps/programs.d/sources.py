#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Write FILES sources of C, and a makefile that compiles and links them.

    sources.py DIRECTORY FILES FUNCTIONS

What is in them is always the same: switches, loops, structures, arithmetic.
"""
import os
import random
import sys

FUNCTION = """\
static int %(name)s(struct state *s, int a, int b)
{
	int i, sum = %(seed)d;

	for (i = 0; i < a %% %(limit)d; i++) {
		switch ((i ^ b) %% %(cases)d) {
%(switch)s		default:
			sum -= s->word[i %% WORDS];
		}
		if (sum > %(high)d)
			s->%(field)s ^= sum << %(shift)d;
		else
			s->word[(sum & 0xffff) %% WORDS] += a;
	}
	return sum + (s->%(field)s >> %(shift)d);
}

"""


def function(rand, name):
    cases = rand.randrange(3, 9)
    switch = ''.join(
        '\t\tcase %d:\n\t\t\tsum = sum * %d + (int)(s->word[%d] %s %d);\n'
        '\t\t\tbreak;\n' % (
            n, rand.randrange(3, 99), rand.randrange(16),
            rand.choice(['+', '-', '*', '&', '|', '^', '%', '/']),
            rand.randrange(1, 1000)) for n in range(cases))
    return FUNCTION % {
        'name': name, 'seed': rand.randrange(1000), 'cases': cases + 1,
        'limit': rand.randrange(5, 50), 'switch': switch,
        'high': rand.randrange(10000), 'shift': rand.randrange(1, 12),
        'field': rand.choice(['first', 'second', 'third'])}


def main():
    directory, files, functions = sys.argv[1], *map(int, sys.argv[2:])
    rand = random.Random(1)
    names = ['part%d' % n for n in range(files)]
    for name in names:
        with open(os.path.join(directory, name + '.c'), 'w',
                  encoding='ascii') as f:
            f.write('#define WORDS 16\nstruct state {\n\tunsigned int first, '
                    'second, third;\n\tlong word[WORDS];\n};\n\n')
            for n in range(functions):
                f.write(function(rand, 'f%d' % n))
            f.write('int %s(struct state *s)\n{\n\treturn 0' % name)
            for n in range(functions):
                f.write(' +\n\t\tf%d(s, %d, %d)' % (
                    n, rand.randrange(99), rand.randrange(99)))
            f.write(';\n}\n')
    with open(os.path.join(directory, 'Makefile'), 'w', encoding='ascii') as f:
        f.write("""\
objects := $(addsuffix .o,%s)

all: sub
	$(LD) -r -o all.o $(objects)

# The jobs of both makes are counted together.
sub:
	+@$(MAKE) --no-print-directory objects

objects: $(objects)

%%.o: %%.c
	@gcc -O2 -pipe -c -o $@ $<
	@echo $@

.PHONY: all sub objects
""" % ' '.join(names))


if __name__ == '__main__':
    main()
