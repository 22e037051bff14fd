/* SPDX-License-Identifier: MIT */
#include "heap/lend.h"

#include "heap/retain.h"
#include "heap/thread.h"

/* ---- what stands in a place: a descriptor's address, its class in the low bits ----
 * So the owner knows what is lent before the page is its own. 0: nothing. */
enum { CLASS_MASK = sizeof(page_t) - 1 };
_Static_assert((int)CLASS_COUNT <= (int)CLASS_MASK, "a class fits below the alignment");

static uintptr_t lent_page(page_t *page) { return (uintptr_t)page | page->size_class; }
static unsigned lent_class(uintptr_t lent) { return (unsigned)(lent & CLASS_MASK); }
static page_t *page_lent(uintptr_t lent) { return (page_t *)(lent & ~(uintptr_t)CLASS_MASK); }

/* ---- the lender ---- */

static void lend(heap_t *heap, loan_t *loan, page_t *page) {
    list_remove(&page->link);
    loan->slices[loan->count] = span_slices(page);
    /* Release pairs with the acquire in lend_take: the owner gets the page as it is now. */
    store_release(&heap->lent[loan->count], lent_page(page));
    loan->count++;
}

void lend_begin(heap_t *heap, loan_t *loan) {
    loan->count = 0;
    bool is_own = load_relaxed(&heap->thread) == thread_self;
    if (is_own || load_relaxed(&heap->state) != HEAP_LIVE) return;
    unsigned before;
    do {
        before = loan->count;
        for (unsigned i = 0; i < CLASS_COUNT && loan->count < LATE_PAGES; i++) {
            list_node_t *node = list_first(&heap->retained[i]);
            page_t *page = node == NULL ? NULL : page_of_link(node);
            /* The owner takes it for a whole one. */
            if (page != NULL && span_slices(page) == class_slices(i)) lend(heap, loan, page);
        }
    } while (loan->count > before);
}

void lend_end(heap_t *heap, loan_t *loan) {
    while (loan->count > 0) {
        /* As lend has left it, or gone: acquire is more than this needs. */
        uintptr_t lent = exchange_acquire(&heap->lent[--loan->count], 0);
        if (lent != 0) {
            list_push_first(&heap->retained[lent_class(lent)], &page_lent(lent)->link);
        } else {
            count_by(&heap->retained_slices, 0 - loan->slices[loan->count]);
        }
    }
}

/* ---- the owner ---- */

static page_t *take(heap_t *heap, unsigned size_class, bool remade) {
    for (unsigned i = 0; i < LATE_PAGES; i++) {
        uintptr_t lent = load_relaxed(&heap->lent[i]);
        if (lent == 0) continue;
        bool same = lent_class(lent) == size_class;
        bool fits = remade ? class_slices(lent_class(lent)) == class_slices(size_class) : same;
        /* Acquire pairs with the release in lend. */
        if (fits && swap_strong_acquire(&heap->lent[i], &lent, 0)) return page_lent(lent);
    }
    return NULL;
}

page_t *lend_take(heap_t *heap, unsigned size_class) {
    page_t *page = take(heap, size_class, false);
    if (page == NULL && !ablated(ABLATE_REMAKE)) page = take(heap, size_class, true);
    if (page == NULL) return NULL;
    /* One of the class may have been lent since it was looked for. */
    if (page->size_class == size_class) {
        heap_straighten(heap, page);
    } else {
        page_remake(page, heap, size_class);
    }
    count_by(&heap->counters.pages_reused, 1);
    return page;
}

void lend_forget(heap_t *heap) {
    for (unsigned i = 0; i < LATE_PAGES; i++) store_relaxed(&heap->lent[i], 0);
}
