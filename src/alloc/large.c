/* SPDX-License-Identifier: MIT */
#include "alloc/large.h"

#include <string.h>

#include "heap/limit.h"
#include "heap/mistake.h"
#include "memory/region.h"
#include "os/forked.h"
#include "os/os.h"

/* Moving page tables beats copying from this size on (docs/evidence.md, "mremap"). */
enum { MOVE_LEAST_BYTES = 1 << 20 };
/* Each moved object is a mapping of its own, and one more may lie behind it. */
enum { MOVED_MOST = 1000 };
/* Moving is quickest from and to where page tables begin. */
enum { GROUND_ALIGNMENT = (2 << 20) >> SLICE_SHIFT };

static _Atomic size_t moved_count;

static void make_large(page_t *head, heap_t *heap, size_t offset) {
    head->large_offset = offset;
    head->is_moved = false;
    store_relaxed(&head->owner, NULL);
    store_relaxed(&head->large_heap, heap);
    size_t slices = span_slices(head);
    if (load_relaxed(&heap->first_class) != NULL) add_relaxed(&heap->large_slices, slices);
    span_set(head, SPAN_LARGE, slices);
}

/* Memory that is held already before memory that is not. */
static page_t *allocate_span(heap_t *heap, size_t slices, size_t alignment, bool *is_zero) {
    page_t *head = span_allocate(slices, alignment, SPAN_FROM_DIRTY, is_zero);
    if (head == NULL && heap_release_some_retained(heap, slices)) {
        head = span_allocate(slices, alignment, SPAN_FROM_DIRTY, is_zero);
    }
    return head != NULL ? head : span_allocate(slices, alignment, SPAN_FROM_ANY, is_zero);
}

void *large_allocate(heap_t *heap, size_t size, size_t alignment, size_t offset, bool zero) {
    size_t span_alignment = size_max(alignment >> SLICE_SHIFT, 1);
    /* The object begins at the first place in an aligned span where the offset is right. */
    size_t pad = (0 - offset) & (alignment - 1);
    if (size > PTRDIFF_MAX - SLICE_BYTES - pad) return NULL;
    bool is_zero;
    size_t slices = size_max(divide_up(pad + size, SLICE_BYTES), 1);
    size_t dropped = pad >> SLICE_SHIFT;
    struct eddy_heap *limited = limit_begin(heap);
    bool allowed = limit_allows(limited, slices - dropped);
    page_t *head = allowed ? allocate_span(heap, slices, span_alignment, &is_zero) : NULL;
    /* It lies in the first slice, whose descriptor is the one that describes it. */
    if (head != NULL && dropped > 0) head = span_drop_front(head, dropped);
    if (head != NULL) make_large(head, heap, pad & (SLICE_BYTES - 1));
    limit_end(limited);
    if (head == NULL) return NULL;
    void *pointer = large_pointer(head);
    if (zero && !is_zero) memset(pointer, 0, large_usable(head));
    return pointer;
}

/* A first-class heap counts what its objects take. Its end forgets them too; one of the two counts
 * down. */
static void leave_heap(page_t *head) {
    heap_t *heap = load_relaxed(&head->large_heap);
    if (heap == NULL || load_relaxed(&heap->first_class) == NULL) return;
    heap_t *counting = heap;
    if (swap_strong_relaxed(&head->large_heap, &counting, NULL))
        sub_relaxed(&heap->large_slices, span_slices(head));
}

/* Its ground is as if nobody had ever touched it. If that is refused, it becomes memory like any
 * other, for all who need some. */
static bool free_ground(page_t *head) {
    bool replaced = region_replace(head);
    if (replaced) {
        span_free_ground(head);
    } else {
        span_free(head);
    }
    return replaced;
}

static void free_moved(page_t *head) {
    if (free_ground(head)) sub_relaxed(&moved_count, 1);
}

