/* Announcing, from both ends: what the engine of a field CSE sends when, what each answer leads to, and what an IN-CSE takes from whom. */
#include "cse_fixture.h"

#include "role/cse/cse_announce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SP "//sp.example.com"
#define WAY(name) "[peer " name ".sp.example.com]\nkind = cse\ncsi = /" name "\n"
#define MN "[cse]\nsp = sp.example.com\ncsi = /mn\nname = cse-mn\nkind = mn\nregistrar = in.sp.example.com\n"
#define MN_CONF MN WAY("in") WAY("deep")
#define AT_IN 1 /* lanes */
#define AT_DEEP 2
#define MANY WAY("p01") WAY("p02") WAY("p03") WAY("p04") WAY("p05") WAY("p06") WAY("p07") WAY("p08") WAY("p09") WAY("p10") WAY("p11") WAY("p12") WAY("p13") WAY("p14")
#define AE_WITH(more) "{\"m2m:ae\":{\"api\":\"Napp\",\"rr\":false,\"srv\":[\"3\"]" more "}}"
#define CNT_WITH(more) "{\"m2m:cnt\":{\"rn\":\"box\"" more "}}"

static struct cse_fixture f;
static struct errand q;
static err_t why;

/* -- the field CSE ------------------------------------------------------------------------------------------------------- */
static enum op next(size_t lane)
{
    const struct errand_memory m = {.lane = lane};
    assert_int_equal(world_errand(&f.w, f.cse, &m, &q), ERR_OK);
    return q.op;
}

static void answer(uint16_t rsc, const char *body)
{
    const struct errand_answer a = {.err = rsc == 0 ? ERR_PEER_UNREACHABLE : ERR_OK, .rsc = rsc, .body = text_bytes(text_of(body))};
    assert_int_equal(world_returned(&f.w, f.cse, &q, &a, &why), ERR_OK);
}

static void join(void)
{
    assert_int_equal(next(0), OP_CREATE);
    answer(2001, "{\"m2m:csr\":{\"csi\":\"/mn\"}}");
}

static void begin(void)
{
    cse_fixture_init(&f, MN_CONF);
    join();
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
    join();
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
    join();
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

/* -- one record holds up no other ---------------------------------------------------------------------------------------- */
/* Everything that is due is done; how much that was. */
static size_t drain(size_t lane)
{
    size_t n = 0;
    while (n < 100 && (next(lane) != OP_NONE || q.about[0] != '\0')) {
        answer(q.op == OP_CREATE ? 2001 : q.op == OP_UPDATE ? 2004 : 2002, ""); /* of what is only mended nobody reads it */
        n++;
    }
    return n;
}

static void settle(void)
{
    const struct errand_answer a = {.err = ERR_OK, .body = bytes_empty()};
    assert_int_equal(q.op, OP_NONE);
    assert_true(q.about[0] != '\0');
    assert_int_equal(world_returned(&f.w, f.cse, &q, &a, &why), ERR_OK);
}

/* What was taken fits the CREATE, which has a name, as well as the UPDATE. */
static void what_is_taken_can_be_said(void **state)
{
    (void)state;
    static char big[12000], con[9000];
    size_t taken = 0;
    begin();
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, CNT_WITH("")), ERR_OK);
    assert_int_equal(drain(AT_IN), 1);
    for (size_t n = 7700; n < 8192; n++) { /* every attribute that can be announced is there: the UPDATE has nothing to take back */
        (void)snprintf(con, sizeof(con), "%0*d", (int)n, 0);
        (void)snprintf(big, sizeof(big), "{\"m2m:cin\":{\"lbl\":[\"x\"],\"cnf\":\"text/plain:0\",\"or\":\"o\",\"at\":[\"/deep\"],"
                       "\"aa\":[\"cnf\",\"cs\",\"or\",\"con\"],\"con\":\"%s\"}}", con);
        err_t e = cse_fixture_create(&f, &f.a, "Sa", "Sa/box", 4, big);
        assert_true(e == ERR_OK || e == ERR_CONTENTS);
        if (e == ERR_CONTENTS) {
            break;
        }
        taken++;
        while (next(AT_DEEP) != OP_NONE) {
            answer(2001, "");
        }
        assert_string_equal(q.about, "");
    }
    assert_true(taken > 0 && taken < 8192 - 7700);
    cse_fixture_free(&f);
}

struct found {
    uint8_t id[256], data[2048];
    size_t id_n, data_n;
};

