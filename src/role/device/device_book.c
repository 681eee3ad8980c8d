#include "role/device/device_book.h"

#include "base/ct.h"
#include "role/detail.h"
#include "role/rec.h"

#include <string.h>

enum { SEVERAL = 0x80 /* where a single state has its version */, NUMBER_MAX = 4 };

void device_book_wipe(struct device_book *b)
{
    ct_wipe(b, sizeof(*b));
}

/* -- octets -------------------------------------------------------------------------------------------------- */
err_t device_book_write(const struct device_book *b, const struct sealer *sealer, struct writer *w)
{
    if (b->n == 1) {
        return device_state_write(&b->at[0].s, sealer, w);
    }
    writer_u8(w, SEVERAL);
    writer_u8(w, (uint8_t)b->n);
    for (size_t i = 0; i < b->n; i++) {
        uint8_t room[DEVICE_STATE_RECORD_MAX];
        struct writer one = WRITER_ARRAY(room);
        TRY(device_state_write(&b->at[i].s, sealer, &one));
        writer_u8(w, b->at[i].group);
        writer_block16(w, writer_view(&one));
    }
    return writer_finish(w);
}

static err_t parse_several(struct reader *r, const struct sealer *sealer, struct device_book *out)
{
    (void)reader_u8(r);
    size_t n = reader_u8(r);
    if (n > DEVICE_BOOK_MAX || n == 1) {
        return ERR_MALFORMED_RECORD;
    }
    for (size_t i = 0; i < n; i++) {
        out->at[i].group = reader_u8(r);
        struct bytes one = reader_block16(r);
        if (reader_failed(r) || out->at[i].group >= DEVICE_BOOK_MAX) {
            return ERR_MALFORMED_RECORD;
        }
        TRY(device_state_parse(one, sealer, &out->at[i].s));
        out->n = i + 1;
    }
    return rec_finish(r);
}

err_t device_book_parse(struct bytes b, const struct sealer *sealer, struct device_book *out)
{
    memset(out, 0, sizeof(*out)); /* too large for a copy on the stack */
    struct reader r = reader_of(b);
    bool several = b.n > 0 && b.p[0] == SEVERAL;
    err_t e = several ? parse_several(&r, sealer, out) : device_state_parse(b, sealer, &out->at[0].s);
    if (e != ERR_OK) {
        device_book_wipe(out);
        return e;
    }
    out->n = several ? out->n : 1;
    return ERR_OK;
}

/* -- names ------------------------------------------------------------------------------------------------------ */
static bool is_named(const struct device_state *s, struct text name)
{
    const char *const hosts[] = {s->kpm_id.z, s->mef.fqdn, s->mef.address, s->maf.fqdn}; /* compared without case */
    bool found = m2mid_same(text_of(s->cse_id.z), name);
    for (size_t i = 0; i < ARRAY_LEN(hosts) && !found; i++) {
        found = text_eq_nocase(text_of(hosts[i]), name);
    }
    return found && name.n > 0;
}

/* How many have it, and the last of them. */
static size_t count(const struct device_book *b, struct text name, size_t *last)
{
    uint64_t number = 0;
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (is_named(&b->at[i].s, name)) {
            *last = i;
            n++;
        }
    }
    if (n == 0 && text_u64(name, DEVICE_BOOK_MAX, &number) == ERR_OK && number > 0 && number <= b->n) {
        *last = (size_t)number - 1;
        return 1;
    }
    return n;
}

bool device_book_has(const struct device_book *b, struct text name)
{
    size_t i = 0;
    return count(b, name, &i) == 1;
}

struct device_book_name device_book_name(const struct device_book *b, size_t i)
{
    const struct device_state *s = &b->at[i].s;
    const char *const names[] = {s->cse_id.z, s->kpm_id.z, s->mef.fqdn, s->maf.fqdn};
    struct device_book_name out = {""};
    for (size_t k = 0; k < ARRAY_LEN(names); k++) {
        if (device_book_has(b, text_of(names[k])) && TEXT_COPY(text_of(names[k]), out.z) == ERR_OK) {
            return out;
        }
    }
    struct writer w = WRITER_ARRAY(out.z);
    writer_decimal(&w, i + 1);
    return writer_finish_z(&w) == ERR_OK ? out : (struct device_book_name){""};
}

