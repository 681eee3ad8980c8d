#include "role/device/device_package.h"

#include "base/base64.h"
#include "base/ct.h"
#include "role/detail.h"
#include "role/device/device_config.h"
#include "role/device/device_gba.h"
#include "role/secret_text.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

void device_package_wipe(struct device_package *p)
{
    secret_text_wipe(p->tree);
    json_decref(p->tree);
    ct_wipe(p, sizeof(*p));
}

static err_t bad(struct device_package *p, const char *what, const char *member)
{
    return detail_fail(p->detail, ERR_PACKAGE, what, text_of(member));
}

/* -- members ------------------------------------------------------------------------------------------------- */
/* Nothing is passed over in silence: a member that nobody reads may be a misspelt one that matters. */
static err_t only(struct device_package *p, const json_t *o, const char *const *names)
{
    const char *name;
    json_t *value;
    if (!json_is_object(o)) {
        return bad(p, "not an object", "");
    }
    json_object_foreach((json_t *)(uintptr_t)o, name, value) {
        size_t i = 0;
        while (names[i] != NULL && strcmp(names[i], name) != 0) {
            i++;
        }
        if (names[i] == NULL) {
            return bad(p, "unknown member", name);
        }
    }
    return ERR_OK;
}

/* Empty if it is absent; what is there is a text, and says something. */
static err_t text_member(struct device_package *p, const json_t *o, const char *name, struct text *out)
{
    const json_t *v = json_object_get(o, name);
    *out = json_get_text(o, name);
    return v == NULL || out->n > 0 ? ERR_OK : bad(p, "not a text", name);
}

static err_t copied(struct device_package *p, const json_t *o, const char *name, char *dst, size_t cap)
{
    struct text t;
    TRY(text_member(p, o, name, &t));
    if (t.n == 0) {
        return bad(p, "missing", name);
    }
    return text_copy(t, dst, cap) == ERR_OK ? ERR_OK : bad(p, "too long, or with a NUL", name);
}

static err_t key_member(struct device_package *p, const json_t *o, struct secret *out)
{
    err_t e = secret_text_take(json_object_get(o, "key"), KEYS_PROVISIONED_MIN, SECRET_MAX, out);
    return e == ERR_OK ? ERR_OK : bad(p, "not 16 to 64 octets in base64", "key");
}

/* -- the M2M service layer ------------------------------------------------------------------------------------- */
struct place { /* what stands where in the state */
    const char *name;
    const char *identity; /* member that says who the server is */
    struct device_state_server *server;
    struct keyid *key_id;
    struct secret *key;
};

/* R000-20: credentials and their identifiers, or the package is not complete. */
static err_t credential(struct device_package *p, const json_t *o, const struct place *at, struct device_package_files *f)
{
    struct keyid_parts parts;
    bool key = json_object_get(o, "key") != NULL;
    if (key != (json_object_get(o, "key-id") != NULL)) {
        return bad(p, "a key and its identifier belong together", at->name);
    }
    TRY(text_member(p, o, "certificate", &f->certificate));
    TRY(text_member(p, o, "private-key", &f->private_key));
    TRY(text_member(p, o, "trust", &f->trust));
    size_t files = (size_t)(f->certificate.n > 0) + (size_t)(f->private_key.n > 0) + (size_t)(f->trust.n > 0);
    bool anchors = files == 1 && f->trust.n > 0 && device_gba_is_https(at->server); /* of one who is met with a SIM */
    if (files % 3 != 0 && !anchors) {
        return bad(p, "certificate, private-key and trust belong together", at->name);
    }
    if (key && files > 0) {
        return bad(p, "a key or a certificate, not both", at->name);
    }
    if (!key) {
        return ERR_OK;
    }
    TRY(copied(p, o, "key-id", at->key_id->z, sizeof(at->key_id->z)));
    if (keyid_parse(text_of(at->key_id->z), &parts) != ERR_OK) {
        return bad(p, "not NAME@FQDN", "key-id");
    }
    return key_member(p, o, at->key);
}

static err_t fqdn_of(struct device_package *p, const json_t *o, struct device_state_server *s)
{
    TRY(copied(p, o, "fqdn", s->fqdn, sizeof(s->fqdn)));
    for (char *c = s->fqdn; *c != '\0'; c++) {
        *c = text_lower(*c); /* it goes into derivations: one form only */
    }
    return keyid_is_fqdn(text_of(s->fqdn)) ? ERR_OK : bad(p, "not a domain name", "fqdn");
}

static err_t cse_of(struct device_package *p, const json_t *o, struct device_state *s)
{
    struct m2mid name;
    TRY(copied(p, o, "cse-id", s->cse_id.z, sizeof(s->cse_id.z)));
    if (m2mid_kind(text_of(s->cse_id.z)) != M2MID_ABS_CSE || m2mid_fqdn(text_of(s->cse_id.z), &name) != ERR_OK) {
        return bad(p, "not an absolute CSE-ID", "cse-id");
    }
    return TEXT_COPY(text_of(name.z), s->cse.fqdn);
}

