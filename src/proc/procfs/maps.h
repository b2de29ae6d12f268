/* What the files about areas share: maps and numa_maps (maps.c), smaps (smaps.c), and the query of one
 * (maps_query.c). */
#ifndef PROC_PROCFS_MAPS_H
#define PROC_PROCFS_MAPS_H

#include "mm/mm.h"
#include "proc/procfs/pen.h"

/* Walk state: neighbours are often of one file, so its name is asked for once. */
struct maps_walk {
	struct pen pen;
	struct mm_struct *mm;
	struct file *named; /* whose path is in @name */
	char *name;	    /* PATH_MAX, NUL-terminated */
};

/* @out NULL: only names are asked for. 0 or -ENOMEM; maps_end() writes what is left. */
int maps_begin(struct maps_walk *w, struct seq *out, struct mm_struct *mm);
void maps_end(struct maps_walk *w);

/* The last column, NULL: none. Files' names may hold newlines. Valid until the next call. */
const char *vma_name(struct maps_walk *w, struct vm_area_struct *vma);

/* Where in which file an area begins; all 0: in none. */
struct vma_place {
	u64 offset; /* bytes */
	u32 major, minor;
	u64 ino;
};
struct vma_place vma_place(const struct vm_area_struct *vma);

/* The line of maps about @vma, and that of the vsyscall page, which has no area. See: show_map_vma(). */
void show_map_line(struct maps_walk *w, struct vm_area_struct *vma);
void show_vsyscall_line(struct pen *p);
/* Blanks up to the name's column in a line that began at @line characters into the pen. */
void pad_to_name(struct pen *p, u32 line);

#endif
