/* Blocks of random size, made and resized by random functions of the interface; all are sealed.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_RANDOM_BLOCK_H
#define EDDY_TEST_COMMON_RANDOM_BLOCK_H

#include "common/sealed.h"

static inline bool random_one_in(uint64_t *random, uint32_t n) {
    return random_below(random, n) == 0;
}

/* Up to `1 << bits` bytes, as often between 2^i and 2^(i+1) for each i. */
static inline size_t random_size_to(uint64_t *random, uint32_t bits) {
    return random_below(random, 1u << random_below(random, bits + 1)) + 1;
}

/* Mostly small, one in twenty of several slices, one in two hundred of megabytes. */
static inline size_t random_size(uint64_t *random) {
    uint32_t dice = random_below(random, 200);
    return random_size_to(random, dice == 0 ? 22 : dice < 10 ? 19 : dice < 40 ? 16 : 10);
}

/* Room for the seal is there in the smallest block, whatever size was asked for. */
static inline size_t sealable(size_t size) { return size < SEAL_BYTES ? SEAL_BYTES : size; }

static inline void *random_aligned(uint64_t *random, size_t size) {
    size_t alignment = (size_t)1 << random_below(random, random_one_in(random, 8) ? 19 : 13);
    size_t offset = random_one_in(random, 2) ? 0 : random_below(random, (uint32_t)size + 1);
    bool zero = random_one_in(random, 2);
    void *block = zero ? eddy_zalloc_aligned_at(size, alignment, offset)
                       : eddy_malloc_aligned_at(size, alignment, offset);
    check(block != NULL && is_aligned((char *)block + offset, alignment));
    check(!zero || is_zero(block, eddy_usable_size(block)));
    return block;
}

/* Never NULL: the tests that use it have memory. */
static inline void *random_block(uint64_t *random) {
    size_t size = random_size(random);
    void *block;
    switch (random_below(random, 8)) {
    case 0:
        block = eddy_zalloc(size);
        check(block != NULL && is_zero(block, eddy_usable_size(block)));
        break;
    case 1:
        block = eddy_calloc(size / 4 + 1, 4);
        check(block != NULL && is_zero(block, eddy_usable_size(block)));
        break;
    case 2:
        block = random_aligned(random, sealable(size));
        break;
    default:
        block = eddy_malloc(size);
        break;
    }
    check(block != NULL && eddy_usable_size(block) >= sealable(size));
    return seal(block, sealable(size));
}

/* The block after a resize of some kind that kept its contents. */
static inline void *random_resized(uint64_t *random, void *block) {
    check(is_sealed(block));
    size_t old_size = sealed_size(block);
    uint64_t number = sealed_number(block);
    size_t size = sealable(random_one_in(random, 4) ? old_size * 2 : random_size(random));
    void *resized;
    switch (random_below(random, 4)) {
    case 0:
        resized = eddy_realloc_aligned(block, size, 64);
        break;
    case 1:
        resized = eddy_expand(block, size) == NULL ? eddy_realloc(block, size) : block;
        break;
    default:
        resized = eddy_realloc(block, size);
        break;
    }
    check(resized != NULL && eddy_usable_size(resized) >= size);
    check(sealed_number(resized) == number);
    check(has_contents(resized, size < old_size ? size : old_size, number));
    return seal(resized, size);
}

#endif
