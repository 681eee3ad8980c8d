#include "shell/secret_file.h"

#include "base/ct.h"
#include "base/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_text {
    char z[2 * SECRET_MAX + 3]; /* the digits, CR LF, and one octet more to notice what is too long */
};

static void file_text_wipe(struct file_text *t)
{
    ct_wipe(t, sizeof(*t));
}

static void fd_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static err_t load(const char *file, struct file_text *t, size_t *n)
{
    SCOPED(fd_close) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not hang us */
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return ERR_IO;
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return ERR_FILE_MODE;
    }
    ssize_t got = read(fd, t->z, sizeof(t->z));
    if (got < 0) {
        return ERR_IO;
    }
    *n = (size_t)got;
    return *n == sizeof(t->z) ? ERR_MALFORMED_KEY : ERR_OK;
}

err_t secret_file_read(const char *file, size_t octets, struct secret *out)
{
    SCOPED(file_text_wipe) struct file_text t = {0};
    size_t n = 0;
    TRY(load(file, &t, &n));
    while (n > 0 && (t.z[n - 1] == '\n' || t.z[n - 1] == '\r')) {
        n--;
    }
    SCOPED(secret_wipe) struct secret s = {0};
    struct writer w = WRITER_ARRAY(s.b);
    TRY(hex_parse(text_span(t.z, n), &w));
    TRY(writer_finish(&w));
    if (w.n == 0 || (octets != 0 && w.n != octets)) {
        return ERR_MALFORMED_KEY;
    }
    return secret_set(out, writer_view(&w));
}

err_t secret_file_write(const char *file, const struct secret *in)
{
    SCOPED(file_text_wipe) struct file_text t = {0};
    struct writer w = WRITER_ARRAY(t.z);
    hex_write_lower(&w, secret_view(in));
    writer_z(&w, "\n");
    TRY(writer_finish(&w));
    SCOPED(fd_close) int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    if (fd < 0) {
        return errno == EEXIST ? ERR_EXISTS : ERR_IO;
    }
    if (write(fd, t.z, w.n) != (ssize_t)w.n || fsync(fd) != 0) {
        (void)unlink(file);
        return ERR_IO;
    }
    return ERR_OK;
}
