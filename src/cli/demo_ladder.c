#include "cli/demo_ladder.h"

#include <stdio.h>
#include <string.h>

enum { COLUMN = 11, WIDTH = COLUMN * (DEMO_LINES - 1) + 4 };

static const char *const names[DEMO_LINES] = {"operator", "device", "MEF", "MAF", "IN-CSE"};

static size_t at(enum demo_ladder_line l)
{
    return 2 + (size_t)l * COLUMN;
}

/* One cell a character; drawn with single ASCII marks first, printed as box characters. */
static void print_cells(const char *cells)
{
    static const struct {
        char mark;
        const char *shape;
    } shapes[] = {{'|', "│"}, {'-', "─"}, {'>', "▶"}, {'<', "◀"}, {'o', "●"}, {'x', "✗"}};
    for (size_t i = 0; i < WIDTH; i++) {
        const char *shape = NULL;
        for (size_t k = 0; k < sizeof(shapes) / sizeof(shapes[0]); k++) {
            shape = shapes[k].mark == cells[i] ? shapes[k].shape : shape;
        }
        if (shape != NULL) {
            (void)fputs(shape, stdout);
        } else {
            (void)putchar(cells[i]);
        }
    }
}

static void lifelines(char cells[WIDTH])
{
    memset(cells, ' ', WIDTH);
    for (int l = 0; l < DEMO_LINES; l++) {
        cells[at((enum demo_ladder_line)l)] = '|';
    }
}

static void end_line(const char *text, const char *clause)
{
    (void)printf("  %s%s%s%s\n", text, clause[0] == '\0' ? "" : "  [", clause, clause[0] == '\0' ? "" : "]");
    (void)fflush(stdout);
}

void demo_ladder_head(void)
{
    for (int l = 0; l < DEMO_LINES; l++) {
        (void)printf("%-*s", COLUMN, names[l]);
    }
    (void)putchar('\n');
}

void demo_ladder_title(const char *title)
{
    char cells[WIDTH];
    lifelines(cells);
    print_cells(cells);
    (void)putchar('\n');
    print_cells(cells);
    end_line(title, "");
}

void demo_ladder_arrow(enum demo_ladder_line from, enum demo_ladder_line to, bool refused, const char *text,
                       const char *clause)
{
    char cells[WIDTH];
    bool right = to > from;
    size_t a = right ? at(from) : at(to);
    size_t b = right ? at(to) : at(from);
    lifelines(cells);
    memset(cells + a + 1, '-', b - a - 1);
    cells[right ? b - 1 : a + 1] = refused ? 'x' : right ? '>' : '<';
    print_cells(cells);
    end_line(text, clause);
}

void demo_ladder_note(enum demo_ladder_line l, const char *text, const char *clause)
{
    char cells[WIDTH];
    lifelines(cells);
    cells[at(l)] = 'o';
    print_cells(cells);
    end_line(text, clause);
}
