/* The forms of Zn: what one side writes the other reads, what a BSF may not answer, faults, and the line of a USS. */
#include "role/zn.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define B_TID "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.example.com"
#define MADE (INT64_C(1700000000) * USEC_PER_SEC)
#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NS "http://www.3gpp.org/GBAService"
#define SOAP(body) "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>" body "</s:Body></s:Envelope>"
#define ANSWER(members) "<requestBootstrappingInfoResponse xmlns='" NS "'>" members "</requestBootstrappingInfoResponse>"
#define FULL "<meKeyMaterial>" KEY "</meKeyMaterial><keyExpiryTime>2030-01-01T00:00:00Z</keyExpiryTime>"

static const struct zn_form *const forms[] = {&zn_json_form, &zn_soap_form, &zn_soap_urn};

static void questions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        char room[2048], detail[ROLE_DETAIL_MAX] = "";
        struct writer w = WRITER_ARRAY(room);
        struct zn_ask in = {.b_tid = B_TID, .gba_u_aware = true, .gsids = {7, UINT32_MAX}, .gsids_n = 2, .dialect = forms[i]->dialect};
        struct zn_ask out = {.gsids_n = 0};
        assert_int_equal(naf_id_of(text_of("in.example.com"), naf_id_ua_tls(0xC02B), &in.naf_id), ERR_OK);
        assert_int_equal(forms[i]->ask_write(&in, &w), ERR_OK);
        struct primitive p = {.media = forms[i]->media, .content = writer_view(&w)};
        assert_true(p.media != MEDIA_JSON || json_parse(p.content, &p.pc) == ERR_OK);
        assert_int_equal(forms[i]->ask_read(&p, &out, detail), ERR_OK);
        assert_string_equal(out.b_tid, B_TID);
        assert_true(bytes_eq(naf_id_view(&out.naf_id), naf_id_view(&in.naf_id)) && out.gba_u_aware);
        assert_int_equal(out.gsids_n, 2);
        assert_memory_equal(out.gsids, in.gsids, 2 * sizeof(in.gsids[0]));
        assert_int_equal(out.dialect, in.dialect);
        assert_ptr_equal(zn_of_name(text_of(forms[i]->name)), forms[i]);
        json_decref(p.pc);
    }
    assert_null(zn_of_name(text_of("xml")));
    assert_null(zn_of_path(text_of("/bsf")));
}

static void full_answer(struct zn_answer *a)
{
    *a = (struct zn_answer){.made = MADE, .not_after = MADE + 3600 * USEC_PER_SEC, .gba_u = true, .uss_n = 2};
    uint8_t octets[32];
    memset(octets, 0x42, sizeof(octets));
    assert_int_equal(secret_set(&a->me, BYTES_ARRAY(octets)), ERR_OK);
    memset(octets, 0x43, sizeof(octets));
    assert_int_equal(secret_set(&a->uicc, BYTES_ARRAY(octets)), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of("1@example.com"), a->impi.z), ERR_OK);
    assert_int_equal(TEXT_COPY(text_of("//example.com/S1"), a->enrolee_id.z), ERR_OK);
    assert_int_equal(uss_parse(text_of("7;type=2;group=a<b>&c\"d;flag=1;flag=9;uid=sip:x;uid=<&>"), &a->uss[0]), ERR_OK);
    assert_int_equal(uss_parse(text_of("8"), &a->uss[1]), ERR_OK);
}

/* R001-122, R001-134, R001-135: what goes with the key arrives with it. */
static void answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(forms); i++) {
        const struct zn_form *f = forms[i / 2];
        const struct zn_ask ask = {.gba_u_aware = i % 2 == 0, .dialect = f->dialect};
        char room[ZN_BODY_MAX], line[USS_TEXT_MAX], back[USS_TEXT_MAX];
        struct writer w = WRITER_ARRAY(room);
        struct zn_answer in, out = {.made = 0};
        full_answer(&in);
        f->answer_write(&ask, &in, &w);
        assert_int_equal(writer_finish(&w), ERR_OK);
        assert_int_equal(f->answer_read(200, writer_view(&w), &out), ERR_OK);
        assert_true(secret_eq(&in.me, &out.me));
        assert_int_equal(out.gba_u, ask.gba_u_aware); /* who does not know of it is not given the key in the card */
        assert_true(!ask.gba_u_aware || secret_eq(&in.uicc, &out.uicc));
        assert_int_equal(out.made, in.made);
        assert_int_equal(out.not_after, in.not_after);
        assert_string_equal(out.impi.z, in.impi.z);
        assert_string_equal(out.enrolee_id.z, in.enrolee_id.z);
        assert_int_equal(out.uss_n, 2);
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(uss_write(&in.uss[k], line), ERR_OK);
            assert_int_equal(uss_write(&out.uss[k], back), ERR_OK);
            assert_string_equal(line, back);
        }
        zn_answer_wipe(&in);
        zn_answer_wipe(&out);
    }
}

