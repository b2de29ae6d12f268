/* floats: float, double and long double arithmetic, printing and rounding, as libc and libm do it.
 */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static volatile double d[] = {0.0,	-0.0, 1.0,  -1.5,      1e-310,	DBL_MAX, DBL_MIN,
			      INFINITY, 0.1,  1e17, 123456.75, -2.5e-7, 3.0,	 M_PI};

#define COUNT (sizeof(d) / sizeof(d[0]))

int main(void)
{
	static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};

	for (int m = 0; m < 4; m++) {
		fesetround(modes[m]);
		for (unsigned int i = 0; i < COUNT; i++) {
			for (unsigned int j = 0; j < COUNT; j++) {
				volatile float f = (float)d[i] * (float)d[j] + 0.3f;
				volatile long double l = (long double)d[i] / d[j] + 1.0L / 3;

				printf("%a %a %a %La %d\n", d[i] * d[j], d[i] + d[j], f, l,
				       (d[i] < d[j]) | (d[i] >= d[j]) << 1);
			}
		}
	}
	fesetround(FE_TONEAREST);
	for (unsigned int i = 0; i < COUNT; i++)
		printf("%.17g %.3f %e %ld %d %.20Lg %.15Lg\n", d[i], d[i], d[i],
		       fabs(d[i]) < 1e18 ? (long)d[i] : 0, (int)(float)(d[i] > 1e9 ? 1 : d[i]),
		       sqrtl(fabs(d[i])), sinl(d[i] > 1e9 ? 1 : d[i]));
	for (double x = -3; x < 4; x += 0.37)
		printf("%.17g %.17g %.17g %.17g %.18Lg %.18Lg\n", sin(x), exp(x), atan2(x, 2),
		       cbrt(x), expl(x), powl(fabsl(x), 1.7L));
	printf("%.17g %.17g %Lg\n", strtod("0x1.8p-1074", NULL), strtod("179769e303", NULL),
	       strtold("1e4000", NULL));
	feclearexcept(FE_ALL_EXCEPT);
	d[0] = d[2] / d[0];
	printf("%g %d\n", d[0], fetestexcept(FE_ALL_EXCEPT) == FE_DIVBYZERO);
	return 0;
}
