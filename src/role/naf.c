#include "role/naf.h"

#include "base/hex.h"
#include "role/detail.h"
#include "role/expire.h"
#include "role/fetched.h"
#include "role/secret_text.h"
#include "wire/bsf_info.h"
#include "wire/json.h"

enum { OF_CARD = 0x10000, /* in question.suid, above the suite: Ks_int_NAF is meant */
       BODY_MAX = 1024 };

void naf_key_wipe(struct naf_key *k)
{
    secret_wipe(&k->key);
}

err_t naf_configure(struct naf *n, const struct conf *cf, struct text fqdn, char detail[static ROLE_DETAIL_MAX])
{
    const char *arg;
    n->bsfs_n = 0;
    TRY(TEXT_COPY(fqdn, n->fqdn));
    for (size_t i = 0; (arg = conf_section_arg(cf, "peer", i)) != NULL; i++) {
        if (!text_eq_z(conf_text(cf, "peer", arg, "kind"), "bsf")) {
            continue;
        }
        if (n->bsfs_n == NAF_BSFS_MAX || TEXT_COPY(text_of(arg), n->bsfs[n->bsfs_n]) != ERR_OK) {
            return detail_fail(detail, ERR_CONFIG, "this [peer] cannot be used", text_of(arg));
        }
        n->bsfs_n++;
    }
    return ERR_OK;
}

/* -- the question ------------------------------------------------------------------------------------------ */
/* R001-133: both ends derive with these octets. btId and nafId need no escape: base64 and an FQDN. */
static err_t body_write(const struct naf *n, const struct role_ua *ua, struct writer *w)
{
    struct naf_id id;
    TRY(naf_id_of(text_of(n->fqdn), naf_id_ua_tls(ua->suite), &id)); /* R001-142: the suite of this handshake */
    writer_z(w, "{\"btId\":\"");
    writer_text(w, ua->b_tid);
    writer_z(w, "\",\"nafId\":\"");
    base64_write(w, naf_id_view(&id));
    writer_z(w, "\",\"gbaUAware\":true}");
    return writer_finish(w);
}

/* R001-132: the BSF is the one that the B-TID names, if the operator knows it. */
err_t naf_question(const struct naf *n, const struct role_ua *ua, struct text origin, struct txn *t, struct question *q)
{
    struct b_tid_parts parts;
    TRY(b_tid_parse(ua->b_tid, &parts));
    size_t i = 0;
    while (i < n->bsfs_n && !text_eq_nocase(parts.fqdn, text_of(n->bsfs[i]))) {
        i++;
    }
    if (i == n->bsfs_n) {
        return ERR_DENIED_PEER;
    }
    uint8_t *body = arena_alloc(t->arena, BODY_MAX);
    struct writer w = writer_of(body, body == NULL ? 0 : BODY_MAX);
    TRY(body_write(n, ua, &w));
    q->body = writer_view(&w);
    q->to_peer = true;
    q->suid = ua->suite | (ua->of_card ? OF_CARD : 0U);
    TRY(keyid_fold(ua->b_tid, &q->key_id));
    TRY(TEXT_COPY(text_of(NAF_PATH), q->path));
    TRY(TEXT_COPY(text_of(n->bsfs[i]), q->peer));
    return TEXT_COPY(origin, q->origin);
}

bool naf_is_question(const struct question *q)
{
    struct b_tid_parts parts;
    return b_tid_parse(text_of(q->key_id.z), &parts) == ERR_OK;
}

/* -- the answer -------------------------------------------------------------------------------------------- */
/* R001-136 .. R001-138, R001-140: Ks_NAF, or Ks_ext_NAF, which has the same name here. R001-139: Ks_int_NAF for a client in the card. */
static err_t key_take(json_t *obj, bool of_card, struct secret *out)
{
    json_t *v = json_object_get(obj, of_card ? "uiccKeyMaterial" : "meKeyMaterial");
    if (of_card && v == NULL) {
        return ERR_DENIED_FETCH; /* it has none: the subscriber has no GBA_U */
    }
    return secret_text_take(v, KEYS_DERIVED_LEN, KEYS_DERIVED_LEN, out) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
}

static err_t success(json_t *obj, const struct question *q, usec_t now, struct naf_key *out)
{
    struct text end = json_get_text(obj, "keyExpiryTime");
    TRY(bsf_info_time_parse(end, &out->not_after) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE);
    if (out->not_after <= now) {
        return ERR_DENIED_EXPIRED;
    }
    TRY(fetched_enrolee(json_object_get(obj, "enroleeID"), &out->enrolee_id));
    out->b_tid = q->key_id;
    out->bsf = text_skip(text_of(out->b_tid.z), text_find(text_of(out->b_tid.z), '@') + 1);
    return key_take(obj, (q->suid & OF_CARD) != 0, &out->key);
}

static void wiped_scope(json_t **v)
{
    secret_text_wipe(*v); /* the key that is not ours to use, too */
    json_scope(v);
}

err_t naf_answer(const struct question *q, const struct answer *a, usec_t now, struct naf_key *out)
{
    SCOPED(wiped_scope) json_t *obj = NULL;
    TRY(a->err);
    if (a->status >= 400 && a->status < 500) { /* B-TID unknown or over, or this target may not have the key */
        return ERR_DENIED_FETCH;
    }
    if (a->status != 200 || json_parse(a->body, &obj) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    return success(obj, q, now, out);
}

bool naf_is_due(struct text b_tid)
{
    struct b_tid_parts parts;
    char hex[2];
    struct writer w = WRITER_ARRAY(hex);
    if (b_tid_parse(b_tid, &parts) != ERR_OK) {
        return false;
    }
    hex_write_lower(&w, bytes_of(parts.rand.b, 1));
    return expire_is_due(writer_view_text(&w), '0');
}
