#include "role/device/device_gba.h"

#include "role/key_wipe.h"

#include <string.h>

#define HINT "3GPP-bootstrapping"
#define HINT_CARD "3GPP-bootstrapping-uicc"

/* -- which key ------------------------------------------------------------------------------------------------- */
static const char *const names[DEVICE_STATE_NAF_KEYS] = {"-", "me", "ext", "int"};

const char *device_gba_key_name(uint8_t naf_key)
{
    return names[naf_key < DEVICE_STATE_NAF_KEYS ? naf_key : DEVICE_STATE_NAF_NONE];
}

/* R001-138 .. R001-140, R001-143: what each kind of card may be used with; the first is what suits it. */
err_t device_gba_choose(enum aka_sim_gba card, const char *wanted, uint8_t *out)
{
    static const uint8_t may[AKA_SIM_KINDS][2] = {
        [AKA_SIM_ME] = {DEVICE_STATE_NAF_ME, DEVICE_STATE_NAF_ME},
        [AKA_SIM_U] = {DEVICE_STATE_NAF_EXT, DEVICE_STATE_NAF_INT},
        [AKA_SIM_SECURE] = {DEVICE_STATE_NAF_INT, DEVICE_STATE_NAF_INT},
    };
    *out = may[card][0];
    for (uint8_t i = DEVICE_STATE_NAF_ME; wanted != NULL && i < DEVICE_STATE_NAF_KEYS; i++) {
        if (strcmp(wanted, names[i]) == 0) {
            *out = i;
            return i == may[card][0] || i == may[card][1] ? ERR_OK : ERR_DENIED_GBA_VARIANT;
        }
    }
    return wanted == NULL ? ERR_OK : ERR_USAGE;
}

bool device_gba_card_keeps_ks(const struct device_state *s)
{
    return s->sim.naf_key == DEVICE_STATE_NAF_EXT || s->sim.naf_key == DEVICE_STATE_NAF_INT;
}

bool device_gba_is_https(const struct device_state_server *server)
{
    return text_starts(text_of(server->address), DEVICE_GBA_HTTPS);
}

/* -- Ks ---------------------------------------------------------------------------------------------------------- */
bool device_gba_is_live(const struct device_state *s, usec_t now)
{
    bool there = device_gba_card_keeps_ks(s) || secret_is_set(&s->ke.s);
    return device_state_is_gba(s) && there && s->ke_id.z[0] != '\0' && s->ke_not_after > now;
}

static void ext_wipe(struct key_ks_ext_naf *k)
{
    secret_wipe(&k->s);
}

/* TS 33.220 B.4: a key of the BSF itself, which a card gives like that of any NAF. One that has lost Ks, or has another's, is asked by its IMPI. */
static err_t tmpi_of_card(const struct device_state *s, const struct aka_sim *sim, struct writer *out)
{
    SCOPED(ext_wipe) struct key_ks_ext_naf k = {0};
    struct naf_id id;
    if (s->ke_id.z[0] == '\0' || sim == NULL || sim->derive == NULL || naf_id_of(text_of(s->mef.fqdn), naf_id_ua_tmpi(), &id) != ERR_OK ||
        sim->derive(sim->self, text_of(s->sim.impi.z), &id, &k) != ERR_OK) {
        return ERR_OK;
    }
    return keys_ks_tmpi_of(&k, out);
}

err_t device_gba_tmpi(const struct device_state *s, const struct aka_sim *sim, const struct crypto *c, struct writer *out)
{
    struct b_tid_parts parts;
    SCOPED(key_wipe_ks) struct key_ks ks = {s->ke.s};
    if (device_gba_card_keeps_ks(s)) {
        return tmpi_of_card(s, sim, out);
    }
    if (!secret_is_set(&ks.s) || b_tid_parse(text_of(s->ke_id.z), &parts) != ERR_OK) {
        return ERR_OK;
    }
    return keys_ks_tmpi(c, &ks, &parts.rand, text_of(s->sim.impi.z), text_of(s->mef.fqdn), out);
}

err_t device_gba_bootstrapped(struct device_state *s, const struct ub_ue *u, usec_t now)
{
    if (u->step != UB_UE_DONE) {
        return ERR_BUG;
    }
    device_state_forget_enrolment(s);
    s->maf.cert = (struct device_state_certificate){.file = ""};
    s->ke.s = u->ks.s; /* R001-129; with GBA_U there is none outside the card */
    s->ke_not_after = u->not_after;
    s->ke_since = now;
    TRY(TEXT_COPY(text_of(u->b_tid.z), s->ke_id.z)); /* R001-130 */
    s->km_id = s->ke_id;                             /* R001-141 */
    return ERR_OK;
}

/* -- the key of a target ------------------------------------------------------------------------------------------ */
void device_gba_key_wipe(struct device_gba_key *k)
{
    secret_wipe(&k->key);
}

/* TS 33.222 5.4: the prefix says which of its keys it is, if the NAF has said that it knows GBA; else as TS-0003 has it, KmId := KeId. */
static err_t identity_write(const struct device_gba_ask *q, char out[static KEYID_MAX])
{
    struct writer w = writer_of(out, KEYID_MAX);
    struct text one = text_empty(), hints = q->hint;
    bool known = false;
    while (text_next(&hints, ';', &one)) {
        known = known || text_eq_z(one, HINT) || text_eq_z(one, HINT_CARD);
    }
    if (q->state->sim.naf_key == DEVICE_STATE_NAF_INT) { /* without it the NAF would take Ks_ext_NAF */
        writer_z(&w, HINT_CARD ";");
    } else if (known) {
        writer_z(&w, HINT ";");
    }
    writer_z(&w, q->state->ke_id.z);
    return writer_finish_z(&w);
}

static void naf_wipe(struct key_ks_naf *k)
{
    secret_wipe(&k->s);
}

static err_t of_ks(const struct device_gba_ask *q, struct device_gba_key *out)
{
    struct b_tid_parts parts;
    SCOPED(key_wipe_ks) struct key_ks ks = {q->state->ke.s};
    SCOPED(naf_wipe) struct key_ks_naf k = {0};
    TRY(b_tid_parse(text_of(q->state->ke_id.z), &parts));
    const struct keys_ks_context x = {&parts.rand, text_of(q->state->sim.impi.z), &out->id};
    TRY(keys_ks_naf(q->crypto, &ks, &x, &k)); /* R001-136, R001-138 */
    out->key = k.s;
    return ERR_OK;
}

/* The card makes both, and lets one out (R001-137). */
static err_t of_card(const struct device_gba_ask *q, struct device_gba_key *out)
{
    SCOPED(ext_wipe) struct key_ks_ext_naf k = {0};
    if (q->sim == NULL || q->sim->derive == NULL) {
        return ERR_DENIED_GBA_VARIANT;
    }
    TRY(q->sim->derive(q->sim->self, text_of(q->state->sim.impi.z), &out->id, &k));
    if (q->state->sim.naf_key == DEVICE_STATE_NAF_EXT) { /* R001-140 */
        out->key = k.s;
        return ERR_OK;
    }
    return q->sim->int_master != NULL ? ERR_OK : ERR_DENIED_GBA_VARIANT; /* R001-139 */
}

err_t device_gba_key(const struct device_gba_ask *q, struct device_gba_key *out)
{
    *out = (struct device_gba_key){.identity = ""};
    TRY(identity_write(q, out->identity));
    TRY(naf_id_of(q->fqdn, naf_id_ua_tls(q->suite), &out->id)); /* R001-142: the suite is part of the name */
    return device_gba_card_keeps_ks(q->state) ? of_card(q, out) : of_ks(q, out);
}
