/* Random system calls for random_calls.c and storm.c: numbers, arguments, and what must not be
 * called. Everything comes from one seed. */
#ifndef RANDOM_CALL_H
#define RANDOM_CALL_H

#include <sys/mman.h>
#include <unistd.h>

#define ARENA_PAGES 128

/* Calls that end, block or leave the process, make files whose read(2) blocks, that fill disks, or that
 * would be grave if a bug let them reach the host. */
static const short never[] = {
	7,   15,  22,  23,  34,	 35,  36,  37,	38,  40,  43,  45,  47,	 56,  57,  58,	59,
	60,  61,  62,  65,  69,	 70,  101, 128, 129, 130, 134, 153, 154, 155, 156, 157, 160,
	161, 162, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 174, 175, 176, 200,
	202, 206, 208, 220, 222, 223, 227, 230, 231, 232, 234, 240, 241, 242, 243, 246, 247,
	250, 253, 270, 271, 275, 276, 278, 281, 282, 283, 284, 285, 288, 289, 290, 293, 294,
	297, 299, 302, 304, 305, 306, 311, 313, 317, 320, 321, 322, 326, 424, 425, 426, 427,
	428, 429, 430, 431, 432, 433, 435, 438, 441, 442, 449, 469,
};

static unsigned long rnd_state;
static char *arena;

static void rnd_seed(unsigned long seed)
{
	rnd_state = seed * 0x9e3779b97f4a7c15 | 1;
}

static unsigned long rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state * 0x2545f4914f6cdd1d;
}

/* An empty standard input that is the program's own: fchmod() of root's would change the host's
 * /dev/null. */
static inline void own_input(void)
{
	int ends[2];

	if (pipe(ends))
		_exit(1);
	dup2(ends[0], 0);
	close(ends[0]);
	close(ends[1]);
}

/* Memory that random calls may do everything with. */
static void arena_map(void)
{
	arena = mmap((void *)0x200000000, ARENA_PAGES << 12, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static unsigned long random_argument(void)
{
	static const char *const names[] = {"a", "b", "dir", "dir/a", "dir/b", "", "a/b", "link"};
	static const unsigned long edges[] = {
		0,
		1,
		2,
		7,
		8,
		0xfff,
		0x1000,
		0x7fffffff,
		1UL << 32,
		1UL << 40,
		(1UL << 47) - 1,
		1UL << 47,
		1UL << 62,
		1UL << 63,
		~0UL,
		~0UL - 4095,
	};

	switch (rnd() % 10) {
	case 0:
	case 1:
		return (unsigned long)(arena + rnd() % (64 << 12));
	case 2:
		return (unsigned long)(arena + (rnd() % 80 << 12));
	case 3:
		return (unsigned long)names[rnd() % 8];
	case 4:
		return edges[rnd() % 16];
	case 5:
		return rnd();
	case 6:
		return rnd() % 65536;
	case 7:
		return -(rnd() % 200);
	default:
		return rnd() % 24;
	}
}

/* socket to getsockopt, sendmmsg: mostly on what is one. */
static const short on_sockets[] = {41, 42, 44, 46,  48, 49, 50, 51, 52,
				   53, 54, 55, 307, 0,	1,  19, 20};

/* AF_UNIX, and never blocking: nobody would wake the program. Addresses lie in the arena. */
static void aim_at_socket(unsigned long nr, unsigned long a[6])
{
	static const int types[] = {1, 2, 5};
	static char name[112] = {1};

	if (nr == 41 || nr == 53) {
		a[0] = 1;
		a[1] = (unsigned long)types[rnd() % 3] | 04000;
		a[2] = rnd() % 2;
		a[3] = (unsigned long)arena + rnd() % 4096;
		return;
	}
	a[0] = rnd() % 24;
	if (rnd() % 2)
		a[1] = (unsigned long)(arena + rnd() % 4096);
	if (nr == 42 || nr == 49) {
		name[2] = rnd() % 2 ? "ab"[rnd() % 2] : 0; /* a path, or abstract */
		a[1] = (unsigned long)name;
		a[2] = rnd() % 112;
	}
	if (nr == 44 || nr == 46 || nr == 307)
		a[nr == 46 ? 2 : 3] |= 0x40; /* MSG_DONTWAIT */
}

static int allowed(unsigned long nr)
{
	for (unsigned int i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (never[i] == (short)nr)
			return 0;
	return 1;
}

/* Calls on memory act on the arena, or the program would soon be gone. */
static int on_memory(unsigned long nr)
{
	return nr == 9 || nr == 10 || nr == 11 || nr == 25 || nr == 26 || nr == 28 || nr == 216 ||
	       nr == 329;
}

static long random_call(unsigned long nr)
{
	unsigned long a[6];

	for (int k = 0; k < 6; k++)
		a[k] = random_argument();
	for (unsigned int k = 0; k < sizeof(on_sockets) / sizeof(on_sockets[0]); k++)
		if (on_sockets[k] == (short)nr && rnd() % 4)
			aim_at_socket(nr, a);
	if (on_memory(nr)) {
		a[0] = (unsigned long)(arena + (rnd() % ARENA_PAGES << 12));
		a[1] %= rnd() % 3 ? 64 << 12 : ARENA_PAGES << 12;
		if (nr == 25 && a[3] & 2)
			a[4] = (unsigned long)(arena + (rnd() % 1024 << 12));
		if (nr == 9)
			a[3] |= 0x10;
	}
	if (nr == 3 || nr == 436) /* stdout stays */
		a[0] += 3;
	if (nr == 33 || nr == 292)
		a[1] += 3;
	return syscall((long)nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#endif
