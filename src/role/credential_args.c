#include "role/credential_args.h"

#include "base/ct.h"
#include "base/hex.h"
#include "keys/gba_id.h"
#include "role/detail.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

const struct ctl_arg credential_args_add[CREDENTIAL_ARGS_ADD_N] = {
    {"--kind", CTL_ARG_REQUIRED, "kpm (MEF), km (MAF), kpsa or esprim (CSE), or cert: the identity of a certificate (MEF, CSE)"},
    {"--id", CTL_ARG_REQUIRED,
     "identifier of the key: NAME@FQDN of the authority that issues it; of a certificate: dotted OID (device), absolute "
     "AE-ID or CSE-ID, Node-ID, or sha-256;... of its key (raw)"},
    {"--key-file", CTL_ARG_SECRET_FILE, "file with the key as hex, 16 to 64 octets, mode 0600; not with --kind cert"},
    {"--flavour", 0, "of a certificate: device, ae-id, cse-id, node-id or raw; by default as --id looks"},
    {"--enrolee-id", 0,
     "absolute AE-ID or CSE-ID of the holder: //sp/Sname, //sp/cse, //sp/cse/Cname; at a CSE several AE-IDs of one "
     "certificate with commas"},
    {"--target", 0, "Enrolment Target: FQDN of a MAF, or absolute CSE-ID or AE-ID (MEF)"},
    {"--profile", 0, "r3 (published text, default) or seed (MEF)"},
    {"--lifetime", 0, "how long it may be used: 90d, 12h, 30m, 45s"},
};

const struct ctl_arg credential_args_one[CREDENTIAL_ARGS_ONE_N] = {
    {"ID", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "identifier of the credential: NAME@FQDN, or the identity of a certificate"},
};

/* Names as the control interface sends them: without dashes, a key file as the hex of its content under "key". */
static struct text arg(const json_t *args, const char *name)
{
    return json_get_text(args, name);
}

/* The form of the identity decides; --flavour says what the operator means by it, so that a slip shows. */
static err_t parse_certificate(const json_t *args, struct credential_args *out, char detail[static ROLE_DETAIL_MAX])
{
    struct text id = arg(args, "id");
    struct text flavour = arg(args, "flavour");
    struct cert_key c;
    if (cert_key_parse(id, &c) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_ID,
                           "--id must be an OID, an absolute AE-ID or CSE-ID, a Node-ID or sha-256;...", id);
    }
    if (flavour.n > 0 && (cert_id_of_name(flavour, &out->flavour) != ERR_OK || out->flavour != c.flavour)) {
        return detail_fail(detail, ERR_USAGE, "--flavour is not that of this --id, which is",
                           text_of(cert_id_name(c.flavour)));
    }
    out->flavour = c.flavour;
    out->id = c.name;
    out->folded = c.key;
    return ERR_OK;
}

static err_t parse_id(const struct credential_rules *rules, const json_t *args, struct credential_args *out,
                      char detail[static ROLE_DETAIL_MAX])
{
    struct text id = arg(args, "id");
    struct keyid_parts parts;
    if (rules->certificate) {
        return parse_certificate(args, out, detail);
    }
    if (arg(args, "flavour").n > 0) {
        return detail_fail(detail, ERR_USAGE, "--flavour is not for this kind", text_of(rules->kind));
    }
    if (keyid_parse(id, &parts) != ERR_OK || TEXT_COPY(id, out->id.z) != ERR_OK ||
        keyid_fold(id, &out->folded) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_KEY_ID, "--id must be NAME@FQDN", id);
    }
    if (rules->fqdn.n > 0 && !text_eq_nocase(parts.fqdn, rules->fqdn)) {
        return detail_fail(detail, ERR_MALFORMED_KEY_ID, "--id must name this authority after the @", rules->fqdn);
    }
    return ERR_OK;
}

static void wipe_hex(uint8_t (*b)[SECRET_MAX])
{
    ct_wipe(*b, sizeof(*b));
}

