#include "wire/jose.h"

#include "base/base64.h"
#include "base/base64url.h"
#include "base/ct.h"

#include <string.h>

static const char *const jwe_members[] = {"protected", "encrypted_key", "iv", "ciphertext", "tag"};
static const char *const jws_members[] = {"protected", "payload", "signature"};
/* Would change what the rest means, or would let the object bring its own key: never accepted. */
static const char *const forbidden[] = {"crit", "zip", "b64", "jku", "jwk", "x5u"};

void jose_wipe(struct jose_object *o)
{
    for (size_t i = 0; i < o->parts; i++) {
        json_decref(o->header[i]);
    }
    json_decref(o->root);
    *o = (struct jose_object){0};
}

/* -- from text to one JSON object ---------------------------------------------------------------------------- */

static err_t from_compact(struct text t, json_t **root)
{
    struct text part[6];
    size_t n = 0;
    size_t dots = 0;
    for (size_t i = 0; i < t.n; i++) {
        dots += t.p[i] == '.';
    }
    if (dots != ARRAY_LEN(jwe_members) - 1 && dots != ARRAY_LEN(jws_members) - 1) {
        return ERR_OBJECT_MALFORMED;
    }
    for (struct text rest = t; n <= dots; n++) {
        size_t at = text_find(rest, '.');
        part[n] = text_take(rest, at);
        rest = text_skip(rest, at + 1);
    }
    const char *const *names = n == ARRAY_LEN(jwe_members) ? jwe_members : jws_members;
    SCOPED(json_scope) json_t *o = json_object();
    for (size_t i = 0; i < n; i++) {
        bool absent = part[i].n == 0 && strcmp(names[i], "encrypted_key") == 0;
        if (!absent && !json_set_text(o, names[i], part[i])) {
            return ERR_OBJECT_MALFORMED;
        }
    }
    *root = json_incref(o);
    return ERR_OK;
}

static err_t from_json(struct bytes in, json_t **root)
{
    return json_parse(in, root) == ERR_OK ? ERR_OK : ERR_OBJECT_MALFORMED;
}

static err_t from_base64(struct text in, json_t **root)
{
    char plain[JOSE_OBJECT_MAX];
    struct writer w = WRITER_ARRAY(plain);
    return base64_parse(in, &w) == ERR_OK ? from_json(writer_view(&w), root) : ERR_OBJECT_MALFORMED;
}

static err_t to_root(struct text t, struct jose_object *out)
{
    if (t.n > 0 && t.p[0] == '{') {
        out->form = JOSE_JSON;
        return from_json(text_bytes(t), &out->root);
    }
    bool dotted = text_find(t, '.') < t.n;
    out->form = dotted ? JOSE_COMPACT : JOSE_JSON_BASE64;
    return dotted ? from_compact(t, &out->root) : from_base64(t, &out->root);
}

/* -- headers ------------------------------------------------------------------------------------------------- */

static err_t protected_parse(const json_t *holder, json_t **out)
{
    const json_t *v = json_object_get(holder, "protected");
    *out = NULL;
    if (v == NULL) {
        return ERR_OK;
    }
    char text[JOSE_HEADER_MAX];
    struct writer w = WRITER_ARRAY(text);
    struct text t = json_get_text(holder, "protected");
    if (!json_is_string(v) || t.n == 0 || base64url_parse(t, &w) != ERR_OK) {
        return ERR_OBJECT_MALFORMED;
    }
    return from_json(writer_view(&w), out);
}

/* RFC 7516 4: the headers must not have a parameter in common. */
static err_t merge(json_t *into, const json_t *from)
{
    const char *name;
    json_t *value;
    if (from == NULL) {
        return ERR_OK;
    }
    if (!json_is_object(from)) {
        return ERR_OBJECT_MALFORMED;
    }
    json_object_foreach((json_t *)(uintptr_t)from, name, value)
    {
        if (json_object_get(into, name) != NULL || json_object_set(into, name, value) != 0) {
            return ERR_OBJECT_MALFORMED;
        }
    }
    return ERR_OK;
}

static err_t text_member(const json_t *header, const char *name, struct text *out)
{
    const json_t *v = json_object_get(header, name);
    *out = json_get_text(header, name);
    return v == NULL || (json_is_string(v) && out->n > 0) ? ERR_OK : ERR_OBJECT_MALFORMED;
}

static err_t fill(const json_t *protected, const json_t *header, struct jose_part *out)
{
    TRY(text_member(header, "alg", &out->alg));
    TRY(text_member(header, "enc", &out->enc));
    TRY(text_member(header, "kid", &out->kid));
    TRY(text_member(header, "cty", &out->cty));
    out->alg_protected = json_object_get(protected, "alg") != NULL;
    out->enc_protected = json_object_get(protected, "enc") != NULL;
    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
        if (json_object_get(header, forbidden[i]) != NULL) {
            out->forbidden = forbidden[i];
        }
    }
    return ERR_OK;
}

