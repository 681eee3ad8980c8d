/* Runs tests/vectors/derive.txt: each expected value and each refusal [R001-34, R001-37, R001-53, R001-63, R001-85, R001-86]. */
#include "base/hex.h"
#include "keys/keyid.h"
#include "shell/crypto_openssl.h"
#include "shell/openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define LINES_MAX 24
#define LINE_CAP 700

struct vector {
    char lines[LINES_MAX][LINE_CAP];
    size_t n;
    char out[2048]; /* "name value\n" for each output */
    struct writer w;
};

static struct text value(const struct vector *v, const char *word)
{
    for (size_t i = 0; i < v->n; i++) {
        struct text line = text_of(v->lines[i]);
        size_t at = text_find(line, ' ');
        if (text_eq_z(text_take(line, at), word)) {
            return text_skip(line, at + 1);
        }
    }
    return text_empty();
}

struct octets {
    uint8_t b[300];
    size_t n;
};

static err_t octets(const struct vector *v, const char *word, struct octets *out)
{
    struct writer w = WRITER_ARRAY(out->b);
    err_t e = hex_parse(value(v, word), &w);
    out->n = w.n;
    return e;
}

static err_t key(const struct vector *v, const char *word, struct secret *out)
{
    struct octets o;
    TRY(octets(v, word, &o));
    return secret_set(out, bytes_of(o.b, o.n));
}

static void put(struct vector *v, const char *name, struct bytes octets_out)
{
    writer_z(&v->w, name);
    writer_z(&v->w, " ");
    hex_write_lower(&v->w, octets_out);
    writer_z(&v->w, "\n");
}

static err_t put_id(struct vector *v, const struct keys_relative *relative)
{
    struct keyid id;
    TRY(keyid_of_relative(relative, value(v, "fqdn"), &id));
    writer_z(&v->w, "key_id ");
    writer_z(&v->w, id.z);
    writer_z(&v->w, "\n");
    return ERR_OK;
}

/* -- one function a derivation --------------------------------------------------------------------------- */

/* RFC 5246 5 and RFC 5705 4, from the library: what tls_export() gives for these secrets. */
static err_t run_export(struct vector *v)
{
    struct octets master, client, server;
    TRY(octets(v, "master_secret", &master));
    TRY(octets(v, "client_random", &client));
    TRY(octets(v, "server_random", &server));
    struct text label = value(v, "label");
    char digest[] = "SHA256";
    uint8_t out[KEYS_EXPORT_LEN];
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master.b, master.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)(uintptr_t)label.p, label.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, client.b, client.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, server.b, server.n),
        OSSL_PARAM_construct_end()};
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    int ok = EVP_KDF_derive(ctx, out, sizeof(out), params);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    put(v, "export", BYTES_ARRAY(out));
    return ok == 1 ? ERR_OK : ERR_CRYPTO;
}

static err_t exported(const struct vector *v, struct keys_export *x)
{
    struct octets o;
    TRY(octets(v, "export", &o));
    if (o.n != sizeof(x->b)) {
        return ERR_MALFORMED_KEY;
    }
    memcpy(x->b, o.b, sizeof(x->b));
    x->set = true;
    return ERR_OK;
}

static err_t run_ke(struct vector *v)
{
    struct keys_export x = {0};
    struct key_ke ke = {0};
    struct keys_relative relative;
    TRY(exported(v, &x));
    TRY(keys_ke_split(&x, &ke, &relative));
    put(v, "ke", secret_view(&ke.s));
    return put_id(v, &relative);
}

static err_t run_kc(struct vector *v)
{
    struct keys_export x = {0};
    struct key_kc kc = {0};
    struct keys_relative relative;
    TRY(exported(v, &x));
    TRY(keys_kc_split(&x, &kc, &relative));
    put(v, "kc", secret_view(&kc.s));
    return put_id(v, &relative);
}

static err_t run_key_id(struct vector *v)
{
    struct octets o;
    struct keys_relative relative;
    TRY(octets(v, "relative", &o));
    if (o.n != sizeof(relative.b)) {
        return ERR_MALFORMED_KEY_ID;
    }
    memcpy(relative.b, o.b, sizeof(relative.b));
    return put_id(v, &relative);
}

static err_t run_km(struct vector *v)
{
    struct key_ke ke = {0};
    struct key_km km = {0};
    TRY(key(v, "ke", &ke.s));
    TRY(keys_km_derive(crypto_openssl(), &ke, value(v, "maf-id"), &km));
    put(v, "km", secret_view(&km.s));
    return ERR_OK;
}

static err_t run_kpsa(struct vector *v)
{
    struct key_ke ke = {0};
    struct key_kpsa kpsa = {0};
    TRY(key(v, "ke", &ke.s));
    TRY(keys_kpsa_derive(crypto_openssl(), &ke, value(v, "target"), &kpsa));
    put(v, "kpsa", secret_view(&kpsa.s));
    return ERR_OK;
}

static err_t run_usage(struct vector *v)
{
    struct key_ke ke = {0};
    struct key_usage k = {0};
    uint64_t suid = 0;
    TRY(key(v, "ke", &ke.s));
    if (text_u64(value(v, "suid"), 999, &suid) != ERR_OK) {
        return ERR_MALFORMED_SUID;
    }
    TRY(keys_usage_derive(crypto_openssl(), &ke, (unsigned)suid, value(v, "target"), &k));
    put(v, "usage_key", secret_view(&k.s));
    return ERR_OK;
}

