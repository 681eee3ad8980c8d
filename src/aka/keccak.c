#include "aka/keccak.h"

#include "base/ct.h"

#define ROUNDS 24
#define LANES 25

static const uint64_t round_constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* Rho and pi as one walk over the lanes, beginning at lane 1: where the lane goes, and by how much it turns. */
static const struct {
    uint8_t lane, turn;
} walk[LANES - 1] = {
    {10, 1},  {7, 3},   {11, 6},  {17, 10}, {18, 15}, {3, 21},  {5, 28},  {16, 36},
    {8, 45},  {21, 55}, {24, 2},  {4, 14},  {15, 27}, {23, 41}, {19, 56}, {13, 8},
    {12, 25}, {2, 43},  {20, 62}, {14, 18}, {22, 39}, {9, 61},  {6, 20},  {1, 44},
};

static uint64_t turn_left(uint64_t v, unsigned n)
{
    return v << n | v >> (64U - n);
}

static void theta(uint64_t a[LANES])
{
    uint64_t column[5];
    for (size_t x = 0; x < 5; x++) {
        column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    }
    for (size_t x = 0; x < 5; x++) {
        const uint64_t d = column[(x + 4) % 5] ^ turn_left(column[(x + 1) % 5], 1);
        for (size_t y = 0; y < LANES; y += 5) {
            a[x + y] ^= d;
        }
    }
    ct_wipe(column, sizeof(column));
}

static void rho_pi(uint64_t a[LANES])
{
    uint64_t carried = a[1];
    for (size_t i = 0; i < LANES - 1; i++) {
        const uint64_t next = a[walk[i].lane];
        a[walk[i].lane] = turn_left(carried, walk[i].turn);
        carried = next;
    }
}

static void chi(uint64_t a[LANES])
{
    for (size_t y = 0; y < LANES; y += 5) {
        const uint64_t row[5] = {a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4]};
        for (size_t x = 0; x < 5; x++) {
            a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
        }
    }
}

static uint64_t lane_of(const uint8_t *p)
{
    uint64_t v = 0;
    for (size_t i = 8; i > 0; i--) {
        v = v << 8 | p[i - 1];
    }
    return v;
}

static void lane_to(uint64_t v, uint8_t *p)
{
    for (size_t i = 0; i < 8; i++, v >>= 8) {
        p[i] = (uint8_t)(v & 255U);
    }
}

void keccak_f1600(uint8_t state[KECCAK_LEN])
{
    uint64_t a[LANES];
    for (size_t i = 0; i < LANES; i++) {
        a[i] = lane_of(state + 8 * i);
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        theta(a);
        rho_pi(a);
        chi(a);
        a[0] ^= round_constants[round]; /* iota */
    }
    for (size_t i = 0; i < LANES; i++) {
        lane_to(a[i], state + 8 * i);
    }
    ct_wipe(a, sizeof(a));
}
