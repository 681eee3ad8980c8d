/* Lines of `ctl subscriber import`: the first octet chooses CSV or JSON. What is added can be read, and no answer repeats a key. */
#include "fuzz.h"
#include "role/bsf/bsf_ctx.h"
#include "wire/json.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define BSF "bsf.example.com"

static size_t added(struct world_reply *r)
{
    const char *at = strstr(r->body, "\"added\":");
    unsigned long n = 0;
    MUST_HOLD(at != NULL && sscanf(at, "\"added\":%lu", &n) == 1);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    static struct world_reply r;
    static char args[32768], lines[4000];
    struct world_node *bsf;
    if (size < 1 || size > 4000) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) { /* what is not UTF-8 does not come through the control socket */
        lines[i - 1] = (data[i] & 0x7F) == 0 ? ' ' : (char)(data[i] & 0x7F);
    }
    memset(&w, 0, sizeof(w));
    world_init(&w, T0);
    bsf = world_add(&w, &role_bsf, BSF, "[bsf]\nfqdn = " BSF "\n");
    struct writer out = WRITER_ARRAY(args);
    writer_z(&out, "{\"line\":\"1\",\"head\":\"");
    writer_z(&out, (data[0] & 1) != 0 ? "imsi,k,opc,naf,lifetime,sqn\",\"key\":" : "\",\"key\":");
    json_write_string(&out, text_span(lines, size - 1));
    writer_z(&out, "}");
    if (writer_finish_z(&out) == ERR_OK && world_ctl(&w, bsf, "subscriber", "import", args, &r) == ERR_OK) {
        MUST_HOLD(world_count(bsf, TABLE_BSF_SUBSCRIBER) == added(&r));
        MUST_HOLD(strstr(r.body, "465b5ce8b199b49faa5f0a2ee238a6bc") == NULL); /* wherever in the list it stood */
    }
    world_free(&w);
    return 0;
}
