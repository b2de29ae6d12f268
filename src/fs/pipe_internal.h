/* What pipe.c and pipe_open.c share. */
#ifndef FS_PIPE_INTERNAL_H
#define FS_PIPE_INTERNAL_H

#include "fs/pipe.h"

extern const struct file_operations pipefifo_fops;

/* One file less. The last one takes the bytes along. */
void pipe_put(struct pipe_inode_info *pipe);
/* Everything that is still in the pipe goes. */
void pipe_free_pages(struct pipe_inode_info *pipe);

#endif
