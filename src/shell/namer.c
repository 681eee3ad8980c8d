#include "shell/namer.h"

#include "shell/clock.h"
#include "shell/conf_value.h"
#include "shell/log.h"
#include "shell/secret_file.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MS 200
#define ARENA_SIZE (1u << 20)
#define ANSWER_TIME USEC_PER_SEC
#define SENDS_MAX 3
#define PATIENCE_LEAST (USEC_PER_SEC / 4)
#define PATIENCE_MOST (30 * USEC_PER_SEC)

/* -- what it led to -------------------------------------------------------------------------------------- */
static bool is_final(err_t e)
{
    return e == ERR_OK || e == ERR_DNS_ZONE || e == ERR_DNS_TAKEN;
}

static void note(struct namer_item *it, err_t e)
{
    const struct log_field fields[] = {{"name", text_of(it->n.name.z)}, {"addresses", text_of(it->n.addresses)},
                                       {"code", text_of(err_code(e))}, {"hint", text_of(err_info(e)->hint)}};
    bool away = !is_final(e);
    if (e == ERR_OK) {
        log_event(ERR_LEVEL_INFO, it->n.order == NAMING_ADD ? "dns-added" : "dns-removed", fields, 2);
    } else if (!away || !it->away) { /* a word at each change, not at each try */
        log_event(ERR_LEVEL_WARN, "dns-failed", fields, ARRAY_LEN(fields));
    }
    it->away = away;
}

static void rest(struct namer_item *it, err_t e)
{
    bool good = is_final(e);
    it->due = clock_monotonic() + (good ? 0 : it->patience);
    it->patience = good ? PATIENCE_LEAST : it->patience * 2 < PATIENCE_MOST ? it->patience * 2 : PATIENCE_MOST;
    it->under_way = false;
    it->saving = false;
    secret_wipe(&it->key);
}

static void taken(void *arg, const struct job_result *r)
{
    struct namer_item *it = arg;
    rest(it, r->err != ERR_OK ? r->err : it->result);
}

static void settle(struct namer_item *it, err_t e)
{
    struct job j;
    note(it, e);
    it->result = e;
    if (!is_final(e)) {
        rest(it, e);
        return;
    }
    job_init(&j, JOB_NAMED, it->role, clock_now());
    j.named = &it->n;
    j.named_err = e;
    it->saving = true;
    e = intake_submit(it->all->intake, &j, taken, it);
    if (e != ERR_OK) {
        rest(it, e);
    }
}

/* -- asking the name server ------------------------------------------------------------------------------ */
static err_t send_once(struct namer_item *it)
{
    struct writer w = WRITER_ARRAY(it->room);
    TRY(it->all->snap->env.crypto->random((uint8_t *)&it->u.id, sizeof(it->u.id)));
    TRY(dns_update_write(&it->u, &w));
    uv_buf_t b = uv_buf_init((char *)it->room, (unsigned)w.n);
    it->sent++;
    it->due = clock_monotonic() + ANSWER_TIME;
    (void)uv_udp_try_send(&it->udp, &b, 1, (const struct sockaddr *)&it->to); /* what is lost is sent again */
    return ERR_OK;
}

static void step(struct namer_item *it, enum dns_update_step step)
{
    it->u.step = step;
    it->sent = 0;
    err_t e = send_once(it);
    if (e != ERR_OK) {
        settle(it, e);
    }
}

static bool is_from(const struct namer_item *it, const struct sockaddr *from)
{
    const struct sockaddr_in *a4 = (const void *)&it->to, *b4 = (const void *)from;
    const struct sockaddr_in6 *a6 = (const void *)&it->to, *b6 = (const void *)from;
    if (from == NULL || from->sa_family != it->to.ss_family) {
        return false;
    }
    return from->sa_family == AF_INET
               ? a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr
               : a6->sin6_port == b6->sin6_port && memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

static void alloc_cb(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct namer_item *it = h->data;
    (void)suggested;
    *buf = uv_buf_init((char *)it->room, sizeof(it->room));
}

static void recv_cb(uv_udp_t *h, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    struct namer_item *it = h->data;
    if (n <= 0 || (flags & UV_UDP_PARTIAL) != 0 || !it->under_way || it->saving || !is_from(it, from)) {
        return;
    }
    err_t e = dns_update_read(&it->u, bytes_of(buf->base, (size_t)n));
    if (e == ERR_PEER_NONSENSE) { /* an answer to something else; the right one may still come */
        return;
    }
    if (e == ERR_DNS_TAKEN && it->u.step == DNS_UPDATE_ADD) { /* perhaps by ourselves: an answer may have been lost */
        step(it, DNS_UPDATE_OURS);
        return;
    }
    settle(it, e);
}

static err_t open_socket(struct namer_item *it)
{
    struct sockaddr_storage any = {.ss_family = it->to.ss_family}; /* every address, any port */
    if (it->open) {
        return ERR_OK;
    }
    if (uv_udp_init(it->all->loop, &it->udp) != 0) {
        return ERR_IO;
    }
    it->open = true;
    it->udp.data = it;
    bool ok = uv_udp_bind(&it->udp, (const struct sockaddr *)&any, 0) == 0 && uv_udp_recv_start(&it->udp, alloc_cb, recv_cb) == 0;
    return ok ? ERR_OK : ERR_IO;
}

static err_t begin(struct namer_item *it)
{
    char file[CONF_VALUE_MAX];
    TRY(open_socket(it));
    TRY(TEXT_COPY(it->n.server.key_file, file));
    TRY(secret_file_read(file, 0, &it->key));
    it->u = (struct dns_update){.what = &it->n, .key = &it->key};
    return ERR_OK;
}

/* HOST:PORT, which configure() has found to be numeric. */
static err_t target(struct text at, struct sockaddr_storage *out)
{
    char host[64];
    size_t colon = text_find_last(at, ':');
    uint64_t port = 0;
    struct text h = text_take(at, colon);
    bool six = text_starts(h, "[");
    TRY(text_u64(text_skip(at, colon + 1), 65535, &port));
    TRY(TEXT_COPY(six ? text_take(text_skip(h, 1), h.n - 2) : h, host));
    memset(out, 0, sizeof(*out));
    int bad = six ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)out) : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)out);
    return bad == 0 ? ERR_OK : ERR_CONFIG;
}