static err_t run_application(struct vector *v)
{
    struct key_ke ke = {0};
    struct key_application k = {0};
    uint64_t suid = 0;
    TRY(key(v, "ke", &ke.s));
    if (text_u64(value(v, "suid"), 999, &suid) != ERR_OK) {
        return ERR_MALFORMED_SUID;
    }
    TRY(keys_application_derive(crypto_openssl(), &ke.s, (unsigned)suid, value(v, "ae-id"), &k));
    put(v, "application_key", secret_view(&k.s));
    return ERR_OK;
}

static err_t run_ke2e(struct vector *v)
{
    struct key_kpsa kpsa = {0};
    struct key_ke2e k = {0};
    struct octets salt;
    TRY(key(v, "kpsa", &kpsa.s));
    TRY(octets(v, "salt", &salt));
    TRY(keys_ke2e_derive(crypto_openssl(), &kpsa, bytes_of(salt.b, salt.n), &k));
    put(v, "ke2e_master", secret_view(&k.master));
    put(v, "ke2e_msg_auth", secret_view(&k.msg_auth));
    put(v, "ke2e_msg_conf", secret_view(&k.msg_conf));
    put(v, "ke2e_att_auth", secret_view(&k.att_auth));
    put(v, "ke2e_att_conf", secret_view(&k.att_conf));
    return ERR_OK;
}

static err_t run_esprim(struct vector *v)
{
    struct key_esprim_pairwise k = {0};
    struct key_esprim_session session = {0};
    struct octets r, o;
    TRY(key(v, "key", &k.s));
    TRY(octets(v, "receiver-hex", &r));
    TRY(octets(v, "originator-hex", &o));
    struct text receiver = r.n > 0 ? text_span((char *)r.b, r.n) : value(v, "receiver");
    struct text originator = o.n > 0 ? text_span((char *)o.b, o.n) : value(v, "originator");
    TRY(keys_esprim_derive(crypto_openssl(), &k, receiver, originator, &session));
    put(v, "esprim_session", secret_view(&session.s));
    return ERR_OK;
}

static const struct {
    const char *name;
    err_t (*run)(struct vector *v);
    unsigned least; /* vectors of this kind that must be there: a file that lost its content does not pass */
} kinds[] = {
    {"export", run_export, 3},     {"ke", run_ke, 3},       {"kc", run_kc, 1},
    {"key-id", run_key_id, 5},     {"km", run_km, 20},      {"kpsa", run_kpsa, 12},
    {"usage-key", run_usage, 22}, {"application-key", run_application, 7},  {"ke2e", run_ke2e, 5},   {"esprim-session", run_esprim, 5},
};

/* -- the file -------------------------------------------------------------------------------------------- */

static void judge(struct vector *v, err_t got)
{
    char *name = v->lines[0];
    struct text refuse = value(v, "refuse");
    if (refuse.n > 0) {
        if (!text_eq_z(refuse, err_code(got))) {
            fail_msg("%s: refused as %s", name, err_code(got));
        }
        return;
    }
    if (got != ERR_OK) {
        fail_msg("%s: %s", name, err_code(got));
    }
    assert_int_equal(writer_finish_z(&v->w), ERR_OK);
    size_t expected = 0;
    for (size_t i = 0; i < v->n; i++) {
        if (text_starts(text_of(v->lines[i]), "expect ")) {
            char want[LINE_CAP + 1];
            (void)snprintf(want, sizeof(want), "%s\n", v->lines[i] + 7);
            if (strstr(v->out, want) == NULL) {
                fail_msg("%s: expected %sbut got\n%s", name, want, v->out);
            }
            expected += strlen(want);
        }
    }
    assert_int_equal(expected, strlen(v->out)); /* every output is expected, and something is */
    assert_true(expected > 0);
}

static void run(struct vector *v, unsigned counts[ARRAY_LEN(kinds)])
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (text_eq_z(value(v, "derive"), kinds[i].name)) {
            v->w = WRITER_ARRAY(v->out);
            counts[i]++;
            judge(v, kinds[i].run(v));
            return;
        }
    }
    fail_msg("%s: no such derivation", v->lines[0]);
}

static void every_vector_of_the_file(void **state)
{
    (void)state;
    const char *root = getenv("KEYSTEAD_SOURCE");
    char name[512];
    (void)snprintf(name, sizeof(name), "%s/tests/vectors/derive.txt", root == NULL ? "." : root);
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    static struct vector v;
    unsigned counts[ARRAY_LEN(kinds)] = {0};
    char line[LINE_CAP];
    while (fgets(line, sizeof(line), f) != NULL) {
        assert_non_null(strchr(line, '\n'));
        *strchr(line, '\n') = '\0';
        if (line[0] == '\0' && v.n > 0) {
            run(&v, counts);
            v.n = 0;
        } else if (line[0] != '#' && line[0] != '\0') {
            assert_true(v.n < LINES_MAX);
            memcpy(v.lines[v.n++], line, sizeof(line));
        }
    }
    (void)fclose(f);
    assert_int_equal(v.n, 0); /* the file ends with an empty line */
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (counts[i] < kinds[i].least) {
            fail_msg("%s: only %u vectors", kinds[i].name, counts[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_vector_of_the_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
