#include "cli/demo_gateway.h"

#include "base/ct.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define SECRET_OCTETS 32

/* An MN-CSE in full: everything else has its default. */
static const char configuration[] =
    "[server]\nroles = cse\nstore = mn.db\nroot-secret = mn.root\naudit-key = mn.audit\ncontrol = mn.sock\nworkers = 1\n"
    "[cse]\nsp = %s\ncsi = /mn\nname = cse-mn\nkind = mn\nregistrar = in.%s\n"
    "[listener main]\nrole = cse\naddress = 127.0.0.1:0\naliases = localhost, mn.%s\n"
    "[peer in.%s]\nkind = cse\ncsi = /in\naddress = %s\npsk-id = mn@in.%s\npsk = gateway.hex\n";

static err_t put(const char *dir, const char *name, const char *text)
{
    char file[640];
    if (snprintf(file, sizeof(file), "%s/%s", dir, name) >= (int)sizeof(file)) {
        return ERR_IO;
    }
    int fd = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0400);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        (void)close(fd);
    }
    return good ? ERR_OK : ERR_IO;
}

static err_t secret(const char *dir, const char *name)
{
    unsigned char octets[SECRET_OCTETS];
    char hex[2 * SECRET_OCTETS + 2];
    if (getrandom(octets, sizeof(octets), 0) != (ssize_t)sizeof(octets)) {
        return ERR_IO;
    }
    for (size_t i = 0; i < sizeof(octets); i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", octets[i]);
    }
    (void)snprintf(hex + sizeof(hex) - 2, 2, "\n");
    err_t e = put(dir, name, hex);
    ct_wipe(octets, sizeof(octets));
    ct_wipe(hex, sizeof(hex));
    return e;
}

err_t demo_gateway_files(const char *dir, const char *sp, const char *cse, const char **what)
{
    char text[2048];
    bool fits = snprintf(text, sizeof(text), configuration, sp, sp, sp, sp, cse, sp) < (int)sizeof(text);
    *what = "mn.conf";
    TRY(fits ? put(dir, *what, text) : ERR_IO);
    *what = "mn.root";
    TRY(secret(dir, *what));
    *what = "mn.audit";
    return secret(dir, *what);
}
