#include "role/cse/cse_ctx.h"

#include "role/detail.h"
#include "role/fetched.h"

#define DAY (INT64_C(86400) * USEC_PER_SEC)

const struct conf_row cse_ctx_rows[CSE_CTX_ROWS_N] = {
    {.section = "cse", .key = "sp", .type = CONF_FQDN, .flags = CONF_REQUIRED,
     .doc = "M2M service provider's domain, example.com"},
    {.section = "cse", .key = "csi", .type = CONF_TEXT, .fallback = "/in", .doc = "SP-relative CSE-ID of this CSE"},
    {.section = "cse", .key = "name", .type = CONF_TEXT, .fallback = "cse-in", .doc = "resource name of the CSEBase"},
    {.section = "cse", .key = "admin", .type = CONF_TEXT,
     .doc = "AE-ID that may do everything to the CSEBase and its access control policies; default nobody"},
    {.section = "cse", .key = "association", .type = CONF_CHOICE, .fallback = "required",
     .choices = "required|optional",
     .doc = "whether an AE must come over a security association (Mca); optional also where the network protects it"},
    {.section = "cse", .key = "frameworks", .type = CONF_TEXT, .flags = CONF_MANY, .fallback = "psk,cert,maf,gba",
     .doc = "the frameworks whose security associations are accepted: psk, cert, maf, gba"},
    {.section = "cse", .key = "cse-association", .type = CONF_CHOICE, .fallback = "required",
     .choices = "required|optional", .doc = "whether a CSE must come over a security association (Mcc)"},
    {.section = "cse", .key = "inter-domain", .type = CONF_CHOICE, .fallback = "off", .choices = "off|required|optional",
     .doc = "whether the IN-CSE of another service provider may register at this one (Mcc'): only over a security "
            "association (required), or without as well (optional)"},
    {.section = "cse", .key = "service-subscription", .type = CONF_BOOL, .fallback = "off",
     .doc = "an AE needs an application rule of a subscribed node (4126, 4128), for its registration and for every request"},
    {.section = "cse", .key = "enrolled-rule", .type = CONF_TEXT,
     .doc = "NAME of the application rule that gets Credential-ID and AE-ID of an AE that associates by a fetched key; "
            "default none"},
    {.section = "cse", .key = "kind", .type = CONF_CHOICE, .fallback = "in", .choices = "in|mn|asn",
     .doc = "what CSE this is: of the infrastructure (in), a middle node (mn) or an application service node (asn)"},
    {.section = "cse", .key = "registrar", .type = CONF_FQDN,
     .doc = "the [peer FQDN], of kind cse, where an MN-CSE or ASN-CSE registers; without, it registers nowhere"},
    {.section = "cse", .key = "registrar-from", .type = CONF_CHOICE, .fallback = "known", .choices = "known|empty",
     .doc = "empty: it registers without saying its CSE-ID, which the registrar has to assign as csi says"},
    {.section = "cse", .key = "registrar-check", .type = CONF_DURATION, .fallback = "60s", .min = USEC_PER_SEC / 10,
     .max = DAY, .doc = "how often a registered CSE looks whether its registrar still knows it"},
    {.section = "cse", .key = "in-cse", .type = CONF_TEXT,
     .doc = "CSE-ID of the service provider's IN-CSE, where a field CSE announces AEs with an AE-ID of the provider (S...); default "
            "its registrar"},
    {.section = "cse", .key = "announced-per-cse", .type = CONF_NUMBER, .fallback = "10000", .min = 1, .max = 100000000,
     .doc = "AEs with an AE-ID of the provider (S...) that one field CSE may have announced at this IN-CSE, with those of "
            "the CSEs below it; then announced-full"},
    {.section = "cse", .key = "point-of-access", .type = CONF_TEXT, .flags = CONF_MANY,
     .doc = "where this CSE is reached (poa), as its registrar is told"},
    {.section = "cse", .key = "role-issuers", .type = CONF_TEXT, .flags = CONF_MANY,
     .doc = "AE-IDs and CSE-IDs, commas between, that may give roles to those who are registered here; the admin always may; default nobody else"},
    {.section = "cse", .key = "dns-server", .type = CONF_ADDRESS,
     .doc = "name server that takes DNS UPDATE (RFC 2136), an IP address and port: a field CSE that names its public domain in "
            "CSEBase gets an address record there; default none"},
    {.section = "cse", .key = "dns-zone", .type = CONF_FQDN, .doc = "zone of these records; a name outside of it gets none"},
    {.section = "cse", .key = "dns-key-name", .type = CONF_FQDN, .doc = "name of the TSIG key (hmac-sha256)"},
    {.section = "cse", .key = "dns-key", .type = CONF_SECRET_FILE, .doc = "the TSIG key, hexadecimal"},
    {.section = "cse", .key = "dns-address", .type = CONF_TEXT, .flags = CONF_MANY,
     .doc = "IPv4 and IPv6 addresses of this IN-CSE, for the A and AAAA records"},
    {.section = "cse", .key = "dynamic-authorization", .type = CONF_BOOL, .fallback = "off",
     .doc = "what no policy permits is put to the dynamic authorization system that the resource names (daci)"},
    {.section = "cse", .key = "dynamic-lifetime", .type = CONF_DURATION, .fallback = "1h", .min = USEC_PER_SEC, .max = 365 * DAY,
     .doc = "how long its grants hold at most"},
    {.section = "cse", .key = "lifetime", .type = CONF_DURATION, .fallback = "365d", .min = 60 * USEC_PER_SEC,
     .max = 36500 * DAY, .doc = "expirationTime of resources that ask for none"},
    {.section = "cse", .key = "notify-queue", .type = CONF_NUMBER, .fallback = "64", .min = 1, .max = 100000,
     .doc = "events kept for a target of a subscription that is away; then the oldest goes"},
    {.section = "cse", .key = "distributed-authorization", .type = CONF_BOOL, .fallback = "off",
     .doc = "what no policy permits is put to the information points, decision points and policy points of other CSEs that the policies name (airi, adri, apri)"},
    {.section = "cse", .key = "decision-lifetime", .type = CONF_DURATION, .fallback = "5s", .min = USEC_PER_SEC, .max = DAY,
     .doc = "how long what they said holds for the same originator, resource and operation"},
    {.section = "decide", .key = "", .type = CONF_TEXT, .flags = CONF_REPEATS, .max = 190,
     .doc = "Resources of other CSEs that this one decides about, by the address they begin with: [decide /mn/cse-mn]; the longest counts."},
    {.section = "decide", .key = "policies", .type = CONF_TEXT, .flags = CONF_REPEATS | CONF_REQUIRED | CONF_MANY,
     .doc = "Addresses of the accessControlPolicies of this CSE by which it does: cse-in/central."},
    {.section = "das", .key = "", .type = CONF_FQDN, .flags = CONF_REPEATS,
     .doc = "A dynamic authorization system whose tokens the CSE takes: [das das.example.com]. The FQDN is that of its Token-IDs and Role-IDs."},
    {.section = "das", .key = "id", .type = CONF_TEXT, .flags = CONF_REPEATS | CONF_REQUIRED,
     .doc = "Its AE-ID or CSE-ID: the issuer (iss) of its tokens."},
    {.section = "das", .key = "key", .type = CONF_PEM, .flags = CONF_REPEATS | CONF_REQUIRED,
     .doc = "Its public key, or certificate, for the signatures of tokens: P-256, P-384, P-521, or RSA of 2048 bits and more. Another key ends all tokens of the one before."},
    {.section = "das", .key = "url", .type = CONF_TEXT, .flags = CONF_REPEATS, .max = 255,
     .doc = "Where it is asked for a token of which only the Token-ID is known, and how resources name it (dynamicAuthorizationPoA); a listed point of access or a peer."},
    {.section = "das", .key = "scope", .type = CONF_CHOICE, .flags = CONF_REPEATS, .fallback = "named", .choices = "named|all",
     .doc = "Which resources its tokens open: those whose daci leads to its url, or all."},
};

