#include "wire/http1_answer.h"

#include <string.h>

static int refuse(struct http1_answer *a, err_t e)
{
    a->err = e;
    return -1;
}

static int on_begin(llhttp_t *parser)
{
    struct http1_answer *a = parser->data;
    a->name_n = a->value_n = 0;
    a->head_done = false;
    a->to->begin(a->arg);
    return 0;
}

/* Appends what fits; the length goes on counting, so that a value cut short is never taken for a whole one. */
static int collect(char *room, size_t cap, size_t *n, const char *p, size_t more)
{
    if (*n < cap) {
        memcpy(room + *n, p, more < cap - *n ? more : cap - *n);
    }
    *n += more;
    return 0;
}

static int on_name(llhttp_t *parser, const char *p, size_t n)
{
    struct http1_answer *a = parser->data;
    return collect(a->name, sizeof(a->name), &a->name_n, p, n);
}

static int on_value(llhttp_t *parser, const char *p, size_t n)
{
    struct http1_answer *a = parser->data;
    return collect(a->value, sizeof(a->value), &a->value_n, p, n);
}

static int on_line(llhttp_t *parser)
{
    struct http1_answer *a = parser->data;
    bool whole = a->name_n <= sizeof(a->name) && a->value_n <= sizeof(a->value);
    size_t kept = a->value_n < sizeof(a->value) ? a->value_n : sizeof(a->value);
    err_t e = a->head_done ? ERR_OK : a->to->header(a->arg, text_span(a->name, whole ? a->name_n : 0), text_span(a->value, kept));
    a->name_n = a->value_n = 0;
    return e == ERR_OK ? 0 : refuse(a, e);
}

/* 101 would turn the rest into another protocol, that nobody asked for. */
static int on_head(llhttp_t *parser)
{
    struct http1_answer *a = parser->data;
    a->status = parser->status_code;
    a->head_done = true;
    return a->status == 101 || a->status < 100 ? refuse(a, ERR_MALFORMED_HTTP) : 0;
}

static int on_body(llhttp_t *parser, const char *p, size_t n)
{
    struct http1_answer *a = parser->data;
    err_t e = a->to->body(a->arg, bytes_of((const uint8_t *)p, n));
    return e == ERR_OK ? 0 : refuse(a, e);
}

static int on_whole(llhttp_t *parser)
{
    struct http1_answer *a = parser->data;
    if (a->status / 100 == 1) {
        return 0;
    }
    a->done = true;
    a->keep_alive = llhttp_should_keep_alive(parser) != 0;
    return HPE_PAUSED;
}

void http1_answer_begin(struct http1_answer *a, const struct http1_answer_to *to, void *arg)
{
    static const llhttp_settings_t settings = {.on_message_begin = on_begin,
                                               .on_header_field = on_name,
                                               .on_header_value = on_value,
                                               .on_header_value_complete = on_line,
                                               .on_headers_complete = on_head,
                                               .on_body = on_body,
                                               .on_message_complete = on_whole};
    a->to = to;
    a->arg = arg;
    a->err = ERR_MALFORMED_HTTP;
    a->begun = a->head_done = a->done = a->keep_alive = false;
    a->status = 0;
    a->name_n = a->value_n = 0;
    llhttp_init(&a->parser, HTTP_RESPONSE, &settings);
    a->parser.data = a;
}

err_t http1_answer_feed(struct http1_answer *a, struct bytes in)
{
    if (a->done) {
        return ERR_MALFORMED_HTTP;
    }
    a->begun = a->begun || in.n > 0;
    llhttp_errno_t code = llhttp_execute(&a->parser, (const char *)in.p, in.n);
    if (a->done && code == HPE_PAUSED) {
        const char *end = llhttp_get_error_pos(&a->parser);
        a->keep_alive = a->keep_alive && end == (const char *)in.p + in.n; /* more than was asked for */
        return ERR_OK;
    }
    return code == HPE_OK ? ERR_OK : a->err;
}

err_t http1_answer_end(struct http1_answer *a)
{
    (void)llhttp_finish(&a->parser);
    a->keep_alive = false;
    return a->done ? ERR_OK : ERR_MALFORMED_HTTP;
}
