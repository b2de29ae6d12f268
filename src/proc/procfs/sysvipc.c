/* /proc/sysvipc: shared memory, semaphores, message queues. See: sysvipc(7); Linux, ipc/shm.c, ipc/sem.c,
 * ipc/msg.c. */
#include "base/err.h"
#include "fs/ipc_msg.h"
#include "fs/ipc_sem.h"
#include "fs/ipc_shm.h"
#include "proc/procfs/internal.h"

/* /proc/sysvipc/msg, sysvipc(7). See: sysvipc_msg_proc_show(). */
int proc_show_sysvipc_msg(struct seq *out, struct machine *m)
{
	struct msqid_ds ds;
	unsigned at;
	int id;

	seq_puts(
		out,
		"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  "
		"cgid      stime      rtime      ctime\n");
	for (at = 0; msg_next(&m->vfs, &at, &id, &ds); at++) {
		seq_printf(out, "%10d %10d  %4o  %10lu %10lu %5u %5u ", ds.msg_perm.__key, id,
			   ds.msg_perm.mode, ds.__msg_cbytes, ds.msg_qnum, ds.msg_lspid,
			   ds.msg_lrpid);
		seq_printf(out, "%5u %5u %5u %5u %10lu %10lu %10lu\n", ds.msg_perm.uid,
			   ds.msg_perm.gid, ds.msg_perm.cuid, ds.msg_perm.cgid, ds.msg_stime,
			   ds.msg_rtime, ds.msg_ctime);
	}
	return 0;
}

/* /proc/sysvipc/sem, sysvipc(7). See: sysvipc_sem_proc_show(). */
int proc_show_sysvipc_sem(struct seq *out, struct machine *m)
{
	struct semid_ds ds;
	unsigned at;
	int id;

	seq_puts(out, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime   "
		      "   ctime\n");
	for (at = 0; sem_next(&m->vfs, &at, &id, &ds); at++)
		seq_printf(out, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10lu %10lu\n",
			   ds.sem_perm.__key, id, ds.sem_perm.mode, ds.sem_nsems, ds.sem_perm.uid,
			   ds.sem_perm.gid, ds.sem_perm.cuid, ds.sem_perm.cgid, ds.sem_otime,
			   ds.sem_ctime);
	return 0;
}

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
