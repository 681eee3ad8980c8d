/* Who is registered at another CSE, and who is asked for from there: where a notification goes, and a NOTIFY that waits for an AE. */
#include "cse_fixture.h"
#include "wire/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SP "//sp.example.com"
#define FOREIGN "[peer in.other.example.com]\nkind = cse\ncsi = //other.example.com/in\n"
#define SECI "{\"m2m:seci\":{\"sit\":5,\"epo\":\"a.b.c.d.e\"}}"
#define LISTED "http://127.0.0.1:8080"

static struct cse_fixture f;

#define must(e) cse_fixture_must(&f, (e))

static void begin(void **state)
{
    (void)state;
    cse_fixture_init(&f, CSE_CONF "admin = Sadmin\ninter-domain = required\n" WAY("mn") FOREIGN);
    f.w.callable = LISTED;
    must(cse_fixture_create(&f, &f.a, "Sa", "-", 2, AE_NAMED("app-a")));
    must(cse_fixture_create(&f, &f.b, "Sb", "-", 2, AE_NAMED("app-b")));
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"));
}

/* The next queue after that of *x. */
static bool next(struct cse_told *x)
{
    char after[512];
    memcpy(after, x->item.queue, sizeof(after));
    return cse_fixture_waits(&f, after, x);
}

/* -- outward ---------------------------------------------------------------------------------------------------- */
static void happens(void)
{
    f.w.now += SECOND;
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 4, "{\"m2m:cin\":{\"con\":\"x\"}}"));
}

static struct world_session come(const char *id, const char *who, const char *from)
{
    struct world_session s;
    must(cse_fixture_add_key(&f, id, who, ""));
    cse_fixture_connect(&f, id, &s);
    must(cse_fixture_create(&f, &s, from, "-", 16, "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]}}"));
    return s;
}

static void a_target_of_another_cse(void **state)
{
    static struct cse_told x;
    begin(state);
    static const char *const rows[][4] = { /* nu, peer, path, From */
        {"/mn/cse-mn/Sx", "mn.sp.example.com", "/~/mn/cse-mn/Sx", "/in"},
        {SP "/mn/Cx", "mn.sp.example.com", "/~/mn/Cx", "/in"},
        {"//OTHER.example.com/in/Cy", "in.other.example.com", "/_/other.example.com/in/Cy", SP "/in"}, /* the whole name */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[256];
        snprintf(body, sizeof(body), "{\"m2m:sub\":{\"rn\":\"s%zu\",\"nu\":[\"%s\"],\"enc\":{\"net\":[3]}}}", i, rows[i][0]);
        must(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 23, body));
    }
    happens();
    x.item.queue[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) { /* nobody is registered: it waits */
        assert_true(next(&x));
        assert_int_equal(x.item.verdict, OUTBOX_HOLD);
    }
    assert_false(next(&x));
    struct world_session mn = come("kmn@sp.example.com", SP "/mn", "/mn");
    (void)come("kx@sp.example.com", "//other.example.com/in", "//other.example.com/in");
    x.item.queue[0] = '\0';
    for (size_t n = 0; n < ARRAY_LEN(rows); n++) { /* queues come in the order of their names */
        assert_true(next(&x));
        assert_int_equal(x.item.verdict, OUTBOX_SEND);
        assert_false(x.item.to.whole);
        size_t i = 0;
        while (i < ARRAY_LEN(rows) && strcmp(x.item.path, rows[i][2]) != 0) {
            i++;
        }
        assert_true(i < ARRAY_LEN(rows));
        assert_string_equal(x.item.to.peer, rows[i][1]);
        assert_string_equal(x.item.to.from, rows[i][3]);
    }
    must(cse_fixture_del(&f, &mn, "/mn", "csr-mn"));
    x.item.queue[0] = '\0';
    size_t held = 0;
    while (next(&x)) {
        held += x.item.verdict == OUTBOX_HOLD;
    }
    assert_int_equal(held, 2);
    cse_fixture_free(&f);
}

