# Inside cpu_run() nothing foreign is reached: vcore.o, which holds it, calls nothing outside but what
# src/cpu/core-imports.txt lists, and has SIMD and x87 instructions only where core-simd.txt says.
# The build itself stops on that, with each compiler and option; this names it and says what is left.
# tags: quick
[ -e "$BUILD/vcore.o" ] || { echo "no vcore.o here: make it first"; exit 77; }
cd "$BUILD" || exit
nm vcore.o | grep -q ' T cpu_run$' || { echo "vcore.o is not the core: no cpu_run()"; exit 1; }
sanitized=
[ "$ENABLE_ASAN" = yes ] && sanitized=--sanitized
# shellcheck disable=SC2086 # none, or one word
NM=nm OBJDUMP=objdump sh "$SRC/build-aux/check-core-symbols" $sanitized vcore.o libvcore.a \
	"$SRC/src/cpu/core-imports.txt" "$SRC/src/cpu/core-simd.txt" "$SRC/src/cpu/core-calls.txt" || exit
for list in imports simd calls; do
	sed -n "s/^\([a-z].*\)/exception ($list): \1/p" "$SRC/src/cpu/core-$list.txt"
done
