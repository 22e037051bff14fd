/* Eddy: a general-purpose memory allocator for Linux.
 *
 * A burst of small allocations never leaves the fast path, and the memory comes back when the
 * burst is over. This header is the whole public interface; `malloc` and its family need no header
 * of ours. What holds for every function, unless its own comment says otherwise:
 *
 *  - Threads: safe to call from any thread at any time, also before main and in thread-local
 *    destructors. Not safe in a handler of a signal that interrupted Eddy itself.
 *  - Blocks: aligned to 16 bytes. A size of 0 gives a block of the smallest size. A block may be
 *    freed by any thread. `eddy_*` and the `malloc` family of the same library share their blocks.
 *  - Errors: NULL with errno ENOMEM when memory, a limit or the address space is exhausted, or the
 *    size (or count times size) exceeds PTRDIFF_MAX. NULL with errno EINVAL when an alignment is
 *    not a power of two. Nothing is lost: after an error every older block is as it was.
 *  - Cost: constant, a few nanoseconds, for blocks up to 64 KiB; larger ones and the rare slow
 *    paths take a short lock and may call the kernel. Clearing and copying cost what they do.
 *  - Sizes and alignments are in bytes.
 *
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_H
#define EDDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EDDY_VERSION_MAJOR 0
#define EDDY_VERSION_MINOR 1
#define EDDY_VERSION_PATCH 0

#define EDDY_API __attribute__((visibility("default")))
#define EDDY_MALLOC __attribute__((malloc, warn_unused_result))
#define EDDY_SIZE(index) __attribute__((alloc_size(index)))
#define EDDY_COUNT(count, size) __attribute__((alloc_size(count, size)))

/* The version of the library that runs: major * 10000 + minor * 100 + patch. */
EDDY_API int eddy_version(void);

/* ---- allocate and free ------------------------------------------------------------------ */

/* A block of at least `size` bytes, contents undefined. (C malloc) */
EDDY_API void *eddy_malloc(size_t size) EDDY_MALLOC EDDY_SIZE(1);

/* As eddy_malloc, all `eddy_usable_size` bytes zero. Memory fresh from the kernel is not cleared
 * a second time. */
EDDY_API void *eddy_zalloc(size_t size) EDDY_MALLOC EDDY_SIZE(1);

/* `count` objects of `size` bytes each, zeroed; the product is checked. (C calloc) */
EDDY_API void *eddy_calloc(size_t count, size_t size) EDDY_MALLOC EDDY_COUNT(1, 2);

/* `count` objects of `size` bytes each, contents undefined; the product is checked. */
EDDY_API void *eddy_mallocn(size_t count, size_t size) EDDY_MALLOC EDDY_COUNT(1, 2);

/* Free a block; NULL does nothing. errno is kept. A pointer that is no live block is an error that
 * the plain build reports where its slow paths see it (docs/security.md). (C free) */
EDDY_API void eddy_free(void *block);

/* Free a block whose requested size (and alignment) the caller knows: the size that it was
 * allocated with. (C23 free_sized, free_aligned_sized) */
EDDY_API void eddy_free_sized(void *block, size_t size);
EDDY_API void eddy_free_aligned_sized(void *block, size_t alignment, size_t size);

/* A block of `size` bytes that begins with the contents of `block`; `block` is gone on success and
 * untouched on failure. NULL for `block` allocates. A size of 0 gives a block of the smallest size
 * (unlike glibc's realloc, which frees; the `realloc` of this library does as glibc). Large blocks
 * grow in place or by moving page tables where they can. What has to move to grow gets a quarter
 * more than it had, if there is memory for it, so that small steps seldom move. (C realloc) */
EDDY_API void *eddy_realloc(void *block, size_t size) EDDY_SIZE(2);
/* The same for `count` objects of `size` bytes; the product is checked. (POSIX reallocarray) */
EDDY_API void *eddy_reallocn(void *block, size_t count, size_t size) EDDY_COUNT(2, 3);
/* As eddy_realloc, but `block` is freed on failure too. (BSD reallocf) */
EDDY_API void *eddy_reallocf(void *block, size_t size) EDDY_SIZE(2);
/* As eddy_realloc for a block from a zeroing function: bytes beyond the old usable size are zero.
 * Bytes that the program itself wrote between the size it asked for and the usable size stay. */
