/* Digest headers, the AKA nonce, BootstrappingInfo: what is taken, what is refused, and every cut. */
#include "wire/aka_nonce.h"
#include "wire/bsf_info.h"
#include "wire/digest.h"
#include "wire/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define IMPI "001010123456789@ims.mnc001.mcc001.3gppnetwork.org"
#define BSF "bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define NONCE "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M="

/* The messages of one Ub run [TS 24.109 A.3 to A.5], written and read. */
static const struct {
    enum digest_header header;
    const char *text;
} ub[] = {
    {DIGEST_AUTHORIZATION, "Digest username=\"" IMPI "\", realm=\"" BSF "\", nonce=\"\", uri=\"/\", response=\"\""},
    {DIGEST_CHALLENGE, "Digest realm=\"" BSF "\", nonce=\"" NONCE "\", algorithm=AKAv1-MD5, opaque=\"5ccc069c\", qop=\"auth-int\""},
    {DIGEST_AUTHORIZATION,
     "Digest username=\"" IMPI "\", realm=\"" BSF "\", nonce=\"" NONCE "\", uri=\"/\", "
     "response=\"26d91881d4f34c67c3c171426686ad62\", algorithm=AKAv1-MD5, cnonce=\"0a4f113b\", opaque=\"5ccc069c\", "
     "qop=auth-int, nc=00000001"},
    {DIGEST_AUTHORIZATION,
     "Digest username=\"" IMPI "\", realm=\"" BSF "\", nonce=\"" NONCE "\", uri=\"/\", "
     "response=\"9a8bad61a1e6d2b158374c79d9e198ed\", algorithm=AKAv1-MD5, cnonce=\"0a4f113b\", "
     "qop=auth-int, nc=00000001, auts=\"uoU/PBM7gejUAluObEo=\""},
    {DIGEST_INFO, "cnonce=\"0a4f113b\", qop=auth-int, nc=00000001, rspauth=\"a490f667d97f42f1e7d7a825ca7d5980\""},
};

static err_t parse(enum digest_header h, struct text t, struct digest *out)
{
    static char room[DIGEST_TEXT_MAX];
    struct writer scratch = WRITER_ARRAY(room);
    return digest_parse(h, t, &scratch, out);
}

static void the_messages_of_ub_come_apart_and_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ub); i++) {
        struct digest d;
        char out[1024];
        struct writer w = WRITER_ARRAY(out);
        assert_int_equal(parse(ub[i].header, text_of(ub[i].text), &d), ERR_OK);
        assert_int_equal(digest_write(ub[i].header, &d, &w), ERR_OK);
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        assert_string_equal(out, ub[i].text);
        const size_t n = w.n;
        for (size_t cap = 0; cap < n; cap++) {
            w = writer_of(out, cap);
            assert_int_equal(digest_write(ub[i].header, &d, &w), ERR_LIMIT_SIZE);
        }
    }
}

static void values_are_what_was_written(void **state)
{
    (void)state;
    struct digest d;
    enum digest_algorithm a;
    assert_int_equal(parse(DIGEST_CHALLENGE, text_of("dIgEsT  realm = \"a\\\"b\\\\c\" ,\tNONCE=\"n\",x-new=\"1\",qop=\"auth,auth-int\",stale=TRUE"), &d), ERR_OK);
    assert_true(text_eq_z(d.v[DIGEST_REALM], "a\"b\\c"));
    assert_true(text_eq_z(d.v[DIGEST_NONCE], "n"));
    assert_true(digest_offers(&d, "auth-int") && digest_offers(&d, "AUTH"));
    assert_false(digest_offers(&d, "auth-conf"));
    assert_false(digest_offers(&d, "aut"));
    assert_int_equal(digest_algorithm(&d, &a), ERR_OK);
    assert_int_equal(a, DIGEST_MD5);
    for (unsigned i = 0; i < DIGEST_ALGORITHMS; i++) {
        digest_set(&d, DIGEST_ALGORITHM, text_of(digest_algorithm_name((enum digest_algorithm)i)));
        assert_int_equal(digest_algorithm(&d, &a), ERR_OK);
        assert_int_equal(a, i);
    }
    digest_set(&d, DIGEST_ALGORITHM, text_of("MD5-sess"));
    assert_int_equal(digest_algorithm(&d, &a), ERR_NOT_IMPLEMENTED);
    /* A response in a challenge is a parameter that nobody knows there. */
    assert_int_equal(parse(DIGEST_CHALLENGE, text_of("Digest realm=\"r\", nonce=\"n\", response=\"x\""), &d), ERR_OK);
    assert_false(d.given[DIGEST_RESPONSE]);
    for (size_t i = 0; i < DIGEST_PARAMS; i++) {
        assert_non_null(d.v[i].p); /* also of what is not given */
    }
}

