/* Hot code between whose instructions xrstor takes AVX-512's registers away: they are zero then, and what is written to
 * them afterwards stays. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static unsigned char image[4096] __attribute__((aligned(64)));
static uint64_t out[8] __attribute__((aligned(64)));

/* zmm20 and k3 go by xrstor; zmm22 and k4 come after it. */
static __attribute__((noinline)) uint64_t take_away(uint64_t v)
{
	uint64_t k;

	__asm__ volatile(
		"vpbroadcastq %2, %%zmm20; kmovq %2, %%k3; mov $0xe7, %%eax; xor %%edx, %%edx;"
		"xrstor (%3);"
		"vpaddq %%zmm20, %%zmm20, %%zmm21; vmovdqu64 %%zmm21, (%1); kmovq %%k3, %0;"
		"vpternlogd $255, %%zmm22, %%zmm22, %%zmm22; kxnorq %%k4, %%k4, %%k4"
		: "=r"(k)
		: "r"(out), "r"(v), "r"(image)
		: "rax", "rdx", "memory");
	return k;
}

static __attribute__((noinline)) uint64_t what_stays(void)
{
	uint64_t k;

	__asm__ volatile("vmovdqu64 %%zmm22, (%1); kmovq %%k4, %0" : "=r"(k) : "r"(out) : "memory");
	return k;
}

static uint64_t sum_of(uint64_t sum, uint64_t k)
{
	sum = sum * 31 + k;
	for (int i = 0; i < 8; i++)
		sum = sum * 31 + out[i];
	return sum;
}

int main(void)
{
	const uint64_t parts = 7; /* x87, SSE and AVX; the others are in their initial state */
	const uint32_t mxcsr = 0x1f80;
	const uint16_t control = 0x37f;
	uint64_t sum = 0;

	if (!__builtin_cpu_supports("avx512bw")) {
		printf("no AVX-512\n");
		return 0;
	}
	memcpy(image, &control, sizeof(control));
	memcpy(image + 24, &mxcsr, sizeof(mxcsr));
	memcpy(image + 512, &parts, sizeof(parts));
	for (unsigned i = 0; i < 300; i++) {
		sum = sum_of(sum, take_away(3 * i + 5));
		if (i % 50 == 0)
			getppid(); /* the kernel has them in between */
		sum = sum_of(sum, what_stays());
		if (i % 60 == 0)
			printf("%lx %lx %lx\n", out[0], out[7], sum);
	}
	printf("%lx\n", sum);
	return 0;
}
