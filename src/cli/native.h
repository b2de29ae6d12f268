/* Running a program on the host, as compare's other side; and what either side leaves behind. Not for:
 * comparing (compare.c). */
#ifndef CLI_NATIVE_H
#define CLI_NATIVE_H

#include "base/types.h"

/* What a side leaves behind: memory files, read from their start by the reader. */
enum side_text { SIDE_STDOUT, SIDE_STDERR, SIDE_MAPS, SIDE_SMAPS, SIDE_STATUS, NR_SIDE_TEXTS };

struct side {
	int fd[NR_SIDE_TEXTS]; /* close-on-exec; side_init() .. side_release() */
	int status;	       /* wait(2) status word, once it has run */
};

/* "maps" for SIDE_MAPS: a file of /proc/PID; NULL for the standard streams. */
extern const char *const side_proc_file[NR_SIDE_TEXTS];

/* Makes the memory files. 0, or memfd_create(2)'s -errno: those made are released with the rest. */
int side_init(struct side *s);
/* Closes them; a zeroed @s that was never initialised has none. */
void side_release(struct side *s);
/* In a child that will be the side: @s's files become standard output and error, and @in (-1: as it
 * is) standard input, from its start. 0 or dup2(2)'s -errno. */
int side_redirect(const struct side *s, int in);

/**
 * native_run - run @path natively, address randomisation off, and wait for its end
 * @root: of --root: chroot(2) to there first, which only root may; NULL: as it is
 * @in:   standard input, see side_redirect(); stays the caller's
 * @proc: stop it at its end with ptrace(2), to copy its /proc/PID/maps, smaps and status
 *
 * Return: 0 and @s filled in; execve(2)'s, fork(2)'s or ptrace(2)'s -errno when it could not be run.
 */
int native_run(struct side *s, const char *root, const char *path, char **argv, char **envp, int in,
	       bool proc);

#endif
