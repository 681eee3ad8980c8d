/* The CSE as receiver of ESPrim: what is taken, whose request it is, and every refusal of TS-0004 table 7.6.2-1. */
#include "cse_fixture.h"
#include "proto/esprim.h"
#include "role/cse/cse_key.h"
#include "shell/crypto_openssl.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KID "0123456789ABCDEF@sp.example.com"
#define WHO "//sp.example.com/Sfar" /* nobody registered him here */
#define FAR_ACP "{\"m2m:acp\":{\"rn\":\"p\",\"pv\":{\"acr\":[{\"acor\":[\"Sfar\",\"Sa\"],\"acop\":63}]}," \
                "\"pvs\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63}]}}}"

static const struct esprim_policy policy = {
    .algs = {ESPRIM_A256GCM, ESPRIM_A192GCM, ESPRIM_A128GCM}, .algs_n = 3, .lifetime = HOUR};

struct ends {
    struct cse_fixture f;
    struct esprim_originator o;
    struct esprim_key key;
    char jwe[ESPRIM_OBJECT_MAX]; /* the last object, terminated */
    char plain[ESPRIM_INNER_MAX + 1];
};

static err_t add_key(struct ends *x, const char *id, const char *who, const char *more)
{
    char args[512];
    snprintf(args, sizeof(args), "{\"kind\":\"esprim\",\"key\":\"" KPSA "\",\"id\":\"%s\"%s%s%s%s}", id,
             who != NULL ? ",\"enrolee-id\":\"" : "", who != NULL ? who : "", who != NULL ? "\"" : "", more);
    return world_ctl(&x->f.w, x->f.cse, "credential", "add", args, &x->f.r);
}

static err_t notify(struct ends *x, const char *to, const char *body)
{
    const struct cse_call c = {.s = &x->f.a, .op = OP_NOTIFY, .to = to, .from = "Sa", .body = body};
    return cse_fixture_call(&x->f, &c);
}

/* The value of securityInfo in the last answer. */
static struct text value_of(struct ends *x, unsigned want)
{
    static char text[ESPRIM_OBJECT_MAX];
    struct writer w = WRITER_ARRAY(text);
    unsigned type = 0;
    assert_int_equal(esprim_seci_parse(text_bytes(text_of(x->f.body)), &type, &w), ERR_OK);
    assert_int_equal(type, want);
    return writer_view_text(&w);
}

static void take_offer(struct ends *x)
{
    assert_int_equal(notify(x, "-", "{\"m2m:seci\":{\"sit\":3}}"), ERR_OK);
    assert_int_equal(x->f.rsc, 2000);
    assert_int_equal(esprim_originator_receiver(&x->o, value_of(x, ESPRIM_SECI_RAND), x->f.w.now), ERR_OK);
}

static void originate(struct ends *x, const char *kid, const char *who)
{
    x->key = (struct esprim_key){.suid = 13, .not_after = USEC_NEVER};
    assert_int_equal(secret_set(&x->key.k.s, secret_view(&x->f.kpsa)), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(kid), x->key.id), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(who), x->key.peer), ERR_OK);
    esprim_originator_init(&x->o, crypto_openssl(), &policy, &x->key, who);
}

static void seal(struct ends *x, const char *request)
{
    struct writer w = writer_of(x->jwe, sizeof(x->jwe) - 1);
    assert_int_equal(esprim_originator_seal(&x->o, text_bytes(text_of(request)), x->f.w.now, &w), ERR_OK);
    x->jwe[w.n] = '\0';
}

static err_t send_it(struct ends *x)
{
    static char body[ESPRIM_OBJECT_MAX + 64];
    snprintf(body, sizeof(body), "{\"m2m:seci\":{\"sit\":5,\"epo\":\"%s\"}}", x->jwe);
    return notify(x, "cse-in", body);
}

/* What the originator itself would not seal. */
static void seal_other(struct ends *x, const char *plain)
{
    struct writer w = writer_of(x->jwe, sizeof(x->jwe) - 1);
    struct key_esprim_session k = {0};
    seal(x, "{\"m2m:rqp\":{\"op\":2,\"to\":\"-\",\"fr\":\"" WHO "\",\"rqi\":\"i1\"}}"); /* makes its random object */
    const struct esprim_pair pair = {&x->o.receiver[0], &x->o.own[0]};
    struct esprim_header h = {.alg = ESPRIM_A256GCM, .has_oro = true, .oro = x->o.own[0]};
    assert_int_equal(TEXT_COPY(text_of(x->key.id), h.kid), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(x->o.own[0].id), h.ori), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(x->o.receiver[0].id), h.rri), ERR_OK);
    assert_int_equal(esprim_box_derive(crypto_openssl(), &x->key, &pair, &k), ERR_OK);
    assert_int_equal(esprim_box_seal(crypto_openssl(), &k, &h, text_bytes(text_of(plain)), &w), ERR_OK);
    x->jwe[w.n] = '\0';
}

