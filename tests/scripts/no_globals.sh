# All that changes is in struct machine: no variable of src/, those inside functions included, can be
# written once the program is loaded, but for these.
# tags: quick
. "$SRC/tests/scripts/rules.bash"
cat >exceptions <<'END'
the_log_fd            a message may come before there is a machine (base/log.c)
regions               the host's signal handlers are given no machine (cpu/host_signals.c)
handler_stack         what they run on
leaves_known          what the host answers to CPUID, which never changes (cpu/cpuid.c)
nr_leaves_known       how much of that has been asked for
static_pool           a stub of Vellum's own code is given no machine (cpu/thunk_static.c)
__jit_debug_descriptor  gdb looks for it by this name (cpu/jit/names.c)
END
# shellcheck disable=SC2086
list=$(objects $every) || { echo "no object files here: make them first"; exit 77; }
# "VALUE FLAGS SECTION<tab>SIZE NAME". Of .data.rel.ro the loader alone writes.
# shellcheck disable=SC2086
(cd "$BUILD" && "${OBJDUMP:-objdump}" -t $list) | awk -v instrument="$instrument" '
	/file format/ { object = $1; sub(/:/, "", object); next }
	/ O / && /\*COM\*|[ \t]\.(t?data|t?bss)/ && !/\.data\.rel\.ro/ && $NF !~ instrument {
		sub(/\.[0-9]+$/, "", $NF)
		print $NF, object
	}' >found
excepted exceptions found "has the variable"