EDDY_API void *eddy_rezalloc(void *block, size_t size) EDDY_SIZE(2);
EDDY_API void *eddy_recalloc(void *block, size_t count, size_t size) EDDY_COUNT(2, 3);
/* Resize without moving: `block` when it can hold `size` bytes where it lies, else NULL (errno is
 * kept, the block untouched). */
EDDY_API void *eddy_expand(void *block, size_t size);

/* Bytes from `block` to the end of the block, all writable, constant for the life of the block.
 * 0 for NULL. (glibc malloc_usable_size) */
EDDY_API size_t eddy_usable_size(const void *block);
/* The usable size that eddy_malloc(size) would give; `size` itself beyond PTRDIFF_MAX. */
EDDY_API size_t eddy_good_size(size_t size);

/* ---- aligned ------------------------------------------------------------------------------
 * `alignment` is any power of two. The `_at` functions align `block + offset` instead of `block`;
 * `offset` must not exceed `size` (else EINVAL). */
EDDY_API void *eddy_malloc_aligned(size_t size, size_t alignment) EDDY_MALLOC EDDY_SIZE(1);
EDDY_API void *eddy_malloc_aligned_at(size_t size, size_t alignment, size_t offset) EDDY_MALLOC
    EDDY_SIZE(1);
EDDY_API void *eddy_zalloc_aligned(size_t size, size_t alignment) EDDY_MALLOC EDDY_SIZE(1);
EDDY_API void *eddy_zalloc_aligned_at(size_t size, size_t alignment, size_t offset) EDDY_MALLOC
    EDDY_SIZE(1);
EDDY_API void *eddy_calloc_aligned(size_t count, size_t size, size_t alignment) EDDY_MALLOC
    EDDY_COUNT(1, 2);
EDDY_API void *eddy_calloc_aligned_at(size_t count, size_t size, size_t alignment,
                                      size_t offset) EDDY_MALLOC EDDY_COUNT(1, 2);
/* As eddy_realloc / eddy_rezalloc; the result has the alignment named, whatever `block` had. */
EDDY_API void *eddy_realloc_aligned(void *block, size_t size, size_t alignment) EDDY_SIZE(2);
EDDY_API void *eddy_realloc_aligned_at(void *block, size_t size, size_t alignment, size_t offset)
    EDDY_SIZE(2);
EDDY_API void *eddy_rezalloc_aligned(void *block, size_t size, size_t alignment) EDDY_SIZE(2);
EDDY_API void *eddy_rezalloc_aligned_at(void *block, size_t size, size_t alignment, size_t offset)
    EDDY_SIZE(2);
EDDY_API void *eddy_recalloc_aligned(void *block, size_t count, size_t size, size_t alignment)
    EDDY_COUNT(2, 3);
EDDY_API void *eddy_recalloc_aligned_at(void *block, size_t count, size_t size, size_t alignment,
                                        size_t offset) EDDY_COUNT(2, 3);

/* ---- first-class heaps --------------------------------------------------------------------
 * A heap is a set of blocks that can be freed together. Any thread may allocate from any heap and
 * free its blocks with eddy_free; a thread's first use of a heap takes a lock, later uses do not.
 * A heap is never NULL unless a comment says so. To use one that has ended, or while another thread
 * ends it, is an error of the program. */
typedef struct eddy_heap eddy_heap_t;

/* A new heap without a block, without a limit; NULL with errno ENOMEM. Constant time. */
EDDY_API eddy_heap_t *eddy_heap_new(void);
/* The heap ends, its blocks live on and are freed one by one. NULL does nothing. O(pages of the
 * heap). */
EDDY_API void eddy_heap_delete(eddy_heap_t *heap);
/* The heap ends and every block in it is freed at once. NULL does nothing. O(pages of the heap). */
EDDY_API void eddy_heap_destroy(eddy_heap_t *heap);
/* A heap below `parent`: when it is deleted, its blocks are the parent's, and it ends with the
 * parent as that does, deleted or destroyed. eddy_heap_new makes heaps below eddy_heap_main(). With
 * NULL the heap is below none, as the main one is: so several parts of a program may have heaps and
 * default heaps of their own. */
EDDY_API eddy_heap_t *eddy_heap_new_below(eddy_heap_t *parent);
/* The heap that it is below; NULL when it is below none. Constant time. */
EDDY_API eddy_heap_t *eddy_heap_parent(const eddy_heap_t *heap);

