# Storms: random system calls and random signals from several tasks at once. Vellum stays up, comes
# to its end, and its checks hold (VELLUM_CHECK).
# tags: quick
[ "$VELLUM" = native ] && { echo "not safe on a real kernel"; exit 77; }
export ASAN_OPTIONS=exitcode=99:${ASAN_OPTIONS-} UBSAN_OPTIONS=exitcode=99:${UBSAN_OPTIONS-}
export VELLUM_CHECK=1
bad=0
for seed in $(seq "${SEEDS:-5}"); do
	rm -rf box
	mkdir box box/dir
	status=0
	(cd box && timeout -k 1 60 "$VELLUM" --mem 128M "$GUEST/storm" "$seed" 8 300 >../out 2>../err </dev/null) ||
		status=$?
	cat out
	[ "$status" -eq 0 ] && grep -q 'all tasks ended' out ||
		{ echo "seed $seed: exit status $status"; cat err; bad=1; }
	grep -aE 'Sanitizer|runtime error|VM_BUG|BUG at' err && { echo "seed $seed"; bad=1; }
done
exit $bad
