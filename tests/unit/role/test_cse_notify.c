/* Subscriptions to events: criteria, who may have them, what is written to the outbox, what follows from telling; polling channels. */
#include "cse_fixture.h"

#include "role/cse/cse_notify.h"
#include "role/outbox.h"
#include "shell/notifier.h"
#include "wire/json.h"
#include "wire/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SUB(name, more) "{\"m2m:sub\":{\"rn\":\"" name "\"," more "}}"
#define RULE(who, op) "{\"acr\":[{\"acor\":[\"" who "\"],\"acop\":" op "}]}"
#define LISTED "http://127.0.0.1:8080"

/* -- criteria alone ------------------------------------------------------------------------------------------------ */
static bool met(const char *enc, const struct criteria_event *e)
{
    char detail[ROLE_DETAIL_MAX];
    uint8_t b[CRITERIA_OCTETS_MAX];
    struct criteria c, again;
    json_t *v = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(enc)), &v), ERR_OK);
    err_t err = criteria_compile(v, &c, detail);
    if (err != ERR_OK) {
        fail_msg("%s: %s %s", enc, err_code(err), detail);
    }
    struct writer w = WRITER_ARRAY(b);
    criteria_write(&c, &w);
    assert_int_equal(writer_finish(&w), ERR_OK);
    struct reader r = reader_of(writer_view(&w));
    criteria_read(&r, &again);
    assert_int_equal(reader_finish(&r), ERR_OK);
    bool out = criteria_match(&c, e);
    assert_int_equal(criteria_match(&again, e), out);
    for (size_t n = 0; n < w.n; n++) { /* cut anywhere it is no record */
        r = reader_of(bytes_of(b, n));
        criteria_read(&r, &again);
        assert_int_not_equal(reader_finish(&r), ERR_OK);
    }
    json_decref(v);
    return out;
}

