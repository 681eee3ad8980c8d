/*
 * Certificate provisioning at the MEF: every success and every refusal of EST, with the true issuing CA of the shell
 * behind the role and requests made by OpenSSL.
 */
#include "base/base64.h"
#include "role/mef/mef.h"
#include "shell/issuer_openssl.h"
#include "shell/pki.h"
#include "shell/x509.h"
#include "world.h"

#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define DAY (24 * HOUR)
#define KPM "00112233445566778899aabbccddeeff"
#define CONF "[mef]\nfqdn = mef.keystead.test\nest = on\nest-lifetime = 30d\n"
#define SAN "URI:m2m://keystead.test/Sdev1"
#define EST "/.well-known/est"

struct fixture {
    struct world w;
    struct world_node *mef;
    struct issuer *ca;
    struct secret kpm;
    struct world_reply r;
    EVP_PKEY *key;
};

static char folder[64];

static const char *path(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *p = paths[next++ % ARRAY_LEN(paths)];
    (void)snprintf(p, sizeof(paths[0]), "%s/%s", folder, name);
    return p;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    (void)snprintf(folder, sizeof(folder), "%s/keystead-est-XXXXXX", P_tmpdir);
    assert_non_null(mkdtemp(folder));
    const struct pki_ca_request ca = {"made-up issuing CA", "keystead.test", path("ca.pem"), path("ca.key"), 400};
    assert_int_equal(pki_ca_make(&ca), ERR_OK);
    assert_int_equal(issuer_openssl_new(path("ca.pem"), path("ca.key"), &f->ca), ERR_OK);
    world_init(&f->w, (usec_t)time(NULL) * USEC_PER_SEC);
    f->w.issuer = f->ca;
    f->mef = world_add(&f->w, &role_mef, "mef.keystead.test", CONF);
    world_secret(KPM, &f->kpm);
    f->key = EVP_EC_gen("P-256");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    world_free(&f->w);
    issuer_openssl_free(f->ca);
    EVP_PKEY_free(f->key);
    (void)unlink(path("ca.pem"));
    (void)unlink(path("ca.key"));
    (void)rmdir(folder);
    free(f);
    return 0;
}

static void add(struct fixture *f, const char *id, const char *enrolee, const char *more)
{
    char args[1024];
    (void)snprintf(args, sizeof(args),
                   "{\"kind\":\"kpm\",\"key\":\"" KPM "\",\"id\":\"%s@mef.keystead.test\",\"target\":\"maf.keystead.test\"%s%s%s%s}",
                   id, enrolee == NULL ? "" : ",\"enrolee-id\":\"", enrolee == NULL ? "" : enrolee,
                   enrolee == NULL ? "" : "\"", more);
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "add", args, &f->r), ERR_OK);
}

static void connect_psk(struct fixture *f, const char *id, struct world_session *s)
{
    char identity[128];
    (void)snprintf(identity, sizeof(identity), "%s@mef.keystead.test", id);
    assert_int_equal(world_connect(&f->w, f->mef, identity, &f->kpm, s), ERR_OK);
}

static err_t get(struct fixture *f, struct world_session *s, const char *p)
{
    struct world_request rq = {.op = OP_RETRIEVE, .path = p};
    return world_request(s, &rq, &f->r);
}

static err_t post(struct fixture *f, struct world_session *s, const char *p, const char *body)
{
    struct world_request rq = {.op = OP_NOTIFY, .path = p, .body = body, .media = MEDIA_PKCS10};
    return world_request(s, &rq, &f->r);
}

static struct bytes decoded(const char *lines, uint8_t *out, size_t cap)
{
    char scratch[WORLD_BODY_MAX];
    struct writer s = WRITER_ARRAY(scratch);
    struct writer w = writer_of(out, cap);
    assert_int_equal(base64_parse_lines(text_of(lines), &s, &w), ERR_OK);
    return writer_view(&w);
}

