#include "cli/object_file.h"

#include "base/ct.h"
#include "cli/cli.h"
#include "cli/device_usage.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"
#include "shell/object_jose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_standard(const char *name)
{
    return name == NULL || strcmp(name, "-") == 0;
}

static err_t read_all(int fd, struct object_file *out)
{
    out->n = 0;
    for (;;) {
        if (out->n == sizeof(out->b)) {
            return ERR_LIMIT_SIZE;
        }
        ssize_t got = read(fd, out->b + out->n, sizeof(out->b) - out->n);
        if (got == 0) {
            return ERR_OK;
        }
        if (got < 0 && errno != EINTR) {
            return ERR_IO;
        }
        out->n += got > 0 ? (size_t)got : 0;
    }
}

err_t object_file_read_if(const char *name, struct object_file *out)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    err_t e = read_all(fd, out);
    (void)close(fd);
    return e;
}

err_t object_file_read(const char *name, struct object_file *out)
{
    if (is_standard(name)) {
        return read_all(STDIN_FILENO, out);
    }
    err_t e = object_file_read_if(name, out);
    return e == ERR_NOT_FOUND ? ERR_IO : e;
}

static err_t write_all(int fd, struct bytes b)
{
    for (size_t n = 0; n < b.n;) {
        ssize_t put = write(fd, b.p + n, b.n - n);
        if (put < 0 && errno != EINTR) {
            return ERR_IO;
        }
        n += put > 0 ? (size_t)put : 0;
    }
    return ERR_OK;
}

/* A new file renamed over the old one: a reader, or a power cut, sees one of the two whole. */
err_t object_file_write(const char *name, struct bytes b)
{
    char fresh[4096];
    if (is_standard(name)) {
        return write_all(STDOUT_FILENO, b);
    }
    int n = snprintf(fresh, sizeof(fresh), "%s.new", name);
    if (n < 0 || (size_t)n >= sizeof(fresh)) {
        return ERR_LIMIT_SIZE;
    }
    (void)unlink(fresh); /* of an earlier run, or somebody else's, who has it open */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return ERR_IO;
    }
    err_t e = write_all(fd, b);
    e = e == ERR_OK && fsync(fd) != 0 ? ERR_IO : e;
    e = close(fd) != 0 ? ERR_IO : e;
    if (e == ERR_OK && rename(fresh, name) == 0) {
        return ERR_OK;
    }
    (void)unlink(fresh);
    return ERR_IO;
}

static bool is_text_key(struct text t)
{
    static const char begin[] = "-----BEGIN";
    return (t.n > 0 && t.p[0] == '{') || (t.n > sizeof(begin) && memmem(t.p, t.n, begin, sizeof(begin) - 1) != NULL);
}

err_t object_file_key_read(const char *spec, struct object_file_key *out)
{
    struct stat st;
    struct text s = text_of(spec);
    size_t at = text_find(s, '=');
    const char *file = at < s.n ? spec + at + 1 : spec;
    memset(out, 0, sizeof(*out));
    out->k.key.id = at < s.n ? text_take(s, at) : text_empty();
    out->k.not_after = USEC_NEVER;
    if (stat(file, &st) != 0) {
        return ERR_IO;
    }
    TRY(object_file_read(file, &out->text));
    struct text t = text_span((const char *)out->text.b, out->text.n);
    if (!is_text_key(t)) {
        ct_wipe(&out->text, sizeof(out->text));
        out->k.key.symmetric = &out->secret;
        return cli_key_file(file, &out->secret);
    }
    struct object_key_info info;
    out->k.key.text = t;
    TRY(object_jose()->describe(&out->k.key, &info));
    return info.has_private && (st.st_mode & 077) != 0 ? ERR_FILE_MODE : ERR_OK;
}

static err_t kept(const struct device_dir *d, struct device_keyring *r, const char *id, struct object_file_key *out, char *who)
{
    const struct device_keyring_key *k = NULL;
    TRY(device_usage_load(d, r));
    TRY(device_keyring_find(r, text_of(id), clock_now(), &k));
    out->k = (struct esdata_key){{text_of(id), &out->secret, text_empty()}, k->suid, k->not_after};
    memcpy(who, k->own ? "" : k->peer.z, k->own ? 1 : sizeof(k->peer.z));
    out->secret = k->key;
    return ERR_OK;
}

err_t object_file_key_kept(const char *dir, const char *id, struct object_file_key *out, char who[static M2MID_MAX])
{
    struct device_dir d = {.lock = -1};
    struct device_keyring *r = malloc(sizeof(*r));
    memset(out, 0, sizeof(*out));
    who[0] = '\0';
    err_t e = r == NULL ? ERR_LIMIT_CAPACITY : device_dir_open(dir, NULL, crypto_openssl(), false, &d);
    e = e == ERR_OK ? kept(&d, r, id, out, who) : e;
    if (r != NULL) {
        device_keyring_wipe(r);
    }
    free(r);
    device_dir_close(&d);
    return e;
}
