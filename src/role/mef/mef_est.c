/*
 * Certificate provisioning by EST [TS-0003 8.3.6.2, RFC 7030]: this MEF is the registration authority and, through
 * env.issuer, the CA. Who the client is, and so every name in its certificate, comes from the association alone: the
 * Enrolee-ID of its bootstrap credential (certificate-less TLS, RFC 7030 3.3.3), or the names in its own certificate.
 */
#include "base/base64.h"
#include "base/ct.h"
#include "base/hex.h"
#include "role/cert_key.h"
#include "role/detail.h"
#include "role/mef/mef_ctx.h"
#include "role/mef/rec_cert.h"
#include "role/mef/rec_credential.h"

#include <string.h>

#define CSR_MAX 4096  /* octets of DER: a P-256 request has a few hundred */
#define CERT_MAX 4096
#define BUNDLE_MAX 16384
#define CLOCK_SKEW (300 * USEC_PER_SEC) /* a device whose clock is a little behind accepts a new certificate */

enum { CHALLENGE_OCTETS = 24, CHALLENGE_LEN = BASE64_LEN(CHALLENGE_OCTETS) };

/* -- who the client is --------------------------------------------------------------------------------- */
struct client {
    char text[ASSOCIATION_IDS_MAX][REC_CERT_NAME_MAX];
    struct issuer_name names[ASSOCIATION_IDS_MAX];
    size_t names_n;
    char key[REC_CERT_NAME_MAX]; /* of its records: the first name with its type */
};
_Static_assert(ASSOCIATION_IDS_MAX <= ISSUER_NAMES_MAX, "a CSR can carry every bound identity");

/* The subjectAltName of an identity [TS-0003 10.1.4, table 5.4]. */
static err_t name_of(struct text id, char text[static REC_CERT_NAME_MAX], struct issuer_name *out)
{
    struct writer w = writer_of(text, REC_CERT_NAME_MAX);
    enum m2mid_kind kind = m2mid_kind(id);
    enum cert_id_flavour f = m2mid_is_ae(kind) ? CERT_ID_AE : m2mid_is_cse(kind) ? CERT_ID_CSE : CERT_ID_FQDN;
    bool is_dns = false;
    TRY(cert_id_write(f, id, &w, &is_dns));
    TRY(writer_finish_z(&w));
    *out = (struct issuer_name){is_dns ? ISSUER_DNS : ISSUER_URI, text_of(text)};
    return ERR_OK;
}

static bool same_name(const struct issuer_name *a, const struct issuer_name *b)
{
    return a->kind == b->kind &&
           (a->kind == ISSUER_DNS ? text_eq_nocase(a->value, b->value) : text_eq(a->value, b->value));
}

static bool has_name(const struct issuer_name *list, size_t n, const struct issuer_name *name)
{
    for (size_t i = 0; i < n; i++) {
        if (same_name(&list[i], name)) {
            return true;
        }
    }
    return false;
}

static err_t client_of(const struct association *a, struct client *c, char detail[static ROLE_DETAIL_MAX])
{
    c->names_n = 0;
    for (size_t i = 0; i < a->ids_n; i++) {
        struct issuer_name *next = &c->names[c->names_n];
        if (name_of(text_of(a->ids[i].z), c->text[c->names_n], next) != ERR_OK) {
            return detail_fail(detail, ERR_DENIED_CSR_NAME, "no certificate can carry", text_of(a->ids[i].z));
        }
        c->names_n += has_name(c->names, c->names_n, next) ? 0 : 1; /* //sp/in and in.sp are one name */
    }
    if (c->names_n == 0) {
        return detail_fail(detail, ERR_DENIED_NOT_INSTRUCTED, "the credential has no Enrolee-ID", association_name(a));
    }
    struct writer w = WRITER_ARRAY(c->key);
    writer_z(&w, c->names[0].kind == ISSUER_DNS ? "DNS:" : "URI:");
    writer_text(&w, c->names[0].value);
    return writer_finish_z(&w);
}

/* Bound to the session: no other association has this id, and nobody else can make the value from it. */
static err_t challenge_of(const struct mef *m, const struct association *a, char out[static CHALLENGE_LEN + 1])
{
    uint8_t mac[CRYPTO_HASH_LEN];
    TRY(seal_mac(m->reg.env.sealer, "est challengePassword", text_of(a->id), mac));
    struct writer w = writer_of(out, CHALLENGE_LEN + 1);
    base64_write(&w, bytes_of(mac, CHALLENGE_OCTETS));
    return writer_finish_z(&w);
}

/* -- answers ---------------------------------------------------------------------------------------------- */
static err_t answer(struct response *rs, enum media media, struct bytes der)
{
    rs->rsc = 2000;
    rs->media = media;
    base64_write_lines(&rs->body, der);
    return writer_finish(&rs->body);
}

