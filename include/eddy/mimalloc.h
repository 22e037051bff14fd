/* The interface of mimalloc, on Eddy: programs written for mimalloc compile and run unchanged.
 *
 * EDDY_MIMALLOC_API names the generation, where the two differ: 2 (link eddy-mimalloc2) or 3 (link
 * eddy-mimalloc), the default. What a function does is what mimalloc documents; docs/mimalloc.md
 * says what is not here and why, and what differs. All calls fail as Eddy's do: NULL with errno
 * ENOMEM, or EINVAL for an alignment that is no power of two.
 *
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MIMALLOC_H
#define EDDY_MIMALLOC_H
/* The guard of mimalloc's own header: the two must not meet. */
#ifdef MIMALLOC_H
#error "mimalloc's own mimalloc.h was included before Eddy's"
#endif
#define MIMALLOC_H

#ifndef EDDY_MIMALLOC_API
#define EDDY_MIMALLOC_API 3
#endif

/* The version whose interface this is. */
#if EDDY_MIMALLOC_API == 2
#define MI_MALLOC_VERSION 20401
#elif EDDY_MIMALLOC_API == 3
#define MI_MALLOC_VERSION 30403
#else
#error "EDDY_MIMALLOC_API is 2 or 3"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
#define MI_NOEXCEPT noexcept
#else
#define MI_NOEXCEPT
#endif
/* For functions of the program that mimalloc calls; here they need no word. */
#define mi_cdecl
#define MI_USED __attribute__((warn_unused_result))
#define MI_SIZE(index) __attribute__((alloc_size(index)))
#define MI_COUNT(count, size) __attribute__((alloc_size(count, size)))
/* A new block; the last one may throw. */
#define MI_BLOCK MI_NOEXCEPT MI_USED __attribute__((malloc))
#define MI_NEW MI_USED __attribute__((malloc))
/* A block that may be an old one. */
#define MI_RESIZED MI_NOEXCEPT MI_USED

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- standard ---- */

void *mi_malloc(size_t size) MI_BLOCK MI_SIZE(1);
void *mi_calloc(size_t count, size_t size) MI_BLOCK MI_COUNT(1, 2);
void *mi_realloc(void *block, size_t size) MI_RESIZED MI_SIZE(2);
void *mi_expand(void *block, size_t size) MI_NOEXCEPT MI_SIZE(2);
void mi_free(void *block) MI_NOEXCEPT;
char *mi_strdup(const char *text) MI_BLOCK;
char *mi_strndup(const char *text, size_t most) MI_BLOCK;
char *mi_realpath(const char *name, char *resolved) MI_NOEXCEPT MI_USED;

/* ---- extended ---- */

#define MI_SMALL_WSIZE_MAX 128
#define MI_SMALL_SIZE_MAX (MI_SMALL_WSIZE_MAX * sizeof(void *))

void *mi_malloc_small(size_t size) MI_BLOCK MI_SIZE(1);
void *mi_zalloc_small(size_t size) MI_BLOCK MI_SIZE(1);
void mi_free_small(void *block) MI_NOEXCEPT;
void *mi_zalloc(size_t size) MI_BLOCK MI_SIZE(1);
void *mi_mallocn(size_t count, size_t size) MI_BLOCK MI_COUNT(1, 2);
void *mi_reallocn(void *block, size_t count, size_t size) MI_RESIZED MI_COUNT(2, 3);
void *mi_reallocf(void *block, size_t size) MI_RESIZED MI_SIZE(2);
size_t mi_usable_size(const void *block) MI_NOEXCEPT MI_USED;
size_t mi_good_size(size_t size) MI_NOEXCEPT MI_USED;

/* ---- aligned: the alignment stands behind the size ---- */

void *mi_malloc_aligned(size_t size, size_t alignment) MI_BLOCK MI_SIZE(1);
void *mi_malloc_aligned_at(size_t size, size_t alignment, size_t offset) MI_BLOCK MI_SIZE(1);
void *mi_zalloc_aligned(size_t size, size_t alignment) MI_BLOCK MI_SIZE(1);
void *mi_zalloc_aligned_at(size_t size, size_t alignment, size_t offset) MI_BLOCK MI_SIZE(1);
void *mi_calloc_aligned(size_t count, size_t size, size_t alignment) MI_BLOCK MI_COUNT(1, 2);
void *mi_calloc_aligned_at(size_t count, size_t size, size_t alignment, size_t offset) MI_BLOCK
    MI_COUNT(1, 2);
