/*
 * Client registration and key registration, the same procedures on Mmaf and Mmef [TS-0003 8.8.2, 8.3.5.2]: a client registers
 * for an administrating stakeholder, registers keys under that, and the targets of a key retrieve it. What MAF and MEF differ
 * in is a struct reg_kind; their contexts begin with a struct reg, so that the handlers serve both.
 */
#ifndef KEYSTEAD_ROLE_REG_REG_H
#define KEYSTEAD_ROLE_REG_REG_H

#include "role/credential_args.h"
#include "role/emit.h"
#include "role/reg/rec_client.h"
#include "role/withdraw.h"
#include "wire/reg_attr.h"

struct reg;

/* Which client makes this request: its name for registrations and permissions, and the key it stands on. */
struct reg_who {
    char name[REC_CLIENT_NAME_MAX]; /* Enrolee-ID; From of a certificate's holder; or Credential-ID 10-, 11-, 31-, 34- */
    bool named;              /* a permission may be given to the name: it is no Credential-ID of a key */
    struct keyid credential; /* identifier of the key it stands on (KmId, KeId, KpmId); empty: a certificate */
    struct keyid also;       /* another identifier of the same key, or empty */
    struct keyid assigned;   /* assignedSymmKeyID that it is to be told; empty: none */
    bool unanswered;         /* it still uses the identifier that the answer to its registration takes away */
    usec_t not_after;        /* of the credential it stands on */
};

struct reg_suid {
    unsigned suid;
    size_t targets; /* at most [TS-0003 tables 8.3.5.1-1, 8.8.1-1] */
    bool for_maf;   /* the target is a MAF, by its FQDN; else a CSE or AE, by its absolute identifier */
};

struct reg_use { /* what a key is to be registered for */
    struct text target, adfq;
    unsigned suid;
    usec_t now;
};

typedef err_t reg_who_fn(const struct reg *r, const struct request *rq, struct txn *t, struct reg_who *out);
typedef err_t reg_source_fn(const struct reg *r, struct txn *t, const struct keyid *credential, usec_t created);
typedef err_t reg_credential_fn(const struct reg *r, struct txn *t, const struct keyid *credential);

/* One row for the MAF, one for the MEF. */
struct reg_kind {
    const char *name; /* "MAF" */
    const char *ri;   /* a resource identifier begins with it */
    const char *configuration; /* root of mafClientCfg, mefClientCfg */
    uint32_t base_ty, client_ty;
    const struct withdraw_kind *withdraw; /* what is withdrawn here, and who is to know */
    const struct reg_suid *suids;
    size_t suids_n;
    const char *suids_text; /* of the refusal */
    enum store_table client, client_of, key, key_of, allow;
    enum audit_kind client_registered, key_registered, key_retrieved;
    bool tells_source;            /* a target is told the Source's KmId, for the Credential-ID 11-KmId [CHOICE-05] */
    reg_who_fn *who;              /* From was compared with the association before */
    reg_who_fn *assign;           /* gives a Km from an RSPF its KmId and sets out->assigned; NULL: nothing to assign */
    reg_source_fn *source;        /* may a key that this Source registered then be handed out? ERR_DENIED_REVOKED */
    /* What a withdrawal of the Source's credential is noted under, whatever becomes of its record; NULL: the credential. */
    err_t (*root)(struct txn *t, const struct keyid *credential, struct keyid *out);
    reg_credential_fn *forget;    /* its last registration is gone; NULL: the credential stays */
    err_t (*target)(struct txn *t, const struct m2mid *target); /* a key was registered for it; NULL: nobody must know */
    /* May a key of this SUID be registered for this target, whatever `client allow` says: a bootstrap instruction does. NULL:
     * there are none. */
    err_t (*instructed)(const struct reg_who *w, struct txn *t, const struct reg_use *use, bool *out);
    /* What its client gets as its configuration before that of the registration; empty: nothing. NULL: there is none. */
    err_t (*configured)(const struct reg_who *w, struct txn *t, struct text *out);
    /* References to children of a registration that wait for the client, into the answers to its registration and update
     * (mefClientCmd [8.3.4.6]); NULL: none. */
    err_t (*children)(const struct reg *r, struct txn *t, const struct rec_client *c, struct emit *e);
    /* The session's export becomes a key of this name: ERR_EXPORT_USED if it already is another. NULL: it is free. */
    err_t (*claim)(const struct reg *r, const struct request *rq, struct txn *t, const struct keys_relative *id);
};

