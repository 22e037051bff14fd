/* Walking the live blocks of a heap.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "alloc/large.h"
#include "eddy.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "memory/span.h"

typedef struct visit {
    const eddy_heap_t *first_class; /* NULL: the ordinary heap `own` */
    const heap_t *own;
    eddy_visit_fn *function;
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


static bool visit_page(page_t *page, const visit_t *visit) {
    free_map_t map;
    memset(&map, 0, sizeof map);
    mark_chain(&map, page, page->free);
    mark_chain(&map, page, pending_first(page, load_acquire(&page->thread_free)));
    for (size_t i = 0; i < page->capacity; i++) {
        if (map.words[i / MAP_BITS] >> i % MAP_BITS & 1) continue;
        void *block = slice_address(page) + i * page->block_bytes;
        if (!visit->function(block, page->block_bytes, visit->argument)) return false;
    }
    return true;
}

static bool is_visited(const heap_t *heap, const visit_t *visit) {
    if (visit->first_class == NULL) return heap == visit->own;
    return heap != NULL && load_relaxed(&heap->first_class) == visit->first_class;
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

static bool visit_span(page_t *head, void *argument) {
    const visit_t *visit = argument;
    span_kind_t kind = span_kind(head);
    if (!is_visited(load_relaxed(&head->heap), visit)) return true;
    if (kind == SPAN_PAGE) return visit_page(head, visit);
    if (kind != SPAN_LARGE) return true;
    return visit->function(large_pointer(head), large_usable(head), visit->argument);
}

bool eddy_heap_visit(eddy_heap_t *heap, eddy_visit_fn *function, void *argument) {
    remote_flush(thread_self);
    visit_t visit = {heap, &thread_self->heap, function, argument};
    settle(&visit);
    return span_walk(visit_span, &visit);
}