/* Cut anywhere, a header is refused, or it is the shorter header that stands there and nothing else. */
static void every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ub); i++) {
        const size_t n = strlen(ub[i].text);
        for (size_t cut = 0; cut < n; cut++) {
            struct digest d;
            char out[1024];
            struct writer w = WRITER_ARRAY(out);
            const err_t e = parse(ub[i].header, text_span(ub[i].text, cut), &d);
            if (e == ERR_OK) {
                assert_int_equal(digest_write(ub[i].header, &d, &w), ERR_OK);
                assert_true(text_eq(writer_view_text(&w), text_span(ub[i].text, cut)));
            } else {
                assert_int_equal(e, ERR_MALFORMED_DIGEST);
            }
            assert_true(i != 0 || e != ERR_OK); /* nothing of the first message may be missing */
        }
    }
}

#define RN "realm=\"r\", nonce=\"n\""
#define UR "Digest username=\"u\", " RN ", uri=\"/\", response=\"\""

static void headers_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum digest_header header;
        const char *text;
    } wrong[] = {
        {DIGEST_CHALLENGE, ""},
        {DIGEST_CHALLENGE, "Digest"},
        {DIGEST_CHALLENGE, "Digest "},
        {DIGEST_CHALLENGE, "Basic " RN},
        {DIGEST_CHALLENGE, "Digest" RN},
        {DIGEST_CHALLENGE, "Digest realm=\"r\""},
        {DIGEST_CHALLENGE, "Digest " RN ","},
        {DIGEST_CHALLENGE, "Digest ," RN},
        {DIGEST_CHALLENGE, "Digest " RN " algorithm=MD5"},
        {DIGEST_CHALLENGE, "Digest " RN ", nonce=\"n\""},
        {DIGEST_CHALLENGE, "Digest " RN ", NONCE=\"m\""},
        {DIGEST_CHALLENGE, "Digest " RN ", Basic realm=\"r\""},
        {DIGEST_CHALLENGE, "Digest " RN ", Digest " RN},
        {DIGEST_CHALLENGE, "Digest " RN ", opaque=\"o"},
        {DIGEST_CHALLENGE, "Digest " RN ", opaque=\"o\\"},
        {DIGEST_CHALLENGE, "Digest " RN ", opaque=\"o\\\""},
        {DIGEST_CHALLENGE, "Digest " RN ", opaque=\"o\r\nX: y\""},
        {DIGEST_CHALLENGE, "Digest " RN ", opaque=\"o\\\n\""},
        {DIGEST_CHALLENGE, "Digest " RN ", algorithm="},
        {DIGEST_CHALLENGE, "Digest " RN ", algorithm=(MD5)"},
        {DIGEST_CHALLENGE, "Digest " RN ", =MD5"},
        {DIGEST_AUTHORIZATION, "Digest " RN ", uri=\"/\", response=\"\""},
        {DIGEST_AUTHORIZATION, "Digest username=\"u\", " RN ", uri=\"/\""},
        {DIGEST_AUTHORIZATION, UR ", qop=auth"},
        {DIGEST_AUTHORIZATION, UR ", qop=auth, nc=00000001"},
        {DIGEST_AUTHORIZATION, UR ", qop=auth, nc=1, cnonce=\"c\""},
        {DIGEST_AUTHORIZATION, UR ", qop=auth, nc=0000000g, cnonce=\"c\""},
        {DIGEST_AUTHORIZATION, UR ", nc=000000001"},
        {DIGEST_AUTHORIZATION, UR ", auts=\"a\", auts=\"a\""},
        {DIGEST_AUTHORIZATION, "Digest username=\"u\", " RN ", uri=\"/\", response=\"26d9\""},
        {DIGEST_AUTHORIZATION, "Digest username=\"u\", " RN ", uri=\"/\", response=\"26d91881d4f34c67c3c171426686ad6x\""},
        {DIGEST_INFO, "rspauth=\"1\""},
        {DIGEST_INFO, "qop=auth, qop=auth-int"},
    };
    struct digest d;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        if (parse(wrong[i].header, text_of(wrong[i].text), &d) != ERR_MALFORMED_DIGEST) {
            fail_msg("taken: %s", wrong[i].text);
        }
    }
    assert_int_equal(parse(DIGEST_CHALLENGE, text_span("Digest " RN ", opaque=\"\0\"", 39), &d), ERR_MALFORMED_DIGEST);
}

