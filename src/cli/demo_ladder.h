/* Draws the ladder of the demo: five lifelines, one line an arrow, the clause at the end. */
#ifndef KEYSTEAD_CLI_DEMO_LADDER_H
#define KEYSTEAD_CLI_DEMO_LADDER_H

#include <stdbool.h>

enum demo_ladder_line { DEMO_OPERATOR, DEMO_DEVICE, DEMO_MEF, DEMO_MAF, DEMO_CSE, DEMO_LINES };

void demo_ladder_head(void);
void demo_ladder_title(const char *title);
/* `refused`: the arrow ends in a cross. */
void demo_ladder_arrow(enum demo_ladder_line from, enum demo_ladder_line to, bool refused, const char *text,
                       const char *clause);
/* Something that happens at one lifeline. */
void demo_ladder_note(enum demo_ladder_line at, const char *text, const char *clause);

#endif
