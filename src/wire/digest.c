#include "wire/digest.h"

#include "base/hex.h"

#include <string.h>

#define SCHEME "Digest"
#define BIT(h) (1U << (h))
#define ALL (BIT(DIGEST_CHALLENGE) | BIT(DIGEST_AUTHORIZATION) | BIT(DIGEST_INFO))
#define C BIT(DIGEST_CHALLENGE)
#define A BIT(DIGEST_AUTHORIZATION)
#define I BIT(DIGEST_INFO)
#define NAME(z) {z, sizeof(z) - 1}

enum form { TEXT, HEX, COUNT };

/* Where a parameter may stand, where it must, and where it is written in quotes [RFC 7616 3.3, 3.4, 3.5]. */
static const struct row {
    struct text name;
    unsigned may, must, quoted;
    enum form form;
} rows[DIGEST_PARAMS] = {
    [DIGEST_USERNAME] = {NAME("username"), A, A, A, TEXT},
    [DIGEST_REALM] = {NAME("realm"), C | A, C | A, C | A, TEXT},
    [DIGEST_NONCE] = {NAME("nonce"), C | A, C | A, C | A, TEXT},
    [DIGEST_URI] = {NAME("uri"), A, A, A, TEXT},
    [DIGEST_RESPONSE] = {NAME("response"), A, A, A, HEX},
    [DIGEST_ALGORITHM] = {NAME("algorithm"), C | A, 0, 0, TEXT},
    [DIGEST_CNONCE] = {NAME("cnonce"), A | I, 0, A | I, TEXT},
    [DIGEST_OPAQUE] = {NAME("opaque"), C | A, 0, C | A, TEXT},
    [DIGEST_QOP] = {NAME("qop"), ALL, 0, C, TEXT},
    [DIGEST_NC] = {NAME("nc"), A | I, 0, 0, COUNT},
    [DIGEST_AUTS] = {NAME("auts"), A, 0, A, TEXT},
    [DIGEST_STALE] = {NAME("stale"), C, 0, 0, TEXT},
    [DIGEST_DOMAIN] = {NAME("domain"), C, 0, C, TEXT},
    [DIGEST_NEXTNONCE] = {NAME("nextnonce"), I, 0, I, TEXT},
    [DIGEST_RSPAUTH] = {NAME("rspauth"), I, 0, I, HEX},
};

/* What an octet may be [RFC 9110 5.6.2, 5.6.4]: t in a token and between quotes, q between quotes alone, e there behind a
 * backslash alone, a dot nowhere. */
static const char classes[256 + 1] =
    ".........q......" "................"
    "qtetttttqqttqttq" "ttttttttttqqqqqq" /* blank !"#$%&'()*+,-./ 0-9 :;<=>? */
    "qttttttttttttttt" "tttttttttttqeqtt" /* @ A-Z [\]^_ */
    "tttttttttttttttt" "tttttttttttqtqt." /* ` a-z {|}~ */
    "qqqqqqqqqqqqqqqq" "qqqqqqqqqqqqqqqq" "qqqqqqqqqqqqqqqq" "qqqqqqqqqqqqqqqq"
    "qqqqqqqqqqqqqqqq" "qqqqqqqqqqqqqqqq" "qqqqqqqqqqqqqqqq" "qqqqqqqqqqqqqqqq";

static char class_of(char c)
{
    return classes[(uint8_t)c];
}

static bool is_control(char c)
{
    return class_of(c) == '.';
}

static size_t token_n(struct text t)
{
    size_t n = 0;
    while (n < t.n && class_of(t.p[n]) == 't') {
        n++;
    }
    return n;
}

/* How many octets stand for themselves between quotes, from the first on. */
static size_t plain_n(struct text t)
{
    size_t n = 0;
    while (n < t.n && class_of(t.p[n]) >= 'q') {
        n++;
    }
    return n;
}

/* -- taking a header apart ------------------------------------------------------------------------------ */

/* The first n octets, which are there, off the front. */
static struct text take_n(struct text *rest, size_t n)
{
    const struct text front = {rest->p, n};
    rest->p += n;
    rest->n -= n;
    return front;
}

static void skip_space(struct text *rest)
{
    while (rest->n > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t')) {
        (void)take_n(rest, 1);
    }
}