static void bounds(void **state)
{
    (void)state;
    static char t[DIGEST_TEXT_MAX + 1];
    struct digest d;
    memset(t, 'a', sizeof(t));
    memcpy(t, "Digest ", 7);
    assert_int_equal(parse(DIGEST_CHALLENGE, text_span(t, sizeof(t)), &d), ERR_LIMIT_SIZE);
    struct writer w = WRITER_ARRAY(t);
    writer_z(&w, "Digest " RN);
    for (unsigned i = 2; i < DIGEST_PARAMS_MAX; i++) {
        writer_z(&w, ", x=y"); /* unknown ones may come twice: nobody reads them */
    }
    assert_int_equal(parse(DIGEST_CHALLENGE, writer_view_text(&w), &d), ERR_OK);
    writer_z(&w, ", x=y");
    assert_int_equal(parse(DIGEST_CHALLENGE, writer_view_text(&w), &d), ERR_LIMIT_SIZE);
    struct writer small = writer_of(t, 1); /* no room for what was escaped */
    assert_int_equal(digest_parse(DIGEST_CHALLENGE, text_of("Digest realm=\"a\\bc\", nonce=\"\""), &small, &d), ERR_LIMIT_SIZE);
}

static void what_cannot_be_written_is_refused(void **state)
{
    (void)state;
    char out[512];
    struct digest d;
    static const struct {
        enum digest_param p;
        const char *value;
    } wrong[] = {{DIGEST_REALM, "r\nX: y"}, {DIGEST_ALGORITHM, "a b"}, {DIGEST_ALGORITHM, ""}, {DIGEST_NC, "1"},
                 {DIGEST_QOP, "auth, auth-int"}, {DIGEST_RESPONSE, "00"}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct writer w = WRITER_ARRAY(out);
        assert_int_equal(parse(ub[2].header, text_of(ub[2].text), &d), ERR_OK);
        assert_int_equal(digest_write(DIGEST_AUTHORIZATION, &d, &w), ERR_OK);
        digest_set(&d, wrong[i].p, text_of(wrong[i].value));
        assert_int_equal(digest_write(DIGEST_AUTHORIZATION, &d, &w), ERR_MALFORMED_DIGEST);
    }
    struct writer w = WRITER_ARRAY(out);
    d = digest_blank();
    assert_int_equal(digest_write(DIGEST_CHALLENGE, &d, &w), ERR_MALFORMED_DIGEST);
}

