# Builds the guest programs: make -f tests/guest/guest.mk SRC=tests/guest O=DIR
#
# A program of its own, not a part of Makefile.am: guests are static, and take none of the
# build's flags. Each *.c here becomes O/NAME; what needs other flags stands below.

# The build's own CC may be clang or carry options; guests stay comparable.
GCC = gcc
CFLAGS = -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra
LINK = -static

PLAIN := $(filter-out hello sqlite_driver lua_driver,$(patsubst $(SRC)/%.c,%,$(wildcard $(SRC)/*.c)))
PROBES := $(patsubst $(SRC)/probes/%.c,probes/%,$(wildcard $(SRC)/probes/*.c))
HELLOS := hello-glibc hello-pie hello-musl hello-diet

TOOLS := $(patsubst $(SRC)/tools/%.c,%,$(wildcard $(SRC)/tools/*.c))

$(shell mkdir -p $(O)/probes)

all: $(addprefix $(O)/,$(TOOLS)) $(addprefix $(O)/,$(PLAIN) $(PROBES) $(HELLOS) sqlite_driver lua_driver)

$(O)/%: $(SRC)/%.c
	$(GCC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) -o $@ $< $(LIBS)

# Programs that help the tests, and run natively.
$(O)/%: $(SRC)/tools/%.c
	$(GCC) $(CFLAGS) -o $@ $<

# -O1 and no frills: expected/ was recorded with these.
$(O)/probes/%: $(SRC)/probes/%.c
	$(GCC) -O1 -g0 -Wno-unused-result -fno-stack-protector -static -no-pie $(EXTRA_CFLAGS) -o $@ $<
$(O)/probes/p02_regs: EXTRA_CFLAGS = -nostartfiles -nostdlib

$(O)/hello-glibc: $(SRC)/hello.c
	$(GCC) $(CFLAGS) -static -o $@ $<
$(O)/hello-pie: $(SRC)/hello.c
	$(GCC) $(CFLAGS) -fPIE -static-pie -o $@ $<
$(O)/hello-musl: $(SRC)/hello.c
	musl-gcc $(CFLAGS) -static -o $@ $<
$(O)/hello-diet: $(SRC)/hello.c
	diet gcc -O2 -o $@ $<

# Linked in by the libraries, never called: dlopen and getpwnam in a static program.
$(O)/floats: LIBS = -lm
$(O)/int80: EXTRA_CFLAGS = -mno-red-zone
$(O)/sqlite_driver: LIBS = -lsqlite3 -lm -Wl,--no-warnings
$(O)/lua_driver: LIBS = -llua5.4 -lm -Wl,--no-warnings
$(O)/lua_driver: EXTRA_CFLAGS = $(shell pkg-config --cflags lua5.4)

.PHONY: all
