#include "shell/key_pin.h"

#include "base/ct.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void key_pin_wipe(struct key_pin *p)
{
    ct_wipe(p, sizeof(*p));
}

static void fd_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

err_t key_pin_fault(char why[static KEY_PIN_WHY_MAX], err_t e, const char *what)
{
    (void)snprintf(why, KEY_PIN_WHY_MAX, "%s", what);
    return e;
}

err_t key_pin_read(enum key_pin_kind kind, const char *file, struct key_pin *out, char why[static KEY_PIN_WHY_MAX])
{
    bool text = kind == KEY_PIN_TEXT;
    const char *what = text ? "PIN" : "authorisation";
    SCOPED(fd_close) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not hang us */
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)snprintf(why, KEY_PIN_WHY_MAX, "%s file %.80s: %s", what, file, strerror(errno));
        return ERR_CONFIG;
    }
    if (!S_ISREG(st.st_mode)) {
        (void)snprintf(why, KEY_PIN_WHY_MAX, "the %s file is not a regular file", what);
        return ERR_CONFIG;
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        (void)snprintf(why, KEY_PIN_WHY_MAX, "%s file %.80s has mode %04o and is open to others: chmod 600", what, file,
                       (unsigned)(st.st_mode & 07777));
        return ERR_FILE_MODE;
    }
    ssize_t got = read(fd, out->z, sizeof(out->z));
    size_t n = got < 0 ? 0 : (size_t)got;
    while (text && n > 0 && (out->z[n - 1] == '\n' || out->z[n - 1] == '\r')) {
        n--;
    }
    if (n == 0 || n > KEY_PIN_MAX || (text && memchr(out->z, '\0', n) != NULL)) {
        (void)snprintf(why, KEY_PIN_WHY_MAX, "the %s file does not hold %s", what, text ? "a PIN" : "1 to 64 octets");
        return ERR_CONFIG;
    }
    out->z[n] = '\0';
    out->n = n;
    return ERR_OK;
}
