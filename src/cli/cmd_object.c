/*
 * keystead object: object-based security for people: data (ESData), single primitives (ESPrim, object_esprim.c), keys of
 * both (Ke2e, ESCertKE). Everything works on files, so that any carrier will do.
 */
#include "base/ct.h"
#include "cli/cli.h"
#include "cli/object_esprim.h"
#include "cli/object_file.h"

#include "role/detail.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"
#include "shell/device_dir.h"
#include "shell/object_jose.h"
#include "shell/secret_file.h"

#include <stdlib.h>
#include <string.h>

extern const struct cli_command cmd_object;

/* -- what the words of the command line mean ----------------------------------------------------------------- */

struct word {
    const char *word;
    unsigned value;
};
static const struct word classes[] = {
    {"encrypted", ESDATA_ENCRYPTED}, {"signed", ESDATA_SIGNED}, {"nested", ESDATA_NESTED}, {NULL, 0}};
static const struct word forms[] = {
    {"compact", JOSE_COMPACT}, {"json", JOSE_JSON}, {"json-base64", JOSE_JSON_BASE64}, {NULL, 0}};

/* 0 if the option is absent. */
static err_t word_arg(const struct cli_args *a, const char *name, const struct word *words, unsigned *out)
{
    const char *given = cli_arg(a, name);
    *out = 0;
    for (size_t i = 0; given != NULL && words[i].word != NULL; i++) {
        if (strcmp(words[i].word, given) == 0) {
            *out = words[i].value;
        }
    }
    return given == NULL || *out != 0 ? ERR_OK : ERR_USAGE;
}

static const char *word_of(const struct word *words, unsigned value)
{
    while (words->word != NULL && words->value != value) {
        words++;
    }
    return words->word == NULL ? "" : words->word;
}

/* -- keys ---------------------------------------------------------------------------------------------------- */

struct work {
    struct object_file_key keys[ESDATA_TARGETS_MAX], source;
    struct esdata_key targets[ESDATA_TARGETS_MAX];
    struct object_file in;
    uint8_t out[JOSE_OBJECT_MAX];
    const char *at; /* the argument that is wrong */
    char detail[ROLE_DETAIL_MAX];
};

static void work_free(struct work **w)
{
    if (*w != NULL) {
        ct_wipe(*w, sizeof(**w));
        free(*w);
    }
}

/* 14 and 15 are keys that people provisioned; with a certificate's key 44 and 45. --suid says where a symmetric key comes
 * from instead. */
static err_t suid_set(const struct cli_args *a, unsigned unit, struct esdata_key *k)
{
    struct object_key_info info;
    uint64_t suid = 10 + unit;
    TRY(object_jose()->describe(&k->key, &info));
    if (cli_arg(a, "--suid") != NULL) {
        TRY(text_u64(text_of(cli_arg(a, "--suid")), 99, &suid));
    }
    k->suid = info.kind == OBJECT_OCTETS ? (unsigned)suid : 40 + unit;
    return ERR_OK;
}

/* The key that the device derives from Ke for this purpose and target; the MEF gives the target the same one (R002-84). */
static err_t key_of_state(const struct cli_args *a, struct work *w, unsigned unit, struct object_file_key *out)
{
    static char id[KEYID_MAX];
    struct device_dir dir = {.lock = -1};
    struct device_state s = {0};
    struct key_usage k = {0};
    const char *target = cli_arg(a, "--target");
    if (target == NULL) {
        return ERR_USAGE;
    }
    err_t e = device_dir_open(cli_arg(a, "--state"), NULL, crypto_openssl(), false, &dir);
    e = e == ERR_OK ? device_dir_load(&dir, cli_arg(a, "--at"), &s, w->detail) : e;
    w->at = w->detail[0] != '\0' ? w->detail : w->at; /* R001-76: the places to choose from */
    e = e == ERR_OK && !secret_is_set(&s.ke.s) ? ERR_STATE : e;
    e = e == ERR_OK ? keys_usage_derive(crypto_openssl(), &s.ke, 20 + unit, text_of(target), &k) : e;
    e = e == ERR_OK ? secret_set(&out->secret, secret_view(&k.s)) : e;
    e = e == ERR_OK ? text_copy(text_of(s.ke_id.z), id, sizeof(id)) : e;
    out->k = (struct esdata_key){{text_of(id), &out->secret, text_empty()}, 20 + unit, s.ke_not_after};
    secret_wipe(&k.s);
    device_state_wipe(&s);
    device_dir_close(&dir);
    return e;
}

