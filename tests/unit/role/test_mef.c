/* M2M Enrolment Function: every refusal and every success of enrolment and /fetchCredentials, over a memory store. */
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
#define KPM "00112233445566778899aabbccddeeff"
#define MEF_CONF "[mef]\nfqdn = mef.example.com\n"

struct fixture {
    struct world w;
    struct world_node *mef;
    struct secret kpm;
    struct world_reply r;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    world_init(&f->w, T0);
    f->mef = world_add(&f->w, &role_mef, "mef.example.com", MEF_CONF);
    world_secret(KPM, &f->kpm);
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

static err_t add(struct fixture *f, const char *more)
{
    char args[1024];
    snprintf(args, sizeof(args), "{\"kind\":\"kpm\",\"key\":\"" KPM "\"%s}", more);
    return world_ctl(&f->w, f->mef, "credential", "add", args, &f->r);
}

#define TO_MAF ",\"id\":\"Dev1@mef.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev1\",\"target\":\"maf.example.com\""
#define TO_CSE ",\"id\":\"dev2@mef.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev2\",\"target\":\"//sp.example.com/in\""

static err_t enrol(struct fixture *f, const char *identity, struct world_session *s)
{
    return world_connect(&f->w, f->mef, identity, &f->kpm, s);
}

/* KeId and the keys that an Enrolee computes itself from its own export. */
static void ke_of(const struct world_session *s, struct key_ke *ke, struct keyid *ke_id)
{
    struct keys_relative rel;
    assert_int_equal(keys_ke_split(&s->exported, ke, &rel), ERR_OK);
    assert_int_equal(keyid_of_relative(&rel, text_of("mef.example.com"), ke_id), ERR_OK);
}

static err_t fetch_as(struct fixture *f, const char *dns, const char *from, const struct keyid *ke_id, const char *suid)
{
    struct world_session s;
    assert_int_equal(world_connect_cert(&f->w, f->mef, dns, &s), ERR_OK);
    char path[512];
    snprintf(path, sizeof(path), "/fetchCredentials/%s%s", ke_id->z, suid);
    struct world_request rq = {.op = OP_RETRIEVE, .path = path, .from = from};
    return world_request(&s, &rq, &f->r);
}

static void expect_failure_body(struct fixture *f, const char *code)
{
    json_t *o = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    assert_true(json_is_false(json_object_get(o, "status")));
    assert_true(text_starts(json_get_text(o, "errorString"), code));
    assert_null(json_object_get(o, "credential"));
    json_decref(o);
}

static void expect_key(struct fixture *f, const struct secret *want, const char *enrolee, int64_t lifetime)
{
    json_t *o = NULL;
    assert_int_equal(f->r.rsc, 2000);
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    assert_true(json_is_true(json_object_get(o, "status")));
    assert_true(text_eq_z(json_get_text(o, "enroleeID"), enrolee));
    assert_int_equal(json_integer_value(json_object_get(o, "lifetime")), lifetime);
    uint8_t b[64];
    struct writer w = WRITER_ARRAY(b);
    assert_int_equal(base64_parse(json_get_text(o, "credential"), &w), ERR_OK);
    assert_int_equal(w.n, 32);
    assert_memory_equal(b, want->b, 32);
    json_decref(o);
}

/* -- handshake ------------------------------------------------------------------------------------------ */
static void test_enrol(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, "Dev1@mef.example.com", &s), ERR_OK); /* R000-55, R001-11, R001-66, R001-81, R001-85, R001-88 */
    assert_int_equal(s.assoc.peer, PEER_ENROLEE);
    assert_true(association_is_bound_to(&s.assoc, text_of("//sp.example.com/Sdev1")));
    assert_string_equal(s.assoc.credential_id, "10-Dev1@mef.example.com");
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), 1);
    assert_int_equal(world_audited(f->mef, AUDIT_KE_ISSUED), 1);
    /* KpmId is compared without case */
    assert_int_equal(enrol(f, "dev1@MEF.example.com", &s), ERR_OK);
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), 2);
}

