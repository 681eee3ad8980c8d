#include "wire/url.h"

static const struct {
    const char *scheme;
    uint16_t port;
} schemes[] = {{"http", 80}, {"https", 443}, {"coap", 5683}, {"coaps", 5684}};

static size_t scheme_end(struct text t)
{
    for (size_t i = 0; i + 2 < t.n; i++) {
        if (text_starts(text_skip(t, i), "://")) {
            return i;
        }
    }
    return t.n;
}

bool url_is_one(struct text t)
{
    return scheme_end(t) < t.n;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_host(struct text t, bool v6)
{
    for (size_t i = 0; i < t.n; i++) {
        char c = text_lower(t.p[i]);
        bool hex = is_digit(c) || (c >= 'a' && c <= 'f');
        bool name = is_digit(c) || (c >= 'a' && c <= 'z') || c == '-';
        if (c != '.' && !(v6 ? hex || c == ':' : name)) {
            return false;
        }
    }
    return t.n > 0 && t.n < 254 && t.p[0] != '.' && t.p[0] != '-';
}

static bool is_path(struct text t)
{
    static const char bad[] = "\"#<>\\^`{|}";
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] <= ' ' || t.p[i] > '~' || text_find(text_of(bad), t.p[i]) < sizeof(bad) - 1) {
            return false;
        }
    }
    return t.n == 0 || t.p[0] == '/' || t.p[0] == '?';
}

/* host | [v6] | with :port; what follows is the path. */
static err_t authority(struct text t, struct url *out)
{
    bool v6 = t.n > 0 && t.p[0] == '[';
    size_t end = v6 ? text_find(t, ']') : 0;
    struct text rest = t;
    if (v6 && end == t.n) {
        return ERR_CONTENTS;
    }
    if (v6) {
        out->host = text_take(text_skip(t, 1), end > 0 ? end - 1 : 0);
        rest = text_skip(t, end + 1);
    } else {
        while (end < t.n && t.p[end] != ':' && t.p[end] != '/' && t.p[end] != '?') {
            end++;
        }
        out->host = text_take(t, end);
        rest = text_skip(t, end);
    }
    if (text_starts(rest, ":")) {
        uint64_t port = 0;
        size_t n = 1;
        while (n < rest.n && is_digit(rest.p[n])) {
            n++;
        }
        if (text_u64(text_take(text_skip(rest, 1), n - 1), UINT16_MAX, &port) != ERR_OK || port == 0) {
            return ERR_CONTENTS;
        }
        out->port = (uint16_t)port;
        rest = text_skip(rest, n);
    }
    out->path = rest;
    return is_host(out->host, v6) && is_path(rest) ? ERR_OK : ERR_CONTENTS;
}

err_t url_parse(struct text t, struct url *out)
{
    size_t end = scheme_end(t);
    *out = (struct url){.scheme = text_take(t, end)};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (text_eq_nocase(out->scheme, text_of(schemes[i].scheme))) {
            out->port = schemes[i].port;
        }
    }
    return out->port != 0 && t.n < URL_MAX ? authority(text_skip(t, end + 3), out) : ERR_CONTENTS;
}
