/*
 * Ladders: a lifeline for each participant, one line an arrow, the clause at the end. The demo and `keystead trace` draw
 * them, as text or as SVG (ladder_svg.h). Texts may hold what peers said: both drawings print printable ASCII and write the
 * rest as \xNN.
 */
#ifndef KEYSTEAD_CLI_LADDER_H
#define KEYSTEAD_CLI_LADDER_H

#include "base/text.h"

#include <stdio.h>

enum ladder_line {
    LADDER_OPERATOR, LADDER_DEVICE, LADDER_BSF, LADDER_MEF, LADDER_MAF, LADDER_MN, LADDER_CSE, LADDER_LINES, /* from left to right */
    LADDER_HERE = LADDER_LINES, /* in tables only: the server in whose chain the event stands */
    LADDER_PEER,                /* in tables only: who the event calls its peer */
};

/* A row for each lifeline: with a new role, a row here or its name in one. */
struct ladder_participant {
    const char *code, *name; /* for programs, for people */
    const char *roles[2];    /* whose audit chains are its own */
    bool always;             /* the others are drawn only where something happens at them */
};
extern const struct ladder_participant ladder_participants[LADDER_LINES];

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

/* Which of them have a column. */
struct ladder_columns {
    bool shown[LADDER_LINES];
};
struct ladder_columns ladder_columns(void); /* those that every ladder has */
struct ladder_columns ladder_columns_all(void);
void ladder_columns_add(struct ladder_columns *c, const struct ladder_item *item);
size_t ladder_columns_left(const struct ladder_columns *c, enum ladder_line l); /* how many stand left of it */

void ladder_text_head(FILE *f, const struct ladder_columns *c);
void ladder_text_item(FILE *f, const struct ladder_columns *c, const struct ladder_item *item);

/* One octet, if it is printable ASCII; else \xNN. */
void ladder_put_octet(FILE *f, char c);

#endif
