/* The connection to an HLR: greeting, questions and answers, an HLR that is slow, silent, wrong or gone. */
#include "base/hex.h"
#include "proto/gsup_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND ((usec_t)1000000)
#define NOW (1000 * SECOND)
#define ID_GET "0011fe0401080107010201030104010501010100" /* of osmo-hlr 1.5.0 */
#define ID_ACK "0001fe06"
#define ANSWER(imsi)                                                                                                   \
    "0064ee050a0108" imsi                                                                                              \
    "03562010653a4b6f3c3e3ab956430763e765f90d23105c7bed60abcf21498f375e5dc49164c12410fdd9e2d7ed17229996d365e8b08ba84f" \
    "2510c93b8fd52d0f00008fc777bffda7243b270c0c7b3e982a7b09a400000000"
#define FIRST "00010121436587f9" /* 001010123456789 */
#define OTHER "00010121436587f8" /* 001010123456788 */
#define UNKNOWN "000fee0509010800010121436587f9020102"

static struct gsup_client client;
static struct gsup_client_event ev;

static void hears(const char *hex, usec_t now)
{
    uint8_t b[IPA_FRAME_MAX];
    struct writer w = WRITER_ARRAY(b);
    assert_int_equal(hex_parse(text_of(hex), &w), ERR_OK);
    assert_int_equal(gsup_client_recv(&client, writer_view(&w), now), ERR_OK);
}

static void says(const char *hex)
{
    uint8_t b[IPA_FRAME_MAX];
    struct writer w = WRITER_ARRAY(b);
    assert_int_equal(hex_parse(text_of(hex), &w), ERR_OK);
    struct bytes out = gsup_client_unsent(&client);
    assert_int_equal(out.n, w.n);
    assert_memory_equal(out.p, b, w.n);
    gsup_client_sent(&client, out.n);
}

static err_t ask(const char *imsi, uint64_t token, usec_t now)
{
    err_t e = gsup_client_ask(&client, &(struct gsup_request){.imsi = text_of(imsi), .vectors = 1}, token, now);
    gsup_client_sent(&client, gsup_client_unsent(&client).n);
    return e;
}

static void answered(uint64_t token, err_t err, usec_t now)
{
    assert_true(gsup_client_event(&client, now, &ev));
    assert_int_equal(ev.kind, GSUP_CLIENT_ANSWER);
    assert_int_equal(ev.token, token);
    assert_int_equal(ev.err, err);
    gsup_wipe(&ev.answer);
}

static void quiet(usec_t now)
{
    assert_false(gsup_client_event(&client, now, &ev));
}

static int up(void **state)
{
    (void)state;
    assert_int_equal(gsup_client_init(&client, &gsup_client_defaults, text_of("bsf")), ERR_OK);
    gsup_client_open(&client, NOW);
    hears(ID_GET, NOW);
    quiet(NOW);
    says("0018fe05000708302f302f30000005006273660000050162736600" "0001fe06");
    assert_int_equal(ask("001010123456789", 1, NOW), ERR_PEER_UNREACHABLE); /* not let in yet */
    hears(ID_ACK, NOW);
    assert_true(gsup_client_event(&client, NOW, &ev));
    assert_int_equal(ev.kind, GSUP_CLIENT_UP);
    quiet(NOW);
    return 0;
}

static void each_question_gets_its_own_answer(void **state)
{
    (void)state;
    assert_int_equal(ask("001010123456789", 1, NOW), ERR_OK);
    assert_int_equal(ask("001010123456788", 2, NOW), ERR_OK);
    assert_int_equal(ask("001010123456789", 3, NOW), ERR_LIMIT_BUSY); /* could not be told apart */
    hears(ANSWER(OTHER), NOW);
    hears(UNKNOWN, NOW);
    assert_true(gsup_client_event(&client, NOW, &ev));
    assert_int_equal(ev.token, 2);
    assert_int_equal(ev.answer.tuples_n, 1);
    gsup_wipe(&ev.answer);
    answered(1, ERR_DENIED_SUBSCRIBER, NOW);
    quiet(NOW);
    assert_int_equal(ask("001010123456789", 3, NOW), ERR_OK);
}

static void an_answer_may_come_in_pieces(void **state)
{
    char all[512];
    (void)state;
    assert_int_equal(ask("001010123456789", 1, NOW), ERR_OK);
    snprintf(all, sizeof(all), "%s", ANSWER(FIRST));
    for (size_t i = 0; all[i] != '\0'; i += 2) {
        quiet(NOW);
        hears((char[]){all[i], all[i + 1], '\0'}, NOW);
    }
    answered(1, ERR_OK, NOW);
}

static void a_slow_hlr_costs_one_question_and_its_late_answer_is_no_news(void **state)
{
    usec_t then = NOW + gsup_client_defaults.answer;
    (void)state;
    assert_int_equal(ask("001010123456789", 1, NOW), ERR_OK);
    assert_int_equal(gsup_client_deadline(&client), then);
    quiet(then - 1);
    answered(1, ERR_PEER_TIMEOUT, then);
    assert_int_equal(ask("001010123456789", 2, then), ERR_LIMIT_BUSY); /* its answer could be the old one */
    assert_int_equal(ask("001010123456788", 3, then), ERR_OK);         /* nobody else waits */
    hears(ANSWER(FIRST), then);
    quiet(then);
    assert_int_equal(ask("001010123456789", 4, then), ERR_OK);
    hears(ANSWER(FIRST), then);
    answered(4, ERR_OK, then);
}

