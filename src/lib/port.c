#include "lib/port.h"

#define PARTS_MAX 4
#define NFKC_MAX 512

keystead_result port_result(err_t e)
{
    static const struct {
        err_t err;
        keystead_result result;
    } map[] = {
        {ERR_OK, KEYSTEAD_OK},
        {ERR_USAGE, KEYSTEAD_BAD_ARGUMENT},
        {ERR_MALFORMED_ID, KEYSTEAD_BAD_ID},
        {ERR_MALFORMED_SUID, KEYSTEAD_BAD_SUID},
        {ERR_LIMIT_SIZE, KEYSTEAD_TOO_LONG},
        {ERR_MALFORMED_JSON, KEYSTEAD_BAD_ANSWER},
        {ERR_PEER_NONSENSE, KEYSTEAD_BAD_ANSWER},
    };
    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].err == e) {
            return map[i].result;
        }
    }
    return KEYSTEAD_CRYPTO;
}

/* -- the caller's callbacks as the core's provider ----------------------------------------------------------- */
static const keystead_crypto *user_of(const struct crypto_port *p)
{
    return ((const struct port *)(const void *)p)->user;
}

static err_t port_hmac(const struct crypto_port *p, struct bytes key, const struct bytes *parts, size_t count,
                       uint8_t out[CRYPTO_HASH_LEN])
{
    const keystead_crypto *user = user_of(p);
    keystead_octets theirs[PARTS_MAX];
    if (count > PARTS_MAX) {
        return ERR_BUG;
    }
    for (size_t i = 0; i < count; i++) {
        theirs[i] = (keystead_octets){parts[i].p, parts[i].n};
    }
    return user->hmac_sha256(user->ctx, (keystead_octets){key.p, key.n}, theirs, count, out) == 0 ? ERR_OK : ERR_CRYPTO;
}

static bool is_ascii(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        if ((unsigned char)t.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static err_t port_nfkc(const struct crypto_port *p, struct text in, struct writer *out)
{
    const keystead_crypto *user = user_of(p);
    char normal[NFKC_MAX];
    size_t n = 0;
    if (is_ascii(in)) {
        writer_text(out, in);
        return writer_finish(out);
    }
    if (user->nfkc == NULL) {
        return ERR_MALFORMED_ID;
    }
    if (user->nfkc(user->ctx, in.p, in.n, normal, sizeof(normal), &n) != 0 || n > sizeof(normal)) {
        return ERR_CRYPTO;
    }
    writer_text(out, text_span(normal, n));
    return writer_finish(out);
}

struct port port_of(const keystead_crypto *c)
{
    return (struct port){.head = {.hmac_sha256 = port_hmac, .nfkc = port_nfkc}, .user = c};
}
