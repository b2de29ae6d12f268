/* What happens to capabilities when ids change, and who may look into whom. capabilities(7), ptrace(2). */
#include <linux/securebits.h>
#include <string.h>

#include "one_task.h"
#include "proc/cred.h"

/* Of a machine whose host gives root's rights over files. */
static struct machine machine = {.vfs.host_cred.caps = CAP_ALL};

static struct task_struct task_of(u32 uid, u64 caps)
{
	struct task_struct t = {.machine = &machine,
				.pid = 1000 + uid,
				.tgid = 1000 + uid,
				.uid = uid,
				.euid = uid,
				.suid = uid,
				.fsuid = uid};

	t.caps.permitted = t.caps.effective = caps;
	t.caps.bounding = CAP_ALL;
	return t;
}

static void leaving_id_0_for_good_takes_all_capabilities(void)
{
	struct task_struct t = task_of(0, CAP_ALL);

	t.caps.ambient = BIT(CAP_CHOWN);
	t.uid = t.euid = t.suid = 7;
	caps_fix_setuid(&t, 0, 0, 0);
	CU_ASSERT_EQUAL(t.caps.permitted, 0);
	CU_ASSERT_EQUAL(t.caps.effective, 0);
	CU_ASSERT_EQUAL(t.caps.ambient, 0);
	CU_ASSERT_EQUAL(t.caps.bounding, CAP_ALL);
}

static void securebits_decide_what_the_id_0_means(void)
{
	struct task_struct t = task_of(0, CAP_ALL);

	CU_ASSERT_EQUAL(caps_set_securebits(&t, SECBIT_KEEP_CAPS), 0);
	t.uid = t.euid = t.suid = 7;
	t.caps.ambient = BIT(CAP_CHOWN);
	caps_fix_setuid(&t, 0, 0, 0);
	CU_ASSERT_EQUAL(t.caps.permitted, CAP_ALL);
	CU_ASSERT_EQUAL(t.caps.effective, 0);
	CU_ASSERT_EQUAL(t.caps.ambient, 0);
	t = task_of(0, CAP_ALL);
	CU_ASSERT_EQUAL(caps_set_securebits(&t, SECBIT_NO_SETUID_FIXUP), 0);
	t.uid = t.euid = t.suid = t.fsuid = 7;
	caps_fix_setuid(&t, 0, 0, 0);
	caps_fix_setfsuid(&t, 0);
	CU_ASSERT_EQUAL(t.caps.effective, CAP_ALL);
}

static void locked_securebits_stay(void)
{
	struct task_struct t = task_of(0, CAP_ALL);

	CU_ASSERT_EQUAL(caps_set_securebits(&t, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED), 0);
	CU_ASSERT_EQUAL(caps_set_securebits(&t, SECBIT_NOROOT), -EPERM);
	CU_ASSERT_EQUAL(caps_set_securebits(&t, SECBIT_NOROOT_LOCKED), -EPERM);
	CU_ASSERT_EQUAL(caps_set_securebits(&t, t.caps.securebits | BIT(12)), -EPERM);
	CU_ASSERT_EQUAL(caps_set_securebits(&t, t.caps.securebits | SECBIT_KEEP_CAPS), 0);
	t.caps.effective = 0;
	CU_ASSERT_EQUAL(caps_set_securebits(&t, t.caps.securebits), -EPERM); /* no change */
	CU_ASSERT_EQUAL(caps_set_securebits(&t, t.caps.securebits | BIT(6)), -EPERM);
	CU_ASSERT_EQUAL(caps_set_securebits(&t, t.caps.securebits | BIT(8)), 0); /* anybody's */
	CU_ASSERT_EQUAL(t.caps.securebits,
			SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS | BIT(8));
}

static void the_effective_id_0_comes_and_goes_with_the_effective_set(void)
{
	struct task_struct t = task_of(0, CAP_ALL);

	t.euid = 7; /* seteuid(7): a way back stays */
	caps_fix_setuid(&t, 0, 0, 0);
	CU_ASSERT_EQUAL(t.caps.permitted, CAP_ALL);
	CU_ASSERT_EQUAL(t.caps.effective, 0);
	t.euid = 0;
	caps_fix_setuid(&t, 0, 7, 0);
	CU_ASSERT_EQUAL(t.caps.effective, CAP_ALL);
}

