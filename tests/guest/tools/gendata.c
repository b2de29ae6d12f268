/*
 * gendata DIR: writes the tests' input files into DIR, the same bytes each time.
 *
 *   corpus.txt   4,000 lines of words, many of them alike       numbers.txt  one a line, some equal
 *   edited.txt   corpus.txt with some lines changed             table.csv    2,000 rows of 5 fields
 *   random.bin   128 KiB that do not compress                   sparse.bin   zeroes with islands
 *   tree/        folders, files of 0 to 20,000 bytes, symbolic and hard links
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long state = 88172645463325252;

static unsigned int rnd(unsigned int below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)((state >> 32) % below);
}

static FILE *create(const char *name)
{
	FILE *f = fopen(name, "w");

	if (!f) {
		perror(name);
		exit(1);
	}
	return f;
}

static void word(FILE *f)
{
	static const char *const parts[] = {
		"page", "frame", "map",	  "fault", "zone", "ker", "nel", "swap", "slab", "anon",
		"file", "dirty", "clean", "a",	   "the",  "of",  "in",	 "to",	 "Map",	 "Page"};
	int n = 1 + rnd(2);

	while (n--)
		fputs(parts[rnd(sizeof(parts) / sizeof(parts[0]))], f);
}

static void corpus(void)
{
	FILE *f = create("corpus.txt"), *g = create("edited.txt");
	char *line;
	size_t size;

	for (int i = 0; i < 4000; i++) {
		FILE *m = open_memstream(&line, &size);
		int words = rnd(12);

		for (int w = 0; w < words; w++) {
			word(m);
			fputs(rnd(9) ? " " : ", ", m);
		}
		fprintf(m, "%u\n", rnd(500));
		fclose(m);
		fputs(line, f);
		if (i % 250 == 17)
			fprintf(g, "changed at %d\n", i);
		else if (i % 333 != 5)
			fputs(line, g);
		free(line);
	}
	fclose(f);
	fclose(g);
}

static void tables(void)
{
	FILE *f = create("numbers.txt"), *g = create("table.csv");

	for (int i = 0; i < 3000; i++)
		fprintf(f, "%d.%02u\n", (int)rnd(2000) - 1000, rnd(100));
	for (int i = 0; i < 2000; i++) {
		fprintf(g, "%d,", i);
		word(g);
		fprintf(g, ",%u,%u.%u,%c\n", rnd(50), rnd(1000), rnd(10), 'a' + rnd(26));
	}
	fclose(f);
	fclose(g);
}

static void binaries(void)
{
	FILE *f = create("random.bin"), *g = create("sparse.bin");

	for (int i = 0; i < 128 << 10; i++)
		putc(rnd(256), f);
	for (int i = 0; i < 256 << 10; i++)
		putc(i % 20000 < 100 ? rnd(256) : 0, g);
	fclose(f);
	fclose(g);
}

static void tree(void)
{
	char path[100];
	FILE *f;

	mkdir("tree", 0755);
	for (int d = 0; d < 6; d++) {
		snprintf(path, sizeof(path), "tree/d%d", d);
		mkdir(path, 0755);
		for (int i = 0; i < 5; i++) {
			snprintf(path, sizeof(path), "tree/d%d/file%d.%s", d, i,
				 i & 1 ? "c" : "txt");
			f = create(path);
			for (int n = rnd(4) ? (int)rnd(20000) : 0; n > 0; n -= 8)
				fprintf(f, "%07u\n", rnd(10000000));
			fclose(f);
			chmod(path, i == 3 ? 0755 : 0644);
		}
	}
	if (symlink("d0/file0.txt", "tree/link") || symlink("nowhere", "tree/broken") ||
	    link("tree/d1/file1.c", "tree/hard.c"))
		perror("tree");
	mkdir("tree/d5/deep", 0750);
	mkdir("tree/d5/deep/empty", 0700);
}

int main(int argc, char **argv)
{
	if (argc != 2 || (mkdir(argv[1], 0755) && errno != EEXIST) || chdir(argv[1])) {
		perror("gendata DIR");
		return 1;
	}
	umask(022);
	corpus();
	tables();
	binaries();
	tree();
	return 0;
}
