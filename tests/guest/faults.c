/*
 * Each kind of access (faults.def) at each kind of address: the signal, and what it shows of the
 * state before; then the page is repaired, and the instruction runs on from there. The same on
 * the host and here. `faults host` runs those that no usual model has,
 * `faults step` the rest with EFLAGS.TF and at good addresses: each SIGTRAP on the way.
 *
 *	movl %eax, (%rdi) | none: SEGV 2 +0 trap 14 err 6 cr2 +0 rip +0; ran mem
 *
 * That is: signal, si_code, si_addr, trapno, error code and cr2 (addresses less the one that was
 * given), rip less the code's start; then what differs from the registers and the memory that the
 * code began with.
 *
 * An address is in a slot of three pages, of which the middle one is bad:
 *
 *	| good (0) | bad (1) | good (2) |    256 bytes into (1), or half before, or half behind it
 */
#include <asm/prctl.h>
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

#define ARENA 0x10000000000UL /* far from all else */
#define CODE ARENA
#define SRC (ARENA + 0x10000)	/* what rsi points into */
#define STACK (ARENA + 0x20000) /* and rsp */
#define SLOT (ARENA + 0x100000)
#define PAGE 4096UL

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint8_t u8;

enum { X = 1, K = 2, Z = 4, H = 8, E = 16, C = 32 };

/* The code of faults.def: for each row its length, and its bytes. */
#define A(bytes, flags, code)                                                                      \
	__asm__(".pushsection .rodata\n.long 2f - 1f\n1: " code "\n2:\n.popsection");
__asm__(".pushsection .rodata\nfault_code:\n.popsection");
#include "faults.def"
#undef A
extern const u8 fault_code[];

static const struct access {
	unsigned bytes, flags;
	const char *text;
} accesses[] = {
#define A(bytes, flags, code) {bytes, flags, code},
#include "faults.def"
#undef A
};

enum where { INSIDE, SECOND, FIRST, FIXED };
enum page { GOOD, HOLE, NONE, RDONLY, NOEXEC, BEYOND, BEYOND_PRIVATE, GUARD };

#define RUNS_ONLY 1
#define HALVED 2 /* half the bytes lie below the address */
#define AC 4	 /* EFLAGS.AC, and the address is odd */

static const struct place {
	const char *name;
	enum page page;
	enum where where;
	unsigned flags;
	u64 at;
} places[] = {
	{"unmapped", HOLE, INSIDE, 0, 0},
	{"into unmapped", HOLE, SECOND, 0, 0},
	{"out of unmapped", HOLE, FIRST, 0, 0},
	{"none", NONE, INSIDE, 0, 0},
	{"into none", NONE, SECOND, 0, 0},
	{"out of none", NONE, FIRST, 0, 0},
	{"read-only", RDONLY, INSIDE, 0, 0},
	{"into read-only", RDONLY, SECOND, 0, 0},
	{"out of read-only", RDONLY, FIRST, 0, 0},
	{"no-exec", NOEXEC, INSIDE, RUNS_ONLY, 0},
	{"into no-exec", NOEXEC, SECOND, RUNS_ONLY, 0},
	{"beyond the end", BEYOND, INSIDE, 0, 0},
	{"into beyond the end", BEYOND, SECOND, 0, 0},
	{"private, beyond the end", BEYOND_PRIVATE, INSIDE, 0, 0},
	{"guard", GUARD, INSIDE, 0, 0},
	{"into guard", GUARD, SECOND, 0, 0},
	{"null", GOOD, FIXED, 0, 0},
	{"not canonical", GOOD, FIXED, 0, 1UL << 63},
	{"kernel", GOOD, FIXED, 0, 0xffff800000001000},
	{"last page", GOOD, FIXED, 0, 0xfffffffffffff100},
	{"above user", GOOD, FIXED, 0, 0x7ffffffff100},
	{"into not canonical", GOOD, FIXED, HALVED, 1UL << 47},
	{"round the end", GOOD, FIXED, HALVED, 0},
	{"good", GOOD, INSIDE, 0, 0},
	{"across", GOOD, SECOND, 0, 0},
	{"ac", GOOD, INSIDE, AC, 0},
	{"ac, unmapped", HOLE, INSIDE, AC, 0},
	{"ac, into unmapped", HOLE, SECOND, AC, 0},
};

