/* Operator commands of the BSF: its subscribers. None of them can print a key. */
#include "base/ct.h"
#include "base/hex.h"
#include "role/bsf/bsf_ctx.h"
#include "role/ctl_list.h"
#include "role/detail.h"
#include "role/emit.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

enum { K_MILENAGE = 16, OP_TUAK = 32 };

const struct ctl_arg bsf_ctl_add_args[BSF_CTL_ADD_N] = {
    {"--impi", CTL_ARG_REQUIRED, "IMPI of the SIM: user@domain"},
    {"--kind", CTL_ARG_REQUIRED, "milenage or tuak, with OPc or TOPc in the file; milenage-op or tuak-op, with OP or TOP; hlr: settings alone, the HLR or HSS has the keys"},
    {"--key-file", CTL_ARG_SECRET_FILE, "not for hlr: file with K and then OPc as hex, mode 0600: 32 octets, TUAK 48 or 64"},
    {"--card", 0, "me: the device holds Ks (GBA_ME, default); u: the card does (GBA_U)"},
    {"--amf", 0, "authentication management field, 4 hex digits; 0000 by default"},
    {"--sqn", 0, "last sequence number that was given for this SIM elsewhere, 12 hex digits"},
    {"--enrolee-id", 0, "absolute AE-ID or CSE-ID of the holder"},
    {"--naf", 0,
     "who may have a key (GUSS): FQDN, or FQDN=both, establish (the device may make one), distribute (the BSF may hand it out), none; "
     "with commas. Without it there is no limit"},
    {"--uss", 0, "security settings of a service, for targets that ask for it: GSID;type=N;group=NAME;flag=N;uid=ID, all but the GSID "
     "optional; several with commas"},
    {"--lifetime", 0, "how long its Ks lasts: 24h, 30m"},
};
const struct ctl_arg bsf_ctl_one_args[BSF_CTL_ONE_N] = {
    {"IMPI", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "IMPI of the subscriber"},
};

static const struct kind {
    const char *name;
    enum aka_algorithm algorithm;
    bool op;
    enum rec_subscriber_source source;
} kinds[] = {
    {"milenage", AKA_MILENAGE, false, SUBSCRIBER_HERE},
    {"milenage-op", AKA_MILENAGE, true, SUBSCRIBER_HERE},
    {"tuak", AKA_TUAK, false, SUBSCRIBER_HERE},
    {"tuak-op", AKA_TUAK, true, SUBSCRIBER_HERE},
    {"hlr", AKA_MILENAGE, false, SUBSCRIBER_SETTINGS},
};

static const struct {
    const char *name;
    char digit;
} permissions[] = {
    {"none", '0' + 0},
    {"establish", '0' + GUSS_ESTABLISH},
    {"distribute", '0' + GUSS_DISTRIBUTE},
    {"both", '0' + GUSS_BOTH},
};

static const char *const sources[] = {
    [SUBSCRIBER_HERE] = "here", [SUBSCRIBER_SETTINGS] = "hlr", [SUBSCRIBER_ELSEWHERE] = "hlr, and the settings"};

static err_t tell(struct txn *t, enum audit_kind kind, const struct impi *id, usec_t now)
{
    struct audit_event e = {.kind = kind, .time = now, .outcome = ERR_OK, .peer = "operator"};
    TRY(TEXT_COPY(text_take(text_of(id->z), sizeof(e.object) - 1), e.object));
    return txn_audit(t, &e);
}

/* -- what is told ---------------------------------------------------------------------------------------- */
static void members(struct emit *e, const struct rec_subscriber *s)
{
    emit_object(e, NULL);
    emit_z(e, "impi", s->impi.z);
    if (s->source == SUBSCRIBER_HERE) {
        emit_z(e, "algorithm", s->algorithm == AKA_TUAK ? "tuak" : "milenage");
        emit_z(e, "amf", s->amf);
    }
    emit_z(e, "keys", sources[s->source]);
    emit_z(e, "card", s->gba_u != 0 ? "u" : "me");
    emit_z_if(e, "enrolee-id", s->enrolee_id.z);
    emit_array(e, "naf");
    if (s->nafs_n == 0) { /* no list, so no limit: an empty one would read like a ban */
        emit_z(e, NULL, "*=both");
    }
    for (size_t i = 0; i < s->nafs_n; i++) {
        char z[REC_SUBSCRIBER_NAF_MAX + 16];
        struct writer w = WRITER_ARRAY(z);
        writer_z(&w, s->nafs[i] + 1);
        writer_z(&w, "=");
        writer_z(&w, permissions[s->nafs[i][0] - '0'].name);
        if (writer_finish_z(&w) == ERR_OK) {
            emit_z(e, NULL, z);
        }
    }
    emit_close_array(e);
    emit_uss(e, s->uss, s->uss_n);
    emit_time(e, "added", s->added);
    if (s->guss_made != 0) {
        emit_time(e, "guss-timestamp", s->guss_made);
    }
    emit_close_object(e);
}

