/* A hostile authority: whatever it says it has withdrawn, one transaction stays bounded, only keys with its name are touched,
 * and the same answer comes to an end. */
#include "fuzz.h"
#include "role/maf/maf.h"
#include "role/maf/maf_ctx.h"
#include "shell/crypto_openssl.h"
#include "store/store_memory.h"

#include <string.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)
#define STAGED_MOST 16
#define ROUNDS_MOST 2048

static struct sealer sealer;
static struct maf maf;

static void prepare(void)
{
    static const uint8_t root[32] = {9};
    sealer.crypto = crypto_openssl();
    MUST_HOLD(secret_set(&sealer.root, BYTES_ARRAY(root)) == ERR_OK);
    maf.reg.env = (struct role_env){.crypto = sealer.crypto, .sealer = &sealer};
    strcpy(maf.reg.fqdn, "maf.example.com");
    maf.km_lifetime = USEC_PER_SEC;
    strcpy(maf.mefs[0].fqdn, "mef.example.com");
    maf.mefs[0].profile = CREDENTIAL_R3;
    maf.mefs_n = 1;
}

static err_t once(struct store *store, const struct answer *a, bool *more)
{
    static uint8_t memory[262144];
    struct arena arena = arena_of(memory, sizeof(memory));
    struct question q;
    struct txn t;
    MUST_HOLD(store_begin(store, true) == ERR_OK);
    txn_init(&t, store, &arena, true);
    MUST_HOLD(role_maf.watch(&maf, &t, 0, &q) == ERR_OK && role_maf.watch(&maf, &t, 1, &q) == ERR_NOT_FOUND);
    MUST_HOLD(role_maf.watch(&maf, &t, 0, &q) == ERR_OK);
    err_t e = role_maf.heard(&maf, &q, a, &t, NOW, more);
    MUST_HOLD(t.staged_n <= STAGED_MOST && t.audit_n <= ARRAY_LEN(t.audit));
    for (size_t i = 0; i < t.staged_n; i++) {
        struct text id = text_span((const char *)t.staged[i].id.p, t.staged[i].id.n);
        struct text fqdn = text_skip(id, text_find(id, '@') + 1);
        MUST_HOLD(t.staged[i].table != TABLE_MAF_KM || text_eq_z(fqdn, "mef.example.com"));
    }
    if (e != ERR_OK) {
        store_rollback(store);
        return e;
    }
    MUST_HOLD(txn_apply(&t) == ERR_OK);
    MUST_HOLD(store_commit(store) == ERR_OK);
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned statuses[] = {200, 200, 404, 500};
    if (sealer.crypto == NULL) {
        prepare();
    }
    if (size == 0) {
        return 0;
    }
    struct store *store = NULL;
    MUST_HOLD(store_memory_open(&store) == ERR_OK);
    struct answer a = {.status = statuses[data[0] & 3], .body = bytes_of(data + 1, size - 1)};
    bool more = true;
    err_t e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && more; i++) {
        MUST_HOLD(i < ROUNDS_MOST);
        e = once(store, &a, &more);
    }
    store_close(store);
    return 0;
}
