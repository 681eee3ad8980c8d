/* The model of TS-0003 7.1.5 that tests of the access decision compare with, and random rules, originators, addresses and places. */
#ifndef KEYSTEAD_TESTS_ACCESS_MODEL_H
#define KEYSTEAD_TESTS_ACCESS_MODEL_H

#include "role/cse/access.h"

#include <time.h>

#define ACCESS_MODEL_SETS 50000
#define ACCESS_MODEL_QUERIES 10 /* a rule set: 500,000 decisions, and as many in the sanitized run */

enum { ACCESS_MODEL_WHOS = 12, ACCESS_MODEL_IPS = 17, ACCESS_MODEL_PLACES = 8, ACCESS_MODEL_OTHERS = 4 };

struct access_model_who {
    const char *absolute, *sp_relative, *stem;
};
extern const struct access_model_who access_model_whos[ACCESS_MODEL_WHOS];
extern const char *const access_model_ips[ACCESS_MODEL_IPS];
extern const char *const access_model_others[ACCESS_MODEL_OTHERS]; /* groups and roles */

struct access_model_place {
    double lat, lon;
    const char *country;
};
extern const struct access_model_place access_model_places[ACCESS_MODEL_PLACES];

struct access_model_facts {
    const struct access_model_who *who;
    int op; /* bit */
    time_t now;
    const char *ip;
    bool authn;
    int target_ty, child_ty;
    const char *definition;
    const struct access_model_place *place; /* NULL: nobody knows */
    unsigned also;             /* of `access_model_others`: which groups and roles are the originator's, a bit each */
};

uint32_t access_model_rnd(uint32_t n);
bool access_model_chance(uint32_t percent);
json_t *access_model_texts(const char *const *pool, size_t pool_n, uint32_t max);
json_t *access_model_rules(void);

bool access_model_decide(const json_t *pv, const struct access_model_facts *q);
bool access_model_is_also(const char *element, size_t n, unsigned also);
/* The facts as the decision gets them. */
struct access_query access_model_query(const struct access_model_facts *q);

#endif
