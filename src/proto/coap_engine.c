#include "proto/coap_engine.h"

#include "base/ct.h"
#include "proto/coap_client.h"
#include "proto/coap_out.h"
#include "proto/coap_server.h"

#include <string.h>

const struct coap_engine_params coap_engine_defaults = {
    .ack_timeout = 2 * USEC_PER_SEC,
    .ack_random_permille = 1500,
    .max_retransmit = 4,
    .exchange_lifetime = 247 * USEC_PER_SEC,
    .ack_delay = USEC_PER_SEC, /* less than ACK_TIMEOUT [RFC 7252 5.2.2] */
    .body_lifetime = 93 * USEC_PER_SEC, /* MAX_TRANSMIT_WAIT: by then the peer has given up */
    .answer_wait = 30 * USEC_PER_SEC,
    .szx = 6,
};

err_t coap_engine_init(struct coap_engine *e, const struct coap_engine_params *params,
                       const struct coap_engine_memory *memory, const struct crypto *c)
{
    uint8_t seed[10];
    memset(e, 0, sizeof(*e));
    TRY(c->random(seed, sizeof(seed)));
    e->params = params;
    e->crypto = c;
    e->next_id = (uint16_t)(seed[8] << 8 | seed[9]);
    memcpy(&e->next_token, seed, sizeof(e->next_token));
    e->server.body = (struct coap_body){.buf = memory->server, .cap = memory->server_n};
    e->client.body = (struct coap_body){.buf = memory->client, .cap = memory->client_n};
    return ERR_OK;
}

void coap_engine_wipe(struct coap_engine *e)
{
    if (e->server.body.cap > 0) {
        ct_wipe(e->server.body.buf, e->server.body.cap);
    }
    if (e->client.body.cap > 0) {
        ct_wipe(e->client.body.buf, e->client.body.cap);
    }
    ct_wipe(e, sizeof(*e));
}

static void nothing(struct coap_event *ev)
{
    ev->kind = COAP_EVENT_NONE;
    ev->reason = ERR_OK;
}

/* An empty message: a ping, or what became of a confirmable message of ours [RFC 7252 4.2, 4.3]. */
static void empty(struct coap_engine *e, const struct coap_message *m, usec_t now, struct coap_event *ev)
{
    switch (m->type) {
    case COAP_CON:
        coap_out_notice(e, COAP_RST, m->id);
        break;
    case COAP_ACK:
        coap_server_end(e, m->id);
        coap_client_acked(e, m->id, now);
        break;
    case COAP_RST:
        coap_server_end(e, m->id);
        coap_client_reset(e, m->id, ev);
        break;
    case COAP_NON:
        break;
    }
}

void coap_engine_recv(struct coap_engine *e, struct bytes datagram, usec_t now, struct coap_event *ev)
{
    struct coap_message m;
    nothing(ev);
    if (coap_parse(datagram, &m) != ERR_OK) {
        if (m.type == COAP_CON) {
            coap_out_notice(e, COAP_RST, m.id); /* rejected [RFC 7252 4.2]; everything else is ignored */
        }
    } else if (m.code == COAP_EMPTY) {
        empty(e, &m, now, ev);
    } else if (coap_is_request(&m)) {
        coap_server_recv(e, datagram, &m, now, ev);
    } else {
        coap_client_recv(e, datagram, &m, now, ev);
    }
}

err_t coap_engine_answer(struct coap_engine *e, const struct coap_message *response, usec_t now)
{
    return coap_server_answer(e, response, now);
}

err_t coap_engine_request(struct coap_engine *e, const struct coap_message *request, usec_t now)
{
    return coap_client_request(e, request, now);
}

usec_t coap_engine_deadline(const struct coap_engine *e)
{
    usec_t server = coap_server_deadline(e);
    usec_t client = coap_client_deadline(e);
    return server < client ? server : client;
}

void coap_engine_tick(struct coap_engine *e, usec_t now, struct coap_event *ev)
{
    nothing(ev);
    coap_server_tick(e, now);
    coap_client_tick(e, now, ev);
}

/* -- what goes out ------------------------------------------------------------------------------------ */

static bool hand_out(bool *ready, const struct coap_datagram *d, struct writer *w)
{
    if (*ready) {
        *ready = false;
        writer_bytes(w, bytes_of(d->b, d->n));
        return true;
    }
    return false;
}

bool coap_engine_poll(struct coap_engine *e, struct writer *w)
{
    if (e->notices_n > 0) {
        struct coap_message m = coap_blank(e->notices[0].type, COAP_EMPTY);
        m.id = e->notices[0].id;
        e->notices_n--;
        memmove(e->notices, e->notices + 1, e->notices_n * sizeof(e->notices[0]));
        return coap_write(&m, w) == ERR_OK;
    }
    for (size_t i = 0; i < COAP_ENGINE_ANSWERS; i++) {
        if (hand_out(&e->server.answers[i].ready, &e->server.answers[i].dgram, w)) {
            return true;
        }
    }
    return hand_out(&e->server.con.ready, &e->server.con.dgram, w) ||
           hand_out(&e->client.con.ready, &e->client.con.dgram, w);
}
