/* Zn: a NAF that owns the FQDN in its NAF_Id is given the keys behind a B-TID [TS 33.220 4.5.3], in the form it asks in (role/zn.h). */
#include "role/bsf/bsf_ctx.h"
#include "role/detail.h"
#include "role/dispatch.h"
#include "role/originator.h"
#include "role/zn.h"

enum { RSC_OK = 2000, RSC_FAULT = 5198 };
enum { GIVEN_MOST = 30 }; /* events of one NAF and B-TID, or of one NAF and reason, in ... */
#define GIVEN_TIME (60 * USEC_PER_SEC)

err_t bsf_zn_cert(const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now, struct association *out)
{
    (void)ctx;
    (void)t;
    (void)now;
    return originator_of_cert(cert, out);
}

/* Its certificate says whose keys it may have: nobody is given those of another NAF. */
static err_t check_owner(const struct request *rq, const struct zn_ask *ask, char detail[static ROLE_DETAIL_MAX])
{
    struct text fqdn = naf_id_fqdn(&ask->naf_id);
    return originator_is(rq->assoc, fqdn) ? ERR_OK : detail_fail(detail, ERR_DENIED_FROM, "nafId", fqdn);
}

/* R001-135: of the services that it asked for. */
static err_t choose_uss(const struct bsf_naf *n, const struct zn_ask *ask, struct zn_answer *a)
{
    for (size_t i = 0; i < n->uss_n; i++) {
        struct uss *u = &a->uss[a->uss_n];
        bool wanted = false;
        TRY(uss_parse(text_of(n->uss[i]), u));
        for (size_t k = 0; k < ask->gsids_n; k++) {
            wanted = wanted || ask->gsids[k] == u->gsid;
        }
        a->uss_n += wanted ? 1 : 0;
    }
    return ERR_OK;
}

/* R001-122, R001-134, R001-135: Enrolee-ID, end and settings go with the key. */
static err_t fill(const struct bsf_naf *n, const struct zn_ask *ask, struct zn_answer *a)
{
    a->gba_u = n->ks.gba_u != 0;
    a->impi = n->ks.impi;
    a->enrolee_id = n->ks.enrolee_id;
    a->made = n->ks.made;
    a->not_after = n->ks.not_after;
    a->me = a->gba_u ? n->ext.s : n->me.s;
    a->uicc = n->in.s;
    return choose_uss(n, ask, a);
}

/* How often in this minute; forgotten, it begins anew. */
static err_t given(struct txn *t, struct text id, usec_t now, usec_t *since, uint64_t *n)
{
    struct bytes b;
    err_t e = rec_get(t, TABLE_BSF_GIVEN, id, &b);
    if (e == ERR_OK) {
        struct reader r = reader_of(b);
        *since = rec_time(&r);
        *n = reader_u64(&r);
        TRY(rec_finish(&r));
    }
    if (e == ERR_NOT_FOUND || now < *since || now - *since >= GIVEN_TIME) {
        *since = now;
        *n = 0;
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* A NAF asks in each handshake, and whoever has seen a B-TID can make it do so without its key; one that has gone bad asks what it likes:
 * so many events of a NAF about the same a minute, or they fill the disk and hide what others did. The NAF is the one of the
 * certificate: a name that it says has as many spellings as it wants. */
static err_t count_given(struct txn *t, const struct request *rq, struct text what, bool *is_event)
{
    char id[B_TID_MAX + sizeof(struct m2mid) + 2];
    uint8_t record[16];
    usec_t since = 0;
    uint64_t n = 0;
    struct writer name = WRITER_ARRAY(id), w = WRITER_ARRAY(record);
    writer_text(&name, what);
    writer_u8(&name, '/');
    writer_text(&name, association_name(rq->assoc));
    TRY(writer_finish(&name));
    TRY(given(t, writer_view_text(&name), rq->now, &since, &n));
    *is_event = n < GIVEN_MOST;
    writer_u64(&w, (uint64_t)since);
    writer_u64(&w, n + 1);
    return *is_event ? rec_put(t, TABLE_BSF_GIVEN, writer_view_text(&name), &w, STORE_PUT_ANY) : ERR_OK;
}

static err_t tell(struct txn *t, const struct request *rq, const struct rec_ks *ks, struct text naf)
{
    struct audit_event e = {.kind = AUDIT_NAF_KEY_GIVEN, .time = rq->now, .outcome = ERR_OK};
    bool is_event = true;
    TRY(count_given(t, rq, text_of(ks->b_tid.z), &is_event));
    TRY(TEXT_COPY(text_take(naf, sizeof(e.peer) - 1), e.peer));
    TRY(TEXT_COPY(text_take(text_of(ks->b_tid.z), sizeof(e.object) - 1), e.object));
    TRY(TEXT_COPY(text_of(rq->assoc->id), e.association));
    return is_event ? txn_audit(t, &e) : ERR_OK;
}

struct asked {
    const struct bsf *b;
    const struct request *rq;
    const struct zn_form *form;
    struct zn_ask ask;
};

static err_t serve(struct asked *x, struct txn *t, struct response *rs)
{
    SCOPED(bsf_naf_wipe) struct bsf_naf n = {0};
    SCOPED(zn_answer_wipe) struct zn_answer a = {.made = 0};
    TRY(x->form->ask_read(x->rq->prim, &x->ask, rs->detail));
    TRY(check_owner(x->rq, &x->ask, rs->detail));
    TRY(bsf_naf_keys(x->b, t, text_of(x->ask.b_tid), &x->ask.naf_id, x->rq->now, &n));
    TRY(fill(&n, &x->ask, &a));
    TRY(tell(t, x->rq, &n.ks, naf_id_fqdn(&x->ask.naf_id)));
    x->form->answer_write(&x->ask, &a, &rs->body);
    rs->media = x->form->media;
    rs->rsc = RSC_OK;
    return ERR_OK;
}

/* The count is all that lasts of what is refused. */
static err_t count_refusal(const struct request *rq, err_t e, struct txn *t)
{
    bool is_event = true;
    if (!dispatch_is_audited(e, rq->assoc)) {
        return ERR_OK;
    }
    t->staged_n = 0;
    t->audit_n = 0;
    TRY(count_given(t, rq, text_of(err_code(e)), &is_event));
    t->keep = true;
    t->quiet = !is_event;
    return ERR_OK;
}

/* A web service refuses with a fault, and each is a 500 [SOAP 1.1 6.2]. */
static err_t refuse(const struct asked *x, err_t e, struct response *rs)
{
    rs->body = writer_of(rs->body.buf, rs->body.cap);
    x->form->refusal_write(&x->ask, e, rs->detail, &rs->body);
    rs->media = x->form->media;
    rs->rsc = RSC_FAULT;
    rs->own_refusal = true;
    return e;
}

err_t bsf_zn(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct asked x = {.b = ctx, .rq = rq, .form = zn_of_path(rq->prim->path)};
    if (x.form == NULL) {
        return ERR_BUG;
    }
    err_t e = serve(&x, t, rs);
    TRY(e == ERR_OK ? ERR_OK : count_refusal(rq, e, t));
    if (x.form->refusal_write != NULL) { /* no answer of oneM2M: its headers do not belong here */
        TRY(TEXT_COPY(text_of("Cache-Control: no-store\n"), rs->headers));
        return e == ERR_OK ? ERR_OK : refuse(&x, e, rs);
    }
    return e;
}
