/* The form of a pkcs11 URI and its PIN file, alone and as a value of the configuration; tests/e2e/test_pkcs11.py has tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "shell/conf_value.h"
#include "shell/key_pkcs11.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECT "pkcs11:token=made-up;object=k"

static char dir[] = "/tmp/keystead-pkcs11-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *content, size_t n, mode_t mode)
{
    FILE *f = fopen(path_of(name), "we");
    assert_non_null(f);
    assert_int_equal(fwrite(content, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static int setup(void **state)
{
    (void)state;
    char many[200];
    memset(many, '7', sizeof(many));
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    put("pin", "4321\n", 5, 0600);
    put("longest", many, 128, 0400);
    put("long", many, 129, 0600);
    put("longer", many, 200, 0600);
    put("empty", "\r\n", 2, 0600);
    put("nul", "43\0" "21", 5, 0600);
    put("loose", "4321", 4, 0604);
    return mkdir(path_of("folder"), 0700);
}

static int teardown(void **state)
{
    (void)state;
    static const char *const files[] = {"pin", "longest", "long", "longer", "empty", "nul", "loose"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        (void)unlink(path_of(files[i]));
    }
    (void)rmdir(path_of("folder"));
    return rmdir(dir);
}

static err_t check(const char *uri)
{
    char why[KEY_PIN_WHY_MAX] = "";
    err_t e = key_pkcs11_check(text_of(uri), why);
    assert_true((e == ERR_OK) == (why[0] == '\0'));
    assert_null(strstr(why, "4321"));
    return e;
}

static void pin_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        err_t e;
    } rows[] = {
        {"pin", ERR_OK},          {"longest", ERR_OK},    {"long", ERR_CONFIG}, {"longer", ERR_CONFIG},
        {"empty", ERR_CONFIG},    {"nul", ERR_CONFIG},    {"loose", ERR_FILE_MODE}, {"folder", ERR_CONFIG},
        {"absent", ERR_CONFIG},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char uri[256];
        (void)snprintf(uri, sizeof(uri), OBJECT "?pin-source=file:%s", path_of(rows[i].name));
        assert_int_equal(check(uri), rows[i].e);
    }
}

static void forms(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "pkcs11", "pkcs11:", "pkcs11:?pin-source=file:/p", OBJECT, OBJECT "?", OBJECT "?pin-value=4321",
        OBJECT "?pin-source=/p", OBJECT "?pin-source=file:p", OBJECT "?pin-source=|/bin/p", OBJECT "?pin-source=file:",
        OBJECT "?pin-source=file:/p&pin-value=4321", OBJECT "?pin-value=4321&pin-source=file:/p",
        OBJECT ";pin-value=4321?pin-source=file:/p", OBJECT ";pinfile=4321?pin-source=file:/p",
        OBJECT "?pin-source=file:/%70", "/etc/k.pem",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(check(bad[i]), ERR_CONFIG);
    }
    char uri[4000] = OBJECT;
    memset(uri + strlen(uri), 'k', 2000);
    memcpy(uri + strlen(uri), "?pin-source=file:/p", 20);
    assert_int_equal(check(uri), ERR_LIMIT_SIZE);
    assert_true(key_pkcs11_is(text_of(OBJECT)));
    assert_false(key_pkcs11_is(text_of("./pkcs11:k")));
}

static bool value(const char *raw, char shown[static CONF_VALUE_WHY_MAX])
{
    static const struct conf_row row = {"toy", "key", CONF_KEY, 0, NULL, 0, 0, NULL, "A key."};
    char buf[CONF_VALUE_MAX];
    struct writer w = WRITER_ARRAY(buf);
    int64_t number = 0;
    bool ok = conf_value_parse(&row, text_of(raw), dir, &w, &number, shown);
    if (ok) {
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        assert_true(key_pkcs11_is(text_of(raw)) ? strcmp(buf, raw) == 0 : strcmp(buf, path_of(raw)) == 0);
    }
    return ok;
}

static void values_of_the_configuration(void **state)
{
    (void)state;
    char why[CONF_VALUE_WHY_MAX];
    char uri[256];
    (void)snprintf(uri, sizeof(uri), OBJECT "?pin-source=file:%s", path_of("pin"));
    assert_true(value(uri, why));
    assert_true(value("pin", why)); /* a secret file, as before */
    assert_false(value("loose", why));
    assert_non_null(strstr(why, "chmod 600"));
    (void)snprintf(uri, sizeof(uri), OBJECT "?pin-source=file:%s", path_of("loose"));
    assert_false(value(uri, why));
    assert_non_null(strstr(why, "chmod 600"));
    assert_false(value(OBJECT "?pin-value=4321", why));
    assert_null(strstr(why, "4321"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pin_files),
        cmocka_unit_test(forms),
        cmocka_unit_test(values_of_the_configuration),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
