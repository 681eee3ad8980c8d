/* A list with secrets for the control interface (CTL_ARG_LINES), some lines at a time. Buffers are wiped. */
#ifndef KEYSTEAD_CLI_CTL_LINES_H
#define KEYSTEAD_CLI_CTL_LINES_H

#include "base/text.h"

#include <jansson.h>
#include <stdio.h>

#define CTL_LINES_ONCE 50
#define CTL_LINES_OCTETS 24576 /* of the lines of one call: escaped, they must fit into a line of the control socket */

struct ctl_lines {
    FILE *in;
    char buffer[4096]; /* of stdio */
    char line[CTL_LINES_OCTETS];
    bool has_line; /* `line` was read and belongs to the next call */
    struct text next;
    uint64_t number; /* of the last line that was read */
    char head[1024]; /* the first line, unless it is JSON */
    char lines[CTL_LINES_OCTETS];
    size_t n;
    uint64_t first; /* line number of `lines` */
};
/* ERR_IO (errno says why; 0: no regular file), ERR_FILE_MODE: others may read it, ERR_LIMIT_SIZE: the first line. */
MUST_USE err_t ctl_lines_open(struct ctl_lines *l, const char *file);
/* The next lines; l->n 0: there are no more. ERR_LIMIT_SIZE: line l->number is too long. */
MUST_USE err_t ctl_lines_next(struct ctl_lines *l);
void ctl_lines_close(struct ctl_lines *l);
/* Adds the answer to one call to what the calls before have answered. */
void ctl_lines_add_up(json_t *all, const json_t *one);

#endif
