/* A small world for tests of fs/: memory, an event loop, a vfs over a scratch directory of the
 * host's, and somebody standing at its root. */
#ifndef TESTS_FS_WORLD_H
#define TESTS_FS_WORLD_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/event.h"
#include "fs/file.h"
#include "fs/iov_iter.h"
#include "fs/namei.h"
#include "fs/open.h"
#include "mm/memory.h"
#include "unit.h"

#define HOST_NAME 256 /* bytes for a path of the scratch directory */

struct world {
	struct memory mem;
	struct event_loop events;
	struct vfs vfs;
	struct fs_struct fs;
	char dir[64]; /* "/" of the vfs */
};

static inline void world_up(struct world *w)
{
	memset(w, 0, sizeof(*w));
	strcpy(w->dir, "/tmp/vellum-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(w->dir));
	CU_ASSERT_EQUAL_FATAL(memory_init(&w->mem, 64UL << 20), 0);
	CU_ASSERT_EQUAL_FATAL(event_loop_init(&w->events), 0);
	CU_ASSERT_EQUAL_FATAL(vfs_init(&w->vfs, &w->mem, &w->events, w->dir), 0);
	CU_ASSERT_EQUAL_FATAL(vfs_start_paths(&w->vfs, &w->fs.root, &w->fs.pwd), 0);
	w->fs.umask = 022;
}

static inline void world_down(struct world *w)
{
	char cmd[128];

	path_put(&w->fs.root);
	path_put(&w->fs.pwd);
	CU_ASSERT_EQUAL(w->vfs.nr_files, 0);
	vfs_destroy(&w->vfs);
	CU_ASSERT_EQUAL(filemap_validate(&w->mem), 0);
	CU_ASSERT_EQUAL(w->mem.stats[ST_file_pages], 0);
	CU_ASSERT_EQUAL(memory_validate(&w->mem), 0);
	event_loop_destroy(&w->events);
	memory_destroy(&w->mem);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", w->dir);
	CU_ASSERT_EQUAL(system(cmd), 0);
}

/* A name of the scratch directory, as the host has it. */
static inline const char *host_name(struct world *w, const char *name, char *buf)
{
	snprintf(buf, HOST_NAME, "%s/%s", w->dir, name);
	return buf;
}

/* Writes a file past the vfs, as another process of the host would. */
static inline void host_file(struct world *w, const char *name, const void *data, size_t len)
{
	char path[HOST_NAME];
	int fd = open(host_name(w, name, path), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static inline struct file *open_at_root(struct world *w, const char *name, int flags)
{
	return do_filp_open(&w->fs, NULL, name, flags, 0666);
}

static inline long write_at(struct file *f, const void *data, u64 len, u64 pos)
{
	struct iovec iov = {(void *)data, len};
	struct iov_iter from = {.iov = &iov, .nr_segs = 1, .count = len};

	return vfs_write(f, &from, &pos);
}

#endif
