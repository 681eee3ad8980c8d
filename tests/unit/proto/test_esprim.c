/*
 * ESPrim between two end points on the true provider, in virtual time: sessions, refresh, loss, replay, expiry, every row
 * of TS-0004 table 7.6.2-1, and every octet of an object changed or missing.
 */
#include "base/base64url.h"
#include "proto/esprim_state.h"
#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1800000000) * USEC_PER_SEC)
#define HOUR (INT64_C(3600) * USEC_PER_SEC)
#define KID "6D61646520757020@maf.example"
#define WHO "//sp.example/Sdev1"
#define REQUEST(rqi) "{\"m2m:rqp\":{\"op\":2,\"to\":\"/in/x\",\"fr\":\"" WHO "\",\"rqi\":\"" rqi "\"}}"
#define RESPONSE(rqi) "{\"m2m:rsp\":{\"rsc\":2000,\"rqi\":\"" rqi "\"}}"

struct message {
    char b[ESPRIM_OBJECT_MAX];
    size_t n;
};

struct pair {
    struct esprim_originator o;
    struct esprim_receiver r;
    struct esprim_session sessions[24];
    struct esprim_key key; /* what the receiver holds */
    struct esprim_exchange x;
    usec_t now;
    struct message request, response;
};

static const struct esprim_policy all = {.algs = {ESPRIM_A256GCM, ESPRIM_A192GCM, ESPRIM_A128GCM}, .algs_n = 3, .lifetime = HOUR};

static struct esprim_key key_of(const char *id, const char *peer)
{
    struct esprim_key k = {.suid = 33, .not_after = T0 + 100 * HOUR};
    uint8_t made_up[32];
    memset(made_up, 0x45, sizeof(made_up));
    assert_int_equal(secret_set(&k.k.s, BYTES_ARRAY(made_up)), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(id), k.id), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(peer), k.peer), ERR_OK);
    return k;
}

/* The receiver's random object goes over in JSON, as it would. */
static void give_offer(struct pair *p, bool shared)
{
    struct esprim_rand r;
    char json[512];
    struct writer w = WRITER_ARRAY(json);
    assert_int_equal(esprim_receiver_offer(&p->r, shared, p->now, &r), ERR_OK);
    esprim_rand_write(&r, &w);
    assert_int_equal(esprim_originator_receiver(&p->o, writer_view_text(&w), p->now), ERR_OK);
}

static struct pair *pair_new(const struct esprim_policy *mine, const struct esprim_policy *theirs, bool shared)
{
    struct pair *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    p->now = T0;
    p->key = key_of(KID, WHO);
    esprim_originator_init(&p->o, crypto_openssl(), mine, &p->key, WHO);
    esprim_receiver_init(&p->r, crypto_openssl(), theirs, p->sessions, ARRAY_LEN(p->sessions));
    give_offer(p, shared);
    return p;
}

static void pair_free(struct pair *p)
{
    esprim_originator_wipe(&p->o);
    free(p);
}

static struct text text_of_message(const struct message *m)
{
    return text_span(m->b, m->n);
}

static err_t ask(struct pair *p, const char *request)
{
    struct writer w = WRITER_ARRAY(p->request.b);
    err_t e = esprim_originator_seal(&p->o, text_bytes(text_of(request)), p->now, &w);
    p->request.n = w.n;
    return e;
}

static err_t take_with(struct pair *p, struct text jwe, const struct esprim_key *k)
{
    struct esprim_object o;
    static char plain[ESPRIM_INNER_MAX];
    struct writer w = WRITER_ARRAY(plain);
    err_t e = esprim_receiver_peek(&p->r, jwe, p->now, &o);
    e = e == ERR_OK ? esprim_receiver_open(&p->r, &o, k, p->now, &p->x, &w) : e;
    assert_true(e == ERR_OK ? w.n > 0 : w.n == 0);
    return e;
}

static err_t take(struct pair *p)
{
    return take_with(p, text_of_message(&p->request), &p->key);
}

static err_t answer(struct pair *p, const char *response, const char *rqi)
{
    char plain[4096];
    struct writer w = WRITER_ARRAY(p->response.b);
    struct writer back = WRITER_ARRAY(plain);
    assert_int_equal(esprim_receiver_seal(&p->r, &p->x, text_bytes(text_of(response)), p->now, &w), ERR_OK);
    p->response.n = w.n;
    err_t e = esprim_originator_open(&p->o, text_of_message(&p->response), text_of(rqi), p->now, &back);
    assert_true(e == ERR_OK ? text_eq_z(writer_view_text(&back), response) : back.n == 0);
    return e;
}

