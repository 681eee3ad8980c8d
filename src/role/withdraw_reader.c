#include "role/withdraw_reader.h"

#include "role/rec.h"

/* Beside the keys that were handed out, and like them (is_over() of withdraw.c): it begins with the end of the last of them. */
enum { VERSION = 1 };
struct reader_rec {
    usec_t not_after;
};
static const struct rec_field fields[] = {{REC_TIME, REC_AT(struct reader_rec, not_after)}};
static const struct rec_layout layout = REC_LAYOUT(struct reader_rec, fields, VERSION, VERSION);

#define DAY (INT64_C(86400) * USEC_PER_SEC)
#define ID_MAX (M2MID_MAX + KEYID_MAX + 32)

struct text withdraw_reader_name(const struct request *rq)
{
    bool from = rq->prim->has_from && rq->prim->from.n > 0;
    return from ? rq->prim->from : association_name(rq->assoc);
}

/* A credential stands first in every other id of the table: none begins with this octet. */
static err_t reader_id(const struct request *rq, char out[static ID_MAX])
{
    struct writer w = writer_of(out, ID_MAX);
    writer_z(&w, "\x01reads\x01");
    writer_text_lower(&w, withdraw_reader_name(rq));
    return writer_finish_z(&w);
}

/* Where it once was kept, for ever. */
static err_t former_id(const struct withdraw_kind *k, const struct request *rq, char out[static ID_MAX])
{
    struct writer w = writer_of(out, ID_MAX);
    writer_z(&w, "reads/");
    writer_z(&w, k->role);
    writer_u8(&w, '/');
    writer_text_lower(&w, withdraw_reader_name(rq));
    return writer_finish_z(&w);
}

err_t withdraw_reader_put(const struct withdraw_kind *k, const struct request *rq, struct txn *t, usec_t until)
{
    char id[ID_MAX], former[ID_MAX];
    uint8_t buf[REC_MAX];
    struct reader_rec r = {0};
    struct bytes there;
    TRY(reader_id(rq, id));
    err_t e = rec_get(t, k->handed, text_of(id), &there);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    TRY(e == ERR_OK ? rec_parse(&layout, there, &r) : ERR_OK);
    if (e == ERR_OK && r.not_after >= until) {
        return ERR_OK;
    }
    r.not_after = until < USEC_NEVER - DAY ? until + DAY : USEC_NEVER; /* written once a day, not with every key */
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_write(&layout, VERSION, &r, NULL, &w));
    TRY(former_id(k, rq, former));
    e = txn_del(t, TABLE_META, text_of(former));
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    return rec_put(t, k->handed, text_of(id), &w, STORE_PUT_ANY);
}

/* A MAF or CSE: what its certificate names is a host or a CSE. */
static bool is_server(const struct association *a)
{
    for (size_t i = 0; i < a->ids_n; i++) {
        enum m2mid_kind kind = m2mid_kind(text_of(a->ids[i].z));
        if (a->framework == ASSOCIATION_CERT && (kind == M2MID_FQDN || m2mid_is_cse(kind))) {
            return true;
        }
    }
    return false;
}

static err_t is_there(struct txn *t, enum store_table table, const char *id, bool *out)
{
    struct bytes there;
    err_t e = rec_get(t, table, text_of(id), &there);
    *out = e == ERR_OK;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* How often something is withdrawn here is for nobody but those who have keys of this authority. */
err_t withdraw_reader_is(const struct withdraw_kind *k, const struct request *rq, struct txn *t, bool *out)
{
    char id[ID_MAX];
    *out = is_server(rq->assoc);
    if (*out) {
        return ERR_OK;
    }
    TRY(reader_id(rq, id));
    TRY(is_there(t, k->handed, id, out));
    if (*out) {
        return ERR_OK;
    }
    TRY(former_id(k, rq, id));
    return is_there(t, TABLE_META, id, out);
}
