/*
 * Executable memory: one memfd, or file without a name, mapped twice. See the header.
 */
#include "base/host_exec.h"

#include <errno.h>
#include <fcntl.h>
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

/* Maps @fd, @size bytes, twice. */
static int map_twice(int fd, size_t size, void **write, void **exec)
{
	void *w, *x;
	int err;

	if (ftruncate(fd, (off_t)size) < 0)
		return errno == EFBIG ? -EFBIG : policy_error();
	w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (w == MAP_FAILED)
		return policy_error();
	x = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (x == MAP_FAILED) {
		err = policy_error();
		munmap(w, size);
		return err;
	}
	*write = w;
	*exec = x;
	return 0;
}

static int map_and_close(int fd, size_t size, void **write, void **exec)
{
	int err = fd < 0 ? policy_error() : map_twice(fd, size, write, exec);

	if (fd >= 0)
		close(fd);
	return err;
}

/* Where no memfd may be executed (vm.memfd_noexec=2), a file without a name may, if its file system is not mounted
 * noexec. RLIMIT_FSIZE is for both; memory without a file knows none. */
int host_map_exec(size_t size, void **write, void **exec)
{
	static const char *const dirs[] = {"/dev/shm", "/tmp", "/var/tmp"};
	int err = map_and_close(open_memfd(), size, write, exec);

	for (unsigned i = 0; err == -EPERM && i < ARRAY_SIZE(dirs); i++)
		err = map_and_close(open(dirs[i], O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0700),
				    size, write, exec);
	return err == -EFBIG ? host_map_exec_anon(size, write, exec) : err;
}

int host_map_exec_anon(size_t size, void **write, void **exec)
{
	void *w, *x;
	int err;

	w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w == MAP_FAILED)
		return policy_error();
	x = mremap(w, 0, size, MREMAP_MAYMOVE); /* shared memory a second time: mremap(2) */
	if (x == MAP_FAILED || mprotect(x, size, PROT_READ | PROT_EXEC) < 0) {
		err = policy_error();
		munmap(w, size);
		if (x != MAP_FAILED)
			munmap(x, size);
		return err;
	}
	*write = w;
	*exec = x;
	return 0;
}

void host_unmap_exec(size_t size, void *write, void *exec)
{
	munmap(write, size);
	munmap(exec, size);
}
