/* Whose call it is that needs a new page decides whether the scavenger may be started in it,
 * however many functions of Eddy lie between: the loader allocates, and resizes, where it must not
 * be.
 *
 * The loader is played by functions of this file, which lie side by side in a section of their own.
 * SPDX-License-Identifier: MIT */
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "common/alone.h"
#include "common/inside.h"
#include "heap/errand.h"
#include "heap/scavenge.h"

/* With room to grow, SIZE is less than what a block of USUAL bytes gets. */
enum { USUAL = 4500, SIZE = 5000, LARGE = BLOCK_MAX + 1, BLOCKS = 4 * SLICE_BYTES / SIZE };

/* The linker's names for its ends. */
extern const char loader_start[] __asm__("__start_of_loader");
extern const char loader_end[] __asm__("__stop_of_loader");
#define LOADERS __attribute__((section("of_loader"), noinline)) static

/* ---- the functions; none ends with the call, which would leave no trace of it ---- */

static eddy_heap_t *heap;

typedef void *call_fn(void *block);

#define CALL(name, call)                                                                           \
    LOADERS void *name(void *block) {                                                              \
        void *volatile result = (call);                                                            \
        return result;                                                                             \
    }
CALL(by_malloc, (eddy_free(block), eddy_malloc(SIZE)))
CALL(by_zalloc, (eddy_free(block), eddy_zalloc(SIZE)))
CALL(by_realloc, eddy_realloc(block, SIZE))
CALL(by_rezalloc, eddy_rezalloc(block, SIZE))
CALL(by_realloc_of_nothing, (eddy_free(block), eddy_realloc(NULL, SIZE)))
CALL(by_malloc_aligned, (eddy_free(block), eddy_malloc_aligned(SIZE, 64)))
CALL(by_realloc_aligned, eddy_realloc_aligned(block, SIZE, 64))
CALL(by_realloc_aligned_at, eddy_realloc_aligned_at(block, SIZE, 64, 8))
CALL(by_heap_realloc, eddy_heap_realloc(heap, block, SIZE))

CALL(by_malloc_of_large, (eddy_free(block), eddy_malloc(LARGE)))
CALL(by_realloc_to_large, eddy_realloc(block, LARGE))

static const struct {
    size_t before; /* the size of the block */
    call_fn *call;
} cases[] = {
    {USUAL, by_malloc},
    {USUAL, by_zalloc},
    {USUAL, by_realloc},
    {USUAL, by_rezalloc},
    {USUAL, by_malloc_aligned},
    {USUAL, by_realloc_of_nothing},
    {USUAL, by_realloc_aligned},
    {USUAL, by_realloc_aligned_at},
    {USUAL, by_heap_realloc},
    {USUAL, by_malloc_of_large},
    {BLOCK_MAX, by_realloc_to_large},
};

/* ---- the loader's place in memory ---- */

typedef struct image {
    ElfW(Ehdr) header;
    ElfW(Phdr) segment;
} image_t;

/* NULL: there is no loader, as in a static program. */
static image_t *loader, *image;

unsigned long __getauxval(unsigned long type);

unsigned long getauxval(unsigned long type) {
    return type == AT_BASE ? (unsigned long)(uintptr_t)loader : __getauxval(type);
}

/* Below all code, as the header of an image is. */
static int make_image(void **state) {
    (void)state;
    void *low = (void *)(uintptr_t)0x100000;
    image = mmap(low, sizeof *image, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (image != low) return -1;
    image->header.e_phoff = offsetof(image_t, segment);
    image->header.e_phnum = 1;
    image->segment.p_type = PT_LOAD;
    image->segment.p_vaddr = (uintptr_t)loader_start - (uintptr_t)image;
    image->segment.p_memsz = (size_t)(loader_end - loader_start);
    heap = eddy_heap_new();
    return heap == NULL;
}

/* ---- the test ---- */

/* Through several pages; whether it was tried to start the scavenger. */
static bool starts(size_t before, call_fn *call) {
    static void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = must(eddy_malloc(before));
    (void)errand_set(ERRAND_SCAVENGER, true);
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = must(call(blocks[i]));
    bool started = !errand_set(ERRAND_SCAVENGER, false);
    for (size_t i = 0; i < BLOCKS; i++) eddy_free(blocks[i]);
    scavenge_stop();
    return started;
}

__attribute__((noinline)) static const void *return_address(void) {
    __asm__ volatile("");
    return __builtin_return_address(0);
}

__attribute__((noinline)) static const void *behind_a_function(void) { return return_address(); }

LOADERS const void *seen_behind(void) {
    const void *volatile seen = behind_a_function();
    return seen;
}

/* Where they do not, without optimisation and in the sanitizers' builds, Eddy's own stand between
 * the caller and what asks for it. */
static bool functions_end_with_jumps(void) {
    uintptr_t seen = (uintptr_t)seen_behind();
    return seen >= (uintptr_t)loader_start && seen < (uintptr_t)loader_end;
}

static void a_call_of_the_loader_does_not_start_it(void **state) {
    (void)state;
    loader = image;
    if (!functions_end_with_jumps()) skip();
    for (size_t i = 0; i < LENGTH(cases); i++) assert_false(starts(cases[i].before, cases[i].call));
}

static void the_same_call_of_the_program_does(void **state) {
    (void)state;
    loader = NULL;
    for (size_t i = 0; i < LENGTH(cases); i++) assert_true(starts(cases[i].before, cases[i].call));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_of_the_loader_does_not_start_it),
        cmocka_unit_test(the_same_call_of_the_program_does),
    };
    return cmocka_run_group_tests(tests, make_image, NULL);
}
