/* What `ctl status` shows of the running server: instances, listeners, processes, counters; a JSON object. */
#ifndef KEYSTEAD_SHELL_CONTROL_STATUS_H
#define KEYSTEAD_SHELL_CONTROL_STATUS_H

#include "base/writer.h"
#include "shell/metrics.h"
#include "shell/snapshot.h"

void control_status_write(struct writer *w, const struct snapshot *s, const struct metrics_page *p);

#endif
