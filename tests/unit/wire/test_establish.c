/* The rows of the association procedure: mechanisms, prerequisites in their order, kinds of lifetime. */
#include "wire/establish.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1900000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define CSE_A "//sp.example.com/a"
#define CSE_B "//sp.example.com/b"
#define AE_A "//sp.example.com/a/Cmeter"
#define AE_B "//sp.example.com/Slamp"

/* All is there: by MAF from one CSE to another. */
static struct establish_input whole(void)
{
    return (struct establish_input){.self = text_of(CSE_A), .peer = text_of(CSE_B), .local_cse = text_empty(),
                                    .mechanism = ESTABLISH_MAF, .lifetime = ESTABLISH_CREDENTIAL,
                                    .credential_end = NOW + HOUR, .is_provisioned = true, .has_secret = true,
                                    .has_certificate = true, .has_provider = true, .has_network = true};
}

static void judged(const struct establish_input *in, err_t want)
{
    const char *what = NULL;
    assert_int_equal(establish_check(in, NOW, &what), want);
    assert_true((what[0] != '\0') == (want != ERR_OK)); /* each refusal says what is missing */
}

static void every_pair_of_ends(void **state)
{
    (void)state;
    static const struct {
        const char *self, *peer, *local;
        err_t want;
    } rows[] = {
        {CSE_A, CSE_B, "", ERR_OK}, {CSE_B, CSE_A, "", ERR_OK}, /* R004-12: from either side */
        {AE_B, CSE_A, "", ERR_OK},                              /* R004-08: a node without a CSE */
        {AE_A, CSE_B, CSE_A, ERR_OK}, {AE_A, AE_B, CSE_A, ERR_OK}, {AE_B, CSE_B, CSE_A, ERR_OK}, /* R004-13 */
        {"", CSE_B, "", ERR_ENTITY_MISSING},                    /* refuses R004-17 */
        {CSE_A, "", "", ERR_ENTITY_MISSING},                    /* refuses R004-17 */
        {CSE_A, "/b", "", ERR_ENTITY_MISSING},                  /* refuses R004-17: relative */
        {CSE_A, "maf.example.com", "", ERR_ENTITY_MISSING},
        {CSE_A, CSE_A, "", ERR_ENTITY_MISSING},                 /* refuses R000-58: exactly two */
        {CSE_A, "//SP.example.com/a", "", ERR_ENTITY_MISSING},  /* the same in other letters */
        {"maf.example.com", CSE_B, "", ERR_DENIED_CALLER},      /* refuses R004-11 */
        {"/a", CSE_B, "", ERR_DENIED_CALLER},                   /* refuses R004-11 */
        {"Cmeter", CSE_B, "", ERR_DENIED_CALLER},               /* refuses R004-11 */
        {CSE_A, CSE_B, CSE_A, ERR_ENTITY_MISSING},              /* a CSE is behind no other */
        {AE_A, CSE_A, CSE_B, ERR_ENTITY_MISSING},               /* refuses R004-13: not its CSE */
        {AE_A, CSE_B, "/a", ERR_ENTITY_MISSING},
        {AE_A, CSE_B, AE_B, ERR_ENTITY_MISSING},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct establish_input in = whole();
        in.self = text_of(rows[i].self);
        in.peer = text_of(rows[i].peer);
        in.local_cse = text_of(rows[i].local);
        judged(&in, rows[i].want);
    }
}

