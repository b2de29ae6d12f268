# gdb reads a core file of Vellum's as it reads the host's: threads, stacks, registers, mappings. And where there is none.
# tags:
command -v gdb >/dev/null || { echo "no gdb"; exit 77; }
[ "$(ulimit -Hc)" = unlimited ] || { echo "no core files"; exit 77; }
[ "$VELLUM" = native ] && { echo "about Vellum's files"; exit 77; }
bad=0

# What two debuggers should see alike, and what stands in the file, to $1.seen: nothing of it depends on who ran first.
look()
{
	ask "$1" -ex bt -ex 'p $_siginfo.si_signo' -ex 'p $_siginfo._sifields._sigfault.si_addr' \
		-ex 'info registers rip eflags cs ss' -ex 'p value' -ex 'info proc exe' |
		grep -aE '^(#|\$|rip|eflags|cs|ss|exe|Core was|Program term)' | sed 's,[^ ]*/core_crash,core_crash,g' >"$1.seen"
	ask "$1" -ex 'thread apply all -s frame function circle -- p/x $r12' \
		-ex 'thread apply all -s p/x $xmm7.v2_int64' | grep -aoE '0x111[123]' | sort >>"$1.seen"
	ask "$1" -ex 'info proc mappings' | grep -a 'core_crash$' | sed 's,[^ ]*/,,' >>"$1.seen"
	readelf -nW "$1" 2>/dev/null | grep -aoE 'NT_[A-Z0-9_]+' >>"$1.seen"
}

ask()
{
	gdb -q -nx -batch "${@:2}" "$GUEST/core_crash" "$1" 2>&1
}

rm -f core
"$VELLUM" run --cpu host "$GUEST/core_crash" 2>/dev/null
[ -f core ] || { echo "Vellum leaves no core file"; exit 1; }
mv core vellum.core
look vellum.core
cat vellum.core.seen
for want in store 'recurse (n' 'main ()' '= 11' '(void \*) 0x10' '0x1111' '0x1112' '0x1113' \
	'core_crash$' NT_PRSTATUS NT_PRPSINFO NT_SIGINFO NT_AUXV NT_FILE NT_FPREGSET NT_X86_XSTATE; do
	grep -q -- "$want" vellum.core.seen || { echo "missing: $want"; bad=1; }
done
if grep -qx core /proc/sys/kernel/core_pattern && grep -qx 0 /proc/sys/kernel/core_uses_pid; then
	"$GUEST/core_crash" 2>/dev/null
	mv core native.core
	look native.core
	diff native.core.seen vellum.core.seen || bad=1
fi

# The file systems' word counts: nothing is written, and the status has no core bit.
"$VELLUM" run --read-only --strace "$GUEST/core_crash" 2>err
grep -q 'killed by SIGSEGV +++' err || { tail -n 2 err; echo "--read-only: a core?"; bad=1; }
[ ! -e core ] || { echo "--read-only: a core file"; bad=1; }
"$VELLUM" run --strace "$GUEST/core_crash" 2>err
grep -q 'killed by SIGSEGV (core dumped) +++' err || { tail -n 2 err; echo "no word of the core file"; bad=1; }
rm -f core
exit $bad