struct reading { /* what each of these bodies is taken for, under this status */
    const char *const *bodies;
    size_t n;
    unsigned status;
    err_t want;
};

static void read_all(const struct zn_form *f, const struct reading *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < rows[i].n; k++) {
            struct zn_answer a = {.made = 0};
            err_t e = f->answer_read(rows[i].status, text_bytes(text_of(rows[i].bodies[k])), &a);
            if (e != rows[i].want) {
                fail_msg("%s %u: %s: %s", f->name, rows[i].status, err_code(e), rows[i].bodies[k]);
            }
        }
    }
}

static void answers_in_soap(void **state)
{
    (void)state;
    static const char *const good[] = {
        SOAP(ANSWER(FULL)), ANSWER(FULL), ANSWER(FULL "<other/><ussList><x/></ussList>"),
        SOAP(ANSWER(FULL "<ussList><g:uss xmlns:g='urn:3gpp:gba:GBAGUSSSchema-R9:2010-02' id='7'/></ussList>"))};
    static const char *const nonsense[] = {
        "", "<x/>", SOAP(""), SOAP(ANSWER(FULL) ANSWER(FULL)), SOAP(ANSWER("")), SOAP("<requestBootstrappingInfoResponse>" FULL
        "</requestBootstrappingInfoResponse>"), SOAP(ANSWER("<meKeyMaterial>" KEY "</meKeyMaterial>")),
        SOAP(ANSWER("<keyExpiryTime>2030-01-01T00:00:00Z</keyExpiryTime>")), SOAP(ANSWER(FULL FULL)),
        SOAP(ANSWER("<meKeyMaterial>AAECAw==</meKeyMaterial><keyExpiryTime>2030-01-01T00:00:00Z</keyExpiryTime>")),
        SOAP(ANSWER(FULL "<enroleeID>nobody</enroleeID>")), SOAP(ANSWER(FULL "<ussList><uss/></ussList>")),
        SOAP(ANSWER(FULL "<ussList><uss id='x'/></ussList>")),
        SOAP(ANSWER(FULL "<ussList><uss id='1'/><uss id='2'/><uss id='3'/><uss id='4'/><uss id='5'/></ussList>")),
        "<!DOCTYPE x>" SOAP(ANSWER(FULL)), "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body/></e:Envelope>"};
    static const char *const over[] = {
        SOAP("<s:Fault><faultcode>s:Client</faultcode><faultstring>x</faultstring><detail><e xmlns='" NS "'>TRANSACTION_IDENTIFIER_INVALID"
             "</e></detail></s:Fault>")};
    static const char *const refused[] = {
        SOAP("<s:Fault><faultcode>s:Client</faultcode></s:Fault>"), SOAP("<s:Fault/>"),
        SOAP("<s:Fault><faultcode>s:Server</faultcode><detail><e>NOT_AUTHORIZED</e></detail></s:Fault>")};
    static const char *const broken[] = {SOAP("<s:Fault><faultcode>s:Server</faultcode><detail><a><b/></a></detail></s:Fault>")};
    const struct reading rows[] = {
        {good, ARRAY_LEN(good), 200, ERR_OK},
        {nonsense, ARRAY_LEN(nonsense), 200, ERR_PEER_NONSENSE},
        {nonsense, ARRAY_LEN(nonsense), 500, ERR_PEER_NONSENSE},
        {good, ARRAY_LEN(good), 500, ERR_PEER_NONSENSE},
        {nonsense, ARRAY_LEN(nonsense), 403, ERR_DENIED_FETCH},
        {over, ARRAY_LEN(over), 500, ERR_DENIED_B_TID},
        {refused, ARRAY_LEN(refused), 500, ERR_DENIED_FETCH},
        {broken, ARRAY_LEN(broken), 500, ERR_PEER_NONSENSE},
    };
    read_all(&zn_soap_form, rows, ARRAY_LEN(rows));
}

