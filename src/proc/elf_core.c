/* The core file's bytes. See elf_core.h; fs/binfmt_elf.c, arch/x86/kernel/fpu/xstate.c. */
#include "proc/elf_core.h"

#include <elf.h>
#include <string.h>
#include <sys/stat.h>

#include "cpu/fpu.h"
#include "fs/iov_iter.h"
#include "mm/uaccess.h"
#include "mm/vmalloc.h"
#include "proc/coredump.h"
#include "proc/ptrace.h"
#include "proc/task.h"
#include "proc/vsyscall.h"

#define NT_X86_XSAVE_LAYOUT_K 0x205U
#define PF_DUMPCORE_K 0x200UL
#define PF_SIGNALED_K 0x400UL
#define BREATH 64U /* pages, after which others have a turn */

/* An area as it was when the dump began: whoever shares the address space may change it meanwhile. */
struct core_vma {
	gva_t start, end;
	u64 dump_size; /* bytes of it in the file */
	u64 pgoff;
	struct file *file; /* a reference, or NULL */
	const char *name;  /* of what has no file and is listed as one; NULL: is not */
	u32 p_flags;	   /* PF_* */
	u32 name_len;	   /* in NT_FILE, with the NUL; 0: is not there */
	u64 unused;	   /* a page holds a whole number of these */
};
_Static_assert(PAGE_SIZE % sizeof(struct core_vma) == 0, "struct core_vma");

struct core_writer {
	const struct core_params *p;
	struct mm_struct *mm;
	u64 pos, to_skip; /* bytes: so far; and of a hole from there on */
	u64 written;
	gva_t vmas; /* vmalloc: nr_vmas of struct core_vma */
	u64 nr_vmas;
	u64 nr_files, names_size; /* of NT_FILE: entries, bytes of their names */
	void *buf;		  /* PAGE_SIZE bytes: a page, regset or name on its way */
};

static struct core_vma *vma_at(const struct core_writer *w, u64 i)
{
	return vmalloc_to_virt(w->mm->mem, w->vmas + i * sizeof(struct core_vma));
}

/* --- bytes --------------------------------------------------------------------------------------- */

static void dump_skip(struct core_writer *w, u64 n)
{
	w->to_skip += n;
}

/* False: that was the end: the limit, SIGKILL, or the file takes no more. */
static bool dump_emit(struct core_writer *w, const void *data, u64 n)
{
	u64 room = rlimit(w->p->t, RLIMIT_FSIZE);
	struct iovec iov = {(void *)data, n};
	struct iov_iter from = {.iov = &iov, .nr_segs = 1};

	if (w->written + n > w->p->limit || fatal_signal_pending(w->p->t))
		return false;
	w->pos += w->to_skip;
	w->to_skip = 0;
	room = room > w->pos ? room - w->pos : 0;
	from.count = min(n, room);
	if (from.count && vfs_write(w->p->file, &from, &w->pos) != (long)min(n, room))
		return false;
	w->written += n;
	return n <= room;
}

static u64 align4(u64 n)
{
	return (n + 3) & ~3UL;
}

static bool dump_align4(struct core_writer *w)
{
	static const u8 zeros[4];

	return dump_emit(w, zeros, align4(w->pos) - w->pos);
}

/* --- notes --------------------------------------------------------------------------------------- */

static u64 note_size(const char *name, u64 len)
{
	return sizeof(Elf64_Nhdr) + align4(strlen(name) + 1) + align4(len);
}

/* Its header and name; @len bytes are the caller's to follow. */
static bool begin_note(struct core_writer *w, const char *name, u32 type, u64 len)
{
	Elf64_Nhdr n = {.n_namesz = strlen(name) + 1, .n_descsz = len, .n_type = type};

	return dump_emit(w, &n, sizeof(n)) && dump_emit(w, name, n.n_namesz) && dump_align4(w);
}

static bool write_note(struct core_writer *w, const char *name, u32 type, const void *data, u64 len)
{
	return begin_note(w, name, type, len) && dump_emit(w, data, len) && dump_align4(w);
}

/* struct elf_prstatus of <sys/procfs.h>, which cannot be had together with mm/'s names. */
struct core_prstatus {
	s32 si_signo, si_code, si_errno; /* code and errno: always 0 */
	s16 cursig;
	u64 sigpend, sighold;
	s32 pid, ppid, pgrp, sid;
	s64 utime[2], stime[2], cutime[2], cstime[2]; /* seconds, microseconds */
	u64 reg[27];
	s32 fpvalid;
};
_Static_assert(sizeof(struct core_prstatus) == 336, "struct elf_prstatus");

