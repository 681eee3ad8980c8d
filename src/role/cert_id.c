#include "role/cert_id.h"

#include "base/base64.h"
#include "wire/m2mid.h"

#include <string.h>

#define NODE_URN "urn:m2m:node:" /* CHOICE-38 */

static const char *const flavours[CERT_ID_FLAVOURS] = {
    [CERT_ID_RAW] = "raw",     [CERT_ID_DEVICE] = "device",   [CERT_ID_CSE] = "cse-id",
    [CERT_ID_AE] = "ae-id",    [CERT_ID_NODE] = "node-id",    [CERT_ID_FQDN] = "fqdn",
};

const char *cert_id_name(enum cert_id_flavour f)
{
    return flavours[f];
}

err_t cert_id_of_name(struct text name, enum cert_id_flavour *out)
{
    for (size_t i = 0; i < ARRAY_LEN(flavours); i++) {
        if (text_eq_z(name, flavours[i])) {
            *out = (enum cert_id_flavour)i;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

/* -- public key identifiers [10.1.2, RFC 6920 2] --------------------------------------------------------- */
static const struct {
    const char *prefix;
    size_t octets;
} algorithms[] = {{"sha-256;", 32}, {"sha-256-128;", 16}, {"sha-256-120;", 15}};

void cert_id_key_write(struct writer *w, const uint8_t digest[CRYPTO_HASH_LEN], unsigned bits)
{
    char padded[BASE64_LEN(CRYPTO_HASH_LEN)];
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (algorithms[i].octets * 8 != bits) {
            continue;
        }
        struct writer b = WRITER_ARRAY(padded);
        base64_write(&b, bytes_of(digest, algorithms[i].octets));
        writer_z(w, algorithms[i].prefix);
        for (size_t k = 0; k < b.n && padded[k] != '='; k++) {
            char c = padded[k];
            writer_u8(w, (uint8_t)(c == '+' ? '-' : c == '/' ? '_' : c));
        }
    }
}

/* The digest that an identifier holds, of the length that its algorithm says. */
static err_t key_parse(struct text t, uint8_t digest[CRYPTO_HASH_LEN], size_t *n)
{
    t = text_starts(t, "ni:///") ? text_skip(t, sizeof("ni:///") - 1) : t;
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (!text_starts(t, algorithms[i].prefix)) {
            continue;
        }
        struct text value = text_skip(t, strlen(algorithms[i].prefix));
        char padded[BASE64_LEN(CRYPTO_HASH_LEN) + 4];
        struct writer w = WRITER_ARRAY(padded);
        for (size_t k = 0; k < value.n; k++) {
            char c = value.p[k];
            if (c == '+' || c == '/' || c == '=') {
                return ERR_MALFORMED_KEY_ID; /* the URL alphabet, without padding */
            }
            writer_u8(&w, (uint8_t)(c == '-' ? '+' : c == '_' ? '/' : c));
        }
        while (w.n % 4 != 0 && !w.overflow) {
            writer_z(&w, "=");
        }
        struct writer out = writer_of(digest, CRYPTO_HASH_LEN);
        *n = algorithms[i].octets;
        bool ok = writer_finish(&w) == ERR_OK && base64_parse(writer_view_text(&w), &out) == ERR_OK && out.n == *n;
        return ok ? ERR_OK : ERR_MALFORMED_KEY_ID;
    }
    return ERR_MALFORMED_KEY_ID;
}

err_t cert_id_key_check(struct text trusted)
{
    uint8_t digest[CRYPTO_HASH_LEN];
    size_t n = 0;
    return key_parse(trusted, digest, &n);
}

/* The algorithm of the trusted identifier decides how much is compared (5.3). */
bool cert_id_key_same(struct text trusted, struct text key_id)
{
    uint8_t want[CRYPTO_HASH_LEN];
    uint8_t have[CRYPTO_HASH_LEN];
    size_t want_n = 0;
    size_t have_n = 0;
    return key_parse(trusted, want, &want_n) == ERR_OK && key_parse(key_id, have, &have_n) == ERR_OK &&
           have_n == CRYPTO_HASH_LEN && memcmp(want, have, want_n) == 0;
}

/* -- names ------------------------------------------------------------------------------------------------- */
static bool has_dns(const struct role_cert *cert, struct text fqdn)
{
    for (size_t i = 0; fqdn.n > 0 && i < cert->dns_n; i++) {
        if (keyid_is_fqdn(cert->dns[i]) && text_eq_nocase(cert->dns[i], fqdn)) { /* "*.x" is no host name: no wildcard */
            return true;
        }
    }
    return false;
}

/* What stands between "scheme://" and the path; one with user information names nobody. */
static struct text host_of(struct text after_slashes)
{
    struct text host = text_take(after_slashes, text_find(after_slashes, '/'));
    host = text_take(host, text_find(host, '?'));
    host = text_take(host, text_find(host, '#'));
    return text_find(host, '@') != host.n ? text_empty() : text_take(host, text_find(host, ':'));
}

err_t cert_id_of_uri(struct text uri, enum cert_id_flavour *f, struct text *id)
{
    bool m2m = text_starts(uri, "m2m:");
    struct text rest = m2m ? text_skip(uri, sizeof("m2m:") - 1) : uri;
    if (m2m || text_starts(uri, "//")) { /* CHOICE-39; never the host of its SP domain */
        *f = CERT_ID_AE;
        *id = rest;
        return text_starts(rest, "//") && m2mid_is_ae(m2mid_kind(rest)) ? ERR_OK : ERR_NOT_FOUND;
    }
    if (text_starts(uri, NODE_URN)) {
        *f = CERT_ID_NODE;
        *id = text_skip(uri, sizeof(NODE_URN) - 1);
        return id->n > 0 ? ERR_OK : ERR_NOT_FOUND;
    }
    rest = text_skip(uri, text_find(uri, ':') + 1);
    *f = CERT_ID_FQDN;
    *id = text_starts(rest, "//") ? host_of(text_skip(rest, 2)) : uri; /* a bare FQDN in a URI is accepted (table 5.4) */
    return keyid_is_fqdn(*id) ? ERR_OK : ERR_NOT_FOUND;
}

static bool has_uri(const struct role_cert *cert, enum cert_id_flavour f, struct text want)
{
    for (size_t i = 0; i < cert->uri_n; i++) {
        enum cert_id_flavour found;
        struct text id;
        if (cert_id_of_uri(cert->uri[i], &found, &id) == ERR_OK && found == f && text_eq(id, want)) {
            return true;
        }
    }
    return false;
}

static bool is_device(const struct role_cert *cert, struct text id)
{
    for (size_t i = 0; i < cert->device_n; i++) {
        if (text_eq(cert->device[i], id)) {
            return true;
        }
    }
    return false;
}

static bool is_cse(const struct role_cert *cert, struct text id)
{
    struct m2mid fqdn;
    return m2mid_fqdn(id, &fqdn) == ERR_OK && !m2mid_is_ae(m2mid_kind(id)) && has_dns(cert, text_of(fqdn.z));
}

static bool is_named(const struct role_cert *cert, enum cert_id_flavour f, struct text id)
{
    switch (f) {
    case CERT_ID_RAW:
        return cert_id_key_same(id, cert->key_id);
    case CERT_ID_DEVICE:
        return is_device(cert, id);
    case CERT_ID_CSE:
        return is_cse(cert, id);
    case CERT_ID_AE:
        return has_uri(cert, CERT_ID_AE, id);
    case CERT_ID_NODE:
        return has_uri(cert, CERT_ID_NODE, id) || has_dns(cert, id);
    case CERT_ID_FQDN:
        return has_dns(cert, id) || has_uri(cert, CERT_ID_FQDN, id);
    case CERT_ID_FLAVOURS:
        break;
    }
    return false;
}

err_t cert_id_check(const struct role_cert *cert, enum cert_id_flavour f, struct text id)
{
    bool named = id.n > 0 && is_named(cert, f, id) && (!cert->raw || f == CERT_ID_RAW);
    return named ? ERR_OK : ERR_DENIED_CERT_NAME;
}

/* -- what to put into a certificate ------------------------------------------------------------------------ */
static err_t fqdn_write(struct text id, struct writer *out)
{
    if (!keyid_is_fqdn(id)) {
        return ERR_MALFORMED_ID;
    }
    writer_text(out, id);
    return ERR_OK;
}

static err_t cse_write(struct text id, struct writer *out)
{
    struct m2mid fqdn;
    if (m2mid_is_ae(m2mid_kind(id))) {
        return ERR_MALFORMED_ID;
    }
    TRY(m2mid_fqdn(id, &fqdn)); /* CHOICE-03 */
    return fqdn_write(text_of(fqdn.z), out);
}

static err_t ae_write(struct text id, struct writer *out)
{
    if (!text_starts(id, "//") || !m2mid_is_ae(m2mid_kind(id))) {
        return ERR_MALFORMED_ID;
    }
    writer_z(out, "m2m:");
    writer_text(out, id);
    return ERR_OK;
}

static err_t node_write(struct text id, struct writer *out, bool *is_dns)
{
    *is_dns = text_find(id, '.') != id.n && keyid_is_fqdn(id); /* CHOICE-38 */
    if (*is_dns) {
        return fqdn_write(id, out);
    }
    if (!m2mid_is_unreserved(id)) {
        return ERR_MALFORMED_ID;
    }
    writer_z(out, NODE_URN);
    writer_text(out, id);
    return ERR_OK;
}

err_t cert_id_write(enum cert_id_flavour f, struct text id, struct writer *out, bool *is_dns)
{
    *is_dns = f == CERT_ID_CSE || f == CERT_ID_FQDN;
    switch (f) {
    case CERT_ID_DEVICE:
        writer_text(out, id);
        return ERR_OK;
    case CERT_ID_CSE:
        return cse_write(id, out);
    case CERT_ID_AE:
        return ae_write(id, out);
    case CERT_ID_NODE:
        return node_write(id, out, is_dns);
    case CERT_ID_FQDN:
        return fqdn_write(id, out);
    case CERT_ID_RAW:
    case CERT_ID_FLAVOURS:
        break;
    }
    return ERR_MALFORMED_ID;
}
