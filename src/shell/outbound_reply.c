#include "shell/outbound_reply.h"

#include <string.h>

void outbound_reply_begin(struct outbound_reply *r)
{
    r->rsc = 0;
    r->next = 0;
    r->media = MEDIA_N;
    r->rqi[0] = r->location[0] = '\0';
}

static void take(struct outbound_reply *r, struct text name, struct text value)
{
    uint64_t n = 0;
    if (text_eq_nocase(name, text_of("X-M2M-RSC")) && text_u64(value, 65535, &n) == ERR_OK) {
        r->rsc = (uint16_t)n;
    } else if (text_eq_nocase(name, text_of("X-M2M-CTO")) && text_u64(value, UINT64_MAX, &n) == ERR_OK) {
        r->next = n;
    } else if (text_eq_nocase(name, text_of("Content-Location")) && TEXT_COPY(value, r->location) != ERR_OK) {
        r->location[0] = '\0';
    } else if (text_eq_nocase(name, text_of("Content-Type")) &&
               media_parse(text_trim(text_take(value, text_find(value, ';')), " \t"), &r->media) != ERR_OK) {
        r->media = MEDIA_N;
    }
}

/* Headers that never end would be read until the time is up. */
err_t outbound_reply_header(struct outbound_reply *r, struct text name, struct text value)
{
    r->head_n += name.n + value.n + 4;
    r->useless = r->useless || r->head_n > OUTBOUND_HEAD_MAX;
    value = text_trim(value, " \t\r\n");
    if (text_eq_nocase(name, text_of("X-M2M-RI"))) {
        TRY(outbound_reply_rqi(r, value));
    }
    take(r, name, value);
    return r->useless ? ERR_LIMIT_SIZE : ERR_OK;
}

err_t outbound_reply_rqi(struct outbound_reply *r, struct text rqi)
{
    r->useless = r->useless || (rqi.n > 0 && r->asked[0] != '\0' && !text_eq_z(rqi, r->asked));
    if (TEXT_COPY(rqi, r->rqi) != ERR_OK) {
        r->rqi[0] = '\0';
    }
    return r->useless ? ERR_PEER_NONSENSE : ERR_OK;
}

err_t outbound_reply_body(struct outbound_reply *r, struct bytes part)
{
    struct growing *b = &r->body;
    if (part.n == 0) {
        return ERR_OK;
    }
    size_t want = b->n + part.n;
    size_t twice = b->cap * 2 < r->body_max ? b->cap * 2 : r->body_max;
    if (part.n > r->body_max - b->n || (want > b->cap && !growing_reserve(b, want > twice ? want : twice))) {
        r->useless = true;
        return ERR_LIMIT_SIZE;
    }
    memcpy(b->p + b->n, part.p, part.n);
    b->n += part.n;
    return ERR_OK;
}
