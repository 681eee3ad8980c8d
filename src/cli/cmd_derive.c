/*
 * keystead derive: every derivation of the key hierarchy with the functions that the servers use, for vectors and
 * for people. The only command that takes keys as arguments and prints keys: both are its contract.
 */
#include "cli/cli.h"

#include "aka/aka_card.h"
#include "aka/aka_auc.h"
#include "aka/aka_selftest.h"
#include "base/ct.h"
#include "base/hex.h"
#include "keys/keyid.h"
#include "shell/crypto_openssl.h"

#include <stdio.h>
#include <string.h>

extern const struct cli_command cmd_derive;

/* Others on the machine see the command line. */
#define WARNING "; made up, never that of a real device"

/* -- input and output ----------------------------------------------------------------------------------- */

/* Everything a derivation holds, wiped together when the command ends. */
struct work {
    struct key_ke ke;
    struct key_km km;
    struct key_kpsa kpsa;
    struct key_kc kc;
    struct key_usage usage;
    struct key_application application;
    struct key_ke2e ke2e;
    struct key_esprim_pairwise pairwise;
    struct key_esprim_session session;
    struct keys_export exported;
    struct aka_keys aka;
    struct key_op op;
    struct aka_vector vector;
    struct key_ks ks;
    struct key_ks_naf ks_naf;
    struct key_ks_int_naf ks_int_naf;
    struct key_password password;
    const char *at; /* the argument that is wrong, for the message */
    char need[48];
};

static void work_wipe(struct work *w)
{
    ct_wipe(w, sizeof(*w));
}

struct octets {
    uint8_t b[SECRET_MAX];
    size_t n;
};

static void octets_wipe(struct octets *o)
{
    ct_wipe(o, sizeof(*o));
}

static err_t octets_arg(const struct cli_args *a, const char *name, struct work *w, struct octets *out)
{
    const char *hex = cli_arg(a, name);
    struct writer to = WRITER_ARRAY(out->b);
    w->at = name;
    if (hex != NULL) {
        TRY(hex_parse(text_of(hex), &to));
    }
    out->n = to.n;
    return ERR_OK;
}

static err_t key_arg(const struct cli_args *a, const char *name, size_t least, struct work *w, struct secret *out)
{
    SCOPED(octets_wipe) struct octets o = {{0}, 0};
    TRY(octets_arg(a, name, w, &o));
    return o.n < least ? ERR_MALFORMED_KEY : secret_set(out, bytes_of(o.b, o.n));
}

static struct text text_arg(const struct cli_args *a, const char *name, struct work *w)
{
    w->at = name;
    return text_of(cli_arg(a, name));
}

static err_t put_key(const struct cli_args *a, const char *name, const struct secret *key)
{
    char hex[2 * SECRET_MAX];
    struct writer w = WRITER_ARRAY(hex);
    hex_write_lower(&w, secret_view(key));
    cli_out(a, name, writer_view_text(&w));
    ct_wipe(hex, sizeof(hex));
    return writer_finish(&w);
}

/* -- derivations ---------------------------------------------------------------------------------------- */

static err_t ke_arg(const struct cli_args *a, struct work *w)
{
    TRY(key_arg(a, "--ke", KEYS_DERIVED_LEN, w, &w->ke.s));
    return w->ke.s.n == KEYS_DERIVED_LEN ? ERR_OK : ERR_MALFORMED_KEY;
}

typedef err_t derivation(const struct cli_args *a, const struct crypto *c, struct work *w);

static err_t derive_km(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    TRY(ke_arg(a, w));
    TRY(keys_km_derive(c, &w->ke, text_arg(a, "--maf-id", w), &w->km));
    return put_key(a, "km", &w->km.s);
}

static err_t derive_kpsa(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    TRY(ke_arg(a, w));
    TRY(keys_kpsa_derive(c, &w->ke, text_arg(a, "--target", w), &w->kpsa));
    return put_key(a, "kpsa", &w->kpsa.s);
}

