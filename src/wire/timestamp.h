/*
 * m2m:timestamp: YYYYMMDDThhmmss[,ffffff] in UTC [TS-0004 6.3.3], durations of the command line
 * (90d, 12h, 30m, 45s), and the broken-down time that schedule entries need. Pure arithmetic.
 */
#ifndef KEYSTEAD_WIRE_TIMESTAMP_H
#define KEYSTEAD_WIRE_TIMESTAMP_H

#include "base/writer.h"

#define TIMESTAMP_LEN 15
#define TIMESTAMP_MS_LEN 19

struct timestamp_parts {
    int year, month, day;     /* 1970.., 1..12, 1..31 */
    int hour, minute, second; /* second 0..59 */
    int weekday;              /* 0 = Sunday */
};

void timestamp_write(struct writer *w, usec_t t); /* without fraction */
void timestamp_write_ms(struct writer *w, usec_t t); /* YYYYMMDDThhmmss,fff */
MUST_USE err_t timestamp_parse(struct text t, usec_t *out); /* ERR_MALFORMED_TIME */
void timestamp_split(usec_t t, struct timestamp_parts *out);
/* xs:duration of days and less, "P1DT2H3M4S"; years and months have no length, and must be 0. ERR_MALFORMED_TIME */
MUST_USE err_t timestamp_xs_duration(struct text t, usec_t *out);
MUST_USE err_t timestamp_duration(struct text t, usec_t *out); /* "90d"; ERR_MALFORMED_TIME */

#endif
