/* SPDX-License-Identifier: MIT */
#include "heap/check.h"

#include "config/ablate.h"
#include "memory/span.h"

/* The first extension links what fits a kernel page, each further one twice as much up to this:
 * a page of which little is used touches little memory. So does a class that grows slowly: one that
 * comes later than so many slow entries after the one before is as short as the first
 * (docs/evidence.md, "Extension"). */
enum { EXTEND_FIRST_BYTES = 4 << 10, EXTEND_MOST_BYTES = 16 << 10, EXTEND_SOON_ENTRIES = 16 };

void page_remake(page_t *page, struct heap *heap, unsigned size_class) {
    page->free = NULL;
    page->used = 0;
    page->capacity = 0;
    page->size_class = (uint8_t)size_class;
    page->block_bytes = class_bytes(size_class);
    page->block_limit = (uint32_t)(span_bytes(page) / page->block_bytes);
    page->is_zero = false;
    page->looked_at = 0;
    page->empty_since = 0;
    page->state = PAGE_RETAINED;
    store_relaxed(&page->has_interior, false);
    store_relaxed(&page->owner, NULL);
    store_relaxed(&page->thread_free, 0);
    /* Release pairs with the acquire in late_counted: who sees the heap sees the state. */
    store_release(&page->heap, heap);
}

void page_make(page_t *page, struct heap *heap, unsigned size_class, bool is_zero) {
    size_t slices = span_slices(page);
    page_remake(page, heap, size_class);
    page->is_zero = is_zero;
    for (size_t i = 1; i < slices; i++) {
        store_relaxed(&page[i].owner, NULL);
        span_set(&page[i], SPAN_INNER, i);
    }
    span_set(page, SPAN_PAGE, slices);
}

/* The slices that linked blocks lie in, or two blocks will. */
static size_t needed_slices(const page_t *page) {
    size_t blocks = size_max(page->capacity, 2);
    return divide_up(blocks * page->block_bytes, SLICE_BYTES);
}

/* In this order: in the child of a fork each block of a page lies in a slice of it, and what was
 * cut off belongs to nobody. */
page_t *page_shorten(page_t *page) {
    size_t slices = span_slices(page), kept = needed_slices(page);
    if (kept >= slices) return NULL;
    page->block_limit = (uint32_t)((kept << SLICE_SHIFT) / page->block_bytes);
    atomic_signal_fence(memory_order_seq_cst);
    page_t *rest = span_cut(page, kept);
    for (size_t i = slices - kept; --i > 0;) span_set(&rest[i], SPAN_NONE, 0);
    rest->is_zero = page->is_zero;
    return rest;
}

void page_free_rest(page_t *rest) {
    if (rest->is_zero) {
        span_free_clean(rest);
    } else {
        span_free(rest);
    }
}

void page_free(page_t *page) {
    /* What was never touched holds no memory. */
    page_t *rest = page->is_zero && !ablated(ABLATE_SHORTEN) ? page_shorten(page) : NULL;
    if (rest != NULL) page_free_rest(rest);
    for (size_t i = span_slices(page); --i > 0;) span_set(&page[i], SPAN_NONE, 0);
    span_free(page);
}

static always_inline char *link_one(char *at, size_t bytes) {
    block_t *block = (block_t *)(void *)at;
    block->next = (block_t *)(void *)(at + bytes);
    check_set_mark(block);
    return at + bytes;
}

/* Link `count` blocks from number `from` on in address order; the first. Four at a time, which
 * halves the instructions. */
static always_inline block_t *link_blocks(page_t *page, size_t from, size_t count) {
    size_t bytes = page->block_bytes;
    char *first = slice_address(page) + from * bytes;
    char *last = first + (count - 1) * bytes;
    char *at = first;
    while ((size_t)(last - at) >= 4 * bytes) {
        at = link_one(at, bytes);
        at = link_one(at, bytes);
        at = link_one(at, bytes);
        at = link_one(at, bytes);
    }
    while (at != last) at = link_one(at, bytes);
    ((block_t *)(void *)last)->next = NULL;
    check_set_mark((block_t *)(void *)last);
    return (block_t *)(void *)first;
}

/* How much to link. */
static size_t extension_bytes(page_t *page, uint32_t entry) {
    size_t bytes = page_linked_bytes(page);
    bool soon = entry - page->extended_at <= EXTEND_SOON_ENTRIES || ablated(ABLATE_SOON);
    page->extended_at = entry;
    if (!soon || bytes < EXTEND_FIRST_BYTES) return EXTEND_FIRST_BYTES;
    return size_min(bytes, EXTEND_MOST_BYTES);
}

void page_extend(page_t *page, uint32_t entry) {
    assert_debug(page->free == NULL && page->capacity < page->block_limit);
    uint32_t left = page->block_limit - page->capacity;
    size_t bytes = extension_bytes(page, entry);
    size_t count = size_min(size_max(bytes / page->block_bytes, 1), left);
    if (ablated(ABLATE_GROW)) count = left;
    block_t *first = link_blocks(page, page->capacity, count);
    /* In this order: in the child of a fork the blocks may be lost, but not linked again. */
    page->capacity += (uint32_t)count;
    atomic_signal_fence(memory_order_seq_cst);
    page->free = first;
}

void page_straighten(page_t *page) {
    assert_debug(page->capacity > 0);
    page->free = link_blocks(page, 0, page->capacity);
}

void page_collect(page_t *page) {
    assert_debug(page->free == NULL && page_has_pending(page));
    /* Acquire pairs with the release in page_give: the links are seen. */
    uint64_t pending = exchange_acquire(&page->thread_free, 0);
    assert_debug((pending & PENDING_FULL) == 0);
    page->free = pending_first(pending);
    page->used -= pending_count(pending);
    page->empty_since = 0;
}

__attribute__((no_sanitize("thread"))) page_view_t page_peek(const page_t *page) {
    const volatile page_t *racing = page;
    return (page_view_t){racing->used, racing->capacity, racing->block_limit,
                         (page_state_t)racing->state, racing->block_bytes};
}

bool page_may_hold(const page_t *page, const void *pointer) {
    page_view_t view = page_peek(page);
    size_t offset = (size_t)((const char *)pointer - slice_address(page));
    return offset % view.block_bytes == 0 && offset / view.block_bytes < view.capacity &&
           view.state != PAGE_RETAINED;
}

block_t *page_find(page_t *page, const void *pointer) {
    const void *block = load_relaxed(&page->has_interior) ? page_block(page, pointer) : pointer;
    return page_may_hold(page, block) ? (block_t *)(uintptr_t)block : NULL;
}

void page_distrust(page_t *page) {
    page->free = NULL;
    page->used = page->capacity + page_current_bias();
}

void page_verify(const page_t *page) {
    size_t length = 0;
    for (const block_t *block = page->free; block != NULL; block = block->next) {
        size_t offset = (size_t)((const char *)block - slice_address(page));
        assert_always(offset % page->block_bytes == 0);
        assert_always(offset / page->block_bytes < page->capacity);
        assert_always(++length <= page->capacity);
    }
    if (page->state == PAGE_RETAINED && page->free == NULL) length = page->capacity;
    uint32_t in_use = page_in_use(page->state, page->used, page->block_limit);
    assert_always(in_use + length == page->capacity);
    assert_always(page->capacity <= page->block_limit);
}
