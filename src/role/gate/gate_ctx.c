#include "role/gate/gate_ctx.h"

#include "role/detail.h"
#include "wire/json.h"

#include <string.h>

const struct conf_row gate_ctx_rows[GATE_CTX_ROWS_N] = {
    {.section = "gate", .key = "sp", .type = CONF_FQDN, .flags = CONF_REQUIRED,
     .doc = "M2M service provider's domain, example.com"},
    {.section = "gate", .key = "csi", .type = CONF_TEXT, .fallback = "/in", .doc = "SP-relative CSE-ID of the CSE behind"},
    {.section = "gate", .key = "behind", .type = CONF_TEXT, .flags = CONF_REQUIRED,
     .doc = "URL of the CSE behind: http://HOST:PORT that is in [server] points-of-access, or https://FQDN of a [peer] of kind cse"},
    {.section = "gate", .key = "frameworks", .type = CONF_TEXT, .flags = CONF_MANY, .fallback = "psk,cert,maf,gba",
     .doc = "the frameworks whose security associations are accepted: psk, cert, maf, gba"},
    {.section = "gate", .key = "privileges", .type = CONF_TEXT,
     .doc = "access control rules of the gate, {\"acr\": [...]} as in pv of an accessControlPolicy; default: the CSE behind decides"},
    {.section = "gate", .key = "notify-from", .type = CONF_TEXT, .flags = CONF_MANY, .fallback = "127.0.0.1,::1",
     .doc = "addresses or networks from which the CSE behind sends notifications to a plain listener"},
};

static bool has_cse(const struct conf *cf, struct text fqdn)
{
    const char *arg;
    for (size_t i = 0; (arg = conf_section_arg(cf, "peer", i)) != NULL; i++) {
        if (text_eq_nocase(fqdn, text_of(arg))) {
            return text_eq_z(conf_text(cf, "peer", arg, "kind"), "cse") && conf_text(cf, "peer", arg, "csi").n == 0;
        }
    }
    return false;
}

/* On the operator's list as every other target: the same rule is applied to each request when it leaves. */
static err_t behind(struct gate_ctx *g, const struct conf *cf, char *detail)
{
    struct text url = conf_text(cf, "gate", NULL, "behind");
    bool tls = text_starts(url, "https://");
    if (!tls && !text_starts(url, "http://")) { /* over CoAP the tokens of a request would be lost */
        return detail_fail(detail, ERR_CONFIG, "behind: neither http:// nor https://", text_take(url, 64));
    }
    TRY(TEXT_COPY(text_take(url, sizeof(g->behind) - 1), g->behind));
    bool listed = tls ? has_cse(cf, text_skip(url, 8)) : role_may_call(&g->cse.env, g->behind);
    return listed && url.n < sizeof(g->behind)
               ? ERR_OK
               : detail_fail(detail, ERR_CONFIG, "behind: neither in [server] points-of-access nor a [peer] of kind cse without csi", text_take(url, 64));
}

static err_t notifiers(struct gate_ctx *g, const struct conf *cf, char *detail)
{
    struct text rest = conf_text(cf, "gate", NULL, "notify-from");
    struct text part;
    while (text_next(&rest, ',', &part)) {
        if (g->notifiers_n == GATE_NETS_MAX || ipaddr_net_parse(part, &g->notifiers[g->notifiers_n++]) != ERR_OK) {
            return detail_fail(detail, ERR_CONFIG, "notify-from: no address, or too many", text_take(part, 64));
        }
    }
    return ERR_OK;
}

static err_t rules(struct gate_ctx *g, const struct conf *cf, char *detail)
{
    struct text given = conf_text(cf, "gate", NULL, "privileges");
    SCOPED(json_scope) json_t *pv = NULL;
    struct writer w = WRITER_ARRAY(g->rules);
    if (given.n == 0) {
        return ERR_OK;
    }
    if (json_parse(text_bytes(given), &pv) != ERR_OK) {
        return detail_fail(detail, ERR_CONFIG, "privileges is no JSON object", text_take(given, 64));
    }
    TRY(access_rules_compile(pv, "privileges", &w, detail));
    g->rules_n = w.n;
    return writer_finish(&w);
}

err_t gate_ctx_configure(void *ctx, const struct conf *cf, const struct role_env *env, char detail[static ROLE_DETAIL_MAX])
{
    struct gate_ctx *g = ctx;
    memset(g, 0, sizeof(*g));
    g->cse.env = *env;
    TRY(cse_ctx_common(&g->cse, cf, "gate", detail));
    TRY(behind(g, cf, detail));
    TRY(notifiers(g, cf, detail));
    return rules(g, cf, detail);
}
