#include "role/bsf/bsf.h"

#include "base/ct.h"
#include "role/bsf/bsf_ctx.h"
#include "role/conf_instance.h"
#include "role/ctl_list.h"
#include "role/detail.h"

static const struct conf_row rows[] = {
    {"bsf", "", CONF_TEXT, CONF_INSTANCES, NULL, 0, 32, NULL,
     "The Bootstrapping Server Function of GBA: shares Ks with devices that have a SIM. [bsf NAME] is a further one behind the same address."},
    {"bsf", "fqdn", CONF_FQDN, CONF_REQUIRED, NULL, 0, 0, NULL,
     "Name of the BSF: the realm of Ub and the right half of every B-TID."},
    {"bsf", "algorithm", CONF_CHOICE, 0, "akav1", 0, 0, "akav1|akav2", "Digest AKA of Ub: AKAv1-MD5 (RFC 3310) or AKAv2-MD5 (RFC 4169)."},
    {"bsf", "nonce-lifetime", CONF_DURATION, 0, "60s", USEC_PER_SEC, 3600 * USEC_PER_SEC, NULL,
     "How long a challenge waits for its answer."},
    {"bsf", "ks-lifetime", CONF_DURATION, 0, "24h", USEC_PER_SEC, BSF_KS_LIFETIME_MAX, NULL,
     "Life of Ks, where the subscriber has none of its own."},
    {"bsf", "challenges-per-minute", CONF_NUMBER, 0, "6", 1, UINT8_MAX, NULL,
     "Challenges for one IMPI in a minute: each uses a sequence number up, and anybody can ask for one."},
    {"bsf", "max-live-ks", CONF_NUMBER, 0, "2", 1, REC_BSF_LIVE_MAX, NULL,
     "Ks kept for each IMPI; the oldest makes room for the next."},
    {"bsf", "subscribers", CONF_CHOICE, 0, "embedded", 0, 0, "embedded|gsup|diameter",
     "Who has the keys of subscribers that `ctl subscriber` has not added: nobody, an HLR that speaks GSUP (osmo-hlr), an HSS over Diameter."},
    {"bsf", "hlr", CONF_ADDRESS, 0, NULL, 0, 0, NULL,
     "With gsup: where the HLR is, HOST:4222. GSUP has no passwords and no encryption: the same host, or a tunnel."},
    {"bsf", "diameter", CONF_FILE, 0, NULL, 0, 0, NULL,
     "With diameter or zn-diameter: freeDiameter's own configuration, which keystead-diameter reads: identity, realm, certificate, peers."},
    {"bsf", "hss-realm", CONF_FQDN, 0, NULL, 0, 0, NULL, "With diameter: the Diameter realm of the HSS."},
    {"bsf", "zn-diameter", CONF_BOOL, 0, "off", 0, 0, NULL,
     "on: NAFs may ask over Diameter too (BIR, TS 29.109), those that are peers in freeDiameter's configuration, each for its own name."},
    {"bsf", "subscriber-time", CONF_DURATION, 0, "2s", 10000, 10 * USEC_PER_SEC, NULL,
     "How long the HLR or HSS may take; then the device is told to come again. Nobody else waits."},
    CONF_INSTANCE_ROWS("bsf"),
};

static const struct route routes[] = {
    {OP_RETRIEVE, UB_PATH, 0, PEER_PLAIN | PEER_CLIENT | PEER_ENROLEE | PEER_UNKNOWN, ROUTE_WRITES | ROUTE_DIGEST | ROUTE_RAW, bsf_ub,
     "TS 24.109 4, TS-0003 8.3.3.1"},
    {OP_NOTIFY, "/nbsp-gba/v1/bootstrapping-info-retrieval", 0, PEER_CLIENT, ROUTE_WRITES | ROUTE_RAW, bsf_zn,
     "TS 33.220 4.5.3, TS-0003 8.3.3.1"}, /* R001-121, R001-132 */
    {OP_NOTIFY, "/bsf/requestBootstrappingInfo", 0, PEER_CLIENT, ROUTE_WRITES | ROUTE_RAW, bsf_zn,
     "TS 29.109 5, TS-0003 8.3.3.1"}, /* R000-74 */
};

