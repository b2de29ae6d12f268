/* The host's fanotify, read and told to the marks. See hostnotify.h. */
#include "fs/hostnotify.h"

#include <string.h>
#include <sys/fanotify.h>

#include "base/host_fs.h"
#include "fs/inotify.h"
#include "fs/internal.h"

/* As 5.9 and 5.1 have them: libc's headers may be older. */
#define K_FAN_REPORT_FID 0x200U
#define K_FAN_REPORT_DFID_NAME 0xc00U
#define K_INFO_TYPE_FID 1
#define K_INFO_TYPE_DFID_NAME 2
#define K_INFO_TYPE_DFID 3

#define HANDLE_BYTES 128U
#define EVENT_BYTES 4096U

/* struct file_handle and room for what it holds. */
struct handle {
	u32 handle_bytes;
	s32 handle_type;
	u8 f_handle[HANDLE_BYTES];
};

struct info_header {
	u8 info_type, pad;
	u16 len;
	s32 fsid[2];
};

/* One a machine, while anything of the host's is watched. */
struct hostnotify {
	struct event_fd watch;
	struct vfs *vfs;
	int fd;
	u8 buf[EVENT_BYTES];
};

/* --- to whom it goes ----------------------------------------------------------------------------- */

/* FNV-1a of what the host calls an inode: two that differ there are not looked at closer. */
static u32 handle_key(const void *handle, u32 n)
{
	const u8 *p = handle;
	u32 key = 2166136261U;

	while (n--)
		key = (key ^ *p++) * 16777619U;
	return key;
}

static u32 handle_len(const struct handle *h)
{
	return sizeof(h->handle_bytes) + sizeof(h->handle_type) + h->handle_bytes;
}

static bool same_handle(const struct handle *a, const u8 *record, u32 room)
{
	u32 n = handle_len(a);

	return n <= room && !memcmp(a, record, n);
}

/* @mask in pieces: the host joins what one process did to one object since we read, and does not say in
 * which order. That of a file's life is nearly always the right one. */
static void tell(struct fsnotify_mark *mark, u32 mask, const char *name)
{
	static const u32 life[] = {IN_CREATE,	  IN_MOVED_TO, IN_OPEN,	       IN_ACCESS,
				   IN_MODIFY,	  IN_ATTRIB,   IN_CLOSE_WRITE, IN_CLOSE_NOWRITE,
				   IN_MOVED_FROM, IN_DELETE};
	struct vfs *v = mark->dentry->vfs;
	u32 told = mask & mark->mask, dir = mask & IN_ISDIR, bit, i;
	bool once = mark->mask & IN_ONESHOT;

	for (i = 0; i < ARRAY_SIZE(life); i++) {
		bit = life[i];
		if (!(told & bit))
			continue;
		inotify_handle_event(mark, bit | dir, bit & IN_MOVE ? ++v->in->notify_cookie : 0,
				     name);
		if (once)
			return;
	}
}

/* The marks on the inode that @record, of @n bytes, is a handle of. */
static void tell_marks(struct vfs *v, const u8 *record, u32 n, u32 mask, const char *name)
{
	u32 i, key = handle_key(record, n);
	struct fsnotify_mark *mark, *next;
	u64 dev = 0, ino = 0;
	struct handle h;

	for (i = 0; i < NOTIFY_HASH_SIZE; i++) {
		list_for_each_entry_safe (mark, next, &v->in->marks[i], hash) {
			if (mark->dentry->host_fd < 0 || mark->host_key != key)
				continue;
			h.handle_bytes = HANDLE_BYTES;
			if (host_fd_to_handle(mark->dentry->host_fd, &h, 0) ||
			    !same_handle(&h, record, n))
				continue;
			dev = mark->dev;
			ino = mark->ino;
			tell(mark, mask, name);
		}
	}
	/* Its last name may be gone, and all marks with it: we hold the inode ourselves. */
	if (ino && (mask & IN_ATTRIB))
		fsnotify_closed(v, dev, ino);
}

