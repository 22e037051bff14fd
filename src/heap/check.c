/* SPDX-License-Identifier: MIT */
#include "heap/check.h"

#include "heap/mistake.h"

/* Few atomic loads: each is a place where tests switch threads, or fork. */

static bool is_marked(block_t *block) { return *check_mark(block) == check_mark_of(block); }

bool check_live(page_t *page, const void *pointer) {
    block_t *block = page_find(page, pointer);
    return block != NULL && !is_marked(block);
}

/* The page that the slice belongs to; NULL when it belongs to none in use. */
static page_t *page_of(page_t *descriptor) {
    /* The first slice of a page without interior pointers. */
    if (load_relaxed(&descriptor->owner) != NULL) return descriptor;
    page_t *page = span_head(descriptor);
    bool in_use = page != NULL && span_kind(page) == SPAN_PAGE && load_relaxed(&page->heap) != NULL;
    return in_use ? page : NULL;
}

bool check_freed(page_t *descriptor, const void *pointer, const char *call) {
    page_t *page = page_of(descriptor);
    if (page == NULL) return true;
    block_t *block = page_find(page, pointer);
    if (block == NULL || is_marked(block)) {
        mistake_bad_pointer(call, pointer);
        return false;
    }
    check_set_mark(block);
    return true;
}

bool check_first(page_t *page) {
    block_t *block = page->free;
    const block_t *next = block->next;
    if (is_marked(block) && (next == NULL || page_may_hold(page, next))) return true;
    mistake_broken_block(page);
    return false;
}
