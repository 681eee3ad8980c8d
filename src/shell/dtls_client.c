#include "shell/dtls_client.h"

#include "shell/clock.h"
#include "shell/coap_link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

static void link_scope(struct coap_link **l)
{
    coap_link_free(*l);
}

/* Until something comes or the deadline of the link is there. */
static err_t wait_for(const struct coap_link *l, usec_t until)
{
    usec_t now = clock_monotonic();
    usec_t next = coap_link_deadline(l);
    usec_t end = next < until ? next : until;
    struct pollfd p = {coap_link_fd(l), POLLIN, 0};
    if (now >= until) {
        return ERR_PEER_TIMEOUT;
    }
    int ms = end <= now ? 0 : (int)((end - now) / 1000 + 1);
    return poll(&p, 1, ms) < 0 && errno != EINTR ? ERR_IO : ERR_OK;
}

static err_t take(struct dtls_client *d, const struct coap_link *l, err_t outcome)
{
    struct primitive_response p;
    d->code = coap_link_answer(l, &p);
    TRY(outcome);
    if (p.body.n > d->body_cap) {
        return ERR_PEER_NONSENSE;
    }
    d->rsc = p.rsc;
    d->media = p.media;
    d->body_n = p.body.n;
    if (p.body.n > 0) {
        memcpy(d->body, p.body.p, p.body.n);
    }
    return ERR_OK;
}

err_t dtls_client_exchange(struct dtls_client *d)
{
    SCOPED(link_scope) struct coap_link *l = NULL;
    const struct coap_link_setup s = {.tls = &d->tls, .address = d->tls.address, .crypto = d->crypto, .request = d->request};
    err_t outcome = ERR_OK;
    d->code = 0;
    d->rsc = 0;
    d->body_n = 0;
    TRY(coap_link_new(&s, &l));
    while (!coap_link_step(l, &outcome)) {
        TRY(wait_for(l, d->until));
    }
    return take(d, l, outcome);
}