static sigjmp_buf out;
static bool host_only;			/* rows H and Z */
__attribute__((used)) static bool wide; /* AVX-512 is there */
static int file;

/* The current test. */
static const struct access *access_;
static const struct place *place;
static u64 target, code_end;
static unsigned nr_events;
static bool have_base, repaired, stepping;
static unsigned nr_steps;
static u64 gpr_base[23];
static u8 fp_base[512 + 256], pattern[PAGE];

/* rax rcx rdx rbx rsp rbp rsi rdi r8 .. r15 flags */
__attribute__((used)) static u64 regs[17];
static u8 vectors[16][32] __attribute__((used, aligned(32)));
__attribute__((used)) static u64 masks[2] = {0x5555555555555555, ~0UL};

/* Loads all registers and jumps to the code. */
__attribute__((naked, noreturn)) static void enter(void)
{
	__asm__("fninit\n\tfldpi\n\tfld1\n\tmov $0x1f80, %eax\n\tpush %rax\n\tldmxcsr (%rsp)\n\t"
		".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
		"vmovdqu vectors + 32 * \\n(%rip), %ymm\\n\n\t.endr\n\t"
		"cmpb $0, wide(%rip)\n\tje 1f\n\t"
		"vpbroadcastd vectors(%rip), %zmm17\n\t"
		"vinserti64x4 $1, %ymm13, %zmm13, %zmm13\n\t"
		"kmovq masks(%rip), %k1\n\tkmovq masks + 8(%rip), %k2\n\tkxorq %k3, %k3, %k3\n"
		"1:\tlea regs(%rip), %rdi\n\tpushq 128(%rdi)\n\tpopfq\n\t"
		"mov 0(%rdi), %rax\n\tmov 8(%rdi), %rcx\n\tmov 16(%rdi), %rdx\n\t"
		"mov 24(%rdi), %rbx\n\tmov 32(%rdi), %rsp\n\tmov 40(%rdi), %rbp\n\t"
		"mov 48(%rdi), %rsi\n\tmov 64(%rdi), %r8\n\tmov 72(%rdi), %r9\n\t"
		"mov 80(%rdi), %r10\n\tmov 88(%rdi), %r11\n\tmov 96(%rdi), %r12\n\t"
		"mov 104(%rdi), %r13\n\tmov 112(%rdi), %r14\n\tmov 120(%rdi), %r15\n\t"
		"mov 56(%rdi), %rdi\n\tjmp *.Lcode(%rip)\n\t"
		".balign 8\n.Lcode: .quad 0x10000000000");
}

static const char *signal_name(int sig)
{
	static const char *const names[32] = {[SIGILL] = "ILL",
					      [SIGSEGV] = "SEGV",
					      [SIGBUS] = "BUS",
					      [SIGTRAP] = "TRAP",
					      [SIGFPE] = "FPE"};
	return names[sig & 31];
}

static u32 hash(const void *p, u64 n)
{
	const u8 *b = p;
	u32 h = 2166136261u;

	while (n--)
		h = (h ^ *b++) * 16777619u;
	return h;
}

/* The general registers and flags that differ from the start. */
static void show_gprs(const greg_t *g)
{
	static const char *const names[23] = {"r8",  "r9",  "r10", "r11", "r12", "r13",
					      "r14", "r15", "rdi", "rsi", "rbp", "rbx",
					      "rdx", "rax", "rcx", "rsp", "",	 "flags"};

	for (unsigned i = 0; i < 18; i++)
		if (*names[i] && (u64)g[i] != gpr_base[i])
			printf(" %s %#llx", names[i], g[i]);
}

