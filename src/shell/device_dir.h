/*
 * The device's state on disk: DIR/state (sealed record, mode 0600) and, unless another place is given, DIR/state.key
 * (sealing key, mode 0600). A save is a new file, synced, renamed over the old one: after a power cut there is the old
 * state or the new one. The directory is locked while a command works on it.
 */
#ifndef KEYSTEAD_SHELL_DEVICE_DIR_H
#define KEYSTEAD_SHELL_DEVICE_DIR_H

#include "role/device/device_book.h"

struct device_dir {
    char path[512];
    int lock; /* descriptor, or -1 */
    struct device_book *book; /* what was loaded; freed by device_dir_close() */
    size_t place;             /* in it: the state that is worked on */
    struct sealer sealer;
};

/* `make`: creates what is missing; else ERR_NOT_FOUND. key_file NULL: DIR/state.key. ERR_STORE_LOCKED while
 * another command works there. */
MUST_USE err_t device_dir_open(const char *dir, const char *key_file, const struct crypto *c, bool make,
                               struct device_dir *out);
void device_dir_close(struct device_dir *d);

/* All states; ERR_NOT_FOUND: there is none yet (the book is empty, and there). */
MUST_USE err_t device_dir_read(struct device_dir *d);
/* The state of this name (device_book.h), or the only one if it is NULL. */
MUST_USE err_t device_dir_load(struct device_dir *d, const char *at, struct device_state *out, char detail[static ROLE_DETAIL_MAX]);
/* Stores s in its place, the first one if nothing was there. */
MUST_USE err_t device_dir_save(struct device_dir *d, const struct device_state *s);

/* Takes the loaded state out of the book. */
MUST_USE err_t device_dir_forget(struct device_dir *d);

/* Another file beside it, whole or not at all: nothing secret. ERR_NOT_FOUND: there is none; ERR_LIMIT_SIZE. */
MUST_USE err_t device_dir_file_load(const struct device_dir *d, const char *name, struct writer *out);
MUST_USE err_t device_dir_file_save(const struct device_dir *d, const char *name, struct bytes b);

#endif
