/* Associations of the CSE and AE registration: every case of From, and every refusal. */
#include "cse_fixture.h"
#include "role/cse/cse_ctx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPEN_CONF CSE_CONF "admin = Sadmin\nassociation = optional\n"

static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, OPEN_CONF "[peer maf.example.com]\nkind = maf\n[peer mef.example.com]\nkind = mef\n");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

static err_t reg(struct cse_fixture *f, struct world_session *s, const char *from)
{
    return cse_fixture_create(f, s, from, "cse-in", 2, AE_BODY);
}

/* -- associations ---------------------------------------------------------------------------------------- */
/* R000-42, R000-60, R000-61, R001-63: both hold (KpsaId, Kpsa); refuses R000-60 and R000-61 when they differ. */
static void psk_binds_the_identity(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(f->a.assoc.framework, ASSOCIATION_PSK);
    assert_int_equal(f->a.assoc.peer, PEER_AE);
    assert_string_equal(f->a.assoc.ids[0].z, "//sp.example.com/Sa");
    assert_string_equal(f->a.assoc.credential_id, "12-ka@sp.example.com");
    assert_int_equal(f->a.assoc.not_after, T0 + 365 * DAY - 1); /* R002-63, R002-85 */
    struct world_session s;
    struct secret wrong;
    world_secret("ffffffffffffffffffffffffffffffff", &wrong);
    assert_int_equal(world_connect(&f->w, f->cse, "ka@sp.example.com", &wrong, &s), ERR_DENIED_PSK_WRONG);
    assert_int_equal(world_connect(&f->w, f->cse, "nobody@sp.example.com", &wrong, &s), ERR_DENIED_PSK_UNKNOWN);
    assert_int_equal(world_connect(&f->w, f->cse, "no-fqdn", &wrong, &s), ERR_DENIED_PSK_UNKNOWN);
    assert_int_equal(world_connect(&f->w, f->cse, "x@elsewhere.example.org", &wrong, &s), ERR_DENIED_PEER);
    assert_int_equal(world_connect(&f->w, f->cse, "x@mef.example.com", &wrong, &s), ERR_DENIED_PSK_UNKNOWN);
    assert_int_equal(world_connect(&f->w, f->cse, "nothex@maf.example.com", &wrong, &s), ERR_DENIED_PSK_UNKNOWN);
    assert_int_equal(f->w.asked, 0);
    assert_int_equal(world_audited(f->cse, AUDIT_ASSOCIATED), 3); /* R004-19 */
    cse_fixture_connect(f, "KA@SP.example.com", &s); /* identifiers compare without case */
    assert_string_not_equal(s.assoc.id, f->a.assoc.id);
}

static void psk_without_identity_and_of_a_cse(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    assert_int_equal(cse_fixture_add_key(f, "kx@sp.example.com", NULL, ""), ERR_OK);
    cse_fixture_connect(f, "kx@sp.example.com", &s);
    assert_int_equal(s.assoc.peer, PEER_UNKNOWN);
    assert_int_equal(s.assoc.ids_n, 0);
    assert_int_equal(cse_fixture_add_key(f, "kmn@sp.example.com", "//sp.example.com/mn1", ""), ERR_OK);
    cse_fixture_connect(f, "kmn@sp.example.com", &s);
    assert_int_equal(s.assoc.peer, PEER_CSE);
}

static void credentials_end(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    assert_int_equal(cse_fixture_add_key(f, "ks@sp.example.com", "//sp.example.com/Ss", ",\"lifetime\":\"1h\""), ERR_OK);
    cse_fixture_connect(f, "ks@sp.example.com", &s);
    assert_int_equal(reg(f, &s, "Ss"), ERR_OK);
    f->w.now += HOUR - 2;
    assert_int_equal(cse_fixture_get(f, &s, "Ss", "Ss"), ERR_OK);
    f->w.now += 2;
    assert_int_equal(world_connect(&f->w, f->cse, "ks@sp.example.com", &f->kpsa, &s), ERR_DENIED_EXPIRED); /* refuses R002-63 */
    assert_int_not_equal(cse_fixture_get(f, &s, "Ss", "Ss"), ERR_OK); /* refuses R004-21 */
}