/* The heap that stands for the ordinary heaps of all threads: what eddy_malloc allocates from. It
 * is always there; to delete or destroy it does nothing. */
EDDY_API eddy_heap_t *eddy_heap_main(void);
/* From now on eddy_malloc, malloc and all that name no heap allocate from `heap` when the calling
 * thread calls them, until the thread ends, or the heap: then they do from its parent, if it has
 * one, else from the main one. Returns the heap before. Those calls take
 * a slow path, some ten instructions longer, unless `heap` is eddy_heap_main(). Without memory it
 * changes nothing and returns NULL. */
EDDY_API eddy_heap_t *eddy_heap_set_default(eddy_heap_t *heap);
/* The heap that they allocate from; eddy_heap_main() unless another was set. Constant time. */
EDDY_API eddy_heap_t *eddy_heap_get_default(void);

/* Each as its namesake without `_heap`, with a block of `heap`; errors and cost are the same. */
EDDY_API void *eddy_heap_malloc(eddy_heap_t *heap, size_t size) EDDY_MALLOC EDDY_SIZE(2);
EDDY_API void *eddy_heap_zalloc(eddy_heap_t *heap, size_t size) EDDY_MALLOC EDDY_SIZE(2);
EDDY_API void *eddy_heap_calloc(eddy_heap_t *heap, size_t count, size_t size) EDDY_MALLOC
    EDDY_COUNT(2, 3);
EDDY_API void *eddy_heap_mallocn(eddy_heap_t *heap, size_t count, size_t size) EDDY_MALLOC
    EDDY_COUNT(2, 3);
EDDY_API void *eddy_heap_malloc_aligned(eddy_heap_t *heap, size_t size,
                                        size_t alignment) EDDY_MALLOC EDDY_SIZE(2);
EDDY_API void *eddy_heap_malloc_aligned_at(eddy_heap_t *heap, size_t size, size_t alignment,
                                           size_t offset) EDDY_MALLOC EDDY_SIZE(2);
EDDY_API void *eddy_heap_zalloc_aligned(eddy_heap_t *heap, size_t size,
                                        size_t alignment) EDDY_MALLOC EDDY_SIZE(2);
EDDY_API void *eddy_heap_zalloc_aligned_at(eddy_heap_t *heap, size_t size, size_t alignment,
                                           size_t offset) EDDY_MALLOC EDDY_SIZE(2);
/* The result of a realloc lies in `heap`, whatever heap `block` came from, when it has to move. */
EDDY_API void *eddy_heap_realloc(eddy_heap_t *heap, void *block, size_t size) EDDY_SIZE(3);
EDDY_API void *eddy_heap_rezalloc(eddy_heap_t *heap, void *block, size_t size) EDDY_SIZE(3);
EDDY_API void *eddy_heap_realloc_aligned_at(eddy_heap_t *heap, void *block, size_t size,
                                            size_t alignment, size_t offset) EDDY_SIZE(3);
EDDY_API void *eddy_heap_rezalloc_aligned_at(eddy_heap_t *heap, void *block, size_t size,
                                             size_t alignment, size_t offset) EDDY_SIZE(3);

/* From now on the pages and large blocks of `heap` take at most `bytes` together, in whole 64 KiB
 * slices, whichever threads they belong to; 0: no limit but that of the process. Beyond it
 * allocations from the heap that need one more return NULL with errno ENOMEM, until enough of it is
 * free: a page counts until its last block is freed. A limit below what the heap holds takes
 * nothing away. 0, or -1 with errno EINVAL for NULL and for eddy_heap_main(), whose limit is
 * EDDY_OPTION_LIMIT. */
EDDY_API int eddy_heap_set_limit(eddy_heap_t *heap, size_t bytes);

/* The heap that `block` was allocated from, eddy_heap_main() for ordinary blocks; NULL for a
 * pointer into no live page of Eddy. Of a block larger than 64 KiB, a pointer into its first 64 KiB
 * counts. Constant time, for any pointer. */
EDDY_API eddy_heap_t *eddy_heap_of(const void *block);