static void criteria_decide(void **state)
{
    (void)state;
    json_t *changed = json_pack("{s:[s],s:i}", "lbl", "x", "mni", 3);
    /* T0 is 20231114T221320 */
    const struct criteria_event update = {.kind = CRITERIA_UPDATE, .ty = 3, .ct = T0, .lt = T0 + HOUR, .et = T0 + DAY,
                                          .has_state = true, .state = 7, .changed = changed};
    const struct criteria_event child = {.kind = CRITERIA_CREATE_CHILD, .ty = 4, .ct = T0, .lt = T0, .et = USEC_NEVER,
                                         .has_state = true, .state = 7, .has_size = true, .size = 100};
    const struct criteria_event gone = {.kind = CRITERIA_DELETE, .ty = 3, .ct = T0, .lt = T0, .et = T0 + DAY};
    const struct criteria_event child_gone = {.kind = CRITERIA_DELETE_CHILD, .ty = 4, .ct = T0, .lt = T0, .et = USEC_NEVER};
    static const struct {
        const char *enc;
        bool update, child, gone, child_gone;
    } rows[] = {
        {"{}", true, false, false, false},
        {"{\"net\":[1]}", true, false, false, false},
        {"{\"net\":[2]}", false, false, true, false},
        {"{\"net\":[3]}", false, true, false, false},
        {"{\"net\":[4]}", false, false, false, true},
        {"{\"net\":[1,2,3,4]}", true, true, true, true},
        {"{\"net\":[1,2,3,4],\"atr\":[\"mni\"]}", true, true, true, true},
        {"{\"net\":[1,2,3,4],\"atr\":[\"mbs\"]}", false, true, true, true},
        {"{\"net\":[1,2,3,4],\"chty\":[3]}", true, false, true, false},
        {"{\"net\":[1,2,3,4],\"chty\":[23,4]}", true, true, true, true},
        {"{\"net\":[1,2,3,4],\"crb\":\"20231114T221321\"}", true, true, true, true},
        {"{\"net\":[1,2,3,4],\"crb\":\"20231114T221320\"}", false, false, false, false},
        {"{\"net\":[1,2,3,4],\"cra\":\"20231114T221320\"}", true, true, true, true},
        {"{\"net\":[1,2,3,4],\"cra\":\"20231114T221321\"}", false, false, false, false},
        {"{\"net\":[1,2,3,4],\"ms\":\"20231114T221321\"}", true, false, false, false},
        {"{\"net\":[1,2,3,4],\"us\":\"20231114T221321\"}", false, true, true, true},
        {"{\"net\":[1,2,3,4],\"exb\":\"20300101T000000\"}", true, false, true, false},
        {"{\"net\":[1,2,3,4],\"exa\":\"20300101T000000\"}", false, false, false, false},
        {"{\"net\":[1,2,3,4],\"sts\":8}", true, true, false, false},
        {"{\"net\":[1,2,3,4],\"sts\":7}", false, false, false, false},
        {"{\"net\":[1,2,3,4],\"stb\":6}", true, true, false, false},
        {"{\"net\":[1,2,3,4],\"stb\":7}", false, false, false, false},
        {"{\"net\":[1,2,3,4],\"sza\":100}", false, true, false, false},
        {"{\"net\":[1,2,3,4],\"sza\":101}", false, false, false, false},
        {"{\"net\":[1,2,3,4],\"szb\":101}", false, true, false, false},
        {"{\"net\":[3],\"sza\":1,\"szb\":99}", false, false, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool got[] = {met(rows[i].enc, &update), met(rows[i].enc, &child), met(rows[i].enc, &gone), met(rows[i].enc, &child_gone)};
        if (got[0] != rows[i].update || got[1] != rows[i].child || got[2] != rows[i].gone || got[3] != rows[i].child_gone) {
            fail_msg("%s: %d %d %d %d", rows[i].enc, got[0], got[1], got[2], got[3]);
        }
    }
    json_decref(changed);
}

static void criteria_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *enc;
        err_t want;
        const char *names;
    } rows[] = {
        {"{\"net\":1}", ERR_ATTRIBUTE_TYPE, "net"},        {"{\"net\":[]}", ERR_ATTRIBUTE_TYPE, "net"},
        {"{\"net\":[0]}", ERR_ATTRIBUTE_TYPE, "net"},      {"{\"net\":[8]}", ERR_ATTRIBUTE_TYPE, "net"},
        {"{\"net\":[5]}", ERR_NOT_IMPLEMENTED, "net"},     {"{\"net\":[\"1\"]}", ERR_ATTRIBUTE_TYPE, "net"},
        {"{\"atr\":[]}", ERR_ATTRIBUTE_TYPE, "atr"},       {"{\"atr\":[1]}", ERR_ATTRIBUTE_TYPE, "atr"},
        {"{\"atr\":[\"\"]}", ERR_ATTRIBUTE_TYPE, "atr"},   {"{\"atr\":\"lbl\"}", ERR_ATTRIBUTE_TYPE, "atr"},
        {"{\"chty\":[0]}", ERR_ATTRIBUTE_TYPE, "chty"},    {"{\"chty\":[65536]}", ERR_ATTRIBUTE_TYPE, "chty"},
        {"{\"crb\":1}", ERR_ATTRIBUTE_TYPE, "crb"},        {"{\"exa\":\"tomorrow\"}", ERR_ATTRIBUTE_TYPE, "exa"},
        {"{\"sza\":-1}", ERR_ATTRIBUTE_TYPE, "sza"},       {"{\"stb\":1.5}", ERR_ATTRIBUTE_TYPE, "stb"},
        {"{\"om\":[1]}", ERR_NOT_IMPLEMENTED, "om"},       {"{\"md\":{}}", ERR_NOT_IMPLEMENTED, "md"},
        {"{\"foo\":1}", ERR_UNKNOWN_ATTRIBUTE, "foo"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char detail[ROLE_DETAIL_MAX] = "";
        struct criteria c;
        json_t *v = NULL;
        assert_int_equal(json_parse(text_bytes(text_of(rows[i].enc)), &v), ERR_OK);
        err_t e = criteria_compile(v, &c, detail);
        if (e != rows[i].want || strstr(detail, rows[i].names) == NULL) {
            fail_msg("%s: %s %s", rows[i].enc, err_code(e), detail);
        }
        json_decref(v);
    }
}