static void revocation_ends_open_associations(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(reg(f, &f->a, "Sa"), ERR_OK);
    const char *id = "{\"ID\":\"ka@sp.example.com\"}";
    assert_int_equal(world_ctl(&f->w, f->cse, "credential", "revoke", id, &f->r), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"revoked\""));
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_DENIED_REVOKED);
    assert_int_equal(f->rsc, 4107);
    struct world_session s;
    assert_int_equal(world_connect(&f->w, f->cse, "ka@sp.example.com", &f->kpsa, &s), ERR_DENIED_REVOKED);
    assert_int_equal(world_ctl(&f->w, f->cse, "credential", "show", id, &f->r), ERR_OK);
    assert_null(strstr(f->r.body, KPSA));
    assert_int_equal(world_ctl(&f->w, f->cse, "credential", "list", "{}", &f->r), ERR_OK);
    assert_non_null(strstr(f->r.body, "kb@sp.example.com"));
    assert_null(strstr(f->r.body, KPSA));
    assert_int_equal(cse_fixture_add_key(f, "kb@sp.example.com", NULL, ""), ERR_EXISTS);
    assert_int_equal(cse_fixture_add_key(f, "kc@sp.example.com", "//sp.example.com/other/C1", ""), ERR_MALFORMED_ID);
    assert_int_equal(cse_fixture_add_key(f, "kc@sp.example.com", "//foreign.example.org/S1", ""), ERR_MALFORMED_ID);
    assert_int_equal(world_ctl(&f->w, f->cse, "credential", "show", "{\"ID\":\"zz@sp.example.com\"}", &f->r), ERR_NOT_FOUND);
}

/* -- the MAF based framework ------------------------------------------------------------------------------ */
#define KC_ID "00112233445566778899AABBCCDDEEFF@maf.example.com"
#define SKR(more) "{\"m2m:skr\":{" more "}}"
#define KV "\"kv\":\"AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\""
#define ET "\"et\":\"20240101T000000\""

/* R000-44, R000-70, R000-71: Kc is fetched in the middle of the handshake, kept, reused, and refused after expiry. */
static void maf_key_is_fetched_once(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    f->w.forged = SKR(KV "," ET ",\"suid\":32,\"cr\":\"//sp.example.com/Sdev\",\"aski\":\"km1@maf.example.com\"");
    f->w.forged_status = 200;
    assert_int_equal(world_connect(&f->w, f->cse, KC_ID, &f->kpsa, &s), ERR_OK);
    assert_int_equal(s.assoc.framework, ASSOCIATION_MAF);
    assert_int_equal(s.assoc.peer, PEER_AE);
    assert_string_equal(s.assoc.ids[0].z, "//sp.example.com/Sdev");
    assert_string_equal(s.assoc.credential_id, "11-km1@maf.example.com"); /* CHOICE-05 */
    assert_int_equal(world_audited(f->cse, AUDIT_KC_STORED), 1);
    assert_int_equal(world_connect(&f->w, f->cse, "00112233445566778899aabbccddeeff@MAF.example.com", &f->kpsa, &s), ERR_OK);
    assert_int_equal(f->w.asked, 1);
    assert_int_equal(reg(f, &s, "Sdev"), ERR_OK);
    f->w.now += 60 * DAY;
    assert_int_equal(world_connect(&f->w, f->cse, KC_ID, &f->kpsa, &s), ERR_DENIED_EXPIRED); /* 6.3 step 13 */
    assert_int_equal(f->w.asked, 1);
}

