/* Announcing: what the engine of a field CSE sends when, and what each answer leads to. */
#include "cse_fixture.h"

#include "role/cse/cse_announce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SP "//sp.example.com"
#define AT_IN 1 /* lanes */
#define AT_DEEP 2
#define AE_WITH(more) "{\"m2m:ae\":{\"api\":\"Napp\",\"rr\":false,\"srv\":[\"3\"]" more "}}"
#define CNT_WITH(more) "{\"m2m:cnt\":{\"rn\":\"box\"" more "}}"

static struct cse_fixture f;
static struct errand q;
static err_t why;

/* -- the field CSE ------------------------------------------------------------------------------------------------------- */
static enum op next(size_t lane)
{
    return cse_fixture_errand(&f, lane, &q);
}

static void answer(uint16_t rsc, const char *body)
{
    why = cse_fixture_returned(&f, &q, rsc, body);
}

static void begin(void)
{
    cse_fixture_init(&f, MN_CONF);
    cse_fixture_joins(&f);
}

/* State of the announcement of `ri`, and its last refusal. */
static const char *state_of(const char *ri)
{
    static char out[64];
    char id[64];
    (void)snprintf(id, sizeof(id), "{\"id\":\"%s\"", ri);
    assert_int_equal(world_ctl(&f.w, f.cse, "announcement", "list", "{}", &f.r), ERR_OK);
    const char *at = strstr(f.r.body, id);
    const char *state = at == NULL ? NULL : strstr(at, "\"state\":\"");
    if (state == NULL) {
        return "-";
    }
    (void)snprintf(out, sizeof(out), "%.*s", (int)strcspn(state + 9, "\""), state + 9);
    return out;
}

static bool has(const char *part)
{
    return strstr(q.body, part) != NULL;
}

static void an_s_type_ae_is_announced(void **state)
{
    (void)state;
    begin();
    assert_int_equal(next(AT_IN), OP_NONE);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_WITH(",\"lbl\":[\"blue\"]")), ERR_OK); /* R002-31 */
    assert_string_equal(state_of("Sa"), "pending"); /* with the registration itself: durable */
    assert_int_equal(next(AT_DEEP), OP_NONE);
    assert_int_equal(next(AT_IN), OP_CREATE); /* R002-32 */
    assert_string_equal(q.path, "/~/in/-");
    assert_string_equal(q.from, "/mn");
    assert_string_equal(q.peer, "in.sp.example.com");
    assert_int_equal(q.ty, 10002);
    assert_true(has("\"lnk\":\"/mn/Sa\"") && has("\"blue\"") && has("\"api\":\"Napp\"") && has("\"Credential-ID:12-"));
    assert_true(has("\"et\":") && !has("\"rr\"") && !has("\"rn\"") && !has("\"aei\""));
    answer(0, ""); /* away: it stays */
    assert_int_equal(why, ERR_PEER_UNREACHABLE);
    assert_string_equal(state_of("Sa"), "pending");
    assert_int_equal(next(AT_IN), OP_CREATE);
    answer(2001, "");
    assert_string_equal(state_of("Sa"), "announced");
    assert_int_equal(world_audited(f.cse, AUDIT_ANNOUNCED), 1);
    assert_int_equal(next(AT_IN), OP_NONE);
    assert_int_equal(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"lbl\":[\"red\"],\"aa\":[\"rr\"]}}"), ERR_OK);
    assert_int_equal(next(AT_IN), OP_UPDATE);
    assert_string_equal(q.path, "/~/in/Sa");
    assert_true(has("\"red\"") && !has("\"blue\"") && has("\"rr\":false") && has("\"apn\":null") && !has("lnk"));
    assert_int_equal(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"lbl\":[\"green\"]}}"), ERR_OK);
    answer(2004, ""); /* of the one before: the last word is still to be said */
    assert_string_equal(state_of("Sa"), "pending");
    assert_int_equal(next(AT_IN), OP_UPDATE);
    assert_true(has("\"green\""));
    answer(2004, "");
    assert_string_equal(state_of("Sa"), "announced");
    assert_int_equal(cse_fixture_del(&f, &f.a, "Sa", "Sa"), ERR_OK);
    assert_string_equal(state_of("Sa"), "leaving");
    assert_int_equal(next(AT_IN), OP_DELETE);
    assert_string_equal(q.path, "/~/in/Sa");
    answer(0, "");
    assert_int_equal(next(AT_IN), OP_DELETE);
    answer(2002, "");
    assert_string_equal(state_of("Sa"), "-");
    assert_int_equal(world_audited(f.cse, AUDIT_ANNOUNCEMENT_ENDED), 1);
    assert_int_equal(next(AT_IN), OP_NONE);
    cse_fixture_free(&f);
}

