/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "eddy.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "memory/region.h"
#include "memory/span.h"

/* Beside a thread that uses the page the numbers may not fit together: none exceeds the page. */
static void add_page(eddy_stats_t *stats, page_t *page) {
    page_view_t view = page_peek(page);
    size_t bytes = span_bytes(page);
    if (view.state == PAGE_RETAINED) {
        stats->retained += bytes;
        return;
    }
    uint32_t used = page_in_use(view.state, view.used, view.block_limit);
    if (used > view.capacity) used = view.capacity;
    uint32_t pending = pending_count(load_relaxed(&page->thread_free));
    uint32_t live = used > pending ? used - pending : 0;
    size_t live_bytes = live * view.block_bytes;
    size_t pending_bytes = pending * view.block_bytes;
    stats->pending += pending_bytes;
    stats->live_blocks += live;
    stats->live_bytes += live_bytes;
    if (used == 0 && view.state == PAGE_CURRENT) {
        stats->current_empty += bytes;
    } else {
        stats->free_in_pages += bytes - size_min(bytes, live_bytes + pending_bytes);
    }
}

static bool add_span(page_t *head, void *argument) {
    eddy_stats_t *stats = argument;
    span_kind_t kind = span_kind(head);
    if (kind == SPAN_PAGE) {
        add_page(stats, head);
    } else if (kind == SPAN_LARGE) {
        stats->live_blocks++;
        stats->live_bytes += span_bytes(head);
    }
    return true;
}

static void move_to_pending(eddy_stats_t *stats, size_t blocks, size_t bytes) {
    bytes = size_min(bytes, stats->live_bytes);
    stats->live_blocks -= size_min(blocks, stats->live_blocks);
    stats->live_bytes -= bytes;
    stats->pending += bytes;
}

static void move_tokens(eddy_stats_t *stats, heap_t *heap) {
    lock_acquire(&heap->lock);
    /* Acquire pairs with the release in heap_push_token: the links are seen. */
    for (block_t *token = load_acquire(&heap->tokens); token != NULL; token = token->next) {
        page_t *page = span_head(slice_descriptor(slice_of(token)));
        move_to_pending(stats, 1, page_peek(page).block_bytes);
    }
    lock_release(&heap->lock);
}

/* Blocks that threads gather before they give them to their pages, and those that wait as tokens,
 * are freed, though the pages do not know it yet. */
static void move_freed(eddy_stats_t *stats) {
    for (heap_t *heap = registry_first(); heap != NULL; heap = heap->next_of_all) {
        move_tokens(stats, heap);
        const thread_t *thread = thread_of_ordinary(heap);
        if (thread == NULL) continue;
        remote_held_t held = remote_peek(thread);
        stats->gathered += held.bytes;
        stats->gathered_pages += held.pages;
        move_to_pending(stats, held.blocks, held.bytes);
    }
}

void eddy_stats_get(eddy_stats_t *stats, size_t size) {
    eddy_stats_t sum = {0};
    span_walk(add_span, &sum);
    move_freed(&sum);
    span_totals_t spans;
    span_totals(&spans);
    sum.dirty = spans.dirty << SLICE_SHIFT;
    sum.clean = spans.clean << SLICE_SHIFT;
    sum.metadata = spans.metadata_bytes + registry_metadata_bytes();
    sum.reserved = spans.reserved << SLICE_SHIFT;
    sum.opened = spans.opened << SLICE_SHIFT;
    memcpy(stats, &sum, size_min(size, sizeof sum));
}