/* An AE of S type by its name alone, where its registrar says that it is. */
static void a_target_that_is_announced(void **state)
{
    static struct cse_told x;
    begin(state);
    struct world_session mn = come("kmn@sp.example.com", SP "/mn", "/mn");
    const char *const forms[] = {"Sx", "/Sx", SP "/Sx", "/in/Sx"};
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 23, "{\"m2m:sub\":{\"nu\":[\"Sx\"]}}"), ERR_CONTENTS);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 23, "{\"m2m:sub\":{\"nu\":[\"/Sx\"]}}"), ERR_NOT_IMPLEMENTED);
    must(cse_fixture_create(&f, &mn, "/mn", "-", 10002, "{\"m2m:aeA\":{\"lnk\":\"/mn/Sx\",\"api\":\"Napp\"}}"));
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        char body[256];
        snprintf(body, sizeof(body), "{\"m2m:sub\":{\"rn\":\"s\",\"nu\":[\"%s\"],\"enc\":{\"net\":[3]}}}", forms[i]);
        must(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 23, body));
        happens();
        assert_true(cse_fixture_waits(&f, "", &x));
        assert_int_equal(x.item.verdict, OUTBOX_SEND);
        assert_string_equal(x.item.path, "/~/mn/Sx");
        assert_string_equal(x.item.to.peer, "mn.sp.example.com");
        must(cse_fixture_told(&f, &x, OUTBOX_TOLD));
        must(cse_fixture_del(&f, &f.a, "Sa", "Sa/c/s"));
    }
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 23, "{\"m2m:sub\":{\"nu\":[\"Sx\"],\"enc\":{\"net\":[3]}}}"));
    happens();
    must(cse_fixture_del(&f, &mn, "/mn", "Sx"));
    assert_true(cse_fixture_waits(&f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_DROP);
    cse_fixture_free(&f);
}

/* An AE of another CSE asks for itself; for somebody else there he would have to be asked. */
static void who_needs_no_verification(void **state)
{
    begin(state);
    struct world_session mn = come("kmn@sp.example.com", SP "/mn", "/mn");
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 1,
                            "{\"m2m:acp\":{\"rn\":\"all\",\"pv\":{\"acr\":[{\"acor\":[\"all\"],\"acop\":63}]},"
                            "\"pvs\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63}]}}}"));
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"acpi\":[\"Sa/all\"]}}"));
    f.unverified = true;
    must(cse_fixture_create(&f, &mn, "/mn/Cx", "Sa/c", 23, "{\"m2m:sub\":{\"nu\":[\"/mn/Cx\"]}}"));
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn/Cx", "Sa/c", 23, "{\"m2m:sub\":{\"nu\":[\"/mn/Cy\"]}}"), ERR_TARGET_UNVERIFIED);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa/c", 23, "{\"m2m:sub\":{\"nu\":[\"/mn/Cx\"]}}"), ERR_TARGET_UNVERIFIED);
    cse_fixture_free(&f);
}

/* -- inward ------------------------------------------------------------------------------------------------------- */
static err_t say(struct world_session *s, const char *from, const char *to, const char *body, bool again)
{
    const struct cse_call c = {.s = s, .op = OP_NOTIFY, .to = to, .from = from, .body = body, .again = again};
    return cse_fixture_call(&f, &c);
}

static void open_channel(void)
{
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 15, "{\"m2m:pch\":{\"rn\":\"p\"}}"));
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 1,
                            "{\"m2m:acp\":{\"rn\":\"b\",\"pv\":{\"acr\":[{\"acor\":[\"Sb\"],\"acop\":16},{\"acor\":[\"Sa\"],\"acop\":63}]},"
                            "\"pvs\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63}]}}}"));
}

