/* SPDX-License-Identifier: MIT */
#include "alloc/alloc.h"
#include "alloc/error.h"
#include "alloc/fast.h"
#include "alloc/large.h"
#include "eddy.h"
#include "heap/remote.h"

/* Whether a live block may begin at the pointer, as far as the page's numbers tell. */
static bool is_block(page_t *page, const void *pointer) {
    page_view_t view = page_peek(page);
    size_t offset = (size_t)((const char *)pointer - slice_address(page));
    return offset % page->block_bytes == 0 && offset / page->block_bytes < view.capacity &&
           view.state != PAGE_RETAINED;
}

/* The pointer's block begins before it where the page has interior pointers. */
static void *block_start(page_t *page, void *pointer) {
    return load_relaxed(&page->has_interior) ? page_block(page, pointer) : pointer;
}

/* A block of this thread that the fast path did not take: in an inner slice, or of a page with
 * interior pointers. */
static void free_own(page_t *page, void *pointer) {
    block_t *block = block_start(page, pointer);
    if (unlikely(!is_block(page, block))) {
        error_bad_pointer("free", pointer);
        return;
    }
    block->next = page->free;
    page->free = block;
    if (--page->used == 0) heap_count_out(page);
}

static out_of_line void free_remote(heap_t *heap, page_t *page, void *pointer) {
    void *block = block_start(page, pointer);
    if (unlikely(heap == NULL || !is_block(page, block))) {
        error_bad_pointer("free", pointer);
        return;
    }
    /* A thread that only frees gathers what it frees too, and is known before it takes a lock; one
     * whose exit handler has run does without. */
    if (unlikely(thread_self == &thread_none)) (void)thread_start();
    remote_free(thread_self, page, block);
}

static always_inline void free_in_page(page_t *page, void *pointer) {
    heap_t *heap = load_relaxed(&page->heap);
    if (likely(heap != NULL && load_relaxed(&heap->thread) == thread_self)) {
        free_own(page, pointer);
        return;
    }
    free_remote(heap, page, pointer);
}

/* The slice is an inner one of a page, or of a large object, or of none. */
static out_of_line void free_by_head(page_t *descriptor, void *pointer) {
    page_t *head = span_head(descriptor);
    span_kind_t kind = head == NULL ? SPAN_NONE : span_kind(head);
    if (kind == SPAN_PAGE) {
        free_in_page(head, pointer);
    } else if (kind == SPAN_LARGE) {
        large_free(head, pointer);
    } else {
        error_bad_pointer("free", pointer);
    }
}

void free_slow(void *pointer, page_t *page) {
    remote_entry_t *entry = remote_entry(thread_self, page);
    if (entry->page == page && likely(!load_relaxed(&page->has_interior))) {
        remote_gather(thread_self, entry, pointer);
    } else if (likely(span_kind(page) == SPAN_PAGE)) {
        free_in_page(page, pointer);
    } else {
        free_by_head(page, pointer);
    }
}

void free_outside(void *pointer) {
    if (unlikely(pointer != NULL)) error_bad_pointer("free", pointer);
}

page_t *alloc_find(const char *call, const void *block, size_t *usable) {
    size_t slice = slice_of(block);
    page_t *head = slice < window.slices ? span_head(slice_descriptor(slice)) : NULL;
    span_kind_t kind = head == NULL ? SPAN_NONE : span_kind(head);
    if (kind == SPAN_PAGE) {
        size_t inside = (size_t)((const char *)block - (char *)page_block(head, block));
        *usable = head->block_bytes - inside;
        return head;
    }
    if (kind == SPAN_LARGE && block == large_pointer(head)) {
        *usable = large_usable(head);
        return head;
    }
    error_bad_pointer(call, block);
    return NULL;
}

/* ---- public ---- */

void eddy_free(void *block) { fast_free(block); }

void eddy_free_sized(void *block, size_t size) {
    (void)size;
    fast_free(block);
}

void eddy_free_aligned_sized(void *block, size_t alignment, size_t size) {
    (void)alignment, (void)size;
    fast_free(block);
}

size_t eddy_usable_size(const void *block) {
    size_t usable;
    if (block == NULL || alloc_find("usable_size", block, &usable) == NULL) return 0;
    return usable;
}