static err_t show(const struct rec_subscriber *s, struct writer *out)
{
    struct emit e = emit_to(out);
    members(&e, s);
    return writer_finish(out);
}

/* -- add ------------------------------------------------------------------------------------------------- */
static void wipe_octets(uint8_t (*b)[SECRET_MAX])
{
    ct_wipe(*b, sizeof(*b));
}

static void op_wipe(struct key_op *op)
{
    secret_wipe(&op->s);
}

static const struct kind *kind_of(const json_t *args)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (text_eq_z(json_get_text(args, "kind"), kinds[i].name)) {
            return &kinds[i];
        }
    }
    return NULL;
}

static err_t parse_keys(const struct bsf *b, const struct kind *kind, struct text hex, struct aka_keys *out)
{
    SCOPED(wipe_octets) uint8_t octets[SECRET_MAX] = {0};
    SCOPED(op_wipe) struct key_op op = {0};
    struct writer w = WRITER_ARRAY(octets);
    *out = kind->algorithm == AKA_TUAK ? aka_keys_tuak() : aka_keys_milenage();
    size_t last = kind->algorithm == AKA_TUAK ? OP_TUAK : K_MILENAGE;
    if (hex_parse(hex, &w) != ERR_OK || w.n < last + K_MILENAGE) {
        return ERR_MALFORMED_KEY;
    }
    TRY(secret_set(&out->k.s, bytes_of(octets, w.n - last)));
    TRY(secret_set(kind->op ? &op.s : &out->opc.s, bytes_of(octets + w.n - last, last)));
    TRY(kind->op ? aka_opc(b->env.crypto, out, &op, &out->opc) : ERR_OK);
    return aka_check_keys(out);
}

static err_t parse_naf(struct text one, char out[static REC_SUBSCRIBER_NAF_MAX])
{
    size_t eq = text_find(one, '=');
    struct text word = eq < one.n ? text_skip(one, eq + 1) : text_of("both");
    struct m2mid fqdn;
    TRY(m2mid_fqdn(text_take(one, eq), &fqdn));
    for (size_t i = 0; i < ARRAY_LEN(permissions); i++) {
        if (text_eq_z(word, permissions[i].name)) {
            out[0] = permissions[i].digit;
            return text_copy(text_of(fqdn.z), out + 1, REC_SUBSCRIBER_NAF_MAX - 1);
        }
    }
    return ERR_USAGE;
}

static err_t parse_nafs(struct text list, struct rec_subscriber *s, char detail[static ROLE_DETAIL_MAX])
{
    struct text one;
    while (text_next(&list, ',', &one)) {
        if (s->nafs_n == REC_SUBSCRIBER_NAFS_MAX) {
            return detail_fail(detail, ERR_LIMIT_CAPACITY, "--naf names too many", one);
        }
        if (parse_naf(one, s->nafs[s->nafs_n++]) != ERR_OK) {
            return detail_fail(detail, ERR_USAGE, "--naf must be FQDN=both, establish, distribute or none", one);
        }
    }
    return ERR_OK;
}

/* As they will be read again: R001-135. */
static err_t parse_uss(struct text list, struct rec_subscriber *s, char detail[static ROLE_DETAIL_MAX])
{
    struct text one;
    struct uss u;
    while (text_next(&list, ',', &one)) {
        if (s->uss_n == USS_MAX) {
            return detail_fail(detail, ERR_LIMIT_CAPACITY, "--uss names too many", one);
        }
        if (uss_parse(one, &u) != ERR_OK || uss_write(&u, s->uss[s->uss_n++]) != ERR_OK) {
            return detail_fail(detail, ERR_MALFORMED_USS, "--uss", one);
        }
    }
    return ERR_OK;
}

static err_t parse_amf(struct text amf, struct rec_subscriber *s)
{
    TRY(TEXT_COPY(amf.n > 0 ? amf : text_of("0000"), s->amf));
    return hex_is_text(text_of(s->amf)) && strlen(s->amf) == 2 * AKA_AMF_LEN ? ERR_OK : ERR_MALFORMED_HEX;
}

static err_t parse_sqn(struct text hex, int64_t *seq)
{
    uint8_t b[8] = {0};
    struct writer w = writer_of(b + 2, AKA_SQN_LEN);
    if (hex.n == 0) {
        return ERR_OK;
    }
    if (hex_parse(hex, &w) != ERR_OK || w.n != AKA_SQN_LEN) {
        return ERR_MALFORMED_HEX;
    }
    struct reader r = reader_of(BYTES_ARRAY(b));
    *seq = (int64_t)aka_sqn_seq(reader_u64(&r));
    return ERR_OK;
}

