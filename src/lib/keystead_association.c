/* The association procedure in the plain types of the installed header; its rows and checks are wire/establish.c. */
#include <keystead/association.h>

#include "base/ct.h"
#include "base/hex.h"
#include "keys/keys.h"
#include "lib/port.h"
#include "wire/establish.h"

#include <string.h>

#define SECONDS_LAST INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

_Static_assert((int)KEYSTEAD_BY_KEY == (int)ESTABLISH_KEY && (int)KEYSTEAD_BY_CERTIFICATE == (int)ESTABLISH_CERTIFICATE &&
                   (int)KEYSTEAD_BY_MAF == (int)ESTABLISH_MAF && (int)KEYSTEAD_BY_GBA == (int)ESTABLISH_GBA,
               "establish.h");
_Static_assert((int)KEYSTEAD_FOR_SESSION == (int)ESTABLISH_SESSION && (int)KEYSTEAD_FOR_DATA == (int)ESTABLISH_DATA &&
                   (int)KEYSTEAD_FOR_CONTRACT == (int)ESTABLISH_CONTRACT,
               "establish.h");
_Static_assert(sizeof(KEYSTEAD_LABEL_ASSOCIATION) == sizeof(KEYS_LABEL_ASSOCIATION), "keys.h");
_Static_assert(KEYSTEAD_ASSOCIATION_ID_LEN == 2 * KEYS_RELATIVE_LEN, "keys.h");

static keystead_refusal refusal_of(err_t e)
{
    static const struct {
        err_t err;
        keystead_refusal refusal;
    } map[] = {
        {ERR_OK, KEYSTEAD_GRANTED},
        {ERR_ENTITY_MISSING, KEYSTEAD_NO_ENTITY},
        {ERR_DENIED_CALLER, KEYSTEAD_NO_CALLER},
        {ERR_DENIED_MECHANISM, KEYSTEAD_NO_MECHANISM},
        {ERR_LIFETIME_KIND, KEYSTEAD_NO_LIFETIME},
        {ERR_DENIED_UNPROVISIONED, KEYSTEAD_NOT_PROVISIONED},
        {ERR_DENIED_PROVIDER, KEYSTEAD_NO_PROVIDER},
        {ERR_DENIED_SECRET, KEYSTEAD_NO_SECRET},
        {ERR_DENIED_PSK_WRONG, KEYSTEAD_UNMATCHED},
        {ERR_DENIED_EXPIRED, KEYSTEAD_EXPIRED},
        {ERR_PEER_UNREACHABLE, KEYSTEAD_NETWORK_DOWN},
    };
    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].err == e) {
            return map[i].refusal;
        }
    }
    return KEYSTEAD_WRONG_USE;
}

static bool is_time(int64_t seconds)
{
    return seconds >= 0 && seconds <= SECONDS_LAST;
}

static struct establish_input input_of(const keystead_association_input *in)
{
    return (struct establish_input){
        .self = text_of(in->self.id),
        .peer = text_of(in->peer.id),
        .local_cse = text_of(in->local_cse),
        .mechanism = (enum establish_mechanism)in->mechanism,
        .lifetime = (enum establish_lifetime)in->lifetime,
        .until = in->until * USEC_PER_SEC,
        .credential_end = in->credential_expires * USEC_PER_SEC,
        .is_provisioned = in->provisioned,
        .has_secret = in->self.secret != NULL,
        .has_certificate = in->has_certificate,
        .has_provider = in->maf_fqdn != NULL && in->maf_fqdn[0] != '\0',
        .has_network = in->network_up,
    };
}

/* R004-18: where both ends hold one key, it is one; with the other mechanisms only the handshake can tell. */
static bool is_unmatched(const keystead_association_input *in)
{
    return in->mechanism == KEYSTEAD_BY_KEY && in->self.secret != NULL && in->peer.secret != NULL &&
           !ct_eq(BYTES_ARRAY(in->self.secret->b), BYTES_ARRAY(in->peer.secret->b));
}

