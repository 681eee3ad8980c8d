#include "wire/coap_binding.h"

#include "base/hex.h"
#include "wire/target.h"
#include "wire/timestamp.h"

/* -- tables ------------------------------------------------------------------------------------------ */

/* oneM2M options with a meaning here [TS-0008 6.2.2.2]; those that are known and not implemented must not pass unseen. */
enum field { FIELD_FR, FIELD_RQI, FIELD_RVI, FIELD_RQET, FIELD_N, FIELD_UNSUPPORTED };

static const struct field_row {
    uint16_t number;
    enum field field;
    const char *name;
} fields[] = {
#define ROW(name, field) {COAP_OPT_M2M_##name, field, "oneM2M-" #name}
    ROW(FR, FIELD_FR),           ROW(RQI, FIELD_RQI),          ROW(RVI, FIELD_RVI),          ROW(RQET, FIELD_RQET),
    ROW(OT, FIELD_UNSUPPORTED),  ROW(RSET, FIELD_UNSUPPORTED), ROW(OET, FIELD_UNSUPPORTED),  ROW(RTURI, FIELD_UNSUPPORTED),
    ROW(EC, FIELD_UNSUPPORTED),  ROW(GID, FIELD_UNSUPPORTED),  ROW(CTO, FIELD_UNSUPPORTED),  ROW(CTS, FIELD_UNSUPPORTED),
    ROW(ATI, FIELD_UNSUPPORTED), ROW(VSI, FIELD_UNSUPPORTED),  ROW(GTM, FIELD_UNSUPPORTED),  ROW(AUS, FIELD_UNSUPPORTED),
    ROW(ASRI, FIELD_UNSUPPORTED),
#undef ROW
};

static const enum op ops[] = {
    [COAP_GET] = OP_RETRIEVE, [COAP_POST] = OP_NOTIFY, [COAP_PUT] = OP_UPDATE, [COAP_DELETE] = OP_DELETE,
};

static const uint8_t methods[] = {
    [OP_CREATE] = COAP_POST, [OP_RETRIEVE] = COAP_GET,  [OP_UPDATE] = COAP_PUT,
    [OP_DELETE] = COAP_DELETE, [OP_NOTIFY] = COAP_POST,
};

static struct text text_at(struct bytes b)
{
    return text_span((const char *)b.p, b.n);
}

/* -- a request comes --------------------------------------------------------------------------------- */

static void collect(const struct coap_message *in, struct text seen[FIELD_N], struct primitive *out)
{
    for (size_t i = 0; i < FIELD_N; i++) {
        seen[i] = text_empty();
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const struct coap_option *o = coap_find(in, fields[i].number);
        if (o != NULL && fields[i].field < FIELD_N) {
            seen[fields[i].field] = text_at(o->value);
        } else if (o != NULL) {
            binding_unsupported(out, text_of(fields[i].name));
        }
    }
}

static bool is_format(const struct coap_option *o, enum media *out)
{
    uint32_t v;
    return coap_uint(o, &v) == ERR_OK && media_of_format(v, out) == ERR_OK;
}

/* POST with a resource type is Create, without one Notify [TS-0008 6.2.1]. */
static err_t operation(const struct coap_message *in, struct primitive *out, char detail[static BINDING_DETAIL_MAX])
{
    out->op = in->code < ARRAY_LEN(ops) ? ops[in->code] : OP_NONE;
    if (out->op == OP_NONE) {
        return binding_fail_z(ERR_OPERATION, "method", detail);
    }
    const struct coap_option *ty = coap_find(in, COAP_OPT_M2M_TY);
    if (ty != NULL) {
        TRY(coap_uint(ty, &out->ty));
        out->has_ty = true;
        if (in->code != COAP_POST) {
            return binding_fail_z(ERR_NOT_PERMITTED, "oneM2M-TY", detail);
        }
        out->op = OP_CREATE;
    }
    const struct coap_option *format = coap_find(in, COAP_OPT_CONTENT_FORMAT);
    if (format == NULL ? in->payload.n > 0 : !is_format(format, &out->media)) {
        return binding_fail_z(ERR_MEDIA_TYPE, "Content-Format", detail); /* 4.15 */
    }
    const struct coap_option *accept = coap_find(in, COAP_OPT_ACCEPT);
    out->accept = out->media;
    if (accept != NULL && !is_format(accept, &out->accept)) {
        return binding_fail_z(ERR_ACCEPT, "Accept", detail); /* 4.06 [RFC 7252 5.10.4] */
    }
    return ERR_OK;
}