/* Call `visit` for every live block of a heap that no thread uses meanwhile; NULL visits the
 * calling thread's ordinary heap. `visit` returns false to stop and must not allocate from the
 * heap or free blocks of it. True when all blocks were visited. O(blocks). */
typedef bool eddy_visit_fn(void *block, size_t usable_size, void *argument);
EDDY_API bool eddy_heap_visit(eddy_heap_t *heap, eddy_visit_fn *visit, void *argument);

/* Blocks of one size that lie side by side, or one large block. */
typedef struct eddy_area {
    void *blocks;       /* where the first one begins */
    size_t bytes;       /* all of them, those not in use too */
    size_t block_bytes; /* each */
    size_t live;        /* blocks in use */
} eddy_area_t;

/* The same, area by area: every one, or only those that threads left behind when they ended.
 * O(pages). */
typedef bool eddy_visit_area_fn(const eddy_area_t *area, void *argument);
EDDY_API bool eddy_heap_visit_areas(eddy_heap_t *heap, bool only_abandoned,
                                    eddy_visit_area_fn *visit, void *argument);
/* The live blocks of an area, inside of its visit only; under the rules of eddy_heap_visit.
 * O(blocks of the area). */
EDDY_API bool eddy_area_visit(const eddy_area_t *area, eddy_visit_fn *visit, void *argument);

/* Call `visit` for eddy_heap_main() and every first-class heap. Heaps made meanwhile may be missed;
 * none may end meanwhile. True when all were visited. O(heaps). */
typedef bool eddy_visit_heap_fn(eddy_heap_t *heap, void *argument);
EDDY_API bool eddy_heaps_visit(eddy_visit_heap_fn *visit, void *argument);

/* ---- memory back to the kernel ------------------------------------------------------------ */

/* Return every page without a live block and every free span of all heaps to the kernel, without
 * waiting for their decay (one current page per class of a heap of another thread excepted). Waits
 * for owners that are inside Eddy at that moment. The number of bytes returned meanwhile, those by
 * other threads included. O(pages in use). */
EDDY_API size_t eddy_collect(void);

/* ---- memory of the program's own ------------------------------------------------------------ */

/* Let Eddy hand out blocks from `bytes` of memory at `start` that the program mapped, readable and
 * writable, and never touches again. It is used before Eddy asks the kernel for more, and never
 * given back to it. What lies outside of whole 64 KiB slices is left alone. Returns a number that
 * names the piece, from 0 on; -1 with errno EINVAL when no slice is left, after 32 pieces, or when
 * the memory lies where Eddy cannot describe it: anywhere but in the 256 GiB (less under a limit on
 * address space) below the first memory of Eddy, where the kernel places what is mapped later. */
EDDY_API int eddy_add_memory(void *start, size_t bytes);
/* The whole slices of that piece, their number of bytes through *bytes; NULL when there is none of
 * that number. Constant time. */
EDDY_API void *eddy_added_memory(int number, size_t *bytes);

/* ---- what runs now and then --------------------------------------------------------------- */

/* Called on allocating threads at slow paths of small allocations, the same ones in each run of a
 * program with one thread, and by eddy_collect, with `force`. It may allocate and free; it is not
 * entered anew by the thread that runs it. `heartbeat` counts the slow paths of the thread. */
typedef void eddy_heartbeat_fn(bool force, unsigned long long heartbeat, void *argument);
/* One function for all threads, NULL for none. Set it while no other thread is in Eddy. */
EDDY_API void eddy_on_heartbeat(eddy_heartbeat_fn *function, void *argument);

/* What C++'s operator new does when memory is short: calls the new-handler of the program and
 * returns true. Without a handler it throws std::bad_alloc, or returns false if it may not. */
EDDY_API bool eddy_new_handler(size_t size, bool may_throw);

/* ---- options --------------------------------------------------------------------------------
 * Each option has one name: `decay_ms` here and in the string, EDDY_DECAY_MS in the environment.
 * They are read once, at first use: first the link-time string of the program
 *     const char *eddy_options = "decay_ms=1000 stats=exit";
 * then the environment (ignored in setuid programs), which wins. Behind a number of bytes may stand
 * K, M, G or T, each 1,024 times the one before. An unknown name or a malformed value gets one line
 * on stderr and changes nothing. */
