/*
 * Every refusal of an OCSP response [TS-0003 8.1.2.2, RFC 6960], for what a server is about to staple and for what a
 * client was given.
 */
#include "ocsp_fixture.h"

#include "shell/x509_ocsp.h"

#include <time.h>

#define GOOD V_OCSP_CERTSTATUS_GOOD
#define REVOKED V_OCSP_CERTSTATUS_REVOKED
#define UNKNOWN V_OCSP_CERTSTATUS_UNKNOWN
#define HOUR 3600
#define DAY 86400

static const char *trust_lists; /* NAME of NAME.crl that speaks of responders too, or NULL */

static err_t verdict(struct bytes response, struct x509_ocsp_span *span)
{
    X509 *cert = ocsp_cert("server");
    X509 *issuer = ocsp_cert("ca");
    X509_STORE *trust = NULL;
    char detail[ROLE_DETAIL_MAX];
    const struct x509_trust t = {.anchors = fixture_path("ca.pem"), .crls = trust_lists == NULL ? NULL : fixture_path(trust_lists)};
    assert_int_equal(x509_trust_load(&t, &trust, detail), ERR_OK);
    const struct x509_ocsp_ask ask = {cert, issuer, trust, (usec_t)time(NULL) * USEC_PER_SEC};
    err_t e = x509_ocsp_check(response, &ask, span);
    assert_int_equal(ERR_peek_error(), 0);
    X509_STORE_free(trust);
    X509_free(cert);
    X509_free(issuer);
    return e;
}

static void expect(const struct ocsp_made *m, err_t e)
{
    struct x509_ocsp_span span;
    err_t got = verdict(ocsp_make(m), &span);
    if (got != e) {
        fail_msg("%s, not %s", err_code(got), err_code(e));
    }
}
#define EXPECT(e, ...) expect(&(const struct ocsp_made){__VA_ARGS__}, (e))
#define FRESH(status) {{"server", "ca", (status), -HOUR, DAY}}

