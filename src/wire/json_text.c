#include "wire/json_text.h"

size_t json_text_utf8(const uint8_t *p, size_t n)
{
    static const struct {
        uint8_t first_low, first_high, len, second_low, second_high;
    } forms[] = {
        {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
        {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
        {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (p[0] < forms[i].first_low || p[0] > forms[i].first_high) {
            continue;
        }
        size_t len = forms[i].len;
        bool ok = len <= n && (len < 2 || (p[1] >= forms[i].second_low && p[1] <= forms[i].second_high));
        for (size_t k = 2; ok && k < len; k++) {
            ok = (p[k] & 0xc0) == 0x80;
        }
        return ok ? len : 0;
    }
    return 0;
}

static void write_control(struct writer *w, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    const char escape[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    writer_bytes(w, BYTES_ARRAY(escape));
}

void json_text_write(struct writer *w, struct text t)
{
    const uint8_t *p = (const uint8_t *)t.p;
    writer_u8(w, '"');
    for (size_t i = 0; i < t.n;) {
        size_t len = json_text_utf8(p + i, t.n - i);
        if (len == 0) {
            writer_z(w, "\xef\xbf\xbd");
            i++;
            continue;
        }
        if (p[i] < 0x20 || p[i] == 0x7f) {
            write_control(w, p[i]);
        } else {
            if (p[i] == '"' || p[i] == '\\') {
                writer_u8(w, '\\');
            }
            writer_bytes(w, bytes_of(p + i, len));
        }
        i += len;
    }
    writer_u8(w, '"');
}
