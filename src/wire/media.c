#include "wire/media.h"

static const struct row {
    const char *type;
    enum media media;
    uint16_t format; /* of CoAP; 0: none, such routes are for HTTP */
} types[] = {
    {"application/json", MEDIA_JSON, 50},
    {"application/vnd.onem2m-res+json", MEDIA_JSON, 10001},
    {"application/cbor", MEDIA_CBOR, 60},
    {"application/vnd.onem2m-res+cbor", MEDIA_CBOR, 10010},
    {"application/pkcs10", MEDIA_PKCS10, 0},
    {"application/pkcs7-mime", MEDIA_CERTS, 0},
    {"application/csrattrs", MEDIA_CSR_ATTRS, 0},
    {"application/vnd.3gpp.bsf+xml", MEDIA_BSF_INFO, 0},
    {"text/xml", MEDIA_SOAP, 0}, /* of SOAP 1.1 */
};

static const char *const names[MEDIA_N] = {
    [MEDIA_JSON] = "application/json",
    [MEDIA_CBOR] = "application/cbor",
    [MEDIA_PKCS10] = "application/pkcs10",
    [MEDIA_CERTS] = "application/pkcs7-mime; smime-type=certs-only",
    [MEDIA_CSR_ATTRS] = "application/csrattrs",
    [MEDIA_BSF_INFO] = "application/vnd.3gpp.bsf+xml",
    [MEDIA_SOAP] = "text/xml; charset=utf-8",
};

err_t media_parse(struct text type, enum media *out)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (text_eq_nocase(type, text_of(types[i].type))) {
            *out = types[i].media;
            return ERR_OK;
        }
    }
    return ERR_MEDIA_TYPE;
}

const char *media_name(enum media m)
{
    return names[(unsigned)m < MEDIA_N ? m : MEDIA_JSON];
}

bool media_is_base64(enum media m)
{
    return m == MEDIA_PKCS10 || m == MEDIA_CERTS || m == MEDIA_CSR_ATTRS;
}

bool media_is_content(enum media m)
{
    return m == MEDIA_JSON || m == MEDIA_CBOR;
}

/* -- Accept ------------------------------------------------------------------------------------------ */

enum { QUALITY_MAX = 1000 };

static struct text trim(struct text t)
{
    while (t.n > 0 && (t.p[0] == ' ' || t.p[0] == '\t')) {
        t = text_skip(t, 1);
    }
    while (t.n > 0 && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t')) {
        t = text_take(t, t.n - 1);
    }
    return t;
}

/* "0.5" in thousandths; what is no weight is no wish. */
static unsigned quality(struct text t)
{
    unsigned q = 0;
    unsigned unit = QUALITY_MAX;
    for (size_t i = 0; i < t.n && i < sizeof("1.000") - 1; i++) {
        bool dot = i == 1 && t.p[i] == '.';
        if (!dot && (t.p[i] < '0' || t.p[i] > '9')) {
            return 0;
        }
        q += dot ? 0 : (unsigned)(t.p[i] - '0') * unit;
        unit /= dot ? 1 : 10;
    }
    return q > QUALITY_MAX ? 0 : q;
}

static unsigned weight(struct text parameters)
{
    struct text part;
    while (text_next(&parameters, ';', &part)) {
        struct text p = trim(part);
        if (text_eq_nocase(text_take(p, 2), text_of("q="))) {
            return quality(text_skip(p, 2));
        }
    }
    return QUALITY_MAX;
}

enum media media_accept(struct text accept, enum media otherwise)
{
    unsigned best[MEDIA_N] = {0};
    struct text part;
    while (text_next(&accept, ',', &part)) {
        size_t end = text_find(part, ';');
        enum media m = MEDIA_N;
        if (media_parse(trim(text_take(part, end)), &m) == ERR_OK && weight(text_skip(part, end + 1)) > best[m]) {
            best[m] = weight(text_skip(part, end + 1));
        }
    }
    if (best[MEDIA_CBOR] == best[MEDIA_JSON]) {
        return media_is_content(otherwise) ? otherwise : MEDIA_JSON;
    }
    return best[MEDIA_CBOR] > best[MEDIA_JSON] ? MEDIA_CBOR : MEDIA_JSON;
}

/* -- CoAP ---------------------------------------------------------------------------------------------- */

err_t media_of_format(uint32_t format, enum media *out)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].format != 0 && types[i].format == format) {
            *out = types[i].media;
            return ERR_OK;
        }
    }
    return ERR_MEDIA_TYPE;
}

/* A media has two rows: the general number, then oneM2M's own. */
static uint32_t format_of(enum media m, bool own)
{
    uint32_t format = 0;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].media == m && (own || format == 0)) {
            format = types[i].format;
        }
    }
    return format;
}

uint32_t media_request_format(enum media m)
{
    return format_of(m, true);
}

uint32_t media_answer_format(enum media m)
{
    return format_of(m, false);
}