/* The same for x87, SSE and AVX, by the frame's image. */
static void show_fp(const u8 *now)
{
	static const struct {
		const char *name;
		u32 at, len, each;
	} parts[] = {
		{"fcw", 0, 2, 2},	{"fsw", 2, 2, 2},    {"ftw", 4, 1, 1},
		{"fop", 6, 2, 2},	{"fip", 8, 8, 8},    {"fdp", 16, 8, 8},
		{"mxcsr", 24, 4, 4},	{"st", 32, 128, 16}, {"xmm", 160, 256, 16},
		{"ymmh", 512, 256, 16},
	};

	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		for (u32 at = parts[i].at; at < parts[i].at + parts[i].len; at += parts[i].each)
			if (access_->flags & E && *parts[i].name == 'f' && parts[i].at >= 6)
				continue;
			else if (memcmp(now + at, fp_base + at, parts[i].each)) {
				printf(" %s%u=", parts[i].name, (at - parts[i].at) / parts[i].each);
				for (u32 b = parts[i].each; b--;)
					printf("%02x", now[at + b]);
			}
}

static void fp_image(const ucontext_t *uc, u8 *image)
{
	const u8 *fp = (const u8 *)uc->uc_mcontext.fpregs;

	memset(image, 0, 768);
	memcpy(image, fp, 416);
	if (*(const u64 *)(fp + 512) & 4)
		memcpy(image + 512, fp + 576, 256);
}

/* Where a page differs from the pattern it began with. */
static void show_page(const char *name, const u8 *p)
{
	unsigned from = 0, to = PAGE;

	if (!memcmp(p, pattern, PAGE))
		return;
	while (p[from] == pattern[from])
		from++;
	while (p[to - 1] == pattern[to - 1])
		to--;
	printf(" %s[%#x-%#x", name, from, to);
	printf(access_->flags & E ? "]" : " %08x]", hash(p + from, to - from));
}

static void show_memory(bool all)
{
	show_page("src", (const u8 *)SRC);
	show_page("stack", (const u8 *)STACK);
	show_page("stack1", (const u8 *)STACK + PAGE);
	if (place->where == FIXED)
		return;
	show_page("page0", (const u8 *)SLOT);
	if (all)
		show_page("page1", (const u8 *)(SLOT + PAGE));
	show_page("page2", (const u8 *)(SLOT + 2 * PAGE));
}

static void map(u64 at, u64 len, int prot, int flags, int fd)
{
	if (mmap((void *)at, len, prot, flags | MAP_FIXED, fd, 0) != (void *)at)
		exit(2);
}

#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void fill(u64 page)
{
	memcpy((void *)page, pattern, PAGE);
}

/* Makes the middle page good. What was in it stays, if anything was. */
static void repair(void)
{
	void *bad = (void *)(SLOT + PAGE);

	switch (place->page) {
	case HOLE:
		map(SLOT + PAGE, PAGE, RWX, ANON, -1);
		fill(SLOT + PAGE);
		break;
	case BEYOND:
	case BEYOND_PRIVATE:
		if (ftruncate(file, PAGE))
			exit(3);
		fill(SLOT + PAGE);
		break;
	case GUARD:
		madvise(bad, PAGE, MADV_GUARD_REMOVE);
		fill(SLOT + PAGE);
		break;
	default:
		mprotect(bad, PAGE, RWX);
	}
}

static bool ran_to_end(const greg_t *g)
{
	return g[REG_TRAPNO] == 3 &&
	       ((u64)g[REG_RIP] == code_end + 1 || (access_->flags & X && g[REG_RIP] != CODE));
}

static void show(int sig, const siginfo_t *info, const ucontext_t *uc)
{
	const greg_t *g = uc->uc_mcontext.gregs;
	u8 fp[768];

	fp_image(uc, fp);
	printf(nr_events ? "; " : " ");
	if (ran_to_end(g)) {
		printf("ran");
		if (access_->flags & X)
			printf(" to %+lld", g[REG_RIP] - (greg_t)target);
	} else {
		printf("%s %d", signal_name(sig), info->si_code);
		if (info->si_addr)
			printf(" %+ld", (u64)info->si_addr - target);
		printf(" trap %lld err %#llx", g[REG_TRAPNO], g[REG_ERR]);
		if (g[REG_TRAPNO] == 14)
			printf(" cr2 %+lld", g[REG_CR2] - (greg_t)target);
		if ((u64)g[REG_RIP] - CODE < PAGE)
			printf(" rip %+lld", g[REG_RIP] - (greg_t)CODE);
		else
			printf(" rip target %+lld", g[REG_RIP] - (greg_t)target);
	}
	show_gprs(g);
	show_fp(fp);
	show_memory(repaired || place->page == GOOD || place->page == RDONLY ||
		    place->page == NOEXEC);
}

