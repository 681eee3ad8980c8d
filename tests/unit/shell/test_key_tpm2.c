/* Names of keys in a TPM, the file format, and the table of sources; tests/e2e/test_tpm2.py has a TPM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "shell/clock.h"
#include "shell/key_source.h"
#include "shell/key_tpm2.h"
#include "shell/openssl.h"
#include "shell/tpm2.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* SEQUENCE { 2.23.133.10.1.3, [0] TRUE, 0x40000001, '0001'H, '0002'H }: the areas are opaque to the parser. */
static const uint8_t key_der[] = {0x30, 0x1B, 0x06, 0x06, 0x67, 0x81, 0x05, 0x0A, 0x01, 0x03, 0xA0, 0x03, 0x01, 0x01, 0xFF,
                                  0x02, 0x04, 0x40, 0x00, 0x00, 0x01, 0x04, 0x02, 0x00, 0x01, 0x04, 0x02, 0x00, 0x02};

static char dir[] = "/tmp/keystead-tpm2-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *content, mode_t mode)
{
    FILE *f = fopen(path_of(name), "we");
    assert_non_null(f);
    assert_int_equal(fwrite(content, 1, strlen(content), f), strlen(content));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static int setup(void **state)
{
    (void)state;
    char many[66];
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    memset(many, '7', sizeof(many));
    many[65] = '\0';
    put("long", many, 0600);
    many[64] = '\0';
    put("longest", many, 0400);
    put("empty", "", 0600);
    put("auth", "4321\n", 0600);
    put("loose", "4321", 0640);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const files[] = {"auth", "longest", "long", "loose", "empty"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        (void)unlink(path_of(files[i]));
    }
    return rmdir(dir);
}

static err_t check(const char *name)
{
    char why[KEY_PIN_WHY_MAX] = "";
    err_t e = key_source_check(text_of(name), why);
    assert_true((e == ERR_OK) == (why[0] == '\0'));
    assert_null(strstr(why, "4321"));
    return e;
}

static void names(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "tpm2:", "tpm2:0x81", "tpm2:81000001", "tpm2:0x80FFFFFF", "tpm2:0x82000000", "tpm2:0x8100000g", "tpm2:0x810000010",
        "tpm2:relative.pem", "tpm2:/nowhere.pem", "tpm2:0x81000001?", "tpm2:0x81000001?4321", "tpm2:0x81000001?auth=4321",
        "tpm2:0x81000001?auth=file:4321", "tpm2:0x81000001?auth=file:/p&auth=4321", "tpm2:0x81000001?auth=file:/nowhere",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(check(bad[i]), ERR_CONFIG);
    }
    assert_int_equal(check("tpm2:0x81000000"), ERR_OK);
    assert_int_equal(check("tpm2:0x81ffFFff"), ERR_OK);
    char name[4000] = "tpm2:/";
    memset(name + strlen(name), 'k', 2000);
    assert_int_equal(check(name), ERR_LIMIT_SIZE);
}

static void authorisation_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        err_t e;
    } rows[] = {{"auth", ERR_OK}, {"longest", ERR_OK}, {"long", ERR_CONFIG}, {"loose", ERR_FILE_MODE}, {"absent", ERR_CONFIG}, {"empty", ERR_CONFIG}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[256];
        (void)snprintf(name, sizeof(name), "tpm2:0x81000001?auth=file:%s", path_of(rows[i].name));
        assert_int_equal(check(name), rows[i].e);
    }
}

static void sources(void **state)
{
    (void)state;
    assert_true(key_source_is_file(text_of("mef.key")));
    assert_true(key_source_is_file(text_of("./tpm2:k")));
    assert_true(key_source_is_file(text_of("")));
    assert_false(key_source_is_file(text_of("tpm2:0x81000001")));
    assert_false(key_source_is_file(text_of("pkcs11:object=k")));
    assert_int_equal(check("mef.key"), ERR_OK);
    EVP_PKEY *key = NULL;
    assert_int_equal(key_source_load("/nowhere/k.pem", &key), ERR_IO);
    assert_int_equal(key_source_load("tpm2:/nowhere/k.pem", &key), ERR_CONFIG);
    assert_int_equal(key_source_load("pkcs11:object=k", &key), ERR_CONFIG);
    assert_null(key);
}

/* What stands in OpenSSL's queue and is not ours says nothing about a key. */
static void reasons(void **state)
{
    (void)state;
    ERR_clear_error();
    assert_int_equal(key_source_fault(ERR_CRYPTO), ERR_CRYPTO);
    ERR_raise(ERR_LIB_USER, ERR_TPM_GONE);
    ERR_raise(ERR_LIB_EC, ERR_R_INTERNAL_ERROR);
    assert_int_equal(key_source_fault(ERR_CRYPTO), ERR_CRYPTO);
    assert_int_equal(ERR_peek_error(), 0);
}

