/* A hostile MEF or BSF: whatever it answers, the MAF keeps a whole, bounded Master Credential or nothing. */
#include "fuzz.h"
#include "role/maf/maf.h"
#include "role/maf/maf_ctx.h"
#include "role/dispatch.h"
#include "shell/crypto_openssl.h"
#include "store/store_memory.h"

#include <string.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)
#define KM_LIFETIME (INT64_C(3600) * USEC_PER_SEC)

static struct sealer sealer;
static struct maf maf;
static struct store *store;

static void prepare(void)
{
    static const uint8_t root[32] = {9};
    sealer.crypto = crypto_openssl();
    MUST_HOLD(secret_set(&sealer.root, BYTES_ARRAY(root)) == ERR_OK);
    maf.reg.env = (struct role_env){.crypto = sealer.crypto, .sealer = &sealer};
    strcpy(maf.reg.fqdn, "maf.example.com");
    maf.km_lifetime = KM_LIFETIME;
    strcpy(maf.mefs[0].fqdn, "mef.example.com");
    maf.mefs[0].profile = CREDENTIAL_R3;
    strcpy(maf.mefs[1].fqdn, "mef2.example.com");
    maf.mefs[1].profile = CREDENTIAL_SEED;
    maf.mefs_n = 2;
    maf.takes_remote = true;
    MUST_HOLD(store_memory_open(&store) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[65536];
    static const unsigned statuses[] = {200, 403, 404, 500};
    if (store == NULL) {
        prepare();
    }
    if (size == 0) {
        return 0;
    }
    struct question q = {.path = ""};
    strcpy(q.key_id.z, (data[0] & 4) != 0 ? "aa@mef2.example.com" : "aa@mef.example.com");
    if ((data[0] & 8) != 0) { /* a BSF, over Zn */
        strcpy(q.key_id.z, "I1U8vpY3qJ0hjWT649R/NQ==@bsf.example.com");
        q.suid = 0x100ae;
    }
    struct answer a = {.status = statuses[data[0] & 3], .body = bytes_of(data + 1, size - 1)};
    struct arena arena = arena_of(memory, sizeof(memory));
    struct txn t;
    struct role_psk p;
    MUST_HOLD(store_begin(store, true) == ERR_OK);
    txn_init(&t, store, &arena, true);
    const struct dispatch_asked asked = {&q, &a, NOW};
    err_t e = dispatch_answer(&role_maf, &maf, &asked, &t, &p);
    if (e == ERR_OK) {
        MUST_HOLD(a.status == 200 && t.staged_n == 1 && t.audit_n == 1);
        MUST_HOLD(p.key.n == KEYS_DERIVED_LEN);
        MUST_HOLD(p.assoc.not_after > NOW && p.assoc.not_after <= NOW + KM_LIFETIME);
        MUST_HOLD(p.assoc.ids_n <= 1);
    } else {
        MUST_HOLD(t.staged_n == 0 && t.audit_n == 0);
    }
    secret_wipe(&p.key);
    store_rollback(store);
    return 0;
}
