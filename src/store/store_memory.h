/* The memory driver: tests and the device. One process, no durability. */
#ifndef KEYSTEAD_STORE_STORE_MEMORY_H
#define KEYSTEAD_STORE_STORE_MEMORY_H
#include "store/store.h"
MUST_USE err_t store_memory_open(struct store **out);
#endif
