#include "cli/device_package.h"

#include "aka/aka_sim_file.h"
#include "base/base64.h"
#include "base/ct.h"
#include "role/detail.h"
#include "role/device/device_package.h"
#include "role/secret_text.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"
#include "shell/object_jose.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SUID_PROVISIONED = 14, PACKAGE_KEY_LEN = 32 /* A256GCM */ };

const struct cli_opt device_package_opts[DEVICE_PACKAGE_OPTS_N] = {
    {"--contents", CLI_OPT_REQUIRED, "JSON with the layers; MEMBER-file names the file of a MEMBER"},
    {"--device", CLI_OPT_REQUIRED, "name of the device, as it will say it, e.g. its serial number"},
    {"--lifetime", CLI_OPT_REQUIRED, "how long the package may be taken in, e.g. 30d"},
    {"--package-key", CLI_OPT_REQUIRED, "[ID=]FILE with the key of the package: 32 octets in hex, mode 0600"},
    {"--out", CLI_OPT_REQUIRED, "file to write, mode 0600"},
};

struct work {
    const struct cli_args *a;
    struct object_file file;
    struct object_file_key key;
    struct device_package package;
    json_t *tree;
    bool is_open; /* the contents, to others */
    uint8_t plain[ESDATA_CONTENT_MAX], out[JOSE_OBJECT_MAX];
    char detail[ROLE_DETAIL_MAX];
};

static void work_free(struct work **w)
{
    if (*w != NULL) {
        secret_text_wipe((*w)->tree);
        json_decref((*w)->tree);
        device_package_wipe(&(*w)->package);
        ct_wipe(*w, sizeof(**w));
        free(*w);
    }
}

err_t device_package_key(const char *spec, struct object_file_key *out)
{
    TRY(object_file_key_read(spec, out));
    if (out->k.key.symmetric == NULL) {
        return ERR_USAGE;
    }
    out->k.suid = SUID_PROVISIONED;
    return out->secret.n == PACKAGE_KEY_LEN ? ERR_OK : ERR_MALFORMED_KEY;
}

/* -- MEMBER-file becomes MEMBER --------------------------------------------------------------------------------- */
static err_t key_of_file(struct work *w, const char *file, struct writer *o)
{
    (void)w;
    SCOPED(secret_wipe) struct secret s = {0};
    TRY(cli_key_file(file, &s));
    secret_text_write(o, &s);
    return writer_finish(o);
}

static err_t octets_of_file(struct work *w, const char *file, struct writer *o)
{
    TRY(object_file_read(file, &w->file));
    base64_write(o, bytes_of(w->file.b, w->file.n));
    return writer_finish(o);
}

static err_t text_of_file(struct work *w, const char *file, struct writer *o)
{
    TRY(object_file_read(file, &w->file));
    writer_bytes(o, bytes_of(w->file.b, w->file.n));
    return writer_finish(o);
}

static err_t private_of_file(struct work *w, const char *file, struct writer *o)
{
    struct stat st;
    if (stat(file, &st) != 0) {
        return ERR_IO;
    }
    return (st.st_mode & 077) != 0 ? ERR_FILE_MODE : text_of_file(w, file, o);
}

static const struct reference {
    const char *name, *member;
    err_t (*read)(struct work *w, const char *file, struct writer *o);
    bool is_secret; /* and may stand in the contents only if these are closed to others */
} references[] = {
    {"key-file", "key", key_of_file, true},
    {"value-file", "value", octets_of_file, true},
    {"certificate-file", "certificate", text_of_file, false},
    {"private-key-file", "private-key", private_of_file, true},
    {"trust-file", "trust", text_of_file, false},
    {"card-file", "card", private_of_file, true},
};

static err_t resolve(struct work *w, json_t *o, const struct reference *r)
{
    const char *file = json_string_value(json_object_get(o, r->name));
    if (json_object_get(o, r->member) != NULL && r->is_secret && w->is_open) {
        return detail_fail(w->detail, ERR_FILE_MODE, "--contents holds", text_of(r->member));
    }
    if (json_object_get(o, r->name) == NULL) {
        return ERR_OK;
    }
    if (file == NULL || json_object_get(o, r->member) != NULL) {
        return detail_fail(w->detail, ERR_PACKAGE, "not the name of a file, or beside the member itself", text_of(r->name));
    }
    struct writer t = writer_of(w->out, sizeof(w->out)); /* free until the package is written */
    err_t e = r->read(w, file, &t);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, r->name, text_of(file));
    }
    bool good = json_set_text(o, r->member, writer_view_text(&t)) && json_object_del(o, r->name) == 0;
    return good ? ERR_OK : detail_fail(w->detail, ERR_PACKAGE, "no text", text_of(file));
}