static err_t choose(const struct device_book *b, struct text name, char detail[static ROLE_DETAIL_MAX])
{
    char said[ROLE_DETAIL_MAX];
    struct writer w = WRITER_ARRAY(said);
    for (size_t i = 0; i < b->n; i++) {
        const struct device_book_name one = device_book_name(b, i);
        if (w.n + strlen(one.z) + NUMBER_MAX < sizeof(said)) { /* what has no room is said by its number */
            writer_z(&w, i == 0 ? "" : ", ");
            writer_z(&w, one.z);
        }
    }
    err_t e = writer_finish_z(&w);
    const char *why = name.n == 0 ? "this state has several places, choose with --at one of"
                                  : "no one place has this name, choose with --at one of";
    return detail_fail(detail, e == ERR_OK ? ERR_USAGE : e, why, text_of(said));
}

err_t device_book_find(const struct device_book *b, struct text name, size_t *out, char detail[static ROLE_DETAIL_MAX])
{
    *out = 0;
    if (b->n == 0) {
        return ERR_NOT_FOUND;
    }
    if (name.n == 0) {
        return b->n == 1 ? ERR_OK : choose(b, name, detail);
    }
    return count(b, name, out) == 1 ? ERR_OK : choose(b, name, detail);
}

/* -- entries --------------------------------------------------------------------------------------------------------- */
/* What two states of one enrolment share, from one to the other; a registrar and what was made for it stay. */
static void share(const struct device_state *from, struct device_state *to)
{
    bool same_provider = strcmp(from->kpm_id.z, to->kpm_id.z) == 0 && strcmp(from->mef.fqdn, to->mef.fqdn) == 0;
    struct device_state old = *to;
    *to = *from;
    to->cse_id = old.cse_id;
    to->cse = old.cse;
    to->kpsa_id = old.kpsa_id;
    to->kpsa = old.kpsa;
    to->kc_id = old.kc_id;
    to->kc = old.kc;
    to->kc_not_after = old.kc_not_after;
    to->kc_since = old.kc_since;
    memcpy(to->ae_stem, old.ae_stem, sizeof(to->ae_stem));
    memcpy(to->app_id, old.app_id, sizeof(to->app_id));
    memcpy(to->ae_from, old.ae_from, sizeof(to->ae_from));
    to->unreachable = old.unreachable;
    to->ae_not_after = old.ae_not_after;
    to->ae_since = old.ae_since;
    if (!same_provider) { /* R000-16: the new one has given nothing yet */
        secret_wipe(&to->kc.s);
        to->kc_id.z[0] = to->ae_stem[0] = '\0';
        to->kc_not_after = to->kc_since = 0;
    }
    device_state_wipe(&old);
}

static uint8_t free_group(const struct device_book *b)
{
    bool used[DEVICE_BOOK_MAX] = {false};
    for (size_t i = 0; i < b->n; i++) {
        used[b->at[i].group] = true;
    }
    uint8_t g = 0;
    while (g < DEVICE_BOOK_MAX - 1 && used[g]) {
        g++;
    }
    return g;
}

err_t device_book_add(struct device_book *b, size_t base, size_t *out)
{
    if (b->n == DEVICE_BOOK_MAX) {
        return ERR_LIMIT_CAPACITY;
    }
    *out = b->n;
    uint8_t group = base < b->n ? b->at[base].group : free_group(b);
    b->at[*out].group = group;
    b->at[*out].s = (struct device_state){.profile = CREDENTIAL_R3};
    if (base < b->n) {
        share(&b->at[base].s, &b->at[*out].s);
    }
    b->n++;
    return ERR_OK;
}

void device_book_remove(struct device_book *b, size_t i)
{
    for (; i + 1 < b->n; i++) {
        b->at[i] = b->at[i + 1];
    }
    b->n--;
    ct_wipe(&b->at[b->n], sizeof(b->at[b->n]));
}

void device_book_put(struct device_book *b, size_t i, const struct device_state *s)
{
    b->at[i].s = *s;
    for (size_t k = 0; k < b->n; k++) {
        if (k != i && b->at[k].group == b->at[i].group) {
            share(s, &b->at[k].s);
        }
    }
}
