/* Blocks that carry what they should contain: a number in the first word, the size in the second,
 * and contents that follow from both. So a block changes hands as a bare pointer, and whoever frees
 * it finds out whether anybody else wrote to it, or was given it too.
 *
 * The first word is the number, the second the size hidden by number and address, so that a stray
 * write shows. Freeing breaks the seal: a block that two own fails for the second.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_SEALED_H
#define EDDY_TEST_COMMON_SEALED_H

#include <stdatomic.h>

#include "common/test.h"

/* Contents are dense at the beginning, then a word in each kernel page, then the last word. */
enum { SEAL_BYTES = 16, SEAL_DENSE = 1024, SEAL_STEP = 4096 };

static inline uint64_t seal_mask(const void *block, uint64_t number) {
    return pattern_word((uintptr_t)block, (unsigned)number);
}

static inline uint64_t sealed_number(const void *block) {
    uint64_t number;
    memcpy(&number, block, sizeof number);
    return number;
}

/* The size that the block was sealed with; anything when it is not intact. */
static inline size_t sealed_size(const void *block) {
    uint64_t masked;
    memcpy(&masked, (const char *)block + sizeof masked, sizeof masked);
    return masked ^ seal_mask(block, sealed_number(block));
}

static inline void seal_put_word(char *at, size_t offset, uint64_t number) {
    uint64_t word = pattern_word(offset, (unsigned)number);
    memcpy(at + offset, &word, sizeof word);
}

static inline bool seal_has_word(const char *at, size_t offset, uint64_t number) {
    uint64_t word = pattern_word(offset, (unsigned)number);
    return memcmp(at + offset, &word, sizeof word) == 0;
}

/* Make `block`, which has at least 16 usable bytes, a sealed one of `size`. */
static inline void *seal(void *block, size_t size) {
    static atomic_uint_fast64_t last_number;
    uint64_t number = atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1;
    uint64_t masked = size ^ seal_mask(block, number);
    char *at = block;
    memcpy(at, &number, sizeof number);
    memcpy(at + sizeof number, &masked, sizeof masked);
    if (size <= SEAL_BYTES) return block;
    size_t dense = size < SEAL_DENSE ? size : SEAL_DENSE;
    fill(at + SEAL_BYTES, dense - SEAL_BYTES, (unsigned)number);
    for (size_t i = SEAL_STEP; i + 16 <= size; i += SEAL_STEP) seal_put_word(at, i, number);
    if (size > SEAL_DENSE + 8) seal_put_word(at, size - 8, number);
    return block;
}

/* Whether the first `size` bytes behind the seal are those of a block with that number. */
static inline bool has_contents(const void *block, size_t size, uint64_t number) {
    const char *at = block;
    if (size <= SEAL_BYTES) return true;
    size_t dense = size < SEAL_DENSE ? size : SEAL_DENSE;
    if (!is_filled(at + SEAL_BYTES, dense - SEAL_BYTES, (unsigned)number)) return false;
    for (size_t i = SEAL_STEP; i + 16 <= size; i += SEAL_STEP) {
        if (!seal_has_word(at, i, number)) return false;
    }
    return true;
}

static inline bool is_sealed(const void *block) {
    size_t size = sealed_size(block);
    if (size > eddy_usable_size(block)) return false;
    uint64_t number = sealed_number(block);
    if (!has_contents(block, size, number)) return false;
    return size <= SEAL_DENSE + 8 || seal_has_word(block, size - 8, number);
}

/* Take the seal off, so that it holds for one owner only. */
static inline void unseal(void *block) {
    check(is_sealed(block));
    memset(block, 0, SEAL_BYTES);
}

static inline void *sealed_malloc(size_t size) {
    void *block = eddy_malloc(size);
    check(block != NULL);
    return seal(block, size);
}

static inline void sealed_free(void *block) {
    unseal(block);
    eddy_free(block);
}

/* The block in the slot, if any, is freed. */
static inline void sealed_drop(void **slot) {
    if (*slot != NULL) sealed_free(*slot);
    *slot = NULL;
}

#endif