/* -- URLs ------------------------------------------------------------------------------------------------------------ */
static void urls_are_strict(void **state)
{
    (void)state;
    static const char *const good[] = {"http://a", "https://a.example.com:8443/x?y=1", "http://[::1]:80/", "coaps://10.0.0.1", "HTTP://A:1?x"};
    static const char *const bad[] = {
        "", "a", "ftp://a", "http://", "http:///x", "http://a:0", "http://a:65536", "http://a:", "http://a:x", "http://u@a", "http://a b",
        "http://a/#x", "http://a/\n", "http://[::1", "http://[]", "http://[::g]", "http://a\\b", "http://a/\"", "http://.a", "http://a%2e", "://a"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct url u;
        assert_true(url_is_one(text_of(good[i])));
        if (url_parse(text_of(good[i]), &u) != ERR_OK) {
            fail_msg("%s", good[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct url u;
        if (url_parse(text_of(bad[i]), &u) == ERR_OK) {
            fail_msg("%s", bad[i]);
        }
    }
}

/* -- the CSE ------------------------------------------------------------------------------------------------------------ */
static err_t subscribe(struct cse_fixture *f, const char *to, const char *body)
{
    f->w.now += SECOND;
    return cse_fixture_create(f, &f->a, "Sa", to, 23, body);
}

static void must(err_t e)
{
    assert_int_equal(e, ERR_OK);
}

static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CSE_CONF "admin = Sadmin\nnotify-queue = 4\n");
    f->w.callable = LISTED;
    must(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_NAMED("app-a")));
    must(cse_fixture_create(f, &f->b, "Sb", "cse-in", 2, AE_NAMED("app-b")));
    must(cse_fixture_create(f, &f->a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

/* Tells the first event; its body, or "" if nothing waits. */
static const char *tell(struct cse_fixture *f)
{
    static struct cse_told x;
    x.body[0] = '\0';
    if (cse_fixture_waits(f, "", &x)) {
        must(cse_fixture_told(f, &x, OUTBOX_TOLD));
    }
    return x.body;
}

static void cin(struct cse_fixture *f, const char *con)
{
    char body[256];
    snprintf(body, sizeof(body), "{\"m2m:cin\":{\"con\":\"%s\"}}", con);
    f->w.now += SECOND;
    must(cse_fixture_create(f, &f->a, "Sa", "Sa/c", 4, body));
}

static void events_are_told_once_each(void **state)
{
    struct cse_fixture *f = *state;
    must(subscribe(f, "Sa/c", SUB("s", "\"nu\":[\"" LISTED "/n\"],\"enc\":{\"net\":[1,2,3,4]}")));
    assert_string_equal(tell(f), ""); /* its own creation is no event to it */
    cin(f, "one");
    struct cse_told x;
    assert_true(cse_fixture_waits(f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_SEND);
    assert_string_equal(x.item.to.url, LISTED "/n");
    assert_string_equal(x.item.to.from, "/in");
    assert_non_null(strchr(x.item.rqi, '.'));
    assert_non_null(strstr(x.body, "{\"m2m:sgn\":{\"nev\":{\"net\":3,\"rep\":{\"m2m:cin\":{"));
    assert_non_null(strstr(x.body, "\"con\":\"one\""));
    assert_non_null(strstr(x.body, "},\"sur\":\"/in/"));
    must(cse_fixture_told(f, &x, OUTBOX_TOLD));
    assert_int_equal(cse_fixture_told(f, &x, OUTBOX_TOLD), ERR_NOT_FOUND);
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"mni\":9}}"));
    const char *body = tell(f);
    assert_non_null(strstr(body, "\"net\":1,\"rep\":{\"m2m:cnt\":{\"rn\":\"c\""));
    assert_non_null(strstr(body, "\"mni\":9"));
    must(cse_fixture_del(f, &f->a, "Sa", "Sa/c/la"));
    assert_non_null(strstr(tell(f), "\"net\":4,\"rep\":{\"m2m:cin\":{"));
    must(cse_fixture_del(f, &f->a, "Sa", "Sa/c"));
    assert_non_null(strstr(tell(f), "\"net\":2,\"rep\":{\"m2m:cnt\":{")); /* the subscription is gone, this is told */
    assert_string_equal(tell(f), "");
}

static void contents_by_type(void **state)
{
    struct cse_fixture *f = *state;
    must(subscribe(f, "Sa/c", SUB("modified", "\"nu\":[\"Sa\"],\"nct\":2,\"nfu\":\"x\\\"y\"")));
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"mni\":9}}"));
    const char *body = tell(f);
    assert_non_null(strstr(body, "\"rep\":{\"m2m:cnt\":{\"mni\":9}}"));
    assert_non_null(strstr(body, "\"nfu\":\"x\\\"y\"}}"));
    must(cse_fixture_del(f, &f->a, "Sa", "Sa/c/modified"));
    must(subscribe(f, "Sa/c", SUB("ids", "\"nu\":[\"Sa\"],\"nct\":3,\"enc\":{\"net\":[3]}")));
    cin(f, "x");
    assert_non_null(strstr(tell(f), "\"rep\":{\"m2m:uri\":\"/in/"));
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/c/ids", "{\"m2m:sub\":{\"nct\":1}}"));
    char *big = malloc(CSE_NOTIFY_REP_MAX + 64);
    size_t n = (size_t)snprintf(big, 64, "{\"m2m:cin\":{\"con\":\"");
    memset(big + n, 'x', CSE_NOTIFY_REP_MAX);
    snprintf(big + n + CSE_NOTIFY_REP_MAX, 8, "\"}}");
    must(cse_fixture_create(f, &f->a, "Sa", "Sa/c", 4, big)); /* too large to be told: by its identifier */
    assert_non_null(strstr(tell(f), "\"rep\":{\"m2m:uri\":\"/in/"));
    free(big);
}

