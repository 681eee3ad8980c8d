#include "shell/outbound_said.h"

#include "wire/timestamp.h"

#include <string.h>

#define HEAD_LEAST 512

const char *outbound_said_method(enum op op)
{
    static const char *const methods[] = {[OP_CREATE] = "POST", [OP_RETRIEVE] = "GET", [OP_UPDATE] = "PUT",
                                          [OP_DELETE] = "DELETE", [OP_NOTIFY] = "POST"};
    return (unsigned)op < ARRAY_LEN(methods) ? methods[op] : NULL;
}

struct text outbound_said_rqi(const struct outbound_request *rq, uint64_t serial, char room[static OUTBOUND_SAID_RQI])
{
    struct writer w = writer_of((uint8_t *)room, OUTBOUND_SAID_RQI);
    writer_z(&w, "q");
    writer_decimal(&w, serial);
    return rq->rqi.n > 0 ? rq->rqi : writer_view_text(&w);
}

bool outbound_said_once(const struct outbound_request *rq)
{
    return rq->op == OP_CREATE || (rq->op == OP_NOTIFY && !rq->repeatable);
}

bool outbound_said_body(const struct outbound_request *rq)
{
    const char *method = outbound_said_method(rq->op);
    return rq->body.n > 0 || (method != NULL && method[0] == 'P');
}

struct said {
    outbound_said_fn *add;
    void *arg;
    bool ok;
};

static void say(struct said *s, const char *name, struct text value)
{
    for (size_t i = 0; i < value.n; i++) {
        s->ok = s->ok && value.p[i] >= ' ' && value.p[i] <= '~';
    }
    s->ok = s->ok && s->add(s->arg, name, value);
}

static void say_written(struct said *s, const char *name, const struct writer *w)
{
    s->ok = s->ok && writer_finish(w) == ERR_OK;
    if (s->ok) {
        say(s, name, writer_view_text(w));
    }
}

bool outbound_said_headers(const struct outbound_request *rq, uint64_t serial, outbound_said_fn *add, void *arg)
{
    char type[64], ri[OUTBOUND_SAID_RQI], ret[TIMESTAMP_LEN + 2];
    struct writer wret = WRITER_ARRAY(ret), wtype = WRITER_ARRAY(type);
    struct said s = {.add = add, .arg = arg, .ok = true};
    if (rq->has_from) {
        say(&s, "X-M2M-Origin", rq->from);
    }
    say(&s, "X-M2M-RI", outbound_said_rqi(rq, serial, ri));
    say(&s, "X-M2M-RVI", rq->rvi.n > 0 ? rq->rvi : text_of("3"));
    if (rq->authorization.n > 0) {
        say(&s, "Authorization", rq->authorization);
    }
    say(&s, "Accept", text_of(media_name(rq->accept)));
    if (rq->expires != 0 && rq->expires != USEC_NEVER) {
        timestamp_write(&wret, rq->expires);
        say_written(&s, "X-M2M-RET", &wret);
    }
    if (rq->body.n > 0) {
        writer_z(&wtype, media_name(rq->media));
        if (rq->op == OP_CREATE) {
            writer_z(&wtype, ";ty=");
            writer_decimal(&wtype, rq->ty);
        }
        say_written(&s, "Content-Type", &wtype);
        if (rq->media == MEDIA_SOAP) {
            say(&s, "SOAPAction", text_of("\"\"")); /* SOAP 1.1 6.1.1 */
        }
    }
    return s.ok;
}

/* -- as octets ------------------------------------------------------------------------------------------- */
static bool put(struct growing *g, struct text t)
{
    size_t want = g->n + t.n;
    if (want > g->cap && !growing_reserve(g, want > g->cap * 2 ? want : g->cap * 2)) {
        return false;
    }
    if (t.n > 0) {
        memcpy(g->p + g->n, t.p, t.n);
    }
    g->n = want;
    return true;
}

static bool put_header(void *arg, const char *name, struct text value)
{
    return put(arg, text_of(name)) && put(arg, text_of(value.n == 0 ? ":" : ": ")) && put(arg, value) && put(arg, text_of("\r\n"));
}

bool outbound_said_octets(const struct outbound_said *s, struct growing *out)
{
    char length[24];
    struct writer w = WRITER_ARRAY(length);
    struct bytes body = s->rq->body;
    const char *method = outbound_said_method(s->rq->op);
    bool ok = method != NULL && growing_reserve(out, HEAD_LEAST + s->path.n + body.n) && put(out, text_of(method)) &&
              put(out, text_of(text_starts(s->path, "/") ? " " : " /")) && put(out, s->path) &&
              put(out, text_of(" HTTP/1.1\r\n")) && put_header(out, "Host", s->host) &&
              outbound_said_headers(s->rq, s->serial, put_header, out);
    if (ok && outbound_said_body(s->rq)) {
        writer_decimal(&w, body.n);
        ok = put_header(out, "Content-Length", writer_view_text(&w));
    }
    return ok && put(out, text_of("\r\n")) && put(out, text_span((const char *)body.p, body.n));
}
