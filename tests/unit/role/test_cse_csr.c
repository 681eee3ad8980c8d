/* CSE registration at the IN-CSE: which CSE-ID a registree gets, every refusal, and what the end of it takes away. */
#include "cse_fixture.h"
#include "role/cse/cse_ctx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SP "//sp.example.com"
#define CSR "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]}}"
#define CSR_WITH(more) "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]," more "}}"

static int setup_with(void **state, const char *more)
{
    char conf[512];
    struct cse_fixture *f = calloc(1, sizeof(*f));
    snprintf(conf, sizeof(conf), CSE_CONF "admin = Sadmin\n%s", more);
    cse_fixture_init(f, conf);
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, "");
}

static int setup_mca(void **state)
{
    return setup_with(state, "association = optional\n");
}

static int setup_mcc(void **state)
{
    return setup_with(state, "cse-association = optional\n");
}

static int setup_open(void **state)
{
    return setup_with(state, "association = optional\ncse-association = optional\n");
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

static err_t reg(struct cse_fixture *f, struct world_session *s, const char *from, const char *body)
{
    return cse_fixture_create(f, s, from, "cse-in", 16, body);
}

static void come(struct cse_fixture *f, const char *name, struct world_session *s)
{
    char id[64], absolute[64];
    snprintf(id, sizeof(id), "k%s@sp.example.com", name);
    snprintf(absolute, sizeof(absolute), SP "/%s", name);
    assert_int_equal(cse_fixture_add_key(f, id, absolute, ""), ERR_OK);
    cse_fixture_connect(f, id, s);
}

/* Refused with `rsc`, and nothing was made. */
static void refused(struct cse_fixture *f, err_t got, err_t want, uint16_t rsc)
{
    assert_int_equal(got, want);
    assert_int_equal(f->rsc, rsc);
    assert_int_equal(world_audited(f->cse, AUDIT_CSE_REGISTERED), 0);
    assert_int_equal(world_count(f->cse, TABLE_CSE_RES), 1); /* the CSEBase */
}

static void allow_all(struct cse_fixture *f)
{
    assert_int_equal(cse_fixture_create(f, &f->admin, "Sadmin", "cse-in", 1,
                                        "{\"m2m:acp\":{\"rn\":\"p\",\"pv\":{\"acr\":[{\"acor\":[\"/*\",\"/mn/*\"],\"acop\":63}]},"
                                        "\"pvs\":{\"acr\":[{\"acor\":[\"Sadmin\"],\"acop\":63}]}}}"),
                     ERR_OK);
    assert_int_equal(cse_fixture_put(f, &f->admin, "Sadmin", "cse-in", "{\"m2m:cb\":{\"acpi\":[\"cse-in/p\"]}}"), ERR_OK);
}

/* -- the CSE-ID ------------------------------------------------------------------------------------------- */
/* R002-03, R002-07, R002-08, R002-09, R002-22, R002-23, R002-27: known to the originator. */
static void known(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session mn;
    come(f, "mn", &mn);
    const char *body = CSR_WITH("\"rn\":\"field\",\"cst\":2,\"csi\":\"/mn\",\"cb\":\"//sp.example.com/in/cse-in\","
                                "\"poa\":[\"https://mn.example.com\"]");
    assert_int_equal(reg(f, &mn, "/mn", body), ERR_OK);
    assert_int_equal(f->rsc, 2001);
    assert_string_equal(f->location, "/in/csr-mn");
    assert_string_equal(cse_fixture_member(f, "csi"), "/mn");
    assert_string_equal(cse_fixture_member(f, "ty"), "16");
    assert_string_equal(cse_fixture_member(f, "rn"), "field");
    assert_int_equal(world_audited(f->cse, AUDIT_CSE_REGISTERED), 1);
    assert_int_equal(cse_fixture_get(f, &mn, "/mn", "cse-in/field"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/field"), ERR_DENIED_PRIVILEGE); /* it is its creator's */
}

/* A registree speaks for no AE that has a credential of its own here, nor for the administrator: not while they are away. */
static void trusted_names(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session mn;
    come(f, "mn", &mn);
    assert_int_equal(reg(f, &mn, "/mn", CSR), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &mn, "//sp.example.com/Sadmin", "cse-in"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_get(f, &mn, "//sp.example.com/Sa", "cse-in"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_get(f, &mn, "//sp.example.com/Sunknown", "cse-in"), ERR_DENIED_PRIVILEGE);
}

/* R002-12, R002-13, R002-14, R002-25: unknown to it; the answer tells what was assigned to the credential. */
static void assigned(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session mn;
    come(f, "mn", &mn);
    assert_int_equal(reg(f, &mn, "", CSR), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "csi"), "/mn");
    assert_int_equal(cse_fixture_get(f, &mn, "//SP.example.com/mn", "csr-mn"), ERR_OK);
    struct world_session other;
    come(f, "mn2", &other);
    assert_int_equal(reg(f, &other, NULL, CSR_WITH("\"csi\":\"//sp.example.com/mn2\"")), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "csi"), "/mn2");
}

/* R002-16: the CSE-ID certificate says it; the operator says which domain name is which CSE. */
static void of_a_certificate(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    assert_int_equal(world_ctl(&f->w, f->cse, "credential", "add",
                               "{\"kind\":\"cert\",\"id\":\"//sp.example.com/mn\",\"flavour\":\"cse-id\"}", &f->r),
                     ERR_OK);
    struct role_cert c = world_cert(&f->w, WORLD_DNS, "mn.sp.example.com");
    assert_int_equal(world_connect_names(&f->w, f->cse, &c, &s), ERR_OK);
    refused(f, reg(f, &s, "/other", CSR), ERR_DENIED_FROM, 4106); /* refuses R002-24 */
    assert_int_equal(reg(f, &s, "", CSR), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "csi"), "/mn");
}

/* -- refusals ---------------------------------------------------------------------------------------------- */
static void contradictions(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session mn;
    come(f, "mn", &mn);
    static const struct {
        const char *from, *body;
        err_t want;
        uint16_t rsc;
    } rows[] = {
        {"/mn2", CSR, ERR_DENIED_FROM, 4106},                           /* refuses R002-24, R002-07: for another CSE */
        {"//sp.example.com/mn2", CSR, ERR_DENIED_FROM, 4106},
        {"//other.example.org/mn", CSR, ERR_DENIED_FROM, 4106},
        {"/in", CSR, ERR_DENIED_FROM, 4106},
        {"/mn", CSR_WITH("\"csi\":\"/mn2\""), ERR_DENIED_FROM, 4106},   /* refuses R002-24 */
        {"", CSR_WITH("\"csi\":\"/mn2\""), ERR_DENIED_FROM, 4106},      /* refuses R002-24 */
        {"/mn", CSR_WITH("\"csi\":\"//other.example.org/mn\""), ERR_DENIED_FROM, 4106},
        {"/mn", CSR_WITH("\"csi\":\"Sx\""), ERR_CONTENTS, 4102},
        {"/mn/C1", CSR, ERR_OPERATION, 4005},                           /* an AE below it */
        {"S", CSR, ERR_MALFORMED_FROM, 4000},
        {"/mn", CSR_WITH("\"cst\":1"), ERR_OPERATION, 4005},            /* refuses R002-05 */
        {"/mn", CSR_WITH("\"cb\":\"//sp.example.com/other\""), ERR_CONTENTS, 4102}, /* refuses R002-22 */
        {"/mn", CSR_WITH("\"cb\":\"//sp.example.com/mnx\""), ERR_CONTENTS, 4102},
        {"/mn", CSR_WITH("\"cb\":\"elsewhere.example.org\""), ERR_CONTENTS, 4102},
        {"/mn", CSR_WITH("\"dcse\":[\"/in\"]"), ERR_CONTENTS, 4102},    /* loops */
        {"/mn", CSR_WITH("\"dcse\":[\"/mn\"]"), ERR_CONTENTS, 4102},
        {"/mn", CSR_WITH("\"dcse\":[\"/mn/C1\"]"), ERR_CONTENTS, 4102},
        {"/mn", CSR_WITH("\"dcse\":[\"//other.example.org/a\"]"), ERR_CONTENTS, 4102},
        {"/mn", "{\"m2m:csr\":{\"srv\":[\"3\"]}}", ERR_MISSING, 4000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err_t got = reg(f, &mn, rows[i].from, rows[i].body);
        refused(f, got, rows[i].want, rows[i].rsc);
    }
}

static void who_may_not(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session s;
    refused(f, reg(f, &f->a, "Sa", CSR), ERR_OPERATION, 4005); /* refuses R002-07: an AE */
    refused(f, reg(f, &f->a, "", CSR), ERR_OPERATION, 4005);
    refused(f, reg(f, &f->a, "/mn", CSR), ERR_DENIED_FROM, 4106);
    refused(f, reg(f, &f->plain, "/mn", CSR), ERR_DENIED_NO_ASSOCIATION, 4107); /* refuses R000-36 */
    refused(f, reg(f, &f->plain, "", CSR), ERR_DENIED_NO_ASSOCIATION, 4107);
    assert_int_equal(cse_fixture_add_key(f, "kx@sp.example.com", NULL, ""), ERR_OK);
    cse_fixture_connect(f, "kx@sp.example.com", &s);
    refused(f, reg(f, &s, "/mn", CSR), ERR_DENIED_FROM, 4106); /* R002-26: no link, no registration */
    refused(f, reg(f, &s, "", CSR), ERR_DENIED_FROM, 4106);
    assert_int_equal(cse_fixture_add_key(f, "ko@sp.example.com", "//other.example.org/mn", ""), ERR_OK);
    cse_fixture_connect(f, "ko@sp.example.com", &s);
    refused(f, reg(f, &s, "", CSR), ERR_OPERATION, 4005); /* refuses R002-05: inter-domain is another procedure */
}

/* R000-36: with Mca open, Mcc is closed. */
static void mca_open_mcc_closed(void **state)
{
    struct cse_fixture *f = *state;
    refused(f, reg(f, &f->plain, "/mn", CSR), ERR_DENIED_NO_ASSOCIATION, 4107); /* refuses R000-36 */
    refused(f, reg(f, &f->plain, NULL, CSR), ERR_DENIED_NO_ASSOCIATION, 4107);
    refused(f, cse_fixture_get(f, &f->plain, "/mn", "cse-in"), ERR_DENIED_NO_ASSOCIATION, 4107); /* refuses R000-36 */
    assert_int_equal(cse_fixture_create(f, &f->plain, "C1", "cse-in", 2, AE_BODY), ERR_OK);
}

/* R002-10: with Mcc open, Mca is closed; a credential's CSE-ID is nobody else's, and a registration with one neither. */
static void mcc_open_mca_closed(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session mn;
    come(f, "mn", &mn);
    refused(f, cse_fixture_create(f, &f->plain, "C1", "cse-in", 2, AE_BODY), ERR_DENIED_NO_ASSOCIATION, 4107); /* refuses R000-35 */
    refused(f, reg(f, &f->plain, "", CSR), ERR_MALFORMED_FROM, 4000); /* R002-26: nothing assigns one */
    refused(f, reg(f, &f->plain, "/mn", CSR), ERR_DENIED_FROM, 4106);
    refused(f, reg(f, &f->plain, "/in", CSR), ERR_DENIED_FROM, 4106);
    refused(f, reg(f, &f->plain, "//other.example.org/a", CSR), ERR_OPERATION, 4005);
    refused(f, cse_fixture_get(f, &f->plain, "/free", "cse-in"), ERR_DENIED_NOT_REGISTERED, 4106);
    assert_int_equal(reg(f, &f->plain, "/free", CSR), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->plain, "/free", "csr-free"), ERR_OK);
    assert_int_equal(reg(f, &mn, "/mn", CSR), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->plain, "/mn", "csr-mn"), ERR_DENIED_NO_ASSOCIATION);
}

