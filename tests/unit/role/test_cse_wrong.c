/* Every attribute of every type with every value that its row does not allow: refused, and the debug text names it. */
#include "cse_fixture.h"
#include "role/cse/cse_attr.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FUTURE "20301231T235959"

static void z_scope(char **z)
{
    free(*z);
}

static json_t *repeated(size_t n)
{
    char *z = calloc(1, n + 1);
    assert_non_null(z);
    memset(z, 'x', n);
    json_t *v = json_stringn(z, n);
    free(z);
    return v;
}

static json_t *list_of(size_t n)
{
    json_t *v = json_array();
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(json_array_append_new(v, json_string("x")), 0);
    }
    return v;
}

static json_t *right(const struct types_attr *a)
{
    switch (a->kind) {
    case TYPES_TEXT:
        return repeated(a->min > 0 ? (size_t)a->min : 1);
    case TYPES_NAME:
    case TYPES_ANY:
        return json_string("x");
    case TYPES_UINT:
        return json_integer(a->min);
    case TYPES_BOOL:
        return json_true();
    case TYPES_TIME:
        return json_string(FUTURE);
    case TYPES_TEXTS:
        return list_of(1);
    case TYPES_OBJECT:
    case TYPES_E2E:
    case TYPES_RULES:
        return json_object();
    case TYPES_NULL:
        return json_null();
    case TYPES_REFUSED:
        return json_integer(1);
    }
    return NULL;
}

/* By kind, as JSON in a list; limits are added by `wrong`. */
static const char *const wrongs[] = {
    [TYPES_TEXT] = "[5,1.5,true,[],{},[\"x\"]]",
    [TYPES_NAME] = "[5,true,[],{},\"\",\"a/b\",\"la\",\"fopt\",\"pcu\",\"..\",\"a b\",\"a\\u0000b\",\"\\u00e4\"]",
    [TYPES_UINT] = "[\"5\",1.5,1e300,-1,-9223372036854775808,true,[],{}]",
    [TYPES_BOOL] = "[0,1,\"true\",[],{}]",
    [TYPES_TIME] = "[5,true,[],{},\"\",\"soon\",\"20010101T000000\",\"20301301T000000\",\"20301231T250000\"]",
    [TYPES_TEXTS] = "[\"x\",5,true,{},[],[5],[\"\"],[\"x\",null],[[\"x\"]],[{}]]",
    [TYPES_OBJECT] = "[\"x\",5,true,[],[{}]]",
    [TYPES_E2E] = "[\"x\",5,true,[],[{}]]",
    [TYPES_ANY] = "[]",
    [TYPES_RULES] = "[\"x\",5,true,[],[{}]]",
    [TYPES_NULL] = "[\"x\",5,false,[],{}]",
    [TYPES_REFUSED] = "[\"x\",5,true,[],{}]",
};

static json_t *wrong(const struct types_attr *a)
{
    json_t *list = json_loads(wrongs[a->kind], JSON_ALLOW_NUL, NULL);
    assert_non_null(list);
    switch (a->kind) {
    case TYPES_TEXT:
        (void)json_array_append_new(list, repeated((size_t)a->max + 1));
        (void)(a->min > 0 ? json_array_append_new(list, repeated((size_t)a->min - 1)) : 0);
        break;
    case TYPES_NAME:
        (void)json_array_append_new(list, repeated((size_t)a->max + 1));
        break;
    case TYPES_UINT:
        (void)json_array_append_new(list, json_integer(a->max + 1));
        (void)json_array_append_new(list, json_integer(a->min - 1));
        break;
    case TYPES_TEXTS:
        (void)json_array_append_new(list, list_of((size_t)a->max + 1));
        (void)json_array_append_new(list, json_pack("[o]", repeated(257)));
        break;
    case TYPES_BOOL:
    case TYPES_TIME:
    case TYPES_OBJECT:
    case TYPES_E2E:
    case TYPES_ANY:
    case TYPES_RULES:
    case TYPES_NULL:
    case TYPES_REFUSED:
        break;
    }
    return list;
}