static void no_tpm(void **state)
{
    (void)state;
    tpm2_prepare();
    assert_int_equal(setenv("TPM2TOOLS_TCTI", "device:/nowhere", 1), 0);
    EVP_PKEY *key = NULL;
    assert_int_equal(key_source_load("tpm2:0x81000001", &key), ERR_TPM_GONE);
    assert_int_equal(setenv("TPM2TOOLS_TCTI", "nonsense:4321", 1), 0);
    assert_int_equal(key_source_load("tpm2:0x81000001", &key), ERR_TPM_GONE);
    assert_null(key);
}

/* Two ports, one after the other, as a client of swtpm expects them. What connects there is never answered. */
static int listening(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 8) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in at;
    socklen_t n = sizeof(at);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    return ntohs(at.sin_port);
}

static void mute_tpm(int fd[2])
{
    fd[1] = -1;
    for (int i = 0; i < 100 && fd[1] < 0; i++) {
        fd[0] = listening(0);
        fd[1] = port_of(fd[0]) < 65535 ? listening((uint16_t)(port_of(fd[0]) + 1)) : -1;
        if (fd[1] < 0) {
            (void)close(fd[0]);
        }
    }
    assert_true(fd[1] >= 0);
    char transport[64];
    (void)snprintf(transport, sizeof(transport), "swtpm:host=127.0.0.1,port=%u", (unsigned)port_of(fd[0]));
    assert_int_equal(setenv("TPM2TOOLS_TCTI", transport, 1), 0);
}

static void mute_tpm_close(int fd[2])
{
    for (int i = 0; i < 2; i++) {
        (void)close(fd[i]);
    }
}

static err_t load_takes(usec_t *took)
{
    EVP_PKEY *key = NULL;
    usec_t began = clock_monotonic();
    err_t e = key_source_load("tpm2:0x81000001", &key);
    *took = clock_monotonic() - began;
    assert_null(key);
    return e;
}

/* A TPM that hangs holds who asks for a time, and nobody after that; when it goes on, it is asked again. */
static void a_tpm_that_hangs(void **state)
{
    (void)state;
    int fd[2];
    usec_t took = 0;
    bool asked = false;
    tpm2_prepare();
    mute_tpm(fd);
    assert_int_equal(load_takes(&took), ERR_TPM_GONE);
    assert_true(took >= 4 * USEC_PER_SEC);
    assert_int_equal(load_takes(&took), ERR_TPM_GONE);
    assert_true(took < 2 * USEC_PER_SEC);
    mute_tpm_close(fd); /* who was left behind hears that nobody is there any more, and ends */
    mute_tpm(fd);
    for (int i = 0; i < 200 && !asked; i++) {
        struct pollfd p = {.fd = fd[0], .events = POLLIN};
        if (poll(&p, 1, 100) == 0) {
            assert_int_equal(load_takes(&took), ERR_TPM_GONE);
        } else {
            asked = true;
        }
    }
    assert_true(asked);
    mute_tpm_close(fd);
}

static void key_files(void **state)
{
    (void)state;
    struct tpm2_key k = {.handle = 0};
    assert_int_equal(tpm2_file_parse(bytes_of(key_der, sizeof(key_der)), &k), ERR_OK);
    assert_true(k.wrapped && k.handle == 0x40000001 && k.pub.n == 2 && k.priv.n == 2 && k.priv.at[1] == 2);
    for (size_t n = 0; n < sizeof(key_der); n++) { /* truncated at each octet */
        assert_int_equal(tpm2_file_parse(bytes_of(key_der, n), &k), ERR_TPM_FILE);
    }
    uint8_t longer[sizeof(key_der) + 1] = {0};
    memcpy(longer, key_der, sizeof(key_der));
    assert_int_equal(tpm2_file_parse(bytes_of(longer, sizeof(longer)), &k), ERR_TPM_FILE);
    longer[9] = 4; /* 2.23.133.10.1.4: an importable key */
    assert_int_equal(tpm2_file_parse(bytes_of(longer, sizeof(key_der)), &k), ERR_TPM_FILE);
    memcpy(longer, key_der, sizeof(key_der));
    longer[10] = 0xA1; /* a policy */
    assert_int_equal(tpm2_file_parse(bytes_of(longer, sizeof(key_der)), &k), ERR_TPM_FILE);
    memcpy(longer, key_der, sizeof(key_der));
    longer[17] = 0xC0; /* a negative parent */
    assert_int_equal(tpm2_file_parse(bytes_of(longer, sizeof(key_der)), &k), ERR_TPM_FILE);
    static const uint8_t huge[4096] = {0x30, 0x82, 0x0F, 0xFC};
    assert_int_equal(tpm2_file_parse(bytes_of(huge, sizeof(huge)), &k), ERR_TPM_FILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),   cmocka_unit_test(authorisation_files), cmocka_unit_test(sources),
        cmocka_unit_test(reasons), cmocka_unit_test(no_tpm),              cmocka_unit_test(a_tpm_that_hangs),
        cmocka_unit_test(key_files),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
