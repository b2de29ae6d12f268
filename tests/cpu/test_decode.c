/* The decoder against Capstone, Zydis and the host CPU: whether an encoding exists, and how long it is. */
#include "unit.h"

#include <asm/prctl.h>
#include <capstone/capstone.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#ifdef HAVE_ZYDIS
#include <Zydis/Zydis.h>
#endif

#include "cpu/decode.h"
#include "cpu/model.h"

#define TRIALS 1000000

static u64 seed = 0x2545f4914f6cdd1dUL;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static const struct decoder *decoder(void)
{
	static struct decoder d;

	decoder_init(&d);
	return &d;
}

#define ALL_FEATURES (~0UL)

static enum decode_result decode_bytes(const void *code, unsigned n, struct decoded *d)
{
	static const struct decoder *dec;

	if (!dec)
		dec = decoder();
	return decode(dec, ALL_FEATURES, code, n, d);
}

/* Random bytes in which prefixes and 0F are as frequent as in code. */
static void random_code(u8 code[16])
{
	static const u8 prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x64, 0x2e};
	u64 lo = rnd(), hi = rnd(), how = rnd();
	unsigned n = 0;

	memcpy(code, &lo, 8);
	memcpy(code + 8, &hi, 8);
	while ((how & 3) == 0 && n < 4) {
		code[n++] = prefixes[(how >> 2) % sizeof(prefixes)];
		how = rnd();
	}
	if (how & 0x10)
		code[n++] = 0x40 | ((how >> 5) & 15);
	if (how & 0x600)
		code[n] = 0x0f;
}

/* 66 before a near branch shortens its displacement on AMD and in some tools; Intel ignores it. We
 * do as the host's maker does, which FEAT_AMD says. */
static bool near_branch_66(const struct decoded *d)
{
	bool branch = (d->map == MAP_ONE && (d->op == 0xe8 || d->op == 0xe9)) ||
		      (d->map == MAP_0F && (d->op & 0xf0) == 0x80);

	return branch && d->opsize;
}

/* Where tools know fewer or more encodings than the CPU, by row name. the_host_settles_lengths() runs
 * such bytes against a PROT_NONE page. */
static bool tools_differ(const struct decoded *d)
{
	static const char *const names[] = {
		"nop", /* hint NOPs with any prefix, and 0F 0D with a register */
		"prefetch", "prefetchw", "ud0", /* has a ModRM byte on Intel */
		"ud1",	    "movcr",	 "movdr", /* registers that do not exist: #UD before #GP, not told apart */
		"smsw",	    "lmsw",	 "swapgs", "invlpg",  "lfence", "mfence",
		"sfence", /* any modrm.rm will do */
		"mov",	  /* to a selector register that does not exist: #UD when it runs */
		"wbinvd",   "rdmsr",	 "sysret", "sysexit", "rdrand", "rdseed", /* with F2 */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(insn_rows[d->row].name, names[i]))
			return true;
	return false;
}

/* Capstone 4 takes REX.W or a repeat prefix before these as a change of operand size; Zydis and the
 * CPU do not. */
static bool capstone_errs(const struct decoded *d)
{
	static const char *const names[] = {"ret", "retf", "call", "jmp", "push", "enter"};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(insn_rows[d->row].name, names[i]))
			return d->rex & 8 || d->pfx != PFX_NONE;
	return false;
}

static void print_bytes(const char *who, const u8 *code, unsigned theirs, const struct decoded *d)
{
	printf("\n  %s says %u, here %u %s:", who, theirs, d->len,
	       d->row == NO_ROW ? "(none)" : insn_rows[d->row].name);
	for (unsigned i = 0; i < 15; i++)
		printf(" %02x", code[i]);
}

/* ---- The host as judge of lengths ----------------------------------------------------------- */

/* Far from everything, so that no displacement reaches the test's own memory. */
#define EDGE (0x110000000000UL + PAGE_SIZE) /* where ASan has no shadow */
#define EDGE_STACK (EDGE + 0x100000)

static sigjmp_buf edge_out;
static u64 edge_fs;
static struct {
	int sig;
	u64 rip, addr;
} edge_seen;

static void edge_handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	long ret;

	/* The code may have unmasked exceptions, and loaded selectors, and thus dropped thread-local
	 * storage. */
	__asm__ volatile("fninit\n\tldmxcsr %0" : : "m"((u32){0x1f80}));
	__asm__ volatile("pushq $0x202\n\tpopfq\n\tmov %0, %%ds\n\tmov %0, %%es" : : "r"(0) : "cc");
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(SYS_arch_prctl), "D"(ARCH_SET_FS), "S"(edge_fs)
			 : "rcx", "r11", "memory");
	edge_seen.sig = sig;
	edge_seen.rip = uc->uc_mcontext.gregs[REG_RIP];
	edge_seen.addr = (u64)info->si_addr;
	siglongjmp(edge_out, 1);
}