/* One instruction more, of the code or of what leads there; a repeated one as often as it traps. */
static void step(const siginfo_t *info, greg_t *g)
{
	if ((u64)g[REG_RIP] - CODE < PAGE || (u64)g[REG_RIP] - SLOT < 3 * PAGE) {
		printf(" %+lld code %d flags %#llx", g[REG_RIP] - (greg_t)CODE, info->si_code,
		       g[REG_EFL]);
		nr_steps++;
	}
	if (nr_steps == 12)
		g[REG_EFL] &= ~0x100L;
}

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;
	long ret;

	/* Flags and selectors may be anything. */
	__asm__ volatile("pushq $0x202\n\tpopfq" : : : "cc");
	if (!have_base) {
		memcpy(gpr_base, g, sizeof(gpr_base));
		fp_image(uc, fp_base);
		siglongjmp(out, 1);
	}
	if (stepping && g[REG_TRAPNO] == 1) {
		step(info, g);
		return;
	}
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(SYS_arch_prctl), "D"(ARCH_SET_GS), "S"(0x1000)
			 : "rcx", "r11", "memory");
	show(sig, info, uc);
	if (ran_to_end(g) || ++nr_events == 4)
		siglongjmp(out, 1);
	if (g[REG_TRAPNO] == 17) {
		g[REG_EFL] &= ~0x40000L;
		return;
	}
	if (place->where == FIXED || place->page == GOOD || g[REG_TRAPNO] != 14 || nr_events == 3)
		siglongjmp(out, 1);
	repair();
	repaired = true;
}

static void set_up_slot(void)
{
	void *bad = (void *)(SLOT + PAGE);

	map(SLOT, 3 * PAGE, RWX, ANON, -1);
	for (unsigned i = 0; i < 3; i++)
		fill(SLOT + i * PAGE);
	switch (place->page) {
	case HOLE:
		munmap(bad, PAGE);
		break;
	case NONE:
		mprotect(bad, PAGE, PROT_NONE);
		break;
	case RDONLY:
		mprotect(bad, PAGE, PROT_READ);
		break;
	case NOEXEC:
		mprotect(bad, PAGE, PROT_READ | PROT_WRITE);
		break;
	case BEYOND:
	case BEYOND_PRIVATE:
		if (ftruncate(file, 0))
			exit(3);
		map(SLOT + PAGE, PAGE, RWX, place->page == BEYOND ? MAP_SHARED : MAP_PRIVATE, file);
		break;
	case GUARD:
		madvise(bad, PAGE, MADV_GUARD_INSTALL);
		break;
	case GOOD:
		break;
	}
}

static u64 address(void)
{
	unsigned half = access_->bytes / 2;
	u64 odd = place->flags & AC ? 1 : 0;

	switch (place->where) {
	case INSIDE:
		return SLOT + PAGE + 0x100 + odd;
	case SECOND:
		return SLOT + PAGE - half - (access_->bytes > 2 ? odd : 0);
	case FIRST:
		return SLOT + 2 * PAGE - half;
	default:
		return place->at - (place->flags & HALVED ? half : 0);
	}
}

/* Puts the address where the code has its place for it. */
static void patch(u8 *code, unsigned len)
{
	static const u8 mark[8] = {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11};

	for (unsigned i = 0; i + 4 <= len; i++) {
		if (i + 8 <= len && !memcmp(code + i, mark, 8)) {
			memcpy(code + i, &target, 8);
			return;
		}
		if (!memcmp(code + i, mark, 4)) {
			u32 disp = target - (CODE + len);

			memcpy(code + i, &disp, 4);
			return;
		}
	}
}