static err_t derive_usage(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    uint64_t suid = 0;
    TRY(ke_arg(a, w));
    if (text_u64(text_arg(a, "--suid", w), UINT16_MAX, &suid) != ERR_OK || !keys_usage_is_suid((unsigned)suid)) {
        return ERR_MALFORMED_SUID;
    }
    TRY(keys_usage_derive(c, &w->ke, (unsigned)suid, text_arg(a, "--target", w), &w->usage));
    return put_key(a, "usage_key", &w->usage.s);
}

static err_t derive_application(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    uint64_t suid = 0;
    TRY(ke_arg(a, w));
    if (text_u64(text_arg(a, "--suid", w), UINT16_MAX, &suid) != ERR_OK || !keys_usage_is_suid((unsigned)suid)) {
        return ERR_MALFORMED_SUID;
    }
    TRY(keys_application_derive(c, &w->ke.s, (unsigned)suid, text_arg(a, "--ae-id", w), &w->application));
    return put_key(a, "application_key", &w->application.s);
}

static err_t put_key_id(const struct cli_args *a, const struct keys_relative *relative, struct work *w)
{
    struct keyid id;
    TRY(keyid_of_relative(relative, text_arg(a, "--fqdn", w), &id));
    cli_out(a, "key_id", text_of(id.z));
    return ERR_OK;
}

static err_t derive_key_id(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    (void)c;
    struct keys_relative relative;
    struct octets o = {{0}, 0};
    TRY(octets_arg(a, "--relative", w, &o));
    if (o.n != sizeof(relative.b)) {
        return ERR_MALFORMED_KEY_ID;
    }
    memcpy(relative.b, o.b, sizeof(relative.b));
    return put_key_id(a, &relative, w);
}

static err_t derive_ke2e(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    struct octets salt = {{0}, 0}; /* not secret (RFC 5869 3.1) */
    TRY(key_arg(a, "--kpsa", KEYS_PROVISIONED_MIN, w, &w->kpsa.s));
    TRY(octets_arg(a, "--salt", w, &salt));
    TRY(keys_ke2e_derive(c, &w->kpsa, bytes_of(salt.b, salt.n), &w->ke2e));
    TRY(put_key(a, "ke2e_master", &w->ke2e.master));
    TRY(put_key(a, "ke2e_msg_auth", &w->ke2e.msg_auth));
    TRY(put_key(a, "ke2e_msg_conf", &w->ke2e.msg_conf));
    TRY(put_key(a, "ke2e_att_auth", &w->ke2e.att_auth));
    return put_key(a, "ke2e_att_conf", &w->ke2e.att_conf);
}

static err_t derive_esprim(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    TRY(key_arg(a, "--key", KEYS_PROVISIONED_MIN, w, &w->pairwise.s));
    TRY(keys_esprim_derive(c, &w->pairwise, text_arg(a, "--receiver", w), text_arg(a, "--originator", w), &w->session));
    return put_key(a, "esprim_session", &w->session.s);
}

static err_t export_arg(const struct cli_args *a, struct work *w)
{
    SCOPED(octets_wipe) struct octets o = {{0}, 0};
    TRY(octets_arg(a, "--export", w, &o));
    if (o.n != sizeof(w->exported.b)) {
        return ERR_MALFORMED_KEY;
    }
    memcpy(w->exported.b, o.b, sizeof(w->exported.b));
    w->exported.set = true;
    return ERR_OK;
}

static err_t derive_ke(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    (void)c;
    struct keys_relative relative;
    TRY(export_arg(a, w));
    TRY(keys_ke_split(&w->exported, &w->ke, &relative));
    TRY(put_key_id(a, &relative, w));
    return put_key(a, "ke", &w->ke.s);
}

static err_t derive_kc(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    (void)c;
    struct keys_relative relative;
    TRY(export_arg(a, w));
    TRY(keys_kc_split(&w->exported, &w->kc, &relative));
    TRY(put_key_id(a, &relative, w));
    return put_key(a, "kc", &w->kc.s);
}