err_t mef_est_ca_certs(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    const struct mef *m = ctx;
    (void)rq;
    (void)t;
    if (m->reg.env.issuer == NULL) {
        return ERR_NOT_FOUND;
    }
    uint8_t buf[BUNDLE_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(m->reg.env.issuer->certs_only(m->reg.env.issuer, bytes_empty(), &w));
    return answer(rs, MEDIA_CERTS, writer_view(&w));
}

err_t mef_est_csr_attrs(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    const struct mef *m = ctx;
    (void)t;
    if (m->reg.env.issuer == NULL) {
        return ERR_NOT_FOUND;
    }
    struct client c;
    char challenge[CHALLENGE_LEN + 1];
    TRY(client_of(rq->assoc, &c, rs->detail));
    TRY(challenge_of(m, rq->assoc, challenge));
    uint8_t buf[BUNDLE_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(m->reg.env.issuer->csr_attrs(c.names, c.names_n, text_of(challenge), &w));
    return answer(rs, MEDIA_CSR_ATTRS, writer_view(&w));
}

err_t mef_est_unsupported(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    (void)ctx;
    (void)t;
    return detail_fail(rs->detail, ERR_NOT_IMPLEMENTED, "EST", rq->prim->path); /* CHOICE-49: keys are made by the client */
}

/* -- what is asked for -------------------------------------------------------------------------------------- */
struct order {
    const struct mef *m;
    const struct request *rq;
    struct client client;
    struct bytes csr;
    struct keyid credential; /* folded */
    usec_t not_after, since; /* of that credential */
};

static err_t csr_decode(const struct request *rq, struct txn *t, struct bytes *out)
{
    if (rq->prim->media != MEDIA_PKCS10) {
        return ERR_MEDIA_TYPE;
    }
    struct bytes in = rq->prim->content;
    if (in.n == 0 || in.n > 2 * (size_t)CSR_MAX) {
        return in.n == 0 ? ERR_MALFORMED_BASE64 : ERR_LIMIT_SIZE;
    }
    uint8_t *scratch = arena_alloc(t->arena, in.n);
    uint8_t *der = arena_alloc(t->arena, CSR_MAX);
    if (scratch == NULL || der == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer s = writer_of(scratch, in.n);
    struct writer w = writer_of(der, CSR_MAX);
    TRY(base64_parse_lines(text_span((const char *)in.p, in.n), &s, &w));
    *out = writer_view(&w);
    return out->n == 0 ? ERR_MALFORMED_BASE64 : ERR_OK;
}

/* 8.3.6.2: the attributes and challengePassword of step 2, and no identity but the client's own. */
static err_t csr_check(const struct order *o, char detail[static ROLE_DETAIL_MAX])
{
    struct issuer_csr csr;
    char challenge[CHALLENGE_LEN + 1];
    TRY(o->m->reg.env.issuer->csr_parse(o->csr, &csr));
    TRY(challenge_of(o->m, o->rq->assoc, challenge));
    if (!ct_eq(text_bytes(text_of(challenge)), text_bytes(text_of(csr.challenge)))) {
        return ERR_DENIED_CHALLENGE;
    }
    bool same = csr.names_n == o->client.names_n;
    for (size_t i = 0; same && i < csr.names_n; i++) {
        same = has_name(o->client.names, o->client.names_n, &csr.names[i]) && !has_name(csr.names, i, &csr.names[i]);
    }
    return same ? ERR_OK
                : detail_fail(detail, ERR_DENIED_CSR_NAME, "subjectAltName must be", text_of(o->client.key));
}

/* A certificate goes back to one bootstrap credential; with it ends every renewal. */
static err_t credential_check(struct order *o, struct text credential, usec_t issued, struct txn *t)
{
    struct rec_credential c;
    TRY(cert_key_fold(credential, &o->credential));
    err_t e = rec_credential_get(t, text_of(o->credential.z), &c);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_DENIED_REVOKED : e;
    }
    TRY(standing_check(c.standing));
    o->not_after = c.not_after;
    o->since = c.since;
    if (issued <= c.since) { /* from before a change of target or Enrolee-ID */
        return ERR_DENIED_REVOKED;
    }
    return c.not_after <= o->rq->now ? ERR_DENIED_EXPIRED : ERR_OK;
}

/* Of the certificates that came from here only the latest is good for another one [TS-0003 8.3.1.2, spec 7.0.3]. */
static err_t latest_check(const struct order *o, struct txn *t, struct rec_cert *latest)
{
    struct rec_cert shown;
    const char *serial = o->rq->assoc->serial;
    err_t e = rec_cert_latest(t, text_of(o->client.key), latest);
    if (e != ERR_OK || serial[0] == '\0' || strcmp(serial, latest->serial) == 0) {
        return e;
    }
    e = rec_cert_get(t, text_of(serial), &shown);
    return e == ERR_OK ? ERR_DENIED_NOT_LATEST : e;
}

err_t mef_est_origin(struct txn *t, const struct role_cert *cert, struct keyid *out)
{
    struct rec_cert shown;
    struct rec_cert latest;
    struct rec_credential c;
    out->z[0] = '\0';
    err_t e = cert->raw || cert->serial[0] == '\0' ? ERR_NOT_FOUND : rec_cert_get(t, text_of(cert->serial), &shown);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(rec_cert_latest(t, text_of(shown.name), &latest));
    if (strcmp(shown.serial, latest.serial) != 0) {
        return ERR_DENIED_NOT_LATEST; /* 7.0.3: the client must use the latest one toward this MEF */
    }
    e = rec_credential_get(t, text_of(shown.credential.z), &c);
    if (e == ERR_NOT_FOUND) {
        return ERR_DENIED_REVOKED;
    }
    TRY(e);
    TRY(standing_check(c.standing));
    *out = shown.credential;
    return shown.issued > c.since ? ERR_OK : ERR_DENIED_REVOKED;
}

/* -- issuing ---------------------------------------------------------------------------------------------- */
static err_t tell(const struct rec_cert *c, const struct association *a, struct txn *t)
{
    struct audit_event e = {.kind = AUDIT_CERTIFICATE_ISSUED, .time = c->issued, .outcome = ERR_OK};
    TRY(TEXT_COPY(association_name(a), e.peer));
    TRY(TEXT_COPY(text_of(c->serial), e.object));
    TRY(TEXT_COPY(text_of(a->id), e.association));
    return txn_audit(t, &e);
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

static err_t issue(const struct order *o, struct txn *t, struct response *rs)
{
    const struct issuer *ca = o->m->reg.env.issuer;
    usec_t now = o->rq->now;
    usec_t end = earlier(now + o->m->est_lifetime, earlier(o->not_after, ca->not_after));
    struct rec_cert rec = {.credential = o->credential, .issued = now > o->since ? now : o->since + 1,
                           .not_after = end - end % USEC_PER_SEC};
    if (rec.not_after <= now) {
        return ERR_DENIED_EXPIRED;
    }
    struct issuer_order order = {.csr = o->csr, .names = o->client.names, .names_n = o->client.names_n,
                                 .not_before = now - CLOCK_SKEW, .not_after = rec.not_after};
    TRY(o->m->reg.env.crypto->random(order.serial, sizeof(order.serial)));
    order.serial[0] = (uint8_t)((order.serial[0] & 0x7F) | 0x40); /* positive and of full length (RFC 5280 4.1.2.2) */
    struct writer serial = WRITER_ARRAY(rec.serial);
    hex_write_lower(&serial, BYTES_ARRAY(order.serial));
    TRY(writer_finish_z(&serial));
    TRY(TEXT_COPY(text_of(o->client.key), rec.name));
    TRY(TEXT_COPY(text_of(o->rq->assoc->id), rec.association));
    uint8_t cert[CERT_MAX];
    uint8_t bundle[CERT_MAX + 256];
    struct writer c = WRITER_ARRAY(cert);
    struct writer b = WRITER_ARRAY(bundle);
    TRY(ca->issue(ca, &order, &c));
    TRY(ca->certs_only(ca, writer_view(&c), &b));
    TRY(rec_cert_put(t, &rec));
    TRY(tell(&rec, o->rq->assoc, t));
    return answer(rs, MEDIA_CERTS, writer_view(&b));
}

/* What both have in common: whose request it is, and that it may be asked for in this session. */
static err_t order_open(const void *ctx, const struct request *rq, struct txn *t, struct response *rs, struct order *o)
{
    o->m = ctx;
    o->rq = rq;
    if (o->m->reg.env.issuer == NULL) {
        return ERR_NOT_FOUND;
    }
    TRY(csr_decode(rq, t, &o->csr));
    TRY(client_of(rq->assoc, &o->client, rs->detail));
    return csr_check(o, rs->detail);
}

err_t mef_est_enroll(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct order o;
    struct rec_cert latest;
    TRY(order_open(ctx, rq, t, rs, &o));
    TRY(credential_check(&o, text_of(rq->assoc->key_id.z), USEC_NEVER, t));
    err_t e = latest_check(&o, t, &latest);
    if (e == ERR_OK && strcmp(latest.association, rq->assoc->id) == 0) {
        return ERR_STATE; /* one challengePassword, one certificate */
    }
    return e == ERR_OK || e == ERR_NOT_FOUND ? issue(&o, t, rs) : e;
}

err_t mef_est_reenroll(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct order o;
    struct rec_cert latest;
    TRY(order_open(ctx, rq, t, rs, &o));
    if (rq->assoc->framework != ASSOCIATION_CERT || rq->assoc->serial[0] == '\0') {
        return ERR_DENIED_CERT_MISSING; /* RFC 7030 4.2.2: the certificate to be renewed authenticates its renewal */
    }
    err_t e = latest_check(&o, t, &latest);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && strcmp(latest.serial, rq->assoc->serial) != 0)) {
        return ERR_DENIED_NOT_LATEST; /* refused: an older one, or one that did not come from here */
    }
    TRY(e);
    TRY(credential_check(&o, text_of(latest.credential.z), latest.issued, t));
    return issue(&o, t, rs);
}