/* What CREATE demands, with values that are allowed. */
static json_t *mandatory(const struct types_row *type, const char *but)
{
    const struct types_attr *a;
    json_t *out = json_object();
    for (size_t i = 0; (a = types_attr_at(type, i)) != NULL; i++) {
        if (types_on_create(type, a) == TYPES_M && (but == NULL || strcmp(a->name, but) != 0)) {
            assert_int_equal(json_object_set_new(out, a->name, right(a)), 0);
        }
    }
    return out;
}

static err_t checked(const struct types_row *type, bool create, const json_t *in, char *detail)
{
    SCOPED(json_scope) json_t *out = NULL;
    detail[0] = '\0';
    if (create) {
        return cse_attr_create(type, in, T0, &out, detail);
    }
    out = json_object();
    return cse_attr_update(type, in, T0, out, detail);
}

static bool names(const char *detail, const char *attr)
{
    const char *at = strstr(detail, ": ");
    return at != NULL && strcmp(at + 2, attr) == 0;
}

/* One attribute, beside what must be there. */
static void refused_as(const struct types_row *type, const char *attr, const json_t *value, bool create, err_t want)
{
    char detail[ROLE_DETAIL_MAX];
    SCOPED(json_scope) json_t *in = create ? mandatory(type, attr) : json_object();
    assert_int_equal(json_object_set(in, attr, (json_t *)value), 0);
    err_t e = checked(type, create, in, detail);
    if (e != want || (want != ERR_OK && !names(detail, attr))) {
        SCOPED(z_scope) char *z = json_dumps(value, JSON_ENCODE_ANY);
        fail_msg("%s of %s with %s = %.200s: %s (%s), expected %s", create ? "CREATE" : "UPDATE", type->name, attr, z,
                 err_code(e), detail, err_code(want));
    }
}

static void sweep(bool create)
{
    const struct types_row *type;
    for (size_t i = 0; (type = types_at(i)) != NULL; i++) {
        const struct types_attr *a;
        for (size_t k = 0; (a = types_attr_at(type, k)) != NULL; k++) {
            bool never = (create ? types_on_create(type, a) : types_on_update(type, a)) == TYPES_NP;
            SCOPED(json_scope) json_t *good = right(a);
            SCOPED(json_scope) json_t *bad = wrong(a);
            bool refused = a->kind == TYPES_REFUSED;
            refused_as(type, a->name, good, create, never ? ERR_NOT_PERMITTED : refused ? ERR_NOT_IMPLEMENTED : ERR_OK);
            for (size_t n = 0; n < json_array_size(bad); n++) {
                refused_as(type, a->name, json_array_get(bad, n), create, never ? ERR_NOT_PERMITTED : refused ? ERR_NOT_IMPLEMENTED : ERR_ATTRIBUTE_TYPE);
            }
        }
        SCOPED(json_scope) json_t *one = json_integer(1);
        refused_as(type, "evil", one, create, ERR_UNKNOWN_ATTRIBUTE);
        refused_as(type, "Lbl", one, create, ERR_UNKNOWN_ATTRIBUTE); /* names are not folded */
    }
}

static void create_refuses_each(void **state)
{
    (void)state;
    sweep(true);
}

static void update_refuses_each(void **state)
{
    (void)state;
    sweep(false);
}

/* null says nothing in CREATE, but where it stands for a question (cr); in UPDATE it deletes what CREATE does not demand. */
static void null_is_no_value(void **state)
{
    (void)state;
    const struct types_row *type;
    SCOPED(json_scope) json_t *null = json_null();
    for (size_t i = 0; (type = types_at(i)) != NULL; i++) {
        const struct types_attr *a;
        for (size_t k = 0; (a = types_attr_at(type, k)) != NULL; k++) {
            bool kept = types_on_create(type, a) == TYPES_M || a->source != TYPES_GIVEN;
            bool refused = a->kind == TYPES_REFUSED;
            refused_as(type, a->name, null, true, types_on_create(type, a) == TYPES_NP       ? ERR_NOT_PERMITTED
                                                  : refused                   ? ERR_NOT_IMPLEMENTED
                                                  : a->kind == TYPES_NULL ? ERR_OK
                                                                          : ERR_ATTRIBUTE_TYPE);
            refused_as(type, a->name, null, false, types_on_update(type, a) == TYPES_NP || kept ? ERR_NOT_PERMITTED
                                                   : refused                     ? ERR_NOT_IMPLEMENTED
                                                                                 : ERR_OK);
        }
    }
}

