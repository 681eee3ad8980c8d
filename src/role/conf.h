/*
 * Configuration as the roles see it: a table of rows they declare, and an immutable snapshot they
 * read. Reading files and reporting faults with line numbers is the shell's (shell/conf_file).
 *
 * Sections are `[name]`, or `[name ARGUMENT]` where several are allowed (`[peer mef.example.com]`, `[mef second]`).
 */
#ifndef KEYSTEAD_ROLE_CONF_H
#define KEYSTEAD_ROLE_CONF_H

#include "base/text.h"

enum conf_type {
    CONF_TEXT,
    CONF_FQDN,
    CONF_ADDRESS,  /* 127.0.0.1:8443, [::1]:8443 */
    CONF_FILE,     /* must exist and be readable; relative to the configuration file */
    CONF_SECRET_FILE, /* the same, mode 0600 or stricter */
    CONF_KEY,      /* the secret file of a private key, or a key elsewhere (shell/key_source.h) */
    CONF_PEM,      /* a readable file, at most 3 KiB; the value is what is in it */
    CONF_PATH,     /* relative to the configuration file; need not exist */
    CONF_NUMBER,   /* min..max */
    CONF_DURATION, /* 5s, 90d: microseconds, min..max in microseconds */
    CONF_BOOL,     /* on / off */
    CONF_CHOICE    /* one of the words in `choices`, separated by '|' */
};

enum {
    CONF_REQUIRED = 1,
    CONF_MANY = 2,     /* comma-separated list */
    CONF_REPEATS = 4,  /* section takes an argument */
    CONF_INSTANCES = 8 /* of the row "": the section stands once without an argument, and may stand again with one */
};

struct conf_row {
    const char *section;
    const char *key;
    enum conf_type type;
    unsigned flags;
    const char *fallback; /* default as text, or NULL */
    int64_t min, max;
    const char *choices;
    const char *doc; /* one line: --help, man page, docs/operate/configuration.md */
};

struct conf; /* immutable snapshot */

/* `arg` is NULL for sections without argument. Values were validated against their row; an absent
 * optional value gives its fallback, or empty / 0 / false. A (section, key) without a row is a bug: asserts.
 * Text is terminated with NUL after its n octets; a CONF_MANY value is its elements joined by ',' without
 * spaces (take it apart with text_next). */
struct text conf_text(const struct conf *c, const char *section, const char *arg, const char *key);
int64_t conf_number(const struct conf *c, const char *section, const char *arg, const char *key);
bool conf_bool(const struct conf *c, const char *section, const char *arg, const char *key);

/* The arguments of a repeated section, in file order; NULL beyond the last. */
const char *conf_section_arg(const struct conf *c, const char *section, size_t i);

#endif