static void test_handshake_refused(void **state) /* refuses R000-21, R000-23, R001-06, R002-49 */
{
    struct fixture *f = *state;
    struct world_session s;
    struct secret wrong;
    assert_int_equal(add(f, TO_MAF), ERR_OK);
    world_secret("ffffffffffffffffffffffffffffffff", &wrong);
    assert_int_equal(world_connect(&f->w, f->mef, "dev1@mef.example.com", &wrong, &s), ERR_DENIED_PSK_WRONG); /* refuses R001-83 */
    assert_int_equal(enrol(f, "dev9@mef.example.com", &s), ERR_DENIED_PSK_UNKNOWN);   /* refuses R001-82 */
    assert_int_equal(enrol(f, "dev1@other.example.com", &s), ERR_DENIED_PSK_UNKNOWN); /* another MEF's */
    assert_int_equal(enrol(f, "dev1", &s), ERR_MALFORMED_KEY_ID);
    assert_int_equal(enrol(f, "a@b@mef.example.com", &s), ERR_MALFORMED_KEY_ID);
    assert_int_equal(enrol(f, "@mef.example.com", &s), ERR_MALFORMED_KEY_ID);
    assert_int_equal(enrol(f, "", &s), ERR_MALFORMED_KEY_ID);
    /* nothing is left behind, in the store or in the audit chain */
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), 0);
    assert_int_equal(world_audited(f->mef, AUDIT_REFUSED), 0);
}

static void test_not_instructed(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, ",\"id\":\"dev3@mef.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev3\""), ERR_OK);
    assert_int_equal(enrol(f, "dev3@mef.example.com", &s), ERR_DENIED_NOT_INSTRUCTED); /* refuses R001-73, R001-77 */
}

/* The time when it is complete counts; and no Enrolment Key is made (docs/operate/recovery.md). */
static void test_expiry_during_the_handshake(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, TO_MAF ",\"lifetime\":\"2h\""), ERR_OK);
    f->w.now = T0 + 2 * HOUR - 10;
    f->w.handshake_takes = 5;
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    size_t before = world_count(f->mef, TABLE_MEF_KE);
    f->w.handshake_takes = 5;
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_DENIED_EXPIRED); /* refuses R002-63 */
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), before);
}

/* Whatever the clock does: what was made before a change stays refused, and what is made after it is good. */
static void test_reassigned_while_the_clock_jumps(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct key_ke ke;
    struct keyid old, fresh;
    assert_int_equal(add(f, TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    ke_of(&s, &ke, &old);
    f->w.now = T0 + HOUR;
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "rename",
                               "{\"ID\":\"dev1@mef.example.com\",\"enrolee-id\":\"//sp.example.com/Sother\"}", &f->r), ERR_OK);
    assert_int_equal(world_alive(&s), ERR_DENIED_REVOKED); /* refuses R000-16: the session of the old Enrolee-ID */
    f->w.now = T0 - HOUR; /* set back */
    assert_int_not_equal(fetch_as(f, "maf.example.com", "maf.example.com", &old, "/21"), ERR_OK);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    ke_of(&s, &ke, &fresh);
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &fresh, "/21"), ERR_OK);
    assert_int_equal(world_alive(&s), ERR_OK);
}

static void test_expiry(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct key_ke ke;
    struct keyid ke_id;
    assert_int_equal(add(f, TO_MAF ",\"lifetime\":\"2h\""), ERR_OK);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    ke_of(&s, &ke, &ke_id);
    assert_int_equal(s.assoc.not_after, T0 + 2 * HOUR - 1);
    f->w.now = T0 + 2 * HOUR - 1;
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ke_id, "/21"), ERR_DENIED_EXPIRED);
    f->w.now = T0 + 2 * HOUR;
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_DENIED_EXPIRED); /* refuses R002-63 */
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ke_id, "/21"), ERR_DENIED_EXPIRED); /* CHOICE-48 */
    assert_int_equal(f->r.rsc, 4004);
    expect_failure_body(f, "credential-expired:");
    /* a clock that is set back makes it valid again, and breaks nothing */
    f->w.now = T0 - HOUR;
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ke_id, "/21"), ERR_OK);
}

