/* Free spans against a naive model: one byte for each slice of the window that says whether the
 * test holds it. Each operation is done on both and checked; verify() walks everything.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_SPAN_MODEL_H
#define EDDY_TEST_COMMON_SPAN_MODEL_H

#include "common/test.h"
#include "memory/region.h"
#include "memory/span.h"
#include "os/os.h"

enum { HELD_MOST = 64, STAMP_STEP = 4 << 10 };

/* Spans that the test holds, in kind SPAN_LARGE. Each has a stamp in every STAMP_STEP bytes. */
typedef struct held {
    page_t *head;
    size_t slices;
    unsigned seed;
} held_t;

static held_t held[HELD_MOST];
static size_t held_count;
static unsigned last_seed;
static bool *occupied; /* by slice of the window */
static size_t occupied_slices;

/* Set where clean spans are closed to any access, and cannot be appended in place. */
static bool clean_is_closed;

static inline int model_start(void **state) {
    (void)state;
    if (occupied == NULL) {
        if (!span_start()) return -1;
        occupied = calloc(window.slices, sizeof *occupied);
    }
    return occupied == NULL ? -1 : eddy_option_set(EDDY_OPTION_DECAY_MS, 500);
}

/* ---- contents ---- */

static inline uint64_t *stamp_at(const held_t *span, size_t index) {
    return (uint64_t *)(void *)(slice_address(span->head) + index * STAMP_STEP);
}

static inline void put_stamps(const held_t *span, size_t from_slice) {
    size_t per_slice = SLICE_BYTES / STAMP_STEP;
    for (size_t i = from_slice * per_slice; i < span->slices * per_slice; i++) {
        *stamp_at(span, i) = pattern_word(i, span->seed);
    }
}

static inline void check_stamps(const held_t *span, size_t slices) {
    size_t i = 0, end = slices * (SLICE_BYTES / STAMP_STEP);
    while (i < end && *stamp_at(span, i) == pattern_word(i, span->seed)) i++;
    assert_int_equal(i, end);
}

/* Only stamps are ever written: memory is zero if it is zero at the places for stamps. */
static inline bool has_no_stamp(const page_t *head, size_t slices) {
    const char *address = slice_address(head);
    for (size_t i = 0; i < slices * SLICE_BYTES; i += STAMP_STEP) {
        if (*(const uint64_t *)(const void *)(address + i) != 0) return false;
    }
    return true;
}

/* ---- the model ---- */

/* Whether the test holds all slices from `head` on (`held_now`), or none of them. */
static inline bool all_occupied(const page_t *head, size_t slices, bool held_now) {
    return memchr(&occupied[slice_index(head)], !held_now, slices) == NULL;
}

static inline void model_take(const page_t *head, size_t slices) {
    assert_true(region_contains(slice_index(head)));
    assert_true(region_contains(slice_index(head) + slices - 1));
    assert_true(all_occupied(head, slices, false));
    memset(&occupied[slice_index(head)], true, slices);
    occupied_slices += slices;
}

static inline void model_give(const page_t *head, size_t slices) {
    assert_true(all_occupied(head, slices, true));
    memset(&occupied[slice_index(head)], false, slices);
    occupied_slices -= slices;
}

/* The region that the slice lies in, or would as its front moves on. */
static inline const region_t *region_of(size_t slice) {
    for (size_t i = 0; i < region_count(); i++) {
        if (slice - region_at(i)->first < region_at(i)->reserved) return region_at(i);
    }
    return NULL;
}

static inline void hold(page_t *head, size_t slices) {
    assert_true(held_count < HELD_MOST);
    held_t *span = &held[held_count++];
    *span = (held_t){head, slices, ++last_seed};
    span_set(head, SPAN_LARGE, slices);
    model_take(head, slices);
    put_stamps(span, 0);
}

static inline void let_go(held_t *span) {
    model_give(span->head, span->slices);
    *span = held[--held_count];
}

/* ---- operations ---- */

/* False when nothing was found, which only a search among the dirty ones may say. */
static inline bool model_allocate(size_t slices, size_t alignment, span_source_t source) {
    bool zero = true;
    page_t *head = span_allocate(slices, alignment, source, &zero);
    if (head == NULL) {
        assert_int_equal(source, SPAN_FROM_DIRTY);
        return false;
    }
    assert_int_equal(span_kind(head), SPAN_TRANSIT);
    assert_int_equal(span_slices(head), slices);
    assert_true(is_aligned(slice_address(head), alignment * SLICE_BYTES));
    if (zero) assert_true(source == SPAN_FROM_ANY && has_no_stamp(head, slices));
    hold(head, slices);
    return true;
}

static inline void model_free(held_t *span) {
    check_stamps(span, span->slices);
    page_t *head = span->head;
    let_go(span);
    span_free(head);
}

/* As after a move of page tables: the memory reads as zero. */
static inline void model_free_clean(held_t *span) {
    page_t *head = span->head;
    bool is_own = span_is_own(head);
    if (is_own) assert_true(os_replace(slice_address(head), span_bytes(head)));
    let_go(span);
    if (is_own) {
        span_free_clean(head);
    } else {
        span_free(head);
    }
}

/* Into the free span behind it, in the same region and of memory of the same owner. */
static inline bool can_extend(const held_t *span, size_t slices) {
    page_t *next = span->head + span->slices;
    size_t at = slice_index(next);
    if (!region_contains(at) || region_of(at) != region_of(at - 1)) return false;
    span_kind_t kind = span_kind(next);
    bool is_free = kind == SPAN_DIRTY || kind == SPAN_KEPT || kind == SPAN_CLEAN;
    if (kind == SPAN_CLEAN && clean_is_closed) return false;
    return is_free && span->slices + span_slices(next) >= slices;
}

