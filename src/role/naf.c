#include "role/naf.h"

#include "base/hex.h"
#include "role/detail.h"
#include "role/expire.h"
#include "role/fetched.h"

enum { OF_CARD = 0x10000, /* in question.suid, above the suite: Ks_int_NAF is meant */
       BODY_MAX = 2048 };

void naf_key_wipe(struct naf_key *k)
{
    secret_wipe(&k->key);
}

static err_t add_bsf(struct naf_bsf *b, const struct conf *cf, const char *arg)
{
    struct text path = conf_text(cf, "peer", arg, "zn-path");
    b->form = zn_of_name(conf_text(cf, "peer", arg, "zn-form"));
    b->gsid = (uint32_t)conf_number(cf, "peer", arg, "gsid");
    b->uss_required = text_eq_z(conf_text(cf, "peer", arg, "uss"), "required");
    TRY(b->form != NULL ? ERR_OK : ERR_CONFIG);
    TRY(path.n == 0 || path.p[0] == '/' ? ERR_OK : ERR_CONFIG);
    TRY(TEXT_COPY(path.n > 0 ? path : text_of(b->form->path), b->path));
    return TEXT_COPY(text_of(arg), b->fqdn);
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
        if (n->bsfs_n == NAF_BSFS_MAX || add_bsf(&n->bsfs[n->bsfs_n], cf, arg) != ERR_OK) {
            return detail_fail(detail, ERR_CONFIG, "this [peer] cannot be used", text_of(arg));
        }
        n->bsfs_n++;
    }
    return ERR_OK;
}

/* R000-73, R001-132: the key distribution server is the BSF, the one that the B-TID names, if the operator knows it. */
static const struct naf_bsf *bsf_of(const struct naf *n, struct text fqdn)
{
    for (size_t i = 0; i < n->bsfs_n; i++) {
        if (text_eq_nocase(fqdn, text_of(n->bsfs[i].fqdn))) {
            return &n->bsfs[i];
        }
    }
    return NULL;
}

/* -- the question ------------------------------------------------------------------------------------------ */
/* R001-133: both ends derive with these octets. */
static err_t body_write(const struct naf *n, const struct naf_bsf *b, const struct role_ua *ua, struct writer *w)
{
    struct zn_ask ask = {.gba_u_aware = true, .gsids = {b->gsid}, .gsids_n = 1, .dialect = b->form->dialect};
    TRY(naf_id_of(text_of(n->fqdn), naf_id_ua_tls(ua->suite), &ask.naf_id)); /* R001-142: the suite of this handshake */
    TRY(TEXT_COPY(ua->b_tid, ask.b_tid));
    return b->form->ask_write(&ask, w);
}

err_t naf_question(const struct naf *n, const struct role_ua *ua, struct text origin, struct txn *t, struct question *q)
{
    struct b_tid_parts parts;
    TRY(b_tid_parse(ua->b_tid, &parts));
    const struct naf_bsf *b = bsf_of(n, parts.fqdn);
    if (b == NULL) {
        return ERR_DENIED_PEER;
    }
    uint8_t *body = arena_alloc(t->arena, BODY_MAX);
    struct writer w = writer_of(body, body == NULL ? 0 : BODY_MAX);
    TRY(body_write(n, b, ua, &w));
    q->body = writer_view(&w);
    q->media = b->form->media;
    q->to_peer = true;
    q->suid = ua->suite | (ua->of_card ? OF_CARD : 0U);
    TRY(keyid_fold(ua->b_tid, &q->key_id));
    TRY(TEXT_COPY(text_of(b->path), q->path));
    TRY(TEXT_COPY(text_of(b->fqdn), q->peer));
    return TEXT_COPY(origin, q->origin);
}

bool naf_is_question(const struct question *q)
{
    struct b_tid_parts parts;
    return b_tid_parse(text_of(q->key_id.z), &parts) == ERR_OK;
}

/* -- the answer -------------------------------------------------------------------------------------------- */
/* Settings of a service that was not asked for count for nothing. */
static err_t take_uss(const struct naf_bsf *b, const struct zn_answer *a, struct naf_key *out)
{
    for (size_t i = 0; i < a->uss_n; i++) {
        const struct uss *u = &a->uss[i];
        if (u->gsid != b->gsid) {
            continue;
        }
        TRY(uss_write(u, out->uss[out->uss_n++]) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE);
        for (size_t k = 0; k < u->uids_n && out->enrolee_id.z[0] == '\0'; k++) { /* R001-135: who else knows the Enrolee */
            if (fetched_enrolee_text(text_of(u->uids[k]), &out->enrolee_id) != ERR_OK) {
                out->enrolee_id = (struct m2mid){{0}}; /* a public identity of another service */
            }
        }
    }
    return out->uss_n == 0 && b->uss_required ? ERR_DENIED_USS : ERR_OK;
}

static err_t use(const struct naf_bsf *b, const struct question *q, const struct zn_answer *a, usec_t now, struct naf_key *out)
{
    const bool of_card = (q->suid & OF_CARD) != 0;
    if (a->not_after <= now) {
        return ERR_DENIED_EXPIRED;
    }
    if (of_card && !a->gba_u) {
        return ERR_DENIED_FETCH; /* the subscriber has no GBA_U */
    }
    out->enrolee_id = a->enrolee_id;
    out->not_after = a->not_after;
    out->b_tid = q->key_id;
    out->bsf = text_skip(text_of(out->b_tid.z), text_find(text_of(out->b_tid.z), '@') + 1);
    out->key = of_card ? a->uicc : a->me;
    return take_uss(b, a, out);
}

err_t naf_answer(const struct naf *n, const struct question *q, const struct answer *a, usec_t now, struct naf_key *out)
{
    SCOPED(zn_answer_wipe) struct zn_answer said = {.made = 0};
    const struct naf_bsf *b = bsf_of(n, text_of(q->peer));
    TRY(a->err);
    if (b == NULL) { /* the configuration was reloaded meanwhile */
        return ERR_DENIED_PEER;
    }
    TRY(b->form->answer_read(a->status, a->body, &said));
    return use(b, q, &said, now, out);
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