static void test_ke_lifetime(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct key_ke ke;
    struct keyid ke_id;
    world_reload(&f->w, f->mef, MEF_CONF "ke-lifetime = 1h\n");
    assert_int_equal(add(f, TO_MAF ",\"lifetime\":\"2h\""), ERR_OK);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    ke_of(&s, &ke, &ke_id);
    struct key_usage k;
    assert_int_equal(keys_usage_derive(f->mef->env.crypto, &ke, 21, text_of("maf.example.com"), &k), ERR_OK);
    f->w.now += 60 * USEC_PER_SEC;
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ke_id, "/21"), ERR_OK);
    expect_key(f, &k.s, "//sp.example.com/Sdev1", 3540);
    f->w.now = T0 + HOUR;
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ke_id, "/21"), ERR_DENIED_EXPIRED);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK); /* 10.7: run the RSPF again */
}

static void test_revoked(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct key_ke ke;
    struct keyid ke_id;
    assert_int_equal(add(f, TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    ke_of(&s, &ke, &ke_id);
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "revoke", "{\"ID\":\"DEV1@mef.example.com\"}", &f->r), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"revoked\""));
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_DENIED_REVOKED);
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ke_id, "/21"), ERR_DENIED_REVOKED);
    assert_int_equal(world_audited(f->mef, AUDIT_CREDENTIAL_REVOKED), 1);
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "revoke", "{\"ID\":\"dev1@mef.example.com\"}", &f->r), ERR_OK);
    assert_int_equal(world_audited(f->mef, AUDIT_CREDENTIAL_REVOKED), 1); /* once */
}

/* The credential goes while the handshake is under way: the last flight is not sent, no Ke stays. */
static void test_revoked_in_handshake(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "revoke", "{\"ID\":\"dev1@mef.example.com\"}", &f->r), ERR_OK);
    uint8_t memory[65536];
    struct arena a = arena_of(memory, sizeof(memory));
    struct txn t;
    assert_int_equal(store_begin(f->mef->store, true), ERR_OK);
    txn_init(&t, f->mef->store, &a, true);
    assert_int_equal(dispatch_established(&role_mef, f->mef->ctx, &s.assoc, &s.exported, &t, f->w.now), ERR_DENIED_REVOKED);
    assert_int_equal(t.staged_n, 0);
    store_rollback(f->mef->store);
}

static void test_ninth_drops_the_oldest(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct keyid ids[9];
    struct key_ke ke;
    assert_int_equal(add(f, TO_MAF), ERR_OK);
    assert_int_equal(add(f, TO_CSE), ERR_OK);
    assert_int_equal(enrol(f, "dev2@mef.example.com", &s), ERR_OK); /* another credential is not touched */
    for (size_t i = 0; i < 9; i++) {
        f->w.now += i == 4 ? -10 * HOUR : USEC_PER_SEC; /* the clock is set back once */
        assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
        ke_of(&s, &ke, &ids[i]);
        assert_int_equal(world_count(f->mef, TABLE_MEF_KE), i < 8 ? i + 2 : 9);
        assert_int_equal(world_count(f->mef, TABLE_MEF_KE_OF), i < 8 ? i + 2 : 9);
    }
    assert_int_equal(world_audited(f->mef, AUDIT_KE_DROPPED), 1);
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ids[0], "/21"), ERR_NOT_FOUND);
    for (size_t i = 1; i < 9; i++) {
        assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ids[i], "/21"), ERR_OK);
    }
    /* a smaller limit drops all that are too many with the next enrolment */
    world_reload(&f->w, f->mef, MEF_CONF "max-live-ke = 2\n");
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), 3);
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ids[8], "/21"), ERR_OK);
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ids[7], "/21"), ERR_NOT_FOUND);
}

