/* CBOR: what is taken has no more octets than it claimed, comes back the same by way of CBOR and by way of JSON. */
#include "fuzz.h"
#include "wire/cbor_value.h"
#include "wire/json.h"

static char text[1 << 18];
static char text_again[1 << 18];
static uint8_t octets[1 << 18];
static uint8_t octets_again[1 << 18];

static void by_cbor(const json_t *v)
{
    SCOPED(json_scope) json_t *again = NULL;
    struct writer first = WRITER_ARRAY(octets);
    struct writer second = WRITER_ARRAY(octets_again);
    if (cbor_value_write(v, &first) != ERR_OK) {
        MUST_HOLD(first.overflow);
        return;
    }
    MUST_HOLD(cbor_value_parse(writer_view(&first), &again) == ERR_OK && json_equal(v, again));
    MUST_HOLD(cbor_value_write(again, &second) == ERR_OK && bytes_eq(writer_view(&first), writer_view(&second)));
}

static void by_json(const json_t *v)
{
    SCOPED(json_scope) json_t *again = NULL;
    struct writer first = WRITER_ARRAY(text);
    struct writer second = WRITER_ARRAY(text_again);
    if (json_write(v, &first) != ERR_OK) {
        MUST_HOLD(first.overflow);
        return;
    }
    MUST_HOLD(json_parse(writer_view(&first), &again) == ERR_OK);
    MUST_HOLD(json_write(again, &second) == ERR_OK && bytes_eq(writer_view(&first), writer_view(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(json_scope) json_t *v = NULL;
    SCOPED(json_scope) json_t *from_text = NULL;
    if (cbor_value_parse(bytes_of(data, size), &v) == ERR_OK) {
        MUST_HOLD(json_is_object(v));
        by_cbor(v);
        by_json(v);
    } else {
        MUST_HOLD(v == NULL);
    }
    if (json_parse(bytes_of(data, size), &from_text) == ERR_OK) { /* the answers: handlers write JSON */
        by_cbor(from_text);
    }
    return 0;
}
