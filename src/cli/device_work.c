#include "cli/device_work.h"

#include "role/detail.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"
#include "wire/timestamp.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_DEFAULT = 10, TIMEOUT_MAX = 3600 }; /* seconds */

/* What is tried again for ERR_NOT_FOUND, a refusal by a server, is not tried again for a directory that is wrong. */
static err_t not_opened(struct device_work *w, err_t e, const char *dir)
{
    return detail_fail(w->detail, e == ERR_NOT_FOUND ? ERR_NO_DEVICE_STATE : e, "state", text_of(dir));
}

static void work_free(struct device_work **w)
{
    if (*w != NULL) {
        device_dir_close(&(*w)->dir);
        device_state_wipe(&(*w)->state);
        device_wipe(&(*w)->device);
        free(*w);
    }
}

int device_work_run_with(const struct cli_args *a, device_work_body *body, void *arg)
{
    SCOPED(work_free) struct device_work *w = calloc(1, sizeof(*w)); /* too large for a stack */
    if (w == NULL) {
        return cli_fail(a, ERR_LIMIT_CAPACITY, "memory");
    }
    w->a = a;
    w->arg = arg;
    w->dir.lock = -1;
    err_t e = body(w);
    return e == ERR_OK ? CLI_DONE : cli_fail(a, e, w->detail);
}

int device_work_run(const struct cli_args *a, device_work_body *body)
{
    return device_work_run_with(a, body, NULL);
}

static void begin(struct device_state *s)
{
    s->profile = CREDENTIAL_R3;
    s->lifetime = DEVICE_STATE_LIFETIME;
}

/* Which place the options name: --at, or what else this verb takes for it if there are several. */
static const char *place_of(const struct device_work *w, const struct device_work_place *p, bool adding)
{
    const char *at = cli_arg(w->a, "--at");
    for (size_t i = 0; i < ARRAY_LEN(p->options) && at == NULL && !adding; i++) {
        at = p->options[i] == NULL || w->dir.book->n < 2 ? NULL : cli_arg(w->a, p->options[i]);
    }
    return at;
}

/* R001-75: what is said for a further one leaves those that are there as they are. */
static err_t add(struct device_work *w, const struct device_work_place *p)
{
    const char *id = p->options[0] == NULL ? NULL : cli_arg(w->a, p->options[0]);
    if (id != NULL && w->dir.book->n > 0 && device_book_has(w->dir.book, text_of(id))) {
        return detail_fail(w->detail, ERR_EXISTS, p->options[0], text_of(id));
    }
    size_t base = DEVICE_BOOK_ALONE;
    if (p->shares && w->dir.book->n > 0) {
        TRY(device_book_find(w->dir.book, text_of(place_of(w, p, true)), &base, w->detail));
    }
    err_t e = device_book_add(w->dir.book, base, &w->dir.place);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, "places of this state", text_empty());
    }
    w->state = w->dir.book->at[w->dir.place].s;
    if (base == DEVICE_BOOK_ALONE) {
        begin(&w->state);
    }
    return ERR_OK;
}

err_t device_work_open_place(struct device_work *w, const struct device_work_place *p)
{
    err_t e = device_dir_open(cli_arg(w->a, "--state"), cli_arg(w->a, "--seal-key"), crypto_openssl(), p->make, &w->dir);
    if (e != ERR_OK) {
        return not_opened(w, e, cli_arg(w->a, "--state"));
    }
    e = device_dir_read(&w->dir);
    if (e == ERR_OK || (p->make && e == ERR_NOT_FOUND)) {
        if (p->adds && cli_arg(w->a, "--add") != NULL) {
            return add(w, p);
        }
        e = device_book_find(w->dir.book, text_of(place_of(w, p, false)), &w->dir.place, w->detail);
    }
    if (p->make && e == ERR_NOT_FOUND) {
        begin(&w->state);
        return ERR_OK;
    }
    if (e == ERR_OK) {
        w->state = w->dir.book->at[w->dir.place].s;
    }
    return e == ERR_NOT_FOUND ? not_opened(w, e, w->dir.path) : e;
}

err_t device_work_open(struct device_work *w, bool make)
{
    return device_work_open_place(w, &(struct device_work_place){.make = make});
}

/* -- options ----------------------------------------------------------------------------------------------- */
err_t device_work_take(struct device_work *w, const char *option, char *dst, size_t cap)
{
    const char *v = cli_arg(w->a, option);
    if (v == NULL) {
        return ERR_OK;
    }
    /* What does not fit is not repeated: the name of a key may hold a PIN that its check has not refused yet. */
    return text_copy(text_of(v), dst, cap) == ERR_OK ? ERR_OK
                                                     : detail_fail(w->detail, ERR_USAGE, option, text_of("is too long"));
}

err_t device_work_take_fqdn(struct device_work *w, const char *option, char *dst, size_t cap)
{
    TRY(device_work_take(w, option, dst, cap));
    if (cli_arg(w->a, option) != NULL && !keyid_is_fqdn(text_of(dst))) {
        return detail_fail(w->detail, ERR_USAGE, option, text_of(dst));
    }
    for (char *c = dst; *c != '\0'; c++) {
        *c = text_lower(*c); /* FQDNs go into derivations: one form only */
    }
    return ERR_OK;
}

