# What somebody meets in the first hour: each mistake ends with one line, "vellum: what: why", and 125, 126 or 127.
# tags:
# limit: 600
[ "$VELLUM" = native ] && { echo "about Vellum's own messages"; exit 77; }
bad=0

# --- what the rows use: V Vellum, H a program that runs; files that do not, named for what they are
export V=$VELLUM H=$GUEST/hello-musl
damaged() { # NAME OFFSET BYTE, in octal
	cp "$H" "$1" && printf '%b' "\\0$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
damaged 32bit 4 1
damaged bigendian 5 2
damaged object 16 1
damaged core 16 4
damaged aarch64 18 267
damaged i386 18 3
cp "$H" not-executable
printf '#!/bin/no-such-interpreter -x\n' >no-interpreter
interpreted() { # NAME PATH: a program that wants PATH, of at most 27 characters, for its interpreter
	LC_ALL=C sed "s#/lib64/ld-linux-x86-64\.so\.2#$(printf '%-27s' "$2" | sed 's/ /\\x00/g')#" /bin/true >"$1"
}
interpreted no-ld /no/such/ld.so
interpreted odd-ld ./32bit
printf 'echo no first line\n' >no-first-line
: >empty
head -c 40 "$H" >half-a-header
head -c 100 "$H" >no-headers
head -c 5000 "$H" >half-a-segment
chmod +x ./*
chmod -x not-executable
mkdir folder

# STATUS | what the line says, a regular expression | command. The line is on standard error, and all there is.
while IFS='|' read -r status words command; do
	[ -n "$command" ] || continue
	got=0
	bash -c "$command" >out 2>err </dev/null || got=$?
	[ "$got" = "$status" ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -s out ] &&
		grep -qE "^vellum: $words\$" err && continue
	echo "$command: exit status $got, not $status, or not one line that says '$words':"
	cat out err
	bad=1
done <<'ROWS'
125|no program: see vellum --help|$V
125|no program: see vellum --help|$V run
125|no program: see vellum --help|$V --mem 64M --
125|--frobnicate: unrecognized option, see vellum --help|$V --frobnicate $H
125|--frobnicate: unrecognized option, see vellum --help|$V --frobnicate=3 $H
125|-x: unrecognized option, see vellum --help|$V -x $H
125|--s: is short for more than one option|$V --s $H
125|--proc: an option of vellum compare|$V --proc $H
125|--mem: requires an argument, SIZE|$V --mem
125|-E: requires an argument, VAR=VAL|$V -E
125|--stats: takes no argument|$V --stats=3 $H
125|--at-exit: 'fd' is no text file of /proc/self or /proc|$V --at-exit smaps,fd $H
125|--at-exit: '' is no text file of /proc/self or /proc|$V --at-exit '' $H
125|--mem: 'much' is not a size, such as 64M or 2G|$V --mem much $H
125|--mem: '-64M' is not a size, .*|$V --mem -64M $H
125|--mem: '64X' is not a size, .*|$V --mem 64X $H
125|--mem: '0.5G' is not a size, .*|$V --mem 0.5G $H
125|--mem: '99999999999G' is not a size, .*|$V --mem 99999999999G $H
125|--mem: 1K is out of range: 4M to 1T wanted|$V --mem 1K $H
125|--mem: 2T is out of range: 4M to 1T wanted|$V --mem 2T $H
125|VELLUM_MEM: 'much' is not a size, .*|VELLUM_MEM=much $V $H
125|--tlb: '256' is not L1,L2WxS: powers of two, such as 256,8x128|$V --tlb 256 $H
125|--tlb: '3,1x1' is not L1,L2WxS: powers of two, .*|$V --tlb 3,1x1 $H
125|--cpu: 'pentium' is no model: v1, v2, v3, v4, host or help wanted|$V --cpu pentium $H
125|--jit-cache: '1K' is not a size from 256K to 1G|$V --jit-cache 1K $H
125|--seed: 'abc' is not a number|$V --seed abc $H
125|--seed: '99999999999999999999' is not a number|$V --seed 99999999999999999999 $H
125|--engine: 'fast' is no engine: jit, interp or lockstep|$V --engine fast $H
125|--trace: there is no such event as 'x': --trace help lists them|$V --trace x $H
125|--trace: there is no such event as 'sched:nothing': --trace help lists them|$V --trace 'kmem:*,sched:nothing' $H
125|--vdso-layout: 'mine' is neither reference nor host|$V --vdso-layout mine $H
125|--read-ahead: 'mine' is neither reference nor host|$V --read-ahead mine $H
125|--env: 'HOME' is not VAR=VAL|$V --env HOME $H
125|/no/such/folder/log: No such file or directory|$V --log /no/such/folder/log $H
125|folder: Is a directory|$V --log folder $H
125|descriptors: at least 20 are needed, the limit is 10|ulimit -n 10; $V $H
125|standard output: No space left on device|$V --help >/dev/full
125|standard output: No space left on device|$V run --help >/dev/full
125|standard output: No space left on device|$V --version >/dev/full
125|standard output: No space left on device|$V compare $H >/dev/full
127|no-such-program: not found in PATH|$V no-such-program
127|'': not found in PATH|$V ''
127|./no-such-file: No such file or directory|$V ./no-such-file
127|./empty/x: Not a directory|$V ./empty/x
126|./folder: is a directory|$V ./folder
126|./not-executable: not executable: no x in its mode|$V ./not-executable
126|/dev/null: not executable: no x in its mode|$V /dev/null
127|./no-interpreter: /bin/no-such-interpreter: No such file or directory|$V ./no-interpreter
126|./no-first-line: not an ELF file, nor a script that begins with #!|$V ./no-first-line
126|./empty: not an ELF file, but empty|$V ./empty
126|./half-a-header: truncated ELF file: 40 bytes, the header has 64|$V ./half-a-header
126|./no-headers: truncated ELF file: [0-9]+ program headers at 0x40, the file has 100 bytes|$V ./no-headers
126|./half-a-segment: truncated ELF file: segment [0-9] ends at 0x[0-9a-f]+, the file has 0x1388 bytes|$V ./half-a-segment
126|./32bit: not a 64-bit ELF file \(class 1, 32 bits\)|$V ./32bit
126|./bigendian: not a little-endian ELF file \(data 2\)|$V ./bigendian
126|./object: not an executable ELF file \(type 1, an object file: not linked yet\)|$V ./object
126|./core: not an executable ELF file \(type 4, a core dump\)|$V ./core
126|./aarch64: not an x86-64 ELF file \(machine 183, AArch64\)|$V ./aarch64
126|./i386: not an x86-64 ELF file \(machine 3, i386\)|$V ./i386
127|./no-ld: interpreter /no/such/ld.so: No such file or directory|$V ./no-ld
126|./odd-ld: interpreter ./32bit: not a 64-bit ELF file \(class 1, 32 bits\)|$V ./odd-ld
125|./no-such-file: cannot be run natively: No such file or directory|$V compare ./no-such-file
125|./aarch64: cannot be run natively: Exec format error|$V compare ./aarch64
137|out of memory: killed .* \(pid [0-9]+\): all 32 MiB of guest RAM are in use|$V --mem 32M /bin/busybox sort /dev/zero
ROWS

# Two that depend on how Vellum is built: the sanitizer's own tables need more than any such limit.
[ "$ENABLE_ASAN" = yes ] || [ "$(bash -c 'ulimit -v 2000000; $V $H' 2>&1)" = \
	'vellum: guest memory: 4096 MiB: Cannot allocate memory (ulimit -v too low? --mem can be less)' ] ||
	{ echo "no line about too low a limit of addresses"; bad=1; }
# A log that can take no more goes on where it is seen.
"$V" --log /dev/full --stats "$H" 2>err >out && [ "$(head -n 1 err)" = \
	'vellum: --log: no space left: the rest comes here' ] && grep -q '^events ' err ||
	{ echo "no line about a full disk for --log:"; cat err; bad=1; }
# What is no mistake: streams that are closed or full, a folder that is gone, a word behind --.
while read -r command; do
	bash -c "$command" >out 2>err </dev/null || { echo "exit status $?: $command"; cat err; bad=1; }
done <<'ROWS'
$V $H <&-
$V $H >&-
$V $H 2>&-
$V $H <&- >&- 2>&-
$V $H >/dev/full
$V -- $H
$V run -m64M $H
$V --mem=64MiB $H
mkdir gone && cd gone && rmdir ../gone && $V $H
VELLUM_STATS=no $V $H && [ "$($V $H 2>&1)" = "$($V $H)" ]
ROWS
exit $bad