static void each_mandatory_one_is_missed(void **state)
{
    (void)state;
    const struct types_row *type;
    for (size_t i = 0; (type = types_at(i)) != NULL; i++) {
        const struct types_attr *a;
        for (size_t k = 0; (a = types_attr_at(type, k)) != NULL; k++) {
            char detail[ROLE_DETAIL_MAX];
            SCOPED(json_scope) json_t *in = mandatory(type, a->name);
            err_t e = checked(type, true, in, detail);
            assert_int_equal(e, types_on_create(type, a) == TYPES_M ? ERR_MISSING : ERR_OK);
            assert_true(e == ERR_OK || names(detail, a->name));
        }
    }
}

/* -- inside of esi ------------------------------------------------------------------------------------------------ */
#define RAND(more) "{\"esro\":{\"esri\":\"s-1\",\"esrv\":\"v\",\"esrx\":\"" FUTURE "\",\"esks\":[1],\"espa\":[10]" more "}}"

static void insides_of_esi_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *esi;
        err_t want;
        const char *names;
    } rows[] = {
        {"{}", ERR_OK, ""},
        {"{\"esf\":[13,33],\"escert\":[\"AAEC\"]}", ERR_OK, ""},
        {RAND(""), ERR_OK, ""},
        {"{\"esf\":13}", ERR_ATTRIBUTE_TYPE, "esi: esf"},
        {"{\"esf\":[]}", ERR_ATTRIBUTE_TYPE, "esi: esf"},
        {"{\"esf\":[\"13\"]}", ERR_ATTRIBUTE_TYPE, "esi: esf"},
        {"{\"esf\":[0]}", ERR_ATTRIBUTE_TYPE, "esi: esf"},
        {"{\"escert\":\"AAEC\"}", ERR_ATTRIBUTE_TYPE, "esi: escert"},
        {"{\"escert\":[\"A*\"]}", ERR_ATTRIBUTE_TYPE, "esi: escert"},
        {"{\"escert\":[5]}", ERR_ATTRIBUTE_TYPE, "esi: escert"},
        {"{\"esro\":[]}", ERR_ATTRIBUTE_TYPE, "esi: esro"},
        {"{\"esro\":{}}", ERR_MISSING, "esi.esro: esri"},
        {RAND(",\"x\":1"), ERR_UNKNOWN_ATTRIBUTE, "esi.esro: x"},
        {"{\"esro\":{\"esri\":5}}", ERR_ATTRIBUTE_TYPE, "esi.esro: esri"},
        {"{\"esro\":{\"esks\":[true]}}", ERR_ATTRIBUTE_TYPE, "esi.esro: esks"},
        {"{\"esro\":{\"espa\":[[10]]}}", ERR_ATTRIBUTE_TYPE, "esi.esro: espa"},
        {"{\"evil\":1}", ERR_UNKNOWN_ATTRIBUTE, "esi: evil"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char detail[ROLE_DETAIL_MAX];
        SCOPED(json_scope) json_t *in = mandatory(types_find(TYPE_AE), NULL);
        json_t *esi = json_loads(rows[i].esi, 0, NULL);
        assert_non_null(esi);
        assert_int_equal(json_object_set_new(in, "esi", esi), 0);
        err_t e = checked(types_find(TYPE_AE), true, in, detail);
        if (e != rows[i].want || (e != ERR_OK && strcmp(detail, rows[i].names) != 0)) {
            fail_msg("%s: %s (%s)", rows[i].esi, err_code(e), detail);
        }
    }
}

