/* code_changes: code that changes while it runs, or ends where its page does; what selfmod and
 * stale_code leave: faults in the middle of an instruction's bytes, stores of every kind into the block
 * that runs, other processes, copies, moves, system calls that write code, handlers that patch.
 *
 * Every line is the same on a CPU.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096
#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

typedef unsigned char u8;
typedef uint64_t u64;
typedef long (*fn_t)(void *arg);

/* ---- Faults ---------------------------------------------------------------------------------- */

static sigjmp_buf back;
static u8 *base;	       /* where addresses count from */
static void (*cure)(u8 *addr); /* instead of leaving: make it work */

static void on_signal(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	long long *g = uc->uc_mcontext.gregs;

	long addr = (u8 *)si->si_addr - base;

	if (addr < -PAGE || addr > 16 * PAGE) /* an address of its own, not of the code */
		addr = 99999;
	printf("   signal %d code %d addr %+ld rip %+ld trap %lld error %llx\n", sig, si->si_code,
	       addr, (long)(g[REG_RIP] - (long long)(uintptr_t)base), g[REG_TRAPNO], g[REG_ERR]);
	if (!cure)
		siglongjmp(back, 1);
	cure((u8 *)si->si_addr);
}

static void *map(size_t pages, int prot)
{
	void *p = mmap(NULL, pages * PAGE, prot, ANON, -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	return p;
}

static long call(u8 *code, void *arg)
{
	return ((fn_t)(uintptr_t)code)(arg);
}

static void run(const char *what, u8 *code, void *arg)
{
	printf("%s\n", what);
	if (!sigsetjmp(back, 1))
		printf("   %lx\n", call(code, arg));
}

/* mov $v, %eax; ret */
static void put(u8 *code, int v)
{
	code[0] = 0xb8;
	memcpy(code + 1, &v, 4);
	code[5] = 0xc3;
}

/* ---- Where a page ends ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	u8 len, bytes[16];
} insns[] = {
	{"mov imm64", 10, {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}},
	{"nop", 1, {0x90}},
	{"vpaddd", 4, {0xc5, 0xf5, 0xfe, 0xc2}},
	{"add [rdi]", 8, {0x48, 0x81, 0x07, 0x11, 0, 0, 0, 0x90}},
	{"prefixes",
	 15,
	 {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	  0x90}},
	{"too long",
	 16,
	 {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	  0x90}},
	{"jmp", 5, {0xe9, 0, 0, 0, 0}},
	{"ud2", 2, {0x0f, 0x0b}},
	{"lock nop", 2, {0xf0, 0x90}},
	{"short jump back", 2, {0xeb, 0xfe}},
};

enum second { UNMAPPED, NO_ACCESS, NO_EXEC, BEYOND_EOF, NR_SECONDS };
static const char *const seconds[] = {"unmapped", "PROT_NONE", "not executable", "beyond EOF"};

static void second_page(u8 *p, enum second how)
{
	char name[] = "/tmp/code_changesXXXXXX";
	int fd;

	switch (how) {
	case UNMAPPED:
		munmap(p, PAGE);
		break;
	case NO_ACCESS:
		mprotect(p, PAGE, PROT_NONE);
		break;
	case NO_EXEC:
		mprotect(p, PAGE, RW);
		break;
	default:
		fd = mkstemp(name);
		unlink(name);
		mmap(p, PAGE, RX, MAP_PRIVATE | MAP_FIXED, fd, 0);
		close(fd);
	}
}

/* Each instruction with 1, 2 ... all of its bytes before the page's end. */
static void page_ends(void)
{
	static long cell;
	char what[80];

	for (unsigned i = 0; i < sizeof(insns) / sizeof(insns[0]); i++)
		for (int how = 0; how < NR_SECONDS; how++)
			for (int head = 1; head <= insns[i].len; head += head < 3 ? 1 : 3) {
				u8 *p = map(2, RWX), *at = p + PAGE - head;

				if (insns[i].bytes[0] == 0xeb && head == 2)
					continue; /* runs for ever */
				base = p + PAGE;
				memcpy(at, insns[i].bytes, insns[i].len);
				at[insns[i].len] = 0xc3;
				second_page(p + PAGE, how);
				snprintf(what, sizeof(what), "%s, %d bytes, then %s", insns[i].name,
					 head, seconds[how]);
				cell = 0;
				run(what, at, &cell);
				munmap(p, 2 * PAGE);
			}
}

static u8 *curable;

static void make_executable(u8 *addr)
{
	(void)addr;
	mprotect(curable, PAGE, RWX);
}

/* The handler makes the second page executable: the instruction starts again. */
static void page_end_cured(void)
{
	u8 *p = map(2, RWX);

	put(p + PAGE - 3, 0x12345678);
	curable = base = p + PAGE;
	cure = make_executable;
	for (int i = 0; i < 3; i++) {
		mprotect(p + PAGE, PAGE, i & 1 ? PROT_READ : PROT_NONE);
		run("cured", p + PAGE - 3, NULL);
	}
	cure = NULL;
}

/* ---- Stores of every kind into the block that runs ------------------------------------------- */

/* Each has "store; mov $0x11111111, %eax; ret" (label `now`); the store makes the mov another. Behind
 * that 32 bytes of data, for stores that take the mov's operand and the ret with them. */
/* clang-format off */
#define STORE(name, code)                                                                          \
	__asm__(".pushsection .rodata\n" #name "_start: " code                                     \
		"\n" #name "_now: mov $0x11111111, %eax; ret\n.skip 40, 0x90\n" #name              \
		"_data: .long 0x55443322; .byte 0xc3; .skip 27, 0x90\n" #name                      \
		"_end:\n.popsection");                                                             \
	extern const u8 name##_start[], name##_end[]

#define AT(name, n) #name "_now + " #n "(%rip)"
STORE(byte, "movb $0x22, " AT(byte, 1));
STORE(word, "movw $0x2222, " AT(word, 2));
STORE(dword, "movl $0x33333333, " AT(dword, 1));
STORE(qword, "mov $0xc344444444b89090, %rcx; mov %rcx, qword_now - 2(%rip); nop; nop");
STORE(opcode, "movb $0xb9, opcode_now(%rip); mov $7, %eax");
STORE(locked, "mov $0x55, %ecx; lock xadd %ecx, " AT(locked, 1));
STORE(exchanged, "mov $0x66, %ecx; xchg %cl, " AT(exchanged, 3));
STORE(compared, "mov $0x11111111, %eax; mov $0x77, %ecx; lock cmpxchg %ecx, " AT(compared, 1));
STORE(added, "addl $1, " AT(added, 1));
STORE(set, "cmp %eax, %eax; sete " AT(set, 1));
STORE(vector, "movdqu vector_data(%rip), %xmm0; movdqu %xmm0, " AT(vector, 1));
STORE(avx, "vmovdqu avx_data(%rip), %ymm0; vmovdqu %ymm0, " AT(avx, 1) "; vzeroupper");
STORE(half, "movq half_data(%rip), %xmm1; movlps %xmm1, " AT(half, 1));
STORE(nontemporal, "mov $0x99, %ecx; movnti %ecx, " AT(nontemporal, 1) "; sfence");
STORE(x87, "fld1; fstps " AT(x87, 1));
STORE(integer, "fldpi; fistpl " AT(integer, 1));
STORE(mmx, "mov $0x777, %ecx; movd %ecx, %mm0; movd %mm0, " AT(mmx, 1) "; emms");
STORE(pushed, "mov %rsp, %rdx; mov pushed_data(%rip), %rcx; lea pushed_now + 9(%rip), %rsp;"
	      "push %rcx; mov %rdx, %rsp");
STORE(stosb, "mov $0xee, %eax; mov $4, %ecx; lea " AT(stosb, 1) ", %rdi; rep stosb");
STORE(stosq, "mov $0x90c3ababababb890, %rax; lea stosq_now - 1(%rip), %rdi; stosq; nop");
STORE(movsb, "lea movsb_data(%rip), %rsi; lea " AT(movsb, 1) ", %rdi; mov $4, %ecx; rep movsb");
STORE(down, "lea down_data + 3(%rip), %rsi; lea " AT(down, 4) ", %rdi; mov $4, %ecx; std;"
	    "rep movsb; cld");
STORE(masked, "pcmpeqd %xmm1, %xmm1; movd data_of_masked(%rip), %xmm0; psrldq $12, %xmm1; lea "
	      AT(masked, 1) ", %rdi; maskmovdqu %xmm1, %xmm0; sfence; jmp masked_now;"
	      "data_of_masked: .long 0x99887766");
STORE(vmasked, "vpcmpeqd %xmm1, %xmm1, %xmm1; vmovd vmasked_data(%rip), %xmm0;"
	       "vpsrldq $12, %xmm1, %xmm1; vpmaskmovd %xmm0, %xmm1, " AT(vmasked, 1));
STORE(extracted, "mov $0x5a5a5a5a, %ecx; movd %ecx, %xmm2; pextrd $0, %xmm2, " AT(extracted, 1));
STORE(twice, "movb $0x21, " AT(twice, 1) "; movb $0x43, " AT(twice, 2) "; movb $0x65, " AT(twice, 3));
STORE(same, "movb $0x11, " AT(same, 1));
/* What it makes of the next instruction, `test`, reads the flags that the store left: lahf, adc. */
STORE(flags, "movb $0xa8, 1f(%rip); xor %eax, %eax; jmp 0f; 0: addb $0xf7, 1f(%rip);"
	     "1: test $0x90, %al; movzbl %ah, %eax; ret");
STORE(carry, "movb $0xa8, 1f(%rip); xor %eax, %eax; jmp 0f; 0: rolb $5, 1f(%rip);"
	     "1: test $0, %al; nop; nop; nop; ret");
/* Overwrites itself; what lies behind it is as it was. */
STORE(itself, "lea 0f(%rip), %rdi; mov $0x90, %eax; mov $2, %ecx; 0: rep stosb");
STORE(called, "mov %rsp, %rdx; lea called_now + 9(%rip), %rsp; call 1f; 1: mov %rdx, %rsp;"
	      "jmp called_over; called_over: mov " AT(called, 1) ", %eax; sub %edi, %eax; ret");
/* clang-format on */

static const struct {
	const char *name;
	const u8 *start, *end;
} stores[] = {
#define S(name)                                                                                    \
	{                                                                                          \
#name, name##_start, name##_end                                                    \
	}
	S(byte),      S(word),	      S(dword), S(qword),   S(opcode), S(locked),
	S(exchanged), S(compared),    S(added), S(set),	    S(vector), S(avx),
	S(half),      S(nontemporal), S(x87),	S(integer), S(mmx),    S(pushed),
	S(stosb),     S(stosq),	      S(movsb), S(down),    S(masked), S(vmasked),
	S(extracted), S(twice),	      S(same),	S(flags),   S(carry),  S(itself),
};

/* At several distances from a page's end, so that store, target or both cross it; twice each. */
static void stores_ahead(void)
{
	static const int places[] = {0, 100, PAGE - 6, PAGE - 12, PAGE - 17, PAGE - 22, PAGE - 27};
	u8 *p = map(2, RWX);

	base = p;
	for (unsigned i = 0; i < sizeof(stores) / sizeof(stores[0]); i++)
		for (unsigned k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
			u8 *at = p + places[k];

			memcpy(at, stores[i].start, (size_t)(stores[i].end - stores[i].start));
			if (k == 0)
				printf("store: %s\n", stores[i].name);
			if (!sigsetjmp(back, 1)) {
				printf("   %lx", call(at, p));
				printf(" %lx\n", call(at, p));
			}
		}
	memcpy(p, called_start, (size_t)(called_end - called_start));
	printf("call pushes into code %lx\n", call(p, p) & 0xff);
	munmap(p, 2 * PAGE);
}

/* ---- Several pushes into the page that runs -------------------------------------------------- */

/* The stack is in the code's page; rsp, the frame pointer and the size come from the caller. */
struct enter_case {
	unsigned long rsp, rbp; /* offsets in the page, before */
	unsigned long rsp_after, rbp_after;
};

/* clang-format off */
#define ENTER(name, insn)                                                                          \
	__asm__(".pushsection .rodata\n" #name "_start: mov %rsp, %rdx; mov %rbp, %rcx;"           \
		"mov (%rdi), %rsp; mov 8(%rdi), %rbp; " insn "; mov %rsp, 16(%rdi);"               \
		"mov %rbp, 24(%rdi); mov %rdx, %rsp; mov %rcx, %rbp; ret\n" #name                  \
		"_end:\n.popsection");                                                             \
	extern const u8 name##_start[], name##_end[]
ENTER(enter0, "enter $24, $0");
ENTER(enter1, "enter $24, $1");
ENTER(enter3, "enter $24, $3");
ENTER(enter31, "enter $24, $31");
ENTER(enterw, "enterw $24, $3");
ENTER(far_away, "enter $0x1800, $3");
/* The second push is what runs next. */
__asm__(".pushsection .rodata\nahead_start: mov %rsp, %rdx; mov %rbp, %rcx;"
	"lea ahead_top(%rip), %rsp; lea ahead_data(%rip), %rbp; enter $0, $2; jmp 1f; .skip 8, 0x90;"
	"1: mov $0x11111111, %eax; jmp 2f; nop; .skip 8, 0x90\nahead_top:"
	"2: mov %rdx, %rsp; mov %rcx, %rbp; ret;"
	".skip 16, 0x90; .byte 0xb8; .long 0x22222222; .byte 0xeb, 9, 0x90\nahead_data:\nahead_end:\n"
	"far_start: mov %rsp, %rdx; lea 2048(%rdi), %rsp; lcall *1024(%rdi); nop; nop;"
	"far_now: movzwl 4(%rsp), %eax; shl $16, %rax; sub %edi, (%rsp); or (%rsp), %eax;"
	"mov %rdx, %rsp; ret\nfar_end:\n.popsection");
extern const u8 ahead_start[], ahead_end[], far_start[], far_now[], far_end[];
/* clang-format on */

static const struct {
	const char *name;
	const u8 *start, *end;
	unsigned step; /* bytes of a push */
} enters[] = {
	{"level 0", enter0_start, enter0_end, 8},
	{"level 1", enter1_start, enter1_end, 8},
	{"level 3", enter3_start, enter3_end, 8},
	{"level 31", enter31_start, enter31_end, 8},
	{"level 3, 16 bits", enterw_start, enterw_end, 2},
	{"level 3, its end on a bad page", far_away_start, far_away_end, 8},
};

/* Words below @top that are no longer 0; addresses in @p's pages as offsets. */
static void show_stack(const u8 *p, unsigned long top, unsigned step)
{
	for (unsigned i = 1; i <= 34; i++) {
		unsigned long v = 0;

		memcpy(&v, p + top - i * step, step);
		if (step == 2 && v)
			v = (unsigned short)(v - (uintptr_t)p);
		if (v - (uintptr_t)p < 3 * PAGE)
			v -= (uintptr_t)p;
		if (v)
			printf(" %u:%lx", i, v);
	}
	printf("\n");
}

/* Page 0 bad, 1 with code, stack and the outer frames, 2 where half of the stack may lie. */
static void enters_in_code(void)
{
	static const unsigned long tops[] = {PAGE + 2048, PAGE + 2045, 2 * PAGE + 8, 2 * PAGE + 12};
	u8 *p = map(3, RWX);
	struct enter_case c;

	base = p;
	mprotect(p, PAGE, PROT_NONE);
	for (unsigned i = 0; i < sizeof(enters) / sizeof(enters[0]); i++)
		for (unsigned k = 0; k < sizeof(tops) / sizeof(tops[0]); k++) {
			memset(p + PAGE, 0, 2 * PAGE);
			for (unsigned long n = 0; n < 32; n++)
				memcpy(p + PAGE + 1024 - 8 * n, (u64[]){0xf0000000 + n}, 8);
			memcpy(p + PAGE, enters[i].start,
			       (size_t)(enters[i].end - enters[i].start));
			c = (struct enter_case){(uintptr_t)p + tops[k], (uintptr_t)p + PAGE + 1024,
						0, 0};
			printf("enter %s, from %lx:", enters[i].name, tops[k]);
			if (!sigsetjmp(back, 1)) {
				call(p + PAGE, &c);
				printf(" rsp %lx rbp %lx\n", c.rsp_after - (uintptr_t)p,
				       c.rbp_after - (uintptr_t)p);
			}
			show_stack(p, tops[k], enters[i].step);
		}
	memcpy(p + PAGE, ahead_start, (size_t)(ahead_end - ahead_start));
	run("enter writes what runs next", p + PAGE, NULL);
	munmap(p, 3 * PAGE);
}

/* CALL by a far pointer pushes two words: the second is the return address whatever the first hit. */
static void far_call_in_code(void)
{
	u8 *p = mmap(NULL, PAGE, RWX, ANON | MAP_32BIT, -1, 0);
	struct {
		unsigned offset;
		unsigned short sel;
	} to = {(unsigned)(uintptr_t)p + (unsigned)(far_now - far_start), 0x33};

	if (p == MAP_FAILED)
		exit(1);
	memcpy(p, far_start, (size_t)(far_end - far_start));
	memcpy(p + 1024, &to, 6);
	base = p;
	run("far call pushes into code", p, p);
	munmap(p, PAGE);
}

/* A loop that steps through its own immediate, and a function that patches its caller. */
static void loops(void)
{
	static const u8 counter[] = {
		0x31, 0xc0,			    /* xor %eax, %eax */
		0x8d, 0x80, 1,	  0,	0,    0,    /* lea 1(%rax), %eax */
		0xff, 0x05, 0xf6, 0xff, 0xff, 0xff, /* incl the 1 above: -10(%rip) */
		0x3d, 0x00, 0x10, 0,	0,	    /* cmp $0x1000, %eax */
		0x7c, 0xed,			    /* jl the lea */
		0xc3,
	};
	static const u8 jumper[] = {
		0xeb, 0x00,				  /* jmp: first to the next */
		0xc6, 0x05, 0xf8, 0xff, 0xff, 0xff, 0x0c, /* movb $12, its displacement */
		0x48, 0xff, 0xc7,			  /* inc %rdi */
		0xeb, 0xf2,				  /* back to the jmp */
		0x48, 0x89, 0xf8,			  /* mov %rdi, %rax */
		0xc3,
	};
	u8 *p = map(1, RWX);

	base = p;
	memcpy(p, counter, sizeof(counter));
	run("counting loop", p, NULL);
	run("again, with what it left", p, NULL);
	memcpy(p + 256, jumper, sizeof(jumper));
	run("jump whose target changes", p + 256, (void *)40);
	run("again", p + 256, (void *)40);
	munmap(p, PAGE);
}

/* ---- Copies, moves, other processes ---------------------------------------------------------- */

static void forks(void)
{
	u8 *p = map(1, RWX), *shared = mmap(NULL, PAGE, RWX, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int down[2], up[2], v;

	put(p, 1);
	put(shared, 2);
	printf("before fork %ld %ld\n", call(p, NULL), call(shared, NULL));
	fflush(stdout);
	if (pipe(down) || pipe(up))
		exit(1);
	if (!fork()) {
		put(p, 100); /* a copy of its own */
		for (int i = 0; i < 5; i++) {
			if (read(down[0], &v, sizeof(v)) != sizeof(v))
				_exit(1);
			put(shared, v);
			v = (int)(call(p, NULL) + call(shared, NULL));
			if (write(up[1], &v, sizeof(v)) != sizeof(v))
				_exit(1);
			p[1]++;
		}
		_exit(0);
	}
	for (int i = 0; i < 5; i++) {
		v = 1000 * (i + 1);
		if (i == 2)
			put(p, 50);
		if (write(down[1], &v, sizeof(v)) != sizeof(v) ||
		    read(up[0], &v, sizeof(v)) != sizeof(v))
			exit(1);
		printf("child %d, parent %ld, shared %ld\n", v, call(p, NULL), call(shared, NULL));
	}
	wait(NULL);
	/* A child that patches while its parent runs the code all the time. */
	put(shared, 0);
	fflush(stdout);
	if (!fork()) {
		usleep(1000);
		shared[1] = 9;
		_exit(0);
	}
	while (!(v = (int)call(shared, NULL)))
		;
	printf("while it ran %d\n", v);
	wait(NULL);
	munmap(p, PAGE);
	munmap(shared, PAGE);
}

/* lea (%rip), %rax; ret: one frame at two addresses must not share what was decoded. */
static void aliases(void)
{
	static const u8 where[] = {0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xc3};
	int fd = memfd_create("code", 0);
	u8 *a, *b, *w;

	if (fd < 0 || ftruncate(fd, 3 * PAGE))
		exit(1);
	w = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	a = mmap(NULL, 3 * PAGE, RX, MAP_SHARED, fd, 0);
	b = mmap(NULL, 2 * PAGE, RX, MAP_SHARED, fd, PAGE); /* its pages 1 and 2 */
	memcpy(w + PAGE, where, sizeof(where));
	printf("where am I %ld %ld\n", call(a + PAGE, NULL) - (long)(uintptr_t)a,
	       call(b, NULL) - (long)(uintptr_t)b);
	put(w + 2 * PAGE - 3, 0x01020304);
	printf("crossing %lx %lx\n", call(a + 2 * PAGE - 3, NULL), call(b + PAGE - 3, NULL));
	w[2 * PAGE] = 0x55;
	printf("its end changed %lx %lx\n", call(a + 2 * PAGE - 3, NULL), call(b + PAGE - 3, NULL));
	w[2 * PAGE - 1] = 0x66;
	printf("its head changed %lx %lx\n", call(a + 2 * PAGE - 3, NULL),
	       call(b + PAGE - 3, NULL));
	/* Another page behind the same first one. */
	mmap(b + PAGE, PAGE, RX, MAP_SHARED | MAP_FIXED, fd, 0);
	w[0] = 0x77;
	w[1] = 0x78;
	w[2] = 0xc3;
	printf("another second page %lx %lx\n", call(a + 2 * PAGE - 3, NULL),
	       call(b + PAGE - 3, NULL));
	madvise(w + 2 * PAGE, PAGE, MADV_REMOVE);
	w[2 * PAGE + 2] = 0xc3;
	printf("a hole %lx\n", call(a + 2 * PAGE - 3, NULL));
	close(fd);
	munmap(w, 3 * PAGE);
	munmap(a, 3 * PAGE);
	munmap(b, 2 * PAGE);
}

static void moves(void)
{
	u8 *p = map(4, RWX), *q = map(4, RWX), *r;

	put(p, 1);
	put(q, 2);
	printf("before %ld %ld\n", call(p, NULL), call(q, NULL));
	r = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	printf("moved over %ld\n", call(r, NULL));
	put(r, 3);
	printf("patched there %ld\n", call(r, NULL));
	base = p;
	run("where it was", p, NULL);
	r = mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	printf("moved, the old place kept %ld\n", call(r, NULL));
	put(q, 4);
	printf("and used again %ld %ld\n", call(q, NULL), call(r, NULL));
	mprotect(q, PAGE, RX);
	printf("read-only %ld\n", call(q, NULL));
	mprotect(q, PAGE, RW);
	put(q, 5);
	mprotect(q, PAGE, RX);
	printf("patched in between %ld\n", call(q, NULL));
	base = q;
	mprotect(q, PAGE, PROT_NONE);
	run("no access", q, NULL);
	mprotect(q, PAGE, PROT_EXEC);
	run("execute only", q, NULL);
	mprotect(q, PAGE, RWX);
	madvise(q, PAGE, MADV_DONTNEED);
	printf("dropped, all %d", q[0] | q[1] | q[5]);
	put(q, 6);
	printf(", and written anew %ld\n", call(q, NULL));
	munmap(p, 4 * PAGE);
	munmap(q, 4 * PAGE);
	munmap(r, PAGE);
}

/* A private copy of a file's page goes back to the file's with MADV_DONTNEED. */
static void of_files(void)
{
	char name[] = "/tmp/code_changesXXXXXX";
	int fd = mkstemp(name);
	u8 code[16], *p;

	unlink(name);
	put(code, 10);
	if (write(fd, code, 6) != 6)
		exit(1);
	p = mmap(NULL, PAGE, RWX, MAP_PRIVATE, fd, 0);
	printf("file %ld\n", call(p, NULL));
	code[1] = 11;
	if (pwrite(fd, code, 6, 0) != 6)
		exit(1);
	printf("written %ld\n", call(p, NULL));
	p[1] = 12;
	printf("copied %ld\n", call(p, NULL));
	code[1] = 13;
	if (pwrite(fd, code, 6, 0) != 6)
		exit(1);
	printf("written behind the copy %ld\n", call(p, NULL));
	madvise(p, PAGE, MADV_DONTNEED);
	printf("the file's again %ld\n", call(p, NULL));
	munmap(p, PAGE);
	close(fd);
}

/* Code that the kernel writes: read, readv, from a pipe; process_vm_writev; getcwd. */
static void by_kernel(void)
{
	u8 *p = map(2, RWX), code[6];
	struct iovec to[2] = {{p, 3}, {p + 3, 3}}, from = {code, 6};
	int fds[2];

	if (pipe(fds))
		exit(1);
	put(p, 1);
	printf("own %ld\n", call(p, NULL));
	put(code, 2);
	if (write(fds[1], code, 6) != 6 || read(fds[0], p, 6) != 6)
		exit(1);
	printf("read %ld\n", call(p, NULL));
	put(code, 3);
	if (write(fds[1], code, 6) != 6 || readv(fds[0], to, 2) != 6)
		exit(1);
	printf("readv %ld\n", call(p, NULL));
	put(code, 4);
	if (process_vm_writev(getpid(), &from, 1, to, 2, 0) == 6)
		printf("process_vm_writev %ld\n", call(p, NULL));
	put(p + PAGE - 3, 5);
	printf("crossing %ld\n", call(p + PAGE - 3, NULL));
	put(code, 6);
	if (write(fds[1], code, 6) != 6 || read(fds[0], p + PAGE - 3, 6) != 6)
		exit(1);
	printf("read across %ld\n", call(p + PAGE - 3, NULL));
	close(fds[0]);
	close(fds[1]);
	munmap(p, 2 * PAGE);
}

/* ---- Handlers that patch, as debuggers do ----------------------------------------------------- */

static u8 *patched;
static int steps;

static void on_trap(int sig, siginfo_t *si, void *context)
{
	long long *g = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)si;
	if (sig == SIGILL) {
		memcpy(patched, "\x66\x90", 2); /* ud2 becomes a nop */
	} else if (patched && *patched == 0xcc) {
		*patched = 0xb8;
		g[REG_RIP]--;
	} else {
		steps++;
	}
}

static void handlers(void)
{
	/* pushf; orl $0x100, (%rsp); popf; movb $5, the 0 below; nop; mov $0, %eax; pushf;
	 * andl $~0x100, (%rsp); popf; ret */
	static const u8 stepped[] = {0x9c, 0x81, 0x0c, 0x24, 0,	   1,	 0,    0,
				     0x9d, 0xc6, 0x05, 2,    0,	   0,	 0,    5,
				     0x90, 0xb8, 0,    0,    0,	   0,	 0x9c, 0x81,
				     0x24, 0x24, 0xff, 0xfe, 0xff, 0xff, 0x9d, 0xc3};
	struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO}, old_ill;
	u8 *p = map(1, RWX);

	sigaction(SIGTRAP, &sa, NULL);
	sigaction(SIGILL, &sa, &old_ill);
	put(p, 77);
	for (int i = 0; i < 3; i++) {
		patched = p;
		*p = 0xcc;
		printf("breakpoint taken out %ld\n", call(p, NULL));
	}
	memcpy(p, "\x0f\x0b", 2);
	put(p + 2, 78);
	printf("ud2 patched %ld\n", call(p, NULL));
	printf("and gone %ld\n", call(p, NULL));
	patched = NULL;
	memcpy(p, stepped, sizeof(stepped));
	printf("single steps %ld", call(p, NULL));
	printf(", %d\n", steps);
	sigaction(SIGILL, &old_ill, NULL);
	munmap(p, PAGE);
}