static void nobody_is_sent_what_he_did_not_ask_for(void **state)
{
    struct cse_fixture *f = *state;
    f->unverified = true;
    assert_int_equal(subscribe(f, "Sa/c", SUB("s", "\"nu\":[\"" LISTED "\"]")), ERR_TARGET_UNVERIFIED);
    assert_int_equal(subscribe(f, "Sa/c", SUB("s", "\"nu\":[\"Sa\",\"Sb\"]")), ERR_TARGET_UNVERIFIED);
    assert_int_equal(f->rsc, 5204);
    must(subscribe(f, "Sa/c", SUB("own", "\"nu\":[\"Sa\"]")));
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/c/own", "{\"m2m:sub\":{\"nct\":2}}"));
    assert_int_equal(cse_fixture_put(f, &f->a, "Sa", "Sa/c/own", "{\"m2m:sub\":{\"nu\":[\"Sb\"]}}"), ERR_TARGET_UNVERIFIED);
    must(cse_fixture_del(f, &f->a, "Sa", "Sa/c/own"));
    f->unverified = false;
    cin(f, "x");
    assert_string_equal(tell(f), "");
}

static void subscriptions_of_a_resource_are_bounded(void **state)
{
    struct cse_fixture *f = *state;
    char name[64];
    cin(f, "x");
    assert_int_equal(subscribe(f, "Sa/c/la", SUB("s", "\"nu\":[\"Sa\"]")), ERR_OPERATION);
    for (int i = 0; i < CSE_NOTIFY_SUBS_MAX; i++) {
        snprintf(name, sizeof(name), "{\"m2m:sub\":{\"rn\":\"s%d\",\"nu\":[\"Sa\"]}}", i);
        must(subscribe(f, "Sa/c", name));
    }
    assert_int_equal(subscribe(f, "Sa/c", SUB("s", "\"nu\":[\"Sa\"]")), ERR_SUBSCRIPTIONS_FULL);
    assert_int_equal(f->rsc, 5203);
}

/* Who may not see a resource learns nothing of it by subscribing, and nothing any more when his right ends. */
static void rights_are_those_of_the_moment(void **state)
{
    struct cse_fixture *f = *state;
    must(cse_fixture_create(f, &f->a, "Sa", "Sa", 1,
                            "{\"m2m:acp\":{\"rn\":\"p\",\"pv\":" RULE("Sb", "1") ",\"pvs\":" RULE("Sa", "63") "}}"));
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"acpi\":[\"Sa/p\"]}}"));
    const char *sub = SUB("s", "\"nu\":[\"Sb\"],\"enc\":{\"net\":[3]}");
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "Sa/c", 23, sub), ERR_DENIED_PRIVILEGE); /* CREATE is not RETRIEVE */
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/p", "{\"m2m:acp\":{\"pv\":" RULE("Sb", "3") "}}"));
    must(cse_fixture_create(f, &f->b, "Sb", "Sa/c", 23, sub));
    must(cse_fixture_create(f, &f->b, "Sb", "Sa/c", 4, "{\"m2m:cin\":{\"con\":\"1\"}}"));
    assert_non_null(strstr(tell(f), "\"con\":\"1\""));
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/p", "{\"m2m:acp\":{\"pv\":" RULE("Sb", "1") "}}"));
    must(cse_fixture_create(f, &f->b, "Sb", "Sa/c", 4, "{\"m2m:cin\":{\"con\":\"2\"}}"));
    assert_string_equal(tell(f), "");
    assert_int_equal(cse_fixture_put(f, &f->b, "Sb", "Sa/c/s", "{\"m2m:sub\":{\"nct\":2}}"), ERR_DENIED_PRIVILEGE);
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/p", "{\"m2m:acp\":{\"pv\":" RULE("Sb", "3") "}}"));
    struct cse_told x;
    must(cse_fixture_create(f, &f->b, "Sb", "Sa/c", 4, "{\"m2m:cin\":{\"con\":\"3\"}}"));
    must(cse_fixture_del(f, &f->b, "Sb", "Sb")); /* the target is gone, and with it what waits for it */
    assert_true(cse_fixture_waits(f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_DROP);
}