static void a_request_waits_in_the_channel(void **state)
{
    char rqi[128], rsp[256];
    begin(state);
    assert_int_equal(say(&f.b, "Sb", "Sa", SECI, false), ERR_DENIED_PRIVILEGE); /* before anything else is said about the AE */
    open_channel();
    assert_int_equal(say(&f.b, "Sb", "Sa", SECI, false), ERR_DENIED_PRIVILEGE);
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/b\"]}}"));
    assert_int_equal(say(&f.b, "Sb", "Sb", SECI, false), ERR_TARGET_AWAY); /* it has no channel */
    assert_int_equal(say(&f.b, "Sb", "Sa/c", SECI, false), ERR_OPERATION);
    must(say(&f.b, "Sb", "cse-in/app-a", SECI, false));
    assert_int_equal(f.rsc, ROLE_RSC_LATER);
    assert_int_equal(say(&f.b, "Sb", "cse-in/app-a", SECI, true), ERR_TARGET_AWAY);
    must(say(&f.b, "Sb", "cse-in/app-a", SECI, false)); /* once more is the same one */
    must(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"));
    assert_non_null(strstr(f.body, "\"rvi\":\"3\",\"fr\":\"Sb\",\"pc\":" SECI "}}"));
    snprintf(rqi, sizeof(rqi), "%s", cse_fixture_member(&f, "rqi"));
    snprintf(rsp, sizeof(rsp), "{\"m2m:rsp\":{\"rsc\":2000,\"rqi\":\"%s\",\"pc\":{\"m2m:seci\":{\"sit\":5}}}}", rqi);
    must(say(&f.a, "Sa", "Sa/p/pcu", rsp, false));
    assert_int_equal(say(&f.a, "Sa", "Sa/p/pcu", rsp, false), ERR_NOT_FOUND);
    must(say(&f.b, "Sb", "cse-in/app-a", SECI, true));
    assert_string_equal(f.body, "{\"m2m:seci\":{\"sit\":5}}");
    assert_int_equal(f.rsc, 2000);
    assert_int_equal(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"), ERR_POLL_EMPTY);
    cse_fixture_free(&f);
}

/* What the AE refuses is refused, and a status that is none goes no further. */
static void a_refusal_comes_back(void **state)
{
    static const struct {
        const char *said;
        uint16_t want;
    } rows[] = {{"4103", 4103}, {"5204", 5204}, {"7", 5000}, {"-4000", 5000}, {"99999999999", 5000}};
    begin(state);
    open_channel();
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/b\"]}}"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[64], rsp[256];
        snprintf(body, sizeof(body), "{\"m2m:seci\":{\"sit\":5,\"epo\":\"%zu\"}}", i);
        must(say(&f.b, "Sb", "Sa", body, false));
        must(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"));
        snprintf(rsp, sizeof(rsp), "{\"m2m:rsp\":{\"rsc\":%s,\"rqi\":\"%s\"}}", rows[i].said, cse_fixture_member(&f, "rqi"));
        must(say(&f.a, "Sa", "Sa/p/pcu", rsp, false));
        must(say(&f.b, "Sb", "Sa", body, true));
        assert_int_equal(f.rsc, rows[i].want);
    }
    cse_fixture_free(&f);
}

/* Who does not ask for them is not sent more and more, and what nobody waits for any more goes. */
static void they_are_few_and_young(void **state)
{
    static struct cse_told x;
    char body[64];
    begin(state);
    open_channel();
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/b\"]}}"));
    for (size_t i = 0; i < 8; i++) {
        f.w.now += SECOND;
        snprintf(body, sizeof(body), "{\"m2m:seci\":{\"sit\":5,\"epo\":\"%zu\"}}", i);
        must(say(&f.b, "Sb", "Sa", body, false));
    }
    assert_int_equal(say(&f.b, "Sb", "Sa", SECI, false), ERR_TARGET_AWAY);
    assert_int_equal(f.rsc, 5103);
    assert_non_null(strstr(f.body, "pollingChannel"));
    must(say(&f.b, "Sb", "Sa", body, false)); /* the one that waits already */
    assert_true(cse_fixture_waits(&f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_HOLD);
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"poa\":[\"" LISTED "\"]}}"));
    assert_true(cse_fixture_waits(&f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_SEND); /* in the name of who asks */
    assert_string_equal(x.item.to.from, "Sb");
    f.w.now += 61 * SECOND;
    for (size_t i = 0; i < 8; i++) {
        assert_true(cse_fixture_waits(&f, "", &x));
        assert_int_equal(x.item.verdict, OUTBOX_DROP);
        must(cse_fixture_told(&f, &x, OUTBOX_DROPPED));
    }
    assert_false(cse_fixture_waits(&f, "", &x));
    cse_fixture_free(&f);
}

