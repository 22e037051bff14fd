/* Walking the live blocks of a heap.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "alloc/large.h"
#include "eddy.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "heap/subheap.h"
#include "memory/span.h"

typedef struct visit {
    const eddy_heap_t *first_class; /* NULL: the ordinary heap `own` */
    const heap_t *own;
    bool only_abandoned;
    eddy_visit_area_fn *function;
    void *argument;
} visit_t;

enum { MAP_BITS = 64, MAP_WORDS = SLICE_BYTES / BLOCK_ALIGN / MAP_BITS };

/* One bit for each block of a page: free ones. No page has more blocks than the smallest class. */
typedef struct free_map {
    uint64_t words[MAP_WORDS];
} free_map_t;

static size_t block_number(const page_t *page, const block_t *block) {
    return (size_t)((const char *)block - slice_address(page)) / page->block_bytes;
}

static void mark_chain(free_map_t *map, const page_t *page, const block_t *block) {
    for (; block != NULL; block = block->next) {
        size_t number = block_number(page, block);
        map->words[number / MAP_BITS] |= (uint64_t)1 << number % MAP_BITS;
    }
}

static bool visit_page(page_t *page, eddy_visit_fn *function, void *argument) {
    free_map_t map;
    memset(&map, 0, sizeof map);
    mark_chain(&map, page, page->free);
    /* Acquire pairs with the release in page_give: the links are seen. */
    mark_chain(&map, page, pending_first(load_acquire(&page->thread_free)));
    for (size_t i = 0; i < page->capacity; i++) {
        if (map.words[i / MAP_BITS] >> i % MAP_BITS & 1) continue;
        void *block = slice_address(page) + i * page->block_bytes;
        if (!function(block, page->block_bytes, argument)) return false;
    }
    return true;
}

static bool is_visited(heap_t *heap, const visit_t *visit) {
    /* A large object that outlived its heap has none. */
    if (heap == NULL) return visit->first_class == &first_class_main && !visit->only_abandoned;
    if (visit->first_class == NULL) return heap == visit->own;
    if (visit->only_abandoned && load_relaxed(&heap->state) != HEAP_DEAD) return false;
    const eddy_heap_t *first_class = load_relaxed(&heap->first_class);
    bool is_main = first_class == NULL && visit->first_class == &first_class_main;
    return is_main || first_class == visit->first_class;
}

/* Blocks that other threads freed are on their pages then, and none is taken for a live one. */
static void settle(const visit_t *visit) {
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        if (!is_visited(heap, visit)) continue;
        lock_acquire(&heap->lock);
        heap_settle(heap);
        lock_release(&heap->lock);
    }
}

static eddy_area_t area_of_page(page_t *page) {
    uint32_t in_use = page_in_use(page->state, page->used, page->block_limit);
    return (eddy_area_t){
        .blocks = slice_address(page),
        .bytes = span_bytes(page),
        .block_bytes = page->block_bytes,
        .live = in_use - pending_count(load_relaxed(&page->thread_free)),
    };
}

static bool visit_span(page_t *head, void *argument) {
    const visit_t *visit = argument;
    span_kind_t kind = span_kind(head);
    if (!is_visited(span_heap(head), visit)) return true;
    eddy_area_t area;
    if (kind == SPAN_PAGE && head->state != PAGE_RETAINED) {
        area = area_of_page(head);
    } else if (kind == SPAN_LARGE) {
        area = (eddy_area_t){large_pointer(head), large_usable(head), large_usable(head), 1};
    } else {
        return true;
    }
    return visit->function(&area, visit->argument);
}

bool eddy_heap_visit_areas(eddy_heap_t *heap, bool only_abandoned, eddy_visit_area_fn *function,
                           void *argument) {
    remote_flush(thread_self);
    visit_t visit = {heap, &thread_self->heap, only_abandoned, function, argument};
    settle(&visit);
    return span_walk(visit_span, &visit);
}

bool eddy_area_visit(const eddy_area_t *area, eddy_visit_fn *function, void *argument) {
    page_t *head = slice_descriptor(slice_of(area->blocks));
    if (span_kind(head) == SPAN_PAGE) return visit_page(head, function, argument);
    return function(area->blocks, area->bytes, argument);
}

typedef struct block_visit {
    eddy_visit_fn *function;
    void *argument;
} block_visit_t;

static bool visit_blocks(const eddy_area_t *area, void *argument) {
    const block_visit_t *visit = argument;
    return eddy_area_visit(area, visit->function, visit->argument);
}

bool eddy_heap_visit(eddy_heap_t *heap, eddy_visit_fn *function, void *argument) {
    block_visit_t visit = {function, argument};
    return eddy_heap_visit_areas(heap, false, visit_blocks, &visit);
}
