/* ctl resource and ctl acp: what is listed, shown and removed, in pages, and what is refused. */
#include "cse_fixture.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RULE "{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63}]}"
#define MANY 300

static err_t ctl(struct cse_fixture *f, const char *noun, const char *verb, const char *args)
{
    return world_ctl(&f->w, f->cse, noun, verb, args, &f->r);
}

static int setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CSE_CONF "admin = Sadmin\n");
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_NAMED("app")), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 1,
                                        "{\"m2m:acp\":{\"rn\":\"mine\",\"pv\":" RULE ",\"pvs\":" RULE "}}"), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 3,
                                        "{\"m2m:cnt\":{\"rn\":\"box\",\"lbl\":[\"blue\"],\"acpi\":[\"cse-in/app/mine\"]}}"), ERR_OK);
    f->w.now += SECOND;
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in/app/box", 4,
                                        "{\"m2m:cin\":{\"rn\":\"one\",\"con\":\"for nobody else\"}}"), ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

static void shown(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(ctl(f, "resource", "show", "{\"ADDRESS\":\"cse-in/app/box\"}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"type\":\"container\""));
    assert_non_null(strstr(f->r.body, "\"creator\":\"//sp.example.com/Sa\""));
    assert_non_null(strstr(f->r.body, "\"lbl\":[\"blue\"]"));
    assert_int_equal(ctl(f, "resource", "show", "{\"ADDRESS\":\"Sa\"}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"credential-id\":\"12-ka@sp.example.com\""));
    assert_int_equal(ctl(f, "resource", "show", "{\"ADDRESS\":\"cse-in/app/box/one\"}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "contentInstance"));
    assert_null(strstr(f->r.body, "for nobody else"));
    assert_int_equal(ctl(f, "acp", "show", "{\"ADDRESS\":\"cse-in/app/mine\"}"), ERR_OK);
    assert_non_null(strstr(f->r.body, "\"acop\":63"));
    assert_int_equal(ctl(f, "acp", "show", "{\"ADDRESS\":\"cse-in/app/box\"}"), ERR_NOT_FOUND);
    assert_int_equal(ctl(f, "resource", "show", "{\"ADDRESS\":\"cse-in/app/none\"}"), ERR_NOT_FOUND);
    assert_int_not_equal(ctl(f, "resource", "show", "{\"ADDRESS\":\"cse-in//x\"}"), ERR_OK);
    assert_int_not_equal(ctl(f, "resource", "show", "{\"ADDRESS\":\"//other.example.com/in/x\"}"), ERR_OK);
}

static void removed(void **state)
{
    struct cse_fixture *f = *state;
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app/box"), ERR_OK);
    assert_int_equal(ctl(f, "acp", "remove", "{\"ADDRESS\":\"cse-in/app/box\"}"), ERR_NOT_FOUND);
    assert_int_equal(ctl(f, "acp", "remove", "{\"ADDRESS\":\"cse-in/app/mine\"}"), ERR_OK);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "cse-in/app/box"), ERR_DENIED_PRIVILEGE); /* it grants nothing now */
    assert_int_equal(ctl(f, "acp", "list", "{}"), ERR_OK);
    assert_string_equal(f->r.body, "{\"policies\":[]}");
    assert_int_equal(ctl(f, "resource", "remove", "{\"ADDRESS\":\"cse-in/app/box\"}"), ERR_OK); /* whatever its policies say */
    assert_int_equal(ctl(f, "resource", "remove", "{\"ADDRESS\":\"cse-in/app/box\"}"), ERR_NOT_FOUND);
    assert_int_equal(ctl(f, "resource", "show", "{\"ADDRESS\":\"cse-in/app/box/one\"}"), ERR_NOT_FOUND);
    assert_int_equal(ctl(f, "resource", "remove", "{\"ADDRESS\":\"cse-in\"}"), ERR_OPERATION);
    assert_int_equal(cse_fixture_get(f, &f->a, "Sa", "Sa"), ERR_OK);
}

/* Each once, in any number of pages; each page is bounded. */
static size_t pages(struct cse_fixture *f, const char *noun, const char *address, const char *name, size_t *count)
{
    char args[768];
    char after[600] = "";
    size_t n = 0;
    *count = 0;
    do {
        json_t *v = NULL;
        (void)snprintf(args, sizeof(args), "{%s%s%s\"after\":\"%s\"}", *address != '\0' ? "\"ADDRESS\":\"" : "", address,
                       *address != '\0' ? "\"," : "", after);
        assert_int_equal(ctl(f, noun, "list", args), ERR_OK);
        assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &v), ERR_OK);
        *count += json_array_size(json_object_get(v, name));
        assert_int_equal(TEXT_COPY(json_get_text(v, "next"), after), ERR_OK);
        json_decref(v);
        n++;
        assert_true(n < 100);
    } while (after[0] != '\0');
    return n;
}

static void lists_have_pages(void **state)
{
    struct cse_fixture *f = *state;
    size_t count = 0;
    for (int i = 0; i < MANY; i++) {
        char body[256];
        f->w.now += SECOND;
        (void)snprintf(body, sizeof(body), "{\"m2m:acp\":{\"rn\":\"p%d\",\"pv\":" RULE ",\"pvs\":" RULE "}}", i);
        assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "Sa", 1, body), ERR_OK);
    }
    assert_true(pages(f, "acp", "", "policies", &count) > MANY / 64);
    assert_int_equal(count, MANY + 1);
    (void)pages(f, "resource", "cse-in/app", "resources", &count);
    assert_int_equal(count, MANY + 2);
    (void)pages(f, "resource", "cse-in", "resources", &count);
    assert_int_equal(count, 1);
    assert_int_equal(ctl(f, "registration", "remove", "{\"RI\":\"Sa\"}"), ERR_OK);
    (void)pages(f, "acp", "", "policies", &count); /* what hangs on nothing is not in force */
    assert_int_equal(count, 0);
    assert_int_equal(ctl(f, "resource", "list", "{\"ADDRESS\":\"cse-in/app\"}"), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shown, setup, teardown),
        cmocka_unit_test_setup_teardown(removed, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_have_pages, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
