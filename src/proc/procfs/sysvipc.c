/* /proc/sysvipc: shared memory; message queues and semaphores are constant headers in files.def.
 * See: sysvipc(7); Linux, ipc/shm.c. */
#include "base/err.h"
#include "fs/ipc_shm.h"
#include "proc/procfs/internal.h"

/* /proc/sysvipc/shm, sysvipc(7). See: sysvipc_shm_proc_show(). Nothing is swapped. */
int proc_show_sysvipc_shm(struct seq *out, struct machine *m)
{
	struct shmid_ds ds;
	unsigned at;
	u64 rss;
	int id;

	seq_puts(out,
		 "       key      shmid perms                  size  cpid  lpid nattch   uid   "
		 "gid  cuid  cgid      atime      dtime      ctime                   rss      "
		 "            swap\n");
	for (at = 0; shm_next(&m->vfs, &at, &id, &ds, &rss); at++) {
		seq_printf(out, "%10d %10d  %4o %21lu %5u %5u  ", ds.shm_perm.__key, id,
			   ds.shm_perm.mode, ds.shm_segsz, ds.shm_cpid, ds.shm_lpid);
		seq_printf(out, "%5lu %5u %5u %5u %5u ", ds.shm_nattch, ds.shm_perm.uid,
			   ds.shm_perm.gid, ds.shm_perm.cuid, ds.shm_perm.cgid);
		seq_printf(out, "%10lu %10lu %10lu %21lu %21lu\n", ds.shm_atime, ds.shm_dtime,
			   ds.shm_ctime, rss << PAGE_SHIFT, 0UL);
	}
	return 0;
}
