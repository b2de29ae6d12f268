/* Names of AF_UNIX sockets: abstract ones, paths, and those that the kernel chooses. See unix_internal.h;
 * unix(7); Linux, net/unix/af_unix.c.
 *
 *   unix_table.bucket --> unix_sock, unix_sock, ...     by abstract name and type, or by the node's number
 *
 * A name in the file system is a node of the host's tree (or of one of our own), which only says where: who
 * listens there is looked up here, by the node's identity. So a socket of the host's is found, and
 * refuses the connection. Abstract names are the machine's alone.
 */
#include <string.h>

#include "base/err.h"
#include "fs/fsnotify.h"
#include "fs/hostfs.h"
#include "fs/namei.h"
#include "fs/unix_internal.h"

#define AUTO_NAMES 0x100000U /* five hex digits */

void unix_addr_put(struct memory *m, struct unix_address *a)
{
	if (a && !--a->refcount)
		kfree(m, a);
}

struct unix_address *unix_addr_get(struct unix_address *a)
{
	if (a)
		a->refcount++;
	return a;
}

static const struct sockaddr_un *sun(const struct sock_addr *addr)
{
	return (const struct sockaddr_un *)&addr->ss;
}

int unix_validate_addr(const struct sock_addr *addr)
{
	if (addr->len <= UNIX_PATH_OFFSET || addr->len > sizeof(struct sockaddr_un) ||
	    addr->ss.ss_family != AF_UNIX)
		return -EINVAL;
	return 0;
}

void unix_put_name(struct sock_addr *out, const struct unix_address *a)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&out->ss;

	memset(&out->ss, 0, sizeof(out->ss));
	un->sun_family = AF_UNIX;
	out->len = sizeof(un->sun_family);
	if (!a)
		return;
	/* A path of 108 bytes has its zero behind sun_path. */
	memcpy((u8 *)un + UNIX_PATH_OFFSET, a->sun_path, a->len - UNIX_PATH_OFFSET);
	out->len = a->len;
}

void unix_copy_addr(struct sock_addr *out, const struct unix_sock *u)
{
	unix_put_name(out, u->addr);
}

static struct unix_address *addr_new(struct memory *m, const char *sun_path, u32 path_len)
{
	struct unix_address *a = kmalloc(m, sizeof(*a) + path_len, GFP_KERNEL);

	if (!a)
		return NULL;
	a->refcount = 1;
	a->len = UNIX_PATH_OFFSET + path_len;
	memcpy(a->sun_path, sun_path, path_len);
	return a;
}

static struct list_head *name_bucket(struct unix_table *t, const char *name, u32 len, int type)
{
	u32 h = type;

	while (len--)
		h = h * 31 + (u8)*name++;
	return &t->bucket[(h ^ h >> 16) % UNIX_HASH_SIZE];
}

static struct list_head *node_bucket(struct unix_table *t, const struct dentry *d)
{
	return &t->bucket[d->ino % UNIX_HASH_SIZE];
}

/* By abstract name. No reference. */
static struct unix_sock *find_abstract(struct unix_table *t, const char *name, u32 len, int type)
{
	struct list_head *bucket = name_bucket(t, name, len, type);
	struct unix_sock *u;

	list_for_each_entry (u, bucket, hash)
		if (!u->path.dentry && u->sk.type == type &&
		    u->addr->len == UNIX_PATH_OFFSET + len && !memcmp(u->addr->sun_path, name, len))
			return u;
	return NULL;
}

static struct unix_sock *find_node(struct unix_table *t, const struct dentry *d)
{
	struct list_head *bucket = node_bucket(t, d);
	struct unix_sock *u;

	list_for_each_entry (u, bucket, hash)
		if (u->path.dentry && d_same(u->path.dentry, d))
			return u;
	return NULL;
}

/* sun_path as a C string in @buf (PATH bytes and one): its end may be missing. Length. */
static u32 path_text(const struct sock_addr *addr, char buf[sizeof(struct sockaddr_un)])
{
	u32 n = addr->len - UNIX_PATH_OFFSET;

	memcpy(buf, sun(addr)->sun_path, n);
	buf[n] = '\0';
	return strlen(buf);
}

struct unix_address *unix_addr_new(struct memory *m, const struct sock_addr *addr)
{
	char name[sizeof(struct sockaddr_un) + 1];
	u32 len = path_text(addr, name);

	return addr_new(m, name, len + 1);
}

static struct unix_sock *find_by_path(struct vfs *v, const struct sock_addr *addr, int type,
				      const struct fs_struct *fs)
{
	char name[sizeof(struct sockaddr_un)];
	const struct dentry_operations *op;
	struct unix_sock *u = NULL;
	struct path p;
	int err;

	path_text(addr, name);
	err = path_lookup(fs, NULL, name, LOOKUP_FOLLOW, &p, NULL);
	if (err)
		return ERR_PTR(err);
	op = p.dentry->d_op;
	if (op->access)
		err = op->access(p.dentry, 2 /* W_OK */, AT_EACCESS);
	if (!err && S_ISSOCK(p.dentry->mode))
		u = find_node(v->in->unix_table, p.dentry);
	if (!err)
		err = !u ? -ECONNREFUSED : u->sk.type != type ? -EPROTOTYPE : 0;
	path_put(&p);
	return err ? ERR_PTR(err) : unix_hold(u);
}

int unix_find_outside(struct vfs *v, const struct sock_addr *addr, const struct fs_struct *fs,
		      struct path *node)
{
	char name[sizeof(struct sockaddr_un)];
	int err;