typedef enum eddy_option {
    EDDY_OPTION_DECAY_MS,   /* freed memory that is needed no more is kept for at least half of this
                               and goes within one and a half of it, or three and a half where a
                               page waited for its last block: 500 by default; 0 at once; -1 never.
                               The scavenger hears of a change after half of the old one at most */
    EDDY_OPTION_RETAIN_MAX, /* bytes of empty pages kept ready per heap at most: 256M by default */
    EDDY_OPTION_LIMIT,      /* bytes of blocks and free memory Eddy may hold at most; 0, the
                               default: no limit */
    EDDY_OPTION_STATS,      /* 0, "no", the default; 1, "exit": print the statistics to stderr at
                               exit. Also, as text only: "json:PATH", write them to that file at
                               exit ("%p" in it is the number of the process); "signal:N", print
                               them whenever the process gets that signal: by the scavenger if it
                               runs, else by the next allocation that takes a slow path */
    EDDY_OPTION_VERBOSE,    /* 1: say what was found and chosen at start; 0, the default: no */
    EDDY_OPTION_SCAVENGER,  /* the thread that returns memory while the program is idle; 1, "auto",
                               the default: once the process has started a thread (where the C
                               library does not say so, once a second one has allocated or freed)
                               or more than 32M are free and not returned; 2, "always": at the
                               first chance; 0, "never": the program's own threads return memory
                               as they allocate. It is started by calls that allocate, never by
                               free: with "auto", what was allocated while there was one thread
                               stays when no call that leaves the fast path comes once it is
                               freed */
    EDDY_OPTION_SOFT_LIMIT, /* bytes of blocks and free memory beyond which freed memory is purged
                               at once, and empty pages within half the decay time; 0: none; -1,
                               the default: seven eighths of the memory limit of the control
                               group, if it has one when the process first holds 16M */
    EDDY_OPTION_ADDED_ONLY, /* 1: blocks come from memory that the program has handed in
                               (eddy_add_memory) and from what Eddy holds already; 0, the
                               default: from the kernel, too */
    EDDY_OPTION_HUGE_PAGES, /* 1, "yes": ask for transparent huge pages, and purge whole ones only;
                               0, "no", the default: none, whatever the system's. For the string
                               and the environment only; 0 where the kernel has none of up to
                               32 MiB */
    EDDY_OPTION_COUNT
} eddy_option_t;

/* The value in force; sizes in bytes. -1 with errno EINVAL for an unknown option. Constant time, as
 * are the next two. */
EDDY_API int64_t eddy_option_get(eddy_option_t option);
/* Set a value from now on: 0, or -1 with errno EINVAL for an unknown option or a value out of its
 * range. */
EDDY_API int eddy_option_set(eddy_option_t option, int64_t value);
/* The same, unless the program's string, the environment or eddy_option_set has set the option
 * before: then nothing changes, and that is no error. */
EDDY_API int eddy_option_set_default(eddy_option_t option, int64_t value);

/* ---- what is seen ----------------------------------------------------------------------------
 * Counted on slow paths only, summed over all threads, never reset. A steady burst shows slow
 * entries per page turned over, and no new page, extension, release or purge. */
typedef struct {
    size_t slow_entries;      /* malloc found no free block in the page of its size, or free emptied
                                 a page or gave a full one room again. Not counted: large objects,
                                 frees of other threads' blocks */
    size_t promotions_retire; /* a page's freed blocks became its free list as it emptied: always 0,
                                 since freed blocks are put on the free list at once */
    size_t promotions_malloc; /* malloc found the free list empty and took what other threads
                                 freed */
    size_t extensions;        /* runs of new blocks linked into a page */
    size_t pages_made;        /* pages made from a span */
    size_t pages_retired;     /* pages found without a live block, and kept */
    size_t pages_reused;      /* kept pages taken into use again */
    size_t pages_released;    /* pages that became free spans */
    size_t pages_adopted;     /* pages taken over from a thread that ended */
    size_t lists_straightened;   /* scattered free lists of pages reused, linked anew in order */
    size_t retained_slices;      /* slices of 64 KiB in kept pages at this moment */
    size_t retained_slices_peak; /* the most of each heap, each at its own moment, added up: at
                                    least the most at one moment */
    size_t spans_purged;         /* free spans given back to the kernel */
    size_t bytes_purged;         /* ... and their bytes */
    size_t memory_system_calls;  /* calls to the kernel about memory */
} eddy_counters_t;