/* The challengePassword and the subjectAltName of /csrattrs; the second one is compared. */
static void attributes(struct fixture *f, struct world_session *s, const char *san, char challenge[static 65])
{
    uint8_t der[4096];
    assert_int_equal(get(f, s, EST "/csrattrs"), ERR_OK);
    assert_int_equal(f->r.rsc, 2000);
    struct bytes b = decoded(f->r.body, der, sizeof(der));
    const unsigned char *p = b.p;
    STACK_OF(ASN1_TYPE) *list = d2i_ASN1_SEQUENCE_ANY(NULL, &p, (long)b.n);
    assert_non_null(list);
    assert_int_equal(sk_ASN1_TYPE_num(list), 4);
    challenge[0] = '\0';
    bool named = false;
    for (int i = 0; i < sk_ASN1_TYPE_num(list); i++) {
        ASN1_TYPE *t = sk_ASN1_TYPE_value(list, i);
        if (t->type != V_ASN1_SEQUENCE) {
            continue;
        }
        const unsigned char *q = ASN1_STRING_get0_data(t->value.sequence);
        X509_ATTRIBUTE *a = d2i_X509_ATTRIBUTE(NULL, &q, ASN1_STRING_length(t->value.sequence));
        ASN1_TYPE *v = X509_ATTRIBUTE_get0_type(a, 0);
        int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(a));
        if (nid == NID_pkcs9_challengePassword) {
            struct text value = text_span((const char *)v->value.printablestring->data, (size_t)v->value.printablestring->length);
            assert_int_equal(text_copy(value, challenge, 65), ERR_OK);
        } else if (nid == NID_ext_req) {
            const unsigned char *d = ASN1_STRING_get0_data(v->value.sequence);
            X509_EXTENSIONS *x = d2i_X509_EXTENSIONS(NULL, &d, ASN1_STRING_length(v->value.sequence));
            X509_EXTENSION *want = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
            named = ASN1_STRING_cmp(X509_EXTENSION_get_data(sk_X509_EXTENSION_value(x, 0)),
                                    X509_EXTENSION_get_data(want)) == 0;
            X509_EXTENSION_free(want);
            sk_X509_EXTENSION_pop_free(x, X509_EXTENSION_free);
        }
        X509_ATTRIBUTE_free(a);
    }
    sk_ASN1_TYPE_pop_free(list, ASN1_TYPE_free);
    assert_true(named);
    assert_int_equal(strlen(challenge), 32);
}

/* A CSR with whatever is wrong with it, as base64. */
struct csr {
    EVP_PKEY *key;
    EVP_PKEY *signer; /* NULL: the same */
    const char *san;  /* NULL: none */
    const char *challenge; /* NULL: none */
    const char *eku;  /* NULL: none */
    const char *constraints; /* NULL: none */
    const EVP_MD *md; /* NULL: SHA-256 */
};

static void extension(X509_EXTENSIONS *list, int nid, const char *value)
{
    if (value != NULL) {
        X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
        assert_non_null(x);
        sk_X509_EXTENSION_push(list, x);
    }
}

static void csr_text(const struct csr *c, char out[static 8192])
{
    X509_REQ *req = X509_REQ_new();
    X509_EXTENSIONS *list = sk_X509_EXTENSION_new_null();
    assert_int_equal(X509_REQ_set_pubkey(req, c->key), 1);
    extension(list, NID_subject_alt_name, c->san);
    extension(list, NID_ext_key_usage, c->eku);
    extension(list, NID_basic_constraints, c->constraints);
    assert_int_equal(X509_REQ_add_extensions(req, list), 1);
    if (c->challenge != NULL) {
        assert_int_equal(X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword, V_ASN1_PRINTABLESTRING,
                                                   (const unsigned char *)c->challenge, (int)strlen(c->challenge)),
                         1);
    }
    assert_true(X509_REQ_sign(req, c->signer == NULL ? c->key : c->signer, c->md == NULL ? EVP_sha256() : c->md) > 0);
    if (c->signer != NULL) { /* its own key stays in it; somebody else signed */
        assert_int_equal(X509_REQ_verify(req, c->signer), 1);
    }
    unsigned char *der = NULL;
    int n = i2d_X509_REQ(req, &der);
    assert_true(n > 0);
    struct writer w = writer_of(out, 8192);
    base64_write_lines(&w, bytes_of(der, (size_t)n));
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    OPENSSL_free(der);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    X509_REQ_free(req);
}

