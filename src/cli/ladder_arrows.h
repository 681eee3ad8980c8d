/* Which arrow an audit event stands for: one table for the demo and for `keystead trace`. */
#ifndef KEYSTEAD_CLI_LADDER_ARROWS_H
#define KEYSTEAD_CLI_LADDER_ARROWS_H

#include "cli/ladder.h"
#include "store/audit.h"

enum {
    LADDER_JOINS = 1, /* peer and object belong to one device: who asks for the one is shown what is about the other */
    LADDER_ASIDE = 2, /* not in the demo: its steps tell what is refused, and that servers start */
};
struct ladder_arrow {
    enum audit_kind kind;
    enum ladder_line from, to; /* the same: a note at the server whose chain has the event */
    enum ladder_line peer;     /* who LADDER_PEER is, if the trail does not tell */
    unsigned flags;
    const char *text, *clause;
};
/* In the order of cause and effect: it decides where times do not. */
extern const struct ladder_arrow ladder_arrows[];
extern const size_t ladder_arrows_n;

/* By the code of the event; NULL: no such event. */
const struct ladder_arrow *ladder_arrows_of(struct text code);
size_t ladder_arrows_rank(const struct ladder_arrow *row); /* its place in cause and effect */

#endif
