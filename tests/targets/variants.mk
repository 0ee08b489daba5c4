# SPDX-License-Identifier: GPL-2.0-or-later
# make -f .../variants.mk -C FOLDER GOAL: the same programs by many compilers and with many options,
# made once for all test suites. Goals: walks, blocked, locked, matrix, creates, allocators.
src := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
CLANG ?= clang
CLANGXX ?= clang++

# --- walks: to be run one instruction at a time ---
walks := w-O0 w-O2 w-O3 w-cet w-static w-static-pie w-clang w-lld w-musl w-musl-dynamic w-cc w-bare w-bare-O0
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
w-musl-dynamic: MAKE_IT = musl-gcc -O2
w-bare: MAKE_IT = gcc -O2 -static
w-bare-O0: MAKE_IT = gcc -O0 -static
$(filter-out w-cc,$(walks)): $(src)walks.c
	$(MAKE_IT) -o $@ $<
	$(if $(filter w-bare%,$@),objcopy -R .eh_frame $@)
w-cc: $(src)walks.cc
	g++ -O2 -static-pie -o $@ $<


# --- blocked: PROGRAM_COMPILER-VARIANT, frames of many shapes ---
forms := gcc-O0 gcc-O1 gcc-Os gcc-O2 gcc-fp gcc-cet gcc-clash clang-O0 clang-O1 clang-Os clang-O2 clang-fp clang-cet
wanders := gcc-O0 gcc-O2 gcc-fp clang-O2
blocked := $(forms:%=blocked_%) $(wanders:%=wander_%)
blocked: $(blocked)
form_fp := -O2 -fno-omit-frame-pointer
form_cet := -O1 -fcf-protection -fno-omit-frame-pointer
form_clash := -O2 -fstack-clash-protection -fstack-protector-strong -fno-omit-frame-pointer
form = $(or $(form_$(lastword $(subst -, ,$@))),-$(lastword $(subst -, ,$@)))
$(blocked): $(src)blocked.c $(src)wander.c $(src)chains.h $(src)shapes.h $(src)target.h
	$(if $(findstring _gcc-,$@),gcc,$(CLANG)) -std=gnu11 -D_GNU_SOURCE -pthread $(form) -o $@ \
		$(src)$(firstword $(subst _, ,$@)).c

# --- locked: languages with locks of their own ---
locked := locked-cc locked-rs
locked: $(locked)
locked-cc: $(src)locked.cc
	g++ -std=c++20 -O2 -g -pthread -o $@ $<
locked-rs: $(src)locked.rs
	env -u MAKEFLAGS rustc -O -g -o $@ $<

# --- locks: of more than one C library ---
locks: locks_static locks_musl locks_musl_static
locks_static: MAKE_IT = gcc -static
locks_musl: MAKE_IT = musl-gcc
locks_musl_static: MAKE_IT = musl-gcc -static
locks_%: $(src)locks.c $(src)locks.h $(src)target.h
	$(MAKE_IT) -std=gnu11 -D_GNU_SOURCE -O2 -pthread -o $@ $<

# --- allocators: of the C libraries, one of the program's own, and a library's ---
allocators := allocators_plain allocators_own allocators_static allocators_static_pie allocators_stripped \
	allocators_musl allocators_musl_static allocators_asan allocators_go allocators_cgo allocators_throws
allocators: $(allocators)
allocators_plain: MAKE_IT = gcc
allocators_own: MAKE_IT = gcc -DOWN -Wl,-z,lazy
allocators_own: in = -L. -Wl,--no-as-needed -lodd -Wl,-rpath,'$$ORIGIN'
allocators_own: libodd.so
allocators_static: MAKE_IT = gcc -DOWN -static
allocators_static_pie: MAKE_IT = gcc -DOWN -static-pie -fPIE
allocators_stripped: MAKE_IT = gcc -static -s
allocators_musl: MAKE_IT = musl-gcc -DOWN
allocators_musl_static: MAKE_IT = musl-gcc -DOWN -static
allocators_asan: MAKE_IT = gcc -fsanitize=address
libodd.so: MAKE_IT = gcc -DODD -shared -fPIC
allocators_go: MAKE_IT = GO111MODULE=off GOTOOLCHAIN=local CGO_ENABLED=0
allocators_cgo: MAKE_IT = GO111MODULE=off GOTOOLCHAIN=local CGO_ENABLED=1
$(filter-out allocators_go allocators_cgo allocators_throws,$(allocators)) libodd.so: $(src)allocators.c
	$(MAKE_IT) -std=gnu11 -D_GNU_SOURCE -O2 -o $@ $< $(in)
allocators_throws: $(src)throws.cc
	g++ -O1 -g -o $@ $<
allocators_go: $(src)goroutines.go
allocators_cgo: $(src)rests.go
allocators_go allocators_cgo:
	$(MAKE_IT) go build -o $@ $<

