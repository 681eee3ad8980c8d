#include "wire/establish.h"

#include "wire/m2mid.h"

/* -- rows ---------------------------------------------------------------------------------------------------- */
static const struct establish_row mechanisms[ESTABLISH_MECHANISMS] = {
    [ESTABLISH_KEY] = {"key", 22, 22, true, true, false, false, "TS-0003 8.2.2.1"},
    [ESTABLISH_CERTIFICATE] = {"certificate", 42, 0, true, false, true, false, "TS-0003 8.2.2.2"},
    [ESTABLISH_MAF] = {"maf", 32, 21, true, true, false, true, "TS-0003 8.2.2.3"}, /* R004-23 */
    /* The role of the BSF is not in this build: a handshake with a GBA key would have nobody to ask (R000-46). */
    [ESTABLISH_GBA] = {"gba", 22, 0, false, true, false, true, "X.2.4 of the change request of 2014"},
};

static const struct {
    const char *name;
    bool wants_until;
    bool between_aes;
} lifetimes[ESTABLISH_LIFETIMES] = {
    [ESTABLISH_CREDENTIAL] = {"credential", false, false},
    [ESTABLISH_SESSION] = {"session", false, false},
    [ESTABLISH_DATA] = {"data", true, false},
    [ESTABLISH_CONTRACT] = {"contract", true, true},
};

const struct establish_row *establish_row(enum establish_mechanism m)
{
    return m < ESTABLISH_MECHANISMS ? &mechanisms[m] : NULL;
}

err_t establish_by_name(struct text name, enum establish_mechanism *out)
{
    for (unsigned i = 0; i < ESTABLISH_MECHANISMS; i++) {
        if (text_eq_z(name, mechanisms[i].name)) {
            *out = (enum establish_mechanism)i;
            return ERR_OK;
        }
    }
    return ERR_USAGE;
}

const char *establish_lifetime_name(enum establish_lifetime kind)
{
    return kind < ESTABLISH_LIFETIMES ? lifetimes[kind].name : "";
}

err_t establish_lifetime_by_name(struct text name, enum establish_lifetime *out)
{
    for (unsigned i = 0; i < ESTABLISH_LIFETIMES; i++) {
        if (text_eq_z(name, lifetimes[i].name)) {
            *out = (enum establish_lifetime)i;
            return ERR_OK;
        }
    }
    return ERR_USAGE;
}

/* -- prerequisites: true if the row's refusal is due ------------------------------------------------------------ */
typedef bool refusal_fn(const struct establish_input *in, usec_t now);

bool establish_is_ae(struct text id)
{
    enum m2mid_kind k = m2mid_kind(id);
    return k == M2MID_ABS_AE_C || k == M2MID_ABS_AE_S;
}

static bool is_entity(struct text id)
{
    return establish_is_ae(id) || m2mid_kind(id) == M2MID_ABS_CSE;
}

static bool no_row(const struct establish_input *in, usec_t now)
{
    (void)now;
    return in->mechanism >= ESTABLISH_MECHANISMS || in->lifetime >= ESTABLISH_LIFETIMES;
}

static bool no_self(const struct establish_input *in, usec_t now)
{
    (void)now;
    return in->self.n == 0;
}

static bool other_caller(const struct establish_input *in, usec_t now)
{
    (void)now;
    return !is_entity(in->self);
}

static bool no_peer(const struct establish_input *in, usec_t now)
{
    (void)now;
    return !is_entity(in->peer);
}

static bool one_entity(const struct establish_input *in, usec_t now)
{
    (void)now;
    return m2mid_same(in->self, in->peer);
}

/* Only an AE has a local CSE, and that is a CSE. A C-type AE-ID says at which. */
static bool strange_local(const struct establish_input *in, usec_t now)
{
    (void)now;
    if (in->local_cse.n == 0) {
        return false;
    }
    struct text of_stem = text_take(in->self, text_find_last(in->self, '/'));
    bool other = m2mid_kind(in->self) == M2MID_ABS_AE_C && !m2mid_same(of_stem, in->local_cse);
    return !establish_is_ae(in->self) || m2mid_kind(in->local_cse) != M2MID_ABS_CSE || other;
}

