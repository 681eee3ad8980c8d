#include "base/secret.h"

#include "base/ct.h"

#include <string.h>

err_t secret_set(struct secret *s, struct bytes b)
{
    secret_wipe(s);
    if (b.n > sizeof(s->b)) {
        return ERR_MALFORMED_KEY;
    }
    memcpy(s->b, b.p, b.n);
    s->n = (uint8_t)b.n;
    return ERR_OK;
}

struct bytes secret_view(const struct secret *s)
{
    return bytes_of(s->b, s->n);
}

bool secret_eq(const struct secret *a, const struct secret *b)
{
    return ct_eq(secret_view(a), secret_view(b));
}

bool secret_is_set(const struct secret *s)
{
    return s->n > 0;
}

void secret_wipe(struct secret *s)
{
    ct_wipe(s, sizeof(*s));
}