keystead_refusal keystead_association_check(const keystead_association_input *in, int64_t now)
{
    if (in == NULL || !is_time(now) || !is_time(in->credential_expires) || !is_time(in->until)) {
        return KEYSTEAD_WRONG_USE;
    }
    const char *what = "";
    const struct establish_input e = input_of(in);
    keystead_refusal r = refusal_of(establish_check(&e, now * USEC_PER_SEC, &what));
    return r == KEYSTEAD_GRANTED && is_unmatched(in) ? KEYSTEAD_UNMATCHED : r;
}

static err_t take(const keystead_handshake *done, keystead_association *out)
{
    struct keys_export x = {.set = true};
    struct key_association key = {0};
    struct keys_relative id = {{0}};
    memcpy(x.b, done->exported, sizeof(x.b));
    err_t e = keys_association_split(&x, &key, &id);
    if (e == ERR_OK) {
        struct writer w = WRITER_ARRAY(out->id);
        hex_write_lower(&w, BYTES_ARRAY(id.b)); /* R004-19 */
        e = writer_finish_z(&w);
        memcpy(out->key.b, secret_view(&key.s).p, sizeof(out->key.b)); /* R004-20 */
    }
    keys_export_wipe(&x);
    secret_wipe(&key.s);
    return e;
}

keystead_refusal keystead_association_made(const keystead_association_input *in, int64_t now, const keystead_handshake *done,
                                           keystead_association *out)
{
    if (out == NULL) {
        return KEYSTEAD_WRONG_USE;
    }
    ct_wipe(out, sizeof(*out));
    keystead_refusal r = done == NULL || done->exported == NULL ? KEYSTEAD_WRONG_USE : keystead_association_check(in, now);
    if (r != KEYSTEAD_GRANTED) {
        return r;
    }
    const struct establish_input e = input_of(in);
    if (take(done, out) != ERR_OK) {
        ct_wipe(out, sizeof(*out));
        return KEYSTEAD_WRONG_USE;
    }
    out->expires = establish_end(&e) / USEC_PER_SEC; /* R004-21 */
    out->lifetime = in->lifetime;
    out->mechanism = in->mechanism; /* R004-22 */
    out->suid = establish_row(e.mechanism)->suid;
    out->tls_version = done->tls_version;
    out->suite = done->suite;
    return KEYSTEAD_GRANTED;
}

bool keystead_association_is_alive(const keystead_association *a, int64_t now, bool session_open)
{
    bool ended = a == NULL || a->id[0] == '\0' || now >= a->expires;
    return !ended && (session_open || a->lifetime != KEYSTEAD_FOR_SESSION); /* R002-86 */
}

keystead_result keystead_association_application_key(const keystead_crypto *c, const keystead_key *long_term,
                                         keystead_mechanism mechanism, const char *ae_id, keystead_key *key)
{
    const struct establish_row *row = establish_row((enum establish_mechanism)mechanism);
    struct secret base = {.n = 0};
    struct key_application got = {0};
    bool usable = c != NULL && c->hmac_sha256 != NULL && long_term != NULL && ae_id != NULL && row != NULL &&
                  row->app_suid != 0;
    err_t e = key == NULL || !usable ? ERR_USAGE : secret_set(&base, BYTES_ARRAY(long_term->b));
    keystead_wipe(key, sizeof(*key)); /* may be long_term itself */
    e = e == ERR_OK && !establish_is_ae(text_of(ae_id)) ? ERR_MALFORMED_ID : e;
    if (e == ERR_OK) {
        const struct port port = port_of(c);
        const struct crypto crypto = {.port = &port.head};
        e = keys_application_derive(&crypto, &base, row->app_suid, text_of(ae_id), &got);
    }
    if (e == ERR_OK) {
        memcpy(key->b, secret_view(&got.s).p, sizeof(key->b));
    }
    secret_wipe(&base);
    secret_wipe(&got.s);
    return port_result(e);
}
