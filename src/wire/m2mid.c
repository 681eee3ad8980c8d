#include "wire/m2mid.h"

#include "keys/keyid.h"

#include <string.h>

/* The parts of "//sp/first/second", "/first/second" or "first"; views into the identifier. */
struct parts {
    bool absolute; /* starts with "//": sp is set */
    bool relative; /* starts with one "/" */
    struct text sp;
    struct text seg[2];
    size_t n;
};

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

bool m2mid_is_unreserved(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        if (!is_unreserved(t.p[i])) {
            return false;
        }
    }
    return t.n > 0;
}

static bool is_stem_of(struct text t, char first)
{
    return t.n >= 2 && t.p[0] == first && m2mid_is_unreserved(t);
}

bool m2mid_is_stem(struct text t)
{
    return is_stem_of(t, 'C') || is_stem_of(t, 'S');
}

bool m2mid_is_app_id(struct text t)
{
    /* `r` is tolerated up to Release 3 [TS-0001 7.2]. */
    return t.n >= 2 && t.n < M2MID_MAX && (t.p[0] == 'R' || t.p[0] == 'r' || t.p[0] == 'N') && m2mid_is_unreserved(t);
}

static bool split(struct text t, struct parts *out)
{
    *out = (struct parts){.sp = text_empty(), .seg = {text_empty(), text_empty()}};
    if (t.n == 0 || t.n >= M2MID_MAX || t.p[t.n - 1] == '/') {
        return false;
    }
    if (text_starts(t, "//")) {
        out->absolute = true;
        t = text_skip(t, 2);
        if (!text_next(&t, '/', &out->sp) || !keyid_is_fqdn(out->sp)) {
            return false;
        }
    } else if (t.p[0] == '/') {
        out->relative = true;
        t = text_skip(t, 1);
    }
    struct text part;
    while (text_next(&t, '/', &part)) {
        if (out->n == ARRAY_LEN(out->seg) || !m2mid_is_unreserved(part)) {
            return false;
        }
        out->seg[out->n++] = part;
    }
    return out->n > 0;
}

static enum m2mid_kind kind_of(const struct parts *p)
{
    if (!p->absolute && !p->relative) {
        if (p->n != 1) {
            return M2MID_INVALID;
        }
        /* A name that starts with a capital C or S is a stem, even if it could be a host name: FQDNs of
         * authorities are written in lower case. */
        if (m2mid_is_stem(p->seg[0])) {
            return M2MID_STEM;
        }
        return keyid_is_fqdn(p->seg[0]) ? M2MID_FQDN : M2MID_INVALID;
    }
    if (p->n == 2) {
        /* Only a C-type stem is under its registrar; an S-type stem belongs to the SP domain. */
        if (!is_stem_of(p->seg[1], 'C')) {
            return M2MID_INVALID;
        }
        return p->absolute ? M2MID_ABS_AE_C : M2MID_SP_AE_C;
    }
    if (is_stem_of(p->seg[0], 'S')) {
        return p->absolute ? M2MID_ABS_AE_S : M2MID_SP_AE_S;
    }
    return p->absolute ? M2MID_ABS_CSE : M2MID_SP_CSE;
}

static enum m2mid_kind classify(struct text t, struct parts *out)
{
    return split(t, out) ? kind_of(out) : M2MID_INVALID;
}

enum m2mid_kind m2mid_kind(struct text t)
{
    struct parts p;
    return classify(t, &p);
}

bool m2mid_is_ae(enum m2mid_kind k)
{
    return k == M2MID_STEM || k == M2MID_SP_AE_C || k == M2MID_SP_AE_S || k == M2MID_ABS_AE_C || k == M2MID_ABS_AE_S;
}

bool m2mid_is_cse(enum m2mid_kind k)
{
    return k == M2MID_SP_CSE || k == M2MID_ABS_CSE;
}

static bool is_absolute(enum m2mid_kind k)
{
    return k == M2MID_ABS_CSE || k == M2MID_ABS_AE_C || k == M2MID_ABS_AE_S;
}

static err_t join(struct text a, struct text b, struct text c, struct m2mid *out)
{
    struct writer w = WRITER_ARRAY(out->z);
    writer_text(&w, a);
    writer_text(&w, b);
    writer_text(&w, c);
    return writer_finish_z(&w) == ERR_OK ? ERR_OK : ERR_MALFORMED_ID;
}

err_t m2mid_absolute(struct text id, struct text cse_abs, struct m2mid *out)
{
    struct parts p;
    struct parts cse;
    enum m2mid_kind k = classify(id, &p);
    if (classify(cse_abs, &cse) != M2MID_ABS_CSE || k == M2MID_INVALID || k == M2MID_FQDN) {
        return ERR_MALFORMED_ID;
    }
    if (is_absolute(k)) {
        return join(id, text_empty(), text_empty(), out);
    }
    struct text sp = text_take(cse_abs, 2 + cse.sp.n);
    if (k != M2MID_STEM) {
        return join(sp, id, text_empty(), out);
    }
    return join(id.p[0] == 'C' ? cse_abs : sp, text_of("/"), id, out);
}