void *mi_realloc_aligned(void *block, size_t size, size_t alignment) MI_RESIZED MI_SIZE(2);
void *mi_realloc_aligned_at(void *block, size_t size, size_t alignment, size_t offset) MI_RESIZED
    MI_SIZE(2);

/* ---- resized, what is new is zero: for blocks from a zeroing function ---- */

void *mi_rezalloc(void *block, size_t size) MI_RESIZED MI_SIZE(2);
void *mi_recalloc(void *block, size_t count, size_t size) MI_RESIZED MI_COUNT(2, 3);
void *mi_rezalloc_aligned(void *block, size_t size, size_t alignment) MI_RESIZED MI_SIZE(2);
void *mi_rezalloc_aligned_at(void *block, size_t size, size_t alignment, size_t offset) MI_RESIZED
    MI_SIZE(2);
void *mi_recalloc_aligned(void *block, size_t count, size_t size, size_t alignment) MI_RESIZED
    MI_COUNT(2, 3);
void *mi_recalloc_aligned_at(void *block, size_t count, size_t size, size_t alignment,
                             size_t offset) MI_RESIZED MI_COUNT(2, 3);

/* ---- that tell the usable size, where the pointer for it is not NULL ---- */

void *mi_umalloc(size_t size, size_t *usable) MI_BLOCK MI_SIZE(1);
void *mi_umalloc_small(size_t size, size_t *usable) MI_BLOCK MI_SIZE(1);
void *mi_umalloc_aligned(size_t size, size_t alignment, size_t *usable) MI_BLOCK MI_SIZE(1);
void *mi_uzalloc_small(size_t size, size_t *usable) MI_BLOCK MI_SIZE(1);
void *mi_uzalloc_aligned(size_t size, size_t alignment, size_t *usable) MI_BLOCK MI_SIZE(1);
void *mi_ucalloc(size_t count, size_t size, size_t *usable) MI_BLOCK MI_COUNT(1, 2);
void *mi_urealloc(void *block, size_t size, size_t *usable_before, size_t *usable_after) MI_RESIZED
    MI_SIZE(2);
void mi_ufree(void *block, size_t *usable) MI_NOEXCEPT;

/* ---- heaps: any thread may allocate from any heap, in both generations ---- */

typedef struct mi_heap_s mi_heap_t;

mi_heap_t *mi_heap_new(void) MI_USED;
void mi_heap_delete(mi_heap_t *heap);
void mi_heap_destroy(mi_heap_t *heap);
void mi_heap_collect(mi_heap_t *heap, bool force) MI_NOEXCEPT;

void *mi_heap_malloc(mi_heap_t *heap, size_t size) MI_BLOCK MI_SIZE(2);
void *mi_heap_malloc_small(mi_heap_t *heap, size_t size) MI_BLOCK MI_SIZE(2);
void *mi_heap_zalloc(mi_heap_t *heap, size_t size) MI_BLOCK MI_SIZE(2);
void *mi_heap_zalloc_small(mi_heap_t *heap, size_t size) MI_BLOCK MI_SIZE(2);
void *mi_heap_calloc(mi_heap_t *heap, size_t count, size_t size) MI_BLOCK MI_COUNT(2, 3);
void *mi_heap_mallocn(mi_heap_t *heap, size_t count, size_t size) MI_BLOCK MI_COUNT(2, 3);
void *mi_heap_realloc(mi_heap_t *heap, void *block, size_t size) MI_RESIZED MI_SIZE(3);
void *mi_heap_reallocn(mi_heap_t *heap, void *block, size_t count, size_t size) MI_RESIZED
    MI_COUNT(3, 4);
void *mi_heap_reallocf(mi_heap_t *heap, void *block, size_t size) MI_RESIZED MI_SIZE(3);
char *mi_heap_strdup(mi_heap_t *heap, const char *text) MI_BLOCK;
char *mi_heap_strndup(mi_heap_t *heap, const char *text, size_t most) MI_BLOCK;
char *mi_heap_realpath(mi_heap_t *heap, const char *name, char *resolved) MI_NOEXCEPT MI_USED;

void *mi_heap_malloc_aligned(mi_heap_t *heap, size_t size, size_t alignment) MI_BLOCK MI_SIZE(2);
void *mi_heap_malloc_aligned_at(mi_heap_t *heap, size_t size, size_t alignment,
                                size_t offset) MI_BLOCK MI_SIZE(2);
