#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPREAD UINT64_C(7919) /* prime: visits each line once before any twice, unless their number is its multiple */

/* -- lines ------------------------------------------------------------------------------------------- */
static err_t slurp(const char *file, char **out)
{
    FILE *f = fopen(file, "re");
    if (f == NULL) {
        return ERR_IO;
    }
    size_t n = 0;
    size_t cap = 0;
    ssize_t got = getdelim(out, &cap, '\0', f);
    n = got < 0 ? 0 : (size_t)got;
    (void)fclose(f);
    return n == 0 ? ERR_IO : ERR_OK;
}

err_t request_lines_read(const char *file, struct request_lines *l)
{
    TRY(slurp(file, &l->all));
    size_t n = 0;
    for (const char *c = l->all; *c != '\0'; c++) {
        n += *c == '\n' ? 1 : 0;
    }
    l->at = calloc(n + 1, sizeof(*l->at));
    if (l->at == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    char *save = NULL;
    for (char *line = strtok_r(l->all, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        l->at[l->n++] = line;
    }
    return l->n == 0 ? ERR_MALFORMED : ERR_OK;
}

void request_lines_wipe(struct request_lines *l)
{
    free(l->all);
    free(l->at);
    *l = (struct request_lines){0};
}

/* -- the plan ---------------------------------------------------------------------------------------- */
err_t request_plan_of(const struct cli_args *a, struct request_plan *p)
{
    const char *method = cli_arg(a, "--method");
    const char *status = cli_arg(a, "--status");
    const char *lines = cli_arg(a, "--lines");
    uint64_t code = 200;
    if (status != NULL && text_u64(text_of(status), 599, &code) != ERR_OK) {
        return ERR_USAGE;
    }
    *p = (struct request_plan){.method = method == NULL ? "GET" : method,
                               .path = cli_arg(a, "--path"),
                               .body = cli_arg(a, "--body"),
                               .host = "localhost",
                               .headers = a->more,
                               .headers_n = a->more_n,
                               .status = (unsigned)code,
                               .spread = cli_arg(a, "--spread") != NULL};
    return lines == NULL ? ERR_OK : request_lines_read(lines, &p->lines);
}

void request_plan_wipe(struct request_plan *p)
{
    request_lines_wipe(&p->lines);
}

const char *request_line(const struct request_plan *p, uint64_t n)
{
    if (p->lines.n == 0) {
        return "";
    }
    return p->lines.at[(p->spread ? n * SPREAD : n) % p->lines.n];
}

/* -- writing ----------------------------------------------------------------------------------------- */
struct page {
    char *at;
    size_t n, cap;
    bool full;
};

static void put(struct page *g, const char *z, size_t n)
{
    if (g->cap - g->n < n) {
        g->full = true;
        return;
    }
    memcpy(g->at + g->n, z, n);
    g->n += n;
}

static void expand(struct page *g, const char *template, uint64_t n, const char *word)
{
    char digits[24];
    (void)snprintf(digits, sizeof(digits), "%08llu", (unsigned long long)n);
    const char *at = template;
    for (const char *open = strchr(at, '{'); open != NULL; open = strchr(open + 1, '{')) {
        bool number = strncmp(open, "{n}", 3) == 0;
        bool line = strncmp(open, "{line}", 6) == 0;
        if (number || line) {
            put(g, at, (size_t)(open - at));
            put(g, number ? digits : word, strlen(number ? digits : word));
            at = open + (number ? 3 : 6);
        }
    }
    put(g, at, strlen(at));
}

size_t request_write(const struct request_plan *p, uint64_t n, char out[static REQUEST_MAX])
{
    const char *line = request_line(p, n);
    const char *word = strrchr(line, ' ');
    word = word == NULL ? line : word + 1;
    char content[REQUEST_MAX];
    struct page body = {content, 0, sizeof(content), false};
    struct page g = {out, 0, REQUEST_MAX, false};
    expand(&body, p->body == NULL ? "" : p->body, n, word);
    put(&g, p->method, strlen(p->method));
    put(&g, " ", 1);
    expand(&g, p->path, n, word);
    put(&g, " HTTP/1.1\r\nHost: ", 17);
    put(&g, p->host, strlen(p->host));
    for (size_t i = 0; i < p->headers_n; i++) {
        put(&g, "\r\n", 2);
        expand(&g, p->headers[i], n, word);
    }
    if (p->body != NULL) {
        char length[48];
        int k = snprintf(length, sizeof(length), "\r\nContent-Length: %zu", body.n);
        put(&g, length, (size_t)k);
    }
    put(&g, "\r\n\r\n", 4);
    put(&g, body.at, body.n);
    return g.full || body.full ? 0 : g.n;
}

/* -- reading ----------------------------------------------------------------------------------------- */
static struct text header(struct text head, const char *name)
{
    size_t n = strlen(name);
    while (head.n > 0) {
        size_t end = text_find(head, '\n');
        struct text line = text_take(head, end);
        if (line.n > n && text_eq_nocase(text_take(line, n), text_of(name))) {
            struct text v = text_skip(line, n);
            while (v.n > 0 && v.p[0] == ' ') {
                v = text_skip(v, 1);
            }
            return v.n > 0 && v.p[v.n - 1] == '\r' ? text_take(v, v.n - 1) : v;
        }
        head = text_skip(head, end + 1);
    }
    return text_empty();
}

size_t request_answer(struct text in, unsigned *status, struct text *location)
{
    *status = 0;
    const char *end = memmem(in.p, in.n, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    struct text head = text_span(in.p, (size_t)(end - in.p) + 4);
    uint64_t code = 0;
    uint64_t length = 0;
    struct text number = text_take(text_skip(head, 9), 3);
    if (!text_starts(head, "HTTP/1.1 ") || text_u64(number, 999, &code) != ERR_OK) {
        return head.n;
    }
    struct text given = header(head, "Content-Length:");
    if (given.n > 0 && text_u64(given, REQUEST_MAX * 64, &length) != ERR_OK) {
        return head.n;
    }
    if (in.n < head.n + length) {
        return 0;
    }
    *status = (unsigned)code;
    *location = header(head, "Content-Location:");
    return head.n + length;
}
