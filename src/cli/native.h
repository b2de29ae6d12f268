/* Running a program on the host, as compare's other side. */
#ifndef CLI_NATIVE_H
#define CLI_NATIVE_H

#include "base/types.h"

/* What a side leaves behind: descriptors of memory files, read from their start by the reader. */
enum side_text { SIDE_STDOUT, SIDE_STDERR, SIDE_MAPS, SIDE_SMAPS, SIDE_STATUS, NR_SIDE_TEXTS };

struct side {
	int fd[NR_SIDE_TEXTS];
	int status; /* wait(2) status word */
};

/* "maps" for SIDE_MAPS: a file of /proc/PID; NULL for the standard streams. */
extern const char *const side_proc_file[NR_SIDE_TEXTS];

/* Makes the memory files. 0 or -errno. */
int side_init(struct side *s);
void side_release(struct side *s);
/* In a child: @s's files become standard output and error, @in standard input from its start. */
int side_redirect(const struct side *s, int in);

/* Runs @path natively, address randomisation off, and waits for it. @proc: stops it at its end with
 * ptrace to read /proc/PID/maps, smaps, status. 0, or -errno when it could not be run. */
int native_run(struct side *s, const char *path, char **argv, char **envp, int in, bool proc);

#endif