/* R002-81: no service without a contract, and notifications are one. */
static void contracts_end(void **state)
{
    struct cse_fixture *f = *state;
    cse_fixture_free(f);
    cse_fixture_init(f, CSE_CONF "admin = Sadmin\nservice-subscription = on\n");
    world_seed(&f->w, f->cse);
    must(world_ctl(&f->w, f->cse, "subscription", "add", "{\"NAME\":\"home\",\"lifetime\":\"30d\"}", &f->r));
    must(world_ctl(&f->w, f->cse, "rule", "add",
                   "{\"NAME\":\"r1\",\"credential-ids\":\"12-ka@sp.example.com\",\"app-ids\":\"Napp\",\"aes\":\"Sa\"}", &f->r));
    must(world_ctl(&f->w, f->cse, "node", "add",
                   "{\"NAME\":\"n1\",\"subscription\":\"home\",\"node-id\":\"urn:n1\",\"cse-id\":\"/in\",\"rules\":\"r1\"}", &f->r));
    must(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_NAMED("app-a")));
    must(cse_fixture_create(f, &f->a, "Sa", "Sa", 3, "{\"m2m:cnt\":{\"rn\":\"c\"}}"));
    must(cse_fixture_create(f, &f->a, "Sa", "Sa", 1,
                            "{\"m2m:acp\":{\"rn\":\"p\",\"pv\":" RULE("all", "63") ",\"pvs\":" RULE("Sa", "63") "}}"));
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"acpi\":[\"Sa/p\"]}}"));
    must(subscribe(f, "Sa/c", SUB("s", "\"nu\":[\"Sa\"]")));
    must(cse_fixture_put(f, &f->admin, "Sadmin", "Sa/c", "{\"m2m:cnt\":{\"mni\":9}}"));
    assert_non_null(strstr(tell(f), "\"mni\":9"));
    must(world_ctl(&f->w, f->cse, "node", "remove", "{\"NAME\":\"n1\",\"subscription\":\"home\"}", &f->r));
    must(cse_fixture_put(f, &f->admin, "Sadmin", "Sa/c", "{\"m2m:cnt\":{\"mni\":8}}"));
    assert_string_equal(tell(f), ""); /* refuses R002-81 */
}

/* A child with policies of its own is told by its identifier to who may see its parent only. */
static void children_keep_their_secrets(void **state)
{
    struct cse_fixture *f = *state;
    must(cse_fixture_create(f, &f->a, "Sa", "Sa", 1,
                            "{\"m2m:acp\":{\"rn\":\"p\",\"pv\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63},{\"acor\":[\"Sb\"],\"acop\":3}]},"
                            "\"pvs\":" RULE("Sa", "63") "}}"));
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"acpi\":[\"Sa/p\"]}}"));
    must(cse_fixture_create(f, &f->b, "Sb", "Sa/c", 23, SUB("s", "\"nu\":[\"Sb\"],\"enc\":{\"net\":[3,4]}")));
    must(cse_fixture_create(f, &f->a, "Sa", "Sa/c", 3, "{\"m2m:cnt\":{\"rn\":\"mine\",\"lbl\":[\"secret\"]}}"));
    const char *body = tell(f);
    assert_non_null(strstr(body, "\"rep\":{\"m2m:uri\":\"/in/"));
    assert_null(strstr(body, "secret"));
    must(cse_fixture_del(f, &f->a, "Sa", "Sa/c/mine"));
    assert_null(strstr(tell(f), "secret"));
    must(cse_fixture_create(f, &f->a, "Sa", "Sa/c", 3, "{\"m2m:cnt\":{\"lbl\":[\"open\"],\"acpi\":[\"Sa/p\"]}}"));
    assert_non_null(strstr(tell(f), "open"));
}

