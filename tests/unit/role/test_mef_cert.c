/* Certificate RSPF at the MEF: the instruction names a certificate; the rest is as with a pre-shared key. */
#include "base/base64.h"
#include "role/mef/mef.h"
#include "wire/json.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define KEY_ID "sha-256;AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define OID "0.2.481.1.100.3030.10011"
#define AE "//sp.example.com/Sdev1"

struct fixture {
    struct world w;
    struct world_node *mef;
    struct world_reply r;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    world_init(&f->w, T0);
    f->mef = world_add(&f->w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\n");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    world_free(&f->w);
    free(f);
    return 0;
}

static err_t add(struct fixture *f, const char *id, const char *more)
{
    char args[1024];
    snprintf(args, sizeof(args), "{\"kind\":\"cert\",\"id\":\"%s\"%s}", id, more);
    return world_ctl(&f->w, f->mef, "credential", "add", args, &f->r);
}
#define TO_MAF ",\"target\":\"maf.example.com\""
#define TO_CSE ",\"target\":\"//sp.example.com/in\""

static err_t enrol(struct fixture *f, enum world_name kind, const char *name, struct world_session *s)
{
    struct role_cert c = world_cert(&f->w, kind, name);
    return world_connect_names(&f->w, f->mef, &c, s);
}

static err_t named(struct fixture *f, const char *verb, const char *id)
{
    char args[300];
    snprintf(args, sizeof(args), "{\"ID\":\"%s\"}", id);
    return world_ctl(&f->w, f->mef, "credential", verb, args, &f->r);
}

/* R000-24, R001-31, R001-91, R001-93, R001-96, R001-101, R001-102 */
static void each_flavour_enrols(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum world_name kind;
        const char *shown, *id, *flavour, *credential;
    } rows[] = {
        {WORLD_DEVICE, OID, OID, "device", "31-" OID},
        {WORLD_URI, "m2m:" AE, AE, "ae-id", "33-" AE},
        {WORLD_DNS, "MN1.sp.example.com", "//sp.example.com/mn1", "cse-id", "32-//sp.example.com/mn1"},
        {WORLD_URI, "urn:m2m:node:node_17", "node_17", "node-id", "34-node_17"},
        {WORLD_RAW, KEY_ID, KEY_ID, "raw", "30-sha-256.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world_session s;
        char more[200];
        snprintf(more, sizeof(more), TO_MAF ",\"flavour\":\"%s\"", rows[i].flavour);
        assert_int_equal(add(f, rows[i].id, more), ERR_OK);
        assert_non_null(strstr(f->r.body, rows[i].flavour));
        assert_int_equal(enrol(f, rows[i].kind, rows[i].shown, &s), ERR_OK);
        assert_int_equal(s.assoc.peer, PEER_ENROLEE);
        assert_int_equal(s.assoc.framework, ASSOCIATION_CERT);
        assert_string_equal(s.assoc.credential_id, rows[i].credential);
        assert_int_equal(world_count(f->mef, TABLE_MEF_KE), i + 1); /* R001-89, R001-109 */
    }
    assert_int_equal(world_audited(f->mef, AUDIT_KE_ISSUED), ARRAY_LEN(rows));
}

/* The holder is known by the Enrolee-ID of its instruction, or by what its certificate says (R001-103). */
static void enrolee_id(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, AE, TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, WORLD_URI, AE, &s), ERR_OK);
    assert_true(association_is_bound_to(&s.assoc, text_of(AE)));
    assert_int_equal(add(f, OID, TO_MAF ",\"enrolee-id\":\"//sp.example.com/Sassigned\""), ERR_OK);
    assert_int_equal(enrol(f, WORLD_DEVICE, OID, &s), ERR_OK);
    assert_true(association_is_bound_to(&s.assoc, text_of("//sp.example.com/Sassigned")));
    assert_int_equal(add(f, "node_1", TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, WORLD_URI, "urn:m2m:node:node_1", &s), ERR_OK);
    assert_int_equal(s.assoc.ids_n, 0);
}

