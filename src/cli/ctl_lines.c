#include "cli/ctl_lines.h"

#include "base/ct.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHERS 077

static err_t check_file(int fd)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        return ERR_IO;
    }
    errno = 0;
    return !S_ISREG(st.st_mode) ? ERR_IO : (st.st_mode & OTHERS) != 0 ? ERR_FILE_MODE : ERR_OK;
}

/* A line that is cut is too long for one call, too: append() refuses it. */
static bool read_line(struct ctl_lines *l)
{
    if (fgets(l->line, sizeof(l->line), l->in) == NULL) {
        return false;
    }
    l->number++;
    l->next = text_trim(text_of(l->line), " \t\r\n");
    return true;
}

err_t ctl_lines_open(struct ctl_lines *l, const char *file)
{
    *l = (struct ctl_lines){.in = NULL};
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    err_t e = check_file(fd);
    l->in = e == ERR_OK ? fdopen(fd, "r") : NULL;
    if (l->in == NULL) {
        (void)(fd >= 0 && close(fd));
        return e == ERR_OK ? ERR_IO : e;
    }
    (void)setvbuf(l->in, l->buffer, _IOFBF, sizeof(l->buffer)); /* ours is wiped */
    while (read_line(l)) {
        if (l->next.n > 0) {
            l->has_line = l->next.p[0] == '{';
            return l->has_line ? ERR_OK : TEXT_COPY(l->next, l->head);
        }
    }
    return ERR_OK;
}

/* Line numbers count: one that is empty is sent as such. */
static err_t append(struct ctl_lines *l)
{
    if (strlen(l->line) == sizeof(l->line) - 1 || l->next.n + 1 > sizeof(l->lines) - l->n) {
        return ERR_LIMIT_SIZE;
    }
    memcpy(l->lines + l->n, l->next.p, l->next.n);
    l->n += l->next.n;
    l->lines[l->n++] = '\n';
    return ERR_OK;
}

err_t ctl_lines_next(struct ctl_lines *l)
{
    l->n = 0;
    for (size_t i = 0; i < CTL_LINES_ONCE && (l->has_line || read_line(l)); i++) {
        l->first = i == 0 ? l->number : l->first;
        l->has_line = append(l) != ERR_OK;
        if (l->has_line) {
            return i > 0 ? ERR_OK : ERR_LIMIT_SIZE;
        }
    }
    return ERR_OK;
}

void ctl_lines_close(struct ctl_lines *l)
{
    if (l->in != NULL) {
        (void)fclose(l->in);
    }
    ct_wipe(l, sizeof(*l));
}

void ctl_lines_add_up(json_t *all, const json_t *one)
{
    json_int_t added = json_integer_value(json_object_get(all, "added")) + json_integer_value(json_object_get(one, "added"));
    json_t *refused = json_object_get(all, "refused");
    (void)json_object_set_new(all, "added", json_integer(added));
    if (refused == NULL) {
        refused = json_array();
        (void)json_object_set_new(all, "refused", refused);
    }
    (void)json_array_extend(refused, json_object_get(one, "refused"));
}