static void maf_answers_that_are_refused(void **state)
{
    struct cse_fixture *f = *state;
    static const struct {
        unsigned status;
        const char *body;
        err_t want;
    } rows[] = {
        {200, SKR(KV "," ET ",\"suid\":33"), ERR_DENIED_SUID},
        {200, SKR(KV ",\"et\":\"20230101T000000\",\"suid\":32"), ERR_DENIED_EXPIRED},
        {200, SKR(KV "," ET), ERR_PEER_NONSENSE},
        {200, SKR(KV ",\"suid\":32"), ERR_PEER_NONSENSE},
        {200, SKR(ET ",\"suid\":32"), ERR_PEER_NONSENSE},
        {200, SKR("\"kv\":\"AQID\"," ET ",\"suid\":32"), ERR_PEER_NONSENSE},
        {200, SKR("\"kv\":17," ET ",\"suid\":32"), ERR_PEER_NONSENSE},
        {200, SKR(KV "," ET ",\"suid\":\"32\""), ERR_PEER_NONSENSE},
        {200, SKR(KV "," ET ",\"suid\":32,\"aski\":\"no key id\""), ERR_PEER_NONSENSE},
        {200, SKR(KV "," KV "," ET ",\"suid\":32"), ERR_PEER_NONSENSE},
        {200, "{\"m2m:skr\":[]}", ERR_PEER_NONSENSE},
        {200, "{", ERR_PEER_NONSENSE},
        {200, "", ERR_PEER_NONSENSE},
        {404, "", ERR_DENIED_FETCH},
        {403, SKR(KV "," ET ",\"suid\":32"), ERR_DENIED_FETCH},
        {500, "", ERR_PEER_NONSENSE},
    };
    struct world_session s;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f->w.forged = rows[i].body;
        f->w.forged_status = rows[i].status;
        assert_int_equal(world_connect(&f->w, f->cse, KC_ID, &f->kpsa, &s), rows[i].want);
    }
    f->w.away = ERR_PEER_TIMEOUT;
    assert_int_equal(world_connect(&f->w, f->cse, KC_ID, &f->kpsa, &s), ERR_PEER_TIMEOUT); /* refuses R000-66 */
    assert_int_equal(world_count(f->cse, TABLE_CSE_KEY), 3);
}

static void maf_key_without_identity(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    f->w.forged = SKR(KV "," ET ",\"suid\":32,\"cr\":\"some text\"");
    f->w.forged_status = 200;
    assert_int_equal(world_connect(&f->w, f->cse, KC_ID, &f->kpsa, &s), ERR_OK);
    assert_int_equal(s.assoc.peer, PEER_UNKNOWN);
    assert_string_equal(s.assoc.credential_id, "12-00112233445566778899aabbccddeeff@maf.example.com");
}

/* -- From --------------------------------------------------------------------------------------------------- */
static void from_is_compared_with_the_association(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(reg(f, &f->a, "Sa"), ERR_OK);
    assert_int_equal(f->rsc, 2001);
    assert_string_equal(f->location, "/in/Sa");
    assert_int_equal(reg(f, &f->b, "Sb"), ERR_OK);
    assert_int_equal(world_audited(f->cse, AUDIT_AE_REGISTERED), 2);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_OK);
    static const struct {
        const char *from;
        err_t want;
        uint16_t rsc;
    } rows[] = {
        {"Sb", ERR_DENIED_FROM, 4106},          /* registered, but somebody else */
        {"Sx", ERR_DENIED_FROM, 4106},          {"Ca", ERR_DENIED_FROM, 4106},
        {"/Sa", ERR_MALFORMED_FROM, 4000},      {"//sp.example.com/Sa", ERR_MALFORMED_FROM, 4000},
        {"/in/Ca", ERR_MALFORMED_FROM, 4000},   {NULL, ERR_MALFORMED_FROM, 4000},
        {"", ERR_MALFORMED_FROM, 4000},         {"S", ERR_MALFORMED_FROM, 4000},
        {"/C", ERR_MALFORMED_FROM, 4000},       {"Xa", ERR_MALFORMED_FROM, 4000},
        {"S a", ERR_MALFORMED_FROM, 4000},      {"S\x01", ERR_MALFORMED_FROM, 4000},
        {"/in", ERR_DENIED_FROM, 4106},         {"//sp.example.com/in", ERR_DENIED_FROM, 4106},
        {"mef.example.com", ERR_MALFORMED_FROM, 4000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(cse_fixture_get(f, &f->a, rows[i].from, "Sa"), rows[i].want);
        assert_int_equal(f->rsc, rows[i].rsc);
    }
    char *huge = malloc(65537);
    memset(huge, 'S', 65536);
    huge[65536] = '\0';
    assert_int_equal(cse_fixture_get(f, &f->a, huge, "Sa"), ERR_MALFORMED_FROM);
    assert_int_not_equal(cse_fixture_get(f, &f->a, "Sa", huge), ERR_OK);
    free(huge);
}

