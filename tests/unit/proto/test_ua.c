/* Ua with HTTP Digest as pure functions: the vector of the specification file, nonces, counts, and what is not taken. */
#include "proto/ua.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)
#define FQDN "mef.example.com"
#define B_TID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org"

static const uint8_t signing[UA_SECRET_LEN] = "made up for this test, 32 octets";

static struct ua_naf naf(const char *session)
{
    return (struct ua_naf){crypto_openssl(), text_of(FQDN), BYTES_ARRAY(signing), text_of(session)};
}

/* Ks_NAF of the vectors for the Ua protocol 0100000002. */
static void ks_naf(struct secret *out)
{
    static const uint8_t octets[] = {0x7a, 0xf2, 0x10, 0x53, 0xde, 0x04, 0x51, 0xe0, 0xfd, 0x3d, 0x1b, 0xbe, 0x2e, 0xd9, 0xaa, 0xb3,
                                     0xd9, 0xd4, 0x42, 0x62, 0xc0, 0x48, 0x56, 0x81, 0xaf, 0x74, 0x68, 0x00, 0x4f, 0x65, 0x6f, 0x48};
    assert_int_equal(secret_set(out, BYTES_ARRAY(octets)), ERR_OK);
}

/* The nonce of a fresh challenge. */
static void fresh(const struct ua_naf *n, usec_t now, char out[UA_NONCE_MAX])
{
    char header[1024], room[DIGEST_TEXT_MAX];
    struct writer w = WRITER_ARRAY(header), scratch = WRITER_ARRAY(room);
    struct digest d;
    assert_int_equal(ua_challenge(n, false, false, now, &w), ERR_OK);
    assert_int_equal(digest_parse(DIGEST_CHALLENGE, writer_view_text(&w), &scratch, &d), ERR_OK);
    assert_true(text_eq_z(d.v[DIGEST_REALM], UA_REALM FQDN) && digest_offers(&d, "auth") && digest_offers(&d, "auth-int"));
    assert_int_equal(text_copy(d.v[DIGEST_NONCE], out, UA_NONCE_MAX), ERR_OK);
}

static void authorize(char out[1024], const char *nonce, const char *nc, const char *more, const char *response)
{
    snprintf(out, 1024, "Digest username=\"" B_TID "\", realm=\"" UA_REALM FQDN "\", nonce=\"%s\", uri=\"/kaf\", nc=%s, cnonce=\"0a4f113b\", "
             "response=\"%s\", %s", nonce, nc, response, more);
}

static err_t read_it(const struct ua_naf *n, const char *header, usec_t now, struct ua_request *rq)
{
    static char room[DIGEST_TEXT_MAX];
    struct writer scratch = WRITER_ARRAY(room);
    return ua_read(n, text_of(header), now, &scratch, rq);
}

#define ANY "00000000000000000000000000000000"

/* R000-74: the response of the vector; its nonce was another server's, so the check alone is asked. */
static void vector(void **state)
{
    (void)state;
    const struct ua_naf n = naf("s");
    SCOPED(secret_wipe) struct secret key = {.n = 0};
    struct ua_count last = {0, 0};
    struct ua_request rq = {.b_tid = text_of(B_TID), .hash = CRYPTO_MD5, .made = NOW, .nc = 1, .d = digest_blank()};
    const struct ua_message m = {text_of("GET"), text_of("/kaf"), bytes_empty()};
    ks_naf(&key);
    digest_set(&rq.d, DIGEST_REALM, text_of(UA_REALM FQDN));
    digest_set(&rq.d, DIGEST_NONCE, text_of("6629fae49393a05397450978507c4ef1"));
    digest_set(&rq.d, DIGEST_URI, text_of("/kaf"));
    digest_set(&rq.d, DIGEST_NC, text_of("00000001"));
    digest_set(&rq.d, DIGEST_CNONCE, text_of("0a4f113b"));
    digest_set(&rq.d, DIGEST_RESPONSE, text_of("5c285f7c61e7eedb4355fb9cc50e3104"));
    assert_int_equal(ua_check(&n, &rq, &m, &key, &last), ERR_OK);
    assert_true(last.made == NOW && last.nc == 1);
    assert_int_equal(ua_check(&n, &rq, &m, &key, &last), ERR_UA_REPLAYED); /* refuses R000-74 */
    rq.nc = 2;
    rq.made--; /* an older nonce, after a newer one was used: who kept an old request cannot send it again */
    assert_int_equal(ua_check(&n, &rq, &m, &key, &last), ERR_UA_REPLAYED);
    rq.made = NOW + 1;
    rq.nc = 1;
    assert_int_equal(ua_check(&n, &rq, &m, &key, &last), ERR_OK);
    rq.nc = 2;
    const struct ua_message others[] = {{text_of("POST"), text_of("/kaf"), bytes_empty()}, {text_of("GET"), text_of("/kag"), bytes_empty()}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_int_equal(ua_check(&n, &rq, &others[i], &key, &last), ERR_DENIED_DIGEST);
    }
    rq.integrity = true;
    assert_int_equal(ua_check(&n, &rq, &m, &key, &last), ERR_DENIED_DIGEST);
    assert_true(last.made == NOW + 1 && last.nc == 1); /* what was not proved counts for nothing */
}

