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

/* A block of this thread that the fast path did not take. */
static void free_own(page_t *page, block_t *block) {
    block->next = page->free;
    page->free = block;
    atomic_signal_fence(memory_order_release); /* as in fast_free */
    if (--page->used == 0) heap_count_out(page);
}

/* A thread that only frees gathers what it frees too, and is known before it takes a lock; one
 * whose exit handler has run does without. */
static cold void free_first(page_t *page, block_t *block) {
    if (thread_self == &thread_none && thread_start() != NULL) {
        remote_begin(page, block, thread_self);
    } else {
        remote_give(page, block);
    }
}

/* A block of another thread's page, of which this thread has gathered nothing. */
static always_inline void free_ungathered(page_t *page, block_t *block) {
    thread_t *thread = thread_self;
    if (unlikely(!thread_is_started(thread))) {
        free_first(page, block);
    } else {
        remote_begin(page, block, thread);
    }
}

static void free_remote(page_t *page, block_t *block) {
    remote_entry_t *entry = remote_entry(thread_self, page);
    if (entry->page == page) {
        remote_gather(entry, block);
    } else {
        free_ungathered(page, block);
    }
}

static void free_in_page(page_t *page, void *pointer) {
    heap_t *heap = load_relaxed(&page->heap);
    void *block = block_start(page, pointer);
    if (unlikely(heap == NULL || !is_block(page, block))) {
        error_bad_pointer("free", pointer);
    } else if (load_relaxed(&heap->thread) == thread_self) {
        free_own(page, block);
    } else {
        free_remote(page, block);
    }
}

/* The page has no owner: it has interior pointers or is retained, or there is no page at all. */
static out_of_line void free_rare(void *pointer, page_t *descriptor) {
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

void free_slow(void *pointer, page_t *slice) {
    page_t *page = page_of_slice(slice);
    thread_t *owner = load_relaxed(&page->owner);
    if (likely(owner == thread_self)) {
        free_own(page, pointer);
    } else if (unlikely(owner == NULL)) {
        free_rare(pointer, slice);
    } else if (unlikely(page_block(page, pointer) != pointer)) {
        error_bad_pointer("free", pointer);
    } else {
        free_remote(page, pointer);
    }
}

/* Offsets are remainders: what does not begin a block is found without the page's address. */
void free_other(void *pointer, page_t *page) {
    uint32_t offset = (uintptr_t)pointer % SLICE_BYTES;
    if (unlikely(offset % (uint32_t)page->block_bytes != 0)) {
        error_bad_pointer("free", pointer);
    } else {
        free_ungathered(page, pointer);
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
