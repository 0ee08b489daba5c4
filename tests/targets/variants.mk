# SPDX-License-Identifier: GPL-2.0-or-later
# make -f .../variants.mk -C FOLDER GOAL: the same programs by many compilers and with many options,
# made once for all test suites. Goals: walks.
src := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
CLANG ?= clang
CLANGXX ?= clang++

# --- walks: to be run one instruction at a time ---
walks := w-O0 w-O2 w-O3 w-cet w-static w-static-pie w-clang w-lld w-musl w-cc
walks: $(walks)
w-O0: MAKE_IT = gcc -O0
w-O2: MAKE_IT = gcc -O2 -Wl,-z,lazy
w-O3: MAKE_IT = gcc -O3 -fomit-frame-pointer -flto
w-cet: MAKE_IT = gcc -O1 -fcf-protection -Wl,-z,lazy -Wl,-z,ibtplt
w-static: MAKE_IT = gcc -O3 -static
w-static-pie: MAKE_IT = gcc -O2 -static-pie
w-clang: MAKE_IT = $(CLANG) -O2
w-lld: MAKE_IT = $(CLANG) -O1 -fuse-ld=lld -Wl,-z,lazy -fcf-protection
w-musl: MAKE_IT = musl-gcc -O2 -static
$(filter-out w-cc,$(walks)): $(src)walks.c
	$(MAKE_IT) -o $@ $<
w-cc: $(src)walks.cc
	g++ -O2 -static-pie -o $@ $<

.PHONY: walks