void *mi_heap_zalloc_aligned(mi_heap_t *heap, size_t size, size_t alignment) MI_BLOCK MI_SIZE(2);
void *mi_heap_zalloc_aligned_at(mi_heap_t *heap, size_t size, size_t alignment,
                                size_t offset) MI_BLOCK MI_SIZE(2);
void *mi_heap_calloc_aligned(mi_heap_t *heap, size_t count, size_t size, size_t alignment) MI_BLOCK
    MI_COUNT(2, 3);
void *mi_heap_calloc_aligned_at(mi_heap_t *heap, size_t count, size_t size, size_t alignment,
                                size_t offset) MI_BLOCK MI_COUNT(2, 3);
void *mi_heap_realloc_aligned(mi_heap_t *heap, void *block, size_t size,
                              size_t alignment) MI_RESIZED MI_SIZE(3);
void *mi_heap_realloc_aligned_at(mi_heap_t *heap, void *block, size_t size, size_t alignment,
                                 size_t offset) MI_RESIZED MI_SIZE(3);

void *mi_heap_rezalloc(mi_heap_t *heap, void *block, size_t size) MI_RESIZED MI_SIZE(3);
void *mi_heap_recalloc(mi_heap_t *heap, void *block, size_t count, size_t size) MI_RESIZED
    MI_COUNT(3, 4);
void *mi_heap_rezalloc_aligned(mi_heap_t *heap, void *block, size_t size,
                               size_t alignment) MI_RESIZED MI_SIZE(3);
void *mi_heap_rezalloc_aligned_at(mi_heap_t *heap, void *block, size_t size, size_t alignment,
                                  size_t offset) MI_RESIZED MI_SIZE(3);
void *mi_heap_recalloc_aligned(mi_heap_t *heap, void *block, size_t count, size_t size,
                               size_t alignment) MI_RESIZED MI_COUNT(3, 4);
void *mi_heap_recalloc_aligned_at(mi_heap_t *heap, void *block, size_t count, size_t size,
                                  size_t alignment, size_t offset) MI_RESIZED MI_COUNT(3, 4);

#if EDDY_MIMALLOC_API == 2

/* What mi_malloc and all that name no heap use on the calling thread; the heap before. */
mi_heap_t *mi_heap_set_default(mi_heap_t *heap);
mi_heap_t *mi_heap_get_default(void);
mi_heap_t *mi_heap_get_backing(void);

bool mi_heap_contains_block(mi_heap_t *heap, const void *block);
bool mi_heap_check_owned(mi_heap_t *heap, const void *pointer);

/* The names of generation 3. */
typedef mi_heap_t mi_theap_t;
#define mi_theap_get_default() mi_heap_get_default()
#define mi_theap_set_default(heap) mi_heap_set_default(heap)
#define mi_theap_collect(heap, force) mi_heap_collect(heap, force)
#define mi_theap_malloc(heap, size) mi_heap_malloc(heap, size)
#define mi_theap_zalloc(heap, size) mi_heap_zalloc(heap, size)
#define mi_theap_calloc(heap, count, size) mi_heap_calloc(heap, count, size)
#define mi_theap_malloc_small(heap, size) mi_heap_malloc_small(heap, size)
#define mi_theap_malloc_aligned(heap, size, align) mi_heap_malloc_aligned(heap, size, align)
#define mi_theap_realloc(heap, block, size) mi_heap_realloc(heap, block, size)

#else

mi_heap_t *mi_heap_main(void) MI_USED;
mi_heap_t *mi_heap_of(const void *pointer) MI_USED;
bool mi_heap_contains(const mi_heap_t *heap, const void *pointer) MI_USED;
bool mi_any_heap_contains(const void *pointer) MI_USED;

/* A thread's part of a heap; it must be used by that thread. */
typedef struct mi_theap_s mi_theap_t;