/* What is wanted again while it is being taken away there is announced anew. */
static void wanted_again_in_time(void **state)
{
    (void)state;
    begin();
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, CNT_WITH(",\"at\":[\"/deep\"]")), ERR_OK);
    for (size_t i = 0; i < 2; i++) { /* the CSEBase, and the container */
        assert_int_equal(next(AT_DEEP), OP_CREATE);
        answer(2001, "");
    }
    assert_int_equal(cse_fixture_put(&f, &f.a, "Sa", "Sa/box", "{\"m2m:cnt\":{\"at\":null}}"), ERR_OK);
    assert_int_equal(next(AT_DEEP), OP_DELETE);
    assert_int_equal(cse_fixture_put(&f, &f.a, "Sa", "Sa/box", "{\"m2m:cnt\":{\"at\":[\"/deep\"]}}"), ERR_OK);
    answer(2002, "");
    assert_int_equal(next(AT_DEEP), OP_CREATE);
    answer(2001, "");
    assert_int_equal(next(AT_DEEP), OP_NONE);
    cse_fixture_free(&f);
}

/* R002-91: not only by certificate or pre-shared key. */
static void of_whatever_framework_the_association_is(void **state)
{
    (void)state;
    static const enum association_framework all[] = {ASSOCIATION_PSK, ASSOCIATION_CERT, ASSOCIATION_MAF, ASSOCIATION_GBA};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        begin();
        f.a.assoc.framework = all[i];
        assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
        assert_int_equal(next(AT_IN), OP_CREATE);
        assert_true(has("\"lnk\":\"/mn/Sa\""));
        cse_fixture_free(&f);
    }
}

/* What is not the provider's identity is nobody's business but its own, and what is not registered announces nothing. */
static void others_are_not(void **state)
{
    (void)state;
    cse_fixture_init(&f, MN_CONF);
    assert_int_equal(cse_fixture_add_key(&f, "c@sp.example.com", NULL, ""), ERR_OK);
    struct world_session c;
    cse_fixture_connect(&f, "c@sp.example.com", &c);
    assert_int_equal(cse_fixture_create(&f, &c, "Ca", "cse-mn", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
    assert_int_equal(next(AT_IN), OP_NONE); /* not registered at the registrar yet */
    cse_fixture_joins(&f);
    assert_int_equal(next(AT_IN), OP_CREATE);
    answer(2001, "");
    assert_string_equal(state_of("Ca"), "-");
    assert_int_equal(next(AT_IN), OP_NONE);
    cse_fixture_free(&f);
    cse_fixture_init(&f, CSE_CONF); /* the IN-CSE is the registrar itself: there is nothing to tell */
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-in", 2, AE_BODY), ERR_OK);
    assert_string_equal(state_of("Sa"), "-");
    const struct errand_memory m = {.lane = AT_IN};
    assert_int_equal(world_errand(&f.w, f.cse, &m, &q), ERR_NOT_FOUND);
    cse_fixture_free(&f);
}

static void each_answer_leads_on(void **state)
{
    (void)state;
    static const struct {
        uint16_t rsc;
        const char *state; /* afterwards */
        enum op then;      /* at once */
    } first[] = {
        {4105, "pending", OP_UPDATE}, /* the answer to the last try was lost, or the AE has moved here */
        {4117, "pending", OP_UPDATE}, {4106, "refused", OP_NONE}, {4126, "refused", OP_NONE}, {4128, "refused", OP_NONE},
        {4000, "refused", OP_NONE},   {5000, "refused", OP_NONE}, {5103, "pending", OP_CREATE}, {4008, "pending", OP_CREATE},
    };
    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        begin();
        assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
        assert_int_equal(next(AT_IN), OP_CREATE);
        answer(first[i].rsc, "");
        assert_string_equal(state_of("Sa"), first[i].state);
        assert_int_equal(next(AT_IN), first[i].then);
        if (first[i].then == OP_UPDATE) {
            assert_true(has("\"lnk\":\"/mn/Sa\""));
            answer(2004, "");
        } else {
            f.w.now += HOUR;
            assert_int_equal(next(AT_IN), OP_CREATE); /* it is asked again */
            answer(2001, "");
        }
        assert_string_equal(state_of("Sa"), "announced");
        f.w.now += DAY + SECOND; /* whatever became of the other end is found out within a day */
        assert_int_equal(next(AT_IN), OP_UPDATE);
        answer(4004, "");
        assert_int_equal(next(AT_IN), OP_CREATE);
        answer(2001, "");
        assert_string_equal(state_of("Sa"), "announced");
        assert_int_equal(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"lbl\":[\"x\"]}}"), ERR_OK);
        assert_int_equal(next(AT_IN), OP_UPDATE);
        answer(4103, ""); /* another CSE has it by now */
        assert_string_equal(state_of("Sa"), "refused");
        f.w.now += HOUR;
        assert_int_equal(next(AT_IN), OP_UPDATE);
        assert_false(has("\"lnk\"")); /* it is not taken back for being registered here still */
        answer(4103, "");
        assert_int_equal(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"lbl\":[\"back\"]}}"), ERR_OK);
        assert_int_equal(next(AT_IN), OP_UPDATE);
        assert_true(has("\"lnk\":\"/mn/Sa\"") && has("\"back\""));
        answer(4103, "");
        assert_int_equal(cse_fixture_del(&f, &f.a, "Sa", "Sa"), ERR_OK);
        assert_int_equal(next(AT_IN), OP_DELETE);
        answer(4103, "");
        assert_string_equal(state_of("Sa"), "-");
        cse_fixture_free(&f);
    }
}

