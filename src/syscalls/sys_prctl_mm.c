/* prctl(PR_SET_MM) and PR_GET_AUXV: what an address space says of its parts. It is for programs that put
 * others back as they were (CRIU): /proc/PID/stat, cmdline, auxv and exe follow, mappings do not.
 * See: prctl(2); Linux 6.18, kernel/sys.c. */
#include "syscalls/internal.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAP_SYS_ADMIN_K 21
#define CAP_SYS_RESOURCE_K 24
#define CAP_CHECKPOINT_RESTORE_K 40

/* The start of struct prctl_mm_map: same fields, same order. */
struct mm_map {
	u64 start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
	u64 arg_start, arg_end, env_start, env_end;
};

static struct mm_map get_map(const struct mm_struct *mm)
{
	return (struct mm_map){mm->start_code, mm->end_code,  mm->start_data,  mm->end_data,
			       mm->start_brk,  mm->brk,	      mm->start_stack, mm->arg_start,
			       mm->arg_end,    mm->env_start, mm->env_end};
}

static void put_map(struct mm_struct *mm, const struct mm_map *m)
{
	mm->start_code = m->start_code;
	mm->end_code = m->end_code;
	mm->start_data = m->start_data;
	mm->end_data = m->end_data;
	mm->start_brk = m->start_brk;
	mm->brk = m->brk;
	mm->start_stack = m->start_stack;
	mm->arg_start = m->arg_start;
	mm->arg_end = m->arg_end;
	mm->env_start = m->env_start;
	mm->env_end = m->env_end;
}

/* validate_prctl_map_addr(): 0 or -EINVAL. */
static int check_map(const struct task_struct *t, const struct mm_map *m)
{
	const u64 *at = &m->start_code;
	u64 limit = rlimit(t, RLIMIT_DATA);

	for (unsigned i = 0; i < sizeof(*m) / sizeof(u64); i++)
		if (at[i] >= TASK_SIZE || at[i] < t->machine->mem.mmap_min_addr)
			return -EINVAL;
	if (m->start_code >= m->end_code || m->start_data > m->end_data || m->start_brk > m->brk ||
	    m->arg_start > m->arg_end || m->env_start > m->env_end)
		return -EINVAL;
	if (limit != RLIM_INFINITY && m->brk - m->start_brk + (m->end_data - m->start_data) > limit)
		return -EINVAL;
	return 0;
}

/* --- the auxiliary vector --------------------------------------------------------------------- */

/* It ends with the first AT_NULL, or where there is no more room. */
static void set_auxv(struct mm_struct *mm, const u64 *auxv, u64 bytes)
{
	u32 n = 0;

	memcpy(mm->saved_auxv, auxv, bytes);
	while (n < AT_VECTOR_SIZE - 2 && mm->saved_auxv[n])
		n += 2;
	mm->saved_auxv_len = n + 2;
}

/* @bytes of user memory into @auxv, AT_VECTOR_SIZE words; the last pair is always AT_NULL. */
static int get_user_auxv(struct task_struct *t, u64 *auxv, gva_t from, u64 bytes)
{
	memset(auxv, 0, AT_VECTOR_SIZE * sizeof(u64));
	if (copy_from_user(t->mm, auxv, from, bytes))
		return -EFAULT;
	auxv[AT_VECTOR_SIZE - 2] = auxv[AT_VECTOR_SIZE - 1] = 0;
	return 0;
}

static long prctl_set_auxv(struct task_struct *t, gva_t from, u64 bytes)
{
	u64 auxv[AT_VECTOR_SIZE];
	int err;

	if (bytes > sizeof(auxv))
		return -EINVAL;
	err = get_user_auxv(t, auxv, from, bytes);
	if (!err)
		set_auxv(t->mm, auxv, bytes);
	return err;
}

long prctl_get_auxv(struct task_struct *t, const struct sysargs *a)
{
	const struct mm_struct *mm = t->mm;
	u64 bytes = min(a->arg[2], sizeof(mm->saved_auxv));

	if (bytes && copy_to_user(t->mm, a->arg[1], mm->saved_auxv, bytes))
		return -EFAULT;
	return sizeof(mm->saved_auxv);
}

/* --- the program's file ------------------------------------------------------------------------ */

static bool same_file(const struct file *a, const struct file *b)
{
	const struct dentry *da = a->f_path.dentry, *db = b->f_path.dentry;

	return da == db || (da && db && da->dev == db->dev && da->ino == db->ino);
}

/* replace_mm_exe_file(): not while anything of the old one is mapped. */
static int replace_exe_file(struct mm_struct *mm, struct file *f)
{
	struct vm_area_struct *vma;

	for_each_vma (mm, vma) {
		if (mm->exe_file && vma->vm_file && same_file(vma->vm_file, mm->exe_file))
			return -EBUSY;
	}
	if (file_is_written(f))
		return -EACCES;
	get_file(f);
	file_set_exec(f);
	if (mm->exe_file)
		fput(mm->exe_file);
	mm->exe_file = f;
	return 0;
}

