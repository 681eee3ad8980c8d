#include "wire/esprim.h"

#include "base/base64.h"
#include "wire/jose.h"
#include "wire/json_text.h"
#include "wire/timestamp.h"

#include <string.h>

/* -- random objects ------------------------------------------------------------------------------------------ */

/* xs:NCName as far as it is ASCII: [TS-0004 6.3.5.50] names need no more. */
static bool is_ncname(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        char c = text_lower(t.p[i]);
        bool first = (c >= 'a' && c <= 'z') || c == '_';
        bool later = (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!first && (i == 0 || !later)) {
            return false;
        }
    }
    return t.n > 0;
}

static err_t name_member(const json_t *o, const char *member, char *dst, size_t cap)
{
    struct text t = json_get_text(o, member);
    return is_ncname(t) && text_copy(t, dst, cap) == ERR_OK ? ERR_OK : ERR_OBJECT_MALFORMED;
}

static err_t number_of(const json_t *v, uint8_t *out)
{
    json_int_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < 1 || n > UINT8_MAX) {
        return ERR_OBJECT_MALFORMED;
    }
    *out = (uint8_t)n;
    return ERR_OK;
}

static err_t list_of(const json_t *v, uint8_t out[ESPRIM_LIST_MAX], uint8_t *n)
{
    size_t count = json_array_size(v);
    if (!json_is_array(v) || count == 0 || count > ESPRIM_LIST_MAX) {
        return ERR_OBJECT_MALFORMED;
    }
    for (size_t i = 0; i < count; i++) {
        TRY(number_of(json_array_get(v, i), &out[i]));
    }
    *n = (uint8_t)count;
    return ERR_OK;
}

/* m2m:absRelTimestamp: a timestamp, or milliseconds from now. */
static err_t expiry_of(const json_t *v, usec_t now, usec_t *out)
{
    struct text t = text_span(json_string_value(v), json_string_length(v));
    uint64_t ms = 0;
    if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= UINT32_MAX) {
        ms = (uint64_t)json_integer_value(v);
    } else if (timestamp_parse(t, out) == ERR_OK) {
        return ERR_OK;
    } else if (text_u64(t, UINT32_MAX, &ms) != ERR_OK) {
        return ERR_OBJECT_MALFORMED;
    }
    *out = now + (usec_t)ms * (USEC_PER_SEC / 1000);
    return ERR_OK;
}

static err_t rand_of(const json_t *o, bool single, usec_t now, struct esprim_rand *out)
{
    *out = (struct esprim_rand){.single = single};
    if (!json_is_object(o)) {
        return ERR_OBJECT_MALFORMED;
    }
    TRY(name_member(o, "esri", out->id, sizeof(out->id)));
    TRY(name_member(o, "esrv", out->value, sizeof(out->value)));
    TRY(expiry_of(json_object_get(o, "esrx"), now, &out->expiry));
    TRY(list_of(json_object_get(o, "espa"), out->algs, &out->algs_n));
    if (!single) {
        return list_of(json_object_get(o, "esks"), out->keygen, &out->keygen_n);
    }
    out->keygen_n = 1;
    return number_of(json_object_get(o, "esk"), out->keygen);
}

err_t esprim_rand_parse(struct text json, bool single, usec_t now, struct esprim_rand *out)
{
    SCOPED(json_scope) json_t *o = NULL;
    return json_parse(text_bytes(json), &o) == ERR_OK ? rand_of(o, single, now, out) : ERR_OBJECT_MALFORMED;
}

static void list_write(const uint8_t *list, size_t n, struct writer *out)
{
    writer_z(out, "[");
    for (size_t i = 0; i < n; i++) {
        writer_z(out, i == 0 ? "" : ",");
        writer_decimal(out, list[i]);
    }
    writer_z(out, "]");
}