static void answers_in_json(void **state)
{
    (void)state;
#define JSON(more) "{\"meKeyMaterial\":\"" KEY "\",\"keyExpiryTime\":\"2030-01-01T00:00:00Z\"" more "}"
    static const char *const good[] = {JSON(""), JSON(",\"ussList\":[]"), JSON(",\"ussList\":[{\"uss\":{\"gsId\":7}}]")};
    static const char *const nonsense[] = {"", "{}", "[]", JSON(",\"ussList\":[{}]"), JSON(",\"ussList\":[{\"uss\":{\"gsId\":-1}}]"),
        JSON(",\"ussList\":[{\"uss\":{\"gsId\":1,\"gsType\":\"x\"}}]"), JSON(",\"ussList\":[{\"uss\":{\"gsId\":1,\"flags\":[{\"flag\":-1}]}}]"),
        JSON(",\"ussList\":[{\"uss\":{\"gsId\":1,\"ueIds\":[{\"ueId\":\"a,b\"}]}}]"), JSON(",\"enroleeID\":\"x\""),
        JSON(",\"uiccKeyMaterial\":\"AA==\"")};
    static const char *const over[] = {"{\"m2m:dbg\":\"b-tid-unknown: x\"}"};
    static const char *const ended[] = {"{\"m2m:dbg\":\"credential-expired: x\"}"};
    static const char *const refused[] = {"{\"m2m:dbg\":\"guss-no-key: x\"}", "{\"m2m:dbg\":7}", "", "{}"};
    const struct reading rows[] = {
        {good, ARRAY_LEN(good), 200, ERR_OK},
        {nonsense, ARRAY_LEN(nonsense), 200, ERR_PEER_NONSENSE},
        {good, ARRAY_LEN(good), 500, ERR_PEER_NONSENSE},
        {over, ARRAY_LEN(over), 403, ERR_DENIED_B_TID},
        {ended, ARRAY_LEN(ended), 403, ERR_DENIED_EXPIRED},
        {refused, ARRAY_LEN(refused), 403, ERR_DENIED_FETCH},
        {refused, ARRAY_LEN(refused), 404, ERR_DENIED_B_TID},
    };
    read_all(&zn_json_form, rows, ARRAY_LEN(rows));
}

static void lines(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "4294967295;type=4294967295;group=m2m;flag=0;flag=1;uid=//sp/S1;uid=sip:a=b"};
    static const struct {
        const char *line;
        err_t e;
    } wrong[] = {{"", ERR_MALFORMED_USS}, {"x", ERR_MALFORMED_USS}, {"4294967296", ERR_MALFORMED_USS}, {"1;", ERR_MALFORMED_USS},
                 {"1;uid", ERR_MALFORMED_USS}, {"1;uid=", ERR_MALFORMED_USS}, {"1;uid=a b", ERR_MALFORMED_USS}, {"1;x=1", ERR_MALFORMED_USS},
                 {"1;group=a;group=b", ERR_MALFORMED_USS}, {"1;uid=a;uid=b;uid=c", ERR_LIMIT_CAPACITY},
                 {"1;flag=1;flag=1;flag=1;flag=1;flag=1;flag=1;flag=1;flag=1;flag=1", ERR_LIMIT_CAPACITY}};
    struct uss u;
    char back[USS_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(uss_parse(text_of(good[i]), &u), ERR_OK);
        assert_int_equal(uss_write(&u, back), ERR_OK);
        assert_string_equal(back, good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        if (uss_parse(text_of(wrong[i].line), &u) != wrong[i].e) {
            fail_msg("%s", wrong[i].line);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions), cmocka_unit_test(answers), cmocka_unit_test(answers_in_soap),
        cmocka_unit_test(answers_in_json), cmocka_unit_test(lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