err_t m2mid_sp_relative(struct text absolute, struct m2mid *out)
{
    struct parts p;
    if (!is_absolute(classify(absolute, &p))) {
        return ERR_MALFORMED_ID;
    }
    return join(text_skip(absolute, 2 + p.sp.n), text_empty(), text_empty(), out);
}

err_t m2mid_stem(struct text ae, struct text *out)
{
    struct parts p;
    if (!m2mid_is_ae(classify(ae, &p))) {
        return ERR_MALFORMED_ID;
    }
    *out = p.seg[p.n - 1];
    return ERR_OK;
}

err_t m2mid_fqdn(struct text absolute, struct m2mid *out)
{
    struct parts p;
    enum m2mid_kind k = classify(absolute, &p);
    if (k != M2MID_FQDN && !is_absolute(k)) {
        return ERR_MALFORMED_ID;
    }
    struct writer w = WRITER_ARRAY(out->z);
    for (size_t i = p.n; i > 0; i--) {
        /* One segment is one label. A dot inside would let two identifiers share a name, and so a key [CHOICE-04]. */
        if (k != M2MID_FQDN && text_find(p.seg[i - 1], '.') != p.seg[i - 1].n) {
            return ERR_MALFORMED_ID;
        }
        writer_text(&w, p.seg[i - 1]);
        writer_text(&w, i > 1 || p.absolute ? text_of(".") : text_empty());
    }
    writer_text(&w, p.sp);
    if (writer_finish_z(&w) != ERR_OK || !keyid_is_fqdn(writer_view_text(&w))) {
        return ERR_MALFORMED_ID;
    }
    for (size_t i = 0; i < w.n; i++) {
        out->z[i] = text_lower(out->z[i]);
    }
    return ERR_OK;
}

void m2mid_fold(char *z)
{
    struct text t = text_of(z);
    size_t from = text_find(t, '@');
    size_t to = t.n;
    if (text_starts(t, "//")) {
        from = 2;
        to = 2 + text_find(text_skip(t, 2), '/');
    } else if (m2mid_kind(t) == M2MID_FQDN) {
        from = 0;
    }
    for (size_t i = from; i < to; i++) {
        z[i] = text_lower(z[i]);
    }
}

bool m2mid_same(struct text a, struct text b)
{
    struct parts pa;
    struct parts pb;
    enum m2mid_kind k = classify(a, &pa);
    if (a.n != b.n || a.n == 0 || k != classify(b, &pb)) {
        return false;
    }
    if (k == M2MID_FQDN) {
        return text_eq_nocase(a, b);
    }
    size_t sp_end = is_absolute(k) ? 2 + pa.sp.n : 0;
    return text_eq_nocase(pa.sp, pb.sp) && text_eq(text_skip(a, sp_end), text_skip(b, sp_end));
}

/* `fold` octets at the front of the identifier compare without case. */
static bool octet_eq(struct text id, size_t at, char c, size_t fold)
{
    return id.p[at] == c || (at < fold && text_lower(id.p[at]) == text_lower(c));
}

/*
 * One pass with a single point to fall back to: the last `*` of the same segment. A '/' that matched
 * clears it, as nothing before a '/' can change what follows. At most segment length squared steps.
 */
static bool glob(struct text pattern, struct text id, size_t fold)
{
    size_t p = 0;
    size_t star = SIZE_MAX;
    size_t resume = 0;
    for (size_t i = 0; i < id.n;) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            resume = i;
        } else if (p < pattern.n && octet_eq(id, i, pattern.p[p], fold)) {
            star = id.p[i] == '/' ? SIZE_MAX : star;
            p++;
            i++;
        } else if (star != SIZE_MAX && id.p[resume] != '/') {
            p = star + 1;
            i = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.n;
}

bool m2mid_match(struct text pattern, struct text id)
{
    if (pattern.n == 0 || id.n == 0 || pattern.n >= M2MID_MAX || id.n >= M2MID_MAX) {
        return false;
    }
    size_t fold = 0;
    if (text_starts(id, "//")) {
        fold = 2 + text_find(text_skip(id, 2), '/');
        bool domain_alone = text_starts(pattern, "//") && pattern.n > 2 && text_find_last(pattern, '/') == 1;
        if (domain_alone) {
            id = text_take(id, fold);
        }
    }
    return glob(pattern, id, fold);
}

bool m2mid_glob(struct text pattern, struct text value)
{
    return pattern.n > 0 && value.n > 0 && glob(pattern, value, 0);
}
