/* Wrong programs, one for each MISTAKE, made with a CALL: what Eddy sees of them, docs/security.md
 * says and `run` checks.
 *
 * usage: mistakes MISTAKE CALL [go-on]
 *
 * Prints the pointer that is wrong, does what is wrong with it, and goes on as a program does that
 * has not noticed. With `go-on` it has a function for errors, which prints what it is told, and
 * shows afterwards that Eddy is sound: it prints "sound".
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <sys/mman.h>

#include "common/test.h"

const char *eddy_options = "scavenger=never decay_ms=-1";

enum { SMALL = 48, MEDIUM = 40000, LARGE = 3000000, BLOCKS = 5000 };

static void *kept[BLOCKS];

static void *allocate_small(size_t count) {
    for (size_t i = 0; i < count; i++) kept[i] = must(eddy_malloc(SMALL));
    return kept[0];
}

static void free_small(size_t from, size_t to) {
    for (size_t i = from; i < to; i++) eddy_free(kept[i]);
}

/* ---- pointers that are wrong ---- */

static void *stack(void) {
    static char *address;
    char variable[SMALL];
    address = variable;
    return (void *)opaque((uintptr_t)address);
}

static void *global(void) {
    static char variable[SMALL];
    return variable;
}

static void *mapped(void) {
    int access = PROT_READ | PROT_WRITE;
    void *memory = mmap(NULL, LARGE, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(memory != MAP_FAILED);
    return (char *)memory + SMALL;
}

static void *unmapped(void) {
    char *pointer = mapped();
    check(munmap(pointer - SMALL, LARGE) == 0);
    return pointer;
}

static void *number(void) { return (void *)SMALL; }

static void *no_address(void) { return (void *)0xdeadbeefdeadbeef; }

/* Reserved by Eddy, never opened. */
static void *unopened(void) {
    char *block = must(eddy_malloc(LARGE));
    eddy_stats_t stats;
    eddy_stats_get(&stats, sizeof stats);
    check(stats.opened + MIB < stats.reserved);
    return block + stats.opened + MIB / 2;
}

static void *never_handed_out(void) {
    char *block = allocate_small(1);
    return block + 1000 * SMALL;
}

static void *free_slice(void) {
    char *block = must(eddy_malloc(LARGE));
    eddy_free(block);
    return block + LARGE / 2;
}

/* ---- pointers into blocks ---- */

static void *inside_small(void) { return (char *)allocate_small(10) + 8; }

static void *inside_small_in_thread(void *result) {
    *(void **)result = inside_small();
    return NULL;
}

static void *inside_other_thread(void) {
    void *pointer;
    run_thread(inside_small_in_thread, &pointer);
    return pointer;
}

/* In a slice that is not the first one of its page. */
static void *inside_medium(void) {
    char *blocks[4];
    for (size_t i = 0; i < LENGTH(blocks); i++) blocks[i] = must(eddy_malloc(MEDIUM));
    return blocks[3] + 8;
}

static void *inside_large(void) { return (char *)must(eddy_malloc(LARGE)) + 8; }

static void *deep_inside_large(void) { return (char *)must(eddy_malloc(LARGE)) + LARGE / 2; }

/* ---- blocks ---- */

static void *live(void) { return allocate_small(10); }

/* Behind it lies another. */
static void *before_live(void) { return (char *)allocate_small(10) + SMALL; }

/* Behind it lies a block that was never handed out. */
static void *end_of_live(void) {
    allocate_small(10);
    return (char *)kept[9] + SMALL;
}

static void *large_twice(void) {
    void *block = must(eddy_malloc(LARGE));
    eddy_free(block);
    return block;
}

/* More blocks than a page holds: the first page is not the current one, and is kept. */
static void *page_empty(void) {
    void *block = allocate_small(BLOCKS);
    free_small(0, BLOCKS);
    return block;
}

static void *page_gone(void) {
    void *block = page_empty();
    eddy_collect();
    return block;
}

static void *heap_destroyed(void) {
    eddy_heap_t *heap = must(eddy_heap_new());
    void *block = must(eddy_heap_malloc(heap, SMALL));
    eddy_heap_destroy(heap);
    return block;
}

static void *heap_destroyed_large(void) {
    eddy_heap_t *heap = must(eddy_heap_new());
    void *block = must(eddy_heap_malloc(heap, LARGE));
    eddy_heap_destroy(heap);
    return block;
}

/* The only block of its size. */
static void *only_block(void) {
    void *block = allocate_small(1);
    eddy_free(block);
    return block;
}

/* Others live, and there are more free ones. */
static void *one_of_many(void) {
    void *block = allocate_small(10);
    eddy_free(block);
    return block;
}

static void *ended_heap(void) {
    eddy_heap_t *heap = must(eddy_heap_new());
    (void)must(eddy_heap_malloc(heap, SMALL));
    eddy_heap_destroy(heap);
    return heap;
}

/* The second free is by somebody who still has the pointer of the first owner. */
static void *stale(void) {
    void *block = allocate_small(10);
    eddy_free(block);
    check(eddy_malloc(SMALL) == block);
    return block;
}

static const struct mistake {
    const char *name;
    void *(*make)(void); /* the pointer that is wrong for the call */
} mistakes[] = {
    {"stack", stack},
    {"global", global},
    {"mapped", mapped},
    {"unmapped", unmapped},
    {"number", number},
    {"no_address", no_address},
    {"unopened", unopened},
    {"never_handed_out", never_handed_out},
    {"free_slice", free_slice},
    {"inside_small", inside_small},
    {"inside_other_thread", inside_other_thread},
    {"inside_medium", inside_medium},
    {"inside_large", inside_large},
    {"deep_inside_large", deep_inside_large},
    {"large_twice", large_twice},
    {"page_empty", page_empty},
    {"page_gone", page_gone},
    {"heap_destroyed", heap_destroyed},
    {"heap_destroyed_large", heap_destroyed_large},
    {"only_block", only_block},
    {"one_of_many", one_of_many},
    {"ended_heap", ended_heap},
    {"stale", stale},
    {"live", live},
    {"before_live", before_live},
    {"end_of_live", end_of_live},
};

/* ---- calls ---- */

enum { KEPT_ERRNO = 12345 };

static void call_free(void *pointer) { eddy_free(pointer); }
static void call_free_sized(void *pointer) { eddy_free_sized(pointer, SMALL); }
static void call_free_aligned_sized(void *pointer) { eddy_free_aligned_sized(pointer, 16, SMALL); }

static void *free_two_times(void *pointer) {
    eddy_free(pointer);
    eddy_free(pointer);
    return NULL;
}

static void *free_one_time(void *pointer) {
    eddy_free(pointer);
    return NULL;
}

static void call_twice_by_another(void *pointer) { run_thread(free_two_times, pointer); }

static void call_by_two(void *pointer) {
    eddy_free(pointer);
    run_thread(free_one_time, pointer);
}

static void call_by_another_and_own(void *pointer) {
    run_thread(free_one_time, pointer);
    eddy_free(pointer);
}

static void call_with_wrong_size(void *pointer) { eddy_free_sized(pointer, LARGE); }
static void write_zeros(void *pointer) { memset(pointer, 0, 16); }
static void read_word(void *pointer) { (void)*(volatile size_t *)pointer; }

/* Nothing has been resized. */
static void check_refused(const void *resized) {
    check(resized == NULL && errno == EINVAL);
    errno = KEPT_ERRNO;
}

static void call_realloc(void *pointer) { check_refused(eddy_realloc(pointer, 2 * SMALL)); }
static void call_reallocf(void *pointer) { check_refused(eddy_reallocf(pointer, 2 * SMALL)); }
static void call_expand(void *pointer) { check(eddy_expand(pointer, 1) == NULL); }
static void call_usable_size(void *pointer) { check(eddy_usable_size(pointer) == 0); }

static void call_heap_realloc(void *pointer) {
    check_refused(eddy_heap_realloc(eddy_heap_main(), pointer, 2 * SMALL));
}
static void call_heap_delete(void *heap) { eddy_heap_delete(heap); }
static void call_heap_destroy(void *heap) { eddy_heap_destroy(heap); }

#if WITH_MALLOC
void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t alignment, size_t size);
void cfree(void *block);
size_t malloc_usable_size(void *block);
void operator_delete(void *block) __asm__("_ZdlPv");
void operator_delete_array(void *block, size_t size) __asm__("_ZdaPvm");
void operator_delete_aligned(void *block, size_t alignment) __asm__("_ZdlPvSt11align_val_t");