	if (v->no_network || !fs || !sun(addr)->sun_path[0])
		return -ECONNREFUSED;
	path_text(addr, name);
	err = path_lookup(fs, NULL, name, LOOKUP_FOLLOW, node, NULL);
	if (err)
		return err;
	if (S_ISSOCK(node->dentry->mode) && dentry_is_hostfs(node->dentry) &&
	    !find_node(v->in->unix_table, node->dentry))
		return 0;
	path_put(node);
	return -ECONNREFUSED;
}

struct unix_sock *unix_find_other(struct vfs *v, const struct sock_addr *addr, int type,
				  const struct fs_struct *fs)
{
	struct unix_sock *u;

	if (sun(addr)->sun_path[0])
		return find_by_path(v, addr, type, fs);
	u = find_abstract(v->in->unix_table, sun(addr)->sun_path, addr->len - UNIX_PATH_OFFSET,
			  type);
	return u ? unix_hold(u) : ERR_PTR(-ECONNREFUSED);
}

static int bind_abstract(struct unix_sock *u, const char *name, u32 len)
{
	struct unix_table *t = u->sk.vfs->in->unix_table;

	if (u->addr)
		return -EINVAL;
	if (find_abstract(t, name, len, u->sk.type))
		return -EADDRINUSE;
	u->addr = addr_new(unix_mem(u), name, len);
	if (!u->addr)
		return -ENOMEM;
	list_add(&u->hash, name_bucket(t, name, len, u->sk.type));
	return 0;
}

int unix_autobind(struct unix_sock *u)
{
	static const char digits[] = "0123456789abcdef";
	struct unix_table *t = u->sk.vfs->in->unix_table;
	char name[6] = "";
	u32 tries, nr;
	int err = 0;

	for (tries = 0; !u->addr && tries < AUTO_NAMES; tries++) {
		nr = t->next_auto++ % AUTO_NAMES;
		for (int i = 5; i > 0; i--, nr >>= 4)
			name[i] = digits[nr & 15];
		err = bind_abstract(u, name, sizeof(name));
		if (err != -EADDRINUSE)
			return err;
	}
	return err ? -ENOSPC : 0;
}

int unix_want_name(struct unix_sock *u)
{
	return sock_passes_cred(&u->sk) && !u->addr ? unix_autobind(u) : 0;
}

/* Makes the node @name, and finds it: *node with references. */
static int make_node(struct unix_sock *u, const struct path *dir, const char *name, u32 mode,
		     struct path *node)
{
	const struct dentry_operations *op = dir->dentry->d_op;
	int err;

	if (!op->mknod || !op->lookup)
		return -EPERM;
	err = unix_outside_bind(u, dir->dentry, name, mode);
	if (err == -EOPNOTSUPP)
		err = op->mknod(dir->dentry, name, mode, 0);
	if (err)
		return err;
	node->mnt = dir->mnt;
	node->dentry = op->lookup(dir->dentry, name);
	err = IS_ERR(node->dentry) ? PTR_ERR(node->dentry) : 0;
	if (!err)
		mntget(node->mnt);
	if (!err && u->addr) {
		path_put(node);
		err = -EINVAL; /* it has a name already */
	}
	if (err) {
		op->unlink(dir->dentry, name, 0);
		unix_outside_close(u);
	} else {
		fsnotify_create(dir->dentry, name, false);
	}
	return err;
}

int unix_path_parent(const struct sock_addr *addr, const struct fs_struct *fs, struct path *dir,
		     char last[NAME_MAX + 1])
{
	char name[sizeof(struct sockaddr_un) + 1];
	u32 len = path_text(addr, name);
	int err = path_lookup(fs, NULL, name, LOOKUP_PARENT, dir, last);

	if (err)
		return err;
	if (!last[0] || !strcmp(last, ".") || !strcmp(last, ".."))
		err = -EEXIST;
	else if (name[len - 1] == '/')
		err = -ENOENT;
	if (err)
		path_put(dir);
	return err;
}

/* See: unix_bind_bsd(). */
static int bind_path(struct unix_sock *u, const struct sock_addr *addr, const struct fs_struct *fs)
{
	struct vfs *v = u->sk.vfs;
	u32 mode = u->sk.socket->file->f_path.dentry->mode;
	struct unix_address *a = unix_addr_new(unix_mem(u), addr);
	struct path dir, node;
	char *last;
	int err;

	if (!a)
		return -ENOMEM;
	last = kmalloc(unix_mem(u), NAME_MAX + 1, GFP_KERNEL);
	err = last ? unix_path_parent(addr, fs, &dir, last) : -ENOMEM;
	if (!err) {
		err = make_node(u, &dir, last, mode & ~fs->umask, &node);
		path_put(&dir);
	}
	kfree(unix_mem(u), last);
	if (err) {
		unix_addr_put(unix_mem(u), a);
		return err == -EEXIST ? -EADDRINUSE : err;
	}
	u->addr = a;
	u->path = node;
	list_add(&u->hash, node_bucket(v->in->unix_table, node.dentry));
	return 0;
}

int unix_bind(struct socket *sock, const struct sock_addr *addr, const struct fs_struct *fs)
{
	struct unix_sock *u = unix_sk(sock);
	int err;

	if (addr->len == UNIX_PATH_OFFSET && addr->ss.ss_family == AF_UNIX)
		return unix_autobind(u);
	err = unix_validate_addr(addr);
	if (err)
		return err;
	if (sun(addr)->sun_path[0])
		return bind_path(u, addr, fs);
	return bind_abstract(u, sun(addr)->sun_path, addr->len - UNIX_PATH_OFFSET);
}

int unix_getname(struct socket *sock, struct sock_addr *out, bool peer)
{
	struct unix_sock *u = unix_sk(sock);

	if (peer && !u->peer)
		return -ENOTCONN;
	unix_copy_addr(out, peer ? u->peer : u);
	return 0;
}
