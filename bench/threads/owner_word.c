/* Where the owner word of a page should lie, between two processors: in the line that the owner
 * writes in every malloc and free (with), or in a table that nobody writes (apart).
 *
 *     owner_word            one row for each place: nanoseconds of a malloc and free of the owner
 *                           alone, of the same while another thread frees blocks of its page, and
 *                           of one such free
 *
 * The steps are those of Eddy's hit paths. The other thread gathers, as Eddy does: of a block that
 * it frees it reads the owner and writes the link. Nothing here is an allocator.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "bench.h"
#include "measure.h"

enum { PAIRS = 20000000, BLOCKS = 512, BLOCK_BYTES = 64, OWNER = 1, OTHER = 2 };

typedef struct block {
    struct block *volatile next;
} block_t;

/* What the owner writes in a descriptor; `owner` is the word that every free reads. */
static struct {
    _Alignas(128) block_t *volatile free;
    volatile uint32_t used;
    _Atomic uint32_t owner;
} page;
static _Alignas(128) _Atomic uint32_t table[BLOCKS];

static _Alignas(128) char mine[BLOCKS][BLOCK_BYTES], others[BLOCKS][BLOCK_BYTES];
static _Alignas(128) atomic_bool over;
static _Atomic uint64_t frees;

static void push(block_t *block) {
    block->next = page.free;
    page.free = block;
    page.used--;
}

static double owner_ns(const _Atomic uint32_t *owner) {
    const uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    for (size_t i = 0; i < PAIRS; i++) {
        block_t *block = page.free;
        page.free = block->next;
        page.used++;
        if (atomic_load_explicit(owner, memory_order_relaxed) == OWNER) push(block);
    }
    return (double)(clock_ns(CLOCK_MONOTONIC) - begin) / PAIRS;
}

static void *free_remotely(void *argument) {
    const _Atomic uint32_t *owner = argument;
    block_t *gathered = NULL;
    uint64_t count = 0;
    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        block_t *block = (block_t *)(void *)others[count++ % BLOCKS];
        if (atomic_load_explicit(owner, memory_order_relaxed) == OTHER) continue;
        block->next = gathered;
        gathered = block;
    }
    atomic_store(&frees, count);
    return NULL;
}

static void compare(const char *name, _Atomic uint32_t *owner) {
    pthread_t other;
    atomic_store(owner, OWNER);
    atomic_store(&over, false);
    const double alone_ns = owner_ns(owner);
    if (pthread_create(&other, NULL, free_remotely, owner) != 0) bench_fail("thread", "refused");
    const uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    const double beside_ns = owner_ns(owner);
    const double elapsed_ns = (double)(clock_ns(CLOCK_MONOTONIC) - begin);
    atomic_store(&over, true);
    pthread_join(other, NULL);
    printf("%s\t%.2f\t%.2f\t%.2f\n", name, alone_ns, beside_ns,
           elapsed_ns / (double)atomic_load(&frees));
}

int main(void) {
    for (size_t i = 0; i < BLOCKS; i++) push((block_t *)(void *)mine[i]);
    puts("owner\talone_ns\tbeside_ns\tfree_ns");
    compare("with", &page.owner);
    compare("apart", &table[0]);
    return 0;
}