static err_t enroll_with(struct fixture *f, struct world_session *s, const char *route, const struct csr *c)
{
    char text[8192];
    csr_text(c, text);
    return post(f, s, route, text);
}

/* A good CSR of this session. */
static err_t enroll(struct fixture *f, struct world_session *s, const char *route, const char *san)
{
    char challenge[65];
    attributes(f, s, san, challenge);
    return enroll_with(f, s, route, &(struct csr){.key = f->key, .san = san, .challenge = challenge});
}

static X509 *issued(struct fixture *f)
{
    uint8_t der[8192];
    assert_int_equal(f->r.rsc, 2000);
    struct bytes b = decoded(f->r.body, der, sizeof(der));
    const unsigned char *p = b.p;
    PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)b.n);
    assert_non_null(p7);
    assert_int_equal(sk_X509_num(p7->d.sign->cert), 1);
    X509 *cert = X509_dup(sk_X509_value(p7->d.sign->cert, 0));
    PKCS7_free(p7);
    return cert;
}

/* The session that this certificate opens; false if the MEF does not let it in. */
static err_t connect_cert(struct fixture *f, X509 *cert, struct world_session *s)
{
    struct role_cert names;
    void *store = NULL;
    assert_int_equal(x509_names(cert, &names, &store), ERR_OK);
    err_t e = world_connect_names(&f->w, f->mef, &names, s);
    x509_names_free(store);
    return e;
}

/* -- successes ------------------------------------------------------------------------------------------------ */
static void test_ca_certs(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    uint8_t der[8192];
    add(f, "dev1", "//keystead.test/Sdev1", "");
    connect_psk(f, "dev1", &s);
    assert_int_equal(get(f, &s, EST "/cacerts"), ERR_OK);
    struct bytes b = decoded(f->r.body, der, sizeof(der));
    const unsigned char *p = b.p;
    PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)b.n);
    X509 *ca = NULL;
    assert_int_equal(x509_cert_load(path("ca.pem"), &ca), ERR_OK);
    assert_int_equal(sk_X509_num(p7->d.sign->cert), 1);
    assert_int_equal(X509_cmp(sk_X509_value(p7->d.sign->cert, 0), ca), 0);
    assert_int_equal(sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info), 0);
    X509_free(ca);
    PKCS7_free(p7);
}

static void test_enroll(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    add(f, "dev1", "//keystead.test/Sdev1", "");
    connect_psk(f, "dev1", &s);
    assert_int_equal(enroll(f, &s, EST "/simpleenroll", SAN), ERR_OK);
    X509 *cert = issued(f);
    X509 *ca = NULL;
    assert_int_equal(x509_cert_load(path("ca.pem"), &ca), ERR_OK);
    assert_int_equal(x509_profile_check(cert), ERR_OK);
    assert_int_equal(X509_verify(cert, X509_get0_pubkey(ca)), 1);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), f->key), 1);
    assert_int_equal(X509_get_extension_flags(cert) & EXFLAG_CA, 0);
    assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT); /* an AE is no server */
    struct role_cert names;
    void *store = NULL;
    assert_int_equal(x509_names(cert, &names, &store), ERR_OK);
    assert_int_equal(names.uri_n, 1);
    assert_int_equal(names.dns_n, 0);
    assert_true(text_eq_z(names.uri[0], "m2m://keystead.test/Sdev1"));
    assert_int_equal(names.not_after, f->w.now + 30 * DAY);
    assert_int_equal(strlen(names.serial), 32);
    x509_names_free(store);
    assert_int_equal(world_count(f->mef, TABLE_MEF_CERT), 1);
    assert_int_equal(world_count(f->mef, TABLE_MEF_CERT_OF), 1);
    assert_int_equal(world_audited(f->mef, AUDIT_CERTIFICATE_ISSUED), 1);
    assert_int_equal(enroll(f, &s, EST "/simpleenroll", SAN), ERR_STATE); /* one certificate a session */
    assert_int_equal(world_count(f->mef, TABLE_MEF_CERT), 1);
    X509_free(ca);
    X509_free(cert);
}

