#include "shell/x509_crl.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTS_MAX 64
#define SERIAL_MAX 20 /* octets [RFC 5280 4.1.2.2] */

struct serial {
    uint8_t n;
    uint8_t b[SERIAL_MAX];
};

struct list {
    uint8_t issuer[CRYPTO_HASH_LEN]; /* over name and key: a CA that got another key is another issuer */
    usec_t from, to;
    struct serial *revoked; /* sorted */
    size_t n;
};

struct x509_crl {
    struct list list[LISTS_MAX];
    size_t n;
};

static int serial_cmp(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct serial));
}

static bool serial_take(const ASN1_INTEGER *i, struct serial *out)
{
    int n = ASN1_STRING_length(i);
    *out = (struct serial){0};
    if (ASN1_STRING_type(i) != V_ASN1_INTEGER || n <= 0 || n > SERIAL_MAX) {
        return false; /* negative, or longer than RFC 5280 allows */
    }
    out->n = (uint8_t)n;
    memcpy(out->b, ASN1_STRING_get0_data(i), (size_t)n);
    return true;
}

static err_t issuer_hash(X509 *ca, uint8_t out[static CRYPTO_HASH_LEN])
{
    uint8_t both[2 * CRYPTO_HASH_LEN];
    unsigned n = 0;
    TRY(x509_key_digest(X509_get_X509_PUBKEY(ca), both));
    if (X509_NAME_digest(X509_get_subject_name(ca), EVP_sha256(), both + CRYPTO_HASH_LEN, &n) != 1 ||
        EVP_Digest(both, sizeof(both), out, &n, EVP_sha256(), NULL) != 1) {
        return ERR_CRYPTO;
    }
    return ERR_OK;
}

/* -- loading --------------------------------------------------------------------------------------------- */
struct loading {
    struct x509_crl *c;
    X509_STORE *anchors;
    STACK_OF(X509) *beside; /* certificates in the files of the lists */
    const char *file;
    char *detail; /* ROLE_DETAIL_MAX */
};

static err_t fault(const struct loading *l, const char *why)
{
    (void)snprintf(l->detail, ROLE_DETAIL_MAX, "%.70s: %.115s", l->file, why);
    ERR_clear_error();
    return ERR_CONFIG;
}

/* Deltas, lists for some reasons or by somebody else announce themselves by critical extensions: not for us. */
static bool is_plain(X509_CRL *crl)
{
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)) == 1) {
            return false;
        }
    }
    return true;
}

static bool entry_is_plain(const X509_REVOKED *r)
{
    for (int i = 0; i < X509_REVOKED_get_ext_count(r); i++) {
        if (X509_EXTENSION_get_critical(X509_REVOKED_get_ext(r, i)) == 1) {
            return false;
        }
    }
    return true;
}

static bool has_signed(X509 *ca, X509_CRL *crl)
{
    return X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(crl)) == 0 &&
           x509_issuer_check(ca) == ERR_OK && (X509_get_key_usage(ca) & X509v3_KU_CRL_SIGN) != 0 &&
           X509_CRL_get_signature_nid(crl) == NID_ecdsa_with_SHA256 && X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1;
}

/* The anchors themselves, and CAs that lead to one of them now. */
static bool is_believed(const struct loading *l, X509 *ca)
{
    X509_STORE_CTX *path = X509_STORE_CTX_new();
    bool ok = path != NULL && X509_STORE_CTX_init(path, l->anchors, ca, l->beside) == 1 && X509_verify_cert(path) == 1 &&
              X509_check_ca(ca) == 1;
    X509_STORE_CTX_free(path);
    ERR_clear_error();
    return ok;
}

static X509 *signer_find(const struct loading *l, X509_CRL *crl)
{
    STACK_OF(X509) *known = X509_STORE_get1_all_certs(l->anchors);
    X509 *found = NULL;
    for (int i = 0; i < sk_X509_num(known) + sk_X509_num(l->beside) && found == NULL; i++) {
        int more = i - sk_X509_num(known);
        X509 *ca = more < 0 ? sk_X509_value(known, i) : sk_X509_value(l->beside, more);
        if (has_signed(ca, crl) && is_believed(l, ca) && X509_up_ref(ca) == 1) {
            found = ca;
        }
    }
    sk_X509_pop_free(known, X509_free);
    ERR_clear_error();
    return found;
}