/*
 * The segments, joined: what HTTP has as its path. Segments are octets as they are: one that holds a slash would become
 * two, and an escape in one means nothing.
 */
static err_t path(const struct coap_message *in, struct writer *scratch, struct text *out)
{
    size_t start = scratch->n;
    size_t total = 0;
    for (size_t i = 0; i < in->options_n; i++) {
        const struct coap_option *o = &in->options[i];
        if (o->number == COAP_OPT_URI_PATH) {
            total += 1 + o->value.n;
            if (total > TARGET_PATH_MAX) {
                return ERR_LIMIT_SIZE;
            }
            if (text_find(text_at(o->value), '/') < o->value.n) {
                return ERR_MALFORMED_TO;
            }
            writer_u8(scratch, '/');
            writer_bytes(scratch, o->value);
        }
    }
    TRY(writer_finish(scratch));
    *out = text_span((const char *)scratch->buf + start, total);
    return ERR_OK;
}

/* The options as the query of a URL; other octets than those that stand for themselves there are written %XX. */
static err_t query_of(const struct coap_message *in, struct writer *scratch, struct text *out)
{
    size_t start = scratch->n;
    for (size_t i = 0; i < in->options_n; i++) {
        struct bytes b = in->options[i].value;
        if (in->options[i].number != COAP_OPT_URI_QUERY) {
            continue;
        }
        writer_z(scratch, scratch->n > start ? "&" : "");
        for (size_t k = 0; k < b.n; k++) {
            bool plain = b.p[k] > ' ' && b.p[k] <= '~' && b.p[k] != '&' && b.p[k] != '%' && b.p[k] != '#' && b.p[k] != '\\';
            if (plain) {
                writer_u8(scratch, b.p[k]);
            } else {
                writer_z(scratch, "%");
                hex_write_lower(scratch, bytes_of(b.p + k, 1));
            }
        }
    }
    TRY(writer_finish(scratch));
    *out = text_span((const char *)scratch->buf + start, scratch->n - start);
    return ERR_OK;
}

static err_t target(const struct coap_message *in, struct writer *scratch, struct primitive *out,
                    char detail[static BINDING_DETAIL_MAX])
{
    struct text joined = text_empty();
    uint64_t seen = 0;
    err_t e = path(in, scratch, &joined);
    if (e == ERR_OK) {
        e = target_address(joined, scratch, out);
    }
    if (e != ERR_OK) {
        return binding_fail_z(e, "Uri-Path", detail);
    }
    for (size_t i = 0; i < in->options_n; i++) {
        if (in->options[i].number == COAP_OPT_URI_QUERY) {
            TRY(target_parameter(text_at(in->options[i].value), &seen, NULL, out, detail));
        }
    }
    return query_of(in, scratch, &out->query);
}

err_t coap_binding_parse(const struct coap_message *in, struct writer *scratch, struct primitive *out,
                         char detail[static BINDING_DETAIL_MAX])
{
    static const struct binding_names names = {"oneM2M-RQI", "oneM2M-RVI", "oneM2M-FR", "oneM2M-RQET"};
    struct text seen[FIELD_N];
    binding_blank(out);
    detail[0] = '\0';
    collect(in, seen, out);
    struct binding_common common = {seen[FIELD_RQI], seen[FIELD_RVI], seen[FIELD_FR], seen[FIELD_RQET]};
    TRY(binding_common(&common, &names, out, detail));
    TRY(operation(in, out, detail));
    TRY(target(in, scratch, out, detail));
    return binding_content(in->payload, out, detail);
}

void coap_binding_wipe(struct primitive *p)
{
    json_decref(p->pc);
    p->pc = NULL;
}

/* -- a response goes --------------------------------------------------------------------------------- */