static void refusals_are_told_once_and_tried_ever_later(void **state)
{
    (void)state;
    begin();
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
    usec_t before = 0;
    for (size_t i = 0; i < 20; i++) {
        usec_t waited = 0;
        while (next(AT_IN) == OP_NONE) {
            f.w.now += SECOND;
            waited += SECOND;
        }
        assert_true(waited >= before && waited <= HOUR + SECOND);
        before = waited;
        answer(4106, "");
    }
    assert_int_equal(before / SECOND, 3600);
    assert_int_equal(world_audited(f.cse, AUDIT_ANNOUNCEMENT_REFUSED), 1);
    cse_fixture_free(&f);
}

/* An expired registration leaves, as a deleted one does. */
static void expiry_follows(void **state)
{
    (void)state;
    begin();
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_WITH(",\"et\":\"20231115T000000\"")), ERR_OK);
    assert_int_equal(next(AT_IN), OP_CREATE);
    assert_true(has("\"et\":\"20231115T000000"));
    answer(2001, "");
    f.w.now += 3 * HOUR;
    assert_int_equal(next(AT_IN), OP_DELETE);
    answer(4004, ""); /* it ended there by itself */
    assert_string_equal(state_of("Sa"), "-");
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK); /* anew */
    assert_int_equal(next(AT_IN), OP_CREATE);
    answer(2001, "");
    cse_fixture_free(&f);
}

/* at and aa of what has no identity of the provider: below the announced CSEBase, or below its announced parent. */
static void a_tree_is_announced_where_it_says(void **state)
{
    (void)state;
    begin();
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
    assert_int_equal(next(AT_IN), OP_CREATE);
    answer(2001, "");
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, CNT_WITH(",\"mni\":5,\"mbs\":99,\"at\":[\"/in\",\"" SP "/deep\"],\"aa\":[\"mni\"]")),
                     ERR_OK);
    assert_int_equal(next(AT_IN), OP_CREATE); /* the AE is announced there */
    assert_string_equal(q.path, "/~/in/Sa");
    assert_int_equal(q.ty, 10003);
    assert_true(has("\"mni\":5") && !has("mbs") && has("\"rn\":\""));
    answer(2001, "");
    assert_int_equal(next(AT_DEEP), OP_CREATE); /* and here it is not: first the CSEBase, then the container */
    assert_string_equal(q.path, "/~/deep/-");
    assert_int_equal(q.ty, 10005);
    assert_true(has("\"lnk\":\"/mn/mn\"") && has("\"csi\":\"/mn\"") && !has("\"rn\""));
    answer(2001, "");
    assert_int_equal(next(AT_DEEP), OP_CREATE);
    assert_string_equal(q.path, "/~/deep/annc-mn");
    answer(4004, ""); /* the CSEBaseAnnc is gone: it comes again, and then this */
    assert_int_equal(next(AT_DEEP), OP_UPDATE);
    assert_string_equal(q.path, "/~/deep/annc-mn");
    answer(4004, "");
    assert_int_equal(next(AT_DEEP), OP_CREATE);
    assert_int_equal(q.ty, 10005);
    answer(2001, "");
    f.w.now += 2 * SECOND;
    assert_int_equal(next(AT_DEEP), OP_CREATE);
    answer(2001, "");
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa/box", 4, "{\"m2m:cin\":{\"con\":\"21\",\"at\":[\"/in\"],\"aa\":[\"con\"]}}"), ERR_OK);
    assert_int_equal(next(AT_IN), OP_CREATE);
    assert_non_null(strstr(q.path, "/~/in/Sa/"));
    assert_true(has("\"con\":\"21\""));
    answer(2001, "");
    assert_int_equal(cse_fixture_put(&f, &f.a, "Sa", "Sa/box", "{\"m2m:cnt\":{\"at\":[\"/in\"]}}"), ERR_OK);
    assert_int_equal(next(AT_DEEP), OP_DELETE);
    answer(2002, "");
    assert_int_equal(next(AT_IN), OP_UPDATE);
    answer(2004, "");
    assert_int_equal(cse_fixture_del(&f, &f.a, "Sa", "Sa"), ERR_OK); /* with everything below it, if not at once */
    assert_int_equal(next(AT_IN), OP_DELETE);
    assert_string_equal(q.path, "/~/in/Sa");
    answer(2002, "");
    for (size_t i = 0; i < 2; i++) { /* what hung below it goes with later requests, as its records do */
        assert_int_equal(cse_fixture_create(&f, &f.b, "Sb", "cse-mn", 2, AE_WITH(",\"at\":[\"/deep\"]")), ERR_OK);
        assert_int_equal(cse_fixture_del(&f, &f.b, "Sb", "Sb"), ERR_OK);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(next(AT_IN), OP_DELETE);
        answer(4004, "");
    }
    assert_int_equal(next(AT_IN), OP_NONE);
    cse_fixture_free(&f);
}

