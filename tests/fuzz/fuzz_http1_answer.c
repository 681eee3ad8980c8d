/* A response of another server: in pieces it is what it is in one, and nothing that is given on is longer than what came. */
#include "fuzz.h"
#include "wire/http1_answer.h"

#include <string.h>

struct sum {
    size_t lines, octets, body, begun;
};

static void on_begin(void *arg)
{
    struct sum *s = arg;
    s->begun++;
}

static err_t on_header(void *arg, struct text name, struct text value)
{
    struct sum *s = arg;
    MUST_HOLD(name.n <= HTTP1_ANSWER_NAME && value.n <= HTTP1_ANSWER_VALUE);
    s->lines++;
    s->octets += name.n + value.n;
    return ERR_OK;
}

static err_t on_body(void *arg, struct bytes part)
{
    struct sum *s = arg;
    s->body += part.n;
    return s->body > 4096 ? ERR_LIMIT_SIZE : ERR_OK;
}

static bool run(struct bytes in, size_t piece, struct sum *s, struct http1_answer *a)
{
    static const struct http1_answer_to to = {on_begin, on_header, on_body};
    *s = (struct sum){0};
    http1_answer_begin(a, &to, s);
    for (size_t at = 0; at < in.n && !a->done; at += piece) {
        if (http1_answer_feed(a, bytes_of(in.p + at, piece < in.n - at ? piece : in.n - at)) != ERR_OK) {
            return false;
        }
    }
    return a->done || http1_answer_end(a) == ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sum whole, pieces;
    struct http1_answer a, b;
    if (size < 2) {
        return 0;
    }
    struct bytes in = bytes_of(data + 1, size - 1);
    bool ok = run(in, in.n, &whole, &a);
    MUST_HOLD(run(in, (size_t)data[0] + 1, &pieces, &b) == ok);
    MUST_HOLD(a.done == ok && b.done == ok && a.status == b.status);
    MUST_HOLD(whole.octets + whole.body <= in.n);
    if (ok) {
        MUST_HOLD(memcmp(&whole, &pieces, sizeof(whole)) == 0);
    }
    return 0;
}
