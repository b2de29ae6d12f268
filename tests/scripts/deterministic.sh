# With --deterministic a run is the same each time, whatever the engine, threads and timers included: its output, its
# system calls, its page faults and its switches. Clocks are virtual there: an hour's sleep takes no time, and every
# clock agrees that it did.
# tags: quick
[ "$VELLUM" = native ] && { echo "about --deterministic"; exit 77; }
bad=0

# once FILE SEED PROGRAM ARGS...: what can be seen of a run
once()
{
	local to=$1 seed=$2
	shift 2
	timeout 60 "$VELLUM" run --deterministic --seed "$seed" --strace --trace=sched:*,exceptions:* --log "$to.log" \
		"$@" >"$to.out" 2>&1
	echo "status $?" >>"$to.out"
}

# the programs' own names for what they saw are not all alike: only two runs of the same are
for program in futex_pi futex_waitv rseq_abort races posix_timers; do
	once first 1 "$GUEST/$program"
	once second 1 "$GUEST/$program"
	[ -s first.log ] || { echo "$program: nothing traced"; bad=1; }
	cmp first.out second.out && cmp first.log second.log || { echo "$program: two runs differ"; bad=1; }
done
# Another seed, another order; and that one repeats, too.
once other 7 "$GUEST/races"
once again 7 "$GUEST/races"
once first 1 "$GUEST/races"
cmp other.log again.log || { echo "seed 7: two runs differ"; bad=1; }
cmp -s first.log other.log && { echo "two seeds, one run"; bad=1; }

# The engine is not to be seen: what each instruction costs, where a turn ends, and when a timer expires.
for program in races posix_timers futex_pi "signal_storm 60" hot_code; do
	for engine in interp jit lockstep; do
		[ "$program" = hot_code ] && [ $engine = lockstep ] && continue # half a minute
		VELLUM_ENGINE=$engine once $engine 7 $GUEST/$program
	done
	[ -s interp.log ] || { echo "$program: nothing traced"; bad=1; }
	for engine in jit lockstep; do
		[ -e $engine.log ] || continue
		cmp interp.out $engine.out && cmp interp.log $engine.log || { echo "$program: interp and $engine differ"; bad=1; }
	done
	rm -f {interp,jit,lockstep}.{out,log}
done

# An hour in less than ten seconds of anybody's.
timeout 10 "$VELLUM" run --deterministic "$GUEST/virtual_hour" >hour || { echo "an hour of virtual time: status $?"; bad=1; }
cat >want <<-END
	REALTIME 3600
	MONOTONIC 3600
	BOOTTIME 3600
	time 3600
	tsc 3600
	timer expired 3600 times
	threads slept 4 x 3600
	poll 3600
END
diff want hour || bad=1
exit $bad
