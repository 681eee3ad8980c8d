#include "shell/outbound_name.h"

#include <string.h>

#define KNOWN_MS 60000 /* what the resolver said holds so long */

static void looked_cb(uv_getaddrinfo_t *r, int status, struct addrinfo *found)
{
    struct outbound_name *n = r->data;
    size_t got = 0;
    n->looking = false;
    for (struct addrinfo *i = status == 0 ? found : NULL; i != NULL && got < OUTBOUND_NAME_ADDRESSES; i = i->ai_next) {
        if (i->ai_addrlen <= sizeof(n->at[0])) {
            memcpy(&n->at[got++], i->ai_addr, i->ai_addrlen);
        }
    }
    uv_freeaddrinfo(found);
    if (got > 0) {
        n->n = got;
        n->good = 0;
        n->list++;
        n->found = uv_now(n->loop);
    }
    n->fn(n->owner, got > 0);
}

bool outbound_name_is_known(const struct outbound_name *n)
{
    return n->n > 0 && (n->literal || uv_now(n->loop) - n->found < KNOWN_MS);
}

err_t outbound_name_look(struct outbound_name *n)
{
    static const struct addrinfo stream = {.ai_socktype = SOCK_STREAM};
    char port[8];
    struct writer w = WRITER_ARRAY(port);
    writer_decimal(&w, n->port);
    TRY(writer_finish_z(&w));
    if (!n->looking) {
        n->look.data = n;
        n->looking = uv_getaddrinfo(n->loop, &n->look, looked_cb, n->host, port, &stream) == 0;
    }
    return n->looking ? ERR_OK : ERR_PEER_UNREACHABLE;
}

void outbound_name_cancel(struct outbound_name *n)
{
    if (n->looking) {
        (void)uv_cancel((uv_req_t *)&n->look);
    }
}

err_t outbound_name_init(struct outbound_name *n, uv_loop_t *loop, struct text host, outbound_name_fn *fn, void *owner)
{
    uint64_t port = 80;
    size_t bracket = text_find_last(host, ']');
    size_t colon = text_find_last(host, ':');
    bool v6 = text_starts(host, "[") && bracket < host.n;
    *n = (struct outbound_name){.loop = loop, .fn = fn, .owner = owner};
    if (colon < host.n && (!v6 || colon > bracket)) {
        TRY(text_u64(text_skip(host, colon + 1), UINT16_MAX, &port));
        host = text_take(host, colon);
    }
    n->port = (uint16_t)port;
    TRY(TEXT_COPY(v6 ? text_trim(host, "[]") : host, n->host));
    n->literal = uv_ip4_addr(n->host, (int)port, &n->at[0].v4) == 0 || uv_ip6_addr(n->host, (int)port, &n->at[0].v6) == 0;
    n->n = n->literal ? 1 : 0;
    return ERR_OK;
}
