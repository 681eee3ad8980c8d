#include "proto/gsup_client.h"

#include "base/ct.h"

#include <string.h>

#define SECOND ((usec_t)1000000)

const struct gsup_client_params gsup_client_defaults = {
    .answer = 5 * SECOND,
    .late = 60 * SECOND,
    .silence = 30 * SECOND,
};

err_t gsup_client_init(struct gsup_client *c, const struct gsup_client_params *params, struct text name)
{
    *c = (struct gsup_client){.params = params};
    return TEXT_COPY(name, c->name);
}

void gsup_client_open(struct gsup_client *c, usec_t now)
{
    c->state = GSUP_CLIENT_GREETING;
    c->in_n = c->out_n = 0;
    c->pinged = c->told_up = false;
    c->lost = ERR_OK;
    c->heard_until = now + c->params->answer; /* the HLR speaks first */
}

void gsup_client_close(struct gsup_client *c)
{
    c->state = GSUP_CLIENT_CLOSED;
    c->out_n = 0;
    ct_wipe(c->in, sizeof(c->in));
    c->in_n = 0;
    c->lost = ERR_OK;
    for (size_t i = 0; i < GSUP_CLIENT_WAITING; i++) { /* no late answer comes through a new connection */
        struct gsup_client_question *q = &c->questions[i];
        q->wait = q->wait == GSUP_CLIENT_ASKED ? GSUP_CLIENT_ASKED : GSUP_CLIENT_FREE;
    }
}

/* -- what goes out -------------------------------------------------------------------------------------------------- */
static err_t say(struct gsup_client *c, enum ipa_ccm message)
{
    struct writer w = writer_of(c->out + c->out_n, sizeof(c->out) - c->out_n);
    TRY(ipa_write_ccm(message, text_of(c->name), &w));
    c->out_n += w.n;
    return ERR_OK;
}

static struct gsup_client_question *find(struct gsup_client *c, struct text imsi)
{
    for (size_t i = 0; i < GSUP_CLIENT_WAITING; i++) {
        if (c->questions[i].wait != GSUP_CLIENT_FREE && text_eq_z(imsi, c->questions[i].imsi)) {
            return &c->questions[i];
        }
    }
    return NULL;
}

static struct gsup_client_question *find_free(struct gsup_client *c)
{
    for (size_t i = 0; i < GSUP_CLIENT_WAITING; i++) {
        if (c->questions[i].wait == GSUP_CLIENT_FREE) {
            return &c->questions[i];
        }
    }
    return NULL;
}

err_t gsup_client_ask(struct gsup_client *c, const struct gsup_request *q, uint64_t token, usec_t now)
{
    uint8_t message[GSUP_MAX];
    struct writer m = WRITER_ARRAY(message);
    struct writer w = writer_of(c->out + c->out_n, sizeof(c->out) - c->out_n);
    TRY(gsup_write_request(q, &m));
    if (c->state != GSUP_CLIENT_READY) {
        return ERR_PEER_UNREACHABLE;
    }
    struct gsup_client_question *free = find(c, q->imsi) == NULL ? find_free(c) : NULL;
    if (free == NULL || ipa_write(&(struct ipa_frame){.stream = IPA_GSUP, .payload = writer_view(&m)}, &w) != ERR_OK) {
        return ERR_LIMIT_BUSY;
    }
    *free = (struct gsup_client_question){.wait = GSUP_CLIENT_ASKED, .token = token, .until = now + c->params->answer};
    TRY(TEXT_COPY(q->imsi, free->imsi));
    c->out_n += w.n;
    return ERR_OK;
}

struct bytes gsup_client_unsent(const struct gsup_client *c)
{
    return bytes_of(c->out, c->out_n);
}

void gsup_client_sent(struct gsup_client *c, size_t n)
{
    n = n < c->out_n ? n : c->out_n;
    memmove(c->out, c->out + n, c->out_n - n);
    c->out_n -= n;
}

/* -- what comes in ------------------------------------------------------------------------------------------------------ */
size_t gsup_client_room(const struct gsup_client *c)
{
    return sizeof(c->in) - c->in_n;
}

err_t gsup_client_recv(struct gsup_client *c, struct bytes octets, usec_t now)
{
    if (octets.n > gsup_client_room(c)) {
        return ERR_LIMIT_SIZE;
    }
    memcpy(c->in + c->in_n, octets.p, octets.n);
    c->in_n += octets.n;
    if (c->state == GSUP_CLIENT_READY) {
        c->heard_until = now + c->params->silence;
        c->pinged = false;
    }
    return ERR_OK;
}

static void drop(struct gsup_client *c, size_t n)
{
    memmove(c->in, c->in + n, c->in_n - n);
    ct_wipe(c->in + c->in_n - n, n); /* keys went through */
    c->in_n -= n;
}

