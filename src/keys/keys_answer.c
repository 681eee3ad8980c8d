#include "keys/keys_gba.h"

enum { CK_LEN = 16, IK_LEN = 16, RES_MIN = 4 }; /* TS 33.102 6.3.7: what a USIM gives */

err_t keys_answer_join(const struct key_res *res, const struct key_ck *ck, const struct key_ik *ik, struct key_answer *out)
{
    secret_wipe(&out->s);
    if (ck->s.n != CK_LEN || ik->s.n != IK_LEN || res->s.n < RES_MIN) {
        return ERR_MALFORMED_KEY;
    }
    struct writer w = WRITER_ARRAY(out->s.b);
    writer_bytes(&w, secret_view(&ck->s));
    writer_bytes(&w, secret_view(&ik->s));
    writer_bytes(&w, secret_view(&res->s));
    TRY(writer_finish(&w));
    out->s.n = (uint8_t)w.n;
    return ERR_OK;
}

err_t keys_answer_split(const struct key_answer *in, struct key_res *res, struct key_ck *ck, struct key_ik *ik)
{
    struct bytes b = secret_view(&in->s);
    if (b.n < CK_LEN + IK_LEN + RES_MIN) {
        return ERR_MALFORMED_KEY;
    }
    TRY(secret_set(&ck->s, bytes_of(b.p, CK_LEN)));
    TRY(secret_set(&ik->s, bytes_of(b.p + CK_LEN, IK_LEN)));
    return secret_set(&res->s, bytes_of(b.p + CK_LEN + IK_LEN, b.n - CK_LEN - IK_LEN));
}
