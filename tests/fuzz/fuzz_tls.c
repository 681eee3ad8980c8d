/*
 * A fresh server connection of the TLS adapter, fed with octets as from a socket. The first octet says in how large
 * pieces they arrive (low four bits: 2^n octets) and what is answered when a key is asked for (next two bits: the
 * key, a refusal, nothing, nothing ever and free).
 */
#include "shell/pki.h"
#include "shell/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum reply { REPLY_KEY, REPLY_REFUSE, REPLY_ABORT_LATER, REPLY_NONE };

#define FILES 4

/* One context for all runs; its certificate is made anew in each process and leaves no file. */
static struct tls_ctx *ctx_make(void)
{
    static const char *const base[FILES] = {"ca.pem", "ca.key", "leaf.pem", "leaf.key"};
    static const char *const names[] = {"mef.keystead.test", NULL};
    char folder[] = P_tmpdir "/keystead-fuzz-XXXXXX";
    char f[FILES][sizeof(folder) + 16];
    if (mkdtemp(folder) == NULL) {
        abort();
    }
    for (size_t i = 0; i < FILES; i++) {
        (void)snprintf(f[i], sizeof(f[i]), "%s/%s", folder, base[i]);
    }
    const struct pki_ca_request ca = {"made-up CA", "keystead.test", f[0], f[1], 2};
    const struct pki_leaf_request leaf = {f[0], f[1], "mef.keystead.test", f[2], f[3], 2};
    const struct tls_ctx_config cfg = {.cert_file = f[2], .key_file = f[3], .trust_file = f[0], .names = names, .psk = true,
                                       .require_ems = true};
    struct tls_ctx *ctx = NULL;
    char detail[ROLE_DETAIL_MAX];
    if (pki_ca_make(&ca) != ERR_OK || pki_leaf_make(&leaf) != ERR_OK || tls_ctx_new(&cfg, &ctx, detail) != ERR_OK) {
        abort();
    }
    for (size_t i = 0; i < FILES; i++) {
        (void)unlink(f[i]);
    }
    (void)rmdir(folder);
    return ctx;
}

static enum tls_state turn(struct tls *t, enum reply reply)
{
    enum tls_state s = tls_step(t);
    if (s == TLS_WANT_KEY && reply != REPLY_NONE) {
        struct secret key = {.n = 16};
        if (reply == REPLY_REFUSE) {
            tls_refuse(t, ERR_DENIED_PSK_UNKNOWN);
        } else {
            tls_answer(t, &key);
        }
        s = tls_step(t);
    }
    if (s == TLS_ESTABLISHED) {
        if (reply == REPLY_ABORT_LATER) {
            tls_abort(t, ERR_STORE);
        } else {
            tls_release(t);
        }
    }
    if (s == TLS_OPEN) {
        uint8_t buf[256];
        size_t n = 0;
        if (tls_read(t, buf, sizeof(buf), &n) == ERR_OK && tls_write(t, bytes_of(buf, n)) == ERR_OK) {
            s = tls_step(t);
        }
    }
    uint8_t out[512];
    while (tls_drain(t, out, sizeof(out)) > 0) {
    }
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_ctx *ctx;
    if (ctx == NULL) {
        ctx = ctx_make();
    }
    if (size == 0) {
        return 0;
    }
    size_t piece = (size_t)1 << (data[0] & 15);
    enum reply reply = (enum reply)((data[0] >> 4) & 3);
    struct tls *t = NULL;
    if (tls_new(ctx, &t) != ERR_OK) {
        abort();
    }
    for (size_t at = 1; at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        if (tls_feed(t, bytes_of(data + at, n)) != ERR_OK || turn(t, reply) == TLS_FAILED) {
            break;
        }
    }
    if (tls_step(t) == TLS_FAILED && tls_error(t) == ERR_OK) {
        abort(); /* every failure has a reason */
    }
    tls_free(t);
    return 0;
}