static void request(struct ends *x, const char *more)
{
    char rqp[1024];
    snprintf(rqp, sizeof(rqp), "{\"m2m:rqp\":{\"fr\":\"" WHO "\",\"rqi\":\"i1\",\"rvi\":\"3\",%s}}", more);
    seal(x, rqp);
}

/* One inner request: the status of its answer; the answer itself is in x->plain. */
static int ask(struct ends *x, const char *more)
{
    struct writer w = writer_of(x->plain, sizeof(x->plain) - 1);
    json_t *v = NULL;
    request(x, more);
    assert_int_equal(send_it(x), ERR_OK);
    assert_int_equal(x->f.rsc, 2000);
    assert_int_equal(esprim_originator_open(&x->o, value_of(x, ESPRIM_SECI_OBJECT), text_of("i1"), x->f.w.now, &w), ERR_OK);
    x->plain[w.n] = '\0';
    assert_int_equal(json_parse(writer_view(&w), &v), ERR_OK);
    int rsc = (int)json_integer_value(json_object_get(json_object_get(v, "m2m:rsp"), "rsc"));
    json_decref(v);
    return rsc;
}

static int setup(void **state)
{
    struct ends *x = calloc(1, sizeof(*x));
    cse_fixture_init(&x->f, CSE_CONF "admin = Sadmin\nservice-subscription = off\n");
    assert_int_equal(cse_fixture_create(&x->f, &x->f.a, "Sa", "cse-in", 2, AE_NAMED("app-a")), ERR_OK);
    assert_int_equal(cse_fixture_create(&x->f, &x->f.a, "Sa", "Sa", 1, FAR_ACP), ERR_OK);
    assert_int_equal(cse_fixture_create(&x->f, &x->f.a, "Sa", "Sa", 3,
                                        "{\"m2m:cnt\":{\"rn\":\"c\",\"acpi\":[\"Sa/p\"]}}"), ERR_OK);
    assert_int_equal(add_key(x, KID, WHO, ""), ERR_OK);
    originate(x, KID, WHO);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct ends *x = *state;
    esprim_originator_wipe(&x->o);
    cse_fixture_free(&x->f);
    free(x);
    return 0;
}

/* R002-84: from one that the CSE has no association with, through one that it has. */
static void inner_requests(void **state)
{
    struct ends *x = *state;
    take_offer(x);
    assert_int_equal(ask(x, "\"op\":1,\"to\":\"cse-in/app-a/c\",\"ty\":4,\"pc\":{\"m2m:cin\":{\"con\":\"21.5\"}}"), 2001);
    assert_int_equal(ask(x, "\"op\":2,\"to\":\"//sp.example.com/in/cse-in/app-a/c/la\""), 2000);
    assert_non_null(strstr(x->plain, "21.5"));
    assert_int_equal(ask(x, "\"op\":2,\"to\":\"cse-in/app-a/c\",\"fc\":{\"ty\":[4],\"lim\":5,\"fu\":1},\"rcn\":11"), 2000);
    assert_non_null(strstr(x->plain, "m2m:uril"));
    assert_int_equal(ask(x, "\"op\":3,\"to\":\"cse-in/app-a/c\",\"pc\":{\"m2m:cnt\":{\"lbl\":[\"seen\"]}}"), 2004);
    assert_int_equal(cse_fixture_get(&x->f, &x->f.a, "Sa", "cse-in/app-a/c"), ERR_OK);
    assert_string_equal(cse_fixture_member(&x->f, "lbl"), "[\"seen\"]");
    assert_int_equal(ask(x, "\"op\":4,\"to\":\"cse-in/app-a/c/la\""), 2002);
}