static int setup(void **state)
{
    if (fixture_setup(state) != 0) {
        return -1;
    }
    const struct pki_ca_request other = {"made-up CA", "keystead.test", fixture_path("other.pem"), fixture_path("other.key"), 60};
    if (pki_ca_make(&other) != ERR_OK) { /* the same name, another key */
        return -1;
    }
    static const struct ocsp_responder responders[] = {
        {"responder", "ca", "OCSPSigning", NULL, 30, false}, {"quiet", "ca", "OCSPSigning", NULL, 30, true},
        {"plain", "ca", NULL, NULL, 30, false},              {"any", "ca", "anyExtendedKeyUsage", NULL, 30, false},
        {"web", "ca", "serverAuth", NULL, 30, false},        {"foreign", "other", "OCSPSigning", NULL, 30, false},
        {"old", "ca", "OCSPSigning", NULL, -1, false},       {"large", "ca", "OCSPSigning", "P-384", 30, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(responders); i++) {
        ocsp_responder_make(&responders[i]);
    }
    return 0;
}

/* -- what is taken --------------------------------------------------------------------------------------------- */
static void the_issuer_and_who_it_appoints_are_believed(void **state)
{
    (void)state;
    struct x509_ocsp_span span;
    const struct ocsp_made m = {.answers = FRESH(GOOD), .signer = "ca"};
    assert_int_equal(verdict(ocsp_make(&m), &span), ERR_OK);
    assert_true(span.to - span.from == (HOUR + DAY) * USEC_PER_SEC);
    EXPECT(ERR_OK, .answers = FRESH(GOOD), .signer = "ca", .sha1_id = true);
    EXPECT(ERR_OK, .answers = FRESH(GOOD), .signer = "ca", .shows_signer = true);
    EXPECT(ERR_OK, .answers = FRESH(GOOD), .signer = "responder", .shows_signer = true);
    EXPECT(ERR_OK, .answers = {{"client", "ca", REVOKED, -HOUR, DAY}, {"server", "ca", GOOD, -HOUR, DAY}}, .signer = "ca");
}

static void pki_makes_what_the_list_says(void **state)
{
    (void)state;
    char detail[ROLE_DETAIL_MAX];
    struct x509_ocsp_span span;
    char cert[128], key[128], victim[128], crl[128], made[128]; /* fixture_path forgets */
    (void)snprintf(cert, sizeof(cert), "%s", fixture_path("ca.pem"));
    (void)snprintf(key, sizeof(key), "%s", fixture_path("ca.key"));
    (void)snprintf(victim, sizeof(victim), "%s", fixture_path("server.pem"));
    (void)snprintf(crl, sizeof(crl), "%s", fixture_path("said.crl"));
    (void)snprintf(made, sizeof(made), "%s", fixture_path("said.ocsp"));
    const char *const revoked[] = {victim};
    struct pki_revocation list = {.ca = {cert, key}, .crl_file = crl, .days = 2};
    const struct pki_ocsp rq = {.ca = list.ca, .cert_file = victim, .crl_file = crl, .response_file = made, .days = 7};
    assert_int_equal(pki_ocsp_make(&rq, detail), ERR_IO); /* no list */
    assert_int_equal(pki_crl_make(&list, detail), ERR_OK);
    assert_int_equal(pki_ocsp_make(&rq, detail), ERR_OK);
    assert_int_equal(verdict(ocsp_read("said.ocsp"), &span), ERR_OK);
    assert_true(span.to - span.from <= 2 * DAY * USEC_PER_SEC); /* no longer than the list */
    list.revoke = revoked;
    list.revoke_n = 1;
    assert_int_equal(pki_crl_make(&list, detail), ERR_OK);
    assert_int_equal(pki_ocsp_make(&rq, detail), ERR_OK); /* replaced */
    assert_int_equal(verdict(ocsp_read("said.ocsp"), &span), ERR_DENIED_OCSP_REVOKED);
    struct pki_ocsp wrong = rq;
    wrong.ca = (struct pki_signer){fixture_path("other.pem"), fixture_path("other.key")};
    assert_int_equal(pki_ocsp_make(&wrong, detail), ERR_DENIED_CERT_CA); /* not its certificate */
    wrong = rq;
    wrong.cert_file = fixture_path("other.pem");
    assert_int_equal(pki_ocsp_make(&wrong, detail), ERR_DENIED_CERT_CA);
    wrong = rq;
    wrong.days = 0;
    assert_int_equal(pki_ocsp_make(&wrong, detail), ERR_USAGE);
}

/* -- form ------------------------------------------------------------------------------------------------------- */
static void what_is_cut_or_changed_is_refused(void **state)
{
    (void)state;
    static uint8_t whole[4096];
    struct x509_ocsp_span span;
    const struct ocsp_made m = {.answers = FRESH(GOOD), .signer = "ca"};
    struct bytes good = ocsp_make(&m);
    assert_true(good.n < sizeof(whole));
    memcpy(whole, good.p, good.n);
    assert_int_equal(verdict(bytes_of(whole, good.n), &span), ERR_OK);
    for (size_t n = 0; n < good.n; n++) {
        assert_int_equal(verdict(bytes_of(whole, n), &span), ERR_DENIED_OCSP_FORM);
    }
    whole[good.n] = 0;
    assert_int_equal(verdict(bytes_of(whole, good.n + 1), &span), ERR_DENIED_OCSP_FORM); /* something follows */
    for (size_t bit = 0; bit < 8 * good.n; bit++) {
        whole[bit / 8] ^= (uint8_t)(1U << bit % 8);
        err_t e = verdict(bytes_of(whole, good.n), &span);
        whole[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (e != ERR_DENIED_OCSP_FORM && e != ERR_DENIED_OCSP_SIGNER) {
            fail_msg("bit %zu of %zu: %s", bit, 8 * good.n, err_code(e));
        }
    }
}

static void errors_of_responders_are_no_answer(void **state)
{
    (void)state;
    static const int errors[] = {OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, OCSP_RESPONSE_STATUS_INTERNALERROR,
                                 OCSP_RESPONSE_STATUS_TRYLATER, OCSP_RESPONSE_STATUS_SIGREQUIRED,
                                 OCSP_RESPONSE_STATUS_UNAUTHORIZED};
    struct x509_ocsp_span span;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        assert_int_equal(verdict(ocsp_error(errors[i]), &span), ERR_DENIED_OCSP_FORM);
    }
    assert_int_equal(verdict(ocsp_error(OCSP_RESPONSE_STATUS_SUCCESSFUL), &span), ERR_DENIED_OCSP_FORM); /* with nothing in it */
    static uint8_t large[X509_OCSP_MAX + 1];
    assert_int_equal(verdict(bytes_of(large, sizeof(large)), &span), ERR_DENIED_OCSP_FORM);
    EXPECT(ERR_DENIED_OCSP_FORM, .answers = FRESH(GOOD), .signer = "ca", .critical = true);
}

/* -- whom it is about --------------------------------------------------------------------------------------------- */
static void another_certificate_is_not_ours(void **state)
{
    (void)state;
    EXPECT(ERR_DENIED_OCSP_OTHER, .answers = {{"client", "ca", GOOD, -HOUR, DAY}}, .signer = "ca"); /* serial */
    EXPECT(ERR_DENIED_OCSP_OTHER, .answers = {{"server", "other", GOOD, -HOUR, DAY}}, .signer = "ca"); /* key of the issuer */
    EXPECT(ERR_DENIED_OCSP_OTHER, .answers = {{NULL, NULL, 0, 0, 0}}, .signer = "ca"); /* about nobody */
}

/* -- who says so ---------------------------------------------------------------------------------------------------- */
static void strangers_are_not_believed(void **state)
{
    (void)state;
    static const char *const strangers[] = {"other", "foreign", "server", "plain", "any", "web", "old", "large"};
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        EXPECT(ERR_DENIED_OCSP_SIGNER, .answers = FRESH(GOOD), .signer = strangers[i], .shows_signer = true);
    }
    EXPECT(ERR_DENIED_OCSP_SIGNER, .answers = FRESH(REVOKED), .signer = "other", .shows_signer = true);
    EXPECT(ERR_DENIED_OCSP_SIGNER, .answers = FRESH(GOOD), .signer = "responder"); /* nobody can tell who that is */
    EXPECT(ERR_DENIED_OCSP_SIGNER, .answers = FRESH(GOOD), .signer = "ca", .md = EVP_sha384()); /* the profile: SHA-256 */
    EXPECT(ERR_DENIED_OCSP_SIGNER, .answers = FRESH(GOOD), .signer = "ca", .md = EVP_sha1());
}

