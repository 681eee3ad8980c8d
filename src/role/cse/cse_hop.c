#include "role/cse/cse_hop.h"

#include "role/cse/cse_csr.h"
#include "role/cse/cse_relay.h"

err_t cse_hop_target(const struct cse *cse, struct text to, struct m2mid *out)
{
    struct text rest = text_starts(to, "//") ? text_skip(to, 2) : to;
    size_t sp = text_starts(to, "//") ? 2 + text_find(rest, '/') : 0; /* octets before "/cse" */
    rest = text_skip(to, sp);
    if (!text_starts(rest, "/")) {
        return ERR_NOT_FOUND;
    }
    struct text id = text_take(to, sp + 1 + text_find(text_skip(rest, 1), '/'));
    return m2mid_is_cse(m2mid_kind(id)) && m2mid_absolute(id, text_of(cse->self.z), out) == ERR_OK ? ERR_OK : ERR_NOT_FOUND;
}

static struct text sp_of(struct text absolute)
{
    struct text sp = text_skip(absolute, 2);
    return text_take(sp, text_find(sp, '/'));
}

static bool is_registrar(const struct cse *cse, const struct cse_way *way)
{
    return m2mid_same(text_of(way->csi.z), text_of(cse->registrar.csi.z));
}

struct search {
    const struct cse *cse;
    struct txn *t;
    usec_t now;
    struct text target;
    const struct association *came; /* NULL: it is our own */
};

static bool came_from(const struct search *s, const char *csi)
{
    return s->came != NULL && association_is_bound_to(s->came, text_of(csi));
}

static err_t leads_down(const struct search *s, const struct cse_way *way, bool *out)
{
    *out = m2mid_same(s->target, text_of(way->csi.z));
    if (*out || is_registrar(s->cse, way)) {
        return ERR_OK;
    }
    if (cse_csr_is_foreign(s->cse, text_of(way->csi.z))) { /* Mcc': its domain is behind it */
        *out = s->cse->inter_domain && cse_csr_same_domain(text_of(way->csi.z), s->target);
        return ERR_OK;
    }
    return cse_csr_is_below(s->t, text_of(way->csi.z), s->target, s->now, out);
}

