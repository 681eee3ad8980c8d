#include "proto/coap_out.h"

static uint16_t fresh_id(struct coap_engine *e)
{
    return e->next_id++;
}

void coap_out_notice(struct coap_engine *e, enum coap_type type, uint16_t id)
{
    if (e->notices_n < COAP_ENGINE_NOTICES) {
        e->notices[e->notices_n++] = (struct coap_notice){type, id};
    }
}

err_t coap_out_text(const struct coap_message *m, struct coap_datagram *out)
{
    struct writer w = WRITER_ARRAY(out->b);
    TRY(coap_write(m, &w));
    out->n = w.n;
    return ERR_OK;
}

/* Between ACK_TIMEOUT and ACK_TIMEOUT * ACK_RANDOM_FACTOR; without randomness the longest. */
static usec_t first_wait(const struct coap_engine *e)
{
    uint8_t r[2];
    const struct coap_engine_params *p = e->params;
    usec_t span = p->ack_timeout / 1000 * (p->ack_random_permille > 1000 ? p->ack_random_permille - 1000 : 0);
    if (e->crypto->random(r, sizeof(r)) != ERR_OK) {
        return p->ack_timeout + span;
    }
    return p->ack_timeout + span * (r[0] << 8 | r[1]) / UINT16_MAX;
}

err_t coap_out_con(struct coap_engine *e, struct coap_con *c, struct coap_message *m, usec_t now)
{
    struct coap_datagram text;
    m->type = COAP_CON;
    m->id = e->next_id;
    TRY(coap_out_text(m, &text));
    c->dgram = text;
    c->id = fresh_id(e);
    c->used = true;
    c->ready = true;
    c->sends = 1;
    c->wait = first_wait(e);
    c->next = now + c->wait;
    return ERR_OK;
}

bool coap_out_tick(const struct coap_engine *e, struct coap_con *c, usec_t now)
{
    if (!c->used || now < c->next) {
        return false;
    }
    if (c->sends > e->params->max_retransmit) {
        c->used = false;
        c->ready = false;
        return true;
    }
    c->sends++;
    c->ready = true;
    c->wait *= 2;
    c->next = now + c->wait;
    return false;
}
