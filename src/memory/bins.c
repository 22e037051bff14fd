/* SPDX-License-Identifier: MIT */
#include "memory/bins.h"

/* How many spans of a bin are looked at for one that is long enough, before a higher bin where any
 * will do. */
enum { BIN_LOOKS = 8 };

static unsigned bin_of(size_t slices) {
    if (slices <= BINS_EXACT) return (unsigned)slices - 1;
    unsigned top = highest_bit(slices);
    unsigned step = (unsigned)(slices >> (top - BINS_STEP_BITS)) & (BINS_STEPS - 1);
    return BINS_EXACT + (top - 3) * BINS_STEPS + step;
}

void bins_init(bins_t *bins) {
    for (size_t i = 0; i < BIN_COUNT; i++) list_init(&bins->lists[i]);
    bins->filled[0] = bins->filled[1] = 0;
    bins->slices = bins->spans = 0;
}

void bins_insert(bins_t *bins, page_t *head) {
    size_t slices = span_slices(head);
    unsigned bin = bin_of(slices);
    list_push_first(&bins->lists[bin], &head->link);
    bins->filled[bin / 64] |= (uint64_t)1 << bin % 64;
    bins->slices += slices;
    bins->spans++;
}

void bins_remove(bins_t *bins, page_t *head) {
    size_t slices = span_slices(head);
    unsigned bin = bin_of(slices);
    list_remove(&head->link);
    if (list_is_empty(&bins->lists[bin])) bins->filled[bin / 64] &= ~((uint64_t)1 << bin % 64);
    bins->slices -= slices;
    bins->spans--;
}

static page_t *span_of_link(list_node_t *node) { return list_object(node, page_t, link); }

/* The lowest filled bin from `bin` on, BIN_COUNT when there is none. */
static unsigned bins_next(const bins_t *bins, unsigned bin) {
    for (unsigned word = bin / 64; word < 2; word++) {
        uint64_t filled = bins->filled[word];
        if (word == bin / 64) filled &= ~(uint64_t)0 << bin % 64;
        if (filled != 0) return word * 64 + lowest_bit(filled);
    }
    return BIN_COUNT;
}

/* A good fit: the first that is long enough among a few of the same bin, else any of a higher. */
page_t *bins_find(const bins_t *bins, size_t slices) {
    unsigned bin = bin_of(slices);
    const list_t *list = &bins->lists[bin];
    list_node_t *node = list_first(list);
    for (int looks = 0; node != NULL && looks < BIN_LOOKS; looks++) {
        if (span_slices(span_of_link(node)) >= slices) return span_of_link(node);
        node = list_next(list, node);
    }
    bin = bins_next(bins, bin + 1);
    return bin == BIN_COUNT ? NULL : span_of_link(list_first(&bins->lists[bin]));
}