static int set_exe_file(struct task_struct *t, u32 fd)
{
	struct file *f = fdget(t, fd);
	struct dentry *d;
	int err = -EACCES;

	if (!f)
		return -EBADF;
	d = f->f_path.dentry;
	if (d && S_ISREG(d->mode) && !file_noexec(f))
		err = d->d_op->access ? d->d_op->access(d, X_OK, AT_EACCESS) : 0;
	if (!err)
		err = replace_exe_file(t->mm, f);
	fput(f);
	return err;
}

/* --- PR_SET_MM ---------------------------------------------------------------------------------- */

/* PR_SET_MM_MAP: everything at once, without CAP_SYS_RESOURCE. What the program's file is changes even if
 * nothing else can. */
static long prctl_set_mm_map(struct task_struct *t, gva_t from, u64 bytes)
{
	struct prctl_mm_map user;
	u64 auxv[AT_VECTOR_SIZE];
	struct mm_map m;
	int err;

	if (bytes != sizeof(user))
		return -EINVAL;
	if (copy_from_user(t->mm, &user, from, sizeof(user)))
		return -EFAULT;
	memcpy(&m, &user, sizeof(m));
	err = check_map(t, &m);
	if (err)
		return err;
	if (user.auxv_size) {
		if (!user.auxv || user.auxv_size > sizeof(auxv))
			return -EINVAL;
		err = get_user_auxv(t, auxv, (gva_t)user.auxv, user.auxv_size);
		if (err)
			return err;
	}
	if (user.exe_fd != ~0U) {
		if (!capable(t, CAP_SYS_ADMIN_K) && !capable(t, CAP_CHECKPOINT_RESTORE_K))
			return -EPERM;
		err = set_exe_file(t, user.exe_fd);
		if (err)
			return err;
	}
	put_map(t->mm, &m);
	if (user.auxv_size)
		set_auxv(t->mm, auxv, sizeof(auxv));
	return 0;
}

/* One field, by PR_SET_MM_*; NULL: there is no such one. */
static u64 *map_field(struct mm_map *m, int opt)
{
	switch (opt) {
	case PR_SET_MM_START_CODE:
		return &m->start_code;
	case PR_SET_MM_END_CODE:
		return &m->end_code;
	case PR_SET_MM_START_DATA:
		return &m->start_data;
	case PR_SET_MM_END_DATA:
		return &m->end_data;
	case PR_SET_MM_START_STACK:
		return &m->start_stack;
	case PR_SET_MM_START_BRK:
		return &m->start_brk;
	case PR_SET_MM_BRK:
		return &m->brk;
	case PR_SET_MM_ARG_START:
		return &m->arg_start;
	case PR_SET_MM_ARG_END:
		return &m->arg_end;
	case PR_SET_MM_ENV_START:
		return &m->env_start;
	case PR_SET_MM_ENV_END:
		return &m->env_end;
	}
	return NULL;
}

/* What must lie below some area. */
static bool on_stack(int opt)
{
	return opt == PR_SET_MM_START_STACK ||
	       (opt >= PR_SET_MM_ARG_START && opt <= PR_SET_MM_ENV_END);
}

static long set_field(struct task_struct *t, int opt, u64 addr)
{
	struct mm_map m = get_map(t->mm);
	u64 *field = map_field(&m, opt);
	int err;

	if (addr >= TASK_SIZE || addr < t->machine->mem.mmap_min_addr || !field)
		return -EINVAL;
	*field = addr;
	err = check_map(t, &m);
	if (err)
		return err;
	if (on_stack(opt) && !find_vma(t->mm, addr))
		return -EFAULT;
	put_map(t->mm, &m);
	return 0;
}

long prctl_set_mm(struct task_struct *t, const struct sysargs *a)
{
	int opt = a->arg[1];
	u64 addr = a->arg[2], more = a->arg[3];

	if (a->arg[4] ||
	    (more && opt != PR_SET_MM_AUXV && opt != PR_SET_MM_MAP && opt != PR_SET_MM_MAP_SIZE))
		return -EINVAL;
	if (opt == PR_SET_MM_MAP_SIZE)
		return put_user(t->mm, (u32)sizeof(struct prctl_mm_map), addr);
	if (opt == PR_SET_MM_MAP)
		return prctl_set_mm_map(t, addr, more);
	if (!capable(t, CAP_SYS_RESOURCE_K))
		return -EPERM;
	if (opt == PR_SET_MM_EXE_FILE)
		return set_exe_file(t, addr);
	if (opt == PR_SET_MM_AUXV)
		return prctl_set_auxv(t, addr, more);
	return set_field(t, opt, addr);
}
