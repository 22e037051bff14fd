/* SPDX-License-Identifier: MIT */
#include "alloc/alloc.h"

#include <string.h>

#include "alloc/error.h"
#include "alloc/fast.h"
#include "alloc/heartbeat.h"
#include "alloc/large.h"
#include "eddy.h"
#include "heap/limit.h"
#include "heap/remote.h"
#include "heap/scavenge.h"

heap_t *alloc_heap(heap_t *heap) {
    thread_t *thread = thread_self;
    /* Without a thread is that of thread_none or thread_gone: this very call started the thread. */
    if (heap != &thread->heap && load_relaxed(&heap->thread) != NULL) return heap;
    /* A thread without a record has none. */
    if (likely(thread->standard != NULL)) return thread->standard;
    thread = thread_start();
    return thread == NULL ? NULL : thread->standard;
}

/* What is to be done before a call allocates, which may allocate and free itself. */
static void run_errands(void) {
    heartbeat(thread_self, false);
    if (!scavenge_is_running()) errand_report();
}

/* Errands may have filled the page. */
static page_t *refill_if_empty(heap_t *heap, unsigned size_class, bool *is_zero) {
    page_t *page = heap->current[size_class];
    return page->free != NULL ? page : heap_refill(heap, size_class, is_zero);
}

/* The thread's standard heap is another, or there are errands. `caller`: the code that made the
 * call. */
static cold page_t *refill_after(heap_t *heap, unsigned size_class, bool *is_zero,
                                 const void *caller) {
    if (heap == NULL) return NULL;
    run_errands();
    page_t *page = refill_if_empty(heap, size_class, is_zero);
    /* A call that is short of memory has other worries than to start a thread. */
    if (page == NULL || !scavenge_start(caller)) return page;
    /* The start may have used blocks of the page, and freed them. */
    *is_zero = false;
    return refill_if_empty(heap, size_class, is_zero);
}

/* The heap is what it seems, and nothing is to be done before or behind. */
static always_inline bool may_refill(const heap_t *heap) {
    return likely(heap == thread_self->standard) && !errand_any();
}

/* The current page has no free block, or there is none yet. */
static always_inline page_t *refill_once(heap_t *named, unsigned size_class, bool *is_zero,
                                         const void *caller) {
    heap_t *heap = alloc_heap(named);
    if (heap != named || errand_any()) return refill_after(heap, size_class, is_zero, caller);
    return heap_refill(heap, size_class, is_zero);
}

static always_inline page_t *refill(heap_t *named, unsigned size_class, bool *is_zero,
                                    const void *caller) {
    page_t *page = refill_once(named, size_class, is_zero, caller);
    while (DEBUG_BUILD && page != NULL && !check_first(page)) {
        *is_zero = false;
        page = refill_once(named, size_class, is_zero, caller);
    }
    return page;
}

/* The current page of the class has no block. Without memory NULL, which nobody is told. */
static always_inline void *try_refilled(heap_t *heap, unsigned size_class, bool zero,
                                        const void *caller) {
    bool is_zero = false;
    page_t *page = refill(heap, size_class, &is_zero, caller);
    if (unlikely(page == NULL)) return NULL;
    block_t *block = fast_pop(page);
    return zero ? memset(block, 0, is_zero ? sizeof *block : page->block_bytes) : block;
}

/* A block of size <= BLOCK_MAX, in the same way. */
static void *try_block(heap_t *heap, size_t size, bool zero, const void *caller) {
    unsigned size_class = class_of(size);
    page_t *page = heap->current[size_class];
    if (unlikely(!fast_has_block(page))) return try_refilled(heap, size_class, zero, caller);
    block_t *block = fast_pop(page);
    return zero ? memset(block, 0, page->block_bytes) : block;
}

heap_t *alloc_begin_large(heap_t *heap) {
    heap = alloc_heap(heap);
    if (heap == NULL) return NULL;
    remote_flush(load_relaxed(&heap->thread));
    if (!scavenge_is_running()) heap_tick(heap);
    if (unlikely(errand_any())) run_errands();
    return heap;
}

static void *try_large(heap_t *heap, size_t size, size_t alignment, size_t offset, bool zero,
                       const void *caller) {
    heap = alloc_begin_large(heap);
    void *pointer = heap == NULL ? NULL : large_allocate(heap, size, alignment, offset, zero);
    if (pointer != NULL && unlikely(errand_any())) (void)scavenge_start(caller);
    return pointer;
}