static void the_file_system_id_takes_only_the_rights_over_files(void)
{
	struct task_struct t = task_of(0, CAP_ALL);

	t.fsuid = 7;
	caps_fix_setfsuid(&t, 0);
	CU_ASSERT_FALSE(task_capable(&t, CAP_DAC_OVERRIDE));
	CU_ASSERT_TRUE(task_capable(&t, CAP_SYS_ADMIN));
	t.fsuid = 0;
	caps_fix_setfsuid(&t, 7);
	CU_ASSERT_EQUAL(t.caps.effective, CAP_ALL);
}

static void capset_gives_nothing_that_is_not_there(void)
{
	struct task_struct t = task_of(7, BIT(CAP_CHOWN) | BIT(CAP_KILL));
	const struct task_caps before = t.caps;
	struct task_caps c = before;

	c.permitted |= BIT(CAP_SYS_ADMIN);
	CU_ASSERT_EQUAL(caps_set(&t, &c), -EPERM);
	c = before;
	c.permitted = BIT(CAP_KILL);
	c.effective = BIT(CAP_CHOWN); /* not permitted any longer */
	CU_ASSERT_EQUAL(caps_set(&t, &c), -EPERM);
	c = before;
	c.inheritable = BIT(CAP_SYS_ADMIN);
	CU_ASSERT_EQUAL(caps_set(&t, &c), -EPERM);
	CU_ASSERT(!memcmp(&t.caps, &before, sizeof(before)));
	c = before;
	c.effective = BIT(CAP_KILL);
	c.bounding = c.ambient = 0; /* not capset(2)'s */
	machine.vfs.ids_changed = false;
	CU_ASSERT_EQUAL(caps_set(&t, &c), 0);
	CU_ASSERT_TRUE(machine.vfs.ids_changed); /* the host's rights are not the task's */
	CU_ASSERT_EQUAL(t.caps.effective, BIT(CAP_KILL));
	CU_ASSERT_EQUAL(t.caps.bounding, CAP_ALL);
}

static void one_may_look_into_his_own_kind_only(void)
{
	struct task_struct root = task_of(0, CAP_ALL), a = task_of(7, 0), b = task_of(7, 0);
	struct task_struct c = task_of(8, 0);
	const unsigned mode = PTRACE_MODE_READ | PTRACE_MODE_FSCREDS;

	a.tgid = 1;
	b.tgid = 2;
	CU_ASSERT_EQUAL(ptrace_may_access(NULL, &root, mode), 0); /* Vellum itself */
	CU_ASSERT_EQUAL(ptrace_may_access(&root, &a, mode), 0);
	CU_ASSERT_EQUAL(ptrace_may_access(&a, &a, mode), 0);
	CU_ASSERT_EQUAL(ptrace_may_access(&a, &b, mode), 0);
	CU_ASSERT_EQUAL(ptrace_may_access(&a, &c, mode), -EPERM);
	CU_ASSERT_EQUAL(ptrace_may_access(&a, &root, mode), -EPERM);
	b.caps.permitted = BIT(CAP_CHOWN); /* has more than the one who looks */
	CU_ASSERT_EQUAL(ptrace_may_access(&a, &b, mode), -EPERM);
	b.caps.permitted = 0;
	b.suid = 0; /* set-user-ID once */
	CU_ASSERT_EQUAL(ptrace_may_access(&a, &b, mode), -EPERM);
}

static void who_becomes_another_hides_his_memory(void)
{
	struct task_struct *t = one_task_new(32UL << 20);
	struct old_creds old = creds_save(t);

	t->mm->dumpable = SUID_DUMP_USER;
	t->pdeath_signal = SIGTERM;
	creds_changed(t, &old);
	CU_ASSERT_EQUAL(t->mm->dumpable, SUID_DUMP_USER); /* nothing did */
	t->euid = old.euid + 1;
	creds_changed(t, &old);
	CU_ASSERT_EQUAL(t->mm->dumpable, SUID_DUMP_DISABLE);
	CU_ASSERT_EQUAL(t->pdeath_signal, 0);
	one_task_free(t);
}

static const struct unit_test tests[] = {
	UNIT_TEST(leaving_id_0_for_good_takes_all_capabilities),
	UNIT_TEST(securebits_decide_what_the_id_0_means),
	UNIT_TEST(locked_securebits_stay),
	UNIT_TEST(the_effective_id_0_comes_and_goes_with_the_effective_set),
	UNIT_TEST(the_file_system_id_takes_only_the_rights_over_files),
	UNIT_TEST(capset_gives_nothing_that_is_not_there),
	UNIT_TEST(one_may_look_into_his_own_kind_only),
	UNIT_TEST(who_becomes_another_hides_his_memory),
	UNIT_END,
};
const struct unit_suite suite_cred = {"cred", tests};