mi_theap_t *mi_heap_theap(mi_heap_t *heap);
/* What mi_malloc and all that name no heap use on the calling thread; the part before. */
mi_theap_t *mi_theap_set_default(mi_theap_t *theap);
mi_theap_t *mi_theap_get_default(void);
void mi_theap_collect(mi_theap_t *theap, bool force) MI_NOEXCEPT;
void *mi_theap_malloc(mi_theap_t *theap, size_t size) MI_BLOCK MI_SIZE(2);
void *mi_theap_zalloc(mi_theap_t *theap, size_t size) MI_BLOCK MI_SIZE(2);
void *mi_theap_calloc(mi_theap_t *theap, size_t count, size_t size) MI_BLOCK MI_COUNT(2, 3);
void *mi_theap_malloc_small(mi_theap_t *theap, size_t size) MI_BLOCK MI_SIZE(2);
void *mi_theap_zalloc_small(mi_theap_t *theap, size_t size) MI_BLOCK MI_SIZE(2);
void *mi_theap_malloc_aligned(mi_theap_t *theap, size_t size, size_t alignment) MI_BLOCK MI_SIZE(2);
void *mi_theap_realloc(mi_theap_t *theap, void *block, size_t size) MI_RESIZED MI_SIZE(3);

#endif

bool mi_is_in_heap_region(const void *pointer) MI_NOEXCEPT MI_USED;
bool mi_check_owned(const void *pointer);

/* ---- visiting: a heap that no other thread uses meanwhile ---- */

/* Blocks of one size side by side. `used` counts blocks, the others are bytes. */
typedef struct mi_heap_area_s {
    void *blocks;
    size_t reserved;
    size_t committed;
    size_t used;
    size_t block_size;
    size_t full_block_size;
#if EDDY_MIMALLOC_API == 2
    int heap_tag; /* 0 */
#else
    void *reserved1; /* NULL */
#endif
} mi_heap_area_t;

/* Called for each area with `block` NULL, and then, if asked for, for each live block in it. */
typedef bool mi_block_visit_fun(const mi_heap_t *heap, const mi_heap_area_t *area, void *block,
                                size_t block_size, void *argument);

#if EDDY_MIMALLOC_API == 2
bool mi_heap_visit_blocks(const mi_heap_t *heap, bool visit_blocks, mi_block_visit_fun *visitor,
                          void *argument);
#else
bool mi_heap_visit_blocks(mi_heap_t *heap, bool visit_blocks, mi_block_visit_fun *visitor,
                          void *argument);
bool mi_heap_visit_abandoned_blocks(mi_heap_t *heap, bool visit_blocks, mi_block_visit_fun *visitor,
                                    void *argument);
bool mi_theap_visit_blocks(const mi_theap_t *theap, bool visit_blocks, mi_block_visit_fun *visitor,
                           void *argument);
#endif

/* ---- memory handed in ---- */

#if EDDY_MIMALLOC_API == 2
typedef int mi_arena_id_t;
#else
typedef void *mi_arena_id_t;
#endif

bool mi_manage_os_memory(void *start, size_t size, bool is_committed, bool is_pinned, bool is_zero,
                         int numa_node) MI_NOEXCEPT;
/* `exclusive` must be false. */
bool mi_manage_os_memory_ex(void *start, size_t size, bool is_committed, bool is_pinned,
                            bool is_zero, int numa_node, bool exclusive,
                            mi_arena_id_t *arena) MI_NOEXCEPT;
/* 0, or an error number. */
int mi_reserve_os_memory(size_t size, bool commit, bool allow_large) MI_NOEXCEPT;
int mi_reserve_os_memory_ex(size_t size, bool commit, bool allow_large, bool exclusive,
                            mi_arena_id_t *arena) MI_NOEXCEPT;
int mi_reserve_huge_os_pages_at(size_t pages, int numa_node, size_t timeout_ms) MI_NOEXCEPT;
int mi_reserve_huge_os_pages_at_ex(size_t pages, int numa_node, size_t timeout_ms, bool exclusive,
                                   mi_arena_id_t *arena) MI_NOEXCEPT;
int mi_reserve_huge_os_pages_interleave(size_t pages, size_t numa_nodes,
                                        size_t timeout_ms) MI_NOEXCEPT;
int mi_reserve_huge_os_pages(size_t pages, double max_seconds, size_t *reserved) MI_NOEXCEPT;
void *mi_arena_area(mi_arena_id_t arena, size_t *size);
void mi_arenas_print(void) MI_NOEXCEPT;
void mi_debug_show_arenas(void) MI_NOEXCEPT;
#if EDDY_MIMALLOC_API == 3
bool mi_arena_contains(mi_arena_id_t arena, const void *pointer);
size_t mi_arena_min_alignment(void);
size_t mi_arena_min_size(void);
#endif

/* ---- subprocesses: heaps, and threads whose default heaps are among them ---- */

