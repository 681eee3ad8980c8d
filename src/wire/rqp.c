#include "wire/rqp.h"

#include "wire/emit.h"
#include "wire/json.h"
#include "wire/m2mid.h"
#include "wire/target.h"

#define RESPONSE_BLOCKING 3 /* what everybody gets */

/* Parameters that are read by hand; the others are those of a query (wire/target.c), under the same names. */
static const char *const own[] = {"op", "to", "fr", "rqi", "rvi", "rqet", "ty", "pc", "fc", "rt"};

static bool is_own(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (text_eq_z(text_of(name), own[i])) {
            return true;
        }
    }
    return false;
}

/* A text of the primitive, in memory that lives as long as the primitive. */
static err_t keep(const json_t *rqp, const char *name, struct writer *scratch, struct text *out)
{
    const json_t *v = json_object_get(rqp, name);
    struct text t = json_get_text(rqp, name);
    size_t start = scratch->n;
    if (v != NULL && !json_is_string(v)) {
        return ERR_MALFORMED;
    }
    writer_text(scratch, t);
    TRY(writer_finish(scratch));
    *out = text_span((const char *)scratch->buf + start, t.n);
    return ERR_OK;
}

static err_t common(const json_t *rqp, struct writer *scratch, struct primitive *out,
                    char detail[static BINDING_DETAIL_MAX])
{
    static const struct binding_names names = {"rqi", "rvi", "fr", "rqet"};
    struct binding_common in = {text_empty(), text_empty(), text_empty(), text_empty()};
    struct text *const to[] = {&in.rqi, &in.rvi, &in.from, &in.expires};
    const char *const name[] = {names.rqi, names.rvi, names.from, names.expires};
    for (size_t i = 0; i < ARRAY_LEN(to); i++) {
        err_t e = keep(rqp, name[i], scratch, to[i]);
        if (e != ERR_OK) {
            return binding_fail_z(e, name[i], detail);
        }
    }
    return in.rqi.n == 0 ? binding_fail_z(ERR_MISSING, "rqi", detail) : binding_common(&in, &names, out, detail);
}

/* Any form of address, already decoded: of unreserved characters, '@' and '/'. */
static err_t address(const json_t *rqp, struct writer *scratch, struct primitive *out)
{
    TRY(keep(rqp, "to", scratch, &out->to));
    bool good = out->to.n > 0 && out->to.n <= TARGET_PATH_MAX;
    for (size_t i = 0; good && i < out->to.n; i++) {
        char c = out->to.p[i];
        good = c == '/' || c == '@' || m2mid_is_unreserved(text_span(&c, 1));
    }
    out->path = out->to;
    return good ? ERR_OK : ERR_MALFORMED_TO;
}

static err_t operation(const json_t *rqp, struct primitive *out, char detail[static BINDING_DETAIL_MAX])
{
    const json_t *op = json_object_get(rqp, "op");
    const json_t *ty = json_object_get(rqp, "ty");
    const json_int_t n = json_integer_value(op);
    const json_int_t t = json_integer_value(ty);
    if (n < OP_CREATE || n > OP_NOTIFY) {
        return binding_fail_z(ERR_MALFORMED_QUERY, "op", detail);
    }
    out->op = (enum op)n;
    if ((ty != NULL) != (out->op == OP_CREATE) || (ty != NULL && (t <= 0 || t > UINT32_MAX))) {
        return binding_fail_z(ERR_MALFORMED_QUERY, "ty", detail);
    }
    out->has_ty = ty != NULL;
    out->ty = (uint32_t)t;
    return ERR_OK;
}

/* One value, as a query would have it. */
static err_t parameter(const char *name, const json_t *v, uint64_t *seen, struct writer *scratch, struct primitive *out,
                       char detail[static BINDING_DETAIL_MAX])
{
    size_t start = scratch->n;
    writer_z(scratch, name);
    writer_z(scratch, "=");
    if (json_is_integer(v) && json_integer_value(v) >= 0) {
        writer_decimal(scratch, (uint64_t)json_integer_value(v));
    } else if (json_is_boolean(v)) {
        writer_z(scratch, json_is_true(v) ? "true" : "false");
    } else if (json_is_string(v)) {
        struct text t = text_span(json_string_value(v), json_string_length(v));
        if (text_find(t, '+') < t.n) { /* in a query it separates the values of a list */
            return binding_fail_z(ERR_MALFORMED_QUERY, name, detail);
        }
        writer_text(scratch, t);
    } else {
        return binding_fail_z(ERR_MALFORMED_QUERY, name, detail);
    }
    TRY(writer_finish(scratch));
    return target_parameter(text_span((const char *)scratch->buf + start, scratch->n - start), seen, NULL, out, detail);
}