static err_t server(struct device_package *p, const json_t *o, const struct place *at, struct device_package_files *f)
{
    const char *const names[] = {at->identity, "address", "key-id", "key", "certificate", "private-key", "trust", NULL};
    TRY(only(p, o, names));
    TRY(at->server == &p->state.cse ? cse_of(p, o, &p->state) : fqdn_of(p, o, at->server));
    TRY(copied(p, o, "address", at->server->address, sizeof(at->server->address)));
    return credential(p, o, at, f);
}

/* A card takes the place of all keys, and needs to be told of a BSF and of one target (R001-119); not written, it is in a reader. */
static err_t sim_member(struct device_package *p, const json_t *o)
{
    static const char *const names[] = {"card", "reader", NULL};
    struct device_state *s = &p->state;
    struct text reader;
    TRY(only(p, o, names));
    TRY(text_member(p, o, "card", &p->card));
    TRY(text_member(p, o, "reader", &reader));
    if ((p->card.n > 0) == (reader.n > 0)) {
        return bad(p, "card or reader", "sim");
    }
    if (reader.n > 0 && !text_eq_z(reader, "pcsc") && !text_starts(reader, "pcsc:")) {
        return bad(p, "pcsc or pcsc:READER", "reader");
    }
    if (s->mef.address[0] == '\0' || (s->maf.fqdn[0] == '\0' && s->cse_id.z[0] == '\0')) {
        return bad(p, "a SIM needs mef, which is its BSF, and maf or cse", "sim");
    }
    return reader.n == 0 || TEXT_COPY(reader, s->sim.file) == ERR_OK ? ERR_OK : bad(p, "too long, or with a NUL", "reader");
}

/* What is met with a card at https:// is known by its certificate; who has no card has no business there. */
static err_t anchors_check(struct device_package *p, bool sim)
{
    const struct device_state_server *const servers[DEVICE_PACKAGE_SERVERS] = {&p->state.mef, &p->state.maf, &p->state.cse};
    for (size_t i = 0; i < DEVICE_PACKAGE_SERVERS; i++) {
        if (device_gba_is_https(servers[i]) && (!sim || p->files[i].trust.n == 0 || i == DEVICE_PACKAGE_MAF)) {
            return bad(p, "an address with https:// is for mef or cse, with sim and trust", servers[i]->address);
        }
    }
    return ERR_OK;
}

static err_t credentials_check(struct device_package *p, const json_t *sim, size_t others)
{
    TRY(sim == NULL ? ERR_OK : sim_member(p, sim));
    if (sim != NULL && others > 0) {
        return bad(p, "a SIM, or keys and certificates", "service");
    }
    TRY(anchors_check(p, sim != NULL));
    return sim != NULL || others > 0 ? ERR_OK : bad(p, "no key, no certificate and no SIM", "service");
}

static err_t service(struct device_package *p, const json_t *o)
{
    static const char *const names[] = {"layer", "critical", "mef", "maf", "cse", "sim", "profile", "lifetime", "node", NULL};
    bool named = false;
    struct device_state *s = &p->state;
    const struct place places[DEVICE_PACKAGE_SERVERS] = {
        [DEVICE_PACKAGE_MEF] = {"mef", "fqdn", &s->mef, &s->kpm_id, &s->kpm.s},
        [DEVICE_PACKAGE_MAF] = {"maf", "fqdn", &s->maf, &s->km_id, &s->km.s},
        [DEVICE_PACKAGE_CSE] = {"cse", "cse-id", &s->cse, &s->kpsa_id, &s->kpsa.s},
    };
    struct text profile, lifetime;
    size_t credentials = 0;
    if (s->lifetime != 0) {
        return bad(p, "two layers", "service");
    }
    s->profile = CREDENTIAL_R3;
    s->lifetime = DEVICE_STATE_LIFETIME;
    TRY(only(p, o, names));
    TRY(text_member(p, o, "profile", &profile));
    TRY(text_member(p, o, "lifetime", &lifetime));
    if (profile.n > 0 && credential_args_profile(profile, &s->profile) != ERR_OK) {
        return bad(p, "r3 or seed", "profile");
    }
    if (lifetime.n > 0 && (timestamp_duration(lifetime, &s->lifetime) != ERR_OK || s->lifetime <= 0)) {
        return bad(p, "not a duration", "lifetime");
    }
    if (device_config_node(json_object_get(o, "node"), s, &named) != ERR_OK) { /* R003-93, R003-94 */
        return bad(p, "node-id and cse-id, or one of them", "node");
    }
    for (size_t i = 0; i < DEVICE_PACKAGE_SERVERS; i++) {
        const json_t *v = json_object_get(o, places[i].name);
        TRY(v == NULL ? ERR_OK : server(p, v, &places[i], &p->files[i]));
        credentials += (size_t)(secret_is_set(places[i].key) || p->files[i].certificate.n > 0);
    }
    TRY(credentials_check(p, json_object_get(o, "sim"), credentials));
    s->ke_not_after = secret_is_set(&s->km.s) ? USEC_NEVER : 0; /* a Km of the factory ends when its MAF says so */
    return ERR_OK;
}

