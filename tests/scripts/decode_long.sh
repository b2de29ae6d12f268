# The decoder against the host CPU, Zydis and Capstone: every encoding, and ten million byte strings.
#
# STRINGS=N SEED=N in the environment: others.
# tags: long
# limit: 1800
check=$BUILD/tests/diff/check_decode
[ -x "$check" ] || { echo "check_decode was not built"; exit 77; }
"$check" "${STRINGS:-10000000}" "${SEED:-20251121}"
