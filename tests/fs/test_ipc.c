/* System V semaphores and messages, POSIX queues, without anybody who sleeps: what is done whole or not at all, what
 * is taken back, who gets which message, what limits and failures leave. tests/guest/sysvsem.c, sysvmsg.c and
 * mqueues.c compare the calls with Linux. */
#include <limits.h>

#include "base/wait.h"
#include "fs/ipc_msg.h"
#include "fs/ipc_sem.h"
#include "fs/mqueue.h"
#include "mm/slab.h"
#include "world.h"

static struct world w;
static const struct ipc_cred root = {.pid = 7, .privileged = true, .admin = true};

static long get(int id, int num)
{
	return sem_get(&w.vfs, &root, id, num, GETVAL);
}

static void changes_are_whole_or_not_at_all(void)
{
	struct sembuf ops[3] = {{0, 5, SEM_UNDO}, {1, 1, 0}, {2, -1, IPC_NOWAIT}};
	struct sem_undo_list *undo = NULL;
	long id;

	world_up(&w);
	id = do_semget(&w.vfs, &root, IPC_PRIVATE, 3, 0600);
	CU_ASSERT_EQUAL(do_semtimedop(&w.vfs, &root, &undo, id, ops, 3, WAIT_FOREVER), -EAGAIN);
	CU_ASSERT_EQUAL(get(id, 0) + get(id, 1) + get(id, 2), 0);
	exit_sem(&w.vfs, undo, 7); /* nothing was done, so nothing is taken back */
	undo = NULL;
	CU_ASSERT_EQUAL(get(id, 0), 0);
	ops[1].sem_op = SEM_VMX;
	CU_ASSERT_EQUAL(do_semtimedop(&w.vfs, &root, &undo, id, ops, 2, WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(do_semtimedop(&w.vfs, &root, &undo, id, ops, 2, WAIT_FOREVER), -ERANGE);
	CU_ASSERT_EQUAL(get(id, 0), 5);
	CU_ASSERT_EQUAL(sem_get(&w.vfs, &root, id, 0, GETPID), 7);
	CU_ASSERT_EQUAL(sem_get(&w.vfs, &root, id, 2, GETPID), 0);
	CU_ASSERT_EQUAL(sem_remove(&w.vfs, &root, id), 0); /* and what @undo has of it */
	exit_sem(&w.vfs, undo, 7);
	world_down(&w);
}

static void what_is_taken_back_stays_in_range(void)
{
	struct sembuf up = {0, 10, SEM_UNDO}, down = {0, -7, 0};
	struct sem_undo_list *undo = NULL;
	long id;

	world_up(&w);
	id = do_semget(&w.vfs, &root, IPC_PRIVATE, 1, 0600);
	CU_ASSERT_EQUAL(do_semtimedop(&w.vfs, &root, &undo, id, &up, 1, WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(sem_undo_share(&w.vfs, &undo), 0);
	exit_sem(&w.vfs, undo, 8); /* another one still shares it */
	CU_ASSERT_EQUAL(get(id, 0), 10);
	CU_ASSERT_EQUAL(do_semtimedop(&w.vfs, &root, &undo, id, &down, 1, WAIT_FOREVER), 0);
	exit_sem(&w.vfs, undo, 9);
	CU_ASSERT_EQUAL(get(id, 0), 0);
	CU_ASSERT_EQUAL(sem_get(&w.vfs, &root, id, 0, GETPID), 9);
	world_down(&w); /* the array is left to it */
}

static int put(int id, s64 type, u64 len)
{
	struct msg_msg *msg = msg_alloc(&w.mem, len);
	long err;

	msg->type = type;
	err = do_msgsnd(&w.vfs, &root, id, msg, IPC_NOWAIT);
	if (err)
		kfree(&w.mem, msg);
	return (int)err;
}

/* The type of what is taken, or -errno. */
static long take(int id, s64 type, int flags)
{
	struct msg_msg *msg = do_msgrcv(&w.vfs, &root, id, 100, type, flags | IPC_NOWAIT);
	long got = IS_ERR(msg) ? PTR_ERR(msg) : msg->type;

	if (!IS_ERR(msg))
		kfree(&w.mem, msg);
	return got;
}

static void messages_are_chosen_by_type(void)
{
	struct msqid_ds ds;
	long id;

	world_up(&w);
	id = do_msgget(&w.vfs, &root, IPC_PRIVATE, 0600);
	for (s64 type = 5; type > 1; type--)
		CU_ASSERT_EQUAL(put(id, type, 10), 0);
	CU_ASSERT_EQUAL(put(id, 9, 200), 0);
	CU_ASSERT_EQUAL(take(id, 1, MSG_COPY), 4);
	CU_ASSERT_EQUAL(take(id, 4, MSG_COPY), -E2BIG);
	CU_ASSERT_EQUAL(take(id, 4, MSG_COPY | MSG_NOERROR), -EINVAL);
	CU_ASSERT_EQUAL(take(id, 5, MSG_COPY), -ENOMSG);
	CU_ASSERT_EQUAL(take(id, -4, 0), 2);
	CU_ASSERT_EQUAL(take(id, 5, MSG_EXCEPT), 4);
	CU_ASSERT_EQUAL(take(id, 0, 0), 5);
	CU_ASSERT_EQUAL(take(id, LONG_MIN, 0), 3);
	CU_ASSERT_EQUAL(take(id, 0, 0), -E2BIG);
	CU_ASSERT_EQUAL(msg_stat(&w.vfs, &root, id, false, false, &ds), 0);
	CU_ASSERT(ds.msg_qnum == 1 && ds.__msg_cbytes == 200);
	CU_ASSERT_EQUAL(put(id, 1, ds.msg_qbytes), -EAGAIN);
	world_down(&w);
}

static struct file *open_queue(const char *name, s64 maxmsg, u64 rlimit)
{
	struct mq_attr attr = {.mq_maxmsg = maxmsg, .mq_msgsize = 100};
	struct mq_maker who = {.rlimit = rlimit, .no_cap = true};

	return mq_open_name(&w.vfs, &who, name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attr);
}

static int send(struct file *f, u32 prio)
{
	struct msg_msg *msg = msg_alloc(&w.mem, 1);
	long err;

	msg->type = prio;
	err = mq_send_msg(f, msg, WAIT_FOREVER);
	if (err)
		kfree(&w.mem, msg);
	return (int)err;
}

static void the_highest_priority_goes_first(void)
{
	static const u32 sent[] = {3, 9, 3, 0, 9}, expected[] = {9, 9, 3, 3, 0};
	struct msg_msg *msg;
	struct file *f;

	world_up(&w);
	f = open_queue("q", 5, ~0UL);
	CU_ASSERT_FATAL(!IS_ERR(f));
	for (unsigned i = 0; i < ARRAY_SIZE(sent); i++)
		CU_ASSERT_EQUAL(send(f, sent[i]), 0);
	CU_ASSERT_EQUAL(send(f, 1), -EAGAIN);
	CU_ASSERT_EQUAL(mq_unlink_name(&w.vfs, "q"), 0); /* it stays while it is open */
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		msg = mq_receive_msg(f, 100, WAIT_FOREVER);
		CU_ASSERT_EQUAL(msg->type, expected[i]);
		kfree(&w.mem, msg);
	}
	CU_ASSERT_EQUAL(send(f, 1), 0); /* goes with the queue */
	fput(f);
	CU_ASSERT_EQUAL(mq_unlink_name(&w.vfs, "q"), -ENOENT);
	world_down(&w);
}

static void queues_of_one_user_count_together(void)
{
	const u64 one = 10 * (100 + 48 + 48);
	struct file *a, *b;

	world_up(&w);
	a = open_queue("a", 10, 2 * one - 1);
	CU_ASSERT_FATAL(!IS_ERR(a));
	CU_ASSERT_EQUAL(PTR_ERR(open_queue("b", 10, 2 * one - 1)), -EMFILE);
	CU_ASSERT_EQUAL(PTR_ERR(open_queue("b", 11, ~0UL)), -EINVAL);
	b = open_queue("b", 10, 2 * one);
	CU_ASSERT_FATAL(!IS_ERR(b));
	CU_ASSERT_EQUAL(mq_unlink_name(&w.vfs, "b"), 0);
	CU_ASSERT_EQUAL(PTR_ERR(open_queue("c", 10, 2 * one)), -EMFILE); /* still open */
	fput(b);
	b = open_queue("c", 10, 2 * one);
	CU_ASSERT_FATAL(!IS_ERR(b));
	fput(b);
	fput(a);
	world_down(&w); /* the names are left to it */
}

static const struct unit_test tests[] = {
	UNIT_TEST(changes_are_whole_or_not_at_all),   UNIT_TEST(what_is_taken_back_stays_in_range),
	UNIT_TEST(messages_are_chosen_by_type),	      UNIT_TEST(the_highest_priority_goes_first),
	UNIT_TEST(queues_of_one_user_count_together), UNIT_END,
};

const struct unit_suite suite_ipc = {"ipc", tests};