/* ---- Much code, as a JIT makes it ------------------------------------------------------------- */

#define FUNCTIONS 20000

static void much(void)
{
	u8 *p = map(FUNCTIONS * 16 / PAGE + 1, RWX);
	long sum = 0;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < FUNCTIONS; i++)
			put(p + 16L * i, i + round);
		for (int i = 0; i < FUNCTIONS; i++)
			sum += call(p + 16L * i, NULL);
		for (int i = 0; i < FUNCTIONS; i += 7) {
			p[16L * i + 1] ^= 0x80;
			sum ^= call(p + 16L * i, NULL);
		}
	}
	printf("much code %ld\n", sum);
	for (int i = 0; i < 3000; i++) { /* one place, changed and run at once */
		put(p + 16L * (i % 5), i);
		sum += call(p + 16L * (i % 5), NULL);
	}
	printf("in turn %ld\n", sum);
	munmap(p, (FUNCTIONS * 16 / PAGE + 1) * PAGE);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	static u8 stack[65536]; /* rsp may be anywhere */

	sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	page_ends();
	page_end_cured();
	stores_ahead();
	enters_in_code();
	far_call_in_code();
	loops();
	forks();
	aliases();
	moves();
	of_files();
	by_kernel();
	handlers();
	much();
	return 0;
}
