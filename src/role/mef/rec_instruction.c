#include "role/mef/rec_instruction.h"

enum { VERSION = 1 };

static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct rec_instruction, target.z)},
    {REC_TEXT, REC_AT(struct rec_instruction, enrolee_id.z)},
    {REC_TEXT, REC_AT(struct rec_instruction, adfq)},
    {REC_U8, REC_AT(struct rec_instruction, suids), .low = 1, .high = REC_INSTRUCTION_SUIDS},
    {REC_U8, REC_AT(struct rec_instruction, profile), .low = CREDENTIAL_R3, .high = CREDENTIAL_SEED},
    {REC_TIME, REC_AT(struct rec_instruction, added)},
    {REC_TIME, REC_AT(struct rec_instruction, not_after)},
};
static const struct rec_layout layout = REC_LAYOUT(struct rec_instruction, fields, VERSION, VERSION);

err_t rec_instruction_write(const struct rec_instruction *i, struct writer *w)
{
    return rec_write(&layout, VERSION, i, NULL, w);
}

err_t rec_instruction_parse(struct bytes b, struct rec_instruction *out)
{
    return rec_parse(&layout, b, out);
}

err_t rec_instruction_id(struct text credential, struct text target, char out[static REC_INSTRUCTION_ID_MAX])
{
    struct writer w = writer_of(out, REC_INSTRUCTION_ID_MAX);
    writer_text(&w, credential);
    writer_u8(&w, '/'); /* as in rec_ke_of_id(): no credential's prefix is the prefix of another's */
    writer_text(&w, target);
    return writer_finish_z(&w);
}

uint8_t rec_instruction_fitting(const struct m2mid *target)
{
    bool maf = m2mid_kind(text_of(target->z)) == M2MID_FQDN;
    unsigned for_maf = REC_INSTRUCTION_SUID(REC_INSTRUCTION_SUID_FIRST);
    return (uint8_t)(maf ? for_maf : REC_INSTRUCTION_SUIDS & ~for_maf);
}

bool rec_instruction_has(const struct rec_instruction *i, unsigned suid)
{
    return suid >= REC_INSTRUCTION_SUID_FIRST && suid <= REC_INSTRUCTION_SUID_LAST &&
           (i->suids & REC_INSTRUCTION_SUID(suid)) != 0;
}