static err_t identity(struct cse *cse, const struct conf *cf, const char *section, char *detail)
{
    struct text sp = conf_text(cf, section, NULL, "sp");
    struct text csi = conf_text(cf, section, NULL, "csi");
    if (!keyid_is_fqdn(sp)) {
        return detail_fail(detail, ERR_CONFIG, "sp is no FQDN", sp);
    }
    if (csi.n < 2 || csi.p[0] != '/' || !m2mid_is_unreserved(text_skip(csi, 1)) || text_eq_z(csi, "/-")) {
        return detail_fail(detail, ERR_CONFIG, "csi must be a slash and a name", csi);
    }
    for (size_t i = 0; i < sp.n; i++) { /* domain names are compared without case: one canonical form */
        if (i + 1 >= sizeof(cse->sp.z)) {
            return detail_fail(detail, ERR_CONFIG, "sp is too long", text_take(sp, 64));
        }
        cse->sp.z[i] = text_lower(sp.p[i]);
    }
    TRY(TEXT_COPY(csi, cse->csi.z));
    TRY(TEXT_COPY(text_skip(csi, 1), cse->root.z));
    struct writer w = WRITER_ARRAY(cse->self.z);
    writer_z(&w, "//");
    writer_z(&w, cse->sp.z);
    writer_text(&w, csi);
    if (writer_finish_z(&w) != ERR_OK || m2mid_kind(writer_view_text(&w)) != M2MID_ABS_CSE) {
        return detail_fail(detail, ERR_CONFIG, "sp and csi do not make a CSE-ID (too long, or an S-type AE-ID)", csi);
    }
    return ERR_OK;
}

