/* SPDX-License-Identifier: MIT */
#include "alloc/alloc.h"
#include "alloc/fast.h"
#include "alloc/large.h"
#include "eddy.h"
#include "heap/mistake.h"
#include "heap/remote.h"

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

static void free_in_page(page_t *page, void *pointer, const char *call) {
    heap_t *heap = load_relaxed(&page->heap);
    block_t *block = page_find(page, pointer);
    /* A page that is being given back has no heap. */
    if (unlikely(heap == NULL || block == NULL)) {
        mistake_bad_pointer(call, pointer);
    } else if (load_relaxed(&heap->thread) == thread_self) {
        free_own(page, block);
    } else {
        free_remote(page, block);
    }
}

/* The page has no owner: it has interior pointers or is retained, or there is no page at all. */
static out_of_line void free_rare(page_t *descriptor, void *pointer, const char *call) {
    page_t *head = span_head(descriptor);
    span_kind_t kind = head == NULL ? SPAN_NONE : span_kind(head);
    if (kind == SPAN_PAGE) {
        free_in_page(head, pointer, call);
    } else if (kind == SPAN_LARGE) {
        large_free(head, pointer, call);
    } else {
        mistake_bad_pointer(call, pointer);
    }
}

void free_slow(page_t *slice, void *pointer, const char *call) {
    page_t *page = page_of_slice(slice);
    thread_t *owner = load_relaxed(&page->owner);
    /* An inner slice: the fast path takes the first one. */
    if (likely(owner == thread_self && (uintptr_t)pointer % MEDIUM_ALIGN == 0)) {
        free_own(page, pointer);
    } else if (unlikely(owner == NULL)) {
        free_rare(slice, pointer, call);
    } else if (unlikely(page_block(page, pointer) != pointer)) {
        mistake_bad_pointer(call, pointer);
    } else {
        free_remote(page, pointer);
    }
}

/* Offsets are remainders: what does not begin a block is found without the page's address. */
void free_other(page_t *page, void *pointer, const char *call) {
    uint32_t offset = (uintptr_t)pointer % SLICE_BYTES;
    if (unlikely(offset % (uint32_t)page->block_bytes != 0)) {
        mistake_bad_pointer(call, pointer);
    } else {
        free_ungathered(page, pointer);
    }
}

void free_outside(void *pointer, const char *call) {
    if (unlikely(pointer != NULL)) mistake_bad_pointer(call, pointer);
}

/* No block of a page that has an owner begins at the pointer: the page may have interior ones. */
static out_of_line page_t *find_interior(const char *call, const void *pointer, page_t *page,
                                         size_t *usable) {
    const block_t *block = page_find(page, pointer);
    if (block == NULL) {
        mistake_bad_pointer(call, pointer);
        return NULL;
    }
    *usable = page->block_bytes - (size_t)((const char *)pointer - (const char *)block);
    return page;
}

page_t *alloc_find(const char *call, const void *block, size_t *usable) {
    size_t slice = slice_of(block);
    page_t *head = slice < window.slices ? span_head(slice_descriptor(slice)) : NULL;
    span_kind_t kind = head == NULL ? SPAN_NONE : span_kind(head);
    if (kind == SPAN_PAGE) {
        bool begins = load_relaxed(&head->owner) != NULL && page_block(head, block) == block;
        if (unlikely(!begins)) return find_interior(call, block, head, usable);
        *usable = head->block_bytes;
        return head;
    }
    if (kind == SPAN_LARGE && block == large_pointer(head)) {
        *usable = large_usable(head);
        return head;
    }
    mistake_bad_pointer(call, block);
    return NULL;
}

/* ---- public ---- */

void eddy_free(void *block) { fast_free(block, "free"); }

void eddy_free_sized(void *block, size_t size) {
    (void)size;
    fast_free(block, "free_sized");
}

void eddy_free_aligned_sized(void *block, size_t alignment, size_t size) {
    (void)alignment, (void)size;
    fast_free(block, "free_aligned_sized");
}

size_t eddy_usable_size(const void *block) {
    size_t usable;
    if (block == NULL || alloc_find("malloc_usable_size", block, &usable) == NULL) return 0;
    return usable;
}