/* Whatever stands between quotes comes back; what would end a line does not go out, wherever it stands. */
static void values_are_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *value, *written;
    } right[] = {{"", ""}, {"plain", "plain"}, {"\"", "\\\""}, {"\\", "\\\\"}, {"\"\"a", "\\\"\\\"a"}, {"a\\\"", "a\\\\\\\""},
                 {"a\"b\\c", "a\\\"b\\\\c"}, {"tab\tand \xc3\xa4", "tab\tand \xc3\xa4"}};
    static const char *const wrong[] = {"\n", "a\r", "\"\x01", "a\\\x7f", "\x1f\"", "ab\nc"};
    char out[128], want[128];
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        struct digest d = digest_blank(), back;
        struct writer w = WRITER_ARRAY(out);
        digest_set(&d, DIGEST_REALM, text_of(right[i].value));
        digest_set(&d, DIGEST_NONCE, text_of("n"));
        assert_int_equal(digest_write(DIGEST_CHALLENGE, &d, &w), ERR_OK);
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        (void)snprintf(want, sizeof(want), "Digest realm=\"%s\", nonce=\"n\"", right[i].written);
        assert_string_equal(out, want);
        assert_int_equal(parse(DIGEST_CHALLENGE, writer_view_text(&w), &back), ERR_OK);
        assert_true(text_eq_z(back.v[DIGEST_REALM], right[i].value));
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct digest d = digest_blank();
        struct writer w = WRITER_ARRAY(out);
        digest_set(&d, DIGEST_REALM, text_of(wrong[i]));
        digest_set(&d, DIGEST_NONCE, text_of("n"));
        assert_int_equal(digest_write(DIGEST_CHALLENGE, &d, &w), ERR_MALFORMED_DIGEST);
    }
}

/* Every octet between quotes, as it stands and behind a backslash [RFC 9110 5.6.4]. */
static void octets_between_quotes(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        struct digest d;
        char plain[64], escaped[64], value[] = {'x', (char)c, 'x', '\0'};
        (void)snprintf(plain, sizeof(plain), "Digest realm=\"x%cx\", nonce=\"n\"", (int)c);
        (void)snprintf(escaped, sizeof(escaped), "Digest realm=\"x\\%cx\", nonce=\"n\"", (int)c);
        const bool control = (c < 0x20 && c != '\t') || c == 0x7F, as_it_stands = !control && c != '"';
        assert_int_equal(parse(DIGEST_CHALLENGE, text_of(plain), &d), as_it_stands ? ERR_OK : ERR_MALFORMED_DIGEST);
        assert_true(!as_it_stands || text_eq_z(d.v[DIGEST_REALM], c == '\\' ? "xx" : value));
        assert_int_equal(parse(DIGEST_CHALLENGE, text_of(escaped), &d), control ? ERR_MALFORMED_DIGEST : ERR_OK);
        assert_true(control || text_eq_z(d.v[DIGEST_REALM], value));
        char out[64];
        struct writer w = WRITER_ARRAY(out);
        d = digest_blank();
        digest_set(&d, DIGEST_REALM, text_of(value));
        digest_set(&d, DIGEST_NONCE, text_of("n"));
        assert_int_equal(digest_write(DIGEST_CHALLENGE, &d, &w), control ? ERR_MALFORMED_DIGEST : ERR_OK);
        assert_true(control || text_eq_z(writer_view_text(&w), as_it_stands && c != '\\' ? plain : escaped));
    }
}

