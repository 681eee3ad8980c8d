/* From a trail to what is drawn: each event an arrow or a note, and under a refusal its reason and what to do. */
#ifndef KEYSTEAD_CLI_TRACE_STEPS_H
#define KEYSTEAD_CLI_TRACE_STEPS_H

#include "cli/trail.h"

#define TRACE_STEPS_TEXT_MAX (2 * AUDIT_TEXT_MAX + 256)
#define TRACE_STEPS_ITEMS 3 /* that one event gives at most */

struct trace_steps {
    enum ladder_line from, to;
    const char *step, *clause;
    const struct err_info *why; /* NULL: not refused */
    struct ladder_item items[TRACE_STEPS_ITEMS];
    size_t items_n;
    char text[TRACE_STEPS_ITEMS][TRACE_STEPS_TEXT_MAX]; /* of the items */
};
void trace_steps_of(const struct trail *t, const struct trail_event *e, struct trace_steps *out);

/* Draws what is marked as shown. */
void trace_steps_text(const struct trail *t, FILE *f);
void trace_steps_svg(const struct trail *t, FILE *f);
void trace_steps_json(const struct trail *t, FILE *f); /* the participants, then each step: one object a line */

#endif