static void queues_are_bounded(void **state)
{
    struct cse_fixture *f = *state;
    struct cse_told x;
    must(subscribe(f, "Sa/c", SUB("s", "\"nu\":[\"Sa\"],\"enc\":{\"net\":[3]}")));
    for (int i = 0; i < 9; i++) {
        char n[16];
        snprintf(n, sizeof(n), "%d", i);
        cin(f, n);
    }
    for (int i = 5; i < 9; i++) { /* notify-queue = 4: the latest four, in order */
        char want[32];
        snprintf(want, sizeof(want), "\"con\":\"%d\"", i);
        assert_non_null(strstr(tell(f), want));
    }
    assert_string_equal(tell(f), "");
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/c/s", "{\"m2m:sub\":{\"pn\":1}}"));
    cin(f, "a");
    cin(f, "b"); /* nobody has found it away yet: both wait */
    assert_true(cse_fixture_waits(f, "", &x));
    assert_non_null(strstr(x.body, "\"con\":\"a\""));
    must(cse_fixture_told(f, &x, OUTBOX_AWAY));
    cin(f, "c");
    assert_non_null(strstr(tell(f), "\"con\":\"c\"")); /* sendLatest */
    assert_string_equal(tell(f), "");
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/c/s", "{\"m2m:sub\":{\"pn\":2,\"ln\":true}}"));
    cin(f, "d");
    cin(f, "e");
    assert_non_null(strstr(tell(f), "\"con\":\"e\""));
    assert_string_equal(tell(f), "");
    cin(f, "f");
    assert_true(cse_fixture_waits(f, "", &x));
    must(cse_fixture_told(f, &x, OUTBOX_REFUSED)); /* the target does not want it: not again */
    assert_string_equal(tell(f), "");
    cin(f, "g");
    must(cse_fixture_del(f, &f->a, "Sa", "Sa/c/s")); /* what still waits is not told */
    assert_true(cse_fixture_waits(f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_DROP);
    must(cse_fixture_told(f, &x, OUTBOX_DROPPED));
    assert_false(cse_fixture_waits(f, "", &x));
}