/* Every octet within a value without quotes: only those of a token are taken [RFC 9110 5.6.2]. */
static void octets_of_a_token(void **state)
{
    (void)state;
    static const char others[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (unsigned c = 1; c < 256; c++) {
        struct digest d;
        char t[64];
        (void)snprintf(t, sizeof(t), "Digest realm=\"r\", nonce=\"n\", algorithm=x%cx", (int)c);
        const bool token = strchr(others, (int)c) != NULL;
        assert_int_equal(parse(DIGEST_CHALLENGE, text_of(t), &d), token ? ERR_OK : ERR_MALFORMED_DIGEST);
    }
}

/* -- the nonce -------------------------------------------------------------------------------------------- */

static void nonces(void **state)
{
    (void)state;
    struct aka_nonce n;
    char out[AKA_NONCE_TEXT_MAX];
    uint8_t auts[AKA_NONCE_AUTS];
    static const char *const wrong[] = {"", "AAAA", "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfrw==",
                                        "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7N=", "I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(aka_nonce_parse(text_of(wrong[i]), &n), ERR_MALFORMED_NONCE);
        assert_int_equal(aka_nonce_parse_auts(text_of(wrong[i]), auts), ERR_MALFORMED_NONCE);
    }
    memset(&n, 0x5a, sizeof(n));
    for (n.data_n = 0; n.data_n <= AKA_NONCE_DATA_MAX; n.data_n++) {
        struct aka_nonce back;
        struct writer w = WRITER_ARRAY(out);
        assert_int_equal(aka_nonce_write(&n, &w), ERR_OK);
        assert_int_equal(aka_nonce_parse(writer_view_text(&w), &back), ERR_OK);
        assert_int_equal(back.data_n, n.data_n);
        assert_memory_equal(back.data, n.data, n.data_n);
    }
    struct writer w = WRITER_ARRAY(out);
    assert_int_equal(aka_nonce_write(&n, &w), ERR_LIMIT_SIZE);
    char more[AKA_NONCE_TEXT_MAX + 4];
    memset(more, 'A', sizeof(more));
    assert_int_equal(aka_nonce_parse(text_span(more, sizeof(more)), &n), ERR_MALFORMED_NONCE);
    assert_int_equal(aka_nonce_parse_auts(text_of("uoU/PBM7gejUAluObEo="), auts), ERR_OK);
    assert_memory_equal(auts, "\xba\x85\x3f\x3c\x13\x3b\x81\xe8\xd4\x02\x5b\x8e\x6c\x4a", sizeof(auts));
}

/* -- BootstrappingInfo -------------------------------------------------------------------------------------- */

#define B_TID "I1U8vpY3qJ0hiuZNrke/NQ==@" BSF
#define DOCUMENT(inside) "<BootstrappingInfo xmlns=\"uri:3gpp-gba\">" inside "</BootstrappingInfo>"
#define BTID_ELEMENT "<btid>" B_TID "</btid>"
#define LIFETIME "<lifetime>2030-01-01T00:00:00Z</lifetime>"

static err_t read(const char *z, struct bsf_info *out)
{
    return bsf_info_parse(text_bytes(text_of(z)), out);
}

/* The 219 octets whose hashes the specification file gives (e6b7d2f5...). */
static void the_document_of_the_vector(void **state)
{
    (void)state;
    static const char want[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BootstrappingInfo xmlns=\"uri:3gpp-gba\">\n"
                               BTID_ELEMENT "\n" LIFETIME "\n</BootstrappingInfo>\n";
    char out[256];
    struct writer w = WRITER_ARRAY(out);
    struct bsf_info i = {.lifetime = INT64_C(1893456000) * USEC_PER_SEC}, back;
    (void)snprintf(i.b_tid.z, sizeof(i.b_tid.z), "%s", B_TID);
    assert_int_equal(bsf_info_write(&i, &w), ERR_OK);
    assert_int_equal(writer_finish_z(&w), ERR_OK);
    assert_int_equal(w.n, 219);
    assert_string_equal(out, want);
    assert_int_equal(read(out, &back), ERR_OK);
    assert_string_equal(back.b_tid.z, B_TID);
    assert_int_equal(back.lifetime, i.lifetime);
    for (size_t n = 0; n < 218; n++) {
        assert_int_equal(bsf_info_parse(bytes_of(want, n), &back), ERR_MALFORMED_XML);
        w = writer_of(out, n);
        assert_int_equal(bsf_info_write(&i, &w), ERR_LIMIT_SIZE);
    }
    i.b_tid.z[0] = '<';
    assert_int_equal(bsf_info_write(&i, &w), ERR_MALFORMED_KEY_ID);
}

static void times_of_http(void **state)
{
    static const struct {
        usec_t s;
        const char *z;
    } rows[] = {{0, "Thu, 01 Jan 1970 00:00:00 GMT"}, {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* RFC 9110 5.6.7 */
                {1893456000, "Tue, 01 Jan 2030 00:00:00 GMT"}, {1709251199, "Thu, 29 Feb 2024 23:59:59 GMT"}, {1735646399, "Tue, 31 Dec 2024 11:59:59 GMT"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[32];
        struct writer w = WRITER_ARRAY(out);
        bsf_info_expires_write(&w, rows[i].s * USEC_PER_SEC);
        assert_int_equal(writer_finish_z(&w), ERR_OK);
        assert_string_equal(out, rows[i].z);
    }
}

static void documents_of_others(void **state)
{
    (void)state;
    static const char *const right[] = {
        DOCUMENT(LIFETIME BTID_ELEMENT),
        DOCUMENT("<!-- c --><btid> \n" B_TID "\t</btid><lifetime>2030-01-01T00:00:00.250Z</lifetime><Extension><currenttime>x"
                 "</currenttime></Extension><other a='1'/>"),
        "<g:BootstrappingInfo xmlns:g='uri:3gpp-gba' new='1'><g:btid>" B_TID "</g:btid><g:lifetime>2030-01-01T00:00:00Z"
        "</g:lifetime><btid>of another namespace</btid></g:BootstrappingInfo>",
        DOCUMENT("<btid><![CDATA[" B_TID "]]></btid>" LIFETIME),
    };
    struct bsf_info i;
    for (size_t k = 0; k < ARRAY_LEN(right); k++) {
        if (read(right[k], &i) != ERR_OK) {
            fail_msg("refused: %s", right[k]);
        }
        assert_string_equal(i.b_tid.z, B_TID);
        assert_int_equal(i.lifetime, INT64_C(1893456000) * USEC_PER_SEC);
    }
}

static void documents_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *xml;
        err_t e;
    } wrong[] = {
        {"", ERR_MALFORMED_XML},
        {"no", ERR_MALFORMED_XML},
        {DOCUMENT(""), ERR_MALFORMED_XML},
        {DOCUMENT(BTID_ELEMENT), ERR_MALFORMED_XML},
        {DOCUMENT(LIFETIME), ERR_MALFORMED_XML},
        {DOCUMENT(BTID_ELEMENT BTID_ELEMENT LIFETIME), ERR_MALFORMED_XML},
        {DOCUMENT(BTID_ELEMENT LIFETIME LIFETIME), ERR_MALFORMED_XML},
        {DOCUMENT("<btid/>" LIFETIME), ERR_MALFORMED_XML},
        {DOCUMENT("<btid><b/>" B_TID "</btid>" LIFETIME), ERR_MALFORMED_XML},
        {DOCUMENT("<x>" BTID_ELEMENT "</x>" LIFETIME), ERR_MALFORMED_XML},
        {DOCUMENT("<btid>x@y</btid>" LIFETIME), ERR_MALFORMED_KEY_ID},
        {"<BootstrappingInfo>" BTID_ELEMENT LIFETIME "</BootstrappingInfo>", ERR_XML_NAMESPACE},
        {"<BootstrappingInfo xmlns='uri:3gpp-gbb'>" BTID_ELEMENT LIFETIME "</BootstrappingInfo>", ERR_XML_NAMESPACE},
        {"<Info xmlns='uri:3gpp-gba'>" BTID_ELEMENT LIFETIME "</Info>", ERR_MALFORMED_XML},
        {DOCUMENT(BTID_ELEMENT LIFETIME) "<more/>", ERR_MALFORMED_XML},
        {DOCUMENT(BTID_ELEMENT LIFETIME "&lol;"), ERR_MALFORMED_XML},
        /* A DOCTYPE, whatever it says: nothing is declared, nothing expands, nothing is fetched. */
        {"<!DOCTYPE BootstrappingInfo>" DOCUMENT(BTID_ELEMENT LIFETIME), ERR_XML_DOCTYPE},
        {"<!DOCTYPE x [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]>" DOCUMENT("<btid>&b;</btid>" LIFETIME), ERR_XML_DOCTYPE},
        {"<!DOCTYPE x SYSTEM 'file:///etc/hostname'>" DOCUMENT(BTID_ELEMENT LIFETIME), ERR_XML_DOCTYPE},
        {"<?xml version='1.0' encoding='UTF-8'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>"
         DOCUMENT("<btid>&e;</btid>" LIFETIME), ERR_XML_DOCTYPE},
        {DOCUMENT(BTID_ELEMENT "<lifetime>2030-01-01T00:00:00</lifetime>"), ERR_MALFORMED_TIME},
        {DOCUMENT(BTID_ELEMENT "<lifetime>2030-01-01T00:00:00+01:00</lifetime>"), ERR_MALFORMED_TIME},
        {DOCUMENT(BTID_ELEMENT "<lifetime>2030-01-01T00:00:00z</lifetime>"), ERR_MALFORMED_TIME},
        /* The encoding is not the document's choice: these octets are no UTF-8, whatever it says. */
        {"<?xml version='1.0' encoding='ISO-8859-1'?>" DOCUMENT("<a>\xE9</a>" BTID_ELEMENT LIFETIME), ERR_MALFORMED_XML},
        {DOCUMENT(BTID_ELEMENT "<lifetime>2030-13-01T00:00:00Z</lifetime>"), ERR_MALFORMED_TIME},
        {DOCUMENT(BTID_ELEMENT "<lifetime>2030/01/01T00:00:00Z</lifetime>"), ERR_MALFORMED_TIME},
        {DOCUMENT(BTID_ELEMENT "<lifetime>2030-01-01T00:00:00.Z</lifetime>"), ERR_MALFORMED_TIME},
        {DOCUMENT(BTID_ELEMENT "<lifetime>2030-01-01T00:00:00.1.2Z</lifetime>"), ERR_MALFORMED_TIME},
        {DOCUMENT(BTID_ELEMENT "<lifetime>tomorrow</lifetime>"), ERR_MALFORMED_TIME},
    };
    struct bsf_info i;
    for (size_t k = 0; k < ARRAY_LEN(wrong); k++) {
        err_t e = read(wrong[k].xml, &i);
        if (e != wrong[k].e) {
            fail_msg("%s: %s", err_code(e), wrong[k].xml);
        }
        assert_int_equal(i.b_tid.z[0], '\0');
    }
}

static void large_and_deep_documents_are_refused(void **state)
{
    (void)state;
    static char xml[BSF_INFO_MAX + 1];
    struct bsf_info i;
    memset(xml, ' ', sizeof(xml));
    memcpy(xml, DOCUMENT(BTID_ELEMENT LIFETIME), sizeof(DOCUMENT(BTID_ELEMENT LIFETIME)) - 1);
    assert_int_equal(bsf_info_parse(bytes_of(xml, BSF_INFO_MAX), &i), ERR_OK);
    assert_int_equal(bsf_info_parse(bytes_of(xml, sizeof(xml)), &i), ERR_LIMIT_SIZE);
    struct writer w = writer_of(xml, BSF_INFO_MAX);
    while (!w.overflow) {
        writer_z(&w, "<a>");
    }
    assert_int_equal(bsf_info_parse(writer_view(&w), &i), ERR_MALFORMED_XML);
    for (size_t levels = XML_DEPTH_MAX - 1; levels <= XML_DEPTH_MAX; levels++) { /* within the root, which is one */
        w = WRITER_ARRAY(xml);
        writer_z(&w, "<BootstrappingInfo xmlns='uri:3gpp-gba'>" BTID_ELEMENT LIFETIME);
        for (size_t n = 0; n < levels; n++) {
            writer_z(&w, "<a>");
        }
        for (size_t n = 0; n < levels; n++) {
            writer_z(&w, "</a>");
        }
        writer_z(&w, "</BootstrappingInfo>");
        assert_int_equal(bsf_info_parse(writer_view(&w), &i), levels < XML_DEPTH_MAX ? ERR_OK : ERR_LIMIT_DEPTH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_messages_of_ub_come_apart_and_together),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(values_are_what_was_written),
        cmocka_unit_test(headers_that_are_refused),
        cmocka_unit_test(bounds),
        cmocka_unit_test(what_cannot_be_written_is_refused),
        cmocka_unit_test(values_are_quoted),
        cmocka_unit_test(octets_between_quotes),
        cmocka_unit_test(octets_of_a_token),
        cmocka_unit_test(nonces),
        cmocka_unit_test(the_document_of_the_vector),
        cmocka_unit_test(times_of_http),
        cmocka_unit_test(documents_of_others),
        cmocka_unit_test(documents_that_are_refused),
        cmocka_unit_test(large_and_deep_documents_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