static bool found_hit(void *arg, struct bytes id, struct store_value value)
{
    struct found *x = arg;
    struct cse_annc a;
    assert_int_equal(cse_annc_parse(value.data, &a), ERR_OK);
    if (a.ty != TYPE_CNT) {
        return true;
    }
    assert_true(id.n <= sizeof(x->id) && value.data.n <= sizeof(x->data));
    memcpy(x->id, id.p, id.n);
    memcpy(x->data, value.data.p, value.data.n);
    x->id_n = id.n;
    x->data_n = value.data.n;
    return false;
}

enum harm { NO_ADDRESS, LOST_ENTRY, WRONG_TIME, NO_RECORD };

/* Changes the announcement of the container behind the back of the role. */
static void harm(enum harm what)
{
    static uint8_t memory[1 << 16];
    static struct found x;
    struct arena arena = arena_of(memory, sizeof(memory));
    struct cse_annc a;
    struct txn t;
    char remote[601];
    const struct store_scan s = {.table = TABLE_CSE_ANNC, .prefix = bytes_empty(), .after = bytes_empty(), .order = STORE_ASCENDING};
    assert_int_equal(store_begin(f.cse->store, true), ERR_OK);
    txn_init(&t, f.cse->store, &arena, true);
    x.data_n = 0;
    assert_int_equal(txn_scan(&t, &s, found_hit, &x), ERR_OK);
    assert_int_equal(cse_annc_parse(bytes_of(x.data, x.data_n), &a), ERR_OK);
    (void)snprintf(remote, sizeof(remote), "/%0599d", 0);
    a.remote = what == NO_ADDRESS ? text_of(remote) : a.remote;
    a.node = what == LOST_ENTRY ? text_of("gone") : a.node;
    usec_t was = a.due;
    a.due = what == NO_ADDRESS ? was : 0; /* a second entry, and with LOST_ENTRY a record that goes again */
    assert_int_equal(cse_annc_put(&t, &a, 2), ERR_OK);
    if (what == NO_RECORD) {
        assert_int_equal(txn_put(&t, TABLE_CSE_ANNC, text_span((const char *)x.id, x.id_n), bytes_of(x.data, 9), STORE_PUT_ANY, 0), ERR_OK);
    } else if (what == WRONG_TIME) {
        assert_int_equal(txn_put(&t, TABLE_CSE_ANNC, text_span((const char *)x.id, x.id_n), bytes_of(x.data, x.data_n), STORE_PUT_ANY, 0), ERR_OK);
    } else if (what == LOST_ENTRY) {
        char key[CSE_ANNC_KEY_MAX];
        struct writer k = WRITER_ARRAY(key);
        assert_int_equal(cse_annc_key(a.node, a.target, &k), ERR_OK);
        assert_int_equal(txn_del(&t, TABLE_CSE_ANNC, writer_view_text(&k)), ERR_OK);
    }
    assert_int_equal(txn_apply(&t), ERR_OK);
    assert_int_equal(store_commit(f.cse->store), ERR_OK);
}

static void a_record_of_no_use_holds_up_nobody(void **state)
{
    (void)state;
    for (enum harm what = NO_ADDRESS; what <= NO_RECORD; what++) {
        begin();
        assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
        assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, CNT_WITH(",\"at\":[\"/deep\"]")), ERR_OK);
        assert_int_equal(drain(AT_DEEP), 2);
        harm(what);
        assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"other\",\"at\":[\"/deep\"]}}"), ERR_OK);
        assert_int_equal(next(AT_DEEP), OP_NONE);
        settle();
        assert_int_equal(world_audited(f.cse, AUDIT_ANNOUNCEMENT_REFUSED), what == NO_ADDRESS);
        assert_int_equal(world_audited(f.cse, AUDIT_ANNOUNCEMENT_SET_ASIDE), what == NO_RECORD);
        assert_int_equal(next(AT_DEEP), OP_CREATE);
        answer(2001, "");
        assert_int_equal(drain(AT_DEEP), 0);
        assert_int_equal(world_ctl(&f.w, f.cse, "announcement", "list", "{}", &f.r), ERR_OK);
        assert_true((strstr(f.r.body, "record-malformed") != NULL) == (what == NO_RECORD)); /* for the operator to see */
        assert_int_equal(cse_fixture_put(&f, &f.a, "Sa", "Sa/box", "{\"m2m:cnt\":{\"lbl\":[\"new\"]}}"), ERR_OK);
        assert_true(next(AT_DEEP) == OP_CREATE || what != NO_RECORD); /* it is announced again when it changes */
        cse_fixture_free(&f);
    }
}

