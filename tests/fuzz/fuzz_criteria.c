/* Event criteria from JSON: what was accepted is written, read back and decides the same; records and names of the outbox, URLs. */
#include "fuzz.h"
#include "role/cse/cse_notify.h"
#include "wire/json.h"
#include "wire/url.h"

#include <string.h>

static void decide(const struct criteria *a, const struct criteria *b)
{
    for (int kind = CRITERIA_UPDATE; kind <= CRITERIA_DELETE_CHILD; kind++) {
        for (uint64_t at = 0; at < 4; at++) {
            const usec_t t = (usec_t)at * INT64_C(600000000) * USEC_PER_SEC;
            const struct criteria_event e = {.kind = (enum criteria_event_kind)kind, .ty = 4, .ct = t, .lt = t, .et = t, .has_state = true,
                                             .state = at, .has_size = at > 1, .size = at};
            MUST_HOLD(criteria_match(a, &e) == criteria_match(b, &e));
        }
    }
}

static void from_json(struct bytes in)
{
    char detail[ROLE_DETAIL_MAX];
    uint8_t b[CRITERIA_OCTETS_MAX];
    struct criteria c, again;
    SCOPED(json_scope) json_t *v = NULL;
    if (json_parse(in, &v) != ERR_OK || criteria_compile(v, &c, detail) != ERR_OK) {
        return;
    }
    struct writer w = WRITER_ARRAY(b);
    criteria_write(&c, &w);
    MUST_HOLD(writer_finish(&w) == ERR_OK);
    struct reader r = reader_of(writer_view(&w));
    criteria_read(&r, &again);
    MUST_HOLD(reader_finish(&r) == ERR_OK);
    decide(&c, &again);
}

static void from_octets(struct bytes in)
{
    struct cse_notify n;
    struct cse_outbox_queue q;
    struct cse_outbox_event e;
    struct text sub;
    usec_t number = 0;
    struct url u;
    struct text t = text_span((const char *)in.p, in.n);
    if (cse_notify_parse(in, &n) == ERR_OK) {
        MUST_HOLD(n.targets_n >= 1 && n.targets_n <= TYPES_TARGETS_MAX);
    }
    (void)cse_outbox_queue_parse(in, &q);
    (void)cse_outbox_event_parse(in, &e);
    if (cse_outbox_rqi_parse(t, &sub, &number) == ERR_OK) {
        MUST_HOLD(sub.n > 0 && number > 0);
    }
    if (url_parse(t, &u) == ERR_OK) {
        MUST_HOLD(u.port != 0 && u.host.n > 0 && u.host.n + u.path.n < t.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    from_json(bytes_of(data, size));
    from_octets(bytes_of(data, size));
    return 0;
}
