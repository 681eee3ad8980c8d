#include "world_device.h"

#include "shell/crypto_openssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void world_device_server(struct device_state_server *s, const char *fqdn)
{
    snprintf(s->fqdn, sizeof(s->fqdn), "%s", fqdn);
    snprintf(s->address, sizeof(s->address), "%s:443", fqdn);
}

void world_device_certificate(struct device_state_server *s, const char *identity)
{
    strcpy(s->cert.file, "/made/up/device.crt");
    strcpy(s->cert.key, "/made/up/device.key");
    strcpy(s->cert.trust, "/made/up/ca.crt");
    snprintf(s->cert.identity, sizeof(s->cert.identity), "%s", identity);
}

static struct world_node *node_of(struct world *w, const char *fqdn)
{
    for (size_t i = 0; i < w->n; i++) {
        if (strcmp(w->nodes[i].fqdn, fqdn) == 0) {
            return &w->nodes[i];
        }
    }
    return NULL;
}

static err_t handshake(struct world_device *v, const struct device_exchange *x, struct world_session *s)
{
    struct world_node *n = node_of(v->w, x->server->fqdn);
    if (n == NULL) {
        return ERR_PEER_UNREACHABLE;
    }
    assert_true(strlen(v->met) + strlen(n->role->name) + 2 <= sizeof(v->met));
    strcat(strcat(v->met, n->role->name), " ");
    if (x->psk_id != NULL) {
        return world_connect(v->w, n, x->psk_id->z, x->psk, s);
    }
    assert_string_not_equal(x->server->cert.file, "");
    struct role_cert c = world_cert(v->w, v->kind, v->name);
    return world_connect_names(v->w, n, &c, s);
}

static void exchange(struct world_device *v, const struct device_exchange *x, struct device_outcome *got)
{
    struct world_session s;
    *got = (struct device_outcome){.body = bytes_empty(), .tls_version = 0x0303, .suite = WORLD_SUITE};
    got->err = handshake(v, x, &s);
    if (got->err != ERR_OK) {
        return;
    }
    if (x->export_label != NULL) {
        assert_non_null(s.node->role->export_label);
        assert_string_equal(x->export_label, s.node->role->export_label);
        got->exported = s.exported;
    }
    if (!x->has_request) {
        v->session = s;
        return;
    }
    char body[2048];
    assert_int_equal(text_copy(x->body, body, sizeof(body)), ERR_OK);
    struct world_request rq = {.op = x->op, .ty = x->ty, .path = x->path, .from = x->from, .body = body};
    (void)world_request(&s, &rq, v->r);
    got->rsc = v->r->rsc;
    got->body = text_bytes(text_of(v->r->body));
}

err_t world_device_run(struct world_device *v, const struct device_task *task)
{
    struct device d;
    struct device_exchange x;
    struct device_outcome got;
    device_start(&d, v->state, crypto_openssl(), task);
    v->met[0] = '\0';
    err_t e = ERR_OK;
    while (e == ERR_OK && (e = device_next(&d, v->w->now + v->ahead, &x)) == ERR_OK) {
        exchange(v, &x, &got);
        e = device_accept(&d, v->w->now + v->ahead, &got);
    }
    v->made = d.made;
    memcpy(v->detail, d.detail, sizeof(v->detail));
    device_wipe(&d);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}
