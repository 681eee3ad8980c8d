#include "keys/gba_id.h"

#define MCC_DIGITS 3
#define HOME ".3gppnetwork.org"

static bool is_user_char(char c)
{
    return c > 0x20 && c < 0x7F && c != '"' && c != '\\' && c != ':' && c != '@';
}

bool impi_is(struct text t)
{
    size_t at = text_find(t, '@');
    if (at == 0 || at == t.n || t.n >= IMPI_MAX) {
        return false;
    }
    for (size_t i = 0; i < at; i++) {
        if (!is_user_char(t.p[i])) {
            return false;
        }
    }
    return keyid_is_fqdn(text_skip(t, at + 1));
}

static bool is_digits(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9') {
            return false;
        }
    }
    return true;
}

bool impi_is_imsi(struct text t)
{
    return t.n >= 6 && t.n <= 15 && is_digits(t);
}

struct text impi_imsi(struct text impi)
{
    struct text user = text_take(impi, text_find(impi, '@'));
    return impi_is(impi) && impi_is_imsi(user) ? user : text_empty();
}

void impi_fold(struct impi *i)
{
    size_t n = text_of(i->z).n;
    for (size_t at = text_find(text_of(i->z), '@'); at < n; at++) {
        i->z[at] = text_lower(i->z[at]);
    }
}

err_t impi_of_imsi(struct text imsi, size_t mnc_digits, struct impi *out)
{
    out->z[0] = '\0';
    if (!impi_is_imsi(imsi) || mnc_digits < 2 || mnc_digits > 3) {
        return ERR_MALFORMED_ID;
    }
    struct writer w = WRITER_ARRAY(out->z);
    writer_text(&w, imsi);
    writer_z(&w, mnc_digits == 2 ? "@ims.mnc0" : "@ims.mnc");
    writer_text(&w, text_take(text_skip(imsi, MCC_DIGITS), mnc_digits));
    writer_z(&w, ".mcc");
    writer_text(&w, text_take(imsi, MCC_DIGITS));
    writer_z(&w, HOME);
    return writer_finish_z(&w);
}

err_t impi_other_mnc(struct text impi, struct impi *out)
{
    struct text imsi = impi_imsi(impi);
    for (size_t digits = 2; digits <= 3; digits++) {
        struct impi own;
        if (impi_of_imsi(imsi, digits, &own) == ERR_OK && text_eq_nocase(impi, text_of(own.z))) {
            return impi_of_imsi(imsi, 5 - digits, out);
        }
    }
    out->z[0] = '\0';
    return ERR_NOT_FOUND;
}

/* ims.X.3gppnetwork.org -> bsf.X.pub.3gppnetwork.org; any other domain D -> bsf.D */
err_t impi_bsf(struct text impi, char *out, size_t cap)
{
    if (!impi_is(impi)) {
        return ERR_MALFORMED_ID;
    }
    struct writer w = writer_of(out, cap);
    struct text domain = text_skip(impi, text_find(impi, '@') + 1);
    const size_t home_n = sizeof(HOME) - 1;
    writer_z(&w, "bsf.");
    if (domain.n > home_n && text_eq_z(text_skip(domain, domain.n - home_n), HOME)) {
        domain = text_take(domain, domain.n - home_n);
        writer_text(&w, text_starts(domain, "ims.") ? text_skip(domain, 4) : domain);
        writer_z(&w, ".pub" HOME);
    } else {
        writer_text(&w, domain);
    }
    return writer_finish_z(&w);
}
