/*
 * Device certificates: the otherName of an OID-based M2M Device ID [TS-0003 10.1.1.4, TS-0001 H.2]. type-id is the M2M
 * Device Indication ID (higher arc; its length is the authority's choice), the value is the rest: manufacturer, model,
 * serial and perhaps expanded ID. How the rest is encoded is not said: RELATIVE-OID is what ASN.1 has for it and what we
 * issue; the same arcs as UTF8String text are read too, because tools that cannot write RELATIVE-OID can write that.
 */
#include "shell/x509.h"

#include "base/reader.h"

#include <openssl/asn1.h>
#include <string.h>

#define TAG_RELATIVE_OID 13
#define ARCS_MIN 3
#define ARCS_MAX 4

/* Base 128, high bit set on all octets of an arc but the last, no leading zeros (X.690 8.20). */
static err_t relative_parse(struct bytes in, struct writer *out)
{
    struct reader r = reader_of(in);
    size_t arcs = 0;
    while (reader_left(&r) > 0) {
        uint64_t v = 0;
        uint8_t b = 0x80;
        for (bool first = true; (b & 0x80) != 0; first = false) {
            b = reader_u8(&r);
            if (reader_failed(&r) || (first && b == 0x80) || v > UINT64_MAX >> 7) {
                return ERR_DENIED_CERT_NAME;
            }
            v = v << 7 | (b & 0x7FU);
        }
        writer_z(out, ".");
        writer_decimal(out, v);
        arcs++;
    }
    return arcs >= ARCS_MIN && arcs <= ARCS_MAX ? ERR_OK : ERR_NOT_FOUND;
}

/* "100.3030.10011": the same arcs as text. */
static err_t text_arcs(struct text in, uint64_t v[static ARCS_MAX], size_t *n)
{
    struct text part;
    *n = 0;
    while (text_next(&in, '.', &part)) {
        if (*n == ARCS_MAX || text_u64(part, UINT64_MAX, &v[*n]) != ERR_OK) {
            return ERR_NOT_FOUND;
        }
        (*n)++;
    }
    return *n >= ARCS_MIN ? ERR_OK : ERR_NOT_FOUND;
}

static err_t text_parse(struct text in, struct writer *out)
{
    uint64_t v[ARCS_MAX];
    size_t n = 0;
    TRY(text_arcs(in, v, &n));
    for (size_t i = 0; i < n; i++) {
        writer_z(out, ".");
        writer_decimal(out, v[i]);
    }
    return ERR_OK;
}

err_t x509_device_parse(const OTHERNAME *name, struct writer *out)
{
    char arc[X509_DEVICE_MAX];
    int n = OBJ_obj2txt(arc, sizeof(arc), name->type_id, 1);
    if (n <= 0 || (size_t)n >= sizeof(arc) || name->value == NULL) {
        return ERR_NOT_FOUND;
    }
    writer_z(out, arc);
    const ASN1_STRING *s = name->value->value.asn1_string;
    err_t e = ERR_NOT_FOUND;
    if (name->value->type == TAG_RELATIVE_OID) {
        e = relative_parse(bytes_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)), out);
    } else if (name->value->type == V_ASN1_UTF8STRING) {
        e = text_parse(text_span((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)), out);
    }
    TRY(e);
    return writer_finish(out) == ERR_OK ? ERR_OK : ERR_DENIED_CERT_NAME;
}

/* -- making one ------------------------------------------------------------------------------------------ */
static void arc_write(struct writer *w, uint64_t v)
{
    unsigned septets = 1;
    while (septets < 10 && v >> (7 * septets) != 0) {
        septets++;
    }
    for (unsigned i = septets; i-- > 0;) {
        writer_u8(w, (uint8_t)((v >> (7 * i) & 0x7F) | (i > 0 ? 0x80U : 0U)));
    }
}

/* Where the rest begins: after the arc that was given, else before the last three. */
static err_t split(struct text id, struct text arc, size_t *at)
{
    if (arc.n > 0) {
        *at = arc.n;
        return id.n > arc.n && text_eq(text_take(id, arc.n), arc) && id.p[arc.n] == '.' ? ERR_OK : ERR_MALFORMED_ID;
    }
    *at = id.n;
    for (int i = 0; i < ARCS_MIN; i++) {
        *at = text_find_last(text_take(id, *at), '.');
    }
    return *at < id.n && *at > 0 ? ERR_OK : ERR_MALFORMED_ID;
}

static err_t other_name(const char *arc, struct bytes value, GENERAL_NAME **out)
{
    ASN1_OBJECT *type = OBJ_txt2obj(arc, 1);
    ASN1_STRING *s = ASN1_STRING_type_new(TAG_RELATIVE_OID);
    ASN1_TYPE *any = ASN1_TYPE_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    bool ok = type != NULL && s != NULL && any != NULL && name != NULL &&
              ASN1_STRING_set(s, value.p, (int)value.n) == 1;
    if (ok) {
        ASN1_TYPE_set(any, TAG_RELATIVE_OID, s);
        s = NULL;
        ok = GENERAL_NAME_set0_othername(name, type, any) == 1;
    }
    if (ok) {
        *out = name;
        return ERR_OK;
    }
    ASN1_OBJECT_free(type);
    ASN1_STRING_free(s);
    ASN1_TYPE_free(any);
    GENERAL_NAME_free(name);
    ERR_clear_error();
    return ERR_MALFORMED_ID;
}

err_t x509_device_make(struct text id, struct text arc, GENERAL_NAME **out)
{
    *out = NULL;
    char head[X509_DEVICE_MAX];
    uint8_t rest[ARCS_MAX * 10];
    struct writer w = WRITER_ARRAY(rest);
    uint64_t v[ARCS_MAX];
    size_t n = 0;
    size_t at = 0;
    TRY(split(id, arc, &at));
    if (TEXT_COPY(text_take(id, at), head) != ERR_OK || text_arcs(text_skip(id, at + 1), v, &n) != ERR_OK ||
        id.n >= X509_DEVICE_MAX) {
        return ERR_MALFORMED_ID;
    }
    for (size_t i = 0; i < n; i++) {
        arc_write(&w, v[i]);
    }
    TRY(writer_finish(&w));
    return other_name(head, writer_view(&w), out);
}
