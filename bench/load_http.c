#include "load_http.h"

#include "load_plain.h"

static void start(struct load *l, struct load_slot *base)
{
    struct load_plain *s = (struct load_plain *)base;
    const struct load_http *h = l->plan;
    if (load_plain_open(l, s)) {
        load_plain_send(l, s, request_write(&h->request, base->n, s->out));
    }
}

static bool answer(struct load *l, struct load_plain *s)
{
    const struct load_http *h = l->plan;
    struct text location = text_empty();
    size_t n = load_plain_answer(l, s, h->request.status, &location);
    if (n == 0) {
        return false;
    }
    if (h->locations != NULL) {
        (void)fprintf(h->locations, "%.*s\n", (int)location.n, location.p);
    }
    load_plain_taken(s, n);
    load_done(l, &s->base);
    return true;
}

static void ready(struct load *l, struct load_slot *base)
{
    load_plain_ready(l, base, answer);
}

const struct load_ops load_http_ops = {sizeof(struct load_plain), start, ready, load_plain_stop};