/* struct elf_prpsinfo */
struct core_prpsinfo {
	s8 state, sname, zomb, nice;
	u64 flag;
	u32 uid, gid;
	s32 pid, ppid, pgrp, sid;
	char fname[16], psargs[80];
};
_Static_assert(sizeof(struct core_prpsinfo) == 136, "struct elf_prpsinfo");

static void set_time(s64 tv[2], u64 ns)
{
	tv[0] = (s64)(ns / NSEC_PER_SEC);
	tv[1] = (s64)(ns % NSEC_PER_SEC / 1000);
}

static bool write_prstatus(struct core_writer *w, struct task_struct *t)
{
	struct core_prstatus st;
	u64 utime, stime, cutime, cstime;

	memset(&st, 0, sizeof(st));
	st.si_signo = st.cursig = (s16)w->p->info->si_signo;
	st.sigpend = t->pending.signal & ~sigmask_k(SIGKILL); /* that has had its effect */
	st.sighold = t->blocked;
	st.pid = t->pid;
	st.ppid = task_ppid(t);
	st.pgrp = t->signal->pgrp;
	st.sid = t->signal->session;
	if (thread_group_leader(t))
		group_cputime(t, &utime, &stime);
	else
		task_cputime(t, &utime, &stime);
	task_children_cputime(t, &cutime, &cstime);
	set_time(st.utime, utime);
	set_time(st.stime, stime);
	set_time(st.cutime, cutime);
	set_time(st.cstime, cstime);
	ptrace_get_regset(t, NT_PRSTATUS, w->buf);
	memcpy(st.reg, w->buf, sizeof(st.reg));
	st.fpvalid = 1;
	return write_note(w, "CORE", NT_PRSTATUS, &st, sizeof(st));
}

/* Of the process: its number is the leader's. */
static bool write_prpsinfo(struct core_writer *w)
{
	const struct task_struct *t = w->p->t, *leader = t->signal->leader;
	const struct mm_struct *mm = w->mm;
	struct core_prpsinfo ps;
	u64 len = min(mm->arg_end - mm->arg_start, sizeof(ps.psargs) - 1), got;
	bool runs;

	if (!leader)
		leader = t;
	runs = leader == t;
	memset(&ps, 0, sizeof(ps));
	got = len - copy_from_user(w->mm, ps.psargs, mm->arg_start, len);
	for (u64 i = 0; i < got; i++)
		if (!ps.psargs[i])
			ps.psargs[i] = ' ';
	/* The kernel's bit of the state: a leader that waits for us is "disk sleep"; TASK_DEAD, which has no letter. */
	ps.state = (s8)(runs ? 0 : task_is_dead(leader) ? 8 : 2);
	ps.sname = (s8)(runs ? 'R' : task_is_dead(leader) ? '.' : 'D');
	ps.nice = (s8)leader->nice;
	ps.flag = (leader->signaled ? PF_SIGNALED_K : 0) | (runs ? PF_DUMPCORE_K : 0);
	ps.uid = leader->uid;
	ps.gid = leader->gid;
	ps.pid = leader->pid;
	ps.ppid = task_ppid(leader);
	ps.pgrp = t->signal->pgrp;
	ps.sid = t->signal->session;
	memcpy(ps.fname, leader->comm, sizeof(ps.fname));
	return write_note(w, "CORE", NT_PRPSINFO, &ps, sizeof(ps));
}

/* Bytes up to the pair AT_NULL, which belongs to it. */
static u64 auxv_size(const struct mm_struct *mm)
{
	u64 i = 0;

	do
		i += 2;
	while (i < AT_VECTOR_SIZE && mm->saved_auxv[i - 2]);
	return i * sizeof(u64);
}

/* Which file each area is of: a table, and then the names, in the same order. */

static u64 files_note_len(const struct core_writer *w)
{
	return (2 + 3 * w->nr_files) * sizeof(u64) + w->names_size;
}

static bool has_files_note(const struct core_writer *w)
{
	return files_note_len(w) < (u64)w->p->t->machine->sysctl[SYSCTL_core_file_note_size_limit];
}

/* A name as long as it was when the note's length was told. */
static bool write_file_name(struct core_writer *w, const struct core_vma *v)
{
	char *name = w->buf;

	memset(name, 0, PATH_MAX);
	if (!v->file)
		strcpy(name, v->name);
	else if (d_path(&v->file->f_path, name, PATH_MAX) < 0)
		strcpy(name, "?");
	name[v->name_len - 1] = '\0';
	return dump_emit(w, name, v->name_len);
}

