/* zstd_driver: texts of several kinds through libzstd, zlib, liblzma and libbz2 and back, at each level;
 * a line with sizes and digests for each.
 *
 *   zstd_driver [thorough]
 *
 * libzstd takes BMI2 code where CPUID has it; the packed bytes are the same.
 */
#include <bzlib.h>
#include <lzma.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define MOST 400000

typedef unsigned char u8;

static u8 text[MOST], packed[2 * MOST], back[MOST];
static int failures;
static uint64_t state = 0x2545f4914f6cdd1d;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

/* ---- Texts ---------------------------------------------------------------------------------- */

static void words(size_t n)
{
	static const char *const some[] = {"page ",   "fault ", "mapping ",
					   "of the ", "swap\n", "a "};
	size_t at = 0;

	while (at < n) {
		const char *w = some[rnd() % 6];

		for (; *w && at < n; w++)
			text[at++] = (u8)*w;
		if (rnd() % 7 == 0 && at + 8 < n)
			at += (size_t)snprintf((char *)text + at, 8, "%lu ", rnd() % 100000);
	}
}

static void random_bytes(size_t n)
{
	for (size_t i = 0; i < n; i++)
		text[i] = (u8)(rnd() >> 24);
}

static void zeroes(size_t n)
{
	memset(text, 0, n);
	for (size_t i = 100; i < n; i += 1 + rnd() % 5000)
		text[i] = (u8)i;
}

/* Small steps: what delta and arithmetic coding like. */
static void curve(size_t n)
{
	unsigned v = 1000;

	for (size_t i = 0; i < n; i++) {
		if (!(i & 1))
			v += (unsigned)(rnd() % 7) - 3;
		text[i] = (u8)(i & 1 ? v >> 8 : v);
	}
}

/* Parts of each, and old parts again from far away. */
static void mixed(size_t n)
{
	size_t at = n / 2;

	words(n / 4);
	for (size_t i = n / 4; i < n / 2; i++)
		text[i] = (u8)(rnd() >> 24);
	while (at < n) {
		size_t len = 3 + rnd() % 300, from = rnd() % (n / 2 - 300);

		for (size_t i = 0; i < len && at < n; i++)
			text[at++] = text[from + i];
	}
}

static const struct kind {
	const char *name;
	void (*make)(size_t n);
} kinds[] = {
	{"words", words}, {"random", random_bytes}, {"zeroes", zeroes},
	{"curve", curve}, {"mixed", mixed},
};

/* ---- Packers: pack() returns bytes, unpack() too; 0 is a failure ------------------------------- */

static size_t zstd_pack(int level, size_t n)
{
	size_t len = ZSTD_compress(packed, sizeof(packed), text, n, level);

	return ZSTD_isError(len) ? 0 : len;
}

static size_t zstd_unpack(size_t len)
{
	len = ZSTD_decompress(back, sizeof(back), packed, len);
	return ZSTD_isError(len) ? 0 : len;
}

/* In pieces, with a checksum, long distance matching, and the first 2000 bytes as dictionary. */
static size_t stream_pack(int level, size_t n)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_outBuffer out = {packed, sizeof(packed), 0};
	size_t left = 0;

	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(c, ZSTD_c_enableLongDistanceMatching, 1);
	ZSTD_CCtx_loadDictionary(c, text, 2000);
	for (size_t at = 0; at < n; at += 7777) {
		ZSTD_inBuffer in = {text + at, n - at < 7777 ? n - at : 7777, 0};
		ZSTD_EndDirective how = n - at <= 7777 ? ZSTD_e_end : ZSTD_e_continue;

		do {
			left = ZSTD_compressStream2(c, &out, &in, how);
			if (ZSTD_isError(left))
				return 0;
		} while (in.pos < in.size || (how == ZSTD_e_end && left));
	}
	ZSTD_freeCCtx(c);
	return out.pos;
}