static err_t key_arg(const struct cli_args *a, struct work *w, const char *spec, unsigned unit, struct object_file_key *out)
{
    if (spec == NULL) {
        return key_of_state(a, w, unit, out);
    }
    char who[M2MID_MAX];
    struct text name = text_of(spec);
    bool kept = cli_arg(a, "--state") != NULL && text_find(name, '@') < name.n && text_find(name, '=') == name.n;
    if (kept) {
        return object_file_key_kept(cli_arg(a, "--state"), spec, out, who);
    }
    TRY(object_file_key_read(spec, out));
    return suid_set(a, unit, &out->k);
}

static err_t targets_arg(const struct cli_args *a, struct work *w, struct esdata_order *o)
{
    bool from_state = cli_arg(a, "--state") != NULL;
    size_t n = a->more_n > 0 ? a->more_n : from_state ? 1 : 0;
    w->at = "--to";
    if (n == 0 || n > ESDATA_TARGETS_MAX) {
        return ERR_USAGE;
    }
    for (size_t i = 0; i < n; i++) {
        w->at = a->more_n > 0 ? a->more[i] : "--state";
        TRY(key_arg(a, w, a->more_n > 0 ? a->more[i] : NULL, 4, &w->keys[i]));
        w->targets[i] = w->keys[i].k;
    }
    o->targets = w->targets;
    o->targets_n = n;
    return ERR_OK;
}

static err_t source_arg(const struct cli_args *a, unsigned unit, struct work *w, const struct esdata_key **out)
{
    const char *spec = cli_arg(a, "--source");
    w->at = spec == NULL ? "--source" : spec;
    if (spec == NULL && cli_arg(a, "--state") == NULL) {
        return ERR_USAGE;
    }
    TRY(key_arg(a, w, spec, unit, &w->source));
    *out = &w->source.k;
    return ERR_OK;
}

/* -- protect ------------------------------------------------------------------------------------------------- */

static err_t order_of(const struct cli_args *a, struct work *w, struct esdata_order *o)
{
    unsigned class = 0;
    unsigned form = 0;
    w->at = "--class";
    TRY(word_arg(a, "--class", classes, &class));
    w->at = "--form";
    TRY(word_arg(a, "--form", forms, &form));
    *o = (struct esdata_order){.class = class == 0 ? ESDATA_ENCRYPTED : (enum esdata_class)class,
                               .form = form == 0 ? JOSE_COMPACT : (enum jose_form)form,
                               .alg = cli_arg(a, "--alg"),
                               .enc = cli_arg(a, "--enc"),
                               .sign_alg = cli_arg(a, "--sign-alg"),
                               .cty = text_of(cli_arg(a, "--cty"))};
    if (o->class != ESDATA_SIGNED) {
        TRY(targets_arg(a, w, o));
    }
    if (o->class != ESDATA_ENCRYPTED) {
        TRY(source_arg(a, o->class == ESDATA_SIGNED ? 5 : 4, w, &o->source));
    }
    w->at = cli_arg(a, "--in");
    return object_file_read(cli_arg(a, "--in"), &w->in);
}

static err_t put_out(const struct cli_args *a, struct work *w, const struct writer *out)
{
    w->at = cli_arg(a, "--out");
    return object_file_write(w->at, writer_view(out));
}

static int run_protect(const struct cli_args *a)
{
    SCOPED(work_free) struct work *w = calloc(1, sizeof(*w));
    struct esdata_order o;
    if (w == NULL) {
        return cli_fail(a, ERR_LIMIT_CAPACITY, NULL);
    }
    err_t e = order_of(a, w, &o);
    struct writer out = WRITER_ARRAY(w->out);
    if (e == ERR_OK) {
        w->at = NULL;
        e = esdata_protect(object_jose(), &o, bytes_of(w->in.b, w->in.n), clock_now(), &out);
    }
    e = e == ERR_OK ? put_out(a, w, &out) : e;
    if (e != ERR_OK) {
        return cli_fail(a, e, w->at);
    }
    cli_out_begin(a);
    cli_out(a, "class", text_of(word_of(classes, o.class)));
    cli_out(a, "form", text_of(word_of(forms, o.form)));
    cli_out_end(a);
    return CLI_DONE;
}

/* -- open ---------------------------------------------------------------------------------------------------- */

