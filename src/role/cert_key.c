#include "role/cert_key.h"

#include <string.h>

enum { PREFIX = 3 /* "33-" */ };

static const char *const numbers[] = {
    [CERT_ID_RAW] = "30-", [CERT_ID_DEVICE] = "31-", [CERT_ID_CSE] = "32-", [CERT_ID_AE] = "33-", [CERT_ID_NODE] = "34-",
};

uint8_t cert_key_type(enum cert_id_flavour f)
{
    return (uint8_t)(CERT_KEY_TYPE_MIN + (unsigned)f);
}

enum cert_id_flavour cert_key_flavour(uint8_t type)
{
    return (enum cert_id_flavour)(type - CERT_KEY_TYPE_MIN);
}

/* -- forms --------------------------------------------------------------------------------------------- */
static bool has_number(struct text t, enum cert_id_flavour *out)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (text_starts(t, numbers[i])) {
            *out = (enum cert_id_flavour)i;
            return true;
        }
    }
    return false;
}

/* Three arcs or more: shorter ones name standards bodies, not things. */
static bool is_oid(struct text t)
{
    size_t arcs = 0;
    struct text arc = text_empty();
    if (t.n == 0 || t.p[t.n - 1] == '.') {
        return false;
    }
    while (text_next(&t, '.', &arc)) {
        for (size_t i = 0; i < arc.n; i++) {
            if (arc.p[i] < '0' || arc.p[i] > '9') {
                return false;
            }
        }
        if (arc.n == 0 || (arc.n > 1 && arc.p[0] == '0')) { /* one number has one spelling */
            return false;
        }
        arcs++;
    }
    return arcs >= 3;
}

/* In any case, since a node that is a host name is kept in lower case. */
static bool is_raw(struct text t)
{
    struct text algorithm = text_of("sha-256");
    return text_eq_nocase(text_take(t, algorithm.n), algorithm) || text_starts(t, "ni:///");
}

/* Nothing that is or begins like another form. */
static bool is_node(struct text t)
{
    enum cert_id_flavour other;
    return m2mid_is_unreserved(t) && t.n < M2MID_MAX && !is_oid(t) && !has_number(t, &other) && !is_raw(t);
}

/* -- making one ------------------------------------------------------------------------------------------ */
static err_t make(enum cert_id_flavour f, struct text name, struct text shown, struct cert_key *out)
{
    out->flavour = f;
    struct writer w = WRITER_ARRAY(out->key.z);
    writer_z(&w, numbers[f]);
    writer_text(&w, shown);
    bool fits = writer_finish_z(&w) == ERR_OK && TEXT_COPY(name, out->name.z) == ERR_OK;
    return fits ? ERR_OK : ERR_MALFORMED_ID;
}

/* Host names are compared without case [CHOICE-41]: one spelling. */
static err_t make_host(enum cert_id_flavour f, struct text host, struct cert_key *out)
{
    struct keyid folded;
    TRY(keyid_fold(host, &folded));
    return make(f, text_of(folded.z), text_of(folded.z), out);
}

/* The digest stands behind ';' [CHOICE-36] or, in a Credential-ID, behind '.' [CHOICE-37]. */
static err_t of_raw(struct text t, struct cert_key *out)
{
    struct keyid name;
    t = text_starts(t, "ni:///") ? text_skip(t, strlen("ni:///")) : t;
    TRY(TEXT_COPY(t, name.z) == ERR_OK ? ERR_OK : ERR_MALFORMED_ID);
    size_t dot = text_find(t, '.');
    if (dot < t.n) {
        name.z[dot] = ';';
    }
    TRY(cert_id_key_check(text_of(name.z)) == ERR_OK ? ERR_OK : ERR_MALFORMED_ID);
    name.z[text_find(text_of(name.z), ';')] = '.';
    return make(CERT_ID_RAW, text_of(name.z), text_of(name.z), out);
}

static err_t of_device(struct text t, struct cert_key *out)
{
    return is_oid(t) ? make(CERT_ID_DEVICE, t, t, out) : ERR_MALFORMED_ID;
}

/* A dNSName carries the public domain name of the CSE [table 5.4, CHOICE-03]. */
static err_t of_cse(struct text t, struct cert_key *out)
{
    struct m2mid host;
    if (keyid_is_fqdn(t)) {
        return make_host(CERT_ID_CSE, t, out);
    }
    TRY(m2mid_kind(t) == M2MID_ABS_CSE ? m2mid_fqdn(t, &host) : ERR_MALFORMED_ID);
    return make(CERT_ID_CSE, t, text_of(host.z), out);
}

/* Octet by octet, but for the host in it. */
static err_t of_ae(struct text t, struct cert_key *out)
{
    struct m2mid folded;
    if (!text_starts(t, "//") || !m2mid_is_ae(m2mid_kind(t)) || TEXT_COPY(t, folded.z) != ERR_OK) {
        return ERR_MALFORMED_ID;
    }
    for (size_t i = 2; folded.z[i] != '\0' && folded.z[i] != '/'; i++) {
        folded.z[i] = text_lower(folded.z[i]);
    }
    return make(CERT_ID_AE, text_of(folded.z), text_of(folded.z), out);
}

