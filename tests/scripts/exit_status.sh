# Vellum ends as the guest did; 125 is its own failure, 126 not executable, 127 not found.
# tags: quick
[ "$VELLUM" = native ] && { echo "about Vellum's own exit status"; exit 77; }
bad=0

# expect STATUS COMMAND...
expect()
{
	local want=$1 got=0
	shift
	"$@" >out 2>err </dev/null || got=$?
	[ "$got" = "$want" ] || { echo "exit status $got, not $want: $*"; cat err; bad=1; }
}

expect 0 "$VELLUM" --version
expect 0 "$VELLUM" --help
expect 0 "$VELLUM" "$GUEST/hello-musl"
expect 3 "$VELLUM" run "$GUEST/hello-musl" 1 2 3
expect 7 "$VELLUM" "$GUEST/algorithms"
expect 42 "$VELLUM" "$GUEST/dies"
expect 255 "$VELLUM" "$GUEST/dies" _exit
expect 44 "$VELLUM" "$GUEST/dies" exit 300
# The shell shows 128 + n for a signal.
expect 134 "$VELLUM" "$GUEST/dies" abort
expect 139 "$VELLUM" "$GUEST/dies" null
expect 136 "$VELLUM" "$GUEST/dies" divide
expect 132 "$VELLUM" "$GUEST/dies" ud2
grep . err && { echo "a line for UD2, which is meant"; bad=1; }
expect 135 "$VELLUM" "$GUEST/dies" bus
# What the model lacks has one line that says where, in which function, what, and why.
expect 132 "$VELLUM" run --cpu v1 "$GUEST/dies" avx
grep -qE '^vellum: unsupported instruction: at 0x[0-9a-f]+ <main.*>: c5 fd ef c0 \(vpxor .*\): AVX' err ||
	{ echo "no line for an unsupported instruction:"; cat err; bad=1; }
# So has what no model has.
expect 132 "$VELLUM" "$GUEST/dies" 3dnow
grep -qE '^vellum: unsupported instruction: at 0x[0-9a-f]+ <main.*>: 0f 0f c0 b4 \(pfmul .*\): not an' err ||
	{ echo "no line for an instruction without a row:"; cat err; bad=1; }
# A signal ignored by the caller does not hide how the guest ended.
expect 134 sh -c 'trap "" ABRT; "$@"' sh "$VELLUM" "$GUEST/dies" abort

# refused STATUS WORDS COMMAND...: one line, "vellum: what: why", with WORDS in it
refused()
{
	local want=$1 words=$2
	shift 2
	expect "$want" "$@"
	[ "$(grep -c . err)" -eq 1 ] && grep -qE "^vellum: .*$words" err && [ ! -s out ] ||
		{ echo "not one line with '$words': $*"; cat out err; bad=1; }
}

hello=$GUEST/hello-musl
refused 125 'unrecognized option' "$VELLUM" --no-such-option "$hello"
refused 125 'requires an argument' "$VELLUM" --mem
refused 125 'not a size' "$VELLUM" --mem nonsense "$hello"
refused 125 'not a size' "$VELLUM" --mem 99999999999G "$hello"
refused 125 '4M to 1T' "$VELLUM" --mem 1K "$hello"
refused 125 'powers of two' "$VELLUM" --tlb 3,1x1 "$hello"
refused 125 'see vellum --help' "$VELLUM"
refused 125 'No such file' "$VELLUM" --log /no/such/folder/log "$hello"
refused 125 'descriptors: at least' sh -c 'ulimit -n 10; exec "$@"' sh "$VELLUM" "$hello"
expect 0 sh -c 'ulimit -n 32; exec "$@"' sh "$VELLUM" "$hello"
refused 127 'not found in PATH' "$VELLUM" no-such-program-anywhere
refused 127 'No such file' "$VELLUM" ./no-such-file
refused 126 'is a directory' "$VELLUM" "$PWD"
refused 126 'not executable' "$VELLUM" "$DATA/corpus.txt"
echo 'not an ELF file' >text
: >empty
head -c 40 "$hello" >short
# EI_CLASS 1, EM_386
{ printf '\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0'; head -c 200 /dev/zero; } >i386
chmod +x text empty short i386
refused 126 'not an ELF file' "$VELLUM" ./text
refused 126 'not an ELF file' "$VELLUM" ./empty
refused 126 '' "$VELLUM" ./short
refused 126 'not a 64-bit' "$VELLUM" ./i386
expect 0 "$VELLUM" /bin/true

# --help fits a screen of 24 lines; that of a command names each option.
"$VELLUM" --help >help
[ "$(wc -l <help)" -le 24 ] && [ "$(wc -L <help)" -le 80 ] || { echo "--help is long:"; cat help; bad=1; }
"$VELLUM" run --help >help
"$VELLUM" compare --help >help-compare
[ "$(wc -l <help)" -le 36 ] && [ "$(cat help help-compare | wc -L)" -le 80 ] ||
	{ echo "run --help is long:"; cat help help-compare; bad=1; }
sed -nE 's/^(OPTION|ASK_OPTION)\([^,]+, "([^"]+)".*/--\2/p' "$SRC/src/cli/options.def" | while read -r option; do
	grep -qe "$option" help && grep -qe "$option" help-compare || echo "--help lacks $option"
done | grep . && bad=1

# A virtual clock repeats, sleeps included; the host's does not.
clocks='busybox date +%s.%N; busybox sleep 0.05; busybox cat /proc/uptime'
for run in 1 2 3; do
	[ $run = 3 ] || virtual=--deterministic
	expect 0 "$VELLUM" ${virtual-} -E PATH="$DATA/bin" "$(command -v busybox)" sh -c "$clocks"
	mv out clocks.$run
	unset virtual
done
cmp clocks.1 clocks.2 && ! cmp -s clocks.1 clocks.3 || { echo "--deterministic:"; cat clocks.?; bad=1; }
# The caller's variables are the guest's, less Vellum's own, those set and those removed.
expect 0 env -i A=1 B=2 VELLUM_CHECK=1 "$VELLUM" --unset A --env C=3 "$(command -v busybox)" env
[ "$(sort out)" = "$(printf 'B=2\nC=3')" ] || { echo "--unset, --env:"; cat out; bad=1; }

# The guest's own options pass through.
expect 0 "$VELLUM" "$GUEST/hello-musl" --help
grep -q '1: --help' out || { echo "the guest did not get its --help"; bad=1; }
exit $bad