static bool write_files_note(struct core_writer *w)
{
	u64 head[2] = {w->nr_files, PAGE_SIZE};

	if (!begin_note(w, "CORE", NT_FILE, files_note_len(w)) || !dump_emit(w, head, sizeof(head)))
		return false;
	for (u64 i = 0; i < w->nr_vmas; i++) {
		const struct core_vma *v = vma_at(w, i);
		u64 entry[3] = {v->start, v->end, v->pgoff};

		if (v->name_len && !dump_emit(w, entry, sizeof(entry)))
			return false;
	}
	for (u64 i = 0; i < w->nr_vmas; i++)
		if (vma_at(w, i)->name_len && !write_file_name(w, vma_at(w, i)))
			return false;
	return dump_align4(w);
}

/* What each thread has besides NT_PRSTATUS. */
static const struct {
	u32 type;
	const char *name;
} thread_notes[] = {{NT_PRFPREG, "CORE"}, {NT_X86_XSTATE, "LINUX"}};

static u64 thread_notes_size(struct task_struct *t)
{
	u64 size = note_size("CORE", sizeof(struct core_prstatus));

	for (unsigned i = 0; i < ARRAY_SIZE(thread_notes); i++) {
		long len = ptrace_regset_size(t, thread_notes[i].type);

		size += len > 0 ? note_size(thread_notes[i].name, len) : 0;
	}
	return size;
}

static bool write_regsets(struct core_writer *w, struct task_struct *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(thread_notes); i++) {
		long len = ptrace_regset_size(t, thread_notes[i].type);

		if (len <= 0 || ptrace_get_regset(t, thread_notes[i].type, w->buf))
			continue;
		if (!write_note(w, thread_notes[i].name, thread_notes[i].type, w->buf, len))
			return false;
	}
	return true;
}

/* The components of NT_X86_XSTATE: number, bytes, place, and a word for the future. x86_xfeat_component */
struct core_xfeature {
	u32 type, size, offset, flags;
};

static u64 xfeatures(const struct core_writer *w)
{
	return w->p->t->machine->cpu.xcr0 & ~(XS_BIT_X87 | XS_BIT_SSE);
}

static u64 layout_note_len(const struct core_writer *w)
{
	return (u64)__builtin_popcountl(xfeatures(w)) * sizeof(struct core_xfeature);
}

static bool write_layout_note(struct core_writer *w)
{
	if (!w->p->t->machine->cpu.xcr0)
		return true;
	if (!begin_note(w, "LINUX", NT_X86_XSAVE_LAYOUT_K, layout_note_len(w)))
		return false;
	for (u64 left = xfeatures(w); left; left &= left - 1) {
		struct core_xfeature x = {.type = (u32)__builtin_ctzl(left)};

		fpu_component(x.type, &x.offset, &x.size);
		if (!dump_emit(w, &x, sizeof(x)))
			return false;
	}
	return true;
}

static u64 notes_size(struct core_writer *w)
{
	u64 size = thread_notes_size(w->p->t) + note_size("CORE", sizeof(struct core_prpsinfo)) +
		   note_size("CORE", sizeof(struct k_siginfo)) +
		   note_size("CORE", auxv_size(w->mm));

	if (has_files_note(w))
		size += note_size("CORE", files_note_len(w));
	for (const struct core_thread *ct = w->p->threads; ct; ct = ct->next)
		size += thread_notes_size(ct->task);
	return w->p->t->machine->cpu.xcr0 ? size + note_size("LINUX", layout_note_len(w)) : size;
}

static bool write_notes(struct core_writer *w)
{
	struct task_struct *t = w->p->t;

	if (!write_prstatus(w, t) || !write_prpsinfo(w) ||
	    !write_note(w, "CORE", NT_SIGINFO, w->p->info, sizeof(*w->p->info)) ||
	    !write_note(w, "CORE", NT_AUXV, w->mm->saved_auxv, auxv_size(w->mm)) ||
	    (has_files_note(w) && !write_files_note(w)) || !write_regsets(w, t))
		return false;
	for (const struct core_thread *ct = w->p->threads; ct; ct = ct->next)
		if (!write_prstatus(w, ct->task) || !write_regsets(w, ct->task))
			return false;
	return write_layout_note(w);
}

/* --- areas --------------------------------------------------------------------------------------- */

