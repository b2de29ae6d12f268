/* vellum [run] [OPTION...] PROGRAM [ARGS...]; vellum compare [OPTION...] PROGRAM [ARGS...]
 *
 * The way in, and the way out: what Vellum ends with. Not for: anything else. */
#include <stdlib.h>
#include <string.h>

#include "cli/compare.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/run.h"

static bool is(const char *word, const char *command)
{
	return word && !strcmp(word, command);
}

int main(int argc, char **argv)
{
	struct cli_options o;
	bool compare = is(argv[1], "compare");
	int status;

	if (is(argv[1], "--help") || is(argv[1], "-h")) {
		help_overview();
		return answered(0);
	}
	if (compare || is(argv[1], "run")) {
		argv++;
		argc--;
	}
	options_parse(argc, argv, compare, &o);
	status = compare ? -answered(compare_program(&o)) : run_program(&o);
	free(o.envp);
	if (compare || status < 0)
		return -status;
	exit_like(status);
}