static void one_round(struct pair *p)
{
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(take(p), ERR_OK);
    assert_string_equal(p->x.inner.from, WHO);
    assert_string_equal(p->x.inner.rqi, "r1");
    assert_int_equal(answer(p, RESPONSE("r1"), "r1"), ERR_OK);
}

static size_t live_sessions(const struct pair *p)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(p->sessions); i++) {
        n += p->sessions[i].forget_at > p->now;
    }
    return n;
}

/* -- what goes well -------------------------------------------------------------------------------------- */

static void the_whole_exchange(void **state)
{
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        struct pair *p = pair_new(&all, &all, shared == 1);
        one_round(p);
        struct esprim_object o;
        assert_int_equal(esprim_object_parse(text_of_message(&p->request), p->now, &o), ERR_OK);
        assert_true(o.h.has_oro);
        assert_int_equal(o.h.alg, ESPRIM_A256GCM);
        assert_true(text_starts(text_of(o.h.rri), shared ? "s-" : "u-")); /* CHOICE-81 */
        one_round(p);
        assert_int_equal(esprim_object_parse(text_of_message(&p->request), p->now, &o), ERR_OK);
        assert_false(o.h.has_oro); /* the receiver holds it now */
        assert_int_equal(live_sessions(p), 1);
        pair_free(p);
    }
}

static void algorithms_are_agreed(void **state)
{
    (void)state;
    static const uint8_t each[] = {ESPRIM_A128GCM, ESPRIM_A192GCM, ESPRIM_A256GCM};
    for (size_t i = 0; i < 3; i++) {
        const struct esprim_policy one = {.algs = {each[i]}, .algs_n = 1, .lifetime = HOUR};
        struct pair *p = pair_new(&all, &one, true);
        one_round(p);
        assert_int_equal(p->x.h.alg, each[i]);
        pair_free(p);
    }
    const struct esprim_policy none = {.algs = {ESPRIM_A128GCM}, .algs_n = 1, .lifetime = HOUR};
    const struct esprim_policy other = {.algs = {ESPRIM_A256GCM}, .algs_n = 1, .lifetime = HOUR};
    struct pair *p = pair_new(&all, &other, true);
    struct esprim_rand r;
    char json[512];
    struct writer w = WRITER_ARRAY(json);
    assert_int_equal(esprim_receiver_offer(&p->r, true, p->now, &r), ERR_OK);
    esprim_rand_write(&r, &w);
    p->o.policy = none;
    assert_int_equal(esprim_originator_receiver(&p->o, writer_view_text(&w), p->now), ERR_ESPRIM_OPTION);
    pair_free(p);
}

static void requests_may_overtake_each_other(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    static struct message sent[20];
    for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
        assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
        sent[i] = p->request;
    }
    for (size_t i = ARRAY_LEN(sent); i > 0; i -= 2) { /* every second one is lost */
        p->request = sent[i - 1];
        assert_int_equal(take(p), ERR_OK);
        assert_int_equal(answer(p, RESPONSE("r1"), "r1"), ERR_OK);
    }
    assert_int_equal(live_sessions(p), 1);
    pair_free(p);
}

/* A long conversation: new sessions and new random objects come in-band, nobody asks again. */
static void sessions_are_renewed_by_themselves(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    size_t sessions = 0;
    char before[ESPRIM_NAME_MAX] = "";
    for (size_t i = 0; i < 2000; i++) {
        one_round(p);
        sessions += strcmp(before, p->x.h.ori) != 0;
        (void)snprintf(before, sizeof(before), "%s", p->x.h.ori);
        p->now += 60 * USEC_PER_SEC;
    }
    assert_true(sessions > 30 && sessions < 80);
    pair_free(p);
}

static void a_busy_session_ends_before_it_is_full(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    for (size_t i = 0; i < 3 * ESPRIM_REFRESH_REQUESTS; i++) {
        one_round(p);
    }
    assert_int_equal(live_sessions(p), 3);
    pair_free(p);
}

/* -- loss and restart ------------------------------------------------------------------------------------ */

static void a_lost_first_answer_changes_nothing(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(take(p), ERR_OK); /* and its answer is lost */
    one_round(p);
    assert_int_equal(live_sessions(p), 1);
    pair_free(p);
}

