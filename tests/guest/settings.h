/* What a file of /proc/sys or /sys takes and refuses. A name without a slash before it is below /proc/sys/vm. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int wrong;

/* 0, or the errno of opening or writing. */
static inline int put(const char *name, const char *value)
{
	char path[100];
	int fd, err;

	snprintf(path, sizeof(path), *name == '/' ? "%s" : "/proc/sys/vm/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return errno;
	err = write(fd, value, strlen(value)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static inline const char *get(const char *name)
{
	static char text[100];
	char path[100];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), *name == '/' ? "%s" : "/proc/sys/vm/%s", name);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	close(fd);
	return text;
}

/* Writing @value gives @error, after which the file says @after (NULL: whatever). */
static inline void expect(const char *name, const char *value, int error, const char *after)
{
	int err = put(name, value);
	const char *now = after ? get(name) : "";

	if (err == error && (!after || !strcmp(now, after)))
		return;
	printf("%s <- \"%s\": %s, then %s\n", name, value, err ? strerrorname_np(err) : "ok", now);
	wrong = 1;
}

#endif
