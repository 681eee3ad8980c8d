/*
 * The audit chain: enumerated events with fixed fields, each carrying the hash of the one before,
 * written in the transaction of the change they tell of; signed checkpoints (Ed25519).
 * Audit is not logging: a stranger who is refused before authentication leaves no event, but for a certificate that he
 * shows (shell/refusal_gate.h: a bounded number of them).
 */
#ifndef KEYSTEAD_STORE_AUDIT_H
#define KEYSTEAD_STORE_AUDIT_H

#include "crypto/crypto.h"
#include "store/store.h"

#define AUDIT_TEXT_MAX 256
#define AUDIT_RECORD_MAX 1024

enum audit_kind {
#define X(name, number, code, doc) AUDIT_##name = (number),
#include "store/audit_rows.h"
#undef X
};

struct audit_event {
    enum audit_kind kind;
    usec_t time;
    err_t outcome;                  /* ERR_OK or the reason of the refusal */
    char peer[AUDIT_TEXT_MAX];      /* authenticated identity or Credential-ID; "operator" for ctl */
    char object[AUDIT_TEXT_MAX];    /* what it was about: key identifier, resource, credential; never a key */
    char association[48];           /* its unique id, or empty */
    char instance[AUDIT_TEXT_MAX];  /* FQDN of the instance of the role; empty: the default one */
};

/* Head of the chain, kept by the writer in memory and re-read on start. */
struct audit_chain {
    uint64_t next; /* number of the next event, from 1 */
    uint8_t hash[CRYPTO_HASH_LEN];
};

struct audit_info {
    const char *code;
    const char *doc;
};
const struct audit_info *audit_kind_info(enum audit_kind k); /* NULL if there is no such kind */

MUST_USE err_t audit_event_write(const struct audit_event *e, struct writer *w);
MUST_USE err_t audit_event_parse(struct bytes b, struct audit_event *out);

/* Inside an open write transaction. */
MUST_USE err_t audit_chain_load(struct store *s, const struct crypto *c, struct arena *a, struct audit_chain *out);
MUST_USE err_t audit_chain_append(struct store *s, const struct crypto *c, struct audit_chain *chain,
                                  const struct audit_event *e);
MUST_USE err_t audit_checkpoint(struct store *s, const struct crypto *c, const struct audit_chain *chain,
                                struct bytes sign_seed, usec_t now);

/* Walks the whole chain and every checkpoint; ERR_AUDIT_CHAIN names the first bad number in *at. */
MUST_USE err_t audit_verify(struct store *s, const struct crypto *c, struct bytes sign_public, struct arena *a,
                            uint64_t *count, uint64_t *at);
/* The last `limit` events, oldest first. */
typedef bool audit_tail_fn(void *arg, uint64_t number, const struct audit_event *e);
MUST_USE err_t audit_tail(struct store *s, size_t limit, audit_tail_fn *fn, void *arg);
/* Backwards from the event before number `before` (0: from the last one), at most `limit` of them. */
MUST_USE err_t audit_back(struct store *s, uint64_t before, size_t limit, audit_tail_fn *fn, void *arg);
MUST_USE err_t audit_get(struct store *s, uint64_t number, struct arena *a, struct audit_event *out); /* ERR_NOT_FOUND */

#endif
