# Instructions against the host CPU as `--cpu v3` has them: what handlers and the decoder do below
# `--cpu host` (which the unit programs check_insn, check_vec and check_bytes compare) is compared, too.
[ -x "$BUILD/tests/diff/check_vec" ] || { echo "check_vec was not built"; exit 77; }
"$BUILD/tests/diff/check_insn" --cpu v3 --rounds 60 >"$OUT/diff_v3.log" || status=1
"$BUILD/tests/diff/check_vec" --cpu v3 --rounds 60 >>"$OUT/diff_v3.log" || status=1
"$BUILD/tests/diff/check_bytes" --cpu v3 --trials 60000 >>"$OUT/diff_v3.log" || status=1
cat "$OUT/diff_v3.log"
grep -q '^no such --cpu' "$OUT/diff_v3.log" && { echo "the host is no v3"; exit 77; }
exit ${status:-0}
