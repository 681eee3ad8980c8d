#include "wire/guss.h"

#include "wire/bsf_info.h"

#define LIFETIME_MAX (INT64_C(3650) * 86400)

/* One that cannot be read is none: the HSS sends the settings whole each time. */
static void read_made(struct xml_node n, struct guss *g)
{
    struct text t;
    usec_t made = 0;
    if (xml_is(n, NULL, "timestamp") && xml_text(n, &t) == ERR_OK && bsf_info_time_parse(t, &made) == ERR_OK && made > 0) {
        g->made = made / USEC_PER_SEC * USEC_PER_SEC;
    }
}

static err_t read_bsf_info(struct xml_node info, struct guss *g)
{
    struct text t;
    for (struct xml_node n = xml_first(info); n.at != NULL; n = xml_next(n)) {
        if (xml_is(n, NULL, "uiccType")) {
            TRY(xml_text(n, &t));
            g->gba_u = text_eq_z(t, "GBA_U");
        } else if (xml_is(n, NULL, "lifeTime")) {
            uint64_t seconds = 0;
            TRY(xml_text(n, &t));
            if (text_u64(t, LIFETIME_MAX, &seconds) != ERR_OK || seconds == 0) {
                return ERR_MALFORMED_XML;
            }
            g->lifetime = (usec_t)seconds * USEC_PER_SEC;
        } else {
            read_made(n, g);
        }
    }
    return ERR_OK;
}

static void read_uids(struct xml_node uids, struct guss *g)
{
    struct text t;
    for (struct xml_node n = xml_first(uids); n.at != NULL && g->uid.z[0] == '\0'; n = xml_next(n)) {
        if (!xml_is(n, NULL, "uid") || xml_text(n, &t) != ERR_OK) {
            continue;
        }
        enum m2mid_kind kind = m2mid_kind(t);
        if ((m2mid_is_ae(kind) || m2mid_is_cse(kind)) && TEXT_COPY(t, g->uid.z) != ERR_OK) {
            g->uid.z[0] = '\0';
        }
    }
}

/* A flag that is not known here allows nothing, and one that cannot be read is no leave to pass over it. */
static err_t read_flags(struct xml_node flags, unsigned *may)
{
    *may = 0;
    for (struct xml_node n = xml_first(flags); n.at != NULL; n = xml_next(n)) {
        struct text t;
        uint64_t v = 0;
        if (xml_is(n, NULL, "flag")) {
            TRY(xml_text(n, &t));
            if (text_u64(t, UINT32_MAX, &v) != ERR_OK) {
                return ERR_MALFORMED_XML;
            }
            *may |= v == 1 ? GUSS_ESTABLISH : v == 2 ? GUSS_DISTRIBUTE : 0;
        }
    }
    return ERR_OK;
}

static err_t read_uss(struct xml_node uss, struct guss *g)
{
    unsigned may = GUSS_BOTH;
    struct text group = xml_attribute(uss, "nafGroup");
    struct m2mid fqdn;
    if (g->uss_n < USS_MAX && uss_of_xml(uss, &g->uss[g->uss_n]) == ERR_OK) {
        g->uss_n++;
    }
    for (struct xml_node n = xml_first(uss); n.at != NULL; n = xml_next(n)) {
        if (xml_is(n, NULL, "uids")) {
            read_uids(n, g);
        } else if (xml_is(n, NULL, "flags")) {
            TRY(read_flags(n, &may));
        }
    }
    if (group.n == 0) {
        return ERR_OK;
    }
    if (m2mid_fqdn(group, &fqdn) != ERR_OK) {
        return ERR_MALFORMED_XML;
    }
    if (g->nafs_n == GUSS_NAFS_MAX) {
        return ERR_LIMIT_CAPACITY; /* what is left out would be a target without a limit, or one less */
    }
    g->nafs[g->nafs_n].may = may;
    return TEXT_COPY(text_of(fqdn.z), g->nafs[g->nafs_n++].fqdn);
}

static err_t read_root(struct xml_node root, struct guss *g)
{
    if (!xml_is(root, NULL, "guss")) {
        return ERR_MALFORMED_XML;
    }
    for (struct xml_node n = xml_first(root); n.at != NULL; n = xml_next(n)) {
        if (xml_is(n, NULL, "bsfInfo")) {
            TRY(read_bsf_info(n, g));
        } else if (xml_is(n, NULL, "ussList")) {
            for (struct xml_node u = xml_first(n); u.at != NULL; u = xml_next(u)) {
                TRY(xml_is(u, NULL, "uss") ? read_uss(u, g) : ERR_OK);
            }
        } else {
            read_made(n, g);
        }
    }
    return ERR_OK;
}

err_t guss_parse(struct bytes xml, struct guss *out)
{
    SCOPED(xml_wipe) struct xml x = {NULL};
    *out = (struct guss){.nafs_n = 0};
    TRY(xml_read(xml, GUSS_MAX, &x));
    return read_root(xml_root(&x), out);
}