# --- matrix: 40 links of a chain by each compiler, LANGUAGE-COMPILER-VARIANT ---
chain := $(src)../matrix/chain.py
common := O0 O2 O3 static static-pie lto stripped cet
matrix := $(common:%=c-gcc-%) $(common:%=c-clang-%) c-clang-lld c-musl-dynamic c-musl-static \
	$(common:%=c++-gcc-%) $(common:%=c++-clang-%) c++-clang-lld \
	$(addprefix rust-rustc-,O0 O2 static lto stripped) $(addprefix go-go-,O2 stripped pie) \
	$(addprefix fortran-gfortran-,O0 O2 static) ada-gnat-O2 d-ldc-O2 ocaml-ocamlopt-O2 \
	$(if $(shell command -v ghc),haskell-ghc-O2) asm-none-frame-pointers asm-none-none
matrix: $(matrix)

options_O0 := -O0
options_O2 := -O2
options_O3 := -O3 -fomit-frame-pointer
options_static := -O2 -static
options_static-pie := -O2 -static-pie
options_lto := -O2 -flto
options_stripped := -O2
options_cet := -O2 -fcf-protection -Wl,-z,lazy
options_lld := -O2 -fuse-ld=lld
options = $(options_$(lastword $(subst -gcc-, ,$(subst -clang-, ,$(subst -gfortran-, ,$@)))))

# A stripped one's truth is its symbols before that.
strip = $(if $(filter %-stripped,$@),nm -CSn --defined-only $@ >$@.symbols && strip -s $@)
chain.%: $(chain)
	python3 $(chain) $* >$@
$(filter c-gcc-%,$(matrix)): chain.c
	gcc $(options) -o $@ $<
	$(strip)
$(filter c-clang-%,$(matrix)): chain.c
	$(CLANG) $(options) $(if $(filter %-lto,$@),-fuse-ld=lld) -o $@ $<
	$(strip)
$(filter c++-gcc-%,$(matrix)): chain.c++
	g++ $(options) -x c++ -o $@ $<
	$(strip)
$(filter c++-clang-%,$(matrix)): chain.c++
	$(CLANGXX) $(options) $(if $(filter %-lto,$@),-fuse-ld=lld) -x c++ -o $@ $<
	$(strip)
c-musl-dynamic: chain.c
	musl-gcc -O2 -o $@ $<
c-musl-static: chain.c
	musl-gcc -O2 -static -o $@ $<
$(filter fortran-%,$(matrix)): chain.fortran
	mkdir -p $@.d
	gfortran $(options) -fno-inline -fno-ipa-icf -fno-ipa-cp -fno-optimize-sibling-calls -J $@.d \
		-x f95 -ffree-form -o $@ $<
rust-rustc-O0: rust_options = -C opt-level=0
rust-rustc-O2: rust_options = -O
rust-rustc-static: rust_options = -O -C target-feature=+crt-static
rust-rustc-lto: rust_options = -O -C lto=fat -C codegen-units=1
rust-rustc-stripped: rust_options = -O
$(filter rust-%,$(matrix)): chain.rust
	env -u MAKEFLAGS rustc $(rust_options) --crate-name chain --out-dir $@.d $< && mv $@.d/chain $@
	$(strip)
go-go-O2: go_options =
go-go-stripped: go_options = -ldflags '-s -w'
go-go-pie: go_options = -buildmode=pie
$(filter go-%,$(matrix)): chain.go
	GO111MODULE=off GOTOOLCHAIN=local go build $(go_options) -o $@ $<
ada-gnat-O2: chain.ada
	mkdir -p ada.d && cp $< ada.d/chain.adb && cd ada.d && gnatmake -q -O2 chain.adb && mv chain ../$@
d-ldc-O2: chain.d
	ldc2 -O2 -of=$@ $<
ocaml-ocamlopt-O2: chain.ocaml
	mkdir -p ocaml.d && cp $< ocaml.d/chain.ml && cd ocaml.d && ocamlopt -I +unix unix.cmxa chain.ml -o ../$@
haskell-ghc-O2: chain.haskell
	mkdir -p haskell.d && cp $< haskell.d/Main.hs && ghc -O2 -v0 -outputdir haskell.d -o $@ haskell.d/Main.hs
asm-none-frame-pointers: chain.asm
	gcc -nostdlib -static -DFRAME_POINTERS -x assembler-with-cpp -o $@ $<
asm-none-none: chain.asm
	gcc -nostdlib -static -x assembler-with-cpp -o $@ $<

# --- creates: who creates threads ---
creates := creates-c++ creates-rust creates-go
creates: $(creates)
creates-c++: $(src)creates.cc
	g++ -O2 -g -pthread -o $@ $<
creates-rust: $(src)creates.rs
	env -u MAKEFLAGS rustc -O -g --crate-name creates --out-dir $@.d $< && mv $@.d/creates $@
creates-go: $(src)creates.go
	GO111MODULE=off GOTOOLCHAIN=local go build -o $@ $<

.PHONY: walks blocked locked matrix creates
