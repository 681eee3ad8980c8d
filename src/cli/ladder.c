#include "cli/ladder.h"

#include <string.h>

enum { COLUMN = 11, WIDTH = COLUMN * (LADDER_LINES - 1) + 4 };

const char *const ladder_names[LADDER_LINES] = {"operator", "device", "MEF", "MAF", "IN-CSE"};

static size_t at(enum ladder_line l)
{
    return 2 + (size_t)l * COLUMN;
}

/* One cell a character; drawn with single ASCII marks first, printed as box characters. */
static void print_cells(FILE *f, const char *cells)
{
    static const struct {
        char mark;
        const char *shape;
    } shapes[] = {{'|', "│"}, {'-', "─"}, {'>', "▶"}, {'<', "◀"}, {'o', "●"}, {'x', "✗"}};
    for (size_t i = 0; i < WIDTH; i++) {
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

static void lifelines(char cells[WIDTH])
{
    memset(cells, ' ', WIDTH);
    for (int l = 0; l < LADDER_LINES; l++) {
        cells[at((enum ladder_line)l)] = '|';
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

void ladder_text_head(FILE *f)
{
    for (int l = 0; l < LADDER_LINES; l++) {
        (void)fprintf(f, "%-*s", COLUMN, ladder_names[l]);
    }
    (void)fputc('\n', f);
}

static void arrow(char cells[WIDTH], const struct ladder_item *item)
{
    bool right = item->to > item->from;
    size_t a = right ? at(item->from) : at(item->to);
    size_t b = right ? at(item->to) : at(item->from);
    memset(cells + a + 1, '-', b - a - 1);
    cells[right ? b - 1 : a + 1] = item->refused ? 'x' : right ? '>' : '<';
}

void ladder_text_item(FILE *f, const struct ladder_item *item)
{
    char cells[WIDTH];
    lifelines(cells);
    if (item->shape == LADDER_TITLE) {
        print_cells(f, cells);
        (void)fputc('\n', f);
    } else if (item->shape == LADDER_ARROW) {
        arrow(cells, item);
    } else if (item->shape == LADDER_NOTE) {
        cells[at(item->from)] = item->refused ? 'x' : 'o';
    }
    print_cells(f, cells);
    end_line(f, item);
}