/* One recipient or signature. `shared` holds what a JWE has once for all: the protected and the unprotected header. */
static err_t part_parse(const json_t *shared, const json_t *own, struct jose_object *out)
{
    bool is_jwe = out->kind == JOSE_JWE;
    const char *name = is_jwe ? "encrypted_key" : "signature";
    if (!json_is_object(own) || out->parts == JOSE_PARTS_MAX) {
        return ERR_OBJECT_MALFORMED;
    }
    SCOPED(json_scope) json_t *protected = NULL;
    TRY(protected_parse(is_jwe ? shared : own, &protected));
    json_t *header = json_object();
    struct jose_part *part = &out->part[out->parts];
    out->header[out->parts++] = header;
    TRY(merge(header, protected));
    TRY(merge(header, is_jwe ? json_object_get(shared, "unprotected") : NULL));
    TRY(merge(header, json_object_get(own, "header")));
    TRY(fill(protected, header, part));
    const json_t *value = json_object_get(own, name);
    part->value = json_get_text(own, name);
    bool is_absent = value == NULL && is_jwe;
    return is_absent || json_is_string(value) ? ERR_OK : ERR_OBJECT_MALFORMED;
}

static err_t base64url_check(const json_t *holder, const char *name, bool must)
{
    const json_t *v = json_object_get(holder, name);
    if (v == NULL) {
        return must ? ERR_OBJECT_MALFORMED : ERR_OK;
    }
    char plain[JOSE_OBJECT_MAX];
    struct writer w = WRITER_ARRAY(plain);
    err_t e = json_is_string(v) ? base64url_parse(json_get_text(holder, name), &w) : ERR_OBJECT_MALFORMED;
    ct_wipe(plain, w.n);
    return e == ERR_OK ? writer_finish(&w) : ERR_OBJECT_MALFORMED;
}

static err_t body_check(const struct jose_object *o)
{
    if (o->kind == JOSE_JWS) {
        return base64url_check(o->root, "payload", true);
    }
    TRY(base64url_check(o->root, "iv", true));
    TRY(base64url_check(o->root, "tag", true));
    TRY(base64url_check(o->root, "aad", false));
    return base64url_check(o->root, "ciphertext", true);
}

static err_t parts_parse(struct jose_object *out)
{
    bool is_jwe = json_object_get(out->root, "ciphertext") != NULL;
    if (is_jwe == (json_object_get(out->root, "payload") != NULL)) {
        return ERR_OBJECT_MALFORMED; /* both or neither */
    }
    out->kind = is_jwe ? JOSE_JWE : JOSE_JWS;
    TRY(body_check(out));
    const json_t *list = json_object_get(out->root, is_jwe ? "recipients" : "signatures");
    if (list == NULL) {
        return part_parse(out->root, out->root, out);
    }
    bool flat = json_object_get(out->root, is_jwe ? "encrypted_key" : "signature") != NULL ||
                json_object_get(out->root, "header") != NULL;
    if (flat || !json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > JOSE_PARTS_MAX) {
        return ERR_OBJECT_MALFORMED;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        TRY(part_parse(out->root, json_array_get(list, i), out));
    }
    return ERR_OK;
}

err_t jose_parse(struct bytes in, struct jose_object *out)
{
    *out = (struct jose_object){0};
    if (in.n > JOSE_OBJECT_MAX) {
        return ERR_LIMIT_SIZE;
    }
    err_t e = to_root(text_span((const char *)in.p, in.n), out);
    if (e == ERR_OK) {
        e = parts_parse(out);
    }
    if (e != ERR_OK) {
        jose_wipe(out);
    }
    return e;
}

/* -- and back ------------------------------------------------------------------------------------------------ */

static err_t write_compact(const json_t *root, struct writer *out)
{
    bool is_jwe = json_object_get(root, "ciphertext") != NULL;
    static const char *const others[] = {"unprotected", "header", "aad", "recipients", "signatures"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (json_object_get(root, others[i]) != NULL) {
            return ERR_OBJECT_MALFORMED;
        }
    }
    const char *const *names = is_jwe ? jwe_members : jws_members;
    size_t n = is_jwe ? ARRAY_LEN(jwe_members) : ARRAY_LEN(jws_members);
    for (size_t i = 0; i < n; i++) {
        writer_z(out, i == 0 ? "" : ".");
        writer_text(out, json_get_text(root, names[i]));
    }
    return writer_finish(out);
}

err_t jose_write(const json_t *root, enum jose_form form, struct writer *out)
{
    if (form == JOSE_COMPACT) {
        return write_compact(root, out);
    }
    if (form == JOSE_JSON) {
        return json_write(root, out);
    }
    char plain[JOSE_OBJECT_MAX];
    struct writer w = WRITER_ARRAY(plain);
    TRY(json_write(root, &w));
    base64_write(out, writer_view(&w));
    return writer_finish(out);
}
