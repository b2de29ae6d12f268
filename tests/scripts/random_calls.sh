# 10,000 random system calls: the guest may die of them, Vellum may not.
# tags: quick
[ "$VELLUM" = native ] && { echo "not safe on a real kernel"; exit 77; }
export ASAN_OPTIONS=exitcode=99:${ASAN_OPTIONS-} UBSAN_OPTIONS=exitcode=99:${UBSAN_OPTIONS-}
bad=0 finished=0
for seed in $(seq 25); do
	rm -rf box
	mkdir box box/dir
	status=0
	(cd box && timeout -k 1 20 "$VELLUM" --mem 64M "$GUEST/random_calls" "$seed" 1000 >../out 2>../err </dev/null) ||
		status=$?
	case $status in
	99 | 124 | 125) echo "seed $seed: exit status $status"; cat err; bad=1 ;;
	0) finished=$((finished + 1)) ;;
	*) echo "seed $seed: the guest ended with $status" ;;
	esac
	grep -aE 'Sanitizer|runtime error|VM_BUG|BUG at' err && { echo "seed $seed"; bad=1; }
done
echo "$finished of 25 runs of 1,000 calls came to their end"
[ "$finished" -ge 10 ] || bad=1
exit $bad
