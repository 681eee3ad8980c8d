#include "shell/conf_fault.h"

#include <stdio.h>
#include <stdarg.h>
#include <string.h>

#define WORD_MAX 63 /* longer words get no guess: no key is that long */

void conf_fault_add(struct conf_faults *f, int line, const char *format, ...)
{
    if (f->n < CONF_FAULTS_MAX) {
        struct conf_fault *at = &f->at[f->n];
        at->line = line;
        va_list ap;
        va_start(ap, format);
        (void)vsnprintf(at->text, sizeof(at->text), format, ap);
        va_end(ap);
        for (char *p = at->text; *p != '\0'; p++) {
            if ((unsigned char)*p < 0x20 || *p == 0x7F) {
                *p = '?';
            }
        }
    }
    f->n++;
}

int conf_fault_line_of(const struct conf *c, const char *section, const char *arg, const char *detail)
{
    int elsewhere = 0;
    for (size_t i = 0; i < c->values_n; i++) {
        const struct conf_value *v = &c->values[i];
        bool is_name = v->row->type == CONF_FILE || v->row->type == CONF_KEY;
        if (v->line == 0 || !is_name || v->text[0] == '\0' || strstr(detail, v->text) == NULL) {
            continue;
        }
        if (strcmp(v->row->section, section) == 0 && v->arg != NULL && strcmp(v->arg, arg) == 0) {
            return v->line;
        }
        elsewhere = elsewhere == 0 ? v->line : elsewhere;
    }
    return elsewhere;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance with swaps of neighbours (optimal string alignment): "hots" is one step from "host". */
static size_t distance(struct text a, struct text b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *now = rows[2];
    for (size_t j = 0; j <= b.n; j++) {
        before[j] = j;
        last[j] = j;
    }
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t cost = text_lower(a.p[i - 1]) == text_lower(b.p[j - 1]) ? 0 : 1;
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + cost);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1]) {
                now[j] = least(now[j], before[j - 2] + 1);
            }
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b.n];
}

struct conf_fault_guess conf_fault_guess_of(struct text word)
{
    return (struct conf_fault_guess){.word = word, .best = NULL, .distance = least(2, word.n / 2) + word.n / 6 + 1};
}

void conf_fault_guess_offer(struct conf_fault_guess *g, const char *right)
{
    struct text t = text_of(right);
    if (t.n == 0 || t.n > WORD_MAX || g->word.n > WORD_MAX) {
        return;
    }
    size_t d = distance(g->word, t);
    if (d < g->distance) {
        g->distance = d;
        g->best = right;
    }
}