static void a_receiver_that_forgot_everything(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    one_round(p);
    esprim_receiver_init(&p->r, crypto_openssl(), &all, p->sessions, ARRAY_LEN(p->sessions));
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(take(p), ERR_ESPRIM_ORIGINATOR);
    assert_int_equal(esprim_originator_refused(&p->o, 4113), ESPRIM_SEND_AGAIN);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(take(p), ERR_ESPRIM_RECEIVER);
    p->o.retried = false;
    assert_int_equal(esprim_originator_refused(&p->o, 4114), ESPRIM_ASK_RECEIVER);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_ESPRIM_RECEIVER);
    give_offer(p, false);
    one_round(p);
    pair_free(p);
}

static void a_forged_refusal_is_followed_once(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    one_round(p);
    assert_int_equal(esprim_originator_refused(&p->o, 4115), ESPRIM_GIVE_UP);
    assert_int_equal(esprim_originator_refused(&p->o, 4113), ESPRIM_SEND_AGAIN);
    assert_int_equal(esprim_originator_refused(&p->o, 4113), ESPRIM_GIVE_UP);
    assert_int_equal(esprim_originator_refused(&p->o, 4114), ESPRIM_GIVE_UP);
    one_round(p); /* a good answer, and it may be followed again */
    assert_int_equal(esprim_originator_refused(&p->o, 4114), ESPRIM_ASK_RECEIVER);
    pair_free(p);
}

/* -- the table of refusals ------------------------------------------------------------------------------- */

static struct text forged(const char *header)
{
    static char out[4096];
    struct writer w = WRITER_ARRAY(out);
    base64url_write(&w, text_bytes(text_of(header)));
    writer_z(&w, "..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA");
    return writer_view_text(&w);
}

static void an_object_that_cannot_be_parsed(void **state) /* 4000 */
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    static const char *const rows[] = {
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"a\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"ori\":\"a\",\"rri\":\"b\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"1a\",\"rri\":\"b\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\",\"crit\":[\"x\"]}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\",\"zip\":\"DEF\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\",\"oro\":{}}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\",\"oro\":{\"esri\":\"a\",\"esrv\":\"a\",\"esrx\":\"soon\",\"esk\":1,\"espa\":[12]}}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\",\"oro\":{\"esri\":\"a\",\"esrv\":\"a\",\"esrx\":\"20300101T000000\",\"esk\":1,\"espa\":[]}}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\",\"rro\":{\"esri\":\"a\",\"esrv\":\"a\",\"esrx\":\"20300101T000000\",\"esks\":[1],\"espa\":[12]}}",
        "[]", ""};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(take_with(p, forged(rows[i]), &p->key), ERR_OBJECT_MALFORMED);
    }
    assert_int_equal(err_info(ERR_OBJECT_MALFORMED)->rsc, 4000);
    static char big[ESPRIM_OBJECT_MAX + 8];
    memset(big, 'A', sizeof(big));
    assert_int_equal(take_with(p, text_span(big, sizeof(big)), &p->key), ERR_OBJECT_MALFORMED);
    pair_free(p);
}

static void an_option_that_was_not_agreed(void **state) /* 4111 */
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    static const char *const rows[] = {
        "{\"alg\":\"dir\",\"enc\":\"A128CBC-HS256\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\"}",
        "{\"alg\":\"none\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\"}",
        "{\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\",\"oro\":{\"esri\":\"a\",\"esrv\":\"a\",\"esrx\":\"20300101T000000\",\"esk\":2,\"espa\":[12]}}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\",\"oro\":{\"esri\":\"a\",\"esrv\":\"a\",\"esrx\":\"20300101T000000\",\"esk\":1,\"espa\":[10]}}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"kid\":\"k\",\"ori\":\"a\",\"rri\":\"b\",\"oro\":{\"esri\":\"a\",\"esrv\":\"a\",\"esrx\":\"20300101T000000\",\"esk\":1,\"espa\":[12,13]}}"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(take_with(p, forged(rows[i]), &p->key), ERR_ESPRIM_OPTION);
    }
    assert_int_equal(err_info(ERR_ESPRIM_OPTION)->rsc, 4111);
    /* The receiver no longer takes what it once offered. */
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    p->r.policy = (struct esprim_policy){.algs = {ESPRIM_A128GCM}, .algs_n = 1, .lifetime = HOUR};
    assert_int_equal(take(p), ERR_ESPRIM_OPTION);
    pair_free(p);
}

