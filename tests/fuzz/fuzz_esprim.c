/*
 * ESPrim: both engines against a network that drops, repeats and changes objects, and their records. An input is a program
 * of steps. Whatever happens: a request is taken at most once, only as it was made, and only from who has the key.
 */
#include "fuzz.h"
#include "proto/esprim_state.h"
#include "shell/crypto_openssl.h"

#include <string.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define WHO "//sp.example/Sdev1"
#define SESSIONS 6
#define KEPT 8

static const struct esprim_policy policy = {
    .algs = {ESPRIM_A256GCM, ESPRIM_A128GCM}, .algs_n = 2, .lifetime = INT64_C(3600) * USEC_PER_SEC};

static struct {
    struct esprim_originator o;
    struct esprim_receiver r;
    struct esprim_session sessions[SESSIONS];
    struct esprim_key key;
    struct esprim_exchange x;
    char kept[KEPT][4096]; /* objects on the way */
    size_t kept_n[KEPT];
    unsigned kept_rqi[KEPT];
    unsigned made, next;
    uint8_t taken[256];
    usec_t now;
} s;

static void begin(void)
{
    static const uint8_t made_up[32] = {5};
    memset(&s, 0, sizeof(s));
    s.now = T0;
    s.key = (struct esprim_key){.id = "k@maf.example", .suid = 33, .peer = WHO, .not_after = USEC_NEVER};
    MUST_HOLD(secret_set(&s.key.k.s, BYTES_ARRAY(made_up)) == ERR_OK);
    esprim_originator_init(&s.o, crypto_openssl(), &policy, &s.key, WHO);
    esprim_receiver_init(&s.r, crypto_openssl(), &policy, s.sessions, SESSIONS);
}

static void offer(bool shared)
{
    char json[512];
    struct writer w = WRITER_ARRAY(json);
    struct esprim_rand r;
    MUST_HOLD(esprim_receiver_offer(&s.r, shared, s.now, &r) == ERR_OK);
    esprim_rand_write(&r, &w);
    MUST_HOLD(esprim_originator_receiver(&s.o, writer_view_text(&w), s.now) == ERR_OK);
}

static void request(void)
{
    char text[256];
    unsigned at = s.next++ % KEPT;
    int n = snprintf(text, sizeof(text), "{\"m2m:rqp\":{\"op\":2,\"fr\":\"" WHO "\",\"rqi\":\"r%u\"}}", s.made % 256);
    struct writer w = WRITER_ARRAY(s.kept[at]);
    if (esprim_originator_seal(&s.o, bytes_of(text, (size_t)n), s.now, &w) == ERR_OK) {
        s.kept_n[at] = w.n;
        s.kept_rqi[at] = s.made++ % 256;
        s.taken[s.kept_rqi[at]] = 0;
    }
}

static void answer(unsigned rqi)
{
    char text[64];
    char id[16];
    char object[4096];
    char plain[4096];
    int n = snprintf(text, sizeof(text), "{\"m2m:rsp\":{\"rqi\":\"r%u\"}}", rqi);
    (void)snprintf(id, sizeof(id), "r%u", rqi);
    struct writer w = WRITER_ARRAY(object);
    struct writer back = WRITER_ARRAY(plain);
    if (esprim_receiver_seal(&s.r, &s.x, bytes_of(text, (size_t)n), s.now, &w) == ERR_OK) {
        err_t e = esprim_originator_open(&s.o, writer_view_text(&w), text_of(id), s.now, &back);
        MUST_HOLD(e != ERR_OK || bytes_eq(writer_view(&back), bytes_of(text, (size_t)n)));
    }
}

static void deliver(struct text jwe, bool changed, unsigned rqi)
{
    char plain[4096];
    char expected[256];
    struct esprim_object o;
    struct writer w = WRITER_ARRAY(plain);
    err_t e = esprim_receiver_peek(&s.r, jwe, s.now, &o);
    e = e == ERR_OK ? esprim_receiver_open(&s.r, &o, &s.key, s.now, &s.x, &w) : e;
    if (e != ERR_OK) {
        MUST_HOLD(w.n == 0);
        return;
    }
    (void)snprintf(expected, sizeof(expected), "{\"m2m:rqp\":{\"op\":2,\"fr\":\"" WHO "\",\"rqi\":\"r%u\"}}", rqi);
    MUST_HOLD(!changed && text_eq_z(writer_view_text(&w), expected));
    MUST_HOLD(s.taken[rqi]++ == 0);
    answer(rqi);
}

