/* AEs that are asked for somebody who waits: the members of a group, who is to get notifications; and what wakes who waits. */
#include "cse_fixture.h"

#include "role/cse/cse_bell.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SP "//sp.example.com"
#define LISTED "http://127.0.0.1:8080"
#define HELLO "{\"m2m:sgn\":{\"sur\":\"/x/y\"}}"
#define OPEN_ACP                                                                                                       \
    "{\"m2m:acp\":{\"rn\":\"b\",\"pv\":{\"acr\":[{\"acor\":[\"all\"],\"acop\":63}]},"                                   \
    "\"pvs\":{\"acr\":[{\"acor\":[\"Sa\",\"Sb\"],\"acop\":63}]}}}"

static struct cse_fixture f;

#define must(e) cse_fixture_must(&f, (e))

/* Sa asks at its channel Sa/p, and owns the group Sa/g of Sa and of Sb, which has a point of access. */
static void begin(void **state)
{
    (void)state;
    cse_fixture_init(&f, CSE_CONF "admin = Sadmin\ninter-domain = required\n[peer mn.sp.example.com]\nkind = cse\ncsi = /mn\n");
    f.w.callable = LISTED;
    must(cse_fixture_create(&f, &f.a, "Sa", "-", 2, AE_NAMED("app-a")));
    must(cse_fixture_create(&f, &f.b, "Sb", "-", 2, AE_NAMED("app-b")));
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 1, OPEN_ACP));
    must(cse_fixture_create(&f, &f.b, "Sb", "Sb", 1, OPEN_ACP));
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/b\"]}}"));
    must(cse_fixture_put(&f, &f.b, "Sb", "Sb", "{\"m2m:ae\":{\"poa\":[\"" LISTED "/b\"]}}"));
    must(cse_fixture_put(&f, &f.b, "Sb", "Sb", "{\"m2m:ae\":{\"acpi\":[\"Sb/b\"]}}"));
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 15, "{\"m2m:pch\":{\"rn\":\"p\"}}"));
}

static void group(const char *members)
{
    char body[512];
    snprintf(body, sizeof(body), "{\"m2m:grp\":{\"rn\":\"g\",\"mnm\":9,\"macp\":[\"Sa/b\"],\"mid\":[%s]}}", members);
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 9, body));
}

static err_t say(const char *to, const char *body, bool again, bool final)
{
    const struct cse_call c = {.s = &f.b, .op = OP_NOTIFY, .to = to, .from = "Sb", .body = body, .again = again, .final = final};
    return cse_fixture_call(&f, &c);
}

/* Sa takes what waits in its channel, and answers. */
static void answer(const char *rsc)
{
    char rsp[256];
    must(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"));
    snprintf(rsp, sizeof(rsp), "{\"m2m:rsp\":{\"rsc\":%s,\"rqi\":\"%s\"}}", rsc, cse_fixture_member(&f, "rqi"));
    const struct cse_call c = {.s = &f.a, .op = OP_NOTIFY, .to = "Sa/p/pcu", .from = "Sa", .body = rsp};
    must(cse_fixture_call(&f, &c));
}

/* The first that is sent to a point of access. */
static bool to_point(struct cse_told *x)
{
    char after[sizeof(x->item.queue)] = "";
    while (cse_fixture_waits(&f, after, x)) {
        if (x->item.verdict == OUTBOX_SEND) {
            return true;
        }
        memcpy(after, x->item.queue, sizeof(after));
    }
    return false;
}

static uint16_t said_by(const char *member)
{
    json_t *v = NULL;
    int rsc = 0;
    must(json_parse(text_bytes(text_of(f.body)), &v));
    const json_t *all = json_object_get(json_object_get(v, "m2m:agr"), "m2m:rsp");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        if (strcmp(json_string_value(json_object_get(one, "fr")), member) == 0) {
            rsc = (int)json_integer_value(json_object_get(one, "rsc"));
        }
    }
    json_decref(v);
    return (uint16_t)rsc;
}

