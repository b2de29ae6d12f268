/* crypto: Debian's libcrypto over the lengths and alignments that choose between its code paths: one
 * line with a digest for each algorithm. Its assembly is chosen by CPUID and OPENSSL_ia32cap; what is
 * printed hangs on neither.
 *
 *   crypto [thorough]
 *
 * The randomness is a fixed sequence, so that keys, nonces and salts repeat. Each signature is
 * verified, each text decrypted again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_set_rand_method */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#define MOST 8000 /* bytes of a text */

typedef unsigned char u8;

static u8 plain[MOST + 64], sealed[MOST + 128], opened[MOST + 128];
static int failures;

/* ---- Randomness ----------------------------------------------------------------------------- */

static uint64_t state = 0x2545f4914f6cdd1d;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static int fixed_bytes(u8 *buf, int n)
{
	while (n-- > 0)
		*buf++ = (u8)(rnd() >> 32);
	return 1;
}

static int fixed_status(void)
{
	return 1;
}

/* ---- Results -------------------------------------------------------------------------------- */

static uint64_t digest;

static void mix(const void *p, size_t n)
{
	const u8 *b = p;

	for (size_t i = 0; i < n; i++)
		digest = (digest ^ b[i]) * 0x100000001b3;
	digest ^= n << 17;
}

static void check(int right, const char *what, size_t n)
{
	if (right)
		return;
	failures++;
	printf("FAILED: %s, %zu bytes\n", what, n);
}

static void begin(void)
{
	digest = 0xcbf29ce484222325;
	state = 0x2545f4914f6cdd1d;
}

static void end(const char *name)
{
	printf("%-24s %016lx\n", name, digest);
}

/* Lengths around what assembly treats at once: blocks, four, six, eight, sixteen and 32 of them. */
static size_t next_length(size_t n, int thorough)
{
	if (n < 300)
		return n + (thorough ? 1 : 1 + n % 13);
	if (n < 1200)
		return n + (thorough ? 7 : 141);
	return n * 2 + 13;
}

/* ---- Ciphers -------------------------------------------------------------------------------- */

struct cipher {
	const char *name;
	unsigned unit;	/* lengths are multiples of it */
	unsigned least; /* the shortest text */
	int aead;
	int ccm; /* tag and length must be told first */
};

static const struct cipher ciphers[] = {
	{"AES-128-ECB", 16, 16, 0, 0},	   {"AES-128-CBC", 16, 16, 0, 0},
	{"AES-192-CBC", 16, 16, 0, 0},	   {"AES-256-CBC", 16, 16, 0, 0},
	{"AES-128-CTR", 1, 1, 0, 0},	   {"AES-256-CTR", 1, 1, 0, 0},
	{"AES-256-CFB", 1, 1, 0, 0},	   {"AES-128-OFB", 1, 1, 0, 0},
	{"AES-128-XTS", 1, 16, 0, 0},	   {"AES-256-XTS", 1, 16, 0, 0},
	{"AES-128-GCM", 1, 1, 1, 0},	   {"AES-192-GCM", 1, 1, 1, 0},
	{"AES-256-GCM", 1, 1, 1, 0},	   {"AES-128-CCM", 1, 1, 1, 1},
	{"AES-256-OCB", 1, 1, 1, 0},	   {"ChaCha20", 1, 1, 0, 0},
	{"ChaCha20-Poly1305", 1, 1, 1, 0}, {"CAMELLIA-256-CBC", 16, 16, 0, 0},
	{"DES-EDE3-CBC", 8, 8, 0, 0},	   {"ARIA-128-CTR", 1, 1, 0, 0},
};

static void settings(EVP_CIPHER_CTX *x, const struct cipher *c, size_t n, u8 *tag)
{
	int out;

	EVP_CIPHER_CTX_set_padding(x, 0);
	if (c->ccm)
		EVP_CipherUpdate(x, NULL, &out, NULL, (int)n);
	if (c->aead)
		EVP_CipherUpdate(x, NULL, &out, tag + 16, (int)(n % 29)); /* additional data */
}