static void test_key_id_taken(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct world_session again;
    assert_int_equal(add(f, TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    f->w.next_export = &s.exported;
    assert_int_equal(enrol(f, "dev1@mef.example.com", &again), ERR_KEY_ID_TAKEN); /* CHOICE-25 */
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), 1);
    assert_int_equal(world_audited(f->mef, AUDIT_REFUSED), 1);
}

/* -- fetchCredentials ----------------------------------------------------------------------------------- */
static void test_fetch_r3(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct key_ke ke;
    struct keyid ke_id;
    struct key_usage k;
    assert_int_equal(add(f, TO_MAF ",\"lifetime\":\"90d\""), ERR_OK);
    assert_int_equal(add(f, TO_CSE ",\"lifetime\":\"90d\""), ERR_OK);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    ke_of(&s, &ke, &ke_id);
    assert_int_equal(keys_usage_derive(f->mef->env.crypto, &ke, 21, text_of("maf.example.com"), &k), ERR_OK);
    assert_int_equal(fetch_as(f, "MAF.example.com", "maf.example.com", &ke_id, "/21"), ERR_OK);
    expect_key(f, &k.s, "//sp.example.com/Sdev1", 90 * 86400); /* R001-79, R001-55 */
    assert_int_equal(world_audited(f->mef, AUDIT_KEY_RELEASED), 1);
    /* "@" as %40, and lower case */
    struct keyid escaped = {0};
    struct keyid_parts parts;
    assert_int_equal(keyid_parse(text_of(ke_id.z), &parts), ERR_OK);
    snprintf(escaped.z, sizeof(escaped.z), "%.*s%%40MEF.example.com", (int)parts.relative.n, parts.relative.p);
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &escaped, "/21"), ERR_OK);
    expect_key(f, &k.s, "//sp.example.com/Sdev1", 90 * 86400);

    assert_int_equal(enrol(f, "dev2@mef.example.com", &s), ERR_OK);
    ke_of(&s, &ke, &ke_id);
    assert_int_equal(keys_usage_derive(f->mef->env.crypto, &ke, 22, text_of("in.sp.example.com"), &k), ERR_OK);
    assert_int_equal(fetch_as(f, "in.sp.example.com", "//sp.example.com/in", &ke_id, "/22"), ERR_OK);
    expect_key(f, &k.s, "//sp.example.com/Sdev2", 90 * 86400);
}

static void test_fetch_seed(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct key_ke ke;
    struct keyid ke_id;
    struct key_km km;
    struct key_kpsa kpsa;
    assert_int_equal(add(f, TO_MAF ",\"profile\":\"seed\",\"lifetime\":\"1d\""), ERR_OK);
    assert_int_equal(add(f, TO_CSE ",\"profile\":\"seed\",\"lifetime\":\"1d\""), ERR_OK);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    ke_of(&s, &ke, &ke_id);
    assert_int_equal(keys_km_derive(f->mef->env.crypto, &ke, text_of("maf.example.com"), &km), ERR_OK);
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ke_id, ""), ERR_OK);
    expect_key(f, &km.s, "//sp.example.com/Sdev1", 86400); /* R001-53, R001-54 */
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &ke_id, "/21"), ERR_DENIED_SUID);

    assert_int_equal(enrol(f, "dev2@mef.example.com", &s), ERR_OK);
    ke_of(&s, &ke, &ke_id);
    assert_int_equal(keys_kpsa_derive(f->mef->env.crypto, &ke, text_of("//sp.example.com/in"), &kpsa), ERR_OK);
    assert_int_equal(fetch_as(f, "in.sp.example.com", "//sp.example.com/in", &ke_id, ""), ERR_OK);
    expect_key(f, &kpsa.s, "//sp.example.com/Sdev2", 86400); /* R001-35, R001-63, R002-55 */
}