static err_t ring_of(const struct cli_args *a, struct work *w, struct esdata_ring *ring)
{
    struct jose_object o;
    unsigned class = 0;
    w->at = "--class";
    TRY(word_arg(a, "--class", classes, &class));
    ring->class = (enum esdata_class)class;
    w->at = cli_arg(a, "--in");
    TRY(object_file_read(w->at, &w->in));
    while (w->in.n > 0 && w->in.b[w->in.n - 1] == '\n') {
        w->in.n--; /* an editor's, or another program's */
    }
    TRY(jose_parse(bytes_of(w->in.b, w->in.n), &o));
    bool is_signed = o.kind == JOSE_JWS;
    jose_wipe(&o);
    if (is_signed || cli_arg(a, "--source") != NULL) {
        TRY(source_arg(a, is_signed ? 5 : 4, w, &ring->sources));
        ring->sources_n = 1;
    }
    if (!is_signed) {
        w->at = "--own";
        if (cli_arg(a, "--own") == NULL && cli_arg(a, "--state") == NULL) {
            return ERR_USAGE;
        }
        TRY(key_arg(a, w, cli_arg(a, "--own"), 4, &w->keys[0]));
        ring->own = &w->keys[0].k;
        ring->own_n = 1;
    }
    return ERR_OK;
}

static void put_if(const struct cli_args *a, const char *name, const char *value)
{
    if (value[0] != '\0') {
        cli_out(a, name, text_of(value));
    }
}

static int run_open(const struct cli_args *a)
{
    SCOPED(work_free) struct work *w = calloc(1, sizeof(*w));
    struct esdata_ring ring = {0};
    struct esdata_opened what = {0};
    if (w == NULL) {
        return cli_fail(a, ERR_LIMIT_CAPACITY, NULL);
    }
    struct writer out = WRITER_ARRAY(w->out);
    err_t e = ring_of(a, w, &ring);
    if (e == ERR_OK) {
        w->at = NULL;
        e = esdata_open(object_jose(), &ring, bytes_of(w->in.b, w->in.n), clock_now(), &out, &what);
    }
    e = e == ERR_OK ? put_out(a, w, &out) : e;
    if (e != ERR_OK) {
        return cli_fail(a, e, w->at);
    }
    cli_out_begin(a);
    cli_out(a, "class", text_of(word_of(classes, what.class)));
    cli_out(a, "form", text_of(word_of(forms, what.form)));
    put_if(a, "alg", what.alg);
    put_if(a, "enc", what.enc);
    put_if(a, "key_id", what.own_kid);
    put_if(a, "sign_alg", what.sign_alg);
    put_if(a, "source_key_id", what.source_kid);
    put_if(a, "cty", what.cty);
    cli_out_end(a);
    return CLI_DONE;
}

/* -- end-to-end keys ----------------------------------------------------------------------------------------- */

static const struct word purposes[] = {
    {"msg-auth", 1}, {"msg-conf", 2}, {"att-auth", 3}, {"att-conf", 4}, {NULL, 0}};

/* Ke2e of a Kpsa, or of a random value that the source makes and registers at a TEF [TS-0003 8.6, 10.3.6]. */
static err_t ke2e_file(const struct cli_args *a, const char **at)
{
    SCOPED(keys_ke2e_wipe) struct key_ke2e k = {0};
    struct key_kpsa kpsa = {0};
    struct secret salt = {0};
    unsigned purpose = 0;
    *at = "--purpose";
    TRY(word_arg(a, "--purpose", purposes, &purpose));
    *at = cli_arg(a, "--kpsa");
    err_t e = cli_key_file(*at, &kpsa.s);
    if (e == ERR_OK && cli_arg(a, "--salt") != NULL) {
        *at = cli_arg(a, "--salt");
        e = cli_key_file(*at, &salt);
    }
    e = e == ERR_OK ? keys_ke2e_derive(crypto_openssl(), &kpsa, secret_view(&salt), &k) : e;
    secret_wipe(&kpsa.s);
    TRY(e);
    const struct secret *const each[] = {&k.msg_auth, &k.msg_conf, &k.att_auth, &k.att_conf};
    *at = cli_arg(a, "--out");
    return secret_file_write(*at, each[(purpose - 1) % ARRAY_LEN(each)]);
}

static err_t random_file(const struct cli_args *a, const char **at)
{
    uint8_t octets[KEYS_DERIVED_LEN];
    struct secret s = {0};
    *at = cli_arg(a, "--out");
    TRY(crypto_openssl()->random(octets, sizeof(octets)));
    err_t e = secret_set(&s, BYTES_ARRAY(octets));
    e = e == ERR_OK ? secret_file_write(*at, &s) : e;
    ct_wipe(octets, sizeof(octets));
    secret_wipe(&s);
    return e;
}

static int run_key(const struct cli_args *a)
{
    const char *at = "--kpsa with --purpose, or neither";
    bool derived = cli_arg(a, "--kpsa") != NULL;
    err_t e = derived != (cli_arg(a, "--purpose") != NULL) ? ERR_USAGE : derived ? ke2e_file(a, &at) : random_file(a, &at);
    if (e != ERR_OK) {
        return cli_fail(a, e, at);
    }
    cli_out_begin(a);
    cli_out(a, "key", text_of(cli_arg(a, "--out")));
    cli_out_end(a);
    return CLI_DONE;
}