/* @n bytes from @in to @out, in two calls where the mode allows. Returns 0 if the tag is wrong. */
static int crypt(const EVP_CIPHER *e, const struct cipher *c, int seal, const u8 *in, u8 *out,
		 size_t n, u8 *tag)
{
	EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	size_t first = c->ccm || strstr(c->name, "XTS") ? n : n / 3 / c->unit * c->unit;
	int ok, done = 0, more = 0, last = 0;

	ok = EVP_CipherInit_ex(x, e, NULL, NULL, NULL, seal);
	if (c->ccm)
		ok &= EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, 16, seal ? NULL : tag);
	ok &= EVP_CipherInit_ex(x, NULL, NULL, plain + 100, plain + 200, seal);
	if (c->aead && !seal && !c->ccm)
		ok &= EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, 16, tag);
	settings(x, c, n, tag);
	if (first)
		ok &= EVP_CipherUpdate(x, out, &done, in, (int)first);
	if (first < n)
		ok &= EVP_CipherUpdate(x, out + done, &more, in + first, (int)(n - first));
	if (!c->ccm || seal)
		ok &= EVP_CipherFinal_ex(x, out + done + more, &last);
	if (c->aead && seal)
		ok &= EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, 16, tag);
	EVP_CIPHER_CTX_free(x);
	return ok && (size_t)(done + more + last) == n;
}

static void run_cipher(const struct cipher *c, int thorough)
{
	EVP_CIPHER *e = EVP_CIPHER_fetch(NULL, c->name, NULL);
	u8 tag[64] = {0};

	if (!e) {
		printf("%-24s not there\n", c->name);
		return;
	}
	begin();
	for (size_t k = c->least; k <= MOST; k = next_length(k, thorough)) {
		size_t n = k / c->unit * c->unit, in = k % 17, out = k % 23;

		if (!n)
			continue;
		check(crypt(e, c, 1, plain + in, sealed + out, n, tag), c->name, n);
		mix(sealed + out, n);
		if (c->aead)
			mix(tag, 16);
		check(crypt(e, c, 0, sealed + out, opened + in, n, tag), c->name, n);
		check(!memcmp(opened + in, plain + in, n), c->name, n);
		if (c->aead && k % 5 == 0) { /* one bit wrong must be found */
			sealed[out + n / 2] ^= 1;
			check(!crypt(e, c, 0, sealed + out, opened + in, n, tag), c->name, n);
		}
	}
	EVP_CIPHER_free(e);
	end(c->name);
}

/* ---- Digests, authentication, derivation ---------------------------------------------------- */

static const char *const hashes[] = {
	"MD5",	    "SHA1",	  "SHA224",	"SHA256",    "SHA384",
	"SHA512",   "SHA512-256", "SHA3-224",	"SHA3-256",  "SHA3-512",
	"SHAKE128", "BLAKE2s256", "BLAKE2b512", "RIPEMD160", "SM3",
};

static void run_hash(const char *name, int thorough)
{
	EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);
	EVP_MD_CTX *x = EVP_MD_CTX_new();
	u8 out[EVP_MAX_MD_SIZE];
	unsigned len;

	if (!md) {
		printf("%-24s not there\n", name);
		return;
	}
	begin();
	for (size_t n = 0; n <= MOST; n = next_length(n, thorough)) {
		const u8 *in = plain + n % 19;

		EVP_DigestInit_ex(x, md, NULL);
		EVP_DigestUpdate(x, in, n / 3);
		EVP_DigestUpdate(x, in + n / 3, n - n / 3);
		check(EVP_DigestFinal_ex(x, out, &len), name, n);
		mix(out, len);
	}
	EVP_MD_CTX_free(x);
	EVP_MD_free(md);
	end(name);
}