static void a_key_that_is_unknown_or_not_for_this(void **state) /* 4112 */
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    assert_int_equal(err_info(ERR_ESPRIM_KEY)->rsc, 4112);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(take_with(p, text_of_message(&p->request), NULL), ERR_ESPRIM_KEY);
    struct esprim_key other = key_of("other@maf.example", WHO);
    assert_int_equal(take_with(p, text_of_message(&p->request), &other), ERR_ESPRIM_KEY);
    other = p->key;
    other.not_after = p->now;
    assert_int_equal(take_with(p, text_of_message(&p->request), &other), ERR_ESPRIM_KEY);
    static const unsigned suids[] = {0, 11, 22, 32, 34, 35, 44, 53};
    for (size_t i = 0; i < ARRAY_LEN(suids); i++) {
        other = p->key;
        other.suid = suids[i];
        assert_int_equal(take_with(p, text_of_message(&p->request), &other), ERR_ESPRIM_KEY);
        p->o.key.suid = suids[i];
        struct message keep = p->request;
        assert_int_equal(ask(p, REQUEST("r1")), ERR_ESPRIM_KEY); /* the originator does not use it either */
        p->request = keep;
    }
    assert_int_equal(live_sessions(p), 0);
    assert_int_equal(take(p), ERR_OK);
    pair_free(p);
}

static void an_originator_object_that_is_unknown_spent_or_expired(void **state) /* 4113 */
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    assert_int_equal(err_info(ERR_ESPRIM_ORIGINATOR)->rsc, 4113);
    one_round(p);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK); /* without oro */
    memset(p->sessions, 0, sizeof(p->sessions));
    assert_int_equal(take(p), ERR_ESPRIM_ORIGINATOR);
    p->o.confirmed = false;
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    p->now = p->o.own[0].expiry;
    assert_int_equal(take(p), ERR_ESPRIM_ORIGINATOR);
    /* One id, another value. */
    p->now = T0;
    one_round(p);
    p->o.confirmed = false;
    p->o.own[0].value[5] = p->o.own[0].value[5] == 'A' ? 'B' : 'A'; /* stays a value */
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(take(p), ERR_ESPRIM_ORIGINATOR);
    /* One that outlives the receiver's. */
    esprim_originator_init(&p->o, crypto_openssl(), &all, &p->key, WHO);
    give_offer(p, true);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    p->o.own[0].expiry += HOUR;
    p->o.receiver[0].expiry += 2 * HOUR;
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(take(p), ERR_ESPRIM_ORIGINATOR);
    pair_free(p);
}

static void a_session_takes_so_many_and_no_more(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    for (size_t i = 0; i < ESPRIM_SESSION_REQUESTS; i++) {
        p->o.sent = 0; /* an originator that does not count */
        assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
        assert_int_equal(take(p), ERR_OK);
    }
    p->o.sent = 0;
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(take(p), ERR_ESPRIM_ORIGINATOR);
    assert_int_equal(esprim_originator_refused(&p->o, 4113), ESPRIM_SEND_AGAIN);
    one_round(p);
    pair_free(p);
}

static void a_receiver_object_that_is_unknown_or_expired(void **state) /* 4114 */
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    assert_int_equal(err_info(ERR_ESPRIM_RECEIVER)->rsc, 4114);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    p->r.offers[0].r.id[3] ^= 1;
    assert_int_equal(take(p), ERR_ESPRIM_RECEIVER);
    p->r.offers[0].r.id[3] ^= 1;
    p->r.offers[0].r.expiry = p->now;
    assert_int_equal(take(p), ERR_ESPRIM_RECEIVER);
    pair_free(p);
    /* One that is not shared belongs to the key that used it first. */
    p = pair_new(&all, &all, false);
    one_round(p);
    struct esprim_key other = key_of("other@maf.example", WHO);
    p->o.key = other;
    p->o.confirmed = false;
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(take_with(p, text_of_message(&p->request), &other), ERR_ESPRIM_RECEIVER);
    pair_free(p);
}

static void a_wrong_tag(void **state) /* 4115 */
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    assert_int_equal(err_info(ERR_ESPRIM_TAG)->rsc, 4115);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    struct esprim_key other = p->key;
    other.k.s.b[7] ^= 1;
    assert_int_equal(take_with(p, text_of_message(&p->request), &other), ERR_ESPRIM_TAG);
    assert_int_equal(live_sessions(p), 0); /* a stranger takes no room */
    for (size_t i = 0; i < p->request.n; i++) {
        struct message m = p->request;
        m.b[i] = m.b[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(take_with(p, text_of_message(&m), &p->key), ERR_OK);
        assert_int_not_equal(take_with(p, text_span(p->request.b, i), &p->key), ERR_OK);
    }
    assert_int_equal(live_sessions(p), 0);
    assert_int_equal(take(p), ERR_OK);
    pair_free(p);
}

