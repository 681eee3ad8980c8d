/*
 * m2m:scheduleEntry [TS-0004 7.4.9.1]: seven fields in UTC (second, minute, hour, day of month, month, day of week,
 * year), each `*`, a number, a range, a step, or a list of these; all seven must match [CHOICE-75].
 */
#ifndef KEYSTEAD_ROLE_CSE_SCHEDULE_H
#define KEYSTEAD_ROLE_CSE_SCHEDULE_H

#include "base/reader.h"
#include "base/writer.h"
#include "wire/timestamp.h"

#define SCHEDULE_YEARS_MAX 16

struct schedule_years {
    uint16_t from, to, step;
};

struct schedule {
    uint64_t second, minute; /* a bit per value */
    uint64_t hour, day, month, weekday;
    struct schedule_years years[SCHEDULE_YEARS_MAX];
    uint8_t years_n;
};

MUST_USE err_t schedule_parse(struct text t, struct schedule *out); /* ERR_ATTRIBUTE_TYPE */
bool schedule_match(const struct schedule *s, const struct timestamp_parts *now);

void schedule_write(const struct schedule *s, struct writer *w);
void schedule_read(struct reader *r, struct schedule *out); /* sticky error of the reader */

#endif
