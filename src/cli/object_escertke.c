/* ESCertKE over standard input and output: a line is one securityInfo of type 6; what carries lines carries the rest. */
#include "base/hex.h"
#include "cli/object_esprim.h"
#include "cli/object_file.h"
#include "shell/clock.h"
#include "shell/escertke.h"
#include "shell/secret_file.h"
#include "wire/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_opt object_escertke_opts[] = {
    {"--initiator", CLI_OPT_FLAG, "this end starts"},
    {"--cert", CLI_OPT_REQUIRED, "PEM certificate of this end, with its chain"},
    {"--cert-key", CLI_OPT_REQUIRED, "PEM private key of it"},
    {"--trust", 0, "PEM trust anchors for the peer's certificate; not for a raw key"},
    {"--crl", 0, "PEM revocation lists, separated by commas"},
    {"--flavour", CLI_OPT_REQUIRED, "of the peer's certificate: device, cse-id, ae-id, node-id, fqdn or raw"},
    {"--peer", CLI_OPT_REQUIRED, "identity of the peer, exactly as its certificate must name it"},
    {"--lifetime", 0, "of the key (1d); never beyond the peer's certificate"},
    {"--out", CLI_OPT_REQUIRED, "key file to make; never overwritten"},
};
enum { LINE = 2 * ESCERTKE_MESSAGE_MAX };

struct talk {
    struct escertke *e;
    char line[LINE];
    uint8_t octets[ESCERTKE_MESSAGE_MAX];
    char detail[ROLE_DETAIL_MAX];
};

static void talk_free(struct talk **t)
{
    if (*t != NULL) {
        escertke_free((*t)->e);
        free(*t);
    }
}

static err_t put_message(struct talk *t, const struct writer *message)
{
    struct writer line = WRITER_ARRAY(t->line);
    if (message->n == 0) {
        return ERR_OK;
    }
    TRY(esprim_seci_write(ESPRIM_SECI_ESCERTKE, writer_view(message), &line));
    TRY(writer_finish_z(&line));
    return printf("%s\n", t->line) > 0 && fflush(stdout) == 0 ? ERR_OK : ERR_IO;
}

static err_t take_message(struct talk *t, struct writer *out)
{
    unsigned type = 0;
    if (fgets(t->line, sizeof(t->line), stdin) == NULL) {
        return ERR_PEER_UNREACHABLE; /* the peer is gone */
    }
    TRY(esprim_seci_parse(text_bytes(text_of(t->line)), &type, out));
    return type == ESPRIM_SECI_ESCERTKE ? ERR_OK : ERR_OBJECT_MALFORMED;
}

/* An alert goes out too, so that the peer does not wait. */
static err_t talk(struct talk *t, bool initiator)
{
    static uint8_t answer[ESCERTKE_MESSAGE_MAX];
    struct writer out = WRITER_ARRAY(answer);
    err_t e = initiator ? escertke_start(t->e, &out) : ERR_OK;
    while (e == ERR_OK && !escertke_is_done(t->e)) {
        struct writer in = WRITER_ARRAY(t->octets);
        TRY(put_message(t, &out));
        TRY(take_message(t, &in));
        out = WRITER_ARRAY(answer);
        e = escertke_recv(t->e, writer_view(&in), &out);
    }
    err_t sent = put_message(t, &out);
    return e != ERR_OK ? e : sent;
}

static err_t establish(const struct cli_args *a, struct talk *t, struct esprim_key *key)
{
    struct escertke_config cfg = {.cert_file = cli_arg(a, "--cert"), .key_file = cli_arg(a, "--cert-key"),
                                  .trust_file = cli_arg(a, "--trust"), .crl_files = cli_arg(a, "--crl"),
                                  .peer = cli_arg(a, "--peer"), .lifetime = INT64_C(86400) * USEC_PER_SEC};
    (void)snprintf(t->detail, sizeof(t->detail), "--flavour");
    TRY(cert_id_of_name(text_of(cli_arg(a, "--flavour")), &cfg.flavour));
    (void)snprintf(t->detail, sizeof(t->detail), "--lifetime");
    if (cli_arg(a, "--lifetime") != NULL) {
        TRY(timestamp_duration(text_of(cli_arg(a, "--lifetime")), &cfg.lifetime));
    }
    t->detail[0] = '\0';
    TRY(escertke_new(&cfg, cli_arg(a, "--initiator") != NULL, &t->e, t->detail));
    TRY(talk(t, cli_arg(a, "--initiator") != NULL));
    TRY(escertke_key(t->e, clock_now(), key));
    return secret_file_write(cli_arg(a, "--out"), &key->k.s);
}

int object_escertke(const struct cli_args *a)
{
    SCOPED(talk_free) struct talk *t = calloc(1, sizeof(*t));
    SCOPED(esprim_box_key_wipe) struct esprim_key key = {0};
    char until[TIMESTAMP_LEN + 1];
    struct writer w = WRITER_ARRAY(until);
    if (t == NULL) {
        return cli_fail(a, ERR_LIMIT_CAPACITY, NULL);
    }
    err_t e = establish(a, t, &key);
    if (e != ERR_OK) {
        return cli_fail(a, e, t->detail);
    }
    timestamp_write(&w, key.not_after);
    cli_out_begin(a);
    cli_out(a, "key_id", text_of(key.id));
    cli_out(a, "not_after", writer_view_text(&w));
    cli_out_end(a);
    return CLI_DONE;
}
