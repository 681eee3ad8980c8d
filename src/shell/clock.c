#include "shell/clock.h"

#include <stdlib.h>
#include <time.h>

static usec_t offset;

static usec_t read_clock(clockid_t id)
{
    struct timespec t;
    if (clock_gettime(id, &t) != 0) {
        abort(); /* cannot happen for the two clocks below; time is never guessed */
    }
    return (usec_t)t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

usec_t clock_now(void)
{
    return read_clock(CLOCK_REALTIME) + offset;
}

usec_t clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

err_t clock_test_offset(void)
{
    const char *text = getenv("KEYSTEAD_CLOCK_OFFSET");
    if (text == NULL || *text == '\0') {
        return ERR_OK;
    }
    char *end = NULL;
    long seconds = strtol(text, &end, 10);
    if (*end != '\0' || seconds > 4000000000L || seconds < -4000000000L) {
        return ERR_USAGE;
    }
    offset = seconds * USEC_PER_SEC;
    return ERR_OK;
}
