#include "role/maf/rec_key.h"

#include <string.h>

enum { VERSION = 1 };

err_t rec_key_write(const struct rec_key *k, const struct rec_seal *kc, struct writer *w)
{
    writer_u8(w, VERSION);
    writer_text16(w, k->relative);
    writer_text16(w, k->parent);
    writer_text16(w, k->creator);
    writer_text16(w, k->aski.z);
    writer_text16(w, k->adfq);
    writer_u8(w, k->suid);
    rec_list_write(&k->tgis, w);
    rec_list_write(&k->lbl, w);
    writer_u64(w, (uint64_t)k->created);
    writer_u64(w, (uint64_t)k->not_after);
    return rec_seal_write(kc, w);
}

err_t rec_key_parse(struct bytes b, struct rec_key *out)
{
    memset(out, 0, sizeof(*out));
    struct reader r = reader_of(b);
    rec_version(&r, VERSION);
    reader_text16(&r, out->relative, sizeof(out->relative));
    reader_text16(&r, out->parent, sizeof(out->parent));
    reader_text16(&r, out->creator, sizeof(out->creator));
    reader_text16(&r, out->aski.z, sizeof(out->aski.z));
    reader_text16(&r, out->adfq, sizeof(out->adfq));
    out->suid = reader_u8(&r);
    rec_list_read(&r, &out->tgis);
    rec_list_read(&r, &out->lbl);
    out->created = rec_time(&r);
    out->not_after = rec_time(&r);
    out->sealed = reader_block16(&r);
    return rec_finish(&r);
}

err_t rec_key_get(struct txn *t, struct text folded, struct rec_key *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_MAF_KEY, folded, &b));
    return rec_key_parse(b, out);
}

err_t rec_key_open(const struct rec_key *k, const struct sealer *s, struct text folded, struct key_kc *kc)
{
    return seal_open(s, TABLE_MAF_KEY, folded, k->sealed, &kc->s);
}
