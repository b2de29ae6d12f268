# 100,000 random memory calls, each followed by a comparison of maps, smaps and status with Linux: as
# so many seeds of 2,000 steps, most of them with MADV_FREE and kin, some with Referenced (-r).
#
# A host that takes pages out of its cache by itself (docs/adr/0003) differs from its own last run,
# now and then. So a seed that differs is run again, up to three times: it counts as the host's doing
# where one of these is the same to the last line, and Vellum prints now what it printed then.
#
# SEEDS=N in the environment: so many (50); FIRST=N: from this one on (1).
# tags: long
# limit: 1800
[ "$VELLUM" = native ] && { echo "about Vellum"; exit 77; }
seeds=${SEEDS:-50} first=${FIRST:-1} bad=0 host=0

# OUT: the first line of the program's that differs, and what Vellum printed there
line_of() { sed -n 's/^stdout, line \([0-9]*\):$/\1/p' "$1" | head -n 1; }
text_of() { sed -n 's/^  vellum //p' "$1" | head -n 1; }

# shellcheck disable=SC2086 # $mode may be nothing
again() {
	local line text

	for _ in 1 2 3; do
		line=$(line_of out) text=$(text_of out)
		nice "$VELLUM" run "$GUEST/random_mm" $mode "$seed" 2000 >mine 2>&1
		if [ -z "$line" ] || [ "$(sed -n "${line}p" mine)" != "$text" ]; then
			echo "Vellum's own runs differ, or an end does"
			return 1
		fi
		nice "$VELLUM" compare "$GUEST/random_mm" $mode "$seed" 2000 >out 2>&1 && return 0
		head -n 3 out
	done
	return 1
}

for ((seed = first; seed < first + seeds; seed++)); do
	mode=
	[ $((seed % 5)) -eq 0 ] && mode=-r
	# shellcheck disable=SC2086
	nice "$VELLUM" compare "$GUEST/random_mm" $mode "$seed" 2000 >out 2>&1 && continue
	echo "seed $seed $mode:"
	head -n 3 out
	if again; then
		echo "the same in another run: the host's doing"
		host=$((host + 1))
	else
		bad=$((bad + 1))
	fi
done
echo "$((seeds * 2000)) steps; of $seeds seeds $bad differ, and $host now and then, by the host's doing"
exit $((bad > 0))
