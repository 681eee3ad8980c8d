#include "shell/peers.h"

#include <stdlib.h>
#include <string.h>

void peers_init(struct peers *p, uint64_t seed)
{
    memset(p, 0, sizeof(*p));
    p->seed = seed | 1;
}

static void prefix_of(const struct ipaddr *ip, uint64_t prefix[2])
{
    memset(prefix, 0, 2 * sizeof(*prefix));
    memcpy(prefix, ip->b, ip->len == 16 ? 8 : ip->len);
    prefix[1] = ip->len;
}

static struct peers_entry **bucket_of(struct peers *p, const uint64_t prefix[2])
{
    uint64_t h = (prefix[0] ^ p->seed) * UINT64_C(0x9E3779B97F4A7C15);
    h ^= prefix[1] + (h >> 29);
    return &p->bucket[(h * p->seed >> 40) % PEERS_BUCKETS];
}

err_t peers_enter(struct peers *p, const struct ipaddr *ip, size_t most, struct peers_entry **out)
{
    uint64_t prefix[2];
    prefix_of(ip, prefix);
    struct peers_entry **at = bucket_of(p, prefix);
    struct peers_entry *e = *at;
    while (e != NULL && memcmp(e->prefix, prefix, sizeof(prefix)) != 0) {
        e = e->next;
    }
    if (e != NULL && most != 0 && e->n >= most) {
        return ERR_LIMIT_BUSY;
    }
    if (e == NULL) {
        e = calloc(1, sizeof(*e));
        if (e == NULL) {
            return ERR_LIMIT_BUSY;
        }
        memcpy(e->prefix, prefix, sizeof(prefix));
        e->next = *at;
        *at = e;
    }
    e->n++;
    *out = e;
    return ERR_OK;
}

void peers_leave(struct peers *p, struct peers_entry *e)
{
    if (e == NULL || --e->n > 0) {
        return;
    }
    for (struct peers_entry **at = bucket_of(p, e->prefix); *at != NULL; at = &(*at)->next) {
        if (*at == e) {
            *at = e->next;
            free(e);
            return;
        }
    }
}