/* R000-35, R000-37, R002-70: outside any association. */
static void outside_an_association(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(cse_fixture_get(f, &f->plain, "Cghost", "cse-in"), ERR_DENIED_NOT_REGISTERED);
    assert_int_equal(f->rsc, 4106);
    assert_int_equal(cse_fixture_get(f, &f->plain, "/mn1", "cse-in"), ERR_DENIED_NO_ASSOCIATION); /* refuses R000-36 */
    assert_int_equal(f->rsc, 4107);
    assert_int_equal(reg(f, &f->plain, "C"), ERR_OK);
    char stem[64];
    snprintf(stem, sizeof(stem), "%s", cse_fixture_member(f, "aei"));
    assert_int_equal(stem[0], 'C');
    assert_string_equal(cse_fixture_member(f, "lbl"), "[\"Credential-ID:\"]"); /* CHOICE-70 */
    assert_int_equal(cse_fixture_get(f, &f->plain, stem, stem), ERR_OK);
    /* An AE that registered over an association cannot be played outside of it. */
    assert_int_equal(reg(f, &f->a, "Sa"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->plain, "Sa", "Sa"), ERR_DENIED_NO_ASSOCIATION);
    /* Nor may a stranger take a stem that a credential or the administrator is configured with. */
    assert_int_equal(reg(f, &f->plain, "Sb"), ERR_DENIED_FROM);
    assert_int_equal(reg(f, &f->plain, "Sadmin"), ERR_DENIED_FROM);
    world_reload(&f->w, f->cse, CSE_CONF);
    assert_int_equal(reg(f, &f->plain, "C"), ERR_DENIED_NO_ASSOCIATION); /* refuses R000-35, R000-37, R002-70 */
    assert_int_equal(cse_fixture_get(f, &f->plain, stem, stem), ERR_DENIED_NO_ASSOCIATION);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_OK);
}

/* CHOICE-43: with the Credential-ID alone nothing but registration, then only as the AE that registered with it. */
static void credential_alone(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session x, y;
    assert_int_equal(cse_fixture_add_key(f, "kx@sp.example.com", NULL, ""), ERR_OK);
    assert_int_equal(cse_fixture_add_key(f, "ky@sp.example.com", NULL, ""), ERR_OK);
    cse_fixture_connect(f, "kx@sp.example.com", &x);
    cse_fixture_connect(f, "ky@sp.example.com", &y);
    assert_int_equal(cse_fixture_get(f, &x, "Cx1", "cse-in"), ERR_DENIED_NOT_REGISTERED);
    assert_int_equal(cse_fixture_get(f, &x, "/in", "cse-in"), ERR_DENIED_NOT_REGISTERED);
    assert_int_equal(reg(f, &x, "Cx1"), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "lbl"), "[\"Credential-ID:12-kx@sp.example.com\"]");
    assert_int_equal(cse_fixture_get(f, &x, "Cx1", "Cx1"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &y, "Cx1", "Cx1"), ERR_DENIED_FROM);
    assert_int_equal(reg(f, &y, "Cx1"), ERR_REGISTERED);
    assert_int_equal(f->rsc, 4117);
    assert_int_equal(reg(f, &y, "Sa"), ERR_DENIED_FROM);     /* reserved for the credential ka */
    assert_int_equal(reg(f, &y, "Sadmin"), ERR_DENIED_FROM); /* and for the administrator */
}