static size_t stream_unpack(size_t len)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	ZSTD_inBuffer in = {packed, 0, 0};
	size_t at = 0, left = 1;

	ZSTD_DCtx_loadDictionary(d, text, 2000);
	while (in.pos < len || left) {
		ZSTD_outBuffer out = {back, at + 5000 < MOST ? at + 5000 : MOST, at};

		in.size = in.size + 1000 < len ? in.size + 1000 : len;
		left = ZSTD_decompressStream(d, &out, &in);
		if (ZSTD_isError(left) || (out.pos == at && in.pos == len && left))
			return 0;
		at = out.pos;
	}
	ZSTD_freeDCtx(d);
	return at;
}

static size_t zlib_pack(int level, size_t n)
{
	uLongf len = sizeof(packed);

	return compress2(packed, &len, text, n, level) == Z_OK ? len : 0;
}

static size_t zlib_unpack(size_t len)
{
	uLongf n = sizeof(back);

	return uncompress(back, &n, packed, len) == Z_OK ? n : 0;
}

static size_t lzma_pack(int level, size_t n)
{
	size_t len = 0;

	return lzma_easy_buffer_encode((uint32_t)level, LZMA_CHECK_SHA256, NULL, text, n, packed,
				       &len, sizeof(packed)) == LZMA_OK
		       ? len
		       : 0;
}

static size_t lzma_unpack(size_t len)
{
	uint64_t limit = UINT64_MAX;
	size_t in = 0, n = 0;

	return lzma_stream_buffer_decode(&limit, 0, NULL, packed, &in, len, back, &n,
					 sizeof(back)) == LZMA_OK
		       ? n
		       : 0;
}

static size_t bzip2_pack(int level, size_t n)
{
	unsigned len = sizeof(packed);

	return BZ2_bzBuffToBuffCompress((char *)packed, &len, (char *)text, (unsigned)n, level, 0,
					0) == BZ_OK
		       ? len
		       : 0;
}

static size_t bzip2_unpack(size_t len)
{
	unsigned n = sizeof(back);

	return BZ2_bzBuffToBuffDecompress((char *)back, &n, (char *)packed, (unsigned)len, len & 1,
					  0) == BZ_OK
		       ? n
		       : 0;
}

static const struct packer {
	const char *name;
	size_t (*pack)(int level, size_t n);
	size_t (*unpack)(size_t len);
	int from, to, step;
	size_t n; /* bytes, unless thorough */
} packers[] = {
	{"zstd", zstd_pack, zstd_unpack, -5, 19, 1, 12000},
	{"zstd stream", stream_pack, stream_unpack, 1, 19, 9, 12000},
	{"zlib", zlib_pack, zlib_unpack, 0, 9, 1, 12000},
	{"lzma", lzma_pack, lzma_unpack, 0, 9, 3, 8000},
	{"bzip2", bzip2_pack, bzip2_unpack, 1, 9, 4, 8000},
};

static void run(const struct packer *p, const struct kind *k, size_t n)
{
	state = 0x2545f4914f6cdd1d;
	k->make(n);
	printf("%-12s %-7s", p->name, k->name);
	for (int level = p->from; level <= p->to; level += p->step) {
		size_t len = p->pack(level, n);

		memset(back, 0, n);
		if (!len || p->unpack(len) != n || memcmp(text, back, n)) {
			printf(" FAILED at level %d", level);
			failures++;
		}
		printf(" %zu:%08lx", len, crc32(0, packed, (unsigned)len));
	}
	puts("");
}

int main(int argc, char **argv)
{
	int thorough = argc > 1 && !strcmp(argv[1], "thorough");

	for (unsigned i = 0; i < sizeof(packers) / sizeof(packers[0]); i++)
		for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			run(&packers[i], &kinds[k], thorough ? MOST : packers[i].n);
	printf("%d failures\n", failures);
	return failures != 0;
}