static void nonces(void **state)
{
    (void)state;
    const struct ua_naf n = naf("one session"), other = naf("another");
    char nonce[UA_NONCE_MAX], header[1024];
    struct ua_request rq;
    fresh(&n, NOW, nonce);
    authorize(header, nonce, "0000000a", "qop=auth", ANY);
    assert_int_equal(read_it(&n, header, NOW, &rq), ERR_OK);
    assert_true(rq.made == NOW && rq.nc == 10 && !rq.of_card && !rq.integrity && text_eq_z(rq.b_tid, B_TID));
    assert_int_equal(read_it(&n, header, NOW + UA_NONCE_LIFETIME, &rq), ERR_OK);
    assert_int_equal(read_it(&n, header, NOW + UA_NONCE_LIFETIME + 1, &rq), ERR_UA_STALE);
    assert_int_equal(read_it(&n, header, NOW - 1, &rq), ERR_UA_STALE);
    assert_int_equal(read_it(&other, header, NOW, &rq), ERR_UA_STALE);
    for (size_t i = 0; nonce[i] != '\0'; i++) { /* any octet of it */
        char wrong[UA_NONCE_MAX];
        memcpy(wrong, nonce, sizeof(wrong));
        wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
        authorize(header, wrong, "00000001", "qop=auth", ANY);
        assert_int_equal(read_it(&n, header, NOW, &rq), ERR_UA_STALE);
    }
}

static void headers_that_are_refused(void **state)
{
    (void)state;
    const struct ua_naf n = naf("s");
    char nonce[UA_NONCE_MAX], header[1024];
    static const struct {
        const char *more;
        err_t e;
    } rows[] = {
        {"qop=auth", ERR_OK}, {"qop=auth-int, algorithm=SHA-256", ERR_OK}, {"qop=auth, algorithm=MD5", ERR_OK},
        {"algorithm=MD5", ERR_MALFORMED_DIGEST}, {"qop=auth-conf", ERR_MALFORMED_DIGEST}, {"qop=auth, qop=auth", ERR_MALFORMED_DIGEST},
        {"qop=auth, algorithm=MD5-sess", ERR_NOT_IMPLEMENTED}, {"qop=auth, algorithm=AKAv1-MD5", ERR_NOT_IMPLEMENTED},
    };
    static const char *const realms[] = {"", FQDN, UA_REALM, UA_REALM "maf.example.com", "3gpp-bootstrapping@" FQDN, UA_REALM FQDN ".",
                                         "3GPP-bootstrapping-digest@" FQDN};
    struct ua_request rq;
    fresh(&n, NOW, nonce);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        authorize(header, nonce, "00000001", rows[i].more, ANY);
        assert_int_equal(read_it(&n, header, NOW, &rq), rows[i].e);
    }
    for (size_t i = 0; i < ARRAY_LEN(realms); i++) {
        snprintf(header, sizeof(header), "Digest username=\"x\", realm=\"%s\", nonce=\"%s\", uri=\"/\", nc=00000001, cnonce=\"1\", qop=auth, "
                 "response=\"" ANY "\"", realms[i], nonce);
        assert_int_equal(read_it(&n, header, NOW, &rq), ERR_UA_REALM); /* refuses R000-74 */
    }
    snprintf(header, sizeof(header), "Digest username=\"x\", realm=\"" UA_REALM_UICC "MEF.example.com\", nonce=\"%s\", uri=\"/\", nc=00000001, "
             "cnonce=\"1\", qop=auth, response=\"" ANY "\"", nonce);
    assert_int_equal(read_it(&n, header, NOW, &rq), ERR_OK);
    assert_true(rq.of_card);
    assert_int_equal(read_it(&n, "Basic eDp5", NOW, &rq), ERR_MALFORMED_DIGEST);
}

