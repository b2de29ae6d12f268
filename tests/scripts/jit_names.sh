# Tools of the host know translated code by name: perf through /tmp/perf-PID.map (--perf), gdb through its JIT interface
# (--gdb), backtrace included.
# tags: quick
[ "$VELLUM" = native ] && { echo "about Vellum's own code"; exit 77; }
bad=0
fail() { echo "$*"; bad=1; }

"$VELLUM" run --engine=jit --perf "$GUEST/algorithms" >out 2>err </dev/null &
map=/tmp/perf-$!.map
wait $!
[ -s "$map" ] || { echo "no $map"; cat err; exit 1; }
mv "$map" map
grep -vxE '[0-9a-f]+ [0-9a-f]+ guest [[:graph:]]+' map && fail "other lines"
grep -qE ' guest [a-z_]+\+(0x)?[0-9a-f]+$' map || fail "no name of the program's"
[ "$(stat -c %a map)" = 600 ] || fail "others may read it"
# Translations do not overlap.
sort map | while read -r at size _; do
	[ $((0x$at)) -ge "${end:-0}" ] || { echo "overlap at $at"; exit 1; }
	end=$((0x$at + 0x$size))
done || bad=1

# Another program's code, at the same addresses, has not the first one's names.
"$VELLUM" run --engine=jit --perf busybox sh -c "$GUEST/algorithms >/dev/null; exec $GUEST/hello-glibc" >out 2>err </dev/null &
map=/tmp/perf-$!.map
wait $!
mv "$map" map
[ "$(wc -l <map)" -ge 50 ] || fail "algorithms and busybox: $(wc -l <map) translations"
[ "$(grep -cE ' guest [a-z_]+\+' map)" -le 80 ] || { fail "names of another program"; grep -E ' guest [a-z_]+\+' map | head; }

for option in --perf --gdb; do
	"$VELLUM" run --engine=interp $option "$GUEST/hello-musl" 2>err >/dev/null </dev/null
	[ "$(cat err)" = "vellum: --perf, --gdb: nothing is translated, so there is nothing to name" ] ||
		fail "$option of the interpreter: no line says that it does nothing"
done

command -v gdb >/dev/null || { [ $bad = 0 ] && echo "gdb is not installed"; exit $((bad ? 1 : 77)); }
"$VELLUM" run --engine=jit --gdb sh -c 'i=0; while [ $i -lt 100000000 ]; do i=$((i + 1)); done' </dev/null &
pid=$!
# It may just then stand in the interpreter.
for _ in 1 2 3 4 5; do
	sleep 0.3
	timeout 60 gdb -q -batch -p $pid -ex bt >bt 2>gdb.err && grep -qE '^#0 .* guest_0x[0-9a-f]+ \(\)' bt &&
		grep -q '^#[1-9].* cpu_run ' bt && grep -q '^#[1-9].* task_loop ' bt && break
	grep -qiE 'ptrace: Operation not permitted|not be traced' gdb.err && { kill $pid; echo "gdb may not attach"; exit 77; }
	: >bt
done
kill $pid
[ -s bt ] || { cat gdb.err; fail "gdb does not know where it is"; }
exit $bad