/* A record that is met first by the request that changes its resource, or by the one that deletes it. */
static void a_record_of_no_use_is_no_fault_of_the_resource(void **state)
{
    (void)state;
    for (int del = 0; del < 2; del++) {
        begin();
        assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
        assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, CNT_WITH(",\"at\":[\"/deep\"]")), ERR_OK);
        assert_int_equal(drain(AT_DEEP), 2);
        harm(NO_RECORD);
        err_t e = del == 1 ? cse_fixture_del(&f, &f.a, "Sa", "Sa/box") : cse_fixture_put(&f, &f.a, "Sa", "Sa/box", "{\"m2m:cnt\":{\"lbl\":[\"new\"]}}");
        assert_int_equal(e, ERR_OK);
        while (next(AT_DEEP) == OP_NONE && q.about[0] != '\0') {
            settle();
        }
        assert_int_equal(q.op, del == 1 ? OP_NONE : OP_CREATE);
        assert_int_equal(world_audited(f.cse, AUDIT_ANNOUNCEMENT_SET_ASIDE), del);
        cse_fixture_free(&f);
    }
}

static void at_peers(char *out, size_t cap, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i <= to; i++) {
        n += (size_t)snprintf(out + n, cap - n, "%s\"/p%02zu\"", i > from ? "," : "", i);
    }
}

/* Those that still leave count beside those that are wanted: more than at can hold. */
static void it_leaves_some_and_comes_to_others(void **state)
{
    (void)state;
    char peers[256], body[512];
    cse_fixture_init(&f, MN WAY("in") MANY);
    join();
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "cse-mn", 2, AE_BODY), ERR_OK);
    at_peers(peers, sizeof(peers), 1, 8);
    (void)snprintf(body, sizeof(body), CNT_WITH(",\"at\":[%s]"), peers);
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "Sa", 3, body), ERR_OK);
    at_peers(peers, sizeof(peers), 7, 14);
    (void)snprintf(body, sizeof(body), "{\"m2m:cnt\":{\"at\":[%s]}}", peers);
    for (size_t i = 0; i < 3; i++) {
        f.w.now += SECOND;
        assert_int_equal(cse_fixture_put(&f, &f.a, "Sa", "Sa/box", i == 1 ? "{\"m2m:cnt\":{\"lbl\":[\"x\"]}}" : body), ERR_OK);
    }
    for (size_t lane = 2; lane <= 15; lane++) { /* the CSEBaseAnnc, and the container: gone, changed or made, once */
        assert_int_equal(drain(lane), 2);
    }
    assert_int_equal(cse_fixture_del(&f, &f.a, "Sa", "Sa/box"), ERR_OK);
    for (size_t lane = 2; lane <= 15; lane++) {
        assert_int_equal(drain(lane), lane >= 2 + 6);
    }
    assert_int_equal(world_ctl(&f.w, f.cse, "announcement", "list", "{}", &f.r), ERR_OK);
    assert_null(strstr(f.r.body, "leaving"));
    cse_fixture_free(&f);
}

/* -- the IN-CSE --------------------------------------------------------------------------------------------------------- */
#define AEA(lnk, more) "{\"m2m:aeA\":{\"lnk\":\"" lnk "\",\"api\":\"Napp\"" more "}}"
#define CRED(id) ",\"lbl\":[\"Credential-ID:" id "\"]"
#define CSR "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]}}"

static struct world_session mn, mn2;

static struct world_session come(const char *name)
{
    struct world_session s;
    char id[64], who[64], from[32];
    (void)snprintf(id, sizeof(id), "k%s@sp.example.com", name);
    (void)snprintf(who, sizeof(who), SP "/%s", name);
    (void)snprintf(from, sizeof(from), "/%s", name);
    assert_int_equal(cse_fixture_add_key(&f, id, who, ""), ERR_OK);
    cse_fixture_connect(&f, id, &s);
    assert_int_equal(cse_fixture_create(&f, &s, from, "-", 16, CSR), ERR_OK);
    return s;
}

static void begin_in(const char *more)
{
    char conf[512];
    (void)snprintf(conf, sizeof(conf), CSE_CONF "admin = Sadmin\n%s", more);
    cse_fixture_init(&f, conf);
    mn = come("mn");
    mn2 = come("mn2");
}