static void run(const u8 *code, unsigned len)
{
	target = address();
	set_up_slot();
	fill(SRC);
	fill(STACK);
	fill(STACK + PAGE);
	memset((void *)CODE, 0xcc, 128);
	memcpy((void *)CODE, code, len);
	patch((u8 *)CODE, len);
	code_end = CODE + len;
	nr_events = 0;
	repaired = false;
	nr_steps = 0;
	for (unsigned i = 0; i < 16; i++)
		regs[i] = 0x0123456789abcdef + i * 0x1111111111111111UL;
	regs[1] = 8;
	regs[4] = STACK + PAGE + 0x800;
	regs[6] = SRC + 0x800;
	regs[7] = gpr_base[REG_RDI] = target;
	regs[16] = gpr_base[REG_EFL] = place->flags & AC ? 0x40202 : 0x202;
	regs[16] |= stepping ? 0x100 : 0;
	if (!sigsetjmp(out, 0))
		enter();
}

/* What does not apply, or would only say once more what others say. */
static bool skip(void)
{
	if (stepping && place->page != GOOD)
		return true;
	if (!(access_->flags & (H | Z)) == host_only)
		return true;
	if (access_->flags & Z && !wide)
		return true;
	if (place->flags & RUNS_ONLY && !(access_->flags & X))
		return true;
	if ((place->where == SECOND || place->where == FIRST || place->flags & HALVED) &&
	    access_->bytes < 2)
		return true;
	if (access_->flags & C && place->at == 1UL << 47)
		return true;
	if (place->flags & AC && access_->flags & K)
		return true;
	/* The displacement does not reach. */
	return place->where == FIXED && strstr(access_->text, "(%rip)");
}

static void set_up(void)
{
	static u8 stack[65536];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	static const int sigs[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE};
	struct sigaction sa = {.sa_sigaction = handler,
			       .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	sigaltstack(&ss, NULL);
	for (unsigned i = 0; i < sizeof(sigs) / sizeof(*sigs); i++)
		sigaction(sigs[i], &sa, NULL);
	syscall(SYS_arch_prctl, ARCH_SET_GS, 0x1000UL);
	file = memfd_create("faults", 0);
	map(CODE, PAGE, RWX, ANON, -1);
	map(SRC, PAGE, RWX, ANON, -1);
	map(STACK, 2 * PAGE, RWX, ANON, -1);
	for (unsigned i = 0; i < PAGE; i++)
		pattern[i] = 0x90; /* nop, so that it can be run; and small numbers */
	for (unsigned i = 0; i < 12; i++)
		for (unsigned k = 0; k < 32; k++)
			vectors[i][k] = 0x20 + i * 3 + k % 4 * 5;
	memset(vectors[15], 0xff, 32);
	for (unsigned i = 0; i < 8; i++) {
		memset(vectors[14] + 4 * i, i & 1 ? 0xff : 0, 4);
		vectors[13][4 * i] = i;
		if (i < 4)
			vectors[12][8 * i] = i;
	}
}

static bool has_avx512(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b >> 16 & 1 && b >> 30 & 1 && b >> 31;
}

int main(int argc, char **argv)
{
	const u8 *code = fault_code;

	host_only = argc > 1 && !strcmp(argv[1], "host");
	wide = host_only && has_avx512();
	set_up();
	place = &places[0];
	access_ = &accesses[0];
	run((const u8 *)"\xcc", 1); /* the state to compare with */
	have_base = true;
	stepping = argc > 1 && !strcmp(argv[1], "step");
	for (unsigned i = 0; i < sizeof(accesses) / sizeof(*accesses); i++) {
		u32 len;

		memcpy(&len, code, 4);
		access_ = &accesses[i];
		for (unsigned k = 0; k < sizeof(places) / sizeof(*places); k++) {
			place = &places[k];
			if (skip())
				continue;
			printf("%s | %s:", access_->text, place->name);
			run(code + 4, len);
			printf("\n");
		}
		code += 4 + len;
	}
	return 0;
}
