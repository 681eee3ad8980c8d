/*
 * A trail: audit events of one or several chains, read from what `ctl audit tail --json` prints, put into one order and
 * narrowed to what is about one name. Whatever else the text holds is not kept.
 */
#ifndef KEYSTEAD_CLI_TRAIL_H
#define KEYSTEAD_CLI_TRAIL_H

#include "cli/ladder_arrows.h"

#include <jansson.h>

#define TRAIL_CHAINS_MAX 16
#define TRAIL_EVENTS_MAX 20000
#define TRAIL_LINE_MAX (1 << 20)
#define TRAIL_NAMES_MAX 512
#define TRAIL_DETAIL_MAX 320

struct trail_event {
    struct audit_event event;
    const struct ladder_arrow *arrow;
    uint64_t number;
    enum ladder_line at; /* the server in whose chain it stands */
    const char *role;    /* and what it is */
    size_t chain;
    bool shown;
};
struct trail {
    struct trail_event *at;
    size_t n, capacity;
    size_t unknown; /* events of kinds that this program does not know; left out */
    struct {
        size_t source;
        char roles[128];
    } chains[TRAIL_CHAINS_MAX];
    size_t chains_n;
    char (*names)[AUDIT_TEXT_MAX]; /* folded: what the trail is narrowed to */
    size_t names_n;
};
void trail_free(struct trail *t);

/* One answer {"roles", "events"}, or one event with "roles" among its members. `source`: chains of different sources are
 * different, also if their roles are the same. `detail`: what is wrong. ERR_MALFORMED, ERR_LIMIT_SIZE, ERR_LIMIT_CAPACITY. */
MUST_USE err_t trail_add(struct trail *t, size_t source, const json_t *value, char detail[static TRAIL_DETAIL_MAX]);
/* One a line; empty lines are passed over. A fault names its line. */
MUST_USE err_t trail_add_file(struct trail *t, size_t source, FILE *f, char detail[static TRAIL_DETAIL_MAX]);

/* Each chain in the order of its numbers, chains by time, at the same time cause before effect. Drops what is there twice. */
MUST_USE err_t trail_sort(struct trail *t);

/* A name to narrow to, in any of its spellings; too many of them: the rest is not followed. */
MUST_USE err_t trail_name(struct trail *t, struct text name);
/* Marks what is about the names, and what is about names that belong to the same device; gives how many those are. */
MUST_USE err_t trail_narrow(struct trail *t, size_t *shown);
void trail_all(struct trail *t); /* marks all */

/* Who the peer of this event is. */
enum ladder_line trail_peer(const struct trail *t, const struct trail_event *e);

#endif