static void a_responder_can_be_revoked(void **state)
{
    (void)state;
    char detail[ROLE_DETAIL_MAX];
    const char *const gone[] = {fixture_path("responder.pem"), fixture_path("quiet.pem")};
    const struct pki_revocation list = {.ca = {fixture_path("ca.pem"), fixture_path("ca.key")},
                                        .crl_file = fixture_path("responders.crl"), .revoke = gone, .revoke_n = 2, .days = 2};
    assert_int_equal(pki_crl_make(&list, detail), ERR_OK);
    trust_lists = "responders.crl";
    EXPECT(ERR_DENIED_OCSP_SIGNER, .answers = FRESH(GOOD), .signer = "responder", .shows_signer = true);
    EXPECT(ERR_OK, .answers = FRESH(GOOD), .signer = "quiet", .shows_signer = true); /* ocsp-nocheck: the CA says: do not ask */
    EXPECT(ERR_OK, .answers = FRESH(GOOD), .signer = "ca");
    trust_lists = NULL;
    EXPECT(ERR_OK, .answers = FRESH(GOOD), .signer = "responder", .shows_signer = true);
}

/* -- what it says --------------------------------------------------------------------------------------------------- */
static void only_good_and_now_is_good(void **state)
{
    (void)state;
    EXPECT(ERR_DENIED_OCSP_REVOKED, .answers = FRESH(REVOKED), .signer = "ca");
    EXPECT(ERR_DENIED_OCSP_REVOKED, .answers = FRESH(REVOKED), .signer = "responder", .shows_signer = true);
    EXPECT(ERR_DENIED_OCSP_REVOKED, .answers = {{"server", "ca", REVOKED, -2 * DAY, -DAY}}, .signer = "ca");
    EXPECT(ERR_DENIED_OCSP_UNKNOWN, .answers = FRESH(UNKNOWN), .signer = "ca");
    EXPECT(ERR_DENIED_OCSP_REVOKED, .answers = {{"server", "ca", GOOD, -HOUR, DAY}, {"server", "ca", REVOKED, -HOUR, DAY}},
           .signer = "ca");
    EXPECT(ERR_DENIED_OCSP_STALE, .answers = {{"server", "ca", GOOD, -2 * DAY, -5}}, .signer = "ca");
    EXPECT(ERR_DENIED_OCSP_STALE, .answers = {{"server", "ca", GOOD, HOUR, DAY}}, .signer = "ca"); /* not yet */
    EXPECT(ERR_DENIED_OCSP_STALE, .answers = {{"server", "ca", GOOD, -HOUR, 0}}, .signer = "ca"); /* for how long? */
    EXPECT(ERR_DENIED_OCSP_STALE, .answers = {{"server", "ca", GOOD, DAY, HOUR}}, .signer = "ca"); /* ends before it begins */
    EXPECT(ERR_OK, .answers = {{"server", "ca", GOOD, 60, DAY}}, .signer = "ca"); /* a clock may be a little behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_issuer_and_who_it_appoints_are_believed),
        cmocka_unit_test(pki_makes_what_the_list_says),
        cmocka_unit_test(what_is_cut_or_changed_is_refused),
        cmocka_unit_test(errors_of_responders_are_no_answer),
        cmocka_unit_test(another_certificate_is_not_ours),
        cmocka_unit_test(strangers_are_not_believed),
        cmocka_unit_test(a_responder_can_be_revoked),
        cmocka_unit_test(only_good_and_now_is_good),
    };
    return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