/* -- GBA: AKA and what comes of it --------------------------------------------------------------------- */

static err_t fixed_arg(const struct cli_args *a, const char *name, struct work *w, uint8_t *out, size_t n)
{
    SCOPED(octets_wipe) struct octets o = {{0}, 0};
    TRY(octets_arg(a, name, w, &o));
    if (o.n != n) {
        (void)snprintf(w->need, sizeof(w->need), "%s: %zu octets in hex, not %zu", name, n, o.n);
        w->at = w->need;
        return ERR_USAGE;
    }
    memcpy(out, o.b, n);
    return ERR_OK;
}

static err_t put_octets(const struct cli_args *a, const char *name, struct bytes b)
{
    char hex[2 * sizeof(struct naf_id)];
    struct writer w = WRITER_ARRAY(hex);
    hex_write_lower(&w, b);
    cli_out(a, name, writer_view_text(&w));
    return writer_finish(&w);
}

static err_t small_arg(const struct cli_args *a, const char *name, struct work *w, uint8_t *out)
{
    uint64_t v = *out;
    struct text t = text_arg(a, name, w);
    if (t.n > 0) {
        TRY(text_u64(t, UINT8_MAX, &v) == ERR_OK ? ERR_OK : ERR_USAGE);
    }
    *out = (uint8_t)v;
    return ERR_OK;
}

/* Two that say the same: one would be passed over in silence. */
static err_t one_of(const struct cli_args *a, const char *this, const char *that, struct work *w)
{
    (void)snprintf(w->need, sizeof(w->need), "%s or %s, one of them", this, that);
    w->at = w->need;
    return cli_arg(a, this) != NULL && cli_arg(a, that) != NULL ? ERR_USAGE : ERR_OK;
}

static err_t aka_arg(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    struct text algorithm = text_arg(a, "--algorithm", w);
    if (algorithm.n > 0 && !text_eq_z(algorithm, "milenage") && !text_eq_z(algorithm, "tuak")) {
        return ERR_USAGE;
    }
    w->aka = text_eq_z(algorithm, "tuak") ? aka_keys_tuak() : aka_keys_milenage();
    TRY(small_arg(a, "--res-octets", w, &w->aka.lengths.res));
    TRY(small_arg(a, "--iterations", w, &w->aka.iterations));
    TRY(one_of(a, "--opc", "--op", w));
    TRY(cli_arg(a, "--opc") != NULL || cli_arg(a, "--op") != NULL ? ERR_OK : ERR_USAGE);
    TRY(key_arg(a, "--k", 16, w, &w->aka.k.s));
    TRY(key_arg(a, "--opc", 0, w, &w->aka.opc.s));
    if (cli_arg(a, "--op") != NULL) {
        TRY(key_arg(a, "--op", 16, w, &w->op.s));
        TRY(aka_opc(c, &w->aka, &w->op, &w->aka.opc));
    }
    return aka_check_keys(&w->aka);
}

static err_t put_vector(const struct cli_args *a, const struct crypto *c, struct work *w,
                        const struct aka_f1_input *in)
{
    struct aka_auts auts;
    TRY(aka_auc_compute(c, &w->aka, in, &w->vector));
    TRY(aka_card_auts(c, &w->aka, in->rand, in->sqn, &auts));
    TRY(keys_ks_join(&w->vector.ck, &w->vector.ik, &w->ks));
    TRY(put_key(a, "opc", &w->aka.opc.s));
    TRY(put_octets(a, "autn", BYTES_ARRAY(w->vector.autn.b)));
    TRY(put_key(a, "res", &w->vector.xres.s));
    TRY(put_key(a, "ck", &w->vector.ck.s));
    TRY(put_key(a, "ik", &w->vector.ik.s));
    TRY(put_key(a, "ks", &w->ks.s));
    return put_octets(a, "auts", BYTES_ARRAY(auts.b));
}