/* Refusals of the inner request are answers, protected like others; what they had staged goes. */
static void inner_refusals(void **state)
{
    struct ends *x = *state;
    take_offer(x);
    assert_int_equal(ask(x, "\"op\":2,\"to\":\"cse-in/app-a\""), 4103);
    assert_int_equal(ask(x, "\"op\":2,\"to\":\"cse-in/none\""), 4004);
    assert_int_equal(ask(x, "\"op\":9,\"to\":\"cse-in\""), 4000);
    assert_int_equal(ask(x, "\"op\":2,\"to\":\"cse in\""), 4000);
    assert_int_equal(ask(x, "\"op\":2,\"to\":\"cse-in\",\"rp\":\"x\""), 5001);
    assert_int_equal(ask(x, "\"op\":2,\"to\":\"cse-in/app-a/c\",\"rqet\":\"20200101T000000\""), 4008);
    assert_int_equal(ask(x, "\"op\":1,\"to\":\"-\",\"ty\":2,\"pc\":" AE_BODY), 4005); /* a registration is of an association */
    assert_int_equal(ask(x, "\"op\":1,\"to\":\"-\",\"ty\":16,\"pc\":{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]}}"), 4005);
    assert_int_equal(ask(x, "\"op\":5,\"to\":\"-\",\"pc\":{\"m2m:seci\":{\"sit\":3}}"), 4005); /* no object in an object */
    assert_int_equal(ask(x, "\"op\":2,\"to\":\"cse-in/app-a/c\""), 2000);
}

