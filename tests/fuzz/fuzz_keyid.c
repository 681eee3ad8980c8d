/* Key identifiers: parts, folding and building them again. */
#include "fuzz.h"
#include "keys/keyid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = text_span((const char *)data, size);
    struct keyid_parts parts;
    struct keyid folded;
    struct keyid made;
    bool fqdn = keyid_is_fqdn(in);
    MUST_HOLD(!fqdn || size <= 253);
    if (keyid_parse(in, &parts) != ERR_OK) {
        return 0;
    }
    MUST_HOLD(!fqdn && keyid_is_fqdn(parts.fqdn) && parts.relative.n > 0);
    MUST_HOLD(parts.relative.n + 1 + parts.fqdn.n == in.n);
    if (in.n >= KEYID_MAX) {
        return 0;
    }
    MUST_HOLD(keyid_fold(in, &folded) == ERR_OK && text_eq_nocase(text_of(folded.z), in));
    MUST_HOLD(keyid_parse(text_of(folded.z), &parts) == ERR_OK);
    MUST_HOLD(keyid_of_name(parts.relative, parts.fqdn, &made) == ERR_OK);
    MUST_HOLD(text_eq(text_of(made.z), text_of(folded.z)));
    return 0;
}