static void take_info(struct vfs *v, const u8 *info, u32 len, u32 mask)
{
	const u8 *record = info + sizeof(struct info_header);
	u32 room = len - sizeof(struct info_header), bytes;
	const char *name = NULL;

	if (room < 2 * sizeof(u32))
		return;
	memcpy(&bytes, record, sizeof(bytes));
	if (bytes > room - 2 * sizeof(u32))
		return;
	if (info[0] == K_INFO_TYPE_DFID_NAME)
		name = (const char *)record + 2 * sizeof(u32) + bytes;
	if (name && !strcmp(name, ".")) /* the directory itself */
		name = NULL;
	if (info[0] == K_INFO_TYPE_DFID_NAME || info[0] == K_INFO_TYPE_DFID ||
	    info[0] == K_INFO_TYPE_FID)
		tell_marks(v, record, 2 * sizeof(u32) + bytes, mask, name);
}

static void take_event(struct vfs *v, const u8 *event, const struct fanotify_event_metadata *meta)
{
	u32 at = meta->metadata_len, len;
	struct info_header head;

	for (; at + sizeof(head) <= meta->event_len; at += len) {
		memcpy(&head, event + at, sizeof(head));
		len = head.len;
		if (len < sizeof(head) || len > meta->event_len - at)
			return;
		take_info(v, event + at, len, (u32)meta->mask);
	}
}

static void read_events(struct hostnotify *hn)
{
	struct fanotify_event_metadata meta;
	long n, at;

	while ((n = host_read(hn->fd, hn->buf, sizeof(hn->buf))) > 0) {
		for (at = 0; at + (long)sizeof(meta) <= n; at += meta.event_len) {
			memcpy(&meta, hn->buf + at, sizeof(meta));
			if (meta.event_len < sizeof(meta) || meta.event_len > (u64)(n - at))
				return;
			if (meta.pid != host_getpid())
				take_event(hn->vfs, hn->buf + at, &meta);
		}
	}
}

static void host_told(struct event_fd *watch, u32 revents __unused)
{
	read_events(container_of(watch, struct hostnotify, watch));
}

void hostnotify_poll(struct vfs *v)
{
	if (v->in->hostnotify)
		read_events(v->in->hostnotify);
}

/* --- the group ----------------------------------------------------------------------------------- */

static void hostnotify_start(struct vfs *v)
{
	struct hostnotify *hn = kzalloc(v->mem, sizeof(*hn), GFP_KERNEL);
	int fd;

	if (!hn)
		return;
	fd = host_fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | K_FAN_REPORT_FID |
				K_FAN_REPORT_DFID_NAME);
	event_fd_init(&hn->watch, host_told);
	hn->vfs = v;
	hn->fd = fd;
	if (fd >= 0 && !event_fd_watch(v->events, &hn->watch, fd)) {
		v->in->hostnotify = hn;
		return;
	}
	if (fd >= 0)
		host_close(fd);
	kfree(v->mem, hn);
	v->in->no_hostnotify = true;
}

void hostnotify_watch(struct vfs *v, struct fsnotify_mark *mark)
{
	u32 mask = (mark->mask & IN_ALL_EVENTS & ~(IN_DELETE_SELF | IN_MOVE_SELF)) | IN_ATTRIB;
	struct handle h = {.handle_bytes = HANDLE_BYTES};

	/* Virtual time: a run repeats itself, whatever others do. */
	if (mark->dentry->host_fd < 0 || v->in->no_hostnotify || v->events->advance_to)
		return;
	if (!v->in->hostnotify)
		hostnotify_start(v);
	if (!v->in->hostnotify)
		return;
	if (!host_fd_to_handle(mark->dentry->host_fd, &h, 0))
		mark->host_key = handle_key(&h, handle_len(&h));
	if (S_ISDIR(mark->dentry->mode))
		mask |= FAN_EVENT_ON_CHILD | FAN_ONDIR;
	else
		mask &= ~(IN_CREATE | IN_DELETE | IN_MOVE);
	host_fanotify_mark(v->in->hostnotify->fd, mask, mark->dentry->host_fd);
}

void hostnotify_stop(struct vfs *v)
{
	struct hostnotify *hn = v->in->hostnotify;

	if (!hn)
		return;
	event_fd_del(v->events, &hn->watch);
	host_close(hn->fd);
	v->in->hostnotify = NULL;
	kfree(v->mem, hn);
}
