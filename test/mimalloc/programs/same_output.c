/* Prints what mimalloc promises, and nothing that only one allocator does: run on mimalloc's own
 * library and on Eddy, it has to say the same. Generation 2.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mimalloc.h"

#define SAY(expression) printf("%s: %ld\n", #expression, (long)(expression))

static const size_t sizes[] = {0, 1, 100, 1024, 5000, 70000, 3 << 20};
enum { SIZES = sizeof sizes / sizeof *sizes };

static size_t hide(size_t size) {
    __asm__("" : "+r"(size));
    return size;
}

static bool is_zero(const char *block, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (block[i] != 0) return false;
    }
    return true;
}

static void allocate(void) {
    for (int i = 0; i < SIZES; i++) {
        size_t size = sizes[i];
        char *block = mi_malloc(size), *zeroed = mi_zalloc(size), *counted = mi_calloc(3, size);
        SAY(block != NULL && mi_usable_size(block) >= size);
        SAY(is_zero(zeroed, size) && is_zero(counted, 3 * size));
        SAY(mi_good_size(size) >= size);
        memset(block, 7, size);
        block = mi_realloc(block, 2 * size + 1);
        SAY(size == 0 || (block[0] == 7 && block[size - 1] == 7));
        zeroed = mi_rezalloc(zeroed, 2 * size + 1);
        SAY(is_zero(zeroed, size));
        SAY(mi_expand(block, mi_usable_size(block)) == block);
        mi_free(block);
        mi_free(zeroed);
        mi_free_size(counted, 3 * size);
    }
    SAY(mi_malloc(hide(SIZE_MAX / 2)) == NULL);
    SAY(mi_calloc(hide(SIZE_MAX / 2), 4) == NULL);
    SAY(mi_mallocn(hide(SIZE_MAX / 2), 4) == NULL);
    SAY(mi_usable_size(NULL));
    mi_free(NULL);
}

static void align(void) {
    for (size_t alignment = 1; alignment <= 4096; alignment *= 4) {
        for (int i = 0; i < SIZES; i++) {
            char *at_start = mi_zalloc_aligned(sizes[i], alignment);
            char *at_offset = mi_malloc_aligned_at(sizes[i] + 8, alignment, 8);
            at_start = mi_realloc_aligned(at_start, sizes[i] + 100, alignment);
            SAY((uintptr_t)at_start % alignment + (uintptr_t)(at_offset + 8) % alignment);
            mi_free(at_start);
            mi_free(at_offset);
        }
    }
    void *block = NULL;
    SAY(mi_posix_memalign(&block, 64, 100));
    SAY((uintptr_t)block % 64);
    mi_free_aligned(block, 64);
    SAY(mi_posix_memalign(&block, 3, 100) == EINVAL);
    SAY(mi_posix_memalign(&block, 64, hide(SIZE_MAX / 2)) == ENOMEM);
    SAY(mi_malloc_aligned(100, hide(24)) == NULL);
}

static void copy_strings(void) {
    char *whole = mi_strdup("charybdis"), *part = mi_strndup("charybdis", 4);
    char *path = mi_realpath("/usr/..", NULL), *value = NULL;
    size_t size = 9;
    printf("%s %s %s\n", whole, part, path);
    setenv("EDDYING", "round", 1);
    SAY(mi_dupenv_s(&value, &size, "EDDYING"));
    printf("%s %zu\n", value, size);
    mi_free(value);
    SAY(mi_dupenv_s(&value, &size, "NO_SUCH_NAME"));
    SAY(value == NULL && size == 0);
    SAY(mi_dupenv_s(NULL, &size, "EDDYING") == EINVAL);
    SAY(mi_strdup(NULL) == NULL);
    void *place = NULL;
    SAY(mi_reallocarr(&place, 10, 10));
    SAY(place != NULL);
    mi_free(place);
    mi_free(whole);
    mi_free(part);
    mi_free(path);
}

typedef struct census {
    size_t areas, used, blocks, bytes;
} census_t;

static bool count(const mi_heap_t *heap, const mi_heap_area_t *area, void *block, size_t size,
                  void *argument) {
    (void)heap;
    census_t *census = argument;
    census->areas += block == NULL;
    if (block == NULL) census->used += area->used;
    census->blocks += block != NULL;
    census->bytes += block != NULL && size >= 100;
    return true;
}

static void *allocate_in_another(void *argument) {
    mi_heap_t *own = mi_heap_new();
    for (int i = 0; i < 1000; i++) memset(mi_heap_malloc(own, 64), 1, 64);
    mi_free(argument);
    char *left = mi_heap_strdup(own, "left behind");
    mi_heap_delete(own);
    return left;
}

static void use_heaps(void) {
    mi_heap_t *heap = mi_heap_new(), *backing = mi_heap_get_backing();
    SAY(mi_heap_get_default() == backing);
    void *kept[50];
    for (int i = 0; i < 50; i++) kept[i] = mi_heap_zalloc(heap, 100);
    for (int i = 0; i < 50; i += 2) mi_free(kept[i]);
    census_t census = {0};
    SAY(mi_heap_visit_blocks(heap, true, count, &census));
    printf("%zu blocks, %zu used, %zu large enough\n", census.blocks, census.used, census.bytes);
    SAY(mi_heap_contains_block(heap, kept[1]) && !mi_heap_contains_block(backing, kept[1]));
    SAY(mi_heap_check_owned(heap, kept[1]) && !mi_heap_check_owned(heap, &census));
    SAY(mi_heap_set_default(heap) == backing);
    char *block = mi_malloc(100);
    SAY(mi_heap_contains_block(heap, block) && mi_check_owned(block));
    SAY(mi_heap_set_default(backing) == heap);
    block = mi_heap_realloc(heap, block, 1000);
    SAY(block != NULL && mi_heap_contains_block(heap, block));
    SAY(mi_is_in_heap_region(block) && !mi_is_in_heap_region(NULL));
    char *outlives = mi_heap_strdup(heap, "outlives");
    mi_heap_delete(heap);
    printf("%s\n", outlives);
    mi_free(outlives);
    mi_free(block);
    heap = mi_heap_new();
    for (int i = 0; i < 1000; i++) memset(mi_heap_malloc(heap, 200), 1, 200);
    mi_heap_destroy(heap);

    pthread_t thread;
    void *left = NULL;
    pthread_create(&thread, NULL, allocate_in_another, mi_malloc(100));
    pthread_join(thread, &left);
    printf("%s\n", (char *)left);
    mi_free(left);
}

static int deferred_calls;

static void defer(bool force, unsigned long long heartbeat, void *argument) {
    (void)force, (void)heartbeat;
    deferred_calls += argument == &deferred_calls;
}

static size_t said;

static void listen(const char *message, void *argument) {
    (void)argument;
    said += strlen(message);
}

static void call_back(void) {
    mi_register_deferred_free(defer, &deferred_calls);
    static void *blocks[100000];
    for (int i = 0; i < 100000; i++) blocks[i] = mi_malloc(64);
    for (int i = 0; i < 100000; i++) mi_free(blocks[i]);
    mi_collect(true);
    mi_register_deferred_free(NULL, NULL);
    SAY(deferred_calls > 0);
    mi_stats_print_out(listen, NULL);
    SAY(said > 0);
    mi_option_set(mi_option_purge_delay, 25);
    SAY(mi_option_get(mi_option_purge_delay));
    SAY(mi_option_get_clamp(mi_option_purge_delay, 0, 10));
    SAY(mi_is_redirected());
}

int main(void) {
    allocate();
    align();
    copy_strings();
    use_heaps();
    call_back();
    return 0;
}