void large_free(page_t *head, void *pointer, const char *call) {
    /* A thread is known before it takes a lock (heap/fork.h). */
    if (unlikely(thread_self == &thread_none)) (void)thread_start();
    /* From the swap on until the span is free the object is in this thread's hands, and a repair
     * would give away what lies in those of vanished ones. */
    forked_check();
    uint64_t shape = span_shape(head);
    /* Of two threads that free the same object one finds it gone. Acquire pairs with the release in
     * span_set: the object is as its last user left it. */
    bool taken =
        shape_kind(shape) == SPAN_LARGE && pointer == large_pointer(head) &&
        swap_strong_acquire(&head->shape, &shape, shape_of(SPAN_TRANSIT, shape_count(shape)));
    if (!taken) {
        mistake_bad_pointer(call, pointer);
        return;
    }
    leave_heap(head);
    if (head->is_moved) {
        free_moved(head);
    } else {
        span_free(head);
    }
}

static void shorten(page_t *head, size_t slices) {
    page_t *rest = span_cut(head, slices);
    if (head->is_moved) {
        (void)free_ground(rest);
    } else {
        span_free(rest);
    }
}

bool large_resize_in_place(page_t *head, size_t size) {
    if (size > PTRDIFF_MAX - (size_t)2 * SLICE_BYTES) return false;
    size_t slices = size_max(divide_up(head->large_offset + size, SLICE_BYTES), 1);
    size_t now = span_slices(head);
    if (slices == now) return true;
    struct eddy_heap *first_class = limit_begin_resize(head);
    bool resized =
        slices < now || (limit_allows(first_class, slices - now) && span_extend(head, slices));
    if (slices < now) shorten(head, slices);
    if (resized && first_class != NULL) {
        heap_t *heap = load_relaxed(&head->large_heap);
        add_relaxed(&heap->large_slices, slices - now);
    }
    limit_end(first_class);
    return resized;
}

static bool may_move(page_t *head) {
    bool fits = head->large_offset == 0 && span_bytes(head) >= MOVE_LEAST_BYTES;
    return fits && load_relaxed(&moved_count) < MOVED_MOST;
}

/* Ground that nothing was moved to. A move that fails half-way leaves it without a mapping: then it
 * must not be used again, unless it gets one. */
static void give_up(page_t *target) {
    bool mapped = os_is_mapped(slice_address(target), span_bytes(target));
    if (mapped || region_replace(target)) span_free_ground(target);
}

/* Move the memory of `head` to a longer span. */
static page_t *move_to(heap_t *heap, page_t *head, size_t slices) {
    bool is_zero;
    if (!span_is_own(head)) return NULL;
    page_t *target = span_allocate(slices, GROUND_ALIGNMENT, SPAN_FROM_GROUND, &is_zero);
    if (target == NULL) return NULL;
    if (!os_move(slice_address(head), slice_address(target), span_bytes(head))) {
        give_up(target);
        return NULL;
    }
    make_large(target, heap, 0);
    target->is_moved = true;
    add_relaxed(&moved_count, 1);
    leave_heap(head);
    if (head->is_moved) {
        free_moved(head);
    } else {
        span_free_clean(head);
    }
    return target;
}

static bool belongs_to(page_t *head, const struct eddy_heap *first_class) {
    heap_t *heap = load_relaxed(&head->large_heap);
    return heap != NULL && load_relaxed(&heap->first_class) == first_class;
}

/* Within the limit of the heap that gets the object: one that has it already holds its memory once
 * all the time. */
static page_t *move(heap_t *heap, page_t *head, size_t slices) {
    struct eddy_heap *limited = limit_begin(heap);
    bool stays = limited != NULL && belongs_to(head, limited);
    bool allowed = limit_allows(limited, stays ? slices - span_slices(head) : slices);
    page_t *target = allowed ? move_to(heap, head, slices) : NULL;
    limit_end(limited);
    return target;
}

page_t *large_resize(heap_t *heap, page_t *head, size_t size, size_t wanted) {
    if (large_resize_in_place(head, size)) return head;
    if (!may_move(head)) return NULL;
    page_t *moved = move(heap, head, divide_up(wanted, SLICE_BYTES));
    return moved != NULL || wanted == size ? moved : move(heap, head, divide_up(size, SLICE_BYTES));
}
