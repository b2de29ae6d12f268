/* ioctl(PROCMAP_QUERY) of /proc/PID/maps: one area, found by address and properties, in binary.
 * See: Linux 6.18, do_procmap_query() in fs/proc/task_mmu.c, lib/buildid.c; proc_pid_maps(5). */
#include <elf.h>
#include <string.h>

#include "base/err.h"
#include "mm/uaccess.h"
#include "proc/procfs/internal.h"
#include "proc/procfs/maps.h"

/* struct procmap_query of the ABI. */
struct query {
	u64 size;		     /* in: of this struct, as the caller knows it */
	u64 query_flags, query_addr; /* in */
	u64 vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	u32 dev_major, dev_minor;
	u32 vma_name_size, build_id_size; /* in: room; out: used, the name with its NUL */
	u64 vma_name_addr, build_id_addr; /* in */
};
#define PROCMAP_QUERY_K 0xc0686611U

#define QUERY_READABLE BIT(0)
#define QUERY_WRITABLE BIT(1)
#define QUERY_EXECUTABLE BIT(2)
#define QUERY_SHARED BIT(3)
#define QUERY_COVERING_OR_NEXT BIT(4)
#define QUERY_FILE_BACKED BIT(5)
#define QUERY_VMA_FLAGS (QUERY_READABLE | QUERY_WRITABLE | QUERY_EXECUTABLE | QUERY_SHARED)
#define QUERY_FLAGS (BIT(6) - 1)

#define BUILD_ID_MAX 20U
#define NT_GNU_BUILD_ID_K 3
#define MAX_PHDRS 256U

static int get_query(struct mm_struct *mm, gva_t from, struct query *q)
{
	u64 size;
	int err;

	if (get_user(mm, size, from))
		return -EFAULT;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < offsetof(struct query, vma_start))
		return -EINVAL;
	err = copy_struct_from_user(mm, q, sizeof(*q), from, size);
	if (err)
		return err;
	if ((q->query_flags & ~QUERY_FLAGS) || !q->vma_name_size != !q->vma_name_addr ||
	    !q->build_id_size != !q->build_id_addr)
		return -EINVAL;
	q->size = size; /* it may have been changed since */
	return 0;
}

static u64 query_flags_of(const struct vm_area_struct *vma)
{
	u64 flags = 0;

	if (vma->vm_flags & VM_READ)
		flags |= QUERY_READABLE;
	if (vma->vm_flags & VM_WRITE)
		flags |= QUERY_WRITABLE;
	if (vma->vm_flags & VM_EXEC)
		flags |= QUERY_EXECUTABLE;
	if (vma->vm_flags & VM_MAYSHARE)
		flags |= QUERY_SHARED;
	return flags;
}

/* The area at @addr, or above it if the flags say so; NULL: none that has what is asked for. */
static struct vm_area_struct *query_matching_vma(struct mm_struct *mm, gva_t addr, u64 flags)
{
	struct vm_area_struct *vma = find_vma(mm, addr);
	u64 wanted = flags & QUERY_VMA_FLAGS;

	for (; vma; vma = vma_next(vma)) {
		bool file = vma->vm_file || vma->vm_mapping;

		if (vma->vm_start > addr && !(flags & QUERY_COVERING_OR_NEXT))
			return NULL;
		if ((query_flags_of(vma) & wanted) == wanted &&
		    (file || !(flags & QUERY_FILE_BACKED)))
			return vma;
		if (!(flags & QUERY_COVERING_OR_NEXT))
			return NULL;
	}
	return NULL;
}

/* --- build id ----------------------------------------------------------------------------- */

static bool read_at(struct file *f, void *buf, u64 n, u64 pos)
{
	return kernel_read(f, buf, n, pos) == (long)n;
}

/* The build id among the notes [pos, end); its length, 0: none. */
static u32 notes_build_id(struct file *f, u64 pos, u64 end, u8 id[BUILD_ID_MAX])
{
	struct {
		Elf64_Nhdr n;
		char name[4];
	} note;
	u64 next;

	for (; end - pos > sizeof(note) && pos < end; pos = next) {
		if (!read_at(f, &note, sizeof(note), pos))
			return 0;
		next = pos + sizeof(note.n) + ((note.n.n_namesz + 3UL) & ~3UL) +
		       ((note.n.n_descsz + 3UL) & ~3UL);
		if (next > end)
			return 0;
		if (note.n.n_type != NT_GNU_BUILD_ID_K || note.n.n_namesz != sizeof(note.name) ||
		    memcmp(note.name, "GNU", 4) || !note.n.n_descsz ||
		    note.n.n_descsz > BUILD_ID_MAX)
			continue;
		if (!read_at(f, id, note.n.n_descsz, pos + sizeof(note)))
			return 0;
		return note.n.n_descsz;
	}
	return 0;
}