static err_t add_uint(struct coap_message *m, uint16_t number, uint64_t v, struct writer *scratch)
{
    uint8_t *buf = writer_reserve(scratch, 8);
    return buf == NULL ? ERR_LIMIT_SIZE : coap_add(m, number, coap_ulong_write(v, buf));
}

static err_t add_text(struct coap_message *m, uint16_t number, struct text t)
{
    return t.n == 0 ? ERR_OK : coap_add(m, number, text_bytes(t));
}

static err_t add_segments(struct coap_message *m, uint16_t number, struct text t, char sep)
{
    struct text part;
    while (text_next(&t, sep, &part)) {
        if (part.n > 255) {
            return ERR_LIMIT_SIZE;
        }
        TRY(coap_add(m, number, text_bytes(part)));
    }
    return ERR_OK;
}

/* An identifier as path segments: "~" before an SP-relative one, "_" before an absolute one [TS-0008 6.2.2.4]. */
static err_t add_address(struct coap_message *m, uint16_t number, struct text t)
{
    if (text_starts(t, "//")) {
        TRY(coap_add(m, number, bytes_of("_", 1)));
        t = text_skip(t, 2);
    } else if (text_starts(t, "/")) {
        TRY(coap_add(m, number, bytes_of("~", 1)));
        t = text_skip(t, 1);
    }
    return add_segments(m, number, t, '/');
}

/* 2.05 answers a GET only [RFC 7252 5.9.1.5]: the OK to a notification, which is a POST, is 2.04 [TS-0008 6.2]. */
static uint8_t code_of(enum op asked, uint16_t rsc)
{
    unsigned code = primitive_coap_code(rsc);
    return (uint8_t)(asked == OP_NOTIFY && code == COAP_CODE(2, 5) ? COAP_CODE(2, 4) : code);
}

err_t coap_binding_response(enum op asked, const struct primitive_response *r, struct writer *scratch,
                            struct coap_message *out)
{
    *out = coap_blank(COAP_ACK, code_of(asked, r->rsc));
    TRY(add_uint(out, COAP_OPT_M2M_RSC, r->rsc, scratch));
    TRY(add_text(out, COAP_OPT_M2M_RQI, r->rqi));
    TRY(add_text(out, COAP_OPT_M2M_RVI, r->rvi));
    TRY(add_address(out, COAP_OPT_LOCATION_PATH, r->location));
    TRY(add_text(out, COAP_OPT_M2M_ATI, r->ati));
    if (r->next != 0) { /* Content Status: partial; Content Offset: where the rest begins [TS-0008 6.2.2.2] */
        TRY(add_uint(out, COAP_OPT_M2M_CTS, 1, scratch));
        TRY(add_uint(out, COAP_OPT_M2M_CTO, r->next, scratch));
    }
    if (r->body.n > 0) {
        if (!media_is_content(r->media)) {
            return ERR_ACCEPT; /* no Content-Format for it: such routes are for HTTP */
        }
        TRY(add_uint(out, COAP_OPT_CONTENT_FORMAT, media_answer_format(r->media), scratch));
        out->payload = r->body;
    }
    return ERR_OK;
}

/* -- the client's side ------------------------------------------------------------------------------- */

static err_t add_query(struct coap_message *m, const char *name, uint32_t v, struct writer *scratch)
{
    size_t start = scratch->n;
    writer_z(scratch, name);
    writer_decimal(scratch, v);
    TRY(writer_finish(scratch));
    return coap_add(m, COAP_OPT_URI_QUERY, bytes_of(scratch->buf + start, scratch->n - start));
}

static err_t add_filter(struct coap_message *m, const struct filter *f, struct writer *scratch)
{
    size_t start = scratch->n;
    TRY(filter_write(f, false, scratch));
    struct text all = text_span((const char *)scratch->buf + start, scratch->n - start);
    return all.n == 0 ? ERR_OK : add_segments(m, COAP_OPT_URI_QUERY, text_skip(all, 1), FILTER_BREAK);
}

static err_t add_expires(struct coap_message *m, usec_t t, struct writer *scratch)
{
    size_t start = scratch->n;
    timestamp_write(scratch, t);
    TRY(writer_finish(scratch));
    return coap_add(m, COAP_OPT_M2M_RQET, bytes_of(scratch->buf + start, scratch->n - start));
}