static err_t base_name(struct cse *cse, const struct conf *cf, char *detail)
{
    struct text name = conf_text(cf, "cse", NULL, "name");
    if (!m2mid_is_unreserved(name) || text_eq_z(name, "-") || name.n > 64) {
        return detail_fail(detail, ERR_CONFIG, "name must be unreserved characters", name);
    }
    return TEXT_COPY(name, cse->name.z);
}

/* R000-10: the provider's demands on associations. */
static err_t frameworks(struct cse *cse, const struct conf *cf, const char *section, char *detail)
{
    static const struct {
        const char *name;
        enum association_framework framework;
    } known[] = {
        {"psk", ASSOCIATION_PSK}, {"cert", ASSOCIATION_CERT}, {"maf", ASSOCIATION_MAF}, {"gba", ASSOCIATION_GBA}};
    struct text rest = conf_text(cf, section, NULL, "frameworks");
    struct text part;
    while (text_next(&rest, ',', &part)) {
        unsigned bit = 0;
        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
            bit |= text_eq_z(part, known[i].name) ? 1U << known[i].framework : 0U;
        }
        if (bit == 0) {
            return detail_fail(detail, ERR_CONFIG, "frameworks: psk, cert, maf or gba", part);
        }
        cse->frameworks |= bit;
    }
    return ERR_OK;
}

static err_t issuers(struct cse *cse, const struct conf *cf, char *detail)
{
    struct text rest = conf_text(cf, "cse", NULL, "role-issuers");
    struct text part;
    while (rest.n > 0 && text_next(&rest, ',', &part)) {
        if (cse->issuers_n == ARRAY_LEN(cse->issuers) ||
            m2mid_absolute(part, text_of(cse->self.z), &cse->issuers[cse->issuers_n]) != ERR_OK) {
            return detail_fail(detail, ERR_CONFIG, "[cse] role-issuers: AE-IDs or CSE-IDs, at most 16", part);
        }
        cse->issuers_n++;
    }
    return ERR_OK;
}