/* The GNU build id of the ELF file that @vma maps; its length, 0: there is none. Reads the file. */
static u32 vma_build_id(const struct vm_area_struct *vma, u8 id[BUILD_ID_MAX])
{
	struct file *f = vma->vm_file;
	Elf64_Ehdr e;
	Elf64_Phdr ph;
	u32 n;

	/* 32-bit files carry other headers; no such program runs here. */
	if (!f || !read_at(f, &e, sizeof(e), 0) || memcmp(e.e_ident, ELFMAG, SELFMAG) ||
	    (e.e_type != ET_EXEC && e.e_type != ET_DYN) || e.e_ident[EI_CLASS] != ELFCLASS64)
		return 0;
	n = min((u32)e.e_phnum, MAX_PHDRS);
	for (u32 i = 0; i < n; i++) {
		u32 size;

		if (!read_at(f, &ph, sizeof(ph), e.e_phoff + i * sizeof(ph)))
			return 0;
		if (ph.p_type != PT_NOTE)
			continue;
		size = notes_build_id(f, ph.p_offset, ph.p_offset + ph.p_filesz, id);
		if (size)
			return size;
	}
	return 0;
}

/* --- the answer --------------------------------------------------------------------------- */

/* What is copied to the caller besides the struct. */
struct answer {
	struct maps_walk w;
	const char *name; /* NULL: none */
	u8 build_id[BUILD_ID_MAX];
};

/* 0, or -ENAMETOOLONG: the name or the id has no room. */
static int fill(struct query *q, struct answer *a, struct vm_area_struct *vma)
{
	struct vma_place at = vma_place(vma);
	u32 n;

	q->vma_start = vma->vm_start;
	q->vma_end = vma->vm_end;
	q->vma_flags = query_flags_of(vma);
	q->vma_page_size = PAGE_SIZE;
	q->vma_offset = at.offset;
	q->inode = at.ino;
	q->dev_major = at.major;
	q->dev_minor = at.minor;
	if (q->build_id_size) {
		n = vma_build_id(vma, a->build_id);
		if (n > q->build_id_size)
			return -ENAMETOOLONG;
		q->build_id_size = n;
	}
	if (q->vma_name_size) {
		a->name = vma_name(&a->w, vma);
		n = a->name ? strlen(a->name) + 1 : 0;
		if (n > q->vma_name_size || n > PATH_MAX)
			return -ENAMETOOLONG;
		q->vma_name_size = n;
	}
	return 0;
}

static long query(struct mm_struct *mm, struct mm_struct *to, gva_t arg, struct query *q,
		  struct answer *a)
{
	struct vm_area_struct *vma = query_matching_vma(mm, q->query_addr, q->query_flags);
	int err = vma ? fill(q, a, vma) : -ENOENT;

	if (err)
		return err;
	if (q->vma_name_size && copy_to_user(to, q->vma_name_addr, a->name, q->vma_name_size))
		return -EFAULT;
	if (q->build_id_size && copy_to_user(to, q->build_id_addr, a->build_id, q->build_id_size))
		return -EFAULT;
	return copy_to_user(to, arg, q, min(q->size, sizeof(*q))) ? -EFAULT : 0;
}

long proc_ioctl_maps(struct file *f, u32 cmd, u64 arg, struct mm_struct *curr_mm)
{
	struct mm_struct *mm = ((struct proc_mm_file *)f->private_data)->mm;
	struct answer *a;
	struct query q;
	long ret;

	if (cmd != PROCMAP_QUERY_K)
		return -ENOTTY;
	ret = get_query(curr_mm, arg, &q);
	if (ret)
		return ret;
	if (!mm || !mm->mm_users)
		return -ESRCH;
	a = kzalloc(mm->mem, sizeof(*a), GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	mmget(mm); /* a copy may sleep, and the process end */
	ret = maps_begin(&a->w, NULL, mm);
	if (!ret) {
		ret = query(mm, curr_mm, arg, &q, a);
		maps_end(&a->w);
	}
	kfree(f->vfs->mem, a);
	mmput(mm);
	return ret;
}