static err_t greeted(struct gsup_client *c, struct bytes payload, usec_t now)
{
    enum ipa_ccm message;
    TRY(ipa_parse_ccm(payload, &message));
    switch (message) {
    case IPA_CCM_PING:
        return say(c, IPA_CCM_PONG);
    case IPA_CCM_ID_GET:
        TRY(say(c, IPA_CCM_ID_RESP));
        return say(c, IPA_CCM_ID_ACK);
    case IPA_CCM_ID_ACK:
        c->state = GSUP_CLIENT_READY;
        c->heard_until = now + c->params->silence;
        return ERR_OK;
    case IPA_CCM_PONG: /* that something came was noted */
    case IPA_CCM_ID_RESP:
        return ERR_OK;
    }
    return ERR_MALFORMED_GSUP;
}

/* An answer that nobody waits for is no event: a late one, or one that was never asked for. */
static err_t answered(struct gsup_client *c, struct bytes payload, struct gsup_client_event *out, bool *told)
{
    TRY(gsup_parse_answer(payload, &out->answer));
    struct gsup_client_question *q = find(c, text_of(out->answer.imsi));
    *told = q != NULL && q->wait == GSUP_CLIENT_ASKED;
    out->kind = GSUP_CLIENT_ANSWER;
    out->err = out->answer.type == GSUP_INFO_ERROR ? gsup_cause_err(out->answer.cause) : ERR_OK;
    out->token = q != NULL ? q->token : 0;
    if (q != NULL) {
        q->wait = GSUP_CLIENT_FREE;
    }
    if (!*told) {
        gsup_wipe(&out->answer);
    }
    return ERR_OK;
}

/* Frames one after the other, until one of them is an event. */
static bool from_frames(struct gsup_client *c, usec_t now, struct gsup_client_event *out)
{
    struct ipa_frame f;
    size_t used = 0;
    bool told = false;
    err_t e = ERR_OK;
    while (e == ERR_OK && !told && (e = ipa_parse(bytes_of(c->in, c->in_n), &f, &used)) == ERR_OK && used > 0) {
        if (f.stream == IPA_CCM) {
            e = greeted(c, f.payload, now);
        } else {
            e = c->state == GSUP_CLIENT_READY ? answered(c, f.payload, out, &told) : ERR_MALFORMED_GSUP;
        }
        drop(c, used);
    }
    if (e != ERR_OK) { /* out of step: no later frame could be trusted */
        c->lost = e;
    }
    return told;
}

/* -- time ----------------------------------------------------------------------------------------------------------- */
static bool from_time(struct gsup_client *c, usec_t now, struct gsup_client_event *out)
{
    for (size_t i = 0; i < GSUP_CLIENT_WAITING; i++) {
        struct gsup_client_question *q = &c->questions[i];
        const bool closed = c->state == GSUP_CLIENT_CLOSED;
        if (q->wait == GSUP_CLIENT_GIVEN_UP && now >= q->until) {
            q->wait = GSUP_CLIENT_FREE;
        }
        if (q->wait == GSUP_CLIENT_ASKED && (closed || now >= q->until)) {
            q->wait = closed ? GSUP_CLIENT_FREE : GSUP_CLIENT_GIVEN_UP;
            q->until = now + c->params->late;
            *out = (struct gsup_client_event){.kind = GSUP_CLIENT_ANSWER,
                                              .err = closed ? ERR_PEER_UNREACHABLE : ERR_PEER_TIMEOUT,
                                              .token = q->token};
            return true;
        }
    }
    return false;
}

static void listen(struct gsup_client *c, usec_t now)
{
    if (c->state == GSUP_CLIENT_CLOSED || now < c->heard_until || c->lost != ERR_OK) {
        return;
    }
    bool may_ask = c->state == GSUP_CLIENT_READY && !c->pinged;
    if (may_ask && say(c, IPA_CCM_PING) == ERR_OK) {
        c->pinged = true;
        c->heard_until = now + c->params->answer;
        return;
    }
    c->lost = ERR_PEER_TIMEOUT;
}

bool gsup_client_event(struct gsup_client *c, usec_t now, struct gsup_client_event *out)
{
    *out = (struct gsup_client_event){.kind = GSUP_CLIENT_LOST};
    listen(c, now);
    if (from_time(c, now, out) || (c->state != GSUP_CLIENT_CLOSED && c->lost == ERR_OK && from_frames(c, now, out))) {
        return true;
    }
    if (c->lost != ERR_OK) {
        *out = (struct gsup_client_event){.kind = GSUP_CLIENT_LOST, .err = c->lost};
        gsup_client_close(c);
        return true;
    }
    if (c->state == GSUP_CLIENT_READY && !c->told_up) {
        c->told_up = true;
        *out = (struct gsup_client_event){.kind = GSUP_CLIENT_UP};
        return true;
    }
    return false;
}

usec_t gsup_client_deadline(const struct gsup_client *c)
{
    usec_t d = c->state == GSUP_CLIENT_CLOSED ? USEC_NEVER : c->heard_until;
    for (size_t i = 0; i < GSUP_CLIENT_WAITING; i++) {
        if (c->questions[i].wait == GSUP_CLIENT_ASKED && c->questions[i].until < d) {
            d = c->questions[i].until;
        }
    }
    return d;
}