static void deliver_changed(unsigned at, uint8_t where, uint8_t what)
{
    char copy[4096];
    size_t n = s.kept_n[at];
    memcpy(copy, s.kept[at], n);
    if (n > 0) {
        size_t i = (size_t)where * n / 256;
        bool changed = copy[i] != (char)what;
        copy[i] = (char)what;
        deliver(text_span(copy, n), changed, s.kept_rqi[at]);
    }
}

/* What is written is read the same, and nothing else is read but by luck of its own form. */
static void records(void)
{
    static uint8_t a[ESPRIM_STATE_MAX], b[ESPRIM_STATE_MAX];
    struct writer w = WRITER_ARRAY(a);
    struct writer v = WRITER_ARRAY(b);
    esprim_state_receiver_write(&s.r, &s.x, &w);
    MUST_HOLD(esprim_state_receiver_parse(writer_view(&w), &s.r, &s.x) == ERR_OK);
    esprim_state_receiver_write(&s.r, &s.x, &v);
    MUST_HOLD(bytes_eq(writer_view(&w), writer_view(&v)));
    w = WRITER_ARRAY(a);
    esprim_state_originator_write(&s.o, &w);
    MUST_HOLD(esprim_state_originator_parse(writer_view(&w), &s.o) == ERR_OK);
}

static void parsers(struct bytes in)
{
    static struct esprim_receiver r;
    static struct esprim_session sessions[2];
    static char value[65536];
    struct esprim_originator o = s.o;
    struct esprim_exchange x;
    struct esprim_object object;
    struct esprim_rand rand;
    struct esprim_inner inner;
    unsigned type;
    struct writer w = WRITER_ARRAY(value);
    struct text t = text_span((const char *)in.p, in.n);
    (void)(esprim_object_parse(t, T0, &object) == ERR_OK);
    (void)(esprim_rand_parse(t, true, T0, &rand) == ERR_OK);
    (void)(esprim_inner_parse(in, &inner) == ERR_OK);
    (void)(esprim_seci_parse(in, &type, &w) == ERR_OK);
    esprim_receiver_init(&r, crypto_openssl(), &policy, sessions, 2);
    (void)(esprim_state_receiver_parse(in, &r, &x) == ERR_OK);
    (void)(esprim_state_originator_parse(in, &o) == ERR_OK);
    if (esprim_rand_parse(t, false, T0, &rand) == ERR_OK && rand.expiry > 0 && rand.expiry < INT64_C(250000000000) * USEC_PER_SEC) {
        struct esprim_rand again;
        w = WRITER_ARRAY(value);
        esprim_rand_write(&rand, &w);
        MUST_HOLD(esprim_rand_parse(writer_view_text(&w), false, T0, &again) == ERR_OK);
        MUST_HOLD(strcmp(rand.id, again.id) == 0 && rand.algs_n == again.algs_n);
    }
    esprim_originator_wipe(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    parsers(bytes_of(data, size));
    for (size_t i = 0; i + 3 < size && i < 4 * 60; i += 4) {
        unsigned at = data[i + 1] % KEPT;
        switch (data[i] % 9) {
        case 0: request(); break;
        case 1: case 2: deliver(text_span(s.kept[at], s.kept_n[at]), false, s.kept_rqi[at]); break;
        case 3: deliver_changed(at, data[i + 2], data[i + 3]); break;
        case 4: offer(data[i + 1] % 2 == 0); break;
        case 5: s.now += (usec_t)data[i + 1] * 60 * USEC_PER_SEC; break;
        case 6: (void)esprim_originator_refused(&s.o, (uint16_t)(4110 + data[i + 1] % 8)); break;
        case 7: records(); break;
        default: deliver(text_span((const char *)data, size), true, 0); break;
        }
    }
    esprim_originator_wipe(&s.o);
    return 0;
}
