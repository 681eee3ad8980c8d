#include "base/base64url.h"

#include "base/base64.h"

/* `c` if it is not `from`, else `to`, without a branch on a value that may be a key's. */
static char swap(char c, char from, char to)
{
    unsigned differs = ((unsigned)(uint8_t)(c ^ from) + 0xFFU) >> 8; /* 0 or 1 */
    return (char)((uint8_t)c ^ (uint8_t)((differs ^ 1U) * (uint8_t)(from ^ to)));
}

void base64url_write(struct writer *w, struct bytes b)
{
    for (size_t i = 0; i < b.n; i += 3) {
        size_t octets = b.n - i < 3 ? b.n - i : 3;
        char quad[4];
        struct writer q = WRITER_ARRAY(quad);
        base64_write(&q, bytes_of(b.p + i, octets));
        for (size_t k = 0; k < octets + 1; k++) {
            writer_u8(w, (uint8_t)swap(swap(quad[k], '+', '-'), '/', '_'));
        }
    }
}

err_t base64url_parse(struct text t, struct writer *out)
{
    for (size_t i = 0; i < t.n; i += 4) {
        size_t n = t.n - i < 4 ? t.n - i : 4;
        char quad[4] = {'=', '=', '=', '='};
        if (n == 1) {
            return ERR_MALFORMED_BASE64;
        }
        for (size_t k = 0; k < n; k++) {
            char c = t.p[i + k];
            if (c == '+' || c == '/' || c == '=') {
                return ERR_MALFORMED_BASE64;
            }
            quad[k] = swap(swap(c, '-', '+'), '_', '/');
        }
        TRY(base64_parse(text_span(quad, sizeof(quad)), out));
    }
    return ERR_OK;
}