static void the_provider_knows_where_an_ae_is(void **state)
{
    (void)state;
    begin_in("");
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sx", CRED("12-x"))), ERR_OK); /* R002-32 */
    assert_string_equal(f.location, "/in/Sx");
    assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", "-", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_get(&f, &f.admin, "Sadmin", "Sx"), ERR_OK);
    assert_int_equal(cse_fixture_get(&f, &mn2, "/mn2", "Sx"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_get(&f, &mn, "/mn", "Sx"), ERR_OK);
    assert_string_equal(cse_fixture_member(&f, "lnk"), "/mn/Sx");
    /* From of the AE comes through the CSE that has it, and through no other one */
    assert_int_equal(cse_fixture_get(&f, &mn, "/Sx", "-"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_get(&f, &mn2, "/Sx", "-"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_get(&f, &mn2, "/Sy", "-"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "Sx", 10003, "{\"m2m:cntA\":{\"lnk\":\"/mn/box\",\"rn\":\"b\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "Sx", 10003, "{\"m2m:cntA\":{\"lnk\":\"/mn2/box\"}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_put(&f, &mn, "/mn", "Sx", "{\"m2m:aeA\":{\"apn\":\"lamp\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", "{\"m2m:aeA\":{\"apn\":\"evil\"}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_del(&f, &mn2, "/mn2", "Sx"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_del(&f, &mn, "/mn", "Sx"), ERR_OK);
    assert_int_equal(cse_fixture_get(&f, &mn, "/mn", "Sx"), ERR_NOT_FOUND);
    cse_fixture_free(&f);
}

static void what_is_not_theirs_is_refused(void **state) /* refuses R002-32 */
{
    (void)state;
    begin_in("");
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "-", 2, AE_BODY), ERR_OK);
    const struct {
        struct world_session *s;
        const char *from, *to;
        uint32_t ty;
        const char *body;
        err_t want;
    } rows[] = {
        {&mn, "/mn", "-", 10002, AEA("/mn2/Sx", ""), ERR_DENIED_FROM},      /* of another CSE */
        {&mn, "/mn2", "-", 10002, AEA("/mn2/Sx", ""), ERR_DENIED_FROM},
        {&mn, "/mn", "-", 10002, AEA(SP "/mn2/Sx", ""), ERR_DENIED_FROM},
        {&mn, "/mn", "-", 10002, AEA("/Sx", ""), ERR_CONTENTS},             /* no address */
        {&mn, "/mn", "-", 10002, AEA("Sx", ""), ERR_CONTENTS},
        {&mn, "/mn", "-", 10002, AEA("/mn/Cx", ""), ERR_CONTENTS},          /* not the provider's */
        {&mn, "/mn", "-", 10002, AEA("/mn/S", ""), ERR_CONTENTS},
        {&mn, "/mn", "-", 10002, AEA("/mn", ""), ERR_CONTENTS},
        {&mn, "/mn", "-", 10002, AEA("/mn/Sadmin", ""), ERR_DENIED_FROM},
        {&mn, "/mn", "-", 10002, AEA("/mn/Sb", ""), ERR_DENIED_FROM},       /* a credential of here has it */
        {&mn, "/mn", "-", 10002, AEA("/mn/Sb", CRED(SP "/Sb")), ERR_DENIED_FROM}, /* an identity is no Credential-ID */
        {&mn, "/mn", "-", 10002, AEA("/mn/Sa", ""), ERR_REGISTERED},        /* here itself */
        {&mn, "/mn", "-", 10002, AEA("/mn/Sx", ",\"rr\":true,\"at\":[\"/mn2\"]"), ERR_UNKNOWN_ATTRIBUTE},
        {&mn, "/mn", "-", 10003, "{\"m2m:cntA\":{\"lnk\":\"/mn/x\"}}", ERR_CHILD_TYPE},
        {&mn, "/mn", "Sa", 10003, "{\"m2m:cntA\":{\"lnk\":\"/mn/x\"}}", ERR_CHILD_TYPE},
        {&f.a, "Sa", "-", 10002, AEA("/in/Sx", ""), ERR_OPERATION},         /* an AE announces nothing */
        {&f.a, "Sa", "-", 10005, "{\"m2m:cbA\":{\"lnk\":\"/mn/-\"}}", ERR_OPERATION},
        {&mn, "/mn", "-", 10005, "{\"m2m:cbA\":{\"lnk\":\"/mn2/mn2\"}}", ERR_DENIED_FROM},
        {&mn, "/mn", "-", 10005, "{\"m2m:cbA\":{}}", ERR_MISSING},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err_t e = cse_fixture_create(&f, rows[i].s, rows[i].from, rows[i].to, rows[i].ty, rows[i].body);
        if (e != rows[i].want) {
            print_message("%s: %s\n", rows[i].body, err_code(e));
        }
        assert_int_equal(e, rows[i].want);
    }
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10005, "{\"m2m:cbA\":{\"lnk\":\"/mn/mn\",\"csi\":\"/mn\",\"cst\":2}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10005, "{\"m2m:cbA\":{\"lnk\":\"/mn/mn\"}}"), ERR_EXISTS);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "annc-mn", 10002, AEA("/mn/Cx", ",\"rn\":\"one\"")), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "annc-mn", 10002, AEA("/mn2/Cx", "")), ERR_DENIED_PRIVILEGE);
    cse_fixture_free(&f);
}

/* So many names a CSE, whoever uses them; what is past its time, deleted or elsewhere counts no more. */
static void a_cse_announces_no_more_than_its_share(void **state)
{
    (void)state;
    begin_in("announced-per-cse = 3\n");
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S1", ",\"et\":\"20231115T000000\"")), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S2", CRED("12-x"))), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S3", "")), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S4", "")), ERR_ANNOUNCED_FULL);
    assert_non_null(strstr(f.body, SP "/mn"));
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "-", 10002, AEA("/mn2/S4", "")), ERR_OK); /* of another one */
    assert_int_equal(cse_fixture_del(&f, &mn, "/mn", "S3"), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S5", "")), ERR_OK);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "S2", AEA("/mn2/S2", CRED("12-x"))), ERR_OK); /* it moves */
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S6", "")), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "-", 10002, AEA("/mn2/S7", "")), ERR_OK);
    assert_int_equal(cse_fixture_put(&f, &mn, "/mn", "S2", AEA("/mn/S2", CRED("12-x"))), ERR_ANNOUNCED_FULL); /* not back */
    f.w.now += DAY; /* S1 is past its time: the announcement that looks at it makes room for itself */
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S8", "")), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/S9", "")), ERR_ANNOUNCED_FULL);
    cse_fixture_free(&f);
}