void esprim_rand_write(const struct esprim_rand *r, struct writer *out)
{
    writer_z(out, "{\"esri\":");
    json_text_write(out, text_of(r->id));
    writer_z(out, ",\"esrv\":");
    json_text_write(out, text_of(r->value));
    writer_z(out, ",\"esrx\":\"");
    timestamp_write(out, r->expiry);
    writer_z(out, r->single ? "\",\"esk\":" : "\",\"esks\":");
    if (r->single) {
        writer_decimal(out, r->keygen[0]);
    } else {
        list_write(r->keygen, r->keygen_n, out);
    }
    writer_z(out, ",\"espa\":");
    list_write(r->algs, r->algs_n, out);
    writer_z(out, "}");
}

/* -- the ESPrim Object --------------------------------------------------------------------------------------- */

static const char *const encryptions[] = {"A128GCM", "A192GCM", "A256GCM"};

static err_t header_of(const json_t *o, usec_t now, struct esprim_header *h)
{
    TRY(name_member(o, "ori", h->ori, sizeof(h->ori)));
    TRY(name_member(o, "rri", h->rri, sizeof(h->rri)));
    struct text kid = json_get_text(o, "kid");
    if (kid.n == 0 || text_copy(kid, h->kid, sizeof(h->kid)) != ERR_OK) {
        return ERR_OBJECT_MALFORMED;
    }
    for (size_t i = 0; i < ARRAY_LEN(encryptions); i++) {
        if (text_eq_z(json_get_text(o, "enc"), encryptions[i]) && text_eq_z(json_get_text(o, "alg"), "dir")) {
            h->alg = ESPRIM_A128GCM + (unsigned)i;
        }
    }
    h->has_oro = json_object_get(o, "oro") != NULL;
    h->has_rro = json_object_get(o, "rro") != NULL;
    if (h->has_oro) {
        TRY(rand_of(json_object_get(o, "oro"), true, now, &h->oro));
    }
    return h->has_rro ? rand_of(json_object_get(o, "rro"), false, now, &h->rro) : ERR_OK;
}

static void parsed_wipe(struct jose_object *o)
{
    jose_wipe(o);
}

static struct text piece(struct text *rest)
{
    struct text t = text_take(*rest, text_find(*rest, '.'));
    *rest = text_skip(*rest, t.n + 1);
    return t;
}

err_t esprim_object_parse(struct text jwe, usec_t now, struct esprim_object *out)
{
    SCOPED(parsed_wipe) struct jose_object o = {0};
    *out = (struct esprim_object){0};
    if (jwe.n > ESPRIM_OBJECT_MAX || jose_parse(text_bytes(jwe), &o) != ERR_OK || o.form != JOSE_COMPACT ||
        o.kind != JOSE_JWE || o.part[0].value.n != 0 || o.part[0].forbidden != NULL) {
        return ERR_OBJECT_MALFORMED;
    }
    out->protected = piece(&jwe);
    (void)piece(&jwe);
    out->iv = piece(&jwe);
    out->ciphertext = piece(&jwe);
    out->tag = piece(&jwe);
    return header_of(o.header[0], now, &out->h);
}

void esprim_header_write(const struct esprim_header *h, struct writer *out)
{
    writer_z(out, "{\"alg\":\"dir\",\"enc\":\"");
    writer_z(out, encryptions[(h->alg - ESPRIM_A128GCM) % ARRAY_LEN(encryptions)]);
    writer_z(out, "\",\"kid\":");
    json_text_write(out, text_of(h->kid));
    writer_z(out, ",\"cty\":\"application/json\",\"ori\":");
    json_text_write(out, text_of(h->ori));
    writer_z(out, ",\"rri\":");
    json_text_write(out, text_of(h->rri));
    if (h->has_oro) {
        writer_z(out, ",\"oro\":");
        esprim_rand_write(&h->oro, out);
    }
    if (h->has_rro) {
        writer_z(out, ",\"rro\":");
        esprim_rand_write(&h->rro, out);
    }
    writer_z(out, "}");
}

/* -- the inner primitive ------------------------------------------------------------------------------------- */

