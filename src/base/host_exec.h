/* Executable memory of the host, for generated code (cpu/thunk_pool.c). As host.h: errors are return values. */
#ifndef BASE_HOST_EXEC_H
#define BASE_HOST_EXEC_H

#include "base/types.h"

/**
 * host_map_exec - memory that is written at one address and executed at another
 * @size:  bytes, page multiple
 * @write: readable and writable
 * @exec:  readable and executable; the same bytes
 *
 * No address is ever both writable and executable. Zeroed; a page costs memory when first touched.
 * Return: 0; -ENOMEM; -EPERM: the host's policy grants no executable memory.
 */
int host_map_exec(size_t size, void **write, void **exec);
/* The same of memory without a file, whose code perf looks up in /tmp/perf-PID.map; but what is executable was not at
 * first, which more policies refuse. */
int host_map_exec_anon(size_t size, void **write, void **exec);
/* Both mappings go. */
void host_unmap_exec(size_t size, void *write, void *exec);

#endif