static bool no_mechanism(const struct establish_input *in, usec_t now)
{
    (void)now;
    return !mechanisms[in->mechanism].is_available;
}

static bool no_until(const struct establish_input *in, usec_t now)
{
    return lifetimes[in->lifetime].wants_until && in->until <= now;
}

static bool no_contract(const struct establish_input *in, usec_t now)
{
    (void)now;
    return lifetimes[in->lifetime].between_aes && !(establish_is_ae(in->self) && establish_is_ae(in->peer));
}

static bool no_bootstrap(const struct establish_input *in, usec_t now)
{
    (void)now;
    return !in->is_provisioned;
}

static bool no_provider(const struct establish_input *in, usec_t now)
{
    (void)now;
    return mechanisms[in->mechanism].wants_provider && !in->has_provider;
}

static bool no_secret(const struct establish_input *in, usec_t now)
{
    (void)now;
    return mechanisms[in->mechanism].wants_secret && !in->has_secret;
}

static bool no_certificate(const struct establish_input *in, usec_t now)
{
    (void)now;
    return mechanisms[in->mechanism].wants_certificate && !in->has_certificate;
}

static bool is_over(const struct establish_input *in, usec_t now)
{
    return in->credential_end <= now;
}

static bool no_network(const struct establish_input *in, usec_t now)
{
    (void)now;
    return !in->has_network;
}

/* In the order in which a person can mend them: what was said, then what was provisioned, then the network. */
static const struct {
    refusal_fn *is_due;
    err_t err;
    const char *what;
} prerequisites[] = {
    {no_row, ERR_USAGE, "mechanism or kind of lifetime"},
    {no_self, ERR_ENTITY_MISSING, "the identifier of the calling entity is missing"},                 /* R004-17 */
    {other_caller, ERR_DENIED_CALLER, "the caller has no absolute CSE-ID or AE-ID"},                  /* R004-11 */
    {no_peer, ERR_ENTITY_MISSING, "the peer has no absolute CSE-ID or AE-ID"},                        /* R004-17, R002-74 */
    {one_entity, ERR_ENTITY_MISSING, "both ends are one entity"},                                     /* R000-58 */
    {strange_local, ERR_ENTITY_MISSING, "the local CSE is not the CSE of this AE"},                   /* R004-13 */
    {no_mechanism, ERR_DENIED_MECHANISM, "this build has no role for it"},                            /* R000-41 */
    {no_until, ERR_LIFETIME_KIND, "its end is missing or over"},                                      /* R002-87 */
    {no_contract, ERR_LIFETIME_KIND, "a contract is between the subscribers of two AEs"},             /* R002-88 */
    {no_bootstrap, ERR_DENIED_UNPROVISIONED, "no credential of a provider"},                          /* R000-54, R004-03 */
    {no_provider, ERR_DENIED_PROVIDER, "no MAF is known"},                                            /* R002-75 */
    {no_secret, ERR_DENIED_SECRET, "long term key of a CSE, application key of an AE"},               /* R004-15, R004-18 */
    {no_certificate, ERR_DENIED_SECRET, "certificate of the caller"},
    {is_over, ERR_DENIED_EXPIRED, "the credential"},
    {no_network, ERR_PEER_UNREACHABLE, "no connectivity in the network below"},                       /* R000-03 */
};

err_t establish_check(const struct establish_input *in, usec_t now, const char **what)
{
    *what = "";
    for (size_t i = 0; i < ARRAY_LEN(prerequisites); i++) {
        if (prerequisites[i].is_due(in, now)) {
            *what = prerequisites[i].what;
            return prerequisites[i].err;
        }
    }
    return ERR_OK;
}

usec_t establish_end(const struct establish_input *in)
{
    bool limited = in->lifetime < ESTABLISH_LIFETIMES && lifetimes[in->lifetime].wants_until;
    usec_t end = in->credential_end == USEC_NEVER ? USEC_NEVER : in->credential_end - 1; /* shorter, not as long */
    return limited && in->until < end ? in->until : end;
}
