#include "vfs_powercut.h"

#include "scratch.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

enum { FILES_MAX = 8, SECTOR = 512 };

/* A write (data != NULL) or a truncation to `offset` that was not synced yet. */
struct pending {
    struct pending *next;
    uint64_t order; /* among all files */
    size_t offset;
    size_t n;
    uint8_t *data;
};

struct image {
    uint8_t *b;
    size_t n;
};

struct disk_file {
    char path[PATH_MAX];
    bool exists; /* durably */
    struct image durable;
    struct pending *first;
    size_t live; /* present size of the real file */
};

struct handle {
    sqlite3_file base;
    struct disk_file *disk; /* NULL: a temporary file */
    sqlite3_file *real;     /* follows in the same memory */
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct disk_file files[FILES_MAX];
    size_t files_n;
    uint64_t operations;
    uint64_t cut_at;
    uint64_t order;
    int64_t quota;
    bool recording, lying, cut;
} pc;

/* -- the disk ----------------------------------------------------------------------------------------------------- */

static void image_resize(struct image *m, size_t n)
{
    if (n > m->n) {
        m->b = realloc(m->b, n);
        assert_non_null(m->b);
        memset(m->b + m->n, 0, n - m->n);
    }
    m->n = n;
}

static void image_apply(struct image *m, size_t offset, const uint8_t *data, size_t n)
{
    if (data == NULL) {
        image_resize(m, offset);
        return;
    }
    if (offset + n > m->n) {
        image_resize(m, offset + n);
    }
    memcpy(m->b + offset, data, n);
}

static void pending_free(struct disk_file *f)
{
    while (f->first != NULL) {
        struct pending *p = f->first;
        f->first = p->next;
        free(p->data);
        free(p);
    }
}

static void pending_add(struct disk_file *f, size_t offset, const void *data, size_t n)
{
    struct pending *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    *p = (struct pending){.order = ++pc.order, .offset = offset, .n = n};
    if (data != NULL) {
        p->data = malloc(n);
        assert_non_null(p->data);
        memcpy(p->data, data, n);
    }
    struct pending **end = &f->first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = p;
}

static void file_sync(struct disk_file *f)
{
    for (const struct pending *p = f->first; p != NULL; p = p->next) {
        image_apply(&f->durable, p->offset, p->data, p->n);
    }
    pending_free(f);
    f->exists = true;
}

static void file_forget(struct disk_file *f)
{
    pending_free(f);
    free(f->durable.b);
    f->durable = (struct image){0};
    f->exists = false;
    f->live = 0;
}

static struct disk_file *file_of(const char *path)
{
    for (size_t i = 0; i < pc.files_n; i++) {
        if (strcmp(pc.files[i].path, path) == 0) {
            return &pc.files[i];
        }
    }
    assert_true(pc.files_n < FILES_MAX);
    struct disk_file *f = &pc.files[pc.files_n++];
    memset(f, 0, sizeof(*f));
    (void)snprintf(f->path, sizeof(f->path), "%s", path);
    return f;
}

/* Counts an operation; true if the power is off now. */
static bool operation(void)
{
    if (!pc.recording) {
        return false;
    }
    pc.operations++;
    pc.cut = pc.cut || pc.operations == pc.cut_at;
    return pc.cut;
}

/* -- files -------------------------------------------------------------------------------------------------------- */

static struct handle *of(sqlite3_file *f)
{
    return (struct handle *)f;
}

static int h_close(sqlite3_file *f)
{
    return of(f)->real->pMethods->xClose(of(f)->real);
}

static int h_read(sqlite3_file *f, void *buf, int n, sqlite3_int64 at)
{
    return of(f)->real->pMethods->xRead(of(f)->real, buf, n, at);
}

static bool is_full(const struct disk_file *f, size_t end)
{
    return pc.quota >= 0 && end > f->live && powercut_used() + (int64_t)(end - f->live) > pc.quota;
}

static int h_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
    struct handle *h = of(f);
    if (h->disk != NULL && pc.recording) {
        bool before = pc.cut;
        size_t end = (size_t)at + (size_t)n;
        if (operation()) {
            if (!before) {
                pending_add(h->disk, (size_t)at, data, (size_t)n); /* it may have reached the disk, or a part of it */
            }
            return SQLITE_IOERR_WRITE;
        }
        if (is_full(h->disk, end)) {
            return SQLITE_FULL;
        }
        pending_add(h->disk, (size_t)at, data, (size_t)n);
        h->disk->live = end > h->disk->live ? end : h->disk->live;
    }
    return h->real->pMethods->xWrite(h->real, data, n, at);
}