static bool edge_init(void)
{
	static const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE};
	struct sigaction sa = {.sa_sigaction = edge_handler,
			       .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	static u8 stack[65536];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	const int prot = PROT_READ | PROT_WRITE | PROT_EXEC,
		  flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;

	if (mmap((void *)(EDGE - PAGE_SIZE), 2 * PAGE_SIZE, prot, flags, -1, 0) == MAP_FAILED ||
	    mprotect((void *)EDGE, PAGE_SIZE, PROT_NONE) ||
	    mmap((void *)EDGE_STACK, 2 * PAGE_SIZE, prot, flags, -1, 0) == MAP_FAILED)
		return false;
	syscall(SYS_arch_prctl, ARCH_GET_FS, &edge_fs);
	sigaltstack(&ss, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
	return true;
}

/* Does the CPU want more than these @n bytes before it does anything with them? */
static bool host_wants_more(const u8 *code, unsigned n)
{
	memcpy((u8 *)EDGE - n, code, n);
	if (!sigsetjmp(edge_out, 0)) {
		register u64 at __asm__("r10") = EDGE - n;
		register u64 stack __asm__("r11") = EDGE_STACK + PAGE_SIZE;

		__asm__ volatile("mov %[stack], %%rsp\n\tpush %[code]\n\t"
				 "xor %%eax, %%eax\n\txor %%ecx, %%ecx\n\txor %%edx, %%edx\n\t"
				 "xor %%ebx, %%ebx\n\txor %%ebp, %%ebp\n\txor %%esi, %%esi\n\t"
				 "xor %%edi, %%edi\n\txor %%r8d, %%r8d\n\txor %%r9d, %%r9d\n\t"
				 "xor %%r10d, %%r10d\n\txor %%r11d, %%r11d\n\t"
				 "xor %%r12d, %%r12d\n\txor %%r13d, %%r13d\n\t"
				 "xor %%r14d, %%r14d\n\txor %%r15d, %%r15d\n\tret"
				 :
				 : [stack] "r"(stack), [code] "r"(at)
				 : "memory");
	}
	return edge_seen.sig == SIGSEGV && edge_seen.addr == EDGE && edge_seen.rip == EDGE - n;
}

/* Not to be run: system calls, short branches, which may never end, and what FS leads to. */
static bool not_to_be_run(const struct decoded *d)
{
	return insn_rows[d->row].form == FORM_Jb || d->seg == OFF_FS_BASE ||
	       (d->map == MAP_0F && (d->op == 0x05 || d->op == 0x34)) ||
	       (d->map == MAP_ONE && d->op == 0xcd);
}

/* The bytes are all that the CPU fetches, and it needs each. An instruction that is #UD may be
 * found so before its end. */
static bool host_agrees(const u8 *code, const struct decoded *d)
{
	if (not_to_be_run(d))
		return true;
	if (host_wants_more(code, d->len))
		return false;
	return edge_seen.sig == SIGILL || d->len == 1 || host_wants_more(code, d->len - 1) ||
	       edge_seen.sig == SIGILL;
}

static u64 host_feats(void)
{
	return cpu_model_features(CPU_MODEL_HOST);
}

static bool tools_agree(const u8 *code, const struct decoded *d);

/* Of encodings that tools see otherwise, and of all others a sample. */
static void the_host_settles_lengths(void)
{
	unsigned bad = 0, asked = 0;
	const struct decoder *dec = decoder();
	u64 feats = host_feats();
	struct decoded d;
	u8 code[16];

	CU_ASSERT_FATAL(edge_init());
	for (unsigned i = 0; i < TRIALS / 2; i++) {
		random_code(code);
		if (decode(dec, feats, code, 15, &d) != DECODE_OK ||
		    (i % 16 && tools_agree(code, &d)))
			continue;
		asked++;
		if (!host_agrees(code, &d) && bad++ < 20)
			print_bytes("the host", code, 0, &d);
	}
	for (int sig = 1; sig < 32; sig++)
		if (sig == SIGILL || sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE ||
		    sig == SIGTRAP)
			signal(sig, SIG_DFL);
	CU_ASSERT(asked > TRIALS / 1000);
	CU_ASSERT_EQUAL(bad, 0);
}

/* Of what both know, the lengths must agree. */
static void lengths_agree_with_capstone(void)
{
	unsigned bad = 0, both = 0;
	u8 code[16];
	struct decoded d;
	const u8 *p;
	uint64_t address;
	size_t n;
	cs_insn *insn;
	csh handle;

	CU_ASSERT_FATAL(cs_open(CS_ARCH_X86, CS_MODE_64, &handle) == CS_ERR_OK);
	insn = cs_malloc(handle);
	for (unsigned i = 0; i < TRIALS; i++) {
		random_code(code);
		p = code;
		n = 15;
		address = 0;
		if (decode_bytes(code, 15, &d) != DECODE_OK || near_branch_66(&d) ||
		    !cs_disasm_iter(handle, &p, &n, &address, insn))
			continue;
		both++;
		if (insn->size != d.len && !tools_differ(&d) && !capstone_errs(&d) && bad++ < 20)
			print_bytes("capstone", code, insn->size, &d);
	}
	cs_free(insn, 1);
	cs_close(&handle);
	CU_ASSERT(both > TRIALS / 4);
	CU_ASSERT_EQUAL(bad, 0);
}

/* Does Capstone see the same length? */
static bool tools_agree(const u8 *code, const struct decoded *d)
{
	static csh handle;
	static cs_insn *insn;
	const u8 *p = code;
	uint64_t address = 0;
	size_t n = 15;

	if (!insn && cs_open(CS_ARCH_X86, CS_MODE_64, &handle) == CS_ERR_OK)
		insn = cs_malloc(handle);
	return insn && cs_disasm_iter(handle, &p, &n, &address, insn) && insn->size == d->len;
}

#ifdef HAVE_ZYDIS
/* Zydis is exact: it must also accept what we accept. */
static void zydis_knows_what_we_know(void)
{
	unsigned bad = 0;
	u8 code[16];
	struct decoded d;
	ZydisDecoder dec;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	unsigned len;

	ZydisDecoderInit(&dec, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (unsigned i = 0; i < TRIALS; i++) {
		random_code(code);
		if (decode_bytes(code, 15, &d) != DECODE_OK || near_branch_66(&d))
			continue;
		len = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&dec, code, 15, &insn, operands))
			      ? insn.length
			      : 0;
		if (len != d.len && !(len == 0 && tools_differ(&d)) && bad++ < 20)
			print_bytes("zydis", code, len, &d);
	}
	CU_ASSERT_EQUAL(bad, 0);
}

