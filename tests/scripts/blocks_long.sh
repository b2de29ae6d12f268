# A million blocks at random, and more, translated and interpreted side by side; CASES and SEED in the environment choose others.
# tags: long
# limit: 3600
[ -x "$BUILD/tests/diff/check_blocks" ] || { echo "check_blocks was not built"; exit 77; }
[ "$VELLUM" = native ] && exit 77
"$BUILD/tests/diff/check_blocks" --cases "${CASES:-100000}" --seed "${SEED:-1000000}" || exit
# Code as compilers make it, and of random bytes, against single steps.
LOCKSTEP_RUNS=${RUNS:-300000} "$BUILD/tests/cpu/check_cpu" lockstep