static int h_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct handle *h = of(f);
    if (h->disk != NULL && pc.recording) {
        if (operation()) {
            return SQLITE_IOERR_TRUNCATE;
        }
        pending_add(h->disk, (size_t)size, NULL, 0);
        h->disk->live = (size_t)size;
    }
    return h->real->pMethods->xTruncate(h->real, size);
}

static int h_sync(sqlite3_file *f, int flags)
{
    (void)flags;
    struct handle *h = of(f);
    if (h->disk != NULL && pc.recording) {
        if (operation()) {
            return SQLITE_IOERR_FSYNC;
        }
        if (!pc.lying) {
            file_sync(h->disk);
        }
    }
    return SQLITE_OK; /* the real disk is not what is tested, and waiting for it is slow */
}

static int h_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return of(f)->real->pMethods->xFileSize(of(f)->real, size);
}

static int h_lock(sqlite3_file *f, int level)
{
    return of(f)->real->pMethods->xLock(of(f)->real, level);
}

static int h_unlock(sqlite3_file *f, int level)
{
    return of(f)->real->pMethods->xUnlock(of(f)->real, level);
}

static int h_reserved(sqlite3_file *f, int *out)
{
    return of(f)->real->pMethods->xCheckReservedLock(of(f)->real, out);
}

/* Size hints would grow the real file behind the shim's back; the rest goes through. */
static int h_control(sqlite3_file *f, int op, void *arg)
{
    if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE) {
        return SQLITE_OK;
    }
    return of(f)->real->pMethods->xFileControl(of(f)->real, op, arg);
}

static int h_sector(sqlite3_file *f)
{
    return of(f)->real->pMethods->xSectorSize(of(f)->real);
}

static int h_character(sqlite3_file *f)
{
    return of(f)->real->pMethods->xDeviceCharacteristics(of(f)->real);
}

static int h_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return of(f)->real->pMethods->xShmMap(of(f)->real, page, size, extend, out);
}

static int h_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return of(f)->real->pMethods->xShmLock(of(f)->real, at, n, flags);
}

static void h_shm_barrier(sqlite3_file *f)
{
    of(f)->real->pMethods->xShmBarrier(of(f)->real);
}

static int h_shm_unmap(sqlite3_file *f, int remove)
{
    return of(f)->real->pMethods->xShmUnmap(of(f)->real, remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = h_close,
    .xRead = h_read,
    .xWrite = h_write,
    .xTruncate = h_truncate,
    .xSync = h_sync,
    .xFileSize = h_size,
    .xLock = h_lock,
    .xUnlock = h_unlock,
    .xCheckReservedLock = h_reserved,
    .xFileControl = h_control,
    .xSectorSize = h_sector,
    .xDeviceCharacteristics = h_character,
    .xShmMap = h_shm_map,
    .xShmLock = h_shm_lock,
    .xShmBarrier = h_shm_barrier,
    .xShmUnmap = h_shm_unmap,
};

/* -- the VFS ------------------------------------------------------------------------------------------------------ */

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    (void)v;
    struct handle *h = of(f);
    h->base.pMethods = NULL;
    h->real = (sqlite3_file *)(h + 1);
    h->disk = NULL;
    int there = 0;
    if (name != NULL) {
        (void)pc.real->xAccess(pc.real, name, SQLITE_ACCESS_EXISTS, &there);
    }
    int rc = pc.real->xOpen(pc.real, name, h->real, flags, out_flags);
    if (rc != SQLITE_OK) {
        return rc;
    }
    h->base.pMethods = &methods;
    if (name != NULL && pc.recording) {
        h->disk = file_of(name);
        h->disk->exists = h->disk->exists || there != 0; /* made, empty, by the driver, which synced the directory */
    }
    return SQLITE_OK;
}

static int v_delete(sqlite3_vfs *v, const char *name, int sync)
{
    (void)v;
    if (operation()) {
        return SQLITE_IOERR_DELETE;
    }
    if (pc.recording) {
        file_forget(file_of(name));
    }
    return pc.real->xDelete(pc.real, name, sync);
}

