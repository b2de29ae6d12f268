# Each new area takes one object of vm_area_struct, and gives it back.
# tags: quick
[ "$VELLUM" = native ] && { echo "a real kernel's slabinfo counts everybody's objects"; exit 77; }
for n in 1 10 3000; do
	"$VELLUM" "$GUEST/vma_slab" $n || exit
done