/* -- tables -------------------------------------------------------------------------------------------------- */
#define IN {"--in", 0, "file to read; standard input if absent"}
#define OUT {"--out", CLI_OPT_REQUIRED, "file to write, mode 0600"}
#define SUID {"--suid", 0, "what a symmetric key is for: 14, 24, 34 encryption, 15, 25, 35 signature (14, 15)"}
#define STATE {"--state", 0, "device directory: the key is derived from its Ke for --target, SUID 24 or 25"}
#define AT {"--at", 0, "of a state with several places: the one whose Ke is meant"}
#define TARGET {"--target", 0, "FQDN of the target of that key: cse01.sp.example for //sp.example/cse01"}

static const struct cli_opt protect_opts[] = {
    IN, OUT,
    {"--class", 0, "encrypted, signed or nested (encrypted)"},
    {"--form", 0, "compact, json or json-base64 (compact)"},
    {"--to", CLI_OPT_REPEATS, "key of who may read it, KEYID=FILE: hex, PEM (public key or certificate) or JWK"},
    {"--source", 0, "key that signs, KEYID=FILE: hex, PEM private key or JWK"},
    {"--alg", 0, "how the content key is given (dir for one symmetric key, else A..KW, ECDH-ES+A256KW, RSA-OAEP-256)"},
    {"--enc", 0, "A128GCM, A192GCM or A256GCM (A256GCM)"},
    {"--sign-alg", 0, "HS256 .. HS512, ES256 .. ES512, RS256 .. RS512 (by the key)"},
    {"--cty", 0, "media type of the content"},
    SUID, STATE, AT, TARGET,
};
static const struct cli_opt open_opts[] = {
    IN, OUT,
    {"--class", 0, "refuse anything but encrypted, signed or nested"},
    {"--own", 0, "key that decrypts, KEYID=FILE: hex, PEM private key or JWK"},
    {"--source", 0, "key that verifies, KEYID=FILE: hex, PEM (public key or certificate) or JWK"},
    SUID, STATE, AT, TARGET,
};
static const struct cli_opt key_opts[] = {
    {"--out", CLI_OPT_REQUIRED, "key file to make; never overwritten"},
    {"--kpsa", 0, "key file of Kpsa, or of the random value that takes its place; without it a random key is made"},
    {"--salt", 0, "file with the salt in hex"},
    {"--purpose", 0, "msg-auth, msg-conf, att-auth or att-conf"},
};
static const struct cli_verb verbs[] = {
    {"protect", protect_opts, ARRAY_LEN(protect_opts), run_protect,
     "Encrypts, signs, or signs and encrypts a piece of data (ESData).", "TS-0003 8.5"},
    {"open", open_opts, ARRAY_LEN(open_opts), run_open,
     "Verifies and decrypts it; a refusal writes nothing.", "TS-0003 8.5"},
    {"key", key_opts, ARRAY_LEN(key_opts), run_key,
     "Makes an end-to-end key: of a Kpsa for one purpose (Ke2e), or at random.", "TS-0003 8.6, 10.3.6"},
    {"offer", object_esprim_offer_opts, OBJECT_ESPRIM_OFFER_OPTS_N, object_esprim_offer,
     "ESPrim, receiver: gives the random object that an originator needs first (securityInfo).", "TS-0003 8.4"},
    {"wrap", object_esprim_wrap_opts, OBJECT_ESPRIM_WRAP_OPTS_N, object_esprim_wrap,
     "ESPrim, originator: encrypts a request primitive.", "TS-0003 8.4"},
    {"unwrap", object_esprim_wrap_opts, OBJECT_ESPRIM_WRAP_OPTS_N, object_esprim_unwrap,
     "ESPrim, receiver: decrypts a request and checks who sent it.", "TS-0004 7.6.2"},
    {"answer", object_esprim_wrap_opts, OBJECT_ESPRIM_WRAP_OPTS_N, object_esprim_answer,
     "ESPrim, receiver: encrypts the response to the request that was unwrapped last.", "TS-0004 7.6.2"},
    {"accept", object_esprim_accept_opts, OBJECT_ESPRIM_ACCEPT_OPTS_N, object_esprim_accept,
     "ESPrim, originator: decrypts the response.", "TS-0004 7.6.2"},
    {"escertke", object_escertke_opts, OBJECT_ESCERTKE_OPTS_N, object_escertke,
     "Makes a key with another end point by certificates: messages as lines on standard input and output.", "TS-0003 8.7"},
};
const struct cli_command cmd_object = {"object", verbs, ARRAY_LEN(verbs),
                                       "object-based security: data, primitives and keys from end to end", NULL};