/* Its own end counts, and the AE is told it; what nobody waits for takes no room, and is not asked any more. */
static void it_ends_with_its_request(void **state)
{
    static struct cse_told x;
    char body[64];
    begin(state);
    open_channel();
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/b\"]}}"));
    char told[64];
    struct writer w = WRITER_ARRAY(told);
    writer_z(&w, "\"rqet\":\"");
    timestamp_write_ms(&w, f.w.now + 2 * SECOND);
    writer_z(&w, "\",\"fr\":\"Sb\",\"pc\":{\"m2m:seci\"");
    must(writer_finish_z(&w));
    for (size_t i = 0; i < 8; i++) {
        snprintf(body, sizeof(body), "{\"m2m:seci\":{\"sit\":5,\"epo\":\"%zu\"}}", i);
        const struct cse_call c = {.s = &f.b, .op = OP_NOTIFY, .to = "Sa", .from = "Sb", .body = body, .expires = f.w.now + 2 * SECOND};
        must(cse_fixture_call(&f, &c));
    }
    assert_int_equal(say(&f.b, "Sb", "Sa", SECI, false), ERR_TARGET_AWAY);
    must(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"));
    assert_non_null(strstr(f.body, told));
    assert_true(cse_fixture_waits(&f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_HOLD);
    assert_true(x.item.due == f.w.now + 2 * SECOND);
    f.w.now += 2 * SECOND;
    assert_int_equal(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"), ERR_POLL_EMPTY);
    must(say(&f.b, "Sb", "Sa", SECI, false));
    must(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"));
    assert_null(strstr(f.body, "rqet"));
    x.item.queue[0] = '\0';
    size_t dropped = 0, held = 0;
    while (next(&x)) {
        dropped += x.item.verdict == OUTBOX_DROP;
        held += x.item.verdict == OUTBOX_HOLD;
    }
    assert_int_equal(dropped, 8);
    assert_int_equal(held, 1);
    cse_fixture_free(&f);
}

/* What is over takes no room, but it does not go at once: who sends faster than it goes is held up all the same. */
static void what_is_over_is_bounded_too(void **state)
{
    err_t e = ERR_OK;
    size_t n = 0;
    begin(state);
    open_channel();
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/b\"]}}"));
    for (; e == ERR_OK && n < 200; n++) {
        char body[64];
        (void)snprintf(body, sizeof(body), "{\"m2m:seci\":{\"sit\":5,\"epo\":\"%zu\"}}", n);
        const struct cse_call c = {.s = &f.b, .op = OP_NOTIFY, .to = "Sa", .from = "Sb", .body = body, .expires = f.w.now + 1000};
        e = cse_fixture_call(&f, &c);
        f.w.now += 2000;
    }
    assert_int_equal(e, ERR_TARGET_AWAY);
    assert_true(n > 8 && n < 100);
    cse_fixture_free(&f);
}

/* Addresses at another CSE cost nothing to make up: who tells groups of them more than his share is refused, for a while. */
enum { MEMBERS = 64, CONTENT = 8000, TRIES = 64 };

static void new_members(size_t round, bool first)
{
    static char group[MEMBERS * 16 + 128];
    int n = snprintf(group, sizeof(group), "{\"m2m:grp\":{%s\"mid\":[", first ? "\"rn\":\"g\",\"mnm\":64," : "");
    for (int i = 0; i < MEMBERS; i++) {
        n += snprintf(group + n, sizeof(group) - (size_t)n, "%s\"/mn/C%zux%d\"", i > 0 ? "," : "", round, i);
    }
    (void)snprintf(group + n, sizeof(group) - (size_t)n, "]}}");
    must(first ? cse_fixture_create(&f, &f.a, "Sa", "Sa", 9, group) : cse_fixture_put(&f, &f.a, "Sa", "Sa/g", group));
}

static void what_goes_elsewhere_is_bounded(void **state)
{
    static char body[CONTENT + 64], filler[CONTENT + 1];
    size_t tries = 0;
    begin(state);
    (void)come("kmn@sp.example.com", SP "/mn", "/mn");
    memset(filler, 'e', CONTENT);
    for (f.rsc = ROLE_RSC_LATER; f.rsc == ROLE_RSC_LATER && tries < TRIES; tries++) {
        new_members(tries, tries == 0);
        (void)snprintf(body, sizeof(body), "{\"m2m:sgn\":{\"nev\":%zu,\"x\":\"%s\"}}", tries, filler);
        must(say(&f.a, "Sa", "Sa/g/fopt", body, false));
    }
    assert_true(tries > 8 && tries < TRIES);
    assert_non_null(strstr(f.body, "group-notify-full"));
    f.w.now += 61 * SECOND;
    must(say(&f.a, "Sa", "Sa/g/fopt", "{\"m2m:sgn\":{\"nev\":1}}", false));
    assert_int_equal(f.rsc, ROLE_RSC_LATER);
    cse_fixture_free(&f);
}

/* What waits for its batch, its schedule or its rate is no reason to let the AE wait for the rest. */
static void what_waits_hides_nothing(void **state)
{
    begin(state);
    open_channel();
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/b\"]}}"));
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"d\"}}"));
    for (size_t i = 0; i < 16; i++) {
        char body[256];
        snprintf(body, sizeof(body), "{\"m2m:sub\":{\"rn\":\"s%zu\",\"nu\":[\"Sa\"],\"enc\":{\"net\":[3]},\"bn\":{\"num\":50,\"dur\":\"P10D\"}}}", i);
        must(cse_fixture_create(&f, &f.a, "Sa", i < 8 ? "Sa/c" : "Sa/d", 23, body));
    }
    happens();
    must(cse_fixture_create(&f, &f.a, "Sa", "Sa/d", 4, "{\"m2m:cin\":{\"con\":\"x\"}}"));
    assert_int_equal(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"), ERR_POLL_EMPTY);
    f.w.now += SECOND;
    must(say(&f.b, "Sb", "Sa", SECI, false));
    must(cse_fixture_get(&f, &f.a, "Sa", "Sa/p/pcu"));
    assert_non_null(strstr(f.body, "\"fr\":\"Sb\""));
    cse_fixture_free(&f);
}