static void counter_ends_the_subscription(void **state)
{
    struct cse_fixture *f = *state;
    must(subscribe(f, "Sa/c", SUB("s", "\"nu\":[\"" LISTED "\"],\"su\":\"Sa\",\"exc\":2,\"enc\":{\"net\":[3]}")));
    cin(f, "1");
    cin(f, "2");
    cin(f, "3"); /* no more is promised than will be told */
    struct cse_told x;
    assert_true(cse_fixture_waits(f, "", &x));
    must(cse_fixture_told(f, &x, OUTBOX_AWAY)); /* does not count */
    assert_non_null(strstr(tell(f), "\"con\":\"1\""));
    must(cse_fixture_get(f, &f->a, "Sa", "Sa/c/s"));
    assert_string_equal(cse_fixture_member(f, "exc"), "1");
    assert_non_null(strstr(tell(f), "\"con\":\"2\""));
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/c/s"), ERR_NOT_FOUND);
    assert_non_null(strstr(tell(f), "\"sud\":true"));
    assert_string_equal(tell(f), "");
    must(subscribe(f, "Sa/c", SUB("t", "\"nu\":[\"Sa\"],\"su\":\"" LISTED "/end\"")));
    must(cse_fixture_del(f, &f->a, "Sa", "Sa/c"));
    assert_true(cse_fixture_waits(f, "", &x));
    assert_string_equal(x.item.to.url, LISTED "/end");
    assert_non_null(strstr(x.body, "\"sud\":true"));
    f->w.now += 2 * DAY; /* for a day */
    assert_true(cse_fixture_waits(f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_DROP);
}

static void points_of_access(void **state)
{
    struct cse_fixture *f = *state;
    struct cse_told x;
    must(subscribe(f, "Sa/c", SUB("s", "\"nu\":[\"/in/Sa\"]"))); /* every form of its name */
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/c", "{\"m2m:cnt\":{\"mni\":9}}"));
    assert_true(cse_fixture_waits(f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_HOLD);
    must(cse_fixture_put(f, &f->a, "Sa", "Sa", "{\"m2m:ae\":{\"poa\":[\"http://10.0.0.1\",\"" LISTED "/a\"]}}"));
    assert_true(cse_fixture_waits(f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_SEND);
    assert_string_equal(x.item.to.url, LISTED "/a"); /* the first that is listed */
    f->w.callable = NULL;
    assert_true(cse_fixture_waits(f, "", &x));
    assert_int_equal(x.item.verdict, OUTBOX_HOLD);
    must(world_ctl(&f->w, f->cse, "notification", "list", "{}", &f->r));
    assert_non_null(strstr(f->r.body, "\"waiting\":1,\"dropped\":0,\"state\":\"telling\""));
    json_t *v = NULL;
    must(json_parse(text_bytes(text_of(f->r.body)), &v));
    char args[128];
    snprintf(args, sizeof(args), "{\"RI\":\"%s\"}",
             json_string_value(json_object_get(json_array_get(json_object_get(v, "notifications"), 0), "id")));
    json_decref(v);
    must(world_ctl(&f->w, f->cse, "notification", "show", args, &f->r));
    must(world_ctl(&f->w, f->cse, "notification", "remove", args, &f->r));
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/c/s"), ERR_NOT_FOUND);
    assert_int_equal(world_ctl(&f->w, f->cse, "notification", "show", args, &f->r), ERR_NOT_FOUND);
}

/* -- polling ---------------------------------------------------------------------------------------------------------- */
static err_t answer(struct cse_fixture *f, struct world_session *s, const char *from, const char *body)
{
    const struct cse_call c = {.s = s, .op = OP_NOTIFY, .to = "Sa/p/pcu", .from = from, .body = body};
    return cse_fixture_call(f, &c);
}

static void polling(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "Sa", 15, "{\"m2m:pch\":{}}"), ERR_DENIED_PRIVILEGE);
    must(cse_fixture_create(f, &f->a, "Sa", "Sa", 15, "{\"m2m:pch\":{\"rn\":\"p\"}}"));
    must(cse_fixture_create(f, &f->a, "Sa", "Sa", 1,
                            "{\"m2m:acp\":{\"rn\":\"all\",\"pv\":" RULE("all", "63") ",\"pvs\":" RULE("Sa", "63") "}}"));
    must(cse_fixture_put(f, &f->a, "Sa", "Sa/p", "{\"m2m:pch\":{\"acpi\":[\"Sa/all\"]}}"));
    assert_int_equal(cse_fixture_get(f, &f->b, "Sb", "Sa/p/pcu"), ERR_DENIED_PRIVILEGE); /* whatever policies say */
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/p/pcu"), ERR_POLL_EMPTY);
    assert_int_equal(f->rsc, 4008);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa/c/pcu"), ERR_NOT_FOUND);
    assert_int_equal(cse_fixture_del(f, &f->a, "Sa", "Sa/p/pcu"), ERR_OPERATION);
    must(subscribe(f, "Sa/c", SUB("s", "\"nu\":[\"Sa\"],\"enc\":{\"net\":[3]}")));
    cin(f, "1");
    cin(f, "2");
    must(cse_fixture_get(f, &f->a, "Sa", "cse-in/app-a/p/pcu"));
    assert_non_null(strstr(f->body, "{\"m2m:rqp\":{\"op\":5,\"to\":\"Sa\",\"fr\":\"/in\",\"rqi\":\""));
    assert_non_null(strstr(f->body, "\"con\":\"1\""));
    char rqi[128], body[256];
    snprintf(rqi, sizeof(rqi), "%s", cse_fixture_member(f, "rqi"));
    must(cse_fixture_get(f, &f->a, "Sa", "Sa/p/pcu")); /* not answered: given again, the same one */
    assert_string_equal(cse_fixture_member(f, "rqi"), rqi);
    snprintf(body, sizeof(body), "{\"m2m:rsp\":{\"rsc\":2000,\"rqi\":\"%s\"}}", rqi);
    assert_int_equal(answer(f, &f->b, "Sb", body), ERR_DENIED_PRIVILEGE);
    must(answer(f, &f->a, "Sa", body));
    assert_int_equal(answer(f, &f->a, "Sa", body), ERR_NOT_FOUND);
    assert_int_equal(answer(f, &f->a, "Sa", "{\"m2m:rsp\":{\"rsc\":2000}}"), ERR_MISSING);
    assert_int_equal(answer(f, &f->a, "Sa", "{\"m2m:rsp\":{\"rqi\":\"x\"}}"), ERR_ATTRIBUTE_TYPE);
    assert_int_equal(answer(f, &f->a, "Sa", "{\"m2m:rsp\":{\"rsc\":2000,\"rqi\":\"x\"}}"), ERR_NOT_FOUND);
    assert_int_equal(answer(f, &f->a, "Sa", "{\"m2m:sgn\":{}}"), ERR_MISSING);
    must(cse_fixture_get(f, &f->a, "Sa", "Sa/p/pcu"));
    assert_non_null(strstr(f->body, "\"con\":\"2\""));
}