#if EDDY_MIMALLOC_API == 2
typedef void *mi_subproc_id_t;
void mi_subproc_delete(mi_subproc_id_t subprocess);
bool mi_abandoned_visit_blocks(mi_subproc_id_t subprocess, int heap_tag, bool visit_blocks,
                               mi_block_visit_fun *visitor, void *argument);
#else
typedef struct {
    void *_mi_subproc_id;
} mi_subproc_id_t;
typedef bool mi_heap_visit_fun(mi_heap_t *heap, void *argument);
mi_subproc_id_t mi_subproc_current(void);
void mi_subproc_destroy(mi_subproc_id_t subprocess);
bool mi_subproc_visit_heaps(mi_subproc_id_t subprocess, mi_heap_visit_fun *visitor, void *argument);
#endif
mi_subproc_id_t mi_subproc_main(void);
mi_subproc_id_t mi_subproc_new(void);
/* The first that a thread does. */
void mi_subproc_add_current_thread(mi_subproc_id_t subprocess);

/* ---- the process ---- */

typedef void mi_deferred_free_fun(bool force, unsigned long long heartbeat, void *argument);
typedef void mi_output_fun(const char *message, void *argument);
typedef void mi_error_fun(int error, void *argument);

void mi_register_deferred_free(mi_deferred_free_fun *function, void *argument) MI_NOEXCEPT;
void mi_register_output(mi_output_fun *function, void *argument) MI_NOEXCEPT;
void mi_register_error(mi_error_fun *function, void *argument);

int mi_version(void) MI_NOEXCEPT;
bool mi_is_redirected(void) MI_NOEXCEPT MI_USED;
void mi_collect(bool force) MI_NOEXCEPT;
void mi_collect_reduce(size_t target_thread_owned) MI_NOEXCEPT;
void mi_options_print(void) MI_NOEXCEPT;
void mi_process_info(size_t *elapsed_ms, size_t *user_ms, size_t *system_ms, size_t *current_rss,
                     size_t *peak_rss, size_t *current_commit, size_t *peak_commit,
                     size_t *page_faults) MI_NOEXCEPT;
void mi_stats_merge(void) MI_NOEXCEPT;
void mi_stats_print(void *ignored) MI_NOEXCEPT;
void mi_stats_print_out(mi_output_fun *output, void *argument) MI_NOEXCEPT;
void mi_thread_stats_print_out(mi_output_fun *output, void *argument) MI_NOEXCEPT;
#if EDDY_MIMALLOC_API == 3
void mi_stats_reset(void) MI_NOEXCEPT;
void mi_options_print_out(mi_output_fun *output, void *argument) MI_NOEXCEPT;
void mi_process_info_print(void) MI_NOEXCEPT;
void mi_process_info_print_out(mi_output_fun *output, void *argument) MI_NOEXCEPT;
#endif

/* Eddy needs none of these. */
void mi_process_init(void) MI_NOEXCEPT;
void mi_process_done(void) MI_NOEXCEPT;
void mi_thread_init(void) MI_NOEXCEPT;
void mi_thread_done(void) MI_NOEXCEPT;
void mi_thread_set_in_threadpool(void) MI_NOEXCEPT;

/* ---- under the names of POSIX, other systems and C++ ---- */

void mi_cfree(void *block) MI_NOEXCEPT;
void *mi__expand(void *block, size_t size) MI_NOEXCEPT;
size_t mi_malloc_size(const void *block) MI_NOEXCEPT MI_USED;
size_t mi_malloc_good_size(size_t size) MI_NOEXCEPT MI_USED;
size_t mi_malloc_usable_size(const void *block) MI_NOEXCEPT MI_USED;

int mi_posix_memalign(void **block, size_t alignment, size_t size) MI_NOEXCEPT;
void *mi_memalign(size_t alignment, size_t size) MI_BLOCK MI_SIZE(2);
void *mi_valloc(size_t size) MI_BLOCK MI_SIZE(1);
void *mi_pvalloc(size_t size) MI_BLOCK MI_SIZE(1);
void *mi_aligned_alloc(size_t alignment, size_t size) MI_BLOCK MI_SIZE(2);

void *mi_reallocarray(void *block, size_t count, size_t size) MI_RESIZED MI_COUNT(2, 3);
/* `place` points to the pointer to the block. 0, or an error number. */
int mi_reallocarr(void *place, size_t count, size_t size) MI_NOEXCEPT MI_USED;
void *mi_aligned_recalloc(void *block, size_t count, size_t size, size_t alignment) MI_RESIZED;
void *mi_aligned_offset_recalloc(void *block, size_t count, size_t size, size_t alignment,
                                 size_t offset) MI_RESIZED;