struct reg {
    const struct reg_kind *kind;
    struct role_env env;
    char fqdn[KEYID_MAX]; /* lower case: MAF-ID, MEF-ID */
    char admin[KEYID_MAX]; /* lower case: the one administrating stakeholder it serves (R002-43, R004-24); empty: any */
    usec_t key_lifetime;  /* at most, of a registered key */
    size_t kv_min, kv_max; /* octets of a self-generated key [CHOICE-54] */
};

/* -- reg.c ----------------------------------------------------------------------------------------- */
#define REG_CONF_ROWS(section, lifetime_key, lifetime, doc)                                                            \
    {section, "admin-fqdn", CONF_FQDN, 0, NULL, 0, 0, NULL,                                                            \
     "The administrating stakeholder that it serves alone: registrations must name it; default any."},                 \
        {section, lifetime_key, CONF_DURATION, 0, lifetime, USEC_PER_SEC, CREDENTIAL_LIFETIME_MAX, NULL, doc},         \
        {section, "key-value-min", CONF_NUMBER, 0, "32", KEYS_PROVISIONED_MIN, KEYS_PROVISIONED_MAX, NULL,             \
         "Octets that a client's own key value has at least."},                                                        \
    {                                                                                                                  \
        section, "key-value-max", CONF_NUMBER, 0, "32", KEYS_PROVISIONED_MIN, KEYS_PROVISIONED_MAX, NULL,              \
            "Octets that a client's own key value has at most."                                                        \
    }
MUST_USE err_t reg_configure(struct reg *r, const struct conf *cf, const char *section, const char *lifetime_key,
                             char detail[static ROLE_DETAIL_MAX]);
MUST_USE err_t reg_tell(struct txn *t, enum audit_kind kind, const struct request *rq, const char *object);
usec_t reg_earlier(usec_t a, usec_t b);

/* `clause` is 8.8.2 or 8.3.5.2: the sub-clauses of both have the same numbers. */
#define REG_ROUTES(client_ty, peers, clause)                                                                           \
    {OP_RETRIEVE, "/-", 0, peers, 0, reg_base_retrieve, "TS-0003 " clause},                                            \
        {OP_RETRIEVE, WITHDRAW_PATH "{cursor}", 0, peers, 0, reg_base_withdrawn, "TS-0001 11.2.1"},                         \
        {OP_CREATE, "/-", client_ty, peers, ROUTE_WRITES, reg_client_register, "TS-0003 " clause ".3"},                \
        {OP_RETRIEVE, "/{ri}", 0, peers, 0, reg_client_retrieve, "TS-0003 " clause ".3"},                              \
        {OP_RETRIEVE, "/{ri}/cfg", 0, peers, 0, reg_client_configuration, "TS-0003 " clause ".4"},                     \
        {OP_UPDATE, "/{ri}", 0, peers, ROUTE_WRITES, reg_client_update, "TS-0003 " clause ".5"},                       \
        {OP_DELETE, "/{ri}", 0, peers, ROUTE_WRITES, reg_client_deregister, "TS-0003 " clause ".6"},                   \
        {OP_CREATE, "/{ri}", REG_ATTR_TY_KEY, peers, ROUTE_WRITES | ROUTE_EXPORT, reg_key_register,                    \
         "TS-0003 " clause ".7"},                                                                                      \
        {OP_RETRIEVE, "/-/{relative}", 0, peers, ROUTE_WRITES, reg_key_retrieve, "TS-0003 " clause ".8"},              \
        {OP_UPDATE, "/-/{relative}", 0, peers, ROUTE_WRITES, reg_key_update, "TS-0003 " clause ".9"},                  \
    {                                                                                                                  \
        OP_DELETE, "/-/{relative}", 0, peers, ROUTE_WRITES, reg_key_deregister, "TS-0003 " clause ".10"                \
    }
role_handler reg_base_retrieve, reg_base_withdrawn; /* reg_base.c */
/* reg_client.c */
role_handler reg_client_register, reg_client_retrieve, reg_client_configuration, reg_client_update, reg_client_deregister;
role_handler reg_key_register, reg_key_retrieve, reg_key_update, reg_key_deregister;                  /* reg_key.c */

#endif
