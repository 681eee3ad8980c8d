#include "cli/ladder_svg.h"

#include <string.h>

enum {
    LEFT = 50,
    COLUMN = 110,
    TOP = 56,
    ROW = 24,
    GAP = 60, /* between the last lifeline and the texts */
    TEXT_MAX = 150, /* octets shown; all of them stand in the title that a reader shows on pointing */
    TEXT_WIDTH = 7 * TEXT_MAX + 200, /* with the clause */
    HEAD = 9, /* length of an arrow's head */
};

static int x_of(const struct ladder_columns *c, enum ladder_line l)
{
    return LEFT + (int)ladder_columns_left(c, l) * COLUMN;
}

static int text_x(const struct ladder_columns *c)
{
    return x_of(c, LADDER_LINES) - COLUMN + GAP;
}

static int y_of(size_t row)
{
    return TOP + (int)row * ROW + ROW / 2;
}

static void put(FILE *f, const char *z, size_t max)
{
    static const struct {
        char c;
        const char *entity;
    } rows[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (size_t n = 0; z[n] != '\0' && n < max; n++) {
        const char *entity = NULL;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            entity = rows[i].c == z[n] ? rows[i].entity : entity;
        }
        if (entity != NULL) {
            (void)fputs(entity, f);
        } else {
            ladder_put_octet(f, z[n]);
        }
    }
}

static void label(FILE *f, int x, int y, const struct ladder_item *item)
{
    bool longer = strlen(item->text) > TEXT_MAX;
    (void)fprintf(f, "<text x=\"%d\" y=\"%d\"%s>", x + (item->shape == LADDER_REMARK ? 16 : 0), y + 4,
                  item->shape == LADDER_TITLE ? " class=\"t\"" : item->refused ? " class=\"r\"" : "");
    if (longer) {
        (void)fputs("<title>", f);
        put(f, item->text, SIZE_MAX);
        (void)fputs("</title>", f);
    }
    put(f, item->text, TEXT_MAX);
    (void)fputs(longer ? "..." : "", f);
    if (item->clause[0] != '\0') {
        (void)fputs("<tspan class=\"c\" dx=\"10\">[", f);
        put(f, item->clause, TEXT_MAX);
        (void)fputs("]</tspan>", f);
    }
    (void)fputs("</text>\n", f);
}

static void cross(FILE *f, int x, int y)
{
    (void)fprintf(f, "<path class=\"x\" d=\"M%d %dl10 10m0 -10l-10 10\"/>\n", x - 5, y - 5);
}

static void arrow(FILE *f, const struct ladder_columns *c, int y, const struct ladder_item *item)
{
    int from = x_of(c, item->from);
    int to = x_of(c, item->to);
    int back = to > from ? -HEAD : HEAD;
    (void)fprintf(f, "<path class=\"%s\" d=\"M%d %dH%d\"/>\n", item->refused ? "x" : "a", from, y, to + back);
    if (item->refused) {
        cross(f, to + back, y);
    } else {
        (void)fprintf(f, "<path class=\"h\" d=\"M%d %dl%d -4v8z\"/>\n", to, y, back);
    }
}

void ladder_svg_head(FILE *f, const struct ladder_columns *c, size_t items)
{
    int width = text_x(c) + TEXT_WIDTH;
    int bottom = y_of(items) + ROW / 2;
    (void)fprintf(f,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n"
                  "<title>What happened, step by step</title>\n"
                  "<style>text{font:12px sans-serif;fill:#222}.n{font-weight:bold;text-anchor:middle}.t{font-weight:bold}"
                  ".r{fill:#b00020}.c{fill:#5a6470}.l{stroke:#b8c0c8}.a{stroke:#222}.h{fill:#222}"
                  ".x{stroke:#b00020;stroke-width:2;fill:none}</style>\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                  width, bottom + ROW, width, bottom + ROW);
    for (size_t l = 0; l < LADDER_LINES; l++) {
        int x = x_of(c, (enum ladder_line)l);
        if (c->shown[l]) {
            (void)fprintf(f, "<text class=\"n\" x=\"%d\" y=\"30\">%s</text>\n<path class=\"l\" d=\"M%d 40V%d\"/>\n", x,
                          ladder_participants[l].name, x, bottom);
        }
    }
}

void ladder_svg_item(FILE *f, const struct ladder_columns *c, size_t row, const struct ladder_item *item)
{
    int y = y_of(row);
    if (item->shape == LADDER_ARROW) {
        arrow(f, c, y, item);
    } else if (item->shape == LADDER_NOTE && item->refused) {
        cross(f, x_of(c, item->from), y);
    } else if (item->shape == LADDER_NOTE) {
        (void)fprintf(f, "<circle cx=\"%d\" cy=\"%d\" r=\"4\" class=\"h\"/>\n", x_of(c, item->from), y);
    }
    label(f, text_x(c), y, item);
}

void ladder_svg_end(FILE *f)
{
    (void)fputs("</svg>\n", f);
}