static err_t key_of_file(struct device_work *w, const char *option, struct secret *out)
{
    const char *file = cli_arg(w->a, option);
    err_t e = cli_key_file(file, out);
    if (e == ERR_OK && out->n < KEYS_PROVISIONED_MIN) {
        e = ERR_MALFORMED_KEY;
    }
    return e == ERR_OK ? ERR_OK : detail_fail(w->detail, e, option, text_of(file));
}

err_t device_work_take_key(struct device_work *w, const struct device_work_key *k)
{
    const char *id = cli_arg(w->a, k->id_option);
    struct keyid_parts parts;
    if (id != NULL && keyid_parse(text_of(id), &parts) != ERR_OK) { /* before any connection: the peer could say no more */
        return detail_fail(w->detail, ERR_MALFORMED_KEY_ID, k->id_option, text_of(id));
    }
    if (cli_arg(w->a, k->file_option) != NULL) {
        TRY(key_of_file(w, k->file_option, k->key));
    } else if (id != NULL && (!secret_is_set(k->key) || strcmp(id, k->id->z) != 0)) {
        return detail_fail(w->detail, ERR_USAGE, k->file_option, text_of("is missing: the key of this identifier"));
    }
    TRY(DEVICE_WORK_TAKE(w, k->id_option, k->id->z));
    bool nameless = secret_is_set(k->key) && k->id->z[0] == '\0';
    return nameless ? detail_fail(w->detail, ERR_USAGE, k->id_option, text_of("is missing")) : ERR_OK;
}

err_t device_work_need(struct device_work *w, const struct device_work_need *needs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!needs[i].is_there) {
            return detail_fail(w->detail, ERR_USAGE, needs[i].option, text_of("is missing"));
        }
    }
    return ERR_OK;
}

err_t device_work_until(const struct cli_args *a, usec_t *until, char detail[static ROLE_DETAIL_MAX])
{
    const char *timeout = cli_arg(a, "--timeout");
    usec_t t = TIMEOUT_DEFAULT * USEC_PER_SEC;
    bool good = timeout == NULL || timestamp_duration(text_of(timeout), &t) == ERR_OK;
    if (!good || t <= 0 || t > TIMEOUT_MAX * USEC_PER_SEC) {
        return detail_fail(detail, ERR_USAGE, "--timeout is 1s to 1h", text_of(timeout));
    }
    *until = clock_monotonic() + t;
    return ERR_OK;
}

/* -- steps ------------------------------------------------------------------------------------------------- */
static err_t failed(struct device_work *w, err_t e, const struct device_exchange *x)
{
    if (!w->deferred && (e == ERR_DENIED_NOT_REGISTERED || e == ERR_NOT_FOUND)) { /* if the AE is gone the state knows it now */
        err_t saved = device_dir_save(&w->dir, &w->state);
        (void)saved; /* the refusal is what is told */
    }
    if (w->run.naf.detail[0] != '\0') { /* the card of this device */
        return detail_fail(w->detail, e, w->run.naf.detail, text_empty());
    }
    if (w->device.detail[0] != '\0' || x->name == NULL) {
        return detail_fail(w->detail, e, w->device.detail, text_empty());
    }
    char said[sizeof(w->run.status) + 32] = "";
    struct writer o = WRITER_ARRAY(said);
    if (w->run.rsc == 0 && w->run.status[0] != '\0') {
        writer_z(&o, e == ERR_PEER_FAILING || e == ERR_PEER_REFUSED ? "it sent " : "");
        writer_z(&o, w->run.status);
        writer_z(&o, e == ERR_PEER_NONSENSE ? " is no answer of oneM2M" : "");
    }
    return detail_fail(w->detail, e, x->name, writer_view_text(&o));
}

err_t device_work_pursue(struct device_work *w)
{
    struct device_exchange x = {0};
    if (w->run.until == 0) { /* for all goals of this command together */
        TRY(device_work_until(w->a, &w->run.until, w->detail));
    }
    w->run.cbor = cli_arg(w->a, "--cbor") != NULL;
    device_start(&w->device, &w->state, crypto_openssl(), &w->task);
    for (;;) {
        err_t e = device_next(&w->device, clock_now(), &x);
        if (e == ERR_NOT_FOUND) {
            return ERR_OK;
        }
        struct device_outcome got = {.err = e};
        if (e == ERR_OK) {
            device_run_exchange(&w->run, &x, &got);
            e = device_accept(&w->device, clock_now(), &got);
            keys_export_wipe(&got.exported);
        }
        if (e != ERR_OK) {
            return failed(w, e, &x);
        }
        TRY(w->deferred ? ERR_OK : device_dir_save(&w->dir, &w->state));
    }
}

void device_work_out_time(const struct cli_args *a, const char *name, usec_t t)
{
    char text[TIMESTAMP_LEN + 8];
    struct writer o = WRITER_ARRAY(text);
    timestamp_write(&o, t);
    cli_out(a, name, t == 0 ? text_of("-") : t == USEC_NEVER ? text_of("never") : writer_view_text(&o));
}
