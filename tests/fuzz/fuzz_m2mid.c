/* Identifiers: two lines (identifier or pattern, identifier) through each function. */
#include "fuzz.h"
#include "wire/m2mid.h"

#include <string.h>

static void check_one(struct text id)
{
    static const char base[] = "//sp.example/in";
    struct m2mid abs = {""};
    struct m2mid out = {""};
    struct text stem;
    enum m2mid_kind k = m2mid_kind(id);
    bool is_entity = m2mid_is_ae(k) || m2mid_is_cse(k);

    MUST_HOLD(!m2mid_is_stem(id) || id.n >= M2MID_MAX || k == M2MID_STEM);
    (void)m2mid_is_app_id(id);
    if (m2mid_absolute(id, text_of(base), &abs) == ERR_OK) {
        enum m2mid_kind ka = m2mid_kind(text_of(abs.z));
        MUST_HOLD(is_entity && (ka == M2MID_ABS_CSE || ka == M2MID_ABS_AE_C || ka == M2MID_ABS_AE_S));
        MUST_HOLD(m2mid_is_ae(ka) == m2mid_is_ae(k));
        MUST_HOLD(m2mid_sp_relative(text_of(abs.z), &out) == ERR_OK && m2mid_kind(text_of(out.z)) != M2MID_INVALID);
    } else {
        MUST_HOLD(!is_entity || id.n + sizeof(base) >= M2MID_MAX);
    }
    MUST_HOLD((m2mid_stem(id, &stem) == ERR_OK) == m2mid_is_ae(k));
    MUST_HOLD(!m2mid_is_ae(k) || m2mid_is_stem(stem));
    if (m2mid_fqdn(id, &out) == ERR_OK) {
        /* a name in lower case that starts with no capital is never a stem */
        MUST_HOLD(m2mid_kind(text_of(out.z)) == M2MID_FQDN);
    }
    MUST_HOLD(m2mid_same(id, id) == (id.n > 0));
    MUST_HOLD(k == M2MID_INVALID || m2mid_match(id, id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = text_span((const char *)data, size);
    struct text a = text_take(rest, text_find(rest, '\n'));
    struct text b = text_skip(rest, a.n + 1);
    check_one(a);
    check_one(b);
    MUST_HOLD(m2mid_same(a, b) == m2mid_same(b, a));
    bool plain = memchr(a.p, '*', a.n) == NULL;
    MUST_HOLD(!plain || !m2mid_match(a, b) || text_eq_nocase(a, b) || text_starts(a, "//"));
    return 0;
}
