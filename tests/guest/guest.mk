# Builds the guest programs: make -f tests/guest/guest.mk SRC=tests/guest O=DIR
#
# A program of its own, not a part of Makefile.am: guests are static, and take none of the
# build's flags. Each *.c here becomes O/NAME; what needs other flags stands below.

# The build's own CC may be clang or carry options; guests stay comparable.
GCC = gcc
CFLAGS = -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra $(DEPENDENCIES)
LINK = -static
# What each includes, tables of src/ too: a row added there builds its program anew.
DEPENDENCIES = -MMD -MP -MF $(O)/depend/$(@F).d -MT $@

PLAIN := $(filter-out hello sqlite_driver lua_driver fft numeric,$(patsubst $(SRC)/%.c,%,$(wildcard $(SRC)/*.c)))
PROBES := $(patsubst $(SRC)/probes/%.c,probes/%,$(wildcard $(SRC)/probes/*.c))
# What compilers make for each level of x86-64; -fast: -ffast-math, and the widest vectors
LEVELS := v1 v2 v3 v4
LEVELLED := $(LEVELS:%=fft-%) $(LEVELS:%=numeric-%) numeric-v3-fast numeric-v4-fast
HELLOS := hello-glibc hello-pie hello-musl hello-diet

TOOLS := $(patsubst $(SRC)/tools/%.c,%,$(wildcard $(SRC)/tools/*.c))

$(shell mkdir -p $(O)/probes $(O)/depend)

all: tools $(addprefix $(O)/,$(PLAIN) $(PROBES) $(HELLOS) $(LEVELLED) sqlite_driver lua_driver random_mm)

tools: $(addprefix $(O)/,$(TOOLS))
levelled: $(addprefix $(O)/,$(LEVELLED))

$(O)/%: $(SRC)/%.c
	$(GCC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) -o $@ $< $(LIBS)

# Programs that help the tests, and run natively.
$(O)/%: $(SRC)/tools/%.c
	$(GCC) $(CFLAGS) -o $@ $<

# -O1 and no frills: expected/ was recorded with these.
$(O)/probes/%: $(SRC)/probes/%.c
	$(GCC) $(DEPENDENCIES) -O1 -g0 -Wno-unused-result -fno-stack-protector -static -no-pie $(EXTRA_CFLAGS) -o $@ $<
$(O)/probes/p02_regs: EXTRA_CFLAGS = -nostartfiles -nostdlib

# Random memory calls, compared step by step: tests/diff/mm.
$(O)/random_mm: $(wildcard $(SRC)/../diff/mm/*.[ch])
	$(GCC) $(CFLAGS) $(LINK) -o $@ $(filter %.c,$^)

$(O)/hello-glibc: $(SRC)/hello.c
	$(GCC) $(CFLAGS) -static -o $@ $<
$(O)/hello-pie: $(SRC)/hello.c
	$(GCC) $(CFLAGS) -fPIE -static-pie -o $@ $<
$(O)/hello-musl: $(SRC)/hello.c
	musl-gcc $(CFLAGS) -static -o $@ $<
$(O)/hello-diet: $(SRC)/hello.c
	diet gcc -O2 -o $@ $<

$(LEVELS:%=$(O)/fft-%): $(O)/fft-%: $(SRC)/fft.c
	$(GCC) $(CFLAGS) -O3 -march=x86-64$(filter-out -v1,-$*) -static -o $@ $< -lm
$(LEVELS:%=$(O)/numeric-%): $(O)/numeric-%: $(SRC)/numeric.c
	$(GCC) $(CFLAGS) -O3 -march=x86-64$(filter-out -v1,-$*) -static -o $@ $< -lm
$(O)/numeric-%-fast: $(SRC)/numeric.c
	$(GCC) $(CFLAGS) -O3 -ffast-math -mprefer-vector-width=512 -march=x86-64-$* -static -o $@ $< -lm

# Its plain loops stay loops: they are what the library's functions are compared with.
$(O)/strings_all: EXTRA_CFLAGS = -fno-builtin -fno-tree-loop-distribute-patterns -fno-tree-vectorize
$(O)/crypto: LIBS = -lcrypto -Wl,--no-warnings
$(O)/gmp_calc: LIBS = -lgmp
$(O)/zstd_driver: LIBS = -lzstd -llzma -lbz2 -lz
$(O)/procps: LIBS = $(if $(wildcard /usr/include/libproc2/pids.h),-lproc2) -Wl,--no-warnings
$(O)/math_all: EXTRA_CFLAGS = -frounding-math
$(O)/math_all: LIBS = -lm
# Linked in by the libraries, never called: dlopen and getpwnam in a static program.
$(O)/floats $(O)/hot_faults: LIBS = -lm
$(O)/int80: EXTRA_CFLAGS = -mno-red-zone
$(O)/sqlite_driver: LIBS = -lsqlite3 -lm -Wl,--no-warnings
$(O)/lua_driver: LIBS = -llua5.4 -lm -Wl,--no-warnings
$(O)/lua_driver: EXTRA_CFLAGS = $(shell pkg-config --cflags lua5.4)

-include $(wildcard $(O)/depend/*.d)

.PHONY: all levelled tools