static void what_each_mechanism_needs(void **state)
{
    (void)state;
    static const struct {
        enum establish_mechanism m;
        bool secret, certificate, provider;
        err_t want;
    } rows[] = { /* R000-41 */
        {ESTABLISH_KEY, true, false, false, ERR_OK},
        {ESTABLISH_KEY, false, true, true, ERR_DENIED_SECRET}, /* refuses R004-18 */
        {ESTABLISH_CERTIFICATE, false, true, false, ERR_OK},
        {ESTABLISH_CERTIFICATE, true, false, true, ERR_DENIED_SECRET}, /* refuses R004-18 */
        {ESTABLISH_MAF, true, false, true, ERR_OK},
        {ESTABLISH_MAF, true, true, false, ERR_DENIED_PROVIDER}, /* refuses R002-75: the provider was not chosen */
        {ESTABLISH_MAF, false, true, true, ERR_DENIED_SECRET},   /* refuses R004-15 */
        {ESTABLISH_GBA, true, true, true, ERR_DENIED_MECHANISM}, /* refuses R000-41: not in this build */
        {ESTABLISH_MECHANISMS, true, true, true, ERR_USAGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct establish_input in = whole();
        in.mechanism = rows[i].m;
        in.has_secret = rows[i].secret;
        in.has_certificate = rows[i].certificate;
        in.has_provider = rows[i].provider;
        judged(&in, rows[i].want);
    }
}

static void bootstrap_lifetime_and_network(void **state)
{
    (void)state;
    struct establish_input in = whole();
    in.is_provisioned = in.has_secret = in.has_network = false;
    judged(&in, ERR_DENIED_UNPROVISIONED); /* refuses R000-54, refuses R004-03 */
    in.is_provisioned = true;
    judged(&in, ERR_DENIED_SECRET);
    in.has_secret = true;
    judged(&in, ERR_PEER_UNREACHABLE); /* refuses R000-03 */
    in.has_network = true;
    in.credential_end = NOW;
    judged(&in, ERR_DENIED_EXPIRED); /* refuses R002-85 */
    in.lifetime = ESTABLISH_LIFETIMES;
    judged(&in, ERR_USAGE);
}

static void kinds_of_lifetime(void **state)
{
    (void)state;
    struct establish_input in = whole();
    assert_int_equal(establish_end(&in), NOW + HOUR - 1); /* R002-85, R004-21: shorter than its credential */
    in.until = NOW + HOUR / 2;
    assert_int_equal(establish_end(&in), NOW + HOUR - 1);
    in.lifetime = ESTABLISH_SESSION; /* R002-86 */
    judged(&in, ERR_OK);
    in.lifetime = ESTABLISH_DATA; /* R002-87 */
    judged(&in, ERR_OK);
    assert_int_equal(establish_end(&in), NOW + HOUR / 2);
    in.until = NOW + 2 * HOUR;
    assert_int_equal(establish_end(&in), NOW + HOUR - 1);
    in.until = NOW;
    judged(&in, ERR_LIFETIME_KIND); /* refuses R002-87 */
    in.until = NOW + 1;
    in.lifetime = ESTABLISH_CONTRACT;
    judged(&in, ERR_LIFETIME_KIND); /* refuses R002-88: these are CSEs */
    in.self = text_of(AE_A);
    judged(&in, ERR_LIFETIME_KIND);
    in.peer = text_of(AE_B);
    judged(&in, ERR_OK); /* R002-88 */
    in.credential_end = USEC_NEVER;
    assert_int_equal(establish_end(&in), NOW + 1);
    in.lifetime = ESTABLISH_CREDENTIAL;
    assert_int_equal(establish_end(&in), USEC_NEVER);
}

static void names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ESTABLISH_MECHANISMS; i++) {
        enum establish_mechanism m = ESTABLISH_MECHANISMS;
        const struct establish_row *row = establish_row((enum establish_mechanism)i);
        assert_int_equal(establish_by_name(text_of(row->name), &m), ERR_OK);
        assert_int_equal(m, i);
        assert_true(row->suid != 0 && row->clause[0] != '\0');
    }
    for (unsigned i = 0; i < ESTABLISH_LIFETIMES; i++) {
        enum establish_lifetime k = ESTABLISH_LIFETIMES;
        assert_int_equal(establish_lifetime_by_name(text_of(establish_lifetime_name((enum establish_lifetime)i)), &k), ERR_OK);
        assert_int_equal(k, i);
    }
    enum establish_mechanism m = ESTABLISH_KEY;
    enum establish_lifetime k = ESTABLISH_DATA;
    assert_int_equal(establish_by_name(text_of("magic"), &m), ERR_USAGE);
    assert_int_equal(establish_lifetime_by_name(text_of(""), &k), ERR_USAGE);
    assert_null(establish_row(ESTABLISH_MECHANISMS));
    assert_string_equal(establish_lifetime_name(ESTABLISH_LIFETIMES), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_ends), cmocka_unit_test(what_each_mechanism_needs),
        cmocka_unit_test(bootstrap_lifetime_and_network), cmocka_unit_test(kinds_of_lifetime), cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