static void an_hlr_that_never_answers_is_asked_again_after_a_while(void **state)
{
    usec_t then = NOW + gsup_client_defaults.answer;
    (void)state;
    assert_int_equal(ask("001010123456789", 1, NOW), ERR_OK);
    answered(1, ERR_PEER_TIMEOUT, then);
    then += gsup_client_defaults.late;
    hears("0001fe01", then); /* alive, or it would be lost by now */
    quiet(then);
    assert_int_equal(ask("001010123456789", 2, then), ERR_OK);
}

static void silence_is_broken_by_a_ping_and_ends_the_connection(void **state)
{
    usec_t then = NOW + gsup_client_defaults.silence;
    (void)state;
    quiet(then - 1);
    assert_int_equal(gsup_client_unsent(&client).n, 0);
    quiet(then);
    says("0001fe00");
    hears("0001fe01", then);
    then += gsup_client_defaults.silence;
    quiet(then);
    says("0001fe00");
    assert_true(gsup_client_event(&client, then + gsup_client_defaults.answer, &ev));
    assert_int_equal(ev.kind, GSUP_CLIENT_LOST);
    assert_int_equal(ev.err, ERR_PEER_TIMEOUT);
}

static void a_ping_is_answered(void **state)
{
    (void)state;
    hears("0001fe00", NOW);
    quiet(NOW);
    says("0001fe01");
}

static void a_closed_connection_ends_each_question_at_once(void **state)
{
    (void)state;
    assert_int_equal(ask("001010123456789", 1, NOW), ERR_OK);
    assert_int_equal(ask("001010123456788", 2, NOW), ERR_OK);
    gsup_client_close(&client);
    answered(1, ERR_PEER_UNREACHABLE, NOW);
    answered(2, ERR_PEER_UNREACHABLE, NOW);
    quiet(NOW);
    assert_int_equal(gsup_client_deadline(&client), USEC_NEVER);
    assert_int_equal(ask("001010123456789", 1, NOW), ERR_PEER_UNREACHABLE);
    assert_int_equal(up(NULL), 0);
    assert_int_equal(ask("001010123456789", 1, NOW), ERR_OK);
}

static void nonsense_ends_the_connection(void **state)
{
    static const struct {
        const char *hex;
        err_t err;
    } wrong[] = {{"0001ff00", ERR_MALFORMED_GSUP}, {"0002ee0599", ERR_MALFORMED_GSUP}, {"0001fe77", ERR_MALFORMED_GSUP},
                 {"ffffee", ERR_LIMIT_SIZE}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(up(state), 0);
        assert_int_equal(ask("001010123456789", 1, NOW), ERR_OK);
        hears(wrong[i].hex, NOW);
        assert_true(gsup_client_event(&client, NOW, &ev));
        assert_int_equal(ev.kind, GSUP_CLIENT_LOST);
        assert_int_equal(ev.err, wrong[i].err);
        answered(1, ERR_PEER_UNREACHABLE, NOW);
    }
}

/* A vector that comes before the greeting is over, or that nobody asked for, reaches nobody. */
static void what_nobody_asked_for_is_not_told(void **state)
{
    (void)state;
    hears(ANSWER(FIRST), NOW);
    quiet(NOW);
    gsup_client_close(&client);
    gsup_client_open(&client, NOW);
    hears(ANSWER(FIRST), NOW);
    assert_true(gsup_client_event(&client, NOW, &ev));
    assert_int_equal(ev.kind, GSUP_CLIENT_LOST);
}

static void the_table_is_bounded(void **state)
{
    char imsi[GSUP_IMSI_MAX];
    (void)state;
    for (unsigned i = 0; i <= GSUP_CLIENT_WAITING; i++) {
        snprintf(imsi, sizeof(imsi), "00101%010u", i);
        assert_int_equal(ask(imsi, i, NOW), i < GSUP_CLIENT_WAITING ? ERR_OK : ERR_LIMIT_BUSY);
    }
    static const uint8_t flood[sizeof(client.in) + 1];
    assert_int_equal(gsup_client_recv(&client, BYTES_ARRAY(flood), NOW), ERR_LIMIT_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_question_gets_its_own_answer, up),
        cmocka_unit_test_setup(an_answer_may_come_in_pieces, up),
        cmocka_unit_test_setup(a_slow_hlr_costs_one_question_and_its_late_answer_is_no_news, up),
        cmocka_unit_test_setup(an_hlr_that_never_answers_is_asked_again_after_a_while, up),
        cmocka_unit_test_setup(silence_is_broken_by_a_ping_and_ends_the_connection, up),
        cmocka_unit_test_setup(a_ping_is_answered, up),
        cmocka_unit_test_setup(a_closed_connection_ends_each_question_at_once, up),
        cmocka_unit_test_setup(nonsense_ends_the_connection, up),
        cmocka_unit_test_setup(what_nobody_asked_for_is_not_told, up),
        cmocka_unit_test_setup(the_table_is_bounded, up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