/* Part 11.3.1 cases i to v; vi needs a second registrar. */
static void registration_cases(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session x;
    assert_int_equal(cse_fixture_add_key(f, "kx@sp.example.com", NULL, ""), ERR_OK);
    cse_fixture_connect(f, "kx@sp.example.com", &x);
    static const struct {
        const char *from;
        char first;
    } open[] = {{NULL, 'C'}, {"", 'C'}, {"C", 'C'}, {"/C", 'C'}, {"S", 'S'}, {"/S", 'S'}};
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        assert_int_equal(reg(f, &x, open[i].from), ERR_OK);
        const char *aei = cse_fixture_member(f, "aei");
        assert_int_equal(aei[0], open[i].first);
        assert_true(strlen(aei) > 16);
        char ri[64];
        snprintf(ri, sizeof(ri), "%s", aei);
        assert_string_equal(cse_fixture_member(f, "ri"), ri); /* resourceID = stem */
    }
    assert_int_equal(reg(f, &x, "Spre"), ERR_OK);                   /* ii */
    assert_int_equal(reg(f, &x, "Spre"), ERR_REGISTERED);           /* duplicate */
    assert_int_equal(cse_fixture_del(f, &x, "Spre", "Spre"), ERR_OK);
    assert_int_equal(reg(f, &x, "Spre"), ERR_OK);                   /* i */
    /* The association knows who it is: it decides, whatever From leaves open. */
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        assert_int_equal(reg(f, &f->a, open[i].from), ERR_OK);
        assert_string_equal(cse_fixture_member(f, "aei"), "Sa");
        assert_int_equal(reg(f, &f->a, open[i].from), ERR_REGISTERED);
        assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sa"), ERR_OK);
    }
    assert_int_equal(reg(f, &f->a, "Sother"), ERR_DENIED_FROM);
    assert_int_equal(reg(f, &f->a, "/in/C1"), ERR_MALFORMED_FROM);
}

static void registration_refusals(void **state)
{
    struct cse_fixture *f = *state;
    static const struct {
        const char *body;
        err_t want;
        uint16_t rsc;
    } rows[] = {
        {"{\"m2m:ae\":{\"api\":\"Xapp\",\"rr\":false,\"srv\":[\"3\"]}}", ERR_MALFORMED_APP_ID, 4000},
        {"{\"m2m:ae\":{\"api\":\"N app\",\"rr\":false,\"srv\":[\"3\"]}}", ERR_MALFORMED_APP_ID, 4000},
        {"{\"m2m:ae\":{\"rr\":false,\"srv\":[\"3\"]}}", ERR_MISSING, 4000},
        {"{\"m2m:ae\":{\"api\":\"Napp\",\"srv\":[\"3\"]}}", ERR_MISSING, 4000},
        {"{\"m2m:ae\":{\"api\":\"Napp\",\"rr\":false}}", ERR_MISSING, 4000},
        {"{\"m2m:ae\":{\"api\":\"Napp\",\"rr\":false,\"srv\":[\"3\"],\"aei\":\"Sa\"}}", ERR_NOT_PERMITTED, 4000},
        {"{\"m2m:ae\":{\"api\":\"Napp\",\"rr\":\"no\",\"srv\":[\"3\"]}}", ERR_ATTRIBUTE_TYPE, 4000},
        {"{\"m2m:ae\":{\"api\":\"Napp\",\"rr\":false,\"srv\":[]}}", ERR_ATTRIBUTE_TYPE, 4000},
        {"{\"m2m:ae\":{\"api\":\"Napp\",\"rr\":false,\"srv\":[\"3\"],\"xyz\":1}}", ERR_UNKNOWN_ATTRIBUTE, 4000},
        {"{\"m2m:ae\":{\"api\":\"Napp\",\"rr\":false,\"srv\":[\"3\"],\"lbl\":[\"Credential-ID:12-x\"]}}", ERR_CONTENTS, 4102},
        {"{\"m2m:cnt\":{}}", ERR_CONTENTS, 4102},
        {"{\"m2m:ae\":{\"api\":\"Napp\",\"rr\":false,\"srv\":[\"3\"]},\"m2m:cnt\":{}}", ERR_CONTENTS, 4102},
        {NULL, ERR_MISSING, 4000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, rows[i].body), rows[i].want);
        assert_int_equal(f->rsc, rows[i].rsc);
    }
    assert_int_equal(world_count(f->cse, TABLE_CSE_RES), 1); /* the CSEBase: nothing was left behind */
    assert_int_equal(reg(f, &f->a, "Sa"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 2, AE_BODY), ERR_CHILD_TYPE);
    assert_int_equal(f->rsc, 4108);
    struct world_session mn;
    assert_int_equal(cse_fixture_add_key(f, "kmn@sp.example.com", "//sp.example.com/mn1", ""), ERR_OK);
    cse_fixture_connect(f, "kmn@sp.example.com", &mn);
    assert_int_equal(reg(f, &mn, "/mn1"), ERR_OPERATION); /* a CSE registers no AE */
    assert_int_equal(f->rsc, 4005);
    assert_int_equal(reg(f, &mn, NULL), ERR_OPERATION);
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "cse-in", 2, AE_NAMED("Sa")), ERR_EXISTS);
    assert_int_equal(f->rsc, 4105);
}