/* A good certificate is not enough. */
static void not_instructed_is_refused(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, AE, TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, WORLD_URI, "m2m://sp.example.com/Sdev2", &s), ERR_DENIED_CERT_INSTRUCTION); /* refuses R001-31, R001-100 */
    assert_int_equal(enrol(f, WORLD_DEVICE, OID, &s), ERR_DENIED_CERT_INSTRUCTION); /* refuses R001-100, R001-102 */
    assert_int_equal(enrol(f, WORLD_URI, "urn:m2m:node:node_17", &s), ERR_DENIED_CERT_INSTRUCTION);
    assert_int_equal(enrol(f, WORLD_RAW, KEY_ID, &s), ERR_DENIED_CERT_RAW);
    assert_int_equal(enrol(f, WORLD_URI, "ftp://", &s), ERR_DENIED_CERT_NAME); /* it names nobody */
    /* the same name in another flavour is another */
    assert_int_equal(add(f, "//sp.example.com/mn1", TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, WORLD_URI, "m2m://sp.example.com/mn1", &s), ERR_DENIED_CERT_NAME);
    assert_int_equal(enrol(f, WORLD_URI, "m2m://sp.example.com/sdev1", &s), ERR_DENIED_CERT_NAME); /* octet by octet */
    /* an instruction without a target authorises nothing */
    assert_int_equal(add(f, OID, ""), ERR_OK);
    assert_int_equal(enrol(f, WORLD_DEVICE, OID, &s), ERR_DENIED_NOT_INSTRUCTED); /* refuses R001-96, R001-99 */
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), 0);
    assert_int_equal(world_audited(f->mef, AUDIT_REFUSED), 0);
}

/* A pinned key proves itself and no name beside it. */
static void names_of_a_pinned_certificate_count_for_nothing(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, AE, TO_MAF), ERR_OK);
    struct role_cert c = world_cert(&f->w, WORLD_URI, "m2m:" AE);
    c.raw = true;
    assert_int_equal(world_connect_names(&f->w, f->mef, &c, &s), ERR_DENIED_CERT_RAW); /* refuses R001-15, R001-148 */
    /* and the key of a certificate with a path is not that of a pinned one: flavour as configured (5.7 step 1) */
    assert_int_equal(add(f, KEY_ID, TO_MAF), ERR_OK);
    c = world_cert(&f->w, WORLD_DEVICE, OID);
    assert_int_equal(world_connect_names(&f->w, f->mef, &c, &s), ERR_DENIED_CERT_INSTRUCTION);
}

static void revoked_and_expired_are_refused(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, AE, TO_MAF ",\"lifetime\":\"2h\""), ERR_OK);
    assert_int_equal(enrol(f, WORLD_URI, AE, &s), ERR_OK);
    assert_int_equal(s.assoc.not_after, T0 + 2 * HOUR - 1);
    assert_int_equal(named(f, "revoke", AE), ERR_OK);
    assert_int_equal(world_audited(f->mef, AUDIT_CREDENTIAL_REVOKED), 1);
    assert_int_equal(enrol(f, WORLD_URI, AE, &s), ERR_DENIED_REVOKED); /* refuses R001-31 */
    /* not passed over for another name of the same certificate */
    assert_int_equal(add(f, OID, TO_MAF), ERR_OK);
    struct role_cert both = world_cert(&f->w, WORLD_URI, "m2m:" AE);
    both.device[0] = text_of(OID);
    both.device_n = 1;
    assert_int_equal(world_connect_names(&f->w, f->mef, &both, &s), ERR_DENIED_REVOKED);
    assert_int_equal(add(f, "node_1", TO_MAF ",\"lifetime\":\"1h\""), ERR_OK);
    f->w.now += HOUR;
    assert_int_equal(enrol(f, WORLD_URI, "urn:m2m:node:node_1", &s), ERR_DENIED_EXPIRED);
    /* the certificate's own end: nothing lives longer than it */
    struct role_cert brief = world_cert(&f->w, WORLD_DEVICE, OID);
    brief.not_after = f->w.now + 60 * USEC_PER_SEC;
    assert_int_equal(world_connect_names(&f->w, f->mef, &brief, &s), ERR_OK);
    assert_int_equal(s.assoc.not_after, f->w.now + 60 * USEC_PER_SEC - 1);
    brief.not_after = f->w.now;
    assert_int_equal(world_connect_names(&f->w, f->mef, &brief, &s), ERR_DENIED_CERT_EXPIRED);
}

/* The identity of a certificate is no psk_identity: there is no key behind it. */
static void a_psk_by_that_name_is_refused(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct secret any;
    world_secret("00112233445566778899aabbccddeeff", &any);
    assert_int_equal(add(f, AE, TO_MAF), ERR_OK);
    assert_int_equal(add(f, "node_1", TO_MAF), ERR_OK);
    assert_int_not_equal(world_connect(&f->w, f->mef, "33-" AE, &any, &s), ERR_OK);
    assert_int_not_equal(world_connect(&f->w, f->mef, "34-node_1", &any, &s), ERR_OK);
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), 0);
}

static void ke_of(const struct world_session *s, struct key_ke *ke, struct keyid *ke_id)
{
    struct keys_relative rel;
    assert_int_equal(keys_ke_split(&s->exported, ke, &rel), ERR_OK);
    assert_int_equal(keyid_of_relative(&rel, text_of("mef.example.com"), ke_id), ERR_OK);
}