static inline void model_extend(held_t *span, size_t slices) {
    size_t before = span->slices;
    bool expected = can_extend(span, slices);
    assert_int_equal(span_extend(span->head, slices), expected);
    assert_int_equal(span_slices(span->head), expected ? slices : before);
    if (expected) {
        model_take(span->head + before, slices - before);
        span->slices = slices;
        put_stamps(span, before);
    }
    check_stamps(span, before);
}

static inline void model_shorten(held_t *span, size_t slices) {
    model_give(span->head + slices, span->slices - slices);
    span->slices = slices;
    span_free(span_cut(span->head, slices));
    assert_int_equal(span_slices(span->head), slices);
    check_stamps(span, slices);
}

/* Of a span in transit: the rest is a span of its own. */
static inline void model_drop_front(held_t *span, size_t slices) {
    page_t *head = span->head;
    size_t rest_slices = span->slices - slices;
    span_set(head, SPAN_TRANSIT, span->slices);
    let_go(span);
    page_t *rest = span_drop_front(head, slices);
    assert_ptr_equal(rest, head + slices);
    assert_int_equal(span_kind(rest), SPAN_TRANSIT);
    hold(rest, rest_slices);
}

static inline void model_free_all(void) {
    while (held_count > 0) model_free(&held[0]);
}

/* ---- everything ---- */

static inline span_totals_t totals_now(void) {
    span_totals_t totals;
    span_totals(&totals);
    return totals;
}

static inline void check_free_span(page_t *head, span_kind_t kind_before) {
    span_kind_t kind = span_kind(head);
    size_t slices = span_slices(head);
    assert_true(all_occupied(head, slices, false));
    /* Neighbours of one kind are one span. */
    assert_int_not_equal(kind, kind_before);
    /* Its last slice leads to its head, for who frees the span behind it. */
    assert_ptr_equal(span_head(head + slices - 1), head);
}

static inline void check_region(const region_t *region, size_t *dirty, size_t *clean) {
    size_t slice = region->first, end = region->first + region->opened;
    span_kind_t kind = SPAN_NONE;
    while (slice < end) {
        page_t *head = slice_descriptor(slice);
        size_t slices = span_slices(head);
        assert_true(slices > 0 && slices <= end - slice);
        if (span_kind(head) == SPAN_LARGE) {
            assert_true(all_occupied(head, slices, true));
        } else {
            check_free_span(head, kind);
        }
        /* A pointer into the midst of a span leads to no page of an older life. */
        for (size_t i = 1; i + 1 < slices; i++) {
            assert_int_equal(span_kind(head + i), SPAN_NONE);
        }
        kind = span_kind(head);
        if (kind == SPAN_DIRTY || kind == SPAN_KEPT) *dirty += slices;
        if (kind == SPAN_CLEAN) *clean += slices;
        slice += slices;
    }
    assert_int_equal(slice, end);
}

/* The spans tile their regions, as the model says, and the totals are right. */
static inline void verify(void) {
    size_t dirty = 0, clean = 0, opened = 0;
    for (size_t i = 0; i < region_count(); i++) {
        check_region(region_at(i), &dirty, &clean);
        opened += region_at(i)->opened;
    }
    span_totals_t totals = totals_now();
    assert_int_equal(totals.used, occupied_slices);
    assert_int_equal(totals.dirty, dirty);
    assert_int_equal(totals.clean, clean);
    assert_int_equal(totals.opened, opened);
    assert_int_equal(totals.used + dirty + clean, opened);
    for (size_t i = 0; i < held_count; i++) {
        assert_int_equal(span_kind(held[i].head), SPAN_LARGE);
        assert_int_equal(span_slices(held[i].head), held[i].slices);
    }
}

/* Tear-down. */
static inline int model_end(void **state) {
    (void)state;
    model_free_all();
    verify();
    return 0;
}

/* ---- a random life ---- */

/* 1 to 64, small ones more often. */
static inline size_t random_slices(uint64_t *random) {
    return 1 + random_below(random, 1u << random_below(random, 7));
}

static inline void random_change(uint64_t *random) {
    held_t *span = &held[random_below(random, (uint32_t)held_count)];
    switch (random_below(random, 8)) {
    case 0:
        model_extend(span, span->slices + random_slices(random));
        break;
    case 1:
        if (span->slices > 1) {
            model_shorten(span, 1 + random_below(random, (uint32_t)span->slices - 1));
        }
        break;
    case 2:
        if (span->slices > 1) {
            model_drop_front(span, 1 + random_below(random, (uint32_t)span->slices - 1));
        }
        break;
    case 3:
        model_free_clean(span);
        break;
    default:
        model_free(span);
    }
}

static inline void random_step(uint64_t *random) {
    bool more = held_count == 0 ||
                (held_count < HELD_MOST && random_below(random, HELD_MOST) > held_count / 2);
    if (more) {
        size_t alignment = (size_t)1 << random_below(random, random_below(random, 4) ? 1 : 6);
        span_source_t source = random_below(random, 4) ? SPAN_FROM_ANY : SPAN_FROM_DIRTY;
        model_allocate(random_slices(random), alignment, source);
    } else {
        random_change(random);
    }
}

#endif