static void test_cse_is_a_server_too(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    add(f, "cse1", "//keystead.test/mn1", "");
    connect_psk(f, "cse1", &s);
    assert_int_equal(enroll(f, &s, EST "/simpleenroll", "DNS:mn1.keystead.test"), ERR_OK);
    X509 *cert = issued(f);
    assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT | XKU_SSL_SERVER);
    assert_int_equal(connect_cert(f, cert, &s), ERR_OK);
    assert_int_equal(s.assoc.peer, PEER_ENROLEE); /* it stands for its bootstrap credential */
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "add",
                               "{\"kind\":\"cert\",\"id\":\"node_1\",\"target\":\"//keystead.test/mn1\"}", &f->r), ERR_OK);
    assert_int_equal(connect_cert(f, cert, &s), ERR_OK); /* a CSE that is a target comes to fetch; its names are enough to renew */
    assert_int_equal(s.assoc.peer, PEER_CLIENT);
    assert_int_equal(enroll(f, &s, EST "/simplereenroll", "DNS:mn1.keystead.test"), ERR_OK);
    assert_int_equal(world_count(f->mef, TABLE_MEF_CERT_OF), 1);
    assert_int_equal(connect_cert(f, cert, &s), ERR_DENIED_NOT_LATEST);
    X509_free(cert);
}

static void test_lifetime_ends_with_the_credential(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct role_cert names;
    void *store = NULL;
    add(f, "dev1", "//keystead.test/Sdev1", ",\"lifetime\":\"5d\"");
    connect_psk(f, "dev1", &s);
    assert_int_equal(enroll(f, &s, EST "/simpleenroll", SAN), ERR_OK);
    X509 *cert = issued(f);
    assert_int_equal(x509_names(cert, &names, &store), ERR_OK);
    assert_int_equal(names.not_after, f->w.now + 5 * DAY);
    x509_names_free(store);
    X509_free(cert);
}

static void test_reenroll(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    add(f, "dev1", "//keystead.test/Sdev1", "");
    connect_psk(f, "dev1", &s);
    assert_int_equal(enroll(f, &s, EST "/simplereenroll", SAN), ERR_DENIED_CERT_MISSING); /* a key is no certificate */
    assert_int_equal(enroll(f, &s, EST "/simpleenroll", SAN), ERR_OK);
    X509 *first = issued(f);
    size_t enrolled = world_count(f->mef, TABLE_MEF_KE);
    assert_int_equal(connect_cert(f, first, &s), ERR_OK);
    assert_int_equal(s.assoc.peer, PEER_ENROLEE); /* it stands for its bootstrap credential */
    assert_int_equal(s.assoc.framework, ASSOCIATION_CERT);
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), enrolled + 1); /* and is as good for an enrolment (R001-100) */
    assert_int_equal(enroll(f, &s, EST "/simplereenroll", SAN), ERR_OK);
    X509 *second = issued(f);
    assert_true(X509_cmp(first, second) != 0);
    assert_int_equal(world_count(f->mef, TABLE_MEF_CERT), 2);
    assert_int_equal(world_audited(f->mef, AUDIT_CERTIFICATE_ISSUED), 2);
    assert_int_equal(enroll(f, &s, EST "/simplereenroll", SAN), ERR_DENIED_NOT_LATEST); /* this session is the first's */
    assert_int_equal(world_audited(f->mef, AUDIT_REFUSED), 1);
    struct world_session old;
    assert_int_equal(connect_cert(f, first, &old), ERR_DENIED_NOT_LATEST); /* 7.0.3 */
    assert_int_equal(connect_cert(f, second, &s), ERR_OK);
    assert_int_equal(enroll(f, &s, EST "/simplereenroll", SAN), ERR_OK);
    X509_free(first);
    X509_free(second);
}