static void test_fetch_refused(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    struct key_ke ke;
    struct keyid ke_id;
    struct keyid other = {"00112233445566778899AABBCCDDEEFF@mef.example.com"};
    assert_int_equal(add(f, TO_MAF), ERR_OK);
    assert_int_equal(add(f, TO_CSE), ERR_OK); /* the other targets may come too, for the keys of others */
    assert_int_equal(add(f, ",\"id\":\"dev3@mef.example.com\",\"target\":\"maf2.example.com\""), ERR_OK);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    ke_of(&s, &ke, &ke_id);
    struct {
        const char *dns, *from, *suid;
        err_t want;
        uint16_t rsc;
    } cases[] = {
        {"maf.example.com", "maf2.example.com", "/21", ERR_DENIED_FROM, 4106},    /* refuses CHOICE-46 */
        {"maf.example.com", NULL, "/21", ERR_MALFORMED_FROM, 4000},
        {"maf2.example.com", "maf2.example.com", "/21", ERR_DENIED_TARGET, 4103}, /* refuses R001-77 */
        {"in.sp.example.com", "//sp.example.com/in", "/21", ERR_DENIED_TARGET, 4103},
        {"maf.example.com", "maf.example.com", "/22", ERR_DENIED_SUID, 4103},
        {"maf.example.com", "maf.example.com", "", ERR_DENIED_SUID, 4103}, /* seed form, r3 credential */
        {"maf.example.com", "maf.example.com", "/31", ERR_MALFORMED_SUID, 4000}, /* CHOICE-26 */
        {"maf.example.com", "maf.example.com", "/021", ERR_MALFORMED_SUID, 4000},
        {"maf.example.com", "maf.example.com", "/x", ERR_MALFORMED_SUID, 4000},
        {"maf.example.com", "maf.example.com", "/99999999999999999999", ERR_MALFORMED_SUID, 4000},
    };
    size_t audited = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(fetch_as(f, cases[i].dns, cases[i].from, &ke_id, cases[i].suid), cases[i].want);
        assert_int_equal(f->r.rsc, cases[i].rsc);
        expect_failure_body(f, err_code(cases[i].want));
        audited += err_info(cases[i].want)->audited ? 1 : 0;
    }
    assert_int_equal(world_audited(f->mef, AUDIT_REFUSED), audited);
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &other, "/21"), ERR_NOT_FOUND); /* refuses R001-42 */
    assert_int_equal(f->r.rsc, 4004);
    strcpy(other.z, "nonsense");
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &other, "/21"), ERR_MALFORMED_KEY_ID);
    memset(other.z, 'a', sizeof(other.z) - 1);
    other.z[sizeof(other.z) - 1] = '\0';
    assert_int_equal(fetch_as(f, "maf.example.com", "maf.example.com", &other, "/21"), ERR_MALFORMED_KEY_ID);
    assert_int_equal(world_audited(f->mef, AUDIT_KEY_RELEASED), 0);
}

static void test_routes(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    assert_int_equal(add(f, TO_MAF), ERR_OK);
    assert_int_equal(enrol(f, "dev1@mef.example.com", &s), ERR_OK);
    struct world_request fetch = {.op = OP_RETRIEVE, .path = "/fetchCredentials/AA@mef.example.com/21", .from = NULL};
    assert_int_equal(world_request(&s, &fetch, &f->r), ERR_NOT_FOUND); /* an Enrolee may be a target: of keys that there are */
    assert_int_equal(world_connect_cert(&f->w, f->mef, "maf.example.com", &s), ERR_OK);
    fetch.op = OP_DELETE;
    assert_int_equal(world_request(&s, &fetch, &f->r), ERR_OPERATION);
    assert_int_equal(f->r.rsc, 4005);
    fetch.op = OP_RETRIEVE;
    fetch.from = "maf.example.com";
    fetch.path = "/fetchCredentials";
    assert_int_equal(world_request(&s, &fetch, &f->r), ERR_NOT_FOUND);
    association_init_plain(&s.assoc);
    fetch.path = "/fetchCredentials/AA@mef.example.com/21";
    assert_int_equal(world_request(&s, &fetch, &f->r), ERR_DENIED_NO_ASSOCIATION);
}