/* Of a registered CSE: who is not registered is not reached, whatever the configuration has. */
static err_t down(const struct search *s, const struct cse_way **out)
{
    for (size_t i = 0; i < s->cse->ways_n; i++) {
        const struct cse_way *way = &s->cse->ways[i];
        struct cse_res r;
        bool leads = false;
        err_t e = cse_csr_get(s->t, text_of(way->csi.z), s->now, &r);
        TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
        if (e == ERR_OK) {
            TRY(leads_down(s, way, &leads));
        }
        if (leads) {
            *out = way;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

static err_t up(const struct search *s, const struct cse_way **out)
{
    struct cse_res r;
    if (s->cse->registrar.fqdn.z[0] == '\0' || came_from(s, s->cse->registrar.csi.z)) {
        return ERR_NOT_FOUND; /* what came down does not go up again */
    }
    TRY(cse_csr_get(s->t, text_of(s->cse->registrar.csi.z), s->now, &r));
    for (size_t i = 0; i < s->cse->ways_n; i++) {
        if (is_registrar(s->cse, &s->cse->ways[i])) {
            *out = &s->cse->ways[i];
        }
    }
    return *out != NULL ? ERR_OK : ERR_NOT_FOUND;
}

/* Never back to where it came from. From as the next one is told it: `from`, SP-relative within our own service provider. */
static err_t way_to(const struct search *s, const struct m2mid *relative, const struct m2mid *absolute, struct hop *out)
{
    const struct cse_way *way = NULL;
    err_t e = down(s, &way);
    e = e == ERR_NOT_FOUND ? up(s, &way) : e;
    TRY(e);
    if (came_from(s, way->csi.z)) {
        return ERR_NOT_FOUND;
    }
    bool same = text_eq_nocase(sp_of(s->target), text_of(s->cse->sp.z)) && relative->z[0] != '\0';
    TRY(TEXT_COPY(text_of(same ? relative->z : absolute->z), out->from));
    return TEXT_COPY(text_of(way->fqdn.z), out->peer);
}

/* Registrations are made at the CSE itself. */
static bool is_registration(const struct primitive *p)
{
    return p->op == OP_CREATE && (p->ty == TYPE_AE || p->ty == TYPE_CSR);
}

err_t cse_hop_next(const void *ctx, const struct request *rq, struct txn *t, struct hop *out)
{
    const struct cse *cse = ctx;
    struct cse_from from;
    struct m2mid target;
    char detail[ROLE_DETAIL_MAX];
    TRY(media_is_content(rq->prim->media) ? ERR_OK : ERR_MEDIA_TYPE); /* octets that are no primitive would leave in our name */
    if (rq->prim->op == OP_NOTIFY && cse_addr_is_local(cse, rq->prim->to)) {
        return cse_relay_hop(cse, rq, t, out);
    }
    if (cse->ways_n == 0 || cse_addr_is_local(cse, rq->prim->to) || is_registration(rq->prim)) {
        return ERR_NOT_FOUND;
    }
    TRY(cse_hop_target(cse, rq->prim->to, &target));
    TRY(cse_from_check(cse, rq, t, &from, detail)); /* who speaks in another's name goes no further */
    const struct search s = {cse, t, rq->now, text_of(target.z), rq->assoc};
    return way_to(&s, &from.sp_relative, &from.absolute, out);
}

err_t cse_hop_own(const struct cse *cse, struct txn *t, struct text to, usec_t now, struct hop *out)
{
    struct m2mid target;
    TRY(cse_hop_target(cse, to, &target));
    const struct search s = {cse, t, now, text_of(target.z), NULL};
    return way_to(&s, &cse->csi, &cse->self, out);
}

/* -- addresses ------------------------------------------------------------------------------------------------------ */
err_t cse_hop_absolute(const struct cse *cse, struct text to, struct writer *out)
{
    struct m2mid id;
    struct text part;
    if (cse_hop_target(cse, to, &id) != ERR_OK) {
        return ERR_CONTENTS;
    }
    m2mid_fold(id.z); /* one target, however the service provider is spelled */
    size_t named = text_starts(to, "//") ? text_of(id.z).n : text_of(id.z).n - text_find(text_skip(text_of(id.z), 2), '/') - 2;
    struct text rest = text_skip(to, named);
    writer_z(out, id.z);
    writer_text(out, rest);
    if (rest.n == 0) {
        return writer_finish(out);
    }
    for (rest = text_skip(rest, 1); text_next(&rest, '/', &part);) {
        TRY(m2mid_is_unreserved(part) && !text_eq_z(part, ".") && !text_eq_z(part, "..") ? ERR_OK : ERR_CONTENTS);
    }
    return to.p[to.n - 1] == '/' ? ERR_CONTENTS : writer_finish(out);
}

err_t cse_hop_path(const struct cse *cse, struct text absolute, struct writer *out)
{
    bool same = text_eq_nocase(sp_of(absolute), text_of(cse->sp.z));
    writer_z(out, same ? "/~" : "/_");
    writer_text(out, text_skip(absolute, same ? 2 + sp_of(absolute).n : 1));
    return writer_finish_z(out);
}

err_t cse_hop_is_above(const struct cse *cse, struct txn *t, struct text id, usec_t now, bool *out)
{
    struct cse_from who = {0};
    struct cse_res r;
    struct m2mid ri;
    struct store_value v;
    TRY(cse_from_forms(cse, id, &who));
    *out = !m2mid_same(text_of(who.absolute.z), text_of(cse->self.z));
    if (!*out || who.sp_relative.z[0] == '\0' || cse_csr_ri(&who, &ri) != ERR_OK) { /* of another provider, who is reached through the registrar alone */
        return ERR_OK;
    }
    err_t here = cse_csr_get(t, text_of(who.absolute.z), now, &r);
    TRY(here == ERR_NOT_FOUND ? ERR_OK : here);
    err_t below = txn_get(t, TABLE_CSE_AE, text_of(ri.z), &v);
    *out = here == ERR_NOT_FOUND && below == ERR_NOT_FOUND;
    return below == ERR_NOT_FOUND ? ERR_OK : below;
}