/* Case vi of part 11.3: with its credential, and with nothing else. */
static void an_ae_moves(void **state)
{
    (void)state;
    begin_in("");
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sx", CRED("12-x"))), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "-", 10002, AEA("/mn2/Sx", CRED("12-x"))), ERR_EXISTS);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", AEA("/mn2/Sx", CRED("12-other"))), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", AEA("/mn2/Sx", "")), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", AEA("/mn/Sx", CRED("12-x"))), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", AEA("/mn2/Sy", CRED("12-x"))), ERR_CONTENTS);
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sx", AEA("/mn2/Sx", CRED("12-x"))), ERR_OK);
    assert_int_equal(world_audited(f.cse, AUDIT_AE_MOVED), 1);
    assert_int_equal(cse_fixture_get(&f, &mn2, "/Sx", "-"), ERR_DENIED_PRIVILEGE); /* served, and the policies say no */
    assert_int_equal(cse_fixture_get(&f, &mn, "/Sx", "-"), ERR_DENIED_FROM);
    assert_int_equal(cse_fixture_del(&f, &mn, "/mn", "Sx"), ERR_DENIED_PRIVILEGE); /* not his any more */
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sz", CRED("") ",\"et\":\"20231116T000000\"")), ERR_OK); /* without an association */
    assert_int_equal(cse_fixture_put(&f, &mn2, "/mn2", "Sz", AEA("/mn2/Sz", CRED(""))), ERR_DENIED_FROM);
    f.w.now += 2 * DAY;
    assert_int_equal(cse_fixture_create(&f, &mn2, "/mn2", "-", 10002, AEA("/mn2/Sz", CRED("12-z"))), ERR_OK); /* when it has ended */
    cse_fixture_free(&f);
}

