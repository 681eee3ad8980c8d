/* Secret files: mode, hex, length, and that nothing is overwritten. */
#include "shell/secret_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char file[] = "/tmp/keystead-secret-XXXXXX";

static void put(const char *content, mode_t mode)
{
    (void)unlink(file);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_true(fputs(content, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(file, mode), 0);
}

static void only_hex_of_the_right_length_in_a_closed_file(void **state)
{
    (void)state;
    SCOPED(secret_wipe) struct secret s = {.n = 0};
    put("000102030405060708090a0b0c0d0e0f\n", 0600);
    assert_int_equal(secret_file_read(file, 0, &s), ERR_OK);
    assert_int_equal(s.n, 16);
    assert_int_equal(secret_file_read(file, 16, &s), ERR_OK);
    assert_int_equal(secret_file_read(file, 32, &s), ERR_MALFORMED_KEY);
    put("000102030405060708090A0B0C0D0E0F\r\n", 0400);
    assert_int_equal(secret_file_read(file, 16, &s), ERR_OK);
    const mode_t open_modes[] = {0640, 0604, 0660, 0601, 0777};
    for (size_t i = 0; i < ARRAY_LEN(open_modes); i++) {
        put("000102030405060708090a0b0c0d0e0f\n", open_modes[i]);
        assert_int_equal(secret_file_read(file, 0, &s), ERR_FILE_MODE);
    }
    put("0g", 0600);
    assert_int_equal(secret_file_read(file, 0, &s), ERR_MALFORMED_HEX);
    put("000", 0600);
    assert_int_equal(secret_file_read(file, 0, &s), ERR_MALFORMED_HEX);
    put("\n", 0600);
    assert_int_equal(secret_file_read(file, 0, &s), ERR_MALFORMED_KEY);
    put("00 01", 0600);
    assert_int_equal(secret_file_read(file, 0, &s), ERR_MALFORMED_HEX);
    char longer[200];
    memset(longer, '0', sizeof(longer));
    longer[199] = '\0';
    put(longer, 0600);
    assert_int_equal(secret_file_read(file, 0, &s), ERR_MALFORMED_KEY);
    assert_int_equal(secret_file_read("/nonexistent", 0, &s), ERR_IO);
    assert_int_equal(secret_file_read("/tmp", 0, &s), ERR_IO);
}

static void written_once_and_closed_to_others(void **state)
{
    (void)state;
    (void)unlink(file);
    SCOPED(secret_wipe) struct secret s = {.n = 0};
    SCOPED(secret_wipe) struct secret back = {.n = 0};
    uint8_t octets[32];
    memset(octets, 0x5a, sizeof(octets));
    assert_int_equal(secret_set(&s, BYTES_ARRAY(octets)), ERR_OK);
    assert_int_equal(secret_file_write(file, &s), ERR_OK);
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0400);
    assert_int_equal(secret_file_read(file, 32, &back), ERR_OK);
    assert_true(secret_eq(&s, &back));
    assert_int_equal(secret_file_write(file, &s), ERR_EXISTS);
    assert_int_equal(secret_file_write("/nonexistent/x", &s), ERR_IO);
    (void)unlink(file);
}

int main(void)
{
    int fd = mkstemp(file);
    if (fd < 0) {
        return 1;
    }
    (void)close(fd);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_hex_of_the_right_length_in_a_closed_file),
        cmocka_unit_test(written_once_and_closed_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