static bool take(struct text *rest, char c)
{
    if (rest->n == 0 || rest->p[0] != c) {
        return false;
    }
    (void)take_n(rest, 1);
    return true;
}

static struct text take_token(struct text *rest)
{
    return take_n(rest, token_n(*rest));
}

/* quoted-string, after its first quote: the end of it, or rest.n. */
static size_t quoted_end(struct text rest, bool *escaped)
{
    *escaped = false;
    size_t i = plain_n(rest);
    while (i < rest.n && rest.p[i] == '\\') {
        *escaped = true;
        if (i + 1 == rest.n || is_control(rest.p[i + 1])) {
            return rest.n;
        }
        i += 2;
        i += plain_n(text_skip(rest, i));
    }
    return i < rest.n && rest.p[i] == '"' ? i : rest.n;
}

static struct text unescape(struct text t, struct writer *scratch)
{
    const size_t from = scratch->n;
    for (size_t i = 0; i < t.n; i++) {
        i += t.p[i] == '\\' ? 1 : 0;
        writer_u8(scratch, (uint8_t)t.p[i]);
    }
    return text_skip(writer_view_text(scratch), from);
}

static err_t take_value(struct text *rest, struct writer *scratch, struct text *value)
{
    if (!take(rest, '"')) {
        *value = take_token(rest);
        return value->n > 0 ? ERR_OK : ERR_MALFORMED_DIGEST;
    }
    bool escaped;
    const size_t end = quoted_end(*rest, &escaped);
    if (end == rest->n) {
        return ERR_MALFORMED_DIGEST;
    }
    *value = take_n(rest, end);
    (void)take_n(rest, 1);
    if (escaped) {
        *value = unescape(*value, scratch);
    }
    return writer_finish(scratch);
}

static bool fits(enum form form, struct text t)
{
    switch (form) {
    case HEX: /* MD5 or SHA-256; empty in the first request of Ub [TS 24.109 A.3] */
        return t.n == 0 || ((t.n == 32 || t.n == 64) && hex_is_text(t));
    case COUNT:
        return t.n == 8 && hex_is_text(t);
    case TEXT:
        break;
    }
    return true;
}

static err_t keep(enum digest_header h, struct text name, struct text value, struct digest *out)
{
    for (size_t i = 0; i < DIGEST_PARAMS; i++) {
        if (name.n != rows[i].name.n || (rows[i].may & BIT(h)) == 0 || !text_eq_nocase(name, rows[i].name)) {
            continue;
        }
        if (out->given[i] || !fits(rows[i].form, value)) {
            return ERR_MALFORMED_DIGEST; /* twice: two readers might take different ones */
        }
        digest_set(out, (enum digest_param)i, value);
        break;
    }
    return ERR_OK;
}

static err_t take_param(enum digest_header h, struct text *rest, struct writer *scratch, struct digest *out)
{
    struct text value = text_empty();
    struct text name = take_token(rest);
    skip_space(rest);
    if (name.n == 0 || !take(rest, '=')) {
        return ERR_MALFORMED_DIGEST;
    }
    skip_space(rest);
    TRY(take_value(rest, scratch, &value));
    skip_space(rest);
    return keep(h, name, value, out);
}

static err_t check_complete(enum digest_header h, const struct digest *d)
{
    for (size_t i = 0; i < DIGEST_PARAMS; i++) {
        if ((rows[i].must & BIT(h)) != 0 && !d->given[i]) {
            return ERR_MALFORMED_DIGEST;
        }
    }
    /* qop brings nc and cnonce with it [RFC 7616 3.4]. */
    const bool counted = d->given[DIGEST_NC] && d->given[DIGEST_CNONCE];
    return h == DIGEST_AUTHORIZATION && d->given[DIGEST_QOP] && !counted ? ERR_MALFORMED_DIGEST : ERR_OK;
}

static err_t skip_scheme(enum digest_header h, struct text *rest)
{
    skip_space(rest);
    if (h == DIGEST_INFO) {
        return ERR_OK;
    }
    struct text scheme = take_token(rest);
    const bool spaced = rest->n > 0 && rest->p[0] == ' ';
    skip_space(rest);
    return text_eq_nocase(scheme, text_of(SCHEME)) && spaced ? ERR_OK : ERR_MALFORMED_DIGEST;
}

