/* The MAF and the MEF as tables of what differs between them, each with two clients that have a key: Sdev1 and Sdev2. */
#ifndef KEYSTEAD_TESTS_REG_SIDE_H
#define KEYSTEAD_TESTS_REG_SIDE_H

#include "authority.h"

#define KEY2 "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define SP "sp.example.com"

struct reg_side {
    const struct role *role;
    const char *fqdn, *conf, *kind;
    const char *root;
    uint32_t client_ty, base_ty;
    const char *base_root;
    unsigned suid, suid_many, suid_other; /* of a key for one target, for several, and one that is not registered here */
    const char *target, *target_cert;     /* of suid */
    const char *wrong_target;             /* of the wrong kind */
    enum store_table client, client_of, key, key_of;
    enum audit_kind client_registered, key_registered, key_retrieved;
    const char *cfg;
};

int reg_side_maf(void **state);
int reg_side_mef(void **state);

#define BOTH(test)                                                                                                     \
    {"maf " #test, test, reg_side_maf, authority_teardown, NULL}, {"mef " #test, test, reg_side_mef, authority_teardown, NULL}

void reg_side_connect(struct authority *f, const char *name);
err_t reg_side_create_client(struct authority *f, const char *adfq, const char *more);
void reg_side_register_client(struct authority *f);
err_t reg_side_create_key(struct authority *f, unsigned suid, const char *targets, const char *more);
/* Of its own making, for the target of the side. */
err_t reg_side_create_own_key(struct authority *f, const char *kv);
void reg_side_register_key(struct authority *f);
/* Sdev1 is connected and registered, and so is a key. */
void reg_side_ready(struct authority *f);
/* The target asks for that key. */
err_t reg_side_fetch(struct authority *f);

#endif
