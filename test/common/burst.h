/* Pages filled to the last block with patterns, freed block by block, and handed out again: that
 * each block of a page comes exactly once, and is what was left there.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_BURST_H
#define EDDY_TEST_COMMON_BURST_H

#include "common/inside.h"

enum { PAGES_MOST = 16, PAGE_BLOCKS_MOST = SLICE_BYTES / BLOCK_ALIGN };

/* Sizes of blocks: many and few to the page, in pages of one slice and of several. */
static const size_t burst_sizes[] = {16, 64, 1000, 8 * KIB, 40000};

/* Pages in the order in which they were filled, and their blocks: NULL when freed. */
typedef struct burst {
    size_t size, limit, pages, slices;
    page_t *page[PAGES_MOST];
    void *block[PAGES_MOST][PAGE_BLOCKS_MOST];
} burst_t;

static inline unsigned burst_seed(const void *block) {
    return (unsigned)((uintptr_t)block / BLOCK_ALIGN);
}

static inline void burst_allocate(burst_t *burst, size_t page, size_t index) {
    void *block = must(eddy_malloc(burst->size));
    if (index == 0) burst->page[page] = page_of(block);
    assert_ptr_equal(page_of(block), burst->page[page]);
    fill(block, burst->size, burst_seed(block));
    burst->block[page][index] = block;
}

/* Fill `pages` pages, where the running thread has none of the class: the last one stays current,
 * the others are full. */
static inline void burst_fill(burst_t *burst, size_t size, size_t pages) {
    assert_true(pages <= PAGES_MOST);
    unsigned size_class = class_of(size);
    assert_ptr_equal(own_heap()->current[size_class], &page_empty);
    burst->size = size;
    burst->pages = pages;
    burst->slices = class_slices(size_class);
    burst->limit = burst->slices * SLICE_BYTES / class_bytes(size_class);
    for (size_t i = 0; i < pages; i++) {
        for (size_t j = 0; j < burst->limit; j++) burst_allocate(burst, i, j);
    }
    for (size_t i = 0; i < pages; i++) {
        assert_int_equal(burst->page[i]->state, i + 1 < pages ? PAGE_FULL : PAGE_CURRENT);
    }
}

/* Free a block whose contents are intact; for any thread. */
static inline void burst_free(burst_t *burst, size_t page, size_t index) {
    void *block = burst->block[page][index];
    if (block == NULL) return;
    check(is_filled(block, burst->size, burst_seed(block)));
    burst->block[page][index] = NULL;
    eddy_free(block);
}

static inline void burst_free_page(burst_t *burst, size_t page) {
    for (size_t j = 0; j < burst->limit; j++) burst_free(burst, page, j);
}

static inline void burst_free_all(burst_t *burst) {
    for (size_t i = 0; i < burst->pages; i++) burst_free_page(burst, i);
}

/* A full page gets so many free blocks that it is listed as partial. */
static inline void burst_open(burst_t *burst, size_t page) {
    size_t frees = page_wake((uint32_t)burst->limit);
    for (size_t i = 0; i < frees; i++) {
        assert_int_equal(burst->page[page]->state, PAGE_FULL);
        burst_free(burst, page, i);
    }
    assert_int_equal(burst->page[page]->state, PAGE_PARTIAL);
}

/* Allocate a block, which must be one of those that lack; the number of its page. */
static inline size_t burst_take(burst_t *burst) {
    void *block = must(eddy_malloc(burst->size));
    size_t page = 0;
    while (page < burst->pages && burst->page[page] != page_of(block)) page++;
    assert_true(page < burst->pages);
    size_t offset = (size_t)((char *)block - slice_address(burst->page[page]));
    size_t index = offset / burst->page[page]->block_bytes;
    assert_int_equal(offset % burst->page[page]->block_bytes, 0);
    assert_null(burst->block[page][index]);
    fill(block, burst->size, burst_seed(block));
    burst->block[page][index] = block;
    return page;
}

/* Allocate all blocks that lack: each comes once. The burst is what it was. */
static inline void burst_refill(burst_t *burst) {
    size_t lacking = 0;
    for (size_t i = 0; i < burst->pages; i++) {
        for (size_t j = 0; j < burst->limit; j++) lacking += burst->block[i][j] == NULL;
    }
    for (; lacking > 0; lacking--) burst_take(burst);
}

/* The page is none of the burst any more. */
static inline void burst_forget(burst_t *burst, size_t page) {
    size_t last = --burst->pages;
    burst->page[page] = burst->page[last];
    memcpy(burst->block[page], burst->block[last], sizeof burst->block[page]);
}

#endif
