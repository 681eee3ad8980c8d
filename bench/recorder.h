/* A store in front of another one that writes down each put and del, so that they can be done again without the rest. */
#ifndef KEYSTEAD_BENCH_RECORDER_H
#define KEYSTEAD_BENCH_RECORDER_H

#include "store/store.h"

MUST_USE err_t recorder_open(struct store *inner, struct store **out); /* borrows inner */
void recorder_forget(struct store *s);
/* Does what was written down in an open write transaction of `to`. */
MUST_USE err_t recorder_replay(const struct store *s, struct store *to);
size_t recorder_changes(const struct store *s);

#endif