static const struct ctl_row commands[] = {
    {"subscriber", "add", bsf_ctl_add_args, BSF_CTL_ADD_N, true, bsf_ctl_add, "add a SIM with its keys and its security settings"},
    {"subscriber", "import", bsf_import_args, BSF_IMPORT_N, true, bsf_import, "add the subscribers of a list"},
    {"subscriber", "list", ctl_list_args, CTL_LIST_ARGS_N, false, bsf_ctl_list, "subscribers of the BSF"},
    {"subscriber", "show", bsf_ctl_one_args, BSF_CTL_ONE_N, false, bsf_ctl_show, "one subscriber, without its keys"},
    {"subscriber", "remove", bsf_ctl_one_args, BSF_CTL_ONE_N, true, bsf_ctl_remove,
     "remove a subscriber, with every Ks that it has"},
};

static err_t check_zh(const struct conf *cf, const char *name, char detail[static ROLE_DETAIL_MAX])
{
    static const struct {
        const char *subscribers, *needs;
    } needs[] = {{"gsup", "hlr"}, {"diameter", "diameter"}, {"diameter", "hss-realm"}};
    struct text kind = conf_text(cf, "bsf", name, "subscribers");
    for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
        if (text_eq_z(kind, needs[i].subscribers) && conf_text(cf, "bsf", name, needs[i].needs).n == 0) {
            char what[96];
            struct writer w = WRITER_ARRAY(what);
            writer_z(&w, "[bsf] subscribers: it needs the key ");
            writer_z(&w, needs[i].needs);
            TRY(writer_finish_z(&w));
            return detail_fail(detail, ERR_CONFIG, what, kind);
        }
    }
    bool zn = conf_bool(cf, "bsf", name, "zn-diameter") && conf_text(cf, "bsf", name, "diameter").n == 0;
    return zn ? detail_fail(detail, ERR_CONFIG, "[bsf] zn-diameter: it needs the key diameter", text_of("on")) : ERR_OK;
}

/* What covers the numbers in RANDs: of this store, whatever the BSF is called. A configuration that is only checked has no root. */
static err_t rand_key(struct bsf *b)
{
    uint8_t mac[CRYPTO_HASH_LEN];
    if (b->env.sealer == NULL || !secret_is_set(&b->env.sealer->root)) {
        return ERR_OK;
    }
    TRY(seal_mac(b->env.sealer, "numbers in rand", text_empty(), mac));
    err_t e = secret_set(&b->rand_key.s, bytes_of(mac, CRYPTO_BLOCK_LEN));
    ct_wipe(mac, sizeof(mac));
    return e;
}

static err_t configure(void *ctx, const struct conf *cf, const struct role_env *env,
                       char detail[static ROLE_DETAIL_MAX])
{
    struct bsf *b = ctx;
    struct m2mid fqdn;
    struct text t = conf_text(cf, "bsf", env->name, "fqdn");
    b->env = *env;
    if (m2mid_fqdn(t, &fqdn) != ERR_OK || TEXT_COPY(text_of(fqdn.z), b->fqdn) != ERR_OK) {
        return detail_fail(detail, ERR_CONFIG, "[bsf] fqdn", t);
    }
    b->algorithm = text_eq_z(conf_text(cf, "bsf", env->name, "algorithm"), "akav2") ? DIGEST_AKAV2_MD5 : DIGEST_AKAV1_MD5;
    b->nonce_lifetime = conf_number(cf, "bsf", env->name, "nonce-lifetime");
    b->ks_lifetime = conf_number(cf, "bsf", env->name, "ks-lifetime");
    b->challenges = (uint8_t)conf_number(cf, "bsf", env->name, "challenges-per-minute");
    b->max_live_ks = (size_t)conf_number(cf, "bsf", env->name, "max-live-ks");
    b->zh = !text_eq_z(conf_text(cf, "bsf", env->name, "subscribers"), "embedded");
    TRY(rand_key(b));
    return check_zh(cf, env->name, detail);
}

const struct role role_bsf = {
    .name = "bsf",
    .doc = "Bootstrapping Server Function: shares keys with devices that have a SIM",
    .conf = rows,
    .conf_n = ARRAY_LEN(rows),
    .routes = routes,
    .routes_n = ARRAY_LEN(routes),
    .ctl = commands,
    .ctl_n = ARRAY_LEN(commands),
    .ctx_size = sizeof(struct bsf),
    .configure = configure,
    .cert = bsf_zn_cert,
    .explain = bsf_explain,
};
