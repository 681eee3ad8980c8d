/* What the bindings have in common: the parameters that every request may carry, whatever octets name them. */
#ifndef KEYSTEAD_WIRE_BINDING_H
#define KEYSTEAD_WIRE_BINDING_H

#include "wire/primitive.h"

#define BINDING_DETAIL_MAX 96

void binding_blank(struct primitive *out); /* nothing set, no expiry */

/* Returns e, having said what is at fault. */
err_t binding_fail(err_t e, struct text what, char detail[static BINDING_DETAIL_MAX]);
err_t binding_fail_z(err_t e, const char *what, char detail[static BINDING_DETAIL_MAX]);

/* A parameter that is known and not implemented; the first one found is named. */
void binding_unsupported(struct primitive *p, struct text name);

/* As sent, empty if absent; `names` are what the binding calls them, for the detail. */
struct binding_common {
    struct text rqi, rvi, from, expires;
};
struct binding_names {
    const char *rqi, *rvi, *from, *expires;
};
MUST_USE err_t binding_common(const struct binding_common *in, const struct binding_names *names, struct primitive *out,
                              char detail[static BINDING_DETAIL_MAX]);

/* The content by out->op and out->media; on success out->pc is the caller's. */
MUST_USE err_t binding_content(struct bytes body, struct primitive *out, char detail[static BINDING_DETAIL_MAX]);

/*
 * The answer in the form that was asked for; `room` holds it as long as *r is used. Handlers write JSON. What does not fit
 * stays JSON and says so: the request is done by then, and an Accept is a wish.
 */
void binding_answer(enum media accept, struct primitive_response *r, struct writer *room);

#endif