static err_t peers(struct cse *cse, const struct conf *cf, char *detail)
{
    const char *arg;
    for (size_t i = 0; (arg = conf_section_arg(cf, "peer", i)) != NULL; i++) {
        struct text kind = conf_text(cf, "peer", arg, "kind");
        bool maf = text_eq_z(kind, "maf");
        if (!maf && !text_eq_z(kind, "mef")) {
            continue;
        }
        if (cse->peers_n == CSE_PEERS_MAX || !keyid_is_fqdn(text_of(arg)) ||
            TEXT_COPY(text_of(arg), cse->peers[cse->peers_n].fqdn.z) != ERR_OK) {
            return detail_fail(detail, ERR_CONFIG, "this [peer] cannot be used", text_of(arg));
        }
        struct cse_peer *p = &cse->peers[cse->peers_n++];
        p->kind = maf ? CSE_PEER_MAF : CSE_PEER_MEF;
        TRY(maf ? ERR_OK : fetched_profile(cf, arg, &p->profile, detail));
    }
    return ERR_OK;
}

/* The CSE-ID of a [peer] of kind cse, in absolute form; another service provider's is absolute already. */
static err_t ways(struct cse *cse, const struct conf *cf, char *detail)
{
    const char *arg;
    for (size_t i = 0; (arg = conf_section_arg(cf, "peer", i)) != NULL; i++) {
        struct text csi = conf_text(cf, "peer", arg, "csi");
        if (!text_eq_z(conf_text(cf, "peer", arg, "kind"), "cse") || csi.n == 0) {
            continue;
        }
        struct cse_way *way = &cse->ways[cse->ways_n];
        if (cse->ways_n == CSE_PEERS_MAX || !m2mid_is_cse(m2mid_kind(csi)) || TEXT_COPY(text_of(arg), way->fqdn.z) != ERR_OK ||
            m2mid_absolute(csi, text_of(cse->self.z), &way->csi) != ERR_OK || m2mid_same(text_of(way->csi.z), text_of(cse->self.z))) {
            return detail_fail(detail, ERR_CONFIG, "[peer] csi is not the CSE-ID of another CSE", csi);
        }
        cse->ways_n++;
    }
    return ERR_OK;
}

/* It may be further up than the registrar. */
static err_t in_cse(struct cse *cse, const struct conf *cf, char *detail)
{
    struct text csi = conf_text(cf, "cse", NULL, "in-cse");
    cse->in_cse = cse->registrar.csi;
    if (csi.n == 0) {
        return ERR_OK;
    }
    bool ok = m2mid_is_cse(m2mid_kind(csi)) && m2mid_absolute(csi, text_of(cse->self.z), &cse->in_cse) == ERR_OK &&
              !m2mid_same(text_of(cse->in_cse.z), text_of(cse->self.z)) &&
              text_starts(text_skip(text_of(cse->in_cse.z), 2), cse->sp.z);
    return ok ? ERR_OK : detail_fail(detail, ERR_CONFIG, "[cse] in-cse is not the CSE-ID of another CSE of this provider", csi);
}

