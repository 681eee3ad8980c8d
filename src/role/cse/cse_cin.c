#include "role/cse/cse_cin.h"

#include "role/cse/cse_attr.h"
#include "role/detail.h"
#include "wire/json.h"

#define COLLECT_MAX 8         /* records of gone instances removed in one request */
#define LOOK_EVERY 16         /* instances; then what is past its time goes from a container without limits, too */
#define EVICT_SCAN_MAX 100000 /* instances one request may drop; what is beyond goes with the next one */

void cse_cin_limits(struct cse_res *cnt, const json_t *attrs)
{
    cnt->mni = cse_attr_uint(attrs, "mni");
    cnt->mbs = cse_attr_uint(attrs, "mbs");
    cnt->mia = cse_attr_uint(attrs, "mia");
}

static int measure(const char *p, size_t n, void *to)
{
    (void)p;
    *(size_t *)to += n;
    return 0;
}

/* contentSize: octets of the text, or of the compact JSON of another value. */
static uint64_t content_size(const json_t *con)
{
    if (json_is_string(con)) {
        return json_string_length(con);
    }
    size_t n = 0;
    (void)json_dump_callback(con, measure, &n, JSON_COMPACT | JSON_ENCODE_ANY);
    return n;
}

static bool is_over(const struct cse_res *cnt)
{
    return (cnt->mni != 0 && cnt->cni > cnt->mni) || (cnt->mbs != 0 && cnt->cbs > cnt->mbs);
}

static void uncount(struct cse_res *cnt, uint64_t size)
{
    cnt->cni -= cnt->cni > 0 ? 1 : 0;
    cnt->cbs -= cnt->cbs > size ? size : cnt->cbs;
}

/* What a scan found to remove; staged after it, since a driver need not allow a scan inside a scan. */
struct collected {
    struct bytes key;
    struct cse_child child;
};

struct evict {
    struct arena *arena;
    struct cse_res *cnt;
    usec_t now;
    size_t seen;
    struct collected out[COLLECT_MAX];
    size_t n;
    err_t err;
};

static bool collect(struct evict *e, struct bytes key, struct bytes value)
{
    struct bytes copy;
    struct collected *c = &e->out[e->n];
    if (!arena_dup(e->arena, key, &c->key) || !arena_dup(e->arena, value, &copy)) {
        e->err = ERR_LIMIT_CAPACITY;
        return false;
    }
    e->err = cse_res_child_parse(copy, &c->child);
    e->n++;
    return e->err == ERR_OK;
}

/* Beyond the floor, oldest first: to go, or the first that stays. */
static bool evict_hit(void *arg, struct bytes key, struct store_value value)
{
    struct evict *e = arg;
    struct cse_child c;
    e->err = cse_res_child_parse(value.data, &c);
    if (e->err != ERR_OK || (!is_over(e->cnt) && c.et > e->now)) {
        return false;
    }
    if (++e->seen > EVICT_SCAN_MAX) {
        return false;
    }
    uncount(e->cnt, c.size);
    bool in_order = e->cnt->swept >= e->cnt->floor && e->n < COLLECT_MAX;
    e->cnt->floor = c.number + 1;
    if (in_order) {
        e->cnt->swept = e->cnt->floor;
        return collect(e, key, value.data);
    }
    return true;
}

/* Below the floor: gone, its records still there. */
static bool sweep_hit(void *arg, struct bytes key, struct store_value value)
{
    struct evict *e = arg;
    struct cse_child c;
    e->err = cse_res_child_parse(value.data, &c);
    if (e->err != ERR_OK || c.number >= e->cnt->floor) {
        e->cnt->swept = e->cnt->floor;
        return false;
    }
    return collect(e, key, value.data) && e->n < COLLECT_MAX;
}

static err_t evict_scan(struct txn *t, struct evict *e, bool from_floor, store_scan_fn *fn)
{
    char key[CSE_CHILD_KEY_MAX], after[CSE_CHILD_KEY_MAX], place[CSE_RES_UID_LEN + 1];
    struct writer w = WRITER_ARRAY(key);
    struct writer a = WRITER_ARRAY(after);
    TRY(cse_res_child_key(&w, e->cnt->node, TYPE_CIN, text_empty()));
    if (from_floor && e->cnt->floor > 0) {
        struct cse_res last = {.type = types_find(TYPE_CIN), .number = e->cnt->floor - 1};
        TRY(cse_res_child_key(&a, e->cnt->node, TYPE_CIN, cse_res_place(&last, place)));
    }
    struct store_scan q = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&w), .after = writer_view(&a),
                           .order = STORE_ASCENDING};
    TRY(txn_scan(t, &q, fn, e));
    return e->err;
}

err_t cse_cin_evict(struct txn *t, struct cse_res *cnt, usec_t now)
{
    struct evict e = {.arena = t->arena, .cnt = cnt, .now = now};
    TRY(evict_scan(t, &e, true, evict_hit));
    if (cnt->swept < cnt->floor && e.n < COLLECT_MAX) {
        TRY(evict_scan(t, &e, false, sweep_hit));
    }
    for (size_t i = 0; i < e.n; i++) {
        TRY(cse_res_child_remove(t, cnt->node, e.out[i].key, &e.out[i].child));
    }
    return ERR_OK;
}

err_t cse_cin_accept(struct txn *t, struct cse_res *cnt, struct cse_res *cin, json_t *attrs,
                     char detail[static ROLE_DETAIL_MAX])
{
    cin->size = content_size(json_object_get(attrs, "con"));
    if (cnt->mbs != 0 && cin->size > cnt->mbs) {
        return detail_fail(detail, ERR_CONTENT_SIZE, "con is larger than maxByteSize", text_empty());
    }
    if (json_object_set_new(attrs, "cs", json_integer((json_int_t)cin->size)) != 0) {
        return ERR_LIMIT_CAPACITY;
    }
    cnt->st++;
    cnt->lt = cin->ct;
    cnt->cni++;
    cnt->cbs += cin->size;
    cin->st = cnt->st;
    cin->number = cnt->st;
    if (cnt->mia != 0 && cin->ct + (usec_t)cnt->mia * USEC_PER_SEC < cin->et) {
        cin->et = cin->ct + (usec_t)cnt->mia * USEC_PER_SEC;
    }
    bool ages = cnt->mia != 0 || cnt->st % LOOK_EVERY == 0;
    return is_over(cnt) || ages || cnt->swept < cnt->floor ? cse_cin_evict(t, cnt, cin->ct) : ERR_OK;
}

void cse_cin_replaced(struct cse_res *cnt, const struct cse_res *cin)
{
    uncount(cnt, cin->size);
}

void cse_cin_forget(struct cse_res *cnt, const struct cse_res *cin, usec_t now)
{
    uncount(cnt, cin->size);
    cnt->st++;
    cnt->lt = now;
}