enum {
	DUMP_ANON_PRIVATE = 1,
	DUMP_ANON_SHARED = 2,
	DUMP_MAPPED_PRIVATE = 4,
	DUMP_MAPPED_SHARED = 8,
	DUMP_ELF_HEADERS = 16,
	DUMP_HUGETLB_PRIVATE = 32,
	DUMP_HUGETLB_SHARED = 64,
};

/* By their own file, libraries that are not executable begin like this all the same. */
static bool begins_as_elf(struct mm_struct *mm, const struct vm_area_struct *vma)
{
	struct stat st;
	u8 mag[SELFMAG];

	if (!file_stat(vma->vm_file, &st) && (st.st_mode & 0111))
		return true;
	return access_remote_vm(mm, vma->vm_start, mag, sizeof(mag), false, false) == SELFMAG &&
	       !memcmp(mag, ELFMAG, SELFMAG);
}

/* Does the file behind shared memory have a name? */
static bool has_links(const struct vm_area_struct *vma)
{
	struct stat st;

	return vma->vm_file && !file_stat(vma->vm_file, &st) && st.st_nlink;
}

/* Which of /proc/PID/coredump_filter's bits lets all of it into the file; 0: none, -1: it is always there. */
static int dump_kind(const struct vm_area_struct *vma)
{
	bool shared = vma->vm_flags & VM_SHARED;

	if (vma->vm_ops && vma->vm_ops->name && !vma->vm_mapping) /* [vdso] and the like */
		return -1;
	if (vma->vm_flags & VM_DONTDUMP)
		return 0;
	if (vma->vm_flags & VM_HUGETLB)
		return shared ? DUMP_HUGETLB_SHARED : DUMP_HUGETLB_PRIVATE;
	if (vma->vm_flags & VM_IO)
		return 0;
	if (shared)
		return has_links(vma) ? DUMP_MAPPED_SHARED : DUMP_ANON_SHARED;
	return (vma->anon_vma ? DUMP_ANON_PRIVATE : 0) | (vma->vm_file ? DUMP_MAPPED_PRIVATE : 0);
}

/* Linux: vma_dump_size() */
static u64 vma_dump_size(struct mm_struct *mm, const struct vm_area_struct *vma)
{
	u32 filter = mm->coredump_filter;
	int kind = dump_kind(vma);

	if (kind == -1 || (filter & (u32)kind))
		return vma->vm_end - vma->vm_start;
	if (!(kind & DUMP_MAPPED_PRIVATE) || !(filter & DUMP_ELF_HEADERS) || vma->vm_pgoff ||
	    !(vma->vm_flags & VM_READ))
		return 0;
	return begins_as_elf(mm, vma) ? PAGE_SIZE : 0;
}

/* Counts it for NT_FILE, if it is there. */
static void note_file(struct core_writer *w, struct core_vma *v)
{
	if (!v->file && !v->name)
		return;
	if (v->name)
		v->name_len = strlen(v->name) + 1;
	else if (d_path(&v->file->f_path, w->buf, PATH_MAX) < 0)
		return;
	else
		v->name_len = strlen(w->buf) + 1;
	w->nr_files++;
	w->names_size += v->name_len;
}

static void snapshot_vma(struct core_writer *w, const struct vm_area_struct *vma,
			 struct core_vma *v)
{
	*v = (struct core_vma){.start = vma->vm_start, .end = vma->vm_end, .pgoff = vma->vm_pgoff};
	v->p_flags = (vma->vm_flags & VM_READ ? PF_R : 0) | (vma->vm_flags & VM_WRITE ? PF_W : 0) |
		     (vma->vm_flags & VM_EXEC ? PF_X : 0);
	v->dump_size = vma_dump_size(w->mm, vma);
	v->file = vma->vm_file;
	if (v->file)
		get_file(v->file);
	else if (vma->vm_mapping && vma->vm_ops->name)
		v->name = vma->vm_ops->name((struct vm_area_struct *)vma);
	note_file(w, v);
}

/* Nothing sleeps here but the allocation: whoever shares the address space waits. */
static bool snapshot_vmas(struct core_writer *w)
{
	struct memory *m = w->mm->mem;
	struct vm_area_struct *vma;
	u64 room;

	do {
		vfree(m, w->vmas);
		room = w->mm->map_count + 1;
		w->vmas = vzalloc(m, room * sizeof(struct core_vma));
		if (!w->vmas)
			return false;
	} while (w->mm->map_count + 1 > room);
	for_each_vma (w->mm, vma)
		snapshot_vma(w, vma, vma_at(w, w->nr_vmas++));
	/* The gate area, which can be executed only. */
	*vma_at(w, w->nr_vmas++) = (struct core_vma){.start = VSYSCALL_ADDR,
						     .end = VSYSCALL_ADDR + PAGE_SIZE,
						     .dump_size = PAGE_SIZE,
						     .p_flags = PF_X};
	return true;
}

