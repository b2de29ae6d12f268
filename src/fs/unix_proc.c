/* AF_UNIX sockets as /proc/net/unix lists them. See unix_internal.h; unix(7); Linux, net/unix/af_unix.c,
 * unix_seq_show(). */
#include "fs/seq_file.h"
#include "fs/unix_internal.h"

#define SO_ACCEPTCON_K 0x10000U
#define SS_DISCONNECTING_K 4

/* What has been accepted, or never needs to be, has a state of its own; the rest goes by the connection. */
static unsigned state_of(const struct unix_sock *u)
{
	bool up = u->state == TCP_ESTABLISHED_K;

	if (u->sk.socket)
		return up ? SS_CONNECTED : SS_UNCONNECTED;
	return up ? SS_CONNECTING : SS_DISCONNECTING_K;
}

static void show_name(struct seq *out, const struct unix_address *a)
{
	u32 n = a->len - UNIX_PATH_OFFSET;
	bool abstract = !a->sun_path[0];

	seq_putc(out, ' ');
	if (!abstract)
		n--; /* the zero at its end */
	for (u32 i = 0; i < n; i++)
		seq_putc(out, (char)(a->sun_path[i] ? a->sun_path[i] : '@'));
}

void unix_show(struct vfs *v, struct seq *out)
{
	struct unix_table *t = v->in->unix_table;
	struct unix_sock *u;

	seq_puts(out, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	if (!t)
		return;
	list_for_each_entry (u, &t->all, all) {
		seq_printf(out, "%016lx: %08X %08X %08X %04X %02X %5lu", 0UL, u->sk.refcount, 0,
			   u->state == TCP_LISTEN_K ? SO_ACCEPTCON_K : 0, u->sk.type, state_of(u),
			   u->sk.socket && u->sk.socket->file
				   ? u->sk.socket->file->f_path.dentry->ino
				   : 0);
		if (u->addr)
			show_name(out, u->addr);
		seq_putc(out, '\n');
	}
}
