#include "tiny_role.h"

#include "wire/json.h"

#include <string.h>

#define BIG 300000

struct tiny {
    char word[64];
};

static const struct conf_row conf_rows[] = {
    {"tiny", "", CONF_TEXT, 0, NULL, 0, 0, NULL, "The test role."},
    {"tiny", "fqdn", CONF_FQDN, CONF_REQUIRED, NULL, 0, 0, NULL, "Its name."},
    {"tiny", "word", CONF_TEXT, 0, "one", 0, 0, NULL, "What /word says."},
};

static err_t configure(void *ctx, const struct conf *cf, const struct role_env *env,
                       char detail[static ROLE_DETAIL_MAX])
{
    struct tiny *t = ctx;
    (void)env;
    (void)detail;
    return TEXT_COPY(conf_text(cf, "tiny", NULL, "word"), t->word);
}

/* -- routes ---------------------------------------------------------------------------------------------- */
static err_t get_word(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    const struct tiny *tiny = ctx;
    (void)rq;
    (void)t;
    writer_z(&rs->body, "{\"word\":");
    json_write_string(&rs->body, text_of(tiny->word));
    writer_z(&rs->body, "}");
    rs->rsc = 2000;
    return ERR_OK;
}

static err_t get_big(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    (void)ctx;
    (void)rq;
    (void)t;
    writer_z(&rs->body, "{\"big\":\"");
    for (size_t i = 0; i < BIG; i++) {
        writer_u8(&rs->body, (uint8_t)('a' + i % 26));
    }
    writer_z(&rs->body, "\"}");
    rs->rsc = 2000;
    return ERR_OK;
}

static err_t get_denied(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    (void)ctx;
    (void)rq;
    (void)t;
    writer_z(&rs->body, "half an answer");
    return ERR_DENIED_PRIVILEGE;
}

static err_t get_key(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    (void)ctx;
    (void)rq;
    (void)t;
    writer_z(&rs->body, "{\"key\":\"" TINY_KEY "\"}");
    rs->rsc = 2000;
    return ERR_OK;
}

static err_t get_note(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    (void)ctx;
    struct store_value v;
    TRY(txn_get(t, TABLE_CSE_RES, text_skip(rq->prim->path, strlen("/note/")), &v));
    writer_bytes(&rs->body, v.data);
    rs->rsc = 2000;
    return ERR_OK;
}

static err_t post_note(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    (void)ctx;
    struct text name = json_get_text(json_object_get(rq->prim->pc, "n"), "name");
    if (name.n == 0) {
        return ERR_MISSING;
    }
    TRY(txn_put(t, TABLE_CSE_RES, name, rq->prim->content, STORE_PUT_IF_ABSENT, 0));
    struct audit_event e = {.kind = AUDIT_RESOURCE_CREATED, .time = rq->now};
    TRY(TEXT_COPY(name, e.object));
    TRY(txn_audit(t, &e));
    writer_bytes(&rs->body, rq->prim->content);
    rs->rsc = 2001;
    return ERR_OK;
}

static err_t post_export(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    (void)ctx;
    (void)t;
    if (!rq->exported->set) {
        return ERR_EXPORT_USED; /* CHOICE-10 */
    }
    writer_z(&rs->body, "{\"export\":\"taken\"}");
    rs->rsc = 2001;
    return ERR_OK;
}

static const struct route routes[] = {
    {OP_RETRIEVE, "/word", 0, PEER_PLAIN | PEER_AE, 0, get_word, "-"},
    {OP_RETRIEVE, "/big", 0, PEER_PLAIN | PEER_AE, 0, get_big, "-"},
    {OP_RETRIEVE, "/denied", 0, PEER_AE, 0, get_denied, "-"},
    {OP_RETRIEVE, "/note/{name}", 0, PEER_PLAIN | PEER_AE, 0, get_note, "-"},
    {OP_RETRIEVE, "/key", 0, PEER_MAF, 0, get_key, "-"},
    {OP_CREATE, "/note", 3, PEER_PLAIN | PEER_AE, ROUTE_WRITES, post_note, "-"},
    {OP_CREATE, "/export", 4, PEER_AE, ROUTE_WRITES | ROUTE_EXPORT, post_export, "-"},
};

/* -- handshakes -------------------------------------------------------------------------------------------- */
static err_t known(struct text identity, struct role_psk *out)
{
    out->verdict = ROLE_KEY;
    out->assoc.framework = ASSOCIATION_PSK;
    out->assoc.peer = PEER_AE;
    out->assoc.not_after = USEC_NEVER;
    TRY(TEXT_COPY(identity, out->assoc.key_id.z));
    TRY(TEXT_COPY(identity, out->assoc.credential_id));
    return secret_set(&out->key, text_bytes(text_of(TINY_KEY)));
}

