/* The same ladder as one SVG 1.1 file: no script, no font, no picture and no address from elsewhere. */
#ifndef KEYSTEAD_CLI_LADDER_SVG_H
#define KEYSTEAD_CLI_LADDER_SVG_H

#include "cli/ladder.h"

void ladder_svg_head(FILE *f, const struct ladder_columns *c, size_t items); /* how many will follow */
void ladder_svg_item(FILE *f, const struct ladder_columns *c, size_t row, const struct ladder_item *item); /* row: 0, 1, ... */
void ladder_svg_end(FILE *f);

#endif