err_t coap_binding_request(const struct primitive *p, struct writer *scratch, struct coap_message *out)
{
    if (p->op == OP_NONE || (unsigned)p->op >= ARRAY_LEN(methods) || !text_starts(p->path, "/")) {
        return ERR_USAGE;
    }
    size_t mark = text_find(p->path, '?');
    struct text segments;
    *out = coap_blank(COAP_CON, methods[p->op]);
    TRY(target_decode(text_take(p->path, mark), scratch, &segments));
    TRY(add_segments(out, COAP_OPT_URI_PATH, text_skip(segments, 1), '/'));
    TRY(add_segments(out, COAP_OPT_URI_QUERY, text_skip(p->path, mark + 1), '&'));
    if (p->has_rcn) {
        TRY(add_query(out, "rcn=", p->rcn, scratch));
    }
    if (p->fu != 0) {
        TRY(add_query(out, "fu=", p->fu, scratch));
    }
    TRY(add_filter(out, &p->filter, scratch));
    TRY(add_text(out, COAP_OPT_M2M_FR, p->from));
    TRY(add_text(out, COAP_OPT_M2M_RQI, p->rqi));
    TRY(add_text(out, COAP_OPT_M2M_RVI, p->rvi));
    if (p->has_ty) {
        TRY(add_uint(out, COAP_OPT_M2M_TY, p->ty, scratch));
    }
    if (p->expires != USEC_NEVER) {
        TRY(add_expires(out, p->expires, scratch));
    }
    if (p->content.n > 0) {
        TRY(add_uint(out, COAP_OPT_CONTENT_FORMAT, media_request_format(p->media), scratch));
        out->payload = p->content;
    }
    if (p->accept != MEDIA_JSON) {
        TRY(add_uint(out, COAP_OPT_ACCEPT, media_request_format(p->accept), scratch));
    }
    return ERR_OK;
}

/* Location-Path back to the identifier that add_address() was given. */
static err_t location(const struct coap_message *in, struct writer *scratch, struct text *out)
{
    size_t start = scratch->n;
    bool first = true;
    bool slash = false;
    for (size_t i = 0; i < in->options_n; i++) {
        struct text part = text_at(in->options[i].value);
        if (in->options[i].number != COAP_OPT_LOCATION_PATH) {
            continue;
        }
        if (part.n == 0 || text_find(part, '/') < part.n) {
            return ERR_PEER_NONSENSE;
        }
        if (first && (text_eq_z(part, "~") || text_eq_z(part, "_"))) {
            writer_z(scratch, part.p[0] == '_' ? "/" : "");
            slash = true;
        } else {
            writer_z(scratch, slash ? "/" : "");
            writer_text(scratch, part);
            slash = true;
        }
        first = false;
    }
    TRY(writer_finish(scratch));
    *out = text_span((const char *)scratch->buf + start, scratch->n - start);
    return ERR_OK;
}

err_t coap_binding_parse_response(const struct coap_message *in, struct writer *scratch, struct primitive_response *out)
{
    uint32_t v = 0;
    const struct coap_option *rsc = coap_find(in, COAP_OPT_M2M_RSC);
    const struct coap_option *rqi = coap_find(in, COAP_OPT_M2M_RQI);
    const struct coap_option *rvi = coap_find(in, COAP_OPT_M2M_RVI);
    const struct coap_option *format = coap_find(in, COAP_OPT_CONTENT_FORMAT);
    const struct coap_option *next = coap_find(in, COAP_OPT_M2M_CTO);
    *out = (struct primitive_response){.body = in->payload};
    out->rqi = rqi == NULL ? text_empty() : text_at(rqi->value);
    out->rvi = rvi == NULL ? text_empty() : text_at(rvi->value);
    out->location = text_empty();
    if (rsc == NULL || coap_uint(rsc, &v) != ERR_OK || v < 1000 || v > 9999) {
        return ERR_PEER_NONSENSE;
    }
    out->rsc = (uint16_t)v;
    if (next != NULL && coap_ulong(next, &out->next) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    if (in->payload.n > 0 && (format == NULL || !is_format(format, &out->media))) {
        return ERR_PEER_NONSENSE;
    }
    return location(in, scratch, &out->location);
}