/* -- its life ------------------------------------------------------------------------------------------------ */
/* One at a time; before it and after it the association alone is worth nothing. */
static void it_ends(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session mn;
    allow_all(f);
    come(f, "mn", &mn);
    assert_int_equal(cse_fixture_get(f, &mn, "/mn", "cse-in"), ERR_DENIED_NOT_REGISTERED);
    assert_int_equal(f->rsc, 4106);
    assert_int_equal(reg(f, &mn, "/mn", CSR), ERR_OK);
    assert_int_equal(reg(f, &mn, "/mn", CSR), ERR_REGISTERED);
    assert_int_equal(f->rsc, 4117);
    assert_int_equal(cse_fixture_get(f, &mn, "/mn", "cse-in"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &mn, "/mn/C1", "cse-in"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &mn, "/mn", "csr-mn", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_del(f, &mn, "/mn", "csr-mn"), ERR_OK);
    assert_int_equal(f->rsc, 2002);
    assert_int_equal(cse_fixture_get(f, &mn, "/mn", "cse-in"), ERR_DENIED_NOT_REGISTERED); /* the policy permits it */
    assert_int_equal(cse_fixture_get(f, &mn, "/mn/C1", "cse-in"), ERR_DENIED_NOT_REGISTERED);
    assert_int_equal(reg(f, &mn, "/mn", CSR_WITH("\"et\":\"20231115T000000\"")), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &mn, "/mn", "csr-mn/c"), ERR_NOT_FOUND); /* not inherited */
    assert_int_equal(cse_fixture_put(f, &mn, "/mn", "csr-mn", "{\"m2m:csr\":{\"et\":\"20231117T000000\",\"poa\":[\"a\"]}}"), ERR_OK);
    assert_int_equal(f->rsc, 2004);
    assert_int_equal(cse_fixture_put(f, &mn, "/mn", "csr-mn", "{\"m2m:csr\":{\"csi\":\"/other\"}}"), ERR_NOT_PERMITTED);
    f->w.now += DAY;
    assert_int_equal(cse_fixture_get(f, &mn, "/mn", "csr-mn"), ERR_OK); /* it was kept alive */
    f->w.now += 2 * DAY;
    assert_int_equal(cse_fixture_get(f, &mn, "/mn", "cse-in"), ERR_DENIED_NOT_REGISTERED); /* expired */
    assert_int_equal(reg(f, &mn, "/mn", CSR), ERR_OK);
}