static const struct {
	const char *label, *mac, *param, *value;
	size_t key;
} macs[] = {
	{"HMAC-SHA1", "HMAC", OSSL_MAC_PARAM_DIGEST, "SHA1", 20},
	{"HMAC-SHA256", "HMAC", OSSL_MAC_PARAM_DIGEST, "SHA256", 77},
	{"HMAC-SHA512", "HMAC", OSSL_MAC_PARAM_DIGEST, "SHA512", 200},
	{"CMAC-AES-128", "CMAC", OSSL_MAC_PARAM_CIPHER, "AES-128-CBC", 16},
	{"GMAC-AES-256", "GMAC", OSSL_MAC_PARAM_CIPHER, "AES-256-GCM", 32},
	{"Poly1305", "POLY1305", NULL, NULL, 32},
	{"SipHash", "SIPHASH", NULL, NULL, 16},
	{"KMAC-256", "KMAC-256", NULL, NULL, 40},
};

static void run_mac(unsigned i)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, macs[i].mac, NULL);
	u8 out[EVP_MAX_MD_SIZE];
	OSSL_PARAM p[3], *q = p;
	size_t len;

	if (!mac) {
		printf("%-24s not there\n", macs[i].label);
		return;
	}
	begin();
	if (macs[i].param)
		*q++ = OSSL_PARAM_construct_utf8_string(macs[i].param, (char *)macs[i].value, 0);
	if (!strcmp(macs[i].mac, "GMAC"))
		*q++ = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, plain, 12);
	*q = OSSL_PARAM_construct_end();
	for (size_t n = 0; n < MOST; n = next_length(n, 0)) {
		EVP_MAC_CTX *x = EVP_MAC_CTX_new(mac);

		check(EVP_MAC_init(x, plain + 300, macs[i].key, p) &&
			      EVP_MAC_update(x, plain + n % 15, n) &&
			      EVP_MAC_final(x, out, &len, sizeof(out)),
		      macs[i].label, n);
		mix(out, len);
		EVP_MAC_CTX_free(x);
	}
	EVP_MAC_free(mac);
	end(macs[i].label);
}

