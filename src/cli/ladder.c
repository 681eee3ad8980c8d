#include "cli/ladder.h"

#include <string.h>

enum { COLUMN = 11, WIDTH = COLUMN * (LADDER_LINES - 1) + 4 };

const struct ladder_participant ladder_participants[LADDER_LINES] = {
    [LADDER_OPERATOR] = {"operator", "operator", {NULL}, true},
    [LADDER_DEVICE] = {"device", "device", {NULL}, true},
    [LADDER_BSF] = {"bsf", "BSF", {"bsf"}, false},
    [LADDER_MEF] = {"mef", "MEF", {"mef"}, true},
    [LADDER_MAF] = {"maf", "MAF", {"maf"}, true},
    [LADDER_MN] = {"mn", "MN-CSE", {NULL}, false}, /* of the demo: an audit chain does not say which kind of CSE it is of */
    [LADDER_CSE] = {"cse", "IN-CSE", {"cse", "gate"}, true}, /* to its devices a gate is the CSE */
};

struct ladder_columns ladder_columns(void)
{
    struct ladder_columns c;
    for (size_t l = 0; l < LADDER_LINES; l++) {
        c.shown[l] = ladder_participants[l].always;
    }
    return c;
}

struct ladder_columns ladder_columns_all(void)
{
    struct ladder_columns c;
    memset(c.shown, true, sizeof(c.shown));
    return c;
}

void ladder_columns_add(struct ladder_columns *c, const struct ladder_item *item)
{
    c->shown[item->from] = true;
    c->shown[item->to] = true;
}

size_t ladder_columns_left(const struct ladder_columns *c, enum ladder_line l)
{
    size_t n = 0;
    for (size_t i = 0; i < (size_t)l; i++) {
        n += c->shown[i] ? 1 : 0;
    }
    return n;
}

static size_t at(const struct ladder_columns *c, enum ladder_line l)
{
    return 2 + ladder_columns_left(c, l) * COLUMN;
}

/* One cell a character; drawn with single ASCII marks first, printed as box characters. */
static void print_cells(FILE *f, const struct ladder_columns *c, const char *cells)
{
    size_t width = ladder_columns_left(c, LADDER_LINES) * COLUMN - (COLUMN - 4);
    static const struct {
        char mark;
        const char *shape;
    } shapes[] = {{'|', "│"}, {'-', "─"}, {'>', "▶"}, {'<', "◀"}, {'o', "●"}, {'x', "✗"}};
    for (size_t i = 0; i < width; i++) {
        const char *shape = NULL;
        for (size_t k = 0; k < ARRAY_LEN(shapes); k++) {
            shape = shapes[k].mark == cells[i] ? shapes[k].shape : shape;
        }
        if (shape != NULL) {
            (void)fputs(shape, f);
        } else {
            (void)fputc(cells[i], f);
        }
    }
}

static void lifelines(char cells[WIDTH], const struct ladder_columns *c)
{
    memset(cells, ' ', WIDTH);
    for (size_t l = 0; l < LADDER_LINES; l++) {
        if (c->shown[l]) {
            cells[at(c, (enum ladder_line)l)] = '|';
        }
    }
}

void ladder_put_octet(FILE *f, char c)
{
    unsigned char u = (unsigned char)c;
    if (u < 0x20 || u >= 0x7F) { /* nothing in it drives a terminal, forges a line or turns the direction of writing */
        (void)fprintf(f, "\\x%02X", u);
    } else {
        (void)fputc(u, f);
    }
}

static void put(FILE *f, const char *z)
{
    for (; *z != '\0'; z++) {
        ladder_put_octet(f, *z);
    }
}

static void end_line(FILE *f, const struct ladder_item *item)
{
    (void)fputs(item->shape == LADDER_REMARK ? "      " : "  ", f);
    put(f, item->text);
    if (item->clause[0] != '\0') {
        (void)fputs("  [", f);
        put(f, item->clause);
        (void)fputc(']', f);
    }
    (void)fputc('\n', f);
    (void)fflush(f);
}

void ladder_text_head(FILE *f, const struct ladder_columns *c)
{
    for (size_t l = 0; l < LADDER_LINES; l++) {
        if (c->shown[l]) {
            (void)fprintf(f, "%-*s", COLUMN, ladder_participants[l].name);
        }
    }
    (void)fputc('\n', f);
}

static void arrow(char cells[WIDTH], const struct ladder_columns *c, const struct ladder_item *item)
{
    bool right = item->to > item->from;
    size_t a = at(c, right ? item->from : item->to);
    size_t b = at(c, right ? item->to : item->from);
    memset(cells + a + 1, '-', b - a - 1);
    cells[right ? b - 1 : a + 1] = item->refused ? 'x' : right ? '>' : '<';
}

void ladder_text_item(FILE *f, const struct ladder_columns *c, const struct ladder_item *item)
{
    char cells[WIDTH];
    lifelines(cells, c);
    if (item->shape == LADDER_TITLE) {
        print_cells(f, c, cells);
        (void)fputc('\n', f);
    } else if (item->shape == LADDER_ARROW) {
        arrow(cells, c, item);
    } else if (item->shape == LADDER_NOTE) {
        cells[at(c, item->from)] = item->refused ? 'x' : 'o';
    }
    print_cells(f, c, cells);
    end_line(f, item);
}