/* descendantCSEs: for whom a registree speaks, as long as it says so, and for nobody who belongs elsewhere. */
static void descendants(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session mn, mn2;
    allow_all(f);
    come(f, "mn", &mn);
    come(f, "mn2", &mn2);
    assert_int_equal(reg(f, &mn, "/mn", CSR_WITH("\"dcse\":[\"//sp.example.com/deep\",\"/deeper\"]")), ERR_OK);
    assert_string_equal(cse_fixture_member(f, "dcse"), "[\"/deep\",\"/deeper\"]");
    assert_int_equal(cse_fixture_get(f, &mn, "/deep", "cse-in"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &mn, "/deeper/C1", "cse-in"), ERR_DENIED_PRIVILEGE); /* accepted */
    assert_int_equal(cse_fixture_get(f, &mn, "//other.example.org/deep", "cse-in"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_get(f, &mn, "//other.example.org/Sx", "cse-in"), ERR_DENIED_FROM); /* those come through Mcc' */
    assert_int_equal(cse_fixture_get(f, &mn, "/shallow", "cse-in"), ERR_DENIED_FROM);
    assert_int_equal(reg(f, &mn, "/deep", CSR), ERR_DENIED_FROM); /* refuses R002-07 */
    assert_int_equal(reg(f, &mn2, "/mn2", CSR_WITH("\"dcse\":[\"/deep\"]")), ERR_CONTENTS);
    assert_int_equal(reg(f, &mn2, "/mn2", CSR_WITH("\"dcse\":[\"/mn\"]")), ERR_CONTENTS);
    assert_int_equal(reg(f, &mn2, "/mn2", CSR), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &mn, "/mn2", "cse-in"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_get(f, &mn2, "/deep", "cse-in"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_put(f, &mn, "/mn", "csr-mn", "{\"m2m:csr\":{\"dcse\":[\"/mn2\"]}}"), ERR_CONTENTS);
    assert_int_equal(cse_fixture_put(f, &mn, "/mn", "csr-mn", "{\"m2m:csr\":{\"dcse\":[\"/deeper\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &mn, "/deep", "cse-in"), ERR_DENIED_FROM); /* moved away */
    assert_int_equal(cse_fixture_put(f, &mn2, "/mn2", "csr-mn2", "{\"m2m:csr\":{\"dcse\":[\"/deep\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &mn2, "/deep", "cse-in"), ERR_OK);
    struct world_session deep;
    come(f, "deep", &deep); /* the operator gave it a credential of its own: below nobody from now on */
    assert_int_equal(cse_fixture_get(f, &mn2, "/deep", "cse-in"), ERR_DENIED_FROM);
    assert_int_equal(reg(f, &deep, "", CSR), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &mn2, "/deep", "cse-in"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_put(f, &mn, "/mn", "csr-mn", "{\"m2m:csr\":{\"dcse\":null}}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &mn, "/deeper", "cse-in"), ERR_DENIED_FROM);
}

#define AEA(lnk, more) "{\"m2m:aeA\":{\"lnk\":\"" lnk "\",\"api\":\"Napp\"" more "}}"
#define CRED(id) ",\"lbl\":[\"Credential-ID:" id "\"]"
#define DCSE(csi) "{\"m2m:csr\":{\"dcse\":[\"" csi "\"]}}"

static int setup_three(void **state)
{
    return setup_with(state, "announced-per-cse = 3\n");
}

/* Whom it speaks for is its own to say, so what it announces for them counts with what is its own. */
static void names_for_others_are_of_its_share(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session mn, mn2;
    come(f, "mn", &mn);
    come(f, "mn2", &mn2);
    assert_int_equal(reg(f, &mn, "/mn", CSR_WITH("\"dcse\":[\"/d0\"]")), ERR_OK);
    assert_int_equal(reg(f, &mn2, "/mn2", CSR), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &mn, "/d0", "-", 10002, AEA("/d0/S1", CRED("12-x"))), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &mn, "/d0", "-", 10002, AEA("/d0/S2", CRED("12-y"))), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &mn, "/mn", "csr-mn", DCSE("/d1")), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &mn, "/d1", "-", 10002, AEA("/d1/S3", "")), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &mn, "/d1", "-", 10002, AEA("/d1/S4", "")), ERR_ANNOUNCED_FULL);
    assert_non_null(strstr(f->body, SP "/mn"));
    assert_int_equal(cse_fixture_create(f, &mn, "/mn", "-", 10002, AEA("/mn/S4", "")), ERR_ANNOUNCED_FULL);
    assert_int_equal(cse_fixture_put(f, &mn, "/d1", "S1", AEA("/d1/S1", CRED("12-x"))), ERR_OK); /* it moves, and counts where it did */
    assert_int_equal(cse_fixture_create(f, &mn, "/mn", "-", 10002, AEA("/mn/S4", "")), ERR_ANNOUNCED_FULL);
    assert_int_equal(cse_fixture_del(f, &mn, "/d1", "S3"), ERR_OK); /* the return finds where it counted */
    assert_int_equal(cse_fixture_create(f, &mn, "/mn", "-", 10002, AEA("/mn/S4", "")), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &mn2, "/mn2", "S1", AEA("/mn2/S1", CRED("12-x"))), ERR_OK); /* and so does a move away */
    assert_int_equal(cse_fixture_create(f, &mn, "/mn", "-", 10002, AEA("/mn/S5", "")), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &mn, "/mn", "-", 10002, AEA("/mn/S6", "")), ERR_ANNOUNCED_FULL);
}

static err_t ctl(struct cse_fixture *f, const char *verb, const char *args)
{
    return world_ctl(&f->w, f->cse, "registration", verb, args, &f->r);
}

static void by_the_operator(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session mn;
    come(f, "mn", &mn);
    assert_int_equal(reg(f, &mn, "/mn", CSR), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_BODY), ERR_OK);
    assert_int_equal(ctl(f, "list", "{}"), ERR_OK);
    assert_int_equal(ctl(f, "show", "{\"RI\":\"/mn\"}"), ERR_OK);
    assert_int_equal(ctl(f, "show", "{\"RI\":\"/mn7\"}"), ERR_NOT_FOUND);
    assert_int_equal(ctl(f, "remove", "{\"RI\":\"nobody\"}"), ERR_MALFORMED_ID);
    assert_int_equal(ctl(f, "remove", "{\"RI\":\"/mn\"}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &mn, "/mn", "cse-in"), ERR_DENIED_NOT_REGISTERED);
    assert_int_equal(ctl(f, "remove", "{\"RI\":\"Sa\"}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_NOT_FOUND);
}

/* What a registree lists costs the store nothing once it lists it no more. */
static void lists_leave_nothing(void **state)
{
    struct cse_fixture *f = *state;
    struct world_session mn;
    char body[256];
    come(f, "mn", &mn);
    size_t before = world_count(f->cse, TABLE_CSE_AE);
    for (size_t i = 0; i < 20; i++) {
        snprintf(body, sizeof(body), CSR_WITH("\"et\":\"20231115T000000\",\"dcse\":[\"/a%zu\",\"/b\",\"/b\"]"), i);
        assert_int_equal(reg(f, &mn, "/mn", body), ERR_OK);
        assert_int_equal(world_count(f->cse, TABLE_CSE_AE), before + 2);
        snprintf(body, sizeof(body), "{\"m2m:csr\":{\"dcse\":[\"/b\",\"/c%zu\"]}}", i);
        assert_int_equal(cse_fixture_put(f, &mn, "/mn", "csr-mn", body), ERR_OK);
        assert_int_equal(world_count(f->cse, TABLE_CSE_AE), before + 2);
        if (i % 2 == 0) {
            assert_int_equal(cse_fixture_del(f, &mn, "/mn", "csr-mn"), ERR_OK);
            assert_int_equal(world_count(f->cse, TABLE_CSE_AE), before);
        } else { /* let it expire: its successor takes the place */
            f->w.now += DAY;
            assert_int_equal(reg(f, &mn, "/mn", CSR), ERR_OK);
            assert_int_equal(world_count(f->cse, TABLE_CSE_AE), before);
            assert_int_equal(cse_fixture_del(f, &mn, "/mn", "csr-mn"), ERR_OK);
            f->w.now -= DAY;
        }
    }
    assert_int_equal(world_count(f->cse, TABLE_CSE_AE), before); /* the credential's own name */
}

static const char *full(char *buf, size_t cap, const char *head, char letter, size_t n)
{
    struct writer w = writer_of(buf, cap);
    writer_z(&w, head);
    writer_z(&w, "\"dcse\":[");
    for (size_t i = 0; i < n; i++) {
        writer_z(&w, i > 0 ? ",\"/" : "\"/");
        writer_u8(&w, (uint8_t)letter);
        writer_decimal(&w, i);
        writer_z(&w, "\"");
    }
    writer_z(&w, "]}}");
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    return buf;
}

/* The longest list can be made, replaced, succeeded after its end, and taken away. */
static void the_longest_list(void **state)
{
    static const char made[] = "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"],\"et\":\"20231115T000000\",";
    static const char changed[] = "{\"m2m:csr\":{";
    struct cse_fixture *f = *state;
    struct world_session mn;
    char body[1024];
    come(f, "mn", &mn);
    assert_int_equal(reg(f, &mn, "/mn", full(body, sizeof(body), made, 'a', 33)), ERR_ATTRIBUTE_TYPE);
    assert_int_equal(reg(f, &mn, "/mn", full(body, sizeof(body), made, 'a', 32)), ERR_OK);
    assert_int_equal(cse_fixture_put(f, &mn, "/mn", "csr-mn", full(body, sizeof(body), changed, 'b', 32)), ERR_OK);
    f->w.now += DAY;
    static const char again[] = "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"],";
    assert_int_equal(reg(f, &mn, "/mn", full(body, sizeof(body), again, 'c', 32)), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &mn, "/c31", "csr-mn"), ERR_DENIED_PRIVILEGE); /* spoken for */
    assert_int_equal(cse_fixture_get(f, &mn, "/b31", "csr-mn"), ERR_DENIED_FROM);
    for (size_t i = 0; i < 40; i++) { /* what the sweep may collect with it */
        char rn[128];
        snprintf(rn, sizeof(rn), "{\"m2m:cnt\":{\"rn\":\"box%zu\"}}", i);
        assert_int_equal(cse_fixture_create(f, &mn, "/mn", "csr-mn", 3, rn), ERR_OK);
    }
    assert_int_equal(cse_fixture_del(f, &mn, "/mn", "csr-mn"), ERR_OK);
}

/* More than one answer holds: each of them is told once, AEs first. */
static void a_long_list(void **state)
{
    struct cse_fixture *f = *state;
    char text[128], args[128] = "{}";
    size_t cses = 0, aes = 0, pages = 0;
    for (size_t i = 0; i < 40; i++) {
        snprintf(text, sizeof(text), "/field%zu", i);
        assert_int_equal(reg(f, &f->plain, text, CSR), ERR_OK);
        assert_int_equal(cse_fixture_create(f, &f->plain, "C", "cse-in", 2, AE_BODY), ERR_OK);
    }
    for (bool more = true; more; pages++) {
        assert_int_equal(ctl(f, "list", args), ERR_OK);
        for (const char *p = f->r.body; (p = strstr(p, "\"kind\":\"")) != NULL; p++) {
            assert_true(p[8] == 'c' || cses == 0);
            aes += p[8] == 'a' ? 1 : 0;
            cses += p[8] == 'c' ? 1 : 0;
        }
        const char *next = strstr(f->r.body, "\"next\":\"");
        more = next != NULL;
        snprintf(args, sizeof(args), "{\"after\":\"%.*s\"}", more ? (int)strcspn(next + 8, "\"") : 0, more ? next + 8 : "");
        assert_true(pages < 8);
    }
    assert_int_equal(aes, 40);
    assert_int_equal(cses, 40);
    assert_true(pages > 2);
}

/* TS-0001 6.2: who may register where. An ASN-CSE takes AEs alone, and a registrar does not register at its registree. */
static void the_field_takes_what_it_may(void **state)
{
    static const struct {
        const char *kind, *name;
        err_t e;
    } rows[] = {
        {"asn", "deep", ERR_OPERATION}, {"asn", "in", ERR_OPERATION}, {"mn", "in", ERR_OPERATION}, {"mn", "deep", ERR_OK},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char conf[512], id[64], who[64], from[32];
        struct world_session s;
        struct cse_fixture *f = calloc(1, sizeof(*f));
        (void)snprintf(conf, sizeof(conf), "[cse]\nsp = sp.example.com\ncsi = /mn\nname = cse-mn\nkind = %s\nregistrar = "
                       "in.sp.example.com\n[peer in.sp.example.com]\nkind = cse\ncsi = /in\n", rows[i].kind);
        (void)snprintf(id, sizeof(id), "k%s@sp.example.com", rows[i].name);
        (void)snprintf(who, sizeof(who), SP "/%s", rows[i].name);
        (void)snprintf(from, sizeof(from), "/%s", rows[i].name);
        cse_fixture_init(f, conf);
        assert_int_equal(cse_fixture_add_key(f, id, who, ""), ERR_OK);
        cse_fixture_connect(f, id, &s);
        assert_int_equal(cse_fixture_create(f, &s, from, "cse-mn", 16, CSR), rows[i].e);
        assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
        cse_fixture_free(f);
        free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known, setup, teardown),
        cmocka_unit_test_setup_teardown(trusted_names, setup, teardown),
        cmocka_unit_test_setup_teardown(assigned, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_certificate, setup, teardown),
        cmocka_unit_test_setup_teardown(contradictions, setup, teardown),
        cmocka_unit_test_setup_teardown(who_may_not, setup, teardown),
        cmocka_unit_test_setup_teardown(mca_open_mcc_closed, setup_mca, teardown),
        cmocka_unit_test_setup_teardown(mcc_open_mca_closed, setup_mcc, teardown),
        cmocka_unit_test_setup_teardown(it_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(descendants, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_leave_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(names_for_others_are_of_its_share, setup_three, teardown),
        cmocka_unit_test_setup_teardown(the_longest_list, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_list, setup_open, teardown),
        cmocka_unit_test_setup_teardown(by_the_operator, setup, teardown),
        cmocka_unit_test(the_field_takes_what_it_may),
    };
    return cmocka_run_group_tests_name("cse-csr", tests, NULL, NULL);
}
