/* The pages of --help. All go to standard output; no line is longer than 80 columns. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdbool.h>

/* What Vellum ends with after it has printed an answer: @status, or 125 with a line on the log where
 * standard output did not take it all. */
int answered(int status);

/* `vellum --help`: what there is, on one screen of 24 lines. */
void help_overview(void);
/* `vellum run --help`, `vellum compare --help`: each option of the command. */
void help_command(bool compare);

#endif