static err_t entries_take(const struct loading *l, X509_CRL *crl, struct list *out)
{
    STACK_OF(X509_REVOKED) *revoked = X509_CRL_get_REVOKED(crl);
    int n = revoked == NULL ? 0 : sk_X509_REVOKED_num(revoked);
    out->revoked = calloc(n > 0 ? (size_t)n : 1, sizeof(*out->revoked));
    if (out->revoked == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    for (int i = 0; i < n; i++) {
        const X509_REVOKED *r = sk_X509_REVOKED_value(revoked, i);
        if (!entry_is_plain(r) || !serial_take(X509_REVOKED_get0_serialNumber(r), &out->revoked[i])) {
            return fault(l, "an entry of the revocation list cannot be used");
        }
    }
    out->n = (size_t)n;
    qsort(out->revoked, out->n, sizeof(*out->revoked), serial_cmp);
    return ERR_OK;
}

static err_t list_fill(const struct loading *l, X509_CRL *crl, struct list *out)
{
    if (!is_plain(crl)) {
        return fault(l, "the revocation list has a critical extension (a delta or partial list?)");
    }
    if (!x509_time(X509_CRL_get0_lastUpdate(crl), &out->from) || !x509_time(X509_CRL_get0_nextUpdate(crl), &out->to)) {
        return fault(l, "the revocation list does not say how long it counts");
    }
    X509 *ca = signer_find(l, crl);
    if (ca == NULL) {
        return fault(l, "the revocation list is not signed by an anchor or a CA below one; name the list of the CA in `trust`");
    }
    err_t e = issuer_hash(ca, out->issuer);
    X509_free(ca);
    TRY(e);
    return entries_take(l, crl, out);
}

/* Of two lists of one issuer the newer counts. */
static err_t list_add(struct loading *l, struct list *fresh)
{
    for (size_t i = 0; i < l->c->n; i++) {
        struct list *old = &l->c->list[i];
        if (memcmp(old->issuer, fresh->issuer, sizeof(old->issuer)) != 0) {
            continue;
        }
        struct list loser = old->from < fresh->from ? *old : *fresh;
        *old = old->from < fresh->from ? *fresh : *old;
        free(loser.revoked);
        return ERR_OK;
    }
    if (l->c->n == LISTS_MAX) {
        free(fresh->revoked);
        return fault(l, "too many revocation lists");
    }
    l->c->list[l->c->n++] = *fresh;
    return ERR_OK;
}

static err_t lists_take(struct loading *l, STACK_OF(X509_INFO) *content)
{
    size_t lists = 0;
    for (int i = 0; i < sk_X509_INFO_num(content); i++) {
        X509_CRL *crl = sk_X509_INFO_value(content, i)->crl;
        if (crl == NULL) {
            continue;
        }
        struct list fresh = {.n = 0};
        err_t e = list_fill(l, crl, &fresh);
        if (e != ERR_OK) {
            free(fresh.revoked);
            return e;
        }
        TRY(list_add(l, &fresh));
        lists++;
    }
    return lists > 0 ? ERR_OK : fault(l, x509_file_fault(l->file));
}

static void bio_freep(BIO **p)
{
    BIO_free(*p);
}
static void info_freep(STACK_OF(X509_INFO) **p)
{
    sk_X509_INFO_pop_free(*p, X509_INFO_free);
}

static err_t file_take(struct loading *l)
{
    SCOPED(bio_freep) BIO *in = BIO_new_file(l->file, "r");
    SCOPED(info_freep) STACK_OF(X509_INFO) *content = in == NULL ? NULL : PEM_X509_INFO_read_bio(in, NULL, NULL, NULL);
    if (content == NULL) {
        return fault(l, x509_file_fault(l->file));
    }
    l->beside = sk_X509_new_null();
    for (int i = 0; l->beside != NULL && i < sk_X509_INFO_num(content); i++) {
        X509 *ca = sk_X509_INFO_value(content, i)->x509;
        if (ca != NULL) {
            (void)sk_X509_push(l->beside, ca);
        }
    }
    err_t e = l->beside == NULL ? ERR_LIMIT_CAPACITY : lists_take(l, content);
    sk_X509_free(l->beside);
    return e;
}

err_t x509_crl_load(const char *files, X509_STORE *anchors, struct x509_crl **out, char detail[static ROLE_DETAIL_MAX])
{
    *out = NULL;
    struct x509_crl *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct text rest = text_of(files);
    struct text part;
    err_t e = ERR_OK;
    while (e == ERR_OK && text_next(&rest, ',', &part)) {
        char file[4096];
        struct loading l = {.c = c, .anchors = anchors, .file = file, .detail = detail};
        e = TEXT_COPY(part, file);
        if (e == ERR_OK) {
            e = file_take(&l);
        }
    }
    if (e != ERR_OK) {
        x509_crl_free(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

void x509_crl_free(struct x509_crl *c)
{
    for (size_t i = 0; c != NULL && i < c->n; i++) {
        free(c->list[i].revoked);
    }
    free(c);
}

/* -- searching ------------------------------------------------------------------------------------------- */
err_t x509_crl_check(const struct x509_crl *c, X509 *cert, X509 *issuer, usec_t now, bool stale_ok)
{
    uint8_t hash[CRYPTO_HASH_LEN];
    struct serial serial;
    TRY(issuer_hash(issuer, hash));
    if (!serial_take(X509_get0_serialNumber(cert), &serial)) {
        return ERR_DENIED_CERT_PROFILE; /* could never be revoked */
    }
    for (size_t i = 0; i < c->n; i++) {
        const struct list *l = &c->list[i];
        if (memcmp(l->issuer, hash, sizeof(hash)) != 0) {
            continue;
        }
        if (bsearch(&serial, l->revoked, l->n, sizeof(serial), serial_cmp) != NULL) {
            return ERR_DENIED_CERT_REVOKED;
        }
        return (now >= l->from && now < l->to) || stale_ok ? ERR_OK : ERR_DENIED_CERT_STATUS;
    }
    return ERR_DENIED_CERT_STATUS;
}

usec_t x509_crl_end(const struct x509_crl *c)
{
    usec_t end = USEC_NEVER;
    for (size_t i = 0; c != NULL && i < c->n; i++) {
        end = c->list[i].to < end ? c->list[i].to : end;
    }
    return end;
}