static void an_impersonation(void **state) /* 4116 */
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    assert_int_equal(err_info(ERR_ESPRIM_FROM)->rsc, 4116);
    assert_int_equal(ask(p, "{\"m2m:rqp\":{\"op\":2,\"fr\":\"//sp.example/Sother\",\"rqi\":\"r1\"}}"), ERR_ESPRIM_FROM);
    static const char *const others[] = {"//sp.example/Sother", "//sp.example/Sdev", "//sp.example/Sdev11", "//SP.example/Sdev1"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        char request[256];
        (void)snprintf(p->o.from, sizeof(p->o.from), "%s", others[i]); /* an originator that lies */
        (void)snprintf(request, sizeof(request), "{\"m2m:rqp\":{\"op\":2,\"fr\":\"%s\",\"rqi\":\"r1\"}}", others[i]);
        assert_int_equal(ask(p, request), ERR_OK);
        assert_int_equal(take(p), ERR_ESPRIM_FROM);
        assert_int_equal(take(p), ERR_ESPRIM_REPLAYED); /* it counted as seen */
    }
    pair_free(p);
}

/* Seals whatever it is told to, as a broken or hostile peer with the key would. */
static void seal_anything(struct pair *p, const char *plain)
{
    const struct esprim_pair pair = {&p->o.receiver[0], &p->o.own[0]};
    struct key_esprim_session k = {0};
    struct writer w = WRITER_ARRAY(p->request.b);
    struct esprim_header h = {.alg = p->o.own[0].algs[0], .has_oro = true, .oro = p->o.own[0]};
    assert_int_equal(TEXT_COPY(text_of(KID), h.kid), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(p->o.own[0].id), h.ori), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of(p->o.receiver[0].id), h.rri), ERR_OK);
    assert_int_equal(esprim_box_derive(crypto_openssl(), &p->key, &pair, &k), ERR_OK);
    assert_int_equal(esprim_box_seal(crypto_openssl(), &k, &h, text_bytes(text_of(plain)), &w), ERR_OK);
    p->request.n = w.n;
}

static void a_content_that_is_no_request(void **state) /* 5210 */
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    assert_int_equal(err_info(ERR_ESPRIM_DECRYPT)->rsc, 5210);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    static const char *const rows[] = {"", "x", "{}", RESPONSE("r1"), "{\"m2m:rqp\":5}", "{\"m2m:rqp\":{\"fr\":\"" WHO "\"}}",
        "{\"m2m:rqp\":{\"rqi\":\"r1\"}}", "{\"m2m:rqp\":{\"fr\":\"" WHO "\",\"rqi\":\"r1\"},\"m2m:rsp\":{}}",
        "{\"m2m:rqp\":{\"fr\":\"" WHO "\",\"fr\":\"" WHO "\",\"rqi\":\"r1\"}}", REQUEST("r1") "x"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        seal_anything(p, rows[i]);
        assert_int_equal(take(p), ERR_ESPRIM_DECRYPT);
    }
    seal_anything(p, REQUEST("r1"));
    assert_int_equal(take(p), ERR_OK);
    pair_free(p);
}

static void a_response_that_cannot_be_encrypted(void **state) /* 5211 */
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    assert_int_equal(err_info(ERR_ESPRIM_ENCRYPT)->rsc, 5211);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(take(p), ERR_OK);
    static char big[ESPRIM_INNER_MAX + 1];
    struct writer w = WRITER_ARRAY(p->response.b);
    assert_int_equal(esprim_receiver_seal(&p->r, &p->x, BYTES_ARRAY(big), p->now, &w), ERR_ESPRIM_ENCRYPT);
    assert_int_equal(w.n, 0);
    w = writer_of(p->response.b, 100);
    assert_int_equal(esprim_receiver_seal(&p->r, &p->x, text_bytes(text_of(RESPONSE("r1"))), p->now, &w), ERR_ESPRIM_ENCRYPT);
    assert_int_equal(w.n, 0);
    pair_free(p);
}

/* -- replay, reflection, floods -------------------------------------------------------------------------- */

