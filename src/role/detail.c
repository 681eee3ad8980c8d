#include "role/detail.h"

static void append(struct writer *w, struct text t)
{
    for (size_t i = 0; i < t.n && w->n + 1 < w->cap; i++) {
        unsigned char c = (unsigned char)t.p[i];
        writer_u8(w, c >= 0x20 && c < 0x7F ? c : (uint8_t)'?');
    }
}

err_t detail_fail(char detail[static ROLE_DETAIL_MAX], err_t e, const char *what, struct text value)
{
    struct writer w = writer_of(detail, ROLE_DETAIL_MAX);
    append(&w, text_of(what));
    if (value.n > 0) {
        append(&w, text_of(": "));
        append(&w, value);
    }
    detail[w.n] = '\0'; /* append leaves room for it */
    return e;
}