/* Nobody waits inside an object: that it was not answered yet is said as over CoAP, and the same request gets the answer later. */
static void an_ae_that_answers_when_it_likes(void **state)
{
    static const char hello[] = "\"op\":5,\"to\":\"cse-in/app-a\",\"pc\":{\"m2m:sgn\":{\"sur\":\"/x/y\"}}";
    struct ends *x = *state;
    char rsp[256];
    take_offer(x);
    assert_int_equal(cse_fixture_create(&x->f, &x->f.a, "Sa", "Sa", 15, "{\"m2m:pch\":{\"rn\":\"ch\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(&x->f, &x->f.a, "Sa", "Sa", "{\"m2m:ae\":{\"acpi\":[\"Sa/p\"]}}"), ERR_OK);
    assert_int_equal(ask(x, hello), 5103);
    assert_non_null(strstr(x->plain, "the same request again"));
    assert_int_equal(cse_fixture_get(&x->f, &x->f.a, "Sa", "Sa/ch/pcu"), ERR_OK);
    snprintf(rsp, sizeof(rsp), "{\"m2m:rsp\":{\"rsc\":2000,\"rqi\":\"%s\"}}", cse_fixture_member(&x->f, "rqi"));
    assert_int_equal(notify(x, "Sa/ch/pcu", rsp), ERR_OK);
    assert_int_equal(ask(x, hello), 2000);
}

static void expect(struct ends *x, err_t want, int rsc)
{
    err_t e = send_it(x);
    if (e != want) {
        print_error("%s, not %s: %s\n", err_code(e), err_code(want), x->f.body);
    }
    assert_int_equal(e, want);
    assert_int_equal(x->f.rsc, rsc);
}

#define READ "\"op\":2,\"to\":\"cse-in/app-a/c\""

/* The rows of table 7.6.2-1, in their order. */
static void table_of_refusals(void **state)
{
    struct ends *x = *state;
    take_offer(x);
    strcpy(x->jwe, "a.b.c");
    expect(x, ERR_OBJECT_MALFORMED, 4000);
    assert_int_equal(notify(x, "-", "{\"m2m:seci\":{\"sit\":5}}"), ERR_OBJECT_MALFORMED);
    assert_int_equal(notify(x, "-", "{\"m2m:seci\":{\"sit\":4,\"ero\":{}}}"), ERR_OPERATION);
    assert_int_equal(notify(x, "-", "{\"m2m:sgn\":{}}"), ERR_OPERATION);
    assert_int_equal(notify(x, "cse-in/app-a/c", "{\"m2m:seci\":{\"sit\":3}}"), ERR_OPERATION);
    x->o.own[0].keygen[0] = 2; /* not made yet: made by the first seal */
    request(x, READ);
    x->o.own[0].keygen[0] = 2;
    x->o.own[0].id[0] = x->o.own[0].id[0] == 'a' ? 'b' : 'a';
    request(x, READ);
    expect(x, ERR_ESPRIM_OPTION, 4111);
    originate(x, "0123456789ABCDE0@sp.example.com", WHO);
    take_offer(x);
    request(x, READ);
    expect(x, ERR_ESPRIM_KEY, 4112);
    originate(x, "ka@sp.example.com", WHO); /* a key for associations is none for objects */
    take_offer(x);
    request(x, READ);
    expect(x, ERR_ESPRIM_KEY, 4112);
    originate(x, KID, WHO);
    take_offer(x);
    x->o.confirmed = true; /* leaves oro out */
    request(x, READ);
    x->o.confirmed = true;
    request(x, READ);
    expect(x, ERR_ESPRIM_ORIGINATOR, 4113);
    originate(x, KID, WHO);
    take_offer(x);
    x->o.receiver[0].id[2] = x->o.receiver[0].id[2] == '0' ? '1' : '0';
    request(x, READ);
    expect(x, ERR_ESPRIM_RECEIVER, 4114);
    originate(x, KID, WHO);
    take_offer(x);
    request(x, READ);
    char *last = &x->jwe[strlen(x->jwe) - 2];
    *last = *last == 'A' ? 'B' : 'A';
    expect(x, ERR_ESPRIM_TAG, 4115);
    originate(x, KID, "//sp.example.com/Sadmin");
    take_offer(x);
    seal(x, "{\"m2m:rqp\":{\"op\":2,\"to\":\"-\",\"fr\":\"//sp.example.com/Sadmin\",\"rqi\":\"i1\"}}");
    expect(x, ERR_ESPRIM_FROM, 4116); /* refuses R002-84 */
    originate(x, KID, WHO);
    take_offer(x);
    seal_other(x, "{\"m2m:rsp\":{\"rsc\":2000,\"rqi\":\"i1\"}}");
    expect(x, ERR_ESPRIM_DECRYPT, 5210);
}

/* The last row: the answer is longer than an object can be. */
static void answer_too_long(void **state)
{
    struct ends *x = *state;
    static char body[ESPRIM_INNER_MAX];
    bool seen = false;
    take_offer(x);
    for (int n = ESPRIM_INNER_MAX - 440; n < (int)ESPRIM_INNER_MAX && !seen; n += 16) {
        snprintf(body, sizeof(body), "{\"m2m:cin\":{\"con\":\"%0*d\"}}", n - 64, 0);
        assert_int_equal(cse_fixture_create(&x->f, &x->f.a, "Sa", "cse-in/app-a/c", 4, body), ERR_OK);
        x->f.w.now += SECOND;
        request(x, "\"op\":2,\"to\":\"cse-in/app-a/c/la\"");
        seen = send_it(x) == ERR_ESPRIM_ENCRYPT;
    }
    assert_true(seen);
    assert_int_equal(x->f.rsc, 5211);
}

static void the_key_ends(void **state)
{
    struct ends *x = *state;
    take_offer(x);
    assert_int_equal(ask(x, READ), 2000);
    assert_int_equal(world_ctl(&x->f.w, x->f.cse, "credential", "suspend", "{\"ID\":\"" KID "\"}", &x->f.r), ERR_OK);
    request(x, READ);
    expect(x, ERR_ESPRIM_KEY, 4112);
    assert_int_equal(world_ctl(&x->f.w, x->f.cse, "credential", "resume", "{\"ID\":\"" KID "\"}", &x->f.r), ERR_OK);
    assert_int_equal(ask(x, READ), 2000);
    assert_int_equal(world_ctl(&x->f.w, x->f.cse, "credential", "revoke", "{\"ID\":\"" KID "\"}", &x->f.r), ERR_OK);
    request(x, READ);
    expect(x, ERR_ESPRIM_KEY, 4112);
    assert_int_equal(add_key(x, "AB@sp.example.com", WHO, ",\"lifetime\":\"30m\""), ERR_OK);
    originate(x, "AB@sp.example.com", WHO);
    take_offer(x);
    assert_int_equal(ask(x, READ), 2000);
    x->f.w.now += HOUR / 2;
    request(x, READ);
    expect(x, ERR_ESPRIM_KEY, 4112);
}

/* Once, also when the request was refused within; and the store is bounded: eight sessions a key. */
static void each_object_once(void **state)
{
    struct ends *x = *state;
    take_offer(x);
    request(x, "\"op\":1,\"to\":\"cse-in/app-a/c\",\"ty\":4,\"pc\":{\"m2m:cin\":{\"con\":\"1\"}}");
    assert_int_equal(send_it(x), ERR_OK);
    expect(x, ERR_ESPRIM_REPLAYED, 4000);
    for (int i = 1; i < ESPRIM_SESSIONS_PER_KEY; i++) {
        originate(x, KID, WHO);
        take_offer(x);
        assert_int_equal(ask(x, READ), 2000);
    }
    originate(x, KID, WHO);
    take_offer(x);
    request(x, READ);
    expect(x, ERR_LIMIT_BUSY, err_info(ERR_LIMIT_BUSY)->rsc);
    x->f.w.now += 2 * HOUR; /* all forgotten, and nothing of them can be sent again */
    expect(x, ERR_ESPRIM_ORIGINATOR, 4113);
    originate(x, KID, WHO);
    take_offer(x);
    assert_int_equal(ask(x, READ), 2000);
}

/* Keys come and go for ever; what their sessions took does not stay. */
static void sessions_of_other_keys_go(void **state)
{
    struct ends *x = *state;
    for (int i = 0; i < 4; i++) {
        originate(x, KID, WHO);
        take_offer(x);
        assert_int_equal(ask(x, READ), 2000);
    }
    assert_int_equal(world_count(x->f.cse, TABLE_CSE_ESPRIM), 1 + 4);
    assert_int_equal(add_key(x, "AB@sp.example.com", WHO, ""), ERR_OK);
    originate(x, "AB@sp.example.com", WHO);
    take_offer(x);
    assert_int_equal(ask(x, READ), 2000);
    assert_int_equal(world_count(x->f.cse, TABLE_CSE_ESPRIM), 1 + 4 + 1); /* they could be sent again still */
    x->f.w.now += 2 * HOUR;
    originate(x, "AB@sp.example.com", WHO);
    take_offer(x);
    assert_int_equal(ask(x, READ), 2000);
    assert_int_equal(world_count(x->f.cse, TABLE_CSE_ESPRIM), 1 + 1);
}

static void announced(void **state)
{
    struct ends *x = *state;
    char info[1024];
    assert_int_equal(cse_fixture_get(&x->f, &x->f.admin, "Sadmin", "-"), ERR_OK);
    assert_true(strlen(cse_fixture_member(&x->f, "esi")) < sizeof(info));
    strcpy(info, cse_fixture_member(&x->f, "esi"));
    json_t *v = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(info)), &v), ERR_OK);
    char shared[512];
    struct writer w = WRITER_ARRAY(shared);
    assert_int_equal(json_write(json_object_get(v, "esro"), &w), ERR_OK);
    json_decref(v);
    assert_int_equal(esprim_originator_receiver(&x->o, writer_view_text(&w), x->f.w.now), ERR_OK);
    assert_int_equal(ask(x, READ), 2000);
    x->f.w.now += HOUR - SECOND; /* past half its life: who asks has a new one announced */
    take_offer(x);
    assert_int_equal(cse_fixture_get(&x->f, &x->f.admin, "Sadmin", "-"), ERR_OK);
    assert_string_not_equal(cse_fixture_member(&x->f, "esi"), info);
    assert_int_equal(cse_fixture_put(&x->f, &x->f.admin, "Sadmin", "-", "{\"m2m:cb\":{\"esi\":{}}}"), ERR_NOT_PERMITTED);
}

