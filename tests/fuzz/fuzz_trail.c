/*
 * Audit lines from a file: whatever they hold, they are refused with a sentence or drawn; each event at most once, in the
 * order of its chain; and no drawing lets an octet through that drives a terminal or ends an XML element early.
 */
#include "fuzz.h"
#include "cli/trace_steps.h"

#include <string.h>

static char *drawn(const struct trail *t, void (*draw)(const struct trail *, FILE *), size_t *n)
{
    char *out = NULL;
    FILE *f = open_memstream(&out, n);
    MUST_HOLD(f != NULL);
    draw(t, f);
    MUST_HOLD(fclose(f) == 0 && out != NULL);
    return out;
}

/* Box characters are the only octets above ASCII; `box` says whether there may be any. */
static void is_plain(const char *z, size_t n, bool box)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char u = (unsigned char)z[i];
        MUST_HOLD(u == '\n' || (u >= 0x20 && u != 0x7F && (box || u < 0x80)));
    }
}

static void is_balanced(const char *svg)
{
    size_t open = 0;
    size_t close = 0;
    for (const char *p = svg; (p = strchr(p, '<')) != NULL; p++) {
        const char *end = strchr(p, '>');
        MUST_HOLD(end != NULL && strcspn(p + 1, "<") > (size_t)(end - p - 1));
        close += p[1] == '/' ? 1 : 0;
        open += p[1] != '/' && p[1] != '?' && end[-1] != '/' ? 1 : 0;
    }
    MUST_HOLD(open == close);
}

static void draw_all(const struct trail *t)
{
    size_t n = 0;
    char *text = drawn(t, trace_steps_text, &n);
    is_plain(text, n, true);
    free(text);
    char *svg = drawn(t, trace_steps_svg, &n);
    is_plain(svg, n, false);
    is_balanced(svg);
    free(svg);
    char *json = drawn(t, trace_steps_json, &n);
    is_plain(json, n, false);
    free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trail t = {.n = 0};
    char detail[TRAIL_DETAIL_MAX] = "";
    FILE *f = size == 0 ? NULL : fmemopen((void *)(uintptr_t)data, size, "r");
    if (f == NULL) {
        return 0;
    }
    err_t e = trail_add_file(&t, 0, f, detail);
    (void)fclose(f);
    MUST_HOLD((e == ERR_OK) == (detail[0] == '\0'));
    size_t read = t.n;
    size_t shown = 0;
    MUST_HOLD(trail_sort(&t) == ERR_OK && t.n <= read);
    for (size_t i = 1; i < t.n; i++) {
        for (size_t k = 0; k < i && i < 64; k++) {
            MUST_HOLD(t.at[k].chain != t.at[i].chain || t.at[k].number <= t.at[i].number);
        }
    }
    if (t.n > 0) {
        MUST_HOLD(trail_name(&t, text_of(t.at[0].event.object)) == ERR_OK && trail_narrow(&t, &shown) == ERR_OK);
        MUST_HOLD(shown <= t.n);
        draw_all(&t);
        trail_all(&t);
        draw_all(&t);
    }
    trail_free(&t);
    return 0;
}
