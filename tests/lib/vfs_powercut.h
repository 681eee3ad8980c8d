/*
 * A SQLite VFS over the real one that can lose power and can run out of disk. Everything SQLite writes goes to real
 * files; beside it the shim keeps, in memory, what a disk would hold: the contents as of the last sync of each file, and
 * the writes since. At a chosen operation the power goes: that write, truncation, sync or deletion and all later ones
 * fail. powercut_image() then writes what could be found on the disk afterwards.
 */
#ifndef KEYSTEAD_TESTS_VFS_POWERCUT_H
#define KEYSTEAD_TESTS_VFS_POWERCUT_H

#include <stdbool.h>
#include <stdint.h>

#define POWERCUT_VFS "powercut"

enum powercut_image {
    POWERCUT_DROP_ALL, /* nothing that was not synced */
    POWERCUT_KEEP_ALL, /* all of it, the interrupted write too */
    POWERCUT_PREFIX,   /* the first few of the writes, in order */
    POWERCUT_SECTORS,  /* any subset of their 512-octet sectors */
    POWERCUT_TORN,     /* all, but the last one only in part */
    POWERCUT_IMAGES
};

void powercut_register(void);

/* Forgets all files; records from now on. cut_at: number of the operation that fails, from 1; 0: never. */
void powercut_start(uint64_t cut_at, bool syncs_lie);
/* No recording, no failures, no syncs: for looking at an image. */
void powercut_stop(void);
uint64_t powercut_operations(void); /* so far */
bool powercut_is_cut(void);

/* Writes the files as the disk may have them into `dir`. */
void powercut_image(const char *dir, enum powercut_image how, uint64_t *seed);

/* No file may grow once all together have `octets`; negative: no limit. */
void powercut_quota(int64_t octets);
int64_t powercut_used(void);

#endif
