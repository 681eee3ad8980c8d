/*
 * Ladders: five lifelines, one line an arrow, the clause at the end. The demo and `keystead trace` draw them, as text or
 * as SVG (ladder_svg.h). Texts may hold what peers said: both drawings print printable ASCII and write the rest as \xNN.
 */
#ifndef KEYSTEAD_CLI_LADDER_H
#define KEYSTEAD_CLI_LADDER_H

#include "base/text.h"

#include <stdio.h>

enum ladder_line {
    LADDER_OPERATOR, LADDER_DEVICE, LADDER_MEF, LADDER_MAF, LADDER_CSE, LADDER_LINES,
    LADDER_HERE = LADDER_LINES, /* in tables only: the server in whose chain the event stands */
    LADDER_PEER,                /* in tables only: who the event calls its peer */
};
extern const char *const ladder_names[LADDER_LINES]; /* for people */

enum ladder_shape {
    LADDER_TITLE,  /* a chapter begins */
    LADDER_ARROW,
    LADDER_NOTE,   /* something that happens at one lifeline, `from` */
    LADDER_REMARK, /* more about what stands above */
};
struct ladder_item {
    enum ladder_shape shape;
    enum ladder_line from, to; /* of an arrow: different */
    bool refused;              /* the arrow ends in a cross, the note is one */
    const char *text;
    const char *clause; /* "" if none */
};

void ladder_text_head(FILE *f);
void ladder_text_item(FILE *f, const struct ladder_item *item);

/* One octet, if it is printable ASCII; else \xNN. */
void ladder_put_octet(FILE *f, char c);

#endif
