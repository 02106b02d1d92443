# SPDX-License-Identifier: GPL-2.0
#
# The front door. Everything that is made lies under build/; each target does
# only what changed since it was last made.

B := build
T_DIR := tools/testing/checkpoint
LOCKED := scripts/locked

export CKPT_ROUNDS CKPT_SEEDS FRESH

.NOTPARALLEL:
.SUFFIXES:
.PHONY: help setup tree kernel kernel-debug kernel-nonetns headers tools \
	selftests \
	root-minimal root-debian guest demo bench check check-long check-style \
	check-off series patch-stat clean distclean

help:			## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | \
		while IFS='	' read -r name text; do \
			printf '  %-14s %s\n' "$$name" "$$text"; done

demo: guest root-debian	## show the main job: real programs stopped, killed, brought back (DEMO_DIR=usr)
	@$(T_DIR)/guest --root debian --mem 3072 --timeout 3000 \
		--log $(B)/demo.log -- env DEMO_DIR=$(or $(DEMO_DIR),usr) \
		/opt/checkpoint/demo

check: setup		## all tests, or those of T=NAME; what passed and is unchanged is not run again (FRESH=1); closes with "N passed, N failed"
	@$(T_DIR)/check $(T)

check-long: setup	## all tests with more rounds and seeds, and the comparison with CONFIG_CHECKPOINT=n
	@$(T_DIR)/check --long $(T)

check-style: tree	## checkpatch, sparse, W=1 and kernel-doc on our files and patches
	@$(T_DIR)/check-style

check-off: tree		## compare a kernel with CONFIG_CHECKPOINT=n to the pristine one, function by function
	@$(LOCKED) $(T_DIR)/check-off

bench: guest root-debian	## measure against criu and the floors, as a table (BENCH_RUNS=5, BENCH_JOBS=)
	@$(T_DIR)/guest --root debian --mem 4096 --prealloc --timeout 3000 \
		--log $(B)/bench.log -- env BENCH_RUNS=$(BENCH_RUNS) \
		BENCH_JOBS="$(BENCH_JOBS)" BENCH_SNAPSHOTS=$(BENCH_SNAPSHOTS) \
		/opt/checkpoint/bench

guest: kernel root-minimal	## what tools/testing/checkpoint/guest boots: plain kernel and minimal root

setup:			## install the Debian packages needed, naming them
	@scripts/setup

tree: setup		## kernel sources with our files and patches, in build/linux (DISCARD=1 drops unrefreshed edits)
	@$(LOCKED) scripts/tree $(if $(DISCARD),--discard)

kernel: tree		## the plain kernel, in build/plain
	@$(LOCKED) scripts/kernel plain

kernel-debug: tree	## the debug kernel (KASAN, lockdep, kmemleak, ...), in build/debug
	@$(LOCKED) scripts/kernel debug

kernel-nonetns: kernel	## the plain kernel without CONFIG_CHECKPOINT_NETNS, in build/nonetns
	@$(LOCKED) scripts/kernel nonetns

headers: tree		## the kernel's headers for user space, in build/usr
	@$(LOCKED) scripts/headers

tools: headers		## checkpoint, restart and ckptinfo, in build/tools
	@test ! -e tools/checkpoint/Makefile || \
	$(LOCKED) make -s -C tools/checkpoint O=$(CURDIR)/$(B)/tools \
		INCLUDE=$(CURDIR)/$(B)/usr/include all

selftests: tools	## the selftest programs, in build/selftests
	@$(LOCKED) make -s -C $(T_DIR)/selftests O=$(CURDIR)/$(B)/selftests \
		TOP=$(CURDIR) all

root-minimal: selftests	## the guest's minimal root: busybox, our tools and selftests
	@$(LOCKED) $(T_DIR)/mkroot minimal

root-debian: root-minimal	## the guest's Debian root
	@$(LOCKED) $(T_DIR)/mkroot debian

series: tree		## numbered patches for git am, checked against the built tree, in build/series
	@$(LOCKED) scripts/series

patch-stat: tree	## lines and hunks changed in existing kernel files, and lines of new files
	@scripts/patch-stat

clean:			## remove what was built, keep the sources and the Debian root
	@$(LOCKED) rm -rf $(B)/plain $(B)/debug $(B)/nonetns $(B)/off $(B)/usr \
		$(B)/tools \
		$(B)/selftests $(B)/series $(B)/check $(B)/root/minimal \
		$(B)/root/minimal.cpio

distclean:		## remove build/
	rm -rf $(B)
