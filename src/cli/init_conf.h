/* The configuration files that `keystead init` writes: values from a table, comments from the schema's own words. */
#ifndef KEYSTEAD_CLI_INIT_CONF_H
#define KEYSTEAD_CLI_INIT_CONF_H

#include "base/writer.h"

enum init_conf_server { INIT_CONF_MEF, INIT_CONF_MAF, INIT_CONF_CSE, INIT_CONF_GATE, INIT_CONF_BSF, INIT_CONF_MN, INIT_CONF_N };

/* Keys that the IN-CSE and the MN-CSE share, one for each direction: NAME.key, made with both. */
#define INIT_CONF_KEY_UP "mn-in"
#define INIT_CONF_KEY_DOWN "in-mn"

struct init_conf {
    const char *sp; /* FQDN of the service provider, lower case */
    unsigned made; /* 1 << INIT_CONF_*: what stands in this directory together */
    unsigned port[INIT_CONF_N];
    unsigned plain[INIT_CONF_N]; /* a second port without TLS: of the gate for the CSE behind it, of the BSF for Ub */
};

const char *init_conf_name(enum init_conf_server s);                               /* "mef"; of its files */
const char *init_conf_role(enum init_conf_server s);                               /* "cse" for the MN-CSE, too */
bool init_conf_has_plain(enum init_conf_server s);
void init_conf_fqdn(enum init_conf_server s, const char *sp, struct writer *w);    /* mef.SP, maf.SP, in.SP */
void init_conf_write(const struct init_conf *in, enum init_conf_server s, struct writer *w);

#endif