/* What the CSEBase says of itself, as soon as it says something else. */
static void the_base_follows_at_once(void **state)
{
    (void)state;
    cse_fixture_init(&f, MN "admin = Sadmin\n" WAY("in") WAY("deep"));
    cse_fixture_joins(&f);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, CNT_WITH(",\"at\":[\"/deep\"]")), ERR_OK);
    assert_true(next(AT_DEEP) == OP_CREATE && q.ty == 10005);
    assert_int_equal(cse_fixture_put(&f, &f.admin, "Sadmin", "-", "{\"m2m:cb\":{\"lbl\":[\"roof\"]}}"), ERR_OK);
    answer(2001, ""); /* of what it said before */
    for (size_t i = 0; i < 2; i++) { /* the container, and the CSEBase again */
        (void)next(AT_DEEP);
        assert_true(q.op == OP_CREATE ? q.ty == 10003 : q.op == OP_UPDATE && has("\"roof\""));
        answer(q.op == OP_CREATE ? 2001 : 2004, "");
    }
    assert_int_equal(next(AT_DEEP), OP_NONE);
    assert_int_equal(cse_fixture_put(&f, &f.admin, "Sadmin", "-", "{\"m2m:cb\":{\"lbl\":[\"cellar\"]}}"), ERR_OK);
    assert_true(next(AT_DEEP) == OP_UPDATE && has("\"cellar\"") && has("m2m:cbA"));
    answer(2004, "");
    assert_int_equal(next(AT_IN), OP_CREATE); /* Sa; where no CSEBase is announced, none is */
    cse_fixture_free(&f);
}

static void bad_targets_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ",\"at\":[\"/mn\"]",                            /* itself: a loop */
        ",\"at\":[\"" SP "/mn/x\"]",
        ",\"at\":[\"/nobody\"]",                        /* no peer */
        ",\"at\":[\"//other.example.com/in\"]",
        ",\"at\":[\"http://127.0.0.1:80/\"]",           /* nobody makes this CSE call an address */
        ",\"at\":[\"Sa\"]", ",\"at\":[\"/\"]", ",\"at\":[\"//\"]",
        ",\"at\":[\"/in\"],\"aa\":[\"cni\"]",           /* changes without an UPDATE */
        ",\"at\":[\"/in\"],\"aa\":[\"ri\"]", ",\"at\":[\"/in\"],\"aa\":[\"acpi\"]", ",\"at\":[\"/in\"],\"aa\":[\"nothing\"]",
    };
    begin();
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char body[256];
        (void)snprintf(body, sizeof(body), CNT_WITH("%s"), bad[i]);
        assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, body), ERR_CONTENTS);
        (void)snprintf(body, sizeof(body), "{\"m2m:ae\":{%s}}", bad[i] + 1);
        if (strstr(bad[i], "cni") == NULL) {
            assert_int_equal(cse_fixture_put(&f, &f.a, "Sa", "Sa", body), ERR_CONTENTS);
        }
    }
    static char big[12000];
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, CNT_WITH("")), ERR_OK);
    (void)snprintf(big, sizeof(big), "{\"m2m:cin\":{\"at\":[\"/in\"],\"aa\":[\"con\"],\"con\":\"%09000d\"}}", 0);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa/box", 4, big), ERR_CONTENTS);
    cse_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_s_type_ae_is_announced),
        cmocka_unit_test(wanted_again_in_time),
        cmocka_unit_test(of_whatever_framework_the_association_is),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(each_answer_leads_on),
        cmocka_unit_test(refusals_are_told_once_and_tried_ever_later),
        cmocka_unit_test(expiry_follows),
        cmocka_unit_test(a_tree_is_announced_where_it_says),
        cmocka_unit_test(the_base_follows_at_once),
        cmocka_unit_test(bad_targets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