static void keys_by_the_operator(void **state)
{
    struct ends *x = *state;
    assert_int_equal(add_key(x, "C1@sp.example.com", NULL, ""), ERR_MISSING);
    assert_int_equal(add_key(x, "C1@sp.example.com", "//sp.example.com/in", ""), ERR_MALFORMED_ID);
    assert_int_equal(add_key(x, KID, WHO, ""), ERR_EXISTS);
    assert_int_equal(add_key(x, "C1@sp.example.com", "//other.example/Sx", ""), ERR_OK);
    assert_int_equal(world_ctl(&x->f.w, x->f.cse, "credential", "show", "{\"ID\":\"C1@sp.example.com\"}", &x->f.r), ERR_OK);
    struct world_session s;
    assert_int_not_equal(world_connect(&x->f.w, x->f.cse, KID, &x->f.kpsa, &s), ERR_OK); /* no psk_identity */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(inner_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(inner_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(an_ae_that_answers_when_it_likes, setup, teardown),
        cmocka_unit_test_setup_teardown(table_of_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(answer_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(the_key_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(each_object_once, setup, teardown),
        cmocka_unit_test_setup_teardown(sessions_of_other_keys_go, setup, teardown),
        cmocka_unit_test_setup_teardown(announced, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_by_the_operator, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