/* Fill in `counters`; `size` is sizeof(eddy_counters_t) as the caller was compiled, so that a newer
 * library never writes beyond an older struct. O(threads). */
EDDY_API void eddy_counters(eddy_counters_t *counters, size_t size);

/* What Eddy holds at this moment, in bytes. Exact while no other thread allocates or frees; a page
 * that the scavenger returns just then may show twice, as a page and as free. */
typedef struct eddy_stats {
    size_t live_bytes;     /* in live blocks, counted by their usable size */
    size_t live_blocks;    /* their number */
    size_t free_in_pages;  /* free blocks, and room not yet linked, in pages with a live block */
    size_t current_empty;  /* in empty pages that are the current page of a class, and up to eight
                              per heap that were used up while another thread held its lock; those
                              whose blocks other threads freed count as pending */
    size_t retained;       /* in empty pages kept ready by policy */
    size_t dirty;          /* in free spans not yet purged */
    size_t clean;          /* in free spans that hold no memory */
    size_t pending;        /* freed by another thread, not yet collected by the owner */
    size_t metadata;       /* Eddy's own: page descriptors and heaps */
    size_t reserved;       /* address space reserved */
    size_t opened;         /* of it made accessible */
    size_t gathered;       /* the part of `pending` that threads gather to give it to its pages: at
                             most 128 KiB each */
    size_t gathered_pages; /* the pages that this keeps from emptying: at most 8 for each thread */
} eddy_stats_t;

/* Fill in `stats` as eddy_counters does. O(pages), takes short locks. */
EDDY_API void eddy_stats_get(eddy_stats_t *stats, size_t size);

/* What the pages of one size of blocks hold; see eddy_stats_t for the words. */
typedef struct {
    size_t block_bytes;
    size_t pages;       /* with a live block or a current one; bytes of them: */
    size_t live_blocks; /* gathered frees are still counted here */
    size_t live_bytes;
    size_t free_in_pages; /* empty current pages too */
    size_t pending;
    size_t retained;
} eddy_class_stats_t;

/* Fill in the first `count` classes, `size` being sizeof(eddy_class_stats_t) as the caller was
 * compiled; how many there are. Objects larger than the largest class are not counted. O(pages). */
EDDY_API size_t eddy_class_stats_get(eddy_class_stats_t *classes, size_t count, size_t size);

/* Write statistics and counters to file descriptor `fd` as a table for people. O(pages), as are the
 * next three. */
EDDY_API void eddy_stats_print(int fd);

/* Text for people, one line or several. */
typedef void eddy_output_fn(const char *text, void *argument);
/* The same table, line by line, to a function; NULL: to where eddy_on_output says. */
EDDY_API void eddy_stats_write(eddy_output_fn *output, void *argument);
/* Statistics, counters and the classes in use for programs, piece by piece, to a function: one JSON
 * object; or Prometheus' text format, each name beginning with "eddy_". */
EDDY_API void eddy_stats_json(eddy_output_fn *output, void *argument);
EDDY_API void eddy_stats_prometheus(eddy_output_fn *output, void *argument);
/* From now on what Eddy says goes to `output` instead of stderr. It may be called at any point of
 * an allocation and must not allocate. NULL restores stderr. Set it while no other thread is in
 * Eddy. */
EDDY_API void eddy_on_output(eddy_output_fn *output, void *argument);
/* Say something in the same place. */
EDDY_API void eddy_say(const char *text);

/* ---- errors -----------------------------------------------------------------------------------
 * What Eddy calls instead of abort() when it finds a mistake of the program (docs/security.md):
 * `error` is EINVAL for a wrong pointer, EAGAIN for one that was freed before, EFAULT when free
 * memory was written to; `message` is the line that it would have written to stderr, `pointer` the
 * culprit. When the function returns, the faulty call does nothing. It is called too, with ENOMEM
 * and NULL for `pointer`, before a call returns NULL for want of memory; without a function that
 * goes unsaid. NULL restores write-and-abort. Returns the function that was set before. Set it
 * while no other thread is in Eddy. */
typedef void eddy_error_fn(int error, const char *message, const void *pointer, void *argument);
EDDY_API eddy_error_fn *eddy_on_error(eddy_error_fn *handler, void *argument);

#ifdef __cplusplus
}
#endif

#endif
