/* GUSS of an HSS [TS 29.109 annex A]: what is taken of it, and what is not read. */
#include "wire/guss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static err_t parse(const char *z, struct guss *g)
{
    return guss_parse(text_bytes(text_of(z)), g);
}

static void test_what_is_taken(void **state)
{
    struct guss g;
    (void)state;
    assert_int_equal(parse("<guss id='u'><bsfInfo><uiccType>GBA_U</uiccType><lifeTime> 86400 </lifeTime><x/></bsfInfo><ussList>"
                           "<uss id='1' type='0' nafGroup='MAF.example.com'><uids><uid>tel:1</uid><uid>//example.com/Sdev</uid></uids>"
                           "<flags><flag>1</flag></flags></uss>"
                           "<uss id='2' type='0' nafGroup='in.example.com'/>"
                           "<uss id='3' type='0' nafGroup='none.example.com'><flags><flag>9</flag></flags></uss>"
                           "<uss id='4' type='0'/></ussList></guss>",
                           &g),
                     ERR_OK);
    assert_true(g.gba_u && g.lifetime == 86400 * USEC_PER_SEC);
    assert_string_equal(g.uid.z, "//example.com/Sdev");
    assert_int_equal(g.nafs_n, 3);
    assert_string_equal(g.nafs[0].fqdn, "maf.example.com");
    assert_int_equal(g.nafs[0].may, GUSS_ESTABLISH);
    assert_int_equal(g.nafs[1].may, GUSS_BOTH);
    assert_int_equal(g.nafs[2].may, 0);
    char line[USS_TEXT_MAX];
    assert_int_equal(g.uss_n, 4); /* R001-135 */
    assert_int_equal(uss_write(&g.uss[0], line), ERR_OK);
    assert_string_equal(line, "1;group=MAF.example.com;flag=1;uid=tel:1;uid=//example.com/Sdev");
    assert_int_equal(parse("<guss xmlns='urn:3gpp:gba:GBAGUSSSchema-R9:2010-02'/>", &g), ERR_OK);
    assert_true(!g.gba_u && g.lifetime == 0 && g.uid.z[0] == '\0' && g.nafs_n == 0);
}

/* When they were made stands in bsfInfo, or beside it; what is no UTC time is no fault, for then they come whole each time. */
static void test_when_they_were_made(void **state)
{
    struct guss g;
    static const struct {
        const char *xml;
        usec_t made;
    } rows[] = {
        {"<guss><bsfInfo><timestamp>2023-11-14T22:13:20Z</timestamp></bsfInfo></guss>", INT64_C(1700000000) * USEC_PER_SEC},
        {"<guss><timestamp>2023-11-14T22:13:20Z</timestamp><ussList/></guss>", INT64_C(1700000000) * USEC_PER_SEC},
        {"<guss><timestamp>2023-11-14T22:13:20+01:00</timestamp></guss>", 0},
        {"<guss><timestamp>yesterday</timestamp></guss>", 0},
        {"<guss><timestamp/></guss>", 0},
        {"<guss/>", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(parse(rows[i].xml, &g), ERR_OK);
        assert_int_equal(g.made, rows[i].made);
    }
}

/* The settings of a target whose name is long are no less its own. */
static void test_a_long_name(void **state)
{
    static const char name[] = "maf.a-service-provider-with-a-name.of-more-than-thirty-two-octets.example.com";
    struct guss g;
    char xml[512], line[USS_TEXT_MAX];
    (void)state;
    snprintf(xml, sizeof(xml), "<guss><ussList><uss id='7' nafGroup='%s'><uids><uid>//example.com/Sdev</uid></uids></uss></ussList></guss>", name);
    assert_int_equal(parse(xml, &g), ERR_OK);
    assert_int_equal(g.nafs_n, 1);
    assert_int_equal(g.uss_n, 1); /* R001-135 */
    assert_int_equal(uss_write(&g.uss[0], line), ERR_OK);
    assert_non_null(strstr(line, name));
}

static void test_what_is_not_read(void **state)
{
    static const char *const bad[] = {
        "", "guss", "<other/>", "<guss>", "<!DOCTYPE guss><guss/>", "<guss><bsfInfo><lifeTime>0</lifeTime></bsfInfo></guss>",
        "<guss><bsfInfo><lifeTime>soon</lifeTime></bsfInfo></guss>", "<guss><ussList><uss nafGroup='not a host'/></ussList></guss>",
        "<guss><ussList><uss nafGroup='a.example'><flags><flag>one</flag></flags></uss></ussList></guss>",
    };
    struct guss g;
    char long_one[GUSS_MAX + 64];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_not_equal(parse(bad[i], &g), ERR_OK);
    }
    memset(long_one, ' ', sizeof(long_one));
    memcpy(long_one, "<guss/>", 7);
    assert_int_equal(guss_parse(bytes_of((uint8_t *)long_one, sizeof(long_one)), &g), ERR_LIMIT_SIZE);
    char many[1024] = "<guss><ussList>"; /* a target that is left out would be one without a limit */
    for (int i = 0; i <= GUSS_NAFS_MAX; i++) {
        strcat(many, "<uss nafGroup='a.example'/>");
    }
    strcat(many, "</ussList></guss>");
    assert_int_equal(parse(many, &g), ERR_LIMIT_CAPACITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_taken),
        cmocka_unit_test(test_a_long_name), cmocka_unit_test(test_when_they_were_made),
        cmocka_unit_test(test_what_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