/* -- by request -------------------------------------------------------------------------------------------------- */
/* Each type goes through its rows, whatever hooks it has: labels that are no list. */
static void each_type_is_checked(void **state)
{
    (void)state;
    struct cse_fixture f;
    const struct types_row *type;
    cse_fixture_init(&f, CSE_CONF "admin = Sadmin\n");
    assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", "cse-in", TYPE_AE, AE_NAMED("app")), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", "cse-in", TYPE_CNT, "{\"m2m:cnt\":{\"rn\":\"box\"}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", "cse-in", TYPE_MSSP, "{\"m2m:mssp\":{\"rn\":\"sub\"}}"), ERR_OK);
    struct world_session mn;
    assert_int_equal(cse_fixture_add_key(&f, "kmn@sp.example.com", "//sp.example.com/mn", ""), ERR_OK);
    cse_fixture_connect(&f, "kmn@sp.example.com", &mn);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", TYPE_CSR, "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(&f, &mn, "/mn", "-", TYPE_CB_ANNC, "{\"m2m:cbA\":{\"lnk\":\"/mn/mn\"}}"), ERR_OK);
    for (size_t i = 0; (type = types_at(i)) != NULL; i++) {
        const char *parent = types_is_child(types_find(TYPE_CB), type->ty)    ? "cse-in"
                             : types_is_child(types_find(TYPE_CNT), type->ty)  ? "cse-in/box"
                             : types_is_child(types_find(TYPE_MSSP), type->ty) ? "cse-in/sub"
                             : types_is_child(types_find(TYPE_CB_ANNC), type->ty) ? "annc-mn"
                                                                               : "cse-in/app";
        SCOPED(json_scope) json_t *attrs = mandatory(type, NULL);
        SCOPED(json_scope) json_t *pc = json_object();
        assert_int_equal(json_object_set_new(attrs, "lbl", json_integer(5)), 0);
        assert_int_equal(json_object_set(pc, type->root, attrs), 0);
        SCOPED(z_scope) char *body = json_dumps(pc, 0);
        f.w.now += SECOND;
        assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", parent, type->ty, body),
                         type->ty == TYPE_CB ? ERR_OPERATION : ERR_ATTRIBUTE_TYPE);
    }
    cse_fixture_free(&f);
}

/* What is kept can be retrieved: a content that no answer could carry is refused, by name, however it got so large. */
static void what_no_answer_could_carry(void **state)
{
    (void)state;
    static const struct {
        const char *fill;
        size_t n;
        err_t want;
    } rows[] = {{"x", 500000, ERR_OK}, {"x", 524000, ERR_LIMIT_SIZE}, {"x", 1000000, ERR_LIMIT_SIZE}, {"\\\"", 300000, ERR_LIMIT_SIZE}};
    struct cse_fixture f;
    cse_fixture_init(&f, CSE_CONF "admin = Sadmin\n");
    assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", "cse-in", TYPE_CNT, "{\"m2m:cnt\":{\"rn\":\"box\"}}"), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static const char head[] = "{\"m2m:cin\":{\"cnf\":\"text/plain:0\",\"con\":\"";
        size_t step = strlen(rows[i].fill);
        SCOPED(z_scope) char *body = calloc(1, sizeof(head) + rows[i].n * step + 8);
        assert_non_null(body);
        strcpy(body, head);
        for (size_t k = 0; k < rows[i].n; k++) {
            memcpy(body + sizeof(head) - 1 + k * step, rows[i].fill, step);
        }
        strcpy(body + sizeof(head) - 1 + rows[i].n * step, "\"}}");
        f.w.now += SECOND;
        assert_int_equal(cse_fixture_create(&f, &f.admin, "Sadmin", "cse-in/box", TYPE_CIN, body), rows[i].want);
        assert_true(rows[i].want == ERR_OK || strstr(f.body, "m2m:cin: con") != NULL);
        assert_int_equal(cse_fixture_get(&f, &f.admin, "Sadmin", "cse-in/box/la"), ERR_OK);
        assert_in_range(strlen(f.body), 500000, 512 << 10);
    }
    cse_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(insides_of_esi_are_named),
        cmocka_unit_test(create_refuses_each),          cmocka_unit_test(update_refuses_each),
        cmocka_unit_test(null_is_no_value),             cmocka_unit_test(each_mandatory_one_is_missed),
        cmocka_unit_test(each_type_is_checked),         cmocka_unit_test(what_no_answer_could_carry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