static void test_certificates(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    assert_int_equal(world_connect_cert(&f->w, f->mef, "*.example.com", &s), ERR_DENIED_CERT_NAME);
    assert_int_equal(world_connect_cert(&f->w, f->mef, "", &s), ERR_DENIED_CERT_NAME);
    assert_int_equal(world_count(f->mef, TABLE_MEF_KE), 0); /* a certificate enrols nobody here */
}

/* -- operator -------------------------------------------------------------------------------------------- */
static void test_credential_add(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, TO_MAF), ERR_OK);
    assert_null(strstr(f->r.body, KPM));
    assert_int_equal(add(f, TO_MAF), ERR_EXISTS);
    assert_int_equal(world_audited(f->mef, AUDIT_CREDENTIAL_ADDED), 1);
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "show", "{\"ID\":\"dev1@mef.example.com\"}", &f->r), ERR_OK);
    assert_null(strstr(f->r.body, KPM));
    assert_non_null(strstr(f->r.body, "\"target\":\"maf.example.com\""));
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "show", "{\"ID\":\"dev7@mef.example.com\"}", &f->r), ERR_NOT_FOUND);
    assert_int_equal(world_ctl(&f->w, f->mef, "credential", "show", "{}", &f->r), ERR_MALFORMED_KEY_ID);
}

static void test_lists(void **state)
{
    struct fixture *f = *state;
    struct world_session s;
    char id[256];
    for (int i = 0; i < 120; i++) { /* more than one answer holds */
        snprintf(id, sizeof(id), ",\"id\":\"d%03d@mef.example.com\",\"target\":\"maf.example.com\"", i);
        assert_int_equal(add(f, id), ERR_OK);
    }
    size_t seen = 0;
    char args[512] = "{}";
    for (int pages = 0; pages < 50; pages++) {
        assert_int_equal(world_ctl(&f->w, f->mef, "credential", "list", args, &f->r), ERR_OK);
        assert_null(strstr(f->r.body, KPM));
        json_t *o = NULL;
        assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
        seen += json_array_size(json_object_get(o, "credentials"));
        struct text next = json_get_text(o, "next");
        snprintf(args, sizeof(args), "{\"after\":\"%.*s\"}", (int)next.n, next.p);
        bool more = next.n > 0;
        json_decref(o);
        if (!more) {
            break;
        }
    }
    assert_int_equal(seen, 120);
    assert_int_equal(enrol(f, "d000@mef.example.com", &s), ERR_OK);
    struct key_ke ke;
    struct keyid ke_id;
    ke_of(&s, &ke, &ke_id);
    assert_int_equal(world_ctl(&f->w, f->mef, "enrolment", "list", "{}", &f->r), ERR_OK);
    assert_non_null(strstr(f->r.body, ke_id.z));
    snprintf(args, sizeof(args), "{\"KEID\":\"%s\"}", ke_id.z);
    assert_int_equal(world_ctl(&f->w, f->mef, "enrolment", "show", args, &f->r), ERR_OK);
    assert_non_null(strstr(f->r.body, "d000@mef.example.com"));
    assert_int_equal(world_ctl(&f->w, f->mef, "enrolment", "show", "{\"KEID\":\"AA@mef.example.com\"}", &f->r), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_enrol, setup, teardown),
        cmocka_unit_test_setup_teardown(test_handshake_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_instructed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expiry_during_the_handshake, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reassigned_while_the_clock_jumps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ke_lifetime, setup, teardown),
        cmocka_unit_test_setup_teardown(test_revoked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_revoked_in_handshake, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ninth_drops_the_oldest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_id_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fetch_r3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fetch_seed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fetch_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_routes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_certificates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credential_add, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
    };
    return cmocka_run_group_tests_name("mef", tests, NULL, NULL);
}
