/* An audit record from a store that somebody else may have written: what parses is canonical. */
#include "store/audit.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct audit_event e;
    if (audit_event_parse(bytes_of(data, size), &e) != ERR_OK) {
        return 0;
    }
    uint8_t buf[AUDIT_RECORD_MAX];
    struct writer w = WRITER_ARRAY(buf);
    if (audit_event_write(&e, &w) != ERR_OK || !bytes_eq(writer_view(&w), bytes_of(data, size))) {
        abort();
    }
    return 0;
}