/* -- the layers that are handed on --------------------------------------------------------------------------- */
/* It becomes the name of a file, or a part of one. */
static err_t named(struct device_package *p, const json_t *o, struct device_package_entry *out)
{
    TRY(copied(p, o, "name", out->name, sizeof(out->name)));
    for (const char *c = out->name; *c != '\0'; c++) {
        char l = text_lower(*c);
        bool good = (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || (c != out->name && strchr("._-@", *c) != NULL);
        if (!good) {
            return bad(p, "a name is letters, digits, and . _ - @ after the first", "name");
        }
    }
    for (size_t i = 0; i < p->entries_n; i++) {
        if (text_eq_nocase(text_of(p->entries[i].name), text_of(out->name))) {
            return bad(p, "a name twice", out->name);
        }
    }
    return ERR_OK;
}

static err_t entry_new(struct device_package *p, struct device_package_entry **out)
{
    if (p->entries_n == DEVICE_PACKAGE_ENTRIES_MAX) {
        return bad(p, "too many entries", "layers");
    }
    *out = &p->entries[p->entries_n];
    return ERR_OK;
}

static err_t network(struct device_package *p, const json_t *o)
{
    static const char *const names[] = {"layer", "critical", "name", "value", NULL};
    struct device_package_entry *e = NULL;
    struct text value;
    TRY(only(p, o, names));
    TRY(entry_new(p, &e));
    TRY(named(p, o, e));
    TRY(text_member(p, o, "value", &value));
    struct writer w = writer_of(p->octets + p->octets_n, sizeof(p->octets) - p->octets_n);
    if (value.n == 0 || base64_parse(value, &w) != ERR_OK || writer_finish(&w) != ERR_OK) {
        return bad(p, "not base64, or too much of it", "value");
    }
    e->octets = writer_view(&w);
    p->octets_n += w.n;
    p->entries_n++;
    return ERR_OK;
}

static err_t application(struct device_package *p, const json_t *o)
{
    static const char *const names[] = {"layer", "critical", "name", "key", NULL};
    struct device_package_entry *e = NULL;
    TRY(only(p, o, names));
    TRY(entry_new(p, &e));
    TRY(named(p, o, e));
    TRY(key_member(p, o, &e->key));
    p->entries_n++;
    return ERR_OK;
}

/* -- the package --------------------------------------------------------------------------------------------- */
static const struct layer { /* a new layer is a row */
    const char *name;
    err_t (*parse)(struct device_package *p, const json_t *o);
} layers[] = {{"service", service}, {"network", network}, {"application", application}}; /* R000-18 */

static err_t layer(struct device_package *p, const json_t *o)
{
    struct text name;
    const json_t *critical = json_object_get(o, "critical");
    if (critical != NULL && !json_is_boolean(critical)) {
        return bad(p, "not true or false", "critical");
    }
    TRY(text_member(p, o, "layer", &name));
    for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
        if (text_eq_z(name, layers[i].name)) {
            return layers[i].parse(p, o);
        }
    }
    if (name.n == 0) {
        return bad(p, "missing", "layer");
    }
    p->passed_over++;
    return json_is_true(critical) ? detail_fail(p->detail, ERR_PACKAGE_LAYER, "layer", name) : ERR_OK;
}

/* For whom, and until when: before anything in it is looked at. */
static err_t meant_for(struct device_package *p, struct text device, usec_t now)
{
    static const char *const names[] = {"package", "device", "until", "layers", NULL};
    struct text given, end;
    usec_t until = 0;
    const json_t *version = json_object_get(p->tree, "package");
    TRY(only(p, p->tree, names));
    if (!json_is_integer(version) || json_integer_value(version) != DEVICE_PACKAGE_VERSION) {
        return bad(p, "not a version that is known", "package");
    }
    TRY(text_member(p, p->tree, "device", &given));
    TRY(text_member(p, p->tree, "until", &end));
    if (given.n == 0 || timestamp_parse(end, &until) != ERR_OK) {
        return bad(p, "missing or wrong", given.n == 0 ? "device" : "until");
    }
    if (!text_eq(given, device)) {
        return detail_fail(p->detail, ERR_PACKAGE_DEVICE, "device", given);
    }
    return until > now ? ERR_OK : detail_fail(p->detail, ERR_PACKAGE_EXPIRED, "until", end);
}

err_t device_package_parse(struct bytes contents, struct text device, usec_t now, struct device_package *out)
{
    memset(out, 0, sizeof(*out));
    TRY(json_parse(contents, &out->tree));
    TRY(meant_for(out, device, now));
    const json_t *list = json_object_get(out->tree, "layers");
    if (!json_is_array(list) || json_array_size(list) == 0) {
        return bad(out, "missing or empty", "layers");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        TRY(layer(out, json_array_get(list, i)));
    }
    return ERR_OK;
}
