/* See help.h. The options come from options.def; only what no row can say stands here. */
#include "cli/help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/options.h"

int answered(int status)
{
	if (!ferror(stdout) && !fflush(stdout))
		return status;
	log_line("standard output: %s", strerrordesc_np(errno));
	return 125;
}

static const char overview[] =
	"Usage: vellum [run] [OPTION...] PROGRAM [ARGS...]\n"
	"       vellum compare [OPTION...] PROGRAM [ARGS...]\n"
	"\n"
	"Runs an x86-64 Linux program, unmodified, on an emulated CPU and an emulated\n"
	"Linux kernel with a memory of its own. compare runs it natively, too, and says\n"
	"what differs.\n"
	"\n"
	"  vellum busybox sh                      a shell, and all that it starts\n"
	"  vellum --mem 64M --stats ./prog        in 64 MiB of RAM; what was done for it\n"
	"  vellum --strace --log calls ./prog     its system calls, into the file calls\n"
	"  vellum --trace help                    the events that can be watched\n"
	"  vellum --deterministic ./prog          the same run each time, byte for byte\n"
	"  vellum --cpu v1 ./prog                 on a CPU without SSE3 and all after it\n"
	"  vellum compare --proc ./prog           is it as on the real kernel? smaps, too\n"
	"\n"
	"All options: vellum run --help, vellum compare --help. Each has a variable:\n"
	"VELLUM_MEM=64M is --mem 64M. vellum --version says which one this is.\n"
	"\n"
	"Exit status: the program's own, or its signal, raised again; 125 Vellum failed,\n"
	"126 PROGRAM cannot be executed, 127 it is not there. compare: 0 the same,\n"
	"1 different, 125 one side could not run.\n";

static const char run_first[] =
	"Usage: vellum run [OPTION...] PROGRAM [ARGS...]\n"
	"Runs an x86-64 Linux program on an emulated CPU and an emulated Linux kernel.\n";
static const char run_last[] =
	"Exit status: the program's own, or its signal, raised again; 125 Vellum failed,\n"
	"126 PROGRAM cannot be executed, 127 it is not there. What PROGRAM leaves running\n"
	"goes on until it ends. The guest's randomness is predictable. Each option has a\n"
	"variable: VELLUM_MEM=64M is --mem 64M, VELLUM_STATS=1 is --stats.\n";

static const char compare_first[] =
	"Usage: vellum compare [OPTION...] PROGRAM [ARGS...]\n"
	"Runs an x86-64 Linux program natively and under Vellum, and compares\n"
	"output and exit status.\n";
static const char compare_last[] =
	"Exit status: 0 the same, 1 different, 125 one side could not run. Standard\n"
	"input is read to its end first, and given to both.\n";

void help_overview(void)
{
	fputs(overview, stdout);
}

static void print_row(const struct option_row *r)
{
	char left[32];

	snprintf(left, sizeof(left), "--%s%s%s", r->name, r->arg ? "=" : "", r->arg ? r->arg : "");
	if (r->letter)
		printf("  -%c, %-20s %s\n", r->letter, left, r->help);
	else
		printf("      %-20s %s\n", left, r->help);
}

void help_command(bool compare)
{
	puts(compare ? compare_first : run_first);
	for (unsigned i = 0; i < nr_option_rows; i++)
		if (option_is_for(&option_rows[i], compare))
			print_row(&option_rows[i]);
	printf("\n%s", compare ? compare_last : run_last);
}