void powercut_register(void)
{
    pc.real = sqlite3_vfs_find(NULL);
    assert_non_null(pc.real);
    pc.vfs = *pc.real;
    pc.vfs.zName = POWERCUT_VFS;
    pc.vfs.pNext = NULL;
    pc.vfs.szOsFile = (int)sizeof(struct handle) + pc.real->szOsFile;
    pc.vfs.xOpen = v_open;
    pc.vfs.xDelete = v_delete;
    pc.quota = -1;
    assert_int_equal(sqlite3_vfs_register(&pc.vfs, 0), SQLITE_OK);
}

void powercut_start(uint64_t cut_at, bool syncs_lie)
{
    powercut_stop();
    pc.recording = true;
    pc.cut_at = cut_at;
    pc.lying = syncs_lie;
}

void powercut_stop(void)
{
    for (size_t i = 0; i < pc.files_n; i++) {
        file_forget(&pc.files[i]);
    }
    pc.files_n = 0;
    pc.operations = pc.order = pc.cut_at = 0;
    pc.quota = -1;
    pc.recording = pc.lying = pc.cut = false;
}

uint64_t powercut_operations(void)
{
    return pc.operations;
}

bool powercut_is_cut(void)
{
    return pc.cut;
}

void powercut_quota(int64_t octets)
{
    pc.quota = octets;
}

int64_t powercut_used(void)
{
    int64_t sum = 0;
    for (size_t i = 0; i < pc.files_n; i++) {
        sum += (int64_t)pc.files[i].live;
    }
    return sum;
}

/* -- images ------------------------------------------------------------------------------------------------------- */

static void apply_sectors(struct image *m, const struct pending *p, uint64_t *seed)
{
    for (size_t at = 0; at < p->n; at += SECTOR) {
        size_t n = p->n - at < SECTOR ? p->n - at : SECTOR;
        if (scratch_random(seed) % 2 == 0) {
            image_apply(m, p->offset + at, p->data + at, n);
        }
    }
}

static void apply(struct image *m, const struct pending *p, enum powercut_image how, uint64_t limit, uint64_t *seed)
{
    switch (how) {
    case POWERCUT_DROP_ALL:
        return;
    case POWERCUT_SECTORS:
        if (p->data != NULL) {
            apply_sectors(m, p, seed);
            return;
        }
        if (scratch_random(seed) % 2 == 0) {
            image_apply(m, p->offset, NULL, 0);
        }
        return;
    case POWERCUT_TORN:
        if (p->order == pc.order && p->data != NULL) {
            image_apply(m, p->offset, p->data, scratch_random(seed) % p->n);
            return;
        }
        break;
    case POWERCUT_PREFIX:
        if (p->order > limit) {
            return;
        }
        break;
    case POWERCUT_KEEP_ALL:
    case POWERCUT_IMAGES:
        break;
    }
    image_apply(m, p->offset, p->data, p->n);
}

static uint64_t oldest_pending(void)
{
    uint64_t oldest = pc.order + 1;
    for (size_t i = 0; i < pc.files_n; i++) {
        if (pc.files[i].first != NULL && pc.files[i].first->order < oldest) {
            oldest = pc.files[i].first->order;
        }
    }
    return oldest;
}

void powercut_image(const char *dir, enum powercut_image how, uint64_t *seed)
{
    uint64_t oldest = oldest_pending();
    uint64_t limit = oldest - 1 + scratch_random(seed) % (pc.order + 2 - oldest);
    for (size_t i = 0; i < pc.files_n; i++) {
        const struct disk_file *f = &pc.files[i];
        struct image m = {0};
        if (f->durable.n > 0) {
            image_apply(&m, 0, f->durable.b, f->durable.n);
        }
        for (const struct pending *p = f->first; p != NULL; p = p->next) {
            apply(&m, p, how, limit, seed);
        }
        if (f->exists || m.n > 0) {
            char name[PATH_MAX + 8];
            (void)snprintf(name, sizeof(name), "%s/%s", dir, strrchr(f->path, '/') + 1);
            scratch_write(name, m.b != NULL ? m.b : (const uint8_t *)"", m.n);
        }
        free(m.b);
    }
}