struct queries {
    uint64_t seen;
    struct writer *scratch;
    struct primitive *out;
};

static err_t parameters(struct queries *q, const char *name, const json_t *v, char detail[static BINDING_DETAIL_MAX])
{
    if (!json_is_array(v)) {
        return parameter(name, v, &q->seen, q->scratch, q->out, detail);
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        TRY(parameter(name, json_array_get(v, i), &q->seen, q->scratch, q->out, detail));
    }
    return ERR_OK;
}

static err_t query(json_t *rqp, struct writer *scratch, struct primitive *out, char detail[static BINDING_DETAIL_MAX])
{
    struct queries q = {0, scratch, out};
    const json_t *rt = json_object_get(rqp, "rt");
    json_t *fc = json_object_get(rqp, "fc");
    const char *name;
    json_t *v;
    if (rt != NULL && (json_object_size(rt) != 1 || json_integer_value(json_object_get(rt, "rtv")) != RESPONSE_BLOCKING)) {
        binding_unsupported(out, text_of("rt"));
    }
    if (fc != NULL && !json_is_object(fc)) {
        return binding_fail_z(ERR_MALFORMED_QUERY, "fc", detail);
    }
    json_object_foreach(rqp, name, v) {
        TRY(is_own(name) ? ERR_OK : parameters(&q, name, v, detail));
    }
    json_object_foreach(fc, name, v) {
        TRY(parameters(&q, name, v, detail));
    }
    return ERR_OK;
}

static err_t content(const json_t *rqp, struct writer *scratch, struct primitive *out,
                     char detail[static BINDING_DETAIL_MAX])
{
    const json_t *pc = json_object_get(rqp, "pc");
    size_t start = scratch->n;
    if (pc == NULL) {
        return ERR_OK;
    }
    if (!json_is_object(pc)) {
        return binding_fail_z(ERR_MALFORMED_JSON, "pc", detail);
    }
    TRY(json_write(pc, scratch));
    TRY(writer_finish(scratch));
    return binding_content(bytes_of(scratch->buf + start, scratch->n - start), out, detail);
}

err_t rqp_parse(struct bytes json, struct writer *scratch, struct primitive *out, char detail[static BINDING_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *root = NULL;
    binding_blank(out);
    detail[0] = '\0';
    TRY(json_parse(json, &root));
    json_t *rqp = json_object_get(root, "m2m:rqp");
    if (!json_is_object(rqp) || json_object_size(root) != 1) {
        return binding_fail_z(ERR_MISSING, "m2m:rqp", detail);
    }
    TRY(operation(rqp, out, detail));
    TRY(common(rqp, scratch, out, detail));
    if (address(rqp, scratch, out) != ERR_OK) {
        return binding_fail_z(ERR_MALFORMED_TO, "to", detail);
    }
    TRY(query(rqp, scratch, out, detail));
    return content(rqp, scratch, out, detail);
}

void rqp_wipe(struct primitive *p)
{
    json_decref(p->pc);
    p->pc = NULL;
}

/* LOCAL:TOKEN+... as dynAuthLocalTokenIdAssignments [TS-0004 6.3.5.43]. */
static void assigned(struct emit *e, struct text pairs)
{
    struct text one = text_empty();
    emit_object(e, "ati");
    emit_array(e, "ltia");
    while (text_next(&pairs, '+', &one)) {
        size_t colon = text_find(one, ':');
        emit_object(e, NULL);
        emit_text(e, "lti", text_take(one, colon));
        emit_text(e, "tkid", text_skip(one, colon + 1));
        emit_close_object(e);
    }
    emit_close_array(e);
    emit_close_object(e);
}

err_t rqp_response_write(const struct primitive_response *r, struct writer *out)
{
    struct emit e = emit_to(out);
    emit_object(&e, NULL);
    emit_object(&e, "m2m:rsp");
    emit_number(&e, "rsc", r->rsc);
    emit_text(&e, "rqi", r->rqi);
    if (r->rvi.n > 0) {
        emit_text(&e, "rvi", r->rvi);
    }
    if (r->next != 0) { /* a part of the result, and where the rest begins */
        emit_number(&e, "cts", 1);
        emit_number(&e, "cto", r->next);
    }
    if (r->ati.n > 0) {
        assigned(&e, r->ati);
    }
    if (r->body.n > 0) { /* handlers write JSON */
        emit_name(&e, r->token_request ? "tqf" : "pc");
        writer_bytes(out, r->body);
    }
    emit_close_object(&e);
    emit_close_object(&e);
    return writer_finish(out);
}
