/* For sockets.c and socket_msgs.c. */
#ifndef SOCKET_PAIR_H
#define SOCKET_PAIR_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void pair(int type, int s[2])
{
	if (socketpair(AF_UNIX, type, 0, s)) {
		perror("socketpair");
		exit(1);
	}
}

static void close_pair(int s[2])
{
	close(s[0]);
	close(s[1]);
}

#endif
