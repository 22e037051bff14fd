/* The lower bound that the sweep measures against: malloc and free of one size for one thread, a
 * stack of links and nothing else. Preloaded like an allocator, it is not one: it serves a program
 * that calls barelist_setup and from then on asks for blocks of that size only.
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

enum { ALIGNMENT = 16 };
static const size_t arena_bytes = (size_t)1 << 30;

typedef struct link {
    struct link *next;
} link_t;

static link_t *top;
static char *fresh;       /* where the next block is cut from */
static char *bottom;      /* of the blocks of one size, */
static size_t room;       /* which stretch this far, */
static size_t block_size; /* and their size. All 0 while the C library starts up */

static void open_arena(void) {
    if (fresh != NULL) return;
    fresh = mmap(NULL, arena_bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* Blocks of `size` bytes from now on; those of an earlier set-up must all have been freed. */
void barelist_setup(size_t size) {
    block_size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    open_arena();
    if (bottom == NULL) bottom = fresh;
    room = arena_bytes;
    fresh = bottom;
    top = NULL;
}

__attribute__((noinline)) static void *cut(size_t size) {
    open_arena();
    char *block = fresh;
    fresh += block_size != 0 ? block_size : (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return block;
}

void *malloc(size_t size) {
    link_t *block = top;
    if (__builtin_expect(block == NULL, 0)) return cut(size);
    top = block->next;
    return block;
}

/* One comparison sorts out NULL and what the C library took for itself. */
void free(void *block) {
    if (__builtin_expect((uintptr_t)block - (uintptr_t)bottom >= room, 0)) return;
    link_t *link = block;
    link->next = top;
    top = link;
}