static bool write_area(struct core_writer *w, const struct core_vma *v)
{
	unsigned pages = 0;

	for (gva_t addr = v->start; addr < v->start + v->dump_size; addr += PAGE_SIZE) {
		if (!dump_user_page(w->mm, addr, w->buf))
			dump_skip(w, PAGE_SIZE);
		else if (!dump_emit(w, w->buf, PAGE_SIZE))
			return false;
		if (fatal_signal_pending(w->p->t))
			return false;
		if (++pages % BREATH == 0)
			schedule(w->p->t->machine);
	}
	return true;
}

/* --- the whole ------------------------------------------------------------------------------------ */

/* With more than 65534 areas the first section header says how many program headers there are: elf(5), PN_XNUM. */
static bool write_headers(struct core_writer *w, u64 segs, u64 notes, u64 data, u64 end)
{
	Elf64_Ehdr eh = {.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT};
	u64 at = sizeof(eh) + segs * sizeof(Elf64_Phdr);
	Elf64_Phdr ph = {.p_type = PT_NOTE, .p_offset = at, .p_filesz = notes, .p_align = 4};

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	eh.e_phoff = sizeof(eh);
	eh.e_ehsize = sizeof(eh);
	eh.e_phentsize = sizeof(ph);
	eh.e_phnum = min(segs, (u64)PN_XNUM);
	if (eh.e_phnum == PN_XNUM) {
		eh.e_shoff = end;
		eh.e_shentsize = sizeof(Elf64_Shdr);
		eh.e_shnum = 1;
	}
	if (!dump_emit(w, &eh, sizeof(eh)) || !dump_emit(w, &ph, sizeof(ph)))
		return false;
	ph = (Elf64_Phdr){.p_type = PT_LOAD, .p_offset = data, .p_align = PAGE_SIZE};
	for (u64 i = 0; i < w->nr_vmas; i++) {
		const struct core_vma *v = vma_at(w, i);

		ph.p_vaddr = v->start;
		ph.p_filesz = v->dump_size;
		ph.p_memsz = v->end - v->start;
		ph.p_flags = v->p_flags;
		if (!dump_emit(w, &ph, sizeof(ph)))
			return false;
		ph.p_offset += ph.p_filesz;
	}
	return true;
}

static bool write_extended_count(struct core_writer *w, u64 segs)
{
	Elf64_Shdr sh = {.sh_type = SHT_NULL, .sh_size = 1, .sh_info = (u32)segs};

	return segs < PN_XNUM || dump_emit(w, &sh, sizeof(sh));
}

static void write_file(struct core_writer *w)
{
	u64 segs = w->nr_vmas + 1, notes = notes_size(w), data, end;

	data = page_align(sizeof(Elf64_Ehdr) + segs * sizeof(Elf64_Phdr) + notes);
	end = data;
	for (u64 i = 0; i < w->nr_vmas; i++)
		end += vma_at(w, i)->dump_size;
	if (!write_headers(w, segs, notes, data, end) || !write_notes(w))
		return;
	dump_skip(w, data - w->pos);
	for (u64 i = 0; i < w->nr_vmas; i++)
		if (!write_area(w, vma_at(w, i)))
			return;
	write_extended_count(w, segs);
}

bool elf_core_dump(const struct core_params *p)
{
	struct mm_struct *mm = p->t->mm;
	struct core_writer w = {.p = p, .mm = mm};

	w.buf = kmalloc(mm->mem, PAGE_SIZE, GFP_KERNEL);
	if (!w.buf || !snapshot_vmas(&w)) {
		kfree(mm->mem, w.buf);
		vfree(mm->mem, w.vmas);
		return false;
	}
	write_file(&w);
	if (w.to_skip) { /* a hole at the end counts only with a byte behind it */
		w.to_skip--;
		dump_emit(&w, "", 1);
	}
	for (u64 i = 0; i < w.nr_vmas; i++)
		if (vma_at(&w, i)->file)
			fput(vma_at(&w, i)->file);
	vfree(mm->mem, w.vmas);
	kfree(mm->mem, w.buf);
	return true;
}