static void call_c_free_sized(void *pointer) { free_sized(pointer, SMALL); }
static void call_c_free_aligned_sized(void *pointer) { free_aligned_sized(pointer, 16, SMALL); }
static void call_c_realloc(void *pointer) { check_refused(realloc(pointer, 2 * SMALL)); }
static void call_realloc_to_nothing(void *pointer) { check(realloc(pointer, 0) == NULL); }
static void call_reallocarray(void *pointer) { check_refused(reallocarray(pointer, 2, SMALL)); }
static void call_malloc_usable_size(void *pointer) { check(malloc_usable_size(pointer) == 0); }
static void call_delete_array(void *pointer) { operator_delete_array(pointer, SMALL); }
static void call_delete_aligned(void *pointer) { operator_delete_aligned(pointer, 16); }
#endif

static const struct call {
    const char *name;
    const char *reported_as;
    void (*call)(void *pointer);
} calls[] = {
    {"eddy_free", "free", call_free},
    {"eddy_free_sized", "free_sized", call_free_sized},
    {"eddy_free_aligned_sized", "free_aligned_sized", call_free_aligned_sized},
    {"eddy_realloc", "realloc", call_realloc},
    {"eddy_reallocf", "realloc", call_reallocf},
    {"eddy_expand", "eddy_expand", call_expand},
    {"eddy_usable_size", "malloc_usable_size", call_usable_size},
    {"twice_by_another", "free", call_twice_by_another},
    {"by_two", "free", call_by_two},
    {"by_another_and_own", "free", call_by_another_and_own},
    {"wrong_size", "free_sized", call_with_wrong_size},
    {"write", "malloc", write_zeros},
    {"eddy_heap_realloc", "realloc", call_heap_realloc},
    {"eddy_heap_delete", "eddy_heap_delete", call_heap_delete},
    {"eddy_heap_destroy", "eddy_heap_destroy", call_heap_destroy},
    {"read", "", read_word},
#if WITH_MALLOC
    {"free", "free", free},
    {"cfree", "cfree", cfree},
    {"free_sized", "free_sized", call_c_free_sized},
    {"free_aligned_sized", "free_aligned_sized", call_c_free_aligned_sized},
    {"delete", "operator delete", operator_delete},
    {"delete_array", "operator delete", call_delete_array},
    {"delete_aligned", "operator delete", call_delete_aligned},
    {"realloc", "realloc", call_c_realloc},
    {"realloc_to_nothing", "realloc", call_realloc_to_nothing},
    {"reallocarray", "realloc", call_reallocarray},
    {"malloc_usable_size", "malloc_usable_size", call_malloc_usable_size},
#endif
};

