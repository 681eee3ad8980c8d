#include "shell/peers.h"

#include <stdlib.h>
#include <string.h>

void peers_init(struct peers *p, uint64_t seed, const struct peers_limits *limits)
{
    memset(p, 0, sizeof(*p));
    p->limits = *limits;
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

/* -- the rate ------------------------------------------------------------------------------------------ */
static usec_t full(const struct peers *p)
{
    return (usec_t)p->limits.rate * USEC_PER_SEC;
}

static void refill(const struct peers *p, struct peers_entry *e, usec_t now)
{
    usec_t passed = now - e->at;
    usec_t gained = passed >= USEC_PER_SEC ? full(p) : passed * (usec_t)p->limits.rate;
    e->tokens = e->tokens + gained < full(p) ? e->tokens + gained : full(p);
    e->at = now;
}

static bool take_token(const struct peers *p, struct peers_entry *e, usec_t now)
{
    if (p->limits.rate == 0) {
        return true;
    }
    refill(p, e, now);
    if (e->tokens < USEC_PER_SEC) {
        return false;
    }
    e->tokens -= USEC_PER_SEC;
    return true;
}

/* -- entries ------------------------------------------------------------------------------------------- */
static struct peers_entry *entry_of(struct peers *p, const struct ipaddr *ip, usec_t now)
{
    uint64_t prefix[2];
    prefix_of(ip, prefix);
    struct peers_entry **at = bucket_of(p, prefix);
    struct peers_entry *e = *at;
    while (e != NULL && memcmp(e->prefix, prefix, sizeof(prefix)) != 0) {
        e = e->next;
    }
    if (e == NULL && (e = calloc(1, sizeof(*e))) != NULL) {
        memcpy(e->prefix, prefix, sizeof(prefix));
        e->tokens = full(p);
        e->at = now;
        e->next = *at;
        *at = e;
    }
    return e;
}

err_t peers_enter(struct peers *p, const struct ipaddr *ip, usec_t now, struct peers_entry **out)
{
    struct peers_entry *e = entry_of(p, ip, now);
    if (e == NULL || (p->limits.most != 0 && e->n >= p->limits.most) || !take_token(p, e, now)) {
        return ERR_LIMIT_BUSY;
    }
    e->n++;
    *out = e;
    return ERR_OK;
}

void peers_leave(struct peers *p, struct peers_entry *e)
{
    if (e == NULL || --e->n > 0 || p->limits.rate != 0) {
        return; /* with a rate the entry stays until its bucket is full again: peers_sweep */
    }
    for (struct peers_entry **at = bucket_of(p, e->prefix); *at != NULL; at = &(*at)->next) {
        if (*at == e) {
            *at = e->next;
            free(e);
            return;
        }
    }
}

void peers_sweep(struct peers *p, usec_t now)
{
    for (size_t i = 0; p->limits.rate != 0 && i < PEERS_BUCKETS; i++) {
        for (struct peers_entry **at = &p->bucket[i]; *at != NULL;) {
            struct peers_entry *e = *at;
            refill(p, e, now);
            if (e->n == 0 && e->tokens == full(p)) {
                *at = e->next;
                free(e);
            } else {
                at = &e->next;
            }
        }
    }
}