static err_t fetch(struct fixture *f, struct world_session *s, const char *from, const struct keyid *ke_id, const char *suid)
{
    char path[512];
    snprintf(path, sizeof(path), "/fetchCredentials/%s%s", ke_id->z, suid);
    struct world_request rq = {.op = OP_RETRIEVE, .path = path, .from = from};
    return world_request(s, &rq, &f->r);
}

/* R001-102, R001-104: that target, no other, and the Enrolee-ID with the key; the Enrolee itself gets none. */
static void only_the_target_fetches(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct world_session maf;
    struct key_ke ke;
    struct keyid ke_id;
    assert_int_equal(add(f, AE, TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, WORLD_URI, "m2m:" AE, &s), ERR_OK);
    ke_of(&s, &ke, &ke_id);
    assert_int_not_equal(fetch(f, &s, AE, &ke_id, "/21"), ERR_OK);
    assert_int_equal(add(f, "node_2", ",\"target\":\"other.example.com\""), ERR_OK); /* of another Enrolee */
    assert_int_equal(world_connect_cert(&f->w, f->mef, "other.example.com", &maf), ERR_OK);
    assert_int_equal(fetch(f, &maf, "other.example.com", &ke_id, "/21"), ERR_DENIED_TARGET); /* refuses R001-102 */
    assert_int_equal(world_connect_cert(&f->w, f->mef, "maf.example.com", &maf), ERR_OK);
    assert_int_equal(maf.assoc.peer, PEER_CLIENT);
    assert_int_equal(fetch(f, &maf, "maf.example.com", &ke_id, "/21"), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"enroleeID\":\"" AE "\""));
    assert_int_equal(named(f, "revoke", "33-" AE), ERR_OK);
    assert_int_equal(fetch(f, &maf, "maf.example.com", &ke_id, "/21"), ERR_DENIED_REVOKED);
}

/* An AE that is a target comes with a certificate like an Enrolee's: the instruction that names it lets it in. */
static void an_ae_that_is_a_target_may_come(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct world_session ae;
    struct key_ke ke;
    struct keyid ke_id;
    assert_int_equal(enrol(f, WORLD_URI, "m2m://sp.example.com/Starget", &ae), ERR_DENIED_CERT_INSTRUCTION);
    assert_int_equal(add(f, OID, ",\"target\":\"//sp.example.com/Starget\""), ERR_OK);
    assert_int_equal(enrol(f, WORLD_DEVICE, OID, &s), ERR_OK);
    ke_of(&s, &ke, &ke_id);
    assert_int_equal(enrol(f, WORLD_URI, "m2m://sp.example.com/Starget", &ae), ERR_OK);
    assert_int_equal(ae.assoc.peer, PEER_CLIENT);
    assert_int_equal(fetch(f, &ae, "//sp.example.com/Starget", &ke_id, "/22"), ERR_OK);
}

/* A host name alone is no right to come: the Enrolee would take the session for its enrolment. */
static void host_names_are_instructed_or_targets(void **state)
{
    static const struct {
        enum world_name kind;
        const char *name;
    } hosts[] = {{WORLD_DNS, "maf.example.com"}, {WORLD_DNS, "in.sp.example.com"}, {WORLD_DNS, "node17.example.com"},
                 {WORLD_URI, "https://maf.example.com/x"}, {WORLD_URI, "maf.example.com"}};
    struct fixture *f = *state;
    struct world_session s;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) { /* refuses R001-100 */
        assert_int_equal(enrol(f, hosts[i].kind, hosts[i].name, &s), ERR_DENIED_CERT_INSTRUCTION);
    }
    assert_int_equal(err_info(ERR_DENIED_CERT_INSTRUCTION)->alert, 49);
    assert_int_equal(add(f, AE, TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, WORLD_DNS, "MAF.example.com", &s), ERR_OK);
    assert_int_equal(enrol(f, WORLD_URI, "https://maf.example.com/x", &s), ERR_OK);
    assert_int_equal(enrol(f, WORLD_DNS, "in.sp.example.com", &s), ERR_DENIED_CERT_INSTRUCTION);
    assert_int_equal(add(f, OID, TO_CSE), ERR_OK);
    assert_int_equal(enrol(f, WORLD_DNS, "in.sp.example.com", &s), ERR_OK); /* a CSE-ID by its public domain name */
    assert_int_equal(s.assoc.peer, PEER_CLIENT);
    assert_int_equal(add(f, "node17.example.com", TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, WORLD_DNS, "node17.example.com", &s), ERR_OK); /* R001-100: configured, so it may */
    assert_int_equal(s.assoc.peer, PEER_ENROLEE);
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), 1);
    assert_int_equal(named(f, "revoke", AE), ERR_OK); /* its record stays, and what it says of the target */
    assert_int_equal(enrol(f, WORLD_DNS, "maf.example.com", &s), ERR_OK);
}