/* An announcement says by its Credential-ID who may take its name over: whatever a policy permits, its CSE alone says that. */
static void nobody_else_says_whose_it_is(void **state) /* refuses R002-32 */
{
    (void)state;
    struct world_session y;
    begin_in("");
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sx", CRED("12-x@sp.example.com"))), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", "-", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.b, "Sb", "-", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", "-", 1, "{\"m2m:acp\":{\"rn\":\"open\",\"pv\":{\"acr\":[{\"acor\":[\"Sb\",\"Sadmin\"],\"acop\":63}]},"
                                        "\"pvs\":{\"acr\":[{\"acor\":[\"Sadmin\"],\"acop\":63}]}}}"), ERR_OK);
    assert_int_equal(cse_fixture_put(&f, &f.admin, "Sadmin", "Sx", "{\"m2m:aeA\":{\"acpi\":[\"cse-in/open\"]}}"), ERR_OK); /* who may see it */
    assert_int_equal(cse_fixture_get(&f, &f.b, "Sb", "Sx"), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.b, "Sb", "Sx", 23, "{\"m2m:sub\":{\"rn\":\"watch\",\"nu\":[\"Sb\"],\"enc\":{\"net\":[1]}}}"), ERR_OK);
    static const char mine[] = "{\"m2m:aeA\":{\"lbl\":[\"Credential-ID:12-y@sp.example.com\"]}}";
    assert_int_equal(cse_fixture_put(&f, &f.b, "Sb", "Sx", mine), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_put(&f, &f.admin, "Sadmin", "Sx", mine), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_put(&f, &f.b, "Sb", "Sx", "{\"m2m:aeA\":{\"apn\":\"evil\"}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_create(&f, &f.b, "Sb", "Sx", 10003, "{\"m2m:cntA\":{\"lnk\":\"/in/Sb/box\"}}"), ERR_OPERATION);
    assert_int_equal(cse_fixture_del(&f, &f.b, "Sb", "Sx"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_add_key(&f, "y@sp.example.com", NULL, ""), ERR_OK);
    cse_fixture_connect(&f, "y@sp.example.com", &y);
    assert_int_equal(cse_fixture_create(&f, &y, "Sx", "-", 2, AE_BODY), ERR_REGISTERED);
    assert_int_equal(cse_fixture_get(&f, &mn, "/Sx", "-"), ERR_DENIED_PRIVILEGE); /* it is served where it was */
    assert_int_equal(cse_fixture_put(&f, &mn, "/mn", "Sx", mine), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &y, "Sx", "-", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sz", "")), ERR_OK);
    assert_int_equal(cse_fixture_del(&f, &f.admin, "Sadmin", "Sz"), ERR_OK); /* the operator may end one that its CSE forgot */
    cse_fixture_free(&f);
}

/* To the IN-CSE itself: over the association that it had. */
static void an_ae_comes_to_the_in_cse(void **state)
{
    (void)state;
    begin_in("");
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", 10002, AEA("/mn/Sx", CRED("12-x@sp.example.com"))), ERR_OK);
    struct world_session x, y;
    assert_int_equal(cse_fixture_add_key(&f, "x@sp.example.com", NULL, ""), ERR_OK);
    assert_int_equal(cse_fixture_add_key(&f, "y@sp.example.com", NULL, ""), ERR_OK);
    cse_fixture_connect(&f, "x@sp.example.com", &x);
    cse_fixture_connect(&f, "y@sp.example.com", &y);
    assert_int_equal(cse_fixture_create(&f, &y, "Sx", "-", 2, AE_BODY), ERR_REGISTERED);
    assert_int_equal(cse_fixture_create(&f, &x, "Sx", "-", 2, AE_BODY), ERR_OK);
    assert_int_equal(cse_fixture_put(&f, &mn, "/mn", "Sx", "{\"m2m:aeA\":{\"apn\":\"evil\"}}"), ERR_DENIED_PRIVILEGE);
    assert_int_equal(cse_fixture_get(&f, &x, "Sx", "Sx"), ERR_OK);
    assert_string_equal(cse_fixture_member(&f, "aei"), "Sx");
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
        cmocka_unit_test(the_base_follows_at_once), cmocka_unit_test(bad_targets_are_refused),
        cmocka_unit_test(what_is_taken_can_be_said),
        cmocka_unit_test(a_record_of_no_use_holds_up_nobody),
        cmocka_unit_test(a_record_of_no_use_is_no_fault_of_the_resource), cmocka_unit_test(a_cse_announces_no_more_than_its_share),
        cmocka_unit_test(it_leaves_some_and_comes_to_others),
        cmocka_unit_test(the_provider_knows_where_an_ae_is),
        cmocka_unit_test(what_is_not_theirs_is_refused),
        cmocka_unit_test(an_ae_moves),
        cmocka_unit_test(nobody_else_says_whose_it_is),
        cmocka_unit_test(an_ae_comes_to_the_in_cse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
