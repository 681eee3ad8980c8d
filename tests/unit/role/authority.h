/* A client of a MAF or MEF over a memory store: what the tests of registrations and keys share. */
#ifndef KEYSTEAD_TESTS_AUTHORITY_H
#define KEYSTEAD_TESTS_AUTHORITY_H

#include "world.h"

#define T0 (INT64_C(1700000000) * USEC_PER_SEC) /* 2023-11-14T22:13:20Z */
#define MINUTE (INT64_C(60) * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define K42 "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=" /* 32 octets of 0x42 */
#define MACR "{\"m2m:macr\":{\"et\":\"20991231T000000\",\"adfq\":\"sp.example.com\"}}"
#define SKR "{\"m2m:skr\":{\"adfq\":\"sp.example.com\",\"suid\":32,\"tgis\":[\"//sp.example.com/in\"]}}"

struct authority {
    struct world w;
    struct world_node *n;
    struct world_session s;
    struct world_reply r;
    struct secret key, other; /* the test's own */
    char ri[64];              /* "/macr...": of the registration that was made last */
    char path[80];            /* "/-/RelativeKeyID": of the key */
    const struct reg_side *x; /* of tests that run on both (reg_side.h) */
};

/* State of a test: the world begins at T0. */
struct authority *authority_new(const struct role *role, const char *fqdn, const char *conf);
int authority_teardown(void **state);

err_t authority_ctl(struct authority *f, const char *noun, const char *verb, const char *args);
/* `client` may register keys for the IN-CSE. */
void authority_allow(struct authority *f, const char *client);
err_t authority_request(struct authority *f, enum op op, uint32_t ty, const char *path, const char *from, const char *body);
/* Member of the object `root` in the last answer. */
void authority_member(struct authority *f, const char *root, const char *name, char *out, size_t cap);
/* Registers the connected client of a MAF. */
void authority_register(struct authority *f, const char *from);

/* -- a MAF with two MEFs, of whom a forged one answers that it gives K42 -- */
#define KM "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define KEID "00112233445566778899AABBCCDDEEFF@mef.example.com"
#define SEED_KEID "00112233445566778899AABBCCDDEEFF@mef2.example.com"
#define MAF_CONF                                                                                                       \
    MAF_CONF_WITH("")
#define MAF_CONF_WITH(more)                                                                                            \
    "[maf]\nfqdn = maf.example.com\nkm-lifetime = 30d\nkc-lifetime = 12h\n" more                                       \
    "[peer mef.example.com]\nkind = mef\n[peer mef2.example.com]\nkind = mef\nprofile = seed\n"                        \
    "[peer in.sp.example.com]\nkind = cse\n"
#define GOOD                                                                                                           \
    "{\"status\":true,\"credential\":\"" K42 "\",\"enroleeID\":\"//sp.example.com/Sdev1\",\"lifetime\":86400}"

int authority_maf_setup(void **state); /* key: KM, other: K42 */
/* The pre-provisioned Km of Sdev1, dev1@maf.example.com. */
void authority_add_km(struct authority *f);
err_t authority_connect(struct authority *f, const char *identity, const struct secret *key);
/* Sdev1 with its Km is registered and may register keys for the IN-CSE. */
void authority_ready(struct authority *f);

#endif
