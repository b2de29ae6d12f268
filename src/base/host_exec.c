/*
 * Executable memory: one memfd, mapped twice. See the header.
 */
#include "base/host_exec.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

/* Since Linux 6.3 vm.memfd_noexec may take the exec bit away where it is not asked for; older
 * kernels know no such flag. */
static int open_memfd(void)
{
	int fd = memfd_create("vellum-code", MFD_CLOEXEC | MFD_EXEC);

	return fd < 0 && errno == EINVAL ? memfd_create("vellum-code", MFD_CLOEXEC) : fd;
}

/* What policies answer with: seccomp EPERM or ENOSYS, SELinux and noexec mounts EACCES or EPERM. */
static int policy_error(void)
{
	return errno == ENOMEM || errno == EMFILE || errno == ENFILE ? -ENOMEM : -EPERM;
}

int host_map_exec(size_t size, void **write, void **exec)
{
	void *w, *x;
	int fd = open_memfd(), err;

	if (fd < 0)
		return policy_error();
	if (ftruncate(fd, (off_t)size) < 0) {
		err = policy_error();
		goto out_close;
	}
	w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (w == MAP_FAILED) {
		err = policy_error();
		goto out_close;
	}
	x = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (x == MAP_FAILED) {
		err = policy_error();
		munmap(w, size);
		goto out_close;
	}
	*write = w;
	*exec = x;
	err = 0;
out_close:
	close(fd);
	return err;
}

void host_unmap_exec(size_t size, void *write, void *exec)
{
	munmap(write, size);
	munmap(exec, size);
}
