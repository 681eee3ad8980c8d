#include "shell/device_dir.h"

#include "base/ct.h"
#include "shell/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static err_t join(const struct device_dir *d, const char *name, char *out, size_t cap)
{
    struct writer w = writer_of(out, cap);
    writer_z(&w, d->path);
    writer_z(&w, "/");
    writer_z(&w, name);
    return writer_finish_z(&w);
}

static err_t lock(struct device_dir *d)
{
    char file[600];
    TRY(join(d, "state.lock", file, sizeof(file)));
    d->lock = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (d->lock < 0) {
        return ERR_IO;
    }
    return flock(d->lock, LOCK_EX | LOCK_NB) == 0 ? ERR_OK : ERR_STORE_LOCKED;
}

static err_t key_make(const char *file, const struct crypto *c)
{
    uint8_t fresh[CRYPTO_KEY_LEN];
    SCOPED(secret_wipe) struct secret s = {0};
    TRY(c->random(fresh, sizeof(fresh)));
    err_t e = secret_set(&s, BYTES_ARRAY(fresh));
    ct_wipe(fresh, sizeof(fresh));
    TRY(e);
    e = secret_file_write(file, &s);
    return e == ERR_EXISTS ? ERR_OK : e;
}

static err_t key_open(struct device_dir *d, const char *key_file, const struct crypto *c, bool make)
{
    char file[600];
    TRY(join(d, "state.key", file, sizeof(file)));
    const char *name = key_file != NULL ? key_file : file;
    if (make && key_file == NULL) {
        TRY(key_make(file, c));
    }
    d->sealer = (struct sealer){.crypto = c};
    return secret_file_read(name, CRYPTO_KEY_LEN, &d->sealer.root);
}

err_t device_dir_open(const char *dir, const char *key_file, const struct crypto *c, bool make, struct device_dir *out)
{
    *out = (struct device_dir){.lock = -1};
    TRY(TEXT_COPY(text_of(dir), out->path));
    if (make && mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return ERR_IO;
    }
    struct stat st;
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return ERR_NOT_FOUND;
    }
    char file[600];
    TRY(join(out, "state", file, sizeof(file)));
    if (!make && access(file, F_OK) != 0) { /* somebody else's directory gets no lock file from us */
        return ERR_NOT_FOUND;
    }
    err_t e = lock(out);
    if (e == ERR_OK) {
        e = key_open(out, key_file, c, make);
    }
    if (e != ERR_OK) {
        device_dir_close(out);
    }
    return e;
}

void device_dir_close(struct device_dir *d)
{
    if (d->lock >= 0) {
        (void)close(d->lock);
    }
    seal_wipe(&d->sealer);
    if (d->book != NULL) {
        device_book_wipe(d->book);
    }
    free(d->book);
    d->book = NULL;
    d->lock = -1;
}

static err_t read_record(struct device_dir *d, uint8_t *room, struct writer *w)
{
    *w = writer_of(room, DEVICE_BOOK_RECORD_MAX);
    err_t e = device_dir_file_load(d, "state", w);
    return e == ERR_LIMIT_SIZE ? ERR_MALFORMED_RECORD : e;
}

err_t device_dir_read(struct device_dir *d)
{
    struct writer w;
    if (d->book == NULL) {
        d->book = calloc(1, sizeof(*d->book));
    }
    uint8_t *room = malloc(DEVICE_BOOK_RECORD_MAX);
    err_t e = room == NULL || d->book == NULL ? ERR_LIMIT_CAPACITY : read_record(d, room, &w);
    e = e == ERR_OK ? device_book_parse(writer_view(&w), &d->sealer, d->book) : e;
    free(room);
    return e;
}

err_t device_dir_load(struct device_dir *d, const char *at, struct device_state *out, char detail[static ROLE_DETAIL_MAX])
{
    TRY(device_dir_read(d));
    TRY(device_book_find(d->book, text_of(at), &d->place, detail));
    *out = d->book->at[d->place].s;
    return ERR_OK;
}

/* Always a file of ours, for nobody else: what lies there of an end in the middle, or is somebody's, goes. */
static err_t write_synced(const char *file, struct bytes b)
{
    (void)unlink(file);
    int fd = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return ERR_IO;
    }
    bool good = true;
    while (b.n > 0 && good) {
        ssize_t n = write(fd, b.p, b.n);
        good = n > 0;
        b = good ? bytes_of(b.p + n, b.n - (size_t)n) : b;
    }
    int why = errno;
    good = good && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    return good ? ERR_OK : why == ENOSPC ? ERR_STORE_FULL : ERR_IO;
}

static err_t sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return ERR_IO;
    }
    bool good = fsync(fd) == 0;
    (void)close(fd);
    return good ? ERR_OK : ERR_IO;
}

err_t device_dir_file_save(const struct device_dir *d, const char *name, struct bytes b)
{
    char file[600], fresh[600], fresh_name[160];
    struct writer w = WRITER_ARRAY(fresh_name);
    writer_z(&w, name);
    writer_z(&w, ".new");
    TRY(writer_finish_z(&w));
    TRY(join(d, name, file, sizeof(file)));
    TRY(join(d, fresh_name, fresh, sizeof(fresh)));
    TRY(write_synced(fresh, b));
    if (rename(fresh, file) != 0) {
        return ERR_IO;
    }
    return sync_dir(d->path);
}

err_t device_dir_file_load(const struct device_dir *d, const char *name, struct writer *out)
{
    char file[600];
    TRY(join(d, name, file, sizeof(file)));
    struct stat st = {0};
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not hang us */
    if (fd < 0) {
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    bool ours = regular && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0; /* a key may be in it */
    ssize_t n = ours ? read(fd, out->buf, out->cap) : -1;
    (void)close(fd);
    if (!ours) {
        return regular ? ERR_FILE_MODE : ERR_IO;
    }
    if (n < 0 || (size_t)n == out->cap) {
        return n < 0 ? ERR_IO : ERR_LIMIT_SIZE;
    }
    out->n = (size_t)n;
    return ERR_OK;
}

static err_t save_book(struct device_dir *d)
{
    uint8_t *room = malloc(DEVICE_BOOK_RECORD_MAX);
    if (room == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(room, DEVICE_BOOK_RECORD_MAX);
    err_t e = device_book_write(d->book, &d->sealer, &w);
    e = e == ERR_OK ? device_dir_file_save(d, "state", writer_view(&w)) : e;
    free(room);
    return e;
}

err_t device_dir_save(struct device_dir *d, const struct device_state *s)
{
    if (d->book == NULL) {
        d->book = calloc(1, sizeof(*d->book));
    }
    if (d->book == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    if (d->book->n == 0) {
        TRY(device_book_add(d->book, DEVICE_BOOK_ALONE, &d->place));
    }
    device_book_put(d->book, d->place, s);
    return save_book(d);
}

err_t device_dir_forget(struct device_dir *d)
{
    device_book_remove(d->book, d->place);
    return save_book(d);
}