/* -- groups --------------------------------------------------------------------------------------------------------- */
static void each_member_is_asked_and_answers(void **state)
{
    static struct cse_told x;
    begin(state);
    group("\"Sa\",\"cse-in/app-b\",\"Sa/p\"");
    must(say("Sa/g/fopt", HELLO, false, false));
    assert_int_equal(f.rsc, ROLE_RSC_LATER);
    must(say("Sa/g/fopt", HELLO, false, false)); /* once more is the same one */
    assert_int_equal(say("Sa/g/fopt", HELLO, true, false), ERR_TARGET_AWAY);
    assert_true(f.wait.set);
    answer("2000");
    assert_int_equal(say("Sa/g/fopt", HELLO, true, false), ERR_TARGET_AWAY); /* the other one has not */
    assert_true(to_point(&x));
    assert_string_equal(x.item.to.url, LISTED "/b");
    assert_string_equal(x.item.to.from, "Sb");
    assert_string_equal(x.body, HELLO);
    must(cse_fixture_told(&f, &x, OUTBOX_REFUSED));
    must(say("Sa/g/fopt", HELLO, true, false));
    assert_int_equal(f.rsc, 2000);
    assert_int_equal(said_by("Sa"), 2000);
    assert_int_equal(said_by("cse-in/app-b"), 4103);
    assert_int_equal(said_by("Sa/p"), 4005); /* no AE */
    cse_fixture_free(&f);
}

/* What some have answered is told, when it may be waited for no longer. */
static void who_does_not_answer_keeps_back_no_other(void **state)
{
    begin(state);
    group("\"Sa\",\"Sb\"");
    must(say("Sa/g/fopt", HELLO, false, false));
    answer("2000");
    must(say("Sa/g/fopt", HELLO, true, true));
    assert_int_equal(said_by("Sa"), 2000);
    assert_int_equal(said_by("Sb"), 5103);
    cse_fixture_free(&f);
}

/* One for whom there is no room any more is not waited for. */
static void who_could_not_be_asked_is_not_waited_for(void **state)
{
    char body[64];
    begin(state);
    group("\"Sa\",\"Sb\"");
    for (int i = 0; i < 8; i++) {
        snprintf(body, sizeof(body), "{\"m2m:sgn\":{\"sur\":\"/x/%d\"}}", i);
        must(say("Sa", body, false, false));
    }
    must(say("Sa/g/fopt", HELLO, false, false));
    assert_int_equal(f.rsc, ROLE_RSC_LATER);
    static struct cse_told x;
    assert_true(to_point(&x));
    must(cse_fixture_told(&f, &x, OUTBOX_TOLD));
    must(say("Sa/g/fopt", HELLO, true, false));
    assert_int_equal(said_by("Sb"), 2000);
    assert_int_equal(said_by("Sa"), 5103);
    cse_fixture_free(&f);
}

static void a_member_of_another_cse(void **state)
{
    static struct cse_told x;
    struct world_session mn;
    begin(state);
    must(cse_fixture_add_key(&f, "kmn@sp.example.com", SP "/mn", ""));
    cse_fixture_connect(&f, "kmn@sp.example.com", &mn);
    group("\"/mn/Cx\",\"/mn/g/fopt\",\"/none/Cx\"");
    must(say("Sa/g/fopt", HELLO, false, false)); /* there is no way yet */
    assert_int_equal(said_by("/mn/Cx"), 5103);
    must(cse_fixture_create(&f, &mn, "/mn", "-", 16, "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]}}"));
    must(say("Sa/g/fopt", HELLO, false, false));
    assert_int_equal(f.rsc, ROLE_RSC_LATER);
    assert_true(cse_fixture_waits(&f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_SEND);
    assert_string_equal(x.item.to.peer, "mn.sp.example.com");
    assert_string_equal(x.item.path, "/~/mn/Cx");
    assert_string_equal(x.item.to.from, "/Sb");
    must(cse_fixture_told(&f, &x, OUTBOX_TOLD));
    must(say("Sa/g/fopt", HELLO, true, false));
    assert_int_equal(said_by("/mn/Cx"), 2000);
    assert_int_equal(said_by("/mn/g/fopt"), 4005); /* groups behind groups of others might lead back here */
    assert_int_equal(said_by("/none/Cx"), 5103);
    cse_fixture_free(&f);
}

/* The right to NOTIFY is that of each AE. */
static void a_group_gives_no_right(void **state)
{
    begin(state);
    group("\"Sa\"");
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 1,
                            "{\"m2m:acp\":{\"rn\":\"own\",\"pv\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63}]},"
                            "\"pvs\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63}]}}}"));
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/own\"]}}"));
    must(say("Sa/g/fopt", HELLO, false, false));
    assert_int_equal(said_by("Sa"), 4103); /* refuses R000-48 */
    cse_fixture_free(&f);
}