static void run_kdfs(void)
{
	OSSL_PARAM p[5];
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *x = EVP_KDF_CTX_new(kdf);
	u8 out[100];

	begin();
	p[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0);
	p[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, plain, 22);
	p[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, plain + 50, 13);
	p[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, plain + 80, 10);
	p[4] = OSSL_PARAM_construct_end();
	check(EVP_KDF_derive(x, out, sizeof(out), p) > 0, "HKDF", 0);
	mix(out, sizeof(out));
	end("HKDF");
	EVP_KDF_CTX_free(x);
	EVP_KDF_free(kdf);
	begin();
	check(PKCS5_PBKDF2_HMAC("a pass word", 11, plain, 16, 200, EVP_sha256(), 40, out) &&
		      (mix(out, 40), 1) &&
		      PKCS5_PBKDF2_HMAC("a pass word", 11, plain, 16, 100, EVP_sha512(), 90, out),
	      "PBKDF2", 0);
	mix(out, 90);
	end("PBKDF2");
	begin();
	check(EVP_PBE_scrypt("a pass word", 11, plain, 16, 256, 4, 1, 0, out, 64), "scrypt", 0);
	mix(out, 64);
	end("scrypt");
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static void run_signature(const char *name, EVP_PKEY *key, const EVP_MD *md, int pss, int times)
{
	EVP_PKEY_CTX *kx;
	u8 sig[600];
	size_t len;

	if (!key) {
		printf("%-24s not there\n", name);
		return;
	}
	begin();
	for (int i = 0; i < times; i++) {
		EVP_MD_CTX *x = EVP_MD_CTX_new();
		size_t n = (size_t)i * 97;

		len = sizeof(sig);
		check(EVP_DigestSignInit(x, &kx, md, NULL, key) > 0, name, n);
		if (pss)
			EVP_PKEY_CTX_set_rsa_padding(kx, RSA_PKCS1_PSS_PADDING);
		check(EVP_DigestSign(x, sig, &len, plain + i, n) > 0, name, n);
		mix(sig, len);
		EVP_MD_CTX_free(x);
		for (int wrong = 0; wrong < 2; wrong++) {
			x = EVP_MD_CTX_new();
			EVP_DigestVerifyInit(x, &kx, md, NULL, key);
			if (pss)
				EVP_PKEY_CTX_set_rsa_padding(kx, RSA_PKCS1_PSS_PADDING);
			check((EVP_DigestVerify(x, sig, len, plain + i + wrong, n + wrong) == 1) ==
				      !wrong,
			      name, n);
			EVP_MD_CTX_free(x);
		}
	}
	end(name);
}

static void run_encryption(const char *name, EVP_PKEY *key)
{
	EVP_PKEY_CTX *x = EVP_PKEY_CTX_new(key, NULL);
	u8 c[600], p[600];
	size_t cl = sizeof(c), pl = sizeof(p);

	begin();
	check(EVP_PKEY_encrypt_init(x) > 0 &&
		      EVP_PKEY_CTX_set_rsa_padding(x, RSA_PKCS1_OAEP_PADDING) > 0 &&
		      EVP_PKEY_encrypt(x, c, &cl, plain, 60) > 0,
	      name, 60);
	mix(c, cl);
	check(EVP_PKEY_decrypt_init(x) > 0 &&
		      EVP_PKEY_CTX_set_rsa_padding(x, RSA_PKCS1_OAEP_PADDING) > 0 &&
		      EVP_PKEY_decrypt(x, p, &pl, c, cl) > 0 && pl == 60 && !memcmp(p, plain, 60),
	      name, 60);
	EVP_PKEY_CTX_free(x);
	end(name);
}

static void run_exchange(const char *name, EVP_PKEY *a, EVP_PKEY *b)
{
	u8 s[2][200];
	size_t len[2] = {sizeof(s[0]), sizeof(s[1])};

	begin();
	for (int i = 0; i < 2; i++) {
		EVP_PKEY_CTX *x = EVP_PKEY_CTX_new(i ? b : a, NULL);

		check(EVP_PKEY_derive_init(x) > 0 && EVP_PKEY_derive_set_peer(x, i ? a : b) > 0 &&
			      EVP_PKEY_derive(x, s[i], &len[i]) > 0,
		      name, 0);
		EVP_PKEY_CTX_free(x);
	}
	check(len[0] == len[1] && !memcmp(s[0], s[1], len[0]), name, len[0]);
	mix(s[0], len[0]);
	end(name);
}

/* A new key; the same in each run. */
static EVP_PKEY *key_of(const char *type, const char *group, unsigned bits)
{
	EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!x || EVP_PKEY_keygen_init(x) <= 0)
		return NULL;
	if (group)
		EVP_PKEY_CTX_set_group_name(x, group);
	if (bits)
		EVP_PKEY_CTX_set_rsa_keygen_bits(x, (int)bits);
	if (EVP_PKEY_generate(x, &key) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(x);
	return key;
}

/* A key of 2048 bits of two known primes: to search for some takes an emulator seconds. */
static EVP_PKEY *rsa_2048(void)
{
	static const char *const primes[] = {
		"fe9f7bce98c34433cc2723f5b9757ea65f982e3d802c314cfad6d33becbc7631"
		"a096e859b852cdea6e55d040b0fed0c1fcf8566cae3aaca37a5edc3cc2be9e7b"
		"be63dad5ba1b0ccb1b9f6d73a2ecaa9b24859d89f3561f9f9025c3f5364c22a7"
		"72adde0e8ea74629686b8f2eaa6016ce65bd29996d475d7e5c93d4e921692427",
		"fe1e4a11cbaaff8f382367ba357374b8144811b0cd9015c307f794171c5b8a0d"
		"1663d4c654cb887819597bf3719669d9b86ff9ed9bb31cb0047c176cb8713659"
		"ea2918a7c2c5c1d71e6a460734317cc5581b56b1d4327da5b36b8817d4c59507"
		"b3cebfb9fa10ff3a16b3f62878e3a620f4613ed97d44fcf758489a7fe4507339"};
	static const char *const names[] = {"n",
					    "e",
					    "d",
					    "rsa-factor1",
					    "rsa-factor2",
					    "rsa-exponent1",
					    "rsa-exponent2",
					    "rsa-coefficient1"};
	enum { MODULUS, PUBLIC, PRIVATE, P, Q, DP, DQ, QI, NR };
	EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *v[NR], *p1 = BN_new(), *q1 = BN_new();
	BN_CTX *c = BN_CTX_new();
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	for (int i = 0; i < NR; i++)
		v[i] = BN_new();
	BN_hex2bn(&v[P], primes[0]);
	BN_hex2bn(&v[Q], primes[1]);
	BN_set_word(v[PUBLIC], 65537);
	BN_sub(p1, v[P], BN_value_one());
	BN_sub(q1, v[Q], BN_value_one());
	BN_mul(v[MODULUS], p1, q1, c);
	BN_mod_inverse(v[PRIVATE], v[PUBLIC], v[MODULUS], c);
	BN_mul(v[MODULUS], v[P], v[Q], c);
	BN_mod(v[DP], v[PRIVATE], p1, c);
	BN_mod(v[DQ], v[PRIVATE], q1, c);
	BN_mod_inverse(v[QI], v[Q], v[P], c);
	for (int i = 0; i < NR; i++)
		OSSL_PARAM_BLD_push_BN(b, names[i], v[i]);
	params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY_fromdata_init(x);
	check(EVP_PKEY_fromdata(x, &key, EVP_PKEY_KEYPAIR, params) > 0, "RSA key", 0);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	for (int i = 0; i < NR; i++)
		BN_free(v[i]);
	BN_free(p1);
	BN_free(q1);
	BN_CTX_free(c);
	EVP_PKEY_CTX_free(x);
	return key;
}

static void run_keys(int thorough)
{
	static const char *const groups[] = {"P-256", "P-384", "P-521", "secp256k1"};
	EVP_PKEY *rsa, *a, *b;
	int times = thorough ? 20 : 2;

	begin();
	rsa = rsa_2048();
	run_signature("RSA-2048 SHA256", rsa, EVP_sha256(), 0, times);
	run_signature("RSA-2048 PSS SHA512", rsa, EVP_sha512(), 1, times);
	run_encryption("RSA-2048 OAEP", rsa);
	EVP_PKEY_free(rsa);
	if (thorough) {
		rsa = key_of("RSA", NULL, 3072);
		run_signature("RSA-3072 SHA384", rsa, EVP_sha384(), 0, 3);
		EVP_PKEY_free(rsa);
	}
	for (unsigned i = 0; i < 4; i++) {
		begin();
		a = key_of("EC", groups[i], 0);
		b = key_of("EC", groups[i], 0);
		printf("%s:\n", groups[i]);
		run_signature("ECDSA", a, i ? EVP_sha384() : EVP_sha256(), 0, times);
		run_exchange("ECDH", a, b);
		EVP_PKEY_free(a);
		EVP_PKEY_free(b);
	}
	begin();
	a = key_of("ED25519", NULL, 0);
	run_signature("Ed25519", a, NULL, 0, times * 4);
	EVP_PKEY_free(a);
	a = key_of("ED448", NULL, 0);
	run_signature("Ed448", a, NULL, 0, times);
	EVP_PKEY_free(a);
	a = key_of("X25519", NULL, 0);
	b = key_of("X25519", NULL, 0);
	run_exchange("X25519", a, b);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
}

int main(int argc, char **argv)
{
	static const RAND_METHOD fixed = {
		.bytes = fixed_bytes, .pseudorand = fixed_bytes, .status = fixed_status};
	int thorough = argc > 1 && !strcmp(argv[1], "thorough");

	RAND_set_rand_method(&fixed);
	fixed_bytes(plain, sizeof(plain));
	for (unsigned i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		run_cipher(&ciphers[i], thorough);
	for (unsigned i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		run_hash(hashes[i], thorough);
	for (unsigned i = 0; i < sizeof(macs) / sizeof(macs[0]); i++)
		run_mac(i);
	run_kdfs();
	run_keys(thorough);
	printf("%d failures\n", failures);
	return failures != 0;
}