static err_t derive_aka(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    struct aka_rand rand;
    uint8_t sqn[AKA_SQN_LEN];
    struct aka_f1_input in = {.rand = &rand};
    TRY(aka_arg(a, c, w));
    TRY(fixed_arg(a, "--rand", w, rand.b, sizeof(rand.b)));
    TRY(fixed_arg(a, "--sqn", w, sqn, sizeof(sqn)));
    for (size_t i = 0; i < sizeof(sqn); i++) {
        in.sqn = in.sqn << 8 | sqn[i];
    }
    if (cli_arg(a, "--amf") != NULL) {
        TRY(fixed_arg(a, "--amf", w, in.amf.b, sizeof(in.amf.b)));
    }
    return put_vector(a, c, w, &in);
}

static err_t naf_id_arg(const struct cli_args *a, struct work *w, struct naf_id *out)
{
    struct naf_ua ua = naf_id_ua_digest();
    uint8_t suite[2];
    TRY(one_of(a, "--suite", "--ua", w));
    if (cli_arg(a, "--suite") != NULL) {
        TRY(fixed_arg(a, "--suite", w, suite, sizeof(suite)));
        ua = naf_id_ua_tls((uint16_t)(suite[0] << 8 | suite[1]));
    } else if (cli_arg(a, "--ua") != NULL) {
        TRY(fixed_arg(a, "--ua", w, ua.b, sizeof(ua.b)));
    }
    return naf_id_of(text_arg(a, "--naf", w), ua, out);
}

static err_t derive_naf_id(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    (void)c;
    struct naf_id id;
    TRY(naf_id_arg(a, w, &id));
    return put_octets(a, "naf_id", naf_id_view(&id));
}

static err_t derive_b_tid(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    (void)c;
    struct aka_rand rand;
    struct b_tid id;
    TRY(fixed_arg(a, "--rand", w, rand.b, sizeof(rand.b)));
    TRY(b_tid_of(&rand, text_arg(a, "--bsf", w), &id));
    cli_out(a, "b_tid", text_of(id.z));
    return ERR_OK;
}

static err_t derive_ks_naf(const struct cli_args *a, const struct crypto *c, struct work *w)
{
    struct aka_rand rand;
    struct naf_id id;
    TRY(key_arg(a, "--ks", KEYS_DERIVED_LEN, w, &w->ks.s));
    TRY(fixed_arg(a, "--rand", w, rand.b, sizeof(rand.b)));
    TRY(naf_id_arg(a, w, &id));
    const struct keys_ks_context x = {&rand, text_arg(a, "--impi", w), &id};
    TRY(keys_ks_naf(c, &w->ks, &x, &w->ks_naf));
    TRY(keys_ks_int_naf(c, &w->ks, &x, &w->ks_int_naf));
    TRY(keys_password_naf(&w->ks_naf.s, &w->password));
    TRY(put_octets(a, "naf_id", naf_id_view(&id)));
    TRY(put_key(a, "ks_naf", &w->ks_naf.s));
    TRY(put_key(a, "ks_int_naf", &w->ks_int_naf.s));
    const struct bytes password = secret_view(&w->password.s);
    cli_out(a, "digest_password", text_span((const char *)password.p, password.n));
    return ERR_OK;
}

/* A library that answers wrongly makes wrong vectors: the self-test stands before every derivation. */
static int run(const struct cli_args *a, derivation *derive)
{
    const struct crypto *c = crypto_openssl();
    const char *failed = NULL;
    err_t e = aka_selftest_run(c, &failed);
    if (e != ERR_OK) {
        return cli_fail(a, e, failed);
    }
    SCOPED(work_wipe) struct work w = {0};
    cli_out_begin(a);
    e = derive(a, c, &w);
    if (e != ERR_OK) {
        return cli_fail(a, e, w.at);
    }
    cli_out_end(a);
    return CLI_DONE;
}