static err_t of_node(struct text t, struct cert_key *out)
{
    enum cert_id_flavour f;
    struct text id;
    if (cert_id_of_uri(t, &f, &id) == ERR_OK && f == CERT_ID_NODE) {
        t = id;
    }
    if (!is_node(t)) {
        return ERR_MALFORMED_ID;
    }
    return keyid_is_fqdn(t) ? make_host(CERT_ID_NODE, t, out) : make(CERT_ID_NODE, t, t, out);
}

static err_t of_flavour(enum cert_id_flavour f, struct text t, struct cert_key *out)
{
    static err_t (*const makers[])(struct text, struct cert_key *) = {
        [CERT_ID_RAW] = of_raw, [CERT_ID_DEVICE] = of_device, [CERT_ID_CSE] = of_cse,
        [CERT_ID_AE] = of_ae,   [CERT_ID_NODE] = of_node,
    };
    return makers[f](t, out);
}

err_t cert_key_parse(struct text id, struct cert_key *out)
{
    memset(out, 0, sizeof(*out));
    enum cert_id_flavour f = CERT_ID_NODE;
    if (has_number(id, &f)) {
        return of_flavour(f, text_skip(id, PREFIX), out);
    }
    if (text_starts(id, "//")) {
        f = m2mid_is_ae(m2mid_kind(id)) ? CERT_ID_AE : CERT_ID_CSE;
    } else if (is_raw(id)) {
        f = CERT_ID_RAW;
    } else if (is_oid(id)) {
        f = CERT_ID_DEVICE;
    }
    return of_flavour(f, id, out);
}

/* -- a certificate ---------------------------------------------------------------------------------------- */
static void add(struct cert_key_list *l, enum cert_id_flavour f, struct text t)
{
    if (l->n < CERT_KEY_LIST_MAX && of_flavour(f, t, &l->at[l->n]) == ERR_OK) {
        l->n++;
    }
}

/* The names of one key: whole, and truncated to 128 and 120 bits [RFC 6920 2]; base64 digits hold 6 bits each. */
static void add_raw(struct cert_key_list *l, struct text key_id)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    enum { DIGITS_120 = 20, LAST_128 = 21, KEPT_128 = 0x30 };
    char name[64];
    add(l, CERT_ID_RAW, key_id);
    struct text digits = text_skip(key_id, text_find(key_id, ';') + 1);
    const char *last = l->n == 1 && digits.n > LAST_128 ? strchr(alphabet, digits.p[LAST_128]) : NULL;
    if (last == NULL) {
        return;
    }
    struct writer w = WRITER_ARRAY(name);
    writer_z(&w, "sha-256-128;");
    writer_text(&w, text_take(digits, LAST_128));
    writer_u8(&w, (uint8_t)alphabet[(unsigned)(last - alphabet) & KEPT_128]);
    add(l, CERT_ID_RAW, writer_view_text(&w));
    w = WRITER_ARRAY(name);
    writer_z(&w, "sha-256-120;");
    writer_text(&w, text_take(digits, DIGITS_120));
    add(l, CERT_ID_RAW, writer_view_text(&w));
}

static void add_uris(struct cert_key_list *l, const struct role_cert *cert, enum cert_id_flavour wanted)
{
    for (size_t i = 0; i < cert->uri_n; i++) {
        enum cert_id_flavour f;
        struct text id;
        if (cert_id_of_uri(cert->uri[i], &f, &id) == ERR_OK && f == wanted) {
            add(l, f, id);
        }
    }
}

static void add_hosts(struct cert_key_list *l, const struct role_cert *cert, enum cert_id_flavour as)
{
    for (size_t i = 0; i < cert->dns_n; i++) {
        if (keyid_is_fqdn(cert->dns[i])) { /* no wildcard is a host name */
            add(l, as, cert->dns[i]);
        }
    }
}

void cert_key_all(const struct role_cert *cert, struct cert_key_list *out)
{
    out->n = 0;
    if (cert->raw) { /* [8.1.2.5 step 2] */
        add_raw(out, cert->key_id);
        return;
    }
    add_uris(out, cert, CERT_ID_AE);
    add_hosts(out, cert, CERT_ID_CSE);
    add_uris(out, cert, CERT_ID_NODE);
    add_hosts(out, cert, CERT_ID_NODE);
    for (size_t i = 0; i < cert->device_n; i++) {
        add(out, CERT_ID_DEVICE, cert->device[i]);
    }
}

/* -- keys ------------------------------------------------------------------------------------------------- */
err_t cert_key_credential(enum cert_id_flavour f, struct text name, char out[static ASSOCIATION_CREDENTIAL_MAX])
{
    struct writer w = writer_of(out, ASSOCIATION_CREDENTIAL_MAX);
    writer_z(&w, numbers[f]);
    writer_text(&w, name);
    return writer_finish_z(&w);
}

bool cert_key_is(struct text key)
{
    enum cert_id_flavour f;
    return text_find(key, '@') == key.n && has_number(key, &f);
}

err_t cert_key_fold(struct text identity, struct keyid *out)
{
    return cert_key_is(identity) ? TEXT_COPY(identity, out->z) : keyid_fold(identity, out);
}
