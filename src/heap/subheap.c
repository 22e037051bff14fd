/* SPDX-License-Identifier: MIT */
#include "heap/subheap.h"

#include "heap/registry.h"

enum { MAIN_ID = 1 };
struct eddy_heap first_class_main = {.id = MAIN_ID,
                                     .lock = LOCK_INIT(RANK_FIRST_CLASS),
                                     .limit_slices = SIZE_MAX};

static lock_t lock = LOCK_INIT(RANK_REGISTRY);
/* Guarded by `lock`, as is_left of every sub-heap. */
static uint64_t last_id = MAIN_ID;
static struct eddy_heap *free_first_class;
static heap_t *free_subheaps; /* by next_of_thread */
static _Atomic(struct eddy_heap *) all_first_class;

static struct eddy_heap *allocate_first_class(void) {
    struct eddy_heap *made = registry_allocate(sizeof *made);
    if (made == NULL) return NULL;
    lock_init(&made->lock, RANK_FIRST_CLASS);
    lock_acquire(&lock);
    made->next_of_all = load_relaxed(&all_first_class);
    /* Release pairs with the acquire in first_class_first. */
    store_release(&all_first_class, made);
    lock_release(&lock);
    return made;
}

struct eddy_heap *first_class_first(void) {
    return load_acquire(&all_first_class);
}

struct eddy_heap *first_class_make(struct eddy_heap *parent) {
    lock_acquire(&lock);
    struct eddy_heap *made = free_first_class;
    if (made != NULL) free_first_class = made->next_free;
    uint64_t id = ++last_id;
    lock_release(&lock);
    if (made == NULL) made = allocate_first_class();
    if (made == NULL) return NULL;
    made->subheaps = NULL;
    store_relaxed(&made->limit_slices, SIZE_MAX);
    store_relaxed(&made->parent, parent);
    if (parent != NULL) add_relaxed(&parent->children, 1);
    /* Release pairs with the acquire in end_below: who sees a live heap sees its parent. */
    store_release(&made->id, id);
    return made;
}

/* The thread no longer knows the sub-heap, nor does a first-class heap. */
static void put_free(heap_t *subheap) {
    store_relaxed(&subheap->thread, NULL);
    lock_acquire(&lock);
    subheap->next_of_thread = free_subheaps;
    free_subheaps = subheap;
    lock_release(&lock);
}

/* An orphan of an ended thread keeps its pages until others adopt them or they empty. */
static bool has_no_page(heap_t *subheap) {
    if (!lock_try(&subheap->lock)) return false;
    bool none = subheap->demand.in_use + load_relaxed(&subheap->late.slices) == 0;
    lock_release(&subheap->lock);
    return none;
}

/* One without pages; of those that still have some, only a few are looked at. */
static heap_t *take_free(void) {
    enum { LOOKS = 8 };
    heap_t *found = NULL;
    lock_acquire(&lock);
    heap_t **place = &free_subheaps;
    for (int looks = 0; *place != NULL && looks < LOOKS; looks++) {
        if (has_no_page(*place)) {
            found = *place;
            *place = found->next_of_thread;
            break;
        }
        place = &(*place)->next_of_thread;
    }
    lock_release(&lock);
    return found;
}

/* False when another thread has the list in its hands (bequeath). */
static bool take_out(struct eddy_heap *first_class, heap_t *subheap) {
    heap_t **place = &first_class->subheaps;
    while (*place != NULL && *place != subheap) place = &(*place)->next_of_first_class;
    if (*place == NULL) return false;
    *place = subheap->next_of_first_class;
    return true;
}

/* Of two sub-heaps that a thread has of one first-class heap the second loses its pages to the
 * first, and its place in the heap. False when it still has large objects, which name it, or when
 * its heap is about to end. */
static bool unite(heap_t *first, heap_t *second) {
    struct eddy_heap *first_class = load_relaxed(&second->first_class);
    if (first_class == NULL || load_relaxed(&second->large_slices) > 0) return false;
    lock_acquire(&first_class->lock);
    uint64_t id = load_relaxed(&second->first_class_id);
    bool united = id == load_relaxed(&first_class->id) &&
                  id == load_relaxed(&first->first_class_id) && take_out(first_class, second);
    if (united) {
        heap_merge(second, first);
        store_relaxed(&second->first_class, NULL);
        store_relaxed(&second->first_class_id, 0);
    }
    lock_release(&first_class->lock);
    return united;
}

/* The thread's heap that what is in the sub-heap has to go to; NULL: it stays. */
static heap_t *heir_of(heap_t *subheap, thread_t *thread) {
    /* Acquire pairs with the release in end_subheap and in bequeath. */
    uint64_t id = load_acquire(&subheap->first_class_id);
    if (id == 0) return &thread->heap;
    heap_t *first = thread->subheaps;
    while (first != subheap && load_relaxed(&first->first_class_id) != id)
        first = first->next_of_thread;
    return first == subheap ? NULL : first;
}

