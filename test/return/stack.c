/* The stack of the thread that returns memory is small, and the deepest of its work leaves most of
 * it untouched.
 * SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/mman.h>

#include "common/guest.h"

const char *eddy_options = "scavenger=always decay_ms=20 stats=signal:10";

enum { SIGNAL = 10, ROUNDS = 20, THREADS = 4 };

/* The address space that docs/design.md grants it. */
enum { STACK_MOST = 256 << 10 };

/* ---- work of all kinds ---- */

/* Freed by the thread that comes next. */
static void *left[THREADS][LITTLE / 4 / BLOCK];

static void *work(void *number) {
    size_t own = (uintptr_t)number;
    eddy_heap_t *heap = eddy_heap_new();
    check(heap != NULL && eddy_heap_malloc(heap, BLOCK) != NULL);
    for (size_t i = 0; i < LENGTH(left[own]); i++) {
        free(left[own][i]);
        check((left[own][i] = malloc(BLOCK)) != NULL);
    }
    burst(LITTLE);
    free(malloc(LITTLE));
    eddy_heap_destroy(heap);
    return NULL;
}

static void work_in_threads(void) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        check(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) check(pthread_join(threads[i], NULL) == 0);
}

/* ---- what the stack was used for ---- */

/* Where the thread's stack stands while it sleeps; 0 when the system does not tell. */
static uintptr_t stack_pointer(int thread) {
    char path[64], text[256] = "";
    unsigned long number = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", thread);
    for (int ms = 0; number == 0 && ms < PATIENCE_MS; ms += 10) {
        FILE *file = fopen(path, "r");
        if (file == NULL) return 0;
        if (fgets(text, sizeof text, file) == NULL) text[0] = '\0';
        fclose(file);
        if (sscanf(text, "%*s %*s %*s %*s %*s %*s %*s %lx", &number) != 1) pause_ms(10);
    }
    return number;
}

/* The lowest address of the mapping that this one lies in. */
static uintptr_t mapping_start(uintptr_t address) {
    char line[512];
    unsigned long start, end, found = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    check(file != NULL);
    while (found == 0 && fgets(line, sizeof line, file) != NULL) {
        check(sscanf(line, "%lx-%lx", &start, &end) == 2);
        if (start <= address && address < end) found = start;
    }
    fclose(file);
    return found;
}

static size_t untouched_bytes(uintptr_t lowest, uintptr_t highest) {
    unsigned char present[STACK_MOST / 4096];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (highest - lowest) / page, first = 0;
    check(mincore((void *)lowest, pages * page, present) == 0);
    while (first < pages && (present[first] & 1) == 0) first++;
    return first * page;
}

static void use_stack(void) {
    int reports = memfd_create("reports", MFD_CLOEXEC), errors = dup(STDERR_FILENO);
    check(reports >= 0 && dup2(reports, STDERR_FILENO) >= 0);
    start_it();
    for (int i = 0; i < ROUNDS; i++) {
        work_in_threads();
        check(raise(SIGNAL) == 0);
        pause_ms(30);
    }
    check(dup2(errors, STDERR_FILENO) >= 0 && lseek(reports, 0, SEEK_END) > 0);
    uintptr_t sleeping = stack_pointer(scavenger());
    if (sleeping == 0) _exit(SKIPPED);
    uintptr_t lowest = mapping_start(sleeping);
    check(lowest != 0 && sleeping - lowest < STACK_MOST);
    check(untouched_bytes(lowest, sleeping) > STACK_MOST / 4 * 3);
}

static void the_stack_is_small_and_suffices(void **state) {
    (void)state;
    assert_in_child(use_stack);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stack_is_small_and_suffices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