/* R002-05: only a CSE of the field registers. */
static err_t registrar(struct cse *cse, const struct conf *cf, char *detail)
{
    struct text kind = conf_text(cf, "cse", NULL, "kind");
    struct text fqdn = conf_text(cf, "cse", NULL, "registrar");
    cse->kind = text_eq_z(kind, "mn") ? CSE_KIND_MN : text_eq_z(kind, "asn") ? CSE_KIND_ASN : CSE_KIND_IN;
    cse->poa = conf_text(cf, "cse", NULL, "point-of-access");
    struct text inter = conf_text(cf, "cse", NULL, "inter-domain");
    cse->inter_domain = !text_eq_z(inter, "off");
    cse->mcc_prime_optional = text_eq_z(inter, "optional");
    if (cse->inter_domain && cse->kind != CSE_KIND_IN) { /* Mcc' is between IN-CSEs [TS-0001 6.2] */
        return detail_fail(detail, ERR_CONFIG, "[cse] inter-domain is for an IN-CSE", inter);
    }
    TRY(ways(cse, cf, detail));
    if (fqdn.n == 0) {
        return ERR_OK;
    }
    if (cse->kind == CSE_KIND_IN) {
        return detail_fail(detail, ERR_CONFIG, "[cse] an IN-CSE has no registrar", fqdn);
    }
    cse->registrar.anonymous = text_eq_z(conf_text(cf, "cse", NULL, "registrar-from"), "empty");
    cse->registrar.check = conf_number(cf, "cse", NULL, "registrar-check");
    for (size_t i = 0; i < cse->ways_n; i++) {
        if (text_eq_nocase(fqdn, text_of(cse->ways[i].fqdn.z))) {
            cse->registrar.fqdn = cse->ways[i].fqdn;
            cse->registrar.csi = cse->ways[i].csi;
        }
    }
    struct m2mid relative;
    struct text sp = text_take(text_of(cse->self.z), 2 + text_of(cse->sp.z).n + 1);
    bool ours = text_eq_nocase(text_take(text_of(cse->registrar.csi.z), sp.n), sp) &&
                m2mid_sp_relative(text_of(cse->registrar.csi.z), &relative) == ERR_OK;
    TRY(ours ? in_cse(cse, cf, detail) : ERR_OK);
    return ours ? ERR_OK : detail_fail(detail, ERR_CONFIG, "[cse] registrar: no [peer] of kind cse with a csi of this provider", fqdn);
}

static bool is_numeric(struct text at)
{
    struct ipaddr a;
    struct text host = text_take(at, text_find_last(at, ':'));
    host = text_starts(host, "[") ? text_take(text_skip(host, 1), host.n - 2) : host;
    return ipaddr_parse(host, &a) == ERR_OK;
}

/* R002-30: off without a name server. With one, all of it has to be there: nothing is found out at the first registration. */
static err_t dns(struct cse *cse, const struct conf *cf, char *detail)
{
    struct naming_server s = {conf_text(cf, "cse", NULL, "dns-server"), conf_text(cf, "cse", NULL, "dns-zone"),
                              conf_text(cf, "cse", NULL, "dns-key-name"), conf_text(cf, "cse", NULL, "dns-key")};
    struct text rest = conf_text(cf, "cse", NULL, "dns-address"), one;
    cse->dns_addresses = rest;
    if (s.at.n == 0) {
        return ERR_OK;
    }
    if (s.zone.n == 0 || s.key_name.n == 0 || s.key_file.n == 0 || rest.n == 0 || rest.n >= NAMING_ADDRESSES_MAX ||
        cse->kind != CSE_KIND_IN || !is_numeric(s.at)) {
        return detail_fail(detail, ERR_CONFIG,
                           "[cse] dns-server: of an IN-CSE, an IP address, with dns-zone, dns-key-name, dns-key and dns-address", s.at);
    }
    while (text_next(&rest, ',', &one)) {
        struct ipaddr a;
        if (ipaddr_parse(one, &a) != ERR_OK) {
            return detail_fail(detail, ERR_CONFIG, "[cse] dns-address is no IP address", one);
        }
    }
    cse->dns = s;
    return ERR_OK;
}

