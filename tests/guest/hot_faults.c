/* Exceptions of the CPU's in loops that run long before: SSE's and x87's with their masks open and shut, divide
 * errors, alignment checks. What the handler sees of the state, and what the loop goes on with. */
#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#define N 300
#define BAD 250 /* the element that raises it */
#define EFLAGS_AC 0x40000

static sigjmp_buf back;
static int sig, code;
static unsigned mxcsr, x87_status;
static bool skip; /* repair the divisor and go on, instead of jumping out */
static long *divisor;

static void handler(int nr, siginfo_t *info, void *arg)
{
	ucontext_t *u = arg;

	sig = nr;
	code = info->si_code;
	mxcsr = u->uc_mcontext.fpregs->mxcsr;
	x87_status = u->uc_mcontext.fpregs->swd;
	u->uc_mcontext.gregs[REG_EFL] &= ~EFLAGS_AC;
	if (!skip)
		siglongjmp(back, 1);
	*divisor = 1;
	u->uc_mcontext.gregs[REG_RCX] = 1;
}

typedef double operation(double, double);

static __attribute__((noinline)) double loop(const double *a, const double *b, operation *f)
{
	double sum = 0;

	for (int i = 0; i < N; i++)
		sum += f(a[i], b[i]);
	return sum;
}

static double divide(double x, double y)
{
	return x / y;
}

static double multiply(double x, double y)
{
	return x * y;
}

static double add(double x, double y)
{
	return x + y;
}

static double root(double x, double y)
{
	__asm__ volatile("sqrtsd %0, %0" : "+x"(x));
	return x + y;
}

static double to_int(double x, double y)
{
	int v;

	__asm__ volatile("cvtsd2si %1, %0" : "=r"(v) : "x"(x));
	return v + y;
}

static double x87_divide(double x, double y)
{
	return (double)((long double)x / (long double)y);
}

static const struct {
	const char *name;
	operation *f;
	double a, b;
	int exception;
} cases[] = {
	{"divide", divide, 1, 0, FE_DIVBYZERO},
	{"multiply", multiply, 1e300, 1e300, FE_OVERFLOW},
	{"add", add, INFINITY, -INFINITY, FE_INVALID},
	{"root", root, -1, 0, FE_INVALID},
	{"to int", to_int, 1e30, 0, FE_INVALID},
	{"inexact", divide, 1, 3, FE_INEXACT},
	{"x87", x87_divide, 1, 0, FE_DIVBYZERO},
};

static void run(unsigned k, bool open)
{
	static double a[N], b[N];
	volatile double sum = -1;

	for (int i = 0; i < N; i++) {
		a[i] = i * 2;
		b[i] = 2;
	}
	a[BAD] = cases[k].a;
	b[BAD] = cases[k].b;
	sig = code = 0;
	mxcsr = x87_status = 0;
	feclearexcept(FE_ALL_EXCEPT);
	if (open)
		feenableexcept(cases[k].exception);
	if (!sigsetjmp(back, 1))
		sum = loop(a, b, cases[k].f);
	fedisableexcept(FE_ALL_EXCEPT);
	printf("%s, %s: signal %d code %d mxcsr %x x87 %x, sum %g, flags %x\n", cases[k].name,
	       open ? "open" : "shut", sig, code, mxcsr, x87_status, sum,
	       fetestexcept(FE_ALL_EXCEPT));
	feclearexcept(FE_ALL_EXCEPT);
}

static __attribute__((noinline)) long quotients(const long *a, const long *b)
{
	long sum = 0;

	for (int i = 0; i < N; i++) {
		long high = a[i] >> 63, low = a[i], by = b[i];

		__asm__ volatile("idivq %%rcx" : "+a"(low), "+d"(high) : "c"(by) : "cc");
		sum += low;
	}
	return sum;
}

static void divide_errors(void)
{
	static long a[N], b[N];
	static const long bad[][2] = {{7, 0}, {(long)(1UL << 63), -1}};

	for (volatile unsigned k = 0; k < 4; k++) {
		volatile long sum = -1;

		for (int i = 0; i < N; i++) {
			a[i] = i * 1000;
			b[i] = i + 1;
		}
		a[BAD] = bad[k / 2][0];
		b[BAD] = bad[k / 2][1];
		skip = k & 1;
		divisor = &b[BAD];
		sig = code = 0;
		if (!sigsetjmp(back, 1))
			sum = quotients(a, b);
		printf("idiv %u: signal %d code %d, sum %ld\n", k, sig, code, sum);
	}
	skip = false;
}

static void alignment(void)
{
	static char buffer[64];
	volatile int at = -1;
	volatile long sum = 0;

	sig = code = 0;
	if (!sigsetjmp(back, 1))
		for (int i = 0; i < 3 * N; i++) {
			long v;

			at = i;
			if (i == N)
				__asm__ volatile("pushfq\n\torl $0x40000, (%%rsp)\n\tpopfq"
						 :
						 :
						 : "cc", "memory");
			__asm__ volatile("movq (%1), %0"
					 : "=r"(v)
					 : "r"(buffer + (i == 2 * N))
					 : "memory");
			sum += v;
		}
	__asm__ volatile("pushfq\n\tandl $~0x40000, (%%rsp)\n\tpopfq" : : : "cc", "memory");
	printf("alignment: signal %d code %d at %d, sum %ld\n", sig, code, at, sum);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGFPE, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	for (unsigned k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		run(k, false);
		run(k, true);
	}
	divide_errors();
	alignment();
	return 0;
}
