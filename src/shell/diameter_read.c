#include "shell/diameter_read.h"

#include <string.h>

enum { CHALLENGE = AKA_RAND_LEN + GSUP_AUTN_LEN, KEY = 16, RES_MIN = 4, RES_MAX = 16 };
enum { SUCCESS = 2001, UNABLE_TO_DELIVER = 3002, TOO_BUSY = 3004, IDENTITY_UNKNOWN = 5401 };

struct bytes diameter_read_octets(const struct diameter_dict *d, msg_or_avp *in, enum diameter_avp which)
{
    const union avp_value *v = diameter_dict_value(d, in, which);
    return v != NULL ? bytes_of(v->os.data, v->os.len) : bytes_empty();
}

static struct text as_text(struct bytes b)
{
    return text_span((const char *)b.p, b.n);
}

/* -- an HSS ------------------------------------------------------------------------------------------------- */
/* The one result that there has to be, or 0. */
static uint32_t result_of(const struct diameter_dict *d, struct msg *m)
{
    struct avp *group = diameter_dict_find(d, m, DIAMETER_EXPERIMENTAL);
    const union avp_value *base = diameter_dict_value(d, m, DIAMETER_RESULT_CODE);
    const union avp_value *own = group == NULL ? NULL : diameter_dict_value(d, group, DIAMETER_EXPERIMENTAL_CODE);
    if ((base == NULL) == (own == NULL)) {
        return 0;
    }
    return base != NULL ? base->u32 : own->u32;
}

static err_t take_vector(const struct diameter_dict *d, struct msg *m, struct text impi, struct zh_frame *f)
{
    struct avp *item = diameter_dict_find(d, m, DIAMETER_AUTH_ITEM);
    struct bytes user = diameter_read_octets(d, m, DIAMETER_USER_NAME), guss = diameter_read_octets(d, m, DIAMETER_GUSS);
    if (item == NULL || (user.n > 0 && !text_eq(as_text(user), impi))) {
        return ERR_PEER_NONSENSE;
    }
    struct bytes challenge = diameter_read_octets(d, item, DIAMETER_AUTHENTICATE), res = diameter_read_octets(d, item, DIAMETER_AUTHORIZATION);
    struct bytes ck = diameter_read_octets(d, item, DIAMETER_CK), ik = diameter_read_octets(d, item, DIAMETER_IK);
    if (challenge.n != CHALLENGE || res.n < RES_MIN || res.n > RES_MAX || ck.n != KEY || ik.n != KEY || guss.n > ZH_FRAME_GUSS_MAX) {
        return ERR_PEER_NONSENSE;
    }
    memcpy(f->vector.rand.b, challenge.p, AKA_RAND_LEN);
    memcpy(f->vector.autn, challenge.p + AKA_RAND_LEN, GSUP_AUTN_LEN);
    f->guss = guss;
    TRY(secret_set(&f->vector.xres.s, res));
    TRY(secret_set(&f->vector.ck.s, ck));
    return secret_set(&f->vector.ik.s, ik);
}

err_t diameter_read_vector(const struct diameter_dict *d, struct msg *maa, struct text impi, struct zh_frame *out)
{
    switch (result_of(d, maa)) {
    case 0:
        return ERR_PEER_NONSENSE;
    case SUCCESS:
        return take_vector(d, maa, impi, out);
    case IDENTITY_UNKNOWN:
        return ERR_DENIED_SUBSCRIBER;
    case UNABLE_TO_DELIVER: /* freeDiameter's own, when no peer is connected */
    case TOO_BUSY:
        return ERR_PEER_UNREACHABLE;
    default:
        return ERR_PEER_REFUSED;
    }
}

/* -- a NAF -------------------------------------------------------------------------------------------------- */
/* R001-135: it may ask for several services [TS 29.109 5.2], each an integer as text [6.3.1.4]. */
static err_t take_gsids(const struct diameter_dict *d, struct msg *m, struct zn_ask *ask)
{
    struct avp_hdr *head = NULL;
    struct avp *at = NULL;
    while ((at = diameter_dict_next(d, m, DIAMETER_GSID, at)) != NULL) {
        uint64_t gsid = 0;
        if (ask->gsids_n == ZN_GSIDS_MAX || fd_msg_avp_hdr(at, &head) != 0 || head->avp_value == NULL ||
            text_u64(as_text(bytes_of(head->avp_value->os.data, head->avp_value->os.len)), UINT32_MAX, &gsid) != ERR_OK) {
            return ERR_MALFORMED;
        }
        ask->gsids[ask->gsids_n++] = (uint32_t)gsid;
    }
    return ERR_OK;
}

err_t diameter_read_ask(const struct diameter_dict *d, struct msg *bir, struct zn_ask *out)
{
    struct b_tid_parts parts;
    const union avp_value *aware = diameter_dict_value(d, bir, DIAMETER_GBA_U_AWARE);
    struct text b_tid = as_text(diameter_read_octets(d, bir, DIAMETER_TRANSACTION));
    if (naf_id_parse(diameter_read_octets(d, bir, DIAMETER_NAF_ID), &out->naf_id) != ERR_OK || b_tid.n == 0) {
        return ERR_MALFORMED;
    }
    if (b_tid_parse(b_tid, &parts) != ERR_OK || TEXT_COPY(b_tid, out->b_tid) != ERR_OK) {
        return ERR_DENIED_B_TID;
    }
    out->gba_u_aware = aware != NULL && aware->u32 == 1;
    return take_gsids(d, bir, out);
}