/* refuses R002-84 with an object that was taken before. */
static void nothing_is_taken_twice(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    static struct message seen[40];
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        if (i == 20) {
            p->o.sent = ESPRIM_REFRESH_REQUESTS; /* another session */
        }
        one_round(p);
        seen[i] = p->request;
    }
    for (usec_t t = T0; t < T0 + 5 * HOUR; t += HOUR / 4) { /* now and long after everything ended */
        p->now = t;
        struct esprim_rand r;
        assert_int_equal(esprim_receiver_offer(&p->r, true, t, &r), ERR_OK);
        for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
            assert_int_not_equal(take_with(p, text_of_message(&seen[i]), &p->key), ERR_OK);
        }
    }
    p->now = T0;
    assert_int_equal(take_with(p, text_of_message(&seen[3]), &p->key), ERR_ESPRIM_RECEIVER); /* its offer is long gone */
    pair_free(p);
}

/* An expiry that is relative starts anew with each copy: the session is kept until the receiver's object ends. */
static void a_relative_expiry_makes_no_replay(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    char header[2048];
    struct esprim_header h;
    struct esprim_object o;
    assert_int_equal(esprim_object_parse(text_of_message(&p->request), p->now, &o), ERR_OK);
    h = o.h;
    struct writer w = WRITER_ARRAY(header);
    esprim_header_write(&h, &w);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    char *at = strstr(header, "\"esrx\":\"");
    assert_non_null(at);
    memcpy(at, "\"esrx\":60000            ", 24); /* in the place of "esrx":"20270115T080000" */
    /* sealed by hand over this header */
    const struct esprim_pair pair = {&p->o.receiver[0], &p->o.own[0]};
    struct key_esprim_session k = {0};
    assert_int_equal(esprim_box_derive(crypto_openssl(), &p->key, &pair, &k), ERR_OK);
    static const uint8_t nonce[CRYPTO_NONCE_LEN] = {9};
    uint8_t sealed[512];
    struct writer s = WRITER_ARRAY(sealed);
    struct writer m = WRITER_ARRAY(p->request.b);
    base64url_write(&m, text_bytes(text_of(header)));
    const struct keys_esprim_box box = {BYTES_ARRAY(nonce), writer_view(&m)};
    assert_int_equal(keys_esprim_seal(crypto_openssl(), &k, h.alg, &box, text_bytes(text_of(REQUEST("r1"))), &s), ERR_OK);
    writer_z(&m, "..");
    base64url_write(&m, BYTES_ARRAY(nonce));
    writer_z(&m, ".");
    base64url_write(&m, bytes_of(sealed, s.n - CRYPTO_TAG_LEN));
    writer_z(&m, ".");
    base64url_write(&m, bytes_of(sealed + s.n - CRYPTO_TAG_LEN, CRYPTO_TAG_LEN));
    p->request.n = m.n;
    assert_int_equal(take(p), ERR_OK);
    for (int minutes = 0; minutes < 70; minutes++) {
        p->now += 60 * USEC_PER_SEC;
        assert_int_not_equal(take(p), ERR_OK);
    }
    pair_free(p);
}

