# Translated code: rows against the host CPU, programs against themselves run natively, and in lockstep with the
# interpreter, which ends Vellum on the first difference.
# tags: quick
# limit: 900
[ -x "$BUILD/tests/diff/check_vec" ] || { echo "check_vec was not built"; exit 77; }
[ "$VELLUM" = native ] && exit 77
bad=0
for check in insn vec; do
	"$BUILD/tests/diff/check_$check" --jit --rounds "${ROUNDS:-10}" >"$check.log" ||
		{ status=$?; [ $status -eq 77 ] && exit 77; cat "$check.log"; bad=$((bad + 1)); }
	tail -n 2 "$check.log"
done

# The room's unit tests, each block translated when it is first entered.
for engine in jit lockstep; do
	FLAT_TRANSLATE=$engine "$BUILD/tests/cpu/check_cpu" >cpu.log 2>&1 ||
		{ echo "check_cpu, FLAT_TRANSLATE=$engine:"; grep -vE 'passed$' cpu.log; bad=$((bad + 1)); }
done

# compare ENGINE PROGRAM...
compare()
{
	for program in "${@:2}"; do
		VELLUM_ENGINE=$1 timeout -k 1 200 "$VELLUM" compare "$GUEST/$program" >out 2>&1 </dev/null && continue
		echo "$program, --engine=$1:"
		tail -n 60 out
		bad=$((bad + 1))
	done
}
compare jit hello-glibc hello-musl hello-pie algorithms floats integers fft-v1 fft-v2 code_changes selfmod \
	stale_code faults hot_faults hot_code bad_frames signals dies
# --check: no look-up may hit inline, and each program comes to an end all the same.
VELLUM_CHECK=1 VELLUM_TLB=16,2x8 compare jit hello-glibc hello-musl integers hot_code
compare lockstep hello-glibc hello-musl hello-pie floats code_changes selfmod hot_faults
# The least code memory that there can be: what runs is driven out again and again.
VELLUM_JIT_CACHE=256K compare jit algorithms floats hot_code
VELLUM_JIT_CACHE=256K compare lockstep hello-glibc floats
echo "checks and programs that differ: $bad"
[ $bad = 0 ]