/* In a layer, and in the members of one. */
static err_t resolve_all(struct work *w, json_t *o)
{
    static const char *const members[] = {"mef", "maf", "cse", "sim"};
    for (size_t i = 0; i < ARRAY_LEN(references); i++) {
        TRY(resolve(w, o, &references[i]));
        for (size_t k = 0; k < ARRAY_LEN(members); k++) {
            TRY(resolve(w, json_object_get(o, members[k]), &references[i]));
        }
    }
    return ERR_OK;
}

/* -- a SIM in software --------------------------------------------------------------------------------------------- */
static void card_wipe(struct aka_sim_file *f)
{
    aka_sim_file_wipe(f);
}

err_t device_package_card(const struct device_package *p, char *detail)
{
    SCOPED(card_wipe) struct aka_sim_file f = {.gba = AKA_SIM_ME};
    unsigned line = 0;
    char where[24];
    err_t e = p->card.n == 0 ? ERR_OK : aka_sim_file_parse(crypto_openssl(), p->card, &f, &line);
    (void)snprintf(where, sizeof(where), "card, line %u", line);
    return e == ERR_OK ? e : detail_fail(detail, e, line > 0 ? where : "card: " AKA_SIM_FILE_WHOLE, text_empty());
}

/* -- make ------------------------------------------------------------------------------------------------------- */
static err_t contents(struct work *w, usec_t now, struct writer *plain)
{
    const char *file = cli_arg(w->a, "--contents");
    usec_t lifetime = 0;
    char until[TIMESTAMP_LEN + 8];
    struct writer t = WRITER_ARRAY(until);
    err_t e = timestamp_duration(text_of(cli_arg(w->a, "--lifetime")), &lifetime);
    if (e != ERR_OK || lifetime <= 0 || lifetime > CREDENTIAL_LIFETIME_MAX) {
        return detail_fail(w->detail, ERR_USAGE, "--lifetime", text_of(cli_arg(w->a, "--lifetime")));
    }
    timestamp_write(&t, now + lifetime);
    e = object_file_read(file, &w->file);
    e = e == ERR_OK ? json_parse(bytes_of(w->file.b, w->file.n), &w->tree) : e;
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, "--contents", text_of(file));
    }
    struct stat st;
    w->is_open = stat(file, &st) == 0 && (st.st_mode & 077) != 0;
    json_t *list = json_object_get(w->tree, "layers");
    for (size_t i = 0; i < json_array_size(list); i++) {
        TRY(resolve_all(w, json_array_get(list, i)));
    }
    bool good = json_object_set_new(w->tree, "package", json_integer(DEVICE_PACKAGE_VERSION)) == 0 &&
                json_set_text(w->tree, "device", text_of(cli_arg(w->a, "--device"))) &&
                json_set_text(w->tree, "until", writer_view_text(&t));
    return good ? json_write(w->tree, plain) : detail_fail(w->detail, ERR_USAGE, "--device", text_empty());
}

/* What is given away is what a device will take: the same parser looks at it first. */
static err_t make(struct work *w)
{
    usec_t now = clock_now();
    struct writer plain = WRITER_ARRAY(w->plain);
    struct writer out = WRITER_ARRAY(w->out);
    err_t e = device_package_key(cli_arg(w->a, "--package-key"), &w->key);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, "--package-key", text_of(cli_arg(w->a, "--package-key")));
    }
    TRY(contents(w, now, &plain));
    e = device_package_parse(writer_view(&plain), text_of(cli_arg(w->a, "--device")), now, &w->package);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, w->package.detail, text_empty());
    }
    TRY(device_package_card(&w->package, w->detail));
    const struct esdata_order o = {.class = ESDATA_ENCRYPTED, .form = JOSE_COMPACT, .targets = &w->key.k, .targets_n = 1,
                                   .cty = text_of(DEVICE_PACKAGE_TYPE)};
    TRY(esdata_protect(object_jose(), &o, writer_view(&plain), now, &out));
    e = object_file_write(cli_arg(w->a, "--out"), writer_view(&out));
    return e == ERR_OK ? e : detail_fail(w->detail, e, "--out", text_of(cli_arg(w->a, "--out")));
}

int device_package_make(const struct cli_args *a)
{
    SCOPED(work_free) struct work *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return cli_fail(a, ERR_LIMIT_CAPACITY, NULL);
    }
    w->a = a;
    err_t e = make(w);
    if (e != ERR_OK) {
        return cli_fail(a, e, w->detail);
    }
    cli_out_begin(a);
    cli_out(a, "device", text_of(cli_arg(a, "--device")));
    cli_out(a, "until", json_get_text(w->tree, "until"));
    cli_out(a, "package", text_of(cli_arg(a, "--out")));
    cli_out_end(a);
    return CLI_DONE;
}