/* -- refusals --------------------------------------------------------------------------------------------------- */
static void test_bad_requests(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    char ch[65];
    add(f, "dev1", "//keystead.test/Sdev1", "");
    connect_psk(f, "dev1", &s);
    attributes(f, &s, SAN, ch);
    EVP_PKEY *p384 = EVP_EC_gen("P-384");
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    EVP_PKEY *other = EVP_EC_gen("P-256");
    const struct {
        struct csr csr;
        err_t e;
    } rows[] = {
        {{.key = f->key, .san = SAN}, ERR_DENIED_CHALLENGE},
        {{.key = f->key, .san = SAN, .challenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, ERR_DENIED_CHALLENGE},
        {{.key = f->key, .san = SAN, .challenge = "A"}, ERR_DENIED_CHALLENGE},
        {{.key = f->key, .challenge = ch}, ERR_DENIED_CSR_NAME},
        {{.key = f->key, .san = "URI:m2m://keystead.test/Sdev2", .challenge = ch}, ERR_DENIED_CSR_NAME},
        {{.key = f->key, .san = "URI:m2m://keystead.test/sdev1", .challenge = ch}, ERR_DENIED_CSR_NAME},
        {{.key = f->key, .san = SAN ",DNS:mef.keystead.test", .challenge = ch}, ERR_DENIED_CSR_NAME},
        {{.key = f->key, .san = SAN "," SAN, .challenge = ch}, ERR_DENIED_CSR_NAME},
        {{.key = f->key, .san = "DNS:sdev1.keystead.test", .challenge = ch}, ERR_DENIED_CSR_NAME},
        {{.key = f->key, .san = SAN ",IP:127.0.0.1", .challenge = ch}, ERR_DENIED_CERT_NAME},
        {{.key = f->key, .san = SAN ",email:a@keystead.test", .challenge = ch}, ERR_DENIED_CERT_NAME},
        {{.key = p384, .san = SAN, .challenge = ch}, ERR_DENIED_CERT_PROFILE},
        {{.key = rsa, .san = SAN, .challenge = ch}, ERR_DENIED_CERT_PROFILE},
        {{.key = f->key, .san = SAN, .challenge = ch, .md = EVP_sha512()}, ERR_DENIED_CERT_PROFILE},
        {{.key = f->key, .signer = other, .san = SAN, .challenge = ch}, ERR_DENIED_CERT_PROOF},
        {{.key = f->key, .san = SAN, .challenge = ch, .constraints = "CA:TRUE"}, ERR_DENIED_CERT_PROFILE},
        {{.key = f->key, .san = SAN, .challenge = ch, .eku = "codeSigning"}, ERR_DENIED_CERT_PROFILE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err_t e = enroll_with(f, &s, EST "/simpleenroll", &rows[i].csr);
        if (e != rows[i].e) {
            fail_msg("row %zu: %s instead of %s", i, err_code(e), err_code(rows[i].e));
        }
    }
    assert_int_equal(world_count(f->mef, TABLE_MEF_CERT), 0);
    assert_int_equal(world_audited(f->mef, AUDIT_CERTIFICATE_ISSUED), 0);
    const struct csr good = {.key = f->key, .san = SAN, .challenge = ch, .eku = "clientAuth", .constraints = "CA:FALSE"};
    assert_int_equal(enroll_with(f, &s, EST "/simpleenroll", &good), ERR_OK);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(other);
}

static void test_bad_octets(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    char ch[65];
    char text[8192];
    char big[12000];
    add(f, "dev1", "//keystead.test/Sdev1", "");
    connect_psk(f, "dev1", &s);
    attributes(f, &s, SAN, ch);
    csr_text(&(struct csr){.key = f->key, .san = SAN, .challenge = ch}, text);
    memset(big, 'A', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    assert_int_equal(post(f, &s, EST "/simpleenroll", big), ERR_LIMIT_SIZE);
    big[6000] = '\0';
    assert_int_equal(post(f, &s, EST "/simpleenroll", big), ERR_LIMIT_SIZE); /* 4500 octets of DER */
    assert_int_equal(post(f, &s, EST "/simpleenroll", ""), ERR_MALFORMED_BASE64);
    assert_int_equal(post(f, &s, EST "/simpleenroll", "\n \r\n"), ERR_MALFORMED_BASE64);
    assert_int_equal(post(f, &s, EST "/simpleenroll", "-----BEGIN"), ERR_MALFORMED_BASE64);
    assert_int_equal(post(f, &s, EST "/simpleenroll", "AAAA"), ERR_MALFORMED);
    size_t n = strlen(text);
    for (size_t cut = 1; cut < n; cut++) { /* truncated at each symbol */
        char c = text[cut];
        text[cut] = '\0';
        err_t e = post(f, &s, EST "/simpleenroll", text);
        assert_true(e != ERR_OK || cut + 1 == n);
        text[cut] = c;
        if (e == ERR_OK) {
            return; /* the last line end alone was missing */
        }
    }
    fail();
}

static void test_who_may_not(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct world_session t;
    char ch[65];
    add(f, "dev1", "//keystead.test/Sdev1", "");
    add(f, "none", NULL, "");
    add(f, "far1", "//elsewhere.test/cse1", "");
    connect_psk(f, "none", &s); /* nobody said who that is */
    assert_int_equal(get(f, &s, EST "/csrattrs"), ERR_DENIED_NOT_INSTRUCTED);
    connect_psk(f, "far1", &s); /* outside the name constraints of the CA */
    assert_int_equal(enroll(f, &s, EST "/simpleenroll", "DNS:cse1.elsewhere.test"), ERR_DENIED_CERT_NAME);
    connect_psk(f, "dev1", &s);
    connect_psk(f, "dev1", &t);
    attributes(f, &s, SAN, ch); /* the challengePassword of another session of the same client */
    assert_int_equal(enroll_with(f, &t, EST "/simpleenroll", &(struct csr){.key = f->key, .san = SAN, .challenge = ch}),
                     ERR_DENIED_CHALLENGE);
    assert_int_equal(world_connect_cert(&f->w, f->mef, "maf.keystead.test", &s), ERR_OK);
    assert_int_equal(get(f, &s, EST "/cacerts"), ERR_OK);
    assert_int_equal(enroll(f, &s, EST "/simpleenroll", "DNS:maf.keystead.test"), ERR_DENIED_CLIENT); /* no Enrolee */
    struct role_cert foreign = {.dns_n = 1, .not_after = f->w.now + DAY, .serial = "4711"};
    foreign.dns[0] = text_of("maf.keystead.test");
    assert_int_equal(world_connect_names(&f->w, f->mef, &foreign, &s), ERR_OK);
    assert_int_equal(enroll(f, &s, EST "/simplereenroll", "DNS:maf.keystead.test"), ERR_DENIED_NOT_LATEST);
}

static void test_revoked_and_expired(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct world_session p;
    add(f, "dev1", "//keystead.test/Sdev1", ",\"lifetime\":\"60d\"");
    connect_psk(f, "dev1", &s);
    connect_psk(f, "dev1", &p);
    assert_int_equal(enroll(f, &s, EST "/simpleenroll", SAN), ERR_OK);
    X509 *cert = issued(f);
    f->w.now += 10 * DAY;
    assert_int_equal(connect_cert(f, cert, &s), ERR_OK);
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "revoke", "{\"ID\":\"dev1@mef.keystead.test\"}", &f->r), ERR_OK);
    assert_int_equal(enroll(f, &s, EST "/simplereenroll", SAN), ERR_DENIED_REVOKED); /* no renewal without it */
    assert_int_equal(enroll(f, &p, EST "/simpleenroll", SAN), ERR_DENIED_REVOKED); /* a session from before */
    assert_int_equal(connect_cert(f, cert, &s), ERR_DENIED_REVOKED);
    f->w.now += 60 * DAY;
    assert_int_equal(get(f, &p, EST "/csrattrs"), ERR_DENIED_NO_ASSOCIATION);
    X509_free(cert);
}

static void test_routes(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    add(f, "dev1", "//keystead.test/Sdev1", "");
    connect_psk(f, "dev1", &s);
    assert_int_equal(post(f, &s, EST "/serverkeygen", "AAAA"), ERR_NOT_IMPLEMENTED);
    assert_int_equal(f->r.rsc, 5001);
    assert_int_equal(post(f, &s, EST "/fullcmc", "AAAA"), ERR_NOT_IMPLEMENTED);
    assert_int_equal(post(f, &s, EST "/unknown", "AAAA"), ERR_NOT_FOUND);
    assert_int_equal(get(f, &s, EST "/simpleenroll"), ERR_OPERATION);
    struct world_request json = {.op = OP_NOTIFY, .path = EST "/simpleenroll", .body = "{}"};
    assert_int_equal(world_request(&s, &json, &f->r), ERR_MEDIA_TYPE);
    struct world_request raw = {.op = OP_NOTIFY, .path = "/fetchCredentials/a", .body = "x", .media = MEDIA_PKCS10};
    assert_int_equal(world_request(&s, &raw, &f->r), ERR_OPERATION);
    world_reload(&f->w, f->mef, "[mef]\nfqdn = mef.keystead.test\n"); /* est = off */
    assert_int_equal(get(f, &s, EST "/cacerts"), ERR_NOT_FOUND);
    assert_int_equal(get(f, &s, EST "/csrattrs"), ERR_NOT_FOUND);
    assert_int_equal(post(f, &s, EST "/simpleenroll", "AAAA"), ERR_NOT_FOUND);
    assert_int_equal(post(f, &s, EST "/simplereenroll", "AAAA"), ERR_NOT_FOUND);
}

static void test_issuer_files(void **state)
{
    (void)state;
    struct issuer *i = NULL;
    assert_int_equal(issuer_openssl_new(path("absent.pem"), path("ca.key"), &i), ERR_IO);
    assert_int_equal(issuer_openssl_new(path("ca.pem"), path("absent.key"), &i), ERR_IO);
    assert_int_equal(issuer_openssl_new(path("ca.key"), path("ca.key"), &i), ERR_CONFIG);
    const struct pki_leaf_request leaf = {path("ca.pem"), path("ca.key"), "x.keystead.test", path("x.pem"), path("x.key"), 2};
    assert_int_equal(pki_leaf_make(&leaf), ERR_OK);
    assert_int_equal(issuer_openssl_new(path("x.pem"), path("x.key"), &i), ERR_CONFIG); /* no CA */
    assert_int_equal(issuer_openssl_new(path("ca.pem"), path("x.key"), &i), ERR_CONFIG); /* not its key */
    assert_null(i);
    (void)unlink(path("x.pem"));
    (void)unlink(path("x.key"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ca_certs),
        TEST(test_enroll),
        TEST(test_cse_is_a_server_too),
        TEST(test_lifetime_ends_with_the_credential),
        TEST(test_reenroll),
        TEST(test_bad_requests),
        TEST(test_bad_octets),
        TEST(test_who_may_not),
        TEST(test_revoked_and_expired),
        TEST(test_routes),
        TEST(test_issuer_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