/* Merge the thread's orphans, and what it has twice, into what stays. */
static void dissolve_superfluous(thread_t *thread) {
    heap_t **place = &thread->subheaps;
    while (*place != NULL) {
        heap_t *subheap = *place, *heir = heir_of(subheap, thread);
        if (heir != NULL && subheap == thread->standard) thread->standard = heir;
        bool is_orphan = heir == &thread->heap;
        if (heir == NULL || (!is_orphan && !unite(heir, subheap))) {
            place = &subheap->next_of_thread;
            continue;
        }
        *place = subheap->next_of_thread;
        if (is_orphan) heap_merge(subheap, heir);
        put_free(subheap);
    }
}

/* A sub-heap of the first-class heap whose thread has ended. */
static heap_t *take_left(struct eddy_heap *first_class) {
    lock_acquire(&lock);
    heap_t *subheap = first_class->subheaps;
    while (subheap != NULL && !subheap->is_left) subheap = subheap->next_of_first_class;
    if (subheap != NULL) subheap->is_left = false;
    lock_release(&lock);
    return subheap;
}

/* Registered before anybody sees it: the child of a fork makes anew the locks of heaps that are. */
static heap_t *allocate_subheap(void) {
    heap_t *subheap = registry_allocate(sizeof *subheap);
    if (subheap == NULL) return NULL;
    heap_init(subheap);
    registry_add(subheap);
    return subheap;
}

static heap_t *make_subheap(struct eddy_heap *first_class, thread_t *thread) {
    dissolve_superfluous(thread);
    lock_acquire(&first_class->lock);
    heap_t *subheap = take_left(first_class);
    bool is_member = subheap != NULL;
    if (!is_member) subheap = take_free();
    if (subheap == NULL) subheap = allocate_subheap();
    if (subheap != NULL) {
        heap_start(subheap, thread);
        store_relaxed(&subheap->first_class, first_class);
        uint64_t id = load_relaxed(&first_class->id);
        store_relaxed(&subheap->first_class_id, id);
        if (!is_member) {
            subheap->next_of_first_class = first_class->subheaps;
            first_class->subheaps = subheap;
        }
        subheap->next_of_thread = thread->subheaps;
        thread->subheaps = subheap;
    }
    lock_release(&first_class->lock);
    return subheap;
}

heap_t *subheap_of(struct eddy_heap *first_class, thread_t *thread) {
    for (heap_t *subheap = thread->subheaps; subheap != NULL; subheap = subheap->next_of_thread) {
        if (load_relaxed(&subheap->first_class_id) == load_relaxed(&first_class->id))
            return subheap;
    }
    bool ordinary = first_class == &first_class_main && thread->standard == &thread->heap;
    return ordinary ? &thread->heap : make_subheap(first_class, thread);
}

void subheap_set_standard(thread_t *thread, heap_t *heap) {
    /* Without a current page every allocation from the ordinary heap enters the slow path, which
     * looks for the standard one. */
    lock_acquire(&thread->heap.lock);
    heap_put_aside_current(&thread->heap);
    lock_release(&thread->heap.lock);
    thread->standard = heap;
}

/* Large objects stand in no list: they are found by walking all spans, if there are any. */
typedef struct large_walk {
    heap_t *heap;
    bool free;
} large_walk_t;

static bool end_large(page_t *head, void *argument) {
    const large_walk_t *walk = argument;
    if (span_kind(head) != SPAN_LARGE || load_relaxed(&head->large_heap) != walk->heap) return true;
    heap_t *expected = walk->heap;
    /* Whoever takes the heap out of the object counts it out: this, or a free by another thread. */
    if (swap_strong_relaxed(&head->large_heap, &expected, NULL)) {
        sub_relaxed(&walk->heap->large_slices, span_slices(head));
        if (walk->free) span_free(head);
    }
    return true;
}

static void end_subheap(heap_t *subheap, bool destroy) {
    if (load_relaxed(&subheap->large_slices) > 0) {
        large_walk_t walk = {subheap, destroy};
        span_walk(end_large, &walk);
    }
    if (destroy) heap_destroy_pages(subheap);
    store_relaxed(&subheap->first_class, NULL);
    lock_acquire(&lock);
    bool was_left = subheap->is_left;
    subheap->is_left = false;
    /* Release pairs with the acquire in heir_of: the thread sees all that was done here.
     * From here on a live thread may dissolve the sub-heap. */
    store_release(&subheap->first_class_id, 0);
    lock_release(&lock);
    if (was_left) put_free(subheap);
}