static void nothing_is_an_answer_but_the_answer(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    char plain[4096];
    struct writer w = WRITER_ARRAY(plain);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    /* The own request come back, with and without its random object. */
    assert_int_equal(esprim_originator_open(&p->o, text_of_message(&p->request), text_of("r1"), p->now, &w), ERR_ESPRIM_RESPONSE);
    one_round(p);
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(esprim_originator_open(&p->o, text_of_message(&p->request), text_of("r1"), p->now, &w), ERR_ESPRIM_RESPONSE);
    assert_int_equal(w.n, 0);
    /* The answer to another request, and one to nothing. */
    assert_int_equal(take(p), ERR_OK);
    assert_int_equal(answer(p, RESPONSE("r2"), "r1"), ERR_ESPRIM_RESPONSE);
    assert_int_equal(answer(p, "{\"m2m:rsp\":{\"rsc\":2000}}", "r1"), ERR_ESPRIM_DECRYPT);
    /* One of a session that is over. */
    assert_int_equal(answer(p, RESPONSE("r1"), "r1"), ERR_OK);
    struct message old = p->response;
    p->o.own[0].id[4] ^= 1;
    assert_int_equal(esprim_originator_open(&p->o, text_of_message(&old), text_of("r1"), p->now, &w), ERR_ESPRIM_ORIGINATOR);
    p->o.own[0].id[4] ^= 1;
    p->o.receiver[0].id[4] ^= 1;
    assert_int_equal(esprim_originator_open(&p->o, text_of_message(&old), text_of("r1"), p->now, &w), ERR_ESPRIM_RECEIVER);
    p->o.receiver[0].id[4] ^= 1;
    for (size_t i = 0; i < old.n; i++) {
        struct message m = old;
        m.b[i] = m.b[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(esprim_originator_open(&p->o, text_of_message(&m), text_of("r1"), p->now, &w), ERR_OK);
    }
    pair_free(p);
}

static void a_flood_takes_only_its_own_room(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    struct esprim_rand r;
    for (size_t i = 0; i < 100; i++) { /* strangers ask for objects that are not shared */
        assert_int_equal(esprim_receiver_offer(&p->r, false, p->now, &r), ERR_OK);
        assert_int_equal(r.id[0], i < ESPRIM_OFFERS_MAX - 2 ? 'u' : 's');
    }
    one_round(p);
    for (size_t i = 1; i < ESPRIM_SESSIONS_PER_KEY; i++) {
        p->o.sent = ESPRIM_REFRESH_REQUESTS;
        one_round(p);
    }
    p->o.sent = ESPRIM_REFRESH_REQUESTS;
    assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
    assert_int_equal(take(p), ERR_LIMIT_BUSY);
    struct esprim_key other = key_of("other@maf.example", WHO); /* another end point is served */
    p->o.key = p->key = other;
    p->o.sent = ESPRIM_REFRESH_REQUESTS;
    one_round(p);
    pair_free(p);
}

static void a_clock_that_jumps(void **state)
{
    (void)state;
    struct pair *p = pair_new(&all, &all, true);
    one_round(p);
    p->now -= 2 * HOUR;
    one_round(p);
    p->now += 10 * HOUR;
    assert_int_equal(ask(p, REQUEST("r1")), ERR_ESPRIM_RECEIVER);
    give_offer(p, true);
    one_round(p);
    p->now = p->key.not_after;
    assert_int_equal(ask(p, REQUEST("r1")), ERR_ESPRIM_KEY);
    pair_free(p);
}

/* -- records --------------------------------------------------------------------------------------------- */

/* Each end as if its process had ended between any two messages. */
static void ends_that_sleep_between_messages(void **state)
{
    (void)state;
    static uint8_t o[ESPRIM_STATE_MAX], r[ESPRIM_STATE_MAX];
    struct pair *p = pair_new(&all, &all, false);
    for (size_t i = 0; i < 3; i++) {
        struct writer w = WRITER_ARRAY(o);
        assert_int_equal(ask(p, REQUEST("r1")), ERR_OK);
        esprim_state_originator_write(&p->o, &w);
        assert_int_equal(writer_finish(&w), ERR_OK);
        esprim_originator_init(&p->o, crypto_openssl(), &all, &p->key, WHO);
        assert_int_equal(take(p), ERR_OK);
        struct writer v = WRITER_ARRAY(r);
        esprim_state_receiver_write(&p->r, &p->x, &v);
        assert_int_equal(writer_finish(&v), ERR_OK);
        esprim_receiver_init(&p->r, crypto_openssl(), &all, p->sessions, ARRAY_LEN(p->sessions));
        memset(&p->x, 0, sizeof(p->x));
        assert_int_equal(esprim_receiver_resume(&p->r, &p->key, &p->x), ERR_STATE);
        assert_int_equal(esprim_state_receiver_parse(writer_view(&v), &p->r, &p->x), ERR_OK);
        assert_int_equal(take_with(p, text_of_message(&p->request), &p->key), ERR_ESPRIM_REPLAYED);
        assert_int_equal(esprim_state_receiver_parse(writer_view(&v), &p->r, &p->x), ERR_OK);
        struct esprim_key other = key_of("other@maf.example", WHO);
        assert_int_equal(esprim_receiver_resume(&p->r, &other, &p->x), ERR_ESPRIM_KEY);
        assert_int_equal(esprim_receiver_resume(&p->r, &p->key, &p->x), ERR_OK);
        assert_int_equal(esprim_state_originator_parse(writer_view(&w), &p->o), ERR_OK);
        assert_int_equal(answer(p, RESPONSE("r1"), "r1"), ERR_OK);
        for (size_t n = 0; n < w.n; n++) {
            assert_int_equal(esprim_state_originator_parse(bytes_of(o, n), &p->o), ERR_MALFORMED_RECORD);
        }
        for (size_t n = 0; n < v.n; n++) {
            assert_int_equal(esprim_state_receiver_parse(bytes_of(r, n), &p->r, &p->x), ERR_MALFORMED_RECORD);
        }
        assert_int_equal(esprim_state_originator_parse(writer_view(&w), &p->o), ERR_OK);
        assert_int_equal(esprim_state_receiver_parse(writer_view(&v), &p->r, &p->x), ERR_OK);
    }
    pair_free(p);
}

/* -- securityInfo ---------------------------------------------------------------------------------------- */

static void security_info_there_and_back(void **state)
{
    (void)state;
    static const struct { unsigned type; const char *value, *json; } rows[] = {
        {ESPRIM_SECI_RAND_REQUEST, "", "{\"m2m:seci\":{\"sit\":3}}"},
        {ESPRIM_SECI_RAND, "{\"esri\":\"s-1\"}", "{\"m2m:seci\":{\"sit\":4,\"ero\":{\"esri\":\"s-1\"}}}"},
        {ESPRIM_SECI_OBJECT, "a..b.c.d", "{\"m2m:seci\":{\"sit\":5,\"epo\":\"a..b.c.d\"}}"},
        {ESPRIM_SECI_ESCERTKE, "octets", "{\"m2m:seci\":{\"sit\":6,\"eckm\":\"b2N0ZXRz\"}}"},
    };
    char out[256];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct writer w = WRITER_ARRAY(out);
        unsigned type = 0;
        assert_int_equal(esprim_seci_write(rows[i].type, text_bytes(text_of(rows[i].value)), &w), ERR_OK);
        assert_true(text_eq_z(writer_view_text(&w), rows[i].json));
        w = WRITER_ARRAY(out);
        assert_int_equal(esprim_seci_parse(text_bytes(text_of(rows[i].json)), &type, &w), ERR_OK);
        assert_int_equal(type, rows[i].type);
        assert_true(text_eq_z(writer_view_text(&w), rows[i].value));
    }
    static const char *const bad[] = {"", "{}", "{\"m2m:seci\":5}", "{\"m2m:seci\":{}}", "{\"m2m:seci\":{\"sit\":1}}",
        "{\"m2m:seci\":{\"sit\":\"5\",\"epo\":\"x\"}}", "{\"m2m:seci\":{\"sit\":3,\"epo\":\"x\"}}", "{\"m2m:seci\":{\"sit\":5}}",
        "{\"m2m:seci\":{\"sit\":5,\"epo\":\"\"}}", "{\"m2m:seci\":{\"sit\":5,\"epo\":7}}", "{\"m2m:seci\":{\"sit\":5,\"epo\":\"x\",\"ero\":{}}}",
        "{\"m2m:seci\":{\"sit\":6,\"eckm\":\"?\"}}", "{\"m2m:seci\":{\"sit\":4,\"ero\":\"x\"}}", "{\"m2m:seci\":{\"sit\":3},\"x\":1}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct writer w = WRITER_ARRAY(out);
        unsigned type = 0;
        assert_int_equal(esprim_seci_parse(text_bytes(text_of(bad[i])), &type, &w), ERR_OBJECT_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_exchange),
        cmocka_unit_test(algorithms_are_agreed),
        cmocka_unit_test(requests_may_overtake_each_other),
        cmocka_unit_test(sessions_are_renewed_by_themselves),
        cmocka_unit_test(a_busy_session_ends_before_it_is_full),
        cmocka_unit_test(a_lost_first_answer_changes_nothing),
        cmocka_unit_test(a_receiver_that_forgot_everything),
        cmocka_unit_test(a_forged_refusal_is_followed_once),
        cmocka_unit_test(an_object_that_cannot_be_parsed),
        cmocka_unit_test(an_option_that_was_not_agreed),
        cmocka_unit_test(a_key_that_is_unknown_or_not_for_this),
        cmocka_unit_test(an_originator_object_that_is_unknown_spent_or_expired),
        cmocka_unit_test(a_session_takes_so_many_and_no_more),
        cmocka_unit_test(a_receiver_object_that_is_unknown_or_expired),
        cmocka_unit_test(a_wrong_tag),
        cmocka_unit_test(an_impersonation),
        cmocka_unit_test(a_content_that_is_no_request),
        cmocka_unit_test(a_response_that_cannot_be_encrypted),
        cmocka_unit_test(nothing_is_taken_twice),
        cmocka_unit_test(a_relative_expiry_makes_no_replay),
        cmocka_unit_test(nothing_is_an_answer_but_the_answer),
        cmocka_unit_test(a_flood_takes_only_its_own_room),
        cmocka_unit_test(a_clock_that_jumps),
        cmocka_unit_test(ends_that_sleep_between_messages),
        cmocka_unit_test(security_info_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