/* The parameters of an answer; rspauth by hand: H(A1):nonce:nc:cnonce:qop:H(":/kaf"). */
static void answered(const struct ua_naf *n, const struct ua_proof *p, const char *body, usec_t now, struct digest *out)
{
    static char header[1024], room[DIGEST_TEXT_MAX];
    struct writer w = WRITER_ARRAY(header), scratch = WRITER_ARRAY(room);
    assert_int_equal(ua_answer(n, p, text_bytes(text_of(body)), now, &w), ERR_OK);
    assert_int_equal(digest_parse(DIGEST_INFO, writer_view_text(&w), &scratch, out), ERR_OK);
}

/* R000-74: the numbers are md5sum's, of the vector of the specification file with an A2 that has no method. */
static void what_the_naf_answers(void **state)
{
    (void)state;
    const struct ua_naf n = naf("s");
    SCOPED(secret_wipe) struct secret key = {.n = 0};
    SCOPED(ua_proof_wipe) struct ua_proof p = {.made = 0};
    struct ua_request rq = {.b_tid = text_of(B_TID), .hash = CRYPTO_MD5, .made = NOW, .nc = 1, .d = digest_blank()}, next;
    struct digest d;
    char header[1024];
    ks_naf(&key);
    digest_set(&rq.d, DIGEST_REALM, text_of(UA_REALM FQDN));
    digest_set(&rq.d, DIGEST_NONCE, text_of("6629fae49393a05397450978507c4ef1"));
    digest_set(&rq.d, DIGEST_URI, text_of("/kaf"));
    digest_set(&rq.d, DIGEST_NC, text_of("00000001"));
    digest_set(&rq.d, DIGEST_CNONCE, text_of("0a4f113b"));
    assert_int_equal(ua_proof_make(&n, &rq, &key, &p), ERR_OK);
    answered(&n, &p, "made up", NOW + UA_NONCE_LIFETIME / 2, &d);
    assert_true(text_eq_z(d.v[DIGEST_RSPAUTH], "a847570c7a27f346d93c74a1b58ee750") && text_eq_z(d.v[DIGEST_QOP], "auth"));
    assert_true(text_eq_z(d.v[DIGEST_NC], "00000001") && text_eq_z(d.v[DIGEST_CNONCE], "0a4f113b") && !d.given[DIGEST_NEXTNONCE]);
    p.integrity = true;
    answered(&n, &p, "made up", NOW + UA_NONCE_LIFETIME / 2 + 1, &d);
    assert_true(text_eq_z(d.v[DIGEST_RSPAUTH], "6f9932acc6d28055112aa4497b6d60d8") && text_eq_z(d.v[DIGEST_QOP], "auth-int"));
    assert_true(d.given[DIGEST_NEXTNONCE]); /* before it is stale there is another */
    char nonce[UA_NONCE_MAX];
    assert_int_equal(text_copy(d.v[DIGEST_NEXTNONCE], nonce, sizeof(nonce)), ERR_OK);
    authorize(header, nonce, "00000001", "qop=auth", ANY);
    assert_int_equal(read_it(&n, header, NOW + UA_NONCE_LIFETIME, &next), ERR_OK);
    assert_true(next.made == NOW + UA_NONCE_LIFETIME / 2 + 1);
}

static void a_cnonce_that_is_too_long(void **state)
{
    (void)state;
    const struct ua_naf n = naf("s");
    char nonce[UA_NONCE_MAX], header[1024];
    struct ua_request rq;
    fresh(&n, NOW, nonce);
    for (int len = UA_CNONCE_MAX - 1; len <= UA_CNONCE_MAX; len++) {
        snprintf(header, sizeof(header), "Digest username=\"x\", realm=\"" UA_REALM FQDN "\", nonce=\"%s\", uri=\"/\", nc=00000001, "
                 "cnonce=\"%0*d\", qop=auth, response=\"" ANY "\"", nonce, len, 1);
        assert_int_equal(read_it(&n, header, NOW, &rq), len < UA_CNONCE_MAX ? ERR_OK : ERR_MALFORMED_DIGEST); /* refuses R000-74 */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector), cmocka_unit_test(nonces), cmocka_unit_test(headers_that_are_refused),
        cmocka_unit_test(what_the_naf_answers), cmocka_unit_test(a_cnonce_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