err_t digest_parse(enum digest_header h, struct text t, struct writer *scratch, struct digest *out)
{
    struct text rest = text_span(t.p, t.n); /* with an address, so that it can go on */
    *out = digest_blank();
    if (t.n > DIGEST_TEXT_MAX) {
        return ERR_LIMIT_SIZE;
    }
    TRY(skip_scheme(h, &rest));
    for (size_t n = 0;; n++) {
        if (n == DIGEST_PARAMS_MAX) {
            return ERR_LIMIT_SIZE;
        }
        TRY(take_param(h, &rest, scratch, out));
        if (rest.n == 0) {
            return check_complete(h, out);
        }
        if (!take(&rest, ',')) {
            return ERR_MALFORMED_DIGEST;
        }
        skip_space(&rest);
    }
}

/* -- putting one together ------------------------------------------------------------------------------- */

static err_t write_quoted(struct text value, struct writer *w)
{
    for (size_t n = plain_n(value); value.n > 0; n = plain_n(value)) {
        writer_text(w, text_take(value, n));
        value = text_skip(value, n);
        if (value.n > 0 && is_control(value.p[0])) {
            return ERR_MALFORMED_DIGEST;
        }
        if (value.n > 0) {
            writer_u8(w, '\\');
            writer_u8(w, (uint8_t)value.p[0]);
            value = text_skip(value, 1);
        }
    }
    writer_u8(w, '"');
    return ERR_OK;
}

static err_t write_param(const struct row *r, enum digest_header h, struct text value, struct writer *w)
{
    const bool quoted = (r->quoted & BIT(h)) != 0;
    if (!fits(r->form, value)) {
        return ERR_MALFORMED_DIGEST;
    }
    writer_text(w, r->name);
    writer_text(w, text_span("=\"", quoted ? 2 : 1));
    if (quoted) {
        return write_quoted(value, w);
    }
    writer_text(w, value);
    return value.n > 0 && token_n(value) == value.n ? ERR_OK : ERR_MALFORMED_DIGEST;
}

err_t digest_write(enum digest_header h, const struct digest *d, struct writer *w)
{
    static const struct text scheme = NAME(SCHEME " "), comma = NAME(", ");
    struct text between = h == DIGEST_INFO ? text_empty() : scheme;
    TRY(check_complete(h, d));
    for (size_t i = 0; i < DIGEST_PARAMS; i++) {
        if (!d->given[i] || (rows[i].may & BIT(h)) == 0) {
            continue;
        }
        writer_text(w, between);
        TRY(write_param(&rows[i], h, d->v[i], w));
        between = comma;
    }
    return writer_finish(w);
}

struct digest digest_blank(void)
{
    struct digest d = {.given = {false}};
    const struct text empty = text_empty();
    for (size_t i = 0; i < DIGEST_PARAMS; i++) {
        d.v[i] = empty;
    }
    return d;
}

void digest_set(struct digest *d, enum digest_param p, struct text value)
{
    d->v[p] = value;
    d->given[p] = true;
}

/* -- what the values mean ------------------------------------------------------------------------------- */

bool digest_offers(const struct digest *d, const char *qop)
{
    struct text rest = d->v[DIGEST_QOP], word;
    while (d->given[DIGEST_QOP] && text_next(&rest, ',', &word)) {
        if (text_eq_nocase(text_trim(word, " \t"), text_of(qop))) {
            return true;
        }
    }
    return false;
}

static const char *const algorithms[DIGEST_ALGORITHMS] = {"MD5", "SHA-256", "AKAv1-MD5", "AKAv2-MD5"};

err_t digest_algorithm(const struct digest *d, enum digest_algorithm *out)
{
    *out = DIGEST_MD5;
    for (unsigned i = 0; d->given[DIGEST_ALGORITHM] && i < DIGEST_ALGORITHMS; i++) {
        if (text_eq_nocase(d->v[DIGEST_ALGORITHM], text_of(algorithms[i]))) {
            *out = (enum digest_algorithm)i;
            return ERR_OK;
        }
    }
    return d->given[DIGEST_ALGORITHM] ? ERR_NOT_IMPLEMENTED : ERR_OK;
}

const char *digest_algorithm_name(enum digest_algorithm a)
{
    return (unsigned)a < DIGEST_ALGORITHMS ? algorithms[a] : "";
}