#define RUN(name)                                                                                                      \
    static int run_##name(const struct cli_args *a)                                                                    \
    {                                                                                                                  \
        return run(a, derive_##name);                                                                                  \
    }
RUN(km)
RUN(kpsa)
RUN(usage)
RUN(application)
RUN(key_id)
RUN(ke2e)
RUN(esprim)
RUN(ke)
RUN(kc)
RUN(aka)
RUN(ks_naf)
RUN(b_tid)
RUN(naf_id)

/* -- tables --------------------------------------------------------------------------------------------- */

#define KE {"--ke", CLI_OPT_REQUIRED, "the Enrolment Key, 32 octets in hex" WARNING}
#define EXPORT {"--export", CLI_OPT_REQUIRED, "the exporter's 48 octets in hex (RFC 5705, no context)" WARNING}

static const struct cli_opt km_opts[] = {KE, {"--maf-id", CLI_OPT_REQUIRED, "the MAF-ID: the FQDN of the MAF"}};
static const struct cli_opt kpsa_opts[] = {
    KE, {"--target", CLI_OPT_REQUIRED, "CSE-ID or AE-ID of the other entity in absolute form: //sp.example/cse01"}};
static const struct cli_opt usage_opts[] = {
    KE,
    {"--suid", CLI_OPT_REQUIRED, "security usage identifier, e.g. 21 for a MAF, 22 for an association"},
    {"--target", CLI_OPT_REQUIRED, "FQDN of the target: the MAF, or cse01.sp.example for //sp.example/cse01"}};
static const struct cli_opt application_opts[] = {
    {"--ke", CLI_OPT_REQUIRED, "long term key of the local CSE: its Ke, 32 octets in hex" WARNING},
    {"--suid", CLI_OPT_REQUIRED, "security usage identifier: 21 for a MAF, 22 for an association"},
    {"--ae-id", CLI_OPT_REQUIRED, "AE-ID of the instance in absolute form"}};
static const struct cli_opt key_id_opts[] = {
    {"--relative", CLI_OPT_REQUIRED, "the first 16 octets of the export in hex"},
    {"--fqdn", CLI_OPT_REQUIRED, "FQDN of the MEF or MAF"}};
static const struct cli_opt ke2e_opts[] = {{"--kpsa", CLI_OPT_REQUIRED, "Kpsa, 16 to 64 octets in hex" WARNING},
                                           {"--salt", 0, "salt in hex, at most 64 octets; 32 zero octets if absent"}};
static const struct cli_opt esprim_opts[] = {
    {"--key", CLI_OPT_REQUIRED, "pairwiseESPrimKey, 16 to 64 octets in hex" WARNING},
    {"--receiver", CLI_OPT_REQUIRED, "esprimRandValue of the receiver, as it was sent"},
    {"--originator", CLI_OPT_REQUIRED, "esprimRandValue of the originator, as it was sent"}};
static const struct cli_opt ke_opts[] = {EXPORT, {"--fqdn", CLI_OPT_REQUIRED, "FQDN of the MEF"}};
static const struct cli_opt kc_opts[] = {EXPORT, {"--fqdn", CLI_OPT_REQUIRED, "FQDN of the MAF"}};

#define RAND {"--rand", CLI_OPT_REQUIRED, "RAND, 16 octets in hex"}
#define NAF                                                                                                            \
    {"--naf", CLI_OPT_REQUIRED, "FQDN of the NAF: the MAF or CSE"},                                                    \
        {"--suite", 0, "the TLS 1.2 cipher suite that was negotiated, 2 octets in hex: 00ae"},                         \
        {"--ua", 0, "another Ua security protocol identifier, 5 octets in hex; HTTP Digest (0100000002) if absent"}

static const struct cli_opt aka_opts[] = {
    {"--algorithm", 0, "milenage or tuak; milenage if absent"},
    {"--k", CLI_OPT_REQUIRED, "K of the card, 16 octets in hex, for tuak 16 or 32" WARNING},
    {"--opc", 0, "OPc or TOPc in hex; or give --op" WARNING},
    {"--op", 0, "OP or TOP of the operator in hex" WARNING},
    RAND,
    {"--sqn", CLI_OPT_REQUIRED, "SQN, 6 octets in hex; for auts the SQN_MS"},
    {"--amf", 0, "AMF, 2 octets in hex; 0000 if absent"},
    {"--res-octets", 0, "length of RES, tuak only: 4, 8, 16 or 32; 8 if absent"},
    {"--iterations", 0, "of the permutation, tuak only; 1 if absent"}};
static const struct cli_opt ks_naf_opts[] = {
    {"--ks", CLI_OPT_REQUIRED, "Ks: CK and IK, 32 octets or more in hex" WARNING},
    RAND,
    {"--impi", CLI_OPT_REQUIRED, "the private identity, user@domain, as the BSF authenticated it"},
    NAF};
static const struct cli_opt b_tid_opts[] = {RAND, {"--bsf", CLI_OPT_REQUIRED, "FQDN of the BSF: the MEF"}};
static const struct cli_opt naf_id_opts[] = {NAF};

static const struct cli_verb verbs[] = {
    {"ke", ke_opts, ARRAY_LEN(ke_opts), run_ke,
     "Ke and KeId from an export with the label " KEYS_LABEL_BOOTSTRAP ".", "TS-0003 10.3.1, 10.3.4"},
    {"km", km_opts, ARRAY_LEN(km_opts), run_km, "Km, the Master Credential, from Ke.", "TS-0003 10.3.2"},
    {"kpsa", kpsa_opts, ARRAY_LEN(kpsa_opts), run_kpsa,
     "Kpsa, the Provisioned Secure Connection Key, from Ke.", "TS-0003 10.3.3"},
    {"usage-key", usage_opts, ARRAY_LEN(usage_opts), run_usage,
     "A usage-constrained symmetric key from Ke.", "TS-0003 10.3.7, TS-0004 6.3.4.2.39"},
    {"application-key", application_opts, ARRAY_LEN(application_opts), run_application,
     "The application key of one AE instance, from the long term key of its local CSE.", "-"},
    {"key-id", key_id_opts, ARRAY_LEN(key_id_opts), run_key_id,
     "The key identifier RELATIVE@FQDN.", "TS-0003 10.3.4, 10.3.5"},
    {"kc", kc_opts, ARRAY_LEN(kc_opts), run_kc,
     "Kc and its Key Identifier from an export with the label " KEYS_LABEL_CONNECTION ".",
     "TS-0003 10.3.1, 10.3.5"},
    {"ke2e", ke2e_opts, ARRAY_LEN(ke2e_opts), run_ke2e,
     "The end-to-end master key and its four sub-keys.", "TS-0003 10.3.6"},
    {"esprim-session", esprim_opts, ARRAY_LEN(esprim_opts), run_esprim,
     "sessionESPrimKey from pairwiseESPrimKey and two random values.", "TS-0003 10.3.8.2"},
    {"aka", aka_opts, ARRAY_LEN(aka_opts), run_aka,
     "An AKA vector: AUTN, RES, CK, IK, Ks, and the AUTS of a card whose highest number is --sqn.",
     "TS 33.102 6.3, TS 35.206, TS 35.231"},
    {"ks-naf", ks_naf_opts, ARRAY_LEN(ks_naf_opts), run_ks_naf,
     "Ks_NAF (Ks_ext_NAF is the same), Ks_int_NAF and the Digest password of Ua.", "TS 33.220 B.3"},
    {"b-tid", b_tid_opts, ARRAY_LEN(b_tid_opts), run_b_tid, "The Bootstrapping Transaction Identifier.",
     "TS 33.220 4.5.2"},
    {"naf-id", naf_id_opts, ARRAY_LEN(naf_id_opts), run_naf_id, "The NAF_Id, in hex.", "TS 33.220 4.5.2, H"},
};
const struct cli_command cmd_derive = {"derive", verbs, ARRAY_LEN(verbs),
                                       "every derivation of the key hierarchy, for vectors and for people: real keys do not belong on a command line",
                                       NULL};
