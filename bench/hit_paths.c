/* What the alternatives of the hit paths cost: malloc and free in plain C, compiled once for each
 * alternative, with nothing else of an allocator but pages of one slice, for one thread. To be
 * preloaded and counted, in bursts that a page holds:
 *
 *     tools/count_pairs --sizes 16,64,256,512 --bursts 1,10,100
 *     flat=build/release/bench/hit_flat.so
 *
 * SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* HIT_PATH names one of them. */
enum {
    CHOSEN,    /* as in src/alloc/fast.h */
    FLAT,      /* a descriptor for every slice of the address space: nothing lies outside */
    APART,     /* the owner in a table of its own, four bytes for a slice */
    TWO_LISTS, /* freed blocks wait in a second list until the first is empty */
    UNCOUNTED, /* ... and then count as in use, all at once */
    POINTER    /* the owner is known by the thread pointer */
};

enum {
    SLICE_SHIFT = 16,
    SLICE_BYTES = 1 << SLICE_SHIFT,
    ALIGNMENT = 16,
    DIRECT_MAX = 1024,
    DIRECT_COUNT = DIRECT_MAX / ALIGNMENT + 1,
    ADDRESS_BITS = 47,
    WINDOW_SLICES = 1 << 14
};

typedef struct block {
    struct block *next;
} block_t;

typedef struct page {
    block_t *free;
    block_t *freed; /* the second list */
    uint32_t used, capacity;
    void *owner;
} __attribute__((aligned(128))) page_t;

typedef struct thread {
    page_t *direct[DIRECT_COUNT];
    uint32_t id;
} thread_t;

static page_t page_empty;
static thread_t thread_only = {{[0 ... DIRECT_COUNT - 1] = &page_empty}, 1};
/* Not static: a compiler that sees that nothing writes it would do without. */
_Thread_local thread_t *self __attribute__((visibility("hidden"), tls_model("initial-exec"))) =
    &thread_only;

static uintptr_t base;
static size_t slices;
static page_t *descriptors;
static uint32_t *owners;
static char *fresh; /* slices not in use yet */

static inline bool has_two_lists(void) { return HIT_PATH == TWO_LISTS || HIT_PATH == UNCOUNTED; }

static inline size_t slice_of(const void *pointer) {
    return ((uintptr_t)pointer - (HIT_PATH == FLAT ? 0 : base)) >> SLICE_SHIFT;
}

static inline bool is_own(const page_t *page, size_t slice, const thread_t *thread) {
    if (HIT_PATH == APART) return owners[slice] == thread->id;
    return page->owner == (HIT_PATH == POINTER ? __builtin_thread_pointer() : (const void *)thread);
}

static void *reserve(size_t bytes) {
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
}

static void start(void) {
    base = (uintptr_t)reserve((size_t)(WINDOW_SLICES + 1) << SLICE_SHIFT);
    base = (base + SLICE_BYTES - 1) & ~(uintptr_t)(SLICE_BYTES - 1);
    fresh = (char *)base;
    owners = reserve(WINDOW_SLICES * sizeof *owners);
    slices = HIT_PATH == FLAT ? (size_t)1 << (ADDRESS_BITS - SLICE_SHIFT) : WINDOW_SLICES;
    /* valgrind grants less than the whole, and gives programs low addresses only. */
    while ((descriptors = reserve(slices * sizeof *descriptors)) == MAP_FAILED) slices /= 2;
}

static char *take_slices(size_t bytes) {
    char *first = fresh;
    fresh += (bytes + SLICE_BYTES - 1) & ~(size_t)(SLICE_BYTES - 1);
    return first;
}

/* A new page, all its blocks linked. */
static page_t *make_page(size_t block_bytes) {
    char *blocks = take_slices(SLICE_BYTES);
    const size_t slice = slice_of(blocks);
    page_t *page = &descriptors[slice];
    if (HIT_PATH == APART) owners[slice] = self->id;
    page->owner = HIT_PATH == POINTER ? __builtin_thread_pointer() : (void *)self;
    page->capacity = (uint32_t)(SLICE_BYTES / block_bytes);
    page->used = HIT_PATH == UNCOUNTED ? page->capacity : 1;
    for (size_t i = page->capacity; i-- > 0;) {
        block_t *block = (block_t *)(void *)(blocks + i * block_bytes);
        block->next = page->free;
        page->free = block;
    }
    return page;
}

static void promote(page_t *page) {
    page->free = page->freed;
    page->freed = NULL;
    if (HIT_PATH == UNCOUNTED) page->used = page->capacity;
}

static __attribute__((noinline)) void *malloc_slow(size_t size) {
    if (descriptors == NULL) start();
    if (size > DIRECT_MAX) return take_slices(size);
    const size_t index = (size + ALIGNMENT - 1) / ALIGNMENT;
    page_t *page = self->direct[index];
    if (page->freed != NULL) {
        promote(page);
    } else {
        page = self->direct[index] = make_page(index == 0 ? ALIGNMENT : index * ALIGNMENT);
    }
    block_t *block = page->free;
    page->free = block->next;
    page->used += HIT_PATH != UNCOUNTED;
    return block;
}

/* The last block of a page was freed. */
static __attribute__((noinline)) void count_out(page_t *page) {
    if (page->free == NULL) promote(page);
}

void *malloc(size_t size) {
    if (likely(size <= DIRECT_MAX)) {
        page_t *page = self->direct[(size + ALIGNMENT - 1) / ALIGNMENT];
        block_t *block = page->free;
        if (likely(block != NULL)) {
            page->free = block->next;
            if (HIT_PATH != UNCOUNTED) page->used++;
            return block;
        }
    }
    return malloc_slow(size);
}

/* What is not this allocator's own is the C library's, from before the start. */
void free(void *pointer) {
    const size_t slice = slice_of(pointer);
    if (HIT_PATH != FLAT && unlikely(slice >= slices)) return;
    page_t *page = &descriptors[slice];
    if (unlikely(!is_own(page, slice, self))) return;
    block_t **list = has_two_lists() ? &page->freed : &page->free;
    block_t *block = pointer;
    block->next = *list;
    *list = block;
    if (unlikely(--page->used == 0)) count_out(page);
}

/* For the shell that starts valgrind. What lies behind a block is mapped, and may be copied too. */
void *realloc(void *pointer, size_t size) {
    void *block = malloc(size);
    if (pointer != NULL) memcpy(block, pointer, size);
    return block;
}
