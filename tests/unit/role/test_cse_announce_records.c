/* Announcing: a record that is too large, or of no use, holds up no other, and CSEs that it leaves count. */
#include "cse_fixture.h"

#include "role/cse/cse_announce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AT_IN 1 /* lanes */
#define AT_DEEP 2
#define MANY WAY("p01") WAY("p02") WAY("p03") WAY("p04") WAY("p05") WAY("p06") WAY("p07") WAY("p08") WAY("p09") WAY("p10") WAY("p11") WAY("p12") WAY("p13") WAY("p14")
#define CNT_WITH(more) "{\"m2m:cnt\":{\"rn\":\"box\"" more "}}"

static struct cse_fixture f;
static struct errand q;
static err_t why;

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
    cse_fixture_joins(&f);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_can_be_said),
        cmocka_unit_test(a_record_of_no_use_holds_up_nobody),
        cmocka_unit_test(a_record_of_no_use_is_no_fault_of_the_resource),
        cmocka_unit_test(it_leaves_some_and_comes_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
