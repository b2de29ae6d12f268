# Flags of /proc/cpuinfo under --cpu host: each is in the host's line too, and in the same order; what CPUID's leaf
# 0xd offers is there. That each feature of feat.def has its flag is a unit test's.
# tags: quick
[ "$VELLUM" = native ] && { echo "compares with the host's"; exit 77; }
flags() { sed -n '/^flags/{s/.*: //;s/ /\n/gp;q}'; }

flags </proc/cpuinfo >host
"$VELLUM" --cpu host "$(command -v busybox)" cat /proc/cpuinfo | flags >here
if [ ! -s host ] || [ ! -s here ]; then
	echo "no flags"
	exit 1
fi
grep -xFf here host >both
cmp -s both here || { echo "not in the host's flags, or in another order:"; diff both here; exit 1; }
# Rows with a subleaf: Vellum does all of these where the host has them.
sed -nE 's/^CPU_FLAG\(0xd, .* (\w+)\)$/\1/p' "$SRC/src/proc/procfs/cpu_flags.def" | grep -xFf host >there
! grep -vxFf here there || { echo "the host has them, and CPUID here"; exit 1; }