static bool del_one(void *arg, struct bytes id, struct store_value value)
{
    char *name = arg;
    (void)value;
    assert_true(id.n < KEYID_MAX);
    memcpy(name, id.p, id.n);
    name[id.n] = '\0';
    return false;
}

/* A store from before the index: the first start with it makes it, however many credentials there are. */
static void an_old_store_gets_its_index(void **state)
{
    enum { MANY = 75 };
    struct fixture *f = *state;
    struct world_session s;
    for (int i = 0; i < MANY; i++) {
        char id[32];
        char more[64];
        snprintf(id, sizeof(id), "node_%d", i);
        snprintf(more, sizeof(more), ",\"target\":\"maf%d.example.com\"", i);
        assert_int_equal(add(f, id, more), ERR_OK);
    }
    assert_int_equal(world_count(f->mef, TABLE_MEF_TARGET), MANY);
    assert_int_equal(store_begin(f->mef->store, true), ERR_OK);
    char name[KEYID_MAX];
    for (int i = 0; i < MANY; i++) {
        struct store_scan q = {.table = TABLE_MEF_TARGET, .prefix = bytes_empty(), .after = bytes_empty()};
        assert_int_equal(store_scan(f->mef->store, &q, del_one, name), ERR_OK);
        assert_int_equal(store_del(f->mef->store, TABLE_MEF_TARGET, text_bytes(text_of(name))), ERR_OK);
    }
    assert_int_equal(store_del(f->mef->store, TABLE_META, text_bytes(text_of("mef-targets"))), ERR_OK);
    assert_int_equal(store_commit(f->mef->store), ERR_OK);
    assert_int_equal(enrol(f, WORLD_DNS, "maf74.example.com", &s), ERR_DENIED_CERT_INSTRUCTION);
    world_seed(&f->w, f->mef);
    assert_int_equal(world_count(f->mef, TABLE_MEF_TARGET), MANY);
    assert_int_equal(enrol(f, WORLD_DNS, "maf74.example.com", &s), ERR_OK);
}

static void eight_live_keys(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, AE, TO_CSE), ERR_OK);
    for (int i = 0; i < 10; i++) {
        f->w.now += USEC_PER_SEC;
        assert_int_equal(enrol(f, WORLD_URI, AE, &s), ERR_OK);
    }
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), 8);
    assert_int_equal(world_audited(f->mef, AUDIT_KE_DROPPED), 2);
}

static void commands(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, AE, TO_MAF), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"kind\":\"cert\""));
    assert_int_equal(add(f, AE, TO_MAF), ERR_EXISTS);
    assert_int_equal(add(f, "33-" AE, TO_MAF), ERR_EXISTS);
    assert_int_equal(named(f, "show", AE), ERR_OK);
    assert_int_equal(named(f, "show", OID), ERR_NOT_FOUND);
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "list", "{}", &f->r), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"flavour\":\"ae-id\""));
    static const struct {
        const char *id, *more;
        err_t want;
    } bad[] = {
        {AE, ",\"flavour\":\"device\"", ERR_USAGE},
        {OID, ",\"flavour\":\"fqdn\"", ERR_USAGE},
        {OID, ",\"flavour\":\"x\"", ERR_USAGE},
        {OID, ",\"key\":\"00112233445566778899aabbccddeeff\"", ERR_USAGE}, /* refuses R001-12: no private key is taken */
        {OID, ",\"enrolee-id\":\"//sp.example.com/S1,//sp.example.com/S2\"", ERR_LIMIT_CAPACITY},
        {OID, ",\"target\":\"nonsense/\"", ERR_MALFORMED_ID},
        {"", "", ERR_MALFORMED_ID},
        {"dev@mef.example.com", "", ERR_MALFORMED_ID},
        {"*.sp.example.com", "", ERR_MALFORMED_ID},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(add(f, bad[i].id, bad[i].more), bad[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_flavour_enrols, setup, teardown),
        cmocka_unit_test_setup_teardown(enrolee_id, setup, teardown),
        cmocka_unit_test_setup_teardown(not_instructed_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(names_of_a_pinned_certificate_count_for_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(revoked_and_expired_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_psk_by_that_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_target_fetches, setup, teardown),
        cmocka_unit_test_setup_teardown(an_ae_that_is_a_target_may_come, setup, teardown),
        cmocka_unit_test_setup_teardown(host_names_are_instructed_or_targets, setup, teardown),
        cmocka_unit_test_setup_teardown(an_old_store_gets_its_index, setup, teardown),
        cmocka_unit_test_setup_teardown(eight_live_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(commands, setup, teardown),
    };
    return cmocka_run_group_tests_name("mef-cert", tests, NULL, NULL);
}