void mi_free_size(void *block, size_t size) MI_NOEXCEPT;
void mi_free_size_aligned(void *block, size_t size, size_t alignment) MI_NOEXCEPT;
void mi_free_aligned(void *block, size_t alignment) MI_NOEXCEPT;

unsigned char *mi_mbsdup(const unsigned char *text) MI_BLOCK;
wchar_t *mi_wcsdup(const wchar_t *text) MI_BLOCK;
int mi_dupenv_s(char **copy, size_t *size, const char *name) MI_NOEXCEPT;

void *mi_new(size_t size) MI_NEW MI_SIZE(1);
void *mi_new_aligned(size_t size, size_t alignment) MI_NEW MI_SIZE(1);
void *mi_new_nothrow(size_t size) MI_BLOCK MI_SIZE(1);
void *mi_new_aligned_nothrow(size_t size, size_t alignment) MI_BLOCK MI_SIZE(1);
void *mi_new_n(size_t count, size_t size) MI_NEW MI_COUNT(1, 2);
void *mi_new_realloc(void *block, size_t size) MI_USED MI_SIZE(2);
void *mi_new_reallocn(void *block, size_t count, size_t size) MI_USED MI_COUNT(2, 3);
void *mi_heap_alloc_new(mi_heap_t *heap, size_t size) MI_NEW MI_SIZE(2);
void *mi_heap_alloc_new_n(mi_heap_t *heap, size_t count, size_t size) MI_NEW MI_COUNT(2, 3);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

/* ---- typed: a block of `count` objects of `type` ---- */

#define mi_malloc_tp(type) ((type *)mi_malloc(sizeof(type)))
#define mi_zalloc_tp(type) ((type *)mi_zalloc(sizeof(type)))
#define mi_calloc_tp(type, count) ((type *)mi_calloc(count, sizeof(type)))
#define mi_mallocn_tp(type, count) ((type *)mi_mallocn(count, sizeof(type)))
#if EDDY_MIMALLOC_API == 2
#define mi_reallocn_tp(block, type, count) ((type *)mi_reallocn(block, count, sizeof(type)))
#define mi_recalloc_tp(block, type, count) ((type *)mi_recalloc(block, count, sizeof(type)))
#define mi_heap_malloc_tp(heap, type) ((type *)mi_heap_malloc(heap, sizeof(type)))
#define mi_heap_zalloc_tp(heap, type) ((type *)mi_heap_zalloc(heap, sizeof(type)))
#define mi_heap_calloc_tp(heap, type, count) ((type *)mi_heap_calloc(heap, count, sizeof(type)))
#define mi_heap_mallocn_tp(heap, type, count) ((type *)mi_heap_mallocn(heap, count, sizeof(type)))
#define mi_heap_reallocn_tp(heap, block, type, count)                                              \
    ((type *)mi_heap_reallocn(heap, block, count, sizeof(type)))
#define mi_heap_recalloc_tp(heap, block, type, count)                                              \
    ((type *)mi_heap_recalloc(heap, block, count, sizeof(type)))
#else
#define mi_reallocn_tp(type, block, count) ((type *)mi_reallocn(block, count, sizeof(type)))
#define mi_recalloc_tp(type, block, count) ((type *)mi_recalloc(block, count, sizeof(type)))
#define mi_heap_malloc_tp(type, heap) ((type *)mi_heap_malloc(heap, sizeof(type)))
#define mi_heap_zalloc_tp(type, heap) ((type *)mi_heap_zalloc(heap, sizeof(type)))
#define mi_heap_calloc_tp(type, heap, count) ((type *)mi_heap_calloc(heap, count, sizeof(type)))
#define mi_heap_mallocn_tp(type, heap, count) ((type *)mi_heap_mallocn(heap, count, sizeof(type)))
#define mi_heap_reallocn_tp(type, heap, block, count)                                              \
    ((type *)mi_heap_reallocn(heap, block, count, sizeof(type)))
#define mi_heap_recalloc_tp(type, heap, block, count)                                              \
    ((type *)mi_heap_recalloc(heap, block, count, sizeof(type)))
#endif

#include "mimalloc-options.h"
#ifdef __cplusplus
#include "mimalloc-stl.h"
#endif

#endif
