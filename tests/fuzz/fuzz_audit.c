/*
 * What somebody who has the file may put into the audit tables: an event that parses is canonical, and no record under
 * any id makes loading, verifying or listing the chain do more than refuse.
 */
#include "fuzz.h"
#include "base/reader.h"
#include "store/audit.h"
#include "store/store_memory.h"

#include <string.h>

static err_t no_hash(struct bytes in, uint8_t out[CRYPTO_HASH_LEN])
{
    memset(out, 0, CRYPTO_HASH_LEN);
    memcpy(out, in.p, in.n < CRYPTO_HASH_LEN ? in.n : CRYPTO_HASH_LEN);
    return ERR_OK;
}

static err_t any_signature(struct bytes pub, struct bytes msg, struct bytes sig)
{
    (void)pub;
    (void)msg;
    (void)sig;
    return ERR_OK;
}

static bool look(void *arg, uint64_t number, const struct audit_event *e)
{
    (void)arg;
    MUST_HOLD(number > 0 && audit_kind_info(e->kind) != NULL);
    return true;
}

static void walk_chain(struct store *s)
{
    static const struct crypto crypto = {.sha256 = no_hash, .verify = any_signature};
    static uint8_t memory[4096];
    struct arena a = arena_of(memory, sizeof(memory));
    struct audit_chain chain;
    uint64_t count = 0;
    uint64_t at = 0;
    err_t loaded = audit_chain_load(s, &crypto, &a, &chain);
    MUST_HOLD(loaded == ERR_OK || loaded == ERR_AUDIT_CHAIN || loaded == ERR_LIMIT_CAPACITY);
    err_t verified = audit_verify(s, &crypto, bytes_empty(), &a, &count, &at);
    MUST_HOLD(verified == ERR_OK || verified == ERR_AUDIT_CHAIN || verified == ERR_LIMIT_CAPACITY);
    err_t tailed = audit_tail(s, 3, look, NULL);
    MUST_HOLD(tailed == ERR_OK || tailed == ERR_MALFORMED_RECORD);
}

/* Records as the input says: table, length of the id, length of the data, both. */
static void as_tables(struct bytes input)
{
    struct store *s = NULL;
    MUST_HOLD(store_memory_open(&s) == ERR_OK && store_begin(s, true) == ERR_OK);
    struct reader r = reader_of(input);
    while (reader_left(&r) > 0) {
        enum store_table t = reader_u8(&r) % 2 == 0 ? TABLE_AUDIT : TABLE_CHECKPOINT;
        struct bytes id = reader_block8(&r);
        struct bytes data = reader_block16(&r);
        if (!reader_failed(&r) && id.n > 0) {
            MUST_HOLD(store_put(s, t, id, data, STORE_PUT_ANY, 0) == ERR_OK);
        }
    }
    walk_chain(s);
    store_close(s);
}

static void as_event(struct bytes input)
{
    struct audit_event e;
    if (audit_event_parse(input, &e) != ERR_OK) {
        return;
    }
    uint8_t buf[AUDIT_RECORD_MAX];
    struct writer w = WRITER_ARRAY(buf);
    MUST_HOLD(audit_event_write(&e, &w) == ERR_OK);
    MUST_HOLD(bytes_eq(writer_view(&w), input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_event(bytes_of(data, size));
    as_tables(bytes_of(data, size));
    return 0;
}