static err_t parse_settings(const json_t *args, struct rec_subscriber *s, char detail[static ROLE_DETAIL_MAX])
{
    struct text impi = json_get_text(args, "impi");
    struct text card = json_get_text(args, "card");
    struct text enrolee = json_get_text(args, "enrolee-id");
    struct text lifetime = json_get_text(args, "lifetime");
    if (!impi_is(impi) || TEXT_COPY(impi, s->impi.z) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_ID, "--impi must be user@domain", impi);
    }
    if (card.n > 0 && !text_eq_z(card, "me") && !text_eq_z(card, "u")) {
        return detail_fail(detail, ERR_USAGE, "--card must be me or u", card);
    }
    s->gba_u = text_eq_z(card, "u") ? 1 : 0;
    if (parse_amf(json_get_text(args, "amf"), s) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_HEX, "--amf must be 4 hex digits", json_get_text(args, "amf"));
    }
    enum m2mid_kind kind = m2mid_kind(enrolee);
    if (enrolee.n > 0 && ((!m2mid_is_ae(kind) && !m2mid_is_cse(kind)) || TEXT_COPY(enrolee, s->enrolee_id.z) != ERR_OK)) {
        return detail_fail(detail, ERR_MALFORMED_ID, "--enrolee-id must be an absolute AE-ID or CSE-ID", enrolee);
    }
    if (lifetime.n > 0 && (timestamp_duration(lifetime, &s->ks_lifetime) != ERR_OK || s->ks_lifetime < USEC_PER_SEC ||
                           s->ks_lifetime > BSF_KS_LIFETIME_MAX)) {
        return detail_fail(detail, ERR_MALFORMED_TIME, "--lifetime must be like 24h or 30m, and at most 3650d", lifetime);
    }
    TRY(parse_uss(json_get_text(args, "uss"), s, detail));
    return parse_nafs(json_get_text(args, "naf"), s, detail);
}

static err_t parse_kind(const struct bsf *b, const json_t *args, struct rec_subscriber *s, struct aka_keys *keys,
                        char detail[static ROLE_DETAIL_MAX])
{
    const struct kind *kind = kind_of(args);
    struct text key = json_get_text(args, "key");
    if (kind == NULL) {
        return detail_fail(detail, ERR_USAGE, "--kind must be milenage, milenage-op, tuak, tuak-op or hlr", text_empty());
    }
    s->algorithm = (uint8_t)kind->algorithm;
    s->source = (uint8_t)kind->source;
    if (kind->source == SUBSCRIBER_SETTINGS) {
        impi_fold(&s->impi); /* as they are looked for: in another spelling they would hold for nobody */
        return key.n == 0 ? ERR_OK : detail_fail(detail, ERR_USAGE, "--kind hlr goes without --key-file", text_empty());
    }
    if (key.n == 0) {
        return detail_fail(detail, ERR_USAGE, "--key-file is needed, but for --kind hlr", text_empty());
    }
    return parse_keys(b, kind, key, keys) == ERR_OK
               ? ERR_OK
               : detail_fail(detail, ERR_MALFORMED_KEY, "the keys must be K and then OPc as hex, as long as the kind has them", text_empty());
}

/* What came with a vector makes room for what an operator says. */
static err_t make_room(struct txn *t, struct text impi, char detail[static ROLE_DETAIL_MAX])
{
    struct rec_subscriber there;
    err_t e = rec_subscriber_get(t, impi, &there);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    return there.source == SUBSCRIBER_ELSEWHERE ? txn_del(t, TABLE_BSF_SUBSCRIBER, impi)
                                                : detail_fail(detail, ERR_EXISTS, "subscriber", impi);
}

err_t bsf_ctl_put(const struct bsf *b, const struct ctl_request *rq, struct txn *t, struct rec_subscriber *s,
                  char detail[static ROLE_DETAIL_MAX])
{
    struct rec_bsf_state state = {.seq = 0};
    struct rec_bsf_state before; /* a SIM that was here before goes on: its numbers are never used again */
    SCOPED(aka_keys_wipe) struct aka_keys keys = {0};
    *s = (struct rec_subscriber){.added = rq->now};
    TRY(parse_settings(rq->args, s, detail));
    if (parse_sqn(json_get_text(rq->args, "sqn"), &state.seq) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_HEX, "--sqn must be 12 hex digits", text_empty());
    }
    TRY(parse_kind(b, rq->args, s, &keys, detail));
    TRY(make_room(t, text_of(s->impi.z), detail));
    TRY(rec_bsf_state_get(t, text_of(s->impi.z), &before));
    before.seq = before.seq > state.seq ? before.seq : state.seq;
    TRY(rec_bsf_state_put(t, text_of(s->impi.z), &before));
    if (state.seq > 0) { /* of what was reserved here some were given there: the next one comes from a new block */
        TRY(rec_bsf_open_put(t, text_of(s->impi.z), &(struct rec_bsf_open){.n = 0}));
    }
    TRY(rec_subscriber_put(t, b->env.sealer, s, &keys));
    return tell(t, AUDIT_SUBSCRIBER_ADDED, &s->impi, rq->now);
}

