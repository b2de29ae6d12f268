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
expect 135 "$VELLUM" "$GUEST/dies" bus
expect 125 "$VELLUM" --no-such-option "$GUEST/hello-musl"
expect 125 "$VELLUM" --mem nonsense "$GUEST/hello-musl"
expect 127 "$VELLUM" no-such-program-anywhere
expect 127 "$VELLUM" ./no-such-file
expect 126 "$VELLUM" "$DATA/corpus.txt"
echo 'not an ELF file' >junk
chmod +x junk
expect 126 "$VELLUM" ./junk
expect 126 "$VELLUM" "$PWD"
# The guest's own options pass through.
expect 0 "$VELLUM" "$GUEST/hello-musl" --help
grep -q '1: --help' out || { echo "the guest did not get its --help"; bad=1; }
exit $bad
