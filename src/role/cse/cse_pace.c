#include "role/cse/cse_pace.h"

#include "role/detail.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

#define COUNT_MAX 1000000
#define TIME_MAX (INT64_C(366) * 86400 * USEC_PER_SEC)
#define BATCH_TIME (INT64_C(3600) * USEC_PER_SEC) /* without dur: what waits is told after an hour [CHOICE] */

static err_t take_count(const json_t *v, usec_t *out)
{
    *out = json_is_integer(v) ? json_integer_value(v) : 0;
    return *out >= 1 && *out <= COUNT_MAX ? ERR_OK : ERR_ATTRIBUTE_TYPE;
}

static err_t take_time(const json_t *v, usec_t *out)
{
    err_t e = timestamp_xs_duration(text_span(json_string_value(v), json_string_length(v)), out);
    return e == ERR_OK && *out >= USEC_PER_SEC && *out <= TIME_MAX ? ERR_OK : ERR_ATTRIBUTE_TYPE;
}

struct pair {
    const char *name, *count, *time;
    bool time_is_needed;
    usec_t *n, *duration;
};

static err_t take(const struct pair *p, const json_t *attrs, char *detail)
{
    const json_t *v = json_object_get(attrs, p->name);
    const json_t *count = json_object_get(v, p->count);
    const json_t *time = json_object_get(v, p->time);
    const char *name;
    json_t *member;
    if (v == NULL) {
        return ERR_OK;
    }
    json_object_foreach((json_t *)v, name, member) {
        if (member != count && member != time) {
            return detail_fail(detail, ERR_UNKNOWN_ATTRIBUTE, p->name, text_of(name));
        }
    }
    if (count == NULL || (time == NULL && p->time_is_needed)) {
        return detail_fail(detail, ERR_MISSING, p->name, text_of(count == NULL ? p->count : p->time));
    }
    err_t e = take_count(count, p->n);
    TRY(e == ERR_OK ? e : detail_fail(detail, e, p->name, text_of(p->count)));
    e = time == NULL ? ERR_OK : take_time(time, p->duration);
    return e == ERR_OK ? e : detail_fail(detail, e, p->name, text_of(p->time));
}

err_t cse_pace_compile(const json_t *attrs, struct cse_pace *out, char detail[static ROLE_DETAIL_MAX])
{
    const struct pair pairs[] = {{"rl", "mnn", "tww", true, &out->rate_n, &out->rate_time},
                                 {"bn", "num", "dur", false, &out->batch_n, &out->batch_time}};
    *out = (struct cse_pace){.batch_time = BATCH_TIME};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        TRY(take(&pairs[i], attrs, detail));
    }
    return ERR_OK;
}

usec_t cse_pace_due(const struct cse_pace *p, const struct cse_outbox_queue *q, usec_t oldest, size_t keep)
{
    usec_t most = (usec_t)(keep < CSE_PACE_BATCH_MAX ? keep : CSE_PACE_BATCH_MAX);
    usec_t enough = p->batch_n < most ? p->batch_n : most; /* a queue that is full has enough */
    usec_t batch = q->count < enough ? oldest + p->batch_time : 0;
    usec_t rate = p->rate_n > 0 && q->told >= p->rate_n ? q->until : 0;
    return batch > rate ? batch : rate;
}

void cse_pace_told(const struct cse_pace *p, struct cse_outbox_queue *q, usec_t now)
{
    if (p->rate_n == 0) {
        q->until = q->told = 0;
    } else if (q->until <= now) { /* a new window begins with what it tells first */
        q->until = now + p->rate_time;
        q->told = 1;
    } else {
        q->told++;
    }
}
