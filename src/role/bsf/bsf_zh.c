/*
 * Subscribers whose keys an HLR or HSS has (Zh) [TS 33.220 4.4.6]: what the BSF makes of its answers. No vector is used twice,
 * also if the other side gives it twice.
 */
#include "aka/aka_gba_u.h"
#include "role/bsf/bsf_ctx.h"

#include <string.h>

/* What a device is told of the other side: not that of a MEF or MAF. */
static const struct {
    err_t from, to;
} reasons[] = {
    {ERR_DENIED_SUBSCRIBER, ERR_DENIED_IMPI}, {ERR_DENIED_AUTS, ERR_DENIED_AUTS}, {ERR_PEER_UNREACHABLE, ERR_ZH_AWAY},
    {ERR_PEER_TIMEOUT, ERR_ZH_SLOW},          {ERR_LIMIT_BUSY, ERR_ZH_BUSY},      {ERR_PEER_REFUSED, ERR_ZH_REFUSED},
};

static err_t reason_of(err_t e)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].from == e) {
            return reasons[i].to;
        }
    }
    return ERR_ZH_NONSENSE;
}

err_t bsf_zh_stranger(const struct impi *impi, usec_t now, struct rec_subscriber *out)
{
    *out = (struct rec_subscriber){.source = SUBSCRIBER_ELSEWHERE, .impi = *impi, .added = now};
    return TEXT_COPY(text_of("0000"), out->amf); /* the network's, and never asked for here */
}

err_t bsf_zh_check_name(struct txn *t, struct text impi)
{
    struct impi other;
    struct rec_subscriber s;
    err_t e = impi_other_mnc(impi, &other);
    e = e == ERR_OK ? rec_subscriber_get(t, text_of(other.z), &s) : e;
    return e == ERR_NOT_FOUND ? ERR_OK : e == ERR_OK ? ERR_DENIED_IMPI : e;
}

/* The settings as the HSS has them now take the place of those before; an operator's stay. */
static err_t take_guss(const struct bsf *b, struct txn *t, struct bytes xml, struct rec_subscriber *s)
{
    struct guss g;
    if (xml.n == 0 || s->source != SUBSCRIBER_ELSEWHERE) {
        return ERR_OK;
    }
    TRY(guss_parse(xml, &g));
    s->gba_u = g.gba_u ? 1 : 0;
    s->ks_lifetime = g.lifetime;
    s->enrolee_id = g.uid;
    s->guss_made = g.made;
    s->nafs_n = 0;
    for (; s->nafs_n < g.nafs_n; s->nafs_n++) {
        char *out = s->nafs[s->nafs_n];
        out[0] = (char)('0' + g.nafs[s->nafs_n].may);
        TRY(text_copy(text_of(g.nafs[s->nafs_n].fqdn), out + 1, REC_SUBSCRIBER_NAF_MAX - 1));
    }
    s->uss_n = 0;
    for (size_t i = 0; i < g.uss_n; i++) { /* R001-135 */
        s->uss_n += uss_write(&g.uss[i], s->uss[s->uss_n]) == ERR_OK ? 1 : 0;
    }
    return rec_subscriber_put(t, b->env.sealer, s, NULL);
}

/* An HSS leaves out what it was told to be here [TS 29.109 4.2, GUSS-Timestamp]. If an operator has removed it meanwhile nothing would
 * be left of what it forbids: the device asks again, and then it comes whole. */
static err_t check_held(const struct vector_answer *a, const struct rec_subscriber *s)
{
    const usec_t told = a->question->guss_made;
    bool gone = a->guss.n == 0 && told != 0 && s->source == SUBSCRIBER_ELSEWHERE && s->guss_made != told;
    return gone ? ERR_ZH_BUSY : ERR_OK;
}

/* One that names a Ks already would be an old vector. */
static err_t check_new(const struct bsf *b, struct txn *t, const struct aka_rand *rand)
{
    struct b_tid b_tid;
    struct rec_ks ks;
    TRY(b_tid_of(rand, text_of(b->fqdn), &b_tid));
    err_t e = bsf_ks_get(b, t, text_of(b_tid.z), &ks);
    return e == ERR_NOT_FOUND ? ERR_OK : e == ERR_OK ? ERR_ZH_NONSENSE : e;
}

err_t bsf_zh_take(const struct bsf *b, struct txn *t, const struct vector_answer *a, struct rec_subscriber *s,
                  struct aka_vector *out)
{
    if (a->err != ERR_OK) {
        return reason_of(a->err);
    }
    TRY(check_new(b, t, &a->vector->rand));
    TRY(check_held(a, s));
    if (take_guss(b, t, a->guss, s) != ERR_OK) {
        return ERR_ZH_NONSENSE;
    }
    *out = *a->vector;
    return s->gba_u != 0 ? aka_gba_u_vector(b->env.crypto, out) : ERR_OK;
}
