/*
 * The index of each name's last refusal: whatever an event says, its names are folded, few and found again; whatever
 * stands in the index, a lookup ends with that event or an error, and the next refusal writes a good record over it.
 */
#include "fuzz.h"
#include "base/reader.h"
#include "store/audit_find.h"
#include "store/store_memory.h"

#include <string.h>

static void names_are_folded(const struct audit_event *e, struct audit_find_names *names)
{
    char again[AUDIT_FIND_NAME_MAX];
    audit_find_names(e, names);
    MUST_HOLD(names->n <= AUDIT_FIND_NAMES_MAX);
    for (size_t i = 0; i < names->n; i++) {
        MUST_HOLD(names->at[i][0] != '\0' && strlen(names->at[i]) < AUDIT_FIND_NAME_MAX);
        audit_find_fold(text_of(names->at[i]), again);
        MUST_HOLD(strcmp(again, names->at[i]) == 0 && audit_find_is_about(e, names->at[i]));
    }
}

/* `record`: what somebody else put there under the first name. */
static void index_heals(const struct audit_event *e, const struct audit_find_names *names, struct bytes record)
{
    static uint8_t memory[4096];
    struct arena a = arena_of(memory, sizeof(memory));
    struct audit_find_last last;
    struct store *s = NULL;
    MUST_HOLD(store_memory_open(&s) == ERR_OK && store_begin(s, true) == ERR_OK);
    struct bytes name = text_bytes(text_of(names->at[0]));
    MUST_HOLD(store_put(s, TABLE_REFUSAL_OF, name, record, STORE_PUT_ANY, 0) == ERR_OK);
    err_t found = audit_find_last(s, names->at[0], &a, &last);
    MUST_HOLD(found == ERR_NOT_FOUND || found == ERR_MALFORMED_RECORD || found == ERR_LIMIT_CAPACITY);
    MUST_HOLD(audit_find_note(s, 7, e) == ERR_OK);
    a = arena_of(memory, sizeof(memory));
    found = audit_find_last(s, names->at[0], &a, &last);
    MUST_HOLD(found == ERR_NOT_FOUND); /* the record parses, and the chain is empty */
    MUST_HOLD(e->outcome == ERR_OK || last.number == 7);
    store_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct audit_event e;
    struct audit_find_names names;
    struct bytes record = reader_block8(&r);
    struct bytes event = reader_take(&r, reader_left(&r));
    if (reader_failed(&r) || audit_event_parse(event, &e) != ERR_OK) {
        return 0;
    }
    names_are_folded(&e, &names);
    if (names.n > 0 && e.outcome != ERR_OK && record.n > 0) {
        index_heals(&e, &names, record);
    }
    return 0;
}
