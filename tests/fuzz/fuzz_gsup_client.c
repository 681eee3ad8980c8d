/*
 * The connection to an HLR against an HLR that says anything at any time: an input is a program of steps, of one octet that says
 * what, and for SAY a block of octets. Each question is answered once, and nothing is answered that was not asked.
 */
#include "base/reader.h"
#include "fuzz.h"
#include "proto/gsup_client.h"

#include <string.h>

#define STEPS_MAX 300

enum what { SAY, FRAME, ASK, TIME, CLOSE, OPEN, WHATS };

static struct gsup_client c;
static bool asked[GSUP_CLIENT_WAITING];

static void take(struct gsup_client_event *ev)
{
    if (ev->kind == GSUP_CLIENT_ANSWER) {
        MUST_HOLD(ev->token < GSUP_CLIENT_WAITING && asked[ev->token]);
        MUST_HOLD(ev->err != ERR_OK || (ev->answer.tuples_n > 0 && secret_is_set(&ev->answer.tuples[0].ik.s)));
        asked[ev->token] = false;
    } else if (ev->kind == GSUP_CLIENT_LOST) {
        MUST_HOLD(ev->err != ERR_OK && gsup_client_deadline(&c) >= 0 && gsup_client_unsent(&c).n == 0);
    }
    gsup_wipe(&ev->answer);
}

static void drain(usec_t now, bool send)
{
    struct gsup_client_event ev;
    for (unsigned n = 0; gsup_client_event(&c, now, &ev); n++) {
        MUST_HOLD(n < 3 * GSUP_CLIENT_WAITING + sizeof(c.in) / 4); /* a frame has four octets and more */
        take(&ev);
    }
    MUST_HOLD(gsup_client_room(&c) > 0);
    if (send) {
        gsup_client_sent(&c, gsup_client_unsent(&c).n);
    }
}

static void ask(uint8_t who, usec_t now)
{
    static const uint8_t auts[GSUP_AUTS_LEN] = {0xa0};
    struct gsup_resync resync = {.rand = {{1}}};
    char imsi[] = "001010000000000";
    size_t token = 0;
    memcpy(resync.auts, auts, sizeof(auts));
    imsi[14] = (char)('0' + who % 10);
    imsi[13] = (char)('0' + who / 10 % 10);
    while (token < GSUP_CLIENT_WAITING && asked[token]) {
        token++;
    }
    struct gsup_request q = {.imsi = text_of(imsi), .vectors = 1, .resync = who > 127 ? &resync : NULL};
    if (token < GSUP_CLIENT_WAITING && gsup_client_ask(&c, &q, token, now) == ERR_OK) {
        asked[token] = true;
    }
}

/* GSUP or CCM in a frame of the right length, so that runs get past the framing. */
static void frame(struct bytes b, usec_t now)
{
    uint8_t room[IPA_FRAME_MAX];
    struct writer w = WRITER_ARRAY(room);
    struct ipa_frame f = {.stream = b.n > 0 && b.p[0] < 8 ? IPA_CCM : IPA_GSUP, .payload = b};
    if (ipa_write(&f, &w) == ERR_OK && w.n <= gsup_client_room(&c)) {
        MUST_HOLD(gsup_client_recv(&c, writer_view(&w), now) == ERR_OK);
    }
}

static void step(enum what what, struct bytes b, usec_t *now)
{
    uint8_t first = b.n > 0 ? b.p[0] : 0;
    switch (what) {
    case SAY:
        MUST_HOLD(gsup_client_room(&c) < b.n || gsup_client_recv(&c, b, *now) == ERR_OK);
        break;
    case FRAME:
        frame(b, *now);
        break;
    case ASK:
        ask(first, *now);
        break;
    case TIME: /* on to the next deadline, or by so many seconds */
        *now = first == 0 && gsup_client_deadline(&c) != USEC_NEVER ? gsup_client_deadline(&c) : *now + first * USEC_PER_SEC;
        break;
    case CLOSE:
        gsup_client_close(&c);
        break;
    case OPEN:
        gsup_client_close(&c);
        drain(*now, true);
        gsup_client_open(&c, *now);
        break;
    case WHATS:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    usec_t now = 1000 * USEC_PER_SEC;
    memset(asked, 0, sizeof(asked));
    MUST_HOLD(gsup_client_init(&c, &gsup_client_defaults, text_of("fuzz")) == ERR_OK);
    gsup_client_open(&c, now);
    for (unsigned n = 0; n < STEPS_MAX && reader_left(&r) > 0; n++) {
        uint8_t what = reader_u8(&r);
        struct bytes b = reader_block8(&r);
        if (reader_failed(&r)) {
            break;
        }
        step((enum what)(what % WHATS), b, &now);
        drain(now, (what & 0x80) == 0);
    }
    gsup_client_close(&c);
    drain(now, true);
    for (size_t i = 0; i < GSUP_CLIENT_WAITING; i++) {
        MUST_HOLD(!asked[i]); /* nobody waits for ever */
    }
    return 0;
}