err_t esprim_inner_parse(struct bytes json, struct esprim_inner *out)
{
    *out = (struct esprim_inner){0};
    SCOPED(json_scope) json_t *o = NULL;
    if (json_parse(json, &o) != ERR_OK || json_object_size(o) != 1) {
        return ERR_ESPRIM_DECRYPT;
    }
    const json_t *request = json_object_get(o, "m2m:rqp");
    const json_t *primitive = request != NULL ? request : json_object_get(o, "m2m:rsp");
    out->is_response = request == NULL;
    struct text rqi = json_get_text(primitive, "rqi");
    struct text from = json_get_text(primitive, "fr");
    if (!json_is_object(primitive) || rqi.n == 0 || TEXT_COPY(rqi, out->rqi) != ERR_OK ||
        (from.n == 0 && !out->is_response) || TEXT_COPY(from, out->from) != ERR_OK) {
        return ERR_ESPRIM_DECRYPT;
    }
    return ERR_OK;
}

/* -- securityInfo -------------------------------------------------------------------------------------------- */

static const struct {
    unsigned type;
    const char *member; /* NULL: the type stands alone */
} seci_rows[] = {
    {ESPRIM_SECI_RAND_REQUEST, NULL},
    {ESPRIM_SECI_RAND, "ero"},
    {ESPRIM_SECI_OBJECT, "epo"},
    {ESPRIM_SECI_ESCERTKE, "eckm"},
};

static err_t seci_value(const json_t *o, size_t row, struct writer *value)
{
    const char *member = seci_rows[row].member;
    if (json_object_size(o) != (member == NULL ? 1U : 2U)) {
        return ERR_OBJECT_MALFORMED;
    }
    const json_t *v = member == NULL ? NULL : json_object_get(o, member);
    if (member == NULL) {
        return ERR_OK;
    }
    struct text t = json_get_text(o, member);
    if (seci_rows[row].type == ESPRIM_SECI_RAND) {
        return json_is_object(v) && json_write(v, value) == ERR_OK ? ERR_OK : ERR_OBJECT_MALFORMED;
    }
    if (!json_is_string(v) || t.n == 0) {
        return ERR_OBJECT_MALFORMED;
    }
    if (seci_rows[row].type == ESPRIM_SECI_ESCERTKE) {
        return base64_parse(t, value) == ERR_OK ? writer_finish(value) : ERR_OBJECT_MALFORMED;
    }
    writer_text(value, t);
    return writer_finish(value);
}

err_t esprim_seci_parse(struct bytes json, unsigned *type, struct writer *value)
{
    SCOPED(json_scope) json_t *root = NULL;
    *type = 0;
    return json_parse(json, &root) == ERR_OK ? esprim_seci_read(root, type, value) : ERR_OBJECT_MALFORMED;
}

err_t esprim_seci_read(const json_t *content, unsigned *type, struct writer *value)
{
    *type = 0;
    if (json_object_size(content) != 1) {
        return ERR_OBJECT_MALFORMED;
    }
    const json_t *o = json_object_get(content, "m2m:seci");
    const json_t *sit = json_object_get(o, "sit");
    for (size_t i = 0; i < ARRAY_LEN(seci_rows); i++) {
        if (json_is_integer(sit) && json_integer_value(sit) == seci_rows[i].type) {
            *type = seci_rows[i].type;
            return seci_value(o, i, value);
        }
    }
    return ERR_OBJECT_MALFORMED;
}

err_t esprim_seci_write(unsigned type, struct bytes value, struct writer *out)
{
    for (size_t i = 0; i < ARRAY_LEN(seci_rows); i++) {
        if (seci_rows[i].type != type) {
            continue;
        }
        writer_z(out, "{\"m2m:seci\":{\"sit\":");
        writer_decimal(out, type);
        if (seci_rows[i].member != NULL) {
            writer_z(out, ",\"");
            writer_z(out, seci_rows[i].member);
            writer_z(out, "\":");
        }
        if (type == ESPRIM_SECI_RAND) {
            writer_bytes(out, value);
        } else if (type == ESPRIM_SECI_OBJECT) {
            json_text_write(out, text_span((const char *)value.p, value.n));
        } else if (type == ESPRIM_SECI_ESCERTKE) {
            writer_z(out, "\"");
            base64_write(out, value);
            writer_z(out, "\"");
        }
        writer_z(out, "}}");
        return writer_finish(out);
    }
    return ERR_BUG;
}
