# Hosts that grant less: what can go on does, with a line that says what is missing; and no memory of Vellum's is ever
# writable and executable.
# tags: quick
[ "$VELLUM" = native ] && { echo "about Vellum's own memory"; exit 77; }
${CC:-cc} -O1 -o refuse "$SRC/tests/scripts/refuse.c" || { echo "no compiler"; exit 77; }
bad=0
fail() { echo "$*"; [ ! -s err ] || cat err; bad=1; }

# expect WHAT LINE [OPTION...]: a program that has code worth translating; LINE is all of stderr
expect()
{
	local what=$1 line=$2 got=0
	shift 2
	./refuse "$what" "$VELLUM" run --engine=jit "$@" "$GUEST/$program" >out 2>err </dev/null || got=$?
	[ $got = 77 ] && { echo "$what: this host cannot be made so"; return; }
	[ $got = 0 ] || fail "$what: exit status $got"
	cmp -s out wanted || fail "$what: another output"
	grep -vxE "$line" err && fail "$what: unexpected lines"
	[ -z "$line" ] || [ "$(grep -cxE "$line" err)" = 1 ] || fail "$what: not the line: $line"
}
program=floats
"$GUEST/$program" >wanted </dev/null
interpreted='vellum: no translation, all is interpreted'
expect big-exec "$interpreted: it grants no executable memory for it"
expect big-exec '' --jit-cache 512K
expect fsgsbase "$interpreted: the host lacks FSGSBASE"
expect memfd ''
[ "$ENABLE_ASAN" = yes ] || expect mdwe ''

# No executable memory at all: vector instructions are Vellum's own code, to the same result, row by row.
slowly='vellum: this host grants no executable memory: all is interpreted, vector instructions slowly, as --cpu'
expect exec "$slowly v2"
expect exec "$slowly v1" --cpu v1
expect exec "$slowly v2" --engine=interp
program=numeric-v2
"$GUEST/$program" >wanted </dev/null
expect exec "$slowly v2"
if [ -x "$BUILD/tests/diff/check_vec" ]; then
	got=0
	./refuse exec "$BUILD/tests/diff/check_vec" --cpu v2 --rounds 30 >out 2>&1 || got=$?
	[ $got = 0 ] || [ $got = 77 ] || { fail "check_vec without executable memory"; tail out; }
fi

# No large files: the code is in none then, and the guest is who gets SIGXFSZ.
program=floats
"$GUEST/$program" >wanted </dev/null
for engine in interp jit; do
	(ulimit -f 64; exec "$VELLUM" run --engine=$engine "$GUEST/$program") >out 2>err </dev/null || fail "ulimit -f 64, $engine"
	cmp -s out wanted && [ ! -s err ] || fail "ulimit -f 64, $engine: another output"
done
got=0
"$VELLUM" run sh -c 'ulimit -f 1; exec head -c 9999 /dev/zero' >out 2>err </dev/null || got=$?
[ $got = 153 ] || fail "SIGXFSZ of the guest's: $got"
(trap '' XFSZ; "$VELLUM" run sh -c 'ulimit -f 1; exec head -c 9999 /dev/zero' >out 2>err </dev/null) && fail "no error"
grep -q 'File too large' err || fail "SIGXFSZ ignored"

# Sizes that cannot be.
for size in 0 100K 255K 2G; do
	"$VELLUM" run --engine=jit --jit-cache $size "$GUEST/hello-musl" >out 2>err && fail "--jit-cache $size is taken"
	grep -qE "^vellum: --jit-cache: '$size' is not a size from 256K to 1G" err || fail "--jit-cache $size: not the line"
done

# What the host's kernel says of Vellum's memory, while translated code runs.
"$VELLUM" run --engine=jit --jit-cache 1M sleep 5 </dev/null &
for _ in 1 2 3 4 5 6 7 8 9 10; do
	sleep 0.1
	grep -q 'r-xs.*vellum-code' /proc/$!/maps && break
done
cat /proc/$!/maps >maps
kill $!
[ "$(grep -c 'r-xs.*vellum-code' maps)" = 2 ] || { fail "not two mappings with code:"; cat maps; }
[ "$(grep -c 'rw-s.*vellum-code' maps)" = 2 ] || { fail "not two mappings to write it by:"; cat maps; }
grep -E '^[^ ]* .wx' maps && fail "writable and executable"
exit $bad