err_t bsf_ctl_add(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                  char detail[static ROLE_DETAIL_MAX])
{
    struct rec_subscriber s;
    TRY(bsf_ctl_put(ctx, rq, t, &s, detail));
    return show(&s, out);
}

/* -- list, show, remove ------------------------------------------------------------------------------------ */
static err_t named(const struct ctl_request *rq, struct txn *t, struct rec_subscriber *s,
                   char detail[static ROLE_DETAIL_MAX])
{
    struct text impi = json_get_text(rq->args, "IMPI");
    if (!impi_is(impi)) {
        return detail_fail(detail, ERR_MALFORMED_ID, "an IMPI is user@domain", impi);
    }
    struct impi folded;
    TRY(TEXT_COPY(impi, folded.z));
    impi_fold(&folded);
    err_t e = rec_subscriber_get(t, impi, s);
    e = e == ERR_NOT_FOUND ? rec_subscriber_get(t, text_of(folded.z), s) : e;
    return e == ERR_OK ? e : detail_fail(detail, e, "subscriber", impi);
}

err_t bsf_ctl_show(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                   char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    struct rec_subscriber s;
    TRY(named(rq, t, &s, detail));
    return show(&s, out);
}

static err_t item(struct emit *e, const struct ctl_list_record *r)
{
    struct rec_subscriber s;
    TRY(rec_subscriber_parse(r->data, &s));
    members(e, &s);
    return ERR_OK;
}

err_t bsf_ctl_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                   char detail[static ROLE_DETAIL_MAX])
{
    static const struct ctl_list_of subscribers = {.name = "subscribers", .table = TABLE_BSF_SUBSCRIBER, .item = item};
    (void)ctx;
    (void)detail;
    return ctl_list(rq, t, &subscribers, out);
}

/* Every challenge and every Ks that it has goes with it; the state stays, for its sequence number. */
static err_t forget(struct txn *t, struct text impi, struct rec_bsf_state *s)
{
    struct rec_bsf_open open;
    TRY(rec_bsf_open_get(t, impi, &open));
    open.n = 0;
    TRY(rec_bsf_open_put(t, impi, &open));
    while (s->live_n > 0) {
        TRY(bsf_ks_drop(t, impi, s, 0));
    }
    return rec_bsf_state_put(t, impi, s);
}

/* Of one whose keys an HLR has there may be no record, and yet challenges and Ks that an operator wants to end. */
static err_t removable(const struct bsf *b, const struct ctl_request *rq, struct txn *t, struct rec_subscriber *s,
                       char detail[static ROLE_DETAIL_MAX])
{
    struct rec_bsf_state state;
    struct rec_bsf_open open;
    struct impi impi;
    err_t e = named(rq, t, s, detail);
    if (e != ERR_NOT_FOUND || !b->zh || TEXT_COPY(json_get_text(rq->args, "IMPI"), impi.z) != ERR_OK) {
        return e;
    }
    impi_fold(&impi);
    TRY(rec_bsf_state_get(t, text_of(impi.z), &state));
    TRY(rec_bsf_open_get(t, text_of(impi.z), &open));
    return open.n + state.live_n == 0 ? e : bsf_zh_stranger(&impi, rq->now, s);
}

err_t bsf_ctl_remove(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                     char detail[static ROLE_DETAIL_MAX])
{
    struct rec_subscriber s;
    struct rec_bsf_state state;
    TRY(removable(ctx, rq, t, &s, detail));
    TRY(rec_bsf_state_get(t, text_of(s.impi.z), &state));
    TRY(forget(t, text_of(s.impi.z), &state));
    struct bytes there;
    err_t e = rec_get(t, TABLE_BSF_SUBSCRIBER, text_of(s.impi.z), &there);
    e = e == ERR_OK ? txn_del(t, TABLE_BSF_SUBSCRIBER, text_of(s.impi.z)) : e;
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    TRY(tell(t, AUDIT_SUBSCRIBER_REMOVED, &s.impi, rq->now));
    return show(&s, out);
}
