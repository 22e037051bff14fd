/* SPDX-License-Identifier: MIT */
#include "memory/tiles.h"

#include "memory/alarm.h"
#include "memory/bins.h"
#include "memory/region.h"

static bins_t dirty, kept, ground, clean;
/* The dirty spans that hold a whole unit, the one freed longest ago first. */
static list_t by_age;

void tiles_init(void) {
    bins_init(&dirty);
    bins_init(&kept);
    bins_init(&ground);
    bins_init(&clean);
    list_init(&by_age);
}

static bins_t *bins_of(span_kind_t kind) {
    switch (kind) {
    case SPAN_DIRTY:
        return &dirty;
    case SPAN_KEPT:
        return &kept;
    case SPAN_GROUND:
        return &ground;
    default:
        assert_debug(kind == SPAN_CLEAN);
        return &clean;
    }
}

/* The whole units of a span: slices before them, and in them. */
typedef struct units {
    size_t before, inside;
} units_t;

static units_t units_of(page_t *head) {
    size_t start = (uintptr_t)slice_address(head) >> SLICE_SHIFT;
    size_t first = round_up(start, region_unit);
    size_t last = round_down(start + span_slices(head), region_unit);
    return first < last ? (units_t){first - start, last - first} : (units_t){0, 0};
}

static bool is_purgeable(page_t *head, span_kind_t kind) {
    return kind == SPAN_DIRTY && units_of(head).inside > 0;
}

/* Into the bin of its kind. */
static void put_free(page_t *head, span_kind_t kind) {
    bins_insert(bins_of(kind), head);
    if (!is_purgeable(head, kind)) return;
    list_push_last(&by_age, &head->age);
    alarm_ring();
}

static void remove_free(page_t *head) {
    span_kind_t kind = span_kind(head);
    bins_remove(bins_of(kind), head);
    if (is_purgeable(head, kind)) list_remove(&head->age);
}

size_t tiles_slices(span_kind_t kind) { return bins_of(kind)->slices; }

size_t tiles_spans(span_kind_t kind) { return bins_of(kind)->spans; }

page_t *tiles_find(span_kind_t kind, size_t slices) { return bins_find(bins_of(kind), slices); }

bool tiles_can_be_purged(void) { return !list_is_empty(&by_age); }

/* Let the last slice of a free span find its head when its right neighbour is freed. */
static void mark_last(page_t *head, size_t slices) {
    if (slices > 1) span_set(head + slices - 1, SPAN_INNER, slices - 1);
}

page_t *tiles_split(page_t *head, size_t slices, span_kind_t kind) {
    uint64_t shape = span_shape(head);
    page_t *rest = head + slices;
    span_set(rest, kind, shape_count(shape) - slices);
    span_set(head, shape_kind(shape), slices);
    return rest;
}

void tiles_absorb(page_t *head, page_t *next) {
    uint64_t shape = span_shape(head);
    size_t slices = shape_count(shape);
    span_set(head, shape_kind(shape), slices + span_slices(next));
    if (slices > 1) span_set(next - 1, SPAN_NONE, 0);
    span_set(next, SPAN_NONE, 0);
}

page_t *tiles_next(page_t *head) {
    page_t *next = head + span_slices(head);
    if (slice_index(next) >= window.slices || next->begins_region) return NULL;
    return span_kind_is_head(span_kind(next)) ? next : NULL;
}

/* The free span of `kind` that ends right before `head`, else NULL. */
static page_t *previous_free(page_t *head, span_kind_t kind) {
    if (slice_index(head) == 0 || head->begins_region) return NULL;
    page_t *last = head - 1;
    uint64_t shape = span_shape(last);
    page_t *previous = last;
    if (shape_kind(shape) == SPAN_INNER) {
        if (shape_count(shape) > slice_index(last)) return NULL;
        previous = last - shape_count(shape);
    }
    bool ends_here = span_shape(previous) == shape_of(kind, (size_t)(head - previous));
    return ends_here ? previous : NULL;
}

static void insert(page_t *head, span_kind_t kind) {
    assert_debug(head != NULL);
    page_t *next = tiles_next(head);
    if (next != NULL && span_kind(next) == kind) {
        remove_free(next);
        tiles_absorb(head, next);
    }
    page_t *previous = previous_free(head, kind);
    if (previous != NULL) {
        remove_free(previous);
        tiles_absorb(previous, head);
        head = previous;
    }
    size_t slices = span_slices(head);
    mark_last(head, slices);
    span_set(head, kind, slices);
    put_free(head, kind);
}

/* Put the first `slices` of a span in transit among the dirty ones; the rest. */
static page_t *insert_front(page_t *head, size_t slices) {
    if (slices == 0) return head;
    page_t *rest = tiles_split(head, slices, SPAN_TRANSIT);
    insert(head, SPAN_DIRTY);
    return rest;
}

void tiles_insert(page_t *head, span_kind_t kind) {
    units_t units = {0, span_slices(head)};
    if (kind == SPAN_CLEAN) units = units_of(head);
    if (units.inside == 0) {
        insert(head, SPAN_DIRTY);
        return;
    }
    head = insert_front(head, units.before);
    if (span_slices(head) > units.inside) {
        insert(tiles_split(head, units.inside, SPAN_TRANSIT), SPAN_DIRTY);
    }
    insert(head, kind);
}

void tiles_take(page_t *head) {
    remove_free(head);
    span_set(head, SPAN_TRANSIT, span_slices(head));
}

page_t *tiles_take_oldest(size_t slices) {
    if (!tiles_can_be_purged()) return NULL;
    page_t *head = list_object(list_first(&by_age), page_t, age);
    units_t units = units_of(head);
    tiles_take(head);
    head = insert_front(head, units.before);
    tiles_give_back_rest(head, size_min(units.inside, round_up(slices, region_unit)), SPAN_DIRTY);
    return head;
}

void tiles_give_back_rest(page_t *head, size_t slices, span_kind_t kind) {
    if (span_slices(head) > slices) tiles_insert(tiles_split(head, slices, SPAN_TRANSIT), kind);
}

void tiles_put_again(page_t *head, span_kind_t kind) {
    mark_last(head, span_slices(head));
    put_free(head, kind);
}