static err_t decides(struct cse *cse, const struct conf *cf, char *detail)
{
    const char *arg;
    for (size_t i = 0; (arg = conf_section_arg(cf, "decide", i)) != NULL; i++) {
        struct text at = text_of(arg);
        const bool whole = text_starts(at, "//");
        if (cse->decide_n == ARRAY_LEN(cse->decide)) {
            return detail_fail(detail, ERR_CONFIG, "[decide]: at most 8", at);
        }
        struct writer w = WRITER_ARRAY(cse->decide[cse->decide_n].prefix.z);
        writer_z(&w, whole ? "" : "//");
        writer_z(&w, whole ? "" : cse->sp.z);
        writer_text(&w, at);
        if (!text_starts(at, "/") || writer_finish_z(&w) != ERR_OK) {
            return detail_fail(detail, ERR_CONFIG, "[decide] takes the address of another CSE, /mn or longer", at);
        }
        cse->decide[cse->decide_n++].policies = conf_text(cf, "decide", arg, "policies");
    }
    return ERR_OK;
}

err_t cse_ctx_common(struct cse *cse, const struct conf *cf, const char *section, char detail[static ROLE_DETAIL_MAX])
{
    TRY(identity(cse, cf, section, detail));
    struct m2mid fqdn; /* its public domain name */
    TRY(frameworks(cse, cf, section, detail));
    TRY(m2mid_fqdn(text_of(cse->self.z), &fqdn));
    TRY(naf_configure(&cse->naf, cf, text_of(fqdn.z), detail));
    return peers(cse, cf, detail);
}

err_t cse_ctx_configure(void *ctx, const struct conf *cf, const struct role_env *env,
                        char detail[static ROLE_DETAIL_MAX])
{
    struct cse *cse = ctx;
    *cse = (struct cse){.env = *env};
    TRY(cse_ctx_common(cse, cf, "cse", detail));
    TRY(base_name(cse, cf, detail));
    struct text admin = conf_text(cf, "cse", NULL, "admin");
    if (admin.n > 0 && (m2mid_absolute(admin, text_of(cse->self.z), &cse->admin) != ERR_OK ||
                        !m2mid_is_ae(m2mid_kind(text_of(cse->admin.z))))) {
        return detail_fail(detail, ERR_CONFIG, "[cse] admin is no AE-ID", admin);
    }
    cse->subscription = conf_bool(cf, "cse", NULL, "service-subscription"); /* off: [CHOICE-68] */
    struct text rule = conf_text(cf, "cse", NULL, "enrolled-rule");
    if (rule.n > 0 && (!m2mid_is_unreserved(rule) || rule.n > 64)) {
        return detail_fail(detail, ERR_CONFIG, "[cse] enrolled-rule is no resource name", text_take(rule, 64));
    }
    TRY(TEXT_COPY(rule, cse->enrolled_rule.z));
    TRY(issuers(cse, cf, detail));
    cse->mca_optional = text_eq_z(conf_text(cf, "cse", NULL, "association"), "optional");
    cse->mcc_optional = text_eq_z(conf_text(cf, "cse", NULL, "cse-association"), "optional");
    cse->dynamic = conf_bool(cf, "cse", NULL, "dynamic-authorization");
    cse->dynamic_lifetime = conf_number(cf, "cse", NULL, "dynamic-lifetime");
    cse->lifetime = conf_number(cf, "cse", NULL, "lifetime");
    cse->announced_max = (uint64_t)conf_number(cf, "cse", NULL, "announced-per-cse");
    cse->notify_queue = (size_t)conf_number(cf, "cse", NULL, "notify-queue");
    cse->distributed = conf_bool(cf, "cse", NULL, "distributed-authorization");
    cse->decision_lifetime = conf_number(cf, "cse", NULL, "decision-lifetime");
    TRY(decides(cse, cf, detail));
    TRY(cse_issuer_configure(&cse->token_issuers, cf, env, text_of(cse->self.z), detail));
    TRY(registrar(cse, cf, detail));
    return dns(cse, cf, detail);
}

const struct cse_peer *cse_ctx_peer(const struct cse *cse, struct text fqdn)
{
    for (size_t i = 0; i < cse->peers_n; i++) {
        if (text_eq_nocase(text_of(cse->peers[i].fqdn.z), fqdn)) {
            return &cse->peers[i];
        }
    }
    return NULL;
}