static err_t psk(const void *ctx, struct txn *t, struct text identity, usec_t now, struct role_psk *out)
{
    (void)ctx;
    (void)t;
    (void)now;
    if (text_eq_z(identity, TINY_DEV) || text_eq_z(identity, TINY_KEEP) || text_eq_z(identity, TINY_FAIL)) {
        return known(identity, out);
    }
    struct keyid_parts parts;
    TRY(keyid_parse(identity, &parts));
    if (!text_eq_z(parts.relative, "ask")) {
        return ERR_DENIED_PSK_UNKNOWN;
    }
    out->verdict = ROLE_ASK;
    TRY(TEXT_COPY(parts.fqdn, out->ask.peer));
    TRY(TEXT_COPY(text_of("/key"), out->ask.path));
    TRY(TEXT_COPY(text_of(TINY_FQDN), out->ask.origin));
    return TEXT_COPY(identity, out->ask.key_id.z);
}

static void json_free(json_t **v)
{
    json_decref(*v);
}

static err_t answer(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                    struct role_psk *out)
{
    (void)ctx;
    (void)now;
    TRY(a->err);
    if (a->status != 200) {
        return ERR_DENIED_FETCH;
    }
    SCOPED(json_free) json_t *v = NULL;
    TRY(json_parse(a->body, &v));
    TRY(known(text_of(q->key_id.z), out));
    TRY(secret_set(&out->key, text_bytes(json_get_text(v, "key"))));
    return txn_put(t, TABLE_CSE_RES, text_of("asked"), text_bytes(text_of("{\"n\":\"asked\"}")), STORE_PUT_ANY, 0);
}

static err_t cert(const void *ctx, struct txn *t, const struct role_cert *c, usec_t now, struct association *out)
{
    (void)ctx;
    (void)t;
    (void)now;
    out->framework = ASSOCIATION_CERT;
    out->peer = PEER_MAF;
    out->not_after = c->not_after;
    out->ids_n = 1;
    return c->dns_n == 0 ? ERR_DENIED_CERT_NAME : TEXT_COPY(c->dns[0], out->ids[0].z);
}

static err_t established(const void *ctx, struct association *a, const struct keys_export *x, struct txn *t, usec_t now)
{
    (void)ctx;
    (void)x;
    (void)now;
    if (strcmp(a->key_id.z, TINY_FAIL) == 0) {
        return ERR_STORE_FULL;
    }
    if (strcmp(a->key_id.z, TINY_KEEP) == 0) {
        return txn_put(t, TABLE_CSE_RES, text_of("kept"), text_bytes(text_of("{\"n\":\"kept\"}")), STORE_PUT_ANY, 0);
    }
    return ERR_OK;
}

/* -- operator ---------------------------------------------------------------------------------------------- */
static err_t ctl_note_add(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                          char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    (void)detail;
    struct text name = json_get_text(rq->args, "name");
    TRY(txn_put(t, TABLE_CSE_RES, name, text_bytes(text_of("{\"n\":\"ctl\"}")), STORE_PUT_IF_ABSENT, 0));
    writer_z(out, "{\"added\":true}");
    return ERR_OK;
}

static err_t ctl_note_show(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                           char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    (void)detail;
    struct store_value v;
    TRY(txn_get(t, TABLE_CSE_RES, json_get_text(rq->args, "name"), &v));
    writer_bytes(out, v.data);
    return ERR_OK;
}

static const struct ctl_arg note_args[] = {{"--name", CTL_ARG_REQUIRED, "which"}};
static const struct ctl_row ctl_rows[] = {
    {"note", "add", note_args, 1, true, ctl_note_add, "adds"},
    {"note", "show", note_args, 1, false, ctl_note_show, "shows"},
};

const struct role tiny_role = {
    .name = "tiny",
    .doc = "for tests",
    .conf = conf_rows,
    .conf_n = ARRAY_LEN(conf_rows),
    .routes = routes,
    .routes_n = ARRAY_LEN(routes),
    .ctl = ctl_rows,
    .ctl_n = ARRAY_LEN(ctl_rows),
    .export_label = KEYS_LABEL_CONNECTION,
    .ctx_size = sizeof(struct tiny),
    .configure = configure,
    .psk = psk,
    .answer = answer,
    .cert = cert,
    .established = established,
};