/* The other way round: what Zydis knows of the integer instruction set, we know. */
static bool beyond_model(const ZydisDecodedInstruction *insn)
{
	switch (insn->meta.isa_set) {
	case ZYDIS_ISA_SET_I86:
	case ZYDIS_ISA_SET_I186:
	case ZYDIS_ISA_SET_I386:
	case ZYDIS_ISA_SET_I486:
	case ZYDIS_ISA_SET_PENTIUMREAL:
	case ZYDIS_ISA_SET_CMOV:
	case ZYDIS_ISA_SET_LONGMODE:
	case ZYDIS_ISA_SET_CMPXCHG16B:
		return false;
	default:
		return true;
	}
}

static void nothing_of_the_integer_set_is_missing(void)
{
	unsigned bad = 0;
	u8 code[16];
	struct decoded d;
	ZydisDecoder dec;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

	ZydisDecoderInit(&dec, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (unsigned i = 0; i < TRIALS; i++) {
		random_code(code);
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&dec, code, 15, &insn, operands)) ||
		    beyond_model(&insn) || decode_bytes(code, 15, &d) == DECODE_OK)
			continue;
		if (bad++ < 20) {
			print_bytes("zydis", code, insn.length, &d);
			printf(" %s", ZydisMnemonicGetString(insn.mnemonic));
		}
	}
	CU_ASSERT_EQUAL(bad, 0);
}
#endif

