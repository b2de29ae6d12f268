# Damaged ELF files: refused with one line, or run for what they are; Vellum never crashes.
# tags: quick
[ "$VELLUM" = native ] && { echo "about Vellum's loader"; exit 77; }
export ASAN_OPTIONS=exitcode=99:${ASAN_OPTIONS-} UBSAN_OPTIONS=exitcode=99:${UBSAN_OPTIONS-}
bad=0 refused=0 ran=0 slow=0
for seed in $(seq 200); do
	base=hello-musl
	[ $((seed % 4)) -eq 0 ] && base=hello-pie
	"$GUEST/mutate" "$GUEST/$base" mutant "$seed" || exit
	status=0
	timeout -k 1 3 "$VELLUM" --mem 64M ./mutant >out 2>err </dev/null || status=$?
	case $status in
	126)
		refused=$((refused + 1))
		[ "$(grep -c . err)" -eq 1 ] || { echo "seed $seed: 126 wants one line:"; cat err; bad=1; }
		;;
	99 | 125) echo "seed $seed: exit status $status"; cat err; bad=1 ;;
	124 | 137) slow=$((slow + 1)) ;; # damaged code may loop
	*) ran=$((ran + 1)) ;;
	esac
	grep -aE 'Sanitizer|runtime error|VM_BUG|BUG at' err && { echo "seed $seed"; bad=1; }
done
echo "$refused refused, $ran ran, $slow over the time limit"
[ "$refused" -gt 0 ] && [ "$slow" -le 5 ] || bad=1
exit $bad