/* -- verification through a channel -------------------------------------------------------------------------------- */
#define SUBSCRIPTION "{\"m2m:sub\":{\"rn\":\"s\",\"nu\":[\"Sa\"]}}"

static err_t subscribe(const char *body, bool again, bool final)
{
    const struct cse_call c = {.s = &f.b, .op = OP_CREATE, .ty = 23, .to = "Sb/c", .from = "Sb", .body = body, .again = again, .final = final};
    return cse_fixture_call(&f, &c);
}

static void container(void)
{
    must(cse_fixture_create(&f, &f.b, "Sb", "Sb", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"));
    f.unverified = true;
}

static void an_ae_is_asked_through_its_channel(void **state)
{
    begin(state);
    container();
    must(subscribe(SUBSCRIPTION, false, false));
    assert_int_equal(f.rsc, ROLE_RSC_LATER);
    assert_int_equal(cse_fixture_get(&f, &f.b, "Sb", "Sb/c/s"), ERR_NOT_FOUND); /* nothing is made before it agrees */
    assert_int_equal(subscribe(SUBSCRIPTION, true, false), ERR_TARGET_UNVERIFIED);
    assert_true(f.wait.set);
    must(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"));
    assert_non_null(strstr(f.body, "\"fr\":\"/in\",\"pc\":{\"m2m:sgn\":{\"vrq\":true,"));
    assert_non_null(strstr(f.body, "\"cr\":\"" SP "/Sb\"}}}}"));
    answer("2000");
    must(subscribe(SUBSCRIPTION, true, false));
    assert_int_equal(f.rsc, ROLE_RSC_NOW);
    must(subscribe(SUBSCRIPTION, false, false));
    assert_int_equal(f.rsc, 2001);
    must(cse_fixture_del(&f, &f.b, "Sb", "Sb/c/s"));
    must(subscribe(SUBSCRIPTION, false, false)); /* a yes is for one subscription */
    assert_int_equal(f.rsc, ROLE_RSC_LATER);
    answer("4103");
    assert_int_equal(subscribe(SUBSCRIPTION, true, false), ERR_TARGET_REFUSED); /* 5205 */
    assert_int_equal(subscribe(SUBSCRIPTION, false, false), ERR_TARGET_REFUSED);
    cse_fixture_free(&f);
}

/* Its yes is for what it was asked: not for another resource, nor for another target. */
static void a_yes_is_for_what_was_asked(void **state)
{
    begin(state);
    container();
    must(cse_fixture_create(&f, &f.b, "Sb", "Sb", 3, "{\"m2m:cnt\":{\"rn\":\"d\"}}"));
    must(subscribe(SUBSCRIPTION, false, false));
    answer("2000");
    assert_int_equal(subscribe("{\"m2m:sub\":{\"rn\":\"s\",\"nu\":[\"" LISTED "\"]}}", false, false), ERR_TARGET_UNVERIFIED);
    static const char both[] = "{\"m2m:sub\":{\"rn\":\"s\",\"nu\":[\"Sa\",\"" LISTED "\"]}}"; /* whom the shell did not ask */
    must(subscribe(both, false, false));
    assert_int_equal(f.rsc, ROLE_RSC_LATER);
    answer("2000");
    assert_int_equal(subscribe(both, false, false), ERR_TARGET_UNVERIFIED);
    const struct cse_call other = {.s = &f.b, .op = OP_CREATE, .ty = 23, .to = "Sb/d", .from = "Sb", .body = SUBSCRIPTION};
    must(cse_fixture_call(&f, &other));
    assert_int_equal(f.rsc, ROLE_RSC_LATER);
    cse_fixture_free(&f);
}

static void nobody_is_asked_in_vain(void **state)
{
    begin(state);
    container();
    assert_int_equal(subscribe("{\"m2m:sub\":{\"rn\":\"s\",\"nu\":[\"Sa\"],\"foo\":1}}", false, false), ERR_UNKNOWN_ATTRIBUTE);
    assert_int_equal(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"), ERR_POLL_EMPTY); /* of a request that is refused anyway */
    must(subscribe(SUBSCRIPTION, false, false));
    assert_int_equal(subscribe(SUBSCRIPTION, true, true), ERR_TARGET_UNVERIFIED);
    assert_int_equal(f.rsc, 5204);
    must(cse_fixture_del(&f, &f.a, "Sa", "Sa/p"));
    f.w.now += 61 * SECOND;
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"poa\":[\"" LISTED "\"]}}"));
    assert_int_equal(subscribe("{\"m2m:sub\":{\"rn\":\"s2\",\"nu\":[\"Sa\"]}}", false, false), ERR_TARGET_UNVERIFIED);
    cse_fixture_free(&f);
}

/* Two answers of one are not those of two: who has a point of access and then a channel is asked twice, and nobody speaks for the other. */
static void a_yes_is_for_one_target(void **state)
{
    static const char both[] = "{\"m2m:sub\":{\"rn\":\"s\",\"nu\":[\"Sadmin\",\"Sa\"]}}";
    static struct cse_told x;
    char rsp[256];
    begin(state);
    container();
    must(cse_fixture_create(&f, &f.admin, "Sadmin", "-", 2, AE_BODY));
    must(cse_fixture_create(&f, &f.admin, "Sadmin", "Sadmin", 15, "{\"m2m:pch\":{\"rn\":\"p\"}}"));
    f.verified = 1; /* it agreed at its point of access */
    must(subscribe(both, false, false));
    assert_int_equal(f.rsc, ROLE_RSC_LATER);
    must(cse_fixture_get(&f, &f.admin, "Sadmin", "Sadmin/p/pcu"));
    snprintf(rsp, sizeof(rsp), "{\"m2m:rsp\":{\"rsc\":2000,\"rqi\":\"%s\"}}", cse_fixture_member(&f, "rqi"));
    const struct cse_call yes = {.s = &f.admin, .op = OP_NOTIFY, .to = "Sadmin/p/pcu", .from = "Sadmin", .body = rsp};
    must(cse_fixture_call(&f, &yes));
    must(cse_fixture_del(&f, &f.a, "Sa", "Sa/p")); /* the other one closes its channel, and in a minute what it was asked goes */
    char after[sizeof(x.item.queue)] = "";
    while (cse_fixture_waits(&f, after, &x) && strncmp(x.item.queue, "A:Sa ", 5) != 0) {
        memcpy(after, x.item.queue, sizeof(after));
    }
    must(cse_fixture_told(&f, &x, OUTBOX_DROPPED));
    assert_int_equal(subscribe(both, false, false), ERR_TARGET_UNVERIFIED);
    cse_fixture_free(&f);
}

/* Whom the request waited for has gone: the writer decides about it, for a view that is only read makes nothing. */
static void who_was_asked_may_go(void **state)
{
    begin(state);
    container();
    must(subscribe(SUBSCRIPTION, false, false));
    must(cse_fixture_del(&f, &f.a, "Sa", "Sa"));
    must(subscribe(SUBSCRIPTION, true, false));
    assert_int_equal(f.rsc, ROLE_RSC_NOW);
    assert_int_equal(subscribe(SUBSCRIPTION, false, false), ERR_CONTENTS);
    cse_fixture_free(&f);
}

/* Anybody may subscribe what is his own for somebody else: that takes no room from those who may NOTIFY it. */
static void questions_leave_room_for_messages(void **state)
{
    char body[96];
    size_t asked = 0;
    begin(state);
    container();
    for (int i = 0; i < 9; i++) {
        snprintf(body, sizeof(body), "{\"m2m:sub\":{\"rn\":\"s%d\",\"nu\":[\"Sa\"]}}", i);
        err_t e = subscribe(body, false, false);
        assert_true(e == ERR_OK || e == ERR_TARGET_UNVERIFIED);
        asked += e == ERR_OK;
    }
    assert_int_equal(asked, 4);
    for (int i = 0; i < 8; i++) {
        snprintf(body, sizeof(body), "{\"m2m:sgn\":{\"sur\":\"/x/%d\"}}", i);
        must(say("Sa", body, false, false));
        assert_int_equal(f.rsc, ROLE_RSC_LATER);
    }
    assert_int_equal(say("Sa", HELLO, false, false), ERR_TARGET_AWAY);
    for (int i = 0; i < 12; i++) {
        answer("2000");
    }
    assert_int_equal(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"), ERR_POLL_EMPTY);
    cse_fixture_free(&f);
}

/* -- waiting ---------------------------------------------------------------------------------------------------------- */
static struct role_bell heard(uint64_t last)
{
    static uint8_t memory[1 << 16];
    struct arena arena = arena_of(memory, sizeof(memory));
    struct role_bell b = {.last = last};
    struct txn t;
    must(store_begin(f.cse->store, false));
    txn_init(&t, f.cse->store, &arena, false);
    must(role_cse.bell(f.cse->ctx, &t, &b));
    store_rollback(f.cse->store);
    return b;
}

static bool has(const struct role_bell *b, uint64_t topic)
{
    bool found = false;
    for (size_t i = 0; i < b->n; i++) {
        found = found || b->topics[i] == topic;
    }
    return found;
}

static void a_poll_waits_for_its_own_channel(void **state)
{
    begin(state);
    assert_int_equal(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"), ERR_POLL_EMPTY);
    assert_true(f.wait.set && f.wait.due == USEC_NEVER);
    assert_true(f.wait.topic == cse_bell_topic(text_of("A:Sa")));
    const struct role_wait wait = f.wait;
    uint64_t last = heard(0).last;
    must(say("Sa", HELLO, false, false));
    struct role_bell b = heard(last);
    assert_true(!b.all && b.n == 1 && has(&b, wait.topic));
    must(cse_fixture_create(&f, &f.b, "Sb", "Sb", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"));
    must(cse_fixture_create(&f, &f.b, "Sb", "Sb/c", 23, "{\"m2m:sub\":{\"nu\":[\"Sb\"],\"enc\":{\"net\":[3]}}}"));
    must(cse_fixture_create(&f, &f.b, "Sb", "Sb/c", 4, "{\"m2m:cin\":{\"con\":\"x\"}}"));
    b = heard(b.last);
    assert_true(!b.all && b.n > 0 && !has(&b, wait.topic)); /* of somebody else */
    last = b.last;
    for (size_t i = 0; i <= ROLE_BELL_MAX; i++) {
        f.w.now += SECOND;
        must(cse_fixture_create(&f, &f.b, "Sb", "Sb/c", 4, "{\"m2m:cin\":{\"con\":\"x\"}}"));
    }
    assert_true(heard(last).all); /* more than is remembered: everybody looks */
    assert_true(heard(UINT64_MAX).all);
    cse_fixture_free(&f);
}

/* Who is deleted, or whose channel, hears of it; and of a batch that need not be waited for any more. */
static void what_else_wakes(void **state)
{
    const uint64_t own = cse_bell_topic(text_of("A:Sa"));
    begin(state);
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"));
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 23,
                            "{\"m2m:sub\":{\"rn\":\"s\",\"nu\":[\"Sa\"],\"enc\":{\"net\":[3]},\"bn\":{\"num\":9,\"dur\":\"PT10M\"}}}"));
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 4, "{\"m2m:cin\":{\"con\":\"x\"}}"));
    usec_t began = f.w.now;
    assert_int_equal(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"), ERR_POLL_EMPTY);
    assert_true(f.wait.set && f.wait.due == began + 600 * SECOND);
    uint64_t last = heard(0).last;
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa/c/s", "{\"m2m:sub\":{\"bn\":null}}"));
    struct role_bell b = heard(last);
    assert_true(has(&b, own));
    must(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"));
    must(cse_fixture_del(&f, &f.a, "Sa", "Sa/p"));
    b = heard(b.last);
    assert_true(has(&b, own));
    must(cse_fixture_del(&f, &f.a, "Sa", "Sa"));
    b = heard(b.last);
    assert_true(has(&b, own));
    cse_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_member_is_asked_and_answers),
        cmocka_unit_test(who_does_not_answer_keeps_back_no_other),
        cmocka_unit_test(who_could_not_be_asked_is_not_waited_for),
        cmocka_unit_test(a_member_of_another_cse),
        cmocka_unit_test(a_group_gives_no_right),
        cmocka_unit_test(an_ae_is_asked_through_its_channel),
        cmocka_unit_test(a_yes_is_for_what_was_asked),
        cmocka_unit_test(who_was_asked_may_go), cmocka_unit_test(a_yes_is_for_one_target), cmocka_unit_test(questions_leave_room_for_messages),
        cmocka_unit_test(nobody_is_asked_in_vain),
        cmocka_unit_test(a_poll_waits_for_its_own_channel),
        cmocka_unit_test(what_else_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