/* -- asking the role ------------------------------------------------------------------------------------- */
static err_t next_of(struct namer_item *it, struct text after, struct naming *out)
{
    struct namer *all = it->all;
    const struct snapshot_role *r = &all->snap->roles[it->role];
    struct store *store = all->intake->committer.store;
    struct arena arena = arena_of(all->arena, ARENA_SIZE);
    struct txn t;
    TRY(store_begin(store, false));
    txn_init(&t, store, &arena, false);
    txn_enter(&t, r->partition);
    err_t e = r->role->naming(r->ctx, &t, after, clock_now(), out);
    store_rollback(store);
    return e;
}

static void go(struct namer_item *it)
{
    struct naming found = {0};
    struct m2mid after = it->n.name;
    err_t e = next_of(it, text_of(after.z), &found);
    if (e == ERR_NOT_FOUND) { /* from the beginning, next time */
        it->n.name.z[0] = '\0';
        it->due = found.server.zone.n == 0 ? USEC_NEVER : 0;
        return;
    }
    it->n = found;
    if (e != ERR_OK || it->n.order == NAMING_NOTHING) {
        return;
    }
    it->under_way = true;
    e = target(it->n.server.at, &it->to);
    e = e == ERR_OK ? begin(it) : e;
    if (e != ERR_OK) {
        settle(it, e);
        return;
    }
    step(it, it->n.order == NAMING_ADD ? DNS_UPDATE_ADD : DNS_UPDATE_REMOVE);
}

static void look(struct namer_item *it)
{
    if (it->saving || it->due > clock_monotonic()) {
        return;
    }
    if (!it->under_way) {
        go(it);
        return;
    }
    err_t e = it->sent < SENDS_MAX ? send_once(it) : ERR_DNS_AWAY;
    if (e != ERR_OK) {
        settle(it, e);
    }
}

static void tick_cb(uv_timer_t *h)
{
    struct namer *n = h->data;
    if (!intake_is_open(n->intake)) { /* the writer of the generation before still has the store */
        return;
    }
    for (size_t i = 0; i < n->items_n; i++) {
        look(&n->items[i]);
    }
}

/* -- life ------------------------------------------------------------------------------------------------ */
static void gather(struct namer *n)
{
    for (size_t i = 0; i < n->snap->roles_n; i++) {
        if (n->snap->roles[i].role->naming != NULL) {
            n->items[n->items_n++] = (struct namer_item){.all = n, .role = i, .patience = PATIENCE_LEAST};
        }
    }
}

err_t namer_start(struct namer *n, uv_loop_t *loop, const struct snapshot *snap, struct intake *intake)
{
    *n = (struct namer){.loop = loop, .snap = snap, .intake = intake, .arena = malloc(ARENA_SIZE)};
    if (n->arena == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    gather(n);
    n->tick.data = n;
    bool ok = uv_timer_init(loop, &n->tick) == 0 &&
              (n->items_n == 0 || uv_timer_start(&n->tick, tick_cb, 0, TICK_MS) == 0);
    return ok ? ERR_OK : ERR_IO;
}

/* What is under way ends without a word; the store is closed after this. */
void namer_stop(struct namer *n)
{
    (void)uv_timer_stop(&n->tick);
    for (size_t i = 0; i < n->items_n; i++) {
        secret_wipe(&n->items[i].key);
        if (n->items[i].open) {
            (void)uv_udp_recv_stop(&n->items[i].udp);
        }
    }
    free(n->arena);
    n->arena = NULL;
}