/* ---- the program around the mistake ---- */

static void told(int error, const char *message, const void *pointer, void *argument) {
    (void)argument;
    dprintf(STDOUT_FILENO, "told %d %p %s\n", error, (void *)(uintptr_t)pointer, message);
    /* It may use the allocator. */
    eddy_free(must(eddy_malloc(SMALL)));
}

/* Blocks of all sizes but SMALL, where most mistakes are made. */
enum { BYSTANDERS = 400 };
static void *bystanders[BYSTANDERS];

static size_t bystander_size(size_t i) { return i % 40 == 0 ? 100 * KIB + i : 64 + i * i / 8; }

static void allocate_bystanders(void) {
    for (size_t i = 0; i < BYSTANDERS; i++) {
        bystanders[i] = must(eddy_malloc(bystander_size(i)));
        fill(bystanders[i], bystander_size(i), (unsigned)i);
    }
}

static void free_bystanders(void) {
    for (size_t i = 0; i < BYSTANDERS; i++) {
        check(is_filled(bystanders[i], bystander_size(i), (unsigned)i));
        eddy_free(bystanders[i]);
    }
}

static void use_small(void) {
    for (size_t i = 0; i < BLOCKS; i++) {
        kept[i] = must(eddy_malloc(SMALL));
        memset(kept[i], 0, SMALL);
    }
}

/* No two live blocks overlap, whatever was reported. */
static void check_sound(void) {
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < BLOCKS; i++) fill(kept[i] = must(eddy_malloc(SMALL)), SMALL, i);
        for (size_t i = 0; i < BLOCKS; i++) check(is_filled(kept[i], SMALL, i));
        free_small(0, BLOCKS);
        free_bystanders();
        allocate_bystanders();
        eddy_collect();
    }
    dprintf(STDOUT_FILENO, "sound\n");
}

static const struct mistake *find_mistake(const char *name) {
    size_t i = 0;
    while (i < LENGTH(mistakes) && strcmp(mistakes[i].name, name) != 0) i++;
    return i < LENGTH(mistakes) ? &mistakes[i] : NULL;
}

static const struct call *find_call(const char *name) {
    size_t i = 0;
    while (i < LENGTH(calls) && strcmp(calls[i].name, name) != 0) i++;
    return i < LENGTH(calls) ? &calls[i] : NULL;
}

int main(int argc, char **argv) {
    const struct mistake *mistake = argc < 3 ? NULL : find_mistake(argv[1]);
    const struct call *call = argc < 3 ? NULL : find_call(argv[2]);
    if (mistake == NULL || call == NULL) return EXIT_FAILURE;
    bool goes_on = argc > 3;

    allocate_bystanders();
    void *pointer = mistake->make();
    dprintf(STDOUT_FILENO, "%s(%p)\n", call->reported_as, pointer);
    if (goes_on) eddy_on_error(told, NULL);
    errno = KEPT_ERRNO;
    call->call(pointer);
    check(errno == KEPT_ERRNO);
    use_small();
    if (goes_on) check_sound();
    return EXIT_SUCCESS;
}
