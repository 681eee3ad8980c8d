#include "shell/crypto_random.h"

#include "base/ct.h"
#include "shell/openssl.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/rand.h>

enum { AHEAD = 512 };

/* All of it lies in the page, so that a child finds zeros: nobody is in it, and nothing is left. */
struct ahead {
    atomic_bool busy;
    size_t left;
    uint8_t b[AHEAD];
};
static struct ahead *ahead; /* NULL: none */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void map_page(void)
{
    void *p = mmap(NULL, sizeof(*ahead), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        return;
    }
    if (madvise(p, sizeof(*ahead), MADV_WIPEONFORK) != 0) {
        (void)munmap(p, sizeof(*ahead));
        return;
    }
    ahead = p;
}

static err_t draw(uint8_t *out, size_t n)
{
    return n <= INT_MAX && RAND_bytes(out, (int)n) == 1 ? ERR_OK : ERR_CRYPTO;
}

/* Each octet goes once: it is wiped where it waited. */
static err_t take(struct ahead *a, uint8_t *out, size_t n)
{
    if (a->left < n) {
        a->left = 0;
        TRY(draw(a->b, sizeof(a->b)));
        a->left = sizeof(a->b);
    }
    a->left -= n;
    memcpy(out, a->b + a->left, n);
    ct_wipe(a->b + a->left, n);
    return ERR_OK;
}

err_t crypto_random_octets(uint8_t *out, size_t n)
{
    (void)pthread_once(&once, map_page);
    if (n > CRYPTO_RANDOM_SHORT || ahead == NULL || atomic_exchange_explicit(&ahead->busy, true, memory_order_acquire)) {
        return draw(out, n); /* also if another thread is at it: nobody waits */
    }
    err_t e = take(ahead, out, n);
    atomic_store_explicit(&ahead->busy, false, memory_order_release);
    return e;
}