static err_t parse_key(const struct credential_rules *rules, const json_t *args, struct credential_args *out,
                       char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(wipe_hex) uint8_t octets[SECRET_MAX] = {0};
    struct writer w = WRITER_ARRAY(octets);
    struct text hex = arg(args, "key");
    if (rules->certificate) { /* the private key stays with its holder (R001-12) */
        return hex.n == 0 ? ERR_OK : detail_fail(detail, ERR_USAGE, "--key-file is not for this kind", text_of("cert"));
    }
    if (hex.n == 0) {
        return detail_fail(detail, ERR_MISSING, "--key-file", text_empty());
    }
    if (!hex_is_text(hex)) {
        return detail_fail(detail, ERR_MALFORMED_HEX, "the content of --key-file", text_empty());
    }
    if (hex.n < 2 * KEYS_PROVISIONED_MIN || hex.n > 2 * KEYS_PROVISIONED_MAX || hex_parse(hex, &w) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_KEY, "--key-file must hold 16 to 64 octets", text_empty());
    }
    return secret_set(&out->key, writer_view(&w));
}

/* An absolute identifier of the kinds allowed; an FQDN is kept in lower case, since MAF-ID enters derivations. */
static err_t parse_entity(struct text t, unsigned kinds, struct m2mid *out)
{
    enum m2mid_kind kind = m2mid_kind(t);
    if (t.n == 0 || kind == M2MID_INVALID || (kinds & CREDENTIAL_ID_OF(kind)) == 0) {
        return ERR_MALFORMED_ID;
    }
    return kind == M2MID_FQDN ? m2mid_fqdn(t, out) : TEXT_COPY(t, out->z);
}

static err_t parse_enrolees(const struct credential_rules *rules, struct text list, struct credential_args *out,
                            char detail[static ROLE_DETAIL_MAX])
{
    struct text one = text_empty();
    size_t most = rules->enrolees > 0 ? rules->enrolees : 1;
    while (text_next(&list, ',', &one)) {
        if (out->enrolee_ids_n == most) {
            return detail_fail(detail, ERR_LIMIT_CAPACITY, "--enrolee-id names too many", one);
        }
        if (parse_entity(one, CREDENTIAL_IDS_ENTITY, &out->enrolee_ids[out->enrolee_ids_n++]) != ERR_OK) {
            return detail_fail(detail, ERR_MALFORMED_ID, "--enrolee-id must be an absolute AE-ID or CSE-ID", one);
        }
    }
    out->enrolee_id = out->enrolee_ids[0];
    return ERR_OK;
}

static err_t parse_entities(const struct credential_rules *rules, const json_t *args, struct credential_args *out,
                            char detail[static ROLE_DETAIL_MAX])
{
    TRY(parse_enrolees(rules, arg(args, "enrolee-id"), out, detail));
    struct text target = arg(args, "target");
    if (target.n > 0 && rules->targets == 0) {
        return detail_fail(detail, ERR_USAGE, "--target is not for this kind", text_of(rules->kind));
    }
    if (target.n > 0 && parse_entity(target, rules->targets, &out->target) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_ID, "--target must be an FQDN or an absolute CSE-ID or AE-ID", target);
    }
    return ERR_OK;
}

static err_t parse_profile(const struct credential_rules *rules, const json_t *args, struct credential_args *out,
                           char detail[static ROLE_DETAIL_MAX])
{
    struct text profile = arg(args, "profile");
    out->profile = CREDENTIAL_R3;
    if (profile.n == 0) {
        return ERR_OK;
    }
    if (!rules->takes_profile) {
        return detail_fail(detail, ERR_USAGE, "--profile is not for this kind", text_of(rules->kind));
    }
    if (credential_args_profile(profile, &out->profile) != ERR_OK) {
        return detail_fail(detail, ERR_USAGE, "--profile must be r3 or seed", profile);
    }
    return ERR_OK;
}