/* Every shorter prefix of an instruction asks for more, and looks at no byte behind it. */
static void fewer_bytes_ask_for_more(void)
{
	struct decoded d, e;
	u8 code[16];
	unsigned bad = 0;

	for (unsigned i = 0; i < TRIALS / 20; i++) {
		random_code(code);
		if (decode_bytes(code, 15, &d) != DECODE_OK)
			continue;
		for (unsigned n = 0; n < d.len; n++)
			bad += decode_bytes(code, n, &e) != DECODE_MORE;
		bad += decode_bytes(code, d.len, &e) != DECODE_OK || e.row != d.row ||
		       e.len != d.len;
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static void sixteen_bytes_are_gp(void)
{
	static const u8 fifteen[16] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
				       0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90, 0x90};
	u8 sixteen[16];
	struct decoded d;

	CU_ASSERT_EQUAL(decode_bytes(fifteen, 15, &d), DECODE_OK);
	memset(sixteen, 0x66, 16);
	CU_ASSERT_EQUAL(decode_bytes(sixteen, 15, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(d.vector, X86_GP);
}

static void lock_is_for_memory_only(void)
{
	static const u8 add_mem[] = {0xf0, 0x01, 0x00}, add_reg[] = {0xf0, 0x01, 0xc0},
			mov_mem[] = {0xf0, 0x89, 0x00}, cmp_mem[] = {0xf0, 0x39, 0x00},
			add_load[] = {0xf0, 0x03, 0x00};
	struct decoded d;

	CU_ASSERT_EQUAL(decode_bytes(add_mem, 3, &d), DECODE_OK);
	CU_ASSERT_EQUAL(decode_bytes(add_reg, 3, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(d.vector, X86_UD);
	CU_ASSERT_EQUAL(decode_bytes(mov_mem, 3, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(decode_bytes(cmp_mem, 3, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(decode_bytes(add_load, 3, &d), DECODE_FAULT);
}

static void rex_counts_only_right_before_the_opcode(void)
{
	static const u8 lost[] = {0x48, 0x66, 0x01, 0xc0}, kept[] = {0x66, 0x48, 0x01, 0xc0};
	struct decoded d;

	CU_ASSERT_EQUAL(decode_bytes(lost, 4, &d), DECODE_OK);
	CU_ASSERT_EQUAL(d.width, W_W);
	CU_ASSERT_EQUAL(decode_bytes(kept, 4, &d), DECODE_OK);
	CU_ASSERT_EQUAL(d.width, W_Q);
}

/* What the model lacks is #UD, says which feature, and has its length all the same. */
static void what_the_model_lacks_is_measured(void)
{
	static const u8 vaddps[] = {0xc5, 0xf4, 0x58, 0x40, 0x10};
	static const u8 vpblendd[] = {0xc4, 0xe3, 0x75, 0x02, 0xc2, 0x0f};
	static const u8 popcnt[] = {0xf3, 0x0f, 0xb8, 0xc0};
	const struct decoder *dec = decoder();
	struct decoded d;

	CU_ASSERT_EQUAL(decode(dec, BIT(FEAT_BASE), vaddps, 5, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(d.len, 5);
	CU_ASSERT_EQUAL(d.vector, X86_UD);
	CU_ASSERT_PTR_NOT_NULL(d.unsupported);
	CU_ASSERT_EQUAL(decode(dec, BIT(FEAT_BASE), vpblendd, 6, &d), DECODE_FAULT);
	CU_ASSERT_EQUAL(d.len, 6);
	CU_ASSERT_EQUAL(decode(dec, BIT(FEAT_BASE), popcnt, 4, &d), DECODE_FAULT);
	CU_ASSERT_STRING_EQUAL(d.unsupported, "POPCNT: not in this --cpu model");
}

static void tzcnt_is_bsf_without_bmi1(void)
{
	static const u8 tzcnt[] = {0xf3, 0x0f, 0xbc, 0xc0};
	const struct decoder *dec = decoder();
	struct decoded d;

	CU_ASSERT_EQUAL(decode(dec, BIT(FEAT_BASE), tzcnt, 4, &d), DECODE_OK);
	CU_ASSERT_STRING_EQUAL(insn_rows[d.row].name, "bsf");
	CU_ASSERT_EQUAL(decode(dec, ALL_FEATURES, tzcnt, 4, &d), DECODE_OK);
	CU_ASSERT_STRING_EQUAL(insn_rows[d.row].name, "tzcnt");
}

/* Whatever decodes has a handler, with its flags kept or not. */
static void every_encoding_has_its_handler(void)
{
	struct decoded d;
	struct insn in;
	u8 code[16];
	unsigned bad = 0;

	for (unsigned i = 0; i < TRIALS; i++) {
		random_code(code);
		if (decode_bytes(code, 15, &d) != DECODE_OK)
			continue;
		for (unsigned careful = 0; careful < 2; careful++) {
			insn_bind(&d, 0x1000, 0x1000, careful, &in);
			if (!in.fn && bad++ < 10)
				print_bytes("no handler", code, careful, &d);
			if (insn_rows[d.row].writes | insn_rows[d.row].undefined)
				insn_flags_dead(&in);
			if (!in.fn && bad++ < 10)
				print_bytes("no handler, dead flags", code, careful, &d);
		}
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(lengths_agree_with_capstone),
#ifdef HAVE_ZYDIS
	UNIT_TEST(zydis_knows_what_we_know),
	UNIT_TEST(nothing_of_the_integer_set_is_missing),
#endif
	UNIT_TEST(the_host_settles_lengths),
	UNIT_TEST(fewer_bytes_ask_for_more),
	UNIT_TEST(sixteen_bytes_are_gp),
	UNIT_TEST(lock_is_for_memory_only),
	UNIT_TEST(rex_counts_only_right_before_the_opcode),
	UNIT_TEST(what_the_model_lacks_is_measured),
	UNIT_TEST(tzcnt_is_bsf_without_bmi1),
	UNIT_TEST(every_encoding_has_its_handler),
	UNIT_END,
};
const struct unit_suite suite_decode = {"decode", tests};
