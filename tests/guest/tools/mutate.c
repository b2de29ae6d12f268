/*
 * mutate IN OUT SEED: writes a damaged copy of the ELF file IN: cut short anywhere, or with one to
 * four fields of its headers given values that hurt, or with random bytes in its first page.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static unsigned long state;

static unsigned long rnd(void)
{
	state += 0x9e3779b97f4a7c15;
	unsigned long z = state;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned long nasty(unsigned long old, unsigned long size)
{
	const unsigned long values[] = {
		0,
		1,
		~0UL,
		~0UL >> 1,
		1UL << 63,
		1UL << 47,
		(1UL << 47) - 4096,
		0xffffffff,
		0x80000000,
		size,
		size - 1,
		size + 1,
		size * 2,
		old + 1,
		old - 1,
		old + 4096,
		old - 4096,
		old ^ 0xfff,
		old << 20,
		0xfff,
		0x1000,
		~0xfffUL,
		rnd(),
		rnd() & 0xffffff,
	};

	return values[rnd() % (sizeof(values) / sizeof(values[0]))];
}

static void damage_field(unsigned char *file, unsigned long size)
{
	/* Offset and width of what a loader reads. */
	static const unsigned char header[][2] = {
		{4, 1},	 {5, 1},  {6, 1},  {7, 1},  {16, 2}, {18, 2}, {20, 4},
		{24, 8}, {32, 8}, {48, 4}, {52, 2}, {54, 2}, {56, 2},
	};
	static const unsigned char segment[][2] = {
		{0, 4}, {4, 4}, {8, 8}, {16, 8}, {32, 8}, {40, 8}, {48, 8},
	};
	Elf64_Ehdr *eh = (void *)file;
	unsigned long at, width, value = 0;
	const unsigned char *field;

	if (rnd() % 4 == 0) {
		field = header[rnd() % (sizeof(header) / sizeof(header[0]))];
		at = field[0];
	} else {
		field = segment[rnd() % (sizeof(segment) / sizeof(segment[0]))];
		at = sizeof(*eh) + rnd() % (eh->e_phnum % 16 + 1) * sizeof(Elf64_Phdr) + field[0];
	}
	width = field[1];
	if (at + width > size)
		return;
	memcpy(&value, file + at, width);
	value = nasty(value, size);
	memcpy(file + at, &value, width);
}

int main(int argc, char **argv)
{
	FILE *in = argc == 4 ? fopen(argv[1], "r") : NULL,
	     *out = argc == 4 ? fopen(argv[2], "w") : NULL;
	unsigned char *file;
	unsigned long size;
	struct stat st;

	if (!in || !out || fstat(fileno(in), &st)) {
		fprintf(stderr, "mutate IN OUT SEED\n");
		return 2;
	}
	size = st.st_size;
	file = malloc(size);
	if (fread(file, 1, size, in) != size)
		return 2;
	state = strtoul(argv[3], NULL, 0);
	rnd();
	switch (rnd() % 5) {
	case 0: /* cut short, often within the headers */
		size = rnd() % (rnd() & 1 ? size : 700);
		break;
	case 1:
		for (int n = 1 + rnd() % 8; n; n--)
			file[rnd() % 4096] = (unsigned char)rnd();
		break;
	default:
		for (int n = 1 + rnd() % 4; n; n--)
			damage_field(file, size);
	}
	fwrite(file, 1, size, out);
	fchmod(fileno(out), 0755);
	return 0;
}
