/* Memory handed in. Each test in a process of its own: what is handed in stays.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <sys/mman.h>

#include "layer.h"

enum { PIECE = 64 << 20 };

static char *map(size_t bytes) {
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(memory != MAP_FAILED);
    return memory;
}

static bool lies_in(const char *start, size_t bytes, const void *pointer) {
    return (uintptr_t)pointer - (uintptr_t)start < bytes;
}

/* ---- used, and never given back ---- */

static void use_a_piece(void) {
    char *memory = map(PIECE);
    mi_arena_id_t arena;
    check(mi_manage_os_memory_ex(memory, PIECE, true, false, true, -1, false, &arena));
    size_t bytes = 0;
    char *start = mi_arena_area(arena, &bytes);
    check(lies_in(memory, PIECE, start) && bytes > PIECE - 2 * 65536);
    char *large = mi_zalloc(PIECE / 2);
    check(lies_in(start, bytes, large));
    check(is_zero(large, PIECE / 2));
    memset(large, 1, PIECE / 2);
    size_t usable = mi_usable_size(large);
    check(usable >= PIECE / 2);
    mi_free(large);
    mi_collect(true);
    check(start[large - start + 100] == 1);
    /* What was used before is not taken for zero. */
    char *again = mi_zalloc(PIECE / 2);
    check(lies_in(start, bytes, again) && is_zero(again, PIECE / 2));
    char *moved = mi_realloc(again, 2 * (size_t)PIECE);
    check(!lies_in(start, bytes, moved) && is_zero(moved, PIECE / 2));
    mi_free(moved);
    check(memory[PIECE - 1] == 0);
}

static void memory_handed_in_is_used(void **state) {
    (void)state;
    assert_in_child(use_a_piece);
}

static void fill_small_blocks(void) {
    char *memory = map(PIECE);
    check(mi_manage_os_memory(memory, PIECE, true, true, true, -1));
    size_t inside = 0;
    for (size_t i = 0; i < 20000; i++) {
        char *block = mi_malloc(1000);
        memset(block, 1, 1000);
        inside += lies_in(memory, PIECE, block);
    }
    check(inside > 19000);
}

static void small_blocks_come_from_it(void **state) {
    (void)state;
    assert_in_child(fill_small_blocks);
}

static void use_nothing_else(void) {
    char *memory = map(PIECE);
    check(mi_manage_os_memory(memory, PIECE, true, false, true, -1));
    mi_option_enable(mi_option_disallow_os_alloc);
    check(mi_malloc(2 * (size_t)PIECE) == NULL && errno == ENOMEM);
    check(lies_in(memory, PIECE, mi_malloc(PIECE / 4 * 3)));
    check(mi_malloc(PIECE / 2) == NULL && errno == ENOMEM);
    mi_option_disable(mi_option_disallow_os_alloc);
    check(mi_malloc(PIECE / 2) != NULL);
}

static void nothing_else_is_used_when_so_wished(void **state) {
    (void)state;
    assert_in_child(use_nothing_else);
}

/* ---- refused ---- */

static char of_program[4 * 65536];

static void hand_in_nonsense(void) {
    char *memory = map(PIECE);
    check(!mi_manage_os_memory(NULL, 0, true, false, true, -1));
    check(!mi_manage_os_memory(memory, 100, true, false, true, -1));
    check(!mi_manage_os_memory(memory, SIZE_MAX, true, false, true, -1));
    check(!mi_manage_os_memory(of_program, sizeof of_program, true, false, true, -1));
    check(!mi_manage_os_memory_ex(memory, PIECE, true, false, true, -1, true, NULL));
    check(mi_manage_os_memory(memory, PIECE, true, false, true, -1));
    check(!mi_manage_os_memory(memory, PIECE, true, false, true, -1));
    check(!mi_manage_os_memory(mi_malloc(PIECE), PIECE, true, false, true, -1));
    size_t pieces = 1;
    while (mi_manage_os_memory(map(PIECE), PIECE, true, false, true, -1)) pieces++;
    check(pieces == 32);
}

static void what_cannot_be_described_is_refused(void **state) {
    (void)state;
    assert_in_child(hand_in_nonsense);
}

/* ---- reserved ---- */

static void reserve_pieces(void) {
    mi_arena_id_t arena;
    size_t bytes = 0;
    check(mi_reserve_os_memory(PIECE, false, true) == 0);
    check(mi_reserve_os_memory_ex(PIECE, true, false, false, &arena) == 0);
    check(mi_arena_area(arena, &bytes) != NULL && bytes >= PIECE);
    check(mi_reserve_os_memory_ex(PIECE, true, false, true, &arena) == EINVAL);
    check(mi_reserve_os_memory(opaque(SIZE_MAX), true, false) == ENOMEM);
    check(mi_reserve_os_memory((size_t)1 << 46, true, false) == ENOMEM);
    check(lies_in(mi_arena_area(arena, NULL), bytes, mi_malloc(PIECE)) ||
          eddy_heap_of(mi_malloc(100)) != NULL);
}

