#include "role/reg/rec_allow.h"

#include "role/cert_key.h"

enum { VERSION = 1 };

static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct rec_allow, client)},
    {REC_U8, REC_AT(struct rec_allow, any), .high = 1},
    {REC_LIST, REC_AT(struct rec_allow, targets)},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_allow, fields, VERSION, VERSION);

err_t rec_allow_write(const struct rec_allow *a, struct writer *w)
{
    return rec_write(&layout, VERSION, a, NULL, w);
}

err_t rec_allow_parse(struct bytes b, struct rec_allow *out)
{
    return rec_parse(&layout, b, out);
}

/* How much of an identifier ignores case: the SP part of an absolute one, all of a host name or key identifier, and
 * nothing of what a certificate names. */
static size_t folded_length(struct text client)
{
    if (cert_key_is(client)) {
        return 0;
    }
    if (!text_starts(client, "//")) {
        return client.n;
    }
    return 2 + text_find(text_skip(client, 2), '/');
}

err_t rec_allow_id(struct text client, char out[static REC_ALLOW_ID_MAX])
{
    struct keyid_parts parts;
    bool pattern = text_find(client, '*') < client.n;
    bool named = m2mid_kind(client) == M2MID_FQDN || keyid_parse(client, &parts) == ERR_OK || cert_key_is(client);
    if (!text_starts(client, "//") && !named) {
        return ERR_MALFORMED_ID;
    }
    struct writer w = writer_of(out, REC_ALLOW_ID_MAX);
    writer_z(&w, pattern ? "*" : "");
    size_t fold = folded_length(client);
    writer_text_lower(&w, text_take(client, fold));
    writer_text(&w, text_skip(client, fold));
    return writer_finish_z(&w) == ERR_OK ? ERR_OK : ERR_MALFORMED_ID;
}

bool rec_allow_permits(const struct rec_allow *a, struct text target)
{
    if (a->any) {
        return true;
    }
    for (size_t i = 0; i < a->targets.n; i++) {
        if (m2mid_same(a->targets.at[i], target) || m2mid_match(a->targets.at[i], target)) {
            return true;
        }
    }
    return false;
}
