#include "wire/binding.h"

#include "wire/cbor_value.h"
#include "wire/json.h"
#include "wire/m2mid.h"
#include "wire/timestamp.h"

#include <string.h>

#define RQI_MAX 128

static const char *const releases[] = {"1", "2", "2a", "3", "4", "5"};

void binding_blank(struct primitive *out)
{
    static const struct primitive none = {
        .to = {"", 0}, .path = {"", 0}, .from = {"", 0}, .rqi = {"", 0}, .rvi = {"", 0}, .expires = USEC_NEVER,
    };
    *out = none;
    out->content = bytes_empty();
}

err_t binding_fail(err_t e, struct text what, char detail[static BINDING_DETAIL_MAX])
{
    struct text t = text_take(what, BINDING_DETAIL_MAX - 1);
    memcpy(detail, t.p, t.n);
    detail[t.n] = '\0';
    return e;
}

err_t binding_fail_z(err_t e, const char *what, char detail[static BINDING_DETAIL_MAX])
{
    return binding_fail(e, text_of(what), detail);
}

void binding_unsupported(struct primitive *p, struct text name)
{
    if (!p->unsupported) {
        struct text t = text_take(name, sizeof(p->unsupported_name) - 1);
        memcpy(p->unsupported_name, t.p, t.n);
        p->unsupported_name[t.n] = '\0';
        p->unsupported = true;
    }
}

static bool is_visible(struct text t)
{
    bool ok = true;
    for (size_t i = 0; i < t.n; i++) {
        ok &= t.p[i] > 0x20 && t.p[i] < 0x7f;
    }
    return ok;
}

static bool is_release(struct text t)
{
    for (size_t i = 0; i < ARRAY_LEN(releases); i++) {
        if (text_eq_nocase(t, text_of(releases[i]))) {
            return true;
        }
    }
    return false;
}

/* RET: a point in time, or milliseconds from now on, which only the caller knows [TS-0004 6.3.3 absRelTimestamp]. */
static err_t expiration(struct text t, const char *name, struct primitive *out, char detail[static BINDING_DETAIL_MAX])
{
    uint64_t ms;
    if (t.n == 0) {
        return ERR_OK;
    }
    if (text_u64(t, UINT32_MAX, &ms) == ERR_OK) {
        out->expires_after_ms = (uint32_t)ms;
        return ms > 0 ? ERR_OK : binding_fail_z(ERR_REQUEST_EXPIRED, name, detail);
    }
    return timestamp_parse(t, &out->expires) == ERR_OK ? ERR_OK : binding_fail_z(ERR_MALFORMED_TIME, name, detail);
}

err_t binding_common(const struct binding_common *in, const struct binding_names *names, struct primitive *out,
                     char detail[static BINDING_DETAIL_MAX])
{
    /* CHOICE: TS-0009 makes X-M2M-RI mandatory; a request without one (curl by hand) is served and answered without. */
    if (in->rqi.n > RQI_MAX || !is_visible(in->rqi)) {
        return binding_fail_z(ERR_MALFORMED, names->rqi, detail);
    }
    out->rqi = in->rqi;
    if (in->rvi.n > 0 && !is_release(in->rvi)) {
        return binding_fail_z(ERR_RELEASE, names->rvi, detail);
    }
    out->rvi = in->rvi;
    if (in->from.n >= M2MID_MAX || !is_visible(in->from)) {
        return binding_fail_z(ERR_MALFORMED_FROM, names->from, detail);
    }
    out->has_from = in->from.n > 0; /* CHOICE-69 */
    out->from = in->from;
    return expiration(in->expires, names->expires, out, detail);
}

err_t binding_content(struct bytes body, struct primitive *out, char detail[static BINDING_DETAIL_MAX])
{
    if (body.n == 0) {
        return ERR_OK;
    }
    if (out->op == OP_DELETE) {
        return binding_fail_z(ERR_NOT_PERMITTED, "content", detail);
    }
    if (out->op == OP_RETRIEVE) {
        binding_unsupported(out, text_of("content")); /* a list of attributes to retrieve */
    }
    out->content = body;
    if (!media_is_content(out->media)) {
        return ERR_OK;
    }
    err_t e = out->media == MEDIA_CBOR ? cbor_value_parse(body, &out->pc) : json_parse(body, &out->pc);
    return e == ERR_OK ? ERR_OK : binding_fail_z(e, "content", detail);
}

void binding_answer(enum media accept, struct primitive_response *r, struct writer *room)
{
    if (accept == MEDIA_CBOR && r->media == MEDIA_JSON && r->body.n > 0 && cbor_value_of_json(r->body, room) == ERR_OK) {
        r->body = writer_view(room);
        r->media = MEDIA_CBOR;
    }
}
