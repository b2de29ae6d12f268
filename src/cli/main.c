/* vellum [run] [options] PROGRAM [ARGS...]; vellum compare [options] PROGRAM [ARGS...] */
#include <stdlib.h>
#include <string.h>

#include "cli/compare.h"
#include "cli/options.h"
#include "cli/run.h"

int main(int argc, char **argv)
{
	struct cli_options o;
	bool compare = argc > 1 && !strcmp(argv[1], "compare");
	int status;

	if (compare || (argc > 1 && !strcmp(argv[1], "run"))) {
		argv[1] = argv[0];
		argv++;
		argc--;
	}
	options_parse(argc, argv, compare, &o);
	status = compare ? -compare_program(&o) : run_program(&o);
	free(o.envp);
	if (compare || status < 0)
		return -status;
	exit_like(status);
}
