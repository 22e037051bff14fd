/* SPDX-License-Identifier: MIT */
#include "heap/registry.h"

#include "os/os.h"

enum { CHUNK_BYTES = 256 << 10, STRUCT_ALIGN = 128 };

static _Atomic(heap_t *) first;
/* Where the next walk begins; only a hint. */
static _Atomic(heap_t *) cursor;

/* Guards the chunk that structs are cut from, and growing the list. */
static lock_t lock = LOCK_INIT(RANK_REGISTRY);
static char *chunk;
static size_t chunk_left;
static _Atomic size_t metadata_bytes;

void *registry_allocate(size_t bytes) {
    bytes = round_up(bytes, STRUCT_ALIGN);
    assert_always(bytes <= CHUNK_BYTES);
    lock_acquire(&lock);
    if (bytes > chunk_left) {
        char *fresh = os_map(CHUNK_BYTES);
        if (fresh == NULL) {
            lock_release(&lock);
            return NULL;
        }
        chunk = fresh;
        atomic_signal_fence(memory_order_seq_cst);
        chunk_left = CHUNK_BYTES;
    }
    void *result = chunk;
    /* In this order: a child forked in between has too little of the chunk left, not too much. */
    chunk_left -= bytes;
    atomic_signal_fence(memory_order_seq_cst);
    chunk += bytes;
    lock_release(&lock);
    add_relaxed(&metadata_bytes, bytes);
    return result;
}

size_t registry_metadata_bytes(void) { return load_relaxed(&metadata_bytes); }

void registry_add(heap_t *heap) {
    lock_acquire(&lock);
    heap->next_of_all = load_relaxed(&first);
    /* Release pairs with the acquire in registry_first: who sees the heap sees it initialised. */
    store_release(&first, heap);
    lock_release(&lock);
}

heap_t *registry_first(void) { return load_acquire(&first); }

/* Acquire pairs with the two releases below: the struct is seen as who named it saw it. */
heap_t *registry_next(registry_walk_t *walk) {
    if (walk->looks == REGISTRY_LOOKS) return NULL;
    heap_t *heap = load_acquire(&cursor);
    if (heap == NULL) heap = registry_first();
    if (heap == NULL || heap == walk->first) return NULL;
    if (walk->first == NULL) walk->first = heap;
    walk->looks++;
    store_release(&cursor, heap->next_of_all);
    return heap;
}

void registry_stay(heap_t *heap) { store_release(&cursor, heap); }

void registry_repair(void) { lock_init(&lock, RANK_REGISTRY); }