static void memory_can_be_reserved(void **state) {
    (void)state;
    assert_in_child(reserve_pieces);
}

/* Pages of 1 GiB are there or not. */
static void reserve_huge_pages(void) {
    mi_arena_id_t arena;
    int error = mi_reserve_huge_os_pages_at_ex(1, -1, 0, false, &arena);
    check(error == 0 || error == ENOMEM);
    if (error == 0) memset(mi_arena_area(arena, NULL), 1, PIECE);
    error = mi_reserve_huge_os_pages_at(1, -1, 0);
    check(error == 0 || error == ENOMEM);
    error = mi_reserve_huge_os_pages_interleave(1, 0, 0);
    check(error == 0 || error == ENOMEM);
    size_t reserved = 1;
    error = mi_reserve_huge_os_pages(1, 0.1, &reserved);
    check(reserved == (error == 0 ? 1 : 0));
    check(mi_reserve_huge_os_pages_at(opaque(SIZE_MAX), -1, 0) == ENOMEM);
    check(mi_reserve_huge_os_pages_at(0, -1, 0) == 0);
    memset(mi_malloc(PIECE), 1, PIECE);
}

static void huge_pages_that_are_missing_are_refused(void **state) {
    (void)state;
    assert_in_child(reserve_huge_pages);
}

static void reserve_little(void) {
    mi_arena_id_t arena;
    check(mi_reserve_os_memory_ex(1, true, false, false, &arena) == 0);
    check(eddy_heap_of(mi_malloc(100)) != NULL && mi_arena_area(arena, NULL) != NULL);
}

static void a_little_is_rounded_up(void **state) {
    (void)state;
    assert_in_child(reserve_little);
}

/* What the kernel notes of the mapping that `address` lies in. */
static bool has_flag(const void *address, const char *flag) {
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[1000];
    bool inside = false, found = false;
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t first, end;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &first, &end) == 2)
            inside = (uintptr_t)address - first < end - first;
        if (inside && strncmp(line, "VmFlags:", 8) == 0) found = strstr(line, flag) != NULL;
    }
    fclose(maps);
    return found;
}

static void reserve_large_pages(void) {
    mi_arena_id_t small, large;
    check(mi_reserve_os_memory_ex(PIECE, true, false, false, &small) == 0);
    check(mi_reserve_os_memory_ex(PIECE, true, true, false, &large) == 0);
    check(!has_flag(mi_arena_area(small, NULL), " hg"));
    check(has_flag(mi_arena_area(large, NULL), " hg"));
}

static void large_pages_are_allowed_when_so_wished(void **state) {
    (void)state;
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0) skip();
    assert_in_child(reserve_large_pages);
}

/* ---- shown ---- */

static size_t lines;

static void count_line(const char *message, void *argument) {
    (void)argument;
    lines += strstr(message, "arena") != NULL;
}

static void show(void) {
    check(mi_reserve_os_memory(PIECE, true, false) == 0);
    mi_register_output(count_line, NULL);
    mi_arenas_print();
    mi_debug_show_arenas();
    check(lines == 2);
#if EDDY_MIMALLOC_API == 3
    mi_arena_id_t arena;
    check(mi_manage_os_memory_ex(map(PIECE), PIECE, true, false, true, -1, false, &arena));
    char *start = mi_arena_area(arena, NULL);
    check(mi_arena_contains(arena, start) && !mi_arena_contains(arena, &lines));
    check(!mi_arena_contains(NULL, start));
    check(mi_arena_min_alignment() == 65536 && mi_arena_min_size() == 65536);
#endif
    size_t bytes = 1;
    check(mi_arena_area((mi_arena_id_t)0, &bytes) == NULL && bytes == 0);
}

static void arenas_are_shown(void **state) {
    (void)state;
    assert_in_child(show);
}

RUN(cmocka_unit_test(memory_handed_in_is_used), cmocka_unit_test(small_blocks_come_from_it),
    cmocka_unit_test(nothing_else_is_used_when_so_wished),
    cmocka_unit_test(what_cannot_be_described_is_refused), cmocka_unit_test(memory_can_be_reserved),
    cmocka_unit_test(huge_pages_that_are_missing_are_refused),
    cmocka_unit_test(a_little_is_rounded_up),
    cmocka_unit_test(large_pages_are_allowed_when_so_wished), cmocka_unit_test(arenas_are_shown))
