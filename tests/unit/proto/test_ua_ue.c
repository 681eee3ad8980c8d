/* The device on Ua against the NAF of ua.c, and against one that lies. */
#include "proto/ua_ue.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)
#define FQDN "mef.example.com"
#define B_TID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define CHALLENGE "Digest realm=\"" UA_REALM FQDN "\", nonce=\"made up\", "

static const uint8_t signing[UA_SECRET_LEN] = "made up for this test, 32 octets", octets[32] = "made-up Ks_NAF";

static struct ua_ue device(void)
{
    return (struct ua_ue){.crypto = crypto_openssl(), .host = text_of(FQDN), .b_tid = text_of(B_TID)};
}

/* One request and its answer, as both sides of ours see it. */
static void agreed(const char *body, const char *answer)
{
    static char challenge[1024], header[DIGEST_TEXT_MAX], info[1024], room[DIGEST_TEXT_MAX];
    const struct ua_naf n = {crypto_openssl(), text_of(FQDN), BYTES_ARRAY(signing), text_of("s")};
    struct writer c = WRITER_ARRAY(challenge), h = WRITER_ARRAY(header), i = WRITER_ARRAY(info), scratch = WRITER_ARRAY(room);
    SCOPED(ua_ue_wipe) struct ua_ue u = device();
    SCOPED(ua_proof_wipe) struct ua_proof proof = {.made = 0};
    SCOPED(secret_wipe) struct secret key = {.n = 0}, other = {.n = 0};
    const struct ua_message m = {text_of("POST"), text_of("/-?rcn=1"), text_bytes(text_of(body))};
    struct ua_count last = {0, 0};
    struct ua_request rq;
    assert_int_equal(secret_set(&key, BYTES_ARRAY(octets)), ERR_OK);
    assert_int_equal(secret_set(&other, BYTES_ARRAY(signing)), ERR_OK);
    assert_int_equal(ua_challenge(&n, false, true, NOW, &c), ERR_OK);
    assert_int_equal(ua_ue_challenged(&u, writer_view_text(&c)), ERR_OK);
    assert_true(u.stale && u.integrity);
    assert_int_equal(ua_ue_request(&u, &m, &key, &h), ERR_OK);
    assert_int_equal(ua_read(&n, writer_view_text(&h), NOW, &scratch, &rq), ERR_OK);
    assert_int_equal(ua_check(&n, &rq, &m, &other, &last), ERR_DENIED_DIGEST); /* refuses R000-74 */
    assert_int_equal(ua_check(&n, &rq, &m, &key, &last), ERR_OK);
    assert_int_equal(ua_proof_make(&n, &rq, &key, &proof), ERR_OK);
    assert_int_equal(ua_answer(&n, &proof, text_bytes(text_of(answer)), NOW, &i), ERR_OK);
    assert_int_equal(ua_ue_answered(&u, writer_view_text(&i), text_bytes(text_of(answer))), ERR_OK);
    /* refuses R000-74: another body, another key, another request's proof, none at all */
    assert_int_equal(ua_ue_answered(&u, writer_view_text(&i), text_bytes(text_of("another"))), ERR_DENIED_NAF_PROOF);
    assert_int_equal(ua_ue_answered(&u, text_empty(), text_bytes(text_of(answer))), ERR_DENIED_NAF_PROOF);
    assert_int_equal(ua_ue_answered(&u, text_of("nc=00000001"), text_bytes(text_of(answer))), ERR_DENIED_NAF_PROOF);
    assert_int_equal(ua_ue_answered(&u, text_of("rspauth"), text_bytes(text_of(answer))), ERR_MALFORMED_DIGEST);
    i.n = 0;
    assert_int_equal(ua_proof_make(&n, &rq, &other, &proof), ERR_OK);
    assert_int_equal(ua_answer(&n, &proof, text_bytes(text_of(answer)), NOW, &i), ERR_OK);
    assert_int_equal(ua_ue_answered(&u, writer_view_text(&i), text_bytes(text_of(answer))), ERR_DENIED_NAF_PROOF);
    assert_int_equal(ua_ue_challenged(&u, writer_view_text(&c)), ERR_OK); /* a new challenge: what was proved before proves nothing now */
    assert_int_equal(ua_ue_answered(&u, writer_view_text(&i), text_bytes(text_of(answer))), ERR_DENIED_NAF_PROOF);
}

static void both_sides(void **state)
{
    (void)state;
    agreed("{}", "{\"m2m:cnt\":{}}");
    agreed("", "");
}

static void challenges(void **state)
{
    (void)state;
    static const struct {
        const char *challenge;
        err_t e;
    } rows[] = {
        {CHALLENGE "qop=\"auth\"", ERR_OK}, {CHALLENGE "qop=\"auth-int\", algorithm=SHA-256, opaque=\"x\"", ERR_OK},
        {CHALLENGE "algorithm=MD5", ERR_DENIED_UA_WEAK}, {CHALLENGE "qop=\"auth-conf\"", ERR_DENIED_UA_WEAK},
        {CHALLENGE "qop=\"auth\", algorithm=MD5-sess", ERR_DENIED_UA_WEAK}, {CHALLENGE "qop=\"auth\", algorithm=AKAv1-MD5", ERR_DENIED_UA_WEAK},
        {"", ERR_DENIED_UA_WEAK}, {"Basic realm=\"x\"", ERR_MALFORMED_DIGEST},
        {"Digest realm=\"" UA_REALM "maf.example.com\", nonce=\"x\", qop=\"auth\"", ERR_UA_REALM},
        {"Digest realm=\"" FQDN "\", nonce=\"x\", qop=\"auth\"", ERR_UA_REALM},
        {"Digest realm=\"" UA_REALM_UICC FQDN "\", nonce=\"x\", qop=\"auth\"", ERR_UA_REALM}, /* that key stays in the card */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ua_ue u = device();
        assert_int_equal(ua_ue_challenged(&u, text_of(rows[i].challenge)), rows[i].e); /* refuses R000-74 */
        assert_true(rows[i].e != ERR_OK || !u.stale);
        ua_ue_wipe(&u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_sides), cmocka_unit_test(challenges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