/* 12.2 rule 6: what a CSE may put into From. */
static void from_of_a_cse(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session mn;
    assert_int_equal(cse_fixture_add_key(f, "kmn@sp.example.com", "//sp.example.com/mn1", ""), ERR_OK);
    cse_fixture_connect(f, "kmn@sp.example.com", &mn);
    assert_int_equal(reg(f, &f->a, "Sa"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &mn, "/mn1", "cse-in", 16, "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]}}"), ERR_OK);
    static const struct {
        const char *from;
        err_t want;
    } rows[] = {
        {"/mn1", ERR_DENIED_PRIVILEGE}, /* accepted; then no policy permits */
        {"//sp.example.com/mn1", ERR_DENIED_PRIVILEGE},
        {"//SP.example.com/mn1", ERR_DENIED_PRIVILEGE},
        {"/mn1/C7", ERR_DENIED_PRIVILEGE},
        {"/Selsewhere", ERR_DENIED_PRIVILEGE},
        {"/Sa", ERR_DENIED_FROM}, /* registered here, so not below mn1 */
        {"/mn2", ERR_DENIED_FROM},
        {"/mn2/C7", ERR_DENIED_FROM},
        {"//sp.example.com/mn2/C7", ERR_DENIED_FROM},
        {"//other.example.org/mn1", ERR_DENIED_FROM},
        {"C7", ERR_DENIED_FROM},
        {"/in", ERR_DENIED_FROM},
        {NULL, ERR_MALFORMED_FROM},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(cse_fixture_get(f, &mn, rows[i].from, "Sa"), rows[i].want);
    }
    assert_int_equal(cse_fixture_add_key(f, "kin@sp.example.com", "//sp.example.com/in", ""), ERR_OK);
    cse_fixture_connect(f, "kin@sp.example.com", &mn);
    assert_int_equal(cse_fixture_get(f, &mn, "/in", "cse-in"), ERR_DENIED_FROM); /* nobody else is this CSE */
}