/* To a point of access it goes at once, as it came; nobody without the right gets so far, nor with a token that is none, whatever
 * policies say. */
static err_t hop_of(const struct primitive_list *tokens, const struct primitive_list *ltids, struct hop *to)
{
    static const struct keys_export none;
    static uint8_t memory[1 << 20];
    struct arena arena = arena_of(memory, sizeof(memory));
    const struct primitive p = {.op = OP_NOTIFY, .to = text_of("Sa"), .path = text_of("/Sa"), .has_from = true,
                                .from = text_of("Sb"), .rqi = text_of("r1"), .rvi = text_of("3"), .expires = USEC_NEVER,
                                .tokens = *tokens, .ltids = *ltids};
    const struct request rq = {.prim = &p, .assoc = &f.b.assoc, .exported = &none, .now = f.w.now};
    struct txn t;
    *to = (struct hop){.peer = ""};
    must(store_begin(f.cse->store, false));
    txn_init(&t, f.cse->store, &arena, false);
    err_t e = role_cse.hop(f.cse->ctx, &rq, &t, to);
    store_rollback(f.cse->store);
    return e;
}

static void to_a_point_of_access(void **state)
{
    const struct primitive_list no = {.n = 0}, garbage = {.n = 1, .at = {text_of("a.b.c")}}, unknown = {.n = 1, .at = {text_of("tnone")}};
    struct hop to;
    begin(state);
    open_channel();
    must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"poa\":[\"http://10.0.0.1\",\"" LISTED "/a\"]}}"));
    for (int allowed = 0; allowed < 2; allowed++) {
        assert_int_equal(hop_of(&no, &no, &to), allowed ? ERR_OK : ERR_DENIED_PRIVILEGE);
        assert_string_equal(to.url, allowed ? LISTED "/a" : "");
        assert_string_equal(to.from, allowed ? "Sb" : "");
        assert_int_equal(to.whole, allowed != 0);
        assert_int_equal(hop_of(&garbage, &no, &to), ERR_TOKEN_FORM);
        assert_string_equal(to.url, "");
        assert_int_equal(hop_of(&no, &unknown, &to), ERR_TOKEN_UNKNOWN);
        assert_string_equal(to.url, "");
        must(cse_fixture_put(&f, &f.a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/b\"]}}"));
    }
    cse_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_of_another_cse),
        cmocka_unit_test(a_target_that_is_announced),
        cmocka_unit_test(who_needs_no_verification),
        cmocka_unit_test(a_request_waits_in_the_channel),
        cmocka_unit_test(a_refusal_comes_back),
        cmocka_unit_test(they_are_few_and_young),
        cmocka_unit_test(it_ends_with_its_request),
        cmocka_unit_test(what_is_over_is_bounded_too),
        cmocka_unit_test(what_goes_elsewhere_is_bounded),
        cmocka_unit_test(what_waits_hides_nothing),
        cmocka_unit_test(to_a_point_of_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