static err_t parse_lifetime(const struct credential_rules *rules, const json_t *args, struct credential_args *out,
                            char detail[static ROLE_DETAIL_MAX])
{
    struct text lifetime = arg(args, "lifetime");
    out->lifetime = rules->lifetime;
    if (lifetime.n == 0) {
        return ERR_OK;
    }
    if (timestamp_duration(lifetime, &out->lifetime) != ERR_OK || out->lifetime <= 0 ||
        out->lifetime > CREDENTIAL_LIFETIME_MAX) {
        return detail_fail(detail, ERR_MALFORMED_TIME, "--lifetime must be like 90d, 12h, 30m or 45s", lifetime);
    }
    return ERR_OK;
}

err_t credential_args_parse(const struct credential_rules *rules, const json_t *args, struct credential_args *out,
                            char detail[static ROLE_DETAIL_MAX])
{
    memset(out, 0, sizeof(*out));
    struct text kind = arg(args, "kind");
    if (!text_eq_z(kind, rules->kind)) {
        return detail_fail(detail, ERR_USAGE, "--kind must be one that this role keeps, here", text_of(rules->kind));
    }
    TRY(parse_id(rules, args, out, detail));
    TRY(parse_entities(rules, args, out, detail));
    TRY(parse_profile(rules, args, out, detail));
    TRY(parse_lifetime(rules, args, out, detail));
    return parse_key(rules, args, out, detail); /* last: nothing that fails afterwards holds a key */
}

const struct credential_rules *credential_args_rules(const struct credential_rules *rows, size_t n, const json_t *args)
{
    for (size_t i = 0; i < n; i++) {
        if (text_eq_z(arg(args, "kind"), rows[i].kind)) {
            return &rows[i];
        }
    }
    return rows;
}

err_t credential_args_instruction(const struct credential_rules *rules, const json_t *args, struct credential_args *out,
                                  char detail[static ROLE_DETAIL_MAX])
{
    memset(out, 0, sizeof(*out));
    TRY(parse_entities(rules, args, out, detail));
    TRY(parse_profile(rules, args, out, detail));
    return parse_lifetime(rules, args, out, detail);
}

void credential_args_wipe(struct credential_args *a)
{
    secret_wipe(&a->key);
}

err_t credential_args_named(const json_t *args, const char *name, struct keyid *folded,
                            char detail[static ROLE_DETAIL_MAX])
{
    struct text id = arg(args, name);
    struct keyid_parts parts;
    struct b_tid_parts b_tid; /* the KmId or KpsaId of GBA (R001-141) */
    bool is_one = keyid_parse(id, &parts) == ERR_OK || b_tid_parse(id, &b_tid) == ERR_OK;
    if (!is_one || keyid_fold(id, folded) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_KEY_ID, "the identifier must be NAME@FQDN", id);
    }
    return ERR_OK;
}

err_t credential_args_id(const json_t *args, struct keyid *folded, char detail[static ROLE_DETAIL_MAX])
{
    struct cert_key c;
    struct text id = arg(args, "ID");
    if (text_find(id, '@') == id.n && cert_key_parse(id, &c) == ERR_OK) {
        *folded = c.key;
        return ERR_OK;
    }
    return credential_args_named(args, "ID", folded, detail);
}

static const char *const profile_names[] = {[CREDENTIAL_R3] = "r3", [CREDENTIAL_SEED] = "seed"};

const char *credential_args_profile_name(enum credential_profile p)
{
    return p == CREDENTIAL_R3 || p == CREDENTIAL_SEED ? profile_names[p] : "-";
}

err_t credential_args_profile(struct text t, enum credential_profile *out)
{
    for (size_t i = CREDENTIAL_R3; i < ARRAY_LEN(profile_names); i++) {
        if (text_eq_z(t, profile_names[i])) {
            *out = (enum credential_profile)i;
            return ERR_OK;
        }
    }
    return ERR_USAGE;
}