/* The thread ends. Either the first-class heap has ended before, or it finds the sub-heap left. */
static void leave(heap_t *subheap) {
    heap_abandon(subheap);
    lock_acquire(&lock);
    bool is_orphan = load_relaxed(&subheap->first_class_id) == 0;
    subheap->is_left = !is_orphan;
    lock_release(&lock);
    if (is_orphan) put_free(subheap);
}

static void end_subheaps(struct eddy_heap *first_class, bool destroy) {
    lock_acquire(&first_class->lock);
    heap_t *subheap = first_class->subheaps;
    first_class->subheaps = NULL;
    while (subheap != NULL) {
        heap_t *next = subheap->next_of_first_class;
        end_subheap(subheap, destroy);
        subheap = next;
    }
    lock_release(&first_class->lock);
}

/* The sub-heaps are the parent's from now on, but for those without a block. */
static void bequeath(struct eddy_heap *first_class, struct eddy_heap *parent) {
    heap_t *first = NULL, *last = NULL;
    lock_acquire(&first_class->lock);
    while (first_class->subheaps != NULL) {
        heap_t *subheap = first_class->subheaps;
        first_class->subheaps = subheap->next_of_first_class;
        if (has_no_page(subheap) && load_relaxed(&subheap->large_slices) == 0) {
            end_subheap(subheap, false);
            continue;
        }
        store_relaxed(&subheap->first_class, parent);
        uint64_t id = load_relaxed(&parent->id);
        /* Release pairs with the acquire in heir_of. */
        store_release(&subheap->first_class_id, id);
        subheap->next_of_first_class = first;
        first = subheap;
        if (last == NULL) last = subheap;
    }
    lock_release(&first_class->lock);
    if (first == NULL) return;
    lock_acquire(&parent->lock);
    last->next_of_first_class = parent->subheaps;
    parent->subheaps = first;
    lock_release(&parent->lock);
}

static void end_below(struct eddy_heap *parent, bool destroy) {
    struct eddy_heap *heap = load_relaxed(&parent->children) == 0 ? NULL : first_class_first();
    for (; heap != NULL; heap = heap->next_of_all) {
        /* Acquire pairs with the release in first_class_make. */
        bool lives = load_acquire(&heap->id) != 0;
        if (lives && load_relaxed(&heap->parent) == parent) first_class_end(heap, destroy);
    }
}

void first_class_end(struct eddy_heap *first_class, bool destroy) {
    end_below(first_class, destroy);
    struct eddy_heap *parent = load_relaxed(&first_class->parent);
    if (destroy || parent == NULL || parent == &first_class_main) {
        end_subheaps(first_class, destroy);
    } else {
        bequeath(first_class, parent);
    }
    if (thread_is_started(thread_self)) dissolve_superfluous(thread_self);
    store_relaxed(&first_class->id, 0);
    if (parent != NULL) sub_relaxed(&parent->children, 1);
    lock_acquire(&lock);
    first_class->next_free = free_first_class;
    free_first_class = first_class;
    lock_release(&lock);
}

void subheap_abandon_all(thread_t *thread) {
    dissolve_superfluous(thread);
    while (thread->subheaps != NULL) {
        heap_t *subheap = thread->subheaps;
        thread->subheaps = subheap->next_of_thread;
        leave(subheap);
    }
}

static void repair_first_class(struct eddy_heap *first_class) {
    lock_init(&first_class->lock, RANK_FIRST_CLASS);
    first_class->subheaps = NULL;
    if (first_class == &first_class_main || load_relaxed(&first_class->id) != 0) return;
    first_class->next_free = free_first_class;
    free_first_class = first_class;
}

void subheap_repair(void) {
    lock_init(&lock, RANK_REGISTRY);
    free_subheaps = NULL;
    free_first_class = NULL;
    repair_first_class(&first_class_main);
    for (struct eddy_heap *heap = first_class_first(); heap != NULL; heap = heap->next_of_all) {
        repair_first_class(heap);
    }
}

static bool is_ordinary(heap_t *heap) {
    thread_t *thread = load_relaxed(&heap->thread);
    return thread != NULL && heap == &thread->heap;
}

/* What names the first-class heap decides: the other places follow it when it changes. */
void subheap_list_again(heap_t *heap) {
    if (is_ordinary(heap)) return;
    struct eddy_heap *first_class = load_relaxed(&heap->first_class);
    uint64_t id = first_class == NULL ? 0 : load_relaxed(&first_class->id);
    store_relaxed(&heap->first_class_id, id);
    if (id == 0) return;
    heap->next_of_first_class = first_class->subheaps;
    first_class->subheaps = heap;
}

void subheap_disown(heap_t *heap) {
    if (is_ordinary(heap)) return;
    store_relaxed(&heap->thread, NULL);
    heap->is_left = load_relaxed(&heap->first_class_id) != 0;
    if (!heap->is_left) {
        heap->next_of_thread = free_subheaps;
        free_subheaps = heap;
    }
}