void *alloc_try(heap_t *heap, size_t size, bool zero, const void *caller) {
    return size > BLOCK_MAX ? try_large(heap, size, 1, 0, zero, caller)
                            : try_block(heap, size, zero, caller);
}

/* Memory is refused. True when it is worth another try: all heaps have given up their empty pages,
 * or it came free meanwhile. No other heap's pages help a heap that is at its own limit, nor a size
 * that no memory holds. A thread that could not be started takes no lock. */
static bool collect_at_last(heap_t *heap, size_t slices, size_t alignment) {
    if (!thread_is_started(thread_self) || !span_in_bounds(slices, alignment)) return false;
    if (!limit_has_room(alloc_heap(heap), slices)) return false;
    heap_collect_all();
    return true;
}

static void *or_no_memory(void *block) { return block != NULL ? block : error_no_memory(); }

static cold void *block_at_last(heap_t *heap, size_t size, bool zero, const void *caller) {
    bool again = collect_at_last(heap, class_slices(class_of(size)), 1);
    return or_no_memory(again ? alloc_try(heap, size, zero, caller) : NULL);
}

void *alloc_block(heap_t *heap, size_t size, bool zero, const void *caller) {
    void *block = try_block(heap, size, zero, caller);
    return likely(block != NULL) ? block : block_at_last(heap, size, zero, caller);
}

/* By whatever way, unless heap_refill alone would have done and has failed. */
static cold void *refilled_at_last(heap_t *heap, unsigned size_class, bool failed,
                                   const void *caller) {
    void *block = failed ? NULL : try_refilled(heap, size_class, false, caller);
    if (block != NULL) return block;
    return block_at_last(heap, class_bytes(size_class), false, caller);
}

/* The page of the class has no block. A function of its own, for which a call with a block saves no
 * register, and at the end of a public one: it returns to the code that made the call. */
static out_of_line void *refilled(heap_t *heap, unsigned size_class) {
    bool is_zero, alone = may_refill(heap);
    page_t *page = alone ? heap_refill(heap, size_class, &is_zero) : NULL;
    if (likely(page != NULL && (!DEBUG_BUILD || check_first(page)))) return fast_pop(page);
    return refilled_at_last(heap, size_class, alone && page == NULL, __builtin_return_address(0));
}

void *alloc_large(heap_t *heap, size_t size, size_t alignment, size_t offset, bool zero,
                  const void *caller) {
    void *object = try_large(heap, size, alignment, offset, zero, caller);
    if (object == NULL &&
        collect_at_last(heap, large_slices(size, alignment, offset), alignment >> SLICE_SHIFT)) {
        object = try_large(heap, size, alignment, offset, zero, caller);
    }
    return or_no_memory(object);
}

static out_of_line void *allocate_large(heap_t *heap, size_t size, bool zero) {
    if (!size_in_bounds(size)) return error_no_memory();
    return alloc_large(heap, size, 1, 0, zero, __builtin_return_address(0));
}

void *alloc_slow(size_t size, heap_t *heap) {
    if (unlikely(size > BLOCK_MAX)) return allocate_large(heap, size, false);
    unsigned size_class = class_of(size);
    page_t *page = heap->current[size_class];
    return likely(fast_has_block(page)) ? fast_pop(page) : refilled(heap, size_class);
}

void *alloc_zeroed(heap_t *heap, size_t size) {
    if (unlikely(size > BLOCK_MAX)) return allocate_large(heap, size, true);
    page_t *page = heap->current[class_of(size)];
    if (likely(fast_has_block(page))) return memset(fast_pop(page), 0, page->block_bytes);
    return alloc_block(heap, size, true, __builtin_return_address(0));
}

/* ---- public ---- */

int eddy_version(void) {
    return EDDY_VERSION_MAJOR * 10000 + EDDY_VERSION_MINOR * 100 + EDDY_VERSION_PATCH;
}

void *eddy_malloc(size_t size) { return fast_malloc(size); }

void *eddy_zalloc(size_t size) { return alloc_zeroed(&thread_self->heap, size); }

void *eddy_calloc(size_t count, size_t size) {
    size_t bytes;
    if (unlikely(!size_product(count, size, &bytes))) return error_no_memory();
    return alloc_zeroed(&thread_self->heap, bytes);
}

void *eddy_mallocn(size_t count, size_t size) {
    size_t bytes;
    if (unlikely(!size_product(count, size, &bytes))) return error_no_memory();
    return fast_malloc(bytes);
}

size_t eddy_good_size(size_t size) {
    if (size <= BLOCK_MAX) return class_bytes(class_of(size));
    return size_in_bounds(size) ? round_up(size, SLICE_BYTES) : size;
}
