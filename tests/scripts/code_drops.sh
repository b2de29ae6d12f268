# A change drops the code that it meets, and no other: blocks dropped by 200 changes of each kind (tests/guest/code_drops.c),
# by the guest's stores, the kernel's, and with the page.
# tags: quick
[ "$VELLUM" = native ] && { echo "about Vellum's own counters"; exit 77; }
bad=0

for engine in interp jit; do
	while read -r how want; do
		"$VELLUM" run --engine=$engine --stats "$GUEST/code_drops" "$how" >out 2>err </dev/null || cat err
		"$GUEST/code_drops" "$how" | cmp - out || { echo "$how --engine=$engine: another output"; bad=1; }
		got=$(tr -s ' \n' ' ' <err | sed -nE 's/.* blocks decoded, ([0-9]+) dropped, .* stores beside code.*/\1/p')
		[ "$got" = $((200 * want)) ] || {
			echo "$how --engine=$engine: $got blocks dropped by 200 changes, not $want each"
			bad=1
		}
	done <<-END
		none 0
		store-beside 0
		store-onto 1
		store-onto-two 2
		read-beside 0
		read-onto 1
		file-beside 0
		file-onto 1
		mprotect 0
		munmap 20
		dontneed 20
		cow 20
	END
done
exit $bad
