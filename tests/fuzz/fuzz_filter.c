/* Filter criteria from a query, with and without escapes: what was understood is said again and understood the same. */
#include "fuzz.h"
#include "wire/filter.h"

#include <string.h>

static err_t parse(struct text query, struct writer *scratch, struct filter *f)
{
    struct text part;
    memset(f, 0, sizeof(*f));
    while (text_next(&query, '&', &part)) {
        size_t eq = text_find(part, '=');
        TRY(filter_parse(text_take(part, eq), text_skip(part, eq + 1), scratch, f));
    }
    return ERR_OK;
}

static bool lists_equal(const struct filter_list *a, const struct filter_list *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        if (!text_eq(a->at[i], b->at[i])) {
            return false;
        }
    }
    return a->n == b->n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char scratch[16384];
    char again[16384];
    char out[32768];
    struct filter f;
    struct filter g;
    struct writer s = WRITER_ARRAY(scratch);
    struct writer t = WRITER_ARRAY(again);
    struct writer w = WRITER_ARRAY(out);
    struct text query = text_span((const char *)data, size < 8192 ? size : 8192);
    (void)parse(query, NULL, &g);
    if (parse(query, &s, &f) != ERR_OK) {
        return 0;
    }
    MUST_HOLD(f.ty_n <= FILTER_LIST_MAX && f.lbl.n <= FILTER_LIST_MAX && f.cty.n <= FILTER_LIST_MAX);
    MUST_HOLD(filter_write(&f, true, &w) == ERR_OK);
    struct text said = writer_view_text(&w);
    MUST_HOLD(parse(text_skip(said, 1), &t, &g) == ERR_OK);
    MUST_HOLD(f.given == g.given && f.ty_n == g.ty_n && lists_equal(&f.lbl, &g.lbl) && lists_equal(&f.cty, &g.cty));
    MUST_HOLD(memcmp(f.number, g.number, sizeof(f.number)) == 0 && memcmp(f.ty, g.ty, sizeof(f.ty)) == 0);
    MUST_HOLD(!filter_has(&f, FILTER_ARP) || text_eq(f.arp, g.arp));
    return 0;
}
