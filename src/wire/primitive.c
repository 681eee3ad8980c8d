#include "wire/primitive.h"

struct status_row {
    uint16_t rsc;
    uint16_t http;
    uint8_t coap;
    const char *name;
};

static const struct status_row rows[] = {
#define X(rsc, name, http, coap_class, coap_detail) {rsc, http, (coap_class) << 5 | (coap_detail), name},
#include "wire/rsc_rows.h"
#undef X
};

static const struct status_row *row_of(uint16_t rsc)
{
    static const struct status_row unknown = {0, 500, 5 << 5, "UNKNOWN"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].rsc == rsc) {
            return &rows[i];
        }
    }
    return &unknown;
}

unsigned primitive_http_status(uint16_t rsc)
{
    return row_of(rsc)->http;
}

unsigned primitive_coap_code(uint16_t rsc)
{
    return row_of(rsc)->coap;
}

const char *primitive_rsc_name(uint16_t rsc)
{
    return row_of(rsc)->name;
}

bool primitive_has_tokens(const struct primitive *p)
{
    return p->tokens.n + p->tids.n + p->ltids.n > 0;
}

const char *primitive_op_name(enum op op)
{
    static const char *const names[] = {
        [OP_NONE] = "NONE",     [OP_CREATE] = "CREATE", [OP_RETRIEVE] = "RETRIEVE",
        [OP_UPDATE] = "UPDATE", [OP_DELETE] = "DELETE", [OP_NOTIFY] = "NOTIFY",
    };
    return (unsigned)op < ARRAY_LEN(names) ? names[op] : names[OP_NONE];
}

usec_t primitive_end(const struct primitive *p, usec_t now)
{
    usec_t after = p->expires_after_ms != 0 ? now + (usec_t)p->expires_after_ms * 1000 : USEC_NEVER;
    return p->expires < after ? p->expires : after;
}