static void receiver_checks_come_first(void **state)
{
    struct cse_fixture *f = *state;
    struct cse_call c = {.s = &f->a, .op = OP_RETRIEVE, .to = "cse-in", .from = "Sx", .unsupported = true};
    assert_int_equal(cse_fixture_call(f, &c), ERR_NOT_IMPLEMENTED); /* rule 1 before rule 5 */
    assert_int_equal(f->rsc, 5001);
    assert_non_null(strstr(f->body, "ec"));
    c.unsupported = false;
    c.expires = f->w.now;
    assert_int_equal(cse_fixture_call(f, &c), ERR_REQUEST_EXPIRED); /* rule 2 */
    assert_int_equal(f->rsc, 4008);
    c.expires = f->w.now + 1;
    assert_int_equal(cse_fixture_call(f, &c), ERR_DENIED_FROM);
    c.op = OP_NOTIFY;
    c.from = "Sa";
    assert_int_equal(cse_fixture_call(f, &c), ERR_OPERATION);
}

static void expired_registrations_can_be_renewed(void **state)
{
    struct cse_fixture *f = *state;
    const char *body = "{\"m2m:ae\":{\"rn\":\"app\",\"api\":\"Napp\",\"rr\":false,\"srv\":[\"3\"],\"et\":\"20231115T000000\"}}";
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, body), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"), ERR_OK);
    f->w.now += DAY;
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_NOT_FOUND);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app/c"), ERR_NOT_FOUND);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_NAMED("app")), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app/c"), ERR_NOT_FOUND); /* not inherited */
    assert_int_equal(world_count(f->cse, TABLE_CSE_NAME), 2); /* app, and the orphan's name until it is collected */
}

/* -- configuration ------------------------------------------------------------------------------------------ */
static void configurations_that_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[cse]\nsp = sp.example.com\ncsi = in\n",
        "[cse]\nsp = sp.example.com\ncsi = /\n",
        "[cse]\nsp = sp.example.com\ncsi = /a b\n",
        "[cse]\nsp = sp.example.com\ncsi = /-\n",
        "[cse]\nsp = sp.example.com\ncsi = /Sx\n",
        "[cse]\nsp = sp.example.com\nname = -\n",
        "[cse]\nsp = sp.example.com\nname = a/b\n",
        "[cse]\nsp = sp.example.com\nadmin = /in\n",
        "[cse]\nsp = sp.example.com\nadmin = nobody\n",
        "[cse]\nsp = sp.example.com\nenrolled-rule = a/b\n",
        "[cse]\nsp = sp.example.com\nframeworks = maf,tea\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct conf_schema schema = {role_cse.conf, role_cse.conf_n};
        struct conf_faults faults = {.n = 0};
        struct conf *c = NULL;
        assert_int_equal(conf_file_parse(text_of(bad[i]), ".", &schema, 1, &c, &faults), ERR_OK);
        void *ctx = calloc(1, role_cse.ctx_size);
        struct role_env env = {0};
        char detail[ROLE_DETAIL_MAX] = "";
        assert_int_equal(role_cse.configure(ctx, c, &env, detail), ERR_CONFIG);
        assert_true(detail[0] != '\0'); /* which key; the section is said by who reads the file */
        free(ctx);
        conf_file_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(psk_binds_the_identity, setup, teardown),
        cmocka_unit_test_setup_teardown(psk_without_identity_and_of_a_cse, setup, teardown),
        cmocka_unit_test_setup_teardown(credentials_end, setup, teardown),
        cmocka_unit_test_setup_teardown(revocation_ends_open_associations, setup, teardown),
        cmocka_unit_test_setup_teardown(maf_key_is_fetched_once, setup, teardown),
        cmocka_unit_test_setup_teardown(maf_answers_that_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(maf_key_without_identity, setup, teardown),
        cmocka_unit_test_setup_teardown(from_is_compared_with_the_association, setup, teardown),
        cmocka_unit_test_setup_teardown(outside_an_association, setup, teardown),
        cmocka_unit_test_setup_teardown(credential_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(registration_cases, setup, teardown),
        cmocka_unit_test_setup_teardown(registration_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(from_of_a_cse, setup, teardown),
        cmocka_unit_test_setup_teardown(receiver_checks_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(expired_registrations_can_be_renewed, setup, teardown),
        cmocka_unit_test(configurations_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