/* -- what an answer means ------------------------------------------------------------------------------------------------ */
static void outcomes_equal_the_page(void **state)
{
    (void)state;
    static const char *const names[] = {[OUTBOX_TOLD] = "told", [OUTBOX_REFUSED] = "refused", [OUTBOX_AWAY] = "away",
                                        [OUTBOX_DROPPED] = "dropped"};
    static const struct {
        const char *answer;
        struct outbound_answer a;
        enum outbox_outcome want;
    } rows[] = {
        {"response status code 2xxx", {.status = 200, .rsc = 2000}, OUTBOX_TOLD},
        {"HTTP 2xx or CoAP 2.xx without a response status code", {.status = 204}, OUTBOX_TOLD},
        {"response status code 4xxx", {.status = 403, .rsc = 4103}, OUTBOX_REFUSED},
        {"HTTP 4xx, CoAP 4.xx", {.status = 404}, OUTBOX_REFUSED},
        {"HTTP 3xx (a redirect is not followed)", {.status = 302}, OUTBOX_REFUSED},
        {"HTTP 408 or 429", {.status = 429}, OUTBOX_AWAY},
        {"response status code 4008", {.status = 403, .rsc = 4008}, OUTBOX_AWAY},
        {"response status code 5xxx or 6xxx", {.status = 404, .rsc = 5103}, OUTBOX_AWAY},
        {"HTTP 5xx, CoAP 5.xx", {.status = 503}, OUTBOX_AWAY},
        {"none in time, no connection, nonsense", {.err = ERR_PEER_TIMEOUT}, OUTBOX_AWAY},
    };
    static char page[1 << 16], want[4096], file[4096];
    size_t n = (size_t)snprintf(want, sizeof(want), "| answer | outcome |\n| --- | --- |\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(notifier_outcome(&rows[i].a), rows[i].want);
        n += (size_t)snprintf(want + n, sizeof(want) - n, "| %s | %s |\n", rows[i].answer, names[rows[i].want]);
    }
    (void)snprintf(file, sizeof(file), "%s/docs/procedures/notification.md", getenv("KEYSTEAD_SOURCE"));
    FILE *f = fopen(file, "re");
    assert_non_null(f);
    page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
    (void)fclose(f);
    if (strstr(page, want) == NULL) {
        fail_msg("%s lacks:\n%s", file, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(criteria_decide),
        cmocka_unit_test(criteria_are_strict),
        cmocka_unit_test(urls_are_strict),
        cmocka_unit_test(outcomes_equal_the_page),
        cmocka_unit_test_setup_teardown(events_are_told_once_each, setup, teardown),
        cmocka_unit_test_setup_teardown(contents_by_type, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_is_sent_what_he_did_not_ask_for, setup, teardown),
        cmocka_unit_test_setup_teardown(subscriptions_of_a_resource_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(rights_are_those_of_the_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(contracts_end, setup, teardown),
        cmocka_unit_test_setup_teardown(children_keep_their_secrets, setup, teardown),
        cmocka_unit_test_setup_teardown(queues_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(counter_ends_the_subscription, setup, teardown),
        cmocka_unit_test_setup_teardown(points_of_access, setup, teardown),
        cmocka_unit_test_setup_teardown(polling, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
