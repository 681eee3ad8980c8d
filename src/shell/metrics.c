#include "shell/metrics.h"

#include "role/emit.h"
#include "wire/primitive.h"

#include <stdio.h>
#include <sys/mman.h>

static const uint16_t rscs[] = {
#define X(rsc, name, http, class, detail) rsc,
#include "wire/rsc_rows.h"
#undef X
};
_Static_assert(ARRAY_LEN(rscs) <= METRICS_RSCS, "a slot for every response status code");

err_t metrics_page_new(struct metrics_page **out)
{
    void *p = mmap(NULL, sizeof(struct metrics_page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        return ERR_LIMIT_CAPACITY;
    }
    *out = p;
    return ERR_OK;
}

void metrics_answered(struct metrics *m, size_t role, unsigned op, uint16_t rsc)
{
    m->requests++;
    for (size_t i = 0; i < ARRAY_LEN(rscs); i++) {
        if (rscs[i] == rsc) {
            m->answers[role % METRICS_ROLES][op % METRICS_OPS][i]++;
            return;
        }
    }
}

void metrics_refused(struct metrics *m, err_t e)
{
    m->refusals[(unsigned)e < ERR_COUNT ? e : ERR_BUG]++;
}

/* -- report ---------------------------------------------------------------------------------------- */
static void emit_sums(const struct metrics_page *p, struct emit *out)
{
    struct metrics sum = {0};
    for (size_t i = 0; i < METRICS_SLOTS; i++) {
        const struct metrics *m = &p->slot[i];
        if (!m->used) {
            continue;
        }
        uint64_t most = sum.batch_max > m->batch_max ? sum.batch_max : m->batch_max;
#define X(member, doc) sum.member += m->member;
        METRICS_ROWS(X)
#undef X
        sum.batch_max = most;
    }
#define X(member, doc) emit_number(out, #member, sum.member);
    METRICS_ROWS(X)
#undef X
}

static void emit_refusals(const struct metrics_page *p, struct emit *out)
{
    emit_object(out, "refusals");
    for (unsigned e = 1; e < ERR_COUNT; e++) {
        uint64_t n = 0;
        for (size_t i = 0; i < METRICS_SLOTS; i++) {
            n += p->slot[i].used ? p->slot[i].refusals[e] : 0;
        }
        if (n > 0) {
            emit_number(out, err_code((err_t)e), n);
        }
    }
    emit_close_object(out);
}

static uint64_t answers(const struct metrics_page *p, size_t role, size_t op, size_t rsc)
{
    uint64_t n = 0;
    for (size_t i = 0; i < METRICS_SLOTS; i++) {
        n += p->slot[i].used ? p->slot[i].answers[role][op][rsc] : 0;
    }
    return n;
}

static void emit_answers(const struct metrics_page *p, const char *const *roles, size_t roles_n, struct emit *out)
{
    emit_object(out, "answers");
    for (size_t role = 0; role < roles_n && role < METRICS_ROLES; role++) {
        for (size_t op = 0; op < METRICS_OPS; op++) {
            for (size_t rsc = 0; rsc < ARRAY_LEN(rscs); rsc++) {
                uint64_t n = answers(p, role, op, rsc);
                char name[64];
                if (n > 0 && snprintf(name, sizeof(name), "%s %s %u", roles[role], primitive_op_name((enum op)op),
                                      rscs[rsc]) < (int)sizeof(name)) {
                    emit_number(out, name, n);
                }
            }
        }
    }
    emit_close_object(out);
}

void metrics_emit(const struct metrics_page *p, const char *const *roles, size_t roles_n, struct emit *out)
{
    emit_sums(p, out);
    emit_refusals(p, out);
    emit_answers(p, roles, roles_n, out);
}
