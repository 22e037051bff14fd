/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "eddy.h"
#include "heap/page.h"
#include "memory/span.h"

typedef struct sums {
    eddy_class_stats_t *classes;
    size_t count, size;
} sums_t;

/* The caller's struct may be an older, shorter one: what is added lies in the part that it has. */
static void add(const sums_t *sums, unsigned size_class, const eddy_class_stats_t *page) {
    char *place = (char *)sums->classes + size_class * sums->size;
    eddy_class_stats_t sum = {0};
    size_t known = size_min(sums->size, sizeof sum);
    memcpy(&sum, place, known);
    sum.pages += page->pages;
    sum.live_blocks += page->live_blocks;
    sum.live_bytes += page->live_bytes;
    sum.free_in_pages += page->free_in_pages;
    sum.pending += page->pending;
    sum.retained += page->retained;
    memcpy(place, &sum, known);
}

static bool add_span(page_t *head, void *argument) {
    const sums_t *sums = argument;
    if (span_kind(head) != SPAN_PAGE) return true;
    page_view_t view = page_peek(head);
    if (view.block_bytes == 0 || view.block_bytes > BLOCK_MAX) return true;
    unsigned size_class = class_of(view.block_bytes);
    if (size_class >= sums->count) return true;
    if (view.state == PAGE_RETAINED) {
        add(sums, size_class, &(eddy_class_stats_t){.retained = span_bytes(head)});
        return true;
    }
    /* Beside a thread that uses the page the numbers may not fit together. */
    size_t used = size_min(page_in_use(view.state, view.used, view.block_limit), view.capacity);
    size_t pending = size_min(pending_count(load_relaxed(&head->thread_free)), used);
    size_t used_bytes = used * view.block_bytes;
    add(sums, size_class,
        &(eddy_class_stats_t){
            .pages = 1,
            .live_blocks = used - pending,
            .live_bytes = (used - pending) * view.block_bytes,
            .free_in_pages = span_bytes(head) - size_min(used_bytes, span_bytes(head)),
            .pending = pending * view.block_bytes,
        });
    return true;
}

size_t eddy_class_stats_get(eddy_class_stats_t *classes, size_t count, size_t size) {
    count = size_min(count, CLASS_COUNT);
    memset(classes, 0, count * size);
    for (unsigned i = 0; i < count; i++) {
        size_t bytes = class_bytes(i);
        memcpy((char *)classes + i * size, &bytes, size_min(size, sizeof bytes));
    }
    span_walk(add_span, &(sums_t){classes, count, size});
    return CLASS_COUNT;
}
